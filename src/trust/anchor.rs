//! One trust anchor (RFC 5280 §6.1.1 (d), RFC 5937).

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use crate::asn1::Oid;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PublicKey;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::Name;
use crate::x509::NameConstraints;

/// A name and a key that are trusted by statement. Cloning shares it.
///
/// A certificate is only one way to write that statement down: whether its
/// validity period and its extensions bind is decided by
/// [`PathSettings::anchor_certificate`](crate::path::PathSettings::anchor_certificate).
#[derive(Clone)]
pub struct TrustAnchor(Arc<Inner>);

struct Inner {
    name: Name,
    key: PublicKey,
    certificate: Option<Certificate>,
    constraints: AnchorConstraints,
    /// Made when it is first asked for.
    sha256: OnceLock<Digest>,
}

/// What the caller allows an anchor to vouch for (RFC 5937). Always applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnchorConstraints {
    /// The anchor vouches for nothing before this time.
    pub not_before: Option<Time>,
    /// The anchor vouches for nothing after this time.
    pub not_after: Option<Time>,
    /// Non-self-issued intermediate certificates below it.
    pub path_len: Option<u32>,
    /// The only policies that it vouches for; implies an explicit policy.
    pub policies: Option<Vec<Oid>>,
    /// Subtrees inside of which names must lie, or must not lie.
    pub name_constraints: Option<NameConstraints>,
}

impl TrustAnchor {
    /// The subject and key of a certificate.
    #[must_use]
    pub fn from_certificate(certificate: Certificate) -> Self {
        Self(Arc::new(Inner {
            name: certificate.subject().clone(),
            key: certificate.public_key().clone(),
            sha256: OnceLock::new(),
            certificate: Some(certificate),
            constraints: AnchorConstraints::default(),
        }))
    }

    /// A bare name and key.
    #[must_use]
    pub fn from_name_and_key(name: Name, key: PublicKey) -> Self {
        Self(Arc::new(Inner {
            name,
            key,
            certificate: None,
            constraints: AnchorConstraints::default(),
            sha256: OnceLock::new(),
        }))
    }

    /// The same anchor under constraints.
    #[must_use]
    pub fn constrained(self, constraints: AnchorConstraints) -> Self {
        let inner = &*self.0;
        Self(Arc::new(Inner {
            name: inner.name.clone(),
            key: inner.key.clone(),
            certificate: inner.certificate.clone(),
            constraints,
            sha256: inner.sha256.clone(),
        }))
    }

    /// The name by which issued certificates name it.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// The key under which their signatures verify.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.0.key
    }

    /// The certificate that it was taken from.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        self.0.certificate.as_ref()
    }

    /// The constraints that the caller put on it.
    #[must_use]
    pub fn constraints(&self) -> &AnchorConstraints {
        &self.0.constraints
    }

    /// SHA-256 of its certificate; without one, of its name and
    /// SubjectPublicKeyInfo, one after the other.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        let inner = &*self.0;
        *inner.sha256.get_or_init(|| match &inner.certificate {
            Some(certificate) => certificate.sha256(),
            None => {
                let mut digester = DigestAlgorithm::Sha256.digester();
                digester.update(inner.name.der());
                digester.update(inner.key.spki());
                digester.finish()
            }
        })
    }
}

impl PartialEq for TrustAnchor {
    fn eq(&self, other: &Self) -> bool {
        self.sha256() == other.sha256() && self.0.constraints == other.0.constraints
    }
}

impl Eq for TrustAnchor {}

impl fmt::Debug for TrustAnchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TrustAnchor")
            .field("name", &self.0.name)
            .field("sha256", &self.sha256())
            .finish_non_exhaustive()
    }
}
