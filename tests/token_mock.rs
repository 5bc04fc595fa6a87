//! What tokens of the field do and SoftHSM cannot show, with a module that does
//! it on demand. Each behaviour has its test.
#![cfg(all(feature = "pkcs11", unix))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/mock_pkcs11.rs"]
mod mock_pkcs11;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;

use kyso::Error;
use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::PssParameters;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::PinTries;
use kyso::error::SecretError;
use kyso::error::TokenFault;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::pkcs11::Cancellation;
use kyso::key::pkcs11::KeySelector;
use kyso::key::pkcs11::Login;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::ObjectKind;
use kyso::key::pkcs11::TokenKey;
use kyso::key::pkcs11::TokenSelector;
use kyso::key::pkcs11::TokenUri;
use kyso::pdf::Pdf;
use kyso::secret::Pin;
use kyso::sign::pades::PadesRequest;
use mock_pkcs11::DEVICE_ERROR;
use mock_pkcs11::DEVICE_REMOVED;
use mock_pkcs11::Mock;
use mock_pkcs11::PIN;
use mock_pkcs11::certificate;
use mock_pkcs11::message;
use mock_pkcs11::pin;
use mock_pkcs11::signer;
use mock_pkcs11::token;

const NOW: &str = "2026-11-23T01:00:00Z";

/// Skips where no module can be built.
macro_rules! mock {
    ($script:expr) => {
        match Mock::new($script) {
            Some(mock) => mock,
            None => return,
        }
    };
}

/// The signing key after a login with a callback, and how often that was asked.
fn asked_key(module: &Module) -> (TokenKey, Arc<AtomicUsize>) {
    let (login, asked) = asking();
    (module.login("Office", login).unwrap().signing_key("Signing").unwrap(), asked)
}

/// A callback that gives the right PIN, and how often it was asked.
fn asking() -> (Login, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let login = Login::with_callback(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Some(pin())
    });
    (login, asked)
}

fn signs(key: &TokenKey, text: &str) -> Result<(), Error> {
    let value = key.sign(&message(text.as_bytes()))?;
    assert!(signer().verifies(text.as_bytes(), &value), "{text}");
    Ok(())
}

fn fault(error: &Error) -> TokenFault {
    match error {
        Error::Token(e) => e.fault(),
        other => panic!("{other}"),
    }
}

#[test]
fn a_token_that_works_signs_by_hash_on_token() {
    let mock = mock!(signer().office());
    let key = mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap();
    assert_eq!(key.identity().certificate(), &signer().certificate);
    assert!(!key.wants_pin_for_each_signature());
    signs(&key, "một").unwrap();
    assert_eq!(mock.calls("C_Login"), 1);
}

// PIN counters and flags.

#[test]
fn at_the_final_try_no_pin_is_tried_unless_told() {
    let mock = mock!(signer().office() + "tries 1\n");
    let module = mock.load();
    let (login, asked) = asking();
    let refused = module.login("Office", login).unwrap_err();
    assert!(matches!(refused, Error::Secret(SecretError::FinalTry { .. })), "{refused}");
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (0, 0));
    module.login("Office", Login::from(pin()).allow_final_try()).unwrap();
    assert_eq!(mock.calls("C_Login"), 1);
}

#[test]
fn a_locked_pin_is_never_tried() {
    let mock = mock!(signer().office() + "tries 0\n");
    let locked = mock.load().login("Office", Login::from(pin()).allow_final_try()).unwrap_err();
    assert!(matches!(locked, Error::Secret(SecretError::Locked { .. })), "{locked}");
    assert_eq!(mock.calls("C_Login"), 0);
}

#[test]
fn wrong_pins_are_told_with_what_is_left_until_the_lock() {
    let mock = mock!(signer().office());
    let module = mock.load();
    let wrong = || module.login("Office", Login::from(Pin::new("000000")).allow_final_try()).unwrap_err();
    for tries in [PinTries::CountLow, PinTries::FinalTry] {
        match wrong() {
            Error::Secret(SecretError::Wrong { tries: told, .. }) => assert_eq!(told, Some(tries)),
            other => panic!("{other}"),
        }
    }
    assert!(matches!(wrong(), Error::Secret(SecretError::Locked { .. })));
    assert_eq!(mock.calls("C_Login"), 3);
    // Now the flag shows it, and the right PIN is not tried either.
    assert!(matches!(module.login("Office", pin()), Err(Error::Secret(SecretError::Locked { .. }))));
    assert_eq!(mock.calls("C_Login"), 3);
}

#[test]
fn a_lock_that_no_flag_foretold_is_told_apart() {
    let mock = mock!(signer().office() + "flag quiet\ntries 1\n");
    let locked = mock.load().login("Office", Pin::new("000000")).unwrap_err();
    assert!(matches!(locked, Error::Secret(SecretError::Locked { .. })), "{locked}");
    assert_eq!(mock.calls("C_Login"), 1);
}

#[test]
fn an_expired_pin_is_told_apart() {
    let mock = mock!(signer().office() + "flag expired\n");
    let expired = mock.load().login("Office", pin()).unwrap_err();
    assert!(matches!(expired, Error::Secret(SecretError::MustChange { .. })), "{expired}");
}

#[test]
fn a_pin_that_must_be_changed_is_not_tried() {
    let mock = mock!(signer().office() + "flag change\n");
    let old = mock.load().login("Office", pin()).unwrap_err();
    assert!(matches!(old, Error::Secret(SecretError::MustChange { .. })), "{old}");
    assert_eq!(mock.calls("C_Login"), 0);
}

#[test]
fn the_person_who_is_asked_sees_the_token_and_its_tries() {
    let mock = mock!(signer().office() + "tries 2\n");
    let seen = Arc::new(Mutex::new(None));
    let told = Arc::clone(&seen);
    let login = Login::with_callback(move |request| {
        *told.lock().unwrap() = Some((request.token().serial().to_string(), request.tries()));
        Some(pin())
    });
    mock.load().login("Office", login).unwrap();
    assert_eq!(*seen.lock().unwrap(), Some(("0001".to_owned(), PinTries::CountLow)));
}

// PIN pads.

#[test]
fn a_pin_pad_is_left_to_ask_and_signs_more_than_once() {
    let mock = mock!(signer().office() + "flag pad\n");
    let key = mock.load().login("Office", Login::on_device()).unwrap().signing_key("Signing").unwrap();
    signs(&key, "một").unwrap();
    signs(&key, "hai").unwrap();
    assert_eq!(mock.calls("C_Login"), 1);
}

#[test]
fn an_entry_cancelled_on_the_pin_pad_is_told_apart() {
    // CKR_FUNCTION_CANCELED
    let mock = mock!(signer().office() + "flag pad\nat C_Login 1 return 0x50\n");
    let cancelled = mock.load().login("Office", Login::on_device()).unwrap_err();
    assert!(matches!(cancelled, Error::Secret(SecretError::Cancelled)), "{cancelled}");
    assert_eq!(mock.calls("C_Login"), 1);
}

#[test]
fn a_pin_pad_that_is_not_there_is_not_waited_for() {
    let mock = mock!(signer().office());
    assert!(matches!(mock.load().login("Office", Login::on_device()), Err(Error::Misuse(_))));
    assert_eq!(mock.calls("C_Login"), 0);
}

// Keys that want their PIN for each signature.

fn only(log: &[String], names: &[&str]) -> Vec<String> {
    let name = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
    log.iter().map(name).filter(|n| names.contains(&n.as_str())).collect()
}

#[test]
fn a_pin_for_each_signature_goes_between_init_and_sign_where_the_token_hashes() {
    let script = token() + &signer().key("01", "Signing") + "always\n" + &certificate("01", &signer().certificate, "c");
    let mock = mock!(script);
    let (key, asked) = asked_key(&mock.load());
    assert!(key.wants_pin_for_each_signature());
    signs(&key, "một").unwrap();
    signs(&key, "hai").unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let calls = only(&mock.log(), &["C_SignInit", "C_Login", "C_SignUpdate"]);
    assert_eq!(calls, ["C_Login", "C_SignInit", "C_Login", "C_SignUpdate", "C_SignInit", "C_Login", "C_SignUpdate"]);
}

#[test]
fn a_pin_for_each_signature_works_with_the_bare_mechanism_too() {
    let script = token().replace("mechanism 0x40\n", "")
        + &signer().key("01", "Signing")
        + "always\n"
        + &certificate("01", &signer().certificate, "c");
    let mock = mock!(script);
    let (key, asked) = asked_key(&mock.load());
    signs(&key, "một").unwrap();
    signs(&key, "hai").unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    let calls = only(&mock.log(), &["C_SignInit", "C_Login", "C_Sign", "C_SignUpdate"]);
    assert_eq!(calls, ["C_Login", "C_SignInit", "C_Login", "C_Sign", "C_SignInit", "C_Login", "C_Sign"]);
}

#[test]
fn a_wrong_pin_for_one_signature_leaves_the_next_one_free() {
    for mechanism in ["mechanism 0x40\n", "mechanism 0x1\n"] {
        let script = format!("label Office\nserial 0001\npin {PIN}\n{mechanism}")
            + &signer().key("01", "Signing")
            + "always\n"
            + &certificate("01", &signer().certificate, "c");
        let mock = mock!(script);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let login = Login::with_callback(move |request| {
            let n = count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(request.is_for_one_signature(), n > 0);
            Some(if n == 1 { Pin::new("000000") } else { pin() })
        });
        let key = mock.load().login("Office", login).unwrap().signing_key("Signing").unwrap();
        let wrong = signs(&key, "một").unwrap_err();
        assert!(matches!(wrong, Error::Secret(SecretError::Wrong { .. })), "{wrong}");
        assert_eq!(mock.calls("C_Login"), 2);
        signs(&key, "hai").unwrap();
        assert_eq!(mock.calls("C_Login"), 3);
    }
}

#[test]
fn a_token_that_hides_its_wish_for_the_pin_is_understood_from_its_refusal() {
    let script = token()
        + &signer().key("01", "Signing")
        + "always\nsecretive\n"
        + &certificate("01", &signer().certificate, "c");
    let mock = mock!(script);
    let (key, asked) = asked_key(&mock.load());
    assert!(!key.wants_pin_for_each_signature());
    signs(&key, "một").unwrap();
    assert!(key.wants_pin_for_each_signature());
    signs(&key, "hai").unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 3);
}

#[test]
fn a_kept_pin_serves_each_signature_and_is_gone_once_it_is_wrong() {
    let script = token() + &signer().key("01", "Signing") + "always\n" + &certificate("01", &signer().certificate, "c");
    let mock = mock!(script);
    let session = mock.load().login("Office", Login::with_kept_pin(pin())).unwrap();
    let key = session.signing_key("Signing").unwrap();
    signs(&key, "một").unwrap();
    signs(&key, "hai").unwrap();
    mock.now("pin 999999\n");
    assert!(matches!(signs(&key, "ba"), Err(Error::Secret(SecretError::Wrong { .. }))));
    let before = mock.calls("C_Login");
    assert!(matches!(signs(&key, "bốn"), Err(Error::Secret(SecretError::Missing { .. }))));
    assert_eq!(mock.calls("C_Login"), before);
}

// Removal, re-insertion, lost sessions.

/// Signs documents one after the other, as a batch does.
fn batch(key: &TokenKey) -> Vec<Result<Vec<u8>, Error>> {
    let original = sample_pdf::plain(sample_pdf::Xref::Table);
    (0..6)
        .map(|_| {
            let pdf = Pdf::parse(original.clone(), &Limits::default()).unwrap();
            PadesRequest::new(&pdf, ca::at(NOW)).sign(key)?.to_octets()
        })
        .collect()
}

#[test]
fn one_pin_serves_a_batch() {
    let mock = mock!(signer().office());
    let (key, asked) = asked_key(&mock.load());
    assert!(batch(&key).iter().all(Result::is_ok));
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (1, 1));
}

#[test]
fn a_token_pulled_in_mid_sign_and_put_into_another_slot_goes_on_with_the_batch() {
    let script = signer().office() + "at C_Sign 5 remove\nat C_GetSlotList 8 insert 7\n";
    let mock = mock!(script);
    let (login, asked) = asking();
    let login = login.wait_for_token(Duration::from_secs(60));
    let session = mock.load().login("Office", login).unwrap();
    let key = session.signing_key("Signing").unwrap();
    let signed = batch(&key);
    assert!(signed.iter().all(Result::is_ok), "{signed:?}");
    assert!(mock.has(&format!("C_Sign {DEVICE_REMOVED}")));
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2), "once, and once more");
}

#[test]
fn a_token_that_does_not_come_back_fails_and_is_looked_for_by_the_next_signature() {
    let mock = mock!(signer().office() + "at C_Sign 3 remove\n");
    let (key, asked) = asked_key(&mock.load());
    signs(&key, "một").unwrap();
    let gone = signs(&key, "hai").unwrap_err();
    assert_eq!(fault(&gone), TokenFault::Removed);
    assert!(gone.to_string().contains("put it in"), "{gone}");
    assert_eq!(fault(&signs(&key, "ba").unwrap_err()), TokenFault::Removed);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    mock.now("insert 4\n");
    signs(&key, "ba").unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn another_token_in_its_place_is_not_taken_for_it() {
    let mock = mock!(signer().office() + "at C_Sign 1 remove\n");
    let (key, asked) = asked_key(&mock.load());
    assert_eq!(fault(&signs(&key, "một").unwrap_err()), TokenFault::Removed);
    mock.now("serial 0002\ninsert 1\n");
    assert_eq!(fault(&signs(&key, "một").unwrap_err()), TokenFault::Removed);
    mock.now("serial 0001\nlabel Other\n");
    assert_eq!(fault(&signs(&key, "một").unwrap_err()), TokenFault::Removed);
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (1, 1), "no PIN goes to a foreign token");
    mock.now("label Office\n");
    signs(&key, "một").unwrap();
}

#[test]
fn who_cancels_the_second_login_is_not_asked_for_each_document() {
    let mock = mock!(signer().office() + "at C_Sign 3 remove\nat C_GetSlotList 5 insert 1\n");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let login = Login::with_callback(move |_| (count.fetch_add(1, Ordering::SeqCst) == 0).then(pin));
    let login = login.wait_for_token(Duration::from_secs(60));
    let key = mock.load().login("Office", login).unwrap().signing_key("Signing").unwrap();
    let signed = batch(&key);
    assert!(signed[0].is_ok());
    assert!(signed[1..].iter().all(|s| matches!(s, Err(Error::Secret(SecretError::Cancelled)))), "{signed:?}");
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (1, 2));
}

#[test]
fn a_wrong_pin_at_the_second_login_is_tried_once_and_never_again() {
    let mock = mock!(signer().office() + "at C_Sign 3 remove\nat C_GetSlotList 5 insert 1\n");
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let login = Login::with_callback(move |_| {
        Some(if count.fetch_add(1, Ordering::SeqCst) == 0 { pin() } else { Pin::new("000000") })
    });
    let login = login.wait_for_token(Duration::from_secs(60));
    let key = mock.load().login("Office", login).unwrap().signing_key("Signing").unwrap();
    let signed = batch(&key);
    assert!(signed[1..].iter().all(|s| matches!(s, Err(Error::Secret(SecretError::Wrong { .. })))), "{signed:?}");
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn a_pin_given_as_a_value_is_gone_by_the_second_login() {
    let mock = mock!(signer().office() + "at C_Sign 3 remove\nat C_GetSlotList 3 insert 1\n");
    let login = Login::from(pin()).wait_for_token(Duration::from_secs(60));
    let key = mock.load().login("Office", login).unwrap().signing_key("Signing").unwrap();
    signs(&key, "một").unwrap();
    assert_eq!(fault(&signs(&key, "hai").unwrap_err()), TokenFault::Removed);
    assert_eq!(mock.calls("C_Login"), 1);
}

#[test]
fn a_kept_pin_serves_the_second_login() {
    let mock = mock!(signer().office() + "at C_Sign 3 remove\nat C_GetSlotList 3 insert 9\n");
    let login = Login::with_kept_pin(pin()).wait_for_token(Duration::from_secs(60));
    let key = mock.load().login("Office", login).unwrap().signing_key("Signing").unwrap();
    assert!(batch(&key).iter().all(Result::is_ok));
    assert_eq!(mock.calls("C_Login"), 2);
}

#[test]
fn lost_sessions_are_made_again() {
    let mock = mock!(signer().office() + "at C_SignInit 3 close\n");
    let (key, asked) = asked_key(&mock.load());
    assert!(batch(&key).iter().all(Result::is_ok));
    assert!(mock.has("C_SignInit 0xb3"));
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn a_lost_login_is_made_again() {
    let mock = mock!(signer().office() + "at C_SignInit 3 forget\n");
    let (key, asked) = asked_key(&mock.load());
    assert!(batch(&key).iter().all(Result::is_ok));
    assert!(mock.has("C_SignInit 0x101"));
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn a_device_error_in_a_batch_costs_a_session_and_no_document() {
    let mock = mock!(signer().office() + "at C_Sign 5 return " + DEVICE_ERROR + "\n");
    let (key, asked) = asked_key(&mock.load());
    let signed = batch(&key);
    assert!(signed.iter().all(Result::is_ok), "{signed:?}");
    assert!(mock.has(&format!("C_Sign {DEVICE_ERROR}")));
    // With its last session the login went.
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_device_that_fails_for_good_ends_the_signature() {
    let mock = mock!(signer().office() + "at C_Sign 0 return " + DEVICE_ERROR + "\n");
    let (key, asked) = asked_key(&mock.load());
    assert_eq!(fault(&signs(&key, "một").unwrap_err()), TokenFault::Device);
    assert_eq!((mock.calls("C_Sign"), asked.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn several_threads_that_lose_the_login_ask_for_one_pin() {
    let mock = mock!(signer().office());
    let (key, asked) = asked_key(&mock.load());
    signs(&key, "một").unwrap();
    mock.now("at C_SignInit 2 close\n");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| signs(&key, "hai").unwrap());
        }
    });
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2));
}

#[test]
fn objects_are_listed_after_the_token_was_put_back() {
    let mock = mock!(signer().office() + "at C_FindObjectsInit 1 remove\nat C_GetSlotList 3 insert 3\n");
    let (login, _) = asking();
    let session = mock.load().login("Office", login.wait_for_token(Duration::from_secs(60))).unwrap();
    assert_eq!(session.objects().unwrap().len(), 2);
}

// Other users of the module, and drivers that are easily upset.

#[test]
fn a_module_that_the_host_initialized_is_adopted() {
    let mock = mock!(signer().office() + "host\n");
    let module = mock.load();
    signs(&module.login("Office", pin()).unwrap().signing_key("Signing").unwrap(), "một").unwrap();
    assert!(matches!(module.reset(), Err(Error::Misuse(_))));
    assert_eq!(mock.calls("C_Finalize"), 0);
}

#[test]
fn a_module_is_initialized_once_under_all_its_names() {
    let mock = mock!(signer().office() + "crash-twice\n");
    let first = mock.load();
    let link = mock.path().with_file_name("link.so");
    std::os::unix::fs::symlink(mock.path(), &link).unwrap();
    let second = Module::load(link).unwrap();
    assert_eq!(first.path(), second.path());
    drop(first);
    assert_eq!(second.tokens().unwrap().len(), 1);
    assert_eq!((mock.calls("C_Initialize"), mock.calls("C_Finalize")), (1, 0));
}

#[test]
fn threads_that_load_a_module_at_once_initialize_it_once() {
    let mock = mock!(signer().office() + "crash-twice\nat C_Initialize 1 delay 50\n");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| mock.load().tokens().unwrap());
        }
    });
    assert_eq!(mock.calls("C_Initialize"), 1);
}

#[test]
fn a_module_that_cannot_lock_is_used_by_one_thread() {
    let mock = mock!(signer().office() + "cant-lock\n");
    let module = mock.load();
    assert_eq!(module.tokens().unwrap().len(), 1);
    assert!(matches!(module.allow_parallel_calls(4), Err(Error::Token(_))));
    assert!(matches!(module.with_calls_on_callers_thread(), Err(Error::Token(_))));
}

#[test]
fn a_reset_makes_a_driver_look_anew_where_nobody_uses_it() {
    let mock = mock!(signer().office());
    let module = mock.load();
    let session = module.login("Office", pin()).unwrap();
    assert!(matches!(module.reset(), Err(Error::Misuse(_))));
    drop(session);
    module.reset().unwrap();
    assert_eq!((mock.calls("C_Initialize"), mock.calls("C_Finalize")), (2, 1));
    signs(&module.login("Office", pin()).unwrap().signing_key("Signing").unwrap(), "một").unwrap();
}

// Mechanisms.

#[test]
fn a_token_that_does_not_hash_gets_the_digest_info() {
    let mock = mock!(signer().office().replace("mechanism 0x40\n", ""));
    signs(&mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap(), "một").unwrap();
    let module = mock.load();
    let tokens = module.tokens().unwrap();
    assert_eq!(module.mechanisms(&tokens[0]).unwrap(), ["CKM_RSA_PKCS"]);
}

#[test]
fn a_token_that_only_hashes_gets_the_message() {
    let mock = mock!(signer().office().replace("mechanism 0x1\n", ""));
    signs(&mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap(), "một").unwrap();
}

#[test]
fn an_algorithm_that_the_token_lacks_is_refused_and_not_replaced() {
    let mock = mock!(signer().office());
    let key = mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap();
    let pss = SignatureAlgorithm::RsaPss(PssParameters::new(DigestAlgorithm::Sha256));
    let missing = key.sign(&ToBeSigned::new(pss, b"x".to_vec())).unwrap_err();
    assert_eq!(fault(&missing), TokenFault::Mechanism);
    assert!(missing.to_string().contains("PSS"), "{missing}");
    assert_eq!(fault(&key.with_algorithm(pss).unwrap_err()), TokenFault::Mechanism);
    assert_eq!(mock.calls("C_SignInit"), 0);
}

// Links between keys and certificates.

#[test]
fn a_missing_id_is_made_up_for_by_the_public_key() {
    let script = token()
        + &signer().key("-", "Signing")
        + &certificate("-", &signer().other, "Signing")
        + &certificate("-", &signer().certificate, "whatever");
    let mock = mock!(script);
    let key = mock.load().login("Office", pin()).unwrap().signing_key(KeySelector::only()).unwrap();
    assert_eq!(key.identity().certificate(), &signer().certificate);
}

#[test]
fn a_wrong_id_is_made_up_for_by_the_public_key() {
    let script = token()
        + &signer().key("01", "Signing")
        + &certificate("01", &signer().other, "Signing")
        + &certificate("02", &signer().certificate, "whatever");
    let mock = mock!(script);
    let key = mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap();
    assert_eq!(key.identity().certificate(), &signer().certificate);
}

#[test]
fn two_certificates_for_a_key_are_not_chosen_between() {
    let script = signer().office() + &certificate("01", &signer().renewed, "Signing");
    let mock = mock!(script);
    let session = mock.load().login("Office", pin()).unwrap();
    let several = session.signing_key("Signing").unwrap_err();
    assert!(matches!(several, Error::Misuse(_)), "{several}");
    let text = several.to_string();
    assert!(text.contains("2 certificates") && text.contains("gia hạn"), "{text}");
    let identity = SignerIdentity::new(signer().renewed.clone(), Vec::new());
    let key = session.signing_key_with("Signing", identity).unwrap();
    assert_eq!(key.identity().certificate(), &signer().renewed);
}

#[test]
fn a_token_without_certificates_takes_one_from_outside() {
    let mock = mock!(token() + &signer().key("01", "Signing"));
    let session = mock.load().login("Office", pin()).unwrap();
    let none = session.signing_key("Signing").unwrap_err();
    assert!(matches!(none, Error::Misuse(_)) && none.to_string().contains("no certificate"), "{none}");
    let identity = |c: &kyso::x509::Certificate| SignerIdentity::new(c.clone(), Vec::new());
    let wrong = session.signing_key_with("Signing", identity(&signer().other)).unwrap_err();
    assert!(matches!(wrong, Error::Misuse(_)), "{wrong}");
    signs(&session.signing_key_with("Signing", identity(&signer().certificate)).unwrap(), "một").unwrap();
}

// Labels.

#[test]
fn labels_in_latin_1_are_kept_and_shown_and_chosen() {
    let mut script = token().replace("label Office\n", "").into_bytes();
    script.extend(b"label Bureau n\xB0 1\nserial 0001\n");
    script.extend(signer().key("01", "cl").into_bytes());
    script.extend(certificate("01", &signer().certificate, "").trim_end().as_bytes());
    script.extend(b" cl\xE9\n");
    let mock = mock!(script);
    let module = mock.load();
    let tokens = module.tokens().unwrap();
    assert_eq!(tokens[0].label().to_string(), "Bureau n\u{FFFD} 1");
    // By its serial number, and by a URI with the octets of the label.
    let session = module.login(TokenSelector::only().serial("0001"), pin()).unwrap();
    let labels: Vec<_> =
        session.objects().unwrap().into_iter().filter(|o| o.kind() == ObjectKind::Certificate).collect();
    assert_eq!(labels[0].label().octets(), b"cl\xE9");
    assert_eq!(labels[0].label().to_string(), "cl\u{FFFD}");
    signs(&session.signing_key(KeySelector::only().label(b"cl\xE9".to_vec())).unwrap(), "một").unwrap();
    let uri = TokenUri::parse("pkcs11:token=Bureau%20n%B0%201;object=cl%E9").unwrap();
    signs(&module.login(&uri, pin()).unwrap().signing_key(&uri).unwrap(), "hai").unwrap();
}

// Slow and hanging tokens.

/// A signature that takes 1.5 seconds, on a thread.
fn slow_key(mock: &Mock) -> TokenKey {
    mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap()
}

#[test]
fn a_slow_token_keeps_nobody_from_another_module() {
    let slow = mock!(signer().office() + "at C_Sign 2 delay 1500\n");
    let quick = mock!(signer().office());
    let key = slow_key(&slow);
    std::thread::scope(|scope| {
        let signature = scope.spawn(|| signs(&key, "chậm"));
        while slow.calls("C_SignInit") < 1 {
            std::thread::yield_now();
        }
        // The whole way, loading too, while the other one is in its call.
        let module = quick.load();
        signs(&module.login("Office", pin()).unwrap().signing_key("Signing").unwrap(), "nhanh").unwrap();
        assert_eq!(slow.calls("C_Sign"), 1, "the length was asked for; the signature is not there yet");
        signature.join().unwrap().unwrap();
    });
    assert_eq!(slow.calls("C_Sign"), 2);
}

#[test]
fn a_token_over_the_time_limit_is_left_and_comes_back() {
    let mock = mock!(signer().office() + "at C_Sign 2 delay 1500\n");
    let module = mock.load().with_time_limit(Duration::from_millis(100));
    let session = module.login("Office", pin()).unwrap();
    let key = session.signing_key("Signing").unwrap();
    assert_eq!(fault(&signs(&key, "một").unwrap_err()), TokenFault::TooSlow);
    // Nobody is made to wait behind it.
    assert_eq!(fault(&signs(&key, "hai").unwrap_err()), TokenFault::TooSlow);
    assert_eq!(fault(&module.tokens().unwrap_err()), TokenFault::TooSlow);
    while mock.calls("C_Sign") < 2 {
        std::thread::yield_now();
    }
    // In a moment all is as before, the login too.
    while module.tokens().is_err() {
        std::thread::yield_now();
    }
    let patient = mock.load().login("Office", pin()).unwrap().signing_key("Signing").unwrap();
    signs(&patient, "ba").unwrap();
    assert_eq!(mock.calls("C_SignInit"), 2, "the one that was left, and this one");
}

#[test]
fn a_wait_is_called_off() {
    let mock = mock!(signer().office() + "at C_Sign 2 delay 1500\n");
    let switch = Cancellation::new();
    let module = mock.load().with_cancellation(switch.clone());
    let key = module.login("Office", pin()).unwrap().signing_key("Signing").unwrap();
    std::thread::scope(|scope| {
        let signature = scope.spawn(|| signs(&key, "một"));
        while mock.calls("C_SignInit") < 1 {
            std::thread::yield_now();
        }
        switch.cancel();
        assert_eq!(fault(&signature.join().unwrap().unwrap_err()), TokenFault::Cancelled);
    });
    assert_eq!(mock.calls("C_Sign"), 1);
    assert_eq!(fault(&signs(&key, "hai").unwrap_err()), TokenFault::Cancelled);
    assert_eq!(mock.calls("C_SignInit"), 1, "no further call is begun");
}

#[test]
fn waiting_for_a_token_is_called_off() {
    let mock = mock!(signer().office() + "at C_Sign 1 remove\n");
    let switch = Cancellation::new();
    let module = mock.load().with_cancellation(switch.clone());
    let login = asking().0.wait_for_token(Duration::from_secs(3600));
    let key = module.login("Office", login).unwrap().signing_key("Signing").unwrap();
    std::thread::scope(|scope| {
        let signature = scope.spawn(|| signs(&key, "một"));
        while mock.calls("C_Sign") < 1 {
            std::thread::yield_now();
        }
        switch.cancel();
        assert_eq!(fault(&signature.join().unwrap().unwrap_err()), TokenFault::Cancelled);
    });
}

// Threads.

#[test]
fn a_module_for_one_thread_is_called_from_one() {
    let mock = mock!(signer().office() + "one-thread\none-at-a-time\nat C_SignInit 0 delay 5\n");
    let key = std::thread::scope(|s| s.spawn(|| slow_key(&mock)).join().unwrap());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for text in ["một", "hai", "ba"] {
                    signs(&key, text).unwrap();
                }
            });
        }
    });
    drop(key);
    assert!(!mock.log().iter().any(|l| l.contains("inside")));
    assert_eq!(mock.calls("C_OpenSession"), mock.calls("C_CloseSession"));
}

#[test]
fn parallel_calls_are_made_by_choice() {
    let mock = mock!(signer().office() + "one-at-a-time\nat C_SignInit 0 delay 50\n");
    let module = mock.load();
    module.allow_parallel_calls(4).unwrap();
    let key = slow_key(&mock);
    std::thread::scope(|scope| {
        let signing: Vec<_> = (0..4).map(|_| scope.spawn(|| signs(&key, "một"))).collect();
        // The detector of this module fires, which shows that it can.
        assert!(signing.into_iter().any(|s| s.join().unwrap().is_err()));
    });
    assert!(mock.has("two threads are inside"));
}

#[test]
fn what_is_lost_is_made_again_on_the_callers_thread_too() {
    let script = signer().office() + "at C_Sign 5 remove\nat C_GetSlotList 8 insert 7\n";
    let mock = mock!(script);
    let module = mock.load().with_calls_on_callers_thread().unwrap();
    let (login, asked) = asking();
    let session = module.login("Office", login.wait_for_token(Duration::from_secs(60))).unwrap();
    let key = session.signing_key("Signing").unwrap();
    let signed = batch(&key);
    assert!(signed.iter().all(Result::is_ok), "{signed:?}");
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2));
    drop((key, session));
    let opened = mock.log().iter().filter(|l| *l == "C_OpenSession 0").count();
    assert_eq!(mock.calls("C_CloseSession"), opened);
}

#[test]
fn a_token_with_few_sessions_serves_many_threads() {
    let mock = mock!(signer().office() + "sessions 2\nat C_SignInit 0 delay 5\n");
    mock.load().allow_parallel_calls(8).unwrap();
    let key = slow_key(&mock);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for text in ["một", "hai", "ba"] {
                    signs(&key, text).unwrap();
                }
            });
        }
    });
    drop(key);
    let opened = mock.log().iter().filter(|l| *l == "C_OpenSession 0").count();
    assert_eq!(opened, mock.log().iter().filter(|l| *l == "C_CloseSession 0").count());
}

// Errors of the vendor's own.

#[test]
fn a_vendors_code_is_told_as_it_is() {
    let mock = mock!(signer().office() + "at C_SignInit 1 return 0x80000123\n");
    let (key, asked) = asked_key(&mock.load());
    let vendor = signs(&key, "một").unwrap_err();
    assert_eq!(fault(&vendor), TokenFault::Vendor(0x8000_0123));
    assert!(vendor.to_string().contains("0x80000123"), "{vendor}");
    // The login was good, so that nobody is asked for a PIN.
    signs(&key, "hai").unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_vendors_code_for_a_lost_session_is_seen_through() {
    let mock = mock!(signer().office() + "at C_SignInit 1 return 0x80000123\nat C_SignInit 1 close\n");
    let (key, asked) = asked_key(&mock.load());
    signs(&key, "một").unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[test]
fn a_vendors_code_at_the_login_is_one_try() {
    let mock =
        mock!(signer().office() + "at C_Login 2 return 0x80000005\nat C_Sign 1 remove\nat C_GetSlotList 3 insert 1\n");
    let (login, asked) = asking();
    let key = mock.load().login("Office", login.wait_for_token(Duration::from_secs(60))).unwrap();
    let key = key.signing_key("Signing").unwrap();
    for _ in 0..3 {
        assert_eq!(fault(&signs(&key, "một").unwrap_err()), TokenFault::Vendor(0x8000_0005));
    }
    assert_eq!((mock.calls("C_Login"), asked.load(Ordering::SeqCst)), (2, 2));
}

// Slots.

#[test]
fn an_empty_reader_is_listed_and_is_no_token() {
    let mock = mock!(signer().office() + "absent\n");
    let module = mock.load();
    let slots = module.slots().unwrap();
    assert!(slots[0].token().is_none() && slots[0].is_removable());
    assert_eq!(slots[0].description().to_string(), "Reader of the mock");
    assert!(module.tokens().unwrap().is_empty());
    mock.now("insert 2\n");
    assert_eq!(module.slots().unwrap()[0].token().unwrap().slot(), 2);
}
