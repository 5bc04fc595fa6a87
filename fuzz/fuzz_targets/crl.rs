//! Every entry of a CRL.
#![no_main]

use kyso::x509::Crl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(crl) = Crl::from_file(data) {
        for entry in crl.entries() {
            let _ = entry;
        }
    }
});
