//! An office with its PKI: a root, an issuing CA, an officer, an agency and a
//! TSA, and what a validation of their signatures needs.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used)]

use std::cell::RefCell;

use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::crypto::KeySpec;
use kyso::fetch::Fetch;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::revocation::Evidence;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use kyso::x509::Crl;

use super::ca::Authority;
use super::ca::CN;
use super::ca::Template;
use super::ca::Tsa;
use super::ca::at;
use super::sample_pdf;

pub const TSA_URL: &str = "http://tsa.example.vn/";

pub struct Office {
    pub root: Authority,
    pub issuing: Authority,
    pub officer: SoftKey,
    pub agency: SoftKey,
    /// Under the root, so that it outlives the issuing CA.
    pub tsa: Tsa,
}

/// What the tests vary before the office opens.
pub struct Plan {
    pub issuing: Template,
    pub officer: Template,
    pub tsa: Template,
    pub tsa_key: KeySpec,
}

impl Plan {
    pub fn new() -> Self {
        Self {
            issuing: Template::ca(&[(CN, "Issuing CA")], Some(0)).valid("2026-01-01T00:00:00Z", "2040-01-01T00:00:00Z"),
            officer: Template::new(&[(CN, "Nguyễn Văn An")]),
            tsa: Template::tsa(&[(CN, "Demonstration TSA")]),
            tsa_key: KeySpec::P256,
        }
    }

    pub fn open(self) -> Office {
        let root = Authority::root(
            Template::ca(&[(CN, "Root CA")], None).valid("2026-01-01T00:00:00Z", "2060-01-01T00:00:00Z"),
            KeySpec::P256,
        );
        let issuing = root.subordinate(self.issuing, KeySpec::P256);
        let officer = issuing.issue(&self.officer, KeySpec::P256);
        let agency = issuing.issue(&Template::new(&[(CN, "UBND tỉnh Trà Vinh")]), KeySpec::P256);
        let tsa = Tsa::new(root.issue(&self.tsa, self.tsa_key));
        Office { root, issuing, officer, agency, tsa }
    }
}

/// A network in which the TSA answers at a given time.
pub struct Clocked<'o>(pub &'o Tsa, pub Time);

impl Fetch for Clocked<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        Ok(Response { body: self.0.respond(request.body.as_deref().unwrap_or_default(), self.1) })
    }
}

impl Office {
    pub fn anchors(&self) -> TrustAnchors {
        let mut set = TrustSet::new("office");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        TrustAnchors::new([set])
    }

    /// CRLs of both CAs, issued at `from` and good until `to`.
    pub fn crls(&self, from: &str, to: &str) -> Evidence {
        let mut evidence = Evidence::new();
        for authority in [&self.root, &self.issuing] {
            evidence.add_crl(Crl::from_der(&authority.crl(at(from), at(to))).unwrap());
        }
        evidence
    }

    /// A small document signed by `key`, level B-B.
    pub fn sign(&self, key: &dyn SigningKey, when: &str) -> Vec<u8> {
        self.sign_again(&sample_pdf::plain(sample_pdf::Xref::Table), key, when)
    }

    pub fn sign_again(&self, document: &[u8], key: &dyn SigningKey, when: &str) -> Vec<u8> {
        let pdf = Pdf::parse(document, &Limits::default()).unwrap();
        PadesRequest::new(&pdf, at(when)).sign(key).unwrap().to_octets().unwrap()
    }

    /// The same at level B-T, time-stamped at `stamped`.
    pub fn sign_stamped(&self, key: &dyn SigningKey, when: &str, stamped: &str) -> Vec<u8> {
        let document = sample_pdf::plain(sample_pdf::Xref::Table);
        let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
        let settings = TimestampSettings::new(TSA_URL, [1; 8]);
        let job = PadesRequest::new(&pdf, at(when)).sign_timestamped(key, settings).unwrap();
        run(job, &Clocked(&self.tsa, at(stamped))).unwrap().to_octets().unwrap()
    }

    pub fn validate(&self, document: &[u8], when: &str, evidence: &Evidence) -> Report {
        self.validate_by(&Policy::etsi(), document, when, evidence)
    }

    pub fn validate_by(&self, policy: &Policy, document: &[u8], when: &str, evidence: &Evidence) -> Report {
        let pdf = Pdf::parse(document, &Limits::default()).unwrap();
        Validator::new(policy, &self.anchors(), at(when)).evidence(evidence).pdf(&pdf)
    }
}

/// The indications of a report's signatures, in words.
pub fn verdicts(report: &Report) -> Vec<String> {
    let word = |s: &kyso::validate::SignatureReport| {
        s.indication().sub_indication().unwrap_or_else(|| s.indication().name()).to_owned()
    };
    report.signatures().iter().map(word).collect()
}

/// Requests that were made through a door, in order.
#[derive(Default)]
pub struct Log(pub RefCell<Vec<String>>);
