//! Where a PIN comes from, and what a login may do.

use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use super::token::Token;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::PinTries;
use crate::error::SecretError;
use crate::secret::Pin;

/// How to log in to a token.
///
/// The PIN is tried exactly once. The token's flags are read before: at a
/// final try nothing is tried unless [`allow_final_try`](Self::allow_final_try)
/// says so, and a locked PIN is never tried.
pub struct Login {
    pub(super) source: PinSource,
    pub(super) final_try: bool,
    pub(super) wait: Duration,
}

pub(super) enum PinSource {
    Value(Pin),
    Kept(Pin),
    Callback(Arc<Ask>),
    OnDevice,
    Public,
}

/// Where a PIN comes from after the first one is spent.
pub(super) enum Again {
    Ask(Arc<Ask>),
    /// Until it turns out to be wrong, or the session ends.
    Kept(Mutex<Option<Pin>>),
    OnDevice,
    Public,
    /// It was a value, and was wiped.
    Never,
}

type Ask = dyn Fn(&PinRequest<'_>) -> Option<Pin> + Send + Sync;

/// What a PIN is asked for, to be shown to the person who enters it.
#[derive(Debug)]
pub struct PinRequest<'a> {
    pub(super) token: &'a Token,
    pub(super) for_one_signature: bool,
}

impl PinRequest<'_> {
    /// The token, as it showed itself just before.
    #[must_use]
    pub const fn token(&self) -> &Token {
        self.token
    }

    /// What the token tells of the tries that are left.
    #[must_use]
    pub const fn tries(&self) -> PinTries {
        self.token.pin_tries()
    }

    /// Whether the PIN is for one signature alone (`CKA_ALWAYS_AUTHENTICATE`).
    #[must_use]
    pub const fn is_for_one_signature(&self) -> bool {
        self.for_one_signature
    }
}

impl Login {
    /// With this PIN, which is wiped after its one try.
    #[must_use]
    pub const fn with_pin(pin: Pin) -> Self {
        Self::from_source(PinSource::Value(pin))
    }

    /// With this PIN, which stays in memory for as long as the session, and is
    /// used again where a token was pulled and put back, and for keys that want
    /// it for each signature.
    ///
    /// For services that nobody sits before. It is wiped with the session, at
    /// [`logout`](super::TokenSession::logout), and as soon as it turns out to be wrong.
    #[must_use]
    pub const fn with_kept_pin(pin: Pin) -> Self {
        Self::from_source(PinSource::Kept(pin))
    }

    /// With a PIN that is asked for when it is needed; `None` cancels.
    ///
    /// It is asked again where the token wants a PIN for each signature, and
    /// once where a token was pulled and put back.
    #[must_use]
    pub fn with_callback(ask: impl Fn(&PinRequest<'_>) -> Option<Pin> + Send + Sync + 'static) -> Self {
        Self::from_source(PinSource::Callback(Arc::new(ask)))
    }

    /// On the device's own PIN pad.
    #[must_use]
    pub const fn on_device() -> Self {
        Self::from_source(PinSource::OnDevice)
    }

    /// Without a login: only what the token shows to everybody.
    #[must_use]
    pub const fn public() -> Self {
        Self::from_source(PinSource::Public)
    }

    const fn from_source(source: PinSource) -> Self {
        Self { source, final_try: false, wait: Duration::ZERO }
    }

    /// How long a token that was pulled in the middle of the work is waited for.
    ///
    /// Without this a signature fails at once, and the next one looks for the token again.
    #[must_use]
    pub const fn wait_for_token(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Tries the PIN even where the token reports that a wrong one locks it.
    #[must_use]
    pub const fn allow_final_try(mut self) -> Self {
        self.final_try = true;
        self
    }
}

impl From<Pin> for Login {
    fn from(pin: Pin) -> Self {
        Self::with_pin(pin)
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            PinSource::Value(_) => "a PIN",
            PinSource::Kept(_) => "a kept PIN",
            PinSource::Callback(_) => "a callback",
            PinSource::OnDevice => "the device",
            PinSource::Public => "none",
        };
        f.debug_struct("Login").field("source", &source).field("final_try", &self.final_try).finish_non_exhaustive()
    }
}

/// Whether the token's flags let a PIN be tried.
pub(super) fn check(token: &Token, final_try: bool, on_device: bool) -> Result<(), Error> {
    let what = token.name().into();
    match token.pin_tries() {
        PinTries::Locked => Err(SecretError::Locked { what }.into()),
        PinTries::FinalTry if !final_try => Err(SecretError::FinalTry { what }.into()),
        _ if token.must_change_pin() => Err(SecretError::MustChange { what }.into()),
        _ if on_device && !token.has_pin_pad() => {
            Err(Misuse::new(format!("{what} has no PIN pad; give the PIN")).into())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::label::Label;
    use super::*;

    fn token() -> Token {
        let label = |text: &str| Label::new(text.as_bytes().to_vec());
        Token {
            slot: 0,
            label: label("t"),
            manufacturer: label("m"),
            model: label("o"),
            serial: label("1"),
            initialized: true,
            login_required: true,
            pin_initialized: true,
            pin_pad: false,
            write_protected: false,
            pin_to_be_changed: false,
            pin_tries: PinTries::NoWarning,
        }
    }

    #[test]
    fn flags_hold_a_pin_back() {
        let with = |tries| Token { pin_tries: tries, ..token() };
        for final_try in [false, true] {
            for open in [PinTries::NoWarning, PinTries::CountLow] {
                assert!(check(&with(open), final_try, false).is_ok());
            }
            let locked = check(&with(PinTries::Locked), final_try, false);
            assert!(matches!(locked, Err(Error::Secret(SecretError::Locked { .. }))));
            let last = check(&with(PinTries::FinalTry), final_try, false);
            assert_eq!(last.is_ok(), final_try);
            assert!(final_try || matches!(last, Err(Error::Secret(SecretError::FinalTry { .. }))));
        }
        let old = check(&Token { pin_to_be_changed: true, ..token() }, true, false);
        assert!(matches!(old, Err(Error::Secret(SecretError::MustChange { .. }))));
        assert!(matches!(check(&token(), true, true), Err(Error::Misuse(_))));
        assert!(check(&Token { pin_pad: true, ..token() }, false, true).is_ok());
    }
}
