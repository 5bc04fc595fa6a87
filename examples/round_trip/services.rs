//! A country in one process: certification authorities, people and offices with
//! their keys, a time-stamping authority and an OCSP responder, all made on the
//! spot, and behind the same door as the real network.

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::Duration;

use kyso::Time;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::error::FetchError;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;

use crate::ca;
use crate::ca::Authority;
use crate::ca::Template;
use crate::ca::Tsa;

pub(crate) const TSA: &str = "http://tsa.example.vn/";
const OCSP: &str = "http://ocsp.example.vn/";
const ROOT_CRL: &str = "http://ca.example.vn/root.crl";
const ISSUING_CRL: &str = "http://ca.example.vn/issuing.crl";
const ISSUING_CERTIFICATE: &str = "http://ca.example.vn/issuing.cer";

const COUNTRY: (&str, &str) = (ca::C, "VN");
const COMMITTEE: (&str, &str) = (ca::O, "Ủy ban nhân dân xã Sông Mây");

/// The services, and the clock that they go by.
pub(crate) struct Services {
    root: Authority,
    issuing: Authority,
    responder: SoftKey,
    tsa: Tsa,
    now: Cell<Time>,
    answered: RefCell<BTreeMap<&'static str, usize>>,
}

/// Who signs in this story.
pub(crate) struct Signers {
    /// The vice-chairwoman of the committee.
    pub(crate) officer: SoftKey,
    /// The committee itself: its seal.
    pub(crate) agency: SoftKey,
    /// Somebody whose certificate was revoked a week ago.
    pub(crate) revoked: SoftKey,
    /// The officer's key again, for the command line.
    officer_pkcs8: Vec<u8>,
}

impl Services {
    /// Makes everything anew.
    pub(crate) fn new(now: Time) -> Result<(Self, Signers), Box<dyn Error>> {
        let root = Authority::root(Template::ca(&[COUNTRY, (ca::CN, "Gốc chứng thực minh họa")], None), KeySpec::P384);
        let mut template = Template::ca(&[COUNTRY, (ca::O, "Cơ yếu minh họa"), (ca::CN, "CA minh họa")], Some(0));
        template.crl_url = Some(ROOT_CRL.to_owned());
        let mut issuing = root.subordinate(template, KeySpec::P384);

        let (officer, officer_pkcs8) = signer(&issuing, &[COUNTRY, COMMITTEE, (ca::CN, "Nguyễn Thị Ẩn Đổng")])?;
        let (agency, _) = signer(&issuing, &[COUNTRY, COMMITTEE, (ca::CN, "Ủy ban nhân dân xã Sông Mây")])?;
        let (revoked, _) = signer(&issuing, &[COUNTRY, COMMITTEE, (ca::CN, "Trần Văn Đã Nghỉ")])?;
        let a_week_ago = now.saturating_sub(Duration::from_secs(7 * 86_400));
        issuing.revoke(revoked.identity().certificate(), a_week_ago, Some(AFFILIATION_CHANGED));

        let mut template = Template::tsa(&[COUNTRY, (ca::CN, "Dấu thời gian minh họa")]);
        template.crl_url = Some(ISSUING_CRL.to_owned());
        let tsa = Tsa::new(issuing.issue(&template, KeySpec::Rsa2048));
        let template = Template::ocsp_responder(&[COUNTRY, (ca::CN, "OCSP minh họa")]);
        let responder = issuing.issue(&template, KeySpec::P256);

        let answered = RefCell::default();
        let services = Self { root, issuing, responder, tsa, now: Cell::new(now), answered };
        Ok((services, Signers { officer, agency, revoked, officer_pkcs8 }))
    }

    /// Moves the clock of the services on.
    pub(crate) fn set_time(&self, now: Time) {
        self.now.set(now);
    }

    /// Revokes a certificate, now.
    pub(crate) fn revoke(&mut self, certificate: &Certificate) {
        self.issuing.revoke(certificate, self.now(), Some(AFFILIATION_CHANGED));
    }

    /// The clock that the services go by.
    pub(crate) fn now(&self) -> Time {
        self.now.get()
    }

    /// What the receiving office trusts: the root, under a name that reports repeat.
    pub(crate) fn trust(&self) -> TrustAnchors {
        let mut set = TrustSet::new("Danh sách tin cậy minh họa");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        TrustAnchors::new([set])
    }

    /// The answers given since the last call, by service.
    pub(crate) fn take_answered(&self) -> String {
        let answered = std::mem::take(&mut *self.answered.borrow_mut());
        let list: Vec<String> = answered.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if list.is_empty() { "none".to_owned() } else { list.join(", ") }
    }

    /// Leaves what the command line needs to look at the same documents.
    pub(crate) fn save(&self, signers: &Signers, folder: &Path) -> Result<(), Box<dyn Error>> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("root.cer"), self.root.certificate.der())?;
        fs::write(folder.join("issuing.cer"), self.issuing.certificate.der())?;
        fs::write(folder.join("officer.cer"), signers.officer.identity().certificate().der())?;
        fs::write(folder.join("officer.key"), &signers.officer_pkcs8)?;
        for (name, authority) in [("root.crl", &self.root), ("issuing.crl", &self.issuing)] {
            fs::write(folder.join(name), authority.crl(self.now(), self.tomorrow()))?;
        }
        Ok(())
    }

    fn tomorrow(&self) -> Time {
        self.now().saturating_add(Duration::from_secs(86_400))
    }
}

const AFFILIATION_CHANGED: u8 = 3;

/// A key with its certificate, and the key as PKCS#8.
fn signer(issuing: &Authority, subject: &[(&str, &str)]) -> Result<(SoftKey, Vec<u8>), Box<dyn Error>> {
    let mut template = Template::new(subject);
    template.crl_url = Some(ISSUING_CRL.to_owned());
    template.ocsp_url = Some(OCSP.to_owned());
    template.issuer_url = Some(ISSUING_CERTIFICATE.to_owned());
    let key = PrivateKey::generate(KeySpec::Rsa2048)?;
    let pkcs8 = key.to_pkcs8_der()?.to_vec();
    let certificate: Certificate = issuing.certify(&template, &key);
    // Without the issuer's certificate: whoever checks has to fetch it.
    Ok((SoftKey::new(key, SignerIdentity::new(certificate, Vec::new()))?, pkcs8))
}

/// The network of this country. A program that is not an example puts
/// `kyso::fetch::http` (feature `http`) or a client of its own here.
impl Fetch for Services {
    fn fetch(&self, request: &Request) -> Result<Response, kyso::Error> {
        let (now, tomorrow) = (self.now(), self.tomorrow());
        let question = request.body.as_deref().unwrap_or_default();
        let (service, body) = match (request.purpose, request.url.as_str()) {
            (Purpose::TimeStamp, TSA) => ("time-stamp", self.tsa.respond(question, now)),
            (Purpose::Ocsp, OCSP) => {
                ("OCSP response", self.issuing.ocsp(question, Some(&self.responder), now, tomorrow))
            }
            (Purpose::Crl, ROOT_CRL) => ("CRL of the root", self.root.crl(now, tomorrow)),
            (Purpose::Crl, ISSUING_CRL) => ("CRL of the issuing CA", self.issuing.crl(now, tomorrow)),
            (Purpose::IssuerCertificate, ISSUING_CERTIFICATE) => {
                ("issuer certificate", self.issuing.certificate.der().to_vec())
            }
            _ => return Err(FetchError::new(request.url.as_str(), "nobody answers there").into()),
        };
        *self.answered.borrow_mut().entry(service).or_default() += 1;
        Ok(Response { body })
    }
}
