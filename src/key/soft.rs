//! Keys in memory, from key files.

use std::fmt;

use super::SignatureValue;
use super::SignerIdentity;
use super::SigningKey;
use super::ToBeSigned;
use super::pkcs12::Pfx;
use crate::crypto::Backend;
use crate::crypto::KeyType;
use crate::crypto::Message;
use crate::crypto::PrivateKey;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Misuse;
use crate::limits::Limits;
use crate::secret::Password;

/// A private key in memory together with its certificate.
pub struct SoftKey {
    key: PrivateKey,
    identity: SignerIdentity,
    algorithm: SignatureAlgorithm,
    backend: Backend,
}

impl SoftKey {
    /// Binds a key to its certificate.
    ///
    /// # Errors
    /// [`Error::Misuse`] where the certificate is for another key.
    pub fn new(key: PrivateKey, identity: SignerIdentity) -> Result<Self, Error> {
        if !same_key(key.public_key(), identity.certificate().public_key()) {
            return Err(Misuse::new("the certificate is for another key").into());
        }
        let algorithm = SignatureAlgorithm::default_for(identity.certificate().public_key())
            .unwrap_or_else(|| key.default_algorithm());
        Ok(Self { key, identity, algorithm, backend: Backend::default() })
    }

    /// The one key of a PKCS#12 store with its certificate and chain.
    ///
    /// # Errors
    /// As [`Pfx::open`](super::pkcs12::Pfx::open); [`Error::Misuse`] where the
    /// store holds no key, several, or no certificate for it.
    pub fn from_pkcs12(octets: &[u8], password: &Password, limits: &Limits) -> Result<Self, Error> {
        Pfx::open(octets, password, limits)?.into_key(None)
    }

    /// The key with this friendlyName; otherwise as [`from_pkcs12`](Self::from_pkcs12).
    ///
    /// # Errors
    /// As there.
    pub fn from_pkcs12_named(
        octets: &[u8],
        password: &Password,
        friendly_name: &str,
        limits: &Limits,
    ) -> Result<Self, Error> {
        Pfx::open(octets, password, limits)?.into_key(Some(friendly_name))
    }

    /// Signs with another algorithm than the default one.
    ///
    /// # Errors
    /// [`Error::Misuse`] where it does not fit the key.
    pub fn with_algorithm(mut self, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        let fits = matches!(
            (self.key.public_key().key_type(), algorithm),
            (KeyType::Rsa { .. }, SignatureAlgorithm::RsaPkcs1v15(_) | SignatureAlgorithm::RsaPss(_))
                | (KeyType::Ec(_), SignatureAlgorithm::Ecdsa(_))
                | (KeyType::Ed25519, SignatureAlgorithm::Ed25519)
        );
        if !fits {
            return Err(Misuse::new(format!("{} does not fit the key", algorithm.name())).into());
        }
        self.algorithm = algorithm;
        Ok(self)
    }

    /// Signs through another backend than the default one.
    #[must_use]
    pub const fn with_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }
}

/// The same numbers; an RSA key may be named id-RSASSA-PSS in its certificate
/// and rsaEncryption in its key file.
pub(super) fn same_key(a: &PublicKey, b: &PublicKey) -> bool {
    a == b || (matches!(a.key_type(), KeyType::Rsa { .. }) && a.key_octets() == b.key_octets())
}

impl SigningKey for SoftKey {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        let octets = Message::Octets(message.octets());
        self.backend.sign(&self.key, message.algorithm(), octets).map(SignatureValue::new)
    }
}

impl fmt::Debug for SoftKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
