//! Small PDF documents in every form of cross-reference, made in memory.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fmt::Write;

/// How the document says where its objects are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Xref {
    /// A table.
    Table,
    /// A stream; everything that is no stream itself stands in an object stream.
    Stream,
    /// A table, and beside it a stream with the objects that stand in an object stream.
    Hybrid,
}

pub const FORMS: [Xref; 3] = [Xref::Table, Xref::Stream, Xref::Hybrid];

/// Two A4 pages with a line of text; `catalog` and `page` are put into the catalogue and the first page.
pub fn two_pages(catalog: &str, page: &str, more: &[&str]) -> Vec<String> {
    let text = "BT /F1 24 Tf 72 720 Td (Quyet dinh) Tj ET";
    let content = format!("<< /Length {} >>\nstream\n{text}\nendstream", text.len());
    let resources = "/Resources << /Font << /F1 5 0 R >> >> /Contents 4 0 R";
    let mut objects = vec![
        format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"),
        "<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 /MediaBox [0 0 595 842] >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R {resources} {page} >>"),
        content,
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!("<< /Type /Page /Parent 2 0 R {resources} >>"),
    ];
    objects.extend(more.iter().map(|object| (*object).to_owned()));
    objects
}

pub fn plain(form: Xref) -> Vec<u8> {
    document(form, &two_pages("", "", &[]))
}

/// With an empty signature field `Approval` of 200 x 80 points, and what `extra` adds to it.
pub fn with_field(form: Xref, extra: &str) -> Vec<u8> {
    let field = format!(
        "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Approval) /Rect [300 100 500 180] /P 3 0 R /F 4 {extra} >>"
    );
    document(form, &two_pages("/AcroForm << /Fields [7 0 R] >>", "/Annots [7 0 R]", &[&field]))
}

/// Objects numbered from 1; the first is the catalogue.
pub fn document(form: Xref, objects: &[String]) -> Vec<u8> {
    let mut out = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n".to_vec();
    let size = objects.len() + 1;
    // Where each object is: in the file, or at an index of the object stream.
    let mut places: Vec<Place> = vec![Place::Free];
    let mut packed = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        let compressible = match form {
            Xref::Table => false,
            Xref::Stream => !object.contains("stream\n"),
            // Old readers must find the pages, so only the last objects hide.
            Xref::Hybrid => index > 5 && !object.contains("stream\n"),
        };
        if compressible {
            places.push(Place::Packed(packed.len()));
            packed.push((index + 1, object));
        } else {
            places.push(Place::At(out.len()));
            out.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", index + 1).as_bytes());
        }
    }
    if form == Xref::Table {
        return table(out, &places, size, "");
    }
    let object_stream = size;
    let (mut head, mut body) = (String::new(), String::new());
    for (number, object) in &packed {
        write!(head, "{number} {} ", body.len()).unwrap();
        body.push_str(object);
        body.push('\n');
    }
    let dictionary =
        format!("/Type /ObjStm /N {} /First {} /Length {}", packed.len(), head.len(), head.len() + body.len());
    places.push(Place::At(out.len()));
    out.extend_from_slice(
        format!("{object_stream} 0 obj\n<< {dictionary} >>\nstream\n{head}{body}\nendstream\nendobj\n").as_bytes(),
    );
    let xref_stream = size + 1;
    let at = out.len();
    places.push(Place::At(at));
    let rows: Vec<u8> = places.iter().flat_map(|place| place.row(object_stream)).collect();
    let dictionary = format!("/Type /XRef /Size {} /W [1 4 2] /Root 1 0 R /Length {}", places.len(), rows.len());
    out.extend_from_slice(format!("{xref_stream} 0 obj\n<< {dictionary} >>\nstream\n").as_bytes());
    out.extend_from_slice(&rows);
    out.extend_from_slice(b"\nendstream\nendobj\n");
    if form == Xref::Hybrid {
        return table(out, &places, size + 2, &format!("/XRefStm {at}"));
    }
    out.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
    out
}

#[derive(Clone, Copy)]
enum Place {
    Free,
    At(usize),
    Packed(usize),
}

impl Place {
    fn row(&self, object_stream: usize) -> Vec<u8> {
        let (kind, first, second) = match self {
            Self::Free => (0, 0, 0xFFFF),
            Self::At(offset) => (1, *offset, 0),
            Self::Packed(index) => (2, object_stream, *index),
        };
        let mut row = vec![kind];
        row.extend_from_slice(&u32::try_from(first).unwrap().to_be_bytes());
        row.extend_from_slice(&u16::try_from(second).unwrap().to_be_bytes());
        row
    }
}

fn table(mut out: Vec<u8>, places: &[Place], size: usize, trailer: &str) -> Vec<u8> {
    let at = out.len();
    let mut text = format!("xref\n0 {size}\n");
    for place in places {
        match place {
            Place::At(offset) => writeln!(text, "{offset:010} 00000 n ").unwrap(),
            _ => writeln!(text, "0000000000 65535 f ").unwrap(),
        }
    }
    write!(text, "trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{at}\n%%EOF\n").unwrap();
    out.extend_from_slice(text.as_bytes());
    out
}
