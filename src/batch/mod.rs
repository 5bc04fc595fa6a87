//! Many documents, one key: signed side by side, finished in any order, told in theirs.
//!
//! The work on the documents (reading, digesting, writing, syncing) goes on in
//! threads; the key stays in the thread that called [`Batch::run`] and signs for
//! them one at a time, as tokens want it. A document that cannot be signed is
//! one failure in the list. A batch that was broken off, by
//! [`cancel`](Cancel::cancel), by a lost token or by kill -9, goes on where it
//! stood when it is run again with the same [`journal`](Batch::journal).
//!
//! ```no_run
//! # use kyso::{Error, Limits, Time, batch::{Batch, Item}, key::SigningKey, pdf::Pdf, sign::pades::PadesRequest};
//! # use std::path::Path;
//! # fn f(items: Vec<Item>, key: &dyn SigningKey, now: Time) -> Result<(), Error> {
//! let outcomes = Batch::new(items).journal(Path::new("out/journal")).run(key, |_, source, key, out| {
//!     let pdf = Pdf::parse(source, &Limits::default())?;
//!     PadesRequest::new(&pdf, now).sign_to(key, out).map(|signed| signed.field_name().to_owned())
//! })?;
//! # Ok(()) }
//! ```
//!
//! A key that a service holds signs many at once instead, under one permission:
//! [`Batch::run_together`].

mod desk;
mod journal;
mod together;

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::batch::desk::Desk;
use crate::batch::desk::SharedKey;
use crate::batch::journal::Journal;
use crate::batch::journal::digest_of;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Digester;
use crate::error::Error;
use crate::error::Misuse;
use crate::files::FileSource;
use crate::files::Output;
use crate::key::SigningKey;

/// One document of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The document, which is not touched.
    pub input: PathBuf,
    /// Where it goes when it is signed; appears whole or not at all.
    pub output: PathBuf,
}

/// What became of one document.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome<T, E = Error> {
    /// Signed now.
    Done(T),
    /// Signed by an earlier run, according to the journal; the output is as it left it.
    DoneBefore,
    /// Not signed, for this reason; there is no output, or the old one.
    Failed(E),
    /// Not tried: the batch was cancelled, or the key was lost.
    NotTried,
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Documents that are through, signed or not.
    pub finished: usize,
    /// All documents.
    pub total: usize,
    /// The index of the one that got through just now.
    pub index: usize,
    /// Whether it is signed.
    pub signed: bool,
}

/// Breaks a batch off from another thread; documents in work are finished.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

/// Documents to be signed.
pub struct Batch<'b> {
    items: Vec<Item>,
    threads: usize,
    journal: Option<PathBuf>,
    cancel: Cancel,
    progress: Option<&'b (dyn Fn(Progress) + Sync)>,
}

/// Threads of one batch.
const MOST_THREADS: usize = 256;

impl Cancel {
    /// Not cancelled.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No further document is begun.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<'b> Batch<'b> {
    /// A batch in as many threads as the machine has processors, without a journal.
    #[must_use]
    pub fn new(items: impl IntoIterator<Item = Item>) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let items = items.into_iter().collect();
        Self { items, threads, journal: None, cancel: Cancel::new(), progress: None }
    }

    /// In so many threads.
    #[must_use]
    pub fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads.get();
        self
    }

    /// Keeps a journal of what is finished, and takes up the one that is there.
    ///
    /// A document counts as finished where the journal has the digests of its
    /// input and of its output, and both files still have them: so neither a
    /// changed input nor a lost output is passed over. An entry is on the disk
    /// before its output appears under its name, so that nothing is signed twice.
    #[must_use]
    pub fn journal(mut self, path: &Path) -> Self {
        self.journal = Some(path.to_owned());
        self
    }

    /// Can be broken off by `cancel`.
    #[must_use]
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// Tells `progress` of every document that is through, from the thread that finished it.
    #[must_use]
    pub const fn progress(mut self, progress: &'b (dyn Fn(Progress) + Sync)) -> Self {
        self.progress = Some(progress);
        self
    }

    /// Signs the documents; the outcomes are in the order of the items.
    ///
    /// `sign` reads one document and writes the whole signed one. It runs in
    /// several threads, each with a key that passes the work on to `key`, which
    /// alone has to be where this is called. A key or token that fails
    /// ([`Error::Token`], [`Error::Secret`]) ends the batch: what it would do to
    /// a PIN a thousand times over is worse than a pause.
    ///
    /// # Errors
    /// [`Error::Misuse`] where two outputs are the same, or one is an input;
    /// [`Error::Io`] and [`Error::Malformed`] where the journal cannot be used.
    /// What happens to single documents is in the list.
    pub fn run<T: Send, E: From<Error> + Send>(
        &self,
        key: &dyn SigningKey,
        sign: impl Fn(&Item, &FileSource, &dyn SigningKey, &mut dyn Write) -> Result<T, E> + Sync,
    ) -> Result<Vec<Outcome<T, E>>, Error> {
        let work = Work::new(self)?;
        let next = AtomicUsize::new(0);
        let (desk, counter) = Desk::open(key);
        std::thread::scope(|scope| {
            for _ in 0..self.threads_for(self.items.len()) {
                let (desk, work, next, sign) = (desk.clone(), &work, &next, &sign);
                scope.spawn(move || work.go(next, &desk, || desk.is_lost(), sign));
            }
            // The counter is open as long as somebody stands at it.
            drop(desk);
            counter.serve(key);
        });
        Ok(work.outcomes())
    }

    /// As [`run`](Self::run), with a key that signs from whatever thread, as those
    /// in memory and those on tokens do: the documents' threads use it themselves.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_shared<T: Send, E: From<Error> + Send>(
        &self,
        key: &(dyn SigningKey + Sync),
        sign: impl Fn(&Item, &FileSource, &dyn SigningKey, &mut dyn Write) -> Result<T, E> + Sync,
    ) -> Result<Vec<Outcome<T, E>>, Error> {
        let work = Work::new(self)?;
        let next = AtomicUsize::new(0);
        let shared = SharedKey::new(key);
        std::thread::scope(|scope| {
            for _ in 0..self.threads_for(self.items.len()) {
                scope.spawn(|| work.go(&next, &shared, || shared.is_lost(), &sign));
            }
        });
        Ok(work.outcomes())
    }

    /// Threads for so many documents.
    fn threads_for(&self, documents: usize) -> usize {
        self.threads.min(MOST_THREADS).min(documents)
    }

    fn check(&self) -> Result<(), Error> {
        // However they are written; what does not exist yet is taken by its folder.
        let real = |path: &Path| {
            std::fs::canonicalize(path).unwrap_or_else(|_| {
                let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
                let folder = folder.unwrap_or_else(|| Path::new(".")).canonicalize();
                folder.map_or_else(|_| path.to_owned(), |folder| folder.join(path.file_name().unwrap_or_default()))
            })
        };
        let mut outputs = BTreeSet::new();
        for item in &self.items {
            if !outputs.insert(real(&item.output)) {
                return Err(Misuse::new(format!("two outputs named {}", item.output.display())).into());
            }
        }
        match self.items.iter().find(|item| outputs.contains(&real(&item.input))) {
            Some(item) => {
                let message = format!("{} is an input and an output: a batch leaves its inputs", item.input.display());
                Err(Misuse::new(message).into())
            }
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("items", &self.items.len())
            .field("threads", &self.threads)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

/// What the threads share.
struct Work<'w, T, E> {
    batch: &'w Batch<'w>,
    journal: Option<Journal>,
    finished: AtomicUsize,
    outcomes: Mutex<Vec<Outcome<T, E>>>,
}

impl<'w, T, E: From<Error>> Work<'w, T, E> {
    fn new(batch: &'w Batch<'w>) -> Result<Self, Error> {
        batch.check()?;
        let journal = batch.journal.as_deref().map(Journal::open).transpose()?;
        let outcomes = Mutex::new(batch.items.iter().map(|_| Outcome::NotTried).collect());
        Ok(Self { batch, journal, finished: AtomicUsize::new(0), outcomes })
    }

    fn outcomes(self) -> Vec<Outcome<T, E>> {
        self.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// A document is through.
    fn put(&self, index: usize, outcome: Outcome<T, E>) {
        let signed = matches!(outcome, Outcome::Done(_) | Outcome::DoneBefore);
        if let Some(slot) = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner).get_mut(index) {
            *slot = outcome;
        }
        let finished = self.finished.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(progress) = self.batch.progress {
            progress(Progress { finished, total: self.batch.items.len(), index, signed });
        }
    }

    /// The life of a thread: one document after the other, until the key is lost.
    fn go(
        &self,
        next: &AtomicUsize,
        key: &dyn SigningKey,
        lost: impl Fn() -> bool,
        sign: &impl Fn(&Item, &FileSource, &dyn SigningKey, &mut dyn Write) -> Result<T, E>,
    ) {
        while !self.batch.cancel.is_cancelled() && !lost() {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = self.batch.items.get(index) else { break };
            let outcome = self.one(item, |source, out| sign(item, source, key, out));
            self.put(index, outcome.unwrap_or_else(Outcome::Failed));
        }
    }

    fn one(
        &self,
        item: &Item,
        sign: impl FnOnce(&FileSource, &mut dyn Write) -> Result<T, E>,
    ) -> Result<Outcome<T, E>, E> {
        let source = FileSource::open(&item.input)?;
        let input = self.input_digest(&source)?;
        if self.is_done(item, input.as_ref())? {
            return Ok(Outcome::DoneBefore);
        }
        self.write(item, &source, input.as_ref(), sign).map(Outcome::Done)
    }

    /// The digest of a document, where there is a journal.
    fn input_digest(&self, source: &FileSource) -> Result<Option<Digest>, Error> {
        self.journal.as_ref().map(|_| digest_of(source)).transpose()
    }

    /// Whether an earlier run signed the document of this digest.
    fn is_done(&self, item: &Item, input: Option<&Digest>) -> Result<bool, Error> {
        if let Some((journal, input)) = self.journal.as_ref().zip(input)
            && journal.has_input(input)
            && let Ok(output) = FileSource::open(&item.output)
        {
            return Ok(journal.has(input, &digest_of(&output)?));
        }
        Ok(false)
    }

    /// Has the signed document written, noted and put in its place.
    fn write(
        &self,
        item: &Item,
        source: &FileSource,
        input: Option<&Digest>,
        sign: impl FnOnce(&FileSource, &mut dyn Write) -> Result<T, E>,
    ) -> Result<T, E> {
        let digester = self.journal.as_ref().map(|_| DigestAlgorithm::Sha256.digester());
        let mut out = Digesting { out: Output::create(&item.output)?, digester };
        let done = sign(source, &mut out)?;
        source.check_unchanged()?;
        let Digesting { out, digester } = out;
        if let Some(((journal, input), digester)) = self.journal.as_ref().zip(input).zip(digester) {
            journal.add(input, &digester.finish(), item)?;
        }
        out.commit()?;
        Ok(done)
    }
}

/// An output that is digested on its way, where there is a journal to note that.
struct Digesting {
    out: Output,
    digester: Option<Digester>,
}

impl Write for Digesting {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let count = self.out.write(octets)?;
        if let Some(digester) = &mut self.digester {
            digester.update(octets.get(..count).unwrap_or_default());
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
