//! Input that was made to keep a validator busy: loops, crowds of cross
//! certificates, piles of evidence. Each ends within its budget.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/status.rs"]
mod status;

use ca::Authority;
use ca::CN;
use ca::Template;
use ca::at;
use kyso::Time;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::path::PathBuilder;
use kyso::path::PathReason;
use kyso::revocation::Evidence;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::revocation::UnknownReason;
use kyso::revocation::judge;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;
use status::CrlSpec;
use status::OcspSpec;

fn june() -> Time {
    at("2026-06-15T00:00:00Z")
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeySpec::Ed25519).unwrap()
}

fn root() -> Authority {
    Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::Ed25519)
}

fn anchors(root: &Authority) -> TrustAnchors {
    let mut set = TrustSet::new("test");
    set.add(TrustAnchor::from_certificate(root.certificate.clone()));
    TrustAnchors::new([set])
}

/// A CA certificate for a key, without key identifiers, which would tell the right ones.
fn cross(issuer: &Authority, name: &str, key: &PrivateKey, serial: u32) -> Certificate {
    let mut template = Template::ca(&[(CN, name)], None);
    template.key_identifiers = false;
    template.serial = Some([&[1], &serial.to_be_bytes()[..]].concat());
    issuer.certify(&template, key)
}

#[test]
fn cas_that_certify_each_other_end() {
    let root = root();
    let names: Vec<String> = (0..12).map(|n| format!("CA {n}")).collect();
    let cas: Vec<Authority> = names
        .iter()
        .map(|name| Authority::root(Template::ca(&[(CN, name.as_str())], None), KeySpec::Ed25519))
        .collect();
    // Everyone certifies everyone: the number of ways grows with the factorial.
    let mut pool = Vec::new();
    for issuer in &cas {
        for (name, subject) in names.iter().zip(&cas) {
            pool.push(cross(issuer, name, &subject.key, u32::try_from(pool.len()).unwrap()));
        }
    }
    let leaf = cas[0].certify(&Template::new(&[(CN, "Signer")]), &key());
    let anchors = anchors(&root);
    let failure = PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).unwrap_err();
    assert_eq!(failure.reason(), PathReason::NoAnchor);
    // A way out that is none: its signature is not the root's.
    let impostor = Authority::with(key(), root.certificate.clone());
    pool.push(cross(&impostor, "CA 11", &cas[11].key, 9_998));
    let failure = PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).unwrap_err();
    assert_eq!(failure.reason(), PathReason::Budget);
    // With one true way out it is found all the same.
    pool.push(cross(&root, "CA 0", &cas[0].key, 9_999));
    PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).unwrap();
}

#[test]
fn a_crowd_under_one_name_does_not_hide_the_right_one() {
    let root = root();
    let ca = root.subordinate(Template::ca(&[(CN, "CA")], None), KeySpec::Ed25519);
    let stranger = Authority::root(Template::ca(&[(CN, "Stranger")], None), KeySpec::Ed25519);
    let crowd_key = key();
    let mut pool: Vec<Certificate> = (0..3_000).map(|n| cross(&stranger, "CA", &crowd_key, n)).collect();
    pool.push(ca.certificate.clone());
    let leaf = ca.certify(&Template::new(&[(CN, "Signer")]), &key());
    let anchors = anchors(&root);
    let path = PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).unwrap();
    assert_eq!(path.certificates()[1], ca.certificate);
    // Without the right one, one of the crowd decides, and it ends.
    pool.pop();
    assert!(PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).is_err());
}

#[test]
fn layers_of_twins_end() {
    // Each layer has ten certificates of one name and key: ten to the power of the layers.
    let root = root();
    let names: Vec<String> = (0..12).map(|n| format!("Layer {n}")).collect();
    let layers: Vec<Authority> = names
        .iter()
        .map(|name| Authority::root(Template::ca(&[(CN, name.as_str())], None), KeySpec::Ed25519))
        .collect();
    let mut pool = Vec::new();
    for (pair, name) in layers.windows(2).zip(&names) {
        pool.extend((0..10).map(|n| cross(&pair[1], name, &pair[0].key, n)));
    }
    let leaf = layers[0].certify(&Template::new(&[(CN, "Signer")]), &key());
    let anchors = anchors(&root);
    let failure = PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).unwrap_err();
    assert_eq!(failure.reason(), PathReason::NoAnchor);
    // And where names lead to the anchor, but no signature does.
    let impostor = Authority::with(key(), root.certificate.clone());
    pool.push(cross(&impostor, "Layer 11", &layers[11].key, 9_999));
    let failure = PathBuilder::new(&anchors, june()).intermediates(&pool).build(&leaf).unwrap_err();
    assert_eq!(failure.reason(), PathReason::Budget);
}

#[test]
fn a_pile_of_forged_evidence_ends_and_proves_nothing() {
    let root = root();
    let leaf = root.certify(&Template::new(&[(CN, "Signer")]), &key());
    let path = PathBuilder::new(&anchors(&root), june()).build(&leaf).unwrap();
    let forger = key();
    let mut evidence = Evidence::new();
    for n in 0..2_000 {
        let spec = CrlSpec::new(&root.certificate, at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
        evidence.add_crl(spec.number(n).sign(&forger));
        let mut spec = OcspSpec::new(&leaf, &root.certificate, at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
        spec.serial = leaf.serial().content().to_vec();
        spec.extensions = vec![ca::extension("1.2.3", false, &der::int(n))];
        evidence.add_ocsp(spec.sign(&root.certificate, &forger));
    }
    let status = |evidence: &Evidence| {
        let found = judge(&path, evidence, &RevocationRules::default(), june(), Backend::default());
        found.certificates()[0].status.clone()
    };
    let RevocationStatus::Unknown(unknown) = status(&evidence) else { panic!() };
    assert!(matches!(unknown.reason, UnknownReason::Budget | UnknownReason::NotAuthentic), "{unknown:?}");
    // A true list among them: what was not looked at might know of a revocation.
    let spec = CrlSpec::new(&root.certificate, at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
    evidence.add_crl(spec.sign(&root.key));
    assert!(!matches!(status(&evidence), RevocationStatus::Revoked(_)));
}

#[test]
fn crl_issuers_that_vouch_for_each_other_end() {
    // The status of each CRL issuer is told by the next one, in a ring.
    let root = root();
    let names: Vec<String> = (0..6).map(|n| format!("CRL issuer {n}")).collect();
    let keys: Vec<PrivateKey> = names.iter().map(|_| key()).collect();
    let point = |issuer: &str| {
        let issuer = der::tlv(0xA2, &der::tlv(0xA4, &ca::name(&[(CN, issuer)])));
        ca::extension("2.5.29.31", false, &der::seq(&[&der::seq(&[&issuer])]))
    };
    let mut evidence = Evidence::new();
    for (n, name) in names.iter().enumerate() {
        let mut template = Template::new(&[(CN, name.as_str())]);
        template.key_usage = ca::CRL_SIGN;
        template.extra = vec![point(&names[(n + 1) % names.len()])];
        let certificate = root.certify(&template, &keys[n]);
        let spec = CrlSpec::new(&certificate, at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
        evidence.add_crl(spec.idp(&[der::tlv(0x84, &[0xFF])]).sign(&keys[n]));
        evidence.add_certificate(certificate);
    }
    let mut template = Template::new(&[(CN, "Signer")]);
    template.extra = vec![point(&names[0])];
    let leaf = root.certify(&template, &key());
    let path = PathBuilder::new(&anchors(&root), june()).build(&leaf).unwrap();
    let mut rules = RevocationRules::default();
    for depth in [1, 4, 100] {
        rules.max_depth = depth;
        let found = judge(&path, &evidence, &rules, june(), Backend::default());
        let RevocationStatus::Unknown(unknown) = &found.certificates()[0].status else { panic!("depth {depth}") };
        assert_eq!(unknown.reason, UnknownReason::SignerStatus, "depth {depth}");
    }
    // One of them covered by the root closes the ring with a proof.
    let mut template = Template::new(&[(CN, names[3].as_str())]);
    template.key_usage = ca::CRL_SIGN;
    evidence.add_certificate(root.certify(&template, &keys[3]));
    let list = CrlSpec::new(&root.certificate, at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z"));
    evidence.add_crl(list.sign(&root.key));
    let found = judge(&path, &evidence, &rules, june(), Backend::default());
    assert!(matches!(found.certificates()[0].status, RevocationStatus::Good(_)));
}
