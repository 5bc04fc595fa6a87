//! Drafts, values and signatures in documents of every form: linearised,
//! packed into object streams, encrypted, larger than 32 bits count.
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
use std::fs::File;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::Path;

use kyso::Error;
use kyso::Limits;
#[cfg(feature = "aws-lc-rs")]
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::files;
use kyso::files::FileSource;
use kyso::key::soft::SoftKey;
use kyso::pdf::Coverage;
use kyso::pdf::Draft;
use kyso::pdf::Filling;
use kyso::pdf::Pdf;
use kyso::pdf::SignatureField;
use kyso::pdf::Source;
use kyso::pdf::TextField;
use kyso::pdf::page::Rectangle;
use kyso::pdf::update::Tail;
use kyso::secret::Password;
use kyso::sign::pades::PadesRequest;
use pdf_peers::Peers;
use pdf_peers::run;

const NOW: &str = "2026-11-23T01:00:00Z";

fn scene() -> (Peers, SoftKey) {
    let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root of forms")], None), KeySpec::P256);
    let key = root.issue(&ca::Template::new(&[(ca::CN, "Nguyễn Văn An")]), KeySpec::P256);
    (Peers::new(&root.certificate), key)
}

fn draft() -> Draft {
    Draft::new()
        .signature(SignatureField::new("NguoiKy"))
        .text(TextField::new("So", 0, Rectangle::new(60.0, 600.0, 120.0, 20.0)))
        .signature(SignatureField::new("CoQuan"))
}

fn open<'s>(data: &'s [u8], password: Option<&str>) -> Pdf<'s> {
    match password {
        Some(password) => Pdf::parse_with_password(data, &Limits::default(), &Password::new(password)).unwrap(),
        None => Pdf::parse(data, &Limits::default()).unwrap(),
    }
}

fn joined(data: &[u8], tail: &Tail) -> Vec<u8> {
    [data, tail.octets()].concat()
}

/// Draft, officer, number, agency.
fn whole_way(data: &[u8], key: &SoftKey, password: Option<&str>) -> Vec<u8> {
    let sign = |data: &[u8], field: &str| {
        let pdf = open(data, password);
        PadesRequest::new(&pdf, ca::at(NOW)).field(field).sign(key).unwrap().to_octets().unwrap()
    };
    let drafted = joined(data, &draft().finish(&open(data, password)).unwrap());
    let signed = sign(&drafted, "NguoiKy");
    let filling = Filling::new().text("So", "123/QĐ-UBND");
    let filled = joined(&signed, &filling.finish(&open(&signed, password)).unwrap());
    let sealed = sign(&filled, "CoQuan");
    assert!(sealed.starts_with(data));
    let pdf = open(&sealed, password);
    let signatures = pdf.signatures().unwrap();
    let history = pdf.history(&signatures).unwrap();
    assert_eq!(
        signatures.iter().map(|s| s.coverage).collect::<Vec<_>>(),
        [Coverage::Revision, Coverage::WholeDocument]
    );
    assert!(signatures.iter().all(|facts| history.after(facts).permitted), "{history:#?}");
    let (fields, _) = pdf.latest().fields().unwrap();
    let number = fields.iter().find(|field| field.name == "So").unwrap();
    assert_eq!(kyso::pdf::object::text_of(number.value.as_string().unwrap()), "123/QĐ-UBND");
    drop(pdf);
    sealed
}

fn qpdf(dir: &Path, data: &[u8], options: &[&str]) -> Option<Vec<u8>> {
    let (from, to) = (dir.join("from.pdf"), dir.join("to.pdf"));
    fs::write(&from, data).unwrap();
    let output = run("qpdf", &[options, &[from.to_str().unwrap(), to.to_str().unwrap()]].concat())?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(fs::read(to).unwrap())
}

#[test]
fn linearised_and_packed_documents() {
    let (peers, key) = scene();
    let dir = tempfile::tempdir().unwrap();
    let example = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/cong-van.pdf")).unwrap();
    for options in [
        &["--linearize"][..],
        &["--linearize", "--object-streams=generate"],
        &["--object-streams=generate"],
        &["--object-streams=disable", "--newline-before-endstream"],
    ] {
        let Some(document) = qpdf(dir.path(), &example, options) else { return };
        peers.judge("form.pdf", &whole_way(&document, &key, None), 2, true);
    }
}

#[test]
fn encrypted_documents_of_every_method() {
    let (_, key) = scene();
    let dir = tempfile::tempdir().unwrap();
    for form in sample_pdf::FORMS {
        for method in [
            &["40"][..],
            &["128", "--use-aes=n"],
            &["128", "--use-aes=y"],
            &["128", "--use-aes=y", "--cleartext-metadata"],
            &["256"],
            &["256", "--force-R5"],
        ] {
            let options = [&["--allow-weak-crypto", "--encrypt", "user", "owner"], method, &["--"]].concat();
            let Some(document) = qpdf(dir.path(), &sample_pdf::plain(form), &options) else { return };
            // Every method once; the other forms of cross-reference with two of them.
            if form != sample_pdf::Xref::Table && !matches!(method, ["128", "--use-aes=n"] | ["256"]) {
                continue;
            }
            for password in if method == ["256"] { &["user", "owner"][..] } else { &["owner"] } {
                let sealed = whole_way(&document, &key, Some(password));
                let path = dir.path().join("sealed.pdf");
                fs::write(&path, &sealed).unwrap();
                let path = path.to_str().unwrap();
                let check = run("qpdf", &["--check", "--password=user", path]).unwrap();
                assert!(check.status.success(), "{method:?}: {}", String::from_utf8_lossy(&check.stderr));
                let text = run("pdftotext", &["-upw", "user", path, "-"]).unwrap();
                assert!(String::from_utf8_lossy(&text.stdout).contains("123/QĐ-UBND"), "{method:?}");
                let told = run("pdfsig", &["-nocert", "-upw", "user", path]).unwrap();
                let told = String::from_utf8_lossy(&told.stdout).into_owned();
                assert_eq!(told.matches("Signature is Valid").count(), 2, "{method:?}: {told}");
            }
        }
    }
}

#[test]
fn what_the_encryption_forbids_is_refused_but_to_the_owner() {
    let (_, key) = scene();
    let dir = tempfile::tempdir().unwrap();
    let plain = sample_pdf::plain(sample_pdf::Xref::Table);
    let drafted = joined(&plain, &draft().finish(&open(&plain, None)).unwrap());
    let refused = |result: Result<(), Error>| match result {
        Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::Permissions),
        other => panic!("{other:?}"),
    };
    // Nothing at all; filling in and signing of fields that are there.
    for (allowed, fields) in [("none", false), ("form", true)] {
        let modify = format!("--modify={allowed}");
        let options = ["--encrypt", "user", "owner", "256", &modify, "--"];
        let Some(document) = qpdf(dir.path(), &drafted, &options) else { return };
        let user = open(&document, Some("user"));
        let late = Draft::new().text(TextField::new("Muon", 0, Rectangle::new(60.0, 500.0, 120.0, 20.0)));
        refused(late.finish(&user).map(drop));
        refused(PadesRequest::new(&user, ca::at(NOW)).sign(&key).map(drop));
        let filled = Filling::new().text("So", "1").finish(&user).map(drop);
        let signed = PadesRequest::new(&user, ca::at(NOW)).field("NguoiKy").sign(&key).map(drop);
        if fields {
            filled.unwrap();
            signed.unwrap();
        } else {
            refused(filled);
            refused(signed);
        }
        let owner = open(&document, Some("owner"));
        late.finish(&owner).unwrap();
        PadesRequest::new(&owner, ca::at(NOW)).sign(&key).unwrap();
    }
}

/// A document of two pages behind a hole of so many octets, which nothing refers to.
fn large(path: &Path, hole: u64) {
    let mut file = File::create(path).unwrap();
    let mut at = 0;
    let mut put = |file: &mut File, text: &str| {
        file.write_all(text.as_bytes()).unwrap();
        at += text.len() as u64;
        at - text.len() as u64
    };
    put(&mut file, "%PDF-1.7\n");
    let mut offsets = vec![put(&mut file, &format!("1 0 obj\n<< /Length {hole} >>\nstream\n"))];
    file.seek(SeekFrom::Current(i64::try_from(hole).unwrap())).unwrap();
    put(&mut file, "\nendstream\nendobj\n");
    let objects = [
        "<< /Type /Catalog /Pages 3 0 R >>",
        "<< /Type /Pages /Kids [4 0 R] /Count 1 /MediaBox [0 0 595 842] >>",
        "<< /Type /Page /Parent 3 0 R >>",
    ];
    for (index, object) in objects.iter().enumerate() {
        offsets.push(hole + put(&mut file, &format!("{} 0 obj\n{object}\nendobj\n", index + 2)));
    }
    let mut table = "xref\n0 5\n0000000000 65535 f \n".to_owned();
    table.extend(offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")));
    let start = hole + put(&mut file, &table);
    put(&mut file, &format!("trailer\n<< /Size 5 /Root 2 0 R >>\nstartxref\n{start}\n%%EOF\n"));
}

/// A document in memory with a hole in it, which takes no room.
struct Holed {
    parts: Vec<(u64, Vec<u8>)>,
    len: u64,
}

impl Source for Holed {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = usize::try_from(self.len.saturating_sub(offset)).unwrap_or(usize::MAX).min(buffer.len());
        let buffer = &mut buffer[..count];
        buffer.fill(b' ');
        for (start, part) in &self.parts {
            for (index, octet) in part.iter().enumerate() {
                if let Some(at) = (start + index as u64).checked_sub(offset)
                    && let Some(slot) = usize::try_from(at).ok().and_then(|at| buffer.get_mut(at))
                {
                    *slot = *octet;
                }
            }
        }
        Ok(count)
    }
}

/// The file on the disk is sparse: it takes a few blocks, and is read as zeros.
#[test]
fn a_document_beyond_four_gigabytes_is_signed_in_place() {
    const HOLE: u64 = (1 << 32) + 12_345;
    let (_, key) = scene();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("large.pdf");
    large(&path, HOLE);
    let before = fs::metadata(&path).unwrap().len();
    {
        let source = FileSource::open(&path).unwrap();
        let pdf = Pdf::parse(&source, &Limits::default()).unwrap();
        let drafted = draft().finish(&pdf).unwrap();
        files::append(&path, &source, drafted.octets()).unwrap();
    }
    let source = FileSource::open(&path).unwrap();
    let pdf = Pdf::parse(&source, &Limits::default()).unwrap();
    let request = PadesRequest::new(&pdf, ca::at(NOW)).field("NguoiKy");
    // Of four gigabytes the digest is what takes time.
    #[cfg(feature = "aws-lc-rs")]
    let request = request.backend(Backend::aws_lc_rs());
    let signed = request.sign(&key).unwrap();
    files::append(&path, &source, signed.tail()).unwrap();
    let source = FileSource::open(&path).unwrap();
    assert!(source.len() > before);
    let pdf = Pdf::parse(&source, &Limits::default()).unwrap();
    assert!(pdf.findings().is_empty(), "{:?}", pdf.findings());
    let facts = pdf.signatures().unwrap().remove(0);
    let [_, gap, rest, tail] = facts.byte_range.unwrap();
    assert!(gap > HOLE && rest > gap && rest + tail == source.len());
    assert_eq!(facts.coverage, Coverage::WholeDocument);
    // Another reader digests it, and finds what we did; it takes minutes for that, so only where asked.
    if std::env::var_os("KYSO_PEERS_ALL").is_none() {
        eprintln!("KYSO_PEERS_ALL is not set: not judged by pdfsig");
        return;
    }
    if let Some(told) = run("pdfsig", &["-nocert", path.to_str().unwrap()]) {
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        assert!(told.contains("Signature is Valid") && told.contains("Total document signed"), "{told}");
    }
}

#[test]
fn offsets_beyond_ten_digits_need_a_stream() {
    const FAR: u64 = 10_500_000_000;
    let pages = "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>\nendobj\n";
    let page = "3 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n";
    let head = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n";
    let offsets = [9, head.len(), head.len() + pages.len()];
    let body = format!("{head}{pages}{page}").into_bytes();
    let table: String = offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")).collect();
    let table =
        format!("xref\n0 4\n0000000000 65535 f \n{table}trailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n{FAR}\n%%EOF\n");
    let len = FAR + table.len() as u64;
    let pdf = Holed { parts: vec![(0, body.clone()), (FAR, table.into_bytes())], len };
    let pdf = Pdf::parse(pdf, &Limits::default()).unwrap();
    let error = draft().finish(&pdf).unwrap_err();
    assert!(matches!(&error, Error::Unsupported(_)) && error.to_string().contains("ten digits"), "{error}");

    let mut rows = vec![0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
    for offset in offsets.iter().map(|offset| *offset as u64).chain([FAR]) {
        rows.push(1);
        rows.extend_from_slice(&offset.to_be_bytes()[2..]);
        rows.extend_from_slice(&[0, 0]);
    }
    let dictionary = format!("<< /Type /XRef /Size 5 /W [1 6 2] /Root 1 0 R /Length {} >>", rows.len());
    let mut stream = format!("4 0 obj\n{dictionary}\nstream\n").into_bytes();
    stream.extend_from_slice(&rows);
    stream.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{FAR}\n%%EOF\n").as_bytes());
    let parts = vec![(0, body), (FAR, stream)];
    let len = FAR + parts[1].1.len() as u64;
    let pdf = Pdf::parse(Holed { parts: parts.clone(), len }, &Limits::default()).unwrap();
    let tail = draft().finish(&pdf).unwrap();
    // Read again with what was added.
    let whole = Holed {
        len: len + tail.octets().len() as u64,
        parts: parts.into_iter().chain([(len, tail.octets().to_vec())]).collect(),
    };
    let whole = Pdf::parse(whole, &Limits::default()).unwrap();
    assert!(whole.findings().is_empty(), "{:?}", whole.findings());
    assert_eq!(whole.empty_signature_fields().unwrap().len(), 2);
    assert!(whole.latest().startxref() > FAR);
}
