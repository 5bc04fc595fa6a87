//! Truncated, empty, random and boastful inputs of every format: an error that
//! says what was expected, never a panic, and never a guess.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::at;
use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::envelope::Envelope;
use kyso::evidence::EvidencePackage;
use kyso::evidence::PackageDraft;
use kyso::key::SigningKey;
use kyso::key::pkcs12::Pfx;
use kyso::pdf::Pdf;
use kyso::pdf::font::Font;
use kyso::pdf::image::Image;
use kyso::revocation::Evidence;
use kyso::secret::Password;
use kyso::sign::cades::CadesRequest;
use kyso::timestamp::TimeStampRequest;
use kyso::timestamp::TimeStampResponse;
use kyso::timestamp::TimeStampToken;
use kyso::validate::Policy;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::ocsp::OcspResponse;
use office::Plan;

const NOW: &str = "2026-11-23T01:00:00Z";

type Read = fn(&[u8]) -> Result<(), Error>;

/// A reader with an input that it takes.
struct Format {
    name: &'static str,
    read: Read,
    sample: Vec<u8>,
    /// A shorter input may be whole, too, from this length on: text, whose end nothing marks.
    whole_from: usize,
}

fn formats() -> Vec<Format> {
    let limits = Limits::default;
    let office = Plan::new().open();
    let package = {
        let draft = PackageDraft::new(&b"document".as_slice(), &Evidence::new()).unwrap();
        let imprint = DigestAlgorithm::Sha256.digest(&draft.to_be_stamped());
        let token = office.tsa.token(&TimeStampRequest::new(imprint).to_der(), at(NOW));
        let token = TimeStampToken::from_octets(&token, &limits()).unwrap();
        draft.stamp(token, &Evidence::new()).unwrap().to_octets()
    };
    let request = TimeStampRequest::new(DigestAlgorithm::Sha256.digest(b"x")).to_der();
    let certificate = office.officer.identity().certificate().clone();
    let ocsp = {
        let id =
            kyso::x509::ocsp::CertId::new(DigestAlgorithm::Sha1, &office.issuing.certificate, certificate.serial());
        let request = kyso::x509::ocsp::request(&id, None);
        office.issuing.ocsp(&request, None, at(NOW), at("2026-11-24T01:00:00Z"))
    };
    let pdf = office.sign(&office.officer, NOW);
    let end = pdf.windows(5).rposition(|w| w == b"%%EOF").unwrap() + 5;
    let format = |name, read: Read, sample: Vec<u8>| Format { name, read, whole_from: sample.len(), sample };
    vec![
        format("certificate", |o| Certificate::from_der(o).map(drop), certificate.der().to_vec()),
        format("CRL", |o| Crl::from_der(o).map(drop), office.root.crl(at(NOW), at("2026-11-24T00:00:00Z"))),
        format("OCSP response", |o| OcspResponse::from_der(o).map(drop), ocsp),
        format(
            "CMS",
            |o| SignedData::from_octets(o, &Limits::default()).map(drop),
            CadesRequest::new(b"content", at(NOW)).sign(&office.officer).unwrap().into_octets(),
        ),
        format(
            "time-stamp response",
            |o| TimeStampResponse::from_octets(o, &Limits::default()).map(drop),
            office.tsa.respond(&request, at(NOW)),
        ),
        format(
            "time-stamp token",
            |o| TimeStampToken::from_octets(o, &Limits::default()).map(drop),
            office.tsa.token(&request, at(NOW)),
        ),
        format("evidence package", |o| EvidencePackage::from_octets(o, &Limits::default()).map(drop), package),
        format(
            "private key",
            |o| PrivateKey::from_der(o, None).map(drop),
            PrivateKey::generate(KeySpec::P256).unwrap().to_pkcs8_der().unwrap().to_vec(),
        ),
        Format {
            name: "PDF",
            read: |o| Pdf::parse(o, &Limits::default())?.signatures().map(drop),
            // Cut back to an earlier revision it is a whole document, without the signature.
            whole_from: sample_pdf::plain(sample_pdf::Xref::Table).len().min(end) - 1,
            sample: pdf,
        },
        Format {
            name: "PNG",
            read: |o| Image::from_png(o, &Limits::default()).map(drop),
            // The last chunk, which says that nothing follows, is not waited for.
            whole_from: png().len() - 12,
            sample: png(),
        },
        format("font", |o| Font::from_ttf(o.to_vec()).map(drop), Vec::new()),
        format("PKCS#12", |o| Pfx::open(o, &Password::new(""), &Limits::default()).map(drop), Vec::new()),
        format("edXML", |o| Envelope::read(&o, &Limits::default()).map(drop), Vec::new()),
        #[cfg(feature = "serde")]
        format(
            "policy",
            |o| Policy::from_json(&String::from_utf8_lossy(o)).map(drop),
            Policy::etsi().to_json().into_bytes(),
        ),
    ]
}

/// One grey pixel.
fn png() -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, 1, 1);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[128]).unwrap();
    out
}

/// Octets that look like nothing, the same each time.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..length).map(|_| next()).collect()
}

fn refused(format: &Format, input: &[u8], what: &str) {
    let error = (format.read)(input).err();
    let Some(error) = error else { panic!("{}: {what} was taken", format.name) };
    let text = error.to_string();
    assert!(text.contains("expected") || text.contains("not supported") || text.len() > 20, "{}: {text}", format.name);
}

#[test]
fn each_sample_reads_and_each_cut_of_it_is_an_error() {
    for format in formats().iter().filter(|f| !f.sample.is_empty()) {
        (format.read)(&format.sample).unwrap_or_else(|e| panic!("{}: {e}", format.name));
        let step = format.sample.len() / 400 + 1;
        for length in (0..format.whole_from.min(format.sample.len())).step_by(step) {
            refused(format, &format.sample[..length], &format!("the first {length} octets"));
        }
    }
}

#[test]
fn nothing_and_noise_are_errors() {
    for format in &formats() {
        refused(format, &[], "nothing");
        for (seed, length) in [(1, 1), (2, 16), (3, 300), (4, 5_000), (5, 200_000)] {
            refused(format, &noise(seed, length), &format!("noise of {length} octets"));
        }
    }
}

/// Lengths far beyond the input, and nesting far beyond sense, cost nothing
/// (in the der crate before 0.8.3, nested BER took the stack).
#[test]
fn enormous_claims_are_errors() {
    let claims: [&[u8]; 6] = [
        &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x30, 0x88, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        &[0x30, 0x80, 0x30, 0x80, 0x30, 0x80, 0x30, 0x80],
        b"%PDF-1.7\n1 0 obj\n<</Length 99999999999>>stream\n",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x08\x06\x00\x00\x00",
        b"<?xml version=\"1.0\"?><edXML xmlns=\"http://www.mic.gov.vn/TBT/QCVN_102_2016\">",
    ];
    let deep = [0x30, 0x80].repeat(200_000);
    let arrays = [b"%PDF-1.7\n1 0 obj\n".as_slice(), &b"[".repeat(200_000)].concat();
    for format in &formats() {
        for claim in claims.iter().copied().chain([deep.as_slice(), arrays.as_slice()]) {
            refused(format, claim, "a boast");
        }
    }
}

/// Any octet of a sample may be any other: what comes out is a value or an error.
#[test]
fn changed_octets_are_read_or_refused() {
    for format in formats().iter().filter(|f| !f.sample.is_empty()) {
        let step = format.sample.len() / 300 + 1;
        for position in (0..format.sample.len()).step_by(step) {
            for value in [0x00, 0x7F, 0x80, 0xFF] {
                let mut changed = format.sample.clone();
                changed[position] = value;
                let _ = (format.read)(&changed);
            }
        }
    }
}
