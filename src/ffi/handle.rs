//! Octets that the library hands out.

use crate::ffi::boundary;

/// Octets handed out. Freed with `kyso_bytes_free`.
#[derive(Debug)]
pub struct KysoBytes(pub(super) Vec<u8>);

/// Where the octets begin; valid until they are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_bytes_data(bytes: *const KysoBytes) -> *const u8 {
    // SAFETY: `NULL` or a live handle.
    unsafe { bytes.as_ref() }.map_or(std::ptr::null(), |b| b.0.as_ptr())
}

/// How many they are.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_bytes_length(bytes: *const KysoBytes) -> usize {
    // SAFETY: `NULL` or a live handle.
    unsafe { bytes.as_ref() }.map_or(0, |b| b.0.len())
}

/// Frees octets; `NULL` is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_bytes_free(bytes: *mut KysoBytes) {
    // SAFETY: `NULL`, or octets of this library that are not freed yet.
    unsafe { boundary::free(bytes) }
}
