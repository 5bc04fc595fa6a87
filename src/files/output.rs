//! Output that appears whole or not at all.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::crypto::hex;
use crate::error::Error;
use crate::error::IoError;
use crate::error::RefusalReason;
use crate::error::Refused;

/// Links that lead from one to the next before it is taken for a circle.
const MOST_LINKS: usize = 40;
/// Octets gathered before they are handed to the operating system.
const BUFFER: usize = 256 << 10;

/// A file in the making.
///
/// What is written goes to a file beside the target, under a name that nobody
/// can guess; [`commit`](Self::commit) brings it to the disk and renames it
/// over the target in one step. Until then, and after any failure, an existing
/// target is as it was. Dropped without `commit`, nothing is left; a process
/// that is killed leaves the unfinished file (`.kyso-*.part`), never a
/// half-written target.
///
/// A symbolic link as target is followed: the file that it leads to is
/// replaced, the link stays. An existing file's permissions are kept, its owner
/// and further hard links are not. A device or a pipe is written to directly:
/// there is nothing beside it, and nothing to take back.
#[derive(Debug)]
pub struct Output {
    /// As the caller named it, for messages.
    name: Box<str>,
    target: PathBuf,
    /// `None` where the target is written to directly, and after the rename.
    temporary: Option<PathBuf>,
    out: BufWriter<File>,
    replace: bool,
}

impl Output {
    /// An output that replaces what is at `target`.
    ///
    /// # Errors
    /// [`Error::Io`] where the target is a folder or read-only, or where no file can be made beside it.
    pub fn create(target: &Path) -> Result<Self, Error> {
        Self::with(target, true)
    }

    /// An output for a name that nothing has yet, for names that come out of a document.
    ///
    /// # Errors
    /// [`Error::Refused`] where something has the name, now or at the time of
    /// [`commit`](Self::commit); else as [`create`](Self::create).
    pub fn create_new(target: &Path) -> Result<Self, Error> {
        if fs::symlink_metadata(target).is_ok() {
            return Err(exists(&target.display().to_string()));
        }
        Self::with(target, false)
    }

    fn with(target: &Path, replace: bool) -> Result<Self, Error> {
        let name: Box<str> = target.display().to_string().into_boxed_str();
        let failed = |error| Error::from(IoError::new("write", name.clone(), error));
        let existing = match fs::metadata(target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        match &existing {
            Some(metadata) if metadata.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Some(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(target).map_err(failed)?;
                let out = BufWriter::with_capacity(BUFFER, file);
                return Ok(Self { name, target: target.to_owned(), temporary: None, out, replace });
            }
            // A rename would replace it all the same; that is not what its owner wanted.
            Some(metadata) if metadata.permissions().readonly() => {
                return Err(failed(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only")));
            }
            _ => {}
        }
        let target = followed(target).map_err(failed)?;
        let temporary = folder(&target).join(unguessable()?);
        let file = open_new(&temporary, existing.is_some()).map_err(failed)?;
        // From here on the drop removes it.
        let out = BufWriter::with_capacity(BUFFER, file);
        let output = Self { name, target, temporary: Some(temporary), out, replace };
        if let Some(metadata) = existing {
            output.out.get_ref().set_permissions(metadata.permissions()).map_err(|error| output.failed(error))?;
        }
        Ok(output)
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// [`Error::Io`] where not everything reached the disk; the target is then as it was.
    pub fn commit(mut self) -> Result<(), Error> {
        self.out.flush().map_err(|error| self.failed(error))?;
        let Some(temporary) = self.temporary.clone() else { return Ok(()) };
        self.out.get_ref().sync_all().map_err(|error| self.failed(error))?;
        if self.replace {
            fs::rename(&temporary, &self.target).map_err(|error| self.failed(error))?;
            self.temporary = None;
        } else {
            self.take_name(&temporary)?;
        }
        sync_folder(folder(&self.target));
        Ok(())
    }

    /// Gives the file its name unless something else took it in the meantime.
    fn take_name(&mut self, temporary: &Path) -> Result<(), Error> {
        match fs::hard_link(temporary, &self.target) {
            // The second name, the temporary one, goes with the drop.
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(exists(&self.name)),
            // File systems without hard links, as on most memory sticks. Between
            // look and rename another process could take the name.
            Err(_) if fs::symlink_metadata(&self.target).is_ok() => Err(exists(&self.name)),
            Err(_) => {
                fs::rename(temporary, &self.target).map_err(|error| self.failed(error))?;
                self.temporary = None;
                Ok(())
            }
        }
    }

    fn failed(&self, error: io::Error) -> Error {
        IoError::new("write", self.name.clone(), error).into()
    }
}

impl Write for Output {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.out.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // A drop has nobody to tell of a failure, and the target is whole in any case.
            let _ = fs::remove_file(temporary);
        }
    }
}

fn exists(name: &str) -> Error {
    Refused::new(RefusalReason::Exists, format!("{name} exists and is not replaced")).into()
}

/// Where the last component leads, link by link; it need not exist.
pub(super) fn followed(target: &Path) -> io::Result<PathBuf> {
    let mut path = target.to_owned();
    for _ in 0..MOST_LINKS {
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => path = folder(&path).join(fs::read_link(&path)?),
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("too many symbolic links, one leading to the next"))
}

pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

pub(super) fn unguessable() -> Result<String, Error> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|error| IoError::new("read", "random numbers", io::Error::other(error)))?;
    Ok(format!(".kyso-{}.part", hex(&random)))
}

/// Makes the file, which must not exist. `private` where it is to take over
/// the permissions of another file: until it has them, nobody else reads it.
pub(super) fn open_new(path: &Path, private: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    #[cfg(not(unix))]
    let _ = private;
    options.open(path)
}

/// Brings the new name to the disk. A failure is passed over: the new file is
/// in its place, and what a crash could bring back is the old one, whole.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

/// Windows has no such call; NTFS keeps renames in its journal.
#[cfg(not(unix))]
pub(super) const fn sync_folder(_: &Path) {}
