//! Keys that a service holds: signing over the network, in two phases.
//!
//! A [`RemoteSigner`] knows the certificate and makes a [`Job`] that ends in
//! signature values. Documents are prepared first
//! ([`Prepared`](crate::sign::Prepared)), all of a batch, because a service may
//! bind its permission to the digests;
//! [`RemoteBatch`](crate::sign::remote::RemoteBatch) then signs all of them
//! under one authorisation and completes them. [`csc`] (feature `serde`) speaks
//! the API of the Cloud Signature Consortium; a service with a protocol of its
//! own is an implementation of the trait in the host.

#[cfg(feature = "serde")]
pub mod csc;

use std::cell::RefCell;
use std::fmt;

use super::SignatureValue;
use super::SignerIdentity;
use super::SigningKey;
use super::ToBeSigned;
use crate::asn1::encode;
use crate::crypto::Backend;
use crate::crypto::KeyType;
use crate::crypto::Message;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::fetch::Fetch;
use crate::fetch::Job;
use crate::fetch::run;

/// A key that a service holds, authorised for one batch of signatures.
///
/// It is used up by signing: PINs, one-time passwords and permissions count once.
pub trait RemoteSigner {
    /// What asks the service.
    type Signing: Job<Output = Vec<SignatureValue>>;

    /// The certificate and chain.
    fn identity(&self) -> &SignerIdentity;

    /// The algorithm that this key uses by default.
    fn default_algorithm(&self) -> SignatureAlgorithm;

    /// A job that ends in one value for each message, in their order, each
    /// checked by [`checked`].
    ///
    /// # Errors
    /// What keeps the service from being asked: algorithms that it does not
    /// make, more messages than it signs at once, a PIN that is missing.
    fn sign(self, messages: Vec<ToBeSigned>) -> Result<Self::Signing, Error>;
}

/// A remote signer as an ordinary key, for one signature: whatever takes a
/// [`SigningKey`] can sign with it. The service is asked while it signs.
///
/// For many documents under one authorisation take
/// [`RemoteBatch`](crate::sign::remote::RemoteBatch).
pub struct RemoteKey<S, F> {
    signer: RefCell<Option<S>>,
    identity: SignerIdentity,
    algorithm: SignatureAlgorithm,
    network: F,
}

impl<S: RemoteSigner, F: Fetch> RemoteKey<S, F> {
    /// Signs with `signer`, which is asked through `network`.
    #[must_use]
    pub fn new(signer: S, network: F) -> Self {
        let (identity, algorithm) = (signer.identity().clone(), signer.default_algorithm());
        Self { signer: RefCell::new(Some(signer)), identity, algorithm, network }
    }

    /// Another algorithm than the default one. Whether the service makes it shows when it is asked.
    #[must_use]
    pub const fn algorithm(mut self, algorithm: SignatureAlgorithm) -> Self {
        self.algorithm = algorithm;
        self
    }
}

impl<S: RemoteSigner, F: Fetch> SigningKey for RemoteKey<S, F> {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        let Some(signer) = self.signer.take() else {
            let message = "the authorisation of the remote signer was used for one signature already";
            return Err(Misuse::new(message).into());
        };
        let mut values = run(signer.sign(vec![message.clone()])?, &self.network)?;
        values.pop().ok_or_else(|| Misuse::new("the remote signer returned no value").into())
    }
}

impl<S, F> fmt::Debug for RemoteKey<S, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What a service answered, checked before anybody uses it: as many values as
/// messages, each verifying over the message in its place under the certificate.
///
/// ECDSA values may come as DER or as r and s one after the other, which some
/// services do.
///
/// # Errors
/// [`Error::Refused`] with the first value that does not fit; where it is one
/// over another message of the batch, the error says so.
pub fn checked(
    identity: &SignerIdentity,
    messages: &[ToBeSigned],
    values: Vec<Vec<u8>>,
) -> Result<Vec<SignatureValue>, Error> {
    let refused = |detail: String| Error::from(Refused::new(RefusalReason::SignatureValue, detail));
    if values.len() != messages.len() {
        return Err(refused(format!(
            "the service returned {} signature values for {} digests; none of them is used",
            values.len(),
            messages.len()
        )));
    }
    let mut all = Vec::with_capacity(values.len());
    for (index, (message, value)) in messages.iter().zip(values).enumerate() {
        if let Some(fitting) = fitting(identity, message, &value) {
            all.push(fitting);
            continue;
        }
        let number = index + 1;
        return Err(refused(match messages.iter().position(|other| fitting_any(identity, other, &value)) {
            Some(other) => format!(
                "signature value {number} is the one over digest {}: the service returned them in another order",
                other + 1
            ),
            None => format!(
                "signature value {number} of {} does not verify as {} under the certificate of the credential: another key made it, or it is over something else",
                messages.len(),
                message.algorithm().name()
            ),
        }));
    }
    Ok(all)
}

fn fitting_any(identity: &SignerIdentity, message: &ToBeSigned, value: &[u8]) -> bool {
    fitting(identity, message, value).is_some()
}

/// The value in the form that this crate writes, if it verifies in any.
fn fitting(identity: &SignerIdentity, message: &ToBeSigned, value: &[u8]) -> Option<SignatureValue> {
    let key = identity.certificate().public_key();
    let verifies = |value: &[u8]| {
        let message_octets = Message::Octets(message.octets());
        Backend::default().verify(key, message.algorithm(), message_octets, value).is_ok()
    };
    if verifies(value) {
        return Some(SignatureValue::new(value.to_vec()));
    }
    let KeyType::Ec(curve) = key.key_type() else { return None };
    let field = curve.bits().div_ceil(8);
    let (r, s) = value.split_at_checked(field).filter(|(_, s)| s.len() == field)?;
    let der = encode::sequence(&[&encode::unsigned(r), &encode::unsigned(s)]);
    verifies(&der).then(|| SignatureValue::new(der))
}
