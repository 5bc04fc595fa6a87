//! The levels on the command line: `sign --level`, `extend`, `complete --level`, further signers.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;

use ca::Template;
use cli::Office;
use kyso::crypto::KeySpec;

const OLD: &[u8] = b"what was there before";
const KNOWN: [&str; 6] = ["--trust", "root.pem", "--crl", "crls", "--at", "2026-11-23T01:45:00Z"];
/// What a validator needs who has the document alone.
const ALONE: [&str; 4] = ["--trust", "root.pem", "--at", "2026-11-23T02:00:00Z"];

fn alone(office: &Office, input: &str, more: &[&str]) -> serde_json::Value {
    let all = [&["verify", input, "--json"][..], &ALONE, more].concat();
    office.kyso(&all).expect(0).json()
}

fn level(report: &serde_json::Value, index: usize) -> &str {
    report["signatures"][index]["level"].as_str().unwrap()
}

#[test]
fn every_level_is_reached_at_once_or_step_by_step() {
    let office = Office::new();
    let tsa = office.tsa();
    office.write("message.xml", "<message/>");
    for (input, kind, more) in
        [("in.pdf", "pdf", &[][..]), ("message.xml", "p7m", &[]), ("message.xml", "p7s", &["--detached"])]
    {
        let beside: &[&str] = if kind == "p7s" { &["--content", input] } else { &[] };
        office.sign(input, &format!("b.{kind}"), "officer", more).expect(0);
        for name in ["b-lt", "b-lta"] {
            let output = format!("{name}.{kind}");
            let all = [&["--level", name, "--tsa", &tsa][..], &KNOWN, more].concat();
            let run = office.sign(input, &output, "officer", &all).expect(0);
            assert!(run.out.contains(&name.to_uppercase()), "{run}");
            assert_eq!(level(&alone(&office, &output, beside), 0), name.to_uppercase());
            let raised = format!("raised-{name}.{kind}");
            let from = format!("b.{kind}");
            let all = [&["extend", &from, "-o", &raised, "--level", name, "--tsa", &tsa][..], &KNOWN, beside].concat();
            office.kyso(&all).expect(0);
            assert_eq!(level(&alone(&office, &raised, beside), 0), name.to_uppercase());
            // Once more: what is there stays, an archive time-stamp is renewed.
            let again = format!("again-{name}.{kind}");
            let all = [&["extend", &raised, "-o", &again, "--level", name, "--tsa", &tsa][..], &KNOWN, beside].concat();
            office.kyso(&all).expect(0);
            assert_eq!(office.read(&again) == office.read(&raised), name == "b-lt");
            assert_eq!(level(&alone(&office, &again, beside), 0), name.to_uppercase());
        }
    }
}

#[test]
fn what_is_missing_is_told_and_the_old_output_kept() {
    let office = Office::new();
    let tsa = office.tsa();
    office.sign("in.pdf", "t.pdf", "officer", &["--level", "b-t", "--tsa", &tsa]).expect(0);
    office.write("kept.pdf", OLD);
    let names = office.names();
    let extend = |more: &[&str]| {
        office.kyso(
            &[&["extend", "t.pdf", "-o", "kept.pdf", "--trust", "root.pem", "--at", cli::LATER][..], more].concat(),
        )
    };
    // No evidence: how to give it.
    let run = extend(&["--level", "b-lt"]).expect(73);
    assert!(run.err.contains("--online"), "{run}");
    // No authority, nobody there.
    extend(&["--level", "b-lta", "--crl", "crls"]).expect(64);
    extend(&["--level", "b-lta", "--crl", "crls", "--tsa", &cli::closed()]).expect(69);
    extend(&["--level", "b-lt", "--no-revocation"]).expect(64);
    extend(&["--level", "b-lt", "--field", "Nowhere", "--crl", "crls"]).expect(64);
    extend(&["--level", "b-lt", "--content", "in.pdf", "--crl", "crls"]).expect(64);
    office.kyso(&["extend", "in.pdf", "-o", "kept.pdf", "--level", "b-lt"]).expect(3);
    office.kyso(&["extend", "officer.key", "-o", "kept.pdf", "--level", "b-lt"]).expect(65);
    office.kyso(&["extend", "nowhere", "-o", "kept.pdf", "--level", "b-lt"]).expect(66);
    let sign = |more: &[&str]| office.sign("in.pdf", "kept.pdf", "officer", more);
    sign(&["--level", "b-lt", "--tsa", &tsa]).expect(73);
    sign(&["--level", "b-lt"]).expect(64);
    sign(&["--level", "b-lt", "--tsa", &tsa, "--no-revocation"]).expect(64);
    // A broken signature is not raised.
    let mut broken = office.read("t.pdf");
    let at = broken.windows(9).position(|w| w == b"/MediaBox").unwrap();
    broken[at + 12] ^= 1;
    office.write("broken.pdf", broken);
    let run = office.kyso(&["extend", "broken.pdf", "-o", "kept.pdf", "--level", "b-t", "--tsa", &tsa]).expect(73);
    assert!(run.err.contains("does not verify"), "{run}");
    assert_eq!(office.read("kept.pdf"), OLD);
    assert!(names.iter().all(|name| office.names().contains(name)));
}

#[test]
fn a_revoked_signer_is_not_raised_and_not_signed_with() {
    let mut office = Office::new();
    let tsa = office.tsa();
    let certificate = office.signer("revoked", &Template::new(&[(ca::CN, "Revoked")]), KeySpec::P256);
    office.sign("in.pdf", "t.pdf", "revoked", &["--level", "b-t", "--tsa", &tsa]).expect(0);
    office.ca.revoke(&certificate, ca::at("2026-11-21T00:00:00Z"), Some(1));
    office.write_crls();
    let run = office.kyso(&[&["extend", "t.pdf", "-o", "out.pdf", "--level", "b-lt"][..], &KNOWN].concat()).expect(73);
    assert!(run.err.contains("revoked"), "{run}");
    office.sign("in.pdf", "out.pdf", "revoked", &[&["--level", "b-lt", "--tsa", &tsa][..], &KNOWN].concat()).expect(73);
    assert!(!office.exists("out.pdf"));
}

#[test]
fn the_second_phase_reaches_the_level() {
    let office = Office::new();
    let tsa = office.tsa();
    office.write("message.xml", "<message/>");
    for (input, output) in [("in.pdf", "out.pdf"), ("message.xml", "out.p7m")] {
        let prepare = ["prepare", input, "--cert", "officer.pem", "--chain", "ca.pem", "-o", "state", "--json"];
        let time = ["--signing-time", cli::SIGNED, "--level", "b-lta"];
        let json = office.kyso(&[&prepare[..], &time].concat()).expect(0).json();
        let text = json["to_be_signed"].as_str().unwrap();
        let to_be_signed = base64_simd::STANDARD.decode_to_vec(text).unwrap();
        let key = kyso::crypto::PrivateKey::from_der(&office.read("officer.key"), None).unwrap();
        office.write("value", ca::sign(&key, &to_be_signed).1);
        let complete = ["complete", "state", input, "--signature", "value", "-o", output, "--level", "b-lta"];
        office.kyso(&complete).expect(64);
        office.kyso(&[&complete[..], &["--tsa", &tsa], &KNOWN].concat()).expect(0);
        assert_eq!(level(&alone(&office, output, &[]), 0), "B-LTA");
    }
}

#[test]
fn further_signers_of_a_cms() {
    let office = Office::new();
    let tsa = office.tsa();
    office.write("message.xml", "<message/>");
    office.signer("agency", &Template::new(&[(ca::CN, "Agency")]), KeySpec::P384);
    for (kind, more) in [("p7m", &[][..]), ("p7s", &["--detached"])] {
        let (first, second) = (format!("first.{kind}"), format!("second.{kind}"));
        let beside: &[&str] = if kind == "p7s" { &["--content", "message.xml"] } else { &[] };
        office.sign("message.xml", &first, "officer", more).expect(0);
        office.sign(&first, &second, "agency", &[&["--parallel"][..], beside].concat()).expect(0);
        let report = office.verify(&second, beside).expect(0).json();
        assert_eq!(report["signatures"].as_array().unwrap().len(), 2);
        let all = [&["--counter", "2", "--level", "b-lta", "--tsa", &tsa][..], &KNOWN, beside].concat();
        office.sign(&second, &format!("third.{kind}"), "officer", &all).expect(0);
        let report = alone(&office, &format!("third.{kind}"), beside);
        assert_eq!((level(&report, 0), level(&report, 1)), ("B-LTA", "B-LTA"));
    }
    office.sign("first.p7s", "out", "agency", &["--parallel"]).expect(64);
    office.sign("first.p7m", "out", "agency", &["--counter", "2"]).expect(64);
    office.sign("first.p7m", "out", "agency", &["--counter", "1", "--parallel"]).expect(64);
    office.sign("first.p7m", "out", "agency", &["--counter", "--detached"]).expect(64);
    office.sign("in.pdf", "out", "agency", &["--parallel"]).expect(64);
    office.sign("message.xml", "out", "agency", &["--parallel"]).expect(65);
    office.sign("message.xml", "out", "agency", &["--content", "message.xml"]).expect(64);
    assert!(!office.exists("out"));
}

#[test]
fn long_content_is_never_held() {
    let office = Office::new();
    std::fs::File::create(office.path("long")).unwrap().set_len(96 << 20).unwrap();
    let limited = |arguments: &str| {
        // 56 MB of addresses for everything, the program itself included.
        let script = format!("ulimit -v 56000; exec '{}' {arguments}", env!("CARGO_BIN_EXE_kyso"));
        let output =
            std::process::Command::new("sh").args(["-c", &script]).current_dir(office.path("")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "--key officer.key --cert officer.pem --chain ca.pem --no-revocation";
    for (output, more, beside) in [("long.p7s", "--detached", "--content long"), ("long.p7m", "", "")] {
        limited(&format!("sign long -o {output} {key} {more} --signing-time {}", cli::SIGNED));
        limited(&format!("verify {output} {beside} {}", cli::KNOWN.join(" ")));
    }
    limited(&format!("verify long.p7m --extract parts {}", cli::KNOWN.join(" ")));
    assert_eq!(std::fs::metadata(office.path("parts/1.content")).unwrap().len(), 96 << 20);
}
