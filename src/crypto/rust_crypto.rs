//! The RustCrypto backend.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;
use rsa::Pkcs1v15Sign;
use rsa::traits::PublicKeyParts;

use super::Message;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::VerifyError;
use super::algorithm::PssParameters;
use super::digest::Digest;
use super::digest::DigestAlgorithm;
use super::pss;
use super::public_key::Curve;

/// A key in the form in which it computes.
pub(super) enum Decoded {
    Rsa(Box<rsa::PublicKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    None,
}

/// Moduli that are computed with; more is a way to burn time, less is broken.
const RSA_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

impl Decoded {
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        let n = BoxedUint::from_be_slice_vartime(modulus);
        let e = BoxedUint::from_be_slice_vartime(exponent);
        rsa::PublicKey::new_with_size_limits(n, e, RSA_BITS).map_or(Self::None, |k| Self::Rsa(Box::new(k)))
    }

    pub(super) fn ec(curve: Curve, point: &[u8]) -> Self {
        match curve {
            Curve::P256 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(|k| Self::P256(Box::new(k))),
            Curve::P384 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(|k| Self::P384(Box::new(k))),
            Curve::P521 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point).ok().map(|k| Self::P521(Box::new(k))),
        }
        .unwrap_or(Self::None)
    }

    pub(super) fn ed25519(key: &[u8]) -> Self {
        key.try_into()
            .ok()
            .and_then(|k| ed25519_dalek::VerifyingKey::from_bytes(k).ok())
            .map_or(Self::None, |k| Self::Ed25519(Box::new(k)))
    }
}

pub(super) fn verify(
    key: &PublicKey,
    algorithm: &SignatureAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), VerifyError> {
    match (key.decoded(), algorithm) {
        (Decoded::Rsa(rsa), SignatureAlgorithm::RsaPkcs1v15(d)) => {
            let digest = digest(*d, message)?;
            // The padded block is built anew and compared whole, so that no
            // octet of it is left for a forger to choose.
            check(rsa.verify(pkcs1v15(*d), digest.octets(), signature).is_ok())
        }
        (Decoded::Rsa(rsa), SignatureAlgorithm::RsaPss(p)) => {
            let digest = digest(p.digest, message)?;
            verify_pss(rsa, p, &digest, signature)
        }
        (Decoded::P256(k), SignatureAlgorithm::Ecdsa(d)) => {
            let signature = p256::ecdsa::DerSignature::from_bytes(signature).map_err(|_| VerifyError::Mismatch)?;
            check(k.verify_prehash(&prehash(*d, message, 32)?, &signature).is_ok())
        }
        (Decoded::P384(k), SignatureAlgorithm::Ecdsa(d)) => {
            let signature = p384::ecdsa::DerSignature::from_bytes(signature).map_err(|_| VerifyError::Mismatch)?;
            check(k.verify_prehash(&prehash(*d, message, 48)?, &signature).is_ok())
        }
        (Decoded::P521(k), SignatureAlgorithm::Ecdsa(d)) => {
            let signature = p521::ecdsa::DerSignature::from_bytes(signature).map_err(|_| VerifyError::Mismatch)?;
            check(k.verify_prehash(&prehash(*d, message, 66)?, &signature).is_ok())
        }
        (Decoded::Ed25519(k), SignatureAlgorithm::Ed25519) => {
            let Message::Octets(octets) = message else { return Err(VerifyError::Unsupported) };
            let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| VerifyError::Mismatch)?;
            check(k.verify_strict(octets, &signature).is_ok())
        }
        (Decoded::None, _) => Err(VerifyError::Unsupported),
        _ => Err(VerifyError::WrongKey),
    }
}

const fn check(holds: bool) -> Result<(), VerifyError> {
    if holds { Ok(()) } else { Err(VerifyError::Mismatch) }
}

pub(super) fn digest(algorithm: DigestAlgorithm, message: Message<'_>) -> Result<Digest, VerifyError> {
    match message {
        Message::Octets(octets) => Ok(algorithm.digest(octets)),
        Message::Digest(digest) if digest.algorithm() == algorithm => Ok(*digest),
        Message::Digest(_) => Err(VerifyError::WrongKey),
    }
}

/// The digest as ECDSA wants it. The crates refuse digests shorter than half
/// the field, which X9.62 allows: such a number is the same with zeros before it.
pub(super) fn prehash(algorithm: DigestAlgorithm, message: Message<'_>, field: usize) -> Result<Vec<u8>, VerifyError> {
    let digest = digest(algorithm, message)?;
    let octets = digest.octets();
    let mut out = vec![0; (field / 2).saturating_sub(octets.len())];
    // Zeros in front only where the whole stays within the field.
    if octets.len() + out.len() > field {
        out.clear();
    }
    out.extend_from_slice(octets);
    Ok(out)
}

pub(super) fn pkcs1v15(digest: DigestAlgorithm) -> Pkcs1v15Sign {
    match digest {
        DigestAlgorithm::Md5 => Pkcs1v15Sign::new::<md5::Md5>(),
        DigestAlgorithm::Sha1 => Pkcs1v15Sign::new::<sha1::Sha1>(),
        DigestAlgorithm::Sha224 => Pkcs1v15Sign::new::<sha2::Sha224>(),
        DigestAlgorithm::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
        DigestAlgorithm::Sha384 => Pkcs1v15Sign::new::<sha2::Sha384>(),
        DigestAlgorithm::Sha512 => Pkcs1v15Sign::new::<sha2::Sha512>(),
        DigestAlgorithm::Sha512_224 => Pkcs1v15Sign::new::<sha2::Sha512_224>(),
        DigestAlgorithm::Sha512_256 => Pkcs1v15Sign::new::<sha2::Sha512_256>(),
        DigestAlgorithm::Sha3_224 => Pkcs1v15Sign::new::<sha3::Sha3_224>(),
        DigestAlgorithm::Sha3_256 => Pkcs1v15Sign::new::<sha3::Sha3_256>(),
        DigestAlgorithm::Sha3_384 => Pkcs1v15Sign::new::<sha3::Sha3_384>(),
        DigestAlgorithm::Sha3_512 => Pkcs1v15Sign::new::<sha3::Sha3_512>(),
    }
}

fn verify_pss(key: &rsa::PublicKey, p: &PssParameters, digest: &Digest, signature: &[u8]) -> Result<(), VerifyError> {
    if signature.len() != key.size() {
        return Err(VerifyError::Mismatch);
    }
    let s = BoxedUint::from_be_slice(signature, key.n_bits_precision()).map_err(|_| VerifyError::Mismatch)?;
    if s >= *key.n().as_ref() {
        return Err(VerifyError::Mismatch);
    }
    let em = rsa::hazmat::rsa_encrypt(key, &s).map_err(|_| VerifyError::Mismatch)?.to_be_bytes();
    let em = em.get(em.len().saturating_sub(key.size())..).unwrap_or_default();
    check(pss::holds(em, key.n().as_ref().bit_width_vartime() as usize, p, digest))
}
