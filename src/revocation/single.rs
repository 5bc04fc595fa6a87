//! One CRL or OCSP response on its own.

use super::evidence::Evidence;
use super::rules::RevocationRules;
use super::status::RevocationStatus;
use crate::crypto::Backend;
use crate::error::Error;
use crate::error::Format;
use crate::error::Unsupported;
use crate::finding::Finding;
use crate::path::SignatureFact;
use crate::time::Time;
use crate::trust::TrustAnchors;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

/// What can be said of one piece of evidence, each answer apart from the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EvidenceJudgement {
    /// The signature verifies under the key of who says that he signed it.
    pub authentic: bool,
    /// The signer may speak for the issuer's certificates, and, where anchors
    /// were given, has a path to one of them.
    pub signer_entitled: bool,
    /// It covers the time asked for.
    pub fresh: bool,
    /// The status that it states for the certificate, whether or not it is to be believed.
    pub status: Option<RevocationStatus>,
    /// `thisUpdate`.
    pub this_update: Option<Time>,
    /// `nextUpdate`.
    pub next_update: Option<Time>,
    /// Its signature, for the algorithm policy; `None` where it does not verify.
    pub signature: Option<SignatureFact>,
    /// The certificate of the signer, where it is not the issuer itself.
    pub signer: Option<Certificate>,
    /// What led to these answers.
    pub findings: Vec<Finding>,
}

/// Judges an OCSP response on certificates of `issuer`.
///
/// `issuer` is taken at its word; with `anchors` that are not empty it must
/// also have a path to one of them. Without a `certificate`, the first answer
/// on a certificate of the issuer counts.
///
/// # Errors
/// A response that is not successful, and so says nothing.
#[allow(clippy::too_many_arguments)] // each one is a separate fact
pub fn judge_ocsp(
    response: &OcspResponse,
    issuer: &Certificate,
    certificate: Option<&Certificate>,
    evidence: &Evidence,
    anchors: &TrustAnchors,
    rules: &RevocationRules,
    at: Time,
    backend: Backend,
) -> Result<EvidenceJudgement, Error> {
    super::ocsp::successful(response)?;
    let _ = (issuer, certificate, evidence, anchors, rules, at, backend);
    Err(Unsupported::new(Format::Ocsp, "judging one response on its own").into())
}

/// Judges a CRL that is to cover certificates of `issuer`. As [`judge_ocsp`].
///
/// # Errors
/// A CRL whose extensions or entries cannot be read.
#[allow(clippy::too_many_arguments)] // each one is a separate fact
pub fn judge_crl(
    crl: &Crl,
    issuer: &Certificate,
    certificate: Option<&Certificate>,
    evidence: &Evidence,
    anchors: &TrustAnchors,
    rules: &RevocationRules,
    at: Time,
    backend: Backend,
) -> Result<EvidenceJudgement, Error> {
    let _ = (crl, issuer, certificate, evidence, anchors, rules, at, backend);
    Err(Unsupported::new(Format::Crl, "judging one CRL on its own").into())
}
