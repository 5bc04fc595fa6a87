//! What the writer writes is what was stated, in the form that national
//! receivers take; what breaks a rule is not written at all.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/messages.rs"]
mod messages;

use std::fs;
use std::io;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use kyso::Error;
use kyso::Limits;
use kyso::envelope::Document;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::OrganId;
use kyso::envelope::Organization;
use kyso::envelope::Packing;
use kyso::envelope::StatusCode;
use kyso::envelope::Writer;
use kyso::envelope::model::OtherInfo;
use kyso::envelope::model::ResponseFor;
use kyso::envelope::value::Coded;
use kyso::source::Source;

/// Contents of several kinds, and the names to send them under.
fn contents() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let noise: Vec<u8> = (0..40_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    vec![
        ("Công văn số 2154.pdf", "application/pdf", [b"%PDF-1.7\n".as_slice(), &[b' '; 5_000]].concat()),
        ("phụ lục.txt", "text/plain", "Danh sách kèm theo\n".repeat(2_000).into_bytes()),
        ("bao cao.zip", "application/zip", [b"PK\x03\x04".as_slice(), &noise].concat()),
    ]
}

fn write(message: &Message, count: usize) -> Result<Vec<u8>, Error> {
    let contents = contents();
    let mut writer = Writer::new(message);
    for (name, content_type, content) in contents.iter().take(count) {
        writer = writer.enclose(Enclosure::new(*name, *content_type, content));
    }
    writer.to_vec()
}

fn refused(message: impl Into<Message>, count: usize) -> String {
    match write(&message.into(), count) {
        Err(Error::Misuse(e)) => e.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn every_kind_comes_back_as_it_was_stated() {
    for (kind, message, count) in messages::all() {
        let text = write(&message, count).unwrap();
        assert_eq!(write(&message, count).unwrap(), text, "the same octets for the same message");
        let envelope = Envelope::read(&text, &Limits::default()).unwrap();
        assert_eq!(envelope.message(), &message);
        assert_eq!(envelope.message().kind(), kind);
        let check = envelope.check().unwrap();
        assert!(check.findings.is_empty(), "{kind}: {:?}", check.findings);
        assert_eq!(envelope.attachments().len(), count);
        assert_eq!(envelope.manifest().len(), count);
        for ((attachment, listed), (name, content_type, content)) in
            envelope.attachments().iter().zip(envelope.manifest()).zip(contents())
        {
            assert_eq!(attachment.declared(), listed);
            assert_eq!(listed.name.as_deref(), Some(name));
            assert_eq!(listed.content_type.as_deref(), Some(content_type));
            let (octets, unpacked) = envelope.content(attachment).unwrap();
            assert!(octets == content, "{name}");
            assert_eq!(unpacked.packing, Packing::Zip);
        }
    }
}

#[test]
fn the_text_is_the_one_written_down() {
    for (kind, message, count) in [
        ("new", messages::full().into(), 2),
        ("recall", messages::recall().into(), 0),
        ("update", messages::update().into(), 0),
        ("replacement", messages::replacement().into(), 0),
        ("status", messages::status(StatusCode::TakeBack).into(), 0),
    ] {
        let text = String::from_utf8(write(&message, count).unwrap()).unwrap();
        // Payloads are compared by what they unpack to: deflate may be done otherwise some day.
        let text: String = text
            .lines()
            .map(|line| match line.split_once("_2016\">UEsD") {
                Some((start, _)) => format!("{start}_2016\">…</edXML:ContentTransferEncoded>\n"),
                None => format!("{line}\n"),
            })
            .collect();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/snapshots/envelope_{kind}.edxml"));
        if std::env::var_os("KYSO_BLESS").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let known = fs::read_to_string(&path).unwrap_or_default();
        assert!(text == known, "{kind}: the text changed: run with KYSO_BLESS=1, read the difference");
    }
}

/// The names of all tags, with `/` before end tags.
fn tags(text: &str) -> Vec<&str> {
    let tags = text.split('<').skip(1).filter(|t| !t.starts_with('?'));
    tags.map(|t| t.split(['>', ' ']).next().unwrap()).collect()
}

#[test]
fn prefixes_are_those_that_receivers_look_for() {
    for (_, message, count) in messages::all() {
        let text = String::from_utf8(write(&message, count).unwrap()).unwrap();
        let (start, rest) = text.split_once('\n').unwrap();
        assert_eq!(start, r#"<?xml version="1.0" encoding="UTF-8"?>"#);
        let (envelope, behind) = rest.split_once("</edXML:edXMLEnvelope>").unwrap();
        let mut inside = tags(envelope).into_iter();
        assert_eq!(inside.next(), Some("edXML"));
        for tag in inside {
            assert!(tag.trim_start_matches('/').starts_with("edXML:"), "{tag} inside of the envelope");
        }
        for tag in tags(behind) {
            let name = tag.trim_start_matches('/');
            let prefixed = name == "edXML:ContentTransferEncoded";
            assert!(prefixed || !name.contains(':'), "{tag} beside the envelope");
        }
        let own = r#"<edXML:ContentTransferEncoded xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">"#;
        assert_eq!(behind.matches(own).count(), count);
        assert_eq!(behind.matches("<edXML:").count(), count);
        assert!(!text.contains('\r') && !text.contains('\u{FEFF}'));
    }
}

#[test]
fn each_broken_rule_is_refused_by_its_name() {
    type Change = fn(&mut Document);
    let cases: &[(Change, &str, &str)] = &[
        (|d| d.from.id = OrganId::new("vxp.saas.03"), "/From/OrganId", "ORGAN_ID_SCHEME"),
        (|d| d.from.id = OrganId::default(), "/From/OrganId", "VALUE_EMPTY"),
        (|d| d.to.clear(), "/MessageHeader", "ELEMENT_MISSING"),
        (|d| d.to.push(Organization::unnamed("H14".into())), "/To[4]", "ORGAN_ID_REPEATED"),
        (|d| d.to[1].name = Some("x".repeat(201)), "/To[2]/OrganName", "VALUE_TOO_LONG"),
        (|d| d.to[0].email = Some(String::new()), "/To[1]/Email", "VALUE_EMPTY"),
        (|d| d.document_id = "x".into(), "/DocumentId", "DOCUMENT_ID_FORM"),
        (|d| d.document_id = "G14,2026/02/30,2154/BKHCN-CĐSQG".into(), "/DocumentId", "DOCUMENT_ID_FORM"),
        (|d| d.document_id = "G14,2026/11/21,2154/BKHCN-CĐSQG".into(), "/DocumentId", "DOCUMENT_ID_MISMATCH"),
        (|d| d.code.number.clear(), "/Code/CodeNumber", "VALUE_EMPTY"),
        (|d| d.code.number = "123456789012".into(), "/Code/CodeNumber", "VALUE_TOO_LONG"),
        (|d| d.code.notation.clear(), "/Code/CodeNotation", "VALUE_EMPTY"),
        (|d| d.promulgation.place = None, "/PromulgationInfo", "ELEMENT_MISSING"),
        (|d| d.promulgation.date = Coded::Other("20/11/2026".into()), "/PromulgationDate", "VALUE_FORM"),
        (|d| d.promulgation.date = Coded::Other("hôm nay".into()), "/PromulgationDate", "VALUE_INVALID"),
        (|d| d.promulgation.date = Coded::Other("2026/11/20".into()), "/PromulgationDate", "VALUE_FORM"),
        (|d| d.document_type.class = Coded::Other("3".into()), "/DocumentType/Type", "VALUE_INVALID"),
        (|d| d.document_type.number = Some(Coded::Known(33)), "/TypeDetail", "DOCUMENT_TYPE_UNLISTED"),
        (|d| d.document_type.name = Some("Quyết định".into()), "/TypeDetail", "DOCUMENT_TYPE_NAME"),
        (|d| d.subject.clear(), "/Subject", "VALUE_EMPTY"),
        (|d| d.subject = "x".repeat(501), "/Subject", "VALUE_TOO_LONG"),
        (|d| d.subject = " x".into(), "/Subject", "VALUE_PADDED"),
        (|d| d.subject = "a\u{1}b".into(), "/Subject", "TEXT_CHARACTER"),
        (|d| d.subject = "a\u{FFFE}".into(), "/Subject", "TEXT_CHARACTER"),
        (|d| d.to_places = vec!["x".repeat(151)], "/ToPlaces/Place[1]", "VALUE_TOO_LONG"),
        (|d| d.response_for = vec![ResponseFor::default()], "/ResponseFor[1]", "VALUE_EMPTY"),
        (|d| d.due_date = Some(Coded::Other("sớm".into())), "/DueDate", "VALUE_INVALID"),
        (|d| d.other.get_or_insert_default().appendixes = vec![String::new()], "/Appendix[1]", "VALUE_EMPTY"),
        (|d| d.other.get_or_insert_default().typer = Some("x".repeat(11)), "/TyperNotation", "VALUE_TOO_LONG"),
        (|d| d.business = Some(messages::replacement().business.unwrap()), "", ""),
        (
            |d| {
                d.business = messages::recall().business.map(|mut b| {
                    b.reason = None;
                    b
                })
            },
            "/Bussiness",
            "REASON_MISSING",
        ),
        (
            |d| {
                d.business = messages::update().business.map(|mut b| {
                    b.update = None;
                    b
                })
            },
            "/Bussiness",
            "BUSINESS_INCOMPLETE",
        ),
        (
            |d| {
                d.business = messages::replacement().business.map(|mut b| {
                    b.replaces.clear();
                    b
                })
            },
            "/Bussiness",
            "BUSINESS_INCOMPLETE",
        ),
        (
            |d| {
                let mut b = messages::recall().business.unwrap();
                b.replaces = messages::replacement().business.unwrap().replaces;
                d.business = Some(b);
            },
            "/Bussiness",
            "BUSINESS_UNEXPECTED",
        ),
    ];
    for (n, (change, place, code)) in cases.iter().enumerate() {
        let mut document = messages::plain();
        change(&mut document);
        if code.is_empty() {
            assert!(write(&document.into(), 1).is_ok(), "case {n} is a message without a fault");
            continue;
        }
        let why = refused(document, 1);
        assert!(why.contains(&format!("[{code}]")) && why.contains(&format!("{place}: ")), "case {n}: {why}");
        assert!(!why.contains(", line "), "{why}");
    }
}

#[test]
fn status_and_attachment_rules_are_refused_by_name() {
    assert!(refused(messages::plain(), 0).contains("ATTACHMENT_NONE"));
    assert!(refused(messages::status(StatusCode::Arrived), 1).contains("ATTACHMENT_UNEXPECTED"));
    for code in [StatusCode::Refused, StatusCode::TakeBack, StatusCode::Declined] {
        let mut status = messages::status(code);
        status.description = None;
        assert!(refused(status, 0).contains("REASON_MISSING"), "{code}");
    }
    let mut status = messages::status(StatusCode::Arrived);
    status.code = Coded::Other("07".into());
    assert!(refused(status.clone(), 0).contains("/StatusCode: "), "a code that no list has");
    status.code = Coded::Other("01".into());
    assert!(refused(status, 0).contains("VALUE_FORM"), "a known value in disguise");

    let content = b"x".to_vec();
    for (name, content_type, code) in [
        ("../x.pdf", "application/pdf", "ATTACHMENT_NAME_UNSAFE"),
        ("x\u{202E}fdp.exe", "application/pdf", "ATTACHMENT_NAME_UNSAFE"),
        ("", "application/pdf", "VALUE_EMPTY"),
        ("x.pdf", "", "VALUE_EMPTY"),
        (&*"x".repeat(201), "application/pdf", "VALUE_TOO_LONG"),
    ] {
        let message = messages::plain().into();
        let writer = Writer::new(&message).enclose(Enclosure::new(name, content_type, &content));
        let Err(Error::Misuse(why)) = writer.to_vec() else { panic!("{name:?} was written") };
        assert!(why.to_string().contains(code), "{why}");
    }
    let message = messages::plain().into();
    let mut limits = Limits::default();
    limits.inflated_octets = 10;
    limits.attachments = 1;
    // What may not be unfolded is not folded: a stored entry is as large as it looks.
    let large = vec![0; 3_000];
    let writer = Writer::new(&message).limits(&limits).enclose(Enclosure::new("x.bin", "text/plain", &large));
    let text = writer.to_vec().unwrap();
    let envelope = Envelope::read(&text, &limits).unwrap();
    assert_eq!(envelope.content(&envelope.attachments()[0]).unwrap().0, large);
    let one = || Enclosure::new("x.bin", "text/plain", &content);
    let writer = Writer::new(&message).limits(&limits).enclose(one()).enclose(one());
    assert!(writer.to_vec().unwrap_err().to_string().contains("attachments allows 1"));
}

#[test]
fn promulgation_after_now_is_refused_where_now_is_stated() {
    let message = messages::plain().into();
    let content = b"x".to_vec();
    let writer = |now: &str| {
        let enclosure = Enclosure::new("x.txt", "text/plain", &content);
        Writer::new(&message).enclose(enclosure).at(kyso::Time::parse_rfc3339(now).unwrap()).to_vec()
    };
    // Midnight in Vietnam.
    assert!(writer("2026-11-19T16:59:59Z").unwrap_err().to_string().contains("DATE_IN_FUTURE"));
    assert!(writer("2026-11-19T17:00:00Z").is_ok());
}

#[test]
fn all_faults_are_told_at_once_and_nothing_is_written() {
    let mut document = messages::plain();
    document.subject.clear();
    document.code.number.clear();
    let message = document.into();
    let writer = Writer::new(&message);
    let codes: Vec<String> = writer.findings().unwrap().iter().map(|f| f.code().to_owned()).collect();
    assert_eq!(codes, ["ATTACHMENT_NONE", "DOCUMENT_ID_MISMATCH", "VALUE_EMPTY", "VALUE_EMPTY"]);
    let mut out = Vec::new();
    let why = writer.write(&mut out).unwrap_err().to_string();
    assert!(out.is_empty());
    let at = |text| why.find(text).unwrap();
    assert!(at("/Subject") < at("ATTACHMENT_NONE"), "errors come before warnings: {why}");
}

#[test]
fn the_same_content_twice_stays_two_attachments() {
    let content = b"hai lan".to_vec();
    let message = messages::plain().into();
    let text = Writer::new(&message)
        .enclose(Enclosure::new("a.txt", "text/plain", &content))
        .enclose(Enclosure::new("a.txt", "text/plain", &content).described("bản sao"))
        .to_vec()
        .unwrap();
    let envelope = Envelope::read(&text, &Limits::default()).unwrap();
    let ids: Vec<&str> = envelope.attachments().iter().map(|a| a.declared().content_id.as_str()).collect();
    assert_ne!(ids[0], ids[1]);
    assert_eq!(envelope.attachments()[1].declared().description.as_deref(), Some("bản sao"));
    let names: Vec<&str> = envelope.attachments().iter().map(|a| a.safe_file_name()).collect();
    assert_eq!(names, ["a.txt", "a (2).txt"]);
}

#[test]
fn no_element_can_vanish_unnoticed() {
    let message: Message = messages::full().into();
    let text = String::from_utf8(write(&message, 2).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut tried = 0;
    for (n, line) in lines.iter().enumerate().filter(|(_, l)| l.contains("</") && !l.trim_start().starts_with("</")) {
        let shorter = [&lines[..n], &lines[n + 1..]].concat().join("\n").into_bytes();
        let envelope = Envelope::read(&shorter, &Limits::default());
        let unnoticed = envelope.is_ok_and(|e| e.message() == &message && e.findings().is_empty());
        assert!(!unnoticed, "without {line}");
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
    const NEEDED: &[&str] = &[
        "OrganId",
        "DocumentId",
        "CodeNumber",
        "CodeNotation",
        "Place",
        "PromulgationDate",
        "Type",
        "TypeDetail",
        "TypeName",
        "Subject",
        "BussinessDocType",
        "Timestamp",
        "ContentId",
        "ContentType",
        "AttachmentName",
        "ContentTransferEncoded",
    ];
    for name in NEEDED {
        // The first of its name; "Place" first stands in PromulgationInfo.
        let of_name = |line: &&str| {
            [format!(":{name}>"), format!("<{name}>"), format!(":{name} ")].iter().any(|s| line.contains(s))
        };
        let n = lines.iter().position(|l| of_name(l) && l.contains("</")).unwrap();
        let shorter = [&lines[..n], &lines[n + 1..]].concat().join("\n").into_bytes();
        let envelope = Envelope::read(&shorter, &Limits::default()).unwrap();
        let told = envelope.findings().iter().any(|f| f.code() == "ELEMENT_MISSING" && f.message().contains(name));
        assert!(told, "{name}: {:?}", envelope.findings());
    }
}

/// A content of any size that was never in memory.
struct Synthetic {
    length: u64,
    block: Vec<u8>,
    /// Octets given out in this pass, passes begun, and the longest read.
    given: AtomicU64,
    passes: AtomicU32,
    longest: AtomicUsize,
}

impl Synthetic {
    fn new(length: u64) -> Self {
        let mut state = 1u64;
        // Longer than the window of deflate: nothing to be won from its repetition.
        let block = (0..(64 << 10) / 8).flat_map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 8).to_be_bytes()
        });
        let block = block.collect();
        Self { length, block, given: AtomicU64::new(0), passes: AtomicU32::new(0), longest: AtomicUsize::new(0) }
    }
}

impl Source for Synthetic {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = usize::try_from(self.length.saturating_sub(offset)).unwrap().min(buffer.len());
        let mut at = usize::try_from(offset % self.block.len() as u64).unwrap();
        let mut done = 0;
        while done < count {
            let part = (self.block.len() - at).min(count - done);
            buffer[done..done + part].copy_from_slice(&self.block[at..at + part]);
            done += part;
            at = 0;
        }
        if offset == 0 {
            self.passes.fetch_add(1, Relaxed);
        }
        self.given.store(offset + count as u64, Relaxed);
        self.longest.fetch_max(buffer.len(), Relaxed);
        Ok(count)
    }
}

/// Where a message goes; knows how far the source was read when something arrives.
struct Behind<'s> {
    source: &'s Synthetic,
    file: fs::File,
    taken: u64,
    most_held: u64,
}

impl Write for Behind<'_> {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        self.file.write_all(octets)?;
        self.taken += octets.len() as u64;
        if octets.len() > 100_000 {
            self.most_held = self.most_held.max(self.source.given.load(Relaxed).saturating_sub(self.taken / 4 * 3));
        }
        Ok(octets.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file read in place, that tells the longest read.
struct InPlace {
    file: Mutex<fs::File>,
    length: u64,
    longest: AtomicUsize,
}

impl Source for InPlace {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        use std::io::Read;
        use std::io::Seek;
        let mut file = self.file.lock().unwrap();
        file.seek(io::SeekFrom::Start(offset)).unwrap();
        self.longest.fetch_max(buffer.len(), Relaxed);
        let mut done = 0;
        while done < buffer.len() {
            match file.read(&mut buffer[done..]).unwrap() {
                0 => break,
                count => done += count,
            }
        }
        Ok(done)
    }
}

#[test]
fn an_attachment_of_any_size_passes_through_in_small_pieces() {
    const LENGTH: u64 = 64 << 20;
    const PIECE: u64 = 1 << 20;
    let source = Synthetic::new(LENGTH);
    let message = messages::plain().into();
    let file = tempfile::tempfile().unwrap();
    let mut out = Behind { source: &source, file: file.try_clone().unwrap(), taken: 0, most_held: 0 };
    let writer = Writer::new(&message).enclose(Enclosure::new("lớn.bin", "application/octet-stream", &source));
    assert!(writer.findings().unwrap().is_empty());
    writer.write(&mut out).unwrap();
    assert!(out.taken > LENGTH / 3 * 4);
    // Octets that were read and have not left yet are all that the writer can hold.
    assert!(out.most_held < PIECE, "{} octets held", out.most_held);
    assert!(source.longest.load(Relaxed) as u64 <= PIECE);
    // Digest and CRC (for the findings, and not once more), the trial whether deflating pays, the writing.
    assert_eq!(source.passes.load(Relaxed), 3);

    let back = InPlace { file: Mutex::new(file), length: out.taken, longest: AtomicUsize::new(0) };
    let envelope = Envelope::read(&back, &Limits::default()).unwrap();
    let mut longest = 0;
    let unpacked = envelope.unpack(&envelope.attachments()[0], &mut |part| {
        longest = longest.max(part.len());
        Ok(())
    });
    assert_eq!(unpacked.unwrap().size, LENGTH);
    assert!(longest as u64 <= PIECE && back.longest.load(Relaxed) as u64 <= PIECE);
}

#[test]
fn a_source_that_changes_while_it_is_written_is_an_error() {
    struct Changing(AtomicU32);
    impl Source for Changing {
        fn len(&self) -> u64 {
            10
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
            let count = 10usize.saturating_sub(usize::try_from(offset).unwrap()).min(buffer.len());
            let time = self.0.fetch_add(1, Relaxed) + 1;
            buffer[..count].fill(u8::try_from(time).unwrap());
            Ok(count)
        }
    }
    let message = messages::plain().into();
    let source = Changing(AtomicU32::new(0));
    let e = Writer::new(&message).enclose(Enclosure::new("x.bin", "text/plain", &source)).to_vec().unwrap_err();
    assert!(e.to_string().contains("changed while it was read"), "{e}");
}

#[cfg(feature = "serde")]
#[test]
fn json_says_the_same_as_the_message() {
    for (_, message, _) in messages::all() {
        assert_eq!(Message::from_json(&message.to_json()).unwrap(), message);
    }
    let text = Message::from(messages::plain()).to_json();
    for (from, to, what) in [
        ("\"subject\"", "\"subjekt\"", "unknown field `subjekt`"),
        ("\"document\"", "\"letter\"", "unknown variant `letter`"),
        ("\"subject\"", "\"content\"", "duplicate field `content`"),
    ] {
        let e = Message::from_json(&text.replace(from, to)).unwrap_err().to_string();
        assert!(e.contains(what) && e.contains("line "), "{e}");
    }
    // Numbers and truth values may stand for themselves.
    let loose = text.replace("\"class\": \"2\"", "\"class\": 2").replace("\"number\": \"18\"", "\"number\": 18");
    assert_ne!(loose, text);
    assert_eq!(Message::from_json(&loose).unwrap(), messages::plain().into());
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    /// Of documents and of statuses, ten thousand together; or as many as the environment says.
    fn cases() -> u32 {
        std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(5_000)
    }

    /// Text that a field may hold: no white space around it, everything else inside of it.
    fn words(longest: usize) -> impl Strategy<Value = String> {
        let pattern = format!("[ -~àạăằđêếôơưỳÂ\u{300}\u{1F600}\\t\\r\\n]{{1,{longest}}}");
        proptest::string::string_regex(&pattern)
            .unwrap()
            .prop_map(|text| text.trim().to_owned())
            .prop_filter("no text", |text| !text.is_empty())
    }

    fn maybe(longest: usize) -> impl Strategy<Value = Option<String>> {
        proptest::option::of(words(longest))
    }

    prop_compose! {
        fn organization()(
            id in "[A-Y][0-9]{2}(\\.[0-9]{2}){0,3}",
            texts in [maybe(50), maybe(50), maybe(60), maybe(30)],
            phones in [maybe(20), maybe(20), maybe(40)],
        ) -> Organization {
            let mut o = Organization::unnamed(OrganId::new(id));
            [o.in_charge, o.name, o.address, o.email] = texts;
            [o.telephone, o.fax, o.website] = phones;
            o
        }
    }

    prop_compose! {
        fn document()(
            from in organization(),
            to in proptest::collection::vec(organization(), 1..4),
            subject in words(60),
            content in maybe(60),
            places in proptest::collection::vec(words(30), 0..4),
            appendixes in proptest::option::of(proptest::collection::vec(words(30), 0..3)),
            tasks in proptest::collection::vec(words(10), 0..3),
            kind in 0..5usize,
        ) -> Document {
            let mut d = [messages::plain(), messages::full(), messages::recall(), messages::update(), messages::replacement()]
                .swap_remove_at(kind);
            d.from = from;
            d.to = to;
            d.to.sort_by(|a, b| a.id.cmp(&b.id));
            d.to.dedup_by(|a, b| a.id == b.id);
            (d.subject, d.content, d.to_places, d.tasks) = (subject, content, places, tasks);
            d.other = appendixes.map(|appendixes| {
                let mut other = OtherInfo::default();
                other.appendixes = appendixes;
                other
            });
            d
        }
    }

    prop_compose! {
        fn status()(
            from in organization(),
            code in 0..StatusCode::ALL.len(),
            description in words(80),
            second in 0..4_000_000_000i64,
            names in [maybe(30), maybe(30), maybe(20)],
        ) -> kyso::envelope::Status {
            let mut s = messages::status(StatusCode::ALL[code]);
            s.from = from;
            s.description = Some(description);
            s.timestamp = Coded::Known(kyso::envelope::Timestamp::of(kyso::Time::from_unix(second).unwrap()));
            let mut staff = kyso::envelope::model::Staff::default();
            [staff.department, staff.name, staff.mobile] = names;
            s.staff = Some(staff);
            s
        }
    }

    trait SwapRemoveAt<T> {
        fn swap_remove_at(self, at: usize) -> T;
    }

    impl<T, const N: usize> SwapRemoveAt<T> for [T; N] {
        fn swap_remove_at(self, at: usize) -> T {
            self.into_iter().nth(at).unwrap()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn messages_survive(
            document in document(),
            content in proptest::collection::vec(any::<u8>(), 0..300),
            name in "[a-zA-Z0-9 đạ_-]{1,20}[a-z]\\.(pdf|PDF|zip|docx|tệp)",
        ) {
            let message = Message::from(document);
            let name = name.trim();
            let text = Writer::new(&message).enclose(Enclosure::new(name, "application/x", &content)).to_vec().unwrap();
            let envelope = Envelope::read(&text, &Limits::default()).unwrap();
            prop_assert_eq!(envelope.message(), &message);
            prop_assert_eq!(envelope.findings(), &[]);
            prop_assert_eq!(envelope.content(&envelope.attachments()[0]).unwrap().0, content);
        }

        #[test]
        fn statuses_survive(status in status()) {
            let message = Message::from(status);
            let text = Writer::new(&message).to_vec().unwrap();
            let envelope = Envelope::read(&text, &Limits::default()).unwrap();
            prop_assert_eq!(envelope.message(), &message);
            prop_assert_eq!(envelope.findings(), &[]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_written_so_that_it_comes_back_or_refused(text in any::<String>()) {
            let mut document = messages::plain();
            document.subject = text;
            let message = Message::from(document);
            match write(&message, 1) {
                Ok(text) => {
                    let envelope = Envelope::read(&text, &Limits::default()).unwrap();
                    prop_assert_eq!(envelope.message(), &message);
                }
                Err(e) => prop_assert!(matches!(e, Error::Misuse(_)), "{}", e),
            }
        }
    }
}
