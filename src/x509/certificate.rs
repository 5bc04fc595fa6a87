//! X.509 certificates (RFC 5280 §4).

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use super::extension;
use super::extension::AccessDescription;
use super::extension::BasicConstraints;
use super::extension::DistributionPoint;
use super::extension::Extension;
use super::extension::GeneralName;
use super::extension::KeyPurpose;
use super::extension::KeyUsage;
use super::extension::NameConstraints;
use super::extension::PolicyConstraints;
use super::extension::PolicyInformation;
use super::extension::PolicyMapping;
use super::memo::SignatureMemo;
use super::name::Name;
use super::oids;
use crate::asn1;
use crate::asn1::Oid;
use crate::asn1::pem;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PublicKey;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::limits::Limits;
use crate::time::Time;

const FORMAT: Format = Format::Certificate;

/// A certificate: its octets, decoded once. Cloning shares it.
///
/// Two certificates are equal where their octets are.
#[derive(Clone)]
pub struct Certificate(Arc<Inner>);

struct Inner {
    der: Vec<u8>,
    tbs: Range<usize>,
    tbs_signature_algorithm: Range<usize>,
    signature_algorithm: Range<usize>,
    signature: Range<usize>,
    version: u8,
    serial: Serial,
    issuer: Name,
    subject: Name,
    not_before: Time,
    not_after: Time,
    public_key: PublicKey,
    extensions: Vec<Extension>,
    sha256: OnceLock<Digest>,
    memo: SignatureMemo,
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

impl Certificate {
    /// Reads one certificate; BER is taken and kept as its DER form.
    ///
    /// Rules of RFC 5280 on what fields may hold are not applied here.
    ///
    /// # Errors
    /// Input that does not have the form of a certificate, or has something
    /// after it; a public key that its own algorithm forbids.
    pub fn from_der(input: &[u8]) -> Result<Self, Error> {
        let (der, rest) = asn1::to_der(input, &Limits::default())?;
        if !rest.is_empty() {
            return Err(Malformed::new(FORMAT, "Certificate", "nothing after it").at(der.len() as u64).into());
        }
        Self::decode(der.into_owned())
    }

    fn decode(der: Vec<u8>) -> Result<Self, Error> {
        let signed = Signed::read(&Reader::new(&der, FORMAT).expect(0x30, "Certificate")?, "tbsCertificate", FORMAT)?;
        signed.rest.end("Certificate")?;

        let mut tbs = signed.tbs.reader(FORMAT);
        let version = match tbs.optional(0xA0, "version")? {
            None => 1,
            Some(outer) => match outer.reader(FORMAT).expect(0x02, "version")?.integer(FORMAT, "version")? {
                [version] => version.saturating_add(1),
                _ => u8::MAX,
            },
        };
        let serial = tbs.expect(0x02, "serialNumber")?.integer(FORMAT, "serialNumber")?;
        let serial = Serial::from_content(serial);
        let tbs_signature_algorithm = range(&tbs.expect(0x30, "signature")?);
        let issuer = Name::from_der(tbs.expect(0x30, "issuer")?.raw)?;
        let mut validity = tbs.expect(0x30, "validity")?.reader(FORMAT);
        let not_before = validity.any("notBefore")?.time(FORMAT, "notBefore")?;
        let not_after = validity.any("notAfter")?.time(FORMAT, "notAfter")?;
        validity.end("validity")?;
        let subject = Name::from_der(tbs.expect(0x30, "subject")?.raw)?;
        let public_key = PublicKey::from_spki(tbs.expect(0x30, "subjectPublicKeyInfo")?.raw)?;
        tbs.optional(0x81, "issuerUniqueID")?;
        tbs.optional(0x82, "subjectUniqueID")?;
        let extensions = match tbs.optional(0xA3, "extensions")? {
            None => Vec::new(),
            Some(outer) => {
                let mut inner = outer.reader(FORMAT);
                let all = extension::extensions(&inner.expect(0x30, "extensions")?, FORMAT)?;
                inner.end("extensions")?;
                all
            }
        };
        tbs.end("tbsCertificate")?;

        let (tbs, signature_algorithm) = (range(&signed.tbs), range(&signed.algorithm));
        let signature = signed.signature;
        Ok(Self(Arc::new(Inner {
            tbs,
            tbs_signature_algorithm,
            signature_algorithm,
            signature,
            version,
            serial,
            issuer,
            subject,
            not_before,
            not_after,
            public_key,
            extensions,
            sha256: OnceLock::new(),
            memo: SignatureMemo::default(),
            der,
        })))
    }

    /// Reads every `CERTIFICATE` block of a PEM text; blocks of other kinds are passed over.
    ///
    /// `TRUSTED CERTIFICATE`, which OpenSSL writes, counts too; its trust settings do not.
    ///
    /// # Errors
    /// A broken block, or one whose content is no certificate.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        for block in pem::blocks(text) {
            let block = block?;
            match block.label {
                b"CERTIFICATE" | b"X509 CERTIFICATE" => all.push(Self::from_der(&block.decode()?)?),
                b"TRUSTED CERTIFICATE" => {
                    let octets = block.decode()?;
                    let (der, _) = asn1::to_der(&octets, &Limits::default())?;
                    all.push(Self::decode(der.into_owned())?);
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// Reads a file's content: PEM (one or more), DER (one or more), or a PKCS#7 bundle in either.
    ///
    /// Of a bundle (a SignedData, RFC 5652 §5.1, signed or not) the
    /// certificates are taken as they come, which proves nothing about them.
    ///
    /// # Errors
    /// Content that is none of these, or holds no certificate.
    pub fn all_from_file(octets: &[u8]) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        if pem::is_pem(octets) {
            all = Self::all_from_pem(octets)?;
            for block in pem::blocks(octets) {
                let block = block?;
                if matches!(block.label, b"PKCS7" | b"CMS" | b"PKCS #7 SIGNED DATA") {
                    all.extend(Self::all_from_binary(&block.decode()?)?);
                }
            }
        } else {
            all.extend(Self::all_from_binary(octets)?);
        }
        if all.is_empty() {
            return Err(Malformed::new(FORMAT, "file", "at least one certificate").into());
        }
        Ok(all)
    }

    fn all_from_binary(octets: &[u8]) -> Result<Vec<Self>, Error> {
        let mut all = Vec::new();
        let mut rest = octets;
        // Some tools end a DER file with a line.
        while !rest.trim_ascii().is_empty() {
            let (der, after) = asn1::to_der(rest, &Limits::default())?;
            rest = after;
            let mut reader = Reader::new(&der, FORMAT);
            let inner = reader.expect(0x30, "Certificate")?.reader(FORMAT);
            if inner.peek() == Some(0x06) {
                all.extend(bundled(inner)?);
            } else {
                all.push(Self::decode(der.into_owned())?);
            }
        }
        Ok(all)
    }

    /// The octets of the certificate.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.0.der
    }

    /// As a PEM text (RFC 7468 §5).
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", self.der())
    }

    /// The octets that the issuer signed: `tbsCertificate` with its tag and length.
    #[must_use]
    pub fn tbs_octets(&self) -> &[u8] {
        self.slice(&self.0.tbs)
    }

    /// 1, 2 or 3; other values as they stand plus one.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.version
    }

    /// `serialNumber`.
    #[must_use]
    pub fn serial(&self) -> &Serial {
        &self.0.serial
    }

    /// `issuer`.
    #[must_use]
    pub fn issuer(&self) -> &Name {
        &self.0.issuer
    }

    /// `subject`.
    #[must_use]
    pub fn subject(&self) -> &Name {
        &self.0.subject
    }

    /// The first instant of its validity.
    #[must_use]
    pub fn not_before(&self) -> Time {
        self.0.not_before
    }

    /// The last instant of its validity, still part of it.
    #[must_use]
    pub fn not_after(&self) -> Time {
        self.0.not_after
    }

    /// `subjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0.public_key
    }

    /// DER `AlgorithmIdentifier` outside of the signed part.
    #[must_use]
    pub fn signature_algorithm(&self) -> &[u8] {
        self.slice(&self.0.signature_algorithm)
    }

    /// DER `AlgorithmIdentifier` inside of the signed part; must equal the outer one.
    #[must_use]
    pub fn tbs_signature_algorithm(&self) -> &[u8] {
        self.slice(&self.0.tbs_signature_algorithm)
    }

    /// The octets of `signatureValue`; none where it has bits left over, as no signature has.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        self.slice(&self.0.signature)
    }

    /// All extensions, in their order.
    #[must_use]
    pub fn extensions(&self) -> &[Extension] {
        &self.0.extensions
    }

    /// SHA-256 of the whole certificate, computed once.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        *self.0.sha256.get_or_init(|| DigestAlgorithm::Sha256.digest(self.der()))
    }

    /// What is known of its signature.
    pub(crate) fn signature_memo(&self) -> &SignatureMemo {
        &self.0.memo
    }

    /// Subject and issuer are the same name.
    ///
    /// Such a certificate need not be signed with its own key.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer() == self.subject()
    }

    fn slice(&self, range: &Range<usize>) -> &[u8] {
        self.0.der.get(range.clone()).unwrap_or(&[])
    }
}

/// Typed extensions: `None` where absent. A malformed or repeated one makes its
/// getter an error, so that it can never be taken for absent.
#[allow(clippy::missing_errors_doc)] // said above for all of them
impl Certificate {
    /// `basicConstraints` (RFC 5280 §4.2.1.9).
    pub fn basic_constraints(&self) -> Result<Option<BasicConstraints>, Error> {
        self.read(&oids::BASIC_CONSTRAINTS, "basicConstraints", |r| extension::basic_constraints(r, FORMAT))
    }

    /// `keyUsage` (RFC 5280 §4.2.1.3).
    pub fn key_usage(&self) -> Result<Option<KeyUsage>, Error> {
        let field = "keyUsage";
        self.read(&oids::KEY_USAGE, field, |r| r.expect(0x03, field)?.flags(FORMAT, field).map(KeyUsage))
    }

    /// `extKeyUsage` (RFC 5280 §4.2.1.12).
    pub fn extended_key_usage(&self) -> Result<Option<Vec<KeyPurpose>>, Error> {
        extension::extended_key_usage(self.extensions(), &oids::EXTENDED_KEY_USAGE)
    }

    /// `subjectKeyIdentifier` (RFC 5280 §4.2.1.2).
    pub fn subject_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        let field = "subjectKeyIdentifier";
        self.read(&oids::SUBJECT_KEY_IDENTIFIER, field, |r| r.expect(0x04, field).map(|value| value.content))
    }

    /// The key identifier of `authorityKeyIdentifier` (RFC 5280 §4.2.1.1).
    pub fn authority_key_identifier(&self) -> Result<Option<&[u8]>, Error> {
        extension::authority_key_identifier(self.extensions(), FORMAT)
    }

    /// `subjectAltName` (RFC 5280 §4.2.1.6).
    pub fn subject_alternative_names(&self) -> Result<Option<Vec<GeneralName>>, Error> {
        let field = "subjectAltName";
        self.read(&oids::SUBJECT_ALT_NAME, field, |r| extension::general_names(&r.expect(0x30, field)?, FORMAT))
    }

    /// `nameConstraints` (RFC 5280 §4.2.1.10).
    pub fn name_constraints(&self) -> Result<Option<NameConstraints>, Error> {
        self.read(&oids::NAME_CONSTRAINTS, "nameConstraints", |r| extension::name_constraints(r, FORMAT))
    }

    /// `certificatePolicies` (RFC 5280 §4.2.1.4).
    pub fn policies(&self) -> Result<Option<Vec<PolicyInformation>>, Error> {
        self.read(&oids::CERTIFICATE_POLICIES, "certificatePolicies", |r| extension::policies(r, FORMAT))
    }

    /// `policyMappings` (RFC 5280 §4.2.1.5).
    pub fn policy_mappings(&self) -> Result<Option<Vec<PolicyMapping>>, Error> {
        extension::policy_mappings(self.extensions(), &oids::POLICY_MAPPINGS)
    }

    /// `policyConstraints` (RFC 5280 §4.2.1.11).
    pub fn policy_constraints(&self) -> Result<Option<PolicyConstraints>, Error> {
        extension::policy_constraints(self.extensions(), &oids::POLICY_CONSTRAINTS)
    }

    /// `inhibitAnyPolicy` skip count (RFC 5280 §4.2.1.14).
    pub fn inhibit_any_policy(&self) -> Result<Option<u32>, Error> {
        extension::inhibit_any_policy(self.extensions(), &oids::INHIBIT_ANY_POLICY)
    }

    /// `cRLDistributionPoints` (RFC 5280 §4.2.1.13).
    pub fn crl_distribution_points(&self) -> Result<Option<Vec<DistributionPoint>>, Error> {
        let field = "cRLDistributionPoints";
        self.read(&oids::CRL_DISTRIBUTION_POINTS, field, |r| extension::distribution_points(r, FORMAT))
    }

    /// `freshestCRL` (RFC 5280 §4.2.1.15).
    pub fn freshest_crl(&self) -> Result<Option<Vec<DistributionPoint>>, Error> {
        self.read(&oids::FRESHEST_CRL, "freshestCRL", |r| extension::distribution_points(r, FORMAT))
    }

    /// `authorityInfoAccess` (RFC 5280 §4.2.2.1).
    pub fn authority_information_access(&self) -> Result<Option<Vec<AccessDescription>>, Error> {
        let field = "authorityInfoAccess";
        self.read(&oids::AUTHORITY_INFO_ACCESS, field, |r| extension::access_descriptions(r, FORMAT))
    }

    /// `id-pkix-ocsp-nocheck` is present (RFC 6960 §4.2.2.2.1).
    #[must_use]
    pub fn has_ocsp_nocheck(&self) -> bool {
        self.extensions().iter().any(|e| e.oid == oids::OCSP_NOCHECK)
    }

    fn read<'a, T>(
        &'a self,
        oid: &Oid,
        field: &'static str,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        extension::decoded(self.extensions(), oid, field, FORMAT, read)
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.der() == other.der()
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
        f.debug_struct("Certificate")
            .field("subject", self.subject())
            .field("issuer", self.issuer())
            .field("serial", self.serial())
            .finish_non_exhaustive()
    }
}

/// `SIGNED{ToBeSigned}`: what certificates, CRLs and OCSP responses are made of.
pub(super) struct Signed<'a> {
    pub(super) tbs: Tlv<'a>,
    pub(super) algorithm: Tlv<'a>,
    /// Where the octets of the signature stand.
    pub(super) signature: Range<usize>,
    /// What follows the signature inside of the SEQUENCE; empty but in OCSP.
    pub(super) rest: Reader<'a>,
}

impl<'a> Signed<'a> {
    /// Reads what the SEQUENCE `outer` holds.
    pub(super) fn read(outer: &Tlv<'a>, tbs_field: &'static str, format: Format) -> Result<Self, Error> {
        let mut parts = outer.reader(format);
        let tbs = parts.expect(0x30, tbs_field)?;
        let algorithm = parts.expect(0x30, "signatureAlgorithm")?;
        let bits = parts.expect(0x03, "signature")?;
        // A damaged signature must come out as one that does not verify, not as a file that does not read.
        let len = bits.bit_octets(format, "signature").map_or(0, <[u8]>::len);
        let end = range(&bits).end;
        Ok(Self { tbs, algorithm, signature: end - len..end, rest: parts })
    }
}

/// Where a value stands in the input of the outermost reader.
pub(super) fn range(value: &Tlv<'_>) -> Range<usize> {
    let start = usize::try_from(value.offset).unwrap_or(usize::MAX);
    start..start.saturating_add(value.raw.len())
}

/// The certificates of a SignedData, given what its ContentInfo holds.
fn bundled(mut content_info: Reader<'_>) -> Result<Vec<Certificate>, Error> {
    let kind = content_info.expect(0x06, "contentType")?;
    if kind.content != oids::SIGNED_DATA.content() {
        return Err(Malformed::new(Format::Cms, "contentType", "id-signedData, which can hold certificates").into());
    }
    let mut content = content_info.expect(0xA0, "content")?.reader(Format::Cms);
    let mut signed_data = content.expect(0x30, "SignedData")?.reader(Format::Cms);
    signed_data.expect(0x02, "version")?;
    signed_data.expect(0x31, "digestAlgorithms")?;
    signed_data.expect(0x30, "encapContentInfo")?;
    let Some(set) = signed_data.optional(0xA0, "certificates")? else { return Ok(Vec::new()) };
    let mut choices = set.reader(Format::Cms);
    let mut all = Vec::new();
    while !choices.is_empty() {
        // Attribute certificates and other kinds (RFC 5652 §10.2.2) have a tag of their own.
        let choice = choices.any("CertificateChoices")?;
        if choice.tag == 0x30 {
            all.push(Certificate::decode(choice.raw.to_vec())?);
        }
    }
    Ok(all)
}
