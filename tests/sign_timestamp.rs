//! Level B-T: a time-stamp on the signature value, and answers that must not be embedded.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Condvar;
use std::sync::Mutex;
use std::time::Duration;

use ca::Authority;
use ca::Template;
use ca::Tsa;
use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::error::FetchError;
use kyso::error::RefusalReason;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::fetch::run_many;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::sign::Prepared;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::CmsTimestamping;
use kyso::sign::timestamping::TimestampSettings;
use kyso::timestamp::TimeStampToken;

const NOW: &str = "2026-11-23T01:00:00Z";
const LATER: &str = "2026-11-23T01:00:05Z";
const URL: &str = "http://tsa.example.vn/";
const NONCE: [u8; 8] = [0x80, 1, 2, 3, 4, 5, 6, 7];

type Answer<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Error> + 'a;

/// A network with one authority.
struct Network<'a> {
    answer: Box<Answer<'a>>,
    asked: Cell<usize>,
}

impl<'a> Network<'a> {
    fn new(answer: impl Fn(&[u8]) -> Result<Vec<u8>, Error> + 'a) -> Self {
        Self { answer: Box::new(answer), asked: Cell::new(0) }
    }
}

impl Fetch for Network<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.asked.set(self.asked.get() + 1);
        assert_eq!((request.purpose, request.url.as_str()), (Purpose::TimeStamp, URL));
        assert_eq!(request.content_type, Some("application/timestamp-query"));
        (self.answer)(request.body.as_deref().unwrap()).map(|body| Response { body })
    }
}

struct Scene {
    key: SoftKey,
    ca: Authority,
    tsa: Tsa,
}

fn scene() -> Scene {
    let ca = Authority::root(Template::ca(&[(ca::CN, "CA of sign_timestamp")], None), KeySpec::P256);
    let key = ca.issue(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), KeySpec::P256);
    let tsa = Tsa::new(ca.issue(&Template::tsa(&[(ca::CN, "TSA")]), KeySpec::P256));
    Scene { key, ca, tsa }
}

fn settings() -> TimestampSettings {
    TimestampSettings::new(URL, NONCE)
}

/// The token of the one signer, which must be over its signature value.
fn token(cms: &SignedData) -> TimeStampToken {
    let signer = &cms.signers()[0];
    let mut tokens = signer.signature_time_stamps();
    let token = TimeStampToken::from_octets(tokens.next().unwrap(), &Limits::default()).unwrap();
    assert!(tokens.next().is_none());
    assert_eq!(*token.imprint(), token.imprint().algorithm().digest(signer.signature()));
    assert_eq!(token.time(), ca::at(LATER));
    token
}

/// Verifies value and time-stamp of a signed PDF.
fn verify(signed: Vec<u8>) -> TimeStampToken {
    let pdf = Pdf::parse(signed, &Limits::default()).unwrap();
    let facts = pdf.signatures().unwrap().remove(0);
    assert!(facts.findings.is_empty(), "{:?}", facts.findings);
    let cms = SignedData::from_padded(&facts.contents, &Limits::default()).unwrap();
    let signer = &cms.signers()[0];
    let certificate = cms.certificates().iter().find(|c| signer.id().names(c)).unwrap();
    let digest = pdf.digests(&[(facts.covered_ranges().unwrap(), signer.digest_algorithm().unwrap())]).unwrap()[0];
    let verification = signer.verify(certificate.public_key(), cms.content_type(), &digest, None, Backend::default());
    assert_eq!(verification.fault, None);
    token(&cms)
}

#[test]
fn a_pdf_is_signed_with_its_time_stamp() {
    let Scene { key, tsa, .. } = scene();
    let network = Network::new(|request| Ok(tsa.respond(request, ca::at(LATER))));
    for form in sample_pdf::FORMS {
        let original = sample_pdf::plain(form);
        let pdf = Pdf::parse(original.as_slice(), &Limits::default()).unwrap();
        let request = || PadesRequest::new(&pdf, ca::at(NOW));
        let signed = run(request().sign_timestamped(&key, settings()).unwrap(), &network).unwrap();
        let signed = signed.to_octets().unwrap();
        assert!(signed.starts_with(&original));
        verify(signed);
        let policy = settings().digest(DigestAlgorithm::Sha512).policy(kyso::asn1::Oid::parse(tsa.policy).unwrap());
        let signed = run(request().sign_timestamped(&key, policy).unwrap(), &network).unwrap();
        assert_eq!(verify(signed.to_octets().unwrap()).imprint().algorithm(), DigestAlgorithm::Sha512);

        // In two phases, the second in another process.
        let state = request().room_for_timestamp().prepare(key.identity()).unwrap().to_bytes();
        let prepared = Prepared::resume(&state, &pdf).unwrap();
        let value = key.sign(prepared.to_be_signed()).unwrap();
        let job = prepared.complete_timestamped(&value, settings()).unwrap();
        verify(run(job, &network).unwrap().to_octets().unwrap());
    }
    assert_eq!(network.asked.get(), 9);
}

#[test]
fn a_cms_is_signed_with_its_time_stamp_or_gets_it_later() {
    let Scene { key, tsa, .. } = scene();
    let network = Network::new(|request| Ok(tsa.respond(request, ca::at(LATER))));
    let request = CadesRequest::new(b"content", ca::at(NOW));
    let signed = run(request.sign_timestamped(&key, settings()).unwrap(), &network).unwrap();
    token(&SignedData::from_octets(signed.octets(), &Limits::default()).unwrap());

    let plain = request.sign(&key).unwrap();
    let job = CmsTimestamping::new(plain.octets(), 0, settings(), &Limits::default()).unwrap();
    let later = run(job, &network).unwrap();
    let (before, after) = (
        SignedData::from_octets(plain.octets(), &Limits::default()).unwrap(),
        SignedData::from_octets(later.octets(), &Limits::default()).unwrap(),
    );
    token(&after);
    assert_eq!(before.signers()[0].signed_octets(), after.signers()[0].signed_octets());
    assert_eq!(before.signers()[0].signature(), after.signers()[0].signature());
    let none = CmsTimestamping::new(plain.octets(), 1, settings(), &Limits::default());
    assert!(matches!(none, Err(Error::Misuse(_))));
}

#[test]
fn a_long_token_gets_its_room() {
    let Scene { key, ca, .. } = scene();
    // A long chain makes a long token.
    let others: Vec<_> =
        (0..60).map(|n| ca.issue(&Template::new(&[(ca::CN, &format!("filling {n}"))]), KeySpec::P256)).collect();
    let others = others.iter().map(|key| key.identity().certificate().clone()).collect();
    let tsa_key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
    let certificate = ca.certify(&Template::tsa(&[(ca::CN, "TSA")]), &tsa_key);
    let tsa = Tsa::new(SoftKey::new(tsa_key, SignerIdentity::new(certificate, others)).unwrap());
    let network = Network::new(|request| Ok(tsa.respond(request, ca::at(LATER))));
    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    let pdf = Pdf::parse(original.as_slice(), &Limits::default()).unwrap();
    let request = || PadesRequest::new(&pdf, ca::at(NOW));
    let signed = run(request().sign_timestamped(&key, settings()).unwrap(), &network).unwrap();
    assert_eq!(network.asked.get(), 2, "asked once more for the second signature");
    verify(signed.to_octets().unwrap());

    // Without the key there is no second signature, but words.
    let prepared = request().room_for_timestamp().prepare(key.identity()).unwrap();
    let value = key.sign(prepared.to_be_signed()).unwrap();
    let error = run(prepared.complete_timestamped(&value, settings()).unwrap(), &network).unwrap_err();
    assert!(matches!(error, Error::Misuse(_)) && error.to_string().contains("room"), "{error}");
    let prepared = request().room(40_000).prepare(key.identity()).unwrap();
    let value = key.sign(prepared.to_be_signed()).unwrap();
    verify(run(prepared.complete_timestamped(&value, settings()).unwrap(), &network).unwrap().to_octets().unwrap());
}

/// Authorities by address; what is not there is silent.
struct Authorities<'a> {
    all: BTreeMap<&'static str, &'a Tsa>,
    asked: RefCell<Vec<String>>,
}

impl Fetch for Authorities<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.asked.borrow_mut().push(request.url.clone());
        let tsa = self.all.get(request.url.as_str());
        let tsa = tsa.ok_or_else(|| Error::from(FetchError::new(request.url.as_str(), "no answer")))?;
        Ok(Response { body: tsa.respond(request.body.as_deref().unwrap(), ca::at(LATER)) })
    }
}

#[test]
fn authorities_are_asked_in_order_until_one_answers_well() {
    let Scene { key, ca, tsa } = scene();
    let no_tsa = Tsa::new(ca.issue(&Template::new(&[(ca::CN, "no TSA")]), KeySpec::P256));
    let mut other_policy = Tsa::new(ca.issue(&Template::tsa(&[(ca::CN, "other")]), KeySpec::P256));
    other_policy.policy = "1.3.6.1.4.1.99999.1.2";
    let [silent, wrong, other, good] = ["http://silent.vn/", "http://wrong.vn/", "http://other.vn/", "http://good.vn/"];
    let network = Authorities {
        all: BTreeMap::from([(wrong, &no_tsa), (other, &other_policy), (good, &tsa)]),
        asked: RefCell::default(),
    };
    let run_with = |settings: TimestampSettings| {
        let job = CadesRequest::new(b"content", ca::at(NOW)).sign_timestamped(&key, settings).unwrap();
        let outcome = run(job, &network).map(|signed| {
            token(&SignedData::from_octets(signed.octets(), &Limits::default()).unwrap()).policy().to_string()
        });
        (outcome, network.asked.take())
    };
    let oid = |text: &str| kyso::asn1::Oid::parse(text).unwrap();
    // Each under its own policy: the one that gives another than it is asked for is passed by.
    let settings = TimestampSettings::new(silent, NONCE).or(wrong).or(other).policy(oid(tsa.policy)).or(good);
    let (outcome, asked) = run_with(settings.clone());
    assert_eq!(outcome.unwrap(), tsa.policy);
    assert_eq!(asked, [silent, wrong, other, good]);
    let settings = TimestampSettings::new(other, NONCE).policy(oid(other_policy.policy)).or(good);
    let (outcome, asked) = run_with(settings);
    assert_eq!((outcome.unwrap().as_str(), asked), (other_policy.policy, vec![other.to_owned()]));
    // Nobody answers well: every failure is told.
    let (outcome, _) = run_with(TimestampSettings::new(silent, NONCE).or(wrong).or("http://also-silent.vn/"));
    let error = outcome.unwrap_err().to_string();
    for part in
        ["none of 3", "http://silent.vn/: no answer", "http://wrong.vn/: refused", "http://also-silent.vn/: no answer"]
    {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_second_signature_goes_to_the_authority_that_answered() {
    let Scene { key, ca, .. } = scene();
    let filling = |n| ca.issue(&Template::new(&[(ca::CN, &format!("filling {n}"))]), KeySpec::P256);
    let others = (0..60).map(|n| filling(n).identity().certificate().clone()).collect();
    let tsa_key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
    let certificate = ca.certify(&Template::tsa(&[(ca::CN, "TSA")]), &tsa_key);
    let tsa = Tsa::new(SoftKey::new(tsa_key, SignerIdentity::new(certificate, others)).unwrap());
    let network = Authorities { all: BTreeMap::from([(URL, &tsa)]), asked: RefCell::default() };
    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    let pdf = Pdf::parse(original.as_slice(), &Limits::default()).unwrap();
    let settings = TimestampSettings::new("http://silent.vn/", NONCE).or(URL);
    let job = PadesRequest::new(&pdf, ca::at(NOW)).sign_timestamped(&key, settings).unwrap();
    verify(run(job, &network).unwrap().to_octets().unwrap());
    assert_eq!(*network.asked.borrow(), ["http://silent.vn/", URL, URL]);
}

#[test]
fn time_and_accuracy_have_to_be_plausible() {
    let Scene { key, tsa, .. } = scene();
    let network = Network::new(|request| Ok(tsa.respond(request, ca::at(LATER))));
    let outcome = |settings: TimestampSettings| {
        let job = CadesRequest::new(b"content", ca::at(NOW)).sign_timestamped(&key, settings).unwrap();
        run(job, &network).map_err(|e| e.to_string())
    };
    let seconds = Duration::from_secs;
    outcome(settings().around(ca::at(NOW), seconds(5))).unwrap();
    outcome(settings().around(ca::at("2026-11-23T01:00:10Z"), seconds(5))).unwrap();
    for now in ["2026-11-23T00:59:59Z", "2026-11-23T01:00:11Z"] {
        let error = outcome(settings().around(ca::at(now), seconds(5))).unwrap_err();
        assert!(error.contains("one of the clocks is wrong"), "{error}");
    }
    // It says that it may be off by a second.
    outcome(settings().accuracy(seconds(1))).unwrap();
    let error = outcome(settings().accuracy(Duration::from_millis(999))).unwrap_err();
    assert!(error.contains("may be off by 1s"), "{error}");
}

#[test]
fn an_authority_that_takes_its_time_holds_up_its_own_document_alone() {
    /// The first signature's time-stamp comes after all others.
    struct Slow {
        tsa: Mutex<Tsa>,
        others: Mutex<usize>,
        changed: Condvar,
    }
    impl Fetch for Slow {
        fn fetch(&self, request: &Request) -> Result<Response, Error> {
            let mut others = self.others.lock().unwrap();
            if request.url == URL {
                while *others > 0 {
                    others = self.changed.wait(others).unwrap();
                }
            }
            let body = self.tsa.lock().unwrap().respond(request.body.as_deref().unwrap(), ca::at(LATER));
            *others -= usize::from(request.url != URL);
            self.changed.notify_all();
            Ok(Response { body })
        }
    }
    let Scene { key, tsa, .. } = scene();
    let network = Slow { tsa: Mutex::new(tsa), others: Mutex::new(4), changed: Condvar::new() };
    let originals: Vec<Vec<u8>> =
        sample_pdf::FORMS.iter().cycle().take(5).map(|form| sample_pdf::plain(*form)).collect();
    let pdfs: Vec<Pdf<'_>> = originals.iter().map(|o| Pdf::parse(o.as_slice(), &Limits::default()).unwrap()).collect();
    let jobs = pdfs.iter().enumerate().map(|(index, pdf)| {
        let url = if index == 0 { URL } else { "http://fast.vn/" };
        PadesRequest::new(pdf, ca::at(NOW)).sign_timestamped(&key, TimestampSettings::new(url, NONCE)).unwrap()
    });
    let signed = run_many(jobs, &network, 2);
    assert_eq!(signed.len(), 5);
    signed.into_iter().for_each(|signed| drop(verify(signed.unwrap().to_octets().unwrap())));
}

#[test]
fn answers_that_do_not_fit_are_refused() {
    let Scene { key, ca, tsa } = scene();
    let signer = Tsa::new(ca.issue(&Template::new(&[(ca::CN, "no TSA")]), KeySpec::P256));
    let expired = Template::tsa(&[(ca::CN, "old TSA")]).valid("2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z");
    let expired = Tsa::new(ca.issue(&expired, KeySpec::P256));
    let later = ca::at(LATER);
    let outcome = |answer: &Answer<'_>| {
        let network = Network::new(answer);
        let request = CadesRequest::new(b"content", ca::at(NOW));
        run(request.sign_timestamped(&key, settings()).unwrap(), &network)
    };
    let refused = |answer: &Answer<'_>| match outcome(answer) {
        Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::TimeStamp),
        other => panic!("{other:?}"),
    };
    outcome(&|request| Ok(tsa.respond(request, later))).unwrap();
    // Of an authority that may not, or could not have been.
    refused(&|request| Ok(signer.respond(request, later)));
    refused(&|request| Ok(expired.respond(request, later)));
    // To another question: an old answer, another digest, another nonce.
    let other = |settings| {
        let job = CadesRequest::new(b"other", ca::at(NOW)).sign_timestamped(&key, settings).unwrap();
        kyso::fetch::Job::requests(&job).remove(0).body.unwrap()
    };
    let same_nonce = other(settings());
    refused(&|_| Ok(tsa.respond(&same_nonce, later)));
    refused(&|request| {
        let mut request = request.to_vec();
        let at = request.windows(8).position(|part| part == NONCE).unwrap();
        request[at + 7] ^= 1;
        Ok(tsa.respond(&request, later))
    });
    // A rejection with a reason.
    let rejection = der::seq(&[&der::seq(&[&der::int(2), &der::seq(&[&der::utf8("bận")])])]);
    refused(&|_| Ok(rejection.clone()));
    // No answer, or none that can be read.
    let silent = outcome(&|_| Err(FetchError::new(URL, "no answer").into()));
    assert!(matches!(silent, Err(Error::Fetch(_))));
    for junk in [Vec::new(), b"<html>".to_vec(), vec![0x30; 100]] {
        assert!(matches!(outcome(&|_| Ok(junk.clone())), Err(Error::Malformed(_))));
    }
    // Every octet of the answer.
    let answer = RefCell::new(Vec::new());
    let job = CadesRequest::new(b"content", ca::at(NOW)).sign(&key).unwrap();
    let ask = || CmsTimestamping::new(job.octets(), 0, settings(), &Limits::default()).unwrap();
    run(
        ask(),
        &Network::new(|request| {
            *answer.borrow_mut() = tsa.respond(request, later);
            Ok(answer.borrow().clone())
        }),
    )
    .unwrap();
    let answer = answer.into_inner();
    let good = run(ask(), &Network::new(|_| Ok(answer.clone()))).unwrap();
    for index in 0..answer.len() {
        let mut turned = answer.clone();
        turned[index] ^= 1;
        // What no signature covers may differ (the embedded chain, its order); the token may not.
        if let Ok(accepted) = run(ask(), &Network::new(|_| Ok(turned.clone()))) {
            let (good, accepted) = (
                token(&SignedData::from_octets(good.octets(), &Limits::default()).unwrap()),
                token(&SignedData::from_octets(accepted.octets(), &Limits::default()).unwrap()),
            );
            assert_eq!(good.signed_data().content(), accepted.signed_data().content(), "{index}");
            assert_eq!(good.signer().unwrap().signature(), accepted.signer().unwrap().signature(), "{index}");
        }
    }
    // A question that nobody was asked.
    let unasked = kyso::fetch::Job::finish(ask());
    assert!(matches!(unasked, Err(Error::Fetch(_))));
    let short = TimestampSettings::new(URL, [1; 7]);
    assert!(matches!(CadesRequest::new(b"", ca::at(NOW)).sign_timestamped(&key, short), Err(Error::Misuse(_))));
}
