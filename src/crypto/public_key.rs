//! Public keys.

use std::fmt;
use std::sync::Arc;
use std::sync::OnceLock;

use super::algorithm;
use super::algorithm::MlDsa;
#[cfg(feature = "aws-lc-rs")]
use super::aws_lc;
use super::rsa_key::bit_length;
use super::rust_crypto::Decoded;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::error::Error;
use crate::error::Format;

/// The kind and strength of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyType {
    /// RSA with its modulus length.
    Rsa {
        /// Bits of the modulus.
        bits: usize,
    },
    /// A prime-field elliptic curve.
    Ec(Curve),
    /// Ed25519.
    Ed25519,
    /// ML-DSA.
    MlDsa(MlDsa),
    /// Anything else, named by its algorithm.
    Other(Oid),
}

/// Elliptic curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Curve {
    /// NIST P-256.
    P256,
    /// NIST P-384.
    P384,
    /// NIST P-521.
    P521,
    /// brainpoolP256r1 (RFC 5639).
    BrainpoolP256r1,
    /// brainpoolP384r1 (RFC 5639).
    BrainpoolP384r1,
}

impl Curve {
    /// Name, as standards write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::BrainpoolP256r1 => "brainpoolP256r1",
            Self::BrainpoolP384r1 => "brainpoolP384r1",
        }
    }

    /// Bits of the group's order.
    #[must_use]
    pub const fn bits(self) -> usize {
        match self {
            Self::P256 | Self::BrainpoolP256r1 => 256,
            Self::P384 | Self::BrainpoolP384r1 => 384,
            Self::P521 => 521,
        }
    }
}

impl fmt::Display for KeyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::Ec(curve) => f.write_str(curve.name()),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::MlDsa(set) => f.write_str(set.name()),
            Self::Other(oid) => write!(f, "{oid}"),
        }
    }
}

/// A public key: its SubjectPublicKeyInfo, decoded once, when it is first computed with. Cloning shares it.
#[derive(Clone)]
pub struct PublicKey(Arc<Inner>);

struct Inner {
    spki: Vec<u8>,
    key_start: usize,
    key_type: KeyType,
    /// Parameters that an id-RSASSA-PSS key is bound to (RFC 4055 §1.2).
    pss: Option<algorithm::PssParameters>,
    /// The key is bound to RSASSA-PSS.
    pss_only: bool,
    /// Most keys of a path's certificates, the signer's among them, are never computed with.
    decoded: OnceLock<Decoded>,
    #[cfg(feature = "aws-lc-rs")]
    aws_lc: OnceLock<aws_lc::Decoded>,
}

impl PublicKey {
    /// From a DER SubjectPublicKeyInfo (RFC 5280 §4.1.2.7).
    ///
    /// A key of an unknown algorithm, or one that no backend can use (an even
    /// RSA modulus, a point off its curve), is kept: it verifies nothing.
    ///
    /// # Errors
    /// Malformed DER.
    pub fn from_spki(spki: &[u8]) -> Result<Self, Error> {
        let mut outer = Reader::new(spki, Format::Asn1);
        let mut reader = outer.expect(0x30, "SubjectPublicKeyInfo")?.reader(Format::Asn1);
        outer.end("SubjectPublicKeyInfo")?;
        let (oid, parameters) = algorithm::identifier(reader.expect(0x30, "algorithm")?.raw)?;
        let bits = reader.expect(0x03, "subjectPublicKey")?;
        reader.end("SubjectPublicKeyInfo")?;
        let Some((0, key)) = bits.content.split_first() else {
            return Err(reader.fault("subjectPublicKey", "a bit string without unused bits"));
        };
        let curve = parameters.filter(|p| p.tag == 0x06).and_then(|p| Oid::from_content(p.content));
        let key_type = match oid {
            algorithm::RSA | algorithm::PSS => {
                rsa_numbers(key).map_or(KeyType::Other(oid), |(n, _)| KeyType::Rsa { bits: bit_length(n) })
            }
            algorithm::EC => curve
                .and_then(|oid| CURVES.iter().find(|(o, _)| *o == oid))
                .map_or(KeyType::Other(oid), |(_, curve)| KeyType::Ec(*curve)),
            algorithm::ED25519 => KeyType::Ed25519,
            _ => MlDsa::from_oid(&oid).map_or(KeyType::Other(oid), KeyType::MlDsa),
        };
        let pss_only = oid == algorithm::PSS;
        let pss = match parameters {
            Some(p) if pss_only && p.tag == 0x30 => Some(algorithm::pss(Some(p))?),
            _ => None,
        };
        Ok(Self(Arc::new(Inner {
            spki: spki.to_vec(),
            key_start: spki.len() - key.len(),
            key_type,
            pss,
            pss_only,
            decoded: OnceLock::new(),
            #[cfg(feature = "aws-lc-rs")]
            aws_lc: OnceLock::new(),
        })))
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.0.spki
    }

    /// The content of the `subjectPublicKey` BIT STRING, over which OCSP key digests are computed.
    #[must_use]
    pub fn key_octets(&self) -> &[u8] {
        self.0.spki.get(self.0.key_start..).unwrap_or_default()
    }

    /// Kind and strength.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.0.key_type
    }

    pub(super) fn is_pss_only(&self) -> bool {
        self.0.pss_only
    }

    pub(super) fn pss_parameters(&self) -> Option<algorithm::PssParameters> {
        self.0.pss
    }

    pub(super) fn decoded(&self) -> &Decoded {
        self.0.decoded.get_or_init(|| match self.0.key_type {
            KeyType::Rsa { .. } => self.rsa_numbers().map_or(Decoded::None, |(n, e)| Decoded::rsa(n, e)),
            KeyType::Ec(curve) => Decoded::ec(curve, self.key_octets()),
            KeyType::Ed25519 => Decoded::ed25519(self.key_octets()),
            KeyType::MlDsa(set) => Decoded::ml_dsa(set, self.key_octets()),
            KeyType::Other(_) => Decoded::None,
        })
    }

    #[cfg(feature = "aws-lc-rs")]
    pub(super) fn aws_lc(&self) -> &OnceLock<aws_lc::Decoded> {
        &self.0.aws_lc
    }

    /// Modulus and exponent of an RSA key, without leading zeros.
    pub(super) fn rsa_numbers(&self) -> Option<(&[u8], &[u8])> {
        rsa_numbers(self.key_octets())
    }

    /// Whether the key's own algorithm lets it be used with this one (RFC 4055 §1.2 and §3.3).
    pub(super) fn permits(&self, algorithm: &algorithm::SignatureAlgorithm) -> bool {
        match (algorithm, self.0.pss) {
            (algorithm::SignatureAlgorithm::RsaPkcs1v15(_), _) => !self.0.pss_only,
            (algorithm::SignatureAlgorithm::RsaPss(used), Some(bound)) => {
                used.digest == bound.digest && used.mgf == bound.mgf && used.salt_len >= bound.salt_len
            }
            _ => true,
        }
    }
}

const CURVES: &[(Oid, Curve)] = &[
    (Oid::known(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]), Curve::P256),
    (Oid::known(&[0x2B, 0x81, 0x04, 0x00, 0x22]), Curve::P384),
    (Oid::known(&[0x2B, 0x81, 0x04, 0x00, 0x23]), Curve::P521),
    (brainpool(7), Curve::BrainpoolP256r1),
    (brainpool(11), Curve::BrainpoolP384r1),
];

const fn brainpool(n: u8) -> Oid {
    Oid::known(&[0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, n])
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017 §A.1.1), without leading zeros.
fn rsa_numbers(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut outer = Reader::new(key, Format::Asn1);
    let mut reader = outer.expect(0x30, "RSAPublicKey").ok()?.reader(Format::Asn1);
    outer.end("RSAPublicKey").ok()?;
    let mut number = |field| {
        let content = reader.expect(0x02, field).ok()?.content;
        let positive = content.first().is_some_and(|b| b & 0x80 == 0);
        let zeros = content.iter().take_while(|b| **b == 0).count();
        content.get(zeros..).filter(|n| positive && !n.is_empty())
    };
    let numbers = (number("modulus")?, number("publicExponent")?);
    reader.end("RSAPublicKey").ok()?;
    Some(numbers)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.spki() == other.spki()
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.spki().hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey").field("key_type", &self.key_type()).finish_non_exhaustive()
    }
}
