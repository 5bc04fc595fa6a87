//! Signature algorithms as mechanisms of a token.

use std::borrow::Cow;

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::MechanismType;
use cryptoki::mechanism::eddsa::EddsaParams;
use cryptoki::mechanism::eddsa::EddsaSignatureScheme;
use cryptoki::mechanism::rsa::PkcsMgfType;
use cryptoki::mechanism::rsa::PkcsPssParams;
use cryptoki::types::Ulong;

use crate::asn1::encode;
use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyType;
use crate::crypto::PssParameters;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::TokenError;
use crate::error::TokenFault;
use crate::key::SignatureValue;

/// How one signature is asked for.
pub(super) struct Plan {
    algorithm: SignatureAlgorithm,
    takes: Takes,
    /// ECDSA comes as r and s side by side.
    pair: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// To be hashed on the token.
    Message,
    /// The message, of which the algorithm itself makes what it needs.
    PureMessage,
    Digest(DigestAlgorithm),
    /// The digest in the DigestInfo of RFC 8017 §9.2.
    DigestInfo(DigestAlgorithm),
}

/// A mechanism that hashes on the token where the token has one, else the bare
/// operation over a digest made here, which is all that many cards offer.
pub(super) fn plan(algorithm: &SignatureAlgorithm, there: &[MechanismType]) -> Result<Plan, Error> {
    let pair = matches!(algorithm, SignatureAlgorithm::Ecdsa(_));
    let is_there = |m: &Mechanism<'static>| there.contains(&m.mechanism_type());
    if hashing(algorithm)?.as_ref().is_some_and(is_there) {
        return Ok(Plan { algorithm: *algorithm, takes: Takes::Message, pair });
    }
    match bare(algorithm)? {
        Some((mechanism, takes)) if is_there(&mechanism) => Ok(Plan { algorithm: *algorithm, takes, pair }),
        _ => {
            let detail = format!("it has no mechanism for {}", algorithm.name());
            Err(TokenError::new("sign", detail).with_fault(TokenFault::Mechanism).into())
        }
    }
}

/// The operation alone, and what it takes.
fn bare(algorithm: &SignatureAlgorithm) -> Result<Option<(Mechanism<'static>, Takes)>, Error> {
    Ok(match algorithm {
        SignatureAlgorithm::RsaPkcs1v15(d) => Some((Mechanism::RsaPkcs, Takes::DigestInfo(*d))),
        SignatureAlgorithm::RsaPss(p) => Some((Mechanism::RsaPkcsPss(pss(p)?), Takes::Digest(p.digest))),
        SignatureAlgorithm::Ecdsa(d) => Some((Mechanism::Ecdsa, Takes::Digest(*d))),
        SignatureAlgorithm::Ed25519 => {
            Some((Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519)), Takes::PureMessage))
        }
        SignatureAlgorithm::MlDsa(_) => None,
    })
}

/// The mechanism that takes the whole message, whether the token has it or not.
fn hashing(algorithm: &SignatureAlgorithm) -> Result<Option<Mechanism<'static>>, Error> {
    use DigestAlgorithm as D;
    Ok(match algorithm {
        SignatureAlgorithm::RsaPkcs1v15(D::Sha256) => Some(Mechanism::Sha256RsaPkcs),
        SignatureAlgorithm::RsaPkcs1v15(D::Sha384) => Some(Mechanism::Sha384RsaPkcs),
        SignatureAlgorithm::RsaPkcs1v15(D::Sha512) => Some(Mechanism::Sha512RsaPkcs),
        SignatureAlgorithm::RsaPss(p) if p.mgf == p.digest => match p.digest {
            D::Sha256 => Some(Mechanism::Sha256RsaPkcsPss(pss(p)?)),
            D::Sha384 => Some(Mechanism::Sha384RsaPkcsPss(pss(p)?)),
            D::Sha512 => Some(Mechanism::Sha512RsaPkcsPss(pss(p)?)),
            _ => None,
        },
        SignatureAlgorithm::Ecdsa(D::Sha256) => Some(Mechanism::EcdsaSha256),
        SignatureAlgorithm::Ecdsa(D::Sha384) => Some(Mechanism::EcdsaSha384),
        SignatureAlgorithm::Ecdsa(D::Sha512) => Some(Mechanism::EcdsaSha512),
        _ => None,
    })
}

fn pss(p: &PssParameters) -> Result<PkcsPssParams, Error> {
    let unsupported = || Error::from(TokenError::new("sign", "RSASSA-PSS with this digest or salt"));
    let hash_alg = match p.digest {
        DigestAlgorithm::Sha256 => MechanismType::SHA256,
        DigestAlgorithm::Sha384 => MechanismType::SHA384,
        DigestAlgorithm::Sha512 => MechanismType::SHA512,
        _ => return Err(unsupported()),
    };
    let mgf = match p.mgf {
        DigestAlgorithm::Sha256 => PkcsMgfType::MGF1_SHA256,
        DigestAlgorithm::Sha384 => PkcsMgfType::MGF1_SHA384,
        DigestAlgorithm::Sha512 => PkcsMgfType::MGF1_SHA512,
        _ => return Err(unsupported()),
    };
    let s_len = Ulong::try_from(p.salt_len).map_err(|_| unsupported())?;
    Ok(PkcsPssParams { hash_alg, mgf, s_len })
}

impl Plan {
    /// The mechanism as the module takes it; it cannot go from thread to thread.
    pub(super) fn mechanism(&self) -> Result<Mechanism<'static>, Error> {
        let mechanism = match self.takes {
            Takes::Message => hashing(&self.algorithm)?,
            _ => bare(&self.algorithm)?.map(|(mechanism, _)| mechanism),
        };
        mechanism.ok_or_else(|| TokenError::new("sign", "no mechanism").with_fault(TokenFault::Mechanism).into())
    }

    /// Whether the token hashes, in an operation that may have several parts.
    pub(super) fn hashes_on_token(&self) -> bool {
        self.takes == Takes::Message
    }

    /// The mechanism's name, for logs.
    pub(super) const fn name(&self) -> &'static str {
        use DigestAlgorithm as D;
        let on_token = matches!(self.takes, Takes::Message);
        match (self.algorithm, on_token) {
            (SignatureAlgorithm::RsaPkcs1v15(D::Sha256), true) => "CKM_SHA256_RSA_PKCS",
            (SignatureAlgorithm::RsaPkcs1v15(D::Sha384), true) => "CKM_SHA384_RSA_PKCS",
            (SignatureAlgorithm::RsaPkcs1v15(_), true) => "CKM_SHA512_RSA_PKCS",
            (SignatureAlgorithm::RsaPkcs1v15(_), false) => "CKM_RSA_PKCS",
            (SignatureAlgorithm::RsaPss(p), true) => match p.digest {
                D::Sha256 => "CKM_SHA256_RSA_PKCS_PSS",
                D::Sha384 => "CKM_SHA384_RSA_PKCS_PSS",
                _ => "CKM_SHA512_RSA_PKCS_PSS",
            },
            (SignatureAlgorithm::RsaPss(_), false) => "CKM_RSA_PKCS_PSS",
            (SignatureAlgorithm::Ecdsa(D::Sha256), true) => "CKM_ECDSA_SHA256",
            (SignatureAlgorithm::Ecdsa(D::Sha384), true) => "CKM_ECDSA_SHA384",
            (SignatureAlgorithm::Ecdsa(_), true) => "CKM_ECDSA_SHA512",
            (SignatureAlgorithm::Ecdsa(_), false) => "CKM_ECDSA",
            (SignatureAlgorithm::Ed25519, _) => "CKM_EDDSA",
            (SignatureAlgorithm::MlDsa(_), _) => "CKM_ML_DSA",
        }
    }

    /// What the mechanism takes for a message.
    pub(super) fn input<'m>(&self, message: &'m [u8], key: KeyType) -> Cow<'m, [u8]> {
        match self.takes {
            Takes::Message | Takes::PureMessage => Cow::Borrowed(message),
            Takes::DigestInfo(d) => {
                let algorithm = encode::sequence(&[&encode::oid(&d.oid()), &encode::null()]);
                let digest = encode::octet_string(d.digest(message).octets());
                Cow::Owned(encode::sequence(&[&algorithm, &digest]))
            }
            Takes::Digest(d) => {
                let digest = d.digest(message);
                // The leftmost octets count (FIPS 186-5 §6.4.1); some tokens refuse more.
                let field = match key {
                    KeyType::Ec(curve) => curve.bits().div_ceil(8),
                    _ => usize::MAX,
                };
                let octets = digest.octets();
                Cow::Owned(octets.get(..field).unwrap_or(octets).to_vec())
            }
        }
    }

    /// The signature value from what the token gave.
    pub(super) fn value(&self, value: Vec<u8>) -> Result<SignatureValue, Error> {
        if !self.pair {
            return Ok(SignatureValue::new(value));
        }
        let half = value.len() / 2;
        let Some((r, s)) = value.split_at_checked(half).filter(|(r, s)| !r.is_empty() && r.len() == s.len()) else {
            let detail = format!("{} octets are no ECDSA signature", value.len());
            return Err(TokenError::new("sign", detail).into());
        };
        Ok(SignatureValue::new(encode::sequence(&[&encode::unsigned(r), &encode::unsigned(s)])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Curve;

    const RSA: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);
    const ECDSA: SignatureAlgorithm = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha512);

    #[test]
    fn a_token_that_hashes_gets_the_message() {
        let plan = plan(&RSA, &[MechanismType::RSA_PKCS, MechanismType::SHA256_RSA_PKCS]).unwrap();
        assert_eq!(plan.mechanism().unwrap().mechanism_type(), MechanismType::SHA256_RSA_PKCS);
        assert_eq!(plan.name(), "CKM_SHA256_RSA_PKCS");
        assert_eq!(plan.input(b"abc", KeyType::Rsa { bits: 2048 }).as_ref(), b"abc");
    }

    #[test]
    fn each_algorithm_goes_by_the_token_or_by_its_digest() {
        use DigestAlgorithm as D;
        use MechanismType as M;
        for (digest, rsa, pss, ecdsa) in [
            (D::Sha256, M::SHA256_RSA_PKCS, M::SHA256_RSA_PKCS_PSS, M::ECDSA_SHA256),
            (D::Sha384, M::SHA384_RSA_PKCS, M::SHA384_RSA_PKCS_PSS, M::ECDSA_SHA384),
            (D::Sha512, M::SHA512_RSA_PKCS, M::SHA512_RSA_PKCS_PSS, M::ECDSA_SHA512),
        ] {
            let algorithms = [
                (SignatureAlgorithm::RsaPkcs1v15(digest), rsa, M::RSA_PKCS),
                (SignatureAlgorithm::RsaPss(PssParameters::new(digest)), pss, M::RSA_PKCS_PSS),
                (SignatureAlgorithm::Ecdsa(digest), ecdsa, M::ECDSA),
            ];
            for (algorithm, hashing, bare) in algorithms {
                let of = |there: &[MechanismType]| {
                    let plan = plan(&algorithm, there).unwrap();
                    (plan.mechanism().unwrap().mechanism_type(), plan.hashes_on_token())
                };
                assert_eq!(of(&[bare, hashing]), (hashing, true), "{}", algorithm.name());
                assert_eq!(of(&[bare]), (bare, false), "{}", algorithm.name());
                assert_eq!(of(&[hashing]), (hashing, true), "{}", algorithm.name());
                assert!(plan(&algorithm, &[M::SHA256, M::AES_ECB]).is_err());
            }
        }
    }

    #[test]
    fn one_that_does_not_gets_the_digest() {
        let bare = [MechanismType::RSA_PKCS, MechanismType::ECDSA];
        let rsa = plan(&RSA, &bare).unwrap();
        let input = rsa.input(b"abc", KeyType::Rsa { bits: 2048 });
        assert!(input.starts_with(&[0x30, 0x31, 0x30, 0x0D]) && input.len() == 51);
        let ecdsa = plan(&ECDSA, &bare).unwrap();
        assert_eq!(ecdsa.input(b"abc", KeyType::Ec(Curve::P256)).len(), 32);
        assert_eq!(ecdsa.input(b"abc", KeyType::Ec(Curve::P521)).len(), 64);
        let none = plan(&RSA, &[MechanismType::ECDSA]).map(|_| ()).unwrap_err();
        assert!(matches!(none, Error::Token(e) if e.fault() == TokenFault::Mechanism));
    }

    #[test]
    fn r_and_s_become_der() {
        let ecdsa = plan(&ECDSA, &[MechanismType::ECDSA]).unwrap();
        let value = ecdsa.value([[0, 1], [0x80, 0]].concat()).unwrap();
        assert_eq!(value.octets(), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0]);
        for bad in [vec![], vec![1, 2, 3]] {
            assert!(ecdsa.value(bad).is_err());
        }
    }
}
