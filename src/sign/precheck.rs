//! Whether a certificate may sign: from what it says itself, and from trust and evidence.

use std::fmt;

use crate::crypto::Backend;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::key::SignerIdentity;
use crate::path::Path;
use crate::path::PathBuilder;
use crate::path::PathFailure;
use crate::revocation::Check;
use crate::revocation::Checked;
use crate::revocation::Evidence;
use crate::revocation::RevocationRules;
use crate::revocation::RevocationStatus;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustAnchors;
use crate::trust::TrustSet;
use crate::x509::Certificate;
use crate::x509::KeyUsage;

/// Issuer certificates that are fetched to complete a path.
const MOST_ISSUERS: usize = 8;

/// The check of a signer before signing, by trust and evidence as a validator
/// will judge; a [`Job`].
///
/// A known revocation refuses. What is unknown (no path to an anchor, no
/// evidence of the status) is a warning, or refuses too where
/// [`require_valid`](Self::require_valid) was asked for. Driven on a network,
/// it asks for what is missing; its [`finish`](Job::finish) alone judges by
/// the evidence at hand.
///
/// Without an anchor above the signer, the status is sought under the issuers
/// that came with the key: enough to refuse, never to call it valid.
#[derive(Debug)]
pub struct PreSignCheck {
    given: Given,
    require_valid: bool,
    step: Step,
    findings: Vec<Finding>,
}

/// What a path is sought with.
#[derive(Debug)]
struct Given {
    identity: SignerIdentity,
    anchors: TrustAnchors,
    rules: RevocationRules,
    now: Time,
    evidence: Evidence,
    backend: Backend,
    asked: Vec<Request>,
}

/// How far the check has come.
#[derive(Debug)]
enum Step {
    /// No path yet; these addresses could complete one.
    NoPath(Box<PathFailure>),
    /// A path, whose status is checked; `untrusted` says why it ends in no anchor of the caller.
    Status { check: Box<Check>, untrusted: Option<String> },
}

/// A signer that was not refused.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PreSigned {
    /// What could not be established, for the signer to be warned of; empty: all is well.
    pub warnings: Vec<Finding>,
    /// All evidence, given and fetched.
    pub evidence: Evidence,
}

impl PreSignCheck {
    /// Checks `identity`, which is to sign at `now`.
    ///
    /// # Errors
    /// As [`check_certificate`].
    pub fn new(
        identity: &SignerIdentity,
        anchors: &TrustAnchors,
        rules: &RevocationRules,
        now: Time,
    ) -> Result<Self, Error> {
        check_certificate(identity.certificate(), now)?;
        let given = Given {
            identity: identity.clone(),
            anchors: anchors.clone(),
            rules: rules.clone(),
            now,
            evidence: Evidence::new(),
            backend: Backend::default(),
            asked: Vec::new(),
        };
        Ok(Self { step: given.seek(), given, require_valid: false, findings: Vec::new() })
    }

    /// Offers evidence: certificates, CRLs, OCSP responses.
    #[must_use]
    pub fn evidence(mut self, evidence: &Evidence) -> Self {
        self.given.evidence.add_all(evidence);
        self.step = self.given.seek();
        self
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.given.backend = backend;
        self.step = self.given.seek();
        self
    }

    /// Refuses also what is only unknown.
    #[must_use]
    pub const fn require_valid(mut self) -> Self {
        self.require_valid = true;
        self
    }
}

impl Given {
    /// Seeks a path with what is at hand.
    fn seek(&self) -> Step {
        match self.build(&self.anchors) {
            Ok(path) => self.status(&path, None),
            Err(failure) if failure.wanted().iter().any(|request| self.may_ask(request)) => {
                Step::NoPath(Box::new(failure))
            }
            Err(failure) => self.seek_issuer(Box::new(failure)),
        }
    }

    /// Without an anchor, an issuer at hand can still tell of a revocation.
    fn seek_issuer(&self, failure: Box<PathFailure>) -> Step {
        let own = self.identity.certificate();
        let mut issuers = TrustSet::new("issuers that came with the key");
        let others = self.identity.chain().iter().chain(self.evidence.certificates()).filter(|other| *other != own);
        issuers.extend(others.cloned().map(TrustAnchor::from_certificate));
        match self.build(&TrustAnchors::new([issuers])) {
            Ok(path) => self.status(&path, Some(failure.to_string())),
            Err(_) => Step::NoPath(failure),
        }
    }

    fn build(&self, anchors: &TrustAnchors) -> Result<Path, PathFailure> {
        PathBuilder::new(anchors, self.now)
            .intermediates(self.identity.chain())
            .intermediates(self.evidence.certificates())
            .backend(self.backend)
            .build(self.identity.certificate())
    }

    fn status(&self, path: &Path, untrusted: Option<String>) -> Step {
        let check = Check::new(path, &self.rules, self.now).evidence(&self.evidence).backend(self.backend);
        Step::Status { check: Box::new(check), untrusted }
    }

    fn may_ask(&self, request: &Request) -> bool {
        self.rules.fetches(&request.url) && self.asked.len() < MOST_ISSUERS && !self.asked.contains(request)
    }
}

/// Refuses a revocation; what is unknown becomes a warning.
fn judge(checked: &Checked, warnings: &mut Vec<Finding>) -> Result<(), Error> {
    let Some(deciding) = checked.revocation.deciding() else { return Ok(()) };
    let subject = deciding.certificate.subject();
    match &deciding.status {
        RevocationStatus::Good(_) => {}
        RevocationStatus::Revoked(revocation) => {
            let detail = format!("the certificate of {subject} is revoked since {}", revocation.time);
            return Err(Refused::new(RefusalReason::CertificateRevoked, detail).into());
        }
        RevocationStatus::Unknown(unknown) => {
            let message = format!("the status of the certificate of {subject} is unknown: {}", unknown.detail);
            warnings.push(Finding::warning("SIGNER_STATUS_UNKNOWN", message));
        }
    }
    Ok(())
}

impl Job for PreSignCheck {
    type Output = PreSigned;

    fn requests(&self) -> Vec<Request> {
        match &self.step {
            Step::NoPath(failure) => {
                failure.wanted().iter().filter(|request| self.given.may_ask(request)).cloned().collect()
            }
            Step::Status { check, .. } => check.requests(),
        }
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        if let Step::Status { check, .. } = &mut self.step {
            check.answer(request, response);
            return;
        }
        self.given.asked.push(request.clone());
        let taken = response.and_then(|response| {
            if response.body.len() > request.max_octets {
                return Err(FetchError::new(request.url.as_str(), "the answer is larger than was asked for").into());
            }
            self.given.evidence.accept(request.purpose, &response.body)
        });
        if let Err(error) = taken {
            self.findings.push(Finding::warning("EVIDENCE_NOT_FETCHED", error.to_string()).at(&request.url));
        }
        self.step = self.given.seek();
    }

    /// # Errors
    /// [`Error::Refused`] with the reason.
    fn finish(mut self) -> Result<PreSigned, Error> {
        let mut warnings = Vec::new();
        let not_trusted = |why: &dyn fmt::Display| {
            let message = format!("the signer's certificate leads to no trust anchor: {why}");
            Finding::warning("SIGNER_NOT_TRUSTED", message)
        };
        let step = match self.step {
            // Issuers that nobody fetched: what is at hand must do.
            Step::NoPath(failure) => self.given.seek_issuer(failure),
            step @ Step::Status { .. } => step,
        };
        let mut evidence = self.given.evidence;
        match step {
            Step::NoPath(failure) => warnings.push(not_trusted(&failure)),
            Step::Status { check, untrusted } => {
                warnings.extend(untrusted.as_ref().map(|why| not_trusted(why)));
                let checked = check.finish()?;
                judge(&checked, &mut warnings)?;
                evidence = checked.evidence;
                self.findings.extend(checked.findings);
            }
        }
        if let Some(warning) = warnings.first().filter(|_| self.require_valid) {
            return Err(Refused::new(RefusalReason::CertificateUnknown, warning.message().to_owned()).into());
        }
        // Addresses that failed matter only where something is missing.
        if !warnings.is_empty() {
            warnings.append(&mut self.findings);
        }
        Ok(PreSigned { warnings, evidence })
    }
}

/// Refuses a certificate that cannot make a good signature at `now`: outside of
/// its validity period, of a CA, or with a key usage that excludes signatures.
///
/// Every request does this; it says nothing of trust or revocation, which need
/// anchors and evidence.
///
/// # Errors
/// [`Error::Refused`] with the reason, or an extension that cannot be read.
pub fn check_certificate(certificate: &Certificate, now: Time) -> Result<(), Error> {
    let refused = |reason, detail: String| Err(Error::from(Refused::new(reason, detail)));
    let (from, to) = (certificate.not_before(), certificate.not_after());
    if now < from {
        let detail = format!("the signer's certificate is not valid before {from}, the signing time is {now}");
        return refused(RefusalReason::CertificateTime, detail);
    }
    // The last second belongs to the period whole.
    if now.unix() > to.unix() {
        let detail = format!("the signer's certificate expired at {to}, the signing time is {now}");
        return refused(RefusalReason::CertificateTime, detail);
    }
    if certificate.basic_constraints()?.is_some_and(|constraints| constraints.ca) {
        let detail = "the certificate is that of a certification authority, not of a signer";
        return refused(RefusalReason::CertificateUsage, detail.to_owned());
    }
    let signing = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::NON_REPUDIATION);
    match certificate.key_usage()? {
        Some(usage) if !usage.intersects(signing) => {
            let detail = format!(
                "the key usage of the signer's certificate is {usage}; signing needs digitalSignature or nonRepudiation"
            );
            refused(RefusalReason::CertificateUsage, detail)
        }
        _ => Ok(()),
    }
}
