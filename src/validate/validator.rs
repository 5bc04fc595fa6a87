//! The validator: what it is given, and its three questions.

use super::chain::Certificates;
use super::expect::Expectations;
use super::package::Given;
use super::policy::Policy;
use super::policy::RevocationDemand;
use super::report::Report;
use super::report::SignatureKind;
use super::report::TrustSetUsed;
use super::token::Stamped;
use crate::cms::SignedData;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::evidence::EvidencePackage;
use crate::finding::Finding;
use crate::pdf::Pdf;
use crate::revocation::Evidence;
use crate::source::Source;
use crate::time::Time;
use crate::timestamp::TimeStampToken;
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
    pub(super) evidence: Evidence,
    packages: Vec<Given>,
    expectations: Expectations,
    place_changes: bool,
    backend: Backend,
}

impl<'v> Validator<'v> {
    /// A validator for the time `at`.
    #[must_use]
    pub fn new(policy: &'v Policy, anchors: &'v TrustAnchors, at: Time) -> Self {
        Self {
            policy,
            anchors,
            at,
            evidence: Evidence::new(),
            packages: Vec::new(),
            expectations: Expectations::new(),
            place_changes: false,
            backend: Backend::default(),
        }
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

    /// Gives the evidence package that was made on `document` at its receipt: it
    /// proves that document, signatures and what was gathered existed then.
    ///
    /// The document's digests are made here. A package on another document, or
    /// one that was tampered with, proves nothing, and the report says so.
    #[must_use]
    pub fn package(mut self, package: &EvidencePackage, document: &dyn Source) -> Self {
        let matches = package.is_about(document).unwrap_or(false);
        self.packages.push(Given { package: package.clone(), matches });
        self
    }

    /// States how many signatures are expected, and whose: that some were cut off cannot be seen from a document.
    #[must_use]
    pub fn expect(mut self, expectations: &Expectations) -> Self {
        self.expectations = expectations.clone();
        self
    }

    /// Asks for the places of later changes on the pages: [`SignatureReport::page_changes`]. They cost a walk
    /// through the pages of each revision that made one.
    ///
    /// [`SignatureReport::page_changes`]: super::SignatureReport::page_changes
    #[must_use]
    pub const fn place_changes(mut self) -> Self {
        self.place_changes = true;
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
        let certificates = self.certificates(&mut report);
        super::pdf::validate(certificates, pdf, self.place_changes, &mut report);
        self.expectations.judge(&mut report);
        report
    }

    /// Validates every signer of a CMS signature. `content` is what a detached
    /// signature is over; where the signature carries its content, the two must agree.
    ///
    /// The content is read once, in pieces, whatever its size.
    #[must_use]
    pub fn cms(&self, signed: &SignedData, content: Option<&dyn Source>) -> Report {
        let mut report = self.report();
        let certificates = self.certificates(&mut report);
        super::cms::validate(certificates, signed, content, &mut report);
        self.expectations.judge(&mut report);
        report
    }

    /// Validates a time-stamp token on its own. `digest` is that of the data in
    /// question, by the algorithm of the token's [imprint](TimeStampToken::imprint);
    /// without it the token is INDETERMINATE at best.
    #[must_use]
    pub fn timestamp(&self, token: &TimeStampToken, digest: Option<&Digest>) -> Report {
        let mut report = self.report();
        let mut certificates = self.certificates(&mut report);
        super::cms::offer_token(token, &mut certificates.evidence);
        let stamped = digest.map_or(Stamped::Missing, |digest| Stamped::Digest(*digest));
        let existence = certificates.existence.clone();
        let kind = SignatureKind::Timestamp;
        report.signatures.push(super::token::validate(token, "", kind, &stamped, &existence, &certificates));
        report
    }

    fn certificates(&self, report: &mut Report) -> Certificates<'v> {
        let mut certificates = Certificates::new(self.policy, self.anchors, self.at, self.backend);
        certificates.evidence.add_all(&self.evidence);
        for given in &self.packages {
            given.validate(&mut certificates, report);
        }
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
            evidence: Vec::new(),
            expectations_met: None,
        }
    }
}
