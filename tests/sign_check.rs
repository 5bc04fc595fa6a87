//! The check of a signer before signing: trust, revocation, and what is not known.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::cell::RefCell;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Time;
use kyso::crypto::KeySpec;
use kyso::error::FetchError;
use kyso::error::RefusalReason;
use kyso::fetch::Fetch;
use kyso::fetch::Job;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::revocation::Evidence;
use kyso::revocation::RevocationRules;
use kyso::sign::PreSignCheck;
use kyso::sign::PreSigned;
use kyso::trust::TrustAnchors;
use kyso::x509::Crl;

const NOW: &str = "2026-11-23T01:00:00Z";

fn now() -> Time {
    ca::at(NOW)
}

struct Scene {
    root: Authority,
    ca: Authority,
    signer: SignerIdentity,
}

fn scene() -> Scene {
    let root = Authority::root(Template::ca(&[(ca::CN, "Root of sign_check")], None), KeySpec::P256);
    let mut template = Template::ca(&[(ca::CN, "CA of sign_check")], Some(0));
    template.crl_url = Some("http://ca.example.vn/root.crl".to_owned());
    let ca = root.subordinate(template, KeySpec::P256);
    let mut template = Template::new(&[(ca::CN, "Nguyễn Văn A")]);
    template.crl_url = Some("http://ca.example.vn/ca.crl".to_owned());
    template.issuer_url = Some("http://ca.example.vn/ca.cer".to_owned());
    let signer = ca.issue(&template, KeySpec::P256).identity().clone();
    Scene { root, ca, signer }
}

impl Scene {
    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_file("root", self.root.certificate.der()).unwrap()
    }

    fn crls(&self) -> [Vec<u8>; 2] {
        let (this, next) = (ca::at("2026-11-22T00:00:00Z"), ca::at("2026-11-29T00:00:00Z"));
        [self.root.crl(this, next), self.ca.crl(this, next)]
    }

    fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::new();
        for crl in self.crls() {
            evidence.add_crl(Crl::from_der(&crl).unwrap());
        }
        evidence
    }

    fn check(&self, anchors: &TrustAnchors) -> PreSignCheck {
        PreSignCheck::new(&self.signer, anchors, &RevocationRules::default(), now()).unwrap()
    }
}

fn codes(signed: &PreSigned) -> Vec<&str> {
    signed.warnings.iter().map(|warning| warning.code()).collect()
}

fn refusal(result: Result<PreSigned, Error>) -> RefusalReason {
    match result {
        Err(Error::Refused(refused)) => refused.reason(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_good_signer_passes_and_an_unknown_one_is_warned_of() {
    let scene = scene();
    let anchors = scene.anchors();
    let good = scene.check(&anchors).evidence(&scene.evidence()).require_valid().finish().unwrap();
    assert!(good.warnings.is_empty(), "{:?}", good.warnings);
    assert_eq!(good.evidence.crls().len(), 2);
    // No evidence.
    let unknown = scene.check(&anchors).finish().unwrap();
    assert_eq!(codes(&unknown), ["SIGNER_STATUS_UNKNOWN"]);
    assert_eq!(refusal(scene.check(&anchors).require_valid().finish()), RefusalReason::CertificateUnknown);
    // No anchor: a good status under the issuer at hand is not enough.
    let none = TrustAnchors::none();
    let untrusted = scene.check(&none).evidence(&scene.evidence()).finish().unwrap();
    assert_eq!(codes(&untrusted), ["SIGNER_NOT_TRUSTED"]);
    let untrusted = scene.check(&none).evidence(&scene.evidence()).require_valid().finish();
    assert_eq!(refusal(untrusted), RefusalReason::CertificateUnknown);
    // Neither anchor nor chain.
    let alone = SignerIdentity::new(scene.signer.certificate().clone(), Vec::new());
    let alone = PreSignCheck::new(&alone, &none, &RevocationRules::default(), now()).unwrap().finish().unwrap();
    assert_eq!(codes(&alone), ["SIGNER_NOT_TRUSTED"]);
}

#[test]
fn a_known_revocation_refuses_with_and_without_anchors() {
    let mut scene = scene();
    let certificate = scene.signer.certificate().clone();
    scene.ca.revoke(&certificate, ca::at("2026-11-20T00:00:00Z"), Some(1));
    let evidence = scene.evidence();
    for anchors in [scene.anchors(), TrustAnchors::none()] {
        assert_eq!(refusal(scene.check(&anchors).evidence(&evidence).finish()), RefusalReason::CertificateRevoked);
    }
    // A CRL that somebody else signed refuses nobody.
    let other = Authority::root(Template::ca(&[(ca::CN, "CA of sign_check")], None), KeySpec::P256);
    let mut forger = Authority::with(other.key, scene.ca.certificate.clone());
    forger.revoke(&certificate, ca::at("2026-11-20T00:00:00Z"), None);
    let mut forged = Evidence::new();
    let crl = forger.crl(ca::at("2026-11-22T00:00:00Z"), ca::at("2026-11-29T00:00:00Z"));
    forged.add_crl(Crl::from_der(&crl).unwrap());
    let unknown = scene.check(&scene.anchors()).evidence(&forged).finish().unwrap();
    assert_eq!(codes(&unknown), ["SIGNER_STATUS_UNKNOWN"]);
    // A revoked authority refuses its signers.
    let mut scene = self::scene();
    let authority = scene.ca.certificate.clone();
    scene.root.revoke(&authority, ca::at("2026-11-20T00:00:00Z"), None);
    let revoked = scene.check(&scene.anchors()).evidence(&scene.evidence()).finish();
    assert_eq!(refusal(revoked), RefusalReason::CertificateRevoked);
}

/// Serves the CRLs and the issuer's certificate.
struct Network<'s> {
    scene: &'s Scene,
    asked: RefCell<Vec<Purpose>>,
}

impl Fetch for Network<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.asked.borrow_mut().push(request.purpose);
        let [root, ca] = self.scene.crls();
        let body = match request.url.as_str() {
            "http://ca.example.vn/root.crl" => root,
            "http://ca.example.vn/ca.crl" => ca,
            "http://ca.example.vn/ca.cer" => self.scene.ca.certificate.der().to_vec(),
            url => return Err(FetchError::new(url, "no such address").into()),
        };
        Ok(Response { body })
    }
}

#[test]
fn what_is_missing_is_fetched() {
    let mut scene = scene();
    // A token often holds the signer's certificate alone.
    scene.signer = SignerIdentity::new(scene.signer.certificate().clone(), Vec::new());
    let network = Network { scene: &scene, asked: RefCell::default() };
    let signed = run(scene.check(&scene.anchors()).require_valid(), &network).unwrap();
    assert!(signed.warnings.is_empty(), "{:?}", signed.warnings);
    assert_eq!(network.asked.borrow()[0], Purpose::IssuerCertificate);
    assert_eq!((signed.evidence.certificates().len(), signed.evidence.crls().len()), (1, 2));

    struct Silence;
    impl Fetch for Silence {
        fn fetch(&self, request: &Request) -> Result<Response, Error> {
            Err(FetchError::new(request.url.as_str(), "no answer").into())
        }
    }
    let signed = run(scene.check(&scene.anchors()), &Silence).unwrap();
    assert_eq!(codes(&signed), ["SIGNER_NOT_TRUSTED", "EVIDENCE_NOT_FETCHED"]);
}
