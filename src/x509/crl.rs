//! Certificate revocation lists (RFC 5280 §5).

use std::sync::Arc;

use super::certificate::Serial;
use super::extension::{Extension, IssuingDistributionPoint, RevocationReason};
use super::name::Name;
use crate::error::Error;
use crate::time::Time;

/// A CRL: its octets, decoded once; entries are read on demand. Cloning shares it.
#[derive(Clone)]
pub struct Crl(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
}

/// One entry of a CRL.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RevokedEntry {
    /// The certificate's serial number.
    pub serial: Serial,
    /// `revocationDate`.
    pub revocation_time: Time,
    /// `reasonCode`, where present.
    pub reason: Option<RevocationReason>,
    /// `invalidityDate`, where present.
    pub invalidity_time: Option<Time>,
    /// The certificate issuer in force at this entry of an indirect CRL
    /// (carried forward from earlier entries); `None`: the CRL's own issuer.
    pub certificate_issuer: Option<Name>,
    /// An entry extension that is critical and unknown.
    pub unknown_critical: bool,
}

#[allow(clippy::missing_errors_doc, missing_docs)]
impl Crl {
    pub fn from_der(input: &[u8]) -> Result<Self, Error> {
        let _ = input;
        todo!("agent x509")
    }
    /// PEM (`X509 CRL`) or DER.
    pub fn from_file(octets: &[u8]) -> Result<Self, Error> {
        let _ = octets;
        todo!("agent x509")
    }
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }
    #[must_use]
    pub fn tbs_octets(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn issuer(&self) -> &Name {
        todo!("agent x509")
    }
    #[must_use]
    pub fn this_update(&self) -> Time {
        todo!("agent x509")
    }
    #[must_use]
    pub fn next_update(&self) -> Option<Time> {
        todo!("agent x509")
    }
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn tbs_signature_algorithm(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        todo!("agent x509")
    }
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        todo!("agent x509")
    }
    /// `cRLNumber`, INTEGER content octets.
    pub fn crl_number(&self) -> Result<Option<Serial>, Error> {
        todo!("agent x509")
    }
    /// `BaseCRLNumber` of a delta CRL.
    pub fn delta_base(&self) -> Result<Option<Serial>, Error> {
        todo!("agent x509")
    }
    pub fn authority_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        todo!("agent x509")
    }
    pub fn issuing_distribution_point(&self) -> Result<Option<IssuingDistributionPoint>, Error> {
        todo!("agent x509")
    }
    /// `expiredCertsOnCRL` (X.509 §9.5.2.8).
    pub fn expired_certs_on_crl(&self) -> Result<Option<Time>, Error> {
        todo!("agent x509")
    }
    /// The entry for a certificate with this serial issued by `issuer`. Linear once, then indexed.
    pub fn entry(&self, issuer: &Name, serial: &Serial) -> Result<Option<RevokedEntry>, Error> {
        let _ = (issuer, serial);
        todo!("agent x509")
    }
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        todo!("agent x509")
    }
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Crl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crl").finish_non_exhaustive()
    }
}
