//! Signed PDFs judged: what passes, what fails and why, and how a proof of
//! existence carries a signature over the end of certificates (EN 319 102-1).
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::Template;
use ca::at;
use kyso::Limits;
use kyso::asn1::Oid;
use kyso::cms::SignedData;
use kyso::crypto::DigestAlgorithm;
use kyso::key::SigningKey;
use kyso::pdf::Pdf;
use kyso::revocation::Evidence;
use kyso::sign::cades::CadesRequest;
use kyso::timestamp::TimeStampRequest;
use kyso::trust::TrustAnchors;
use kyso::validate::BaselineLevel;
use kyso::validate::Changes;
use kyso::validate::Coverage;
use kyso::validate::Indication;
use kyso::validate::Integrity;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::TimeProof;
use kyso::validate::Validator;
use kyso::validate::WantedKind;
use office::Plan;
use office::verdicts;

/// `id-aa-timeStampToken`.
const SIGNATURE_TIME_STAMP: &str = "1.2.840.113549.1.9.16.2.14";

const SIGNED: &str = "2026-11-23T01:00:00Z";
const STAMPED: &str = "2026-11-23T01:00:05Z";
const TODAY: &str = "2026-11-23T02:00:00Z";

#[test]
fn an_officer_and_an_agency_pass_with_path_and_signed_octets() {
    let office = Plan::new().open();
    let once = office.sign(&office.officer, SIGNED);
    let twice = office.sign_again(&once, &office.agency, STAMPED);
    let evidence = office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
    let report = office.validate(&twice, TODAY, &evidence);
    assert_eq!(report.overall(), Overall::TotalPassed, "{}", report.to_json());
    let [officer, agency] = report.signatures() else { panic!("{}", report.signatures().len()) };
    let Indication::TotalPassed(passed) = officer.indication() else { panic!() };
    assert_eq!(passed.signer(), Some(office.officer.identity().certificate()));
    assert_eq!((passed.path().len(), passed.trust_set()), (3, "office"));
    assert_eq!((officer.coverage(), officer.changes()), (Some(Coverage::Revision), Some(Changes::Form)));
    assert_eq!((agency.coverage(), agency.changes()), (Some(Coverage::WholeDocument), Some(Changes::None)));
    assert_eq!(officer.level(), Some(BaselineLevel::B));
    assert_eq!(officer.claimed_signing_time(), Some(at(SIGNED)));
    assert_eq!(*officer.time_proof(), TimeProof::ValidationTime);
    // What was signed is the first revision save the value itself, and not the file.
    let octets: usize = passed.signed_octets(&twice).unwrap().iter().map(|part| part.len()).sum();
    assert!(octets < once.len() && octets > sample_pdf::plain(sample_pdf::Xref::Table).len());
    // The same inputs give the same report.
    assert_eq!(report.to_json(), office.validate(&twice, TODAY, &evidence).to_json());
}

#[test]
fn nothing_passes_without_anchors_or_without_a_status() {
    let office = Plan::new().open();
    let document = office.sign(&office.officer, SIGNED);
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let policy = Policy::etsi();
    let nobody = TrustAnchors::none();
    let report = Validator::new(&policy, &nobody, at(TODAY)).pdf(&pdf);
    assert_eq!(verdicts(&report), ["NO_CERTIFICATE_CHAIN_FOUND"]);
    assert_eq!(report.signatures()[0].integrity(), Integrity::Intact);

    let report = office.validate(&document, TODAY, &Evidence::new());
    assert_eq!(verdicts(&report), ["TRY_LATER"]);
    assert!(report.wanted().iter().all(|w| w.what == WantedKind::Revocation), "{:?}", report.wanted());

    let stale = office.crls("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
    assert_eq!(verdicts(&office.validate(&document, TODAY, &stale)), ["TRY_LATER"]);

    let unchecked = Policy::etsi().without_revocation();
    let report = office.validate_by(&unchecked, &document, TODAY, &Evidence::new());
    assert_eq!(report.overall(), Overall::TotalPassed);
    assert!(report.findings().iter().any(|f| f.code() == "REVOCATION_UNCHECKED"));
}

#[test]
fn a_revoked_signer_passes_only_with_a_proof_from_before() {
    let mut office = Plan::new().open();
    let plain = office.sign(&office.officer, SIGNED);
    let before = office.sign_stamped(&office.officer, SIGNED, STAMPED);
    let after = office.sign_stamped(&office.officer, "2026-11-25T01:00:00Z", "2026-11-25T01:00:05Z");
    let certificate = office.officer.identity().certificate().clone();
    office.issuing.revoke(&certificate, at("2026-11-24T00:00:00Z"), Some(1));
    let evidence = office.crls("2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z");
    let judge = |document: &[u8]| office.validate(document, "2026-11-26T01:00:00Z", &evidence);
    assert_eq!(verdicts(&judge(&plain)), ["REVOKED_NO_POE"]);
    assert_eq!(verdicts(&judge(&after)), ["REVOKED_NO_POE"]);
    let report = judge(&before);
    assert_eq!(report.overall(), Overall::TotalPassed, "{}", report.to_json());
    let signature = &report.signatures()[0];
    assert_eq!(signature.best_signature_time(), at(STAMPED));
    assert!(matches!(signature.time_proof(), TimeProof::SignatureTimestamp { tsa } if tsa == "Demonstration TSA"));
    // B-T by its level; the path in the report still tells of the revocation.
    assert_eq!(signature.level(), Some(BaselineLevel::T));
    assert!(report.to_json().contains("\"revoked\""));
}

#[test]
fn an_expired_signer_passes_only_with_a_proof_from_before() {
    let mut plan = Plan::new();
    plan.officer = plan.officer.valid("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    let office = plan.open();
    let plain = office.sign(&office.officer, SIGNED);
    let stamped = office.sign_stamped(&office.officer, SIGNED, STAMPED);
    let mut evidence = office.crls("2026-12-31T00:00:00Z", "2027-01-01T00:00:00Z");
    evidence.add_all(&office.crls("2027-06-01T00:00:00Z", "2027-06-02T00:00:00Z"));
    let judge = |document: &[u8]| office.validate(document, "2027-06-01T12:00:00Z", &evidence);
    let report = judge(&plain);
    let verdict = verdicts(&report).remove(0);
    assert!(verdict == "OUT_OF_BOUNDS_NO_POE" || verdict == "OUT_OF_BOUNDS_NOT_REVOKED", "{verdict}");
    assert!(report.wanted().iter().any(|w| w.what == WantedKind::ProofOfExistence));
    assert_eq!(judge(&stamped).overall(), Overall::TotalPassed, "{}", judge(&stamped).to_json());
}

#[test]
fn an_expired_ca_is_no_harm_to_what_is_proven_older() {
    let mut plan = Plan::new();
    plan.issuing = plan.issuing.valid("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    plan.officer = plan.officer.valid("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z");
    let office = plan.open();
    let plain = office.sign(&office.officer, SIGNED);
    let stamped = office.sign_stamped(&office.officer, SIGNED, STAMPED);
    let old = office.crls("2026-11-23T00:30:00Z", "2026-11-24T00:00:00Z");
    let mut evidence = office.crls("2027-06-01T00:00:00Z", "2027-06-02T00:00:00Z");
    evidence.add_all(&old);
    let judge = |document: &[u8], evidence: &Evidence| office.validate(document, "2027-06-01T12:00:00Z", evidence);
    assert_ne!(judge(&plain, &evidence).overall(), Overall::TotalPassed);
    // The CRL of the expired CA has no proof of its own from when the CA was good.
    let report = judge(&stamped, &evidence);
    assert_ne!(report.overall(), Overall::TotalPassed, "{}", report.to_json());
}

#[test]
fn a_time_stamp_of_a_revoked_authority_proves_nothing() {
    let mut office = Plan::new().open();
    let stamped = office.sign_stamped(&office.officer, SIGNED, STAMPED);
    let (officer, tsa) =
        (office.officer.identity().certificate().clone(), office.tsa.key.identity().certificate().clone());
    office.issuing.revoke(&officer, at("2026-11-24T00:00:00Z"), None);
    office.root.revoke(&tsa, at("2026-11-24T00:00:00Z"), Some(1));
    let evidence = office.crls("2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z");
    let report = office.validate(&stamped, "2026-11-26T01:00:00Z", &evidence);
    assert_eq!(verdicts(&report), ["REVOKED_NO_POE"]);
    let stamp = &report.signatures()[0].timestamps()[0];
    assert_eq!(stamp.indication().sub_indication(), Some("REVOKED_NO_POE"));
    assert_eq!((stamp.integrity(), stamp.best_signature_time()), (Integrity::Intact, at(STAMPED)));
}

/// The signing side refuses such stamps, so they are put into a CMS by hand.
#[test]
fn a_time_stamping_certificate_must_be_for_that_alone() {
    for change in [
        (|t: &mut Template| t.extended_key_usage_critical = false) as fn(&mut Template),
        |t| t.extended_key_usage.push("1.3.6.1.5.5.7.3.4"),
        |t| t.extended_key_usage.clear(),
    ] {
        let mut plan = Plan::new();
        change(&mut plan.tsa);
        let office = plan.open();
        let signed = CadesRequest::new(b"content", at(SIGNED)).sign(&office.officer).unwrap();
        let signed = SignedData::from_octets(signed.octets(), &Limits::default()).unwrap();
        let imprint = DigestAlgorithm::Sha256.digest(signed.signers()[0].signature());
        let token = office.tsa.token(&TimeStampRequest::new(imprint).to_der(), at(STAMPED));
        let stamped = signed.with_unsigned_attribute(0, &Oid::parse(SIGNATURE_TIME_STAMP).unwrap(), &token).unwrap();
        let evidence = office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
        let (policy, anchors) = (Policy::etsi(), office.anchors());
        let report = Validator::new(&policy, &anchors, at(TODAY)).evidence(&evidence).cms(&stamped, None);
        let signature = &report.signatures()[0];
        assert_eq!(signature.timestamps()[0].indication().sub_indication(), Some("CHAIN_CONSTRAINTS_FAILURE"));
        // The signature stands on its own now, without a proven time.
        assert!(matches!(signature.indication(), Indication::TotalPassed(_)));
        assert_eq!(*signature.time_proof(), TimeProof::ValidationTime);
    }
}

#[test]
fn an_algorithm_past_its_end_needs_a_proof_by_a_stronger_one() {
    let mut policy = Policy::etsi();
    let rule = policy.digests.iter_mut().find(|r| r.algorithm == "SHA-256").unwrap();
    rule.until = Some(at("2027-01-01T00:00:00Z"));
    let office = Plan::new().open();
    let plain = office.sign(&office.officer, SIGNED);
    let stamped = office.sign_stamped(&office.officer, SIGNED, STAMPED);
    let evidence = office.crls("2026-12-01T00:00:00Z", "2026-12-20T00:00:00Z");
    let report = office.validate_by(&policy, &stamped, "2026-12-15T00:00:00Z", &evidence);
    assert_eq!(report.overall(), Overall::TotalPassed);
    let evidence = office.crls("2027-02-01T00:00:00Z", "2027-03-01T00:00:00Z");
    let judge = |document: &[u8]| office.validate_by(&policy, document, "2027-02-02T00:00:00Z", &evidence);
    assert_eq!(verdicts(&judge(&plain)), ["CRYPTO_CONSTRAINTS_FAILURE_NO_POE"]);
    // The stamp, the certificates and the CRLs are signed with SHA-256 as well: none of them helps the other.
    assert_eq!(verdicts(&judge(&stamped)), ["CRYPTO_CONSTRAINTS_FAILURE_NO_POE"]);
}

#[test]
fn claims_and_certificates_out_of_their_time() {
    let mut plan = Plan::new();
    plan.officer = plan.officer.valid("2026-11-23T00:00:00Z", "2027-01-01T00:00:00Z");
    let office = plan.open();
    let evidence = office.crls("2026-11-23T00:00:00Z", "2026-12-24T00:00:00Z");
    // Local time written as UTC: seven hours ahead. It is remarked upon, and proves nothing.
    let ahead = office.sign(&office.officer, "2026-11-23T09:00:00Z");
    let report = office.validate(&ahead, TODAY, &evidence);
    assert_eq!(report.overall(), Overall::TotalPassed);
    assert!(report.signatures()[0].findings().iter().any(|f| f.code() == "CLAIMED_TIME_AHEAD"));
    assert_eq!(report.signatures()[0].best_signature_time(), at(TODAY));
    let absurd = office.sign(&office.officer, "2026-12-23T09:00:00Z");
    assert_eq!(verdicts(&office.validate(&absurd, TODAY, &evidence)), ["SIG_CONSTRAINTS_FAILURE"]);
    // A stamp from before the certificate: the signature cannot be what it says.
    let early = office.sign_stamped(&office.officer, SIGNED, "2026-11-22T12:00:00Z");
    assert_eq!(verdicts(&office.validate(&early, TODAY, &evidence)), ["NOT_YET_VALID"]);
}

/// Whatever octet of a signed document is changed: it does not pass as the whole document.
#[test]
fn no_flipped_octet_passes() {
    let office = Plan::new().open();
    let evidence = office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
    let policy = Policy::etsi();
    let anchors = office.anchors();
    let validator = Validator::new(&policy, &anchors, at(TODAY)).evidence(&evidence);
    let signed = office.sign_again(&office.sign(&office.officer, SIGNED), &office.agency, STAMPED);
    let pdf = Pdf::parse(signed.as_slice(), &Limits::default()).unwrap();
    let [_, last] = pdf.signatures().unwrap().pop().unwrap().covered_ranges().unwrap();
    let mut judged = 0;
    let step = 13;
    for position in (0..signed.len()).step_by(step) {
        let mut flipped = signed.clone();
        flipped[position] ^= 1 << (position / step % 8);
        let Ok(pdf) = Pdf::parse(flipped.as_slice(), &Limits::default()) else { continue };
        let report = validator.pdf(&pdf);
        judged += 1;
        // The values themselves have octets that do not count: padding, case of hexadecimal digits.
        let in_gap = |s: &kyso::pdf::SignatureFacts| {
            s.covered_ranges().is_some_and(|[head, tail]| (head.end..tail.start).contains(&(position as u64)))
        };
        let harmless = pdf.signatures().is_ok_and(|all| all.iter().any(in_gap));
        // A flip that frees the object of the second signature leaves a document
        // with one signature and an empty field, which the first one permits: it
        // then covers a revision and not the document.
        let whole = |s: &kyso::validate::SignatureReport| s.coverage() == Some(Coverage::WholeDocument);
        let stripped = report.signatures().len() == 1 && !report.signatures().iter().any(whole);
        assert!(
            report.overall() != Overall::TotalPassed || harmless || stripped,
            "octet {position} of {}: {}",
            signed.len(),
            report.to_text(kyso::validate::Language::English)
        );
    }
    assert!(judged > 100 && last.end == signed.len() as u64);
}
