//! Reports made by hand, for tests of their renderings.

use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Passed;
use super::indication::Signed;
use super::report::CertificateStatus;
use super::report::CertificateSummary;
use super::report::Changes;
use super::report::Check;
use super::report::Coverage;
use super::report::EvidenceUsed;
use super::report::Integrity;
use super::report::Outcome;
use super::report::PathEntry;
use super::report::Report;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::report::TrustSetUsed;
use super::report::Wanted;
use super::report::WantedKind;
use crate::crypto::DigestAlgorithm;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::finding::Finding;
use crate::level::BaselineLevel;
use crate::time::Time;
use crate::x509::RevocationReason;

pub(super) fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

fn certificate(subject: &str, issuer: &str) -> CertificateSummary {
    CertificateSummary {
        subject: format!("CN={subject},O=Sở Nội vụ,C=VN"),
        subject_name: subject.to_owned(),
        subject_organisation: None,
        subject_title: None,
        subject_identifier: None,
        issuer: format!("CN={issuer},O=Ban Cơ yếu Chính phủ,C=VN"),
        issuer_name: issuer.to_owned(),
        issuer_organisation: Some("Ban Cơ yếu Chính phủ".to_owned()),
        serial: "01a2b3".to_owned(),
        sha256: "00".repeat(32),
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: at("2029-01-01T00:00:00Z"),
    }
}

fn passed() -> SignatureReport {
    let time = at("2026-11-23T02:00:05Z");
    let signed = Signed::Ranges { ranges: vec![0..100, 200..300], digest: DigestAlgorithm::Sha256.digest(b"") };
    SignatureReport {
        page_changes: None,
        name: "Chữ ký lãnh đạo".to_owned(),
        kind: SignatureKind::Signature,
        format: SignatureFormat::Pades,
        level: Some(BaselineLevel::T),
        level_notes: vec![Finding::info("LEVEL_NO_VALIDATION_DATA", "the document holds no revocation data")],
        indication: Indication::TotalPassed(Passed::new(Vec::new(), "office".to_owned(), time, signed)),
        integrity: Integrity::Intact,
        coverage: Some(Coverage::WholeDocument),
        changes: Some(Changes::None),
        changes_permitted: true,
        change_list: Vec::new(),
        form_filled: false,
        signer: Some(certificate("Nguyễn Văn A", "CA phục vụ cơ quan nhà nước")),
        claimed_signing_time: Some(at("2026-11-23T02:00:00Z")),
        best_signature_time: time,
        time_proof: TimeProof::SignatureTimestamp { tsa: "TSA".to_owned() },
        algorithm: Some("RSA-2048 with SHA-256".to_owned()),
        deviations: vec![Finding::warning("TIMESTAMP_TYPE", "a document time-stamp is not of /Type /DocTimeStamp")],
        timestamps: Vec::new(),
        counter_signatures: Vec::new(),
        findings: Vec::new(),
        wanted: Vec::new(),
        checks: vec![Check {
            id: "FORMAT",
            clause: "EN 319 102-1 §5.2.2",
            outcome: Outcome::Passed,
            detail: String::new(),
        }],
        path: vec![PathEntry {
            certificate: certificate("Nguyễn Văn A", "CA phục vụ cơ quan nhà nước"),
            status: CertificateStatus::Good,
            evidence: Some(EvidenceUsed {
                kind: "crl",
                issuer: "CN=CA phục vụ cơ quan nhà nước".to_owned(),
                this_update: at("2026-11-23T00:00:00Z"),
                next_update: None,
                sha256: "11".repeat(32),
            }),
        }],
        trust_set: Some("office".to_owned()),
    }
}

/// One of each: passed, failed after a change and a revocation, undecided.
pub(super) fn report() -> Report {
    let revoked =
        CertificateStatus::Revoked { time: at("2026-11-01T00:00:00Z"), reason: Some(RevocationReason::KeyCompromise) };
    let mut failed = passed();
    failed.name = "Signature\u{202E}2\n".to_owned();
    failed.indication = Indication::TotalFailed(Failure::FormatFailure);
    failed.coverage = Some(Coverage::Revision);
    failed.changes = Some(Changes::Other);
    failed.changes_permitted = false;
    failed.change_list = (1..=8).map(|n| format!("{n} 0 R: page content was replaced")).collect();
    failed.findings =
        vec![Finding::error("SIGNATURE_OVERRIDDEN", "revision 3 replaces the signature dictionary").at("12 0 R")];
    failed.time_proof = TimeProof::ValidationTime;
    failed.deviations.clear();
    failed.level = None;
    failed.trust_set = None;
    if let Some(entry) = failed.path.first_mut() {
        entry.status = revoked;
    }
    let mut undecided = passed();
    undecided.name = String::new();
    undecided.kind = SignatureKind::DocumentTimestamp;
    undecided.format = SignatureFormat::Rfc3161;
    undecided.indication = Indication::Indeterminate(Indeterminacy::TryLater);
    undecided.signer = None;
    undecided.claimed_signing_time = None;
    undecided.path.clear();
    undecided.wanted = vec![Wanted {
        what: WantedKind::Revocation,
        subject: "CN=TSA".to_owned(),
        requests: vec![Request::get(Purpose::Crl, "http://example.test/a.crl", 1)],
        not_before: Some(at("2026-11-24T00:00:00Z")),
    }];
    let mut first = passed();
    first.timestamps = vec![undecided.clone()];
    Report {
        expectations_met: None,
        validation_time: at("2026-11-23T03:00:00Z"),
        policy_name: "ETSI TS 119 312".to_owned(),
        policy_version: "1.5.1".to_owned(),
        trust: vec![TrustSetUsed { name: "office".to_owned(), anchors: vec!["22".repeat(32)] }],
        findings: vec![Finding::warning("PDF_AFTER_END", "12 octets follow the end of the document").at("offset 400")],
        signatures: vec![first, failed, undecided],
        evidence: Vec::new(),
    }
}

/// Compares with a snapshot; `KYSO_BLESS` writes it anew.
pub(super) fn snapshot(name: &str, actual: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(name);
    if std::env::var_os("KYSO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{} differs", path.display());
}
