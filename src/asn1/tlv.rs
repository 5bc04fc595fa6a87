//! A walk over DER that keeps exact octets and offsets.

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

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
        let Some(header) = Header::read(self.rest) else {
            return Err(self.fault(field, "a value in DER (single-octet tag, definite minimal length)"));
        };
        let Length::Definite(length) = header.length else {
            return Err(self.fault(field, "a definite length"));
        };
        let end = header.octets.saturating_add(length);
        let (Some(raw), true) = (self.rest.get(..end), header.minimal) else {
            return Err(self.fault(field, "a minimal length that ends inside its container"));
        };
        let tlv =
            Tlv { tag: header.tag, raw, content: raw.get(header.octets..).unwrap_or_default(), offset: self.offset };
        self.rest = self.rest.get(end..).unwrap_or_default();
        self.offset += end as u64;
        Ok(tlv)
    }

    /// The next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8, field: &'static str) -> Result<Tlv<'a>, Error> {
        match self.peek() {
            Some(found) if found == tag => self.any(field),
            Some(found) => Err(Malformed::new(self.format, field, format!("tag {tag:#04x}"))
                .found(format_args!("tag {found:#04x}"))
                .at(self.offset)
                .into()),
            None => Err(self.fault(field, "a value, not the end")),
        }
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8, field: &'static str) -> Result<Option<Tlv<'a>>, Error> {
        if self.peek() == Some(tag) { self.expect(tag, field).map(Some) } else { Ok(None) }
    }

    /// Fails unless everything was read.
    pub(crate) fn end(&self, field: &'static str) -> Result<(), Error> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.fault(field, "nothing more")) }
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A fault at the place where the reader stands.
    pub(crate) fn fault(&self, field: &'static str, expected: &'static str) -> Error {
        Malformed::new(self.format, field, expected).at(self.offset).into()
    }
}

/// The length octets of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Definite(usize),
    Indefinite,
}

/// Identifier and length octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub(super) tag: u8,
    /// Octets of identifier and length.
    pub(super) octets: usize,
    pub(super) length: Length,
    /// The length is written as DER wants it.
    pub(super) minimal: bool,
}

impl Header {
    /// `None` where the input ends, the tag has several octets, or the length does not fit a `usize`.
    pub(super) fn read(input: &[u8]) -> Option<Self> {
        let (&tag, rest) = input.split_first()?;
        if tag & 0x1F == 0x1F {
            return None;
        }
        let (&first, rest) = rest.split_first()?;
        if first < 0x80 {
            return Some(Self { tag, octets: 2, length: Length::Definite(usize::from(first)), minimal: true });
        }
        if first == 0x80 {
            return Some(Self { tag, octets: 2, length: Length::Indefinite, minimal: false });
        }
        let count = usize::from(first & 0x7F);
        let octets = rest.get(..count)?;
        // BER allows leading zeros in a length; they count for nothing.
        let significant = octets.iter().skip_while(|b| **b == 0);
        let mut length = 0usize;
        for &b in significant {
            length = length.checked_mul(256)?.checked_add(usize::from(b))?;
        }
        let minimal = length >= 0x80 && octets.first() != Some(&0);
        Some(Self { tag, octets: 2 + count, length: Length::Definite(length), minimal })
    }
}

impl<'a> Tlv<'a> {
    /// A reader over the content, with offsets of the outermost input.
    pub(crate) fn reader(&self, format: Format) -> Reader<'a> {
        let header = self.raw.len() - self.content.len();
        Reader { rest: self.content, offset: self.offset + header as u64, format }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_those_of_the_outermost_input() {
        let input = [0x30, 0x06, 0x02, 0x01, 0x05, 0x04, 0x01, 0xAA];
        let mut outer = Reader::new(&input, Format::Asn1);
        let mut inner = outer.expect(0x30, "outer").unwrap().reader(Format::Asn1);
        assert_eq!(inner.expect(0x02, "number").unwrap().content, [5]);
        let octets = inner.optional(0x04, "octets").unwrap().unwrap();
        assert_eq!((octets.offset, octets.content), (5, &[0xAA][..]));
        inner.end("inner").unwrap();
        outer.end("outer").unwrap();
    }

    #[test]
    fn refuses_what_der_forbids() {
        for bad in [
            &[0x30, 0x80, 0, 0][..],
            &[0x04, 0x81, 0x01, 0xAA],
            &[0x04, 0x82, 0x00, 0x80],
            &[0x04, 0x02, 0xAA],
            &[0x1F, 0x21, 0x00],
            &[0x04, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0x04],
            &[],
        ] {
            assert!(Reader::new(bad, Format::Asn1).any("value").is_err(), "{bad:02x?}");
        }
    }
}
