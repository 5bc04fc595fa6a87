//! The status of a path with evidence from the network.

use std::collections::HashSet;

use super::engine::Engine;
use super::evidence::Evidence;
use super::requests;
use super::rules::MissingNonce;
use super::rules::RevocationRules;
use super::status::PathRevocation;
use crate::crypto::Backend;
use crate::error::Error;
use crate::error::FetchError;
use crate::fetch::Job;
use crate::fetch::LostHosts;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::path::Path;
use crate::time::Time;
use crate::x509::ocsp::OcspResponse;

/// [`judge`](super::judge) as a job: where the evidence at hand leaves a status
/// unknown, it asks, OCSP responders first, then distribution points, and
/// each thing once.
///
/// An answer that is of no use, or none, is a finding, and the next address is
/// asked, but no other of a host that nobody is at, or that was too slow twice. In each round it asks one thing for each certificate, so that a host
/// may put the requests of a round at the same time.
#[derive(Clone, Debug)]
pub struct Check {
    path: Path,
    rules: RevocationRules,
    at: Time,
    backend: Backend,
    evidence: Evidence,
    nonce: Option<[u8; 32]>,
    asked: HashSet<Request>,
    lost: LostHosts,
    findings: Vec<Finding>,
}

/// What a [`Check`] ends with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The status of every certificate.
    pub revocation: PathRevocation,
    /// The evidence that was given and fetched, to be kept or embedded.
    pub evidence: Evidence,
    /// Requests that failed, and answers that were of no use.
    pub findings: Vec<Finding>,
}

impl Check {
    /// The status of every certificate of `path` at the time `at`.
    #[must_use]
    pub fn new(path: &Path, rules: &RevocationRules, at: Time) -> Self {
        Self {
            path: path.clone(),
            rules: rules.clone(),
            at,
            backend: Backend::default(),
            evidence: Evidence::new(),
            nonce: None,
            asked: HashSet::new(),
            lost: LostHosts::default(),
            findings: Vec::new(),
        }
    }

    /// Offers evidence; what it decides is not asked for.
    #[must_use]
    pub fn evidence(mut self, evidence: &Evidence) -> Self {
        self.evidence.add_all(evidence);
        self
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Random octets, from which each OCSP request gets a nonce of its own
    /// (RFC 9654). Never give the same ones twice.
    #[must_use]
    pub const fn nonce(mut self, random: [u8; 32]) -> Self {
        self.nonce = Some(random);
        self
    }

    fn judge(&self) -> PathRevocation {
        let (anchor, set) = (self.path.anchor().clone(), self.path.trust_set());
        let engine = Engine::new(anchor, set, &self.evidence, &self.rules, self.backend);
        engine.nonce(self.nonce).path(&self.path, self.at)
    }

    fn take(&mut self, request: &Request, body: &[u8]) -> Result<(), Error> {
        if body.len() > request.max_octets {
            return Err(FetchError::new(request.url.as_str(), "the answer is larger than was asked for").into());
        }
        if let (Purpose::Ocsp, Some(seed)) = (request.purpose, &self.nonce) {
            let own = requests::has_own_nonce(seed, &OcspResponse::from_der(body)?);
            if own.map_or(self.rules.missing_nonce == MissingNonce::Refused, |own| !own) {
                return Err(FetchError::new(request.url.as_str(), "the answer lacks the nonce of the request").into());
            }
        }
        self.evidence.accept(request.purpose, body)
    }
}

impl Job for Check {
    type Output = Checked;

    fn requests(&self) -> Vec<Request> {
        let mut round: Vec<Request> = Vec::new();
        let judged = self.judge();
        for unknown in judged.certificates().iter().filter_map(|c| c.status.unknown()) {
            let next = unknown.wanted.iter().find(|r| !self.asked.contains(*r) && !self.lost.include(r));
            round.extend(next.filter(|r| !round.contains(r)).cloned());
        }
        round.truncate(self.rules.max_requests.saturating_sub(self.asked.len()));
        round
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        if !self.asked.insert(request.clone()) {
            return;
        }
        if let Err(error) = response.and_then(|r| self.take(request, &r.body)) {
            self.lost.note(request, &error);
            self.findings.push(Finding::warning("EVIDENCE_NOT_FETCHED", error.to_string()).at(&request.url));
        }
    }

    fn finish(mut self) -> Result<Checked, Error> {
        let revocation = self.judge();
        for open in revocation.certificates().iter().filter(|c| c.status.unknown().is_some()) {
            for url in requests::passed_over(&self.rules, &open.certificate) {
                let message = "addresses of this scheme are not asked";
                self.findings.push(Finding::info("ADDRESS_PASSED_OVER", message).at(url));
            }
        }
        Ok(Checked { revocation, evidence: self.evidence, findings: self.findings })
    }
}
