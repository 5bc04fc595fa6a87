//! `kyso treasury`: whether a voucher is signed as the State Treasury demands.

use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use kyso::Limits;
use kyso::cms::SignedData;
use kyso::files::FileSource;
use kyso::pdf::Source;
use kyso::profile::treasury::RoleOutcome;
use kyso::profile::treasury::RolePolicy;
use kyso::validate::Report;

use crate::args::Lang;
use crate::args::PdfPasswordArgs;
use crate::args::TrustArgs;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::input::Kind;
use crate::print;
use crate::progress::Watched;
use crate::request;
use crate::trust;
use crate::trust::Given;
use crate::verify;

#[derive(Subcommand, Debug)]
pub(crate) enum TreasuryCommand {
    /// Judge the signatures of a PDF or a CMS by a role policy.
    Check(Box<TreasuryCheckArgs>),
}

#[derive(Args, Debug)]
pub(crate) struct TreasuryCheckArgs {
    /// A PDF or a CMS file.
    #[arg(value_name = "FILE")]
    input: PathBuf,
    /// Who may sign what, and when (JSON).
    #[arg(long, value_name = "POLICY.json")]
    roles: PathBuf,
    /// Code of the kind of transaction; may be left out where the policy has one kind.
    #[arg(long, value_name = "CODE")]
    transaction: Option<String>,
    /// The content of a detached signature.
    #[arg(long, value_name = "FILE")]
    content: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
    #[command(flatten)]
    pdf: PdfPasswordArgs,
    /// Print as JSON.
    #[arg(long)]
    json: bool,
}

/// `kyso treasury`.
pub(crate) fn command(command: &TreasuryCommand, lang: Lang) -> Outcome {
    match command {
        TreasuryCommand::Check(args) => check(args, lang),
    }
}

fn check(args: &TreasuryCheckArgs, lang: Lang) -> Outcome {
    let policy = roles(&args.roles)?;
    let kind = match (&args.transaction, policy.transactions.as_slice()) {
        (Some(code), _) => code.clone(),
        (None, [only]) => only.code.clone(),
        (None, several) => {
            let codes: Vec<&str> = several.iter().map(|kind| kind.code.as_str()).collect();
            return Err(Stop::usage(format!("--transaction: which? The policy has {}", codes.join(", "))));
        }
    };
    let given = trust::given(&args.trust)?;
    let report = policy.judge(&validate(args, &given)?, &kind)?;
    if args.json {
        print::out(&report.to_json(lang.into()))?;
    } else {
        print::text(&report.to_text(lang.into()))?;
    }
    Ok(match report.outcome {
        RoleOutcome::Fulfilled => Exit::Done,
        RoleOutcome::Violated => Exit::Failed,
        RoleOutcome::Incomplete => Exit::Indeterminate,
    })
}

/// The policy in a file.
fn roles(path: &std::path::Path) -> Result<RolePolicy, Stop> {
    let text = String::from_utf8(input::read(path)?);
    let text = text.map_err(|_| Stop { exit: Exit::Input, message: format!("{}: not UTF-8", path.display()) })?;
    RolePolicy::from_json(text.trim_start_matches('\u{FEFF}')).map_err(|e| Stop::from(e).of_file(path))
}

fn validate(args: &TreasuryCheckArgs, given: &Given) -> Result<Report, Stop> {
    let source = FileSource::open(&args.input)?;
    let online = args.trust.online;
    let report = match input::kind(&source)? {
        Kind::Pdf if args.content.is_some() => {
            return Err(Stop::usage("--content is for detached signatures; a PDF holds its own content"));
        }
        Kind::Pdf => {
            let watched = Watched::new(&source, 1);
            let pdf = request::pdf(&watched, &args.pdf, &args.input)?;
            verify::validate(given, online, &source, |validator| validator.pdf(&pdf))?
        }
        Kind::Other => {
            let octets = input::read(&args.input)?;
            let signed = SignedData::from_file(&octets, &Limits::default());
            let signed = signed.map_err(|e| Stop::from(e).of_file(&args.input))?;
            let content = args.content.as_deref().map(FileSource::open).transpose()?;
            let content_source = content.as_ref().map(|content| content as &dyn Source);
            let report = verify::validate(given, online, &octets, |validator| validator.cms(&signed, content_source))?;
            content.as_ref().map(FileSource::check_unchanged).transpose()?;
            report
        }
    };
    source.check_unchanged()?;
    Ok(report)
}
