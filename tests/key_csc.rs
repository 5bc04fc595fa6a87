//! Remote signing by the CSC API: one authorisation for a batch, answers that
//! are checked before they are used, services that answer late, wrongly or never.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/rssp.rs"]
mod rssp;

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::error::SecretError;
use kyso::fetch::Fetch;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::remote::RemoteSigner;
use kyso::key::remote::csc::Authorisation;
use kyso::key::remote::csc::CscCredential;
use kyso::key::remote::csc::CscDialect;
use kyso::key::remote::csc::CscService;
use kyso::key::remote::csc::CscVersion;
use kyso::key::remote::csc::Demand;
use kyso::key::remote::csc::Polling;
use kyso::secret::BearerToken;
use kyso::secret::Pin;
use kyso::sign::Prepared;
use kyso::sign::cades::CadesRequest;
use kyso::sign::cades::Content;
use kyso::sign::cades::SignedCms;
use kyso::sign::remote::RemoteBatch;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use rssp::Manner;
use rssp::Rssp;

const FILES: [&[u8]; 3] = [b"cong van 1", b"cong van 2", b"cong van 3"];

fn now() -> Time {
    ca::at("2026-11-23T01:00:00Z")
}

fn service(rssp: &Rssp) -> CscService {
    let version = if rssp.v2 { CscVersion::V2 } else { CscVersion::V1 };
    CscService::new(rssp::BASE, version).unwrap().token(BearerToken::new(rssp::TOKEN).unwrap())
}

fn secrets() -> Authorisation {
    Authorisation::new().pin(Pin::new(rssp::PIN)).otp(Pin::new(rssp::OTP))
}

fn prepare(credential: &CscCredential) -> Vec<Prepared<Content<'static>>> {
    let request = |file: &'static [u8]| {
        CadesRequest::new(file, now()).algorithm(credential.default_algorithm()).prepare(credential.identity()).unwrap()
    };
    FILES.into_iter().map(request).collect()
}

fn sign_with(service: &CscService, rssp: &Rssp) -> Result<Vec<SignedCms>, Error> {
    let credential = run(service.credential(rssp::ID), rssp)?;
    run(RemoteBatch::new(prepare(&credential), credential.signer(secrets()))?, rssp)
}

fn assert_signed(rssp: &Rssp, all: &[SignedCms]) {
    assert_eq!(all.len(), FILES.len());
    for (signed, file) in all.iter().zip(FILES) {
        let cms = SignedData::from_octets(signed.octets(), &Limits::default()).unwrap();
        assert_eq!(cms.content().unwrap(), file);
        let signer = &cms.signers()[0];
        let digest = signer.digest_algorithm().unwrap().digest(file);
        let key = rssp.certificate.public_key();
        let outcome = signer.verify(key, cms.content_type(), &digest, Some(file), Backend::default());
        assert!(outcome.fault.is_none(), "{outcome:?}");
    }
}

/// A clock that goes on by a second at each look.
fn ticking() -> impl Fn() -> Time + Send + Sync + 'static {
    let seconds = Arc::new(AtomicI64::new(now().unix()));
    move || Time::from_unix(seconds.fetch_add(1, Ordering::SeqCst)).unwrap()
}

#[test]
fn a_batch_is_signed_under_one_authorisation() {
    for (spec, v2) in
        [(KeySpec::P256, false), (KeySpec::Rsa2048, false), (KeySpec::P256, true), (KeySpec::Rsa2048, true)]
    {
        let mut rssp = Rssp::new(spec, Manner::Honest);
        rssp.v2 = v2;
        assert_signed(&rssp, &sign_with(&service(&rssp), &rssp).unwrap());
        assert_eq!(rssp.calls("credentials/authorize"), 1);
        assert_eq!(rssp.calls("signatures/signHash"), 1);
    }
}

#[test]
fn what_is_signed_at_once_in_two_phases_and_remotely_is_the_same() {
    let rssp = Rssp::new(KeySpec::Rsa2048, Manner::Honest);
    let credential = run(service(&rssp).credential(rssp::ID), &rssp).unwrap();
    let remote = run(RemoteBatch::new(prepare(&credential), credential.signer(secrets())).unwrap(), &rssp).unwrap();
    let key = kyso::crypto::PrivateKey::from_der(&rssp.key.to_pkcs8_der().unwrap(), None).unwrap();
    let key = kyso::key::soft::SoftKey::new(key, credential.identity().clone()).unwrap();
    for (signed, file) in remote.iter().zip(FILES) {
        assert_eq!(*signed, CadesRequest::new(file, now()).sign(&key).unwrap());
    }
}

#[test]
fn what_a_service_tells_of_itself_and_its_credentials_is_read() {
    let mut rssp = Rssp::new(KeySpec::Rsa2048, Manner::Honest);
    let service = service(&rssp);
    let info = run(service.info(), &rssp).unwrap();
    assert_eq!((info.version(), info.name.as_str()), (Some(CscVersion::V1), "Thử nghiệm"));
    assert_eq!(run(service.credentials(), &rssp).unwrap(), ["cred-001", "cred-002"]);
    assert_eq!(rssp.calls("credentials/list"), 2);
    run(service.send_otp(rssp::ID), &rssp).unwrap();
    assert_eq!(rssp.last("credentials/sendOTP")["credentialID"], rssp::ID);
    let credential = run(service.credential(rssp::ID), &rssp).unwrap();
    assert_eq!(credential.identity().certificate(), &rssp.certificate);
    assert_eq!(credential.identity().chain(), [rssp.issuer.clone()]);
    assert_eq!((credential.pin(), credential.otp()), (Demand::Demanded, Demand::Demanded));
    assert!(credential.otp_is_sent() && credential.is_bound_to_digests());
    assert_eq!(credential.multisign(), 5);
    // The identifier of the key goes with the digest's, that of key and digest is preferred.
    assert!(sign_with(&service, &rssp).is_ok());
    assert_eq!(rssp.last("signatures/signHash")["signAlgo"], "1.2.840.113549.1.1.11");
    rssp.algo = vec!["1.2.840.113549.1.1.1"];
    assert!(sign_with(&service, &rssp).is_ok());
    assert_eq!(rssp.last("signatures/signHash")["signAlgo"], "1.2.840.113549.1.1.1");
    assert_eq!(rssp.last("signatures/signHash")["hashAlgo"], "2.16.840.1.101.3.4.2.1");
}

#[test]
fn a_chain_that_a_service_does_not_send_is_completed() {
    let root = Authority::root(Template::ca(&[(ca::CN, "Root")], None), KeySpec::P256);
    let issuing = root.subordinate(Template::ca(&[(ca::CN, "CA")], Some(0)), KeySpec::P256);
    let mut rssp = Rssp::new(KeySpec::P256, Manner::Honest);
    rssp.certificate = issuing.certify(&Template::new(&[(ca::CN, "Nguyễn Văn Ký")]), &rssp.key);
    rssp.chain = Vec::new();
    let mut set = TrustSet::new("test");
    set.add(TrustAnchor::from_certificate(root.certificate.clone()));
    let anchors = TrustAnchors::new([set]);
    let service = service(&rssp);
    let alone = run(service.credential(rssp::ID), &rssp).unwrap();
    assert!(alone.identity().chain().is_empty());
    assert!(alone.clone().completed(&anchors, &[], now()).identity().chain().is_empty());
    let issuers = [issuing.certificate];
    let credential = alone.completed(&anchors, &issuers, now());
    assert_eq!(credential.identity().chain(), issuers);
    // And the signature carries it.
    let prepared = prepare(&credential);
    let signed = run(RemoteBatch::new(prepared, credential.signer(secrets())).unwrap(), &rssp).unwrap();
    let cms = SignedData::from_octets(signed[0].octets(), &Limits::default()).unwrap();
    assert!(cms.certificates().iter().any(|certificate| certificate.der() == issuers[0].der()));
}

#[test]
fn no_answer_that_does_not_fit_is_used() {
    let cases = [
        (Manner::ShortList, "2 signature values for 3 digests"),
        (Manner::LongList, "4 signature values for 3 digests"),
        (Manner::Empty, "0 signature values for 3 digests"),
        (Manner::WrongOrder, "signature value 1 is the one over digest 3: the service returned them in another order"),
        (Manner::WrongKey, "signature value 3 of 3 does not verify"),
        (Manner::OtherDigest, "signature value 1 of 3 does not verify"),
        (Manner::ZeroValue, "signature value 1 of 3 does not verify"),
        (Manner::NoBase64, "signature value 1 is no base64"),
        (Manner::Garbage, "the answer is no JSON object"),
        (Manner::NoList, "neither signatures nor responseID"),
        (Manner::NotAList, "neither signatures nor responseID"),
    ];
    for (manner, words) in cases {
        for spec in [KeySpec::P256, KeySpec::Rsa2048] {
            // Keys of RSA take long to make.
            if spec == KeySpec::Rsa2048 && !matches!(manner, Manner::WrongKey | Manner::WrongOrder) {
                continue;
            }
            let rssp = Rssp::new(spec, manner);
            let error = sign_with(&service(&rssp), &rssp).unwrap_err();
            assert!(error.to_string().contains(words), "{manner:?}: {error}");
            if let Error::Refused(refused) = &error {
                assert_eq!(refused.reason(), RefusalReason::SignatureValue);
            }
            assert_eq!(rssp.calls("credentials/authorize"), 1, "{manner:?}: a PIN is sent once");
            assert_eq!(rssp.calls("signatures/signHash"), 1, "{manner:?}");
        }
    }
}

#[test]
fn ecdsa_values_come_in_either_form() {
    let rssp = Rssp::new(KeySpec::P256, Manner::Plain);
    assert_signed(&rssp, &sign_with(&service(&rssp), &rssp).unwrap());
}

#[test]
fn refusals_come_with_the_words_of_the_service() {
    let rssp = Rssp::new(KeySpec::P256, Manner::RefusesOtp);
    let error = sign_with(&service(&rssp), &rssp).unwrap_err();
    assert!(matches!(error, Error::Secret(SecretError::Wrong { .. })), "{error}");
    assert!(error.to_string().contains("credentials/authorize: invalid_otp: The OTP is invalid"), "{error}");
    let rssp = Rssp::new(KeySpec::P256, Manner::RefusesPin);
    let error = sign_with(&service(&rssp), &rssp).unwrap_err();
    assert!(error.to_string().contains("invalid_pin: The PIN is invalid [2J"), "{error}");
    let rssp = Rssp::new(KeySpec::P256, Manner::RefusesHash);
    let error = sign_with(&service(&rssp), &rssp).unwrap_err();
    assert!(
        error.to_string().contains("the service refused: invalid_request: Hash is not authorized by the SAD"),
        "{error}"
    );
    let rssp = Rssp::new(KeySpec::P256, Manner::NotFound);
    let error = sign_with(&service(&rssp), &rssp).unwrap_err();
    assert!(error.to_string().contains("HTTP status 404 (is the base address right"), "{error}");
}

#[test]
fn answers_that_come_later_are_waited_for_and_not_for_ever() {
    let polling = || Polling::new(ticking()).every(Duration::from_secs(3)).within(Duration::from_secs(60));
    for manner in [Manner::Later(4), Manner::Confirm(3)] {
        let rssp = Rssp::new(KeySpec::P256, manner).version_2();
        let error = sign_with(&service(&rssp), &rssp).unwrap_err();
        assert!(error.to_string().contains("the service answers later"), "{error}");
        let rssp = Rssp::new(KeySpec::P256, manner).version_2();
        assert_signed(&rssp, &sign_with(&service(&rssp).polling(polling()), &rssp).unwrap());
        assert!(rssp.waited.borrow().contains(&Duration::from_secs(3)));
        assert_eq!(rssp.calls("credentials/authorize"), 1);
        assert_eq!(rssp.calls("signatures/signHash"), 1);
    }
    for manner in [Manner::Never, Manner::Lost] {
        let rssp = Rssp::new(KeySpec::P256, manner).version_2();
        let error = sign_with(&service(&rssp).polling(polling()), &rssp).unwrap_err();
        assert!(error.to_string().contains("did not finish within 60 s"), "{error}");
        let polls = rssp.calls("signatures/signPolling");
        assert!((20..60).contains(&polls), "{polls}");
    }
    let rssp = Rssp::new(KeySpec::P256, Manner::Later(1)).version_2();
    sign_with(&service(&rssp).polling(polling()).asynchronous(), &rssp).unwrap();
    assert_eq!(rssp.last("signatures/signHash")["operationMode"], "A");
}

#[test]
fn what_a_service_would_refuse_is_not_asked() {
    let unasked = |change: &dyn Fn(&mut Rssp), authorisation: Authorisation| {
        let mut rssp = Rssp::new(KeySpec::Rsa2048, Manner::Honest);
        change(&mut rssp);
        let credential = run(service(&rssp).credential(rssp::ID), &rssp).unwrap();
        let error = RemoteBatch::new(prepare(&credential), credential.signer(authorisation)).unwrap_err();
        assert_eq!(rssp.log.borrow().len(), 1);
        error.to_string()
    };
    let nothing = |_: &mut Rssp| {};
    assert_eq!(
        unasked(&nothing, Authorisation::new().otp(Pin::new(rssp::OTP))),
        "the PIN of the credential cred-001: a password or PIN is needed"
    );
    assert!(unasked(&nothing, Authorisation::new().pin(Pin::new(rssp::PIN))).starts_with("a one-time password"));
    assert!(unasked(&|r| r.multisign = 2, secrets()).contains("3 signatures were asked for"));
    assert!(unasked(&|r| r.key_status = "disabled", secrets()).contains("is disabled"));
    assert!(unasked(&|r| r.certificate_status = "revoked", secrets()).contains("is revoked"));
    assert!(unasked(&|r| r.certificate_status = "expired", secrets()).contains("is expired"));
    assert!(unasked(&|r| r.mode = "oauth2code", secrets()).contains("OAuth 2.0 alone"));
    assert!(unasked(&|r| r.algo = vec!["1.2.840.10045.4.3.2"], secrets()).contains("does not make RSA-"));
}

#[test]
fn activation_data_from_elsewhere_and_a_token_need_no_authorisation() {
    let mut rssp = Rssp::new(KeySpec::P256, Manner::Honest);
    rssp.mode = "oauth2code";
    let credential = run(service(&rssp).credential(rssp::ID), &rssp).unwrap();
    let signer = credential.signer(Authorisation::new().by_token());
    assert_signed(&rssp, &run(RemoteBatch::new(prepare(&credential), signer).unwrap(), &rssp).unwrap());
    assert_eq!(rssp.calls("credentials/authorize"), 0);
    assert!(rssp.last("signatures/signHash").get("SAD").is_none());
}

#[test]
fn documents_prepared_for_another_certificate_are_refused() {
    let (rssp, other) = (Rssp::new(KeySpec::P256, Manner::Honest), Rssp::new(KeySpec::P256, Manner::Honest));
    let credential = run(service(&rssp).credential(rssp::ID), &rssp).unwrap();
    let of_other = run(service(&other).credential(rssp::ID), &other).unwrap();
    let error = RemoteBatch::new(prepare(&of_other), credential.signer(secrets())).unwrap_err();
    assert!(error.to_string().contains("document 1 was prepared for another certificate"), "{error}");
}

#[test]
fn one_batch_has_one_algorithm() {
    let rssp = Rssp::new(KeySpec::Rsa2048, Manner::Honest);
    let credential = run(service(&rssp).credential(rssp::ID), &rssp).unwrap();
    let mut messages: Vec<_> = prepare(&credential).iter().map(|p| p.to_be_signed().clone()).collect();
    let pss = CadesRequest::new(b"x", now()).pss().prepare(credential.identity()).unwrap();
    messages.push(pss.to_be_signed().clone());
    assert!(credential.signer(secrets()).sign(messages).unwrap_err().to_string().contains("one algorithm"));
    assert!(credential.signer(secrets()).sign(Vec::new()).is_err());
}

/// Translates a dialect for a service that speaks the standard.
struct Renamed<'r>(&'r Rssp, RefCell<Vec<String>>);

impl Fetch for Renamed<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        let text = String::from_utf8(request.body.as_deref().unwrap().to_vec()).unwrap();
        self.1.borrow_mut().push(text.clone());
        assert!(text.contains(r#""profile":"rssp-119.432""#), "{text}");
        let mut inner = request.clone();
        inner.url = inner.url.replace("chung-thu/chi-tiet", "credentials/info");
        inner.body =
            Some(text.replace("credentialId", "credentialID").replace("\"sad\"", "\"SAD\"").into_bytes().into());
        let response = self.0.fetch(&inner)?;
        let text = String::from_utf8(response.body).unwrap();
        let text = text.replace("\"SAD\"", "\"sad\"").replacen('{', r#"{"error":0,"#, 1);
        Ok(Response { body: text.into_bytes() })
    }
}

#[test]
fn paths_and_members_can_have_other_names() {
    let rssp = Rssp::new(KeySpec::P256, Manner::Honest);
    let dialect = CscDialect::from_json(
        r#"{ "paths": { "credentials/info": "/chung-thu/chi-tiet" },
             "fields": { "credentialID": "credentialId", "SAD": "sad" },
             "extra": { "profile": "rssp-119.432" }, "success": ["0"] }"#,
    )
    .unwrap();
    let service = service(&rssp).dialect(dialect).unwrap();
    let door = Renamed(&rssp, RefCell::default());
    let credential = run(service.credential(rssp::ID), &door).unwrap();
    let signed = run(RemoteBatch::new(prepare(&credential), credential.signer(secrets())).unwrap(), &door).unwrap();
    assert_signed(&rssp, &signed);
    assert!(door.1.borrow().iter().all(|body| !body.contains("credentialID") && !body.contains("\"SAD\"")));
    for misspelt in [r#"{"path": {}}"#, r#"{"fields": {"credentialId": "x"}}"#, r#"{"paths": {"sign": "x"}}"#] {
        assert!(CscDialect::from_json(misspelt).is_err());
    }
}

#[test]
fn secrets_stand_in_no_debug_output_and_no_error() {
    let rssp = Rssp::new(KeySpec::P256, Manner::RefusesPin);
    let service = service(&rssp);
    let credential = run(service.credential(rssp::ID), &rssp).unwrap();
    let signer = credential.signer(secrets());
    let mut shown = format!("{service:?} {credential:?} {signer:?}");
    let job = RemoteBatch::new(prepare(&credential), signer).unwrap();
    shown += &format!("{job:?} {:?}", kyso::fetch::Job::requests(&job));
    let error = run(job, &rssp).unwrap_err();
    shown += &format!("{error} {error:?}");
    let digits = |text: &str| text.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(", ");
    for secret in [rssp::PIN, rssp::OTP, rssp::TOKEN] {
        assert!(!shown.contains(secret) && !shown.contains(&digits(secret)), "{shown}");
    }
}

#[test]
fn secrets_go_over_https_or_stay_on_this_machine() {
    for refused in [
        "http://rssp.example.vn/csc/v1",
        "http://127.evil.vn/csc/v1",
        "http://localhost.evil.vn/",
        "http://[::1]evil.vn/",
        "ftp://rssp.example.vn/",
        "https://",
        "https:///csc",
        "https://user:pw@rssp.example.vn/",
        "https://rssp.example.vn/?a=b",
    ] {
        assert!(CscService::new(refused, CscVersion::V1).is_err(), "{refused}");
    }
    for taken in
        ["https://rssp.example.vn/csc/v1/", "http://127.0.0.1:8080/csc/v1", "http://localhost/x", "http://[::1]:80/x"]
    {
        assert!(CscService::new(taken, CscVersion::V1).is_ok(), "{taken}");
    }
    assert!(CscService::danger_in_the_clear("http://rssp.example.vn/csc/v1", CscVersion::V1).is_ok());
}

#[test]
fn a_list_without_end_ends() {
    struct Pages;
    impl Fetch for Pages {
        fn fetch(&self, _: &Request) -> Result<Response, Error> {
            Ok(Response { body: br#"{"credentialIDs": ["a"], "nextPageToken": "again"}"#.to_vec() })
        }
    }
    let service = CscService::new(rssp::BASE, CscVersion::V1).unwrap();
    assert!(run(service.credentials(), &Pages).unwrap_err().to_string().contains("does not end"));
}

#[test]
fn answers_of_any_octets_are_an_error_and_no_panic() {
    struct Noise(Vec<u8>);
    impl Fetch for Noise {
        fn fetch(&self, _: &Request) -> Result<Response, Error> {
            Ok(Response { body: self.0.clone() })
        }
    }
    let service = CscService::new(rssp::BASE, CscVersion::V2).unwrap();
    let deep = [b"[".repeat(200_000), b"]".repeat(200_000)].concat();
    let many = format!(r#"{{"cert": {{"certificates": [{}]}}}}"#, vec!["\"AAAA\""; 5_000].join(","));
    for body in [
        &b""[..],
        b"null",
        b"[]",
        b"{}",
        b"{\"cert\":{\"certificates\":[\"AAAA\"]}}",
        b"{\"cert\": 5, \"key\": []}",
        b"\xff\xfe",
        &deep,
        many.as_bytes(),
    ] {
        assert!(run(service.credential("x"), &Noise(body.to_vec())).is_err());
        assert!(run(service.credentials(), &Noise(body.to_vec())).is_err());
        let _ = run(service.info(), &Noise(body.to_vec()));
    }
}
