//! Further signers of a CMS: parallel signatures, counter-signatures, in one phase and two.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/services.rs"]
mod services;

use std::fs;
use std::process::Command;

use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::fetch::run;
use kyso::key::SigningKey;
use kyso::level::BaselineLevel;
use kyso::sign::Prepared;
use kyso::sign::StateFormat;
use kyso::sign::augment::Augmentation;
use kyso::sign::augment::CmsSignatures;
use kyso::sign::cades::CadesRequest;
use kyso::sign::counter;
use kyso::sign::counter::CounterSignatureRequest;
use kyso::source::Source;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use services::Services;
use services::settings;

const CONTENT: &[u8] = "Quyết định số 01/QĐ-UBND".as_bytes();

fn read(octets: &[u8]) -> SignedData {
    SignedData::from_octets(octets, &Limits::default()).unwrap()
}

fn by_officer(services: &Services, detached: bool) -> SignedData {
    let request = CadesRequest::new(CONTENT, services.now());
    let request = if detached { request.detached() } else { request };
    read(request.sign(&services.officer).unwrap().octets())
}

fn validate(services: &Services, signed: &SignedData) -> Report {
    let mut evidence = kyso::revocation::Evidence::new();
    let (now, next) = (services.now(), services.now().saturating_add(services::DAY));
    for authority in [&services.root, &services.issuing, &services.elsewhere] {
        evidence.add_crl(kyso::x509::Crl::from_der(&authority.crl(now, next)).unwrap());
    }
    let content = CONTENT.to_vec();
    let beside: Option<&dyn Source> = if signed.content().is_none() { Some(&content) } else { None };
    let (policy, anchors) = (Policy::etsi(), services.anchors());
    Validator::new(&policy, &anchors, services.now()).evidence(&evidence).cms(signed, beside)
}

fn openssl(signed: &SignedData, root: &str) -> Option<bool> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("signed"), signed.der()).unwrap();
    fs::write(path("content"), CONTENT).unwrap();
    fs::write(path("root.pem"), root).unwrap();
    let (signed_path, root_path, content_path, out) = (path("signed"), path("root.pem"), path("content"), path("out"));
    let mut arguments = vec!["cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", &signed_path];
    arguments.extend(["-CAfile", &root_path, "-purpose", "any", "-no_check_time", "-out", &out]);
    if signed.content().is_none() {
        arguments.extend(["-content", &content_path]);
    }
    match Command::new("openssl").args(&arguments).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            if !output.status.success() {
                eprintln!("{text}");
            }
            // Before 3.2 OpenSSL verifies no Ed25519 in CMS.
            Some(output.status.success() || text.contains("eddsa_digest_signverify_init:invalid digest"))
        }
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl: {error}");
            None
        }
    }
}

#[test]
fn a_parallel_signature_stands_beside_the_first_one() {
    let services = Services::new();
    for detached in [false, true] {
        for spec in [KeySpec::P256, KeySpec::P384, KeySpec::Rsa2048, KeySpec::Ed25519] {
            let first = by_officer(&services, detached);
            let agency = services.issuing.issue(&ca::Template::new(&[(ca::CN, "Agency")]), spec);
            let own = CadesRequest::new(CONTENT, services.now()).detached().sign(&agency).unwrap();
            let both = read(counter::parallel(&first, &own, &Limits::default()).unwrap().octets());
            assert_eq!((both.signers().len(), both.content()), (2, first.content()));
            assert_eq!(both.signers()[0].der(), first.signers()[0].der());
            let report = validate(&services, &both);
            assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
            assert_eq!(report.signatures().len(), 2);
            assert_ne!(openssl(&both, &services.root.certificate.to_pem()), Some(false));
        }
    }
}

#[test]
fn a_parallel_signature_over_something_else_is_refused() {
    let services = Services::new();
    let other = CadesRequest::new(b"another decision", services.now());
    for detached in [false, true] {
        let first = by_officer(&services, detached);
        for own in [other.sign(&services.agency).unwrap(), other.clone().detached().sign(&services.agency).unwrap()] {
            match counter::parallel(&first, &own, &Limits::default()) {
                Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::StateMismatch),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn a_counter_signature_is_over_the_value_of_the_first() {
    let services = Services::new();
    for detached in [false, true] {
        let first = by_officer(&services, detached);
        let request = CounterSignatureRequest::new(&first, 0, services.now());
        let once = read(request.sign(&services.agency).unwrap().octets());
        let counters = once.signers()[0].counter_signatures().unwrap();
        assert_eq!(counters.len(), 1);
        assert_eq!(counters[0].content_type().unwrap(), None);
        let report = validate(&services, &once);
        assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
        let judged = &report.signatures()[0].counter_signatures()[0];
        assert_eq!(judged.indication().name(), "TOTAL-PASSED", "{}", report.to_json());
        assert!(judged.signer().unwrap().subject.contains("Trà Vinh"));
        assert_ne!(openssl(&once, &services.root.certificate.to_pem()), Some(false));
        // Moved to another signature it is worth nothing.
        services.set("2026-11-23T01:10:00Z");
        let other = by_officer(&services, detached);
        services.set("2026-11-23T01:00:00Z");
        let moved = other.with_counter_signature(0, &counters[0]).unwrap();
        let moved = moved.with_validation_data(once.certificates(), &[], &[]).unwrap();
        let judged = validate(&services, &moved);
        assert_eq!(judged.signatures()[0].counter_signatures()[0].indication().name(), "TOTAL-FAILED");
        // With a time-stamp of its own, and once more in two phases.
        let stamped = run(request.sign_timestamped(&services.agency, settings()).unwrap(), &services).unwrap();
        let stamped = read(stamped.octets());
        assert_eq!(stamped.signers()[0].counter_signatures().unwrap()[0].signature_time_stamps().count(), 1);
        let prepared = CounterSignatureRequest::new(&once, 0, services.now()).prepare(services.agency.identity());
        let state = prepared.unwrap().to_bytes();
        assert_eq!(StateFormat::of(&state).unwrap(), StateFormat::CounterSignature);
        let prepared = Prepared::resume(&state, &once).unwrap();
        let value = services.agency.sign(prepared.to_be_signed()).unwrap();
        let twice = read(prepared.complete(&value).unwrap().octets());
        assert_eq!(twice.signers()[0].counter_signatures().unwrap().len(), 2);
        match Prepared::resume(&state, &other) {
            Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::StateMismatch),
            other => panic!("{other:?}"),
        }
    }
    let first = by_officer(&services, false);
    let absent = CounterSignatureRequest::new(&first, 1, services.now());
    assert!(matches!(absent.sign(&services.agency), Err(Error::Misuse(_))));
}

#[test]
fn all_signers_are_raised_together() {
    let services = Services::new();
    let first = by_officer(&services, false);
    let own = CadesRequest::new(CONTENT, services.now()).sign(&services.agency).unwrap();
    let both = read(counter::parallel(&first, &own, &Limits::default()).unwrap().octets());
    let request = CounterSignatureRequest::new(&both, 1, services.now());
    let all = read(request.sign(&services.officer).unwrap().octets());
    services.asked();
    let signatures = CmsSignatures::of(all).unwrap();
    let job = Augmentation::new(signatures, BaselineLevel::Lta, &services.anchors(), services.now()).unwrap();
    let raised = run(job.timestamps(settings()).start().unwrap(), &services).unwrap();
    let asked = services.asked();
    assert_eq!(asked.iter().filter(|url| url.contains("tsa")).count(), 4, "two signers, two time-stamps each");
    assert_eq!(asked.iter().filter(|url| url.contains("ocsp")).count(), 2);
    assert_eq!(asked.iter().filter(|url| url.contains("crl")).count(), 1);
    let raised = read(raised.document.octets());
    let (policy, anchors) = (Policy::etsi(), services.anchors());
    let report = Validator::new(&policy, &anchors, services.now()).cms(&raised, None);
    assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
    for signature in report.signatures() {
        assert_eq!(signature.level(), Some(BaselineLevel::Lta), "{}", report.to_json());
    }
    assert_ne!(openssl(&raised, &services.root.certificate.to_pem()), Some(false));
}

/// Content in pieces, as a file gives it.
#[derive(Debug)]
struct Pieces<'c>(&'c [u8]);

impl Source for Pieces<'_> {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let most = buffer.len().min(997);
        self.0.read_at(offset, &mut buffer[..most])
    }
}

#[test]
fn content_goes_in_and_out_without_being_held() {
    let services = Services::new();
    for length in [0, 1, 127, 128, 255, 256, 65_535, 65_536, 300_000] {
        let content: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0]).collect();
        let request = CadesRequest::new(&content, services.now());
        let detached = read(request.clone().detached().sign(&services.officer).unwrap().octets());
        let mut attached = Vec::new();
        detached.write_attached(&Pieces(&content), &mut attached).unwrap();
        let whole = read(&attached);
        assert_eq!(whole.content(), Some(content.as_slice()));
        assert_eq!(whole.signers()[0].der(), detached.signers()[0].der());
        assert!(whole.findings().is_empty(), "it is DER");
        assert!(whole.write_attached(&Pieces(&content), &mut Vec::new()).is_err());
        let source = Pieces(&attached);
        let (again, inside) = SignedData::from_source(&source, &Limits::default()).unwrap();
        assert_eq!(again.der(), detached.der());
        let inside = inside.unwrap();
        let mut out = vec![0; content.len()];
        let mut filled = 0;
        while filled < out.len() {
            filled += inside.read_at(filled as u64, &mut out[filled..]).unwrap();
        }
        assert_eq!((inside.len(), out), (content.len() as u64, content));
        let octets = detached.der().to_vec();
        let (again, inside) = SignedData::from_source(&octets, &Limits::default()).unwrap();
        assert_eq!((again.der(), inside.is_none()), (detached.der(), true));
    }
}

#[test]
fn streamed_ber_of_openssl_is_read_where_it_stands_and_nothing_panics() {
    let services = Services::new();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let content: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(path("content"), &content).unwrap();
    let key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
    let certificate = services.issuing.certify(&ca::Template::new(&[(ca::CN, "Peer")]), &key);
    fs::write(path("key.der"), key.to_pkcs8_der().unwrap()).unwrap();
    fs::write(path("cert.pem"), certificate.to_pem()).unwrap();
    let (key, cert, input, out) = (path("key.der"), path("cert.pem"), path("content"), path("out"));
    let run = Command::new("openssl")
        .args(["cms", "-sign", "-binary", "-nodetach", "-stream", "-cades", "-outform", "DER", "-in", &input])
        .args(["-inkey", &key, "-keyform", "DER", "-signer", &cert, "-out", &out])
        .output();
    match run {
        Ok(output) => assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl: {error}");
            return;
        }
    }
    let octets = fs::read(&out).unwrap();
    let whole = read(&octets);
    assert!(whole.findings().iter().any(|f| f.code() == "CMS_BER"), "it is streamed");
    let (signed, inside) = SignedData::from_source(&octets, &Limits::default()).unwrap();
    let inside = inside.unwrap();
    let mut read_back = vec![0; content.len()];
    assert_eq!(inside.read_at(0, &mut read_back).unwrap(), content.len());
    assert_eq!((inside.len(), read_back), (content.len() as u64, content));
    assert_eq!(signed.signers()[0].der(), whole.signers()[0].der());
    // Whatever is cut off or turned over: an error or a reading, never a panic, and never other content.
    let mut damaged = octets.clone();
    for at in (0..200).chain(octets.len() - 1_200..octets.len()) {
        damaged[at] ^= 0x84;
        if let (Ok((signed, Some(inside))), Ok(whole)) = (
            SignedData::from_source(&damaged, &Limits::default()),
            SignedData::from_octets(&damaged, &Limits::default()),
        ) {
            assert_eq!(inside.len(), whole.content().unwrap().len() as u64);
            assert_eq!(signed.signers().len(), whole.signers().len());
        }
        damaged[at] ^= 0x84;
        assert!(SignedData::from_source(&octets[..at].to_vec(), &Limits::default()).is_err());
    }
}
