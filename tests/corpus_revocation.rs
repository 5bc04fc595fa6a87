//! Revocation against the corpus: OCSP responses of OpenSSL's suite, and PKIs
//! whose status at several times is known.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::fs;
use std::path::Path as FilePath;

use corpus::Exceptions;
use kyso::Time;
use kyso::crypto::Backend;
use kyso::path::PathBuilder;
use kyso::revocation::Evidence;
use kyso::revocation::Freshness;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::revocation::Surroundings;
use kyso::revocation::judge;
use kyso::revocation::judge_ocsp;
use kyso::trust::TrustAnchors;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::ocsp::OcspResponse;
use serde_json::Value;

#[test]
fn openssl_ocsp() {
    let Some(corpus) = corpus::corpus() else { return };
    let folder = corpus.join("pkix/ocsp-openssl");
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let at = Time::parse_rfc3339(manifest["validation_time"].as_str().unwrap()).unwrap();
    let rules = RevocationRules::default();
    let mut exceptions = Exceptions::load("ocsp-openssl");
    let tests = manifest["tests"].as_array().unwrap();
    for test in tests {
        let text = |key: &str| test[key].as_str().unwrap().to_owned();
        let certificates = |name: &str| match name {
            "" => Vec::new(),
            name => Certificate::all_from_file(&fs::read(folder.join(name)).unwrap()).unwrap(),
        };
        let base64 = fs::read(folder.join(text("response"))).unwrap();
        let response = OcspResponse::from_der(&base64_simd::forgiving_decode_to_vec(&base64).unwrap()).unwrap();
        let mut evidence = Evidence::new();
        certificates(&text("untrusted")).into_iter().for_each(|c| evidence.add_certificate(c));
        let issuer = certificates(&text("trusted_issuer")).remove(0);
        let anchors = TrustAnchors::none();
        let around = Surroundings::new(&anchors, &evidence, &rules, at);
        let judged = judge_ocsp(&response, &issuer, None, &around).unwrap();
        let valid = judged.authentic && judged.signer_entitled;
        let findings: Vec<String> = judged.findings.iter().map(ToString::to_string).collect();
        let actual =
            format!("authentic {}, entitled {}: {}", judged.authentic, judged.signer_entitled, findings.join("; "));
        exceptions.record(&text("id"), valid == test["valid"].as_bool().unwrap(), &actual);
    }
    exceptions.finish(tests.len());
}

/// A path of a PKI at one time, with some evidence.
struct Row {
    id: &'static str,
    folder: &'static str,
    anchor: &'static str,
    /// Leaf first; then what may be issuers or responders.
    certificates: &'static [&'static str],
    /// CRLs and OCSP responses.
    evidence: &'static [&'static str],
    at: &'static str,
    freshness: Freshness,
    /// Of each certificate of the path, leaf first.
    expected: &'static [&'static str],
}

const FRESHNESS: Row = Row {
    id: "",
    folder: "certvalidator/freshness",
    anchor: "certs/root.crt",
    certificates: &["certs/alice.crt", "certs/interm.crt", "certs/interm-ocsp.crt"],
    evidence: &[],
    at: "",
    freshness: Freshness::CoversTime,
    expected: &[],
};

/// Alice is revoked since 2020-12-01; responses hold for ten minutes, CRLs for ten days.
const ROWS: &[Row] = &[
    Row {
        id: "fresh response and CRL",
        evidence: &["alice-2020-11-29.ors", "root-2020-11-29.crl"],
        at: "2020-11-29T00:05:00Z",
        expected: &["good", "good"],
        ..FRESHNESS
    },
    Row {
        id: "revoked",
        evidence: &["alice-2020-12-10.ors", "root-2020-12-10.crl"],
        at: "2020-12-10T00:05:00Z",
        expected: &["revoked since 2020-12-01T00:00:00Z (keyCompromise)", "good"],
        ..FRESHNESS
    },
    Row {
        id: "a stale response is not good",
        evidence: &["alice-2020-11-29.ors", "root-2020-11-29.crl"],
        at: "2020-11-30T00:00:00Z",
        expected: &["STALE", "good"],
        ..FRESHNESS
    },
    Row {
        id: "a revocation stands though its evidence is stale",
        evidence: &["alice-2020-12-10.ors", "root-2020-12-10.crl"],
        at: "2021-06-01T00:00:00Z",
        expected: &["revoked since 2020-12-01T00:00:00Z (keyCompromise)", "STALE"],
        ..FRESHNESS
    },
    Row {
        id: "later evidence tells of an earlier time",
        evidence: &["alice-2020-12-10.ors", "root-2020-12-10.crl"],
        at: "2020-11-15T00:00:00Z",
        expected: &["good, revoked later", "good"],
        ..FRESHNESS
    },
    Row {
        id: "later evidence tells of the very time of revocation",
        evidence: &["alice-2020-12-10.ors", "root-2020-12-10.crl"],
        at: "2020-12-01T00:00:00Z",
        expected: &["revoked since 2020-12-01T00:00:00Z (keyCompromise)", "good"],
        ..FRESHNESS
    },
    Row {
        id: "good and revoked in contradiction",
        evidence: &["alice-2020-12-10.ors", "alice-2020-11-29.ors", "alice-2020-10-01.ors", "root-2020-12-10.crl"],
        at: "2020-12-10T00:05:00Z",
        expected: &["revoked since 2020-12-01T00:00:00Z (keyCompromise)", "good"],
        ..FRESHNESS
    },
    Row {
        id: "strict: issued before the time",
        evidence: &["alice-2020-11-29.ors", "root-2020-11-29.crl"],
        at: "2020-11-29T00:05:00Z",
        freshness: Freshness::IssuedAfterTime,
        expected: &["STALE", "STALE"],
        ..FRESHNESS
    },
    Row {
        id: "strict: issued after the time",
        evidence: &["alice-2020-11-29.ors", "root-2020-11-29.crl"],
        at: "2020-11-20T00:00:00Z",
        freshness: Freshness::IssuedAfterTime,
        expected: &["good", "good"],
        ..FRESHNESS
    },
    Row { id: "no evidence", at: "2020-11-29T00:05:00Z", expected: &["NO_EVIDENCE", "NO_EVIDENCE"], ..FRESHNESS },
    Row {
        id: "without the responder's certificate",
        certificates: &["certs/alice.crt", "certs/interm.crt"],
        evidence: &["alice-2020-11-29.ors"],
        at: "2020-11-29T00:05:00Z",
        expected: &["good", "NO_EVIDENCE"],
        ..FRESHNESS
    },
    Row {
        id: "a revoked CA",
        certificates: &["certs/alice.crt", "certs/interm-revoked.crt"],
        evidence: &["root-2020-12-10.crl"],
        at: "2020-12-10T00:05:00Z",
        expected: &["NO_EVIDENCE", "revoked since 2020-12-01T00:00:00Z (keyCompromise)"],
        ..FRESHNESS
    },
    Row {
        id: "CRLs alone",
        folder: "certvalidator/ades/time-slide",
        certificates: &["certs/alice.crt", "certs/interm.crt"],
        evidence: &["interm-2020-11-29.crl", "root-2020-11-29.crl"],
        at: "2020-11-30T12:00:00Z",
        expected: &["good", "good"],
        ..FRESHNESS
    },
    Row {
        id: "a newer CRL revokes",
        folder: "certvalidator/ades/time-slide",
        certificates: &["certs/alice.crt", "certs/interm.crt"],
        evidence: &["interm-2020-11-29.crl", "interm-2020-12-10.crl", "root-2020-11-29.crl"],
        at: "2020-12-01T00:00:00Z",
        expected: &["revoked since 2020-12-01T00:00:00Z (keyCompromise)", "good"],
        ..FRESHNESS
    },
    Row {
        id: "a CRL of a revoked CA counts only from before",
        folder: "certvalidator/ades/time-slide",
        certificates: &["certs/alice.crt", "certs/interm-revoked.crt"],
        evidence: &["interm-2020-12-10.crl", "root-2020-12-10.crl"],
        at: "2020-12-10T00:05:00Z",
        expected: &["SIGNER_STATUS", "revoked since 2020-12-01T00:00:00Z (keyCompromise)"],
        ..FRESHNESS
    },
    // One key answers for two CAs under a certificate of each: either entitles it for its own issuer alone.
    Row {
        id: "one responder key, two delegations",
        folder: "certvalidator/multitasking-ocsp",
        anchor: "root.cert.pem",
        certificates: &["alice.cert.pem", "interm.cert.pem", "root-ocsp.cert.pem", "interm-ocsp.cert.pem"],
        evidence: &["ocsp-resp-alice.der", "ocsp-resp-interm.der"],
        at: "2021-08-19T12:20:00Z",
        expected: &["good", "good"],
        ..FRESHNESS
    },
    Row {
        id: "signed by the CA itself",
        folder: "rust-pki/ocsp_direct_ca",
        anchor: "ca.der",
        certificates: &["ee.der"],
        evidence: &["resp.der"],
        at: "2026-08-01T00:00:00Z",
        expected: &["good"],
        ..FRESHNESS
    },
    Row {
        id: "responders by key of a public CA",
        folder: "rust-pki/amazon.com",
        anchor: "0-ta.der",
        certificates: &["2-target.der", "1.der"],
        evidence: &["1-ocsp.ocspResp", "2-ocsp.ocspResp"],
        at: "2022-03-06T00:00:00Z",
        expected: &["good", "good"],
        ..FRESHNESS
    },
    Row {
        id: "a delegated responder with nocheck",
        folder: "rust-pki/ocsp_dod",
        anchor: "ca63.der",
        certificates: &["47.der"],
        evidence: &["47-ocsp-resp.der"],
        at: "2026-07-16T00:00:00Z",
        expected: &["good"],
        ..FRESHNESS
    },
];

#[test]
fn known_pkis() {
    let Some(corpus) = corpus::corpus() else { return };
    let corpus = corpus.join("pkix");
    let mut wrong = Vec::new();
    for row in ROWS {
        let found = statuses(&corpus.join(row.folder), row);
        if found != row.expected {
            wrong.push(format!("{}: {found:?}", row.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn statuses(folder: &FilePath, row: &Row) -> Vec<String> {
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let anchors = TrustAnchors::from_file("corpus", &read(row.anchor)).unwrap();
    let at = Time::parse_rfc3339(row.at).unwrap();
    let mut evidence = Evidence::new();
    for name in row.certificates {
        Certificate::all_from_file(&read(name)).unwrap().into_iter().for_each(|c| evidence.add_certificate(c));
    }
    for name in row.evidence {
        if name.ends_with("crl") || name.starts_with("crl") {
            evidence.add_crl(Crl::from_file(&read(name)).unwrap());
        } else {
            evidence.add_ocsp(OcspResponse::from_der(&read(name)).unwrap());
        }
    }
    let leaf = evidence.certificates()[0].clone();
    let path = PathBuilder::new(&anchors, at).intermediates(&evidence.certificates()[1..]).build(&leaf).unwrap();
    let mut rules = RevocationRules::default();
    rules.freshness = row.freshness;
    let found = judge(&path, &evidence, &rules, at, Backend::default());
    found
        .certificates()
        .iter()
        .map(|c| match &c.status {
            RevocationStatus::Good(good) if good.revoked_later.is_some() => "good, revoked later".to_owned(),
            RevocationStatus::Unknown(unknown) => unknown.reason.code().to_owned(),
            known => known.to_string(),
        })
        .collect()
}
