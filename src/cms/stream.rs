//! Content that is too long for the memory: an attached SignedData is written
//! while its content is read, and read with its content left where it is.

use std::io::Write;
use std::ops::Range;

use super::oids;
use super::signed_data::SignedData;
use crate::asn1;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::Unsupported;
use crate::limits::Limits;
use crate::source::Source;

const FORMAT: Format = Format::Cms;

/// Octets that are read at a time.
const CHUNK: usize = 256 << 10;
/// Octets before and behind the content, which are held in memory.
const MOST_AROUND: u64 = 64 << 20;
/// Segments of an OCTET STRING in BER; OpenSSL writes one for each 4 thousand octets.
const MOST_SEGMENTS: usize = 4 << 20;
/// Octets that hold the identifier of a content type, and more.
const MOST_TYPE: usize = 256;

/// The content of an attached SignedData, where it stands.
///
/// In BER it may stand in segments; what is read here is the content without their headers.
pub struct AttachedContent<'s> {
    source: &'s dyn Source,
    /// Where each segment begins: in the content, and in the source.
    segments: Vec<(u64, u64)>,
    len: u64,
}

impl SignedData {
    /// Writes the SignedData with `content` inside, in DER, while the content is read.
    ///
    /// It has to be detached, and `content` is what its signers signed: that is not verified here.
    ///
    /// # Errors
    /// [`Error::Misuse`] where it has content; what reading and writing give.
    pub fn write_attached(&self, content: &dyn Source, out: &mut dyn Write) -> Result<(), Error> {
        if self.content().is_some() {
            return Err(Misuse::new("the SignedData has its content inside already").into());
        }
        let mut info = Reader::new(self.der(), FORMAT).expect(0x30, "ContentInfo")?.reader(FORMAT);
        let kind = info.expect(0x06, "contentType")?.raw;
        let mut parts = info.expect(0xA0, "content")?.reader(FORMAT).expect(0x30, "SignedData")?.reader(FORMAT);
        let before = [parts.expect(0x02, "version")?.raw, parts.expect(0x31, "digestAlgorithms")?.raw].concat();
        let mut encapsulated = parts.expect(0x30, "encapContentInfo")?.reader(FORMAT);
        let content_type = encapsulated.expect(0x06, "eContentType")?.raw;
        let behind = parts.rest();

        // From the inside out: each header needs the length of what follows it.
        let length = content.len();
        let octets = header(0x04, length);
        let explicit = header(0xA0, sum(&[octets.len() as u64, length]));
        let inner = [content_type.len() as u64, explicit.len() as u64, octets.len() as u64, length];
        let encapsulated = header(0x30, sum(&inner));
        let whole = sum(&[before.len() as u64, encapsulated.len() as u64, sum(&inner), behind.len() as u64]);
        let data = header(0x30, whole);
        let outer = header(0xA0, sum(&[data.len() as u64, whole]));
        let all = sum(&[kind.len() as u64, outer.len() as u64, data.len() as u64, whole]);
        let start = header(0x30, all);
        let head = [&start, kind, &outer, &data, &before, &encapsulated, content_type, &explicit, &octets].concat();
        put(out, &head)?;
        let mut buffer = vec![0; CHUNK];
        let mut offset = 0;
        while offset < length {
            let wanted = usize::try_from(length - offset).unwrap_or(CHUNK).min(CHUNK);
            let count = content.read_at(offset, buffer.get_mut(..wanted).unwrap_or_default())?;
            if count == 0 {
                return Err(Malformed::new(FORMAT, "content", format!("{length} octets")).at(offset).into());
            }
            put(out, buffer.get(..count).unwrap_or_default())?;
            offset = offset.saturating_add(count as u64);
        }
        put(out, behind)
    }

    /// Reads a ContentInfo with a SignedData whose content stays where it is, as
    /// a detached one and its content; `None` where it is detached anyway.
    ///
    /// Takes DER and BER, in constant memory save for what stands before and behind the content.
    ///
    /// # Errors
    /// As [`from_octets`](Self::from_octets).
    pub fn from_source<'s>(
        source: &'s dyn Source,
        limits: &Limits,
    ) -> Result<(Self, Option<AttachedContent<'s>>), Error> {
        let mut walk = Walk { source, at: 0 };
        let outer = walk.enter(0x30, "ContentInfo")?;
        let kind = walk.element(limits, MOST_TYPE, 0x06, "contentType")?;
        if kind != encode::oid(&oids::SIGNED_DATA) {
            return Err(Unsupported::new(FORMAT, "another content type in place of SignedData").into());
        }
        let explicit = walk.enter(0xA0, "content")?;
        let data = walk.enter(0x30, "SignedData")?;
        let mut body = walk.element(limits, MOST_TYPE, 0x02, "version")?;
        body.extend(walk.element(limits, CHUNK, 0x31, "digestAlgorithms")?);
        let encapsulated = walk.enter(0x30, "encapContentInfo")?;
        body.extend(encode::tlv(0x30, &walk.element(limits, MOST_TYPE, 0x06, "eContentType")?));
        let content = walk.content(encapsulated)?;
        walk.leave(encapsulated, "encapContentInfo")?;

        let rest = walk.rest()?;
        let mut rest = rest.as_slice();
        while matches!(rest.first(), Some(0xA0 | 0xA1 | 0x31)) {
            let (element, behind) = asn1::to_der(rest, limits)?;
            body.extend_from_slice(&element);
            walk.at = walk.at.saturating_add((rest.len() - behind.len()) as u64);
            rest = behind;
            if data.is_some_and(|end| walk.at >= end) {
                break;
            }
        }
        walk.leave(data, "SignedData")?;
        walk.leave(explicit, "content")?;
        walk.leave(outer, "ContentInfo")?;
        if walk.at != source.len() {
            let found = format!("{} octets", source.len().saturating_sub(walk.at));
            return Err(Malformed::new(FORMAT, "ContentInfo", "nothing after it").found(found).at(walk.at).into());
        }
        let der = encode::sequence(&[&kind, &encode::explicit(0, &encode::tlv(0x30, &body))]);
        Ok((Self::from_octets(&der, limits)?, content))
    }
}

/// A walk over the outer structure of a SignedData.
struct Walk<'s> {
    source: &'s dyn Source,
    at: u64,
}

/// A header: tag, octets of the header, and the end where the length is definite.
struct Header {
    tag: u8,
    body: u64,
    end: Option<u64>,
}

impl<'s> Walk<'s> {
    fn fault(&self, field: &'static str, expected: &'static str) -> Error {
        Malformed::new(FORMAT, field, expected).at(self.at).into()
    }

    fn peek(&self, field: &'static str) -> Result<Header, Error> {
        let mut octets = [0; 10];
        let count = self.source.read_at(self.at, &mut octets)?;
        let octets = octets.get(..count).unwrap_or_default();
        let short = || self.fault(field, "a whole header");
        let (tag, first) = match octets {
            [tag, first, ..] => (*tag, *first),
            _ => return Err(short()),
        };
        let more = match first {
            0x80 => return Ok(Header { tag, body: self.at + 2, end: None }),
            0..=0x7F => 0,
            _ => usize::from(first & 0x7F),
        };
        let digits = octets.get(2..2 + more).filter(|digits| digits.len() <= 8).ok_or_else(short)?;
        let length = match more {
            0 => u64::from(first),
            _ => digits.iter().fold(0u64, |sum, digit| sum << 8 | u64::from(*digit)),
        };
        let body = self.at + 2 + more as u64;
        let end = body.checked_add(length).filter(|end| *end <= self.source.len());
        let end = end.ok_or_else(|| self.fault(field, "a length within the file"))?;
        Ok(Header { tag, body, end: Some(end) })
    }

    /// Goes into a constructed element; tells its end, where that is known.
    fn enter(&mut self, tag: u8, field: &'static str) -> Result<Option<u64>, Error> {
        let header = self.peek(field)?;
        if header.tag != tag {
            return Err(Malformed::new(FORMAT, field, format!("tag {tag:#04x}"))
                .found(format!("{:#04x}", header.tag))
                .at(self.at)
                .into());
        }
        self.at = header.body;
        Ok(header.end)
    }

    /// Leaves it: at its end, or over the octets that say so.
    fn leave(&mut self, end: Option<u64>, field: &'static str) -> Result<(), Error> {
        match end {
            Some(end) if end == self.at => Ok(()),
            Some(_) => Err(self.fault(field, "its end")),
            None => {
                let mut octets = [1; 2];
                if self.source.read_at(self.at, &mut octets)? != 2 || octets != [0, 0] {
                    return Err(self.fault(field, "end-of-contents"));
                }
                self.at += 2;
                Ok(())
            }
        }
    }

    fn is_end(&self, end: Option<u64>) -> Result<bool, Error> {
        match end {
            Some(end) => Ok(self.at >= end),
            None => {
                let mut octets = [1; 2];
                Ok(self.source.read_at(self.at, &mut octets)? == 2 && octets == [0, 0])
            }
        }
    }

    /// A short element as a whole, in DER.
    fn element(&mut self, limits: &Limits, most: usize, tag: u8, field: &'static str) -> Result<Vec<u8>, Error> {
        let mut window = vec![0; most];
        let count = self.source.read_at(self.at, &mut window)?;
        window.truncate(count);
        if window.first() != Some(&tag) {
            return Err(Malformed::new(FORMAT, field, format!("tag {tag:#04x}")).at(self.at).into());
        }
        let (element, rest) = asn1::to_der(&window, limits)?;
        self.at = self.at.saturating_add((window.len() - rest.len()) as u64);
        Ok(element.into_owned())
    }

    /// `eContent`, at whose end the walk goes on.
    fn content(&mut self, encapsulated: Option<u64>) -> Result<Option<AttachedContent<'s>>, Error> {
        if self.is_end(encapsulated)? {
            return Ok(None);
        }
        let explicit = self.enter(0xA0, "eContent")?;
        let header = self.peek("eContent")?;
        self.at = header.body;
        let mut content = AttachedContent { source: self.source, segments: Vec::new(), len: 0 };
        match (header.tag, header.end) {
            (0x04, Some(end)) => {
                content.push(header.body..end);
                self.at = end;
            }
            (0x24, end) => {
                while !self.is_end(end)? {
                    let segment = self.peek("eContent")?;
                    let (0x04, Some(last)) = (segment.tag, segment.end) else {
                        return Err(self.fault("eContent", "segments that are OCTET STRINGs of definite length"));
                    };
                    if content.segments.len() == MOST_SEGMENTS {
                        return Err(LimitExceeded::new("segments of the content", MOST_SEGMENTS as u64).into());
                    }
                    content.push(segment.body..last);
                    self.at = last;
                }
                self.leave(end, "eContent")?;
            }
            _ => return Err(self.fault("eContent", "an OCTET STRING")),
        }
        self.leave(explicit, "eContent")?;
        Ok(Some(content))
    }

    /// Everything that follows.
    fn rest(&self) -> Result<Vec<u8>, Error> {
        let length = self.source.len().saturating_sub(self.at);
        if length > MOST_AROUND {
            return Err(LimitExceeded::new("octets behind the content", MOST_AROUND).into());
        }
        let mut octets = vec![0; usize::try_from(length).unwrap_or(0)];
        let mut filled = 0;
        while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.source.read_at(self.at.saturating_add(filled as u64), rest)? {
                0 => return Err(self.fault("SignedData", "as many octets as the file had")),
                count => filled += count,
            }
        }
        Ok(octets)
    }
}

impl AttachedContent<'_> {
    fn push(&mut self, segment: Range<u64>) {
        if !segment.is_empty() {
            self.segments.push((self.len, segment.start));
            self.len = self.len.saturating_add(segment.end - segment.start);
        }
    }
}

impl Source for AttachedContent<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut index = self.segments.partition_point(|(begin, _)| *begin <= offset).saturating_sub(1);
        let (mut offset, mut filled) = (offset, 0);
        while filled < buffer.len() && offset < self.len {
            let Some((begin, place)) = self.segments.get(index) else { break };
            let end = self.segments.get(index + 1).map_or(self.len, |(next, _)| *next);
            let left = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len() - filled);
            let part = buffer.get_mut(filled..filled + left).unwrap_or_default();
            let count = self.source.read_at(place.saturating_add(offset - begin), part)?;
            if count == 0 {
                break;
            }
            filled += count;
            offset = offset.saturating_add(count as u64);
            if offset >= end {
                index += 1;
            }
        }
        Ok(filled)
    }
}

impl std::fmt::Debug for AttachedContent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AttachedContent").field("len", &self.len).field("segments", &self.segments.len()).finish()
    }
}

fn sum(lengths: &[u64]) -> u64 {
    lengths.iter().fold(0, |sum, length| sum.saturating_add(*length))
}

/// Tag and length in DER.
fn header(tag: u8, length: u64) -> Vec<u8> {
    let octets = length.to_be_bytes();
    let digits = octets.iter().skip_while(|octet| **octet == 0).copied();
    let digits: Vec<u8> = digits.collect();
    match digits.as_slice() {
        [] => vec![tag, 0],
        [short] if *short < 0x80 => vec![tag, *short],
        long => [&[tag, 0x80 | long.len().to_le_bytes()[0]], long].concat(),
    }
}

fn put(out: &mut dyn Write, octets: &[u8]) -> Result<(), Error> {
    out.write_all(octets).map_err(|error| IoError::new("write", "the signed content", error).into())
}
