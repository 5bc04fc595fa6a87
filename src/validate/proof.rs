//! Proofs of existence (EN 319 102-1 §5.6.2.3).

use std::collections::HashMap;

use crate::crypto::Digest;
use crate::time::Time;

/// The earliest time at which each object is proven to have existed, by the
/// SHA-256 of its octets. What is not in it is known to exist now.
#[derive(Clone, Debug, Default)]
pub(super) struct Proofs {
    known: HashMap<Digest, Time>,
}

impl Proofs {
    /// Notes that the object existed at `time`; an earlier proof stays.
    pub(super) fn note(&mut self, object: Digest, time: Time) {
        let known = self.known.entry(object).or_insert(time);
        *known = time.min(*known);
    }

    /// The earliest proof, if there is one.
    pub(super) fn of(&self, object: &Digest) -> Option<Time> {
        self.known.get(object).copied()
    }
}
