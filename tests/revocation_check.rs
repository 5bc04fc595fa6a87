//! The check as a job: what it asks, in which order, and what it makes of the answers.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/status.rs"]
mod status;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use ca::Authority;
use ca::CN;
use ca::Template;
use ca::at;
use kyso::Error;
use kyso::Time;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::error::FetchError;
use kyso::error::FetchFault;
use kyso::fetch;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::path::Path;
use kyso::path::PathBuilder;
use kyso::revocation::Check;
use kyso::revocation::Checked;
use kyso::revocation::Freshness;
use kyso::revocation::MissingNonce;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;
use status::CrlSpec;
use status::Entry;

fn now() -> Time {
    at("2026-06-15T00:00:00Z")
}

fn next() -> Time {
    at("2026-06-16T00:00:00Z")
}

type Answer = Box<dyn Fn(&Request) -> Option<Vec<u8>>>;

/// Answers by address; what is not there fails.
#[derive(Default)]
struct Network {
    answers: BTreeMap<String, Answer>,
    seen: RefCell<Vec<String>>,
}

impl Network {
    fn add(&mut self, url: &str, answer: impl Fn(&Request) -> Option<Vec<u8>> + 'static) {
        self.answers.insert(url.to_owned(), Box::new(answer));
    }
}

impl Fetch for Network {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.seen.borrow_mut().push(request.url.clone());
        let answer = self.answers.get(&request.url).and_then(|answer| answer(request));
        let body = answer.ok_or_else(|| Error::from(FetchError::new(request.url.as_str(), "down")))?;
        Ok(Response { body })
    }
}

const OCSP: &str = "http://ocsp.example.vn/";
const CRL: &str = "http://ca.example.vn/ca.crl";
const ROOT_CRL: &str = "http://ca.example.vn/root.crl";

/// Root, issuing CA and signer; CRLs of both, a responder of the CA.
struct World {
    root: Authority,
    ca: Authority,
    leaf: Certificate,
}

impl World {
    fn new() -> Self {
        let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
        let mut template = Template::ca(&[(CN, "CA")], None);
        template.crl_url = Some(ROOT_CRL.to_owned());
        let ca = root.subordinate(template, KeySpec::P256);
        let mut template = Template::new(&[(CN, "Signer")]);
        template.ocsp_url = Some(OCSP.to_owned());
        template.crl_url = Some(CRL.to_owned());
        let leaf = ca.certify(&template, &PrivateKey::generate(KeySpec::P256).unwrap());
        Self { root, ca, leaf }
    }

    fn path(&self) -> Path {
        let mut set = TrustSet::new("test");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        let anchors = TrustAnchors::new([set]);
        let pool = [self.ca.certificate.clone()];
        PathBuilder::new(&anchors, now()).intermediates(&pool).build(&self.leaf).unwrap()
    }

    fn crl(authority: &Authority) -> Vec<u8> {
        CrlSpec::new(&authority.certificate, now(), next()).der(&authority.key)
    }

    /// All of it, at its addresses.
    fn network(self) -> (Path, Network) {
        let path = self.path();
        let mut network = Network::default();
        let (ca_crl, root_crl) = (Self::crl(&self.ca), Self::crl(&self.root));
        network.add(CRL, move |_| Some(ca_crl.clone()));
        network.add(ROOT_CRL, move |_| Some(root_crl.clone()));
        let ca = self.ca;
        network.add(OCSP, move |r| Some(ca.ocsp(r.body.as_ref()?, None, now(), next())));
        (path, network)
    }
}

fn words(checked: &Checked) -> Vec<String> {
    let word = |s: &RevocationStatus| match s {
        RevocationStatus::Unknown(unknown) => unknown.reason.code().to_owned(),
        known => known.to_string(),
    };
    checked.revocation.certificates().iter().map(|c| word(&c.status)).collect()
}

fn run(path: &Path, network: &Network) -> Checked {
    fetch::run(Check::new(path, &RevocationRules::default(), now()), network).unwrap()
}

#[test]
fn responders_first_and_each_thing_once() {
    let (path, network) = World::new().network();
    let checked = run(&path, &network);
    assert_eq!(words(&checked), ["good", "good"]);
    assert_eq!(*network.seen.borrow(), [OCSP, ROOT_CRL]);
    assert!(checked.findings.is_empty());
    assert_eq!((checked.evidence.crls().len(), checked.evidence.ocsp_responses().len()), (1, 1));
    // With that at hand, nothing is asked any more.
    let again = Check::new(&path, &RevocationRules::default(), now()).evidence(&checked.evidence);
    assert_eq!(words(&fetch::run(again, &network).unwrap()), ["good", "good"]);
    assert_eq!(network.seen.borrow().len(), 2);
}

#[test]
fn what_fails_is_told_and_the_next_address_asked() {
    for (why, answer) in [
        ("nobody there", None),
        ("no response", Some(b"<html>".to_vec())),
        ("busy", Some(status::refusal(3))),
        ("a CRL instead", Some(World::crl(&World::new().ca))),
        ("nothing", Some(Vec::new())),
    ] {
        let (path, mut network) = World::new().network();
        network.add(OCSP, move |_| answer.clone());
        let checked = run(&path, &network);
        assert_eq!(words(&checked), ["good", "good"], "{why}");
        assert_eq!(*network.seen.borrow(), [OCSP, ROOT_CRL, CRL], "{why}");
        assert_eq!(checked.findings.len(), 1, "{why}");
        assert_eq!(checked.findings[0].place(), Some(OCSP), "{why}");
    }
}

#[test]
fn without_any_answer_it_stays_unknown_and_says_what_it_wants() {
    let (path, _) = World::new().network();
    let checked = run(&path, &Network::default());
    assert_eq!(words(&checked), ["NO_EVIDENCE", "NO_EVIDENCE"]);
    assert_eq!(checked.findings.len(), 3);
    let wanted: Vec<String> = checked.revocation.wanted().into_iter().map(|r| r.url).collect();
    assert_eq!(wanted, [OCSP, CRL, ROOT_CRL]);
}

#[test]
fn revoked_ends_the_search() {
    let world = World::new();
    let revoked = Entry::of(&world.leaf, at("2026-06-01T00:00:00Z"), None);
    let crl = CrlSpec::new(&world.ca.certificate, now(), next()).entry(revoked).der(&world.ca.key);
    let (path, mut network) = world.network();
    network.answers.remove(OCSP);
    network.add(CRL, move |_| Some(crl.clone()));
    assert_eq!(words(&run(&path, &network)), ["revoked since 2026-06-01T00:00:00Z", "good"]);
}

#[test]
fn a_nonce_must_come_back_as_it_was_sent() {
    let checked = |answers: fn(&Authority, &[u8]) -> Vec<u8>, rules: &RevocationRules| {
        let world = World::new();
        let path = world.path();
        let mut network = Network::default();
        let ca = world.ca;
        network.add(OCSP, move |r| Some(answers(&ca, r.body.as_ref()?)));
        let check = Check::new(&path, rules, now()).nonce([7; 32]);
        words(&fetch::run(check, &network).unwrap()).remove(0)
    };
    let mut rules = RevocationRules::default();
    let echo: fn(&Authority, &[u8]) -> Vec<u8> = |ca, request| ca.ocsp(request, None, now(), next());
    // The request without its nonce: the last extension of it.
    let silent: fn(&Authority, &[u8]) -> Vec<u8> = |ca, request| {
        let (_, outer, _, _) = der::split(request);
        let (_, tbs, _, _) = der::split(outer);
        ca.ocsp(&der::seq(&[&der::seq(&[der::children(tbs)[0]])]), None, now(), next())
    };
    let wrong: fn(&Authority, &[u8]) -> Vec<u8> = |ca, request| {
        let mut request = request.to_vec();
        *request.last_mut().unwrap() ^= 1;
        ca.ocsp(&request, None, now(), next())
    };
    assert_eq!(checked(echo, &rules), "good");
    assert_eq!(checked(silent, &rules), "good");
    assert_eq!(checked(wrong, &rules), "NO_EVIDENCE");
    rules.missing_nonce = MissingNonce::Refused;
    assert_eq!(checked(echo, &rules), "good");
    assert_eq!(checked(silent, &rules), "NO_EVIDENCE");
    assert_eq!(checked(wrong, &rules), "NO_EVIDENCE");
}

#[test]
fn schemes_and_sizes_are_held() {
    let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
    let mut template = Template::new(&[(CN, "Signer")]);
    template.crl_url = Some("ldap://ca.example.vn/cn=ca".to_owned());
    let leaf = root.certify(&template, &PrivateKey::generate(KeySpec::P256).unwrap());
    let world = World {
        ca: Authority::with(PrivateKey::generate(KeySpec::P256).unwrap(), root.certificate.clone()),
        root,
        leaf,
    };
    let (path, mut network) = (world.path(), Network::default());
    let checked = run(&path, &network);
    assert!(network.seen.borrow().is_empty());
    let noted: Vec<_> = checked.findings.iter().map(|f| (f.code(), f.place().unwrap())).collect();
    assert_eq!(noted, [("ADDRESS_PASSED_OVER", "ldap://ca.example.vn/cn=ca")]);
    let RevocationStatus::Unknown(unknown) = &checked.revocation.certificates()[0].status else { panic!() };
    assert!(unknown.detail.contains("schemes"), "{}", unknown.detail);
    // A host that can do LDAP says so.
    let crl = World::crl(&world.root);
    network.add("ldap://ca.example.vn/cn=ca", move |_| Some(crl.clone()));
    let mut rules = RevocationRules::default();
    rules.schemes.push("ldap".to_owned());
    assert_eq!(words(&fetch::run(Check::new(&path, &rules, now()), &network).unwrap()), ["good"]);
    rules.max_crl_octets = 10;
    assert_eq!(words(&fetch::run(Check::new(&path, &rules, now()), &network).unwrap()), ["NO_EVIDENCE"]);
}

#[test]
fn a_host_of_which_nobody_answered_is_left_alone() {
    /// Nobody there.
    struct Silence(RefCell<Vec<String>>);
    impl Fetch for Silence {
        fn fetch(&self, request: &Request) -> Result<Response, Error> {
            self.0.borrow_mut().push(request.url.clone());
            Err(FetchError::new(request.url.as_str(), "nobody").because(FetchFault::Unreachable).into())
        }
    }
    let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
    let mut template = Template::new(&[(CN, "Signer")]);
    template.ocsp_url = Some("http://ca.example.vn/ocsp".to_owned());
    template.crl_url = Some("http://CA.example.vn/crl".to_owned());
    let leaf = root.certify(&template, &PrivateKey::generate(KeySpec::P256).unwrap());
    let ca = Authority::with(PrivateKey::generate(KeySpec::P256).unwrap(), root.certificate.clone());
    let (path, network) = (World { root, ca, leaf }.path(), Silence(RefCell::default()));
    let checked = fetch::run(Check::new(&path, &RevocationRules::default(), now()), &network).unwrap();
    assert_eq!(words(&checked), ["NO_EVIDENCE"]);
    assert_eq!(*network.0.borrow(), ["http://ca.example.vn/ocsp"]);
}

#[test]
fn requests_say_how_new_an_answer_must_be() {
    let path = World::new().path();
    let since = |rules: &RevocationRules| fetch::Job::requests(&Check::new(&path, rules, now()))[0].since;
    let mut rules = RevocationRules::default();
    assert_eq!(since(&rules), None);
    rules.max_age = Some(Duration::from_secs(86_400));
    assert_eq!(since(&rules), Some(at("2026-06-14T00:00:00Z")));
    rules.freshness = Freshness::IssuedAfterTime;
    assert_eq!(since(&rules), Some(now()));
}

#[test]
fn requests_are_the_same_each_time_and_few() {
    let world = World::new();
    let path = world.path();
    let mut rules = RevocationRules::default();
    let first = |rules: &RevocationRules| fetch::Job::requests(&Check::new(&path, rules, now()));
    assert_eq!(first(&rules), first(&rules));
    assert_eq!(first(&rules)[0].purpose, Purpose::Ocsp);
    rules.max_requests = 1;
    let network = Network::default();
    fetch::run(Check::new(&path, &rules, now()), &network).unwrap();
    assert_eq!(network.seen.borrow().len(), 1);
}
