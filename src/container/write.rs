//! Writing an archive with one entry, front to back, the same octets for the same content.

use flate2::Compress;
use flate2::Compression;
use flate2::Crc;
use flate2::FlushCompress;
use flate2::Status;

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::source::Source;

/// Octets read at a time.
const WINDOW: usize = 64 << 10;
/// Version 2.0 of the format: deflate and folders.
const VERSION: u16 = 20;
/// General purpose flag bits: sizes follow the data, the name is UTF-8.
const SIZES_FOLLOW: u16 = 1 << 3;
const UTF8: u16 = 1 << 11;
/// 1980-01-01 00:00, the first that the format knows: an archive tells no time of its making.
const TIME: u32 = 0x0021_0000;

/// The largest content that an archive without the 64-bit extension takes, with room
/// for headers and for what deflating may add.
pub(crate) const LARGEST: u64 = (1 << 32) - (1 << 21);

/// Writes an archive whose one entry is `content`, under `name`.
///
/// The caller has read the content once, to name the entry after it, and knows its `crc`.
/// What is compressed already, or larger than the `most` octets that readers unfold, is stored, with CRC and sizes in the local header: readers that
/// go front to back cannot find the end of a stored entry otherwise. Other content is deflated in one
/// pass with sizes and CRC behind it, as the national kit does: its compressed size could
/// only be told before by deflating twice.
pub(crate) fn write_single(
    name: &str,
    content: &dyn Source,
    crc: u32,
    most: u64,
    out: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let size = u32::try_from(content.len()).ok().filter(|size| u64::from(*size) <= LARGEST);
    let (Some(size), Ok(name_length)) = (size, u16::try_from(name.len())) else {
        return Err(too_large());
    };
    let deflated = content.len() <= most && shrinks(content)?;
    let (method, flags) = if deflated { (8, UTF8 | SIZES_FOLLOW) } else { (0, UTF8) };
    let known = if deflated { (0, 0, 0) } else { (crc, size, size) };
    let mut header = b"PK\x03\x04".to_vec();
    put16(&mut header, &[VERSION, flags, method]);
    put32(&mut header, &[TIME, known.0, known.1, known.2]);
    put16(&mut header, &[name_length, 0]);
    header.extend_from_slice(name.as_bytes());
    out(&header)?;
    let mut compressed = u64::from(size);
    let mut again = Crc::new();
    if deflated {
        compressed = deflate(content, &mut again, out)?;
    } else {
        each_window(content, &mut |octets| {
            again.update(octets);
            out(octets)
        })?;
    }
    if again.sum() != crc {
        return Err(changed());
    }
    let compressed = u32::try_from(compressed).map_err(|_| too_large())?;
    let mut tail = Vec::new();
    if deflated {
        tail.extend_from_slice(b"PK\x07\x08");
        put32(&mut tail, &[crc, compressed, size]);
    }
    let data = header.len() + tail.len();
    let directory = u32::try_from(data).ok().and_then(|n| n.checked_add(compressed)).ok_or_else(too_large)?;
    let mut entry = b"PK\x01\x02".to_vec();
    put16(&mut entry, &[VERSION, VERSION, flags, method]);
    put32(&mut entry, &[TIME, crc, compressed, size]);
    put16(&mut entry, &[name_length, 0, 0, 0, 0]);
    put32(&mut entry, &[0, 0]);
    entry.extend_from_slice(name.as_bytes());
    let length = u32::try_from(entry.len()).map_err(|_| too_large())?;
    tail.append(&mut entry);
    tail.extend_from_slice(b"PK\x05\x06");
    put16(&mut tail, &[0, 0, 1, 1]);
    put32(&mut tail, &[length, directory]);
    put16(&mut tail, &[0]);
    out(&tail)
}

fn too_large() -> Error {
    Misuse::new(format!("an attachment in a ZIP has at most {LARGEST} octets")).into()
}

/// What begins so is compressed inside, though text may stand around the compressed parts.
const COMPRESSED: &[&[u8]] = &[
    b"%PDF-",
    b"PK\x03\x04",
    b"\x89PNG",
    b"\xFF\xD8\xFF",
    b"GIF8",
    b"\x1F\x8B",
    b"7z\xBC\xAF\x27\x1C",
    b"Rar!",
    b"\xFD7zXZ",
];

/// Whether deflating pays: known by the format, else tried on the start and the middle, since a file may begin
/// with text and go on with images.
fn shrinks(content: &dyn Source) -> Result<bool, Error> {
    const SAMPLE: usize = 64 << 10;
    let mut sample = vec![0; SAMPLE];
    let mut input = 0;
    let mut output = 0;
    let mut deflated = Vec::with_capacity(SAMPLE + (SAMPLE >> 3));
    for at in [0, content.len() / 2] {
        let count = content.read_at(at, &mut sample)?;
        if at == 0 && COMPRESSED.iter().any(|start| sample.starts_with(start)) {
            return Ok(false);
        }
        let mut stream = Compress::new(Compression::fast(), false);
        deflated.clear();
        let taken = sample.get(..count).unwrap_or_default();
        let status = stream.compress_vec(taken, &mut deflated, FlushCompress::Finish);
        input += count;
        // What does not fit into a larger buffer has not shrunk.
        output += if matches!(status, Ok(Status::StreamEnd)) { deflated.len() } else { count };
    }
    Ok(output < input - input / 10)
}

fn deflate(content: &dyn Source, crc: &mut Crc, out: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<u64, Error> {
    let mut stream = Compress::new(Compression::default(), false);
    let mut window = vec![0; WINDOW];
    let mut run = |mut octets: &[u8], flush: FlushCompress| {
        loop {
            let (before_in, before_out) = (stream.total_in(), stream.total_out());
            let status = stream
                .compress(octets, &mut window, flush)
                .map_err(|e| Malformed::new(Format::Zip, "entry", "content to deflate").found(e))?;
            let read = usize::try_from(stream.total_in() - before_in).unwrap_or(usize::MAX);
            let written = usize::try_from(stream.total_out() - before_out).unwrap_or(usize::MAX);
            octets = octets.get(read..).unwrap_or_default();
            out(window.get(..written).unwrap_or_default())?;
            let done = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => octets.is_empty() && written < window.len(),
            };
            if done {
                return Ok::<u64, Error>(stream.total_out());
            }
        }
    };
    each_window(content, &mut |octets| {
        crc.update(octets);
        run(octets, FlushCompress::None).map(drop)
    })?;
    run(&[], FlushCompress::Finish)
}

/// Gives a source to `each` from its start to its end.
pub(crate) fn each_window(content: &dyn Source, each: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
    if let Some(octets) = content.octets() {
        return octets.chunks(WINDOW * 4).try_for_each(each);
    }
    let mut window = vec![0; WINDOW * 4];
    let mut at = 0;
    loop {
        let count = content.read_at(at, &mut window)?;
        if count == 0 {
            return if at == content.len() { Ok(()) } else { Err(changed()) };
        }
        each(window.get(..count).unwrap_or_default())?;
        at += count as u64;
    }
}

fn changed() -> Error {
    Misuse::new("the content of an attachment changed while it was read").into()
}

fn put16(to: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|v| to.extend_from_slice(&v.to_le_bytes()));
}

fn put32(to: &mut Vec<u8>, values: &[u32]) {
    values.iter().for_each(|v| to.extend_from_slice(&v.to_le_bytes()));
}
