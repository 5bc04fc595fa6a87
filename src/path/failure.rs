//! Why there is no valid path.

use std::fmt;

use super::outcome::Path;
use crate::fetch::Request;
use crate::trust::TrustAnchor;
use crate::x509::Certificate;

/// The class of a failure, from the least to the most telling: among several
/// paths that fail, the one that came nearest to success is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum PathReason {
    /// No issuer was found up to an anchor (NO_CERTIFICATE_CHAIN_FOUND).
    NoAnchor,
    /// The search hit a bound before it could find a path.
    Budget,
    /// A signature does not verify under the issuer's key.
    Signature,
    /// A signature or key algorithm is not supported.
    UnsupportedAlgorithm,
    /// A field or an extension cannot be read.
    Malformed,
    /// The issuer's name is not the subject of the next certificate.
    NameChaining,
    /// A critical extension is not understood.
    UnknownCriticalExtension,
    /// An issuer is not a CA.
    NotACa,
    /// A key usage does not allow what the key was used for.
    KeyUsage,
    /// A path length constraint is exceeded.
    PathLength,
    /// A name lies outside of what a CA may name.
    NameConstraints,
    /// No acceptable certificate policy is valid for the path.
    Policy,
    /// An extended key usage does not allow the purpose.
    ExtendedKeyUsage,
    /// A constraint of the trust anchor itself.
    AnchorConstraints,
    /// Everything else holds, but a certificate is not yet valid.
    NotYetValid,
    /// Everything else holds, but a certificate has expired.
    Expired,
}

impl PathReason {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoAnchor => "no path to a trust anchor",
            Self::Budget => "search bound reached",
            Self::Signature => "signature of a certificate",
            Self::UnsupportedAlgorithm => "unsupported algorithm",
            Self::Malformed => "malformed certificate",
            Self::NameChaining => "name chaining",
            Self::UnknownCriticalExtension => "unknown critical extension",
            Self::NotACa => "not a CA",
            Self::KeyUsage => "key usage",
            Self::PathLength => "path length",
            Self::NameConstraints => "name constraints",
            Self::Policy => "certificate policy",
            Self::ExtendedKeyUsage => "extended key usage",
            Self::AnchorConstraints => "constraints of the trust anchor",
            Self::NotYetValid => "not yet valid",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for PathReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why no path is valid: the most telling reason, the certificate at fault, and
/// how far the search came.
///
/// This is an outcome, not an [`Error`](crate::Error): the procedure ran.
#[derive(Clone, Debug)]
pub struct PathFailure {
    pub(super) fault: Fault,
    pub(super) certificates: Vec<Certificate>,
    pub(super) anchor: Option<TrustAnchor>,
    pub(super) untimely: Option<Box<Path>>,
    pub(super) wanted: Vec<Request>,
}

/// One fault of one path.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub(crate) reason: PathReason,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(reason: PathReason, certificate: &Certificate, detail: impl Into<String>) -> Self {
        Self { reason, certificate: Some(certificate.clone()), detail: detail.into() }
    }

    pub(crate) fn general(reason: PathReason, detail: impl Into<String>) -> Self {
        Self { reason, certificate: None, detail: detail.into() }
    }
}

impl PathFailure {
    /// The class, to branch on.
    #[must_use]
    pub const fn reason(&self) -> PathReason {
        self.fault.reason
    }

    /// The certificate at fault, where there is one.
    #[must_use]
    pub const fn certificate(&self) -> Option<&Certificate> {
        self.fault.certificate.as_ref()
    }

    /// What was wrong, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.fault.detail
    }

    /// The path as far as it went, leaf first.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The anchor that the path reached, where it reached one.
    #[must_use]
    pub const fn anchor(&self) -> Option<&TrustAnchor> {
        self.anchor.as_ref()
    }

    /// For [`PathReason::Expired`] and [`PathReason::NotYetValid`]: the path,
    /// which is valid in everything but time.
    #[must_use]
    pub fn untimely(&self) -> Option<&Path> {
        self.untimely.as_deref()
    }

    /// Issuer certificates that could complete the path (AIA `caIssuers`, http only).
    #[must_use]
    pub fn wanted(&self) -> &[Request] {
        &self.wanted
    }
}

impl fmt::Display for PathFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.fault.reason, self.fault.detail)?;
        match &self.fault.certificate {
            Some(certificate) => write!(f, " ({})", certificate.subject()),
            None => Ok(()),
        }
    }
}
