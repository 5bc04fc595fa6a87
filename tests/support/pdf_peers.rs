//! qpdf, poppler and pyHanko as judges of one PDF.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "python.rs"]
mod python;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use kyso::pdf::page::Rectangle;
use kyso::x509::Certificate;

pub struct Peers {
    dir: tempfile::TempDir,
}

/// Accepts signatures that fill the file or a revision, with changes that are permitted.
const PYHANKO: &str = r#"
import sys
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from datetime import datetime, timezone

path, root, count, complete = sys.argv[1:5]
moment = datetime(2026, 11, 23, 2, 0, tzinfo=timezone.utc)
with open(path, 'rb') as f:
    # Its strict mode refuses hybrid files as such.
    reader = PdfFileReader(f, strict=b'/XRefStm' not in open(path, 'rb').read())
    signatures = reader.embedded_regular_signatures
    assert len(signatures) == int(count), f'{len(signatures)} signatures'
    for index, signature in enumerate(signatures):
        context = ValidationContext(trust_roots=[load_cert_from_pemder(root)], moment=moment,
                                    allow_fetching=False, revocation_mode='soft-fail')
        status = validate_pdf_signature(signature, context)
        whole = complete == '1' and index == len(signatures) - 1
        good = (status.bottom_line and status.trusted and status.intact and status.valid
                and status.docmdp_ok is not False
                and status.coverage.name == ('ENTIRE_FILE' if whole else 'ENTIRE_REVISION'))
        print(signature.field_name, status.summary(), status.coverage.name, status.modification_level)
        assert good, status.pretty_print_details()
print('accepted')
"#;

/// Runs a peer; `None`, said aloud, where it is not installed and need not be.
pub fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}

fn text_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

impl Peers {
    /// Peers that trust `root`.
    pub fn new(root: &Certificate) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("root.pem"), root.to_pem()).unwrap();
        Self { dir }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// All judges on a file with so many signatures; `complete` where the last covers all of it.
    pub fn judge(&self, name: &str, document: &[u8], signatures: usize, complete: bool) {
        self.qpdf(name, document);
        self.pdfsig(name, signatures, complete);
        self.pyhanko(name, signatures, complete);
    }

    /// Writes the file, which qpdf must find nothing wrong with.
    pub fn qpdf(&self, name: &str, document: &[u8]) {
        let path = self.path(name);
        fs::write(&path, document).unwrap();
        if let Some(output) = run("qpdf", &["--check", path.to_str().unwrap()]) {
            assert!(output.status.success(), "{name}: {}", text_of(&output));
        }
    }

    pub fn pdfsig(&self, name: &str, signatures: usize, complete: bool) {
        // -nocert: it trusts the database of NSS alone; the equation and the digests are what it is asked.
        let Some(output) = run("pdfsig", &["-nocert", self.path(name).to_str().unwrap()]) else { return };
        let text = text_of(&output);
        assert_eq!(text.matches("Signature is Valid").count(), signatures, "{name}: {text}");
        assert_eq!(text.matches("Total document signed").count(), usize::from(complete), "{name}: {text}");
        assert_eq!(text.matches("ETSI.CAdES.detached").count(), signatures, "{name}: {text}");
    }

    pub fn pyhanko(&self, name: &str, signatures: usize, complete: bool) {
        let (path, root) = (self.path(name), self.path("root.pem"));
        let count = signatures.to_string();
        let complete = if complete { "1" } else { "0" };
        let arguments = [path.to_str().unwrap(), root.to_str().unwrap(), &count, complete];
        if let Some(printed) = python::run(PYHANKO, &arguments) {
            assert!(printed.success && printed.text.contains("accepted"), "{name}: {}", printed.text);
        }
    }

    /// What poppler reads on the pages.
    pub fn text(&self, name: &str) -> Option<String> {
        let output = run("pdftotext", &["-layout", self.path(name).to_str().unwrap(), "-"])?;
        assert!(output.status.success(), "{}", text_of(&output));
        Some(String::from_utf8(output.stdout).unwrap())
    }

    /// Where poppler sees a word on the page as shown, from its upper left corner.
    pub fn word(&self, name: &str, word: &str) -> Option<Rectangle> {
        let output = run("pdftotext", &["-bbox", self.path(name).to_str().unwrap(), "-"])?;
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.contains(&format!(">{word}<"))).unwrap_or_else(|| panic!("{text}"));
        let number = |key: &str| -> f64 {
            line.split(&format!("{key}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let (left, top) = (number("xMin"), number("yMin"));
        Some(Rectangle::new(left, top, number("xMax") - left, number("yMax") - top))
    }

    /// The first page as poppler draws it, for a person to look at.
    pub fn picture(&self, name: &str, picture: &str) {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join(picture);
        let path = self.path(name);
        let arguments = ["-png", "-r", "100", "-singlefile", path.to_str().unwrap(), target.to_str().unwrap()];
        if let Some(output) = run("pdftoppm", &arguments) {
            assert!(output.status.success(), "{}", text_of(&output));
        }
    }
}
