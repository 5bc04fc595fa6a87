//! What a content stream draws and where (ISO 32000-2 §7.8.2): where text begins, and
//! which areas opaque images and fills cover. Enough to see what lies under what.

use crate::error::Error;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::page::Matrix;
use crate::pdf::page::Rectangle;

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
/// Operators of one page.
const MOST_OPERATORS: usize = 2_000_000;
/// Nesting of form XObjects.
const DEEPEST: usize = 6;
/// Operands of one operator, and saved states.
const MOST_OPERANDS: usize = 64;
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
    operators: usize,
}

impl<'r> Drawing<'r> {
    pub(super) const fn new(revision: Revision<'r>) -> Self {
        Self { revision, marks: Vec::new(), operators: 0 }
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
        let mut operands: Vec<Operand<'_>> = Vec::new();
        let mut tokens = Tokens { data, at: 0 };
        while let Some(token) = tokens.next() {
            let operator = match token {
                Token::Operand(operand) => {
                    if operands.len() < MOST_OPERANDS {
                        operands.push(operand);
                    }
                    continue;
                }
                Token::Operator(operator) => operator,
            };
            self.operators += 1;
            if self.operators > MOST_OPERATORS || self.marks.len() > MOST_MARKS {
                return Ok(());
            }
            let numbers: Vec<f64> = operands.iter().filter_map(Operand::number).collect();
            let name = operands.iter().find_map(Operand::name);
            match (operator, numbers.as_slice()) {
                (b"q", _) if saved.len() < MOST_STATES => saved.push(state.clone()),
                (b"Q", _) => state = saved.pop().unwrap_or(state),
                (b"cm", &[a, b, c, d, e, f]) => state.matrix = Matrix([a, b, c, d, e, f]).then(state.matrix),
                (b"gs", _) => state.opaque &= self.is_opaque(resources, name),
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
                    if state.shown && operands.iter().any(Operand::has_text) {
                        let (x, y) = text.then(state.matrix).point(0.0, 0.0);
                        self.marks.push(Mark::Text { x, y });
                    }
                }
                (b"m" | b"l" | b"c" | b"v" | b"y", _) => path.irregular = true,
                (b"W" | b"W*", _) => path.clips = true,
                (b"re", &[x, y, w, h]) if path.rectangles.len() < MOST_OPERANDS => {
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
                    if let Some(name) = name {
                        self.object(resources, name, &state, depth)?;
                    }
                }
                (b"BI", _) => tokens.skip_inline_image(),
                _ => {}
            }
            operands.clear();
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
pub(super) fn strings(data: &[u8]) -> Vec<u8> {
    let mut tokens = Tokens { data, at: 0 };
    let mut all = Vec::new();
    loop {
        let start = tokens.at;
        let Some(token) = tokens.next() else { return all };
        match token {
            Token::Operand(Operand::Text(_)) => {
                literals(data.get(start..tokens.at).unwrap_or_default(), &mut all);
            }
            Token::Operator(b"BI") => tokens.skip_inline_image(),
            _ => {}
        }
    }
}

/// The octets of the strings in a token, which may be an array of them (§7.3.4).
fn literals(token: &[u8], all: &mut Vec<u8>) {
    let (mut depth, mut hexadecimal) = (0_usize, None::<Vec<u8>>);
    let mut octets = token.iter().copied().peekable();
    while let Some(octet) = octets.next() {
        match (octet, depth, &mut hexadecimal) {
            (b'<', 0, None) => hexadecimal = Some(Vec::new()),
            (b'>', 0, Some(digits)) => {
                let pairs = digits.chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
                all.extend(pairs.filter_map(|pair| u8::from_str_radix(pair, 16).ok()));
                hexadecimal = None;
            }
            (digit, 0, Some(digits)) if digit.is_ascii_hexdigit() => digits.push(digit),
            (b'(', depth_now, None) => {
                if depth_now > 0 {
                    all.push(b'(');
                }
                depth += 1;
            }
            (b')', 1.., None) => {
                depth -= 1;
                if depth > 0 {
                    all.push(b')');
                }
            }
            (b'\\', 1.., None) => match octets.next() {
                Some(first @ b'0'..=b'7') => {
                    let mut value = u32::from(first - b'0');
                    for _ in 0..2 {
                        let Some(digit) = octets.next_if(|octet| matches!(octet, b'0'..=b'7')) else { break };
                        value = value * 8 + u32::from(digit - b'0');
                    }
                    all.push(u8::try_from(value & 0xFF).unwrap_or_default());
                }
                // A line end, a tab and the like: space for all that is asked here.
                Some(b'n' | b'r' | b't' | b'b' | b'f' | b'\n' | b'\r') | None => all.push(b' '),
                Some(other) => all.push(other),
            },
            (other, 1.., None) => all.push(other),
            _ => {}
        }
    }
}

enum Token<'t> {
    Operand(Operand<'t>),
    Operator(&'t [u8]),
}

enum Operand<'t> {
    Number(f64),
    Name(&'t [u8]),
    /// A string or an array: whether there is text in it.
    Text(bool),
}

impl<'t> Operand<'t> {
    const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    const fn name(&self) -> Option<&'t [u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    const fn has_text(&self) -> bool {
        matches!(self, Self::Text(true))
    }
}

/// The tokens of a content stream, read as leniently as viewers do.
struct Tokens<'t> {
    data: &'t [u8],
    at: usize,
}

const fn is_regular(octet: u8) -> bool {
    !matches!(octet, 0 | 9 | 10 | 12 | 13 | 32 | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

impl<'t> Tokens<'t> {
    fn peek(&self) -> Option<u8> {
        self.data.get(self.at).copied()
    }

    fn regular(&mut self) -> &'t [u8] {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn next(&mut self) -> Option<Token<'t>> {
        loop {
            match self.peek()? {
                b'%' => {
                    let rest = self.data.get(self.at..).unwrap_or_default();
                    self.at += rest.iter().position(|octet| matches!(octet, b'\n' | b'\r')).unwrap_or(rest.len());
                }
                b'/' => {
                    self.at += 1;
                    return Some(Token::Operand(Operand::Name(self.regular())));
                }
                b'(' => return Some(Token::Operand(Operand::Text(self.string()))),
                b'<' if self.data.get(self.at + 1) == Some(&b'<') => self.at += 2,
                b'<' => {
                    let rest = self.data.get(self.at..).unwrap_or_default();
                    let length = rest.iter().position(|octet| *octet == b'>').map_or(rest.len(), |end| end + 1);
                    self.at += length;
                    return Some(Token::Operand(Operand::Text(length > 2)));
                }
                b'[' => {
                    self.at += 1;
                    let mut text = false;
                    while let Some(octet) = self.peek() {
                        match octet {
                            b']' => {
                                self.at += 1;
                                break;
                            }
                            b'(' => text |= self.string(),
                            b'<' => text = true,
                            _ => {}
                        }
                        if octet != b'(' {
                            self.at += 1;
                        }
                    }
                    return Some(Token::Operand(Operand::Text(text)));
                }
                octet if is_regular(octet) => {
                    let word = self.regular();
                    let number = matches!(octet, b'0'..=b'9' | b'+' | b'-' | b'.');
                    let number = std::str::from_utf8(word).ok().filter(|_| number).and_then(|word| word.parse().ok());
                    return Some(match number {
                        Some(number) => Token::Operand(Operand::Number(number)),
                        None => Token::Operator(word),
                    });
                }
                _ => self.at += 1,
            }
        }
    }

    /// Passes a literal string; tells whether it has more than space in it.
    fn string(&mut self) -> bool {
        let (mut depth, mut text) = (0_usize, false);
        while let Some(octet) = self.peek() {
            self.at += 1;
            match octet {
                b'\\' => {
                    self.at += 1;
                    text = true;
                }
                b'(' => depth += 1,
                b')' => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                b' ' | b'_' | b'.' => {}
                _ => text = true,
            }
        }
        text
    }

    /// To behind `EI` with space around it (§8.9.7).
    fn skip_inline_image(&mut self) {
        let rest = self.data.get(self.at..).unwrap_or_default();
        let end = rest
            .windows(4)
            .position(|w| matches!(w, [before, b'E', b'I', after] if !is_regular(*before) && !is_regular(*after)));
        self.at += end.map_or(rest.len(), |end| end + 3);
    }
}
