//! A file that gets an end appended, or stays as it was.

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::IoError;
use crate::files::output::folder;
use crate::files::output::followed;
use crate::files::output::sync_folder;
use crate::files::source::FileSource;
use crate::source::Source;

/// First line of the note that tells how to undo an unfinished append.
const HEAD: &str = "kyso-undo 1";
/// Octets before the old end that the note knows the digest of.
const WINDOW: u64 = 64 << 10;
/// A note is a few lines.
const LONGEST_NOTE: u64 = 4096;

/// Appends `octets` to the file that `source` was opened from, at `target`.
///
/// The file keeps its name, its inode and all octets it has; nothing is copied.
/// Where not everything reaches the disk, it is cut back to its old length. A
/// process that is killed in between leaves a note beside the file
/// (`.NAME.kyso-undo`), by which [`recover`] cuts it back, or the next append does.
///
/// # Errors
/// [`Error::Io`] where the file is read-only, was changed since `source` was
/// opened, is being appended to by another process, or the disk is full.
pub fn append(target: &Path, source: &FileSource, octets: &[u8]) -> Result<(), Error> {
    let name = target.display().to_string();
    let failed = |error| Error::from(IoError::new("append to", name.clone(), error));
    let place = Place::of(target).map_err(failed)?;
    let mut file = place.open_locked().map_err(failed)?;
    place.undo(&mut file).map_err(failed)?;
    source.check_unchanged()?;
    let length = file.metadata().map_err(failed)?.len();
    if length != source.len() {
        return Err(failed(io::Error::other("it is not the file that was read")));
    }
    place.write_note(&mut file, length).map_err(failed)?;
    let appended =
        file.seek(SeekFrom::Start(length)).and_then(|_| file.write_all(octets)).and_then(|()| file.sync_all());
    if let Err(error) = appended {
        // The note stays where this fails too, so that somebody can still do it.
        place.undo(&mut file).map_err(failed)?;
        return Err(failed(error));
    }
    place.remove_note().map_err(failed)
}

/// Cuts a file back to what it was before an append that was not finished;
/// returns whether there was one.
///
/// # Errors
/// [`Error::Io`] where another process is appending at the moment, where the
/// file is not the one that the note was made for, or cannot be written.
pub fn recover(target: &Path) -> Result<bool, Error> {
    let failed = |error| Error::from(IoError::new("restore", target.display().to_string(), error));
    let place = Place::of(target).map_err(failed)?;
    if !place.note.exists() {
        return Ok(false);
    }
    let mut file = place.open_locked().map_err(failed)?;
    place.undo(&mut file).map_err(failed)
}

/// A file, and the note beside it.
struct Place {
    file: PathBuf,
    note: PathBuf,
}

impl Place {
    fn of(target: &Path) -> io::Result<Self> {
        let file = followed(target)?;
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::IsADirectory))?);
        name.push(".kyso-undo");
        let note = folder(&file).join(name);
        Ok(Self { file, note })
    }

    /// Opens the file for one process at a time.
    fn open_locked(&self) -> io::Result<File> {
        let metadata = fs::metadata(&self.file)?;
        if !metadata.is_file() {
            return Err(io::Error::other("not a regular file, which alone can be appended to and cut back"));
        }
        // Whoever may do everything would write to it all the same; that is not what its owner wanted.
        if metadata.permissions().readonly() {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
        }
        let file = OpenOptions::new().read(true).write(true).open(&self.file)?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(io::Error::other("another process is appending to it")),
            // File systems without locks: nobody is held off, as without this.
            Err(TryLockError::Error(_)) => Ok(file),
        }
    }

    fn write_note(&self, file: &mut File, length: u64) -> io::Result<()> {
        let digest = digest_before(file, length)?;
        let mut note = OpenOptions::new().write(true).create_new(true).open(&self.note)?;
        let written = note.write_all(format!("{HEAD}\n{length}\n{digest}\n").as_bytes()).and_then(|()| note.sync_all());
        if let Err(error) = written {
            drop(note);
            let _ = fs::remove_file(&self.note);
            return Err(error);
        }
        sync_folder(folder(&self.note));
        Ok(())
    }

    fn remove_note(&self) -> io::Result<()> {
        fs::remove_file(&self.note)?;
        sync_folder(folder(&self.note));
        Ok(())
    }

    /// Cuts the file back as the note says; whether there was a note.
    fn undo(&self, file: &mut File) -> io::Result<bool> {
        let note = match File::open(&self.note) {
            Ok(note) => note,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut text = String::new();
        note.take(LONGEST_NOTE).read_to_string(&mut text)?;
        let mut lines = text.lines();
        let whole = text.ends_with('\n') && lines.next() == Some(HEAD);
        let length: Option<u64> = lines.next().and_then(|line| line.parse().ok()).filter(|_| whole);
        let Some((length, digest)) = length.zip(lines.next()) else {
            // It is synced before the file is touched: a torn note means an untouched file.
            self.remove_note()?;
            return Ok(false);
        };
        if file.metadata()?.len() < length || digest_before(file, length)? != digest {
            let message = format!(
                "{} was left by an append that was not finished, but the file has been replaced since; remove it",
                self.note.display()
            );
            return Err(io::Error::other(message));
        }
        file.set_len(length)?;
        file.sync_all()?;
        self.remove_note()?;
        Ok(true)
    }
}

/// The digest of the last octets of the first `length`.
fn digest_before(file: &mut File, length: u64) -> io::Result<String> {
    let from = length.saturating_sub(WINDOW);
    file.seek(SeekFrom::Start(from))?;
    let mut octets = Vec::new();
    Read::by_ref(file).take(length - from).read_to_end(&mut octets)?;
    Ok(DigestAlgorithm::Sha256.digest(&octets).to_hex())
}
