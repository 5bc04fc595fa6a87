//! Signed documents of every structure with octets flipped, cut off and
//! spliced: none passes for what it is not, and none makes the reader panic.
//!
//! The positions are sampled, always the same ones. `KYSO_MUTATIONS=2000` tries
//! that many for each document.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/verdict.rs"]
mod verdict;

use std::fs;
use std::process::Command;

use forge::parse;
use forge::rich;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::fetch::run;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::revocation::Evidence;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::trust::TrustAnchors;
use kyso::validate::Coverage;
use kyso::validate::Indication;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::SignatureReport;
use kyso::validate::Validator;
use kyso::x509::Crl;
use office::Clocked;
use office::Office;
use sample_pdf::Xref;
use verdict::Court;
use verdict::SIGNED;
use verdict::STAMPED;
use verdict::all;

/// Mutations of each kind for each document.
fn many() -> usize {
    std::env::var("KYSO_MUTATIONS").ok().and_then(|n| n.parse().ok()).unwrap_or(32)
}

/// `count` numbers below `most`, spread over all of it, each time the same.
fn spread(count: usize, most: usize, seed: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count).map(move |index| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let stride = most / count + 1;
        ((index * most / count + usize::try_from(state % stride as u64).unwrap()).min(most - 1), state >> 32)
    })
}

fn sign(document: &[u8], office: &Office, stamped: bool, certify: Option<Permission>) -> Vec<u8> {
    let pdf = parse(document);
    let mut request = PadesRequest::new(&pdf, ca::at(SIGNED));
    if let Some(permission) = certify {
        request = request.certify(permission);
    }
    if !stamped {
        return request.sign(&office.officer).unwrap().to_octets().unwrap();
    }
    let job = request.sign_timestamped(&office.officer, TimestampSettings::new(office::TSA_URL, [1; 8])).unwrap();
    run(job, &Clocked(&office.tsa, ca::at(STAMPED))).unwrap().to_octets().unwrap()
}

/// Level, number of signatures and certification in every combination.
fn structures(document: &[u8], office: &Office) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for stamped in [false, true] {
        for certify in [None, Some(Permission::FormFilling)] {
            let once = sign(document, office, stamped, certify);
            all.push(sign(&once, office, !stamped, None));
            all.push(once);
        }
    }
    all
}

/// What the last signature of a document vouches for.
#[derive(PartialEq)]
struct Vouched {
    attributes: Option<Vec<u8>>,
    value: Vec<u8>,
}

fn vouched(pdf: &Pdf<'_>) -> Option<Vouched> {
    let facts = pdf.signatures().ok()?.pop()?;
    let cms = SignedData::from_padded(&facts.contents, &Limits::default()).ok()?;
    let signer = cms.signers().first()?;
    let attributes = signer.signed_attributes().map(|attributes| format!("{attributes:?}").into_bytes());
    Some(Vouched { attributes, value: signer.signature().to_vec() })
}

/// Whether two documents differ in nothing that their last signature vouches for.
fn same_but_unsigned(a: &[u8], b: &[u8]) -> bool {
    let gap = |octets: &[u8]| -> Option<std::ops::Range<usize>> {
        let [head, tail] = parse(octets).signatures().ok()?.pop()?.covered_ranges()?;
        Some(usize::try_from(head.end).unwrap()..usize::try_from(tail.start).unwrap())
    };
    let Some(gap) = gap(a).filter(|own| gap(b).as_ref() == Some(own)) else { return false };
    a[..gap.start] == b[..gap.start] && a[gap.end..] == b[gap.end..] && vouched(&parse(a)) == vouched(&parse(b))
}

fn signers(report: &Report) -> Vec<Option<Vec<u8>>> {
    let certificate = |indication: &Indication| match indication {
        Indication::TotalPassed(passed) => passed.signer().map(|certificate| certificate.der().to_vec()),
        _ => None,
    };
    report.signatures().iter().map(|signature| certificate(signature.indication())).collect()
}

/// Tries the mutations of one document, which `judge` passes as it is.
fn mutate(name: &str, many: usize, document: &[u8], other: &[u8], judge: &dyn Fn(&[u8]) -> Option<Report>) {
    let whole = judge(document).unwrap();
    assert_eq!(whole.overall(), Overall::TotalPassed, "{name}: {:#?}", all(&whole));
    let pdf = parse(document);
    let original = vouched(&pdf).unwrap();
    let gap = {
        let [head, tail] = pdf.signatures().unwrap().pop().unwrap().covered_ranges().unwrap();
        assert_eq!(tail.end, document.len() as u64, "{name}");
        usize::try_from(head.end).unwrap()..usize::try_from(tail.start).unwrap()
    };
    let passes = |octets: &[u8]| judge(octets).filter(|report| report.overall() == Overall::TotalPassed);
    for (position, random) in spread(many, document.len(), document.len() as u64) {
        let mut flipped = document.to_vec();
        flipped[position] ^= 1 << (random % 8);
        let Some(report) = passes(&flipped) else { continue };
        // A signature whose field or key lost its name is gone, as if it had been cut off, and an empty
        // field is left. The one before it then no longer vouches for the document, and says so.
        let covers = |s: &SignatureReport| s.coverage() == Some(Coverage::WholeDocument);
        let stripped = report.signatures().len() < whole.signatures().len();
        if stripped && !report.signatures().iter().any(covers) {
            continue;
        }
        // No signature can vouch for the spelling of its own digits, for what fills the gap,
        // nor for what the CMS carries beside signed attributes and value.
        assert!(gap.contains(&position), "{name}, octet {position}: {:#?}", all(&report));
        let now = vouched(&parse(&flipped)).unwrap();
        assert!(now == original && signers(&report) == signers(&whole), "{name}, octet {position} of the CMS");
    }
    let ends: Vec<usize> = pdf.revisions().map(|revision| usize::try_from(revision.end()).unwrap()).collect();
    for (position, _) in spread(many.div_ceil(4), document.len(), 7) {
        let cut = passes(&document[..position]);
        assert!(cut.is_none() || ends.contains(&position), "{name}, cut at {position}");
        // What was cut out of the middle, and what another document has there.
        let end = (position + 97).min(document.len());
        assert!(passes(&[&document[..position], &document[end..]].concat()).is_none(), "{name}, without {position}..");
        for from in [position.min(other.len()), other.len() / 2] {
            let spliced = [&document[..position], &other[from..]].concat();
            let Some(report) = passes(&spliced) else { continue };
            // Two documents that are the same up to their CMS: the splice is one of them, or the other
            // one with its unsigned attributes cut off by the shorter lengths of this one.
            let is = |whole: &[u8]| spliced == whole || same_but_unsigned(&spliced, whole);
            assert!(is(document) || is(other), "{name}, spliced at {position} with {from}: {:#?}", all(&report));
        }
    }
}

fn generated(form: Xref) {
    let court = Court::open();
    let documents = structures(&rich(form, "", "", &[]), &court.office);
    for (index, document) in documents.iter().enumerate() {
        let other = &documents[(index + 1) % documents.len()];
        mutate(&format!("{form:?} {index}"), many(), document, other, &|octets| court.judge(octets).ok());
    }
}

#[test]
fn documents_with_tables() {
    generated(Xref::Table);
}

#[test]
fn documents_with_streams() {
    generated(Xref::Stream);
}

#[test]
fn documents_with_both() {
    generated(Xref::Hybrid);
}

#[test]
fn encrypted_documents() {
    if Command::new("qpdf").arg("--version").output().is_err() {
        eprintln!("qpdf not found: skipped");
        return;
    }
    let court = Court::open();
    let folder = tempfile::tempdir().unwrap();
    let (plain, encrypted) = (folder.path().join("plain.pdf"), folder.path().join("encrypted.pdf"));
    fs::write(&plain, rich(Xref::Table, "", "", &[])).unwrap();
    let mut documents = Vec::new();
    for arguments in [
        ["--allow-weak-crypto", "--object-streams=disable", "--encrypt", "", "owner", "128", "--use-aes=n", "--"]
            .as_slice(),
        &["--object-streams=generate", "--encrypt", "", "owner", "256", "--"],
        &["--object-streams=disable", "--encrypt", "", "owner", "256", "--"],
    ] {
        let status = Command::new("qpdf").args(arguments).args([&plain, &encrypted]).status().unwrap();
        assert!(status.success());
        let document = fs::read(&encrypted).unwrap();
        let once = sign(&document, &court.office, false, None);
        documents.push(sign(&once, &court.office, true, None));
        documents.push(once);
    }
    // Each reading derives a key, which is made to be slow.
    let few = many().div_ceil(4);
    for (index, document) in documents.iter().enumerate() {
        let other = &documents[(index + 1) % documents.len()];
        mutate(&format!("encrypted {index}"), few, document, other, &|octets| court.judge(octets).ok());
    }
}

/// Good files by other writers, under the corpus's own root.
#[test]
fn documents_of_the_corpus() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    let anchors = TrustAnchors::from_file("pki", &fs::read(folder.join("pki/root.pem")).unwrap()).unwrap();
    let mut evidence = Evidence::new();
    evidence.add_crl(Crl::from_file(&fs::read(folder.join("pki/root.crl")).unwrap()).unwrap());
    let policy = Policy::etsi();
    let judge = |octets: &[u8]| {
        let pdf = Pdf::parse(octets, &Limits::default()).ok()?;
        Some(Validator::new(&policy, &anchors, ca::at("2026-11-24T12:00:00Z")).evidence(&evidence).pdf(&pdf))
    };
    let mut files: Vec<_> = fs::read_dir(folder.join("signed")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut documents = Vec::new();
    for file in files.iter().filter(|file| file.to_string_lossy().contains("own__")) {
        let octets = fs::read(file).unwrap();
        let last = Pdf::parse(octets.as_slice(), &Limits::default()).ok().and_then(|pdf| {
            let [_, tail] = pdf.signatures().ok()?.pop()?.covered_ranges()?;
            Some(tail.end)
        });
        let good = judge(&octets).is_some_and(|report| report.overall() == Overall::TotalPassed);
        if good && last == Some(octets.len() as u64) {
            documents.push((file.display().to_string(), octets));
        }
    }
    assert!(documents.len() > 3, "only {} good files", documents.len());
    for (index, (name, document)) in documents.iter().enumerate() {
        mutate(name, many(), document, &documents[(index + 1) % documents.len()].1, &judge);
    }
}
