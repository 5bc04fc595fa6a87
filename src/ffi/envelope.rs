//! edXML messages.

use std::ptr::NonNull;

use super::boundary;
use super::boundary::Out;
use super::bytes::KysoBytes;
use super::status::KysoError;
use super::status::KysoStatus;
use crate::envelope::Attachment;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::error::Misuse;
use crate::limits::Limits;

/// A message that was read.
#[derive(Debug)]
pub struct KysoEnvelope {
    // Declared before the octets that it borrows, so that it is dropped before them.
    envelope: Envelope<'static>,
    _octets: Octets,
}

/// Octets at a place that stays while a message borrows them. A pointer, since
/// a `Box` that moves would take the octets away from whoever borrows them.
#[derive(Debug)]
struct Octets(NonNull<Vec<u8>>);

impl Octets {
    fn new(octets: Vec<u8>) -> Self {
        Self(NonNull::from(Box::leak(Box::new(octets))))
    }
}

impl Drop for Octets {
    fn drop(&mut self) {
        // SAFETY: it came from a box in `new`, and the only borrower was dropped before.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

impl KysoEnvelope {
    fn open(octets: &[u8]) -> Result<Self, Error> {
        let octets = Octets::new(octets.to_vec());
        // SAFETY: the place lives until `octets` is dropped and nobody writes to
        // it; the envelope that borrows it is dropped first, here on an error
        // and in the struct by the order of its fields, and never moved out of it.
        let source: &'static Vec<u8> = unsafe { octets.0.as_ref() };
        Ok(Self { envelope: Envelope::read(source, &Limits::default())?, _octets: octets })
    }

    fn attachment(&self, index: usize) -> Result<&Attachment, Error> {
        let all = self.envelope.attachments();
        let missing = || Misuse::new(format!("attachment {index}: the message has {}", all.len()));
        Ok(all.get(index).ok_or_else(missing)?)
    }
}

/// Reads a message; its octets are copied. The payloads of attachments are not unpacked yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_envelope_open(
    message: *const u8,
    message_length: usize,
    envelope: *mut *mut KysoEnvelope,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let envelope = Out::new(envelope, "envelope")?;
            envelope.put(KysoEnvelope::open(boundary::octets(message, message_length, "message")?)?);
            Ok(())
        })
    }
}

/// How many attachments there are; 0 for null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_envelope_attachment_count(envelope: *const KysoEnvelope) -> usize {
    // SAFETY: null, or a handle of ours that the caller has not freed.
    let envelope = unsafe { envelope.as_ref() };
    boundary::value(0, || envelope.map_or(0, |e| e.envelope.attachments().len()))
}

/// A file name for an attachment, UTF-8, that leads into no other folder.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_envelope_attachment_name(
    envelope: *const KysoEnvelope,
    index: usize,
    name: *mut *mut KysoBytes,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let name = Out::new(name, "name")?;
            let attachment = boundary::borrow(envelope, "envelope")?.attachment(index)?;
            name.put(KysoBytes(attachment.safe_file_name().as_bytes().to_vec()));
            Ok(())
        })
    }
}

/// The octets of an attachment, unpacked. Their signatures are not judged by this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_envelope_attachment_content(
    envelope: *const KysoEnvelope,
    index: usize,
    content: *mut *mut KysoBytes,
    error: *mut *mut KysoError,
) -> KysoStatus {
    // SAFETY: the pointers are as the module's rules say.
    unsafe {
        boundary::call(error, || {
            let content = Out::new(content, "content")?;
            let envelope = boundary::borrow(envelope, "envelope")?;
            let (octets, _) = envelope.envelope.content(envelope.attachment(index)?)?;
            content.put(KysoBytes(octets));
            Ok(())
        })
    }
}

/// Frees a message.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kyso_envelope_free(envelope: *mut KysoEnvelope) {
    // SAFETY: null, or a handle of ours that the caller gives back.
    unsafe { boundary::release(envelope) };
}
