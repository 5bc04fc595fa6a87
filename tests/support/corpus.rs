//! The shared corpora, which stand beside the project and are never part of it.
#![allow(unreachable_pub, dead_code)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread;

use kyso::Error;
use kyso::Limits;
use kyso::error::SecretError;
use kyso::pdf::Pdf;
use kyso::secret::Password;

/// The corpus folder, or `None` (said on standard error) where there is none.
///
/// # Panics
/// Where there is none and `KYSO_CORPUS_REQUIRED=1`.
pub fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("KYSO_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"), PathBuf::from);
    if path.is_dir() {
        return Some(path);
    }
    assert!(
        std::env::var_os("KYSO_CORPUS_REQUIRED").is_none_or(|v| v != "1"),
        "corpus not found at {}",
        path.display()
    );
    eprintln!("corpus not found at {}: skipped", path.display());
    None
}

/// Every backend that was built in; the suites end the same under each.
pub fn backends() -> Vec<kyso::crypto::Backend> {
    vec![
        kyso::crypto::Backend::rust_crypto(),
        #[cfg(feature = "aws-lc-rs")]
        kyso::crypto::Backend::aws_lc_rs(),
    ]
}

/// The PDF files of some classes of the corpus, by their names, each with its name in the lists: class and file.
pub fn documents(corpus: &Path, classes: &[&str]) -> Vec<(String, PathBuf)> {
    let mut documents = Vec::new();
    for class in classes {
        let folder = std::fs::read_dir(corpus.join("pdf").join(class)).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.extension().is_some_and(|e| e == "pdf"));
        files.sort();
        let name = |path: &Path| format!("{class}/{}", path.file_name().unwrap().to_string_lossy());
        documents.extend(files.into_iter().map(|path| (name(&path), path)));
    }
    documents
}

/// What `judge` makes of each, in their order; on all processors.
pub fn each<I: Sync, T: Send>(items: &[I], judge: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let (next, made) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else { break };
                    let verdict = judge(item);
                    made.lock().unwrap().insert(index, verdict);
                }
            });
        }
    });
    made.into_inner().unwrap().into_values().collect()
}

/// A document of the PDF corpus, and the password that opened it: the corpus
/// states them in its notes, and one of these opens each file.
pub fn open_pdf(octets: &[u8]) -> Result<(Pdf<'_>, &'static str), Error> {
    let limits = Limits::default();
    let Err(missing @ Error::Secret(SecretError::Missing { .. })) = Pdf::parse(octets, &limits) else {
        return Pdf::parse(octets, &limits).map(|pdf| (pdf, ""));
    };
    for password in ["user", "usersecret", "secret", " ", "view"] {
        match Pdf::parse_with_password(octets, &limits, &Password::new(password)) {
            Err(Error::Secret(_)) => {}
            read => return read.map(|pdf| (pdf, password)),
        }
    }
    Err(missing)
}

/// Known divergences of one suite: `tests/exceptions/<suite>.tsv`, lines of
/// `id <TAB> actual <TAB> reason`.
pub struct Exceptions {
    suite: String,
    known: BTreeMap<String, (String, String)>,
    used: Vec<String>,
    unexplained: Vec<String>,
}

impl Exceptions {
    pub fn load(suite: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exceptions").join(format!("{suite}.tsv"));
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let known = text
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .map(|line| {
                let mut parts = line.splitn(3, '\t').map(str::to_owned);
                let (id, actual, reason) = (parts.next().unwrap(), parts.next(), parts.next());
                let (Some(actual), Some(reason)) = (actual, reason.filter(|r| !r.trim().is_empty())) else {
                    panic!("{suite}: exception without outcome or reason: {line}");
                };
                (id, (actual, reason))
            })
            .collect();
        Self { suite: suite.to_owned(), known, used: Vec::new(), unexplained: Vec::new() }
    }

    /// Records the outcome of one row: right, or wrong with what came out instead.
    pub fn record(&mut self, id: &str, right: bool, actual: &str) {
        match (right, self.known.get(id)) {
            (true, None) => {}
            (true, Some(_)) => self.unexplained.push(format!("{id}: stale exception, the row is right now")),
            (false, Some((known, _))) if known == actual => self.used.push(id.to_owned()),
            (false, Some((known, _))) => {
                self.unexplained.push(format!("{id}: exception says {known:?}, came out {actual:?}"));
                self.used.push(id.to_owned());
            }
            (false, None) => self.unexplained.push(format!("{id}\t{actual}\t")),
        }
    }

    /// Ends the suite.
    ///
    /// # Panics
    /// On any divergence that is not listed, and on any listed one that does not exist.
    pub fn finish(mut self, rows: usize) {
        assert!(rows > 0, "{}: no row was run", self.suite);
        for id in self.known.keys() {
            if !self.used.contains(id) && !self.unexplained.iter().any(|u| u.starts_with(&format!("{id}:"))) {
                self.unexplained.push(format!("{id}: exception for a row that does not exist"));
            }
        }
        eprintln!("{}: {rows} rows, {} listed exceptions", self.suite, self.used.len());
        assert!(self.unexplained.is_empty(), "{}:\n{}", self.suite, self.unexplained.join("\n"));
    }
}
