//! CMS signatures and time-stamps of the corpus: a matrix of keys, digests and
//! encodings that OpenSSL made, and signatures from other people's tests.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use corpus::Exceptions;
use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::timestamp::TimeStampResponse;
use kyso::timestamp::TimeStampToken;
use kyso::trust::TrustAnchors;
use kyso::validate::Integrity;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use kyso::x509::Certificate;
use serde_json::Value;

/// Every certificate below `folder/pki`, as somebody would offer them.
fn offered(folder: &Path) -> Vec<Certificate> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder.join("pki")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|f| Certificate::all_from_file(&fs::read(f).unwrap()).unwrap()).collect()
}

fn text(report: &Result<Report, Error>) -> String {
    match report {
        Err(error) => format!("error: {error}"),
        Ok(report) => {
            let one = |s: &kyso::validate::SignatureReport| {
                let indication = s.indication();
                let level = s.level().map_or(String::new(), |l| format!("/{}", l.name()));
                let stamps = s.timestamps().iter().map(|t| format!("/{}={}", t.kind().name(), t.integrity().name()));
                let word = indication.sub_indication().unwrap_or_else(|| indication.name());
                format!("{word}/{}{level}{}", s.integrity().name(), stamps.collect::<String>())
            };
            report.signatures().iter().map(one).collect::<Vec<_>>().join(" ")
        }
    }
}

fn token(kind: &str, octets: &[u8]) -> Result<TimeStampToken, Error> {
    let limits = Limits::default();
    if kind == "rfc3161-token" {
        return TimeStampToken::from_octets(octets, &limits);
    }
    TimeStampResponse::from_octets(octets, &limits)?.granted()
}

#[test]
fn the_matrix_of_keys_digests_and_encodings() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pkix/cms-tsp")) else { return };
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let root = fs::read(folder.join(manifest["trust_anchor"].as_str().unwrap())).unwrap();
    let at = Time::parse_rfc3339(manifest["validation_time"].as_str().unwrap()).unwrap();
    let mut exceptions = Exceptions::load("cms-tsp");
    let mut rows = 0;
    let policy = Policy::etsi().without_revocation();
    for backend in corpus::backends() {
        // Read anew: what one backend verified, certificates remember.
        let anchors = TrustAnchors::from_file("matrix", &root).unwrap();
        let certificates = offered(&folder);
        let validator = Validator::new(&policy, &anchors, at).intermediates(&certificates).backend(backend);
        for row in manifest["tests"].as_array().unwrap() {
            let file = row["file"].as_str().unwrap();
            let octets = fs::read(folder.join(file)).unwrap();
            let content = |key: &str| row[key].as_str().map(|name| fs::read(folder.join(name)).unwrap());
            let report = match row["kind"].as_str().unwrap() {
                "cms-signed" => SignedData::from_octets(&octets, &Limits::default()).map(|signed| {
                    let content = content("content").filter(|_| row["detached"] == true);
                    validator.cms(&signed, content.as_ref().map(|c| c as &dyn kyso::source::Source))
                }),
                kind => token(kind, &octets).map(|token| {
                    let data = content("data").unwrap();
                    validator.timestamp(&token, Some(&token.imprint().algorithm().digest(&data)))
                }),
            };
            let valid = row["valid"] == true;
            // SHA-1 is right as mathematics and never as a signature.
            let digest = row["digest"].as_str().unwrap_or_default();
            let right = match &report {
                Err(_) => !valid,
                Ok(report) => {
                    let passed = report.overall() == Overall::TotalPassed;
                    let intact = report.signatures().iter().all(|s| s.integrity() == Integrity::Intact);
                    if valid { intact && passed == (digest != "sha1") } else { !passed }
                }
            };
            let id = format!("{file}{}", row["id_suffix"].as_str().map(|s| format!("#{s}")).unwrap_or_default());
            if !valid || std::env::var_os("KYSO_CORPUS_VERBOSE").is_some() {
                eprintln!("{id}\t{valid}\t{}", text(&report));
            }
            exceptions.record(&id, right, &text(&report));
            rows += 1;
        }
    }
    exceptions.finish(rows);
}

/// What others sign reads, or says why not; without anchors nothing passes.
#[test]
fn other_peoples_signatures_read_and_none_passes_without_anchors() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pkix")) else { return };
    let policy = Policy::etsi();
    let anchors = TrustAnchors::none();
    let at = Time::parse_rfc3339("2026-11-23T00:00:00Z").unwrap();
    let validator = Validator::new(&policy, &anchors, at);
    let mut exceptions = Exceptions::load("cms");
    let mut rows = 0;
    for suite in ["dss", "formats"] {
        for file in files(&folder.join(suite)) {
            let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !["p7m", "p7s", "p7", "pkcs7"].contains(&extension) {
                continue;
            }
            let octets = fs::read(&file).unwrap();
            let name = file.strip_prefix(&folder).unwrap().display().to_string();
            let report = SignedData::from_file(&octets, &Limits::default()).map(|signed| validator.cms(&signed, None));
            let right = report.as_ref().is_ok_and(|r| !matches!(r.overall(), Overall::TotalPassed));
            if std::env::var_os("KYSO_CORPUS_VERBOSE").is_some() {
                eprintln!("{name}\t{}", text(&report));
            }
            exceptions.record(&name, right, &text(&report));
            rows += 1;
        }
    }
    exceptions.finish(rows);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all
}
