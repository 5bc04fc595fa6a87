//! Message digests.

use crate::asn1::Oid;

/// A digest algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DigestAlgorithm {
    /// MD5; broken, only to read old data.
    Md5,
    /// SHA-1; broken for signatures, only to read old data and to name keys.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SHA-512/224.
    Sha512_224,
    /// SHA-512/256.
    Sha512_256,
    /// SHA3-224.
    Sha3_224,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
}

/// The value of a digest together with its algorithm.
#[derive(Clone, Copy)]
pub struct Digest {
    algorithm: DigestAlgorithm,
    octets: [u8; 64],
}

/// A digest being computed. Cloning it clones the running state.
#[derive(Clone)]
pub struct Digester {
    algorithm: DigestAlgorithm,
}

impl DigestAlgorithm {
    /// By object identifier, bare or as part of a signature algorithm's name.
    #[must_use]
    pub fn from_oid(oid: &Oid) -> Option<Self> {
        let _ = oid;
        todo!("agent crypto")
    }

    /// Its object identifier.
    #[must_use]
    pub fn oid(self) -> Oid {
        todo!("agent crypto")
    }

    /// Octets of its value.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 | Self::Sha512_224 | Self::Sha3_224 => 28,
            Self::Sha256 | Self::Sha512_256 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// Starts a computation.
    #[must_use]
    pub fn digester(self) -> Digester {
        Digester { algorithm: self }
    }

    /// The digest of `octets` in one call.
    #[must_use]
    pub fn digest(self, octets: &[u8]) -> Digest {
        let mut d = self.digester();
        d.update(octets);
        d.finish()
    }
}

impl Digester {
    /// Adds octets.
    pub fn update(&mut self, octets: &[u8]) {
        let _ = octets;
        todo!("agent crypto")
    }

    /// Ends the computation.
    #[must_use]
    pub fn finish(self) -> Digest {
        todo!("agent crypto")
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }
}

impl Digest {
    /// A value from outside; `None` where its length does not fit the algorithm.
    #[must_use]
    pub fn from_octets(algorithm: DigestAlgorithm, octets: &[u8]) -> Option<Self> {
        if octets.len() != algorithm.output_len() {
            return None;
        }
        let mut value = [0; 64];
        value.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self { algorithm, octets: value })
    }

    /// The value.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.algorithm.output_len()).unwrap_or(&[])
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        self.algorithm
    }

    /// The value in lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.octets().iter().map(|b| format!("{b:02x}")).collect()
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm == other.algorithm && self.octets() == other.octets()
    }
}

impl Eq for Digest {}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.algorithm.hash(state);
        self.octets().hash(state);
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}:{}", self.algorithm, self.to_hex())
    }
}

impl std::fmt::Debug for Digester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Digester").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
