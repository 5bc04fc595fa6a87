//! What a person sees of a signature: one form XObject (ISO 32000-2 §12.5.5, §8.10).

use crate::error::Error;
use crate::error::Misuse;
use crate::pdf::conformance::Conformance;
use crate::pdf::filter::deflate;
use crate::pdf::font::Subset;
use crate::pdf::font::number;
use crate::pdf::image::Image;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Real;
use crate::pdf::object::Reference;
use crate::pdf::page::Rotation;
use crate::pdf::text::Colour;
use crate::pdf::text::Frame;
use crate::pdf::text::Text;
use crate::pdf::update::Update;

/// A visible signature: a box with an image, a text, or both.
///
/// There is no border unless asked for. The picture proves nothing; what
/// counts is the signature behind it.
#[derive(Clone, Debug)]
pub struct Appearance {
    width: f64,
    height: f64,
    padding: f64,
    border: Option<(f64, Colour)>,
    text: Option<Text>,
    image: Option<(Image, Placement)>,
}

/// Where the image stands in relation to the text.
///
/// `share` is the part of the box, between 0 and 1, that the image takes. The
/// image keeps its proportions and stands in the middle of its part.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Placement {
    /// The whole box, behind the text.
    Behind,
    /// On the left of the text.
    Left {
        /// Part of the width.
        share: f64,
    },
    /// On the right of the text.
    Right {
        /// Part of the width.
        share: f64,
    },
    /// Above the text.
    Above {
        /// Part of the height.
        share: f64,
    },
    /// Below the text.
    Below {
        /// Part of the height.
        share: f64,
    },
}

impl Appearance {
    /// An empty box of this size, in points.
    #[must_use]
    pub const fn new(width: f64, height: f64) -> Self {
        Self { width, height, padding: 0.0, border: None, text: None, image: None }
    }

    /// With a text.
    #[must_use]
    pub fn text(mut self, text: Text) -> Self {
        self.text = Some(text);
        self
    }

    /// With an image.
    #[must_use]
    pub fn image(mut self, image: Image, placement: Placement) -> Self {
        self.image = Some((image, placement));
        self
    }

    /// With a margin within the box, in points.
    #[must_use]
    pub const fn padding(mut self, points: f64) -> Self {
        self.padding = points;
        self
    }

    /// With a border, its width in points.
    #[must_use]
    pub const fn border(mut self, width: f64, colour: Colour) -> Self {
        self.border = Some((width, colour));
        self
    }

    /// Width and height, in points.
    #[must_use]
    pub const fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// Writes the form XObject, turned so that it stands upright on a page shown with `rotation`.
    ///
    /// In a document that claims PDF/A it is written within that: without a
    /// soft mask under part 1 (each pixel of an image is then shown or not),
    /// and in calibrated colours where no output intent defines RGB.
    ///
    /// # Errors
    /// Where the text does not fit, or its font lacks a character.
    pub fn add_to(&self, update: &mut Update<'_>, rotation: Rotation) -> Result<Reference, Error> {
        let inside = self.inside()?;
        let (image_frame, text_frame) = self.parts(inside)?;
        let conformance = Conformance::of(update.pdf().latest())?;
        let calibrated = conformance.calibrated;
        let mut content = Vec::new();
        let mut resources = Dictionary::new();
        if calibrated {
            resources.set("ColorSpace", Dictionary::new().with("CS0", conformance.rgb()));
        }
        if let Some((width, colour)) = self.border {
            self.draw_border(width, colour, calibrated, &mut content);
        }
        if let Some((image, _)) = &self.image {
            let Frame { left, bottom, width, height } = fitted(image, image_frame);
            let [width, height, left, bottom] = [width, height, left, bottom].map(Real::new);
            let [width, height] = [width.as_str(), height.as_str()];
            let operators = format!("q\n{width} 0 0 {height} {} {} cm\n/Im0 Do\nQ\n", left.as_str(), bottom.as_str());
            content.extend_from_slice(operators.as_bytes());
            let id = image.add_to(update, conformance)?;
            resources.set("XObject", Dictionary::new().with("Im0", id));
        }
        if let Some(text) = &self.text {
            let mut subset: Subset<'_> = text.font_ref().subset()?;
            text.draw(text_frame, &mut subset, "F0", calibrated, &mut content)?;
            let id = subset.add_to(update)?;
            resources.set("Font", Dictionary::new().with("F0", id));
        }
        let form = Dictionary::new()
            .with("Type", Object::name("XObject"))
            .with("Subtype", Object::name("Form"))
            .with("BBox", [0.0, 0.0, self.width, self.height].map(number).to_vec())
            .with("Resources", resources)
            .with("Filter", Object::name("FlateDecode"));
        let form = match turned(rotation, self.width, self.height) {
            Some(matrix) => form.with("Matrix", matrix.map(number).to_vec()),
            None => form,
        };
        update.add_stream(form, deflate(&content)?)
    }

    fn inside(&self) -> Result<Frame, Error> {
        let sane = |value: f64| value.is_finite() && value > 0.0;
        let edge = self.padding + self.border.map_or(0.0, |(width, _)| width);
        let (width, height) = (self.width - 2.0 * edge, self.height - 2.0 * edge);
        if !sane(width) || !sane(height) || !edge.is_finite() || edge < 0.0 {
            let message = format!("a visible signature of {} x {} points has no room inside", self.width, self.height);
            return Err(Misuse::new(message).into());
        }
        Ok(Frame { left: edge, bottom: edge, width, height })
    }

    /// The frames of image and text.
    fn parts(&self, inside: Frame) -> Result<(Frame, Frame), Error> {
        let Some((_, placement)) = &self.image else { return Ok((inside, inside)) };
        if self.text.is_none() {
            return Ok((inside, inside));
        }
        let Frame { left, bottom, width, height } = inside;
        let columns = |share: f64| (width * share, width - width * share);
        let rows = |share: f64| (height * share, height - height * share);
        let column = |left: f64, width: f64| Frame { left, width, ..inside };
        let row = |bottom: f64, height: f64| Frame { bottom, height, ..inside };
        let parts = match *placement {
            Placement::Behind => return Ok((inside, inside)),
            Placement::Left { share } => {
                let (image, text) = columns(share);
                (column(left, image), column(left + image, text))
            }
            Placement::Right { share } => {
                let (image, text) = columns(share);
                (column(left + text, image), column(left, text))
            }
            Placement::Above { share } => {
                let (image, text) = rows(share);
                (row(bottom + text, image), row(bottom, text))
            }
            Placement::Below { share } => {
                let (image, text) = rows(share);
                (row(bottom, image), row(bottom + image, text))
            }
        };
        let sane = |frame: &Frame| frame.width > 0.0 && frame.height > 0.0;
        if !sane(&parts.0) || !sane(&parts.1) {
            return Err(Misuse::new("the share of an image must lie between 0 and 1").into());
        }
        Ok(parts)
    }

    fn draw_border(&self, width: f64, colour: Colour, calibrated: bool, content: &mut Vec<u8>) {
        let colour = colour.stroke(calibrated);
        let line = Real::new(width);
        let [x, y] = [width / 2.0, width / 2.0].map(Real::new);
        let [w, h] = [self.width - width, self.height - width].map(Real::new);
        let (line, x, y, w, h) = (line.as_str(), x.as_str(), y.as_str(), w.as_str(), h.as_str());
        let operators = format!("q\n{colour}{line} w\n{x} {y} {w} {h} re\nS\nQ\n");
        content.extend_from_slice(operators.as_bytes());
    }
}

/// Turns a box against the rotation of the page, its lower left corner staying at the origin.
pub(super) const fn turned(rotation: Rotation, width: f64, height: f64) -> Option<[f64; 6]> {
    match rotation {
        Rotation::None => None,
        Rotation::Quarter => Some([0.0, 1.0, -1.0, 0.0, height, 0.0]),
        Rotation::Half => Some([-1.0, 0.0, 0.0, -1.0, width, height]),
        Rotation::ThreeQuarters => Some([0.0, -1.0, 1.0, 0.0, 0.0, width]),
    }
}

/// The largest frame of the image's proportions in the middle of `frame`.
fn fitted(image: &Image, frame: Frame) -> Frame {
    let (width, height) = image.proportions();
    let scale = (frame.width / width).min(frame.height / height);
    let (width, height) = (width * scale, height * scale);
    Frame {
        left: frame.left + (frame.width - width) / 2.0,
        bottom: frame.bottom + (frame.height - height) / 2.0,
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        // A baseline JPEG header of 40 x 20 pixels is all that the layout looks at.
        Image::from_jpeg(&[0xff, 0xd8, 0xff, 0xc0, 0, 8, 8, 0, 20, 0, 40, 3]).unwrap()
    }

    #[test]
    fn image_and_text_share_the_box() {
        let inside = Frame { left: 0.0, bottom: 0.0, width: 100.0, height: 50.0 };
        let parts = |placement| {
            let appearance = Appearance::new(100.0, 50.0).text(Text::new("a")).image(image(), placement);
            appearance.parts(inside)
        };
        let (image, text) = parts(Placement::Left { share: 0.25 }).unwrap();
        assert_eq!((image.left, image.width, text.left, text.width), (0.0, 25.0, 25.0, 75.0));
        let (image, text) = parts(Placement::Right { share: 0.25 }).unwrap();
        assert_eq!((image.left, image.width, text.left, text.width), (75.0, 25.0, 0.0, 75.0));
        let (image, text) = parts(Placement::Above { share: 0.5 }).unwrap();
        assert_eq!((image.bottom, image.height, text.bottom, text.height), (25.0, 25.0, 0.0, 25.0));
        let (image, text) = parts(Placement::Below { share: 0.5 }).unwrap();
        assert_eq!((image.bottom, text.bottom), (0.0, 25.0));
        for share in [0.0, 1.0, -1.0, 2.0, f64::NAN] {
            assert!(parts(Placement::Left { share }).is_err(), "{share}");
        }
    }

    #[test]
    fn an_image_keeps_its_proportions() {
        let frame = fitted(&image(), Frame { left: 10.0, bottom: 0.0, width: 40.0, height: 40.0 });
        assert_eq!(frame, Frame { left: 10.0, bottom: 10.0, width: 40.0, height: 20.0 });
    }

    #[test]
    fn a_box_without_room_is_misuse() {
        for appearance in [
            Appearance::new(0.0, 10.0),
            Appearance::new(f64::NAN, 10.0),
            Appearance::new(10.0, 10.0).padding(5.0),
            Appearance::new(10.0, 10.0).padding(-1.0),
            Appearance::new(10.0, 10.0).border(6.0, Colour::BLACK),
        ] {
            assert!(appearance.inside().is_err(), "{appearance:?}");
        }
    }
}
