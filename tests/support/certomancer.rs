//! Certomancer, a PKI of another hand, on the loopback interface.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used)]

use std::fs;
use std::process::Command;

use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;
use kyso::fetch::http::PrivateAddresses;
use kyso::key::SignerIdentity;
use kyso::key::soft::SoftKey;
use kyso::x509::Certificate;

use super::peers;
use super::peers::Service;

/// A client that may go where no client of an agency goes.
pub fn client(change: impl FnOnce(&mut HttpOptions)) -> HttpClient {
    let mut options = HttpOptions::default();
    options.private_addresses = PrivateAddresses::Allowed;
    change(&mut options);
    HttpClient::new(options).unwrap()
}

/// Certomancer with one office: a root, an issuing CA, a delegated responder, a TSA, signers.
pub struct Certomancer {
    _service: Service,
    pub base: String,
    folder: tempfile::TempDir,
    pub client: HttpClient,
}

const NAMES: [&str; 7] = ["root", "issuing", "responder", "tsa", "good", "revoked", "expired"];

impl Certomancer {
    pub fn start() -> Option<Self> {
        let python = peers::python_with("certomancer, werkzeug")?;
        let folder = tempfile::tempdir().unwrap();
        for name in NAMES {
            let key = PrivateKey::generate(KeySpec::P256).unwrap();
            fs::write(folder.path().join(format!("{name}.key")), key.to_pkcs8_der().unwrap()).unwrap();
        }
        let (service, port) = Service::start(|port| {
            let path = folder.path().join("office.yml");
            fs::write(&path, office(port)).unwrap();
            let mut command = Command::new(&python);
            command.args(["-m", "certomancer", "--config"]).arg(path);
            command.args(["animate", "--no-web-ui", "--port", &port.to_string()]);
            command
        });
        let base = format!("http://127.0.0.1:{port}/office");
        Some(Self { _service: service, base, folder, client: client(|_| {}) })
    }

    pub fn certificate(&self, place: &str) -> Certificate {
        let url = format!("{}/certs/{place}.crt", self.base);
        let body = self.client.fetch(&Request::get(Purpose::IssuerCertificate, url, 1 << 20)).unwrap().body;
        Certificate::from_der(&body).unwrap()
    }

    pub fn root(&self) -> Certificate {
        self.certificate("root/ca")
    }

    /// A signer with nothing but its own certificate.
    pub fn signer(&self, name: &str) -> SoftKey {
        let certificate = self.certificate(&format!("issuing/issued/{name}"));
        let key = fs::read(self.folder.path().join(format!("{name}.key"))).unwrap();
        SoftKey::new(PrivateKey::from_der(&key, None).unwrap(), SignerIdentity::new(certificate, Vec::new())).unwrap()
    }
}

fn office(port: u16) -> String {
    let list = |line: &dyn Fn(&str) -> String| NAMES.iter().map(|name| line(name)).collect::<String>();
    let keys = list(&|name| format!("      {name}: {{path: {name}.key}}\n"));
    let entities = list(&|name| format!("      {name}: {{common-name: {name}}}\n"));
    let usage = |bits: &str| {
        format!("          - {{id: key_usage, critical: true, smart-value: {{schema: key-usage, params: [{bits}]}}}}\n")
    };
    let points = |repo: &str| {
        format!(
            "          - {{id: crl_distribution_points, smart-value: \
             {{schema: crl-dist-url, params: {{crl-repo-names: [{repo}]}}}}}}\n"
        )
    };
    let access = "          - {id: authority_information_access, smart-value: {schema: aia-urls, params: \
                  {ocsp-responder-names: [issuing], ca-issuer-links: [{repo: issuing}]}}}\n";
    let ca = format!(
        "          - {{id: basic_constraints, critical: true, value: {{ca: true}}}}\n{}",
        usage("key_cert_sign, crl_sign")
    );
    let certificate = |name: &str, issuer: &str, until: u16, more: &str, extensions: &[&str]| {
        format!(
            "      {name}:\n        subject: {name}\n        issuer: {issuer}\n        validity: \
             {{valid-from: \"2000-01-01T00:00:00+0000\", valid-to: \"{until}-01-01T00:00:00+0000\"}}\n{more}        \
             extensions:\n{}",
            extensions.concat()
        )
    };
    let signing = usage("digital_signature, non_repudiation");
    let leaf: &[&str] = &[&signing, access, &points("issuing")];
    let service = usage("digital_signature");
    let certificates = [
        certificate("root", "root", 2100, "", &[&ca]),
        certificate("issuing", "root", 2100, "", &[&ca, &points("root")]),
        certificate(
            "responder",
            "issuing",
            2100,
            "",
            &[
                &service,
                "          - {id: extended_key_usage, value: [ocsp_signing]}\n",
                "          - {id: ocsp_no_check, value: null}\n",
            ],
        ),
        certificate(
            "tsa",
            "root",
            2100,
            "",
            &[
                &service,
                "          - {id: extended_key_usage, critical: true, value: [time_stamping]}\n",
                &points("root"),
            ],
        ),
        certificate("good", "issuing", 2100, "", leaf),
        certificate(
            "revoked",
            "issuing",
            2100,
            "        revocation: {revoked-since: \"2020-12-01T00:00:00+0000\", reason: key_compromise}\n",
            leaf,
        ),
        certificate("expired", "issuing", 2020, "", leaf),
    ]
    .concat();
    format!(
        "external-url-prefix: http://127.0.0.1:{port}
keysets:
  all:
    keys:
{keys}pki-architectures:
  office:
    keyset: all
    entity-defaults: {{country-name: VN, organization-name: peers_pki}}
    entities:
{entities}    certs:
{certificates}    services:
      ocsp:
        issuing: {{for-issuer: issuing, responder-cert: responder}}
      crl-repo:
        root: {{for-issuer: root, signing-key: root, simulated-update-schedule: P30D}}
        issuing: {{for-issuer: issuing, signing-key: issuing, simulated-update-schedule: P1D}}
      cert-repo:
        root: {{for-issuer: root}}
        issuing: {{for-issuer: issuing}}
      time-stamping:
        tsa: {{signing-cert: tsa}}
"
    )
}
