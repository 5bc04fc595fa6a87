//! `kyso prepare` and `kyso complete`, with OpenSSL as the signer far away.
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
use cli::Run;
use cli::tool;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;

fn prepare(office: &Office, input: &str, signer: &str, more: &[&str]) -> Run {
    let cert = format!("{signer}.pem");
    let all = ["prepare", input, "-o", "state", "--cert", &cert, "--chain", "ca.pem", "--signing-time", cli::SIGNED];
    office.kyso(&[&all[..], more].concat())
}

fn complete(office: &Office, input: &str, output: &str) -> Run {
    office.kyso(&["complete", "state", input, "--signature", "value", "-o", output])
}

fn octets(base64: &serde_json::Value) -> Vec<u8> {
    base64_simd::STANDARD.decode_to_vec(base64.as_str().unwrap()).unwrap()
}

#[test]
fn a_digest_goes_out_and_a_value_comes_back() {
    let office = Office::new();
    let folder = office.path("");
    office.signer("rsa", &Template::new(&[(ca::CN, "Far away")]), KeySpec::Rsa2048);
    office.signer("eddsa", &Template::new(&[(ca::CN, "Farther")]), KeySpec::Ed25519);
    office.write("message.xml", "<message/>");
    let sha256 = ["-pkeyopt", "digest:sha256"];
    let pss = ["-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:digest"];
    let cases: [(&str, &str, &[&str], Vec<&str>); 6] = [
        ("in.pdf", "officer", &[], sha256.to_vec()),
        ("in.pdf", "rsa", &["--rect", "320,120,200,60", "--lang", "vi"], sha256.to_vec()),
        ("in.pdf", "rsa", &["--pss"], [&sha256[..], &pss].concat()),
        ("in.pdf", "rsa", &["--digest", "sha512"], vec!["-pkeyopt", "digest:sha512"]),
        ("message.xml", "rsa", &[], sha256.to_vec()),
        ("message.xml", "officer", &["--detached"], sha256.to_vec()),
    ];
    for (input, signer, more, options) in cases {
        let json = prepare(&office, input, signer, &[more, &["--json"]].concat()).expect(0).json();
        let digest = octets(&json["digest"]);
        let hex: String = digest.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(json["digest_hex"], hex.as_str());
        office.write("digest", &digest);
        let key = format!("{signer}.key");
        let all = ["pkeyutl", "-sign", "-keyform", "DER", "-inkey", &key, "-in", "digest", "-out", "value"];
        if tool("openssl", &[&all[..], &options].concat(), &folder).is_none() {
            return;
        }
        complete(&office, input, "out").expect(0);
        let content: &[&str] = if more == ["--detached"] { &["--content", input] } else { &[] };
        office.verify("out", content).expect(0);
    }
    // Whole octets for who digests himself, and a value in base64.
    for signer in ["officer", "eddsa"] {
        let json = prepare(&office, "in.pdf", signer, &["--json"]).expect(0).json();
        assert_eq!(json["digest"].is_null(), signer == "eddsa");
        let key = PrivateKey::from_file(&office.read(&format!("{signer}.key")), None).unwrap();
        let to_be_signed = octets(&json["to_be_signed"]);
        let value = key.sign(&key.default_algorithm(), Message::Octets(&to_be_signed)).unwrap();
        let value = base64_simd::STANDARD.encode_to_string(value);
        office.write("value", format!("{}\n{}\n", &value[..40], &value[40..]));
        complete(&office, "in.pdf", "out").expect(0);
        office.verify("out", &[]).expect(0);
    }
}

#[test]
fn the_text_is_the_digest_alone() {
    let office = Office::new();
    let text = prepare(&office, "in.pdf", "officer", &[]).expect(0).out;
    let json = prepare(&office, "in.pdf", "officer", &["--json"]).expect(0).json();
    assert_eq!(text.trim_end(), json["digest_hex"]);
    assert_eq!(json["algorithm"], "ECDSA-SHA256");
    assert_eq!(json["digest_algorithm"], DigestAlgorithm::Sha256.name());
    let of_octets = DigestAlgorithm::Sha256.digest(&octets(&json["to_be_signed"]));
    assert_eq!(json["digest_hex"], of_octets.to_hex());
}

#[test]
fn nothing_is_written_for_a_wrong_value_document_or_state() {
    let office = Office::new();
    office.sign("in.pdf", "other.pdf", "officer", &[]).expect(0);
    prepare(&office, "in.pdf", "officer", &[]).expect(0);
    office.write("out", "what was there before");
    office.write("value", [7; 70]);
    complete(&office, "in.pdf", "out").expect(73);
    complete(&office, "other.pdf", "out").expect(73);
    complete(&office, "nowhere.pdf", "out").expect(66);
    complete(&office, "officer.pem", "out").expect(65);
    let state = office.read("state");
    for (altered, code) in [(&state[..100], 65), (b"nothing of the kind", 65)] {
        office.write("state", altered);
        complete(&office, "in.pdf", "out").expect(code);
    }
    let mut altered = state;
    let last = altered.len() - 40;
    altered[last] ^= 1;
    office.write("state", altered);
    complete(&office, "in.pdf", "out").expect(65);
    prepare(&office, "in.pdf", "officer", &["--tsa", "http://tsa.example.vn/", "--level", "b-t"]).expect(64);
    assert_eq!(office.read("out"), b"what was there before");
}

#[test]
fn the_second_phase_gets_the_time_stamp() {
    let office = Office::new();
    let folder = office.path("");
    let tsa = office.tsa();
    let json = prepare(&office, "in.pdf", "officer", &["--level", "b-t", "--json"]).expect(0).json();
    office.write("digest", octets(&json["digest"]));
    let all = ["pkeyutl", "-sign", "-keyform", "DER", "-inkey", "officer.key", "-in", "digest", "-out", "value"];
    if tool("openssl", &all, &folder).is_none() {
        return;
    }
    let complete = ["complete", "state", "in.pdf", "--signature", "value", "-o", "out.pdf", "--tsa"];
    office.kyso(&[&complete[..], &[&cli::closed()]].concat()).expect(69);
    assert!(!office.exists("out.pdf"));
    office.kyso(&[&complete[..], &[&tsa]].concat()).expect(0);
    assert_eq!(office.verify("out.pdf", &[]).expect(0).json()["signatures"][0]["level"], "B-T");
}
