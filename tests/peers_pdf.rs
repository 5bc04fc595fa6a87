//! Poppler, pyHanko and qpdf judge the PDFs that we sign.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use ca::Authority;
use ca::Template;
use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::key::soft::SoftKey;
use kyso::pdf::Appearance;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::text::Text;
use kyso::sign::pades::PadesRequest;
use sample_pdf::FORMS;
use sample_pdf::Xref;

const NOW: &str = "2026-11-23T01:00:00Z";

/// What all tests here need: a root, a CA below it, and a folder.
struct Scene {
    ca: Authority,
    dir: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let root = Authority::root(Template::ca(&[(ca::CN, "Root of peers_pdf")], None), KeySpec::P256);
        let ca = root.subordinate(Template::ca(&[(ca::CN, "CA of peers_pdf")], Some(0)), KeySpec::P256);
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("root.pem"), root.certificate.to_pem()).unwrap();
        Self { ca, dir }
    }

    fn key(&self, name: &str, spec: KeySpec) -> SoftKey {
        self.ca.issue(&Template::new(&[(ca::C, "VN"), (ca::CN, name)]), spec)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// All judges on one file with so many signatures.
    fn judge(&self, name: &str, signed: &[u8], signatures: usize) {
        let path = self.path(name);
        fs::write(&path, signed).unwrap();
        qpdf(&path);
        pdfsig(&path, signatures);
        pyhanko(&path, &self.path("root.pem"), signatures);
    }
}

/// Runs a peer; `None`, said aloud, where it is not installed and need not be.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn qpdf(path: &Path) {
    if let Some(output) = run("qpdf", &["--check", path.to_str().unwrap()]) {
        assert!(output.status.success(), "{}: {}", path.display(), text(&output));
    }
}

fn pdfsig(path: &Path, signatures: usize) {
    // -nocert: it trusts the database of NSS alone; the equation and the digests are what it is asked.
    let Some(output) = run("pdfsig", &["-nocert", path.to_str().unwrap()]) else { return };
    let text = text(&output);
    assert_eq!(text.matches("Signature is Valid").count(), signatures, "{}: {text}", path.display());
    assert_eq!(text.matches("Total document signed").count(), 1, "{}: {text}", path.display());
    assert_eq!(text.matches("ETSI.CAdES.detached").count(), signatures, "{}: {text}", path.display());
}

const PYHANKO: &str = r#"
import sys
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from datetime import datetime, timezone

path, root, count = sys.argv[1:4]
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
        last = index == len(signatures) - 1
        good = (status.bottom_line and status.trusted and status.intact and status.valid
                and status.docmdp_ok is not False
                and status.coverage.name == ('ENTIRE_FILE' if last else 'ENTIRE_REVISION'))
        print(signature.field_name, status.summary(), status.coverage.name, status.modification_level)
        assert good, status.pretty_print_details()
print('accepted')
"#;

fn pyhanko(path: &Path, root: &Path, signatures: usize) {
    // The environment that tests/run.sh makes; without it pyHanko is not found, and skipped.
    let python = std::env::var("KYSO_PYTHON").unwrap_or_else(|_| "KYSO_PYTHON".to_owned());
    let arguments = ["-c", PYHANKO, path.to_str().unwrap(), root.to_str().unwrap(), &signatures.to_string()];
    if let Some(output) = run(&python, &arguments) {
        let text = text(&output);
        assert!(output.status.success() && text.contains("accepted"), "{}: {text}", path.display());
    }
}

fn sign(data: &[u8], key: &SoftKey, request: impl FnOnce(PadesRequest<'_>) -> PadesRequest<'_>) -> Vec<u8> {
    let pdf = Pdf::parse(data.to_vec(), &Limits::default()).unwrap();
    request(PadesRequest::new(&pdf, ca::at(NOW))).sign(key).unwrap().to_octets().unwrap()
}

#[test]
fn every_key_and_every_form_is_accepted() {
    let scene = Scene::new();
    for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::Ed25519] {
        let key = scene.key("Nguyễn Văn A", spec);
        for form in FORMS {
            let signed = sign(&sample_pdf::plain(form), &key, |request| request.reason("Phê duyệt"));
            let path = scene.path("signed.pdf");
            fs::write(&path, &signed).unwrap();
            qpdf(&path);
            pyhanko(&path, &scene.path("root.pem"), 1);
            // NSS, which this pdfsig verifies with, knows no Ed25519 in CMS.
            if spec != KeySpec::Ed25519 {
                pdfsig(&path, 1);
            }
        }
    }
}

#[test]
fn digests_and_pss_are_accepted() {
    let scene = Scene::new();
    let key = scene.key("Trần Thị B", KeySpec::Rsa2048);
    for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
        let plain = sample_pdf::plain(Xref::Table);
        scene.judge("pkcs1.pdf", &sign(&plain, &key, |request| request.digest(digest)), 1);
        scene.judge("pss.pdf", &sign(&plain, &key, |request| request.digest(digest).pss()), 1);
    }
}

/// A visible block with Vietnamese text.
fn block(width: f64, height: f64) -> Appearance {
    Appearance::new(width, height).text(Text::new("Ký bởi: Nguyễn Văn A\nNgày ký: 23/11/2026 08:00:00 +07:00"))
}

#[test]
fn officer_and_agency_sign_one_after_the_other() {
    let scene = Scene::new();
    let officer = scene.key("Nguyễn Văn A", KeySpec::Rsa2048);
    let agency = scene.key("Ủy ban nhân dân tỉnh", KeySpec::P256);
    for form in FORMS {
        let first = sign(&sample_pdf::plain(form), &officer, |r| r.visible(0, 330.0, 90.0, block(200.0, 80.0)));
        scene.judge("first.pdf", &first, 1);
        let second = sign(&first, &agency, |r| r.visible(1, 100.0, 90.0, block(200.0, 80.0)));
        scene.judge("second.pdf", &second, 2);
        let third = sign(&second, &officer, |r| r.field("Lưu").location("Hà Nội"));
        scene.judge("third.pdf", &third, 3);
    }
}

#[test]
fn existing_fields_and_certifications_are_accepted() {
    let scene = Scene::new();
    let officer = scene.key("Nguyễn Văn A", KeySpec::P256);
    let agency = scene.key("Ủy ban nhân dân tỉnh", KeySpec::P256);
    for form in FORMS {
        let filled = sign(&sample_pdf::with_field(form, ""), &officer, |r| r.field("Approval").appearance(block));
        scene.judge("filled.pdf", &filled, 1);
        let lock = "/Lock << /Type /SigFieldLock /Action /All >>";
        let locked = sign(&sample_pdf::with_field(form, lock), &officer, |r| r.field("Approval"));
        scene.judge("locked.pdf", &locked, 1);
        for permission in [Permission::NoChanges, Permission::FormFilling, Permission::Annotating] {
            let certified = sign(&sample_pdf::with_field(form, ""), &agency, |r| r.certify(permission));
            scene.judge("certified.pdf", &certified, 1);
            if permission != Permission::NoChanges {
                let both = sign(&certified, &officer, |r| r.field("Approval").appearance(block));
                scene.judge("certified-and-signed.pdf", &both, 2);
                let both = sign(&certified, &officer, |r| r);
                scene.judge("certified-and-signed-invisibly.pdf", &both, 2);
            }
        }
    }
}

/// The first page as poppler draws it: width and grey values at one pixel a point.
fn drawn(path: &Path) -> Option<(usize, Vec<u8>)> {
    let output = run("pdftoppm", &["-gray", "-r", "72", "-f", "1", "-l", "1", path.to_str().unwrap()])?;
    assert!(output.status.success());
    let header: Vec<&[u8]> = output.stdout.splitn(4, |b| *b == b'\n').collect();
    let [b"P5", size, b"255", pixels] = header[..] else { panic!("not a grey map") };
    let width = std::str::from_utf8(size).unwrap().split(' ').next().unwrap().parse().unwrap();
    Some((width, pixels.to_vec()))
}

/// What poppler draws is left as a picture for a person to look at.
#[test]
fn the_block_stands_where_it_was_asked_for_and_nothing_else_moves() {
    let scene = Scene::new();
    let officer = scene.key("Nguyễn Văn A", KeySpec::P256);
    let plain = sample_pdf::plain(Xref::Table);
    let (before, invisible, visible) = (scene.path("before.pdf"), scene.path("in.pdf"), scene.path("block.pdf"));
    fs::write(&before, &plain).unwrap();
    fs::write(&invisible, sign(&plain, &officer, |r| r)).unwrap();
    fs::write(&visible, sign(&plain, &officer, |r| r.visible(0, 330.0, 90.0, block(200.0, 80.0)))).unwrap();
    let Some((width, unsigned)) = drawn(&before) else { return };
    assert_eq!(drawn(&invisible).unwrap().1, unsigned);
    let (_, signed) = drawn(&visible).unwrap();
    let height = signed.len() / width;
    let changed = |x: usize, y: usize| signed[y * width + x] != unsigned[y * width + x];
    let inside = |x: usize, y: usize| (330..=530).contains(&x) && (height - 170..=height - 90).contains(&y);
    let all = || (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let (within, without): (Vec<_>, Vec<_>) = all().filter(|(x, y)| changed(*x, *y)).partition(|(x, y)| inside(*x, *y));
    assert!(within.len() > 500 && without.is_empty(), "{} and {:?}", within.len(), without.first());
    let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join("visible-block");
    let arguments = ["-png", "-r", "100", "-singlefile", visible.to_str().unwrap(), picture.to_str().unwrap()];
    assert!(run("pdftoppm", &arguments).unwrap().status.success());
}
