//! Pages drawn as images: what a person will see, before anything is signed.
//!
//! For the eye only. What is drawn is what one renderer makes of the page;
//! nothing is judged by it. Documents may be encrypted; fonts that they do not
//! carry are drawn with substitutes.

use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;

use hayro::RenderCache;
use hayro::RenderSettings;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf as Drawable;
use hayro::vello_cpu::color::palette::css::WHITE;

use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::secret::Password;

/// Pixels of one image.
const MOST_PIXELS: f32 = 64e6;
/// Pixels of one side.
const LONGEST_SIDE: f32 = 16_000.0;

/// Draws the page at `index` (0 being the first) of a whole document as a PNG
/// file of `resolution` pixels per inch.
///
/// Annotations and form fields are drawn as well, visible signatures among them.
///
/// # Errors
/// Misuse where there is no such page or no such resolution; documents that
/// cannot be drawn; more pixels than a screen or a printer has use for.
pub fn draw_page(
    document: Vec<u8>,
    password: Option<&Password>,
    index: usize,
    resolution: f32,
) -> Result<Vec<u8>, Error> {
    if !resolution.is_finite() || !(1.0..=2400.0).contains(&resolution) {
        return Err(Misuse::new(format!("a resolution of {resolution} pixels per inch; 1 to 2400 can be drawn")).into());
    }
    // The renderer is made for speed over many files, and may stop at one that is out of the ordinary.
    let drawn = catch_unwind(AssertUnwindSafe(|| draw(document, password, index, resolution)));
    drawn.unwrap_or_else(|_| Err(undrawable("page", "contents that can be drawn")))
}

fn draw(document: Vec<u8>, password: Option<&Password>, index: usize, resolution: f32) -> Result<Vec<u8>, Error> {
    let password = password.map_or(Ok(""), |password| std::str::from_utf8(password.expose_octets()));
    let password = password.map_err(|_| Error::from(Misuse::new("a password that is no text cannot be used here")))?;
    let pdf = Drawable::new_with_password(Arc::new(document), password)
        .map_err(|_| undrawable("document", "a document that can be drawn"))?;
    let pages = pdf.pages();
    let page = pages.get(index).ok_or_else(|| {
        Error::from(Misuse::new(format!("page {} of a document of {} pages", index + 1, pages.len())))
    })?;
    let scale = resolution / 72.0;
    let (width, height) = page.render_dimensions();
    let (width, height) = (width * scale, height * scale);
    if !(width * height <= MOST_PIXELS && width <= LONGEST_SIDE && height <= LONGEST_SIDE) {
        return Err(LimitExceeded::new("pixels of a drawn page", 64_000_000).into());
    }
    let settings = RenderSettings { x_scale: scale, y_scale: scale, bg_color: WHITE, ..RenderSettings::default() };
    let pixels = hayro::render(page, &RenderCache::new(), &InterpreterSettings::default(), &settings);
    encode(u32::from(pixels.width()), u32::from(pixels.height()), pixels.data_as_u8_slice())
}

/// A PNG file; the paper is white, so nothing is transparent.
fn encode(width: u32, height: u32, pixels: &[u8]) -> Result<Vec<u8>, Error> {
    let fault =
        |error: png::EncodingError| Error::from(IoError::new("encode", "a PNG file", std::io::Error::other(error)));
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let colours: Vec<u8> = pixels.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3)).copied().collect();
    encoder.write_header().and_then(|mut writer| writer.write_image_data(&colours)).map_err(fault)?;
    Ok(out)
}

fn undrawable(field: &'static str, expected: &'static str) -> Error {
    Malformed::new(Format::Pdf, field, expected).into()
}
