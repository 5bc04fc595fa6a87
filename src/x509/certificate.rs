//! X.509 certificates (RFC 5280 §4).

use std::fmt;
use std::sync::Arc;

use super::extension::{
    AccessDescription, BasicConstraints, DistributionPoint, Extension, GeneralName, KeyPurpose, KeyUsage,
    NameConstraints, PolicyConstraints, PolicyInformation, PolicyMapping,
};
use super::name::Name;
use crate::crypto::{Digest, PublicKey};
use crate::error::Error;
use crate::time::Time;

/// A certificate: its octets, decoded once. Cloning shares it.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
}

/// A serial number: the content octets of its INTEGER, as they stand.
///
/// Negative and over-long serials occur and are kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial(Box<[u8]>);

impl Serial {
    /// From INTEGER content octets.
    #[must_use]
    pub fn from_content(content: &[u8]) -> Self {
        Self(content.into())
    }

    /// INTEGER content octets, big-endian two's complement.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[allow(clippy::missing_errors_doc, missing_docs)]
impl Certificate {
    /// Reads one certificate; BER is taken and kept as its DER form.
    pub fn from_der(input: &[u8]) -> Result<Self, Error> {
        let _ = input;
        todo!("agent x509")
    }
    /// Reads every `CERTIFICATE` block of a PEM text.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, Error> {
        let _ = text;
        todo!("agent x509")
    }
    /// Reads a file's content: PEM (one or more), DER, or a PKCS#7 bundle in either.
    pub fn all_from_file(octets: &[u8]) -> Result<Vec<Self>, Error> {
        let _ = octets;
        todo!("agent x509")
    }
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }
    #[must_use]
    pub fn to_pem(&self) -> String {
        todo!("agent x509")
    }
    /// The octets that the issuer signed.
    #[must_use]
    pub fn tbs_octets(&self) -> &[u8] {
        todo!("agent x509")
    }
    /// 1, 2 or 3; other values as they stand plus one.
    #[must_use]
    pub fn version(&self) -> u8 {
        todo!("agent x509")
    }
    #[must_use]
    pub fn serial(&self) -> &Serial {
        todo!("agent x509")
    }
    #[must_use]
    pub fn issuer(&self) -> &Name {
        todo!("agent x509")
    }
    #[must_use]
    pub fn subject(&self) -> &Name {
        todo!("agent x509")
    }
    #[must_use]
    pub fn not_before(&self) -> Time {
        todo!("agent x509")
    }
    #[must_use]
    pub fn not_after(&self) -> Time {
        todo!("agent x509")
    }
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        todo!("agent x509")
    }
    /// DER `AlgorithmIdentifier` outside of the signed part.
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        todo!("agent x509")
    }
    /// DER `AlgorithmIdentifier` inside of the signed part; must equal the outer one.
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
    /// SHA-256 of the whole certificate.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        todo!("agent x509")
    }
    /// Subject and issuer are the same name.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer() == self.subject()
    }

    // Typed extensions: `None` where absent; a malformed or repeated one makes the
    // getter an error, so that it can never be taken for absent.
    pub fn basic_constraints(&self) -> Result<Option<BasicConstraints>, Error> {
        todo!("agent x509")
    }
    pub fn key_usage(&self) -> Result<Option<KeyUsage>, Error> {
        todo!("agent x509")
    }
    pub fn extended_key_usage(&self) -> Result<Option<Vec<KeyPurpose>>, Error> {
        todo!("agent x509")
    }
    pub fn subject_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        todo!("agent x509")
    }
    pub fn authority_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        todo!("agent x509")
    }
    pub fn subject_alternative_names(&self) -> Result<Option<Vec<GeneralName>>, Error> {
        todo!("agent x509")
    }
    pub fn name_constraints(&self) -> Result<Option<NameConstraints>, Error> {
        todo!("agent x509")
    }
    pub fn policies(&self) -> Result<Option<Vec<PolicyInformation>>, Error> {
        todo!("agent x509")
    }
    pub fn policy_mappings(&self) -> Result<Option<Vec<PolicyMapping>>, Error> {
        todo!("agent x509")
    }
    pub fn policy_constraints(&self) -> Result<Option<PolicyConstraints>, Error> {
        todo!("agent x509")
    }
    /// `inhibitAnyPolicy` skip count.
    pub fn inhibit_any_policy(&self) -> Result<Option<u32>, Error> {
        todo!("agent x509")
    }
    pub fn crl_distribution_points(&self) -> Result<Option<Vec<DistributionPoint>>, Error> {
        todo!("agent x509")
    }
    pub fn freshest_crl(&self) -> Result<Option<Vec<DistributionPoint>>, Error> {
        todo!("agent x509")
    }
    pub fn authority_information_access(&self) -> Result<Option<Vec<AccessDescription>>, Error> {
        todo!("agent x509")
    }
    /// `id-pkix-ocsp-nocheck` is present (RFC 6960 §4.2.2.2.1).
    #[must_use]
    pub fn has_ocsp_nocheck(&self) -> bool {
        todo!("agent x509")
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der() == other.der()
    }
}

impl Eq for Certificate {}

impl std::hash::Hash for Certificate {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.der().hash(state);
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").finish_non_exhaustive()
    }
}
