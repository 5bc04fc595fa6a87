//! Validation that fetches what it wants: what it asks, in which order, within which bounds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::cell::RefCell;
use std::collections::BTreeMap;

use ca::Template;
use ca::at;
use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::error::FetchError;
use kyso::error::FetchFault;
use kyso::fetch::Fetch;
use kyso::fetch::Job;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::fetch::run_many;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::sign::cades::CadesRequest;
use kyso::validate::Gathered;
use kyso::validate::Gathering;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Validator;
use office::Office;
use office::Plan;
use office::verdicts;

const SIGNED: &str = "2026-11-23T01:00:00Z";
const TODAY: &str = "2026-11-23T02:00:00Z";
const TOMORROW: &str = "2026-11-24T02:00:00Z";

const OCSP: &str = "http://ocsp.example.vn/";
const CRL: &str = "http://ca.example.vn/issuing.crl";
const ROOT_CRL: &str = "http://root.example.vn/root.crl";
const ISSUER: &str = "http://ca.example.vn/issuing.cer";
const LDAP: &str = "ldap://directory.example.vn/cn=issuing?certificateRevocationList";

type Answer<'a> = Box<dyn Fn(&Request) -> Result<Vec<u8>, FetchFault> + Sync + 'a>;

/// Answers by address; what is not there is not to be reached.
#[derive(Default)]
struct Network<'a> {
    answers: BTreeMap<&'static str, Answer<'a>>,
    seen: std::sync::Mutex<Vec<String>>,
}

impl<'a> Network<'a> {
    fn add(&mut self, url: &'static str, body: Vec<u8>) {
        self.answers.insert(url, Box::new(move |_| Ok(body.clone())));
    }

    fn fails(&mut self, url: &'static str, fault: FetchFault) {
        self.answers.insert(url, Box::new(move |_| Err(fault)));
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

impl Fetch for Network<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.seen.lock().unwrap().push(request.url.clone());
        let answer = self.answers.get(request.url.as_str());
        answer
            .map_or(Err(FetchFault::Unreachable), |answer| answer(request))
            .map(|body| Response { body })
            .map_err(|fault| FetchError::new(request.url.as_str(), "failed").because(fault).into())
    }
}

/// An office whose certificates name places to ask.
fn office(ldap: bool) -> Office {
    let mut plan = Plan::new();
    plan.issuing.crl_url = Some(ROOT_CRL.to_owned());
    plan.officer.ocsp_url = Some(OCSP.to_owned());
    plan.officer.crl_url = Some(if ldap { LDAP } else { CRL }.to_owned());
    plan.officer.issuer_url = Some(ISSUER.to_owned());
    plan.open()
}

/// All that the office publishes; responses by the issuing CA itself are made beforehand.
fn network(office: &Office) -> Network<'static> {
    let mut network = Network::default();
    network.add(CRL, office.issuing.crl(at(SIGNED), at(TOMORROW)));
    network.add(ROOT_CRL, office.root.crl(at(SIGNED), at(TOMORROW)));
    network.add(ISSUER, office.issuing.certificate.der().to_vec());
    network.add(OCSP, ocsp(office));
    network
}

fn ocsp(office: &Office) -> Vec<u8> {
    use kyso::crypto::DigestAlgorithm;
    use kyso::x509::ocsp::CertId;
    let serial = office.officer.identity().certificate().serial();
    let id = CertId::new(DigestAlgorithm::Sha1, &office.issuing.certificate, serial);
    office.issuing.ocsp(&kyso::x509::ocsp::request(&id, None), None, at(SIGNED), at(TOMORROW))
}

/// The officer with nothing but the own certificate, as many tokens have it.
fn alone(office: &Office) -> SoftKey {
    let key = PrivateKey::generate(KeySpec::P256).unwrap();
    let mut template = Template::new(&[(ca::CN, "Lê Văn Một Mình")]);
    template.ocsp_url = Some(OCSP.to_owned());
    template.crl_url = Some(CRL.to_owned());
    template.issuer_url = Some(ISSUER.to_owned());
    let certificate = office.issuing.certify(&template, &key);
    SoftKey::new(key, SignerIdentity::new(certificate, Vec::new())).unwrap()
}

fn gather(office: &Office, document: &[u8], network: &Network<'_>) -> Gathered {
    gather_with(office, document, network, |gathering| gathering)
}

fn gather_with(
    office: &Office,
    document: &[u8],
    network: &Network<'_>,
    change: impl for<'v> FnOnce(Gathering<'v>) -> Gathering<'v>,
) -> Gathered {
    let (policy, anchors) = (Policy::etsi(), office.anchors());
    let pdf = Pdf::parse(document, &Limits::default()).unwrap();
    let validator = Validator::new(&policy, &anchors, at(TODAY));
    run(change(validator.gather(|v| v.pdf(&pdf))), network).unwrap()
}

fn codes(gathered: &Gathered) -> Vec<(&str, &str)> {
    gathered.findings.iter().map(|f| (f.code(), f.place().unwrap())).collect()
}

#[test]
fn a_signature_passes_with_what_its_certificates_name() {
    let office = office(false);
    let network = network(&office);
    let document = office.sign(&office.officer, SIGNED);
    let gathered = gather(&office, &document, &network);
    assert_eq!(gathered.report.overall(), Overall::TotalPassed, "{}", gathered.report.to_json());
    // The responder first; the CRL of the same certificate is not needed then.
    assert_eq!(network.seen(), [OCSP, ROOT_CRL]);
    assert!(gathered.findings.is_empty() && gathered.requests == 2);
    // The report can be made again from what was gathered, octet for octet.
    let again = office.validate(&document, TODAY, &gathered.evidence);
    assert_eq!(again.to_json(), gathered.report.to_json());
    // Without a network it is the plain validation.
    let (policy, anchors) = (Policy::etsi(), office.anchors());
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let plain = Validator::new(&policy, &anchors, at(TODAY)).gather(|v| v.pdf(&pdf)).finish().unwrap();
    assert_eq!((verdicts(&plain.report), plain.requests), (vec!["TRY_LATER".to_owned()], 0));
    // Nothing is asked where nothing is missing.
    let validator = Validator::new(&policy, &anchors, at(TODAY)).evidence(&gathered.evidence);
    assert!(validator.gather(|v| v.pdf(&pdf)).requests().is_empty());
}

#[test]
fn several_signatures_ask_each_thing_once() {
    let office = office(false);
    let network = network(&office);
    let mut document = office.sign(&office.officer, SIGNED);
    for minute in 1..4 {
        document = office.sign_again(&document, &office.officer, &format!("2026-11-23T01:0{minute}:00Z"));
    }
    let gathered = gather(&office, &document, &network);
    assert_eq!(verdicts(&gathered.report), ["TOTAL-PASSED"; 4]);
    assert_eq!(network.seen(), [OCSP, ROOT_CRL]);
}

#[test]
fn a_lone_certificate_gets_its_issuer_first() {
    let office = office(false);
    let key = alone(&office);
    let document = office.sign(&key, SIGNED);
    for form in ["DER", "PEM", "PKCS#7"] {
        let mut network = network(&office);
        network.answers.remove(OCSP);
        let certificate = &office.issuing.certificate;
        network.add(
            ISSUER,
            match form {
                "DER" => certificate.der().to_vec(),
                "PEM" => certificate.to_pem().into_bytes(),
                _ => ca::certificates_only(&[&office.root.certificate, certificate]),
            },
        );
        let gathered = gather(&office, &document, &network);
        assert_eq!(verdicts(&gathered.report), ["TOTAL-PASSED"], "{form}: {:?}", gathered.findings);
        assert_eq!(network.seen(), [ISSUER, OCSP, ROOT_CRL, CRL], "{form}");
        assert_eq!(codes(&gathered), [("EVIDENCE_NOT_FETCHED", OCSP)]);
    }
    // The wrong issuer ends the search; a missing one too.
    let mut network = network(&office);
    network.add(ISSUER, office.root.certificate.der().to_vec());
    assert_eq!(verdicts(&gather(&office, &document, &network).report), ["NO_CERTIFICATE_CHAIN_FOUND"]);
    assert_eq!(network.seen(), [ISSUER]);
}

#[test]
fn answers_of_no_use_lead_to_the_next_address() {
    let office = office(false);
    let document = office.sign(&office.officer, SIGNED);
    let crl_instead = office.issuing.crl(at(SIGNED), at(TOMORROW));
    let busy = der::seq(&[&der::tlv(0x0A, &[3])]);
    for answer in [None, Some(Vec::new()), Some(b"<html>".to_vec()), Some(crl_instead), Some(busy)] {
        let mut network = network(&office);
        match &answer {
            Some(body) => network.add(OCSP, body.clone()),
            None => network.fails(OCSP, FetchFault::Status(500)),
        }
        let gathered = gather(&office, &document, &network);
        assert_eq!(verdicts(&gathered.report), ["TOTAL-PASSED"], "{answer:?}");
        assert_eq!(network.seen(), [OCSP, ROOT_CRL, CRL], "{answer:?}");
        assert_eq!(codes(&gathered), [("EVIDENCE_NOT_FETCHED", OCSP)], "{answer:?}");
    }
    // A revocation, from wherever it comes, is the answer.
    let mut office = office;
    office.issuing.revoke(&office.officer.identity().certificate().clone(), at("2026-11-01T00:00:00Z"), Some(1));
    let mut network = network(&office);
    network.answers.remove(OCSP);
    assert_eq!(verdicts(&gather(&office, &document, &network).report), ["REVOKED_NO_POE"]);
}

#[test]
fn a_host_of_which_nobody_answered_is_left_alone() {
    let mut plan = Plan::new();
    plan.issuing.crl_url = Some("http://DEAD.example.vn/root.crl".to_owned());
    plan.officer.ocsp_url = Some("http://dead.example.vn/ocsp".to_owned());
    plan.officer.crl_url = Some("http://dead.example.vn/issuing.crl".to_owned());
    let office = plan.open();
    let document = office.sign(&office.officer, SIGNED);
    let network = Network::default();
    let gathered = gather(&office, &document, &network);
    assert_eq!(verdicts(&gathered.report), ["TRY_LATER"]);
    // Both were in the first round; the second address of the officer was not.
    assert_eq!(network.seen(), ["http://dead.example.vn/ocsp", "http://DEAD.example.vn/root.crl"]);
    assert_eq!(gathered.findings.len(), 2);
    assert!(!gathered.report.wanted().is_empty());
    // One that is slow gets a second chance, and no third.
    let mut slow = Network::default();
    for url in ["http://dead.example.vn/ocsp", "http://dead.example.vn/issuing.crl", "http://DEAD.example.vn/root.crl"]
    {
        slow.fails(url, FetchFault::TooSlow);
    }
    let gathering_asks = |requests: usize| {
        gather_with(&office, &document, &slow, |gathering| gathering.max_requests(requests));
        slow.seen().len()
    };
    assert_eq!([gathering_asks(1), gathering_asks(9)], [1, 2]);
}

#[test]
fn other_schemes_are_passed_over_or_asked_where_the_caller_says_so() {
    let office = office(true);
    let mut network = network(&office);
    network.answers.remove(OCSP);
    network.add(LDAP, office.issuing.crl(at(SIGNED), at(TOMORROW)));
    let document = office.sign(&office.officer, SIGNED);
    let gathered = gather(&office, &document, &network);
    assert_eq!(verdicts(&gathered.report), ["TRY_LATER"]);
    assert_eq!(network.seen(), [OCSP, ROOT_CRL]);
    assert_eq!(codes(&gathered), [("EVIDENCE_NOT_FETCHED", OCSP), ("ADDRESS_PASSED_OVER", LDAP)]);
    let gathered = gather_with(&office, &document, &network, |gathering| gathering.scheme("LDAP"));
    assert_eq!(verdicts(&gathered.report), ["TOTAL-PASSED"]);
    assert_eq!(network.seen(), [OCSP, ROOT_CRL, LDAP]);
}

#[test]
fn rounds_requests_and_octets_are_bounded() {
    let office = office(false);
    let key = alone(&office);
    let document = office.sign(&key, SIGNED);
    let mut network = network(&office);
    network.answers.remove(OCSP);
    let asked = |change: &dyn for<'v> Fn(Gathering<'v>) -> Gathering<'v>| {
        let gathered = gather_with(&office, &document, &network, change);
        assert!(gathered.requests == network.seen.lock().unwrap().len());
        (network.seen().len(), verdicts(&gathered.report).remove(0))
    };
    let later = |n: usize| (n, "TRY_LATER".to_owned());
    assert_eq!(asked(&|g| g), (4, "TOTAL-PASSED".to_owned()));
    assert_eq!(asked(&|g| g.rounds(0)), (0, "NO_CERTIFICATE_CHAIN_FOUND".to_owned()));
    assert_eq!(asked(&|g| g.rounds(1)), later(1));
    assert_eq!(asked(&|g| g.rounds(2)), later(3));
    assert_eq!(asked(&|g| g.max_requests(0)), (0, "NO_CERTIFICATE_CHAIN_FOUND".to_owned()));
    assert_eq!(asked(&|g| g.max_requests(3)), later(3));
    assert_eq!(asked(&|g| g.max_octets(0)), (0, "NO_CERTIFICATE_CHAIN_FOUND".to_owned()));
    let issuer = office.issuing.certificate.der().len();
    assert_eq!(asked(&|g| g.max_octets(issuer - 1)), (1, "NO_CERTIFICATE_CHAIN_FOUND".to_owned()));
    assert_eq!(asked(&|g| g.max_octets(issuer)), later(1));
    let sizes = RefCell::new(Vec::new());
    asked(&|g| {
        let g = g.max_octets(1_000);
        sizes.borrow_mut().extend(g.requests().iter().map(|r| r.max_octets));
        g
    });
    assert_eq!(*sizes.borrow(), [1_000], "an answer may not be longer than what is left");
}

#[test]
fn cms_and_time_stamps_gather_too() {
    let office = office(false);
    let network = network(&office);
    let (policy, anchors) = (Policy::etsi(), office.anchors());
    let validator = || Validator::new(&policy, &anchors, at(TODAY));
    let signed = CadesRequest::new(b"content", at(SIGNED)).sign(&office.officer).unwrap();
    let signed = SignedData::from_octets(signed.octets(), &Limits::default()).unwrap();
    let content: &[u8] = b"content";
    let gathered = run(validator().gather(|v| v.cms(&signed, Some(&content))), &network).unwrap();
    assert_eq!(verdicts(&gathered.report), ["TOTAL-PASSED"]);
    assert_eq!(network.seen(), [OCSP, ROOT_CRL]);
    // The certificate of the TSA names nobody to ask.
    let stamped = office.sign_stamped(&office.officer, SIGNED, "2026-11-23T01:00:05Z");
    let gathered = gather(&office, &stamped, &network);
    assert_eq!(network.seen(), [OCSP, ROOT_CRL]);
    assert_eq!(verdicts(&gathered.report), ["TOTAL-PASSED"]);
}

#[test]
fn several_documents_are_validated_beside_each_other() {
    let office = office(false);
    let network = network(&office);
    let documents: Vec<Vec<u8>> = (0..4).map(|_| office.sign(&office.officer, SIGNED)).collect();
    let pdfs: Vec<Pdf<'_>> = documents.iter().map(|d| Pdf::parse(d.as_slice(), &Limits::default()).unwrap()).collect();
    let (policy, anchors) = (Policy::etsi(), office.anchors());
    let jobs = pdfs.iter().map(|pdf| Validator::new(&policy, &anchors, at(TODAY)).gather(|v| v.pdf(pdf)));
    for gathered in run_many(jobs, &network, 3) {
        assert_eq!(verdicts(&gathered.unwrap().report), ["TOTAL-PASSED"]);
    }
    assert_eq!(network.seen().len(), 8);
}

#[test]
fn answers_to_questions_that_nobody_asked_change_nothing() {
    let office = office(false);
    let document = office.sign(&office.officer, SIGNED);
    let (policy, anchors) = (Policy::etsi(), office.anchors());
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let mut gathering = Validator::new(&policy, &anchors, at(TODAY)).gather(|v| v.pdf(&pdf));
    let request = gathering.requests().remove(0);
    assert_eq!(request.purpose, Purpose::Ocsp);
    // Twice the same answer, the second too late.
    let fail = || Err(FetchError::new(OCSP, "failed").into());
    gathering.answer(&request, fail());
    gathering.answer(&request, Ok(Response { body: ocsp(&office) }));
    // An answer longer than its request allows.
    let next = gathering.requests().into_iter().find(|r| r.url == ROOT_CRL).unwrap();
    gathering.answer(&next, Ok(Response { body: vec![0; next.max_octets + 1] }));
    let gathered = gathering.finish().unwrap();
    assert_eq!(verdicts(&gathered.report), ["TRY_LATER"]);
    assert!(gathered.evidence.is_empty());
    assert_eq!(gathered.findings.len(), 2);
}
