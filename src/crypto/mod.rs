//! Digests, signature algorithms and public keys.
//!
//! The only place that names a cryptography crate. Algorithms are values and
//! tables; the work is done by a [`Backend`], which the caller chooses.

mod backend;
mod digest;

pub use backend::Backend;
pub use digest::{Digest, DigestAlgorithm, Digester};

use crate::asn1::Oid;
use crate::error::Error;

/// A signature algorithm with all its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1v15(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017 §8.1, parameters of RFC 4055 §3.1).
    RsaPss(PssParameters),
    /// ECDSA (RFC 5758); the curve is that of the key.
    Ecdsa(DigestAlgorithm),
    /// Ed25519, pure (RFC 8410, RFC 8419).
    Ed25519,
}

/// Parameters of RSASSA-PSS; the trailer field is always 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PssParameters {
    /// Digest of the message.
    pub digest: DigestAlgorithm,
    /// Digest inside MGF1.
    pub mgf: DigestAlgorithm,
    /// Octets of salt.
    pub salt_len: usize,
}

impl PssParameters {
    /// One digest for message and mask, salt as long as the digest.
    #[must_use]
    pub const fn new(digest: DigestAlgorithm) -> Self {
        Self { digest, mgf: digest, salt_len: digest.output_len() }
    }

    /// Parameters as they stand in an `AlgorithmIdentifier`.
    #[must_use]
    pub const fn with(digest: DigestAlgorithm, mgf: DigestAlgorithm, salt_len: usize) -> Self {
        Self { digest, mgf, salt_len }
    }
}

/// The kind and strength of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA with its modulus length.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// A prime-field elliptic curve.
    Ec(Curve),
    /// Ed25519.
    Ed25519,
    /// Anything else, named by its algorithm.
    Other(Oid),
}

/// Elliptic curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
}

/// What a signature was computed over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The octets themselves.
    Octets(&'a [u8]),
    /// Their digest, where they were hashed while streaming. Not possible for Ed25519.
    Digest(&'a Digest),
}

/// Why a signature did not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VerifyError {
    /// The equation does not hold.
    Mismatch,
    /// The key does not fit the algorithm.
    WrongKey,
    /// The key or the algorithm is not supported by this backend.
    Unsupported,
}

impl SignatureAlgorithm {
    /// Reads an `AlgorithmIdentifier` (DER, with its outer SEQUENCE).
    ///
    /// `digest` is the digest named elsewhere (CMS `digestAlgorithm`), used
    /// where the identifier is plain `rsaEncryption` or `id-ecPublicKey`,
    /// which is common and legal (RFC 3370 §3.2).
    ///
    /// # Errors
    /// Malformed parameters, or an algorithm that is not supported.
    pub fn from_der(algorithm: &[u8], digest: Option<DigestAlgorithm>) -> Result<Self, Error> {
        let _ = (algorithm, digest);
        todo!("agent crypto")
    }

    /// The `AlgorithmIdentifier` in DER, as CMS wants it.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        todo!("agent crypto")
    }

    /// The digest over the message, where the algorithm has one.
    #[must_use]
    pub const fn digest(&self) -> Option<DigestAlgorithm> {
        match self {
            Self::RsaPkcs1v15(d) | Self::Ecdsa(d) => Some(*d),
            Self::RsaPss(p) => Some(p.digest),
            Self::Ed25519 => None,
        }
    }

    /// Name for reports, such as `RSA-SHA256`, `RSASSA-PSS-SHA256`, `ECDSA-SHA256`, `Ed25519`.
    #[must_use]
    pub fn name(&self) -> String {
        todo!("agent crypto")
    }
}

/// A public key: its SubjectPublicKeyInfo, decoded once.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    key_type: KeyType,
}

impl PublicKey {
    /// From a DER SubjectPublicKeyInfo. An unknown algorithm is kept as [`KeyType::Other`].
    ///
    /// # Errors
    /// Malformed DER, or a key that its own algorithm forbids (even RSA modulus, point not on the curve).
    pub fn from_spki(spki: &[u8]) -> Result<Self, Error> {
        let _ = spki;
        todo!("agent crypto")
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The content of the `subjectPublicKey` BIT STRING, over which OCSP key hashes are computed.
    #[must_use]
    pub fn key_octets(&self) -> &[u8] {
        todo!("agent crypto")
    }

    /// Kind and strength.
    #[must_use]
    pub const fn key_type(&self) -> KeyType {
        self.key_type
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublicKey").field("key_type", &self.key_type).finish_non_exhaustive()
    }
}
