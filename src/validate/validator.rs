//! The validator: what it is given, and its three questions.

use super::chain::Certificates;
use super::policy::Policy;
use super::policy::RevocationDemand;
use super::report::Report;
use super::report::TrustSetUsed;
use crate::crypto::Backend;
use crate::finding::Finding;
use crate::pdf::Pdf;
use crate::revocation::Evidence;
use crate::time::Time;
use crate::trust::TrustAnchors;
use crate::x509::Certificate;

/// Validates signatures and time-stamps by EN 319 102-1: a pure function of
/// what it is given, which cannot fail and asks nobody.
///
/// Policy, trust anchors and time are arguments, so that none can be forgotten.
/// Without anchors nothing passes: the best is INDETERMINATE,
/// NO_CERTIFICATE_CHAIN_FOUND, and [integrity](super::Integrity) still speaks.
/// The same inputs give the same report, octet for octet.
#[derive(Clone, Debug)]
pub struct Validator<'v> {
    policy: &'v Policy,
    anchors: &'v TrustAnchors,
    at: Time,
    evidence: Evidence,
    backend: Backend,
}

impl<'v> Validator<'v> {
    /// A validator for the time `at`.
    #[must_use]
    pub fn new(policy: &'v Policy, anchors: &'v TrustAnchors, at: Time) -> Self {
        Self { policy, anchors, at, evidence: Evidence::new(), backend: Backend::default() }
    }

    /// Offers revocation data and certificates beside those in the document.
    /// Nothing in it is trusted.
    #[must_use]
    pub fn evidence(mut self, evidence: &Evidence) -> Self {
        self.evidence.add_all(evidence);
        self
    }

    /// Offers certificates: issuers, or signing certificates that a signature does not hold.
    #[must_use]
    pub fn intermediates(mut self, certificates: &[Certificate]) -> Self {
        certificates.iter().for_each(|c| self.evidence.add_certificate(c.clone()));
        self
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Validates every signature and document time-stamp of a PDF document.
    #[must_use]
    pub fn pdf(&self, pdf: &Pdf<'_>) -> Report {
        let mut report = self.report();
        super::pdf::validate(self.certificates(), pdf, &mut report);
        report
    }

    pub(super) fn certificates(&self) -> Certificates<'v> {
        let mut certificates = Certificates::new(self.policy, self.anchors, self.at, self.backend);
        certificates.evidence.add_all(&self.evidence);
        certificates
    }

    /// A report without signatures.
    fn report(&self) -> Report {
        let trust = self.anchors.sets().iter().filter(|s| !s.anchors().is_empty()).map(|set| {
            let mut anchors: Vec<String> = set.anchors().iter().map(|a| a.sha256().to_hex()).collect();
            anchors.sort();
            TrustSetUsed { name: set.name().to_owned(), anchors }
        });
        let mut findings = Vec::new();
        if self.anchors.is_empty() {
            let message = "no trust anchors were stated: nothing can be found valid";
            findings.push(Finding::warning("TRUST_NONE", message));
        }
        if self.policy.revocation == RevocationDemand::Unchecked {
            let message = "revocation was not checked: a revoked certificate passes";
            findings.push(Finding::warning("REVOCATION_UNCHECKED", message));
        }
        Report {
            validation_time: self.at,
            policy_name: self.policy.name.clone(),
            policy_version: self.policy.version.clone(),
            trust: trust.collect(),
            findings,
            signatures: Vec::new(),
        }
    }
}
