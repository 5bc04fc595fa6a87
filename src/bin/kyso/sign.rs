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
use kyso::crypto::SignatureAlgorithm;
use kyso::error::IoError;
use kyso::fetch;
use kyso::files;
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
use crate::arithmetic;
use crate::augment::Raise;
use crate::batch;
use crate::cosign;
use crate::csc;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::network;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::request::Format;
use crate::request::Opening;
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
    #[cfg(feature = "preview")]
    if args.preview {
        return crate::preview::preview(args, &given, claimed, lang);
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
    check_cosigning(args, format)?;
    let key: Box<dyn SigningKey> = match &args.csc.csc {
        Some(_) => csc::Remote::open(args, &given)?.key()?,
        None => keys::open(&args.key, args.signature.digest, args.signature.pss, 1, &given)?,
    };
    let (warnings, evidence) = check_signer(key.identity(), &given, args)?;
    print::warnings(&warnings, lang);
    let signing = Signing {
        args,
        key: key.as_ref(),
        claimed,
        evidence: &evidence,
        raise: Raise {
            level: args.signature.level,
            tsa: args.signature.tsa.as_deref(),
            given: &given,
            online: args.trust.online,
            vri: args.vri,
            lang,
        },
    };
    let mut warnings = warnings;
    let output = args.output.as_deref().unwrap_or(input);
    let field = if format == Format::Cades && (args.parallel || args.counter.is_some()) {
        cosign::sign(&signing, input, output, &source)?;
        None
    } else if args.in_place {
        let mut sink = std::io::sink();
        let signed = signing.document(input, &source, format, &mut warnings, &mut sink)?;
        files::append(input, &source, signed.tail.as_deref().unwrap_or_default())?;
        signed.field
    } else {
        let mut out = Output::create(output)?;
        let signed = signing.document(input, &source, format, &mut warnings, &mut out)?;
        source.check_unchanged()?;
        out.commit()?;
        signed.field
    };
    if args.json {
        print::json(&json!({
            "output": output.display().to_string(),
            "format": format.name(),
            "level": args.signature.level.name(),
            "field": field,
            "algorithm": key.default_algorithm().name(),
            "signer": signer(key.identity().certificate()),
            "claimed_signing_time": claimed.to_rfc3339(0),
            "findings": warnings.iter().map(print::finding).collect::<Vec<_>>(),
        }))?;
    } else {
        say_done(output, format.name(), args.signature.level.name(), lang)?;
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

/// Cuts a document back to what it was before an append that was not finished.
pub(crate) fn recover(path: &Path) -> Result<(), Stop> {
    if files::recover(path)? {
        print::note(&format!("{}: an append that was broken off has been undone", path.display()));
    }
    Ok(())
}

/// The check before signing, as far as trust and evidence were given.
pub(crate) fn check_signer(
    identity: &SignerIdentity,
    given: &Given,
    args: &SignArgs,
) -> Result<(Vec<Finding>, Evidence), Stop> {
    if !given.asks_status() {
        check_certificate(identity.certificate(), given.at)?;
        return Ok((Vec::new(), Evidence::new()));
    }
    let mut check = PreSignCheck::new(identity, &given.anchors, &given.rules(), given.at)?
        .evidence(&given.evidence)
        .backend(arithmetic::backend());
    if args.require_valid {
        check = check.require_valid();
    }
    let checked = network::drive(check, args.trust.online)?;
    Ok((checked.warnings, checked.evidence))
}

/// What was signed.
pub(crate) struct Signed {
    /// The name of the field, in a PDF.
    pub(crate) field: Option<String>,
    /// What was added to a PDF.
    pub(crate) tail: Option<Vec<u8>>,
}

/// How documents are signed: the same for all of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Signing<'s> {
    pub(crate) args: &'s SignArgs,
    pub(crate) key: &'s dyn SigningKey,
    pub(crate) claimed: Time,
    /// What the check of the signer brought.
    pub(crate) evidence: &'s Evidence,
    pub(crate) raise: Raise<'s>,
}

impl<'s> Signing<'s> {
    /// Signs a document into `out`. What a first signer should look at comes on top of `warnings`.
    fn document(
        &self,
        input: &Path,
        source: &FileSource,
        format: Format,
        warnings: &mut Vec<Finding>,
        out: &mut dyn Write,
    ) -> Result<Signed, Stop> {
        if format == Format::Cades {
            return self.cms(source, out);
        }
        let times = match self.raise.level {
            Level::BB => 1,
            Level::BT => 2,
            Level::BLt | Level::BLta => 4,
        };
        let watched = Watched::new(source, times);
        let (pdf, opening) = request::pdf_and_opening(&watched, &self.args.pdf, input)?;
        if pdf.signatures().is_ok_and(|signatures| signatures.is_empty()) {
            let hidden = hidden(&pdf);
            print::warnings(&hidden, self.raise.lang);
            warnings.extend(hidden);
        }
        self.pdf(&pdf, &watched, opening, input, out)
    }

    /// Signs the PDF that was read from `source` into `out`.
    pub(crate) fn pdf(
        &self,
        pdf: &Pdf<'_>,
        source: &dyn Source,
        opening: Opening,
        input: &Path,
        out: &mut dyn Write,
    ) -> Result<Signed, Stop> {
        let Self { args, key, claimed, raise, .. } = self;
        let request = request::pades(pdf, &args.signature, key.identity().certificate(), *claimed, raise.lang)?;
        let mut tail = Vec::new();
        let signed = match &args.signature.tsa {
            Some(url) => {
                let job = request.sign_timestamped(*key, request::timestamp(url)?).map_err(of_pdf(input))?;
                let signed = fetch::run(job, &network::client()?)?;
                tail = write_raised(&signed, source, opening, raise, self.evidence, out)?;
                signed
            }
            None => request.sign_to(*key, out).map_err(of_pdf(input))?,
        };
        if tail.is_empty() {
            tail = signed.tail().to_vec();
        }
        Ok(Signed { field: Some(signed.field_name().to_owned()), tail: Some(tail) })
    }

    /// Signs any file into `out`: it is read in place, and never held as a whole.
    pub(crate) fn cms(&self, source: &FileSource, out: &mut dyn Write) -> Result<Signed, Stop> {
        let Self { args, key, claimed, raise, .. } = self;
        let watched = Watched::new(source, if args.signature.detached { 1 } else { 2 });
        let request = CadesRequest::from_digest(input::digest(&watched, digest_of(*key))?, *claimed)
            .backend(arithmetic::backend());
        let signed = match &args.signature.tsa {
            Some(url) => fetch::run(request.sign_timestamped(*key, request::timestamp(url)?)?, &network::client()?)?,
            None => request.sign(*key)?,
        };
        write_signed(signed, &watched, args.signature.detached, raise, self.evidence, out)?;
        Ok(Signed { field: None, tail: None })
    }
}

/// Writes a CMS over `content`, raised to its level where that is above B-T.
pub(crate) fn write_signed(
    mut signed: SignedCms,
    content: &dyn Source,
    detached: bool,
    raise: &Raise<'_>,
    evidence: &Evidence,
    out: &mut dyn Write,
) -> Result<(), Stop> {
    if raise.level.is_long_term() {
        let cms = SignedData::from_octets(signed.octets(), &Limits::default())?;
        signed = raise.cms(cms, Some(content), evidence)?;
    }
    write_cms_to(out, &signed, (!detached).then_some(content))
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

/// Writes a signed document, raised to its level where that is above B-T; returns what follows the original.
pub(crate) fn write_raised(
    signed: &SignedPdf<'_>,
    source: &dyn Source,
    opening: Opening,
    raise: &Raise<'_>,
    evidence: &Evidence,
    out: &mut dyn Write,
) -> Result<Vec<u8>, Stop> {
    if !raise.level.is_long_term() {
        signed.write_to(out)?;
        return Ok(signed.tail().to_vec());
    }
    let document = Followed::new(source, signed.tail());
    // The signatures of others keep their own level.
    let field = [signed.field_name().to_owned()];
    let raised = raise.pdf(&document, &field, opening, evidence)?;
    raised.write_to(out)?;
    Ok([signed.tail(), raised.tail()].concat())
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
    digest_under(key.default_algorithm())
}

/// The digest of the content under this algorithm.
pub(crate) fn digest_under(algorithm: SignatureAlgorithm) -> DigestAlgorithm {
    // RFC 8419 §3.1 binds Ed25519 to SHA-512.
    algorithm.digest().unwrap_or(DigestAlgorithm::Sha512)
}

/// Writes a CMS, with the content that goes inside.
fn write_cms_to(out: &mut dyn Write, signed: &SignedCms, inside: Option<&dyn Source>) -> Result<(), Stop> {
    match inside {
        Some(content) => SignedData::from_octets(signed.octets(), &Limits::default())?.write_attached(content, out)?,
        None => out
            .write_all(signed.octets())
            .map_err(|error| kyso::Error::from(IoError::new("write", "the signature", error)))?,
    }
    Ok(())
}

/// Writes a CMS, with the content that goes inside; `unchanged` is asked before it is put in its place.
pub(crate) fn write_cms(
    path: &Path,
    signed: &SignedCms,
    inside: Option<&dyn Source>,
    unchanged: impl FnOnce() -> Result<(), kyso::Error>,
) -> Result<(), Stop> {
    let mut out = Output::create(path)?;
    write_cms_to(&mut out, signed, inside)?;
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
    say(word, output, format, level)
}

/// What was done, to which format and level, and where it is.
pub(crate) fn say(word: &str, output: &Path, format: &str, level: &str) -> Result<(), Stop> {
    print::text(&format!("{word} ({format} {level}): {}", output.display()))
}
