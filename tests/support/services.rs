//! A PKI with its services in this process: CRLs, an OCSP responder, two
//! time-stamping authorities, all with one clock that the test sets.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::Cell;
use std::cell::RefCell;
use std::time::Duration;

use kyso::Error;
use kyso::Time;
use kyso::crypto::KeySpec;
use kyso::error::FetchError;
use kyso::error::FetchFault;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::key::soft::SoftKey;
use kyso::sign::timestamping::TimestampSettings;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;

use super::ca::Authority;
use super::ca::CN;
use super::ca::Template;
use super::ca::Tsa;
use super::ca::at;

pub const TSA: &str = "http://tsa.example.vn/";
pub const OTHER_TSA: &str = "http://tsa.elsewhere.vn/";
pub const DAY: Duration = Duration::from_secs(86_400);

/// One root, an issuing CA with a delegated responder, an authority under the
/// root, and another one under a CA of its own.
pub struct Services {
    pub root: Authority,
    pub issuing: Authority,
    pub elsewhere: Authority,
    pub officer: SoftKey,
    pub agency: SoftKey,
    pub responder: SoftKey,
    pub tsa: Tsa,
    pub other_tsa: Tsa,
    pub clock: Cell<Time>,
    /// Addresses that nobody answers at.
    pub down: RefCell<Vec<&'static str>>,
    pub asked: RefCell<Vec<String>>,
}

fn crl_of(name: &str) -> Option<String> {
    Some(format!("http://crl.example.vn/{name}"))
}

impl Services {
    pub fn new() -> Self {
        Self::valid("2026-01-01T00:00:00Z", "2030-12-31T23:59:59Z")
    }

    /// With certificates valid for this time, those of CAs ten years and more beyond 2030.
    pub fn valid(from: &str, to: &str) -> Self {
        let until = "2100-01-01T00:00:00Z";
        let root = Authority::root(Template::ca(&[(CN, "Root of services")], None).valid(from, until), KeySpec::P256);
        let ca = |name: &str| {
            let template =
                Template::ca(&[(CN, name)], Some(0)).valid(from, if to < "2040" { "2040-01-01T00:00:00Z" } else { to });
            root.subordinate(Template { crl_url: crl_of("root"), ..template }, KeySpec::P256)
        };
        let (issuing, elsewhere) = (ca("Issuing CA"), ca("CA elsewhere"));
        let signer = |name: &str| Template {
            crl_url: crl_of("issuing"),
            ocsp_url: Some("http://ocsp.example.vn/".to_owned()),
            ..Template::new(&[(CN, name)]).valid(from, to)
        };
        let officer = issuing.issue(&signer("Nguyễn Văn An"), KeySpec::P256);
        let agency = issuing.issue(&signer("UBND tỉnh Trà Vinh"), KeySpec::P256);
        let responder = issuing.issue(&Template::ocsp_responder(&[(CN, "Responder")]).valid(from, to), KeySpec::P256);
        let stamping =
            |name: &str, crl: &str| Template { crl_url: crl_of(crl), ..Template::tsa(&[(CN, name)]).valid(from, to) };
        let tsa = Tsa::new(root.issue(&stamping("TSA", "root"), KeySpec::P256));
        let elsewhere_url = Some("http://aia.example.vn/elsewhere".to_owned());
        let other = Template { issuer_url: elsewhere_url, ..stamping("TSA elsewhere", "elsewhere") };
        let other_tsa = Tsa::new(elsewhere.issue(&other, KeySpec::P256));
        Self {
            root,
            issuing,
            elsewhere,
            officer,
            agency,
            responder,
            tsa,
            other_tsa,
            clock: Cell::new(at("2026-11-23T01:00:00Z")),
            down: RefCell::default(),
            asked: RefCell::default(),
        }
    }

    pub fn anchors(&self) -> TrustAnchors {
        let mut set = TrustSet::new("services");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        TrustAnchors::new([set])
    }

    /// An authority that outlives the others, under the root.
    pub fn long_lived(&self) -> Tsa {
        let template = Template { crl_url: crl_of("root"), ..Template::tsa(&[(CN, "TSA of later years")]) };
        Tsa::new(self.root.issue(&template.valid("2030-01-01T00:00:00Z", "2050-01-01T00:00:00Z"), KeySpec::P256))
    }

    pub fn now(&self) -> Time {
        self.clock.get()
    }

    pub fn set(&self, time: &str) {
        self.clock.set(at(time));
    }

    /// The addresses asked since the last call.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.borrow_mut())
    }

    fn answer(&self, request: &Request) -> Option<Vec<u8>> {
        let now = self.now();
        let body = request.body.as_deref().unwrap_or_default();
        let crl = |authority: &Authority| authority.crl(now, now.saturating_add(DAY));
        Some(match (request.purpose, request.url.as_str()) {
            (Purpose::TimeStamp, TSA) => self.tsa.respond(body, now),
            (Purpose::TimeStamp, OTHER_TSA) => self.other_tsa.respond(body, now),
            (Purpose::Ocsp, "http://ocsp.example.vn/") => {
                self.issuing.ocsp(body, Some(&self.responder), now, now.saturating_add(DAY))
            }
            (Purpose::Crl, "http://crl.example.vn/root") => crl(&self.root),
            (Purpose::Crl, "http://crl.example.vn/issuing") => crl(&self.issuing),
            (Purpose::Crl, "http://crl.example.vn/elsewhere") => crl(&self.elsewhere),
            (Purpose::IssuerCertificate, "http://aia.example.vn/elsewhere") => {
                self.elsewhere.certificate.der().to_vec()
            }
            _ => return None,
        })
    }
}

pub fn settings() -> TimestampSettings {
    TimestampSettings::new(TSA, [7; 16])
}

impl Fetch for Services {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.asked.borrow_mut().push(request.url.clone());
        let down = self.down.borrow().iter().any(|url| request.url.starts_with(url));
        match self.answer(request).filter(|_| !down) {
            Some(body) => Ok(Response { body }),
            None => Err(FetchError::new(request.url.as_str(), "nobody there").because(FetchFault::Unreachable).into()),
        }
    }
}
