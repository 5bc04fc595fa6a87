//! Validating, fetching what is missing, and validating again.

use std::fmt;

use super::report::Report;
use super::validator::Validator;
use crate::error::Error;
use crate::error::FetchError;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::revocation::Evidence;

/// Addresses that one validation asks, whatever certificates name.
const MOST_REQUESTS: usize = 64;

/// A validation that asks for what it lacks, until nothing is wanted that can
/// be had; a [`Job`]. Made by [`Validator::gather`].
pub struct Gathering<'v, F> {
    validator: Validator<'v>,
    judge: F,
    report: Report,
    pending: Vec<Request>,
    asked: Vec<Request>,
    evidence: Evidence,
    findings: Vec<Finding>,
}

/// What a [`Gathering`] ends with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gathered {
    /// The judgement by everything given and fetched.
    pub report: Report,
    /// What was fetched; with what the caller gave, it makes the same report
    /// again. To be kept with the document.
    pub evidence: Evidence,
    /// Requests that failed, and answers that were of no use.
    pub findings: Vec<Finding>,
}

impl<'v> Validator<'v> {
    /// Validates by `judge` as often as answers bring something new.
    ///
    /// Of the addresses that could bring one thing, the next is asked only where
    /// the one before did not help. Each is asked once.
    ///
    /// ```no_run
    /// # use kyso::{Error, fetch::{self, Fetch}, pdf::Pdf, validate::Validator};
    /// # fn f(validator: Validator<'_>, pdf: &Pdf<'_>, network: &dyn Fetch) -> Result<(), Error> {
    /// let gathered = fetch::run(validator.gather(|validator| validator.pdf(pdf)), network)?;
    /// println!("{}", gathered.report.overall().name());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn gather<F: Fn(&Self) -> Report>(self, judge: F) -> Gathering<'v, F> {
        let report = judge(&self);
        let mut gathering = Gathering {
            validator: self,
            judge,
            report,
            pending: Vec::new(),
            asked: Vec::new(),
            evidence: Evidence::new(),
            findings: Vec::new(),
        };
        gathering.next_round();
        gathering
    }
}

impl<F> Gathering<'_, F> {
    /// For each thing that is wanted, the first address that was not asked yet.
    fn next_round(&mut self) {
        let mut pending: Vec<Request> = Vec::new();
        for wanted in self.report.wanted() {
            // An answer on its way may bring this, too.
            if wanted.requests.iter().any(|request| pending.contains(request)) {
                continue;
            }
            pending.extend(wanted.requests.iter().find(|request| !self.asked.contains(request)).cloned());
        }
        pending.truncate(MOST_REQUESTS.saturating_sub(self.asked.len()));
        self.pending = pending;
    }

    fn take(&mut self, request: &Request, response: Result<Response, Error>) -> Result<(), Error> {
        let body = response?.body;
        if body.len() > request.max_octets {
            return Err(FetchError::new(request.url.as_str(), "the answer is larger than was asked for").into());
        }
        self.evidence.accept(request.purpose, &body)
    }
}

impl<'v, F: Fn(&Validator<'v>) -> Report> Job for Gathering<'v, F> {
    type Output = Gathered;

    fn requests(&self) -> Vec<Request> {
        self.pending.clone()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        let Some(index) = self.pending.iter().position(|pending| pending == request) else { return };
        self.asked.push(self.pending.remove(index));
        if let Err(error) = self.take(request, response) {
            self.findings.push(Finding::warning("EVIDENCE_NOT_FETCHED", error.to_string()).at(&request.url));
        }
        if self.pending.is_empty() {
            let validator = self.validator.clone().evidence(&self.evidence);
            self.report = (self.judge)(&validator);
            self.next_round();
        }
    }

    /// Never fails: a validation without some answers is INDETERMINATE, and says why.
    fn finish(self) -> Result<Gathered, Error> {
        Ok(Gathered { report: self.report, evidence: self.evidence, findings: self.findings })
    }
}

impl<F> fmt::Debug for Gathering<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("pending", &self.pending)
            .field("asked", &self.asked.len())
            .finish_non_exhaustive()
    }
}
