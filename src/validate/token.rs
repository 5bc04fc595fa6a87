//! Validation of time-stamp tokens (EN 319 102-1 §5.4, RFC 3161).

use std::time::Duration;

use super::chain::Certificates;
use super::chain::Purpose;
use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Signed;
use super::report::Integrity;
use super::report::Outcome;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::signer;
use super::signer::Content;
use super::signer::Demands;
use super::signer::Verified;
use super::trust;
use super::trust::Existence;
use crate::asn1::Oid;
use crate::crypto::Digest;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::time::Time;
use crate::timestamp::TimeStampToken;
use crate::x509::Certificate;
use crate::x509::KeyPurpose;

/// RFC 5816 keeps RFC 3161's demand that the token binds its certificate.
const DEMANDS: Demands = Demands { signed_attributes: true, signing_certificate: true };

/// `id-ce-extKeyUsage`.
const EXTENDED_KEY_USAGE: Oid = Oid::known(&[0x55, 0x1D, 37]);

/// How far the clock of whoever validates may be behind that of an authority.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(300);

/// What a token is held against.
#[derive(Clone, Debug)]
pub(super) enum Stamped {
    /// The digest, by the imprint's algorithm, of what should be time-stamped.
    Digest(Digest),
    /// It is not at hand.
    Missing,
}

/// Reads and validates a token inside of a signature; what cannot be read is a report, too.
pub(super) fn validate_octets(
    octets: &[u8],
    kind: SignatureKind,
    stamped: impl FnOnce(&TimeStampToken) -> Stamped,
    existence: &Existence,
    certificates: &Certificates<'_>,
) -> (SignatureReport, Option<TimeStampToken>) {
    match TimeStampToken::from_octets(octets, &Limits::default()) {
        Ok(token) => {
            let stamped = stamped(&token);
            (validate(&token, "", kind, &stamped, existence, certificates), Some(token))
        }
        Err(error) => {
            let mut report = SignatureReport::draft("", kind, SignatureFormat::Rfc3161, certificates.at);
            let message = format!("the time-stamp token cannot be read: {error}");
            report.findings.push(Finding::error("TIMESTAMP_UNREADABLE", message));
            report.integrity = Integrity::Broken;
            report.indication = Indication::TotalFailed(Failure::FormatFailure);
            (report, None)
        }
    }
}

/// Validates a token. `existence` is what proves the token itself to be older
/// than now: its own time cannot, since whoever has the key states that.
pub(super) fn validate(
    token: &TimeStampToken,
    name: &str,
    kind: SignatureKind,
    stamped: &Stamped,
    existence: &Existence,
    certificates: &Certificates<'_>,
) -> SignatureReport {
    let mut report = SignatureReport::draft(name, kind, SignatureFormat::Rfc3161, certificates.at);
    report.best_signature_time = token.time();
    report.time_proof = TimeProof::GenTime;
    report.deviations.extend_from_slice(token.signed_data().findings());
    let Some(signer) = token.signer() else {
        report.indication = Indication::TotalFailed(Failure::FormatFailure);
        return report;
    };
    let octets = token.signed_data().content().unwrap_or_default();
    let content = Content {
        content_type: Some(*token.signed_data().content_type()),
        digest: signer.digest_algorithm().ok().map(|algorithm| algorithm.digest(octets)),
        octets: Some(octets),
    };
    let own = token.signed_data().certificates();
    let mut verified = signer::verify(signer, own, &content, DEMANDS, certificates, &mut report);
    imprint(token, stamped, &mut verified, &mut report);
    if let Some(certificate) = &verified.certificate
        && let Err(fault) = purpose(certificate)
    {
        report.check("TSA_CERTIFICATE", "RFC 3161 §2.3", Outcome::Failed, fault.as_str());
        report.findings.push(Finding::warning("TSA_KEY_USAGE", fault));
        verified.decide(Indication::Indeterminate(Indeterminacy::ChainConstraintsFailure));
    }
    if let Some(certificate) = &verified.certificate
        && token.time() < certificate.not_before()
    {
        let message = "its time lies before the validity of the authority's certificate";
        report.findings.push(Finding::error("TIMESTAMP_BEFORE_CERTIFICATE", message));
        verified.decide(Indication::TotalFailed(Failure::NotYetValid));
    }
    order(token, existence, certificates.at, &mut verified, &mut report);
    let signed = Signed::Detached(*token.imprint());
    trust::conclude(verified, Purpose::TimeStamping, existence, signed, certificates, &mut report);
    report
}

/// What a token proves, once it passed.
pub(super) fn proven(report: &SignatureReport, token: &TimeStampToken) -> Option<Time> {
    matches!(report.indication, Indication::TotalPassed(_)).then(|| token.time())
}

/// Who signed a token, for people.
pub(super) fn authority(report: &SignatureReport) -> String {
    report.signer.as_ref().map_or_else(String::new, |signer| signer.subject_name.clone())
}

fn imprint(token: &TimeStampToken, stamped: &Stamped, verified: &mut Verified, report: &mut SignatureReport) {
    let clause = "RFC 3161 §2.4.2";
    match stamped {
        Stamped::Digest(digest) if digest == token.imprint() => {
            report.check("MESSAGE_IMPRINT", clause, Outcome::Passed, "");
        }
        Stamped::Digest(_) => {
            let message = "the time-stamp is over other data: it was moved here, or the data was changed";
            report.check("MESSAGE_IMPRINT", clause, Outcome::Failed, message);
            report.findings.push(Finding::error("TIMESTAMP_IMPRINT_MISMATCH", message));
            report.integrity = Integrity::Broken;
            // Whatever else is wrong: this token does not speak of this data.
            verified.decided = Some(Indication::TotalFailed(Failure::HashFailure));
        }
        Stamped::Missing => {
            let message = "the time-stamped data is not at hand";
            report.check("MESSAGE_IMPRINT", clause, Outcome::Undetermined, message);
            report.findings.push(Finding::warning("CONTENT_MISSING", message));
            if report.integrity == Integrity::Intact {
                report.integrity = Integrity::Undetermined;
            }
            verified.decide(Indication::Indeterminate(Indeterminacy::SignedDataNotFound));
        }
    }
}

/// RFC 3161 §2.3: the one extended key usage is timeStamping, and it is critical.
fn purpose(certificate: &Certificate) -> Result<(), String> {
    let unreadable = |e: crate::error::Error| e.to_string();
    let purposes = certificate.extended_key_usage().map_err(unreadable)?.unwrap_or_default();
    if purposes != [KeyPurpose::TIME_STAMPING] {
        return Err("the authority's certificate is not for time-stamping alone".to_owned());
    }
    if certificate.extensions().iter().any(|e| e.oid == EXTENDED_KEY_USAGE && e.critical) {
        return Ok(());
    }
    Err("the extended key usage of the authority's certificate is not critical".to_owned())
}

/// A token that something older covers, or that comes from after the validation time, contradicts it.
fn order(
    token: &TimeStampToken,
    existence: &Existence,
    at: Time,
    verified: &mut Verified,
    report: &mut SignatureReport,
) {
    let earliest = token.accuracy().map_or_else(|| token.time(), |a| token.time().saturating_sub(a.duration()));
    let bound = match existence.proof {
        TimeProof::ValidationTime => at.saturating_add(CLOCK_TOLERANCE),
        _ => existence.time,
    };
    if earliest <= bound {
        return;
    }
    let message =
        format!("its time {} lies after {}, when it existed already", token.time().to_rfc3339(0), bound.to_rfc3339(0));
    report.check("TIMESTAMP_ORDER", "EN 319 102-1 §5.5.4", Outcome::Failed, message.as_str());
    report.findings.push(Finding::warning("TIMESTAMP_ORDER", message));
    verified.decide(Indication::Indeterminate(Indeterminacy::TimestampOrderFailure));
}
