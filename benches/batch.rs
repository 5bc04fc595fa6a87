//! A batch of 1,000 small documents with one RSA-2048 key in software, to its
//! own signing rate on one core, and to pyHanko's loop over the same documents.
//!
//! ```sh
//! cargo bench --bench batch --features aws-lc-rs
//! KYSO_PYTHON=venv/bin/python cargo bench --bench batch --features aws-lc-rs   # beside pyHanko
//! ```
//!
//! Each document is read, signed at B-B, written under another name and synced.
//! pyHanko neither syncs nor reads back.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::disallowed_methods)]

#[path = "../tests/support/ca.rs"]
mod ca;
#[path = "../tests/support/der.rs"]
mod der;
#[path = "../tests/support/sample_pdf.rs"]
mod sample_pdf;

use std::fs;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use ca::Authority;
use ca::Template;
use kyso::Limits;
use kyso::batch::Batch;
use kyso::batch::Item;
use kyso::batch::Outcome;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::sign::pades::PadesRequest;
use sample_pdf::Xref;

const NOW: &str = "2026-11-23T02:30:00Z";
const DOCUMENTS: usize = 1_000;
/// Signatures of which the rate of the key alone is the mean.
const SIGNATURES: usize = 300;

const PYHANKO: &str = r#"
import logging, sys, time
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigSeedSubFilter
logging.disable(logging.CRITICAL)
folder, count = sys.argv[1], int(sys.argv[2])
signer = signers.SimpleSigner.load(f'{folder}/key.der', f'{folder}/certificate.der')
meta = signers.PdfSignatureMetadata(field_name='Signature1', md_algorithm='sha256',
                                    subfilter=SigSeedSubFilter.PADES)
begun = time.perf_counter()
for index in range(count):
    with open(f'{folder}/{index}.pdf', 'rb') as source, open(f'{folder}/out/{index}.pdf', 'w+b') as out:
        signers.PdfSigner(meta, signer).sign_pdf(IncrementalPdfFileWriter(source), output=out)
print(time.perf_counter() - begun)
"#;

fn line(what: &str, count: usize, seconds: f64) {
    println!("{what:<52} {:8.1} a second {seconds:8.2} s", count as f64 / seconds);
}

fn main() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-batch");
    fs::create_dir_all(folder.join("out")).unwrap();
    let root = Authority::root(Template::ca(&[(ca::CN, "Root of batch")], None), KeySpec::Rsa2048);
    let private = PrivateKey::generate(KeySpec::Rsa2048).unwrap();
    let certificate = root.certify(&Template::new(&[(ca::CN, "Văn thư")]), &private);
    fs::write(folder.join("key.der"), &*private.to_pkcs8_der().unwrap()).unwrap();
    fs::write(folder.join("certificate.der"), certificate.der()).unwrap();
    let items: Vec<Item> = (0..DOCUMENTS)
        .map(|index| {
            let padding = format!("<< /Length 30000 >>\nstream\n{}\nendstream", "x".repeat(30_000));
            let objects = sample_pdf::two_pages(&format!("/Lang (vi-{index}) /Padding 7 0 R"), "", &[&padding]);
            let input = folder.join(format!("{index}.pdf"));
            fs::write(&input, sample_pdf::document(Xref::Table, &objects)).unwrap();
            Item { input, output: folder.join(format!("out/{index}.pdf")) }
        })
        .collect();
    let backends = [
        ("RustCrypto", Backend::rust_crypto()),
        #[cfg(feature = "aws-lc-rs")]
        ("aws-lc-rs", Backend::aws_lc_rs()),
    ];
    for (name, backend) in backends {
        let private = PrivateKey::from_file(&fs::read(folder.join("key.der")).unwrap(), None).unwrap();
        let identity = SignerIdentity::new(certificate.clone(), Vec::new());
        let key = SoftKey::new(private, identity).unwrap().with_backend(backend);
        let algorithm = key.default_algorithm();
        let begun = Instant::now();
        for index in 0..SIGNATURES {
            let message = ToBeSigned::new(algorithm, index.to_be_bytes().to_vec());
            black_box(key.sign(&message).unwrap());
        }
        line(&format!("{name}: the key alone, on one core"), SIGNATURES, begun.elapsed().as_secs_f64());
        for threads in [1, 2] {
            let _ = fs::remove_dir_all(folder.join("out"));
            fs::create_dir(folder.join("out")).unwrap();
            let batch = Batch::new(items.clone()).threads(NonZeroUsize::new(threads).unwrap());
            let begun = Instant::now();
            let outcomes = batch
                .run(&key, |_, source, key, out| {
                    let pdf = Pdf::parse(source, &Limits::default())?;
                    PadesRequest::new(&pdf, ca::at(NOW)).backend(backend).sign_to(key, out).map(drop)
                })
                .unwrap();
            let took = begun.elapsed().as_secs_f64();
            assert!(outcomes.iter().all(|outcome: &Outcome<()>| matches!(outcome, Outcome::Done(()))));
            line(&format!("{name}: batch, {threads} thread(s) beside the key's"), DOCUMENTS, took);
        }
    }
    let Some(python) = std::env::var_os("KYSO_PYTHON") else { return };
    let _ = fs::remove_dir_all(folder.join("out"));
    fs::create_dir(folder.join("out")).unwrap();
    let count = DOCUMENTS.to_string();
    let output = Command::new(python).args(["-c", PYHANKO, folder.to_str().unwrap(), &count]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    line("pyHanko", DOCUMENTS, text.trim().parse().unwrap());
}
