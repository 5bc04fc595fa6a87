//! From elements to values: order-insensitive, keeping the place of everything, remarking on what deviates.

use std::fmt;
use std::str::FromStr;

use crate::envelope::identifier::DocumentId;
use crate::envelope::identifier::OrganId;
use crate::envelope::value::Coded;
use crate::envelope::value::Date;
use crate::envelope::value::Timestamp;
use crate::envelope::value::quoted;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::time::Time;
use crate::xml::Element;
use crate::xml::Tree;

/// The namespace of QCVN 102:2016/BTTTT.
pub(super) const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
/// The namespace of XML signatures.
pub(super) const XMLDSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
/// The prefix that national receivers expect inside of the envelope.
pub(super) const PREFIX: &str = "edXML";

/// An element and the way to it.
#[derive(Clone, Copy)]
pub(super) struct At<'t, 'p> {
    pub(super) element: &'t Element,
    parent: Option<&'p Self>,
    /// From 1 where there may be several, else 0.
    index: usize,
}

impl<'t> At<'t, '_> {
    pub(super) const fn root(element: &'t Element) -> Self {
        Self { element, parent: None, index: 0 }
    }

    pub(super) fn place(&self) -> Place {
        Place { path: self.to_string(), line: self.element.line }
    }
}

/// Where an element stood, when the tree is gone.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: String,
    line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.path, self.line)
    }
}

impl fmt::Display for At<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            fmt::Display::fmt(parent, f)?;
        }
        write!(f, "/{}", self.element.local)?;
        if self.index > 0 { write!(f, "[{}]", self.index) } else { Ok(()) }
    }
}

/// How a value is judged.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    /// The number of the field in QCVN 102, or what it belongs to.
    pub(super) number: &'static str,
    /// Most characters; 0 where no rule is known.
    pub(super) longest: usize,
    /// Whether an empty element is as bad as none.
    needed: bool,
}

pub(super) const fn rule(number: &'static str, longest: usize) -> Rule {
    Rule { number, longest, needed: false }
}

impl Rule {
    pub(super) const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }
}

/// The findings of one message, and what the reading of values needs to know.
pub(super) struct Remarks<'t> {
    pub(super) tree: &'t Tree,
    /// With the line by which they are put in order.
    findings: Vec<(u64, Finding)>,
    unknown: Vec<(String, &'t Element)>,
    prefix_told: bool,
    namespace_told: bool,
    /// The prefix that receivers expect where reading stands.
    pub(super) expected_prefix: &'static str,
    /// Dates after this instant are remarked on.
    pub(super) now: Option<Time>,
}

/// More findings than a person reads and a report should hold.
const MOST_FINDINGS: usize = 1_000;

impl<'t> Remarks<'t> {
    pub(super) const fn new(tree: &'t Tree, now: Option<Time>) -> Self {
        Self {
            tree,
            findings: Vec::new(),
            unknown: Vec::new(),
            prefix_told: false,
            namespace_told: false,
            expected_prefix: PREFIX,
            now,
        }
    }

    pub(super) fn tell(&mut self, severity: Severity, code: &'static str, at: &At<'_, '_>, message: impl Into<String>) {
        if self.findings.len() <= MOST_FINDINGS {
            self.tell_at(severity, code, &at.place(), message);
        }
    }

    pub(super) fn tell_at(&mut self, severity: Severity, code: &'static str, at: &Place, message: impl Into<String>) {
        match self.findings.len() {
            MOST_FINDINGS => {
                let finding = Finding::error("FINDINGS_CUT", "further findings are left out");
                self.findings.push((u64::MAX, finding));
            }
            n if n > MOST_FINDINGS => {}
            _ => self.findings.push((at.line, Finding::new(severity, code, message).at(at))),
        }
    }

    pub(super) fn error(&mut self, code: &'static str, at: &At<'_, '_>, message: impl Into<String>) {
        self.tell(Severity::Error, code, at, message);
    }

    pub(super) fn warn(&mut self, code: &'static str, at: &At<'_, '_>, message: impl Into<String>) {
        self.tell(Severity::Warning, code, at, message);
    }

    /// The findings in document order, and the elements that no rule knows.
    pub(super) fn into_parts(mut self) -> (Vec<Finding>, Vec<(String, &'t Element)>) {
        self.findings.sort_by_key(|(line, _)| *line);
        (self.findings.into_iter().map(|(_, finding)| finding).collect(), self.unknown)
    }

    /// Sorts the children of an element by the names that the rules know there.
    pub(super) fn fields<'p>(&mut self, at: &'p At<'t, 'p>, names: &'static [&'static str]) -> Fields<'t, 'p> {
        let mut slots = vec![Vec::new(); names.len()];
        for child in self.tree.children(at.element) {
            let ours = match child.namespace.as_deref() {
                Some(NAMESPACE) => true,
                Some(XMLDSIG) => *child.local == *"Signature",
                None => {
                    self.tell_namespace(&At { element: child, parent: Some(at), index: 0 });
                    true
                }
                Some(_) => false,
            };
            let slot = names.iter().position(|name| ours && **name == *child.local);
            match slot.and_then(|slot| slots.get_mut(slot)) {
                Some(slot) => slot.push(child),
                None => self.unknown(&At { element: child, parent: Some(at), index: 0 }),
            }
        }
        if !at.element.text.trim().is_empty() {
            let message = format!("text between the elements: {}", quoted(at.element.text.trim()));
            self.warn("TEXT_UNEXPECTED", at, message);
        }
        Fields { at, names, slots }
    }

    /// The items of a list, which are all of one kind. That there are none is a finding: what
    /// is meant for nobody and what is meant for all look the same then.
    pub(super) fn items<'p>(
        &mut self,
        at: &'p At<'t, 'p>,
        names: &'static [&'static str],
        number: &'static str,
    ) -> Vec<At<'t, 'p>> {
        let f = self.fields(at, names);
        let items = names.first().map(|name| f.all(name)).unwrap_or_default();
        if items.is_empty() {
            self.warn("VALUE_EMPTY", at, format!("the list ({number}) is there and empty"));
        }
        items
    }

    /// An element that no rule knows is kept as it stands, and reported.
    pub(super) fn unknown(&mut self, at: &At<'t, '_>) {
        if self.findings.len() <= MOST_FINDINGS {
            self.unknown.push((at.to_string(), at.element));
        }
        let namespace = at.element.namespace.as_deref().filter(|n| *n != NAMESPACE);
        let message = match namespace {
            Some(namespace) => format!("no rule knows the element {} of {}", at.element.name(), quoted(namespace)),
            None => format!("no rule knows the element {} here", at.element.name()),
        };
        self.warn("ELEMENT_UNKNOWN", at, message);
    }

    /// Receivers at the national level look at prefixes, though names mean the same under any.
    pub(super) fn prefix(&mut self, at: &At<'_, '_>, expected: &str) {
        if *at.element.prefix != *expected && !self.prefix_told {
            self.prefix_told = true;
            let expected = if expected.is_empty() { "no prefix" } else { "the prefix edXML:" };
            let name = at.element.name();
            self.warn("PREFIX_UNEXPECTED", at, format!("receivers expect {expected} here, found {name}"));
        }
    }

    pub(super) fn tell_namespace(&mut self, at: &At<'_, '_>) {
        if !self.namespace_told {
            self.namespace_told = true;
            let message = format!("elements stand in no namespace; they are taken for those of {NAMESPACE}");
            self.error("NAMESPACE_MISSING", at, message);
        }
    }

    /// The text of a leaf, without the white space around it; `None` where there is nothing.
    fn leaf(&mut self, at: &At<'t, '_>) -> Option<String> {
        self.prefix(at, self.expected_prefix);
        let children: Vec<&'t Element> = self.tree.children(at.element).collect();
        for element in children {
            self.unknown(&At { element, parent: Some(at), index: 0 });
        }
        let text = at.element.text.trim();
        if text.len() != at.element.text.len() && !text.is_empty() {
            self.warn("VALUE_PADDED", at, "white space around the value");
        }
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A leaf with its length judged.
    pub(super) fn value(&mut self, at: &At<'t, '_>, rule: Rule) -> Option<String> {
        let Some(text) = self.leaf(at) else {
            let message = format!("the field ({}) is there and empty", rule.number);
            let severity = if rule.needed { Severity::Error } else { Severity::Warning };
            self.tell(severity, "VALUE_EMPTY", at, message);
            return None;
        };
        self.length(at, rule, &text);
        Some(text)
    }

    fn length(&mut self, at: &At<'_, '_>, rule: Rule, text: &str) {
        use unicode_normalization::UnicodeNormalization;
        // Decomposed Vietnamese takes up to three characters where the composed form takes one.
        if rule.longest > 0 && text.len() > rule.longest {
            let length = text.nfc().count();
            if length > rule.longest {
                let message = format!("{length} characters; the field ({}) holds {}", rule.number, rule.longest);
                self.warn("VALUE_TOO_LONG", at, message);
            }
        }
    }

    /// A leaf with a closed form.
    pub(super) fn coded<T: FromStr>(&mut self, at: &At<'t, '_>, rule: Rule, form: &Form<T>) -> Option<Coded<T>> {
        let text = self.value(at, rule)?;
        let coded = Coded::from(text.as_str());
        if coded.known().is_some() {
            return Some(coded);
        }
        if let Some(value) = (form.lenient)(&text) {
            let message = format!("{} instead of {} ({})", quoted(&text), form.expected, rule.number);
            self.warn("VALUE_FORM", at, message);
            return Some(Coded::Known(value));
        }
        let message = format!("expected {} ({}), found {}", form.expected, rule.number, quoted(&text));
        self.tell(form.severity, "VALUE_INVALID", at, message);
        Some(coded)
    }

    pub(super) fn organ_id(&mut self, at: &At<'t, '_>, number: &'static str) -> Option<OrganId> {
        let id = OrganId::new(self.value(at, rule(number, OrganId::LONGEST).needed())?);
        if id.scheme().is_none() {
            let message = format!("{} follows neither QCVN 102:2016 nor Decision 20/2020/QĐ-TTg", quoted(id.as_str()));
            self.warn("ORGAN_ID_SCHEME", at, message);
        }
        Some(id)
    }

    pub(super) fn document_id(&mut self, at: &At<'t, '_>, number: &'static str) -> Option<DocumentId> {
        use crate::envelope::identifier::DocumentIdForm;
        let id = DocumentId::new(self.value(at, rule(number, 0).needed())?);
        match id.form() {
            DocumentIdForm::Convention { date: None, .. } => {
                let message = format!("{} holds a date that no calendar has", quoted(id.as_str()));
                self.warn("DOCUMENT_ID_FORM", at, message);
            }
            DocumentIdForm::Unknown => {
                let message = format!("{} is neither code,date,number/symbol nor a UUID", quoted(id.as_str()));
                self.warn("DOCUMENT_ID_FORM", at, message);
            }
            _ => {}
        }
        Some(id)
    }

    pub(super) fn date(&mut self, at: &At<'t, '_>, number: &'static str, severity: Severity) -> Option<Coded<Date>> {
        let form = Form { expected: "yyyy/MM/dd", severity, lenient: Date::parse_lenient };
        let date = self.coded(at, rule(number, 0), &form)?;
        let today = self.now.map(Date::of);
        if let (Some(date), Some(today)) = (date.known(), today)
            && *date > today
            && severity == Severity::Error
        {
            self.warn("DATE_IN_FUTURE", at, format!("{date} ({number}) is after {today}"));
        }
        Some(date)
    }

    pub(super) fn timestamp(&mut self, at: &At<'t, '_>, number: &'static str) -> Option<Coded<Timestamp>> {
        let form =
            Form { expected: "yyyy/MM/dd HH:mm:ss", severity: Severity::Warning, lenient: Timestamp::parse_lenient };
        self.coded(at, rule(number, 0), &form)
    }
}

/// What a closed form expects, how much a miss weighs, and what else is understood.
pub(super) struct Form<T> {
    pub(super) expected: &'static str,
    pub(super) severity: Severity,
    pub(super) lenient: fn(&str) -> Option<T>,
}

/// The children of one element, by name.
pub(super) struct Fields<'t, 'p> {
    at: &'p At<'t, 'p>,
    names: &'static [&'static str],
    slots: Vec<Vec<&'t Element>>,
}

impl<'t, 'p> Fields<'t, 'p> {
    /// Every element of this name.
    pub(super) fn all(&self, name: &str) -> Vec<At<'t, 'p>> {
        let slot = self.names.iter().position(|n| *n == name).and_then(|i| self.slots.get(i));
        let at = |(i, element): (usize, &&'t Element)| At { element, parent: Some(self.at), index: i + 1 };
        slot.map(|slot| slot.iter().enumerate().map(at).collect()).unwrap_or_default()
    }

    /// The element of this name, which may stand once.
    pub(super) fn one(&self, to: &mut Remarks<'t>, name: &str) -> Option<At<'t, 'p>> {
        let all = self.all(name);
        let mut all = all.into_iter();
        let first = all.next()?;
        if let Some(second) = all.next() {
            to.error("ELEMENT_REPEATED", &second, format!("{name} may stand once; the first one counts"));
        }
        Some(At { index: 0, ..first })
    }

    /// As [`one`](Self::one), and its absence is a finding.
    pub(super) fn needed(
        &self,
        to: &mut Remarks<'t>,
        name: &str,
        number: &'static str,
        severity: Severity,
    ) -> Option<At<'t, 'p>> {
        let one = self.one(to, name);
        if one.is_none() {
            to.tell(severity, "ELEMENT_MISSING", self.at, format!("{name} ({number}) is missing"));
        }
        one
    }

    /// The text of an optional element.
    pub(super) fn text(&self, to: &mut Remarks<'t>, name: &str, rule: Rule) -> Option<String> {
        let at = self.one(to, name)?;
        to.value(&at, rule)
    }

    /// The text of an element that must be there.
    pub(super) fn needed_text(&self, to: &mut Remarks<'t>, name: &str, rule: Rule) -> String {
        let at = self.needed(to, name, rule.number, Severity::Error);
        at.and_then(|at| to.value(&at, rule.needed())).unwrap_or_default()
    }

    /// The place of the element whose children these are.
    pub(super) const fn at(&self) -> &'p At<'t, 'p> {
        self.at
    }
}
