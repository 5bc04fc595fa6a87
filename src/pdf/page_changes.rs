//! Later changes as places on pages: for whoever draws them over the page.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::error::Error;
use crate::pdf::changes::Change;
use crate::pdf::changes::ChangeLevel;
use crate::pdf::changes::FieldChange;
use crate::pdf::document::Pdf;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::text_of;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;

/// A change that can be seen on a page.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PageChange {
    /// The index of the revision that made it.
    pub revision: usize,
    /// The page, 0 being the first.
    pub page: usize,
    /// Where on the page as a person sees it: points from its lower left corner, turned and cut as it is shown.
    pub rectangle: Rectangle,
    /// What is there.
    pub kind: PageChangeKind,
    /// The changed object.
    pub object: Option<Reference>,
    /// The fully qualified name of a field, or an annotation's `/NM` or type.
    pub name: Option<String>,
    /// What a field or an annotation says now; empty where it says nothing in words.
    pub text: String,
    /// What changed, for a person.
    pub reason: String,
    /// The kind of the change.
    pub level: ChangeLevel,
}

/// What a [`PageChange`] shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PageChangeKind {
    /// A form field that is no signature.
    Field,
    /// The field of a signature or a document time-stamp.
    Signature,
    /// An annotation.
    Annotation,
    /// What the page itself is drawn with; the place is the whole page.
    Content,
}

impl PageChangeKind {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Signature => "signature",
            Self::Annotation => "annotation",
            Self::Content => "content",
        }
    }
}

/// Places that are listed.
const MOST_PLACES: usize = 10_000;
/// References that are followed to find what draws where.
const MOST_STEPS: usize = 2_000_000;

impl Pdf<'_> {
    /// The places of `changes` on the pages: those of [`Changes::list`](crate::pdf::Changes::list). What is on no
    /// page, such as validation data and invisible signatures, has none.
    ///
    /// Reads the pages of the revisions that made the changes, and nothing where none can be seen.
    ///
    /// # Errors
    /// Where a page tree cannot be read, or a limit is reached.
    pub fn page_changes(&self, changes: &[Change]) -> Result<Vec<PageChange>, Error> {
        let mut by_revision: BTreeMap<usize, Vec<&Change>> = BTreeMap::new();
        for change in changes.iter().filter(|change| can_be_seen(change)) {
            by_revision.entry(change.revision).or_default().push(change);
        }
        let mut places = Vec::new();
        for (index, changes) in by_revision {
            let Some(new) = self.revision(index) else { continue };
            let mut atlas = Atlas::of(new)?;
            // What is gone has its place in the revision before.
            let mut before = None;
            for change in changes {
                let Some(object) = change.object else { continue };
                let mut found = atlas.places(change, object);
                if found.is_empty()
                    && let Some(old) = index.checked_sub(1).and_then(|index| self.revision(index))
                {
                    let old = match &mut before {
                        Some(old) => old,
                        None => before.insert(Atlas::of(old)?),
                    };
                    found = old.places(change, object);
                }
                for place in found {
                    if places.len() >= MOST_PLACES {
                        return Ok(places);
                    }
                    if !places.iter().rev().take(64).any(|known: &PageChange| same_place(known, &place)) {
                        places.push(place);
                    }
                }
            }
        }
        Ok(places)
    }
}

/// One field that is filled in is one place, whatever objects it took.
fn same_place(a: &PageChange, b: &PageChange) -> bool {
    a.revision == b.revision && a.page == b.page && a.rectangle == b.rectangle && a.kind == b.kind && a.name == b.name
}

fn can_be_seen(change: &Change) -> bool {
    let hidden = matches!(change.field, Some(FieldChange::NewInvisible(_)));
    change.level > ChangeLevel::Lta && !hidden && change.object.is_some()
}

/// What stands where in one revision.
struct Atlas<'r> {
    revision: Revision<'r>,
    pages: Vec<Page>,
    /// Annotations and widgets by their number.
    annotations: HashMap<u32, Spot>,
    /// Widgets by the number of their field.
    widgets: HashMap<u32, Vec<u32>>,
    /// What the objects below annotations, and below pages, belong to; each made when it is first needed.
    of_annotations: Option<HashMap<u32, Vec<Owner>>>,
    of_pages: Option<HashMap<u32, Vec<Owner>>>,
}

#[derive(Clone)]
struct Spot {
    page: usize,
    rectangle: Rectangle,
    kind: PageChangeKind,
    name: Option<String>,
    text: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Annotation(u32),
    Page(usize),
}

impl<'r> Atlas<'r> {
    fn of(revision: Revision<'r>) -> Result<Self, Error> {
        let pages = Page::all(revision)?;
        let mut annotations = HashMap::new();
        let (fields, _) = revision.fields().unwrap_or_default();
        let mut names: HashMap<u32, (String, bool, String)> = HashMap::new();
        let mut widgets: HashMap<u32, Vec<u32>> = HashMap::new();
        for field in &fields {
            let value = revision.resolve(&field.value).unwrap_or_default();
            let text = match &*value {
                Object::String(text) => text.to_text(),
                Object::Name(name) => String::from_utf8_lossy(name.octets()).into_owned(),
                _ => String::new(),
            };
            for id in field.widgets.iter().chain(field.id.iter()) {
                names.insert(id.number, (field.name.clone(), field.is_signature(), text.clone()));
            }
            if let Some(id) = field.id {
                widgets.entry(id.number).or_default().extend(field.widgets.iter().map(|id| id.number));
            }
        }
        for (index, page) in pages.iter().enumerate() {
            let Ok(object) = revision.object(page.id()) else { continue };
            let Some(dictionary) = object.as_dictionary() else { continue };
            let list = revision.get(dictionary, "Annots").unwrap_or_default();
            for id in list.as_array().unwrap_or_default().iter().filter_map(Object::as_reference) {
                let Ok(annotation) = revision.object(id) else { continue };
                let Some(annotation) = annotation.as_dictionary() else { continue };
                let place = revision.get(annotation, "Rect").unwrap_or_default();
                let Ok(Some(place)) = Rectangle::from_object(revision, &place) else { continue };
                let Ok(rectangle) = page.to_seen(place) else { continue };
                let (kind, name, text) = match names.get(&id.number) {
                    Some((name, true, _)) => (PageChangeKind::Signature, Some(name.clone()), String::new()),
                    Some((name, false, text)) => (PageChangeKind::Field, Some(name.clone()), text.clone()),
                    None => described(&revision, annotation),
                };
                annotations.insert(id.number, Spot { page: index, rectangle, kind, name, text });
            }
        }
        Ok(Self { revision, pages, annotations, widgets, of_annotations: None, of_pages: None })
    }

    fn places(&mut self, change: &Change, object: Reference) -> Vec<PageChange> {
        let number = object.number;
        let direct = |atlas: &Self| -> Vec<u32> {
            if atlas.annotations.contains_key(&number) {
                return vec![number];
            }
            atlas.widgets.get(&number).cloned().unwrap_or_default()
        };
        let mut owners: Vec<Owner> = direct(self).into_iter().map(Owner::Annotation).collect();
        // A list of annotations is told by those that came or went.
        let whole = matches!(change.rule, "content" | "page" | "structure");
        if owners.is_empty() {
            if self.of_annotations.is_none() {
                self.of_annotations = Some(self.owners(self.annotation_roots()));
            }
            owners = self.of_annotations.as_ref().and_then(|all| all.get(&number)).cloned().unwrap_or_default();
        }
        if owners.is_empty() && whole {
            if self.of_pages.is_none() {
                self.of_pages = Some(self.owners(self.page_roots()));
            }
            owners = self.of_pages.as_ref().and_then(|all| all.get(&number)).cloned().unwrap_or_default();
        }
        let place = |owner: Owner| {
            let spot = match owner {
                Owner::Annotation(number) => self.annotations.get(&number)?.clone(),
                Owner::Page(page) if whole => {
                    let (width, height) = self.pages.get(page)?.size().ok()?;
                    let rectangle = Rectangle::new(0.0, 0.0, width, height);
                    Spot { page, rectangle, kind: PageChangeKind::Content, name: None, text: String::new() }
                }
                Owner::Page(_) => return None,
            };
            if spot.rectangle.width() <= 0.0 || spot.rectangle.height() <= 0.0 {
                return None;
            }
            Some(PageChange {
                revision: change.revision,
                page: spot.page,
                rectangle: spot.rectangle,
                kind: spot.kind,
                object: change.object,
                name: spot.name,
                text: spot.text,
                reason: change.reason.clone(),
                level: change.level,
            })
        };
        owners.into_iter().filter_map(place).collect()
    }

    fn annotation_roots(&self) -> Vec<(Owner, u32)> {
        let mut numbers: Vec<u32> = self.annotations.keys().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|number| (Owner::Annotation(number), number)).collect()
    }

    fn page_roots(&self) -> Vec<(Owner, u32)> {
        self.pages.iter().enumerate().map(|(index, page)| (Owner::Page(index), page.id().number)).collect()
    }

    /// By which of the roots each object is used, followed through everything but other pages and annotations.
    fn owners(&self, roots: Vec<(Owner, u32)>) -> HashMap<u32, Vec<Owner>> {
        let mut owners: HashMap<u32, Vec<Owner>> = HashMap::new();
        let mut steps = 0;
        let stops: HashSet<u32> =
            self.annotations.keys().copied().chain(self.pages.iter().map(|page| page.id().number)).collect();
        for (owner, root) in roots {
            let mut seen: HashSet<u32> = HashSet::new();
            let mut open = vec![root];
            while let Some(number) = open.pop() {
                steps += 1;
                if steps > MOST_STEPS {
                    return owners;
                }
                if !seen.insert(number) || (number != root && stops.contains(&number)) {
                    continue;
                }
                let known = owners.entry(number).or_default();
                known.push(owner);
                let Some(generation) = self.revision.generation(number) else { continue };
                let Ok(object) = self.revision.object(Reference::new(number, generation)) else { continue };
                below(&object, &mut open);
            }
        }
        owners
    }
}

/// What an annotation that is no field is called, and what it says.
fn described(revision: &Revision<'_>, annotation: &Dictionary) -> (PageChangeKind, Option<String>, String) {
    let text = |key: &str| revision.get(annotation, key).ok().and_then(|value| value.as_string().map(text_of));
    let subtype = revision.get(annotation, "Subtype").ok();
    let subtype = subtype.and_then(|name| name.as_name().map(|name| String::from_utf8_lossy(name).into_owned()));
    (PageChangeKind::Annotation, text("NM").or(subtype), text("Contents").unwrap_or_default())
}

/// The references in an object, but for those that lead up the document again.
fn below(object: &Object, found: &mut Vec<u32>) {
    match object {
        Object::Reference(id) => found.push(id.number),
        Object::Array(values) => values.iter().for_each(|value| below(value, found)),
        _ => {
            for (key, value) in object.as_dictionary().into_iter().flat_map(Dictionary::iter) {
                if !matches!(
                    key.octets(),
                    b"P" | b"Parent" | b"Dest" | b"A" | b"AA" | b"StructParent" | b"Popup" | b"IRT" | b"V"
                ) {
                    below(value, found);
                }
            }
        }
    }
}
