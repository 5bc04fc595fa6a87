//! Time-stamps on the way to level B-T.

use std::fmt;

use crate::asn1::Oid;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Unsupported;
use crate::fetch::Job;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::key::SignatureValue;
use crate::sign::prepared::Document;
use crate::sign::prepared::Prepared;

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

/// A signature that waits for its time-stamp; a [`Job`] whose output is the signed document.
pub struct Timestamping<D: Document> {
    prepared: Prepared<D>,
    value: SignatureValue,
    settings: TimestampSettings,
}

impl<D: Document> Timestamping<D> {
    pub(super) const fn new(prepared: Prepared<D>, value: SignatureValue, settings: TimestampSettings) -> Self {
        Self { prepared, value, settings }
    }
}

impl<D: Document> Job for Timestamping<D> {
    type Output = D::Signed;

    fn requests(&self) -> Vec<Request> {
        Vec::new()
    }

    fn answer(&mut self, _: &Request, _: Result<Response, Error>) {}

    fn finish(self) -> Result<D::Signed, Error> {
        let _ = (&self.settings, &self.value);
        Err(Unsupported::new(Format::TimeStamp, "requesting time-stamps").into())
    }
}

impl<D: Document> fmt::Debug for Timestamping<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timestamping")
            .field("prepared", &self.prepared)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
