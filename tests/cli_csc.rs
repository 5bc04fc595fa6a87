//! `kyso sign --csc` and `kyso csc`: a remote service signs, and secrets stay off the command line.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/cli.rs"]
mod cli;
#[path = "support/der.rs"]
mod der;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/rssp.rs"]
mod rssp;

use std::sync::Arc;
use std::sync::Mutex;

use cli::Office;
use kyso::Error;
use kyso::crypto::KeySpec;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::secret::BearerToken;
use peers::Reply;
use peers::Server;
use rssp::Manner;
use rssp::Rssp;

/// The service of the other tests behind HTTP, at a path that names the version.
fn serve(rssp: Rssp) -> (String, Arc<Mutex<Rssp>>) {
    let path = if rssp.v2 { "csc/v2" } else { "csc/v1" };
    let rssp = Arc::new(Mutex::new(rssp));
    let inner = Arc::clone(&rssp);
    let server = Server::start(move |asked| {
        let method = asked.path.splitn(4, '/').nth(3).unwrap_or_default();
        let url = format!("{}/{method}", rssp::BASE);
        let request = Request::post(Purpose::RemoteSigning, url, "application/json", asked.body.clone(), 1 << 20);
        let request = request.authorization(Some(BearerToken::new(rssp::TOKEN).unwrap()));
        match inner.lock().unwrap().fetch(&request) {
            Ok(response) => Reply::Body(response.body),
            Err(Error::Fetch(error)) => {
                let body = error.answer().unwrap_or_default();
                let head = format!("HTTP/1.1 400 Bad\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                Reply::Raw([head.as_bytes(), body].concat())
            }
            Err(other) => panic!("{other}"),
        }
    });
    (server.url(path), rssp)
}

const SECRETS: [(&str, &str); 3] =
    [("TOKEN_OF_TEST", rssp::TOKEN), ("PIN_OF_TEST", rssp::PIN), ("OTP_OF_TEST", rssp::OTP)];

fn options(url: &str) -> Vec<&str> {
    vec![
        "--csc",
        url,
        "--credential",
        rssp::ID,
        "--csc-token-env",
        "TOKEN_OF_TEST",
        "--pin-env",
        "PIN_OF_TEST",
        "--otp-env",
        "OTP_OF_TEST",
        "--signing-time",
        cli::SIGNED,
    ]
}

#[test]
fn a_remote_service_signs_a_pdf_and_a_cms() {
    for (spec, v2, manner) in [
        (KeySpec::P256, false, Manner::Honest),
        (KeySpec::Rsa2048, true, Manner::Honest),
        (KeySpec::P256, true, Manner::Later(2)),
    ] {
        let office = Office::new();
        let mut rssp = Rssp::new(spec, manner);
        rssp.v2 = v2;
        office.write("service.pem", rssp.issuer.to_pem());
        let (url, rssp) = serve(rssp);
        for (format, out) in [("pades", "out.pdf"), ("cades", "out.p7m")] {
            let mut all = vec!["sign", "in.pdf", "-o", out, "--format", format, "--json"];
            all.extend(options(&url));
            let run = office.kyso_with(&all, &SECRETS).expect(0);
            assert_eq!(run.json()["signer"]["subject"], "CN=Nguyễn Văn Ký");
            let verified = office.kyso(&[
                "verify",
                out,
                "--trust",
                "service.pem",
                "--at",
                cli::LATER,
                "--no-revocation",
                "--json",
            ]);
            assert_eq!(verified.expect(0).json()["indication"], "TOTAL-PASSED");
        }
        assert_eq!(rssp.lock().unwrap().calls("credentials/authorize"), 2);
    }
}

#[test]
fn services_and_credentials_are_listed() {
    let office = Office::new();
    let (url, _rssp) = serve(Rssp::new(KeySpec::P256, Manner::Honest));
    let info = office.kyso(&["csc", "info", "--csc", &url, "--json"]).expect(0).json();
    assert_eq!(info["specs"], "1.0.4.0");
    let list =
        office.kyso_with(&["csc", "list", "--csc", &url, "--csc-token-env", "TOKEN_OF_TEST", "--json"], &SECRETS);
    let list = list.expect(0).json();
    assert_eq!(list["credentials"][0]["id"], rssp::ID);
    assert_eq!(list["credentials"][0]["subject"], "CN=Nguyễn Văn Ký");
    assert_eq!(list["credentials"][0]["multisign"], 5);
    assert_eq!(list["credentials"].as_array().unwrap().len(), 2);
}

#[test]
fn refusals_have_their_exit_codes_and_leave_nothing() {
    let office = Office::new();
    let sign = |url: &str, more: &[&str], secrets: &[(&str, &str)]| {
        let mut all = vec!["sign", "in.pdf", "-o", "out.pdf"];
        all.extend(options(url));
        all.extend(more);
        office.kyso_with(&all, secrets)
    };
    let (url, _rssp) = serve(Rssp::new(KeySpec::P256, Manner::RefusesOtp));
    let run = sign(&url, &[], &SECRETS).expect(77);
    assert!(run.err.contains("invalid_otp: The OTP is invalid"), "{}", run.err);
    assert!(![rssp::PIN, rssp::OTP, rssp::TOKEN].iter().any(|secret| run.err.contains(secret)));
    let (url, _rssp) = serve(Rssp::new(KeySpec::P256, Manner::WrongKey));
    let run = sign(&url, &[], &SECRETS).expect(73);
    assert!(run.err.contains("does not verify"), "{}", run.err);
    let (url, _rssp) = serve(Rssp::new(KeySpec::P256, Manner::Garbage));
    sign(&url, &[], &SECRETS).expect(69);
    // Missing, contradictory, in the clear.
    sign(&url, &[], &SECRETS[..2]).expect(77);
    sign(&url, &["--p12", "x"], &SECRETS).expect(64);
    sign("http://rssp.example.vn/csc/v1", &[], &SECRETS).expect(64);
    office.kyso(&["sign", "in.pdf", "-o", "out.pdf", "--csc", &url]).expect(64);
    let (url, rssp) = serve(Rssp::new(KeySpec::P256, Manner::Never).version_2());
    let run = sign(&url, &["--csc-wait", "3"], &SECRETS).expect(69);
    assert!(run.err.contains("did not finish within 3 s"), "{}", run.err);
    assert_eq!(rssp.lock().unwrap().calls("signatures/signHash"), 1);
    let names = office.names();
    assert!(!names.iter().any(|name| name.starts_with("out") || name.contains("part")), "{names:?}");
}
