//! The payload of an attachment: base64 in the text of the message, decoded as a stream.

use base64_simd::AsOut;

use crate::container::Directory;
use crate::container::Extraction;
use crate::container::LOCAL_HEADER;
use crate::container::has_end_record;
use crate::envelope::read::Packing;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::source::Source;
use crate::xml::Segment;

/// Octets of text read at a time; a multiple of four.
const WINDOW: u64 = 192 << 10;

/// Decodes a payload, unwraps it where it is a ZIP of one file, and hands the file to `sink`.
pub(super) fn unpack(
    source: &dyn Source,
    segments: &[Segment],
    name: Option<&str>,
    most: u64,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<Packing, Error> {
    let end = if begins_as_zip(source, segments)? { end_of_zip(source, segments)? } else { End::Other };
    let directory = match end {
        End::OneEntry(directory) if is_wrapping(name, &directory.name()) => directory,
        End::CutOff => {
            let at = segments.last().map_or(0, |s| s.offset + s.length);
            let fault = Malformed::new(Format::Zip, "archive", "an end record").found("none: the archive is cut off");
            return Err(fault.at(at).into());
        }
        End::OneEntry(_) | End::Other => {
            decode(source, segments, sink)?;
            return Ok(Packing::Raw);
        }
    };
    let mut extraction = Extraction::new(directory, most)?;
    decode(source, segments, &mut |octets| extraction.push(octets, sink))?;
    extraction.finish()?;
    Ok(Packing::Zip)
}

/// A ZIP that someone attached looks like the ZIP that the exchange wraps around
/// every file. The wrapped file keeps the extension of the attachment's name, so that a
/// `bao-cao.zip` with one `bao-cao.pdf` inside is the attachment itself.
fn is_wrapping(name: Option<&str>, entry: &str) -> bool {
    let extension = |name: &str| name.rsplit_once('.').map(|(_, e)| e.to_lowercase());
    match name.and_then(extension).as_deref() {
        Some(own @ ("zip" | "asics" | "asice" | "scs" | "sce" | "bdoc" | "edoc")) => {
            extension(entry).as_deref() == Some(own)
        }
        _ => true,
    }
}

fn begins_as_zip(source: &dyn Source, segments: &[Segment]) -> Result<bool, Error> {
    let mut head = Vec::new();
    let mut reader = Decoder::default();
    for segment in segments {
        // Six characters hold the four octets; the others may be white space or references.
        let part = Segment { length: segment.length.min(64), ..*segment };
        read_text(source, &part, &mut |text, offset| {
            reader.push(text, offset, part.references, &mut |octets| {
                head.extend_from_slice(octets);
                Ok(())
            })
        })?;
        if head.len() >= LOCAL_HEADER.len() || part.length < segment.length {
            break;
        }
    }
    Ok(head.starts_with(LOCAL_HEADER))
}

/// How something ends that begins as a ZIP.
enum End {
    /// With the directory of one entry.
    OneEntry(Directory),
    /// Without an end record, though it is base64 throughout.
    CutOff,
    /// As other archives do, or not as base64, which decoding will tell.
    Other,
}

/// Looks at the end of an archive, without reading what stands before.
fn end_of_zip(source: &dyn Source, segments: &[Segment]) -> Result<End, Error> {
    /// Characters that hold the directory of one entry, with a long name.
    const ENOUGH: usize = 6 << 10;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    let mut count = 0;
    let mut size = 2 * ENOUGH as u64;
    for segment in segments.iter().rev() {
        let mut left = segment.length;
        while left > 0 && count < ENOUGH {
            let length = left.min(size);
            left -= length;
            let mut part = Vec::new();
            read_text(source, &Segment { offset: segment.offset + left, length, ..*segment }, &mut |text, _| {
                strip(text, &mut part);
                Ok(())
            })?;
            count += part.len();
            parts.push(part);
            size = WINDOW;
        }
    }
    let mut clean = parts.into_iter().rev().flatten().collect::<Vec<u8>>();
    if segments.iter().any(|segment| segment.references) {
        clean = without_references(&clean);
    }
    // Where the first group begins is unknown; only one choice ends in an end record.
    let mut found = End::Other;
    for cut in 0..4 {
        let Some(aligned) = clean.get(cut..) else { continue };
        let mut octets = Vec::new();
        let mut decoder = Decoder::default();
        let mut keep = |part: &[u8]| {
            octets.extend_from_slice(part);
            Ok(())
        };
        let whole = decoder.push(aligned, 0, false, &mut keep).and_then(|()| decoder.finish(&mut keep));
        if whole.is_err() {
            continue;
        }
        if let Some(directory) = Directory::find(&octets) {
            return Ok(End::OneEntry(directory));
        }
        if has_end_record(&octets) {
            return Ok(End::Other);
        }
        found = End::CutOff;
    }
    Ok(found)
}

/// Drops references to white space, as serialisers write for carriage returns; a
/// reference cut off at the start is dropped too.
fn without_references(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'&', rest) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(before);
        let end = memchr::memchr(b';', from).map_or(from.len(), |end| end + 1);
        rest = from.get(end..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

fn decode(
    source: &dyn Source,
    segments: &[Segment],
    sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut decoder = Decoder::default();
    for segment in segments {
        read_text(source, segment, &mut |text, offset| decoder.push(text, offset, segment.references, sink))?;
    }
    decoder.finish(sink)
}

/// Takes text of the source and the offset at which it stands.
type EachText<'e> = dyn FnMut(&[u8], u64) -> Result<(), Error> + 'e;

fn read_text(source: &dyn Source, segment: &Segment, each: &mut EachText<'_>) -> Result<(), Error> {
    let ended =
        |at| Malformed::new(Format::Envelope, "attachment", "the text that was there when the message was read").at(at);
    let mut window = Vec::new();
    let (mut at, end) = (segment.offset, segment.offset.saturating_add(segment.length));
    while at < end {
        let length = usize::try_from((end - at).min(WINDOW)).unwrap_or(0);
        let whole = source.octets().map(|all| {
            let from = usize::try_from(at).unwrap_or(usize::MAX);
            all.get(from..).and_then(|rest| rest.get(..length)).unwrap_or_default()
        });
        let text = match whole {
            Some(text) => text,
            None => {
                window.resize(length, 0);
                let count = source.read_at(at, &mut window)?;
                window.get(..count).unwrap_or_default()
            }
        };
        if text.is_empty() {
            return Err(ended(at).into());
        }
        each(text, at)?;
        at += text.len() as u64;
    }
    Ok(())
}

/// Base64 (RFC 4648 §4) in pieces, with white space anywhere and padding that may be missing.
#[derive(Default)]
struct Decoder {
    /// Characters that no group of four has taken yet.
    carry: Vec<u8>,
    /// Where the last character that was taken stands.
    last: u64,
    /// Text without its white space, and what it decodes to.
    clean: Vec<u8>,
    decoded: Vec<u8>,
    /// A reference that the end of a window cut.
    reference: Option<Vec<u8>>,
}

impl Decoder {
    fn push(
        &mut self,
        text: &[u8],
        offset: u64,
        references: bool,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.last = offset + text.len() as u64;
        let mut clean = std::mem::take(&mut self.clean);
        clean.clear();
        clean.append(&mut self.carry);
        if references || self.reference.is_some() {
            self.expand(text, offset, &mut clean)?;
        } else {
            strip(text, &mut clean);
        }
        // The last group may be padded or short: it waits for what follows.
        let whole = clean.len().saturating_sub(1) / 4 * 4;
        let (groups, rest) = clean.split_at_checked(whole).unwrap_or((&[], &[]));
        self.carry.extend_from_slice(rest);
        self.decoded.resize(whole / 4 * 3, 0);
        let result = match base64_simd::STANDARD_NO_PAD.decode(groups, self.decoded.as_mut_slice().as_out()) {
            Ok(octets) => sink(octets),
            Err(_) => Err(misfit(text, offset)),
        };
        self.clean = clean;
        result
    }

    fn finish(&mut self, sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let end = |expected| {
            let found = String::from_utf8_lossy(&self.carry).into_owned();
            Error::from(Malformed::new(Format::Base64, "payload", expected).found(format!("{found:?}")).at(self.last))
        };
        if self.reference.is_some() {
            return Err(end("a reference that ends in `;`"));
        }
        let unpadded = match self.carry.as_slice() {
            [a, b, b'=', b'='] => vec![*a, *b],
            [a, b, c, b'='] => vec![*a, *b, *c],
            other => other.to_vec(),
        };
        let mut bits = 0u32;
        for c in &unpadded {
            let Some(value) = value_of(*c) else { return Err(end("a character of base64")) };
            bits = (bits << 6) | u32::from(value);
        }
        let [_, a, b, c] = bits.to_be_bytes();
        match unpadded.len() {
            0 => Ok(()),
            2 => sink(&[(bits >> 4).to_be_bytes()[3]]),
            3 => sink(&[(bits >> 10).to_be_bytes()[3], (bits >> 2).to_be_bytes()[3]]),
            4 => sink(&[a, b, c]),
            _ => Err(end("groups of four characters")),
        }
    }

    /// As [`strip`], and over references to white space.
    fn expand(&mut self, text: &[u8], offset: u64, clean: &mut Vec<u8>) -> Result<(), Error> {
        const LONGEST: usize = 12;
        for (at, b) in text.iter().enumerate() {
            match (&mut self.reference, *b) {
                (Some(name), b';') => {
                    let space = matches!(
                        name.as_slice(),
                        b"#13" | b"#xD" | b"#10" | b"#xA" | b"#9" | b"#x9" | b"#32" | b"#x20" | b"#xd" | b"#xa"
                    );
                    if !space {
                        let found = format!("&{};", String::from_utf8_lossy(name));
                        let fault = Malformed::new(Format::Base64, "payload", "base64 or white space").found(found);
                        return Err(fault.at(offset + at as u64).into());
                    }
                    self.reference = None;
                }
                (Some(name), other) if name.len() < LONGEST => name.push(other),
                (None, b'&') => self.reference = Some(Vec::new()),
                (None, other) => {
                    if !is_space(other) {
                        clean.push(other);
                    }
                }
                _ => return Err(misfit(text, offset)),
            }
        }
        Ok(())
    }
}

const fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Appends `text` without its white space, line by line.
fn strip(text: &[u8], clean: &mut Vec<u8>) {
    let mut rest = text;
    // Line ends are the rule; blanks inside of a line are taken out only where there are some.
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        append_line(rest.get(..at).unwrap_or_default(), clean);
        rest = rest.get(at + 1..).unwrap_or_default();
    }
    append_line(rest, clean);
}

fn append_line(line: &[u8], clean: &mut Vec<u8>) {
    if memchr::memchr2(b' ', b'\t', line).is_some() {
        clean.extend(line.iter().copied().filter(|b| !is_space(*b)));
    } else {
        clean.extend_from_slice(line);
    }
}

const fn value_of(c: u8) -> Option<u8> {
    match c {
        b'A'..=b'Z' => Some(c - b'A'),
        b'a'..=b'z' => Some(c - b'a' + 26),
        b'0'..=b'9' => Some(c - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// The first character that is neither base64 nor white space, or padding before the end.
fn misfit(text: &[u8], offset: u64) -> Error {
    let at = text.iter().position(|b| value_of(*b).is_none() && !is_space(*b)).unwrap_or(0);
    let rest = text.get(at..).unwrap_or_default();
    let fault = Malformed::new(Format::Base64, "payload", "base64").at(offset + at as u64);
    let found = if rest.starts_with("\u{FFFD}".as_bytes()) {
        "U+FFFD: the payload was converted as if it were text, and is lost".to_owned()
    } else if rest.starts_with(b"=") {
        "padding before the end".to_owned()
    } else {
        match rest.first() {
            Some(b) if b.is_ascii_graphic() => format!("{:?}", char::from(*b)),
            Some(b) => format!("octet {b:#04x}"),
            None => "the end".to_owned(),
        }
    };
    fault.found(found).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, step: usize, references: bool) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        let mut decoder = Decoder::default();
        let mut keep = |octets: &[u8]| {
            out.extend_from_slice(octets);
            Ok(())
        };
        let mut at = 0;
        for part in text.as_bytes().chunks(step) {
            decoder.push(part, at, references, &mut keep)?;
            at += part.len() as u64;
        }
        decoder.finish(&mut keep)?;
        Ok(out)
    }

    #[test]
    fn base64_is_decoded_in_any_pieces() {
        for text in ["aGVsbG8sIHdvcmxk", "aGVs\r\nbG8s\r\nIHdv\ncmxk\n", " a G V\tsbG8sIHdvcmxk"] {
            for step in [1, 2, 3, 5, 100] {
                assert_eq!(run(text, step, false).unwrap(), b"hello, world", "{text:?} {step}");
            }
        }
        for step in [1, 4, 6, 100] {
            assert_eq!(run("aGVs&#13;\nbG8s&#xD;\nIHdvcmxk", step, true).unwrap(), b"hello, world");
        }
        assert_eq!(run("", 1, false).unwrap(), b"");
        for (text, octets) in [("YQ==", "a"), ("YWI=", "ab"), ("YWJj", "abc"), ("YQ", "a"), ("YWI", "ab")] {
            assert_eq!(run(text, 3, false).unwrap(), octets.as_bytes());
        }
    }

    #[test]
    fn what_is_no_base64_is_refused_with_its_place() {
        for bad in ["YQ=", "Y", "YQ==YQ==", "YQ==\nY", "Y*Jj", "YWJj!", "=", "====", "YWJjé", "YQ=a"] {
            for step in [1, 3, 100] {
                assert!(run(bad, step, false).is_err(), "{bad} {step}");
            }
        }
        let e = run("YWJjYWJj\u{FFFD}YWJjYWJj", 100, false).unwrap_err().to_string();
        assert!(e.contains("offset 8") && e.contains("U+FFFD"), "{e}");
        assert!(run("YWJj&amp;YWJj", 100, true).is_err());
        assert!(run("YWJj&#13", 100, true).is_err());
    }

    #[test]
    fn an_attached_zip_is_not_a_wrapping() {
        assert!(is_wrapping(Some("cong-van.pdf"), "5c7082fe.PDF"));
        assert!(is_wrapping(Some("bao-cao.zip"), "5c7082fe.ZIP"));
        assert!(!is_wrapping(Some("bao-cao.zip"), "bao-cao.pdf"));
        assert!(!is_wrapping(Some("HoSo.asice"), "document.pdf"));
        assert!(is_wrapping(None, "x"));
    }
}
