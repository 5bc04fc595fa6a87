//! PDF documents that are to cost more than they are long: parts that overlap, that all run on to
//! the same place, that are named again and again. What they cost is bound to their length, and
//! whoever reads them says that a limit was reached; without one these tests would run for hours.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use kyso::Error;
use kyso::Limits;
use kyso::pdf::Pdf;
use kyso::pdf::object::Reference;
use kyso::sign::pades::PadesRequest;
use office::Plan;

const NOW: &str = "2026-11-23T01:00:00Z";

/// A document being written, with the octets of its objects at hand.
struct Draft {
    out: Vec<u8>,
    /// Rows of the cross-reference: where each object is.
    rows: Vec<[u64; 3]>,
}

impl Draft {
    /// Catalogue, page tree and page, and numbers up to `count` in all.
    fn new(count: usize, catalog: &str) -> Self {
        let mut draft = Self { out: b"%PDF-1.7\n".to_vec(), rows: vec![[0, 0, 0]; count] };
        draft.object(1, &format!("<< /Type /Catalog /Pages 2 0 R {catalog} >>"));
        draft.object(2, "<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
        draft.object(3, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>");
        draft
    }

    fn begin(&mut self, number: usize) {
        self.rows[number] = [1, self.out.len() as u64, 0];
        write!(self.out, "{number} 0 obj ").unwrap();
    }

    fn object(&mut self, number: usize, body: &str) {
        self.begin(number);
        write!(self.out, "{body}\nendobj\n").unwrap();
    }

    fn stream(&mut self, number: usize, dictionary: &str, data: &[u8]) {
        self.begin(number);
        write!(self.out, "<< {dictionary} /Length {} >>\nstream\n", data.len()).unwrap();
        self.out.extend_from_slice(data);
        self.out.extend_from_slice(b"\nendstream\nendobj\n");
    }

    fn packed(&mut self, number: usize, head: &str, body: &str) {
        let count = head.split_whitespace().count() / 2;
        let dictionary = format!("/Type /ObjStm /N {count} /First {} /Filter /FlateDecode", head.len());
        self.stream(number, &dictionary, &deflated(format!("{head}{body}").as_bytes()));
    }

    /// Ends with a cross-reference stream, whose number is the first that is not taken.
    fn write(mut self) -> Vec<u8> {
        let (place, size) = (self.out.len(), self.rows.len() + 1);
        self.rows.push([1, place as u64, 0]);
        let row = |[kind, value, index]: &[u64; 3]| {
            [&kind.to_be_bytes()[7..], &value.to_be_bytes()[3..], &index.to_be_bytes()[4..]].concat()
        };
        let rows: Vec<u8> = self.rows.iter().flat_map(row).collect();
        let dictionary = format!("/Type /XRef /W [1 5 4] /Size {size} /Root 1 0 R /Filter /FlateDecode");
        self.stream(size - 1, &dictionary, &deflated(&rows));
        write!(self.out, "startxref\n{place}\n%%EOF\n").unwrap();
        self.out
    }
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn references(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("{number} 0 R ")).collect()
}

/// So little beside the length of the document that small ones reach the limit.
fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.inflated_octets = 1 << 20;
    limits
}

/// Reads every object: some are at fault, and in the end the limit is reached.
fn exhausts(document: &[u8], numbers: std::ops::Range<usize>, what: &str) {
    let limits = tight();
    let pdf = Pdf::parse(document, &limits).unwrap_or_else(|error| panic!("{what}: {error}"));
    let read = |number: usize| pdf.latest().object(Reference::new(u32::try_from(number).unwrap(), 0));
    assert!(!matches!(read(numbers.start), Err(Error::LimitExceeded(_))), "{what}: at once");
    let reached = numbers.clone().filter(|number| matches!(read(*number), Err(Error::LimitExceeded(_)))).count();
    assert!(reached > 0, "{what}: all {} objects were read", numbers.len());
    assert!(matches!(read(numbers.end - 1), Err(Error::LimitExceeded(_))), "{what}: to the end");
}

#[test]
fn objects_that_all_run_on_to_the_end() {
    const COUNT: usize = 6_000;
    let mut draft = Draft::new(10 + COUNT, "");
    (10..10 + COUNT).for_each(|number| {
        draft.begin(number);
        draft.out.push(b'(');
    });
    exhausts(&draft.write(), 10..10 + COUNT, "strings");

    let mut draft = Draft::new(10 + COUNT, "");
    (10..10 + COUNT).for_each(|number| {
        draft.begin(number);
        draft.out.push(b'<');
    });
    draft.out.push(b'>');
    exhausts(&draft.write(), 10..10 + COUNT, "strings in hexadecimal");

    let mut draft = Draft::new(10 + COUNT, "");
    let heads: Vec<usize> = (10..10 + COUNT)
        .map(|number| {
            draft.begin(number);
            draft.out.extend_from_slice(b"<< /Length 0000000000 >>\nstream\n");
            draft.out.len()
        })
        .collect();
    let end = draft.out.len();
    for head in heads {
        let length = format!("{:010}", end - head);
        draft.out[head - 21..head - 11].copy_from_slice(length.as_bytes());
    }
    draft.out.extend_from_slice(&b" ".repeat(200_000));
    exhausts(&draft.write(), 10..10 + COUNT, "white space behind streams");

    let mut draft = Draft::new(10 + COUNT, "");
    let place = draft.out.len() as u64;
    draft.out.extend_from_slice(&b" ".repeat(COUNT * 20));
    for number in 10..10 + COUNT {
        draft.rows[number] = [1, place + number as u64, 0];
    }
    draft.out.extend_from_slice(b"10 0 obj null endobj\n");
    exhausts(&draft.write(), 10..10 + COUNT, "white space before objects");
}

#[test]
fn packed_objects_that_all_run_on_to_the_end() {
    const COUNT: usize = 6_000;
    for (body, what) in [("(", "strings"), ("<a", "strings in hexadecimal"), ("[", "arrays")] {
        let mut draft = Draft::new(11 + COUNT, "");
        let mut head = String::new();
        for (index, number) in (10..10 + COUNT).enumerate() {
            write!(head, "{number} {} ", index * body.len()).unwrap();
            draft.rows[number] = [2, 10 + COUNT as u64, index as u64];
        }
        draft.packed(10 + COUNT, &head, &body.repeat(COUNT));
        let document = draft.write();
        if body == "[" {
            // The limit on nesting ends each before.
            let pdf = Pdf::parse(&document[..], &tight()).unwrap();
            assert!(matches!(pdf.latest().object(Reference::new(10, 0)), Err(Error::Malformed(_))));
        } else {
            exhausts(&document, 10..10 + COUNT, what);
        }
    }
}

#[test]
fn more_objects_in_a_stream_than_a_document_may_have() {
    let mut limits = Limits::default();
    limits.pdf_objects = 1_000;
    let mut draft = Draft::new(12, "");
    draft.rows[10] = [2, 11, 0];
    draft.packed(11, &"10 0 ".repeat(1_001), "null");
    let document = draft.write();
    let pdf = Pdf::parse(&document[..], &limits).unwrap();
    assert!(
        matches!(pdf.latest().object(Reference::new(10, 0)), Err(Error::LimitExceeded(limit)) if limit.limit() == "pdf_objects")
    );
}

#[test]
fn sections_within_sections() {
    let mut out = Draft::new(4, "").out;
    let mut prev = String::new();
    for _ in 0..4_000 {
        let place = out.len();
        write!(out, "xref\n0 0\ntrailer << /Root 1 0 R /Size 4 {prev} /A (").unwrap();
        prev = format!("/Prev {place}");
    }
    let (last, ends) = (prev.trim_start_matches("/Prev "), ")>>".repeat(4_000));
    write!(out, "{ends}\nstartxref\n{last}\n%%EOF\n").unwrap();
    let error = Pdf::parse(&out[..], &tight()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(ref limit) if limit.limit().contains("cross-reference")), "{error}");
}

#[test]
fn one_stream_for_all_sections() {
    let mut draft = Draft::new(5, "");
    let (row, hidden) = ("0000000000 65535 f \n", draft.out.len());
    let data = deflated(&vec![0; 500_000]);
    draft.stream(4, "/Type /XRef /W [1 1 1] /Size 0 /Index [0 0] /Filter /FlateDecode", &data);
    let mut out = draft.out;
    let mut prev = String::new();
    for _ in 0..400 {
        let place = out.len();
        write!(out, "xref\n0 1\n{row}trailer << /Root 1 0 R /Size 5 /XRefStm {hidden} {prev} >>\n").unwrap();
        write!(out, "startxref\n{place}\n%%EOF\n").unwrap();
        prev = format!("/Prev {place}");
    }
    let error = Pdf::parse(&out[..], &tight()).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(ref limit) if limit.limit().contains("cross-reference")), "{error}");
}

/// Each revision is judged against the one before, of which every object is looked at.
#[test]
fn many_revisions_of_many_objects() {
    const COUNT: usize = 2_000;
    let office = Plan::new().open();
    let mut draft = Draft::new(10 + COUNT, &format!("/Own [{}]", references(10..10 + COUNT)));
    (10..10 + COUNT).for_each(|number| draft.object(number, "[]"));
    let pdf = draft.write();
    let pdf = Pdf::parse(&pdf[..], &Limits::default()).unwrap();
    let request = PadesRequest::new(&pdf, ca::at(NOW));
    let mut out = request.sign(&office.officer).unwrap().to_octets().unwrap();
    for index in 0..300 {
        let latest = Pdf::parse(&out[..], &Limits::default()).unwrap();
        let (prev, size) = (latest.latest().startxref(), latest.latest().next_number());
        drop(latest);
        let object = out.len();
        write!(out, "4 0 obj\n({index})\nendobj\n").unwrap();
        let place = out.len();
        write!(out, "xref\n4 1\n{object:010} 00000 n \ntrailer << /Root 1 0 R /Size {size} /Prev {prev} >>\n").unwrap();
        write!(out, "startxref\n{place}\n%%EOF\n").unwrap();
    }
    let judged = |limits: &Limits| {
        let pdf = Pdf::parse(&out[..], limits).unwrap();
        pdf.history(&pdf.signatures().unwrap()).map(|_| ())
    };
    assert!(matches!(judged(&tight()), Err(Error::LimitExceeded(_))));
    assert!(judged(&Limits::default()).is_ok());
}
