//! PKCS#12 stores (RFC 7292).

use std::fmt;

use zeroize::Zeroizing;

use crate::crypto::PrivateKey;
use crate::error::Error;
use crate::error::Format;
use crate::error::Unsupported;
use crate::limits::Limits;
use crate::secret::Password;
use crate::x509::Certificate;

/// An opened PKCS#12 store: private keys and certificates.
#[derive(Debug)]
pub struct Pfx {
    keys: Vec<KeyEntry>,
    certificates: Vec<CertificateEntry>,
}

/// A private key in a store.
pub struct KeyEntry {
    pkcs8: Zeroizing<Vec<u8>>,
    friendly_name: Option<String>,
    local_key_id: Option<Vec<u8>>,
}

/// A certificate in a store.
#[derive(Clone, Debug)]
pub struct CertificateEntry {
    certificate: Certificate,
    friendly_name: Option<String>,
    local_key_id: Option<Vec<u8>>,
}

impl Pfx {
    /// Opens a store.
    ///
    /// # Errors
    /// [`Error::Secret`] where the password is wrong.
    pub fn open(octets: &[u8], password: &Password, limits: &Limits) -> Result<Self, Error> {
        let _ = (octets, password, limits);
        Err(Unsupported::new(Format::Pkcs12, "PKCS#12 stores").into())
    }

    pub(super) fn into_key(self, name: Option<&str>) -> Result<super::soft::SoftKey, Error> {
        let _ = name;
        Err(Unsupported::new(Format::Pkcs12, "PKCS#12 stores").into())
    }

    /// The private keys, in the order of the store.
    #[must_use]
    pub fn keys(&self) -> &[KeyEntry] {
        &self.keys
    }

    /// The certificates, in the order of the store.
    #[must_use]
    pub fn certificates(&self) -> &[CertificateEntry] {
        &self.certificates
    }
}

impl KeyEntry {
    /// The key.
    ///
    /// # Errors
    /// A key that is malformed or of an algorithm that is not supported.
    pub fn private_key(&self) -> Result<PrivateKey, Error> {
        PrivateKey::from_der(&self.pkcs8, None)
    }

    /// Its friendlyName.
    #[must_use]
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// Its localKeyId.
    #[must_use]
    pub fn local_key_id(&self) -> Option<&[u8]> {
        self.local_key_id.as_deref()
    }
}

impl fmt::Debug for KeyEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyEntry").field("friendly_name", &self.friendly_name).finish_non_exhaustive()
    }
}

impl CertificateEntry {
    /// The certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its friendlyName.
    #[must_use]
    pub fn friendly_name(&self) -> Option<&str> {
        self.friendly_name.as_deref()
    }

    /// Its localKeyId.
    #[must_use]
    pub fn local_key_id(&self) -> Option<&[u8]> {
        self.local_key_id.as_deref()
    }
}
