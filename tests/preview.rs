//! Pages drawn before they are signed: what is where, poppler as the judge, and what is too much.
#![cfg(feature = "preview")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands
#![allow(clippy::cast_possible_truncation)] // pixels of a page

#[path = "support/ca.rs"]
mod ca;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::path::Path;
use std::process::Command;

use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::pdf::image::Image;
use kyso::pdf::page::Rectangle;
use kyso::pdf::preview::draw_page;
use kyso::pdf::search::TextQuery;
use kyso::pdf::search::field_place;
use kyso::profile::vietnam::looks::At;
use kyso::profile::vietnam::looks::Block;
use kyso::profile::vietnam::looks::Facts;
use kyso::profile::vietnam::looks::OFFICER;
use kyso::profile::vietnam::looks::SEAL;
use kyso::secret::Password;
use kyso::sign::pades::PadesRequest;
use sample_pdf::Xref;

const LETTER: &[u8] = include_bytes!("../examples/data/cong-van.pdf");
const HANDWRITING: &[u8] = include_bytes!("../examples/data/chu-ky.png");
const STAMP: &[u8] = include_bytes!("../examples/data/con-dau.png");
/// Pixels per inch of what is looked at here.
const RESOLUTION: f64 = 150.0;

/// RGB pixels, row by row from the top.
struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

impl Picture {
    fn of_png(png: &[u8]) -> Self {
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let (width, height) = reader.info().size();
        let mut samples = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut samples).unwrap();
        let pixels = samples.chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
        Self { width: width as usize, height: height as usize, pixels }
    }

    /// Pixels of the part within a rectangle in points, that are like this.
    fn count(&self, place: &Rectangle, like: fn([u8; 3]) -> bool) -> usize {
        let scale = RESOLUTION / 72.0;
        let height = self.height as f64;
        let (left, right) = ((place.left * scale) as usize, (place.right * scale) as usize);
        let (top, bottom) = ((height - place.top * scale) as usize, (height - place.bottom * scale) as usize);
        let rows = top..bottom.min(self.height);
        rows.flat_map(|y| (left..right.min(self.width)).map(move |x| (x, y)))
            .filter(|(x, y)| like(self.pixels[y * self.width + x]))
            .count()
    }

    /// Ink of squares of a few pixels: what the eye sees, whatever the smoothing of letters.
    fn ink(&self, square: usize) -> Vec<f64> {
        let (columns, rows) = (self.width / square, self.height / square);
        let mut ink = vec![0.0; columns * rows];
        for y in 0..rows * square {
            for x in 0..columns * square {
                let [r, g, b] = self.pixels[y * self.width + x].map(f64::from);
                ink[y / square * columns + x / square] += 255.0 - (r + g + b) / 3.0;
            }
        }
        ink.iter().map(|sum| sum / (square * square) as f64).collect()
    }
}

fn red([r, g, b]: [u8; 3]) -> bool {
    r > 150 && g < 120 && b < 120
}

fn blue([r, _, b]: [u8; 3]) -> bool {
    b > 90 && r < 110 && b > r.saturating_add(40)
}

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

fn now() -> Time {
    ca::at("2026-11-23T01:00:00Z")
}

fn image(data: &[u8]) -> Image {
    Image::read(data, &Limits::default()).unwrap()
}

fn request<'p>(pdf: &'p Pdf<'p>, field: &str, block: Block) -> PadesRequest<'p> {
    PadesRequest::new(pdf, now()).field(field).visible(block.page, block.left, block.bottom, block.appearance)
}

fn officer() -> SoftKey {
    let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root")], None), kyso::crypto::KeySpec::P256);
    root.issue(&ca::Template::new(&[(ca::CN, "Nguyễn Thị Ẩn Đổng")]), kyso::crypto::KeySpec::P256)
}

fn place(document: &[u8], field: &str) -> Rectangle {
    let pdf = parse(document);
    let fields = pdf.latest().fields().unwrap().0;
    let field = fields.iter().find(|candidate| candidate.name == field).unwrap();
    field_place(pdf.latest(), field).unwrap().unwrap().image.unwrap()
}

#[test]
fn the_seal_is_red_and_over_the_blue_of_the_officer() {
    let pdf = parse(LETTER);
    let by_name = At::Near { query: TextQuery::new("Nguyễn Thị Ẩn Đổng"), side: None, gap: 4.0 };
    let block = OFFICER.block(pdf.latest(), &Facts::new(now()), Some(&image(HANDWRITING)), &by_name).unwrap();
    let one = request(&pdf, "Officer", block).sign(&officer()).unwrap().to_octets().unwrap();
    let pdf = parse(&one);
    let block = SEAL.block(pdf.latest(), &Facts::new(now()), Some(&image(STAMP)), &At::Usual).unwrap();
    let request = request(&pdf, "Agency", block);
    assert_eq!(request.shown_page().unwrap(), 0);
    let draft = request.draft().unwrap();
    let (written, stamped) = (place(&draft, "Officer"), place(&draft, "Agency"));

    let before = Picture::of_png(&draw_page(LETTER.to_vec(), None, 0, RESOLUTION).unwrap());
    let middle = Picture::of_png(&draw_page(one, None, 0, RESOLUTION).unwrap());
    let after = Picture::of_png(&draw_page(draft, None, 0, RESOLUTION).unwrap());
    assert_eq!((after.width, after.height), (1240, 1754), "A4 at 150 pixels per inch");
    let all = Rectangle::new(0.0, 0.0, 596.0, 842.0);
    assert_eq!((before.count(&all, red), before.count(&all, blue)), (0, 0), "ink on paper");
    // Blue where the officer signs and nowhere else, red where the seal is and nowhere else.
    assert!(middle.count(&written, blue) > 500 && middle.count(&all, red) == 0);
    assert_eq!(middle.count(&written, blue), middle.count(&all, blue));
    assert!(after.count(&stamped, red) > 5_000);
    assert_eq!(after.count(&stamped, red), after.count(&all, red));
    // Under the seal the handwriting is still there where the seal has no ink, and covered where it has.
    let common = Rectangle { left: written.left, right: stamped.right, ..written };
    assert!((common.width() - written.width() / 3.0).abs() < 0.1, "{common:?} {written:?}");
    assert!(after.count(&common, red) > 100);
    let (seen, covered) = (after.count(&common, blue), middle.count(&common, blue));
    assert!(seen > 0 && seen < covered, "{seen} of {covered}");
    let rest = Rectangle { left: stamped.right + 1.0, ..written };
    assert_eq!(after.count(&rest, blue), middle.count(&rest, blue));
}

/// The first page as poppler draws it.
fn peer(path: &Path, page: usize, resolution: f64, password: &str) -> Option<Picture> {
    let page = (page + 1).to_string();
    let mut command = Command::new("pdftoppm");
    command.args(["-f", &page, "-l", &page, "-r", &resolution.to_string(), "-cropbox", "-upw", password]);
    let Ok(output) = command.arg(path).output() else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pdftoppm is required here");
        eprintln!("pdftoppm not found: skipped");
        return None;
    };
    let mut parts = output.stdout.splitn(4, |octet| *octet == b'\n');
    assert_eq!(parts.next(), Some(&b"P6"[..]), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    let size = String::from_utf8(parts.next().unwrap().to_vec()).unwrap();
    let (width, height) = size.split_once(' ').unwrap();
    let pixels = parts.nth(1).unwrap().chunks_exact(3).map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    Some(Picture { width: width.parse().unwrap(), height: height.parse().unwrap(), pixels })
}

/// How far two pictures of one page are apart: the mean of ink, and the part of the page where it differs much.
fn apart(ours: &Picture, theirs: &Picture) -> (f64, f64) {
    assert!(ours.width.abs_diff(theirs.width) <= 1 && ours.height.abs_diff(theirs.height) <= 1, "size");
    let crop = |picture: &Picture| {
        let (width, height) = (ours.width.min(theirs.width), ours.height.min(theirs.height));
        let rows = picture.pixels.chunks_exact(picture.width).take(height);
        let pixels = rows.flat_map(|row| row[..width].iter().copied()).collect();
        Picture { width, height, pixels }.ink(6)
    };
    let (ours, theirs) = (crop(ours), crop(theirs));
    let differences: Vec<f64> = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).collect();
    let count = differences.len() as f64;
    let much = differences.iter().filter(|difference| **difference > 64.0).count() as f64;
    (differences.iter().sum::<f64>() / count, much / count)
}

#[test]
fn poppler_sees_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let pages = [
        "",
        "/Rotate 90 /MediaBox [0 0 842 595]",
        "/Rotate 180",
        "/MediaBox [-100 -200 495 642]",
        "/MediaBox [0 0 900 910] /CropBox [50 60 645 902]",
    ];
    let mut documents = vec![("the letter".to_owned(), LETTER.to_vec())];
    for (page, form) in pages.into_iter().zip(sample_pdf::FORMS.into_iter().cycle()) {
        let document = sample_pdf::document(form, &sample_pdf::two_pages("", page, &[]));
        documents.push((format!("{form:?} {page}"), document));
    }
    for (name, document) in documents {
        let pdf = parse(&document);
        let block = SEAL
            .block(
                pdf.latest(),
                &Facts::new(now()),
                Some(&image(STAMP)),
                &At::Rectangle { page: 0, rectangle: Rectangle::new(300.0, 100.0, 110.0, 110.0) },
            )
            .unwrap();
        let draft = request(&pdf, "Agency", block).draft().unwrap();
        let path = dir.path().join("draft.pdf");
        fs::write(&path, &draft).unwrap();
        let Some(theirs) = peer(&path, 0, RESOLUTION, "") else { return };
        let ours = Picture::of_png(&draw_page(draft, None, 0, RESOLUTION).unwrap());
        let (mean, much) = apart(&ours, &theirs);
        assert!(mean < 4.0 && much < 0.001, "{name}: {mean} {much}");
        // The judge would see if something were missing.
        let without = Picture::of_png(&draw_page(document, None, 0, RESOLUTION).unwrap());
        assert!(apart(&without, &theirs).1 > 0.002, "{name}: {:?}", apart(&without, &theirs));
    }
}

/// First pages of real documents; what is drawn otherwise is an exception with its reason.
#[test]
fn poppler_sees_the_same_in_the_corpus() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut exceptions = corpus::Exceptions::load("preview");
    let documents = corpus::documents(&corpus, &["unsigned", "signing-input"]);
    let outcomes = corpus::each(&documents, |(id, path)| {
        let data = fs::read(path).unwrap();
        let Ok((_, password)) = corpus::open_pdf(&data) else { return Ok(None) };
        let told = match draw_page(data, Some(&Password::new(password)), 0, 72.0) {
            Ok(png) => {
                let theirs = peer(path, 0, 72.0, password).ok_or(())?;
                let (mean, much) = apart(&Picture::of_png(&png), &theirs);
                eprintln!("{id}: {mean:.1} {much:.3}");
                (mean >= 6.0 || much >= 0.03).then(|| "drawn otherwise".to_owned())
            }
            Err(error) => Some(error.to_string()),
        };
        Ok(Some((id.clone(), told)))
    });
    // Where poppler is missing and need not be there.
    let Ok(outcomes) = outcomes.into_iter().collect::<Result<Vec<_>, ()>>() else { return };
    let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
    for (id, told) in &outcomes {
        exceptions.record(id, told.is_none(), told.as_deref().unwrap_or_default());
    }
    exceptions.finish(outcomes.len());
}

fn stream(dictionary: &str, data: &str) -> String {
    format!("<< {dictionary} /Length {} >>\nstream\n{data}\nendstream", data.len())
}

/// A page with this content and these further objects, the first of which is number 5.
fn page(attributes: &str, content: &str, more: &[String]) -> Vec<u8> {
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R /Contents 4 0 R {attributes} >>"),
        stream("", content),
    ];
    objects.extend(more.iter().cloned());
    sample_pdf::document(Xref::Table, &objects)
}

#[test]
fn what_is_too_much_is_refused_before_it_is_drawn() {
    let limit = |document: Vec<u8>, told: &str| match draw_page(document, None, 0, 72.0) {
        Err(Error::LimitExceeded(limit)) => assert!(limit.to_string().contains(told), "{told}: {limit}"),
        other => panic!("{told}: {:?}", other.map(|png| png.len())),
    };
    // Forms that draw the next one ten times, nine deep.
    let form = |next: &str| {
        stream(
            &format!("/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X {next} >> >>"),
            &"/X Do ".repeat(10),
        )
    };
    let tower: Vec<String> = (6..15).map(|next| form(&format!("{next} 0 R"))).collect();
    let resources = "/Resources << /XObject << /X 5 0 R >> >>";
    let mut bomb = tower.clone();
    bomb.push(stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "0 0 1 1 re f"));
    limit(page(resources, "/X Do", &bomb), "steps to draw a page");
    // The same as a pattern, as the glyphs of a font, as a soft mask, and in an annotation.
    let mut pattern = bomb.clone();
    pattern[0] = stream(
        "/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 9 9] /XStep 9 /YStep 9 /Resources << /XObject << /X 6 0 R >> >>",
        &"/X Do ".repeat(10),
    );
    limit(page("/Resources << /Pattern << /P 5 0 R >> >>", "/Pattern cs /P scn 0 0 9 9 re f", &pattern), "steps");
    let font = "/Resources << /Font << /F << /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] \
        /CharProcs << /a 5 0 R >> /Encoding << /Differences [97 /a] >> /FirstChar 97 /LastChar 97 /Widths [9] >> >> >>";
    limit(page(font, "BT /F 1 Tf (a) Tj ET", &bomb), "steps");
    let mask = "/Resources << /ExtGState << /G << /SMask << /S /Luminosity /G 5 0 R >> >> >> >>";
    limit(page(mask, "/G gs 0 0 9 9 re f", &bomb), "steps");
    let annotation = "/Annots [<< /Type /Annot /Subtype /Stamp /Rect [0 0 9 9] /AP << /N 5 0 R >> >>]";
    limit(page(annotation, "", &bomb), "steps");
    // A pattern whose tiles are without number, and more masks than a page has.
    let tiles =
        stream("/PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 900 900] /XStep 0.01 /YStep 0.01", "0 0 1 1 re f");
    limit(page("/Resources << /Pattern << /P 5 0 R >> >>", "/Pattern cs /P scn 0 0 9 9 re f", &[tiles]), "steps");
    let masks: String = (0..65).map(|mask| format!("/G{mask} << /SMask << /S /Alpha /G 5 0 R >> >> ")).collect();
    let group = stream("/Type /XObject /Subtype /Form /BBox [0 0 9 9]", "0 0 1 1 re f");
    limit(page(&format!("/Resources << /ExtGState << {masks} >> >>"), "", &[group]), "soft masks");
    // One that draws itself.
    let itself = draw_page(page(resources, "/X Do", &[form("5 0 R")]), None, 0, 72.0);
    assert!(matches!(itself, Err(Error::Malformed(_))), "{:?}", itself.map(|png| png.len()));
    // Images and pages of more pixels than anybody sees.
    let image = |size: &str| {
        stream(&format!("/Type /XObject /Subtype /Image /ColorSpace /DeviceGray /BitsPerComponent 1 {size}"), "x")
    };
    limit(page(resources, "/X Do", &[image("/Width 60000 /Height 60000")]), "pixels of the images");
    limit(page("/MediaBox [0 0 9000 9000]", "", &[]), "pixels of a drawn page");
    limit(page("/MediaBox [0 0 20000 10]", "", &[]), "pixels of one side");
    // Images whose own headers say more than their dictionaries.
    let packed = |filter: &str, hex: &str| {
        stream(
            &format!(
                "/Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter [/ASCIIHexDecode /{filter}]"
            ),
            hex,
        )
    };
    let jpeg = "FFD8 FFC0 000B 08 EA60 EA60 01 01 11 00>";
    limit(page(resources, "/X Do", &[packed("DCTDecode", jpeg)]), "pixels of the images");
    let jpeg_2000 =
        "FF4F FF51 0029 0000 00010000 00010000 00000000 00000000 00010000 00010000 00000000 00000000 0001 07 01 01>";
    limit(page(resources, "/X Do", &[packed("JPXDecode", jpeg_2000)]), "pixels of the images");
    let jbig2 = "00000000 30 00 01 00000013 0000EA60 0000EA60 00000000 00000000 00 0000>";
    limit(page(resources, "/X Do", &[packed("JBIG2Decode", jbig2)]), "pixels of the images");
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let misuse = |result: Result<Vec<u8>, Error>| match result {
        Err(Error::Misuse(misuse)) => misuse.to_string(),
        other => panic!("{:?}", other.map(|png| png.len())),
    };
    assert!(misuse(draw_page(LETTER.to_vec(), None, 1, 72.0)).contains("page 2"));
    for resolution in [0.0, -1.0, f64::NAN, f64::INFINITY, 2401.0] {
        assert!(misuse(draw_page(LETTER.to_vec(), None, 0, resolution)).contains("pixels per inch"));
    }
    assert!(matches!(draw_page(b"no document".to_vec(), None, 0, 72.0), Err(Error::Malformed(_))));
    // Whatever stands on a page, the answer is a picture or an error.
    let noise = [
        "q ".repeat(200_000),
        "[".repeat(5_000),
        "<<".repeat(5_000),
        "/X Do 1e38 0 0 1e38 0 0 cm 0 0 1 1 re f".to_owned(),
    ];
    for content in noise {
        let drawn = draw_page(page("", &content, &[]), None, 0, 36.0);
        assert!(drawn.is_ok() || matches!(drawn, Err(Error::Unsupported(_) | Error::LimitExceeded(_))));
    }
}
