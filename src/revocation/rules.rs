//! What is demanded of evidence, as data.

use std::time::Duration;

use crate::crypto::DigestAlgorithm;

/// The rules by which evidence counts. The default is strict: what is not
/// known is [unknown](super::RevocationStatus::Unknown).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RevocationRules {
    /// When evidence of a good status is fresh enough.
    pub freshness: Freshness,
    /// Most time between `thisUpdate` and the time asked for; `None`: until `nextUpdate`.
    pub max_age: Option<Duration>,
    /// The same for evidence without `nextUpdate`. A responder that leaves it
    /// out says that newer information may be had at any time (RFC 6960 §4.2.2.1).
    pub max_age_without_next_update: Duration,
    /// What counts as evidence.
    pub sources: Sources,
    /// Whether delta CRLs are used and asked for.
    pub use_deltas: bool,
    /// An OCSP responder without `id-pkix-ocsp-nocheck` of whose status no
    /// evidence is at hand.
    pub unchecked_responders: UncheckedResponders,
    /// Digest of `CertID` in requests. It identifies and proves nothing, and
    /// SHA-1 is the one that every responder knows (RFC 5019 §2.1.1).
    pub request_digest: DigestAlgorithm,
    /// Whether an answer without the nonce that was sent counts. Many responders
    /// answer everybody alike and send none (RFC 6960 §4.4.1); a wrong one never counts.
    pub missing_nonce: MissingNonce,
    /// Schemes of addresses that requests may have, in lower case. Others, LDAP
    /// above all, are passed over; a host whose [`Fetch`](crate::fetch::Fetch)
    /// can do more adds them here.
    pub schemes: Vec<String>,
    /// Octets that a CRL from the network may have.
    pub max_crl_octets: usize,
    /// Octets that an OCSP response from the network may have.
    pub max_ocsp_octets: usize,
    /// Requests that one [`Check`](super::Check) may hand out.
    pub max_requests: usize,
    /// Signatures that one judgement may verify.
    pub max_signature_checks: u64,
    /// Steps (pieces of evidence, certificates, names) that one judgement may look at.
    pub max_steps: u64,
    /// Paths of signers of evidence that one judgement may build.
    pub max_signer_paths: u64,
    /// How deep the status of signers of evidence is followed.
    pub max_depth: usize,
}

/// When evidence of a good status is fresh enough for the time asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Freshness {
    /// The time asked for is at or before `nextUpdate`. Evidence that was issued
    /// after that time covers it too, as long as it would still show a
    /// revocation.
    #[default]
    CoversTime,
    /// It was issued at or after the time asked for: a status from before may
    /// have changed until then. Asked for the best signature time, this is the
    /// strict reading of EN 319 102-1 §5.2.5.
    IssuedAfterTime,
}

/// What counts as evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Sources {
    /// CRLs and OCSP responses. Requests ask for OCSP first.
    #[default]
    Both,
    /// CRLs alone.
    Crl,
    /// OCSP responses alone.
    Ocsp,
}

/// How to take an OCSP responder of whose status there is no evidence
/// (RFC 6960 §4.2.2.2.1 leaves it to local policy).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UncheckedResponders {
    /// Its responses do not count.
    #[default]
    Refused,
    /// Its responses count where its certificate names no place to ask: neither
    /// a distribution point nor a responder of its own.
    AcceptedWithoutSource,
}

/// How to take an answer without the nonce that was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissingNonce {
    /// It counts, as far as it is fresh.
    #[default]
    Accepted,
    /// It does not count.
    Refused,
}

impl Default for RevocationRules {
    fn default() -> Self {
        Self {
            freshness: Freshness::default(),
            max_age: None,
            max_age_without_next_update: Duration::from_secs(86_400),
            sources: Sources::default(),
            use_deltas: true,
            unchecked_responders: UncheckedResponders::default(),
            request_digest: DigestAlgorithm::Sha1,
            missing_nonce: MissingNonce::default(),
            schemes: vec!["http".to_owned(), "https".to_owned()],
            max_crl_octets: 64 << 20,
            max_ocsp_octets: 1 << 20,
            max_requests: 64,
            max_signature_checks: 512,
            max_steps: 250_000,
            max_signer_paths: 32,
            max_depth: 4,
        }
    }
}

impl RevocationRules {
    /// Whether an address has a scheme that requests may have.
    pub(crate) fn fetches(&self, url: &str) -> bool {
        url.split_once(':').is_some_and(|(scheme, _)| self.schemes.iter().any(|s| scheme.eq_ignore_ascii_case(s)))
    }
}

impl Sources {
    pub(super) const fn crl(self) -> bool {
        matches!(self, Self::Both | Self::Crl)
    }

    pub(super) const fn ocsp(self) -> bool {
        matches!(self, Self::Both | Self::Ocsp)
    }
}
