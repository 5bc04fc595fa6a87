//! PKCS#11 modules.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use cryptoki::context::CInitializeArgs;
use cryptoki::context::CInitializeFlags;
use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::slot::Slot;

use super::binary;
use super::login::Login;
use super::session::TokenSession;
use super::token::Token;
use super::token::TokenSelector;
use crate::error::Error;
use crate::error::IoError;
use crate::error::TokenError;

/// A PKCS#11 module, loaded once per process and never unloaded. Cloning shares it.
///
/// Calls into one module are made one after the other, from whatever threads
/// they come: many modules do no locking of their own.
#[derive(Clone, Debug)]
pub struct Module {
    loaded: Arc<Loaded>,
}

/// What is shared by everything that talks to one module.
pub(super) struct Loaded {
    path: PathBuf,
    context: Mutex<Pkcs11>,
}

/// The modules of this process. A module initialized twice fails or crashes,
/// and one that is finalized takes away the sessions of everybody else.
static LOADED: Mutex<Vec<Arc<Loaded>>> = Mutex::new(Vec::new());

impl Module {
    /// Loads and initializes the module at `path`, or takes the one that is loaded already.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no such file; [`Error::Token`] where it is
    /// no library, one for another processor, no PKCS#11 module, or fails to
    /// initialize.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        // By its real path: two names of one file are one module.
        let real = path.canonicalize().map_err(|e| IoError::new("load", path.display().to_string(), e))?;
        let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = all.iter().find(|l| l.path == real) {
            return Ok(Self { loaded: Arc::clone(loaded) });
        }
        let failed = |detail: String| TokenError::new("load module", format!("{}: {detail}", path.display()));
        if let Some(fault) = binary::fault(&real)? {
            return Err(failed(fault).into());
        }
        let context = Pkcs11::new(&real).map_err(|e| failed(e.to_string()))?;
        let initialize = |flags| match context.initialize(CInitializeArgs::new(flags)) {
            // The host, a browser or a Java runtime was first; it is theirs to finalize.
            Err(cryptoki::error::Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(()),
            outcome => outcome,
        };
        match initialize(CInitializeFlags::OS_LOCKING_OK) {
            // Without locks of the operating system: calls come one by one anyway.
            Err(cryptoki::error::Error::Pkcs11(RvError::CantLock, _)) => initialize(CInitializeFlags::empty()),
            outcome => outcome,
        }
        .map_err(|e| failed(text(&e)))?;
        let loaded = Arc::new(Loaded { path: real, context: Mutex::new(context) });
        all.push(Arc::clone(&loaded));
        Ok(Self { loaded })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.loaded.path
    }

    /// The tokens that are there.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.loaded.tokens()
    }

    /// The names of a token's mechanisms.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn mechanisms(&self, token: &Token) -> Result<Vec<String>, Error> {
        let slot = slot(token)?;
        let mechanisms = self.loaded.call(|context| context.get_mechanism_list(slot));
        let mechanisms = mechanisms.map_err(|e| failed("list mechanisms", &e))?;
        Ok(mechanisms.iter().map(ToString::to_string).collect())
    }

    /// Opens a session with one token and logs in, once.
    ///
    /// A login is one for the whole process (PKCS#11 §5.6.8): where the process
    /// is logged in to this token already, the token looks at no PIN again.
    ///
    /// # Errors
    /// [`Error::Misuse`] where no token or several fit; [`Error::Secret`] for
    /// the PIN; [`Error::Token`] otherwise.
    pub fn login(&self, token: impl Into<TokenSelector>, login: impl Into<Login>) -> Result<TokenSession, Error> {
        let token = token.into().choose(self.tokens()?)?;
        TokenSession::open(Arc::clone(&self.loaded), token, login.into())
    }
}

impl Loaded {
    /// Calls into the module, alone.
    pub(super) fn call<T>(&self, f: impl FnOnce(&Pkcs11) -> T) -> T {
        f(&self.context.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.call(|context| {
            let slots = context.get_slots_with_token().map_err(|e| failed("list tokens", &e))?;
            let mut tokens = Vec::new();
            for slot in slots {
                match context.get_token_info(slot) {
                    Ok(info) => tokens.push(Token::read(slot.id(), &info)),
                    // Pulled since the list was made, or nothing that this module knows.
                    Err(cryptoki::error::Error::Pkcs11(
                        RvError::TokenNotPresent | RvError::TokenNotRecognized | RvError::DeviceRemoved,
                        _,
                    )) => {}
                    Err(e) => return Err(failed("read token", &e)),
                }
            }
            Ok(tokens)
        })
    }

    /// The token as it shows itself now.
    pub(super) fn again(&self, token: &Token) -> Result<Token, Error> {
        let slot = slot(token)?;
        let info = self.call(|context| context.get_token_info(slot)).map_err(|e| failed("read token", &e))?;
        Ok(Token::read(slot.id(), &info))
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loaded").field(&self.path).finish()
    }
}

pub(super) fn slot(token: &Token) -> Result<Slot, Error> {
    Slot::try_from(token.slot()).map_err(|e| failed("find slot", &e))
}

/// An error of the module on `operation`.
pub(super) fn failed(operation: &'static str, error: &cryptoki::error::Error) -> Error {
    TokenError::new(operation, text(error)).into()
}

/// The return value by its name, with the function and, where one is known, a hint.
fn text(error: &cryptoki::error::Error) -> String {
    let cryptoki::error::Error::Pkcs11(code, function) = error else { return error.to_string() };
    let hint = match code {
        RvError::DeviceRemoved | RvError::TokenNotPresent => "; put the token in",
        RvError::UserNotLoggedIn => "; log in",
        RvError::UserPinNotInitialized => "; no PIN is set on this token",
        RvError::UserAnotherAlreadyLoggedIn => "; the security officer is logged in",
        RvError::SessionCount => "; too many sessions are open",
        RvError::MechanismInvalid => "; the token has no such mechanism",
        RvError::KeyFunctionNotPermitted => "; the key may not sign",
        RvError::DeviceError | RvError::GeneralError | RvError::FunctionFailed => "; see the log of the token's driver",
        _ => "",
    };
    format!("C_{function:?} gave {code:?}{hint}")
}
