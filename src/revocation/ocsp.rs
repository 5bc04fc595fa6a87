//! OCSP responses (RFC 6960).

use std::collections::BTreeSet;

use super::engine::Engine;
use super::engine::Gathered;
use super::engine::Question;
use super::engine::Refusal;
use super::evidence::EvidenceUsed;
use super::evidence::Source;
use super::signer::Signer;
use super::statement::Statement;
use super::status::Revocation;
use super::status::UnknownReason;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::crypto::DigestAlgorithm;
use crate::crypto::hex;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::path::Issuer;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::ReasonFlags;
use crate::x509::ocsp::CertId;
use crate::x509::ocsp::CertStatus;
use crate::x509::ocsp::OcspResponse;
use crate::x509::ocsp::ResponderId;
use crate::x509::ocsp::ResponseStatus;
use crate::x509::ocsp::SingleResponse;

/// `id-pkix-ocsp-archive-cutoff` (RFC 6960 §4.4.4).
const ARCHIVE_CUTOFF: Oid = pkix_ocsp(6);
/// `id-isismtt-at-certHash`.
const CERT_HASH: Oid = Oid::known(&[0x2B, 0x24, 8, 3, 13]);

/// Extensions that are processed here or elsewhere, or that leave the answer as it is.
const UNDERSTOOD: &[Oid] = &[
    pkix_ocsp(2), // nonce; compared by whoever sent one
    pkix_ocsp(3), // CRL references
    ARCHIVE_CUTOFF,
    pkix_ocsp(9), // extended revoke
    CERT_HASH,
];

const fn pkix_ocsp(n: u8) -> Oid {
    Oid::known(&[0x2B, 6, 1, 5, 5, 7, 48, 1, n])
}

/// A response that holds answers; what the responder said instead is the error.
pub(super) fn successful(response: &OcspResponse) -> Result<(), Error> {
    let said = match response.status() {
        ResponseStatus::Successful => return Ok(()),
        ResponseStatus::MalformedRequest => "malformedRequest".to_owned(),
        ResponseStatus::InternalError => "internalError".to_owned(),
        ResponseStatus::TryLater => "tryLater".to_owned(),
        ResponseStatus::SigRequired => "sigRequired".to_owned(),
        ResponseStatus::Unauthorized => "unauthorized".to_owned(),
        ResponseStatus::Other(code) => format!("responseStatus {code}"),
    };
    Err(Malformed::new(Format::Ocsp, "responseStatus", "successful").found(said).into())
}

/// The responder as the response names it.
pub(super) fn responder_text(response: &OcspResponse) -> String {
    match response.responder_id() {
        Some(ResponderId::Name(name)) => name.to_string(),
        Some(ResponderId::KeyHash(hash)) => hex(hash),
        None => String::new(),
    }
}

/// Every statement of an OCSP response on the certificate.
pub(super) fn gather(engine: &Engine<'_>, question: &Question<'_>, gathered: &mut Gathered) {
    for response in engine.evidence.ocsp_responses() {
        for single in response.responses() {
            if let Err(refusal) = engine.step() {
                gathered.refuse(response.sha256(), refusal);
                return;
            }
            if !single.cert_id.as_ref().is_some_and(|id| identifies(id, question.certificate, &question.by.issuer)) {
                continue;
            }
            match judge(engine, question, response, single) {
                Ok(statement) => gathered.statements.push(statement),
                Err(refusal) => gathered.refuse(response.sha256(), refusal),
            }
        }
    }
}

fn judge(
    engine: &Engine<'_>,
    question: &Question<'_>,
    response: &OcspResponse,
    single: &SingleResponse,
) -> Result<Statement, Refusal> {
    let shows_expired_from = understood(response, single, question.certificate)?;
    let signer = engine.ocsp_signer(&question.by, response)?;
    let revocation = stated(single)?;
    Ok(statement(response, single, Some(&signer), revocation, shows_expired_from))
}

/// What an answer states.
pub(super) fn stated(single: &SingleResponse) -> Result<Option<Revocation>, Refusal> {
    match &single.status {
        CertStatus::Good => Ok(None),
        CertStatus::Revoked { time, reason } => {
            Ok(Some(Revocation { time: *time, reason: *reason, invalidity_time: None }))
        }
        CertStatus::Unknown => {
            let detail = "the responder does not know the certificate";
            Err(Refusal::new(UnknownReason::ResponderDoesNotKnow, detail))
        }
    }
}

pub(super) fn statement(
    response: &OcspResponse,
    single: &SingleResponse,
    signer: Option<&Signer>,
    revocation: Option<Revocation>,
    shows_expired_from: Option<Time>,
) -> Statement {
    let used = signer.map(|signer| EvidenceUsed {
        source: Source::Ocsp(response.clone()),
        this_update: single.this_update,
        next_update: single.next_update,
        signature: signer.fact,
        signer: signer.via.clone(),
    });
    Statement {
        revocation,
        reasons: ReasonFlags::ALL,
        this_update: single.this_update,
        next_update: single.next_update,
        shows_expired_from,
        used: used.into_iter().collect(),
    }
}

/// `CertID` (RFC 6960 §4.1.1) of this certificate.
pub(super) fn identifies(id: &CertId, certificate: &Certificate, issuer: &Issuer<'_>) -> bool {
    let digest = |octets: &[u8]| id.hash.digest(octets);
    id.serial == *certificate.serial()
        && id.issuer_key_hash == digest(issuer.key.key_octets()).octets()
        // Equal names may be encoded in two ways; responders take either.
        && (id.issuer_name_hash == digest(certificate.issuer().der()).octets()
            || id.issuer_name_hash == digest(issuer.name.der()).octets())
}

/// The extensions of a response and of one answer in it: nothing critical that
/// is not understood, and a `certHash` that fits. Hands out the archive cutoff.
pub(super) fn understood(
    response: &OcspResponse,
    single: &SingleResponse,
    certificate: &Certificate,
) -> Result<Option<Time>, Refusal> {
    let not_understood = |detail: String| Refusal::new(UnknownReason::NotUnderstood, detail);
    for all in [response.extensions(), &single.extensions] {
        let mut seen = BTreeSet::new();
        for extension in all {
            if !seen.insert(extension.oid) {
                return Err(not_understood(format!("extension {} stands twice", extension.oid)));
            }
            if extension.critical && !UNDERSTOOD.contains(&extension.oid) {
                return Err(not_understood(format!("critical extension {} is not understood", extension.oid)));
            }
        }
    }
    if let Some(value) = value(single, &CERT_HASH) {
        let fits = cert_hash(value).map_err(|e| Refusal::not_understood(&e))?;
        if !fits(certificate) {
            return Err(Refusal::new(UnknownReason::OutOfScope, "its certHash is that of another certificate"));
        }
    }
    archive_cutoff(single).map_err(|e| Refusal::not_understood(&e))
}

/// `archiveCutoff` (RFC 6960 §4.4.4): certificates that expired since are still answered for.
pub(super) fn archive_cutoff(single: &SingleResponse) -> Result<Option<Time>, Error> {
    let Some(value) = value(single, &ARCHIVE_CUTOFF) else { return Ok(None) };
    let mut reader = Reader::new(value, Format::Ocsp);
    let time = reader.expect(0x18, "archiveCutoff")?.time(Format::Ocsp, "archiveCutoff")?;
    reader.end("archiveCutoff")?;
    Ok(Some(time))
}

fn value<'s>(single: &'s SingleResponse, oid: &Oid) -> Option<&'s [u8]> {
    single.extensions.iter().find(|e| e.oid == *oid).map(|e| e.value.as_slice())
}

/// `CertHash` of ISIS-MTT (Common PKI 2.0 part 4 §3.1.2): the digest of the certificate itself.
fn cert_hash(value: &[u8]) -> Result<impl Fn(&Certificate) -> bool, Error> {
    let field = "certHash";
    let mut parts = Reader::new(value, Format::Ocsp).expect(0x30, field)?.reader(Format::Ocsp);
    let mut algorithm = parts.expect(0x30, field)?.reader(Format::Ocsp);
    let oid = algorithm.expect(0x06, field)?.oid(Format::Ocsp, field)?;
    let stated = parts.expect(0x04, field)?.content.to_vec();
    parts.end(field)?;
    let algorithm = DigestAlgorithm::from_oid(&oid)
        .ok_or_else(|| Unsupported::new(Format::Ocsp, format!("digest algorithm {oid} of certHash")))?;
    Ok(move |certificate: &Certificate| algorithm.digest(certificate.der()).octets() == stated)
}
