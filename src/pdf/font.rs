//! Fonts embedded as a subset: composite fonts with Identity-H (ISO 32000-2 §9.7), one code per glyph used.

use std::fmt;
use std::sync::Arc;

use subsetter::GlyphRemapper;
use ttf_parser::Face;
use ttf_parser::GlyphId;
use ttf_parser::Permissions;
use unicode_normalization::UnicodeNormalization;

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::error::Unsupported;
use crate::pdf::filter::deflate;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Real;
use crate::pdf::object::Reference;
use crate::pdf::update::Update;

/// A TrueType font for visible signatures.
#[derive(Clone)]
pub struct Font {
    data: Data,
}

#[derive(Clone)]
enum Data {
    BuiltIn(&'static [u8]),
    Given(Arc<[u8]>),
}

/// The glyphs of one font that one appearance uses, in order of first use.
pub(super) struct Subset<'f> {
    font: &'f Font,
    face: Face<'f>,
    glyphs: GlyphRemapper,
    /// The text of each glyph of the subset, by its new number.
    texts: Vec<char>,
}

static LIBERATION_SERIF: &[u8] = include_bytes!("fonts/LiberationSerif-Regular.ttf");

impl Font {
    /// Liberation Serif, upright and regular: the metrics of Times New Roman, with all Vietnamese letters.
    #[must_use]
    pub const fn liberation_serif() -> Self {
        Self { data: Data::BuiltIn(LIBERATION_SERIF) }
    }

    /// A TrueType font of the caller's.
    ///
    /// # Errors
    /// Where it is no TrueType font, its outlines are not TrueType outlines,
    /// or its licence flags forbid that a subset is embedded.
    pub fn from_ttf(data: Vec<u8>) -> Result<Self, Error> {
        let font = Self { data: Data::Given(data.into()) };
        let face = font.face()?;
        if face.tables().glyf.is_none() {
            return Err(Unsupported::new(Format::Font, "outlines other than TrueType outlines").into());
        }
        if face.permissions() == Some(Permissions::Restricted) || !face.is_subsetting_allowed() {
            let detail = "the font's licence flags (OS/2 fsType) forbid embedding a subset of it";
            return Err(Refused::new(RefusalReason::Permissions, detail).into());
        }
        Ok(font)
    }

    /// The width of a line of text at a size of one point.
    ///
    /// # Errors
    /// Where the font has no glyph for a character.
    pub fn width(&self, text: &str) -> Result<f64, Error> {
        let face = self.face()?;
        text.nfc().map(|c| glyph(&face, c).map(|glyph| advance(&face, glyph))).sum()
    }

    /// Height above the baseline and depth below it (positive), at a size of one point.
    ///
    /// # Errors
    /// Where the font cannot be read.
    pub fn ascent_and_descent(&self) -> Result<(f64, f64), Error> {
        let face = self.face()?;
        let scale = |value: i16| f64::from(value) / f64::from(face.units_per_em());
        Ok((scale(face.ascender()), -scale(face.descender())))
    }

    pub(super) fn subset(&self) -> Result<Subset<'_>, Error> {
        Ok(Subset { font: self, face: self.face()?, glyphs: GlyphRemapper::new(), texts: vec!['\0'] })
    }

    fn octets(&self) -> &[u8] {
        match &self.data {
            Data::BuiltIn(octets) => octets,
            Data::Given(octets) => octets,
        }
    }

    fn face(&self) -> Result<Face<'_>, Error> {
        Face::parse(self.octets(), 0)
            .map_err(|fault| Malformed::new(Format::Font, "font file", "a TrueType font").found(fault).into())
    }
}

impl fmt::Debug for Font {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Font").field("octets", &self.octets().len()).finish()
    }
}

impl Subset<'_> {
    /// The codes of a line, two octets each. Text is composed first (NFC):
    /// letters with separate marks would otherwise be drawn apart.
    pub(super) fn encode(&mut self, text: &str) -> Result<Vec<u8>, Error> {
        let mut codes = Vec::new();
        for c in text.nfc() {
            let code = self.glyphs.remap(glyph(&self.face, c)?.0);
            if usize::from(code) == self.texts.len() {
                self.texts.push(c);
            }
            codes.extend_from_slice(&code.to_be_bytes());
        }
        Ok(codes)
    }

    /// Writes the font; returns the Type 0 font dictionary.
    pub(super) fn add_to(self, update: &mut Update<'_>) -> Result<Reference, Error> {
        let data = subsetter::subset(self.font.octets(), 0, &self.glyphs)
            .map_err(|fault| Malformed::new(Format::Font, "font file", "a font that can be subset").found(fault))?;
        let reread = Malformed::new(Format::Font, "subset", "a readable font");
        let subset = Face::parse(&data, 0).map_err(|fault| reread.found(fault))?;
        let name = format!("{}+{}", tag(&data), self.name());

        let length = i64::try_from(data.len()).unwrap_or(i64::MAX);
        let file = Dictionary::new().with("Length1", length).with("Filter", Object::name("FlateDecode"));
        let file = update.add_stream(file, deflate(&data)?)?;
        // Every glyph of the subset is there, those that only others are composed of as well.
        let count = usize::from(subset.number_of_glyphs());
        let present: Vec<u8> =
            (0..count.div_ceil(8)).map(|octet| !(0xff_u8.checked_shr(bits(count, octet)).unwrap_or(0))).collect();
        let present = update.add_stream(Dictionary::new(), present)?;
        let descriptor = update.add(self.descriptor(&name).with("FontFile2", file).with("CIDSet", present))?;
        let widths = (0..subset.number_of_glyphs()).map(|glyph| number(advance(&subset, GlyphId(glyph)) * 1000.0));
        let system = Dictionary::new()
            .with("Registry", Object::literal(*b"Adobe"))
            .with("Ordering", Object::literal(*b"Identity"))
            .with("Supplement", 0);
        let descendant = update.add(
            Dictionary::new()
                .with("Type", Object::name("Font"))
                .with("Subtype", Object::name("CIDFontType2"))
                .with("BaseFont", Object::name(&name))
                .with("CIDSystemInfo", system)
                .with("FontDescriptor", descriptor)
                .with("CIDToGIDMap", Object::name("Identity"))
                .with("W", vec![Object::Integer(0), Object::Array(widths.collect())]),
        )?;
        let map = update.add_stream(
            Dictionary::new().with("Filter", Object::name("FlateDecode")),
            deflate(self.to_unicode().as_bytes())?,
        )?;
        update.add(
            Dictionary::new()
                .with("Type", Object::name("Font"))
                .with("Subtype", Object::name("Type0"))
                .with("BaseFont", Object::name(&name))
                .with("Encoding", Object::name("Identity-H"))
                .with("DescendantFonts", vec![Object::from(descendant)])
                .with("ToUnicode", map),
        )
    }

    fn name(&self) -> String {
        let names = self.face.names();
        let name = names.into_iter().filter(|name| name.name_id == ttf_parser::name_id::POST_SCRIPT_NAME);
        let name = name.filter_map(|name| name.to_string()).next().unwrap_or_default();
        let name: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
        if name.is_empty() { "Font".to_owned() } else { name }
    }

    fn descriptor(&self, name: &str) -> Dictionary {
        // Table 121: the font uses a character set beyond the standard Latin one.
        const SYMBOLIC: i64 = 1 << 2;
        const FIXED_PITCH: i64 = 1;
        const ITALIC: i64 = 1 << 6;
        let face = &self.face;
        let scale = |value: i16| number(f64::from(value) * 1000.0 / f64::from(face.units_per_em()));
        let bounds = face.global_bounding_box();
        let mut flags = SYMBOLIC;
        flags |= if face.is_monospaced() { FIXED_PITCH } else { 0 };
        flags |= if face.is_italic() { ITALIC } else { 0 };
        let bold = face.weight().to_number() >= 600;
        Dictionary::new()
            .with("Type", Object::name("FontDescriptor"))
            .with("FontName", Object::name(name))
            .with("Flags", flags)
            .with("FontBBox", vec![scale(bounds.x_min), scale(bounds.y_min), scale(bounds.x_max), scale(bounds.y_max)])
            .with("ItalicAngle", number(f64::from(face.italic_angle())))
            .with("Ascent", scale(face.ascender()))
            .with("Descent", scale(face.descender()))
            .with("CapHeight", scale(face.capital_height().unwrap_or_else(|| face.ascender())))
            // No font file says it; these are the values in use for regular and bold faces.
            .with("StemV", if bold { 140 } else { 80 })
    }

    /// The map from codes to text (ISO 32000-2 §9.10.3), so that the text can be searched and read aloud.
    fn to_unicode(&self) -> String {
        let mut map = String::from(
            "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo\n\
             << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n/CMapName /Adobe-Identity-UCS def\n\
             /CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n",
        );
        let texts: Vec<(usize, char)> = self.texts.iter().copied().enumerate().skip(1).collect();
        // A section holds at most 100 entries.
        for section in texts.chunks(100) {
            map.push_str(&format!("{} beginbfchar\n", section.len()));
            for (code, text) in section {
                let units: String = text.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("{unit:04X}")).collect();
                map.push_str(&format!("<{code:04X}> <{units}>\n"));
            }
            map.push_str("endbfchar\n");
        }
        map.push_str("endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n");
        map
    }
}

fn glyph(face: &Face<'_>, c: char) -> Result<GlyphId, Error> {
    face.glyph_index(c).filter(|glyph| glyph.0 != 0).ok_or_else(|| {
        let feature = format!("the character {c:?} (U+{:04X}), which the font does not have", u32::from(c));
        Unsupported::new(Format::Font, feature).into()
    })
}

fn advance(face: &Face<'_>, glyph: GlyphId) -> f64 {
    f64::from(face.glyph_hor_advance(glyph).unwrap_or(0)) / f64::from(face.units_per_em())
}

/// An integer where it is one, else a real.
pub(super) fn number(value: f64) -> Object {
    #[allow(clippy::cast_possible_truncation)] // checked by the comparison
    let whole = value.round() as i64;
    #[allow(clippy::cast_precision_loss)] // an exact value passes, any other is written as a real
    if (whole as f64 - value).abs() < 1e-9 { Object::Integer(whole) } else { Object::Real(Real::new(value)) }
}

/// Bits of `octet` that belong to the first `count` bits.
fn bits(count: usize, octet: usize) -> u32 {
    u32::try_from(count.saturating_sub(octet * 8).min(8)).unwrap_or(8)
}

/// The six letters that mark a subset (ISO 32000-2 §9.9.2), taken from its octets.
fn tag(data: &[u8]) -> String {
    // FNV-1a: the same subset gets the same letters, nothing more is asked of it.
    let fold = |state: u64, octet: &u8| (state ^ u64::from(*octet)).wrapping_mul(0x0100_0000_01b3);
    let mut state = data.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    let mut letters = String::new();
    for _ in 0..6 {
        letters.push(char::from(b'A' + u8::try_from(state % 26).unwrap_or(0)));
        state /= 26;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter of the Vietnamese alphabet with every tone, both cases.
    fn vietnamese() -> String {
        let vowels = "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY";
        let tones = ["", "\u{300}", "\u{301}", "\u{303}", "\u{309}", "\u{323}"];
        vowels.chars().flat_map(|v| tones.map(|tone| format!("{v}{tone}"))).chain(["đĐ".to_owned()]).collect()
    }

    #[test]
    fn liberation_serif_has_every_vietnamese_letter_composed_or_not() {
        let font = Font::liberation_serif();
        let mut subset = font.subset().unwrap();
        let decomposed = vietnamese();
        let composed: String = decomposed.nfc().collect();
        assert_eq!(composed.chars().count(), 24 * 6 + 2);
        assert_eq!(subset.encode(&decomposed).unwrap().len(), 2 * (24 * 6 + 2));
        let first = subset.encode(&composed).unwrap();
        assert_eq!(subset.encode(&decomposed).unwrap(), first);
        for c in ["ổ", "ẫ", "ự", "Đ", "Ẩ", "\u{a0}", "–", "…", "“", "”", "№"] {
            assert!(font.width(c).unwrap() > 0.0, "{c}");
        }
    }

    #[test]
    fn a_missing_glyph_is_named() {
        let error = Font::liberation_serif().width("公").unwrap_err();
        assert!(error.to_string().contains("'公' (U+516C)"), "{error}");
        assert!(Font::liberation_serif().width("a\u{7}").is_err());
    }

    #[test]
    fn metrics_are_those_of_times_new_roman() {
        // Published advance widths of Times New Roman, in thousandths.
        let font = Font::liberation_serif();
        for (text, width) in [("A", 0.722), ("i", 0.278), ("m", 0.778), ("0", 0.5), (" ", 0.25)] {
            assert!((font.width(text).unwrap() - width).abs() < 0.001, "{text}");
        }
    }

    #[test]
    fn what_is_no_font_is_refused() {
        assert!(Font::from_ttf(Vec::new()).is_err());
        assert!(Font::from_ttf(vec![0; 4096]).is_err());
        for length in [4, 12, 100, 1000, 20_000] {
            let _ = Font::from_ttf(LIBERATION_SERIF[..length].to_vec());
        }
    }
}
