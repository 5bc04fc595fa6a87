//! Statements from evidence, combined into a status.

use super::evidence::Evidence;
use super::rules::RevocationRules;
use super::status::CertificateRevocation;
use super::status::PathRevocation;
use super::status::RevocationStatus;
use super::status::Unknown;
use super::status::UnknownReason;
use crate::crypto::Backend;
use crate::path::Path;
use crate::time::Time;
use crate::trust::TrustAnchor;

#[derive(Debug)]
pub(super) struct Engine<'a> {
    anchor: TrustAnchor,
    set: &'a str,
    evidence: &'a Evidence,
    rules: &'a RevocationRules,
    backend: Backend,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        anchor: TrustAnchor,
        set: &'a str,
        evidence: &'a Evidence,
        rules: &'a RevocationRules,
        backend: Backend,
    ) -> Self {
        Self { anchor, set, evidence, rules, backend }
    }

    pub(super) fn path(&self, path: &Path, at: Time) -> PathRevocation {
        let certificates = path.certificates().iter().map(|certificate| CertificateRevocation {
            certificate: certificate.clone(),
            at,
            status: RevocationStatus::Unknown(Unknown {
                reason: UnknownReason::NoEvidence,
                detail: "no evidence on this certificate".to_owned(),
                wanted: Vec::new(),
                not_before: None,
            }),
            evidence: Vec::new(),
            refused: Vec::new(),
        });
        PathRevocation { certificates: certificates.collect() }
    }
}
