//! Reading an archive with one entry, front to back, against its central directory.
//!
//! Structure: PKWARE APPNOTE 6.3, §4.3.7 (local header), §4.3.9 (data
//! descriptor), §4.3.12 (central directory), §4.3.16 (end of central directory).

use flate2::Crc;
use flate2::Decompress;
use flate2::FlushDecompress;
use flate2::Status;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;

/// The first octets of every archive that begins with an entry.
pub(crate) const LOCAL_HEADER: &[u8; 4] = b"PK\x03\x04";
const DIRECTORY_HEADER: &[u8; 4] = b"PK\x01\x02";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";
const END: &[u8; 4] = b"PK\x05\x06";
const END_LENGTH: usize = 22;

/// General purpose flag bits (§4.4.4).
const ENCRYPTED: u16 = 1;
const SIZES_FOLLOW: u16 = 1 << 3;

/// Octets unfolded at a time.
const WINDOW: usize = 64 << 10;

/// The central directory of an archive with one entry, with what follows it.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    /// The directory and the end record, as they stand.
    octets: Vec<u8>,
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    compressed: u64,
    size: u64,
    offset: u64,
}

impl Directory {
    /// Looks for the directory in the last octets of an archive; `None` where they do
    /// not end one that has exactly one entry, no comment, and begins with that entry.
    pub(crate) fn find(tail: &[u8]) -> Option<Self> {
        let end = tail.get(tail.len().checked_sub(END_LENGTH)?..)?;
        if !end.starts_with(END) || u16_at(end, 20)? != 0 {
            return None;
        }
        // This disk, the disk of the directory, entries here, entries in all.
        if (u16_at(end, 4)?, u16_at(end, 6)?, u16_at(end, 8)?, u16_at(end, 10)?) != (0, 0, 1, 1) {
            return None;
        }
        let (length, offset) = (usize::try_from(u32_at(end, 12)?).ok()?, u64::from(u32_at(end, 16)?));
        let octets = tail.get(tail.len().checked_sub(END_LENGTH)?.checked_sub(length)?..)?;
        let header = octets.get(..length)?;
        if !header.starts_with(DIRECTORY_HEADER) {
            return None;
        }
        let (name, extra, comment) =
            (usize::from(u16_at(header, 28)?), usize::from(u16_at(header, 30)?), usize::from(u16_at(header, 32)?));
        if 46 + name + extra + comment != length || u32_at(header, 42)? != 0 {
            return None;
        }
        Some(Self {
            octets: octets.to_vec(),
            name: header.get(46..46 + name)?.to_vec(),
            flags: u16_at(header, 8)?,
            method: u16_at(header, 10)?,
            crc: u32_at(header, 16)?,
            compressed: u64::from(u32_at(header, 20)?),
            size: u64::from(u32_at(header, 24)?),
            offset,
        })
    }

    /// The name of the entry, as far as it is text.
    pub(crate) fn name(&self) -> String {
        String::from_utf8_lossy(&self.name).into_owned()
    }

    /// The size that the entry claims to unfold to.
    #[cfg(test)]
    pub(crate) const fn size(&self) -> u64 {
        self.size
    }
}

/// Whether the last octets of an archive hold an end record, of whatever archive.
pub(crate) fn has_end_record(tail: &[u8]) -> bool {
    memchr::memmem::find(tail, END).is_some()
}

/// Where in the archive an [`Extraction`] stands.
enum State {
    Header,
    Data { left: u64 },
    Rest,
}

/// The one entry, unfolded while the archive passes by.
pub(crate) struct Extraction {
    directory: Directory,
    state: State,
    /// Octets of the header or of what follows the data.
    held: Vec<u8>,
    /// Where the data of the entry begins.
    data: u64,
    inflate: Option<Inflate>,
    crc: Crc,
    size: u64,
}

struct Inflate {
    stream: Decompress,
    window: Box<[u8]>,
    ended: bool,
}

impl Extraction {
    /// Begins, for an archive that ends in `directory`.
    pub(crate) fn new(directory: Directory, limit: u64) -> Result<Self, Error> {
        if directory.flags & ENCRYPTED != 0 {
            return Err(Unsupported::new(Format::Zip, "an encrypted entry").into());
        }
        let inflate = match directory.method {
            0 => None,
            8 => {
                let window = vec![0; WINDOW].into_boxed_slice();
                Some(Inflate { stream: Decompress::new(false), window, ended: false })
            }
            other => return Err(Unsupported::new(Format::Zip, format!("compression method {other}")).into()),
        };
        if [directory.compressed, directory.size, directory.offset].contains(&u64::from(u32::MAX)) {
            return Err(Unsupported::new(Format::Zip, "the 64-bit extension").into());
        }
        // A stored entry cannot unfold: its octets stand there.
        if directory.method != 0 && directory.size > limit {
            return Err(LimitExceeded::new("inflated_octets", limit).into());
        }
        Ok(Self { directory, state: State::Header, held: Vec::new(), data: 0, inflate, crc: Crc::new(), size: 0 })
    }

    /// Takes the next octets of the archive, and gives those of the entry to `sink`.
    pub(crate) fn push(
        &mut self,
        mut octets: &[u8],
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while !octets.is_empty() {
            match self.state {
                State::Header => {
                    let wanted = self.header_length().saturating_sub(self.held.len());
                    octets = take(&mut self.held, octets, wanted);
                    if self.held.len() == self.header_length() {
                        self.check_header()?;
                        self.data = self.held.len() as u64;
                        self.held.clear();
                        self.state = State::Data { left: self.directory.compressed };
                        self.end_of_data()?;
                    }
                }
                State::Data { left } => {
                    let count = usize::try_from(left).unwrap_or(usize::MAX).min(octets.len());
                    let (data, behind) = octets.split_at_checked(count).unwrap_or((octets, &[]));
                    self.unfold(data, sink)?;
                    octets = behind;
                    self.state = State::Data { left: left - count as u64 };
                    self.end_of_data()?;
                }
                State::Rest => {
                    // A descriptor of at most 16 octets, then what the directory's own octets are compared with.
                    let most = self.directory.octets.len() + 16;
                    if octets.len() > most.saturating_sub(self.held.len()) {
                        return Err(fault("end of the archive", "the end record", "further octets"));
                    }
                    self.held.extend_from_slice(octets);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Ends: everything that the directory says was so.
    pub(crate) fn finish(self) -> Result<(), Error> {
        if !matches!(self.state, State::Rest) {
            return Err(fault("entry", "as many octets as the directory says", "the end of the archive"));
        }
        let directory = &self.directory;
        let behind = self.held.len().saturating_sub(directory.octets.len());
        let (descriptor, rest) = self.held.split_at_checked(behind).unwrap_or((&[], &[]));
        if rest != directory.octets || directory.offset != self.data + directory.compressed + behind as u64 {
            return Err(fault("central directory", "it where the end record says", "it elsewhere"));
        }
        let follows = directory.flags & SIZES_FOLLOW != 0;
        let fields = [directory.crc, low(directory.compressed), low(directory.size)].map(u32::to_le_bytes).concat();
        let plain = descriptor == fields || (descriptor.strip_prefix(DESCRIPTOR) == Some(fields.as_slice()));
        if (follows && !plain) || (!follows && !descriptor.is_empty()) {
            return Err(fault("data descriptor", "the sizes and CRC of the directory", "other octets"));
        }
        if self.size != directory.size {
            return Err(fault("entry", format!("{} octets", directory.size), self.size));
        }
        if self.crc.sum() != directory.crc {
            let found = format!("{:08x}", self.crc.sum());
            return Err(fault("entry", format!("CRC-32 {:08x}", directory.crc), found));
        }
        Ok(())
    }

    /// What is known of the length of the local header so far.
    fn header_length(&self) -> usize {
        let lengths = u16_at(&self.held, 26).zip(u16_at(&self.held, 28));
        lengths.filter(|_| self.held.len() >= 30).map_or(30, |(n, e)| 30 + usize::from(n) + usize::from(e))
    }

    fn check_header(&self) -> Result<(), Error> {
        let (h, d) = (&self.held, &self.directory);
        let name = u16_at(h, 26).map(usize::from).and_then(|n| h.get(30..30 + n));
        let sizes = (u32_at(h, 14), u32_at(h, 18), u32_at(h, 22));
        let wanted = (Some(d.crc), Some(low(d.compressed)), Some(low(d.size)));
        // Where the sizes follow, most writers leave zeros here.
        let sizes_fit = sizes == wanted || (d.flags & SIZES_FOLLOW != 0 && sizes == (Some(0), Some(0), Some(0)));
        let same = h.starts_with(LOCAL_HEADER)
            && name == Some(d.name.as_slice())
            && u16_at(h, 6) == Some(d.flags)
            && u16_at(h, 8) == Some(d.method);
        if same && sizes_fit {
            return Ok(());
        }
        Err(fault("local header", "what the central directory says", "another name, method, flag, size or CRC"))
    }

    fn end_of_data(&mut self) -> Result<(), Error> {
        if !matches!(self.state, State::Data { left: 0 }) {
            return Ok(());
        }
        self.state = State::Rest;
        if self.inflate.as_ref().is_some_and(|i| !i.ended) {
            return Err(fault("entry", "the end of the deflate stream", "the end of the entry"));
        }
        Ok(())
    }

    fn unfold(&mut self, mut data: &[u8], sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let Some(inflate) = &mut self.inflate else {
            self.crc.update(data);
            self.size += data.len() as u64;
            return sink(data);
        };
        loop {
            if inflate.ended {
                return match data {
                    [] => Ok(()),
                    _ => Err(fault("entry", "the end of the entry", "octets behind the deflate stream")),
                };
            }
            let (before_in, before_out) = (inflate.stream.total_in(), inflate.stream.total_out());
            let status = inflate
                .stream
                .decompress(data, &mut inflate.window, FlushDecompress::None)
                .map_err(|e| fault("entry", "a deflate stream", e))?;
            let read = usize::try_from(inflate.stream.total_in() - before_in).unwrap_or(usize::MAX);
            let written = usize::try_from(inflate.stream.total_out() - before_out).unwrap_or(usize::MAX);
            data = data.get(read..).unwrap_or_default();
            self.size += written as u64;
            if self.size > self.directory.size {
                return Err(fault("entry", format!("{} octets", self.directory.size), "more"));
            }
            let unfolded = inflate.window.get(..written).unwrap_or_default();
            self.crc.update(unfolded);
            sink(unfolded)?;
            inflate.ended = status == Status::StreamEnd;
            if read == 0 && written == 0 && !inflate.ended {
                return match data {
                    [] => Ok(()),
                    _ => Err(fault("entry", "a deflate stream", "one that stands still")),
                };
            }
            if data.is_empty() && written < inflate.window.len() && !inflate.ended {
                return Ok(());
            }
        }
    }
}

fn fault(
    field: &'static str,
    expected: impl Into<std::borrow::Cow<'static, str>>,
    found: impl std::fmt::Display,
) -> Error {
    Malformed::new(Format::Zip, field, expected).found(found).into()
}

/// Moves up to `wanted` octets over, and returns the others.
fn take<'o>(to: &mut Vec<u8>, octets: &'o [u8], wanted: usize) -> &'o [u8] {
    let (taken, behind) = octets.split_at_checked(wanted).unwrap_or((octets, &[]));
    to.extend_from_slice(taken);
    behind
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(octets.get(at..at + 2)?.try_into().ok()?))
}

fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(octets.get(at..at + 4)?.try_into().ok()?))
}

/// A size that was read from 32 bits.
fn low(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::write_single;

    fn archive(name: &str, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut crc = Crc::new();
        crc.update(content);
        write_single(name, &content.to_vec(), crc.sum(), u64::MAX, &mut |part| {
            out.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
        out
    }

    fn extract(archive: &[u8], step: usize, limit: u64) -> Result<Vec<u8>, Error> {
        let directory = Directory::find(archive).ok_or_else(|| fault("archive", "one entry", "none"))?;
        let mut extraction = Extraction::new(directory, limit)?;
        let mut out = Vec::new();
        for part in archive.chunks(step) {
            extraction.push(part, &mut |octets| {
                out.extend_from_slice(octets);
                Ok(())
            })?;
        }
        extraction.finish()?;
        Ok(out)
    }

    fn noise(count: usize) -> Vec<u8> {
        let mut state = 1u32;
        (0..count)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect()
    }

    #[test]
    fn what_is_written_is_read_in_any_steps() {
        let text = "Công văn về việc liên thông\n".repeat(9_000).into_bytes();
        for content in [Vec::new(), b"x".to_vec(), text, noise(200_000)] {
            let archive = archive("3f2504e0-4f89-41d3-9a0c-0305e82c3301.pdf", &content);
            assert_eq!(Directory::find(&archive).unwrap().size(), content.len() as u64);
            for step in [1, 7, 4_096, usize::MAX] {
                assert_eq!(extract(&archive, step, u64::MAX).unwrap(), content);
            }
        }
    }

    #[test]
    fn no_octet_may_change_and_none_may_be_missing() {
        for content in [b"A small file, small enough to try every octet".to_vec(), noise(64)] {
            let good = archive("a.txt", &content);
            for at in 0..good.len() {
                for bit in [1, 0x80] {
                    let mut bad = good.clone();
                    bad[at] ^= bit;
                    if let Ok(out) = extract(&bad, usize::MAX, 1 << 20) {
                        // Times, attributes and versions carry no content and stand in both headers or in one.
                        assert_eq!(out, content, "octet {at}");
                    }
                }
                assert!(extract(&good[..at], usize::MAX, 1 << 20).is_err());
                let mut longer = good.clone();
                longer.insert(at, b'x');
                assert!(extract(&longer, usize::MAX, 1 << 20).is_err(), "inserted at {at}");
            }
        }
    }

    #[test]
    fn a_bomb_stops_at_its_limit_and_at_its_claim() {
        let good = archive("zeros", &vec![0; 3_000_000]);
        assert!(good.len() < 10_000);
        assert!(matches!(extract(&good, 4_096, 1_000_000), Err(Error::LimitExceeded(_))));
        // The same with a size that lies in both places.
        let lie = 1_000u32.to_le_bytes();
        let directory = good.len() - END_LENGTH - 46 - 5;
        let mut bad = good.clone();
        bad[directory + 24..directory + 28].copy_from_slice(&lie);
        let descriptor = directory - 4;
        bad[descriptor..directory].copy_from_slice(&lie);
        let mut most = 0;
        let mut extraction = Extraction::new(Directory::find(&bad).unwrap(), 1 << 20).unwrap();
        let result = extraction.push(&bad, &mut |octets| {
            most += octets.len();
            Ok(())
        });
        assert!(result.is_err() && most <= WINDOW);
    }

    #[test]
    fn other_archives_are_not_taken() {
        let one = archive("a", b"1");
        let mut two = one.clone();
        let end = two.len() - END_LENGTH;
        two[end + 8] = 2;
        two[end + 10] = 2;
        assert!(Directory::find(&two).is_none());
        let mut remark = one.clone();
        remark[end + 20] = 1;
        remark.push(b'!');
        assert!(Directory::find(&remark).is_none());
        assert!(Directory::find(b"").is_none());
        assert!(Directory::find(&one[..one.len() - 1]).is_none());
        let mut encrypted = one;
        encrypted[6] |= 1;
        let directory = end - 47;
        encrypted[directory + 8] |= 1;
        assert!(matches!(extract(&encrypted, 99, 99), Err(Error::Unsupported(_))));
    }
}
