//! Attributes of a signer, and what the well-known ones hold.

use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::Serial;
use crate::x509::ocsp::OcspResponse;

const FORMAT: Format = Format::Cms;

/// One attribute: its type and its values, each with its outer tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub(super) oid: Oid,
    pub(super) values: Vec<Vec<u8>>,
    /// The whole SEQUENCE as it stands.
    pub(super) der: Vec<u8>,
}

/// `ESSCertID` or `ESSCertIDv2` (RFC 5035 §4): the certificate that a signer
/// says is his, by digest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EssCertId {
    /// Digest of the certificate; version 1 is SHA-1.
    pub digest: Digest,
    /// The serial number of `issuerSerial`, where present.
    pub serial: Option<Serial>,
    /// The DER of the issuer's name in `issuerSerial`, where present.
    pub issuer: Option<Vec<u8>>,
}

impl Attribute {
    /// Its type.
    #[must_use]
    pub const fn oid(&self) -> &Oid {
        &self.oid
    }

    /// Its values as DER, each with its outer tag.
    pub fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.values.iter().map(Vec::as_slice)
    }

    pub(super) fn read(attribute: &Tlv<'_>) -> Result<Self, Error> {
        let mut parts = attribute.reader(FORMAT);
        let oid = parts.expect(0x06, "attrType")?.oid(FORMAT, "attrType")?;
        let mut set = parts.expect(0x31, "attrValues")?.reader(FORMAT);
        parts.end("Attribute")?;
        let mut values = Vec::new();
        while !set.is_empty() {
            values.push(set.any("attrValue")?.raw.to_vec());
        }
        Ok(Self { oid, values, der: attribute.raw.to_vec() })
    }
}

impl EssCertId {
    /// This names the certificate.
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        self.digest == self.digest.algorithm().digest(certificate.der())
            && self.serial.as_ref().is_none_or(|serial| serial == certificate.serial())
    }
}

/// The attribute that must occur once with one value (RFC 5652 §11), or not at all.
pub(super) fn single<'a>(
    attributes: &'a [Attribute],
    oid: &Oid,
    name: &'static str,
) -> Result<Option<&'a [u8]>, Error> {
    let mut found = attributes.iter().filter(|a| a.oid == *oid);
    let Some(attribute) = found.next() else { return Ok(None) };
    match (attribute.values.as_slice(), found.next()) {
        ([value], None) => Ok(Some(value)),
        (values, second) => {
            let count = if second.is_some() { "a second attribute".to_owned() } else { values.len().to_string() };
            Err(Malformed::new(FORMAT, name, "one attribute with one value").found(count).into())
        }
    }
}

/// Every value of every attribute of a type.
pub(super) fn all<'a>(attributes: &'a [Attribute], oid: &'a Oid) -> impl Iterator<Item = &'a [u8]> {
    attributes.iter().filter(move |a| a.oid == *oid).flat_map(Attribute::values)
}

/// The first value with its tag, and nothing after it.
pub(super) fn whole<'a>(value: &'a [u8], tag: u8, field: &'static str) -> Result<Tlv<'a>, Error> {
    let mut reader = Reader::new(value, FORMAT);
    let tlv = reader.expect(tag, field)?;
    reader.end(field)?;
    Ok(tlv)
}

/// `SigningCertificate` (`v1`, SHA-1) or `SigningCertificateV2`: the identifiers, the signer's first.
pub(super) fn ess_cert_ids(value: &[u8], v1: bool) -> Result<Vec<EssCertId>, Error> {
    let field = "signingCertificate";
    let mut parts = whole(value, 0x30, field)?.reader(FORMAT);
    let mut certs = parts.expect(0x30, "certs")?.reader(FORMAT);
    let mut ids = Vec::new();
    while !certs.is_empty() {
        let mut id = certs.expect(0x30, "ESSCertID")?.reader(FORMAT);
        let algorithm = match (v1, id.optional(0x30, "hashAlgorithm")?) {
            (true, None) => DigestAlgorithm::Sha1,
            (true, Some(_)) => return Err(id.fault("ESSCertID", "no hashAlgorithm in version 1")),
            (false, None) => DigestAlgorithm::Sha256,
            (false, Some(algorithm)) => digest_algorithm(&algorithm)?,
        };
        let value = id.expect(0x04, "certHash")?;
        let digest = Digest::from_octets(algorithm, value.content)
            .ok_or_else(|| value.fault(FORMAT, "certHash", "as many octets as its algorithm gives"))?;
        let (mut serial, mut issuer) = (None, None);
        if let Some(issuer_serial) = id.optional(0x30, "issuerSerial")? {
            let mut both = issuer_serial.reader(FORMAT);
            let mut names = both.expect(0x30, "issuer")?.reader(FORMAT);
            while !names.is_empty() {
                let name = names.any("GeneralName")?;
                if name.tag == 0xA4 {
                    issuer = Some(name.content.to_vec());
                }
            }
            serial = Some(Serial::from_content(both.expect(0x02, "serialNumber")?.integer(FORMAT, "serialNumber")?));
            both.end("issuerSerial")?;
        }
        id.end("ESSCertID")?;
        ids.push(EssCertId { digest, serial, issuer });
    }
    if ids.is_empty() {
        return Err(Malformed::new(FORMAT, field, "at least one certificate identifier").into());
    }
    Ok(ids)
}

/// The digest of an `AlgorithmIdentifier`.
pub(super) fn digest_algorithm(algorithm: &Tlv<'_>) -> Result<DigestAlgorithm, Error> {
    let oid = algorithm.reader(FORMAT).expect(0x06, "algorithm")?.oid(FORMAT, "algorithm")?;
    DigestAlgorithm::from_oid(&oid)
        .ok_or_else(|| Unsupported::new(FORMAT, format!("digest algorithm {oid}")).at(algorithm.offset).into())
}

/// Revocation data that a signature carries.
#[derive(Clone, Debug, Default)]
pub(super) struct RevocationValues {
    pub(super) crls: Vec<Crl>,
    pub(super) ocsp: Vec<OcspResponse>,
}

/// `RevocationInfoArchival` or `RevocationValues`, which have one shape.
pub(super) fn revocation_values(value: &[u8], into: &mut RevocationValues) -> Result<(), Error> {
    let mut parts = whole(value, 0x30, "revocationValues")?.reader(FORMAT);
    while !parts.is_empty() {
        let part = parts.any("revocationValues")?;
        let mut list = match part.tag {
            0xA0 | 0xA1 => part.reader(FORMAT).expect(0x30, "revocationValues")?.reader(FORMAT),
            _ => continue,
        };
        while !list.is_empty() {
            let item = list.any("revocationValue")?;
            if part.tag == 0xA0 {
                into.crls.push(Crl::from_der(item.raw)?);
            } else {
                into.ocsp.push(OcspResponse::from_der(item.raw)?);
            }
        }
    }
    Ok(())
}
