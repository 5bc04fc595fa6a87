//! pyHanko, poppler and qpdf judge documents of levels B-LT and B-LTA.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "python.rs"]
pub mod python;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;

use kyso::level::BaselineLevel;

/// A quarter of an hour ago, in whole seconds: peers have the clock of the machine.
#[allow(clippy::disallowed_methods)]
pub fn a_while_ago() -> kyso::Time {
    let now = kyso::Time::from_system(std::time::SystemTime::now()).unwrap();
    let whole = kyso::Time::from_unix(now.unix()).unwrap();
    whole.saturating_sub(std::time::Duration::from_secs(900))
}

/// Documents that wait for their judges, in a folder.
pub struct Judged {
    folder: tempfile::TempDir,
    files: Vec<File>,
}

struct File {
    path: PathBuf,
    level: BaselineLevel,
    password: String,
    /// The one field whose signature is judged; empty for all.
    field: String,
}

/// Judges one file: `ok`, or what is against it.
const PYHANKO: &str = r#"
import asyncio, logging, sys
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import DocumentSecurityStore, async_validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.policy_decl import (
    PdfSignatureValidationSpec, RevinfoOnlineFetchingRule, RevocationInfoGatheringSpec, SignatureValidationSpec)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, REQUIRE_REVINFO
from pyhanko_certvalidator.registry import SimpleTrustManager

logging.disable(logging.CRITICAL)
root = load_cert_from_pemder(sys.argv[1])
policy = CertValidationPolicySpec(
    trust_manager=SimpleTrustManager.build(trust_roots=[root]),
    revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO),
)
# What the document does not carry is not to be had.
local = RevocationInfoGatheringSpec(RevinfoOnlineFetchingRule.LOCAL_ONLY)
spec = PdfSignatureValidationSpec(
    SignatureValidationSpec(cert_validation_policy=policy, revinfo_gathering_policy=local))

async def judge_lt(reader, signature):
    # The validation data is that of the store; the AdES procedure asks for time-stamps over it.
    store = DocumentSecurityStore.read_dss(reader)
    context = store.as_validation_context(
        dict(trust_roots=[root], allow_fetching=False, revocation_mode='hard-fail'))
    status = await async_validate_pdf_signature(signature, context, ts_validation_context=context)
    assert status.bottom_line, f'{signature.field_name}: {status.summary()}'

async def judge(path, lta, password, field):
    with open(path, 'rb') as f:
        reader = PdfFileReader(f, strict=False)
        if reader.encrypted:
            reader.decrypt(password.encode())
        signatures = [s for s in reader.embedded_regular_signatures if field in ('', s.field_name)]
        assert signatures, 'no signature'
        for signature in signatures:
            if lta == '0':
                await judge_lt(reader, signature)
                continue
            result = await ades_lta_validation(signature, spec)
            name = signature.field_name
            assert result.ades_subindic.name == 'OK', f'{name}: {result.ades_subindic} {result.failure_msg}'
            assert result.api_status.bottom_line, f'{name}: {result.api_status.summary()}'
            assert result.oldest_evidence_record_timestamp is not None, f'{name}: no archive time-stamp'
    return 'ok'

try:
    verdict = asyncio.run(judge(*sys.argv[2:]))
except Exception as e:
    verdict = f'{type(e).__name__} {e}'.replace('\n', ' ')
print(verdict)
"#;

impl Judged {
    pub fn new(root: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("root.pem"), root).unwrap();
        Self { folder, files: Vec::new() }
    }

    pub fn add(&mut self, name: &str, document: &[u8], level: BaselineLevel) {
        self.add_field(name, document, level, "", "");
    }

    /// A document in which the signature of one field is judged alone.
    pub fn add_field(&mut self, name: &str, document: &[u8], level: BaselineLevel, password: &str, field: &str) {
        let path = self.folder.path().join(format!("{name}.pdf"));
        fs::write(&path, document).unwrap();
        self.files.push(File { path, level, password: password.to_owned(), field: field.to_owned() });
    }

    /// All complaints on all files, now.
    pub fn finish(self) {
        let mut complaints: Vec<String> = Vec::new();
        for File { path, .. } in &self.files {
            complaints.extend(qpdf(path));
            complaints.extend(pdfsig(path));
        }
        complaints.extend(self.pyhanko());
        if !complaints.is_empty() {
            let kept = self.folder.keep();
            panic!("in {}:\n{}", kept.display(), complaints.join("\n"));
        }
    }

    /// The complaints of pyHanko alone.
    ///
    /// Each file has a process of its own: nothing that one leaves behind can tell on the next.
    pub fn pyhanko(&self) -> Vec<String> {
        self.files.iter().filter_map(|file| self.judge(file)).collect()
    }

    fn judge(&self, File { path, level, password, field }: &File) -> Option<String> {
        let root = self.folder.path().join("root.pem");
        let lta = if *level == BaselineLevel::Lta { "1" } else { "0" };
        let arguments = [root.to_str().unwrap(), path.to_str().unwrap(), lta, password, field];
        let printed = python::run(PYHANKO, &arguments)?;
        assert!(printed.success, "{}", printed.text);
        let verdict = printed.text.trim_end();
        assert!(!verdict.is_empty(), "{}: no verdict", path.display());
        (verdict != "ok").then(|| format!("{}: {verdict}", path.display()))
    }
}

/// Runs a peer; `None`, said aloud, where it is not installed and need not be.
fn tool(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{program}: {error}");
            eprintln!("{program} not found: skipped");
            None
        }
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn qpdf(path: &Path) -> Option<String> {
    let output = tool("qpdf", &["--check", path.to_str().unwrap()])?;
    (!output.status.success()).then(|| format!("{}: {}", path.display(), text(&output)))
}

fn pdfsig(path: &Path) -> Option<String> {
    // -nocert: it trusts the database of NSS alone; the equation and the digests are what it is asked.
    let output = tool("pdfsig", &["-nocert", path.to_str().unwrap()])?;
    let text = text(&output);
    let signatures = text.matches("Signature Type: ETSI.CAdES.detached").count();
    let valid = text.matches("Signature Validation: Signature is Valid.").count();
    (signatures == 0 || valid < signatures).then(|| format!("{}: {text}", path.display()))
}
