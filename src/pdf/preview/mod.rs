//! Pages drawn as images: what a person will see, before anything is signed.
//!
//! For the eye only. What is drawn is what one renderer makes of the page;
//! nothing is judged by it. Fonts that a document does not carry are drawn with
//! substitutes.
//!
//! The renderer is made for documents that mean well. Before it sees one, the
//! strict reader has read it and weighed what the page reaches: octets, pixels,
//! steps of drawing and their nesting, each within a bound.

mod weight;

use std::io;
use std::sync::Arc;
use std::thread;

use hayro::PixmapSettings;
use hayro::RenderCache;
use hayro::RenderSettings;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf as Drawable;
use hayro::vello_cpu::Pixmap;
use hayro::vello_cpu::color::palette::css::WHITE;

use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Misuse;
use crate::error::Unsupported;
use crate::limits::Limits;
use crate::pdf::document::Pdf;
use crate::pdf::page::Page;
use crate::secret::Password;

/// Pixels of one drawn page: A4 at 600 pixels per inch has 35 million.
const MOST_PIXELS: u64 = 36_000_000;
/// Pixels of one side.
const LONGEST_SIDE: u64 = 16_000;
/// Octets of stack for the renderer, whose nesting is bounded, if not by little.
const STACK: usize = 64 << 20;

/// Draws the page at `index` (0 being the first) of a whole document as a PNG
/// file of `resolution` pixels per inch.
///
/// Annotations and form fields are drawn as well, visible signatures among
/// them: see [`draft`](crate::sign::pades::PadesRequest::draft).
///
/// The whole document is held in memory, and with it a few octets for each pixel
/// of the page and of its images, of which there may be 36 and 256 million, and
/// for each pixel of the page one more for each soft mask on it, at most 64. A
/// document on which the renderer panics is reported as unsupported; where a
/// program is built to abort on a panic, it aborts.
///
/// # Errors
/// Misuse where there is no such page or no such resolution; documents that the
/// strict reader refuses or the renderer cannot draw, among them those that are
/// encrypted for recipients; limits.
pub fn draw_page(
    document: Vec<u8>,
    password: Option<&Password>,
    index: usize,
    resolution: f64,
) -> Result<Vec<u8>, Error> {
    if !(1.0..=2400.0).contains(&resolution) {
        return Err(Misuse::new(format!("a resolution of {resolution} pixels per inch; 1 to 2400 can be drawn")).into());
    }
    let document = Arc::new(document);
    {
        let limits = Limits::default();
        let octets = document.as_slice();
        let pdf = match password {
            Some(password) => Pdf::parse_with_password(octets, &limits, password)?,
            None => Pdf::parse(octets, &limits)?,
        };
        let page = Page::find(pdf.latest(), index)?;
        let (width, height) = page.size()?;
        bounded(width * resolution / 72.0, height * resolution / 72.0)?;
        weight::check(pdf.latest(), &page)?;
    }
    let password = match password.map(|password| std::str::from_utf8(password.expose_octets())) {
        None => "",
        Some(Ok(password)) => password,
        Some(Err(_)) => return Err(Misuse::new("a password that is no text cannot be used for drawing").into()),
    };
    #[allow(clippy::cast_possible_truncation)] // a scale, not a count
    let scale = (resolution / 72.0) as f32;
    // A stack of its own, and a panic ends with the thread.
    let drawn = thread::scope(|scope| {
        let renderer = thread::Builder::new().name("kyso-preview".to_owned()).stack_size(STACK);
        let renderer = renderer.spawn_scoped(scope, || draw(Arc::clone(&document), password, index, scale));
        Ok(renderer.map_err(|error| IoError::new("start", "the renderer", error))?.join())
    });
    match drawn {
        Ok(Ok(pixels)) => encode(&pixels?),
        Ok(Err(_panic)) => Err(Unsupported::new(Format::Pdf, "a page that the renderer fails at").into()),
        Err(error) => Err(Error::Io(error)),
    }
}

/// Refuses more pixels than are to be held.
fn bounded(width: f64, height: f64) -> Result<(), Error> {
    #[allow(clippy::cast_precision_loss)] // far below 2^52
    let (most, longest) = (MOST_PIXELS as f64, LONGEST_SIDE as f64);
    if !(width <= longest && height <= longest) {
        return Err(LimitExceeded::new("pixels of one side of a drawn page", LONGEST_SIDE).into());
    }
    if width * height > most {
        return Err(LimitExceeded::new("pixels of a drawn page", MOST_PIXELS).into());
    }
    Ok(())
}

fn draw(document: Arc<Vec<u8>>, password: &str, index: usize, scale: f32) -> Result<Pixmap, Error> {
    let undrawable = |what: &'static str| Error::from(Unsupported::new(Format::Pdf, what));
    let pdf = Drawable::new_with_password(document, password)
        .map_err(|_| undrawable("a document that the renderer cannot open"))?;
    let page = pdf.pages().get(index).ok_or_else(|| undrawable("a page that the renderer does not find"))?;
    let (width, height) = page.render_dimensions();
    bounded(f64::from(width * scale), f64::from(height * scale))?;
    // The renderer cuts off parts of pixels.
    let whole = |side: f32| ((side * scale).round().max(1.0) + 0.01) / side;
    let paper = PixmapSettings { x_scale: whole(width), y_scale: whole(height), bg_color: WHITE };
    let (cache, settings) = (RenderCache::new(), InterpreterSettings::default());
    Ok(hayro::render(page, &cache, &settings, &RenderSettings::default(), &paper))
}

/// A PNG file; the paper is white, so nothing is transparent.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, Error> {
    let fault = |error: png::EncodingError| Error::from(IoError::new("encode", "a PNG file", io::Error::other(error)));
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width().into(), pixels.height().into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let samples = pixels.data_as_u8_slice().chunks_exact(4);
    let colours: Vec<u8> = samples.flat_map(|pixel| pixel.iter().take(3)).copied().collect();
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&colours)).map_err(fault)?;
    Ok(out)
}
