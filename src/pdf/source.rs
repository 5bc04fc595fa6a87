//! Where a document's octets come from: positioned reads.

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

pub use crate::source::Source;

/// Reads exactly `length` octets at `offset` into memory.
pub(super) fn read_exact(source: &dyn Source, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
    let mut buffer = Vec::new();
    read_into(source, offset, length, &mut buffer)?;
    Ok(buffer)
}

/// The same into memory that is at hand; `buffer` then holds exactly these octets.
pub(super) fn read_into(source: &dyn Source, offset: u64, length: usize, buffer: &mut Vec<u8>) -> Result<(), Error> {
    let ended = || Malformed::new(Format::Pdf, "file", format!("{length} octets")).at(offset);
    if offset.checked_add(length as u64).is_none_or(|end| end > source.len()) {
        return Err(ended().into());
    }
    // A new one comes zeroed from the system.
    if buffer.capacity() < length {
        *buffer = vec![0; length];
    }
    buffer.resize(length, 0);
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match source.read_at(offset + done as u64, rest)? {
            0 => return Err(ended().into()),
            count => done += count,
        }
    }
    Ok(())
}

/// The block of the source that was read last: objects stand together that are read together.
pub(super) struct Window {
    start: u64,
    octets: Vec<u8>,
    block: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self::of(4 << 10)
    }
}

impl Window {
    /// One that reads two blocks of `block` octets at least.
    pub(super) const fn of(block: u64) -> Self {
        Self { start: 0, octets: Vec::new(), block }
    }

    /// The octets at `offset`, at least `wanted` of them, which must be there.
    pub(super) fn ahead(&mut self, source: &dyn Source, offset: u64, wanted: usize) -> Result<&[u8], Error> {
        if self.held(offset).and_then(|held| held.get(..wanted)).is_none() {
            // From a multiple of the block's size, since what is read next may stand before.
            let start = offset - offset % self.block;
            let end = offset.saturating_add(wanted as u64).max(start.saturating_add(2 * self.block)).min(source.len());
            let length = usize::try_from(end.saturating_sub(start)).unwrap_or(usize::MAX);
            let filled = read_into(source, start, length, &mut self.octets);
            self.start = start;
            if filled.is_err() {
                self.octets.clear();
            }
            filled?;
        }
        let held = self.held(offset).filter(|held| held.get(..wanted).is_some());
        held.ok_or_else(|| Malformed::new(Format::Pdf, "file", format!("{wanted} octets")).at(offset).into())
    }

    fn held(&self, offset: u64) -> Option<&[u8]> {
        self.octets.get(usize::try_from(offset.checked_sub(self.start)?).ok()?..)
    }
}

/// A forward reader with a window, for what is read once and may be long.
pub(super) struct Cursor<'s> {
    source: &'s dyn Source,
    window: Vec<u8>,
    start: u64,
    index: usize,
}

impl<'s> Cursor<'s> {
    const WINDOW: usize = 64 << 10;

    pub(super) const fn new(source: &'s dyn Source, offset: u64) -> Self {
        Self { source, window: Vec::new(), start: offset, index: 0 }
    }

    pub(super) const fn offset(&self) -> u64 {
        self.start + self.index as u64
    }

    /// The octets at hand, at least `wanted` of them unless the source ends.
    pub(super) fn ahead(&mut self, wanted: usize) -> Result<&[u8], Error> {
        if self.window.len().saturating_sub(self.index) < wanted {
            let start = self.offset();
            let left = usize::try_from(self.source.len().saturating_sub(start)).unwrap_or(usize::MAX);
            // The first window is small: most things that are read once are short.
            let size = if self.window.is_empty() { 2 << 10 } else { Self::WINDOW };
            self.window = read_exact(self.source, start, left.min(wanted.max(size)))?;
            self.start = start;
            self.index = 0;
        }
        Ok(self.window.get(self.index..).unwrap_or_default())
    }

    pub(super) fn peek(&mut self) -> Result<Option<u8>, Error> {
        Ok(self.ahead(1)?.first().copied())
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.index = self.index.saturating_add(count).min(self.window.len());
    }

    /// Skips white space (and no comment); returns how many octets that were.
    pub(super) fn skip_space(&mut self) -> Result<u64, Error> {
        let from = self.offset();
        loop {
            let here = self.ahead(1)?;
            let spaces = here.iter().take_while(|octet| super::lexer::is_space(**octet)).count();
            let more = spaces > 0 && spaces == here.len();
            self.skip(spaces);
            if !more {
                return Ok(self.offset() - from);
            }
        }
    }

    /// Takes `word` if it stands here.
    pub(super) fn take(&mut self, word: &[u8]) -> Result<bool, Error> {
        let here = self.ahead(word.len())?.starts_with(word);
        if here {
            self.skip(word.len());
        }
        Ok(here)
    }

    /// Takes an unsigned decimal number if one stands here.
    pub(super) fn take_number(&mut self) -> Result<Option<u64>, Error> {
        let digits = self.ahead(20)?.iter().take(20).take_while(|octet| octet.is_ascii_digit()).count();
        let text = self.ahead(digits)?.get(..digits).unwrap_or_default();
        let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        if number.is_some() {
            self.skip(digits);
        }
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_read_stays_inside() {
        let data: Vec<u8> = (0..=255).collect();
        assert_eq!(read_exact(&data, 254, 2).unwrap(), [254, 255]);
        assert!(read_exact(&data, 254, 3).is_err());
        assert!(read_exact(&data, u64::MAX, 3).is_err());
    }

    #[test]
    fn a_window_holds_what_is_asked_for_whatever_it_held() {
        let data: Vec<u8> = (0..100_000_u32).map(|at| (at / 7).to_le_bytes()[0]).collect();
        let mut window = Window::default();
        for (offset, wanted) in [(0, 1), (20_000, 9), (16_000, 20_000), (99_999, 1), (40_000, 60_000), (5, 5)] {
            let held = window.ahead(&data, offset as u64, wanted).unwrap();
            assert!(held.len() >= wanted && data[offset..].starts_with(held));
        }
        assert!(window.ahead(&data, 99_999, 2).is_err());
        assert!(window.ahead(&data, 200_000, 1).is_err());
        assert_eq!(window.ahead(&data, 3, 1).unwrap()[0], data[3]);
    }

    #[test]
    fn a_cursor_crosses_its_window() {
        let mut data = vec![b' '; Cursor::WINDOW * 2];
        data.extend_from_slice(b"123 end");
        let mut cursor = Cursor::new(&data, 0);
        assert_eq!(cursor.skip_space().unwrap(), (Cursor::WINDOW * 2) as u64);
        assert_eq!(cursor.take_number().unwrap(), Some(123));
        cursor.skip_space().unwrap();
        assert!(!cursor.take(b"endobj").unwrap());
        assert!(cursor.take(b"end").unwrap());
        assert_eq!(cursor.peek().unwrap(), None);
    }
}
