//! PKCS#11 modules.

use std::fmt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::OnceLock;
use std::sync::PoisonError;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use cryptoki::context::CInitializeArgs;
use cryptoki::context::CInitializeFlags;
use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::slot::Slot;

use super::binary;
use super::label::Label;
use super::life::Shared;
use super::login::Login;
use super::session::TokenSession;
use super::single::Single;
use super::token::Token;
use super::token::TokenSelector;
use super::trace;
use super::worker::Cancellation;
use super::worker::NoResult;
use super::worker::Patience;
use super::worker::Worker;
use crate::error::Error;
use crate::error::IoError;
use crate::error::Misuse;
use crate::error::TokenError;
use crate::error::TokenFault;

/// A PKCS#11 module, loaded once per process and never unloaded. Cloning shares it.
///
/// All calls into one module are made on one thread of its own, one after the
/// other, from whatever threads they are asked for: many modules do no locking,
/// and some want to be called from one thread for good. Modules do not wait for
/// each other. [`allow_parallel_calls`](Self::allow_parallel_calls) is for those
/// that can do more.
#[derive(Clone, Debug)]
pub struct Module {
    loaded: Arc<Loaded>,
    patience: Patience,
}

/// A place where a token can be: a reader, a USB socket, a partition of an HSM.
#[derive(Clone, Debug)]
pub struct TokenSlot {
    number: u64,
    description: Label,
    manufacturer: Label,
    removable: bool,
    token: Option<Token>,
}

impl TokenSlot {
    /// Its number, which can change when readers come and go.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Its description.
    #[must_use]
    pub const fn description(&self) -> &Label {
        &self.description
    }

    /// Its manufacturer.
    #[must_use]
    pub const fn manufacturer(&self) -> &Label {
        &self.manufacturer
    }

    /// `CKF_REMOVABLE_DEVICE`.
    #[must_use]
    pub const fn is_removable(&self) -> bool {
        self.removable
    }

    /// The token in it, if there is one that the module knows.
    #[must_use]
    pub const fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }
}

/// What is shared by everything that talks to one module.
pub(super) struct Loaded {
    path: PathBuf,
    worker: Worker,
    context: OnceLock<Pkcs11>,
    pub(super) single: Single,
    initialized: Mutex<Option<Initialized>>,
    /// Logins that are alive.
    logins: AtomicUsize,
}

/// By whom the module was initialized, and how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Initialized {
    ByUs {
        locks: bool,
    },
    /// The host, a browser or a Java runtime was first; it is theirs to finalize.
    ByOthers,
}

/// The modules of this process. A module initialized twice fails or crashes,
/// and one that is finalized takes away the sessions of everybody else.
static LOADED: Mutex<Vec<Arc<Loaded>>> = Mutex::new(Vec::new());

impl Module {
    /// How long one call is waited for, unless the caller says otherwise: longer
    /// than a card needs for a key or a person for a PIN.
    pub const DEFAULT_TIME_LIMIT: Duration = Duration::from_secs(300);

    /// Loads and initializes the module at `path`, or takes the one that is loaded already.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no such file; [`Error::Token`] where it is
    /// no library, one for another processor, one that lacks a library of its
    /// own, no PKCS#11 module, or fails to initialize.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        // By its real path: two names of one file are one module.
        let real = path.canonicalize().map_err(|e| IoError::new("load", path.display().to_string(), e))?;
        let loaded = {
            // Held for a moment only: a slow driver keeps nobody from another one.
            let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
            match all.iter().find(|l| l.path == real) {
                Some(loaded) => Arc::clone(loaded),
                None => {
                    let loaded = Arc::new(Loaded::new(real));
                    all.push(Arc::clone(&loaded));
                    loaded
                }
            }
        };
        let patience = Patience { limit: Self::DEFAULT_TIME_LIMIT, cancellation: None, on_caller: false };
        loaded.prepare(&patience)?;
        Ok(Self { loaded, patience })
    }

    /// The same module, with another limit on how long one call is waited for.
    ///
    /// Waiting for a turn behind other calls does not count. After the limit the
    /// caller gets [`Error::Token`] with [`TokenFault::TooSlow`], and so does
    /// everybody else at once until the driver comes back: a call cannot be broken off.
    #[must_use]
    pub const fn with_time_limit(mut self, limit: Duration) -> Self {
        self.patience.limit = limit;
        self
    }

    /// The same module, whose calls end when the switch is thrown.
    #[must_use]
    pub fn with_cancellation(mut self, cancellation: Cancellation) -> Self {
        self.patience.cancellation = Some(cancellation);
        self
    }

    /// Lets calls into the module be made on up to `threads` threads side by
    /// side, from now on and for everybody in this process, each with a session
    /// of its own. For modules whose makers say that they can, as those of HSMs.
    ///
    /// # Errors
    /// [`Error::Token`] where the module could not take locks of the operating
    /// system when it was initialized.
    pub fn allow_parallel_calls(&self, threads: usize) -> Result<(), Error> {
        self.check_locks("allow parallel calls")?;
        self.loaded.worker.allow(threads);
        Ok(())
    }

    /// The same module, whose calls are made on the thread of whoever asks for
    /// them, side by side with all others: for the modules of HSMs and fast
    /// tokens, where going to another thread and back takes as long as the signature.
    ///
    /// Such a call cannot be left: [`with_time_limit`](Self::with_time_limit) has
    /// no meaning for it, and a cancellation is looked at only before it begins.
    ///
    /// # Errors
    /// As [`allow_parallel_calls`](Self::allow_parallel_calls).
    pub fn with_calls_on_callers_thread(mut self) -> Result<Self, Error> {
        self.check_locks("allow calls on the caller's thread")?;
        self.patience.on_caller = true;
        Ok(self)
    }

    fn check_locks(&self, operation: &'static str) -> Result<(), Error> {
        match *self.loaded.initialized.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Initialized::ByUs { locks: false }) => {
                Err(TokenError::new(operation, "the module does no locking (CKR_CANT_LOCK)").into())
            }
            _ => Ok(()),
        }
    }

    /// Finalizes the module and initializes it anew: for drivers that do not
    /// notice a token that was put back.
    ///
    /// # Errors
    /// [`Error::Misuse`] where somebody in this process uses it: another part of
    /// the process initialized it, or a login is alive; [`Error::Token`].
    pub fn reset(&self) -> Result<(), Error> {
        let loaded = Arc::clone(&self.loaded);
        self.loaded.call("reset module", &self.patience, move |context| {
            let mut initialized = loaded.initialized.lock().unwrap_or_else(PoisonError::into_inner);
            if *initialized == Some(Initialized::ByOthers) {
                return Err(Misuse::new("the module was initialized by another part of this process").into());
            }
            if loaded.logins.load(Ordering::Acquire) > 0 {
                return Err(Misuse::new("the module is in use; end all logins before it is reset").into());
            }
            *initialized = None;
            match context.clone().finalize() {
                Ok(()) | Err(cryptoki::error::Error::Pkcs11(RvError::CryptokiNotInitialized, _)) => {}
                Err(e) => return Err(failed("reset module", &e)),
            }
            *initialized = Some(initialize(context)?);
            Ok(())
        })
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.loaded.path
    }

    /// The slots of the module, those without a token too.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn slots(&self) -> Result<Vec<TokenSlot>, Error> {
        self.call("list slots", |context| {
            let slots = context.get_all_slots().map_err(|e| failed("list slots", &e))?;
            slots
                .into_iter()
                .map(|slot| {
                    let info = context.get_slot_info(slot).map_err(|e| failed("read slot", &e))?;
                    let token = if info.token_present() { token(context, slot)? } else { None };
                    Ok(TokenSlot {
                        number: slot.id(),
                        description: Label::new(info.slot_description().as_bytes().to_vec()),
                        manufacturer: Label::new(info.manufacturer_id().as_bytes().to_vec()),
                        removable: info.removable_device(),
                        token,
                    })
                })
                .collect()
        })
    }

    /// The tokens that are there.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.call("list tokens", |context| {
            let slots = context.get_slots_with_token().map_err(|e| failed("list tokens", &e))?;
            let tokens: Result<Vec<_>, Error> = slots.into_iter().map(|slot| token(context, slot)).collect();
            Ok(tokens?.into_iter().flatten().collect())
        })
    }

    /// The names of a token's mechanisms.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn mechanisms(&self, token: &Token) -> Result<Vec<String>, Error> {
        let slot = slot(token.slot())?;
        self.call("list mechanisms", move |context| {
            let mechanisms = context.get_mechanism_list(slot).map_err(|e| failed("list mechanisms", &e))?;
            Ok(mechanisms.iter().map(ToString::to_string).collect())
        })
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
        Ok(TokenSession::new(Shared::open(self.clone(), token, login.into())?))
    }

    pub(super) const fn patience(&self) -> &Patience {
        &self.patience
    }

    pub(super) fn loaded(&self) -> &Arc<Loaded> {
        &self.loaded
    }

    /// Calls into the module, on a thread for it.
    pub(super) fn call<T: Send + 'static>(
        &self,
        operation: &'static str,
        f: impl FnOnce(&Pkcs11) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.loaded.call(operation, &self.patience, f)
    }
}

impl Loaded {
    fn new(path: PathBuf) -> Self {
        Self {
            path,
            worker: Worker::new(),
            context: OnceLock::new(),
            single: Single::default(),
            initialized: Mutex::new(None),
            logins: AtomicUsize::new(0),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Loads and initializes, unless that is done.
    pub(super) fn prepare(self: &Arc<Self>, patience: &Patience) -> Result<(), Error> {
        let this = Arc::clone(self);
        let done = self.worker.run(patience, move || trace::call("load module", None, || this.load()));
        done.map_err(|why| no_result("load module", why))?
    }

    fn load(&self) -> Result<(), Error> {
        let context = match self.context.get() {
            Some(context) => context,
            None => {
                let failed =
                    |detail: String| TokenError::new("load module", format!("{}: {detail}", self.path.display()));
                if let Some(fault) = binary::fault(&self.path)? {
                    return Err(failed(fault).into());
                }
                let context = Pkcs11::new(&self.path).map_err(|e| failed(binary::explained(&self.path, &e)))?;
                self.context.get_or_init(|| context)
            }
        };
        let mut initialized = self.initialized.lock().unwrap_or_else(PoisonError::into_inner);
        if initialized.is_none() {
            *initialized = Some(initialize(context)?);
        }
        Ok(())
    }

    /// Initializes again what somebody else finalized.
    pub(super) fn initialize_again(&self, context: &Pkcs11) -> Result<(), Error> {
        let mut initialized = self.initialized.lock().unwrap_or_else(PoisonError::into_inner);
        *initialized = Some(initialize(context)?);
        Ok(())
    }

    fn call<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        patience: &Patience,
        f: impl FnOnce(&Pkcs11) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = Arc::clone(self);
        let done = self.worker.run(patience, move || match this.context.get() {
            Some(context) => trace::call(operation, None, || f(context)),
            None => Err(TokenError::new(operation, "the module is not loaded").into()),
        });
        done.map_err(|why| no_result(operation, why))?
    }

    pub(super) fn login_begins(&self) {
        self.logins.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn login_ends(&self) {
        self.logins.fetch_sub(1, Ordering::AcqRel);
    }
}

fn initialize(context: &Pkcs11) -> Result<Initialized, Error> {
    let attempt = |flags, locks| match context.initialize(CInitializeArgs::new(flags)) {
        Ok(()) => Ok(Initialized::ByUs { locks }),
        Err(cryptoki::error::Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => Ok(Initialized::ByOthers),
        Err(e) => Err(e),
    };
    match attempt(CInitializeFlags::OS_LOCKING_OK, true) {
        // Without locks of the operating system: calls come one by one then.
        Err(cryptoki::error::Error::Pkcs11(RvError::CantLock, _)) => attempt(CInitializeFlags::empty(), false),
        outcome => outcome,
    }
    .map_err(|e| failed("initialize module", &e))
}

/// The token in a slot; none where it was pulled just now or is nothing that the module knows.
pub(super) fn token(context: &Pkcs11, slot: Slot) -> Result<Option<Token>, Error> {
    match context.get_token_info(slot) {
        Ok(info) => Ok(Some(Token::read(slot.id(), &info))),
        Err(cryptoki::error::Error::Pkcs11(
            RvError::TokenNotPresent | RvError::TokenNotRecognized | RvError::DeviceRemoved,
            _,
        )) => Ok(None),
        Err(e) => Err(failed("read token", &e)),
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Loaded").field(&self.path).finish()
    }
}

pub(super) fn slot(number: u64) -> Result<Slot, Error> {
    Slot::try_from(number).map_err(|e| failed("find slot", &e))
}

fn no_result(operation: &'static str, why: NoResult) -> Error {
    let (detail, fault) = match why {
        NoResult::Cancelled => ("it was called off", TokenFault::Cancelled),
        NoResult::TooSlow => ("no answer came in the time allowed", TokenFault::TooSlow),
        NoResult::Stuck => {
            ("an earlier call has not come back; wait, pull the token and put it back, or restart", TokenFault::TooSlow)
        }
        NoResult::Panicked => ("the call went down; this is a fault of the library", TokenFault::Other),
        NoResult::NoThread => ("the system gives no thread", TokenFault::Other),
    };
    TokenError::new(operation, detail).with_fault(fault).into()
}

/// An error of the module on `operation`.
pub(super) fn failed(operation: &'static str, error: &cryptoki::error::Error) -> Error {
    TokenError::new(operation, text(error)).with_fault(fault(error)).into()
}

const fn fault(error: &cryptoki::error::Error) -> TokenFault {
    let cryptoki::error::Error::Pkcs11(code, _) = error else { return TokenFault::Other };
    match code {
        RvError::DeviceRemoved | RvError::TokenNotPresent | RvError::TokenNotRecognized => TokenFault::Removed,
        // An operation that somebody left half done goes with its session.
        RvError::SessionHandleInvalid
        | RvError::SessionClosed
        | RvError::ObjectHandleInvalid
        | RvError::KeyHandleInvalid
        | RvError::UserNotLoggedIn
        | RvError::CryptokiNotInitialized
        | RvError::OperationActive
        | RvError::SlotIdInvalid => TokenFault::SessionLost,
        RvError::DeviceError => TokenFault::Device,
        RvError::MechanismInvalid | RvError::MechanismParamInvalid => TokenFault::Mechanism,
        RvError::FunctionCanceled | RvError::Cancel => TokenFault::Cancelled,
        RvError::VendorDefined(code) => TokenFault::Vendor(*code),
        _ => TokenFault::Other,
    }
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
        RvError::TokenWriteProtected | RvError::SessionReadOnly => "; the token cannot be written to",
        RvError::DeviceMemory => "; the token is full",
        RvError::DeviceError | RvError::GeneralError | RvError::FunctionFailed => "; see the log of the token's driver",
        RvError::VendorDefined(code) => {
            return format!("C_{function:?} gave the vendor's own code 0x{code:08X}; see the driver's documentation");
        }
        RvError::UnknownErrorCode(code) => {
            return format!("C_{function:?} gave 0x{code:08X}, which is no code of PKCS#11");
        }
        _ => "",
    };
    format!("C_{function:?} gave {code:?}{hint}")
}
