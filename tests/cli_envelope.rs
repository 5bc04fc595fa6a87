//! `kyso envelope new|add|status|register|check|open` as its users call it.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use kyso::crypto::DigestAlgorithm;
use kyso::envelope::Enclosure;
use kyso::envelope::Message;
use kyso::envelope::StatusCode;
use kyso::envelope::Writer;
use serde_json::Value;

const SIGNED: &str = "2026-11-23T01:00:00Z";
const LATER: &str = "2026-11-23T02:00:00Z";

/// A folder with what a clerk has at hand.
struct Desk {
    folder: tempfile::TempDir,
    pdf: Vec<u8>,
}

struct Run {
    code: i32,
    out: String,
    err: String,
}

impl Run {
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

impl Desk {
    /// With a signed PDF, the root of its signer, a text, and the description of a message.
    fn new() -> Self {
        let office = office::Plan::new().open();
        let pdf = office.sign(&office.officer, SIGNED);
        let desk = Self { folder: tempfile::tempdir().unwrap(), pdf };
        desk.write("Công văn 2154.pdf", &desk.pdf);
        desk.write("phụ lục.txt", "Danh sách\n".repeat(500).as_bytes());
        desk.write("root.pem", office.root.certificate.to_pem().as_bytes());
        desk.write("issuing.pem", office.issuing.certificate.to_pem().as_bytes());
        desk.write("meta.json", Message::from(messages::plain()).to_json().as_bytes());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, octets: &[u8]) {
        fs::write(self.path(name), octets).unwrap();
    }

    fn kyso(&self, arguments: &[&str]) -> Run {
        let output = Command::new(env!("CARGO_BIN_EXE_kyso"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let text = |octets| String::from_utf8(octets).unwrap();
        Run { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A message with these attachments, as a file.
    fn message(&self, name: &str, message: impl Into<Message>, attachments: &[(&str, &[u8])]) {
        let message = message.into();
        let contents: Vec<Vec<u8>> = attachments.iter().map(|(_, content)| content.to_vec()).collect();
        let mut writer = Writer::new(&message);
        for ((name, _), content) in attachments.iter().zip(&contents) {
            writer = writer.enclose(Enclosure::new(*name, "application/octet-stream", content));
        }
        self.write(name, &writer.to_vec().unwrap());
    }

    fn check(&self, name: &str, more: &[&str]) -> Run {
        self.kyso(&[&["envelope", "check", name, "--json", "--at", LATER, "--no-revocation"], more].concat())
    }
}

fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

fn sha256(octets: &[u8]) -> String {
    DigestAlgorithm::Sha256.digest(octets).to_hex()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_new_writes_check_reads_and_open_gives_back() {
    let desk = Desk::new();
    let run = desk
        .kyso(&["envelope", "new", "meta.json", "--attach", "Công văn 2154.pdf", "phụ lục.txt", "-o", "out.edxml"])
        .expect(0);
    assert!(run.out.contains("out.edxml: written, 2 attachments"), "{}", run.out);

    let report = desk.check("out.edxml", &["--trust", "root.pem", "--intermediate", "issuing.pem"]).expect(0).json();
    assert_eq!(report["kind"], "new");
    assert_eq!(report["findings"], Value::Array(Vec::new()));
    let [pdf, text] = report["attachments"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((pdf["name"].as_str(), pdf["type"].as_str()), (Some("Công văn 2154.pdf"), Some("application/pdf")));
    assert_eq!(pdf["size"], desk.pdf.len());
    assert_eq!(pdf["sha256"], sha256(&desk.pdf));
    assert_eq!(pdf["validation"]["indication"], "TOTAL-PASSED");
    assert_eq!(pdf["validation"]["signatures"][0]["integrity"], "intact");
    // The certificates of this office have a name and nothing else: nothing tells who is who.
    assert_eq!((pdf["signing"].as_str(), text["signing"].as_str()), (Some("roles-unknown"), Some("not-looked-at")));
    assert_eq!(pdf["signed_by"]["whole_document"], true);
    assert_eq!((&report["complete"], report["envelope_signature"].as_str()), (&Value::Bool(false), Some("none")));
    assert_eq!((text["type"].as_str(), &text["validation"]), (Some("text/plain"), &Value::Null));

    let run = desk.kyso(&["envelope", "open", "out.edxml", "-o", "in/2026"]).expect(0);
    assert_eq!(run.out.lines().count(), 2);
    assert_eq!(fs::read(desk.path("in/2026/Công văn 2154.pdf")).unwrap(), desk.pdf);
    assert_eq!(files(&desk.path("in/2026")), ["Công văn 2154.pdf", "phụ lục.txt"]);
}

#[test]
fn add_appends_and_status_answers() {
    let desk = Desk::new();
    desk.kyso(&["envelope", "new", "meta.json", "--attach", "phụ lục.txt", "-o", "one.edxml"]).expect(0);
    let add = ["envelope", "add", "one.edxml", "--attach", "Công văn 2154.pdf", "-o", "two.edxml", "--json"];
    let said = desk.kyso(&add).expect(0).json();
    assert_eq!((said["kind"].as_str(), said["attachments"].as_u64()), (Some("new"), Some(2)));
    let report = desk.check("two.edxml", &[]).expect(0).json();
    let names: Vec<&str> =
        report["attachments"].as_array().unwrap().iter().map(|a| a["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["phụ lục.txt", "Công văn 2154.pdf"]);
    assert_eq!(report["attachments"][1]["sha256"], sha256(&desk.pdf));

    let status = |code: &str, more: &[&str]| {
        let arguments =
            ["envelope", "status", "two.edxml", "--code", code, "-o", "status.edxml", "--at", LATER, "--json"];
        desk.kyso(&[&arguments[..], more].concat())
    };
    let to = &["--receiver", "H14"][..];
    let said = status("03", to).expect(0).json();
    assert_eq!((said["kind"].as_str(), said["status"].as_str()), (Some("status"), Some("03")));
    let text = fs::read_to_string(desk.path("status.edxml")).unwrap();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(at("<edXML:OrganId>H14<") < at("<edXML:ResponseFor>") && at("<edXML:ResponseFor>") < at(">G14<"));
    assert!(text.contains(">2026/11/23 09:00:00<") && text.contains(">2154/BKHCN-CĐSQG<"), "{text}");
    assert_eq!(codes(&desk.check("status.edxml", &[]).expect(0).json()), Vec::<&str>::new());
    // Of 13 the sender of the document is the author.
    status("13", &[to, &["--reason", "Gửi nhầm"]].concat()).expect(0);
    let text = fs::read_to_string(desk.path("status.edxml")).unwrap();
    assert!(text.find(">G14<").unwrap() < text.find(">H14<").unwrap());

    fs::remove_file(desk.path("status.edxml")).unwrap();
    let run = status("02", to).expect(65);
    assert!(run.err.contains("REASON_MISSING"), "{}", run.err);
    assert!(status("03", &[]).expect(64).err.contains("--receiver"));
    status("03", &["--receiver", "H99"]).expect(65);
    status("07", to).expect(64);
    assert!(!desk.path("status.edxml").exists());
    desk.message("own.edxml", messages::status(StatusCode::Arrived), &[]);
    let run = desk.kyso(&["envelope", "status", "own.edxml", "--code", "03", "-o", "x.edxml"]).expect(65);
    assert!(run.err.contains("expected a document message"), "{}", run.err);
}

#[test]
fn the_example_of_the_guide_is_a_message() {
    let desk = Desk::new();
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guide/exchange.md")).unwrap();
    let blocks: Vec<&str> = guide.split("```json\n").skip(1).map(|b| b.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 2, "a document and a status");
    for (block, kind, attach) in [(blocks[0], "new", &["--attach", "phụ lục.txt"][..]), (blocks[1], "status", &[])]
    {
        desk.write("example.json", block.as_bytes());
        let new = ["envelope", "new", "example.json", "-o", "example.edxml"];
        desk.kyso(&[&new[..], attach].concat()).expect(0);
        let report = desk.check("example.edxml", &[]).expect(0).json();
        assert_eq!((report["kind"].as_str(), codes(&report)), (Some(kind), Vec::new()));
    }
}

#[test]
fn new_refuses_what_breaks_a_rule_and_writes_nothing() {
    let desk = Desk::new();
    let meta = fs::read_to_string(desk.path("meta.json")).unwrap();
    let new = |meta: &str, more: &[&str]| {
        desk.write("bad.json", meta.as_bytes());
        let run = desk.kyso(&[&["envelope", "new", "bad.json", "-o", "bad.edxml"], more].concat());
        assert!(!files(desk.folder.path()).iter().any(|name| name.contains(".edxml")), "nothing is left");
        run
    };
    let attach = &["--attach", "phụ lục.txt"];
    let run = new(&meta.replace("\"subject\"", "\"trich_yeu\""), attach).expect(65);
    assert!(run.err.contains("bad.json") && run.err.contains("unknown field `trich_yeu`") && run.err.contains("line "));
    assert!(new("{", attach).expect(65).err.contains("bad.json"));
    let run = new(&meta.replace("\"G14\"", "\"vxp.saas.03\""), attach).expect(65);
    assert!(run.err.contains("ORGAN_ID_SCHEME") && run.err.contains("/From/OrganId"), "{}", run.err);
    let run = new(&meta, &[]).expect(65);
    assert!(run.err.contains("ATTACHMENT_NONE") && run.err.contains("nothing was written"), "{}", run.err);
    let run = new(&meta.replace("2026/11/20", "2999/11/20"), attach).expect(65);
    assert!(run.err.contains("DATE_IN_FUTURE"), "{}", run.err);
    let run = new(&meta, &["--lang", "vi"]).expect(65);
    assert!(run.err.contains("cảnh báo: văn bản mới nhưng không có tệp đính kèm"), "{}", run.err);
    new(&meta, &["--attach", "not-there.pdf"]).expect(66);
    desk.kyso(&["envelope", "new", "meta.json", "--attach", "phụ lục.txt", "-o", "no/such/folder/x.edxml"]).expect(66);
    desk.kyso(&["envelope", "new", "meta.json"]).expect(64);
}

#[test]
fn check_tells_signed_unsigned_unproven_and_tampered_attachments_apart() {
    let desk = Desk::new();
    let unsigned = sample_pdf::plain(sample_pdf::Xref::Table);
    let mut tampered = desk.pdf.clone();
    let at = tampered.windows(9).position(|w| w == b"/MediaBox").unwrap() + 13;
    tampered[at] ^= 1;
    let broken = b"%PDF-1.7\nnothing more".to_vec();
    desk.message("unsigned.edxml", messages::plain(), &[("a.pdf", &unsigned)]);
    desk.message("signed.edxml", messages::plain(), &[("a.pdf", &desk.pdf)]);
    desk.message("tampered.edxml", messages::plain(), &[("a.pdf", &desk.pdf), ("b.pdf", &tampered)]);
    desk.message("broken.edxml", messages::plain(), &[("a.bin", &broken)]);
    let indication = |report: &Value, n: usize| report["attachments"][n]["validation"]["indication"].to_string();

    let report = desk.check("unsigned.edxml", &[]).expect(0).json();
    assert_eq!((codes(&report), &*indication(&report, 0)), (Vec::new(), "\"NO-SIGNATURE\""));
    let report = desk.check("signed.edxml", &[]).expect(0).json();
    assert_eq!(codes(&report), ["ATTACHMENT_SIGNATURE_UNDECIDED"]);
    assert_eq!(indication(&report, 0), "\"INDETERMINATE\"");
    let trust = ["--trust", "root.pem", "--intermediate", "issuing.pem"];
    let report = desk.check("tampered.edxml", &trust).expect(1).json();
    assert_eq!(codes(&report), ["ATTACHMENT_SIGNATURE_FAILED"]);
    assert!(report["findings"][0]["where"].as_str().unwrap().contains("Attachment[2]"));
    assert_eq!((&*indication(&report, 0), &*indication(&report, 1)), ("\"TOTAL-PASSED\"", "\"TOTAL-FAILED\""));
    let report = desk.check("broken.edxml", &trust).expect(1).json();
    assert_eq!(codes(&report), ["ATTACHMENT_PDF_UNREADABLE"]);
    assert_eq!(report["attachments"][0]["validation"], Value::Null);
}

#[test]
fn check_tells_a_damaged_payload_and_goes_on_behind_it() {
    let desk = Desk::new();
    let noise: Vec<u8> = (0..3_000u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    desk.message("out.edxml", messages::plain(), &[("a.bin", &noise), ("b.pdf", &desk.pdf)]);
    let text = fs::read_to_string(desk.path("out.edxml")).unwrap();
    let at = text.find(">UEsD").unwrap() + 200;
    desk.write("damaged.edxml", format!("{}*{}", &text[..at], &text[at + 1..]).as_bytes());
    let run = desk.check("damaged.edxml", &["--trust", "root.pem", "--intermediate", "issuing.pem"]).expect(1);
    let report = run.json();
    assert_eq!(codes(&report), ["ATTACHMENT_DAMAGED"]);
    let [damaged, pdf] = report["attachments"].as_array().unwrap().as_slice() else { panic!("{report}") };
    assert_eq!((&damaged["sha256"], &damaged["validation"]), (&Value::Null, &Value::Null));
    assert_eq!(pdf["validation"]["indication"], "TOTAL-PASSED", "each report stands at its attachment");

    let run = desk.kyso(&["envelope", "open", "damaged.edxml", "-o", "in"]).expect(65);
    assert!(run.err.contains("ATTACHMENT_DAMAGED") && run.err.contains(&format!("offset {at}")), "{}", run.err);
    assert_eq!(files(&desk.path("in")), ["b.pdf"], "what is whole is written");
}

#[test]
fn what_cannot_be_read_is_65_and_names_the_place() {
    let desk = Desk::new();
    desk.message("out.edxml", messages::recall(), &[]);
    let text = fs::read_to_string(desk.path("out.edxml")).unwrap();
    for (data, said) in [
        (format!("1212{text}"), "at offset 0"),
        (text.replace("<edXML xmlns", "<!DOCTYPE edXML><edXML xmlns"), "a DTD, which is refused"),
        (text.replace("</edXML>", ""), "line 2"),
        ("<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"/>".into(), "SOAP/MIME"),
        (String::new(), "an empty input"),
    ] {
        desk.write("bad.edxml", data.as_bytes());
        for command in [&["envelope", "check", "bad.edxml"][..], &["envelope", "open", "bad.edxml", "-o", "in"]] {
            let run = desk.kyso(command).expect(65);
            assert!(run.err.contains("bad.edxml") && run.err.contains(said), "{}", run.err);
        }
        assert!(!desk.path("in").exists());
    }
    desk.kyso(&["envelope", "check", "not-there.edxml"]).expect(66);
}

#[test]
fn open_keeps_what_is_there_and_stays_in_its_folder() {
    let desk = Desk::new();
    desk.message("out.edxml", messages::plain(), &[("NAME", b"1"), ("b.txt", b"2"), ("b.txt", b"3")]);
    let text = fs::read_to_string(desk.path("out.edxml")).unwrap().replace("NAME", "../../a\u{202E}.txt");
    desk.write("evil.edxml", text.as_bytes());
    fs::create_dir(desk.path("in")).unwrap();
    desk.write("in/b.txt", b"mine");
    #[cfg(unix)]
    std::os::unix::fs::symlink(desk.path("root.pem"), desk.path("in/a.txt")).unwrap();
    #[cfg(not(unix))]
    desk.write("in/a.txt", b"mine");
    let root = fs::read(desk.path("root.pem")).unwrap();
    let run = desk.kyso(&["envelope", "open", "evil.edxml", "-o", "in", "--json"]).expect(0);
    let report = run.json();
    assert!(codes(&report).contains(&"ATTACHMENT_NAME_UNSAFE"));
    let paths: Vec<&str> =
        report["attachments"].as_array().unwrap().iter().map(|a| a["path"].as_str().unwrap()).collect();
    let name = |p: &&str| Path::new(p).file_name().unwrap().to_str().unwrap().to_owned();
    assert_eq!(paths.iter().map(name).collect::<Vec<_>>(), ["a (2).txt", "b (2).txt", "b (2) (2).txt"]);
    assert_eq!(files(&desk.path("in")), ["a (2).txt", "a.txt", "b (2) (2).txt", "b (2).txt", "b.txt"]);
    assert_eq!(fs::read(desk.path("in/b.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(desk.path("root.pem")).unwrap(), root, "a link is not followed");
    let contents = ["a (2).txt", "b (2).txt", "b (2) (2).txt"].map(|n| fs::read(desk.path("in").join(n)).unwrap());
    assert_eq!(contents, [b"1", b"2", b"3"]);
}

#[test]
fn people_read_it_in_their_language() {
    let desk = Desk::new();
    desk.message("out.edxml", messages::replacement(), &[("a.pdf", &desk.pdf)]);
    let check = |lang: &str| {
        let arguments = ["envelope", "check", "out.edxml", "--at", LATER, "--no-revocation", "--lang", lang];
        desk.kyso(&arguments).expect(0).out
    };
    let english = check("en");
    for words in [
        "Message      replacement",
        "From         G14 Bộ Khoa học",
        "NOT DECIDED",
        "warning: it is not decided",
        "SHA-256 ",
    ] {
        assert!(english.contains(words), "{words}: {english}");
    }
    let vietnamese = check("vi");
    for words in [
        "Thông điệp   văn bản thay thế",
        "Trích yếu    V/v liên thông",
        "CHƯA XÁC ĐỊNH ĐƯỢC",
        "cảnh báo: chưa xác định được",
    ] {
        assert!(vietnamese.contains(words), "{words}: {vietnamese}");
    }
    desk.message("status.edxml", messages::status(StatusCode::Refused), &[]);
    let run = desk.kyso(&["envelope", "check", "status.edxml", "--lang", "vi"]).expect(0);
    assert!(run.out.contains("02 từ chối tiếp nhận") && run.out.contains("Không có nhận xét nào."), "{}", run.out);
    // What a message says does not command the terminal.
    let text = fs::read_to_string(desk.path("status.edxml")).unwrap();
    desk.write("evil.edxml", text.replace("Văn thư đã xử lý", "a\u{202E}b\u{9b}31m").as_bytes());
    let run = desk.kyso(&["envelope", "check", "evil.edxml"]).expect(0);
    assert!(run.out.contains("a\u{FFFD}b\u{FFFD}31m") && !run.out.contains('\u{202E}'), "{}", run.out);
}

/// Two agencies and their registers, by the command alone: the document, its arrival, a recall and the answer.
#[test]
fn register_records_both_sides_and_refuses_what_must_not_be_sent() {
    let desk = Desk::new();
    let mut document = messages::plain();
    document.to.truncate(1);
    desk.message("document.edxml", document.clone(), &[("a.txt", b"Noi dung")]);
    let register = |who: &str, file: &str, more: &[&str]| {
        let state = format!("{who}.json");
        desk.kyso(&[&["envelope", "register", file, "--state", &state, "--json"], more].concat())
    };
    let ruling = |report: &Value| {
        let [taken] = report["taken"].as_array().unwrap().as_slice() else { panic!("{report}") };
        (taken["ruling"].as_str().unwrap().to_owned(), taken["duties"].to_string())
    };
    let status = |code: &str, at: &str| {
        let reason = ["--reason", "Theo công văn"];
        let words = ["envelope", "status", "document.edxml", "--code", code, "--at", at, "-o", "status.edxml"];
        desk.kyso(&[&words[..], &reason].concat()).expect(0);
    };

    // Nothing is begun by mistake.
    assert!(register("h14", "document.edxml", &[]).expect(66).err.contains("--new"));
    register("h14", "document.edxml", &["--new", "không"]).expect(64);
    assert!(!desk.path("h14.json").exists());
    // An own status about a document that is not there must not be sent.
    let sent = register("g14", "document.edxml", &["--new", "G14"]).expect(0).json();
    assert_eq!((ruling(&sent), &sent["recorded"]), (("taken".into(), "[]".into()), &Value::Bool(true)));
    assert_eq!(sent["taken"][0]["side"], "sender");
    let report = register("h14", "document.edxml", &["--new", "H14"]).expect(0).json();
    assert_eq!(ruling(&report), ("taken".into(), "[\"store\",\"report:01\"]".into()));
    let record = &report["taken"][0]["record"];
    assert_eq!((record["CodeNotation"].as_str(), record["CodeNumber"].as_str()), (Some("BKHCN-CĐSQG"), Some("2154")));
    assert_eq!(register("h14", "document.edxml", &[]).expect(0).json()["taken"][0]["ruling"], "repeated");
    register("h14", "document.edxml", &["--new", "H15"]).expect(64);

    status("01", "2026-11-23T02:00:00Z");
    for who in ["h14", "g14"] {
        assert_eq!(ruling(&register(who, "status.edxml", &[]).expect(0).json()).0, "taken", "{who}");
    }
    // To agree where nothing was asked: an own one is not recorded, a received one is shown to a clerk.
    status("15", "2026-11-23T03:00:00Z");
    let before = fs::read(desk.path("h14.json")).unwrap();
    let report = register("h14", "status.edxml", &[]).expect(73).json();
    assert_eq!(
        (&report["recorded"], report["taken"][0]["findings"][0]["code"].as_str()),
        (&Value::Bool(false), Some("EXCHANGE_ANSWER_WITHOUT_REQUEST"))
    );
    assert_eq!(fs::read(desk.path("h14.json")).unwrap(), before);
    assert_eq!(ruling(&register("g14", "status.edxml", &[]).expect(1).json()), ("refused".into(), "[\"show\"]".into()));

    // A recall, and the document is given up.
    let mut recall = messages::recall();
    recall.to.truncate(1);
    desk.message("recall.edxml", recall, &[]);
    assert_eq!(ruling(&register("g14", "recall.edxml", &[]).expect(0).json()).1, "[\"freeze\"]");
    assert_eq!(ruling(&register("h14", "recall.edxml", &[]).expect(0).json()).1, "[\"decide:recall\"]");
    status("15", "2026-11-23T04:00:00Z");
    assert_eq!(ruling(&register("h14", "status.edxml", &[]).expect(0).json()).1, "[\"destroy\"]");
    let run = desk.kyso(&["envelope", "register", "status.edxml", "--state", "g14.json", "--lang", "vi"]).expect(0);
    assert!(run.out.contains("văn bản đi") && run.out.contains("cần làm: withdraw"), "{}", run.out);

    // What is damaged has not arrived, and what is no register is not replaced.
    let text = fs::read_to_string(desk.path("document.edxml")).unwrap();
    desk.write("damaged.edxml", text.replace(">UEsD", ">UEsD*").as_bytes());
    let before = fs::read(desk.path("h14.json")).unwrap();
    assert!(register("h14", "damaged.edxml", &[]).expect(65).err.contains("attachment 1 is damaged"));
    assert_eq!(fs::read(desk.path("h14.json")).unwrap(), before);
    register("meta", "document.edxml", &[]).expect(65);
    assert!(desk.path("meta.json").exists());
}

/// Of messages that are recorded at the same time none is lost.
#[test]
fn registers_are_changed_by_one_at_a_time() {
    let desk = Desk::new();
    let mut children = Vec::new();
    for n in 0..8 {
        let mut document = messages::plain();
        document.code.number = format!("{n}");
        let date = *document.promulgation.date.known().unwrap();
        document.document_id =
            kyso::envelope::DocumentId::of(&document.from.id, date, &document.code.number, &document.code.notation);
        let name = format!("{n}.edxml");
        desk.message(&name, document, &[("a.txt", b"Noi dung")]);
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.args(["envelope", "register", &name, "--state", "h14.json", "--new", "H14", "--json"]);
        children.push(command.current_dir(desk.folder.path()).stdout(std::process::Stdio::null()).spawn().unwrap());
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let state: Value = serde_json::from_str(&fs::read_to_string(desk.path("h14.json")).unwrap()).unwrap();
    assert_eq!(state["entries"].as_array().unwrap().len(), 8);
}

#[test]
fn check_validates_a_detached_signature_over_the_file_beside_it() {
    let desk = Desk::new();
    let office = office::Plan::new().open();
    let content = "Danh sách kèm theo\n".repeat(300_000).into_bytes();
    let signature = kyso::sign::cades::CadesRequest::new(&content, ca::at(SIGNED)).detached();
    let signature = signature.sign(&office.officer).unwrap().into_octets();
    desk.write("root.pem", office.root.certificate.to_pem().as_bytes());
    desk.message("out.edxml", messages::plain(), &[("phụ lục.txt", &content), ("phụ lục.txt.p7s", &signature)]);
    let trust = ["--trust", "root.pem", "--intermediate", "issuing.pem"];
    let issuing = office.issuing.certificate.to_pem();
    desk.write("issuing.pem", issuing.as_bytes());
    let report = desk.check("out.edxml", &trust).expect(0).json();
    assert_eq!(codes(&report), Vec::<&str>::new());
    let signed = &report["attachments"][1];
    assert_eq!((&signed["validation"]["indication"], &signed["signs"]), (&"TOTAL-PASSED".into(), &0.into()));
    desk.message("other.edxml", messages::plain(), &[("phụ lục.txt", b"x"), ("phụ lục.p7s", &signature)]);
    assert_eq!(codes(&desk.check("other.edxml", &trust).expect(1).json()), ["ATTACHMENT_SIGNATURE_FAILED"]);
}
