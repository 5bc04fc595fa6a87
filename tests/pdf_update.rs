//! Incremental updates of documents that others made.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::fs;
use std::path::Path;
use std::process::Command;

use kyso::Error;
use kyso::pdf::Object;
use kyso::pdf::Pdf;
use kyso::pdf::Update;
use kyso::pdf::XrefForm;
use kyso::pdf::form::NewField;
use kyso::pdf::object::Dictionary;
use kyso::pdf::update::Tail;

fn signature() -> Dictionary {
    Dictionary::new().with("Type", Object::name("Sig")).with("Filter", Object::name("Adobe.PPKLite"))
}

/// Adds an invisible signature field with room for a signature.
fn updated(data: &[u8]) -> Result<(Tail, &'static str), Error> {
    let (pdf, password) = corpus::open_pdf(data)?;
    let mut update = Update::new(&pdf)?;
    let value = update.add_signature(signature(), 64)?;
    NewField::invisible().add_to(&mut update, Some(value))?;
    Ok((update.finish()?, password))
}

/// What `qpdf --check` says of a file: its status and its complaints; nothing where it crashes.
fn checked(data: &[u8], password: &str, dir: &Path, name: &str) -> Option<(i32, Vec<String>)> {
    let path = dir.join(name);
    fs::write(&path, data).unwrap();
    let Ok(out) = Command::new("qpdf").arg("--check").arg(format!("--password={password}")).arg(&path).output() else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "qpdf not found");
        return None;
    };
    let text = String::from_utf8_lossy(&out.stderr).replace(&*path.to_string_lossy(), "");
    let complaints = text.lines().filter(|line| !line.contains("operation succeeded")).map(str::to_owned).collect();
    Some((out.status.code()?, complaints))
}

#[test]
fn documents_of_others_accept_a_field_and_stay_sound() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut exceptions = corpus::Exceptions::load("pdf_update");
    let dir = tempfile::tempdir().unwrap();
    let mut rows = 0;
    for (id, path) in corpus::documents(&corpus, &["unsigned", "signing-input"]) {
        rows += 1;
        let data = fs::read(&path).unwrap();
        let (tail, password) = match updated(&data) {
            Ok(updated) => updated,
            Err(error) => {
                exceptions.record(&id, false, &error.to_string());
                continue;
            }
        };
        let whole = [&data, tail.octets()].concat();
        check_reread(&data, &whole, &tail, &id);
        let before = checked(&data, password, dir.path(), "before.pdf");
        let outcome = match (before, checked(&whole, password, dir.path(), "after.pdf")) {
            (Some((before, complaints)), Some((after, new))) if after > before || new.len() > complaints.len() => {
                format!("qpdf: {}", new.first().map_or("", String::as_str))
            }
            _ => String::new(),
        };
        exceptions.record(&id, outcome.is_empty(), &outcome);
    }
    exceptions.finish(rows);
}

/// The updated file read again by our own reader.
fn check_reread(data: &[u8], whole: &[u8], tail: &Tail, id: &str) {
    let (before, after) = (corpus::open_pdf(data).unwrap().0, corpus::open_pdf(whole).unwrap().0);
    assert_eq!(after.revisions().len(), before.revisions().len() + 1, "{id}");
    assert_eq!(after.latest().end(), whole.len() as u64, "{id}");
    let continued = match before.latest().form() {
        XrefForm::Hybrid => XrefForm::Table,
        form => form,
    };
    assert_eq!(after.latest().form(), continued, "{id}");
    let codes = |pdf: &Pdf<'_>| pdf.findings().iter().map(|finding| finding.code().to_owned()).collect::<Vec<_>>();
    let known = codes(&before);
    assert!(codes(&after).iter().all(|code| known.contains(code)), "{id}: {:?}", after.findings());
    // The gap is the token of /Contents, and the byte range is everything else.
    let [a, b, c, d] = tail.byte_range().unwrap();
    assert_eq!((a, c + d), (0, whole.len() as u64), "{id}");
    let gap = &whole[usize::try_from(b).unwrap()..usize::try_from(c).unwrap()];
    assert_eq!((gap.len(), gap.first(), gap.last()), (130, Some(&b'<'), Some(&b'>')), "{id}");
    let form = after.latest().catalog().unwrap();
    let form = after.latest().get(form.as_dictionary().unwrap(), "AcroForm").unwrap();
    let fields = after.latest().get(form.as_dictionary().unwrap(), "Fields").unwrap();
    let field = after.latest().resolve(fields.as_array().unwrap().last().unwrap()).unwrap();
    let value = after.latest().get(field.as_dictionary().unwrap(), "V").unwrap();
    let range = value.as_dictionary().unwrap().get("ByteRange").unwrap().as_array().unwrap();
    let range: Vec<_> = range.iter().map(|n| u64::try_from(n.as_integer().unwrap()).unwrap()).collect();
    assert_eq!(range, [a, b, c, d], "{id}");
}
