//! The PDF corpus: every file against the verdict of its manifest.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::fs;
use std::path::Path;

use corpus::Exceptions;
use kyso::Error;
use kyso::Time;
use kyso::revocation::Evidence;
use kyso::trust::TrustAnchors;
use kyso::validate::Changes;
use kyso::validate::Coverage;
use kyso::validate::Indication;
use kyso::validate::Integrity;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::SignatureReport;
use kyso::validate::Validator;
use kyso::x509::Crl;

/// The pdf corpus speaks of cryptography and changes; who is trusted is for the rows with a known root.
struct Setting {
    policy: Policy,
    anchors: TrustAnchors,
    evidence: Evidence,
}

impl Setting {
    fn new(folder: &Path) -> Self {
        let root = fs::read(folder.join("pki/root.pem")).unwrap();
        let mut evidence = Evidence::new();
        evidence.add_crl(Crl::from_file(&fs::read(folder.join("pki/root.crl")).unwrap()).unwrap());
        Self { policy: Policy::etsi(), anchors: TrustAnchors::from_file("pki", &root).unwrap(), evidence }
    }

    fn validate(&self, octets: &[u8]) -> Result<Report, Error> {
        let at = Time::parse_rfc3339("2026-11-24T12:00:00Z").unwrap();
        let (pdf, _) = corpus::open_pdf(octets)?;
        Ok(Validator::new(&self.policy, &self.anchors, at).evidence(&self.evidence).pdf(&pdf))
    }
}

/// One line that says all that the manifest can speak of.
fn outcome(report: &Report) -> String {
    let one = |s: &SignatureReport| {
        let stamps = s.timestamps().iter().map(|t| t.integrity().name()).collect::<Vec<_>>().join(",");
        let mut line = format!(
            "{}/{}/{}/{}",
            s.indication().sub_indication().unwrap_or_else(|| s.indication().name()),
            s.integrity().name(),
            s.coverage().map_or("-", |c| c.name()),
            s.changes().map_or("-", |c| c.name()),
        );
        if !s.changes_permitted() {
            line.push_str("/forbidden");
        }
        if !stamps.is_empty() {
            line.push_str(&format!("/tst={stamps}"));
        }
        line
    };
    let signatures: Vec<String> = report.signatures().iter().map(one).collect();
    if signatures.is_empty() { "NO-SIGNATURE".to_owned() } else { signatures.join(" ") }
}

/// Whether a report says what the manifest's verdict demands; trust is no part of that.
fn fits(verdict: &str, report: &Result<Report, Error>) -> bool {
    let Ok(report) = report else { return !verdict.starts_with("OK") && !verdict.starts_with("CHANGED") };
    let all = report.signatures();
    let failed = report.overall() == Overall::TotalFailed;
    let intact = !all.is_empty() && all.iter().all(|s| s.integrity() == Integrity::Intact);
    let changes = || all.iter().filter_map(SignatureReport::changes).max().unwrap_or(Changes::None);
    let whole = all.iter().any(|s| s.coverage() == Some(Coverage::WholeDocument));
    match verdict {
        "OK" => intact && !failed && whole && changes() <= Changes::Form,
        "OK_CHANGES" => intact && !failed && changes() <= Changes::Form,
        "OK_CRYPTO" => intact,
        "CHANGED_FORM" => intact && changes() == Changes::Form,
        "CHANGED_ANNOT" => intact && changes() == Changes::Annotation && failed,
        "CHANGED_DISALLOWED" | "INVALID_COVERAGE" | "REJECT" => failed,
        "INVALID" => failed && all.iter().any(|s| s.integrity() == Integrity::Broken),
        "COVERAGE_WARN" => intact && !whole,
        "INVALID_TIMESTAMP" => {
            let stamps = all.iter().flat_map(SignatureReport::timestamps).chain(all);
            stamps.into_iter().any(|s| s.integrity() == Integrity::Broken)
        }
        "INDETERMINATE" => matches!(report.overall(), Overall::Indeterminate | Overall::TotalFailed),
        "ROBUST" => true,
        "UNSIGNED" | "UNSIGNED_PLACEHOLDER" => all.is_empty() || failed,
        _ => report.overall() != Overall::TotalPassed,
    }
}

#[test]
fn every_file_is_judged_as_its_manifest_says() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    let setting = Setting::new(&folder);
    let manifest = fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let mut exceptions = Exceptions::load("pdf");
    let mut rows = 0;
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (file, verdict) = (columns[0], columns[3]);
        let octets = fs::read(folder.join(file)).unwrap();
        let report = setting.validate(&octets);
        let actual = match &report {
            Ok(report) => outcome(report),
            Err(error) => format!("error: {error}"),
        };
        let right = fits(verdict, &report);
        if std::env::var_os("KYSO_CORPUS_VERBOSE").is_some() {
            eprintln!("{}\t{verdict}\t{file}\t{actual}", if right { "ok" } else { "NO" });
        }
        exceptions.record(file, right, &actual);
        rows += 1;
    }
    exceptions.finish(rows);
}

/// The files of the corpus's own PKI, with trust: what is good passes, and says to which level.
#[test]
fn with_its_root_the_good_files_of_the_own_pki_pass() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pdf")) else { return };
    let setting = Setting::new(&folder);
    let manifest = fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let mut passed = 0;
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (file, verdict) = (columns[0], columns[3]);
        if !file.contains("own__") {
            continue;
        }
        let Ok(report) = setting.validate(&fs::read(folder.join(file)).unwrap()) else { continue };
        let good = matches!(verdict, "OK" | "OK_CHANGES" | "OK_CRYPTO" | "CHANGED_FORM" | "COVERAGE_WARN" | "ROBUST");
        let total = report.overall() == Overall::TotalPassed;
        if std::env::var_os("KYSO_CORPUS_VERBOSE").is_some() {
            let levels: Vec<_> = report.signatures().iter().map(|s| s.level().map(|l| l.name())).collect();
            eprintln!("{total}\t{verdict}\t{file}\t{}\t{levels:?} {}", outcome(&report), columns[7]);
        }
        assert!(good || !total, "{file} ({verdict}): {}", outcome(&report));
        passed += usize::from(total);
        for signature in report.signatures() {
            if let Indication::TotalPassed(passed) = signature.indication() {
                assert_eq!(passed.trust_set(), "pki");
            }
        }
    }
    assert!(passed > 3, "only {passed} passed");
}
