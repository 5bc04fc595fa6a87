//! Evidence packages: what their time-stamps prove of a document and of what was gathered on it.

use super::chain::Certificates;
use super::chain::Purpose;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Passed;
use super::indication::Signed;
use super::policy::Acceptance;
use super::policy::StampDemand;
use super::report::Integrity;
use super::report::Outcome;
use super::report::Report;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::token;
use super::token::Stamped;
use super::trust::Existence;
use crate::evidence::EvidencePackage;
use crate::finding::Finding;
use crate::timestamp::TimeStampToken;

/// A package that the caller gave, and whether it is about the document in question.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) package: EvidencePackage,
    pub(super) matches: bool,
}

impl Given {
    /// Judges the stamps from the newest to the oldest, and puts down what they prove.
    pub(super) fn validate(&self, certificates: &mut Certificates<'_>, report: &mut Report) {
        let package = &self.package;
        if !self.matches {
            let message = "the evidence package is about another document; it proves nothing here";
            report.findings.push(Finding::error("EVIDENCE_OTHER_DOCUMENT", message));
            return;
        }
        certificates.evidence.add_all(package.gathered());
        let stamps = package.stamps().len();
        for index in 0..stamps {
            if let Some((token, _, gathered)) = package.stamp(index) {
                certificates.evidence.add_all(gathered);
                certificates.evidence.add_token(token);
            }
        }
        let mut existence = Existence::at(certificates.at);
        let mut judged = Vec::new();
        for index in (0..stamps).rev() {
            let Some((token, covered, _)) = package.stamp(index) else { continue };
            let stamped = Stamped::Digest(token.imprint().algorithm().digest(&covered));
            let kind = SignatureKind::EvidenceTimestamp;
            let mut stamp = token::validate(token, "", kind, &stamped, &existence, certificates);
            good_when_made(token, &existence, certificates, &mut stamp);
            if let Some(time) = token::proven(&stamp, token) {
                let proof = TimeProof::EvidencePackage { tsa: token::authority(&stamp) };
                existence = existence.or(Existence { time, proof });
                self.note(index, time, certificates);
            }
            judged.push(stamp);
        }
        judged.reverse();
        if matches!(existence.proof, TimeProof::ValidationTime) {
            let message = "no time-stamp of the evidence package is valid: it proves nothing";
            report.findings.push(Finding::error("EVIDENCE_UNPROVEN", message));
        }
        certificates.existence = certificates.existence.clone().or(existence);
        report.evidence.extend(judged);
    }

    /// Everything under the stamp `index` existed at `time`.
    fn note(&self, index: usize, time: crate::time::Time, certificates: &mut Certificates<'_>) {
        let mut proven = self.package.gathered().clone();
        for earlier in 0..index {
            if let Some((token, _, gathered)) = self.package.stamp(earlier) {
                proven.add_all(gathered);
                proven.add_token(token);
            }
        }
        certificates.note(&proven, time);
    }
}

/// [`StampDemand::GoodWhenMade`]: where nothing but age is against the authority's certificate.
fn good_when_made(
    token: &TimeStampToken,
    existence: &Existence,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    let aged = matches!(
        report.indication,
        Indication::Indeterminate(
            Indeterminacy::OutOfBoundsNoPoe | Indeterminacy::OutOfBoundsNotRevoked | Indeterminacy::TryLater
        )
    );
    if certificates.policy.package_stamps != StampDemand::GoodWhenMade
        || !aged
        || report.integrity != Integrity::Intact
        || token.time() > existence.time
    {
        return;
    }
    let Some(signer) = token.signer() else { return };
    let named = signer.signing_certificate().ok().flatten().and_then(|ids| ids.into_iter().next());
    let Some(authority) = named.and_then(|n| certificates.evidence.certificates().iter().find(|c| n.names(c))) else {
        return;
    };
    // A signature by an algorithm that has been broken since could have been made since.
    let acceptable = signer.signature_algorithm().is_ok_and(|algorithm| {
        let key = authority.public_key().key_type();
        certificates.policy.judge_signature(&algorithm, key, certificates.at) == Acceptance::Acceptable
    });
    let Some(chain) = certificates.in_the_past(authority, Purpose::TimeStamping, token.time()).filter(|_| acceptable)
    else {
        return;
    };
    let message = format!(
        "the authority's certificate was good when the package was made, at {}; that counts for a package kept since",
        token.time().to_rfc3339(0)
    );
    report.check("GOOD_WHEN_MADE", "policy, package_stamps", Outcome::Passed, message.as_str());
    report.findings.push(Finding::info("EVIDENCE_GOOD_WHEN_MADE", message));
    report.wanted.clear();
    report.path = chain.entries;
    let trust_set = chain.trust_set.unwrap_or_default();
    report.trust_set = Some(trust_set.clone());
    let signed = Signed::Detached(*token.imprint());
    report.indication = Indication::TotalPassed(Passed::new(chain.certificates, trust_set, existence.time, signed));
}
