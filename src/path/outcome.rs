//! A path that was validated.

use std::sync::Arc;

use super::signature::SignatureFact;
use crate::asn1::Oid;
use crate::crypto::PublicKey;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::x509::Certificate;
use crate::x509::Name;

/// A certification path that RFC 5280 §6.1 accepts, revocation aside. Made only
/// by [`PathBuilder`](super::PathBuilder) and [`validate_path`](super::validate_path).
///
/// Whether it may be relied on is for revocation and the algorithm policy to say.
#[derive(Clone, Debug)]
pub struct Path {
    pub(super) leaf: Certificate,
    /// Leaf first.
    pub(super) certificates: Vec<Certificate>,
    pub(super) anchor: TrustAnchor,
    pub(super) set: Arc<str>,
    pub(super) policies: PathPolicies,
    pub(super) signatures: Vec<SignatureFact>,
    pub(super) at: Time,
}

/// Who issued a certificate: the next certificate of a path, or its anchor.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Issuer<'a> {
    /// Its name.
    pub name: &'a Name,
    /// Its key.
    pub key: &'a PublicKey,
    /// Its certificate; an anchor may have none.
    pub certificate: Option<&'a Certificate>,
}

/// The policies for which a path is valid (RFC 5280 §6.1.6, RFC 9618).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathPolicies {
    /// Policies that the authorities grant, in the anchor's terms.
    pub authority_constrained: Vec<ValidPolicy>,
    /// Those of them that the caller accepts.
    pub user_constrained: Vec<ValidPolicy>,
    /// An explicit policy was required by the caller or by a certificate.
    pub explicit: bool,
}

/// One valid policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ValidPolicy {
    /// Its identifier in the anchor's terms; anyPolicy where all are valid.
    pub policy: Oid,
    /// The identifiers in the leaf that stand for it, after mapping.
    pub subject_policies: Vec<Oid>,
    /// Qualifiers in the leaf, each a DER SEQUENCE OF PolicyQualifierInfo.
    pub qualifiers: Vec<Vec<u8>>,
}

impl Path {
    /// The certificate that was asked for.
    #[must_use]
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The certificates, leaf first, without the anchor.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The anchor in which it ends.
    #[must_use]
    pub const fn anchor(&self) -> &TrustAnchor {
        &self.anchor
    }

    /// The name of the anchor's trust set.
    #[must_use]
    pub fn trust_set(&self) -> &str {
        &self.set
    }

    /// Who issued the certificate at `index`.
    #[must_use]
    pub fn issuer(&self, index: usize) -> Option<Issuer<'_>> {
        self.certificates.get(index)?;
        Some(match self.certificates.get(index + 1) {
            Some(certificate) => Issuer::of(certificate),
            None => Issuer::anchor(&self.anchor),
        })
    }

    /// The time inside of every certificate's validity period: first and last
    /// instant, or `None` where the periods do not meet.
    #[must_use]
    pub fn validity(&self) -> Option<(Time, Time)> {
        let from = self.certificates.iter().map(Certificate::not_before).max()?;
        let to = self.certificates.iter().map(Certificate::not_after).min()?;
        (from <= to).then_some((from, to))
    }

    /// The policies for which it is valid.
    #[must_use]
    pub const fn policies(&self) -> &PathPolicies {
        &self.policies
    }

    /// Algorithm and issuer's key of each certificate's signature, in the order
    /// of [`Self::certificates`].
    #[must_use]
    pub fn signatures(&self) -> &[SignatureFact] {
        &self.signatures
    }

    /// The time for which it was validated.
    #[must_use]
    pub const fn validated_at(&self) -> Time {
        self.at
    }
}

impl<'a> Issuer<'a> {
    /// A certificate as issuer.
    #[must_use]
    pub fn of(certificate: &'a Certificate) -> Self {
        Self { name: certificate.subject(), key: certificate.public_key(), certificate: Some(certificate) }
    }

    /// An anchor as issuer.
    #[must_use]
    pub fn anchor(anchor: &'a TrustAnchor) -> Self {
        Self { name: anchor.name(), key: anchor.key(), certificate: anchor.certificate() }
    }
}
