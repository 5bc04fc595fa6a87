//! OCSP responses.
#![no_main]

use kyso::x509::ocsp::OcspResponse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = OcspResponse::from_der(data);
});
