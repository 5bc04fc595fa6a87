//! Writing a SignedData in DER, in two steps: the attributes that are signed,
//! then everything around the signature value.

use super::oids;
use super::signed_data::other_revocation;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

/// The signed attributes of EN 319 122-1 §5.1 and §5.2: content-type,
/// message-digest, signing-certificate-v2, and what is asked for.
#[derive(Clone, Debug)]
pub struct SignedAttributes {
    attributes: Vec<Vec<u8>>,
}

/// One signer, complete: the signed attributes and the value over them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignerInfoParts<'a> {
    /// Names the signer; not embedded by itself.
    pub certificate: &'a Certificate,
    /// Of the content and in the attributes.
    pub digest_algorithm: DigestAlgorithm,
    /// Of the value.
    pub signature_algorithm: SignatureAlgorithm,
    /// [`SignedAttributes::to_der`].
    pub signed_attributes: &'a [u8],
    /// The value.
    pub signature: &'a [u8],
    /// Unsigned attributes: type and value with its tag.
    pub unsigned_attributes: &'a [(Oid, Vec<u8>)],
}

/// Assembles a SignedData.
#[derive(Clone, Debug)]
pub struct SignedDataBuilder<'a> {
    content_type: Oid,
    content: Option<&'a [u8]>,
    certificates: Vec<&'a Certificate>,
    crls: Vec<&'a Crl>,
    ocsp: Vec<&'a OcspResponse>,
    signers: Vec<(Vec<u8>, DigestAlgorithm)>,
}

impl SignedAttributes {
    /// For content of this type and digest, signed by the key of `certificate`.
    ///
    /// The certificate is bound by the digest algorithm of the content;
    /// `issuerSerial` is left out, as EN 319 142-1 wants it for PAdES and
    /// EN 319 122-1 permits it.
    #[must_use]
    pub fn new(content_type: &Oid, digest: &Digest, certificate: &Certificate) -> Self {
        let mut attributes = Self::counter(digest, certificate);
        attributes.attributes.push(attribute(&oids::CONTENT_TYPE, &encode::oid(content_type)));
        attributes
    }

    /// For a counter-signature on a signature value of this digest: without
    /// content-type, for that value has none (RFC 5652 §11.4).
    #[must_use]
    pub fn counter(digest: &Digest, certificate: &Certificate) -> Self {
        let algorithm = digest.algorithm();
        let hash = encode::octet_string(algorithm.digest(certificate.der()).octets());
        let id = if algorithm == DigestAlgorithm::Sha256 {
            // The default, which DER leaves out.
            encode::sequence(&[&hash])
        } else {
            encode::sequence(&[&encode::sequence(&[&encode::oid(&algorithm.oid())]), &hash])
        };
        let signing_certificate = encode::sequence(&[&encode::sequence(&[&id])]);
        let attributes = vec![
            attribute(&oids::MESSAGE_DIGEST, &encode::octet_string(digest.octets())),
            attribute(&oids::SIGNING_CERTIFICATE_V2, &signing_certificate),
        ];
        Self { attributes }
    }

    /// With signing-time (RFC 5652 §11.3). Not in PAdES, where `/M` has it (EN 319 142-1 §6.3).
    #[must_use]
    pub fn signing_time(mut self, time: Time) -> Self {
        self.attributes.push(attribute(&oids::SIGNING_TIME, &encode::time(time)));
        self
    }

    /// With another attribute; `value` is DER with its tag.
    #[must_use]
    pub fn with(mut self, oid: &Oid, value: &[u8]) -> Self {
        self.attributes.push(attribute(oid, value));
        self
    }

    /// The octets to be signed: a DER SET OF (RFC 5652 §5.4).
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        encode::set_of(self.attributes.clone())
    }
}

impl<'a> SignerInfoParts<'a> {
    /// A signer without unsigned attributes.
    #[must_use]
    pub const fn new(
        certificate: &'a Certificate,
        digest_algorithm: DigestAlgorithm,
        signature_algorithm: SignatureAlgorithm,
        signed_attributes: &'a [u8],
        signature: &'a [u8],
    ) -> Self {
        Self {
            certificate,
            digest_algorithm,
            signature_algorithm,
            signed_attributes,
            signature,
            unsigned_attributes: &[],
        }
    }

    /// With unsigned attributes.
    #[must_use]
    pub const fn unsigned(mut self, attributes: &'a [(Oid, Vec<u8>)]) -> Self {
        self.unsigned_attributes = attributes;
        self
    }

    /// The SignerInfo (version 1: issuer and serial number).
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        let issuer = encode::sequence(&[
            self.certificate.issuer().der(),
            &encode::tlv(0x02, self.certificate.serial().content()),
        ]);
        let mut signed = self.signed_attributes.to_vec();
        if let Some(tag) = signed.first_mut() {
            *tag = 0xA0;
        }
        let unsigned = if self.unsigned_attributes.is_empty() {
            Vec::new()
        } else {
            let mut all: Vec<Vec<u8>> = self.unsigned_attributes.iter().map(|(oid, v)| attribute(oid, v)).collect();
            all.sort();
            encode::tlv(0xA1, &all.concat())
        };
        encode::sequence(&[
            &encode::integer(1),
            &issuer,
            &digest_identifier(self.digest_algorithm),
            &signed,
            &self.signature_algorithm.to_der(),
            &encode::octet_string(self.signature),
            &unsigned,
        ])
    }
}

impl<'a> SignedDataBuilder<'a> {
    /// A SignedData without content, to lie beside it.
    #[must_use]
    pub const fn detached(content_type: Oid) -> Self {
        Self {
            content_type,
            content: None,
            certificates: Vec::new(),
            crls: Vec::new(),
            ocsp: Vec::new(),
            signers: Vec::new(),
        }
    }

    /// A SignedData around its content.
    #[must_use]
    pub const fn attached(content_type: Oid, content: &'a [u8]) -> Self {
        let mut builder = Self::detached(content_type);
        builder.content = Some(content);
        builder
    }

    /// Embeds certificates, each once.
    #[must_use]
    pub fn certificates(mut self, certificates: impl IntoIterator<Item = &'a Certificate>) -> Self {
        for certificate in certificates {
            if !self.certificates.contains(&certificate) {
                self.certificates.push(certificate);
            }
        }
        self
    }

    /// Embeds CRLs.
    #[must_use]
    pub fn crls(mut self, crls: impl IntoIterator<Item = &'a Crl>) -> Self {
        self.crls.extend(crls);
        self
    }

    /// Embeds OCSP responses (RFC 5940).
    #[must_use]
    pub fn ocsp_responses(mut self, responses: impl IntoIterator<Item = &'a OcspResponse>) -> Self {
        self.ocsp.extend(responses);
        self
    }

    /// Adds a signer.
    #[must_use]
    pub fn signer(mut self, signer: &SignerInfoParts<'_>) -> Self {
        self.signers.push((signer.to_der(), signer.digest_algorithm));
        self
    }

    /// The ContentInfo in DER.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        // RFC 5652 §5.1: 5 with other revocation information, 3 with other content than data, else 1.
        let version = match () {
            () if !self.ocsp.is_empty() => 5,
            () if self.content_type != oids::CONTENT_DATA => 3,
            () => 1,
        };
        let mut digests: Vec<Vec<u8>> = self.signers.iter().map(|(_, d)| digest_identifier(*d)).collect();
        digests.sort();
        digests.dedup();
        let content = self.content.map(|c| encode::explicit(0, &encode::octet_string(c))).unwrap_or_default();
        let mut certificates: Vec<&[u8]> = self.certificates.iter().map(|c| c.der()).collect();
        certificates.sort_unstable();
        let certificates = if certificates.is_empty() { Vec::new() } else { encode::tlv(0xA0, &certificates.concat()) };
        let mut revocation: Vec<Vec<u8>> = self.crls.iter().map(|c| c.der().to_vec()).collect();
        revocation.extend(self.ocsp.iter().map(|r| other_revocation(r.der())));
        revocation.sort();
        let revocation = if revocation.is_empty() { Vec::new() } else { encode::tlv(0xA1, &revocation.concat()) };
        let signers = encode::set_of(self.signers.iter().map(|(der, _)| der.clone()).collect());
        let signed = encode::sequence(&[
            &encode::integer(version),
            &encode::tlv(0x31, &digests.concat()),
            &encode::sequence(&[&encode::oid(&self.content_type), &content]),
            &certificates,
            &revocation,
            &signers,
        ]);
        encode::sequence(&[&encode::oid(&oids::SIGNED_DATA), &encode::explicit(0, &signed)])
    }
}

fn attribute(oid: &Oid, value: &[u8]) -> Vec<u8> {
    encode::sequence(&[&encode::oid(oid), &encode::tlv(0x31, value)])
}

/// Parameters absent, as RFC 5754 §2 wants for SHA-2.
fn digest_identifier(digest: DigestAlgorithm) -> Vec<u8> {
    encode::sequence(&[&encode::oid(&digest.oid())])
}
