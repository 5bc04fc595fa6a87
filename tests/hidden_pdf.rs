//! Content that a document hides before anybody signs it: the prepared documents of the shadow
//! attacks are told, honest ones are not.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::collections::BTreeSet;
use std::fs;

use forge::FIRST_MORE;
use forge::Forge;
use forge::next;
use forge::parse;
use forge::rich;
use kyso::Limits;
use kyso::pdf::Pdf;
use kyso::trust::TrustAnchors;
use kyso::validate::Language;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Validator;
use sample_pdf::FORMS;
use sample_pdf::Xref;

fn codes(document: &[u8]) -> BTreeSet<String> {
    parse(document).hidden_content().unwrap().iter().map(|finding| finding.code().to_owned()).collect()
}

#[track_caller]
fn tells(document: &[u8], name: &str, code: &str) {
    let found = codes(document);
    assert!(found.contains(code), "{name}: {found:?}");
    // In the report of the document that nobody signed, in both languages.
    let (policy, anchors) = (Policy::etsi(), TrustAnchors::none());
    let report = Validator::new(&policy, &anchors, ca::at("2026-11-23T01:00:00Z")).pdf(&parse(document));
    assert_eq!(report.overall(), Overall::NoSignature, "{name}");
    let finding = report.findings().iter().find(|finding| finding.code() == code).unwrap();
    assert!(finding.place().is_some(), "{name}");
    for language in [Language::Vietnamese, Language::English] {
        assert!(report.to_text(language).contains(&language.finding(finding)), "{name}");
    }
    assert_ne!(Language::Vietnamese.finding(finding), Language::English.finding(finding), "{name}");
}

#[test]
fn what_is_honest_is_not_told() {
    for form in FORMS {
        assert_eq!(codes(&sample_pdf::plain(form)), BTreeSet::new(), "{form:?}");
        assert_eq!(codes(&rich(form, "", "", &[])), BTreeSet::new(), "{form:?}");
        assert_eq!(codes(&sample_pdf::with_field(form, "")), BTreeSet::new(), "{form:?}");
        // What an update replaces is in the file still.
        let plain = rich(form, "", "", &[]);
        let updated = Forge::on(&plain).edit(7, "/V(10)", "/V(11)").drawing(8, "BT (11) Tj ET").write();
        assert_eq!(codes(&updated), BTreeSet::new(), "{form:?}");
    }
}

#[test]
fn a_second_document_inside_is_told() {
    for form in FORMS {
        let pages = "<< /Type /Pages /Count 1 /Kids [19 0 R] >>";
        let page = "<< /Type /Page /Parent 18 0 R /MediaBox [0 0 100 100] >>";
        assert_eq!(FIRST_MORE, 18);
        tells(&rich(form, "", "", &[pages, page]), "page tree", "HIDDEN_PAGE");
        tells(&rich(form, "", "", &["<< /Type /Catalog /Pages 2 0 R >>"]), "catalogue", "HIDDEN_PAGE");
    }
}

/// The table names one of two objects of a number; a later one names the other.
#[test]
fn objects_that_no_table_names_are_told() {
    let plain = rich(Xref::Table, "", "", &[]);
    let at = plain.windows(5).rposition(|w| w == b"xref\n").unwrap();
    let at = plain[..at].windows(7).rposition(|w| w == b"endobj\n").unwrap() + 7;
    for (number, code) in [(7, "HIDDEN_OBJECT_TWICE"), (900, "HIDDEN_OBJECT_UNLISTED")] {
        let hidden = format!("{number} 0 obj\n<< /V (1000000) >>\nendobj\n");
        // Behind everything that has an offset but the table, which startxref names.
        let mut document = [&plain[..at], hidden.as_bytes(), &plain[at..]].concat();
        let start = document.windows(9).rposition(|w| w == b"startxref").unwrap();
        let table = document[..start].windows(5).rposition(|w| w == b"xref\n").unwrap();
        document.truncate(start);
        document.extend_from_slice(format!("startxref\n{table}\n%%EOF\n").as_bytes());
        tells(&document, "stray object", code);
    }
    // The same text within a stream is data.
    let data = "<< /Length 29 >>\nstream\n900 0 obj << /V (1) >> endobj\nendstream";
    assert_eq!(codes(&rich(Xref::Table, "/Own 18 0 R", "", &[data])), BTreeSet::new());
}

/// Entries that point at the line end before their object, as some producers write them.
#[test]
fn entries_that_point_before_their_object_name_it() {
    let mut plain = rich(Xref::Table, "", "", &[]);
    let table = plain.windows(6).rposition(|w| w == b"xref\n0").unwrap() + 5;
    let rows = table + plain[table..].iter().position(|octet| *octet == b'\n').unwrap() + 1;
    let mut moved = 0;
    for row in plain[rows..].chunks_exact_mut(20).skip(1).take_while(|row| row.ends_with(b" n \n")) {
        let offset: u64 = std::str::from_utf8(&row[..10]).unwrap().parse().unwrap();
        row[..10].copy_from_slice(format!("{:010}", offset - 1).as_bytes());
        moved += 1;
    }
    assert!(moved > 10, "{moved}");
    assert_eq!(codes(&plain), BTreeSet::new());
}

#[test]
fn fields_outside_of_the_form_are_told() {
    for form in FORMS {
        let plain = rich(form, "", "", &[]);
        let root = parse(&plain).latest().root().unwrap().number;
        let document = Forge::on(&plain).edit(root, "/Fields[7 0 R ", "/Fields[").write();
        tells(&document, "field", "HIDDEN_FIELD");
    }
}

#[test]
fn layers_that_are_off_are_told() {
    for form in FORMS {
        let plain = rich(form, "", "", &[]);
        let root = parse(&plain).latest().root().unwrap().number;
        for state in ["/OFF [11 0 R]", "/BaseState /OFF"] {
            let document = Forge::on(&plain).edit(root, "/ON[11 0 R]", state).write();
            tells(&document, state, "HIDDEN_LAYER");
        }
    }
}

const PIXEL: &str = "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8";

/// A page whose contents are `drawing`, with an image, an opaque and a clear graphics state.
fn drawn(drawing: &str, image: &str) -> Vec<u8> {
    let plain = rich(Xref::Table, "", "", &[]);
    let (number, contents) = (next(&plain), next(&plain) + 1);
    let state = "/ExtGState << /Clear << /ca 0.5 >> /Over << /BM /Multiply >> >>";
    let resources = format!("/Resources << /XObject << /Im {number} 0 R /X1 17 0 R >> {state} >>");
    let page = format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {contents} 0 R {resources} >>");
    let document = Forge::on(&plain).stream(number, &format!("{PIXEL} {image}"), "x");
    document.stream(contents, "", drawing).set(3, page).write()
}

const TEXT: &str = "BT /F1 12 Tf 100 700 Td (You are fired) Tj ET";

#[test]
fn text_under_an_image_is_told() {
    for (name, over) in [
        ("image", "q 400 0 0 100 50 650 cm /Im Do Q"),
        ("turned image", "q 0 100 -400 0 450 650 cm /Im Do Q"),
        ("clipped image", "q 60 660 300 80 re W n 400 0 0 100 50 650 cm /Im Do Q"),
        ("image by a name with a number", "q 400 0 0 100 50 650 cm /I#6d Do Q"),
        ("image behind what nobody can read", ")) >> ] q 400 0 0 100 50 650 cm /Im Do Q"),
        ("image among others", "q /Own gs 10 0 0 10 0 0 cm /Im Do Q q 400 0 0 100 50 650 cm /Im Do Q"),
    ] {
        tells(&drawn(&format!("{TEXT} {over}"), ""), name, "HIDDEN_UNDER_IMAGE");
    }
    let inline = "BI /W 1 /H 1 /BPC 8 /CS /G ID ( EI q 400 0 0 100 50 650 cm /Im Do Q";
    tells(&drawn(&format!("{TEXT} {inline}"), ""), "behind an inline image", "HIDDEN_UNDER_IMAGE");
}

#[test]
fn a_page_that_is_not_looked_through_to_its_end_is_told() {
    let long = format!("BT {} ET", "(a) Tj ".repeat(20_002));
    tells(&drawn(&format!("{long} {TEXT} q 400 0 0 100 50 650 cm /Im Do Q"), ""), "marks", "HIDDEN_NOT_SEARCHED");
}

#[test]
fn what_is_to_be_seen_is_not_told() {
    let image = "q 400 0 0 100 50 650 cm /Im Do Q";
    let scanned = "BT /F1 12 Tf 3 Tr 100 700 Td (as read) Tj ET";
    for (name, drawing, more) in [
        ("text on an image", format!("{image} {TEXT}"), ""),
        ("a scanned page", format!("{scanned} {image}"), ""),
        ("a mask", format!("{TEXT} {image}"), "/ImageMask true"),
        ("a soft mask", format!("{TEXT} {image}"), "/SMask 17 0 R"),
        ("an image elsewhere", format!("{TEXT} q 400 0 0 100 50 100 cm /Im Do Q"), ""),
        ("a clear image", format!("{TEXT} q /Clear gs 400 0 0 100 50 650 cm /Im Do Q"), ""),
        ("a marker", format!("{TEXT} q /Over gs 400 0 0 100 50 650 cm /Im Do Q"), ""),
        ("clipped away", format!("{TEXT} q 60 100 10 10 re W n 400 0 0 100 50 650 cm /Im Do Q"), ""),
        ("clipped to a shape", format!("{TEXT} q 0 0 m 600 800 l 600 0 l W n 400 0 0 100 50 650 cm /Im Do Q"), ""),
        ("no text", format!("BT 100 700 Td ( ) Tj ET {image}"), ""),
    ] {
        assert_eq!(codes(&drawn(&drawing, more)), BTreeSet::new(), "{name}");
    }
}

#[test]
fn annotations_over_content_are_told() {
    let widget = |rect: &str| {
        format!(
            "<< /Type /Annot /Subtype /Widget /FT /Tx /T (Over) /V (x) /P 3 0 R /F 4 /Rect [{rect}] /AP << /N 19 0 R >> >>"
        )
    };
    let opaque =
        "<< /Type /XObject /Subtype /Form /BBox [0 0 300 20] /Length 21 >>\nstream\n1 g 0 0 300 20 re f  \nendstream";
    let clear =
        "<< /Type /XObject /Subtype /Form /BBox [0 0 300 20] /Length 21 >>\nstream\n1 G 0 0 300 20 re S  \nendstream";
    for (rect, drawing, told) in [
        ("90 690 390 710", opaque, true),
        ("90 690 390 710", clear, false),
        ("90 90 390 110", opaque, false),
        // Over the field Amount.
        ("70 598 370 622", opaque, true),
    ] {
        let plain = rich(Xref::Table, "", "", &[&widget(rect), drawing]);
        let root = parse(&plain).latest().root().unwrap().number;
        let contents = next(&plain);
        let document = Forge::on(&plain)
            .edit(root, "/Fields[7 0 R ", "/Fields[7 0 R 18 0 R ")
            .edit(3, "13 0 R]", "13 0 R 18 0 R]")
            .stream(contents, "", TEXT)
            .edit(3, "/Contents", &format!("/Contents {contents} 0 R /Former"))
            .write();
        if told {
            tells(&document, rect, "HIDDEN_UNDER_ANNOTATION");
        } else {
            assert_eq!(codes(&document), BTreeSet::new(), "{rect}");
        }
    }
}

#[test]
fn fields_that_show_another_text_than_their_value_are_told() {
    for form in FORMS {
        let plain = rich(form, "", "", &[]);
        for shown in ["BT (1000) Tj ET", "BT <39> Tj ET", "BT [(1) -20 (00)] TJ ET", r"BT (\061) Tj ET"] {
            tells(&Forge::on(&plain).drawing(8, shown).write(), shown, "HIDDEN_VALUE");
        }
        for shown in
            ["BT <3130> Tj ET", "BT [(1) -20 (0)] TJ ET", r"BT (\061\060) Tj ET", "BT <00010002> Tj ET", "0 0 9 9 re S"]
        {
            assert_eq!(codes(&Forge::on(&plain).drawing(8, shown).write()), BTreeSet::new(), "{shown}");
        }
    }
}

/// The demonstrations of the shadow attacks as their victims got them to sign.
#[test]
fn prepared_documents_of_the_corpus_are_told() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    let mut prepared = 0;
    for class in ["unsigned", "signed", "attack"] {
        for file in fs::read_dir(folder.join(class)).unwrap().map(|entry| entry.unwrap().path()) {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            if !name.starts_with("rub__") || name.contains("__1_") {
                continue;
            }
            let octets = fs::read(&file).unwrap();
            let pdf = Pdf::parse(octets.as_slice(), &Limits::default()).unwrap();
            let signed = pdf.signatures().unwrap().iter().map(|facts| facts.revision).min();
            let end = match signed {
                Some(revision) => usize::try_from(pdf.revision(revision - 1).unwrap().end()).unwrap(),
                None => octets.len(),
            };
            assert!(!codes(&octets[..end]).is_empty(), "{name}");
            prepared += 1;
        }
    }
    assert!(prepared >= 10, "{prepared}");
}

/// Of the unsigned documents of the corpus only those are told that do hide something.
#[test]
fn honest_documents_of_the_corpus_are_not_told() {
    const KNOWN: [&str; 6] = [
        // Its object stream lost the page tree, so that its page belongs to nothing.
        "unsigned/pyhanko__broken-objstream5.pdf",
        // An object that the table of its revision does not name.
        "unsigned/pyhanko__minimal-broken-xref-size.pdf",
        // An object beside which its entry points, so that only a reader who searches for it sees it.
        "unsigned/qpdf__bad-xref-entry.pdf",
        // A page that only a reader without the hidden section sees.
        "unsigned/qpdf__hybrid-xref.pdf",
        // Widgets that the form does not name.
        "signing-input/qpdf__form-bad-fields-array.pdf",
        "signing-input/qpdf__minimal-signed-restrictions-removed.pdf",
    ];
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    let (mut quiet, mut told) = (0, Vec::new());
    for class in ["unsigned", "signing-input"] {
        for file in fs::read_dir(folder.join(class)).unwrap().map(|entry| entry.unwrap().path()) {
            let name = format!("{class}/{}", file.file_name().unwrap().to_string_lossy());
            let octets = fs::read(&file).unwrap();
            let Ok((pdf, _)) = corpus::open_pdf(&octets) else { continue };
            if name.contains("rub__") || pdf.signatures().is_ok_and(|all| !all.is_empty()) {
                continue;
            }
            let Ok(found) = pdf.hidden_content() else { continue };
            if found.is_empty() {
                quiet += 1;
            } else {
                told.push(name);
            }
        }
    }
    told.sort();
    let mut known = KNOWN.to_vec();
    known.sort_unstable();
    assert_eq!(told, known);
    assert!(quiet > 80, "{quiet}");
}

/// Of the signed ones, that one is told whose signer was made to sign a second document inside.
#[test]
fn objects_outside_any_section_of_the_corpus() {
    const KNOWN: [&str; 1] =
        ["rub__hide-and-replace_variant-2_change_objects_usage__3_original-document-shadowed-signed.pdf"];
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf/signed")) else { return };
    let (mut quiet, mut told) = (0, Vec::new());
    for file in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let octets = fs::read(&file).unwrap();
        let Ok((pdf, _)) = corpus::open_pdf(&octets) else { continue };
        let Ok(found) = pdf.hidden_content() else { continue };
        let outside: Vec<_> = found.iter().filter(|f| f.code().starts_with("HIDDEN_OBJECT")).collect();
        if outside.is_empty() {
            quiet += 1;
        } else {
            told.push(file.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    told.sort();
    assert_eq!(told, KNOWN);
    assert!(quiet > 60, "{quiet}");
}
