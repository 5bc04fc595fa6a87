//! Files that are read where they lie and written whole or not at all.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use kyso::Error;
use kyso::error::IoError;
use kyso::source::Source;

/// A file as a source: an attachment of any size takes the same memory.
pub(crate) struct FileSource {
    file: Mutex<File>,
    name: String,
    length: u64,
}

impl FileSource {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let name = path.display().to_string();
        let failed = |e| Error::from(IoError::new("read", name.clone(), e));
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(failed(io::Error::other("not a regular file, which alone can be read in place")));
        }
        Ok(Self { file: Mutex::new(file), name, length: metadata.len() })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // What was appended since is not seen.
        let most = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = buffer.get_mut(..most).unwrap_or_default();
        let mut read = || {
            file.seek(io::SeekFrom::Start(offset))?;
            let mut done = 0;
            while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
                match file.read(rest) {
                    Ok(0) => break,
                    Ok(count) => done += count,
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) => return Err(e),
                }
            }
            Ok(done)
        };
        read().map_err(|e| IoError::new("read", self.name.clone(), e).into())
    }
}

/// Writes a file under another name beside the target, and renames it when it is whole.
pub(crate) fn write(target: &Path, content: impl FnOnce(&mut dyn Write) -> Result<(), Error>) -> Result<(), Error> {
    let failed = |e| Error::from(IoError::new("write", target.display().to_string(), e));
    let mut part = target.as_os_str().to_owned();
    part.push(".part");
    let mut file = File::create_new(&part).map_err(failed)?;
    let done = content(&mut file)
        .and_then(|()| file.sync_all().map_err(failed))
        .and_then(|()| fs::rename(&part, target).map_err(failed));
    if done.is_err() {
        let _ = fs::remove_file(&part);
    }
    done
}
