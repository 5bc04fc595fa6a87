//! `kyso treasury`: exit codes and words for vouchers that are signed, not signed yet, and signed wrongly.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;

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
