//! Finding text on pages: our own documents in every encoding that is met with,
//! and documents of others with `pdftotext` as the judge.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use kyso::Error;
use kyso::Limits;
use kyso::pdf::Pdf;
use kyso::pdf::page::Rectangle;
use kyso::pdf::search::FoundText;
use kyso::pdf::search::Side;
use kyso::pdf::search::TextQuery;
use sample_pdf::Xref;
use unicode_normalization::UnicodeNormalization;

const LETTER: &[u8] = include_bytes!("../examples/data/cong-van.pdf");

fn find_all(pdf: &Pdf<'_>, text: &str) -> Vec<FoundText> {
    TextQuery::new(text).find_all(pdf.latest()).unwrap()
}

fn centre(r: &Rectangle) -> (f64, f64) {
    ((r.left + r.right) / 2.0, (r.bottom + r.top) / 2.0)
}

/// Words of one document that are compared.
const MOST_WORDS: usize = 60;

/// A page with this content, and `/F1` as the font that `font` and the objects after it make up.
fn page(content: &str, font: &str, more: &[&str], extra: &str) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 5 0 R >> {extra} >> /Contents 4 0 R >>"),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        font.to_owned(),
    ];
    objects.extend(more.iter().map(|object| (*object).to_owned()));
    sample_pdf::document(Xref::Table, &objects)
}

fn stream(data: &str) -> String {
    format!("<< /Length {} >>\nstream\n{data}\nendstream", data.len())
}

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

#[test]
fn a_letter_of_an_office() {
    let pdf = parse(LETTER);
    for text in ["KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Nguyễn Thị Ẩn Đổng", "Số: 128/UBND-VP", "Nơi nhận:"]
    {
        for form in [text.nfc().collect::<String>(), text.nfd().collect(), text.replace(' ', "  \u{a0}")] {
            let found = find_all(&pdf, &form);
            assert_eq!(found.len(), 1, "{form:?}: {found:?}");
            assert_eq!(found[0].page, 0);
        }
    }
    // Not within other words, not over columns, not in other letters unless asked for.
    for text in ["Nguyễn Thị Ẩn Đổn", "UBND", "NHÂN DÂN Độc lập", "kt. chủ tịch", "KT. CHU TICH"] {
        let expected = usize::from(text == "UBND");
        assert_eq!(find_all(&pdf, text).len(), expected, "{text}");
    }
    assert_eq!(TextQuery::new("kt. chủ tịch").ignore_case().find(pdf.latest()).unwrap().line, "KT. CHỦ TỊCH");
    let title = TextQuery::new("KT. CHỦ TỊCH").find(pdf.latest()).unwrap();
    let name = TextQuery::new("Nguyễn Thị Ẩn Đổng").find(pdf.latest()).unwrap();
    assert!(name.rectangle.top < title.rectangle.bottom);
    assert!((centre(&name.rectangle).0 - centre(&title.rectangle).0).abs() < 0.5, "both centred in one column");
    let (left, bottom) = name.beside(Side::Above, 100.0, 50.0, 4.0);
    assert!((left + 50.0 - centre(&name.rectangle).0).abs() < 1e-9);
    assert!((bottom - name.rectangle.top - 4.0).abs() < 1e-9);
}

#[test]
fn what_is_ambiguous_or_missing_is_told() {
    let pdf = parse(LETTER);
    let message = |query: TextQuery| match query.find(pdf.latest()) {
        Err(Error::Misuse(misuse)) => misuse.to_string(),
        other => panic!("{other:?}"),
    };
    let several = message(TextQuery::new("CHỦ TỊCH"));
    assert!(several.contains("2 places") && several.contains("\"PHÓ CHỦ TỊCH\""), "{several}");
    assert!(several.contains("page 1, ("), "{several}");
    // What differs in accents or case is offered.
    let near = message(TextQuery::new("Nguyen Thi An Dong"));
    assert!(near.contains("\"Nguyễn Thị Ẩn Đổng\""), "{near}");
    let nothing = message(TextQuery::new("Chánh Văn phòng Bộ"));
    assert!(nothing.contains("nothing there resembles it"), "{nothing}");
    assert!(message(TextQuery::new("Số").on_page(7)).contains("page 8 of a document of 1 pages"));
    assert!(message(TextQuery::new(" \u{200b}")).contains("1 to 250 characters"));
    assert!(message(TextQuery::new("CHỦ TỊCH").occurrence(2)).contains("number 3"));
    let second = TextQuery::new("CHỦ TỊCH").occurrence(1).find(pdf.latest()).unwrap();
    assert_eq!(second.line, "PHÓ CHỦ TỊCH");
}

/// Lines of Courier, 6 points a letter, each at its place.
fn lines(lines: &[(i32, i32, &str)]) -> Pdf<'static> {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>";
    let shown: Vec<_> = lines.iter().map(|(x, y, text)| format!("1 0 0 1 {x} {y} Tm ({text}) Tj")).collect();
    parse(&page(&format!("BT /F1 10 Tf {} ET", shown.join(" ")), font, &[], ""))
}

#[test]
fn a_text_is_found_where_lines_end() {
    // The title of an office: one line below the other, both centred.
    let letter = parse(LETTER);
    let title = TextQuery::new("KT. CHỦ TỊCH\nPHÓ CHỦ TỊCH").find(letter.latest()).unwrap();
    assert_eq!(title.line, "KT. CHỦ TỊCH / PHÓ CHỦ TỊCH");
    let [first, second] = title.boxes.as_slice() else { panic!("{title:?}") };
    for (part, text) in [(first, "KT. CHỦ TỊCH"), (second, "PHÓ CHỦ TỊCH")] {
        assert_eq!(*part, TextQuery::new(text).find(letter.latest()).unwrap().rectangle);
    }
    assert_eq!((title.rectangle.top, title.rectangle.bottom), (first.top, second.bottom));
    let (_, bottom) = title.beside(Side::Below, 100.0, 40.0, 5.0);
    assert!((bottom - (second.bottom - 45.0)).abs() < 1e-9, "below the last line");
    let near = TextQuery::new("kt. chu tich pho chu tich").find(letter.latest()).unwrap_err().to_string();
    assert!(near.contains("\"KT. CHỦ TỊCH / PHÓ CHỦ TỊCH\""), "{near}");

    // A name at the end of a line, over three lines, and beside another column.
    let pdf = lines(&[
        (100, 700, "giao ong Nguyen Van"),
        (100, 686, "An chu tri, ba Tran Thi"),
        (100, 672, "Bich"),
        (100, 658, "Ngoc phoi hop"),
        (400, 693, "Nguyen Van"),
    ]);
    let found = TextQuery::new("Nguyen Van An").find(pdf.latest()).unwrap();
    assert_eq!(found.boxes.len(), 2);
    let (left, right) = (&found.boxes[0], &found.boxes[1]);
    assert!((left.left - 154.0).abs() < 0.1 && (left.width() - 60.0).abs() < 0.1, "{found:?}");
    assert!((right.left - 100.0).abs() < 0.1 && (right.width() - 12.0).abs() < 0.1, "{found:?}");
    assert_eq!(TextQuery::new("Tran Thi Bich Ngoc").find(pdf.latest()).unwrap().boxes.len(), 3);
    // Whole words only, lines one after another, in one column, of one size.
    for text in ["Van A", "uyen Van An", "Bich phoi hop", "Thi Ngoc", "Van Bich", "Nguyen Van chu tri"] {
        assert_eq!(find_all(&pdf, text), [], "{text}");
    }
    let apart = lines(&[(100, 700, "Nguyen Van"), (100, 670, "An"), (300, 500, "Tran Van"), (100, 488, "Binh")]);
    assert_eq!(find_all(&apart, "Nguyen Van An"), [], "three lines down is another place");
    assert_eq!(find_all(&apart, "Tran Van Binh"), [], "another column");
    // Two places are two, however each of them is broken.
    let twice = lines(&[(100, 700, "Nguyen"), (100, 688, "Van An"), (100, 500, "Nguyen Van"), (100, 488, "An")]);
    let several = TextQuery::new("Nguyen Van An").find(twice.latest()).unwrap_err().to_string();
    assert!(several.contains("2 places") && several.contains("\"Nguyen / Van An\""), "{several}");
    let second = TextQuery::new("Nguyen Van An").occurrence(1).find(twice.latest()).unwrap();
    assert_eq!(second.line, "Nguyen Van / An");
    // Six lines are more than a title has.
    let tower: Vec<_> = (0..6).map(|line| (100, 700 - 12 * line, "a")).collect();
    assert_eq!(find_all(&lines(&tower), "a a a a a").len(), 2);
    assert_eq!(find_all(&lines(&tower), "a a a a a a"), []);
}

#[test]
fn pages_turned_and_shifted_are_searched_as_they_are_seen() {
    // The same words at the same place of the page as shown.
    let cases = [
        ("", "1 0 0 1 100 700 Tm"),
        ("/Rotate 90", "0 1 -1 0 142 100 Tm"),
        ("/Rotate 180", "-1 0 0 -1 495 142 Tm"),
        ("/Rotate -90", "0 -1 1 0 453 742 Tm"),
        ("/MediaBox [-100 -200 495 642]", "1 0 0 1 0 500 Tm"),
        ("/MediaBox [0 0 900 900] /CropBox [50 60 645 902]", "1 0 0 1 150 760 Tm"),
        ("/UserUnit 2 /MediaBox [0 0 297.5 421]", "0.5 0 0 0.5 50 350 Tm"),
    ];
    for (attributes, matrix) in cases {
        let content = format!("BT /F1 10 Tf {matrix} (Ky ten) Tj ET");
        let mut objects = sample_pdf::two_pages("", attributes, &[]);
        objects[3] = stream(&content);
        let pdf = parse(&sample_pdf::document(Xref::Table, &objects));
        let found = TextQuery::new("Ky ten").on_page(0).find(pdf.latest()).unwrap();
        let Rectangle { left, bottom, right, top } = found.rectangle;
        // A page on its side is 842 wide and 595 high.
        let (x, y) =
            if attributes.contains("90") && attributes.starts_with("/R") { (100.0, 453.0) } else { (100.0, 700.0) };
        let near = |a: f64, b: f64| (a - b).abs() < 0.01;
        assert!(near(left, x) && near(bottom, y - 2.5) && near(top, y + 7.5), "{attributes}: {found:?}");
        assert!(near(right, x + 28.35), "{attributes}: {found:?}");
    }
}

#[test]
fn every_way_to_encode_text() {
    let simple = "<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman";
    let tounicode = stream(
        "1 begincodespacerange <00> <FF> endcodespacerange 2 beginbfrange <61> <61> [<1EBF>] <62> <63> <0054> endbfrange",
    );
    let identity = "<< /Type /Font /Subtype /Type0 /BaseFont /A /Encoding /Identity-H /DescendantFonts [<< /Type /Font \
        /Subtype /CIDFontType2 /BaseFont /A /DW 500 /W [1 [400 600] 3 9 250] >>] /ToUnicode 6 0 R >>";
    let map =
        stream("1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0001> <0005> <0041> endbfrange");
    let cases = [
        ("(Kinh g\\366i)", format!("{simple} /Encoding << /Differences [246 /uhornhookabove] >> >>"), "", "Kinh gửi"),
        ("(\\320\\364ng Hà)", format!("{simple} /Encoding /WinAnsiEncoding >>"), "", "Đông HÃ"),
        ("(\\252b\\272)", format!("{simple} >>"), "", "“b”"),
        ("(abc)", format!("{simple} /ToUnicode 6 0 R >>"), &*tounicode, "ếTU"),
        ("<000100020003>", identity.to_owned(), &map, "ABC"),
        ("<1EBF0041>", identity.replace("Identity-H", "UniGB-UCS2-H").replace("/ToUnicode 6 0 R", ""), "", "ếA"),
    ];
    for (shown, font, more, text) in cases {
        let content = format!("BT /F1 10 Tf 50 500 Td {shown} Tj ET");
        let more: &[&str] = if more.is_empty() { &[] } else { &[more] };
        let pdf = parse(&page(&content, &font, more, ""));
        assert_eq!(find_all(&pdf, text).len(), 1, "{text}: {:?}", kyso::pdf::search::page_lines(pdf.latest(), 0));
    }
    // Widths of CIDs: a list, then a range.
    let pdf = parse(&page("BT /F1 10 Tf 50 500 Td <000100020003> Tj ET", identity, &[&map], ""));
    let found = &find_all(&pdf, "ABC")[0];
    assert!((found.rectangle.width() - 12.5).abs() < 1e-6, "{found:?}");
}

#[test]
fn the_order_of_drawing_does_not_matter() {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>";
    let contents = [
        // Word by word from the right, letters apart, a gap for a space.
        "BT /F1 10 Tf 1 0 0 1 124 500 Tm (TICH) Tj 1 0 0 1 100 500 Tm (CHU) Tj ET",
        "BT /F1 10 Tf 1 0 0 1 100 500 Tm [(C) -100 (H) -100 (U) -900 (TICH)] TJ ET",
        "BT /F1 10 Tf 2 Tc 1 0 0 1 100 500 Tm (CHU TICH) Tj ET",
        // Twice, to look bold.
        "BT /F1 10 Tf 1 0 0 1 100 500 Tm (CHU TICH) Tj 1 0 0 1 100.3 500 Tm (CHU TICH) Tj ET",
        "BT /F1 10 Tf 12 TL 100 512 Td (CHU) ' 24 0 Td (TICH) Tj ET",
        "q 1 0 0 1 100 500 cm /X Do Q",
        "/Span << /ActualText (CHU TICH) >> BDC BT /F1 10 Tf 100 500 Td (@@@) Tj ET EMC",
    ];
    let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 99 99] /Length 38 >>\nstream\nBT /F1 5 Tf 2 0 0 2 0 0 Tm(CHU TICH)Tj ET\nendstream";
    let form = form.replace("/Length 38", &format!("/Length {}", "BT /F1 5 Tf 2 0 0 2 0 0 Tm(CHU TICH)Tj ET".len()));
    for content in contents {
        let pdf = parse(&page(content, font, &[&form], "/XObject << /X 6 0 R >>"));
        let found = find_all(&pdf, "CHU TICH");
        assert_eq!(found.len(), 1, "{content}: {:?}", kyso::pdf::search::page_lines(pdf.latest(), 0));
        assert!((found[0].rectangle.left - 100.0).abs() < 0.01, "{content}: {found:?}");
    }
    // A name is no part of a longer one, a column none of the next.
    let pdf = parse(&page("BT /F1 10 Tf 100 500 Td (Van An) Tj 100 0 Td (Binh) Tj ET", font, &[], ""));
    assert_eq!(find_all(&pdf, "Van A").len(), 0);
    assert_eq!(find_all(&pdf, "An Binh").len(), 0);
    assert_eq!(find_all(&pdf, "Binh").len(), 1);
}

#[test]
fn letters_with_marks_of_their_own() {
    // Base letters and marks drawn one after another, the mark moved back over its letter.
    let map = stream(
        "1 begincodespacerange <00> <FF> endcodespacerange 4 beginbfchar <31> <0302> <32> <0301> <33> <0323> <34> <0111> endbfchar",
    );
    let font = "<< /Type /Font /Subtype /TrueType /BaseFont /X /FirstChar 49 /Widths [0 0 0 500] /Encoding /WinAnsiEncoding \
        /FontDescriptor << /Type /FontDescriptor /FontName /X /MissingWidth 500 /Ascent 800 /Descent -200 /Flags 32 >> /ToUnicode 6 0 R >>";
    let pdf =
        parse(&page("BT /F1 10 Tf 100 500 Td (Vie13t s) Tj [(o) 200 (1) -200 (2) 0 (4)] TJ ET", font, &[&map], ""));
    for text in ["Việt", "sốđ"] {
        assert_eq!(find_all(&pdf, text).len(), 1, "{text}: {:?}", kyso::pdf::search::page_lines(pdf.latest(), 0));
    }
}

#[test]
fn hostile_pages_cost_little() {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Courier >>";
    // A form that draws itself twice, for ever.
    let form = |content: &str| {
        format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 6 0 R >> >> /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        )
    };
    let pdf = parse(&page("/X Do", font, &[&form("q /X Do Q /X Do")], "/XObject << /X 6 0 R >>"));
    match TextQuery::new("x").find_all(pdf.latest()) {
        Ok(found) => assert!(found.is_empty()),
        Err(Error::LimitExceeded(_)) => {}
        Err(other) => panic!("{other}"),
    }
    // Lines of one letter that all could go on in each other.
    let crowd: String =
        (0..2_000).map(|i| format!("1 0 0 1 {} {} Tm (a) Tj ", 50 + i % 40 * 12, 800 - i / 40 * 12)).collect();
    let pdf = parse(&page(&format!("BT /F1 10 Tf {crowd} ET"), font, &[], ""));
    assert_eq!(find_all(&pdf, &"a ".repeat(250)), []);
    let noise = ["q ".repeat(100_000), "[".repeat(100_000), "BT /F1 1e30 Tf 1e300 0 0 1e300 0 0 Tm (a) Tj".to_owned()];
    for content in noise {
        let pdf = parse(&page(&content, font, &[], ""));
        assert!(TextQuery::new("x").find_all(pdf.latest()).is_ok());
    }
}

/// Words of `pdftotext -bbox`: page, text, rectangle in points from the lower left corner.
fn peer_words(path: &Path, password: &str) -> Option<Vec<(usize, String, Rectangle)>> {
    let output = Command::new("pdftotext").args(["-bbox", "-upw", password]).arg(path).arg("-").output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pdftotext: {error}");
            eprintln!("pdftotext not found: skipped");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let attribute = |line: &str, name: &str| -> Option<f64> {
        let rest = line.split_once(&format!("{name}=\""))?.1;
        rest.split('"').next()?.parse().ok()
    };
    let (mut page, mut height, mut words) = (0, 0.0, Vec::new());
    for line in text.lines() {
        if line.contains("<page ") {
            page += 1;
            height = attribute(line, "height").unwrap();
        } else if line.contains("<word ") {
            let [x0, y0, x1, y1] = ["xMin", "yMin", "xMax", "yMax"].map(|name| attribute(line, name).unwrap());
            let word = line.split_once('>').unwrap().1.rsplit_once("</word>").unwrap().0;
            let word = word.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
            words.push((page - 1, word, Rectangle { left: x0, bottom: height - y1, right: x1, top: height - y0 }));
        }
    }
    Some(words)
}

/// Words that stand once in the document and that we do not find where `pdftotext` sees them.
fn compare(path: &Path) -> Option<(usize, Vec<String>)> {
    let data = fs::read(path).unwrap();
    let (pdf, password) = corpus::open_pdf(&data).ok()?;
    let words = peer_words(path, password)?;
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, word, ..) in &words {
        *counts.entry(word.nfkc().collect()).or_default() += 1;
    }
    let (mut compared, mut differ) = (0, Vec::new());
    for (page, word, expected) in words {
        let plain: String = word.nfkc().collect();
        let letters = plain.chars().filter(|c| c.is_alphanumeric()).count();
        if counts[&plain] != 1 || letters < 3 || letters != plain.chars().count() || compared >= MOST_WORDS {
            continue;
        }
        compared += 1;
        let found = TextQuery::new(&word).on_page(page).find_all(pdf.latest());
        let near = |found: &FoundText| {
            let ((x, y), (u, v)) = (centre(&found.rectangle), centre(&expected));
            (x - u).abs() < 2.0 && (y - v).abs() < 0.35 * expected.height().max(4.0)
        };
        if !found.as_ref().is_ok_and(|found| found.iter().any(near)) {
            differ.push(format!("page {} {word:?}: {found:?}", page + 1));
        }
    }
    Some((compared, differ))
}

#[test]
fn words_are_where_poppler_sees_them() {
    let letter = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/cong-van.pdf");
    let Some((compared, differ)) = compare(&letter) else { return };
    assert!(compared >= MOST_WORDS && differ.is_empty(), "{differ:?}");
    let Some(corpus) = corpus::corpus() else { return };
    let mut exceptions = corpus::Exceptions::load("text");
    let mut rows = 0;
    for (id, path) in corpus::documents(&corpus, &["unsigned", "signing-input"]) {
        let Some((compared, differ)) = compare(&path).filter(|(compared, _)| *compared > 0) else { continue };
        rows += 1;
        for line in &differ {
            eprintln!("{id}: {line}");
        }
        exceptions.record(&id, differ.is_empty(), &format!("{} of {compared} words differ", differ.len()));
    }
    exceptions.finish(rows);
}
