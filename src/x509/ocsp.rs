//! OCSP requests and responses (RFC 6960).
#![allow(missing_docs, clippy::missing_errors_doc)] // agent x509: document

use std::sync::Arc;

use super::certificate::{Certificate, Serial};
use super::extension::{Extension, RevocationReason};
use super::name::Name;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::time::Time;

/// `OCSPResponseStatus` other than successful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseStatus {
    Successful,
    MalformedRequest,
    InternalError,
    TryLater,
    SigRequired,
    Unauthorized,
    Other(u8),
}

/// A response: octets, decoded once. Cloning shares it.
#[derive(Clone)]
pub struct OcspResponse(Arc<Inner>);
struct Inner {
    der: Vec<u8>,
}

#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ResponderId {
    Name(Name),
    /// SHA-1 of the responder's key octets.
    KeyHash(Vec<u8>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertId {
    pub hash: DigestAlgorithm,
    pub issuer_name_hash: Vec<u8>,
    pub issuer_key_hash: Vec<u8>,
    pub serial: Serial,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertStatus {
    Good,
    Revoked { time: Time, reason: Option<RevocationReason> },
    Unknown,
}

#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SingleResponse {
    /// `None` where the hash algorithm is unknown.
    pub cert_id: Option<CertId>,
    pub status: CertStatus,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub extensions: Vec<Extension>,
}

impl CertId {
    #[must_use]
    pub fn new(hash: DigestAlgorithm, issuer: &Certificate, serial: &Serial) -> Self {
        let _ = (hash, issuer, serial);
        todo!("agent x509")
    }
    /// This identifies a certificate with `serial` issued by `issuer`.
    #[must_use]
    pub fn matches(&self, issuer: &Certificate, serial: &Serial) -> bool {
        let _ = (issuer, serial);
        todo!("agent x509")
    }
}

impl OcspResponse {
    /// `OCSPResponse`, or a bare `BasicOCSPResponse` as PDF files may hold it.
    pub fn from_der(input: &[u8]) -> Result<Self, Error> {
        let _ = input;
        todo!("agent x509")
    }
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }
    /// The `BasicOCSPResponse` alone, as CMS revocation values want it.
    #[must_use]
    pub fn basic_der(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn status(&self) -> ResponseStatus {
        todo!("agent x509")
    }
    #[must_use]
    pub fn tbs_octets(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn responder_id(&self) -> &ResponderId {
        todo!("agent x509")
    }
    #[must_use]
    pub fn produced_at(&self) -> Time {
        todo!("agent x509")
    }
    #[must_use]
    pub fn responses(&self) -> &[SingleResponse] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        todo!("agent x509")
    }
    /// Content of the nonce extension.
    #[must_use]
    pub fn nonce(&self) -> Option<&[u8]> {
        todo!("agent x509")
    }
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        todo!("agent x509")
    }
}

/// DER `OCSPRequest` for one certificate.
#[must_use]
pub fn request(id: &CertId, nonce: Option<&[u8]>) -> Vec<u8> {
    let _ = (id, nonce);
    todo!("agent x509")
}

impl std::fmt::Debug for OcspResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OcspResponse").finish_non_exhaustive()
    }
}
