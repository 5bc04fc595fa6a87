//! How much there is to draw of a page, found out without drawing it.
//!
//! A form that draws another one twice, and so on thirty times, is a few hundred
//! octets and a thousand million steps; an image of a hundred octets may state a
//! thousand million pixels. Both are found by adding up.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::limits::Budget;
use crate::pdf::document::Revision;
use crate::pdf::image;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;
use crate::pdf::tokens::Tokens;

/// Objects that a page reaches.
const MOST_OBJECTS: u64 = 200_000;
/// Octets that its streams unfold to.
const MOST_OCTETS: u64 = 512 << 20;
/// Pixels of its images.
const MOST_PIXELS: u64 = 256_000_000;
/// Soft masks, each as large as the page.
const MOST_MASKS: u64 = 64;
/// Tokens that are drawn, those of a form as often as it is.
const MOST_STEPS: u64 = 50_000_000;
/// Tokens that are read to find that out.
const MOST_TOKENS: u64 = 50_000_000;
/// Forms, patterns and glyphs within each other.
const DEEPEST: usize = 40;
/// What points from an object to where it belongs, and so to the whole document.
const BACK: [&str; 7] = ["Parent", "P", "Dest", "A", "AA", "Popup", "StructParent"];

/// Refuses a page that is too much for a renderer.
///
/// # Errors
/// [`LimitExceeded`]; forms that draw themselves; what cannot be read.
pub(super) fn check(revision: Revision<'_>, page: &Page) -> Result<(), Error> {
    let object = revision.object(page.id())?;
    let Some(dictionary) = object.as_dictionary() else { return Ok(()) };
    let contents = revision.get(dictionary, "Contents")?;
    let resources = revision.resolve(page.resources())?;
    let annotations = revision.get(dictionary, "Annots")?;
    let fonts = weigh(revision, [&*contents, &*resources, &*annotations])?;

    let mut steps = Steps::new(revision);
    steps.glyphs(&fonts)?;
    let empty = Dictionary::new();
    let resources = resources.as_dictionary().unwrap_or(&empty);
    let parts = match &*contents {
        Object::Array(parts) => parts.clone(),
        _ => vec![(*contents).clone()],
    };
    let mut all = 0_u64;
    for part in &parts {
        if let Some(stream) = revision.resolve(part)?.as_stream() {
            all = all.saturating_add(steps.of_stream(stream, resources)?);
        }
    }
    for annotation in annotations.as_array().unwrap_or_default() {
        let annotation = revision.resolve(annotation)?;
        let Some(annotation) = annotation.as_dictionary() else { continue };
        let appearance = revision.get(annotation, "AP")?;
        let Some(appearance) = appearance.as_dictionary() else { continue };
        let Some(normal) = appearance.get("N") else { continue };
        let states = revision.resolve(normal)?;
        let each: Vec<&Object> = match &*states {
            Object::Dictionary(states) => states.iter().map(|(_, state)| state).collect(),
            _ => vec![normal],
        };
        for state in each {
            all = all.saturating_add(steps.of_object(state, &empty)?);
        }
    }
    if all > MOST_STEPS { Err(LimitExceeded::new("steps to draw a page", MOST_STEPS).into()) } else { Ok(()) }
}

/// What is found on the way through the objects of a page.
#[derive(Default)]
struct Found {
    references: Vec<Reference>,
    /// Type 3 fonts, whose glyphs are content streams (§9.6.4).
    fonts: Vec<Dictionary>,
    masks: u64,
}

/// Adds up what is reached from `roots`: objects, octets, pixels, masks. Returns the Type 3 fonts.
fn weigh<'o>(revision: Revision<'_>, roots: impl IntoIterator<Item = &'o Object>) -> Result<Vec<Dictionary>, Error> {
    let objects = Budget::new("objects of one page", MOST_OBJECTS);
    let octets = Budget::new("octets of one page", MOST_OCTETS);
    let pixels = Budget::new("pixels of the images of one page", MOST_PIXELS);
    let masks = Budget::new("soft masks of one page", MOST_MASKS);
    let mut seen = BTreeSet::new();
    let mut todo: Vec<Arc<Object>> = roots.into_iter().map(|root| Arc::new(root.clone())).collect();
    let mut fonts = Vec::new();
    while let Some(object) = todo.pop() {
        objects.spend()?;
        if let Object::Stream(stream) = &*object {
            octets.spend_many(unfolded(revision, stream)?)?;
            if revision.get(&stream.dictionary, "Subtype")?.as_name() == Some(b"Image") {
                pixels.spend_many(image_pixels(revision, stream)?)?;
            }
        }
        let mut found = Found::default();
        found.within(&object);
        masks.spend_many(found.masks)?;
        fonts.append(&mut found.fonts);
        for id in found.references {
            if seen.insert(id) {
                todo.push(revision.object(id)?);
            }
        }
    }
    Ok(fonts)
}

impl Found {
    /// What is within an object, but for what leads back; as deep as the parser lets objects nest.
    fn within(&mut self, object: &Object) {
        match object {
            Object::Reference(id) => self.references.push(*id),
            Object::Array(items) => items.iter().for_each(|item| self.within(item)),
            Object::Dictionary(dictionary) => self.members(dictionary),
            Object::Stream(stream) => self.members(&stream.dictionary),
            _ => {}
        }
    }

    fn members(&mut self, dictionary: &Dictionary) {
        if dictionary.get("CharProcs").is_some() {
            self.fonts.push(dictionary.clone());
        }
        let mask = dictionary.get("S").and_then(Object::as_name);
        if dictionary.get("G").is_some() && matches!(mask, Some(b"Alpha" | b"Luminosity")) {
            self.masks += 1;
        }
        for (key, value) in dictionary.iter() {
            if !BACK.iter().any(|back| back.as_bytes() == key.octets()) {
                self.within(value);
            }
        }
    }
}

/// Octets that a stream unfolds to, with those of it that are an image as they are.
fn unfolded(revision: Revision<'_>, stream: &Stream) -> Result<u64, Error> {
    match revision.decoded(stream) {
        Ok(octets) => Ok(octets.len() as u64),
        Err(limit @ Error::LimitExceeded(_)) => Err(limit),
        // The renderer makes of it what it can; an image is weighed by its pixels.
        Err(_) => Ok(revision.raw_octets(stream)?.len() as u64),
    }
}

/// Pixels of an image: those that its dictionary states, or its own header if that has more.
fn image_pixels(revision: Revision<'_>, stream: &Stream) -> Result<u64, Error> {
    let side = |key: &str| -> Result<u64, Error> {
        Ok(revision.get(&stream.dictionary, key)?.as_integer().and_then(|side| u64::try_from(side).ok()).unwrap_or(0))
    };
    let stated = side("Width")?.saturating_mul(side("Height")?);
    let filters = revision.get(&stream.dictionary, "Filter")?;
    let (last, before) = match &*filters {
        Object::Array(filters) => match filters.split_last() {
            Some((last, before)) => (revision.resolve(last)?, before.to_vec()),
            None => return Ok(stated),
        },
        _ => (Arc::clone(&filters), Vec::new()),
    };
    let Some(format @ (b"DCTDecode" | b"DCT" | b"JPXDecode" | b"JBIG2Decode")) = last.as_name() else {
        return Ok(stated);
    };
    let mut packed = stream.clone();
    packed.dictionary.set("Filter", Object::Array(before));
    let Ok(data) = revision.decoded(&packed) else { return Ok(stated) };
    let own = match format {
        b"JPXDecode" => jpeg_2000(&data),
        b"JBIG2Decode" => jbig2(&data),
        _ => image::jpeg_pixels(&data),
    };
    Ok(stated.max(own.unwrap_or(0)))
}

/// Pixels of all components by the SIZ segment (ISO/IEC 15444-1 §A.5.1).
fn jpeg_2000(data: &[u8]) -> Option<u64> {
    let at = memchr::memmem::find(data, &[0xFF, 0x4F, 0xFF, 0x51])?;
    let size = data.get(at + 8..)?;
    let side = |at: usize| size.get(at..at + 4).and_then(|side| side.try_into().ok()).map(u32::from_be_bytes);
    let components = size.get(32..34).and_then(|count| count.try_into().ok()).map(u16::from_be_bytes)?;
    let area = u64::from(side(0)?).saturating_mul(side(4)?.into());
    // As numbers of four octets while they are unpacked; a pixel is weighed with four.
    Some(area.saturating_mul(components.into()))
}

/// Pixels of the pages and regions that an embedded stream states (ISO/IEC 14492 §7.2).
fn jbig2(data: &[u8]) -> Option<u64> {
    let number = |at: usize| -> Option<u32> { Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?)) };
    let (mut at, mut pixels) = (0_usize, 0_u64);
    while let Some(segment) = number(at) {
        let flags = *data.get(at + 4)?;
        let short = *data.get(at + 5)?;
        let (count, head) = match short >> 5 {
            7 => {
                let count = usize::try_from(number(at + 5)? & 0x1FFF_FFFF).ok()?;
                (count, 4 + count.checked_add(8)? / 8)
            }
            count => (usize::from(count), 1),
        };
        let each = if segment <= 256 {
            1
        } else if segment <= 65_536 {
            2
        } else {
            4
        };
        let page = if flags & 0x40 == 0 { 1 } else { 4 };
        let length_at = at.checked_add(5 + head + page)?.checked_add(count.checked_mul(each)?)?;
        let length = number(length_at)?;
        // Regions and the page begin with width and height.
        if matches!(flags & 0x3F, 4 | 6 | 7 | 20 | 22 | 23 | 36 | 38..=40 | 42 | 43 | 48) {
            let area = u64::from(number(length_at + 4)?) * u64::from(number(length_at + 8)?);
            pixels = pixels.saturating_add(area);
        }
        // A length that is not known is that of the last one.
        at = (length_at + 4).checked_add(usize::try_from(length).ok()?)?;
    }
    Some(pixels)
}

/// Adds up tokens, those of a form once for each time that it is drawn.
struct Steps<'r> {
    revision: Revision<'r>,
    known: BTreeMap<Reference, u64>,
    /// What is being added up: none may draw itself.
    open: Vec<Reference>,
    budget: Rc<Budget>,
    /// What a code costs that shows a glyph: as much as the longest of all Type 3 fonts, since a
    /// font may have been chosen anywhere before.
    glyph: u64,
    in_glyph: bool,
}

impl<'r> Steps<'r> {
    fn new(revision: Revision<'r>) -> Self {
        let budget = Rc::new(Budget::new("tokens of one page", MOST_TOKENS));
        Self { revision, known: BTreeMap::new(), open: Vec::new(), budget, glyph: 1, in_glyph: false }
    }

    /// Adds up the glyphs of Type 3 fonts.
    fn glyphs(&mut self, fonts: &[Dictionary]) -> Result<(), Error> {
        self.in_glyph = true;
        for font in fonts {
            let own = self.revision.get(font, "Resources")?;
            let empty = Dictionary::new();
            let own = own.as_dictionary().unwrap_or(&empty);
            let glyphs = self.revision.get(font, "CharProcs")?;
            for (_, glyph) in glyphs.as_dictionary().into_iter().flat_map(Dictionary::iter) {
                self.glyph = self.glyph.max(self.of_object(glyph, own)?);
            }
        }
        self.in_glyph = false;
        self.known.clear();
        Ok(())
    }

    /// What it takes to draw a form, a pattern or a glyph.
    fn of_object(&mut self, object: &Object, outer: &Dictionary) -> Result<u64, Error> {
        let id = object.as_reference();
        if let Some(known) = id.and_then(|id| self.known.get(&id)) {
            return Ok(*known);
        }
        let resolved = self.revision.resolve(object)?;
        let Some(stream) = resolved.as_stream() else { return Ok(1) };
        if self.revision.get(&stream.dictionary, "Subtype")?.as_name() == Some(b"Image") {
            // Drawn once more it is not unpacked once more.
            return Ok(1 + image_pixels(self.revision, stream)? / 1024);
        }
        // One without a number cannot be a cycle, but goes deeper all the same.
        let open = id.unwrap_or_else(|| Reference::new(0, 0));
        if id.is_some() && self.open.contains(&open) {
            return Err(Malformed::new(Format::Pdf, "content stream", "one that does not draw itself").into());
        }
        if self.open.len() >= DEEPEST {
            return Err(LimitExceeded::new("nesting of content streams", DEEPEST as u64).into());
        }
        self.open.push(open);
        let steps = self.of_stream(stream, outer);
        self.open.pop();
        let steps = steps?.saturating_mul(self.tiles(&stream.dictionary)?);
        // What draws by the names of another depends on that.
        if let Some(id) = id.filter(|_| stream.dictionary.get("Resources").is_some()) {
            self.known.insert(id, steps);
        }
        Ok(steps)
    }

    /// How often a tiling pattern is drawn into one of its tiles, over which its neighbours reach (§8.7.3).
    fn tiles(&self, pattern: &Dictionary) -> Result<u64, Error> {
        let Some(bounds) = Rectangle::from_object(self.revision, &*self.revision.get(pattern, "BBox")?)? else {
            return Ok(1);
        };
        let mut tiles = 1.0;
        for (key, side) in [("XStep", bounds.width()), ("YStep", bounds.height())] {
            if let Some(step) = self.revision.get(pattern, key)?.as_number() {
                tiles *= (side / step.abs()).ceil() + 1.0;
            }
        }
        // A step of nothing gives no end of them.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
        Ok(if tiles.is_finite() { tiles as u64 } else { u64::MAX })
    }

    fn of_stream(&mut self, stream: &Stream, outer: &Dictionary) -> Result<u64, Error> {
        let own = self.revision.get(&stream.dictionary, "Resources")?;
        let resources = own.as_dictionary().unwrap_or(outer);
        let data = match self.revision.decoded(stream) {
            Ok(data) => data,
            Err(limit @ Error::LimitExceeded(_)) => return Err(limit),
            Err(_) => return Ok(1),
        };
        let budget = Rc::clone(&self.budget);
        let mut tokens = Tokens::new(&data, &budget);
        let mut all = 0_u64;
        let mut found: BTreeMap<(&str, Vec<u8>), u64> = BTreeMap::new();
        while let Some(operator) = tokens.next()? {
            let operands = tokens.operands();
            let category = match operator {
                b"Do" => "XObject",
                b"scn" | b"SCN" => "Pattern",
                b"gs" => "ExtGState",
                _ => "",
            };
            let name = operands.iter().find_map(|operand| operand.name()).filter(|_| !category.is_empty());
            let steps = match name {
                Some(name) => match found.get(&(category, name.to_vec())) {
                    Some(steps) => *steps,
                    None => {
                        let steps = self.of_resource(resources, category, &name)?;
                        found.insert((category, name.into_owned()), steps);
                        steps
                    }
                },
                None if matches!(operator, b"Tj" | b"TJ" | b"'" | b"\"") => {
                    if self.in_glyph {
                        // In which font is not followed; a glyph in its own would have no end.
                        return Err(Unsupported::new(Format::Pdf, "a glyph of a Type 3 font that shows text").into());
                    }
                    let codes: usize = operands.iter().map(|operand| operand.octets()).sum();
                    self.glyph.saturating_mul(codes as u64)
                }
                None => 0,
            };
            all = all.saturating_add(steps).saturating_add(1 + operands.len() as u64);
        }
        Ok(all)
    }

    fn of_resource(&mut self, resources: &Dictionary, category: &str, name: &[u8]) -> Result<u64, Error> {
        let all = self.revision.get(resources, category)?;
        let object = std::str::from_utf8(name).ok().and_then(|name| all.as_dictionary()?.get(name));
        let Some(object) = object else { return Ok(0) };
        if category != "ExtGState" {
            return self.of_object(object, resources);
        }
        let state = self.revision.resolve(object)?;
        let Some(state) = state.as_dictionary() else { return Ok(1) };
        let mask = self.revision.get(state, "SMask")?;
        match mask.as_dictionary().and_then(|mask| mask.get("G")) {
            Some(group) => self.of_object(group, resources),
            None => Ok(1),
        }
    }
}
