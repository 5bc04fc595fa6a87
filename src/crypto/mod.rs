//! Digests, signature algorithms and public keys.
//!
//! The only place that names a cryptography crate. Algorithms are values and
//! tables; the work is done by a [`Backend`], which the caller chooses.
//!
//! # Constant time
//! The work with private keys is signing with keys in memory, and opening PDF
//! documents that are encrypted for a recipient. The attack of RUSTSEC-2023-0071
//! (Marvin) times RSA PKCS#1 v1.5 *decryption* through a network; here a bad
//! padding gives octets of no meaning instead of an error (implicit rejection),
//! every failure that follows is said in the same words, and still nobody should
//! open documents of strangers for them as a service. RSA signing blinds base, exponents and
//! primes with fresh randomness for each signature, and its arithmetic is meant to be
//! constant in time since release 0.10 of the `rsa` crate; the advisory names
//! older releases, and where a scanner reports it for the crate as such, this is
//! the reason to set it aside. ECDSA takes its nonces by RFC 6979, so that no bad
//! randomness gives the key away. What an attacker who shares the processor can
//! measure is not excluded: keys that matter belong into a token or HSM, whose
//! work never passes through here. Verification has no secrets and takes the
//! fastest way.

mod algorithm;
#[cfg(feature = "aws-lc-rs")]
mod aws_lc;
mod backend;
pub(crate) mod cipher;
mod digest;
pub(crate) mod password;
mod private_key;
mod pss;
mod public_key;
mod rsa_key;
mod rust_crypto;

pub use algorithm::{MlDsa, PssParameters, SignatureAlgorithm};
pub use backend::Backend;
pub(crate) use digest::hex;
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
