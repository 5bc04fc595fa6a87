//! Reading: lenient in what is taken, exact in what is told.

use crate::crypto::Digest;
use crate::envelope::model::Declared;
use crate::envelope::model::Message;
use crate::error::Error;
use crate::error::Format;
use crate::error::Unsupported;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::source::Source;
use crate::time::Time;

/// A message as it was received, over the octets that it was read from.
#[derive(Debug)]
pub struct Envelope<'s> {
    source: std::marker::PhantomData<&'s ()>,
    message: Message,
    manifest: Vec<Declared>,
    attachments: Vec<Attachment>,
    signature: Option<EnvelopeSignature>,
    unknown: Vec<UnknownElement>,
    findings: Vec<Finding>,
}

/// An attachment as the message declares it; its content stays in the source until it is [unpacked](Envelope::unpack).
#[derive(Clone, Debug)]
pub struct Attachment {
    declared: Declared,
}

/// How the payload of an attachment was packed, as its octets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// Base64 of the file itself.
    Raw,
    /// Base64 of a ZIP with one entry, which is the file.
    Zip,
}

/// What unpacking an attachment established.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unpacked {
    /// Octets of the file.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// How it was packed.
    pub packing: Packing,
}

/// The `Signature` element of an envelope: reported, never counted.
#[derive(Clone, Debug)]
pub struct EnvelopeSignature {
    octets: Vec<u8>,
}

/// An element that no rule knows.
#[derive(Clone, Debug)]
pub struct UnknownElement {
    octets: Vec<u8>,
}

impl<'s> Envelope<'s> {
    /// Reads a message; the payloads of its attachments are skipped over.
    ///
    /// # Errors
    /// Where the octets are no well-formed XML, carry a DTD or an entity, are
    /// no edXML, or exceed a limit. The older SOAP/MIME form is `Unsupported` by name.
    pub fn read(source: &'s dyn Source, limits: &Limits) -> Result<Self, Error> {
        let _ = (source, limits);
        Err(Unsupported::new(Format::Envelope, "reading").into())
    }

    /// As [`read`](Self::read), and remarks on dates after `at`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_at(source: &'s dyn Source, limits: &Limits, at: Time) -> Result<Self, Error> {
        let _ = at;
        Self::read(source, limits)
    }

    /// The content of the message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// What deviates from the rules, in document order.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the manifest declares.
    #[must_use]
    pub fn manifest(&self) -> &[Declared] {
        &self.manifest
    }

    /// The attachments, in document order.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// The `Signature` element, if there is one.
    #[must_use]
    pub const fn signature(&self) -> Option<&EnvelopeSignature> {
        self.signature.as_ref()
    }

    /// The elements that no rule knows.
    #[must_use]
    pub fn unknown(&self) -> &[UnknownElement] {
        &self.unknown
    }

    /// Decodes an attachment in constant memory, hands its octets to `sink` in
    /// order, and digests them in the same pass. Nothing that `sink` took may be
    /// relied on before this returns `Ok`.
    ///
    /// # Errors
    /// Where the payload is no base64, its ZIP is damaged or exceeds a limit,
    /// the source cannot be read, or `sink` fails.
    pub fn unpack(
        &self,
        attachment: &Attachment,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Unpacked, Error> {
        let _ = (attachment, sink);
        Err(Unsupported::new(Format::Envelope, "reading").into())
    }

    /// An attachment whole, in memory.
    ///
    /// # Errors
    /// As [`unpack`](Self::unpack).
    pub fn content(&self, attachment: &Attachment) -> Result<(Vec<u8>, Unpacked), Error> {
        let mut octets = Vec::new();
        let unpacked = self.unpack(attachment, &mut |part| {
            octets.extend_from_slice(part);
            Ok(())
        })?;
        Ok((octets, unpacked))
    }
}

impl Attachment {
    /// What the attachment declares of itself.
    #[must_use]
    pub const fn declared(&self) -> &Declared {
        &self.declared
    }
}

impl EnvelopeSignature {
    /// The element as it stands in the message.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

impl UnknownElement {
    /// The element as it stands in the message.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}
