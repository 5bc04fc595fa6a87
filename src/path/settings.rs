//! The inputs of path validation (RFC 5280 §6.1.1) and the bounds of the search.

use crate::asn1::Oid;
use crate::x509::GeneralSubtree;
use crate::x509::KeyPurpose;
use crate::x509::KeyUsage;

/// What a caller demands of a path. The default is RFC 5280 with any policy
/// and no demand on the leaf's usage.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PathSettings {
    /// `user-initial-policy-set`; `None` is anyPolicy.
    pub initial_policies: Option<Vec<Oid>>,
    /// `initial-explicit-policy`: the path must be valid for one of the initial policies.
    pub explicit_policy: bool,
    /// `initial-policy-mapping-inhibit`.
    pub inhibit_mapping: bool,
    /// `initial-any-policy-inhibit`.
    pub inhibit_any_policy: bool,
    /// `initial-permitted-subtrees`; a name form without an entry is free.
    pub permitted_subtrees: Vec<GeneralSubtree>,
    /// `initial-excluded-subtrees`.
    pub excluded_subtrees: Vec<GeneralSubtree>,
    /// Extended key usages, each of which the leaf must allow. A leaf without
    /// the extension allows all, unless [`Self::purposes_stated`] is set.
    pub purposes: Vec<KeyPurpose>,
    /// The leaf must state every one of [`Self::purposes`] by its own
    /// identifier: neither an absent extension nor anyExtendedKeyUsage will do.
    pub purposes_stated: bool,
    /// Intermediates with an extended key usage must allow
    /// [`Self::purposes`] too. RFC 5280 does not ask for it; web browsers do.
    pub purposes_of_intermediates: bool,
    /// The leaf's key usage, where present, must contain one of these bits.
    pub key_usage: Option<KeyUsage>,
    /// How far the certificate of an anchor binds.
    pub anchor_certificate: AnchorCertificate,
    /// Whether every certificate must be inside its validity period. Turned
    /// off only by [`Self::without_validity_periods`].
    pub(super) validity_periods: bool,
    /// Critical extensions that the caller processes itself.
    pub understood_extensions: Vec<Oid>,
    /// Non-self-issued intermediates that a path may have; `None`: as many as
    /// the certificates allow.
    pub max_path_len: Option<u32>,
    /// Certificates of a path, the leaf included and the anchor not.
    pub max_certificates: usize,
    /// Signatures that one search may verify.
    pub max_signature_checks: u64,
    /// Steps (candidates, name comparisons, policy nodes) that one search may take.
    pub max_steps: u64,
    /// Comparisons of a name with a subtree that one search may make.
    pub max_name_comparisons: u64,
}

/// How far the certificate behind a trust anchor binds.
///
/// RFC 5280 §6.1.1 (d) takes name and key of an anchor and nothing else. But an
/// anchor that is handed in as a certificate comes with limits that its CA has
/// set itself, and that nobody expects to be dropped: the default keeps them
/// (RFC 5937). Explicit [constraints](crate::trust::AnchorConstraints) always bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AnchorCertificate {
    /// Name and key only: it may be expired, and need not be a CA.
    NameAndKey,
    /// Its validity period too.
    Validity,
    /// Its validity period, and its extensions as constraints: it must be a CA
    /// (one of version 1 or 2 cannot say so, and need not), its path length,
    /// policies and name constraints apply, and what is critical must be understood.
    #[default]
    Constraints,
}

impl Default for PathSettings {
    fn default() -> Self {
        Self {
            initial_policies: None,
            explicit_policy: false,
            inhibit_mapping: false,
            inhibit_any_policy: false,
            permitted_subtrees: Vec::new(),
            excluded_subtrees: Vec::new(),
            purposes: Vec::new(),
            purposes_stated: false,
            purposes_of_intermediates: false,
            key_usage: None,
            anchor_certificate: AnchorCertificate::default(),
            validity_periods: true,
            understood_extensions: Vec::new(),
            max_path_len: None,
            max_certificates: 16,
            max_signature_checks: 128,
            max_steps: 250_000,
            max_name_comparisons: 1 << 20,
        }
    }
}

impl PathSettings {
    /// The same settings with validity periods not looked at.
    ///
    /// For past certificate validation alone (EN 319 102-1 §5.6.2.1), which
    /// takes a time from [`Path::validity`](super::Path::validity) afterwards
    /// and slides it back. Anything else that uses this accepts expired
    /// certificates.
    #[must_use]
    pub fn without_validity_periods(mut self) -> Self {
        self.validity_periods = false;
        self
    }
}
