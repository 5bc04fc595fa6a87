//! `kyso envelope register`: the registers of one organisation as a file, and the next message.

use std::fs;
use std::fs::File;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use kyso::Error;
use kyso::Finding;
use kyso::Limits;
use kyso::crypto::Digest;
use kyso::envelope::Envelope;
use kyso::envelope::OrganId;
use kyso::error::IoError;
use kyso::exchange::Duty;
use kyso::exchange::Register;
use kyso::exchange::Ruling;
use kyso::exchange::Side;
use kyso::exchange::Taken;
use kyso::files::FileSource;
use kyso::files::Output;

use crate::args::Lang;
use crate::arithmetic;
use crate::envelope::input_fault;
use crate::envelope::line;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::print;

#[derive(Args, Debug)]
pub(crate) struct EnvelopeRegisterArgs {
    /// The message: one that was received, or an own one before it is sent.
    pub(crate) file: PathBuf,
    /// The registers, in JSON. They are replaced by the new ones in one step.
    #[arg(long, value_name = "FILE")]
    pub(crate) state: PathBuf,
    /// Begin new registers, of the organisation with this code, where the file is not there.
    #[arg(long, value_name = "ORGAN-ID")]
    pub(crate) new: Option<String>,
    /// Print what the message led to as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `kyso envelope register`.
pub(crate) fn register(args: &EnvelopeRegisterArgs, lang: Lang) -> Outcome {
    let source = FileSource::open(&args.file)?;
    let envelope = Envelope::read(&source, &Limits::default()).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let envelope = envelope.backend(arithmetic::backend());
    let check = envelope.check()?;
    let mut contents: Vec<Digest> = Vec::with_capacity(check.attachments.len());
    for (n, attachment) in check.attachments.iter().enumerate() {
        // What cannot be read has not arrived: the sender is asked for it again.
        let Some(content) = &attachment.content else {
            let said = format!("attachment {} is damaged; nothing was recorded", n + 1);
            return Err(input_fault(&args.file, &said));
        };
        contents.push(content.sha256);
    }
    let _turn = turn(&args.state)?;
    let mut register = read(&args.state, args.new.as_deref())?;
    let taken = register.take(envelope.message(), &contents);
    source.check_unchanged()?;
    let refused = |t: &Taken| t.ruling == Ruling::Refused;
    // An own message goes to all its receivers or to none.
    let own = taken.iter().any(|t| refused(t) && !t.duties.contains(&Duty::Show));
    if !own {
        let mut out = Output::create(&args.state)?;
        let failed = |e| Error::from(IoError::new("write", args.state.display().to_string(), e));
        out.write_all(register.to_json().as_bytes()).map_err(failed)?;
        out.commit()?;
    }
    if args.json {
        let taken: Vec<Value> = taken.iter().map(|t| shown(&register, t)).collect();
        print::json(&json!({ "us": register.us().as_str(), "recorded": !own, "taken": taken }))?;
    } else {
        print::text(&taken.iter().map(|t| told(t, lang)).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(match taken.iter().any(refused) {
        false => Exit::Done,
        true if own => Exit::Refused,
        true => Exit::Failed,
    })
}

/// Waits until no other process reads and replaces the same registers: of two messages one would be lost.
fn turn(state: &Path) -> Result<File, Stop> {
    let mut name = state.as_os_str().to_owned();
    name.push(".lock");
    let failed = |e| Error::from(IoError::new("lock", Path::new(&name).display().to_string(), e));
    let file = File::options().create(true).append(true).open(&name).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn read(state: &Path, new: Option<&str>) -> Result<Register, Stop> {
    match (fs::metadata(state), new) {
        (Err(e), Some(us)) if e.kind() == io::ErrorKind::NotFound => {
            let us = OrganId::new(us);
            if us.scheme().is_none() {
                return Err(Stop::usage(format!("--new: {us} is no code of an organisation")));
            }
            return Ok(Register::new(us));
        }
        (Err(e), None) if e.kind() == io::ErrorKind::NotFound => {
            let message = format!("{} is not there; --new ORGAN-ID begins new registers", state.display());
            return Err(Stop { exit: Exit::File, message });
        }
        _ => {}
    }
    let text = String::from_utf8(input::read(state)?).map_err(|_| input_fault(state, "expected JSON in UTF-8"))?;
    let register = Register::from_json(&text).map_err(|e| Stop::from(e).of_file(state))?;
    match new {
        Some(us) if us != register.us().as_str() => {
            Err(Stop::usage(format!("--new: the registers are there, those of {}", register.us())))
        }
        _ => Ok(register),
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Sender => "sender",
        Side::Receiver => "receiver",
    }
}

const fn ruling(ruling: Ruling) -> &'static str {
    match ruling {
        Ruling::Taken => "taken",
        Ruling::Repeated => "repeated",
        Ruling::Late => "late",
        _ => "refused",
    }
}

fn shown(register: &Register, taken: &Taken) -> Value {
    let finding = |f: &Finding| {
        let (code, severity) = (f.code(), f.severity().name());
        json!({ "code": code, "severity": severity, "message": f.message(), "where": f.place() })
    };
    let entry = register.entry(&taken.key);
    let record = entry.and_then(|e| e.record.as_ref());
    // Lengths and fields of the annex.
    let remarks = record.map(|r| r.findings(taken.key.side)).unwrap_or_default();
    let findings: Vec<Value> = taken.findings.iter().chain(&remarks).map(finding).collect();
    json!({
        "side": side(taken.key.side),
        "other": taken.key.other.as_str(),
        "document": taken.key.document.as_str(),
        "ruling": ruling(taken.ruling),
        "duties": taken.duties.iter().map(|d| d.name()).collect::<Vec<_>>(),
        "findings": findings,
        "record": record,
    })
}

fn told(taken: &Taken, lang: Lang) -> String {
    let of = match (taken.key.side, lang) {
        (Side::Sender, Lang::Vi) => "văn bản đi",
        (Side::Receiver, Lang::Vi) => "văn bản đến",
        (Side::Sender, Lang::En) => "outgoing",
        (Side::Receiver, Lang::En) => "incoming",
    };
    let became = match (taken.ruling, lang) {
        (_, Lang::En) => ruling(taken.ruling),
        (Ruling::Taken, Lang::Vi) => "đã ghi nhận",
        (Ruling::Repeated, Lang::Vi) => "đã nhận trước đó",
        (Ruling::Late, Lang::Vi) => "đến muộn",
        (_, Lang::Vi) => "bị từ chối",
    };
    let duties: Vec<String> = taken.duties.iter().map(|d| d.name()).collect();
    let mut lines = vec![format!("{of} {} ({}): {became}", taken.key.document, taken.key.other)];
    if !duties.is_empty() {
        let word = if lang == Lang::Vi { "cần làm" } else { "to do" };
        lines.push(format!("  {word}: {}", duties.join(", ")));
    }
    lines.extend(taken.findings.iter().map(|f| format!("  {}", line(f, lang))));
    lines.join("\n")
}
