//! Message digests.

use sha2::Digest as _;

#[cfg(feature = "aws-lc-rs")]
use super::aws_lc;
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
pub struct Digester(State);

macro_rules! states {
    ($($name:ident: $ty:ty),* $(,)?) => {
        #[derive(Clone)]
        enum State {
            $($name($ty),)*
            #[cfg(feature = "aws-lc-rs")]
            AwsLc(DigestAlgorithm, aws_lc_rs::digest::Context),
        }

        impl Digester {
            const fn name_of(state: &State) -> DigestAlgorithm {
                match state {
                    $(State::$name(_) => DigestAlgorithm::$name,)*
                    #[cfg(feature = "aws-lc-rs")]
                    State::AwsLc(algorithm, _) => *algorithm,
                }
            }

            fn start(algorithm: DigestAlgorithm) -> Self {
                Self(match algorithm {
                    $(DigestAlgorithm::$name => State::$name(<$ty>::new()),)*
                })
            }

            /// Adds octets.
            pub fn update(&mut self, octets: &[u8]) {
                match &mut self.0 {
                    $(State::$name(d) => d.update(octets),)*
                    #[cfg(feature = "aws-lc-rs")]
                    State::AwsLc(_, d) => d.update(octets),
                }
            }

            /// Ends the computation.
            #[must_use]
            pub fn finish(self) -> Digest {
                match self.0 {
                    $(State::$name(d) => Digest::of(DigestAlgorithm::$name, &d.finalize()),)*
                    #[cfg(feature = "aws-lc-rs")]
                    State::AwsLc(algorithm, d) => Digest::of(algorithm, d.finish().as_ref()),
                }
            }
        }
    };
}

states! {
    Md5: md5::Md5,
    Sha1: sha1::Sha1,
    Sha224: sha2::Sha224,
    Sha256: sha2::Sha256,
    Sha384: sha2::Sha384,
    Sha512: sha2::Sha512,
    Sha512_224: sha2::Sha512_224,
    Sha512_256: sha2::Sha512_256,
    Sha3_224: sha3::Sha3_224,
    Sha3_256: sha3::Sha3_256,
    Sha3_384: sha3::Sha3_384,
    Sha3_512: sha3::Sha3_512,
}

/// Every algorithm with its identifier: 1.2.840.113549.2.5, 1.3.14.3.2.26 and
/// the arc 2.16.840.1.101.3.4.2 of NIST.
const TABLE: &[(DigestAlgorithm, Oid, &str)] = &[
    (DigestAlgorithm::Md5, Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, 0x05]), "MD5"),
    (DigestAlgorithm::Sha1, Oid::known(&[0x2B, 0x0E, 0x03, 0x02, 0x1A]), "SHA1"),
    (DigestAlgorithm::Sha256, nist(1), "SHA256"),
    (DigestAlgorithm::Sha384, nist(2), "SHA384"),
    (DigestAlgorithm::Sha512, nist(3), "SHA512"),
    (DigestAlgorithm::Sha224, nist(4), "SHA224"),
    (DigestAlgorithm::Sha512_224, nist(5), "SHA512-224"),
    (DigestAlgorithm::Sha512_256, nist(6), "SHA512-256"),
    (DigestAlgorithm::Sha3_224, nist(7), "SHA3-224"),
    (DigestAlgorithm::Sha3_256, nist(8), "SHA3-256"),
    (DigestAlgorithm::Sha3_384, nist(9), "SHA3-384"),
    (DigestAlgorithm::Sha3_512, nist(10), "SHA3-512"),
];

const fn nist(n: u8) -> Oid {
    Oid::known(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, n])
}

impl DigestAlgorithm {
    /// By object identifier.
    #[must_use]
    pub fn from_oid(oid: &Oid) -> Option<Self> {
        TABLE.iter().find(|(_, o, _)| o == oid).map(|(d, _, _)| *d)
    }

    /// Name for reports, such as `SHA256`.
    #[must_use]
    pub fn name(self) -> &'static str {
        TABLE.iter().find(|(d, _, _)| *d == self).map_or("", |(_, _, name)| name)
    }

    /// Its object identifier.
    #[must_use]
    pub fn oid(self) -> Oid {
        TABLE.iter().find(|(d, _, _)| *d == self).map_or(nist(1), |(_, oid, _)| *oid)
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
        Digester::start(self)
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
    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> DigestAlgorithm {
        Self::name_of(&self.0)
    }

    /// `None` where aws-lc-rs lacks the algorithm.
    #[cfg(feature = "aws-lc-rs")]
    pub(super) fn aws_lc(algorithm: DigestAlgorithm) -> Option<Self> {
        let context = aws_lc_rs::digest::Context::new(aws_lc::digest_algorithm(algorithm)?);
        Some(Self(State::AwsLc(algorithm, context)))
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

    fn of(algorithm: DigestAlgorithm, value: &[u8]) -> Self {
        let mut octets = [0; 64];
        octets.iter_mut().zip(value).for_each(|(to, from)| *to = *from);
        Self { algorithm, octets }
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
        hex(self.octets())
    }
}

/// Octets in lower-case hexadecimal.
pub(crate) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|b| format!("{b:02x}")).collect()
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
        f.debug_struct("Digester").field("algorithm", &self.algorithm()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers() {
        assert_eq!(
            DigestAlgorithm::Sha256.digest(b"abc").to_hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(DigestAlgorithm::Sha1.digest(b"abc").to_hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(DigestAlgorithm::Md5.digest(b"").to_hex(), "d41d8cd98f00b204e9800998ecf8427e");
    }

    #[test]
    fn table_is_complete_and_lengths_are_right() {
        for (algorithm, oid, _) in TABLE {
            assert_eq!(DigestAlgorithm::from_oid(oid), Some(*algorithm));
            assert_eq!(algorithm.oid(), *oid);
            assert_eq!(algorithm.digester().algorithm(), *algorithm);
            let value = algorithm.digest(b"x");
            assert!(value.octets().last().is_some() && Digest::from_octets(*algorithm, value.octets()) == Some(value));
        }
        assert_eq!(DigestAlgorithm::Sha3_512.oid().to_string(), "2.16.840.1.101.3.4.2.10");
    }
}
