//! The presentations of Decree 30/2020/NĐ-CP, one after another on a letter of an office.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/verdict.rs"]
mod verdict;

use kyso::Error;
use kyso::Limits;
use kyso::key::SigningKey;
use kyso::pdf::Pdf;
use kyso::pdf::image::Image;
use kyso::pdf::page::Rectangle;
use kyso::pdf::search::Side;
use kyso::pdf::search::TextQuery;
use kyso::pdf::search::field_place;
use kyso::pdf::search::page_lines;
use kyso::profile::vietnam::CopyForm;
use kyso::profile::vietnam::looks::ANNEX;
use kyso::profile::vietnam::looks::At;
use kyso::profile::vietnam::looks::Block;
use kyso::profile::vietnam::looks::COPY;
use kyso::profile::vietnam::looks::Facts;
use kyso::profile::vietnam::looks::INCOMING;
use kyso::profile::vietnam::looks::LOOKS;
use kyso::profile::vietnam::looks::Look;
use kyso::profile::vietnam::looks::OFFICER;
use kyso::profile::vietnam::looks::SEAL;
use kyso::sign::pades::PadesRequest;
use verdict::Court;

const LETTER: &[u8] = include_bytes!("../examples/data/cong-van.pdf");
const HANDWRITING: &[u8] = include_bytes!("../examples/data/chu-ky.png");
const STAMP: &[u8] = include_bytes!("../examples/data/con-dau.png");

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

fn image(data: &[u8]) -> Image {
    Image::read(data, &Limits::default()).unwrap()
}

fn facts() -> Facts {
    Facts::new(ca::at("2026-11-23T01:00:00.5Z"))
        .agency("Ủy ban nhân dân xã Sông Mây")
        .document("128/UBND-VP")
        .copy(CopyForm::SaoY)
}

fn by_name() -> At {
    At::Near { query: TextQuery::new("Nguyễn Thị Ẩn Đổng"), side: None, gap: 4.0 }
}

fn sign(data: &[u8], key: &dyn SigningKey, field: &str, block: Block) -> Vec<u8> {
    let pdf = parse(data);
    let request = PadesRequest::new(&pdf, ca::at(verdict::SIGNED)).field(field);
    let request = request.visible(block.page, block.left, block.bottom, block.appearance);
    request.sign(key).unwrap().to_octets().unwrap()
}

fn rectangle(block: &Block) -> Rectangle {
    let (width, height) = block.appearance.size();
    Rectangle::new(block.left, block.bottom, width, height)
}

#[test]
fn the_seal_covers_a_third_of_the_signature_on_its_left() {
    let court = Court::open();
    let officer = OFFICER.block(parse(LETTER).latest(), &facts(), Some(&image(HANDWRITING)), &by_name()).unwrap();
    let pdf = parse(LETTER);
    let find = |text: &str| TextQuery::new(text).find(pdf.latest()).unwrap().rectangle;
    let (title, name, written) = (find("PHÓ CHỦ TỊCH"), find("Nguyễn Thị Ẩn Đổng"), rectangle(&officer));
    assert!(written.bottom > name.top && written.top < title.bottom, "{written:?}");
    let middle = |r: &Rectangle| ((r.left + r.right) / 2.0, (r.bottom + r.top) / 2.0);
    assert!((middle(&written).0 - middle(&name).0).abs() < 0.01);
    let free = (name.top + title.bottom) / 2.0;
    assert!((middle(&written).1 - free).abs() < 0.01, "in the middle between title and name");

    let one = sign(LETTER, &court.office.officer, "Officer", officer);
    court.passes(&one, "the officer's");
    let pdf = parse(&one);
    let seal = SEAL.block(pdf.latest(), &facts(), Some(&image(STAMP)), &At::Usual).unwrap();
    let (width, height) = image(STAMP).real_size().unwrap();
    let stamped = rectangle(&seal);
    assert!((stamped.width() - width).abs() < 1e-6 && (stamped.height() - height).abs() < 1e-6, "its real size");
    let covered = stamped.right - written.left;
    assert!((covered - written.width() / 3.0).abs() < 0.05, "{covered} of {written:?}");
    assert!((middle(&stamped).1 - middle(&written).1).abs() < 0.05);
    let named = SEAL.block(pdf.latest(), &facts(), Some(&image(STAMP)), &At::Field("Officer".to_owned())).unwrap();
    assert_eq!(rectangle(&named), stamped);
    let two = sign(&one, &court.office.agency, "Agency", seal);
    let report = court.passes(&two, "officer and agency");
    assert_eq!(report.signatures().len(), 2);
}

#[test]
fn blocks_in_the_corner_stand_clear_of_the_text() {
    let court = Court::open();
    let pdf = parse(LETTER);
    let lines = page_lines(pdf.latest(), 0).unwrap();
    for (look, stamp) in [(&ANNEX, None), (&COPY, None), (&INCOMING, Some(image(STAMP)))] {
        let block = look.block(pdf.latest(), &facts(), stamp.as_ref(), &At::Usual).unwrap();
        let place = rectangle(&block);
        assert_eq!(block.page, 0);
        assert!(place.right > 421.0 && place.bottom > 421.0, "{}: {place:?}", look.name);
        let covered: Vec<_> = lines.iter().filter(|line| line.rectangle.overlaps(&place)).collect();
        if look == &INCOMING {
            // There is no room for a seal of this size: never over the national motto.
            assert!(
                covered.iter().all(|line| !line.line.contains("CỘNG HÒA") && !line.line.contains("Độc lập")),
                "{covered:?}"
            );
        } else {
            assert!(place.right > 570.0 && covered.is_empty(), "{}: {place:?}", look.name);
        }
        let signed = sign(LETTER, &court.office.agency, "Agency", block);
        court.passes(&signed, look.name);
        if let Some(stamp) = &stamp {
            let pdf = parse(&signed);
            let field = pdf.latest().fields().unwrap().0.remove(0);
            let shown = field_place(pdf.latest(), &field).unwrap().unwrap().image.unwrap();
            let (width, height) = stamp.real_size().unwrap();
            let real = (shown.width() - width).abs() < 0.01 && (shown.height() - height).abs() < 0.01;
            assert!(real, "a seal has its real size: {shown:?}");
        }
        // A second one does not cover the first.
        let again = COPY.block(parse(&signed).latest(), &facts(), None, &At::Usual).unwrap();
        assert!(!rectangle(&again).overlaps(&place), "{}", look.name);
    }
}

#[test]
fn the_lines_are_those_of_the_rule() {
    let court = Court::open();
    let pdf = parse(LETTER);
    let shown = |look: &Look, facts: &Facts| {
        let block = look.block(pdf.latest(), facts, None, &At::Usual).unwrap();
        let signed = sign(LETTER, &court.office.agency, "Agency", block);
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), &signed).unwrap();
        let output = std::process::Command::new("pdftotext").arg(path.path()).arg("-").output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.ok()
    };
    for (look, lines) in [
        (&ANNEX, ["128/UBND-VP", "Ủy ban nhân dân xã Sông Mây", "2026-11-23T08:00:00+07:00"]),
        (&COPY, ["SAO Y", "Ủy ban nhân dân xã Sông Mây", "2026-11-23T08:00:00+07:00"]),
    ] {
        let Some(text) = shown(look, &facts()) else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pdftotext is required here");
            eprintln!("pdftotext not found: skipped");
            return;
        };
        for line in lines {
            assert!(text.lines().any(|shown| shown.trim() == line), "{}: {line:?} in {text}", look.name);
        }
    }
    // What is not given is left out.
    let text = shown(&ANNEX, &Facts::new(ca::at(verdict::SIGNED)).agency("UBND")).unwrap();
    assert!(!text.contains("{document}") && text.contains("+07:00"));
    // A long name is wrapped, never made smaller.
    let long =
        facts().agency("Ban Quản lý dự án đầu tư xây dựng các công trình dân dụng và công nghiệp tỉnh Hương Bình");
    let block = COPY.block(pdf.latest(), &long, None, &At::Usual).unwrap();
    assert!(block.appearance.size().0 <= 595.4 * 0.45 + 0.2 && block.appearance.size().1 > 46.0, "{block:?}");
    sign(LETTER, &court.office.agency, "Agency", block);
}

#[test]
fn what_is_missing_is_said() {
    let pdf = parse(LETTER);
    let refusal = |look: &Look, image: Option<&Image>, at: &At| match look.block(pdf.latest(), &facts(), image, at) {
        Err(Error::Misuse(misuse)) => misuse.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refusal(&OFFICER, None, &by_name()).contains("image of the handwritten signature"));
    assert!(refusal(&OFFICER, Some(&image(HANDWRITING)), &At::Usual).contains("where does the officer sign?"));
    assert!(refusal(&SEAL, Some(&image(STAMP)), &At::Usual).contains("let the officer sign first"));
    assert!(refusal(&SEAL, Some(&image(STAMP)), &At::Field("No".to_owned())).contains("\"No\""));
    assert!(refusal(&COPY, Some(&image(STAMP)), &At::Usual).contains("shows no image"));
    let nameless = At::Near { query: TextQuery::new("Trần Văn B"), side: None, gap: 0.0 };
    assert!(refusal(&OFFICER, Some(&image(HANDWRITING)), &nameless).contains("does not stand in the document"));
    // A seal without a resolution has no real size; a rectangle gives it one.
    let mut small = Vec::new();
    png::Encoder::new(&mut small, 1, 1).write_header().unwrap().write_image_data(&[9]).unwrap();
    let unknown = image(&small);
    let beside = |side| At::Near { query: TextQuery::new("Nơi nhận:"), side: Some(side), gap: 0.0 };
    assert!(refusal(&SEAL, Some(&unknown), &beside(Side::Left)).contains("real size is not known"));
    let at = At::Rectangle { page: 0, rectangle: Rectangle::new(50.0, 50.0, 120.0, 100.0) };
    let block = SEAL.block(pdf.latest(), &facts(), Some(&unknown), &at).unwrap();
    assert_eq!(rectangle(&block), Rectangle::new(60.0, 50.0, 100.0, 100.0));
    for look in LOOKS {
        assert_eq!(Look::by_name(look.name), Some(look));
    }
    assert_eq!(Look::by_name("Officer"), None);
}
