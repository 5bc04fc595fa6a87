//! Content that a document carries and does not show, and that a later revision could bring
//! up with little change: the preparation of shadow attacks.
//!
//! Whoever signs, signs that too. None of it makes a signature valid or invalid: later revisions
//! are judged for themselves. It is what to look at before signing.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::error::Error;
use crate::finding::Finding;
use crate::pdf::changes_graph::Graph;
use crate::pdf::document::Pdf;
use crate::pdf::document::Revision;
use crate::pdf::drawn;
use crate::pdf::drawn::Drawing;
use crate::pdf::drawn::Mark;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::page::Matrix;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;

/// Findings of one kind that are listed.
const MOST_EACH: usize = 16;
/// Annotations of a page that are laid against each other.
const MOST_ANNOTATIONS: usize = 512;
/// Nearer to an edge, in points, a text is not covered.
const EDGE: f64 = 4.0;
/// Part of an area that has to be covered to be called so.
const MOSTLY: f64 = 0.6;

impl Pdf<'_> {
    /// Content that is hidden in the newest revision: objects that nothing names, pages outside of the page
    /// tree, fields outside of the form, what lies under images and annotations, layers that are switched off.
    ///
    /// For documents that are to be signed. Costs a walk through the whole document. Each finding is a
    /// warning with the object; honest documents have few, and each can be harmless.
    ///
    /// # Errors
    /// Where the catalogue cannot be read, or a limit is reached.
    pub fn hidden_content(&self) -> Result<Vec<Finding>, Error> {
        let latest = self.latest();
        let mut search = Search { latest, findings: self.objects_outside()? };
        search.unused_pages()?;
        search.layers()?;
        let members = search.members()?;
        search.values()?;
        for page in Page::all(latest)? {
            search.page(&page, &members)?;
        }
        Ok(search.findings)
    }
}

struct Search<'p> {
    latest: Revision<'p>,
    findings: Vec<Finding>,
}

/// An annotation as far as it can cover something.
struct Cover {
    id: Option<Reference>,
    area: Rectangle,
    opaque: bool,
    widget: bool,
}

impl Search<'_> {
    fn note(&mut self, code: &'static str, message: impl Into<String>, id: Option<Reference>) {
        if self.findings.iter().filter(|finding| finding.code() == code).count() < MOST_EACH {
            let finding = Finding::warning(code, message);
            self.findings.push(match id {
                Some(id) => finding.at(id),
                None => finding,
            });
        }
    }

    fn get(&self, dictionary: &Dictionary, key: &str) -> Arc<Object> {
        self.latest.get(dictionary, key).unwrap_or_default()
    }

    /// Catalogues, page trees and pages that nothing reaches.
    fn unused_pages(&mut self) -> Result<(), Error> {
        let latest = self.latest;
        let graph = Graph::build(&latest)?;
        let mut numbers = BTreeSet::new();
        for revision in latest.pdf().revisions() {
            numbers.extend(revision.own_numbers());
        }
        for number in numbers {
            if graph.roles(number).is_some() {
                continue;
            }
            let Some(generation) = latest.generation(number) else { continue };
            let id = Reference::new(number, generation);
            let Ok(object) = latest.object(id) else { continue };
            let Object::Dictionary(dictionary) = &*object else { continue };
            let what = match self.get(dictionary, "Type").as_name() {
                Some(b"Catalog") => "a catalogue",
                Some(b"Pages") => "a page tree",
                Some(b"Page") => "a page",
                _ => continue,
            };
            self.note("HIDDEN_PAGE", format!("{what} that is not part of the document"), Some(id));
        }
        Ok(())
    }

    /// Layers that are off when the document is opened (ISO 32000-2 §8.11.4.3).
    fn layers(&mut self) -> Result<(), Error> {
        let catalog = self.latest.catalog()?;
        let Some(catalog) = catalog.as_dictionary() else { return Ok(()) };
        let properties = self.get(catalog, "OCProperties");
        let Some(properties) = properties.as_dictionary() else { return Ok(()) };
        let shown = self.get(properties, "D");
        let Some(shown) = shown.as_dictionary() else { return Ok(()) };
        let list = |dictionary: &Dictionary, key: &str| -> Vec<Reference> {
            let list = self.get(dictionary, key);
            list.as_array().unwrap_or_default().iter().filter_map(Object::as_reference).collect()
        };
        let off = if self.get(shown, "BaseState").as_name() == Some(b"OFF") {
            let on: BTreeSet<Reference> = list(shown, "ON").into_iter().collect();
            list(properties, "OCGs").into_iter().filter(|layer| !on.contains(layer)).collect()
        } else {
            list(shown, "OFF")
        };
        for layer in off {
            self.note("HIDDEN_LAYER", "a layer that is switched off when the document is opened", Some(layer));
        }
        Ok(())
    }

    /// Text fields that show another text than their value, which a reader may bring up at any time.
    fn values(&mut self) -> Result<(), Error> {
        const PASSWORD: i64 = 1 << 13;
        const RICH_TEXT: i64 = 1 << 25;
        let catalog = self.latest.catalog()?;
        let form = catalog.as_dictionary().map(|catalog| self.get(catalog, "AcroForm")).unwrap_or_default();
        // Readers draw all of them anew.
        if form.as_dictionary().is_some_and(|form| self.get(form, "NeedAppearances").as_bool() == Some(true)) {
            return Ok(());
        }
        for field in self.latest.fields()?.0 {
            let value = self.latest.resolve(&field.value).unwrap_or_default();
            let Object::String(value) = &*value else { continue };
            let is_text = field.field_type.as_deref() == Some(b"Tx") && field.flags & (PASSWORD | RICH_TEXT) == 0;
            // A script may show it in another form.
            if !is_text || field.dictionary().get("AA").is_some() {
                continue;
            }
            let value = value.to_text();
            for id in &field.widgets {
                let Ok(widget) = self.latest.object(*id) else { continue };
                let Some(widget) = widget.as_dictionary().filter(|widget| widget.get("AA").is_none()) else { continue };
                let appearance = self.get(widget, "AP");
                let Some(normal) = appearance.as_dictionary().map(|appearance| self.get(appearance, "N")) else {
                    continue;
                };
                let Some(data) = normal.as_stream().and_then(|stream| self.latest.decoded(stream).ok()) else {
                    continue;
                };
                let shown = match drawn::strings(&data, self.latest.pdf().limits()) {
                    Ok(shown) => shown,
                    Err(limit) => {
                        let message = format!("what the field shows is not looked through: {limit}");
                        self.note("HIDDEN_NOT_SEARCHED", message, Some(*id));
                        continue;
                    }
                };
                // Only what is surely text: fonts of many glyphs have codes of their own.
                let plain = |octets: &[u8]| octets.iter().all(|octet| matches!(octet, b' '..=b'~'));
                let lines = |octets: &[u8]| octets.iter().all(|octet| matches!(octet, 8..=13 | b' '..=b'~'));
                if shown.is_empty() || !lines(&shown) || !plain(value.as_bytes()) {
                    continue;
                }
                let letters =
                    |octets: &[u8]| -> Vec<u8> { octets.iter().copied().filter(u8::is_ascii_alphanumeric).collect() };
                if letters(&shown) != letters(value.as_bytes()) {
                    self.note("HIDDEN_VALUE", "a field shows another text than its value", Some(*id));
                }
            }
        }
        Ok(())
    }

    /// The widgets and fields that the form names.
    fn members(&self) -> Result<BTreeSet<Reference>, Error> {
        let (fields, _) = self.latest.fields()?;
        Ok(fields.iter().flat_map(|field| field.widgets.iter().copied().chain(field.id)).collect())
    }

    fn page(&mut self, page: &Page, members: &BTreeSet<Reference>) -> Result<(), Error> {
        let object = self.latest.object(page.id())?;
        let Some(dictionary) = object.as_dictionary() else { return Ok(()) };
        let mut covers = Vec::new();
        let annotations = self.get(dictionary, "Annots");
        for entry in annotations.as_array().unwrap_or_default().iter().take(MOST_ANNOTATIONS) {
            let annotation = self.latest.resolve(entry).unwrap_or_default();
            let Some(annotation) = annotation.as_dictionary() else { continue };
            let id = entry.as_reference();
            let widget = self.get(annotation, "Subtype").as_name() == Some(b"Widget");
            if widget && id.is_none_or(|id| !members.contains(&id)) {
                self.note(
                    "HIDDEN_FIELD",
                    "a form field that the form does not name",
                    Some(id.unwrap_or_else(|| page.id())),
                );
            }
            if let Some(area) = self.shown_area(annotation) {
                covers.push(Cover { id, area, opaque: self.is_opaque(annotation), widget });
            }
        }
        for (index, above) in covers.iter().enumerate().filter(|(_, cover)| cover.opaque) {
            let below = covers.iter().take(index).find(|below| share(&below.area, &above.area) > MOSTLY);
            if below.is_some_and(|below| below.widget || below.opaque) {
                self.note("HIDDEN_UNDER_ANNOTATION", "an annotation covers another one", above.id);
            }
        }
        let resources = self.latest.resolve(page.resources())?;
        let Some(resources) = resources.as_dictionary() else { return Ok(()) };
        // Without anything that can cover, the content need not be read.
        let images = self.get(resources, "XObject");
        let opaque = covers.iter().any(|cover| cover.opaque);
        if !opaque && images.as_dictionary().is_none_or(Dictionary::is_empty) {
            return Ok(());
        }
        let data = self.contents(dictionary);
        let mut drawing = Drawing::new(self.latest);
        if let Err(limit) = drawing.run(&data, resources, Matrix::IDENTITY) {
            let message = format!("the page is not looked through to its end: {limit}");
            self.note("HIDDEN_NOT_SEARCHED", message, Some(page.id()));
        }
        self.under_images(&drawing.marks, page.id());
        for cover in covers.iter().filter(|cover| cover.opaque) {
            let text =
                drawing.marks.iter().any(|mark| matches!(mark, Mark::Text { x, y } if inside(&cover.area, *x, *y)));
            if text {
                self.note("HIDDEN_UNDER_ANNOTATION", "an annotation covers text of the page", cover.id);
            }
        }
        Ok(())
    }

    fn under_images(&mut self, marks: &[Mark], page: Reference) {
        let mut texts: Vec<(f64, f64)> = Vec::new();
        for mark in marks {
            match mark {
                Mark::Text { x, y } => texts.push((*x, *y)),
                Mark::Image { area, object } => {
                    // Text that lies on one image and under another was counted once already.
                    let before = texts.len();
                    texts.retain(|(x, y)| !inside(area, *x, *y));
                    if texts.len() < before {
                        let id = object.unwrap_or(page);
                        self.note("HIDDEN_UNDER_IMAGE", "an image covers text of the page", Some(id));
                    }
                }
                Mark::Fill { .. } => {}
            }
        }
    }

    /// `/Contents` in one piece (§7.7.3.3).
    fn contents(&self, page: &Dictionary) -> Vec<u8> {
        let contents = self.get(page, "Contents");
        let parts = match &*contents {
            Object::Array(parts) => parts.iter().filter_map(|part| self.latest.resolve(part).ok()).collect(),
            _ => vec![contents],
        };
        let mut data = Vec::new();
        for part in parts {
            if let Some(octets) = part.as_stream().and_then(|stream| self.latest.decoded(stream).ok()) {
                data.extend_from_slice(&octets);
                data.push(b'\n');
            }
        }
        data
    }

    /// The place of an annotation that is drawn.
    fn shown_area(&self, annotation: &Dictionary) -> Option<Rectangle> {
        const HIDDEN: i64 = 1 << 1;
        const NO_VIEW: i64 = 1 << 5;
        let flags = self.get(annotation, "F").as_integer().unwrap_or(0);
        let area = Rectangle::from_object(self.latest, &self.get(annotation, "Rect")).ok()??;
        (flags & (HIDDEN | NO_VIEW) == 0 && area.width() > 0.0 && area.height() > 0.0).then_some(area)
    }

    /// Whether the appearance of an annotation fills its place, so that nothing shines through.
    fn is_opaque(&self, annotation: &Dictionary) -> bool {
        let appearance = self.get(annotation, "AP");
        let Some(normal) = appearance.as_dictionary().map(|appearance| self.get(appearance, "N")) else { return false };
        let normal = match &*normal {
            Object::Dictionary(states) => {
                let state = self.get(annotation, "AS");
                let state = state.as_name().and_then(|state| std::str::from_utf8(state).ok());
                state.map(|state| self.get(states, state)).unwrap_or_default()
            }
            _ => normal,
        };
        let Some(stream) = normal.as_stream() else { return false };
        let bounds = Rectangle::from_object(self.latest, &self.get(&stream.dictionary, "BBox"));
        let (Ok(Some(bounds)), Ok(data)) = (bounds, self.latest.decoded(stream)) else { return false };
        let resources = self.get(&stream.dictionary, "Resources");
        let none = Dictionary::new();
        let mut drawing = Drawing::new(self.latest);
        if drawing.run(&data, resources.as_dictionary().unwrap_or(&none), Matrix::IDENTITY).is_err() {
            return true;
        }
        drawing.marks.iter().any(|mark| match mark {
            Mark::Text { .. } => false,
            Mark::Image { area, .. } | Mark::Fill { area } => share(&bounds, area) > MOSTLY,
        })
    }
}

/// The part of `below` that lies under `above`.
fn share(below: &Rectangle, above: &Rectangle) -> f64 {
    let width = below.right.min(above.right) - below.left.max(above.left);
    let height = below.top.min(above.top) - below.bottom.max(above.bottom);
    let area = below.width() * below.height();
    if width <= 0.0 || height <= 0.0 || area <= 0.0 { 0.0 } else { width * height / area }
}

/// Whether a text that begins there is covered: at an edge the most of it lies beside.
fn inside(area: &Rectangle, x: f64, y: f64) -> bool {
    let edge = EDGE.min(area.width() / 4.0);
    area.left <= x && x <= area.right - edge && area.bottom <= y && y <= area.top - edge
}
