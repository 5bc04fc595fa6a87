//! BER in, DER out: what is DER stays as it is, and the outcome is DER.
#![no_main]

use kyso::Limits;
use kyso::asn1;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let limits = Limits::default();
    if let Ok((der, _)) = asn1::to_der(data, &limits) {
        let again = asn1::to_der(&der, &limits).expect("DER is BER");
        assert_eq!(again.0, der, "transcoding is idempotent");
    }
});
