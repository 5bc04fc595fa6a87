//! An office with its keys and certificates as files, and the command that works on them.
#![allow(unreachable_pub, dead_code, clippy::unwrap_used, clippy::indexing_slicing)]

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::x509::Certificate;
use serde_json::Value;

use super::ca;
use super::ca::Authority;
use super::ca::Template;
use super::ca::Tsa;

/// When everything is signed, and when it is validated.
pub const SIGNED: &str = "2026-11-23T01:00:00Z";
pub const LATER: &str = "2026-11-23T02:00:00Z";

/// What a run of the command came to.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self}"))
    }

    /// Holds the exit code against the one that is right.
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit {}\n{}{}", self.code, self.out, self.err)
    }
}

/// A root, a CA below it, and a folder with all that they hand out.
pub struct Office {
    folder: tempfile::TempDir,
    pub root: Authority,
    pub ca: Authority,
}

impl Office {
    /// With the certificates `root.pem` and `ca.pem`, the document `in.pdf`,
    /// fresh CRLs in `crls/`, and the signer `officer`.
    pub fn new() -> Self {
        let root = Authority::root(Template::ca(&[(ca::CN, "Root of cli")], None), KeySpec::P256);
        let ca = root.subordinate(Template::ca(&[(ca::CN, "CA of cli")], Some(0)), KeySpec::P256);
        let office = Self { folder: tempfile::tempdir().unwrap(), root, ca };
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/cong-van.pdf");
        fs::copy(example, office.path("in.pdf")).unwrap();
        office.write("root.pem", office.root.certificate.to_pem());
        office.write("ca.pem", office.ca.certificate.to_pem());
        fs::create_dir(office.path("crls")).unwrap();
        office.write_crls();
        office.signer("officer", &Template::new(&[(ca::C, "VN"), (ca::CN, "Nguyễn Văn A")]), KeySpec::P256);
        office
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// All names in the folder, to see that nothing was left beside the output.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Fresh CRLs of both authorities, with what they revoked so far.
    pub fn write_crls(&self) {
        let (this, next) = (ca::at("2026-11-22T00:00:00Z"), ca::at("2026-11-29T00:00:00Z"));
        self.write("crls/root.crl", self.root.crl(this, next));
        self.write("crls/ca.crl", self.ca.crl(this, next));
    }

    /// A key and its certificate as `NAME.key` (PKCS#8 in DER) and `NAME.pem`.
    pub fn signer(&self, name: &str, template: &Template, spec: KeySpec) -> Certificate {
        let key = PrivateKey::generate(spec).unwrap();
        let certificate = self.ca.certify(template, &key);
        self.write(&format!("{name}.key"), key.to_pkcs8_der().unwrap());
        self.write(&format!("{name}.pem"), certificate.to_pem());
        certificate
    }

    /// Runs `kyso` in the folder.
    pub fn kyso(&self, arguments: &[&str]) -> Run {
        self.kyso_with(arguments, &[])
    }

    /// The same with environment variables.
    pub fn kyso_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kyso"));
        command.current_dir(self.folder.path()).args(arguments).env("LC_ALL", "C");
        command.envs(environment.iter().copied());
        let output = command.stdin(std::process::Stdio::null()).output().unwrap();
        Run {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `kyso sign` by a signer of this office, at the time of signing.
    pub fn sign(&self, input: &str, output: &str, signer: &str, more: &[&str]) -> Run {
        let (key, cert) = (format!("{signer}.key"), format!("{signer}.pem"));
        let mut all = vec!["sign", input, "-o", output, "--key", &key, "--cert", &cert, "--chain", "ca.pem"];
        all.extend(["--signing-time", SIGNED]);
        all.extend(more);
        self.kyso(&all)
    }

    /// `kyso verify --json` with everything that is known, at the time of validation.
    pub fn verify(&self, input: &str, more: &[&str]) -> Run {
        let mut all = vec!["verify", input, "--json"];
        all.extend(KNOWN);
        all.extend(more);
        self.kyso(&all)
    }

    /// A time-stamping authority under the root, and its address.
    pub fn tsa(&self) -> String {
        let template = Template::tsa(&[(ca::CN, "TSA of cli")]);
        let tsa = Tsa::new(self.root.issue(&template, KeySpec::P256));
        serve(move |request| tsa.respond(request, ca::at("2026-11-23T01:30:00Z")))
    }
}

/// The options that make everything here valid.
pub const KNOWN: [&str; 8] = ["--trust", "root.pem", "--intermediate", "ca.pem", "--crl", "crls", "--at", LATER];

/// A server on the loopback interface that answers every request; its address.
pub fn serve(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> String {
    serve_heads(move |_, body| answer(body))
}

/// The same, told the lines before the body too.
pub fn serve_heads(answer: impl Fn(&str, &[u8]) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (mut head, mut octet) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap_or(0) == 1 {
                head.push(octet[0]);
            }
            let text = String::from_utf8_lossy(&head);
            let lower = text.to_lowercase();
            let length = lower.split("content-length: ").nth(1).and_then(|l| l.split("\r\n").next()?.parse().ok());
            let mut body = vec![0; length.unwrap_or(0)];
            stream.read_exact(&mut body).unwrap();
            let body = answer(&text, &body);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        }
    });
    url
}

/// An address where nobody listens.
pub fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// Runs a tool; `None`, said aloud, where it is not installed and need not be.
pub fn tool(program: &str, arguments: &[&str], folder: &Path) -> Option<Vec<u8>> {
    match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => {
            assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
            Some(output.stdout)
        }
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}
