//! `kyso envelope`: check and open; what writes and what records is beside it.

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use serde_json::Value;
use serde_json::json;

use kyso::Error;
use kyso::Finding;
use kyso::Limits;
use kyso::envelope::Attachment;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::PayloadSink;
use kyso::error::IoError;
use kyso::exchange;
use kyso::exchange::Receipt;
use kyso::exchange::SignedFile;
use kyso::exchange::SignedKind;
use kyso::files::FileSource;
use kyso::files::FileSpool;
use kyso::files::Output;
use kyso::finding::Severity;
use kyso::validate::Language;

use crate::args::EnvelopeCheckArgs;
use crate::args::EnvelopeCommand;
use crate::args::EnvelopeOpenArgs;
use crate::args::Lang;
use crate::arithmetic;
use crate::envelope_register;
use crate::envelope_write;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::print;
use crate::trust;
use crate::verify;

/// `kyso envelope …`.
pub(crate) fn run(command: &EnvelopeCommand, lang: Lang) -> Outcome {
    match command {
        EnvelopeCommand::New(args) => envelope_write::new(args, lang),
        EnvelopeCommand::Add(args) => envelope_write::add(args, lang),
        EnvelopeCommand::Status(args) => envelope_write::status(args, lang),
        EnvelopeCommand::Register(args) => envelope_register::register(args, lang),
        EnvelopeCommand::Check(args) => check(args, lang),
        EnvelopeCommand::Open(args) => open(args, lang),
    }
}

fn check(args: &EnvelopeCheckArgs, lang: Lang) -> Outcome {
    let given = trust::given(&args.trust)?;
    let source = FileSource::open(&args.file)?;
    let envelope =
        Envelope::read_at(&source, &Limits::default(), given.at).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let envelope = envelope.backend(arithmetic::backend());
    let judge = |file: &SignedFile<'_>| match file.kind {
        SignedKind::Pdf(pdf) => verify::validate(&given, args.trust.online, file.source, |v| v.pdf(pdf)),
        SignedKind::Cms { signed, content } => {
            verify::validate(&given, args.trust.online, file.source, |v| v.cms(signed, content))
        }
        _ => Err(Stop::usage("a kind of signed file that this command does not know")),
    };
    let mut spool = FileSpool::new(&std::env::temp_dir());
    let receipt = Receipt::make_with(&envelope, &mut spool, judge, &exchange::by_subject)?;
    if args.json {
        print::json(&parsed(&receipt.to_json()?)?)?;
    } else {
        print::text(&text(envelope.message(), &receipt, lang))?;
    }
    source.check_unchanged()?;
    let failed = receipt.severity() == Some(Severity::Error);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

fn open(args: &EnvelopeOpenArgs, lang: Lang) -> Outcome {
    let source = FileSource::open(&args.file)?;
    let envelope = Envelope::read(&source, &Limits::default()).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let envelope = envelope.backend(arithmetic::backend());
    let failed = |e| Error::from(IoError::new("make", args.output.display().to_string(), e));
    fs::create_dir_all(&args.output).map_err(failed)?;
    let mut folder = Folder { path: &args.output, current: None, written: Vec::new() };
    let check = envelope.check_into(&mut folder)?;
    source.check_unchanged()?;
    let written = folder.written;
    let shown = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
    if args.json {
        let mut value: Value = parsed(&check.to_json(&[])?)?;
        let attachments = value.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten();
        for (attachment, path) in attachments.zip(&written) {
            if let Some(attachment) = attachment.as_object_mut() {
                attachment.remove("validation");
                attachment.insert("path".to_owned(), json!(shown(path)));
            }
        }
        print::json(&value)?;
    } else {
        for finding in check.findings.iter().filter(|f| f.severity() == Severity::Error) {
            print::note(&line(finding, lang));
        }
        for path in written.iter().filter_map(shown) {
            print::text(&path)?;
        }
    }
    Ok(if written.iter().all(Option::is_some) { Exit::Done } else { Exit::Input })
}

/// Writes each attachment to a new file, while it is decoded. It gets its name only as a whole: what is
/// damaged, or unfolds without measure, leaves nothing behind.
struct Folder<'f> {
    path: &'f Path,
    current: Option<(PathBuf, Output)>,
    written: Vec<Option<PathBuf>>,
}

impl Folder<'_> {
    /// A new file for an attachment. A name that is taken gets a number.
    fn begin(&self, attachment: &Attachment) -> Result<(PathBuf, Output), Error> {
        /// More files of one name than a person would make.
        const MOST: usize = 10_000;
        let name = attachment.safe_file_name();
        for number in 1..MOST {
            let candidate = match (number, name.rsplit_once('.')) {
                (1, _) => name.to_owned(),
                (_, Some((stem, extension))) => format!("{stem} ({number}).{extension}"),
                (_, None) => format!("{name} ({number})"),
            };
            let path = self.path.join(candidate);
            match Output::create_new(&path) {
                Ok(file) => return Ok((path, file)),
                Err(Error::Refused(_)) => {}
                Err(e) => return Err(e),
            }
        }
        let all_taken = io::Error::other(format!("{MOST} files of the name {name} are there"));
        Err(IoError::new("make", self.path.display().to_string(), all_taken).into())
    }
}

impl PayloadSink for Folder<'_> {
    fn take(&mut self, attachment: &Attachment, octets: &[u8]) -> Result<(), Error> {
        let begun = match self.current.take() {
            Some(begun) => begun,
            None => self.begin(attachment)?,
        };
        let (path, file) = self.current.insert(begun);
        file.write_all(octets).map_err(|e| IoError::new("write", path.display().to_string(), e).into())
    }

    fn end(&mut self, attachment: &Attachment, whole: bool) -> Result<(), Error> {
        let begun = self.current.take();
        if !whole {
            self.written.push(None);
            return Ok(());
        }
        // An empty one had no octets to take.
        let (path, file) = begun.map_or_else(|| self.begin(attachment), Ok)?;
        file.commit()?;
        self.written.push(Some(path));
        Ok(())
    }
}

fn text(message: &Message, receipt: &Receipt, lang: Lang) -> String {
    let pick = |vi: &'static str, en: &'static str| if lang == Lang::Vi { vi } else { en };
    let mut lines = Vec::new();
    let mut say = |word: &str, value: &str| lines.push(format!("{word:<12} {}", value.replace('\n', " ")));
    let organ = |o: &kyso::envelope::Organization| match &o.name {
        Some(name) => format!("{} {name}", o.id),
        None => o.id.to_string(),
    };
    say(pick("Thông điệp", "Message"), kind(message, lang));
    say(pick("Bên gửi", "From"), &organ(message.sender()));
    match message {
        Message::Document(d) => {
            d.to.iter().for_each(|to| say(pick("Bên nhận", "To"), &organ(to)));
            say(pick("Mã văn bản", "Document"), d.document_id.as_str());
            say(pick("Số, ký hiệu", "Number"), &format!("{}/{}", d.code.number, d.code.notation));
            say(pick("Ngày", "Date"), &d.promulgation.date.to_string());
            say(pick("Trích yếu", "Subject"), &d.subject);
        }
        Message::Status(s) => {
            let id = s.response_for.document_id.as_ref();
            say(pick("Mã văn bản", "Document"), id.map(|id| id.as_str()).unwrap_or_default());
            let name = s.code.known().map(|c| pick(c.name_vi(), c.name_en())).unwrap_or_default();
            say(pick("Trạng thái", "Status"), &format!("{} {name}", s.code));
            say(pick("Thời điểm", "Time"), &s.timestamp.to_string());
            s.description.iter().for_each(|d| say(pick("Nội dung", "Description"), d));
        }
        _ => {}
    }
    let check = &receipt.check;
    for (n, (attachment, signed)) in check.attachments.iter().zip(&receipt.attachments).enumerate() {
        let name = attachment.name.as_deref().unwrap_or_else(|| pick("(không tên)", "(no name)"));
        lines.push(format!("\n{} {}: {}", pick("Tệp", "File"), n + 1, name.replace('\n', " ")));
        if let Some(content) = &attachment.content {
            lines.push(format!("  {} {}", content.size, pick("byte", "octets")));
            lines.push(format!("  SHA-256 {}", content.sha256.to_hex()));
        }
        lines.push(format!("  {}: {}", pick("Chữ ký", "Signing"), pick(signed.signing.vi(), signed.signing.en())));
        if let Some(report) = &signed.validation {
            lines.extend(report.to_text(lang.into()).lines().map(|l| format!("  {l}")));
        }
    }
    lines.push(match check.findings.len() {
        0 => format!("\n{}", pick("Không có nhận xét nào.", "Nothing to remark.")),
        _ => format!("\n{}", pick("Nhận xét:", "Remarks:")),
    });
    lines.extend(check.findings.iter().map(|f| format!("  {}", line(f, lang))));
    lines.join("\n")
}

fn kind(message: &Message, lang: Lang) -> &'static str {
    let known = message.document().and_then(kyso::envelope::Document::kind);
    match (message, known, lang) {
        (Message::Status(_), _, Lang::Vi) => "trạng thái xử lý văn bản",
        (Message::Status(_), _, Lang::En) => "status of a document",
        (_, Some(kind), Lang::Vi) => kind.name_vi(),
        (_, Some(kind), Lang::En) => kind.name_en(),
        (_, None, Lang::Vi) => "nghiệp vụ không xác định",
        (_, None, Lang::En) => "unknown business",
    }
}

pub(crate) fn line(finding: &Finding, lang: Lang) -> String {
    let weight = match (finding.severity(), lang) {
        (Severity::Error, Lang::Vi) => "lỗi",
        (Severity::Warning, Lang::Vi) => "cảnh báo",
        (_, Lang::Vi) => "thông tin",
        (severity, Lang::En) => severity.name(),
    };
    let text = match exchange::vietnamese(finding.code()).filter(|_| lang == Lang::Vi) {
        Some(text) => finding.place().map_or_else(|| text.to_owned(), |place| format!("{text} ({place})")),
        None => Language::from(lang).finding(finding),
    };
    format!("{weight}: {text} [{}]", finding.code())
}

pub(crate) fn input_fault(path: &Path, message: &str) -> Stop {
    Stop { exit: Exit::Input, message: format!("{}: {message}", path.display()) }
}

fn parsed(text: &str) -> Result<Value, Stop> {
    serde_json::from_str(text).map_err(|e| Stop { exit: Exit::Input, message: format!("the report: {e}") })
}
