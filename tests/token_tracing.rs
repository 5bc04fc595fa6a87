//! What a log sees of a token: operations, mechanisms, durations, outcomes; no
//! PIN, no content, nobody's name.
#![cfg(all(feature = "pkcs11", feature = "tracing", unix))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/everything.rs"]
mod everything;
#[path = "support/mock_pkcs11.rs"]
mod mock_pkcs11;

use std::time::Duration;

use everything::Everything;
use kyso::key::SigningKey;
use kyso::key::pkcs11::Login;
use kyso::secret::Pin;
use mock_pkcs11::Mock;
use mock_pkcs11::PIN;
use mock_pkcs11::hex;
use mock_pkcs11::message;
use mock_pkcs11::pin;
use mock_pkcs11::signer;

#[test]
fn operations_are_seen_and_neither_pins_nor_names_nor_content() {
    let everything = Everything::default();
    tracing::subscriber::set_global_default(everything.clone()).unwrap();
    let Some(mock) = Mock::new(signer().office() + "at C_Sign 3 remove\nat C_GetSlotList 9 insert 2\n") else { return };
    let module = mock.load();
    let content = "Quyết định mật";
    assert!(module.login("Office", Pin::new("987654")).is_err());
    assert!(module.login("Chưa có", pin()).is_err());
    let login = Login::with_callback(|_| Some(pin())).wait_for_token(Duration::from_secs(60));
    let session = module.login("Office", login).unwrap();
    assert!(session.signing_key("Khóa lạ").is_err());
    let key = session.signing_key("Signing").unwrap();
    let values = ["một", "hai"].map(|_| key.sign(&message(content.as_bytes())).unwrap());
    session.logout().unwrap();
    assert!(key.sign(&message(content.as_bytes())).is_err());

    let text = everything.told();
    for part in [
        "span kyso::token token_call",
        "operation=\"log in\"",
        "operation=\"sign\"",
        "mechanism=\"CKM_SHA256_RSA_PKCS\"",
        "micros=",
        "outcome=\"done\"",
        "outcome=\"wrong PIN\"",
        "outcome=\"token removed\"",
        "what=\"session lost\"",
        "what=\"logged in again\"",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
    let value = hex(values[0].octets());
    let secrets =
        [PIN, "987654", "Office", "Signing", "0001", "Chưa có", "Khóa lạ", "Nguyễn", content, &value[..16], "mock.so"];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is told:\n{text}");
    }
    assert!(!text.contains(&format!("{:?}", PIN.as_bytes())), "{text}");
}
