//! CMaps: codes of a composite font, and the text that codes stand for (ISO 32000-2 §9.7.5, §9.10.3).

use std::sync::Arc;

use crate::limits::Budget;
use crate::limits::Limits;
use crate::pdf::object::Object;
use crate::pdf::tokens::Tokens;

/// Octets of a CMap that are read; the largest in use have some hundred thousand.
const LONGEST: usize = 8 << 20;
/// Entries of a CMap.
const MOST_ENTRIES: usize = 400_000;
/// UTF-16 units that one code may stand for.
const LONGEST_TEXT: usize = 64;

/// A CMap as far as text and widths need it.
#[derive(Debug, Default)]
pub(super) struct CMap {
    /// Octets of a code and its range, as the file gives them.
    spaces: Vec<(usize, u32, u32)>,
    texts: Vec<Range<Arc<str>>>,
    cids: Vec<Range<u32>>,
}

#[derive(Debug)]
struct Range<T> {
    first: u32,
    last: u32,
    /// What the first code means; later ones count on from it.
    target: T,
}

impl CMap {
    /// Reads what can be read of it.
    pub(super) fn parse(data: &[u8], limits: &Limits) -> Self {
        let mut map = Self::default();
        // What is read is bounded by its length.
        let budget = Budget::new("tokens of a CMap", u64::MAX);
        let mut tokens = Tokens::new(data.get(..data.len().min(LONGEST)).unwrap_or_default(), &budget);
        while let Ok(Some(operator)) = tokens.next() {
            let batch: Vec<Object> = match operator {
                [b'e', b'n', b'd', ..] => tokens.operands().iter().map(|operand| operand.object(limits)).collect(),
                _ => continue,
            };
            let full = map.texts.len() + map.cids.len() + map.spaces.len() > MOST_ENTRIES;
            match operator {
                _ if full => return map.sorted(),
                b"endcodespacerange" => batch.chunks_exact(2).for_each(|pair| map.space(pair)),
                b"endbfchar" => {
                    batch.chunks_exact(2).for_each(|pair| map.text(pair.first(), pair.first(), pair.last()))
                }
                b"endbfrange" => batch.chunks_exact(3).for_each(|row| map.text(row.first(), row.get(1), row.last())),
                b"endcidchar" => {
                    batch.chunks_exact(2).for_each(|pair| map.cid(pair.first(), pair.first(), pair.last()))
                }
                b"endcidrange" => batch.chunks_exact(3).for_each(|row| map.cid(row.first(), row.get(1), row.last())),
                _ => {}
            }
        }
        map.sorted()
    }

    fn sorted(mut self) -> Self {
        self.texts.sort_by_key(|range| range.first);
        self.cids.sort_by_key(|range| range.first);
        self
    }

    fn space(&mut self, pair: &[Object]) {
        let [Some(low), Some(high)] = [pair.first(), pair.last()].map(|end| end.and_then(Object::as_string)) else {
            return;
        };
        if low.len() == high.len() && (1..=4).contains(&low.len()) {
            self.spaces.push((low.len(), number(low), number(high)));
        }
    }

    fn text(&mut self, first: Option<&Object>, last: Option<&Object>, target: Option<&Object>) {
        let Some((first, last)) = ends(first, last) else { return };
        match target {
            Some(Object::String(text)) => {
                self.texts.extend(utf16(text.octets()).map(|target| Range { first, last, target }));
            }
            Some(Object::Array(each)) => {
                for (code, text) in (first..=last).zip(each) {
                    let text = text.as_string().and_then(utf16);
                    self.texts.extend(text.map(|target| Range { first: code, last: code, target }));
                }
            }
            _ => {}
        }
    }

    fn cid(&mut self, first: Option<&Object>, last: Option<&Object>, target: Option<&Object>) {
        let cid = target.and_then(Object::as_integer).and_then(|cid| u32::try_from(cid).ok());
        if let (Some((first, last)), Some(target)) = (ends(first, last), cid) {
            self.cids.push(Range { first, last, target });
        }
    }

    /// Takes the next code off a string: its value and its octets. Two octets where nothing is said.
    pub(super) fn code(&self, octets: &[u8]) -> (u32, usize) {
        for length in 1..=4 {
            let Some(head) = octets.get(..length) else { break };
            let code = number(head);
            if self.spaces.iter().any(|(octets, low, high)| *octets == length && within(code, *low, *high, length)) {
                return (code, length);
            }
        }
        let shortest = self.spaces.iter().map(|(length, ..)| *length).min().unwrap_or(2);
        let length = shortest.min(octets.len());
        (number(octets.get(..length).unwrap_or_default()), length.max(1))
    }

    /// The text of a code.
    pub(super) fn text_of(&self, code: u32) -> Option<Arc<str>> {
        let range = find(&self.texts, code)?;
        let by = code - range.first;
        if by == 0 {
            return Some(Arc::clone(&range.target));
        }
        // Only the last character counts on (§9.10.3).
        let mut text = range.target.to_string();
        let last = text.pop()?;
        text.push(char::from_u32(u32::from(last).checked_add(by)?)?);
        Some(text.into())
    }

    /// The CID of a code.
    pub(super) fn cid_of(&self, code: u32) -> Option<u32> {
        find(&self.cids, code).and_then(|range| range.target.checked_add(code - range.first))
    }
}

/// Each octet of a code lies in its own range (§9.7.6.2).
fn within(code: u32, low: u32, high: u32, length: usize) -> bool {
    let octets = |value: u32| value.to_be_bytes().into_iter().skip(4 - length.min(4));
    octets(code).zip(octets(low).zip(octets(high))).all(|(octet, (low, high))| (low..=high).contains(&octet))
}

fn find<T>(ranges: &[Range<T>], code: u32) -> Option<&Range<T>> {
    let index = ranges.partition_point(|range| range.first <= code).checked_sub(1)?;
    ranges.get(index).filter(|range| code <= range.last)
}

fn ends(first: Option<&Object>, last: Option<&Object>) -> Option<(u32, u32)> {
    let code = |object: Option<&Object>| object.and_then(Object::as_string).filter(|code| code.len() <= 4).map(number);
    let (first, last) = (code(first)?, code(last)?);
    (first <= last).then_some((first, last))
}

fn number(octets: &[u8]) -> u32 {
    octets.iter().fold(0, |value, octet| value << 8 | u32::from(*octet))
}

fn utf16(octets: &[u8]) -> Option<Arc<str>> {
    let units = octets.chunks(2).take(LONGEST_TEXT).map(|unit| match unit {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [only] => u16::from(*only),
        _ => 0,
    });
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    // What is mapped to nothing has no text; some writers say so with U+0000.
    (!text.is_empty() && !text.contains('\0')).then(|| text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_texts() {
        let data = b"1 begincodespacerange <00> <7F> <8140> <9FFC> endcodespacerange
            2 beginbfchar <01> <1EBF> <02> <0066 0069> endbfchar
            2 beginbfrange <10> <12> <0041> <8140> <8141> [<0061> <D83DDE00>] endbfrange
            1 begincidrange <8140> <817E> 633 endcidrange";
        let map = CMap::parse(data, &Limits::default());
        assert_eq!(map.code(b"\x01\x02"), (1, 1));
        assert_eq!(map.code(b"\x81\x41z"), (0x8141, 2));
        assert_eq!(map.code(b"\x81"), (0x81, 1));
        let text = |code| map.text_of(code).map(|text| text.to_string());
        assert_eq!(text(1).as_deref(), Some("ế"));
        assert_eq!(text(2).as_deref(), Some("fi"));
        assert_eq!(text(0x12).as_deref(), Some("C"));
        assert_eq!(text(0x13), None);
        assert_eq!(text(0x8141).as_deref(), Some("😀"));
        assert_eq!(map.cid_of(0x8142), Some(635));
    }

    #[test]
    fn long_sections_are_read_whole() {
        let mut data = String::from("100 beginbfrange\n");
        for code in 0..100 {
            data.push_str(&format!("<{code:04X}> <{code:04X}> <{:04X}>\n", 0x41 + code));
        }
        let map = CMap::parse(format!("{data}endbfrange").as_bytes(), &Limits::default());
        assert!((0..100).all(|code| map.text_of(code).is_some()));
    }

    #[test]
    fn ranges_that_lie_cost_nothing() {
        let data = b"1 beginbfrange <00000000> <FFFFFFFF> <D7FF> <05> <01> <0041> endbfrange";
        let map = CMap::parse(data, &Limits::default());
        assert_eq!(map.text_of(0).as_deref(), Some("\u{d7ff}"));
        assert_eq!(map.text_of(1), None);
        assert_eq!(map.text_of(u32::MAX), None);
    }
}
