//! Where a document's octets come from: positioned reads.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::error::IoError;

/// Octets that can be read at any position: a slice, or a file read in place.
///
/// A source must not change while a document reads it: what was digested and
/// what is shown would differ. Several threads may read it at a time, where that is asked for.
pub trait Source: Send + Sync {
    /// Number of octets.
    fn len(&self) -> u64;

    /// Reads at `offset` into `buffer`; fewer octets than asked only at the end.
    ///
    /// # Errors
    /// What the underlying file reports.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error>;

    /// All octets at once, where they are in memory anyway.
    fn octets(&self) -> Option<&[u8]> {
        None
    }

    /// Whether there are no octets.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A place for octets that arrive one after the other and are read at any position afterwards: a `Vec<u8>`, or
/// a [`FileSpool`](crate::files::FileSpool), which takes no memory for large ones.
pub trait Spool {
    /// Throws away what is there.
    ///
    /// # Errors
    /// What the underlying file reports.
    fn clear(&mut self) -> Result<(), Error>;

    /// Appends octets.
    ///
    /// # Errors
    /// What the underlying file reports.
    fn put(&mut self, octets: &[u8]) -> Result<(), Error>;

    /// All that was appended.
    ///
    /// # Errors
    /// What the underlying file reports.
    fn source(&mut self) -> Result<&dyn Source, Error>;
}

impl Spool for Vec<u8> {
    fn clear(&mut self) -> Result<(), Error> {
        // Not only emptied: after a large attachment a small one needs no large place.
        *self = Self::new();
        Ok(())
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.extend_from_slice(octets);
        Ok(())
    }

    fn source(&mut self) -> Result<&dyn Source, Error> {
        Ok(self)
    }
}

/// Octets that are read at a time.
const CHUNK: usize = 256 << 10;

/// Hands out all octets in order, borrowed where they are in memory.
pub(crate) fn each_chunk(source: &dyn Source, mut each: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    if let Some(octets) = source.octets() {
        return octets.chunks(CHUNK).try_for_each(each);
    }
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    while offset < source.len() {
        let wanted = usize::try_from(source.len() - offset).unwrap_or(CHUNK).min(CHUNK);
        let count = source.read_at(offset, buffer.get_mut(..wanted).unwrap_or_default())?;
        if count == 0 {
            let what = format!("the document, of whose {} octets {offset} are there", source.len());
            return Err(IoError::new("read", what, std::io::ErrorKind::UnexpectedEof.into()).into());
        }
        each(buffer.get(..count).unwrap_or_default())?;
        offset += count as u64;
    }
    Ok(())
}

/// A source and what follows it: a document with an update that is not written yet.
#[derive(Clone, Copy)]
pub struct Followed<'s> {
    base: &'s dyn Source,
    tail: &'s [u8],
}

impl<'s> Followed<'s> {
    /// `base`, then `tail`.
    #[must_use]
    pub const fn new(base: &'s dyn Source, tail: &'s [u8]) -> Self {
        Self { base, tail }
    }
}

impl fmt::Debug for Followed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Followed").field("base", &self.base.len()).field("tail", &self.tail.len()).finish()
    }
}

impl Source for Followed<'_> {
    fn len(&self) -> u64 {
        self.base.len().saturating_add(self.tail.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let (mut offset, mut filled) = (offset, 0);
        while offset < self.base.len() && filled < buffer.len() {
            // A base that grew under our hands must not hide the tail.
            let left = usize::try_from(self.base.len() - offset).unwrap_or(usize::MAX).min(buffer.len() - filled);
            let part = buffer.get_mut(filled..).and_then(|rest| rest.get_mut(..left)).unwrap_or_default();
            let count = self.base.read_at(offset, part)?;
            if count == 0 {
                return Ok(filled);
            }
            filled += count;
            offset = offset.saturating_add(count as u64);
        }
        let rest = buffer.get_mut(filled..).unwrap_or_default();
        match offset.checked_sub(self.base.len()) {
            Some(offset) => Ok(filled + self.tail.read_at(offset, rest)?),
            None => Ok(filled),
        }
    }

    fn octets(&self) -> Option<&[u8]> {
        // Where nothing follows, the base may be in memory as one.
        if self.tail.is_empty() { self.base.octets() } else { None }
    }
}

impl Source for [u8] {
    fn len(&self) -> u64 {
        self.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn octets(&self) -> Option<&[u8]> {
        Some(self)
    }
}

macro_rules! source_by_slice {
    ($($ty:ty),*) => {$(
        impl Source for $ty {
            fn len(&self) -> u64 {
                Source::len(self.as_slice_of_octets())
            }

            fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
                self.as_slice_of_octets().read_at(offset, buffer)
            }

            fn octets(&self) -> Option<&[u8]> {
                Some(self.as_slice_of_octets())
            }
        }
    )*};
}

source_by_slice!(Vec<u8>, Arc<Vec<u8>>, Arc<[u8]>, Box<[u8]>);

impl<S: Source + ?Sized> Source for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        (**self).read_at(offset, buffer)
    }

    fn octets(&self) -> Option<&[u8]> {
        (**self).octets()
    }
}

trait AsOctets {
    fn as_slice_of_octets(&self) -> &[u8];
}

impl<T: AsRef<[u8]>> AsOctets for T {
    fn as_slice_of_octets(&self) -> &[u8] {
        self.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_source_is_read_behind_it() {
        let base: Vec<u8> = (0..10).collect();
        let followed = Followed::new(&base, &[10, 11, 12]);
        let mut buffer = [0; 6];
        assert_eq!((followed.len(), followed.read_at(7, &mut buffer).unwrap()), (13, 6));
        assert_eq!(buffer, [7, 8, 9, 10, 11, 12]);
        assert_eq!(followed.read_at(11, &mut buffer).unwrap(), 2);
        assert_eq!(&buffer[..2], [11, 12]);
        assert_eq!(followed.read_at(13, &mut buffer).unwrap(), 0);
    }

    #[test]
    fn reads_stop_at_the_end_and_not_before() {
        let data: Vec<u8> = (0..=255).collect();
        let mut buffer = [0; 16];
        assert_eq!(data.read_at(250, &mut buffer).unwrap(), 6);
        assert_eq!(data.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    }
}
