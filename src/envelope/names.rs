//! File names from declared names, which are never used as they stand.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

/// Octets of a file name; most file systems hold 255.
const LONGEST: usize = 200;

/// Names that Windows keeps for devices, with any extension.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "conin$", "conout$", "clock$"];

/// Why a declared name is dangerous, if it is: it leads out of a folder, or shows
/// another extension than it has.
pub(super) fn danger(name: &str) -> Option<&'static str> {
    if name.contains(['/', '\\']) || name == ".." || name == "." {
        return Some("it is a path");
    }
    if name.chars().any(char::is_control) {
        return Some("it holds control characters");
    }
    if name.chars().any(is_invisible) {
        return Some("it holds characters that change how it is shown");
    }
    None
}

/// One component of a path that every system takes, from whatever a message
/// declares; `number` names what has no usable name.
pub(super) fn safe(declared: Option<&str>, number: usize) -> String {
    let name = declared.unwrap_or_default();
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last
        .nfc()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    // A leading dot hides a file, a trailing dot or blank is dropped by Windows.
    let kept = kept.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
    let (stem, extension) = match kept.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() && extension.len() <= 16 => (stem, Some(extension)),
        _ => (kept, None),
    };
    if stem.is_empty() {
        return format!("attachment-{number}");
    }
    let first = stem.split('.').next().unwrap_or(stem).trim_end().to_lowercase();
    let port = |p: &str| {
        let rest = first.strip_prefix(p);
        rest.is_some_and(|r| r.chars().count() == 1 && r.chars().all(|c| c.is_ascii_digit() || "¹²³".contains(c)))
    };
    let device = DEVICES.contains(&first.as_str()) || port("com") || port("lpt");
    let mut out = if device { format!("_{stem}") } else { stem.to_owned() };
    let room = LONGEST - extension.map_or(0, |e| e.len() + 1);
    while out.len() > room {
        out.pop();
    }
    let mut out = out.trim_end_matches(['.', ' ']).to_owned();
    if let Some(extension) = extension {
        out.push('.');
        out.push_str(extension);
    }
    out
}

/// Makes names differ even where a file system ignores letter case.
pub(super) fn distinct(names: Vec<String>) -> Vec<String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut counters: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let mut out = Vec::with_capacity(names.len());
    for name in names {
        let mut candidate = name.clone();
        let counter = counters.entry(folded(&name)).or_insert(1);
        while !taken.insert(folded(&candidate)) {
            *counter += 1;
            candidate = match name.rsplit_once('.') {
                Some((stem, extension)) => format!("{stem} ({counter}).{extension}"),
                None => format!("{name} ({counter})"),
            };
        }
        out.push(candidate);
    }
    out
}

fn folded(name: &str) -> String {
    name.nfkd().flat_map(char::to_lowercase).collect()
}

/// Direction marks, zero-width characters and their like.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFF}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_harmless_component() {
        for (declared, wanted) in [
            ("Công văn 12.pdf", "Công văn 12.pdf"),
            ("../../etc/passwd", "passwd"),
            ("..\\..\\Windows\\win.ini", "win.ini"),
            ("C:\\x\\con.pdf", "_con.pdf"),
            ("COM1", "_COM1"),
            ("nul.tar.gz", "_nul.tar.gz"),
            ("a\u{0}b\n.pdf", "ab.pdf"),
            ("bao-cao\u{202E}fdp.exe", "bao-caofdp.exe"),
            ("a:b*?.pdf", "a_b__.pdf"),
            ("...", "attachment-7"),
            ("", "attachment-7"),
            ("/", "attachment-7"),
            (".htaccess", "htaccess"),
            ("trailing. . ", "trailing"),
            ("x.pdf.", "x.pdf"),
        ] {
            assert_eq!(safe(Some(declared), 7), wanted, "{declared:?}");
        }
        assert_eq!(safe(None, 2), "attachment-2");
        let decomposed: String = "Công văn.pdf".nfd().collect();
        assert_eq!(safe(Some(&decomposed), 1), "Công văn.pdf");
        let long = safe(Some(&format!("{}.pdf", "ạ".repeat(300))), 1);
        assert!(long.len() <= LONGEST && long.ends_with(".pdf"), "{long}");
    }

    #[test]
    fn names_are_told_apart_without_letter_case() {
        let names = ["a.pdf", "A.PDF", "a.pdf", "a (2).pdf", "b"].map(str::to_owned).to_vec();
        let out = distinct(names);
        assert_eq!(out, ["a.pdf", "A (2).PDF", "a (3).pdf", "a (2) (2).pdf", "b"]);
        assert_eq!(distinct(vec!["x".to_owned(); 3_000]).len(), 3_000);
    }

    #[test]
    fn danger_is_named() {
        for bad in ["../x", "a\\b", "..", "x\u{202E}y", "a\tb"] {
            assert!(danger(bad).is_some(), "{bad:?}");
        }
        assert_eq!(danger("Công văn (2).pdf"), None);
    }
}
