//! CMS signatures: attached, detached, from a digest, in two phases; OpenSSL judges.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::process::Command;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::key::SignatureValue;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::sign::Prepared;
use kyso::sign::StateFormat;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::Content;
use kyso::source::Source;

const NOW: &str = "2026-11-23T01:00:00Z";
const CONTENT: &[u8] = "Quyết định số 01/QĐ-UBND\r\n\0\x01".as_bytes();

const EVERY_KEY: [KeySpec; 7] = [
    KeySpec::Rsa2048,
    KeySpec::P256,
    KeySpec::P384,
    KeySpec::P521,
    KeySpec::BrainpoolP256r1,
    KeySpec::BrainpoolP384r1,
    KeySpec::Ed25519,
];

fn authority() -> Authority {
    Authority::root(Template::ca(&[(ca::CN, "CA of sign_cms")], None), KeySpec::P256)
}

fn key(spec: KeySpec) -> SoftKey {
    authority().issue(&Template::new(&[(ca::C, "VN"), (ca::CN, "Nguyễn Văn A")]), spec)
}

fn request() -> CadesRequest<'static> {
    CadesRequest::new(CONTENT, ca::at(NOW))
}

/// Verifies by the crate's own reader.
fn verify(octets: &[u8], attached: bool) {
    let cms = SignedData::from_octets(octets, &Limits::default()).unwrap();
    assert_eq!(cms.content(), attached.then_some(CONTENT));
    assert!(cms.findings().is_empty());
    let [signer] = cms.signers() else { panic!("one signer") };
    assert_eq!(signer.signing_time().unwrap(), Some(ca::at(NOW)));
    let certificate = cms.certificates().iter().find(|c| signer.id().names(c)).unwrap();
    assert!(signer.signing_certificate().unwrap().unwrap()[0].names(certificate));
    assert_eq!(cms.certificates().len(), 2, "the chain is embedded");
    let digest = signer.digest_algorithm().unwrap().digest(CONTENT);
    let result = signer.verify(certificate.public_key(), cms.content_type(), &digest, None, Backend::default());
    assert_eq!((result.fault, result.deviations.len()), (None, 0));
}

#[test]
fn openssl_accepts_every_key_and_form() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("content"), CONTENT).unwrap();
    let ca = authority();
    fs::write(path("root.pem"), ca.certificate.to_pem()).unwrap();
    for spec in EVERY_KEY {
        let key = ca.issue(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), spec);
        let mut signed = vec![(true, request().sign(&key).unwrap()), (false, request().detached().sign(&key).unwrap())];
        if spec == KeySpec::Rsa2048 {
            signed.push((false, request().detached().pss().digest(DigestAlgorithm::Sha384).sign(&key).unwrap()));
        }
        for (attached, signed) in signed {
            verify(signed.octets(), attached);
            fs::write(path("signed"), signed.octets()).unwrap();
            let (input, roots, content, out) = (path("signed"), path("root.pem"), path("content"), path("out"));
            let mut arguments = vec!["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", &input];
            arguments.extend(["-CAfile", &roots, "-purpose", "any", "-attime", "1795395600", "-out", &out]);
            if !attached {
                arguments.extend(["-content", &content]);
            }
            let Ok(output) = Command::new("openssl").args(arguments).output() else {
                assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl not found");
                eprintln!("openssl not found: skipped");
                continue;
            };
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            // Before 3.2 OpenSSL verifies no Ed25519 in CMS.
            if spec == KeySpec::Ed25519 && !output.status.success() {
                assert!(text.contains("eddsa_digest_signverify_init:invalid digest"), "{text}");
                continue;
            }
            assert!(output.status.success(), "{spec:?} {attached}: {text}");
            assert_eq!(fs::read(path("out")).unwrap(), CONTENT);
        }
    }
}

#[test]
fn a_digest_is_as_good_as_the_content() {
    let rsa = key(KeySpec::Rsa2048);
    for algorithm in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha512] {
        let from_digest = CadesRequest::from_digest(algorithm.digest(CONTENT), ca::at(NOW)).sign(&rsa).unwrap();
        assert_eq!(from_digest, request().detached().digest(algorithm).sign(&rsa).unwrap());
        verify(from_digest.octets(), false);
    }
    let sha256 = CadesRequest::from_digest(DigestAlgorithm::Sha256.digest(CONTENT), ca::at(NOW));
    assert!(matches!(sha256.sign(&key(KeySpec::Ed25519)), Err(Error::Misuse(_))));
    assert!(matches!(sha256.digest(DigestAlgorithm::Sha384).sign(&rsa), Err(Error::Misuse(_))));
}

#[test]
fn two_phases_give_the_octets_of_one_and_refuse_all_else() {
    let signer = key(KeySpec::Rsa2048);
    for detached in [false, true] {
        let request = || if detached { request().detached() } else { request() };
        let at_once = request().sign(&signer).unwrap();
        let prepared = request().prepare(signer.identity()).unwrap();
        let state = prepared.to_bytes();
        assert_eq!(StateFormat::of(&state).unwrap(), StateFormat::Cades);
        let value = signer.sign(prepared.to_be_signed()).unwrap();
        let resume = |content: &'static [u8]| Prepared::resume(&state, Content::Octets(content));
        assert_eq!(resume(CONTENT).unwrap().complete(&value).unwrap(), at_once);
        verify(at_once.octets(), !detached);

        let Err(Error::Refused(refused)) = resume(b"another document") else { panic!() };
        assert_eq!(refused.reason(), RefusalReason::StateMismatch);
        let digest = Content::Digest(DigestAlgorithm::Sha256.digest(CONTENT));
        match Prepared::resume(&state, digest) {
            Ok(resumed) if detached => assert_eq!(resumed.complete(&value).unwrap(), at_once),
            Err(Error::Misuse(_)) if !detached => {}
            other => panic!("{other:?}"),
        }
        let mut wrong = value.octets().to_vec();
        wrong[9] ^= 1;
        let Err(Error::Refused(refused)) = resume(CONTENT).unwrap().complete(&SignatureValue::new(wrong)) else {
            panic!()
        };
        assert_eq!(refused.reason(), RefusalReason::SignatureValue);
        for index in 0..state.len() {
            let mut altered = state.clone();
            altered[index] ^= 1;
            assert!(Prepared::resume(&altered, Content::Octets(CONTENT)).is_err(), "{index}");
            assert!(Prepared::resume(&state[..index], Content::Octets(CONTENT)).is_err(), "{index}");
        }
    }
}

/// Content that is read in pieces and never held, as that of a large file.
struct InPieces(Vec<u8>);

impl Source for InPieces {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let piece = buffer.len().min(1000);
        self.0.as_slice().read_at(offset, &mut buffer[..piece])
    }
}

/// One that is shorter than it says.
struct Cut(InPieces);

impl Source for Cut {
    fn len(&self) -> u64 {
        Source::len(&self.0) + 1
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        self.0.read_at(offset, buffer)
    }
}

#[test]
fn content_that_is_read_in_place_gives_the_same_octets() {
    let key = key(KeySpec::Rsa2048);
    let now = || ca::at(NOW);
    let content: Vec<u8> = (0..300_000_u32).map(|index| index.to_le_bytes()[0]).collect();
    let source = InPieces(content.clone());
    for detached in [false, true] {
        let choose = |request: CadesRequest<'static>| if detached { request.detached() } else { request };
        let content: &'static [u8] = content.clone().leak();
        let source: &'static InPieces = Box::leak(Box::new(InPieces(content.to_vec())));
        let whole = choose(CadesRequest::new(content, now())).sign(&key).unwrap();
        assert!(!whole.lacks_content());
        let request = choose(CadesRequest::from_source(source, now()));
        // In two phases, and in one.
        let state = request.prepare(key.identity()).unwrap().to_bytes();
        let prepared = Prepared::resume(&state, Content::Source(source)).unwrap();
        let value = key.sign(prepared.to_be_signed()).unwrap();
        for signed in [prepared.complete(&value).unwrap(), request.sign(&key).unwrap()] {
            assert_eq!(signed.lacks_content(), !detached);
            let mut out = Vec::new();
            signed.write_to(source, &mut out).unwrap();
            assert!(out == whole.octets(), "detached: {detached}");
        }
    }
    // Another file is another document; one that ends too early is told.
    let state = CadesRequest::from_source(&source, now()).prepare(key.identity()).unwrap().to_bytes();
    let other = InPieces(content[1..].to_vec());
    assert!(matches!(Prepared::resume(&state, Content::Source(&other)), Err(Error::Refused(_))));
    let signed = CadesRequest::from_source(&source, now()).sign(&key).unwrap();
    let cut = Cut(source);
    assert!(signed.write_to(&cut, &mut Vec::new()).is_err());
    assert!(matches!(CadesRequest::from_source(&cut, now()).sign(&key), Err(Error::Io(_))));
}

#[test]
fn a_state_says_what_it_is_for() {
    let signer = key(KeySpec::P256);
    let state = request().prepare(signer.identity()).unwrap().to_bytes();
    let pdf = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [] /Count 0 >>\nendobj\nxref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \ntrailer\n<< /Size 3 /Root 1 0 R >>\nstartxref\n110\n%%EOF\n";
    let pdf = Pdf::parse(pdf.to_vec(), &Limits::default()).unwrap();
    assert!(matches!(Prepared::resume(&state, &pdf), Err(Error::Misuse(_))));
    assert!(matches!(StateFormat::of(b""), Err(Error::Malformed(_))));
    assert!(matches!(StateFormat::of(&[0x30; 4096]), Err(Error::Malformed(_))));
}

#[test]
fn the_claimed_time_must_lie_in_the_certificate() {
    let ca = authority();
    let expired = ca.issue(
        &Template::new(&[(ca::CN, "Người ký")]).valid("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        KeySpec::P256,
    );
    let Err(Error::Refused(refused)) = request().sign(&expired) else { panic!() };
    assert_eq!(refused.reason(), RefusalReason::CertificateTime);
}
