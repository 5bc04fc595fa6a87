//! The receiving office: opens the message and validates what is in it.

use std::error::Error;

use kyso::Limits;
use kyso::Time;
use kyso::envelope::Envelope;
use kyso::fetch;
use kyso::fetch::Fetch;
use kyso::pdf::Pdf;
use kyso::trust::TrustAnchors;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;

/// A file out of a message.
pub(crate) struct Received {
    /// A name that is safe to store it under.
    pub(crate) file_name: String,
    /// Its octets, as they were signed.
    pub(crate) octets: Vec<u8>,
    /// SHA-256, in hexadecimal.
    pub sha256: String,
}

/// Opens a message. The envelope proves nothing; what counts are the signatures in its attachments.
pub(crate) fn open(message: &[u8], now: Time) -> Result<(String, Vec<Received>), Box<dyn Error>> {
    let envelope = Envelope::read_at(&message, &Limits::default(), now)?;
    if let Some(finding) = envelope.findings().first() {
        return Err(format!("the message deviates from the rules: {finding}").into());
    }
    let document = envelope.message().document().ok_or("the message carries no document")?;
    let sender = document.from.name.as_deref().unwrap_or("?");
    let what = format!("{sender}, số {}/{}: {}", document.code.number, document.code.notation, document.subject);
    let mut files = Vec::new();
    for attachment in envelope.attachments() {
        let (octets, unpacked) = envelope.content(attachment)?;
        let file_name = attachment.safe_file_name().to_owned();
        files.push(Received { file_name, octets, sha256: unpacked.sha256.to_hex() });
    }
    Ok((what, files))
}

/// Validates a PDF: first by itself, then with what the report says could help,
/// until nothing is wanted that can be had.
pub(crate) fn validate(
    document: &[u8],
    anchors: &TrustAnchors,
    at: Time,
    network: &dyn Fetch,
) -> Result<Report, Box<dyn Error>> {
    let pdf = Pdf::parse(document, &Limits::default())?;
    let policy = Policy::etsi();
    let validation = Validator::new(&policy, anchors, at).gather(|validator| validator.pdf(&pdf));
    Ok(fetch::run(validation, network)?.report)
}
