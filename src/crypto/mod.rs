//! Digests, signature algorithms and public keys.
//!
//! The only place that names a cryptography crate. Algorithms are values and
//! tables; the work is done by a [`Backend`], which the caller chooses.

mod algorithm;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod backend;
mod digest;
mod private_key;
mod pss;
mod public_key;
mod rsa_key;
mod rust_crypto;

pub use algorithm::{MlDsa, PssParameters, SignatureAlgorithm};
pub use backend::Backend;
pub use digest::{Digest, DigestAlgorithm, Digester};
pub use private_key::{KeySpec, PrivateKey};
pub use public_key::{Curve, KeyType, PublicKey};

/// What a signature was computed over.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Message<'a> {
    /// The octets themselves.
    Octets(&'a [u8]),
    /// Their digest, where they were hashed while streaming. Not possible for Ed25519 and ML-DSA.
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
