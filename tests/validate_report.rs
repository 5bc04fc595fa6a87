//! Reports as others read them: the XML of ETSI TS 119 102-2 through a strict parser of its schema.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::process::Command;

use ca::at;
use kyso::key::SigningKey;
use kyso::validate::Report;
use office::Plan;

/// What the schema's bindings read of it; `None` where there is no Python for it.
fn read(report: &Report) -> Option<Vec<String>> {
    let Some(python) = std::env::var_os("KYSO_PYTHON") else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "KYSO_PYTHON is not set");
        eprintln!("KYSO_PYTHON is not set: skipped");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xml");
    std::fs::write(&file, report.to_etsi_xml()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/etsi_report.py");
    let output = Command::new(python).arg(script).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stderr), report.to_etsi_xml());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

#[test]
fn the_etsi_report_is_read_by_its_schema() {
    let mut office = Plan::new().open();
    let document = office.sign_stamped(&office.officer, "2026-11-23T01:00:00Z", "2026-11-23T01:00:05Z");
    let document = office.sign_again(&document, &office.agency, "2026-11-23T01:10:00Z");
    let evidence = office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
    let passed = office.validate(&document, "2026-11-23T02:00:00Z", &evidence);
    let agency = office.agency.identity().certificate().clone();
    office.issuing.revoke(&agency, at("2026-11-23T03:00:00Z"), Some(1));
    let evidence = office.crls("2026-11-23T04:00:00Z", "2026-11-24T00:00:00Z");
    let revoked = office.validate(&document, "2026-11-23T05:00:00Z", &evidence);
    assert!(revoked.to_etsi_xml().contains("urn:etsi:019102:revocationReason:keyCompromise"));
    let passes = "urn:etsi:019102:mainindication:total-passed";
    if let Some(lines) = read(&passed) {
        assert_eq!(lines, [passes, passes]);
    }
    if let Some(lines) = read(&revoked) {
        let undecided = "urn:etsi:019102:mainindication:indeterminate urn:etsi:019102:subindication:REVOKED_NO_POE";
        assert_eq!(lines, [passes, undecided]);
    }
    // The same inputs give the same octets.
    let again = office.validate(&document, "2026-11-23T05:00:00Z", &evidence);
    assert_eq!(again.to_etsi_xml(), revoked.to_etsi_xml());
}
