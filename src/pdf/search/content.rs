//! What a page shows: its content stream carried out as far as text and images
//! have a place (ISO 32000-2 §8, §9).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use crate::error::Error;
use crate::error::LimitExceeded;
use crate::limits::Budget;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::object::text_of;
use crate::pdf::page::Matrix;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;
use crate::pdf::search::fonts::ReadFont;
use crate::pdf::search::fonts::Shown;
use crate::pdf::tokens::Operand;
use crate::pdf::tokens::Tokens;

/// Tokens read and codes carried out for one search.
const MOST_STEPS: u64 = 50_000_000;
/// Glyphs of one page; a full page of small print has ten thousand.
const MOST_GLYPHS: usize = 500_000;
/// Images of one page whose place is kept.
const MOST_IMAGES: usize = 10_000;
/// Form XObjects within each other.
const DEEPEST: usize = 24;
/// Saved graphics states.
const MOST_STATES: usize = 512;
/// Octets of contents that are kept for the next time they are drawn.
const KEPT: usize = 16 << 20;

/// A glyph at its place on the page as shown, in points.
#[derive(Clone, Debug)]
pub(super) struct Glyph {
    pub(super) text: Arc<str>,
    /// Where it starts on the baseline.
    pub(super) origin: (f64, f64),
    /// Where the next one starts.
    pub(super) end: (f64, f64),
    /// From the baseline to the height of the font, and to its depth.
    pub(super) up: (f64, f64),
    pub(super) down: (f64, f64),
}

/// Glyphs and images of a page in the order in which they are drawn.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    pub(super) glyphs: Vec<Glyph>,
    pub(super) images: Vec<Rectangle>,
}

/// Reads pages of one revision; fonts and forms are read once.
pub(super) struct Reader<'p> {
    revision: Revision<'p>,
    fonts: BTreeMap<Reference, Option<Rc<ReadFont>>>,
    contents: BTreeMap<Reference, Rc<[u8]>>,
    kept: usize,
    /// Forms that showed nothing when they were drawn.
    blank: BTreeSet<Reference>,
    /// Forms that are being drawn: none may draw itself.
    open: Vec<Reference>,
    budget: Rc<Budget>,
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Rc<ReadFont>>,
    size: f64,
    character_spacing: f64,
    word_spacing: f64,
    stretch: f64,
    leading: f64,
    rise: f64,
}

/// One content stream being carried out.
struct Run<'r, 'p> {
    reader: &'r mut Reader<'p>,
    out: &'r mut Drawn,
    state: State,
    saved: Vec<State>,
    text: Matrix,
    line: Matrix,
    /// Marked content that is open: where its glyphs begin and the text that stands for them.
    marked: Vec<Option<(usize, Arc<str>)>>,
    fonts: BTreeMap<Vec<u8>, Option<Rc<ReadFont>>>,
}

impl<'p> Reader<'p> {
    pub(super) fn new(revision: Revision<'p>) -> Self {
        Self {
            revision,
            fonts: BTreeMap::new(),
            contents: BTreeMap::new(),
            kept: 0,
            blank: BTreeSet::new(),
            open: Vec::new(),
            budget: Rc::new(Budget::new("steps of page contents", MOST_STEPS)),
        }
    }

    /// What the page itself shows, without its annotations.
    pub(super) fn page(&mut self, page: &Page) -> Result<Drawn, Error> {
        let revision = self.revision;
        let object = revision.object(page.id())?;
        let mut content = Vec::new();
        if let Some(dictionary) = object.as_dictionary() {
            let contents = revision.get(dictionary, "Contents")?;
            let parts = match &*contents {
                Object::Array(parts) => parts.as_slice(),
                Object::Null => &[],
                _ => std::slice::from_ref(dictionary.get("Contents").unwrap_or(&Object::Null)),
            };
            for part in parts {
                if let Some(stream) = revision.resolve(part)?.as_stream() {
                    content.extend(revision.decoded(stream)?);
                    content.push(b'\n');
                    if content.len() as u64 > revision.pdf().limits().inflated_octets {
                        let most = revision.pdf().limits().inflated_octets;
                        return Err(LimitExceeded::new("inflated_octets", most).into());
                    }
                }
            }
        }
        let resources = revision.resolve(page.resources())?;
        self.draw(&content, resources.as_dictionary(), page.seen_matrix()?)
    }

    /// What an appearance stream shows whose form space `matrix` takes to the page.
    pub(super) fn form(&mut self, form: &Stream, matrix: Matrix) -> Result<Drawn, Error> {
        let content = self.revision.decoded(form)?;
        let resources = self.revision.get(&form.dictionary, "Resources")?;
        self.draw(&content, resources.as_dictionary(), matrix)
    }

    fn draw(&mut self, content: &[u8], resources: Option<&Dictionary>, ctm: Matrix) -> Result<Drawn, Error> {
        let mut out = Drawn::default();
        let empty = Dictionary::new();
        self.run(content, resources.unwrap_or(&empty), State::new(ctm), 0, &mut out)?;
        Ok(out)
    }

    fn run(
        &mut self,
        content: &[u8],
        resources: &Dictionary,
        state: State,
        depth: usize,
        out: &mut Drawn,
    ) -> Result<(), Error> {
        let budget = Rc::clone(&self.budget);
        let mut run = Run {
            reader: self,
            out,
            state,
            saved: Vec::new(),
            text: Matrix::IDENTITY,
            line: Matrix::IDENTITY,
            marked: Vec::new(),
            fonts: BTreeMap::new(),
        };
        let mut tokens = Tokens::new(content, &budget);
        while let Some(operator) = tokens.next()? {
            run.operator(operator, tokens.operands(), resources, depth)?;
        }
        while !run.marked.is_empty() {
            run.end_marked();
        }
        Ok(())
    }

    /// A font, read once; one that cannot be read shows nothing.
    fn font(&mut self, object: &Object) -> Result<Option<Rc<ReadFont>>, Error> {
        if let Object::Reference(id) = object
            && let Some(font) = self.fonts.get(id)
        {
            return Ok(font.clone());
        }
        let dictionary = self.revision.resolve(object)?;
        let font = match dictionary.as_dictionary() {
            Some(dictionary) => match ReadFont::read(self.revision, dictionary) {
                Ok(font) => Some(Rc::new(font)),
                Err(Error::LimitExceeded(limit)) => return Err(limit.into()),
                Err(_) => None,
            },
            None => None,
        };
        if let Object::Reference(id) = object {
            self.fonts.insert(*id, font.clone());
        }
        Ok(font)
    }

    fn content(&mut self, id: Option<Reference>, form: &Stream) -> Result<Rc<[u8]>, Error> {
        if let Some(content) = id.and_then(|id| self.contents.get(&id)) {
            return Ok(Rc::clone(content));
        }
        let content: Rc<[u8]> = self.revision.decoded(form)?.into();
        if let Some(id) = id.filter(|_| self.kept + content.len() <= KEPT) {
            self.kept += content.len();
            self.contents.insert(id, Rc::clone(&content));
        }
        Ok(content)
    }
}

impl State {
    const fn new(ctm: Matrix) -> Self {
        Self {
            ctm,
            font: None,
            size: 1.0,
            character_spacing: 0.0,
            word_spacing: 0.0,
            stretch: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }
}

impl Run<'_, '_> {
    fn operator(
        &mut self,
        operator: &[u8],
        operands: &[Operand<'_>],
        resources: &Dictionary,
        depth: usize,
    ) -> Result<(), Error> {
        let limits = self.reader.revision.pdf().limits();
        let number = |index: usize| operands.get(index)?.number().filter(|value| value.is_finite());
        let object = |index: usize| operands.get(index).map(|operand| operand.object(limits));
        let matrix = || Matrix::from_numbers(operands.iter().map(|operand| operand.number()));
        let name = || operands.first()?.name();
        let first = || number(0).unwrap_or(0.0);
        match operator {
            b"q" if self.saved.len() < MOST_STATES => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => {
                if let Some(matrix) = matrix() {
                    self.state.ctm = matrix.then(self.state.ctm);
                }
            }
            b"BT" => {
                self.text = Matrix::IDENTITY;
                self.line = Matrix::IDENTITY;
            }
            b"Tf" => {
                self.state.size = number(1).unwrap_or(0.0);
                self.state.font = match name() {
                    Some(name) => self.font(&name, resources)?,
                    None => None,
                };
            }
            b"gs" => self.graphics_state(name().as_deref(), resources)?,
            b"Tc" => self.state.character_spacing = first(),
            b"Tw" => self.state.word_spacing = first(),
            b"Tz" => self.state.stretch = first() / 100.0,
            b"TL" => self.state.leading = first(),
            b"Ts" => self.state.rise = first(),
            b"Td" => self.move_line(first(), number(1).unwrap_or(0.0)),
            b"TD" => {
                self.state.leading = -number(1).unwrap_or(0.0);
                self.move_line(first(), number(1).unwrap_or(0.0));
            }
            b"Tm" => {
                if let Some(matrix) = matrix() {
                    self.text = matrix;
                    self.line = matrix;
                }
            }
            b"T*" => self.move_line(0.0, -self.state.leading),
            b"Tj" => self.show(object(0).as_ref())?,
            b"'" => {
                self.move_line(0.0, -self.state.leading);
                self.show(object(0).as_ref())?;
            }
            b"\"" => {
                self.state.word_spacing = first();
                self.state.character_spacing = number(1).unwrap_or(0.0);
                self.move_line(0.0, -self.state.leading);
                self.show(object(2).as_ref())?;
            }
            b"TJ" => {
                for item in object(0).as_ref().and_then(Object::as_array).unwrap_or_default() {
                    match item.as_number() {
                        Some(back) => self.advance(-back / 1000.0 * self.state.size, true),
                        None => self.show(Some(item))?,
                    }
                }
            }
            b"Do" => self.draw(name().as_deref(), resources, depth)?,
            b"BMC" | b"BDC" => self.begin_marked(object(1), resources)?,
            b"EMC" => self.end_marked(),
            _ => {}
        }
        Ok(())
    }

    fn font(&mut self, name: &[u8], resources: &Dictionary) -> Result<Option<Rc<ReadFont>>, Error> {
        if let Some(font) = self.fonts.get(name) {
            return Ok(font.clone());
        }
        let font = match self.reader.resource(resources, "Font", name)? {
            Some(object) => self.reader.font(&object)?,
            None => None,
        };
        self.fonts.insert(name.to_vec(), font.clone());
        Ok(font)
    }

    fn graphics_state(&mut self, name: Option<&[u8]>, resources: &Dictionary) -> Result<(), Error> {
        let Some(name) = name else { return Ok(()) };
        let revision = self.reader.revision;
        let Some(state) = self.reader.resource(resources, "ExtGState", name)? else { return Ok(()) };
        let state = revision.resolve(&state)?;
        let Some(state) = state.as_dictionary() else { return Ok(()) };
        if let Some([font, size]) = revision.get(state, "Font")?.as_array() {
            self.state.font = self.reader.font(font)?;
            self.state.size = revision.resolve(size)?.as_number().unwrap_or(0.0);
        }
        Ok(())
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.line = Matrix::translation(x, y).then(self.line);
        self.text = self.line;
    }

    /// Moves on along the line; what widths say is stretched.
    fn advance(&mut self, by: f64, stretched: bool) {
        let vertical = self.state.font.as_ref().is_some_and(|font| font.vertical);
        let by = if stretched && !vertical { by * self.state.stretch } else { by };
        let (x, y) = if vertical { (0.0, by) } else { (by, 0.0) };
        self.text = Matrix::translation(x, y).then(self.text);
    }

    fn show(&mut self, text: Option<&Object>) -> Result<(), Error> {
        let Some(text) = text.and_then(Object::as_string) else { return Ok(()) };
        let Some(font) = self.state.font.clone() else { return Ok(()) };
        font.shown(text, |shown| {
            self.reader.budget.spend()?;
            self.glyph(&font, shown)
        })
    }

    fn glyph(&mut self, font: &ReadFont, shown: Shown) -> Result<(), Error> {
        let State { size, stretch, rise, .. } = self.state;
        let spacing = self.state.character_spacing + if shown.space { self.state.word_spacing } else { 0.0 };
        let place = self.text.then(self.state.ctm);
        let (by, across) = if font.vertical {
            // A column goes down by the height of a character.
            ((0.0, -size), (size, 0.0))
        } else {
            ((shown.width * size * stretch, 0.0), (0.0, size))
        };
        let origin = place.point(0.0, rise);
        let glyph = Glyph {
            text: shown.text.unwrap_or_else(|| Arc::from("\u{fffd}")),
            origin,
            end: place.point(by.0, by.1 + rise),
            up: place.vector(across.0 * font.ascent, across.1 * font.ascent),
            down: place.vector(across.0 * font.descent, across.1 * font.descent),
        };
        let finite =
            [glyph.origin, glyph.end, glyph.up, glyph.down].iter().all(|(x, y)| x.is_finite() && y.is_finite());
        if finite {
            if self.out.glyphs.len() >= MOST_GLYPHS {
                return Err(LimitExceeded::new("glyphs of one page", MOST_GLYPHS as u64).into());
            }
            self.out.glyphs.push(glyph);
        }
        if font.vertical {
            self.advance(-size + spacing, true);
        } else {
            self.advance(shown.width * size + spacing, true);
        }
        Ok(())
    }

    fn draw(&mut self, name: Option<&[u8]>, resources: &Dictionary, depth: usize) -> Result<(), Error> {
        let Some(name) = name else { return Ok(()) };
        let revision = self.reader.revision;
        let Some(object) = self.reader.resource(resources, "XObject", name)? else { return Ok(()) };
        let id = object.as_reference();
        if id.is_some_and(|id| self.reader.blank.contains(&id) || self.reader.open.contains(&id)) {
            return Ok(());
        }
        let resolved = revision.resolve(&object)?;
        let Some(form) = resolved.as_stream() else { return Ok(()) };
        match revision.get(&form.dictionary, "Subtype")?.as_name() {
            Some(b"Image") if self.out.images.len() < MOST_IMAGES => {
                let ctm = self.state.ctm;
                let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(x, y)| ctm.point(x, y));
                self.out.images.extend(Rectangle::around(corners));
            }
            Some(b"Form") => {
                if depth >= DEEPEST {
                    return Err(LimitExceeded::new("nesting of form XObjects", DEEPEST as u64).into());
                }
                let mut state = self.state.clone();
                let matrix = revision.get(&form.dictionary, "Matrix")?;
                if let Some(matrix) = matrix.as_array().and_then(Matrix::from_operands) {
                    state.ctm = matrix.then(state.ctm);
                }
                let own = revision.get(&form.dictionary, "Resources")?;
                let own = own.as_dictionary().unwrap_or(resources);
                let before = (self.out.glyphs.len(), self.out.images.len());
                let content = self.reader.content(id, form)?;
                self.reader.open.extend(id);
                self.reader.run(&content, own, state, depth + 1, self.out)?;
                if let Some(id) = id {
                    self.reader.open.pop();
                    // Where forms draw forms that show something, the number of glyphs is the limit.
                    if before == (self.out.glyphs.len(), self.out.images.len()) {
                        self.reader.blank.insert(id);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Marked content may say what text its glyphs stand for (§14.9.4).
    fn begin_marked(&mut self, properties: Option<Object>, resources: &Dictionary) -> Result<(), Error> {
        let revision = self.reader.revision;
        let properties = match properties {
            Some(Object::Name(ref name)) => {
                let named = self.reader.resource(resources, "Properties", name.octets())?;
                revision.resolve(&named.unwrap_or(Object::Null))?
            }
            Some(other) => Arc::new(other),
            None => Arc::new(Object::Null),
        };
        let text = match properties.as_dictionary() {
            Some(properties) => revision.get(properties, "ActualText")?.as_string().map(text_of),
            None => None,
        };
        // Within one that has a text already, the outer one tells it.
        let outer = self.marked.iter().any(Option::is_some);
        if self.marked.len() < MOST_STATES {
            let start = self.out.glyphs.len();
            self.marked.push(text.filter(|_| !outer).map(|text| (start, Arc::from(text.as_str()))));
        }
        Ok(())
    }

    fn end_marked(&mut self) {
        let Some(Some((start, text))) = self.marked.pop() else { return };
        let Some(first) = self.out.glyphs.get(start).cloned() else { return };
        // A longer stretch keeps its own glyphs: only the whole could be found else.
        let count = self.out.glyphs.len() - start;
        if count > 16 || text.trim().is_empty() && count > 1 {
            return;
        }
        let end = self.out.glyphs.last().map_or(first.end, |last| last.end);
        self.out.glyphs.truncate(start);
        self.out.glyphs.push(Glyph { text, end, ..first });
    }
}

impl Reader<'_> {
    /// The resource `name` of a category; looking through a long list has its price.
    fn resource(&self, resources: &Dictionary, category: &str, name: &[u8]) -> Result<Option<Object>, Error> {
        let all = self.revision.get(resources, category)?;
        let Some(all) = all.as_dictionary() else { return Ok(None) };
        self.budget.spend_many(all.len() as u64 / 16)?;
        let name = std::str::from_utf8(name).ok();
        Ok(name.and_then(|name| all.get(name)).cloned())
    }
}
