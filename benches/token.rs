//! What a signature through this crate costs over the module's own call, and
//! what a batch of documents costs over the module's own rate.
//!
//! `cargo bench --features pkcs11 --bench token`, with SoftHSM and OpenSC
//! installed. The two sides take turns signature by signature, and the median of
//! each counts, so that other work on the machine falls on both. Where the machine
//! is busy all the same, the time on the processor tells more: a thread that
//! waits for another one is put behind strangers.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../tests/support/ca.rs"]
mod ca;
#[path = "../tests/support/der.rs"]
mod der;
#[path = "../tests/support/sample_pdf.rs"]
mod sample_pdf;
#[path = "../tests/support/tokens.rs"]
mod tokens;

use std::time::Instant;

use cryptoki::context::Pkcs11;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::object::ObjectClass;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::pkcs11::TokenKey;
use kyso::pdf::Pdf;
use kyso::secret::Pin;
use kyso::sign::pades::PadesRequest;
use tokens::LABEL;
use tokens::PIN;
use tokens::Tokens;

const DOCUMENTS: usize = 1000;

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
    println!(
        "{:<10} {:>12} {:>12} {:>7}   {:>12} {:>12} {:>7}",
        "key", "module µs", "kyso µs", "", "module CPU", "kyso CPU", ""
    );
    let mut module_alone = Cost::default();
    for (spec, name, mechanism, count) in &kinds {
        let key = session.signing_key(*name).unwrap();
        let (theirs, ours) = compare(&raw_session, mechanism, name, &key, *count);
        line(name, theirs, ours);
        if *spec == KeySpec::Rsa2048 {
            module_alone = theirs;
        }
    }

    let key = session.signing_key("RSA 2048").unwrap();
    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    let mut costs = Costs::default();
    for _ in 0..DOCUMENTS / BLOCK {
        costs.block(|| {
            let pdf = Pdf::parse(original.clone(), &Limits::default()).unwrap();
            let signed = PadesRequest::new(&pdf, ca::at("2026-11-23T01:00:00Z")).sign(&key).unwrap();
            drop(signed.to_octets().unwrap());
        });
    }
    line("1000 PDFs", module_alone, costs.one());
}

fn line(name: &str, theirs: Cost, ours: Cost) {
    let more = |theirs: f64, ours: f64| format!("{:+.1}%", (ours / theirs - 1.0) * 100.0);
    let (wall, cpu) = (more(theirs.wall, ours.wall), more(theirs.cpu, ours.cpu));
    println!(
        "{name:<10} {:>12.1} {:>12.1} {wall:>7}   {:>12.1} {:>12.1} {cpu:>7}",
        theirs.wall, ours.wall, theirs.cpu, ours.cpu
    );
}

/// What one signature takes, in microseconds.
#[derive(Clone, Copy, Default)]
struct Cost {
    wall: f64,
    cpu: f64,
}

/// The cost of one signature on each side.
fn compare(raw: &Session, mechanism: &Mechanism<'_>, name: &str, key: &TokenKey, count: usize) -> (Cost, Cost) {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(name.as_bytes().to_vec())];
    let handle = raw.find_objects(&template).unwrap()[0];
    let octets = vec![0x5A; 200];
    let message = ToBeSigned::new(key.default_algorithm(), octets.clone());
    let input = if matches!(mechanism, Mechanism::Ecdsa) { &octets[..32] } else { &octets };
    let (mut theirs, mut ours) = (Costs::default(), Costs::default());
    for _ in 0..count / BLOCK {
        theirs.block(|| drop(raw.sign(mechanism, handle, input).unwrap()));
        ours.block(|| drop(key.sign(&message).unwrap()));
    }
    (theirs.one(), ours.one())
}

/// Signatures in a row; the system counts time on the processor too coarsely for one.
const BLOCK: usize = 50;

#[derive(Default)]
struct Costs {
    wall: Vec<f64>,
    cpu: f64,
}

impl Costs {
    fn block(&mut self, mut f: impl FnMut()) {
        let cpu = on_processor();
        for _ in 0..BLOCK {
            let begun = Instant::now();
            f();
            self.wall.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        self.cpu += (on_processor() - cpu) / 1e3;
    }

    /// The median of the wall, the mean of the processor.
    fn one(mut self) -> Cost {
        self.wall.sort_unstable_by(f64::total_cmp);
        let count = self.wall.len();
        Cost { wall: self.wall[count / 2], cpu: self.cpu / count as f64 }
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
