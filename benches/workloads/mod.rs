//! The documents that are measured, the same every time.

use std::fs::File;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A PDF like a scan: one image a page, of octets that do not compress.
pub(crate) fn scan_like(path: &Path, octets: u64) {
    let pages = (octets / 3_000_000).clamp(4, 100);
    let image = octets / pages;
    let mut out = Document::create(path);
    let kids: String = (0..pages).map(|page| format!("{} 0 R ", 3 + 3 * page)).collect();
    out.object(b"<</Type/Catalog/Pages 2 0 R>>");
    out.object(format!("<</Type/Pages/Count {pages}/Kids[{kids}]>>").as_bytes());
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    for page in 0..pages {
        let (content, picture) = (4 + 3 * page, 5 + 3 * page);
        let resources = format!("/Resources<</XObject<</I {picture} 0 R>>>>/Contents {content} 0 R");
        out.object(format!("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]{resources}>>").as_bytes());
        out.stream("", b"q 595 0 0 842 0 0 cm /I Do Q");
        let size = "/Width 1240/Height 1754/ColorSpace/DeviceGray/BitsPerComponent 8";
        out.begin();
        out.put(format!("<</Type/XObject/Subtype/Image{size}/Filter/DCTDecode/Length {image}>>\nstream\n").as_bytes());
        noise.write(&mut out, image);
        out.put(b"\nendstream\nendobj\n");
    }
    out.end_with_table();
}

/// A tagged document of few pages and very many objects, each in the file itself.
pub(crate) fn many_objects(path: &Path, count: u32) {
    let mut out = Document::create(path);
    for object in structure(count) {
        out.object(object.as_bytes());
    }
    out.end_with_table();
}

/// The same, packed into object streams of a hundred, as producers do.
pub(crate) fn many_in_streams(path: &Path, count: u32) {
    const EACH: usize = 100;
    let mut out = Document::create(path);
    let mut rows: Vec<[u64; 3]> = vec![[0, 0, 65_535]];
    let objects: Vec<String> = structure(count).collect();
    let first_stream = objects.len() as u64 + 1;
    for (index, group) in objects.chunks(EACH).enumerate() {
        let (mut head, mut body) = (String::new(), String::new());
        for (place, object) in group.iter().enumerate() {
            head.push_str(&format!("{} {} ", rows.len(), body.len()));
            body.push_str(object);
            body.push('\n');
            rows.push([2, first_stream + index as u64, place as u64]);
        }
        let dictionary = format!("/Type/ObjStm/N {}/First {}/Filter/FlateDecode", group.len(), head.len());
        out.offsets.resize(objects.len() + index, 0);
        out.stream(&dictionary, &deflated((head + &body).as_bytes()));
    }
    out.end_with_stream(rows, objects.len());
}

/// Catalogue, one page, and a structure tree of `count` objects in all.
fn structure(count: u32) -> impl Iterator<Item = String> {
    let tree: String = (5..count).step_by(100).map(|number| format!("{number} 0 R ")).collect();
    let head = [
        "<</Type/Catalog/Pages 2 0 R/StructTreeRoot 4 0 R>>".to_owned(),
        "<</Type/Pages/Count 1/Kids[3 0 R]>>".to_owned(),
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<<>>>>".to_owned(),
        format!("<</Type/StructTreeRoot/K[{tree}]>>"),
    ];
    let mut noise = Noise(0x2545_F491_4F6C_DD1D);
    head.into_iter().chain((5..count).map(move |number| {
        let [left, bottom, right, top] = [number % 595, number % 842, number % 300, number % 200];
        let layout = format!("/A[<</O/Layout/BBox[{left} {bottom} {right} {top}]/Placement/Block>>]");
        let next = (number + 1).min(count - 1);
        let title = noise.words(8);
        format!("<</Type/StructElem/S/P/P 4 0 R/Pg 3 0 R/Lang(en-US)/T({title}){layout}/K[{number} {next} 0 R]>>")
    }))
}

fn deflated(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// A document being written, object after object.
struct Document {
    inner: BufWriter<File>,
    count: u64,
    offsets: Vec<u64>,
}

impl Document {
    fn create(path: &Path) -> Self {
        let mut out = Self { inner: BufWriter::new(File::create(path).unwrap()), count: 0, offsets: Vec::new() };
        out.put(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
        out
    }

    fn put(&mut self, octets: &[u8]) {
        self.inner.write_all(octets).unwrap();
        self.count += octets.len() as u64;
    }

    fn begin(&mut self) {
        self.offsets.push(self.count);
        self.put(format!("{} 0 obj\n", self.offsets.len()).as_bytes());
    }

    fn object(&mut self, body: &[u8]) {
        self.begin();
        self.put(body);
        self.put(b"\nendobj\n");
    }

    fn stream(&mut self, dictionary: &str, data: &[u8]) {
        self.begin();
        self.put(format!("<<{dictionary}/Length {}>>\nstream\n", data.len()).as_bytes());
        self.put(data);
        self.put(b"\nendstream\nendobj\n");
    }

    fn end_with_table(mut self) {
        let start = self.count;
        let size = self.offsets.len() + 1;
        self.put(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
        for offset in std::mem::take(&mut self.offsets) {
            self.put(format!("{offset:010} 00000 n \n").as_bytes());
        }
        self.end(&format!("trailer\n<</Size {size}/Root 1 0 R>>\n"), start);
    }

    /// With `rows` for the first objects; those from `first` on stand in the file itself.
    fn end_with_stream(mut self, mut rows: Vec<[u64; 3]>, first: usize) {
        let start = self.count;
        self.offsets.push(start);
        rows.extend(self.offsets.iter().skip(first).map(|offset| [1, *offset, 0]));
        let mut data = Vec::new();
        for [kind, value, last] in &rows {
            data.push(kind.to_le_bytes()[0]);
            data.extend_from_slice(&value.to_be_bytes()[4..]);
            data.extend_from_slice(&last.to_be_bytes()[6..]);
        }
        let data = deflated(&data);
        let keys = format!("/Size {}/Root 1 0 R/W[1 4 2]/Filter/FlateDecode/Length {}", rows.len(), data.len());
        self.put(format!("{} 0 obj\n<</Type/XRef{keys}>>\nstream\n", self.offsets.len()).as_bytes());
        self.put(&data);
        self.end("\nendstream\nendobj\n", start);
    }

    fn end(mut self, before: &str, start: u64) {
        self.put(format!("{before}startxref\n{start}\n%%EOF\n").as_bytes());
        self.inner.flush().unwrap();
    }
}

/// xorshift64: the same file every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn write(&mut self, out: &mut Document, octets: u64) {
        let mut left = octets;
        while left > 0 {
            let count = left.min(8);
            out.put(&self.next().to_le_bytes()[..usize::try_from(count).unwrap()]);
            left -= count;
        }
    }

    fn words(&mut self, count: usize) -> String {
        const LETTERS: [char; 12] = ['a', 'e', 'i', 'o', 'u', 'l', 'n', 'r', 's', 't', 'd', 'k'];
        let mut words = String::new();
        for _ in 0..count {
            let mut random = self.next();
            for _ in 0..2 + random % 9 {
                random /= 12;
                words.push(LETTERS[usize::try_from(random % 12).unwrap()]);
            }
            words.push(' ');
        }
        words
    }
}
