//! An attacker's tools: incremental updates written by hand, signatures over
//! them, CMS of any shape put into a document that is signed already.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::fmt::Write;

use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::pdf::XrefForm;
use kyso::pdf::object::Reference;

use super::der;
use super::sample_pdf;
use super::sample_pdf::Xref;

/// A form with text fields (two of which share their appearance), an empty signature
/// field with a place, an annotation, a layer and an image-like XObject.
pub fn rich(form: Xref, catalog: &str, page: &str, more: &[&str]) -> Vec<u8> {
    let widget = "/Type /Annot /Subtype /Widget /P 3 0 R /F 4";
    let drawing = |text: &str| {
        format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 100 20] /Length {} >>\nstream\n{text}\nendstream",
            text.len()
        )
    };
    let own = [
        format!("<< {widget} /FT /Tx /T (Amount) /V (10) /Rect [72 600 172 620] /AP << /N 8 0 R >> >>"),
        drawing("BT /F1 12 Tf (10) Tj ET"),
        format!("<< {widget} /FT /Sig /T (Approval) /Rect [300 100 500 180] >>"),
        "<< /Type /Annot /Subtype /Square /Rect [72 500 172 520] /P 3 0 R /F 4 /AP << /N 14 0 R >> >>".to_owned(),
        "<< /Type /OCG /Name (Layer) >>".to_owned(),
        format!("<< {widget} /FT /Tx /T (Total) /V (20) /Rect [72 400 172 420] /AP 15 0 R >>"),
        format!("<< {widget} /FT /Tx /T (Tax) /V (20) /Rect [72 300 172 320] /AP 15 0 R >>"),
        drawing("0 0 100 20 re f"),
        "<< /N 16 0 R >>".to_owned(),
        drawing("BT /F1 12 Tf (20) Tj ET"),
        drawing("0 0 50 10 re f"),
    ];
    let fonts = "/DR << /Font << /Helv 5 0 R >> >> /DA (/Helv 12 Tf 0 g)";
    let layers = "/OCProperties << /OCGs [11 0 R] /D << /ON [11 0 R] >> >>";
    let catalog = format!("/AcroForm << /Fields [7 0 R 9 0 R 12 0 R 13 0 R] {fonts} >> {layers} {catalog}");
    let page = format!("/Annots [7 0 R 9 0 R 10 0 R 12 0 R 13 0 R] {page}");
    let more: Vec<&str> = own.iter().map(String::as_str).chain(more.iter().copied()).collect();
    let mut objects = sample_pdf::two_pages(&catalog, &page, &more);
    objects[2] = objects[2].replace("/Font <<", "/XObject << /X1 17 0 R >> /Properties << /L1 11 0 R >> /Font <<");
    sample_pdf::document(form, &objects)
}

/// The number of the first object that `more` of [`rich`] adds.
pub const FIRST_MORE: u32 = 18;

pub fn parse(document: &[u8]) -> Pdf<'_> {
    Pdf::parse(document, &Limits::default()).unwrap()
}

/// A number that is not in use.
pub fn next(document: &[u8]) -> u32 {
    parse(document).latest().next_number()
}

/// Object `number` of the newest revision as text.
pub fn text(document: &[u8], number: u32) -> String {
    let pdf = parse(document);
    let object = pdf.latest().object(Reference::new(number, 0)).unwrap();
    let mut out = Vec::new();
    object.write(&mut out).unwrap();
    assert!(!object.is_null(), "{number} 0 R is not there");
    String::from_utf8_lossy(&out).into_owned()
}

enum Slot {
    /// Written out: generation in the entry, generation in the header, body.
    Body(u16, u16, Vec<u8>),
    /// An entry for octets that are there already.
    At(u64),
    Packed(String),
    Free,
}

/// An incremental update being written by hand.
pub struct Forge<'d> {
    document: &'d [u8],
    slots: BTreeMap<u32, Slot>,
    trailer: String,
    prev: Option<u64>,
    root: u32,
    form: XrefForm,
    start: u64,
    size: u32,
}

impl<'d> Forge<'d> {
    pub fn on(document: &'d [u8]) -> Self {
        let pdf = parse(document);
        let latest = pdf.latest();
        let root = latest.root().unwrap().number;
        let (form, start, size) = (latest.form(), latest.startxref(), latest.next_number());
        Self { document, slots: BTreeMap::new(), trailer: String::new(), prev: None, root, form, start, size }
    }

    pub fn set(mut self, number: u32, body: impl AsRef<str>) -> Self {
        self.slots.insert(number, Slot::Body(0, 0, body.as_ref().as_bytes().to_vec()));
        self
    }

    pub fn generation(mut self, number: u32, entry: u16, header: u16, body: &str) -> Self {
        self.slots.insert(number, Slot::Body(entry, header, body.as_bytes().to_vec()));
        self
    }

    pub fn stream(self, number: u32, dictionary: &str, data: &str) -> Self {
        self.set(number, format!("<< {dictionary} /Length {} >>\nstream\n{data}\nendstream", data.len()))
    }

    /// The appearance of a small rectangle.
    pub fn drawing(self, number: u32, data: &str) -> Self {
        self.stream(number, "/Type /XObject /Subtype /Form /BBox [0 0 100 20]", data)
    }

    /// The newest value with one piece of its text exchanged.
    pub fn edit(self, number: u32, from: &str, to: &str) -> Self {
        let old = match self.slots.get(&number) {
            Some(Slot::Body(.., body)) => String::from_utf8(body.clone()).unwrap(),
            _ => text(self.document, number),
        };
        assert!(old.contains(from), "{from} in {old}");
        self.set(number, old.replacen(from, to, 1))
    }

    pub fn packed(mut self, number: u32, body: &str) -> Self {
        self.slots.insert(number, Slot::Packed(body.to_owned()));
        self
    }

    pub fn at(mut self, number: u32, offset: u64) -> Self {
        self.slots.insert(number, Slot::At(offset));
        self
    }

    pub fn free(mut self, number: u32) -> Self {
        self.slots.insert(number, Slot::Free);
        self
    }

    pub fn trailer(mut self, more: &str) -> Self {
        self.trailer.push_str(more);
        self
    }

    pub const fn prev(mut self, offset: u64) -> Self {
        self.prev = Some(offset);
        self
    }

    pub const fn root(mut self, number: u32) -> Self {
        self.root = number;
        self
    }

    pub fn write(self) -> Vec<u8> {
        let mut out = self.document.to_vec();
        let highest = self.slots.keys().next_back().map_or(0, |n| n + 1).max(self.size);
        let (object_stream, xref_stream) = (highest, highest + 1);
        let mut rows: BTreeMap<u32, [u64; 3]> = BTreeMap::new();
        let (mut head, mut body, mut count) = (String::new(), String::new(), 0);
        for (number, slot) in &self.slots {
            let row = match slot {
                Slot::Body(entry, header, octets) => {
                    let at = out.len() as u64;
                    out.extend_from_slice(format!("{number} {header} obj\n").as_bytes());
                    out.extend_from_slice(octets);
                    out.extend_from_slice(b"\nendobj\n");
                    [1, at, u64::from(*entry)]
                }
                Slot::At(offset) => [1, *offset, 0],
                Slot::Packed(text) => {
                    write!(head, "{number} {} ", body.len()).unwrap();
                    body.push_str(text);
                    body.push('\n');
                    count += 1;
                    [2, u64::from(object_stream), count - 1]
                }
                Slot::Free => [0, 0, 0xFFFF],
            };
            rows.insert(*number, row);
        }
        if count > 0 {
            let at = out.len() as u64;
            let dictionary =
                format!("/Type /ObjStm /N {count} /First {} /Length {}", head.len(), head.len() + body.len());
            out.extend_from_slice(
                format!("{object_stream} 0 obj\n<< {dictionary} >>\nstream\n{head}{body}\nendstream\nendobj\n")
                    .as_bytes(),
            );
            rows.insert(object_stream, [1, at, 0]);
        }
        let prev = self.prev.unwrap_or(self.start);
        let common = format!("/Size {} /Root {} 0 R /Prev {prev} {}", highest + 2, self.root, self.trailer);
        let as_stream = |out: &mut Vec<u8>, common: &str, rows: &BTreeMap<u32, [u64; 3]>| {
            let at = out.len() as u64;
            let index: String = rows.keys().map(|number| format!("{number} 1 ")).collect();
            let mut data = Vec::new();
            for [kind, first, second] in rows.values() {
                data.push(u8::try_from(*kind).unwrap());
                data.extend_from_slice(&u32::try_from(*first).unwrap().to_be_bytes());
                data.extend_from_slice(&u16::try_from(*second).unwrap().to_be_bytes());
            }
            let dictionary = format!("/Type /XRef /W [1 4 2] /Index [{index}] /Length {} {common}", data.len());
            out.extend_from_slice(format!("{xref_stream} 0 obj\n<< {dictionary} >>\nstream\n").as_bytes());
            out.extend_from_slice(&data);
            out.extend_from_slice(b"\nendstream\nendobj\n");
            at
        };
        let at = if self.form == XrefForm::Stream {
            rows.insert(xref_stream, [1, out.len() as u64, 0]);
            as_stream(&mut out, &common, &rows)
        } else {
            let packed: BTreeMap<u32, [u64; 3]> =
                rows.iter().filter(|(_, row)| row[0] == 2).map(|(number, row)| (*number, *row)).collect();
            let hidden = if packed.is_empty() {
                String::new()
            } else {
                let at = as_stream(&mut out, &format!("/Size {} /Root {} 0 R", highest + 2, self.root), &packed);
                format!("/XRefStm {at}")
            };
            let at = out.len() as u64;
            let mut table = "xref\n".to_owned();
            for (number, [kind, first, second]) in &rows {
                match kind {
                    1 => write!(table, "{number} 1\n{first:010} {second:05} n \n").unwrap(),
                    _ => write!(table, "{number} 1\n0000000000 65535 f \n").unwrap(),
                }
            }
            out.extend_from_slice(table.as_bytes());
            out.extend_from_slice(format!("trailer\n<< {common} {hidden} >>\n").as_bytes());
            at
        };
        out.extend_from_slice(format!("startxref\n{at}\n%%EOF\n").as_bytes());
        out
    }
}

/// A signature dictionary that [`fill`] completes.
pub fn blank(sub_filter: &str, more: &str) -> String {
    format!(
        "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /{sub_filter} /M (D:20261123080000+07'00') {more} \
         /ByteRange [0 ********** ********** **********] /Contents <{}> >>",
        "0".repeat(2 * 8192)
    )
}

/// Puts range and signature into the last blank dictionary, where everything but the value is covered.
pub fn fill(mut document: Vec<u8>, cms: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let range = find_last(&document, b"/ByteRange [0 *").unwrap() + b"/ByteRange [0 ".len();
    let start = range + find(&document[range..], b"/Contents <").unwrap() + b"/Contents ".len();
    let end = start + find(&document[start..], b">").unwrap() + 1;
    let values = format!("{start:010} {end:010} {:010}", document.len() - end);
    document[range..range + values.len()].copy_from_slice(values.as_bytes());
    let covered = [&document[..start], &document[end..]].concat();
    put_hex(&mut document[start + 1..end - 1], &cms(&covered));
    document
}

/// Exchanges the value of signature `index`; the octets it covers stay as they are.
pub fn with_contents(document: &[u8], index: usize, cms: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let ([head, tail], covered) = covered(document, index);
    let mut out = document.to_vec();
    let gap = head.end + 1..tail.start - 1;
    out[gap].fill(b'0');
    put_hex(&mut out[head.end + 1..tail.start - 1], &cms(&covered));
    out
}

/// The ranges of signature `index` and the octets in them.
pub fn covered(document: &[u8], index: usize) -> ([std::ops::Range<usize>; 2], Vec<u8>) {
    let facts = parse(document).signatures().unwrap().swap_remove(index);
    let ranges = facts.covered_ranges().unwrap();
    let [head, tail] = ranges.map(|r| usize::try_from(r.start).unwrap()..usize::try_from(r.end).unwrap());
    let octets = [&document[head.clone()], &document[tail.clone()]].concat();
    ([head, tail], octets)
}

pub fn contents(document: &[u8], index: usize) -> Vec<u8> {
    parse(document).signatures().unwrap().swap_remove(index).contents
}

/// The numbers of field and dictionary of signature `index`.
pub fn numbers(document: &[u8], index: usize) -> (u32, u32) {
    let facts = parse(document).signatures().unwrap().swap_remove(index);
    (facts.field.unwrap().number, facts.object.unwrap().number)
}

fn put_hex(gap: &mut [u8], octets: &[u8]) {
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(hex.len() <= gap.len(), "{} digits in a gap of {}", hex.len(), gap.len());
    gap[..hex.len()].copy_from_slice(hex.as_bytes());
}

/// A CMS for a document, honest unless something is changed.
#[derive(Clone)]
pub struct Cms<'k> {
    pub key: &'k SoftKey,
    /// The certificates inside, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// The one that the signed attributes name; `None` for no such attribute.
    pub bound: Option<Vec<u8>>,
    pub content_type: &'k str,
    pub content: Option<Vec<u8>>,
    pub signed_attributes: bool,
    /// The digest that the attributes state, where it is not that of the octets.
    pub digest: Option<Vec<u8>>,
    pub digest_algorithm: &'k str,
    /// The algorithm identifier of the value, where it is not the key's own.
    pub signature_algorithm: Option<Vec<u8>>,
    pub signers: usize,
}

pub const SHA_256: &str = "2.16.840.1.101.3.4.2.1";
pub const DATA: &str = "1.2.840.113549.1.7.1";

impl<'k> Cms<'k> {
    pub fn new(key: &'k SoftKey) -> Self {
        let own = key.identity().certificate().der().to_vec();
        let chain = key.identity().chain().iter().map(|certificate| certificate.der().to_vec());
        Self {
            key,
            certificates: std::iter::once(own.clone()).chain(chain).collect(),
            bound: Some(own),
            content_type: DATA,
            content: None,
            signed_attributes: true,
            digest: None,
            digest_algorithm: SHA_256,
            signature_algorithm: None,
            signers: 1,
        }
    }

    pub fn over(&self, octets: &[u8]) -> Vec<u8> {
        let sha256 = |octets: &[u8]| DigestAlgorithm::Sha256.digest(octets).octets().to_vec();
        let algorithm = der::seq(&[&der::oid(self.digest_algorithm)]);
        let attribute = |ty: &str, value: &[u8]| der::seq(&[&der::oid(ty), &der::tlv(0x31, value)]);
        let digest = self.digest.clone().unwrap_or_else(|| sha256(self.content.as_deref().unwrap_or(octets)));
        let mut attributes = vec![
            attribute("1.2.840.113549.1.9.3", &der::oid(self.content_type)),
            attribute("1.2.840.113549.1.9.4", &der::octets(&digest)),
        ];
        if let Some(bound) = &self.bound {
            let id = der::seq(&[&der::octets(&sha256(bound))]);
            attributes.push(attribute("1.2.840.113549.1.9.16.2.47", &der::seq(&[&der::seq(&[&id])])));
        }
        let attributes = der::set(attributes);
        let message = if self.signed_attributes { attributes.clone() } else { octets.to_vec() };
        let own = self.key.default_algorithm();
        let value = self.key.sign(&ToBeSigned::new(own, message)).unwrap();
        let mut implicit = attributes;
        implicit[0] = 0xA0;
        if !self.signed_attributes {
            implicit.clear();
        }
        let certificate = self.key.identity().certificate();
        let signer = der::seq(&[
            &der::int(1),
            &der::seq(&[certificate.issuer().der(), &der::tlv(0x02, certificate.serial().content())]),
            &algorithm,
            &implicit,
            &self.signature_algorithm.clone().unwrap_or_else(|| own.to_der()),
            &der::octets(value.octets()),
        ]);
        let inside = self.content.as_ref().map(|content| der::explicit(0, &der::octets(content))).unwrap_or_default();
        let data = der::seq(&[
            &der::int(1),
            &der::tlv(0x31, &algorithm),
            &der::seq(&[&der::oid(self.content_type), &inside]),
            &der::tlv(0xA0, &self.certificates.concat()),
            &der::tlv(0x31, &signer.repeat(self.signers)),
        ]);
        der::seq(&[&der::oid("1.2.840.113549.1.7.2"), &der::explicit(0, &data)])
    }
}

pub fn find(octets: &[u8], piece: &[u8]) -> Option<usize> {
    octets.windows(piece.len()).position(|window| window == piece)
}

pub fn find_last(octets: &[u8], piece: &[u8]) -> Option<usize> {
    octets.windows(piece.len()).rposition(|window| window == piece)
}

/// Exchanges octets for as many others.
pub fn patch(document: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let at = find_last(document, from).unwrap();
    let mut out = document.to_vec();
    out[at..at + to.len()].copy_from_slice(to);
    out
}
