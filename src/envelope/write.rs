//! Writing: strict, and the same octets for the same message.

use crate::envelope::model::Message;
use crate::error::Error;
use crate::error::Format;
use crate::error::Unsupported;
use crate::source::Source;

/// Writes one message.
#[derive(Debug)]
pub struct Writer<'a> {
    message: &'a Message,
    enclosures: Vec<Enclosure<'a>>,
}

/// A file to enclose in a message.
pub struct Enclosure<'a> {
    name: String,
    content_type: String,
    description: Option<String>,
    content: &'a dyn Source,
}

impl std::fmt::Debug for Enclosure<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Enclosure").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<'a> Enclosure<'a> {
    /// A file by the name that receivers see, its type (`application/pdf`) and its octets.
    #[must_use]
    pub fn new(name: impl Into<String>, content_type: impl Into<String>, content: &'a dyn Source) -> Self {
        Self { name: name.into(), content_type: content_type.into(), description: None, content }
    }
}

impl<'a> Writer<'a> {
    /// A writer of this message, strict: it refuses what the reader would remark on.
    #[must_use]
    pub const fn new(message: &'a Message) -> Self {
        Self { message, enclosures: Vec::new() }
    }

    /// Encloses a file; the manifest follows the order of the calls.
    #[must_use]
    pub fn enclose(mut self, enclosure: Enclosure<'a>) -> Self {
        self.enclosures.push(enclosure);
        self
    }

    /// Writes the message.
    ///
    /// # Errors
    /// [`Error::Misuse`] names the field and the rule that it breaks, before
    /// anything is written; else what the source or `out` reports.
    pub fn write(&self, out: &mut dyn std::io::Write) -> Result<(), Error> {
        let _ = out;
        Err(Unsupported::new(Format::Envelope, "writing").into())
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
}
