//! `kyso sign`.

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
use kyso::pdf::Pdf;
use kyso::pdf::Source;
use kyso::revocation::Evidence;
use kyso::sign::PreSignCheck;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::SignedCms;
use kyso::sign::check_certificate;
use kyso::sign::pades::SignedPdf;
use kyso::source::Followed;
use kyso::x509::Certificate;

use crate::args::Lang;
use crate::args::Level;
use crate::args::SignArgs;
use crate::augment::Raise;
use crate::cosign;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::network;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::request::Opening;
use crate::request::Format;
use crate::trust;
use crate::trust::Given;

/// `kyso sign`.
pub(crate) fn sign(args: &SignArgs, lang: Lang) -> Outcome {
    request::check(&args.signature)?;
    if args.require_valid && args.trust.no_revocation {
        return Err(Stop::usage("--require-valid asks for what --no-revocation does without: give one of them"));
    }
    if args.signature.level.is_long_term() && args.trust.no_revocation {
        return Err(Stop::usage("--no-revocation: a level above b-t is made of revocation data"));
    }
    let claimed = request::claimed(&args.signature)?;
    let mut given = trust::given(&args.trust)?;
    if args.trust.at.is_none() {
        given.at = claimed;
    }
    let source = FileSource::open(&args.input)?;
    let format = request::format(&args.signature, &source)?;
    check_cosigning(args, format)?;
    let key = keys::open(&args.key, args.signature.digest, args.signature.pss)?;
    let (warnings, evidence) = check_signer(key.identity(), &given, args)?;
    print::warnings(&warnings, lang);
    let raise = Raise {
        level: args.signature.level,
        tsa: args.signature.tsa.as_deref(),
        given: &given,
        online: args.trust.online,
        vri: args.vri,
        lang,
    };
    let mut warnings = warnings;
    let field = match format {
        Format::Pades => Some(sign_pdf(args, &source, key.as_ref(), claimed, &raise, &evidence, &mut warnings)?),
        Format::Cades if args.parallel || args.counter.is_some() => {
            cosign::sign(args, &source, key.as_ref(), claimed, &raise, &evidence)?;
            None
        }
        Format::Cades => {
            sign_cms(args, &source, key.as_ref(), claimed, &raise, &evidence)?;
            None
        }
    };
    if args.json {
        print::json(&json!({
            "output": args.output.display().to_string(),
            "format": format.name(),
            "level": args.signature.level.name(),
            "field": field,
            "algorithm": key.default_algorithm().name(),
            "signer": signer(key.identity().certificate()),
            "claimed_signing_time": claimed.to_rfc3339(0),
            "findings": warnings.iter().map(print::finding).collect::<Vec<_>>(),
        }))?;
    } else {
        say_done(&args.output, format.name(), args.signature.level.name(), lang)?;
    }
    Ok(Exit::Done)
}

/// Refuses options that are for another kind of signature.
fn check_cosigning(args: &SignArgs, format: Format) -> Result<(), Stop> {
    let further = args.parallel || args.counter.is_some();
    match format {
        Format::Pades if further => {
            Err(Stop::usage("--parallel, --counter are for CMS; a PDF is signed once more as it is"))
        }
        Format::Cades if args.vri => Err(Stop::usage("--vri is for PDF signatures; this one is CAdES")),
        _ if args.content.is_some() && !further => Err(Stop::usage("--content goes with --parallel or --counter")),
        _ if further && args.signature.detached => Err(Stop::usage("--detached: the CMS that is there keeps its form")),
        _ => Ok(()),
    }
}

/// The check before signing, as far as trust and evidence were given.
fn check_signer(identity: &SignerIdentity, given: &Given, args: &SignArgs) -> Result<(Vec<Finding>, Evidence), Stop> {
    if !given.asks_status() {
        check_certificate(identity.certificate(), given.at)?;
        return Ok((Vec::new(), Evidence::new()));
    }
    let mut check = PreSignCheck::new(identity, &given.anchors, &given.rules(), given.at)?.evidence(&given.evidence);
    if args.require_valid {
        check = check.require_valid();
    }
    let checked = network::drive(check, args.trust.online)?;
    Ok((checked.warnings, checked.evidence))
}

/// Signs into the output; returns the name of the field. What a first signer should look at comes on top of `warnings`.
fn sign_pdf(
    args: &SignArgs,
    source: &FileSource,
    key: &dyn SigningKey,
    claimed: Time,
    raise: &Raise<'_>,
    evidence: &Evidence,
    warnings: &mut Vec<Finding>,
) -> Result<String, Stop> {
    let level = args.signature.level;
    let times = match level {
        Level::BB => 1,
        Level::BT => 2,
        Level::BLt | Level::BLta => 4,
    };
    let watched = Watched::new(source, times);
    let (pdf, opening) = request::pdf_and_opening(&watched, &args.pdf, &args.input)?;
    let request = request::pades(&pdf, &args.signature, key.identity().certificate(), claimed, raise.lang)?;
    if pdf.signatures().is_ok_and(|signatures| signatures.is_empty()) {
        let hidden = hidden(&pdf);
        print::warnings(&hidden, raise.lang);
        warnings.extend(hidden);
    }
    let mut out = Output::create(&args.output)?;
    let signed = match &args.signature.tsa {
        Some(url) => {
            let job = request.sign_timestamped(key, request::timestamp(url)?).map_err(of_pdf(&args.input))?;
            let signed = fetch::run(job, &network::client()?)?;
            write_raised(&signed, &watched, opening, raise, evidence, &mut out)?;
            signed
        }
        None => request.sign_to(key, &mut out).map_err(of_pdf(&args.input))?,
    };
    source.check_unchanged()?;
    out.commit()?;
    Ok(signed.field_name().to_owned())
}

/// What the document hides from whoever signs it first. To look through a long one takes longer than to sign it;
/// that is left to `kyso verify`.
fn hidden(pdf: &Pdf<'_>) -> Vec<Finding> {
    const LONGEST: u64 = 8 << 20;
    if pdf.len() > LONGEST {
        return Vec::new();
    }
    pdf.hidden_content().unwrap_or_else(|error| {
        let message = format!("hidden content cannot be looked for: {error}");
        vec![Finding::warning("HIDDEN_NOT_SEARCHED", message)]
    })
}

/// Writes a signed document, raised to its level where that is above B-T.
pub(crate) fn write_raised(
    signed: &SignedPdf<'_>,
    source: &(dyn Source + Sync),
    opening: Opening,
    raise: &Raise<'_>,
    evidence: &Evidence,
    out: &mut Output,
) -> Result<(), Stop> {
    if !raise.level.is_long_term() {
        return Ok(signed.write_to(out)?);
    }
    let document = Followed::new(source, signed.tail());
    // The signatures of others keep their own level.
    let field = [signed.field_name().to_owned()];
    Ok(raise.pdf(&document, &field, opening, evidence)?.write_to(out)?)
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

/// The digest of the content under this key.
pub(crate) fn digest_of(key: &dyn SigningKey) -> DigestAlgorithm {
    // RFC 8419 §3.1 binds Ed25519 to SHA-512.
    key.default_algorithm().digest().unwrap_or(DigestAlgorithm::Sha512)
}

/// Signs the content where it is: it is read, and never held as a whole.
fn sign_cms(
    args: &SignArgs,
    source: &FileSource,
    key: &dyn SigningKey,
    claimed: Time,
    raise: &Raise<'_>,
    evidence: &Evidence,
) -> Result<(), Stop> {
    let watched = Watched::new(source, if args.signature.detached { 1 } else { 2 });
    let request = CadesRequest::from_digest(input::digest(&watched, digest_of(key))?, claimed);
    let mut signed = match &args.signature.tsa {
        Some(url) => fetch::run(request.sign_timestamped(key, request::timestamp(url)?)?, &network::client()?)?,
        None => request.sign(key)?,
    };
    if raise.level.is_long_term() {
        let cms = SignedData::from_octets(signed.octets(), &Limits::default())?;
        signed = raise.cms(cms, Some(&watched), evidence)?;
    }
    let inside: Option<&dyn Source> = if args.signature.detached { None } else { Some(&watched) };
    write_cms(&args.output, &signed, inside, || source.check_unchanged())
}

/// Writes a CMS, with the content that goes inside; `unchanged` is asked before it is put in its place.
pub(crate) fn write_cms(
    path: &Path,
    signed: &SignedCms,
    inside: Option<&dyn Source>,
    unchanged: impl FnOnce() -> Result<(), kyso::Error>,
) -> Result<(), Stop> {
    let mut out = Output::create(path)?;
    match inside {
        Some(content) => {
            SignedData::from_octets(signed.octets(), &Limits::default())?.write_attached(content, &mut out)?;
        }
        None => out
            .write_all(signed.octets())
            .map_err(|e| Stop { exit: Exit::File, message: format!("cannot write {}: {e}", path.display()) })?,
    }
    unchanged()?;
    Ok(out.commit()?)
}

/// Writes a whole file.
pub(crate) fn write(path: &Path, octets: &[u8]) -> Result<(), Stop> {
    let mut out = Output::create(path)?;
    out.write_all(octets)
        .map_err(|e| Stop { exit: Exit::File, message: format!("cannot write {}: {e}", path.display()) })?;
    Ok(out.commit()?)
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
    say(word, output, format, level)
}

/// What was done, to which format and level, and where it is.
pub(crate) fn say(word: &str, output: &Path, format: &str, level: &str) -> Result<(), Stop> {
    print::text(&format!("{word} ({format} {level}): {}", output.display()))
}
