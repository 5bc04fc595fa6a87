//! `kyso sign` with a key on a token.
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

use cli::Office;
use cli::tool;

#[test]
fn a_token_signs() {
    const MODULES: [&str; 2] = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
    let office = Office::new();
    let Some(module) = MODULES.into_iter().find(|module| Path::new(module).exists()) else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "SoftHSM is required here");
        eprintln!("SoftHSM not found: skipped");
        return;
    };
    fs::create_dir(office.path("tokens")).unwrap();
    office.write("softhsm.conf", format!("directories.tokendir = {}\n", office.path("tokens").display()));
    let conf = office.path("softhsm.conf");
    let environment = [("SOFTHSM2_CONF", conf.to_str().unwrap()), ("PIN", "864213"), ("WRONG_PIN", "975310")];
    let softhsm = |arguments: &[&str]| {
        let output = std::process::Command::new("softhsm2-util")
            .args(arguments)
            .envs(environment)
            .current_dir(office.path(""))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    softhsm(&["--init-token", "--free", "--label", "office", "--pin", "864213", "--so-pin", "135792"]);
    let folder = office.path("");
    let plain = ["pkcs8", "-inform", "DER", "-in", "officer.key", "-out", "plain.pem", "-nocrypt"];
    if tool("openssl", &plain, &folder).is_none() {
        return;
    }
    let import = ["--import", "plain.pem", "--token", "office", "--label", "signing", "--id", "0A", "--pin", "864213"];
    softhsm(&import);
    let sign = |more: &[&str]| {
        let all = ["sign", "in.pdf", "-o", "token.pdf", "--signing-time", cli::SIGNED, "--pkcs11", module];
        let chosen = ["--token", "office", "--key-label", "signing", "--cert", "officer.pem", "--chain", "ca.pem"];
        office.kyso_with(&[&all[..], &chosen, more].concat(), &environment)
    };
    // A wrong PIN once; a token that is not there; no PIN at all.
    sign(&["--pin-env", "WRONG_PIN"]).expect(77);
    sign(&[]).expect(77);
    let all = ["sign", "in.pdf", "-o", "token.pdf", "--pkcs11", module, "--token", "absent", "--pin-env", "PIN"];
    office.kyso_with(&all, &environment).expect(69);
    assert!(!office.exists("token.pdf"));
    sign(&["--pin-env", "PIN"]).expect(0);
    office.verify("token.pdf", &[]).expect(0);
}
