//! What a signature is to be, from the options: shared by `sign` and `prepare`.

use std::path::Path;

use kyso::Limits;
use kyso::Time;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::PrivateKey;
use kyso::error::SecretError;
use kyso::key::pkcs12::KeyEntry;
use kyso::key::pkcs12::Pfx;
use kyso::pdf::Appearance;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::Source;
use kyso::pdf::appearance::Placement;
use kyso::pdf::image::Image;
use kyso::pdf::text::Text;
use kyso::secret::Password;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::x509::Certificate;

use crate::args::Certify;
use crate::args::Lang;
use crate::args::Level;
use crate::args::PdfPasswordArgs;
use crate::args::SignFormat;
use crate::args::SignatureArgs;
use crate::exit::Stop;
use crate::input;
use crate::input::Kind;
use crate::network;
use crate::sign;

/// Part of a block's width that its image takes beside a text.
const IMAGE_SHARE: f64 = 0.35;
/// Margin within a block, in points.
const PADDING: f64 = 2.0;

/// The formats that can be made today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Pades,
    Cades,
}

impl Format {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pades => "PAdES",
            Self::Cades => "CAdES",
        }
    }
}

/// How a visible block is made up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preset {
    Text,
    Image,
    ImageText,
}

/// Refuses what is reserved, not there yet, or contradicts itself, before any file is opened.
pub(crate) fn check(args: &SignatureArgs) -> Result<(), Stop> {
    match args.format {
        Some(SignFormat::Xades) => return Err(Stop::usage("--format xades: reserved, not available yet")),
        Some(SignFormat::AsicS | SignFormat::AsicE) => {
            return Err(Stop::usage("--format asic-s, asic-e: reserved, not available yet"));
        }
        Some(SignFormat::Pades | SignFormat::Cades) | None => {}
    }
    level(args.level, args.tsa.as_deref())?;
    if args.near.is_some() {
        return Err(Stop::usage("--near: looking for text is not available yet; give --page and --rect"));
    }
    rectangle(args)?;
    preset(args)?;
    Ok(())
}

/// Refuses levels that are not there yet, and a level without its service.
pub(crate) fn level(level: Level, tsa: Option<&str>) -> Result<(), Stop> {
    match (level, tsa) {
        (Level::BLt | Level::BLta, _) => {
            Err(Stop::usage("--level b-lt, b-lta: not available yet; b-b and b-t can be made"))
        }
        (Level::BT, None) => Err(Stop::usage("--level b-t needs --tsa URL")),
        (Level::BB, Some(_)) => Err(Stop::usage("--tsa: level b-b has no time-stamp; give --level b-t")),
        _ => Ok(()),
    }
}

/// The format asked for, else the one that fits the input; refuses options of the other one.
pub(crate) fn format(args: &SignatureArgs, source: &dyn Source) -> Result<Format, Stop> {
    let format = match args.format {
        Some(SignFormat::Cades) => Format::Cades,
        Some(_) => Format::Pades,
        None if input::kind(source)? == Kind::Pdf => Format::Pades,
        None => Format::Cades,
    };
    let of_pdf = [
        ("--field", args.field.is_some()),
        ("--page", args.page.is_some()),
        ("--rect", args.rect.is_some()),
        ("--appearance", args.appearance.is_some()),
        ("--image", args.image.is_some()),
        ("--reason", args.reason.is_some()),
        ("--location", args.location.is_some()),
        ("--contact", args.contact.is_some()),
        ("--certify", args.certify != Certify::None),
    ];
    match (format, of_pdf.into_iter().find(|(_, given)| *given)) {
        (Format::Cades, Some((option, _))) => {
            Err(Stop::usage(format!("{option} is for PDF signatures; this one is CAdES")))
        }
        (Format::Pades, _) if args.detached => {
            Err(Stop::usage("--detached is for CAdES signatures; one in a PDF always is"))
        }
        _ => Ok(format),
    }
}

/// The claimed signing time.
pub(crate) fn claimed(args: &SignatureArgs) -> Result<Time, Stop> {
    match &args.signing_time {
        Some(text) => Time::parse_rfc3339(text).map_err(|e| Stop::usage(format!("--signing-time: {e}"))),
        None => input::now(),
    }
}

/// Which authority to ask, with a fresh nonce.
pub(crate) fn timestamp(url: &str) -> Result<TimestampSettings, Stop> {
    Ok(TimestampSettings::new(url, network::nonce::<16>()?))
}

/// The digest asked for.
pub(crate) fn digest(args: &SignatureArgs) -> Option<DigestAlgorithm> {
    args.digest.map(DigestAlgorithm::from)
}

/// The request for a PDF signature of this signer; the algorithm is not in it.
pub(crate) fn pades<'p>(
    pdf: &'p Pdf<'p>,
    args: &SignatureArgs,
    signer: &Certificate,
    claimed: Time,
    lang: Lang,
) -> Result<PadesRequest<'p>, Stop> {
    let mut request = PadesRequest::new(pdf, claimed);
    if let Some(name) = &args.field {
        request = request.field(name);
    }
    if let Some(reason) = &args.reason {
        request = request.reason(reason);
    }
    if let Some(location) = &args.location {
        request = request.location(location);
    }
    if let Some(contact) = &args.contact {
        request = request.contact(contact);
    }
    request = match args.certify {
        Certify::None => request,
        Certify::NoChanges => request.certify(Permission::NoChanges),
        Certify::FormFilling => request.certify(Permission::FormFilling),
        Certify::Annotating => request.certify(Permission::Annotating),
    };
    let page = match args.page {
        Some(0) => return Err(Stop::usage("--page: pages are counted from 1")),
        page => page.unwrap_or(1) - 1,
    };
    let rectangle = rectangle(args)?;
    let shown = rectangle.is_some() || args.image.is_some() || args.appearance.is_some();
    if !shown {
        return Ok(request);
    }
    let block = Block { image: image(args)?, preset: preset(args)?, text: text(args, signer, claimed, lang) };
    Ok(match rectangle {
        Some([left, bottom, width, height]) => request.visible(page, left, bottom, block.draw(width, height)),
        None => request.appearance(move |width, height| block.draw(width, height)),
    })
}

struct Block {
    image: Option<Image>,
    preset: Preset,
    text: String,
}

impl Block {
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
}

/// `--rect`: left, bottom, width, height.
fn rectangle(args: &SignatureArgs) -> Result<Option<[f64; 4]>, Stop> {
    let Some(text) = &args.rect else { return Ok(None) };
    let wrong = || Stop::usage(format!("--rect {text}: expected X,Y,W,H in points, such as 320,120,200,60"));
    let numbers: Vec<f64> =
        text.split(',').map(|n| n.trim().parse().map_err(|_| wrong())).collect::<Result<_, Stop>>()?;
    match <[f64; 4]>::try_from(numbers) {
        Ok(all @ [_, _, width, height]) if all.iter().all(|n| n.is_finite()) && width > 0.0 && height > 0.0 => {
            Ok(Some(all))
        }
        _ => Err(wrong()),
    }
}

fn preset(args: &SignatureArgs) -> Result<Preset, Stop> {
    if (args.appearance.is_some() || args.image.is_some()) && args.rect.is_none() && args.field.is_none() {
        return Err(Stop::usage("--appearance, --image: where? Give --rect, or the --field of an empty field"));
    }
    match (args.appearance.as_deref(), args.image.is_some()) {
        (None, false) | (Some("text"), false) => Ok(Preset::Text),
        (None | Some("image"), true) => Ok(Preset::Image),
        (Some("image-text"), true) => Ok(Preset::ImageText),
        (Some("image" | "image-text"), false) => Err(Stop::usage("--appearance image, image-text need --image")),
        (Some("text"), true) => Err(Stop::usage("--appearance text shows no image; give image-text")),
        (Some(other), _) => {
            Err(Stop::usage(format!("--appearance {other}: not known; there are text, image, image-text")))
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

/// Opens a PDF, an encrypted one with the password that the options name or, on
/// a terminal, that a person enters.
pub(crate) fn pdf<'s, S: Source + Sync>(source: &'s S, args: &PdfPasswordArgs, path: &Path) -> Result<Pdf<'s>, Stop> {
    let limits = Limits::default();
    if let Some(file) = &args.pdf_key {
        let key = recipient_key(file, args)?;
        return Pdf::parse_with_key(source, &limits, &key).map_err(sign::of_pdf(path));
    }
    let named = input::secret(args.pdf_password_env.as_deref(), args.pdf_password_file.as_deref(), None)?;
    let opened = match named {
        Some(password) => Pdf::parse_with_password(source, &limits, &Password::new(password.as_str())),
        None => match Pdf::parse(source, &limits) {
            Err(missing @ kyso::Error::Secret(SecretError::Missing { .. })) => {
                let prompt = format!("Password of {}: ", path.display());
                match input::secret(None, None, Some(&prompt))? {
                    Some(password) => Pdf::parse_with_password(source, &limits, &Password::new(password.as_str())),
                    None => Err(missing),
                }
            }
            opened => opened,
        },
    };
    opened.map_err(sign::of_pdf(path))
}

/// The private key of a file: on its own, or the first of a PKCS#12 store.
fn recipient_key(path: &Path, args: &PdfPasswordArgs) -> Result<PrivateKey, Stop> {
    let octets = zeroize::Zeroizing::new(input::read(path)?);
    let prompt = format!("Password of {}: ", path.display());
    let password = || -> Result<Option<Password>, Stop> {
        let (env, file) = (args.pdf_password_env.as_deref(), args.pdf_password_file.as_deref());
        Ok(input::secret(env, file, Some(&prompt))?.map(|secret| Password::new(secret.as_str())))
    };
    let key = match PrivateKey::from_file(&octets, None) {
        Err(kyso::Error::Secret(SecretError::Missing { .. })) => PrivateKey::from_file(&octets, password()?.as_ref()),
        // Not a key on its own.
        Err(alone @ kyso::Error::Malformed(_)) if octets.first() == Some(&0x30) => {
            let password = password()?.unwrap_or_else(|| Password::new(""));
            let store = Pfx::open(&octets, &password, &Limits::default()).map_err(|e| Stop::from(e).of_file(path))?;
            store.keys().first().map_or(Err(alone), KeyEntry::private_key)
        }
        key => key,
    };
    key.map_err(|e| Stop::from(e).of_file(path))
}
