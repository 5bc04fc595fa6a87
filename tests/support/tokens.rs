//! SoftHSM in the part of the token.
//!
//! A module reads its settings once per process, so each test runs itself
//! again in a process of its own, with a folder for tokens of its own.
#![allow(unreachable_pub, dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::key::pkcs11::Module;
use kyso::x509::Certificate;

use super::ca;
use super::ca::Authority;
use super::ca::Template;

pub const PIN: &str = "mã 123456";
pub const LABEL: &str = "Văn phòng";

/// A folder with tokens in it.
pub struct Tokens {
    pub module: PathBuf,
    pub dir: PathBuf,
    pub authority: Authority,
}

/// Runs `body` in a process of its own, where `SOFTHSM2_CONF` names an empty folder for tokens.
pub fn with_tokens(name: &str, body: impl FnOnce(&Tokens)) {
    with_settings(name, "", body);
}

/// The same with further settings of SoftHSM.
pub fn with_settings(name: &str, more: &str, body: impl FnOnce(&Tokens)) {
    let Some(module) = module() else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "SoftHSM or OpenSC not found");
        eprintln!("SoftHSM or OpenSC not found: skipped");
        return;
    };
    if let Some(dir) = std::env::var_os("KYSO_TEST_TOKENS") {
        body(&Tokens::new(dir.into()).unwrap());
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let settings = format!("directories.tokendir = {}\nobjectstore.backend = file\n{more}", dir.path().display());
    fs::write(dir.path().join("softhsm2.conf"), settings).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env("KYSO_TEST_TOKENS", dir.path())
        .env("SOFTHSM2_CONF", dir.path().join("softhsm2.conf"))
        .env("PKCS11SPY", &module)
        .env("PKCS11SPY_OUTPUT", dir.path().join("spy.log"))
        .output()
        .unwrap();
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
    eprint!("{errors}");
}

fn module() -> Option<PathBuf> {
    for tool in ["softhsm2-util", "pkcs11-tool"] {
        Command::new(tool).arg("--help").output().ok()?;
    }
    let places =
        ["/usr/lib/softhsm", "/usr/lib64/pkcs11", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/local/lib/softhsm"];
    let place = places.iter().map(|p| Path::new(p).join("libsofthsm2.so")).find(|p| p.exists());
    std::env::var_os("KYSO_SOFTHSM").map(PathBuf::from).or(place)
}

pub fn run(tool: &str, arguments: &[&str]) {
    let output = Command::new(tool).args(arguments).env("USER_PIN", PIN).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{tool} {arguments:?}: {text}");
}

impl Tokens {
    /// In this folder, which `SOFTHSM2_CONF` names; none where a tool is missing.
    pub fn new(dir: PathBuf) -> Option<Self> {
        let authority = Authority::root(Template::ca(&[(ca::CN, "CA of the tokens")], None), KeySpec::P256);
        Some(Self { module: module()?, dir, authority })
    }

    pub fn token(&self, label: &str) {
        run("softhsm2-util", &["--init-token", "--free", "--label", label, "--so-pin", "87654321", "--pin", PIN]);
    }

    pub fn tool(&self, label: &str, arguments: &[&str]) {
        let module = self.module.to_str().unwrap();
        let all =
            [&["--module", module, "--token-label", label, "--login", "--pin", "env:USER_PIN"], arguments].concat();
        run("pkcs11-tool", &all);
    }

    pub fn write(&self, token: &str, kind: &str, octets: &[u8], id: &str, label: &str, more: &[&str]) {
        let path = self.dir.join("object.der");
        fs::write(&path, octets).unwrap();
        let arguments = ["--write-object", path.to_str().unwrap(), "--type", kind, "--id", id, "--label", label];
        self.tool(token, &[&arguments, more].concat());
    }

    /// A key of a new kind on the token, with its certificate.
    pub fn key(&self, token: &str, spec: KeySpec, id: &str, label: &str) -> Certificate {
        let (key, certificate) = self.certified(spec, label);
        self.write(token, "privkey", &key.to_pkcs8_der().unwrap(), id, label, &["--usage-sign"]);
        self.write(token, "cert", certificate.der(), id, label, &[]);
        certificate
    }

    pub fn certified(&self, spec: KeySpec, name: &str) -> (PrivateKey, Certificate) {
        let key = PrivateKey::generate(spec).unwrap();
        let certificate = self.authority.certify(&Template::new(&[(ca::C, "VN"), (ca::CN, name)]), &key);
        (key, certificate)
    }

    pub fn load(&self) -> Module {
        Module::load(&self.module).unwrap()
    }
}
