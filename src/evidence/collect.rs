//! Everything that shows the status of several certificates, each thing once.

use std::cell::OnceCell;
use std::fmt;

use crate::crypto::Backend;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::fetch::Job;
use crate::fetch::LostHosts;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::path::Path;
use crate::path::PathBuilder;
use crate::path::PathFailure;
use crate::path::PathSettings;
use crate::revocation;
use crate::revocation::CertificateRevocation;
use crate::revocation::Evidence;
use crate::revocation::PathRevocation;
use crate::revocation::RevocationRules;
use crate::revocation::RevocationStatus;
use crate::revocation::Source;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustAnchors;
use crate::trust::TrustSet;
use crate::x509::Certificate;
use crate::x509::KeyPurpose;

/// Certificates of one collection: signers, authorities of time-stamps.
const MOST_SUBJECTS: usize = 256;

/// A certificate whose path and status are to be shown.
#[derive(Clone, Debug)]
pub struct Subject {
    certificate: Certificate,
    authority: bool,
    at: Time,
    since: Option<Time>,
    optional: bool,
}

impl Subject {
    /// A signer, whose status counts at the time `at`.
    #[must_use]
    pub const fn signer(certificate: Certificate, at: Time) -> Self {
        Self { certificate, authority: false, at, since: None, optional: false }
    }

    /// A time-stamping authority, whose status counts at the time `at`.
    #[must_use]
    pub const fn authority(certificate: Certificate, at: Time) -> Self {
        Self { certificate, authority: true, at, since: None, optional: false }
    }

    /// What it signed is proven to have existed at this earlier time: a status
    /// at that time is enough where none can be had for the later one, and a
    /// revocation after it does no harm.
    #[must_use]
    pub const fn existed(mut self, since: Option<Time>) -> Self {
        self.since = since;
        self
    }

    /// What is missing on it is a finding, and no error.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }
}

/// Collects what shows path and status of several certificates, those of
/// responders and CRL issuers included; a [`Job`].
///
/// What the evidence at hand shows is not asked for, and nothing is asked
/// twice, whatever number of certificates need it. A certificate that leads to
/// none of the anchors is followed up to a self-signed one, if it comes along:
/// whether to trust that is for whoever validates.
pub struct Collection {
    anchors: TrustAnchors,
    rules: RevocationRules,
    backend: Backend,
    subjects: Vec<Subject>,
    evidence: Evidence,
    asked: Vec<Request>,
    lost: LostHosts,
    failed: Vec<FetchError>,
    judged: OnceCell<Vec<Step>>,
}

/// What a [`Collection`] ends with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Collected {
    /// What each certificate needs, in the order in which they were given: the
    /// certificates of the path up to the anchor, the CRLs and responses that
    /// decide, and the same of those who signed these.
    pub needed: Vec<Evidence>,
    /// All evidence, given and fetched.
    pub evidence: Evidence,
    /// Revocations that do no harm, requests that failed, paths that end in no anchor.
    pub findings: Vec<Finding>,
}

/// How far one certificate has come.
enum Step {
    NoPath(Box<PathFailure>),
    Path { path: Box<Path>, status: PathRevocation, untrusted: bool },
}

impl Collection {
    /// Collects on `subjects`, with paths to `anchors`.
    ///
    /// # Errors
    /// More certificates than anybody signs one document with.
    pub fn new(
        subjects: impl IntoIterator<Item = Subject>,
        anchors: &TrustAnchors,
        rules: &RevocationRules,
    ) -> Result<Self, Error> {
        let subjects: Vec<Subject> = subjects.into_iter().take(MOST_SUBJECTS + 1).collect();
        if subjects.len() > MOST_SUBJECTS {
            return Err(
                crate::error::LimitExceeded::new("certificates to collect evidence on", MOST_SUBJECTS as u64).into()
            );
        }
        Ok(Self {
            anchors: anchors.clone(),
            rules: rules.clone(),
            backend: Backend::default(),
            subjects,
            evidence: Evidence::new(),
            asked: Vec::new(),
            lost: LostHosts::default(),
            failed: Vec::new(),
            judged: OnceCell::new(),
        })
    }

    /// Offers evidence; what it shows is not asked for.
    #[must_use]
    pub fn evidence(mut self, evidence: &Evidence) -> Self {
        self.evidence.add_all(evidence);
        self.judged.take();
        self
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self.judged.take();
        self
    }

    fn judged(&self) -> &[Step] {
        self.judged.get_or_init(|| self.subjects.iter().map(|subject| self.judge(subject)).collect())
    }

    fn judge(&self, subject: &Subject) -> Step {
        let (path, untrusted) = match self.path(subject, &self.anchors) {
            Ok(path) => (path, false),
            Err(failure) if failure.wanted().iter().any(|request| self.may_ask(request)) => {
                return Step::NoPath(Box::new(failure));
            }
            // Without an anchor, what shows the status is still known.
            Err(failure) => match self.path(subject, &self.own_roots()) {
                Ok(path) => (path, true),
                Err(_) => return Step::NoPath(Box::new(failure)),
            },
        };
        let status = self.status(&path, subject.at);
        let status = match subject.since {
            Some(since) if undecided(&status).is_some() && !self.asks(&status) => {
                let earlier = self.status(&path, since);
                if undecided(&earlier).is_some() { status } else { earlier }
            }
            _ => status,
        };
        Step::Path { path: Box::new(path), status, untrusted }
    }

    /// A path at the time asked for, or the last one in which it was valid.
    fn path(&self, subject: &Subject, anchors: &TrustAnchors) -> Result<Path, PathFailure> {
        let mut settings = PathSettings::default();
        if subject.authority {
            settings.purposes = vec![KeyPurpose::TIME_STAMPING];
            settings.purposes_stated = true;
        }
        let built = PathBuilder::new(anchors, subject.at)
            .intermediates(self.evidence.certificates())
            .settings(settings)
            .backend(self.backend)
            .build(&subject.certificate);
        built.or_else(|failure| failure.untimely().cloned().ok_or(failure))
    }

    fn status(&self, path: &Path, at: Time) -> PathRevocation {
        let at = path.validity().map_or(at, |(_, end)| end.min(at));
        revocation::judge(path, &self.evidence, &self.rules, at, self.backend)
    }

    /// The self-signed certificates at hand.
    fn own_roots(&self) -> TrustAnchors {
        let mut roots = TrustSet::new("self-signed certificates at hand");
        let all = self.evidence.certificates().iter().filter(|c| c.is_self_issued());
        roots.extend(all.cloned().map(TrustAnchor::from_certificate));
        TrustAnchors::new([roots])
    }

    fn may_ask(&self, request: &Request) -> bool {
        self.rules.fetches(&request.url)
            && self.asked.len() < self.rules.max_requests
            && !self.asked.iter().any(|asked| asked.asks_as(request))
            && !self.lost.include(request)
    }

    /// Whether anything more can be asked on a status.
    fn asks(&self, status: &PathRevocation) -> bool {
        status.wanted().iter().any(|request| self.may_ask(request))
    }

    fn take(&mut self, request: &Request, response: Result<Response, Error>) -> Result<(), Error> {
        let body = response?.body;
        if body.len() > request.max_octets {
            return Err(FetchError::new(request.url.as_str(), "the answer is larger than was asked for").into());
        }
        self.evidence.accept(request.purpose, &body)
    }

    /// What is missing: a service that did not answer, or nobody to ask.
    fn missing(&self, detail: &str) -> Error {
        match self.failed.first() {
            Some(failed) => {
                let detail = format!("{detail}; {}", failed.detail());
                FetchError::new(failed.url(), detail).because(failed.fault()).into()
            }
            None => Refused::new(RefusalReason::EvidenceMissing, detail.to_owned()).into(),
        }
    }
}

/// The first certificate whose status is not known.
fn undecided(status: &PathRevocation) -> Option<&CertificateRevocation> {
    status.certificates().iter().find(|certificate| certificate.status.unknown().is_some())
}

impl Job for Collection {
    type Output = Collected;

    fn requests(&self) -> Vec<Request> {
        let mut round: Vec<Request> = Vec::new();
        let mut ask = |wanted: &[Request]| {
            // An answer on its way may bring this, too.
            let coming = wanted.iter().any(|request| round.iter().any(|other| other.asks_as(request)));
            if let Some(next) = wanted.iter().find(|request| self.may_ask(request)).filter(|_| !coming) {
                round.push(next.clone());
            }
        };
        for step in self.judged() {
            match step {
                Step::NoPath(failure) => ask(failure.wanted()),
                Step::Path { status, .. } => {
                    let unknown = status.certificates().iter().filter_map(|c| c.status.unknown());
                    unknown.for_each(|unknown| ask(&unknown.wanted));
                }
            }
        }
        round.truncate(self.rules.max_requests.saturating_sub(self.asked.len()));
        round
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        if !self.may_ask(request) {
            return;
        }
        self.asked.push(request.clone());
        if let Err(error) = self.take(request, response) {
            self.lost.note(request, &error);
            self.failed.push(match error {
                Error::Fetch(error) => error,
                other => FetchError::new(request.url.as_str(), other.to_string()),
            });
        }
        self.judged.take();
    }

    /// # Errors
    /// [`Error::Fetch`] where something is missing and a service failed,
    /// [`Error::Refused`] where nobody can be asked, or a certificate is revoked.
    fn finish(mut self) -> Result<Collected, Error> {
        // Nothing more is asked: what is at hand must do.
        self.rules.max_requests = 0;
        self.judged.take();
        let mut collected = Collected { needed: Vec::new(), evidence: Evidence::new(), findings: Vec::new() };
        for (subject, step) in self.subjects.iter().zip(self.judged()) {
            match self.needed(subject, step, &mut collected.findings) {
                Ok(needed) => collected.needed.push(needed),
                Err(error) if subject.optional => {
                    collected.findings.push(Finding::warning("EVIDENCE_INCOMPLETE", error.to_string()));
                    collected.needed.push(Evidence::new());
                }
                Err(error) => return Err(error),
            }
        }
        for failed in &self.failed {
            let finding = Finding::info("EVIDENCE_NOT_FETCHED", failed.detail().to_owned());
            collected.findings.push(finding.at(failed.url()));
        }
        collected.evidence = self.evidence;
        Ok(collected)
    }
}

impl Collection {
    fn needed(&self, subject: &Subject, step: &Step, findings: &mut Vec<Finding>) -> Result<Evidence, Error> {
        let name = subject.certificate.subject();
        let (path, status, untrusted) = match step {
            Step::NoPath(failure) => {
                return Err(self.missing(&format!("the certificates above {name} are not all at hand: {failure}")));
            }
            Step::Path { path, status, untrusted } => (path, status, untrusted),
        };
        if *untrusted && !self.anchors.is_empty() {
            let message = "the path ends in a self-signed certificate that is none of the trust anchors";
            findings.push(Finding::warning("PATH_NO_ANCHOR", message).at(name));
        }
        let mut needed = Evidence::new();
        for (index, certificate) in status.certificates().iter().enumerate() {
            let who = certificate.certificate.subject();
            match &certificate.status {
                RevocationStatus::Good(_) => {}
                RevocationStatus::Revoked(revocation) => {
                    let message = format!("the certificate of {who} is revoked since {}", revocation.time);
                    if index > 0 || subject.since.is_none_or(|since| revocation.time <= since) {
                        return Err(Refused::new(RefusalReason::CertificateRevoked, message).into());
                    }
                    findings.push(Finding::warning("CERTIFICATE_REVOKED_LATER", message));
                }
                RevocationStatus::Unknown(unknown) => {
                    let detail = format!("nothing shows the status of the certificate of {who}: {}", unknown.detail);
                    return Err(self.missing(&detail));
                }
            }
            take(certificate, &mut needed);
        }
        take_path(path, &mut needed);
        Ok(needed)
    }
}

/// The certificates of a path, its anchor included.
fn take_path(path: &Path, into: &mut Evidence) {
    let anchor = path.anchor().certificate().into_iter();
    path.certificates().iter().chain(anchor).for_each(|c| into.add_certificate(c.clone()));
}

/// What decided a status, and what shows the entitlement of those who signed it.
fn take(status: &CertificateRevocation, into: &mut Evidence) {
    for used in &status.evidence {
        match &used.source {
            Source::Crl(crl) => into.add_crl(crl.clone()),
            Source::Ocsp(response) => into.add_ocsp(response.clone()),
        }
        if let Some(signer) = &used.signer {
            take_path(&signer.path, into);
            signer.revocation.iter().for_each(|status| take(status, into));
        }
    }
}

impl fmt::Debug for Collection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collection")
            .field("subjects", &self.subjects)
            .field("asked", &self.asked)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
