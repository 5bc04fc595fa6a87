//! The life of a login: its sessions, their loss, and how they are made again.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use cryptoki::context::Pkcs11;
use cryptoki::error::Error as CallError;
use cryptoki::error::RvError;
use cryptoki::session::Session;
use cryptoki::session::SessionState;
use cryptoki::session::UserType;
use cryptoki::types::RawAuthPin;

use super::login;
use super::login::Again;
use super::login::Login;
use super::login::PinRequest;
use super::login::PinSource;
use super::module;
use super::module::Module;
use super::module::failed;
use super::module::slot;
use super::token::Token;
use super::trace;
use super::worker::is_worker;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::SecretError;
use crate::error::TokenError;
use crate::error::TokenFault;
use crate::secret::Pin;

/// How often a token that was pulled is looked for.
const LOOK: Duration = Duration::from_millis(250);

/// A login and its sessions, shared by what was taken from it.
pub(super) struct Shared {
    module: Module,
    /// As it showed itself before the login.
    token: Token,
    again: Again,
    final_try: bool,
    wait: Duration,
    life: Mutex<Life>,
    returned: Condvar,
    /// Held by the one who makes lost sessions again; the others wait for the outcome.
    recovery: Mutex<()>,
}

struct Life {
    slot: u64,
    idle: Vec<Session>,
    out: usize,
    /// Who waits for a session to come back.
    waiting: usize,
    /// Counts how often the sessions were made again: handles are good within one generation.
    generation: u64,
    end: Option<End>,
}

#[derive(Clone)]
enum End {
    LoggedOut,
    /// The login could not be made again; the PIN is not tried for each document of a batch.
    Refused(SecretError),
    /// The same, for a reason that the token did not make plain.
    Failed(TokenError),
}

impl End {
    fn error(&self) -> Error {
        match self {
            Self::LoggedOut => TokenError::new("use session", "it was ended by a logout").into(),
            Self::Refused(e) => e.clone().into(),
            Self::Failed(e) => e.clone().into(),
        }
    }
}

/// A session out of the pool, put back when dropped.
struct Borrowed<'s> {
    shared: &'s Shared,
    session: Option<Session>,
    generation: u64,
}

impl Shared {
    pub(super) fn open(module: Module, token: Token, login: Login) -> Result<Arc<Self>, Error> {
        let (pin, again) = match login.source {
            PinSource::Value(pin) => (Some(raw(&pin, &token)?), Again::Never),
            PinSource::Kept(pin) => (None, Again::Kept(Mutex::new(Some(pin)))),
            PinSource::Callback(ask) => (None, Again::Ask(ask)),
            PinSource::OnDevice => (None, Again::OnDevice),
            PinSource::Public => (None, Again::Public),
        };
        let life = Life { slot: token.slot(), idle: Vec::new(), out: 0, waiting: 0, generation: 0, end: None };
        let shared = Arc::new(Self {
            module,
            token: token.clone(),
            again,
            final_try: login.final_try,
            wait: login.wait,
            life: Mutex::new(life),
            returned: Condvar::new(),
            recovery: Mutex::new(()),
        });
        shared.module.loaded().login_begins();
        shared.start(&token, pin)?;
        Ok(shared)
    }

    pub(super) const fn module(&self) -> &Module {
        &self.module
    }

    pub(super) const fn token(&self) -> &Token {
        &self.token
    }

    pub(super) const fn is_public(&self) -> bool {
        matches!(self.again, Again::Public)
    }

    pub(super) fn generation(&self) -> u64 {
        self.life().generation
    }

    /// The slot where the token is, since it was last found.
    pub(super) fn slot(&self) -> u64 {
        self.life().slot
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls with a session that nobody else uses meanwhile.
    pub(super) fn with<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        f: impl FnOnce(&Pkcs11, &Session) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = Arc::clone(self);
        self.module.call(operation, move |context| {
            let session = this.borrow(context)?;
            f(context, &session).map_err(|e| this.looked_at(e, &session))
        })
    }

    /// Calls with a session, and once more where it turns out to be lost.
    pub(super) fn with_retry<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        f: impl Fn(&Session) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let generation = self.generation();
        let first = f.clone();
        match self.with(operation, move |_, session| first(session)) {
            Err(e) if is_lost(&e) => {
                self.recover(generation, e)?;
                self.with(operation, move |_, session| f(session))
            }
            outcome => outcome,
        }
    }

    /// Calls with a session of its own that may write to the token.
    pub(super) fn with_write<T: Send + 'static>(
        self: &Arc<Self>,
        operation: &'static str,
        f: impl FnOnce(&Session) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let this = Arc::clone(self);
        self.module.call(operation, move |context| {
            // The login lives as long as a session does: the first one stays open meanwhile.
            let kept = this.borrow(context)?;
            let session = context.open_rw_session(slot(this.slot())?).map_err(|e| failed(operation, &e))?;
            let outcome = f(&session);
            drop(session);
            drop(kept);
            outcome
        })
    }

    fn borrow(&self, context: &Pkcs11) -> Result<Borrowed<'_>, Error> {
        let mut life = self.life();
        loop {
            if let Some(end) = &life.end {
                return Err(end.error());
            }
            let (number, generation) = (life.slot, life.generation);
            if let Some(session) = life.idle.pop() {
                life.out += 1;
                return Ok(Borrowed { shared: self, session: Some(session), generation });
            }
            drop(life);
            let opened = context.open_ro_session(slot(number)?);
            life = self.life();
            match opened {
                Ok(session) => {
                    life.out += 1;
                    return Ok(Borrowed { shared: self, session: Some(session), generation });
                }
                // The token has no more of them: those that are out come back.
                Err(CallError::Pkcs11(RvError::SessionCount, _)) if life.out > 0 && life.idle.is_empty() => {
                    life.waiting += 1;
                    life = self.returned.wait(life).unwrap_or_else(PoisonError::into_inner);
                    life.waiting -= 1;
                }
                Err(CallError::Pkcs11(RvError::SessionCount, _)) if !life.idle.is_empty() => {}
                Err(e) => return Err(failed("open session", &e)),
            }
        }
    }

    /// Some drivers have one code for everything: whether the session or the
    /// login is lost behind it is asked of the session.
    fn looked_at(&self, error: Error, session: &Session) -> Error {
        let Error::Token(e) = &error else { return error };
        if !matches!(e.fault(), TokenFault::Other | TokenFault::Vendor(_)) {
            return error;
        }
        match session.get_session_info() {
            Ok(info) if self.is_public() || is_logged_in(info.session_state()) => error,
            _ => e.clone().with_fault(TokenFault::SessionLost).into(),
        }
    }

    /// Opens the session and logs in, with one try.
    fn start(self: &Arc<Self>, token: &Token, pin: Option<RawAuthPin>) -> Result<(), Error> {
        let user = !self.is_public();
        if user {
            self.check(token)?;
        }
        let pin = match pin {
            None => self.ask(token, false)?,
            pin => pin,
        };
        let (this, number) = (Arc::clone(self), token.slot());
        self.module.call("log in", move |context| {
            let session = context.open_ro_session(slot(number)?).map_err(|e| failed("open session", &e))?;
            if user && let Err(e) = log_in(&session, UserType::User, pin.as_ref()) {
                this.login_failed(context, number, &e)?;
            }
            this.install(session, number);
            Ok(())
        })
    }

    /// Takes up a session, where this process is logged in still.
    fn resume(self: &Arc<Self>, token: &Token) -> Result<bool, Error> {
        let (this, number) = (Arc::clone(self), token.slot());
        self.module.call("open session", move |context| {
            let session = context.open_ro_session(slot(number)?).map_err(|e| failed("open session", &e))?;
            let info = session.get_session_info().map_err(|e| failed("read session", &e))?;
            let good = this.is_public() || is_logged_in(info.session_state());
            if good {
                this.install(session, number);
            }
            Ok(good)
        })
    }

    fn install(&self, session: Session, slot: u64) {
        let mut life = self.life();
        life.slot = slot;
        life.generation += 1;
        let old = std::mem::replace(&mut life.idle, vec![session]);
        drop(life);
        drop(old);
    }

    /// What the token's flags say before a PIN is tried.
    fn check(&self, token: &Token) -> Result<(), Error> {
        login::check(token, self.final_try, matches!(self.again, Again::OnDevice))
    }

    /// The PIN from whom it is to be asked; `None` where the device asks itself.
    fn ask(&self, token: &Token, for_one_signature: bool) -> Result<Option<RawAuthPin>, Error> {
        match &self.again {
            Again::Ask(ask) => {
                let request = PinRequest { token, for_one_signature };
                raw(&ask(&request).ok_or(SecretError::Cancelled)?, token).map(Some)
            }
            Again::Kept(pin) => match &*pin.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(pin) => raw(pin, token).map(Some),
                None => Err(SecretError::Missing { what: token.name().into() }.into()),
            },
            Again::OnDevice | Again::Public => Ok(None),
            Again::Never => {
                let what =
                    format!("{}, whose key wants the PIN for each signature (log in with a callback)", token.name());
                Err(SecretError::Missing { what: what.into() }.into())
            }
        }
    }

    /// The PIN for one signature (`CKA_ALWAYS_AUTHENTICATE`), after a look at the flags.
    pub(super) fn ask_for_signature(&self) -> Result<Option<RawAuthPin>, Error> {
        let slot = slot(self.slot())?;
        let token = self.module.call("read token", move |context| module::token(context, slot))?;
        let token = token.ok_or_else(|| TokenError::new("read token", "it is gone").with_fault(TokenFault::Removed))?;
        self.check(&token)?;
        self.ask(&token, true)
    }

    fn forget_pin(&self) {
        if let Again::Kept(pin) = &self.again {
            *pin.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// What a login means that was refused for one signature.
    pub(super) fn signature_login_failed(&self, context: &Pkcs11, error: &CallError) -> Error {
        self.login_failed(context, self.slot(), error).err().unwrap_or_else(|| failed("log in", error))
    }

    /// What a refused login means.
    fn login_failed(&self, context: &Pkcs11, number: u64, error: &CallError) -> Result<(), Error> {
        let what = self.token.name().into();
        let CallError::Pkcs11(code, _) = error else { return Err(failed("log in", error)) };
        if !matches!(code, RvError::UserAlreadyLoggedIn) {
            self.forget_pin();
        }
        Err(match code {
            RvError::UserAlreadyLoggedIn => return Ok(()),
            RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange => {
                let token = module::token(context, slot(number)?).ok().flatten();
                SecretError::Wrong { what, tries: token.map(|token| token.pin_tries()) }.into()
            }
            RvError::PinLocked => SecretError::Locked { what }.into(),
            RvError::PinExpired => SecretError::MustChange { what }.into(),
            RvError::FunctionCanceled | RvError::Cancel => SecretError::Cancelled.into(),
            _ => failed("log in", error),
        })
    }

    /// Makes the sessions again that were lost with `error`: finds the token, in
    /// whatever slot, and logs in once, if that is needed and there is somebody
    /// to ask for the PIN. Of several threads one does it for all.
    pub(super) fn recover(self: &Arc<Self>, generation: u64, error: Error) -> Result<(), Error> {
        let _alone = self.recovery.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let life = self.life();
            if let Some(end) = &life.end {
                return Err(end.error());
            }
            if life.generation != generation {
                return Ok(());
            }
        }
        trace::event("session lost");
        self.close_idle()?;
        let token = self.find_again()?;
        if self.resume(&token)? {
            trace::event("session made again");
            return Ok(());
        }
        if matches!(self.again, Again::Never) {
            return Err(error);
        }
        let started = self.start(&token, None);
        match &started {
            Err(Error::Secret(e)) => self.life().end = Some(End::Refused(e.clone())),
            Err(Error::Token(e)) if e.fault() != TokenFault::Removed => {
                self.life().end = Some(End::Failed(e.clone()));
            }
            _ => {}
        }
        started?;
        trace::event("logged in again");
        Ok(())
    }

    fn close_idle(self: &Arc<Self>) -> Result<(), Error> {
        let this = Arc::clone(self);
        self.module.call("close sessions", move |_| {
            let idle = std::mem::take(&mut this.life().idle);
            drop(idle);
            Ok(())
        })
    }

    /// The token by its serial number and label, waited for if that was asked for.
    fn find_again(self: &Arc<Self>) -> Result<Token, Error> {
        let mut waited = Duration::ZERO;
        loop {
            let tokens = match self.module.tokens() {
                Err(Error::Token(e)) if e.fault() == TokenFault::SessionLost => {
                    // The host finalized the module behind our back.
                    let this = Arc::clone(self);
                    self.module
                        .call("initialize module", move |context| this.module.loaded().initialize_again(context))?;
                    self.module.tokens()?
                }
                tokens => tokens?,
            };
            let same = |t: &Token| t.serial() == self.token.serial() && t.label() == self.token.label();
            let mut fitting: Vec<Token> = tokens.into_iter().filter(same).collect();
            match (fitting.pop(), fitting.is_empty()) {
                (Some(token), true) => return Ok(token),
                (Some(_), false) => {
                    let text = format!("several tokens are called {} and have its serial number", self.token.name());
                    return Err(Misuse::new(text).into());
                }
                (None, _) if waited >= self.wait => {
                    let text = format!("{} is no longer there; put it in", self.token.name());
                    return Err(TokenError::new("find token", text).with_fault(TokenFault::Removed).into());
                }
                (None, _) if self.module.patience().is_cancelled() => {
                    let error = TokenError::new("find token", "it was called off");
                    return Err(error.with_fault(TokenFault::Cancelled).into());
                }
                (None, _) => {
                    std::thread::sleep(LOOK);
                    waited += LOOK;
                }
            }
        }
    }

    /// Ends the sessions and logs out.
    pub(super) fn log_out(self: &Arc<Self>) -> Result<(), Error> {
        self.forget_pin();
        let this = Arc::clone(self);
        self.module.call("log out", move |context| {
            let session = this.borrow(context).ok().and_then(|mut borrowed| borrowed.session.take());
            let mut life = this.life();
            life.end = Some(End::LoggedOut);
            let others = std::mem::take(&mut life.idle);
            drop(life);
            let outcome = match &session {
                Some(session) if !this.is_public() => match session.logout() {
                    // Nothing to log out of, or the token is gone.
                    Err(e) if is_lost(&failed("log out", &e)) => Ok(()),
                    outcome => outcome.map_err(|e| failed("log out", &e)),
                },
                _ => Ok(()),
            };
            drop((session, others));
            outcome
        })
    }
}

impl Deref for Borrowed<'_> {
    type Target = Session;

    #[allow(clippy::expect_used)] // taken by the drop alone, and by a logout that uses it no more
    fn deref(&self) -> &Session {
        self.session.as_ref().expect("a session until it is put back")
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let mut life = self.shared.life();
        life.out = life.out.saturating_sub(1);
        let good = life.generation == self.generation && life.end.is_none() && !std::thread::panicking();
        let mut session = self.session.take();
        if good {
            life.idle.extend(session.take());
        }
        // To wake nobody is a call of the system too.
        let waited_for = life.waiting > 0;
        drop(life);
        if waited_for {
            self.shared.returned.notify_one();
        }
        drop(session);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let idle = std::mem::take(&mut self.life.get_mut().unwrap_or_else(PoisonError::into_inner).idle);
        self.module.loaded().login_ends();
        if idle.is_empty() || is_worker() {
            return;
        }
        // Waited for, so that nothing of it is under way when the process ends. Where
        // the driver hangs, it keeps them: sessions are not for this thread to close.
        let idle = Closing(idle);
        let _ = self.module.call("close sessions", move |_| {
            drop(idle.take());
            Ok(())
        });
    }
}

/// Sessions that are closed where they are taken, and else forgotten.
struct Closing(Vec<Session>);

impl Closing {
    fn take(mut self) -> Vec<Session> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        std::mem::forget(std::mem::take(&mut self.0));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("token", &self.token).finish_non_exhaustive()
    }
}

/// The PIN as the module takes it. An empty one would be a try, or ask for a PIN pad.
fn raw(pin: &Pin, token: &Token) -> Result<RawAuthPin, Error> {
    if pin.expose_octets().is_empty() {
        return Err(SecretError::Missing { what: token.name().into() }.into());
    }
    Ok(RawAuthPin::new(Box::new(pin.expose_octets().to_vec())))
}

/// `C_Login`; without a PIN the device asks for it.
pub(super) fn log_in(session: &Session, user: UserType, pin: Option<&RawAuthPin>) -> Result<(), CallError> {
    match pin {
        Some(pin) => session.login_with_raw(user, pin),
        None => session.login(user, None),
    }
}

pub(super) const fn is_logged_in(state: SessionState) -> bool {
    matches!(state, SessionState::RoUser | SessionState::RwUser)
}

/// Whether the token was pulled, or something else ended the session or the login.
pub(super) const fn is_lost(error: &Error) -> bool {
    match error {
        Error::Token(e) => {
            matches!(e.fault(), TokenFault::Removed | TokenFault::SessionLost | TokenFault::Device)
        }
        _ => false,
    }
}
