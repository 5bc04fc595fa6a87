//! What a signature is to be, from the options: shared by `sign` and `prepare`.

use std::path::Path;

use kyso::Limits;
use kyso::Time;
use kyso::crypto::DigestAlgorithm;
use kyso::error::SecretError;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::Source;
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
use crate::block;
use crate::exit::Stop;
use crate::input;
use crate::input::Kind;
use crate::network;
use crate::sign;

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
    block::check(args)
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
        ("--near", args.place.near.is_some()),
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
    block::add(request, pdf, args, signer, claimed, lang)
}

/// Opens a PDF, an encrypted one with the password that the options name or, on
/// a terminal, that a person enters.
pub(crate) fn pdf<'s, S: Source + Sync>(source: &'s S, args: &PdfPasswordArgs, path: &Path) -> Result<Pdf<'s>, Stop> {
    let limits = Limits::default();
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
