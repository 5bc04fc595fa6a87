//! Documents that are worth several threads: what they say does not depend on how many there are.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
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

use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use forge::Forge;
use forge::parse;
use forge::rich;
use kyso::Error;
use kyso::Limits;
use kyso::error::IoError;
use kyso::files::FileSource;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::pdf::Source;
use kyso::sign::pades::PadesRequest;
use kyso::validate::Overall;
use sample_pdf::Xref;
use verdict::Court;
use verdict::SIGNED;

/// A structure tree whose elements stand in so many object streams that threads share them, in a
/// file so long that a thread digests it; one of the elements says `more`.
fn tagged(more: &str) -> Vec<u8> {
    const STREAMS: u32 = 80;
    const FIRST: u32 = 200;
    let mut document = rich(Xref::Stream, "/StructTreeRoot 18 0 R", "", &["null", "null"]);
    let kids: String = (FIRST..FIRST + STREAMS).map(|number| format!("{number} 0 R ")).collect();
    let root = format!("<< /Type /StructTreeRoot /K [{kids}] >>");
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{:016x}", state ^ state >> 29)
    };
    // The last first: numbers behind it are free for the streams themselves.
    for number in (FIRST..FIRST + STREAMS).rev() {
        let filler: String = (0..1_700).map(|_| noise()).collect();
        let own = if number == FIRST + 50 { more } else { "" };
        let element = format!("<< /Type /StructElem /S /P /P 18 0 R /Pg 3 0 R /Alt ({filler}) {own} >>");
        document = Forge::on(&document).packed(number, &element).write();
    }
    Forge::on(&document).packed(18, &root).write()
}

fn sign(document: &[u8], key: &SoftKey) -> Vec<u8> {
    PadesRequest::new(&parse(document), ca::at(SIGNED)).sign(key).unwrap().to_octets().unwrap()
}

fn judge(court: &Court, source: impl Source, threads: usize) -> (Overall, String) {
    let pdf = Pdf::parse(source, &Limits::default()).unwrap().threads(NonZeroUsize::new(threads).unwrap());
    let report = court.judge_pdf(&pdf);
    (report.overall(), format!("{report:#?}"))
}

/// The report by one thread, which those by several must equal, from memory and from a file.
fn judged(court: &Court, document: &[u8]) -> (Overall, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("document.pdf");
    std::fs::write(&path, document).unwrap();
    let alone = judge(court, document, 1);
    for threads in [2, 3, 8] {
        assert_eq!(judge(court, document, threads), alone, "{threads} threads");
        assert_eq!(judge(court, FileSource::open(&path).unwrap(), threads), alone, "{threads} threads, file");
    }
    alone
}

#[test]
fn several_threads_say_what_one_says() {
    let court = Court::open();
    let document = tagged("/ActualText 950 0 R");
    assert!(document.len() > 1 << 20, "{}", document.len());
    let officer = sign(&document, &court.office.officer);
    let sealed = sign(&officer, &court.office.agency);
    assert_eq!(judged(&court, &officer).0, Overall::TotalPassed);
    assert_eq!(judged(&court, &sealed).0, Overall::TotalPassed);
    for signed in [&officer, &sealed] {
        // A reference to nothing, in one stream of many, which comes to mean something.
        let (overall, said) = judged(&court, &Forge::on(signed).set(950, "(Het hieu luc)").write());
        assert_eq!(overall, Overall::TotalFailed);
        assert!(said.contains("[content]"), "{said}");
        let mut altered = signed.clone();
        let place = altered.len() / 3;
        altered[place] ^= 1;
        assert_eq!(judged(&court, &altered).0, Overall::TotalFailed);
    }
}

/// A source that fails at some place once `failing`, for whichever thread reads there.
struct Failing {
    octets: Vec<u8>,
    place: u64,
    failing: Arc<AtomicBool>,
}

impl Source for Failing {
    fn len(&self) -> u64 {
        self.octets.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let hit = (offset..offset + buffer.len() as u64).contains(&self.place);
        if hit && self.failing.load(Ordering::Relaxed) {
            return Err(IoError::new("read", "the document", ErrorKind::Other.into()).into());
        }
        self.octets.read_at(offset, buffer)
    }
}

#[test]
fn what_cannot_be_read_is_not_passed_by_any_thread() {
    let court = Court::open();
    let octets = sign(&sign(&tagged(""), &court.office.officer), &court.office.agency);
    for threads in [1, 2, 8] {
        for place in [100, 256 << 10, 512 << 10] {
            let failing = Arc::new(AtomicBool::new(false));
            let source = Failing { octets: octets.clone(), place, failing: Arc::clone(&failing) };
            let pdf = Pdf::parse(source, &Limits::default()).unwrap().threads(NonZeroUsize::new(threads).unwrap());
            failing.store(true, Ordering::Relaxed);
            assert_ne!(court.judge_pdf(&pdf).overall(), Overall::TotalPassed, "{threads} threads, {place}");
            failing.store(false, Ordering::Relaxed);
        }
    }
}
