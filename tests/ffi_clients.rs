//! The library as others load it: a C and a Python client, and what it exports.
#![cfg(feature = "capi")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

use ca::Authority;
use ca::Template;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;

const NOW: &str = "2026-11-23T01:00:00Z";
const PASSWORD: &str = "mật khẩu";

/// The shared library, built as `guide::embedding` says: with the one feature
/// that it needs, so that the least is built beside the tests.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["rustc", "--lib", "--features", "capi"]);
    command.args(["--crate-type", "cdylib", "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let files = artifacts.filter(|m| m["target"]["name"] == "kyso").flat_map(|m| m["filenames"].as_array().cloned());
    let mut files = files.flatten().filter_map(|f| f.as_str().map(PathBuf::from));
    files.find(|f| f.extension().is_some_and(|e| e == "so" || e == "dylib")).unwrap()
});

/// A key, a document, a root, a CRL and a message, as files.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    /// `None` where there is no OpenSSL to write the store.
    fn new() -> Option<Self> {
        let files = Self { dir: tempfile::tempdir().unwrap() };
        let root = Authority::root(Template::ca(&[(ca::CN, "Root")], None), KeySpec::P256);
        let key = PrivateKey::generate(KeySpec::P256).unwrap();
        let certificate = root.certify(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), &key);
        let pdf = sample_pdf::plain(sample_pdf::Xref::Table);
        files.write("key.der", &key.to_pkcs8_der().unwrap());
        files.write("cert.pem", certificate.to_pem().as_bytes());
        files.write("root.pem", root.certificate.to_pem().as_bytes());
        files.write("ca.crl", &root.crl(ca::at("2026-11-23T01:00:30Z"), ca::at("2026-11-30T00:00:00Z")));
        files.write("in.pdf", &pdf);
        files.write("message.edxml", message(&pdf).as_bytes());
        let key = ["pkey", "-inform", "DER", "-in", "key.der", "-out", "key.pem"];
        let store = ["pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-certfile", "root.pem"];
        for arguments in [&key[..], &[&store[..], &["-passout", "env:SECRET", "-out", "key.p12"]].concat()] {
            run(Command::new("openssl").current_dir(files.dir.path()).args(arguments).env("SECRET", PASSWORD))?;
        }
        Some(files)
    }

    fn write(&self, name: &str, octets: &[u8]) {
        fs::write(self.path(name), octets).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A small message with the document in it.
fn message(pdf: &[u8]) -> String {
    let namespace = "http://www.mic.gov.vn/TBT/QCVN_102_2016";
    let file = "<ContentId>cid:1</ContentId><ContentType>application/pdf</ContentType>\
                <AttachmentName>a.pdf</AttachmentName>";
    let payload = base64_simd::STANDARD.encode_to_string(pdf);
    let prefixed = file.replace('<', "<edXML:").replace("<edXML:/", "</edXML:");
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<edXML xmlns=\"{namespace}\" xmlns:edXML=\"{namespace}\">\
         <edXML:edXMLEnvelope><edXML:edXMLHeader><edXML:MessageHeader>\
         <edXML:From><edXML:OrganId>000.00.00.H41</edXML:OrganId><edXML:OrganName>A</edXML:OrganName></edXML:From>\
         <edXML:To><edXML:OrganId>000.00.00.H14</edXML:OrganId><edXML:OrganName>B</edXML:OrganName></edXML:To>\
         <edXML:Code><edXML:CodeNumber>1</edXML:CodeNumber><edXML:CodeNotation>QD-A</edXML:CodeNotation></edXML:Code>\
         <edXML:Subject>Quyết định</edXML:Subject>\
         </edXML:MessageHeader></edXML:edXMLHeader>\
         <edXML:edXMLBody><edXML:edXMLManifest version=\"1.0\"><edXML:Reference>{prefixed}</edXML:Reference>\
         </edXML:edXMLManifest></edXML:edXMLBody></edXML:edXMLEnvelope>\
         <AttachmentEncoded><Attachment>{file}\
         <edXML:ContentTransferEncoded>{payload}</edXML:ContentTransferEncoded></Attachment></AttachmentEncoded>\
         </edXML>\n"
    )
}

/// Runs a command that must succeed; `None` where there is no such program.
fn run(command: &mut Command) -> Option<String> {
    let Ok(output) = command.output() else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{command:?}: not found");
        eprintln!("{command:?}: not found, skipped");
        return None;
    };
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {text}\n{errors}");
    Some(text.into_owned())
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_c_client_signs_validates_and_opens() {
    let Some(files) = Files::new() else { return };
    let client = files.path("client");
    let folder = LIBRARY.parent().unwrap();
    let mut compile = Command::new("cc");
    compile.args(["-Wall", "-Wextra", "-Werror", "-std=c99", "-pedantic", "-g", "-I"]).arg(root().join("include"));
    compile.arg(root().join("tests/ffi/client.c")).arg("-o").arg(&client).arg(&*LIBRARY);
    compile.arg(format!("-Wl,-rpath,{}", folder.display()));
    if run(&mut compile).is_none() {
        return;
    }
    let arguments = |out: &str| {
        let mut all: Vec<std::ffi::OsString> = vec![files.path("key.p12").into(), PASSWORD.into()];
        all.extend(["in.pdf", "root.pem", "ca.crl", out].map(|name| files.path(name).into()));
        all.extend([ca::at(NOW).unix().to_string().into(), files.path("message.edxml").into()]);
        all
    };
    assert_eq!(run(Command::new(&client).args(arguments("out.pdf"))).unwrap(), "ok\n");
    let signed = fs::read(files.path("out.pdf")).unwrap();
    assert!(signed.starts_with(&fs::read(files.path("in.pdf")).unwrap()));
    let pdf = kyso::pdf::Pdf::parse(signed, &kyso::Limits::default()).unwrap();
    let facts = pdf.signatures().unwrap().remove(0);
    assert_eq!((facts.field_name.as_str(), facts.reason.as_deref()), ("Phe duyet", Some("Phê duyệt")));

    // Nothing leaks and nothing is read that is not ours, where somebody can tell.
    if Command::new("valgrind").arg("--version").output().is_ok() {
        let options = ["--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite", "--error-exitcode=9"];
        run(Command::new("valgrind").args(options).arg(&client).args(arguments("again.pdf"))).unwrap();
    }
}

#[test]
fn the_python_client_signs_and_validates() {
    let Some(python) = std::env::var_os("KYSO_PYTHON") else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "KYSO_PYTHON names no Python with cffi");
        eprintln!("KYSO_PYTHON names no Python with cffi: skipped");
        return;
    };
    let Some(files) = Files::new() else { return };
    let mut client = Command::new(python);
    client.arg(root().join("tests/ffi/client.py")).arg(&*LIBRARY).arg(root().join("include/kyso.h"));
    client.arg(files.path("key.p12")).arg(PASSWORD);
    client.args(["in.pdf", "root.pem", "ca.crl"].map(|name| files.path(name)));
    client.arg(ca::at(NOW).unix().to_string());
    assert_eq!(run(&mut client).unwrap(), "ok\n");
}

/// What is exported is what is listed, and what the header declares. `KYSO_BLESS=1` writes the list.
#[test]
fn the_exports_are_those_of_the_list() {
    let Some(symbols) = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&*LIBRARY)) else { return };
    let mut names: Vec<&str> = symbols.lines().filter_map(|l| l.split_whitespace().last()).collect();
    names.sort_unstable();
    let list = names.join("\n") + "\n";
    let path = root().join("tests/ffi/symbols.txt");
    if std::env::var_os("KYSO_BLESS").is_some_and(|v| v == "1") {
        fs::write(&path, &list).unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap_or_default(), list);
    let header = fs::read_to_string(root().join("include/kyso.h")).unwrap();
    for name in names {
        assert!(header.contains(&format!("{name}(")), "{name} is not in the header");
    }
}
