//! Signature fields written by an update (ISO 32000-2 §12.7.5.5): made anew, or filled.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::pdf::appearance::Appearance;
use crate::pdf::conformance::Conformance;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::text_of;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;
use crate::pdf::page::Rotation;
use crate::pdf::tagging::tag;
use crate::pdf::update::Update;

/// A signature field to be made.
#[derive(Clone, Debug)]
pub struct NewField {
    name: Option<String>,
    page: usize,
    visible: Option<(Rectangle, Appearance)>,
}

/// A field that an update wrote to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenField {
    /// Its object.
    pub id: Reference,
    /// Its fully qualified name.
    pub name: String,
}

/// `/F`: printed, and not to be moved (ISO 32000-2 Table 167).
const PRINT_AND_LOCKED: i64 = 4 | 128;
/// `/SigFlags`: there are signature fields (Table 225).
const SIGNATURES_EXIST: i64 = 1;
/// `/SigFlags`: only updates may be appended, or a signature breaks.
const APPEND_ONLY: i64 = 2;
/// Nesting of fields; a form is a few levels deep.
const DEEPEST: usize = 32;
/// Widgets of one signature field.
const MOST_WIDGETS: usize = 64;

impl NewField {
    /// A field that shows nothing, on the first page.
    #[must_use]
    pub const fn invisible() -> Self {
        Self { name: None, page: 0, visible: None }
    }

    /// A field that shows `appearance` with its lower left corner at `left`
    /// and `bottom`: points from the lower left corner of page `page` (0 being
    /// the first) as a person sees it.
    #[must_use]
    pub fn visible(page: usize, left: f64, bottom: f64, appearance: Appearance) -> Self {
        let (width, height) = appearance.size();
        Self { name: None, page, visible: Some((Rectangle::new(left, bottom, width, height), appearance)) }
    }

    /// With a name of the caller's; else `Signature1` or the next number that is free.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// An invisible field on another page, 0 being the first.
    #[must_use]
    pub const fn on_page(mut self, page: usize) -> Self {
        self.page = page;
        self
    }

    /// Writes the field and its widget, merged into one dictionary; `value` is the signature dictionary.
    ///
    /// # Errors
    /// Misuse where the name is taken, the page does not exist or the
    /// rectangle lies outside of it; malformed forms and page trees.
    pub fn add_to(&self, update: &mut Update<'_>, value: Option<Reference>) -> Result<WrittenField, Error> {
        let page = Page::find(update.pdf().latest(), self.page)?;
        let mut form = Form::open(update)?;
        let name = form.free_name(update, self.name.as_deref())?;
        let id = update.allocate()?;
        let mut field = Dictionary::new()
            .with("Type", Object::name("Annot"))
            .with("Subtype", Object::name("Widget"))
            .with("FT", Object::name("Sig"))
            .with("T", Object::text(&name))
            .with("F", PRINT_AND_LOCKED)
            .with("P", page.id());
        match &self.visible {
            // A rectangle without extent is what makes a signature invisible.
            None => {
                field.set("Rect", vec![Object::Integer(0); 4]);
                // PDF/A-1 wants an appearance of every field (ISO 19005-1 §6.9).
                if Conformance::of(update.pdf().latest())?.part_1 {
                    let empty = Dictionary::new()
                        .with("Type", Object::name("XObject"))
                        .with("Subtype", Object::name("Form"))
                        .with("BBox", vec![Object::Integer(0); 4]);
                    let form = update.add_stream(empty, Vec::new())?;
                    field.set("AP", Dictionary::new().with("N", form));
                }
            }
            Some((seen, appearance)) => {
                check_place(&page, seen)?;
                field.set("Rect", page.to_user_space(*seen)?.to_object());
                let form = appearance.add_to(update, page.rotation())?;
                field.set("AP", Dictionary::new().with("N", form));
            }
        }
        if let Some(value) = value {
            field.set("V", value);
        }
        // What shows nothing needs no place in the structure.
        if self.visible.is_some()
            && let Some(key) = tag(update, id, page.id(), &name)?
        {
            field.set("StructParent", key);
            field.set("TU", Object::text(&name));
        }
        update.set(id, field)?;
        append(update, page.id(), "Annots", id)?;
        form.push(id);
        form.close(update, true, value.is_some())?;
        Ok(WrittenField { id, name })
    }
}

/// Puts the signature dictionary `value` into an empty signature field.
///
/// The widget keeps its place; `appearance` is made for its size, in points as
/// shown, and is not asked for where the field is invisible.
///
/// Whether a lock or a certification forbids it is the caller's to decide.
///
/// # Errors
/// Misuse where `id` is no signature field or has a value already.
pub fn fill_field(
    update: &mut Update<'_>,
    id: Reference,
    value: Reference,
    appearance: Option<&dyn Fn(f64, f64) -> Appearance>,
) -> Result<WrittenField, Error> {
    let mut field = update.dictionary(id)?;
    let (name, kind) = ancestry(update, &field)?;
    if kind.as_deref() != Some(b"Sig") {
        return Err(Misuse::new(format!("the field {name:?} is no signature field")).into());
    }
    if !update.resolve(field.get("V").unwrap_or(&Object::Null))?.is_null() {
        return Err(Misuse::new(format!("the field {name:?} is signed already")).into());
    }
    field.set("V", value);
    let kids = update.resolve(field.get("Kids").unwrap_or(&Object::Null))?;
    update.set(id, field)?;
    let widgets: Vec<Reference> = match kids.as_array() {
        Some(kids) => kids.iter().filter_map(Object::as_reference).take(MOST_WIDGETS).collect(),
        None => vec![id],
    };
    if let Some(appearance) = appearance {
        for widget in widgets {
            show(update, widget, appearance)?;
        }
    }
    Form::open(update)?.close(update, true, true)?;
    Ok(WrittenField { id, name })
}

/// Gives a widget its appearance, unless it has no extent.
fn show(update: &mut Update<'_>, id: Reference, appearance: &dyn Fn(f64, f64) -> Appearance) -> Result<(), Error> {
    let latest = update.pdf().latest();
    let mut widget = update.dictionary(id)?;
    let place = match widget.get("Rect") {
        Some(place) => Rectangle::from_object(latest, &*latest.resolve(place)?)?,
        None => None,
    };
    let Some(place) = place.filter(|place| place.width() > 0.0 && place.height() > 0.0) else { return Ok(()) };
    let page = Page::holding(latest, id, widget.get("P").and_then(Object::as_reference))?;
    let (rotation, seen) = match page {
        Some((_, page)) => (page.rotation(), page.to_seen(place).unwrap_or(place)),
        // On no page at all nobody sees how it stands.
        None => (Rotation::None, place),
    };
    let (width, height) = (seen.width(), seen.height());
    let form = appearance(width, height).add_to(update, rotation)?;
    widget.set("AP", Dictionary::new().with("N", form));
    widget.remove("AS");
    update.set(id, widget)
}

/// The fully qualified name and the field type, which may be inherited (ISO 32000-2 §12.7.4.1).
fn ancestry(update: &Update<'_>, field: &Dictionary) -> Result<(String, Option<Vec<u8>>), Error> {
    let mut names = Vec::new();
    let mut kind = None;
    let mut field = field.clone();
    for _ in 0..DEEPEST {
        if let Some(name) = update.resolve(field.get("T").unwrap_or(&Object::Null))?.as_string() {
            names.push(text_of(name));
        }
        if kind.is_none() {
            let own = update.resolve(field.get("FT").unwrap_or(&Object::Null))?;
            kind = own.as_name().map(<[u8]>::to_vec);
        }
        match field.get("Parent").and_then(Object::as_reference) {
            Some(parent) => field = update.dictionary(parent)?,
            None => {
                names.reverse();
                return Ok((names.join("."), kind));
            }
        }
    }
    Err(LimitExceeded::new("nesting of form fields", DEEPEST as u64).into())
}

pub(super) fn check_place(page: &Page, seen: &Rectangle) -> Result<(), Error> {
    // A tenth of a point is rounding, more is a mistake.
    const EDGE: f64 = 0.1;
    let (width, height) = page.size()?;
    let inside = seen.left >= -EDGE && seen.bottom >= -EDGE && seen.right <= width + EDGE && seen.top <= height + EDGE;
    if inside && seen.width() > 0.0 && seen.height() > 0.0 {
        return Ok(());
    }
    let message = format!(
        "a visible signature from ({:.1}, {:.1}) to ({:.1}, {:.1}) does not lie on the page, which shows {width:.1} x {height:.1} points",
        seen.left, seen.bottom, seen.right, seen.top
    );
    Err(Misuse::new(message).into())
}

/// Appends `item` to the array `key` of the dictionary `holder`, wherever the array stands.
pub(super) fn append(
    update: &mut Update<'_>,
    holder: Reference,
    key: &'static str,
    item: Reference,
) -> Result<(), Error> {
    let mut dictionary = update.dictionary(holder)?;
    let current = dictionary.get(key).cloned().unwrap_or(Object::Null);
    let mut items = match &*update.resolve(&current)? {
        Object::Null => Vec::new(),
        Object::Array(items) => items.clone(),
        _ => {
            let fault = Malformed::new(Format::Pdf, format!("/{key} of object {holder}"), "an array");
            return Err(fault.into());
        }
    };
    items.push(item.into());
    match current {
        // Only the array changes, the dictionary keeps its octets.
        Object::Reference(id) if matches!(&*update.object(id)?, Object::Array(_)) => update.set(id, items),
        _ => {
            dictionary.set(key, items);
            update.set(holder, dictionary)
        }
    }
}

/// The interactive form, on its way from the document into the update.
pub(super) struct Form {
    /// Where the form dictionary stands, if it is an object of its own.
    id: Option<Reference>,
    dictionary: Dictionary,
    /// Where `/Fields` stands, if it is an object of its own.
    fields_id: Option<Reference>,
    fields: Vec<Object>,
    flags: i64,
}

impl Form {
    pub(super) fn open(update: &Update<'_>) -> Result<Self, Error> {
        let fault = |field: &'static str, expected: &'static str| Malformed::new(Format::Pdf, field, expected);
        let catalog = update.dictionary(update.pdf().latest().root()?)?;
        let entry = catalog.get("AcroForm").cloned().unwrap_or(Object::Null);
        let dictionary = match &*update.resolve(&entry)? {
            Object::Null => Dictionary::new(),
            Object::Dictionary(dictionary) => dictionary.clone(),
            _ => return Err(fault("/AcroForm of the catalogue", "a dictionary").into()),
        };
        let id = match entry {
            Object::Reference(id) if update.object(id)?.as_dictionary().is_some() => Some(id),
            _ => None,
        };
        let entry = dictionary.get("Fields").cloned().unwrap_or(Object::Null);
        let fields = match &*update.resolve(&entry)? {
            Object::Null => Vec::new(),
            Object::Array(fields) => fields.clone(),
            _ => return Err(fault("/Fields of the form", "an array").into()),
        };
        let fields_id = match entry {
            Object::Reference(id) if update.object(id)?.as_array().is_some() => Some(id),
            _ => None,
        };
        let flags = update.resolve(dictionary.get("SigFlags").unwrap_or(&Object::Null))?.as_integer().unwrap_or(0);
        Ok(Self { id, dictionary, fields_id, fields, flags })
    }

    /// The given name, or `Signature` and the first number that no field at the top of the form has.
    pub(super) fn free_name(&self, update: &Update<'_>, wanted: Option<&str>) -> Result<String, Error> {
        let mut taken = BTreeSet::new();
        for field in &self.fields {
            let field = update.resolve(field)?;
            let Some(field) = field.as_dictionary() else { continue };
            if let Some(name) = update.resolve(field.get("T").unwrap_or(&Object::Null))?.as_string() {
                taken.insert(text_of(name));
            }
        }
        match wanted {
            None => {
                let free = (1..=taken.len() + 1).map(|n| format!("Signature{n}")).find(|name| !taken.contains(name));
                free.ok_or_else(|| Misuse::new("no name is left for the signature field").into())
            }
            Some(name) if name.is_empty() || name.contains('.') => {
                Err(Misuse::new("the name of a field must not be empty or contain a full stop").into())
            }
            Some(name) if taken.contains(name) => {
                Err(Misuse::new(format!("the document has a field {name:?} already: fill it, or choose another name"))
                    .into())
            }
            Some(name) => Ok(name.to_owned()),
        }
    }

    /// An entry of the form dictionary; null where it is absent.
    pub(super) fn get(&self, key: &str) -> &Object {
        self.dictionary.get(key).unwrap_or(&Object::Null)
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Object>) {
        self.dictionary.set(key, value);
    }

    /// Appends a field.
    pub(super) fn push(&mut self, field: Reference) {
        self.fields.push(field.into());
    }

    /// Writes the form; `signature_fields` where it has some now, `signed` where one is signed.
    pub(super) fn close(mut self, update: &mut Update<'_>, signature_fields: bool, signed: bool) -> Result<(), Error> {
        match self.fields_id {
            Some(id) => update.set(id, self.fields)?,
            None => self.dictionary.set("Fields", self.fields),
        }
        let exist = if signature_fields || signed { SIGNATURES_EXIST } else { 0 };
        let flags = self.flags | exist | if signed { APPEND_ONLY } else { 0 };
        if flags != 0 && self.dictionary.get("SigFlags").and_then(Object::as_integer) != Some(flags) {
            self.dictionary.set("SigFlags", flags);
        }
        if let Some(id) = self.id {
            return update.set(id, self.dictionary);
        }
        let root = update.pdf().latest().root()?;
        let mut catalog = update.dictionary(root)?;
        match catalog.get("AcroForm") {
            // It stood in the catalogue and stays there.
            Some(Object::Dictionary(_)) => catalog.set("AcroForm", self.dictionary),
            _ => {
                let id = update.add(self.dictionary)?;
                catalog.set("AcroForm", id);
            }
        }
        update.set(root, catalog)
    }
}
