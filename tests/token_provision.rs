//! Keys made on a token, requests signed there, certificates put beside them;
//! OpenSC and GnuTLS read what we made, and we what they made.
#![cfg(feature = "pkcs11")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/tokens.rs"]
mod tokens;

use std::fs;
use std::process::Command;

use ca::Template;
use kyso::Error;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PssParameters;
use kyso::crypto::PublicKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::pkcs11::KeySelector;
use kyso::key::pkcs11::Module;
use kyso::key::pkcs11::NewKey;
use kyso::key::pkcs11::TokenSession;
use kyso::secret::Pin;
use kyso::x509::Certificate;
use kyso::x509::CertificationRequest;
use kyso::x509::Name;
use kyso::x509::UnsignedRequest;
use tokens::LABEL;
use tokens::PIN;
use tokens::Tokens;
use tokens::with_tokens;

const KINDS: [(KeySpec, &str); 5] = [
    (KeySpec::Rsa2048, "RSA 2048"),
    (KeySpec::Rsa3072, "RSA 3072"),
    (KeySpec::Rsa4096, "RSA 4096"),
    (KeySpec::P256, "P-256"),
    (KeySpec::P384, "P-384"),
];

fn pin() -> Pin {
    Pin::new(PIN)
}

fn output(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).env("USER_PIN", PIN).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {text}");
    text
}

/// GnuTLS's tool; none where it is not there and need not be.
fn p11tool(tokens: &Tokens, arguments: &[&str]) -> Option<String> {
    if Command::new("p11tool").arg("--version").output().is_err() {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "p11tool not found");
        eprintln!("p11tool not found: left out");
        return None;
    }
    let module = tokens.module.to_str().unwrap();
    let pin = format!("--set-pin={PIN}");
    Some(output("p11tool", &[&["--provider", module, "--batch", "--login", &pin], arguments].concat()))
}

/// A request from GnuTLS, signed by a key of the token.
fn certtool(tokens: &Tokens, key: &str) -> Option<String> {
    if Command::new("certtool").arg("--version").output().is_err() {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "certtool not found");
        eprintln!("certtool not found: left out");
        return None;
    }
    let template = tokens.dir.join("template");
    fs::write(&template, "cn = \"Trần Văn C\"\ncountry = VN\nsigning_key\n").unwrap();
    let module = tokens.module.to_str().unwrap();
    let pin = format!("--load-privkey={key}?pin-value={}", PIN.replace(' ', "%20").replace('ã', "%C3%A3"));
    let public = format!("--load-pubkey={}", key.replace("type=private", "type=public"));
    let template = format!("--template={}", template.display());
    let all = ["--provider", module, "--generate-request", "--hash=SHA256", &template, &pin, &public];
    let text = output("certtool", &all);
    Some(text[text.find("-----BEGIN").unwrap()..].to_owned())
}

fn request(session: &TokenSession, key: &KeySelector, name: &str) -> CertificationRequest {
    let public = session.public_key(key.clone()).unwrap();
    let algorithm = SignatureAlgorithm::default_for(&public).unwrap();
    let subject = Name::parse(&format!("CN={name},O=Sở Tài chính,C=VN")).unwrap();
    let unsigned = UnsignedRequest::new(subject, public, algorithm);
    session.sign_request(key.clone(), &unsigned).unwrap()
}

/// What a CA does with a request.
fn certify(tokens: &Tokens, request: &CertificationRequest) -> Certificate {
    let path = tokens.dir.join("request.pem");
    fs::write(&path, request.to_pem()).unwrap();
    let text = output("openssl", &["req", "-verify", "-noout", "-subject", "-in", path.to_str().unwrap()]);
    assert!(text.contains("verify OK"), "{text}");
    let mut template = Template::new(&[(ca::CN, "x")]);
    template.subject = request.subject().der().to_vec();
    tokens.authority.certify_key(&template, request.public_key())
}

fn signs(session: &TokenSession, key: impl Into<KeySelector>, certificate: &Certificate) {
    let key = session.signing_key(key).unwrap();
    assert_eq!(key.identity().certificate(), certificate);
    let algorithm = key.default_algorithm();
    let value = key.sign(&ToBeSigned::new(algorithm, b"ky so".to_vec())).unwrap();
    let message = Message::Octets(b"ky so");
    Backend::default().verify(certificate.public_key(), &algorithm, message, value.octets()).unwrap();
}

#[test]
fn each_kind_of_key_is_made_certified_and_used() {
    with_tokens("each_kind_of_key_is_made_certified_and_used", |tokens| {
        tokens.token(LABEL);
        let session = tokens.load().login(LABEL, pin()).unwrap();
        for (n, (spec, name)) in KINDS.into_iter().enumerate() {
            let id = vec![0xA0, u8::try_from(n).unwrap()];
            let key = session.generate_key(&NewKey::new(spec, name).id(id.clone())).unwrap();
            assert_eq!(key.id(), id);
            let selector = KeySelector::only().id(id.clone());
            let request = request(&session, &selector, name);
            assert_eq!(request.public_key(), key.public_key());
            let certificate = certify(tokens, &request);
            assert!(session.signing_key(selector.clone()).is_err(), "no certificate yet");
            let imported = session.import_certificate(&certificate, None).unwrap();
            assert_eq!((imported.id(), imported.others()), (&id[..], 0));
            // A second time nothing is written.
            let before = session.objects().unwrap().len();
            session.import_certificate(&certificate, None).unwrap();
            assert_eq!(session.objects().unwrap().len(), before);
            signs(&session, selector, &certificate);
            signs(&session, name, &certificate);
        }

        // OpenSC sees keys that cannot leave, with their certificates.
        let module = tokens.module.to_str().unwrap();
        let common = ["--module", module, "--token-label", LABEL, "--login", "--pin", "env:USER_PIN"];
        let listed = output("pkcs11-tool", &[&common[..], &["--list-objects"]].concat());
        let private = listed.matches("Private Key Object").count();
        assert_eq!((private, listed.matches("Certificate Object").count()), (KINDS.len(), KINDS.len()), "{listed}");
        let access = "Access:     sensitive, always sensitive, never extractable, local";
        assert_eq!(listed.matches(access).count(), KINDS.len(), "{listed}");
        // And signs with one of them.
        let path = |name: &str| tokens.dir.join(name).to_str().unwrap().to_owned();
        fs::write(path("message"), b"ky so").unwrap();
        let sign = ["--sign", "--mechanism", "SHA256-RSA-PKCS", "--id", "a000"];
        let (input, out) = (path("message"), path("value"));
        let files = ["--input-file", &input, "--output-file", &out];
        output("pkcs11-tool", &[&common[..], &sign, &files].concat());
        let public = session.public_key("RSA 2048").unwrap();
        let algorithm = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);
        let value = fs::read(path("value")).unwrap();
        Backend::default().verify(&public, &algorithm, Message::Octets(b"ky so"), &value).unwrap();
        // GnuTLS sees them too, and takes each certificate out as it is.
        if let Some(listed) = p11tool(tokens, &["--list-all", "pkcs11:"]) {
            for (n, (_, name)) in KINDS.into_iter().enumerate() {
                assert!(listed.matches(&format!("Label: {name}")).count() >= 3, "{listed}");
                let url = format!("pkcs11:token=V%C4%83n%20ph%C3%B2ng;id=%A0%0{n};type=cert");
                let exported = p11tool(tokens, &["--export", &url]).unwrap();
                let pem = &exported[exported.find("-----BEGIN").unwrap()..];
                let certificate = &Certificate::all_from_file(pem.as_bytes()).unwrap()[0];
                assert_eq!(session.signing_key(name).unwrap().identity().certificate(), certificate);
            }
        }
    });
}

#[test]
fn what_others_made_is_read_certified_and_used() {
    with_tokens("what_others_made_is_read_certified_and_used", |tokens| {
        tokens.token(LABEL);
        let made = |kind: &str, id: &str| {
            tokens.tool(LABEL, &["--keypairgen", "--key-type", kind, "--id", id, "--label", kind, "--usage-sign"]);
        };
        made("rsa:2048", "01");
        made("EC:prime256v1", "02");
        made("EC:secp384r1", "03");
        let url = "pkcs11:token=V%C4%83n%20ph%C3%B2ng";
        let mut names = vec!["rsa:2048", "EC:prime256v1", "EC:secp384r1"];
        let theirs = [
            ("gnutls", ["--generate-privkey=rsa", "--bits=2048"]),
            ("gnutls P-256", ["--generate-privkey=ecdsa", "--curve=secp256r1"]),
            ("gnutls P-384", ["--generate-privkey=ecdsa", "--curve=secp384r1"]),
        ];
        for (name, kind) in theirs {
            let label = format!("--label={name}");
            if p11tool(tokens, &[&kind[..], &[label.as_str(), url]].concat()).is_some() {
                names.push(name);
            }
        }
        let session = tokens.load().login(LABEL, pin()).unwrap();
        for name in names {
            let selector = KeySelector::from(name);
            let certificate = certify(tokens, &request(&session, &selector, name));
            session.import_certificate(&certificate, Some("chứng thư")).unwrap();
            signs(&session, selector, &certificate);
        }
        // A request that GnuTLS has signed by a key of ours is one for a certificate of ours.
        for (id, spec) in [(7, KeySpec::Rsa2048), (8, KeySpec::P384)] {
            session.generate_key(&NewKey::new(spec, "yêu cầu").id([id])).unwrap();
            let Some(request) = certtool(tokens, &format!("{url};id=%0{id};type=private")) else { continue };
            let request = CertificationRequest::from_file(request.as_bytes()).unwrap();
            assert!(request.verify(Backend::default()).is_ok());
            let certificate = certify(tokens, &request);
            session.import_certificate(&certificate, None).unwrap();
            signs(&session, KeySelector::only().id([id]), &certificate);
        }
        // A certificate that GnuTLS writes beside the key of ours.
        let key = session.generate_key(&NewKey::new(KeySpec::P256, "của ta").id([9])).unwrap();
        let certificate = certify(tokens, &request(&session, &KeySelector::only().id(key.id()), "của ta"));
        let path = tokens.dir.join("certificate.pem");
        fs::write(&path, certificate.to_pem()).unwrap();
        let load = format!("--load-certificate={}", path.display());
        if p11tool(tokens, &["--write", &load, "--id=09", "--label=theirs", url]).is_some() {
            signs(&session, KeySelector::only().id([9]), &certificate);
        }
    });
}

#[test]
fn requests_can_ask_for_pss_and_an_address() {
    with_tokens("requests_can_ask_for_pss_and_an_address", |tokens| {
        tokens.token(LABEL);
        let session = tokens.load().login(LABEL, pin()).unwrap();
        let key = session.generate_key(&NewKey::new(KeySpec::Rsa2048, "a")).unwrap();
        assert_eq!(key.id().len(), 20);
        let pss = SignatureAlgorithm::RsaPss(PssParameters::new(DigestAlgorithm::Sha384));
        let subject = Name::parse("CN=Lê Thị B,C=VN").unwrap();
        let unsigned = UnsignedRequest::new(subject, key.public_key().clone(), pss).email("b@stc.gov.vn").unwrap();
        let request = session.sign_request("a", &unsigned).unwrap();
        let path = tokens.dir.join("request.pem");
        fs::write(&path, request.to_pem()).unwrap();
        let text = output("openssl", &["req", "-verify", "-noout", "-text", "-in", path.to_str().unwrap()]);
        for part in ["verify OK", "email:b@stc.gov.vn", "rsassaPss", "sha384"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    });
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_written() {
    with_tokens("what_does_not_fit_is_refused_before_it_is_written", |tokens| {
        tokens.token(LABEL);
        let session = tokens.load().login(LABEL, pin()).unwrap();
        let key = session.generate_key(&NewKey::new(KeySpec::P256, "a").id([1])).unwrap();
        let before = session.objects().unwrap().len();
        let taken = session.generate_key(&NewKey::new(KeySpec::P256, "b").id([1])).unwrap_err();
        assert!(matches!(taken, Error::Misuse(_)) && taken.to_string().contains("taken"), "{taken}");
        assert!(matches!(session.generate_key(&NewKey::new(KeySpec::Ed25519, "b")), Err(Error::Misuse(_))));
        assert!(matches!(session.generate_key(&NewKey::new(KeySpec::P256, "b").id([])), Err(Error::Misuse(_))));
        let (_, foreign) = tokens.certified(KeySpec::P256, "lạ");
        let none = session.import_certificate(&foreign, None).unwrap_err();
        assert!(matches!(none, Error::Misuse(_)), "{none}");
        assert_eq!(session.objects().unwrap().len(), before);
        // A request for another key is not signed with this one.
        let other: &PublicKey = foreign.public_key();
        let algorithm = SignatureAlgorithm::default_for(other).unwrap();
        let unsigned = UnsignedRequest::new(Name::parse("CN=x").unwrap(), other.clone(), algorithm);
        assert!(matches!(session.sign_request("a", &unsigned), Err(Error::Refused(_))));
        // A renewed certificate for the same key is told of.
        let certify = |name| {
            let template = Template::new(&[(ca::CN, name)]);
            tokens.authority.certify_key(&template, key.public_key())
        };
        assert_eq!(session.import_certificate(&certify("cũ"), None).unwrap().others(), 0);
        assert_eq!(session.import_certificate(&certify("mới"), None).unwrap().others(), 1);
        assert!(matches!(session.signing_key("a"), Err(Error::Misuse(_))));
    });
}

/// Eight threads with a session each. All 10,000 signatures where `KYSO_TEST_LONG` is set.
#[test]
fn many_signatures_leak_neither_sessions_nor_memory() {
    with_tokens("many_signatures_leak_neither_sessions_nor_memory", |tokens| {
        tokens.token(LABEL);
        let certificate = tokens.key(LABEL, KeySpec::Rsa2048, "01", "Khóa");
        let all = if std::env::var_os("KYSO_TEST_LONG").is_some() { 10_000 } else { 400 };
        let module = tokens.load();
        module.allow_parallel_calls(8).unwrap();
        let rounds = |module: &Module, count: usize| {
            let key = module.login(LABEL, pin()).unwrap().signing_key("Khóa").unwrap();
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        for n in 0..count / 8 {
                            let algorithm = key.default_algorithm();
                            let octets = n.to_be_bytes();
                            let value = key.sign(&ToBeSigned::new(algorithm, octets.to_vec())).unwrap();
                            let message = Message::Octets(&octets);
                            let verified = Backend::default().verify(
                                certificate.public_key(),
                                &algorithm,
                                message,
                                value.octets(),
                            );
                            verified.unwrap();
                        }
                    });
                }
            });
        };
        rounds(&module, all / 5);
        let before = resident();
        for _ in 0..4 {
            rounds(&module, all / 5);
        }
        if let (Some(before), Some(after)) = (before, resident()) {
            eprintln!("{all} signatures; resident memory before {before} KiB, after {after} KiB");
            assert!(after < before + 4096, "{before} KiB grew to {after} KiB");
        }

        // What was opened is closed, as OpenSC's spy module writes it down.
        let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
        let spy = places.iter().map(|p| std::path::Path::new(p).join("pkcs11-spy.so")).find(|p| p.exists());
        let Some(spy) = spy else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "pkcs11-spy not found");
            return;
        };
        let module = Module::load(spy).unwrap();
        rounds(&module, 40);
        module.allow_parallel_calls(4).unwrap();
        rounds(&module, 40);
        let log = fs::read_to_string(tokens.dir.join("spy.log")).unwrap();
        let calls = |name: &str| log.lines().filter(|l| l.ends_with(&format!(": {name}"))).count();
        assert!(calls("C_OpenSession") >= 2);
        assert_eq!(calls("C_OpenSession"), calls("C_CloseSession"));
    });
}

/// Resident memory of this process in KiB, where the system tells it.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
