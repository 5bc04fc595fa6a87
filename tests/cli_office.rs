//! The office's sequence, batches and documents changed in place, by the command.
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

use ca::Template;
use cli::Office;
use kyso::crypto::KeySpec;

fn office_with_agency() -> Office {
    let office = Office::new();
    let agency = Template::new(&[(ca::C, "VN"), (ca::O, "UBND xã Bình Minh"), (ca::CN, "UBND xã Bình Minh")]);
    office.signer("agency", &agency, KeySpec::P256);
    office
}

const FIELDS: [&str; 8] = [
    "--field",
    "signature:NguoiKy=1,330,150,160,70",
    "--field",
    "text:So=1,120,700,90,18",
    "--field",
    "text:Ngay=1,300,700,220,18",
    "--field",
    "signature:CoQuan=1,270,140,90,90",
];

#[test]
fn a_draft_is_signed_filled_in_and_sealed() {
    let office = office_with_agency();
    office.kyso(&[&["draft", "in.pdf", "-o", "draft.pdf"], &FIELDS[..]].concat()).expect(0);
    office.sign("draft.pdf", "signed.pdf", "officer", &["--field", "NguoiKy", "--appearance", "text"]).expect(0);
    let set = ["--set", "So=123/UBND-VP", "--set", "Ngay=Trà Vinh, ngày 23 tháng 11 năm 2026"];
    office.kyso(&[&["fill", "signed.pdf", "-o", "filled.pdf"], &set[..]].concat()).expect(0);
    office.sign("filled.pdf", "sealed.pdf", "agency", &["--field", "CoQuan", "--appearance", "text"]).expect(0);
    let report = office.verify("sealed.pdf", &[]).expect(0).json();
    let told: Vec<_> = report["signatures"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["name"].clone(), s["changes"].clone(), s["changes_permitted"].clone()))
        .collect();
    assert_eq!(told[0], ("NguoiKy".into(), "form".into(), true.into()));
    assert_eq!(told[1], ("CoQuan".into(), "none".into(), true.into()));
    // The seal closes the form, and nothing is written.
    let refused = office.kyso(&["fill", "sealed.pdf", "-o", "late.pdf", "--set", "So=124"]).expect(73);
    assert!(refused.err.contains("CoQuan") && refused.err.contains("So"), "{refused}");
    office.kyso(&[&["draft", "sealed.pdf", "-o", "late.pdf"], &FIELDS[..]].concat()).expect(73);
    assert!(!office.exists("late.pdf"));
}

#[test]
fn a_template_file_says_the_same_and_seed_values_are_kept() {
    let office = office_with_agency();
    office.write(
        "template.json",
        r#"{"fields": [
            {"kind": "signature", "name": "NguoiKy", "page": 1, "rect": [330, 150, 160, 70], "reasons": ["Ban hành"]},
            {"kind": "text", "name": "So", "page": 1, "rect": [120, 700, 90, 18], "size": 13, "align": "right", "most": 20, "label": "Số"},
            {"kind": "signature", "name": "CoQuan"}
        ]}"#,
    );
    office.kyso(&["draft", "in.pdf", "-o", "draft.pdf", "--template", "template.json", "--json"]).expect(0);
    let refused = office.sign("draft.pdf", "out.pdf", "officer", &["--field", "NguoiKy"]).expect(73);
    assert!(refused.err.contains("Ban hành"), "{refused}");
    office.sign("draft.pdf", "out.pdf", "officer", &["--field", "NguoiKy", "--certify", "no-changes"]).expect(73);
    office.sign("draft.pdf", "out.pdf", "officer", &["--field", "NguoiKy", "--reason", "Ban hành"]).expect(0);
    office.verify("out.pdf", &[]).expect(0);
    office.kyso(&["fill", "out.pdf", "-o", "x.pdf", "--set", &format!("So={}", "9".repeat(21))]).expect(64);
    office.write("wrong.json", r#"{"fields": [{"kind": "text", "name": "So", "colour": "red"}]}"#);
    let wrong = office.kyso(&["draft", "in.pdf", "-o", "x.pdf", "--template", "wrong.json"]).expect(65);
    assert!(wrong.err.contains("fields[0]") && wrong.err.contains("colour"), "{wrong}");
    for field in ["text:So", "text:So=1,2,3", "picture:a=1,1,1,9,9", "text:So=0,1,1,9,9", "text:So=1.5,1,1,9,9"] {
        office.kyso(&["draft", "in.pdf", "-o", "x.pdf", "--field", field]).expect(64);
    }
}

#[test]
fn several_documents_go_to_a_folder_and_one_failure_is_one() {
    let office = Office::new();
    for index in 0..6 {
        fs::copy(office.path("in.pdf"), office.path(&format!("doc{index}.pdf"))).unwrap();
    }
    office.write("doc3.pdf", "%PDF-1.7 broken");
    office.write("note.txt", "no PDF");
    fs::create_dir(office.path("out")).unwrap();
    let inputs = ["doc0.pdf", "doc1.pdf", "doc2.pdf", "doc3.pdf", "doc4.pdf", "doc5.pdf", "note.txt", "none.pdf"];
    let key = ["--key", "officer.key", "--cert", "officer.pem", "--chain", "ca.pem", "--signing-time", cli::SIGNED];
    let all = [&["sign"], &inputs[..], &["-o", "out", "--json", "--jobs", "3"], &key[..]].concat();
    let done = office.kyso(&all).expect(65).json();
    let states: Vec<_> = done["documents"].as_array().unwrap().iter().map(|d| d["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["done", "done", "done", "failed", "done", "done", "done", "failed"]);
    assert_eq!(done["documents"][7]["exit"], 66);
    assert!(done["documents"][3]["message"].as_str().unwrap().contains("doc3.pdf"));
    assert!(!office.exists("out/doc3.pdf"));
    for name in ["out/doc0.pdf", "out/doc5.pdf", "out/note.txt.p7m"] {
        office.verify(name, &[]).expect(0);
    }
    // Once more: what is finished is known, what was repaired is signed.
    let before = office.read("out/doc0.pdf");
    fs::copy(office.path("in.pdf"), office.path("doc3.pdf")).unwrap();
    fs::remove_file(office.path("out/doc5.pdf")).unwrap();
    let done = office.kyso(&all).expect(66).json();
    let states: Vec<_> = done["documents"].as_array().unwrap().iter().map(|d| d["state"].as_str().unwrap()).collect();
    let before_and_now =
        ["done-before", "done-before", "done-before", "done", "done-before", "done", "done-before", "failed"];
    assert_eq!(states, before_and_now);
    assert_eq!(office.read("out/doc0.pdf"), before);
    // Two of the same name, several into a file, options that mean nothing.
    fs::create_dir(office.path("sub")).unwrap();
    fs::copy(office.path("in.pdf"), office.path("sub/doc0.pdf")).unwrap();
    office.kyso(&[&["sign", "doc0.pdf", "sub/doc0.pdf", "-o", "out"], &key[..]].concat()).expect(64);
    office.kyso(&[&["sign", "doc0.pdf", "doc1.pdf", "-o", "file.pdf"], &key[..]].concat()).expect(64);
    office.kyso(&[&["sign", "doc0.pdf", "-o", "file.pdf", "--jobs", "2"], &key[..]].concat()).expect(64);
    office.kyso(&[&["sign", "doc0.pdf", "--in-place", "-o", "file.pdf"], &key[..]].concat()).expect(64);
    office.kyso(&[&["sign", "doc0.pdf", "doc1.pdf", "-o", "."], &key[..]].concat()).expect(64);
    assert_eq!(office.read("doc0.pdf"), office.read("in.pdf"));
}

#[test]
fn a_document_is_signed_in_place() {
    let office = office_with_agency();
    fs::copy(office.path("in.pdf"), office.path("same.pdf")).unwrap();
    let sign = |more: &[&str]| {
        let key = ["--key", "officer.key", "--cert", "officer.pem", "--chain", "ca.pem"];
        office.kyso(&[&["sign"], more, &["--in-place", "--signing-time", cli::SIGNED], &key[..]].concat())
    };
    office.kyso(&[&["draft", "same.pdf", "--in-place"], &FIELDS[..]].concat()).expect(0);
    sign(&["same.pdf", "--field", "NguoiKy"]).expect(0);
    office.kyso(&["fill", "same.pdf", "--in-place", "--set", "So=1"]).expect(0);
    assert!(office.read("same.pdf").starts_with(&office.read("in.pdf")));
    office.verify("same.pdf", &[]).expect(0);
    assert!(!office.names().iter().any(|name| name.ends_with("undo") || name.ends_with("part")));
    office.write("note.txt", "no PDF");
    sign(&["note.txt"]).expect(64);
    // What cannot be done leaves it as it was.
    let before = office.read("same.pdf");
    sign(&["same.pdf", "--field", "So"]).expect(64);
    assert_eq!(office.read("same.pdf"), before);
    // An append that was broken off is undone first.
    let digest = kyso::crypto::DigestAlgorithm::Sha256.digest(&before[before.len().saturating_sub(64 << 10)..]);
    office.write(".same.pdf.kyso-undo", format!("kyso-undo 1\n{}\n{}\n", before.len(), digest.to_hex()));
    office.write("same.pdf", [&before[..], b"half of a tail"].concat());
    let done = sign(&["same.pdf"]).expect(0);
    assert!(done.err.contains("undone"), "{done}");
    assert!(office.read("same.pdf").starts_with(&before));
    office.verify("same.pdf", &[]).expect(0);
    assert!(!office.exists(".same.pdf.kyso-undo"));
}

/// Limits of the operating system on the size of files stand for a full disk.
#[cfg(unix)]
mod limits {
    use std::process::Command;

    use super::*;

    /// Runs the command with files of at most so many blocks of 512 octets; killed where it goes over, or told.
    fn limited(office: &Office, blocks: usize, told: bool, arguments: &[&str]) -> std::process::ExitStatus {
        let trap = if told { "trap '' XFSZ; " } else { "" };
        let script = format!("{trap}ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_kyso")]).args(arguments);
        command.current_dir(office.path("")).stderr(std::process::Stdio::null()).status().unwrap()
    }

    #[test]
    fn a_full_disk_and_a_kill_leave_the_old_file_whole() {
        let office = Office::new();
        let input = office.read("in.pdf");
        // Room for the document, and not for all of the signature.
        let blocks = input.len() / 512 + 1;
        let key = ["--key", "officer.key", "--cert", "officer.pem", "--chain", "ca.pem", "--signing-time", cli::SIGNED];
        for told in [true, false] {
            office.write("old.pdf", "what was there before");
            let status = limited(&office, blocks, told, &[&["sign", "in.pdf", "-o", "old.pdf"], &key[..]].concat());
            assert_eq!(status.code(), told.then_some(66), "told, or killed");
            assert_eq!(office.read("old.pdf"), b"what was there before");
            // In place: cut back at once, or by whoever comes next.
            fs::write(office.path("same.pdf"), &input).unwrap();
            let status = limited(&office, blocks, told, &[&["sign", "same.pdf", "--in-place"], &key[..]].concat());
            assert_eq!(status.code(), told.then_some(66));
            assert!(office.read("same.pdf").starts_with(&input));
            if told {
                assert_eq!(office.read("same.pdf").len(), input.len());
            } else {
                assert!(office.read("same.pdf").len() > input.len(), "it was killed in the middle");
                assert!(office.exists(".same.pdf.kyso-undo"));
                assert!(kyso::files::recover(&office.path("same.pdf")).unwrap());
                assert_eq!(office.read("same.pdf"), input);
            }
            assert!(!office.exists(".same.pdf.kyso-undo"));
            assert_eq!(office.read("in.pdf"), input);
        }
    }

    #[test]
    fn a_small_file_system_fills_up() {
        let office = Office::new();
        fs::create_dir(office.path("small")).unwrap();
        let small = office.path("small");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
            .arg(&small)
            .stderr(std::process::Stdio::null())
            .status();
        if !mounted.is_ok_and(|status| status.success()) {
            eprintln!("no file system can be mounted here: skipped");
            return;
        }
        let input = office.read("in.pdf");
        fs::write(small.join("same.pdf"), &input).unwrap();
        // All but a few octets of what is left.
        let filler = vec![7; 1 << 20];
        let _ = fs::write(small.join("filler"), &filler);
        let key = ["--key", "officer.key", "--cert", "officer.pem", "--signing-time", cli::SIGNED];
        let in_place = office.kyso(&[&["sign", "small/same.pdf", "--in-place"], &key[..]].concat());
        let beside = office.kyso(&[&["sign", "in.pdf", "-o", "small/other.pdf"], &key[..]].concat());
        let (same, other) = (fs::read(small.join("same.pdf")).unwrap(), small.join("other.pdf").exists());
        let names: Vec<_> = fs::read_dir(&small).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(Command::new("umount").arg(&small).status().unwrap().success());
        in_place.expect(66);
        beside.expect(66);
        assert!(same == input && !other, "{names:?}");
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_read_only_document_is_not_changed_in_place() {
        let office = Office::new();
        let input = office.read("in.pdf");
        let mut permissions = fs::metadata(office.path("in.pdf")).unwrap().permissions();
        permissions.set_readonly(true);
        fs::set_permissions(office.path("in.pdf"), permissions).unwrap();
        let key = ["--key", "officer.key", "--cert", "officer.pem", "--signing-time", cli::SIGNED];
        office.kyso(&[&["sign", "in.pdf", "--in-place"], &key[..]].concat()).expect(66);
        office.kyso(&[&["sign", "in.pdf", "-o", "in.pdf"], &key[..]].concat()).expect(66);
        assert_eq!(office.read("in.pdf"), input);
        office.kyso(&[&["sign", "in.pdf", "-o", "out.pdf"], &key[..]].concat()).expect(0);
    }
}
