//! Who signs and how: what the formats share.

use crate::asn1::Oid;
use crate::asn1::encode;
use crate::crypto::Backend;
use crate::crypto::Curve;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyType;
use crate::crypto::Message;
use crate::crypto::PssParameters;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::VerifyError;
use crate::error::Error;
use crate::error::Format;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::error::Unsupported;
use crate::key::SignatureValue;
use crate::key::SignerIdentity;
use crate::sign::precheck::check_certificate;
use crate::time::Time;
use crate::x509::Certificate;

/// The least RSA modulus that signs; shorter ones are broken or soon will be.
const LEAST_RSA_BITS: usize = 2048;

/// What a request says of the algorithm; what it leaves open the key decides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Choice {
    pub(super) algorithm: Option<SignatureAlgorithm>,
    pub(super) digest: Option<DigestAlgorithm>,
    pub(super) pss: bool,
}

/// A certificate with the algorithm that its key will use, and the claimed time where the CMS carries it.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) identity: SignerIdentity,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) signing_time: Option<Time>,
    pub(super) backend: Backend,
}

impl Choice {
    /// The algorithm to be used, given the one that the key prefers.
    fn resolve(self, preferred: SignatureAlgorithm) -> Result<SignatureAlgorithm, Error> {
        if let Some(algorithm) = self.algorithm {
            return match (self.digest, self.pss) {
                (None, false) => Ok(algorithm),
                _ => Err(Misuse::new("a whole algorithm was chosen: a digest or PSS besides contradicts it").into()),
            };
        }
        let algorithm = match (preferred, self.digest) {
            (SignatureAlgorithm::RsaPkcs1v15(digest), chosen) if self.pss => {
                SignatureAlgorithm::RsaPss(PssParameters::new(chosen.unwrap_or(digest)))
            }
            (_, _) if self.pss && !matches!(preferred, SignatureAlgorithm::RsaPss(_)) => {
                return Err(Misuse::new(format!("RSASSA-PSS was asked for, the key makes {}", preferred.name())).into());
            }
            (SignatureAlgorithm::RsaPkcs1v15(_), Some(digest)) => SignatureAlgorithm::RsaPkcs1v15(digest),
            (SignatureAlgorithm::RsaPss(old), Some(digest)) if old.digest != digest => {
                SignatureAlgorithm::RsaPss(PssParameters::new(digest))
            }
            (SignatureAlgorithm::Ecdsa(_), Some(digest)) => SignatureAlgorithm::Ecdsa(digest),
            (SignatureAlgorithm::Ed25519, Some(digest)) if digest != DigestAlgorithm::Sha512 => {
                let message = "Ed25519 signs with SHA-512 (RFC 8419); another digest cannot be chosen";
                return Err(Misuse::new(message).into());
            }
            (preferred, _) => preferred,
        };
        Ok(algorithm)
    }
}

impl Signer {
    /// Checks certificate and algorithm; `preferred` is that of the key, if a key is at hand.
    pub(super) fn new(
        identity: &SignerIdentity,
        preferred: Option<SignatureAlgorithm>,
        choice: Choice,
        now: Time,
    ) -> Result<Self, Error> {
        let certificate = identity.certificate();
        check_certificate(certificate, now)?;
        let preferred = preferred.or_else(|| SignatureAlgorithm::default_for(certificate.public_key()));
        let Some(preferred) = preferred else {
            return Err(Unsupported::new(Format::Certificate, "the kind of the signer's key").into());
        };
        let algorithm = choice.resolve(preferred)?;
        check_algorithm(certificate, &algorithm)?;
        Ok(Self { identity: identity.clone(), algorithm, signing_time: None, backend: Backend::default() })
    }

    pub(super) const fn certificate(&self) -> &Certificate {
        self.identity.certificate()
    }

    /// The digest over the content and in the signed attributes.
    pub(super) fn digest_algorithm(&self) -> DigestAlgorithm {
        // RFC 8419 §3.1 binds Ed25519 to SHA-512.
        self.algorithm.digest().unwrap_or(DigestAlgorithm::Sha512)
    }

    /// The signed attributes as they are signed: a DER SET OF (RFC 5652 §5.4).
    pub(super) fn signed_attributes(&self, digest: &Digest) -> Result<Vec<u8>, Error> {
        let attribute = |ty: &str, value: &[u8]| {
            let ty = Oid::parse(ty).map(|o| encode::oid(&o)).unwrap_or_default();
            encode::sequence(&[&ty, &encode::tlv(0x31, value)])
        };
        let data = Oid::parse("1.2.840.113549.1.7.1").map(|o| encode::oid(&o)).unwrap_or_default();
        let hash = encode::octet_string(self.certificate().sha256().octets());
        let mut all = vec![
            attribute("1.2.840.113549.1.9.3", &data),
            attribute("1.2.840.113549.1.9.4", &encode::octet_string(digest.octets())),
            attribute(
                "1.2.840.113549.1.9.16.2.47",
                &encode::sequence(&[&encode::sequence(&[&encode::sequence(&[&hash])])]),
            ),
        ];
        if let Some(time) = self.signing_time {
            all.push(attribute("1.2.840.113549.1.9.5", &encode::time(time)));
        }
        Ok(encode::set_of(all))
    }

    /// The whole CMS.
    pub(super) fn assemble(
        &self,
        signed_attributes: &[u8],
        value: &SignatureValue,
        content: Option<&[u8]>,
        timestamp: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let _ = timestamp;
        let data = Oid::parse("1.2.840.113549.1.7.1").map(|o| encode::oid(&o)).unwrap_or_default();
        let signed = Oid::parse("1.2.840.113549.1.7.2").map(|o| encode::oid(&o)).unwrap_or_default();
        let c = self.certificate();
        let digest = encode::sequence(&[&encode::oid(&self.digest_algorithm().oid())]);
        let mut attributes = signed_attributes.to_vec();
        if let Some(f) = attributes.first_mut() {
            *f = 0xA0;
        }
        let signer = encode::sequence(&[
            &encode::integer(1),
            &encode::sequence(&[c.issuer().der(), &encode::tlv(2, c.serial().content())]),
            &digest,
            &attributes,
            &self.algorithm.to_der(),
            &encode::octet_string(value.octets()),
        ]);
        let mut certificates = c.der().to_vec();
        self.identity.chain().iter().for_each(|c| certificates.extend_from_slice(c.der()));
        let inner = content.map(|c| encode::explicit(0, &encode::octet_string(c))).unwrap_or_default();
        let all = encode::sequence(&[
            &encode::integer(1),
            &encode::tlv(0x31, &digest),
            &encode::sequence(&[&data, &inner]),
            &encode::tlv(0xA0, &certificates),
            &encode::tlv(0x31, &signer),
        ]);
        Ok(encode::sequence(&[&signed, &encode::explicit(0, &all)]))
    }

    /// Octets of the CMS without content, for a signature value as long as any can be.
    pub(super) fn cms_octets(&self) -> Result<usize, Error> {
        let digest = self.digest_algorithm().digest(&[]);
        let attributes = self.signed_attributes(&digest)?;
        let value = SignatureValue::new(vec![0xFF; self.value_octets()]);
        Ok(self.assemble(&attributes, &value, None, None)?.len())
    }

    fn value_octets(&self) -> usize {
        // SEQUENCE of two INTEGERs, each with a sign octet.
        let ecdsa = |field: usize| 2 * (field + 3) + 4;
        match self.certificate().public_key().key_type() {
            KeyType::Rsa { bits } => bits.div_ceil(8),
            KeyType::Ec(Curve::P256) => ecdsa(32),
            KeyType::Ec(Curve::P384) => ecdsa(48),
            KeyType::Ec(Curve::P521) => ecdsa(66),
            KeyType::Ed25519 => 64,
            KeyType::Other(_) => 1024,
        }
    }

    /// Refuses a value that does not verify under the certificate.
    pub(super) fn verify(&self, signed_attributes: &[u8], value: &SignatureValue) -> Result<(), Error> {
        let key = self.certificate().public_key();
        let message = Message::Octets(signed_attributes);
        let detail = match self.backend.verify(key, &self.algorithm, message, value.octets()) {
            Ok(()) => return Ok(()),
            Err(VerifyError::Mismatch) => format!(
                "the signature value does not verify as {} under the signer's certificate: it was made with another key, over other octets, or in another encoding",
                self.algorithm.name()
            ),
            Err(VerifyError::WrongKey) => {
                format!("the key of the signer's certificate does not permit {}", self.algorithm.name())
            }
            Err(VerifyError::Unsupported) => {
                return Err(Unsupported::new(
                    Format::Certificate,
                    "the signer's key, which could not be computed with",
                )
                .into());
            }
        };
        Err(Refused::new(RefusalReason::SignatureValue, detail).into())
    }
}

fn check_algorithm(certificate: &Certificate, algorithm: &SignatureAlgorithm) -> Result<(), Error> {
    if let Some(digest @ (DigestAlgorithm::Md5 | DigestAlgorithm::Sha1)) = algorithm.digest() {
        let detail = format!("{} is broken and signs nothing", digest.name());
        return Err(Refused::new(RefusalReason::Algorithm, detail).into());
    }
    match (certificate.public_key().key_type(), algorithm) {
        (KeyType::Rsa { bits }, _) if bits < LEAST_RSA_BITS => {
            let detail = format!("the signer's RSA key has {bits} bits, at least {LEAST_RSA_BITS} are needed");
            Err(Refused::new(RefusalReason::Algorithm, detail).into())
        }
        (KeyType::Rsa { .. }, SignatureAlgorithm::RsaPkcs1v15(_) | SignatureAlgorithm::RsaPss(_))
        | (KeyType::Ec(_), SignatureAlgorithm::Ecdsa(_))
        | (KeyType::Ed25519, SignatureAlgorithm::Ed25519) => Ok(()),
        _ => Err(Misuse::new(format!("{} does not fit the key of the signer's certificate", algorithm.name())).into()),
    }
}
