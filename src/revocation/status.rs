//! The status of a certificate: three states, each with its reasons.

use std::fmt;

use super::evidence::EvidenceUsed;
use crate::crypto::Digest;
use crate::fetch::Request;
use crate::path::SignatureFact;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::RevocationReason;

/// The status of one certificate at the time asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RevocationStatus {
    /// Not revoked at that time.
    Good(Good),
    /// Revoked at that time.
    Revoked(Revocation),
    /// Nothing at hand decides it. Never to be read as good.
    Unknown(Unknown),
}

/// Why a status is good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Good {
    /// What it rests on.
    pub basis: Basis,
    /// The evidence knows of a revocation after the time asked for.
    pub revoked_later: Option<Revocation>,
}

/// What a good status rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Basis {
    /// On [evidence](CertificateRevocation::evidence).
    Evidence,
    /// It is the trust anchor's own certificate: trusted by statement.
    Anchor,
    /// Its issuer says that its status need not be asked
    /// (`id-pkix-ocsp-nocheck`, RFC 6960 §4.2.2.2.1). Responders only.
    NoCheck,
    /// A responder that names no place to ask, which the
    /// [rules](super::UncheckedResponders::AcceptedWithoutSource) let pass.
    NoSource,
}

/// A revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// Since when it is revoked.
    pub time: Time,
    /// Why, where stated. `certificateHold` may be lifted again.
    pub reason: Option<RevocationReason>,
    /// When the key is believed to have become unsafe (RFC 5280 §5.3.2), where
    /// stated: to be reported, and decided on by nobody in silence.
    pub invalidity_time: Option<Time>,
}

/// Why a status is unknown, and what would help.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unknown {
    /// The most telling reason.
    pub reason: UnknownReason,
    /// The same for people.
    pub detail: String,
    /// Requests that could bring evidence, in the order in which to try them.
    pub wanted: Vec<Request>,
    /// Waiting until then could help: a responder is busy, or newer evidence is due.
    pub not_before: Option<Time>,
}

/// Classes of reasons, from the least to the most telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum UnknownReason {
    /// No evidence on this certificate is at hand.
    NoEvidence,
    /// A bound of the rules was reached.
    Budget,
    /// A responder does not know the certificate.
    ResponderDoesNotKnow,
    /// Evidence does not reach as far as this certificate, or not for all
    /// reasons of revocation.
    OutOfScope,
    /// Evidence cannot be read, or demands something that is not understood.
    NotUnderstood,
    /// A signature on evidence does not verify, or its signer is not known.
    NotAuthentic,
    /// The signer of evidence is not entitled to speak for the certificate's issuer.
    NotEntitled,
    /// The status of the signer of evidence is not known to be good.
    SignerStatus,
    /// The certificate had expired before the evidence was issued, which then
    /// need no longer show a revocation.
    ExpiredBefore,
    /// Evidence is too old for the time asked for.
    Stale,
    /// The certificate was on hold, and whether it still is cannot be told.
    OnHold,
}

/// The status of one certificate, and all that led to it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateRevocation {
    /// The certificate.
    pub certificate: Certificate,
    /// The time asked for.
    pub at: Time,
    /// Its status.
    pub status: RevocationStatus,
    /// The evidence that decided it; empty where it is unknown.
    pub evidence: Vec<EvidenceUsed>,
    /// Evidence that was looked at and did not count, with the reason.
    pub refused: Vec<EvidenceRefused>,
}

/// A piece of evidence that did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EvidenceRefused {
    /// SHA-256 of its octets.
    pub sha256: Digest,
    /// The class of the reason.
    pub reason: UnknownReason,
    /// The reason for people.
    pub detail: String,
}

/// The status of every certificate of a path.
#[derive(Clone, Debug)]
pub struct PathRevocation {
    pub(super) certificates: Vec<CertificateRevocation>,
}

impl PathRevocation {
    /// In the order of [`Path::certificates`](crate::path::Path::certificates): leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateRevocation] {
        &self.certificates
    }

    /// The status that decides for the path: a revocation, the one nearest to
    /// the leaf; else an unknown status, the one nearest to the leaf; else the
    /// leaf's, which is good as all are.
    #[must_use]
    pub fn deciding(&self) -> Option<&CertificateRevocation> {
        let by = |wanted: fn(&RevocationStatus) -> bool| self.certificates.iter().find(|c| wanted(&c.status));
        by(|s| matches!(s, RevocationStatus::Revoked(_)))
            .or_else(|| by(|s| matches!(s, RevocationStatus::Unknown(_))))
            .or_else(|| self.certificates.first())
    }

    /// The requests that could resolve what is unknown, each once.
    #[must_use]
    pub fn wanted(&self) -> Vec<Request> {
        let mut all: Vec<Request> = Vec::new();
        for unknown in self.certificates.iter().filter_map(|c| c.status.unknown()) {
            for request in &unknown.wanted {
                if !all.contains(request) {
                    all.push(request.clone());
                }
            }
        }
        all
    }
}

impl CertificateRevocation {
    /// Every signature that the status rests on, for the algorithm policy: of
    /// the evidence, of its signers' paths, and of the evidence on those.
    #[must_use]
    pub fn signatures(&self) -> Vec<SignatureFact> {
        let mut all = Vec::new();
        for used in &self.evidence {
            all.push(used.signature);
            if let Some(signer) = &used.signer {
                all.extend(signer.path.signatures());
                all.extend(signer.revocation.iter().flat_map(Self::signatures));
            }
        }
        all
    }
}

impl RevocationStatus {
    /// `good`, `revoked` or `unknown`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Revoked(_) => "revoked",
            Self::Unknown(_) => "unknown",
        }
    }

    /// Why it is unknown; `None` where it is known.
    #[must_use]
    pub const fn unknown(&self) -> Option<&Unknown> {
        match self {
            Self::Unknown(unknown) => Some(unknown),
            _ => None,
        }
    }
}

impl UnknownReason {
    /// A stable name in `UPPER_SNAKE_CASE`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoEvidence => "NO_EVIDENCE",
            Self::Budget => "BUDGET",
            Self::ResponderDoesNotKnow => "RESPONDER_DOES_NOT_KNOW",
            Self::OutOfScope => "OUT_OF_SCOPE",
            Self::NotUnderstood => "NOT_UNDERSTOOD",
            Self::NotAuthentic => "NOT_AUTHENTIC",
            Self::NotEntitled => "NOT_ENTITLED",
            Self::SignerStatus => "SIGNER_STATUS",
            Self::ExpiredBefore => "EXPIRED_BEFORE",
            Self::Stale => "STALE",
            Self::OnHold => "ON_HOLD",
        }
    }
}

impl fmt::Display for RevocationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good(_) => f.write_str("good"),
            Self::Revoked(revocation) => {
                write!(f, "revoked since {}", revocation.time.to_rfc3339(0))?;
                revocation.reason.map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            Self::Unknown(unknown) => write!(f, "unknown: {}", unknown.detail),
        }
    }
}
