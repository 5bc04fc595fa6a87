//! Baseline levels: which a signature reaches, and why not a higher one
//! (EN 319 142-1 §6, EN 319 122-1 §6).
//!
//! A level says what a signature carries, not whether it is valid: time-stamps
//! must verify over it, and validation data must be for its certificates; the
//! trust in them is the indication's matter.

use super::chain::Certificates;
use super::report::Integrity;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use crate::cms::SignedData;
use crate::cms::SignerInfo;
use crate::finding::Finding;
use crate::level::BaselineLevel;
use crate::revocation::Evidence;
use crate::x509::Certificate;

/// Certificates of one path that are looked for.
const MOST_CERTIFICATES: usize = 16;

/// What a document holds beside the signature itself.
#[derive(Clone, Copy)]
pub(super) struct Carried<'c> {
    /// Everything that the document or signature carries.
    pub(super) evidence: &'c Evidence,
    /// A document time-stamp covers the signature.
    pub(super) document_timestamp: bool,
    /// One covers the validation data, too.
    pub(super) archived: bool,
}

/// The level of a CAdES signature.
pub(super) fn of_cms(
    signed: &SignedData,
    signer: &SignerInfo,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    if report.format != SignatureFormat::Cades {
        return;
    }
    let mut evidence = Evidence::new();
    evidence.add_signed_data(signed);
    let stamps = report.timestamps.iter();
    let archived =
        stamps.filter(|t| t.kind == SignatureKind::ArchiveTimestamp).any(|t| t.integrity == Integrity::Intact);
    let carried = Carried { evidence: &evidence, document_timestamp: false, archived };
    of(signer, carried, certificates, report);
}

/// The level of a signature whose signer is `signer`.
pub(super) fn of(
    signer: &SignerInfo,
    carried: Carried<'_>,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    let mut note = |code: &'static str, message: String| report.level_notes.push(Finding::info(code, message));
    if report.integrity != Integrity::Intact {
        return note("LEVEL_B_INTEGRITY", "B-B: the signature is not intact".to_owned());
    }
    let bound = signer.signing_certificate().ok().flatten();
    let Some(leaf) = bound.and_then(|ids| {
        let named = ids.first()?.clone();
        carried.evidence.certificates().iter().find(|c| named.names(c)).cloned()
    }) else {
        return note("LEVEL_B_CERTIFICATE", "B-B: the signature does not carry its signing certificate".to_owned());
    };
    report.level = Some(BaselineLevel::B);
    let stamped = report.timestamps.iter().any(|t| t.integrity == Integrity::Intact);
    if !stamped && !carried.document_timestamp {
        return note("LEVEL_T_TIMESTAMP", "B-T: no time-stamp over the signature verifies".to_owned());
    }
    report.level = Some(BaselineLevel::T);
    if let Some(missing) = missing(&leaf, carried.evidence, certificates) {
        return note("LEVEL_LT_EVIDENCE", format!("B-LT: {missing}"));
    }
    report.level = Some(BaselineLevel::Lt);
    if !carried.archived {
        let message = "B-LTA: no archive or document time-stamp covers the validation data";
        return note("LEVEL_LTA_TIMESTAMP", message.to_owned());
    }
    report.level = Some(BaselineLevel::Lta);
}

/// What the path from `leaf` upwards lacks of certificates and revocation data.
fn missing(leaf: &Certificate, carried: &Evidence, certificates: &Certificates<'_>) -> Option<String> {
    let is_anchor = |c: &Certificate| certificates.anchors.iter().any(|(_, a)| a.certificate() == Some(c));
    let mut current = leaf.clone();
    for _ in 0..MOST_CERTIFICATES {
        if current.is_self_issued() || is_anchor(&current) {
            return None;
        }
        let revocation = carried.crls().iter().any(|crl| crl.issuer() == current.issuer())
            || carried.ocsp_responses().iter().any(|response| {
                let ids = response.responses().iter().filter_map(|single| single.cert_id.as_ref());
                ids.into_iter().any(|id| id.serial == *current.serial())
            });
        if !revocation && !current.has_ocsp_nocheck() {
            return Some(format!("revocation data for {} is not in the document", current.subject()));
        }
        let issuer = carried.certificates().iter().find(|c| c.subject() == current.issuer() && **c != current);
        match issuer {
            Some(issuer) => current = issuer.clone(),
            // The anchor itself need not be carried.
            None if certificates.anchors.iter().any(|(_, anchor)| anchor.name() == current.issuer()) => return None,
            None => return Some(format!("the certificate of {} is not in the document", current.issuer())),
        }
    }
    Some("its certification path is too long".to_owned())
}
