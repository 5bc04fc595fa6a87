//! A key that stays in its thread, and whoever stands in line for it; a key that everybody uses.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::TokenError;
use crate::key::SignatureValue;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::key::ToBeSigned;

type Answer = Result<SignatureValue, Error>;

/// A key whose signatures are made in another thread.
#[derive(Clone)]
pub(super) struct Desk {
    identity: SignerIdentity,
    algorithm: SignatureAlgorithm,
    line: mpsc::Sender<(ToBeSigned, mpsc::Sender<Answer>)>,
    lost: Arc<AtomicBool>,
}

/// The other side.
pub(super) struct Counter(mpsc::Receiver<(ToBeSigned, mpsc::Sender<Answer>)>);

impl Desk {
    /// A desk for `key`, and the counter behind it.
    pub(super) fn open(key: &dyn SigningKey) -> (Self, Counter) {
        let (line, counter) = mpsc::channel();
        let lost = Arc::new(AtomicBool::new(false));
        let desk = Self { identity: key.identity().clone(), algorithm: key.default_algorithm(), line, lost };
        (desk, Counter(counter))
    }

    /// Whether the key or its token failed, and would fail again.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Counter {
    /// Signs for everybody, one after the other, until nobody is left.
    pub(super) fn serve(&self, key: &dyn SigningKey) {
        while let Ok((message, answer)) = self.0.recv() {
            // Whoever does not wait any more needs no answer.
            let _ = answer.send(key.sign(&message));
        }
    }
}

impl SigningKey for Desk {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        let (answer, signed) = mpsc::channel();
        let gone = || Error::from(TokenError::new("sign", "the thread of the key has ended"));
        self.line.send((message.clone(), answer)).map_err(|_| gone())?;
        let signed = signed.recv().map_err(|_| gone()).flatten();
        note(&self.lost, &signed);
        signed
    }
}

/// Whether the key or its token failed, and would fail the next document too.
fn note(lost: &AtomicBool, signed: &Answer) {
    if matches!(signed, Err(Error::Token(_) | Error::Secret(_))) {
        lost.store(true, Ordering::Relaxed);
    }
}

/// A key that signs from whatever thread.
pub(super) struct SharedKey<'k> {
    key: &'k (dyn SigningKey + Sync),
    lost: AtomicBool,
}

impl<'k> SharedKey<'k> {
    pub(super) const fn new(key: &'k (dyn SigningKey + Sync)) -> Self {
        Self { key, lost: AtomicBool::new(false) }
    }

    /// As [`Desk::is_lost`].
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

impl SigningKey for SharedKey<'_> {
    fn identity(&self) -> &SignerIdentity {
        self.key.identity()
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.key.default_algorithm()
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        if self.is_lost() {
            return Err(TokenError::new("sign", "the key was lost in another thread of the batch").into());
        }
        let signed = self.key.sign(message);
        note(&self.lost, &signed);
        signed
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
