//! One signer of a SignedData.

use super::attribute;
use super::attribute::Attribute;
use super::attribute::EssCertId;
use super::attribute::RevocationValues;
use super::oids;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::Name;
use crate::x509::Serial;
use crate::x509::ocsp::OcspResponse;

const FORMAT: Format = Format::Cms;

/// How a signer names his certificate (RFC 5652 §5.3). Not signed, so it only helps to search.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerId {
    /// Issuer and serial number.
    IssuerAndSerial(Name, Serial),
    /// Subject key identifier.
    KeyIdentifier(Vec<u8>),
}

/// `SignerInfo` (RFC 5652 §5.3).
#[derive(Clone, Debug)]
pub struct SignerInfo {
    pub(super) version: u32,
    pub(super) id: SignerId,
    pub(super) digest_algorithm: Oid,
    pub(super) signature_algorithm: Vec<u8>,
    /// With the tag 0x31 in place of the implicit one: what is signed, as it was sent.
    pub(super) signed_der: Option<Vec<u8>>,
    pub(super) signed: Vec<Attribute>,
    pub(super) unsigned: Vec<Attribute>,
    pub(super) signature: Vec<u8>,
    pub(super) der: Vec<u8>,
}

impl SignerId {
    /// This names the certificate.
    #[must_use]
    pub fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial(issuer, serial) => certificate.serial() == serial && certificate.issuer() == issuer,
            Self::KeyIdentifier(id) => {
                certificate.subject_key_identifier().ok().flatten().is_some_and(|found| found == id.as_slice())
            }
        }
    }
}

impl SignerInfo {
    /// Reads one from DER, as a countersignature attribute holds it.
    ///
    /// # Errors
    /// Input that does not have its form.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        Self::read(&attribute::whole(der, 0x30, "SignerInfo")?)
    }

    pub(super) fn read(info: &Tlv<'_>) -> Result<Self, Error> {
        let mut parts = info.reader(FORMAT);
        let version = parts.expect(0x02, "SignerInfo version")?.small(FORMAT, "SignerInfo version")?;
        let id = match parts.peek() {
            Some(0x80) => SignerId::KeyIdentifier(parts.expect(0x80, "subjectKeyIdentifier")?.content.to_vec()),
            _ => {
                let mut both = parts.expect(0x30, "issuerAndSerialNumber")?.reader(FORMAT);
                let issuer = Name::from_der(both.expect(0x30, "issuer")?.raw)?;
                let serial = both.expect(0x02, "serialNumber")?.integer(FORMAT, "serialNumber")?;
                both.end("issuerAndSerialNumber")?;
                SignerId::IssuerAndSerial(issuer, Serial::from_content(serial))
            }
        };
        let digest_algorithm = parts.expect(0x30, "digestAlgorithm")?;
        let digest_algorithm = digest_algorithm.reader(FORMAT).expect(0x06, "digestAlgorithm")?;
        let digest_algorithm = digest_algorithm.oid(FORMAT, "digestAlgorithm")?;
        let signed = parts.optional(0xA0, "signedAttrs")?;
        let signature_algorithm = parts.expect(0x30, "signatureAlgorithm")?.raw.to_vec();
        let signature = parts.expect(0x04, "signature")?.content.to_vec();
        let unsigned = parts.optional(0xA1, "unsignedAttrs")?;
        parts.end("SignerInfo")?;
        let signed_der = signed.map(|set| {
            let mut octets = set.raw.to_vec();
            if let Some(tag) = octets.first_mut() {
                *tag = 0x31;
            }
            octets
        });
        Ok(Self {
            version,
            id,
            digest_algorithm,
            signature_algorithm,
            signed_der,
            signed: signed.map_or_else(|| Ok(Vec::new()), |set| attributes(set.reader(FORMAT)))?,
            unsigned: unsigned.map_or_else(|| Ok(Vec::new()), |set| attributes(set.reader(FORMAT)))?,
            signature,
            der: info.raw.to_vec(),
        })
    }

    /// Its exact octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `version`: 1 with issuer and serial number, 3 with a key identifier.
    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// `sid`.
    #[must_use]
    pub const fn id(&self) -> &SignerId {
        &self.id
    }

    /// `digestAlgorithm`: of the content, and of the signed attributes.
    ///
    /// # Errors
    /// An algorithm that is not supported.
    pub fn digest_algorithm(&self) -> Result<DigestAlgorithm, Error> {
        DigestAlgorithm::from_oid(&self.digest_algorithm).ok_or_else(|| {
            crate::error::Unsupported::new(FORMAT, format!("digest algorithm {}", self.digest_algorithm)).into()
        })
    }

    /// `signatureAlgorithm`; plain `rsaEncryption` and `id-ecPublicKey` are
    /// completed by the digest algorithm (RFC 3370 §3.2).
    ///
    /// # Errors
    /// Malformed or unsupported algorithms.
    pub fn signature_algorithm(&self) -> Result<SignatureAlgorithm, Error> {
        SignatureAlgorithm::from_der(&self.signature_algorithm, DigestAlgorithm::from_oid(&self.digest_algorithm))
    }

    /// `signatureAlgorithm` as it stands.
    #[must_use]
    pub fn signature_algorithm_der(&self) -> &[u8] {
        &self.signature_algorithm
    }

    /// The signature value; a signature time-stamp is over its digest.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The signed attributes; `None` where the signature is over the content itself.
    #[must_use]
    pub fn signed_attributes(&self) -> Option<&[Attribute]> {
        self.signed_der.as_ref().map(|_| self.signed.as_slice())
    }

    /// The unsigned attributes.
    #[must_use]
    pub fn unsigned_attributes(&self) -> &[Attribute] {
        &self.unsigned
    }

    /// The octets that are signed: the signed attributes as sent, under the tag of a SET (§5.4).
    #[must_use]
    pub fn signed_octets(&self) -> Option<&[u8]> {
        self.signed_der.as_deref()
    }

    /// The signed attributes in DER order, where they were not sent so.
    pub(super) fn sorted_octets(&self) -> Option<Vec<u8>> {
        let sorted = encode::set_of(self.signed.iter().map(|a| a.der.clone()).collect());
        self.signed_der.as_ref().filter(|sent| **sent != sorted).map(|_| sorted)
    }

    /// `content-type`.
    ///
    /// # Errors
    /// As every getter of an attribute here: it occurs twice, with several
    /// values, or cannot be read.
    pub fn content_type(&self) -> Result<Option<Oid>, Error> {
        let value = attribute::single(&self.signed, &oids::CONTENT_TYPE, "content-type")?;
        value.map(|v| attribute::whole(v, 0x06, "content-type")?.oid(FORMAT, "content-type")).transpose()
    }

    /// `message-digest`.
    ///
    /// # Errors
    /// As [`Self::content_type`].
    pub fn message_digest(&self) -> Result<Option<&[u8]>, Error> {
        let value = attribute::single(&self.signed, &oids::MESSAGE_DIGEST, "message-digest")?;
        value.map(|v| attribute::whole(v, 0x04, "message-digest").map(|d| d.content)).transpose()
    }

    /// `signing-time`: claimed, proven by nobody.
    ///
    /// # Errors
    /// As [`Self::content_type`].
    pub fn signing_time(&self) -> Result<Option<Time>, Error> {
        let value = attribute::single(&self.signed, &oids::SIGNING_TIME, "signing-time")?;
        value.map(|v| Reader::new(v, FORMAT).any("signing-time")?.time(FORMAT, "signing-time")).transpose()
    }

    /// `signing-certificate-v2`, else `signing-certificate`: the signer's certificate first.
    ///
    /// # Errors
    /// As [`Self::content_type`].
    pub fn signing_certificate(&self) -> Result<Option<Vec<EssCertId>>, Error> {
        for (oid, v1) in [(oids::SIGNING_CERTIFICATE_V2, false), (oids::SIGNING_CERTIFICATE, true)] {
            if let Some(value) = attribute::single(&self.signed, &oid, "signing-certificate")? {
                return attribute::ess_cert_ids(value, v1).map(Some);
            }
        }
        Ok(None)
    }

    /// `signature-time-stamp`: time-stamp tokens over the signature value.
    pub fn signature_time_stamps(&self) -> impl Iterator<Item = &[u8]> {
        attribute::all(&self.unsigned, &oids::SIGNATURE_TIME_STAMP)
    }

    /// `archive-time-stamp-v3` tokens.
    pub fn archive_time_stamps(&self) -> impl Iterator<Item = &[u8]> {
        attribute::all(&self.unsigned, &oids::ARCHIVE_TIME_STAMP_V3)
    }

    /// `countersignature`: each a SignerInfo over this signature value.
    ///
    /// # Errors
    /// A value that cannot be read.
    pub fn counter_signatures(&self) -> Result<Vec<Self>, Error> {
        attribute::all(&self.unsigned, &oids::COUNTER_SIGNATURE).map(Self::from_der).collect()
    }

    /// Whether a signature policy is named (EN 319 122-1 §5.2.9).
    #[must_use]
    pub fn names_policy(&self) -> bool {
        self.signed.iter().any(|a| a.oid == oids::SIGNATURE_POLICY)
    }

    /// CRLs and OCSP responses in `revocation-values` and in Adobe's `RevocationInfoArchival`.
    ///
    /// # Errors
    /// A value that cannot be read.
    pub fn revocation_values(&self) -> Result<(Vec<Crl>, Vec<OcspResponse>), Error> {
        let mut found = RevocationValues::default();
        let archival = attribute::all(&self.signed, &oids::REVOCATION_ARCHIVAL);
        for value in archival.chain(attribute::all(&self.unsigned, &oids::REVOCATION_VALUES)) {
            attribute::revocation_values(value, &mut found)?;
        }
        Ok((found.crls, found.ocsp))
    }

    /// Certificates in `certificate-values`.
    ///
    /// # Errors
    /// A value that cannot be read.
    pub fn certificate_values(&self) -> Result<Vec<Certificate>, Error> {
        let mut found = Vec::new();
        for value in attribute::all(&self.unsigned, &oids::CERTIFICATE_VALUES) {
            let mut list = attribute::whole(value, 0x30, "certificate-values")?.reader(FORMAT);
            while !list.is_empty() {
                found.push(Certificate::from_der(list.any("certificate")?.raw)?);
            }
        }
        Ok(found)
    }
}

fn attributes(mut set: Reader<'_>) -> Result<Vec<Attribute>, Error> {
    let mut found = Vec::new();
    while !set.is_empty() {
        found.push(Attribute::read(&set.expect(0x30, "Attribute")?)?);
    }
    Ok(found)
}
