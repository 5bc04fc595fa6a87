//! Images in visible signatures: PNG unpacked, JPEG passed through.

use std::io::Cursor;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::Unsupported;
use crate::limits::Limits;
use crate::pdf::conformance::Conformance;
use crate::pdf::filter::decode;
use crate::pdf::filter::deflate;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::update::Update;

/// An image, ready to be written.
#[derive(Clone, Debug)]
pub struct Image {
    width: u32,
    height: u32,
    colours: Colours,
    data: Data,
    mask: Option<Vec<u8>>,
    resolution: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    Grey,
    Rgb,
    /// Inverted, as Adobe's writers store it.
    Cmyk {
        inverted: bool,
    },
}

/// Sample data as the file will hold it.
#[derive(Clone, Debug)]
enum Data {
    /// Deflated samples of eight bits.
    Flate(Vec<u8>),
    /// A JPEG file.
    Dct(Vec<u8>),
}

impl Image {
    /// Reads a PNG or a JPEG file, told apart by their first octets.
    ///
    /// # Errors
    /// As [`from_png`](Self::from_png) and [`from_jpeg`](Self::from_jpeg).
    pub fn read(data: &[u8], limits: &Limits) -> Result<Self, Error> {
        match data {
            [0x89, b'P', b'N', b'G', ..] => Self::from_png(data, limits),
            [0xff, 0xd8, ..] => Self::from_jpeg(data),
            _ => Err(Unsupported::new(Format::Image, "files other than PNG and JPEG").into()),
        }
    }

    /// Reads a PNG file: any colour type and depth, interlaced or not.
    ///
    /// Transparency becomes a soft mask; sixteen bits a sample become eight.
    ///
    /// # Errors
    /// Where it is malformed, or larger than the limits allow.
    pub fn from_png(data: &[u8], limits: &Limits) -> Result<Self, Error> {
        let fault = |error: png::DecodingError| match error {
            png::DecodingError::LimitsExceeded => over(limits),
            error => Malformed::new(Format::Image, "PNG file", "image data").found(error).into(),
        };
        let bytes = usize::try_from(limits.inflated_octets).unwrap_or(usize::MAX);
        let mut decoder = png::Decoder::new_with_limits(Cursor::new(data), png::Limits { bytes });
        decoder.set_transformations(png::Transformations::EXPAND | png::Transformations::STRIP_16);
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        let mut reader = decoder.read_info().map_err(fault)?;
        let (width, height) = reader.info().size();
        let resolution = reader.info().pixel_dims.filter(|dims| dims.unit == png::Unit::Meter);
        let resolution = resolution.map(|dims| (f64::from(dims.xppu), f64::from(dims.yppu)));
        // The size is checked before the memory is asked for.
        let size = reader.output_buffer_size().filter(|size| *size as u64 <= limits.inflated_octets);
        let mut samples = vec![0; size.ok_or_else(|| over(limits))?];
        let frame = reader.next_frame(&mut samples).map_err(fault)?;
        samples.truncate(frame.buffer_size());
        let (colours, alpha) = match frame.color_type {
            png::ColorType::Grayscale => (Colours::Grey, false),
            png::ColorType::GrayscaleAlpha => (Colours::Grey, true),
            png::ColorType::Rgb => (Colours::Rgb, false),
            png::ColorType::Rgba => (Colours::Rgb, true),
            png::ColorType::Indexed => return Err(Unsupported::new(Format::Image, "a palette not expanded").into()),
        };
        let mut mask = None;
        if alpha {
            let pixel = if colours == Colours::Grey { 2 } else { 4 };
            let opacity: Vec<u8> = samples.chunks_exact(pixel).filter_map(|pixel| pixel.last().copied()).collect();
            samples =
                samples.chunks_exact(pixel).flat_map(|p| p.split_last().map_or(&[][..], |(_, c)| c)).copied().collect();
            if opacity.iter().any(|opacity| *opacity != 0xff) {
                mask = Some(deflate(&opacity)?);
            }
        }
        Ok(Self { width, height, colours, data: Data::Flate(deflate(&samples)?), mask, resolution })
    }

    /// Takes a JPEG file as it is.
    ///
    /// # Errors
    /// Where the header is malformed, or PDF readers cannot show its kind.
    pub fn from_jpeg(data: &[u8]) -> Result<Self, Error> {
        let header = JpegHeader::read(data)?;
        Ok(Self {
            width: header.width,
            height: header.height,
            colours: header.colours,
            data: Data::Dct(data.to_vec()),
            mask: None,
            resolution: header.resolution,
        })
    }

    /// With the opacity of each pixel, row by row, 0 being transparent; for JPEG files, which have none.
    ///
    /// # Errors
    /// Misuse where the number of pixels differs.
    pub fn with_mask(mut self, opacity: &[u8]) -> Result<Self, Error> {
        let pixels = u64::from(self.width) * u64::from(self.height);
        if opacity.len() as u64 != pixels {
            return Err(Misuse::new(format!("a mask of {} octets for {pixels} pixels", opacity.len())).into());
        }
        self.mask = Some(deflate(opacity)?);
        Ok(self)
    }

    /// Width and height in pixels.
    #[must_use]
    pub const fn pixels(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Width and height in points, where the file states its resolution: the real size of a scanned seal.
    #[must_use]
    pub fn real_size(&self) -> Option<(f64, f64)> {
        const POINTS_PER_METRE: f64 = 72.0 / 0.0254;
        let (x, y) = self.resolution.filter(|(x, y)| *x > 0.0 && *y > 0.0)?;
        Some((f64::from(self.width) / x * POINTS_PER_METRE, f64::from(self.height) / y * POINTS_PER_METRE))
    }

    /// Width and height in any common unit, pixels being square unless the file says otherwise.
    pub(super) fn proportions(&self) -> (f64, f64) {
        self.real_size().unwrap_or_else(|| (f64::from(self.width), f64::from(self.height)))
    }

    /// Pixels per metre, where the file states it.
    pub(super) const fn resolution(&self) -> Option<(f64, f64)> {
        self.resolution
    }

    pub(super) fn is_coloured(&self) -> bool {
        self.colours != Colours::Grey
    }

    /// Writes the image XObject and its mask.
    pub(super) fn add_to(&self, update: &mut Update<'_>, conformance: Conformance) -> Result<Reference, Error> {
        let (mut image, mask) = self.clone().streams(conformance);
        match (mask, &self.mask) {
            (Some(_), Some(opacity)) if conformance.part_1 => {
                let opacity = inflate(opacity)?;
                let stencil = Dictionary::new()
                    .with("Type", Object::name("XObject"))
                    .with("Subtype", Object::name("Image"))
                    .with("Width", i64::from(self.width))
                    .with("Height", i64::from(self.height))
                    .with("ImageMask", Object::Boolean(true))
                    .with("BitsPerComponent", 1)
                    .with("Filter", Object::name("FlateDecode"));
                let rows = deflate(&stencil_of(&opacity, usize::try_from(self.width).unwrap_or(usize::MAX)))?;
                image.dictionary.set("Mask", update.add_stream(stencil, rows)?);
                if let Data::Flate(data) = &self.data {
                    let blended = deflate(&on_white(&inflate(data)?, &opacity))?;
                    return update.add_stream(image.dictionary, blended);
                }
            }
            (Some(mask), _) => image.dictionary.set("SMask", update.add(Object::Stream(Box::new(mask)))?),
            _ => {}
        }
        update.add(Object::Stream(Box::new(image)))
    }

    /// The image XObject and its soft mask, which the first has yet to name.
    pub(super) fn streams(self, conformance: Conformance) -> (Stream, Option<Stream>) {
        let common = || {
            Dictionary::new()
                .with("Type", Object::name("XObject"))
                .with("Subtype", Object::name("Image"))
                .with("Width", i64::from(self.width))
                .with("Height", i64::from(self.height))
                .with("BitsPerComponent", 8)
        };
        let space = match self.colours {
            Colours::Grey => conformance.grey(),
            Colours::Rgb => conformance.rgb(),
            Colours::Cmyk { .. } => Object::name("DeviceCMYK"),
        };
        let mut dictionary = common().with("ColorSpace", space);
        if self.colours == (Colours::Cmyk { inverted: true }) {
            dictionary.set("Decode", [1, 0, 1, 0, 1, 0, 1, 0].map(Object::Integer).to_vec());
        }
        let grey = common().with("ColorSpace", Object::name("DeviceGray"));
        let grey = grey.with("Filter", Object::name("FlateDecode"));
        let mask = self.mask.map(|mask| Stream::new(grey, mask));
        let (filter, data) = match self.data {
            Data::Flate(data) => ("FlateDecode", data),
            Data::Dct(data) => ("DCTDecode", data),
        };
        (Stream::new(dictionary.with("Filter", Object::name(filter)), data), mask)
    }
}

/// What [`deflate`] made smaller.
fn inflate(data: &[u8]) -> Result<Vec<u8>, Error> {
    decode(&Dictionary::new().with("Filter", Object::name("FlateDecode")), data.to_vec(), u64::MAX - 1)
}

/// One bit for each pixel, 1 where it is not shown (ISO 32000-2 §8.9.6.3); each row begins in an octet of its own.
fn stencil_of(opacity: &[u8], width: usize) -> Vec<u8> {
    let row = |row: &[u8]| -> Vec<u8> {
        let octet = |pixels: &[u8]| {
            let bits = pixels.iter().enumerate().map(|(index, opacity)| u8::from(*opacity < 0x80) << (7 - index % 8));
            bits.fold(0, |octet, bit| octet | bit)
        };
        row.chunks(8).map(octet).collect()
    };
    opacity.chunks(width.max(1)).flat_map(row).collect()
}

/// The samples as they look on paper, since a pixel that is half there will be shown whole.
fn on_white(samples: &[u8], opacity: &[u8]) -> Vec<u8> {
    let colours = samples.len().checked_div(opacity.len()).unwrap_or(1).max(1);
    let blend = |(pixel, opacity): (&[u8], &u8)| -> Vec<u8> {
        let opacity = u16::from(*opacity);
        let mixed = pixel.iter().map(|sample| (u16::from(*sample) * opacity + 255 * (255 - opacity)) / 255);
        mixed.map(|sample| u8::try_from(sample).unwrap_or(u8::MAX)).collect()
    };
    samples.chunks_exact(colours).zip(opacity).flat_map(blend).collect()
}

struct JpegHeader {
    width: u32,
    height: u32,
    colours: Colours,
    resolution: Option<(f64, f64)>,
}

impl JpegHeader {
    /// Reads the segments up to the frame header (ITU-T T.81 Annex B).
    fn read(data: &[u8]) -> Result<Self, Error> {
        let fault =
            |expected: &'static str, at: usize| Malformed::new(Format::Image, "JPEG file", expected).at(at as u64);
        let mut at = 2;
        if !data.starts_with(&[0xff, 0xd8]) {
            return Err(fault("the start-of-image marker", 0).into());
        }
        let (mut adobe, mut resolution) = (false, None);
        loop {
            let rest = data.get(at..).unwrap_or_default();
            let [0xff, marker, rest @ ..] = rest else { return Err(fault("a marker", at).into()) };
            match marker {
                // Fill octets and markers without a segment.
                0xff => {
                    at += 1;
                    continue;
                }
                0x01 | 0xd0..=0xd7 => {
                    at += 2;
                    continue;
                }
                0xd8..=0xda => return Err(fault("a frame header", at).into()),
                _ => {}
            }
            let [high, low, ..] = rest else { return Err(fault("the length of a segment", at).into()) };
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let segment = rest.get(2..length).ok_or_else(|| fault("a whole segment", at))?;
            match (marker, segment) {
                (0xe0, [b'J', b'F', b'I', b'F', 0, _, _, unit @ 1..=2, xh, xl, yh, yl, ..]) => {
                    // Dots per inch or per centimetre.
                    let scale = if *unit == 1 { 1.0 / 0.0254 } else { 100.0 };
                    let density = |high: u8, low: u8| f64::from(u16::from_be_bytes([high, low])) * scale;
                    resolution = Some((density(*xh, *xl), density(*yh, *yl)));
                }
                (0xee, [b'A', b'd', b'o', b'b', b'e', ..]) => adobe = true,
                // Baseline, extended sequential, progressive; Huffman coding.
                (0xc0..=0xc2, [precision, h1, h0, w1, w0, components, ..]) => {
                    if *precision != 8 {
                        let feature = format!("JPEG with {precision} bits a sample");
                        return Err(Unsupported::new(Format::Image, feature).into());
                    }
                    let (height, width) = (u16::from_be_bytes([*h1, *h0]), u16::from_be_bytes([*w1, *w0]));
                    if width == 0 || height == 0 {
                        return Err(fault("a width and a height in the frame header", at).into());
                    }
                    let colours = match components {
                        1 => Colours::Grey,
                        3 => Colours::Rgb,
                        4 => Colours::Cmyk { inverted: adobe },
                        other => {
                            let feature = format!("JPEG with {other} components");
                            return Err(Unsupported::new(Format::Image, feature).into());
                        }
                    };
                    return Ok(Self { width: width.into(), height: height.into(), colours, resolution });
                }
                (0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, _) => {
                    let feature = "JPEG that is lossless, hierarchical or arithmetically coded";
                    return Err(Unsupported::new(Format::Image, feature).into());
                }
                _ => {}
            }
            at += 2 + length;
        }
    }
}

/// Pixels of a JPEG file of any kind; a header that cannot be read has none.
#[cfg(feature = "preview")]
pub(super) fn jpeg_pixels(data: &[u8]) -> Option<u64> {
    let header = JpegHeader::read(data).ok()?;
    Some(u64::from(header.width) * u64::from(header.height))
}

fn over(limits: &Limits) -> Error {
    LimitExceeded::new("inflated_octets", limits.inflated_octets).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(
        colour: png::ColorType,
        depth: png::BitDepth,
        samples: &[u8],
        set: impl FnOnce(&mut png::Encoder<'_, &mut Vec<u8>>),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, 2, 1);
        encoder.set_color(colour);
        encoder.set_depth(depth);
        set(&mut encoder);
        encoder.write_header().unwrap().write_image_data(samples).unwrap();
        out
    }

    fn samples(image: &Image) -> (Vec<u8>, Option<Vec<u8>>) {
        let inflate = |data: &[u8]| {
            let dictionary = Dictionary::new().with("Filter", Object::name("FlateDecode"));
            decode(&dictionary, data.to_vec(), 1 << 20).unwrap()
        };
        let Data::Flate(data) = &image.data else { panic!() };
        (inflate(data), image.mask.as_deref().map(inflate))
    }

    #[test]
    fn every_colour_type_of_png() {
        use png::BitDepth::{Eight, Four, One, Sixteen};
        use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        let limits = Limits::default();
        let read = |data: Vec<u8>| Image::from_png(&data, &limits).unwrap();
        let image = read(png(Rgba, Eight, &[1, 2, 3, 0, 4, 5, 6, 255], |_| {}));
        assert_eq!(samples(&image), (vec![1, 2, 3, 4, 5, 6], Some(vec![0, 255])));
        let opaque = read(png(Rgba, Eight, &[1, 2, 3, 255, 4, 5, 6, 255], |_| {}));
        assert_eq!(samples(&opaque).1, None);
        let image = read(png(GrayscaleAlpha, Sixteen, &[9, 0, 7, 1, 8, 0, 255, 255], |_| {}));
        assert_eq!(samples(&image), (vec![9, 8], Some(vec![7, 255])));
        assert_eq!(samples(&read(png(Grayscale, One, &[0b0100_0000], |_| {}))).0, [0, 255]);
        assert_eq!(samples(&read(png(Rgb, Eight, &[1, 2, 3, 4, 5, 6], |_| {}))).0, [1, 2, 3, 4, 5, 6]);
        let indexed = png(Indexed, Four, &[0x10], |encoder| {
            encoder.set_palette(vec![10, 11, 12, 20, 21, 22]);
            encoder.set_trns(vec![128]);
        });
        assert_eq!(samples(&read(indexed)), (vec![20, 21, 22, 10, 11, 12], Some(vec![255, 128])));
    }

    #[test]
    fn a_stencil_has_rows_of_whole_octets() {
        assert_eq!(stencil_of(&[255, 0, 128, 127, 255, 255, 255, 255, 0, 255], 5), [0b0101_0000, 0b0001_0000]);
        assert_eq!(stencil_of(&[0; 9], 9), [0xff, 0x80]);
        assert_eq!(on_white(&[0, 100, 200, 0, 0, 0], &[255, 0]), [0, 100, 200, 255, 255, 255]);
        assert_eq!(on_white(&[0, 255], &[51, 51]), [204, 255]);
    }

    #[test]
    fn the_real_size_follows_from_the_resolution() {
        let scanned = png(png::ColorType::Grayscale, png::BitDepth::Eight, &[0, 0], |encoder| {
            encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: 1000, yppu: 500, unit: png::Unit::Meter }));
        });
        let (width, height) = Image::from_png(&scanned, &Limits::default()).unwrap().real_size().unwrap();
        assert!((width - 72.0 / 12.7).abs() < 1e-9 && (height - 72.0 / 12.7).abs() < 1e-9);
    }

    #[test]
    fn a_large_png_is_refused_before_it_is_unpacked() {
        let mut data = png(png::ColorType::Rgb, png::BitDepth::Eight, &[0; 6], |_| {});
        data[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
        // IHDR's checksum, over type and data.
        let mut crc = flate2::Crc::new();
        crc.update(&data[12..29]);
        data[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        assert!(matches!(Image::from_png(&data, &Limits::default()), Err(Error::LimitExceeded(_))));
        for length in 0..data.len() {
            assert!(Image::from_png(&data[..length], &Limits::default()).is_err());
        }
    }

    #[test]
    fn jpeg_headers() {
        let jpeg = |sof: u8, precision: u8, components: u8, adobe: bool| {
            let mut data = vec![0xff, 0xd8, 0xff, 0xe0, 0, 16];
            data.extend_from_slice(b"JFIF\0\x01\x02\x01\0\x48\0\x90\0\0");
            if adobe {
                data.extend_from_slice(b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0\x02");
            }
            data.extend_from_slice(&[0xff, 0xff, sof, 0, 8, precision, 0, 36, 0, 72, components]);
            data
        };
        let image = Image::read(&jpeg(0xc2, 8, 3, false), &Limits::default()).unwrap();
        assert_eq!((image.pixels(), image.colours), ((72, 36), Colours::Rgb));
        let (width, height) = image.real_size().unwrap();
        assert!((width - 72.0).abs() < 1e-9 && (height - 18.0).abs() < 1e-9);
        assert_eq!(Image::from_jpeg(&jpeg(0xc0, 8, 4, true)).unwrap().colours, Colours::Cmyk { inverted: true });
        assert_eq!(Image::from_jpeg(&jpeg(0xc0, 8, 1, false)).unwrap().colours, Colours::Grey);
        for bad in [jpeg(0xc3, 8, 3, false), jpeg(0xc9, 8, 3, false), jpeg(0xc0, 12, 3, false), jpeg(0xc0, 8, 2, false)]
        {
            assert!(matches!(Image::from_jpeg(&bad), Err(Error::Unsupported(_))));
        }
        let good = jpeg(0xc0, 8, 3, true);
        for length in 0..good.len() {
            assert!(Image::from_jpeg(&good[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_mask_has_one_octet_a_pixel() {
        let image =
            Image::from_png(&png(png::ColorType::Rgb, png::BitDepth::Eight, &[0; 6], |_| {}), &Limits::default());
        let image = image.unwrap();
        assert!(image.clone().with_mask(&[1]).is_err());
        assert_eq!(samples(&image.with_mask(&[1, 2]).unwrap()).1, Some(vec![1, 2]));
    }
}
