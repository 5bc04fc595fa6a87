//! What a signature through this crate costs over the module's own call, and
//! what a batch of documents costs over the module's own rate.
//!
//! `cargo bench --features pkcs11,aws-lc-rs --bench token`, with SoftHSM and OpenSC
//! installed. The two sides take turns, block by block, and the median block of
//! each counts, so that other work on the machine falls on both. Where the machine
//! is busy all the same, the time on the processor tells more: a thread that
//! waits for another one is put behind strangers.
//!
//! Each key is measured twice: with its calls on the module's own thread, which is
//! the default, and on the thread of the caller.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../tests/support/ca.rs"]
mod ca;
#[path = "../tests/support/der.rs"]
mod der;
#[path = "../tests/support/sample_pdf.rs"]
mod sample_pdf;
#[path = "../tests/support/tokens.rs"]
mod tokens;

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Instant;

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::object::ObjectClass;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use kyso::Error;
use kyso::Limits;
use kyso::batch::Batch;
use kyso::batch::Item;
use kyso::batch::Outcome;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::pdf::Pdf;
use kyso::secret::Pin;
use kyso::sign::pades::PadesRequest;
use tokens::LABEL;
use tokens::PIN;
use tokens::Tokens;

const DOCUMENTS: usize = 1000;
/// Threads that sign documents; the module has one of its own beside them.
const THREADS: usize = 2;
/// Threads that write documents, each of which waits for the disk.
const WRITERS: usize = 8;
const NOW: &str = "2026-11-23T01:00:00Z";
const OCTETS: [u8; 200] = [0x5A; 200];

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let conf = dir.path().join("softhsm2.conf");
    std::fs::write(&conf, format!("directories.tokendir = {}\n", dir.path().display())).unwrap();
    if std::env::var_os("SOFTHSM2_CONF").is_none() {
        // The module reads the environment; it is set before the process that loads it begins.
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .env("SOFTHSM2_CONF", &conf)
            .env("KYSO_BENCH_TOKENS", dir.path())
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let Some(folder) = std::env::var_os("KYSO_BENCH_TOKENS") else {
        eprintln!("unset SOFTHSM2_CONF: the benchmark makes a token of its own");
        return;
    };
    let Some(tokens) = Tokens::new(folder.into()) else {
        eprintln!("SoftHSM or OpenSC not found: nothing is measured");
        return;
    };
    tokens.token(LABEL);
    let kinds = [
        (KeySpec::Rsa2048, "RSA 2048", Mechanism::Sha256RsaPkcs, 1500),
        (KeySpec::Rsa3072, "RSA 3072", Mechanism::Sha256RsaPkcs, 600),
        // Of ECDSA SoftHSM has the bare operation alone.
        (KeySpec::P256, "P-256", Mechanism::Ecdsa, 3000),
    ];
    for (n, (spec, name, ..)) in kinds.iter().enumerate() {
        tokens.key(LABEL, *spec, &format!("0{n}"), name);
    }
    let module = tokens.load();
    let session = module.login(LABEL, Pin::new(PIN)).unwrap();
    // The other side has the same module loaded and initialized, and its own session.
    let raw = Pkcs11::new(&tokens.module).unwrap();
    let slot = raw.get_slots_with_initialized_token().unwrap()[0];
    let raw_session = raw.open_ro_session(slot).unwrap();
    let _ = raw_session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
    let direct = module.clone().with_calls_on_callers_thread().unwrap();
    let direct_session = direct.login(LABEL, Pin::new(PIN)).unwrap();
    println!("{:<28} {:>10} {:>10} {:>7}   {:>10} {:>10} {:>7}", "", "module µs", "kyso µs", "", "CPU", "CPU", "");
    for (_, name, mechanism, count) in &kinds {
        let (raw, blocks) = (Raw::new(&raw_session, mechanism, name), count / BLOCK);
        for (how, session) in [("its thread", &session), ("caller's", &direct_session)] {
            let key = session.signing_key(*name).unwrap();
            let message = ToBeSigned::new(key.default_algorithm(), OCTETS.to_vec());
            let ours = || (0..BLOCK).for_each(|_| drop(key.sign(&message).unwrap()));
            compare(&format!("{name}, {how}"), blocks, || raw.sign(), ours);
        }
    }

    let blocks = DOCUMENTS / BLOCK;
    let (raw, name) = (Raw::new(&raw_session, &Mechanism::Sha256RsaPkcs, "RSA 2048"), "1000 PDFs");
    let key = session.signing_key("RSA 2048").unwrap();
    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    let sign = || {
        let pdf = Pdf::parse(original.clone(), &Limits::default()).unwrap();
        let request = PadesRequest::new(&pdf, ca::at(NOW)).backend(backend());
        drop(request.sign(&key).unwrap().to_octets().unwrap());
    };
    compare(&format!("{name}, one by one"), blocks, || raw.sign(), || (0..BLOCK).for_each(|_| sign()));
    // While the token signs one document the next one is prepared.
    let beside = || {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while next.fetch_add(1, Ordering::Relaxed) < BLOCK {
                        sign();
                    }
                });
            }
        });
    };
    without_processor(&format!("{name}, {THREADS} threads"), blocks, || raw.sign(), beside);
    let items: Vec<Item> = (0..BLOCK)
        .map(|n| {
            let input = dir.path().join(format!("{n}.pdf"));
            std::fs::write(&input, &original).unwrap();
            Item { input, output: dir.path().join(format!("{n}-signed.pdf")) }
        })
        .collect();
    let batch = Batch::new(items).threads(WRITERS.try_into().unwrap());
    let files = || {
        let outcomes = batch.run_shared(&key, |_, source, key, out| {
            let pdf = Pdf::parse(source, &Limits::default())?;
            PadesRequest::new(&pdf, ca::at(NOW)).backend(backend()).sign_to(key, out).map(drop)
        });
        let outcomes = outcomes.unwrap();
        assert!(outcomes.iter().all(|outcome: &Outcome<(), Error>| matches!(outcome, Outcome::Done(()))));
    };
    without_processor(&format!("{name}, synced files"), blocks, || raw.sign(), files);
}

#[cfg(feature = "aws-lc-rs")]
fn backend() -> Backend {
    Backend::aws_lc_rs()
}

#[cfg(not(feature = "aws-lc-rs"))]
fn backend() -> Backend {
    Backend::default()
}

/// The module's own call.
struct Raw<'r> {
    session: &'r Session,
    mechanism: &'r Mechanism<'r>,
    key: ObjectHandle,
}

impl<'r> Raw<'r> {
    fn new(session: &'r Session, mechanism: &'r Mechanism<'r>, name: &str) -> Self {
        let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(name.as_bytes().to_vec())];
        Self { session, mechanism, key: session.find_objects(&template).unwrap()[0] }
    }

    /// One block of signatures.
    fn sign(&self) {
        let input = if matches!(self.mechanism, Mechanism::Ecdsa) { &OCTETS[..32] } else { &OCTETS[..] };
        for _ in 0..BLOCK {
            drop(self.session.sign(self.mechanism, self.key, input).unwrap());
        }
    }
}

/// What one signature takes on each side, with the time on the processor.
fn compare(name: &str, blocks: usize, theirs: impl Fn(), ours: impl Fn()) {
    let (theirs, ours) = measure(name, blocks, theirs, ours);
    println!("   {:>10.1} {:>10.1} {:>7}", theirs.cpu, ours.cpu, more(theirs.cpu, ours.cpu));
}

/// The same where threads end meanwhile, whose time on the processor ends with them.
fn without_processor(name: &str, blocks: usize, theirs: impl Fn(), ours: impl Fn()) {
    measure(name, blocks, theirs, ours);
    println!();
}

fn more(theirs: f64, ours: f64) -> String {
    format!("{:+.1}%", (ours / theirs - 1.0) * 100.0)
}

/// What one signature takes on each side, a block of each in turn.
fn measure(name: &str, blocks: usize, theirs: impl Fn(), ours: impl Fn()) -> (Cost, Cost) {
    let (mut their_costs, mut our_costs) = (Costs::default(), Costs::default());
    for _ in 0..blocks {
        their_costs.block(&theirs);
        our_costs.block(&ours);
    }
    let (theirs, ours) = (their_costs.one(), our_costs.one());
    print!("{name:<28} {:>10.1} {:>10.1} {:>7}", theirs.wall, ours.wall, more(theirs.wall, ours.wall));
    (theirs, ours)
}

/// What one signature takes, in microseconds.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: f64,
    cpu: f64,
}

/// Signatures in a row; the system counts time on the processor too coarsely for one.
const BLOCK: usize = 50;

#[derive(Default)]
struct Costs {
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Costs {
    fn block(&mut self, f: &impl Fn()) {
        let (cpu, begun) = (on_processor(), Instant::now());
        f();
        self.wall.push(begun.elapsed().as_secs_f64() * 1e6 / BLOCK as f64);
        self.cpu.push((on_processor() - cpu) / 1e3 / BLOCK as f64);
    }

    /// The medians.
    fn one(mut self) -> Cost {
        let median = |all: &mut Vec<f64>| {
            all.sort_unstable_by(f64::total_cmp);
            all[all.len() / 2]
        };
        Cost { wall: median(&mut self.wall), cpu: median(&mut self.cpu) }
    }
}

/// Nanoseconds that all threads of this process were on a processor; 0 where the system does not tell.
fn on_processor() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<f64>().ok())
        .sum()
}
