//! PDFs that others made are signed; poppler, pyHanko and qpdf judge what comes out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;
#[path = "support/lta.rs"]
mod lta;
#[path = "support/services.rs"]
mod services;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::fetch::run as ask;
use kyso::finding::Severity;
use kyso::key::soft::SoftKey;
use kyso::level::BaselineLevel;
use kyso::pdf::Coverage;
use kyso::secret::Password;
use kyso::sign::augment::Augmentation;
use kyso::sign::augment::PdfSignatures;
use kyso::sign::pades::PadesRequest;
use kyso::validate::Policy;
use kyso::validate::Validator;
use services::Services;

/// The signed document, the name of its new field, and the password of both.
fn sign(data: &[u8], key: &SoftKey) -> Result<(Vec<u8>, String, &'static str), Error> {
    let (pdf, password) = corpus::open_pdf(data)?;
    let signed = PadesRequest::new(&pdf, ca::at("2026-11-23T01:00:00Z")).sign(key)?;
    Ok((signed.to_octets()?, signed.field_name().to_owned(), password))
}

/// What our own reader finds wrong: with the new signature, or with what it did to earlier ones.
fn own_complaint(data: &[u8], signed: &[u8]) -> Option<String> {
    let (before, after) = (corpus::open_pdf(data).unwrap().0, corpus::open_pdf(signed).unwrap().0);
    let (old, new) = (before.signatures().unwrap(), after.signatures().unwrap());
    if new.len() != old.len() + 1 {
        return Some(format!("{} signatures became {}", old.len(), new.len()));
    }
    let added = new.iter().find(|facts| facts.coverage == Coverage::WholeDocument);
    let Some(added) = added else { return Some("no signature covers the whole document".to_owned()) };
    if let Some(finding) = added.findings.iter().find(|finding| finding.severity() > Severity::Info) {
        return Some(finding.message().to_owned());
    }
    let (past, present) = (before.history(&old).unwrap(), after.history(&new).unwrap());
    let lost = old.iter().find(|facts| {
        let now = new.iter().find(|candidate| candidate.object == facts.object);
        past.after(facts).permitted && !now.is_some_and(|now| present.after(now).permitted)
    });
    lost.map(|facts| format!("the signature {:?} does not permit it", facts.field_name))
}

fn run(program: &str, arguments: &[&str]) -> Option<(Option<i32>, String)> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].concat();
            Some((output.status.code(), String::from_utf8_lossy(&text).into_owned()))
        }
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}

/// Complaints of qpdf that the original did not meet with.
fn qpdf_complaint(before: &Path, after: &Path, password: &str) -> Option<String> {
    let check = |path: &Path| {
        let (code, text) = run("qpdf", &["--check", &format!("--password={password}"), path.to_str().unwrap()])?;
        let text = text.replace(path.to_str().unwrap(), "");
        let lines = text.lines().filter(|line| line.contains("WARNING") || line.contains("ERROR"));
        // Without a code it crashed, which says nothing of the file.
        Some((code?, lines.map(str::to_owned).collect::<Vec<_>>()))
    };
    let ((old_code, old), (new_code, new)) = (check(before)?, check(after)?);
    let added = new.iter().find(|line| !old.contains(line)).map(String::as_str);
    (new_code > old_code || added.is_some()).then(|| format!("qpdf: {}", added.unwrap_or_default()))
}

fn pdfsig_complaint(path: &Path, signatures: usize, password: &str) -> Option<String> {
    let (_, text) = run("pdfsig", &["-nocert", "-upw", password, path.to_str().unwrap()])?;
    // The new one is that which covers all.
    let mut parts = text.split("Signature #").skip(1);
    match parts.find(|part| part.contains("Total document signed")) {
        Some(part) if part.contains("Signature is Valid") => None,
        Some(_) => Some("pdfsig: the signature is not valid".to_owned()),
        None => Some(format!("pdfsig: none of {signatures} signatures covers the whole document")),
    }
}

/// Judges all files in one process: `name <TAB> verdict` per line.
const PYHANKO: &str = r#"
import sys, logging
from datetime import datetime, timezone
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext
logging.disable(logging.CRITICAL)
root = load_cert_from_pemder(sys.argv[1])
moment = datetime(2026, 11, 23, 2, 0, tzinfo=timezone.utc)
for path, field, password in zip(sys.argv[2::3], sys.argv[3::3], sys.argv[4::3]):
    try:
        with open(path, 'rb') as f:
            reader = PdfFileReader(f, strict=False)
            if reader.encrypted:
                reader.decrypt(password.encode())
            # Not by its list of signatures: in that, placeholders of others fail.
            [at] = [ref for name, _, ref in enumerate_sig_fields(reader, filled_status=True) if name == field]
            last = EmbeddedPdfSignature(reader, at.get_object(), field)
            context = ValidationContext(trust_roots=[root], moment=moment, allow_fetching=False,
                                        revocation_mode='soft-fail')
            status = validate_pdf_signature(last, context)
            good = status.bottom_line and status.coverage.name == 'ENTIRE_FILE'
            print(path, 'ok' if good else status.summary() + ' ' + status.coverage.name, sep='\t')
    except Exception as e:
        print(path, f'{type(e).__name__} {e}'.replace('\n', ' '), sep='\t')
"#;

fn pyhanko(root: &Path, files: &[(PathBuf, String, &str)]) -> BTreeMap<PathBuf, String> {
    let mut arguments = vec![root.to_str().unwrap()];
    arguments.extend(files.iter().flat_map(|(path, field, password)| [path.to_str().unwrap(), field, password]));
    let Some(printed) = lta::python::run(PYHANKO, &arguments) else { return BTreeMap::new() };
    assert!(printed.success, "{}", printed.text);
    let lines = printed.text.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(path, verdict)| (PathBuf::from(path), verdict.to_owned())).collect()
}

#[test]
fn documents_of_others_are_signed_and_accepted() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut exceptions = corpus::Exceptions::load("sign");
    let root = Authority::root(Template::ca(&[(ca::CN, "Root of corpus_sign")], None), KeySpec::P256);
    let key = root.issue(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), KeySpec::P256);
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("root.pem"), root.certificate.to_pem()).unwrap();
    let (mut rows, mut judged) = (0, Vec::new());
    for (id, path) in corpus::documents(&corpus, &["unsigned", "signing-input", "signed"]) {
        rows += 1;
        let data = fs::read(&path).unwrap();
        match sign(&data, &key) {
            Err(error) => exceptions.record(&id, false, &error.to_string()),
            Ok((signed, field, password)) => {
                assert!(signed.starts_with(&data), "{id}");
                let output = dir.path().join(format!("{rows}.pdf"));
                fs::write(&output, &signed).unwrap();
                let count = corpus::open_pdf(&signed).unwrap().0.signatures().unwrap().len();
                let complaint = own_complaint(&data, &signed)
                    .or_else(|| qpdf_complaint(&path, &output, password))
                    .or_else(|| pdfsig_complaint(&output, count, password));
                judged.push((id, output, (field, password), complaint));
            }
        }
    }
    let files: Vec<_> =
        judged.iter().map(|(_, path, (field, password), _)| (path.clone(), field.clone(), *password)).collect();
    let verdicts = pyhanko(&dir.path().join("root.pem"), &files);
    for (id, path, _, complaint) in judged {
        let complaint = complaint.or_else(|| {
            verdicts.get(&path).filter(|verdict| *verdict != "ok").map(|verdict| format!("pyHanko: {verdict}"))
        });
        exceptions.record(&id, complaint.is_none(), complaint.as_deref().unwrap_or_default());
    }
    exceptions.finish(rows);
}

/// The document at level B-T, the name of its new field, and the password of both.
fn stamp(data: &[u8], services: &Services) -> Result<(Vec<u8>, String, &'static str), Error> {
    let (pdf, password) = corpus::open_pdf(data)?;
    let job = PadesRequest::new(&pdf, services.now()).sign_timestamped(&services.officer, services::settings())?;
    let signed = ask(job, services)?;
    Ok((signed.to_octets()?, signed.field_name().to_owned(), password))
}

fn raise(
    document: &[u8],
    (field, password): (&str, &str),
    level: BaselineLevel,
    services: &Services,
) -> Result<Vec<u8>, Error> {
    let limits = Limits::default();
    let mut signatures = PdfSignatures::new(&document).limits(&limits).field(field);
    if !password.is_empty() {
        signatures = signatures.password(Password::new(password));
    }
    let job = Augmentation::new(signatures, level, &services.anchors(), services.now())?;
    ask(job.timestamps(services::settings()).start()?, services)?.document.to_octets()
}

/// What our own validator, with the document and the anchors alone, does not like of one signature.
fn own_verdict(document: &[u8], field: &str, level: BaselineLevel, services: &Services) -> Option<String> {
    let (pdf, _) = corpus::open_pdf(document).unwrap();
    let (policy, anchors) = (Policy::etsi(), services.anchors());
    let report = Validator::new(&policy, &anchors, services.now().saturating_add(services::DAY / 4)).pdf(&pdf);
    let Some(signature) = report.signatures().iter().find(|signature| signature.name() == field) else {
        return Some("the signature is not in the report".to_owned());
    };
    let verdict = signature.indication().sub_indication().unwrap_or_else(|| signature.indication().name());
    // Without revocation data in it, B-T cannot pass here.
    let wanted = if level == BaselineLevel::T { "TRY_LATER" } else { "TOTAL-PASSED" };
    if verdict != wanted || signature.level() != Some(level) {
        let findings: Vec<String> = signature.findings().iter().map(ToString::to_string).collect();
        return Some(format!("{}: {verdict} {:?} {}", level.name(), signature.level(), findings.join("; ")));
    }
    None
}

/// The first page as poppler draws it.
fn drawn(path: &Path, password: &str) -> Option<Vec<u8>> {
    let arguments = ["-gray", "-r", "36", "-f", "1", "-l", "1", "-upw", password, path.to_str().unwrap()];
    match Command::new("pdftoppm").args(arguments).output() {
        Ok(output) => Some(output.stdout),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pdftoppm: {error}");
            None
        }
    }
}

/// What is against one document, and against it by pyHanko, at every level; `None` for one that cannot be signed
/// at all, which stands in the list of the other test.
fn raised(path: &Path, data: &[u8], fresh: bool) -> Option<[Option<String>; 2]> {
    let dir = tempfile::tempdir().unwrap();
    // What comes out does not depend on the documents before.
    let services = Services::valid("2000-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
    services.clock.set(lta::a_while_ago());
    let (stamped, field, password) = stamp(data, &services).ok()?;
    let mut complaint = own_verdict(&stamped, &field, BaselineLevel::T, &services);
    let mut pyhanko = None;
    for level in [BaselineLevel::Lt, BaselineLevel::Lta] {
        match raise(&stamped, (&field, password), level, &services) {
            Err(error) => complaint = complaint.or_else(|| Some(format!("{}: {error}", level.name()))),
            Ok(raised) => {
                assert!(raised.starts_with(&stamped), "{}", path.display());
                complaint = complaint.or_else(|| own_verdict(&raised, &field, level, &services));
                if level == BaselineLevel::Lt {
                    continue;
                }
                let output = dir.path().join("raised.pdf");
                fs::write(&output, &raised).unwrap();
                complaint = complaint.or_else(|| qpdf_complaint(path, &output, password));
                // What others signed is for the validator: pyHanko finds fault with their signatures.
                if fresh {
                    if drawn(path, password) != drawn(&output, password) {
                        complaint = complaint.or_else(|| Some("the first page looks different".to_owned()));
                    }
                    let mut judged = lta::Judged::new(&services.root.certificate.to_pem());
                    judged.add_field("raised", &raised, level, password, &field);
                    let told = judged.pyhanko().pop();
                    pyhanko = told.map(|told| told.rsplit(".pdf: ").next().unwrap().to_owned());
                }
            }
        }
    }
    Some([complaint, pyhanko])
}

#[test]
fn documents_of_others_reach_every_level() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut exceptions = corpus::Exceptions::load("sign_levels");
    let documents = corpus::documents(&corpus, &["unsigned", "signing-input", "signed"]);
    let outcomes =
        corpus::each(&documents, |(id, path)| raised(path, &fs::read(path).unwrap(), !id.starts_with("signed/")));
    let mut rows = 0;
    for ((id, _), outcome) in documents.iter().zip(outcomes) {
        let Some([complaint, pyhanko]) = outcome else { continue };
        rows += 1;
        exceptions.record(id, complaint.is_none(), complaint.as_deref().unwrap_or_default());
        let row = format!("{id} by pyHanko");
        exceptions.record(&row, pyhanko.is_none(), pyhanko.as_deref().unwrap_or_default());
    }
    exceptions.finish(rows);
}
