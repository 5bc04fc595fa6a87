//! Batches: in order, one failure is one, broken off and taken up again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::thread::ThreadId;

use kyso::Error;
use kyso::Limits;
use kyso::batch::Batch;
use kyso::batch::Cancel;
use kyso::batch::Item;
use kyso::batch::Outcome;
use kyso::crypto::KeySpec;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::TokenError;
use kyso::files::FileSource;
use kyso::key::SignatureValue;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::sign::Prepared;
use kyso::sign::pades::PadesRequest;
use sample_pdf::Xref;

const NOW: &str = "2026-11-23T01:00:00Z";

/// A key as tokens are: in one thread, and counting. `Cell` keeps it from being shared.
struct OneThread {
    key: SoftKey,
    thread: ThreadId,
    signed: Cell<usize>,
    /// The token is pulled after so many signatures.
    lost_after: usize,
}

impl OneThread {
    fn new(lost_after: usize) -> Self {
        let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root of batch")], None), KeySpec::P256);
        let key = root.issue(&ca::Template::new(&[(ca::CN, "Văn thư")]), KeySpec::P256);
        Self { key, thread: std::thread::current().id(), signed: Cell::new(0), lost_after }
    }
}

impl SigningKey for OneThread {
    fn identity(&self) -> &SignerIdentity {
        self.key.identity()
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.key.default_algorithm()
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        assert_eq!(std::thread::current().id(), self.thread);
        if self.signed.get() >= self.lost_after {
            return Err(TokenError::new("sign", "the token was removed").into());
        }
        self.signed.set(self.signed.get() + 1);
        self.key.sign(message)
    }
}

fn sign(_: &Item, source: &FileSource, key: &dyn SigningKey, out: &mut dyn Write) -> Result<String, Error> {
    let pdf = Pdf::parse(source, &Limits::default())?;
    PadesRequest::new(&pdf, ca::at(NOW)).sign_to(key, out).map(|signed| signed.field_name().to_owned())
}

/// So many documents, each different, some broken.
fn documents(dir: &Path, count: usize, broken: &[usize]) -> Vec<Item> {
    fs::create_dir_all(dir.join("out")).unwrap();
    let item = |index: usize| {
        let input = dir.join(format!("{index}.pdf"));
        let content = match broken.contains(&index) {
            true => b"%PDF-1.7\nbroken".to_vec(),
            false => sample_pdf::document(Xref::Table, &sample_pdf::two_pages(&format!("/Lang (vi-{index})"), "", &[])),
        };
        fs::write(&input, content).unwrap();
        Item { input, output: dir.join(format!("out/{index}.pdf")) }
    };
    (0..count).map(item).collect()
}

fn words<T, E>(outcomes: &[Outcome<T, E>]) -> String {
    let word = |outcome: &Outcome<T, E>| match outcome {
        Outcome::Done(_) => 'd',
        Outcome::DoneBefore => 'b',
        Outcome::Failed(_) => 'f',
        _ => '-',
    };
    outcomes.iter().map(word).collect()
}

fn signatures(path: &Path) -> usize {
    Pdf::parse(fs::read(path).unwrap(), &Limits::default()).unwrap().signatures().unwrap().len()
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

#[test]
fn outcomes_are_in_order_and_one_failure_is_one() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 40, &[3, 17]);
    let key = OneThread::new(usize::MAX);
    let told = Mutex::new(Vec::new());
    let progress = |progress: kyso::batch::Progress| told.lock().unwrap().push(progress);
    let batch = Batch::new(items.clone()).threads(threads(4)).progress(&progress);
    let outcomes = batch.run(&key, sign).unwrap();
    let expected: String = (0..40).map(|index| if [3, 17].contains(&index) { 'f' } else { 'd' }).collect();
    assert_eq!(words(&outcomes), expected);
    for (index, item) in items.iter().enumerate() {
        assert_eq!(item.output.exists(), ![3, 17].contains(&index));
        if item.output.exists() {
            assert!(fs::read(&item.output).unwrap().starts_with(&fs::read(&item.input).unwrap()));
            assert_eq!(signatures(&item.output), 1);
        }
    }
    assert_eq!(key.signed.get(), 38);
    let told = told.into_inner().unwrap();
    assert_eq!(told.iter().map(|p| p.index).collect::<BTreeSet<_>>().len(), 40);
    assert_eq!(told.iter().map(|p| p.finished).max(), Some(40));
    assert_eq!(told.iter().filter(|p| !p.signed).count(), 2);
    let left = fs::read_dir(dir.path().join("out")).unwrap().count();
    assert_eq!(left, 38, "nothing unfinished is left");
}

#[test]
fn a_lost_token_ends_the_batch_which_goes_on_where_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 20, &[]);
    let journal = dir.path().join("journal");
    let batch = || Batch::new(items.clone()).threads(threads(2)).journal(&journal);
    let key = OneThread::new(7);
    let outcomes = words(&batch().run(&key, sign).unwrap());
    assert_eq!(outcomes.matches('d').count(), 7, "{outcomes}");
    // At most one more for each thread.
    assert!((1..=2).contains(&outcomes.matches('f').count()) && outcomes.contains('-'), "{outcomes}");
    let before: Vec<_> = items.iter().map(|item| fs::read(&item.output).ok()).collect();
    let key = OneThread::new(usize::MAX);
    let outcomes = words(&batch().run(&key, sign).unwrap());
    assert_eq!((outcomes.matches('b').count(), outcomes.matches('d').count()), (7, 13), "{outcomes}");
    assert_eq!(key.signed.get(), 13, "nothing is signed twice");
    for (item, before) in items.iter().zip(before) {
        assert!(before.is_none_or(|before| fs::read(&item.output).unwrap() == before));
        assert_eq!(signatures(&item.output), 1);
    }
    // A changed input and a lost or damaged output are no finished documents.
    fs::write(&items[1].input, sample_pdf::plain(Xref::Stream)).unwrap();
    fs::remove_file(&items[2].output).unwrap();
    fs::OpenOptions::new().append(true).open(&items[3].output).unwrap().write_all(b"x").unwrap();
    assert_eq!(words(&batch().run(&key, sign).unwrap()), "bdddbbbbbbbbbbbbbbbb");
}

/// What a document waits with for its value.
fn prepare(key: &SoftKey, source: &FileSource) -> Result<(ToBeSigned, Vec<u8>), Error> {
    let pdf = Pdf::parse(source, &Limits::default())?;
    let prepared = PadesRequest::new(&pdf, ca::at(NOW)).prepare(key.identity())?;
    Ok((prepared.to_be_signed().clone(), prepared.to_bytes()))
}

fn complete(source: &FileSource, state: &[u8], value: &SignatureValue, out: &mut dyn Write) -> Result<(), Error> {
    let pdf = Pdf::parse(source, &Limits::default())?;
    Prepared::resume(state, &pdf)?.complete(value)?.write_to(out)
}

#[test]
fn documents_are_signed_together_in_groups_that_are_filled_up() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 12, &[2, 7]);
    let key = OneThread::new(usize::MAX).key;
    let journal = dir.path().join("journal");
    let batch = Batch::new(items.clone()).threads(threads(3)).journal(&journal);
    let run = |fails_at: usize| {
        let mut groups = Vec::new();
        let outcomes = batch.run_together(
            4,
            |messages| {
                groups.push(messages.len());
                if groups.len() == fails_at {
                    return Err(TokenError::new("sign", "the service is closed").into());
                }
                messages.iter().map(|message| key.sign(message)).collect()
            },
            |_, source| prepare(&key, source),
            |_, source, state, value, out| complete(source, &state, value, out),
        );
        (words(&outcomes.unwrap()), groups)
    };
    // The second group fails: its first document says why, and no third one is tried.
    assert_eq!(run(2), ("ddfddf-f----".to_owned(), vec![4, 4]));
    let left = fs::read_dir(dir.path().join("out")).unwrap().count();
    assert_eq!(left, 4);
    // The next run asks for what is not there, whole groups of it.
    assert_eq!(run(0), ("bbfbbddfdddd".to_owned(), vec![4, 2]));
    for (index, item) in items.iter().enumerate().filter(|(index, _)| ![2, 7].contains(index)) {
        assert_eq!(signatures(&item.output), 1, "{index}");
    }
    assert_eq!(run(0), ("bbfbbbbfbbbb".to_owned(), vec![]));
}

#[test]
fn values_that_are_too_few_and_documents_that_change_meanwhile_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 3, &[]);
    let key = OneThread::new(usize::MAX).key;
    let batch = Batch::new(items.clone());
    let run = |sign: &mut dyn FnMut(Vec<ToBeSigned>) -> Result<Vec<SignatureValue>, Error>| {
        batch
            .run_together(
                9,
                sign,
                |_, source| prepare(&key, source),
                |_, source, state, value, out| complete(source, &state, value, out),
            )
            .unwrap()
    };
    let outcomes = run(&mut |messages| messages[1..].iter().map(|message| key.sign(message)).collect());
    assert_eq!(words(&outcomes), "f--");
    assert!(matches!(&outcomes[0], Outcome::Failed(Error::Misuse(_))));
    let outcomes = run(&mut |messages| {
        fs::copy(&items[2].input, &items[1].input).unwrap();
        messages.iter().map(|message| key.sign(message)).collect()
    });
    assert_eq!(words(&outcomes), "dfd");
    assert!(matches!(&outcomes[1], Outcome::Failed(Error::Refused(_))), "{outcomes:?}");
    // Values in another order fit no document.
    let outcomes = run(&mut |messages| messages.iter().rev().map(|message| key.sign(message)).collect());
    assert_eq!(words(&outcomes)[..1], *"f");
}

#[test]
fn a_cancelled_batch_completes_what_was_signed_together() {
    let dir = tempfile::tempdir().unwrap();
    let key = OneThread::new(usize::MAX).key;
    let cancel = Cancel::new();
    let batch = Batch::new(documents(dir.path(), 5, &[])).cancel(&cancel);
    let outcomes = batch.run_together(
        2,
        |messages| {
            cancel.cancel();
            messages.iter().map(|message| key.sign(message)).collect()
        },
        |_, source| prepare(&key, source),
        |_, source, state, value, out| complete(source, &state, value, out),
    );
    assert_eq!(words(&outcomes.unwrap()), "dd---");
}

#[test]
fn a_batch_is_cancelled_between_documents() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 30, &[]);
    let cancel = Cancel::new();
    let stop = |progress: kyso::batch::Progress| {
        if progress.finished == 5 {
            cancel.cancel();
        }
    };
    let key = OneThread::new(usize::MAX);
    let outcomes =
        words(&Batch::new(items).threads(threads(2)).cancel(&cancel).progress(&stop).run(&key, sign).unwrap());
    let done = outcomes.matches('d').count();
    assert!((5..=7).contains(&done), "{outcomes}");
    assert_eq!(outcomes.matches('-').count(), 30 - done);
    assert_eq!(fs::read_dir(dir.path().join("out")).unwrap().count(), done);
}

#[test]
fn wrong_batches_and_journals() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 2, &[]);
    let key = OneThread::new(usize::MAX);
    let misuse = |items: Vec<Item>| matches!(Batch::new(items).run(&key, sign), Err(Error::Misuse(_)));
    let twice = Item { output: items[0].output.clone(), ..items[1].clone() };
    assert!(misuse(vec![items[0].clone(), twice]));
    let spelt = dir.path().join("out/../0.pdf");
    assert!(misuse(vec![Item { output: spelt, ..items[0].clone() }]), "the input by another name");
    assert!(Batch::new(Vec::new()).run(&key, sign).unwrap().is_empty());
    let journal = dir.path().join("journal");
    fs::write(&journal, "something else\n").unwrap();
    assert!(matches!(Batch::new(items.clone()).journal(&journal).run(&key, sign), Err(Error::Malformed(_))));
    assert_eq!(fs::read(&journal).unwrap(), b"something else\n");
    // A line that was torn counts for nothing, and spoils no other.
    fs::remove_file(&journal).unwrap();
    let run = || words(&Batch::new(items.clone()).journal(&journal).run(&key, sign).unwrap());
    assert_eq!(run(), "dd");
    let whole = fs::read(&journal).unwrap();
    fs::write(&journal, &whole[..whole.len() - 3]).unwrap();
    let again = run();
    assert_eq!((again.matches('b').count(), again.matches('d').count()), (1, 1));
    assert_eq!(run(), "bb");
    for torn in ["", "kyso-ba"] {
        fs::write(&journal, torn).unwrap();
        assert_eq!(run(), "dd");
        assert_eq!(run(), "bb");
    }
}

/// What a child process does before it is killed; on its own it does nothing.
#[test]
fn half_of_a_batch() {
    let Some(dir) = std::env::var_os("KYSO_TEST_BATCH") else { return };
    let dir = Path::new(&dir);
    let items: Vec<Item> = (0..30)
        .map(|index| Item { input: dir.join(format!("{index}.pdf")), output: dir.join(format!("out/{index}.pdf")) })
        .collect();
    let count = AtomicUsize::new(0);
    let key = OneThread::new(usize::MAX);
    let _ = Batch::new(items).threads(threads(3)).journal(&dir.join("journal")).run(&key, |item, source, key, out| {
        let signed = sign(item, source, key, out);
        if count.fetch_add(1, Ordering::Relaxed) == 10 {
            println!("\nhalf");
            loop {
                std::thread::park();
            }
        }
        signed
    });
}

#[test]
fn a_batch_that_was_killed_goes_on_and_signs_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let items = documents(dir.path(), 30, &[]);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "half_of_a_batch", "--nocapture"])
        .env("KYSO_TEST_BATCH", dir.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "half"), "the child came so far");
    child.kill().unwrap();
    child.wait().unwrap();
    let finished: Vec<bool> = items.iter().map(|item| item.output.exists()).collect();
    let there = finished.iter().filter(|there| **there).count();
    assert!((8..30).contains(&there), "{there}");
    let key = OneThread::new(usize::MAX);
    let batch = Batch::new(items.clone()).threads(threads(3)).journal(&dir.path().join("journal"));
    let outcomes = words(&batch.run(&key, sign).unwrap());
    let expected: String = finished.iter().map(|there| if *there { 'b' } else { 'd' }).collect();
    assert_eq!(outcomes, expected);
    assert_eq!(key.signed.get(), 30 - there);
    assert!(items.iter().all(|item| signatures(&item.output) == 1));
}
