//! A small certification authority for tests and examples: certificates, CRLs,
//! OCSP responses and time-stamp tokens, at fixed times, right or wrong on purpose.
#![allow(
    unreachable_pub,
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation
)]

use std::cell::Cell;

use kyso::Time;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;
use kyso::crypto::PublicKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::soft::SoftKey;
use kyso::x509::Certificate;

use super::der;

pub const CN: &str = "2.5.4.3";
pub const C: &str = "2.5.4.6";
pub const O: &str = "2.5.4.10";
pub const OU: &str = "2.5.4.11";

pub const EKU_TIME_STAMPING: &str = "1.3.6.1.5.5.7.3.8";
pub const EKU_OCSP_SIGNING: &str = "1.3.6.1.5.5.7.3.9";

pub const DIGITAL_SIGNATURE: u16 = 1;
pub const NON_REPUDIATION: u16 = 1 << 1;
pub const KEY_CERT_SIGN: u16 = 1 << 5;
pub const CRL_SIGN: u16 = 1 << 6;

/// An instant from RFC 3339 text.
pub fn at(text: &str) -> Time {
    Time::parse_rfc3339(text).unwrap()
}

/// A name from attribute types and values, most significant first.
pub fn name(attributes: &[(&str, &str)]) -> Vec<u8> {
    let rdns: Vec<Vec<u8>> = attributes
        .iter()
        .map(|(ty, value)| {
            let value = if *ty == C { der::tlv(0x13, value.as_bytes()) } else { der::utf8(value) };
            der::set(vec![der::seq(&[&der::oid(ty), &value])])
        })
        .collect();
    der::tlv(0x30, &rdns.concat())
}

/// What a certificate is to say.
#[derive(Clone)]
pub struct Template {
    pub subject: Vec<u8>,
    pub not_before: Time,
    pub not_after: Time,
    /// `Some(path length)` makes a CA.
    pub ca: Option<Option<u32>>,
    pub key_usage: u16,
    pub extended_key_usage: Vec<&'static str>,
    pub extended_key_usage_critical: bool,
    pub crl_url: Option<String>,
    pub ocsp_url: Option<String>,
    pub issuer_url: Option<String>,
    pub ocsp_nocheck: bool,
    pub key_identifiers: bool,
    /// Further extensions, each already a whole DER `Extension`.
    pub extra: Vec<Vec<u8>>,
    pub serial: Option<Vec<u8>>,
}

impl Template {
    pub fn new(subject: &[(&str, &str)]) -> Self {
        Self {
            subject: name(subject),
            not_before: at("2026-01-01T00:00:00Z"),
            not_after: at("2030-12-31T23:59:59Z"),
            ca: None,
            key_usage: DIGITAL_SIGNATURE | NON_REPUDIATION,
            extended_key_usage: Vec::new(),
            extended_key_usage_critical: false,
            crl_url: None,
            ocsp_url: None,
            issuer_url: None,
            ocsp_nocheck: false,
            key_identifiers: true,
            extra: Vec::new(),
            serial: None,
        }
    }

    pub fn ca(subject: &[(&str, &str)], path_len: Option<u32>) -> Self {
        Self {
            ca: Some(path_len),
            key_usage: KEY_CERT_SIGN | CRL_SIGN,
            not_after: at("2046-01-01T00:00:00Z"),
            ..Self::new(subject)
        }
    }

    pub fn tsa(subject: &[(&str, &str)]) -> Self {
        Self {
            key_usage: DIGITAL_SIGNATURE,
            extended_key_usage: vec![EKU_TIME_STAMPING],
            extended_key_usage_critical: true,
            ..Self::new(subject)
        }
    }

    pub fn ocsp_responder(subject: &[(&str, &str)]) -> Self {
        Self {
            key_usage: DIGITAL_SIGNATURE,
            extended_key_usage: vec![EKU_OCSP_SIGNING],
            ocsp_nocheck: true,
            ..Self::new(subject)
        }
    }

    pub fn valid(mut self, from: &str, to: &str) -> Self {
        self.not_before = at(from);
        self.not_after = at(to);
        self
    }
}

/// One extension.
pub fn extension(oid: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { der::boolean(true) } else { Vec::new() };
    der::seq(&[&der::oid(oid), &critical, &der::octets(value)])
}

/// Signs octets with a bare key; the algorithm is the default of its kind.
pub fn sign(key: &PrivateKey, octets: &[u8]) -> (SignatureAlgorithm, Vec<u8>) {
    let algorithm = key.default_algorithm();
    let value = key.sign(&algorithm, Message::Octets(octets)).unwrap();
    (algorithm, value)
}

fn signed(key: &PrivateKey, tbs: &[u8]) -> Vec<u8> {
    let (algorithm, value) = sign(key, tbs);
    der::seq(&[tbs, &algorithm.to_der(), &der::bits(&value)])
}

/// A CA with its key, which issues certificates and answers for their status.
pub struct Authority {
    pub key: PrivateKey,
    pub certificate: Certificate,
    serial: Cell<u64>,
    crl_number: Cell<u64>,
    revoked: Vec<(Vec<u8>, Time, Option<u8>)>,
}

impl Authority {
    /// A self-signed root.
    pub fn root(template: Template, spec: KeySpec) -> Self {
        let key = PrivateKey::generate(spec).unwrap();
        let (public, octets) = (key.public_key(), key.public_key().key_octets());
        let certificate = certificate(&template, public, &template.subject, octets, &key, 1);
        Self::with(key, certificate)
    }

    pub fn with(key: PrivateKey, certificate: Certificate) -> Self {
        Self { key, certificate, serial: Cell::new(0x1000), crl_number: Cell::new(1), revoked: Vec::new() }
    }

    /// A CA below this one.
    pub fn subordinate(&self, template: Template, spec: KeySpec) -> Self {
        let key = PrivateKey::generate(spec).unwrap();
        let certificate = self.certify(&template, &key);
        Self::with(key, certificate)
    }

    /// A certificate for a key.
    pub fn certify(&self, template: &Template, subject_key: &PrivateKey) -> Certificate {
        self.certify_key(template, subject_key.public_key())
    }

    /// A certificate for a public key, as from a request.
    pub fn certify_key(&self, template: &Template, subject_key: &PublicKey) -> Certificate {
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        let issuer = self.certificate.subject().der().to_vec();
        certificate(template, subject_key, &issuer, self.certificate.public_key().key_octets(), &self.key, serial)
    }

    /// A key with its certificate; the chain holds this CA.
    pub fn issue(&self, template: &Template, spec: KeySpec) -> SoftKey {
        let key = PrivateKey::generate(spec).unwrap();
        let certificate = self.certify(template, &key);
        let identity = SignerIdentity::new(certificate, vec![self.certificate.clone()]);
        // The backend whose ECDSA values are the same each time.
        SoftKey::new(key, identity).unwrap().with_backend(Backend::rust_crypto())
    }

    pub fn revoke(&mut self, certificate: &Certificate, when: Time, reason: Option<u8>) {
        self.revoked.push((certificate.serial().content().to_vec(), when, reason));
    }

    /// A complete CRL.
    pub fn crl(&self, this_update: Time, next_update: Time) -> Vec<u8> {
        self.crl_with(this_update, Some(next_update), &[])
    }

    pub fn crl_with(&self, this_update: Time, next_update: Option<Time>, extra: &[Vec<u8>]) -> Vec<u8> {
        let number = self.crl_number.get();
        self.crl_number.set(number + 1);
        let entries: Vec<Vec<u8>> = self
            .revoked
            .iter()
            .filter(|(_, when, _)| *when <= this_update)
            .map(|(serial, when, reason)| {
                let extensions = reason
                    .map_or_else(Vec::new, |r| der::seq(&[&extension("2.5.29.21", false, &der::tlv(0x0A, &[r]))]));
                der::seq(&[&der::tlv(0x02, serial), &der::time(*when), &extensions])
            })
            .collect();
        let revoked = if entries.is_empty() { Vec::new() } else { der::tlv(0x30, &entries.concat()) };
        let mut extensions = vec![
            extension(
                "2.5.29.35",
                false,
                &der::seq(&[&der::tlv(0x80, &key_id(self.certificate.public_key().key_octets()))]),
            ),
            extension("2.5.29.20", false, &der::int(number)),
        ];
        extensions.extend_from_slice(extra);
        let tbs = der::seq(&[
            &der::int(1),
            &self.key.default_algorithm().to_der(),
            self.certificate.subject().der(),
            &der::time(this_update),
            &next_update.map_or_else(Vec::new, der::time),
            &revoked,
            &der::explicit(0, &der::tlv(0x30, &extensions.concat())),
        ]);
        signed(&self.key, &tbs)
    }

    /// Answers an OCSP request for certificates of this CA, signed by `responder`
    /// (`None`: by the CA itself).
    pub fn ocsp(&self, request: &[u8], responder: Option<&SoftKey>, now: Time, next_update: Time) -> Vec<u8> {
        let (_, outer, _, _) = der::split(request);
        let tbs_request = der::children(outer)[0];
        let (_, tbs, _, _) = der::split(tbs_request);
        let list = der::children(tbs).into_iter().find(|c| c[0] == 0x30).unwrap();
        let (_, list, _, _) = der::split(list);
        let responses: Vec<Vec<u8>> = der::children(list)
            .into_iter()
            .map(|single| {
                let (_, single, _, _) = der::split(single);
                let cert_id = der::children(single)[0];
                let (_, id, _, _) = der::split(cert_id);
                let (_, serial, _, _) = der::split(der::children(id)[3]);
                let status = match self.revoked.iter().find(|(s, when, _)| s == serial && *when <= now) {
                    None => der::tlv(0x80, &[]),
                    Some((_, when, reason)) => {
                        let reason = reason.map_or_else(Vec::new, |r| der::explicit(0, &der::tlv(0x0A, &[r])));
                        der::tlv(0xA1, &[der::generalized(*when), reason].concat())
                    }
                };
                der::seq(&[cert_id, &status, &der::generalized(now), &der::explicit(0, &der::generalized(next_update))])
            })
            .collect();
        let nonce = der::children(tbs)
            .into_iter()
            .find(|c| c[0] == 0xA2)
            .map_or_else(Vec::new, |e| der::explicit(1, der::split(e).1));
        let responder_certificate = responder.map_or(&self.certificate, |r| r.identity().certificate());
        let data = der::seq(&[
            &der::explicit(1, responder_certificate.subject().der()),
            &der::generalized(now),
            &der::tlv(0x30, &responses.concat()),
            &nonce,
        ]);
        let (algorithm, value) = match responder {
            None => sign(&self.key, &data),
            Some(r) => {
                let algorithm = r.default_algorithm();
                (algorithm, r.sign(&ToBeSigned::new(algorithm, data.clone())).unwrap().octets().to_vec())
            }
        };
        let certificates =
            responder.map_or_else(Vec::new, |r| der::explicit(0, &der::seq(&[r.identity().certificate().der()])));
        let basic = der::seq(&[&data, &algorithm.to_der(), &der::bits(&value), &certificates]);
        der::seq(&[
            &der::tlv(0x0A, &[0]),
            &der::explicit(0, &der::seq(&[&der::oid("1.3.6.1.5.5.7.48.1.1"), &der::octets(&basic)])),
        ])
    }
}

fn key_id(key_octets: &[u8]) -> Vec<u8> {
    DigestAlgorithm::Sha1.digest(key_octets).octets().to_vec()
}

fn certificate(
    template: &Template,
    public: &PublicKey,
    issuer: &[u8],
    issuer_key_octets: &[u8],
    issuer_key: &PrivateKey,
    serial: u64,
) -> Certificate {
    let mut extensions = Vec::new();
    if let Some(path_len) = template.ca {
        let path_len = path_len.map_or_else(Vec::new, |n| der::int(u64::from(n)));
        extensions.push(extension("2.5.29.19", true, &der::seq(&[&der::boolean(true), &path_len])));
    }
    if template.key_usage != 0 {
        extensions.push(extension("2.5.29.15", true, &key_usage(template.key_usage)));
    }
    if template.key_identifiers {
        extensions.push(extension("2.5.29.14", false, &der::octets(&key_id(public.key_octets()))));
        let issuer_id = der::tlv(0x80, &key_id(issuer_key_octets));
        extensions.push(extension("2.5.29.35", false, &der::seq(&[&issuer_id])));
    }
    if !template.extended_key_usage.is_empty() {
        let purposes: Vec<u8> = template.extended_key_usage.iter().flat_map(|o| der::oid(o)).collect();
        extensions.push(extension("2.5.29.37", template.extended_key_usage_critical, &der::tlv(0x30, &purposes)));
    }
    if let Some(url) = &template.crl_url {
        let full = der::tlv(0xA0, &der::tlv(0x86, url.as_bytes()));
        extensions.push(extension("2.5.29.31", false, &der::seq(&[&der::seq(&[&der::tlv(0xA0, &full)])])));
    }
    let access = |method: &str, url: &String| der::seq(&[&der::oid(method), &der::tlv(0x86, url.as_bytes())]);
    let mut aia = Vec::new();
    aia.extend(template.ocsp_url.as_ref().map(|u| access("1.3.6.1.5.5.7.48.1", u)));
    aia.extend(template.issuer_url.as_ref().map(|u| access("1.3.6.1.5.5.7.48.2", u)));
    if !aia.is_empty() {
        extensions.push(extension("1.3.6.1.5.5.7.1.1", false, &der::tlv(0x30, &aia.concat())));
    }
    if template.ocsp_nocheck {
        extensions.push(extension("1.3.6.1.5.5.7.48.1.5", false, &der::null()));
    }
    extensions.extend_from_slice(&template.extra);
    let serial = template.serial.as_ref().map_or_else(|| der::int(serial), |s| der::tlv(0x02, s));
    let tbs = der::seq(&[
        &der::explicit(0, &der::int(2)),
        &serial,
        &issuer_key.default_algorithm().to_der(),
        issuer,
        &der::seq(&[&der::time(template.not_before), &der::time(template.not_after)]),
        &template.subject,
        public.spki(),
        &der::explicit(3, &der::tlv(0x30, &extensions.concat())),
    ]);
    Certificate::from_der(&signed(issuer_key, &tbs)).unwrap()
}

/// BIT STRING of a key usage, with trailing zero bits cut off.
fn key_usage(bits: u16) -> Vec<u8> {
    let mut octets = [0u8; 2];
    for bit in 0..9u8 {
        if bits >> bit & 1 == 1 {
            octets[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
        }
    }
    let used = if octets[1] == 0 { &octets[..1] } else { &octets[..] };
    let unused = used[used.len() - 1].trailing_zeros() as u8;
    der::tlv(0x03, &[&[unused], used].concat())
}

/// A time-stamping authority.
pub struct Tsa {
    pub key: SoftKey,
    pub policy: &'static str,
    serial: Cell<u64>,
}

impl Tsa {
    pub fn new(key: SoftKey) -> Self {
        Self { key, policy: "1.3.6.1.4.1.99999.1.1", serial: Cell::new(1) }
    }

    /// Answers a `TimeStampReq` with a granted `TimeStampResp`.
    pub fn respond(&self, request: &[u8], now: Time) -> Vec<u8> {
        der::seq(&[&der::seq(&[&der::int(0)]), &self.token(request, now)])
    }

    /// The time-stamp token alone.
    pub fn token(&self, request: &[u8], now: Time) -> Vec<u8> {
        let (_, content, _, _) = der::split(request);
        let parts = der::children(content);
        let imprint = parts[1];
        let nonce = parts[2..].iter().find(|p| p[0] == 0x02).map_or_else(Vec::new, |n| n.to_vec());
        let serial = self.serial.get();
        self.serial.set(serial + 1);
        let info = der::seq(&[
            &der::int(1),
            &der::oid(self.policy),
            imprint,
            &der::int(serial),
            &der::generalized(now),
            &der::seq(&[&der::int(1)]),
            &nonce,
        ]);
        signed_data(&self.key, "1.2.840.113549.1.9.16.1.4", &info, now)
    }
}

/// An attached SignedData with content-type, signing-time, message-digest and
/// signing-certificate-v2, SHA-256.
pub fn signed_data(key: &SoftKey, content_type: &str, content: &[u8], now: Time) -> Vec<u8> {
    let certificate = key.identity().certificate();
    let sha256 = der::seq(&[&der::oid("2.16.840.1.101.3.4.2.1")]);
    let attribute = |ty: &str, value: &[u8]| der::seq(&[&der::oid(ty), &der::tlv(0x31, value)]);
    let cert_hash = der::octets(DigestAlgorithm::Sha256.digest(certificate.der()).octets());
    let attributes = der::set(vec![
        attribute("1.2.840.113549.1.9.3", &der::oid(content_type)),
        attribute("1.2.840.113549.1.9.5", &der::time(now)),
        attribute("1.2.840.113549.1.9.4", &der::octets(DigestAlgorithm::Sha256.digest(content).octets())),
        attribute("1.2.840.113549.1.9.16.2.47", &der::seq(&[&der::seq(&[&der::seq(&[&cert_hash])])])),
    ]);
    let algorithm = key.default_algorithm();
    let value = key.sign(&ToBeSigned::new(algorithm, attributes.clone())).unwrap();
    let mut implicit = attributes;
    implicit[0] = 0xA0;
    let signer = der::seq(&[
        &der::int(1),
        &der::seq(&[certificate.issuer().der(), &der::tlv(0x02, certificate.serial().content())]),
        &sha256,
        &implicit,
        &algorithm.to_der(),
        &der::octets(value.octets()),
    ]);
    let mut certificates = certificate.der().to_vec();
    for c in key.identity().chain() {
        certificates.extend_from_slice(c.der());
    }
    let data = der::seq(&[
        &der::int(3),
        &der::tlv(0x31, &sha256),
        &der::seq(&[&der::oid(content_type), &der::explicit(0, &der::octets(content))]),
        &der::tlv(0xA0, &certificates),
        &der::tlv(0x31, &signer),
    ]);
    der::seq(&[&der::oid("1.2.840.113549.1.7.2"), &der::explicit(0, &data)])
}

/// A SignedData without content and signers: how issuer certificates are
/// published as PKCS#7 (RFC 5280 §4.2.2.1).
pub fn certificates_only(certificates: &[&Certificate]) -> Vec<u8> {
    let all: Vec<u8> = certificates.iter().flat_map(|c| c.der().to_vec()).collect();
    let data = der::seq(&[
        &der::int(1),
        &der::tlv(0x31, &[]),
        &der::seq(&[&der::oid("1.2.840.113549.1.7.1")]),
        &der::tlv(0xA0, &all),
        &der::tlv(0x31, &[]),
    ]);
    der::seq(&[&der::oid("1.2.840.113549.1.7.2"), &der::explicit(0, &data)])
}
