//! The wrapper that every entry passes, and pointers in and out.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use crate::error::Error;
use crate::error::Misuse;
use crate::ffi::status::KYSO_STATUS_OK;
use crate::ffi::status::KysoError;
use crate::ffi::status::KysoStatus;

/// Runs the body of an entry: no panic leaves, an error becomes status and object.
///
/// # Safety
/// `error` is `NULL` or may be written.
pub(super) unsafe fn entry(error: *mut *mut KysoError, body: impl FnOnce() -> Result<(), Error>) -> KysoStatus {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return KYSO_STATUS_OK,
        Ok(Err(e)) => KysoError::from(e),
        Err(_) => KysoError::internal(),
    };
    let status = failure.status();
    if !error.is_null() {
        // SAFETY: the caller's promise.
        unsafe { error.write(Box::into_raw(Box::new(failure))) };
    }
    status
}

/// Octets lent for the call.
///
/// # Safety
/// `data` points to `length` octets that stay for `'a`, or is `NULL`.
pub(super) unsafe fn octets<'a>(data: *const u8, length: usize, what: &'static str) -> Result<&'a [u8], Error> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() || length > isize::MAX.unsigned_abs() {
        return Err(Misuse::new(format!("{what}: NULL with length {length}, or a length beyond the address space")).into());
    }
    // SAFETY: not NULL, of a possible length, and the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// Text lent for the call.
///
/// # Safety
/// As [`octets`].
pub(super) unsafe fn text<'a>(data: *const u8, length: usize, what: &'static str) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    let octets = unsafe { octets(data, length, what)? };
    std::str::from_utf8(octets)
        .map_err(|e| Misuse::new(format!("{what}: not UTF-8 at octet {}", e.valid_up_to())).into())
}

/// A handle lent for the call.
///
/// # Safety
/// `handle` is `NULL` or a live handle of this type.
pub(super) unsafe fn handle<'a, T>(handle: *const T, what: &'static str) -> Result<&'a T, Error> {
    // SAFETY: the caller's promise.
    unsafe { handle.as_ref() }.ok_or_else(|| Misuse::new(format!("{what}: NULL")).into())
}

/// A handle lent for a change.
///
/// # Safety
/// As [`handle`], and used by no other thread meanwhile.
pub(super) unsafe fn handle_mut<'a, T>(handle: *mut T, what: &'static str) -> Result<&'a mut T, Error> {
    // SAFETY: the caller's promise.
    unsafe { handle.as_mut() }.ok_or_else(|| Misuse::new(format!("{what}: NULL")).into())
}

/// A place for an output; it is asked for before any work is done.
///
/// # Safety
/// `place` is `NULL` or may be written.
pub(super) unsafe fn place<'a, T>(place: *mut T, what: &'static str) -> Result<&'a mut T, Error> {
    // SAFETY: the caller's promise; what stands there is overwritten, never read or dropped.
    unsafe { place.as_mut() }.ok_or_else(|| Misuse::new(format!("{what}: NULL")).into())
}

/// Hands a value out.
pub(super) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Takes a value back and drops it.
///
/// # Safety
/// `handle` is `NULL` or came from [`give`] and was not freed.
pub(super) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: the caller's promise. A panicking destructor must not cross either.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(handle) })));
    }
}
