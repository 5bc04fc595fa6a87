//! Certification paths against the suites of the corpus: PKITS with revocation,
//! PKITS under P-256, x509-limbo, and the chain cases of OpenSSL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/corpus.rs"]
mod corpus;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path as FilePath;

use corpus::Exceptions;
use kyso::Time;
use kyso::asn1::Oid;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeyType;
use kyso::path::Path;
use kyso::path::PathBuilder;
use kyso::path::PathSettings;
use kyso::path::ValidPolicy;
use kyso::revocation::Evidence;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::revocation::judge;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::KeyPurpose;
use serde_json::Value;

const ANY_POLICY: &str = "2.5.29.32.0";

fn json(path: &FilePath) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap())
}

fn oids<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Oid> {
    texts.map(|t| Oid::parse(t).unwrap()).collect()
}

/// What a path search came to, in one word for the exceptions and one sentence.
struct Outcome {
    word: String,
    path: Option<Path>,
}

/// The first path that is valid, with revocation if there are rules.
fn search(
    builder: PathBuilder<'_>,
    leaf: &Certificate,
    revocation: Option<(&Evidence, Time)>,
    backend: Backend,
) -> Outcome {
    let builder = builder.backend(backend);
    let mut paths = builder.paths(leaf);
    let mut worst = None;
    for path in paths.by_ref().take(16) {
        let Some((evidence, at)) = revocation else { return Outcome { word: "valid".to_owned(), path: Some(path) } };
        let found = judge(&path, evidence, &RevocationRules::default(), at, backend);
        let deciding = found.deciding().unwrap();
        let word = match &deciding.status {
            RevocationStatus::Good(_) => return Outcome { word: "valid".to_owned(), path: Some(path) },
            RevocationStatus::Revoked(_) => "revoked".to_owned(),
            RevocationStatus::Unknown(unknown) => format!("unknown: {} ({})", unknown.reason.code(), unknown.detail),
            other => panic!("{other:?}"),
        };
        if worst.is_none() || word == "revoked" {
            worst = Some(word);
        }
    }
    let word = worst.unwrap_or_else(|| {
        let failure = paths.into_failure();
        format!("{:?}: {}", failure.reason(), failure.detail())
    });
    Outcome { word, path: None }
}

/// The words with which a failure may come out, by the reason that the manifest gives.
fn pkits_fits(reason: &str, word: &str) -> bool {
    let starts = |words: &[&str]| words.iter().any(|w| word.starts_with(w));
    match reason {
        "signature" => starts(&["Signature"]),
        "not_yet_valid" => starts(&["NotYetValid"]),
        "expired" => starts(&["Expired"]),
        // The issuer by name is there in some of them, and is no CA.
        "name_chaining" => starts(&["NoAnchor", "NameChaining", "NotACa", "KeyUsage"]),
        "revoked" => starts(&["revoked"]),
        "no_revocation_info" => starts(&["unknown: NO_EVIDENCE", "unknown: OUT_OF_SCOPE"]),
        "different_crl_scope" => starts(&["unknown: OUT_OF_SCOPE", "unknown: NO_EVIDENCE"]),
        "crl_signature" => starts(&["unknown: NOT_AUTHENTIC"]),
        "crl_path_error" => starts(&["unknown: NOT_ENTITLED", "unknown: SIGNER_STATUS"]),
        "key_usage_crl_sign" => starts(&["unknown: NOT_ENTITLED"]),
        "crl_expired" => starts(&["unknown: STALE"]),
        "unknown_critical_crl_extension" => starts(&["unknown: NOT_UNDERSTOOD"]),
        "no_explicit_policy" | "invalid_policy_extension" => starts(&["Policy"]),
        "permitted_violation" | "excluded_violation" => starts(&["NameConstraints"]),
        "path_length" => starts(&["PathLength"]),
        "invalid_ca" => starts(&["NotACa", "KeyUsage"]),
        "unknown_critical_extension" => starts(&["UnknownCriticalExtension"]),
        other => panic!("reason {other} is not known"),
    }
}

fn policy_names(policies: &[ValidPolicy]) -> BTreeSet<String> {
    policies.iter().map(|p| p.policy.to_string()).collect()
}

fn pkits_settings(test: &Value) -> PathSettings {
    let inputs = &test["settings"];
    let mut settings = PathSettings::default();
    let initial: Vec<&str> = strings(&inputs["initial_policy_set"]).collect();
    settings.initial_policies = (!initial.contains(&ANY_POLICY)).then(|| oids(initial.into_iter()));
    settings.explicit_policy = inputs["initial_explicit_policy"].as_bool().unwrap();
    settings.inhibit_mapping = inputs["initial_policy_mapping_inhibit"].as_bool().unwrap();
    settings.inhibit_any_policy = inputs["initial_inhibit_any_policy"].as_bool().unwrap();
    settings
}

/// Whether the outcome is the one that the manifest states, and what it was.
fn pkits_verdict(test: &Value, outcome: &Outcome) -> (bool, String) {
    let expect = &test["expect"];
    let Some(path) = &outcome.path else {
        let right = expect["valid"] == false && expect["reason"].as_str().is_none_or(|r| pkits_fits(r, &outcome.word));
        return (right, outcome.word.clone());
    };
    let mut actual = "valid".to_owned();
    let mut right = expect["valid"] == true;
    if let Some(sets) = expect.get("user_constrained_policy_set").filter(|_| right) {
        let policies = path.policies();
        let stated = |value: &Value| strings(value).map(str::to_owned).collect::<BTreeSet<_>>();
        let (authority, user) =
            (policy_names(&policies.authority_constrained), policy_names(&policies.user_constrained));
        right = stated(sets) == user
            && stated(&expect["authorities_constrained_policy_set"]) == authority
            && expect["explicit_policy_indicator"].as_bool().unwrap() == policies.explicit;
        if !right {
            actual = format!("valid, explicit {}, authorities {authority:?}, user {user:?}", policies.explicit);
        }
    }
    // Notices stand in the qualifiers, as UTF-16, UTF-8 or ASCII text.
    let user = path.policies().user_constrained.iter().flat_map(|p| &p.qualifiers);
    let qualifiers: Vec<String> = user.map(|q| String::from_utf8_lossy(q).replace('\0', "")).collect();
    for notice in strings(&expect["user_notices"]) {
        let start: String = notice.chars().take(40).collect();
        if !qualifiers.iter().any(|q| q.contains(&start)) {
            right = false;
            actual = format!("valid, without the notice {start:?}");
        }
    }
    (right, actual)
}

#[test]
fn pkits() {
    let Some(corpus) = corpus::corpus() else { return };
    let folder = corpus.join("pkix/pkits");
    let manifest = json(&folder.join("manifest.json"));
    let file = |kind: &str, name: &str| fs::read(folder.join(kind).join(name)).unwrap();
    let certificate = |name: &str| Certificate::from_der(&file("certs", name));
    let anchors = TrustAnchors::from_file("PKITS", &file("certs", manifest["trust_anchor"].as_str().unwrap())).unwrap();
    let at = Time::parse_rfc3339(manifest["validation_time"].as_str().unwrap()).unwrap();
    let mut exceptions = Exceptions::load("pkits");
    let tests = manifest["tests"].as_array().unwrap();
    let under = |test: &Value, backend: Backend| {
        let mut evidence = Evidence::new();
        let root_crl = manifest["trust_anchor_crl"].as_str().unwrap();
        for name in strings(&test["crl_pool"]).chain([root_crl]) {
            evidence.add_crl(Crl::from_der(&file("crls", name)).unwrap());
        }
        for name in strings(&test["cert_pool"]) {
            evidence.add_certificate(certificate(name).unwrap());
        }
        let builder =
            PathBuilder::new(&anchors, at).intermediates(evidence.certificates()).settings(pkits_settings(test));
        let leaf = certificate(test["ee"].as_str().unwrap()).unwrap();
        pkits_verdict(test, &search(builder, &leaf, Some((&evidence, at)), backend))
    };
    for test in tests {
        for backend in corpus::backends() {
            let (right, actual) = under(test, backend);
            exceptions.record(test["id"].as_str().unwrap(), right, &actual);
        }
    }
    exceptions.finish(tests.len());
}

/// Certificates alone, under the same names with P-256 keys; what a CRL decides is left out.
#[test]
fn pkits_p256() {
    let Some(corpus) = corpus::corpus() else { return };
    let (folder, certs) = (corpus.join("pkix/pkits"), corpus.join("pkix/pkits-p256/certs"));
    let manifest = json(&folder.join("manifest.json"));
    let certificate = |name: &str| fs::read(certs.join(name)).ok().map(|der| Certificate::from_der(&der).unwrap());
    let mut exceptions = Exceptions::load("pkits-p256");
    let root = fs::read(certs.join(manifest["trust_anchor"].as_str().unwrap())).unwrap();
    let anchors = TrustAnchors::from_file("PKITS P-256", &root).unwrap();
    let at = Time::parse_rfc3339(manifest["validation_time"].as_str().unwrap()).unwrap();
    let by_crl = ["revoked", "no_revocation_info", "different_crl_scope", "crl_signature", "crl_path_error"];
    let by_crl = [&by_crl[..], &["key_usage_crl_sign", "crl_expired", "unknown_critical_crl_extension"]].concat();
    let mut rows = 0;
    let under = |test: &Value, backend: Backend| {
        let pool = strings(&test["cert_pool"]).map(certificate).collect::<Option<Vec<Certificate>>>()?;
        let leaf = certificate(test["ee"].as_str().unwrap())?;
        let builder = PathBuilder::new(&anchors, at).intermediates(&pool).settings(pkits_settings(test));
        Some(pkits_verdict(test, &search(builder, &leaf, None, backend)))
    };
    for test in manifest["tests"].as_array().unwrap() {
        if test["expect"]["reason"].as_str().is_some_and(|r| by_crl.contains(&r)) {
            continue;
        }
        for backend in corpus::backends() {
            let Some((right, actual)) = under(test, backend) else { continue };
            exceptions.record(test["id"].as_str().unwrap(), right, &actual);
            rows += 1;
        }
    }
    exceptions.finish(rows);
}

fn all_pem<'a>(texts: impl Iterator<Item = &'a str>) -> Result<Vec<Certificate>, kyso::Error> {
    texts.map(|t| Certificate::all_from_pem(t.as_bytes())).collect::<Result<Vec<_>, _>>().map(|all| all.concat())
}

fn purposes<'a>(names: impl Iterator<Item = &'a str>) -> Vec<KeyPurpose> {
    names
        .map(|name| match name {
            "serverAuth" | "sslserver" => KeyPurpose::SERVER_AUTH,
            "clientAuth" | "sslclient" => KeyPurpose::CLIENT_AUTH,
            other => panic!("purpose {other}"),
        })
        .collect()
}

#[test]
fn limbo() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut text = String::new();
    let file = fs::File::open(corpus.join("pkix/limbo/limbo.json.gz")).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let suite: Value = serde_json::from_str(&text).unwrap();
    let mut exceptions = Exceptions::load("limbo");
    let tests = suite["testcases"].as_array().unwrap();
    for test in tests.iter().filter(|t| t["rfc5280_applicable"] == true) {
        for backend in corpus::backends() {
            let word = limbo_outcome(test, backend).unwrap_or_else(|e| format!("unreadable: {e}"));
            let right = (word == "valid") == (test["expected_result"] == "SUCCESS");
            exceptions.record(test["id"].as_str().unwrap(), right, &word);
        }
    }
    exceptions.finish(tests.len());
}

fn limbo_outcome(test: &Value, backend: Backend) -> Result<String, kyso::Error> {
    let at = test["validation_time"].as_str().unwrap_or("2024-06-01T00:00:00Z");
    let at = Time::parse_rfc3339(at).unwrap();
    let trusted = strings(&test["trusted_certs"]).map(|t| TrustAnchors::from_file("limbo", t.as_bytes()));
    let mut anchors = TrustAnchors::none();
    for set in trusted.collect::<Result<Vec<_>, _>>()?.iter().flat_map(TrustAnchors::sets) {
        anchors.add_set(set.clone());
    }
    let mut settings = PathSettings::default();
    settings.purposes = purposes(strings(&test["extended_key_usage"]));
    settings.max_path_len = test["max_chain_depth"].as_u64().map(|n| u32::try_from(n).unwrap());
    let leaf = all_pem(test["peer_certificate"].as_str().into_iter())?.remove(0);
    let pool = all_pem(strings(&test["untrusted_intermediates"]))?;
    let mut evidence = Evidence::new();
    for crl in strings(&test["crls"]) {
        evidence.add_crl(Crl::from_file(crl.as_bytes())?);
    }
    let builder = PathBuilder::new(&anchors, at).intermediates(&pool).settings(settings);
    let revocation = (!evidence.is_empty()).then_some((&evidence, at));
    Ok(search(builder, &leaf, revocation, backend).word)
}

#[test]
fn openssl() {
    let Some(corpus) = corpus::corpus() else { return };
    let folder = corpus.join("pkix/openssl-verify");
    let manifest = json(&folder.join("manifest.json"));
    let mut exceptions = Exceptions::load("openssl-verify");
    let tests = manifest["tests"].as_array().unwrap();
    // A store that trusts for one purpose only is OpenSSL's own; here a trust set says what it is for.
    for test in tests.iter().filter(|t| t["openssl_trust_aux"] == false) {
        for backend in corpus::backends() {
            let outcome = openssl_outcome(&folder.join("certs"), test, backend);
            let word = outcome.unwrap_or_else(|e| format!("unreadable: {e}"));
            let right = (word == "valid") == test["valid"].as_bool().unwrap();
            exceptions.record(test["id"].as_str().unwrap(), right, &word);
        }
    }
    exceptions.finish(tests.len());
}

fn openssl_outcome(certs: &FilePath, test: &Value, backend: Backend) -> Result<String, kyso::Error> {
    let read = |names: &Value| -> Result<Vec<Certificate>, kyso::Error> {
        let files =
            strings(names).map(|n| Certificate::all_from_file(&fs::read(certs.join(format!("{n}.pem"))).unwrap()));
        files.collect::<Result<Vec<_>, _>>().map(|all| all.concat())
    };
    let mut set = TrustSet::new("OpenSSL");
    set.extend(read(&test["trusted"])?.into_iter().map(TrustAnchor::from_certificate));
    let anchors = TrustAnchors::new([set]);
    let mut at = Time::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let mut settings = PathSettings::default();
    settings.purposes = purposes(test["purpose"].as_str().into_iter().filter(|p| !p.is_empty()));
    let mut level = 1;
    let mut options = strings(&test["opts"]);
    while let Some(option) = options.next() {
        match option {
            "-attime" => at = Time::from_unix(options.next().unwrap().parse().unwrap()).unwrap(),
            "-policy" => settings.initial_policies = Some(oids(options.by_ref().take(1))),
            "-explicit_policy" => settings.explicit_policy = true,
            "-auth_level" => level = options.next().unwrap().parse().unwrap(),
            "-verify_depth" => settings.max_path_len = Some(options.next().unwrap().parse().unwrap()),
            "-vfyopt" => drop(options.next()),
            _ => {}
        }
    }
    let leaf = read(&Value::from(vec![test["cert"].clone()]))?.remove(0);
    let pool = read(&test["untrusted"])?;
    let builder = PathBuilder::new(&anchors, at).intermediates(&pool).settings(settings);
    let outcome = search(builder, &leaf, None, backend);
    match &outcome.path {
        Some(path) if !strong_enough(path, level) => Ok("too weak".to_owned()),
        _ => Ok(outcome.word),
    }
}

/// OpenSSL's security levels, from the facts that a path hands out.
fn strong_enough(path: &Path, level: u8) -> bool {
    let least = match level {
        0 => 0,
        1 => 1024,
        2 => 2048,
        _ => 3072,
    };
    let strong = |key: KeyType| !matches!(key, KeyType::Rsa { bits } if bits < least);
    let weak = [DigestAlgorithm::Md5, DigestAlgorithm::Sha1];
    path.signatures()
        .iter()
        .all(|s| strong(s.key) && (level == 0 || s.algorithm.digest().is_none_or(|digest| !weak.contains(&digest))))
        && path.certificates().iter().all(|c| strong(c.public_key().key_type()))
}
