//! Detached signatures that come beside their content: which attachment each is about, and what it makes of that.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::Authority;
use ca::CN;
use ca::Template;
use ca::at;
use kyso::Error;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::Writer;
use kyso::exchange::Receipt;
use kyso::exchange::Role;
use kyso::exchange::SignedFile;
use kyso::exchange::SignedKind;
use kyso::exchange::Signing;
use kyso::files::FileSpool;
use kyso::key::soft::SoftKey;
use kyso::revocation::Evidence;
use kyso::sign::cades::CadesRequest;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::validate::Policy;
use kyso::validate::Validator;
use kyso::x509::Crl;

const SIGNED: &str = "2026-11-23T02:30:00Z";
const RECEIVED: &str = "2026-11-23T03:00:00Z";

struct Scene {
    root: Authority,
    agency: SoftKey,
}

impl Scene {
    fn new() -> Self {
        let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
        let agency = root.issue(&Template::new(&[(CN, "UBND tỉnh Trà Vinh")]), KeySpec::P256);
        Self { root, agency }
    }

    fn detached(&self, content: &[u8]) -> Vec<u8> {
        CadesRequest::new(content, at(SIGNED)).detached().sign(&self.agency).unwrap().into_octets()
    }

    fn attached(&self, content: &[u8]) -> Vec<u8> {
        CadesRequest::new(content, at(SIGNED)).sign(&self.agency).unwrap().into_octets()
    }

    fn receive(&self, files: &[(&str, &[u8])]) -> Receipt {
        let message: Message = messages::plain().into();
        let contents: Vec<Vec<u8>> = files.iter().map(|(_, content)| content.to_vec()).collect();
        let mut writer = Writer::new(&message);
        for ((name, _), content) in files.iter().zip(&contents) {
            writer = writer.enclose(Enclosure::new(*name, "application/octet-stream", content));
        }
        self.receive_text(&writer.to_vec().unwrap())
    }

    fn receive_text(&self, text: &[u8]) -> Receipt {
        let text = text.to_vec();
        let envelope = Envelope::read(&text, &Limits::default()).unwrap();
        let mut set = TrustSet::new("office");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        let anchors = TrustAnchors::new([set]);
        let mut evidence = Evidence::new();
        let crl = self.root.crl(at("2026-11-23T00:00:00Z"), at("2026-11-30T00:00:00Z"));
        evidence.add_crl(Crl::from_der(&crl).unwrap());
        let policy = Policy::etsi();
        let judge = |file: &SignedFile<'_>| {
            let validator = Validator::new(&policy, &anchors, at(RECEIVED)).evidence(&evidence);
            match file.kind {
                SignedKind::Pdf(pdf) => Ok::<_, Error>(validator.pdf(pdf)),
                SignedKind::Cms { signed, content } => Ok(validator.cms(signed, content)),
                _ => panic!("a kind that is not known here"),
            }
        };
        let roles = |_: &_| Some(Role::Agency);
        let receipt = Receipt::make(&envelope, judge, &roles).unwrap();
        // Kept in a file it is the same.
        let folder = tempfile::tempdir().unwrap();
        let mut spool = FileSpool::new(folder.path());
        let again = Receipt::make_with(&envelope, &mut spool, judge, &roles).unwrap();
        assert_eq!(format!("{again:?}"), format!("{receipt:?}"));
        receipt
    }
}

fn signing(receipt: &Receipt) -> Vec<(Signing, Option<usize>)> {
    receipt.attachments.iter().map(|a| (a.signing, a.signs)).collect()
}

/// The code of each finding, and the attachment at which it stands.
fn codes(receipt: &Receipt) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    for finding in &receipt.check.findings {
        let (path, _) = finding.place().unwrap().rsplit_once(", line ").unwrap();
        all.push((finding.code(), path.rsplit_once('/').unwrap().1));
    }
    all
}

#[test]
fn a_signature_file_is_validated_over_the_file_that_it_names() {
    let scene = Scene::new();
    let text = "Phụ lục kèm theo".as_bytes();
    let signature = scene.detached(text);
    for (name, of) in [
        ("phụ lục.docx", "phụ lục.docx.p7s"),
        ("phụ lục.docx", "phụ lục.p7s"),
        // Composed in one place, decomposed in the other, and in other letters.
        ("phụ lục.docx", "phu\u{323} lu\u{323}c.docx.p7s"),
        ("phu\u{323} lu\u{323}c.DOCX", "PHỤ LỤC.docx.P7S"),
        ("phụ lục", "phụ lục.p7s"),
    ] {
        for order in [[0, 1], [1, 0]] {
            let files = [(name, text), (of, signature.as_slice())];
            let receipt = scene.receive(&[files[order[0]], files[order[1]]]);
            let (content, own) = (order[0], 1 - order[0]);
            let found = signing(&receipt);
            assert_eq!(found[content], (Signing::NotLookedAt, None), "{of}");
            assert_eq!(found[own], (Signing::AgencyOnly, Some(content)), "{of}");
            assert_eq!(codes(&receipt), [], "{of}");
        }
    }
    // Over another content it fails, and that is told at the signature.
    let receipt = scene.receive(&[("a.docx", b"Another text"), ("a.docx.p7s", &signature)]);
    assert_eq!(signing(&receipt)[1], (Signing::Failed, Some(0)));
    assert_eq!(codes(&receipt), [("ATTACHMENT_SIGNATURE_FAILED", "Attachment[2]")]);
}

#[test]
fn a_file_without_own_signatures_is_what_the_signature_beside_it_makes_it() {
    let scene = Scene::new();
    let pdf = sample_pdf::plain(sample_pdf::Xref::Table);
    let receipt = scene.receive(&[("a.pdf", &pdf), ("a.pdf.p7s", &scene.detached(&pdf))]);
    assert_eq!(signing(&receipt), [(Signing::Unsigned, None), (Signing::AgencyOnly, Some(0))]);
    #[cfg(feature = "serde")]
    {
        let json: serde_json::Value = serde_json::from_str(&receipt.to_json().unwrap()).unwrap();
        assert_eq!(
            (&json["attachments"][0]["signs"], &json["attachments"][1]["signs"]),
            (&serde_json::Value::Null, &0.into())
        );
    }
}

#[test]
fn what_a_name_leaves_open_is_told_and_not_guessed() {
    let scene = Scene::new();
    let text = b"Noi dung".as_slice();
    let signature = scene.detached(text);
    let undecided = (Signing::Undecided, None);
    for (files, code) in [
        (&["a.docx", "a.xlsx", "a.p7s"][..], "ATTACHMENT_CONTENT_AMBIGUOUS"),
        (&["a.docx", "a.docx", "a.docx.p7s"], "ATTACHMENT_CONTENT_AMBIGUOUS"),
        (&["a.docx", "b.xlsx", "c.p7s"], "ATTACHMENT_CONTENT_MISSING"),
        (&["a.docx", "A.docx", "b.docx", ".p7s"], "ATTACHMENT_CONTENT_MISSING"),
    ] {
        let last = files.len() - 1;
        let all: Vec<(&str, &[u8])> =
            files.iter().enumerate().map(|(n, name)| (*name, if n == last { &*signature } else { text })).collect();
        let receipt = scene.receive(&all);
        assert_eq!(signing(&receipt)[last], undecided, "{files:?}");
        let told: Vec<&str> = codes(&receipt).iter().map(|(code, _)| *code).collect();
        assert_eq!(told, [code, "ATTACHMENT_SIGNATURE_UNDECIDED"], "{files:?}");
    }
    // The whole name goes before the name without extension.
    let receipt = scene.receive(&[("a", text), ("a.docx", b"x"), ("a.p7s", &signature)]);
    assert_eq!(signing(&receipt)[2], (Signing::AgencyOnly, Some(0)));
    // Signature files are no content of each other, and two may be about the same file.
    let receipt = scene.receive(&[("a.docx", text), ("a.p7s", &signature), ("a.docx.p7s", &signature)]);
    assert_eq!(signing(&receipt)[1..], [(Signing::AgencyOnly, Some(0)); 2]);
    // What holds its content covers that, whatever its name says.
    let receipt = scene.receive(&[("a.docx", b"Another text"), ("a.docx.p7s", &scene.attached(text))]);
    assert_eq!((signing(&receipt)[1], codes(&receipt)), ((Signing::AgencyOnly, None), vec![]));
    let receipt = scene.receive(&[("a.p7s", &scene.attached(text))]);
    assert_eq!((signing(&receipt)[0], codes(&receipt)), ((Signing::AgencyOnly, None), vec![]));
}

#[test]
fn a_damaged_content_and_a_crowd_of_signatures_are_told() {
    let scene = Scene::new();
    let noise: Vec<u8> = (0..3_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let signature = scene.detached(&noise);
    let message: Message = messages::plain().into();
    let writer = Writer::new(&message)
        .enclose(Enclosure::new("a.bin", "application/octet-stream", &noise))
        .enclose(Enclosure::new("a.bin.p7s", "application/pkcs7-signature", &signature));
    let text = String::from_utf8(writer.to_vec().unwrap()).unwrap();
    let at = text.find(">UEsD").unwrap() + 200;
    let receipt = scene.receive_text(format!("{}*{}", &text[..at], &text[at + 1..]).as_bytes());
    assert_eq!(signing(&receipt), [(Signing::Unreadable, None), (Signing::Undecided, None)]);
    assert_eq!(
        codes(&receipt),
        [
            ("ATTACHMENT_DAMAGED", "Attachment[1]"),
            ("ATTACHMENT_CONTENT_MISSING", "Attachment[2]"),
            ("ATTACHMENT_SIGNATURE_UNDECIDED", "Attachment[2]"),
        ]
    );
    let mut files = vec![("a.bin", noise.as_slice())];
    files.extend([("a.bin.p7s", signature.as_slice()); 20]);
    let receipt = scene.receive(&files);
    let over = signing(&receipt).iter().filter(|(_, signs)| *signs == Some(0)).count();
    assert_eq!(over, 16);
    let told = codes(&receipt).iter().filter(|(code, _)| *code == "ATTACHMENT_CONTENT_AMBIGUOUS").count();
    assert_eq!(told, 4);
}
