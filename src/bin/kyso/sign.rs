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
use kyso::fetch;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::sign::PreSignCheck;
use kyso::sign::cades::CadesRequest;
use kyso::sign::check_certificate;
use kyso::sign::timestamping::CmsTimestamping;
use kyso::x509::Certificate;

use crate::args::ExtendArgs;
use crate::args::Lang;
use crate::args::Level;
use crate::args::SignArgs;
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
    let source = FileSource::open(&args.input)?;
    let format = request::format(&args.signature, &source)?;
    let key = keys::open(&args.key, args.signature.digest, args.signature.pss)?;
    let warnings = check_signer(key.identity(), &given, args)?;
    print::warnings(&warnings, lang);
    let field = match format {
        Format::Pades => Some(sign_pdf(args, &source, key.as_ref(), claimed, lang)?),
        Format::Cades => {
            sign_cms(args, &source, key.as_ref(), claimed)?;
            None
        }
    };
    if args.json {
        print::json(&json!({
            "output": args.output.display().to_string(),
            "format": format.name(),
            "level": level_name(args.signature.level),
            "field": field,
            "algorithm": key.default_algorithm().name(),
            "signer": signer(key.identity().certificate()),
            "claimed_signing_time": claimed.to_rfc3339(0),
            "findings": warnings.iter().map(print::finding).collect::<Vec<_>>(),
        }))?;
    } else {
        say_done(&args.output, format.name(), level_name(args.signature.level), lang)?;
    }
    Ok(Exit::Done)
}

/// The check before signing, as far as trust and evidence were given.
fn check_signer(identity: &SignerIdentity, given: &Given, args: &SignArgs) -> Result<Vec<Finding>, Stop> {
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

/// Signs into the output; returns the name of the field.
fn sign_pdf(
    args: &SignArgs,
    source: &FileSource,
    key: &dyn SigningKey,
    claimed: Time,
    lang: Lang,
) -> Result<String, Stop> {
    let stamped = args.signature.level == Level::BT;
    let watched = Watched::new(source, if stamped { 2 } else { 1 });
    let pdf = request::pdf(&watched, &args.pdf, &args.input)?;
    let request = request::pades(&pdf, &args.signature, key.identity().certificate(), claimed, lang)?;
    let mut out = Output::create(&args.output)?;
    let signed = match &args.signature.tsa {
        Some(url) => {
            let job = request.sign_timestamped(key, request::timestamp(url)?).map_err(of_pdf(&args.input))?;
            let signed = fetch::run(job, &network::client()?)?;
            signed.write_to(&mut out)?;
            signed
        }
        None => request.sign_to(key, &mut out).map_err(of_pdf(&args.input))?,
    };
    source.check_unchanged()?;
    out.commit()?;
    Ok(signed.field_name().to_owned())
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

fn sign_cms(args: &SignArgs, source: &FileSource, key: &dyn SigningKey, claimed: Time) -> Result<(), Stop> {
    let octets;
    let request = if args.signature.detached {
        // RFC 8419 §3.1 binds Ed25519 to SHA-512.
        let algorithm = key.default_algorithm().digest().unwrap_or(DigestAlgorithm::Sha512);
        CadesRequest::from_digest(input::digest(&Watched::new(source, 1), algorithm)?, claimed)
    } else {
        octets = input::read(&args.input)?;
        CadesRequest::new(&octets, claimed)
    };
    let signed = match &args.signature.tsa {
        Some(url) => fetch::run(request.sign_timestamped(key, request::timestamp(url)?)?, &network::client()?)?,
        None => request.sign(key)?,
    };
    source.check_unchanged()?;
    write(&args.output, signed.octets())
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

const fn level_name(level: Level) -> &'static str {
    match level {
        Level::BB => "B-B",
        Level::BT => "B-T",
        Level::BLt => "B-LT",
        Level::BLta => "B-LTA",
    }
}

/// A certificate as the contract writes a signer.
fn signer(certificate: &Certificate) -> Value {
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
