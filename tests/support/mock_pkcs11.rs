//! A PKCS#11 module that behaves as a script says: `tests/mock_pkcs11/mock.c`.
#![allow(unreachable_pub, dead_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::cast_possible_truncation)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::key::SignatureValue;
use kyso::key::ToBeSigned;
use kyso::key::pkcs11::Module;
use kyso::secret::Pin;
use kyso::x509::Certificate;

use super::ca;
use super::ca::Authority;
use super::ca::Template;

pub const PIN: &str = "123456";
pub const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);

/// Return values of the standard.
pub const DEVICE_ERROR: &str = "0x30";
pub const DEVICE_REMOVED: &str = "0x32";

/// A copy of the module, which is a module of its own for the loader.
pub struct Mock {
    dir: tempfile::TempDir,
}

/// A key with its certificate, the same for all tests of a file.
pub struct Signer {
    pub certificate: Certificate,
    /// A second certificate for the same key.
    pub renewed: Certificate,
    /// A certificate for another key.
    pub other: Certificate,
    n: String,
    d: String,
}

impl Mock {
    /// With this script; none where there is no C compiler.
    pub fn new(script: impl AsRef<[u8]>) -> Option<Self> {
        static BUILT: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
        let built = BUILT.get_or_init(build).as_ref()?;
        let dir = tempfile::tempdir().unwrap();
        fs::copy(built.path().join("mock.so"), dir.path().join("mock.so")).unwrap();
        fs::write(dir.path().join("mock.so.script"), script).unwrap();
        Some(Self { dir })
    }

    pub fn path(&self) -> PathBuf {
        self.dir.path().join("mock.so")
    }

    pub fn load(&self) -> Module {
        Module::load(self.path()).unwrap()
    }

    /// Has the module obey these lines before its next call.
    pub fn now(&self, lines: &str) {
        let new = self.dir.path().join("new");
        fs::write(&new, lines).unwrap();
        fs::rename(new, self.dir.path().join("mock.so.now")).unwrap();
    }

    /// The calls so far, each with its result.
    pub fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.dir.path().join("mock.so.log")).unwrap_or_default();
        log.lines().map(str::to_owned).collect()
    }

    /// How often a function was called.
    pub fn calls(&self, function: &str) -> usize {
        self.log().iter().filter(|l| l.split(' ').next() == Some(function)).count()
    }

    /// Whether a call ended with this result.
    pub fn has(&self, line: &str) -> bool {
        self.log().iter().any(|l| l == line)
    }
}

fn build() -> Option<tempfile::TempDir> {
    let dir = tempfile::tempdir().unwrap();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mock_pkcs11/mock.c");
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let output = Command::new(compiler)
        .args(["-O2", "-shared", "-fPIC", "-o"])
        .arg(dir.path().join("mock.so"))
        .arg(source)
        .args(["-ldl", "-lpthread"])
        .output();
    let Ok(output) = output else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "no C compiler found");
        eprintln!("no C compiler found: skipped");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(dir)
}

/// The signer of all tests.
pub fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| {
        let authority = Authority::root(Template::ca(&[(ca::CN, "CA of the mock")], None), KeySpec::P256);
        let key = PrivateKey::generate(KeySpec::Rsa2048).unwrap();
        let certify = |name| authority.certify(&Template::new(&[(ca::C, "VN"), (ca::CN, name)]), &key);
        let other = PrivateKey::generate(KeySpec::Rsa2048).unwrap();
        let other = authority.certify(&Template::new(&[(ca::C, "VN"), (ca::CN, "Người khác")]), &other);
        // PKCS#8, and in it PKCS#1: version, n, e, d.
        let pkcs8 = key.to_pkcs8_der().unwrap();
        let pkcs1 = parts(content(&pkcs8))[2];
        let numbers = parts(content(content(pkcs1)));
        let number = |i: usize| {
            let octets = content(numbers[i]);
            hex(octets.strip_prefix(&[0]).unwrap_or(octets))
        };
        Signer {
            certificate: certify("Nguyễn Văn A"),
            renewed: certify("Nguyễn Văn A, gia hạn"),
            other,
            n: number(1),
            d: number(3),
        }
    })
}

impl Signer {
    /// The lines for the key.
    pub fn key(&self, id: &str, label: &str) -> String {
        format!("key {id} {label}\nn {}\nd {}\n", self.n, self.d)
    }

    /// A token that works well, with the key and its certificate.
    pub fn office(&self) -> String {
        token() + &self.key("01", "Signing") + &certificate("01", &self.certificate, "Signing")
    }

    pub fn verifies(&self, message: &[u8], value: &SignatureValue) -> bool {
        let key = self.certificate.public_key();
        Backend::default().verify(key, &ALGORITHM, Message::Octets(message), value.octets()).is_ok()
    }
}

/// The lines for a token without anything on it.
pub fn token() -> String {
    format!("label Office\nserial 0001\npin {PIN}\nmechanism 0x40\nmechanism 0x1\n")
}

/// The line for a certificate.
pub fn certificate(id: &str, certificate: &Certificate, label: &str) -> String {
    format!("cert {id} {} {label}\n", hex(certificate.der()))
}

pub fn pin() -> Pin {
    Pin::new(PIN)
}

pub fn message(octets: &[u8]) -> ToBeSigned {
    ToBeSigned::new(ALGORITHM, octets.to_vec())
}

pub fn hex(octets: &[u8]) -> String {
    octets.iter().map(|b| format!("{b:02x}")).collect()
}

/// The length of the header of a DER value, and of the whole.
fn extent(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ 0..=0x7F => (2, 2 + usize::from(short)),
        long => {
            let count = usize::from(long & 0x7F);
            let len = der[2..2 + count].iter().fold(0, |n, b| n << 8 | usize::from(*b));
            (2 + count, 2 + count + len)
        }
    }
}

fn content(der: &[u8]) -> &[u8] {
    let (header, end) = extent(der);
    &der[header..end]
}

fn parts(mut der: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    while !der.is_empty() {
        let (part, rest) = der.split_at(extent(der).1);
        parts.push(part);
        der = rest;
    }
    parts
}
