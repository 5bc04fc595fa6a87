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
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::KeySpec;
use kyso::fetch::Fetch;
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
use kyso::x509::Certificate;
use lta::Judged;
use peers::Reply;
use peers::Server;
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
    services.clock.set(now().saturating_sub(15 * MINUTE));
    services
}

type Request<'p> = PadesRequest<'p>;

/// Signs at B-T.
fn stamped(services: &Services, document: &[u8], key: &dyn SigningKey, with: impl FnOnce(Request<'_>) -> Request<'_>) -> Vec<u8> {
    let pdf = Pdf::parse(document.to_vec(), &Limits::default()).unwrap();
    let job = with(PadesRequest::new(&pdf, services.now())).sign_timestamped(key, settings()).unwrap();
    run(job, services).unwrap().to_octets().unwrap()
}

fn raise(services: &Services, document: &Vec<u8>, level: BaselineLevel, tsa: &str, vri: bool) -> Vec<u8> {
    let signatures = PdfSignatures::new(document);
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
