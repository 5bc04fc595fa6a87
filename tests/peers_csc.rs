//! Remote signing with another project's service on the loopback interface, with
//! message shapes from outside, and over HTTP with services that behave badly.
#![cfg(all(feature = "serde", feature = "http"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/rssp.rs"]
mod rssp;

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::error::FetchError;
use kyso::error::FetchFault;
use kyso::error::SecretError;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;
use kyso::fetch::run;
use kyso::key::remote::RemoteSigner;
use kyso::key::remote::csc::Authorisation;
use kyso::key::remote::csc::CscDialect;
use kyso::key::remote::csc::CscService;
use kyso::key::remote::csc::CscTimestampDoor;
use kyso::key::remote::csc::CscVersion;
use kyso::pdf::Pdf;
use kyso::secret::BearerToken;
use kyso::secret::Pin;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::sign::remote::RemoteBatch;
use kyso::sign::timestamping::TimestampSettings;
use peers::Reply;
use peers::Server;
use peers::Service;
use serde_json::Value;
use serde_json::json;

const CONTENT: &[u8] = b"noi dung";

fn now() -> Time {
    ca::at("2026-11-23T01:00:00Z")
}

fn client() -> HttpClient {
    let mut options = HttpOptions::default();
    options.service_timeout = Duration::from_secs(30);
    HttpClient::new(options).unwrap()
}

/// Certomancer's CSC service, with an RSA signer, an ECDSA signer and a TSA.
fn certomancer(bound: bool) -> Option<(Service, tempfile::TempDir, CscService)> {
    let python = peers::python_with("csc_dummy")?;
    let folder = tempfile::tempdir().unwrap();
    for (name, spec) in
        [("root", KeySpec::P256), ("rsa", KeySpec::Rsa2048), ("ecdsa", KeySpec::P256), ("tsa", KeySpec::P256)]
    {
        let key = PrivateKey::generate(spec).unwrap();
        fs::write(folder.path().join(format!("{name}.key")), key.to_pkcs8_der().unwrap()).unwrap();
    }
    fs::write(folder.path().join("office.yml"), OFFICE).unwrap();
    let (service, port) = Service::start(|port| {
        let mut command = Command::new(&python);
        command.args(["-m", "csc_dummy", "office.yml", &port.to_string(), if bound { "2" } else { "1" }]);
        command.current_dir(folder.path());
        command
    });
    let address = CscService::new(&format!("http://localhost:{port}/csc/v1"), CscVersion::V1).unwrap();
    Some((service, folder, address))
}

const OFFICE: &str = r#"
external-url-prefix: http://localhost
keysets:
  all:
    keys:
      root: {path: root.key}
      rsa: {path: rsa.key}
      ecdsa: {path: ecdsa.key}
      tsa: {path: tsa.key}
pki-architectures:
  office:
    keyset: all
    entity-defaults: {country-name: VN, organization-name: peers_csc}
    entities:
      root: {common-name: root}
      rsa: {common-name: rsa}
      ecdsa: {common-name: ecdsa}
      tsa: {common-name: tsa}
    certs:
      root:
        subject: root
        issuer: root
        validity: {valid-from: "2000-01-01T00:00:00+0000", valid-to: "2100-01-01T00:00:00+0000"}
        extensions:
          - {id: basic_constraints, critical: true, value: {ca: true}}
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [key_cert_sign, crl_sign]}}
      rsa:
        subject: rsa
        issuer: root
        validity: {valid-from: "2000-01-01T00:00:00+0000", valid-to: "2100-01-01T00:00:00+0000"}
        extensions:
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature, non_repudiation]}}
      ecdsa:
        subject: ecdsa
        issuer: root
        validity: {valid-from: "2000-01-01T00:00:00+0000", valid-to: "2100-01-01T00:00:00+0000"}
        extensions:
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature, non_repudiation]}}
      tsa:
        subject: tsa
        issuer: root
        validity: {valid-from: "2000-01-01T00:00:00+0000", valid-to: "2100-01-01T00:00:00+0000"}
        extensions:
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature]}}
          - {id: extended_key_usage, critical: true, value: [time_stamping]}
    services:
      time-stamping:
        tsa: {signing-cert: tsa}
"#;

fn assert_verifies(cms: &[u8]) {
    let cms = SignedData::from_octets(cms, &Limits::default()).unwrap();
    let signer = &cms.signers()[0];
    let certificates = cms.certificates();
    let certificate = certificates.iter().find(|c| signer.id().names(c)).unwrap();
    let digest = signer.digest_algorithm().unwrap().digest(CONTENT);
    let outcome = signer.verify(certificate.public_key(), cms.content_type(), &digest, None, Backend::default());
    assert!(outcome.fault.is_none(), "{outcome:?}");
}

#[test]
fn certomancer_signs_batches_in_every_algorithm() {
    for bound in [true, false] {
        let Some((_service, _folder, service)) = certomancer(bound) else { return };
        let network = client();
        let all = run(service.credentials(), &network).unwrap();
        assert!(all.contains(&"office/rsa".to_owned()), "{all:?}");
        assert_eq!(run(service.info(), &network).unwrap().version(), Some(CscVersion::V1));
        for (id, pss) in [("office/rsa", false), ("office/rsa", true), ("office/ecdsa", false)] {
            let credential = run(service.credential(id), &network).unwrap();
            assert_eq!((credential.multisign(), credential.is_bound_to_digests()), (10, bound));
            let prepared = (0..3).map(|_| {
                let mut request = CadesRequest::new(CONTENT, now());
                if pss {
                    request = request.pss();
                }
                request.prepare(credential.identity()).unwrap()
            });
            let signer = credential.signer(Authorisation::new());
            let signed = run(RemoteBatch::new(prepared.collect(), signer).unwrap(), &network).unwrap();
            signed.iter().for_each(|cms| assert_verifies(cms.octets()));
        }
    }
}

#[test]
fn certomancer_signs_a_pdf_and_time_stamps_it() {
    let Some((_service, _folder, service)) = certomancer(true) else { return };
    let network = client();
    let credential = run(service.credential("office/rsa"), &network).unwrap();
    let document = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/cong-van.pdf")).unwrap();
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let prepared = PadesRequest::new(&pdf, now()).room_for_timestamp().prepare(credential.identity()).unwrap();
    let signer = credential.signer(Authorisation::new());
    let values = run(signer.sign(vec![prepared.to_be_signed().clone()]).unwrap(), &network).unwrap();
    // It chooses the authority by this member.
    let dialect = CscDialect::from_json(r#"{"extra": {"clientData": "office/tsa"}}"#).unwrap();
    let stamping = service.dialect(dialect).unwrap();
    let settings = TimestampSettings::new(stamping.timestamp_url(), [0x81; 16]);
    let job = prepared.complete_timestamped(&values[0], settings).unwrap();
    let signed = run(job, &CscTimestampDoor::new(&network, stamping)).unwrap().to_octets().unwrap();
    let pdf = Pdf::parse(signed.as_slice(), &Limits::default()).unwrap();
    assert_eq!(pdf.signatures().unwrap().len(), 1);
    let stamp = [0x06, 0x0B, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x0E];
    let hex: String = stamp.iter().map(|b| format!("{b:02x}")).collect();
    let text = String::from_utf8_lossy(&signed).to_lowercase();
    assert!(text.contains(&hex), "no signature-time-stamp attribute");
}

/// Answers each method with a message of the corpus, and keeps what was asked.
struct Shapes<'c> {
    folder: &'c Path,
    answers: Vec<(&'static str, &'static str)>,
    status: u16,
    /// Stands for the placeholders of the corpus.
    certificate: Vec<u8>,
    asked: RefCell<Vec<(String, Value)>>,
}

impl Fetch for Shapes<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        let method = request.url.rsplitn(3, '/').take(2).collect::<Vec<_>>();
        let method = format!("{}/{}", method[1], method[0]);
        let body = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        self.asked.borrow_mut().push((method.clone(), body));
        let (_, file) = self.answers.iter().find(|(name, _)| method.ends_with(name)).unwrap();
        let text = fs::read_to_string(self.folder.join(file)).unwrap();
        let base64 = base64_simd::STANDARD.encode_to_string(&self.certificate);
        let text = text.replace("<base64 DER leaf>", &base64).replace("<base64 DER issuer>", &base64);
        let body = text.into_bytes();
        if file.starts_with("error-") && *file != "error-short-signature-list.json" {
            let error = FetchError::new(request.url.as_str(), "HTTP status 400");
            return Err(error.because(FetchFault::Status(self.status)).answering(body).into());
        }
        Ok(Response { body })
    }
}

#[test]
fn messages_have_the_shapes_of_the_corpus() {
    let Some(corpus) = corpus::corpus() else { return };
    let folder = corpus.join("xml/csc");
    let office = rssp::Rssp::new(KeySpec::Rsa2048, rssp::Manner::Honest);
    let shape = |name: &str| -> Value { serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap() };
    let secrets = || Authorisation::new().pin(Pin::new("12345678")).otp(Pin::new("738496"));
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let attempt = |version: CscVersion, authorize: &'static str, sign: &'static str, count: usize| {
        let door = Shapes {
            folder: &folder,
            answers: vec![
                ("v1/info", "v1-info-response.json"),
                ("v2/info", "v1-info-response.json"),
                ("credentials/list", "v1-credentials-list-response.json"),
                ("credentials/info", "v1-credentials-info-response.json"),
                ("credentials/authorize", authorize),
                ("signatures/signHash", sign),
            ],
            status: 400,
            certificate: office.certificate.der().to_vec(),
            asked: RefCell::default(),
        };
        let base = format!("https://rssp.example.vn/csc/{}", if version == CscVersion::V1 { "v1" } else { "v2" });
        let service = CscService::new(&base, version).unwrap();
        let info = run(service.info(), &door).unwrap();
        assert_eq!((info.specs.as_str(), info.region.as_str(), info.methods.len()), ("1.0.4.0", "VN", 9));
        assert_eq!(info.oauth2.as_deref(), Some("https://rssp.example.vn/oauth2"));
        assert_eq!(run(service.credentials(), &door).unwrap(), ["cred-001", "cred-002"]);
        let credential = run(service.credential("cred-001"), &door).unwrap();
        assert_eq!((credential.multisign(), credential.description()), (5, Some("Chứng thư số cá nhân")));
        let prepared = (0..count).map(|_| CadesRequest::new(CONTENT, now()).prepare(credential.identity()).unwrap());
        let job = RemoteBatch::new(prepared.collect(), credential.signer(secrets())).unwrap();
        (run(job, &door).unwrap_err(), door.asked.into_inner())
    };
    // The signature values of the corpus are made up, so that all ends at their check.
    let (error, asked) =
        attempt(CscVersion::V1, "v1-credentials-authorize-response.json", "v1-signHash-response.json", 2);
    assert!(error.to_string().contains("signature value 1 of 2 does not verify"), "{error}");
    for (method, file) in [
        ("credentials/authorize", "v1-credentials-authorize-request.json"),
        ("signatures/signHash", "v1-signHash-request.json"),
    ] {
        let (_, body) = asked.iter().find(|(called, _)| called == method).unwrap();
        assert_eq!(keys(body), keys(&shape(file)), "{method}");
    }
    let (error, asked) =
        attempt(CscVersion::V2, "v1-credentials-authorize-response.json", "v2-signHash-response.json", 1);
    assert!(error.to_string().contains("signature value 1 of 1 does not verify"), "{error}");
    let (_, body) = asked.iter().find(|(called, _)| called == "credentials/authorize").unwrap();
    let expected = shape("v2-credentials-authorize-request.json");
    assert_eq!((keys(body), &body["authData"]), (keys(&expected), &expected["authData"]));
    let (_, body) = asked.iter().find(|(called, _)| called == "signatures/signHash").unwrap();
    assert_eq!(keys(body), keys(&shape("v2-signHash-request.json")));
    let authorized = "v1-credentials-authorize-response.json";
    let (error, _) = attempt(CscVersion::V2, authorized, "v2-signHash-async-response.json", 1);
    assert!(error.to_string().contains("the service answers later"), "{error}");
    let (error, _) = attempt(CscVersion::V1, authorized, "error-short-signature-list.json", 2);
    assert!(error.to_string().contains("1 signature values for 2 digests"), "{error}");
    let (error, _) = attempt(CscVersion::V1, "error-invalid-otp.json", "v1-signHash-response.json", 1);
    assert!(matches!(error, Error::Secret(SecretError::Wrong { .. })), "{error}");
    let (error, _) = attempt(CscVersion::V1, "error-access-denied.json", "v1-signHash-response.json", 1);
    assert!(
        error.to_string().contains("access_denied: The user, authorization server or remote service denied"),
        "{error}"
    );
    let (error, _) = attempt(CscVersion::V1, authorized, "error-invalid-request-sad.json", 1);
    assert!(error.to_string().contains("Hash is not authorized by the SAD"), "{error}");
    // Another authorisation looks like the first.
    let extended = "v1-extendTransaction-response.json";
    let (error, _) = attempt(CscVersion::V1, extended, "v1-signHash-response.json", 1);
    assert!(error.to_string().contains("2 signature values for 1 digests"), "{error}");
}

#[test]
fn over_http_silence_floods_and_refusals_are_errors() {
    let server = Server::start(|asked| {
        match asked.path.as_str() {
        "/silent/credentials/info" => Reply::Silence,
        "/endless/credentials/info" => Reply::Endless,
        "/raw/credentials/info" => Reply::Raw(b"\x00\x01\x02".to_vec()),
        "/refusing/credentials/info" => Reply::Raw(
            b"HTTP/1.1 400 Bad\r\ncontent-length: 55\r\nconnection: close\r\n\r\n{\"error\":\"invalid_request\",\"error_description\":\"no id\"}".to_vec(),
        ),
        "/moved/credentials/info" => {
            Reply::Raw(b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec())
        }
        _ => Reply::Status(401),
    }
    });
    let mut options = HttpOptions::default();
    options.service_timeout = Duration::from_millis(400);
    let network = HttpClient::new(options).unwrap();
    let ask = |name: &str| {
        let service = CscService::new(&server.url(name), CscVersion::V1).unwrap();
        let service = service.token(BearerToken::new("t0ken-of-the-office").unwrap());
        run(service.credential("x"), &network).unwrap_err()
    };
    let fault = |error: &Error| match error {
        Error::Fetch(error) => error.fault(),
        other => panic!("{other}"),
    };
    assert_eq!(fault(&ask("silent")), FetchFault::TooSlow);
    let endless = ask("endless").to_string();
    assert!(endless.contains("larger than") || endless.contains("time"), "{endless}");
    ask("raw");
    let refused = ask("refusing").to_string();
    assert!(refused.ends_with("the service refused: invalid_request: no id"), "{refused}");
    let moved = ask("moved").to_string();
    assert!(moved.contains("redirects"), "{moved}");
    let unauthorized = ask("else");
    assert_eq!(fault(&unauthorized), FetchFault::Status(401));
    assert!(unauthorized.to_string().contains("the access token is missing, wrong or expired"), "{unauthorized}");
    assert!(!format!("{unauthorized:?}").contains("t0ken"));
}

#[test]
fn the_token_is_sent_as_a_bearer_token_and_follows_no_redirect() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let log = std::sync::Arc::clone(&seen);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::Read;
        use std::io::Write;
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = vec![0; 4096];
            let count = stream.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..count]).to_lowercase();
            log.lock().unwrap().push(head.clone());
            let answer = if head.starts_with("get") {
                format!(
                    "HTTP/1.1 302 Found\r\nlocation: http://{address}/else\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                )
            } else {
                "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_owned()
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let network = client();
    let token = || Some(BearerToken::new("abc.def").unwrap());
    let url = format!("http://{address}/x");
    let post = Request::post(Purpose::RemoteSigning, url.as_str(), "application/json", b"{}".to_vec(), 99);
    assert_eq!(network.fetch(&post.authorization(token())).unwrap().body, json!({}).to_string().into_bytes());
    let get = Request::get(Purpose::RemoteSigning, url, 99).authorization(token());
    assert!(network.fetch(&get).is_err());
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|head| head.contains("authorization: bearer abc.def\r\n")), "{seen:?}");
}
