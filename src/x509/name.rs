//! Distinguished names.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;

use super::oids;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::error::Error;
use crate::error::Format;

/// A distinguished name: its DER, compared by the rules of RFC 5280 §7.1
/// (case, white space and string type do not count; Unicode normalised).
///
/// Cloning shares it. A value that is no text of its type is compared octet
/// by octet.
#[derive(Clone)]
pub struct Name(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    /// Where the content begins in `der`; the places of attributes count from here.
    header: usize,
    attributes: Vec<Attribute>,
    /// Number of relative names.
    relatives: usize,
    /// One comparable form for each relative name, made when first needed.
    canonical: OnceLock<Vec<Vec<u8>>>,
}

/// One attribute: its type, and where its value stands.
#[derive(Clone, Debug)]
struct Attribute {
    /// The relative name it belongs to.
    relative: usize,
    oid: Oid,
    tag: u8,
    /// Identifier and length octets of the value.
    header: usize,
    value: Range<usize>,
}

/// One relative distinguished name, as `nameRelativeToCRLIssuer` carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct RelativeName(Name);

impl RelativeName {
    /// From the content of its SET.
    ///
    /// # Errors
    /// Content that is not attributes one after the other.
    pub fn from_content(content: &[u8]) -> Result<Self, Error> {
        Name::from_der(&encode::tlv(0x30, &encode::tlv(0x31, content))).map(Self)
    }
}

impl fmt::Debug for RelativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Name {
    /// Reads a DER `Name`, which is all of the input.
    ///
    /// # Errors
    /// DER that is no `RDNSequence`. What the attributes hold is not judged.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let format = Format::Asn1;
        let mut outer = Reader::new(der, format);
        let sequence = outer.expect(0x30, "Name")?;
        outer.end("Name")?;
        let header = der.len() - sequence.content.len();
        let mut attributes = Vec::new();
        let mut relatives = 0;
        let mut sets = sequence.reader(format);
        while !sets.is_empty() {
            let mut set = sets.expect(0x31, "RelativeDistinguishedName")?.reader(format);
            while !set.is_empty() {
                let mut pair = set.expect(0x30, "AttributeTypeAndValue")?.reader(format);
                let oid = pair.expect(0x06, "attribute type")?.oid(format, "attribute type")?;
                let value = pair.any("attribute value")?;
                pair.end("AttributeTypeAndValue")?;
                let own = value.raw.len() - value.content.len();
                let start = usize::try_from(value.offset).unwrap_or(usize::MAX).saturating_sub(header) + own;
                attributes.push(Attribute {
                    relative: relatives,
                    oid,
                    tag: value.tag,
                    header: own,
                    value: start..start + value.content.len(),
                });
            }
            relatives += 1;
        }
        Ok(Self(Arc::new(Inner { der: der.to_vec(), header, attributes, relatives, canonical: OnceLock::new() })))
    }

    /// The DER, as it was read.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// No relative name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.relatives == 0
    }

    /// The last value of this attribute type, as text; `None` where there is none, or it is no text.
    #[must_use]
    pub fn attribute(&self, oid: &Oid) -> Option<String> {
        self.0.attributes.iter().rev().find(|a| a.oid == *oid).and_then(|a| text(a.tag, self.value(a)))
    }

    /// `commonName`, else the last attribute, for people.
    ///
    /// Empty for the empty name. Not unique, and not to be compared.
    #[must_use]
    pub fn display_name(&self) -> String {
        let common = self.attribute(&oids::COMMON_NAME);
        let last = || self.0.attributes.iter().rev().find_map(|a| text(a.tag, self.value(a)));
        common.or_else(last).unwrap_or_default()
    }

    /// This name with one more relative name (`nameRelativeToCRLIssuer`, RFC 5280 §4.2.1.13).
    #[must_use]
    pub fn with_relative(&self, relative: &RelativeName) -> Self {
        let (own, added) = (self.content(), relative.0.content());
        let der = encode::tlv(0x30, &[own, added].concat());
        let header = der.len() - own.len() - added.len();
        let moved = relative.0.0.attributes.iter().map(|a| Attribute {
            relative: self.0.relatives,
            value: a.value.start + own.len()..a.value.end + own.len(),
            ..a.clone()
        });
        let attributes = self.0.attributes.iter().cloned().chain(moved).collect();
        let relatives = self.0.relatives + 1;
        Self(Arc::new(Inner { der, header, attributes, relatives, canonical: OnceLock::new() }))
    }

    /// Whether `self` begins with all the relative names of `base` (directoryName constraints, RFC 5280 §4.2.1.10).
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        self.canonical().starts_with(base.canonical())
    }

    fn content(&self) -> &[u8] {
        self.0.der.get(self.0.header..).unwrap_or(&[])
    }

    fn value(&self, attribute: &Attribute) -> &[u8] {
        self.content().get(attribute.value.clone()).unwrap_or(&[])
    }

    /// Equal for relative names that are equal, and for no others.
    fn canonical(&self) -> &[Vec<u8>] {
        self.0.canonical.get_or_init(|| {
            let mut sets: Vec<Vec<Vec<u8>>> = vec![Vec::new(); self.0.relatives];
            for a in &self.0.attributes {
                // The type is part of the form, so that a text never equals raw octets.
                let (kind, value) = match text(a.tag, self.value(a)) {
                    Some(text) => (0, prepared(&text).into_bytes()),
                    None => (a.tag, self.value(a).to_vec()),
                };
                if let Some(set) = sets.get_mut(a.relative) {
                    set.push(encode::sequence(&[&encode::oid(&a.oid), &[kind], &encode::octet_string(&value)]));
                }
            }
            // A SET has no order.
            sets.into_iter()
                .map(|mut set| {
                    set.sort_unstable();
                    set.concat()
                })
                .collect()
        })
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.0.der == other.0.der
            || (self.0.relatives == other.0.relatives
                && self.0.attributes.len() == other.0.attributes.len()
                && self.canonical() == other.canonical())
    }
}

impl Eq for Name {}

impl std::hash::Hash for Name {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl fmt::Display for Name {
    /// RFC 4514 text, last relative name first. Control characters are escaped too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attributes = &self.0.attributes;
        let mut first = true;
        for relative in attributes.chunk_by(|a, b| a.relative == b.relative).rev() {
            for (i, a) in relative.iter().enumerate() {
                match (first, i) {
                    (true, _) => first = false,
                    (false, 0) => f.write_str(",")?,
                    (false, _) => f.write_str("+")?,
                }
                let short = oids::SHORT_NAMES.iter().find(|(oid, _)| *oid == a.oid).map(|(_, name)| name);
                match short {
                    Some(name) => write!(f, "{name}=")?,
                    None => write!(f, "{}=", a.oid)?,
                }
                match short.and_then(|_| text(a.tag, self.value(a))) {
                    Some(text) => escaped(f, &text)?,
                    None => {
                        f.write_str("#")?;
                        let whole = a.value.start.saturating_sub(a.header)..a.value.end;
                        self.content().get(whole).unwrap_or(&[]).iter().try_for_each(|b| write!(f, "{b:02x}"))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// RFC 4514 §2.4.
fn escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let last = text.chars().count().saturating_sub(1);
    for (i, c) in text.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{c}")?,
            ' ' if i == 0 || i == last => f.write_str("\\ ")?,
            '#' if i == 0 => f.write_str("\\#")?,
            // Controls and the overrides of writing direction could forge what a terminal shows.
            _ if c.is_control() || is_ignored(c) => {
                let mut octets = [0; 4];
                c.encode_utf8(&mut octets).bytes().try_for_each(|b| write!(f, "\\{b:02x}"))?;
            }
            _ => write!(f, "{c}")?,
        }
    }
    Ok(())
}

/// The text of a string value; `None` for other types and for octets that are no text of theirs.
pub(super) fn text(tag: u8, octets: &[u8]) -> Option<String> {
    match tag {
        // NumericString, PrintableString, IA5String, VisibleString: ASCII each.
        0x12 | 0x13 | 0x16 | 0x1A => octets.is_ascii().then(|| String::from_utf8_lossy(octets).into_owned()),
        0x0C => std::str::from_utf8(octets).ok().map(str::to_owned),
        // TeletexString: everybody writes Latin-1 into it.
        0x14 => Some(octets.iter().map(|b| char::from(*b)).collect()),
        0x1E => {
            let (units, []) = octets.as_chunks::<2>() else { return None };
            char::decode_utf16(units.iter().map(|u| u16::from_be_bytes(*u))).collect::<Result<_, _>>().ok()
        }
        0x1C => {
            let (units, []) = octets.as_chunks::<4>() else { return None };
            units.iter().map(|u| char::from_u32(u32::from_be_bytes(*u))).collect()
        }
        _ => None,
    }
}

/// The text prepared for comparison (RFC 4518 §2): mapped, case-folded, NFKC, white space folded.
fn prepared(text: &str) -> String {
    if text.is_ascii() {
        return folded_spaces(
            text.bytes().filter(|b| !is_ignored(char::from(*b))).map(|b| char::from(b.to_ascii_lowercase())),
        );
    }
    folded_spaces(text.nfkc().filter(|c| !is_ignored(*c)).flat_map(case_folded).nfkc())
}

/// White space at both ends left out, and each run within as one space.
fn folded_spaces(chars: impl Iterator<Item = char>) -> String {
    let mut out = String::new();
    let mut gap = false;
    for c in chars {
        if c.is_whitespace() {
            gap = !out.is_empty();
        } else {
            if std::mem::take(&mut gap) {
                out.push(' ');
            }
            out.push(c);
        }
    }
    out
}

/// Full case folding by way of the capitals, which takes `ß` and the final sigma along.
fn case_folded(c: char) -> impl Iterator<Item = char> {
    // Dotless i has the capital I, yet folds to itself.
    let keep = (c == 'ı').then_some(c);
    let fold = (c != 'ı').then_some(c);
    let lower = fold.into_iter().flat_map(char::to_lowercase);
    keep.into_iter().chain(lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase))
}

/// Mapped to nothing by RFC 4518 §2.2: controls that are not white space, and
/// characters that leave no mark.
const fn is_ignored(c: char) -> bool {
    matches!(c,
        '\0'..='\x08' | '\x0E'..='\x1F' | '\x7F'..='\u{84}' | '\u{86}'..='\u{9F}'
        | '\u{AD}' | '\u{34F}' | '\u{6DD}' | '\u{70F}' | '\u{1806}' | '\u{180B}'..='\u{180E}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFC}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0001}' | '\u{E0020}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(sets: &[&[(&str, u8, &[u8])]]) -> Name {
        let sets: Vec<Vec<u8>> = sets
            .iter()
            .map(|set| {
                let pairs: Vec<Vec<u8>> = set
                    .iter()
                    .map(|(oid, tag, value)| {
                        encode::sequence(&[&encode::oid(&Oid::parse(oid).unwrap()), &encode::tlv(*tag, value)])
                    })
                    .collect();
                encode::tlv(0x31, &pairs.concat())
            })
            .collect();
        Name::from_der(&encode::tlv(0x30, &sets.concat())).unwrap()
    }

    fn cn(tag: u8, value: &[u8]) -> Name {
        name(&[&[("2.5.4.3", tag, value)]])
    }

    #[test]
    fn comparison_ignores_case_space_type_and_composition() {
        let utf16 = |s: &str| s.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
        let plain = cn(0x13, b"Bo Noi Vu");
        for other in [
            cn(0x0C, b"  bo   NOI\tvu "),
            cn(0x1E, &utf16("BO NOI VU")),
            cn(0x14, b"bo noi vu"),
            cn(0x16, b"Bo Noi Vu"),
            cn(0x1C, &"Bo Noi Vu".chars().flat_map(|c| u32::from(c).to_be_bytes()).collect::<Vec<u8>>()),
            cn(0x0C, "Bo\u{A0}No\u{AD}i\u{200B} Ｖu".as_bytes()),
        ] {
            assert_eq!(plain, other);
        }
        assert_eq!(cn(0x0C, "BỘ NỘI VỤ".as_bytes()), cn(0x1E, &utf16("bo\u{323}\u{302} nội vụ")));
        assert_eq!(cn(0x0C, "Straße ΟΔΟΣ".as_bytes()), cn(0x0C, "STRASSE οδος".as_bytes()));
        assert_eq!(cn(0x14, b"Caf\xE9"), cn(0x0C, "CAFÉ".as_bytes()));
        for (a, b) in [("Bo Noi Vu", "BoNoiVu"), ("Bộ Nội Vụ", "Bo Noi Vu"), ("ı", "i"), ("a", "")] {
            assert_ne!(cn(0x0C, a.as_bytes()), cn(0x0C, b.as_bytes()), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_text_is_compared_exactly() {
        assert_ne!(cn(0x13, b"\xE9"), cn(0x14, b"\xE9"));
        assert_ne!(cn(0x04, b"a"), cn(0x0C, b"a"));
        assert_ne!(cn(0x04, b"a"), cn(0x04, b"A"));
        assert_ne!(cn(0x1E, b"a"), cn(0x0C, b"a"));
        assert_eq!(cn(0x0C, b"\xFF"), cn(0x0C, b"\xFF"));
    }

    #[test]
    fn order_counts_between_relative_names_and_not_within() {
        let (a, b) = (("2.5.4.3", 0x0C, &b"a"[..]), ("2.5.4.10", 0x0C, &b"b"[..]));
        assert_eq!(name(&[&[a, b]]), name(&[&[b, a]]));
        assert_ne!(name(&[&[a], &[b]]), name(&[&[b], &[a]]));
        assert_ne!(name(&[&[a, b]]), name(&[&[a], &[b]]));
        assert_ne!(name(&[&[a]]), name(&[&[a], &[a]]));
        assert!(name(&[&[a], &[b]]).is_within(&name(&[&[a]])));
        assert!(name(&[&[a]]).is_within(&name(&[])));
        assert!(!name(&[&[a]]).is_within(&name(&[&[a], &[b]])));
        assert!(!name(&[&[a, b]]).is_within(&name(&[&[a]])));
        assert!(name(&[]).is_empty() && !name(&[&[a]]).is_empty());
    }

    #[test]
    fn a_relative_name_is_added_at_the_end() {
        let (a, b) = (("2.5.4.3", 0x0C, &b"a"[..]), ("2.5.4.10", 0x0C, &b"b"[..]));
        let b_set = name(&[&[b]]);
        let relative = RelativeName::from_content(&b_set.content()[2..]).unwrap();
        let long = "x".repeat(120);
        for first in [a, ("2.5.4.3", 0x0C, long.as_bytes())] {
            let joined = name(&[&[first]]).with_relative(&relative);
            let whole = name(&[&[first], &[b]]);
            assert_eq!(joined.der(), whole.der());
            assert_eq!(joined, whole);
            assert_eq!(joined.to_string(), whole.to_string());
        }
        assert!(RelativeName::from_content(&[0x02, 0x01, 0x00]).is_err());
    }

    #[test]
    fn text_is_that_of_rfc_4514() {
        let n = name(&[
            &[("2.5.4.6", 0x13, b"VN")],
            &[("2.5.4.10", 0x0C, b" Sue, Grabbit + Runn\\ "), ("2.5.4.11", 0x0C, b"#a#")],
            &[("0.9.2342.19200300.100.1.25", 0x16, b"net")],
            &[("1.3.6.1.4.1.1466.0", 0x04, b"Hi")],
            &[("2.5.4.3", 0x0C, "Lu\u{10D}i\u{107}\0\u{202E}".as_bytes())],
        ]);
        assert_eq!(
            n.to_string(),
            "CN=Lučić\\00\\e2\\80\\ae,1.3.6.1.4.1.1466.0=#04024869,DC=net,O=\\ Sue\\, Grabbit \\+ Runn\\\\\\ +OU=\\#a#,C=VN"
        );
        assert_eq!(n.attribute(&Oid::parse("2.5.4.6").unwrap()).as_deref(), Some("VN"));
        assert_eq!(n.attribute(&Oid::parse("1.3.6.1.4.1.1466.0").unwrap()), None);
        assert_eq!(name(&[&[("2.5.4.11", 0x0C, b"unit")]]).display_name(), "unit");
        assert_eq!(name(&[]).display_name(), "");
        assert_eq!(name(&[]).to_string(), "");
    }
}
