//! Raising signatures to a level: `kyso extend`, and the levels of `sign` and `complete`.

use kyso::Finding;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::fetch;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::level::BaselineLevel;
use kyso::pdf::Source;
use kyso::revocation::Evidence;
use kyso::sign::augment::Augmentation;
use kyso::sign::augment::AugmentedPdf;
use kyso::sign::augment::CmsSignatures;
use kyso::sign::augment::PdfSignatures;
use kyso::sign::augment::Signatures;
use kyso::sign::cades::SignedCms;

use crate::args::ExtendArgs;
use crate::args::Lang;
use crate::args::Level;
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
use crate::request::Format;
use crate::request::Opening;
use crate::sign;
use crate::trust;
use crate::trust::Given;

/// How a signature is raised.
#[derive(Clone, Copy)]
pub(crate) struct Raise<'r> {
    pub(crate) level: Level,
    pub(crate) tsa: Option<&'r str>,
    pub(crate) given: &'r Given,
    pub(crate) online: bool,
    pub(crate) vri: bool,
    pub(crate) lang: Lang,
}

impl Level {
    pub(crate) const fn baseline(self) -> BaselineLevel {
        match self {
            Self::BB => BaselineLevel::B,
            Self::BT => BaselineLevel::T,
            Self::BLt => BaselineLevel::Lt,
            Self::BLta => BaselineLevel::Lta,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        self.baseline().name()
    }

    /// Whether certificates and revocation data are collected for it.
    pub(crate) fn is_long_term(self) -> bool {
        self.baseline() >= BaselineLevel::Lt
    }
}

impl Raise<'_> {
    /// Of a PDF: the signatures in these fields, or all of them.
    pub(crate) fn pdf<'s>(
        &self,
        document: &'s dyn Source,
        fields: &[String],
        opening: Opening,
        evidence: &Evidence,
    ) -> Result<AugmentedPdf<'s>, Stop> {
        let mut signatures = fields.iter().fold(PdfSignatures::new(document), |all, name| all.field(name));
        if self.vri {
            signatures = signatures.vri();
        }
        signatures = match opening {
            Opening::Nothing => signatures,
            Opening::Password(password) => signatures.password(password),
            Opening::Key(key) => signatures.recipient_key(*key),
        };
        self.run(signatures, evidence)
    }

    /// Of a CMS, with the content that it does not hold itself.
    pub(crate) fn cms(
        &self,
        cms: SignedData,
        content: Option<&dyn Source>,
        evidence: &Evidence,
    ) -> Result<SignedCms, Stop> {
        let mut signatures = CmsSignatures::of(cms)?;
        if let Some(content) = content {
            signatures = signatures.content(content);
        }
        self.run(signatures, evidence)
    }

    fn run<S: Signatures>(&self, signatures: S, evidence: &Evidence) -> Result<S::Augmented, Stop> {
        let given = self.given;
        let mut job = Augmentation::new(signatures, self.level.baseline(), &given.anchors, given.at)?
            .backend(arithmetic::backend())
            .rules(&given.rules())
            .evidence(&given.evidence)
            .evidence(evidence);
        if !self.online {
            job = job.offline();
        }
        if let Some(url) = self.tsa {
            job = job.timestamps(request::timestamp(url)?);
        }
        let augmented = fetch::run(job.start()?, &network::client()?).map_err(|error| self.advise(error))?;
        let told: Vec<Finding> = augmented.findings;
        print::warnings(&told, self.lang);
        Ok(augmented.document)
    }

    /// What would help where evidence is missing.
    fn advise(&self, error: kyso::Error) -> Stop {
        let missing = matches!(&error, kyso::Error::Refused(refused) if refused.reason() == kyso::error::RefusalReason::EvidenceMissing);
        let stop = Stop::from(error);
        if missing && !self.online {
            let message = format!("{}; give --online, or --crl, --ocsp and --intermediate", stop.message);
            return Stop { message, ..stop };
        }
        stop
    }
}

/// `kyso extend`.
pub(crate) fn extend(args: &ExtendArgs, lang: Lang) -> Outcome {
    if args.level == Level::BB {
        return Err(Stop::usage("--level b-b: a signature has it from the start"));
    }
    if args.trust.no_revocation {
        return Err(Stop::usage("--no-revocation: a level above b-t is made of revocation data"));
    }
    let given = trust::given(&args.trust)?;
    let source = FileSource::open(&args.input)?;
    let raise = Raise {
        level: args.level,
        tsa: args.tsa.as_deref(),
        given: &given,
        online: args.trust.online,
        vri: args.vri,
        lang,
    };
    let format = match input::kind(&source)? {
        Kind::Pdf => extend_pdf(args, &raise, &source)?,
        Kind::Other => extend_cms(args, &raise, &source)?,
    };
    let word = match lang {
        Lang::Vi => "Đã nâng mức",
        Lang::En => "Raised",
    };
    sign::say(word, &args.output, format.name(), args.level.name())?;
    Ok(Exit::Done)
}

fn extend_pdf(args: &ExtendArgs, raise: &Raise<'_>, source: &FileSource) -> Result<Format, Stop> {
    if args.content.is_some() {
        return Err(Stop::usage("--content is for detached signatures; a PDF holds its own content"));
    }
    let watched = Watched::new(source, 3);
    let (pdf, opening) = request::pdf_and_opening(&watched, &args.pdf, &args.input)?;
    if pdf.signatures().map_err(sign::of_pdf(&args.input))?.is_empty() {
        return Err(no_signature(args));
    }
    drop(pdf);
    let raised = raise.pdf(&watched, &args.field, opening, &Evidence::new()).map_err(|stop| stop.on(&args.input))?;
    let mut out = Output::create(&args.output)?;
    raised.write_to(&mut out)?;
    source.check_unchanged()?;
    out.commit()?;
    Ok(Format::Pades)
}

fn extend_cms(args: &ExtendArgs, raise: &Raise<'_>, source: &FileSource) -> Result<Format, Stop> {
    if args.vri || !args.field.is_empty() {
        return Err(Stop::usage("--vri, --field are for PDF signatures; this one is CMS"));
    }
    let watched = Watched::new(source, 2);
    let of_file = |e: kyso::Error| Stop::from(e).of_file(&args.input);
    let (cms, inside) = SignedData::from_source(&watched, &Limits::default()).map_err(of_file)?;
    if cms.signers().is_empty() {
        return Err(no_signature(args));
    }
    let beside = args.content.as_deref().map(FileSource::open).transpose()?;
    let content: Option<&dyn Source> = match (&inside, &beside) {
        (Some(_), Some(_)) => {
            return Err(Stop::usage("--content is for detached signatures; this one holds its content"));
        }
        (Some(inside), None) => Some(inside),
        (None, Some(beside)) => Some(beside),
        (None, None) => None,
    };
    let raised = raise.cms(cms, content, &Evidence::new())?;
    sign::write_cms(&args.output, &raised, inside.as_ref().map(|inside| inside as &dyn Source), || {
        beside.as_ref().map_or(Ok(()), FileSource::check_unchanged)?;
        source.check_unchanged()
    })?;
    Ok(Format::Cades)
}

fn no_signature(args: &ExtendArgs) -> Stop {
    Stop { exit: Exit::NoSignature, message: "no signature in it".to_owned() }.of_file(&args.input)
}
