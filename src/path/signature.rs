//! Signatures of certificates, CRLs and OCSP responses: verified once, within a budget.

use std::cell::RefCell;
use std::collections::HashMap;

use super::failure::PathReason;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyType;
use crate::crypto::Message;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::VerifyError;
use crate::limits::Budget;
use crate::x509::Certificate;
use crate::x509::SignatureMemo;

/// The algorithm of a signature that verified, and the key it verified under:
/// facts for the algorithm policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SignatureFact {
    /// The algorithm with its parameters.
    pub algorithm: SignatureAlgorithm,
    /// The signing key's kind and strength.
    pub key: KeyType,
}

/// Something signed, as RFC 5280 and RFC 6960 sign: octets, algorithm, value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    /// SHA-256 of the whole structure, signature included.
    pub(crate) sha256: Digest,
    pub(crate) memo: &'a SignatureMemo,
    pub(crate) octets: &'a [u8],
    pub(crate) algorithm: &'a [u8],
    /// The algorithm inside of the signed octets, where there is one.
    pub(crate) inner_algorithm: Option<&'a [u8]>,
    pub(crate) value: &'a [u8],
}

impl<'a> Signed<'a> {
    pub(crate) fn certificate(certificate: &'a Certificate) -> Self {
        Self {
            sha256: certificate.sha256(),
            memo: certificate.signature_memo(),
            octets: certificate.tbs_octets(),
            algorithm: certificate.signature_algorithm(),
            inner_algorithm: Some(certificate.tbs_signature_algorithm()),
            value: certificate.signature(),
        }
    }
}

/// Verifies, remembers, and counts.
#[derive(Debug)]
pub(crate) struct Verifier {
    backend: Backend,
    checks: Budget,
    /// By digest of the signed structure and of the key.
    known: RefCell<HashMap<(Digest, Digest), Verdict>>,
}

pub(crate) type Verdict = Result<SignatureFact, (PathReason, &'static str)>;

impl Verifier {
    pub(crate) fn new(backend: Backend, checks: u64) -> Self {
        Self { backend, checks: Budget::new("max_signature_checks", checks), known: RefCell::default() }
    }

    pub(crate) fn verify(&self, signed: &Signed<'_>, key: &PublicKey) -> Verdict {
        let key_digest = DigestAlgorithm::Sha256.digest(key.spki());
        let id = (signed.sha256, key_digest);
        if let Some(verdict) = self.known.borrow().get(&id) {
            return *verdict;
        }
        let verdict = self.try_verify(signed, key, key_digest);
        // An exhausted budget is no property of the signature.
        if !matches!(verdict, Err((PathReason::Budget, _))) {
            self.known.borrow_mut().insert(id, verdict);
        }
        verdict
    }

    fn try_verify(&self, signed: &Signed<'_>, key: &PublicKey, key_digest: Digest) -> Verdict {
        if signed.inner_algorithm.is_some_and(|inner| inner != signed.algorithm) {
            return Err((PathReason::Malformed, "the signature algorithm inside of the signed part differs"));
        }
        let algorithm = SignatureAlgorithm::from_der(signed.algorithm, None)
            .map_err(|_| (PathReason::UnsupportedAlgorithm, "the signature algorithm is not supported"))?;
        // Spent on what an earlier search found out, too: the outcome must not depend on it.
        self.checks.spend().map_err(|_| (PathReason::Budget, "too many signatures to verify"))?;
        let outcome = signed.memo.get(&key_digest).unwrap_or_else(|| {
            let verified = self.backend.verify(key, &algorithm, Message::Octets(signed.octets), signed.value);
            let outcome = verified.map(|()| algorithm);
            signed.memo.put(key_digest, outcome);
            outcome
        });
        match outcome {
            Ok(algorithm) => Ok(SignatureFact { algorithm, key: key.key_type() }),
            Err(VerifyError::Mismatch) => Err((PathReason::Signature, "the signature does not verify")),
            Err(VerifyError::WrongKey) => {
                Err((PathReason::Signature, "the issuer's key does not fit the signature algorithm"))
            }
            Err(VerifyError::Unsupported) => {
                Err((PathReason::UnsupportedAlgorithm, "the issuer's key or the algorithm is not supported"))
            }
        }
    }
}
