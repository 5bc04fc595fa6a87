//! The options by which the command reaches the network.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::sync::Arc;
use std::sync::Mutex;

use ca::Template;
use cli::LATER;
use cli::Office;
use kyso::crypto::KeySpec;

/// Where the certificate says that its CRL is: a name that exists nowhere.
const INSIDE: &str = "http://crl.ca.invalid/ca.crl";

/// A signer whose CRL is on the network, a document signed by it, and the server with the CRL.
struct Scene {
    office: Office,
    /// `http://127.0.0.1:PORT`.
    server: String,
    heads: Arc<Mutex<Vec<String>>>,
}

fn scene() -> Scene {
    let office = Office::new();
    let template = Template { crl_url: Some(INSIDE.to_owned()), ..Template::new(&[(ca::CN, "Online")]) };
    office.signer("online", &template, KeySpec::P256);
    office.sign("in.pdf", "out.pdf", "online", &[]).expect(0);
    // The cache goes by the clock of the machine, for which this one has to be in date.
    let crl = office.ca.crl(ca::at("2026-11-22T00:00:00Z"), ca::at("2126-11-22T00:00:00Z"));
    fs::remove_file(office.path("crls/ca.crl")).unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&heads);
    let server = cli::serve_heads(move |head, _| {
        log.lock().unwrap().push(head.to_owned());
        crl.clone()
    });
    Scene { office, server: server.trim_end_matches('/').to_owned(), heads }
}

impl Scene {
    fn verify(&self, more: &[&str], environment: &[(&str, &str)]) -> cli::Run {
        let known = ["verify", "out.pdf", "--json", "--online", "--at", LATER, "--trust", "root.pem"];
        let evidence = ["--intermediate", "ca.pem", "--crl", "crls"];
        self.office.kyso_with(&[&known[..], &evidence, more].concat(), environment)
    }

    fn asked(&self) -> usize {
        self.heads.lock().unwrap().len()
    }

    fn map(&self) -> String {
        format!("http://crl.ca.invalid={}", self.server)
    }
}

#[test]
fn an_address_is_asked_under_another_one_and_what_it_said_is_kept() {
    let scene = scene();
    let map = scene.map();
    // What the mapping names is a private network too.
    scene.verify(&["--map-address", &map], &[]).expect(2);
    assert_eq!(scene.asked(), 0);
    let allowed = ["--map-address", &map, "--allow-private-addresses", "--cache", "kept"];
    assert_eq!(scene.verify(&allowed, &[]).expect(0).json()["indication"], "TOTAL-PASSED");
    assert_eq!(scene.asked(), 1);
    assert!(scene.office.exists("kept"));
    // It is kept under the address that the certificate names.
    scene.verify(&["--cache", "kept"], &[]).expect(0);
    assert_eq!(scene.asked(), 1);
    scene.verify(&["--cache", "empty"], &[]).expect(2);
}

#[test]
fn a_proxy_is_asked_and_its_password_is_no_argument() {
    let scene = scene();
    let secret = [("PROXY_AUTH", "clerk:s3cret")];
    let proxied = ["--proxy", &scene.server, "--proxy-auth-env", "PROXY_AUTH"];
    scene.verify(&proxied, &secret).expect(0);
    let head = scene.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with(&format!("GET {INSIDE} HTTP/1.1\r\n")), "{head}");
    assert!(head.contains("Basic Y2xlcms6czNjcmV0"), "{head}");

    scene.office.write("auth.txt", "clerk:s3cret\n");
    scene.verify(&["--proxy", &scene.server, "--proxy-auth-file", "auth.txt"], &[]).expect(0);
    assert_eq!(scene.asked(), 2);
    let open = scene.server.replace("http://", "http://clerk:s3cret@");
    let run = scene.verify(&["--proxy", &open], &[]).expect(64);
    assert!(run.err.contains("--proxy-auth-env") && !run.err.contains("s3cret"), "{run}");
    scene.verify(&proxied, &[]).expect(77);
}

#[test]
fn what_is_no_address_is_wrong_usage() {
    let scene = scene();
    for wrong in [["--map-address", "crl.ca.invalid"], ["--map-address", "a=b"], ["--proxy", "proxy:3128"]] {
        scene.verify(&wrong, &[]).expect(64);
    }
}
