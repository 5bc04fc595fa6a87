//! Time-stamps against OpenSSL and against the in-test TSA.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::process::Command;

use kyso::Limits;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::key::SigningKey;
use kyso::timestamp::TimeStampRequest;
use kyso::timestamp::TimeStampResponse;

const CONTENT: &[u8] = b"to be time-stamped";

fn tsa() -> (ca::Authority, ca::Tsa) {
    let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root")], None), KeySpec::P256);
    let key = root.issue(&ca::Template::tsa(&[(ca::CN, "TSA")]), KeySpec::P256);
    (root, ca::Tsa::new(key))
}

fn request() -> TimeStampRequest {
    TimeStampRequest::new(DigestAlgorithm::Sha256.digest(CONTENT)).nonce(&[0x9A, 1, 2, 3, 4, 5, 6, 7])
}

#[test]
fn an_answer_fits_its_own_request_only() {
    let (_, tsa) = tsa();
    let now = ca::at("2026-11-23T09:00:00Z");
    let answer = tsa.respond(&request().to_der(), now);
    let read = || TimeStampResponse::from_octets(&answer, &Limits::default()).unwrap();
    let token = read().accept(&request()).unwrap();
    assert_eq!(token.time(), now);
    let key = tsa.key.identity().certificate().public_key();
    assert_eq!(token.verify(key, Backend::default()).fault, None);
    let other = TimeStampRequest::new(DigestAlgorithm::Sha256.digest(b"other"));
    assert!(read().accept(&other).unwrap_err().to_string().contains("another digest"));
    let later = TimeStampRequest::new(DigestAlgorithm::Sha256.digest(CONTENT)).nonce(&[1; 8]);
    assert!(read().accept(&later).unwrap_err().to_string().contains("nonce"));
    let strict = request().policy(kyso::asn1::Oid::parse("1.2.3").unwrap());
    assert!(read().accept(&strict).unwrap_err().to_string().contains("policy"));
    for length in 0..answer.len() {
        TimeStampResponse::from_octets(&answer[..length], &Limits::default()).unwrap_err();
    }
}

#[test]
fn a_refusal_says_why() {
    let refusal = der::seq(&[&der::seq(&[
        &der::int(2),
        &der::seq(&[&der::utf8("no time source")]),
        &der::tlv(0x03, &[0x01, 0x00, 0x02]),
    ])]);
    let read = TimeStampResponse::from_octets(&refusal, &Limits::default()).unwrap();
    let message = read.accept(&request()).unwrap_err().to_string();
    assert!(message.contains("no time source") && message.contains("timeNotAvailable"), "{message}");
    let empty = der::seq(&[&der::seq(&[&der::int(0)])]);
    TimeStampResponse::from_octets(&empty, &Limits::default()).unwrap_err();
}

#[test]
fn openssl_reads_our_request_and_verifies_the_token() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl is required here");
        println!("openssl is not there: skipped");
        return;
    }
    let (root, tsa) = tsa();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("q.tsq"), request().to_der()).unwrap();
    fs::write(path.join("content"), CONTENT).unwrap();
    fs::write(path.join("root.pem"), root.certificate.to_pem()).unwrap();
    fs::write(path.join("r.tsr"), tsa.respond(&request().to_der(), ca::at("2026-11-23T09:00:00Z"))).unwrap();
    let run = |arguments: &[&str]| Command::new("openssl").args(arguments).current_dir(path).output().unwrap();
    let shown = run(&["ts", "-query", "-in", "q.tsq", "-text"]);
    let text = String::from_utf8_lossy(&shown.stdout);
    assert!(shown.status.success() && text.contains("0x9A01020304050607") && text.contains("sha256"), "{text}");
    let verified =
        run(&["ts", "-verify", "-in", "r.tsr", "-data", "content", "-CAfile", "root.pem", "-attime", "1795424400"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    let made = run(&["ts", "-query", "-data", "content", "-sha384", "-cert", "-out", "o.tsq"]);
    assert!(made.status.success());
    let theirs = TimeStampRequest::from_der(&fs::read(path.join("o.tsq")).unwrap()).unwrap();
    assert_eq!(theirs.imprint(), &DigestAlgorithm::Sha384.digest(CONTENT));
    assert!(theirs.nonce_content().is_some());
}
