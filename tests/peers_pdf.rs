//! Poppler, pyHanko and qpdf judge the PDFs that we sign.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/pdf_peers.rs"]
mod pdf_peers;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::path::Path;

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
use pdf_peers::Peers;
use pdf_peers::run;
use sample_pdf::FORMS;
use sample_pdf::Xref;

const NOW: &str = "2026-11-23T01:00:00Z";

/// What all tests here need: a CA, and judges that trust the root above it.
struct Scene {
    ca: Authority,
    peers: Peers,
}

impl Scene {
    fn new() -> Self {
        let root = Authority::root(Template::ca(&[(ca::CN, "Root of peers_pdf")], None), KeySpec::P256);
        let ca = root.subordinate(Template::ca(&[(ca::CN, "CA of peers_pdf")], Some(0)), KeySpec::P256);
        Self { ca, peers: Peers::new(&root.certificate) }
    }

    fn key(&self, name: &str, spec: KeySpec) -> SoftKey {
        self.ca.issue(&Template::new(&[(ca::C, "VN"), (ca::CN, name)]), spec)
    }

    /// All judges on one file with so many signatures, the last over all of it.
    fn judge(&self, name: &str, signed: &[u8], signatures: usize) {
        self.peers.judge(name, signed, signatures, true);
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
            scene.peers.qpdf("signed.pdf", &signed);
            scene.peers.pyhanko("signed.pdf", 1, true);
            // NSS, which this pdfsig verifies with, knows no Ed25519 in CMS.
            if spec != KeySpec::Ed25519 {
                scene.peers.pdfsig("signed.pdf", 1, true);
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
    let (before, invisible, visible) =
        (scene.peers.path("before.pdf"), scene.peers.path("in.pdf"), scene.peers.path("block.pdf"));
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
