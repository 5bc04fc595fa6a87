//! The reader, the signature facts and the difference analysis.
#![no_main]

use kyso::Limits;
use kyso::pdf::Pdf;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(pdf) = Pdf::parse(data.to_vec(), &Limits::default()) else { return };
    let _ = pdf.findings();
    if let Ok(signatures) = pdf.signatures() {
        if let Ok(history) = pdf.history(&signatures) {
            for signature in &signatures {
                let _ = history.after(signature);
            }
        }
    }
});
