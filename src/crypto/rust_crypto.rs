//! The RustCrypto backend.

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::Pkcs1v15Sign;
use signature::Verifier;

use super::Message;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::VerifyError;
use super::algorithm::MlDsa;
use super::digest::Digest;
use super::digest::DigestAlgorithm;
use super::public_key::Curve;
use super::rsa_key::RsaKey;

/// A key in the form in which it computes.
pub(super) enum Decoded {
    Rsa(Box<RsaKey>),
    P256(Box<p256::ecdsa::VerifyingKey>),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
    BrainpoolP256r1(Box<ecdsa::VerifyingKey<bp256::BrainpoolP256r1>>),
    BrainpoolP384r1(Box<ecdsa::VerifyingKey<bp384::BrainpoolP384r1>>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    MlDsa44(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa44>>),
    MlDsa65(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa65>>),
    MlDsa87(Box<ml_dsa::VerifyingKey<ml_dsa::MlDsa87>>),
    None,
}

impl Decoded {
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Self {
        RsaKey::new(modulus, exponent).map_or(Self::None, |k| Self::Rsa(Box::new(k)))
    }

    pub(super) fn ec(curve: Curve, point: &[u8]) -> Self {
        macro_rules! key {
            ($name:ident, $key:ty) => {
                <$key>::from_sec1_bytes(point).map_or(Self::None, |k| Self::$name(Box::new(k)))
            };
        }
        match curve {
            Curve::P256 => key!(P256, p256::ecdsa::VerifyingKey),
            Curve::P384 => key!(P384, p384::ecdsa::VerifyingKey),
            Curve::P521 => key!(P521, p521::ecdsa::VerifyingKey),
            Curve::BrainpoolP256r1 => key!(BrainpoolP256r1, ecdsa::VerifyingKey::<bp256::BrainpoolP256r1>),
            Curve::BrainpoolP384r1 => key!(BrainpoolP384r1, ecdsa::VerifyingKey::<bp384::BrainpoolP384r1>),
        }
    }

    pub(super) fn ed25519(key: &[u8]) -> Self {
        key.try_into()
            .ok()
            .and_then(|k| ed25519_dalek::VerifyingKey::from_bytes(k).ok())
            .map_or(Self::None, |k| Self::Ed25519(Box::new(k)))
    }

    pub(super) fn ml_dsa(set: MlDsa, key: &[u8]) -> Self {
        macro_rules! key {
            ($name:ident) => {
                key.try_into().map_or(Self::None, |octets| {
                    Self::$name(Box::new(ml_dsa::VerifyingKey::<ml_dsa::$name>::decode(octets)))
                })
            };
        }
        match set {
            MlDsa::Set44 => key!(MlDsa44),
            MlDsa::Set65 => key!(MlDsa65),
            MlDsa::Set87 => key!(MlDsa87),
        }
    }
}

pub(super) fn verify(
    key: &PublicKey,
    algorithm: &SignatureAlgorithm,
    message: Message<'_>,
    signature: &[u8],
) -> Result<(), VerifyError> {
    macro_rules! ecdsa {
        ($key:expr, $digest:expr, $signature:ty, $field:expr) => {{
            let signature = <$signature>::from_bytes(signature).map_err(|_| VerifyError::Mismatch)?;
            check($key.verify_prehash(&prehash(*$digest, message, $field)?, &signature).is_ok())
        }};
    }
    macro_rules! ml_dsa {
        ($key:expr, $name:ident) => {{
            let octets = octets(message)?;
            let signature =
                ml_dsa::Signature::<ml_dsa::$name>::try_from(signature).map_err(|_| VerifyError::Mismatch)?;
            check($key.verify(octets, &signature).is_ok())
        }};
    }
    match (key.decoded(), algorithm) {
        (Decoded::Rsa(rsa), SignatureAlgorithm::RsaPkcs1v15(d)) => {
            let digest = digest(*d, message)?;
            check(rsa.verify_pkcs1(&pkcs1v15(*d).prefix, digest.octets(), signature))
        }
        (Decoded::Rsa(rsa), SignatureAlgorithm::RsaPss(p)) => {
            let digest = digest(p.digest, message)?;
            check(rsa.verify_pss(p, &digest, signature))
        }
        (Decoded::P256(k), SignatureAlgorithm::Ecdsa(d)) => ecdsa!(k, d, p256::ecdsa::DerSignature, 32),
        (Decoded::P384(k), SignatureAlgorithm::Ecdsa(d)) => ecdsa!(k, d, p384::ecdsa::DerSignature, 48),
        (Decoded::P521(k), SignatureAlgorithm::Ecdsa(d)) => ecdsa!(k, d, p521::ecdsa::DerSignature, 66),
        (Decoded::BrainpoolP256r1(k), SignatureAlgorithm::Ecdsa(d)) => {
            ecdsa!(k, d, bp256::r1::ecdsa::DerSignature, 32)
        }
        (Decoded::BrainpoolP384r1(k), SignatureAlgorithm::Ecdsa(d)) => {
            ecdsa!(k, d, bp384::r1::ecdsa::DerSignature, 48)
        }
        (Decoded::Ed25519(k), SignatureAlgorithm::Ed25519) => {
            let octets = octets(message)?;
            let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| VerifyError::Mismatch)?;
            check(k.verify_strict(octets, &signature).is_ok())
        }
        (Decoded::MlDsa44(k), SignatureAlgorithm::MlDsa(MlDsa::Set44)) => ml_dsa!(k, MlDsa44),
        (Decoded::MlDsa65(k), SignatureAlgorithm::MlDsa(MlDsa::Set65)) => ml_dsa!(k, MlDsa65),
        (Decoded::MlDsa87(k), SignatureAlgorithm::MlDsa(MlDsa::Set87)) => ml_dsa!(k, MlDsa87),
        (Decoded::None, _) => Err(VerifyError::Unsupported),
        _ => Err(VerifyError::WrongKey),
    }
}

/// The message itself, which pure Ed25519 and ML-DSA need.
const fn octets(message: Message<'_>) -> Result<&[u8], VerifyError> {
    match message {
        Message::Octets(octets) => Ok(octets),
        Message::Digest(_) => Err(VerifyError::Unsupported),
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
