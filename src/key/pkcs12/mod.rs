//! PKCS#12 stores (RFC 7292).
//!
//! ```
//! use kyso::Limits;
//! use kyso::key::pkcs12::Pfx;
//! use kyso::secret::Password;
//!
//! let error = Pfx::open(b"no store", &Password::new("secret"), &Limits::default()).unwrap_err();
//! assert!(error.to_string().starts_with("malformed ASN.1"));
//! ```

mod bags;
mod secret;

use std::fmt;

use zeroize::Zeroizing;

use super::SignerIdentity;
use super::soft::SoftKey;
use super::soft::same_key;
use crate::crypto::PrivateKey;
use crate::error::Error;
use crate::error::Misuse;
use crate::limits::Limits;
use crate::secret::Password;
use crate::x509::Certificate;

/// An opened PKCS#12 store: private keys and certificates.
#[derive(Debug)]
pub struct Pfx {
    keys: Vec<KeyEntry>,
    certificates: Vec<CertificateEntry>,
    authenticated: bool,
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
    /// Opens a store, in DER or BER.
    ///
    /// Read are stores with a password-based MAC (RFC 7292, PBMAC1 of RFC 9579)
    /// or none ([`is_authenticated`](Self::is_authenticated)), encrypted by
    /// PBES2 (PBKDF2; AES or Triple DES in CBC mode) or by the older ciphers on
    /// Triple DES and RC2. CRLs, secrets and bags of other kinds are passed over.
    ///
    /// The password is one: it opens the MAC and every encrypted part.
    ///
    /// # Errors
    /// [`Error::Secret`] where the password is wrong, which cannot be told from
    /// a store that was altered; [`Error::LimitExceeded`] for `password_rounds`
    /// and the limits on ASN.1; malformed or unsupported otherwise.
    pub fn open(octets: &[u8], password: &Password, limits: &Limits) -> Result<Self, Error> {
        bags::open(octets, password, limits)
    }

    /// Whether the store has a MAC, which was right. Without one, anybody may
    /// have put in another certificate, or a key of their own.
    #[must_use]
    pub const fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    /// One key with its certificate; every other certificate is its chain.
    pub(super) fn into_key(self, name: Option<&str>) -> Result<SoftKey, Error> {
        let fitting: Vec<&KeyEntry> =
            self.keys.iter().filter(|k| name.is_none() || k.friendly_name.as_deref() == name).collect();
        let entry = match (fitting.as_slice(), name) {
            ([entry], _) => *entry,
            ([], None) => return Err(Misuse::new("the PKCS#12 store holds no private key").into()),
            ([], Some(name)) => {
                let text = format!("the PKCS#12 store holds no key named {name:?}; there is {}", names(&self.keys));
                return Err(Misuse::new(text).into());
            }
            (several, _) => {
                let text =
                    format!("{} keys of the PKCS#12 store fit; name one of {}", several.len(), names(&self.keys));
                return Err(Misuse::new(text).into());
            }
        };
        let key = entry.private_key()?;
        let certificate = self.certificate_of(entry, &key)?.clone();
        let mut chain: Vec<Certificate> = Vec::new();
        for other in &self.certificates {
            if other.certificate.der() != certificate.der() && chain.iter().all(|c| c.der() != other.certificate.der())
            {
                chain.push(other.certificate.clone());
            }
        }
        SoftKey::new(key, SignerIdentity::new(certificate, chain))
    }

    /// The certificate for a key. That it is for this key is a must; among
    /// several such, as after a renewal, the localKeyId decides.
    fn certificate_of(&self, entry: &KeyEntry, key: &PrivateKey) -> Result<&Certificate, Error> {
        let mut same: Vec<&CertificateEntry> = Vec::new();
        for candidate in &self.certificates {
            let fits = same_key(key.public_key(), candidate.certificate.public_key());
            if fits && same.iter().all(|c| c.certificate.der() != candidate.certificate.der()) {
                same.push(candidate);
            }
        }
        let linked =
            same.iter().filter(|c| entry.local_key_id.is_some() && c.local_key_id == entry.local_key_id).copied();
        let linked: Vec<_> = linked.collect();
        match (linked.as_slice(), same.as_slice()) {
            ([one], _) | ([], [one]) => Ok(&one.certificate),
            (_, []) => Err(Misuse::new("the PKCS#12 store holds no certificate for its key").into()),
            (_, several) => Err(Misuse::new(format!(
                "{} certificates of the PKCS#12 store are for the key; open the store and bind the key to one of them",
                several.len()
            ))
            .into()),
        }
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

fn names(keys: &[KeyEntry]) -> String {
    let name =
        |k: &KeyEntry| k.friendly_name.as_ref().map_or_else(|| "a key without name".into(), |n| format!("{n:?}"));
    let all: Vec<String> = keys.iter().map(name).collect();
    if all.is_empty() { "no key".into() } else { all.join(", ") }
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
