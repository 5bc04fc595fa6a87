//! Validation with evidence from the network: validate, fetch what is wanted, validate again.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::fmt;

use super::report::Report;
use super::validator::Validator;
use crate::error::Error;
use crate::error::FetchError;
use crate::fetch::Job;
use crate::fetch::LostHosts;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::finding::Finding;
use crate::revocation::Evidence;

/// A validation that asks for what its report [wants](Report::wanted), until
/// it wants nothing more that can be had; a [`Job`]. Made by [`Validator::gather`].
///
/// In each round it asks one thing for each thing that is missing, takes the
/// answers as evidence and validates again. Nothing is asked twice, whatever
/// number of signatures want it; of a host that nobody is at, or that was too
/// slow twice, nothing more is asked. An answer that is of no use, or none, is a finding beside the
/// report, and the next address is asked.
///
/// The rounds, requests and octets of one validation are bounded, since
/// whoever made up the document chooses the addresses. A bound that is reached
/// ends the asking: the report then still says what it wants.
///
/// Ended without having been driven, it is the validation by the evidence at
/// hand alone. The report is that of a [`Validator`] that was given
/// [`Gathered::evidence`]: to keep that is to be able to make it again.
pub struct Gathering<'v> {
    validator: Validator<'v>,
    judge: Box<dyn Fn(&Validator<'v>) -> Report + 'v>,
    /// By the evidence of now; made when it is first needed.
    report: OnceCell<Report>,
    asked: Vec<Request>,
    lost: LostHosts,
    schemes: Vec<String>,
    rounds: usize,
    max_requests: usize,
    octets: usize,
    findings: Vec<Finding>,
}

/// What a [`Gathering`] ends with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gathered {
    /// The report.
    pub report: Report,
    /// The evidence that was given and fetched, to be kept or embedded.
    pub evidence: Evidence,
    /// Requests that failed, answers that were of no use, addresses that were passed over.
    pub findings: Vec<Finding>,
    /// How many requests were made.
    pub requests: usize,
}

impl<'v> Validator<'v> {
    /// Validates by `judge`, which is called once for each round, with a
    /// validator that has all evidence so far.
    ///
    /// ```no_run
    /// # use kyso::{Error, fetch::{self, Fetch}, pdf::Pdf, validate::Validator};
    /// # fn f(validator: Validator<'_>, pdf: &Pdf<'_>, network: &dyn Fetch) -> Result<(), Error> {
    /// let gathered = fetch::run(validator.gather(|validator| validator.pdf(pdf)), network)?;
    /// println!("{}", gathered.report.overall().name());
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn gather(self, judge: impl Fn(&Self) -> Report + 'v) -> Gathering<'v> {
        Gathering {
            validator: self,
            judge: Box::new(judge),
            report: OnceCell::new(),
            asked: Vec::new(),
            lost: LostHosts::default(),
            schemes: vec!["http".to_owned(), "https".to_owned()],
            rounds: 16,
            max_requests: 64,
            octets: 256 << 20,
            findings: Vec::new(),
        }
    }
}

impl<'v> Gathering<'v> {
    /// Asks also for addresses of this scheme, such as `ldap`, for which the
    /// door has a [handler](crate::fetch::SchemeHandlers). Others than HTTP are
    /// passed over with a note.
    #[must_use]
    pub fn scheme(mut self, scheme: &str) -> Self {
        self.schemes.push(scheme.to_ascii_lowercase());
        self
    }

    /// How often it may validate again; 16 where nothing is said. A path through
    /// unknown issuers grows by one certificate in each round.
    #[must_use]
    pub const fn rounds(mut self, most: usize) -> Self {
        self.rounds = most;
        self
    }

    /// How many requests it may make; 64 where nothing is said.
    #[must_use]
    pub const fn max_requests(mut self, most: usize) -> Self {
        self.max_requests = most;
        self
    }

    /// How many octets all answers together may have; 256 MiB where nothing is said.
    #[must_use]
    pub const fn max_octets(mut self, most: usize) -> Self {
        self.octets = most;
        self
    }

    fn report(&self) -> &Report {
        self.report.get_or_init(|| (self.judge)(&self.validator))
    }

    fn fetches(&self, request: &Request) -> bool {
        let scheme = request.url.split_once(':').map_or("", |(scheme, _)| scheme);
        self.schemes.iter().any(|known| scheme.eq_ignore_ascii_case(known))
    }

    fn was_asked(&self, request: &Request) -> bool {
        self.asked.iter().any(|asked| asked.asks_as(request))
    }

    /// Takes an answer; tells whether it brought anything new.
    fn take(&mut self, request: &Request, response: Result<Response, Error>) -> Result<bool, Error> {
        let body = response?.body;
        if body.len() > request.max_octets.min(self.octets) {
            return Err(FetchError::new(request.url.as_str(), "the answer is larger than was asked for").into());
        }
        self.octets -= body.len();
        let evidence = &mut self.validator.evidence;
        let count = |e: &Evidence| e.certificates().len() + e.crls().len() + e.ocsp_responses().len();
        let before = count(evidence);
        evidence.accept(request.purpose, &body)?;
        Ok(count(evidence) > before)
    }
}

impl Job for Gathering<'_> {
    type Output = Gathered;

    fn requests(&self) -> Vec<Request> {
        let left = self.max_requests.saturating_sub(self.asked.len());
        if left == 0 || self.octets == 0 || self.rounds == 0 && self.report.get().is_none() {
            return Vec::new();
        }
        let mut round: Vec<Request> = Vec::new();
        for wanted in self.report().wanted() {
            let mut open =
                wanted.requests.iter().filter(|r| self.fetches(r) && !self.was_asked(r) && !self.lost.include(r));
            // An answer on its way may bring this, too.
            let coming = wanted.requests.iter().any(|r| round.iter().any(|other| other.asks_as(r)));
            if let Some(next) = open.next().filter(|_| !coming) {
                let max_octets = next.max_octets.min(self.octets);
                round.push(Request { max_octets, ..next.clone() });
            }
        }
        round.truncate(left);
        round
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        if self.was_asked(request) {
            return;
        }
        self.asked.push(request.clone());
        match self.take(request, response) {
            // Without anything new the report would be the same.
            Ok(false) => {}
            Ok(true) => {
                if self.report.take().is_some() {
                    self.rounds = self.rounds.saturating_sub(1);
                }
            }
            Err(error) => {
                self.lost.note(request, &error);
                self.findings.push(Finding::warning("EVIDENCE_NOT_FETCHED", error.to_string()).at(&request.url));
            }
        }
    }

    fn finish(mut self) -> Result<Gathered, Error> {
        let mut passed_over = BTreeSet::new();
        for request in self.report().wanted().iter().flat_map(|wanted| &wanted.requests) {
            if !self.fetches(request) {
                passed_over.insert(request.url.clone());
            }
        }
        let message = "addresses of this scheme are not asked";
        self.findings.extend(passed_over.iter().map(|url| Finding::info("ADDRESS_PASSED_OVER", message).at(url)));
        let report = match self.report.take() {
            Some(report) => report,
            None => (self.judge)(&self.validator),
        };
        let requests = self.asked.len();
        Ok(Gathered { report, evidence: self.validator.evidence, findings: self.findings, requests })
    }
}

impl fmt::Debug for Gathering<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("validator", &self.validator)
            .field("asked", &self.asked)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}
