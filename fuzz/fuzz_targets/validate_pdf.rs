//! The whole validation of a PDF, and everything that can be made of its report.
#![no_main]

use kyso::Limits;
use kyso::Time;
use kyso::pdf::Pdf;
use kyso::trust::TrustAnchors;
use kyso::validate::Language;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Validator;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(pdf) = Pdf::parse(data.to_vec(), &Limits::default()) else { return };
    let at = Time::parse_rfc3339("2026-11-23T11:00:00+07:00").expect("a time");
    let report = Validator::new(&Policy::etsi(), &TrustAnchors::none(), at).pdf(&pdf);
    // Nothing leads to an anchor where there is none.
    assert_ne!(report.overall(), Overall::TotalPassed);
    let _ = (report.to_json(), report.to_etsi_xml());
    let _ = (report.to_text(Language::Vietnamese), report.to_text(Language::English));
});
