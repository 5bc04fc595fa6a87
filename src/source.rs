//! Where a document's octets come from: positioned reads.

use std::sync::Arc;

use crate::error::Error;

/// Octets that can be read at any position: a slice, or a file read in place.
///
/// A source must not change while a document reads it: what was digested and
/// what is shown would differ.
pub trait Source: Send {
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

impl<S: Source + Sync + ?Sized> Source for &S {
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
    fn reads_stop_at_the_end_and_not_before() {
        let data: Vec<u8> = (0..=255).collect();
        let mut buffer = [0; 16];
        assert_eq!(data.read_at(250, &mut buffer).unwrap(), 6);
        assert_eq!(data.read_at(u64::MAX, &mut buffer).unwrap(), 0);
    }
}
