//! Where evidence can be had.

use super::engine::Engine;
use super::engine::Question;
use crate::crypto::DigestAlgorithm;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::x509::AccessDescription;
use crate::x509::Certificate;
use crate::x509::DistributionPoint;
use crate::x509::DistributionPointName;
use crate::x509::GeneralName;
use crate::x509::ocsp;
use crate::x509::ocsp::CertId;

/// Addresses of one kind that one certificate may bring.
const MAX_ADDRESSES: usize = 8;

/// `Content-Type` of a request (RFC 6960 §C.1).
const OCSP_REQUEST: &str = "application/ocsp-request";

/// The requests that could bring evidence on the certificate, responders first,
/// and the number of addresses that were passed over for their scheme.
pub(super) fn wanted(engine: &Engine<'_>, question: &Question<'_>) -> (Vec<Request>, usize) {
    let (mut requests, mut passed_over) = (Vec::new(), 0);
    let mut add = |urls: Vec<String>, request: &dyn Fn(String) -> Request| {
        for url in urls.into_iter().take(MAX_ADDRESSES) {
            if !engine.rules.fetches(&url) {
                passed_over += 1;
                continue;
            }
            let request = request(url);
            if !requests.contains(&request) {
                requests.push(request);
            }
        }
    };
    let (certificate, issuer) = (question.certificate, question.issuer);
    if engine.rules.sources.ocsp() {
        let urls = responders(certificate);
        if !urls.is_empty() {
            let id = CertId::of_issuer(engine.rules.request_digest, issuer.name, issuer.key, certificate.serial());
            let nonce = engine.nonce.map(|seed| nonce(&seed, &id));
            let body = ocsp::request(&id, nonce.as_deref());
            add(urls, &|url| {
                Request::post(Purpose::Ocsp, url, OCSP_REQUEST, body.clone(), engine.rules.max_ocsp_octets)
            });
        }
    }
    if engine.rules.sources.crl() {
        let crl = |url: String| Request::get(Purpose::Crl, url, engine.rules.max_crl_octets);
        add(addresses(certificate.crl_distribution_points().ok().flatten()), &crl);
        if engine.rules.use_deltas {
            add(addresses(certificate.freshest_crl().ok().flatten()), &crl);
        }
    }
    (requests, passed_over)
}

/// Whether a certificate names any place to ask for its status.
pub(super) fn names_a_source(certificate: &Certificate) -> bool {
    // One that cannot be read was meant to be one.
    let points = certificate.crl_distribution_points().map_or(true, |points| points.is_some());
    points || certificate.authority_information_access().is_err() || !responders(certificate).is_empty()
}

/// A nonce for one certificate, from the caller's random octets (RFC 9654 §2.1: 32 octets).
pub(super) fn nonce(seed: &[u8; 32], id: &CertId) -> Vec<u8> {
    let mut digester = DigestAlgorithm::Sha256.digester();
    digester.update(seed);
    digester.update(&ocsp::request(id, None));
    digester.finish().octets().to_vec()
}

fn responders(certificate: &Certificate) -> Vec<String> {
    let access = certificate.authority_information_access().ok().flatten().unwrap_or_default();
    let responders = access.into_iter().filter(|d| d.method == AccessDescription::OCSP);
    responders.filter_map(|d| uri(d.location)).collect()
}

fn addresses(points: Option<Vec<DistributionPoint>>) -> Vec<String> {
    let names = points.unwrap_or_default().into_iter().filter_map(|point| match point.name {
        Some(DistributionPointName::Full(names)) => Some(names),
        _ => None,
    });
    names.flatten().filter_map(uri).collect()
}

fn uri(name: GeneralName) -> Option<String> {
    match name {
        GeneralName::Uri(uri) => Some(uri),
        _ => None,
    }
}
