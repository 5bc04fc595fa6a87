//! One judgement: the status of certificates, and of those who sign evidence.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::HashSet;
use std::sync::Arc;

use super::evidence::Evidence;
use super::requests;
use super::rules::RevocationRules;
use super::statement::Answer;
use super::statement::Asked;
use super::statement::Statement;
use super::statement::combine;
use super::status::Basis;
use super::status::CertificateRevocation;
use super::status::EvidenceRefused;
use super::status::Good;
use super::status::PathRevocation;
use super::status::RevocationStatus;
use super::status::Unknown;
use super::status::UnknownReason;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PublicKey;
use crate::error::Error;
use crate::fetch::Request;
use crate::limits::Budget;
use crate::path::Issuer;
use crate::path::Path;
use crate::path::PathReason;
use crate::path::SignatureFact;
use crate::path::Signed;
use crate::path::Verifier;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustAnchors;
use crate::trust::TrustSet;
use crate::x509::Certificate;

/// The state of one judgement. Everything that it spends is shared by all of it.
#[derive(Debug)]
pub(super) struct Engine<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) rules: &'a RevocationRules,
    pub(super) backend: Backend,
    pub(super) anchor: TrustAnchor,
    pub(super) set: Arc<str>,
    /// The anchor alone: a signer's path must end in the same one (RFC 5280 §6.3.3 (f)).
    pub(super) anchors: TrustAnchors,
    /// Certificates that may be signers or their issuers.
    pub(super) pool: Vec<Certificate>,
    /// Random octets of the caller, for nonces in requests.
    pub(super) nonce: Option<[u8; 32]>,
    pub(super) verifier: Verifier,
    pub(super) steps: Budget,
    pub(super) signer_paths: Budget,
    known: RefCell<HashMap<(Digest, Digest, Time), CertificateRevocation>>,
    /// Certificates whose status is being asked, the outermost first.
    asking: RefCell<Vec<Certificate>>,
    /// Keys of revoked certificates: what they signed from then on counts for nothing.
    revoked_keys: RefCell<HashMap<Digest, Time>>,
}

/// A certificate whose status is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    pub(super) certificate: &'q Certificate,
    pub(super) issuer: Issuer<'q>,
    /// The certificates of its path above it.
    pub(super) above: &'q [Certificate],
    pub(super) at: Time,
}

/// Why a piece of evidence does not count.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) reason: UnknownReason,
    pub(super) detail: String,
    /// What could help, where it is the signer whose status is not known.
    pub(super) wanted: Vec<Request>,
}

/// What all evidence brought for one question.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) statements: Vec<Statement>,
    refused: Vec<EvidenceRefused>,
    wanted: Vec<Request>,
}

impl<'a> Engine<'a> {
    pub(super) fn new(
        anchor: TrustAnchor,
        set: &str,
        evidence: &'a Evidence,
        rules: &'a RevocationRules,
        backend: Backend,
    ) -> Self {
        let mut own = TrustSet::new(set);
        own.add(anchor.clone());
        Self {
            evidence,
            rules,
            backend,
            anchor,
            set: Arc::from(set),
            anchors: TrustAnchors::new([own]),
            pool: evidence.certificates().to_vec(),
            nonce: None,
            verifier: Verifier::new(backend, rules.max_signature_checks),
            steps: Budget::new("max_steps", rules.max_steps),
            signer_paths: Budget::new("max_signer_paths", rules.max_signer_paths),
            known: RefCell::default(),
            asking: RefCell::default(),
            revoked_keys: RefCell::default(),
        }
    }

    /// With random octets from which every request gets a nonce of its own.
    pub(super) const fn nonce(mut self, seed: Option<[u8; 32]>) -> Self {
        self.nonce = seed;
        self
    }

    /// Every certificate of a path; from the anchor down, so that what a revoked
    /// CA signed is known before it is asked.
    pub(super) fn path(mut self, path: &Path, at: Time) -> PathRevocation {
        let chain = path.certificates();
        let known: HashSet<Digest> = self.pool.iter().map(Certificate::sha256).collect();
        self.pool.extend(chain.iter().filter(|c| !known.contains(&c.sha256())).cloned());
        let mut certificates: Vec<_> = (0..chain.len()).rev().filter_map(|i| self.status(chain, i, at)).collect();
        certificates.reverse();
        PathRevocation { certificates }
    }

    /// The status of one certificate of a chain (leaf first) that ends at the anchor.
    pub(super) fn status(&self, chain: &[Certificate], index: usize, at: Time) -> Option<CertificateRevocation> {
        let (certificate, above) = chain.get(index..)?.split_first()?;
        let issuer = above.first().map_or_else(|| Issuer::anchor(&self.anchor), Issuer::of);
        let question = Question { certificate, issuer, above, at };
        let id = (certificate.sha256(), key_digest(issuer.key), at);
        if let Some(known) = self.known.borrow().get(&id) {
            return Some(known.clone());
        }
        let open = |reason, detail: &str| {
            Some(CertificateRevocation {
                certificate: certificate.clone(),
                at,
                status: RevocationStatus::Unknown(Unknown {
                    reason,
                    detail: detail.to_owned(),
                    wanted: Vec::new(),
                    not_before: None,
                }),
                evidence: Vec::new(),
                refused: Vec::new(),
            })
        };
        // Neither is a property of the certificate, so neither is remembered.
        if self.is_asked(certificate) {
            return open(UnknownReason::SignerStatus, "its status would rest on itself");
        }
        if self.asking.borrow().len() >= self.rules.max_depth {
            return open(UnknownReason::Budget, "signers of evidence are nested too deeply");
        }
        self.asking.borrow_mut().push(certificate.clone());
        let found = self.ask(&question);
        self.asking.borrow_mut().pop();
        self.remember_revocation(&found);
        // What was decided below an open question may have been cut short by it.
        if self.asking.borrow().is_empty() || !matches!(found.status, RevocationStatus::Unknown(_)) {
            self.known.borrow_mut().insert(id, found.clone());
        }
        Some(found)
    }

    pub(super) fn is_asked(&self, certificate: &Certificate) -> bool {
        self.asking.borrow().contains(certificate)
    }

    fn ask(&self, question: &Question<'_>) -> CertificateRevocation {
        let Question { certificate, at, .. } = *question;
        if self.is_anchor(certificate) {
            let status = RevocationStatus::Good(Good { basis: Basis::Anchor, revoked_later: None });
            return CertificateRevocation {
                certificate: certificate.clone(),
                at,
                status,
                evidence: Vec::new(),
                refused: Vec::new(),
            };
        }
        let mut gathered = Gathered::default();
        if self.rules.sources.ocsp() {
            super::ocsp::gather(self, question, &mut gathered);
        }
        if self.rules.sources.crl() {
            super::crl::gather(self, question, &mut gathered);
        }
        let Gathered { statements, refused, wanted } = gathered;
        let asked = Asked { certificate, at, rules: self.rules };
        let mut answer = combine(asked, statements);
        // Evidence that nobody looked at might know of a revocation.
        if let (Answer::Good { .. }, Some(bound)) =
            (&answer, refused.iter().find(|r| r.reason == UnknownReason::Budget))
        {
            answer = Answer::Open { reason: bound.reason, detail: bound.detail.clone(), not_before: None };
        }
        let (status, evidence) = match answer {
            Answer::Good { revoked_later, used } => {
                (RevocationStatus::Good(Good { basis: Basis::Evidence, revoked_later }), used)
            }
            Answer::Revoked { revocation, used } => (RevocationStatus::Revoked(revocation), used),
            Answer::Open { reason, detail, not_before } => {
                // The most telling reason, whether evidence was weighed or refused.
                let refusal = refused.iter().max_by_key(|r| r.reason).filter(|r| r.reason > reason);
                let (reason, detail) = refusal.map_or((reason, detail), |r| (r.reason, r.detail.clone()));
                let unknown = self.unknown(question, reason, detail, wanted, not_before);
                (RevocationStatus::Unknown(unknown), Vec::new())
            }
        };
        CertificateRevocation { certificate: certificate.clone(), at, status, evidence, refused }
    }

    fn unknown(
        &self,
        question: &Question<'_>,
        reason: UnknownReason,
        mut detail: String,
        of_signers: Vec<Request>,
        not_before: Option<Time>,
    ) -> Unknown {
        let (mut wanted, passed_over) = requests::wanted(self, question);
        if wanted.is_empty() && reason == UnknownReason::NoEvidence {
            detail.push_str(match passed_over {
                0 => ", and it names no place to ask",
                _ => ", and it names only addresses of schemes that are not fetched",
            });
        }
        for request in of_signers {
            if !wanted.contains(&request) {
                wanted.push(request);
            }
        }
        Unknown { reason, detail, wanted, not_before }
    }

    /// The anchor's own certificate, or another that says the same.
    fn is_anchor(&self, certificate: &Certificate) -> bool {
        self.anchor.certificate() == Some(certificate)
            || certificate.is_self_issued()
                && certificate.subject() == self.anchor.name()
                && certificate.public_key() == self.anchor.key()
    }

    fn remember_revocation(&self, found: &CertificateRevocation) {
        let revocation = match &found.status {
            RevocationStatus::Revoked(revocation) => Some(*revocation),
            RevocationStatus::Good(good) => good.revoked_later,
            RevocationStatus::Unknown(_) => None,
        };
        if let Some(revocation) = revocation {
            let mut keys = self.revoked_keys.borrow_mut();
            let since = keys.entry(key_digest(found.certificate.public_key())).or_insert(revocation.time);
            *since = revocation.time.min(*since);
        }
    }

    /// Whether the key of a CA was still good when evidence was signed with it.
    pub(super) fn refuse_revoked_key(&self, key: &PublicKey, signed_at: Time) -> Result<(), Refusal> {
        match self.revoked_keys.borrow().get(&key_digest(key)) {
            Some(since) if signed_at >= *since => Err(Refusal::new(
                UnknownReason::SignerStatus,
                format!("its signer's certificate was revoked at {}", since.to_rfc3339(0)),
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn verify(&self, signed: &Signed<'_>, key: &PublicKey) -> Result<SignatureFact, Refusal> {
        self.verifier.verify(signed, key).map_err(|(reason, detail)| {
            let reason = match reason {
                PathReason::Budget => UnknownReason::Budget,
                PathReason::Signature => UnknownReason::NotAuthentic,
                _ => UnknownReason::NotUnderstood,
            };
            Refusal::new(reason, detail)
        })
    }

    pub(super) fn step(&self) -> Result<(), Refusal> {
        self.steps.spend().map_err(|limit| Refusal::new(UnknownReason::Budget, limit.to_string()))
    }
}

impl Gathered {
    pub(super) fn refuse(&mut self, sha256: Digest, refusal: Refusal) {
        self.wanted.extend(refusal.wanted);
        self.refused.push(EvidenceRefused { sha256, reason: refusal.reason, detail: refusal.detail });
    }
}

impl Refusal {
    pub(super) fn new(reason: UnknownReason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), wanted: Vec::new() }
    }

    pub(super) fn not_understood(fault: &Error) -> Self {
        Self::new(UnknownReason::NotUnderstood, fault.to_string())
    }

    /// The more telling of two.
    pub(super) fn or(self, other: Self) -> Self {
        if other.reason > self.reason { other } else { self }
    }
}

fn key_digest(key: &PublicKey) -> Digest {
    DigestAlgorithm::Sha256.digest(key.spki())
}
