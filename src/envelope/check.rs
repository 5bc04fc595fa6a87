//! The whole of a check: the message, its payloads, and what a caller made of each attachment.

use crate::crypto::Digest;
use crate::envelope::read::Attachment;
use crate::envelope::read::Envelope;
use crate::envelope::read::Packing;
use crate::error::Error;
use crate::error::Misuse;
use crate::finding::Finding;
use crate::finding::Severity;

/// What `kyso envelope check` reports, apart from the validation of the attachments.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Check {
    /// `new`, `recall`, `update`, `replacement`, `status` or `unknown`.
    pub kind: &'static str,
    /// Every finding, those of the payloads included.
    pub findings: Vec<Finding>,
    /// The attachments, in document order.
    pub attachments: Vec<CheckedAttachment>,
}

/// An attachment whose payload was read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckedAttachment {
    /// The declared name.
    pub name: Option<String>,
    /// A name that is safe to store it under.
    pub file_name: String,
    /// The declared type, on which nothing can rely.
    pub content_type: Option<String>,
    /// What was read; `None` where the payload is damaged, which is then a finding.
    pub content: Option<CheckedContent>,
}

/// The content of an attachment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CheckedContent {
    /// Octets.
    pub size: u64,
    /// SHA-256, by which anything said of the content is bound to it.
    pub sha256: Digest,
    /// How it was packed.
    pub packing: Packing,
}

impl Check {
    /// The weightiest finding.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(Finding::severity).max()
    }
}

/// Takes the payloads of a message while they are decoded.
pub trait PayloadSink {
    /// The next octets of an attachment, in order.
    ///
    /// # Errors
    /// Ends the reading of the whole message.
    fn take(&mut self, attachment: &Attachment, octets: &[u8]) -> Result<(), Error>;

    /// The attachment has ended. Where it is not `whole`, its payload is damaged or too large, and what
    /// was taken of it has to be thrown away.
    ///
    /// # Errors
    /// Ends the reading of the whole message.
    fn end(&mut self, attachment: &Attachment, whole: bool) -> Result<(), Error>;
}

/// Throws everything away.
struct Nowhere;

impl PayloadSink for Nowhere {
    fn take(&mut self, _: &Attachment, _: &[u8]) -> Result<(), Error> {
        Ok(())
    }

    fn end(&mut self, _: &Attachment, _: bool) -> Result<(), Error> {
        Ok(())
    }
}

/// How many times the limit of one ZIP entry all entries of a message may unfold to
/// beyond what they take in it: a thousand small bombs are a large one.
const TOGETHER: u64 = 4;

impl Envelope<'_> {
    /// Reads every payload, in constant memory.
    ///
    /// # Errors
    /// Where the source cannot be read. A damaged payload is a finding.
    pub fn check(&self) -> Result<Check, Error> {
        self.check_into(&mut Nowhere)
    }

    /// As [`check`](Self::check), and gives every payload to `sink` in the same pass.
    ///
    /// # Errors
    /// As there, and what `sink` returns.
    pub fn check_into(&self, sink: &mut dyn PayloadSink) -> Result<Check, Error> {
        let mut findings = self.findings().to_vec();
        let mut attachments = Vec::with_capacity(self.attachments().len());
        let each = self.limits().inflated_octets;
        let mut left = each.saturating_mul(TOGETHER);
        for attachment in self.attachments() {
            let most = each.min(left.saturating_add(attachment.encoded()));
            // What the sink returns is no fault of the payload.
            let mut stopped = None;
            let unpacked = self.unpack_within(attachment, most, &mut |octets| {
                sink.take(attachment, octets).map_err(|e| {
                    let again = Error::from(Misuse::new("the sink has failed"));
                    stopped = Some(e);
                    again
                })
            });
            if let Some(e) = stopped {
                return Err(e);
            }
            let content = match unpacked {
                Ok(unpacked) => {
                    left = left.saturating_sub(unpacked.size.saturating_sub(attachment.encoded()));
                    // That there is no text at all, the reader has said.
                    if unpacked.size == 0 && unpacked.packing == Packing::Raw && attachment.encoded() > 0 {
                        let finding = Finding::error("ATTACHMENT_EMPTY", "the attachment has no content");
                        findings.push(finding.at(attachment.place()));
                    }
                    Some(CheckedContent { size: unpacked.size, sha256: unpacked.sha256, packing: unpacked.packing })
                }
                Err(e @ Error::Io(_)) => return Err(e),
                Err(e) => {
                    let code = match e {
                        Error::LimitExceeded(_) => "ATTACHMENT_TOO_LARGE",
                        _ => "ATTACHMENT_DAMAGED",
                    };
                    findings.push(Finding::error(code, e.to_string()).at(attachment.place()));
                    None
                }
            };
            sink.end(attachment, content.is_some())?;
            attachments.push(CheckedAttachment {
                name: attachment.declared().name.clone(),
                file_name: attachment.safe_file_name().to_owned(),
                content_type: attachment.declared().content_type.clone(),
                content,
            });
        }
        Ok(Check { kind: self.message().kind(), findings, attachments })
    }
}

#[cfg(feature = "serde")]
mod json {
    use serde_json::Value;
    use serde_json::json;

    use super::Check;
    use crate::envelope::read::Packing;
    use crate::error::Error;
    use crate::error::Format;
    use crate::error::Malformed;

    impl Check {
        /// The report as JSON. `validations` holds, for each attachment, the JSON of its
        /// validation, or nothing; missing ones stand as `null`.
        ///
        /// # Errors
        /// Where a validation is no JSON.
        pub fn to_json(&self, validations: &[Option<String>]) -> Result<String, Error> {
            let mut attachments = Vec::with_capacity(self.attachments.len());
            for (i, attachment) in self.attachments.iter().enumerate() {
                let validation = match validations.get(i).and_then(Option::as_deref) {
                    None => Value::Null,
                    Some(text) => serde_json::from_str(text)
                        .map_err(|e| Malformed::new(Format::State, "validation of an attachment", "JSON").found(e))?,
                };
                let content = attachment.content.as_ref();
                attachments.push(json!({
                    "name": attachment.name,
                    "file_name": attachment.file_name,
                    "type": attachment.content_type,
                    "size": content.map(|c| c.size),
                    "sha256": content.map(|c| c.sha256.to_hex()),
                    "packing": content.map(|c| match c.packing { Packing::Raw => "raw", Packing::Zip => "zip" }),
                    "validation": validation,
                }));
            }
            let findings: Vec<Value> = self
                .findings
                .iter()
                .map(|f| {
                    let (code, severity) = (f.code(), f.severity().name());
                    json!({ "code": code, "severity": severity, "message": f.message(), "where": f.place() })
                })
                .collect();
            Ok(json!({ "schema_version": 1, "kind": self.kind, "findings": findings, "attachments": attachments })
                .to_string())
        }
    }
}
