//! Validation: the procedures of EN 319 102-1, ending in a report.
//!
//! A [`Validator`] turns a document into a [`Report`]. A bad signature is never
//! an error but a report, and nothing passes without stated anchors, policy and
//! time.

mod archive;
mod chain;
mod cms;
mod etsi;
mod expect;
mod gather;
mod indication;
mod json;
mod level;
mod messages;
mod package;
mod pdf;
mod policy;
mod proof;
mod report;
#[cfg(test)]
mod sample;
mod signer;
mod text;
mod token;
mod trust;
mod validator;

pub use expect::Expectations;
pub use expect::ExpectedSigner;
pub use gather::Gathered;
pub use gather::Gathering;
pub use indication::Failure;
pub use indication::Indeterminacy;
pub use indication::Indication;
pub use indication::Overall;
pub use indication::Passed;
pub use indication::Signed;
pub use policy::DigestRule;
pub use policy::KeyRule;
pub use policy::PermittedChanges;
pub use policy::Policy;
pub use policy::RevocationDemand;
pub use policy::Scheme;
pub use policy::StampDemand;
pub use report::BaselineLevel;
pub use report::CertificateStatus;
pub use report::CertificateSummary;
pub use report::Changes;
pub use report::Check;
pub use report::Coverage;
pub use report::EvidenceUsed;
pub use report::Integrity;
pub use report::Outcome;
pub use report::PathEntry;
pub use report::Report;
pub use report::SignatureFormat;
pub use report::SignatureKind;
pub use report::SignatureReport;
pub use report::Standing;
pub use report::TimeProof;
pub use report::TrustSetUsed;
pub use report::Wanted;
pub use report::WantedKind;
pub use text::Language;
pub use validator::Validator;
