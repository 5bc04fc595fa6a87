//! pyHanko and pdfsig beside us on every file of the PDF corpus: where one says
//! something else, a listed reason says why.
//!
//! Who is trusted is no part of it: the verdict is on octets, forms and changes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/python.rs"]
mod python;

use std::fs;
use std::process::Command;

use corpus::Exceptions;
use kyso::Time;
use kyso::trust::TrustAnchors;
use kyso::validate::Integrity;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;

/// What one says of a document.
const ACCEPTED: &str = "accepted";
const REFUSED: &str = "refused";
/// No signature in it.
const NONE: &str = "none";
/// It cannot be read.
const UNREADABLE: &str = "unreadable";

/// Judges one file: the verdict.
const PYHANKO: &str = r#"
import sys, logging
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation.status import SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
logging.disable(logging.CRITICAL)

def good(signature):
    context = ValidationContext(trust_roots=[], allow_fetching=False, revocation_mode='soft-fail')
    stamp = signature.sig_object_type == '/DocTimeStamp'
    status = (validate_pdf_timestamp if stamp else validate_pdf_signature)(signature, context)
    # A document time-stamp has no verdict on permissions of its own.
    return (status.intact and status.valid and status.docmdp_ok is not False
            and status.modification_level < ModificationLevel.OTHER
            and status.coverage >= SignatureCoverageLevel.ENTIRE_REVISION)

def judge(path, password):
    with open(path, 'rb') as f:
        try:
            reader = PdfFileReader(f, strict=False)
            if reader.encrypted:
                reader.decrypt(password.encode())
            root = reader.root
        except Exception:
            return 'unreadable'
        try:
            signatures = reader.embedded_signatures
            if not signatures:
                return 'none'
            return 'accepted' if all([good(s) for s in signatures]) else 'refused'
        except Exception:
            return 'refused'

print(judge(*sys.argv[1:]))
"#;

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}

/// It lists empty fields too, and judges no document time-stamp.
fn pdfsig(path: &str, password: &str) -> Option<&'static str> {
    let text = run("pdfsig", &["-nocert", "-upw", password, path])?;
    let all: Vec<&str> = text.split("Signature #").skip(1).collect();
    let judged = |part: &&&str| !part.contains("is not signed") && !part.contains("Signature Type: unknown");
    let mut judged = all.iter().filter(judged).peekable();
    Some(if judged.peek().is_some() {
        if judged.all(|part| part.contains("Signature is Valid")) { ACCEPTED } else { REFUSED }
    } else if !all.is_empty() || text.contains("does not contain any signatures") {
        NONE
    } else {
        UNREADABLE
    })
}

fn ours(octets: &[u8]) -> (&'static str, &'static str) {
    let (policy, anchors) = (Policy::etsi(), TrustAnchors::new([]));
    let at = Time::parse_rfc3339("2026-11-24T12:00:00Z").unwrap();
    let Ok((pdf, password)) = corpus::open_pdf(octets) else { return (UNREADABLE, "") };
    let report: Report = Validator::new(&policy, &anchors, at).pdf(&pdf);
    let signatures = report.signatures();
    let intact = signatures.iter().all(|s| s.integrity() == Integrity::Intact);
    let verdict = match report.overall() {
        _ if signatures.is_empty() => NONE,
        Overall::TotalFailed => REFUSED,
        _ if intact => ACCEPTED,
        _ => REFUSED,
    };
    (verdict, password)
}

#[test]
fn differences_to_peers_are_explained() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    let manifest = fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let rows: Vec<(&str, &str)> = manifest
        .lines()
        .skip(1)
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|columns| (columns[0], columns[3]))
        .collect();
    let outcomes = corpus::each(&rows, |(file, _)| {
        let path = folder.join(file);
        let (verdict, password) = ours(&fs::read(&path).unwrap());
        let path = path.to_str().unwrap();
        let pdfsig = pdfsig(path, password)?;
        let printed = python::run(PYHANKO, &[path, password])?;
        assert!(printed.success, "{file}: {}", printed.text);
        Some((verdict, pdfsig, printed.text.trim_end().to_owned()))
    });
    // Where a peer is missing and need not be there.
    let Some(outcomes) = outcomes.into_iter().collect::<Option<Vec<_>>>() else { return };
    let mut exceptions = Exceptions::load("peers_corpus");
    for ((file, verdict), (ours, pdfsig, pyhanko)) in rows.iter().zip(outcomes) {
        // What the manifest leaves open is decided in the list as well.
        let open = matches!(*verdict, "DISAGREE" | "UNCLEAR" | "OK_CRYPTO");
        let actual = format!("{ours}; pyHanko: {pyhanko}; pdfsig: {pdfsig}");
        exceptions.record(file, !open && ours == pyhanko && ours == pdfsig, &actual);
    }
    exceptions.finish(rows.len());
}
