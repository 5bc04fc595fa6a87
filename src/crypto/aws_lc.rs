//! The aws-lc-rs backend: the rows of it that answer exactly as RustCrypto
//! does, only faster. For everything else it answers `None`, and RustCrypto is asked.

use aws_lc_rs::digest;
use aws_lc_rs::signature;
use aws_lc_rs::signature::EcdsaKeyPair;
use aws_lc_rs::signature::EcdsaSigningAlgorithm;
use aws_lc_rs::signature::Ed25519KeyPair;
use aws_lc_rs::signature::ParsedPublicKey;
use aws_lc_rs::signature::RsaKeyPair;
use aws_lc_rs::signature::RsaSignatureEncoding;
use aws_lc_rs::signature::VerificationAlgorithm;

use super::Message;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::VerifyError;
use super::algorithm::MlDsa;
use super::digest::DigestAlgorithm;
use super::public_key::Curve;
use super::public_key::KeyType;
use super::rsa_key;
use super::rust_crypto;

/// A key as it verifies by one algorithm, the first that it was asked for.
pub(super) struct Decoded {
    algorithm: SignatureAlgorithm,
    key: Option<ParsedPublicKey>,
}

/// RSA keys below this length are left to the rows that are named after their age.
const RSA_MODERN_BITS: usize = 2048;

/// `None` where there is no row, or where the key does not read.
pub(super) fn verify(
    key: &PublicKey,
    algorithm: &SignatureAlgorithm,
    message: Message<'_>,
    value: &[u8],
) -> Option<Result<(), VerifyError>> {
    let row = row(key, algorithm)?;
    let decode = || ParsedPublicKey::new(row, key.key_octets()).ok();
    let first = key.aws_lc().get_or_init(|| Decoded { algorithm: *algorithm, key: decode() });
    let other;
    let parsed = if first.algorithm == *algorithm {
        first.key.as_ref()?
    } else {
        other = decode()?;
        &other
    };
    let holds = match message {
        Message::Octets(octets) => parsed.verify_sig(octets, value).is_ok(),
        Message::Digest(known) => {
            let expected = algorithm.digest().filter(|d| *d == known.algorithm()).and_then(digest_algorithm)?;
            let known = digest::Digest::import_less_safe(known.octets(), expected).ok()?;
            parsed.verify_digest_sig(&known, value).is_ok()
        }
    };
    let holds = holds && (*algorithm != SignatureAlgorithm::Ed25519 || !commits_to_nothing(value));
    Some(if holds { Ok(()) } else { Err(VerifyError::Mismatch) })
}

/// Ed25519 with an R of small order: it verifies by the equation of RFC 8032,
/// under keys that its maker did not need to know; RustCrypto refuses it, too.
fn commits_to_nothing(value: &[u8]) -> bool {
    let r = value.first_chunk().map(ed25519_dalek::VerifyingKey::from_bytes);
    !matches!(r, Some(Ok(r)) if !r.is_weak())
}

/// The algorithm for a key, where both backends agree on every key and signature of its kind.
fn row(key: &PublicKey, algorithm: &SignatureAlgorithm) -> Option<&'static dyn VerificationAlgorithm> {
    use DigestAlgorithm::Sha1;
    use DigestAlgorithm::Sha3_384;
    use DigestAlgorithm::Sha3_512;
    use DigestAlgorithm::Sha224;
    use DigestAlgorithm::Sha256;
    use DigestAlgorithm::Sha384;
    use DigestAlgorithm::Sha512;
    match (key.key_type(), algorithm) {
        (KeyType::Rsa { bits }, _) => {
            let (modulus, exponent) = key.rsa_numbers()?;
            if !rsa_key::usable(modulus, exponent) {
                return None;
            }
            match algorithm {
                SignatureAlgorithm::RsaPkcs1v15(Sha1) => Some(&signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
                SignatureAlgorithm::RsaPkcs1v15(Sha256) => {
                    Some(&signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY)
                }
                SignatureAlgorithm::RsaPkcs1v15(Sha512) => {
                    Some(&signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY)
                }
                _ if bits < RSA_MODERN_BITS => None,
                SignatureAlgorithm::RsaPkcs1v15(Sha384) => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
                SignatureAlgorithm::RsaPss(p) if p.mgf == p.digest && p.salt_len == p.digest.output_len() => {
                    match p.digest {
                        Sha256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
                        Sha384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
                        Sha512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
                        _ => None,
                    }
                }
                _ => None,
            }
        }
        (KeyType::Ec(curve), SignatureAlgorithm::Ecdsa(digest)) => {
            // Compressed or not: the hybrid form of X9.62 is none of RFC 5480.
            if !matches!(key.key_octets().first(), Some(2..=4)) {
                return None;
            }
            match (curve, digest) {
                (Curve::P256, Sha1) => Some(&signature::ECDSA_P256_SHA1_ASN1),
                (Curve::P256, Sha256) => Some(&signature::ECDSA_P256_SHA256_ASN1),
                (Curve::P256, Sha384) => Some(&signature::ECDSA_P256_SHA384_ASN1),
                (Curve::P256, Sha512) => Some(&signature::ECDSA_P256_SHA512_ASN1),
                (Curve::P384, Sha256) => Some(&signature::ECDSA_P384_SHA256_ASN1),
                (Curve::P384, Sha384) => Some(&signature::ECDSA_P384_SHA384_ASN1),
                (Curve::P384, Sha512) => Some(&signature::ECDSA_P384_SHA512_ASN1),
                (Curve::P384, Sha3_384) => Some(&signature::ECDSA_P384_SHA3_384_ASN1),
                (Curve::P521, Sha1) => Some(&signature::ECDSA_P521_SHA1_ASN1),
                (Curve::P521, Sha224) => Some(&signature::ECDSA_P521_SHA224_ASN1),
                (Curve::P521, Sha256) => Some(&signature::ECDSA_P521_SHA256_ASN1),
                (Curve::P521, Sha384) => Some(&signature::ECDSA_P521_SHA384_ASN1),
                (Curve::P521, Sha512) => Some(&signature::ECDSA_P521_SHA512_ASN1),
                (Curve::P521, Sha3_512) => Some(&signature::ECDSA_P521_SHA3_512_ASN1),
                _ => None,
            }
        }
        (KeyType::Ed25519, SignatureAlgorithm::Ed25519) => match key.decoded() {
            rust_crypto::Decoded::Ed25519(point) if !point.is_weak() => Some(&signature::ED25519),
            _ => None,
        },
        (KeyType::MlDsa(set), SignatureAlgorithm::MlDsa(named)) if set == *named => match set {
            MlDsa::Set44 if key.key_octets().len() == 1312 => Some(&signature::ML_DSA_44),
            MlDsa::Set65 if key.key_octets().len() == 1952 => Some(&signature::ML_DSA_65),
            MlDsa::Set87 if key.key_octets().len() == 2592 => Some(&signature::ML_DSA_87),
            _ => None,
        },
        _ => None,
    }
}

/// The digests that are here, too.
pub(super) const fn digest_algorithm(algorithm: DigestAlgorithm) -> Option<&'static digest::Algorithm> {
    match algorithm {
        DigestAlgorithm::Sha1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
        DigestAlgorithm::Sha224 => Some(&digest::SHA224),
        DigestAlgorithm::Sha256 => Some(&digest::SHA256),
        DigestAlgorithm::Sha384 => Some(&digest::SHA384),
        DigestAlgorithm::Sha512 => Some(&digest::SHA512),
        DigestAlgorithm::Sha512_256 => Some(&digest::SHA512_256),
        DigestAlgorithm::Sha3_256 => Some(&digest::SHA3_256),
        DigestAlgorithm::Sha3_384 => Some(&digest::SHA3_384),
        DigestAlgorithm::Sha3_512 => Some(&digest::SHA3_512),
        DigestAlgorithm::Md5 | DigestAlgorithm::Sha512_224 | DigestAlgorithm::Sha3_224 => None,
    }
}

/// A private key that signs here. aws-lc wipes what it frees.
pub(super) enum SigningKey {
    Rsa(RsaKeyPair),
    Ecdsa(DigestAlgorithm, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl SigningKey {
    pub(super) fn new(pkcs8: &[u8], key_type: KeyType) -> Option<Self> {
        let ecdsa = |digest, algorithm: &'static EcdsaSigningAlgorithm| {
            EcdsaKeyPair::from_private_key_der(algorithm, pkcs8).ok().map(|key| Self::Ecdsa(digest, key))
        };
        match key_type {
            KeyType::Rsa { .. } => RsaKeyPair::from_pkcs8(pkcs8).ok().map(Self::Rsa),
            KeyType::Ec(Curve::P256) => ecdsa(DigestAlgorithm::Sha256, &signature::ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyType::Ec(Curve::P384) => ecdsa(DigestAlgorithm::Sha384, &signature::ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyType::Ec(Curve::P521) => ecdsa(DigestAlgorithm::Sha512, &signature::ECDSA_P521_SHA512_ASN1_SIGNING),
            KeyType::Ed25519 => Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Self::Ed25519),
            _ => None,
        }
    }

    /// `None` where there is no row for the algorithm, or where signing failed.
    pub(super) fn sign(&self, algorithm: &SignatureAlgorithm, message: Message<'_>) -> Option<Vec<u8>> {
        match (self, algorithm) {
            (Self::Rsa(key), _) => {
                let encoding: &'static RsaSignatureEncoding = match algorithm {
                    SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256) => &signature::RSA_PKCS1_SHA256,
                    SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha384) => &signature::RSA_PKCS1_SHA384,
                    SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha512) => &signature::RSA_PKCS1_SHA512,
                    SignatureAlgorithm::RsaPss(p) if p.mgf == p.digest && p.salt_len == p.digest.output_len() => {
                        match p.digest {
                            DigestAlgorithm::Sha256 => &signature::RSA_PSS_SHA256,
                            DigestAlgorithm::Sha384 => &signature::RSA_PSS_SHA384,
                            DigestAlgorithm::Sha512 => &signature::RSA_PSS_SHA512,
                            _ => return None,
                        }
                    }
                    _ => return None,
                };
                let digest = imported(algorithm.digest()?, message)?;
                let mut value = vec![0; key.public_modulus_len()];
                key.sign_digest(encoding, &digest, &mut value).ok()?;
                Some(value)
            }
            (Self::Ecdsa(bound, key), SignatureAlgorithm::Ecdsa(digest)) if bound == digest => {
                let digest = imported(*digest, message)?;
                key.sign_digest(&digest).ok().map(|value| value.as_ref().to_vec())
            }
            (Self::Ed25519(key), SignatureAlgorithm::Ed25519) => match message {
                Message::Octets(octets) => key.try_sign(octets).ok().map(|value| value.as_ref().to_vec()),
                Message::Digest(_) => None,
            },
            _ => None,
        }
    }
}

/// The message's digest, made here or elsewhere.
fn imported(algorithm: DigestAlgorithm, message: Message<'_>) -> Option<digest::Digest> {
    let here = digest_algorithm(algorithm)?;
    match message {
        Message::Octets(octets) => Some(digest::digest(here, octets)),
        Message::Digest(known) if known.algorithm() == algorithm => {
            digest::Digest::import_less_safe(known.octets(), here).ok()
        }
        Message::Digest(_) => None,
    }
}
