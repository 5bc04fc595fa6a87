//! Where a visible signature stands, and what the document keeps: turned,
//! shifted and scaled pages, a place by a text, tagged documents, PDF/A.
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

use std::fs;
use std::process::Command;

use kyso::Limits;
use kyso::pdf::Appearance;
use kyso::pdf::Object;
use kyso::pdf::Pdf;
use kyso::pdf::appearance::Placement;
use kyso::pdf::image::Image;
use kyso::pdf::object::Dictionary;
use kyso::pdf::page::Rectangle;
use kyso::pdf::search::FieldPlace;
use kyso::pdf::search::Side;
use kyso::pdf::search::TextQuery;
use kyso::pdf::search::field_place;
use kyso::pdf::text::Text;
use kyso::sign::pades::PadesRequest;
use sample_pdf::FORMS;
use sample_pdf::Xref;
use sample_pdf::two_pages;
use verdict::Court;

const HANDWRITING: &[u8] = include_bytes!("../examples/data/chu-ky.png");

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

fn signed(court: &Court, data: &[u8], name: &str, place: (usize, f64, f64), shown: &Appearance) -> Vec<u8> {
    let pdf = parse(data);
    let request = PadesRequest::new(&pdf, ca::at(verdict::SIGNED)).field(name);
    let request = request.visible(place.0, place.1, place.2, shown.clone());
    request.sign(&court.office.officer).unwrap().to_octets().unwrap()
}

fn place_of(data: &[u8], name: &str) -> FieldPlace {
    let pdf = parse(data);
    let fields = pdf.latest().fields().unwrap().0;
    let field = fields.iter().find(|field| field.name == name).unwrap();
    field_place(pdf.latest(), field).unwrap().unwrap()
}

fn near(a: &Rectangle, b: &Rectangle) -> bool {
    let pairs = [(a.left, b.left), (a.bottom, b.bottom), (a.right, b.right), (a.top, b.top)];
    pairs.iter().all(|(a, b)| (a - b).abs() < 0.02)
}

fn image() -> Image {
    Image::read(HANDWRITING, &Limits::default()).unwrap()
}

/// Pages that show the same at the same place, though they are written otherwise.
const PAGES: [&str; 8] = [
    "",
    "/Rotate 90 /MediaBox [0 0 842 595]",
    "/Rotate 180",
    "/Rotate -90 /MediaBox [0 0 842 595]",
    "/MediaBox [-100 -200 495 642]",
    "/MediaBox [0 0 900 910] /CropBox [50 60 645 902]",
    "/UserUnit 2 /MediaBox [10 20 307.5 441]",
    "/Rotate 270 /UserUnit 0.5 /MediaBox [-1684 -1190 0 0]",
];

#[test]
fn the_block_stands_where_it_was_put_on_every_page() {
    let court = Court::open();
    let shown = Appearance::new(150.0, 40.0).image(image(), Placement::Behind);
    for page in PAGES {
        for form in FORMS {
            let data = sample_pdf::document(form, &two_pages("", page, &[]));
            let document = signed(&court, &data, "A", (0, 100.0, 700.0), &shown);
            court.passes(&document, page);
            let place = place_of(&document, "A");
            assert!(near(&place.rectangle, &Rectangle::new(100.0, 700.0, 150.0, 40.0)), "{page}: {place:?}");
            // The image keeps its proportions in the middle of the block, upright.
            let drawn = place.image.unwrap();
            let (width, height) = image().pixels();
            let proportion = f64::from(width) / f64::from(height);
            assert!((drawn.width() / drawn.height() - proportion).abs() < 0.05, "{page}: {drawn:?}");
            assert!(near(&place.rectangle, &Rectangle { ..place.rectangle }) && place.rectangle.overlaps(&drawn));
        }
    }
}

/// What a peer draws is the same for every way to write the page.
#[test]
fn poppler_draws_the_same_on_every_page() {
    let court = Court::open();
    let shown = Appearance::new(150.0, 40.0).text(Text::new("Người ký: Trần Thị Bưởi"));
    let dir = tempfile::tempdir().unwrap();
    let mut first = None;
    for (index, page) in PAGES.iter().enumerate().filter(|(_, page)| !page.contains("UserUnit")) {
        // Nothing but the block, so that all pages look the same.
        let mut objects = two_pages("", page, &[]);
        objects[3] = "<< /Length 0 >>\nstream\n\nendstream".to_owned();
        let document = signed(&court, &sample_pdf::document(Xref::Table, &objects), "A", (0, 100.0, 700.0), &shown);
        let path = dir.path().join(format!("{index}.pdf"));
        fs::write(&path, document).unwrap();
        let output =
            Command::new("pdftoppm").args(["-r", "50", "-f", "1", "-l", "1", "-gray", "-cropbox"]).arg(&path).output();
        let Ok(output) = output else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pdftoppm is required here");
            eprintln!("pdftoppm not found: skipped");
            return;
        };
        let drawn = ink(&output.stdout);
        assert!(drawn.2 > 10_000.0, "{page}: {drawn:?}");
        let first = first.get_or_insert(drawn);
        // Turning and shifting a page moves pixels by parts of one.
        let same = (first.0 - drawn.0).abs() < 1.0 && (first.1 - drawn.1).abs() < 1.0;
        assert!(same && (first.2 - drawn.2).abs() < first.2 / 5.0, "{page}: {first:?} {drawn:?}");
    }
}

/// The centre of what is drawn, from the upper left corner, and how much it is.
fn ink(pnm: &[u8]) -> (f64, f64, f64) {
    let mut lines = pnm.splitn(4, |octet| *octet == b'\n');
    assert_eq!(lines.next(), Some(&b"P5"[..]));
    let size = String::from_utf8(lines.next().unwrap().to_vec()).unwrap();
    let width: usize = size.split(' ').next().unwrap().parse().unwrap();
    let (mut x, mut y, mut sum) = (0.0, 0.0, 0.0);
    for (index, pixel) in lines.nth(1).unwrap().iter().enumerate() {
        let ink = f64::from(255 - pixel);
        x += ink * (index % width) as f64;
        y += ink * (index / width) as f64;
        sum += ink;
    }
    (x / sum, y / sum, sum)
}

#[test]
fn a_block_is_placed_by_a_text_on_every_page() {
    let court = Court::open();
    for page in PAGES {
        // The text lies along the page as written, so on a turned page it is read sideways.
        let data = sample_pdf::document(Xref::Stream, &two_pages("", page, &[]));
        let pdf = parse(&data);
        let Ok(found) = TextQuery::new("Quyet dinh").on_page(0).find(pdf.latest()) else { panic!("{page}") };
        for side in [Side::Below, Side::Above, Side::Left, Side::Right, Side::Over] {
            let (left, bottom) = found.beside(side, 40.0, 20.0, 3.0);
            let place = Rectangle::new(left, bottom, 40.0, 20.0);
            let (width, height) = kyso::pdf::page::Page::find(pdf.latest(), 0).unwrap().size().unwrap();
            if left < 0.0 || bottom < 0.0 || place.right > width || place.top > height {
                continue;
            }
            assert_eq!(place.overlaps(&found.rectangle), side == Side::Over, "{page} {side:?}");
            let shown = Appearance::new(40.0, 20.0).image(image(), Placement::Behind);
            let document = signed(&court, &data, "A", (found.page, left, bottom), &shown);
            assert!(near(&place_of(&document, "A").rectangle, &place), "{page} {side:?}");
        }
    }
}

#[test]
fn an_existing_field_without_its_page_stands_upright_too() {
    let court = Court::open();
    let field = "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Approval) /Rect [300 100 340 300] /F 4 >>";
    let page = "/Rotate 90 /Annots [7 0 R]";
    let objects = two_pages("/AcroForm << /Fields [7 0 R] >>", page, &[field]);
    let pdf = parse(&sample_pdf::document(Xref::Table, &objects));
    let asked = std::cell::Cell::new((0.0, 0.0));
    let request = PadesRequest::new(&pdf, ca::at(verdict::SIGNED)).field("Approval").appearance(|width, height| {
        asked.set((width, height));
        Appearance::new(width, height).image(image(), Placement::Behind)
    });
    let document = request.sign(&court.office.officer).unwrap().to_octets().unwrap();
    court.passes(&document, "a field without /P");
    assert_eq!(asked.get(), (200.0, 40.0));
    let drawn = place_of(&document, "Approval").image.unwrap();
    assert!(drawn.width() > drawn.height(), "{drawn:?}");
}

#[test]
fn a_draft_shows_the_block_and_carries_no_signature() {
    let court = Court::open();
    let data = sample_pdf::plain(Xref::Table);
    let pdf = parse(&data);
    let shown = Appearance::new(150.0, 40.0).image(image(), Placement::Behind);
    let request = PadesRequest::new(&pdf, ca::at(verdict::SIGNED)).field("A").visible(1, 100.0, 700.0, shown);
    assert_eq!(request.shown_page().unwrap(), 1);
    let draft = request.draft().unwrap();
    assert!(draft.starts_with(&data));
    assert_eq!(place_of(&draft, "A").page, 1);
    let report = court.judge(&draft).unwrap();
    assert_ne!(report.overall(), kyso::validate::Overall::TotalPassed);
}

fn get(pdf: &Pdf<'_>, path: &[&str]) -> Object {
    let latest = pdf.latest();
    let mut object = (*latest.catalog().unwrap()).clone();
    for key in path {
        object = match (&object, key.parse::<usize>()) {
            (Object::Array(items), Ok(index)) => (*latest.resolve(&items[index]).unwrap()).clone(),
            (Object::Stream(stream), _) => (*latest.get(&stream.dictionary, key).unwrap()).clone(),
            (object, _) => (*latest.get(object.as_dictionary().unwrap(), key).unwrap()).clone(),
        };
    }
    object
}

fn dictionary(object: &Object) -> &Dictionary {
    object.as_dictionary().unwrap()
}

#[test]
fn the_first_field_of_a_tagged_document_joins_its_structure() {
    let court = Court::open();
    let catalog = "/MarkInfo << /Marked true >> /StructTreeRoot 7 0 R";
    let trees = [
        // Numbers in the root, and in leaves below it.
        "/ParentTree << /Nums [0 [8 0 R]] >> /ParentTreeNextKey 1",
        "/ParentTree 9 0 R",
    ];
    for tree in trees {
        let root = format!("<< /Type /StructTreeRoot /K 8 0 R {tree} >>");
        let document = "<< /Type /StructElem /S /Document /P 7 0 R /K [<< /Type /MCR /Pg 3 0 R /MCID 0 >>] >>";
        let numbers = "<< /Kids [<< /Limits [0 4] /Nums [0 [8 0 R] 4 8 0 R] >>] >>";
        let objects = two_pages(catalog, "/StructParents 0 /Tabs /S", &[&root, document, numbers]);
        let data = sample_pdf::document(Xref::Table, &objects);
        let shown = Appearance::new(150.0, 40.0).text(Text::new("Ký"));
        let one = signed(&court, &data, "Officer", (0, 100.0, 100.0), &shown);
        court.passes(&one, tree);
        let pdf = parse(&one);
        let element = get(&pdf, &["StructTreeRoot", "K", "K", "1"]);
        assert_eq!(dictionary(&element).get("S").unwrap().as_name(), Some(&b"Form"[..]));
        let widget = get(&pdf, &["AcroForm", "Fields", "0"]);
        let key = dictionary(&widget).get("StructParent").unwrap().as_integer().unwrap();
        let (leaf, at) = if tree.contains("9 0 R") { (vec!["Kids", "1", "Nums"], "1") } else { (vec!["Nums"], "3") };
        assert_eq!(key, if at == "1" { 5 } else { 1 });
        let path = [&["StructTreeRoot", "ParentTree"][..], &leaf, &[at, "K"]].concat();
        assert_eq!(dictionary(&get(&pdf, &path)).get("Type").unwrap().as_name(), Some(&b"OBJR"[..]));
        assert_eq!(get(&pdf, &["StructTreeRoot", "ParentTreeNextKey"]).as_integer(), Some(key + 1));
        // The structure may not move under a signature: the second one leaves it.
        let two = signed(&court, &one, "Agency", (0, 300.0, 100.0), &shown);
        court.passes(&two, tree);
        assert_eq!(get(&parse(&two), &["StructTreeRoot", "K", "K"]).as_array().unwrap().len(), 2);
    }
}

fn pdfa(part: u8, intent: &str) -> Vec<u8> {
    let xmp = format!("<x:xmpmeta><rdf:Description pdfaid:part=\"{part}\" pdfaid:conformance=\"B\"/></x:xmpmeta>");
    let metadata = format!("<< /Type /Metadata /Subtype /XML /Length {} >>\nstream\n{xmp}\nendstream", xmp.len());
    let header = "0000000000000000RGB XYZ ";
    let profile = format!("<< /N 3 /Length {} >>\nstream\n{header}\nendstream", header.len());
    let catalog = format!("/Metadata 7 0 R {intent}");
    sample_pdf::document(Xref::Table, &two_pages(&catalog, "", &[&metadata, &profile]))
}

#[test]
fn within_pdf_a_there_is_no_soft_mask_and_no_undefined_colour() {
    let court = Court::open();
    let rgb = "/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 /DestOutputProfile 8 0 R >>]";
    let shown = Appearance::new(150.0, 60.0).image(image(), Placement::Left { share: 0.5 }).text(Text::new("Ký"));
    for (part, intent) in [(1, rgb), (2, rgb), (1, ""), (3, "")] {
        let document = signed(&court, &pdfa(part, intent), "A", (0, 100.0, 100.0), &shown);
        court.passes(&document, "PDF/A");
        let pdf = parse(&document);
        let form = get(&pdf, &["AcroForm", "Fields", "0", "AP", "N"]);
        let resources = &form.as_stream().unwrap().dictionary;
        assert!(resources.get("Group").is_none());
        let image = get(&pdf, &["AcroForm", "Fields", "0", "AP", "N", "Resources", "XObject", "Im0"]);
        let image = &image.as_stream().unwrap().dictionary;
        assert_eq!(image.get("SMask").is_none(), part == 1);
        assert_eq!(image.get("Mask").is_some(), part == 1);
        assert_eq!(image.get("ColorSpace").unwrap().as_name().is_some(), !intent.is_empty());
        let octets = pdf.latest().decoded(form.as_stream().unwrap()).unwrap();
        let text = String::from_utf8_lossy(&octets);
        assert_eq!(text.contains(" rg\n"), !intent.is_empty(), "{text}");
        assert_eq!(text.contains("/CS0 cs"), intent.is_empty(), "{text}");
        // An invisible field has an appearance under part 1 alone.
        let pdf = parse(&pdfa(part, intent));
        let hidden = PadesRequest::new(&pdf, ca::at(verdict::SIGNED)).sign(&court.office.officer).unwrap();
        let hidden = hidden.to_octets().unwrap();
        court.passes(&hidden, "PDF/A, invisible");
        let widget = get(&parse(&hidden), &["AcroForm", "Fields", "0"]);
        assert_eq!(dictionary(&widget).get("AP").is_some(), part == 1);
    }
}
