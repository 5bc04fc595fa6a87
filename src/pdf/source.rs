//! Where a document's octets come from: positioned reads.

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

pub use crate::source::Source;

/// Reads exactly `length` octets at `offset` into memory.
pub(super) fn read_exact(source: &dyn Source, offset: u64, length: usize) -> Result<Vec<u8>, Error> {
    let ended = || Malformed::new(Format::Pdf, "file", format!("{length} octets")).at(offset);
    if offset.checked_add(length as u64).is_none_or(|end| end > source.len()) {
        return Err(ended().into());
    }
    let mut buffer = vec![0; length];
    let mut done = 0;
    while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match source.read_at(offset + done as u64, rest)? {
            0 => return Err(ended().into()),
            count => done += count,
        }
    }
    Ok(buffer)
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
        while self.peek()?.is_some_and(super::lexer::is_space) {
            self.skip(1);
        }
        Ok(self.offset() - from)
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
