//! `kyso sign` and `kyso extend`.

use std::io::Write;
use std::path::Path;

use serde_json::Value;
use serde_json::json;

use kyso::Finding;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::DigestAlgorithm;
use kyso::error::IoError;
use kyso::fetch;
use kyso::files;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::pdf::Pdf;
use kyso::sign::PreSignCheck;
use kyso::sign::cades::CadesRequest;
use kyso::sign::check_certificate;
use kyso::sign::timestamping::CmsTimestamping;
use kyso::x509::Certificate;

use crate::args::ExtendArgs;
use crate::args::Lang;
use crate::args::Level;
use crate::args::SignArgs;
use crate::batch;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::input::Kind;
use crate::keys;
use crate::network;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::request::Format;
use crate::trust;
use crate::trust::Given;

/// `kyso sign`.
pub(crate) fn sign(args: &SignArgs, lang: Lang) -> Outcome {
    request::check(&args.signature)?;
    if args.require_valid && args.trust.no_revocation {
        return Err(Stop::usage("--require-valid asks for what --no-revocation does without: give one of them"));
    }
    let claimed = request::claimed(&args.signature)?;
    let mut given = trust::given(&args.trust)?;
    if args.trust.at.is_none() {
        given.at = claimed;
    }
    if let Some(folder) = batch::folder(args)? {
        return batch::sign(args, &folder, &given, claimed, lang);
    }
    let [input] = args.inputs.as_slice() else { return Err(Stop::usage("several documents go to a folder: -o DIR")) };
    if args.in_place {
        recover(input)?;
    }
    let source = FileSource::open(input)?;
    let format = request::format(&args.signature, &source)?;
    if args.in_place && format != Format::Pades {
        return Err(Stop::usage("--in-place appends to a PDF; a CAdES signature is a file of its own"));
    }
    let key = keys::open(&args.key, args.signature.digest, args.signature.pss)?;
    let warnings = check_signer(key.identity(), &given, args)?;
    print::warnings(&warnings, lang);
    let output = args.output.as_deref().unwrap_or(input);
    let field = if args.in_place {
        let mut sink = std::io::sink();
        let signed = sign_document(args, input, &source, format, key.as_ref(), (claimed, lang), &mut sink)?;
        files::append(input, &source, signed.tail.as_deref().unwrap_or_default())?;
        signed.field
    } else {
        let mut out = Output::create(output)?;
        let signed = sign_document(args, input, &source, format, key.as_ref(), (claimed, lang), &mut out)?;
        source.check_unchanged()?;
        out.commit()?;
        signed.field
    };
    if args.json {
        print::json(&json!({
            "output": output.display().to_string(),
            "format": format.name(),
            "level": level_name(args.signature.level),
            "field": field,
            "algorithm": key.default_algorithm().name(),
            "signer": signer(key.identity().certificate()),
            "claimed_signing_time": claimed.to_rfc3339(0),
            "findings": warnings.iter().map(print::finding).collect::<Vec<_>>(),
        }))?;
    } else {
        say_done(output, format.name(), level_name(args.signature.level), lang)?;
    }
    Ok(Exit::Done)
}

/// Cuts a document back to what it was before an append that was not finished.
pub(crate) fn recover(path: &Path) -> Result<(), Stop> {
    if files::recover(path)? {
        print::note(&format!("{}: an append that was broken off has been undone", path.display()));
    }
    Ok(())
}

/// The check before signing, as far as trust and evidence were given.
pub(crate) fn check_signer(identity: &SignerIdentity, given: &Given, args: &SignArgs) -> Result<Vec<Finding>, Stop> {
    if !given.asks_status() {
        check_certificate(identity.certificate(), given.at)?;
        return Ok(Vec::new());
    }
    let mut check = PreSignCheck::new(identity, &given.anchors, &given.rules(), given.at)?.evidence(&given.evidence);
    if args.require_valid {
        check = check.require_valid();
    }
    Ok(network::drive(check, args.trust.online)?.warnings)
}

/// What was signed.
pub(crate) struct Signed {
    /// The name of the field, in a PDF.
    pub(crate) field: Option<String>,
    /// What was added to a PDF.
    pub(crate) tail: Option<Vec<u8>>,
}

/// Signs a document into `out`.
pub(crate) fn sign_document(
    args: &SignArgs,
    input: &Path,
    source: &FileSource,
    format: Format,
    key: &dyn SigningKey,
    (claimed, lang): (Time, Lang),
    out: &mut dyn Write,
) -> Result<Signed, Stop> {
    match format {
        Format::Pades => {
            let watched = Watched::new(source, if args.signature.level == Level::BT { 2 } else { 1 });
            let pdf = request::pdf(&watched, &args.pdf, input)?;
            sign_pdf(args, &pdf, input, key, (claimed, lang), out)
        }
        Format::Cades => sign_cms(args, input, source, key, claimed, out),
    }
}

/// Signs a PDF into `out`.
pub(crate) fn sign_pdf(
    args: &SignArgs,
    pdf: &Pdf<'_>,
    input: &Path,
    key: &dyn SigningKey,
    (claimed, lang): (Time, Lang),
    out: &mut dyn Write,
) -> Result<Signed, Stop> {
    let request = request::pades(pdf, &args.signature, key.identity().certificate(), claimed, lang)?;
    let signed = match &args.signature.tsa {
        Some(url) => {
            let job = request.sign_timestamped(key, request::timestamp(url)?).map_err(of_pdf(input))?;
            let signed = fetch::run(job, &network::client()?)?;
            signed.write_to(out)?;
            signed
        }
        None => request.sign_to(key, out).map_err(of_pdf(input))?,
    };
    Ok(Signed { field: Some(signed.field_name().to_owned()), tail: Some(signed.tail().to_vec()) })
}

/// Names the document in what is said of its form.
pub(crate) fn of_pdf(path: &Path) -> impl Fn(kyso::Error) -> Stop {
    let path = path.to_owned();
    move |error| match error {
        kyso::Error::Malformed(_) | kyso::Error::Unsupported(_) | kyso::Error::LimitExceeded(_) => {
            Stop::from(error).of_file(&path)
        }
        other => other.into(),
    }
}

/// Signs any file into `out`.
pub(crate) fn sign_cms(
    args: &SignArgs,
    input: &Path,
    source: &FileSource,
    key: &dyn SigningKey,
    claimed: Time,
    out: &mut dyn Write,
) -> Result<Signed, Stop> {
    let octets;
    let request = if args.signature.detached {
        // RFC 8419 §3.1 binds Ed25519 to SHA-512.
        let algorithm = key.default_algorithm().digest().unwrap_or(DigestAlgorithm::Sha512);
        CadesRequest::from_digest(input::digest(&Watched::new(source, 1), algorithm)?, claimed)
    } else {
        octets = input::read(input)?;
        CadesRequest::new(&octets, claimed)
    };
    let signed = match &args.signature.tsa {
        Some(url) => fetch::run(request.sign_timestamped(key, request::timestamp(url)?)?, &network::client()?)?,
        None => request.sign(key)?,
    };
    out.write_all(signed.octets()).map_err(|error| IoError::new("write", "the signature", error))?;
    Ok(Signed { field: None, tail: None })
}

/// `kyso extend`.
pub(crate) fn extend(args: &ExtendArgs, lang: Lang) -> Outcome {
    if args.level == Level::BB {
        return Err(Stop::usage("--level b-b: a signature has it from the start"));
    }
    request::level(args.level, args.tsa.as_deref())?;
    let Some(url) = &args.tsa else { return Err(Stop::usage("--level b-t needs --tsa URL")) };
    let source = FileSource::open(&args.input)?;
    if input::kind(&source)? == Kind::Pdf {
        let message = "raising a PDF signature to a higher level is not available yet; sign with --level b-t instead";
        return Err(Stop { exit: Exit::Input, message: message.to_owned() }.of_file(&args.input));
    }
    let limits = Limits::default();
    let mut octets = input::read(&args.input)?;
    let cms = SignedData::from_octets(&octets, &limits).map_err(|e| Stop::from(e).of_file(&args.input))?;
    if cms.signers().is_empty() {
        return Err(Stop { exit: Exit::NoSignature, message: "no signature in it".to_owned() }.of_file(&args.input));
    }
    let network = network::client()?;
    for (index, signer) in cms.signers().iter().enumerate() {
        if signer.signature_time_stamps().next().is_none() {
            let job = CmsTimestamping::new(&octets, index, request::timestamp(url)?, &limits)?;
            octets = fetch::run(job, &network)?.into_octets();
        }
    }
    write(&args.output, &octets)?;
    say_done(&args.output, Format::Cades.name(), level_name(args.level), lang)?;
    Ok(Exit::Done)
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, octets: &[u8]) -> Result<(), Stop> {
    let mut out = Output::create(path)?;
    out.write_all(octets)
        .map_err(|e| Stop { exit: Exit::File, message: format!("cannot write {}: {e}", path.display()) })?;
    Ok(out.commit()?)
}

pub(crate) const fn level_name(level: Level) -> &'static str {
    match level {
        Level::BB => "B-B",
        Level::BT => "B-T",
        Level::BLt => "B-LT",
        Level::BLta => "B-LTA",
    }
}

/// A certificate as the contract writes a signer.
pub(crate) fn signer(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "serial": certificate.serial().to_string(),
        "sha256": certificate.sha256().to_hex(),
    })
}

pub(crate) fn say_done(output: &Path, format: &str, level: &str, lang: Lang) -> Result<(), Stop> {
    let word = match lang {
        Lang::Vi => "Đã ký",
        Lang::En => "Signed",
    };
    print::text(&format!("{word} ({format} {level}): {}", output.display()))
}
