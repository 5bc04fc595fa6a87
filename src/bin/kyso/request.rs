//! What a signature is to be, from the options: shared by `sign` and `prepare`.

use std::num::NonZeroUsize;
use std::path::Path;

use kyso::Limits;
use kyso::Time;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::PrivateKey;
use kyso::error::SecretError;
use kyso::key::pkcs12::KeyEntry;
use kyso::key::pkcs12::Pfx;
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
use crate::arithmetic;
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

/// Refuses a level without its service.
pub(crate) fn level(level: Level, tsa: Option<&str>) -> Result<(), Stop> {
    match (level, tsa) {
        (Level::BT | Level::BLt | Level::BLta, None) => Err(Stop::usage("--level b-t, b-lt, b-lta need --tsa URL")),
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
    let mut request = PadesRequest::new(pdf, claimed).backend(arithmetic::backend());
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

/// More have nothing to do in one document.
const MOST_THREADS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// Opens a PDF, an encrypted one with the password that the options name or, on
/// a terminal, that a person enters. It may use the processors that there are.
pub(crate) fn pdf<'s, S: Source>(source: &'s S, args: &PdfPasswordArgs, path: &Path) -> Result<Pdf<'s>, Stop> {
    let processors = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    pdf_and_opening(source, args, path).map(|(pdf, _)| pdf.threads(processors.min(MOST_THREADS)))
}

/// With what a document was opened.
pub(crate) enum Opening {
    Nothing,
    Password(Password),
    Key(Box<PrivateKey>),
}

/// The same, with what opens the document once more.
pub(crate) fn pdf_and_opening<'s, S: Source>(
    source: &'s S,
    args: &PdfPasswordArgs,
    path: &Path,
) -> Result<(Pdf<'s>, Opening), Stop> {
    let limits = Limits::default();
    if let Some(file) = &args.pdf_key {
        let key = recipient_key(file, args)?;
        let pdf = Pdf::parse_with_key(source, &limits, &key).map_err(sign::of_pdf(path))?;
        return Ok((pdf, Opening::Key(Box::new(key))));
    }
    let open = |password: &str| {
        let password = Password::new(password);
        Pdf::parse_with_password(source, &limits, &password).map(|pdf| (pdf, Opening::Password(password)))
    };
    let named = input::secret(args.pdf_password_env.as_deref(), args.pdf_password_file.as_deref(), None)?;
    let opened = match named {
        Some(password) => open(&password),
        None => match Pdf::parse(source, &limits) {
            Err(missing @ kyso::Error::Secret(SecretError::Missing { .. })) => {
                let prompt = format!("Password of {}: ", path.display());
                match input::secret(None, None, Some(&prompt))? {
                    Some(password) => open(&password),
                    None => Err(missing),
                }
            }
            opened => opened.map(|pdf| (pdf, Opening::Nothing)),
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
