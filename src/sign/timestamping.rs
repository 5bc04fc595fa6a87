//! Time-stamps on the signature value: the way to level B-T.

use std::fmt;

use crate::asn1::Oid;
use crate::cms::SIGNATURE_TIME_STAMP;
use crate::cms::SignedData;
use crate::cms::VerificationFault;
use crate::crypto::Backend;
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

/// Which time-stamping authority to ask, and how.
#[derive(Clone, Debug)]
pub struct TimestampSettings {
    url: String,
    nonce: Vec<u8>,
    digest: DigestAlgorithm,
    policy: Option<Oid>,
}

impl TimestampSettings {
    /// Asks the authority at `url`; `nonce` (at least 8 random octets) ties the answer to the question.
    #[must_use]
    pub fn new(url: impl Into<String>, nonce: impl Into<Vec<u8>>) -> Self {
        Self { url: url.into(), nonce: nonce.into(), digest: DigestAlgorithm::Sha256, policy: None }
    }

    /// Another digest than SHA-256 for the message imprint.
    #[must_use]
    pub const fn digest(mut self, algorithm: DigestAlgorithm) -> Self {
        self.digest = algorithm;
        self
    }

    /// The policy under which the time-stamp is to be made.
    #[must_use]
    pub const fn policy(mut self, policy: Oid) -> Self {
        self.policy = Some(policy);
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

/// One time-stamp, asked for and then answered.
pub(super) struct Question {
    settings: TimestampSettings,
    request: TimeStampRequest,
    backend: Backend,
    answer: Option<Result<TimeStampToken, Error>>,
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
        let settings = self.question.settings.clone();
        self.question = Question::new(settings, self.value.octets(), self.prepared.verifies_with())?;
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

/// The signature-time-stamp attribute (EN 319 122-1 §5.3).
fn unsigned(token: &TimeStampToken) -> [(Oid, Vec<u8>); 1] {
    [(SIGNATURE_TIME_STAMP, token.der().to_vec())]
}

impl Question {
    /// A question for a time-stamp over `octets`.
    pub(super) fn new(settings: TimestampSettings, octets: &[u8], backend: Backend) -> Result<Self, Error> {
        if settings.nonce.len() < LEAST_NONCE {
            let message =
                format!("a nonce of {} octets; at least {LEAST_NONCE} random ones are needed", settings.nonce.len());
            return Err(Misuse::new(message).into());
        }
        let mut request = TimeStampRequest::new(settings.digest.digest(octets)).nonce(&settings.nonce);
        if let Some(policy) = settings.policy {
            request = request.policy(policy);
        }
        Ok(Self { settings, request, backend, answer: None })
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        if self.answer.is_some() {
            return Vec::new();
        }
        let (url, body) = (self.settings.url.as_str(), self.request.to_der());
        vec![Request::post(Purpose::TimeStamp, url, TimeStampRequest::CONTENT_TYPE, body, MOST_OCTETS)]
    }

    pub(super) fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        // An answer to the question before a retry is none to this one.
        if self.requests().contains(request) {
            self.answer = Some(response.and_then(|response| self.token(&response.body)));
        }
    }

    pub(super) fn finish(self) -> Result<TimeStampToken, Error> {
        let unanswered = || FetchError::new(self.settings.url.as_str(), "the authority was not asked").into();
        self.answer.unwrap_or_else(|| Err(unanswered()))
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
            let why = match fault {
                VerificationFault::ContentDigest => "its digest does not match".to_owned(),
                VerificationFault::SignatureValue => "its signature value does not match".to_owned(),
                VerificationFault::Attributes(why) | VerificationFault::Unsupported(why) => why,
            };
            return Err(refused(format!("the time-stamp token does not verify: {why}")));
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
        Ok(token)
    }
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
            .field("url", &self.settings.url)
            .field("answer", &self.answer)
            .finish_non_exhaustive()
    }
}
