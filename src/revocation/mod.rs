//! The revocation status of certificates from CRLs (RFC 5280 §6.3) and OCSP
//! responses (RFC 6960).
//!
//! [`judge`] is a pure function: a path, the [`Evidence`] at hand, the
//! [`RevocationRules`] and a time go in; for each certificate a
//! [`RevocationStatus`] comes out, with the evidence that it rests on, the
//! evidence that did not count and why, and what is wanted. [`Check`] is the
//! same as a [`Job`](crate::fetch::Job) that asks for what is wanted.
//!
//! # Time
//! The time asked for may lie in the past, and the evidence may be younger: a
//! CRL of June tells of January too, for it lists revocations with their dates.
//! It does so only while it would still list the certificate: until the
//! certificate's expiry, or later where `expiredCertsOnCRL` or the archive
//! cutoff says so. Whoever signed evidence must have been entitled at the later
//! of the two times.
//!
//! # Contradictions
//! A revocation that any authentic evidence in scope states stands, even where
//! newer or fresher evidence says good, `certificateHold` aside: a hold ends
//! where newer evidence from before the time asked for no longer has it.

mod carried;
mod check;
mod crl;
mod engine;
mod evidence;
mod ocsp;
mod requests;
mod rules;
mod signer;
mod single;
mod statement;
mod status;

pub use check::Check;
pub use check::Checked;
pub use evidence::Evidence;
pub use evidence::EvidenceSigner;
pub use evidence::EvidenceUsed;
pub use evidence::Source;
pub use rules::Freshness;
pub use rules::MissingNonce;
pub use rules::RevocationRules;
pub use rules::Sources;
pub use rules::UncheckedResponders;
pub use single::EvidenceJudgement;
pub use single::Stated;
pub use single::Surroundings;
pub use single::judge_crl;
pub use single::judge_ocsp;
pub use status::Basis;
pub use status::CertificateRevocation;
pub use status::EvidenceRefused;
pub use status::Good;
pub use status::PathRevocation;
pub use status::Revocation;
pub use status::RevocationStatus;
pub use status::Unknown;
pub use status::UnknownReason;

use crate::crypto::Backend;
use crate::path::Path;
use crate::time::Time;

/// The status of every certificate of `path` at the time `at`, from the
/// evidence at hand. Asks nobody.
#[must_use]
pub fn judge(path: &Path, evidence: &Evidence, rules: &RevocationRules, at: Time, backend: Backend) -> PathRevocation {
    engine::Engine::new(path.anchor().clone(), path.trust_set(), evidence, rules, backend).path(path, at)
}
