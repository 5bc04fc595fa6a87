//! Signatures of certificates, CRLs and OCSP responses: verified once, within a budget.

use std::cell::RefCell;
use std::collections::HashMap;

use super::failure::PathReason;
use crate::crypto::Backend;
use crate::crypto::Digest;
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

/// What is signed, signature included: two of them are one where their octets are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Identity {
    /// Compared by its octets, which are few: digesting them costs more.
    Certificate(Certificate),
    /// SHA-256 of a CRL or OCSP response.
    Digest(Digest),
}

/// Something signed, as RFC 5280 and RFC 6960 sign: octets, algorithm, value.
#[derive(Clone, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) identity: Identity,
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
            identity: Identity::Certificate(certificate.clone()),
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
    known: RefCell<HashMap<(Identity, PublicKey), Verdict>>,
}

pub(crate) type Verdict = Result<SignatureFact, (PathReason, &'static str)>;

impl Verifier {
    pub(crate) fn new(backend: Backend, checks: u64) -> Self {
        Self { backend, checks: Budget::new("max_signature_checks", checks), known: RefCell::default() }
    }

    pub(crate) fn verify(&self, signed: &Signed<'_>, key: &PublicKey) -> Verdict {
        let id = (signed.identity.clone(), key.clone());
        if let Some(verdict) = self.known.borrow().get(&id) {
            return *verdict;
        }
        let verdict = self.try_verify(signed, key);
        // An exhausted budget is no property of the signature.
        if !matches!(verdict, Err((PathReason::Budget, _))) {
            self.known.borrow_mut().insert(id, verdict);
        }
        verdict
    }

    fn try_verify(&self, signed: &Signed<'_>, key: &PublicKey) -> Verdict {
        if signed.inner_algorithm.is_some_and(|inner| inner != signed.algorithm) {
            return Err((PathReason::Malformed, "the signature algorithm inside of the signed part differs"));
        }
        let algorithm = SignatureAlgorithm::from_der(signed.algorithm, None)
            .map_err(|_| (PathReason::UnsupportedAlgorithm, "the signature algorithm is not supported"))?;
        // Spent on what an earlier search found out, too: the outcome must not depend on it.
        self.checks.spend().map_err(|_| (PathReason::Budget, "too many signatures to verify"))?;
        let outcome = signed.memo.get(key).unwrap_or_else(|| {
            let verified = self.backend.verify(key, &algorithm, Message::Octets(signed.octets), signed.value);
            let outcome = verified.map(|()| algorithm);
            signed.memo.put(key.clone(), outcome);
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
