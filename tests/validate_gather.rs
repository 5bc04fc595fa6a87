//! Validation that fetches what it lacks: what it asks, in which order, and when it stops.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::cell::RefCell;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::error::FetchError;
use kyso::fetch::Fetch;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::sign::pades::PadesRequest;
use kyso::trust::TrustAnchors;
use kyso::validate::Gathered;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Validator;

const NOW: &str = "2026-11-23T01:00:00Z";
const TOMORROW: &str = "2026-11-24T01:00:00Z";
const ROOT_CRL: &str = "http://ca.example.vn/root.crl";
const CA_CRL: &str = "http://ca.example.vn/ca.crl";
const CA_CERTIFICATE: &str = "http://ca.example.vn/ca.cer";
const OCSP: &str = "http://ocsp.example.vn/";

/// Answers by address, and keeps what was asked.
struct Network<'a> {
    answer: &'a dyn Fn(&str) -> Option<Vec<u8>>,
    asked: RefCell<Vec<String>>,
}

impl Fetch for Network<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.asked.borrow_mut().push(request.url.clone());
        let body = (self.answer)(&request.url).ok_or_else(|| FetchError::new(request.url.as_str(), "down"))?;
        Ok(Response { body })
    }
}

struct Scene {
    root: Authority,
    ca: Authority,
    signed: Vec<u8>,
}

fn scene() -> Scene {
    let root = Authority::root(Template::ca(&[(ca::CN, "Root of validate_gather")], None), KeySpec::P256);
    let mut template = Template::ca(&[(ca::CN, "CA of validate_gather")], Some(0));
    template.crl_url = Some(ROOT_CRL.to_owned());
    let ca = root.subordinate(template, KeySpec::P256);
    let mut template = Template::new(&[(ca::CN, "Nguyễn Văn A")]);
    template.crl_url = Some(CA_CRL.to_owned());
    template.ocsp_url = Some(OCSP.to_owned());
    template.issuer_url = Some(CA_CERTIFICATE.to_owned());
    let key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
    let certificate = ca.certify(&template, &key);
    let key: &dyn SigningKey = &SoftKey::new(key, SignerIdentity::new(certificate, Vec::new())).unwrap();
    let original = sample_pdf::plain(sample_pdf::FORMS[0]);
    let pdf = Pdf::parse(original.as_slice(), &Limits::default()).unwrap();
    let signed = PadesRequest::new(&pdf, ca::at(NOW)).sign(key).unwrap().to_octets().unwrap();
    Scene { root, ca, signed }
}

impl Scene {
    fn answer(&self, url: &str) -> Option<Vec<u8>> {
        let (now, tomorrow) = (ca::at(NOW), ca::at(TOMORROW));
        match url {
            ROOT_CRL => Some(self.root.crl(now, tomorrow)),
            CA_CRL => Some(self.ca.crl(now, tomorrow)),
            CA_CERTIFICATE => Some(self.ca.certificate.der().to_vec()),
            _ => None,
        }
    }

    fn gather(&self, answer: &dyn Fn(&str) -> Option<Vec<u8>>) -> (Gathered, Vec<String>) {
        let network = Network { answer, asked: RefCell::default() };
        let anchors = TrustAnchors::from_file("root", self.root.certificate.der()).unwrap();
        let policy = Policy::etsi();
        let pdf = Pdf::parse(self.signed.as_slice(), &Limits::default()).unwrap();
        let validation = Validator::new(&policy, &anchors, ca::at(NOW)).gather(|v| v.pdf(&pdf));
        let gathered = run(validation, &network).unwrap();
        // The evidence that was fetched makes the same report without a network.
        let again = Validator::new(&policy, &anchors, ca::at(NOW)).evidence(&gathered.evidence).pdf(&pdf);
        assert_eq!(again.to_json(), gathered.report.to_json());
        (gathered, network.asked.into_inner())
    }
}

#[test]
fn issuer_first_then_status_and_the_next_address_where_one_is_down() {
    let scene = scene();
    let (gathered, asked) = scene.gather(&|url| scene.answer(url));
    assert_eq!(gathered.report.overall(), Overall::TotalPassed, "{}", gathered.report.to_json());
    assert_eq!(asked[0], CA_CERTIFICATE);
    assert_eq!(asked.iter().filter(|url| *url == OCSP).count(), 1);
    assert_eq!(asked.last().unwrap(), CA_CRL, "only after the responder did not answer: {asked:?}");
    assert_eq!(asked.len(), 4);
    assert_eq!(gathered.findings.len(), 1);
    assert_eq!(gathered.evidence.crls().len(), 2);
}

#[test]
fn without_answers_it_ends_and_says_what_was_not_to_be_had() {
    let scene = scene();
    let (gathered, asked) = scene.gather(&|_| None);
    assert_eq!(gathered.report.overall(), Overall::Indeterminate);
    assert_eq!(asked, [CA_CERTIFICATE]);
    assert!(gathered.findings[0].to_string().contains(CA_CERTIFICATE));

    // Answers that are no evidence are asked for once, too.
    let (gathered, asked) = scene.gather(&|url| {
        let body = if url == CA_CERTIFICATE { scene.ca.certificate.der().to_vec() } else { b"<html>".to_vec() };
        Some(body)
    });
    assert_eq!(gathered.report.overall(), Overall::Indeterminate);
    let mut once = asked.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), asked.len(), "{asked:?}");
    assert!(gathered.evidence.crls().is_empty());
}

#[test]
fn a_revocation_that_was_fetched_does_not_pass() {
    let mut scene = scene();
    let pdf = Pdf::parse(scene.signed.as_slice(), &Limits::default()).unwrap();
    let contents = pdf.signatures().unwrap().remove(0).contents;
    let cms = kyso::cms::SignedData::from_padded(&contents, &Limits::default()).unwrap();
    let signer = cms.certificates().iter().find(|c| c.issuer() == scene.ca.certificate.subject()).unwrap();
    scene.ca.revoke(signer, ca::at("2026-11-22T00:00:00Z"), Some(1));
    let (gathered, _) = scene.gather(&|url| scene.answer(url));
    assert_eq!(gathered.report.signatures()[0].indication().sub_indication(), Some("REVOKED_NO_POE"));
}

#[test]
fn a_certificate_that_names_a_thousand_addresses_gets_its_share_asked() {
    let mut scene = scene();
    let name = |index: usize| der::tlv(0x86, format!("http://{index}.example.vn/").as_bytes());
    let method = der::oid("1.3.6.1.5.5.7.48.2");
    let access: Vec<Vec<u8>> = (0..1_000).map(|index| der::seq(&[&method, &name(index)])).collect();
    let mut template = Template::new(&[(ca::CN, "Nguyễn Văn A")]);
    template.extra.push(ca::extension("1.3.6.1.5.5.7.1.1", false, &der::tlv(0x30, &access.concat())));
    let key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
    let certificate = scene.ca.certify(&template, &key);
    let key = SoftKey::new(key, SignerIdentity::new(certificate, Vec::new())).unwrap();
    let original = sample_pdf::plain(sample_pdf::FORMS[0]);
    let pdf = Pdf::parse(original.as_slice(), &Limits::default()).unwrap();
    scene.signed = PadesRequest::new(&pdf, ca::at(NOW)).sign(&key).unwrap().to_octets().unwrap();
    let (gathered, asked) = scene.gather(&|_| None);
    assert_eq!(gathered.report.overall(), Overall::Indeterminate);
    assert!((1..=64).contains(&asked.len()), "{}", asked.len());
}
