//! Private keys in memory.

use std::fmt;
#[cfg(feature = "aws-lc-rs")]
use std::sync::OnceLock;

use p256::ecdsa::signature::Signer;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::elliptic_curve::Generate;
use p256::pkcs8::EncodePrivateKey;
use p256::pkcs8::EncodePublicKey;
use rsa::Oaep;
use rsa::Pss;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::traits::PublicKeyParts;
use zeroize::Zeroizing;

use super::Message;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::algorithm::PssParameters;
#[cfg(feature = "aws-lc-rs")]
use super::aws_lc;
use super::digest::DigestAlgorithm;
use super::public_key::Curve;
use super::public_key::KeyType;
use super::rust_crypto;
use crate::asn1::pem;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::SecretError;
use crate::error::TokenError;
use crate::error::Unsupported;
use crate::limits::Limits;
use crate::secret::Password;
use crate::secret::SecretOctets;

/// Kinds of key that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeySpec {
    /// RSA, 2048 bits: until 2028 by ETSI TS 119 312.
    Rsa2048,
    /// RSA, 3072 bits.
    Rsa3072,
    /// RSA, 4096 bits.
    Rsa4096,
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// brainpoolP256r1.
    BrainpoolP256r1,
    /// brainpoolP384r1.
    BrainpoolP384r1,
    /// Ed25519.
    Ed25519,
}

/// A private key. Wiped when dropped, never printed.
pub struct PrivateKey {
    secret: Secret,
    public: PublicKey,
    #[cfg(feature = "aws-lc-rs")]
    aws_lc: OnceLock<Option<aws_lc::SigningKey>>,
}

enum Secret {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::ecdsa::SigningKey),
    P384(p384::ecdsa::SigningKey),
    P521(p521::ecdsa::SigningKey),
    BrainpoolP256r1(ecdsa::SigningKey<bp256::BrainpoolP256r1>),
    BrainpoolP384r1(ecdsa::SigningKey<bp384::BrainpoolP384r1>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl PrivateKey {
    /// Makes a key with the operating system's randomness.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn generate(spec: KeySpec) -> Result<Self, Error> {
        let mut rng = getrandom::SysRng;
        let failed = |_| Error::from(TokenError::new("generate key", "the operating system gave no randomness"));
        let rsa = |bits| rsa::PrivateKey::new(&mut getrandom::SysRng, bits).map(|k| Secret::Rsa(Box::new(k)));
        let no_key = |_| Error::from(TokenError::new("generate key", "no RSA key came out"));
        Self::new(match spec {
            KeySpec::Rsa2048 => rsa(2048).map_err(no_key)?,
            KeySpec::Rsa3072 => rsa(3072).map_err(no_key)?,
            KeySpec::Rsa4096 => rsa(4096).map_err(no_key)?,
            KeySpec::P256 => Secret::P256(Generate::try_generate_from_rng(&mut rng).map_err(failed)?),
            KeySpec::P384 => Secret::P384(Generate::try_generate_from_rng(&mut rng).map_err(failed)?),
            KeySpec::P521 => Secret::P521(Generate::try_generate_from_rng(&mut rng).map_err(failed)?),
            KeySpec::BrainpoolP256r1 => {
                Secret::BrainpoolP256r1(Generate::try_generate_from_rng(&mut rng).map_err(failed)?)
            }
            KeySpec::BrainpoolP384r1 => {
                Secret::BrainpoolP384r1(Generate::try_generate_from_rng(&mut rng).map_err(failed)?)
            }
            KeySpec::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(seed.as_mut()).map_err(failed)?;
                Secret::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed)))
            }
        })
    }

    /// From a file's content: PKCS#8 (RFC 5958, plain or PBES2-encrypted), PKCS#1
    /// or SEC 1, each in PEM or DER.
    ///
    /// # Errors
    /// [`Error::Secret`] where it is encrypted and the password is missing or
    /// wrong; malformed or unsupported otherwise.
    pub fn from_file(octets: &[u8], password: Option<&Password>) -> Result<Self, Error> {
        if !pem::is_pem(octets) {
            return Self::from_der(octets, password);
        }
        for block in pem::blocks(octets) {
            let block = block?;
            if block.label.ends_with(b"PRIVATE KEY") {
                return Self::from_der(&Zeroizing::new(block.decode()?), password);
            }
        }
        Err(Malformed::new(Format::PrivateKey, "PEM", "a PRIVATE KEY block").into())
    }

    /// From DER; see [`from_file`](Self::from_file).
    ///
    /// # Errors
    /// As there.
    pub fn from_der(der: &[u8], password: Option<&Password>) -> Result<Self, Error> {
        if let Ok(encrypted) = pkcs8::EncryptedPrivateKeyInfoRef::try_from(der) {
            let what = "private key";
            let password = password.ok_or_else(|| SecretError::Missing { what: what.into() })?;
            let rounds = encrypted.encryption_algorithm.pbes2().and_then(|p| p.kdf.pbkdf2()).map(|k| k.iteration_count);
            let allowed = Limits::default().password_rounds;
            if rounds.is_some_and(|rounds| u64::from(rounds) > allowed) {
                return Err(LimitExceeded::new("password_rounds", allowed).into());
            }
            let plain = encrypted
                .decrypt(password.expose_octets())
                .map_err(|_| SecretError::Wrong { what: what.into(), tries: None })?;
            // A wrong password can leave well-padded rubbish behind.
            return Self::from_plain(plain.as_bytes())
                .map_err(|_| SecretError::Wrong { what: what.into(), tries: None }.into());
        }
        Self::from_plain(der)
    }

    fn from_plain(der: &[u8]) -> Result<Self, Error> {
        if let Ok(info) = pkcs8::PrivateKeyInfoRef::try_from(der) {
            let rsa = rsa::PrivateKey::try_from(info.clone()).map(|k| Secret::Rsa(Box::new(k))).ok();
            macro_rules! key {
                ($curve:ident, $key:ty) => {
                    <$key>::try_from(info.clone()).ok().map(|k| Secret::$curve(k.into()))
                };
            }
            let ec = || {
                None.or_else(|| key!(P256, p256::SecretKey))
                    .or_else(|| key!(P384, p384::SecretKey))
                    .or_else(|| key!(P521, p521::SecretKey))
                    .or_else(|| key!(BrainpoolP256r1, bp256::r1::SecretKey))
                    .or_else(|| key!(BrainpoolP384r1, bp384::r1::SecretKey))
                    .or_else(|| {
                        let key = ed25519_dalek::SigningKey::try_from(info.clone()).ok()?;
                        Some(Secret::Ed25519(Box::new(key)))
                    })
            };
            let secret = rsa.or_else(ec).ok_or_else(|| {
                Unsupported::new(Format::PrivateKey, format!("key or parameters of algorithm {}", info.algorithm.oid))
            })?;
            return Self::new(secret);
        }
        if let Ok(key) = rsa::PrivateKey::from_pkcs1_der(der) {
            return Self::new(Secret::Rsa(Box::new(key)));
        }
        macro_rules! key {
            ($curve:ident, $key:ty) => {
                <$key>::from_sec1_der(der).ok().map(|k| Secret::$curve(k.into()))
            };
        }
        let ec = None
            .or_else(|| key!(P256, p256::SecretKey))
            .or_else(|| key!(P384, p384::SecretKey))
            .or_else(|| key!(P521, p521::SecretKey))
            .or_else(|| key!(BrainpoolP256r1, bp256::r1::SecretKey))
            .or_else(|| key!(BrainpoolP384r1, bp384::r1::SecretKey));
        ec.map_or_else(
            || Err(Malformed::new(Format::PrivateKey, "key", "PKCS#8, PKCS#1 or SEC 1 in DER").into()),
            Self::new,
        )
    }

    fn new(secret: Secret) -> Result<Self, Error> {
        let spki = match &secret {
            Secret::Rsa(k) => k.to_public_key().to_public_key_der(),
            Secret::P256(k) => k.verifying_key().to_public_key_der(),
            Secret::P384(k) => k.verifying_key().to_public_key_der(),
            Secret::P521(k) => k.verifying_key().to_public_key_der(),
            Secret::BrainpoolP256r1(k) => k.verifying_key().to_public_key_der(),
            Secret::BrainpoolP384r1(k) => k.verifying_key().to_public_key_der(),
            Secret::Ed25519(k) => k.verifying_key().to_public_key_der(),
        };
        let spki = spki.map_err(|_| Malformed::new(Format::PrivateKey, "public key", "a key that can be written"))?;
        Ok(Self {
            secret,
            public: PublicKey::from_spki(spki.as_bytes())?,
            #[cfg(feature = "aws-lc-rs")]
            aws_lc: OnceLock::new(),
        })
    }

    /// The public key.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// PKCS#8 in DER, not encrypted.
    ///
    /// # Errors
    /// The key cannot be written, which no key made or read here should show.
    pub fn to_pkcs8_der(&self) -> Result<SecretOctets, Error> {
        let document = match &self.secret {
            Secret::Rsa(k) => k.to_pkcs8_der(),
            Secret::P256(k) => p256::SecretKey::from(k).to_pkcs8_der(),
            Secret::P384(k) => p384::SecretKey::from(k).to_pkcs8_der(),
            Secret::P521(k) => p521::SecretKey::from(k).to_pkcs8_der(),
            Secret::BrainpoolP256r1(k) => bp256::r1::SecretKey::from(k).to_pkcs8_der(),
            Secret::BrainpoolP384r1(k) => bp384::r1::SecretKey::from(k).to_pkcs8_der(),
            // Version 1, without the public key: OpenSSL 3.0 does not read the other.
            Secret::Ed25519(k) => {
                ed25519_dalek::pkcs8::KeypairBytes { secret_key: k.to_bytes(), public_key: None }.to_pkcs8_der()
            }
        };
        document
            .map(|d| SecretOctets::new(d.to_bytes()))
            .map_err(|_| Malformed::new(Format::PrivateKey, "key", "a key that can be written").into())
    }

    /// The algorithm that fits the key: RSA PKCS#1 v1.5 with SHA-256, ECDSA with
    /// the digest of the curve's strength, Ed25519.
    #[must_use]
    pub fn default_algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::default_for(&self.public).unwrap_or(SignatureAlgorithm::Ed25519)
    }

    /// Makes a signature value by the default backend; ECDSA is deterministic (RFC 6979) and in DER.
    ///
    /// [`Backend::sign`](super::Backend::sign) is the same through a backend of the caller's choice.
    ///
    /// # Errors
    /// The algorithm does not fit the key, or the operating system has no randomness.
    pub fn sign(&self, algorithm: &SignatureAlgorithm, message: Message<'_>) -> Result<Vec<u8>, Error> {
        let unfit = || Error::from(Misuse::new(format!("{} does not fit the key", algorithm.name())));
        let digest = |d: DigestAlgorithm| rust_crypto::digest(d, message).map_err(|_| unfit());
        let failed = || Error::from(TokenError::new("sign", "the computation failed"));
        macro_rules! ecdsa {
            ($key:expr, $digest:expr, $signature:ty, $field:expr) => {{
                let prehash = rust_crypto::prehash(*$digest, message, $field).map_err(|_| unfit())?;
                let signature: $signature = $key.sign_prehash(&prehash).map_err(|_| failed())?;
                Ok(signature.as_bytes().to_vec())
            }};
        }
        match (&self.secret, algorithm) {
            (Secret::Rsa(k), SignatureAlgorithm::RsaPkcs1v15(d)) => {
                k.sign(rust_crypto::pkcs1v15(*d), digest(*d)?.octets()).map_err(|_| failed())
            }
            (Secret::Rsa(k), SignatureAlgorithm::RsaPss(p)) => sign_pss(k, p, digest(p.digest)?.octets()),
            (Secret::P256(k), SignatureAlgorithm::Ecdsa(d)) => ecdsa!(k, d, p256::ecdsa::DerSignature, 32),
            (Secret::P384(k), SignatureAlgorithm::Ecdsa(d)) => ecdsa!(k, d, p384::ecdsa::DerSignature, 48),
            (Secret::P521(k), SignatureAlgorithm::Ecdsa(d)) => ecdsa!(k, d, p521::ecdsa::DerSignature, 66),
            (Secret::BrainpoolP256r1(k), SignatureAlgorithm::Ecdsa(d)) => {
                ecdsa!(k, d, bp256::r1::ecdsa::DerSignature, 32)
            }
            (Secret::BrainpoolP384r1(k), SignatureAlgorithm::Ecdsa(d)) => {
                ecdsa!(k, d, bp384::r1::ecdsa::DerSignature, 48)
            }
            (Secret::Ed25519(k), SignatureAlgorithm::Ed25519) => match message {
                Message::Octets(octets) => Ok(k.sign(octets).to_bytes().to_vec()),
                Message::Digest(_) => Err(Misuse::new("Ed25519 signs the message itself, not its digest").into()),
            },
            _ => Err(unfit()),
        }
    }

    /// RSAES-PKCS1-v1_5 (RFC 8017 §7.2.2); `None` where the key cannot have been used.
    ///
    /// Bad padding gives octets of no meaning, not an error: what follows must fail on them.
    pub(crate) fn decrypt_pkcs1(&self, octets: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let Secret::Rsa(key) = &self.secret else { return None };
        key.decrypt(rsa::Pkcs1v15Encrypt, octets).ok().map(Zeroizing::new)
    }

    /// RSAES-OAEP (RFC 8017 §7.1.2); `None` where the key or the digests cannot have been used.
    pub(crate) fn decrypt_oaep(
        &self,
        digest: DigestAlgorithm,
        mgf: DigestAlgorithm,
        label: &[u8],
        octets: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        use DigestAlgorithm as D;
        let Secret::Rsa(key) = &self.secret else { return None };
        macro_rules! open {
            ($digest:ty, $mgf:ty) => {{
                let mut padding = Oaep::<$digest, $mgf>::new_with_mgf_hash();
                padding.label = Some(label.into());
                key.decrypt(padding, octets)
            }};
        }
        let opened = match (digest, mgf) {
            (D::Sha1, D::Sha1) => open!(sha1::Sha1, sha1::Sha1),
            (D::Sha256, D::Sha1) => open!(sha2::Sha256, sha1::Sha1),
            (D::Sha384, D::Sha1) => open!(sha2::Sha384, sha1::Sha1),
            (D::Sha512, D::Sha1) => open!(sha2::Sha512, sha1::Sha1),
            (D::Sha256, D::Sha256) => open!(sha2::Sha256, sha2::Sha256),
            (D::Sha384, D::Sha384) => open!(sha2::Sha384, sha2::Sha384),
            (D::Sha512, D::Sha512) => open!(sha2::Sha512, sha2::Sha512),
            _ => return None,
        };
        opened.ok().map(Zeroizing::new)
    }

    /// The key in the form of the other backend; `None` where that cannot sign with it.
    #[cfg(feature = "aws-lc-rs")]
    pub(super) fn aws_lc(&self) -> Option<&aws_lc::SigningKey> {
        let decode = || aws_lc::SigningKey::new(&self.to_pkcs8_der().ok()?, self.public.key_type());
        self.aws_lc.get_or_init(decode).as_ref()
    }
}

fn sign_pss(key: &rsa::PrivateKey, p: &PssParameters, digest: &[u8]) -> Result<Vec<u8>, Error> {
    if p.mgf != p.digest {
        return Err(Unsupported::new(Format::PrivateKey, "signing RSASSA-PSS with two different digests").into());
    }
    if p.digest.output_len() + p.salt_len + 2 > key.size() {
        return Err(Misuse::new("the salt of RSASSA-PSS does not fit the key").into());
    }
    let salt = p.salt_len;
    match p.digest {
        DigestAlgorithm::Sha256 => key.sign(Pss::<sha2::Sha256>::new_with_salt(salt), digest),
        DigestAlgorithm::Sha384 => key.sign(Pss::<sha2::Sha384>::new_with_salt(salt), digest),
        DigestAlgorithm::Sha512 => key.sign(Pss::<sha2::Sha512>::new_with_salt(salt), digest),
        DigestAlgorithm::Sha3_256 => key.sign(Pss::<sha3::Sha3_256>::new_with_salt(salt), digest),
        DigestAlgorithm::Sha3_384 => key.sign(Pss::<sha3::Sha3_384>::new_with_salt(salt), digest),
        DigestAlgorithm::Sha3_512 => key.sign(Pss::<sha3::Sha3_512>::new_with_salt(salt), digest),
        _ => return Err(Unsupported::new(Format::PrivateKey, "signing RSASSA-PSS with this digest").into()),
    }
    .map_err(|_| TokenError::new("sign", "the computation failed").into())
}

impl SignatureAlgorithm {
    /// The algorithm that fits a key by default; `None` for a key of an unknown kind.
    #[must_use]
    pub fn default_for(key: &PublicKey) -> Option<Self> {
        match key.key_type() {
            KeyType::Rsa { .. } if key.is_pss_only() => {
                Some(Self::RsaPss(key.pss_parameters().unwrap_or(PssParameters::new(DigestAlgorithm::Sha256))))
            }
            KeyType::Rsa { .. } => Some(Self::RsaPkcs1v15(DigestAlgorithm::Sha256)),
            KeyType::Ec(Curve::P256 | Curve::BrainpoolP256r1) => Some(Self::Ecdsa(DigestAlgorithm::Sha256)),
            KeyType::Ec(Curve::P384 | Curve::BrainpoolP384r1) => Some(Self::Ecdsa(DigestAlgorithm::Sha384)),
            KeyType::Ec(Curve::P521) => Some(Self::Ecdsa(DigestAlgorithm::Sha512)),
            KeyType::Ed25519 => Some(Self::Ed25519),
            KeyType::MlDsa(set) => Some(Self::MlDsa(set)),
            KeyType::Other(_) => None,
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey").field("key_type", &self.public.key_type()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Backend;
    use super::*;

    #[test]
    fn every_kind_signs_what_verifies_and_survives_its_file() {
        for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::Ed25519] {
            let key = PrivateKey::generate(spec).unwrap();
            let again = PrivateKey::from_der(&key.to_pkcs8_der().unwrap(), None).unwrap();
            assert_eq!(again.public_key(), key.public_key());
            let mut algorithms = vec![key.default_algorithm()];
            if spec == KeySpec::Rsa2048 {
                algorithms.push(SignatureAlgorithm::RsaPss(PssParameters::new(DigestAlgorithm::Sha256)));
            }
            for algorithm in algorithms {
                let mut value = again.sign(&algorithm, Message::Octets(b"ky so")).unwrap();
                let verify = |value: &[u8], m: &[u8]| {
                    Backend::default().verify(key.public_key(), &algorithm, Message::Octets(m), value)
                };
                assert_eq!(verify(&value, b"ky so"), Ok(()), "{spec:?}");
                assert!(verify(&value, b"ky sO").is_err(), "{spec:?}");
                *value.last_mut().unwrap() ^= 1;
                assert!(verify(&value, b"ky so").is_err(), "{spec:?}");
            }
        }
    }

    #[test]
    fn an_algorithm_of_another_key_is_refused() {
        let key = PrivateKey::generate(KeySpec::P256).unwrap();
        let rsa = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);
        assert!(matches!(key.sign(&rsa, Message::Octets(b"")), Err(Error::Misuse(_))));
        assert!(PrivateKey::from_der(b"\x30\x03\x02\x01\x00", None).is_err());
    }
}
