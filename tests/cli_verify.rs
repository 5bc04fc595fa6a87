//! `kyso verify`: exit codes, JSON, and what is handed out as signed.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;

use std::fs;

use ca::Template;
use cli::KNOWN;
use cli::LATER;
use cli::Office;
use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::evidence::PackageDraft;
use kyso::fetch::Purpose;
use kyso::revocation::Evidence;
use kyso::timestamp::TimeStampRequest;
use kyso::timestamp::TimeStampToken;
use kyso::x509::ocsp;
use kyso::x509::ocsp::CertId;
use serde_json::Value;

fn signed() -> Office {
    let office = Office::new();
    office.sign("in.pdf", "out.pdf", "officer", &[]).expect(0);
    office
}

#[track_caller]
fn members(value: &Value, names: &[&str]) {
    for name in names {
        assert!(value.get(name).is_some(), "{name} is missing in {value:#}");
    }
}

#[test]
fn a_valid_document_is_0_and_its_json_has_the_members_of_the_contract() {
    let office = signed();
    let report = office.verify("out.pdf", &[]).expect(0).json();
    members(&report, &["schema_version", "indication", "validation_time", "policy", "findings", "signatures"]);
    members(&report["policy"], &["name", "version"]);
    assert_eq!(report["schema_version"], 1);
    assert_eq!(report["indication"], "TOTAL-PASSED");
    assert_eq!(report["validation_time"], LATER);
    let signature = &report["signatures"][0];
    let all = "name kind format level indication sub_indication integrity coverage changes changes_permitted signer \
               claimed_signing_time best_signature_time deviations timestamps findings wanted";
    members(signature, &all.split_whitespace().collect::<Vec<_>>());
    members(&signature["signer"], &["subject", "issuer", "serial", "sha256"]);
    let expected = [
        ("name", "Signature1"),
        ("kind", "signature"),
        ("format", "PAdES"),
        ("level", "B-B"),
        ("indication", "TOTAL-PASSED"),
        ("integrity", "intact"),
        ("coverage", "whole-document"),
        ("changes", "none"),
        ("claimed_signing_time", cli::SIGNED),
        ("best_signature_time", LATER),
    ];
    for (member, value) in expected {
        assert_eq!(signature[member], value, "{member}");
    }
    assert_eq!(signature["sub_indication"], Value::Null);
    assert_eq!(signature["changes_permitted"], true);
    // For people, in two languages.
    let text = |lang: &str| office.kyso(&[&["verify", "out.pdf", "--lang", lang][..], &KNOWN].concat()).expect(0).out;
    assert!(text("vi").starts_with("HỢP LỆ: 1/1"));
    assert!(text("en").starts_with("VALID: 1 of 1"));
}

#[test]
fn the_locale_chooses_the_language_and_folders_hold_trust() {
    let office = signed();
    fs::create_dir(office.path("anchors")).unwrap();
    fs::rename(office.path("root.pem"), office.path("anchors/root.pem")).unwrap();
    let all = [&["verify", "out.pdf", "--trust", "anchors"][..], &KNOWN[2..]].concat();
    let run = |locale: &str| office.kyso_with(&all, &[("LC_ALL", locale)]).expect(0).out;
    assert!(run("vi_VN.UTF-8").starts_with("HỢP LỆ"));
    assert!(run("fr_FR.UTF-8").starts_with("VALID"));
    assert!(run("vi_VN.UTF-8").contains("\"anchors\""), "the trust set has the name of its path");
}

#[test]
fn an_ocsp_response_speaks_for_the_signer() {
    let office = Office::new();
    let certificate = office.signer("other", &Template::new(&[(ca::CN, "Other")]), KeySpec::P256);
    office.sign("in.pdf", "out.pdf", "other", &[]).expect(0);
    let id = CertId::new(DigestAlgorithm::Sha1, &office.ca.certificate, certificate.serial());
    let (now, next) = (ca::at("2026-11-23T01:30:00Z"), ca::at("2026-11-24T01:30:00Z"));
    office.write("good.ocsp", office.ca.ocsp(&ocsp::request(&id, None), None, now, next));
    let known = ["--trust", "root.pem", "--crl", "crls/root.crl", "--at", LATER, "--json"];
    office.kyso(&[&["verify", "out.pdf"][..], &known].concat()).expect(2);
    let report = office.kyso(&[&["verify", "out.pdf", "--ocsp", "good.ocsp"][..], &known].concat()).expect(0).json();
    assert_eq!(report["signatures"][0]["path"][0]["evidence"]["kind"], "ocsp");
}

#[test]
fn what_was_altered_is_1() {
    let office = signed();
    let mut octets = office.read("out.pdf");
    let place = octets.windows(7).position(|seven| seven == b"stream\n").unwrap() + 40;
    octets[place] ^= 1;
    office.write("altered.pdf", octets);
    for trust in [&[][..], &KNOWN] {
        let run = office.kyso(&[&["verify", "altered.pdf", "--json"][..], trust].concat()).expect(1);
        let signature = &run.json()["signatures"][0];
        assert_eq!(signature["indication"], "TOTAL-FAILED");
        assert_eq!(signature["sub_indication"], "HASH_FAILURE");
        assert_eq!(signature["integrity"], "broken");
    }
}

#[test]
fn without_trust_or_status_it_is_2_and_the_integrity_still_speaks() {
    let office = signed();
    let run = office.kyso(&["verify", "out.pdf", "--json", "--at", LATER]).expect(2);
    let signature = &run.json()["signatures"][0];
    assert_eq!(signature["sub_indication"], "NO_CERTIFICATE_CHAIN_FOUND");
    assert_eq!(signature["integrity"], "intact");
    let trust = ["verify", "out.pdf", "--json", "--at", LATER, "--trust", "root.pem"];
    let signature = &office.kyso(&trust).expect(2).json()["signatures"][0];
    assert_eq!(signature["sub_indication"], "TRY_LATER");
    let report = office.kyso(&[&trust[..], &["--no-revocation"]].concat()).expect(0).json();
    assert!(report["findings"].to_string().contains("REVOCATION_UNCHECKED"));
}

#[test]
fn a_document_without_signatures_is_3() {
    let office = Office::new();
    let report = office.verify("in.pdf", &[]).expect(3).json();
    assert_eq!(report["indication"], "NO-SIGNATURE");
    assert_eq!(report["signatures"], serde_json::json!([]));
}

#[test]
fn what_cannot_be_read_is_64_65_or_66() {
    let office = signed();
    office.write("noise", "neither PDF nor CMS");
    office.write("half.pdf", &office.read("out.pdf")[..2000]);
    office.write("empty", "");
    for file in ["noise", "half.pdf", "empty", "root.pem"] {
        let run = office.verify(file, &[]).expect(65);
        assert!(run.err.contains(file), "{run}");
        assert_eq!(run.out, "", "no report of what was not read");
    }
    office.verify("nowhere.pdf", &[]).expect(66);
    office.verify("crls", &[]).expect(66);
    office.kyso(&["verify", "out.pdf", "--trust", "nowhere.pem"]).expect(66);
    office.kyso(&["verify", "out.pdf", "--trust", "noise"]).expect(65);
    office.kyso(&["verify", "out.pdf", "--ocsp", "noise"]).expect(65);
    office.kyso(&["verify", "out.pdf", "--policy", "noise"]).expect(65);
    office.kyso(&["verify", "out.pdf", "--at", "today"]).expect(64);
    office.kyso(&["verify", "out.pdf", "--content", "in.pdf"]).expect(64);
    office.kyso(&["verify", "out.pdf", "--report", "pdf", "report.xml"]).expect(64);
    assert!(!office.exists("report.xml"));
    office.kyso(&["verify", "out.pdf", "--report", "etsi-xml", "report.xml"]).expect(2);
    assert!(office.read("report.xml").starts_with(b"<?xml"));
}

#[test]
fn a_policy_as_data_is_followed() {
    let office = signed();
    let policy = kyso::validate::Policy::etsi().to_json().replace("ETSI TS 119 312", "Văn phòng");
    office.write("policy.json", &policy);
    let report = office.verify("out.pdf", &["--policy", "policy.json"]).expect(0).json();
    assert_eq!(report["policy"]["name"], "Văn phòng");
    office.write("policy.json", policy.replace("SHA-256", "SHA-257"));
    let report = office.verify("out.pdf", &["--policy", "policy.json"]).expect(2).json();
    assert_eq!(report["signatures"][0]["sub_indication"], "CRYPTO_CONSTRAINTS_FAILURE");
}

#[test]
fn a_revoked_signer_is_told_before_and_after() {
    let mut office = Office::new();
    let certificate = office.signer("later", &Template::new(&[(ca::CN, "Later")]), KeySpec::P256);
    office.sign("in.pdf", "out.pdf", "later", &[]).expect(0);
    office.verify("out.pdf", &[]).expect(0);
    office.ca.revoke(&certificate, ca::at("2026-11-21T00:00:00Z"), None);
    office.write_crls();
    let signature = &office.verify("out.pdf", &[]).expect(2).json()["signatures"][0];
    assert_eq!(signature["sub_indication"], "REVOKED_NO_POE");
    assert_eq!(signature["path"][0]["status"], "revoked");
}

#[test]
fn the_revision_that_was_signed_is_handed_out() {
    let office = signed();
    office.sign("out.pdf", "two.pdf", "officer", &["--field", "/etc/evil"]).expect(0);
    office.verify("two.pdf", &["--extract", "revisions"]).expect(0);
    let mut names: Vec<_> = fs::read_dir(office.path("revisions"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["1-Signature1.pdf", "2-_etc_evil.pdf"]);
    assert_eq!(office.read("revisions/1-Signature1.pdf"), office.read("out.pdf"));
    assert_eq!(office.read("revisions/2-_etc_evil.pdf"), office.read("two.pdf"));
    // Nothing is replaced.
    office.verify("two.pdf", &["--extract", "revisions"]).expect(73);
    // What does not compute is not handed out as signed.
    let mut octets = office.read("out.pdf");
    octets[1000] ^= 1;
    office.write("altered.pdf", octets);
    let run = office.verify("altered.pdf", &["--extract", "none"]);
    assert_eq!((run.code, fs::read_dir(office.path("none")).unwrap().count()), (1, 0), "{run}");
}

#[test]
fn cms_files_with_and_without_their_content() {
    let office = Office::new();
    office.write("message.xml", "<message/>");
    office.write("other.xml", "<message></message>");
    office.sign("message.xml", "attached.p7m", "officer", &[]).expect(0);
    office.sign("message.xml", "detached.p7s", "officer", &["--detached"]).expect(0);
    let report = office.verify("attached.p7m", &["--extract", "content"]).expect(0).json();
    assert_eq!(report["signatures"][0]["format"], "CAdES");
    assert_eq!(report["signatures"][0]["coverage"], Value::Null);
    assert_eq!(office.read("content/1.content"), b"<message/>");
    office.verify("detached.p7s", &["--content", "message.xml"]).expect(0);
    let signature = &office.verify("detached.p7s", &[]).expect(2).json()["signatures"][0];
    assert_eq!(signature["sub_indication"], "SIGNED_DATA_NOT_FOUND");
    for file in ["detached.p7s", "attached.p7m"] {
        let signature = &office.verify(file, &["--content", "other.xml"]).expect(1).json()["signatures"][0];
        assert_eq!(signature["integrity"], "broken", "{file}");
    }
    office.verify("detached.p7s", &["--content", "nowhere.xml"]).expect(66);
}

#[test]
fn the_package_made_at_receipt_outlives_the_certificates() {
    let office = signed();
    let read = |name: &str| office.read(name);
    let mut gathered = Evidence::new();
    gathered.accept(Purpose::IssuerCertificate, &read("ca.pem")).unwrap();
    for crl in ["crls/root.crl", "crls/ca.crl"] {
        gathered.accept(Purpose::Crl, &read(crl)).unwrap();
    }
    let template = Template::tsa(&[(ca::CN, "TSA of cli")]).valid("2026-01-01T00:00:00Z", "2045-01-01T00:00:00Z");
    let tsa = ca::Tsa::new(office.root.issue(&template, KeySpec::P256));
    let draft = PackageDraft::new(&read("out.pdf"), &gathered).unwrap();
    let imprint = DigestAlgorithm::Sha256.digest(&draft.to_be_stamped());
    let token = tsa.token(&TimeStampRequest::new(imprint).to_der(), ca::at("2026-11-23T01:30:00Z"));
    let token = TimeStampToken::from_octets(&token, &Limits::default()).unwrap();
    office.write("package", draft.stamp(token, &gathered).unwrap().to_octets());
    office.write("later.crl", office.root.crl(ca::at("2040-01-01T00:00:00Z"), ca::at("2040-02-01T00:00:00Z")));
    let later = |file: &str, more: &[&str]| {
        let at = ["--at", "2040-01-15T00:00:00Z", "--crl", "later.crl"];
        office.kyso(&[&["verify", file, "--json", "--trust", "root.pem"], &at[..], more].concat())
    };
    later("out.pdf", &[]).expect(2);
    let report = later("out.pdf", &["--evidence", "package"]).expect(0).json();
    assert_eq!(report["signatures"][0]["best_signature_time"], "2026-11-23T01:30:00Z");
    // About another document it proves nothing.
    office.sign("out.pdf", "two.pdf", "officer", &[]).expect(0);
    later("two.pdf", &["--evidence", "package"]).expect(2);
    later("out.pdf", &["--evidence", "in.pdf"]).expect(65);
    later("out.pdf", &["--evidence", "nowhere"]).expect(66);
}

#[test]
fn an_evidence_package_made_at_receipt_carries_the_document_over_the_years() {
    let office = signed();
    let tsa = office.tsa();
    office.verify("out.pdf", &["--save-evidence", "out.evidence", "--tsa", &tsa]).expect(0);
    // Years later there is the document, the package and the root.
    let later = ["verify", "out.pdf", "--json", "--trust", "root.pem", "--at", "2030-06-01T00:00:00Z"];
    office.kyso(&later).expect(2);
    let with = [&later[..], &["--evidence", "out.evidence"]].concat();
    let report: Value = serde_json::from_str(&office.kyso(&with).expect(0).out).unwrap();
    assert_eq!(report["signatures"][0]["time_proof"]["kind"], "evidence-package");
    assert_eq!(report["evidence"][0]["kind"], "evidence-timestamp");
    // It is about this document alone, and about all of it.
    let mut longer = office.read("out.pdf");
    longer.push(b'\n');
    office.write("longer.pdf", longer);
    let other = ["verify", "longer.pdf", "--trust", "root.pem", "--at", "2030-06-01T00:00:00Z"];
    office.kyso(&[&other[..], &["--evidence", "out.evidence"]].concat()).expect(2);
    let package = office.read("out.evidence");
    office.write("cut.evidence", &package[..package.len() / 2]);
    office.kyso(&[&later[..], &["--evidence", "cut.evidence"]].concat()).expect(65);
    // The authority is what makes it a package.
    office.kyso(&["verify", "out.pdf", "--save-evidence", "none"]).expect(64);
}

#[test]
fn a_caller_states_which_signatures_are_expected() {
    let office = signed();
    let run = |more: &[&str], code| office.verify("out.pdf", more).expect(code).json();
    assert_eq!(run(&[], 0)["expectations_met"], Value::Null);
    let name = run(&[], 0)["signatures"][0]["signer"]["subject_name"].as_str().unwrap().to_owned();
    let print = run(&[], 0)["signatures"][0]["signer"]["sha256"].as_str().unwrap().to_owned();
    let print = format!("sha256:{print}");
    let met = run(&["--expect", "1", "--expect-signer", &name], 0);
    assert_eq!(met["expectations_met"], true);
    run(&["--expect-signer", &print], 0);
    for unmet in [&["--expect", "2"][..], &["--expect-signer", "Nobody"], &["--expect-signer", "sha256:00"]] {
        let report = run(unmet, 2);
        assert_eq!(report["expectations_met"], false);
        assert_eq!(report["indication"], "INDETERMINATE");
    }
    office.verify("in.pdf", &["--expect", "1"]).expect(3);
}

#[test]
fn a_rule_is_relaxed_by_name_or_refused() {
    let office = signed();
    office.verify("out.pdf", &["--relax", "catalogue"]).expect(0);
    for rule in ["content", "structure", "no such rule"] {
        let run = office.verify("out.pdf", &["--relax", rule]).expect(64);
        assert!(run.err.contains("form fields"), "{}", run.err);
    }
}

/// What a document hides is told before anybody signs it, and no more once it is signed.
#[test]
fn hidden_content_is_told_of_what_is_not_signed() {
    let office = Office::new();
    let octets = office.read("in.pdf");
    // Behind the last object, where no cross-reference leads.
    let at = octets.windows(6).rposition(|six| six == b"endobj").unwrap() + 7;
    let start = octets.windows(9).rposition(|nine| nine == b"startxref").unwrap();
    let hidden = b"900 0 obj\n<< /Type /Page >>\nendobj\n";
    let mut document = [&octets[..at], hidden, &octets[at..start]].concat();
    let table = document.windows(5).rposition(|five| five == b"xref\n").unwrap();
    document.extend_from_slice(format!("startxref\n{table}\n%%EOF\n").as_bytes());
    office.write("hidden.pdf", &document);
    let report = office.verify("hidden.pdf", &[]).expect(3).json();
    let told = |report: &Value| {
        report["findings"].as_array().unwrap().iter().any(|finding| finding["code"] == "HIDDEN_OBJECT_UNLISTED")
    };
    assert!(told(&report), "{report:#}");
    let run = office.sign("hidden.pdf", "signed.pdf", "officer", &["--json", "--lang", "en"]).expect(0);
    assert!(told(&run.json()) && run.err.contains("no cross-reference names"), "{}", run.err);
    // The signature covers it: no fault of that, and still for the reader to know.
    assert!(told(&office.verify("signed.pdf", &[]).expect(0).json()));
}
