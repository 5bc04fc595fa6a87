//! Signing keys.

use super::boundary;
use super::boundary::Out;
use super::status::KysoError;
use super::status::KysoStatus;
use crate::key::SigningKey;
use crate::key::soft::SoftKey;
use crate::limits::Limits;
use crate::secret::Password;

/// A key with its certificate and chain.
#[allow(missing_debug_implementations)] // a key is never printed
pub struct KysoKey(pub(super) Box<dyn SigningKey>);

/// The one key of a PKCS#12 store. A store without a password has an empty one.
///
/// The password is copied and wiped after use; the caller wipes its own.
/// KYSO_STATUS_SECRET: the password is wrong, or the store was altered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_key_from_pkcs12(
    store: *const u8,
    store_length: usize,
    password: *const u8,
    password_length: usize,
    key: *mut *mut KysoKey,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let key = Out::new(key, "key")?;
            let store = boundary::octets(store, store_length, "store")?;
            let password = Password::from_octets(boundary::octets(password, password_length, "password")?);
            key.put(KysoKey(Box::new(SoftKey::from_pkcs12(store, &password, &Limits::default())?)));
            Ok(())
        })
    }
}

/// Frees a key and wipes it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_key_free(key: *mut KysoKey) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(key) };
}
