//! `kyso verify`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use kyso::Limits;
use kyso::cms::SignedData;
use kyso::evidence::PackageDraft;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::pdf::SignatureKind;
use kyso::pdf::Source;
use kyso::revocation::Evidence;
use kyso::sign::timestamping::OctetsTimestamping;
use kyso::validate::Coverage;
use kyso::validate::Expectations;
use kyso::validate::ExpectedSigner;
use kyso::validate::Gathered;
use kyso::validate::Integrity;
use kyso::validate::Overall;
use kyso::validate::Report;
use kyso::validate::SignatureReport;
use kyso::validate::Validator;

use crate::args::Lang;
use crate::args::VerifyArgs;
use crate::arithmetic;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::input::Kind;
use crate::network;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::sign;
use crate::trust;
use crate::trust::Given;

/// `kyso verify`.
pub(crate) fn verify(args: &VerifyArgs, lang: Lang) -> Outcome {
    let further = match args.report.as_deref() {
        None => None,
        Some([kind, file]) if kind == "etsi-xml" => Some(Path::new(file)),
        Some(_) => return Err(Stop::usage("--report: expected etsi-xml and a file")),
    };
    let mut given = trust::given(&args.trust)?;
    for rule in &args.relax {
        given.policy = given.policy.relaxing(rule)?;
    }
    given.expectations = expectations(args);
    let source = FileSource::open(&args.input)?;
    let gathered = match input::kind(&source)? {
        Kind::Pdf => pdf(args, &given, &source)?,
        Kind::Other => cms(args, &given, &source)?,
    };
    let report = gathered.report;
    if let (Some(file), Some(url)) = (&args.save_evidence, &args.tsa) {
        save_evidence(file, url, &given, args.trust.online, &source, &gathered.evidence)?;
    }
    source.check_unchanged()?;
    if let Some(file) = further {
        sign::write(file, report.to_etsi_xml().as_bytes())?;
    }
    show(&report, args.json, lang)
}

fn expectations(args: &VerifyArgs) -> Expectations {
    let expected = match args.expect {
        Some(count) => Expectations::new().signatures(count),
        None => Expectations::new(),
    };
    args.expect_signer.iter().fold(expected, |expected, text| expected.signer(ExpectedSigner::from_text(text)))
}

/// Prints a report; the exit code says the same as its indication.
pub(crate) fn show(report: &Report, as_json: bool, lang: Lang) -> Outcome {
    if as_json {
        print::out(&report.to_json())?;
    } else {
        print::text(&report.to_text(lang.into()))?;
    }
    Ok(match report.overall() {
        Overall::TotalPassed => Exit::Done,
        Overall::TotalFailed => Exit::Failed,
        Overall::NoSignature => Exit::NoSignature,
        _ => Exit::Indeterminate,
    })
}

/// The report alone; see [`gather`].
pub(crate) fn validate<'v>(
    given: &'v Given,
    online: bool,
    document: &dyn Source,
    validation: impl Fn(&Validator<'v>) -> Report + 'v,
) -> Result<Report, Stop> {
    gather(given, online, document, validation).map(|gathered| gathered.report)
}

/// Makes the evidence package on a document at its receipt (`--save-evidence`).
fn save_evidence(
    file: &Path,
    url: &str,
    given: &Given,
    online: bool,
    document: &dyn Source,
    known: &Evidence,
) -> Result<(), Stop> {
    let draft = PackageDraft::new(document, known)?;
    let covered = draft.to_be_stamped();
    let job = OctetsTimestamping::new(&covered, request::timestamp(url)?)?;
    let token = kyso::fetch::run(job, &network::client()?)?;
    let digest = token.imprint().algorithm().digest(&covered);
    let authority = gather(given, online, document, |validator| validator.timestamp(&token, Some(&digest)))?;
    let package = draft.stamp(token.clone(), &authority.evidence)?;
    sign::write(file, &package.to_octets())
}

/// Validates, with `online` on evidence from the network too. `document` is
/// what an evidence package would be about.
///
/// What failed is said on standard error, for the report only says that it is missing.
fn gather<'v>(
    given: &'v Given,
    online: bool,
    document: &dyn Source,
    validation: impl Fn(&Validator<'v>) -> Report + 'v,
) -> Result<Gathered, Stop> {
    let validator = Validator::new(&given.policy, &given.anchors, given.at)
        .evidence(&given.evidence)
        .backend(arithmetic::backend());
    let validator = validator.expect(&given.expectations);
    let validator = match &given.package {
        Some(package) => validator.package(package, document),
        None => validator,
    };
    let gathered = network::drive(validator.gather(validation), online)?;
    for finding in gathered.findings.iter().filter(|_| online) {
        let place = finding.place().filter(|place| !finding.message().contains(place));
        let place = place.map_or_else(String::new, |place| format!("{place}: "));
        print::note(&format!("{place}{}", finding.message()));
    }
    Ok(gathered)
}

fn pdf(args: &VerifyArgs, given: &Given, source: &FileSource) -> Result<Gathered, Stop> {
    if args.content.is_some() {
        return Err(Stop::usage("--content is for detached signatures; a PDF holds its own content"));
    }
    let watched = Watched::new(source, 1);
    let pdf = request::pdf(&watched, &args.pdf, &args.input)?;
    let gathered = gather(given, args.trust.online, source, |validator| {
        // The text for people has no places.
        if args.json { validator.clone().place_changes().pdf(&pdf) } else { validator.pdf(&pdf) }
    })?;
    let report = &gathered.report;
    if let Some(folder) = &args.extract {
        let mut facts = pdf.signatures().map_err(sign::of_pdf(&args.input))?;
        // The report has nothing on usage rights.
        facts.retain(|facts| facts.kind != SignatureKind::UsageRights);
        let mut folder = Folder::new(folder, "pdf")?;
        for (report, facts) in report.signatures().iter().zip(&facts) {
            // The revision as the signer saw it, its own signature included.
            let end = facts.covered_ranges().map(|[_, last]| last.end);
            if let Some(end) = end.filter(|_| shows_what_was_signed(report)) {
                folder.write(report.name(), pdf.source(), end)?;
            }
        }
    }
    Ok(gathered)
}

/// Only what a signature that computes covers as a whole is handed out as signed.
fn shows_what_was_signed(report: &SignatureReport) -> bool {
    report.integrity() == Integrity::Intact && report.coverage() != Some(Coverage::Partial)
}

/// A CMS file of more octets is read with its content left where it is.
const LONG: u64 = 16 << 20;

fn cms(args: &VerifyArgs, given: &Given, source: &FileSource) -> Result<Gathered, Stop> {
    let of_file = |e: kyso::Error| Stop::from(e).of_file(&args.input);
    let limits = Limits::default();
    let whole = Watched::new(source, 1);
    let (signed, inside) = if source.len() > LONG && args.content.is_none() && !is_text(source)? {
        SignedData::from_source(&whole, &limits).map_err(of_file)?
    } else {
        (SignedData::from_file(&input::read(&args.input)?, &limits).map_err(of_file)?, None)
    };
    let content = args.content.as_deref().map(FileSource::open).transpose()?;
    let watched = content.as_ref().map(|content| Watched::new(content, 1));
    let content_source = match &inside {
        Some(inside) => Some(inside as &dyn Source),
        None => watched.as_ref().map(|watched| watched as &dyn Source),
    };
    let gathered = gather(given, args.trust.online, source, |validator| validator.cms(&signed, content_source))?;
    let report = &gathered.report;
    if let Some(content) = &content {
        content.check_unchanged()?;
    }
    if let Some(folder) = &args.extract
        && report.signatures().iter().any(shows_what_was_signed)
    {
        match (&inside, signed.content()) {
            (Some(inside), _) => Folder::new(folder, "content")?.write("", inside, inside.len())?,
            (None, Some(octets)) => Folder::new(folder, "content")?.write("", &octets, octets.len() as u64)?,
            (None, None) => {}
        }
    }
    Ok(gathered)
}

/// PEM, which has to be read as a whole.
fn is_text(source: &FileSource) -> Result<bool, Stop> {
    let mut first = [0];
    Ok(source.read_at(0, &mut first)? == 1 && first[0] != 0x30)
}

/// Where extracted content goes: files that are new, under names that stay inside.
struct Folder<'f> {
    path: &'f Path,
    extension: &'static str,
    written: usize,
}

impl<'f> Folder<'f> {
    fn new(path: &'f Path, extension: &'static str) -> Result<Self, Stop> {
        if !path.is_dir() {
            fs::create_dir(path)
                .map_err(|e| Stop { exit: Exit::File, message: format!("cannot make {}: {e}", path.display()) })?;
        }
        Ok(Self { path, extension, written: 0 })
    }

    /// Writes the octets of `source` before `end`.
    fn write(&mut self, name: &str, source: &dyn Source, end: u64) -> Result<(), Stop> {
        self.written += 1;
        let path = self.file(name);
        let mut out = Output::create_new(&path)?;
        let mut buffer = vec![0; 256 << 10];
        let mut offset = 0;
        while offset < end {
            let wanted = usize::try_from(end - offset).unwrap_or(usize::MAX).min(buffer.len());
            let count = source.read_at(offset, buffer.get_mut(..wanted).unwrap_or_default())?;
            if count == 0 {
                break;
            }
            out.write_all(buffer.get(..count).unwrap_or_default())
                .map_err(|e| Stop { exit: Exit::File, message: format!("cannot write {}: {e}", path.display()) })?;
            offset += count as u64;
        }
        Ok(out.commit()?)
    }

    /// A number, and what of the document's own name is harmless in a file name.
    fn file(&self, name: &str) -> PathBuf {
        let harmless = |c: char| if c.is_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
        let name: String = name.chars().take(40).map(harmless).collect();
        let dash = if name.is_empty() { "" } else { "-" };
        self.path.join(format!("{}{dash}{name}.{}", self.written, self.extension))
    }
}
