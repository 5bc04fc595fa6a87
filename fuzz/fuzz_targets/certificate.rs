//! Every getter of a certificate.
#![no_main]

use kyso::x509::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(certificate) = Certificate::from_der(data) {
        assert_eq!(certificate.der(), data);
        let _ = format!("{certificate:?} {} {}", certificate.subject(), certificate.issuer());
    }
    let _ = Certificate::all_from_file(data);
});
