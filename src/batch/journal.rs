//! What is finished, on the disk: a line for each document, by digest.

use std::collections::BTreeSet;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::PoisonError;

use crate::batch::Item;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::files::FileSource;
use crate::source::Source;

/// First line.
const HEAD: &str = "kyso-batch 1";
/// Octets of a journal: some hundred thousand documents.
const LONGEST: u64 = 256 << 20;
/// Octets read at a time.
const CHUNK: usize = 256 << 10;

/// The journal of a batch, and the one batch that may write to it.
pub(super) struct Journal {
    name: Box<str>,
    file: Mutex<File>,
    /// Digests of inputs.
    inputs: BTreeSet<String>,
    /// Digests of input and output.
    pairs: BTreeSet<(String, String)>,
}

impl Journal {
    /// Opens the journal, or begins one.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let name: Box<str> = path.display().to_string().into_boxed_str();
        let failed = |error| Error::from(IoError::new("write", name.clone(), error));
        let options = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = options().map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(failed(io::Error::other("another batch is writing to it"))),
            // File systems without locks: nobody is held off.
            Err(TryLockError::Error(_)) => {}
        }
        let length = file.metadata().map_err(failed)?.len();
        if length > LONGEST {
            return Err(LimitExceeded::new("octets of a batch journal", LONGEST).into());
        }
        let mut octets = Vec::new();
        file.read_to_end(&mut octets).map_err(failed)?;
        let text = String::from_utf8_lossy(&octets);
        // A line that was torn by a crash was synced by nobody, and no output relies on it.
        let whole = text.rfind('\n').map_or("", |end| text.get(..=end).unwrap_or_default());
        let mut lines = whole.lines();
        match lines.next() {
            None => {
                file.set_len(0).map_err(failed)?;
                file.seek(SeekFrom::Start(0)).map_err(failed)?;
                file.write_all(format!("{HEAD}\n").as_bytes()).map_err(failed)?;
                file.sync_all().map_err(failed)?;
            }
            Some(HEAD) => {
                let end = octets.iter().rposition(|octet| *octet == b'\n').map_or(0, |at| at as u64 + 1);
                file.set_len(end).map_err(failed)?;
                file.seek(SeekFrom::Start(end)).map_err(failed)?;
            }
            Some(other) => {
                let fault = Malformed::new(Format::State, format!("batch journal {name}"), HEAD);
                return Err(fault.found(other.chars().take(40).collect::<String>()).into());
            }
        }
        let (mut inputs, mut pairs) = (BTreeSet::new(), BTreeSet::new());
        for line in lines {
            let mut columns = line.split('\t');
            if let (Some(input), Some(output)) = (columns.next(), columns.next()) {
                inputs.insert(input.to_owned());
                pairs.insert((input.to_owned(), output.to_owned()));
            }
        }
        Ok(Self { name, file: Mutex::new(file), inputs, pairs })
    }

    /// Whether an earlier run finished a document with this digest.
    pub(super) fn has_input(&self, input: &Digest) -> bool {
        self.inputs.contains(&input.to_hex())
    }

    /// Whether an earlier run made this output of this input.
    pub(super) fn has(&self, input: &Digest, output: &Digest) -> bool {
        self.pairs.contains(&(input.to_hex(), output.to_hex()))
    }

    /// Notes an output, which is about to get its name; on the disk when this returns.
    pub(super) fn add(&self, input: &Digest, output: &Digest, item: &Item) -> Result<(), Error> {
        // The names are for people; what counts are the digests.
        let legible = |path: &Path| -> String {
            path.display().to_string().chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
        };
        let (from, to) = (legible(&item.input), legible(&item.output));
        let line = format!("{}\t{}\t{from}\t{to}\n", input.to_hex(), output.to_hex());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let end = file.stream_position();
        let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_data());
        written.map_err(|error| {
            // Half a line would swallow the next one.
            if let Ok(end) = end {
                let _ = file.set_len(end).and_then(|()| file.seek(SeekFrom::Start(end)));
            }
            IoError::new("write", self.name.clone(), error).into()
        })
    }
}

/// The digest of a whole file, read in pieces.
pub(super) fn digest_of(source: &FileSource) -> Result<Digest, Error> {
    let mut digester = DigestAlgorithm::Sha256.digester();
    let mut buffer = vec![0; CHUNK];
    let mut offset = 0;
    loop {
        let count = source.read_at(offset, &mut buffer)?;
        if count == 0 {
            return Ok(digester.finish());
        }
        digester.update(buffer.get(..count).unwrap_or_default());
        offset += count as u64;
    }
}
