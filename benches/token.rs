//! What a signature through this crate costs over the module's own call, and
//! what a batch of documents costs over the module's own rate.
//!
//! `cargo bench --features pkcs11 --bench token`, with SoftHSM and OpenSC
//! installed. Rounds of the two sides take turns, and the median of each counts.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../tests/support/ca.rs"]
mod ca;
#[path = "../tests/support/der.rs"]
mod der;
#[path = "../tests/support/sample_pdf.rs"]
mod sample_pdf;
#[path = "../tests/support/tokens.rs"]
mod tokens;

use std::time::Duration;
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

const ROUNDS: usize = 21;
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
        (KeySpec::Rsa2048, "RSA 2048", Mechanism::Sha256RsaPkcs, 100),
        (KeySpec::Rsa3072, "RSA 3072", Mechanism::Sha256RsaPkcs, 40),
        (KeySpec::P256, "P-256", Mechanism::EcdsaSha256, 200),
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
    println!("{:<10} {:>12} {:>12} {:>9}", "key", "module µs", "kyso µs", "more");
    let mut rate = Duration::ZERO;
    for (spec, name, mechanism, count) in &kinds {
        let key = session.signing_key(*name).unwrap();
        let (theirs, ours) = compare(&raw_session, mechanism, name, &key, *count);
        let more = ours.as_secs_f64() / theirs.as_secs_f64() - 1.0;
        println!(
            "{name:<10} {:>12.1} {:>12.1} {:>8.1}%",
            theirs.as_secs_f64() * 1e6,
            ours.as_secs_f64() * 1e6,
            more * 100.0
        );
        if *spec == KeySpec::Rsa2048 {
            rate = theirs;
        }
    }

    let key = session.signing_key("RSA 2048").unwrap();
    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    let begun = Instant::now();
    for _ in 0..DOCUMENTS {
        let pdf = Pdf::parse(original.clone(), &Limits::default()).unwrap();
        let signed = PadesRequest::new(&pdf, ca::at("2026-11-23T01:00:00Z")).sign(&key).unwrap();
        std::hint::black_box(signed.to_octets().unwrap());
    }
    let each = begun.elapsed().as_secs_f64() / DOCUMENTS as f64;
    let more = each / rate.as_secs_f64() - 1.0;
    println!("{DOCUMENTS} PDFs on one thread: {:.1} µs each, {:.1}% over the module's own", each * 1e6, more * 100.0);
}

/// The median time of one signature on each side.
fn compare(raw: &Session, mechanism: &Mechanism<'_>, name: &str, key: &TokenKey, count: usize) -> (Duration, Duration) {
    let template = [Attribute::Class(ObjectClass::PRIVATE_KEY), Attribute::Label(name.as_bytes().to_vec())];
    let handle = raw.find_objects(&template).unwrap()[0];
    let octets = vec![0x5A; 200];
    let message = ToBeSigned::new(key.default_algorithm(), octets.clone());
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(timed(count, || drop(raw.sign(mechanism, handle, &octets).unwrap())));
        ours.push(timed(count, || drop(key.sign(&message).unwrap())));
    }
    theirs.sort_unstable();
    ours.sort_unstable();
    (theirs[ROUNDS / 2], ours[ROUNDS / 2])
}

fn timed(count: usize, mut f: impl FnMut()) -> Duration {
    let begun = Instant::now();
    for _ in 0..count {
        f();
    }
    begun.elapsed() / u32::try_from(count).unwrap()
}
