//! What every entry goes through: pointers in, results out, panics stopped.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use super::status::KYSO_STATUS_OK;
use super::status::KysoError;
use super::status::KysoStatus;
use crate::error::Error;
use crate::error::Misuse;

/// Runs the body of an entry.
///
/// Unwind safety is asserted: what a panic may leave half changed is a handle
/// that the status tells the caller to free.
///
/// # Safety
/// `error` is null, or the caller's to write to.
pub(super) unsafe fn call(error: *mut *mut KysoError, body: impl FnOnce() -> Result<(), Error>) -> KysoStatus {
    let object = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return KYSO_STATUS_OK,
        Ok(Err(e)) => KysoError::new(&e),
        Err(payload) => {
            // Dropping it could panic again.
            std::mem::forget(payload);
            KysoError::internal()
        }
    };
    let status = object.status();
    if !error.is_null() {
        // SAFETY: not null, so the caller's to write to.
        unsafe { error.write(Box::into_raw(Box::new(object))) };
    }
    status
}

/// Runs an entry that cannot fail; a panic gives `fallback`.
pub(super) fn value<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        std::mem::forget(payload);
        fallback
    })
}

/// The caller's octets, for as long as the call.
///
/// # Safety
/// `data` is null, or valid for `length` octets during the call.
pub(super) unsafe fn octets<'a>(data: *const u8, length: usize, what: &str) -> Result<&'a [u8], Error> {
    match (data.is_null(), length) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Misuse::new(format!("{what}: null with a length of {length}")).into()),
        (false, _) if isize::try_from(length).is_err() => {
            Err(Misuse::new(format!("{what}: a length of {length} is beyond all memory")).into())
        }
        // SAFETY: not null, valid for `length` octets by the caller's word, and
        // of a length that a slice may have.
        (false, _) => Ok(unsafe { std::slice::from_raw_parts(data, length) }),
    }
}

/// The caller's text, for as long as the call.
///
/// # Safety
/// As [`octets`].
pub(super) unsafe fn text<'a>(data: *const u8, length: usize, what: &str) -> Result<&'a str, Error> {
    // SAFETY: the caller's word is passed on.
    let octets = unsafe { octets(data, length, what) }?;
    std::str::from_utf8(octets)
        .map_err(|e| Misuse::new(format!("{what}: not UTF-8 at octet {}", e.valid_up_to())).into())
}

/// A handle that is read.
///
/// # Safety
/// `handle` is null, or one of ours that is not freed during the call.
pub(super) unsafe fn borrow<'a, T>(handle: *const T, what: &str) -> Result<&'a T, Error> {
    // SAFETY: null is told apart; else one of ours by the caller's word.
    unsafe { handle.as_ref() }.ok_or_else(|| null(what))
}

/// A handle that is changed.
///
/// # Safety
/// As [`borrow`], and no other thread uses it during the call.
pub(super) unsafe fn borrow_mut<'a, T>(handle: *mut T, what: &str) -> Result<&'a mut T, Error> {
    // SAFETY: null is told apart; else one of ours, and used by nobody else, by the caller's word.
    unsafe { handle.as_mut() }.ok_or_else(|| null(what))
}

/// Where a handle is to go; checked before the work is done.
pub(super) struct Out<T>(*mut *mut T);

impl<T> Out<T> {
    /// # Safety
    /// `place` is null, or the caller's to write to during the call.
    pub(super) unsafe fn new(place: *mut *mut T, what: &str) -> Result<Self, Error> {
        if place.is_null() { Err(null(what)) } else { Ok(Self(place)) }
    }

    pub(super) fn put(self, value: T) {
        // SAFETY: not null, and the caller's to write to, by the word given to `new`.
        unsafe { self.0.write(Box::into_raw(Box::new(value))) };
    }
}

/// Takes a handle back.
///
/// # Safety
/// `handle` is null, or one of ours that is given back here and used no more.
pub(super) unsafe fn release<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: it came out of `Box::into_raw` in `Out::put` or `call`.
        let owned = unsafe { Box::from_raw(handle) };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(owned))) {
            std::mem::forget(payload);
        }
    }
}

fn null(what: &str) -> Error {
    Misuse::new(format!("{what}: null")).into()
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::super::status::KYSO_STATUS_INTERNAL;
    use super::super::status::KYSO_STATUS_MISUSE;
    use super::super::status::kyso_error_free;
    use super::super::status::kyso_error_message;
    use super::super::status::kyso_error_status;
    use super::*;

    #[test]
    fn a_panic_becomes_a_status() {
        let mut error = ptr::null_mut();
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        // SAFETY: the place is a local variable.
        let status = unsafe { call(&raw mut error, || panic!("inside")) };
        std::panic::set_hook(quiet);
        assert_eq!(status, KYSO_STATUS_INTERNAL);
        // SAFETY: the error came from above, and is freed once.
        unsafe {
            assert_eq!(kyso_error_status(error), KYSO_STATUS_INTERNAL);
            assert!(!kyso_error_message(error, ptr::null_mut()).is_null());
            kyso_error_free(error);
        }
    }

    #[test]
    fn null_is_told_and_never_followed() {
        // SAFETY: null and empty are what these functions are asked about.
        unsafe {
            assert!(octets(ptr::null(), 0, "a").unwrap().is_empty());
            assert!(octets(ptr::null(), 1, "a").is_err());
            assert!(octets(b"a".as_ptr(), usize::MAX, "a").is_err());
            assert!(text([0xFFu8].as_ptr(), 1, "a").unwrap_err().to_string().contains("UTF-8"));
            assert!(borrow(ptr::null::<u8>(), "a").is_err());
            assert!(borrow_mut(ptr::null_mut::<u8>(), "a").is_err());
            assert!(Out::new(ptr::null_mut::<*mut u8>(), "a").is_err());
            release(ptr::null_mut::<u8>());
            let status = call(ptr::null_mut(), || Err(Misuse::new("no place for it").into()));
            assert_eq!(status, KYSO_STATUS_MISUSE);
            let mut length = 9;
            assert!(kyso_error_message(ptr::null(), &raw mut length).is_null());
            assert_eq!(length, 0);
        }
    }
}
