//! Two phases and more: with time-stamps and levels, for a whole batch, for a signer who is named late.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/services.rs"]
mod services;

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;

use kyso::Error;
use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::fetch::Fetch;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SignatureValue;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::soft::SoftKey;
use kyso::level::BaselineLevel;
use kyso::pdf::Pdf;
use kyso::sign::AwaitingSigner;
use kyso::sign::Prepared;
use kyso::sign::augment::Augmentation;
use kyso::sign::augment::PdfSignatures;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::Content;
use kyso::sign::pades::PadesRequest;
use kyso::source::Followed;
use kyso::validate::Policy;
use kyso::validate::Validator;
use services::Services;
use services::settings;

const CONTENT: &[u8] = "Quyết định số 01/QĐ-UBND".as_bytes();

fn parse(document: &[u8]) -> Pdf<'_> {
    Pdf::parse(document, &Limits::default()).unwrap()
}

/// A service far away: it asks for the person's consent once, and signs all that is listed then.
struct Remote<'k> {
    key: &'k SoftKey,
    asked: Cell<usize>,
}

impl Remote<'_> {
    fn sign(&self, all: &[ToBeSigned]) -> Vec<SignatureValue> {
        self.asked.set(self.asked.get() + 1);
        all.iter().map(|one| self.key.sign(one).unwrap()).collect()
    }
}

#[test]
fn a_batch_shares_one_authorisation_and_reaches_its_level() {
    let services = Services::new();
    let remote = Remote { key: &services.officer, asked: Cell::new(0) };
    let documents: Vec<Vec<u8>> = sample_pdf::FORMS.into_iter().map(sample_pdf::plain).collect();
    let states: Vec<Vec<u8>> = documents
        .iter()
        .map(|document| {
            let pdf = parse(document);
            let request = PadesRequest::new(&pdf, services.now()).room_for_timestamp();
            request.prepare(services.officer.identity()).unwrap().to_bytes()
        })
        .collect();
    // A week later, in another process.
    let pdfs: Vec<Pdf<'_>> = documents.iter().map(|document| parse(document)).collect();
    let resume = |(state, pdf)| Prepared::resume(state, pdf).unwrap();
    let prepared: Vec<_> = states.iter().map(Vec::as_slice).zip(&pdfs).map(resume).collect();
    let all: Vec<ToBeSigned> = prepared.iter().map(|one| one.to_be_signed().clone()).collect();
    let values = remote.sign(&all);
    assert_eq!(remote.asked.get(), 1);
    for ((prepared, value), document) in prepared.into_iter().zip(&values).zip(&documents) {
        let signed = run(prepared.complete_timestamped(value, settings()).unwrap(), &services).unwrap();
        let followed = Followed::new(document, signed.tail());
        let job =
            Augmentation::new(PdfSignatures::new(&followed), BaselineLevel::Lta, &services.anchors(), services.now());
        let raised = run(job.unwrap().timestamps(settings()).start().unwrap(), &services).unwrap();
        let raised = raised.document.to_octets().unwrap();
        assert!(raised.starts_with(document));
        let at = services.now().saturating_add(services::DAY / 2);
        let report = Validator::new(&Policy::etsi(), &services.anchors(), at).pdf(&parse(&raised));
        assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
        assert_eq!(report.signatures()[0].level(), Some(BaselineLevel::Lta));
    }
    // Values that were mixed up are found before anything is written.
    let again: Vec<_> = states.iter().map(Vec::as_slice).zip(&pdfs).map(resume).collect();
    for (prepared, value) in again.into_iter().zip(values.iter().rev()).take(1) {
        let refused = prepared.complete(value).map(|_| ());
        assert!(
            matches!(&refused, Err(Error::Refused(r)) if r.reason() == RefusalReason::SignatureValue),
            "{refused:?}"
        );
    }
}

/// Answers the same request as before: an authority counts its tokens.
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
fn one_phase_and_two_give_the_same_octets_with_a_time_stamp() {
    let services = Services::new();
    let document = sample_pdf::plain(sample_pdf::Xref::Table);
    let pdf = parse(&document);
    let request = || PadesRequest::new(&pdf, services.now());
    let network = Remembered(&services, RefCell::default());
    let at_once = run(request().sign_timestamped(&services.officer, settings()).unwrap(), &network).unwrap();
    let state = request().room_for_timestamp().prepare(services.officer.identity()).unwrap().to_bytes();
    let prepared = Prepared::resume(&state, &pdf).unwrap();
    let value = services.officer.sign(prepared.to_be_signed()).unwrap();
    let later = run(prepared.complete_timestamped(&value, settings()).unwrap(), &network).unwrap();
    assert_eq!(later.to_octets().unwrap(), at_once.to_octets().unwrap());
    assert_eq!(services.asked().len(), 1, "the same request");
}

#[test]
fn a_signer_who_is_named_late_signs_what_was_prepared() {
    let services = Services::new();
    for form in sample_pdf::FORMS {
        let document = sample_pdf::plain(form);
        let pdf = parse(&document);
        let state = PadesRequest::new(&pdf, services.now()).reason("Phê duyệt").prepare_document().unwrap().to_bytes();
        for key in [&services.officer, &services.agency] {
            let waiting = AwaitingSigner::resume(&state, &pdf).unwrap();
            let prepared = waiting.signer(key.identity()).unwrap();
            let stored = prepared.to_bytes();
            let prepared = Prepared::resume(&stored, &pdf).unwrap();
            let value = key.sign(prepared.to_be_signed()).unwrap();
            let signed = prepared.complete(&value).unwrap().to_octets().unwrap();
            let report = Validator::new(&Policy::etsi().without_revocation(), &services.anchors(), services.now())
                .pdf(&parse(&signed));
            assert_eq!(report.overall().name(), "TOTAL-PASSED", "{}", report.to_json());
        }
        // Another document, another state.
        let other = sample_pdf::with_field(form, "");
        let refused = AwaitingSigner::resume(&state, &parse(&other)).map(|_| ());
        assert!(refused.is_err());
        for index in (0..state.len()).step_by(state.len() / 97) {
            let mut altered = state.clone();
            altered[index] ^= 0x10;
            assert!(AwaitingSigner::resume(&altered, &pdf).is_err(), "{index}");
            assert!(AwaitingSigner::resume(&state[..index], &pdf).is_err(), "{index}");
        }
    }
    // A key that goes with another digest, a chain for which there is no room.
    let document = sample_pdf::plain(sample_pdf::Xref::Table);
    let pdf = parse(&document);
    let ed25519 = services.issuing.issue(&ca::Template::new(&[(ca::CN, "Ed")]), KeySpec::Ed25519);
    let waiting = || PadesRequest::new(&pdf, services.now()).prepare_document().unwrap();
    assert!(matches!(waiting().signer(ed25519.identity()), Err(Error::Misuse(_))));
    let sha512 = PadesRequest::new(&pdf, services.now()).digest(DigestAlgorithm::Sha512).prepare_document().unwrap();
    assert!(sha512.signer(ed25519.identity()).is_ok());
    let padding = ca::extension("1.3.6.1.4.1.99999.5", false, &vec![7; 20_000]);
    let long = ca::Template { extra: vec![padding], ..ca::Template::new(&[(ca::CN, "Long")]) };
    let long = services.issuing.issue(&long, KeySpec::P256);
    assert!(matches!(waiting().signer(long.identity()), Err(Error::Misuse(_))));
    // A CMS gives the same octets as with a signer who is known from the start.
    let request = CadesRequest::new(CONTENT, services.now());
    let state = request.prepare_content().unwrap().to_bytes();
    let waiting = AwaitingSigner::resume(&state, Content::Octets(CONTENT)).unwrap();
    let prepared = waiting.signer(services.officer.identity()).unwrap();
    let value = services.officer.sign(prepared.to_be_signed()).unwrap();
    assert_eq!(prepared.complete(&value).unwrap(), request.sign(&services.officer).unwrap());
}
