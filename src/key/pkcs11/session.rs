//! Sessions and what they see on the token.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use cryptoki::error::RvError;
use cryptoki::session::Session;
use cryptoki::session::UserType;
use cryptoki::types::RawAuthPin;

use super::label::Label;
use super::login;
use super::login::Again;
use super::login::Login;
use super::login::PinRequest;
use super::login::PinSource;
use super::module::Loaded;
use super::module::failed;
use super::module::slot;
use super::objects;
use super::signing::TokenKey;
use super::token::KeySelector;
use super::token::Token;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::SecretError;
use crate::error::TokenError;
use crate::key::SignerIdentity;
use crate::secret::Pin;
use crate::x509::Certificate;

/// A session with a token, logged in until it and every key taken from it are dropped.
#[derive(Debug)]
pub struct TokenSession {
    shared: Arc<Shared>,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A certificate.
    Certificate,
    /// A private key.
    PrivateKey,
    /// A public key.
    PublicKey,
    /// Anything else.
    Other,
}

/// An object on a token.
#[derive(Clone, Debug)]
pub struct TokenObject {
    pub(super) kind: ObjectKind,
    pub(super) label: Label,
    pub(super) id: Vec<u8>,
    pub(super) certificate: Option<Certificate>,
}

impl TokenObject {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// Its `CKA_LABEL`.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// Its `CKA_ID`; empty where it has none.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The certificate, where the object is an X.509 certificate that can be read.
    #[must_use]
    pub const fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }
}

impl TokenSession {
    pub(super) fn open(module: Arc<Loaded>, token: Token, login: Login) -> Result<Self, Error> {
        let (pin, again) = match login.source {
            PinSource::Value(pin) => (Some(pin), Again::Never),
            PinSource::Callback(ask) => (None, Again::Ask(ask)),
            PinSource::OnDevice => (None, Again::OnDevice),
            PinSource::Public => (None, Again::Public),
        };
        let shared = Shared { module, token, again, final_try: login.final_try, session: Mutex::new(None) };
        let token = shared.token.clone();
        shared.start(&token, pin)?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The token, as it showed itself before the login.
    #[must_use]
    pub fn token(&self) -> &Token {
        &self.shared.token
    }

    /// The objects that the session sees.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn objects(&self) -> Result<Vec<TokenObject>, Error> {
        self.shared.with(objects::all)?
    }

    /// The signing key that fits, with its certificate and chain from the token.
    ///
    /// The certificate is the one with the `CKA_ID` of the key, else the one for
    /// its public key, else the one with its label; the chain is every CA
    /// certificate on the token.
    ///
    /// # Errors
    /// [`Error::Misuse`], which lists the candidates, where no key or several
    /// fit, or where the token has no certificate for the key;
    /// [`Error::Secret`] where no key is to be seen without a login;
    /// [`Error::Token`].
    pub fn signing_key(&self, key: impl Into<KeySelector>) -> Result<TokenKey, Error> {
        let (key, found) = self.choose(&key.into())?;
        let identity = found.identity(&key, &self.shared.token)?;
        TokenKey::new(Arc::clone(&self.shared), key, identity)
    }

    /// The signing key that fits, with a certificate from elsewhere.
    ///
    /// # Errors
    /// As [`signing_key`](Self::signing_key); [`Error::Misuse`] too where the
    /// certificate is for another key.
    pub fn signing_key_with(&self, key: impl Into<KeySelector>, identity: SignerIdentity) -> Result<TokenKey, Error> {
        let (key, found) = self.choose(&key.into())?;
        if found.is_for(&key, identity.certificate()) == Some(false) {
            return Err(Misuse::new("the certificate is for another key").into());
        }
        TokenKey::new(Arc::clone(&self.shared), key, identity)
    }

    fn choose(&self, selector: &KeySelector) -> Result<(objects::Key, objects::Found), Error> {
        let found = self.shared.with(objects::find)??;
        if found.has_no_key() && self.shared.token.is_login_required() && matches!(self.shared.again, Again::Public) {
            return Err(SecretError::Missing { what: self.shared.token.name().into() }.into());
        }
        let key = found.choose(selector, &self.shared.token)?;
        Ok((key, found))
    }

    /// Ends the session and logs out; keys taken from it sign no more, and
    /// neither do those of other sessions of this process with the token.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn logout(self) -> Result<(), Error> {
        let session = self.shared.session.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(session) = session else { return Ok(()) };
        let public = matches!(self.shared.again, Again::Public);
        self.shared.module.call(|_| {
            let outcome = match if public { Ok(()) } else { session.logout() } {
                // Nothing to log out of, or the token is gone.
                Err(cryptoki::error::Error::Pkcs11(
                    RvError::UserNotLoggedIn | RvError::SessionHandleInvalid | RvError::SessionClosed,
                    _,
                )) => Ok(()),
                outcome => outcome.map_err(|e| failed("log out", &e)),
            };
            drop(session);
            outcome
        })
    }
}

/// One session, shared by what was taken from it.
pub(super) struct Shared {
    pub(super) module: Arc<Loaded>,
    pub(super) token: Token,
    again: Again,
    final_try: bool,
    session: Mutex<Option<Session>>,
}

impl Shared {
    /// Calls with the session, which nobody else uses meanwhile.
    pub(super) fn with<T>(&self, f: impl FnOnce(&Session) -> T) -> Result<T, Error> {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(session) = session.as_ref() else {
            return Err(TokenError::new("use session", "it was ended by a logout").into());
        };
        Ok(self.module.call(|_| f(session)))
    }

    /// Opens the session and logs in, with one try.
    fn start(&self, token: &Token, pin: Option<Pin>) -> Result<(), Error> {
        let public = matches!(self.again, Again::Public);
        if !public {
            self.check(token)?;
        }
        let pin = match pin {
            None => self.ask(token, false)?,
            pin => pin,
        };
        let slot = slot(token)?;
        let session =
            self.module.call(|context| context.open_ro_session(slot)).map_err(|e| failed("open session", &e))?;
        let outcome = if public { Ok(()) } else { self.log_in(&session, UserType::User, pin) };
        let mut place = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        let old = if outcome.is_ok() { place.replace(session) } else { Some(session) };
        self.module.call(|_| drop(old));
        outcome
    }

    /// What the token's flags say before a PIN is tried.
    fn check(&self, token: &Token) -> Result<(), Error> {
        login::check(token, self.final_try, matches!(self.again, Again::OnDevice))
    }

    /// The PIN from whom it is to be asked; `None` where the device asks itself.
    fn ask(&self, token: &Token, for_one_signature: bool) -> Result<Option<Pin>, Error> {
        match &self.again {
            Again::Ask(ask) => {
                let request = PinRequest { token, for_one_signature };
                Ok(Some(ask(&request).ok_or(SecretError::Cancelled)?))
            }
            Again::OnDevice | Again::Public => Ok(None),
            Again::Never => {
                let what =
                    format!("{}, whose key wants the PIN for each signature (log in with a callback)", token.name());
                Err(SecretError::Missing { what: what.into() }.into())
            }
        }
    }

    /// The PIN for one signature (`CKA_ALWAYS_AUTHENTICATE`), after a look at the flags.
    pub(super) fn ask_for_signature(&self) -> Result<Option<Pin>, Error> {
        let token = self.module.again(&self.token)?;
        self.check(&token)?;
        self.ask(&token, true)
    }

    /// `C_Login`, once. The caller holds no lock of the module.
    fn log_in(&self, session: &Session, user: UserType, pin: Option<Pin>) -> Result<(), Error> {
        let pin = self.raw(pin)?;
        let outcome = self.module.call(|_| log_in(session, user, pin.as_ref()));
        outcome.or_else(|e| self.login_failed(&e))
    }

    /// The PIN as the module takes it. An empty one would be a try, or ask for a PIN pad.
    pub(super) fn raw(&self, pin: Option<Pin>) -> Result<Option<RawAuthPin>, Error> {
        match pin {
            Some(pin) if pin.expose_octets().is_empty() => {
                Err(SecretError::Missing { what: self.token.name().into() }.into())
            }
            pin => Ok(pin.map(|pin| RawAuthPin::new(Box::new(pin.expose_octets().to_vec())))),
        }
    }

    /// What a refused login means.
    pub(super) fn login_failed(&self, error: &cryptoki::error::Error) -> Result<(), Error> {
        let what = self.token.name().into();
        let cryptoki::error::Error::Pkcs11(code, _) = error else { return Err(failed("log in", error)) };
        Err(match code {
            RvError::UserAlreadyLoggedIn => return Ok(()),
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
                let tries = self.module.again(&self.token).ok().map(|token| token.pin_tries());
                SecretError::Wrong { what, tries }.into()
            }
            RvError::PinLocked => SecretError::Locked { what }.into(),
            RvError::PinExpired => SecretError::MustChange { what }.into(),
            RvError::FunctionCanceled | RvError::Cancel => SecretError::Cancelled.into(),
            _ => failed("log in", error),
        })
    }

    /// After the token was pulled: finds it again, in whatever slot, and logs in
    /// again, if there is somebody to ask for the PIN.
    pub(super) fn reopen(&self) -> Result<bool, Error> {
        if matches!(self.again, Again::Never) {
            return Ok(false);
        }
        let same = |t: &Token| t.serial() == self.token.serial() && t.label() == self.token.label();
        let Some(token) = self.module.tokens()?.into_iter().find(same) else {
            return Err(TokenError::new("sign", format!("{} is no longer there", self.token.name())).into());
        };
        self.start(&token, None)?;
        Ok(true)
    }
}

/// `C_Login`; without a PIN the device asks for it.
pub(super) fn log_in(session: &Session, user: UserType, pin: Option<&RawAuthPin>) -> cryptoki::error::Result<()> {
    match pin {
        Some(pin) => session.login_with_raw(user, pin),
        None => session.login(user, None),
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let session = self.session.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        self.module.call(|_| drop(session));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("token", &self.token).finish_non_exhaustive()
    }
}
