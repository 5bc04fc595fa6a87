//! Text from tokens, shown safely.

use std::fmt;

/// The octets of a label as the token has them, which need not be UTF-8.
///
/// `Display` shows them safely: what is no UTF-8, no character to be seen, or
/// turns the direction of writing becomes U+FFFD, so that a label can neither
/// drive a terminal nor pass for another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(Vec<u8>);

impl Label {
    /// From octets; blanks and zeros that fill up a fixed field are cut.
    pub(super) fn new(mut octets: Vec<u8>) -> Self {
        let len = octets.iter().rposition(|b| !matches!(b, b' ' | 0)).map_or(0, |n| n + 1);
        octets.truncate(len);
        Self(octets)
    }

    /// The octets, without filling.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&String::from_utf8_lossy(&self.0)))
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Text without characters that drive a terminal or hide themselves.
pub(super) fn shown(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{61C}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    text.chars().map(|c| if hidden(c) { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shown_safely() {
        let shown = |octets: &[u8]| Label::new(octets.to_vec()).to_string();
        assert_eq!(shown("Văn phòng   ".as_bytes()), "Văn phòng");
        assert_eq!(shown(b"Token\0\0\0"), "Token");
        assert_eq!(shown(b"caf\xE9"), "caf\u{FFFD}");
        assert_eq!(shown(b"\x1b[2Jx\n"), "\u{FFFD}[2Jx\u{FFFD}");
        assert_eq!(shown("a\u{202E}b".as_bytes()), "a\u{FFFD}b");
        assert!(Label::new(b"  ".to_vec()).is_empty());
        assert_eq!(Label::new(b" a ".to_vec()).octets(), b" a");
    }
}
