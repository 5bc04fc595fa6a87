//! `kyso cert verify`, `kyso revocation check`, `kyso timestamp`: the parts of a validation on their own.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;

use ca::Template;
use ca::Tsa;
use cli::KNOWN;
use cli::LATER;
use cli::Office;
use cli::Run;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::key::SigningKey;
use kyso::x509::ocsp;
use kyso::x509::ocsp::CertId;
use serde_json::Value;

fn verify(office: &Office, cert: &str, more: &[&str]) -> Run {
    office.kyso(&[&["cert", "verify", cert, "--json"][..], more].concat())
}

#[test]
fn a_certificate_is_valid_revoked_or_not_to_be_judged() {
    let mut office = Office::new();
    let json = verify(&office, "officer.pem", &KNOWN).expect(0).json();
    let members = ["indication", "sub_indication", "reason", "path", "policies", "revocation"];
    assert!(members.iter().all(|name| json.get(name).is_some()), "{json:#}");
    assert_eq!(json["indication"], "TOTAL-PASSED");
    assert_eq!(json["path"], serde_json::json!(["CN=Nguyễn Văn A,C=VN", "CN=CA of cli", "CN=Root of cli"]));
    assert_eq!(json["revocation"][0]["status"], "good");
    assert_eq!(json["revocation"].as_array().unwrap().len(), 2);

    let untrusted = verify(&office, "officer.pem", &KNOWN[2..]).expect(2).json();
    assert_eq!(untrusted["sub_indication"], "NO_CERTIFICATE_CHAIN_FOUND");
    let unknown = verify(&office, "officer.pem", &["--trust", "root.pem", "--intermediate", "ca.pem", "--at", LATER]);
    assert_eq!(unknown.expect(2).json()["sub_indication"], "TRY_LATER");
    let unchecked = ["--trust", "root.pem", "--intermediate", "ca.pem", "--at", LATER, "--no-revocation"];
    verify(&office, "officer.pem", &unchecked).expect(0);
    let at = |time| [&unchecked[..5], &[time, "--no-revocation"]].concat();
    let expired = verify(&office, "officer.pem", &at("2031-06-01T00:00:00Z")).expect(1).json();
    assert_eq!((&expired["indication"], &expired["sub_indication"]), (&"TOTAL-FAILED".into(), &"EXPIRED".into()));
    let early = verify(&office, "officer.pem", &at("2025-06-01T00:00:00Z")).expect(1).json();
    assert_eq!(early["sub_indication"], "NOT_YET_VALID");
    for (more, code) in [
        (["--eku", ca::EKU_TIME_STAMPING], 0),
        (["--eku", "no identifier"], 64),
        (["--policy-oid", "1.2.3"], 0),
        (["--policy-oid", "x"], 64),
    ] {
        verify(&office, "officer.pem", &[&KNOWN[..], &more].concat()).expect(code);
    }
    let policy = ["--policy-oid", "1.2.3", "--explicit-policy"];
    let json = verify(&office, "officer.pem", &[&KNOWN[..], &policy].concat()).expect(2).json();
    assert_eq!(json["sub_indication"], "CHAIN_CONSTRAINTS_FAILURE");

    let certificate = office.signer("revoked", &Template::new(&[(ca::CN, "Revoked")]), KeySpec::P256);
    office.ca.revoke(&certificate, ca::at("2026-11-20T00:00:00Z"), Some(1));
    office.write_crls();
    let json = verify(&office, "revoked.pem", &KNOWN).expect(1).json();
    assert_eq!((&json["indication"], &json["sub_indication"]), (&"TOTAL-FAILED".into(), &"REVOKED".into()));
    assert_eq!(json["revocation"][0]["revocation_time"], "2026-11-20T00:00:00Z");
    let text = office.kyso(&[&["cert", "verify", "revoked.pem", "--lang", "vi"][..], &KNOWN].concat()).expect(1).out;
    assert!(text.starts_with("CN=Revoked: KHÔNG HỢP LỆ"), "{text}");
    // Before that, it was good.
    let before = [&KNOWN[..7], &["2026-11-19T00:00:00Z"]].concat();
    verify(&office, "revoked.pem", &before).expect(0);

    let chain = [office.read("officer.pem"), office.read("ca.pem")].concat();
    office.write("chain.pem", chain);
    verify(&office, "chain.pem", &[&KNOWN[..2], &KNOWN[4..]].concat()).expect(0);
    verify(&office, "nowhere.pem", &KNOWN).expect(66);
    verify(&office, "in.pdf", &KNOWN).expect(65);
}

#[test]
fn a_name_cannot_steer_the_terminal() {
    let office = Office::new();
    office.signer("evil", &Template::new(&[(ca::CN, "A\u{1b}[2J\u{202E}B")]), KeySpec::P256);
    for json in [&["--json"][..], &[]] {
        for command in [&["cert", "verify", "evil.pem", "--at", LATER][..], &["cert", "show", "evil.pem"]] {
            let run = office.kyso(&[command, json].concat());
            let all = format!("{}{}", run.out, run.err);
            assert!(!all.contains(['\u{1b}', '\u{202E}']), "{all:?}");
            assert!(all.contains("[2J"), "{all:?}");
        }
    }
    let run = office.sign("in.pdf", "out.pdf", "evil", &[]).expect(0);
    assert!(run.err.contains("[2J") && !run.err.contains(['\u{1b}', '\u{202E}']), "{run}");
}

#[test]
fn an_address_in_a_certificate_leads_into_no_private_network() {
    let office = Office::new();
    let template = Template { crl_url: Some(cli::closed()), ..Template::new(&[(ca::CN, "Online")]) };
    office.signer("online", &template, KeySpec::P256);
    let known =
        ["--trust", "root.pem", "--intermediate", "ca.pem", "--crl", "crls/root.crl", "--online", "--at", LATER];
    let json = verify(&office, "online.pem", &known).expect(2).json();
    assert_eq!(json["sub_indication"], "TRY_LATER");
    assert!(json["findings"].to_string().contains("private network"), "{json:#}");
    office.sign("in.pdf", "out.pdf", "online", &[&known[..], &["--require-valid"]].concat()).expect(73);
    office.sign("in.pdf", "out.pdf", "online", &[]).expect(0);
    let run = office.kyso(&[&["verify", "out.pdf", "--json"][..], &known].concat()).expect(2);
    assert!(run.err.contains("private network"), "{run}");
}

#[test]
fn a_crl_or_response_on_its_own() {
    let mut office = Office::new();
    let revoked = office.signer("revoked", &Template::new(&[(ca::CN, "Revoked")]), KeySpec::P256);
    office.ca.revoke(&revoked, ca::at("2026-11-20T00:00:00Z"), Some(1));
    office.write_crls();
    let check = |file: &str, cert: &str, more: &[&str]| {
        let all = ["revocation", "check", file, "--issuer", "ca.pem", "--json", "--at", LATER];
        let cert: &[&str] = if cert.is_empty() { &[] } else { &["--cert", cert] };
        office.kyso(&[&all[..], cert, more].concat())
    };
    let json = check("crls/ca.crl", "officer.pem", &[]).expect(0).json();
    let names = "authentic responder_authorised status fresh algorithm_ok this_update next_update findings";
    assert!(names.split_whitespace().all(|name| json.get(name).is_some()), "{json:#}");
    for yes in ["authentic", "responder_authorised", "fresh", "algorithm_ok"] {
        assert_eq!(json[yes], true, "{yes}");
    }
    assert_eq!((&json["status"], &json["this_update"]), (&"good".into(), &"2026-11-22T00:00:00Z".into()));
    let json = check("crls/ca.crl", "revoked.pem", &["--trust", "root.pem"]).expect(1).json();
    assert_eq!((&json["status"], &json["revocation_reason"]), (&"revoked".into(), &"keyCompromise".into()));
    assert_eq!(check("crls/ca.crl", "", &[]).expect(2).json()["status"], "unknown");
    // Of another CA, and with an octet of the signature changed.
    assert_eq!(check("crls/root.crl", "officer.pem", &[]).expect(2).json()["status"], "unknown");
    let mut octets = office.read("crls/ca.crl");
    let last = octets.len() - 1;
    octets[last] ^= 1;
    office.write("forged.crl", octets);
    let json = check("forged.crl", "revoked.pem", &[]).expect(2).json();
    assert_eq!((&json["authentic"], &json["status"]), (&Value::Bool(false), &"unknown".into()));
    // Out of date.
    let all = ["revocation", "check", "crls/ca.crl", "--issuer", "ca.pem", "--cert", "officer.pem", "--json"];
    let json = office.kyso(&[&all[..], &["--at", "2027-03-01T00:00:00Z"]].concat()).expect(2).json();
    assert_eq!((&json["authentic"], &json["fresh"]), (&Value::Bool(true), &Value::Bool(false)));

    let id = CertId::new(DigestAlgorithm::Sha1, &office.ca.certificate, revoked.serial());
    let (now, next) = (ca::at("2026-11-23T01:00:00Z"), ca::at("2026-11-24T01:00:00Z"));
    let responder = office.ca.issue(&Template::ocsp_responder(&[(ca::CN, "Responder")]), KeySpec::P256);
    office.write("good.ocsp", office.ca.ocsp(&ocsp::request(&id, None), Some(&responder), now, next));
    let json = check("good.ocsp", "revoked.pem", &[]).expect(1).json();
    assert_eq!((&json["authentic"], &json["responder_authorised"]), (&Value::Bool(true), &Value::Bool(true)));
    assert_eq!(check("good.ocsp", "", &[]).expect(1).json()["status"], "revoked");
    // A responder that nobody entitled.
    let nobody = office.ca.issue(&Template::new(&[(ca::CN, "Nobody")]), KeySpec::P256);
    office.write("nobody.ocsp", office.ca.ocsp(&ocsp::request(&id, None), Some(&nobody), now, next));
    let json = check("nobody.ocsp", "revoked.pem", &[]).expect(2).json();
    assert_eq!((&json["authentic"], &json["responder_authorised"]), (&Value::Bool(true), &Value::Bool(false)));

    let run = check("in.pdf", "officer.pem", &[]).expect(65);
    assert!(run.err.contains("in.pdf"), "{run}");
    check("nowhere", "officer.pem", &[]).expect(66);
    check("crls/ca.crl", "root.pem", &[]).expect(64);
}

#[test]
fn a_time_stamp_is_asked_for_and_judged() {
    let office = Office::new();
    office.write("content", "Công văn số 128/UBND-VP");
    office.write("other", "Công văn số 129/UBND-VP");
    let text = office.kyso(&["timestamp", "request", "content", "-o", "request.tsq"]).expect(0).out;
    let digest = DigestAlgorithm::Sha256.digest(&office.read("content")).to_hex();
    assert!(text.contains(&digest), "{text}");
    let tsa = Tsa::new(office.root.issue(&Template::tsa(&[(ca::CN, "TSA of cli")]), KeySpec::P256));
    let time = ca::at("2026-11-23T01:30:00Z");
    office.write("reply.tsr", tsa.respond(&office.read("request.tsq"), time));
    office.write("token.tst", tsa.token(&office.read("request.tsq"), time));
    let judge = |command: &str, file: &str, more: &[&str]| {
        office.kyso(&[&["timestamp", command, file, "--json"][..], &KNOWN, more].concat())
    };
    for (command, file) in [("reply", "reply.tsr"), ("verify", "token.tst"), ("verify", "reply.tsr")] {
        for which in [["--content", "content"], ["--digest", &digest]] {
            let report = judge(command, file, &which).expect(0).json();
            assert_eq!(report["indication"], "TOTAL-PASSED");
            let stamp = &report["signatures"][0];
            assert_eq!(
                (&stamp["best_signature_time"], &stamp["integrity"]),
                (&time.to_rfc3339(0).into(), &"intact".into())
            );
        }
        let report = judge(command, file, &["--content", "other"]).expect(1).json();
        assert_eq!(report["signatures"][0]["integrity"], "broken");
        judge(command, file, &[]).expect(2);
    }
    let untrusted = ["timestamp", "verify", "token.tst", "--content", "content", "--json", "--at", LATER];
    let report = office.kyso(&untrusted).expect(2).json();
    assert_eq!(report["signatures"][0]["integrity"], "intact");
    // Refused by the authority: status 2, badAlg.
    let refusal = der::seq(&[&der::seq(&[&der::int(2), &der::tlv(0x03, &[7, 0x80])])]);
    office.write("refusal.tsr", refusal);
    let run = judge("reply", "refusal.tsr", &[]).expect(73);
    assert!(run.err.contains("badAlg"), "{run}");
    judge("reply", "token.tst", &[]).expect(65);
    judge("verify", "in.pdf", &[]).expect(65);
    judge("verify", "token.tst", &["--digest", "00ff"]).expect(64);
    judge("verify", "token.tst", &["--digest", "xyz"]).expect(64);
    judge("verify", "token.tst", &["--content", "nowhere"]).expect(66);
    office.kyso(&["timestamp", "request", "nowhere", "-o", "request.tsq"]).expect(66);
    assert_eq!(tsa.key.default_algorithm().name(), "ECDSA-SHA256");
}
