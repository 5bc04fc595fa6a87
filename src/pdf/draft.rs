//! A form prepared before the first signature: fields to be filled in and to be signed, in their order.
//!
//! What an office does to a document after its officer signed it, entering
//! number and date and sealing it, breaks the officer's signature unless the
//! fields for it were there when he signed and his signature leaves them open.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::error::Misuse;
use crate::pdf::document::Pdf;
use crate::pdf::font::number;
use crate::pdf::form::Form;
use crate::pdf::form::append;
use crate::pdf::form::check_place;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Real;
use crate::pdf::object::Reference;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;
use crate::pdf::page::Rotation;
use crate::pdf::protection;
use crate::pdf::protection::Intent;
use crate::pdf::seed::SeedValues;
use crate::pdf::signature::FieldLock;
use crate::pdf::signature::LockAction;
use crate::pdf::text::Alignment;
use crate::pdf::update::Tail;
use crate::pdf::update::Update;

/// Fields to be added to a document, in the order in which they are to be completed.
///
/// Each signature field gets a lock dictionary that leaves open only the fields
/// added after it, unless the field says otherwise: so signing it freezes what
/// comes before, and the rest of the sequence can go on. The order itself is
/// enforced by nothing but these locks.
///
/// ```
/// # use kyso::{Error, Limits, pdf::{Draft, Pdf, SignatureField, TextField, page::Rectangle}};
/// # fn main() -> Result<(), Error> {
/// let document = include_bytes!("../../examples/data/cong-van.pdf");
/// let pdf = Pdf::parse(document.as_slice(), &Limits::default())?;
/// let tail = Draft::new()
///     .signature(SignatureField::new("Officer").visible(0, Rectangle::new(330.0, 150.0, 160.0, 70.0)))
///     .text(TextField::new("Number", 0, Rectangle::new(100.0, 740.0, 60.0, 16.0)))
///     .signature(SignatureField::new("Agency").visible(0, Rectangle::new(280.0, 140.0, 90.0, 90.0)))
///     .finish(&pdf)?;
/// assert_eq!(tail.original_length(), document.len() as u64);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Draft {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Text(TextField),
    Signature(Box<SignatureField>),
}

/// A text field on a page, to be filled in later.
#[derive(Clone, Debug)]
pub struct TextField {
    name: String,
    page: usize,
    place: Rectangle,
    size: f64,
    alignment: Alignment,
    multiline: bool,
    most: Option<u32>,
    label: Option<String>,
}

/// An empty signature field.
#[derive(Clone, Debug)]
pub struct SignatureField {
    name: String,
    place: Option<(usize, Rectangle)>,
    lock: Lock,
    seed: SeedValues,
    label: Option<String>,
}

#[derive(Clone, Debug)]
enum Lock {
    /// All but what comes later in the draft.
    InOrder,
    None,
    Given(FieldLock),
}

/// `/Ff` of a text field of several lines (ISO 32000-2 Table 231).
pub(super) const MULTILINE: i64 = 1 << 12;
/// `/F`: printed (Table 167).
const PRINT: i64 = 4;
/// `/F`: printed, and not to be moved.
const PRINT_AND_LOCKED: i64 = 4 | 128;
/// Fields of one draft.
const MOST_FIELDS: usize = 10_000;
/// The font of the form's resources that readers edit the text fields with.
const FONT: &str = "TiRo";

impl TextField {
    /// A field named `name` at `place`: points from the lower left corner of
    /// page `page` (0 being the first) as a person sees it. 13 points, left.
    #[must_use]
    pub fn new(name: impl Into<String>, page: usize, place: Rectangle) -> Self {
        let name = name.into();
        Self { name, page, place, size: 13.0, alignment: Alignment::Left, multiline: false, most: None, label: None }
    }

    /// In another size, in points.
    #[must_use]
    pub const fn size(mut self, points: f64) -> Self {
        self.size = points;
        self
    }

    /// Aligned otherwise.
    #[must_use]
    pub const fn align(mut self, alignment: Alignment) -> Self {
        self.alignment = alignment;
        self
    }

    /// With room for several lines.
    #[must_use]
    pub const fn multiline(mut self) -> Self {
        self.multiline = true;
        self
    }

    /// With at most so many characters.
    #[must_use]
    pub const fn most(mut self, characters: u32) -> Self {
        self.most = Some(characters);
        self
    }

    /// What readers call the field (`/TU`).
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

impl SignatureField {
    /// An invisible field, on the first page, whose signature will lock all but what comes later in the draft.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), place: None, lock: Lock::InOrder, seed: SeedValues::default(), label: None }
    }

    /// At a place on a page, for a signature that shows something; coordinates as those of [`TextField::new`].
    #[must_use]
    pub const fn visible(mut self, page: usize, place: Rectangle) -> Self {
        self.place = Some((page, place));
        self
    }

    /// With a lock of the caller's (ISO 32000-2 Table 236).
    #[must_use]
    pub fn lock(mut self, lock: FieldLock) -> Self {
        self.lock = Lock::Given(lock);
        self
    }

    /// Without a lock: what later revisions may do is left to certifications.
    #[must_use]
    pub fn unlocked(mut self) -> Self {
        self.lock = Lock::None;
        self
    }

    /// What the field demands of its signature.
    #[must_use]
    pub fn seed(mut self, seed: SeedValues) -> Self {
        self.seed = seed;
        self
    }

    /// What readers call the field (`/TU`).
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }
}

impl Draft {
    /// A draft without fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { steps: Vec::new() }
    }

    /// Then a text field.
    #[must_use]
    pub fn text(mut self, field: TextField) -> Self {
        self.steps.push(Step::Text(field));
        self
    }

    /// Then a signature field.
    #[must_use]
    pub fn signature(mut self, field: SignatureField) -> Self {
        self.steps.push(Step::Signature(Box::new(field)));
        self
    }

    /// The update that adds the fields.
    ///
    /// # Errors
    /// Refused where the document is signed or encrypted such that they may not
    /// be added; misuse where a name is taken, a page does not exist or a place
    /// lies outside of it.
    pub fn finish(&self, pdf: &Pdf<'_>) -> Result<Tail, Error> {
        if self.steps.is_empty() {
            return Err(Misuse::new("a draft without fields").into());
        }
        if self.steps.len() > MOST_FIELDS {
            return Err(Misuse::new(format!("a draft of more than {MOST_FIELDS} fields")).into());
        }
        let signatures = pdf.signatures()?;
        for step in &self.steps {
            let intent = match step {
                Step::Text(_) => Intent::AddFields,
                Step::Signature(field) => Intent::AddSignatureField { visible: field.place.is_some() },
            };
            protection::check(pdf, &signatures, intent)?;
        }
        let mut update = Update::new(pdf)?;
        let mut form = Form::open(&update)?;
        let mut names = BTreeSet::new();
        for (index, step) in self.steps.iter().enumerate() {
            let name = form.free_name(&update, Some(step.name()))?;
            if !names.insert(name) {
                return Err(Misuse::new(format!("two fields of the draft are named {:?}", step.name())).into());
            }
            let id = match step {
                Step::Text(field) => field.add_to(&mut update)?,
                Step::Signature(field) => field.add_to(&mut update, self.after(index))?,
            };
            form.push(id);
        }
        if self.steps.iter().any(|step| matches!(step, Step::Text(_))) {
            provide_font(&mut form, &mut update)?;
        }
        form.close(&mut update, self.steps.iter().any(|step| matches!(step, Step::Signature(_))), false)?;
        update.finish()
    }

    /// The lock of the signature field at `index` that leaves open what follows it.
    fn after(&self, index: usize) -> FieldLock {
        let fields: Vec<String> = self.steps.iter().skip(index + 1).map(|step| step.name().to_owned()).collect();
        let action = if fields.is_empty() { LockAction::All } else { LockAction::Exclude };
        FieldLock { action, fields, permission: None }
    }
}

impl Step {
    fn name(&self) -> &str {
        match self {
            Self::Text(field) => &field.name,
            Self::Signature(field) => &field.name,
        }
    }
}

impl TextField {
    fn add_to(&self, update: &mut Update<'_>) -> Result<Reference, Error> {
        if !(self.size.is_finite() && (1.0..=1000.0).contains(&self.size)) {
            return Err(Misuse::new(format!("a text of {} points in the field {:?}", self.size, self.name)).into());
        }
        let page = Page::find(update.pdf().latest(), self.page)?;
        let appearance = format!("/{FONT} {} Tf 0 g", Real::new(self.size).as_str());
        let mut field = widget(&page, &self.name, "Tx", PRINT, self.label.as_deref())
            .with("DA", Object::literal(appearance.into_bytes()))
            .with("Q", quadding(self.alignment));
        if self.multiline {
            field.set("Ff", MULTILINE);
        }
        if let Some(most) = self.most {
            field.set("MaxLen", i64::from(most));
        }
        place(update, &page, self.place, &mut field)?;
        if let Some(degrees) = degrees(page.rotation()) {
            field.set("MK", Dictionary::new().with("R", degrees));
        }
        let id = update.add(field)?;
        append(update, page.id(), "Annots", id)?;
        Ok(id)
    }
}

impl SignatureField {
    fn add_to(&self, update: &mut Update<'_>, in_order: FieldLock) -> Result<Reference, Error> {
        let (index, seen) = match self.place {
            Some((page, seen)) => (page, Some(seen)),
            None => (0, None),
        };
        let page = Page::find(update.pdf().latest(), index)?;
        let mut field = widget(&page, &self.name, "Sig", PRINT_AND_LOCKED, self.label.as_deref());
        match seen {
            Some(seen) => place(update, &page, seen, &mut field)?,
            None => field.set("Rect", vec![Object::Integer(0); 4]),
        }
        let lock = match &self.lock {
            Lock::InOrder => Some(in_order),
            Lock::None => None,
            Lock::Given(lock) => Some(lock.clone()),
        };
        if let Some(lock) = lock {
            // The clause demands that it is an indirect object.
            let id = update.add(lock.to_dictionary())?;
            field.set("Lock", id);
        }
        if let Some(seed) = self.seed.to_dictionary() {
            let id = update.add(seed)?;
            field.set("SV", id);
        }
        let id = update.add(field)?;
        append(update, page.id(), "Annots", id)?;
        Ok(id)
    }
}

fn widget(page: &Page, name: &str, kind: &str, flags: i64, label: Option<&str>) -> Dictionary {
    let mut field = Dictionary::new()
        .with("Type", Object::name("Annot"))
        .with("Subtype", Object::name("Widget"))
        .with("FT", Object::name(kind))
        .with("T", Object::text(name))
        .with("F", flags)
        .with("P", page.id());
    if let Some(label) = label {
        field.set("TU", Object::text(label));
    }
    field
}

/// Puts the widget in its place, with an empty appearance, which PDF/A demands of every field.
fn place(update: &mut Update<'_>, page: &Page, seen: Rectangle, field: &mut Dictionary) -> Result<(), Error> {
    check_place(page, &seen)?;
    let rectangle = page.to_user_space(seen)?;
    field.set("Rect", rectangle.to_object());
    let empty = Dictionary::new()
        .with("Type", Object::name("XObject"))
        .with("Subtype", Object::name("Form"))
        .with("BBox", [0.0, 0.0, rectangle.width(), rectangle.height()].map(number).to_vec())
        .with("Resources", Dictionary::new());
    let empty = update.add_stream(empty, Vec::new())?;
    field.set("AP", Dictionary::new().with("N", empty));
    Ok(())
}

/// How far a widget is turned against its page so that it stands upright (`/R`, Table 192).
const fn degrees(rotation: Rotation) -> Option<i64> {
    match rotation {
        Rotation::None => None,
        Rotation::Quarter => Some(90),
        Rotation::Half => Some(180),
        Rotation::ThreeQuarters => Some(270),
    }
}

const fn quadding(alignment: Alignment) -> i64 {
    match alignment {
        Alignment::Left => 0,
        Alignment::Centre => 1,
        Alignment::Right => 2,
    }
}

/// Sees to it that `/DR` has the font that the fields name, for readers in which a person edits them.
fn provide_font(form: &mut Form, update: &mut Update<'_>) -> Result<(), Error> {
    let font = Dictionary::new()
        .with("Type", Object::name("Font"))
        .with("Subtype", Object::name("Type1"))
        .with("BaseFont", Object::name("Times-Roman"))
        .with("Encoding", Object::name("WinAnsiEncoding"));
    let resources = update.resolve(form.get("DR"))?;
    let mut resources = resources.as_dictionary().cloned().unwrap_or_default();
    let fonts = update.resolve(resources.get("Font").unwrap_or(&Object::Null))?;
    let mut fonts = fonts.as_dictionary().cloned().unwrap_or_default();
    if fonts.get(FONT).is_none() {
        let font = update.add(font)?;
        fonts.set(FONT, font);
        resources.set("Font", fonts);
        form.set("DR", resources);
    }
    Ok(())
}
