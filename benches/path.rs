//! Three certificates (root, CA, signer) parsed and their path built and
//! verified, without revocation: processor time per path, for each backend,
//! beside OpenSSL (where a C compiler and its headers are) and rustls-webpki on
//! aws-lc-rs; and the transcoder from BER to DER.
//!
//! `cargo bench --all-features --bench path`
// a benchmark may stop where it stands, and reads the clock
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../tests/support/ca.rs"]
mod ca;
#[path = "../tests/support/der.rs"]
mod der;

use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use ca::Authority;
use ca::Template;
use kyso::Time;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::key::SigningKey;
use kyso::path::PathBuilder;
use kyso::trust::TrustAnchors;
use kyso::x509::Certificate;

/// Rounds of which the median is printed.
const ROUNDS: usize = 9;

struct Chain {
    at: Time,
    root: Vec<u8>,
    issuing: Vec<u8>,
    leaf: Vec<u8>,
}

impl Chain {
    fn new(spec: KeySpec) -> Self {
        let root = Authority::root(Template::ca(&[(ca::CN, "Root of path")], None), spec);
        let issuing = root.subordinate(Template::ca(&[(ca::CN, "CA of path")], Some(0)), spec);
        let leaf = issuing.issue(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), spec);
        Self {
            at: ca::at("2026-06-01T00:00:00Z"),
            root: root.certificate.der().to_vec(),
            issuing: issuing.certificate.der().to_vec(),
            leaf: leaf.identity().certificate().der().to_vec(),
        }
    }

    fn parse(&self) -> [Certificate; 3] {
        [&self.root, &self.issuing, &self.leaf].map(|der| Certificate::from_der(der).unwrap())
    }

    /// All three certificates are read anew each time.
    fn path(&self, backend: Backend) {
        let anchors = TrustAnchors::from_file("bench", &self.root).unwrap();
        let [issuing, leaf] = [&self.issuing, &self.leaf].map(|der| Certificate::from_der(der).unwrap());
        let builder = PathBuilder::new(&anchors, self.at).intermediates(&[issuing]).backend(backend);
        black_box(builder.build(&leaf).unwrap());
    }

    /// The equations alone, under keys that were decoded before.
    fn equations(&self, [root, issuing, leaf]: &[Certificate; 3], backend: Backend) {
        for (issuer, signed) in [(root, issuing), (issuing, leaf)] {
            let algorithm = kyso::crypto::SignatureAlgorithm::from_der(signed.signature_algorithm(), None).unwrap();
            let message = Message::Octets(signed.tbs_octets());
            backend.verify(issuer.public_key(), &algorithm, message, signed.signature()).unwrap();
        }
    }

    /// OpenSSL on the same files: microseconds of verification alone, and with parsing.
    fn openssl(&self) -> Option<(f64, f64)> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let files = [("root.der", &self.root), ("issuing.der", &self.issuing), ("leaf.der", &self.leaf)];
        files.iter().for_each(|(name, der)| std::fs::write(path(name), der).unwrap());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/openssl_path.c");
        let program = path("openssl_path");
        let built = Command::new("cc").args(["-O2", source, "-lcrypto", "-o"]).arg(&program).output().ok()?;
        if !built.status.success() {
            return None;
        }
        let run = Command::new(&program)
            .args(files.map(|(name, _)| path(name)))
            .arg(self.at.unix().to_string())
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let text = String::from_utf8(run.stdout).unwrap();
        let mut figures = text.split_whitespace().map(|figure| figure.parse().unwrap());
        Some((figures.next()?, figures.next()?))
    }

    #[cfg(feature = "aws-lc-rs")]
    fn webpki(&self) {
        use rustls_pki_types::CertificateDer;
        use rustls_pki_types::UnixTime;
        let root = CertificateDer::from(self.root.as_slice());
        let anchors = [webpki::anchor_from_trusted_cert(&root).unwrap()];
        let issuing = [CertificateDer::from(self.issuing.as_slice())];
        let leaf = CertificateDer::from(self.leaf.as_slice());
        let leaf = webpki::EndEntityCert::try_from(&leaf).unwrap();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(self.at.unix().unsigned_abs()));
        let usage = webpki::KeyUsage::client_auth();
        let path = leaf.verify_for_usage(&lent::ALGORITHMS, &anchors, &issuing, now, usage, None, None);
        black_box(path.unwrap());
    }
}

/// aws-lc-rs for rustls-webpki, as its own feature would have it.
#[cfg(feature = "aws-lc-rs")]
mod lent {
    use aws_lc_rs::signature;
    use rustls_pki_types::AlgorithmIdentifier;
    use rustls_pki_types::InvalidSignature;
    use rustls_pki_types::SignatureVerificationAlgorithm;
    use rustls_pki_types::alg_id;

    #[derive(Debug)]
    struct Lent {
        key: AlgorithmIdentifier,
        value: AlgorithmIdentifier,
        verifies: &'static dyn signature::VerificationAlgorithm,
    }

    impl SignatureVerificationAlgorithm for Lent {
        fn verify_signature(&self, key: &[u8], message: &[u8], value: &[u8]) -> Result<(), InvalidSignature> {
            let key = signature::UnparsedPublicKey::new(self.verifies, key);
            key.verify(message, value).map_err(|_| InvalidSignature)
        }

        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            self.key
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            self.value
        }
    }

    pub(super) static ALGORITHMS: [&dyn SignatureVerificationAlgorithm; 2] = [
        &Lent {
            key: alg_id::RSA_ENCRYPTION,
            value: alg_id::RSA_PKCS1_SHA256,
            verifies: &signature::RSA_PKCS1_2048_8192_SHA256,
        },
        &Lent { key: alg_id::ECDSA_P256, value: alg_id::ECDSA_SHA256, verifies: &signature::ECDSA_P256_SHA256_ASN1 },
    ];
}

/// Nanoseconds of processor time that this thread has had; where the system
/// does not say, of the clock. The machine may be busy with other things.
fn spent(start: Instant) -> u64 {
    let own = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let own = own.and_then(|text| text.split(' ').next()?.parse().ok());
    own.unwrap_or_else(|| u64::try_from(start.elapsed().as_nanos()).unwrap())
}

/// Median microseconds of one call.
fn measure(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut calls = 1;
    // What is made at the first call and kept.
    work();
    // As many calls as take 80 ms: the system counts in steps of some milliseconds.
    loop {
        let before = spent(start);
        (0..calls).for_each(|_| work());
        if spent(start) - before > 80_000_000 {
            break;
        }
        calls *= 2;
    }
    let mut rounds: Vec<u64> = (0..ROUNDS)
        .map(|_| {
            let before = spent(start);
            (0..calls).for_each(|_| work());
            spent(start) - before
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2] as f64 / f64::from(calls) / 1_000.0
}

/// What the transcoder gets: DER of many small values, as long lists and chains
/// are; and CMS of 64 MiB as streaming writers make it, in segments of 4 KiB
/// under indefinite lengths, beside a copy of as many octets.
fn transcoder() {
    let limits = kyso::Limits::default();
    let line = |what: &str, octets: usize, micros: f64| {
        println!("{what:52} {:5.2} GB/s", octets as f64 / micros / 1_000.0);
    };
    let mut root = Authority::root(Template::ca(&[(ca::CN, "Root of path")], None), KeySpec::P256);
    let at = ca::at("2026-06-01T00:00:00Z");
    let signer = root.issue(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), KeySpec::P256);
    let certificate = signer.identity().certificate().clone();
    let certificates = der::seq(&[&certificate.der().repeat(8_000)]);
    for _ in 0..20_000 {
        root.revoke(&certificate, at, None);
    }
    let crl = root.crl(at, ca::at("2026-07-01T00:00:00Z"));
    for (what, input) in [("8 000 certificates", &certificates), ("a CRL of 20 000 entries", &crl)] {
        let micros = measure(|| drop(black_box(kyso::asn1::to_der(input, &limits).unwrap())));
        line(&format!("BER to DER, in DER already: {what}"), input.len(), micros);
    }
    let content = vec![0x5A; 64 << 20];
    let segment = [&[0x04, 0x82, 0x10, 0x00][..], &[0x5A; 4096]].concat();
    let streamed = [&[0x24, 0x80][..], &segment.repeat(content.len() / 4096), &[0, 0]].concat();
    let micros = measure(|| drop(black_box(kyso::asn1::to_der(&streamed, &limits).unwrap())));
    line("BER to DER, 64 MiB in segments", streamed.len(), micros);
    line("a copy of 64 MiB", content.len(), measure(|| drop(black_box(content.clone()))));
}

fn main() {
    let backends = [
        ("RustCrypto", Backend::rust_crypto()),
        #[cfg(feature = "aws-lc-rs")]
        ("aws-lc-rs", Backend::aws_lc_rs()),
    ];
    transcoder();
    for (name, spec) in [("RSA-2048", KeySpec::Rsa2048), ("P-256", KeySpec::P256)] {
        let chain = Chain::new(spec);
        let line = |what: &str, micros: f64| println!("{name:9} {what:42} {micros:8.1} µs");
        line("parse three certificates", measure(|| drop(black_box(chain.parse()))));
        for (backend_name, backend) in backends {
            let parsed = chain.parse();
            line(&format!("two equations, {backend_name}"), measure(|| chain.equations(&parsed, backend)));
            line(&format!("parse and verify, {backend_name}"), measure(|| chain.path(backend)));
        }
        match chain.openssl() {
            Some((verified, whole)) => {
                line("verify, OpenSSL", verified);
                line("parse and verify, OpenSSL", whole);
            }
            None => println!("{name:9} OpenSSL: not measured, no C compiler or no headers"),
        }
        #[cfg(feature = "aws-lc-rs")]
        line("parse and verify, rustls-webpki on aws-lc-rs", measure(|| chain.webpki()));
        let key = kyso::crypto::PrivateKey::generate(spec).unwrap();
        for (backend_name, backend) in backends {
            let sign = || drop(backend.sign(&key, &key.default_algorithm(), Message::Octets(b"ky so")).unwrap());
            line(&format!("sign, {backend_name}"), measure(sign));
        }
    }
}
