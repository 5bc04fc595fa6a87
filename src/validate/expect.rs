//! What the caller knows of the signatures beforehand: how many, and whose.
//!
//! Nobody can see from a document that its last signature, or all of them, were
//! cut off. Whoever expects some has to say so.

use super::indication::Indication;
use super::report::Report;
use super::report::SignatureKind;
use super::report::SignatureReport;
use crate::finding::Finding;

/// The signatures that a caller expects; to be given to
/// [`Validator::expect`](super::Validator::expect).
///
/// Time-stamps, countersignatures and usage rights are no signatures here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    count: Option<usize>,
    signers: Vec<ExpectedSigner>,
}

/// Whose signature is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedSigner {
    /// The certificate with this SHA-256, in hexadecimal.
    Certificate(String),
    /// The subject's common name, or its whole name as RFC 4514 text. Certificates of several authorities may
    /// have the same one, so that the trust anchors decide who it is.
    Name(String),
}

impl Expectations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Exactly so many signatures, good or not.
    #[must_use]
    pub const fn signatures(mut self, count: usize) -> Self {
        self.count = Some(count);
        self
    }

    /// A signature by this signer that passes; said twice, two of them.
    #[must_use]
    pub fn signer(mut self, signer: ExpectedSigner) -> Self {
        self.signers.push(signer);
        self
    }

    const fn is_empty(&self) -> bool {
        self.count.is_none() && self.signers.is_empty()
    }

    /// Puts down in `report` what is not as expected.
    pub(super) fn judge(&self, report: &mut Report) {
        if self.is_empty() {
            return;
        }
        let signatures = || report.signatures.iter().filter(|s| s.kind == SignatureKind::Signature);
        let mut unmet = Vec::new();
        let found = signatures().count();
        if let Some(expected) = self.count.filter(|expected| *expected != found) {
            let message = "the document has another number of signatures than is expected";
            let numbers = format!("{found}, not {expected}");
            unmet.push(Finding::error("SIGNATURE_COUNT_UNEXPECTED", message).at(numbers));
        }
        let mut open: Vec<&SignatureReport> =
            signatures().filter(|s| matches!(s.indication, Indication::TotalPassed(_))).collect();
        // The closest description first, so that a name takes no signature that only a fingerprint fits.
        let mut signers: Vec<&ExpectedSigner> = self.signers.iter().collect();
        signers.sort_by_key(|signer| matches!(signer, ExpectedSigner::Name(_)));
        for signer in signers {
            match open.iter().position(|signature| signer.made(signature)) {
                Some(index) => drop(open.swap_remove(index)),
                None => {
                    let message = "there is no valid signature by an expected signer";
                    unmet.push(Finding::error("SIGNER_NOT_FOUND", message).at(signer.text()));
                }
            }
        }
        report.expectations_met = Some(unmet.is_empty());
        report.findings.extend(unmet);
    }
}

impl ExpectedSigner {
    /// From text: `sha256:` and hexadecimal digits (colons between them are passed over), else a name.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        match text.strip_prefix("sha256:") {
            Some(digits) => {
                Self::Certificate(digits.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect())
            }
            None => Self::Name(text.to_owned()),
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Certificate(text) | Self::Name(text) => text,
        }
    }

    fn made(&self, signature: &SignatureReport) -> bool {
        let Some(signer) = &signature.signer else { return false };
        match self {
            Self::Certificate(sha256) => signer.sha256.eq_ignore_ascii_case(sha256),
            Self::Name(name) => *name == signer.subject_name || *name == signer.subject,
        }
    }
}
