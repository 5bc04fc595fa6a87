//! Documents read in place.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::error::Error;
use crate::error::IoError;
use crate::source::Source;

/// A file as a [`Source`]: read at any position, never as a whole, so that
/// documents of any size take the same memory.
///
/// The length is that at the time of opening; what is appended later is not
/// seen. A file that is changed while it is read cannot be prevented:
/// [`check_unchanged`](Self::check_unchanged) finds it before anything is
/// relied upon.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    name: Box<str>,
    len: u64,
    modified: Option<SystemTime>,
}

impl FileSource {
    /// Opens a regular file.
    ///
    /// # Errors
    /// [`Error::Io`] where it cannot be opened, and for folders, pipes and
    /// devices, which have no positions to read at.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name: Box<str> = path.display().to_string().into_boxed_str();
        let failed = |error| Error::from(IoError::new("read", name.clone(), error));
        // Before it is opened: opening a pipe waits for whoever writes into it.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(failed(io::Error::other("not a regular file, which alone can be read in place")));
        }
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        Ok(Self { len: metadata.len(), modified: metadata.modified().ok(), file, name })
    }

    /// Whether the file still has the length and the time of modification that it was opened with.
    ///
    /// # Errors
    /// [`Error::Io`] where it has not.
    pub fn check_unchanged(&self) -> Result<(), Error> {
        let failed = |error| Error::from(IoError::new("read", self.name.clone(), error));
        let metadata = self.file.metadata().map_err(failed)?;
        if metadata.len() != self.len || metadata.modified().ok() != self.modified {
            return Err(failed(io::Error::other("it was changed while it was being read")));
        }
        Ok(())
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let left = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let buffer = buffer.get_mut(..wanted).unwrap_or_default();
        // Past the end there may be positions that the system does not take.
        if buffer.is_empty() {
            return Ok(0);
        }
        read(&self.file, offset, buffer).map_err(|error| IoError::new("read", self.name.clone(), error).into())
    }
}

/// Reads at a position, again where a signal came between.
pub(super) fn read(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match positioned(file, offset, buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            outcome => return outcome,
        }
    }
}

#[cfg(unix)]
fn positioned(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

/// Moves the file's own position too, which nobody here looks at.
#[cfg(windows)]
fn positioned(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(not(any(unix, windows)))]
fn positioned(_: &File, _: u64, _: &mut [u8]) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
