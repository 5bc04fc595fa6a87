//! The references in an object, without the object.
//!
//! Walking a document of many objects, building each and dropping it again is
//! most of the time. This reads the plain forms alone, in which nearly all
//! objects are written; whatever is unusual is left to the [`Parser`], so that
//! there is one reading of every object, which is the parser's.
//!
//! [`Parser`]: crate::pdf::lexer::Parser

use crate::pdf::lexer::is_regular;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Reference;

/// Deeper nesting is left to the parser.
const DEPTH: usize = 16;

/// Appends the references in the dictionary or array at the start of `data` to
/// `found`, in their order, and returns where it ends.
///
/// `None` where the parser must look: at faults, escapes, comments, deep
/// nesting, an end of `data` within the object, and at the keys of pages and of
/// their tree, below which the walk goes on in another role.
pub(super) fn references(data: &[u8], depth: usize, found: &mut Vec<Reference>) -> Option<usize> {
    let mut skim = Skim { data, position: 0, page: false, family: false };
    skim.space();
    if !matches!(skim.peek()?, b'<' | b'[') {
        return None;
    }
    skim.object(depth.min(DEPTH), found)?;
    (!(skim.page && skim.family)).then_some(skim.position)
}

struct Skim<'d> {
    data: &'d [u8],
    position: usize,
    /// A name `/Page` or `/Pages` stands somewhere.
    page: bool,
    /// A key or name `/Kids` or `/Parent` does.
    family: bool,
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// An element of an array, or its end.
    Element,
    /// A key of a dictionary, or its end.
    Key,
    /// The value of a key.
    Value,
}

impl<'d> Skim<'d> {
    fn peek(&self) -> Option<u8> {
        self.data.get(self.position).copied()
    }

    fn ahead(&self) -> Option<u8> {
        self.data.get(self.position + 1).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.position += 1;
        }
    }

    /// The run of regular characters from here; `None` where it may go on behind the data.
    fn word(&mut self) -> Option<&'d [u8]> {
        let rest = self.data.get(self.position..)?;
        let length = rest.iter().position(|octet| !is_regular(*octet))?;
        self.position += length;
        rest.get(..length)
    }

    /// From the first bracket to the one that closes it, in one loop: which brackets are open stands in `open`.
    fn object(&mut self, depth: usize, found: &mut Vec<Reference>) -> Option<()> {
        let mut open = [Next::Element; DEPTH];
        let mut count = 0;
        let mut next = Next::Value;
        loop {
            self.space();
            let octet = self.peek()?;
            if next == Next::Key && !matches!(octet, b'/' | b'>') {
                return None;
            }
            match octet {
                b'/' => {
                    self.name()?;
                    if next == Next::Key {
                        next = Next::Value;
                        continue;
                    }
                }
                b'0'..=b'9' => self.number(next == Next::Element, found)?,
                b'(' => {
                    let rest = self.data.get(self.position + 1..)?;
                    let end = memchr::memchr3(b'(', b')', b'\\', rest)?;
                    self.position += end + 2;
                    (rest.get(end) == Some(&b')')).then_some(())?;
                }
                b'[' | b'<' if octet == b'[' || self.ahead() == Some(b'<') => {
                    let inner = if octet == b'[' { Next::Element } else { Next::Key };
                    self.position += if octet == b'[' { 1 } else { 2 };
                    // What stands inside is as deep as there are brackets open.
                    *open.get_mut(count).filter(|_| count < depth)? = inner;
                    count += 1;
                    next = inner;
                    continue;
                }
                b'<' => {
                    let rest = self.data.get(self.position + 1..)?;
                    let end = rest.iter().position(|octet| !octet.is_ascii_hexdigit())?;
                    self.position += end + 2;
                    (rest.get(end) == Some(&b'>')).then_some(())?;
                }
                b']' | b'>' => {
                    let closes = match octet {
                        b']' => next == Next::Element,
                        _ => next == Next::Key && self.ahead() == Some(b'>'),
                    };
                    closes.then_some(())?;
                    self.position += if octet == b']' { 1 } else { 2 };
                    count = count.checked_sub(1)?;
                    if count == 0 {
                        return Some(());
                    }
                }
                _ => match self.word()? {
                    b"null" | b"true" | b"false" => {}
                    other => is_real(other).then_some(())?,
                },
            }
            next = *open.get(count.checked_sub(1)?)?;
        }
    }

    fn name(&mut self) -> Option<()> {
        self.position += 1;
        let word = self.word()?;
        match word.len() {
            4 | 5 if word == b"Page" || word == b"Pages" => self.page = true,
            4 if word == b"Kids" => self.family = true,
            5 if word == b"Group" => return None,
            6 if word == b"Parent" => self.family = true,
            8 if word == b"Contents" => return None,
            9 if word == b"Resources" || word == b"PieceInfo" => return None,
            _ if word.contains(&b'#') => return None,
            _ => {}
        }
        Some(())
    }

    /// An unsigned number, or the reference that it begins; in an array all numbers that follow,
    /// so that none is read twice to see whether it begins a reference.
    fn number(&mut self, array: bool, found: &mut Vec<Reference>) -> Option<()> {
        let Some(mut number) = self.digits()? else {
            return is_real(self.word()?).then_some(());
        };
        loop {
            let after = self.position;
            self.space();
            if !self.peek()?.is_ascii_digit() {
                return Some(());
            }
            let Some(second) = self.digits()? else {
                self.position = after;
                return Some(());
            };
            let between = self.position;
            self.space();
            if self.peek()? == b'R' {
                (self.word()? == b"R").then_some(())?;
                found.push(Reference::new(u32::try_from(number).ok()?, u16::try_from(second).ok()?));
                return Some(());
            }
            if !array {
                // The parser's fault: no number stands where a key should.
                return None;
            }
            self.position = between;
            number = second;
        }
    }

    /// An unsigned number of few digits; `Some(None)`, and nothing taken, where a word goes on otherwise.
    fn digits(&mut self) -> Option<Option<u64>> {
        let start = self.position;
        let mut number = 0_u64;
        loop {
            match self.peek()? {
                digit @ b'0'..=b'9' => number = number * 10 + u64::from(digit - b'0'),
                octet if is_regular(octet) => {
                    self.position = start;
                    return Some(None);
                }
                _ => return Some(Some(number)),
            }
            self.position += 1;
            if self.position - start > MOST_DIGITS {
                return None;
            }
        }
    }
}

/// More digits are left to the parser.
const MOST_DIGITS: usize = 15;

/// A number with a sign or a fraction, as nearly all are written.
fn is_real(word: &[u8]) -> bool {
    let unsigned = word.strip_prefix(b"-").unwrap_or(word);
    let mut parts = unsigned.split(|octet| *octet == b'.');
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.next().is_some_and(digits) && parts.next().is_none_or(digits) && parts.next().is_none()
}

/// A dictionary or an array of fewer than `most` pieces, as the generator hits upon them.
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)] // for tests alone
pub(super) fn shuffled(state: &mut u64, pieces: &[&str], most: u64) -> String {
    let mut text = String::from(if *state & 1 == 0 { "<<" } else { "[" });
    let open = text.len();
    for _ in 0..*state % most {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        text.push_str(pieces[usize::try_from(*state >> 40).unwrap() % pieces.len()]);
    }
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    text.push_str(if open == 2 { ">> " } else { "] " });
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::pdf::lexer::Parser;
    use crate::pdf::object::Object;

    fn parsed(data: &[u8]) -> Option<(Vec<Reference>, usize)> {
        fn collect(object: &Object, found: &mut Vec<Reference>) {
            match object {
                Object::Reference(id) => found.push(*id),
                Object::Array(values) => values.iter().for_each(|value| collect(value, found)),
                Object::Dictionary(dictionary) => dictionary.iter().for_each(|(_, value)| collect(value, found)),
                _ => {}
            }
        }
        let mut parser = Parser::new(data, 0, false, &Limits::default());
        let object = parser.object().ok()?;
        let mut found = Vec::new();
        collect(&object, &mut found);
        Some((found, parser.position()))
    }

    fn skimmed(data: &[u8]) -> Option<(Vec<Reference>, usize)> {
        let mut found = Vec::new();
        let end = references(data, 256, &mut found)?;
        Some((found, end))
    }

    #[test]
    fn plain_objects_are_skimmed() {
        for text in [
            "<</A 1 0 R/B[2 0 R 3 5 R 7 8]/C(x\r\n)/D<0aF>/E<</F -1.5/G/H>>/I null/J true>> endobj",
            " [ 1 0 R\n2 0 R 12 ] ",
            "<</K[4 5 0 R 6]>>\n",
            "<<>> ",
        ] {
            assert!(skimmed(text.as_bytes()).is_some(), "{text}");
            assert_eq!(skimmed(text.as_bytes()), parsed(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_the_parser_must_look_at_is_left_to_it() {
        for text in [
            "1 0 R ",
            "(a) ",
            "<</A#42 1 0 R>> ",
            "<</A(\\))/B 1 0 R>> ",
            "<</A(()1 0 R)>> ",
            "<</A 1 0 R",
            "[1 0 R",
            "<</A 1 % 0 R\n0 R>> ",
            "<</Type/Pages/Kids[1 0 R]>> ",
            "<</Type/Page/Parent 1 0 R>> ",
            "<</Contents 1 0 R>> ",
            "[<</Group 1 0 R>>] ",
            "<</A 1 0 R/B>> ",
            "<</A 1 0 R]",
            "[1 0 R>> ",
            "[0R] ",
            "[1 70000 R] ",
            "[99999999999 0 R] ",
            "[--1] ",
            "[1.2.3] ",
            "[trues] ",
        ] {
            assert_eq!(skimmed(text.as_bytes()), None, "{text}");
        }
        let deep = "[".repeat(DEPTH + 2) + &"]".repeat(DEPTH + 2);
        assert_eq!(skimmed(deep.as_bytes()), None);
    }

    /// Pieces in every order that a generator hits upon: never another reading than the parser's.
    #[test]
    fn whatever_is_skimmed_the_parser_reads_the_same() {
        const PIECES: [&str; 34] = [
            "<<", ">>", "[", "]", "/A", "/B ", "1 0 R", " 2 ", "0", " R ", "R", "+3", "-4", ".5", "6.", "7.8", "(s)",
            "(", ")", "\\", "<a1>", "<", ">", "%c\n", "\r", "\0", "null", "true ", "#41", "/Kids", "65536", "9 9 9 R",
            "{", " ",
        ];
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut skims = 0;
        for _ in 0..200_000 {
            let text = shuffled(&mut state, &PIECES, 9);
            let skim = skimmed(text.as_bytes());
            if skim.is_some() {
                skims += 1;
                assert_eq!(skim, parsed(text.as_bytes()), "{text:?}");
            }
        }
        assert!(skims > 5_000, "{skims}");
    }
}
