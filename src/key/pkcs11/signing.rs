//! Signing on the token.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use cryptoki::context::Function;
use cryptoki::error::Error as CallError;
use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::MechanismType;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::types::RawAuthPin;

use super::life::Shared;
use super::life::is_logged_in;
use super::life::is_lost;
use super::life::log_in;
use super::mechanism;
use super::mechanism::Plan;
use super::module::Loaded;
use super::module::failed;
use super::module::slot;
use super::objects;
use super::objects::Key;
use super::trace;
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
///
/// One key can sign from several threads. Where the token was pulled and put
/// back, or the session or the login was lost, a signature finds the token again
/// by serial number and label, logs in once more if somebody can be asked for
/// the PIN, and goes on.
#[derive(Debug)]
pub struct TokenKey {
    pub(super) signer: Signer,
    identity: SignerIdentity,
    algorithm: SignatureAlgorithm,
}

/// A private key on a token, whether it has a certificate or not.
#[derive(Debug)]
pub(super) struct Signer {
    shared: Arc<Shared>,
    key: Key,
    /// Where the key is found, and in which generation of sessions.
    place: Mutex<(u64, ObjectHandle)>,
    mechanisms: Vec<MechanismType>,
    /// `CKA_ALWAYS_AUTHENTICATE`, or a token that behaves so without telling.
    always_authenticate: AtomicBool,
    kind: KeyType,
}

/// How one attempt ended.
enum Attempt {
    Signed(Vec<u8>),
    /// The key wants its PIN for each signature and did not say so.
    WantsPin,
}

impl TokenKey {
    pub(super) fn new(shared: Arc<Shared>, generation: u64, key: Key, identity: SignerIdentity) -> Result<Self, Error> {
        let public = identity.certificate().public_key();
        let algorithm = SignatureAlgorithm::default_for(public).ok_or_else(|| {
            let kind = public.key_type();
            Misuse::new(format!("the certificate's key ({kind}) is of a kind that cannot sign here"))
        })?;
        let signer = Signer::new(shared, generation, key, public.key_type())?;
        Ok(Self { signer, identity, algorithm })
    }

    /// Whether the token wants the PIN for each signature (`CKA_ALWAYS_AUTHENTICATE`):
    /// a batch needs as many entries as it has documents.
    ///
    /// Some tokens tell only at the first signature.
    #[must_use]
    pub fn wants_pin_for_each_signature(&self) -> bool {
        self.signer.always_authenticate.load(Ordering::Acquire)
    }

    /// Signs with another algorithm than the default one.
    ///
    /// # Errors
    /// [`Error::Misuse`] where it does not fit the key; [`Error::Token`] where
    /// the token has no mechanism for it.
    pub fn with_algorithm(mut self, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        self.signer.plan(&algorithm)?;
        self.algorithm = algorithm;
        Ok(self)
    }
}

impl Signer {
    pub(super) fn new(shared: Arc<Shared>, generation: u64, key: Key, kind: KeyType) -> Result<Self, Error> {
        let slot = slot(shared.slot())?;
        let mechanisms = shared.module().call("list mechanisms", move |context| {
            context.get_mechanism_list(slot).map_err(|e| failed("list mechanisms", &e))
        })?;
        let place = Mutex::new((generation, key.handle));
        let always_authenticate = AtomicBool::new(key.always_authenticate);
        Ok(Self { shared, key, place, mechanisms, always_authenticate, kind })
    }

    fn plan(&self, algorithm: &SignatureAlgorithm) -> Result<Plan, Error> {
        let fits = matches!(
            (self.kind, algorithm),
            (KeyType::Rsa { .. }, SignatureAlgorithm::RsaPkcs1v15(_) | SignatureAlgorithm::RsaPss(_))
                | (KeyType::Ec(_), SignatureAlgorithm::Ecdsa(_))
                | (KeyType::Ed25519, SignatureAlgorithm::Ed25519)
        );
        if !fits {
            return Err(Misuse::new(format!("{} does not fit the key", algorithm.name())).into());
        }
        mechanism::plan(algorithm, &self.mechanisms)
    }

    pub(super) fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        let plan = Arc::new(self.plan(message.algorithm())?);
        let input: Arc<[u8]> = plan.input(message.octets(), self.kind).into();
        let generation = self.shared.generation();
        let value = match self.attempt(&plan, &input) {
            Err(e) if is_lost(&e) => {
                self.shared.recover(generation, e)?;
                self.attempt(&plan, &input)?
            }
            outcome => outcome?,
        };
        plan.value(value)
    }

    /// One attempt. The PIN is asked for before any lock is taken: who is asked
    /// may use the token meanwhile.
    fn attempt(&self, plan: &Arc<Plan>, input: &Arc<[u8]>) -> Result<Vec<u8>, Error> {
        let handle = self.handle()?;
        if !self.always_authenticate.load(Ordering::Acquire) {
            let (plan, input) = (Arc::clone(plan), Arc::clone(input));
            match self.shared.with("use session", move |_, session| plain(session, &plan, handle, &input))? {
                Attempt::Signed(value) => return Ok(value),
                Attempt::WantsPin => self.always_authenticate.store(true, Ordering::Release),
            }
        }
        let pin = self.shared.ask_for_signature()?;
        let (plan, input, shared) = (Arc::clone(plan), Arc::clone(input), Arc::clone(&self.shared));
        self.shared.with("use session", move |context, session| {
            let module = shared.module().loaded();
            let mechanism = plan.mechanism()?;
            trace::call("sign", Some(plan.name()), || {
                let in_parts = plan.hashes_on_token();
                match authenticated(session, module, (&mechanism, in_parts), handle, &input, pin.as_ref()) {
                    Ok(signed) => signed.map_err(|e| failed("sign", &e)),
                    Err(refused) => Err(shared.signature_login_failed(context, &refused)),
                }
            })
        })
    }

    /// Where the key is found now.
    fn handle(&self) -> Result<ObjectHandle, Error> {
        let generation = self.shared.generation();
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.0 != generation {
            let found = self.shared.with("find objects", |_, session| objects::find(session))?;
            let key = found.same(&self.key);
            let key = key.ok_or_else(|| TokenError::new("sign", "the key is no longer on the token"))?;
            *place = (generation, key.handle);
        }
        Ok(place.1)
    }
}

fn plain(session: &Session, plan: &Plan, key: ObjectHandle, input: &[u8]) -> Result<Attempt, Error> {
    let mechanism = plan.mechanism()?;
    trace::call("sign", Some(plan.name()), || match session.sign(&mechanism, key, input) {
        Ok(value) => Ok(Attempt::Signed(value)),
        Err(CallError::Pkcs11(RvError::UserNotLoggedIn, Function::Sign)) if still_logged_in(session) => {
            Ok(Attempt::WantsPin)
        }
        Err(e) => Err(failed("sign", &e)),
    })
}

fn still_logged_in(session: &Session) -> bool {
    session.get_session_info().is_ok_and(|info| is_logged_in(info.session_state()))
}

/// `C_SignInit`, the login for this one signature, then the message (PKCS#11
/// §5.6.8). The outer error is that of the login.
fn authenticated(
    session: &Session,
    module: &Loaded,
    (mechanism, in_parts): (&Mechanism<'_>, bool),
    key: ObjectHandle,
    input: &[u8],
    pin: Option<&RawAuthPin>,
) -> Result<Result<Vec<u8>, CallError>, CallError> {
    if let Err(e) = session.sign_init(mechanism, key) {
        return Ok(Err(e));
    }
    let login = match log_in(session, UserType::ContextSpecific, pin) {
        // Said by modules that take a login for one signature as one for all.
        Err(CallError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        login => login,
    };
    // Without a login this ends the operation, which would be in the way of the next one.
    let value = if in_parts {
        session.sign_update(input).and_then(|()| session.sign_final())
    } else {
        module.single.sign(module.path(), session, input)
    };
    login.map(|()| value)
}

impl SigningKey for TokenKey {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        self.signer.sign(message)
    }
}
