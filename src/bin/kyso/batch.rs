//! `kyso sign` for several documents.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::io::Write;
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
use kyso::crypto::SignatureAlgorithm;
use kyso::fetch;
use kyso::files::FileSource;
use kyso::key::SignatureValue;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::pdf::Pdf;
use kyso::revocation::Evidence;
use kyso::secret::Password;
use kyso::sign::Prepared;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::Content;

use crate::args::Lang;
use crate::args::SignArgs;
use crate::arithmetic;
use crate::augment::Raise;
use crate::csc::Remote;
use crate::exit::Exit;
use crate::exit::Stop;
use crate::input;
use crate::keys;
use crate::keys::Key;
use crate::network;
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
    let items = items(args, folder)?;
    let signer = match &args.csc.csc {
        Some(_) => Signer::Service(Box::new(Remote::open(args, given)?)),
        None => {
            let (signature, documents) = (&args.signature, args.inputs.len());
            Signer::Key(keys::open(&args.key, signature.digest, signature.pss, documents, given)?)
        }
    };
    let (warnings, evidence) = sign::check_signer(signer.identity(), given, args)?;
    print::warnings(&warnings, lang);
    let named = input::secret(args.pdf.pdf_password_env.as_deref(), args.pdf.pdf_password_file.as_deref(), None)?;
    let work = Work {
        args,
        claimed,
        evidence: &evidence,
        raise: Raise {
            level: args.signature.level,
            tsa: args.signature.tsa.as_deref(),
            given,
            online: args.trust.online,
            vri: args.vri,
            lang,
        },
        named: named.as_ref().map(|named| named.as_str()),
    };
    let bar =
        if std::io::stderr().is_terminal() { ProgressBar::new(items.len() as u64) } else { ProgressBar::hidden() };
    let progress = |progress: kyso::batch::Progress| bar.set_position(progress.finished as u64);
    let journal = args.journal.clone().unwrap_or_else(|| folder.join(JOURNAL));
    let mut batch = Batch::new(items.iter().cloned()).journal(&journal).progress(&progress);
    if let Some(jobs) = args.jobs {
        batch = batch.threads(jobs);
    }
    let mut before = false;
    let outcomes = match &signer {
        Signer::Key(key) => {
            batch.run_shared(key.as_ref(), |item, source, key, out| work.sign(item, source, key, out))?
        }
        Signer::Service(remote) => batch.run_together(
            remote.multisign(),
            |messages| remote.sign(messages, std::mem::replace(&mut before, true)),
            |item, source| work.prepare(item, source, remote),
            |item, source, prepared, value, out| work.complete(item, source, prepared, value, out),
        )?,
    };
    bar.finish_and_clear();
    report(args, &items, &outcomes, lang)
}

/// Who signs: document by document, or all that one authorisation permits at once.
enum Signer<'a> {
    Key(Key),
    Service(Box<Remote<'a>>),
}

impl Signer<'_> {
    fn identity(&self) -> &SignerIdentity {
        match self {
            Self::Key(key) => key.identity(),
            Self::Service(remote) => remote.identity(),
        }
    }
}

/// How the documents are signed: the same for all.
struct Work<'w> {
    args: &'w SignArgs,
    claimed: Time,
    evidence: &'w Evidence,
    raise: Raise<'w>,
    /// The password of the PDFs.
    named: Option<&'w str>,
}

/// A document that waits for its signature value.
enum Waiting {
    /// The stored state; the document is opened anew.
    Pades(Vec<u8>),
    Cades(Box<Prepared<Content<'static>>>),
}

impl Work<'_> {
    fn sign(
        &self,
        item: &Item,
        source: &FileSource,
        key: &dyn SigningKey,
        out: &mut dyn Write,
    ) -> Result<Option<String>, Stop> {
        let Self { args, claimed, evidence, raise, .. } = *self;
        let signing = Signing { args, key, claimed, evidence, raise };
        let signed = match request::format(&args.signature, source)? {
            Format::Pades => {
                let (pdf, opening) = self.open(item, source)?;
                signing.pdf(&pdf, source, opening, &item.input, out)
            }
            Format::Cades => signing.cms(source, out),
        };
        signed.map(|signed| signed.field)
    }

    fn open<'s>(&self, item: &Item, source: &'s FileSource) -> Result<(Pdf<'s>, Opening), Stop> {
        let limits = Limits::default();
        // Nobody is asked for the passwords of a thousand documents.
        let password = || self.named.map(Password::new);
        let (pdf, opening) = match (password(), password()) {
            (Some(password), Some(again)) => {
                (Pdf::parse_with_password(source, &limits, &password), Opening::Password(again))
            }
            _ => (Pdf::parse(source, &limits), Opening::Nothing),
        };
        Ok((pdf.map_err(sign::of_pdf(&item.input))?, opening))
    }

    fn prepare(&self, item: &Item, source: &FileSource, remote: &Remote<'_>) -> Result<(ToBeSigned, Waiting), Stop> {
        let (signature, identity, algorithm) = (&self.args.signature, remote.identity(), remote.algorithm());
        match request::format(signature, source)? {
            Format::Pades => {
                let (pdf, _) = self.open(item, source)?;
                let certificate = identity.certificate();
                let mut wanted = request::pades(&pdf, signature, certificate, self.claimed, self.raise.lang)?;
                if signature.tsa.is_some() {
                    wanted = wanted.room_for_timestamp();
                }
                let prepared = wanted.algorithm(algorithm).prepare(identity).map_err(sign::of_pdf(&item.input))?;
                Ok((prepared.to_be_signed().clone(), Waiting::Pades(prepared.to_bytes())))
            }
            Format::Cades => {
                let digest = input::digest(source, sign::digest_under(algorithm))?;
                // The digest is chosen by that; what is left of the algorithm is the padding.
                let wanted = CadesRequest::from_digest(digest, self.claimed).backend(arithmetic::backend());
                let pss = matches!(algorithm, SignatureAlgorithm::RsaPss(_));
                let prepared = if pss { wanted.pss() } else { wanted }.prepare(identity)?;
                Ok((prepared.to_be_signed().clone(), Waiting::Cades(Box::new(prepared))))
            }
        }
    }

    fn complete(
        &self,
        item: &Item,
        source: &FileSource,
        waiting: Waiting,
        value: &SignatureValue,
        out: &mut dyn Write,
    ) -> Result<Option<String>, Stop> {
        let Self { args, evidence, raise, .. } = self;
        let tsa = args.signature.tsa.as_deref().map(request::timestamp).transpose()?;
        match waiting {
            Waiting::Pades(state) => {
                let (pdf, opening) = self.open(item, source)?;
                let prepared = Prepared::resume(&state, &pdf)?.backend(arithmetic::backend());
                let signed = match tsa {
                    Some(tsa) => fetch::run(prepared.complete_timestamped(value, tsa)?, &network::client()?)?,
                    None => prepared.complete(value)?,
                };
                sign::write_raised(&signed, source, opening, raise, evidence, out)?;
                Ok(Some(signed.field_name().to_owned()))
            }
            Waiting::Cades(prepared) => {
                let signed = match tsa {
                    Some(tsa) => fetch::run(prepared.complete_timestamped(value, tsa)?, &network::client()?)?,
                    None => prepared.complete(value)?,
                };
                sign::write_signed(signed, source, args.signature.detached, raise, evidence, out)?;
                Ok(None)
            }
        }
    }
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
