//! Who signs and how: what the formats share.

use crate::asn1::Oid;
use crate::cms::CONTENT_DATA;
use crate::cms::SignedAttributes;
use crate::cms::SignedDataBuilder;
use crate::cms::SignerInfoParts;
use crate::cms::VerificationFault;
use crate::crypto::Backend;
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
    pub(super) backend: Backend,
}

/// What every request lets its caller choose; it holds a [`Choice`] of the name `choice`.
macro_rules! algorithm_choices {
    () => {
        /// Another digest than the one that fits the key.
        #[must_use]
        pub const fn digest(mut self, algorithm: $crate::crypto::DigestAlgorithm) -> Self {
            self.choice.digest = Some(algorithm);
            self
        }

        /// RSASSA-PSS instead of RSASSA-PKCS1-v1_5.
        #[must_use]
        pub const fn pss(mut self) -> Self {
            self.choice.pss = true;
            self
        }

        /// Another signature algorithm than the key's own, with all its parameters.
        #[must_use]
        pub const fn algorithm(mut self, algorithm: $crate::crypto::SignatureAlgorithm) -> Self {
            self.choice.algorithm = Some(algorithm);
            self
        }

        /// Who digests, and verifies the signature value.
        #[must_use]
        pub const fn backend(mut self, backend: $crate::crypto::Backend) -> Self {
            self.choice.backend = backend;
            self
        }
    };
}
pub(super) use algorithm_choices;

/// A certificate with the algorithm that its key will use, and the claimed time where the CMS carries it.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) identity: SignerIdentity,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) signing_time: Option<Time>,
    pub(super) backend: Backend,
    /// Over the signature value of another signer.
    pub(super) counter: bool,
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
            (SignatureAlgorithm::Ed25519 | SignatureAlgorithm::MlDsa(_), Some(digest))
                if digest != DigestAlgorithm::Sha512 =>
            {
                let message = format!(
                    "{} goes with SHA-512 (RFC 8419, RFC 9882); another digest cannot be chosen",
                    preferred.name()
                );
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
        Ok(Self { identity: identity.clone(), algorithm, signing_time: None, backend: choice.backend, counter: false })
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
    pub(super) fn signed_attributes(&self, digest: &Digest) -> Vec<u8> {
        let attributes = if self.counter {
            SignedAttributes::counter(digest, self.certificate())
        } else {
            SignedAttributes::new(&CONTENT_DATA, digest, self.certificate())
        };
        match self.signing_time {
            Some(time) => attributes.signing_time(time).to_der(),
            None => attributes.to_der(),
        }
    }

    /// The whole CMS.
    pub(super) fn assemble(
        &self,
        signed_attributes: &[u8],
        value: &[u8],
        content: Option<&[u8]>,
        unsigned_attributes: &[(Oid, Vec<u8>)],
    ) -> Vec<u8> {
        let certificate = self.certificate();
        let digest = self.digest_algorithm();
        let signer = SignerInfoParts::new(certificate, digest, self.algorithm, signed_attributes, value)
            .unsigned(unsigned_attributes);
        let builder = match content {
            Some(content) => SignedDataBuilder::attached(CONTENT_DATA, content),
            None => SignedDataBuilder::detached(CONTENT_DATA),
        };
        builder.certificates([certificate]).certificates(self.identity.chain()).signer(&signer).to_der()
    }

    /// Octets of the CMS without content, for a signature value as long as any can be.
    pub(super) fn cms_octets(&self) -> usize {
        let attributes = self.signed_attributes(&self.digest_algorithm().digest(&[]));
        self.assemble(&attributes, &vec![0xFF; self.value_octets()], None, &[]).len()
    }

    fn value_octets(&self) -> usize {
        // SEQUENCE of two INTEGERs, each with a sign octet.
        let ecdsa = |field: usize| 2 * (field + 3) + 4;
        match self.certificate().public_key().key_type() {
            KeyType::Rsa { bits } => bits.div_ceil(8),
            KeyType::Ec(curve) => ecdsa(curve.bits().div_ceil(8)),
            KeyType::Ed25519 => 64,
            KeyType::MlDsa(set) => set.signature_len(),
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

/// Why a signature does not verify, for people.
pub(super) fn verification_fault(fault: &VerificationFault) -> String {
    match fault {
        VerificationFault::ContentDigest => "its digest does not match".to_owned(),
        VerificationFault::SignatureValue => "its signature value does not match".to_owned(),
        VerificationFault::Attributes(why) | VerificationFault::Unsupported(why) => why.clone(),
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
        (KeyType::MlDsa(of_key), SignatureAlgorithm::MlDsa(named)) if of_key == *named => Ok(()),
        _ => Err(Misuse::new(format!("{} does not fit the key of the signer's certificate", algorithm.name())).into()),
    }
}
