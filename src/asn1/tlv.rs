//! A walk over DER that keeps exact octets and offsets.

use crate::error::{Error, Format};

/// One value: tag octet, whole encoding, content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tlv<'a> {
    /// The identifier octet (multi-octet tags are refused; no PKIX structure has them).
    pub(crate) tag: u8,
    /// Identifier, length and content.
    pub(crate) raw: &'a [u8],
    /// Content octets.
    pub(crate) content: &'a [u8],
    /// Offset of `raw` in the input of the outermost reader.
    pub(crate) offset: u64,
}

/// Reads values one after the other. Lengths must be definite and minimal.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    offset: u64,
    format: Format,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(input: &'a [u8], format: Format) -> Self {
        Self { rest: input, offset: 0, format }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The tag octet of the next value, `None` at the end.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// The next value, whatever its tag.
    pub(crate) fn any(&mut self, field: &'static str) -> Result<Tlv<'a>, Error> {
        let _ = field;
        todo!("agent asn1")
    }

    /// The next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8, field: &'static str) -> Result<Tlv<'a>, Error> {
        let _ = (tag, field);
        todo!("agent asn1")
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8, field: &'static str) -> Result<Option<Tlv<'a>>, Error> {
        if self.peek() == Some(tag) { self.expect(tag, field).map(Some) } else { Ok(None) }
    }

    /// Fails unless everything was read.
    pub(crate) fn end(&self, field: &'static str) -> Result<(), Error> {
        let _ = field;
        todo!("agent asn1")
    }
}

impl<'a> Tlv<'a> {
    /// A reader over the content, with offsets of the outermost input.
    pub(crate) fn reader(&self, format: Format) -> Reader<'a> {
        let header = self.raw.len() - self.content.len();
        Reader { rest: self.content, offset: self.offset + header as u64, format }
    }
}
