//! Finding a text on a page, so that a signature can be placed by it.
//!
//! What a page shows is compared, not how it was written: glyphs are brought
//! into lines by their places, whatever their order; fonts may be subsets, and
//! letters composed or not. Annotations and form fields are not searched: an
//! earlier signature that shows a name would be taken for the name.

mod cmap;
mod content;
mod encoding;
mod fonts;
mod lines;

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::error::Error;
use crate::error::Misuse;
use crate::pdf::document::Revision;
use crate::pdf::fields::Field;
use crate::pdf::object::Object;
use crate::pdf::page::Matrix;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;
use crate::pdf::search::content::Reader;
use crate::pdf::search::lines::Line;
use crate::pdf::search::lines::lines;
use crate::pdf::search::lines::next_lines;
use crate::pdf::search::lines::normalised;

/// Characters of a text that is looked for.
const LONGEST: usize = 250;
/// Lines that a text may be broken over.
const MOST_LINES: usize = 5;
/// Places that are told where there are several, or none.
const MOST_TOLD: usize = 8;
/// Places that are kept.
const MOST_FOUND: usize = 10_000;

/// A text to be found.
///
/// Whole words only: `Nguyễn Văn A` is not found in `Nguyễn Văn An`. The text
/// must stand in one column; where a line ends and the next begins it may be
/// broken, between words, over as many as five lines. How accents are encoded,
/// how wide spaces are, and whether they are spaces, gaps or the ends of lines
/// makes no difference.
#[derive(Clone, Debug)]
pub struct TextQuery {
    text: String,
    page: Option<usize>,
    ignore_case: bool,
    occurrence: Option<usize>,
}

/// A text found on a page.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoundText {
    /// The page, 0 being the first.
    pub page: usize,
    /// Where it stands, in points from the lower left corner of the page as a
    /// person sees it; as high as the font is, not as the letters are. Where it
    /// is broken over lines, what is around all of them.
    pub rectangle: Rectangle,
    /// Where each line of it stands, in the order of reading: one, unless it is broken.
    pub boxes: Vec<Rectangle>,
    /// The line it stands in; several are parted by ` / `.
    pub line: String,
}

/// On which side of a text, or of another rectangle, something is placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Side {
    /// Below it, centred.
    #[default]
    Below,
    /// Above it, centred.
    Above,
    /// On its left, centred.
    Left,
    /// On its right, centred.
    Right,
    /// On it, centred.
    Over,
}

impl TextQuery {
    /// This text, wherever it stands in the document.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), page: None, ignore_case: false, occurrence: None }
    }

    /// Only on this page, 0 being the first.
    #[must_use]
    pub const fn on_page(mut self, page: usize) -> Self {
        self.page = Some(page);
        self
    }

    /// Capital or small letters, all the same.
    #[must_use]
    pub const fn ignore_case(mut self) -> Self {
        self.ignore_case = true;
        self
    }

    /// Which one, where there are several: 0 is the first from the top of the first page.
    #[must_use]
    pub const fn occurrence(mut self, index: usize) -> Self {
        self.occurrence = Some(index);
        self
    }

    /// All places where the text stands, page by page, from the top.
    ///
    /// # Errors
    /// Misuse where the text is empty or too long, or the page does not exist;
    /// page contents that cannot be read, or exceed a limit.
    pub fn find_all(&self, revision: Revision<'_>) -> Result<Vec<FoundText>, Error> {
        self.search(revision).map(|(found, _)| found)
    }

    /// The one place where the text stands.
    ///
    /// # Errors
    /// As [`find_all`](Self::find_all); Misuse too where it stands nowhere, or
    /// at several places and none was chosen: the message lists what was found.
    pub fn find(&self, revision: Revision<'_>) -> Result<FoundText, Error> {
        let (mut found, near) = self.search(revision)?;
        let index = match (self.occurrence, found.len()) {
            (_, 0) => return Err(Misuse::new(self.missing(&near)).into()),
            (None, 1) => 0,
            (Some(index), count) if index < count => index,
            (Some(index), count) => {
                let message =
                    format!("{:?} number {} was asked for; it stands at {count} places", self.text, index + 1);
                return Err(Misuse::new(message + &told(&found)).into());
            }
            (None, count) => {
                let message = format!("{:?} stands at {count} places; say on which page, or which one", self.text);
                return Err(Misuse::new(message + &told(&found)).into());
            }
        };
        Ok(found.swap_remove(index))
    }

    fn missing(&self, near: &[FoundText]) -> String {
        let place = self.page.map_or_else(|| "in the document".to_owned(), |page| format!("on page {}", page + 1));
        let message = format!("{:?} does not stand {place}", self.text);
        if near.is_empty() {
            return message + "; nothing there resembles it (a scanned page has no text)";
        }
        message + "; what resembles it" + &told(near)
    }

    /// What was found, and where nothing was, what resembles it.
    fn search(&self, revision: Revision<'_>) -> Result<(Vec<FoundText>, Vec<FoundText>), Error> {
        let wanted = Pattern::new(&self.text, self.ignore_case, false);
        let alike = Pattern::new(&self.text, true, true);
        if wanted.chars.is_empty() || wanted.chars.len() > LONGEST {
            let message = format!("a text to look for has 1 to {LONGEST} characters, this one {}", wanted.chars.len());
            return Err(Misuse::new(message).into());
        }
        let mut reader = Reader::new(revision);
        let (mut found, mut near, mut pages) = (Vec::new(), Vec::new(), 0);
        Page::each(revision, |index, page| {
            pages = index + 1;
            if self.page.is_some_and(|wanted| wanted != index) {
                return Ok(self.page.is_some_and(|wanted| index < wanted));
            }
            // Where nothing says how large a page is, nothing can be placed either.
            if page.size().is_err() {
                return Ok(true);
            }
            let lines = lines(&reader.page(&page)?.glyphs);
            for line in 0..lines.len() {
                wanted.find(&lines, line, index, &mut found);
                if found.is_empty() && near.len() < MOST_TOLD {
                    alike.find(&lines, line, index, &mut near);
                }
            }
            Ok(found.len() < MOST_FOUND)
        })?;
        if let Some(page) = self.page.filter(|page| *page >= pages) {
            return Err(Misuse::new(format!("page {} of a document of {pages} pages", page + 1)).into());
        }
        near.truncate(MOST_TOLD);
        Ok((found, near))
    }
}

impl FoundText {
    /// The lower left corner of a box of this size at a side of the text, `gap` points away.
    ///
    /// Where the text is broken over lines, this is below its last line, above
    /// its first one, beside and centred on all of them; [`Side::of`] takes one
    /// of the [`boxes`](Self::boxes) instead.
    #[must_use]
    pub fn beside(&self, side: Side, width: f64, height: f64, gap: f64) -> (f64, f64) {
        side.of(&self.rectangle, width, height, gap)
    }
}

impl Side {
    /// The lower left corner of a box of this size at this side of `place`, `gap` points away.
    #[must_use]
    pub fn of(self, place: &Rectangle, width: f64, height: f64, gap: f64) -> (f64, f64) {
        let left = (place.left + place.right - width) / 2.0;
        let bottom = (place.bottom + place.top - height) / 2.0;
        match self {
            Self::Below => (left, place.bottom - gap - height),
            Self::Above => (left, place.top + gap),
            Self::Left => (place.left - gap - width, bottom),
            Self::Right => (place.right + gap, bottom),
            Self::Over => (left, bottom),
        }
    }
}

/// A text without its spaces, which a page may show as gaps of any width.
struct Pattern {
    chars: Vec<char>,
    ignore_case: bool,
    ignore_marks: bool,
}

impl Pattern {
    fn new(text: &str, ignore_case: bool, ignore_marks: bool) -> Self {
        let mut pattern = Self { chars: Vec::new(), ignore_case, ignore_marks };
        let chars = normalised(text).filter(|c| *c != ' ').flat_map(|c| pattern.folded(c)).collect();
        pattern.chars = chars;
        pattern
    }

    fn folded(&self, c: char) -> Vec<char> {
        let mut chars = vec![c];
        if self.ignore_marks {
            chars = std::iter::once(if matches!(c, 'đ' | 'Đ') { 'd' } else { c }).nfd().collect();
            chars.retain(|c| !is_combining_mark(*c));
        }
        if self.ignore_case {
            chars = chars.into_iter().flat_map(char::to_lowercase).collect();
        }
        chars
    }

    /// Finds the text where it begins in the line at `index`.
    fn find(&self, lines: &[Line], index: usize, page: usize, found: &mut Vec<FoundText>) {
        let Some(line) = lines.get(index) else { return };
        let chars = self.chars_of(line);
        let mut start = 0;
        while let Some(window) = chars.get(start..start + self.chars.len()) {
            let here = window.iter().map(|(_, c)| c).eq(&self.chars);
            if let (true, Some((first, _)), Some((last, _))) = (here, window.first(), window.last())
                && line.is_apart(*first, last + 1)
                && let Some(rectangle) = line.bounds(*first, last + 1)
                && found.len() < MOST_FOUND
            {
                found.push(FoundText { page, rectangle, boxes: vec![rectangle], line: line.text() });
                start += self.chars.len();
            } else {
                start += 1;
            }
        }
        // What begins in this line and does not end in it.
        for start in start.min(chars.len())..chars.len() {
            let here = chars.get(start..).unwrap_or_default();
            let Some((first, _)) = here.first() else { break };
            if here.iter().map(|(_, c)| c).eq(self.chars.iter().take(here.len()))
                && line.is_apart(*first, line.chars.len())
                && let Some(rectangle) = line.bounds(*first, line.chars.len())
                && found.len() < MOST_FOUND
                && let Some((mut boxes, mut read)) = self.go_on(lines, index, here.len(), MOST_LINES - 1)
            {
                boxes.push(rectangle);
                read.push(line.text());
                boxes.reverse();
                read.reverse();
                let rectangle = boxes.iter().copied().reduce(|a, b| a.union(&b)).unwrap_or(rectangle);
                found.push(FoundText { page, rectangle, boxes, line: read.join(" / ") });
            }
        }
    }

    /// The boxes and texts of the lines below the one at `index` that have what comes behind the first `done`
    /// characters, from the last line up.
    fn go_on(&self, lines: &[Line], index: usize, done: usize, most: usize) -> Option<(Vec<Rectangle>, Vec<String>)> {
        let wanted = self.chars.get(done..)?;
        if most == 0 {
            return None;
        }
        next_lines(lines, index).find_map(|next| {
            let line = lines.get(next)?;
            let chars = self.chars_of(line);
            let count = chars.len().min(wanted.len());
            if count == 0 || !chars.iter().take(count).map(|(_, c)| c).eq(wanted.iter().take(count)) {
                return None;
            }
            let (mut boxes, mut read, end) = if count == wanted.len() {
                let (last, _) = chars.get(count - 1)?;
                (Vec::new(), Vec::new(), last + 1)
            } else {
                let (boxes, read) = self.go_on(lines, next, done + count, most - 1)?;
                (boxes, read, line.chars.len())
            };
            if !line.is_apart(0, end) {
                return None;
            }
            boxes.push(line.bounds(0, end)?);
            read.push(line.text());
            Some((boxes, read))
        })
    }

    /// Each character to be compared, with its index in the line.
    fn chars_of(&self, line: &Line) -> Vec<(usize, char)> {
        let chars = line.chars.iter().enumerate().filter(|(_, (c, _))| *c != ' ');
        chars.flat_map(|(index, (c, _))| self.folded(*c).into_iter().map(move |c| (index, c))).collect()
    }
}

impl Line {
    /// Whether no word goes on before `start` or at `end`.
    fn is_apart(&self, start: usize, end: usize) -> bool {
        let word = |index: Option<usize>| {
            index
                .and_then(|index| self.chars.get(index))
                .is_some_and(|(c, _)| c.is_alphanumeric() || is_combining_mark(*c))
        };
        // A word goes on where it begins or ends with letters and so does what is beside it.
        let before = word(Some(start)) && word(start.checked_sub(1));
        let behind = word(end.checked_sub(1)) && word(Some(end));
        !before && !behind
    }
}

fn told(found: &[FoundText]) -> String {
    let mut text = String::new();
    for (index, FoundText { page, rectangle, line, .. }) in found.iter().take(MOST_TOLD).enumerate() {
        let line: String = line.chars().take(60).collect();
        text.push_str(if index == 0 { ": " } else { "; " });
        text.push_str(&format!("page {}, ({:.0}, {:.0}): {line:?}", page + 1, rectangle.left, rectangle.bottom));
    }
    if found.len() > MOST_TOLD {
        text.push_str("; …");
    }
    text
}

/// The text lines of a page as a person reads them, with their places as seen.
///
/// For who chooses a place: what stands where, and where nothing does.
///
/// # Errors
/// As [`TextQuery::find_all`].
pub fn page_lines(revision: Revision<'_>, page: usize) -> Result<Vec<FoundText>, Error> {
    let drawn = Reader::new(revision).page(&Page::find(revision, page)?)?;
    let lines = lines(&drawn.glyphs).into_iter().filter_map(|line| {
        let rectangle = line.bounds(0, line.chars.len())?;
        Some(FoundText { page, rectangle, boxes: vec![rectangle], line: line.text() })
    });
    Ok(lines.collect())
}

/// Where a signature field stands, and the image that it shows, if it shows one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct FieldPlace {
    /// The page, 0 being the first.
    pub page: usize,
    /// Its widget, in points as a person sees the page.
    pub rectangle: Rectangle,
    /// The largest image within it.
    pub image: Option<Rectangle>,
}

/// The place of the first widget of `field` that has one.
///
/// # Errors
/// Malformed fields and page trees; appearances that cannot be read.
pub fn field_place(revision: Revision<'_>, field: &Field) -> Result<Option<FieldPlace>, Error> {
    for widget in &field.widgets {
        let object = revision.object(*widget)?;
        let Some(dictionary) = object.as_dictionary() else { continue };
        let rectangle = match dictionary.get("Rect") {
            Some(rectangle) => Rectangle::from_object(revision, &*revision.resolve(rectangle)?)?,
            None => None,
        };
        let Some(rectangle) = rectangle.filter(|r| r.width() > 0.0 && r.height() > 0.0) else { continue };
        let Some((index, page)) = Page::holding(revision, *widget, dictionary.get("P").and_then(Object::as_reference))?
        else {
            continue;
        };
        let seen = page.to_seen(rectangle)?;
        let appearances = revision.get(dictionary, "AP")?;
        let normal = match appearances.as_dictionary() {
            Some(appearances) => revision.get(appearances, "N")?,
            None => Arc::new(Object::Null),
        };
        let image = match normal.as_stream() {
            Some(form) => {
                let bounds = Rectangle::from_object(revision, &*revision.get(&form.dictionary, "BBox")?)?;
                let matrix = revision.get(&form.dictionary, "Matrix")?;
                let matrix = matrix.as_array().and_then(Matrix::from_operands).unwrap_or(Matrix::IDENTITY);
                match bounds.and_then(|bounds| matrix.onto(bounds, rectangle)) {
                    Some(matrix) => {
                        largest(&Reader::new(revision).form(form, matrix.then(page.seen_matrix()?))?.images)
                    }
                    None => None,
                }
            }
            None => None,
        };
        return Ok(Some(FieldPlace { page: index, rectangle: seen, image }));
    }
    Ok(None)
}

fn largest(images: &[Rectangle]) -> Option<Rectangle> {
    let area = |image: &Rectangle| image.width() * image.height();
    images.iter().copied().max_by(|a, b| area(a).total_cmp(&area(b)))
}
