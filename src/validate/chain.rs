//! X.509 certificate validation: now (EN 319 102-1 §5.2.6), and in the past with
//! the validation time slid back as far as the evidence demands (§5.6.2).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use super::indication::Indeterminacy;
use super::policy::Acceptance;
use super::policy::Policy;
use super::policy::RevocationDemand;
use super::proof::Proofs;
use super::report::CertificateStatus;
use super::report::CertificateSummary;
use super::report::EvidenceUsed;
use super::report::PathEntry;
use super::report::Wanted;
use super::report::WantedKind;
use super::trust::Existence;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::finding::Finding;
use crate::path::Path;
use crate::path::PathBuilder;
use crate::path::PathFailure;
use crate::path::PathReason;
use crate::path::PathSettings;
use crate::path::SignatureFact;
use crate::revocation;
use crate::revocation::CertificateRevocation;
use crate::revocation::Evidence;
use crate::revocation::RevocationRules;
use crate::revocation::RevocationStatus;
use crate::time::Time;
use crate::trust::TrustAnchors;
use crate::x509::Certificate;
use crate::x509::KeyPurpose;
use crate::x509::KeyUsage;

/// Paths of one certificate that are judged before the best of them counts.
const MOST_PATHS: usize = 8;

/// Times at which the evidence on one certificate is tried while sliding back.
const MOST_TIMES: usize = 16;

/// What a certificate is asked to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Signing,
    TimeStamping,
}

/// What was found out of a certificate for a purpose.
type ByLeaf<T> = RefCell<HashMap<(Digest, Purpose), Rc<T>>>;

/// All that one validation judges certificates by.
pub(super) struct Certificates<'v> {
    pub(super) policy: &'v Policy,
    pub(super) anchors: &'v TrustAnchors,
    pub(super) at: Time,
    pub(super) backend: Backend,
    /// Everything offered: by the caller, in the document, in its signatures.
    pub(super) evidence: Evidence,
    proofs: Proofs,
    /// What is known of the time of everything in the document.
    pub(super) existence: Existence,
    judged: ByLeaf<Chain>,
    /// The paths that are right apart from time, for signatures proven to be of different times.
    timeless: ByLeaf<[Path]>,
}

/// The judgement on one certificate with its path.
#[derive(Clone, Debug, Default)]
pub(super) struct Chain {
    /// Signer first, trust anchor last, where a path was found.
    pub(super) certificates: Vec<Certificate>,
    pub(super) entries: Vec<PathEntry>,
    pub(super) trust_set: Option<String>,
    pub(super) fault: Option<ChainFault>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) findings: Vec<Finding>,
}

/// Why a certificate is not good now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChainFault {
    pub(super) why: Indeterminacy,
    /// Since when the signing certificate is revoked, where that is the reason.
    pub(super) revoked: Option<Time>,
}

impl ChainFault {
    /// Whether a proof that the signature is older could help.
    pub(super) const fn is_curable(self) -> bool {
        matches!(
            self.why,
            Indeterminacy::RevokedNoPoe
                | Indeterminacy::RevokedCaNoPoe
                | Indeterminacy::OutOfBoundsNoPoe
                | Indeterminacy::OutOfBoundsNotRevoked
                | Indeterminacy::CryptoConstraintsFailureNoPoe
                | Indeterminacy::TryLater
        )
    }

    const fn of(why: Indeterminacy) -> Self {
        Self { why, revoked: None }
    }
}

impl<'v> Certificates<'v> {
    pub(super) fn new(policy: &'v Policy, anchors: &'v TrustAnchors, at: Time, backend: Backend) -> Self {
        Self {
            policy,
            anchors,
            at,
            backend,
            evidence: Evidence::new(),
            proofs: Proofs::default(),
            existence: Existence::at(at),
            judged: RefCell::default(),
            timeless: RefCell::default(),
        }
    }

    /// Judges `leaf` at the validation time; each certificate once.
    pub(super) fn now(&self, leaf: &Certificate, purpose: Purpose) -> Rc<Chain> {
        let key = (leaf.sha256(), purpose);
        if let Some(known) = self.judged.borrow().get(&key) {
            return Rc::clone(known);
        }
        let chain = Rc::new(self.judge_now(leaf, purpose));
        self.judged.borrow_mut().insert(key, Rc::clone(&chain));
        chain
    }

    fn judge_now(&self, leaf: &Certificate, purpose: Purpose) -> Chain {
        let builder = self.builder(self.settings(purpose));
        let mut paths = builder.paths(leaf);
        let mut best: Option<Chain> = None;
        for path in paths.by_ref().take(MOST_PATHS) {
            let chain = self.judge_path(&path, self.at, None);
            if chain.fault.is_none() {
                return chain;
            }
            best.get_or_insert(chain);
        }
        if let Some(best) = best {
            return best;
        }
        let failure = paths.into_failure();
        match failure.untimely() {
            Some(path) => self.judge_untimely(path),
            None => no_path(leaf, &failure),
        }
    }

    /// Judges a path at a time inside of its validity.
    fn judge_path(&self, path: &Path, at: Time, bounds: Option<Indeterminacy>) -> Chain {
        let mut chain = Chain {
            certificates: path.certificates().iter().chain(path.anchor().certificate()).cloned().collect(),
            trust_set: Some(path.trust_set().to_owned()),
            ..Chain::default()
        };
        let mut faults: Vec<ChainFault> = bounds.map(ChainFault::of).into_iter().collect();
        match self.policy.revocation {
            RevocationDemand::Unchecked => {
                chain.entries.extend(path.certificates().iter().map(|c| entry(c, CertificateStatus::Unchecked)));
            }
            RevocationDemand::Required => {
                let statuses = revocation::judge(path, &self.evidence, &self.rules(), at, self.backend);
                for (index, status) in statuses.certificates().iter().enumerate() {
                    chain.entries.push(entry_of(status));
                    faults.extend(self.status_fault(index, status, &mut chain.wanted, &mut chain.findings));
                    for used in &status.evidence {
                        faults.extend(self.algorithm_fault(&used.signature, "revocation data", &mut chain.findings));
                    }
                }
            }
        }
        chain.entries.extend(path.anchor().certificate().map(|c| entry(c, CertificateStatus::Anchor)));
        for (fact, certificate) in path.signatures().iter().zip(path.certificates()) {
            let what = certificate.subject().to_string();
            faults.extend(self.algorithm_fault(fact, &what, &mut chain.findings));
        }
        chain.fault = faults.into_iter().min_by_key(|f| order(f.why));
        chain
    }

    /// A path that is valid in everything but time (EN 319 102-1 §5.2.6.4).
    fn judge_untimely(&self, path: &Path) -> Chain {
        let outside = |c: &Certificate| self.at < c.not_before() || self.at > c.not_after();
        let leaf_alone = path.certificates().iter().skip(1).all(|c| !outside(c));
        let end = path.validity().map_or_else(|| path.leaf().not_after(), |(_, end)| end);
        let at = end.min(self.at);
        let mut chain = self.judge_path(path, at, Some(Indeterminacy::OutOfBoundsNoPoe));
        let good =
            chain.entries.iter().all(|e| matches!(e.status, CertificateStatus::Good | CertificateStatus::Anchor));
        if let Some(fault) = &mut chain.fault
            && fault.why == Indeterminacy::OutOfBoundsNoPoe
            && leaf_alone
            && good
        {
            fault.why = Indeterminacy::OutOfBoundsNotRevoked;
        }
        for certificate in path.certificates().iter().filter(|c| outside(c)) {
            let (code, message) = if self.at > certificate.not_after() {
                ("CERTIFICATE_EXPIRED", format!("expired at {}", certificate.not_after().to_rfc3339(0)))
            } else {
                ("CERTIFICATE_NOT_YET_VALID", format!("valid from {} on", certificate.not_before().to_rfc3339(0)))
            };
            chain.findings.push(Finding::warning(code, message).at(certificate.subject()));
        }
        chain
    }

    fn status_fault(
        &self,
        index: usize,
        status: &CertificateRevocation,
        wanted: &mut Vec<Wanted>,
        findings: &mut Vec<Finding>,
    ) -> Option<ChainFault> {
        let subject = status.certificate.subject();
        match &status.status {
            RevocationStatus::Good(good) => {
                if let Some(later) = good.revoked_later {
                    let message = format!("revoked since {}, after the time in question", later.time.to_rfc3339(0));
                    findings.push(Finding::info("CERTIFICATE_REVOKED_LATER", message).at(subject));
                }
                None
            }
            RevocationStatus::Revoked(revocation) => {
                let reason = revocation.reason.map_or(String::new(), |r| format!(" ({r})"));
                let message = format!("revoked since {}{reason}", revocation.time.to_rfc3339(0));
                findings.push(Finding::error("CERTIFICATE_REVOKED", message).at(subject));
                Some(match index {
                    0 => ChainFault { why: Indeterminacy::RevokedNoPoe, revoked: Some(revocation.time) },
                    _ => ChainFault::of(Indeterminacy::RevokedCaNoPoe),
                })
            }
            RevocationStatus::Unknown(unknown) => {
                let message = format!("revocation status unknown: {}", unknown.detail);
                findings.push(Finding::warning("REVOCATION_UNKNOWN", message).at(subject));
                wanted.push(Wanted {
                    what: WantedKind::Revocation,
                    subject: subject.to_string(),
                    requests: unknown.wanted.clone(),
                    not_before: unknown.not_before,
                });
                Some(ChainFault::of(Indeterminacy::TryLater))
            }
        }
    }

    fn algorithm_fault(&self, fact: &SignatureFact, what: &str, findings: &mut Vec<Finding>) -> Option<ChainFault> {
        let (why, message) = match self.policy.judge_signature(&fact.algorithm, fact.key, self.at) {
            Acceptance::Acceptable => return None,
            Acceptance::NoLonger { what, until } => (
                Indeterminacy::CryptoConstraintsFailureNoPoe,
                format!("{what} was acceptable until {}", until.to_rfc3339(0)),
            ),
            Acceptance::Never { what } => {
                (Indeterminacy::CryptoConstraintsFailure, format!("{what} is not acceptable"))
            }
        };
        findings.push(Finding::warning("ALGORITHM_NOT_ACCEPTABLE", message).at(what));
        Some(ChainFault::of(why))
    }

    /// Past certificate validation (§5.6.2.1): `leaf` was good when something
    /// that existed at `proven` was signed with it.
    ///
    /// From the anchor down, the time up to which each certificate can be relied
    /// on is slid back (§5.6.2.2) to its expiry, to its revocation, to the end of
    /// what the evidence on it covers and to the sunset of its algorithms;
    /// certificate and evidence must be proven to have existed while their
    /// issuer could still be relied on. The standard slides to the issuance of
    /// stale evidence; where the policy holds evidence for fresh until its
    /// `nextUpdate`, that is how far it is slid here, too. It leaves expiry to
    /// what the evidence covers; here it always counts.
    pub(super) fn in_the_past(&self, leaf: &Certificate, purpose: Purpose, proven: Time) -> Option<Chain> {
        let key = (leaf.sha256(), purpose);
        let known = self.timeless.borrow().get(&key).map(Rc::clone);
        let paths = known.unwrap_or_else(|| {
            let builder = self.builder(self.settings(purpose).without_validity_periods());
            let paths: Rc<[Path]> = builder.paths(leaf).take(MOST_PATHS).collect();
            self.timeless.borrow_mut().insert(key, Rc::clone(&paths));
            paths
        });
        paths.iter().filter(|path| path.validity().is_some()).find_map(|path| self.slide(path, proven))
    }

    fn slide(&self, path: &Path, proven: Time) -> Option<Chain> {
        let mut control = self.at;
        let mut entries = Vec::new();
        for (index, certificate) in path.certificates().iter().enumerate().rev() {
            if self.proof(&certificate.sha256()) > control || proven < certificate.not_before() {
                return None;
            }
            let issuer_control = control;
            control = control.min(certificate.not_after());
            let mut facts: Vec<SignatureFact> = path.signatures().get(index).copied().into_iter().collect();
            match self.policy.revocation {
                RevocationDemand::Unchecked => entries.push(entry(certificate, CertificateStatus::Unchecked)),
                RevocationDemand::Required => {
                    let (status, until) = self.slide_status(path, index, issuer_control, control, proven)?;
                    control = control.min(until);
                    facts.extend(status.evidence.iter().map(|e| e.signature));
                    entries.push(entry_of(&status));
                }
            }
            for fact in facts {
                match self.policy.judge_signature(&fact.algorithm, fact.key, control) {
                    Acceptance::Acceptable => {}
                    Acceptance::NoLonger { until, .. } => control = control.min(before(until)),
                    Acceptance::Never { .. } => return None,
                }
            }
            if control < proven {
                return None;
            }
        }
        entries.reverse();
        entries.extend(path.anchor().certificate().map(|c| entry(c, CertificateStatus::Anchor)));
        Some(Chain {
            certificates: path.certificates().iter().chain(path.anchor().certificate()).cloned().collect(),
            entries,
            trust_set: Some(path.trust_set().to_owned()),
            ..Chain::default()
        })
    }

    /// The status of one certificate, and the last time for which it is known, not before `proven`.
    fn slide_status(
        &self,
        path: &Path,
        index: usize,
        issuer_control: Time,
        control: Time,
        proven: Time,
    ) -> Option<(CertificateRevocation, Time)> {
        let usable = self.evidence_proven_by(issuer_control);
        let crls = usable.crls().iter().flat_map(|c| [Some(c.this_update()), c.next_update()]);
        let responses = usable.ocsp_responses().iter().flat_map(|r| r.responses());
        let responses = responses.flat_map(|r| [Some(r.this_update), r.next_update]);
        let times: BTreeSet<Time> = crls.chain(responses).flatten().filter(|t| *t > proven && *t < control).collect();
        let times = times.into_iter().rev().take(MOST_TIMES);
        for time in std::iter::once(control).chain(times).chain([proven]) {
            let statuses = revocation::judge(path, &usable, &self.rules(), time, self.backend);
            let status = statuses.certificates().get(index)?;
            match &status.status {
                RevocationStatus::Good(_) => return Some((status.clone(), time)),
                RevocationStatus::Revoked(revocation) => return Some((status.clone(), before(revocation.time))),
                RevocationStatus::Unknown(_) => {}
            }
        }
        None
    }

    /// The evidence that is proven to have existed at `time`.
    fn evidence_proven_by(&self, time: Time) -> Evidence {
        let mut usable = Evidence::new();
        self.evidence.certificates().iter().for_each(|c| usable.add_certificate(c.clone()));
        let crls = self.evidence.crls().iter();
        crls.filter(|c| self.evidence_proof(&c.sha256(), c.this_update()) <= time)
            .for_each(|c| usable.add_crl(c.clone()));
        let responses = self.evidence.ocsp_responses().iter();
        responses
            .filter(|r| self.evidence_proof(&r.sha256(), r.produced_at().unwrap_or(self.at)) <= time)
            .for_each(|r| usable.add_ocsp(r.clone()));
        usable
    }

    /// Takes what the document itself holds: offered as all evidence is, and as old as the document is proven to be.
    pub(super) fn carried(&mut self, evidence: &Evidence) {
        self.evidence.add_all(evidence);
        if self.existence.time < self.at {
            self.note(evidence, self.existence.time);
        }
    }

    /// Puts down that everything in `evidence` existed at `time`.
    pub(super) fn note(&mut self, evidence: &Evidence, time: Time) {
        evidence.certificates().iter().for_each(|c| self.proofs.note(c.sha256(), time));
        evidence.crls().iter().for_each(|c| self.proofs.note(c.sha256(), time));
        evidence.ocsp_responses().iter().for_each(|r| self.proofs.note(r.sha256(), time));
    }

    /// The earliest proof of an object; everything at hand exists at the validation time.
    fn proof(&self, object: &Digest) -> Time {
        self.proofs.of(object).map_or(self.at, |t| t.min(self.at))
    }

    /// As [`Self::proof`]; evidence cannot have existed before it was issued, even
    /// where the validation time asked for lies before that.
    fn evidence_proof(&self, object: &Digest, issued: Time) -> Time {
        self.proof(object).max(issued.min(self.proofs.of(object).unwrap_or(issued)))
    }

    fn builder(&self, settings: PathSettings) -> PathBuilder<'_> {
        PathBuilder::new(self.anchors, self.at)
            .intermediates(self.evidence.certificates())
            .settings(settings)
            .backend(self.backend)
    }

    fn settings(&self, purpose: Purpose) -> PathSettings {
        let mut settings = PathSettings::default();
        match purpose {
            Purpose::Signing => {
                let usage = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::NON_REPUDIATION);
                settings.key_usage = self.policy.require_key_usage.then_some(usage);
            }
            // RFC 3161 §2.3: stated, by its own identifier.
            Purpose::TimeStamping => {
                settings.purposes = vec![KeyPurpose::TIME_STAMPING];
                settings.purposes_stated = true;
            }
        }
        settings
    }

    fn rules(&self) -> RevocationRules {
        RevocationRules {
            max_age: self.policy.max_revocation_age.map(Duration::from_secs),
            // The report says what would help; whether there is a client for it is for whoever asks.
            schemes: ["http", "https", "ldap", "ldaps"].map(str::to_owned).to_vec(),
            ..RevocationRules::default()
        }
    }
}

/// The last instant before `time`.
fn before(time: Time) -> Time {
    time.saturating_sub(Duration::from_nanos(1))
}

/// What is said where several reasons hold: first what no proof can cure, then
/// the most telling.
const fn order(why: Indeterminacy) -> u8 {
    match why {
        Indeterminacy::CryptoConstraintsFailure => 0,
        Indeterminacy::RevokedNoPoe => 1,
        Indeterminacy::RevokedCaNoPoe => 2,
        Indeterminacy::OutOfBoundsNotRevoked | Indeterminacy::OutOfBoundsNoPoe => 3,
        Indeterminacy::TryLater => 4,
        _ => 5,
    }
}

fn no_path(leaf: &Certificate, failure: &PathFailure) -> Chain {
    let why = match failure.reason() {
        PathReason::NoAnchor => Indeterminacy::NoCertificateChainFound,
        PathReason::KeyUsage
        | PathReason::ExtendedKeyUsage
        | PathReason::Policy
        | PathReason::PathLength
        | PathReason::NameConstraints
        | PathReason::AnchorConstraints => Indeterminacy::ChainConstraintsFailure,
        _ => Indeterminacy::CertificateChainGeneralFailure,
    };
    let message = format!("no valid certification path: {}", failure.detail());
    let subject = failure.certificate().unwrap_or(leaf).subject();
    let mut chain = Chain {
        certificates: failure.certificates().to_vec(),
        entries: failure.certificates().iter().map(|c| entry(c, CertificateStatus::Unknown)).collect(),
        fault: Some(ChainFault::of(why)),
        findings: vec![Finding::warning(path_code(failure.reason()), message).at(subject)],
        ..Chain::default()
    };
    if why == Indeterminacy::NoCertificateChainFound {
        let top = failure.certificates().last().unwrap_or(leaf);
        let what = if failure.wanted().is_empty() { WantedKind::TrustAnchor } else { WantedKind::IssuerCertificate };
        let subject = if what == WantedKind::TrustAnchor { top.issuer() } else { top.subject() }.to_string();
        chain.wanted.push(Wanted { what, subject, requests: failure.wanted().to_vec(), not_before: None });
    }
    chain
}

const fn path_code(reason: PathReason) -> &'static str {
    match reason {
        PathReason::NoAnchor => "PATH_NO_ANCHOR",
        PathReason::Budget => "PATH_BUDGET",
        PathReason::Signature => "PATH_SIGNATURE",
        PathReason::UnsupportedAlgorithm => "PATH_UNSUPPORTED_ALGORITHM",
        PathReason::Malformed => "PATH_MALFORMED",
        PathReason::NameChaining => "PATH_NAME_CHAINING",
        PathReason::UnknownCriticalExtension => "PATH_UNKNOWN_CRITICAL_EXTENSION",
        PathReason::NotACa => "PATH_NOT_A_CA",
        PathReason::KeyUsage => "PATH_KEY_USAGE",
        PathReason::PathLength => "PATH_LENGTH",
        PathReason::NameConstraints => "PATH_NAME_CONSTRAINTS",
        PathReason::Policy => "PATH_POLICY",
        PathReason::ExtendedKeyUsage => "PATH_EXTENDED_KEY_USAGE",
        PathReason::AnchorConstraints => "PATH_ANCHOR_CONSTRAINTS",
        PathReason::NotYetValid => "PATH_NOT_YET_VALID",
        PathReason::Expired => "PATH_EXPIRED",
    }
}

fn entry(certificate: &Certificate, status: CertificateStatus) -> PathEntry {
    PathEntry { certificate: CertificateSummary::of(certificate), status, evidence: None }
}

fn entry_of(judged: &CertificateRevocation) -> PathEntry {
    let status = match &judged.status {
        RevocationStatus::Good(good) => match good.revoked_later {
            Some(later) => CertificateStatus::Revoked { time: later.time, reason: later.reason },
            None => CertificateStatus::Good,
        },
        RevocationStatus::Revoked(revocation) => {
            CertificateStatus::Revoked { time: revocation.time, reason: revocation.reason }
        }
        RevocationStatus::Unknown(_) => CertificateStatus::Unknown,
    };
    let evidence = judged.evidence.first().map(|used| EvidenceUsed {
        kind: used.source.kind(),
        issuer: used.source.issuer(),
        this_update: used.this_update,
        next_update: used.next_update,
        sha256: used.source.sha256().to_hex(),
    });
    PathEntry { evidence, ..entry(&judged.certificate, status) }
}
