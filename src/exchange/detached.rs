//! Which attachment a detached signature of the same message is about.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

use crate::envelope::Check;
use crate::finding::Finding;

/// Signature files over one attachment that are looked at: each has to be validated over the whole of it.
const MOST: usize = 16;

/// What remains of a name where its form is left aside.
pub(super) fn folded(text: &str) -> String {
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the name is one of a detached signature.
pub(super) fn is_name(name: Option<&str>) -> bool {
    name.is_some_and(|name| folded(name).ends_with(".p7s"))
}

/// A signature file, and what is to be said of its content should that not be inside of it.
pub(super) struct Signature {
    pub(super) index: usize,
    pub(super) finding: Option<Finding>,
}

/// Puts each of the `signatures` to the attachment that it is about: `X.pdf.p7s` to `X.pdf`, else `X.p7s` to
/// the one whose name without extension is `X`. Where none or several can be meant, to none.
pub(super) fn pair(check: &Check, signatures: &[usize]) -> BTreeMap<Option<usize>, Vec<Signature>> {
    let names: Vec<String> = check.attachments.iter().map(|a| folded(a.name.as_deref().unwrap_or_default())).collect();
    let mut pairs: BTreeMap<Option<usize>, Vec<Signature>> = BTreeMap::new();
    for index in signatures {
        let own = names.get(*index).map(String::as_str).unwrap_or_default();
        let stem = own.strip_suffix(".p7s").unwrap_or(own).trim_end();
        let of = |fits: &dyn Fn(&str) -> bool| -> Vec<usize> {
            let others = names.iter().enumerate().filter(|(other, name)| other != index && fits(name));
            others.map(|(other, _)| other).collect()
        };
        let mut candidates = of(&|name| name == stem);
        if candidates.is_empty() {
            candidates =
                of(&|name| name.rsplit_once('.').is_some_and(|(start, extension)| start == stem && extension != "p7s"));
        }
        let is_whole = |at: &usize| check.attachments.get(*at).is_some_and(|a| a.content.is_some());
        let (content, finding) = match candidates.as_slice() {
            [one] if !is_whole(one) => {
                let message = format!("attachment {}, which it is about by its name, is damaged", one + 1);
                (None, Some(Finding::warning("ATTACHMENT_CONTENT_MISSING", message)))
            }
            [one] if pairs.get(&Some(*one)).is_some_and(|taken| taken.len() >= MOST) => {
                let message = format!("more than {MOST} signature files are about attachment {}", one + 1);
                (None, Some(Finding::warning("ATTACHMENT_CONTENT_AMBIGUOUS", message)))
            }
            [one] => (Some(*one), None),
            [] => {
                let message = "no attachment has the name that this signature file is about";
                (None, Some(Finding::warning("ATTACHMENT_CONTENT_MISSING", message)))
            }
            several => {
                let several: Vec<String> = several.iter().take(MOST).map(|at| (at + 1).to_string()).collect();
                let message = format!("by its name it may be about any of the attachments {}", several.join(", "));
                (None, Some(Finding::warning("ATTACHMENT_CONTENT_AMBIGUOUS", message)))
            }
        };
        pairs.entry(content).or_default().push(Signature { index: *index, finding });
    }
    pairs
}
