//! Evidence packages: made at receipt, they carry a signature over the end of
//! everything it needs; tampered with, they prove nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::CN;
use ca::Template;
use ca::Tsa;
use ca::at;
use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::evidence::EvidencePackage;
use kyso::evidence::PackageDraft;
use kyso::key::SigningKey;
use kyso::pdf::Pdf;
use kyso::revocation::Evidence;
use kyso::timestamp::TimeStampRequest;
use kyso::timestamp::TimeStampToken;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::StampDemand;
use kyso::validate::TimeProof;
use kyso::validate::Validator;
use kyso::x509::Crl;
use office::Office;
use office::Plan;
use office::verdicts;

const SIGNED: &str = "2026-11-23T01:00:00Z";
const RECEIVED: &str = "2026-11-23T08:00:00Z";
/// Signer, issuing CA and its CRLs are long gone.
const MUCH_LATER: &str = "2046-11-23T00:00:00Z";

fn open() -> Office {
    let mut plan = Plan::new();
    plan.tsa = plan.tsa.valid("2026-01-01T00:00:00Z", "2050-01-01T00:00:00Z");
    plan.open()
}

fn stamp(tsa: &Tsa, draft: &PackageDraft, when: &str) -> TimeStampToken {
    let imprint = DigestAlgorithm::Sha512.digest(&draft.to_be_stamped());
    let token = tsa.token(&TimeStampRequest::new(imprint).to_der(), at(when));
    TimeStampToken::from_octets(&token, &Limits::default()).unwrap()
}

/// What a receiver gathers: paths and CRLs of the day.
fn gathered(office: &Office) -> Evidence {
    let mut evidence = office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
    // The signer's certificate is in the document, and as old as that.
    evidence.add_certificate(office.issuing.certificate.clone());
    evidence
}

fn receive(office: &Office, document: &[u8]) -> EvidencePackage {
    let draft = PackageDraft::new(&document, &gathered(office)).unwrap();
    let token = stamp(&office.tsa, &draft, RECEIVED);
    draft.stamp(token, &gathered(office)).unwrap()
}

fn validate(office: &Office, policy: &Policy, document: &[u8], package: &EvidencePackage, when: &str) -> Report {
    let pdf = Pdf::parse(document, &Limits::default()).unwrap();
    Validator::new(policy, &office.anchors(), at(when)).package(package, &document).pdf(&pdf)
}

#[test]
fn twenty_years_later_the_package_alone_shows_that_the_signature_was_good() {
    let office = open();
    let document = office.sign(&office.officer, SIGNED);
    let package = receive(&office, &document);
    let stored = package.to_octets();
    let package = EvidencePackage::from_octets(&stored, &Limits::default()).unwrap();
    assert_eq!(package.to_octets(), stored);
    let report = validate(&office, &Policy::etsi(), &document, &package, MUCH_LATER);
    assert_eq!(report.overall(), Overall::TotalPassed, "{}", report.to_json());
    let signature = &report.signatures()[0];
    assert_eq!(signature.best_signature_time(), at(RECEIVED));
    assert!(matches!(signature.time_proof(), TimeProof::EvidencePackage { tsa } if tsa == "Demonstration TSA"));
    assert_eq!(report.evidence().len(), 1);
    // Without it, nothing of this can be shown.
    let report = office.validate(&document, MUCH_LATER, &gathered(&office));
    assert_eq!(report.overall(), Overall::Indeterminate, "{}", report.to_json());
    // A stricter policy wants the package renewed while its authority is known to be good.
    let mut strict = Policy::etsi();
    strict.package_stamps = StampDemand::GoodNow;
    let report = validate(&office, &strict, &document, &package, MUCH_LATER);
    assert_ne!(report.overall(), Overall::TotalPassed);
    let codes: Vec<&str> = report.findings().iter().map(|f| f.code()).collect();
    assert!(codes.contains(&"EVIDENCE_UNPROVEN"), "{codes:?}");
}

#[test]
fn a_package_on_another_document_proves_nothing() {
    let office = open();
    let (one, other) = (office.sign(&office.officer, SIGNED), office.sign(&office.agency, SIGNED));
    let package = receive(&office, &one);
    let report = validate(&office, &Policy::etsi(), &other, &package, MUCH_LATER);
    assert_ne!(report.overall(), Overall::TotalPassed);
    assert!(report.findings().iter().any(|f| f.code() == "EVIDENCE_OTHER_DOCUMENT"));
    // One octet more is another document.
    let mut longer = one.clone();
    longer.push(b'\n');
    let report = validate(&office, &Policy::etsi(), &longer, &package, MUCH_LATER);
    assert_ne!(report.overall(), Overall::TotalPassed);
}

#[test]
fn no_tampered_package_carries_a_signature() {
    let office = open();
    let document = office.sign(&office.officer, SIGNED);
    let stored = receive(&office, &document).to_octets();
    // The header (4 octets), the version (3), then what is stamped, a SEQUENCE with a length of two octets.
    assert_eq!(stored[7..9], [0x30, 0x82]);
    let stamped = 7 + 4 + usize::from(u16::from_be_bytes([stored[9], stored[10]]));
    let policy = Policy::etsi();
    let mut judged = 0;
    for position in (0..stored.len()).step_by(5) {
        let mut tampered = stored.clone();
        tampered[position] ^= 1 << (position % 8);
        let Ok(package) = EvidencePackage::from_octets(&tampered, &Limits::default()) else { continue };
        judged += 1;
        let report = validate(&office, &policy, &document, &package, MUCH_LATER);
        if report.overall() == Overall::TotalPassed {
            // What follows the token, and what of the token is not signed (the set of digest algorithms before its
            // content, for one), may vary: the proof stands without it. No bit of what is stamped may.
            let proof = report.signatures()[0].time_proof().clone();
            assert!(matches!(proof, TimeProof::EvidencePackage { .. }) && position >= stamped, "{position}");
            assert_eq!(report.signatures()[0].best_signature_time(), at(RECEIVED));
        }
    }
    assert!(judged > 100, "{judged}");
    for length in (0..stored.len()).step_by(97) {
        assert!(EvidencePackage::from_octets(&stored[..length], &Limits::default()).is_err());
    }
}

#[test]
fn what_was_gathered_too_late_or_too_little_does_not_pass() {
    let mut office = open();
    let document = office.sign(&office.officer, SIGNED);
    // Nothing on the issuing CA's certificates.
    let draft = PackageDraft::new(&document.as_slice(), &Evidence::new()).unwrap();
    let token = stamp(&office.tsa, &draft, RECEIVED);
    let package = draft.stamp(token, &gathered(&office)).unwrap();
    let report = validate(&office, &Policy::etsi(), &document, &package, MUCH_LATER);
    assert_ne!(report.overall(), Overall::TotalPassed);
    // Revoked before the receipt: no package makes that good.
    let certificate = office.officer.identity().certificate().clone();
    office.issuing.revoke(&certificate, at("2026-11-23T00:30:00Z"), Some(1));
    let mut evidence = gathered(&office);
    evidence
        .add_crl(Crl::from_der(&office.issuing.crl(at("2026-11-23T07:00:00Z"), at("2026-11-24T07:00:00Z"))).unwrap());
    let draft = PackageDraft::new(&document.as_slice(), &evidence).unwrap();
    let token = stamp(&office.tsa, &draft, RECEIVED);
    let package = draft.stamp(token, &gathered(&office)).unwrap();
    let report = validate(&office, &Policy::etsi(), &document, &package, MUCH_LATER);
    assert_eq!(report.overall(), Overall::Indeterminate, "{:?}", verdicts(&report));
}

#[test]
fn a_renewed_package_outlives_its_first_authority() {
    let mut plan = Plan::new();
    plan.tsa = plan.tsa.valid("2026-01-01T00:00:00Z", "2031-01-01T00:00:00Z");
    let office = plan.open();
    let document = office.sign(&office.officer, SIGNED);
    let package = receive(&office, &document);
    // In 2030 a second authority stamps it again, with what is known of the first one then.
    let second = Template::tsa(&[(CN, "Second TSA")]).valid("2029-01-01T00:00:00Z", "2049-01-01T00:00:00Z");
    let second = Tsa::new(office.root.issue(&second, KeySpec::P256));
    let known = {
        let mut evidence = Evidence::new();
        let crl = office.root.crl(at("2030-01-01T00:00:00Z"), at("2030-02-01T00:00:00Z"));
        evidence.add_crl(Crl::from_der(&crl).unwrap());
        evidence
    };
    let draft = package.renew();
    let token = stamp(&second, &draft, "2030-01-15T00:00:00Z");
    let renewed = draft.stamp(token, &known).unwrap();
    let renewed = EvidencePackage::from_octets(&renewed.to_octets(), &Limits::default()).unwrap();
    assert_eq!(renewed.stamps().len(), 2);
    // While the second one is known to be good, the strictest reading holds, too.
    let mut strict = Policy::etsi();
    strict.package_stamps = StampDemand::GoodNow;
    let fresh = {
        let mut evidence = Evidence::new();
        let crl = office.root.crl(at("2046-11-22T00:00:00Z"), at("2046-11-24T00:00:00Z"));
        evidence.add_crl(Crl::from_der(&crl).unwrap());
        evidence
    };
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let anchors = office.anchors();
    let validator = Validator::new(&strict, &anchors, at(MUCH_LATER)).package(&renewed, &document.as_slice());
    let report = validator.clone().evidence(&fresh).pdf(&pdf);
    let stamps: Vec<&str> = report.evidence().iter().map(|s| s.indication().name()).collect();
    assert_eq!(stamps, ["TOTAL-PASSED", "TOTAL-PASSED"], "{}", report.to_json());
    assert_eq!(report.overall(), Overall::TotalPassed, "{}", report.to_json());
    assert_eq!(report.signatures()[0].best_signature_time(), at(RECEIVED));
    assert_ne!(validator.pdf(&pdf).overall(), Overall::TotalPassed);
}
