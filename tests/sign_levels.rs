//! Signatures raised to B-T, B-LT and B-LTA, from wherever they stand, and renewed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/services.rs"]
mod services;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::time::Duration;

use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::error::RefusalReason;
use kyso::fetch::Fetch;
use kyso::fetch::Job;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SigningKey;
use kyso::level::BaselineLevel;
use kyso::pdf::Coverage;
use kyso::pdf::Pdf;
use kyso::pdf::SignatureKind;
use kyso::sign::augment::Augmentation;
use kyso::sign::augment::CmsSignatures;
use kyso::sign::augment::PdfSignatures;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use services::OTHER_TSA;
use services::Services;
use services::settings;

const LEVELS: [BaselineLevel; 3] = [BaselineLevel::T, BaselineLevel::Lt, BaselineLevel::Lta];
const CONTENT: &[u8] = "Quyết định số 01/QĐ-UBND".as_bytes();

fn sign(services: &Services, document: &[u8], key: &dyn SigningKey) -> Vec<u8> {
    let pdf = Pdf::parse(document, &Limits::default()).unwrap();
    PadesRequest::new(&pdf, services.now()).sign(key).unwrap().to_octets().unwrap()
}

fn stamped(services: &Services, document: &[u8], key: &dyn SigningKey) -> Vec<u8> {
    let pdf = Pdf::parse(document, &Limits::default()).unwrap();
    let job = PadesRequest::new(&pdf, services.now()).sign_timestamped(key, settings()).unwrap();
    run(job, services).unwrap().to_octets().unwrap()
}

fn plain() -> Vec<u8> {
    sample_pdf::plain(sample_pdf::Xref::Table)
}

fn try_raise(services: &Services, document: &[u8], level: BaselineLevel) -> Result<Vec<u8>, Error> {
    let job = Augmentation::new(PdfSignatures::new(&document), level, &services.anchors(), services.now())?;
    run(job.timestamps(settings()).start()?, services)?.document.to_octets()
}

fn raise(services: &Services, document: &[u8], level: BaselineLevel) -> Vec<u8> {
    let raised = try_raise(services, document, level).unwrap();
    assert!(raised.starts_with(document));
    raised
}

/// What a validator says that has nothing but the document and the anchors.
fn offline(services: &Services, document: &[u8], when: &str) -> Report {
    let pdf = Pdf::parse(document, &Limits::default()).unwrap();
    Validator::new(&Policy::etsi(), &services.anchors(), ca::at(when)).pdf(&pdf)
}

fn passes(report: &Report, level: BaselineLevel) {
    assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
    let first = &report.signatures()[0];
    assert_eq!(first.level(), Some(level), "{}", report.to_json());
    assert!(first.changes_permitted());
}

fn refusal(result: Result<Vec<u8>, Error>) -> RefusalReason {
    match result {
        Err(Error::Refused(refused)) => refused.reason(),
        other => panic!("{:?}", other.map(|octets| octets.len())),
    }
}

#[test]
fn every_form_of_document_reaches_every_level_from_every_other() {
    let services = Services::new();
    for form in sample_pdf::FORMS {
        let document = sample_pdf::plain(form);
        let bare = sign(&services, &document, &services.officer);
        let with_time = stamped(&services, &document, &services.officer);
        for from in [&bare, &with_time] {
            let mut step_by_step = from.clone();
            for level in LEVELS {
                step_by_step = raise(&services, &step_by_step, level);
                let at_once = raise(&services, from, level);
                for raised in [&step_by_step, &at_once] {
                    let report = offline(&services, raised, "2026-11-23T02:00:00Z");
                    if level == BaselineLevel::T {
                        assert_eq!(report.signatures()[0].level(), Some(level));
                    } else {
                        passes(&report, level);
                    }
                }
            }
        }
    }
}

#[test]
fn a_level_that_is_there_changes_nothing_and_each_thing_is_asked_for_once() {
    let services = Services::new();
    let document = stamped(&services, &plain(), &services.officer);
    // A second signature, by the same CA and with the same authority.
    let document = stamped(&services, &document, &services.agency);
    services.asked();
    assert_eq!(raise(&services, &document, BaselineLevel::T), document);
    assert_eq!(services.asked(), [""; 0]);
    let raised = raise(&services, &document, BaselineLevel::Lt);
    let asked = services.asked();
    // Two signers by their responder; one CRL shows the CA and the authority.
    assert_eq!(asked.iter().filter(|url| url.contains("ocsp")).count(), 2, "{asked:?}");
    assert_eq!(asked.iter().filter(|url| url.contains("crl")).count(), 1, "{asked:?}");
    assert_eq!(asked.len(), 3, "{asked:?}");
    passes(&offline(&services, &raised, "2026-11-23T02:00:00Z"), BaselineLevel::Lt);
    let pdf = Pdf::parse(raised.as_slice(), &Limits::default()).unwrap();
    let store = pdf.latest().security_store().unwrap().unwrap();
    for values in [&store.certificates, &store.crls, &store.ocsp_responses] {
        assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len(), "each value once");
    }
    // Root, CA, two signers, authority, responder.
    assert_eq!((store.certificates.len(), store.crls.len(), store.ocsp_responses.len()), (6, 1, 2));
    assert!(store.vri.is_empty());
    // Nothing is asked again for what is there, and nothing written.
    assert_eq!(raise(&services, &raised, BaselineLevel::Lt), raised);
    assert_eq!(services.asked(), [""; 0]);
}

#[test]
fn validity_outlives_signer_and_authorities_when_the_archive_time_stamp_is_renewed() {
    let mut services = Services::new();
    let document = stamped(&services, &plain(), &services.officer);
    services.set("2026-11-24T01:00:00Z");
    let first = raise(&services, &document, BaselineLevel::Lta);
    passes(&offline(&services, &first, "2026-11-24T02:00:00Z"), BaselineLevel::Lta);
    // The signer is revoked; the years go by; another authority takes over.
    let certificate = services.officer.identity().certificate().clone();
    services.issuing.revoke(&certificate, ca::at("2027-01-01T00:00:00Z"), Some(1));
    services.set("2030-12-01T00:00:00Z");
    let elsewhere = Services::long_lived(&services);
    let job = Augmentation::new(PdfSignatures::new(&first), BaselineLevel::Lta, &services.anchors(), services.now());
    let job = job.unwrap().timestamps(TimestampSettings::new(OTHER_TSA, [9; 16])).start().unwrap();
    services.other_tsa = elsewhere;
    let second = run(job, &services).unwrap().document.to_octets().unwrap();
    assert!(second.starts_with(&first));
    passes(&offline(&services, &second, "2030-12-01T12:00:00Z"), BaselineLevel::Lta);
    // Without the renewal, the first authority has ended by now.
    services.set("2035-06-01T00:00:00Z");
    let late = offline(&services, &first, "2035-06-01T12:00:00Z");
    assert_ne!(late.overall().name(), "TOTAL-PASSED");
    // With it the newest authority alone has to be known.
    let third = raise_by(&services, &second, OTHER_TSA);
    passes(&offline(&services, &third, "2035-06-01T12:00:00Z"), BaselineLevel::Lta);
}

fn raise_by(services: &Services, document: &[u8], url: &str) -> Vec<u8> {
    let job = Augmentation::new(PdfSignatures::new(&document), BaselineLevel::Lta, &services.anchors(), services.now());
    let job = job.unwrap().timestamps(TimestampSettings::new(url, [9; 16])).start().unwrap();
    run(job, services).unwrap().document.to_octets().unwrap()
}

#[test]
fn an_authority_that_was_not_known_before_is_asked_twice_and_all_of_it_is_under_the_time_stamp() {
    let services = Services::new();
    let document = stamped(&services, &plain(), &services.officer);
    services.asked();
    let raised = raise_by(&services, &document, OTHER_TSA);
    let asked = services.asked();
    let count = |part: &str| asked.iter().filter(|url| url.contains(part)).count();
    assert_eq!((count("tsa.elsewhere"), count("aia"), count("crl.example.vn/elsewhere")), (2, 1, 1), "{asked:?}");
    passes(&offline(&services, &raised, "2026-11-23T02:00:00Z"), BaselineLevel::Lta);
    let pdf = Pdf::parse(raised.as_slice(), &Limits::default()).unwrap();
    let last = pdf.signatures().unwrap().pop().unwrap();
    assert_eq!((last.kind, last.coverage), (SignatureKind::DocumentTimestamp, Coverage::WholeDocument));
    // Known by then, it is asked once.
    raise_by(&services, &raised, OTHER_TSA);
    assert_eq!(services.asked().iter().filter(|url| url.contains("tsa")).count(), 1);
    // The same in a CMS; where nothing is to be had of it, the level is reached all the same.
    services.down.borrow_mut().push("http://aia.example.vn/");
    let bare = CadesRequest::new(CONTENT, services.now()).sign(&services.officer).unwrap().into_octets();
    let time = raise_cms(&services, &bare, None, BaselineLevel::T).unwrap();
    for reachable in [false, true] {
        let signatures = CmsSignatures::new(&time, &Limits::default()).unwrap();
        let job = Augmentation::new(signatures, BaselineLevel::Lta, &services.anchors(), services.now()).unwrap();
        let settings = TimestampSettings::new(OTHER_TSA, [9; 16]);
        let augmented = run(job.timestamps(settings).start().unwrap(), &services).unwrap();
        assert_eq!(augmented.findings.iter().any(|f| f.code() == "EVIDENCE_INCOMPLETE"), !reachable);
        let report = offline_cms(&services, augmented.document.octets(), CONTENT, "2026-11-23T02:00:00Z");
        assert_eq!(report.signatures()[0].level(), Some(BaselineLevel::Lta));
        let archived = report.signatures()[0].timestamps().last().unwrap();
        assert_eq!(archived.indication().name() == "TOTAL-PASSED", reachable, "{}", report.to_json());
        services.down.borrow_mut().clear();
    }
}

#[test]
fn what_is_missing_keeps_the_level_from_being_reached() {
    let services = Services::new();
    let document = stamped(&services, &plain(), &services.officer);
    let start =
        |level| Augmentation::new(PdfSignatures::new(&document), level, &services.anchors(), services.now()).unwrap();
    // Nobody to ask.
    let offline = start(BaselineLevel::Lt).offline().start().unwrap();
    assert!(offline.requests().is_empty());
    assert_eq!(
        refusal(run(offline, &services).map(|a| a.document.to_octets().unwrap())),
        RefusalReason::EvidenceMissing
    );
    // Nobody there: all that could have told, by name.
    services.down.borrow_mut().extend(["http://crl.example.vn/root"]);
    let Err(Error::Fetch(error)) = try_raise(&services, &document, BaselineLevel::Lt) else { panic!() };
    assert_eq!(error.url(), "http://crl.example.vn/root");
    services.down.borrow_mut().clear();
    // A responder that is away is no harm where there is a CRL.
    services.down.borrow_mut().extend(["http://ocsp.example.vn/"]);
    let raised = raise(&services, &document, BaselineLevel::Lt);
    passes(&self::offline(&services, &raised, "2026-11-23T02:00:00Z"), BaselineLevel::Lt);
    services.down.borrow_mut().clear();
    // No authority named, or none there.
    assert!(matches!(start(BaselineLevel::Lta).start().map(|j| run(j, &services)), Ok(Err(Error::Misuse(_)))));
    services.down.borrow_mut().extend([services::TSA]);
    assert!(matches!(try_raise(&services, &document, BaselineLevel::Lta), Err(Error::Fetch(_))));
    assert!(
        Augmentation::new(PdfSignatures::new(&document), BaselineLevel::B, &services.anchors(), services.now())
            .is_err()
    );
}

#[test]
fn evidence_at_hand_is_enough() {
    let services = Services::new();
    let document = stamped(&services, &plain(), &services.officer);
    let start = || {
        Augmentation::new(PdfSignatures::new(&document), BaselineLevel::Lt, &services.anchors(), services.now())
            .unwrap()
    };
    let gathered = run(start().start().unwrap(), &services).unwrap();
    let expected = gathered.document.to_octets().unwrap();
    let job = start().offline().evidence(&gathered.evidence).start().unwrap();
    assert_eq!(job.finish().unwrap().document.to_octets().unwrap(), expected, "the same octets");
}

#[test]
fn a_revocation_before_the_time_stamp_refuses_and_one_after_it_is_carried() {
    for (when, reached) in [("2026-11-23T00:30:00Z", false), ("2026-11-23T12:00:00Z", true)] {
        let mut services = Services::new();
        let document = stamped(&services, &plain(), &services.officer);
        let certificate = services.officer.identity().certificate().clone();
        services.issuing.revoke(&certificate, ca::at(when), Some(1));
        services.set("2026-11-24T01:00:00Z");
        if reached {
            let raised = raise(&services, &document, BaselineLevel::Lta);
            passes(&offline(&services, &raised, "2026-11-24T02:00:00Z"), BaselineLevel::Lta);
        } else {
            assert_eq!(refusal(try_raise(&services, &document, BaselineLevel::Lta)), RefusalReason::CertificateRevoked);
        }
    }
}

#[test]
fn a_broken_signature_is_not_raised() {
    let services = Services::new();
    let mut document = stamped(&services, &plain(), &services.officer);
    let at = document.windows(9).position(|w| w == b"/MediaBox").unwrap();
    document[at + 12] ^= 1;
    for level in LEVELS {
        assert_eq!(refusal(try_raise(&services, &document, level)), RefusalReason::SignatureValue);
    }
    let nothing = plain();
    assert!(matches!(try_raise(&services, &nothing, BaselineLevel::Lt), Err(Error::Misuse(_))));
}

#[test]
fn one_signature_of_several_is_raised_by_its_field() {
    let services = Services::new();
    let stranger = Services::new();
    let document = stamped(&stranger, &plain(), &stranger.officer);
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let job = PadesRequest::new(&pdf, services.now()).field("Own").sign_timestamped(&services.officer, settings());
    let both = run(job.unwrap(), &services).unwrap().to_octets().unwrap();
    // Of the stranger's PKI nothing can be had.
    services.down.borrow_mut().push("http://nowhere");
    assert!(try_raise(&services, &both, BaselineLevel::Lta).is_err());
    let start = |name: &str| {
        let signatures = PdfSignatures::new(&both).field(name);
        let job = Augmentation::new(signatures, BaselineLevel::Lta, &services.anchors(), services.now()).unwrap();
        job.timestamps(settings()).start()
    };
    let raised = run(start("Own").unwrap(), &services).unwrap().document.to_octets().unwrap();
    let report = offline(&services, &raised, "2026-11-23T02:00:00Z");
    assert_eq!(report.signatures()[1].level(), Some(BaselineLevel::Lta));
    assert_eq!(report.signatures()[1].indication().name(), "TOTAL-PASSED");
    assert!(matches!(start("Another"), Err(Error::Misuse(_))));
}

#[test]
fn a_long_token_gets_its_room() {
    let services = Services::new();
    let document = stamped(&services, &plain(), &services.officer);
    // Extensions nobody needs make the authority's certificate long.
    let padding = ca::extension("1.3.6.1.4.1.99999.5", false, &vec![7; 14_000]);
    let template = ca::Template {
        crl_url: Some("http://crl.example.vn/root".to_owned()),
        extra: vec![padding],
        ..ca::Template::tsa(&[(ca::CN, "A TSA of many words")])
    };
    let key = services.root.issue(&template, kyso::crypto::KeySpec::P256);
    let services = Services { tsa: ca::Tsa::new(key), ..services };
    let raised = raise(&services, &document, BaselineLevel::Lta);
    passes(&offline(&services, &raised, "2026-11-23T02:00:00Z"), BaselineLevel::Lta);
}

#[test]
fn vri_is_written_on_request_and_names_each_signature() {
    let services = Services::new();
    let document = stamped(&services, &stamped(&services, &plain(), &services.officer), &services.agency);
    let signatures = PdfSignatures::new(&document).vri();
    let job = Augmentation::new(signatures, BaselineLevel::Lt, &services.anchors(), services.now()).unwrap();
    let raised = run(job.start().unwrap(), &services).unwrap().document.to_octets().unwrap();
    let pdf = Pdf::parse(raised.as_slice(), &Limits::default()).unwrap();
    let store = pdf.latest().security_store().unwrap().unwrap();
    let keys = pdf
        .signatures()
        .unwrap()
        .into_iter()
        .map(|facts| kyso::crypto::DigestAlgorithm::Sha1.digest(&facts.contents).to_hex().to_uppercase());
    assert_eq!(store.vri.iter().cloned().collect::<BTreeSet<_>>(), keys.collect());
    assert_eq!((store.certificates.len(), store.crls.len(), store.ocsp_responses.len()), (6, 1, 2));
    passes(&offline(&services, &raised, "2026-11-23T02:00:00Z"), BaselineLevel::Lt);
}

/// Answers each request as it was answered before: time-stamps and CRLs are signed anew each time.
struct Remembered<'s>(&'s Services, RefCell<HashMap<Request, Vec<u8>>>);

impl Fetch for Remembered<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        if let Some(body) = self.1.borrow().get(request) {
            return Ok(Response { body: body.clone() });
        }
        let response = self.0.fetch(request)?;
        self.1.borrow_mut().insert(request.clone(), response.body.clone());
        Ok(response)
    }
}

#[test]
fn the_same_inputs_give_the_same_octets_and_no_nonce_is_sent_twice() {
    let services = Services::new();
    let document = sign(&services, &plain(), &services.officer);
    let network = Remembered(&services, RefCell::default());
    let raise = || {
        let signatures = PdfSignatures::new(&document);
        let job = Augmentation::new(signatures, BaselineLevel::Lta, &services.anchors(), services.now()).unwrap();
        run(job.timestamps(settings()).start().unwrap(), &network).unwrap().document.to_octets().unwrap()
    };
    let first = raise();
    services.asked();
    assert_eq!(raise(), first);
    assert_eq!(services.asked(), [""; 0], "the same requests, octet for octet");
    let known = network.1.borrow();
    let nonce = |body: &[u8]| {
        let (_, parts, _, _) = der::split(body);
        der::children(parts).into_iter().skip(2).find(|part| part[0] == 0x02).unwrap().to_vec()
    };
    let stamps = known.keys().filter(|request| request.url == services::TSA);
    let nonces: Vec<Vec<u8>> = stamps.map(|request| nonce(request.body.as_deref().unwrap())).collect();
    assert_eq!(nonces.len(), 2, "one for B-T, one over the evidence");
    assert_ne!(nonces[0], nonces[1]);
}

fn raise_cms(
    services: &Services,
    cms: &[u8],
    content: Option<&Vec<u8>>,
    level: BaselineLevel,
) -> Result<Vec<u8>, Error> {
    let signatures = CmsSignatures::new(cms, &Limits::default())?;
    let signatures = match content {
        Some(content) => signatures.content(content),
        None => signatures,
    };
    let job = Augmentation::new(signatures, level, &services.anchors(), services.now())?;
    Ok(run(job.timestamps(settings()).start()?, services)?.document.into_octets())
}

fn offline_cms(services: &Services, cms: &[u8], content: &[u8], when: &str) -> Report {
    let signed = SignedData::from_octets(cms, &Limits::default()).unwrap();
    let content: Option<&dyn kyso::source::Source> = signed.content().is_none().then_some(&content);
    Validator::new(&Policy::etsi(), &services.anchors(), ca::at(when)).cms(&signed, content)
}

#[test]
fn a_cms_reaches_every_level_and_is_renewed() {
    let services = Services::new();
    let content = CONTENT.to_vec();
    for detached in [false, true] {
        let request = CadesRequest::new(CONTENT, services.now());
        let request = if detached { request.detached() } else { request };
        let bare = request.sign(&services.officer).unwrap().into_octets();
        let beside = detached.then_some(&content);
        let mut step_by_step = bare.clone();
        for level in LEVELS {
            step_by_step = raise_cms(&services, &step_by_step, beside, level).unwrap();
            let at_once = raise_cms(&services, &bare, beside, level).unwrap();
            for raised in [&step_by_step, &at_once] {
                let report = offline_cms(&services, raised, &content, "2026-11-23T02:00:00Z");
                if level == BaselineLevel::T {
                    assert_eq!(report.signatures()[0].level(), Some(level));
                } else {
                    passes(&report, level);
                }
                let again = raise_cms(&services, raised, beside, level).unwrap();
                if level == BaselineLevel::Lta {
                    let report = offline_cms(&services, &again, &content, "2026-11-23T02:00:00Z");
                    passes(&report, level);
                    let archived = report.signatures()[0].timestamps();
                    let archived = archived.iter().filter(|t| t.kind().name() == "archive-timestamp").count();
                    assert!(archived >= 2);
                } else {
                    assert_eq!(again, *raised, "nothing is missing");
                }
            }
        }
        // The archive time-stamp covers the content.
        if detached {
            assert!(matches!(raise_cms(&services, &bare, None, BaselineLevel::Lta), Err(Error::Misuse(_))));
            let other = b"another decision".to_vec();
            let reason = refusal(raise_cms(&services, &bare, Some(&other), BaselineLevel::Lta));
            assert_eq!(reason, RefusalReason::SignatureValue);
        }
    }
}

#[test]
fn a_renewed_cms_outlives_its_first_authority() {
    let mut services = Services::new();
    let content = CONTENT.to_vec();
    let bare = CadesRequest::new(CONTENT, services.now()).sign(&services.officer).unwrap().into_octets();
    let first = raise_cms(&services, &bare, None, BaselineLevel::Lta).unwrap();
    services.set("2030-12-01T00:00:00Z");
    services.tsa = Services::long_lived(&services);
    let second = raise_cms(&services, &first, None, BaselineLevel::Lta).unwrap();
    services.set("2035-06-01T00:00:00Z");
    let third = raise_cms(&services, &second, None, BaselineLevel::Lta).unwrap();
    passes(&offline_cms(&services, &third, &content, "2035-06-01T12:00:00Z"), BaselineLevel::Lta);
    assert_ne!(offline_cms(&services, &first, &content, "2035-06-01T12:00:00Z").overall().name(), "TOTAL-PASSED");
}

#[test]
fn the_clock_of_an_authority_may_be_ahead() {
    let services = Services::new();
    let document = sign(&services, &plain(), &services.officer);
    let slow = services.now().saturating_sub(Duration::from_secs(60));
    let job = Augmentation::new(PdfSignatures::new(&document), BaselineLevel::Lta, &services.anchors(), slow).unwrap();
    let raised = run(job.timestamps(settings()).start().unwrap(), &services).unwrap().document.to_octets().unwrap();
    passes(&offline(&services, &raised, "2026-11-23T02:00:00Z"), BaselineLevel::Lta);
}
