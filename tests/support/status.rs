//! CRLs and OCSP responses with every field at will, right or wrong on purpose.
#![allow(unreachable_pub, dead_code, missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use kyso::Time;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::PrivateKey;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use kyso::x509::ocsp::OcspResponse;

use super::ca;
use super::der;

pub const HOLD: u8 = 6;
pub const KEY_COMPROMISE: u8 = 1;
pub const REMOVE: u8 = 8;

/// An entry of a CRL.
#[derive(Clone)]
pub struct Entry {
    pub serial: Vec<u8>,
    pub time: Time,
    pub extensions: Vec<Vec<u8>>,
}

impl Entry {
    pub fn of(certificate: &Certificate, time: Time, reason: Option<u8>) -> Self {
        let reason = reason.map(|r| ca::extension("2.5.29.21", false, &der::tlv(0x0A, &[r])));
        Self { serial: certificate.serial().content().to_vec(), time, extensions: reason.into_iter().collect() }
    }

    /// With `certificateIssuer`.
    pub fn issued_by(mut self, name: &[u8]) -> Self {
        let names = der::tlv(0x30, &der::tlv(0xA4, name));
        self.extensions.push(ca::extension("2.5.29.29", true, &names));
        self
    }
}

/// A CRL in the making.
#[derive(Clone)]
pub struct CrlSpec {
    pub issuer: Vec<u8>,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub number: Option<u64>,
    pub base: Option<u64>,
    pub entries: Vec<Entry>,
    pub extensions: Vec<Vec<u8>>,
}

impl CrlSpec {
    pub fn new(issuer: &Certificate, this_update: Time, next_update: Time) -> Self {
        Self {
            issuer: issuer.subject().der().to_vec(),
            this_update,
            next_update: Some(next_update),
            number: Some(1),
            base: None,
            entries: Vec::new(),
            extensions: Vec::new(),
        }
    }

    pub fn entry(mut self, entry: Entry) -> Self {
        self.entries.push(entry);
        self
    }

    pub fn number(mut self, number: u64) -> Self {
        self.number = Some(number);
        self
    }

    pub fn delta(mut self, base: u64, number: u64) -> Self {
        self.base = Some(base);
        self.number(number)
    }

    pub fn extension(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// With `issuingDistributionPoint` of these parts.
    pub fn idp(self, parts: &[Vec<u8>]) -> Self {
        self.extension(ca::extension("2.5.29.28", true, &der::tlv(0x30, &parts.concat())))
    }

    pub fn der(&self, key: &PrivateKey) -> Vec<u8> {
        let extensions = |all: &[Vec<u8>]| if all.is_empty() { Vec::new() } else { der::tlv(0x30, &all.concat()) };
        let entries: Vec<Vec<u8>> = self
            .entries
            .iter()
            .map(|e| der::seq(&[&der::tlv(0x02, &e.serial), &der::time(e.time), &extensions(&e.extensions)]))
            .collect();
        let mut own = self.extensions.clone();
        own.extend(self.number.map(|n| ca::extension("2.5.29.20", false, &der::int(n))));
        own.extend(self.base.map(|n| ca::extension("2.5.29.27", true, &der::int(n))));
        let own = extensions(&own);
        let tbs = der::seq(&[
            &der::int(1),
            &key.default_algorithm().to_der(),
            &self.issuer,
            &der::time(self.this_update),
            &self.next_update.map_or_else(Vec::new, der::time),
            &if entries.is_empty() { Vec::new() } else { der::tlv(0x30, &entries.concat()) },
            &if own.is_empty() { Vec::new() } else { der::explicit(0, &own) },
        ]);
        let (algorithm, value) = ca::sign(key, &tbs);
        der::seq(&[&tbs, &algorithm.to_der(), &der::bits(&value)])
    }

    pub fn sign(&self, key: &PrivateKey) -> Crl {
        Crl::from_der(&self.der(key)).unwrap()
    }
}

/// What an answer says.
#[derive(Clone)]
pub enum Says {
    Good,
    Revoked(Time, Option<u8>),
    Unknown,
}

/// An OCSP response in the making, with one answer.
#[derive(Clone)]
pub struct OcspSpec {
    pub digest: DigestAlgorithm,
    pub issuer_name: Vec<u8>,
    pub issuer_key: Vec<u8>,
    pub serial: Vec<u8>,
    pub says: Says,
    pub produced_at: Time,
    pub this_update: Time,
    pub next_update: Option<Time>,
    pub single_extensions: Vec<Vec<u8>>,
    pub extensions: Vec<Vec<u8>>,
    pub certificates: Vec<Certificate>,
    pub by_key: bool,
}

impl OcspSpec {
    pub fn new(certificate: &Certificate, issuer: &Certificate, this_update: Time, next_update: Time) -> Self {
        Self {
            digest: DigestAlgorithm::Sha1,
            issuer_name: issuer.subject().der().to_vec(),
            issuer_key: issuer.public_key().key_octets().to_vec(),
            serial: certificate.serial().content().to_vec(),
            says: Says::Good,
            produced_at: this_update,
            this_update,
            next_update: Some(next_update),
            single_extensions: Vec::new(),
            extensions: Vec::new(),
            certificates: Vec::new(),
            by_key: false,
        }
    }

    pub fn says(mut self, says: Says) -> Self {
        self.says = says;
        self
    }

    pub fn with(mut self, certificate: &Certificate) -> Self {
        self.certificates.push(certificate.clone());
        self
    }

    pub fn der(&self, responder: &Certificate, key: &PrivateKey) -> Vec<u8> {
        let extensions = |all: &[Vec<u8>]| match all {
            [] => Vec::new(),
            all => der::explicit(1, &der::tlv(0x30, &all.concat())),
        };
        let digest = |octets: &[u8]| der::octets(self.digest.digest(octets).octets());
        let id = der::seq(&[
            &der::seq(&[&der::oid(&self.digest.oid().to_string()), &der::null()]),
            &digest(&self.issuer_name),
            &digest(&self.issuer_key),
            &der::tlv(0x02, &self.serial),
        ]);
        let status = match &self.says {
            Says::Good => der::tlv(0x80, &[]),
            Says::Unknown => der::tlv(0x82, &[]),
            Says::Revoked(time, reason) => {
                let reason = reason.map_or_else(Vec::new, |r| der::explicit(0, &der::tlv(0x0A, &[r])));
                der::tlv(0xA1, &[der::generalized(*time), reason].concat())
            }
        };
        let single = der::seq(&[
            &id,
            &status,
            &der::generalized(self.this_update),
            &self.next_update.map_or_else(Vec::new, |t| der::explicit(0, &der::generalized(t))),
            &extensions(&self.single_extensions),
        ]);
        let who = if self.by_key {
            let hash = DigestAlgorithm::Sha1.digest(responder.public_key().key_octets());
            der::explicit(2, &der::octets(hash.octets()))
        } else {
            der::explicit(1, responder.subject().der())
        };
        let data = der::seq(&[
            &who,
            &der::generalized(self.produced_at),
            &der::tlv(0x30, &single),
            &extensions(&self.extensions),
        ]);
        let (algorithm, value) = ca::sign(key, &data);
        let certificates: Vec<u8> = self.certificates.iter().flat_map(|c| c.der().to_vec()).collect();
        let certificates = match certificates.as_slice() {
            [] => Vec::new(),
            all => der::explicit(0, &der::tlv(0x30, all)),
        };
        let basic = der::seq(&[&data, &algorithm.to_der(), &der::bits(&value), &certificates]);
        der::seq(&[
            &der::tlv(0x0A, &[0]),
            &der::explicit(0, &der::seq(&[&der::oid("1.3.6.1.5.5.7.48.1.1"), &der::octets(&basic)])),
        ])
    }

    pub fn sign(&self, responder: &Certificate, key: &PrivateKey) -> OcspResponse {
        OcspResponse::from_der(&self.der(responder, key)).unwrap()
    }
}

/// An unsuccessful response.
pub fn refusal(status: u8) -> Vec<u8> {
    der::seq(&[&der::tlv(0x0A, &[status])])
}
