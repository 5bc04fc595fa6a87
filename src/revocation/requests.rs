//! Where evidence can be had.

use super::engine::Engine;
use super::engine::Question;
use super::rules::Freshness;
use super::rules::RevocationRules;
use crate::crypto::DigestAlgorithm;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::time::Time;
use crate::x509::AccessDescription;
use crate::x509::Certificate;
use crate::x509::DistributionPoint;
use crate::x509::DistributionPointName;
use crate::x509::GeneralName;
use crate::x509::ocsp;
use crate::x509::ocsp::CertId;
use crate::x509::ocsp::OcspResponse;

/// Addresses of one kind that one certificate may bring.
const MAX_ADDRESSES: usize = 8;

/// `Content-Type` of a request (RFC 6960 §C.1).
const OCSP_REQUEST: &str = "application/ocsp-request";

/// The requests that could bring evidence on the certificate, responders first,
/// and the number of addresses that were passed over for their scheme.
pub(super) fn wanted(engine: &Engine<'_>, question: &Question<'_>) -> (Vec<Request>, usize) {
    let (mut requests, mut passed_over) = (Vec::new(), 0);
    let since = since(engine.rules, question.by.at);
    let mut add = |urls: Vec<String>, request: &dyn Fn(String) -> Request| {
        for url in urls.into_iter().take(MAX_ADDRESSES) {
            if !engine.rules.fetches(&url) {
                passed_over += 1;
                continue;
            }
            let request = request(url).since(since);
            if !requests.contains(&request) {
                requests.push(request);
            }
        }
    };
    let (certificate, issuer) = (question.certificate, question.by.issuer);
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

/// What is older than this cannot help.
fn since(rules: &RevocationRules, at: Time) -> Option<Time> {
    let issued = (rules.freshness == Freshness::IssuedAfterTime).then_some(at);
    issued.max(rules.max_age.map(|age| at.saturating_sub(age)))
}

/// The addresses that a certificate names and that are passed over for their scheme.
pub(super) fn passed_over(rules: &RevocationRules, certificate: &Certificate) -> Vec<String> {
    let mut all = if rules.sources.ocsp() { responders(certificate) } else { Vec::new() };
    if rules.sources.crl() {
        all.extend(addresses(certificate.crl_distribution_points().ok().flatten()));
    }
    all.truncate(MAX_ADDRESSES);
    all.retain(|url| !rules.fetches(url));
    all
}

/// Whether a certificate names any place to ask for its status.
pub(super) fn names_a_source(certificate: &Certificate) -> bool {
    // One that cannot be read was meant to be one.
    let points = certificate.crl_distribution_points().map_or(true, |points| points.is_some());
    points || certificate.authority_information_access().is_err() || !responders(certificate).is_empty()
}

/// A nonce for one certificate, from the caller's random octets (RFC 9654 §2.1: 32 octets).
fn nonce(seed: &[u8; 32], id: &CertId) -> Vec<u8> {
    let mut digester = DigestAlgorithm::Sha256.digester();
    digester.update(seed);
    digester.update(&ocsp::request(id, None));
    digester.finish().octets().to_vec()
}

/// Whether an answer has the nonce that was sent for one of the certificates it
/// speaks of; `None` where it has none at all.
pub(super) fn has_own_nonce(seed: &[u8; 32], response: &OcspResponse) -> Option<bool> {
    let received = response.nonce()?;
    let ids = response.responses().iter().filter_map(|single| single.cert_id.as_ref());
    Some(ids.take(MAX_ADDRESSES).any(|id| nonce(seed, id) == received))
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
