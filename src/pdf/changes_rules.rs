//! The allow-list: which change a role accepts, and as what.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;

use crate::pdf::changes::Change;
use crate::pdf::changes::ChangeLevel;
use crate::pdf::changes::FORM_FILLING;
use crate::pdf::changes::FieldChange;
use crate::pdf::changes::SIGNING_A_FIELD;
use crate::pdf::changes_graph::Owner;
use crate::pdf::changes_graph::Role;
use crate::pdf::changes_graph::inherited;
use crate::pdf::changes_graph::is_signature_field;
use crate::pdf::document::Revision;
use crate::pdf::fields::Field;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Name;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::text_of;

/// Judges one step from a revision to the next.
#[derive(Clone)]
pub(super) struct Judge<'j> {
    old: Revision<'j>,
    new: Revision<'j>,
    changes: Vec<Change>,
    /// The fields of the new revision, once they are asked for.
    form: Option<(Vec<Field>, HashMap<Reference, usize>)>,
    seen: BTreeSet<(Option<Reference>, &'static str, String)>,
}

/// Changes of one revision that are listed.
const MOST_CHANGES: usize = 20_000;
/// Annotations that stand directly in an array and are compared by value.
const MOST_DIRECT: usize = 256;

/// One side of a difference: nothing, or a value.
type Side<'v> = Option<&'v Object>;

impl<'j> Judge<'j> {
    pub(super) const fn new(old: Revision<'j>, new: Revision<'j>) -> Self {
        Self { old, new, changes: Vec::new(), form: None, seen: BTreeSet::new() }
    }

    pub(super) fn into_changes(mut self) -> Vec<Change> {
        if self.changes.len() >= MOST_CHANGES {
            self.changes.pop();
            self.other(None, "list", "more changes than can be listed");
        }
        self.changes
    }

    /// Whether nothing was found that no signature permits.
    pub(super) fn is_harmless(&self) -> bool {
        self.changes.iter().all(|change| change.level < ChangeLevel::Other)
    }

    pub(super) fn other(&mut self, object: Option<Reference>, rule: &'static str, reason: &str) {
        self.note(object, ChangeLevel::Other, rule, reason);
    }

    pub(super) fn note(&mut self, object: Option<Reference>, level: ChangeLevel, rule: &'static str, reason: &str) {
        self.push(object, level, rule, reason, None);
    }

    fn push(
        &mut self,
        object: Option<Reference>,
        level: ChangeLevel,
        rule: &'static str,
        reason: &str,
        field: Option<FieldChange>,
    ) {
        let revision = self.new.index();
        let change = Change { object, revision, level, rule, reason: reason.to_owned(), field };
        if self.changes.len() < MOST_CHANGES && self.seen.insert((object, rule, change.reason.clone())) {
            self.changes.push(change);
        }
    }

    /// Judges the change of `id`, which the old revision reaches in `role`.
    pub(super) fn object(&mut self, id: Reference, role: Role, owner: Owner, before: &Object, after: &Object) {
        match role {
            Role::Catalog => self.dictionaries(id, "catalogue", before, after, Self::catalog_key),
            Role::Metadata => self.note(Some(id), ChangeLevel::Lta, "metadata", "metadata"),
            Role::Dss => self.note(Some(id), ChangeLevel::Lta, "dss", "validation data"),
            Role::Extensions => self.note(Some(id), ChangeLevel::Lta, "extensions", "developer extensions"),
            Role::Form => self.dictionaries(id, "form", before, after, Self::form_key),
            Role::FormResources => self.additions(id, before, after),
            Role::FieldArray => self.field_array(id, Some(before), Some(after)),
            Role::Field => self.field(id, before, after),
            Role::FieldValue => {
                let field = self.owner(owner);
                self.push(Some(id), ChangeLevel::Form, FORM_FILLING, "value of a field", Some(field));
            }
            Role::Appearance => match owner {
                Owner::Field(field) if self.follows_value(field) => {
                    let field = self.owner(owner);
                    self.push(Some(id), ChangeLevel::Form, FORM_FILLING, "appearance of a field", Some(field));
                }
                _ => self.other(Some(id), "field", "the appearance of a field changed without its value"),
            },
            Role::AppearancePart => self.other(Some(id), "field", "what the appearance of a field uses was changed"),
            // A reference to nothing, which has come to point to something.
            Role::Private if before.is_null() => {
                self.note(
                    Some(id),
                    ChangeLevel::Lta,
                    "trailer",
                    "an object that only a private key of the trailer names",
                );
            }
            Role::Page => self.dictionaries(id, "page", before, after, Self::page_key),
            Role::AnnotationArray => self.annotation_array(id, Some(before), Some(after)),
            Role::Annotation | Role::AnnotationPart => {
                self.note(Some(id), ChangeLevel::Annotation, "annotation", "annotation changed");
            }
            Role::Drawn | Role::Content | Role::Private => {
                let what = match after {
                    Object::Null => "content was removed",
                    _ => "content was changed",
                };
                self.other(Some(id), "content", what);
            }
        }
    }

    /// Compares key by key; `rule` judges each key that differs.
    fn dictionaries(
        &mut self,
        id: Reference,
        name: &'static str,
        before: &Object,
        after: &Object,
        rule: fn(&mut Self, Reference, &str, Side<'_>, Side<'_>),
    ) {
        let (Object::Dictionary(before), Object::Dictionary(after)) = (before, after) else {
            self.other(Some(id), name, "it is no dictionary on both sides");
            return;
        };
        if let Some(key) = after.duplicate() {
            self.other(Some(id), name, &format!("{key} stands twice"));
            return;
        }
        let keys: BTreeSet<&Name> = before.iter().chain(after.iter()).map(|(key, _)| key).collect();
        for key in keys {
            let Ok(key) = std::str::from_utf8(key.octets()) else {
                self.other(Some(id), name, "a key that is no text");
                continue;
            };
            let (a, b) = (before.get(key), after.get(key));
            if !equivalent(a, b) {
                rule(self, id, key, a, b);
            }
        }
    }

    fn catalog_key(&mut self, id: Reference, key: &str, before: Side<'_>, after: Side<'_>) {
        let at = Some(id);
        match (key, after) {
            ("DSS", Some(_)) => self.note(at, ChangeLevel::Lta, "dss", "validation data"),
            ("Extensions", Some(_)) => self.note(at, ChangeLevel::Lta, "extensions", "developer extensions"),
            ("Metadata", Some(_)) => self.note(at, ChangeLevel::Lta, "metadata", "metadata"),
            ("Version", Some(Object::Name(_))) => self.note(at, ChangeLevel::Lta, "version", "version of PDF"),
            ("AcroForm", Some(after)) => {
                let none = Object::Dictionary(Dictionary::new());
                let before = self.in_old(Some(before.unwrap_or(&none)));
                let after = self.in_new(Some(after));
                self.dictionaries(id, "form", &before, &after, Self::form_key);
            }
            ("Pages" | "OCProperties", _) => self.other(at, "content", &format!("/{key} of the catalogue")),
            _ => self.other(at, "catalogue", &format!("/{key} of the catalogue")),
        }
    }

    fn form_key(&mut self, id: Reference, key: &str, before: Side<'_>, after: Side<'_>) {
        let at = Some(id);
        match (key, before, after) {
            ("Fields", ..) => self.field_array(id, before, after),
            ("SigFlags", _, Some(Object::Integer(_))) => {
                self.note(at, ChangeLevel::Lta, "signature flags", "/SigFlags of the form");
            }
            ("DR", ..) => {
                let none = Object::Dictionary(Dictionary::new());
                let before = self.in_old(Some(before.unwrap_or(&none)));
                let after = self.in_new(after);
                self.additions(id, &before, &after);
            }
            // Harmless where it was absent: no field was drawn with it.
            ("DA", None, Some(_)) | ("NeedAppearances", _, Some(Object::Boolean(false)) | None) => {
                self.note(at, ChangeLevel::Form, "form", &format!("/{key} of the form"));
            }
            _ => self.other(at, "form", &format!("/{key} of the form")),
        }
    }

    /// Form resources: names may be added, none may change its meaning.
    fn additions(&mut self, id: Reference, before: &Object, after: &Object) {
        let (Some(before), Some(after)) = (before.as_dictionary(), after.as_dictionary()) else {
            self.other(Some(id), "form resources", "/DR is no dictionary");
            return;
        };
        for (kind, value) in before.iter() {
            let kind = String::from_utf8_lossy(kind.octets()).into_owned();
            let old = self.in_old(Some(value));
            let new = self.in_new(after.get(&kind));
            let kept = match (&*old, &*new) {
                (Object::Dictionary(old), Object::Dictionary(new)) => {
                    old.iter().all(|(key, value)| {
                        std::str::from_utf8(key.octets()).is_ok_and(|key| new.get(key) == Some(value))
                    }) && new.duplicate().is_none()
                }
                (old, new) => old == new,
            };
            if !kept {
                self.other(Some(id), "form resources", &format!("/{kind} of /DR"));
                return;
            }
        }
        self.note(Some(id), ChangeLevel::Lta, "form resources", "resources were added");
    }

    fn page_key(&mut self, id: Reference, key: &str, before: Side<'_>, after: Side<'_>) {
        match key {
            "Annots" => self.annotation_array(id, before, after),
            "LastModified" => self.note(Some(id), ChangeLevel::Lta, "metadata", "date of the page"),
            // The default: a rendering order for the keyboard, set along with the first widget.
            "Tabs" if before.is_none() => self.note(Some(id), ChangeLevel::Form, "page", "tab order of the page"),
            "AA" | "B" | "Dur" | "ID" | "Metadata" | "PieceInfo" | "StructParents" | "Tabs" | "Thumb" | "Trans" => {
                self.other(Some(id), "page", &format!("/{key} of the page"));
            }
            _ => self.other(Some(id), "content", &format!("/{key} of the page")),
        }
    }

    /// `/Fields` or `/Kids`: what was there stays, new signature fields may follow.
    fn field_array(&mut self, id: Reference, before: Side<'_>, after: Side<'_>) {
        let Some(added) = self.appended(id, "form fields", before, after) else { return };
        for field in added {
            self.new_field(id, &field, 0);
        }
    }

    /// The elements that are new; `None` (and a change) where an old one is gone.
    fn appended(
        &mut self,
        id: Reference,
        rule: &'static str,
        before: Side<'_>,
        after: Side<'_>,
    ) -> Option<Vec<Object>> {
        let before = self.in_old(before);
        let after = self.in_new(after);
        let old = before.as_array().unwrap_or_default();
        let Some(new) = after.as_array() else {
            if !(after.is_null() && old.is_empty()) {
                self.other(Some(id), rule, "the list is gone");
            }
            return None;
        };
        let mut rest = new.iter();
        // In the same order, so that a subsequence tells: one pass, no search.
        let mut added: Vec<Object> = Vec::new();
        for element in old {
            loop {
                match rest.next() {
                    Some(other) if other == element => break,
                    Some(other) => added.push(other.clone()),
                    None => {
                        self.other(Some(id), rule, "an element is gone or moved");
                        return None;
                    }
                }
            }
        }
        added.extend(rest.cloned());
        Some(added)
    }

    fn new_field(&mut self, holder: Reference, field: &Object, depth: usize) {
        let id = field.as_reference();
        let at = id.or(Some(holder));
        let object = self.in_new(Some(field));
        let Some(dictionary) = object.as_dictionary() else {
            self.other(at, "new field", "a new field is no dictionary");
            return;
        };
        let Some(id) = id.filter(|_| depth < 16) else {
            self.other(at, "new field", "a new field is not an object of its own");
            return;
        };
        if !is_signature_field(&self.new, dictionary) {
            let kids = self.in_new(dictionary.get("Kids"));
            let named = dictionary.get("FT").is_none() && kids.as_array().is_some_and(|kids| !kids.is_empty());
            if named && dictionary.get("Subtype").is_none() {
                for kid in kids.as_array().unwrap_or_default() {
                    self.new_field(id, kid, depth + 1);
                }
            } else {
                self.other(at, "new field", "a new field that is no signature field");
            }
            return;
        }
        if !self.old_value(id).is_null() {
            self.other(at, "new field", "an object that existed before became a field");
            return;
        }
        if let Some(key) = dictionary.duplicate() {
            self.other(at, "new field", &format!("{key} stands twice"));
            return;
        }
        if acts(dictionary) {
            self.other(at, "new field", "a new field with actions");
            return;
        }
        let name = self.name_of(&self.new, dictionary);
        let kids = self.in_new(dictionary.get("Kids"));
        let mut visible = shows(&self.new, dictionary);
        for kid in kids.as_array().unwrap_or_default() {
            let kid = self.in_new(Some(kid));
            visible |= kid.as_dictionary().is_none_or(|kid| shows(&self.new, kid));
            if kid.as_dictionary().is_some_and(acts) {
                self.other(at, "new field", "a new field with actions");
                return;
            }
        }
        // A widget may be added to a field, whose value it then stands for.
        let field = self.new_field_of(id).filter(|field| field.id.is_none_or(|id| self.unsigned_before(id)));
        let Some(field) = field.filter(Field::is_signature) else {
            self.other(at, "new field", "a widget was added to a field that is signed, or is no signature field");
            return;
        };
        let value = self.in_new(Some(&field.value));
        if !value.is_null() && !self.signs(&field.value) {
            self.other(at, "new field", "the value of a new field is no new signature");
            return;
        }
        if value.is_null() && visible && self.draws(dictionary) {
            // Nobody answers for what it shows, and it may lie over what was signed.
            self.other(at, "new field", "a new field without a signature has an appearance");
            return;
        }
        let timestamp = is_timestamp(&self.new, &value);
        let (level, reason) = match (&*value, timestamp) {
            (Object::Null, _) => (ChangeLevel::Form, format!("new empty signature field {name}")),
            (_, true) if !visible => (ChangeLevel::Lta, format!("document time-stamp in new field {name}")),
            (_, true) => (ChangeLevel::Form, format!("visible document time-stamp in new field {name}")),
            (_, false) => (ChangeLevel::Form, format!("signature in new field {name}")),
        };
        let field = if visible { FieldChange::NewVisible(name) } else { FieldChange::NewInvisible(name) };
        self.push(at, level, "new signature field", &reason, Some(field));
    }

    /// `/Annots`: widgets of accepted new fields may be appended; other annotations are their own level.
    fn annotation_array(&mut self, id: Reference, before: Side<'_>, after: Side<'_>) {
        let old = self.in_old(before);
        let new = self.in_new(after);
        let old = old.as_array().unwrap_or_default();
        let new = match (&*new, after) {
            (Object::Array(values), _) => values.as_slice(),
            (Object::Null, None) if old.is_empty() => &[],
            _ => {
                self.other(Some(id), "annotations", "the list of annotations is gone");
                return;
            }
        };
        let key = |object: &Object| object.as_reference();
        let direct = |values: &[Object]| values.iter().filter(|value| value.as_reference().is_none()).count();
        if direct(old) > MOST_DIRECT || direct(new) > MOST_DIRECT {
            self.other(Some(id), "annotations", "too many annotations that are not objects of their own");
            return;
        }
        let kept: BTreeSet<Reference> = new.iter().filter_map(key).collect();
        let known: BTreeSet<Reference> = old.iter().filter_map(key).collect();
        for annotation in old {
            let there = match annotation.as_reference() {
                Some(reference) => kept.contains(&reference),
                None => new.contains(annotation),
            };
            if there {
                continue;
            }
            let gone = self.in_old(Some(annotation));
            if is_widget(&gone) {
                self.other(Some(id), "annotations", "a widget was removed from its page");
            } else {
                self.note(Some(id), ChangeLevel::Annotation, "annotation", "annotation removed");
            }
        }
        // What is drawn later lies above: another order may hide what was to be seen.
        let before = old.iter().filter_map(key).filter(|reference| kept.contains(reference));
        if !before.eq(new.iter().filter_map(key).filter(|reference| known.contains(reference))) {
            self.other(Some(id), "annotations", "annotations were put into another order, or are there twice");
        }
        for annotation in new {
            let reference = annotation.as_reference();
            if reference.map_or_else(|| old.contains(annotation), |reference| known.contains(&reference)) {
                continue;
            }
            self.new_annotation(id, annotation);
        }
    }

    fn new_annotation(&mut self, page: Reference, annotation: &Object) {
        let object = self.in_new(Some(annotation));
        let at = annotation.as_reference().or(Some(page));
        if !is_widget(&object) {
            let subtype =
                object.as_dictionary().and_then(|dictionary| dictionary.get("Subtype")).and_then(Object::as_name);
            let subtype = subtype.map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();
            self.note(at, ChangeLevel::Annotation, "annotation", &format!("annotation added: {subtype}"));
            return;
        }
        let Some((id, dictionary)) = annotation.as_reference().zip(object.as_dictionary()) else {
            self.other(at, "annotations", "a widget that is not an object of its own");
            return;
        };
        // The field itself is judged where the form names it; here it only must be a signature
        // field that was not signed before.
        let field = self
            .new_field_of(id)
            .filter(|field| field.is_signature() && field.id.is_some_and(|id| self.unsigned_before(id)));
        let Some(field) = field else {
            self.other(at, "annotations", "a widget of no new signature field");
            return;
        };
        if acts(dictionary) {
            self.other(at, "annotations", "a new widget with actions");
            return;
        }
        let visible = shows(&self.new, dictionary);
        let value = self.in_new(Some(&field.value));
        let lta = !visible && is_timestamp(&self.new, &value);
        let level = if lta { ChangeLevel::Lta } else { ChangeLevel::Form };
        let name = field.name;
        let field = if visible { FieldChange::NewVisible(name) } else { FieldChange::NewInvisible(name) };
        self.push(at, level, "new signature field", "widget of a signature field", Some(field));
    }

    /// The field of the new revision that `id` is, or is a widget of.
    fn new_field_of(&mut self, id: Reference) -> Option<Field> {
        let new = self.new;
        let (fields, index) = self.form.get_or_insert_with(|| {
            let fields = new.fields().map(|(fields, _)| fields).unwrap_or_default();
            let mut index = HashMap::new();
            for (at, field) in fields.iter().enumerate() {
                for id in field.widgets.iter().copied().chain(field.id) {
                    index.insert(id, at);
                }
            }
            (fields, index)
        });
        fields.get(*index.get(&id)?).cloned()
    }

    /// Whether `field` did not exist, or was without a value.
    fn unsigned_before(&self, field: Reference) -> bool {
        match self.old.object(field) {
            Ok(object) => object.as_dictionary().is_none_or(|field| inherited(&self.old, field, "V").is_none()),
            Err(_) => false,
        }
    }

    /// A field or widget that existed before.
    fn field(&mut self, id: Reference, before: &Object, after: &Object) {
        let (Object::Dictionary(old), Object::Dictionary(new)) = (before, after) else {
            let nothing = before.is_null();
            self.other(Some(id), "field", if nothing { "a missing field appeared" } else { "a field was removed" });
            return;
        };
        if let Some(key) = new.duplicate() {
            self.other(Some(id), "field", &format!("{key} stands twice"));
            return;
        }
        let name = self.name_of(&self.old, old);
        let signature = is_signature_field(&self.old, old);
        let signed = signature && inherited(&self.old, old, "V").is_some();
        let value = inherited(&self.new, new, "V").unwrap_or_default();
        // A time-stamp comes from whoever asks for one: what it shows counts as filling in.
        let timestamp = signature && is_timestamp(&self.new, &value) && !shows(&self.new, new);
        let level = if timestamp { ChangeLevel::Lta } else { ChangeLevel::Form };
        let follows_value = self.follows_value(id);
        let keys: BTreeSet<&Name> = old.iter().chain(new.iter()).map(|(key, _)| key).collect();
        for key in keys {
            let Ok(key) = std::str::from_utf8(key.octets()) else {
                self.other(Some(id), "field", "a key that is no text");
                continue;
            };
            let (a, b) = (old.get(key), new.get(key));
            if equivalent(a, b) {
                continue;
            }
            let accepted = match key {
                "Kids" => {
                    self.field_array(id, a, b);
                    continue;
                }
                // A value that is written out anew where it was a reference, or the other way.
                _ if self.in_old(a) == self.in_new(b) && !is_compound(&self.in_new(b)) => continue,
                "V" if signature => a.is_none() && b.is_some_and(|value| self.signs(value)),
                // An empty signature field shows something only once it is signed.
                "AP" => !signed && follows_value,
                // The states of a button are chosen by its value, and so are prepared ones of others.
                "AS" => !signed && self.value_changed(id),
                "M" => !signed,
                "V" | "RV" | "I" | "TI" | "DA" | "Q" if !signature => true,
                // Producers write these anew when an empty field is signed.
                "MK" | "F" | "DA" | "Lock" => signature && !signed && !value.is_null(),
                _ => false,
            };
            if accepted {
                let field = FieldChange::Existing(name.clone());
                let rule = if signature { SIGNING_A_FIELD } else { FORM_FILLING };
                self.push(Some(id), level, rule, &format!("/{key} of field {name}"), Some(field));
            } else {
                self.other(Some(id), "field", &format!("/{key} of field {name}"));
            }
        }
    }

    /// Whether a changed appearance of `field` comes with a changed value.
    ///
    /// An appearance that alone is replaced shows another text than was signed (shadow
    /// attack, variant replace). The states of a button are drawn when the form is made.
    fn follows_value(&self, field: Reference) -> bool {
        let old = self.old_value(field);
        let kind = old.as_dictionary().and_then(|old| inherited(&self.old, old, "FT"));
        matches!(kind.as_ref().and_then(Object::as_name), Some(b"Sig" | b"Tx" | b"Ch")) && self.value_changed(field)
    }

    /// Whether `field` has another value than before; a signature field, whether it got its first.
    fn value_changed(&self, field: Reference) -> bool {
        let (old, new) = (self.old_value(field), self.new.object(field).unwrap_or_default());
        let (Some(old), Some(new)) = (old.as_dictionary(), new.as_dictionary()) else { return false };
        let (before, after) = (inherited(&self.old, old, "V"), inherited(&self.new, new, "V"));
        if is_signature_field(&self.old, old) {
            return before.is_none() && after.is_some();
        }
        !equivalent(before.as_ref(), after.as_ref())
    }

    /// Whether `value`, not resolved, is a signature that was not there before: one that is
    /// validated for itself, so that somebody answers for what its field shows.
    fn signs(&self, value: &Object) -> bool {
        let Some(id) = value.as_reference() else { return false };
        let signature = self.in_new(Some(value));
        let Object::Dictionary(signature) = &*signature else { return false };
        let complete = ["ByteRange", "Contents"].iter().all(|key| signature.get(key).is_some());
        complete && self.old.generation(id.number).is_none() && self.old_value(id).is_null()
    }

    /// Whether a new field or one of its widgets has an appearance that is not empty.
    fn draws(&self, field: &Dictionary) -> bool {
        let kids = self.in_new(field.get("Kids"));
        let kids = kids.as_array().unwrap_or_default().iter().map(|kid| self.in_new(Some(kid)));
        self.has_appearance(field)
            || kids.into_iter().any(|kid| kid.as_dictionary().is_none_or(|k| self.has_appearance(k)))
    }

    fn has_appearance(&self, widget: &Dictionary) -> bool {
        let appearance = self.in_new(widget.get("AP"));
        let states = appearance.as_dictionary().into_iter().flat_map(Dictionary::iter);
        let mut streams = states.map(|(_, stream)| self.in_new(Some(stream)));
        // Writers of empty fields give them an empty stream, which PDF/A demands.
        streams.any(|stream| match &*stream {
            Object::Null => false,
            Object::Stream(stream) => !self.new.decoded(stream).is_ok_and(|o| o.into_iter().all(is_space)),
            _ => true,
        })
    }

    fn owner(&self, owner: Owner) -> FieldChange {
        let Owner::Field(id) = owner else { return FieldChange::Unknown };
        match self.old_value(id).as_dictionary() {
            Some(field) => FieldChange::Existing(self.name_of(&self.old, field)),
            None => FieldChange::Unknown,
        }
    }

    fn name_of(&self, revision: &Revision<'_>, field: &Dictionary) -> String {
        let mut parts = Vec::new();
        let mut field = field.clone();
        for _ in 0..64 {
            if let Ok(part) = revision.get(&field, "T")
                && let Some(part) = part.as_string()
            {
                parts.push(text_of(part));
            }
            match revision.get(&field, "Parent").ok().as_deref().and_then(Object::as_dictionary) {
                Some(parent) => field = parent.clone(),
                None => break,
            }
        }
        parts.reverse();
        parts.join(".")
    }

    fn old_value(&self, id: Reference) -> Arc<Object> {
        self.old.object(id).unwrap_or_default()
    }

    fn in_old(&self, side: Side<'_>) -> Arc<Object> {
        side.map(|value| self.old.resolve(value).unwrap_or_default()).unwrap_or_default()
    }

    fn in_new(&self, side: Side<'_>) -> Arc<Object> {
        side.map(|value| self.new.resolve(value).unwrap_or_default()).unwrap_or_default()
    }
}

fn equivalent(a: Side<'_>, b: Side<'_>) -> bool {
    a.unwrap_or(&Object::Null).is_equivalent(b.unwrap_or(&Object::Null))
}

const fn is_compound(object: &Object) -> bool {
    matches!(object, Object::Array(_) | Object::Dictionary(_) | Object::Stream(_))
}

fn is_widget(object: &Object) -> bool {
    object.as_dictionary().and_then(|dictionary| dictionary.get("Subtype")).and_then(Object::as_name) == Some(b"Widget")
}

/// Whether a field or widget does something when a page is opened, a pointer passes or it is clicked.
fn acts(dictionary: &Dictionary) -> bool {
    ["A", "AA"].iter().any(|key| dictionary.get(key).is_some())
}

fn is_timestamp(revision: &Revision<'_>, value: &Object) -> bool {
    let Some(value) = value.as_dictionary() else { return false };
    let name = |key: &str| revision.get(value, key).ok().and_then(|name| name.as_name().map(<[u8]>::to_vec));
    name("SubFilter").as_deref() == Some(b"ETSI.RFC3161")
}

/// Whether a widget can show anything: it has an area and is not hidden (ISO 32000-2 Table 167).
fn shows(revision: &Revision<'_>, widget: &Dictionary) -> bool {
    const HIDDEN: i64 = 1 << 1;
    const NO_VIEW: i64 = 1 << 5;
    let is_one = revision.get(widget, "Subtype").is_ok_and(|subtype| subtype.as_name() == Some(b"Widget"));
    if !is_one && widget.get("Rect").is_none() {
        return false;
    }
    let flags = revision.get(widget, "F").unwrap_or_default().as_integer().unwrap_or(0);
    if flags & HIDDEN != 0 && flags & NO_VIEW != 0 {
        return false;
    }
    let rectangle = revision.get(widget, "Rect").unwrap_or_default();
    let values: Option<Vec<f64>> = rectangle.as_array().unwrap_or_default().iter().map(Object::as_number).collect();
    match values.as_deref() {
        Some([x0, y0, x1, y1]) => (x1 - x0).abs() > 0.0 && (y1 - y0).abs() > 0.0,
        // No rectangle, or one that readers will guess at.
        Some([]) => false,
        _ => true,
    }
}
