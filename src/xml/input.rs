//! Positioned reads as a stream that knows its offset and its line.

use std::io;
use std::io::BufRead;
use std::io::Read;

use crate::error::Error;
use crate::error::LimitExceeded;
use crate::source::Source;

/// Octets read at a time.
const WINDOW: usize = 64 << 10;

pub(super) struct Input<'s> {
    source: &'s dyn Source,
    offset: u64,
    line: u64,
    window: Vec<u8>,
    used: usize,
    allowed: u64,
    left: u64,
    error: Option<Error>,
}

impl<'s> Input<'s> {
    /// A stream over `source`, of which `allowed` octets may be read other than by [`skip_until`](Self::skip_until).
    pub(super) const fn new(source: &'s dyn Source, allowed: u64) -> Self {
        Self { source, offset: 0, line: 1, window: Vec::new(), used: 0, allowed, left: allowed, error: None }
    }

    pub(super) const fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The error behind an [`io::Error`] that this stream gave.
    pub(super) fn take_error(&mut self) -> Option<Error> {
        self.error.take()
    }

    /// The next octets, at least `wanted` unless the source ends.
    pub(super) fn peek(&mut self, wanted: usize) -> Result<&[u8], Error> {
        let source = self.source;
        if let Some(octets) = source.octets() {
            let from = usize::try_from(self.offset).unwrap_or(usize::MAX);
            let rest = octets.get(from..).unwrap_or_default();
            return Ok(rest.get(..rest.len().min(WINDOW.max(wanted))).unwrap_or_default());
        }
        if self.window.len().saturating_sub(self.used) < wanted.max(1) {
            self.window.drain(..self.used);
            self.used = 0;
            let mut filled = self.window.len();
            // A status message fits into the first read.
            self.window.resize(if self.offset == 0 { 4 << 10 } else { WINDOW }.max(wanted).max(filled), 0);
            while let Some(rest) = self.window.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match source.read_at(self.offset + filled as u64, rest)? {
                    0 => break,
                    count => filled += count,
                }
            }
            self.window.truncate(filled);
        }
        Ok(self.window.get(self.used..).unwrap_or_default())
    }

    /// Skips over octets that are not counted against the allowance, up to `needle`
    /// or the end, and says whether one of them was `watch`.
    pub(super) fn skip_until(&mut self, needle: &[u8], watch: u8) -> Result<bool, Error> {
        let mut seen = false;
        loop {
            let octets = self.peek(needle.len())?;
            let found = memchr::memmem::find(octets, needle);
            let count = match found {
                Some(at) => at,
                None if octets.len() < needle.len() => octets.len(),
                None => octets.len() - (needle.len() - 1),
            };
            let skipped = octets.get(..count).unwrap_or_default();
            let lines = newlines(skipped);
            seen = seen || memchr::memchr(watch, skipped).is_some();
            let ended = found.is_some() || octets.len() < needle.len();
            self.advance(count, lines);
            if ended {
                return Ok(seen);
            }
        }
    }

    /// Skips over `count` octets that were peeked at and hold no line end.
    pub(super) fn skip(&mut self, count: usize) {
        self.advance(count, 0);
    }

    fn advance(&mut self, count: usize, lines: u64) {
        self.offset += count as u64;
        self.line += lines;
        if self.source.octets().is_none() {
            self.used += count;
        }
    }
}

fn newlines(octets: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', octets).count() as u64
}

impl BufRead for Input<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let ended = match self.peek(1) {
            Ok(octets) => octets.is_empty(),
            Err(e) => {
                self.error = Some(e);
                return Err(io::ErrorKind::Other.into());
            }
        };
        if left == 0 && !ended {
            self.error = Some(LimitExceeded::new("xml_octets", self.allowed).into());
            return Err(io::ErrorKind::Other.into());
        }
        let octets = self.peek(1).unwrap_or_default();
        Ok(octets.get(..octets.len().min(left)).unwrap_or(octets))
    }

    fn consume(&mut self, count: usize) {
        let lines = newlines(self.peek(1).unwrap_or_default().get(..count).unwrap_or_default());
        self.advance(count, lines);
        self.left = self.left.saturating_sub(count as u64);
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let octets = self.fill_buf()?;
        let count = octets.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), octets.get(..count)) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}
