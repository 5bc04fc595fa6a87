//! The office's sequence: a draft with fields, the officer signs, the clerk
//! fills in number and date, the agency seals; every signature stays valid.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/pdf_peers.rs"]
mod pdf_peers;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;

use kyso::Error;
use kyso::Limits;
use kyso::error::RefusalReason;
use kyso::key::soft::SoftKey;
use kyso::pdf::Appearance;
use kyso::pdf::ChangeLevel;
use kyso::pdf::Draft;
use kyso::pdf::FieldLock;
use kyso::pdf::Filling;
use kyso::pdf::LockAction;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::SeedValues;
use kyso::pdf::SignatureField;
use kyso::pdf::TextField;
use kyso::pdf::page::Rectangle;
use kyso::pdf::text::Alignment;
use kyso::pdf::text::Text;
use kyso::pdf::update::Tail;
use kyso::sign::pades::PadesRequest;
use kyso::validate::Overall;
use office::Office;
use office::Plan;
use pdf_peers::Peers;
use sample_pdf::FORMS;
use sample_pdf::Xref;
use sample_pdf::two_pages;

const NOW: &str = "2026-11-23T01:00:00Z";
const LATER: &str = "2026-11-23T02:00:00Z";

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

fn joined(data: &[u8], tail: Tail) -> Vec<u8> {
    [data, tail.octets()].concat()
}

/// Officer, number, date, agency: the order of the office.
fn template(seed: SeedValues) -> Draft {
    Draft::new()
        .signature(SignatureField::new("NguoiKy").visible(0, Rectangle::new(330.0, 150.0, 160.0, 70.0)).seed(seed))
        .text(TextField::new("So", 0, Rectangle::new(60.0, 700.0, 80.0, 18.0)).label("Số"))
        .text(TextField::new("Ngay", 0, Rectangle::new(300.0, 700.0, 220.0, 18.0)).align(Alignment::Right))
        .signature(SignatureField::new("CoQuan").visible(0, Rectangle::new(270.0, 140.0, 90.0, 90.0)))
}

fn draft(data: &[u8], draft: &Draft) -> Vec<u8> {
    joined(data, draft.finish(&parse(data)).unwrap())
}

fn fill(data: &[u8], values: &[(&str, &str)]) -> Result<Vec<u8>, Error> {
    let filling = values.iter().fold(Filling::new(), |filling, (field, value)| filling.text(*field, *value));
    filling.finish(&parse(data)).map(|tail| joined(data, tail))
}

fn block(width: f64, height: f64) -> Appearance {
    Appearance::new(width, height).text(Text::new("Đã ký"))
}

fn request<'p>(pdf: &'p Pdf<'p>, field: &str) -> PadesRequest<'p> {
    PadesRequest::new(pdf, ca::at(NOW)).field(field).appearance(block)
}

fn sign(data: &[u8], key: &SoftKey, field: &str) -> Vec<u8> {
    request(&parse(data), field).sign(key).unwrap().to_octets().unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> RefusalReason {
    match result {
        Err(Error::Refused(refused)) => refused.reason(),
        other => panic!("{other:?}"),
    }
}

/// All signatures valid, what came after them permitted.
fn judge(office: &Office, peers: &Peers, name: &str, document: &[u8], signatures: usize, complete: bool) {
    let report = office.validate(document, LATER, &office.crls("2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z"));
    assert_eq!(report.signatures().len(), signatures);
    assert_eq!(report.overall(), Overall::TotalPassed, "{name}: {report:#?}");
    let pdf = parse(document);
    let facts = pdf.signatures().unwrap();
    let history = pdf.history(&facts).unwrap();
    for facts in &facts {
        let changes = history.after(facts);
        assert!(changes.permitted && changes.level <= ChangeLevel::Form, "{name}: {changes:#?}");
    }
    peers.judge(name, document, signatures, complete);
}

#[test]
fn officer_signs_clerk_fills_in_agency_seals() {
    let office = Plan::new().open();
    let peers = Peers::new(&office.root.certificate);
    for seed in [SeedValues::new(), SeedValues::new().certify(Permission::FormFilling)] {
        let certified = seed.certification.is_some();
        for form in if certified { &FORMS[..] } else { &FORMS[..1] } {
            let drafted = draft(&sample_pdf::plain(*form), &template(seed.clone()));
            peers.qpdf("draft.pdf", &drafted);
            assert_eq!(parse(&drafted).empty_signature_fields().unwrap().len(), 2);
            let signed = sign(&drafted, &office.officer, "NguoiKy");
            judge(&office, &peers, "officer.pdf", &signed, 1, true);
            let facts = parse(&signed).signatures().unwrap().remove(0);
            assert_eq!(facts.certification, certified.then_some(Permission::FormFilling));
            assert!(facts.locks.iter().all(|lock| lock.fields == ["So", "Ngay", "CoQuan"]), "{:?}", facts.locks);
            let values = [("So", "123/QĐ-UBND"), ("Ngay", "Trà Vinh, ngày 23 tháng 11 năm 2026")];
            let filled = fill(&signed, &values).unwrap();
            judge(&office, &peers, "clerk.pdf", &filled, 1, false);
            let sealed = sign(&filled, &office.agency, "CoQuan");
            judge(&office, &peers, "agency.pdf", &sealed, 2, true);
            assert!(sealed.starts_with(&filled) && filled.starts_with(&signed) && signed.starts_with(&drafted));
            if let Some(text) = peers.text("agency.pdf") {
                for (_, value) in values {
                    assert!(text.contains(value), "{text}");
                }
            }
            // The seal closes the form.
            assert_eq!(refusal(fill(&sealed, &[("So", "124/QĐ-UBND")])), RefusalReason::Locked);
        }
    }
}

/// What poppler draws is left as a picture for a person to look at.
#[test]
fn a_real_document_goes_the_whole_way() {
    let office = Plan::new().open();
    let peers = Peers::new(&office.root.certificate);
    let input = fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/cong-van.pdf")).unwrap();
    let drafted = draft(&input, &template(SeedValues::new().certify(Permission::FormFilling)));
    let signed = sign(&drafted, &office.officer, "NguoiKy");
    let filled = fill(&signed, &[("So", "123/UBND-VX"), ("Ngay", "Trà Vinh, ngày 23 tháng 11 năm 2026")]).unwrap();
    let sealed = sign(&filled, &office.agency, "CoQuan");
    judge(&office, &peers, "cong-van.pdf", &sealed, 2, true);
    peers.picture("cong-van.pdf", "draft-filled");
}

#[test]
fn what_was_not_left_open_is_refused_and_breaks_the_signature() {
    let office = Plan::new().open();
    let drafted = draft(&sample_pdf::plain(Xref::Table), &template(SeedValues::new()));
    // Filled in before the officer signs, nothing is locked yet.
    let early = fill(&drafted, &[("So", "1")]).unwrap();
    let signed = sign(&early, &office.officer, "NguoiKy");
    assert_eq!(parse(&signed).signatures().unwrap().len(), 1);
    // A field that the draft put before the officer is frozen by his signature.
    let before = Draft::new()
        .text(TextField::new("TrichYeu", 0, Rectangle::new(60.0, 650.0, 200.0, 40.0)).multiline())
        .signature(SignatureField::new("NguoiKy"));
    let signed = sign_invisibly(&draft(&sample_pdf::plain(Xref::Table), &before), &office.officer, "NguoiKy");
    assert_eq!(refusal(fill(&signed, &[("TrichYeu", "khác")])), RefusalReason::Locked);
    // New fields after a signature.
    let late = Draft::new().text(TextField::new("Muon", 0, Rectangle::new(60.0, 600.0, 80.0, 18.0)));
    assert_eq!(refusal(late.finish(&parse(&signed))), RefusalReason::Certified);
    // Certified without any change, or by a lock with /P 1.
    let closed = FieldLock { action: LockAction::Include, fields: Vec::new(), permission: Some(Permission::NoChanges) };
    let lock = Draft::new()
        .text(TextField::new("So", 0, Rectangle::new(60.0, 600.0, 80.0, 18.0)))
        .signature(SignatureField::new("NguoiKy").lock(closed));
    let signed = sign_invisibly(&draft(&sample_pdf::plain(Xref::Table), &lock), &office.officer, "NguoiKy");
    assert_eq!(refusal(fill(&signed, &[("So", "1")])), RefusalReason::Certified);
    assert_eq!(
        refusal(PadesRequest::new(&parse(&signed), ca::at(NOW)).sign(&office.agency).map(drop)),
        RefusalReason::Certified
    );
}

fn sign_invisibly(data: &[u8], key: &SoftKey, field: &str) -> Vec<u8> {
    PadesRequest::new(&parse(data), ca::at(NOW)).field(field).sign(key).unwrap().to_octets().unwrap()
}

#[test]
fn fields_of_others_are_filled_in_as_they_say() {
    let peers = Peers::new(&Plan::new().open().root.certificate);
    let field = |name: &str, y: u32, more: &str| {
        format!(
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T ({name}) /Rect [60 {y} 260 {}] /P 3 0 R /F 4 {more} >>",
            y + 20
        )
    };
    let fields = [
        field("Plain", 600, ""),
        field("Comb", 560, "/Ff 16777216 /MaxLen 10 /MK << /BC [0] /BG [0.9 0.9 1] >>"),
        field("Centred", 520, "/Q 1 /DA (/Helv 9 Tf 0 0 1 rg)"),
        field("Fixed", 480, "/Ff 1"),
        field("Secret", 440, "/Ff 8192"),
        field("Short", 400, "/MaxLen 3"),
        "<< /Type /Annot /Subtype /Widget /FT /Btn /T (Button) /Rect [0 0 9 9] /P 3 0 R >>".to_owned(),
    ];
    let refs: Vec<&str> = fields.iter().map(String::as_str).collect();
    let ids = "7 0 R 8 0 R 9 0 R 10 0 R 11 0 R 12 0 R 13 0 R";
    let form = format!("/AcroForm << /Fields [{ids}] /DA (/Helv 0 Tf 0 g) >>");
    for xref in FORMS {
        let document = sample_pdf::document(xref, &two_pages(&form, &format!("/Annots [{ids}]"), &refs));
        let values = [("Plain", "Nguyễn Thị Ánh"), ("Comb", "0123456789"), ("Centred", "giữa"), ("Short", "abc")];
        let filled = fill(&document, &values).unwrap();
        peers.qpdf("filled.pdf", &filled);
        if let Some(text) = peers.text("filled.pdf") {
            assert!(text.contains("Nguyễn Thị Ánh") && text.contains("giữa"), "{text}");
        }
        let pdf = parse(&filled);
        let (fields, _) = pdf.latest().fields().unwrap();
        assert_eq!(kyso::pdf::object::text_of(fields[0].value.as_string().unwrap()), "Nguyễn Thị Ánh");
        assert_eq!(refusal(fill(&document, &[("Fixed", "x")])), RefusalReason::Locked);
        assert!(matches!(fill(&document, &[("Secret", "x")]), Err(Error::Unsupported(_))));
        for (name, value) in
            [("Short", "abcd"), ("Button", "x"), ("None", "x"), ("Plain", "line\nbreak"), ("Plain", "公")]
        {
            let error = fill(&document, &[(name, value)]).unwrap_err();
            assert!(matches!(error, Error::Misuse(_) | Error::Unsupported(_)), "{error:?}");
        }
        let long = "dài ".repeat(200);
        assert!(matches!(fill(&document, &[("Plain", &long)]), Err(Error::Misuse(_))));
        let error = fill(&document, &[("None", "x")]).unwrap_err().to_string();
        assert!(error.contains("Plain") && error.contains("Short"), "{error}");
        assert!(matches!(fill(&document, &[("Plain", "a"), ("Plain", "b")]), Err(Error::Misuse(_))));
    }
    let xfa =
        sample_pdf::document(Xref::Table, &two_pages("/AcroForm << /Fields [7 0 R] /XFA (x) >>", "", &[&fields[0]]));
    assert!(matches!(fill(&xfa, &[("Plain", "a")]), Err(Error::Unsupported(_))));
}

#[test]
fn drafts_on_turned_pages_and_with_faults() {
    let peers = Peers::new(&Plan::new().open().root.certificate);
    for degrees in [90, 180, 270] {
        let document = sample_pdf::document(Xref::Table, &two_pages("", &format!("/Rotate {degrees}"), &[]));
        let place = Rectangle::new(100.0, 100.0, 160.0, 20.0);
        let drafted = draft(&document, &Draft::new().text(TextField::new("So", 0, place)));
        let filled = fill(&drafted, &[("So", "ngang")]).unwrap();
        peers.qpdf("turned.pdf", &filled);
        peers.picture("turned.pdf", &format!("turned-{degrees}"));
        // Upright as shown: poppler's boxes of words are wider than high.
        if let Some(word) = peers.word("turned.pdf", "ngang") {
            assert!(word.width() > word.height(), "{degrees}: {word:?}");
            assert!((100.0..260.0).contains(&word.left), "{degrees}: {word:?}");
        }
    }
    let plain = sample_pdf::plain(Xref::Table);
    let place = Rectangle::new(100.0, 100.0, 160.0, 20.0);
    let text = |name: &str| TextField::new(name, 0, place);
    for wrong in [
        Draft::new().text(text("a.b")),
        Draft::new().text(text("")),
        Draft::new().text(text("So")).signature(SignatureField::new("So")),
        Draft::new().text(TextField::new("So", 2, place)),
        Draft::new().text(TextField::new("So", 0, Rectangle::new(590.0, 1.0, 50.0, 10.0))),
        Draft::new().text(text("So").size(f64::NAN)),
        Draft::new(),
    ] {
        assert!(matches!(wrong.finish(&parse(&plain)), Err(Error::Misuse(_))), "{wrong:?}");
    }
}
