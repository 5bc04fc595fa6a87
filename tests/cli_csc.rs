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
#[path = "support/rssp_server.rs"]
mod rssp_server;

use cli::Office;
use kyso::crypto::KeySpec;
use rssp::Manner;
use rssp::Rssp;
use rssp_server::serve;

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

/// Documents of both formats into a folder: all that one authorisation permits are signed by one call.
#[test]
fn a_batch_is_signed_in_groups_of_what_one_authorisation_permits() {
    let office = Office::new();
    let mut rssp = Rssp::new(KeySpec::P256, Manner::Honest);
    (rssp.otp, rssp.multisign) = (false, 3);
    office.write("service.pem", rssp.issuer.to_pem());
    let (url, rssp) = serve(rssp);
    std::fs::create_dir(office.path("out")).unwrap();
    let names = ["1.pdf", "2.txt", "3.pdf", "4.pdf", "5.txt", "6.pdf", "7.pdf"];
    for name in names {
        let content = if name.ends_with("pdf") { office.read("in.pdf") } else { name.as_bytes().to_vec() };
        office.write(name, if name == "4.pdf" { b"%PDF-1.7 broken".to_vec() } else { content });
    }
    let sign = || {
        let mut all = vec!["sign"];
        all.extend(names);
        all.extend(["-o", "out", "--json"]);
        all.extend(options(&url).into_iter().filter(|option| !option.starts_with("--otp") && *option != "OTP_OF_TEST"));
        office.kyso_with(&all, &SECRETS)
    };
    let states = |run: &cli::Run| -> Vec<String> {
        let documents = run.json()["documents"].as_array().unwrap().clone();
        documents.iter().map(|document| document["state"].as_str().unwrap().to_owned()).collect()
    };
    let run = sign().expect(65);
    assert_eq!(states(&run), ["done", "done", "done", "failed", "done", "done", "done"], "{run}");
    for method in ["credentials/authorize", "signatures/signHash"] {
        assert_eq!(
            rssp.lock().unwrap().calls(method),
            2,
            "{method}: two groups of three, filled up behind the broken one"
        );
    }
    for name in ["1.pdf", "2.txt.p7m", "3.pdf", "5.txt.p7m", "6.pdf", "7.pdf"] {
        let all = ["verify", "--trust", "service.pem", "--at", cli::LATER, "--no-revocation", "--json"];
        let path = format!("out/{name}");
        let verified = office.kyso(&[&all[..], &[path.as_str()]].concat());
        assert_eq!(verified.expect(0).json()["indication"], "TOTAL-PASSED", "{name}");
    }
    // What is signed is neither signed nor asked for again.
    std::fs::remove_file(office.path("out/6.pdf")).unwrap();
    let run = sign().expect(65);
    assert_eq!(states(&run)[4..], ["done-before", "done", "done-before"], "{run}");
    assert_eq!(rssp.lock().unwrap().calls("signatures/signHash"), 3);
}

#[test]
fn a_one_time_password_serves_one_group_and_a_refusal_ends_the_batch() {
    let office = Office::new();
    let mut rssp = Rssp::new(KeySpec::P256, Manner::Honest);
    rssp.multisign = 2;
    let (url, rssp) = serve(rssp);
    std::fs::create_dir(office.path("out")).unwrap();
    for name in ["1", "2", "3", "4"] {
        office.write(name, name);
    }
    let sign = |url: &str| {
        let mut all = vec!["sign", "1", "2", "3", "4", "-o", "out", "--json"];
        all.extend(options(url));
        office.kyso_with(&all, &SECRETS)
    };
    let state = |run: &cli::Run, index: usize| run.json()["documents"][index].clone();
    let run = sign(&url).expect(77);
    assert_eq!((&state(&run, 1)["state"], &state(&run, 3)["state"]), (&"done".into(), &"not-tried".into()), "{run}");
    assert!(state(&run, 2)["message"].as_str().unwrap().contains("run the same command with a new one"), "{run}");
    assert_eq!(rssp.lock().unwrap().calls("credentials/authorize"), 1);
    let run = sign(&url).expect(0);
    assert_eq!((&state(&run, 1)["state"], &state(&run, 3)["state"]), (&"done-before".into(), &"done".into()), "{run}");

    // One value that does not fit, and none of the group is used.
    for (manner, code) in [(Manner::WrongKey, 73), (Manner::RefusesOtp, 77), (Manner::ShortList, 73)] {
        let mut rssp = Rssp::new(KeySpec::P256, manner);
        rssp.multisign = 2;
        let (url, rssp) = serve(rssp);
        std::fs::remove_dir_all(office.path("out")).unwrap();
        std::fs::create_dir(office.path("out")).unwrap();
        let run = sign(&url).expect(code);
        for index in 0..4 {
            assert_eq!(state(&run, index)["state"], if index == 0 { "failed" } else { "not-tried" }, "{run}");
        }
        assert_eq!(rssp.lock().unwrap().calls("credentials/authorize"), 1);
        let left: Vec<_> = std::fs::read_dir(office.path("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, [".kyso-journal"]);
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
