//! The tokens of content streams and of CMaps (ISO 32000-2 §7.8.2).

use crate::limits::Limits;
use crate::pdf::lexer::Parser;
use crate::pdf::lexer::is_regular;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Object;

/// Operands before one operator that are kept: a row of a CMap section has up to 300.
const MOST_OPERANDS: usize = 512;
/// Objects that may be broken before the rest is left unread: each may have been looked for far ahead.
const MOST_FAULTS: u32 = 256;

/// Reads operators with their operands, going on behind what cannot be read:
/// a page is shown by readers that do so.
pub(super) struct Tokens<'d> {
    data: &'d [u8],
    position: usize,
    limits: &'d Limits,
    operands: Vec<Object>,
    faults: u32,
}

impl<'d> Tokens<'d> {
    pub(super) const fn new(data: &'d [u8], limits: &'d Limits) -> Self {
        Self { data, position: 0, limits, operands: Vec::new(), faults: 0 }
    }

    /// The next operator and what stands before it.
    pub(super) fn next(&mut self) -> Option<(&'d [u8], Vec<Object>)> {
        loop {
            self.skip_space();
            let rest = self.data.get(self.position..).filter(|rest| !rest.is_empty())?;
            let first = *rest.first()?;
            let operand = match first {
                b'+' | b'-' | b'.' | b'0'..=b'9' => Some(self.number(rest)),
                b'(' | b'<' | b'[' | b'/' => {
                    let mut parser = Parser::new(rest, 0, true, self.limits);
                    match parser.object() {
                        Ok(object) => {
                            self.position += parser.position().max(1);
                            Some(object)
                        }
                        Err(_) => {
                            self.position += 1;
                            self.faults += 1;
                            if self.faults > MOST_FAULTS {
                                return None;
                            }
                            continue;
                        }
                    }
                }
                _ => None,
            };
            if let Some(operand) = operand {
                if self.operands.len() < MOST_OPERANDS {
                    self.operands.push(operand);
                }
                continue;
            }
            let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
            let word = rest.get(..length.max(1)).unwrap_or_default();
            self.position += word.len();
            match word {
                b"true" => self.operands.push(Object::Boolean(true)),
                b"false" => self.operands.push(Object::Boolean(false)),
                b"null" => self.operands.push(Object::Null),
                _ if length == 0 => {}
                _ => {
                    let operands = std::mem::take(&mut self.operands);
                    if word == b"ID" {
                        self.skip_image();
                    }
                    return Some((word, operands));
                }
            }
        }
    }

    fn skip_space(&mut self) {
        while let Some(octet) = self.data.get(self.position) {
            if *octet == b'%' {
                let rest = self.data.get(self.position..).unwrap_or_default();
                self.position += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            } else if is_space(*octet) {
                self.position += 1;
            } else {
                break;
            }
        }
    }

    /// A number as readers take it: `--5` and `0.-5` are met with.
    fn number(&mut self, rest: &[u8]) -> Object {
        let length = rest.iter().take_while(|octet| is_regular(**octet)).count();
        self.position += length;
        let token = rest.get(..length).unwrap_or_default();
        let negative = token.first() == Some(&b'-');
        let text: String = token
            .iter()
            .skip_while(|octet| matches!(octet, b'+' | b'-'))
            .take_while(|octet| octet.is_ascii_digit() || **octet == b'.')
            .map(|octet| char::from(*octet))
            .collect();
        let value: f64 = text.parse().unwrap_or(0.0);
        crate::pdf::font::number(if negative { -value } else { value })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn operators(data: &[u8]) -> Vec<(String, usize)> {
        let limits = Limits::default();
        let mut tokens = Tokens::new(data, &limits);
        let mut found = Vec::new();
        while let Some((operator, operands)) = tokens.next() {
            found.push((String::from_utf8_lossy(operator).into_owned(), operands.len()));
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
        let limits = Limits::default();
        let mut tokens = Tokens::new(b"--5 0.-5 1e3 .5 5. w", &limits);
        let (_, operands) = tokens.next().unwrap();
        let values: Vec<_> = operands.iter().filter_map(Object::as_number).collect();
        assert_eq!(values, [-5.0, 0.0, 1.0, 0.5, 5.0]);
    }
}
