//! Form fields with what they inherit (ISO 32000-2 §12.7).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Error;
use crate::error::LimitExceeded;
use crate::finding::Finding;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::text_of;

/// A terminal form field.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Field {
    /// Fully qualified name, parts joined by full stops.
    pub name: String,
    /// The field dictionary; `None` for one that stands directly in an array.
    pub id: Option<Reference>,
    /// The field dictionary.
    pub object: Arc<Object>,
    /// `/FT`, own or inherited: `Tx`, `Btn`, `Ch`, `Sig`.
    pub field_type: Option<Vec<u8>>,
    /// `/V`, own or inherited, not resolved.
    pub value: Object,
    /// `/Ff`, own or inherited.
    pub flags: i64,
    /// Its widget annotations; the field itself where the two are merged.
    pub widgets: Vec<Reference>,
}

impl Field {
    /// The field dictionary.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        static NONE: Dictionary = Dictionary::new();
        self.object.as_dictionary().unwrap_or(&NONE)
    }

    /// Whether it is a signature field.
    #[must_use]
    pub fn is_signature(&self) -> bool {
        self.field_type.as_deref() == Some(b"Sig")
    }
}

/// Deeper field trees are not read.
const DEPTH: usize = 64;

#[derive(Clone, Default)]
struct Inherited {
    name: String,
    field_type: Option<Vec<u8>>,
    value: Option<Object>,
    flags: i64,
    depth: usize,
}

impl Revision<'_> {
    /// The terminal fields in the order of the form.
    ///
    /// # Errors
    /// Where catalogue or form cannot be read. A single field that cannot be
    /// read is a finding.
    pub fn fields(&self) -> Result<(Vec<Field>, Vec<Finding>), Error> {
        let catalog = self.catalog()?;
        let form = match catalog.as_dictionary() {
            Some(catalog) => self.get(catalog, "AcroForm")?,
            None => Arc::new(Object::Null),
        };
        let roots = match form.as_dictionary() {
            Some(form) => self.get(form, "Fields")?,
            None => return Ok((Vec::new(), Vec::new())),
        };
        let mut walk =
            Walk { revision: self, fields: Vec::new(), findings: Vec::new(), seen: BTreeSet::new(), visits: 0 };
        let mut stack: Vec<(Object, Inherited)> = roots
            .as_array()
            .unwrap_or_default()
            .iter()
            .rev()
            .map(|root| (root.clone(), Inherited::default()))
            .collect();
        while let Some((object, inherited)) = stack.pop() {
            walk.visit(object, inherited, &mut stack)?;
        }
        Ok((walk.fields, walk.findings))
    }
}

struct Walk<'w> {
    revision: &'w Revision<'w>,
    fields: Vec<Field>,
    findings: Vec<Finding>,
    seen: BTreeSet<Reference>,
    visits: usize,
}

impl Walk<'_> {
    fn visit(
        &mut self,
        object: Object,
        inherited: Inherited,
        stack: &mut Vec<(Object, Inherited)>,
    ) -> Result<(), Error> {
        self.visits += 1;
        let most = self.revision.pdf().limits().pdf_objects;
        if self.visits > most {
            return Err(LimitExceeded::new("pdf_objects", most as u64).into());
        }
        let id = object.as_reference();
        if id.is_some_and(|id| !self.seen.insert(id)) {
            self.note("PDF_FIELD_TWICE", "a field is reached twice", id);
            return Ok(());
        }
        let object = match self.revision.resolve(&object) {
            Ok(object) => object,
            Err(error) => {
                self.note("PDF_FIELD_UNREADABLE", &error.to_string(), id);
                return Ok(());
            }
        };
        let Some(dictionary) = object.as_dictionary() else {
            self.note("PDF_FIELD_UNREADABLE", "a field is no dictionary", id);
            return Ok(());
        };
        let mut own = inherited;
        if let Some(part) = self.text(dictionary, "T") {
            if !own.name.is_empty() {
                own.name.push('.');
            }
            own.name.push_str(&part);
        }
        if let Some(name) = self.value(dictionary, "FT").as_name() {
            own.field_type = Some(name.to_vec());
        }
        if let Some(value) = dictionary.get("V") {
            own.value = Some(value.clone());
        }
        if let Some(flags) = self.value(dictionary, "Ff").as_integer() {
            own.flags = flags;
        }
        own.depth += 1;
        let kids = self.value(dictionary, "Kids");
        let kids = kids.as_array().unwrap_or_default();
        let mut children = Vec::new();
        let mut widgets = Vec::new();
        for kid in kids {
            let child = self.revision.resolve(kid).unwrap_or_else(|_| Arc::new(Object::Null));
            // A kid with a name of its own is a field, one without is a widget (§12.7.4.2).
            let named = child.as_dictionary().is_some_and(|child| child.get("T").is_some());
            if named {
                children.push(kid.clone());
            } else if let Some(id) = kid.as_reference() {
                widgets.push(id);
            }
        }
        if !children.is_empty() && own.depth > DEPTH {
            return Err(LimitExceeded::new("depth", DEPTH as u64).into());
        }
        if children.is_empty() {
            if kids.is_empty() {
                widgets.extend(id.filter(|_| self.value(dictionary, "Subtype").as_name() == Some(b"Widget")));
            }
            self.fields.push(Field {
                name: own.name,
                id,
                object: Arc::clone(&object),
                field_type: own.field_type,
                value: own.value.unwrap_or(Object::Null),
                flags: own.flags,
                widgets,
            });
        } else {
            stack.extend(children.into_iter().rev().map(|child| (child, own.clone())));
        }
        Ok(())
    }

    fn value(&self, dictionary: &Dictionary, key: &str) -> Arc<Object> {
        self.revision.get(dictionary, key).unwrap_or_else(|_| Arc::new(Object::Null))
    }

    fn text(&self, dictionary: &Dictionary, key: &str) -> Option<String> {
        self.value(dictionary, key).as_string().map(text_of)
    }

    fn note(&mut self, code: &'static str, message: &str, id: Option<Reference>) {
        let finding = Finding::warning(code, message);
        self.findings.push(match id {
            Some(id) => finding.at(id),
            None => finding,
        });
    }
}
