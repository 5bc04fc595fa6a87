//! Input that was made to crash a reader, to keep it busy or to lead it astray:
//! each gives an error or a report, within its limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/messages.rs"]
mod messages;

use std::fs;

use kyso::Error;
use kyso::Limits;
use kyso::envelope::Attachment;
use kyso::envelope::Check;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::Packing;
use kyso::envelope::PayloadSink;
use kyso::envelope::Writer;
use kyso::source::Source;

const NAMESPACE: &str = "http://www.mic.gov.vn/TBT/QCVN_102_2016";

/// A message with one small attachment.
fn sample() -> String {
    let message: Message = messages::recall().into();
    let content = b"noi dung".to_vec();
    let writer = Writer::new(&message).enclose(Enclosure::new("a.txt", "text/plain", &content));
    String::from_utf8(writer.to_vec().unwrap()).unwrap()
}

/// The message with another text for the payload, and another name of the attachment.
fn with_payload(name: &str, payload: &str) -> String {
    let sample = sample();
    let (start, rest) = sample.split_once("_2016\">UEsD").unwrap();
    let (_, end) = rest.split_once("</edXML:Content").unwrap();
    let start = start.replace("a.txt", name);
    format!("{start}_2016\">{payload}</edXML:Content{end}")
}

/// What the message says after its payloads were read; every getter is called.
fn look(data: &[u8], limits: &Limits) -> Result<Check, Error> {
    let data = data.to_vec();
    let envelope = Envelope::read(&data, limits)?;
    let _ = format!("{envelope:?} {:?} {:?}", envelope.message().sender(), envelope.message().document_id());
    for attachment in envelope.attachments() {
        let name = attachment.safe_file_name();
        assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']) && name != "..", "{name:?}");
    }
    let mut most = 0;
    for attachment in envelope.attachments() {
        let _ = envelope.unpack(attachment, &mut |octets| {
            most = most.max(octets.len());
            Ok(())
        });
    }
    assert!(most <= 1 << 20, "{most} octets at once");
    envelope.check()
}

fn refused(data: impl AsRef<[u8]>) -> String {
    look(data.as_ref(), &Limits::default()).expect_err("it was read").to_string()
}

fn damaged(data: &str) -> String {
    let check = look(data.as_bytes(), &Limits::default()).unwrap();
    let finding = check.findings.iter().find(|f| f.code() == "ATTACHMENT_DAMAGED").expect("it was read");
    assert!(finding.place().unwrap().contains("Attachment[1], line "));
    finding.message().to_owned()
}

fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |g: &[u8]| {
        let bits = g.iter().fold(0u32, |bits, b| (bits << 8) | u32::from(*b)) << (8 * (3 - g.len()));
        let letter = |i: usize| if i > g.len() { '=' } else { LETTERS[(bits >> (18 - 6 * i)) as usize & 63].into() };
        (0..4).map(letter).collect::<String>()
    };
    octets.chunks(3).map(group).collect()
}

/// A ZIP of stored entries, as others write it.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let crc = |octets: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(octets);
        crc.sum()
    };
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let offset = u32::try_from(out.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let fields =
            [&[20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0][..], &crc(content).to_le_bytes(), &size, &size, &length, &[0, 0]]
                .concat();
        out.extend([b"PK\x03\x04", &fields[..], name.as_bytes(), content].concat());
        directory
            .extend([b"PK\x01\x02\x14\x00", &fields[..], &[0; 10], &offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let count = u16::try_from(entries.len()).unwrap().to_le_bytes();
    let (length, offset) = (u32::try_from(directory.len()).unwrap(), u32::try_from(out.len()).unwrap());
    out.extend(directory);
    out.extend(
        [b"PK\x05\x06\0\0\0\0", &count[..], &count, &length.to_le_bytes(), &offset.to_le_bytes(), &[0, 0]].concat(),
    );
    out
}

/// Numbers without a pattern, the same at each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }
}

#[test]
fn every_beginning_of_a_message_is_refused() {
    let text = sample().into_bytes();
    let limits = Limits::default();
    let end = text.len() - 1;
    for length in 0..end {
        assert!(look(&text[..length], &limits).is_err(), "{length} octets of {end}");
    }
    assert!(look(&text[..end], &limits).is_ok(), "without its last line feed it is whole");
}

#[test]
fn no_changed_octet_is_a_panic() {
    let text = sample().into_bytes();
    let limits = Limits::default();
    for at in 0..text.len() {
        let others = [text[at] ^ 1, b'<', text[at] ^ 0x80, b'&', 0];
        // All of them everywhere would say little more than one in turn.
        for other in [others[0], others[1 + at % 4]] {
            let mut changed = text.clone();
            changed[at] = other;
            let _ = look(&changed, &limits);
        }
    }
}

#[test]
fn noise_and_soups_of_tokens_are_read_to_their_end() {
    let mut dice = Dice(1);
    let sample = sample();
    let mut tokens: Vec<&str> = sample.split_inclusive(['<', '>', '"', ' ', ':']).collect();
    tokens.extend([
        "<",
        ">",
        "/>",
        "</",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?",
        "?>",
        "&#13;",
        "&amp;",
        "&",
        "<!DOCTYPE x>",
        "\0",
        "é",
    ]);
    for _ in 0..2_000 {
        let soup: String = (0..dice.next(60)).map(|_| tokens[dice.next(tokens.len())]).collect();
        let _ = look(soup.as_bytes(), &Limits::default());
        // A good start, and then the soup.
        let cut = (0..=dice.next(sample.len())).rev().find(|at| sample.is_char_boundary(*at)).unwrap();
        let _ = look(format!("{}{soup}{}", &sample[..cut], &sample[cut..]).as_bytes(), &Limits::default());
        let noise: Vec<u8> = (0..dice.next(200)).map(|_| u8::try_from(dice.next(256)).unwrap()).collect();
        assert!(look(&noise, &Limits::default()).is_err());
    }
}

#[test]
fn what_is_no_message_is_refused_by_name() {
    let root = |start: &str| format!("{start}<edXML xmlns=\"{NAMESPACE}\"/>");
    for (data, said) in [
        (String::new(), "an empty input"),
        (" \n".into(), "an element"),
        ("{}".into(), "an XML document"),
        (
            root("1212<?xml version=\"1.0\"?>"),
            "at offset 0: expected nothing before the XML declaration, found \"1212\"",
        ),
        (root("\n<?xml version=\"1.0\"?>"), "nothing before the XML declaration"),
        (root("<!DOCTYPE edXML>"), "a DTD, which is refused"),
        (root("<!DOCTYPE edXML [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]>"), "a DTD, which is refused"),
        (root("<!DOCTYPE edXML SYSTEM \"file:///etc/passwd\">"), "a DTD, which is refused"),
        (root("<?xml version=\"1.1\"?>"), "XML version \"1.1\""),
        (root("<?xml version=\"1.0\" encoding=\"windows-1258\"?>"), "a message is UTF-8"),
        (root("") + "<more/>", "a second one"),
        (root("") + "text", "nothing but comments around the document element"),
        (root(""), "the element edXMLEnvelope in it"),
        ("<edXML/>".into(), "the element edXMLEnvelope in it"),
        ("<edXML xmlns=\"urn:x\"/>".into(), "expected edXML of"),
        ("<a:edXML/>".into(), "a:, which is not declared"),
        (format!("<edXML xmlns=\"{NAMESPACE}\">&xxe;</edXML>"), "one of the five predefined entities"),
        (format!("<edXML xmlns=\"{NAMESPACE}\"><a:b/></edXML>"), "a:, which is not declared"),
        ("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/>".into(), "older SOAP/MIME form"),
        ("<e:Header xmlns:e=\"http://www.e-doc.vn/Schema/\"/>".into(), "older SOAP/MIME form"),
        ("<edXML xmlns=\"http://www.go.vn/eDoc\"/>".into(), "http://www.go.vn/eDoc"),
        ("MIME-Version: 1.0\r\nContent-Type: Multipart/Related; boundary=x\r\n\r\n--x".into(), "SOAP with MIME parts"),
        ("--uuid:1\r\nContent-Type: text/xml\r\n".into(), "SOAP with MIME parts"),
        ("%PDF-1.7".into(), "an XML document"),
        ("PK\u{3}\u{4}".into(), "an XML document"),
    ] {
        let why = refused(&data);
        assert!(why.contains(said), "{data:?}: {why}");
    }
    let utf16: Vec<u8> = "\u{FEFF}<edXML/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(refused(utf16).contains("UTF-16"));
}

#[test]
fn crowds_and_depths_end_at_their_limits() {
    let message = |inner: &str| format!("<edXML xmlns=\"{NAMESPACE}\">{inner}</edXML>");
    let many = |count: usize, each: &dyn Fn(usize) -> String| (0..count).map(each).collect::<String>();
    for (what, inner, said) in [
        (
            "namespaces of one element",
            format!("<a {}/>", many(2_000, &|n| format!(" xmlns:p{n}=\"urn:{n}\""))),
            "namespace declarations",
        ),
        (
            "namespaces in scope",
            many(60, &|n| format!("<a xmlns:p{n}=\"u\" xmlns:q{n}=\"u\">")),
            "namespace declarations",
        ),
        ("attributes", format!("<a {}/>", many(100_000, &|n| format!(" a{n}=\"\""))), "xml_attributes"),
        ("depth", "<a>".repeat(100_000), "depth"),
        ("elements", "<a/>".repeat(300_000), "xml_nodes"),
        ("comments", "<!---->".repeat(300_000), "xml_nodes"),
        ("instructions", "<?a?>".repeat(300_000), "xml_nodes"),
        ("sections", format!("<ContentTransferEncoded>{}", "<![CDATA[]]>".repeat(300_000)), "xml_nodes"),
        ("a name", format!("<{}/>", "a".repeat(300)), "a name of at most 256 octets"),
        ("an attribute's name", format!("<a {}=''/>", "a".repeat(1 << 20)), "a name of at most 256 octets"),
        ("a reference", format!("&{};", "a".repeat(1 << 20)), "predefined entities"),
        ("an end tag", format!("<a></{}>", "b".repeat(1 << 20)), "markup"),
    ] {
        let why = refused(message(&inner));
        assert!(why.contains(said) && why.len() < 1_000, "{what}: {}", why.chars().take(1_000).collect::<String>());
    }
    // Two thousand declarations that are in scope one after the other are no attack.
    let beside = message(&many(2_000, &|n| format!("<a xmlns:p{n}=\"urn:{n}\"/>")));
    assert!(refused(beside).contains("the element edXMLEnvelope"));

    let mut limits = Limits::default();
    limits.xml_octets = 1 << 20;
    let long = sample().replace("Sai thể thức", &"x".repeat(2 << 20));
    assert!(look(long.as_bytes(), &limits).unwrap_err().to_string().contains("xml_octets"));
    // A payload of that length is none of it.
    let payload = with_payload("a.txt", &"AAAA".repeat(1 << 19));
    assert_eq!(look(payload.as_bytes(), &limits).unwrap().attachments[0].content.as_ref().unwrap().size, 3 << 19);
}

#[test]
fn a_report_has_an_end() {
    let sample = sample();
    let header = sample.find("<edXML:MessageHeader>").unwrap() + "<edXML:MessageHeader>".len();
    let stuffed = |inner: String| format!("{}{inner}{}", &sample[..header], &sample[header..]);
    let organ = |n: usize| format!("<edXML:To><edXML:OrganId>x{n}</edXML:OrganId></edXML:To>");
    for inner in
        ["<edXML:Unknown><a/></edXML:Unknown>".repeat(20_000), (0..20_000).map(organ).collect(), "<?a?>".repeat(20_000)]
    {
        let check = look(stuffed(inner).as_bytes(), &Limits::default()).unwrap();
        assert!((1..=1_002).contains(&check.findings.len()), "{}", check.findings.len());
    }
    // Attachments beyond the limit are not silently left out.
    let attachment = "<Attachment><ContentId>x</ContentId></Attachment>".repeat(1_001);
    let crowd = sample.replace("<AttachmentEncoded>", &format!("<AttachmentEncoded>{attachment}"));
    assert!(refused(crowd).contains("attachments"));
}

#[test]
fn an_endless_source_is_left() {
    /// Text for ever, after a start.
    struct Endless(&'static [u8], u8);
    impl Source for Endless {
        fn len(&self) -> u64 {
            u64::MAX
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
            let at = usize::try_from(offset).unwrap_or(usize::MAX);
            for (n, to) in buffer.iter_mut().enumerate() {
                *to = self.0.get(at.saturating_add(n)).copied().unwrap_or(self.1);
            }
            Ok(buffer.len())
        }
    }
    let mut limits = Limits::default();
    limits.xml_octets = 4 << 20;
    for (start, then) in [
        (&b"<a>"[..], b'x'),
        (b"<a>", b'<'),
        (b"<", b'a'),
        (b"<!--", b'-'),
        (b"<?a", b'?'),
        (b"<a b='", b'&'),
        (b"", b' '),
    ] {
        let e = Envelope::read(&Endless(start, then), &limits).map(drop).unwrap_err().to_string();
        assert!(e.contains("xml_octets") || e.contains("malformed"), "{e}");
    }
}

#[test]
fn base64_is_taken_with_any_line_ends_and_without_padding() {
    let content: Vec<u8> = (0..1_000u32).map(|n| u8::try_from(n * 7 % 251).unwrap()).collect();
    for payload in [base64(&content), base64(&zip(&[("5c7082fe-0000-4000-8000-000000000000.bin", &content)]))] {
        let columns = |width: usize, end: &str| {
            let lines: Vec<&str> = payload.as_bytes().chunks(width).map(|c| std::str::from_utf8(c).unwrap()).collect();
            lines.join(end)
        };
        for text in [
            payload.clone(),
            columns(76, "\n"),
            columns(76, "\r\n"),
            columns(64, "&#13;\n"),
            columns(64, "&#xD;&#xA;"),
            columns(1, " "),
            columns(3, "\t\r"),
            format!("\n      {}\n    ", columns(75, "\n      ")),
            payload.trim_end_matches('=').to_owned(),
            format!("<![CDATA[{}]]>", columns(76, "]]><![CDATA[")),
            columns(500, "<!-- a remark -->"),
        ] {
            let data = with_payload("a.bin", &text).into_bytes();
            let envelope = Envelope::read(&data, &Limits::default()).unwrap();
            let (octets, _) = envelope.content(&envelope.attachments()[0]).unwrap();
            assert!(octets == content, "{}", text.chars().take(100).collect::<String>());
        }
    }
}

#[test]
fn damaged_base64_says_where_it_is_damaged() {
    let payload = base64(&[7; 300]);
    let before = with_payload("a.bin", "").find("_2016\"></edXML:Content").unwrap() + "_2016\">".len();
    for (at, piece, said) in [
        (396, "*", "'*'"),
        (400, "*", "found \"*\""),
        (8, "\u{FFFD}", "U+FFFD"),
        (12, "=", "padding before the end"),
        (100, "é", "octet 0xc3"),
    ] {
        let why = damaged(&with_payload("a.bin", &format!("{}{piece}{}", &payload[..at], &payload[at..])));
        assert!(why.contains(said), "{why}");
        if at < payload.len() {
            assert!(why.contains(&format!("at offset {}", before + at)), "{why}");
        }
    }
    let unpadded = base64(&[7; 301]);
    let whole = unpadded.trim_end_matches('=');
    assert!(damaged(&with_payload("a.bin", &whole[..whole.len() - 1])).contains("groups of four characters"));
    assert!(damaged(&with_payload("a.bin", "AAAA&amp;AAAA")).contains("malformed base64"));
    // A ZIP that was cut off is no ZIP any more, and its start no file.
    let zip = zip(&[("a.bin", &[7; 3_000])]);
    let cut = base64(&zip[..zip.len() / 2]);
    assert!(damaged(&with_payload("a.bin", &cut)).contains("the archive is cut off"));
    let empty = look(with_payload("a.bin", " \n").as_bytes(), &Limits::default()).unwrap();
    assert!(empty.findings.iter().any(|f| f.code() == "ATTACHMENT_EMPTY"), "{:?}", empty.findings);
}

#[test]
fn archives_lead_nowhere_and_unfold_to_no_more_than_their_limit() {
    // The name of the entry is not used at all.
    for entry in ["../../etc/cron.d/x", "/etc/passwd", "C:\\x", "a/b/c.txt", "", "x\0y"] {
        let data = with_payload("a.txt", &base64(&zip(&[(entry, b"noi dung")])));
        let check = look(data.as_bytes(), &Limits::default()).unwrap();
        assert_eq!(check.attachments[0].file_name, "a.txt");
        assert_eq!(check.attachments[0].content.as_ref().unwrap().size, 8);
    }
    for name in ["../../x.txt", "/etc/passwd", "..\\x", "a&#9;b.txt", "x\u{202E}txt.exe"] {
        let check = look(with_payload(name, "AAAA").as_bytes(), &Limits::default()).unwrap();
        assert!(check.findings.iter().any(|f| f.code() == "ATTACHMENT_NAME_UNSAFE"), "{name}: {:?}", check.findings);
    }
    // Two entries are no wrapping: the archive is the attachment.
    let two = zip(&[("a.txt", b"1"), ("b.txt", b"2")]);
    let check = look(with_payload("a.txt", &base64(&two)).as_bytes(), &Limits::default()).unwrap();
    let content = check.attachments[0].content.as_ref().unwrap();
    assert_eq!((content.packing, content.size), (Packing::Raw, two.len() as u64));
    // Each entry holds to the limit, and all together to four times that.
    let (zeros, message) = (vec![0; 900_000], messages::plain().into());
    let mut writer = Writer::new(&message);
    for n in 0..8 {
        writer = writer.enclose(Enclosure::new(format!("{n}.txt"), "text/plain", &zeros));
    }
    let text = writer.to_vec().unwrap();
    assert!(text.len() < 100_000);
    let sizes = |limit: u64| -> Vec<Option<u64>> {
        let mut limits = Limits::default();
        limits.inflated_octets = limit;
        let check = look(&text, &limits).unwrap();
        let told = check.findings.iter().filter(|f| f.code() == "ATTACHMENT_TOO_LARGE").count();
        let sizes: Vec<_> = check.attachments.iter().map(|a| a.content.as_ref().map(|c| c.size)).collect();
        assert_eq!(sizes.iter().filter(|s| s.is_none()).count(), told);
        sizes
    };
    assert!(sizes(2_000_000).iter().all(Option::is_some));
    assert!(sizes(899_999).iter().all(Option::is_none));
    assert_eq!(sizes(1_000_000).iter().filter(|s| s.is_some()).count(), 4);
}

#[test]
fn only_the_two_known_prefixes_may_be_unbound() {
    let text = sample().replacen(&format!(" xmlns:edXML=\"{NAMESPACE}\""), "", 1);
    let check = look(text.as_bytes(), &Limits::default()).unwrap();
    let told: Vec<_> = check.findings.iter().filter(|f| f.code() == "XML_PREFIX_UNBOUND").collect();
    assert_eq!(told.len(), 1, "once for each prefix");
    assert!(told[0].severity() == kyso::finding::Severity::Error && told[0].place().unwrap().contains("line 3"));
    let xlink = sample().replacen("<edXML:Reference>", "<edXML:Reference xlink:href=\"cid:1\">", 1);
    assert!(
        look(xlink.as_bytes(), &Limits::default()).unwrap().findings.iter().any(|f| f.code() == "XML_PREFIX_UNBOUND")
    );
    for other in ["<ds:Signature/>", "<edxml:Subject/>", "<a xsi:type=\"x\"/>"] {
        let text = sample().replacen("<edXML:edXMLHeader>", &format!("<edXML:edXMLHeader>{other}"), 1);
        assert!(refused(text).contains("which is not declared"), "{other}");
    }
}

#[test]
fn attacks_on_xml_end_as_errors() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut rows = 0;
    for entry in fs::read_dir(corpus.join("xml/attacks")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "xml") {
            continue;
        }
        rows += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let data = fs::read(&path).unwrap();
        let why = refused(&data);
        let expected = match name.split('-').next().unwrap() {
            "wf" => &["malformed XML", "unsupported XML"][..],
            "dtd" => &["a DTD, which is refused"],
            "dos" => &["limit exceeded"],
            _ if name == "ok-eq-utf16le-bom" => &["unsupported XML"],
            _ => &["malformed edXML: document element", "limit exceeded"],
        };
        assert!(expected.iter().any(|e| why.starts_with(e) || why.contains("DTD") && why.contains(e)), "{name}: {why}");
        // The same somewhere inside of a message.
        let text = String::from_utf8_lossy(&data);
        let inner = text.split_once("?>").map_or(&*text, |(_, rest)| rest);
        let inside = sample().replacen("<edXML:edXMLHeader>", &format!("<edXML:edXMLHeader>{inner}"), 1);
        if let Ok(check) = look(inside.as_bytes(), &Limits::default()) {
            assert!(check.findings.iter().any(|f| f.code() == "ELEMENT_UNKNOWN"), "{name}");
        }
    }
    assert!(rows > 50, "{rows}");
}

#[test]
fn payloads_pass_by_one_after_the_other_and_damage_is_told() {
    /// What a sink saw: octets of each attachment, and whether it was whole.
    #[derive(Default)]
    struct Seen {
        current: Vec<u8>,
        ended: Vec<(usize, bool)>,
        stop_at: Option<usize>,
    }
    impl PayloadSink for Seen {
        fn take(&mut self, _: &Attachment, octets: &[u8]) -> Result<(), Error> {
            if self.stop_at == Some(self.ended.len()) {
                return Err(kyso::error::Misuse::new("enough").into());
            }
            self.current.extend_from_slice(octets);
            Ok(())
        }
        fn end(&mut self, _: &Attachment, whole: bool) -> Result<(), Error> {
            self.ended.push((self.current.len(), whole));
            self.current.clear();
            Ok(())
        }
    }
    let message = messages::plain().into();
    let mut dice = Dice(7);
    let noise: Vec<u8> = (0..500_000).map(|_| u8::try_from(dice.next(256)).unwrap()).collect();
    let contents = [b"%PDF-1.7".to_vec(), noise, Vec::new()];
    let mut writer = Writer::new(&message);
    for content in &contents {
        writer = writer.enclose(Enclosure::new("a.bin", "application/octet-stream", content));
    }
    let mut text = writer.to_vec().unwrap();
    let read = |text: &Vec<u8>, seen: &mut Seen| {
        let envelope = Envelope::read(text, &Limits::default()).unwrap();
        envelope.check_into(seen)
    };
    let mut seen = Seen::default();
    let check = read(&text, &mut seen).unwrap();
    assert_eq!(seen.ended, [(8, true), (500_000, true), (0, true)]);
    let sizes: Vec<u64> = check.attachments.iter().map(|a| a.content.as_ref().unwrap().size).collect();
    assert_eq!(sizes, [8, 500_000, 0]);
    // What the sink says ends it, and is no fault of the payload.
    let mut seen = Seen { stop_at: Some(1), ..Seen::default() };
    assert!(read(&text, &mut seen).unwrap_err().to_string().contains("enough"));
    // Damage near its end: a part has gone by already.
    let at = text.len() - 3_000;
    text[at] = b'*';
    let mut seen = Seen::default();
    let check = read(&text, &mut seen).unwrap();
    assert!(seen.ended[1].0 > 100_000 && !seen.ended[1].1 && seen.ended[2].1, "{:?}", seen.ended);
    assert!(check.attachments[1].content.is_none());
}
