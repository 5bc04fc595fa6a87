//! Scanned paper as a PDF: A4 pages with the images at real size, ready to be signed.
//!
//! What Decree 30/2020/ND-CP asks of the electronic copy of a paper (annex I):
//! PDF 1.4 or later, in colour, at least 200 dots per inch, at a scale of one
//! to one. What a scan lacks of it is a finding: the paper may be gone, so the
//! scan is taken, and whoever signs it decides.

use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::LimitExceeded;
use crate::error::Misuse;
use crate::finding::Finding;
use crate::limits::Budget;
use crate::limits::Limits;
use crate::pdf::conformance::Conformance;
use crate::pdf::filter::deflate;
use crate::pdf::font::number;
use crate::pdf::image::Image;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Real;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::tiff;
use crate::pdf::tiff::Directory;

/// Images being put together as the pages of one document.
#[derive(Debug)]
pub struct Scan<'l> {
    limits: &'l Limits,
    pages: Vec<ScannedPage>,
    images: Vec<Strips>,
    findings: Vec<Finding>,
    /// Of all images, as they will be stored.
    octets: u64,
}

/// One page as it came out.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScannedPage {
    /// Width of the page in points.
    pub width: f64,
    /// Height of the page in points.
    pub height: f64,
    /// Dots per inch across and down, as the page shows the image.
    pub resolution: (f64, f64),
    /// Whether the file told its resolution; else the image was fitted to the page.
    pub real_size: bool,
}

/// An image in horizontal strips, top first; most have one.
#[derive(Debug)]
struct Strips {
    /// The strip, its mask, and the part of the height that it takes.
    parts: Vec<(Stream, Option<Stream>, f64)>,
    orientation: u8,
}

/// What is known of an image.
struct Facts {
    pixels: (u32, u32),
    /// Pixels per metre.
    resolution: Option<(f64, f64)>,
    orientation: u8,
    colour: bool,
}

/// A4 (ISO 216) in points.
const A4: (f64, f64) = (595.276, 841.89);
/// Scanners cut a little beside the edge of the paper: a thirtieth more still is the same sheet.
const EDGE: f64 = 1.03;
/// The resolution that the decree demands.
const LEAST: f64 = 200.0;
/// Below this a stated resolution is a default of a program that knew none (72 and 96 of screens).
const SCREEN: f64 = 96.5;
/// Pages of one document.
const MOST_PAGES: usize = 10_000;

impl<'l> Scan<'l> {
    /// A document without pages.
    #[must_use]
    pub const fn new(limits: &'l Limits) -> Self {
        Self { limits, pages: Vec::new(), images: Vec::new(), findings: Vec::new(), octets: 0 }
    }

    /// Appends a PNG or a JPEG as a page, or a TIFF as so many as it has.
    ///
    /// JPEG data and fax data (ITU-T T.4 and T.6) are taken as they are;
    /// everything else is unpacked and stored without loss.
    ///
    /// # Errors
    /// Where the file is malformed, of a kind that is not known, or larger than
    /// the limits allow when it is unpacked.
    pub fn add(&mut self, file: &[u8]) -> Result<(), Error> {
        let allowed = (file.len() as u64).saturating_mul(64).saturating_add(self.limits.inflated_octets);
        let budget = Budget::new("octets of unpacked images", allowed);
        if tiff::is_tiff(file) {
            for (index, directory) in tiff::pages(file)? {
                self.tiff_page(index, &directory, &budget)?;
            }
            return Ok(());
        }
        let image = Image::read(file, self.limits)?;
        let exif = exif(file);
        let facts = Facts {
            pixels: image.pixels(),
            resolution: image.resolution().or_else(|| exif.as_ref().and_then(Directory::resolution)),
            orientation: exif.as_ref().map_or(1, Directory::orientation),
            colour: image.is_coloured(),
        };
        let (image, mask) = image.streams(Conformance::default());
        self.page(&facts, vec![(image, mask, 1.0)])
    }

    fn tiff_page(&mut self, index: usize, directory: &Directory<'_>, budget: &Budget) -> Result<(), Error> {
        let (width, height) = directory.size()?;
        let limit = self.limits.inflated_octets;
        let common = |rows: u32, bits: u8, space: &str| {
            Dictionary::new()
                .with("Type", Object::name("XObject"))
                .with("Subtype", Object::name("Image"))
                .with("Width", i64::from(width))
                .with("Height", i64::from(rows))
                .with("BitsPerComponent", i64::from(bits))
                .with("ColorSpace", Object::name(space))
        };
        let mut facts = Facts {
            pixels: (width, height),
            resolution: directory.resolution(),
            orientation: directory.orientation(),
            colour: false,
        };
        if let Some(fax) = directory.fax()? {
            // Readers unpack it: one bit a pixel.
            if u64::from(width).div_ceil(8).saturating_mul(u64::from(height)) > limit {
                return Err(LimitExceeded::new("inflated_octets", limit).into());
            }
            let mut parts = Vec::new();
            for strip in &fax.strips {
                let mut parameters = Dictionary::new()
                    .with("K", fax.k)
                    .with("Columns", i64::from(width))
                    .with("Rows", i64::from(strip.rows));
                if fax.aligned {
                    parameters.set("EncodedByteAlign", Object::Boolean(true));
                }
                if fax.k >= 0 {
                    parameters.set("EndOfBlock", Object::Boolean(false));
                }
                if fax.inverted {
                    parameters.set("BlackIs1", Object::Boolean(true));
                }
                let data = match fax.reversed {
                    true => strip.data.iter().map(|octet| octet.reverse_bits()).collect(),
                    false => strip.data.to_vec(),
                };
                budget.spend_many(data.len() as u64)?;
                let dictionary = common(strip.rows, 1, "DeviceGray")
                    .with("Filter", Object::name("CCITTFaxDecode"))
                    .with("DecodeParms", parameters);
                parts.push((Stream::new(dictionary, data), None, f64::from(strip.rows) / f64::from(height)));
            }
            return self.page(&facts, parts);
        }
        let samples = directory.decode(index, limit, budget)?;
        let space = match samples.channels {
            1 => "DeviceGray",
            3 => "DeviceRGB",
            _ => "DeviceCMYK",
        };
        facts.colour = samples.channels > 1;
        let dictionary = common(height, samples.bits, space).with("Filter", Object::name("FlateDecode"));
        let stream = Stream::new(dictionary, deflate(&samples.octets)?);
        self.page(&facts, vec![(stream, None, 1.0)])
    }

    /// Chooses the page for an image.
    fn page(&mut self, facts: &Facts, parts: Vec<(Stream, Option<Stream>, f64)>) -> Result<(), Error> {
        if self.pages.len() >= MOST_PAGES {
            return Err(LimitExceeded::new("pages of a scanned document", MOST_PAGES as u64).into());
        }
        let octets = parts.iter().map(|(image, mask, _)| image.len() + mask.as_ref().map_or(0, Stream::len));
        self.octets = self.octets.saturating_add(octets.sum::<usize>() as u64);
        let most = self.limits.inflated_octets.saturating_mul(4);
        if self.octets > most {
            return Err(LimitExceeded::new("octets of a scanned document", most).into());
        }
        let turned = facts.orientation > 4;
        let upright = |(a, b): (f64, f64)| if turned { (b, a) } else { (a, b) };
        let pixels = upright((f64::from(facts.pixels.0), f64::from(facts.pixels.1)));
        let stated = facts.resolution.map(upright);
        let stated = stated.map(|(x, y)| (x * 0.0254, y * 0.0254)).filter(|(x, y)| *x >= SCREEN && *y >= SCREEN);
        let sheet = if pixels.0 > pixels.1 { (A4.1, A4.0) } else { A4 };
        let number = self.pages.len() + 1;
        let mut warn = |code: &'static str, message: String| {
            self.findings.push(Finding::warning(code, message).at(format!("page {number}")));
        };
        let (page, resolution) = match stated {
            Some((x, y)) => {
                let size = (pixels.0 / x * 72.0, pixels.1 / y * 72.0);
                if size.0 <= sheet.0 * EDGE && size.1 <= sheet.1 * EDGE {
                    // At the edge the scanner cut: the sheet shows what it shows.
                    (sheet, (x, y))
                } else {
                    let message = format!(
                        "the image is {:.0} x {:.0} mm at its resolution, larger than A4: the page has its size",
                        size.0 / 72.0 * 25.4,
                        size.1 / 72.0 * 25.4
                    );
                    warn("SCAN_LARGER_THAN_A4", message);
                    (size, (x, y))
                }
            }
            None => {
                let scale = (sheet.0 / pixels.0).min(sheet.1 / pixels.1);
                let message = "the file does not tell its resolution: the image was fitted to an A4 page";
                warn("SCAN_SIZE_UNKNOWN", message.to_owned());
                (sheet, (72.0 / scale, 72.0 / scale))
            }
        };
        // Rounding of a stated resolution is no shortcoming.
        if resolution.0.min(resolution.1) < LEAST - 0.5 {
            let (x, y) = resolution;
            warn("SCAN_RESOLUTION", format!("{x:.0} x {y:.0} dots per inch, where {LEAST:.0} are demanded"));
        }
        if !facts.colour {
            warn("SCAN_NOT_IN_COLOUR", "the scan is black and white, where colour is demanded".to_owned());
        }
        self.pages.push(ScannedPage { width: page.0, height: page.1, resolution, real_size: stated.is_some() });
        self.images.push(Strips { parts, orientation: facts.orientation });
        Ok(())
    }

    /// The pages so far.
    #[must_use]
    pub fn pages(&self) -> &[ScannedPage] {
        &self.pages
    }

    /// What the scans lack of the demands, and what was assumed.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The document.
    ///
    /// # Errors
    /// Misuse where it has no pages.
    pub fn to_pdf(self) -> Result<Vec<u8>, Error> {
        if self.pages.is_empty() {
            return Err(Misuse::new("a scanned document without pages").into());
        }
        let mut document = Document { objects: vec![Object::Null, Object::Null] };
        let (catalog, tree) = (Reference::new(1, 0), Reference::new(2, 0));
        let mut kids = Vec::new();
        for (page, image) in self.pages.iter().zip(self.images) {
            kids.push(Object::from(document.page(page, image, tree)?));
        }
        let count = i64::try_from(kids.len()).unwrap_or(i64::MAX);
        let pages = Dictionary::new().with("Type", Object::name("Pages")).with("Kids", kids).with("Count", count);
        let root = Dictionary::new().with("Type", Object::name("Catalog")).with("Pages", tree);
        for (slot, object) in document.objects.iter_mut().zip([root, pages]) {
            *slot = object.into();
        }
        document.write(catalog)
    }
}

/// A new document, object by object from number 1.
struct Document {
    objects: Vec<Object>,
}

impl Document {
    fn add(&mut self, object: impl Into<Object>) -> Result<Reference, Error> {
        self.objects.push(object.into());
        let number = u32::try_from(self.objects.len()).map_err(|_| Misuse::new("too many objects"))?;
        Ok(Reference::new(number, 0))
    }

    fn page(&mut self, page: &ScannedPage, image: Strips, tree: Reference) -> Result<Reference, Error> {
        let mut images = Dictionary::new();
        let mut content = String::new();
        let (frame, strips) = (page.frame(&image), image.parts.len());
        let mut top = 1.0;
        for (index, (mut stream, mask, share)) in image.parts.into_iter().enumerate() {
            if let Some(mask) = mask {
                let mask = self.add(Object::Stream(Box::new(mask)))?;
                stream.dictionary.set("SMask", mask);
            }
            let bottom = if index + 1 == strips { 0.0 } else { top - share };
            let name = format!("Im{index}");
            let matrix = placed(frame, image.orientation, bottom, top - bottom);
            let [a, b, c, d, e, f] = matrix.map(Real::new);
            content.push_str(&format!(
                "q {} {} {} {} {} {} cm /{name} Do Q\n",
                a.as_str(),
                b.as_str(),
                c.as_str(),
                d.as_str(),
                e.as_str(),
                f.as_str()
            ));
            top = bottom;
            images.set(&name, self.add(Object::Stream(Box::new(stream)))?);
        }
        let content = Stream::new(Dictionary::new(), content.into_bytes());
        let content = self.add(Object::Stream(Box::new(content)))?;
        let size = vec![Object::Integer(0), Object::Integer(0), number(page.width), number(page.height)];
        self.add(
            Dictionary::new()
                .with("Type", Object::name("Page"))
                .with("Parent", tree)
                .with("MediaBox", size)
                .with("Resources", Dictionary::new().with("XObject", images))
                .with("Contents", content),
        )
    }

    fn write(self, root: Reference) -> Result<Vec<u8>, Error> {
        // Octets above 127 tell transports that the file is binary (ISO 32000-2 §7.5.2).
        let mut out = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
        let mut table = String::from("0000000000 65535 f \n");
        for (index, object) in self.objects.iter().enumerate() {
            table.push_str(&format!("{:010} 00000 n \n", out.len()));
            out.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
            object.write(&mut out)?;
            out.extend_from_slice(b"\nendobj\n");
        }
        let identifier = DigestAlgorithm::Sha256.digest(&out).octets().get(..16).unwrap_or_default().to_vec();
        let identifier = Object::hexadecimal(identifier);
        let size = self.objects.len() + 1;
        let trailer = Dictionary::new()
            .with("Size", i64::try_from(size).unwrap_or(i64::MAX))
            .with("Root", root)
            .with("ID", vec![identifier.clone(), identifier]);
        let start = out.len();
        out.extend_from_slice(format!("xref\n0 {size}\n{table}trailer\n").as_bytes());
        Object::from(trailer).write(&mut out)?;
        out.extend_from_slice(format!("\nstartxref\n{start}\n%%EOF\n").as_bytes());
        Ok(out)
    }
}

impl ScannedPage {
    /// Where the image stands on the page: left, bottom, width, height.
    fn frame(&self, image: &Strips) -> (f64, f64, f64, f64) {
        let (mut width, mut height) = (0_i64, 0_i64);
        for (stream, ..) in &image.parts {
            let side = |key: &str| stream.dictionary.get(key).and_then(Object::as_integer).unwrap_or(0);
            width = side("Width");
            height += side("Height");
        }
        #[allow(clippy::cast_precision_loss)] // pixels of a page
        let (width, height) = (width as f64, height as f64);
        let (width, height) = if image.orientation > 4 { (height, width) } else { (width, height) };
        let (width, height) = (width / self.resolution.0 * 72.0, height / self.resolution.1 * 72.0);
        ((self.width - width) / 2.0, (self.height - height) / 2.0, width, height)
    }
}

/// The matrix that puts a strip of the unit square (from `from`, so `high`) into the frame, turned as `orientation` says.
fn placed((x, y, w, h): (f64, f64, f64, f64), orientation: u8, from: f64, high: f64) -> [f64; 6] {
    let [a, b, c, d, e, f] = match orientation {
        2 => [-w, 0.0, 0.0, h, x + w, y],
        3 => [-w, 0.0, 0.0, -h, x + w, y + h],
        4 => [w, 0.0, 0.0, -h, x, y + h],
        5 => [0.0, -h, -w, 0.0, x + w, y + h],
        6 => [0.0, -h, w, 0.0, x, y + h],
        7 => [0.0, h, w, 0.0, x, y],
        8 => [0.0, h, -w, 0.0, x + w, y],
        _ => [w, 0.0, 0.0, h, x, y],
    };
    [a, b, c * high, d * high, c * from + e, d * from + f]
}

/// The notes that a camera or a scanner leaves in a JPEG file (Exif).
fn exif(file: &[u8]) -> Option<Directory<'_>> {
    let mut at = 2;
    if !file.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    loop {
        let [0xff, marker, high, low, ..] = file.get(at..)? else { return None };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let segment = file.get(at + 4..at.checked_add(2)?.checked_add(length)?)?;
        match marker {
            0xe1 => {
                if let Some(notes) = segment.strip_prefix(b"Exif\0\0") {
                    return tiff::directories(notes).ok()?.into_iter().next();
                }
            }
            0xd8..=0xda | 0xc0..=0xc2 => return None,
            _ => {}
        }
        at += 2 + length.max(2);
    }
}
