//! What a content stream draws and where (ISO 32000-2 §7.8.2): where text begins, and
//! which areas opaque images and fills cover. Enough to see what lies under what.

use std::rc::Rc;

use crate::error::Error;
use crate::error::LimitExceeded;
use crate::limits::Budget;
use crate::limits::Limits;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::page::Matrix;
use crate::pdf::page::Rectangle;
use crate::pdf::tokens::Operand;
use crate::pdf::tokens::Tokens;

/// A mark, in the space in which the stream is drawn; in the order of drawing.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Mark {
    /// A text begins here.
    Text { x: f64, y: f64 },
    /// An image that nothing shines through.
    Image { area: Rectangle, object: Option<Reference> },
    /// A filled rectangle.
    Fill { area: Rectangle },
}

/// Marks that are kept of one page.
const MOST_MARKS: usize = 20_000;
/// Tokens of one page; long ones count more than once.
const MOST_TOKENS: u64 = 10_000_000;
/// Nesting of form XObjects.
const DEEPEST: usize = 6;
/// Rectangles of one path, and saved states.
const MOST_RECTANGLES: usize = 64;
const MOST_STATES: usize = 256;

/// The rectangle around what `matrix` makes of a rectangle.
fn around(matrix: Matrix, r: &Rectangle) -> Rectangle {
    let corners = [(r.left, r.bottom), (r.right, r.bottom), (r.left, r.top), (r.right, r.top)];
    let corners = corners.map(|(x, y)| matrix.point(x, y));
    let least = |pick: fn(&(f64, f64)) -> f64| corners.iter().map(pick).fold(f64::INFINITY, f64::min);
    let most = |pick: fn(&(f64, f64)) -> f64| corners.iter().map(pick).fold(f64::NEG_INFINITY, f64::max);
    Rectangle { left: least(|p| p.0), bottom: least(|p| p.1), right: most(|p| p.0), top: most(|p| p.1) }
}

/// Whether rectangles stay rectangles.
fn is_upright(Matrix(matrix): Matrix) -> bool {
    let [a, b, c, d, ..] = matrix.map(f64::abs);
    b.max(c) <= 1e-3 * a.max(d) || a.max(d) <= 1e-3 * b.max(c)
}

/// A matrix written as an array.
fn matrix_of(revision: &Revision<'_>, value: &Object) -> Option<Matrix> {
    Matrix::from_operands(revision.resolve(value).ok()?.as_array()?)
}

#[derive(Clone)]
struct State {
    matrix: Matrix,
    /// Text is drawn, not only laid out (§9.3.6).
    shown: bool,
    leading: f64,
    /// Images and fills cover what lies below.
    opaque: bool,
    clip: Clip,
}

/// What of a mark is left (§8.5.4).
#[derive(Clone, Copy)]
enum Clip {
    None,
    To(Rectangle),
    /// To a shape that is no rectangle: how much is covered is not known, so nothing.
    Shape,
}

impl Clip {
    fn left(self, area: Rectangle) -> Option<Rectangle> {
        match self {
            Self::None => Some(area),
            Self::To(clip) => Some(area.intersection(&clip)).filter(|left| left.width() > 0.0 && left.height() > 0.0),
            Self::Shape => None,
        }
    }

    fn and(self, path: &Path) -> Self {
        match (self, path.rectangles.as_slice()) {
            (Self::Shape, _) => Self::Shape,
            (_, [one]) if !path.irregular => match self.left(*one) {
                Some(left) => Self::To(left),
                None => Self::Shape,
            },
            _ => Self::Shape,
        }
    }
}

/// The path that is being made.
#[derive(Default)]
struct Path {
    rectangles: Vec<Rectangle>,
    irregular: bool,
    clips: bool,
}

/// The walk through one page's streams.
pub(super) struct Drawing<'r> {
    revision: Revision<'r>,
    pub(super) marks: Vec<Mark>,
    budget: Rc<Budget>,
}

impl<'r> Drawing<'r> {
    pub(super) fn new(revision: Revision<'r>) -> Self {
        Self { revision, marks: Vec::new(), budget: Rc::new(Budget::new("tokens of one page", MOST_TOKENS)) }
    }

    /// Goes through a content stream. What cannot be read is passed over, as viewers do.
    ///
    /// # Errors
    /// Where a limit is reached.
    pub(super) fn run(&mut self, data: &[u8], resources: &Dictionary, matrix: Matrix) -> Result<(), Error> {
        self.stream(data, resources, State { matrix, shown: true, leading: 0.0, opaque: true, clip: Clip::None }, 0)
    }

    fn stream(&mut self, data: &[u8], resources: &Dictionary, mut state: State, depth: usize) -> Result<(), Error> {
        let mut saved: Vec<State> = Vec::new();
        let (mut text, mut line) = (Matrix::IDENTITY, Matrix::IDENTITY);
        let mut path = Path::default();
        let budget = Rc::clone(&self.budget);
        let mut tokens = Tokens::new(data, &budget);
        while let Some(operator) = tokens.next()? {
            if self.marks.len() > MOST_MARKS {
                return Err(LimitExceeded::new("marks of one page", MOST_MARKS as u64).into());
            }
            let operands = tokens.operands();
            // No operator that matters here takes more than six.
            let (mut numbers, mut count) = ([0.0; 7], 0);
            for (place, number) in numbers.iter_mut().zip(operands.iter().filter_map(|operand| operand.number())) {
                *place = number;
                count += 1;
            }
            let name = || operands.iter().find_map(|operand| operand.name());
            match (operator, numbers.get(..count).unwrap_or_default()) {
                (b"q", _) if saved.len() < MOST_STATES => saved.push(state.clone()),
                (b"Q", _) => state = saved.pop().unwrap_or(state),
                (b"cm", &[a, b, c, d, e, f]) => state.matrix = Matrix([a, b, c, d, e, f]).then(state.matrix),
                (b"gs", _) => state.opaque &= self.is_opaque(resources, name().as_deref()),
                (b"BT", _) => (text, line) = (Matrix::IDENTITY, Matrix::IDENTITY),
                (b"Tm", &[a, b, c, d, e, f]) => {
                    line = Matrix([a, b, c, d, e, f]);
                    text = line;
                }
                (b"Td" | b"TD", &[x, y]) => {
                    if operator == b"TD" {
                        state.leading = -y;
                    }
                    line = Matrix::translation(x, y).then(line);
                    text = line;
                }
                (b"TL", &[leading]) => state.leading = leading,
                (b"T*", _) => {
                    line = Matrix::translation(0.0, -state.leading).then(line);
                    text = line;
                }
                (b"Tr", &[mode]) => state.shown = mode != 3.0 && mode != 7.0,
                (b"Tj" | b"TJ" | b"'" | b"\"", _) => {
                    if matches!(operator, b"'" | b"\"") {
                        line = Matrix::translation(0.0, -state.leading).then(line);
                        text = line;
                    }
                    if state.shown && operands.iter().copied().any(Operand::has_text) {
                        let (x, y) = text.then(state.matrix).point(0.0, 0.0);
                        self.marks.push(Mark::Text { x, y });
                    }
                }
                (b"m" | b"l" | b"c" | b"v" | b"y", _) => path.irregular = true,
                (b"W" | b"W*", _) => path.clips = true,
                (b"re", &[x, y, w, h]) if path.rectangles.len() < MOST_RECTANGLES => {
                    let area =
                        Rectangle { left: x.min(x + w), bottom: y.min(y + h), right: x.max(x + w), top: y.max(y + h) };
                    if is_upright(state.matrix) {
                        path.rectangles.push(around(state.matrix, &area));
                    } else {
                        path.irregular = true;
                    }
                }
                (b"f" | b"F" | b"f*" | b"b" | b"B" | b"b*" | b"B*" | b"n" | b"s" | b"S", _) => {
                    let path = std::mem::take(&mut path);
                    if state.opaque && !matches!(operator, b"n" | b"s" | b"S") {
                        let filled = path.rectangles.iter().filter_map(|area| state.clip.left(*area));
                        self.marks.extend(filled.map(|area| Mark::Fill { area }));
                    }
                    if path.clips {
                        state.clip = state.clip.and(&path);
                    }
                }
                (b"Do", _) => {
                    if let Some(name) = name() {
                        self.object(resources, &name, &state, depth)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn object(&mut self, resources: &Dictionary, name: &[u8], state: &State, depth: usize) -> Result<(), Error> {
        let Some((value, object)) = self.resource(resources, "XObject", name) else { return Ok(()) };
        let Some(stream) = object.as_stream() else { return Ok(()) };
        let dictionary = &stream.dictionary;
        let get = |key: &str| self.revision.get(dictionary, key).unwrap_or_default();
        match get("Subtype").as_name() {
            Some(b"Image") => {
                let solid = get("SMask").is_null() && get("Mask").is_null() && get("ImageMask").as_bool() != Some(true);
                if solid && state.opaque && is_upright(state.matrix) {
                    let area = around(state.matrix, &Rectangle { left: 0.0, bottom: 0.0, right: 1.0, top: 1.0 });
                    let left = state.clip.left(area);
                    self.marks.extend(left.map(|area| Mark::Image { area, object: value.as_reference() }));
                }
            }
            Some(b"Form") if depth < DEEPEST => {
                let own = matrix_of(&self.revision, dictionary.get("Matrix").unwrap_or(&Object::Null));
                let matrix = own.unwrap_or(Matrix::IDENTITY).then(state.matrix);
                let inner = get("Resources");
                let inner = inner.as_dictionary().unwrap_or(resources);
                if let Ok(data) = self.revision.decoded(stream) {
                    self.stream(&data, inner, State { matrix, shown: true, leading: 0.0, ..state.clone() }, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whether a graphics state leaves what is drawn opaque (§11.3.5, §11.6.4).
    fn is_opaque(&self, resources: &Dictionary, name: Option<&[u8]>) -> bool {
        let Some((_, state)) = name.and_then(|name| self.resource(resources, "ExtGState", name)) else { return true };
        let Some(state) = state.as_dictionary() else { return true };
        let get = |key: &str| self.revision.get(state, key).unwrap_or_default();
        let normal = matches!(get("BM").as_name(), None | Some(b"Normal" | b"Compatible"));
        let mask = get("SMask");
        normal
            && get("ca").as_number().is_none_or(|alpha| alpha >= 1.0)
            && matches!(&*mask, Object::Null | Object::Name(_))
    }

    fn resource(&self, resources: &Dictionary, kind: &str, name: &[u8]) -> Option<(Object, std::sync::Arc<Object>)> {
        let all = self.revision.get(resources, kind).ok()?;
        let value = all.as_dictionary()?.get(std::str::from_utf8(name).ok()?)?.clone();
        let object = self.revision.resolve(&value).ok()?;
        Some((value, object))
    }
}

/// The strings of a content stream one after the other, in whatever encoding its fonts have.
///
/// # Errors
/// Where a limit is reached.
pub(super) fn strings(data: &[u8], limits: &Limits) -> Result<Vec<u8>, Error> {
    let budget = Budget::new("tokens of an appearance", MOST_TOKENS);
    let mut tokens = Tokens::new(data, &budget);
    let mut all = Vec::new();
    while tokens.next()?.is_some() {
        for operand in tokens.operands() {
            match operand.object(limits) {
                Object::String(text) => all.extend_from_slice(text.octets()),
                Object::Array(parts) => parts.iter().filter_map(Object::as_string).for_each(|text| all.extend(text)),
                _ => {}
            }
        }
    }
    Ok(all)
}
