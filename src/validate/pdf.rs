//! Signatures of PDF documents (EN 319 142-1, ISO 32000-2 §12.8).

use super::chain::Certificates;
use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::report::Changes;
use super::report::Coverage;
use super::report::Integrity;
use super::report::Report;
use super::report::SignatureFormat;
use super::report::SignatureKind;
use super::report::SignatureReport;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::pdf;
use crate::pdf::ChangeLevel;
use crate::pdf::Pdf;
use crate::pdf::SignatureFacts;
use crate::pdf::SubFilter;

/// Validates every signature of `document` into `report`.
pub(super) fn validate(certificates: Certificates<'_>, document: &Pdf<'_>, report: &mut Report) {
    report.findings.extend_from_slice(document.findings());
    let facts = match document.signatures() {
        Ok(facts) => facts,
        Err(error) => {
            // Nobody may read this as a document without signatures.
            let mut unreadable =
                SignatureReport::draft("", SignatureKind::Signature, SignatureFormat::PdfPkcs7, certificates.at);
            unreadable.indication = Indication::TotalFailed(Failure::FormatFailure);
            unreadable.integrity = Integrity::Broken;
            let message = format!("the document's signatures cannot be read: {error}");
            unreadable.findings.push(Finding::error("SIGNATURES_UNREADABLE", message));
            report.signatures.push(unreadable);
            return;
        }
    };
    let history = document.history(&facts);
    for fact in &facts {
        let mut signature = draft(fact, &certificates);
        match &history {
            Ok(history) => {
                let changes = history.after(fact);
                let level = level(changes.level);
                signature.changes = Some(level);
                signature.changes_permitted = changes.permitted && certificates.policy.permits(level);
                signature.change_list = changes.list.iter().map(change_text).collect();
            }
            Err(error) => {
                signature.changes = Some(Changes::Other);
                signature.changes_permitted = false;
                let message = format!("later changes cannot be judged: {error}");
                signature.findings.push(Finding::error("CHANGES_UNREADABLE", message));
            }
        }
        if signature.findings.iter().any(|f| f.severity() == Severity::Error) {
            signature.integrity = Integrity::Broken;
            signature.indication = Indication::TotalFailed(Failure::FormatFailure);
        } else if !signature.changes_permitted {
            signature.indication = Indication::TotalFailed(Failure::FormatFailure);
        }
        report.signatures.push(signature);
    }
}

/// What the signature dictionary alone says.
fn draft(facts: &SignatureFacts, certificates: &Certificates<'_>) -> SignatureReport {
    let (kind, format) = match (facts.kind, &facts.sub_filter) {
        (pdf::SignatureKind::DocumentTimestamp, _) => (SignatureKind::DocumentTimestamp, SignatureFormat::Rfc3161),
        (_, SubFilter::CadesDetached) => (SignatureKind::Signature, SignatureFormat::Pades),
        _ => (SignatureKind::Signature, SignatureFormat::PdfPkcs7),
    };
    let mut report = SignatureReport::draft(&facts.field_name, kind, format, certificates.at);
    report.coverage = Some(match facts.coverage {
        pdf::Coverage::WholeDocument => Coverage::WholeDocument,
        pdf::Coverage::Revision => Coverage::Revision,
        pdf::Coverage::Partial => Coverage::Partial,
    });
    for finding in &facts.findings {
        match finding.severity() {
            Severity::Warning => report.deviations.push(finding.clone()),
            _ => report.findings.push(finding.clone()),
        }
    }
    report.indication = Indication::Indeterminate(Indeterminacy::NoSigningCertificateFound);
    report
}

const fn level(level: ChangeLevel) -> Changes {
    match level {
        ChangeLevel::None => Changes::None,
        ChangeLevel::Lta => Changes::Lta,
        ChangeLevel::Form => Changes::Form,
        ChangeLevel::Annotation => Changes::Annotation,
        ChangeLevel::Other => Changes::Other,
    }
}

fn change_text(change: &pdf::Change) -> String {
    let object = change.object.map_or_else(|| "trailer".to_owned(), |id| format!("object {id}"));
    format!("revision {}, {object}: {} [{}]", change.revision + 1, change.reason, change.rule)
}
