//! What the codes of simple fonts stand for where the file has no map to Unicode:
//! encodings, names of glyphs, and the widths of the fonts that files need not
//! carry (ISO 32000-2 Annex D, §9.6.2.2).

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// An encoding that files name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Standard,
    WinAnsi,
    MacRoman,
}

/// WinAnsiEncoding from 0x80 to 0x9F; above it is Latin 1.
const WIN_ANSI: &str = "€•‚ƒ„…†‡ˆ‰Š‹Œ•Ž••‘’“”•–—˜™š›œ•žŸ";
/// MacRomanEncoding from 0x80.
const MAC_ROMAN: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»…\u{a0}ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\u{f8ff}ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
/// StandardEncoding from 0xA1; question marks where it has nothing.
const STANDARD: &str =
    "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ?–†‡·?¶•‚„”»…‰?¿?`´ˆ˜¯˘˙¨?˚¸?˝˛ˇ—????????????????Æ?ª????ŁØŒº?????æ???ı??łøœß????";

impl Encoding {
    pub(super) fn by_name(name: &[u8]) -> Option<Self> {
        match name {
            b"StandardEncoding" => Some(Self::Standard),
            b"WinAnsiEncoding" => Some(Self::WinAnsi),
            b"MacRomanEncoding" => Some(Self::MacRoman),
            _ => None,
        }
    }

    pub(super) fn char_of(self, code: u8) -> Option<char> {
        let upper = |table: &str, from: u8| table.chars().nth(usize::from(code.checked_sub(from)?));
        match (self, code) {
            (_, 0..=0x1f | 0x7f) => None,
            (Self::Standard, 0x27) => Some('\u{2019}'),
            (Self::Standard, 0x60) => Some('\u{2018}'),
            (_, 0x20..=0x7e) => Some(char::from(code)),
            (Self::WinAnsi, 0xa0..) => Some(char::from(code)),
            (Self::WinAnsi, _) => upper(WIN_ANSI, 0x80),
            (Self::MacRoman, _) => upper(MAC_ROMAN, 0x80),
            (Self::Standard, _) => upper(STANDARD, 0xa1).filter(|c| *c != '?'),
        }
    }
}

/// Names of the Adobe Glyph List that are no letters with accents, in order.
const NAMES: &[(&str, &str)] = &[
    ("AE", "Æ"),
    ("Dcroat", "Đ"),
    ("Dmacron", "Đ"),
    ("Dslash", "Đ"),
    ("Eth", "Ð"),
    ("Euro", "€"),
    ("Lslash", "Ł"),
    ("OE", "Œ"),
    ("Oslash", "Ø"),
    ("Thorn", "Þ"),
    ("acute", "´"),
    ("ae", "æ"),
    ("afii61352", "№"),
    ("ampersand", "&"),
    ("arrowright", "→"),
    ("asciicircum", "^"),
    ("asciitilde", "~"),
    ("asterisk", "*"),
    ("at", "@"),
    ("backslash", "\\"),
    ("bar", "|"),
    ("braceleft", "{"),
    ("braceright", "}"),
    ("bracketleft", "["),
    ("bracketright", "]"),
    ("breve", "˘"),
    ("brokenbar", "¦"),
    ("bullet", "•"),
    ("caron", "ˇ"),
    ("cedilla", "¸"),
    ("cent", "¢"),
    ("circumflex", "ˆ"),
    ("colon", ":"),
    ("comma", ","),
    ("copyright", "©"),
    ("currency", "¤"),
    ("dagger", "†"),
    ("daggerdbl", "‡"),
    ("dcroat", "đ"),
    ("degree", "°"),
    ("dieresis", "¨"),
    ("divide", "÷"),
    ("dmacron", "đ"),
    ("dollar", "$"),
    ("dong", "₫"),
    ("dotaccent", "˙"),
    ("dotlessi", "ı"),
    ("eight", "8"),
    ("ellipsis", "…"),
    ("emdash", "—"),
    ("endash", "–"),
    ("equal", "="),
    ("eth", "ð"),
    ("exclam", "!"),
    ("exclamdown", "¡"),
    ("ff", "ff"),
    ("ffi", "ffi"),
    ("ffl", "ffl"),
    ("fi", "fi"),
    ("five", "5"),
    ("fl", "fl"),
    ("florin", "ƒ"),
    ("four", "4"),
    ("fraction", "⁄"),
    ("germandbls", "ß"),
    ("grave", "`"),
    ("greater", ">"),
    ("greaterequal", "≥"),
    ("guillemotleft", "«"),
    ("guillemotright", "»"),
    ("guilsinglleft", "‹"),
    ("guilsinglright", "›"),
    ("hungarumlaut", "˝"),
    ("hyphen", "-"),
    ("less", "<"),
    ("lessequal", "≤"),
    ("logicalnot", "¬"),
    ("lslash", "ł"),
    ("macron", "¯"),
    ("minus", "−"),
    ("mu", "µ"),
    ("multiply", "×"),
    ("nbspace", " "),
    ("nine", "9"),
    ("nonbreakingspace", " "),
    ("notequal", "≠"),
    ("numbersign", "#"),
    ("oe", "œ"),
    ("ogonek", "˛"),
    ("one", "1"),
    ("onehalf", "½"),
    ("onequarter", "¼"),
    ("onesuperior", "¹"),
    ("ordfeminine", "ª"),
    ("ordmasculine", "º"),
    ("oslash", "ø"),
    ("paragraph", "¶"),
    ("parenleft", "("),
    ("parenright", ")"),
    ("percent", "%"),
    ("period", "."),
    ("periodcentered", "·"),
    ("perthousand", "‰"),
    ("plus", "+"),
    ("plusminus", "±"),
    ("question", "?"),
    ("questiondown", "¿"),
    ("quotedbl", "\""),
    ("quotedblbase", "„"),
    ("quotedblleft", "“"),
    ("quotedblright", "”"),
    ("quoteleft", "‘"),
    ("quoteright", "’"),
    ("quotesinglbase", "‚"),
    ("quotesingle", "'"),
    ("registered", "®"),
    ("ring", "˚"),
    ("section", "§"),
    ("semicolon", ";"),
    ("seven", "7"),
    ("sfthyphen", "\u{ad}"),
    ("six", "6"),
    ("slash", "/"),
    ("softhyphen", "\u{ad}"),
    ("space", " "),
    ("sterling", "£"),
    ("thorn", "þ"),
    ("three", "3"),
    ("threequarters", "¾"),
    ("threesuperior", "³"),
    ("tilde", "˜"),
    ("trademark", "™"),
    ("two", "2"),
    ("twosuperior", "²"),
    ("underscore", "_"),
    ("yen", "¥"),
    ("zero", "0"),
];

/// Accents at the end of a glyph's name, as combining marks.
const ACCENTS: &[(&str, char)] = &[
    ("grave", '\u{300}'),
    ("acute", '\u{301}'),
    ("circumflex", '\u{302}'),
    ("tilde", '\u{303}'),
    ("macron", '\u{304}'),
    ("breve", '\u{306}'),
    ("dotaccent", '\u{307}'),
    ("dieresis", '\u{308}'),
    ("hookabove", '\u{309}'),
    ("ring", '\u{30a}'),
    ("hungarumlaut", '\u{30b}'),
    ("caron", '\u{30c}'),
    ("horn", '\u{31b}'),
    ("dotbelow", '\u{323}'),
    ("cedilla", '\u{327}'),
    ("ogonek", '\u{328}'),
];

/// The text of a glyph by its name, as the Adobe Glyph List Specification §2 has it.
pub(super) fn text_of_name(name: &str) -> Option<String> {
    // What follows a full stop tells variants apart: `a.sc`.
    let name = name.split('.').next().filter(|name| !name.is_empty())?;
    let parts: Option<Vec<String>> = name.split('_').take(8).map(text_of_part).collect();
    parts.map(|parts| parts.concat())
}

fn text_of_part(name: &str) -> Option<String> {
    if let Ok(index) = NAMES.binary_search_by_key(&name, |(name, _)| name) {
        return NAMES.get(index).map(|(_, text)| (*text).to_owned());
    }
    let mut chars = name.chars();
    if let (Some(letter), None) = (chars.next(), chars.next()) {
        return letter.is_ascii_alphabetic().then(|| letter.to_string());
    }
    let hex = |digits: &str| -> Option<char> {
        let upper = digits.bytes().all(|digit| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit));
        char::from_u32(u32::from_str_radix(digits, 16).ok().filter(|_| upper)?)
    };
    if let Some(digits) = name.strip_prefix("uni").filter(|digits| digits.len() >= 4 && digits.len() % 4 == 0) {
        return digits.as_bytes().chunks(4).take(8).map(|unit| hex(std::str::from_utf8(unit).ok()?)).collect();
    }
    if let Some(c) = name.strip_prefix('u').filter(|digits| (4..=6).contains(&digits.len())).and_then(hex) {
        return Some(c.to_string());
    }
    // `ocircumflexacute` is o with a circumflex and an acute accent.
    let mut marks = Vec::new();
    let mut base = name;
    while let Some((rest, mark)) = ACCENTS.iter().find_map(|(accent, mark)| Some((base.strip_suffix(accent)?, mark))) {
        marks.push(*mark);
        base = rest;
    }
    let mut letters = base.chars();
    let letter = letters.next().filter(|letter| letter.is_ascii_alphabetic())?;
    (letters.next().is_none() && !marks.is_empty())
        .then(|| std::iter::once(letter).chain(marks.into_iter().rev()).nfc().collect())
}

/// Widths from the space to the tilde, in thousandths.
type Widths = [u16; 95];

#[rustfmt::skip]
const HELVETICA: Widths = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
#[rustfmt::skip]
const HELVETICA_BOLD: Widths = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];
#[rustfmt::skip]
const TIMES: Widths = [
    250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611,
    556, 722, 722, 333, 389, 722, 611, 889, 722, 722, 556, 722, 667, 556, 611, 722, 722, 944, 722,
    722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500, 500, 278, 278, 500,
    278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];
#[rustfmt::skip]
const TIMES_BOLD: Widths = [
    250, 333, 555, 500, 500, 1000, 833, 278, 333, 333, 500, 570, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 333, 333, 570, 570, 570, 500, 930, 722, 667, 722, 722, 667,
    611, 778, 778, 389, 500, 778, 667, 944, 722, 778, 611, 778, 722, 556, 667, 722, 722, 1000, 722,
    722, 667, 333, 278, 333, 581, 500, 333, 500, 556, 444, 556, 444, 333, 500, 556, 278, 333, 556,
    278, 833, 556, 500, 556, 556, 444, 389, 333, 556, 500, 722, 500, 500, 444, 394, 220, 394, 520,
];
#[rustfmt::skip]
const TIMES_ITALIC: Widths = [
    250, 333, 420, 500, 500, 833, 778, 214, 333, 333, 500, 675, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 333, 333, 675, 675, 675, 500, 920, 611, 611, 667, 722, 611,
    611, 722, 722, 333, 444, 667, 556, 833, 667, 722, 611, 722, 611, 500, 556, 722, 611, 833, 611,
    556, 556, 389, 278, 389, 422, 500, 333, 500, 500, 444, 500, 444, 278, 500, 500, 278, 278, 444,
    278, 722, 500, 500, 500, 500, 389, 389, 278, 500, 444, 667, 444, 444, 389, 400, 275, 400, 541,
];
#[rustfmt::skip]
const TIMES_BOLD_ITALIC: Widths = [
    250, 389, 555, 500, 500, 833, 778, 278, 333, 333, 500, 570, 250, 333, 250, 278, 500, 500, 500,
    500, 500, 500, 500, 500, 500, 500, 333, 333, 570, 570, 570, 500, 832, 667, 667, 667, 722, 667,
    667, 722, 778, 389, 500, 667, 611, 889, 722, 722, 611, 722, 667, 556, 611, 722, 667, 889, 667,
    611, 611, 333, 278, 333, 570, 500, 333, 500, 500, 444, 500, 444, 333, 500, 556, 278, 278, 500,
    278, 778, 556, 500, 500, 500, 389, 389, 278, 556, 444, 667, 500, 444, 389, 348, 220, 348, 570,
];

/// The advance of a character in one of the standard fonts, in thousandths of its size.
pub(super) fn standard_width(font: &str, c: char) -> f64 {
    // A subset's tag and the style's separators tell nothing.
    let font = font.rsplit('+').next().unwrap_or(font);
    let font: String = font.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    if font.contains("courier") {
        return 600.0;
    }
    let bold = font.contains("bold");
    let italic = font.contains("italic") || font.contains("oblique");
    let table = match (font.contains("times"), bold, italic) {
        (true, true, true) => &TIMES_BOLD_ITALIC,
        (true, true, false) => &TIMES_BOLD,
        (true, false, true) => &TIMES_ITALIC,
        (true, false, false) => &TIMES,
        (false, true, _) => &HELVETICA_BOLD,
        (false, false, _) => &HELVETICA,
    };
    let width = |c: char| {
        let index = usize::try_from(u32::from(c).checked_sub(0x20)?).ok()?;
        table.get(index).map(|width| f64::from(*width))
    };
    // A letter with accents is as wide as without; others are taken as a figure.
    let base = || std::iter::once(c).nfd().find(|c| !is_combining_mark(*c)).and_then(width);
    let other = match c {
        '…' | '—' | '™' => 1000.0,
        '•' => 350.0,
        '‘' | '’' | '‚' => 333.0,
        '“' | '”' | '„' => 444.0,
        _ => 500.0,
    };
    width(c).or_else(base).unwrap_or(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_vietnamese_letters() {
        let cases = [
            ("ecircumflexdotbelow", "ệ"),
            ("Ohornacute", "Ớ"),
            ("uhorn", "ư"),
            ("uhorntilde", "ữ"),
            ("abrevehookabove", "ẳ"),
            ("ydotbelow", "ỵ"),
            ("dcroat", "đ"),
            ("uni1EBF", "ế"),
            ("u1EBF", "ế"),
            ("f_i", "fi"),
            ("a.sc", "a"),
            ("quoteright", "’"),
            ("Z", "Z"),
        ];
        for (name, text) in cases {
            assert_eq!(text_of_name(name).as_deref(), Some(text), "{name}");
        }
        for name in ["", ".notdef", "g12", "cid", "tilde_", "uni12", "acutea", "ab"] {
            assert_eq!(text_of_name(name), None, "{name}");
        }
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn encodings_differ_where_they_should() {
        assert_eq!(Encoding::WinAnsi.char_of(0x93), Some('“'));
        assert_eq!(Encoding::WinAnsi.char_of(0xe2), Some('â'));
        assert_eq!(Encoding::MacRoman.char_of(0x8a), Some('ä'));
        assert_eq!(Encoding::Standard.char_of(0xae), Some('ﬁ'));
        assert_eq!(Encoding::Standard.char_of(0xfb), Some('ß'));
        assert_eq!(Encoding::Standard.char_of(0x80), None);
        assert_eq!(Encoding::Standard.char_of(0xff), None);
    }

    #[test]
    fn widths_of_standard_fonts() {
        assert!((standard_width("Times-Roman", 'ệ') - 444.0).abs() < 0.5);
        assert!((standard_width("ABCDEF+Helvetica-Bold", 'A') - 722.0).abs() < 0.5);
        assert!((standard_width("Courier", 'i') - 600.0).abs() < 0.5);
    }
}
