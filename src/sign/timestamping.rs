//! Time-stamps on the signature value: the way to level B-T.
//!
//! Authorities can take minutes to answer. The jobs here wait as long as the
//! transport does (its time-outs are per host), and
//! [`run_many`](crate::fetch::run_many) keeps other documents going meanwhile.

use std::fmt;
use std::time::Duration;

use crate::asn1::Oid;
use crate::cms::SIGNATURE_TIME_STAMP;
use crate::cms::SignedData;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::fetch::Job;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::key::SignatureValue;
use crate::limits::Limits;
use crate::sign::cades::SignedCms;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;
use crate::sign::signer::verification_fault;
use crate::time::Time;
use crate::timestamp::Accuracy;
use crate::timestamp::TimeStampRequest;
use crate::timestamp::TimeStampResponse;
use crate::timestamp::TimeStampToken;
use crate::x509::KeyPurpose;

/// Octets that an authority's answer may have.
const MOST_OCTETS: usize = 1 << 20;
/// Octets of a nonce that nobody guesses.
const LEAST_NONCE: usize = 8;
/// Room beyond what the first token would have needed: the second one may be longer.
const SLACK: usize = 512;

/// Which time-stamping authorities to ask, in which order, and how.
#[derive(Clone, Debug)]
pub struct TimestampSettings {
    authorities: Vec<TimestampAuthority>,
    nonce: Vec<u8>,
    digest: DigestAlgorithm,
    around: Option<(Time, Duration)>,
    accuracy: Option<Duration>,
}

/// One time-stamping authority.
#[derive(Clone, Debug)]
struct TimestampAuthority {
    url: String,
    policy: Option<Oid>,
}

impl TimestampSettings {
    /// Asks the authority at `url`; `nonce` (at least 8 random octets) ties the answer to the question.
    #[must_use]
    pub fn new(url: impl Into<String>, nonce: impl Into<Vec<u8>>) -> Self {
        let authorities = vec![TimestampAuthority { url: url.into(), policy: None }];
        Self { authorities, nonce: nonce.into(), digest: DigestAlgorithm::Sha256, around: None, accuracy: None }
    }

    /// Asks the authority at `url` where those named before gave no usable answer.
    #[must_use]
    pub fn or(mut self, url: impl Into<String>) -> Self {
        self.authorities.push(TimestampAuthority { url: url.into(), policy: None });
        self
    }

    /// Another digest than SHA-256 for the message imprint.
    #[must_use]
    pub const fn digest(mut self, algorithm: DigestAlgorithm) -> Self {
        self.digest = algorithm;
        self
    }

    /// The policy under which the time-stamp is to be made, by the authority
    /// that was named last: each has its own.
    #[must_use]
    pub fn policy(mut self, policy: Oid) -> Self {
        if let Some(authority) = self.authorities.last_mut() {
            authority.policy = Some(policy);
        }
        self
    }

    pub(super) const fn digest_algorithm(&self) -> DigestAlgorithm {
        self.digest
    }

    /// The same for the time-stamp `number` of one document: no nonce is sent twice.
    pub(super) fn numbered(&self, number: u64) -> Self {
        if number == 0 {
            return self.clone();
        }
        let seed = [self.nonce.as_slice(), &number.to_be_bytes()].concat();
        let mut nonce = DigestAlgorithm::Sha256.digest(&seed).octets().to_vec();
        nonce.truncate(self.nonce.len().max(LEAST_NONCE));
        // Too short a nonce stays too short, and is refused.
        let nonce = if self.nonce.len() < LEAST_NONCE { self.nonce.clone() } else { nonce };
        Self { nonce, ..self.clone() }
    }

    /// Refuses a time-stamp whose time lies farther than `tolerance` from
    /// `now`: one of the two clocks is wrong, and a time-stamp from the future
    /// would stand in the document for good. The tolerance has to include the
    /// time that an answer takes.
    #[must_use]
    pub const fn around(mut self, now: Time, tolerance: Duration) -> Self {
        self.around = Some((now, tolerance));
        self
    }

    /// Refuses a time-stamp that says it may be off by more than `most`
    /// (`accuracy`, RFC 3161 §2.4.2), or does not say by how much.
    #[must_use]
    pub const fn accuracy(mut self, most: Duration) -> Self {
        self.accuracy = Some(most);
        self
    }
}

/// Makes the signature anew with so many octets of room.
pub(super) type Again<'k, D> = Box<dyn FnOnce(usize) -> Result<(Prepared<D>, SignatureValue), Error> + 'k>;

/// A signature that waits for its time-stamp; a [`Job`] whose output is the signed document.
///
/// Where the token does not fit its room in a PDF, and the key is at hand, the
/// signature is made once more with enough of it.
pub struct Timestamping<'k, D: Document> {
    prepared: Prepared<D>,
    value: SignatureValue,
    question: Question,
    again: Option<Again<'k, D>>,
}

/// A time-stamp for a signature that stands in a CMS already; a [`Job`].
#[derive(Debug)]
pub struct CmsTimestamping {
    cms: SignedData,
    index: usize,
    question: Question,
}

/// A time-stamp on any octets, such as an evidence package; a [`Job`] whose output is the token.
#[derive(Debug)]
pub struct OctetsTimestamping {
    question: Question,
}

/// One time-stamp, asked for and then answered.
pub(super) struct Question {
    settings: TimestampSettings,
    /// Which authority is asked now.
    current: usize,
    request: TimeStampRequest,
    backend: Backend,
    answer: Option<Result<TimeStampToken, Error>>,
    /// Of the authorities before the current one.
    failures: Vec<(String, Error)>,
}

impl<'k, D: Document> Timestamping<'k, D> {
    pub(super) fn new(
        prepared: Prepared<D>,
        value: SignatureValue,
        settings: TimestampSettings,
        again: Option<Again<'k, D>>,
    ) -> Result<Self, Error> {
        let question = Question::new(settings, value.octets(), prepared.verifies_with())?;
        Ok(Self { prepared, value, question, again })
    }

    /// Signs once more where the token is too long for its room.
    fn make_room(&mut self) -> Result<(), Error> {
        let Some(Ok(token)) = &self.question.answer else { return Ok(()) };
        let Some(lacking) = self.prepared.lacking(&self.value, &unsigned(token)) else { return Ok(()) };
        let Some(again) = self.again.take() else {
            return Err(Misuse::new(format!(
                "the time-stamp token of {} octets is too long by {lacking} for the room in /Contents: keep more room and sign again",
                token.der().len()
            ))
            .into());
        };
        let needed = unsigned(token).iter().map(|(_, value)| value.len()).sum::<usize>();
        (self.prepared, self.value) = again(needed.saturating_add(SLACK))?;
        self.question.ask_again(self.value.octets());
        Ok(())
    }
}

impl<D: Document> Job for Timestamping<'_, D> {
    type Output = D::Signed;

    fn requests(&self) -> Vec<Request> {
        self.question.requests()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        self.question.answer(request, response);
        if let Err(error) = self.make_room() {
            self.question.answer = Some(Err(error));
        }
    }

    fn finish(self) -> Result<D::Signed, Error> {
        let token = self.question.finish()?;
        self.prepared.embed(&self.value, &unsigned(&token))
    }
}

impl CmsTimestamping {
    /// For the signature value of the signer `index` of `cms`, which keeps every other octet.
    ///
    /// # Errors
    /// Malformed CMS; [`Error::Misuse`] where it has no such signer.
    pub fn new(cms: &[u8], index: usize, settings: TimestampSettings, limits: &Limits) -> Result<Self, Error> {
        let cms = SignedData::from_octets(cms, limits)?;
        let Some(signer) = cms.signers().get(index) else {
            return Err(Misuse::new(format!("signer {index} of {}", cms.signers().len())).into());
        };
        let question = Question::new(settings, signer.signature(), Backend::default())?;
        Ok(Self { cms, index, question })
    }
}

impl Job for CmsTimestamping {
    type Output = SignedCms;

    fn requests(&self) -> Vec<Request> {
        self.question.requests()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        self.question.answer(request, response);
    }

    fn finish(self) -> Result<SignedCms, Error> {
        let token = self.question.finish()?;
        let [(oid, value)] = unsigned(&token);
        Ok(SignedCms::from(&self.cms.with_unsigned_attribute(self.index, &oid, &value)?))
    }
}

impl OctetsTimestamping {
    /// For a time-stamp on `octets`.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a nonce that is too short.
    pub fn new(octets: &[u8], settings: TimestampSettings) -> Result<Self, Error> {
        Ok(Self { question: Question::new(settings, octets, Backend::default())? })
    }
}

impl Job for OctetsTimestamping {
    type Output = TimeStampToken;

    fn requests(&self) -> Vec<Request> {
        self.question.requests()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        self.question.answer(request, response);
    }

    fn finish(self) -> Result<TimeStampToken, Error> {
        self.question.finish()
    }
}

/// The signature-time-stamp attribute (EN 319 122-1 §5.3).
fn unsigned(token: &TimeStampToken) -> [(Oid, Vec<u8>); 1] {
    [(SIGNATURE_TIME_STAMP, token.der().to_vec())]
}

impl Question {
    /// A question for a time-stamp over `octets`.
    pub(super) fn new(settings: TimestampSettings, octets: &[u8], backend: Backend) -> Result<Self, Error> {
        let digest = settings.digest.digest(octets);
        Self::of_digest(settings, digest, backend)
    }

    /// A question for a time-stamp over what has this digest.
    pub(super) fn of_digest(settings: TimestampSettings, digest: Digest, backend: Backend) -> Result<Self, Error> {
        if settings.nonce.len() < LEAST_NONCE {
            let message =
                format!("a nonce of {} octets; at least {LEAST_NONCE} random ones are needed", settings.nonce.len());
            return Err(Misuse::new(message).into());
        }
        let request = TimeStampRequest::new(digest);
        let question = Self { settings, current: 0, request, backend, answer: None, failures: Vec::new() };
        Ok(Self { request: question.asking(digest), ..question })
    }

    /// Asks the current authority once more, over other octets.
    fn ask_again(&mut self, octets: &[u8]) {
        self.ask_again_over(self.settings.digest.digest(octets));
    }

    /// Asks the current authority once more, over what has this digest.
    pub(super) fn ask_again_over(&mut self, digest: Digest) {
        self.request = self.asking(digest);
        self.answer = None;
    }

    /// Whether it is answered, well or badly.
    pub(super) const fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// The token, where it is there.
    pub(super) fn answered(&self) -> Option<&TimeStampToken> {
        self.answer.as_ref().and_then(|answer| answer.as_ref().ok())
    }

    /// The request to the current authority.
    fn asking(&self, digest: Digest) -> TimeStampRequest {
        let request = TimeStampRequest::new(digest).nonce(&self.settings.nonce);
        match self.authority().and_then(|authority| authority.policy) {
            Some(policy) => request.policy(policy),
            None => request,
        }
    }

    fn authority(&self) -> Option<&TimestampAuthority> {
        self.settings.authorities.get(self.current)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        let Some(authority) = self.authority().filter(|_| self.answer.is_none()) else { return Vec::new() };
        let (url, body) = (authority.url.as_str(), self.request.to_der());
        vec![Request::post(Purpose::TimeStamp, url, TimeStampRequest::CONTENT_TYPE, body, MOST_OCTETS)]
    }

    pub(super) fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        // An answer to the question before a retry is none to this one.
        if !self.requests().contains(request) {
            return;
        }
        match response.and_then(|response| self.token(&response.body)) {
            Ok(token) => self.answer = Some(Ok(token)),
            Err(error) => {
                self.failures.push((request.url.clone(), error));
                if self.current + 1 < self.settings.authorities.len() {
                    self.current += 1;
                    let digest = *self.request.imprint();
                    self.request = self.asking(digest);
                } else {
                    self.answer = Some(Err(all_failed(std::mem::take(&mut self.failures))));
                }
            }
        }
    }

    pub(super) fn finish(self) -> Result<TimeStampToken, Error> {
        let url = self.authority().map(|authority| authority.url.clone()).unwrap_or_default();
        self.answer.unwrap_or_else(|| Err(FetchError::new(url, "the authority was not asked").into()))
    }

    /// A token that answers the question, and whose own signature verifies.
    ///
    /// Whether the authority is trusted is not asked here: validation does.
    fn token(&self, body: &[u8]) -> Result<TimeStampToken, Error> {
        let token = TimeStampResponse::from_octets(body, &Limits::default())?.accept(&self.request)?;
        let refused = |detail: String| Error::from(Refused::new(RefusalReason::TimeStamp, detail));
        let certificates = token.signed_data().certificates();
        let certificate = token.signer().and_then(|signer| certificates.iter().find(|c| signer.id().names(c)));
        let Some(certificate) = certificate else {
            return Err(refused("the time-stamp token does not hold the authority's certificate".to_owned()));
        };
        if let Some(fault) = token.verify(certificate.public_key(), self.backend).fault {
            let why = verification_fault(&fault);
            return Err(refused(format!("the time-stamp token does not verify: {why}")));
        }
        // Who made the token is part of what was signed (RFC 3161 §2.4.2).
        let stated = token.signer().map(|signer| signer.signing_certificate()).transpose()?.flatten();
        if !stated.is_some_and(|ids| ids.first().is_some_and(|id| id.names(certificate))) {
            return Err(refused("the time-stamp token is not bound to the authority's certificate".to_owned()));
        }
        if !certificate.extended_key_usage()?.is_some_and(|all| all.contains(&KeyPurpose::TIME_STAMPING)) {
            let detail = "the certificate of the authority is not meant for time-stamps (RFC 3161 §2.3)";
            return Err(refused(detail.to_owned()));
        }
        let (from, to) = (certificate.not_before(), certificate.not_after());
        if token.time() < from || token.time().unix() > to.unix() {
            let detail = format!(
                "the time-stamp says {}, the authority's certificate is valid from {from} to {to}",
                token.time()
            );
            return Err(refused(detail));
        }
        self.plausible(&token).map_err(refused)?;
        Ok(token)
    }

    /// Whether time and accuracy are such as the caller accepts.
    fn plausible(&self, token: &TimeStampToken) -> Result<(), String> {
        let time = token.time();
        if let Some((now, tolerance)) = self.settings.around
            && (time < now.saturating_sub(tolerance) || time > now.saturating_add(tolerance))
        {
            return Err(format!(
                "the time-stamp says {time}, more than {} s from {now}: one of the clocks is wrong",
                tolerance.as_secs()
            ));
        }
        let Some(most) = self.settings.accuracy else { return Ok(()) };
        match token.accuracy().map(Accuracy::duration) {
            Some(accuracy) if accuracy <= most => Ok(()),
            Some(accuracy) => Err(format!("the time-stamp may be off by {accuracy:?}, at most {most:?} are accepted")),
            None => {
                Err(format!("the time-stamp does not say by how much it may be off; at most {most:?} are accepted"))
            }
        }
    }
}

/// One error of all authorities; that of a single one as it is.
fn all_failed(mut failures: Vec<(String, Error)>) -> Error {
    if failures.len() == 1
        && let Some((_, error)) = failures.pop()
    {
        return error;
    }
    let told: Vec<String> = failures
        .iter()
        .map(|(url, error)| match error {
            // It names the address itself.
            Error::Fetch(error) => error.to_string(),
            error => format!("{url}: {error}"),
        })
        .collect();
    let detail = format!("none of {} time-stamping authorities gave a usable answer: {}", told.len(), told.join("; "));
    Refused::new(RefusalReason::TimeStamp, detail).into()
}

impl<D: Document> fmt::Debug for Timestamping<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timestamping")
            .field("prepared", &self.prepared)
            .field("question", &self.question)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Question")
            .field("authority", &self.authority())
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
