//! What a log sees of tokens: operations, mechanisms, durations and outcomes.
//!
//! Never what is signed, a PIN, a label, a name or a serial number: everything
//! that is recorded is a word or a number of this crate's own.

use crate::error::Error;

/// Makes one call of a module within a span, and tells how it ended.
#[cfg(feature = "tracing")]
pub(super) fn call<T>(
    operation: &'static str,
    mechanism: Option<&'static str>,
    f: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    let span = tracing::debug_span!(target: "kyso::token", "token_call", operation, mechanism);
    let entered = span.enter();
    #[allow(clippy::disallowed_methods)] // measures a device and decides nothing
    let begun = std::time::Instant::now();
    let result = f();
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    match &result {
        Ok(_) => tracing::debug!(target: "kyso::token", operation, mechanism, micros, outcome = "done"),
        Err(e) => tracing::warn!(target: "kyso::token", operation, mechanism, micros, outcome = outcome(e)),
    }
    drop(entered);
    result
}

/// Makes one call of a module.
#[cfg(not(feature = "tracing"))]
pub(super) fn call<T>(
    _operation: &'static str,
    _mechanism: Option<&'static str>,
    f: impl FnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    f()
}

/// Something that happened to a session.
#[cfg(feature = "tracing")]
pub(super) fn event(what: &'static str) {
    tracing::info!(target: "kyso::token", what);
}

/// Something that happened to a session.
#[cfg(not(feature = "tracing"))]
pub(super) const fn event(_what: &'static str) {}

/// An error by its kind: its text can hold labels and names.
#[cfg(feature = "tracing")]
const fn outcome(error: &Error) -> &'static str {
    use crate::error::SecretError;
    use crate::error::TokenFault;

    match error {
        Error::Secret(SecretError::Wrong { .. }) => "wrong PIN",
        Error::Secret(SecretError::Locked { .. }) => "PIN locked",
        Error::Secret(SecretError::FinalTry { .. }) => "final try refused",
        Error::Secret(SecretError::MustChange { .. }) => "PIN must be changed",
        Error::Secret(SecretError::Cancelled) => "PIN entry cancelled",
        Error::Secret(_) => "PIN missing",
        Error::Token(e) => match e.fault() {
            TokenFault::Removed => "token removed",
            TokenFault::SessionLost => "session lost",
            TokenFault::Device => "device error",
            TokenFault::Mechanism => "no mechanism",
            TokenFault::TooSlow => "too slow",
            TokenFault::Cancelled => "cancelled",
            TokenFault::Vendor(_) => "vendor error",
            TokenFault::Other => "token error",
        },
        Error::Misuse(_) => "misuse",
        Error::Refused(_) => "refused",
        _ => "error",
    }
}
