//! Project Wycheproof: no invalid signature is accepted, no valid one refused,
//! on every backend.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;

use std::io::Read;

use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeyType;
use kyso::crypto::Message;
use kyso::crypto::MlDsa;
use kyso::crypto::PssParameters;
use kyso::crypto::PublicKey;
use kyso::crypto::SignatureAlgorithm;
use serde_json::Value;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
}

fn digest(name: &str) -> DigestAlgorithm {
    match name {
        "SHA-1" => DigestAlgorithm::Sha1,
        "SHA-224" => DigestAlgorithm::Sha224,
        "SHA-256" => DigestAlgorithm::Sha256,
        "SHA-384" => DigestAlgorithm::Sha384,
        "SHA-512" => DigestAlgorithm::Sha512,
        "SHA3-256" => DigestAlgorithm::Sha3_256,
        other => panic!("digest {other}"),
    }
}

/// By the length of the signatures, which are named by nothing else in a group.
fn ml_dsa(group: &Value) -> MlDsa {
    let right = |set: MlDsa| {
        let tests = group["tests"].as_array().unwrap();
        tests.iter().any(|t| t["sig"].as_str().unwrap().len().abs_diff(2 * set.signature_len()) <= 2)
    };
    [MlDsa::Set44, MlDsa::Set65, MlDsa::Set87].into_iter().find(|set| right(*set)).unwrap()
}

/// The key of a group; suites of ML-DSA have the bare octets where those are no key.
fn spki(group: &Value) -> Vec<u8> {
    if let Some(spki) = group["publicKeyDer"].as_str().or_else(|| group["keyDer"].as_str()) {
        return hex(spki);
    }
    let algorithm = SignatureAlgorithm::MlDsa(ml_dsa(group)).to_der();
    der::seq(&[&algorithm, &der::bits(&hex(group["publicKey"].as_str().unwrap()))])
}

/// `None` where a suite is of an algorithm or of a form that is not taken.
fn algorithm(group: &Value, key: &PublicKey) -> Option<SignatureAlgorithm> {
    let text = |field: &str| group[field].as_str().unwrap();
    match text("type") {
        "RsassaPkcs1Verify" | "RsassaPkcs1Generate" => Some(SignatureAlgorithm::RsaPkcs1v15(digest(text("sha")))),
        "RsassaPssVerify" | "RsassaPssWithParametersVerify" => {
            let salt = usize::try_from(group["sLen"].as_u64().unwrap()).unwrap();
            Some(SignatureAlgorithm::RsaPss(PssParameters::with(digest(text("sha")), digest(text("mgfSha")), salt)))
        }
        "EcdsaVerify" => match key.key_type() {
            KeyType::Ec(_) => Some(SignatureAlgorithm::Ecdsa(digest(text("sha")))),
            _ => None,
        },
        "MlDsaVerify" => Some(SignatureAlgorithm::MlDsa(ml_dsa(group))),
        "EddsaVerify" => Some(SignatureAlgorithm::Ed25519),
        _ => None,
    }
}

/// What is decided for rows that the suite leaves open, by flag.
fn acceptable(flags: &[Value], key: &PublicKey) -> bool {
    let has = |flag: &str| flags.iter().any(|f| f == flag);
    // A DigestInfo without its NULL is another block than the one that RFC 8017 builds.
    assert!(has("MissingNull") || has("WeakHash") || has("SmallPublicKey"), "undecided flags {flags:?}");
    // That SHA-1 is weak is for the algorithm policy to say, not for the equation.
    // Moduli under 1024 bits are not computed with.
    let too_small = matches!(key.key_type(), KeyType::Rsa { bits } if bits < 1024);
    !has("MissingNull") && !too_small
}

#[test]
fn wycheproof() {
    let Some(corpus) = corpus::corpus() else { return };
    let mut exceptions = corpus::Exceptions::load("wycheproof");
    let mut rows = 0;
    let mut files: Vec<_> =
        std::fs::read_dir(corpus.join("pkix/wycheproof")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for path in files.iter().filter(|p| p.extension().is_some_and(|e| e == "gz")) {
        let file = path.file_name().unwrap().to_str().unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
        let suite: Value = serde_json::from_str(&text).unwrap();
        let mut supported = true;
        for group in suite["testGroups"].as_array().unwrap() {
            let key = PublicKey::from_spki(&spki(group)).unwrap();
            let Some(algorithm) = algorithm(group, &key) else {
                supported = false;
                continue;
            };
            for test in group["tests"].as_array().unwrap() {
                let message = hex(test["msg"].as_str().unwrap());
                let signature = hex(test["sig"].as_str().unwrap());
                let expected = match test["result"].as_str().unwrap() {
                    // X.509 and CMS sign with an empty context, so another one is another message.
                    "valid" => test["ctx"].as_str().unwrap_or_default().is_empty(),
                    "invalid" => false,
                    _ => acceptable(test["flags"].as_array().unwrap(), &key),
                };
                let digest = algorithm.digest().map(|d| d.digest(&message));
                for backend in corpus::backends() {
                    let got = backend.verify(&key, &algorithm, Message::Octets(&message), &signature);
                    let id = format!("{file}#{}", test["tcId"]);
                    exceptions.record(&id, got.is_ok() == expected, &format!("{got:?}"));
                    if let Some(digest) = &digest {
                        assert_eq!(backend.verify(&key, &algorithm, Message::Digest(digest), &signature), got, "{id}");
                    }
                    rows += 1;
                }
            }
        }
        exceptions.record(file, supported, "unsupported");
    }
    exceptions.finish(rows);
}
