//! Indications and sub-indications (EN 319 102-1 §5.1.3, tables 5 and 6).

use std::fmt;
use std::ops::Range;

use crate::crypto::Digest;
use crate::time::Time;
use crate::x509::Certificate;

/// The outcome of one validation.
///
/// There is no way to ask for a boolean: success is a value, and what did not
/// succeed says why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // the standard has these three and no other
pub enum Indication {
    /// TOTAL-PASSED: every check succeeded, at a time that is proven.
    TotalPassed(Passed),
    /// TOTAL-FAILED: the signature is certainly not valid.
    TotalFailed(Failure),
    /// INDETERMINATE: what is at hand does not decide it.
    Indeterminate(Indeterminacy),
}

/// Why a signature failed for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// The signature does not have the form that its format demands.
    FormatFailure,
    /// A signed digest differs from that of the content.
    HashFailure,
    /// The signature value does not verify under the signer's key.
    SigCryptoFailure,
    /// The signing certificate was revoked when the signature was made.
    Revoked,
    /// The signature was made after the signing certificate had expired.
    Expired,
    /// The signature was made before the signing certificate became valid.
    NotYetValid,
}

/// Why a signature can be called neither valid nor invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Indeterminacy {
    /// An attribute of the signature breaks a constraint of the policy.
    SigConstraintsFailure,
    /// The path was found, but breaks a constraint.
    ChainConstraintsFailure,
    /// The path could not be judged for another reason.
    CertificateChainGeneralFailure,
    /// An algorithm or key is not acceptable at the proven time.
    CryptoConstraintsFailure,
    /// The time-stamps contradict each other in their order.
    TimestampOrderFailure,
    /// The signing certificate cannot be identified.
    NoSigningCertificateFound,
    /// No path leads from the signing certificate to a trust anchor.
    NoCertificateChainFound,
    /// The signing certificate is revoked, and nothing proves that the signature is older.
    RevokedNoPoe,
    /// A CA of the path is revoked, and nothing proves that the signature is older.
    RevokedCaNoPoe,
    /// The signing certificate is outside its validity, though not revoked, and nothing proves the time.
    OutOfBoundsNotRevoked,
    /// The signing certificate is outside its validity, and nothing proves the time.
    OutOfBoundsNoPoe,
    /// An algorithm is no longer acceptable, and nothing proves that the signature is older.
    CryptoConstraintsFailureNoPoe,
    /// A proof of existence is missing.
    NoPoe,
    /// Revocation status is not at hand; [`wanted`](super::SignatureReport::wanted) says what would help.
    TryLater,
    /// The signed content is not at hand.
    SignedDataNotFound,
}

impl Failure {
    /// The name as the standard writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FormatFailure => "FORMAT_FAILURE",
            Self::HashFailure => "HASH_FAILURE",
            Self::SigCryptoFailure => "SIG_CRYPTO_FAILURE",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
            Self::NotYetValid => "NOT_YET_VALID",
        }
    }
}

impl Indeterminacy {
    /// The name as the standard writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SigConstraintsFailure => "SIG_CONSTRAINTS_FAILURE",
            Self::ChainConstraintsFailure => "CHAIN_CONSTRAINTS_FAILURE",
            Self::CertificateChainGeneralFailure => "CERTIFICATE_CHAIN_GENERAL_FAILURE",
            Self::CryptoConstraintsFailure => "CRYPTO_CONSTRAINTS_FAILURE",
            Self::TimestampOrderFailure => "TIMESTAMP_ORDER_FAILURE",
            Self::NoSigningCertificateFound => "NO_SIGNING_CERTIFICATE_FOUND",
            Self::NoCertificateChainFound => "NO_CERTIFICATE_CHAIN_FOUND",
            Self::RevokedNoPoe => "REVOKED_NO_POE",
            Self::RevokedCaNoPoe => "REVOKED_CA_NO_POE",
            Self::OutOfBoundsNotRevoked => "OUT_OF_BOUNDS_NOT_REVOKED",
            Self::OutOfBoundsNoPoe => "OUT_OF_BOUNDS_NO_POE",
            Self::CryptoConstraintsFailureNoPoe => "CRYPTO_CONSTRAINTS_FAILURE_NO_POE",
            Self::NoPoe => "NO_POE",
            Self::TryLater => "TRY_LATER",
            Self::SignedDataNotFound => "SIGNED_DATA_NOT_FOUND",
        }
    }
}

impl Indication {
    /// TOTAL-PASSED, TOTAL-FAILED or INDETERMINATE.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::TotalPassed(_) => "TOTAL-PASSED",
            Self::TotalFailed(_) => "TOTAL-FAILED",
            Self::Indeterminate(_) => "INDETERMINATE",
        }
    }

    /// The name of the sub-indication; a passed validation has none.
    #[must_use]
    pub const fn sub_indication(&self) -> Option<&'static str> {
        match self {
            Self::TotalPassed(_) => None,
            Self::TotalFailed(f) => Some(f.name()),
            Self::Indeterminate(i) => Some(i.name()),
        }
    }

    /// What it amounts to among others.
    #[must_use]
    pub const fn overall(&self) -> Overall {
        match self {
            Self::TotalPassed(_) => Overall::TotalPassed,
            Self::TotalFailed(_) => Overall::TotalFailed,
            Self::Indeterminate(_) => Overall::Indeterminate,
        }
    }
}

impl fmt::Display for Indication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.sub_indication().map_or(Ok(()), |s| write!(f, " {s}"))
    }
}

/// The worst indication among the signatures of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // complete: callers map it to exit codes
pub enum Overall {
    /// There is nothing to judge.
    NoSignature,
    /// Every signature passed.
    TotalPassed,
    /// None failed, at least one is not decided.
    Indeterminate,
    /// At least one failed.
    TotalFailed,
}

impl Overall {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoSignature => "NO-SIGNATURE",
            Self::TotalPassed => "TOTAL-PASSED",
            Self::Indeterminate => "INDETERMINATE",
            Self::TotalFailed => "TOTAL-FAILED",
        }
    }
}

/// The proof that a validation succeeded. Only the validator makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    path: Vec<Certificate>,
    trust_set: String,
    best_signature_time: Time,
    signed: Signed,
}

/// Which octets a signature speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signed {
    /// Ranges of octets of a document, which have this digest together.
    Ranges {
        /// The ranges, ascending.
        ranges: Vec<Range<u64>>,
        /// The digest over all of them.
        digest: Digest,
    },
    /// Content that the signature carries itself.
    Encapsulated(Vec<u8>),
    /// Content beside the signature, which has this digest.
    Detached(Digest),
}

impl Passed {
    pub(super) const fn new(path: Vec<Certificate>, trust_set: String, at: Time, signed: Signed) -> Self {
        Self { path, trust_set, best_signature_time: at, signed }
    }

    /// The signer's certificate.
    #[must_use]
    pub fn signer(&self) -> Option<&Certificate> {
        self.path.first()
    }

    /// The certification path, signer first, trust anchor last.
    #[must_use]
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The name of the trust set that the anchor belongs to.
    #[must_use]
    pub fn trust_set(&self) -> &str {
        &self.trust_set
    }

    /// The earliest time at which the signature is proven to have existed.
    #[must_use]
    pub const fn best_signature_time(&self) -> Time {
        self.best_signature_time
    }

    /// What was signed.
    #[must_use]
    pub const fn signed(&self) -> &Signed {
        &self.signed
    }

    /// The signed octets, cut out of `document`; show these, not the file.
    ///
    /// `None` where `document` is not the validated one (too short), or where
    /// the signature does not refer to ranges.
    #[must_use]
    pub fn signed_octets<'d>(&self, document: &'d [u8]) -> Option<Vec<&'d [u8]>> {
        let Signed::Ranges { ranges, .. } = &self.signed else { return None };
        ranges.iter().map(|r| document.get(usize::try_from(r.start).ok()?..usize::try_from(r.end).ok()?)).collect()
    }
}
