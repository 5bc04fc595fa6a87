//! The visible block of a PDF signature: what it shows, and where.

use kyso::Limits;
use kyso::Time;
use kyso::pdf::Appearance;
use kyso::pdf::Pdf;
use kyso::pdf::appearance::Placement;
use kyso::pdf::image::Image;
use kyso::pdf::page::Rectangle;
use kyso::pdf::search::Side;
use kyso::pdf::search::TextQuery;
use kyso::pdf::text::Text;
use kyso::profile::vietnam::CopyForm;
use kyso::profile::vietnam::looks::At;
use kyso::profile::vietnam::looks::Facts;
use kyso::profile::vietnam::looks::Look;
use kyso::sign::pades::PadesRequest;
use kyso::x509::Certificate;

use crate::args::CopyName;
use crate::args::Lang;
use crate::args::SideName;
use crate::args::SignatureArgs;
use crate::exit::Stop;
use crate::input;

/// Part of a block's width that its image takes beside a text.
const IMAGE_SHARE: f64 = 0.35;
/// Margin within a block, in points.
const PADDING: f64 = 2.0;
/// Between a text and the block by it, in points.
const GAP: f64 = 4.0;
/// What the field's tools make of a block of text, in points.
const USUAL_SIZE: (f64, f64) = (170.0, 30.0);

/// How a visible block is made up.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Preset {
    Text,
    Image,
    ImageText,
    Office(&'static Look),
}

/// Refuses what contradicts itself, before any file is opened.
pub(crate) fn check(args: &SignatureArgs) -> Result<(), Stop> {
    numbers::<4>(args.rect.as_deref(), "--rect", "X,Y,W,H in points, such as 320,120,200,60")?;
    numbers::<2>(args.place.size.as_deref(), "--size", "W,H in points, such as 170,30")?;
    if args.page == Some(0) {
        return Err(Stop::usage("--page: pages are counted from 1"));
    }
    if args.place.nth == Some(0) {
        return Err(Stop::usage("--nth: places are counted from 1"));
    }
    if args.place.gap.is_some_and(|gap| !gap.is_finite()) {
        return Err(Stop::usage("--gap: expected a number of points"));
    }
    preset(args)?;
    if args.page.is_some() && args.rect.is_none() && args.place.near.is_none() {
        return Err(Stop::usage("--page: where on it? Give --rect or --near"));
    }
    Ok(())
}

/// The request with its visible block, if it is to have one.
pub(crate) fn add<'p>(
    request: PadesRequest<'p>,
    pdf: &'p Pdf<'p>,
    args: &SignatureArgs,
    signer: &Certificate,
    claimed: Time,
    lang: Lang,
) -> Result<PadesRequest<'p>, Stop> {
    let placed = args.rect.is_some() || args.place.near.is_some();
    if !placed && args.image.is_none() && args.appearance.is_none() {
        return Ok(request);
    }
    let preset = preset(args)?;
    let image = image(args)?;
    let page = args.page.map_or(0, |page| page - 1);
    let rectangle = numbers::<4>(args.rect.as_deref(), "--rect", "X,Y,W,H")?;
    let rectangle = rectangle.map(|[left, bottom, width, height]| Rectangle::new(left, bottom, width, height));
    if let Preset::Office(look) = preset {
        let facts = facts(args, signer, claimed);
        if let (Some(name), false) = (&args.field, placed)
            && pdf.latest().fields()?.0.iter().any(|field| field.name == *name)
        {
            // Tried first: what is missing is said here and not while the page is written.
            look.fitted(&facts, image.as_ref(), USUAL_SIZE.0, USUAL_SIZE.1)?;
            return Ok(request.appearance(move |width, height| {
                let drawn = look.fitted(&facts, image.as_ref(), width, height);
                drawn.unwrap_or_else(|_| Appearance::new(width, height))
            }));
        }
        let at = match (rectangle, query(args)) {
            (Some(rectangle), _) => At::Rectangle { page, rectangle },
            (None, Some(query)) => {
                At::Near { query, side: args.place.side.map(Side::from), gap: args.place.gap.unwrap_or(GAP) }
            }
            (None, None) => At::Usual,
        };
        let block = look.block(pdf.latest(), &facts, image.as_ref(), &at)?;
        return Ok(request.visible(block.page, block.left, block.bottom, block.appearance));
    }
    let free = Free { image, preset, text: text(args, signer, claimed, lang) };
    if let Some(place) = rectangle {
        return Ok(request.visible(page, place.left, place.bottom, free.draw(place.width(), place.height())));
    }
    if let Some(query) = query(args) {
        let found = query.find(pdf.latest())?;
        let size = numbers::<2>(args.place.size.as_deref(), "--size", "W,H")?;
        let (width, height) = size.map_or_else(|| free.size(), |[width, height]| (width, height));
        let side = args.place.side.map(Side::from).unwrap_or_default();
        let (left, bottom) = found.beside(side, width, height, args.place.gap.unwrap_or(GAP));
        return Ok(request.visible(found.page, left, bottom, free.draw(width, height)));
    }
    Ok(request.appearance(move |width, height| free.draw(width, height)))
}

/// A block that no rule describes.
struct Free {
    image: Option<Image>,
    preset: Preset,
    text: String,
}

impl Free {
    fn draw(&self, width: f64, height: f64) -> Appearance {
        let block = Appearance::new(width, height).padding(PADDING);
        let text = || Text::new(self.text.as_str());
        match (&self.image, self.preset) {
            (Some(image), Preset::Image) => block.image(image.clone(), Placement::Behind),
            (Some(image), Preset::ImageText) => {
                block.image(image.clone(), Placement::Left { share: IMAGE_SHARE }).text(text())
            }
            _ => block.text(text()),
        }
    }

    /// An image alone has the size that its file states; anything else that of the field's tools.
    fn size(&self) -> (f64, f64) {
        let own = self.image.as_ref().filter(|_| self.preset == Preset::Image).and_then(Image::real_size);
        match own {
            Some((width, height)) => (width + 2.0 * PADDING, height + 2.0 * PADDING),
            None => USUAL_SIZE,
        }
    }
}

impl From<CopyName> for CopyForm {
    fn from(name: CopyName) -> Self {
        match name {
            CopyName::SaoY => Self::SaoY,
            CopyName::SaoLuc => Self::SaoLuc,
            CopyName::TrichSao => Self::TrichSao,
        }
    }
}

impl From<SideName> for Side {
    fn from(side: SideName) -> Self {
        match side {
            SideName::Below => Self::Below,
            SideName::Above => Self::Above,
            SideName::Left => Self::Left,
            SideName::Right => Self::Right,
            SideName::Over => Self::Over,
        }
    }
}

fn query(args: &SignatureArgs) -> Option<TextQuery> {
    let mut query = TextQuery::new(args.place.near.as_deref()?);
    if let Some(page) = args.page {
        query = query.on_page(page - 1);
    }
    if let Some(nth) = args.place.nth {
        query = query.occurrence(nth - 1);
    }
    Some(query)
}

fn facts(args: &SignatureArgs, signer: &Certificate, claimed: Time) -> Facts {
    let agency = args.facts.agency.clone().unwrap_or_else(|| signer.subject().display_name());
    let facts = Facts::new(claimed).agency(agency).copy(args.facts.copy_form.unwrap_or(CopyName::SaoY).into());
    match &args.facts.document {
        Some(number) => facts.document(number),
        None => facts,
    }
}

/// Numbers parted by commas, sizes above zero.
fn numbers<const N: usize>(text: Option<&str>, option: &str, expected: &str) -> Result<Option<[f64; N]>, Stop> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || Stop::usage(format!("{option} {text}: expected {expected}"));
    let numbers: Vec<f64> =
        text.split(',').map(|n| n.trim().parse().map_err(|_| wrong())).collect::<Result<_, Stop>>()?;
    let sizes_above_zero = numbers.iter().rev().take(2).all(|n| *n > 0.0);
    match <[f64; N]>::try_from(numbers) {
        Ok(all) if sizes_above_zero && all.iter().all(|n| n.is_finite()) => Ok(Some(all)),
        _ => Err(wrong()),
    }
}

fn preset(args: &SignatureArgs) -> Result<Preset, Stop> {
    if let Some(look) = args.appearance.as_deref().and_then(Look::by_name) {
        return Ok(Preset::Office(look));
    }
    let placed = args.rect.is_some() || args.place.near.is_some() || args.field.is_some();
    if (args.appearance.is_some() || args.image.is_some()) && !placed {
        return Err(Stop::usage("--appearance, --image: where? Give --rect, --near, or the --field of an empty field"));
    }
    match (args.appearance.as_deref(), args.image.is_some()) {
        (None, false) | (Some("text"), false) => Ok(Preset::Text),
        (None | Some("image"), true) => Ok(Preset::Image),
        (Some("image-text"), true) => Ok(Preset::ImageText),
        (Some("image" | "image-text"), false) => Err(Stop::usage("--appearance image, image-text need --image")),
        (Some("text"), true) => Err(Stop::usage("--appearance text shows no image; give image-text")),
        (Some(other), _) => {
            let known = "officer, seal, annex, copy, incoming, text, image, image-text";
            Err(Stop::usage(format!("--appearance {other}: not known; there are {known}")))
        }
    }
}

fn image(args: &SignatureArgs) -> Result<Option<Image>, Stop> {
    let Some(path) = &args.image else { return Ok(None) };
    let octets = input::read(path)?;
    Image::read(&octets, &Limits::default()).map(Some).map_err(|e| Stop::from(e).of_file(path))
}

/// The lines of a block: who, when, why.
fn text(args: &SignatureArgs, signer: &Certificate, claimed: Time, lang: Lang) -> String {
    let [by, at, why] = match lang {
        Lang::Vi => ["Ký bởi", "Thời gian ký", "Lý do"],
        Lang::En => ["Signed by", "Signing time", "Reason"],
    };
    let c = claimed.civil(7 * 60);
    // As Decree 30/2020/ND-CP writes it.
    let time = format!("{:02}/{:02}/{} {:02}:{:02}:{:02} +07:00", c.day, c.month, c.year, c.hour, c.minute, c.second);
    let mut lines = vec![format!("{by}: {}", signer.subject().display_name()), format!("{at}: {time}")];
    lines.extend(args.reason.as_ref().map(|reason| format!("{why}: {reason}")));
    lines.join("\n")
}
