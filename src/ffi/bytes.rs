//! Octets that come out.

use std::ptr;

use super::boundary;

/// Octets that belong to the library until they are freed.
#[derive(Debug)]
pub struct KysoBytes(pub(super) Vec<u8>);

/// The octets; they live as long as the handle. Null for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_bytes_data(bytes: *const KysoBytes) -> *const u8 {
    // SAFETY: null, or a handle of ours that the caller has not freed.
    unsafe { bytes.as_ref() }.map_or(ptr::null(), |b| b.0.as_ptr())
}

/// How many there are; 0 for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_bytes_length(bytes: *const KysoBytes) -> usize {
    // SAFETY: null, or a handle of ours that the caller has not freed.
    unsafe { bytes.as_ref() }.map_or(0, |b| b.0.len())
}

/// Frees octets.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_bytes_free(bytes: *mut KysoBytes) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(bytes) };
}
