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

use ca::Template;
use cli::Office;
use cli::tool;
use kyso::x509::CertificationRequest;

const MODULES: [&str; 2] = ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];

/// SoftHSM with an initialized token "office" in the office's folder.
struct Hsm {
    module: &'static str,
    conf: String,
}

impl Hsm {
    fn new(office: &Office) -> Option<Self> {
        let Some(module) = MODULES.into_iter().find(|module| Path::new(module).exists()) else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "SoftHSM is required here");
            eprintln!("SoftHSM not found: skipped");
            return None;
        };
        fs::create_dir(office.path("tokens")).unwrap();
        office.write("softhsm.conf", format!("directories.tokendir = {}\n", office.path("tokens").display()));
        let hsm = Self { module, conf: office.path("softhsm.conf").to_str().unwrap().to_owned() };
        hsm.util(office, &["--init-token", "--free", "--label", "office", "--pin", "864213", "--so-pin", "135792"]);
        Some(hsm)
    }

    fn environment(&self) -> [(&str, &str); 3] {
        [("SOFTHSM2_CONF", &self.conf), ("PIN", "864213"), ("WRONG_PIN", "975310")]
    }

    fn util(&self, office: &Office, arguments: &[&str]) {
        let mut command = std::process::Command::new("softhsm2-util");
        let command = command.args(arguments).envs(self.environment()).current_dir(office.path(""));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A `kyso` command on the token "office".
    fn kyso(&self, office: &Office, command: &[&str], more: &[&str]) -> cli::Run {
        let token = ["--pkcs11", self.module, "--token", "office"];
        office.kyso_with(&[command, &token, more].concat(), &self.environment())
    }
}

#[test]
fn a_token_signs() {
    let office = Office::new();
    let Some(hsm) = Hsm::new(&office) else { return };
    let (module, environment) = (hsm.module, hsm.environment());
    let folder = office.path("");
    let plain = ["pkcs8", "-inform", "DER", "-in", "officer.key", "-out", "plain.pem", "-nocrypt"];
    if tool("openssl", &plain, &folder).is_none() {
        return;
    }
    let import = ["--import", "plain.pem", "--token", "office", "--label", "signing", "--id", "0A", "--pin", "864213"];
    hsm.util(&office, &import);
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

    // A URI that says where the PIN is, of two tokens that which is meant.
    hsm.util(&office, &["--init-token", "--free", "--label", "other", "--pin", "864213", "--so-pin", "135792"]);
    office.write("pin", "864213\n");
    let by_uri = |uri: &str, out: &str| {
        let all = ["sign", "in.pdf", "-o", out, "--signing-time", cli::SIGNED, "--pkcs11-uri", uri];
        office.kyso_with(&[&all[..], &["--cert", "officer.pem", "--chain", "ca.pem"]].concat(), &environment)
    };
    let source = office.path("pin");
    let uri = |source: &str| format!("pkcs11:token=office;object=signing?module-path={module}&pin-source={source}");
    by_uri(&uri(&format!("file:{}", source.display())), "uri.pdf").expect(0);
    office.verify("uri.pdf", &[]).expect(0);
    by_uri(&uri("|cat"), "no.pdf").expect(64);
    by_uri(&format!("pkcs11:token=third?module-path={module}"), "no.pdf").expect(69);
}

/// A token that holds the signer's certificate alone, and a reader that knows the root alone.
#[test]
fn what_the_token_lacks_of_the_chain_comes_from_the_trust_store() {
    let office = Office::new();
    let Some(hsm) = Hsm::new(&office) else { return };
    let plain = ["pkcs8", "-inform", "DER", "-in", "officer.key", "-out", "plain.pem", "-nocrypt"];
    if tool("openssl", &plain, &office.path("")).is_none() {
        return;
    }
    let import = ["--import", "plain.pem", "--token", "office", "--label", "signing", "--id", "0A", "--pin", "864213"];
    hsm.util(&office, &import);
    let embedded = |out: &str, more: &[&str]| {
        let all =
            ["--signing-time", cli::SIGNED, "--key-label", "signing", "--cert", "officer.pem", "--pin-env", "PIN"];
        hsm.kyso(&office, &["sign", "in.pdf", "-o", out], &[&all[..], more].concat()).expect(0);
        let verify = ["verify", out, "--trust", "root.pem", "--at", cli::LATER, "--no-revocation", "--json"];
        office.kyso(&verify).json()["indication"].as_str().unwrap().to_owned()
    };
    assert_eq!(embedded("alone.pdf", &[]), "INDETERMINATE");
    let trust = ["--trust", "root.pem", "--intermediate", "ca.pem", "--no-revocation"];
    assert_eq!(embedded("completed.pdf", &trust), "TOTAL-PASSED");
    // A store that trusts the issuing CA itself.
    assert_eq!(embedded("anchored.pdf", &["--trust", "ca.pem", "--no-revocation"]), "TOTAL-PASSED");
}

#[test]
fn a_key_is_made_certified_and_used_on_the_token() {
    let office = Office::new();
    let Some(hsm) = Hsm::new(&office) else { return };
    let pin = ["--pin-env", "PIN"];
    let label = ["--key-label", "Khóa ký"];
    let listed = hsm.kyso(&office, &["token", "objects"], &["--json"]).expect(0).json();
    assert_eq!(listed["objects"].as_array().unwrap().len(), 0);

    // No PIN, a wrong one, a kind that is not there.
    let generate = ["token", "generate"];
    hsm.kyso(&office, &generate, &label).expect(77);
    hsm.kyso(&office, &generate, &[&label[..], &["--pin-env", "WRONG_PIN"]].concat()).expect(77);
    hsm.kyso(&office, &generate, &[&label[..], &pin, &["--kind", "rsa1024"]].concat()).expect(64);
    let more = [&label[..], &pin, &["--kind", "p256", "--key-id", "0B", "--json"]].concat();
    let made = hsm.kyso(&office, &generate, &more).expect(0).json();
    assert_eq!((made["id"].as_str(), made["key_type"].as_str().map(|t| t.contains("256"))), (Some("0b"), Some(true)));
    let taken = hsm.kyso(&office, &generate, &more).expect(64);
    assert!(taken.err.contains("taken"), "{taken}");

    let subject = ["--subject", "CN=Trần Thị B,O=Sở Tài chính,C=VN", "-o", "request.pem"];
    let request = ["cert", "request"];
    let text = hsm.kyso(&office, &request, &[&subject[..], &label, &pin].concat()).expect(0);
    assert!(text.out.contains("Trần Thị B"), "{text}");
    let wrong = ["--subject", "Trần Thị B", "-o", "x.pem"];
    hsm.kyso(&office, &request, &[&wrong[..], &label, &pin].concat()).expect(64);
    assert!(!office.exists("x.pem"));
    let request = CertificationRequest::from_file(&office.read("request.pem")).unwrap();
    let mut template = Template::new(&[]);
    template.subject = request.subject().der().to_vec();
    let certificate = office.ca.certify_key(&template, request.public_key());
    office.write("b.pem", certificate.to_pem());

    hsm.kyso(&office, &["token", "import", "officer.pem"], &pin).expect(64);
    let imported = hsm.kyso(&office, &["token", "import", "b.pem"], &[&pin[..], &["--json"]].concat()).expect(0);
    assert_eq!(imported.json()["id"], "0b");
    let listed = hsm.kyso(&office, &["token", "objects"], &[&pin[..], &["--json"]].concat()).expect(0).json();
    let kinds: Vec<_> = listed["objects"].as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap()).collect();
    for kind in ["certificate", "private-key", "public-key"] {
        assert!(kinds.contains(&kind), "{listed}");
    }
    let text = hsm.kyso(&office, &["token", "objects"], &["--lang", "vi"]).expect(0);
    assert!(text.out.contains("chứng thư \"Khóa ký\" (id 0b): CN=Trần Thị B"), "{text}");
    let all =
        office.kyso_with(&["token", "list", "--pkcs11", hsm.module, "--mechanisms", "--json"], &hsm.environment());
    let all = all.expect(0).json();
    assert!(all["tokens"][0]["mechanisms"].as_array().unwrap().iter().any(|m| m == "CKM_ECDSA"), "{all}");

    let sign = ["sign", "in.pdf", "-o", "token.pdf", "--signing-time", cli::SIGNED, "--chain", "ca.pem"];
    hsm.kyso(&office, &sign, &[&label[..], &pin].concat()).expect(0);
    office.verify("token.pdf", &[]).expect(0);

    // The same for a key in a file, whose request OpenSSL verifies.
    let file = ["cert", "request", "--key", "officer.key", "--subject", "CN=a,C=VN", "-o", "file.pem"];
    office.kyso(&file).expect(0);
    let verified = tool("openssl", &["req", "-verify", "-noout", "-in", "file.pem"], &office.path(""));
    assert!(verified.is_some());
}
