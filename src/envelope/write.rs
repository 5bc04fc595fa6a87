//! Writing: strict, and the same octets for the same message.
//!
//! The writer has no rules of its own. It sets the message out as text, with a
//! stand-in for each payload, gives that to the reader, and refuses what the reader
//! remarks on. So the two cannot drift apart.

use std::cell::OnceCell;
use std::fmt;
use std::io::Write;

use crate::container::LARGEST;
use crate::crypto::Backend;
use crate::envelope::emit::Text;
use crate::envelope::model::Declared;
use crate::envelope::model::Message;
use crate::envelope::pack::Measured;
use crate::envelope::pack::put;
use crate::envelope::read::Envelope;
use crate::error::Error;
use crate::error::IoError;
use crate::error::Misuse;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::source::Source;
use crate::time::Time;

/// Writes one message: UTF-8, `edXML` in the default namespace, the prefix `edXML:` inside of
/// the envelope and none on the attachments, elements in the order of the national
/// kit. National receivers look at all of that.
///
/// Every attachment becomes a ZIP of one file, in base64 on one line. The file is named after its
/// content (a UUID of version 8 from its SHA-256) and carries no time, so that
/// a message written again is the same octet for octet.
#[derive(Debug)]
pub struct Writer<'a> {
    message: &'a Message,
    enclosures: Vec<Enclosure<'a>>,
    limits: Limits,
    backend: Backend,
    now: Option<Time>,
    /// What was found of the contents, so that each is digested once.
    measured: OnceCell<Vec<Measured>>,
}

/// A file to enclose in a message.
pub struct Enclosure<'a> {
    name: String,
    content_type: String,
    description: Option<String>,
    content: &'a dyn Source,
}

impl fmt::Debug for Enclosure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enclosure").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Enclosure<'a> {
    /// A file by the name that receivers see, its type (`application/pdf`) and its octets.
    #[must_use]
    pub fn new(name: impl Into<String>, content_type: impl Into<String>, content: &'a dyn Source) -> Self {
        Self { name: name.into(), content_type: content_type.into(), description: None, content }
    }

    /// Adds a description, which receivers see beside the name.
    #[must_use]
    pub fn described(mut self, description: impl Into<String>) -> Self {
        self.description = Some(description.into());
        self
    }
}

impl<'a> Writer<'a> {
    /// A writer of this message, strict: it refuses what the reader would remark on.
    #[must_use]
    pub fn new(message: &'a Message) -> Self {
        Self {
            message,
            enclosures: Vec::new(),
            limits: Limits::default(),
            backend: Backend::default(),
            now: None,
            measured: OnceCell::new(),
        }
    }

    /// Encloses a file; the manifest follows the order of the calls.
    #[must_use]
    pub fn enclose(mut self, enclosure: Enclosure<'a>) -> Self {
        self.enclosures.push(enclosure);
        self.measured = OnceCell::new();
        self
    }

    /// Refuses a promulgation after `now` too.
    #[must_use]
    pub const fn at(mut self, now: Time) -> Self {
        self.now = Some(now);
        self
    }

    /// Refuses what a reader with these limits would not take, instead of one with the defaults. Contents
    /// larger than `inflated_octets` are stored, not deflated: no reader has to fear that they unfold.
    #[must_use]
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.limits = limits.clone();
        self
    }

    /// Digests the contents by this backend.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// Every remark for which [`write`](Self::write) would refuse, with field and rule: all that is to
    /// be mended, at once. The contents are read to name them, and nothing is written.
    ///
    /// # Errors
    /// What the sources report.
    pub fn findings(&self) -> Result<Vec<Finding>, Error> {
        Ok(self.plan()?.findings)
    }

    /// Writes the message; memory does not grow with the attachments.
    ///
    /// Each content is read twice: once for its digest and CRC, which stand before it in the message
    /// (unless [`findings`](Self::findings) was asked before), and once to be written. A source that changes in between is an error, and what `out` took until then is
    /// no message.
    ///
    /// # Errors
    /// [`Error::Misuse`] names each field and the rule that it breaks, before
    /// anything is written; else what the source or `out` reports.
    pub fn write(&self, out: &mut dyn Write) -> Result<(), Error> {
        let plan = self.plan()?;
        if !plan.findings.is_empty() {
            return Err(refusal(&plan.findings).into());
        }
        let mut pieces = plan.text.pieces.iter();
        for ((piece, enclosure), measured) in pieces.by_ref().zip(&self.enclosures).zip(self.measured()?) {
            put(out, piece.as_bytes())?;
            measured.write(&enclosure.name, enclosure.content, self.limits.inflated_octets, out)?;
        }
        let tail = plan.text.pieces.last().map(String::as_bytes).unwrap_or_default();
        put(out, tail)?;
        out.flush().map_err(|e| IoError::new("write", "the message", e).into())
    }

    /// The message whole, in memory.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn to_vec(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        self.write(&mut out)?;
        Ok(out)
    }

    fn plan(&self) -> Result<Plan, Error> {
        let mut findings = Vec::new();
        let mut declared = Vec::with_capacity(self.enclosures.len());
        for (place, (enclosure, content)) in self.enclosures.iter().zip(self.measured()?).enumerate() {
            if enclosure.content.len() > LARGEST {
                let message = format!("{} octets; a ZIP takes {LARGEST}", enclosure.content.len());
                findings.push(Finding::error("ATTACHMENT_TOO_LARGE", message).at(&enclosure.name));
            }
            declared.push(Declared {
                content_id: content.content_id(place),
                name: Some(enclosure.name.clone()),
                content_type: Some(enclosure.content_type.clone()),
                description: enclosure.description.clone(),
            });
        }
        let mut text = Text::of(self.message, &declared);
        findings.append(&mut text.findings);
        // What stands there is no XML: the reader could only say so once more.
        if findings.is_empty() {
            // The payloads themselves break no rule, but they must be there.
            findings = self.remarks(&text.pieces.join("AAAA"));
        }
        Ok(Plan { text, findings })
    }

    fn measured(&self) -> Result<&[Measured], Error> {
        if let Some(known) = self.measured.get() {
            return Ok(known);
        }
        let all: Result<_, _> = self.enclosures.iter().map(|e| Measured::of(e.content, self.backend)).collect();
        let all = all?;
        Ok(self.measured.get_or_init(|| all))
    }

    /// What the reader says of the message.
    fn remarks(&self, text: &str) -> Vec<Finding> {
        let source = text.as_bytes().to_vec();
        match Envelope::read_with(&source, &self.limits, self.now) {
            Ok(envelope) => {
                let mut findings = envelope.findings().to_vec();
                if findings.is_empty() && envelope.message() != self.message {
                    // No case is known, and sending something else than was asked for is the worst of all.
                    findings.push(Finding::error("MESSAGE_DIFFERS", "the message would not be read as it was stated"));
                }
                findings
            }
            Err(e) => vec![Finding::error("MESSAGE_UNREADABLE", e.to_string())],
        }
    }
}

struct Plan {
    text: Text,
    findings: Vec<Finding>,
}

/// The refusal, gravest fault first.
fn refusal(findings: &[Finding]) -> Misuse {
    const MOST: usize = 5;
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|f| std::cmp::Reverse(f.severity()));
    let mut lines: Vec<String> = sorted.iter().take(MOST).map(|f| line(f)).collect();
    if findings.len() > MOST {
        lines.push(format!("and {} more", findings.len() - MOST));
    }
    Misuse::new(format!("the message breaks the rules: {}", lines.join("; ")))
}

fn line(finding: &Finding) -> String {
    // The caller has not seen the text, so that the line in it says nothing.
    let place = finding.place().map(|p| p.rsplit_once(", line ").map_or(p, |(path, _)| path));
    format!("{}: {} [{}]", place.unwrap_or("the message"), finding.message(), finding.code())
}
