//! `kyso sign`: what it makes, what it refuses, and what it leaves as it was.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::io::Seek;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use ca::Template;
use cli::KNOWN;
use cli::Office;
use cli::tool;
use kyso::crypto::KeySpec;
use kyso::pdf::Pdf;

const OLD: &[u8] = b"what was there before";

#[test]
fn a_pdf_is_signed_and_the_original_stays_in_it() {
    let office = Office::new();
    let options = ["--reason", "Ban hành", "--location", "Hà Nội", "--field", "KySo", "--json"];
    let done = office.sign("in.pdf", "out.pdf", "officer", &[&options[..], &KNOWN[..6], &["--require-valid"]].concat());
    let done = done.expect(0);
    assert_eq!(done.err, "", "all is known: nothing to warn of");
    let json = done.json();
    assert_eq!(json["format"], "PAdES");
    assert_eq!(json["level"], "B-B");
    assert_eq!(json["field"], "KySo");
    assert_eq!(json["algorithm"], "ECDSA-SHA256");
    assert_eq!(json["signer"]["subject"], "CN=Nguyễn Văn A,C=VN");
    assert_eq!(json["claimed_signing_time"], cli::SIGNED);
    let (before, after) = (office.read("in.pdf"), office.read("out.pdf"));
    assert!(after.starts_with(&before));
    let report = office.verify("out.pdf", &[]).expect(0).json();
    assert_eq!(report["signatures"][0]["indication"], "TOTAL-PASSED");
    assert_eq!(report["signatures"][0]["name"], "KySo");
    // A document may be replaced by its signed self.
    fs::copy(office.path("in.pdf"), office.path("same.pdf")).unwrap();
    office.sign("same.pdf", "same.pdf", "officer", &["--field", "KySo"]).expect(0);
    office.verify("same.pdf", &[]).expect(0);
    assert!(!office.names().iter().any(|name| name.ends_with(".part")));
}

#[test]
fn an_officer_signs_and_then_the_agency() {
    let office = Office::new();
    let agency = Template::new(&[(ca::C, "VN"), (ca::O, "UBND xã Bình Minh"), (ca::CN, "UBND xã Bình Minh")]);
    office.signer("agency", &agency, KeySpec::Rsa2048);
    office.write("seal.png", png());
    office.sign("in.pdf", "one.pdf", "officer", &["--page", "1", "--rect", "320,150,200,60", "--lang", "vi"]).expect(0);
    let options = ["--rect", "250,150,80,80", "--image", "seal.png", "--digest", "sha512", "--pss"];
    office.sign("one.pdf", "two.pdf", "agency", &options).expect(0);
    let report = office.verify("two.pdf", &[]).expect(0).json();
    let signatures = report["signatures"].as_array().unwrap();
    let told: Vec<_> =
        signatures.iter().map(|s| (&s["signer"]["subject_name"], &s["coverage"], &s["changes"])).collect();
    assert_eq!(told[0], (&"Nguyễn Văn A".into(), &"revision".into(), &"form".into()));
    assert_eq!(told[1], (&"UBND xã Bình Minh".into(), &"whole-document".into(), &"none".into()));
    assert_eq!(signatures[1]["algorithm"], "RSASSA-PSS-SHA512");
}

#[test]
fn an_empty_field_is_filled_and_shows_a_block() {
    let office = Office::new();
    office.write("field.pdf", sample_pdf::with_field(sample_pdf::Xref::Table, ""));
    office.write("seal.png", png());
    let block = ["--field", "Approval", "--image", "seal.png", "--appearance", "image-text"];
    office.sign("field.pdf", "out.pdf", "officer", &block).expect(0);
    let report = office.verify("out.pdf", &[]).expect(0).json();
    assert_eq!(report["signatures"][0]["name"], "Approval");
    // There is no such field, so there is no place; and a field is signed once.
    office.sign("field.pdf", "none.pdf", "officer", &["--field", "New", "--appearance", "text"]).expect(64);
    office.sign("out.pdf", "none.pdf", "officer", &["--field", "Approval"]).expect(64);
    office.sign("in.pdf", "none.pdf", "officer", &["--page", "9", "--rect", "10,10,200,60"]).expect(64);
    assert!(!office.exists("none.pdf"));
}

#[test]
fn presentations_of_an_office_and_places_by_text() {
    let office = Office::new();
    office.write("letter.pdf", include_bytes!("../examples/data/cong-van.pdf"));
    office.write("hand.png", include_bytes!("../examples/data/chu-ky.png"));
    office.write("stamp.png", include_bytes!("../examples/data/con-dau.png"));
    let near = ["--near", "Nguyễn Thị Ẩn Đổng"];
    let officer = ["--appearance", "officer", "--image", "hand.png"];
    office.sign("letter.pdf", "one.pdf", "officer", &[&officer[..], &near].concat()).expect(0);
    office.sign("one.pdf", "two.pdf", "officer", &["--appearance", "seal", "--image", "stamp.png"]).expect(0);
    let copy = ["--appearance", "copy", "--copy-form", "SAO LỤC", "--agency", "UBND xã Sông Mây"];
    office.sign("two.pdf", "three.pdf", "officer", &copy).expect(0);
    let report = office.verify("three.pdf", &[]).expect(0).json();
    assert_eq!(report["signatures"].as_array().unwrap().len(), 3);
    office.sign("letter.pdf", "left.pdf", "officer", &["--near", "CHỦ TỊCH", "--nth", "2", "--side", "left"]).expect(0);
    office.verify("left.pdf", &[]).expect(0);
    // What is ambiguous or missing is told, and nothing is written.
    let refused = |options: &[&str], told: &str| {
        let done = office.sign("letter.pdf", "none.pdf", "officer", options).expect(64);
        assert!(done.err.contains(told), "{}", done.err);
        assert!(!office.exists("none.pdf"));
    };
    refused(&["--near", "CHỦ TỊCH"], "PHÓ CHỦ TỊCH");
    refused(&["--near", "Nguyen Thi An Dong"], "Nguyễn Thị Ẩn Đổng");
    refused(&["--near", "KT. CHỦ TỊCH", "--page", "2"], "page 2 of a document of 1 pages");
    refused(&["--appearance", "seal", "--image", "stamp.png"], "let the officer sign first");
    refused(&["--appearance", "officer", "--image", "hand.png"], "where does the officer sign?");
    refused(&["--appearance", "copy", "--image", "hand.png"], "shows no image");
    refused(&["--near", "Số", "--size", "0,5"], "--size");
}

#[cfg(feature = "preview")]
#[test]
fn a_preview_is_a_picture_and_no_signature() {
    let office = Office::new();
    office.write("letter.pdf", include_bytes!("../examples/data/cong-van.pdf"));
    office.write("hand.png", include_bytes!("../examples/data/chu-ky.png"));
    let block = ["--appearance", "officer", "--image", "hand.png", "--near", "Nguyễn Thị Ẩn Đổng"];
    let preview = [&block[..], &["--preview"]].concat();
    let done = office.sign("letter.pdf", "page.png", "officer", &preview).expect(0);
    assert!(done.out.contains("not signed"), "{done}");
    let picture = office.read("page.png");
    let reader = png::Decoder::new(std::io::Cursor::new(&picture)).read_info().unwrap();
    assert_eq!(reader.info().size(), (1240, 1754), "A4 at 150 pixels per inch");
    // The certificate is enough, and an encrypted document is drawn with its password.
    let alone = ["sign", "letter.pdf", "-o", "alone.png", "--cert", "officer.pem", "--signing-time", cli::SIGNED];
    office.kyso(&[&alone[..], &preview].concat()).expect(0);
    assert!(office.read("alone.png") == picture);
    office.kyso(&[&alone[..], &block].concat()).expect(64);
    // One page of one PDF.
    office.sign("letter.pdf", "page.png", "officer", &["--format", "cades", "--preview"]).expect(64);
    fs::create_dir(office.path("folder")).unwrap();
    let several = ["sign", "letter.pdf", "in.pdf", "-o", "folder", "--cert", "officer.pem", "--preview"];
    office.kyso(&several).expect(64);
    office.kyso(&["sign", "letter.pdf", "--in-place", "--cert", "officer.pem", "--preview"]).expect(64);
    assert!(office.read("letter.pdf") == include_bytes!("../examples/data/cong-van.pdf"));
    office.write("broken.pdf", &include_bytes!("../examples/data/cong-van.pdf")[..900]);
    office.sign("broken.pdf", "none.png", "officer", &["--preview"]).expect(65);
    assert!(!office.exists("none.png"));
}

#[test]
fn any_file_is_signed_as_cades() {
    let office = Office::new();
    office.write("message.xml", "<message/>");
    office.sign("message.xml", "attached.p7m", "officer", &[]).expect(0);
    let report = office.verify("attached.p7m", &[]).expect(0).json();
    assert_eq!(report["signatures"][0]["format"], "CAdES");
    office.sign("message.xml", "detached.p7s", "officer", &["--detached"]).expect(0);
    office.verify("detached.p7s", &["--content", "message.xml"]).expect(0);
    // A PDF too, where it is asked for.
    let json =
        office.sign("in.pdf", "in.p7s", "officer", &["--format", "cades", "--detached", "--json"]).expect(0).json();
    assert_eq!((&json["format"], &json["field"]), (&"CAdES".into(), &serde_json::Value::Null));
    office.verify("in.p7s", &["--content", "in.pdf"]).expect(0);
}

#[test]
fn level_b_t_and_an_authority_that_does_not_answer() {
    let office = Office::new();
    let tsa = office.tsa();
    office.write("message.xml", "<message/>");
    for (input, output) in [("in.pdf", "t.pdf"), ("message.xml", "t.p7m")] {
        office.sign(input, output, "officer", &["--level", "b-t", "--tsa", &tsa]).expect(0);
        let report = office.verify(output, &[]).expect(0).json();
        assert_eq!(report["signatures"][0]["level"], "B-T", "{report:#}");
        assert_eq!(report["signatures"][0]["best_signature_time"], "2026-11-23T01:30:00Z");
    }
    // A CMS can be raised later.
    office.sign("message.xml", "b.p7m", "officer", &[]).expect(0);
    office.kyso(&["extend", "b.p7m", "-o", "b-t.p7m", "--level", "b-t", "--tsa", &tsa]).expect(0);
    assert_eq!(office.verify("b-t.p7m", &[]).expect(0).json()["signatures"][0]["level"], "B-T");
    // Nobody there, and somebody who talks nonsense.
    let noise = cli::serve(|_| b"no time-stamp".to_vec());
    for (url, code) in [(cli::closed(), 69), (noise, 65)] {
        for (input, output) in [("in.pdf", "kept.pdf"), ("message.xml", "kept.p7m")] {
            office.write(output, OLD);
            office.sign(input, output, "officer", &["--level", "b-t", "--tsa", &url]).expect(code);
            assert_eq!(office.read(output), OLD);
        }
        office.write("kept.p7m", OLD);
        office.kyso(&["extend", "b.p7m", "-o", "kept.p7m", "--level", "b-t", "--tsa", &url]).expect(code);
        assert_eq!(office.read("kept.p7m"), OLD);
    }
}

#[test]
fn wrong_usage_is_told_before_anything_is_opened() {
    let office = Office::new();
    let cases: [&[&str]; 22] = [
        &["--format", "xades"],
        &["--format", "asic-e"],
        &["--level", "b-lt"],
        &["--level", "b-lta", "--tsa", "http://tsa.example.vn/", "--no-revocation"],
        &["--level", "b-t"],
        &["--tsa", "http://tsa.example.vn/"],
        &["--near", "Số", "--nth", "0"],
        &["--side", "left"],
        &["--near", "Số", "--rect", "1,2,30,40"],
        &["--near", "Số", "--size", "30"],
        &["--rect", "1,2,3"],
        &["--rect", "1,2,-3,4"],
        &["--rect", "a,b,c,d"],
        &["--page", "1"],
        &["--image", "seal.png"],
        &["--rect", "1,2,30,40", "--appearance", "fancy"],
        &["--rect", "1,2,30,40", "--appearance", "image"],
        &["--signing-time", "yesterday"],
        &["--at", "yesterday"],
        &["--no-revocation", "--online"],
        &["--no-revocation", "--require-valid"],
        &["--certify", "perhaps"],
    ];
    for more in cases {
        let all =
            [&["sign", "nowhere.pdf", "-o", "out.pdf", "--key", "nowhere", "--cert", "nowhere"][..], more].concat();
        let run = office.kyso(&all).expect(64);
        assert!(!run.err.is_empty());
    }
    // What is for the other format.
    office.sign("in.pdf", "out", "officer", &["--detached"]).expect(64);
    office.sign("officer.key", "out", "officer", &["--reason", "none"]).expect(64);
    // Which key? One of them, and whole.
    office.kyso(&["sign", "in.pdf", "-o", "out"]).expect(64);
    office.kyso(&["sign", "in.pdf", "-o", "out", "--key", "officer.key"]).expect(64);
    office.kyso(&["sign", "in.pdf", "-o", "out", "--key", "officer.key", "--p12", "x.p12"]).expect(64);
    let key = ["sign", "in.pdf", "-o", "out", "--key", "officer.key", "--cert", "officer.pem"];
    for more in [["--token", "x"], ["--pin-env", "HOME"], ["--key-label", "x"]] {
        office.kyso(&[&key[..], &more].concat()).expect(64);
    }
    office.kyso(&["sign", "in.pdf", "-o", "out", "--pkcs11", "module.so", "--password-env", "HOME"]).expect(64);
    office.kyso(&["extend", "in.pdf", "-o", "out", "--level", "b-b"]).expect(64);
    assert!(!office.exists("out") && !office.exists("out.pdf"));
}

#[test]
fn an_existing_output_is_as_it_was_after_every_failure() {
    let office = Office::new();
    office.write("noise.pdf", "%PDF-1.7 and then nothing of the kind");
    let none = Template { key_usage: ca::KEY_CERT_SIGN, ..Template::new(&[(ca::CN, "No signer")]) };
    office.signer("none", &none, KeySpec::P256);
    let expired = Template::new(&[(ca::CN, "Old")]).valid("2024-01-01T00:00:00Z", "2026-06-30T00:00:00Z");
    office.signer("expired", &expired, KeySpec::P256);
    office.signer("other", &Template::new(&[(ca::CN, "Other")]), KeySpec::P256);
    office.sign("in.pdf", "certified.pdf", "officer", &["--certify", "no-changes"]).expect(0);
    office.write("kept.pdf", OLD);
    let names = office.names();
    let kept = |code: i32, run: cli::Run| {
        let run = run.expect(code);
        assert_eq!(office.read("kept.pdf"), OLD, "{run}");
        assert_eq!(office.names(), names, "{run}");
        run
    };
    kept(66, office.sign("nowhere.pdf", "kept.pdf", "officer", &[]));
    kept(66, office.sign("in.pdf", "kept.pdf", "nobody", &[]));
    kept(66, office.sign("in.pdf", "crls", "officer", &[]));
    kept(66, office.sign("in.pdf", "nowhere/out.pdf", "officer", &[]));
    let run = kept(65, office.sign("noise.pdf", "kept.pdf", "officer", &[]));
    assert!(run.err.contains("noise.pdf"), "{run}");
    kept(65, office.sign("in.pdf", "kept.pdf", "officer", &["--trust", "in.pdf"]));
    kept(65, office.sign("in.pdf", "kept.pdf", "officer", &["--crl", "root.pem"]));
    let key = |key, cert| {
        let all = ["sign", "in.pdf", "-o", "kept.pdf", "--key", key, "--cert", cert, "--signing-time", cli::SIGNED];
        office.kyso(&all)
    };
    kept(65, key("officer.pem", "officer.pem"));
    kept(65, key("officer.key", "officer.key"));
    assert!((64..=73).contains(&key("officer.key", "other.pem").code), "a key that is not the certificate's");
    kept(73, office.sign("certified.pdf", "kept.pdf", "officer", &[]));
    kept(73, office.sign("in.pdf", "kept.pdf", "none", &[]));
    let run = kept(73, office.sign("in.pdf", "kept.pdf", "expired", &[]));
    assert!(run.err.contains("expired"), "{run}");
    // The status is not known.
    let run = kept(73, office.sign("in.pdf", "kept.pdf", "officer", &["--trust", "root.pem", "--require-valid"]));
    assert!(run.err.contains("status"), "{run}");
    kept(69, office.kyso(&["extend", "certified.pdf", "-o", "kept.pdf", "--level", "b-t", "--tsa", &cli::closed()]));
    kept(77, office.sign("in.pdf", "kept.pdf", "officer", &["--pdf-password-env", "KYSO_NO_SUCH_VARIABLE"]));
}

#[test]
fn a_revoked_signer_is_refused_and_an_unknown_one_warned_of() {
    let mut office = Office::new();
    let certificate = office.signer("revoked", &Template::new(&[(ca::CN, "Revoked")]), KeySpec::P256);
    office.ca.revoke(&certificate, ca::at("2026-11-20T00:00:00Z"), Some(1));
    office.write_crls();
    // Without --trust too: a known revocation is known.
    for more in [&["--crl", "crls"][..], &KNOWN[..6]] {
        let run = office.sign("in.pdf", "out.pdf", "revoked", more).expect(73);
        assert!(run.err.contains("revoked since 2026-11-20"), "{run}");
        assert!(!office.exists("out.pdf"));
    }
    let run = office.sign("in.pdf", "out.pdf", "revoked", &["--trust", "root.pem"]).expect(0);
    assert!(run.err.contains("warning:") && run.err.contains("unknown"), "{run}");
    let run = office.sign("in.pdf", "out.pdf", "officer", &["--no-revocation"]).expect(0);
    assert_eq!(run.err, "");
}

#[test]
fn a_file_that_may_not_grow_leaves_the_old_one() {
    let office = Office::new();
    office.write("kept.pdf", OLD);
    // 1024 octets at most for any file, and a signal that is not heeded.
    let script = format!(
        "trap '' XFSZ; ulimit -f 2; exec '{}' sign in.pdf -o kept.pdf --key officer.key --cert officer.pem --signing-time {}",
        env!("CARGO_BIN_EXE_kyso"),
        cli::SIGNED
    );
    let shell = Command::new("sh").args(["-c", &script]).current_dir(office.path("")).output();
    let Ok(output) = shell else {
        eprintln!("no shell: skipped");
        return;
    };
    assert_eq!(output.status.code(), Some(66), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(office.read("kept.pdf"), OLD);
    assert!(!office.names().iter().any(|name| name.ends_with(".part")));
}

#[test]
fn passwords_come_from_elsewhere_and_are_tried_once() {
    let office = Office::new();
    let folder = office.path("");
    let openssl = |arguments: &[&str]| tool("openssl", arguments, &folder);
    if openssl(&["pkcs8", "-inform", "DER", "-in", "officer.key", "-out", "plain.pem", "-nocrypt"]).is_none() {
        return;
    }
    office.write("password", "mật khẩu\n");
    openssl(&["pkcs8", "-topk8", "-in", "plain.pem", "-out", "locked.pem", "-passout", "file:password"]);
    office.write("ascii", "secret words\n");
    let store = ["pkcs12", "-export", "-inkey", "plain.pem", "-in", "officer.pem", "-certfile", "ca.pem"];
    openssl(&[&store[..], &["-out", "store.p12", "-passout", "file:ascii"]].concat());
    openssl(&[&store[..6], &["-out", "alone.p12", "-passout", "file:ascii"]].concat());
    let key = ["--key", "locked.pem", "--cert", "officer.pem"];
    let p12 = ["--p12", "store.p12"];
    let sign = |key: &[&str], more: &[&str]| {
        let all = [&["sign", "in.pdf", "-o", "out.pdf", "--signing-time", cli::SIGNED], key, more].concat();
        office.kyso_with(&all, &[("RIGHT", "secret words"), ("WRONG", "some other words")])
    };
    sign(&key, &["--password-file", "password"]).expect(0);
    sign(&p12, &["--password-file", "ascii"]).expect(0);
    sign(&p12, &["--password-env", "RIGHT"]).expect(0);
    sign(&p12, &["--password-env", "RIGHT", "--cert", "officer.pem"]).expect(64);
    // The friendly name of the key chooses it.
    openssl(&[&store[..], &["-name", "Office", "-out", "named.p12", "-passout", "file:ascii"]].concat());
    let named = |name: &str| sign(&["--p12", "named.p12", "--key-label", name], &["--password-env", "RIGHT"]);
    named("Office").expect(0);
    named("Home").expect(64);
    // A store without the chain, which is given beside it.
    sign(&["--p12", "alone.p12", "--chain", "ca.pem"], &["--password-env", "RIGHT"]).expect(0);
    office.kyso(&[&["verify", "out.pdf"][..], &KNOWN[..2], &KNOWN[4..]].concat()).expect(0);
    fs::remove_file(office.path("out.pdf")).unwrap();
    for key in [&key[..], &p12] {
        let run = sign(key, &["--password-env", "WRONG"]).expect(77);
        assert!(!run.err.contains("some other words"), "{run}");
        sign(key, &["--password-env", "NOT_SET_AT_ALL"]).expect(77);
        sign(key, &["--password-file", "nowhere"]).expect(66);
        sign(key, &[]).expect(77);
    }
    assert!(!office.exists("out.pdf"));
}

#[test]
fn no_option_takes_a_secret() {
    let help = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/cli_help.txt")).unwrap();
    let options = help.lines().filter_map(|line| line.split_whitespace().find(|word| word.starts_with("--")));
    let secret = |option: &&str| option.starts_with("--pin") || option.contains("password");
    for option in options.filter(secret) {
        assert!(option.ends_with("-env") || option.ends_with("-file"), "{option}");
    }
}

/// A red square.
fn png() -> Vec<u8> {
    let chunk = |kind: &[u8], data: &[u8]| {
        let body = [kind, data].concat();
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        let length = u32::try_from(data.len()).unwrap();
        [&length.to_be_bytes()[..], &body, &crc.sum().to_be_bytes()].concat()
    };
    let rows = [0, 200, 20, 30, 200, 20, 30].repeat(2);
    let mut deflated = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflated.write_all(&rows).unwrap();
    let header = [&2u32.to_be_bytes()[..], &2u32.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let data = deflated.finish().unwrap();
    [b"\x89PNG\r\n\x1A\n".to_vec(), chunk(b"IHDR", &header), chunk(b"IDAT", &data), chunk(b"IEND", &[])].concat()
}

#[test]
fn the_pdf_that_was_signed_can_be_read() {
    let office = Office::new();
    office.sign("in.pdf", "out.pdf", "officer", &["--certify", "form-filling"]).expect(0);
    let octets = office.read("out.pdf");
    let pdf = Pdf::parse(&octets, &kyso::Limits::default()).unwrap();
    let facts = pdf.signatures().unwrap();
    assert_eq!(facts[0].certification, Some(kyso::pdf::Permission::FormFilling));
}

/// A page whose content stream is a hole of so many octets.
fn long_pdf(path: &Path, length: u64) {
    let mut file = fs::File::create(path).unwrap();
    let mut text = "%PDF-1.7\n".to_owned();
    let mut offsets = Vec::new();
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 595 842] >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Resources << >> /Contents 4 0 R >>".to_owned(),
        format!("<< /Length {length} >>\nstream\n"),
    ];
    for (index, object) in objects.iter().enumerate() {
        offsets.push(text.len());
        text.push_str(&format!("{} 0 obj\n{object}", index + 1));
        text.push_str(if index < 3 { "\nendobj\n" } else { "" });
    }
    file.write_all(text.as_bytes()).unwrap();
    file.seek(std::io::SeekFrom::Current(i64::try_from(length).unwrap())).unwrap();
    let end = "\nendstream\nendobj\n";
    let table = text.len() as u64 + length + end.len() as u64;
    let rows: String = offsets.iter().map(|offset| format!("{offset:010} 00000 n \n")).collect();
    let xref = format!("xref\n0 5\n0000000000 65535 f \n{rows}trailer\n<< /Size 5 /Root 1 0 R >>\n");
    file.write_all(format!("{end}{xref}startxref\n{table}\n%%EOF\n").as_bytes()).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_document_is_never_held_in_memory_and_no_bar_is_shown_without_a_terminal() {
    let office = Office::new();
    long_pdf(&office.path("long.pdf"), 48 << 20);
    let limited = |arguments: &str| {
        // 56 MB of addresses for everything, the program itself included.
        let script = format!("ulimit -v 56000; exec '{}' {arguments}", env!("CARGO_BIN_EXE_kyso"));
        let output = Command::new("sh").args(["-c", &script]).current_dir(office.path("")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "--key officer.key --cert officer.pem --chain ca.pem --no-revocation";
    limited(&format!("sign long.pdf -o out.pdf {key} --signing-time {}", cli::SIGNED));
    limited(&format!("verify out.pdf {}", KNOWN.join(" ")));
}
