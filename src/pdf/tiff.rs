//! TIFF files (TIFF 6.0): directories and tags, fax data as it stands, all else decoded.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Cursor;

use tiff::ColorType;
use tiff::TiffError;
use tiff::decoder::Decoder;
use tiff::decoder::DecodingResult;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::limits::Budget;

/// One directory: a page, or the notes of a camera.
pub(super) struct Directory<'t> {
    data: &'t [u8],
    big_endian: bool,
    /// Tag, and where its entry stands.
    entries: BTreeMap<u16, usize>,
}

/// A strip of fax data with what a decoder has to know.
pub(super) struct FaxStrip<'t> {
    pub(super) data: &'t [u8],
    pub(super) rows: u32,
}

/// A bilevel page coded by ITU-T T.4 or T.6.
pub(super) struct Fax<'t> {
    /// `/K` of the PDF filter: -1 is group 4, 0 one-dimensional, positive mixed.
    pub(super) k: i64,
    /// Each row begins at an octet.
    pub(super) aligned: bool,
    /// The samples that the code calls black are white.
    pub(super) inverted: bool,
    /// The bits of each octet stand in reverse.
    pub(super) reversed: bool,
    pub(super) strips: Vec<FaxStrip<'t>>,
}

/// Decoded samples, eight bits each unless `bits` says one.
pub(super) struct Samples {
    pub(super) channels: u8,
    pub(super) bits: u8,
    pub(super) octets: Vec<u8>,
}

pub(super) mod tag {
    pub(in super::super) const WIDTH: u16 = 256;
    pub(in super::super) const HEIGHT: u16 = 257;
    pub(in super::super) const ORIENTATION: u16 = 274;
    pub(in super::super) const X_RESOLUTION: u16 = 282;
    pub(in super::super) const Y_RESOLUTION: u16 = 283;
    pub(in super::super) const RESOLUTION_UNIT: u16 = 296;
    pub(super) const SUBFILE: u16 = 254;
    pub(super) const COMPRESSION: u16 = 259;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const FILL_ORDER: u16 = 266;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_OCTETS: u16 = 279;
    pub(super) const T4_OPTIONS: u16 = 292;
    pub(super) const COLOUR_MAP: u16 = 320;
}

/// Pages of one file.
const MOST_PAGES: usize = 10_000;
/// Entries of one directory.
const MOST_ENTRIES: usize = 4_096;
/// Strips of one page.
const MOST_STRIPS: usize = 4_096;

fn fault(field: &'static str, expected: &'static str) -> Error {
    Malformed::new(Format::Image, field, expected).into()
}

/// Whether it begins as a TIFF file.
pub(super) fn is_tiff(data: &[u8]) -> bool {
    matches!(data, [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..])
}

/// The directories of the pages in their order; thumbnails and masks are left out.
pub(super) fn pages(data: &[u8]) -> Result<Vec<(usize, Directory<'_>)>, Error> {
    let mut pages = Vec::new();
    for (index, directory) in directories(data)?.into_iter().enumerate() {
        // 1: of reduced resolution, 4: a mask.
        if directory.number(tag::SUBFILE).unwrap_or(0) & 5 == 0 {
            pages.push((index, directory));
        }
    }
    if pages.is_empty() {
        return Err(fault("TIFF file", "a page"));
    }
    Ok(pages)
}

/// All directories in their order.
pub(super) fn directories(data: &[u8]) -> Result<Vec<Directory<'_>>, Error> {
    let big_endian = match data {
        [b'I', b'I', 42, 0, ..] => false,
        [b'M', b'M', 0, 42, ..] => true,
        _ => return Err(Unsupported::new(Format::Image, "TIFF files of another form than TIFF 6.0").into()),
    };
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = unsigned(data, 4, 4, big_endian).ok_or_else(|| fault("TIFF file", "a directory"))?;
    while next != 0 {
        if !seen.insert(next) {
            return Err(fault("TIFF directories", "an end, not a circle"));
        }
        if found.len() >= MOST_PAGES {
            return Err(LimitExceeded::new("pages of a TIFF file", MOST_PAGES as u64).into());
        }
        let truncated = || fault("TIFF directory", "a whole directory");
        let at = usize::try_from(next).map_err(|_| truncated())?;
        let count = unsigned(data, at, 2, big_endian).ok_or_else(truncated)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if count > MOST_ENTRIES {
            return Err(LimitExceeded::new("entries of a TIFF directory", MOST_ENTRIES as u64).into());
        }
        let mut entries = BTreeMap::new();
        for index in 0..count {
            let entry = at + 2 + index * 12;
            let tag = unsigned(data, entry, 2, big_endian).ok_or_else(truncated)?;
            entries.insert(u16::try_from(tag).unwrap_or(0), entry);
        }
        found.push(Directory { data, big_endian, entries });
        next = unsigned(data, at + 2 + count * 12, 4, big_endian).unwrap_or(0);
    }
    Ok(found)
}

fn unsigned(data: &[u8], at: usize, size: usize, big_endian: bool) -> Option<u64> {
    let octets = data.get(at..at.checked_add(size)?)?;
    let fold = |value: u64, octet: &u8| value << 8 | u64::from(*octet);
    Some(if big_endian { octets.iter().fold(0, fold) } else { octets.iter().rev().fold(0, fold) })
}

impl<'t> Directory<'t> {
    /// Where the values of an entry stand: size of one, count, offset.
    fn values(&self, tag: u16) -> Option<(usize, usize, usize)> {
        let entry = *self.entries.get(&tag)?;
        let size = match unsigned(self.data, entry + 2, 2, self.big_endian)? {
            1 | 2 | 7 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return None,
        };
        let count = usize::try_from(unsigned(self.data, entry + 4, 4, self.big_endian)?).ok()?;
        let octets = count.checked_mul(size)?;
        let at = match octets {
            0..=4 => entry + 8,
            _ => usize::try_from(unsigned(self.data, entry + 8, 4, self.big_endian)?).ok()?,
        };
        self.data.get(at..at.checked_add(octets)?)?;
        Some((size, count, at))
    }

    /// The first number of an entry.
    pub(super) fn number(&self, tag: u16) -> Option<u64> {
        let (size, count, at) = self.values(tag)?;
        if count == 0 || size > 4 {
            return None;
        }
        unsigned(self.data, at, size, self.big_endian)
    }

    fn numbers(&self, tag: u16, most: usize) -> Option<Vec<u64>> {
        let (size, count, at) = self.values(tag)?;
        if count > most || size > 4 {
            return None;
        }
        (0..count).map(|index| unsigned(self.data, at + index * size, size, self.big_endian)).collect()
    }

    fn rational(&self, tag: u16) -> Option<f64> {
        let (8, count, at) = self.values(tag)? else { return None };
        let part = |at: usize| unsigned(self.data, at, 4, self.big_endian);
        let (over, under) = part(at).zip(part(at + 4)).filter(|_| count > 0)?;
        #[allow(clippy::cast_precision_loss)] // 32 bits
        Some(over as f64 / under as f64).filter(|value| value.is_finite() && *value > 0.0)
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> Result<(u32, u32), Error> {
        let side = |tag: u16| self.number(tag).and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        side(tag::WIDTH).zip(side(tag::HEIGHT)).ok_or_else(|| fault("TIFF page", "a width and a height"))
    }

    /// Pixels per metre, across and down.
    pub(super) fn resolution(&self) -> Option<(f64, f64)> {
        let scale = match self.number(tag::RESOLUTION_UNIT).unwrap_or(2) {
            2 => 1.0 / 0.0254,
            3 => 100.0,
            _ => return None,
        };
        let (x, y) = (self.rational(tag::X_RESOLUTION)?, self.rational(tag::Y_RESOLUTION)?);
        Some((x * scale, y * scale))
    }

    /// How the page is to be turned, 1 to 8 (TIFF 6.0 section 8).
    pub(super) fn orientation(&self) -> u8 {
        self.number(tag::ORIENTATION).and_then(|n| u8::try_from(n).ok()).filter(|n| (1..=8).contains(n)).unwrap_or(1)
    }

    /// The page as fax data, if it is coded so.
    pub(super) fn fax(&self) -> Result<Option<Fax<'t>>, Error> {
        let options = self.number(tag::T4_OPTIONS).unwrap_or(0);
        let (k, aligned) = match self.number(tag::COMPRESSION) {
            Some(2) => (0, true),
            Some(3) if options & 1 == 1 => (4, options & 4 == 4),
            Some(3) => (0, options & 4 == 4),
            Some(4) => (-1, false),
            _ => return Ok(None),
        };
        let (_, height) = self.size()?;
        let offsets = self.numbers(tag::STRIP_OFFSETS, MOST_STRIPS);
        let offsets = offsets.ok_or_else(|| fault("TIFF page", "strips, no more than 4096"))?;
        // Some writers leave out the count of the only strip.
        let counts = self.numbers(tag::STRIP_OCTETS, MOST_STRIPS).unwrap_or_default();
        let rows = self.number(tag::ROWS_PER_STRIP).and_then(|rows| u32::try_from(rows).ok()).unwrap_or(height);
        let rows = rows.clamp(1, height);
        let mut strips = Vec::new();
        let mut left = height;
        for (index, offset) in offsets.iter().enumerate() {
            let from = usize::try_from(*offset).ok();
            let to = match counts.get(index) {
                Some(count) => from.and_then(|from| from.checked_add(usize::try_from(*count).ok()?)),
                None if offsets.len() == 1 => Some(self.data.len()),
                None => None,
            };
            let data = from.zip(to).and_then(|(from, to)| self.data.get(from..to));
            let data = data.ok_or_else(|| fault("TIFF strip", "octets within the file"))?;
            let rows = rows.min(left);
            if rows == 0 {
                break;
            }
            left -= rows;
            strips.push(FaxStrip { data, rows });
        }
        if left > 0 {
            return Err(fault("TIFF page", "strips for all of its rows"));
        }
        let inverted = self.number(tag::PHOTOMETRIC) == Some(1);
        Ok(Some(Fax { k, aligned, inverted, reversed: self.number(tag::FILL_ORDER) == Some(2), strips }))
    }

    /// Decodes the page, the one with this index in the file.
    pub(super) fn decode(&self, index: usize, limit: u64, budget: &Budget) -> Result<Samples, Error> {
        let failed = |error: TiffError| -> Error {
            match error {
                TiffError::LimitsExceeded => LimitExceeded::new("inflated_octets", limit).into(),
                TiffError::UnsupportedError(fault) => {
                    Unsupported::new(Format::Image, format!("a TIFF page: {fault}")).into()
                }
                other => Malformed::new(Format::Image, "TIFF page", "image data").found(other).into(),
            }
        };
        let (width, height) = self.size()?;
        // Before anything is unpacked: four samples of two octets at the most.
        let pixels = u64::from(width) * u64::from(height);
        if pixels > limit {
            return Err(LimitExceeded::new("inflated_octets", limit).into());
        }
        budget.spend_many(pixels)?;
        let mut limits = tiff::decoder::Limits::default();
        limits.decoding_buffer_size = usize::try_from(limit).unwrap_or(usize::MAX);
        limits.intermediate_buffer_size = limits.decoding_buffer_size;
        limits.ifd_value_size = 1 << 20;
        let mut decoder = Decoder::new(Cursor::new(self.data)).map_err(failed)?.with_limits(limits);
        decoder.seek_to_image(index).map_err(failed)?;
        let colours = decoder.colortype().map_err(failed)?;
        let unsupported = || Unsupported::new(Format::Image, format!("TIFF pages with samples of {colours:?}"));
        let octets = match decoder.read_image().map_err(failed)? {
            DecodingResult::U8(octets) => octets,
            // The upper half of each sample.
            DecodingResult::U16(samples) => samples.into_iter().map(|sample| (sample >> 8) as u8).collect(),
            _ => return Err(unsupported().into()),
        };
        budget.spend_many(octets.len() as u64)?;
        let samples = |channels: u8, octets: Vec<u8>| Samples { channels, bits: 8, octets };
        Ok(match colours {
            ColorType::Gray(1) => Samples { channels: 1, bits: 1, octets },
            ColorType::Gray(8 | 16) => samples(1, octets),
            ColorType::RGB(8 | 16) => samples(3, octets),
            // A scan has no background to shine through.
            ColorType::GrayA(8 | 16) => samples(1, octets.chunks_exact(2).flat_map(|p| p.first()).copied().collect()),
            ColorType::RGBA(8 | 16) => {
                samples(3, octets.chunks_exact(4).flat_map(|p| p.get(..3).unwrap_or_default()).copied().collect())
            }
            ColorType::CMYK(8) => samples(4, octets),
            ColorType::Palette(8) => samples(3, self.coloured(&octets)?),
            _ => return Err(unsupported().into()),
        })
    }

    /// Indices into the colour map as colours.
    fn coloured(&self, indices: &[u8]) -> Result<Vec<u8>, Error> {
        let map = self.numbers(tag::COLOUR_MAP, 3 * 256).filter(|map| map.len() == 3 * 256);
        let map = map.ok_or_else(|| fault("TIFF colour map", "256 colours"))?;
        let part = |index: usize| map.get(index).map_or(0, |value| u8::try_from(value >> 8).unwrap_or(0));
        Ok(indices.iter().flat_map(|index| [0, 256, 512].map(|plane| part(plane + usize::from(*index)))).collect())
    }
}
