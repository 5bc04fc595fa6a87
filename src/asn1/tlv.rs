//! A walk over DER that keeps exact octets and offsets.

use std::borrow::Cow;

use super::oid::Oid;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::time::Time;

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
        let tag = match self.peek() {
            Some(tag) if tag & 0x1F != 0x1F => tag,
            Some(tag) => {
                return Err(self.malformed(field, "a tag of one octet").found(format_args!("{tag:#04x}")).into());
            }
            None => return Err(self.malformed(field, "a value").found("the end").into()),
        };
        let (header, len) = match definite(self.rest.get(1..).unwrap_or(&[])) {
            Ok((octets, len)) => (1 + octets, len),
            Err(found) => return Err(self.malformed(field, "a definite length in minimal form").found(found).into()),
        };
        let total = header.checked_add(len).filter(|total| *total <= self.rest.len());
        let Some((raw, rest)) = total.and_then(|total| self.rest.split_at_checked(total)) else {
            let left = self.rest.len().saturating_sub(header);
            return Err(self.malformed(field, format!("{len} octets of content")).found(format_args!("{left}")).into());
        };
        let value = Tlv { tag, raw, content: raw.get(header..).unwrap_or(&[]), offset: self.offset };
        self.rest = rest;
        self.offset += raw.len() as u64;
        Ok(value)
    }

    /// The next value, which must have this tag.
    pub(crate) fn expect(&mut self, tag: u8, field: &'static str) -> Result<Tlv<'a>, Error> {
        match self.peek() {
            Some(found) if found == tag => self.any(field),
            Some(found) => {
                Err(self.malformed(field, format!("tag {tag:#04x}")).found(format_args!("tag {found:#04x}")).into())
            }
            None => Err(self.malformed(field, format!("tag {tag:#04x}")).found("the end").into()),
        }
    }

    /// The next value if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8, field: &'static str) -> Result<Option<Tlv<'a>>, Error> {
        if self.peek() == Some(tag) { self.expect(tag, field).map(Some) } else { Ok(None) }
    }

    /// Fails unless everything was read.
    pub(crate) fn end(&self, field: &'static str) -> Result<(), Error> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(self.malformed(field, "the end").found(format_args!("{n} octets more")).into()),
        }
    }

    /// What was not read yet.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A fault at the place where the reader stands.
    pub(crate) fn fault(&self, field: &'static str, expected: &'static str) -> Error {
        self.malformed(field, expected).into()
    }

    fn malformed(&self, field: &'static str, expected: impl Into<Cow<'static, str>>) -> Malformed {
        Malformed::new(self.format, field, expected).at(self.offset)
    }
}

/// A definite length in minimal form: its own octets, and its value.
pub(super) fn definite(octets: &[u8]) -> Result<(usize, usize), &'static str> {
    let first = *octets.first().ok_or("the end")?;
    let n = match first {
        0..=0x7F => return Ok((1, usize::from(first))),
        0x80 => return Err("an indefinite length"),
        _ => usize::from(first & 0x7F),
    };
    let value = octets.get(1..=n).ok_or("the end")?;
    if value.first() == Some(&0) {
        return Err("a leading zero");
    }
    if n > size_of::<usize>() {
        return Err("a length beyond all memory");
    }
    let len = value.iter().fold(0, |len, b| len << 8 | usize::from(*b));
    if len < 0x80 { Err("a long form where the short one fits") } else { Ok((1 + n, len)) }
}

impl<'a> Tlv<'a> {
    /// A reader over the content, with offsets of the outermost input.
    pub(crate) fn reader(&self, format: Format) -> Reader<'a> {
        let header = self.raw.len() - self.content.len();
        Reader { rest: self.content, offset: self.offset + header as u64, format }
    }

    /// The content as `INTEGER`, minimal (X.690 §8.3.2).
    pub(crate) fn integer(&self, format: Format, field: &'static str) -> Result<&'a [u8], Error> {
        match self.content {
            [] | [0, 0..=0x7F, ..] | [0xFF, 0x80..=0xFF, ..] => {
                Err(self.fault(format, field, "a minimal INTEGER").into())
            }
            content => Ok(content),
        }
    }

    /// The content as an INTEGER from 0 to `u32::MAX`.
    pub(crate) fn small(&self, format: Format, field: &'static str) -> Result<u32, Error> {
        let content = self.integer(format, field)?;
        let value = match content {
            [0x80..=0xFF, ..] => None,
            [0, rest @ ..] if rest.len() == 4 => Some(rest),
            _ if content.len() <= 4 => Some(content),
            _ => None,
        };
        value
            .map(|octets| octets.iter().fold(0, |n, b| n << 8 | u32::from(*b)))
            .ok_or_else(|| self.fault(format, field, "an INTEGER from 0 to 4294967295").into())
    }

    /// The content as an object identifier.
    pub(crate) fn oid(&self, format: Format, field: &'static str) -> Result<Oid, Error> {
        Oid::from_content(self.content)
            .ok_or_else(|| self.fault(format, field, "an object identifier of at most 39 octets").into())
    }

    /// The content as a BIT STRING of whole octets.
    pub(crate) fn bit_octets(&self, format: Format, field: &'static str) -> Result<&'a [u8], Error> {
        match self.content {
            [0, octets @ ..] => Ok(octets),
            _ => Err(self.fault(format, field, "a BIT STRING of whole octets").into()),
        }
    }

    /// The content as a BIT STRING of named bits; bit 0 is the lowest, bits from 16 on are left out.
    pub(crate) fn flags(&self, format: Format, field: &'static str) -> Result<u16, Error> {
        let fault = || self.fault(format, field, "a BIT STRING");
        let (unused, octets) = self.content.split_first().ok_or_else(fault)?;
        if *unused > 7 || (octets.is_empty() && *unused != 0) {
            return Err(fault().into());
        }
        let octet = |i: usize| octets.get(i).map_or(0, |b| u16::from(b.reverse_bits()));
        let bits = u32::try_from(octets.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(u32::from(*unused));
        let kept = 1u32.checked_shl(bits.min(16)).unwrap_or(0).wrapping_sub(1);
        Ok((octet(0) | octet(1) << 8) & u16::try_from(kept & 0xFFFF).unwrap_or(0))
    }

    /// The content as BOOLEAN; BER's other values of true are taken (X.690 §8.2.2).
    pub(crate) fn boolean(&self, format: Format, field: &'static str) -> Result<bool, Error> {
        match self.content {
            [value] => Ok(*value != 0),
            _ => Err(self.fault(format, field, "a BOOLEAN of one octet").into()),
        }
    }

    /// The value as UTCTime or GeneralizedTime, whichever its tag says.
    ///
    /// A zone other than `Z`, which RFC 5280 §4.1.2.5 forbids and some old
    /// certificates have, is read for what it says.
    pub(crate) fn time(&self, format: Format, field: &'static str) -> Result<Time, Error> {
        let fault = || self.fault(format, field, "a UTCTime or GeneralizedTime");
        let utc = match self.tag {
            0x17 => true,
            0x18 => false,
            _ => return Err(fault().found(format_args!("tag {:#04x}", self.tag)).into()),
        };
        let time = Time::parse_asn1(self.content, utc).or_else(|| zoned(self.content, utc));
        time.ok_or_else(|| fault().found(format_args!("{:?}", String::from_utf8_lossy(self.content))).into())
    }

    /// A fault of this value.
    pub(crate) fn fault(&self, format: Format, field: &'static str, expected: &'static str) -> Malformed {
        Malformed::new(format, field, expected).at(self.offset)
    }
}

fn zoned(text: &[u8], utc: bool) -> Option<Time> {
    let (local, zone) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let (sign, digits) = zone.split_first()?;
    let digits = std::str::from_utf8(digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let (hours, minutes) = (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..)?.parse::<i64>().ok()?);
    let east = match sign {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let time = Time::parse_asn1(&[local, b"Z"].concat(), utc)?;
    Some(Time::from_unix(time.unix() - east * (hours * 3_600 + minutes * 60))?.with_nanos(time.nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(der: &[u8]) -> Result<Tlv<'_>, Error> {
        Reader::new(der, Format::Asn1).any("test")
    }

    #[test]
    fn lengths_must_be_definite_and_minimal() {
        assert_eq!(one(b"\x04\x01A").unwrap().content, b"A");
        let mut long = vec![0x04, 0x81, 0x80];
        long.extend([7; 128]);
        assert_eq!(one(&long).unwrap().content.len(), 128);
        for bad in [
            &b"\x04\x81\x01A"[..],
            b"\x04\x82\x00\x80",
            b"\x30\x80\x00\x00",
            b"\x04\x02A",
            b"\x04\x84\xFF\xFF\xFF\xFF",
            b"\x04\x88\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF",
            b"\x04\xFF",
            b"\x04",
            b"",
            b"\x1F\x81\x01\x00",
        ] {
            assert!(one(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn offsets_are_those_of_the_outermost_input() {
        let der = b"\x30\x06\x02\x01\x05\x04\x01A";
        let mut inner = one(der).unwrap().reader(Format::Asn1);
        assert_eq!(inner.expect(0x02, "n").unwrap().offset, 2);
        let error = inner.expect(0x05, "null").unwrap_err().to_string();
        assert_eq!(error, "malformed ASN.1: null at offset 5: expected tag 0x05, found tag 0x04");
        assert!(inner.end("more").is_err());
        assert_eq!(inner.any("text").unwrap().offset, 5);
        assert!(inner.end("end").is_ok());
    }

    #[test]
    fn named_bits_come_lowest_first() {
        let flags = |der: &[u8]| one(der).unwrap().flags(Format::Asn1, "bits").ok();
        assert_eq!(flags(b"\x03\x02\x05\xA0"), Some(0b101));
        assert_eq!(flags(b"\x03\x03\x07\x00\x80"), Some(1 << 8));
        assert_eq!(flags(b"\x03\x02\x07\xFF"), Some(1)); // padding bits do not count
        assert_eq!(flags(b"\x03\x01\x00"), Some(0));
        assert_eq!(flags(b"\x03\x05\x00\x01\x00\xFF\xFF"), Some(1 << 7));
        assert_eq!(flags(b"\x03\x02\x08\x80"), None);
        assert_eq!(flags(b"\x03\x01\x01"), None);
        assert_eq!(flags(b"\x03\x00"), None);
    }

    #[test]
    fn integers_are_minimal_and_bounded() {
        let small = |der: &[u8]| one(der).unwrap().small(Format::Asn1, "n").ok();
        assert_eq!(small(b"\x02\x01\x7F"), Some(127));
        assert_eq!(small(b"\x02\x02\x00\x80"), Some(128));
        assert_eq!(small(b"\x02\x05\x00\xFF\xFF\xFF\xFF"), Some(u32::MAX));
        for bad in [&b"\x02\x00"[..], b"\x02\x02\x00\x7F", b"\x02\x01\x80", b"\x02\x05\x01\x00\x00\x00\x00"] {
            assert_eq!(small(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn zones_count() {
        let time = |tag: u8, text: &str| {
            Tlv { tag, raw: &[], content: text.as_bytes(), offset: 0 }
                .time(Format::Asn1, "t")
                .map(|t| t.to_string())
                .ok()
        };
        assert_eq!(time(0x17, "491231235959Z").as_deref(), Some("2049-12-31T23:59:59Z"));
        assert_eq!(time(0x17, "5001010000Z").as_deref(), Some("1950-01-01T00:00:00Z"));
        assert_eq!(time(0x18, "20260101000000+0700").as_deref(), Some("2025-12-31T17:00:00Z"));
        assert_eq!(time(0x17, "260101000000-0030").as_deref(), Some("2026-01-01T00:30:00Z"));
        for bad in ["20260101000000", "20260101000000+2400", "20260101000000+07", "+0700"] {
            assert_eq!(time(0x18, bad), None, "{bad}");
        }
        assert_eq!(time(0x16, "20260101000000Z"), None);
    }
}
