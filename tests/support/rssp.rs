//! A remote signing service in memory, well or badly behaved.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use std::cell::Cell;
use std::cell::RefCell;

use kyso::Error;
use kyso::crypto::Digest;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::FetchError;
use kyso::error::FetchFault;
use kyso::fetch::Fetch;
use kyso::fetch::Purpose;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::x509::Certificate;
use serde_json::Value;
use serde_json::json;

use super::ca::Authority;
use super::ca::CN;
use super::ca::Template;

pub const BASE: &str = "https://rssp.example.vn/csc/v1";
pub const ID: &str = "cred-001";
pub const PIN: &str = "12345678";
pub const OTP: &str = "738496";
pub const TOKEN: &str = "access.token-1";
const SAD: &str = "_TiHRG-bAH3XlFQZ3ndFhkXf9P24";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Honest,
    ShortList,
    LongList,
    WrongOrder,
    WrongKey,
    OtherDigest,
    Empty,
    NoList,
    Garbage,
    NotAList,
    NoBase64,
    ZeroValue,
    /// Ready at this poll.
    Later(u32),
    Never,
    /// Polls are lost on the way.
    Lost,
    /// Confirmation on a phone before the signature.
    Confirm(u32),
    /// ECDSA as r and s.
    Plain,
    RefusesOtp,
    RefusesPin,
    RefusesHash,
    NotFound,
}

pub struct Rssp {
    pub manner: Manner,
    pub v2: bool,
    pub key: PrivateKey,
    pub certificate: Certificate,
    pub issuer: Certificate,
    /// What it sends behind the certificate of the key.
    pub chain: Vec<Certificate>,
    other: PrivateKey,
    pub multisign: usize,
    pub algo: Vec<&'static str>,
    pub key_status: &'static str,
    pub certificate_status: &'static str,
    pub mode: &'static str,
    /// Whether a one-time password is asked for.
    pub otp: bool,
    polls: Cell<u32>,
    authorised: RefCell<Vec<String>>,
    pub log: RefCell<Vec<(String, Value)>>,
    pub waited: RefCell<Vec<std::time::Duration>>,
}

impl Rssp {
    pub fn new(spec: KeySpec, manner: Manner) -> Self {
        let root = Authority::root(Template::ca(&[(CN, "Root of the service")], None), KeySpec::P256);
        let key = PrivateKey::generate(spec).unwrap();
        let certificate = root.certify(&Template::new(&[(CN, "Nguyễn Văn Ký")]), &key);
        let algo = match spec {
            KeySpec::P256 => vec!["1.2.840.10045.2.1", "1.2.840.10045.4.3.2"],
            _ => vec!["1.2.840.113549.1.1.1", "1.2.840.113549.1.1.11"],
        };
        Self {
            manner,
            v2: false,
            other: PrivateKey::generate(spec).unwrap(),
            key,
            certificate,
            issuer: root.certificate.clone(),
            chain: vec![root.certificate],
            multisign: 5,
            algo,
            key_status: "enabled",
            certificate_status: "valid",
            mode: "explicit",
            otp: true,
            polls: Cell::new(0),
            authorised: RefCell::default(),
            log: RefCell::default(),
            waited: RefCell::default(),
        }
    }

    pub fn version_2(mut self) -> Self {
        self.v2 = true;
        self
    }

    /// How often a method was called.
    pub fn calls(&self, method: &str) -> usize {
        self.log.borrow().iter().filter(|(called, _)| called == method).count()
    }

    pub fn last(&self, method: &str) -> Value {
        self.log.borrow().iter().rev().find(|(called, _)| called == method).unwrap().1.clone()
    }

    fn answer(&self, method: &str, body: &Value) -> Result<Value, (u16, Value)> {
        let refuse = |error: &str, words: &str| Err((400, json!({ "error": error, "error_description": words })));
        match method {
            "info" => Ok(json!({ "specs": if self.v2 { "2.0.0.2" } else { "1.0.4.0" }, "name": "Thử nghiệm",
                "methods": ["credentials/list"], "authType": ["external"] })),
            "credentials/list" if body.get("pageToken").is_none() => {
                Ok(json!({ "credentialIDs": [ID], "nextPageToken": "2" }))
            }
            "credentials/list" => Ok(json!({ "credentialIDs": ["cred-002"] })),
            "credentials/info" => Ok(self.credential()),
            "credentials/sendOTP" => Ok(json!({})),
            "credentials/authorize" => self.authorize(body),
            "credentials/authorizeCheck" => {
                assert_eq!(body["handle"], "h-1");
                self.polls.set(self.polls.get() + 1);
                match self.manner {
                    Manner::Confirm(at) if self.polls.get() < at => refuse("authorization_pending", "wait"),
                    _ => Ok(json!({ "SAD": SAD, "expiresIn": 300 })),
                }
            }
            "signatures/signHash" => self.sign(body),
            "signatures/signPolling" => {
                assert_eq!(body["requestID"], "r-123456");
                self.polls.set(self.polls.get() + 1);
                match self.manner {
                    Manner::Later(at) if self.polls.get() >= at => Ok(self.signatures(&self.authorised.borrow())),
                    _ => refuse(
                        "invalid_request",
                        "The previous request was accepted, but the processing has not yet been completed.",
                    ),
                }
            }
            other => panic!("{other} was called"),
        }
    }

    fn credential(&self) -> Value {
        let all = [&self.certificate].into_iter().chain(&self.chain);
        let all: Vec<String> = all.map(|c| base64_simd::STANDARD.encode_to_string(c.der())).collect();
        let mut answer = json!({
            "description": "Chứng thư số cá nhân",
            "key": { "status": self.key_status, "algo": self.algo, "len": 2048 },
            "cert": { "status": self.certificate_status, "certificates": all },
            "SCAL": "2", "multisign": self.multisign, "lang": "vi-VN",
        });
        if self.v2 {
            answer["auth"] = json!({ "mode": self.mode, "expression": "PIN AND OTP", "objects": [
                { "type": "Password", "id": "PIN", "format": "N" },
                { "type": "Password", "id": "OTP", "format": "N", "generator": "totp" } ] });
        } else {
            answer["authMode"] = json!(self.mode);
            answer["PIN"] = json!({ "presence": "true", "format": "N" });
            answer["OTP"] = json!({ "presence": self.otp.to_string(), "type": "online" });
        }
        answer
    }

    fn authorize(&self, body: &Value) -> Result<Value, (u16, Value)> {
        let refuse = |error: &str, words: &str| Err((400, json!({ "error": error, "error_description": words })));
        let hashes = texts(&body[if self.v2 { "hashes" } else { "hash" }]);
        assert_eq!(body["numSignatures"], hashes.len());
        if self.v2 {
            assert_eq!(body["hashAlgorithmOID"], "2.16.840.1.101.3.4.2.1");
            assert_eq!(body["authData"], json!([{ "id": "PIN", "value": PIN }, { "id": "OTP", "value": OTP }]));
        } else {
            let otp = if self.otp { json!(OTP) } else { Value::Null };
            assert_eq!((&body["PIN"], &body["OTP"]), (&json!(PIN), &otp));
        }
        *self.authorised.borrow_mut() = hashes;
        match self.manner {
            Manner::RefusesOtp => refuse("invalid_otp", "The OTP is invalid"),
            Manner::RefusesPin => refuse("invalid_pin", "The PIN is invalid\u{1b}[2J"),
            Manner::Confirm(_) => Ok(json!({ "handle": "h-1" })),
            _ => Ok(json!({ "SAD": SAD, "expiresIn": 300 })),
        }
    }

    fn sign(&self, body: &Value) -> Result<Value, (u16, Value)> {
        let hashes = texts(&body[if self.v2 { "hashes" } else { "hash" }]);
        if body.get("SAD").is_some() {
            assert_eq!(body["SAD"], SAD);
            assert_eq!(hashes, *self.authorised.borrow(), "the permission is bound to the digests");
        }
        *self.authorised.borrow_mut() = hashes.clone();
        match self.manner {
            Manner::RefusesHash => Err((
                400,
                json!({ "error": "invalid_request", "error_description": "Hash is not authorized by the SAD" }),
            )),
            Manner::Later(_) | Manner::Never | Manner::Lost => Ok(json!({ "responseID": "r-123456" })),
            Manner::NoList => Ok(json!({ "done": true })),
            Manner::NotAList => Ok(json!({ "signatures": [1, 2, 3] })),
            _ => Ok(self.signatures(&hashes)),
        }
    }

    fn signatures(&self, hashes: &[String]) -> Value {
        let decode = |text: &String| base64_simd::STANDARD.decode_to_vec(text).unwrap();
        let sign = |key: &PrivateKey, octets: &[u8]| {
            let digest = Digest::from_octets(DigestAlgorithm::Sha256, octets).unwrap();
            let algorithm = match key.default_algorithm() {
                SignatureAlgorithm::Ecdsa(_) => SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256),
                _ => SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256),
            };
            key.sign(&algorithm, Message::Digest(&digest)).unwrap()
        };
        let mut values: Vec<Vec<u8>> = hashes.iter().map(|hash| sign(&self.key, &decode(hash))).collect();
        match self.manner {
            Manner::ShortList => drop(values.pop()),
            Manner::LongList => values.push(values[0].clone()),
            Manner::WrongOrder => values.reverse(),
            Manner::WrongKey => {
                let last = values.len() - 1;
                values[last] = sign(&self.other, &decode(&hashes[last]));
            }
            Manner::OtherDigest => values[0] = sign(&self.key, &[7; 32]),
            Manner::Empty => values.clear(),
            Manner::ZeroValue => values[0] = Vec::new(),
            Manner::Plain => values.iter_mut().for_each(|value| *value = plain(value)),
            _ => {}
        }
        let mut texts: Vec<String> = values.iter().map(|v| base64_simd::STANDARD.encode_to_string(v)).collect();
        if self.manner == Manner::NoBase64 {
            texts[0] = "not base64!".to_owned();
        }
        json!({ "signatures": texts })
    }
}

/// r and s of a P-256 value, each 32 octets.
fn plain(der: &[u8]) -> Vec<u8> {
    let (_, content, _, _) = super::der::split(der);
    let mut out = Vec::new();
    for part in super::der::children(content) {
        let (_, number, _, _) = super::der::split(part);
        let number: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
        out.extend(vec![0; 32 - number.len()]);
        out.extend(number);
    }
    out
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

impl Fetch for Rssp {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        assert_eq!(request.purpose, Purpose::RemoteSigning);
        assert_eq!(request.content_type, Some("application/json"));
        assert_eq!(request.authorization.as_ref().unwrap().expose_text(), TOKEN);
        let method = request.url.strip_prefix(BASE).unwrap().trim_start_matches('/').to_owned();
        let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
        let answer = self.answer(&method, &body);
        self.log.borrow_mut().push((method.clone(), body));
        self.waited.borrow_mut().push(request.wait);
        if method == "signatures/signPolling" && self.manner == Manner::Lost {
            return Err(FetchError::new(request.url.as_str(), "timeout").because(FetchFault::TooSlow).into());
        }
        match answer {
            _ if self.manner == Manner::NotFound => {
                let error = FetchError::new(request.url.as_str(), "HTTP status 404").because(FetchFault::Status(404));
                Err(error.answering(b"<html>nothing here</html>".to_vec()).into())
            }
            _ if self.manner == Manner::Garbage && method == "signatures/signHash" => {
                Ok(Response { body: b"{\"signatures\": [".to_vec() })
            }
            Ok(answer) => Ok(Response { body: answer.to_string().into_bytes() }),
            Err((status, answer)) => {
                let error = FetchError::new(request.url.as_str(), format!("HTTP status {status}"));
                Err(error.because(FetchFault::Status(status)).answering(answer.to_string().into_bytes()).into())
            }
        }
    }
}
