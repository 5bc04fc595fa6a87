//! Tokens through PKCS#11, with SoftHSM in the part of the token and OpenSC's
//! tool as the one that fills it.
//!
//! A module reads its settings once per process, so each test runs itself
//! again in a process of its own, with a token of its own.
#![cfg(feature = "pkcs11")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/tokens.rs"]
mod tokens;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PssParameters;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::PinTries;
use kyso::error::RefusalReason;
use kyso::error::SecretError;
use kyso::key::SignatureValue;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::pkcs11::KeySelector;
use kyso::key::pkcs11::Login;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::ObjectKind;
use kyso::key::pkcs11::TokenKey;
use kyso::key::pkcs11::TokenSelector;
use kyso::key::pkcs11::TokenUri;
use kyso::pdf::Pdf;
use kyso::secret::Pin;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::x509::Certificate;
use tokens::LABEL;
use tokens::PIN;
use tokens::Tokens;
use tokens::run;
use tokens::with_settings;
use tokens::with_tokens;

const NOW: &str = "2026-11-23T01:00:00Z";

fn pin() -> Pin {
    Pin::new(PIN)
}

fn message(algorithm: SignatureAlgorithm) -> ToBeSigned {
    ToBeSigned::new(algorithm, b"ky so".to_vec())
}

fn verifies(certificate: &Certificate, algorithm: &SignatureAlgorithm, value: &SignatureValue) -> bool {
    let message = kyso::crypto::Message::Octets(b"ky so");
    Backend::default().verify(certificate.public_key(), algorithm, message, value.octets()).is_ok()
}

/// Signs a message with content and a PDF, and has both verified.
fn sign_documents(tokens: &Tokens, key: &dyn SigningKey, pss: bool) {
    let content = "Quyết định".as_bytes();
    let request = CadesRequest::new(content, ca::at(NOW));
    let request = if pss { request.pss() } else { request };
    let cms = request.sign(key).unwrap();
    let path = |name: &str| tokens.dir.join(name).to_str().unwrap().to_owned();
    fs::write(path("signed"), cms.octets()).unwrap();
    fs::write(path("root.pem"), tokens.authority.certificate.to_pem()).unwrap();
    let (input, roots, out) = (path("signed"), path("root.pem"), path("out"));
    let arguments = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", &input, "-CAfile", &roots];
    let more = ["-purpose", "any", "-attime", "1795395600", "-out", &out];
    run("openssl", &[&arguments[..], &more].concat());
    assert_eq!(fs::read(path("out")).unwrap(), content);

    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    let pdf = Pdf::parse(original.clone(), &Limits::default()).unwrap();
    let request = PadesRequest::new(&pdf, ca::at(NOW));
    let request = if pss { request.pss() } else { request };
    let signed = request.sign(key).unwrap().to_octets().unwrap();
    assert!(signed.starts_with(&original));
    let pdf = Pdf::parse(signed, &Limits::default()).unwrap();
    let facts = pdf.signatures().unwrap().remove(0);
    let cms = SignedData::from_padded(&facts.contents, &Limits::default()).unwrap();
    let signer = &cms.signers()[0];
    let certificate = cms.certificates().iter().find(|c| signer.id().names(c)).unwrap();
    assert_eq!(certificate, key.identity().certificate());
    let ranges = facts.covered_ranges().unwrap();
    let digest = pdf.digests(&[(ranges, signer.digest_algorithm().unwrap())]).unwrap()[0];
    let result = signer.verify(certificate.public_key(), cms.content_type(), &digest, None, Backend::default());
    assert_eq!((result.fault, result.deviations.len()), (None, 0));
}

#[test]
fn documents_are_signed_on_the_token() {
    with_tokens("documents_are_signed_on_the_token", |tokens| {
        tokens.token(LABEL);
        let rsa = tokens.key(LABEL, KeySpec::Rsa2048, "01", "Khóa RSA");
        let curve = tokens.key(LABEL, KeySpec::P256, "02", "Khóa P-256");
        tokens.write(LABEL, "cert", tokens.authority.certificate.der(), "99", "CA", &[]);

        let session = tokens.load().login(LABEL, pin()).unwrap();
        let key = session.signing_key("Khóa RSA").unwrap();
        assert_eq!(key.identity().certificate(), &rsa);
        // The CA of the token is the chain; the other key's certificate is not.
        assert_eq!(key.identity().chain(), std::slice::from_ref(&tokens.authority.certificate));
        sign_documents(tokens, &key, false);
        sign_documents(tokens, &key, true);
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            let algorithms =
                [SignatureAlgorithm::RsaPkcs1v15(digest), SignatureAlgorithm::RsaPss(PssParameters::new(digest))];
            for algorithm in algorithms {
                let value = key.sign(&message(algorithm)).unwrap();
                assert!(verifies(&rsa, &algorithm, &value), "{}", algorithm.name());
            }
        }

        let key = session.signing_key(KeySelector::only().id([2])).unwrap();
        assert_eq!(key.identity().certificate(), &curve);
        sign_documents(tokens, &key, false);
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            let algorithm = SignatureAlgorithm::Ecdsa(digest);
            assert!(verifies(&curve, &algorithm, &key.sign(&message(algorithm)).unwrap()), "{}", algorithm.name());
        }
        let unfit = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);
        assert!(matches!(key.sign(&message(unfit)), Err(Error::Misuse(_))));
        assert!(matches!(key.with_algorithm(unfit), Err(Error::Misuse(_))));

        // The same by a URI, after the session has gone.
        drop(session);
        let uri = TokenUri::parse("pkcs11:token=V%C4%83n%20ph%C3%B2ng;id=%01;type=private").unwrap();
        let key = tokens.load().login(&uri, pin()).unwrap().signing_key(&uri).unwrap();
        assert_eq!(key.identity().certificate(), &rsa);
        sign_documents(tokens, &key, false);
    });
}

/// A token with the bare operations alone, as many cards are.
#[test]
fn a_token_that_does_not_hash_signs_in_every_algorithm() {
    let settings = "slots.mechanisms = CKM_RSA_PKCS,CKM_RSA_PKCS_PSS,CKM_ECDSA\n";
    with_settings("a_token_that_does_not_hash_signs_in_every_algorithm", settings, |tokens| {
        tokens.token(LABEL);
        let rsa = tokens.key(LABEL, KeySpec::Rsa2048, "01", "RSA");
        let curve = tokens.key(LABEL, KeySpec::P384, "02", "P-384");
        let module = tokens.load();
        let token = module.tokens().unwrap().into_iter().find(|token| token.is_initialized()).unwrap();
        let mut there = module.mechanisms(&token).unwrap();
        there.sort();
        assert_eq!(there, ["CKM_ECDSA", "CKM_RSA_PKCS", "CKM_RSA_PKCS_PSS"]);
        let session = module.login(LABEL, pin()).unwrap();
        let key = session.signing_key("RSA").unwrap();
        sign_documents(tokens, &key, true);
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            let algorithms =
                [SignatureAlgorithm::RsaPkcs1v15(digest), SignatureAlgorithm::RsaPss(PssParameters::new(digest))];
            for algorithm in algorithms {
                assert!(verifies(&rsa, &algorithm, &key.sign(&message(algorithm)).unwrap()), "{}", algorithm.name());
            }
        }
        let key = session.signing_key("P-384").unwrap();
        sign_documents(tokens, &key, false);
        for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
            let algorithm = SignatureAlgorithm::Ecdsa(digest);
            assert!(verifies(&curve, &algorithm, &key.sign(&message(algorithm)).unwrap()), "{}", algorithm.name());
        }
    });
}

/// One try is spent, and the error says what the token says of those that are left.
#[test]
fn a_wrong_pin_is_tried_once() {
    with_tokens("a_wrong_pin_is_tried_once", |tokens| {
        tokens.token(LABEL);
        tokens.key(LABEL, KeySpec::P256, "01", "Khóa");
        let module = tokens.load();
        assert_eq!(module.tokens().unwrap()[0].pin_tries(), PinTries::NoWarning);

        // No PIN is no try.
        let missing = module.login(LABEL, Pin::new("")).unwrap_err();
        assert!(matches!(missing, Error::Secret(SecretError::Missing { .. })), "{missing}");
        let cancelled = module.login(LABEL, Login::with_callback(|_| None)).unwrap_err();
        assert!(matches!(cancelled, Error::Secret(SecretError::Cancelled)), "{cancelled}");
        let pad = module.login(LABEL, Login::on_device()).unwrap_err();
        assert!(matches!(pad, Error::Misuse(_)), "{pad}");
        assert_eq!(module.tokens().unwrap()[0].pin_tries(), PinTries::NoWarning);

        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let ask = move |_: &kyso::key::pkcs11::PinRequest<'_>| {
            count.fetch_add(1, Ordering::SeqCst);
            Some(Pin::new("000000"))
        };
        let wrong = module.login(LABEL, Login::with_callback(ask)).unwrap_err();
        match &wrong {
            Error::Secret(SecretError::Wrong { tries: Some(PinTries::CountLow), .. }) => {}
            other => panic!("{other}"),
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert!(wrong.to_string().contains(LABEL) && !wrong.to_string().contains("000000"), "{wrong}");
        assert_eq!(module.tokens().unwrap()[0].pin_tries(), PinTries::CountLow);
        assert!(matches!(module.login(LABEL, Pin::new("12")), Err(Error::Secret(SecretError::Wrong { .. }))));

        // The right one clears the flag: the token was not locked by tries of ours.
        let session = module.login(LABEL, pin()).unwrap();
        assert_eq!(session.token().pin_tries(), PinTries::CountLow);
        assert_eq!(module.tokens().unwrap()[0].pin_tries(), PinTries::NoWarning);
        assert!(session.signing_key("Khóa").is_ok());
    });
}

#[test]
fn tokens_and_keys_are_chosen_by_what_is_stated_and_never_guessed() {
    with_tokens("tokens_and_keys_are_chosen_by_what_is_stated_and_never_guessed", |tokens| {
        tokens.token(LABEL);
        tokens.token("Dự phòng");
        tokens.key(LABEL, KeySpec::P256, "01", "Ký số");
        tokens.key(LABEL, KeySpec::P256, "02", "Con dấu");

        let module = tokens.load();
        assert_eq!(module.path(), tokens.module.canonicalize().unwrap());
        let there: Vec<_> = module.tokens().unwrap().into_iter().filter(|t| t.is_initialized()).collect();
        assert_eq!(there.len(), 2);
        let token = there.iter().find(|t| t.label().octets() == LABEL.as_bytes()).unwrap();
        assert!(token.is_login_required() && token.is_pin_initialized() && !token.has_pin_pad());
        assert!(module.mechanisms(token).unwrap().iter().any(|m| m == "CKM_RSA_PKCS_PSS"));

        let several = module.login(TokenSelector::only(), pin()).unwrap_err().to_string();
        assert!(several.contains("2 tokens") && several.contains(LABEL) && several.contains("Dự phòng"), "{several}");
        let none = module.login("khác", pin()).unwrap_err().to_string();
        assert!(none.contains("khác") && none.contains(LABEL), "{none}");
        let serial = token.serial().to_string();
        let session = module.login(TokenSelector::only().serial(serial), pin()).unwrap();
        assert_eq!(session.token().label().to_string(), LABEL);

        let several = session.signing_key(KeySelector::only()).unwrap_err();
        let text = several.to_string();
        assert!(matches!(several, Error::Misuse(_)) && text.contains("Ký số") && text.contains("Con dấu"), "{text}");
        let none = session.signing_key("Khóa khác").unwrap_err().to_string();
        assert!(none.contains("Khóa khác") && none.contains("Con dấu\" (id 02)"), "{none}");
        assert!(session.signing_key(KeySelector::only().id([1]).label("Con dấu")).is_err());
        assert!(session.signing_key(KeySelector::only().id([2]).label("Con dấu")).is_ok());

        let objects = session.objects().unwrap();
        let of = |kind| objects.iter().filter(|o| o.kind() == kind).map(|o| o.id().to_vec()).collect::<Vec<_>>();
        for kind in [ObjectKind::Certificate, ObjectKind::PrivateKey] {
            let mut ids = of(kind);
            ids.sort();
            assert_eq!(ids, [[1], [2]], "{kind:?}");
        }
        let certificate = objects.iter().find(|o| o.kind() == ObjectKind::Certificate && o.id() == [2]).unwrap();
        assert_eq!(certificate.label().to_string(), "Con dấu");
        assert!(certificate.certificate().unwrap().subject().to_string().contains("Con dấu"));
        drop(session);

        // Without a login certificates are to be seen, keys are not.
        let public = module.login(LABEL, Login::public()).unwrap();
        assert!(public.objects().unwrap().iter().all(|o| o.kind() != ObjectKind::PrivateKey));
        assert!(matches!(public.signing_key("Ký số"), Err(Error::Secret(SecretError::Missing { .. }))));
    });
}

/// Links between key and certificate as badly kept tokens have them.
#[test]
fn a_certificate_is_found_by_id_then_by_key_then_by_label() {
    with_tokens("a_certificate_is_found_by_id_then_by_key_then_by_label", |tokens| {
        tokens.token(LABEL);
        let (rsa, rsa_certificate) = tokens.certified(KeySpec::Rsa2048, "RSA");
        let (other, other_certificate) = tokens.certified(KeySpec::Rsa2048, "khác");
        let (lone, lone_certificate) = tokens.certified(KeySpec::P256, "không chứng thư");
        // The id leads to a certificate for another key.
        tokens.write(LABEL, "privkey", &rsa.to_pkcs8_der().unwrap(), "0a", "một", &["--usage-sign"]);
        tokens.write(LABEL, "cert", other_certificate.der(), "0a", "một", &[]);
        tokens.write(LABEL, "cert", rsa_certificate.der(), "0b", "hai", &[]);
        tokens.write(LABEL, "privkey", &lone.to_pkcs8_der().unwrap(), "0c", "ba", &["--usage-sign"]);
        let session = tokens.load().login(LABEL, pin()).unwrap();
        let key = session.signing_key(KeySelector::only().id([0x0A])).unwrap();
        assert_eq!(key.identity().certificate(), &rsa_certificate);
        // A key is found by the label of its certificate too.
        assert_eq!(session.signing_key("hai").unwrap().identity().certificate(), &rsa_certificate);

        let none = session.signing_key("ba").unwrap_err();
        assert!(matches!(none, Error::Misuse(_)) && none.to_string().contains("no certificate"), "{none}");
        let identity = |c: &Certificate| SignerIdentity::new(c.clone(), vec![tokens.authority.certificate.clone()]);
        let key = session.signing_key_with("ba", identity(&lone_certificate)).unwrap();
        sign_documents(tokens, &key, false);
        let wrong = session.signing_key_with("một", identity(&other_certificate)).unwrap_err();
        assert!(matches!(wrong, Error::Misuse(_)), "{wrong}");
        assert_ne!(other.public_key(), rsa.public_key());
        // What the token does not tell is found out before anything is written.
        let (_, foreign) = tokens.certified(KeySpec::P256, "lạ");
        let pdf = Pdf::parse(sample_pdf::plain(sample_pdf::Xref::Table), &Limits::default()).unwrap();
        match session.signing_key_with("ba", identity(&foreign)) {
            Err(Error::Misuse(_)) => {}
            Ok(key) => match PadesRequest::new(&pdf, ca::at(NOW)).sign(&key) {
                Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::SignatureValue),
                other => panic!("{other:?}"),
            },
            Err(other) => panic!("{other}"),
        }
        // A second certificate for the same key: nothing is guessed.
        let renewed = tokens.authority.certify(&Template::new(&[(ca::CN, "gia hạn")]), &rsa);
        tokens.write(LABEL, "cert", renewed.der(), "0d", "bốn", &[]);
        let several = session.signing_key(KeySelector::only().id([0x0A])).unwrap_err().to_string();
        assert!(several.contains("2 certificates") && several.contains("gia hạn"), "{several}");
    });
}

#[test]
fn a_key_that_wants_its_pin_each_time_gets_it() {
    with_tokens("a_key_that_wants_its_pin_each_time_gets_it", |tokens| {
        tokens.token(LABEL);
        let (key, certificate) = tokens.certified(KeySpec::Rsa2048, "mỗi lần");
        let more = ["--usage-sign", "--always-auth"];
        tokens.write(LABEL, "privkey", &key.to_pkcs8_der().unwrap(), "01", "mỗi lần", &more);
        tokens.write(LABEL, "cert", certificate.der(), "01", "mỗi lần", &[]);
        let module = tokens.load();

        // A PIN that was given once is gone by then.
        let session = module.login(LABEL, pin()).unwrap();
        let key = session.signing_key("mỗi lần").unwrap();
        assert!(key.wants_pin_for_each_signature());
        let missing = key.sign(&message(key.default_algorithm())).unwrap_err();
        assert!(matches!(missing, Error::Secret(SecretError::Missing { .. })), "{missing}");
        session.logout().unwrap();
        drop(key);

        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let login = Login::with_callback(move |request| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(request.is_for_one_signature(), n > 0);
            // The third answer is wrong.
            Some(if n == 2 { Pin::new("000000") } else { pin() })
        });
        let key = module.login(LABEL, login).unwrap().signing_key("mỗi lần").unwrap();
        let algorithm = key.default_algorithm();
        assert!(verifies(&certificate, &algorithm, &key.sign(&message(algorithm)).unwrap()));
        let wrong = key.sign(&message(algorithm)).unwrap_err();
        assert!(matches!(wrong, Error::Secret(SecretError::Wrong { .. })), "{wrong}");
        assert_eq!(asked.load(Ordering::SeqCst), 3);
        assert!(verifies(&certificate, &algorithm, &key.sign(&message(algorithm)).unwrap()));
    });
}

/// A token that was pulled and put back is one whose login is gone.
#[test]
fn a_lost_login_is_made_again_where_there_is_somebody_to_ask() {
    with_tokens("a_lost_login_is_made_again_where_there_is_somebody_to_ask", |tokens| {
        tokens.token(LABEL);
        let certificate = tokens.key(LABEL, KeySpec::P256, "01", "Khóa");
        let module = tokens.load();
        // What another part of the process does to its own session ends the login of all.
        let pull = || module.login(LABEL, pin()).unwrap().logout().unwrap();

        let key = module.login(LABEL, pin()).unwrap().signing_key("Khóa").unwrap();
        let algorithm = key.default_algorithm();
        assert!(verifies(&certificate, &algorithm, &key.sign(&message(algorithm)).unwrap()));
        pull();
        assert!(matches!(key.sign(&message(algorithm)), Err(Error::Token(_))));

        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let login = Login::with_callback(move |_| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            (n < 2).then(pin)
        });
        let session = module.login(LABEL, login).unwrap();
        let key = session.signing_key("Khóa").unwrap();
        pull();
        assert!(verifies(&certificate, &algorithm, &key.sign(&message(algorithm)).unwrap()));
        assert!(verifies(&certificate, &algorithm, &key.sign(&message(algorithm)).unwrap()));
        assert_eq!(asked.load(Ordering::SeqCst), 2, "asked once more, and only once");
        pull();
        assert!(matches!(key.sign(&message(algorithm)), Err(Error::Secret(SecretError::Cancelled))));

        // After a logout nothing is asked.
        session.logout().unwrap();
        assert!(matches!(key.sign(&message(algorithm)), Err(Error::Token(_))));
        assert_eq!(asked.load(Ordering::SeqCst), 3);
    });
}

/// Twenty signatures in each of four threads.
fn sign_in_threads(key: &TokenKey, certificate: &Certificate) {
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let algorithm = key.default_algorithm();
                    assert!(verifies(certificate, &algorithm, &key.sign(&message(algorithm)).unwrap()));
                }
            });
        }
    });
}

#[test]
fn threads_share_a_module() {
    with_tokens("threads_share_a_module", |tokens| {
        tokens.token(LABEL);
        let certificate = tokens.key(LABEL, KeySpec::P256, "01", "Khóa");
        let key = tokens.load().login(LABEL, pin()).unwrap().signing_key("Khóa").unwrap();
        sign_in_threads(&key, &certificate);
    });
}

/// Where the module locks, calls can be made where they are asked for.
#[test]
fn calls_on_the_callers_thread_share_a_login() {
    with_tokens("calls_on_the_callers_thread_share_a_login", |tokens| {
        tokens.token(LABEL);
        let certificate = tokens.key(LABEL, KeySpec::P256, "01", "Khóa");
        let module = tokens.load().with_calls_on_callers_thread().unwrap();
        let session = module.login(LABEL, pin()).unwrap();
        let key = session.signing_key("Khóa").unwrap();
        sign_in_threads(&key, &certificate);
        // The worker of the same module is there beside them.
        assert!(tokens.load().login(LABEL, pin()).unwrap().signing_key("Khóa").is_ok());
        session.logout().unwrap();
        assert!(matches!(key.sign(&message(key.default_algorithm())), Err(Error::Token(_))));
    });
}

#[test]
fn no_token_is_said_to_be_none() {
    with_tokens("no_token_is_said_to_be_none", |tokens| {
        let module = tokens.load();
        assert!(module.tokens().unwrap().iter().all(|t| !t.is_initialized()));
        let none = module.login(TokenSelector::only(), pin()).unwrap_err();
        assert!(matches!(none, Error::Misuse(_)) && none.to_string().contains("no token is there"), "{none}");
    });
}

/// What goes to the token, as OpenSC's spy module writes it down.
#[test]
fn one_wrong_pin_is_one_call() {
    with_tokens("one_wrong_pin_is_one_call", |tokens| {
        tokens.token(LABEL);
        let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
        let spy = places.iter().map(|p| Path::new(p).join("pkcs11-spy.so")).find(|p| p.exists());
        let Some(spy) = spy else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pkcs11-spy not found");
            eprintln!("pkcs11-spy not found: skipped");
            return;
        };
        let module = Module::load(spy).unwrap();
        let logins = || {
            let log = fs::read_to_string(tokens.dir.join("spy.log")).unwrap();
            log.lines().filter(|l| l.ends_with(": C_Login")).count()
        };
        for (n, wrong) in ["000000", "999999"].into_iter().enumerate() {
            assert!(matches!(module.login(LABEL, Pin::new(wrong)), Err(Error::Secret(SecretError::Wrong { .. }))));
            assert_eq!(logins(), n + 1);
        }
        assert!(module.login(LABEL, Pin::new("")).is_err());
        assert!(module.login(LABEL, Login::with_callback(|_| None)).is_err());
        assert_eq!(logins(), 2);
        assert!(module.login(LABEL, pin()).is_ok());
        assert_eq!(logins(), 3);
    });
}

#[test]
fn what_is_no_module_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("module.so");
    let absent = Module::load(&path).unwrap_err();
    assert!(matches!(absent, Error::Io(_)) && absent.to_string().contains("module.so"), "{absent}");
    fs::write(&path, "no library").unwrap();
    let text = Module::load(&path).unwrap_err();
    assert!(matches!(text, Error::Token(_)) && text.to_string().contains("module.so"), "{text}");
}
