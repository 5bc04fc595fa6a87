//! Versions, status numbers and the error object.

use std::ffi::c_char;
use std::ptr;

use super::boundary;
use crate::error::Error;

/// How a call ended: 0, or who can do something about it.
pub type KysoStatus = i32;

/// Done.
pub const KYSO_STATUS_OK: KysoStatus = 0;
/// The input does not have the form that its format demands.
pub const KYSO_STATUS_MALFORMED: KysoStatus = 10;
/// The input asks for something that the library does not do.
pub const KYSO_STATUS_UNSUPPORTED: KysoStatus = 11;
/// The input exceeds a limit; it may be hostile.
pub const KYSO_STATUS_LIMIT_EXCEEDED: KysoStatus = 12;
/// The call is wrong: a null pointer, a number out of range, a contradiction.
pub const KYSO_STATUS_MISUSE: KysoStatus = 20;
/// The document or a policy forbids it; nothing was written.
pub const KYSO_STATUS_REFUSED: KysoStatus = 30;
/// A password or PIN is missing or wrong. It was tried once.
pub const KYSO_STATUS_SECRET: KysoStatus = 40;
/// A token, its module or its driver failed.
pub const KYSO_STATUS_TOKEN: KysoStatus = 41;
/// A service on the network could not be used.
pub const KYSO_STATUS_FETCH: KysoStatus = 50;
/// A file could not be read or written.
pub const KYSO_STATUS_IO: KysoStatus = 60;
/// A fault of the library. Handles of the call should only be freed.
pub const KYSO_STATUS_INTERNAL: KysoStatus = 90;

/// What went wrong, for the log.
#[derive(Debug)]
pub struct KysoError {
    status: KysoStatus,
    message: String,
}

impl KysoError {
    pub(super) fn new(error: &Error) -> Self {
        let mut message = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self { status: status_of(error), message }
    }

    pub(super) fn internal() -> Self {
        Self { status: KYSO_STATUS_INTERNAL, message: "a fault of the library; please report it".to_owned() }
    }

    pub(super) const fn status(&self) -> KysoStatus {
        self.status
    }
}

const fn status_of(error: &Error) -> KysoStatus {
    match error {
        Error::Malformed(_) => KYSO_STATUS_MALFORMED,
        Error::Unsupported(_) => KYSO_STATUS_UNSUPPORTED,
        Error::LimitExceeded(_) => KYSO_STATUS_LIMIT_EXCEEDED,
        Error::Misuse(_) => KYSO_STATUS_MISUSE,
        Error::Refused(_) => KYSO_STATUS_REFUSED,
        Error::Secret(_) => KYSO_STATUS_SECRET,
        Error::Token(_) => KYSO_STATUS_TOKEN,
        Error::Fetch(_) => KYSO_STATUS_FETCH,
        Error::Io(_) => KYSO_STATUS_IO,
    }
}

/// The version of this ABI. It rises when something here changes its meaning or
/// goes away; a wrapper refuses any other than that which it was written for.
#[unsafe(no_mangle)]
pub extern "C" fn kyso_abi_version() -> u32 {
    1
}

/// The version of the library, such as "0.1.0"; a string that ends in zero and is never freed.
#[unsafe(no_mangle)]
pub extern "C" fn kyso_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The status that came with the error; KYSO_STATUS_OK for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_error_status(error: *const KysoError) -> KysoStatus {
    // SAFETY: null, or a handle of ours that the caller has not freed.
    unsafe { error.as_ref() }.map_or(KYSO_STATUS_OK, KysoError::status)
}

/// The message in English, UTF-8, without an end of zero; its length goes to
/// `length` unless that is null. It lives as long as the error. Null for null.
///
/// It never holds a secret, and may hold names and text of the input.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_error_message(error: *const KysoError, length: *mut usize) -> *const u8 {
    // SAFETY: null, or a handle of ours that the caller has not freed.
    let message = unsafe { error.as_ref() }.map(|e| e.message.as_bytes());
    if !length.is_null() {
        // SAFETY: not null, so the caller's to write to.
        unsafe { length.write(message.map_or(0, <[u8]>::len)) };
    }
    message.map_or(ptr::null(), <[u8]>::as_ptr)
}

/// Frees an error.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_error_free(error: *mut KysoError) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(error) };
}
