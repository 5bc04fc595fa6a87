//! Status numbers and the error object.

use std::ffi::c_char;

use crate::error::Error;
use crate::error::SecretError;

/// The outcome of a call: 0, or a number whose tens tell who can do something about it.
pub type KysoStatus = i32;

/// Done.
pub const KYSO_STATUS_OK: KysoStatus = 0;
/// The input does not have the form that its format demands.
pub const KYSO_STATUS_MALFORMED: KysoStatus = 10;
/// The input asks for something that the library does not do.
pub const KYSO_STATUS_UNSUPPORTED: KysoStatus = 11;
/// A limit was reached; the input may be hostile.
pub const KYSO_STATUS_LIMIT: KysoStatus = 12;
/// The call contradicts itself, or a pointer that must not be `NULL` was.
pub const KYSO_STATUS_MISUSE: KysoStatus = 20;
/// The document or a policy forbids it; nothing was written.
pub const KYSO_STATUS_REFUSED: KysoStatus = 30;
/// A password or PIN is missing or wrong.
pub const KYSO_STATUS_SECRET: KysoStatus = 40;
/// A PIN is locked.
pub const KYSO_STATUS_LOCKED: KysoStatus = 41;
/// A token, its module or its driver answered with an error.
pub const KYSO_STATUS_TOKEN: KysoStatus = 42;
/// A service on the network could not be used.
pub const KYSO_STATUS_FETCH: KysoStatus = 50;
/// A file could not be read or written.
pub const KYSO_STATUS_IO: KysoStatus = 60;
/// A fault of the library; the handle that was in use must not be used again.
pub const KYSO_STATUS_INTERNAL: KysoStatus = 90;

/// What went wrong, in words. Freed with `kyso_error_free`.
#[derive(Debug)]
pub struct KysoError {
    status: KysoStatus,
    message: String,
}

impl KysoError {
    pub(super) fn internal() -> Self {
        Self { status: KYSO_STATUS_INTERNAL, message: "internal error: the library panicked".to_owned() }
    }

    pub(super) const fn status(&self) -> KysoStatus {
        self.status
    }
}

impl From<Error> for KysoError {
    fn from(e: Error) -> Self {
        let status = match &e {
            Error::Malformed(_) => KYSO_STATUS_MALFORMED,
            Error::Unsupported(_) => KYSO_STATUS_UNSUPPORTED,
            Error::LimitExceeded(_) => KYSO_STATUS_LIMIT,
            Error::Misuse(_) => KYSO_STATUS_MISUSE,
            Error::Refused(_) => KYSO_STATUS_REFUSED,
            Error::Secret(SecretError::Locked { .. }) => KYSO_STATUS_LOCKED,
            Error::Secret(_) => KYSO_STATUS_SECRET,
            Error::Token(_) => KYSO_STATUS_TOKEN,
            Error::Fetch(_) => KYSO_STATUS_FETCH,
            Error::Io(_) => KYSO_STATUS_IO,
        };
        let mut message = e.to_string();
        if let Some(source) = std::error::Error::source(&e) {
            message = format!("{message}: {source}");
        }
        Self { status, message }
    }
}

/// The version of the library, NUL-terminated, never freed.
#[unsafe(no_mangle)]
pub extern "C" fn kyso_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The version of this interface. A wrapper written for another one must not go on.
#[unsafe(no_mangle)]
pub extern "C" fn kyso_abi_version() -> u32 {
    1
}

/// The status number of an error; that of a `NULL` is `KYSO_STATUS_OK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_error_status(error: *const KysoError) -> KysoStatus {
    // SAFETY: `NULL`, or an error object of this library that is not freed.
    unsafe { error.as_ref() }.map_or(KYSO_STATUS_OK, KysoError::status)
}

/// The message of an error: UTF-8, `*length` octets, valid until the error is freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_error_message(error: *const KysoError, length: *mut usize) -> *const u8 {
    // SAFETY: `NULL`, or an error object of this library that is not freed.
    let message = unsafe { error.as_ref() }.map_or("", |e| e.message.as_str());
    // SAFETY: `NULL`, or a place that the caller may write.
    if let Some(length) = unsafe { length.as_mut() } {
        *length = message.len();
    }
    message.as_ptr()
}

/// Frees an error; `NULL` is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_error_free(error: *mut KysoError) {
    // SAFETY: `NULL`, or an error object of this library that is not freed yet.
    unsafe { super::boundary::free(error) }
}
