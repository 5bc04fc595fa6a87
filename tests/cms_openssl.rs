//! CMS against OpenSSL, both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::path::Path;
use std::process::Command;

use kyso::Limits;
use kyso::cms::CONTENT_DATA;
use kyso::cms::SignedAttributes;
use kyso::cms::SignedData;
use kyso::cms::SignedDataBuilder;
use kyso::cms::SignerInfoParts;
use kyso::cms::VerificationFault;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PssParameters;
use kyso::crypto::SignatureAlgorithm;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::soft::SoftKey;

const CONTENT: &[u8] = "Công văn số 128/UBND-VP\n".as_bytes();

fn openssl() -> bool {
    let there = Command::new("openssl").arg("version").output().is_ok();
    assert!(there || std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl is required here");
    if !there {
        println!("openssl is not there: skipped");
    }
    there
}

fn pki() -> (ca::Authority, ca::Template) {
    let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root")], None), KeySpec::P256);
    (root, ca::Template::new(&[(ca::CN, "Nguyễn Văn A")]))
}

fn keys(root: &ca::Authority, template: &ca::Template) -> Vec<SoftKey> {
    let rsa = || root.issue(template, KeySpec::Rsa2048);
    vec![
        rsa(),
        rsa().with_algorithm(SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha512)).unwrap(),
        rsa().with_algorithm(SignatureAlgorithm::RsaPss(PssParameters::new(DigestAlgorithm::Sha256))).unwrap(),
        root.issue(template, KeySpec::P256),
        root.issue(template, KeySpec::P384),
        root.issue(template, KeySpec::P521),
        root.issue(template, KeySpec::Ed25519),
    ]
}

fn sign(key: &SoftKey, attached: bool) -> Vec<u8> {
    let algorithm = key.default_algorithm();
    let digest_algorithm = algorithm.digest().unwrap_or(DigestAlgorithm::Sha512);
    let certificate = key.identity().certificate();
    let attributes = SignedAttributes::new(&CONTENT_DATA, &digest_algorithm.digest(CONTENT), certificate)
        .signing_time(ca::at("2026-11-23T09:00:00Z"))
        .to_der();
    let value = key.sign(&ToBeSigned::new(algorithm, attributes.clone())).unwrap();
    let signer = SignerInfoParts::new(certificate, digest_algorithm, algorithm, &attributes, value.octets());
    let builder = if attached {
        SignedDataBuilder::attached(CONTENT_DATA, CONTENT)
    } else {
        SignedDataBuilder::detached(CONTENT_DATA)
    };
    builder.certificates([certificate]).certificates(key.identity().chain()).signer(&signer).to_der()
}

fn run(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new("openssl").args(arguments).current_dir(folder).output().unwrap()
}

fn equations(signed: &SignedData, content: &[u8]) -> Option<VerificationFault> {
    let signer = &signed.signers()[0];
    let digest = signer.digest_algorithm().unwrap().digest(content);
    let certificate = signed.certificates().iter().find(|c| signer.id().names(c)).expect("the signer's certificate");
    let key = certificate.public_key();
    signer.verify(key, signed.content_type(), &digest, Some(content), Backend::default()).fault
}

#[test]
fn openssl_accepts_what_we_write() {
    if !openssl() {
        return;
    }
    let (root, template) = pki();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("root.pem"), root.certificate.to_pem()).unwrap();
    fs::write(path.join("content"), CONTENT).unwrap();
    for key in keys(&root, &template) {
        for attached in [true, false] {
            let cms = sign(&key, attached);
            let read = SignedData::from_octets(&cms, &Limits::default()).unwrap();
            assert_eq!(read.der(), cms);
            assert_eq!(equations(&read, CONTENT), None, "{}", key.default_algorithm().name());
            assert_eq!(equations(&read, b"another"), Some(VerificationFault::ContentDigest));
            assert!(read.findings().is_empty());
            let signer = &read.signers()[0];
            assert!(signer.signing_certificate().unwrap().unwrap()[0].names(key.identity().certificate()));
            // OpenSSL 3.0 cannot verify Ed25519 in CMS.
            if key.default_algorithm() == SignatureAlgorithm::Ed25519 {
                continue;
            }
            fs::write(path.join("a.p7s"), &cms).unwrap();
            let mut arguments = vec![
                "cms",
                "-verify",
                "-inform",
                "DER",
                "-in",
                "a.p7s",
                "-binary",
                "-CAfile",
                "root.pem",
                "-purpose",
                "any",
                "-cades",
                "-attime",
                "1795424400",
                "-out",
                "out",
            ];
            if !attached {
                arguments.extend(["-content", "content"]);
            }
            let output = run(path, &arguments);
            assert!(
                output.status.success(),
                "{} attached {attached}: {}",
                key.default_algorithm().name(),
                String::from_utf8_lossy(&output.stderr)
            );
            assert_eq!(fs::read(path.join("out")).unwrap(), CONTENT);
        }
    }
}

#[test]
fn we_accept_what_openssl_writes() {
    if !openssl() {
        return;
    }
    let (root, template) = pki();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("content"), CONTENT).unwrap();
    for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384] {
        let key = kyso::crypto::PrivateKey::generate(spec).unwrap();
        let certificate = root.certify(&template, &key);
        fs::write(path.join("key.der"), key.to_pkcs8_der().unwrap()).unwrap();
        fs::write(path.join("cert.pem"), certificate.to_pem()).unwrap();
        let output = run(path, &["pkey", "-inform", "DER", "-in", "key.der", "-out", "key.pem"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let variants: [&[&str]; 7] = [
            &["-nodetach"],
            &[],
            &["-cades"],
            &["-nodetach", "-stream"],
            &["-keyid"],
            &["-noattr"],
            &["-md", "sha512", "-nodetach"],
        ];
        for variant in variants {
            let base = ["cms", "-sign", "-binary", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem"];
            let out = ["-outform", "DER", "-out", "b.p7s"];
            let output = run(path, &[&base, variant, &out].concat());
            assert!(output.status.success(), "{variant:?}: {}", String::from_utf8_lossy(&output.stderr));
            let cms = fs::read(path.join("b.p7s")).unwrap();
            let read = SignedData::from_octets(&cms, &Limits::default()).unwrap();
            assert_eq!(equations(&read, CONTENT), None, "{spec:?} {variant:?}");
            if variant.contains(&"-nodetach") {
                assert_eq!(read.content(), Some(CONTENT), "{variant:?}");
            }
            let stream = variant.contains(&"-stream");
            assert_eq!(read.findings().iter().any(|f| f.code() == "CMS_BER"), stream, "{variant:?}");
        }
    }
}

#[test]
fn each_flipped_octet_is_seen() {
    let (root, template) = pki();
    let key = root.issue(&template, KeySpec::P256);
    let cms = sign(&key, true);
    let certificate = key.identity().certificate().clone();
    for at in 0..cms.len() {
        let mut changed = cms.clone();
        changed[at] ^= 0x01;
        let Ok(read) = SignedData::from_octets(&changed, &Limits::default()) else { continue };
        let Some(signer) = read.signers().first() else { continue };
        let (Ok(algorithm), Some(content)) = (signer.digest_algorithm(), read.content()) else { continue };
        let digest = algorithm.digest(content);
        let outcome =
            signer.verify(certificate.public_key(), read.content_type(), &digest, Some(content), Backend::default());
        if outcome.fault.is_none() {
            // What is not signed: the version numbers, the digest set, the certificates, the signer's name.
            assert_eq!(content, CONTENT, "octet {at}");
            let whole = signer.signed_octets().unwrap();
            let original = SignedData::from_octets(&cms, &Limits::default()).unwrap();
            assert_eq!(whole, original.signers()[0].signed_octets().unwrap(), "octet {at}");
        }
    }
}

#[test]
fn each_cut_is_an_error() {
    let (root, template) = pki();
    let cms = sign(&root.issue(&template, KeySpec::P256), true);
    for length in 0..cms.len() {
        SignedData::from_octets(&cms[..length], &Limits::default()).unwrap_err();
    }
    let padded = [cms.as_slice(), &[0; 64]].concat();
    SignedData::from_octets(&padded, &Limits::default()).unwrap_err();
    let clean = SignedData::from_padded(&padded, &Limits::default()).unwrap();
    assert!(clean.findings().is_empty());
    // Some producers leave other octets in the room of /Contents: taken, and said.
    let dirty = [padded.as_slice(), b"x"].concat();
    let read = SignedData::from_padded(&dirty, &Limits::default()).unwrap();
    assert_eq!(read.findings()[0].code(), "CMS_PADDING");
    assert_eq!(read.der(), clean.der());
}

#[test]
fn an_unsigned_attribute_leaves_the_rest() {
    let (root, template) = pki();
    let cms = sign(&root.issue(&template, KeySpec::P256), true);
    let read = SignedData::from_octets(&cms, &Limits::default()).unwrap();
    let oid = kyso::asn1::Oid::parse("1.2.840.113549.1.9.16.2.14").unwrap();
    let longer = read.with_unsigned_attribute(0, &oid, &[0x30, 0x02, 0x05, 0x00]).unwrap();
    assert_eq!(equations(&longer, CONTENT), None);
    assert_eq!(longer.signers()[0].signature_time_stamps().count(), 1);
    assert_eq!(longer.certificates(), read.certificates());
    assert!(read.with_unsigned_attribute(1, &oid, &[0x05, 0x00]).is_err());
}
