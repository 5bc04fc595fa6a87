//! An attachment on its way out: measured once, then a ZIP of one file as base64, in constant memory.

use std::io::Write;

use base64_simd::AsOut;
use flate2::Crc;

use crate::container::each_window;
use crate::container::write_single;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::IoError;
use crate::source::Source;

/// What one pass over a content established, before anything is written.
#[derive(Debug)]
pub(super) struct Measured {
    crc: u32,
    sha256: Digest,
}

impl Measured {
    pub(super) fn of(content: &dyn Source, backend: Backend) -> Result<Self, Error> {
        let (mut crc, mut digester) = (Crc::new(), backend.digester(DigestAlgorithm::Sha256));
        each_window(content, &mut |octets| {
            crc.update(octets);
            digester.update(octets);
            Ok(())
        })?;
        Ok(Self { crc: crc.sum(), sha256: digester.finish() })
    }

    /// The name of the entry: a UUID from the content's SHA-256, and the extension of the name.
    fn entry_name(&self, name: &str) -> String {
        let extension = name.rsplit_once('.').map(|(_, e)| e.to_ascii_lowercase());
        let plain = |e: &String| (1..=16).contains(&e.len()) && e.bytes().all(|b| b.is_ascii_alphanumeric());
        format!("{}.{}", uuid(&self.sha256), extension.filter(plain).as_deref().unwrap_or("bin"))
    }

    /// The identifier of the attachment at this place of the manifest: another one
    /// for each, also where two have the same content.
    pub(super) fn content_id(&self, place: usize) -> String {
        let mut digester = DigestAlgorithm::Sha256.digester();
        digester.update(&(place as u64).to_be_bytes());
        digester.update(self.sha256.octets());
        format!("cid:{}", uuid(&digester.finish()))
    }

    /// Writes the content, which must still be the one that was measured; deflated only where it
    /// has at most `most` octets.
    pub(super) fn write(&self, name: &str, content: &dyn Source, most: u64, out: &mut dyn Write) -> Result<(), Error> {
        let mut encoder = Encoder { out, held: Vec::new(), text: Vec::new() };
        write_single(&self.entry_name(name), content, self.crc, most, &mut |octets| encoder.push(octets))?;
        encoder.finish()
    }
}

/// A UUID of version 8 (RFC 9562 §5.8) from the first octets of a digest: random ones
/// would give other octets for the same message at each writing.
fn uuid(digest: &Digest) -> String {
    let mut octets = [0; 16];
    octets.iter_mut().zip(digest.octets()).for_each(|(to, from)| *to = *from);
    let number = u128::from_be_bytes(octets);
    let number = number & !(0xF << 76) & !(0b11 << 62) | (8 << 76) | (0b10 << 62);
    let hex = format!("{number:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// Base64 (RFC 4648 §4) without line ends: the kit writes none, and decoders that
/// follow the RFC to the letter, as Java's basic one, refuse them.
struct Encoder<'o> {
    out: &'o mut dyn Write,
    held: Vec<u8>,
    text: Vec<u8>,
}

impl Encoder<'_> {
    /// Octets encoded at a time; a multiple of three.
    const WINDOW: usize = 192 << 10;

    fn push(&mut self, mut octets: &[u8]) -> Result<(), Error> {
        while self.held.len() + octets.len() >= Self::WINDOW {
            let wanted = Self::WINDOW.saturating_sub(self.held.len());
            let (now, later) = octets.split_at_checked(wanted).unwrap_or((octets, &[]));
            self.held.extend_from_slice(now);
            octets = later;
            self.flush()?;
        }
        self.held.extend_from_slice(octets);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.text.resize(base64_simd::STANDARD.encoded_length(self.held.len()), 0);
        let text = base64_simd::STANDARD.encode(&self.held, self.text.as_mut_slice().as_out());
        self.held.clear();
        put(self.out, text)
    }

    fn finish(mut self) -> Result<(), Error> {
        self.flush()
    }
}

/// Writes, and says what was being written where that fails.
pub(super) fn put(out: &mut dyn Write, octets: &[u8]) -> Result<(), Error> {
    out.write_all(octets).map_err(|e| IoError::new("write", "the message", e).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_are_of_version_8_and_tell_contents_apart() {
        let measured = |octets: &[u8]| Measured::of(&octets.to_vec(), Backend::default()).unwrap();
        let (a, b) = (measured(b"a"), measured(b"b"));
        // SHA-256 of "a" is ca978112ca1bbdca fac231b39a23dc4d…
        assert_eq!(a.entry_name("x.PDF"), "ca978112-ca1b-8dca-bac2-31b39a23dc4d.pdf");
        for (name, extension) in [("x", "bin"), ("x.", "bin"), ("x.a/b", "bin"), ("x.tệp", "bin"), ("a.b.zip", "zip")]
        {
            assert!(a.entry_name(name).ends_with(&format!(".{extension}")), "{name}");
        }
        assert_ne!(a.content_id(0), b.content_id(0));
        assert_ne!(a.content_id(0), a.content_id(1));
    }

    #[test]
    fn pieces_of_any_size_give_one_text() {
        let data: Vec<u8> = (0..500_000u32).map(|n| n.to_be_bytes()[2] ^ n.to_be_bytes()[3]).collect();
        for (size, step) in [(0, 1), (1, 1), (2, 7), (3, 1), (500_000, 1_000), (500_000, 196_608), (500_000, 499_999)] {
            let mut text = Vec::new();
            let mut encoder = Encoder { out: &mut text, held: Vec::new(), text: Vec::new() };
            data[..size].chunks(step).for_each(|part| encoder.push(part).unwrap());
            encoder.finish().unwrap();
            assert_eq!(String::from_utf8(text).unwrap(), base64_simd::STANDARD.encode_to_string(&data[..size]));
        }
    }
}
