//! Stream filters (ISO 32000-2 §7.4): those that structure and evidence are written with.

use std::io::Write;

use flate2::Compression;
use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;
use flate2::write::ZlibEncoder;

use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::pdf::lexer::hex_octets;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;

/// Filters of one stream; more would be a decompression bomb.
const MOST_FILTERS: usize = 8;

/// Memory that is asked for at first to inflate into: at least, and at most.
const LEAST: usize = 1 << 10;
const AT_ONCE: usize = 4 << 20;

/// Undoes the filters that `dictionary` names; at most `limit` octets may come out of each.
///
/// # Errors
/// Malformed data, an image filter (unsupported here), or the limit.
pub(super) fn decode(dictionary: &Dictionary, data: Vec<u8>, limit: u64) -> Result<Vec<u8>, Error> {
    let filters = list(dictionary.get("Filter").or_else(|| dictionary.get("F")));
    let parameters = list(dictionary.get("DecodeParms").or_else(|| dictionary.get("DP")));
    if filters.len() > MOST_FILTERS {
        return Err(LimitExceeded::new("filters of one stream", MOST_FILTERS as u64).into());
    }
    let mut data = data;
    for (index, filter) in filters.iter().enumerate() {
        let parameters = parameters.get(index).and_then(|parameters| parameters.as_dictionary());
        let integer =
            |key: &str, default: i64| parameters.and_then(|p| p.get(key)).map_or(Some(default), Object::as_integer);
        data = match filter.as_name() {
            Some(b"FlateDecode" | b"Fl") => predicted(inflate(&data, limit)?, integer)?,
            Some(b"LZWDecode" | b"LZW") => {
                let early = integer("EarlyChange", 1) != Some(0);
                predicted(lzw(&data, early, limit)?, integer)?
            }
            Some(b"ASCIIHexDecode" | b"AHx") => {
                let token = data.split(|octet| *octet == b'>').next().unwrap_or_default();
                hex_octets(token).ok_or_else(|| fault("ASCIIHexDecode", "hexadecimal digits"))?
            }
            Some(b"ASCII85Decode" | b"A85") => ascii85(&data)?,
            Some(b"RunLengthDecode" | b"RL") => run_length(&data, limit)?,
            // The identity crypt filter; decryption proper happens before filters.
            Some(b"Crypt") => data,
            Some(other) => {
                let name = String::from_utf8_lossy(other);
                return Err(Unsupported::new(Format::Pdf, format!("stream filter {name}")).into());
            }
            None => return Err(fault("/Filter", "a name").into()),
        };
    }
    Ok(data)
}

/// What [`decode`] needs of the dictionary of a stream in the file: there `/F` is the name of another file.
pub(super) fn parameters(dictionary: &Dictionary) -> Dictionary {
    let mut parameters = Dictionary::new();
    for key in ["Filter", "DecodeParms"] {
        parameters.set(key, dictionary.get(key).cloned().unwrap_or_default());
    }
    parameters
}

/// Deflates for `/FlateDecode`; the same octets in give the same octets out.
pub(super) fn deflate(data: &[u8]) -> Result<Vec<u8>, Error> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let written = encoder.write_all(data).and_then(|()| encoder.finish());
    written.map_err(|error| IoError::new("deflate", "a PDF stream", error).into())
}

fn list(object: Option<&Object>) -> Vec<&Object> {
    match object {
        None => Vec::new(),
        Some(Object::Array(values)) => values.iter().collect(),
        Some(other) => vec![other],
    }
}

fn fault(field: &'static str, expected: &'static str) -> Malformed {
    Malformed::new(Format::Pdf, field, expected)
}

fn over(limit: u64) -> Error {
    LimitExceeded::new("inflated_octets", limit).into()
}

fn inflate(data: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let mut out = Vec::new();
    inflate_into(data, limit, &mut out)?;
    out.shrink_to_fit();
    Ok(out)
}

/// Inflates into memory that is at hand; `out` then holds exactly what came out.
///
/// # Errors
/// Malformed data, or more than `limit` octets.
pub(super) fn inflate_into(data: &[u8], limit: u64, out: &mut Vec<u8>) -> Result<(), Error> {
    let most = usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1);
    out.clear();
    // Nearly all streams grow less than sixfold, and memory that is not filled costs little. What
    // fits is written where it belongs, without the window that goes on from call to call.
    out.reserve_exact(data.len().saturating_mul(6).clamp(LEAST, AT_ONCE).min(most));
    let mut inflater = Decompress::new(true);
    let at_once = inflater.decompress_vec(data, out, FlushDecompress::Finish);
    if matches!(at_once, Ok(Status::StreamEnd)) && out.len() as u64 <= limit {
        return Ok(());
    }
    out.clear();
    inflater.reset(true);
    loop {
        let taken = usize::try_from(inflater.total_in()).unwrap_or(usize::MAX);
        let (rest, before) = (data.get(taken..).unwrap_or_default(), out.len());
        let status = inflater.decompress_vec(rest, out, FlushDecompress::None);
        if out.len() as u64 > limit {
            return Err(over(limit));
        }
        match status {
            Ok(Status::StreamEnd) => break,
            Ok(Status::Ok | Status::BufError) if out.len() == out.capacity() => {
                out.reserve_exact(out.capacity().min(most - out.len()).max(1));
            }
            // What is cut off is read as far as it goes, as all readers do.
            Ok(Status::Ok | Status::BufError) if inflater.total_in() == taken as u64 && out.len() == before => break,
            Ok(Status::Ok | Status::BufError) => {}
            Err(_) => return Err(fault("FlateDecode data", "a complete zlib stream").into()),
        }
    }
    Ok(())
}

/// LZW (§7.4.4) with codes of 9 to 12 bits.
fn lzw(data: &[u8], early: bool, limit: u64) -> Result<Vec<u8>, Error> {
    const CLEAR: usize = 256;
    const END: usize = 257;
    let bad = || fault("LZWDecode data", "a valid code");
    let mut out: Vec<u8> = Vec::new();
    // Each code above 257 is a slice of what came out: where it starts and how long it is.
    let mut table: Vec<(usize, usize)> = Vec::new();
    let mut previous: Option<(usize, usize)> = None;
    let (mut bits, mut held) = (0_u32, 0_u32);
    let mut octets = data.iter();
    loop {
        let next = 258 + table.len() + usize::from(early) + usize::from(previous.is_some());
        let width = match next {
            0..=511 => 9,
            512..=1023 => 10,
            1024..=2047 => 11,
            _ => 12,
        };
        while held < width {
            let Some(octet) = octets.next() else { return Ok(out) };
            bits = bits << 8 | u32::from(*octet);
            held += 8;
        }
        held -= width;
        let code = (bits >> held) as usize & ((1 << width) - 1);
        bits &= (1 << held) - 1;
        if code == END {
            return Ok(out);
        }
        if code == CLEAR {
            table.clear();
            previous = None;
            continue;
        }
        let start = out.len();
        if let Some((from, length)) = previous
            && table.len() < 4096 - 258
        {
            table.push((from, length + 1));
        }
        match u8::try_from(code) {
            Ok(octet) => out.push(octet),
            Err(_) => {
                let (from, length) = *table.get(code - 258).ok_or_else(bad)?;
                for index in from..from + length {
                    let octet = *out.get(index).ok_or_else(bad)?;
                    out.push(octet);
                }
            }
        }
        if out.len() as u64 > limit {
            return Err(over(limit));
        }
        previous = Some((start, out.len() - start));
    }
}

fn ascii85(data: &[u8]) -> Result<Vec<u8>, Error> {
    let bad = || fault("ASCII85Decode data", "groups of base-85 digits");
    let mut out = Vec::with_capacity(data.len() / 5 * 4);
    let mut group: Vec<u8> = Vec::with_capacity(5);
    let flush = |group: &mut Vec<u8>, out: &mut Vec<u8>| -> Option<()> {
        let count = group.len();
        group.resize(5, 84);
        let value = group.iter().try_fold(0_u32, |value, digit| value.checked_mul(85)?.checked_add(u32::from(*digit)));
        out.extend_from_slice(value?.to_be_bytes().get(..count - 1)?);
        group.clear();
        Some(())
    };
    for octet in data {
        match octet {
            b'~' => break,
            b'z' if group.is_empty() => out.extend_from_slice(&[0; 4]),
            b'!'..=b'u' => group.push(octet - b'!'),
            octet if is_space(*octet) => {}
            _ => return Err(bad().into()),
        }
        if group.len() == 5 {
            flush(&mut group, &mut out).ok_or_else(bad)?;
        }
    }
    match group.len() {
        0 => {}
        1 => return Err(bad().into()),
        _ => flush(&mut group, &mut out).ok_or_else(bad)?,
    }
    Ok(out)
}

fn run_length(data: &[u8], limit: u64) -> Result<Vec<u8>, Error> {
    let bad = || fault("RunLengthDecode data", "as many octets as a run says");
    let mut out = Vec::new();
    let mut rest = data;
    while let Some((length, tail)) = rest.split_first() {
        rest = match *length {
            128 => break,
            length @ 0..=127 => {
                let (run, tail) = tail.split_at_checked(usize::from(length) + 1).ok_or_else(bad)?;
                out.extend_from_slice(run);
                tail
            }
            length => {
                let (octet, tail) = tail.split_first().ok_or_else(bad)?;
                out.resize(out.len() + 257 - usize::from(length), *octet);
                tail
            }
        };
        if out.len() as u64 > limit {
            return Err(over(limit));
        }
    }
    Ok(out)
}

/// Undoes a predictor (§7.4.4.4).
fn predicted(mut data: Vec<u8>, integer: impl Fn(&str, i64) -> Option<i64>) -> Result<Vec<u8>, Error> {
    let bad = || fault("/DecodeParms", "small positive integers");
    let predictor = integer("Predictor", 1).ok_or_else(bad)?;
    if predictor == 1 {
        return Ok(data);
    }
    let small = |key: &str, default, most: i64| {
        integer(key, default).filter(|value| (1..=most).contains(value)).and_then(|value| usize::try_from(value).ok())
    };
    let colors = small("Colors", 1, 32).ok_or_else(bad)?;
    let bits = small("BitsPerComponent", 8, 16).ok_or_else(bad)?;
    let columns = small("Columns", 1, 1 << 24).ok_or_else(bad)?;
    let pixel = (colors * bits).div_ceil(8);
    let row = (colors * bits * columns).div_ceil(8);
    match predictor {
        2 if bits == 8 => {
            for row in data.chunks_mut(row) {
                for index in pixel..row.len() {
                    let left = row.get(index - pixel).copied().unwrap_or(0);
                    if let Some(octet) = row.get_mut(index) {
                        *octet = octet.wrapping_add(left);
                    }
                }
            }
            Ok(data)
        }
        10..=15 => png(&data, row, pixel),
        _ => Err(Unsupported::new(Format::Pdf, format!("predictor {predictor} with {bits} bits")).into()),
    }
}

fn png(data: &[u8], row: usize, pixel: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(data.len());
    let (mut above, mut current) = (vec![0_u8; row], Vec::with_capacity(row));
    for line in data.chunks(row + 1) {
        let Some((kind, line)) = line.split_first() else { break };
        current.clear();
        current.extend_from_slice(line);
        // What cross-reference streams have, whose rows are short and many.
        if *kind == 2 {
            for (octet, up) in current.iter_mut().zip(&above) {
                *octet = up.wrapping_add(*octet);
            }
        }
        let others = if *kind == 2 { 0 } else { current.len() };
        for index in 0..others {
            let up = above.get(index).copied().unwrap_or(0);
            let before = index.checked_sub(pixel);
            let left = before.and_then(|i| current.get(i)).copied().unwrap_or(0);
            let corner = before.and_then(|i| above.get(i)).copied().unwrap_or(0);
            let add = match kind {
                0 => 0,
                1 => left,
                3 => left.midpoint(up),
                4 => paeth(left, up, corner),
                _ => return Err(fault("PNG predictor", "a row type of 0 to 4").into()),
            };
            if let Some(octet) = current.get_mut(index) {
                *octet = octet.wrapping_add(add);
            }
        }
        out.extend_from_slice(&current);
        std::mem::swap(&mut above, &mut current);
    }
    Ok(out)
}

fn paeth(left: u8, up: u8, corner: u8) -> u8 {
    let estimate = i16::from(left) + i16::from(up) - i16::from(corner);
    let distance = |value: u8| (estimate - i16::from(value)).abs();
    if distance(left) <= distance(up) && distance(left) <= distance(corner) {
        left
    } else if distance(up) <= distance(corner) {
        up
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn filtered(filter: &str, data: &[u8]) -> Result<Vec<u8>, Error> {
        decode(&Dictionary::new().with("Filter", Object::name(filter)), data.to_vec(), 1 << 16)
    }

    #[test]
    fn the_text_filters() {
        assert_eq!(filtered("ASCIIHexDecode", b"48 65 6c6C 6F>zz").unwrap(), b"Hello");
        assert_eq!(filtered("ASCII85Decode", b"87cUR\nD]i,\"Ebo80~>").unwrap(), b"Hello World!");
        assert_eq!(filtered("ASCII85Decode", b"z!!~>").unwrap(), [0; 5]);
        assert!(filtered("ASCII85Decode", b"uuuuu~>").is_err());
        assert_eq!(filtered("RunLengthDecode", &[2, b'a', b'b', b'c', 254, b'x', 128, 9]).unwrap(), b"abcxxx");
        assert!(filtered("RunLengthDecode", &[5, 1]).is_err());
        assert!(filtered("DCTDecode", b"").is_err());
    }

    #[test]
    fn lzw_of_the_standard() {
        // ISO 32000-2 §7.4.4.2, example 2.
        let coded = [0x80, 0x0b, 0x60, 0x50, 0x22, 0x0c, 0x0c, 0x85, 0x01];
        assert_eq!(filtered("LZWDecode", &coded).unwrap(), [45, 45, 45, 45, 45, 65, 45, 45, 45, 66]);
    }

    #[test]
    fn a_bomb_meets_the_limit() {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(matches!(filtered("FlateDecode", &bomb), Err(Error::LimitExceeded(_))));
        assert!(matches!(filtered("RunLengthDecode", &[129, 0].repeat(4096)), Err(Error::LimitExceeded(_))));
    }

    #[test]
    fn png_rows() {
        let data = [0, 1, 2, 3, 1, 1, 1, 1, 2, 1, 1, 1, 3, 2, 2, 2, 4, 1, 1, 1];
        let out = png(&data, 3, 1).unwrap();
        assert_eq!(out, [1, 2, 3, 1, 2, 3, 2, 3, 4, 3, 5, 6, 4, 6, 7]);
        assert!(png(&[9, 1, 2, 3], 3, 1).is_err());
    }
}
