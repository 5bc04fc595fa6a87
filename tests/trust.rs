//! Trust sets in and out of files, and what they vouch for.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::process::Command;

use ca::Authority;
use ca::CN;
use ca::Template;
use ca::at;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::path::PathBuilder;
use kyso::path::PathReason;
use kyso::trust::AnchorConstraints;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;

fn root(name: &str) -> Authority {
    Authority::root(Template::ca(&[(CN, name)], None), KeySpec::P256)
}

fn set(anchors: impl IntoIterator<Item = TrustAnchor>) -> TrustSet {
    let mut set = TrustSet::new("roots");
    set.extend(anchors);
    set
}

fn sorted(set: &TrustSet) -> Vec<String> {
    let mut digests: Vec<String> = set.anchors().iter().map(|a| a.sha256().to_hex()).collect();
    digests.sort();
    digests
}

#[test]
fn what_is_written_is_read() {
    let roots = [root("Root A"), root("Root B"), root("Gốc C")];
    let set = set(roots.iter().map(|r| TrustAnchor::from_certificate(r.certificate.clone())));
    let pem = set.to_pem().unwrap();
    assert!(pem.contains(&set.anchors()[0].sha256().to_hex()));
    let ders: Vec<u8> = roots.iter().flat_map(|r| r.certificate.der().to_vec()).collect();
    let p7 = set.to_pkcs7().unwrap();
    for (form, octets) in [("PEM", pem.as_bytes()), ("PKCS#7", &p7), ("DER", &ders)] {
        assert_eq!(sorted(&TrustSet::from_file("again", octets).unwrap()), sorted(&set), "{form}");
    }
    for bad in [&b""[..], b"no certificate", &p7[..p7.len() - 1]] {
        assert!(TrustSet::from_file("bad", bad).is_err());
    }
}

#[test]
fn openssl_reads_what_is_written() {
    let roots = [root("Root A"), root("Root B")];
    let set = set(roots.iter().map(|r| TrustAnchor::from_certificate(r.certificate.clone())));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("roots.p7b");
    std::fs::write(&file, set.to_pkcs7().unwrap()).unwrap();
    let arguments = ["pkcs7", "-inform", "DER", "-print_certs", "-in"];
    let Ok(output) = Command::new("openssl").args(arguments).arg(&file).output() else {
        eprintln!("no OpenSSL: skipped");
        return;
    };
    assert!(output.status.success());
    assert_eq!(Certificate::all_from_pem(&output.stdout).unwrap().len(), 2);
}

#[test]
fn nothing_is_lost_in_silence() {
    let certificate = root("Root").certificate;
    let mut constraints = AnchorConstraints::default();
    constraints.path_len = Some(0);
    let constrained = TrustAnchor::from_certificate(certificate.clone()).constrained(constraints);
    let bare = TrustAnchor::from_name_and_key(certificate.subject().clone(), certificate.public_key().clone());
    for anchor in [constrained, bare] {
        let set = set([anchor]);
        assert!(set.to_pem().is_err() && set.to_pkcs7().is_err());
    }
}

#[test]
fn constraints_of_an_anchor_bind() {
    let root = root("Root");
    let ca = root.subordinate(Template::ca(&[(CN, "CA")], None), KeySpec::P256);
    let leaf = ca.certify(&Template::new(&[(CN, "Signer")]), &PrivateKey::generate(KeySpec::P256).unwrap());
    let reason = |change: &dyn Fn(&mut AnchorConstraints)| {
        let mut constraints = AnchorConstraints::default();
        change(&mut constraints);
        let anchor = TrustAnchor::from_certificate(root.certificate.clone()).constrained(constraints);
        let anchors = TrustAnchors::new([set([anchor])]);
        let builder = PathBuilder::new(&anchors, at("2026-06-15T00:00:00Z"));
        let pool = [ca.certificate.clone()];
        builder.intermediates(&pool).build(&leaf).map(|p| p.trust_set().to_owned()).map_err(|f| f.reason())
    };
    assert_eq!(reason(&|_| {}), Ok("roots".to_owned()));
    assert_eq!(reason(&|c| c.path_len = Some(1)), Ok("roots".to_owned()));
    assert_eq!(reason(&|c| c.path_len = Some(0)), Err(PathReason::PathLength));
    assert_eq!(reason(&|c| c.not_after = Some(at("2026-06-14T00:00:00Z"))), Err(PathReason::AnchorConstraints));
    assert_eq!(reason(&|c| c.not_before = Some(at("2026-06-16T00:00:00Z"))), Err(PathReason::AnchorConstraints));
    let policy = kyso::asn1::Oid::parse("1.2.3.4").unwrap();
    assert_eq!(reason(&|c| c.policies = Some(vec![policy])), Err(PathReason::Policy));
}

#[test]
fn the_limits_of_an_anchors_own_certificate_bind() {
    let at_time = at("2026-06-15T00:00:00Z");
    let reason = |change: &dyn Fn(&mut Template)| {
        let mut template = Template::ca(&[(CN, "Root")], None);
        change(&mut template);
        let root = Authority::root(template, KeySpec::P256);
        let ca = root.subordinate(Template::ca(&[(CN, "CA")], None), KeySpec::P256);
        let leaf = ca.certify(&Template::new(&[(CN, "Signer")]), &PrivateKey::generate(KeySpec::P256).unwrap());
        let anchors = TrustAnchors::new([set([TrustAnchor::from_certificate(root.certificate)])]);
        let builder = PathBuilder::new(&anchors, at_time).intermediates(&[ca.certificate]);
        builder.build(&leaf).map(|_| ()).map_err(|f| f.reason())
    };
    assert_eq!(reason(&|_| {}), Ok(()));
    assert_eq!(reason(&|t| t.ca = Some(Some(0))), Err(PathReason::PathLength));
    assert_eq!(reason(&|t| t.ca = None), Err(PathReason::NotACa));
    assert_eq!(reason(&|t| t.key_usage = ca::CRL_SIGN), Err(PathReason::KeyUsage));
    assert_eq!(reason(&|t| t.not_after = at("2026-06-14T23:59:59Z")), Err(PathReason::Expired));
    let unknown = ca::extension("1.2.3", true, &der::null());
    assert_eq!(reason(&|t| t.extra = vec![unknown.clone()]), Err(PathReason::UnknownCriticalExtension));
    let elsewhere = der::seq(&[&der::tlv(0xA4, &ca::name(&[(CN, "Elsewhere")]))]);
    let names = ca::extension("2.5.29.30", true, &der::seq(&[&der::tlv(0xA0, &elsewhere)]));
    assert_eq!(reason(&|t| t.extra = vec![names.clone()]), Err(PathReason::NameConstraints));
}
