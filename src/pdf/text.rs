//! Lines of text fitted into a box.

use crate::error::Error;
use crate::error::Misuse;
use crate::pdf::font::Font;
use crate::pdf::font::Subset;
use crate::pdf::object::Real;
use crate::pdf::object::hex_pair;

/// A text for a visible signature: paragraphs parted by line feeds.
///
/// Wrapped at spaces. Where it does not fit, the size shrinks down to
/// [`minimum`](Self::minimum); what happens then is [`overflow`](Self::overflow)'s.
#[derive(Clone, Debug)]
pub struct Text {
    text: String,
    font: Font,
    size: f64,
    minimum: f64,
    leading: f64,
    alignment: Alignment,
    overflow: Overflow,
    colour: Colour,
}

/// How lines stand in their box.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Alignment {
    /// At the left edge.
    Left,
    /// In the middle.
    Centre,
    /// At the right edge.
    Right,
}

/// What happens to text that does not fit at its smallest size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overflow {
    /// An error: a name cut short would name somebody else.
    Refuse,
    /// The last line that fits ends in an ellipsis.
    Ellipsis,
}

/// A colour as red, green and blue, 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
}

/// A box in points, origin at its lower left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) bottom: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Lines at their places, in a size that fits.
#[derive(Debug, PartialEq)]
struct Layout {
    size: f64,
    lines: Vec<Line>,
}

#[derive(Debug, PartialEq)]
struct Line {
    text: String,
    x: f64,
    y: f64,
}

impl Colour {
    /// Black.
    pub const BLACK: Self = Self { red: 0, green: 0, blue: 0 };
    /// The blue of signatures.
    pub const BLUE: Self = Self { red: 0, green: 0, blue: 200 };
    /// The red of seals.
    pub const RED: Self = Self { red: 237, green: 28, blue: 36 };

    /// The operators that fill with it, in the space of the resource `/CS0` where the document needs one.
    pub(super) fn fill(self, calibrated: bool) -> String {
        let [red, green, blue] = self.operands();
        if calibrated { format!("/CS0 cs {red} {green} {blue} sc\n") } else { format!("{red} {green} {blue} rg\n") }
    }

    /// The operators that draw lines with it.
    pub(super) fn stroke(self, calibrated: bool) -> String {
        let [red, green, blue] = self.operands();
        if calibrated { format!("/CS0 CS {red} {green} {blue} SC\n") } else { format!("{red} {green} {blue} RG\n") }
    }

    fn operands(self) -> [String; 3] {
        [self.red, self.green, self.blue].map(|value| Real::new(f64::from(value) / 255.0).as_str().to_owned())
    }
}

/// Longest text, in octets; a signature block holds a few lines.
const LONGEST: usize = 4096;
/// How far the size shrinks between two attempts.
const STEP: f64 = 0.25;
/// Room for rounding: the line that was measured to fit must fit.
const SLACK: f64 = 1e-6;

impl Text {
    /// A text in Liberation Serif, 10 points, black, left; shrinking to 5 points, then refused.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            font: Font::liberation_serif(),
            size: 10.0,
            minimum: 5.0,
            leading: 1.2,
            alignment: Alignment::Left,
            overflow: Overflow::Refuse,
            colour: Colour::BLACK,
        }
    }

    /// In another font.
    #[must_use]
    pub fn font(mut self, font: Font) -> Self {
        self.font = font;
        self
    }

    /// In another size, in points.
    #[must_use]
    pub const fn size(mut self, points: f64) -> Self {
        self.size = points;
        self
    }

    /// The smallest size it may shrink to, in points.
    #[must_use]
    pub const fn minimum(mut self, points: f64) -> Self {
        self.minimum = points;
        self
    }

    /// The distance of baselines, in multiples of the size.
    #[must_use]
    pub const fn leading(mut self, leading: f64) -> Self {
        self.leading = leading;
        self
    }

    /// Aligned otherwise.
    #[must_use]
    pub const fn align(mut self, alignment: Alignment) -> Self {
        self.alignment = alignment;
        self
    }

    /// What to do where it does not fit.
    #[must_use]
    pub const fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// In another colour.
    #[must_use]
    pub const fn colour(mut self, colour: Colour) -> Self {
        self.colour = colour;
        self
    }

    pub(super) const fn font_ref(&self) -> &Font {
        &self.font
    }

    /// Appends the operators that draw the text in `frame`, with the font resource `name`.
    pub(super) fn draw(
        &self,
        frame: Frame,
        subset: &mut Subset<'_>,
        name: &str,
        calibrated: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let layout = self.layout(frame)?;
        let colour = self.colour.fill(calibrated);
        let size = Real::new(layout.size);
        out.extend_from_slice(format!("BT\n{colour}/{name} {} Tf\n", size.as_str()).as_bytes());
        for line in &layout.lines {
            let (x, y) = (Real::new(line.x), Real::new(line.y));
            out.extend_from_slice(format!("1 0 0 1 {} {} Tm\n<", x.as_str(), y.as_str()).as_bytes());
            for octet in subset.encode(&line.text)? {
                out.extend_from_slice(&hex_pair(octet));
            }
            out.extend_from_slice(b"> Tj\n");
        }
        out.extend_from_slice(b"ET\n");
        Ok(())
    }

    /// The largest size at which all lines fit.
    fn layout(&self, frame: Frame) -> Result<Layout, Error> {
        if self.text.len() > LONGEST {
            return Err(Misuse::new(format!("the text of a visible signature exceeds {LONGEST} octets")).into());
        }
        let sane = |value: f64| value.is_finite() && value > 0.0;
        if ![self.size, self.minimum, self.leading].into_iter().all(sane) || self.size > 1000.0 {
            return Err(Misuse::new("size, smallest size and leading of a text must be positive").into());
        }
        let words = Words::measure(&self.text, &self.font)?;
        let mut size = self.size;
        loop {
            let lines = words.wrap(frame.width / size);
            let fits = lines.iter().all(|line| line.width * size <= frame.width + SLACK);
            if fits && self.height(lines.len(), size)? <= frame.height + SLACK {
                return self.placed(lines, size, frame);
            }
            if size <= self.minimum {
                break;
            }
            size = (size - STEP).max(self.minimum);
        }
        match self.overflow {
            Overflow::Refuse => Err(Misuse::new(format!(
                "the text does not fit into {:.1} x {:.1} points at its smallest size of {} points",
                frame.width, frame.height, self.minimum
            ))
            .into()),
            Overflow::Ellipsis => self.cut(words.wrap(frame.width / size), size, frame),
        }
    }

    /// From the top of the first line to the depth of the last.
    fn height(&self, lines: usize, size: f64) -> Result<f64, Error> {
        let (ascent, descent) = self.font.ascent_and_descent()?;
        #[allow(clippy::cast_precision_loss)] // a few lines
        let gaps = lines.saturating_sub(1) as f64;
        Ok(size * (ascent + descent + gaps * self.leading))
    }

    fn cut(&self, mut lines: Vec<Measured>, size: f64, frame: Frame) -> Result<Layout, Error> {
        let total = lines.len();
        while lines.len() > 1 && self.height(lines.len(), size)? > frame.height + SLACK {
            lines.pop();
        }
        let count = lines.len();
        for (index, line) in lines.iter_mut().enumerate() {
            let last = index + 1 == count && count < total;
            if !last && line.width * size <= frame.width + SLACK {
                continue;
            }
            let mut text = line.text.clone();
            loop {
                let shortened = format!("{}…", text.trim_end());
                line.width = self.font.width(&shortened)?;
                if line.width * size <= frame.width + SLACK || text.pop().is_none() {
                    line.text = shortened;
                    break;
                }
            }
        }
        self.placed(lines, size, frame)
    }

    /// Lines stand in the middle of the height.
    fn placed(&self, lines: Vec<Measured>, size: f64, frame: Frame) -> Result<Layout, Error> {
        let (ascent, _) = self.font.ascent_and_descent()?;
        let free = frame.height - self.height(lines.len(), size)?;
        let mut y = frame.bottom + frame.height - free / 2.0 - ascent * size;
        let mut placed = Vec::new();
        for line in lines {
            let free = frame.width - line.width * size;
            let shift = match self.alignment {
                Alignment::Left => 0.0,
                Alignment::Centre => free / 2.0,
                Alignment::Right => free,
            };
            if !line.text.is_empty() {
                placed.push(Line { text: line.text, x: frame.left + shift, y });
            }
            y -= self.leading * size;
        }
        Ok(Layout { size, lines: placed })
    }
}

/// The words of each paragraph with their widths at one point, measured once.
struct Words<'t> {
    paragraphs: Vec<Vec<(&'t str, f64)>>,
    space: f64,
}

#[derive(Debug)]
struct Measured {
    text: String,
    width: f64,
}

impl<'t> Words<'t> {
    fn measure(text: &'t str, font: &Font) -> Result<Self, Error> {
        let measured = |word: &'t str| font.width(word).map(|width| (word, width));
        let paragraph = |line: &'t str| line.split([' ', '\t', '\r']).filter(|w| !w.is_empty()).map(measured).collect();
        let paragraphs = text.split('\n').map(paragraph).collect::<Result<_, Error>>()?;
        Ok(Self { paragraphs, space: font.width(" ")? })
    }

    /// Lines of at most `most` (in multiples of the size); a longer word stands alone.
    fn wrap(&self, most: f64) -> Vec<Measured> {
        let mut lines = Vec::new();
        for words in &self.paragraphs {
            let mut line = Measured { text: String::new(), width: 0.0 };
            for (word, width) in words {
                if line.text.is_empty() {
                    line = Measured { text: (*word).to_owned(), width: *width };
                } else if line.width + self.space + width <= most + SLACK {
                    line.text.push(' ');
                    line.text.push_str(word);
                    line.width += self.space + width;
                } else {
                    lines.push(std::mem::replace(&mut line, Measured { text: (*word).to_owned(), width: *width }));
                }
            }
            lines.push(line);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn frame(width: f64, height: f64) -> Frame {
        Frame { left: 0.0, bottom: 0.0, width, height }
    }

    fn texts(layout: &Layout) -> Vec<&str> {
        layout.lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_break_at_spaces_and_at_line_feeds() {
        let text = Text::new("Ký bởi: Nguyễn Văn An\nUBND xã");
        assert_eq!(texts(&text.layout(frame(200.0, 40.0)).unwrap()), ["Ký bởi: Nguyễn Văn An", "UBND xã"]);
        let narrow = text.layout(frame(60.0, 60.0)).unwrap();
        assert_eq!(texts(&narrow), ["Ký bởi:", "Nguyễn Văn", "An", "UBND xã"]);
        assert_eq!(narrow.size, 10.0);
    }

    #[test]
    fn what_is_too_large_shrinks_and_then_is_refused() {
        let text = Text::new("Thời gian ký: 23/11/2026 08:00:00 +07:00").minimum(6.0);
        let layout = text.layout(frame(150.0, 11.0)).unwrap();
        assert_eq!(layout.lines.len(), 1);
        assert!(layout.size < 10.0 && layout.size >= 6.0, "{}", layout.size);
        let error = text.layout(frame(60.0, 11.0)).unwrap_err().to_string();
        assert!(error.contains("60.0 x 11.0 points"), "{error}");
    }

    #[test]
    fn an_ellipsis_ends_what_was_cut() {
        let text = Text::new("Một dòng chữ rất dài không thể nào vừa").minimum(8.0).overflow(Overflow::Ellipsis);
        let layout = text.layout(frame(60.0, 11.0)).unwrap();
        assert_eq!(layout.lines.len(), 1);
        assert!(layout.lines[0].text.ends_with('…'));
        assert!(text.font.width(&layout.lines[0].text).unwrap() * layout.size <= 60.0 + SLACK);
        let word = Text::new("Nghiêng-nghiêng-nghiêng").minimum(8.0).overflow(Overflow::Ellipsis);
        assert!(word.layout(frame(40.0, 30.0)).unwrap().lines[0].text.ends_with('…'));
    }

    #[test]
    fn every_line_lies_in_its_frame() {
        for alignment in [Alignment::Left, Alignment::Centre, Alignment::Right] {
            let text = Text::new("Người ký: Trần Thị Bưởi\n\nỦy ban nhân dân").align(alignment).size(30.0);
            for (width, height) in [(170.0, 30.0), (80.0, 80.0), (300.0, 40.0)] {
                let frame = Frame { left: 7.0, bottom: 9.0, width, height };
                let layout = text.layout(frame).unwrap();
                for line in &layout.lines {
                    let end = line.x + text.font.width(&line.text).unwrap() * layout.size;
                    assert!(line.x >= 7.0 - SLACK && end <= 7.0 + width + SLACK, "{line:?}");
                    let (ascent, descent) = text.font.ascent_and_descent().unwrap();
                    assert!(line.y - descent * layout.size >= 9.0 - SLACK, "{line:?}");
                    assert!(line.y + ascent * layout.size <= 9.0 + height + SLACK, "{line:?}");
                }
            }
        }
    }

    #[test]
    fn senseless_sizes_are_misuse() {
        for size in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Text::new("a").size(size).layout(frame(10.0, 10.0)).is_err());
            assert!(Text::new("a").leading(size).layout(frame(10.0, 10.0)).is_err());
        }
        assert!(Text::new("a ".repeat(LONGEST)).layout(frame(10.0, 10.0)).is_err());
    }
}
