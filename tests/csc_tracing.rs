//! What a log sees of a remote signing service: requests, durations, outcomes;
//! no secret, no address, no content, nobody's name.
#![cfg(all(feature = "http", feature = "serde", feature = "tracing"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/everything.rs"]
mod everything;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/rssp.rs"]
mod rssp;
#[path = "support/rssp_server.rs"]
mod rssp_server;

use everything::Everything;
use kyso::crypto::KeySpec;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;
use kyso::fetch::run;
use kyso::key::ToBeSigned;
use kyso::key::remote::RemoteSigner;
use kyso::key::remote::csc::Authorisation;
use kyso::key::remote::csc::CscService;
use kyso::key::remote::csc::CscVersion;
use kyso::secret::BearerToken;
use kyso::secret::Pin;
use rssp::Manner;
use rssp::Rssp;

#[test]
fn requests_are_seen_and_neither_secrets_nor_addresses_nor_content() {
    let everything = Everything::default();
    tracing::subscriber::set_global_default(everything.clone()).unwrap();
    let network = HttpClient::new(HttpOptions::default()).unwrap();
    let content = "Quyết định mật";
    for manner in [Manner::Honest, Manner::RefusesOtp] {
        let (url, _rssp) = rssp_server::serve(Rssp::new(KeySpec::P256, manner));
        let service = CscService::new(&url, CscVersion::V1).unwrap().token(BearerToken::new(rssp::TOKEN).unwrap());
        let credential = run(service.credential(rssp::ID), &network).unwrap();
        let authorisation = Authorisation::new().pin(Pin::new(rssp::PIN)).otp(Pin::new(rssp::OTP));
        let message = ToBeSigned::new(credential.default_algorithm(), content.as_bytes().to_vec());
        let signing = credential.signer(authorisation).sign(vec![message]).unwrap();
        assert_eq!(run(signing, &network).is_ok(), manner == Manner::Honest);
        let text = everything.told();
        for secret in [rssp::TOKEN, rssp::PIN, rssp::OTP, rssp::ID, "Nguyễn", content, "127.0.0.1", "/csc/", "Bearer"]
        {
            // Below this crate the client tells of its own doings; that is for its own target.
            let ours: String = text.lines().filter(|line| line.contains("kyso::")).collect();
            assert!(!ours.contains(secret), "{secret} is told:\n{ours}");
        }
    }
    let text = everything.told();
    for part in [
        "span kyso::fetch request purpose=\"remote signing\" step=\"credentials/authorize\"",
        "step=\"signatures/signHash\"",
        "micros=",
        "outcome=\"done\"",
        "outcome=\"refused by the host\" status=400",
    ] {
        assert!(text.contains(part), "{part} is missing:\n{text}");
    }
}
