//! Trust anchors in named sets.
//!
//! Nothing is trusted by default: there is no system store, no built-in root
//! and no `Default`. An empty set has to be asked for by name
//! ([`TrustAnchors::none`]), and no path ends in it.

mod anchor;
mod bundle;

pub use anchor::AnchorConstraints;
pub use anchor::TrustAnchor;

use crate::crypto::Digest;
use crate::error::Error;
use crate::x509::Certificate;

/// Trust anchors under one name, such as the list of a national root or of an
/// office. Results tell by this name why something was trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustSet {
    name: String,
    anchors: Vec<TrustAnchor>,
}

impl TrustSet {
    /// An empty set.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), anchors: Vec::new() }
    }

    /// Every certificate of a file as an anchor: PEM (one or more), DER, or a
    /// PKCS#7 bundle in either.
    ///
    /// The file is trusted as a whole: nothing in it is checked, a PKCS#7
    /// signature included.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the file holds no readable certificate.
    pub fn from_file(name: impl Into<String>, octets: &[u8]) -> Result<Self, Error> {
        let certificates = Certificate::all_from_file(octets)?;
        let mut set = Self::new(name);
        set.extend(certificates.into_iter().map(TrustAnchor::from_certificate));
        Ok(set)
    }

    /// Adds an anchor; one with the same name, key and constraints is kept once.
    pub fn add(&mut self, anchor: TrustAnchor) {
        if !self.anchors.contains(&anchor) {
            self.anchors.push(anchor);
        }
    }

    /// Removes the anchors with this [digest](TrustAnchor::sha256); tells whether there was one.
    pub fn remove(&mut self, sha256: &Digest) -> bool {
        let before = self.anchors.len();
        self.anchors.retain(|a| a.sha256() != *sha256);
        self.anchors.len() != before
    }

    /// The set's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The anchors, in the order in which they were added.
    #[must_use]
    pub fn anchors(&self) -> &[TrustAnchor] {
        &self.anchors
    }
}

impl Extend<TrustAnchor> for TrustSet {
    fn extend<I: IntoIterator<Item = TrustAnchor>>(&mut self, anchors: I) {
        anchors.into_iter().for_each(|a| self.add(a));
    }
}

/// All that is trusted in one procedure: sets in the order of preference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustAnchors {
    sets: Vec<TrustSet>,
}

impl TrustAnchors {
    /// Nothing is trusted. No path can be built and nothing can pass.
    #[must_use]
    pub const fn none() -> Self {
        Self { sets: Vec::new() }
    }

    /// These sets; a path is sought in the first one first.
    #[must_use]
    pub fn new(sets: impl IntoIterator<Item = TrustSet>) -> Self {
        let mut all = Self::none();
        sets.into_iter().for_each(|s| all.add_set(s));
        all
    }

    /// One set from a file; see [`TrustSet::from_file`].
    ///
    /// # Errors
    /// [`Error::Malformed`] where the file holds no readable certificate.
    pub fn from_file(name: impl Into<String>, octets: &[u8]) -> Result<Self, Error> {
        Ok(Self::new([TrustSet::from_file(name, octets)?]))
    }

    /// Adds a set; anchors of a set with the same name are joined to it.
    pub fn add_set(&mut self, set: TrustSet) {
        match self.sets.iter_mut().find(|s| s.name == set.name) {
            Some(known) => known.extend(set.anchors),
            None => self.sets.push(set),
        }
    }

    /// Removes the set of this name and hands it out.
    pub fn remove_set(&mut self, name: &str) -> Option<TrustSet> {
        let index = self.sets.iter().position(|s| s.name == name)?;
        Some(self.sets.remove(index))
    }

    /// The sets, in the order of preference.
    #[must_use]
    pub fn sets(&self) -> &[TrustSet] {
        &self.sets
    }

    /// Whether nothing is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.iter().all(|s| s.anchors.is_empty())
    }

    /// Every anchor with the name of its set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &TrustAnchor)> {
        self.sets.iter().flat_map(|s| s.anchors.iter().map(move |a| (s.name.as_str(), a)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::PublicKey;
    use crate::x509::Name;

    /// An RFC 8032 test key under a common name.
    #[allow(clippy::cast_possible_truncation)] // names of one letter
    fn anchor(common_name: &[u8]) -> TrustAnchor {
        let attribute = [&[0x06, 3, 0x55, 4, 3, 0x0C, common_name.len() as u8], common_name].concat();
        let set = [&[0x31, attribute.len() as u8 + 2, 0x30, attribute.len() as u8][..], &attribute].concat();
        let name = [&[0x30, set.len() as u8][..], &set].concat();
        let ed25519 = [
            &[0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00][..],
            &[
                0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e,
                0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
            ],
        ]
        .concat();
        TrustAnchor::from_name_and_key(Name::from_der(&name).unwrap(), PublicKey::from_spki(&ed25519).unwrap())
    }

    #[test]
    fn an_anchor_is_kept_once_and_removed_by_digest() {
        let mut set = TrustSet::new("office");
        set.add(anchor(b"A"));
        set.add(anchor(b"A"));
        set.add(anchor(b"B"));
        assert_eq!(set.anchors().len(), 2);
        let digest = set.anchors()[0].sha256();
        assert!(set.remove(&digest));
        assert!(!set.remove(&digest));
        assert_eq!(set.anchors(), [anchor(b"B")]);
    }

    #[test]
    fn sets_of_one_name_join_and_order_is_kept() {
        let mut office = TrustSet::new("office");
        office.add(anchor(b"A"));
        let mut more = TrustSet::new("office");
        more.add(anchor(b"B"));
        let all = TrustAnchors::new([TrustSet::new("nation"), office, more]);
        assert_eq!(all.sets().iter().map(TrustSet::name).collect::<Vec<_>>(), ["nation", "office"]);
        assert_eq!(all.iter().map(|(set, _)| set).collect::<Vec<_>>(), ["office", "office"]);
        assert!(!all.is_empty());
        assert!(TrustAnchors::new([TrustSet::new("nation")]).is_empty());
    }
}
