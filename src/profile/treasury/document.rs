//! What is judged: the facts of signatures, whatever document they are in.

use crate::asn1::Oid;
use crate::finding::Severity;
use crate::time::Time;
use crate::validate::Changes;
use crate::validate::Coverage;
use crate::validate::Indication;
use crate::validate::Report;
use crate::validate::SignatureFormat;
use crate::validate::SignatureKind;
use crate::validate::SignatureReport;
use crate::validate::TimeProof;

const COMMON_NAME: Oid = Oid::known(&[0x55, 4, 3]);
/// `id-at-title`.
const TITLE: Oid = Oid::known(&[0x55, 4, 12]);

/// A document with validated signatures: a [`Report`], or what a host
/// validated in a format of its own.
pub trait SignedDocument {
    /// The time for which it was validated.
    fn validation_time(&self) -> Time;

    /// Its signatures and seals, in document order; time-stamps do not belong to them.
    fn signatures(&self) -> Vec<SignatureFacts>;

    /// What is wrong with it as a whole, in English: the roles are violated then, whoever signed.
    fn faults(&self) -> Vec<String>;
}

/// How the validation of one signature ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the standard has these three
pub enum SignatureVerdict {
    /// TOTAL-PASSED.
    Passed,
    /// TOTAL-FAILED, with its sub-indication.
    Failed(String),
    /// INDETERMINATE, with its sub-indication.
    Undecided(String),
}

/// One signature, as far as roles are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureFacts {
    /// The field, element or file that holds it.
    pub name: String,
    /// How its validation ended.
    pub verdict: SignatureVerdict,
    /// SHA-256 of the signer's certificate, hexadecimal in lower case; `None` where it was not found.
    pub certificate: Option<String>,
    /// The common name in it.
    pub common_name: Option<String>,
    /// The title in it.
    pub title: Option<String>,
    /// The earliest time at which it is proven to have existed, else the validation time.
    pub best_signature_time: Time,
    /// Whether a time-stamp or the like proves that time.
    pub time_is_proven: bool,
    /// What the signer wrote as signing time; proves nothing.
    pub claimed_signing_time: Option<Time>,
    /// Its place among signatures of which each covers those before; `None` where the format has none.
    pub sequence: Option<usize>,
    /// It covers the document, or the whole of one revision of it.
    pub covers_whole: bool,
    /// Form fields were filled in after it.
    pub filled_afterwards: bool,
    /// Something else than form fields, validation data and signatures changed after it.
    pub changed_afterwards: bool,
}

impl SignatureFacts {
    /// The facts of a signature in a document of a format of the host's own.
    ///
    /// Who states [`SignatureVerdict::Passed`] here answers for it.
    #[must_use]
    pub fn stated(name: impl Into<String>, verdict: SignatureVerdict, certificate: &str, at: Time) -> Self {
        Self {
            name: name.into(),
            verdict,
            certificate: Some(super::policy::digits(certificate)),
            common_name: None,
            title: None,
            best_signature_time: at,
            time_is_proven: false,
            claimed_signing_time: None,
            sequence: None,
            covers_whole: true,
            filled_afterwards: false,
            changed_afterwards: false,
        }
    }

    fn of(report: &SignatureReport, index: usize) -> Self {
        let passed = match report.indication() {
            Indication::TotalPassed(passed) => Some(passed),
            _ => None,
        };
        let sub = || report.indication().sub_indication().unwrap_or_default().to_owned();
        // The certificate that passed, not what stands about it in words.
        let signer = passed.and_then(|passed| passed.signer());
        let subject = |oid: &Oid| signer.and_then(|certificate| certificate.subject().attribute(oid));
        let changes = report.changes().unwrap_or(Changes::None);
        Self {
            name: report.name().to_owned(),
            verdict: match report.indication() {
                Indication::TotalPassed(_) => SignatureVerdict::Passed,
                Indication::TotalFailed(_) => SignatureVerdict::Failed(sub()),
                Indication::Indeterminate(_) => SignatureVerdict::Undecided(sub()),
            },
            certificate: match signer {
                Some(certificate) => Some(certificate.sha256().to_hex()),
                None => report.signer().map(|signer| signer.sha256.clone()),
            },
            common_name: subject(&COMMON_NAME),
            title: subject(&TITLE),
            best_signature_time: report.best_signature_time(),
            time_is_proven: *report.time_proof() != TimeProof::ValidationTime,
            claimed_signing_time: report.claimed_signing_time(),
            // Each signature of a PDF covers the revisions before it.
            sequence: matches!(report.format(), SignatureFormat::Pades | SignatureFormat::PdfPkcs7).then_some(index),
            covers_whole: report.coverage() != Some(Coverage::Partial),
            filled_afterwards: report.form_filled(),
            changed_afterwards: changes > Changes::Form,
        }
    }
}

impl SignedDocument for Report {
    fn validation_time(&self) -> Time {
        self.validation_time()
    }

    fn signatures(&self) -> Vec<SignatureFacts> {
        let all = self.signatures().iter().enumerate();
        let all = all.filter(|(_, report)| report.kind() == SignatureKind::Signature);
        all.map(|(index, report)| SignatureFacts::of(report, index)).collect()
    }

    fn faults(&self) -> Vec<String> {
        let findings = self.findings().iter().filter(|finding| finding.severity() == Severity::Error);
        let stamps = self.signatures().iter().filter(|report| {
            report.kind() != SignatureKind::Signature && matches!(report.indication(), Indication::TotalFailed(_))
        });
        let stamps =
            stamps.map(|report| format!("{} {:?}: {}", report.kind().name(), report.name(), report.indication()));
        findings.map(ToString::to_string).chain(stamps).collect()
    }
}
