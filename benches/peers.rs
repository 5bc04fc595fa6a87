//! Signing and validation of whole files, each in a process of its own, in turn
//! with `openssl dgst -sha256` of the same file: the time that reading and
//! digesting takes anyway. Ratios are medians of the pairs; processor time and
//! peak memory are what GNU time reports of one run. PDF documents are validated in as
//! many threads as there are processors, as the command does it. Where the processor has no
//! SHA extensions, OpenSSL digests faster than the sha2 crate; its own row tells.
//!
//! ```sh
//! cargo bench --bench peers                        # all of it: 1, 30 and 300 MB, objects, streams, signatures
//! cargo bench --bench peers --features aws-lc-rs   # by the second backend too
//! cargo bench --bench peers --features cli         # and through the `kyso` command
//! cargo bench --bench peers -- 1 30                # sizes, in MB
//! cargo bench --bench peers -- objects streams     # 200,000 objects in the file itself, in object streams
//! cargo bench --bench peers -- signatures          # 1 MB with 50 signatures
//! ```
//!
//! Run it on an idle machine. Nothing depends on the figures, and no test does.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods // a benchmark reads the clock
)]

#[path = "../tests/support/ca.rs"]
mod ca;
#[path = "../tests/support/der.rs"]
mod der;
mod processes;
mod workloads;

use std::ffi::OsStr;
use std::ffi::OsString;
use std::fs;
use std::fs::File;
use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::Instant;

use ca::Authority;
use ca::Template;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::files::FileSource;
use kyso::files::Output;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::path::PathBuilder;
use kyso::pdf::Pdf;
use kyso::revocation::Evidence;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use processes::median;
use processes::run;
use processes::usage;

const NOW: &str = "2026-11-23T02:30:00Z";
/// Least pairs of runs, and the time after which no more are begun.
const PAIRS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(20);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("child") => child(&arguments[1..]),
        Some(_) => measure(&arguments),
        None => measure(&["1", "30", "300", "objects", "streams", "signatures"].map(String::from)),
    }
}

/// One operation, as a program would do it.
fn child(arguments: &[String]) {
    let path = |index: usize| Path::new(&arguments[index + 1]);
    let backend = backends().into_iter().find(|(name, _)| *name == arguments[1]).expect("a backend").1;
    let key = |key: &Path, certificate: &Path| {
        let key = PrivateKey::from_file(&fs::read(key).unwrap(), None).unwrap();
        let certificate = Certificate::from_der(&fs::read(certificate).unwrap()).unwrap();
        SoftKey::new(key, SignerIdentity::new(certificate, Vec::new())).unwrap().with_backend(backend)
    };
    let digest = |path: &Path| {
        let mut file = File::open(path).unwrap();
        let mut digester = backend.digester(DigestAlgorithm::Sha256);
        let mut buffer = vec![0; 256 << 10];
        loop {
            match file.read(&mut buffer).unwrap() {
                0 => return digester.finish(),
                count => digester.update(&buffer[..count]),
            }
        }
    };
    let validated = |files: [&Path; 4], validation: &dyn Fn(&Validator<'_>) -> Report| {
        let anchors = TrustAnchors::from_file("bench", &fs::read(files[0]).unwrap()).unwrap();
        let mut evidence = Evidence::new();
        evidence.add_certificate(Certificate::from_der(&fs::read(files[1]).unwrap()).unwrap());
        for crl in &files[2..] {
            evidence.add_crl(Crl::from_der(&fs::read(crl).unwrap()).unwrap());
        }
        let policy = Policy::etsi();
        let report = validation(&Validator::new(&policy, &anchors, ca::at(NOW)).evidence(&evidence).backend(backend));
        assert_eq!(report.overall(), Overall::TotalPassed, "{}", report.to_json());
    };
    match arguments[0].as_str() {
        "hash" => println!("{}", digest(path(1)).to_hex()),
        "cms-sign" => {
            let request = CadesRequest::from_digest(digest(path(1)), ca::at(NOW)).backend(backend);
            fs::write(path(2), request.sign(&key(path(3), path(4))).unwrap().octets()).unwrap();
        }
        "cms-validate" => {
            let cms = SignedData::from_file(&fs::read(path(1)).unwrap(), &Limits::default()).unwrap();
            let content = FileSource::open(path(6)).unwrap();
            validated([path(2), path(3), path(4), path(5)], &|validator| validator.cms(&cms, Some(&content)));
        }
        "sign" => {
            let pdf = Pdf::parse(FileSource::open(path(1)).unwrap(), &Limits::default()).unwrap();
            let mut out = Output::create(path(2)).unwrap();
            let request = PadesRequest::new(&pdf, ca::at(NOW)).backend(backend);
            request.sign_to(&key(path(3), path(4)), &mut out).unwrap();
            out.commit().unwrap();
        }
        "validate" => {
            let processors = std::thread::available_parallelism().unwrap();
            let pdf = Pdf::parse(FileSource::open(path(1)).unwrap(), &Limits::default()).unwrap().threads(processors);
            validated([path(2), path(3), path(4), path(5)], &|validator| validator.pdf(&pdf));
        }
        other => panic!("no such operation: {other}"),
    }
}

/// The backends, by name.
fn backends() -> Vec<(&'static str, Backend)> {
    vec![
        ("RustCrypto", Backend::rust_crypto()),
        #[cfg(feature = "aws-lc-rs")]
        ("aws-lc-rs", Backend::aws_lc_rs()),
    ]
}

struct Keys {
    root: PathBuf,
    issuing: PathBuf,
    crls: [PathBuf; 2],
    key: PathBuf,
    certificate: PathBuf,
}

fn measure(works: &[String]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench");
    fs::create_dir_all(&folder).unwrap();
    let keys = in_process(&folder);
    let own = std::env::current_exe().unwrap();
    for work in works {
        let bench = Bench { folder: &folder, keys: &keys, own: &own, work };
        match (work.as_str(), work.parse::<u64>()) {
            ("objects", _) => bench.many(workloads::many_objects),
            ("streams", _) => bench.many(workloads::many_in_streams),
            ("signatures", _) => bench.signatures(),
            (_, Ok(size)) => bench.size(size),
            (other, _) => panic!("no such workload: {other}"),
        }
    }
}

/// One workload being measured.
struct Bench<'b> {
    folder: &'b Path,
    keys: &'b Keys,
    own: &'b Path,
    work: &'b str,
}

impl Bench<'_> {
    fn file(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}{suffix}", self.work))
    }

    fn title(&self, title: &str) {
        println!("\n{title:<34} wall, to openssl dgst   processor              peak");
    }

    /// A child of this program, in turn with the digest of `reference`.
    fn child(&self, what: &str, backend: &str, operation: &str, files: &[&Path], reference: &Path) {
        row(what, self.own, &words(operation, backend, files), reference);
    }

    fn validate(&self, what: &str, backend: &str, signed: &Path) {
        self.child(what, backend, "validate", &[&[signed], &self.trust()[..]].concat(), signed);
    }

    fn trust(&self) -> [&Path; 4] {
        let keys = self.keys;
        [&keys.root, &keys.issuing, &keys.crls[0], &keys.crls[1]].map(PathBuf::as_path)
    }

    /// Signs without measuring.
    fn sign(&self, input: &Path, output: &Path) {
        let (backend, _) = backends().pop().unwrap();
        run(self.own, &words("sign", backend, &[input, output, &self.keys.key, &self.keys.certificate]));
    }

    fn size(&self, size: u64) {
        let (input, signed, cms) = (self.file(".pdf"), self.file("-signed.pdf"), self.file(".p7s"));
        workloads::scan_like(&input, size * 1_000_000);
        self.title(&format!("{size} MB"));
        row("cp", "cp".as_ref(), &[input.as_os_str(), signed.as_os_str()], &input);
        let keys = self.keys;
        for (backend, _) in backends() {
            println!("  by {backend}");
            self.child("hash", backend, "hash", &[&input], &input);
            let files: [&Path; 4] = [&input, &signed, &keys.key, &keys.certificate];
            self.child("sign, PAdES B-B, RSA-2048", backend, "sign", &files, &input);
            self.validate("validate, 3 certificates", backend, &signed);
            let files: [&Path; 4] = [&input, &cms, &keys.key, &keys.certificate];
            self.child("sign, CAdES detached", backend, "cms-sign", &files, &input);
            let files = [&[cms.as_path()], &self.trust()[..], &[input.as_path()]].concat();
            self.child("validate, CAdES detached", backend, "cms-validate", &files, &input);
        }
        if let Some(kyso) = option_env!("CARGO_BIN_EXE_kyso").filter(|_| cfg!(feature = "cli")) {
            command(Path::new(kyso), &input, &signed, keys);
        }
    }

    /// 200,000 objects, signed by an officer and then sealed.
    fn many(&self, write: fn(&Path, u32)) {
        let [input, once, twice] = [".pdf", "-once.pdf", "-twice.pdf"].map(|suffix| self.file(suffix));
        write(&input, 200_000);
        self.sign(&input, &once);
        self.sign(&once, &twice);
        self.title(&format!("200,000 objects, {}", self.work));
        for (backend, _) in backends() {
            println!("  by {backend}");
            let output = self.file("-signed.pdf");
            let files: [&Path; 4] = [&input, &output, &self.keys.key, &self.keys.certificate];
            self.child("sign", backend, "sign", &files, &input);
            self.validate("validate, one signature", backend, &once);
            self.validate("validate, two signatures", backend, &twice);
        }
    }

    /// 1 MB with fifty signatures.
    fn signatures(&self) {
        let [mut signed, mut next] = ["-even.pdf", "-odd.pdf"].map(|suffix| self.file(suffix));
        workloads::scan_like(&signed, 1_000_000);
        for _ in 0..50 {
            self.sign(&signed, &next);
            std::mem::swap(&mut signed, &mut next);
        }
        self.title("1 MB, 50 signatures");
        for (backend, _) in backends() {
            println!("  by {backend}");
            self.validate("validate", backend, &signed);
        }
    }
}

fn words(operation: &str, backend: &str, files: &[&Path]) -> Vec<OsString> {
    let words = ["child", operation, backend].map(OsString::from);
    words.into_iter().chain(files.iter().map(|file| file.as_os_str().to_owned())).collect()
}

/// The same through the command.
fn command(kyso: &Path, input: &Path, signed: &Path, keys: &Keys) {
    let sign: Vec<&OsStr> = vec![
        "sign".as_ref(),
        input.as_os_str(),
        "-o".as_ref(),
        signed.as_os_str(),
        "--key".as_ref(),
        keys.key.as_os_str(),
        "--cert".as_ref(),
        keys.certificate.as_os_str(),
        "--signing-time".as_ref(),
        NOW.as_ref(),
    ];
    row("kyso sign", kyso, &sign, input);
    let mut verify: Vec<&OsStr> = vec![
        "verify".as_ref(),
        signed.as_os_str(),
        "--at".as_ref(),
        NOW.as_ref(),
        "--trust".as_ref(),
        keys.root.as_os_str(),
        "--intermediate".as_ref(),
        keys.issuing.as_os_str(),
    ];
    for crl in &keys.crls {
        verify.extend([OsStr::new("--crl"), crl.as_os_str()]);
    }
    row("kyso verify", kyso, &verify, signed);
}

/// Runs `program` in turn with the hash of `reference`, and prints the medians.
fn row<A: AsRef<OsStr>>(what: &str, program: &Path, arguments: &[A], reference: &Path) {
    let hash = [OsStr::new("dgst"), OsStr::new("-sha256"), reference.as_os_str()];
    let (own, floor) = (usage(program, arguments), usage("openssl".as_ref(), &hash));
    let (mut walls, mut ratios) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while walls.len() < PAIRS || begun.elapsed() < PATIENCE / 10 {
        let wall = run(program, arguments);
        ratios.push(wall / run("openssl".as_ref(), &hash));
        walls.push(wall);
        if begun.elapsed() > PATIENCE {
            break;
        }
    }
    print!("  {what:<26} {:>8.1} ms  x {:<6.2}", median(walls) * 1_000.0, median(ratios));
    match (own, floor) {
        (Some((cpu, peak)), Some((floor, _))) => {
            println!(" {cpu:>7.2} s  (openssl {floor:.2} s) {:>8.1} MiB", peak / 1_024.0);
        }
        _ => println!(" GNU time is not installed"),
    }
}

/// What takes no file: one path, one signature value; and the keys for the rest.
fn in_process(folder: &Path) -> Keys {
    let root = Authority::root(Template::ca(&[(ca::CN, "Root")], None), KeySpec::Rsa2048);
    let issuing = root.subordinate(Template::ca(&[(ca::CN, "CA")], Some(0)), KeySpec::Rsa2048);
    let key = PrivateKey::generate(KeySpec::Rsa2048).unwrap();
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let certificate = issuing.certify(&Template::new(&[(ca::CN, "Signer")]), &key);

    let names = ["root.cer", "issuing.cer", "root.crl", "issuing.crl", "signer.key", "signer.cer"];
    let [root_file, issuing_file, root_crl, issuing_crl, key_file, certificate_file] =
        names.map(|name| folder.join(name));
    let (from, to) = (ca::at(NOW), ca::at("2026-12-23T02:30:00Z"));
    fs::write(&root_file, root.certificate.der()).unwrap();
    fs::write(&issuing_file, issuing.certificate.der()).unwrap();
    fs::write(&root_crl, root.crl(from, to)).unwrap();
    fs::write(&issuing_crl, issuing.crl(from, to)).unwrap();
    fs::write(&key_file, &*pkcs8).unwrap();
    fs::write(&certificate_file, certificate.der()).unwrap();

    let mut set = TrustSet::new("bench");
    set.add(TrustAnchor::from_certificate(root.certificate.clone()));
    let anchors = TrustAnchors::new([set]);
    println!("in process                      per operation");
    let octets = certificate.der().to_vec();
    repeat("certificate read", || black_box(Certificate::from_der(&octets).unwrap()));
    repeat("path of 3 certificates", || {
        let others = [Certificate::from_der(issuing.certificate.der()).unwrap()];
        let leaf = Certificate::from_der(&octets).unwrap();
        PathBuilder::new(&anchors, ca::at(NOW)).intermediates(&others).build(&leaf).unwrap()
    });
    let soft = SoftKey::new(key, SignerIdentity::new(certificate, Vec::new())).unwrap();
    let to_be_signed = kyso::key::ToBeSigned::new(soft.default_algorithm(), vec![0; 100]);
    repeat("RSA-2048 signature value", || soft.sign(&to_be_signed).unwrap());
    Keys {
        root: root_file,
        issuing: issuing_file,
        crls: [root_crl, issuing_crl],
        key: key_file,
        certificate: certificate_file,
    }
}

fn repeat<T>(what: &str, mut operation: impl FnMut() -> T) {
    let mut times = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        let one = Instant::now();
        black_box(operation());
        times.push(one.elapsed().as_secs_f64());
    }
    println!("  {what:<26} {:>8.1} µs", median(times) * 1e6);
}
