//! Answers kept in a folder, so that a service that starts again starts warm.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use super::cache::CacheKey;
use super::cache::Store;
use super::cache::Stored;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::IoError;
use crate::files::Output;
use crate::time::Time;

/// First octets of an entry: the form and its version.
const MAGIC: &[u8; 8] = b"KYSOCA1\n";
/// Magic, key, time, length of the body, digest.
const HEADER: usize = 8 + 32 + 8 + 8 + 32;
/// Octets before the digest.
const DIGESTED: usize = HEADER - 32;
/// The end of an entry's name.
const SUFFIX: &str = ".answer";
/// How long an unfinished file may be another process's work.
const UNFINISHED: Duration = Duration::from_secs(3_600);

/// A folder with one file for each answer; a [`Store`] for a [`Cache`](super::cache::Cache).
///
/// A file appears whole or not at all, and says itself whether it is whole; one
/// that is not is removed and counts for nothing. Several processes may share a
/// folder. What was fetched first goes first where a bound is exceeded; between
/// two sweeps a folder may hold an eighth more.
///
/// The entries tell which certificates were looked at, so that the folder is
/// made for its owner alone.
#[derive(Debug)]
pub struct CacheDir {
    folder: PathBuf,
    max_entries: u64,
    max_octets: u64,
    /// Since the last sweep.
    entries: AtomicU64,
    octets: AtomicU64,
}

impl CacheDir {
    /// Opens a folder, making it where it is missing. It holds up to 4,096
    /// answers and 1 GiB, unless said otherwise.
    ///
    /// # Errors
    /// [`Error::Io`] where it can be neither made nor read.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let failed = |operation| move |error| IoError::new(operation, folder.display().to_string(), error);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(failed("make the folder"))?;
        fs::read_dir(folder).map_err(failed("read the folder"))?;
        Ok(Self {
            folder: folder.to_owned(),
            max_entries: 4_096,
            max_octets: 1 << 30,
            // So that the first answer to be kept begins with a sweep.
            entries: AtomicU64::new(u64::MAX / 2),
            octets: AtomicU64::new(0),
        })
    }

    /// How many answers it may hold.
    #[must_use]
    pub const fn max_entries(mut self, most: u64) -> Self {
        self.max_entries = most;
        self
    }

    /// How many octets it may hold.
    #[must_use]
    pub const fn max_octets(mut self, most: u64) -> Self {
        self.max_octets = most;
        self
    }

    fn path(&self, key: &CacheKey) -> PathBuf {
        self.folder.join(format!("{key}{SUFFIX}"))
    }

    /// Removes what is too much, the oldest first, and what others left unfinished.
    fn sweep(&self) {
        self.entries.store(0, Ordering::Relaxed);
        self.octets.store(0, Ordering::Relaxed);
        let Ok(folder) = fs::read_dir(&self.folder) else { return };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        let mut unfinished: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in folder.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let Ok(modified) = metadata.modified() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with(SUFFIX) {
                files.push((modified, metadata.len(), entry.path()));
            } else if name.starts_with(".kyso-") && name.ends_with(".part") {
                unfinished.push((modified, entry.path()));
            }
        }
        files.sort();
        if let Some((newest, ..)) = files.last() {
            let left = |modified: &SystemTime| newest.duration_since(*modified).is_ok_and(|age| age > UNFINISHED);
            // A failure here and below: another process was faster, or the next sweep will.
            unfinished.iter().filter(|(modified, _)| left(modified)).for_each(|(_, path)| drop(fs::remove_file(path)));
        }
        let mut entries = files.len() as u64;
        let mut octets = files.iter().fold(0u64, |sum, (_, size, _)| sum.saturating_add(*size));
        for (_, size, path) in files {
            if entries <= self.max_entries && octets <= self.max_octets {
                break;
            }
            let _ = fs::remove_file(path);
            entries -= 1;
            octets = octets.saturating_sub(size);
        }
    }

    /// The file's content; `None` where it is no whole entry for `key`.
    fn read(&self, file: File, key: &CacheKey) -> Option<Stored> {
        let size = file.metadata().ok().filter(|m| m.is_file())?.len();
        if size > self.max_octets.saturating_add(HEADER as u64) {
            return None;
        }
        let mut content = Vec::new();
        file.take(size).read_to_end(&mut content).ok()?;
        let (header, body) = content.split_at_checked(HEADER)?;
        let (digested, digest) = header.split_at_checked(DIGESTED)?;
        let fetched = i64::from_be_bytes(digested.get(40..48)?.try_into().ok()?);
        let fetched = Time::from_unix(fetched)?;
        let whole = digested == start(key, fetched, body) && digest == self_check(digested, body);
        whole.then(|| Stored::new(fetched, body.to_vec()))
    }
}

impl Store for CacheDir {
    fn load(&self, key: &CacheKey) -> Option<Stored> {
        let path = self.path(key);
        let file = File::open(&path).ok()?;
        let stored = self.read(file, key);
        if stored.is_none() {
            // It would be of no more use the next time.
            let _ = fs::remove_file(&path);
        }
        stored
    }

    fn save(&self, key: &CacheKey, answer: &Stored) -> Result<(), Error> {
        let size = (answer.body.len() as u64).saturating_add(HEADER as u64);
        if size > self.max_octets {
            return Ok(());
        }
        let path = self.path(key);
        let write = |output: &mut Output| {
            let start = start(key, answer.fetched, &answer.body);
            output.write_all(&start)?;
            output.write_all(&self_check(&start, &answer.body))?;
            output.write_all(&answer.body)
        };
        let mut output = Output::create(&path)?;
        write(&mut output).map_err(|error| IoError::new("write", path.display().to_string(), error))?;
        output.commit()?;
        let entries = self.entries.fetch_add(1, Ordering::Relaxed);
        let octets = self.octets.fetch_add(size, Ordering::Relaxed).saturating_add(size);
        if entries >= self.max_entries / 8 || octets > self.max_octets / 8 {
            self.sweep();
        }
        Ok(())
    }
}

/// The header before its digest.
fn start(key: &CacheKey, fetched: Time, body: &[u8]) -> Vec<u8> {
    let mut start = MAGIC.to_vec();
    start.extend_from_slice(key.octets());
    start.extend_from_slice(&fetched.unix().to_be_bytes());
    start.extend_from_slice(&(body.len() as u64).to_be_bytes());
    start
}

fn self_check(start: &[u8], body: &[u8]) -> Vec<u8> {
    let mut digester = DigestAlgorithm::Sha256.digester();
    digester.update(start);
    digester.update(body);
    digester.finish().octets().to_vec()
}
