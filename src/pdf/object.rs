//! PDF objects as values (ISO 32000-2 §7.3), and how they are written.

use std::cmp::Ordering;
use std::fmt;
use std::hash::Hash;
use std::hash::Hasher;

use crate::error::Error;
use crate::error::Misuse;

/// Any PDF object.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Object {
    /// The null object; also what a reference to nothing means.
    #[default]
    Null,
    /// A boolean.
    Boolean(bool),
    /// An integer.
    Integer(i64),
    /// A real number.
    Real(Real),
    /// A string.
    String(PdfString),
    /// A name.
    Name(Name),
    /// An array.
    Array(Vec<Self>),
    /// A dictionary.
    Dictionary(Dictionary),
    /// A stream; always indirect.
    Stream(Box<Stream>),
    /// A reference to an indirect object.
    Reference(Reference),
}

/// A real number, kept as it was written so that writing it again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Real(Box<str>);

/// A string: its octets after unescaping (and decryption), and how it was written.
#[derive(Clone, Debug)]
pub struct PdfString {
    octets: Vec<u8>,
    hexadecimal: bool,
}

/// A name without its solidus, with `#xx` decoded.
#[derive(Clone)]
pub struct Name(Letters);

/// Nearly all names are short, and a document has millions: these need no allocation.
#[derive(Clone)]
enum Letters {
    Short { length: u8, octets: [u8; SHORT] },
    Long(Box<[u8]>),
}

/// As many as fit beside the tag of a [`Letters::Long`].
const SHORT: usize = 22;

/// The number and generation of an indirect object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Object number, from 1.
    pub number: u32,
    /// Generation number.
    pub generation: u16,
}

/// A dictionary in the order of the file.
///
/// A key that stood twice keeps its first value in [`get`](Self::get);
/// readers disagree on which counts, so [`duplicate`](Self::duplicate) tells.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    entries: Vec<(Name, Object)>,
    /// Boxed, since it is rare and dictionaries are many.
    duplicate: Option<Box<Name>>,
}

/// A stream: its dictionary and where its octets are.
#[derive(Clone, Debug, PartialEq)]
pub struct Stream {
    /// The stream dictionary.
    pub dictionary: Dictionary,
    /// The octets as they stand in the file, filters not undone.
    pub data: StreamData,
}

/// Where the octets of a stream are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamData {
    /// In the source that was read.
    InSource {
        /// Offset of the first octet.
        offset: u64,
        /// Number of octets.
        length: u64,
        /// The object, whose number takes part in decryption.
        id: Reference,
    },
    /// In memory, to be written.
    Octets(Vec<u8>),
}

impl Object {
    /// A name object.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self::Name(Name::new(name))
    }

    /// A string, written literally.
    #[must_use]
    pub fn literal(octets: impl Into<Vec<u8>>) -> Self {
        Self::String(PdfString::literal(octets))
    }

    /// A string, written in hexadecimal.
    #[must_use]
    pub fn hexadecimal(octets: impl Into<Vec<u8>>) -> Self {
        Self::String(PdfString::hexadecimal(octets))
    }

    /// A text string (ISO 32000-2 §7.9.2.2): PDFDocEncoding where ASCII does, else UTF-16BE.
    #[must_use]
    pub fn text(text: &str) -> Self {
        if text.bytes().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)) {
            return Self::literal(text.as_bytes());
        }
        let mut octets = vec![0xfe, 0xff];
        octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
        Self::hexadecimal(octets)
    }

    /// The boolean, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    /// The integer, if it is one.
    #[must_use]
    pub const fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The value of an integer or a real.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // coordinates; nothing signed depends on it
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Real(value) => Some(value.value()),
            _ => None,
        }
    }

    /// The octets of a string, if it is one.
    #[must_use]
    pub fn as_string(&self) -> Option<&[u8]> {
        match self {
            Self::String(value) => Some(value.octets()),
            _ => None,
        }
    }

    /// The name's octets, if it is one.
    #[must_use]
    pub fn as_name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(value) => Some(value.octets()),
            _ => None,
        }
    }

    /// The elements of an array, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(value) => Some(value),
            _ => None,
        }
    }

    /// The dictionary, also that of a stream.
    #[must_use]
    pub const fn as_dictionary(&self) -> Option<&Dictionary> {
        match self {
            Self::Dictionary(value) => Some(value),
            Self::Stream(value) => Some(&value.dictionary),
            _ => None,
        }
    }

    /// The stream, if it is one.
    #[must_use]
    pub const fn as_stream(&self) -> Option<&Stream> {
        match self {
            Self::Stream(value) => Some(value),
            _ => None,
        }
    }

    /// The reference, if it is one.
    #[must_use]
    pub const fn as_reference(&self) -> Option<Reference> {
        match self {
            Self::Reference(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether it means the same: numbers by value, dictionaries without order, null as absence.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Integer(_) | Self::Real(_), Self::Integer(_) | Self::Real(_)) => {
                self == other || decimal(self) == decimal(other)
            }
            (Self::Array(a), Self::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is_equivalent(b)),
            (Self::Dictionary(a), Self::Dictionary(b)) => a.is_equivalent(b),
            _ => self == other,
        }
    }

    /// Whether it is null.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Appends the object as a PDF file holds it.
    ///
    /// # Errors
    /// Misuse where a stream's octets are not in memory: fetch them first.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Self::Integer(value) => out.extend_from_slice(value.to_string().as_bytes()),
            Self::Real(value) => out.extend_from_slice(value.as_str().as_bytes()),
            Self::String(value) => value.write(out),
            Self::Name(value) => value.write(out),
            Self::Array(values) => {
                out.push(b'[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        out.push(b' ');
                    }
                    value.write(out)?;
                }
                out.push(b']');
            }
            Self::Dictionary(value) => value.write(out)?,
            Self::Stream(value) => value.write(out)?,
            Self::Reference(value) => out.extend_from_slice(value.to_string().as_bytes()),
        }
        Ok(())
    }
}

impl From<Dictionary> for Object {
    fn from(value: Dictionary) -> Self {
        Self::Dictionary(value)
    }
}

impl From<Reference> for Object {
    fn from(value: Reference) -> Self {
        Self::Reference(value)
    }
}

impl From<i64> for Object {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<Vec<Self>> for Object {
    fn from(value: Vec<Self>) -> Self {
        Self::Array(value)
    }
}

impl Real {
    /// A real of at most four decimals, without an exponent (which PDF lacks).
    #[must_use]
    pub fn new(value: f64) -> Self {
        let value = if value.is_finite() { value } else { 0.0 };
        let text = format!("{value:.4}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        Self(if text == "-0" { "0".into() } else { text.into() })
    }

    /// A real by its text, which must already be a PDF number.
    pub(super) fn from_text(text: &str) -> Self {
        Self(text.into())
    }

    /// The number as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest binary value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.0.parse().unwrap_or(0.0)
    }
}

impl PartialEq for PdfString {
    /// The octets count, not the notation.
    fn eq(&self, other: &Self) -> bool {
        self.octets == other.octets
    }
}

impl Eq for PdfString {}

impl PdfString {
    /// To be written literally.
    #[must_use]
    pub fn literal(octets: impl Into<Vec<u8>>) -> Self {
        Self { octets: octets.into(), hexadecimal: false }
    }

    /// To be written in hexadecimal.
    #[must_use]
    pub fn hexadecimal(octets: impl Into<Vec<u8>>) -> Self {
        Self { octets: octets.into(), hexadecimal: true }
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Whether it is written in hexadecimal.
    #[must_use]
    pub const fn is_hexadecimal(&self) -> bool {
        self.hexadecimal
    }

    /// The text of a text string: UTF-16 with its mark, UTF-8 with its mark, else PDFDocEncoding.
    #[must_use]
    pub fn to_text(&self) -> String {
        text_of(&self.octets)
    }

    fn write(&self, out: &mut Vec<u8>) {
        if self.hexadecimal {
            out.push(b'<');
            for octet in &self.octets {
                out.extend_from_slice(&hex_pair(*octet));
            }
            out.push(b'>');
            return;
        }
        out.push(b'(');
        for octet in &self.octets {
            match octet {
                b'(' | b')' | b'\\' => out.extend_from_slice(&[b'\\', *octet]),
                b'\n' => out.extend_from_slice(b"\\n"),
                // A bare CR would be read back as LF.
                b'\r' => out.extend_from_slice(b"\\r"),
                _ => out.push(*octet),
            }
        }
        out.push(b')');
    }
}

impl Name {
    /// A name.
    #[must_use]
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        let mut octets = [0; SHORT];
        match (octets.get_mut(..name.len()), u8::try_from(name.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(name);
                Self(Letters::Short { length, octets })
            }
            _ => Self(Letters::Long(name.into())),
        }
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        match &self.0 {
            Letters::Short { length, octets } => octets.get(..usize::from(*length)).unwrap_or_default(),
            Letters::Long(octets) => octets,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.push(b'/');
        for octet in self.octets() {
            if matches!(octet, 0x21..=0x7e) && !b"#()<>[]{}/%".contains(octet) {
                out.push(*octet);
            } else {
                out.push(b'#');
                out.extend_from_slice(&hex_pair(*octet));
            }
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.octets() == other.octets()
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.octets().hash(state);
    }
}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> Ordering {
        self.octets().cmp(other.octets())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Vec::new();
        self.write(&mut out);
        f.write_str(&String::from_utf8_lossy(&out))
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Reference {
    /// A reference.
    #[must_use]
    pub const fn new(number: u32, generation: u16) -> Self {
        Self { number, generation }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} R", self.number, self.generation)
    }
}

impl PartialEq for Dictionary {
    /// Equal if the same keys hold equal values; order does not count.
    fn eq(&self, other: &Self) -> bool {
        if self.duplicate.is_some() || other.duplicate.is_some() {
            return self.duplicate == other.duplicate && self.entries == other.entries;
        }
        if self.entries == other.entries {
            return true;
        }
        if self.entries.len() != other.entries.len() {
            return false;
        }
        let mut mine: Vec<_> = self.entries.iter().collect();
        let mut theirs: Vec<_> = other.entries.iter().collect();
        mine.sort_by(|a, b| a.0.cmp(&b.0));
        theirs.sort_by(|a, b| a.0.cmp(&b.0));
        mine == theirs
    }
}

impl Dictionary {
    /// An empty dictionary.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new(), duplicate: None }
    }

    /// Adds an entry while building; replaces the key where it stands.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Object>) -> Self {
        self.set(key, value);
        self
    }

    /// The value of `key`; a null value counts as absent (ISO 32000-2 §7.3.7).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Object> {
        self.entries
            .iter()
            .find(|(name, _)| name.octets() == key.as_bytes())
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    /// Sets `key`, in its place or at the end.
    pub fn set(&mut self, key: &str, value: impl Into<Object>) {
        let value = value.into();
        match self.entries.iter_mut().find(|(name, _)| name.octets() == key.as_bytes()) {
            Some((_, slot)) => *slot = value,
            None => self.entries.push((Name::new(key), value)),
        }
    }

    /// Removes `key`.
    pub fn remove(&mut self, key: &str) -> Option<Object> {
        let index = self.entries.iter().position(|(name, _)| name.octets() == key.as_bytes())?;
        Some(self.entries.remove(index).1)
    }

    /// The entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Object)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// The values, to be changed in place.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = (&Name, &mut Object)> {
        self.entries.iter_mut().map(|(name, value)| (&*name, value))
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// A key that stood twice, if any.
    #[must_use]
    pub fn duplicate(&self) -> Option<&Name> {
        self.duplicate.as_deref()
    }

    /// Whether `/Type` is `name`.
    #[must_use]
    pub fn is_type(&self, name: &str) -> bool {
        self.get("Type").and_then(Object::as_name) == Some(name.as_bytes())
    }

    /// Entries as the parser met them; quadratic search of long ones is avoided by sorting once.
    pub(super) fn from_entries(entries: Vec<(Name, Object)>) -> Self {
        const FEW: usize = 16;
        if entries.len() <= FEW {
            let mut rest = entries.as_slice();
            let mut distinct = true;
            while let [(key, _), tail @ ..] = rest {
                distinct &= tail.iter().all(|(other, _)| other != key);
                rest = tail;
            }
            if distinct {
                return Self { entries, duplicate: None };
            }
        }
        let mut keys: Vec<&Name> = entries.iter().map(|(name, _)| name).collect();
        keys.sort_unstable();
        let duplicate = keys.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(Box::new((*a).clone())),
            _ => None,
        });
        Self { entries, duplicate }
    }

    /// Whether the same keys have [equivalent](Object::is_equivalent) values; never so past a duplicate key.
    #[must_use]
    pub fn is_equivalent(&self, other: &Self) -> bool {
        fn sorted(dictionary: &Dictionary) -> Vec<(&Name, &Object)> {
            let mut entries: Vec<_> = dictionary.iter().filter(|(_, value)| !value.is_null()).collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            entries
        }
        if self.duplicate.is_some() || other.duplicate.is_some() {
            return self == other;
        }
        let (a, b) = (sorted(self), sorted(other));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.0 == b.0 && a.1.is_equivalent(b.1))
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(b"<<");
        for (name, value) in &self.entries {
            name.write(out);
            if !matches!(value, Object::Name(_) | Object::String(_) | Object::Array(_) | Object::Dictionary(_)) {
                out.push(b' ');
            }
            value.write(out)?;
        }
        out.extend_from_slice(b">>");
        Ok(())
    }
}

impl Stream {
    /// A stream to be written; `/Length` is set when it is.
    #[must_use]
    pub const fn new(dictionary: Dictionary, octets: Vec<u8>) -> Self {
        Self { dictionary, data: StreamData::Octets(octets) }
    }

    /// Octets of a stream to be written.
    pub(super) const fn len(&self) -> usize {
        match &self.data {
            StreamData::Octets(octets) => octets.len(),
            _ => 0,
        }
    }

    fn write(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let StreamData::Octets(octets) = &self.data else {
            return Err(Misuse::new("the stream's octets are still in the source: read them before writing").into());
        };
        let mut dictionary = self.dictionary.clone();
        dictionary.set("Length", i64::try_from(octets.len()).unwrap_or(i64::MAX));
        dictionary.write(out)?;
        out.extend_from_slice(b"\nstream\n");
        out.extend_from_slice(octets);
        out.extend_from_slice(b"\nendstream");
        Ok(())
    }
}

/// The text of a text string (ISO 32000-2 §7.9.2.2); what cannot be decoded becomes U+FFFD.
#[must_use]
pub fn text_of(octets: &[u8]) -> String {
    let utf16 = |octets: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = octets.as_chunks::<2>();
        char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect()
    };
    match octets {
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        // Not in the standard, but written by some producers.
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => octets.iter().map(|octet| doc_char(*octet)).collect(),
    }
}

/// PDFDocEncoding (ISO 32000-2 Annex D.2).
fn doc_char(octet: u8) -> char {
    const LOW: [char; 8] = ['˘', 'ˇ', 'ˆ', '˙', '˝', '˛', '˚', '˜'];
    const HIGH: [char; 33] = [
        '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ', 'Ł',
        'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}', '€',
    ];
    match octet {
        0x18..=0x1f => LOW.get(usize::from(octet - 0x18)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        0x80..=0xa0 => HIGH.get(usize::from(octet - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        other => char::from(other),
    }
}

/// A number without what its notation adds: sign, leading and trailing zeros.
fn decimal(number: &Object) -> Option<(bool, String, String)> {
    let text = match number {
        Object::Integer(value) => value.to_string(),
        Object::Real(value) => value.as_str().to_owned(),
        _ => return None,
    };
    let digits = text.trim_start_matches(['+', '-']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let zero = whole.is_empty() && fraction.is_empty();
    Some((text.starts_with('-') && !zero, whole.to_owned(), fraction.to_owned()))
}

pub(super) const fn hex_pair(octet: u8) -> [u8; 2] {
    const fn digit(nibble: u8) -> u8 {
        if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
    }
    [digit(octet >> 4), digit(octet & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(object: &Object) -> String {
        let mut out = Vec::new();
        object.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_are_written_as_a_pdf_file_holds_them() {
        let dictionary = Dictionary::new()
            .with("Type", Object::name("A B#"))
            .with("N", 7)
            .with("R", Reference::new(3, 1))
            .with("S", Object::literal(*b"a(b)\\\r"))
            .with("H", Object::hexadecimal([0xab, 0x01]))
            .with("L", vec![Object::Null, Object::Boolean(true), Object::Real(Real::new(-0.5))]);
        assert_eq!(
            written(&dictionary.into()),
            "<</Type/A#20B#23/N 7/R 3 1 R/S(a\\(b\\)\\\\\\r)/H<ab01>/L[null true -0.5]>>"
        );
    }

    #[test]
    fn reals_have_no_exponent_and_no_negative_zero() {
        for (value, text) in [(1e20, "100000000000000000000"), (0.00001, "0"), (-0.00001, "0"), (2.5, "2.5")] {
            assert_eq!(Real::new(value).as_str(), text);
        }
    }

    #[test]
    fn numbers_are_equivalent_by_value_and_not_by_notation() {
        let real = |text: &str| Object::Real(Real::from_text(text));
        assert!(real("612.0").is_equivalent(&Object::Integer(612)));
        assert!(real("-0.0").is_equivalent(&Object::Integer(0)));
        assert!(real(".5").is_equivalent(&real("+00.50")));
        assert!(!real("612.01").is_equivalent(&Object::Integer(612)));
        assert!(!real("-1.").is_equivalent(&Object::Integer(1)));
        let boxed = |number| Object::from(Dictionary::new().with("B", vec![number]).with("N", Object::Null));
        assert!(boxed(real("1.0")).is_equivalent(&boxed(Object::Integer(1))));
        assert!(!boxed(real("1.5")).is_equivalent(&boxed(Object::Integer(1))));
    }

    #[test]
    fn text_strings_in_their_encodings() {
        for text in ["plain", "Phê duyệt", "公文", "a\u{10000}b"] {
            let Object::String(string) = Object::text(text) else { panic!() };
            assert_eq!(string.to_text(), text);
        }
        assert_eq!(text_of(b"\xef\xbb\xbf\xc3\xa9"), "é");
        assert_eq!(text_of(b"\xa0\x85"), "€–");
    }

    #[test]
    fn dictionaries_compare_without_order_but_not_past_a_duplicate() {
        let a = Dictionary::new().with("A", 1).with("B", 2);
        let b = Dictionary::new().with("B", 2).with("A", 1);
        assert_eq!(a, b);
        let entry = |key: &str, value| (Name::new(key), Object::Integer(value));
        let twice = Dictionary::from_entries(vec![entry("A", 1), entry("B", 2), entry("A", 3)]);
        assert_eq!(twice.duplicate().unwrap().octets(), b"A");
        assert_ne!(twice, Dictionary::from_entries(vec![entry("A", 3), entry("B", 2), entry("A", 1)]));
    }
}
