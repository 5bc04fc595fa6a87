//! `kyso treasury`: exit codes and words for vouchers that are signed, not signed yet, and signed wrongly.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::path::Path;
use std::process::Command;

use ca::CN;
use ca::Template;
use cli::KNOWN;
use cli::Office;
use kyso::crypto::KeySpec;
use serde_json::json;

/// An office with holder and accountant, and their policy in `roles.json`.
fn unit() -> Office {
    let office = Office::new();
    let holder = office.signer("holder", &Template::new(&[(CN, "Nguyễn Văn An")]), KeySpec::P256);
    let accountant = office.signer("accountant", &Template::new(&[(CN, "Trần Thị Bình")]), KeySpec::P256);
    let roles = json!({
        "unit": "Phòng Tài chính", "version": "TB 12/2026", "second_signature": "demanded",
        "transactions": [{ "code": "chuyen-tien", "name": "Chuyển tiền" }],
        "persons": [
            { "id": "an", "name": "Nguyễn Văn An", "certificates": [holder.sha256().to_hex()] },
            { "id": "binh", "name": "Trần Thị Bình", "certificates": [accountant.sha256().to_hex()] },
        ],
        "appointments": [
            { "person": "an", "role": "account-holder", "title": "Trưởng phòng", "transactions": "all", "from": "2026-01-01" },
            { "person": "binh", "role": "chief-accountant", "title": "Kế toán trưởng",
              "transactions": ["chuyen-tien"], "from": "2026-01-01", "until": "2026-12-31" },
        ],
    });
    office.write("roles.json", roles.to_string());
    office
}

fn check(office: &Office, file: &str, more: &[&str]) -> cli::Run {
    office.kyso(&[&["treasury", "check", file, "--roles", "roles.json"][..], &KNOWN[..], more].concat())
}

#[test]
fn a_voucher_is_fulfilled_by_holder_and_accountant() {
    let office = unit();
    office.sign("in.pdf", "one.pdf", "holder", &[]).expect(0);
    office.sign("one.pdf", "two.pdf", "accountant", &[]).expect(0);
    let json = check(&office, "two.pdf", &["--json"]).expect(0).json();
    assert_eq!(json["outcome"], "FULFILLED");
    assert_eq!((&json["first"]["person"], &json["second"]["person"]), (&"an".into(), &"binh".into()));
    let text = check(&office, "two.pdf", &["--lang", "vi"]).expect(0).out;
    assert!(text.contains("ĐỦ chữ ký theo quy định") && text.contains("chữ ký thứ hai: Trần Thị Bình"), "{text}");
}

#[test]
fn what_is_missing_and_what_is_wrong_have_their_exit_codes() {
    let office = unit();
    office.sign("in.pdf", "one.pdf", "holder", &[]).expect(0);
    let run = check(&office, "one.pdf", &["--lang", "vi"]).expect(2);
    assert!(run.out.contains("thiếu chữ ký thứ hai; người có thể ký: Trần Thị Bình (Kế toán trưởng"), "{}", run.out);
    let run = check(&office, "in.pdf", &[]).expect(2);
    assert!(run.out.contains("the first signature is missing"), "{}", run.out);
    // Nobody is trusted: nothing fails, and nothing counts.
    office.kyso(&["treasury", "check", "one.pdf", "--roles", "roles.json", "--at", cli::LATER]).expect(2);
    office.sign("one.pdf", "two.pdf", "accountant", &[]).expect(0);
    let mut octets = office.read("two.pdf");
    let place = octets.windows(7).position(|w| w == b"/Pages ").unwrap();
    octets[place + 6] = b'\n';
    office.write("broken.pdf", octets);
    check(&office, "broken.pdf", &[]).expect(1);
    check(&office, "two.pdf", &["--transaction", "khac"]).expect(64);
    office.write("roles.json", "{}");
    let run = check(&office, "two.pdf", &[]).expect(65);
    assert!(run.err.contains("roles.json: malformed policy"), "{}", run.err);
}

#[test]
fn a_detached_cms_is_judged_too() {
    let office = unit();
    office.write("voucher.xml", "<chungTu/>");
    office.sign("voucher.xml", "voucher.p7s", "holder", &["--detached"]).expect(0);
    let run = check(&office, "voucher.p7s", &["--content", "voucher.xml", "--json"]).expect(2);
    assert_eq!(run.json()["first"]["person"], "an");
    assert_eq!(run.json()["findings"][0]["code"], "MISSING");
    office.write("voucher.xml", "<chungTu>1</chungTu>");
    check(&office, "voucher.p7s", &["--content", "voucher.xml"]).expect(1);
}

#[test]
fn certificates_are_asked_for_with_keys_in_files_and_on_tokens() {
    let office = unit();
    fs::create_dir(office.path("requests")).unwrap();
    let request = |person: &str, more: &[&str]| {
        let out = format!("requests/{person}.pem");
        let all = ["treasury", "request", "--roles", "roles.json", "--person", person, "-o", &out];
        office.kyso_with(&[&all[..], more].concat(), &[("PIN_OF_TEST", "864213")])
    };
    request("an", &["--key", "holder.key"]).expect(0);
    // The accountant has not asked yet.
    let list = ["treasury", "list", "--roles", "roles.json", "--requests", "requests", "-o", "list.csv"];
    let run = office.kyso(&list).expect(2);
    assert!(run.err.contains("no request yet of: Trần Thị Bình (binh)"), "{}", run.err);
    let template = "CN={name},T={title},OU={unit_code},O={unit},C=VN";
    request("binh", &["--key", "accountant.key", "--subject", template]).expect(64);
    request("binh", &["--key", "accountant.key", "--subject", template, "--unit-code", "1012345"]).expect(0);
    request("nobody", &["--key", "holder.key"]).expect(64);
    request("an", &[]).expect(64);
    office.kyso(&[&list[..], &["--semicolons", "--unit-code", "1012345"]].concat()).expect(0);
    let csv = String::from_utf8(office.read("list.csv")).unwrap();
    let lines: Vec<&str> = csv.strip_prefix('\u{FEFF}').unwrap().split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(lines[0].starts_with("\"STT\";\"Họ và tên\";\"Chức danh\""), "{csv}");
    assert!(
        lines[2].starts_with(
            "\"2\";\"Trần Thị Bình\";\"Kế toán trưởng\";\"kế toán trưởng\";\"Phòng Tài chính\";\"1012345\""
        )
    );
    // Others read the requests.
    let folder = office.path("requests");
    for person in ["an", "binh"] {
        let file = format!("{person}.pem");
        let arguments = ["req", "-in", &file, "-verify", "-noout", "-subject", "-nameopt", "utf8,sep_comma_plus"];
        let Some(out) = cli::tool("openssl", &arguments, &folder) else { return };
        let out = String::from_utf8(out).unwrap();
        assert!(out.contains(if person == "an" { "CN=Nguyễn Văn An" } else { "CN=Trần Thị Bình" }), "{out}");
    }
    // One request under two names, and one whose signature is not of its key.
    fs::copy(folder.join("an.pem"), folder.join("binh.pem")).unwrap();
    let run = office.kyso(&list).expect(65);
    assert!(run.err.contains("the request is for \"Nguyễn Văn An\", not for \"Trần Thị Bình\""), "{}", run.err);
    on_token(&office, &request);
}

/// The same with a key that SoftHSM holds.
fn on_token(office: &Office, request: &dyn Fn(&str, &[&str]) -> cli::Run) {
    const MODULES: [&str; 2] = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
    let Some(module) = MODULES.into_iter().find(|module| Path::new(module).exists()) else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "SoftHSM is required here");
        eprintln!("SoftHSM not found: skipped");
        return;
    };
    fs::create_dir(office.path("tokens")).unwrap();
    office.write("softhsm.conf", format!("directories.tokendir = {}\n", office.path("tokens").display()));
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).env("SOFTHSM2_CONF", office.path("softhsm.conf")).current_dir(office.path(""));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run("softhsm2-util", &["--init-token", "--free", "--label", "unit", "--pin", "864213", "--so-pin", "135792"]);
    let generate =
        ["--token-label", "unit", "--login", "--pin", "864213", "--keypairgen", "--key-type", "EC:prime256v1"];
    let named = ["--id", "0A", "--label", "treasury"];
    run("pkcs11-tool", &[&["--module", module][..], &generate, &named].concat());
    let conf = office.path("softhsm.conf");
    let all = ["treasury", "request", "--roles", "roles.json", "--person", "an", "-o", "requests/an.pem"];
    let token = ["--pkcs11", module, "--token", "unit", "--key-id", "0A", "--pin-env", "PIN_OF_TEST"];
    let environment = [("SOFTHSM2_CONF", conf.to_str().unwrap()), ("PIN_OF_TEST", "864213")];
    let before = office.read("requests/an.pem");
    office.kyso_with(&[&all[..], &token].concat(), &environment).expect(0);
    assert_ne!(office.read("requests/an.pem"), before);
    cli::tool("openssl", &["req", "-in", "requests/an.pem", "-verify", "-noout"], &office.path(""));
    // Without its PIN nothing is asked of the token.
    request("an", &["--pkcs11", module, "--token", "unit"]).expect(77);
}
