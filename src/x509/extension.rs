//! Extensions of certificates, CRLs and their entries (RFC 5280 §4.2, §5.2, §5.3).
#![allow(missing_docs, clippy::missing_errors_doc)] // agent x509: document

use super::name::{Name, RelativeName};
use crate::asn1::Oid;

/// One extension as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    pub oid: Oid,
    pub critical: bool,
    /// Content of the OCTET STRING.
    pub value: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BasicConstraints {
    pub ca: bool,
    pub path_len: Option<u32>,
}

/// Bits of `keyUsage`, bit 0 (digitalSignature) as the lowest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyUsage(pub(crate) u16);

impl KeyUsage {
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    pub const CRL_SIGN: Self = Self(1 << 6);

    /// All bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// At least one bit of `other` is set.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// An extended key usage.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct KeyPurpose(pub Oid);

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    Other {
        type_id: Oid,
        value: Vec<u8>,
    },
    Rfc822(String),
    Dns(String),
    /// x400Address or ediPartyName, not interpreted.
    Opaque {
        tag: u8,
        content: Vec<u8>,
    },
    Directory(Name),
    Uri(String),
    /// 4 or 16 octets; in constraints 8 or 32 (address and mask).
    Ip(Vec<u8>),
    RegisteredId(Oid),
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneralSubtree {
    pub base: GeneralName,
    pub minimum: u32,
    pub maximum: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NameConstraints {
    pub permitted: Vec<GeneralSubtree>,
    pub excluded: Vec<GeneralSubtree>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyInformation {
    pub policy: Oid,
    /// DER of the qualifiers' SEQUENCE, as it stands.
    pub qualifiers: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyMapping {
    pub issuer_domain: Oid,
    pub subject_domain: Oid,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PolicyConstraints {
    pub require_explicit: Option<u32>,
    pub inhibit_mapping: Option<u32>,
}

/// `ReasonFlags` of distribution points; bit 0 (unused) as the lowest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReasonFlags(pub(crate) u16);

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DistributionPointName {
    Full(Vec<GeneralName>),
    Relative(RelativeName),
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionPoint {
    pub name: Option<DistributionPointName>,
    pub reasons: Option<ReasonFlags>,
    pub crl_issuer: Option<Vec<GeneralName>>,
}

/// RFC 5280 §5.2.5.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuingDistributionPoint {
    pub name: Option<DistributionPointName>,
    pub only_user_certs: bool,
    pub only_ca_certs: bool,
    pub only_some_reasons: Option<ReasonFlags>,
    pub indirect_crl: bool,
    pub only_attribute_certs: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessDescription {
    pub method: Oid,
    pub location: GeneralName,
}

/// `CRLReason` (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    Unspecified,
    KeyCompromise,
    CaCompromise,
    AffiliationChanged,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    RemoveFromCrl,
    PrivilegeWithdrawn,
    AaCompromise,
}
