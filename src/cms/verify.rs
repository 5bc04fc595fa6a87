//! The equations of a SignedData (RFC 5652 §5.4, §5.6).

use super::oids;
use super::signer_info::SignerInfo;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Message;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::VerifyError;
use crate::error::Error;
use crate::error::Format;
use crate::finding::Finding;

/// What the equations gave. Nothing here says whose key it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verification {
    /// Why they do not hold; `None`: digest and signature value match.
    pub fault: Option<VerificationFault>,
    /// Deviations that were tolerated on the way.
    pub deviations: Vec<Finding>,
}

/// Why the equations do not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerificationFault {
    /// The digest of the content is not the one that was signed.
    ContentDigest,
    /// The signature value does not verify under the key.
    SignatureValue,
    /// The signed attributes break a rule: one is missing, doubled, unreadable or contradicts the rest.
    Attributes(String),
    /// An algorithm is not supported, so nothing is known.
    Unsupported(String),
}

impl SignerInfo {
    /// Verifies digest and signature value.
    ///
    /// `content_digest` is the digest of the signed content by
    /// [`digest_algorithm`](Self::digest_algorithm), and `content` the content
    /// itself where it is at hand: it is needed by Ed25519 without signed
    /// attributes only. `content_type` is that of the SignedData.
    ///
    /// Signed attributes are taken as they were sent; where that fails, in DER
    /// order, and the report says which of the two matched.
    #[must_use]
    pub fn verify(
        &self,
        key: &PublicKey,
        content_type: &Oid,
        content_digest: &Digest,
        content: Option<&[u8]>,
        backend: Backend,
    ) -> Verification {
        let mut deviations = Vec::new();
        let fault = self.equations(key, Some(content_type), content_digest, content, backend, &mut deviations).err();
        Verification { fault, deviations }
    }

    /// Verifies a countersignature over the signature value of another signer
    /// (RFC 5652 §11.4). It has no content type, and must not state one.
    #[must_use]
    pub fn verify_counter_signature(&self, key: &PublicKey, signature: &[u8], backend: Backend) -> Verification {
        let mut deviations = Vec::new();
        let fault = match self.digest_algorithm() {
            Ok(algorithm) => {
                let digest = algorithm.digest(signature);
                self.equations(key, None, &digest, Some(signature), backend, &mut deviations).err()
            }
            Err(e) => Some(VerificationFault::Unsupported(e.to_string())),
        };
        Verification { fault, deviations }
    }

    fn equations(
        &self,
        key: &PublicKey,
        content_type: Option<&Oid>,
        content_digest: &Digest,
        content: Option<&[u8]>,
        backend: Backend,
        deviations: &mut Vec<Finding>,
    ) -> Result<(), VerificationFault> {
        let attributes = |e: Error| VerificationFault::Attributes(e.to_string());
        let unsupported = |e: Error| VerificationFault::Unsupported(e.to_string());
        let digest_algorithm = self.digest_algorithm().map_err(unsupported)?;
        let algorithm = self.signature_algorithm().map_err(unsupported)?;
        if content_digest.algorithm() != digest_algorithm {
            let message = format!("the content was digested by {}", content_digest.algorithm().name());
            return Err(VerificationFault::Unsupported(message));
        }
        self.note_algorithms(&algorithm, digest_algorithm, deviations)?;
        let Some(signed) = self.signed_octets() else {
            if content_type.is_some_and(|t| *t != oids::CONTENT_DATA) {
                let message = "no signed attributes, which content of another type than data must have (§5.3)";
                return Err(VerificationFault::Attributes(message.to_owned()));
            }
            // The signed attributes of another signature, taken for content, would verify here.
            if content.is_some_and(looks_like_attributes) {
                let message = "no signed attributes, and the content is itself a set of attributes (confusion attack)";
                return Err(VerificationFault::Attributes(message.to_owned()));
            }
            let message = match (algorithm, content) {
                (_, Some(content)) => Message::Octets(content),
                (SignatureAlgorithm::Ed25519 | SignatureAlgorithm::MlDsa(_), None) => {
                    let message = format!("{} without signed attributes needs the content itself", algorithm.name());
                    return Err(VerificationFault::Unsupported(message));
                }
                (_, None) => Message::Digest(content_digest),
            };
            if algorithm.digest().is_some_and(|d| d != digest_algorithm) && content.is_none() {
                let message = "the signature is over a digest that was not made";
                return Err(VerificationFault::Unsupported(message.to_owned()));
            }
            return value(backend.verify(key, &algorithm, message, self.signature()), &algorithm);
        };

        let stated = self.content_type().map_err(attributes)?;
        match (stated, content_type) {
            (None, Some(_)) => return Err(VerificationFault::Attributes("content-type is missing (§11.1)".to_owned())),
            (Some(stated), Some(content_type)) if stated != *content_type => {
                let message = format!("content-type says {stated}, the content is {content_type} (§11.1)");
                return Err(VerificationFault::Attributes(message));
            }
            (Some(_), None) => {
                let message = "a countersignature states a content-type (§11.4)";
                return Err(VerificationFault::Attributes(message.to_owned()));
            }
            _ => {}
        }
        let stated = self.message_digest().map_err(attributes)?;
        let stated =
            stated.ok_or_else(|| VerificationFault::Attributes("message-digest is missing (§11.2)".to_owned()))?;
        self.check_algorithm_protection()?;

        let outcome = backend.verify(key, &algorithm, Message::Octets(signed), self.signature());
        let outcome = match (outcome, self.sorted_octets()) {
            (Err(VerifyError::Mismatch), Some(sorted)) => {
                let again = backend.verify(key, &algorithm, Message::Octets(&sorted), self.signature());
                if again.is_ok() {
                    deviations.push(Finding::info(
                        "CMS_ATTRIBUTES_RESORTED",
                        "the signed attributes were not sent in DER order; the signature is over their DER order",
                    ));
                }
                again
            }
            (Ok(()), Some(_)) => {
                deviations.push(Finding::info(
                    "CMS_ATTRIBUTES_UNSORTED",
                    "the signed attributes are not in DER order; the signature is over them as sent",
                ));
                Ok(())
            }
            (outcome, _) => outcome,
        };
        // The digest is the graver fact: it tells another document from another key.
        if stated != content_digest.octets() {
            return Err(VerificationFault::ContentDigest);
        }
        value(outcome, &algorithm)
    }

    fn note_algorithms(
        &self,
        algorithm: &SignatureAlgorithm,
        digest: DigestAlgorithm,
        deviations: &mut Vec<Finding>,
    ) -> Result<(), VerificationFault> {
        if self.signature_algorithm_der() != algorithm.to_der()
            && matches!(algorithm, SignatureAlgorithm::RsaPkcs1v15(_))
        {
            let plain = Reader::new(self.signature_algorithm_der(), Format::Cms)
                .expect(0x30, "signatureAlgorithm")
                .and_then(|a| a.reader(Format::Cms).expect(0x06, "algorithm"))
                .is_ok_and(|oid| oid.content == [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 1]);
            if plain {
                deviations.push(Finding::info(
                    "CMS_RSA_ENCRYPTION",
                    "the signature algorithm is plain rsaEncryption; the digest algorithm completes it (RFC 3370 §3.2)",
                ));
            }
        }
        match algorithm.digest() {
            Some(named) if named != digest => {
                // RFC 5652 §5.3 and RFC 4056: the message-digest and the signature must use one digest.
                let message = format!("digestAlgorithm is {}, the signature uses {}", digest.name(), named.name());
                Err(VerificationFault::Attributes(message))
            }
            _ => Ok(()),
        }
    }

    /// RFC 6211: where the attribute is there, it must repeat both algorithms.
    fn check_algorithm_protection(&self) -> Result<(), VerificationFault> {
        let fault = |message: String| VerificationFault::Attributes(message);
        let found = super::attribute::single(&self.signed, &oids::ALGORITHM_PROTECTION, "cms-algorithm-protection")
            .map_err(|e| fault(e.to_string()))?;
        let Some(value) = found else { return Ok(()) };
        let read = || -> Result<(Oid, Option<Oid>), Error> {
            let format = Format::Cms;
            let mut parts = super::attribute::whole(value, 0x30, "CMSAlgorithmProtection")?.reader(format);
            let digest = parts.expect(0x30, "digestAlgorithm")?.reader(format).expect(0x06, "algorithm")?;
            let signature = parts.optional(0xA1, "signatureAlgorithm")?;
            let signature = match signature {
                Some(s) => Some(s.reader(format).expect(0x06, "algorithm")?.oid(format, "algorithm")?),
                None => None,
            };
            Ok((digest.oid(format, "algorithm")?, signature))
        };
        let (digest, signature) = read().map_err(|e| fault(e.to_string()))?;
        let outer = Reader::new(self.signature_algorithm_der(), Format::Cms)
            .expect(0x30, "signatureAlgorithm")
            .and_then(|a| a.reader(Format::Cms).expect(0x06, "algorithm")?.oid(Format::Cms, "algorithm"))
            .map_err(|e| fault(e.to_string()))?;
        if digest != self.digest_algorithm || signature.is_none_or(|s| s != outer) {
            return Err(fault("the algorithms are not those of the attribute cms-algorithm-protection".to_owned()));
        }
        Ok(())
    }
}

fn value(outcome: Result<(), VerifyError>, algorithm: &SignatureAlgorithm) -> Result<(), VerificationFault> {
    match outcome {
        Ok(()) => Ok(()),
        Err(VerifyError::Unsupported) => Err(VerificationFault::Unsupported(algorithm.name())),
        Err(_) => Err(VerificationFault::SignatureValue),
    }
}

/// A DER SET of attributes with the message-digest attribute in it, as all signed attributes have it.
fn looks_like_attributes(content: &[u8]) -> bool {
    let mut reader = Reader::new(content, Format::Cms);
    let Ok(set) = reader.expect(0x31, "set") else { return false };
    let mut attributes = set.reader(Format::Cms);
    while let Ok(attribute) = attributes.expect(0x30, "attribute") {
        let first = attribute.reader(Format::Cms).expect(0x06, "attrType");
        if first.is_ok_and(|oid| oid.content == oids::MESSAGE_DIGEST.content()) {
            return true;
        }
    }
    false
}

/// The signature of `adbe.x509.rsa_sha1` (ISO 32000-1 §12.8.3.2): `/Contents`
/// is a DER OCTET STRING with a PKCS#1 v1.5 value over the covered octets.
///
/// # Errors
/// `contents` that does not have this form.
pub fn verify_rsa_sha1(
    contents: &[u8],
    key: &PublicKey,
    digest: &Digest,
    backend: Backend,
) -> Result<Verification, Error> {
    let mut reader = Reader::new(contents, Format::Cms);
    let signature = reader.expect(0x04, "Contents")?;
    if reader.rest().iter().any(|b| *b != 0) {
        return Err(reader.fault("Contents", "nothing but zeros after the OCTET STRING"));
    }
    let algorithm = SignatureAlgorithm::RsaPkcs1v15(digest.algorithm());
    let outcome = backend.verify(key, &algorithm, Message::Digest(digest), signature.content);
    Ok(Verification { fault: value(outcome, &algorithm).err(), deviations: Vec::new() })
}
