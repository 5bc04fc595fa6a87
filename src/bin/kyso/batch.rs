//! `kyso sign` for several documents.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::Path;
use std::path::PathBuf;

use indicatif::ProgressBar;
use serde_json::Value;
use serde_json::json;

use kyso::Limits;
use kyso::Time;
use kyso::batch::Batch;
use kyso::batch::Item;
use kyso::batch::Outcome;
use kyso::files::FileSource;
use kyso::pdf::Pdf;
use kyso::secret::Password;

use crate::args::Lang;
use crate::args::SignArgs;
use crate::augment::Raise;
use crate::exit::Exit;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::print;
use crate::request;
use crate::request::Format;
use crate::request::Opening;
use crate::sign;
use crate::sign::Signing;
use crate::trust::Given;

/// The journal in the folder of the signed documents.
const JOURNAL: &str = ".kyso-journal";

/// The folder that signed documents go to; `None` for a single document into a file.
///
/// One document goes to a folder where an option says that a batch is meant: else a name that
/// turns out to be a folder is a mistake, as it always was.
pub(crate) fn folder(args: &SignArgs) -> Result<Option<PathBuf>, Stop> {
    let several = args.inputs.len() > 1 || args.jobs.is_some() || args.journal.is_some();
    match &args.output {
        _ if !several => Ok(None),
        Some(output) if output.is_dir() => Ok(Some(output.clone())),
        _ => Err(Stop::usage("several documents, --jobs and --journal need a folder that exists: -o DIR")),
    }
}

/// Signs all documents into the folder.
pub(crate) fn sign(args: &SignArgs, folder: &Path, given: &Given, claimed: Time, lang: Lang) -> Result<Exit, Stop> {
    if args.csc.csc.is_some() {
        return Err(Stop::usage("--csc signs one document at a time"));
    }
    let items = items(args, folder)?;
    let key = keys::open(&args.key, args.signature.digest, args.signature.pss, args.inputs.len())?;
    let (warnings, evidence) = sign::check_signer(key.identity(), given, args)?;
    print::warnings(&warnings, lang);
    let named = input::secret(args.pdf.pdf_password_env.as_deref(), args.pdf.pdf_password_file.as_deref(), None)?;
    let raise = Raise {
        level: args.signature.level,
        tsa: args.signature.tsa.as_deref(),
        given,
        online: args.trust.online,
        vri: args.vri,
        lang,
    };
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(items.len() as u64) } else { ProgressBar::hidden() };
    let progress = |progress: kyso::batch::Progress| bar.set_position(progress.finished as u64);
    let journal = args.journal.clone().unwrap_or_else(|| folder.join(JOURNAL));
    let mut batch = Batch::new(items.iter().cloned()).journal(&journal).progress(&progress);
    if let Some(jobs) = args.jobs {
        batch = batch.threads(jobs);
    }
    let outcomes = batch.run(key.as_ref(), |item, source, key, out| {
        let signing = Signing { args, key, claimed, evidence: &evidence, raise };
        let signed = match request::format(&args.signature, source)? {
            Format::Pades => {
                let limits = Limits::default();
                // Nobody is asked for the passwords of a thousand documents.
                let password = || named.as_ref().map(|named| Password::new(named.as_str()));
                let (pdf, opening) = match (password(), password()) {
                    (Some(password), Some(again)) => {
                        (Pdf::parse_with_password(source, &limits, &password), Opening::Password(again))
                    }
                    _ => (Pdf::parse(source, &limits), Opening::Nothing),
                };
                let pdf = pdf.map_err(sign::of_pdf(&item.input))?;
                signing.pdf(&pdf, source, opening, &item.input, out)
            }
            Format::Cades => signing.cms(source, out),
        };
        signed.map(|signed| signed.field)
    })?;
    bar.finish_and_clear();
    report(args, &items, &outcomes, lang)
}

/// Each document with the name that it gets in the folder.
fn items(args: &SignArgs, folder: &Path) -> Result<Vec<Item>, Stop> {
    let mut names = BTreeSet::new();
    let mut items = Vec::new();
    for input in &args.inputs {
        let mut name = input.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
        if let Ok(source) = FileSource::open(input)
            && request::format(&args.signature, &source)? == Format::Cades
        {
            name.push(if args.signature.detached { ".p7s" } else { ".p7m" });
        }
        if !names.insert(name.clone()) {
            let message = format!("two documents would be named {} in the folder", Path::new(&name).display());
            return Err(Stop::usage(message));
        }
        items.push(Item { input: input.clone(), output: folder.join(name) });
    }
    Ok(items)
}

type Outcomes = [Outcome<Option<String>, Stop>];

/// Tells what became of each; the exit code is that of the first that was not signed.
fn report(args: &SignArgs, items: &[Item], outcomes: &Outcomes, lang: Lang) -> Result<Exit, Stop> {
    let mut exit = Exit::Done;
    let mut rows: Vec<Value> = Vec::new();
    let mut lines = String::new();
    for (item, outcome) in items.iter().zip(outcomes) {
        let output = item.output.display().to_string();
        let (word, detail, code) = match (outcome, lang) {
            (Outcome::Done(_), Lang::Vi) => ("đã ký", output.clone(), Exit::Done),
            (Outcome::Done(_), Lang::En) => ("signed", output.clone(), Exit::Done),
            (Outcome::DoneBefore, Lang::Vi) => ("đã ký từ trước", output.clone(), Exit::Done),
            (Outcome::DoneBefore, Lang::En) => ("signed before", output.clone(), Exit::Done),
            (Outcome::Failed(stop), Lang::Vi) => ("không ký được", stop.message.clone(), stop.exit),
            (Outcome::Failed(stop), Lang::En) => ("failed", stop.message.clone(), stop.exit),
            (_, Lang::Vi) => ("chưa ký", "khoá không dùng được nữa".to_owned(), Exit::Service),
            (_, Lang::En) => ("not tried", "the key was lost".to_owned(), Exit::Service),
        };
        if exit == Exit::Done {
            exit = code;
        }
        lines.push_str(&format!("{}: {word}: {detail}\n", item.input.display()));
        let state = match outcome {
            Outcome::Done(_) => "done",
            Outcome::DoneBefore => "done-before",
            Outcome::Failed(_) => "failed",
            _ => "not-tried",
        };
        let field = match outcome {
            Outcome::Done(field) => field.clone(),
            _ => None,
        };
        let message = matches!(outcome, Outcome::Failed(_)).then_some(detail);
        rows.push(json!({
            "input": item.input.display().to_string(),
            "output": output,
            "state": state,
            "field": field,
            "exit": code as u8,
            "message": message,
        }));
    }
    if args.json {
        print::json(&json!({ "documents": rows }))?;
    } else {
        print::text(&lines)?;
    }
    Ok(exit)
}
