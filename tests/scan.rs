//! Scans become PDFs; libtiff and poppler make them and look at what came out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/pdf_peers.rs"]
mod pdf_peers;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use kyso::Error;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::pdf::Pdf;
use kyso::pdf::Scan;
use kyso::profile::vietnam::CopyForm;
use kyso::profile::vietnam::looks::At;
use kyso::profile::vietnam::looks::COPY;
use kyso::profile::vietnam::looks::Facts;
use kyso::sign::pades::PadesRequest;
use pdf_peers::run;

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/cong-van.pdf");

/// A page of the example as poppler draws it, at so many dots per inch; `None` without poppler.
fn page(dir: &Path, name: &str, dots: u32, options: &[&str]) -> Option<PathBuf> {
    let stem = dir.join(name);
    let dots = dots.to_string();
    let arguments = [&["-r", &dots, "-f", "1", "-l", "1", "-singlefile"], options, &[DOCUMENT, stem.to_str().unwrap()]];
    let output = run("pdftoppm", &arguments.concat())?;
    assert!(output.status.success(), "{output:?}");
    let found = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).find(|p| p.file_stem().unwrap() == name);
    Some(found.unwrap())
}

fn scan(files: &[&Path]) -> (Vec<u8>, Vec<String>, Vec<kyso::pdf::ScannedPage>) {
    let limits = Limits::default();
    let mut scan = Scan::new(&limits);
    for file in files {
        scan.add(&fs::read(file).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    }
    let codes = scan.findings().iter().map(|finding| finding.code().to_owned()).collect();
    let pages = scan.pages().to_vec();
    (scan.to_pdf().unwrap(), codes, pages)
}

/// What poppler draws of the pages of a document, grey, at so many dots per inch.
fn drawn(dir: &Path, document: &[u8], dots: u32) -> Vec<(usize, Vec<u8>)> {
    let path = dir.join("drawn.pdf");
    fs::write(&path, document).unwrap();
    let check = run("qpdf", &["--check", path.to_str().unwrap()]).unwrap();
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    let output = run("pdftoppm", &["-gray", "-r", &dots.to_string(), path.to_str().unwrap()]).unwrap();
    assert!(output.status.success());
    let mut rest = output.stdout.as_slice();
    let mut pages = Vec::new();
    while !rest.is_empty() {
        let header: Vec<&[u8]> = rest.splitn(4, |b| *b == b'\n').collect();
        let [b"P5", size, b"255", pixels] = header[..] else { panic!("not a grey map") };
        let sides: Vec<usize> =
            std::str::from_utf8(size).unwrap().split(' ').map(|side| side.parse().unwrap()).collect();
        let (page, more) = pixels.split_at(sides[0] * sides[1]);
        pages.push((sides[0], page.to_vec()));
        rest = more;
    }
    pages
}

/// Mean difference of grey values.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let sum: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    #[allow(clippy::cast_precision_loss)]
    let mean = sum as f64 / a.len() as f64;
    mean
}

/// A variant of a TIFF by libtiff.
fn copied(dir: &Path, name: &str, options: &[&str], from: &[&Path]) -> Option<PathBuf> {
    let target = dir.join(name);
    let from: Vec<&str> = from.iter().map(|path| path.to_str().unwrap()).collect();
    let output = run("tiffcp", &[options, &from, &[target.to_str().unwrap()]].concat())?;
    assert!(output.status.success(), "{name}: {output:?}");
    Some(target)
}

#[test]
fn fax_data_is_kept_and_drawn_as_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let Some(plain) = page(dir, "plain", 200, &["-mono", "-tiff", "-tiffcompression", "none"]) else { return };
    let (document, codes, pages) = scan(&[&plain]);
    assert_eq!(codes, ["SCAN_NOT_IN_COLOUR"]);
    assert!((pages[0].resolution.0 - 200.0).abs() < 0.1 && pages[0].real_size, "{pages:?}");
    let reference = drawn(dir, &document, 200).remove(0);
    assert!(reference.1.iter().any(|pixel| *pixel < 64) && reference.1.iter().any(|pixel| *pixel > 192));
    let original = fs::read(DOCUMENT).unwrap();
    let original = drawn(dir, &original, 200).remove(0);
    assert!(difference(&reference.1, &original.1) < 6.0, "the same page as the original, dithered");
    let variants: [(&str, &[&str], usize); 9] = [
        ("g4.tif", &["-c", "g4", "-r", "100000"], 1),
        ("g4-strips.tif", &["-c", "g4", "-r", "300"], 8),
        ("g4-reversed.tif", &["-c", "g4", "-f", "lsb2msb", "-r", "100000"], 1),
        ("g4-big-endian.tif", &["-c", "g4", "-B", "-r", "100000"], 1),
        ("g3-1d.tif", &["-c", "g3:1d", "-r", "100000"], 1),
        ("g3-2d.tif", &["-c", "g3:2d", "-r", "100000"], 1),
        ("g3-fill.tif", &["-c", "g3:2d:fill", "-r", "500"], 5),
        ("lzw.tif", &["-c", "lzw"], 0),
        ("zip.tif", &["-c", "zip", "-r", "64"], 0),
    ];
    for (name, options, strips) in variants {
        let Some(file) = copied(dir, name, options, &[&plain]) else { return };
        let (document, ..) = scan(&[&file]);
        let text = String::from_utf8_lossy(&document);
        assert_eq!(text.matches("/CCITTFaxDecode").count(), strips, "{name}");
        let (width, pixels) = drawn(dir, &document, 200).remove(0);
        assert_eq!(width, reference.0);
        // Each strip is an image of its own, which a reader fits to its own pixels.
        let most = if strips > 1 { 2.0 } else { 0.01 };
        let found = difference(&pixels, &reference.1);
        assert!(found <= most, "{name}: {found}");
    }
}

#[test]
fn several_files_and_pages_become_one_document_ready_to_sign() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let Some(colour) = page(dir, "colour", 200, &["-png"]) else { return };
    let photo = page(dir, "photo", 300, &["-jpeg"]).unwrap();
    let fax = page(dir, "fax", 200, &["-mono", "-tiff", "-tiffcompression", "none"]).unwrap();
    let rgb = page(dir, "rgb", 200, &["-tiff", "-tiffcompression", "deflate"]).unwrap();
    let grey = page(dir, "grey", 200, &["-gray", "-tiff", "-tiffcompression", "lzw"]).unwrap();
    let Some(pages) = copied(dir, "pages.tif", &["-c", "g4"], &[&fax, &fax]) else { return };
    let (document, codes, told) = scan(&[&colour, &photo, &rgb, &grey, &pages]);
    assert_eq!(told.len(), 6);
    assert_eq!(codes, ["SCAN_NOT_IN_COLOUR"; 3]);
    assert!(told.iter().all(|page| page.real_size && (page.width - 595.276).abs() < 0.01), "{told:?}");
    let pictures = drawn(dir, &document, 100);
    assert_eq!(pictures.len(), 6);
    let original = drawn(dir, &fs::read(DOCUMENT).unwrap(), 100).remove(0);
    for (width, pixels) in &pictures {
        assert_eq!(*width, original.0);
        assert!(difference(pixels, &original.1) < 8.0, "{}", difference(pixels, &original.1));
    }
    // The same images give the same octets, and what comes out can be signed.
    assert_eq!(scan(&[&colour, &photo, &rgb, &grey, &pages]).0, document);
    let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root of scan")], None), KeySpec::P256);
    let key = root.issue(&ca::Template::new(&[(ca::CN, "UBND xã")]), KeySpec::P256);
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    assert!(pdf.findings().is_empty(), "{:?}", pdf.findings());
    let signed = PadesRequest::new(&pdf, ca::at("2026-11-23T01:00:00Z")).sign(&key).unwrap().to_octets().unwrap();
    pdf_peers::Peers::new(&root.certificate).judge("scan.pdf", &signed, 1, true);
    let path = dir.join("drawn.pdf");
    fs::write(&path, &signed).unwrap();
    // Left as a picture for a person to look at.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scan");
    let (path, target) = (path.to_str().unwrap(), target.to_str().unwrap());
    let arguments = ["-png", "-r", "50", "-f", "2", "-singlefile", path, target];
    run("pdftoppm", &arguments);
}

#[test]
fn a_certified_copy_carries_its_mark() {
    let dir = tempfile::tempdir().unwrap();
    let Some(colour) = page(dir.path(), "colour", 200, &["-png"]) else { return };
    let (document, ..) = scan(&[&colour]);
    let root = ca::Authority::root(ca::Template::ca(&[(ca::CN, "Root of copies")], None), KeySpec::P256);
    let key = root.issue(&ca::Template::new(&[(ca::CN, "UBND xã")]), KeySpec::P256);
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let now = ca::at("2026-11-23T01:00:00Z");
    let peers = pdf_peers::Peers::new(&root.certificate);
    for form in [CopyForm::SaoY, CopyForm::SaoLuc, CopyForm::TrichSao] {
        let facts = Facts::new(now).agency("ỦY BAN NHÂN DÂN XÃ SÔNG MÂY").copy(form);
        let mark = COPY.block(pdf.latest(), &facts, None, &At::Usual).unwrap();
        let request = PadesRequest::new(&pdf, now).visible(mark.page, mark.left, mark.bottom, mark.appearance);
        let signed = request.sign(&key).unwrap().to_octets().unwrap();
        peers.judge("copy.pdf", &signed, 1, true);
        let text = peers.text("copy.pdf").unwrap_or_default();
        for line in [form.name(), "ỦY BAN NHÂN DÂN XÃ SÔNG MÂY", "2026-11-23T08:00:00+07:00"] {
            assert!(text.contains(line), "{line}: {text}");
        }
        peers.picture("copy.pdf", "copy");
    }
}

#[test]
fn sizes_and_shortcomings_are_told() {
    let png = |width: u32, height: u32, dots: Option<f64>| {
        let mut out = Vec::new();
        let mut encoder = png_writer(&mut out, width, height, dots);
        encoder.write_image_data(&vec![200; (width * height * 3) as usize]).unwrap();
        drop(encoder);
        out
    };
    let limits = Limits::default();
    let told = |data: Vec<u8>| {
        let mut scan = Scan::new(&limits);
        scan.add(&data).unwrap();
        let codes: Vec<String> = scan.findings().iter().map(|finding| finding.code().to_owned()).collect();
        (scan.pages()[0].clone(), codes)
    };
    let (page, codes) = told(png(827, 1169, Some(100.0)));
    assert_eq!(codes, ["SCAN_RESOLUTION"]);
    assert!((page.width - 595.276).abs() < 0.01);
    let (page, codes) = told(png(1169, 827, None));
    assert_eq!(codes, ["SCAN_SIZE_UNKNOWN", "SCAN_RESOLUTION"]);
    assert!((page.width - 841.89).abs() < 0.01 && !page.real_size, "landscape");
    // A3 at 200 dots per inch stays A3.
    let (page, codes) = told(png(2339, 3307, Some(200.0)));
    assert_eq!(codes, ["SCAN_LARGER_THAN_A4"]);
    assert!((page.width - 842.0).abs() < 1.0 && (page.height - 1190.5).abs() < 1.0, "{page:?}");
    // A small slip at real size on a whole sheet.
    let (page, codes) = told(png(600, 300, Some(300.0)));
    assert!(codes.is_empty() && (page.width - 841.89).abs() < 0.01, "{codes:?} {page:?}");
    let mut scan = Scan::new(&limits);
    assert!(matches!(scan.add(b"GIF89a"), Err(Error::Unsupported(_))));
    assert!(matches!(scan.to_pdf(), Err(Error::Misuse(_))));
}

fn png_writer(out: &mut Vec<u8>, width: u32, height: u32, dots: Option<f64>) -> png::Writer<&mut Vec<u8>> {
    let mut encoder = png::Encoder::new(out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    if let Some(dots) = dots {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let per_metre = (dots / 0.0254).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: per_metre, yppu: per_metre, unit: png::Unit::Meter }));
    }
    encoder.write_header().unwrap()
}

/// A TIFF with one strip, entry by entry: tag, type, count, value.
fn tiff(entries: &[(u16, u16, u32, u32)], next: u32, data: &[u8]) -> Vec<u8> {
    let mut out = b"II\x2a\0\x08\0\0\0".to_vec();
    out.extend_from_slice(&u16::try_from(entries.len()).unwrap().to_le_bytes());
    for (tag, kind, count, value) in entries {
        out.extend_from_slice(&tag.to_le_bytes());
        out.extend_from_slice(&kind.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
        out.extend_from_slice(&value.to_le_bytes());
    }
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(data);
    out
}

#[test]
fn bombs_and_broken_files_are_refused_within_bounds() {
    let limits = Limits::default();
    let add = |data: &[u8]| Scan::new(&limits).add(data);
    let g4 = |width: u32, height: u32, count: u32, next: u32| {
        let end = 8 + 2 + 7 * 12 + 4;
        let entries = [
            (256, 4, 1, width),
            (257, 4, 1, height),
            (259, 3, 1, 4),
            (262, 3, 1, 0),
            (273, 4, 1, end),
            (278, 4, 1, height),
            (279, 4, 1, count),
        ];
        tiff(&entries, next, &[0xff; 8])
    };
    add(&g4(64, 64, 8, 0)).unwrap();
    assert!(matches!(add(&g4(4_000_000_000, 4_000_000_000, 8, 0)), Err(Error::LimitExceeded(_))));
    assert!(matches!(add(&g4(64, 64, 9, 0)), Err(Error::Malformed(_))), "octets beyond the end");
    assert!(matches!(add(&g4(0, 64, 8, 0)), Err(Error::Malformed(_))));
    assert!(matches!(add(&g4(64, 64, 8, 8)), Err(Error::Malformed(_))), "a circle of directories");
    let mut large = g4(30_000, 30_000, 8, 0);
    large[8 + 2 + 2 * 12 + 8] = 5; // LZW: samples that would have to be unpacked
    assert!(matches!(add(&large), Err(Error::LimitExceeded(_))));
    assert!(matches!(add(b"II\x2b\0\x08\0\0\0"), Err(Error::Unsupported(_))), "BigTIFF");
    let whole = g4(64, 64, 8, 0);
    for length in 0..whole.len() {
        assert!(add(&whole[..length]).is_err(), "{length}");
    }
    // Any octet may be anything: an error or a page, never a crash.
    for at in 0..whole.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut broken = whole.clone();
            broken[at] = value;
            let _ = add(&broken);
        }
    }
}
