//! Fonts as they are read: what a code shows, and how far it moves on (ISO 32000-2 §9.6, §9.7).

use std::collections::BTreeMap;
use std::sync::Arc;

use ttf_parser::Face;

use crate::error::Error;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::search::cmap::CMap;
use crate::pdf::search::encoding::Encoding;
use crate::pdf::search::encoding::standard_width;
use crate::pdf::search::encoding::text_of_name;

/// Widths that one font may list.
const MOST_WIDTHS: usize = 200_000;
/// Octets of a font file that is read for its table of characters.
const LARGEST_FILE: usize = 32 << 20;

/// A font of a document, as far as its text can be read.
#[derive(Debug)]
pub(super) struct ReadFont {
    codes: Codes,
    to_unicode: Option<CMap>,
    /// By CID, or by code for simple fonts, in thousandths.
    widths: BTreeMap<u32, f64>,
    default_width: Width,
    /// From units of the widths to those of text space.
    scale: f64,
    pub(super) vertical: bool,
    /// Above and below the baseline, in parts of the size.
    pub(super) ascent: f64,
    pub(super) descent: f64,
}

#[derive(Debug)]
enum Codes {
    /// One octet each, with its text.
    Simple(Vec<Option<Arc<str>>>),
    /// As the CMap says, with the text of each CID where an embedded font tells it.
    Composite { map: CMap, identity: bool, unicode: bool, glyphs: BTreeMap<u32, char> },
}

#[derive(Debug)]
enum Width {
    Fixed(f64),
    Standard(String),
}

/// One code of a string that is shown.
pub(super) struct Shown {
    pub(super) text: Option<Arc<str>>,
    /// In parts of the size.
    pub(super) width: f64,
    /// A code of one octet with the value of a space, which word spacing widens (§9.3.3).
    pub(super) space: bool,
}

impl ReadFont {
    pub(super) fn read(revision: Revision<'_>, font: &Dictionary) -> Result<Self, Error> {
        let subtype = revision.get(font, "Subtype")?;
        let map = revision.get(font, "ToUnicode")?;
        let to_unicode = match map.as_stream() {
            // A map that cannot be read is as good as none.
            Some(map) => revision.decoded(map).ok().map(|data| CMap::parse(&data, revision.pdf().limits())),
            None => None,
        };
        let mut read = Self {
            codes: Codes::Simple(Vec::new()),
            to_unicode,
            widths: BTreeMap::new(),
            default_width: Width::Fixed(0.0),
            scale: 0.001,
            vertical: false,
            ascent: 0.75,
            descent: -0.25,
        };
        match subtype.as_name() {
            Some(b"Type0") => read.composite(revision, font)?,
            _ => read.simple(revision, font, subtype.as_name() == Some(b"Type3"))?,
        }
        Ok(read)
    }

    fn describe(&mut self, revision: Revision<'_>, descriptor: &Dictionary) -> Result<(), Error> {
        let value = |key: &str| -> Result<f64, Error> {
            Ok(revision.get(descriptor, key)?.as_number().filter(|value| value.is_finite()).unwrap_or(0.0))
        };
        let (ascent, descent) = (value("Ascent")? / 1000.0, value("Descent")? / 1000.0);
        // Some writers give zero, or the descent without its sign.
        if (0.3..=1.5).contains(&ascent) {
            self.ascent = ascent;
        }
        if (0.05..=0.8).contains(&descent.abs()) {
            self.descent = -descent.abs();
        }
        Ok(())
    }

    fn simple(&mut self, revision: Revision<'_>, font: &Dictionary, type3: bool) -> Result<(), Error> {
        let base = revision.get(font, "BaseFont")?;
        let base = String::from_utf8_lossy(base.as_name().unwrap_or_default()).into_owned();
        let descriptor = revision.get(font, "FontDescriptor")?;
        let mut missing = 0.0;
        if let Some(descriptor) = descriptor.as_dictionary() {
            self.describe(revision, descriptor)?;
            missing = revision.get(descriptor, "MissingWidth")?.as_number().unwrap_or(0.0);
        }
        if type3 {
            let matrix = revision.get(font, "FontMatrix")?;
            let scale = matrix.as_array().and_then(|matrix| matrix.first()).and_then(Object::as_number);
            self.scale = scale.filter(|scale| scale.is_finite() && *scale != 0.0).unwrap_or(0.001);
        }
        let first = revision.get(font, "FirstChar")?.as_integer().and_then(|first| u32::try_from(first).ok());
        let widths = revision.get(font, "Widths")?;
        self.default_width = match widths.as_array() {
            Some(widths) => {
                for (code, width) in (first.unwrap_or(0)..256).zip(widths) {
                    self.widths.extend(revision.resolve(width)?.as_number().map(|width| (code, width)));
                }
                Width::Fixed(missing)
            }
            None => Width::Standard(base),
        };
        self.codes = Codes::Simple(simple_codes(revision, font)?);
        Ok(())
    }

    fn composite(&mut self, revision: Revision<'_>, font: &Dictionary) -> Result<(), Error> {
        let encoding = revision.get(font, "Encoding")?;
        let (mut map, mut identity, mut unicode) = (CMap::default(), false, false);
        match &*encoding {
            Object::Stream(stream) => {
                map = CMap::parse(&revision.decoded(stream)?, revision.pdf().limits());
                let mode = revision.get(&stream.dictionary, "WMode")?.as_integer();
                self.vertical = mode == Some(1);
            }
            other => {
                let name = other.as_name().unwrap_or(b"Identity-H");
                identity = name.starts_with(b"Identity");
                // The codes of these are Unicode themselves.
                unicode = [&b"UCS2"[..], b"UTF16"].iter().any(|kind| memchr::memmem::find(name, kind).is_some());
                self.vertical = name.ends_with(b"-V");
            }
        }
        let descendants = revision.get(font, "DescendantFonts")?;
        let descendant = descendants.as_array().and_then(<[Object]>::first).cloned().unwrap_or(Object::Null);
        let descendant = revision.resolve(&descendant)?;
        let mut glyphs = BTreeMap::new();
        self.default_width = Width::Fixed(1000.0);
        if let Some(descendant) = descendant.as_dictionary() {
            if let Some(width) = revision.get(descendant, "DW")?.as_number() {
                self.default_width = Width::Fixed(width);
            }
            self.cid_widths(revision, descendant)?;
            let descriptor = revision.get(descendant, "FontDescriptor")?;
            if let Some(descriptor) = descriptor.as_dictionary() {
                self.describe(revision, descriptor)?;
                if self.to_unicode.is_none() && !unicode {
                    glyphs = glyphs_of_file(revision, descendant, descriptor)?;
                }
            }
        }
        self.codes = Codes::Composite { map, identity, unicode, glyphs };
        Ok(())
    }

    /// `/W`: lists from a CID on, and ranges of one width (§9.7.4.3).
    fn cid_widths(&mut self, revision: Revision<'_>, descendant: &Dictionary) -> Result<(), Error> {
        let list = revision.get(descendant, "W")?;
        let mut rest = list.as_array().unwrap_or_default();
        let cid = |object: &Object| object.as_integer().and_then(|cid| u32::try_from(cid).ok());
        while let [first, second, tail @ ..] = rest {
            let (first, second) = (revision.resolve(first)?, revision.resolve(second)?);
            let Some(first) = cid(&first) else { break };
            if let Some(widths) = second.as_array() {
                for (cid, width) in (first..=u32::MAX).zip(widths) {
                    self.widths.extend(revision.resolve(width)?.as_number().map(|width| (cid, width)));
                }
                rest = tail;
            } else {
                let [width, tail @ ..] = tail else { break };
                let (Some(last), Some(width)) = (cid(&second), revision.resolve(width)?.as_number()) else { break };
                let room = MOST_WIDTHS.saturating_sub(self.widths.len());
                self.widths.extend((first..=last).take(room).map(|cid| (cid, width)));
                rest = tail;
            }
            if self.widths.len() >= MOST_WIDTHS {
                break;
            }
        }
        Ok(())
    }

    /// The codes of a string, in order.
    pub(super) fn shown(&self, octets: &[u8], mut each: impl FnMut(Shown) -> Result<(), Error>) -> Result<(), Error> {
        let mut rest = octets;
        while let Some(first) = rest.first() {
            let (code, length) = match &self.codes {
                Codes::Simple(_) => (u32::from(*first), 1),
                Codes::Composite { identity: true, .. } | Codes::Composite { unicode: true, .. } => match rest {
                    [high, low, ..] => (u32::from(u16::from_be_bytes([*high, *low])), 2),
                    _ => (u32::from(*first), 1),
                },
                Codes::Composite { map, .. } => map.code(rest),
            };
            rest = rest.get(length..).unwrap_or_default();
            each(self.one(code, length))?;
        }
        Ok(())
    }

    fn one(&self, code: u32, length: usize) -> Shown {
        let mapped = self.to_unicode.as_ref().and_then(|map| map.text_of(code));
        let (cid, text) = match &self.codes {
            Codes::Simple(texts) => {
                let own = || usize::try_from(code).ok().and_then(|code| texts.get(code)).cloned().flatten();
                (code, mapped.or_else(own))
            }
            Codes::Composite { map, identity, unicode, glyphs } => {
                let cid = if *identity { code } else { map.cid_of(code).unwrap_or(code) };
                let own = || {
                    let c = if *unicode { char::from_u32(code) } else { glyphs.get(&cid).copied() };
                    c.map(|c| Arc::from(c.encode_utf8(&mut [0; 4]) as &str))
                };
                (cid, mapped.or_else(own))
            }
        };
        let width = self.widths.get(&cid).copied().unwrap_or_else(|| match &self.default_width {
            Width::Fixed(width) => *width,
            Width::Standard(font) => {
                let c = text.as_deref().and_then(|text| text.chars().next());
                standard_width(font, c.unwrap_or('0'))
            }
        });
        let width = Some(width * self.scale).filter(|width| width.is_finite()).unwrap_or(0.0);
        Shown { text, width, space: length == 1 && code == 0x20 }
    }
}

/// The text of each code by encoding and differences (§9.6.5).
fn simple_codes(revision: Revision<'_>, font: &Dictionary) -> Result<Vec<Option<Arc<str>>>, Error> {
    let encoding = revision.get(font, "Encoding")?;
    let named = |object: &Object| object.as_name().and_then(Encoding::by_name);
    let dictionary = encoding.as_dictionary();
    let base = match dictionary {
        Some(dictionary) => named(&*revision.get(dictionary, "BaseEncoding")?),
        None => named(&encoding),
    };
    // Fonts with an encoding of their own mostly follow the one of Windows where they hold letters.
    let truetype = revision.get(font, "Subtype")?.as_name() == Some(b"TrueType");
    let base = base.unwrap_or(if truetype { Encoding::WinAnsi } else { Encoding::Standard });
    let text = |c: char| Arc::from(c.encode_utf8(&mut [0; 4]) as &str);
    let mut texts: Vec<Option<Arc<str>>> = (0..=u8::MAX).map(|code| base.char_of(code).map(text)).collect();
    if let Some(dictionary) = dictionary {
        let differences = revision.get(dictionary, "Differences")?;
        let mut code = 0_usize;
        for item in differences.as_array().unwrap_or_default().iter().take(1024) {
            match &*revision.resolve(item)? {
                Object::Name(name) => {
                    let name = std::str::from_utf8(name.octets()).unwrap_or_default();
                    if let Some(slot) = texts.get_mut(code) {
                        *slot = text_of_name(name).map(Arc::from);
                    }
                    code = code.saturating_add(1);
                }
                other => code = other.as_integer().and_then(|code| usize::try_from(code).ok()).unwrap_or(code),
            }
        }
    }
    Ok(texts)
}

/// The character of each CID by the table of the embedded TrueType font, where CIDs are its glyphs.
fn glyphs_of_file(
    revision: Revision<'_>,
    descendant: &Dictionary,
    descriptor: &Dictionary,
) -> Result<BTreeMap<u32, char>, Error> {
    let mut glyphs = BTreeMap::new();
    if revision.get(descendant, "CIDToGIDMap")?.as_stream().is_some() {
        return Ok(glyphs);
    }
    let mut file = revision.get(descriptor, "FontFile2")?;
    if file.is_null() {
        file = revision.get(descriptor, "FontFile3")?;
    }
    let Some(file) = file.as_stream() else { return Ok(glyphs) };
    let data = revision.decoded(file).unwrap_or_default();
    if data.len() > LARGEST_FILE {
        return Ok(glyphs);
    }
    let Ok(face) = Face::parse(&data, 0) else { return Ok(glyphs) };
    // Characters are asked for one by one: a table can claim ranges that would never end.
    let tables = face.tables().cmap.into_iter().flat_map(|cmap| cmap.subtables).filter(|table| table.is_unicode());
    for table in tables.take(4) {
        for c in '\u{20}'..='\u{fffd}' {
            if let Some(glyph) = table.glyph_index(u32::from(c)) {
                glyphs.entry(u32::from(glyph.0)).or_insert(c);
            }
        }
    }
    Ok(glyphs)
}
