//! PKCS#12 stores, under few rounds of key derivation.
#![no_main]

use kyso::Limits;
use kyso::key::soft::SoftKey;
use kyso::secret::Password;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut limits = Limits::default();
    limits.password_rounds = 2_000;
    let _ = SoftKey::from_pkcs12(data, &Password::new(""), &limits);
});
