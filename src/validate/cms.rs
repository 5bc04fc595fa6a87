//! Signatures in CMS (EN 319 122-1, RFC 5652): the signers of one SignedData,
//! with their time-stamps. PDF signatures go the same way.

use super::archive;
use super::chain::Certificates;
use super::chain::Purpose;
use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Signed;
use super::level;
use super::report::Integrity;
use super::report::Outcome;
use super::report::Report;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::signer;
use super::signer::Content;
use super::signer::Demands;
use super::token;
use super::token::Stamped;
use super::trust;
use super::trust::Existence;
use crate::cms::SignedData;
use crate::cms::SignerInfo;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::revocation::Evidence;
use crate::source::Source;
use crate::time::Time;
use crate::timestamp::TimeStampToken;

/// Countersignatures of one signer that are judged.
const MOST_COUNTER_SIGNATURES: usize = 16;

/// Detached content up to this length is looked at under a signer without signed attributes:
/// it may be the signed attributes of another signature, and those are shorter.
const MOST_BARE: u64 = 1 << 16;

/// Octets of detached content that are read at a time.
const CHUNK: usize = 256 << 10;

/// Detached content.
#[derive(Clone, Copy)]
struct Beside<'b> {
    digests: &'b [Digest],
    /// All of it, where a signer without signed attributes needs it.
    octets: Option<&'b [u8]>,
}

/// Validates the signers of `signed` into `report`.
pub(super) fn validate(
    mut certificates: Certificates<'_>,
    signed: &SignedData,
    content: Option<&dyn Source>,
    report: &mut Report,
) {
    report.findings.extend_from_slice(signed.findings());
    let mut carried = Evidence::new();
    carried.add_signed_data(signed);
    certificates.carried(&carried);
    let beside = match content.map(|content| digests(signed, content, certificates.backend)).transpose() {
        Ok(beside) => beside,
        Err(error) => {
            let message = format!("the content cannot be read: {error}");
            report.findings.push(Finding::error("CONTENT_UNREADABLE", message));
            None
        }
    };
    let bare = signed.signers().iter().any(|signer| signer.signed_attributes().is_none());
    let small = content.filter(|content| bare && content.len() <= MOST_BARE).and_then(read_small);
    let beside = beside.as_deref().map(|digests| Beside { digests, octets: small.as_deref() });
    for (index, signer) in signed.signers().iter().enumerate() {
        report.signatures.push(one(&mut certificates, signed, signer, index, beside));
    }
}

fn read_small(content: &dyn Source) -> Option<Vec<u8>> {
    let mut octets = vec![0; usize::try_from(content.len()).ok()?];
    let mut filled = 0;
    while let Some(rest) = octets.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match content.read_at(filled as u64, rest) {
            Ok(count) if count > 0 => filled += count,
            _ => return None,
        }
    }
    Some(octets)
}

fn one(
    certificates: &mut Certificates<'_>,
    signed: &SignedData,
    signer: &SignerInfo,
    index: usize,
    detached: Option<Beside<'_>>,
) -> SignatureReport {
    let cades = signer.signing_certificate().ok().flatten().is_some();
    let format = if cades { SignatureFormat::Cades } else { SignatureFormat::Cms };
    let name = format!("signer {}", index + 1);
    let mut report = SignatureReport::draft(&name, SignatureKind::Signature, format, certificates.at);
    let algorithm = signer.digest_algorithm().ok();
    let all_beside = detached.map(|beside| beside.digests);
    let bare = detached.and_then(|beside| beside.octets).filter(|_| signer.signed_attributes().is_none());
    let beside = all_beside.zip(algorithm).and_then(|(all, a)| all.iter().find(|d| d.algorithm() == a).copied());
    let inside = signed.content().zip(algorithm).map(|(octets, a)| certificates.backend.digest(a, octets));
    let content = Content {
        content_type: Some(*signed.content_type()),
        digest: inside.or(beside),
        octets: signed.content().or(bare),
    };
    let demands =
        Demands { signed_attributes: false, signing_certificate: certificates.policy.require_signing_certificate };
    let mut verified = signer::verify(signer, signed.certificates(), &content, demands, certificates, &mut report);
    if let (Some(inside), Some(beside)) = (inside, beside)
        && inside != beside
    {
        let message = "the signature carries other content than the one beside it";
        report.findings.push(Finding::error("CONTENT_MISMATCH", message));
        report.integrity = Integrity::Broken;
        verified.decided = Some(Indication::TotalFailed(Failure::HashFailure));
    }
    claimed(signer.signing_time().ok().flatten(), certificates, &mut report);
    let what = match (signed.content(), content.digest) {
        (Some(octets), _) => Signed::Encapsulated(octets.to_vec()),
        (None, Some(digest)) => Signed::Detached(digest),
        (None, None) => Signed::Encapsulated(Vec::new()),
    };
    let digest_by = |algorithm: DigestAlgorithm| match signed.content() {
        Some(octets) => Some(algorithm.digest(octets)),
        None => all_beside.and_then(|all| all.iter().find(|d| d.algorithm() == algorithm).copied()),
    };
    let archived = archive::validate(signed, signer, &digest_by, certificates, &mut report);
    let existence = timestamps(signer, &|token| archived.of(token), certificates, &mut report).or(archived.whole());
    report.timestamps.extend(archived.into_reports());
    finish(verified, &existence, what, certificates, &mut report);
    level::of_cms(signed, signer, certificates, &mut report);
    counter_signatures(signed, signer, certificates, &mut report);
    report
}

/// Countersignatures (RFC 5652 §11.4): each judged as a signature over the signer's signature value.
/// They are added by whom anybody likes, so they change nothing of what they are on.
fn counter_signatures(
    signed: &SignedData,
    signer: &SignerInfo,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    let counters = match signer.counter_signatures() {
        Ok(counters) => counters,
        Err(error) => {
            let message = format!("a countersignature cannot be read: {error}");
            report.findings.push(Finding::warning("COUNTER_SIGNATURE_UNREADABLE", message));
            return;
        }
    };
    if counters.len() > MOST_COUNTER_SIGNATURES {
        let message = format!("{} countersignatures; the first {MOST_COUNTER_SIGNATURES} were judged", counters.len());
        report.findings.push(Finding::warning("COUNTER_SIGNATURES_MANY", message));
    }
    for (index, counter) in counters.iter().take(MOST_COUNTER_SIGNATURES).enumerate() {
        let cades = counter.signing_certificate().ok().flatten().is_some();
        let format = if cades { SignatureFormat::Cades } else { SignatureFormat::Cms };
        let name = format!("{}, countersignature {}", report.name, index + 1);
        let mut own = SignatureReport::draft(&name, SignatureKind::CounterSignature, format, certificates.at);
        let digest = counter.digest_algorithm().ok().map(|a| a.digest(signer.signature()));
        let content = Content { content_type: None, digest, octets: Some(signer.signature()) };
        let demands =
            Demands { signed_attributes: false, signing_certificate: certificates.policy.require_signing_certificate };
        let verified = signer::verify(counter, signed.certificates(), &content, demands, certificates, &mut own);
        claimed(counter.signing_time().ok().flatten(), certificates, &mut own);
        let base = certificates.existence.clone();
        let existence = timestamps(counter, &|_| base.clone(), certificates, &mut own);
        let what = Signed::Encapsulated(signer.signature().to_vec());
        finish(verified, &existence, what, certificates, &mut own);
        report.counter_signatures.push(own);
    }
}

/// The trust of a signature whose time is known, and what its claimed time has to say.
pub(super) fn finish(
    mut verified: signer::Verified,
    existence: &Existence,
    signed: Signed,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    report.best_signature_time = existence.time;
    report.time_proof = existence.proof.clone();
    let latest = existence.time.saturating_add(certificates.policy.claimed_skew());
    if let Some(claimed) = report.claimed_signing_time
        && claimed > latest
    {
        let message = format!(
            "the claimed signing time {} lies after {}, when the signature existed already",
            claimed.to_rfc3339(0),
            existence.time.to_rfc3339(0)
        );
        report.check("SIGNING_TIME", "EN 319 102-1 §5.5.4", Outcome::Failed, message.as_str());
        report.findings.push(Finding::warning("CLAIMED_TIME_TOO_LATE", message));
        verified.decide(Indication::Indeterminate(Indeterminacy::SigConstraintsFailure));
    }
    trust::conclude(verified, Purpose::Signing, existence, signed, certificates, report);
}

/// Puts the claimed signing time down, with a remark where it lies ahead.
pub(super) fn claimed(time: Option<Time>, certificates: &Certificates<'_>, report: &mut SignatureReport) {
    report.claimed_signing_time = time;
    if let Some(time) = time.filter(|t| *t > certificates.at) {
        // Some signing tools write local time, seven hours ahead, as UTC.
        let message = format!("the claimed signing time {} lies after the validation time", time.to_rfc3339(0));
        report.findings.push(Finding::warning("CLAIMED_TIME_AHEAD", message));
    }
}

/// Validates the signature time-stamps of a signer; the earliest proof counts.
/// `existence` says what is known of each of them from elsewhere.
pub(super) fn timestamps(
    signer: &SignerInfo,
    existence: &dyn Fn(&[u8]) -> Existence,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) -> Existence {
    let mut best = certificates.existence.clone();
    for octets in signer.signature_time_stamps() {
        let stamped = |token: &TimeStampToken| Stamped::Digest(token.imprint().algorithm().digest(signer.signature()));
        let kind = SignatureKind::SignatureTimestamp;
        let known = existence(octets);
        let (stamp, token) = token::validate_octets(octets, kind, stamped, &known, certificates);
        // What covers the token covers the signature that it is an attribute of.
        best = best.or(known);
        if let Some(time) = token.and_then(|token| token::proven(&stamp, &token)) {
            let proof = TimeProof::SignatureTimestamp { tsa: token::authority(&stamp) };
            best = best.or(Existence { time, proof });
        }
        report.timestamps.push(stamp);
    }
    let outcome = match (report.timestamps.is_empty(), &best.proof) {
        (true, _) => Outcome::Skipped,
        (false, TimeProof::ValidationTime) => Outcome::Undetermined,
        (false, _) => Outcome::Passed,
    };
    report.check("TIMESTAMPS", "EN 319 102-1 §5.5", outcome, "");
    best
}

/// The content's digest by every algorithm that a signer uses, in one pass.
fn digests(signed: &SignedData, content: &dyn Source, backend: Backend) -> Result<Vec<Digest>, Error> {
    let mut algorithms: Vec<DigestAlgorithm> = Vec::new();
    let archived = signed.signers().iter().flat_map(SignerInfo::archive_time_stamps);
    let archived = archived.filter_map(|t| TimeStampToken::from_octets(t, &Limits::default()).ok());
    let archived = archived.map(|token| token.imprint().algorithm());
    for algorithm in signed.signers().iter().filter_map(|s| s.digest_algorithm().ok()).chain(archived) {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    if let Some(octets) = content.octets() {
        return Ok(algorithms.iter().map(|a| backend.digest(*a, octets)).collect());
    }
    let mut running: Vec<_> = algorithms.iter().map(|a| backend.digester(*a)).collect();
    let mut buffer = vec![0; CHUNK];
    let mut position = 0;
    while position < content.len() {
        let count = content.read_at(position, &mut buffer)?;
        let Some(octets) = buffer.get(..count).filter(|octets| !octets.is_empty()) else { break };
        running.iter_mut().for_each(|digester| digester.update(octets));
        position = position.saturating_add(count as u64);
    }
    Ok(running.into_iter().map(crate::crypto::Digester::finish).collect())
}
