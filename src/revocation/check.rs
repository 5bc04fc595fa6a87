//! The status of a path with evidence from the network.

use super::evidence::Evidence;
use super::rules::RevocationRules;
use super::status::PathRevocation;
use crate::crypto::Backend;
use crate::error::Error;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::path::Path;
use crate::time::Time;

/// [`judge`](super::judge) as a job: where the evidence at hand leaves a status
/// unknown, it asks, OCSP responders first, then distribution points, and
/// each thing once.
#[derive(Clone, Debug)]
pub struct Check {
    path: Path,
    rules: RevocationRules,
    at: Time,
    backend: Backend,
    evidence: Evidence,
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
        Self { path: path.clone(), rules: rules.clone(), at, backend: Backend::default(), evidence: Evidence::new() }
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
}

impl Job for Check {
    type Output = Checked;

    fn requests(&self) -> Vec<Request> {
        Vec::new()
    }

    fn answer(&mut self, _request: &Request, _response: Result<Response, Error>) {}

    fn finish(self) -> Result<Checked, Error> {
        let revocation = super::judge(&self.path, &self.evidence, &self.rules, self.at, self.backend);
        Ok(Checked { revocation, evidence: self.evidence, findings: Vec::new() })
    }
}
