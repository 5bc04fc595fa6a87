//! Trust and time: whether what verified is valid, now or when it was proven
//! to exist (EN 319 102-1 §5.2.6, §5.2.8, §5.5, §5.6.2).

use std::rc::Rc;

use super::chain::Certificates;
use super::chain::Chain;
use super::chain::Purpose;
use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Passed;
use super::indication::Signed;
use super::policy::Acceptance;
use super::report::Integrity;
use super::report::Outcome;
use super::report::SignatureReport;
use super::report::TimeProof;
use super::report::Wanted;
use super::report::WantedKind;
use super::signer::Verified;
use crate::crypto::SignatureAlgorithm;
use crate::finding::Finding;
use crate::time::Time;
use crate::x509::Certificate;

/// What a judgement ends in, short of success.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Failed(Failure),
    Undecided(Indeterminacy),
}

impl From<Refusal> for Indication {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Failed(failure) => Self::TotalFailed(failure),
            Refusal::Undecided(why) => Self::Indeterminate(why),
        }
    }
}

/// The earliest time at which something is proven to have existed.
#[derive(Clone, Debug)]
pub(super) struct Existence {
    pub(super) time: Time,
    pub(super) proof: TimeProof,
}

impl Existence {
    /// Nothing proves more than that it exists at the validation time.
    pub(super) const fn at(time: Time) -> Self {
        Self { time, proof: TimeProof::ValidationTime }
    }

    /// The earlier of two proofs; on a tie the first stays.
    pub(super) fn or(self, other: Self) -> Self {
        if other.time < self.time { other } else { self }
    }
}

/// Ends the validation of what `verified`: its indication, path and what is wanted.
pub(super) fn conclude(
    verified: Verified,
    purpose: Purpose,
    existence: &Existence,
    signed: Signed,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) {
    let Verified { certificate, algorithm, decided } = verified;
    let Some(certificate) = &certificate else {
        report.indication = decided.unwrap_or(Indication::Indeterminate(Indeterminacy::NoSigningCertificateFound));
        return;
    };
    let chain = certificates.now(certificate, purpose);
    let judged = judge(certificate, algorithm, purpose, existence, &chain, certificates, report);
    let (chain, verdict) = match judged {
        Ok(past) => (past.unwrap_or(chain), None),
        Err(refusal) => (chain, Some(Indication::from(refusal))),
    };
    report.path.clone_from(&chain.entries);
    report.trust_set.clone_from(&chain.trust_set);
    report.findings.extend_from_slice(&chain.findings);
    // What is decided before trust weighs more; what trust says besides stays in path and findings.
    report.indication = match decided.or(verdict) {
        Some(indication) => indication,
        // Whatever a format forgot to decide: what did not verify does not pass.
        None if report.integrity != Integrity::Intact => Indication::TotalFailed(Failure::SigCryptoFailure),
        None => {
            let (path, trust_set) = (chain.certificates.clone(), chain.trust_set.clone().unwrap_or_default());
            Indication::TotalPassed(Passed::new(path, trust_set, existence.time, signed))
        }
    };
    if matches!(report.indication, Indication::Indeterminate(_)) {
        report.wanted.extend_from_slice(&chain.wanted);
    }
}

/// `Ok(None)`: valid as the chain stands now; `Ok(Some)`: valid in the past, by the chain returned.
#[allow(clippy::result_large_err)] // the verdict itself, once a signature
fn judge(
    certificate: &Certificate,
    algorithm: Option<SignatureAlgorithm>,
    purpose: Purpose,
    existence: &Existence,
    chain: &Rc<Chain>,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) -> Result<Option<Rc<Chain>>, Refusal> {
    let proven = existence.time;
    let accepted = acceptance(certificate, algorithm, existence, certificates, report);
    let clause = "EN 319 102-1 §5.2.6";
    let fault = match chain.fault {
        None => {
            report.check("CERTIFICATE", clause, Outcome::Passed, "");
            None
        }
        Some(fault) => {
            report.check("CERTIFICATE", clause, Outcome::Undetermined, fault.why.name());
            Some(fault)
        }
    };
    if proven < certificate.not_before() && fault.is_none_or(|f| f.is_curable()) {
        let message = format!(
            "it existed at {} already, the certificate is valid from {} on",
            proven.to_rfc3339(0),
            certificate.not_before().to_rfc3339(0)
        );
        report.check("VALIDITY_AT_SIGNING", "EN 319 102-1 §5.5.4", Outcome::Failed, message.as_str());
        report.findings.push(Finding::error("SIGNED_BEFORE_VALIDITY", message));
        return Err(Refusal::Failed(Failure::NotYetValid));
    }
    let Some(fault) = fault else { return accepted.map(|()| None) };
    let clause = "EN 319 102-1 §5.6.2.4";
    if fault.is_curable() && proven < certificates.at {
        if let Some(past) = certificates.in_the_past(certificate, purpose, proven) {
            let message = format!("the certificate was good when this existed, at {}", proven.to_rfc3339(0));
            report.check("PAST_VALIDATION", clause, Outcome::Passed, message.as_str());
            report.findings.push(Finding::info("VALID_IN_THE_PAST", message));
            return accepted.map(|()| Some(Rc::new(past)));
        }
        let message = format!("the evidence does not show that the certificate was good at {}", proven.to_rfc3339(0));
        report.check("PAST_VALIDATION", clause, Outcome::Failed, message);
    }
    if fault.is_curable() && fault.why != Indeterminacy::TryLater {
        let (what, subject) = (WantedKind::ProofOfExistence, report.name.clone());
        report.wanted.push(Wanted { what, subject, requests: Vec::new(), not_before: None });
    }
    Err(Refusal::Undecided(fault.why))
}

/// Signature acceptance: the signature's own algorithm, at the validation time
/// or else when the signature is proven to have existed (§5.2.8, §5.5.4).
#[allow(clippy::result_large_err)] // the verdict itself, once a signature
fn acceptance(
    certificate: &Certificate,
    algorithm: Option<SignatureAlgorithm>,
    existence: &Existence,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) -> Result<(), Refusal> {
    let clause = "EN 319 102-1 §5.2.8";
    let Some(algorithm) = algorithm else {
        return Err(Refusal::Undecided(Indeterminacy::CryptoConstraintsFailure));
    };
    let key = certificate.public_key().key_type();
    let judge = |at| certificates.policy.judge_signature(&algorithm, key, at);
    let (why, message) = match judge(certificates.at) {
        Acceptance::Acceptable => {
            report.check("ALGORITHM", clause, Outcome::Passed, algorithm.name());
            return Ok(());
        }
        Acceptance::NoLonger { what, until } => {
            if judge(existence.time) == Acceptance::Acceptable {
                let message = format!("{what} was still acceptable at {}", existence.time.to_rfc3339(0));
                report.check("ALGORITHM", clause, Outcome::Passed, message);
                return Ok(());
            }
            let message = format!("{what} was acceptable until {}", until.to_rfc3339(0));
            (Indeterminacy::CryptoConstraintsFailureNoPoe, message)
        }
        Acceptance::Never { what } => {
            (Indeterminacy::CryptoConstraintsFailure, format!("{what} is not acceptable under the policy"))
        }
    };
    report.check("ALGORITHM", clause, Outcome::Failed, message.as_str());
    report.findings.push(Finding::warning("ALGORITHM_NOT_ACCEPTABLE", message).at("signature"));
    Err(Refusal::Undecided(why))
}
