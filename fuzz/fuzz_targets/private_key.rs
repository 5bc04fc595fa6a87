//! Key files.
#![no_main]

use kyso::crypto::PrivateKey;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = PrivateKey::from_file(data, None);
});
