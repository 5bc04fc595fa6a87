//! Octets kept aside until they have been read again.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::error::Error;
use crate::error::IoError;
use crate::files::output::open_new;
use crate::files::output::unguessable;
use crate::files::source;
use crate::source::Source;
use crate::source::Spool;

/// Octets that stay in memory; more go to a file.
const MEMORY: usize = 1 << 20;
/// Octets in memory beyond which they are handed to the operating system.
const BUFFER: usize = 256 << 10;

/// A [`Spool`] that keeps small contents in memory and large ones in a file of a folder,
/// under a name that nobody can guess, readable to its owner alone.
///
/// On Unix the file has no name any more once it is made, so that nothing stays behind whatever
/// happens; elsewhere it is removed with the spool.
#[derive(Debug)]
pub struct FileSpool {
    folder: PathBuf,
    /// The octets that the file has not yet.
    held: Vec<u8>,
    file: Option<Temporary>,
    /// Octets in the file.
    written: u64,
}

#[derive(Debug)]
struct Temporary {
    file: File,
    /// Where it has to be removed.
    path: Option<PathBuf>,
}

impl FileSpool {
    /// An empty spool; a file that it needs is made in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), held: Vec::new(), file: None, written: 0 }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(Temporary::new(&self.folder).map_err(|e| failed(&self.folder, e))?),
        };
        file.file.write_all(&self.held).map_err(|e| failed(&self.folder, e))?;
        self.written += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }
}

impl Temporary {
    fn new(folder: &Path) -> io::Result<Self> {
        let path = folder.join(unguessable().map_err(io::Error::other)?);
        let file = open_new(&path, true)?;
        #[cfg(unix)]
        if fs::remove_file(&path).is_ok() {
            return Ok(Self { file, path: None });
        }
        Ok(Self { file, path: Some(path) })
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // A drop has nobody to tell of a failure.
            let _ = fs::remove_file(path);
        }
    }
}

fn failed(folder: &Path, error: io::Error) -> Error {
    IoError::new("write", format!("a temporary file in {}", folder.display()), error).into()
}

impl Spool for FileSpool {
    fn clear(&mut self) -> Result<(), Error> {
        (self.held, self.file, self.written) = (Vec::new(), None, 0);
        Ok(())
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), Error> {
        self.held.extend_from_slice(octets);
        let most = if self.file.is_some() { BUFFER } else { MEMORY };
        if self.held.len() > most { self.flush() } else { Ok(()) }
    }

    fn source(&mut self) -> Result<&dyn Source, Error> {
        if self.file.is_some() {
            self.flush()?;
        }
        Ok(self)
    }
}

/// What was appended and has been [made readable](Spool::source).
impl Source for FileSpool {
    fn len(&self) -> u64 {
        if self.file.is_some() { self.written } else { self.held.len() as u64 }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let Some(file) = &self.file else { return self.held.as_slice().read_at(offset, buffer) };
        let left = usize::try_from(self.written.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        if buffer.is_empty() {
            return Ok(0);
        }
        let what = || format!("a temporary file in {}", self.folder.display());
        source::read(&file.file, offset, buffer).map_err(|error| IoError::new("read", what(), error).into())
    }

    fn octets(&self) -> Option<&[u8]> {
        self.file.is_none().then_some(self.held.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_comes_out_from_memory_and_from_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = FileSpool::new(folder.path());
        for size in [0, 1, MEMORY, MEMORY + 1, 3 * MEMORY + 7] {
            spool.clear().unwrap();
            let octets: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
            octets.chunks(70_001).for_each(|part| spool.put(part).unwrap());
            let source = spool.source().unwrap();
            assert_eq!(source.len(), size as u64);
            assert_eq!(source.octets().is_some(), size <= MEMORY);
            let mut back = Vec::new();
            crate::source::each_chunk(source, |part| {
                back.extend_from_slice(part);
                Ok(())
            })
            .unwrap();
            assert!(back == octets, "{size}");
            assert_eq!(source.read_at(size as u64, &mut [0; 4]).unwrap(), 0);
            #[cfg(unix)]
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no name is left");
        }
    }
}
