//! Signing on the token.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use cryptoki::error::RvError;
use cryptoki::mechanism::MechanismType;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::types::RawAuthPin;

use super::mechanism;
use super::mechanism::Plan;
use super::module::failed;
use super::module::slot;
use super::objects;
use super::objects::Key;
use super::session::Shared;
use super::session::log_in;
use crate::crypto::KeyType;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::TokenError;
use crate::key::SignatureValue;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::key::ToBeSigned;

/// A private key on a token together with its certificate.
#[derive(Debug)]
pub struct TokenKey {
    shared: Arc<Shared>,
    key: Key,
    /// Where the key is found in the present session.
    handle: Mutex<ObjectHandle>,
    mechanisms: Vec<MechanismType>,
    identity: SignerIdentity,
    algorithm: SignatureAlgorithm,
}

/// How an attempt at the token ended.
enum Outcome {
    Signed(Vec<u8>),
    /// The session or the login is lost.
    Lost(cryptoki::error::Error),
}

impl TokenKey {
    pub(super) fn new(shared: Arc<Shared>, key: Key, identity: SignerIdentity) -> Result<Self, Error> {
        let algorithm = SignatureAlgorithm::default_for(identity.certificate().public_key()).ok_or_else(|| {
            let kind = identity.certificate().public_key().key_type();
            Misuse::new(format!("the certificate's key ({kind}) is of a kind that cannot sign here"))
        })?;
        let slot = slot(&shared.token)?;
        let mechanisms = shared.module.call(|context| context.get_mechanism_list(slot));
        let mechanisms = mechanisms.map_err(|e| failed("list mechanisms", &e))?;
        let handle = Mutex::new(key.handle);
        Ok(Self { shared, key, handle, mechanisms, identity, algorithm })
    }

    /// Whether the token wants the PIN for each signature (`CKA_ALWAYS_AUTHENTICATE`).
    #[must_use]
    pub const fn wants_pin_for_each_signature(&self) -> bool {
        self.key.always_authenticate
    }

    /// Signs with another algorithm than the default one.
    ///
    /// # Errors
    /// [`Error::Misuse`] where it does not fit the key; [`Error::Token`] where
    /// the token has no mechanism for it.
    pub fn with_algorithm(mut self, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        self.plan(&algorithm)?;
        self.algorithm = algorithm;
        Ok(self)
    }

    fn plan(&self, algorithm: &SignatureAlgorithm) -> Result<Plan, Error> {
        let fits = matches!(
            (self.identity.certificate().public_key().key_type(), algorithm),
            (KeyType::Rsa { .. }, SignatureAlgorithm::RsaPkcs1v15(_) | SignatureAlgorithm::RsaPss(_))
                | (KeyType::Ec(_), SignatureAlgorithm::Ecdsa(_))
                | (KeyType::Ed25519, SignatureAlgorithm::Ed25519)
        );
        if !fits {
            return Err(Misuse::new(format!("{} does not fit the key", algorithm.name())).into());
        }
        mechanism::plan(algorithm, &self.mechanisms, self.key.always_authenticate)
    }

    /// One attempt. The PIN is asked for before any lock is taken: who is asked
    /// may use the token meanwhile.
    fn attempt(&self, plan: &Plan, input: &[u8]) -> Result<Outcome, Error> {
        let handle = *self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        let outcome = if self.key.always_authenticate {
            let pin = self.shared.ask_for_signature()?;
            let pin = self.shared.raw(pin)?;
            match self.shared.with(|session| authenticated(session, plan, handle, input, pin.as_ref()))? {
                Ok(outcome) => outcome,
                Err(refused) => {
                    self.shared.login_failed(&refused)?;
                    return Err(failed("log in", &refused));
                }
            }
        } else {
            self.shared.with(|session| session.sign(&plan.mechanism, handle, input))?
        };
        match outcome {
            Ok(value) => Ok(Outcome::Signed(value)),
            Err(e) if is_lost(&e) => Ok(Outcome::Lost(e)),
            Err(e) => Err(failed("sign", &e)),
        }
    }
}

/// `C_SignInit`, the login for this one signature, then the message (PKCS#11
/// §5.6.8). The outer error is that of the login.
fn authenticated(
    session: &Session,
    plan: &Plan,
    key: ObjectHandle,
    input: &[u8],
    pin: Option<&RawAuthPin>,
) -> Result<cryptoki::error::Result<Vec<u8>>, cryptoki::error::Error> {
    if let Err(e) = session.sign_init(&plan.mechanism, key) {
        return Ok(Err(e));
    }
    if let Err(e) = log_in(session, UserType::ContextSpecific, pin) {
        // Ends the operation, which would be in the way of the next one.
        let _ = session.sign_final();
        return Err(e);
    }
    Ok(session.sign_update(input).and_then(|()| session.sign_final()))
}

/// Whether the token was pulled, or something else ended the session or the login.
const fn is_lost(error: &cryptoki::error::Error) -> bool {
    matches!(
        error,
        cryptoki::error::Error::Pkcs11(
            RvError::DeviceRemoved
                | RvError::TokenNotPresent
                | RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::ObjectHandleInvalid
                | RvError::KeyHandleInvalid
                | RvError::UserNotLoggedIn,
            _
        )
    )
}

impl SigningKey for TokenKey {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        let plan = self.plan(message.algorithm())?;
        let input = plan.input(message.octets(), self.identity.certificate().public_key().key_type());
        let lost = match self.attempt(&plan, &input)? {
            Outcome::Signed(value) => return plan.value(value),
            Outcome::Lost(error) => error,
        };
        if !self.shared.reopen()? {
            return Err(failed("sign", &lost));
        }
        let found = self.shared.with(objects::find)??;
        let Some(key) = found.same(&self.key) else {
            return Err(TokenError::new("sign", "the key is no longer on the token").into());
        };
        *self.handle.lock().unwrap_or_else(PoisonError::into_inner) = key.handle;
        match self.attempt(&plan, &input)? {
            Outcome::Signed(value) => plan.value(value),
            Outcome::Lost(error) => Err(failed("sign", &error)),
        }
    }
}
