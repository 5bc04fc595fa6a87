//! What was found out about a signature, kept with what is signed.

use std::sync::Mutex;
use std::sync::PoisonError;

use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::VerifyError;

/// Keys that are remembered for one object; one is the rule.
const MOST: usize = 4;

/// The outcome of verifying one signature under one key.
pub(crate) type Outcome = Result<SignatureAlgorithm, VerifyError>;

/// Outcomes by key: certificates, CRLs and responses are
/// shared by their clones, so that each signature is verified once however
/// many paths and times ask for it.
#[derive(Debug, Default)]
pub(crate) struct SignatureMemo(Mutex<Vec<(PublicKey, Outcome)>>);

impl SignatureMemo {
    pub(crate) fn get(&self, key: &PublicKey) -> Option<Outcome> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().find(|(k, _)| k == key).map(|(_, outcome)| *outcome)
    }

    /// Remembers an outcome; what another backend might support is no outcome.
    pub(crate) fn put(&self, key: PublicKey, outcome: Outcome) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if outcome != Err(VerifyError::Unsupported) && known.len() < MOST {
            known.push((key, outcome));
        }
    }
}
