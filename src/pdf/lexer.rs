//! Tokens and direct objects (ISO 32000-2 §7.2, §7.3), with the place of each dictionary value.

use std::cell::Cell;
use std::ops::Range;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::limits::Limits;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Name;
use crate::pdf::object::Object;
use crate::pdf::object::PdfString;
use crate::pdf::object::Real;
use crate::pdf::object::Reference;

/// Why a parse stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The octets at hand end within the object; more may follow in the source.
    Incomplete,
    /// A fault that more octets cannot cure.
    Fault(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

type Parse<T> = Result<T, Stop>;

/// A top-level key of a dictionary and where its value stands.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Name,
    pub(super) value: Range<u64>,
}

/// A parser over octets that begin at `base` in the source.
pub(super) struct Parser<'d> {
    data: &'d [u8],
    base: u64,
    position: usize,
    /// How far a token was looked through that was none.
    far: Cell<usize>,
    /// Whether the source ends where `data` does.
    complete: bool,
    depth: usize,
    entries: Option<Vec<Entry>>,
}

/// Deeper nesting than this is refused whatever the limits say: the stack is finite.
const DEPTH_CAP: usize = 256;

impl<'d> Parser<'d> {
    pub(super) fn new(data: &'d [u8], base: u64, complete: bool, limits: &Limits) -> Self {
        Self { data, base, position: 0, far: Cell::new(0), complete, depth: limits.depth.min(DEPTH_CAP), entries: None }
    }

    /// Keeps the places of the outermost dictionary's values.
    pub(super) fn keep_entries(&mut self) {
        self.entries = Some(Vec::new());
    }

    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        self.entries.take().unwrap_or_default()
    }

    pub(super) const fn offset(&self) -> u64 {
        self.base + self.position as u64
    }

    pub(super) const fn position(&self) -> usize {
        self.position
    }

    /// How many octets were looked at, those of a token at fault as well.
    pub(super) fn seen(&self) -> usize {
        self.position.max(self.far.get())
    }

    fn peek(&self) -> Option<u8> {
        self.data.get(self.position).copied()
    }

    fn ahead(&self, by: usize) -> Option<u8> {
        self.data.get(self.position + by).copied()
    }

    pub(super) fn malformed(&self, expected: &'static str) -> Stop {
        let found = self.data.get(self.position..).unwrap_or_default();
        let found = found.get(..found.len().min(16)).unwrap_or_default();
        Malformed::new(Format::Pdf, "object", expected)
            .found(format_args!("\"{}\"", found.escape_ascii()))
            .at(self.offset())
            .into()
    }

    /// The end of the octets: incomplete, or a fault where the source ends too.
    fn ended(&self, expected: &'static str) -> Stop {
        self.far.set(self.data.len());
        if self.complete { self.malformed(expected) } else { Stop::Incomplete }
    }

    /// White space and comments.
    pub(super) fn skip_space(&mut self) {
        while let Some(octet) = self.peek() {
            if octet == b'%' {
                let rest = self.data.get(self.position..).unwrap_or_default();
                self.position += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            } else if is_space(octet) {
                self.position += 1;
            } else {
                break;
            }
        }
    }

    /// Takes a keyword, which must end at a delimiter.
    pub(super) fn keyword(&mut self, word: &'static str) -> Parse<bool> {
        let rest = self.data.get(self.position..).unwrap_or_default();
        if rest.len() <= word.len() && !self.complete && word.as_bytes().starts_with(rest) {
            return Err(Stop::Incomplete);
        }
        let here = rest.starts_with(word.as_bytes()) && rest.get(word.len()).is_none_or(|octet| !is_regular(*octet));
        if here {
            self.position += word.len();
        }
        Ok(here)
    }

    /// The line end after `stream`: CR LF or LF, never CR alone (§7.3.8.1), since that
    /// leaves open whether a following LF is data.
    pub(super) fn stream_line_end(&mut self) -> Parse<()> {
        // Spaces before the line end are common and leave no doubt where the data begin.
        while self.peek() == Some(b' ') {
            self.position += 1;
        }
        match (self.peek(), self.ahead(1)) {
            (Some(b'\n'), _) => self.position += 1,
            (Some(b'\r'), Some(b'\n')) => self.position += 2,
            (None, _) | (Some(b'\r'), None) => return Err(self.ended("a line end after stream")),
            _ => return Err(self.malformed("LF or CR LF after stream")),
        }
        Ok(())
    }

    /// An unsigned integer token.
    pub(super) fn unsigned(&mut self) -> Parse<Option<u64>> {
        let start = self.position;
        let rest = self.data.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
        if length == rest.len() && !self.complete {
            return Err(Stop::Incomplete);
        }
        let token = rest.get(..length).unwrap_or_default();
        if token.is_empty() || !token.iter().all(u8::is_ascii_digit) {
            return Ok(None);
        }
        let digit = |number: u64, digit: &u8| number.checked_mul(10)?.checked_add(u64::from(digit - b'0'));
        let Some(number) = token.iter().try_fold(0, digit) else { return Ok(None) };
        self.position += length;
        Ok(Some(number))
    }

    /// One object; streams are left to the caller, who sees `stream` next.
    pub(super) fn object(&mut self) -> Parse<Object> {
        self.object_at(0)
    }

    fn object_at(&mut self, depth: usize) -> Parse<Object> {
        if depth > self.depth {
            return Err(LimitExceeded::new("depth", self.depth as u64).into());
        }
        self.skip_space();
        let Some(octet) = self.peek() else { return Err(self.ended("an object")) };
        match octet {
            b'/' => Ok(Object::Name(self.name()?)),
            b'(' => Ok(Object::String(PdfString::literal(self.literal()?))),
            b'<' => match self.ahead(1) {
                None => Err(self.ended("a string or a dictionary")),
                Some(b'<') => self.dictionary(depth),
                Some(_) => Ok(Object::String(PdfString::hexadecimal(self.hexadecimal()?))),
            },
            b'[' => self.array(depth),
            b'+' | b'-' | b'.' | b'0'..=b'9' => self.number(),
            _ => {
                for (word, value) in
                    [("null", Object::Null), ("true", Object::Boolean(true)), ("false", Object::Boolean(false))]
                {
                    if self.keyword(word)? {
                        return Ok(value);
                    }
                }
                Err(self.malformed("an object"))
            }
        }
    }

    fn array(&mut self, depth: usize) -> Parse<Object> {
        self.position += 1;
        let mut values = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => return Err(self.ended("the end of the array")),
                Some(b']') => {
                    self.position += 1;
                    return Ok(Object::Array(values));
                }
                Some(_) => values.push(self.object_at(depth + 1)?),
            }
        }
    }

    fn dictionary(&mut self, depth: usize) -> Parse<Object> {
        self.position += 2;
        let mut entries = Vec::new();
        loop {
            self.skip_space();
            match (self.peek(), self.ahead(1)) {
                (None, _) | (Some(b'>'), None) => return Err(self.ended("the end of the dictionary")),
                (Some(b'>'), Some(b'>')) => {
                    self.position += 2;
                    return Ok(Object::Dictionary(Dictionary::from_entries(entries)));
                }
                (Some(b'/'), _) => {
                    let key = self.name()?;
                    self.skip_space();
                    let start = self.offset();
                    let value = self.object_at(depth + 1)?;
                    let end = self.offset();
                    if depth == 0
                        && let Some(kept) = &mut self.entries
                    {
                        kept.push(Entry { key: key.clone(), value: start..end });
                    }
                    entries.push((key, value));
                }
                _ => return Err(self.malformed("a key of the dictionary")),
            }
        }
    }

    fn name(&mut self) -> Parse<Name> {
        let start = self.position + 1;
        let rest = self.data.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
        if length == rest.len() && !self.complete {
            return Err(Stop::Incomplete);
        }
        let token = rest.get(..length).unwrap_or_default();
        self.position = start + length;
        if !token.contains(&b'#') {
            return Ok(Name::new(token));
        }
        let mut octets = Vec::with_capacity(length);
        let mut rest = token;
        while let Some((octet, tail)) = rest.split_first() {
            rest = tail;
            // A number sign without two digits stands for itself, as PDF 1.1 wrote it.
            match (octet, tail) {
                (b'#', [high, low, tail @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    octets.push(nibble(*high) << 4 | nibble(*low));
                    rest = tail;
                }
                _ => octets.push(*octet),
            }
        }
        Ok(Name::new(octets))
    }

    fn number(&mut self) -> Parse<Object> {
        let start = self.position;
        let rest = self.data.get(start..).unwrap_or_default();
        let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
        if length == rest.len() && !self.complete {
            return Err(Stop::Incomplete);
        }
        let token = std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or("");
        let digits = token.trim_start_matches(['+', '-']);
        if token.len() - digits.len() <= 1
            && digits.bytes().all(|octet| octet.is_ascii_digit())
            && !digits.is_empty()
            && let Ok(value) = token.parse::<i64>()
        {
            self.position += length;
            if let Some(reference) = self.reference(value)? {
                return Ok(Object::Reference(reference));
            }
            return Ok(Object::Integer(value));
        }
        let mut parts = digits.split('.');
        let plain = |part: &str| part.bytes().all(|octet| octet.is_ascii_digit());
        let real = matches!((parts.next(), parts.next(), parts.next()), (Some(a), b, None)
            if plain(a) && b.is_none_or(plain) && a.len() + b.map_or(0, str::len) > 0);
        if !real || token.len() - digits.len() > 1 {
            self.far.set(self.position + length);
            return Err(self.malformed("a number"));
        }
        self.position += length;
        Ok(Object::Real(Real::from_text(token)))
    }

    /// After an integer: the rest of `n g R`, if it is one.
    fn reference(&mut self, number: i64) -> Parse<Option<Reference>> {
        let Ok(number) = u32::try_from(number) else { return Ok(None) };
        let after = self.position;
        self.skip_space();
        if self.peek().is_none() && !self.complete {
            return Err(Stop::Incomplete);
        }
        if self.peek().is_some_and(|octet| octet.is_ascii_digit())
            && let Some(generation) = self.unsigned()?
            && let Ok(generation) = u16::try_from(generation)
        {
            self.skip_space();
            if self.peek().is_none() && !self.complete {
                return Err(Stop::Incomplete);
            }
            if self.keyword("R")? {
                return Ok(Some(Reference::new(number, generation)));
            }
        }
        self.position = after;
        Ok(None)
    }

    fn literal(&mut self) -> Parse<Vec<u8>> {
        let mut index = self.position + 1;
        let rest = self.data.get(index..).unwrap_or_default();
        // Most strings have nothing to unescape and are taken as they stand.
        let plain = rest.iter().position(|octet| matches!(octet, b'(' | b')' | b'\\' | b'\r'));
        let mut octets = plain.and_then(|length| rest.get(..length)).unwrap_or_default().to_vec();
        index += octets.len();
        let mut open = 1_u32;
        loop {
            let Some(octet) = self.data.get(index).copied() else { return Err(self.ended("the end of the string")) };
            index += 1;
            match octet {
                b'(' => {
                    open += 1;
                    octets.push(octet);
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        self.position = index;
                        return Ok(octets);
                    }
                    octets.push(octet);
                }
                b'\r' => {
                    octets.push(b'\n');
                    if self.data.get(index) == Some(&b'\n') {
                        index += 1;
                    }
                }
                b'\\' => {
                    let Some(escaped) = self.data.get(index).copied() else {
                        return Err(self.ended("the end of the string"));
                    };
                    index += 1;
                    match escaped {
                        b'n' => octets.push(b'\n'),
                        b'r' => octets.push(b'\r'),
                        b't' => octets.push(b'\t'),
                        b'b' => octets.push(8),
                        b'f' => octets.push(12),
                        b'\r' => {
                            if self.data.get(index) == Some(&b'\n') {
                                index += 1;
                            }
                        }
                        b'\n' => {}
                        b'0'..=b'7' => {
                            let mut value = u32::from(escaped - b'0');
                            for _ in 0..2 {
                                let Some(digit @ b'0'..=b'7') = self.data.get(index).copied() else { break };
                                value = value << 3 | u32::from(digit - b'0');
                                index += 1;
                            }
                            // High-order overflow is ignored (§7.3.4.2).
                            octets.push(value.to_le_bytes()[0]);
                        }
                        other => octets.push(other),
                    }
                }
                other => octets.push(other),
            }
        }
    }

    fn hexadecimal(&mut self) -> Parse<Vec<u8>> {
        let rest = self.data.get(self.position + 1..).unwrap_or_default();
        let Some(length) = memchr::memchr(b'>', rest) else { return Err(self.ended("the end of the string")) };
        let token = rest.get(..length).unwrap_or_default();
        let Some(octets) = hex_octets(token) else {
            self.far.set(self.position + length);
            return Err(self.malformed("a hexadecimal string"));
        };
        self.position += length + 2;
        Ok(octets)
    }
}

/// The octets of a hexadecimal string between its brackets; a missing last digit is 0 (§7.3.4.3).
pub(super) fn hex_octets(token: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(token.len() / 2 + 1);
    let mut high = None;
    for digit in token {
        if is_space(*digit) {
            continue;
        }
        if !digit.is_ascii_hexdigit() {
            return None;
        }
        match high.take() {
            None => high = Some(nibble(*digit) << 4),
            Some(value) => octets.push(value | nibble(*digit)),
        }
    }
    octets.extend(high);
    Some(octets)
}

const fn nibble(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// White space (§7.2.3).
pub(super) const fn is_space(octet: u8) -> bool {
    matches!(octet, 0 | b'\t' | b'\n' | 12 | b'\r' | b' ')
}

/// Neither white space nor a delimiter.
#[allow(clippy::indexing_slicing)] // an octet lies within the 256
pub(super) const fn is_regular(octet: u8) -> bool {
    // By table: asked of nearly every octet of a document.
    REGULAR[octet as usize]
}

#[allow(clippy::indexing_slicing)] // as above
static REGULAR: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0_u8;
    loop {
        let delimiter = matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%');
        table[octet as usize] = !delimiter && !is_space(octet);
        if octet == u8::MAX {
            break table;
        }
        octet += 1;
    }
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &[u8]) -> Result<Object, Stop> {
        Parser::new(text, 0, true, &Limits::default()).object()
    }

    #[test]
    fn objects_of_the_standard() {
        // The examples of ISO 32000-2 §7.3.
        for (text, string) in [
            (
                &b"(Strings can contain balanced parentheses () and special characters (*!&}^%and so on).)"[..],
                &b"Strings can contain balanced parentheses () and special characters (*!&}^%and so on)."[..],
            ),
            (b"(These \\\ntwo strings \\\r\nare the same.)", b"These two strings are the same."),
            (
                b"(This string contains\\245two octal characters\\307.)",
                b"This string contains\xa5two octal characters\xc7.",
            ),
            (b"(\\0053)", b"\x053"),
            (b"(\\53)", b"+"),
            (b"(a\r\nb\rc)", b"a\nb\nc"),
            (b"<901FA3>", b"\x90\x1f\xa3"),
            (b"<90 1F\nA>", b"\x90\x1f\xa0"),
        ] {
            assert_eq!(parse(text).unwrap().as_string().unwrap(), string);
        }
        for (text, name) in [
            (&b"/Lime#20Green"[..], &b"Lime Green"[..]),
            (b"/paired#28#29parentheses", b"paired()parentheses"),
            (b"/A;Name_With-Various***Characters?", b"A;Name_With-Various***Characters?"),
            (b"/ ", b""),
            (b"/C#2x", b"C#2x"),
        ] {
            assert_eq!(parse(text).unwrap().as_name().unwrap(), name);
        }
        for (text, number) in [(&b"+17"[..], 17.0), (b"-98", -98.0), (b"34.5", 34.5), (b"-.002", -0.002), (b"4.", 4.0)]
        {
            assert!((parse(text).unwrap().as_number().unwrap() - number).abs() < 1e-12);
        }
        for text in [&b"1.2.3"[..], b"--5", b"1e5", b".", b"-", b"nul", b"nullx", b"<0g>", b"]", b"<</A>>", b"[1"] {
            assert!(parse(text).is_err(), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn references_and_integers_are_told_apart() {
        let object = parse(b"[1 2 3 0 R 4 5 6%c\n7 R 99999 99999 R]");
        assert!(object.is_err(), "a lone R is no object");
        let object = parse(b"[1 2 3 0 R 4 5 6%c\n7 R]").unwrap();
        let expected = [
            Object::Integer(1),
            Object::Integer(2),
            Reference::new(3, 0).into(),
            Object::Integer(4),
            Object::Integer(5),
            Reference::new(6, 7).into(),
        ];
        assert_eq!(object.as_array().unwrap(), expected);
    }

    #[test]
    fn values_of_the_outermost_dictionary_keep_their_place() {
        let text = b"<</A 12/B<</A 3>>/Contents <0aF>/A[1]>>";
        let mut parser = Parser::new(text, 1000, true, &Limits::default());
        parser.keep_entries();
        let object = parser.object().unwrap();
        assert_eq!(object.as_dictionary().unwrap().duplicate().unwrap().octets(), b"A");
        let places: Vec<_> = parser.take_entries().into_iter().map(|e| (e.key.octets().to_vec(), e.value)).collect();
        assert_eq!(places[0], (b"A".to_vec(), 1005..1007));
        assert_eq!(places[2], (b"Contents".to_vec(), 1027..1032));
        assert_eq!(places.len(), 4);
    }

    #[test]
    fn nesting_ends_in_an_error_and_not_on_the_stack() {
        for unit in [&b"["[..], b"<</A"] {
            let text = unit.repeat(60_000);
            assert!(matches!(parse(&text), Err(Stop::Fault(Error::LimitExceeded(_)))));
        }
    }

    proptest! {
        #[test]
        fn any_octets_give_an_answer(data in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&data);
        }

        #[test]
        fn a_prefix_is_incomplete_or_the_same_object(cut in 0_usize..80) {
            let text: &[u8] = b"<</A[1 0 R(a\\(b) <00ff>]/B/C#20/D -1.5/E null/F true/G<</H 12>>>> endobj";
            let whole = parse(text).unwrap();
            let part = text.get(..cut.min(text.len())).unwrap();
            match Parser::new(part, 0, false, &Limits::default()).object() {
                Ok(object) => prop_assert_eq!(object, whole),
                Err(Stop::Incomplete) => {}
                Err(Stop::Fault(error)) => prop_assert!(false, "{}", error),
            }
        }

        #[test]
        fn what_is_written_is_read_back(octets in proptest::collection::vec(any::<u8>(), 0..40)) {
            for object in [Object::literal(octets.clone()), Object::hexadecimal(octets.clone()), Object::Name(Name::new(&octets))] {
                if object.as_name().is_some_and(|name| name.contains(&0)) {
                    continue;
                }
                let mut out = Vec::new();
                object.write(&mut out).unwrap();
                prop_assert_eq!(parse(&out).unwrap(), object);
            }
        }
    }
}
