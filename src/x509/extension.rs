//! Extensions of certificates, CRLs and their entries (RFC 5280 §4.2, §5.2, §5.3).

use std::fmt;

use der::Decode;
use x509_cert::ext::pkix;

use super::name::Name;
use super::name::RelativeName;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

/// One extension as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    /// `extnID`.
    pub oid: Oid,
    /// `critical`; who does not know the extension must then reject what carries it.
    pub critical: bool,
    /// Content of the OCTET STRING.
    pub value: Vec<u8>,
}

/// `BasicConstraints` (RFC 5280 §4.2.1.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BasicConstraints {
    /// The subject is a CA.
    pub ca: bool,
    /// Most intermediate certificates that may follow, self-issued ones aside.
    pub path_len: Option<u32>,
}

/// Bits of `keyUsage` (RFC 5280 §4.2.1.3), bit 0 (digitalSignature) as the lowest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyUsage(pub(crate) u16);

impl KeyUsage {
    /// `digitalSignature`.
    pub const DIGITAL_SIGNATURE: Self = Self(1);
    /// `nonRepudiation`, in X.509 `contentCommitment`.
    pub const NON_REPUDIATION: Self = Self(1 << 1);
    /// `keyEncipherment`.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// `dataEncipherment`.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// `keyAgreement`.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// `keyCertSign`.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// `cRLSign`.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// `encipherOnly`.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// `decipherOnly`.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

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

    /// The bits of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// An extended key usage (RFC 5280 §4.2.1.12).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct KeyPurpose(pub Oid);

impl KeyPurpose {
    /// `anyExtendedKeyUsage`.
    pub const ANY: Self = Self(Oid::known(&[0x55, 0x1D, 37, 0]));
    /// `id-kp-serverAuth`.
    pub const SERVER_AUTH: Self = Self(Oid::known(&[0x2B, 6, 1, 5, 5, 7, 3, 1]));
    /// `id-kp-clientAuth`.
    pub const CLIENT_AUTH: Self = Self(Oid::known(&[0x2B, 6, 1, 5, 5, 7, 3, 2]));
    /// `id-kp-emailProtection`.
    pub const EMAIL_PROTECTION: Self = Self(Oid::known(&[0x2B, 6, 1, 5, 5, 7, 3, 4]));
    /// `id-kp-timeStamping`.
    pub const TIME_STAMPING: Self = Self(Oid::known(&[0x2B, 6, 1, 5, 5, 7, 3, 8]));
    /// `id-kp-OCSPSigning`.
    pub const OCSP_SIGNING: Self = Self(Oid::known(&[0x2B, 6, 1, 5, 5, 7, 3, 9]));
    /// `id-kp-documentSigning` (RFC 9336).
    pub const DOCUMENT_SIGNING: Self = Self(Oid::known(&[0x2B, 6, 1, 5, 5, 7, 3, 36]));
}

/// `GeneralName` (RFC 5280 §4.2.1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GeneralName {
    /// `otherName`.
    Other {
        /// `type-id`.
        type_id: Oid,
        /// DER of the value inside of `[0]`.
        value: Vec<u8>,
    },
    /// `rfc822Name`.
    Rfc822(String),
    /// `dNSName`.
    Dns(String),
    /// `x400Address` or `ediPartyName`, not interpreted.
    Opaque {
        /// The identifier octet.
        tag: u8,
        /// Content octets.
        content: Vec<u8>,
    },
    /// `directoryName`.
    Directory(Name),
    /// `uniformResourceIdentifier`.
    Uri(String),
    /// `iPAddress`: 4 or 16 octets; in constraints 8 or 32 (address and mask). Other lengths are kept too.
    Ip(Vec<u8>),
    /// `registeredID`.
    RegisteredId(Oid),
}

/// `GeneralSubtree` (RFC 5280 §4.2.1.10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GeneralSubtree {
    /// `base`.
    pub base: GeneralName,
    /// `minimum`; must be 0.
    pub minimum: u32,
    /// `maximum`; must be absent.
    pub maximum: Option<u32>,
}

/// `NameConstraints` (RFC 5280 §4.2.1.10).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct NameConstraints {
    /// `permittedSubtrees`.
    pub permitted: Vec<GeneralSubtree>,
    /// `excludedSubtrees`.
    pub excluded: Vec<GeneralSubtree>,
}

/// `PolicyInformation` (RFC 5280 §4.2.1.4).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyInformation {
    /// `policyIdentifier`.
    pub policy: Oid,
    /// DER of the qualifiers' SEQUENCE, as it stands.
    pub qualifiers: Option<Vec<u8>>,
}

/// One of `PolicyMappings` (RFC 5280 §4.2.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyMapping {
    /// `issuerDomainPolicy`.
    pub issuer_domain: Oid,
    /// `subjectDomainPolicy`.
    pub subject_domain: Oid,
}

/// `PolicyConstraints` (RFC 5280 §4.2.1.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PolicyConstraints {
    /// `requireExplicitPolicy`.
    pub require_explicit: Option<u32>,
    /// `inhibitPolicyMapping`.
    pub inhibit_mapping: Option<u32>,
}

/// `ReasonFlags` of distribution points (RFC 5280 §4.2.1.13); bit 0 (unused) as the lowest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReasonFlags(pub(crate) u16);

impl ReasonFlags {
    /// No reason.
    pub const NONE: Self = Self(0);
    /// All reasons: bits 1 (keyCompromise) to 8 (aACompromise).
    pub const ALL: Self = Self(0x1FE);

    /// All bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The bits of both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// `DistributionPointName` (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DistributionPointName {
    /// `fullName`.
    Full(Vec<GeneralName>),
    /// `nameRelativeToCRLIssuer`.
    Relative(RelativeName),
}

/// `DistributionPoint` (RFC 5280 §4.2.1.13).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DistributionPoint {
    /// `distributionPoint`.
    pub name: Option<DistributionPointName>,
    /// `reasons`; absent: all.
    pub reasons: Option<ReasonFlags>,
    /// `cRLIssuer`; absent: the certificate's issuer.
    pub crl_issuer: Option<Vec<GeneralName>>,
}

/// `IssuingDistributionPoint` of a CRL (RFC 5280 §5.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuingDistributionPoint {
    /// `distributionPoint`.
    pub name: Option<DistributionPointName>,
    /// `onlyContainsUserCerts`.
    pub only_user_certs: bool,
    /// `onlyContainsCACerts`.
    pub only_ca_certs: bool,
    /// `onlySomeReasons`; absent: all.
    pub only_some_reasons: Option<ReasonFlags>,
    /// `indirectCRL`.
    pub indirect_crl: bool,
    /// `onlyContainsAttributeCerts`.
    pub only_attribute_certs: bool,
}

/// `AccessDescription` (RFC 5280 §4.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessDescription {
    /// `accessMethod`.
    pub method: Oid,
    /// `accessLocation`.
    pub location: GeneralName,
}

impl AccessDescription {
    /// `id-ad-ocsp`.
    pub const OCSP: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 48, 1]);
    /// `id-ad-caIssuers`.
    pub const CA_ISSUERS: Oid = Oid::known(&[0x2B, 6, 1, 5, 5, 7, 48, 2]);
}

/// `CRLReason` (RFC 5280 §5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RevocationReason {
    /// `unspecified` (0).
    Unspecified,
    /// `keyCompromise` (1).
    KeyCompromise,
    /// `cACompromise` (2).
    CaCompromise,
    /// `affiliationChanged` (3).
    AffiliationChanged,
    /// `superseded` (4).
    Superseded,
    /// `cessationOfOperation` (5).
    CessationOfOperation,
    /// `certificateHold` (6); may be lifted again.
    CertificateHold,
    /// `removeFromCRL` (8); the hold was lifted, or the certificate expired (delta CRLs).
    RemoveFromCrl,
    /// `privilegeWithdrawn` (9).
    PrivilegeWithdrawn,
    /// `aACompromise` (10).
    AaCompromise,
}

impl RevocationReason {
    /// The name in RFC 5280.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
            Self::PrivilegeWithdrawn => "privilegeWithdrawn",
            Self::AaCompromise => "aACompromise",
        }
    }

    pub(super) fn read(value: &Tlv<'_>, format: Format) -> Result<Self, Error> {
        Ok(match value.content {
            [0] => Self::Unspecified,
            [1] => Self::KeyCompromise,
            [2] => Self::CaCompromise,
            [3] => Self::AffiliationChanged,
            [4] => Self::Superseded,
            [5] => Self::CessationOfOperation,
            [6] => Self::CertificateHold,
            [8] => Self::RemoveFromCrl,
            [9] => Self::PrivilegeWithdrawn,
            [10] => Self::AaCompromise,
            _ => return Err(value.fault(format, "CRLReason", "0 to 6, or 8 to 10").into()),
        })
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `Extensions`, given as its SEQUENCE.
///
/// An explicit `critical FALSE`, which DER leaves out, is taken.
pub(super) fn extensions(sequence: &Tlv<'_>, format: Format) -> Result<Vec<Extension>, Error> {
    let mut all = Vec::new();
    let mut reader = sequence.reader(format);
    while !reader.is_empty() {
        let mut parts = reader.expect(0x30, "Extension")?.reader(format);
        let oid = parts.expect(0x06, "extnID")?.oid(format, "extnID")?;
        let critical = match parts.optional(0x01, "critical")? {
            Some(value) => value.boolean(format, "critical")?,
            None => false,
        };
        let value = parts.expect(0x04, "extnValue")?.content.to_vec();
        parts.end("Extension")?;
        all.push(Extension { oid, critical, value });
    }
    Ok(all)
}

/// The value of an extension, `None` where it is absent.
///
/// RFC 5280 §4.2 forbids a second one; which of two counts nobody can say, so
/// that both are an error.
pub(super) fn find<'a>(
    all: &'a [Extension],
    oid: &Oid,
    field: &'static str,
    format: Format,
) -> Result<Option<&'a [u8]>, Error> {
    let mut found = all.iter().filter(|e| e.oid == *oid);
    let first = found.next();
    if found.next().is_some() {
        return Err(Malformed::new(format, field, "the extension once").found("it more than once").into());
    }
    Ok(first.map(|e| e.value.as_slice()))
}

/// An extension decoded by `read`, which is given its one value.
pub(super) fn decoded<'a, T>(
    all: &'a [Extension],
    oid: &Oid,
    field: &'static str,
    format: Format,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let Some(value) = find(all, oid, field, format)? else { return Ok(None) };
    let mut reader = Reader::new(value, format);
    let result = read(&mut reader)?;
    reader.end(field)?;
    Ok(Some(result))
}

/// An extension decoded into its type of the `x509-cert` crate.
fn typed<T: for<'a> Decode<'a>>(
    all: &[Extension],
    oid: &Oid,
    field: &'static str,
    format: Format,
) -> Result<Option<T>, Error> {
    let Some(value) = find(all, oid, field, format)? else { return Ok(None) };
    T::from_der(value).map(Some).map_err(|_| Malformed::new(format, field, "the value its type has in RFC 5280").into())
}

fn known(oid: &der::asn1::ObjectIdentifier, field: &'static str, format: Format) -> Result<Oid, Error> {
    Oid::from_content(oid.as_bytes()).ok_or_else(|| Malformed::new(format, field, "an object identifier").into())
}

pub(super) fn extended_key_usage(all: &[Extension], oid: &Oid) -> Result<Option<Vec<KeyPurpose>>, Error> {
    let (field, format) = ("extKeyUsage", Format::Certificate);
    let Some(purposes) = typed::<pkix::ExtendedKeyUsage>(all, oid, field, format)? else { return Ok(None) };
    purposes.0.iter().map(|p| known(p, field, format).map(KeyPurpose)).collect::<Result<_, _>>().map(Some)
}

pub(super) fn policy_mappings(all: &[Extension], oid: &Oid) -> Result<Option<Vec<PolicyMapping>>, Error> {
    let (field, format) = ("policyMappings", Format::Certificate);
    let Some(mappings) = typed::<pkix::PolicyMappings>(all, oid, field, format)? else { return Ok(None) };
    let mapping = |m: &pkix::PolicyMapping| {
        Ok(PolicyMapping {
            issuer_domain: known(&m.issuer_domain_policy, field, format)?,
            subject_domain: known(&m.subject_domain_policy, field, format)?,
        })
    };
    mappings.0.iter().map(mapping).collect::<Result<_, _>>().map(Some)
}

pub(super) fn policy_constraints(all: &[Extension], oid: &Oid) -> Result<Option<PolicyConstraints>, Error> {
    let found = typed::<pkix::PolicyConstraints>(all, oid, "policyConstraints", Format::Certificate)?;
    Ok(found.map(|c| PolicyConstraints {
        require_explicit: c.require_explicit_policy,
        inhibit_mapping: c.inhibit_policy_mapping,
    }))
}

pub(super) fn inhibit_any_policy(all: &[Extension], oid: &Oid) -> Result<Option<u32>, Error> {
    Ok(typed::<pkix::InhibitAnyPolicy>(all, oid, "inhibitAnyPolicy", Format::Certificate)?.map(|i| i.0))
}

/// The types below are read here and not by the `x509-cert` crate, which holds
/// a path length to 255 and names to the order of SET OF, and re-encodes what
/// must stay as it is.
pub(super) fn basic_constraints(reader: &mut Reader<'_>, format: Format) -> Result<BasicConstraints, Error> {
    let field = "basicConstraints";
    let mut parts = reader.expect(0x30, field)?.reader(format);
    let ca = match parts.optional(0x01, "cA")? {
        Some(value) => value.boolean(format, "cA")?,
        None => false,
    };
    let path_len = match parts.optional(0x02, "pathLenConstraint")? {
        Some(value) => Some(value.small(format, "pathLenConstraint")?),
        None => None,
    };
    parts.end(field)?;
    Ok(BasicConstraints { ca, path_len })
}

/// The key identifier alone; the issuer's name and serial number are a hint that nothing uses.
pub(super) fn authority_key_identifier(all: &[Extension], format: Format) -> Result<Option<&[u8]>, Error> {
    let field = "authorityKeyIdentifier";
    let found = decoded(all, &super::oids::AUTHORITY_KEY_IDENTIFIER, field, format, |reader| {
        let mut parts = reader.expect(0x30, field)?.reader(format);
        let key = parts.optional(0x80, "keyIdentifier")?.map(|key| key.content);
        parts.optional(0xA1, "authorityCertIssuer")?;
        parts.optional(0x82, "authorityCertSerialNumber")?;
        parts.end(field)?;
        Ok(key)
    })?;
    Ok(found.flatten())
}

/// `GeneralNames`, given as the value that holds them.
pub(super) fn general_names(names: &Tlv<'_>, format: Format) -> Result<Vec<GeneralName>, Error> {
    let mut reader = names.reader(format);
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(general_name(&reader.any("GeneralName")?, format)?);
    }
    Ok(all)
}

fn general_name(value: &Tlv<'_>, format: Format) -> Result<GeneralName, Error> {
    // IA5String by type; UTF-8 that got in there is kept, for nothing else can be made of it.
    let text = || match std::str::from_utf8(value.content) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => Err(Error::from(value.fault(format, "GeneralName", "an IA5String"))),
    };
    Ok(match value.tag {
        0xA0 => {
            let mut parts = value.reader(format);
            let type_id = parts.expect(0x06, "otherName type-id")?.oid(format, "otherName type-id")?;
            let inner = parts.expect(0xA0, "otherName value")?.content.to_vec();
            parts.end("otherName")?;
            GeneralName::Other { type_id, value: inner }
        }
        0x81 => GeneralName::Rfc822(text()?),
        0x82 => GeneralName::Dns(text()?),
        0xA3 | 0xA5 => GeneralName::Opaque { tag: value.tag, content: value.content.to_vec() },
        0xA4 => GeneralName::Directory(Name::from_der(value.content)?),
        0x86 => GeneralName::Uri(text()?),
        0x87 => GeneralName::Ip(value.content.to_vec()),
        0x88 => GeneralName::RegisteredId(value.oid(format, "registeredID")?),
        _ => return Err(value.fault(format, "GeneralName", "one of the nine forms").into()),
    })
}

pub(super) fn name_constraints(reader: &mut Reader<'_>, format: Format) -> Result<NameConstraints, Error> {
    let field = "nameConstraints";
    let mut parts = reader.expect(0x30, field)?.reader(format);
    let mut subtrees = |tag, field| -> Result<Vec<GeneralSubtree>, Error> {
        let Some(value) = parts.optional(tag, field)? else { return Ok(Vec::new()) };
        let mut reader = value.reader(format);
        let mut all = Vec::new();
        while !reader.is_empty() {
            let mut subtree = reader.expect(0x30, "GeneralSubtree")?.reader(format);
            let base = general_name(&subtree.any("base")?, format)?;
            let minimum = subtree.optional(0x80, "minimum")?.map_or(Ok(0), |n| n.small(format, "minimum"))?;
            let maximum = subtree.optional(0x81, "maximum")?.map(|n| n.small(format, "maximum")).transpose()?;
            subtree.end("GeneralSubtree")?;
            all.push(GeneralSubtree { base, minimum, maximum });
        }
        Ok(all)
    };
    let permitted = subtrees(0xA0, "permittedSubtrees")?;
    let excluded = subtrees(0xA1, "excludedSubtrees")?;
    parts.end(field)?;
    Ok(NameConstraints { permitted, excluded })
}

pub(super) fn policies(reader: &mut Reader<'_>, format: Format) -> Result<Vec<PolicyInformation>, Error> {
    let mut sequence = reader.expect(0x30, "certificatePolicies")?.reader(format);
    let mut all = Vec::new();
    while !sequence.is_empty() {
        let mut parts = sequence.expect(0x30, "PolicyInformation")?.reader(format);
        let policy = parts.expect(0x06, "policyIdentifier")?.oid(format, "policyIdentifier")?;
        let qualifiers = parts.optional(0x30, "policyQualifiers")?.map(|q| q.raw.to_vec());
        parts.end("PolicyInformation")?;
        all.push(PolicyInformation { policy, qualifiers });
    }
    Ok(all)
}

pub(super) fn distribution_points(reader: &mut Reader<'_>, format: Format) -> Result<Vec<DistributionPoint>, Error> {
    let mut sequence = reader.expect(0x30, "CRLDistributionPoints")?.reader(format);
    let mut all = Vec::new();
    while !sequence.is_empty() {
        let mut parts = sequence.expect(0x30, "DistributionPoint")?.reader(format);
        let name = distribution_point_name(&mut parts, format)?;
        let reasons = parts.optional(0x81, "reasons")?.map(|r| r.flags(format, "reasons")).transpose()?;
        let crl_issuer = parts.optional(0xA2, "cRLIssuer")?.map(|n| general_names(&n, format)).transpose()?;
        parts.end("DistributionPoint")?;
        all.push(DistributionPoint { name, reasons: reasons.map(ReasonFlags), crl_issuer });
    }
    Ok(all)
}

fn distribution_point_name(parts: &mut Reader<'_>, format: Format) -> Result<Option<DistributionPointName>, Error> {
    let Some(outer) = parts.optional(0xA0, "distributionPoint")? else { return Ok(None) };
    let mut choice = outer.reader(format);
    let value = choice.any("DistributionPointName")?;
    choice.end("DistributionPointName")?;
    Ok(Some(match value.tag {
        0xA0 => DistributionPointName::Full(general_names(&value, format)?),
        0xA1 => DistributionPointName::Relative(RelativeName::from_content(value.content)?),
        _ => return Err(value.fault(format, "DistributionPointName", "fullName or nameRelativeToCRLIssuer").into()),
    }))
}

pub(super) fn issuing_distribution_point(
    reader: &mut Reader<'_>,
    format: Format,
) -> Result<IssuingDistributionPoint, Error> {
    let field = "issuingDistributionPoint";
    let mut parts = reader.expect(0x30, field)?.reader(format);
    let name = distribution_point_name(&mut parts, format)?;
    let flag = |parts: &mut Reader<'_>, tag, field| -> Result<bool, Error> {
        parts.optional(tag, field)?.map_or(Ok(false), |value| value.boolean(format, field))
    };
    let only_user_certs = flag(&mut parts, 0x81, "onlyContainsUserCerts")?;
    let only_ca_certs = flag(&mut parts, 0x82, "onlyContainsCACerts")?;
    let reasons = parts.optional(0x83, "onlySomeReasons")?.map(|r| r.flags(format, "onlySomeReasons")).transpose()?;
    let indirect_crl = flag(&mut parts, 0x84, "indirectCRL")?;
    let only_attribute_certs = flag(&mut parts, 0x85, "onlyContainsAttributeCerts")?;
    parts.end(field)?;
    Ok(IssuingDistributionPoint {
        name,
        only_user_certs,
        only_ca_certs,
        only_some_reasons: reasons.map(ReasonFlags),
        indirect_crl,
        only_attribute_certs,
    })
}

pub(super) fn access_descriptions(reader: &mut Reader<'_>, format: Format) -> Result<Vec<AccessDescription>, Error> {
    let mut sequence = reader.expect(0x30, "AuthorityInfoAccessSyntax")?.reader(format);
    let mut all = Vec::new();
    while !sequence.is_empty() {
        let mut parts = sequence.expect(0x30, "AccessDescription")?.reader(format);
        let method = parts.expect(0x06, "accessMethod")?.oid(format, "accessMethod")?;
        let location = general_name(&parts.any("accessLocation")?, format)?;
        parts.end("AccessDescription")?;
        all.push(AccessDescription { method, location });
    }
    Ok(all)
}
