//! PEM (RFC 7468): blocks in a text, with anything between them.

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// One block, not decoded yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block<'a> {
    /// The words between the dashes, such as `CERTIFICATE`.
    pub(crate) label: &'a [u8],
    body: &'a [u8],
    offset: u64,
}

/// Whether the text holds the start of a block.
pub(crate) fn is_pem(text: &[u8]) -> bool {
    find_line(text, BEGIN).is_some()
}

/// The blocks of a text in their order.
///
/// Text outside of blocks is passed over. A block without its end, or with
/// that of another label, is an error, for what it held would be lost.
pub(crate) fn blocks(text: &[u8]) -> impl Iterator<Item = Result<Block<'_>, Error>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let Some(begin) = find_line(rest, BEGIN) else {
            at = text.len();
            return None;
        };
        let block = block(rest.get(begin..).unwrap_or(&[]), (at + begin) as u64);
        match &block {
            Ok((_, len)) => at += begin + len,
            Err(_) => at = text.len(),
        }
        Some(block.map(|(block, _)| block))
    })
}

/// The block that begins `text`, and its length with its last line's dashes.
fn block(text: &[u8], offset: u64) -> Result<(Block<'_>, usize), Error> {
    let fault = |expected: &'static str| Malformed::new(Format::Pem, "block", expected).at(offset);
    let after = text.get(BEGIN.len()..).unwrap_or(&[]);
    let line = memchr::memchr2(b'\n', b'\r', after).ok_or_else(|| fault("a body after the first line"))?;
    let label = after
        .get(..line)
        .map(<[u8]>::trim_ascii_end)
        .and_then(|l| l.strip_suffix(DASHES))
        .ok_or_else(|| fault("a first line that ends in five dashes"))?;
    let body_on = after.get(line..).unwrap_or(&[]);
    let end = find_line(body_on, END).ok_or_else(|| fault("an END line"))?;
    let last = body_on.get(end + END.len()..).unwrap_or(&[]);
    let fits = last.strip_prefix(label).is_some_and(|l| l.starts_with(DASHES));
    if !fits {
        return Err(fault("an END line with the label of its BEGIN line").into());
    }
    let len = BEGIN.len() + line + end + END.len() + label.len() + DASHES.len();
    Ok((Block { label, body: body_on.get(..end).unwrap_or(&[]), offset }, len))
}

impl Block<'_> {
    /// The octets. Header lines (RFC 1421 §4.4) before them are passed over.
    pub(crate) fn decode(&self) -> Result<Vec<u8>, Error> {
        let mut body = self.body.trim_ascii();
        let colon = memchr::memchr(b':', body);
        if colon.is_some() {
            let blank = memchr::memmem::find(body, b"\n\n").or_else(|| memchr::memmem::find(body, b"\n\r\n"));
            body = blank.and_then(|n| body.get(n..)).unwrap_or(body);
        }
        base64_simd::forgiving_decode_to_vec(body)
            .map_err(|_| Malformed::new(Format::Pem, "body", "base64").at(self.offset).into())
    }
}

/// One block with lines of 64 characters.
pub(crate) fn encode(label: &str, octets: &[u8]) -> String {
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in octets.chunks(48) {
        out.push_str(&base64_simd::STANDARD.encode_to_string(line));
        out.push('\n');
    }
    out.push_str("-----END ");
    out.push_str(label);
    out.push_str("-----\n");
    out
}

/// `needle` at the start of a line, white space aside.
fn find_line(text: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(text, needle).find(|at| {
        // Only the white space before it is walked, so that many on one line cost no more than their length.
        let before = text.get(..*at).unwrap_or(&[]);
        let blank = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        match before.get(..before.len() - blank).unwrap_or(&[]) {
            [] | [.., b'\n' | b'\r'] => true,
            // A byte order mark.
            start => start == "\u{FEFF}".as_bytes(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<(String, Vec<u8>)>, Error> {
        blocks(text.as_bytes())
            .map(|b| b.and_then(|b| Ok((String::from_utf8_lossy(b.label).into_owned(), b.decode()?))))
            .collect()
    }

    #[test]
    fn blocks_between_words_are_read() {
        let text = "\u{FEFF}-----BEGIN A B-----\r\nAQI\r\n D\r\n-----END A B-----\r\nsubject=x -----BEGIN no-----\n\
                    -----BEGIN C-----\nProc-Type: 4\nDEK: x\n\nBA==\n-----END C-----";
        assert_eq!(all(text).unwrap(), [("A B".to_owned(), vec![1, 2, 3]), ("C".to_owned(), vec![4])]);
        assert!(all("no block").unwrap().is_empty());
    }

    #[test]
    fn broken_blocks_are_errors() {
        for text in [
            "-----BEGIN A-----",
            "-----BEGIN A-----\nAQID\n",
            "-----BEGIN A-----\nAQID\n-----END B-----\n",
            "-----BEGIN A\nAQID\n-----END A-----\n",
            "-----BEGIN A-----\nA*ID\n-----END A-----\n",
            "-----BEGIN A-----\nAQIDA\n-----END A-----\n",
        ] {
            assert!(all(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for n in [0, 1, 47, 48, 49, 200] {
            let octets = vec![0xA5; n];
            let text = encode("X", &octets);
            assert!(text.lines().all(|l| l.len() <= 64));
            assert_eq!(all(&text).unwrap(), [("X".to_owned(), octets)]);
        }
    }
}
