//! The reader with every payload; what is read without a remark is written again.
#![no_main]

use kyso::Limits;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Writer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut limits = Limits::default();
    limits.inflated_octets = 1 << 20;
    let source = data.to_vec();
    let Ok(envelope) = Envelope::read(&source, &limits) else { return };
    let check = envelope.check().expect("octets in memory can be read");
    for attachment in envelope.attachments() {
        let name = attachment.safe_file_name();
        assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']), "{name:?} is no file name");
    }
    let contents: Vec<_> =
        envelope.attachments().iter().map(|a| envelope.content(a).map_or_else(|_| Vec::new(), |(c, _)| c)).collect();
    let mut writer = Writer::new(envelope.message()).limits(&limits);
    for (attachment, content) in envelope.attachments().iter().zip(&contents) {
        let declared = attachment.declared();
        let [name, kind] = [&declared.name, &declared.content_type].map(|text| text.clone().unwrap_or_default());
        writer = writer.enclose(Enclosure::new(name, kind, content));
    }
    match writer.to_vec() {
        Ok(text) => {
            let again = Envelope::read(&text, &limits).expect("what was written is read");
            assert_eq!(again.message(), envelope.message());
            assert!(again.findings().is_empty(), "{:?}", again.findings());
        }
        Err(e) => assert!(!check.findings.is_empty(), "refused without a remark of the reader: {e}"),
    }
});
