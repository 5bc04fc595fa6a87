//! The tokens of content streams and of CMaps (ISO 32000-2 §7.8.2), read as leniently as viewers do.

use std::borrow::Cow;

use crate::error::LimitExceeded;
use crate::limits::Budget;
use crate::limits::Limits;
use crate::pdf::lexer::Parser;
use crate::pdf::lexer::is_regular;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Object;

/// Operands before one operator that are kept: a row of a CMap section has up to 300.
const MOST_OPERANDS: usize = 512;
/// Objects that may be broken before the rest is left unread: each may have been looked for far ahead.
const MOST_FAULTS: u32 = 256;
/// Octets for which a token costs one unit of the budget more.
const UNIT: usize = 256;

/// Reads operators with their operands, going on behind what cannot be read:
/// a page is shown by readers that do so. What is read is paid for with a budget.
#[derive(Debug)]
pub(super) struct Tokens<'d> {
    data: &'d [u8],
    position: usize,
    operands: Vec<Operand<'d>>,
    faults: u32,
    budget: &'d Budget,
}

/// An operand as it stands in the stream; it is read when it is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand<'d>(&'d [u8]);

impl<'d> Tokens<'d> {
    pub(super) const fn new(data: &'d [u8], budget: &'d Budget) -> Self {
        Self { data, position: 0, operands: Vec::new(), faults: 0, budget }
    }

    /// What stands before the operator that was read last.
    pub(super) fn operands(&self) -> &[Operand<'d>] {
        &self.operands
    }

    /// The next operator.
    ///
    /// # Errors
    /// Where the budget is spent.
    pub(super) fn next(&mut self) -> Result<Option<&'d [u8]>, LimitExceeded> {
        self.operands.clear();
        loop {
            let before = self.position;
            let token = self.token();
            let octets = self.position - before;
            self.budget.spend_many(1 + (octets / UNIT) as u64)?;
            match token {
                Token::End => return Ok(None),
                Token::Operator(word) => {
                    if word == b"ID" {
                        self.skip_image();
                    }
                    return Ok(Some(word));
                }
                Token::Operand(operand) if self.operands.len() < MOST_OPERANDS => self.operands.push(operand),
                Token::Operand(_) | Token::Nothing => {}
            }
        }
    }

    fn token(&mut self) -> Token<'d> {
        self.skip_space();
        let rest = self.data.get(self.position..).unwrap_or_default();
        let Some(first) = rest.first() else { return Token::End };
        let length = match first {
            b'(' | b'<' | b'[' => extent(rest),
            b'/' => Some(1 + regular(rest.get(1..).unwrap_or_default())),
            _ => Some(regular(rest)).filter(|length| *length > 0),
        };
        let Some(token) = length.and_then(|length| rest.get(..length)) else {
            // A bracket without its partner, or one that nothing opened.
            self.position += 1;
            if matches!(first, b'(' | b'<' | b'[') {
                self.faults += 1;
                if self.faults > MOST_FAULTS {
                    self.position = self.data.len();
                }
            }
            return Token::Nothing;
        };
        self.position += token.len();
        let operand = matches!(first, b'(' | b'<' | b'[' | b'/' | b'+' | b'-' | b'.' | b'0'..=b'9')
            || matches!(token, b"true" | b"false" | b"null");
        if operand { Token::Operand(Operand(token)) } else { Token::Operator(token) }
    }

    fn skip_space(&mut self) {
        while let Some(octet) = self.data.get(self.position) {
            if *octet == b'%' {
                let rest = self.data.get(self.position..).unwrap_or_default();
                self.position += comment(rest);
            } else if is_space(*octet) {
                self.position += 1;
            } else {
                break;
            }
        }
    }

    /// The data of an inline image, up to an `EI` that more operators follow (§8.9.7).
    fn skip_image(&mut self) {
        let start = self.position + 1;
        let rest = self.data.get(start..).unwrap_or_default();
        for at in memchr::memmem::find_iter(rest, b"EI") {
            let before = at.checked_sub(1).and_then(|before| rest.get(before));
            let after = rest.get(at + 2..).unwrap_or_default();
            let apart = before.is_none_or(|octet| is_space(*octet)) && after.first().is_none_or(|o| is_space(*o));
            let text = after.iter().take(16).all(|octet| matches!(octet, 9 | 10 | 12 | 13 | 32..=126));
            if apart && text {
                self.position = start + at + 2;
                return;
            }
        }
        self.position = self.data.len();
    }
}

enum Token<'d> {
    Operator(&'d [u8]),
    Operand(Operand<'d>),
    Nothing,
    End,
}

impl<'d> Operand<'d> {
    /// A number as readers take it: `--5` and `0.-5` are met with.
    pub(super) fn number(self) -> Option<f64> {
        let Self(token) = self;
        if !matches!(token.first()?, b'+' | b'-' | b'.' | b'0'..=b'9') {
            return None;
        }
        let digits = token.iter().position(|octet| !matches!(octet, b'+' | b'-')).unwrap_or(token.len());
        let digits = token.get(digits..)?;
        let length = digits.iter().take_while(|octet| octet.is_ascii_digit() || **octet == b'.').count();
        let text = digits.get(..length).and_then(|digits| std::str::from_utf8(digits).ok())?;
        let value: f64 = text.parse().unwrap_or(0.0);
        Some(if token.first() == Some(&b'-') { -value } else { value })
    }

    /// Octets that it takes in the stream.
    #[cfg(feature = "preview")]
    pub(super) const fn octets(self) -> usize {
        self.0.len()
    }

    /// The octets of a name.
    pub(super) fn name(self) -> Option<Cow<'d, [u8]>> {
        let name = self.0.strip_prefix(b"/")?;
        if !name.contains(&b'#') {
            return Some(Cow::Borrowed(name));
        }
        match self.object(&Limits::default()) {
            Object::Name(name) => Some(Cow::Owned(name.octets().to_vec())),
            _ => Some(Cow::Borrowed(name)),
        }
    }

    /// The object; null where it cannot be read.
    pub(super) fn object(self, limits: &Limits) -> Object {
        match self.number() {
            Some(number) => crate::pdf::font::number(number),
            None => Parser::new(self.0, 0, true, limits).object().unwrap_or(Object::Null),
        }
    }

    /// Whether it is a string, or an array of them, with more in it than spaces and leaders.
    pub(super) fn has_text(self) -> bool {
        let Self(token) = self;
        match token {
            [b'<', b'<', ..] => false,
            [b'<', ..] => token.len() > 2,
            [b'(', ..] => token.iter().any(|octet| !matches!(octet, b'(' | b')' | b' ' | b'_' | b'.')),
            [b'[', inner @ ..] => {
                let mut rest = inner;
                while let Some(at) = rest.iter().position(|octet| matches!(octet, b'(' | b'<')) {
                    let string = rest.get(at..).unwrap_or_default();
                    let length = extent(string).unwrap_or(string.len());
                    if string.get(..length).is_some_and(|string| Self(string).has_text()) {
                        return true;
                    }
                    rest = string.get(length..).unwrap_or_default();
                }
                false
            }
            _ => false,
        }
    }
}

/// Octets of a number, a word or a name.
fn regular(rest: &[u8]) -> usize {
    rest.iter().position(|octet| !is_regular(*octet)).unwrap_or(rest.len())
}

fn comment(rest: &[u8]) -> usize {
    memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len())
}

/// Octets of the string, array or dictionary at the start, where it has an end.
fn extent(rest: &[u8]) -> Option<usize> {
    let (mut at, mut open) = (0, 0_usize);
    loop {
        let here = rest.get(at..)?;
        at += match here {
            [b'(', ..] => literal(here)?,
            [b'<', b'<', ..] => {
                open += 1;
                2
            }
            [b'<', ..] => memchr::memchr(b'>', here)? + 1,
            [b'[', ..] => {
                open += 1;
                1
            }
            [b'>', b'>', ..] => {
                open = open.saturating_sub(1);
                2
            }
            [b']', ..] => {
                open = open.saturating_sub(1);
                1
            }
            [b'%', ..] => comment(here),
            [] => return None,
            _ => regular(here).max(1),
        };
        if open == 0 {
            return Some(at);
        }
    }
}

/// Octets of a literal string with its parentheses (§7.3.4.2).
fn literal(rest: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        at += memchr::memchr3(b'(', b')', b'\\', rest.get(at..)?)?;
        match rest.get(at)? {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => at += 1,
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operators(data: &[u8]) -> Vec<(String, usize)> {
        let budget = Budget::new("tokens", 1000);
        let mut tokens = Tokens::new(data, &budget);
        let mut found = Vec::new();
        while let Some(operator) = tokens.next().unwrap() {
            found.push((String::from_utf8_lossy(operator).into_owned(), tokens.operands().len()));
        }
        found
    }

    #[test]
    fn operators_take_what_stands_before_them() {
        let expected = [("BT", 0), ("Tf", 2), ("Td", 2), ("TJ", 1), ("'", 1), ("ET", 0)];
        let content = b"BT /F1 12 Tf 1 0 Td[(a\\)b)-20<41>]TJ (x)' ET % end";
        assert_eq!(operators(content), expected.map(|(o, n)| (o.to_owned(), n)));
    }

    #[test]
    fn inline_images_are_stepped_over() {
        let content = b"q BI /W 1 /H 1 ID \x00EI\xff(EI (EI \x01\nEI Q BT";
        let names: Vec<_> = operators(content).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["q", "BI", "ID", "Q", "BT"]);
    }

    #[test]
    fn what_cannot_be_read_is_passed() {
        let names: Vec<_> = operators(b"q >> ) } [ (a Q").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names.first().map(String::as_str), Some("q"));
        let names: Vec<_> = operators(b"q ]] >> [(a] (b) Q").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["q", "a", "Q"]);
        let budget = Budget::new("tokens", 10);
        let mut tokens = Tokens::new(b"--5 0.-5 1e3 .5 5. w", &budget);
        tokens.next().unwrap();
        let values: Vec<_> = tokens.operands().iter().filter_map(|operand| operand.number()).collect();
        assert_eq!(values, [-5.0, 0.0, 1.0, 0.5, 5.0]);
    }

    #[test]
    fn operands_are_read_when_they_are_asked_for() {
        let budget = Budget::new("tokens", 100);
        let mut tokens = Tokens::new(b"/A#20b (x\\051) [(..) -20 <>] [[(_) (a)]] << /K [(])] >> true op", &budget);
        assert_eq!(tokens.next().unwrap(), Some(&b"op"[..]));
        let [name, string, leaders, nested, dictionary, yes] = *tokens.operands() else { panic!("{tokens:?}") };
        assert_eq!(name.name().as_deref(), Some(&b"A b"[..]));
        let limits = Limits::default();
        assert_eq!(string.object(&limits).as_string(), Some(&b"x)"[..]));
        assert_eq!([string, leaders, nested, name].map(Operand::has_text), [true, false, true, false]);
        assert_eq!(dictionary.object(&limits).as_dictionary().map(|d| d.len()), Some(1));
        assert_eq!(yes.object(&limits), Object::Boolean(true));
    }

    #[test]
    fn reading_has_its_price() {
        let long = ["(".to_owned() + &"x".repeat(10_000) + ") Tj", " ".repeat(10_000), "1 ".repeat(100)];
        for content in long {
            let budget = Budget::new("tokens", 30);
            assert!(Tokens::new(content.as_bytes(), &budget).next().is_err(), "{} octets", content.len());
        }
    }
}
