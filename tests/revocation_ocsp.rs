//! OCSP responses of an in-test CA: who may answer, for what, how long.
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
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::path::Path;
use kyso::path::PathBuilder;
use kyso::revocation::Basis;
use kyso::revocation::Evidence;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::revocation::Stated;
use kyso::revocation::Surroundings;
use kyso::revocation::UncheckedResponders;
use kyso::revocation::judge;
use kyso::revocation::judge_ocsp;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::ocsp::OcspResponse;
use status::CrlSpec;
use status::Entry;
use status::KEY_COMPROMISE;
use status::OcspSpec;
use status::Says;

const GOOD: &str = "good";
const JUNE: &str = "2026-06-15T00:00:00Z";

fn june() -> Time {
    at("2026-06-01T00:00:00Z")
}

fn july() -> Time {
    at("2026-07-01T00:00:00Z")
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeySpec::P256).unwrap()
}

/// A root, an issuing CA, a leaf, and a responder that the CA delegated.
struct World {
    root: Authority,
    ca: Authority,
    leaf: Certificate,
    responder: Certificate,
    responder_key: PrivateKey,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Template)) -> Self {
        let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
        let ca = root.subordinate(Template::ca(&[(CN, "CA")], None), KeySpec::P256);
        let leaf = ca.certify(&Template::new(&[(CN, "Signer")]), &key());
        let mut template = Template::ocsp_responder(&[(CN, "Responder")]);
        change(&mut template);
        let responder_key = key();
        let responder = ca.certify(&template, &responder_key);
        Self { root, ca, leaf, responder, responder_key }
    }

    fn spec(&self) -> OcspSpec {
        OcspSpec::new(&self.leaf, &self.ca.certificate, june(), july())
    }

    fn direct(&self, spec: &OcspSpec) -> OcspResponse {
        spec.sign(&self.ca.certificate, &self.ca.key)
    }

    fn delegated(&self, spec: &OcspSpec) -> OcspResponse {
        spec.clone().with(&self.responder).sign(&self.responder, &self.responder_key)
    }

    fn anchors(&self) -> TrustAnchors {
        let mut set = TrustSet::new("test");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        TrustAnchors::new([set])
    }

    fn path(&self, time: Time) -> Path {
        let pool = [self.ca.certificate.clone()];
        PathBuilder::new(&self.anchors(), time).intermediates(&pool).build(&self.leaf).unwrap()
    }

    fn status(&self, responses: &[OcspResponse], time: &str) -> String {
        self.status_with(responses, &[], time, &RevocationRules::default())
    }

    fn status_with(&self, responses: &[OcspResponse], crls: &[Crl], time: &str, rules: &RevocationRules) -> String {
        let mut evidence = Evidence::new();
        responses.iter().for_each(|r| evidence.add_ocsp(r.clone()));
        crls.iter().for_each(|c| evidence.add_crl(c.clone()));
        let found = judge(&self.path(at(time)), &evidence, rules, at(time), Backend::default());
        match &found.certificates()[0].status {
            RevocationStatus::Unknown(unknown) => unknown.reason.code().to_owned(),
            RevocationStatus::Good(good) if good.revoked_later.is_some() => "good, revoked later".to_owned(),
            known => known.to_string(),
        }
    }
}

#[test]
fn the_issuer_and_whom_it_delegated_may_answer() {
    let world = World::new();
    for digest in [DigestAlgorithm::Sha1, DigestAlgorithm::Sha256] {
        for by_key in [false, true] {
            let spec = OcspSpec { digest, by_key, ..world.spec() };
            assert_eq!(world.status(&[world.direct(&spec)], JUNE), GOOD, "direct {digest:?} {by_key}");
            assert_eq!(world.status(&[world.delegated(&spec)], JUNE), GOOD, "delegated {digest:?} {by_key}");
        }
    }
}

// CVE-2022-43705: responders were not held to the certificate's own issuer.
#[test]
fn nobody_else_may() {
    let world = World::new();
    let stranger = Authority::root(Template::ca(&[(CN, "Stranger")], None), KeySpec::P256);
    let responder = |issuer: &Authority, change: &dyn Fn(&mut Template)| {
        let mut template = Template::ocsp_responder(&[(CN, "Responder")]);
        change(&mut template);
        let key = key();
        let certificate = issuer.certify(&template, &key);
        world.status(&[world.spec().with(&certificate).sign(&certificate, &key)], JUNE)
    };
    assert_eq!(responder(&world.ca, &|_| {}), GOOD);
    assert_eq!(responder(&stranger, &|_| {}), "NOT_ENTITLED", "of another CA");
    assert_eq!(responder(&world.root, &|_| {}), "NOT_ENTITLED", "of the issuer's issuer");
    assert_eq!(responder(&world.ca, &|t| t.extended_key_usage = vec![]), "NOT_ENTITLED", "no purpose");
    assert_eq!(responder(&world.ca, &|t| t.extended_key_usage = vec!["2.5.29.37.0"]), "NOT_ENTITLED", "any purpose");
    assert_eq!(
        responder(&world.ca, &|t| t.extended_key_usage = vec![ca::EKU_TIME_STAMPING]),
        "NOT_ENTITLED",
        "purpose"
    );
    assert_eq!(responder(&world.ca, &|t| t.key_usage = ca::KEY_CERT_SIGN), "NOT_ENTITLED", "key usage");
    assert_eq!(responder(&world.ca, &|t| t.ca = Some(None)), "NOT_ENTITLED", "a CA below the issuer");
    assert_eq!(responder(&world.ca, &|t| t.not_after = at("2026-06-10T00:00:00Z")), "NOT_ENTITLED", "expired");
    assert_eq!(responder(&world.ca, &|t| t.not_before = at("2026-06-20T00:00:00Z")), "NOT_ENTITLED", "not yet valid");
    let unknown = ca::extension("1.2.3", true, &der::null());
    assert_eq!(responder(&world.ca, &|t| t.extra = vec![unknown.clone()]), "NOT_ENTITLED", "critical extension");
    // A certificate under the issuer's name that another key signed.
    let impostor = Authority::with(key(), world.ca.certificate.clone());
    assert_eq!(responder(&impostor, &|_| {}), "NOT_ENTITLED", "impostor");
    // The leaf itself, and nobody known.
    assert_eq!(world.status(&[world.spec().sign(&stranger.certificate, &stranger.key)], JUNE), "NOT_AUTHENTIC");
}

#[test]
fn a_response_must_be_about_this_certificate() {
    let world = World::new();
    let other = |change: &dyn Fn(&mut OcspSpec)| {
        let mut spec = world.spec();
        change(&mut spec);
        world.status(&[world.direct(&spec)], JUNE)
    };
    assert_eq!(other(&|s| s.serial = vec![0x55]), "NO_EVIDENCE");
    assert_eq!(other(&|s| s.issuer_name = world.root.certificate.subject().der().to_vec()), "NO_EVIDENCE");
    assert_eq!(other(&|s| s.issuer_key = b"another key".to_vec()), "NO_EVIDENCE");
    let hash = |of: &[u8]| {
        let algorithm = der::seq(&[&der::oid("2.16.840.1.101.3.4.2.1"), &der::null()]);
        let value = der::seq(&[&algorithm, &der::octets(DigestAlgorithm::Sha256.digest(of).octets())]);
        ca::extension("1.3.36.8.3.13", false, &value)
    };
    let (own, foreign) = (hash(world.leaf.der()), hash(world.ca.certificate.der()));
    assert_eq!(other(&|s| s.single_extensions = vec![own.clone()]), GOOD);
    assert_eq!(other(&|s| s.single_extensions = vec![foreign.clone()]), "OUT_OF_SCOPE");
    let broken = ca::extension("1.3.36.8.3.13", false, &der::null());
    assert_eq!(other(&|s| s.single_extensions = vec![broken.clone()]), "NOT_UNDERSTOOD");
    let critical = ca::extension("1.2.3", true, &der::null());
    assert_eq!(other(&|s| s.single_extensions = vec![critical.clone()]), "NOT_UNDERSTOOD");
    assert_eq!(other(&|s| s.extensions = vec![critical.clone()]), "NOT_UNDERSTOOD");
}

#[test]
fn the_three_answers() {
    let world = World::new();
    let answer = |says: Says, time: &str| world.status(&[world.delegated(&world.spec().says(says))], time);
    let revoked = |reason| Says::Revoked(at("2026-05-20T00:00:00Z"), reason);
    assert_eq!(answer(revoked(None), JUNE), "revoked since 2026-05-20T00:00:00Z");
    assert_eq!(answer(revoked(Some(KEY_COMPROMISE)), JUNE), "revoked since 2026-05-20T00:00:00Z (keyCompromise)");
    assert_eq!(answer(revoked(None), "2026-05-19T00:00:00Z"), "good, revoked later");
    assert_eq!(answer(Says::Unknown, JUNE), "RESPONDER_DOES_NOT_KNOW");
    assert_eq!(answer(Says::Good, "2026-07-01T00:00:01Z"), "STALE");
    // A good CRL does not heal a revocation, nor the other way round.
    let crl = CrlSpec::new(&world.ca.certificate, june(), july());
    let entry = Entry::of(&world.leaf, at("2026-05-20T00:00:00Z"), None);
    let rules = RevocationRules::default();
    let says = |says: Says, crl: &CrlSpec| {
        world.status_with(&[world.direct(&world.spec().says(says))], &[crl.sign(&world.ca.key)], JUNE, &rules)
    };
    assert_eq!(says(revoked(None), &crl), "revoked since 2026-05-20T00:00:00Z");
    assert_eq!(says(Says::Good, &crl.clone().entry(entry)), "revoked since 2026-05-20T00:00:00Z");
    assert_eq!(says(Says::Unknown, &crl), GOOD);
}

#[test]
fn an_archive_cutoff_reaches_back() {
    let mut world = World::new();
    let mut template = Template::new(&[(CN, "Signer")]);
    template.not_after = at("2026-05-31T00:00:00Z");
    world.leaf = world.ca.certify(&template, &key());
    let may = "2026-05-01T00:00:00Z";
    let cutoff = |time: &str| {
        let mut spec = world.spec();
        spec.single_extensions = vec![ca::extension("1.3.6.1.5.5.7.48.1.6", false, &der::generalized(at(time)))];
        world.status(&[world.direct(&spec)], may)
    };
    assert_eq!(world.status(&[world.direct(&world.spec())], may), "EXPIRED_BEFORE");
    assert_eq!(cutoff("2026-05-31T00:00:00Z"), GOOD);
    assert_eq!(cutoff("2026-05-31T00:00:01Z"), "EXPIRED_BEFORE");
}

#[test]
fn a_responder_is_checked_too() {
    let mut world = World::with(|t| t.ocsp_nocheck = false);
    let response = [world.delegated(&world.spec())];
    let mut rules = RevocationRules::default();
    let crl = CrlSpec::new(&world.ca.certificate, june(), july());
    let revoked = crl.clone().entry(Entry::of(&world.responder, at("2026-06-02T00:00:00Z"), None));
    let with =
        |crl: &CrlSpec, rules: &RevocationRules| world.status_with(&response, &[crl.sign(&world.ca.key)], JUNE, rules);
    assert_eq!(world.status(&response, JUNE), "SIGNER_STATUS");
    assert_eq!(with(&crl, &rules), GOOD);
    // The leaf is not on the list either, so that it is good by the list alone.
    assert_eq!(with(&revoked, &rules), GOOD);
    rules.sources = kyso::revocation::Sources::Ocsp;
    assert_eq!(with(&crl, &rules), "SIGNER_STATUS");
    // A response on the responder, signed by the CA.
    let own = OcspSpec::new(&world.responder, &world.ca.certificate, june(), july());
    let says = |says: Says| {
        let all = [response[0].clone(), world.direct(&own.clone().says(says))];
        world.status_with(&all, &[], JUNE, &rules)
    };
    assert_eq!(says(Says::Good), GOOD);
    assert_eq!(says(Says::Revoked(at("2026-05-20T00:00:00Z"), None)), "SIGNER_STATUS");
    assert_eq!(says(Says::Revoked(at("2026-06-20T00:00:00Z"), None)), GOOD);
    // A response on the responder that it signed itself proves nothing.
    let itself = own.clone().with(&world.responder).sign(&world.responder, &world.responder_key);
    assert_eq!(world.status_with(&[response[0].clone(), itself], &[], JUNE, &rules), "SIGNER_STATUS");
    // By rule, one that names no place to ask passes; one that does, does not.
    rules.unchecked_responders = UncheckedResponders::AcceptedWithoutSource;
    assert_eq!(world.status_with(&response, &[], JUNE, &rules), GOOD);
    let mut template = Template::ocsp_responder(&[(CN, "Responder")]);
    template.ocsp_nocheck = false;
    template.crl_url = Some("http://a.example.vn/crl".to_owned());
    world.responder = world.ca.certify(&template, &world.responder_key);
    let response = [world.delegated(&world.spec())];
    assert_eq!(world.status_with(&response, &[], JUNE, &rules), "SIGNER_STATUS");
}

#[test]
fn the_report_says_what_a_status_rests_on() {
    let world = World::new();
    let mut evidence = Evidence::new();
    let response = world.delegated(&world.spec());
    evidence.add_ocsp(response.clone());
    let found = judge(&world.path(at(JUNE)), &evidence, &RevocationRules::default(), at(JUNE), Backend::default());
    let leaf = &found.certificates()[0];
    assert_eq!(leaf.evidence.len(), 1);
    let used = &leaf.evidence[0];
    assert_eq!((used.source.sha256(), used.source.kind()), (response.sha256(), "ocsp"));
    assert_eq!((used.this_update, used.next_update), (june(), Some(july())));
    let signer = used.signer.as_ref().unwrap();
    assert_eq!(signer.path.leaf(), &world.responder);
    let RevocationStatus::Good(good) = &signer.revocation[0].status else { panic!() };
    assert_eq!(good.basis, Basis::NoCheck);
    // The CA has no evidence; that decides for the path.
    assert_eq!(found.deciding().unwrap().certificate, world.ca.certificate);
    assert!(matches!(found.deciding().unwrap().status, RevocationStatus::Unknown(_)));
}

#[test]
fn no_octet_of_a_response_may_change() {
    let world = World::new();
    let spec = world.spec().with(&world.responder);
    let der = spec.der(&world.responder, &world.responder_key);
    assert_eq!(world.status(&[OcspResponse::from_der(&der).unwrap()], JUNE), GOOD);
    let mut read = 0;
    for i in 0..der.len() {
        let mut bad = der.clone();
        bad[i] ^= 1;
        let Ok(bad) = OcspResponse::from_der(&bad) else { continue };
        read += 1;
        let status = world.status(&[bad], JUNE);
        assert!(!status.starts_with(GOOD), "octet {i}: {status}");
    }
    assert!(read > der.len() / 4, "{read} of {} read", der.len());
}

#[test]
fn one_response_on_its_own() {
    let world = World::new();
    let (anchors, evidence, rules) = (world.anchors(), Evidence::new(), RevocationRules::default());
    let judged = |response: &OcspResponse, issuer: &Certificate, leaf: Option<&Certificate>, time: &str| {
        let around = Surroundings::new(&anchors, &evidence, &rules, at(time));
        let judged = judge_ocsp(response, issuer, leaf, &around).unwrap();
        (judged.authentic, judged.signer_entitled, judged.fresh, judged.stated, judged.status.name())
    };
    let ca = &world.ca.certificate;
    let good = world.delegated(&world.spec());
    assert_eq!(judged(&good, ca, None, JUNE), (true, true, true, Stated::Good, GOOD));
    assert_eq!(judged(&good, ca, Some(&world.leaf), JUNE), (true, true, true, Stated::Good, GOOD));
    assert_eq!(judged(&good, ca, None, "2026-08-01T00:00:00Z"), (true, true, false, Stated::Good, "unknown"));
    let other = world.ca.certify(&Template::new(&[(CN, "Other")]), &key());
    let (authentic, entitled, _, stated, status) = judged(&good, ca, Some(&other), JUNE);
    assert_eq!((authentic, entitled, stated, status), (true, false, Stated::Nothing, "unknown"));
    let unknown = world.delegated(&world.spec().says(Says::Unknown));
    assert_eq!(judged(&unknown, ca, None, JUNE), (true, true, true, Stated::Nothing, "unknown"));
    // A CA without a path to the anchors that were demanded.
    let stranger = Authority::root(Template::ca(&[(CN, "CA")], None), KeySpec::P256);
    let spec = OcspSpec::new(&world.leaf, &stranger.certificate, june(), july());
    let foreign = spec.sign(&stranger.certificate, &stranger.key);
    let found = judged(&foreign, &stranger.certificate, None, JUNE);
    assert_eq!((found.0, found.1, found.4), (true, false, "unknown"));
    // A certificate of another issuer, and an unsuccessful response: there is nothing to judge.
    let around = Surroundings::new(&anchors, &evidence, &rules, at(JUNE));
    assert!(judge_ocsp(&good, ca, Some(ca), &around).is_err());
    let busy = OcspResponse::from_der(&status::refusal(3)).unwrap();
    assert!(judge_ocsp(&busy, ca, None, &around).unwrap_err().to_string().contains("tryLater"));
}
