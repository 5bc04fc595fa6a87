//! What later revisions changed, and whether the signatures permit it.
//!
//! Judged revision by revision, by allow-list: a changed object is accepted
//! only if every way that reaches it from the trailer belongs to a rule that
//! accepts the change. What no rule knows is [`ChangeLevel::Other`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Error;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::pdf::changes_graph::Graph;
use crate::pdf::changes_graph::Owner;
use crate::pdf::changes_graph::Role;
use crate::pdf::changes_rules::Judge;
use crate::pdf::document::Pdf;
use crate::pdf::document::Revision;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::signature::Coverage;
use crate::pdf::signature::FieldLock;
use crate::pdf::signature::Permission;
use crate::pdf::signature::SignatureFacts;
use crate::pdf::signature::SignatureKind;

/// The kind of a change, from harmless to forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ChangeLevel {
    /// Nothing changed.
    None,
    /// Validation data, document time-stamps, metadata.
    Lta,
    /// Filling in fields and signing.
    Form,
    /// Annotations that are no form fields.
    Annotation,
    /// Anything else, also what could not be understood.
    Other,
}

impl ChangeLevel {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lta => "lta",
            Self::Form => "form",
            Self::Annotation => "annotation",
            Self::Other => "other",
        }
    }
}

/// The rule of a field's value and what it shows.
pub(super) const FORM_FILLING: &str = "form filling";
/// The rule of a signature in a field that was there before.
pub(super) const SIGNING_A_FIELD: &str = "signing an existing field";

/// One change that a revision made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The changed object; `None` for the trailer.
    pub object: Option<Reference>,
    /// The index of the revision that made it.
    pub revision: usize,
    /// Its kind.
    pub level: ChangeLevel,
    /// The rule that knows it, or that it breaks.
    pub rule: &'static str,
    /// What changed, for a person.
    pub reason: String,
    /// The form field concerned, where it is one.
    pub field: Option<FieldChange>,
}

/// The rules that a caller may waive by name: see [`Change::rule`].
///
/// Not among them are `content`, `structure`, `trailer` and `list`: without them it is not known what a
/// document shows.
pub const RELAXABLE_RULES: [&str; 11] = [
    "annotation",
    "annotations",
    "catalogue",
    "field",
    "form",
    "form fields",
    "form filling",
    "form resources",
    "new field",
    "new signature field",
    "page",
];

/// The form field that a [`Change`] concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldChange {
    /// A field of this name, which existed before.
    Existing(String),
    /// A new signature field that shows nothing.
    NewInvisible(String),
    /// A new signature field with an appearance on a page.
    NewVisible(String),
    /// Which field is not known.
    Unknown,
}

/// What changed after one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changes {
    /// The highest level in the list.
    pub level: ChangeLevel,
    /// Whether every change is permitted by the certification and the locks in force when it was made.
    ///
    /// Without a certification, filling in, signing and validation data are permitted.
    pub permitted: bool,
    /// The changes, in the order of the revisions.
    pub list: Vec<Change>,
}

/// The changes of every revision that follows a signature, judged once.
#[derive(Debug)]
pub struct History {
    /// Each with whether it is permitted.
    changes: Vec<(Change, bool)>,
}

/// What one signature demands of the revisions after its own.
#[derive(Debug)]
struct Constraint {
    revision: usize,
    permission: Option<Permission>,
    locks: Vec<FieldLock>,
}

impl Pdf<'_> {
    /// Judges every revision after the first of `signatures`; nothing is read if there is none.
    ///
    /// # Errors
    /// Where the catalogue cannot be read, or a limit is reached. An object that
    /// cannot be read is a change of level [`Other`](ChangeLevel::Other).
    pub fn history(&self, signatures: &[SignatureFacts]) -> Result<History, Error> {
        let mut changes = Vec::new();
        // Usage rights forbid nobody anything: readers without them change what they like.
        let signatures = || signatures.iter().filter(|signature| signature.kind != SignatureKind::UsageRights);
        let first = signatures().map(|signature| signature.revision).min().unwrap_or(usize::MAX);
        for (old, new) in self.revisions().zip(self.revisions().skip(1)) {
            if old.index() >= first {
                changes.extend_from_slice(&self.step(&old, &new)?);
            }
        }
        // Two readers see different documents, and only one of them is judged here. Behind the
        // last end some look for objects, or search backwards for a table (the ISA attack).
        for fault in self.findings().iter().filter(|finding| finding.severity() == Severity::Error) {
            changes.push(Change {
                object: None,
                revision: self.fault_revision(fault),
                level: ChangeLevel::Other,
                rule: "structure",
                reason: fault.message().to_owned(),
                field: None,
            });
        }
        changes.sort_by_key(|change| change.revision);
        let rules: Vec<Constraint> = signatures()
            .map(|signature| {
                let locks = signature.locks.iter().filter_map(|lock| lock.permission).min();
                Constraint {
                    revision: signature.revision,
                    permission: signature.certification.into_iter().chain(locks).min(),
                    locks: signature.locks.clone(),
                }
            })
            .collect();
        let changes = changes.into_iter().map(|change| {
            let permitted = permits(&rules, &change);
            (change, permitted)
        });
        Ok(History { changes: changes.collect() })
    }

    /// What `new` changed in `old`; judged once, however often the document is validated.
    fn step(&self, old: &Revision<'_>, new: &Revision<'_>) -> Result<Arc<[Change]>, Error> {
        if let Some(known) = self.steps.borrow().get(&new.index()) {
            return Ok(Arc::clone(known));
        }
        let mut changes = Vec::new();
        step(old, new, &mut changes)?;
        let changes: Arc<[Change]> = changes.into();
        self.steps.borrow_mut().insert(new.index(), Arc::clone(&changes));
        Ok(changes)
    }

    /// The revision that brought a fault of structure in. An ambiguous section is laid to its own:
    /// whoever signed the revision signed that. Anything else counts against every signature.
    fn fault_revision(&self, fault: &Finding) -> usize {
        let ambiguous = matches!(fault.code(), "PDF_XREF_CONFLICT" | "PDF_DUPLICATE_KEY");
        let offset: Option<u64> = fault.place().filter(|_| ambiguous).and_then(|place| place.parse().ok());
        let own = offset.and_then(|offset| self.revisions().find(|revision| revision.has_section(offset)));
        own.map_or_else(|| self.revisions().len(), |revision| revision.index())
    }
}

impl Changes {
    /// Whether a field other than one that was signed got a value or an appearance.
    #[must_use]
    pub fn fills_forms(&self) -> bool {
        let by = |rule: &'static str| self.list.iter().filter(move |change| change.rule == rule);
        let name = |change: &'_ Change| match &change.field {
            Some(FieldChange::Existing(name)) => Some(name.clone()),
            _ => None,
        };
        let signed: BTreeSet<String> = by(SIGNING_A_FIELD).filter_map(name).collect();
        by(FORM_FILLING).any(|change| name(change).is_none_or(|name| !signed.contains(&name)))
    }
}

impl History {
    /// The changes after `signature`, which must be one of those the history was made for.
    #[must_use]
    pub fn after(&self, signature: &SignatureFacts) -> Changes {
        let after = || self.changes.iter().filter(|(change, _)| change.revision > signature.revision);
        let list: Vec<Change> = after().map(|(change, _)| change.clone()).collect();
        let level = list.iter().map(|change| change.level).max().unwrap_or(ChangeLevel::None);
        // Of what is not covered as a whole revision, nobody can say what changed.
        let permitted = after().all(|(_, permitted)| *permitted) && signature.coverage != Coverage::Partial;
        Changes { level, permitted, list }
    }

    /// All changes, in the order of the revisions.
    #[must_use]
    pub fn all(&self) -> Vec<Change> {
        self.changes.iter().map(|(change, _)| change.clone()).collect()
    }

    /// Permits what breaks no rule but those of which `relaxed` is true.
    pub(crate) fn relax(&mut self, relaxed: impl Fn(&str) -> bool) {
        for (change, permitted) in &mut self.changes {
            *permitted |= relaxed(change.rule);
        }
    }

    /// The changes that no rule and no signature permits.
    pub fn forbidden(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|(_, permitted)| !permitted).map(|(change, _)| change)
    }
}

/// Whether the signatures that stood when `change` was made permit it.
fn permits(rules: &[Constraint], change: &Change) -> bool {
    let in_force = || rules.iter().filter(|rule| rule.revision < change.revision);
    let permission = in_force().filter_map(|rule| rule.permission).min();
    match change.level {
        ChangeLevel::None | ChangeLevel::Lta => true,
        ChangeLevel::Form => {
            permission.is_none_or(|permission| permission >= Permission::FormFilling)
                && match &change.field {
                    Some(FieldChange::Existing(name)) => {
                        !in_force().flat_map(|rule| &rule.locks).any(|lock| lock.covers(name))
                    }
                    Some(FieldChange::Unknown) => in_force().all(|rule| rule.locks.is_empty()),
                    // Covers what was certified, signed by whomever (the Sneaky Signature Attack).
                    Some(FieldChange::NewVisible(_)) => permission.is_none(),
                    Some(FieldChange::NewInvisible(_)) | None => true,
                }
        }
        ChangeLevel::Annotation => permission == Some(Permission::Annotating),
        ChangeLevel::Other => false,
    }
}

/// Judges what `new` changed in `old`.
fn step(old: &Revision<'_>, new: &Revision<'_>, changes: &mut Vec<Change>) -> Result<(), Error> {
    let mut judge = Judge::new(*old, *new);
    if old.pdf().revisions().take(new.index()).any(|revision| revision.escapes()) {
        judge.other(None, "structure", "an entry of an earlier revision points into later octets");
    }
    trailers(old, new, &mut judge);
    let mut changed = Vec::new();
    for number in new.own_numbers().collect::<BTreeSet<u32>>() {
        // Object 0 as well: an entry that puts it in use gives a meaning to references that had none.
        if old.place(number).map(|(place, _)| place) == new.place(number).map(|(place, _)| place) {
            continue;
        }
        match compare(old, new, number) {
            Ok(None) => {}
            Ok(Some(pair)) => changed.push((number, pair)),
            Err(reason) => judge.other(Some(Reference::new(number, 0)), "structure", &reason),
        }
    }
    if !changed.is_empty() {
        // Nearly all updates are harmless, and roles that come on top change that to "content was
        // changed" at most: so where the rough graph finds nothing to object to, the exact one would say the same.
        let numbers = changed.iter().map(|(number, _)| *number).collect();
        let rough = Graph::roughly(old, &numbers).ok().and_then(|graph| {
            let mut judge = judge.clone();
            let reached =
                changed.iter().all(|(number, (before, _))| before.is_null() || graph.roles(*number).is_some());
            objects(old, new, &changed, &graph, &mut judge);
            (!graph.rough || reached && judge.is_harmless()).then_some(judge)
        });
        match rough {
            Some(decided) => {
                // A fuzzer is to find where they would not.
                #[cfg(fuzzing)]
                if let Ok(graph) = Graph::build(old) {
                    let mut exact = judge.clone();
                    objects(old, new, &changed, &graph, &mut exact);
                    assert_eq!(exact.into_changes(), decided.clone().into_changes());
                }
                judge = decided;
            }
            None => objects(old, new, &changed, &Graph::build(old)?, &mut judge),
        }
    }
    changes.extend(judge.into_changes());
    Ok(())
}

/// Judges the changed objects by the roles in which the old revision reaches them.
fn objects(old: &Revision<'_>, new: &Revision<'_>, changed: &[(u32, Pair)], graph: &Graph, judge: &mut Judge<'_>) {
    // What neither existed nor was referred to before is judged where it is referred to.
    for (number, (before, after)) in changed {
        let id = Reference::new(*number, old.generation(*number).unwrap_or(0));
        if before.as_dictionary().is_some_and(|dictionary| dictionary.is_type("ObjStm")) {
            judge.other(Some(id), "structure", "an object stream was replaced, and with it the objects inside");
            continue;
        }
        match graph.roles(*number) {
            Some(roles) => {
                let owner = graph.owner(*number);
                for role in roles.iter() {
                    judge.object(id, role, owner, before, after);
                }
            }
            None if !before.is_null() && !graph.broken.is_empty() => {
                judge.object(id, Role::Content, Owner::Many, before, after);
            }
            None => {}
        }
    }
    revived(old, new, graph, judge);
}

/// What could not be read, and now can without having been touched: the length of a stream or
/// its object stream was left out when the document was signed, to be supplied later.
fn revived(old: &Revision<'_>, new: &Revision<'_>, graph: &Graph, judge: &mut Judge<'_>) {
    for number in &graph.broken {
        let id = Reference::new(*number, old.generation(*number).unwrap_or(0));
        if old.place(*number) == new.place(*number) && new.object(id).is_ok() {
            judge.other(Some(id), "structure", "an object that could not be read was made readable");
        }
    }
}

/// Keys of the trailer that describe its own section or are judged as objects.
const OWN_KEYS: [&[u8]; 12] = [
    b"Size",
    b"Prev",
    b"XRefStm",
    b"ID",
    b"Info",
    b"Type",
    b"W",
    b"Index",
    b"Length",
    b"Filter",
    b"DecodeParms",
    b"Root",
];

/// The trailer may not lead elsewhere.
fn trailers(old: &Revision<'_>, new: &Revision<'_>, judge: &mut Judge<'_>) {
    let (before, after) = (old.trailer(), new.trailer());
    if old.root().ok() != new.root().ok() {
        judge.other(None, "trailer", "/Root names another catalogue");
    }
    if before.get("Info") != after.get("Info") {
        judge.note(None, ChangeLevel::Lta, "metadata", "/Info of the trailer");
    }
    if before.get("Encrypt") != after.get("Encrypt") {
        judge.other(None, "trailer", "/Encrypt of the trailer");
    }
    for (key, value) in before.iter() {
        let Ok(name) = std::str::from_utf8(key.octets()) else { continue };
        let now = after.get(name).unwrap_or(&Object::Null);
        // Readers of the standard do not follow private keys; producers drop them, or carry
        // on references to what never was. What did exist may not be exchanged.
        let judged = OWN_KEYS.contains(&key.octets()) || name == "Encrypt" || now.is_null() || now == value;
        if !judged && !leads_nowhere(old, value) {
            judge.other(None, "trailer", &format!("{key} of the trailer"));
        }
    }
}

/// Whether `value` holds references, and none of them to anything.
fn leads_nowhere(revision: &Revision<'_>, value: &Object) -> bool {
    let nothing = |object: &Object| revision.resolve(object).is_ok_and(|object| object.is_null());
    match value {
        Object::Reference(_) => nothing(value),
        Object::Array(values) => {
            let mut references = values.iter().filter(|value| value.as_reference().is_some()).peekable();
            references.peek().is_some() && references.all(nothing)
        }
        _ => false,
    }
}

type Pair = (Arc<Object>, Arc<Object>);

/// Both values of an object, if they differ.
fn compare(old: &Revision<'_>, new: &Revision<'_>, number: u32) -> Result<Option<Pair>, String> {
    let read = |revision: &Revision<'_>| {
        let generation = revision.generation(number).unwrap_or(0);
        revision.object(Reference::new(number, generation)).map_err(|error| error.to_string())
    };
    let after = read(new)?;
    let before = read(old)?;
    let moved = !before.is_null() && !after.is_null() && old.generation(number) != new.generation(number);
    let same = !moved
        && match (&*before, &*after) {
            (Object::Stream(a), Object::Stream(b)) => same_stream(old, a, new, b).map_err(|error| error.to_string())?,
            (a, b) => a.is_equivalent(b),
        };
    Ok((!same).then_some((before, if moved { Arc::new(Object::Null) } else { after })))
}

fn same_stream(old: &Revision<'_>, a: &Stream, new: &Revision<'_>, b: &Stream) -> Result<bool, Error> {
    let plain = |stream: &Stream| {
        let mut dictionary = stream.dictionary.clone();
        dictionary.remove("Length");
        dictionary
    };
    Ok(plain(a).is_equivalent(&plain(b)) && old.raw_octets(a)? == new.raw_octets(b)?)
}
