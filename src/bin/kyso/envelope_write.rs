//! `kyso envelope new|add|status`: what writes a message.

use std::path::Path;
use std::path::PathBuf;

use serde_json::json;

use kyso::Limits;
use kyso::Time;
use kyso::envelope::Document;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::Organization;
use kyso::envelope::Status;
use kyso::envelope::StatusCode;
use kyso::envelope::Timestamp;
use kyso::envelope::Writer;
use kyso::envelope::model::ResponseFor;
use kyso::files::FileSource;
use kyso::files::FileSpool;
use kyso::files::Output;
use kyso::source::Source;
use kyso::source::Spool;

use crate::args::EnvelopeAddArgs;
use crate::args::EnvelopeNewArgs;
use crate::args::EnvelopeStatusArgs;
use crate::args::Lang;
use crate::arithmetic;
use crate::envelope::input_fault;
use crate::envelope::line;
use crate::exit::Exit;
use crate::exit::Outcome;
use crate::exit::Stop;
use crate::input;
use crate::print;

/// A file to attach, opened.
struct File<'p> {
    name: &'p str,
    content_type: &'static str,
    content: FileSource,
}

/// `kyso envelope new`.
pub(crate) fn new(args: &EnvelopeNewArgs, lang: Lang) -> Outcome {
    let octets = input::read(&args.meta)?;
    let text = String::from_utf8(octets).map_err(|_| input_fault(&args.meta, "expected JSON in UTF-8"))?;
    let message = Message::from_json(&text).map_err(|e| Stop::from(e).of_file(&args.meta))?;
    let files = files(&args.attach)?;
    let writer = enclosing(Writer::new(&message).backend(arithmetic::backend()).at(input::now()?), &files);
    let target = Target { stated: &args.meta, output: &args.output, json: args.json };
    target.write(&message, &writer, &files, files.len(), lang)
}

/// `kyso envelope add`.
pub(crate) fn add(args: &EnvelopeAddArgs, lang: Lang) -> Outcome {
    let source = FileSource::open(&args.file)?;
    let envelope = Envelope::read(&source, &Limits::default()).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let envelope = envelope.backend(arithmetic::backend());
    // Beside the output there has to be room anyway.
    let folder = args.output.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut there = Vec::new();
    for attachment in envelope.attachments() {
        let mut content = FileSpool::new(folder);
        let unpacked = envelope.unpack(attachment, &mut |octets| content.put(octets));
        unpacked.map_err(|e| Stop::from(e).of_file(&args.file))?;
        there.push((attachment.declared(), content));
    }
    let mut contents = Vec::with_capacity(there.len());
    for (declared, content) in &mut there {
        contents.push((*declared, content.source()?));
    }
    let files = files(&args.attach)?;
    let mut writer = Writer::new(envelope.message()).backend(arithmetic::backend()).at(input::now()?);
    for (declared, content) in &contents {
        let (name, kind) =
            (declared.name.clone().unwrap_or_default(), declared.content_type.clone().unwrap_or_default());
        let enclosure = Enclosure::new(name, kind, *content);
        writer = writer.enclose(match &declared.description {
            Some(text) => enclosure.described(text.clone()),
            None => enclosure,
        });
    }
    let writer = enclosing(writer, &files);
    source.check_unchanged()?;
    let target = Target { stated: &args.file, output: &args.output, json: args.json };
    target.write(envelope.message(), &writer, &files, contents.len() + files.len(), lang)
}

/// `kyso envelope status`.
pub(crate) fn status(args: &EnvelopeStatusArgs, lang: Lang) -> Outcome {
    let code: StatusCode = args.code.parse().map_err(|e| Stop::usage(format!("--code: {e}")))?;
    let at = match &args.at {
        Some(text) => Time::parse_rfc3339(text).map_err(|e| Stop::usage(format!("--at: {e}")))?,
        None => input::now()?,
    };
    let source = FileSource::open(&args.file)?;
    let envelope = Envelope::read(&source, &Limits::default()).map_err(|e| Stop::from(e).of_file(&args.file))?;
    let Some(document) = envelope.message().document() else {
        return Err(input_fault(&args.file, "expected a document message, found a status"));
    };
    let receiver = receiver(document, args.receiver.as_deref(), &args.file)?;
    // 13 is the sender's, about the receiver; all others are the other way round.
    let (from, organ) = match code {
        StatusCode::TakeBack => (document.from.clone(), receiver.id),
        _ => (receiver, document.from.id.clone()),
    };
    let mut status = Status::new(from, ResponseFor::to_document(document, organ), code, Timestamp::of(at));
    status.description = args.reason.clone();
    let message: Message = status.into();
    let writer = Writer::new(&message);
    source.check_unchanged()?;
    let target = Target { stated: &args.file, output: &args.output, json: args.json };
    target.write(&message, &writer, &[], 0, lang)
}

/// The receiver that is named, or the only one.
fn receiver(document: &Document, named: Option<&str>, file: &Path) -> Result<Organization, Stop> {
    let found = match (named, document.to.as_slice()) {
        (Some(id), all) => all.iter().find(|o| o.id.as_str() == id),
        (None, [only]) => Some(only),
        (None, _) => return Err(Stop::usage("the message has several receivers: say which by --receiver")),
    };
    found.cloned().ok_or_else(|| input_fault(file, "the message has no receiver of this code"))
}

fn files(paths: &[PathBuf]) -> Result<Vec<File<'_>>, Stop> {
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| input_fault(path, "expected a file whose name is UTF-8"))?;
        let content = FileSource::open(path)?;
        let mut head = [0; 16];
        let count = content.read_at(0, &mut head)?;
        let content_type = content_type(name, head.get(..count).unwrap_or_default());
        files.push(File { name, content_type, content });
    }
    Ok(files)
}

fn enclosing<'a>(writer: Writer<'a>, files: &'a [File<'_>]) -> Writer<'a> {
    files.iter().fold(writer, |writer, f| writer.enclose(Enclosure::new(f.name, f.content_type, &f.content)))
}

/// Where a message goes, and the file that states it.
struct Target<'t> {
    stated: &'t Path,
    output: &'t Path,
    json: bool,
}

impl Target<'_> {
    /// Writes the message, or says every rule that it breaks.
    fn write(&self, message: &Message, writer: &Writer<'_>, files: &[File<'_>], count: usize, lang: Lang) -> Outcome {
        let findings = writer.findings()?;
        if !findings.is_empty() {
            for finding in &findings {
                print::note(&line(finding, lang));
            }
            let said = match lang {
                Lang::Vi => "thông điệp sai quy định, không ghi gì",
                Lang::En => "the message breaks the rules above; nothing was written",
            };
            return Err(input_fault(self.stated, said));
        }
        let mut out = Output::create(self.output)?;
        writer.write(&mut out)?;
        for file in files {
            file.content.check_unchanged()?;
        }
        out.commit()?;
        if self.json {
            let id = message.document_id().map(kyso::envelope::DocumentId::as_str);
            let (output, kind) = (self.output.display().to_string(), message.kind());
            let code = message.status().map(|s| s.code.to_string());
            print::json(&json!({
                "output": output,
                "kind": kind,
                "document_id": id,
                "status": code,
                "attachments": count,
            }))?;
            return Ok(Exit::Done);
        }
        print::text(&match lang {
            Lang::Vi => format!("{}: đã ghi, {count} tệp đính kèm", self.output.display()),
            Lang::En => format!("{}: written, {count} attachments", self.output.display()),
        })?;
        Ok(Exit::Done)
    }
}

/// The type of a file: by its first octets where they tell, else by its name.
fn content_type(name: &str, octets: &[u8]) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, e)| e.to_lowercase());
    let by_name = match extension.as_deref() {
        Some("pdf") => "application/pdf",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        Some("doc") => "application/msword",
        Some("xls") => "application/vnd.ms-excel",
        Some("ppt") => "application/vnd.ms-powerpoint",
        Some("odt") => "application/vnd.oasis.opendocument.text",
        Some("ods") => "application/vnd.oasis.opendocument.spreadsheet",
        Some("zip") => "application/zip",
        Some("asice" | "sce") => "application/vnd.etsi.asic-e+zip",
        Some("asics" | "scs") => "application/vnd.etsi.asic-s+zip",
        Some("p7m") => "application/pkcs7-mime",
        Some("p7s") => "application/pkcs7-signature",
        Some("xml") => "application/xml",
        Some("txt") => "text/plain",
        Some("csv") => "text/csv",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("tif" | "tiff") => "image/tiff",
        _ => "application/octet-stream",
    };
    let is = |start: &[u8]| octets.starts_with(start);
    match () {
        () if is(b"%PDF-") => "application/pdf",
        () if is(b"\x89PNG\r\n\x1a\n") => "image/png",
        () if is(b"\xFF\xD8\xFF") => "image/jpeg",
        // Office files are ZIPs too, and their names say which.
        () if is(b"PK\x03\x04") && by_name == "application/octet-stream" => "application/zip",
        () => by_name,
    }
}
