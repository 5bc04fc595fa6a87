//! Levels that last, judged by others: pyHanko's AdES-LTA validation, poppler,
//! qpdf, OpenSSL; with services of others, Certomancer's and OpenSSL's.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/certomancer.rs"]
mod certomancer;
#[path = "support/der.rs"]
mod der;
#[path = "support/lta.rs"]
mod lta;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/services.rs"]
mod services;

use std::fs;
use std::process::Command;
use std::time::Duration;
use std::time::SystemTime;

use certomancer::Certomancer;
use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SigningKey;
use kyso::level::BaselineLevel;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::sign::augment::Augmentation;
use kyso::sign::augment::CmsSignatures;
use kyso::sign::augment::PdfSignatures;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::validate::Policy;
use kyso::validate::Validator;
use lta::Judged;
use services::OTHER_TSA;
use services::Services;
use services::settings;

const MINUTE: Duration = Duration::from_secs(60);

/// Peers have the clock of the machine.
#[allow(clippy::disallowed_methods)]
fn now() -> Time {
    let exact = Time::from_system(SystemTime::now()).unwrap();
    ca::at(&exact.to_rfc3339(0))
}

/// Services a quarter of an hour ago.
fn peers_clock() -> Services {
    let services = Services::valid("2000-01-01T00:00:00Z", "2090-01-01T00:00:00Z");
    services.clock.set(lta::a_while_ago());
    services
}

type Wanted<'p> = PadesRequest<'p>;

/// Signs at B-T.
fn stamped(
    services: &Services,
    document: &[u8],
    key: &dyn SigningKey,
    with: impl FnOnce(Wanted<'_>) -> Wanted<'_>,
) -> Vec<u8> {
    let pdf = Pdf::parse(document.to_vec(), &Limits::default()).unwrap();
    let job = with(PadesRequest::new(&pdf, services.now())).sign_timestamped(key, settings()).unwrap();
    run(job, services).unwrap().to_octets().unwrap()
}

fn raise(services: &Services, document: &[u8], level: BaselineLevel, tsa: &str, vri: bool) -> Vec<u8> {
    let signatures = PdfSignatures::new(&document);
    let signatures = if vri { signatures.vri() } else { signatures };
    let job = Augmentation::new(signatures, level, &services.anchors(), services.now()).unwrap();
    let job = job.timestamps(TimestampSettings::new(tsa, [3; 16])).start().unwrap();
    run(job, services).unwrap().document.to_octets().unwrap()
}

#[test]
fn pyhanko_poppler_and_qpdf_accept_every_level() {
    let services = peers_clock();
    let mut judged = Judged::new(&services.root.certificate.to_pem());
    for (number, form) in sample_pdf::FORMS.into_iter().enumerate() {
        let plain = sample_pdf::with_field(form, "");
        let officer = stamped(&services, &plain, &services.officer, |r| r.reason("Phê duyệt"));
        let both = stamped(&services, &officer, &services.agency, |r| r.field("Approval"));
        for (name, signed) in [("one", &officer), ("two", &both)] {
            for level in [BaselineLevel::Lt, BaselineLevel::Lta] {
                let raised = raise(&services, signed, level, services::TSA, number == 1);
                judged.add(&format!("{name}-{number}-{}", level.name()), &raised, level);
            }
        }
        // Another authority over the archive than over the signature, and step by step from B-B.
        let raised = raise(&services, &officer, BaselineLevel::Lta, OTHER_TSA, false);
        judged.add(&format!("other-{number}"), &raised, BaselineLevel::Lta);
        let pdf = Pdf::parse(plain.as_slice(), &Limits::default()).unwrap();
        let bare = PadesRequest::new(&pdf, services.now()).sign(&services.officer).unwrap().to_octets().unwrap();
        let time = raise(&services, &bare, BaselineLevel::T, services::TSA, false);
        let raised = raise(&services, &time, BaselineLevel::Lta, services::TSA, false);
        // The AdES procedure of pyHanko demands a time-stamp in the CMS, which is not touched any more.
        judged.add(&format!("steps-{number}"), &raised, BaselineLevel::Lt);
        for permission in [Permission::NoChanges, Permission::FormFilling] {
            let certified = stamped(&services, &plain, &services.officer, |r| r.certify(permission));
            let raised = raise(&services, &certified, BaselineLevel::Lta, services::TSA, false);
            judged.add(&format!("certified-{number}-{permission:?}"), &raised, BaselineLevel::Lta);
        }
        // Renewed the day after, with what is known then.
        let first = raise(&services, &officer, BaselineLevel::Lta, services::TSA, false);
        services.clock.set(services.now().saturating_add(MINUTE));
        let renewed = raise(&services, &first, BaselineLevel::Lta, OTHER_TSA, false);
        judged.add(&format!("renewed-{number}"), &renewed, BaselineLevel::Lta);
    }
    judged.finish();
}

#[test]
fn certomancer_s_services_lead_to_every_level() {
    let Some(peer) = Certomancer::start() else { return };
    let mut set = TrustSet::new("peers");
    set.add(TrustAnchor::from_certificate(peer.root()));
    let anchors = TrustAnchors::new([set]);
    let tsa = || TimestampSettings::new(format!("{}/tsa/tsa", peer.base), [5; 16]);
    let key = peer.signer("good");
    let mut judged = Judged::new(&peer.root().to_pem());
    let plain = sample_pdf::plain(sample_pdf::Xref::Stream);
    let pdf = Pdf::parse(plain.as_slice(), &Limits::default()).unwrap();
    let job = PadesRequest::new(&pdf, now()).sign_timestamped(&key, tsa()).unwrap();
    let signed = run(job, &peer.client).unwrap().to_octets().unwrap();
    for level in [BaselineLevel::Lt, BaselineLevel::Lta] {
        let job = Augmentation::new(PdfSignatures::new(&signed), level, &anchors, now()).unwrap();
        let raised = run(job.timestamps(tsa()).start().unwrap(), &peer.client).unwrap();
        assert!(raised.findings.is_empty(), "{:?}", raised.findings);
        let raised = raised.document.to_octets().unwrap();
        let pdf = Pdf::parse(raised.as_slice(), &Limits::default()).unwrap();
        let report = Validator::new(&Policy::etsi(), &anchors, now()).pdf(&pdf);
        assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
        assert_eq!(report.signatures()[0].level(), Some(level));
        judged.add(level.name(), &raised, level);
    }
    judged.finish();
    // A CMS with nothing but the signer's certificate.
    let bare = CadesRequest::new(b"content", now()).sign(&key).unwrap();
    let signatures = CmsSignatures::new(bare.octets(), &Limits::default()).unwrap();
    let job = Augmentation::new(signatures, BaselineLevel::Lta, &anchors, now()).unwrap();
    let raised = run(job.timestamps(tsa()).start().unwrap(), &peer.client).unwrap().document;
    let signed = SignedData::from_octets(raised.octets(), &Limits::default()).unwrap();
    let report = Validator::new(&Policy::etsi(), &anchors, now()).cms(&signed, None);
    assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
    assert_eq!(report.signatures()[0].level(), Some(BaselineLevel::Lta));
    // A revoked signer is not raised, whoever asks.
    let revoked = CadesRequest::new(b"content", now()).sign(&peer.signer("revoked")).unwrap();
    let signatures = CmsSignatures::new(revoked.octets(), &Limits::default()).unwrap();
    let job = Augmentation::new(signatures, BaselineLevel::Lt, &anchors, now()).unwrap();
    let refused = run(job.timestamps(tsa()).start().unwrap(), &peer.client).map(|_| ());
    assert!(
        matches!(&refused, Err(Error::Refused(r)) if r.reason() == RefusalReason::CertificateRevoked),
        "{refused:?}"
    );
}

/// Services whose time-stamps OpenSSL makes.
struct WithOpenssl<'s> {
    services: &'s Services,
    folder: tempfile::TempDir,
}

impl<'s> WithOpenssl<'s> {
    fn new(services: &'s Services) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let template = ca::Template {
            crl_url: Some("http://crl.example.vn/root".to_owned()),
            ..ca::Template::tsa(&[(ca::CN, "TSA of OpenSSL")]).valid("2000-01-01T00:00:00Z", "2090-01-01T00:00:00Z")
        };
        let key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
        let certificate = services.root.certify(&template, &key);
        let write = |name: &str, octets: &[u8]| fs::write(folder.path().join(name), octets).unwrap();
        write("tsa.pem", certificate.to_pem().as_bytes());
        write("tsa.der", &key.to_pkcs8_der().unwrap());
        write("serial", b"01\n");
        let settings = "[tsa]\ndefault_tsa = office\n[office]\nserial = serial\ncrypto_device = builtin\n\
                        signer_digest = sha256\ndefault_policy = 1.3.6.1.4.1.99999.7\ndigests = sha256, sha512\n\
                        ess_cert_id_alg = sha256\n";
        write("ts.cnf", settings.as_bytes());
        let convert = ["pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-in", "tsa.der", "-out", "tsa.key"];
        assert!(Command::new("openssl").args(convert).current_dir(folder.path()).status().unwrap().success());
        Self { services, folder }
    }
}

impl Fetch for WithOpenssl<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        if request.purpose != Purpose::TimeStamp {
            return self.services.fetch(request);
        }
        let path = |name: &str| self.folder.path().join(name);
        fs::write(path("question"), request.body.as_deref().unwrap()).unwrap();
        let reply = ["ts", "-reply", "-config", "ts.cnf", "-section", "office", "-queryfile", "question"];
        let with = ["-signer", "tsa.pem", "-inkey", "tsa.key", "-out", "answer"];
        let made = Command::new("openssl").args(reply).args(with).current_dir(self.folder.path()).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        Ok(Response { body: fs::read(path("answer")).unwrap() })
    }
}

#[test]
fn openssl_stamps_signs_and_verifies_what_is_raised() {
    if !peers::has_openssl() {
        return;
    }
    let services = peers_clock();
    let network = WithOpenssl::new(&services);
    let folder = network.folder.path();
    fs::write(folder.join("root.pem"), services.root.certificate.to_pem()).unwrap();
    fs::write(folder.join("content"), b"content").unwrap();
    let openssl = |arguments: &[&str]| {
        let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // Signed by OpenSSL, under the same CA.
    let key = kyso::crypto::PrivateKey::generate(KeySpec::Rsa2048).unwrap();
    let template = ca::Template {
        crl_url: Some("http://crl.example.vn/issuing".to_owned()),
        ..ca::Template::new(&[(ca::CN, "Peer")]).valid("2000-01-01T00:00:00Z", "2090-01-01T00:00:00Z")
    };
    fs::write(folder.join("peer.pem"), services.issuing.certify(&template, &key).to_pem()).unwrap();
    fs::write(folder.join("ca.pem"), services.issuing.certificate.to_pem()).unwrap();
    fs::write(folder.join("peer.der"), key.to_pkcs8_der().unwrap()).unwrap();
    let sign = ["cms", "-sign", "-binary", "-cades", "-outform", "DER", "-in", "content", "-signer", "peer.pem"];
    let with = ["-inkey", "peer.der", "-keyform", "DER", "-certfile", "ca.pem", "-out"];
    openssl(&[&sign[..], &with, &["peer.p7s"]].concat());
    openssl(&[&sign[..], &with, &["peer.p7m", "-nodetach"]].concat());
    let own = CadesRequest::new(b"content", services.now());
    let (anchors, content) = (services.anchors(), b"content".to_vec());
    let inputs = [
        (fs::read(folder.join("peer.p7s")).unwrap(), true),
        (fs::read(folder.join("peer.p7m")).unwrap(), false),
        (own.sign(&services.officer).unwrap().into_octets(), false),
        (own.clone().detached().sign(&services.officer).unwrap().into_octets(), true),
    ];
    for (number, (cms, detached)) in inputs.into_iter().enumerate() {
        for level in [BaselineLevel::T, BaselineLevel::Lt, BaselineLevel::Lta] {
            let signatures = CmsSignatures::new(&cms, &Limits::default()).unwrap();
            let signatures = if detached { signatures.content(&content) } else { signatures };
            let job = Augmentation::new(signatures, level, &anchors, services.now()).unwrap();
            let raised = run(job.timestamps(settings()).start().unwrap(), &network).unwrap().document;
            fs::write(folder.join("raised"), raised.octets()).unwrap();
            let verify =
                ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "raised", "-CAfile", "root.pem"];
            let beside: &[&str] = if detached { &["-content", "content"] } else { &[] };
            openssl(&[&verify[..], &["-purpose", "any", "-out", "out"], beside].concat());
            assert_eq!(fs::read(folder.join("out")).unwrap(), content);
            let signed = SignedData::from_octets(raised.octets(), &Limits::default()).unwrap();
            let beside: Option<&dyn kyso::source::Source> = if detached { Some(&content) } else { None };
            let report = Validator::new(&Policy::etsi(), &anchors, now()).cms(&signed, beside);
            assert_eq!(report.signatures()[0].level(), Some(level), "{number}: {}", report.to_json());
            let passed = report.overall().name() == "TOTAL-PASSED";
            assert_eq!(passed, level >= BaselineLevel::Lt, "{number}: {}", report.to_json());
        }
    }
}
