//! Signature algorithms and their `AlgorithmIdentifier`s.

use super::digest::DigestAlgorithm;
use crate::asn1::Oid;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::error::Error;
use crate::error::Format;
use crate::error::Unsupported;

/// A signature algorithm with all its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureAlgorithm {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2).
    RsaPkcs1v15(DigestAlgorithm),
    /// RSASSA-PSS (RFC 8017 §8.1, parameters of RFC 4055 §3.1).
    RsaPss(PssParameters),
    /// ECDSA (RFC 5758); the curve is that of the key.
    Ecdsa(DigestAlgorithm),
    /// Ed25519, pure (RFC 8410, RFC 8419).
    Ed25519,
    /// ML-DSA, pure and with an empty context (FIPS 204; RFC 9881, RFC 9882).
    MlDsa(MlDsa),
}

/// A parameter set of ML-DSA (FIPS 204 §4), by the dimensions of its matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // FIPS 204 has these three
pub enum MlDsa {
    /// ML-DSA-44, security category 2.
    Set44,
    /// ML-DSA-65, security category 3.
    Set65,
    /// ML-DSA-87, security category 5.
    Set87,
}

impl MlDsa {
    /// Name for reports, such as `ML-DSA-65`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Set44 => "ML-DSA-44",
            Self::Set65 => "ML-DSA-65",
            Self::Set87 => "ML-DSA-87",
        }
    }

    /// Octets of a signature value (FIPS 204 §4, table 2).
    #[must_use]
    pub const fn signature_len(self) -> usize {
        match self {
            Self::Set44 => 2420,
            Self::Set65 => 3309,
            Self::Set87 => 4627,
        }
    }

    /// By the identifier that key and signature share.
    pub(super) fn from_oid(oid: &Oid) -> Option<Self> {
        [Self::Set44, Self::Set65, Self::Set87].into_iter().find(|set| set.oid() == *oid)
    }

    const fn oid(self) -> Oid {
        match self {
            Self::Set44 => nist_sig(17),
            Self::Set65 => nist_sig(18),
            Self::Set87 => nist_sig(19),
        }
    }
}

/// Parameters of RSASSA-PSS; the trailer field is always 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PssParameters {
    /// Digest of the message.
    pub digest: DigestAlgorithm,
    /// Digest inside MGF1.
    pub mgf: DigestAlgorithm,
    /// Octets of salt.
    pub salt_len: usize,
}

impl PssParameters {
    /// One digest for message and mask, salt as long as the digest.
    #[must_use]
    pub const fn new(digest: DigestAlgorithm) -> Self {
        Self { digest, mgf: digest, salt_len: digest.output_len() }
    }

    /// Parameters as they stand in an `AlgorithmIdentifier`.
    #[must_use]
    pub const fn with(digest: DigestAlgorithm, mgf: DigestAlgorithm, salt_len: usize) -> Self {
        Self { digest, mgf, salt_len }
    }
}

const PKCS1: [u8; 8] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01];
/// rsaEncryption.
pub(super) const RSA: Oid = pkcs1(1);
/// id-RSASSA-PSS.
pub(super) const PSS: Oid = pkcs1(10);
/// id-mgf1.
const MGF1: Oid = pkcs1(8);
/// id-ecPublicKey.
pub(super) const EC: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]);
/// id-Ed25519.
pub(super) const ED25519: Oid = Oid::known(&[0x2B, 0x65, 0x70]);

const fn pkcs1(n: u8) -> Oid {
    let [a, b, c, d, e, f, g, h] = PKCS1;
    Oid::known(&[a, b, c, d, e, f, g, h, n])
}

const fn nist_sig(n: u8) -> Oid {
    Oid::known(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, n])
}

const fn ecdsa_sha2(n: u8) -> Oid {
    Oid::known(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, n])
}

/// Identifiers that name key type and digest at once.
const TABLE: &[(Oid, SignatureAlgorithm)] = &[
    (pkcs1(11), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256)),
    (pkcs1(12), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha384)),
    (pkcs1(13), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha512)),
    (pkcs1(14), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha224)),
    (pkcs1(15), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha512_224)),
    (pkcs1(16), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha512_256)),
    (nist_sig(13), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha3_224)),
    (nist_sig(14), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha3_256)),
    (nist_sig(15), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha3_384)),
    (nist_sig(16), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha3_512)),
    (pkcs1(5), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha1)),
    (pkcs1(4), SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Md5)),
    (ecdsa_sha2(2), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256)),
    (ecdsa_sha2(3), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)),
    (ecdsa_sha2(4), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512)),
    (ecdsa_sha2(1), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha224)),
    (nist_sig(9), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha3_224)),
    (nist_sig(10), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha3_256)),
    (nist_sig(11), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha3_384)),
    (nist_sig(12), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha3_512)),
    (Oid::known(&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x01]), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha1)),
    (ED25519, SignatureAlgorithm::Ed25519),
    (MlDsa::Set44.oid(), SignatureAlgorithm::MlDsa(MlDsa::Set44)),
    (MlDsa::Set65.oid(), SignatureAlgorithm::MlDsa(MlDsa::Set65)),
    (MlDsa::Set87.oid(), SignatureAlgorithm::MlDsa(MlDsa::Set87)),
];

impl SignatureAlgorithm {
    /// Reads an `AlgorithmIdentifier` (DER, with its outer SEQUENCE).
    ///
    /// `digest` is the digest named elsewhere (CMS `digestAlgorithm`), used
    /// where the identifier is plain `rsaEncryption` or `id-ecPublicKey`,
    /// which is common and legal (RFC 3370 §3.2). A missing NULL parameter is
    /// taken for one that is there.
    ///
    /// # Errors
    /// Malformed parameters, or an algorithm that is not supported.
    pub fn from_der(algorithm: &[u8], digest: Option<DigestAlgorithm>) -> Result<Self, Error> {
        let (oid, parameters) = identifier(algorithm)?;
        if oid == PSS {
            return pss(parameters).map(Self::RsaPss);
        }
        if let Some((_, found)) = TABLE.iter().find(|(o, _)| *o == oid) {
            return Ok(*found);
        }
        match (oid, digest) {
            (RSA, Some(digest)) => Ok(Self::RsaPkcs1v15(digest)),
            (EC, Some(digest)) => Ok(Self::Ecdsa(digest)),
            _ => Err(Unsupported::new(Format::Asn1, format!("signature algorithm {oid}")).into()),
        }
    }

    /// The `AlgorithmIdentifier` in DER, as certificates and CMS have it.
    ///
    /// A pair of algorithm and digest that has no identifier of its own is
    /// written as plain `rsaEncryption` or `id-ecPublicKey`.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        if let Self::RsaPss(p) = self {
            let digest = encode::sequence(&[&encode::oid(&p.digest.oid()), &encode::null()]);
            let mgf_digest = encode::sequence(&[&encode::oid(&p.mgf.oid()), &encode::null()]);
            let mgf = encode::sequence(&[&encode::oid(&MGF1), &mgf_digest]);
            let salt = encode::integer(p.salt_len as u64);
            // DER leaves out what equals its default: SHA-1, MGF1 with SHA-1, 20.
            let mut parts = Vec::new();
            if p.digest != DigestAlgorithm::Sha1 {
                parts.push(encode::explicit(0, &digest));
            }
            if p.mgf != DigestAlgorithm::Sha1 {
                parts.push(encode::explicit(1, &mgf));
            }
            if p.salt_len != 20 {
                parts.push(encode::explicit(2, &salt));
            }
            return encode::sequence(&[&encode::oid(&PSS), &encode::tlv(0x30, &parts.concat())]);
        }
        let oid = TABLE.iter().find(|(_, a)| a == self).map(|(o, _)| *o);
        match self {
            Self::RsaPkcs1v15(_) => encode::sequence(&[&encode::oid(&oid.unwrap_or(RSA)), &encode::null()]),
            _ => encode::sequence(&[&encode::oid(&oid.unwrap_or(EC))]),
        }
    }

    /// The digest over the message, where the algorithm has one.
    #[must_use]
    pub const fn digest(&self) -> Option<DigestAlgorithm> {
        match self {
            Self::RsaPkcs1v15(d) | Self::Ecdsa(d) => Some(*d),
            Self::RsaPss(p) => Some(p.digest),
            Self::Ed25519 | Self::MlDsa(_) => None,
        }
    }

    /// Name for reports, such as `RSA-SHA256`, `RSASSA-PSS-SHA256`, `ECDSA-SHA256`, `Ed25519`, `ML-DSA-65`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::RsaPkcs1v15(d) => format!("RSA-{}", d.name()),
            Self::RsaPss(p) => format!("RSASSA-PSS-{}", p.digest.name()),
            Self::Ecdsa(d) => format!("ECDSA-{}", d.name()),
            Self::Ed25519 => "Ed25519".to_owned(),
            Self::MlDsa(set) => set.name().to_owned(),
        }
    }
}

/// Object identifier and parameters of an `AlgorithmIdentifier`.
pub(super) fn identifier(der: &[u8]) -> Result<(Oid, Option<Tlv<'_>>), Error> {
    let mut outer = Reader::new(der, Format::Asn1);
    let mut reader = outer.expect(0x30, "AlgorithmIdentifier")?.reader(Format::Asn1);
    outer.end("AlgorithmIdentifier")?;
    let oid = reader.expect(0x06, "algorithm")?;
    let oid = Oid::from_content(oid.content).ok_or_else(|| reader.fault("algorithm", "an object identifier"))?;
    let parameters = if reader.is_empty() { None } else { Some(reader.any("parameters")?) };
    reader.end("AlgorithmIdentifier")?;
    Ok((oid, parameters))
}

/// `RSASSA-PSS-params` (RFC 4055 §3.1); absent parameters mean their defaults.
pub(super) fn pss(parameters: Option<Tlv<'_>>) -> Result<PssParameters, Error> {
    let mut found = PssParameters::with(DigestAlgorithm::Sha1, DigestAlgorithm::Sha1, 20);
    let Some(parameters) = parameters else { return Ok(found) };
    if parameters.tag == 0x05 {
        return Ok(found);
    }
    if parameters.tag != 0x30 {
        return Err(Reader::new(parameters.raw, Format::Asn1).fault("RSASSA-PSS-params", "a SEQUENCE"));
    }
    let unsupported = |what: String| Error::from(Unsupported::new(Format::Asn1, what));
    let digest_of = |der: &[u8]| {
        let (oid, _) = identifier(der)?;
        DigestAlgorithm::from_oid(&oid).ok_or_else(|| unsupported(format!("digest algorithm {oid} in RSASSA-PSS")))
    };
    let mut reader = parameters.reader(Format::Asn1);
    if let Some(hash) = reader.optional(0xA0, "hashAlgorithm")? {
        found.digest = digest_of(hash.content)?;
    }
    if let Some(mgf) = reader.optional(0xA1, "maskGenAlgorithm")? {
        let (oid, inner) = identifier(mgf.content)?;
        if oid != MGF1 {
            return Err(unsupported(format!("mask generation function {oid}")));
        }
        let inner = inner.ok_or_else(|| reader.fault("maskGenAlgorithm", "a digest algorithm"))?;
        found.mgf = digest_of(inner.raw)?;
    }
    let small = |tlv: Tlv<'_>, field: &'static str| {
        let value = tlv.reader(Format::Asn1).expect(0x02, field)?;
        match value.content {
            [low] if *low < 0x80 => Ok(usize::from(*low)),
            [high, low] if *high < 0x80 => Ok(usize::from(*high) << 8 | usize::from(*low)),
            _ => Err(unsupported(format!("{field} of RSASSA-PSS"))),
        }
    };
    if let Some(salt) = reader.optional(0xA2, "saltLength")? {
        found.salt_len = small(salt, "saltLength")?;
    }
    if let Some(trailer) = reader.optional(0xA3, "trailerField")?
        && small(trailer, "trailerField")? != 1
    {
        return Err(unsupported("trailerField of RSASSA-PSS other than 1".to_owned()));
    }
    reader.end("RSASSA-PSS-params")?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_round_trip() {
        let pss = [
            PssParameters::new(DigestAlgorithm::Sha256),
            PssParameters::new(DigestAlgorithm::Sha512),
            PssParameters::with(DigestAlgorithm::Sha1, DigestAlgorithm::Sha1, 20),
            PssParameters::with(DigestAlgorithm::Sha384, DigestAlgorithm::Sha1, 300),
        ];
        let all = TABLE.iter().map(|(_, a)| *a).chain(pss.into_iter().map(SignatureAlgorithm::RsaPss));
        for algorithm in all {
            assert_eq!(SignatureAlgorithm::from_der(&algorithm.to_der(), None).unwrap(), algorithm);
        }
    }

    #[test]
    fn plain_key_identifiers_take_the_digest_named_elsewhere() {
        let plain = encode::sequence(&[&encode::oid(&RSA), &encode::null()]);
        let digest = DigestAlgorithm::Sha256;
        assert_eq!(
            SignatureAlgorithm::from_der(&plain, Some(digest)).unwrap(),
            SignatureAlgorithm::RsaPkcs1v15(digest)
        );
        assert!(SignatureAlgorithm::from_der(&plain, None).is_err());
    }

    #[test]
    fn names_are_those_of_the_standards() {
        let oid = |a: SignatureAlgorithm| {
            let (oid, _) = identifier(&a.to_der()).unwrap();
            oid.to_string()
        };
        assert_eq!(oid(SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256)), "1.2.840.113549.1.1.11");
        assert_eq!(oid(SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha384)), "1.2.840.10045.4.3.3");
        assert_eq!(oid(SignatureAlgorithm::Ed25519), "1.3.101.112");
        assert_eq!(oid(SignatureAlgorithm::MlDsa(MlDsa::Set87)), "2.16.840.1.101.3.4.3.19");
    }
}
