//! How signatures look on the page: Decree 30/2020/NĐ-CP, Annex I, as data.

use crate::error::Error;
use crate::error::Misuse;
use crate::pdf::Appearance;
use crate::pdf::Font;
use crate::pdf::Revision;
use crate::pdf::appearance::Placement;
use crate::pdf::image::Image;
use crate::pdf::page::Page;
use crate::pdf::page::Rectangle;
use crate::pdf::search::FieldPlace;
use crate::pdf::search::FoundText;
use crate::pdf::search::Side;
use crate::pdf::search::TextQuery;
use crate::pdf::search::field_place;
use crate::pdf::search::page_lines;
use crate::pdf::text::Alignment;
use crate::pdf::text::Text;
use crate::profile::vietnam::CopyForm;
use crate::time::Time;

/// One presentation of a signature.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Look {
    /// Its name on the command line and in settings.
    pub name: &'static str,
    /// What it is, in Vietnamese.
    pub title: &'static str,
    /// Where in the decree it stands.
    pub rule: &'static str,
    /// The image that it shows.
    pub image: Picture,
    /// Lines of text: `{copy}`, `{document}`, `{agency}` and `{time}` are
    /// filled in, and a line whose value is not given is left out.
    pub lines: &'static [&'static str],
    /// Where it stands.
    pub place: Place,
}

/// What image a presentation shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Picture {
    /// None.
    None,
    /// The handwritten signature: blue, PNG, on nothing.
    Handwriting,
    /// The seal: red, PNG, on nothing, in its real size.
    Seal,
}

/// Where a presentation stands.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// Between the signer's title and full name.
    AboveName,
    /// Over this share of the officer's signature image, on its left.
    OverSignature {
        /// Part of the image's width.
        share: f64,
    },
    /// On the first page, in its upper right corner, clear of the text.
    TopRight,
}

/// The officer who has authority to sign: the image of the handwritten signature.
pub const OFFICER: Look = Look {
    name: "officer",
    title: "Chữ ký số của người có thẩm quyền",
    rule: "Phụ lục I, Phần I, mục II.7.d",
    image: Picture::Handwriting,
    lines: &[],
    place: Place::AboveName,
};

/// The agency: the image of its seal over a third of the officer's signature.
pub const SEAL: Look = Look {
    name: "seal",
    title: "Chữ ký số của cơ quan, tổ chức",
    rule: "Phụ lục I, Phần I, mục II.8.a",
    image: Picture::Seal,
    lines: &[],
    place: Place::OverSignature { share: 1.0 / 3.0 },
};

/// The agency on an annex in a file of its own: no image.
pub const ANNEX: Look = Look {
    name: "annex",
    title: "Chữ ký số của cơ quan, tổ chức trên văn bản kèm theo",
    rule: "Phụ lục I, Phần I, mục II.8.b",
    image: Picture::None,
    lines: &["{document}", "{agency}", "{time}"],
    place: Place::TopRight,
};

/// The agency on an electronic copy: no image.
pub const COPY: Look = Look {
    name: "copy",
    title: "Chữ ký số của cơ quan, tổ chức sao văn bản",
    rule: "Phụ lục I, Phần II, mục I",
    image: Picture::None,
    lines: &["{copy}", "{agency}", "{time}"],
    place: Place::TopRight,
};

/// The agency that received a paper document and made it electronic: its seal, name and time.
pub const INCOMING: Look = Look {
    name: "incoming",
    title: "Chữ ký số của cơ quan, tổ chức số hóa văn bản đến",
    rule: "TT 01/2019/TT-BNV, Điều 6.2.c",
    image: Picture::Seal,
    lines: &["{agency}", "{time}"],
    place: Place::TopRight,
};

/// All presentations.
pub const LOOKS: [&Look; 5] = [&OFFICER, &SEAL, &ANNEX, &COPY, &INCOMING];

/// Size of the text, in points; Liberation Serif, upright, regular, black.
pub const TEXT_SIZE: f64 = 10.0;
/// Distance of lines, in multiples of the size.
const LEADING: f64 = 1.2;
/// From the edges of the page to a block in its corner.
const EDGE: f64 = 14.0;
/// Part of the page's width that a block in its corner may take.
const WIDEST: f64 = 0.45;
/// How far a block moves down at a time to come clear of the text.
const STEP: f64 = 4.0;
/// The largest handwritten signature, where its image does not state a smaller size.
const HANDWRITING: (f64, f64) = (120.0, 60.0);
/// The national name and motto, which no seal is to cover.
const MOTTO: [&str; 2] = ["CHỦ NGHĨA VIỆT NAM", "Độc lập"];
/// Vietnam, in minutes east of UTC.
const UTC_PLUS_7: i16 = 420;

/// What a presentation tells.
#[derive(Clone, Debug)]
pub struct Facts {
    time: Time,
    agency: Option<String>,
    document: Option<String>,
    copy: Option<CopyForm>,
}

/// Where to put a block instead of the place that the presentation has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum At {
    /// Where the presentation has its place. For the officer that is between
    /// title and name, so the name must be said with [`Near`](Self::Near).
    Usual,
    /// By a text: the officer's between it and the line above, any other at `side`.
    Near {
        /// The text.
        query: TextQuery,
        /// Its side; for the officer above it, where none is given.
        side: Option<Side>,
        /// How far away, in points.
        gap: f64,
    },
    /// Within a rectangle of a page (0 being the first), in points as a person sees it.
    Rectangle {
        /// The page.
        page: usize,
        /// The rectangle.
        rectangle: Rectangle,
    },
    /// Over the image of the signature field of this name (the seal).
    Field(String),
}

/// A block at its place, for [`PadesRequest::visible`](crate::sign::pades::PadesRequest::visible).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Block {
    /// The page, 0 being the first.
    pub page: usize,
    /// Its left edge on the page as a person sees it, in points.
    pub left: f64,
    /// Its lower edge.
    pub bottom: f64,
    /// What it shows.
    pub appearance: Appearance,
}

impl Facts {
    /// The time of signing; it is shown in the zone of Vietnam.
    #[must_use]
    pub const fn new(time: Time) -> Self {
        Self { time, agency: None, document: None, copy: None }
    }

    /// The name of the agency.
    #[must_use]
    pub fn agency(mut self, name: impl Into<String>) -> Self {
        self.agency = Some(name.into());
        self
    }

    /// Number and symbol of the main document.
    #[must_use]
    pub fn document(mut self, number: impl Into<String>) -> Self {
        self.document = Some(number.into());
        self
    }

    /// The form of a copy.
    #[must_use]
    pub const fn copy(mut self, form: CopyForm) -> Self {
        self.copy = Some(form);
        self
    }

    fn fill(&self, line: &str) -> Option<String> {
        let time = self.time.with_nanos(0).to_rfc3339(UTC_PLUS_7);
        let values = [
            ("{copy}", self.copy.map(CopyForm::name)),
            ("{document}", self.document.as_deref()),
            ("{agency}", self.agency.as_deref()),
            ("{time}", Some(time.as_str())),
        ];
        let mut filled = line.to_owned();
        for (name, value) in values {
            if filled.contains(name) {
                filled = filled.replace(name, value?);
            }
        }
        Some(filled)
    }
}

impl Look {
    /// The presentation of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<&'static Self> {
        LOOKS.into_iter().find(|look| look.name == name)
    }

    /// The block at its place in the document as it is in `revision`.
    ///
    /// # Errors
    /// Misuse where an image or a place is missing, does not state its real
    /// size, or a text is not found or ambiguous; pages that cannot be read.
    pub fn block(&self, revision: Revision<'_>, facts: &Facts, image: Option<&Image>, at: &At) -> Result<Block, Error> {
        let image = self.picture(image)?;
        let text = self.text(facts, self.widest(revision)?)?;
        let natural = self.natural_size(image, text.as_deref())?;
        let (page, left, bottom, (width, height)) = match (at, self.place) {
            (At::Rectangle { page, rectangle }, _) => {
                let size = match image {
                    // The widget is as large as what it shows, so that a seal finds the image.
                    Some(image) if text.is_none() => within(
                        image.real_size().unwrap_or_else(|| pixels(image)),
                        (rectangle.width(), rectangle.height()),
                        true,
                    ),
                    _ => (rectangle.width(), rectangle.height()),
                };
                let (left, bottom) = Side::Over.of(rectangle, size.0, size.1, 0.0);
                (*page, left, bottom, size)
            }
            (At::Near { query, side: None, gap }, Place::AboveName) => {
                let name = query.find(revision)?;
                between(revision, &name, natural?, *gap)?
            }
            (At::Near { query, side, gap }, _) => {
                let found = query.find(revision)?;
                let size = natural?;
                let (left, bottom) = found.beside(side.unwrap_or_default(), size.0, size.1, *gap);
                (found.page, left, bottom, size)
            }
            (At::Field(name), place) => over(&signed_place(revision, Some(name))?, natural?, share(place)),
            (At::Usual, Place::OverSignature { share }) => over(&signed_place(revision, None)?, natural?, share),
            (At::Usual, Place::TopRight) => {
                let size = natural?;
                let (left, bottom) = corner(revision, size)?;
                (0, left, bottom, size)
            }
            (At::Usual, Place::AboveName) => {
                let message =
                    "where does the officer sign? Give the name as it stands under the signature, or a rectangle";
                return Err(Misuse::new(message).into());
            }
        };
        Ok(Block { page, left, bottom, appearance: self.draw(width, height, image, text)? })
    }

    /// What it shows in a field that is there already, of this size in points.
    ///
    /// # Errors
    /// Misuse where an image is missing.
    pub fn fitted(&self, facts: &Facts, image: Option<&Image>, width: f64, height: f64) -> Result<Appearance, Error> {
        let image = self.picture(image)?;
        let text = self.text(facts, width)?;
        self.draw(width, height, image, text)
    }

    fn picture<'i>(&self, image: Option<&'i Image>) -> Result<Option<&'i Image>, Error> {
        match (self.image, image) {
            (Picture::None, Some(_)) => {
                Err(Misuse::new(format!("the presentation {:?} shows no image", self.name)).into())
            }
            (Picture::None, None) => Ok(None),
            (_, Some(image)) => Ok(Some(image)),
            (Picture::Handwriting, None) => {
                Err(Misuse::new("the image of the handwritten signature is missing").into())
            }
            (Picture::Seal, None) => Err(Misuse::new("the image of the seal is missing").into()),
        }
    }

    fn widest(&self, revision: Revision<'_>) -> Result<f64, Error> {
        match self.place {
            Place::TopRight => Ok(Page::find(revision, 0)?.size()?.0 * WIDEST),
            _ => Ok(f64::INFINITY),
        }
    }

    /// The lines, wrapped at `widest` points.
    fn text(&self, facts: &Facts, widest: f64) -> Result<Option<Vec<String>>, Error> {
        let font = Font::liberation_serif();
        let mut lines = Vec::new();
        for line in self.lines.iter().filter_map(|line| facts.fill(line)) {
            let mut current = String::new();
            for word in line.split_whitespace() {
                let longer = if current.is_empty() { word.to_owned() } else { format!("{current} {word}") };
                if !current.is_empty() && font.width(&longer)? * TEXT_SIZE > widest {
                    lines.push(std::mem::replace(&mut current, word.to_owned()));
                } else {
                    current = longer;
                }
            }
            lines.push(current);
        }
        Ok(Some(lines).filter(|lines| !lines.is_empty()))
    }

    /// The size in points that it has by itself. Inner errors matter only where no other is given.
    fn natural_size(&self, image: Option<&Image>, text: Option<&[String]>) -> Result<Result<(f64, f64), Error>, Error> {
        let (text_width, text_height) = match text {
            Some(lines) => {
                let font = Font::liberation_serif();
                let mut width: f64 = 0.0;
                for line in lines {
                    width = width.max(font.width(line)? * TEXT_SIZE);
                }
                // A hair more, so that what was measured fits.
                (width + 0.1, text_height(lines.len())?)
            }
            None => (0.0, 0.0),
        };
        let (width, height) = match (self.image, image) {
            (Picture::Seal, Some(image)) => match image.real_size() {
                Some(size) => size,
                None => {
                    let message = "the image of the seal does not state its resolution, so its real size is not known: \
                                   store it with one, or give a rectangle";
                    return Ok(Err(Misuse::new(message).into()));
                }
            },
            (_, Some(image)) => match image.real_size() {
                Some(size) => within(size, HANDWRITING, false),
                None => within(pixels(image), HANDWRITING, true),
            },
            (_, None) => (0.0, 0.0),
        };
        Ok(Ok((width.max(text_width), height + text_height)))
    }

    fn draw(
        &self,
        width: f64,
        height: f64,
        image: Option<&Image>,
        text: Option<Vec<String>>,
    ) -> Result<Appearance, Error> {
        let mut appearance = Appearance::new(width, height);
        let lines = text.as_ref().map_or(0, Vec::len);
        if let Some(image) = image {
            // The text takes what it needs, so that a seal above it has its real size.
            let placement = match lines {
                0 => Placement::Behind,
                _ => Placement::Above { share: (1.0 - text_height(lines)? / height).clamp(0.2, 0.95) },
            };
            appearance = appearance.image(image.clone(), placement);
        }
        if let Some(lines) = text {
            appearance =
                appearance.text(Text::new(lines.join("\n")).size(TEXT_SIZE).leading(LEADING).align(Alignment::Centre));
        }
        Ok(appearance)
    }
}

/// Points that so many lines take.
fn text_height(lines: usize) -> Result<f64, Error> {
    let (ascent, descent) = Font::liberation_serif().ascent_and_descent()?;
    #[allow(clippy::cast_precision_loss)] // a few lines
    let gaps = lines.saturating_sub(1) as f64;
    // A hair more, as above.
    Ok(TEXT_SIZE * (ascent + descent + gaps * LEADING) + 0.1)
}

const fn share(place: Place) -> f64 {
    match place {
        Place::OverSignature { share } => share,
        _ => 1.0 / 3.0,
    }
}

/// Width and height as if there were 72 pixels in an inch.
fn pixels(image: &Image) -> (f64, f64) {
    let (width, height) = image.pixels();
    (f64::from(width), f64::from(height))
}

/// `size` made to fit into `room`, smaller or (where `grow`) larger, in its proportions.
fn within(size: (f64, f64), room: (f64, f64), grow: bool) -> (f64, f64) {
    let scale = (room.0 / size.0).min(room.1 / size.1);
    let scale = if grow { scale } else { scale.min(1.0) };
    (size.0 * scale, size.1 * scale)
}

/// In the middle between a name and the line above it, made smaller where there is less room.
fn between(
    revision: Revision<'_>,
    name: &FoundText,
    size: (f64, f64),
    gap: f64,
) -> Result<(usize, f64, f64, (f64, f64)), Error> {
    let place = &name.rectangle;
    let (left, _) = name.beside(Side::Above, size.0, size.1, gap);
    let column = Rectangle::new(left, place.top + 0.5, size.0, Page::find(revision, name.page)?.size()?.1);
    let above = page_lines(revision, name.page)?
        .into_iter()
        .filter(|line| line.rectangle.overlaps(&column) && line.rectangle.bottom > place.top)
        .map(|line| line.rectangle.bottom)
        .min_by(f64::total_cmp);
    // More room than this is no place for a signature, less than a line is none at all.
    let room = above.map(|above| above - place.top).filter(|room| (TEXT_SIZE..=6.0 * HANDWRITING.1).contains(room));
    Ok(match room {
        Some(room) => {
            let (width, height) = within(size, (size.0, (room - 2.0 * gap).max(TEXT_SIZE)), false);
            let left = (place.left + place.right - width) / 2.0;
            (name.page, left, place.top + (room - height) / 2.0, (width, height))
        }
        None => (name.page, left, place.top + gap, size),
    })
}

/// Left of the officer's image, over `share` of it.
fn over(officer: &FieldPlace, size: (f64, f64), share: f64) -> (usize, f64, f64, (f64, f64)) {
    let image = officer.image.unwrap_or(officer.rectangle);
    let left = image.left + image.width() * share - size.0;
    let (_, bottom) = Side::Over.of(&image, size.0, size.1, 0.0);
    (officer.page, left, bottom, size)
}

/// The place of a signature: of the field named, else of the last one that shows something.
fn signed_place(revision: Revision<'_>, name: Option<&str>) -> Result<FieldPlace, Error> {
    let mut found = None;
    for field in revision.fields()?.0.into_iter().filter(crate::pdf::Field::is_signature) {
        match name {
            Some(name) if field.name != name => continue,
            None if revision.resolve(&field.value)?.is_null() => continue,
            _ => found = field_place(revision, &field)?.or(found),
        }
    }
    found.ok_or_else(|| {
        let message = match name {
            Some(name) => format!("there is no signature field {name:?} with a place on a page"),
            None => "the seal covers a third of the officer's signature, and the document shows none: \
                     let the officer sign first, or give a rectangle"
                .to_owned(),
        };
        Misuse::new(message).into()
    })
}

/// The upper right corner of the first page, and from there to the left and down
/// until nothing stands in the way; else where least is covered.
fn corner(revision: Revision<'_>, size: (f64, f64)) -> Result<(f64, f64), Error> {
    let (width, height) = Page::find(revision, 0)?.size()?;
    // Each with how much worse than any text it is to cover it.
    let lines = page_lines(revision, 0)?.into_iter();
    let weight = |line: &str| if MOTTO.iter().any(|part| line.contains(part)) { 20.0 } else { 1.0 };
    let mut taken: Vec<(Rectangle, f64)> = lines.map(|line| (line.rectangle, weight(&line.line))).collect();
    for field in revision.fields()?.0 {
        let place = field_place(revision, &field)?.filter(|place| place.page == 0);
        taken.extend(place.map(|place| (place.rectangle, 20.0)));
    }
    let (right, top) = ((width - EDGE - size.0).max(0.0), (height - EDGE - size.1).max(0.0));
    let mut best = (right, top);
    let mut least = f64::INFINITY;
    // A page of paper: some hundred places at most; a poster is looked over more coarsely.
    let step = STEP.max(width.max(height) / 200.0);
    let mut bottom = top;
    while bottom >= height / 2.0 || bottom >= top {
        let mut left = right;
        while left >= width / 2.0 || left >= right {
            let place = Rectangle::new(left, bottom, size.0, size.1);
            let covered: f64 = taken.iter().map(|(taken, weight)| common(taken, &place) * weight).sum();
            if covered < least {
                (best, least) = ((left, bottom), covered);
            }
            if least == 0.0 {
                return Ok(best);
            }
            left -= step;
        }
        bottom -= step;
    }
    Ok(best)
}

/// The area that two rectangles have in common.
fn common(a: &Rectangle, b: &Rectangle) -> f64 {
    let width = a.right.min(b.right) - a.left.max(b.left);
    let height = a.top.min(b.top) - a.bottom.max(b.bottom);
    width.max(0.0) * height.max(0.0)
}
