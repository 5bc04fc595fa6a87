//! Certification paths: building, and RFC 5280 §6.1 on one path.
//!
//! [`PathBuilder`] searches from a certificate to a trust anchor through
//! untrusted intermediates; [`validate_path`] judges one given path. Both run
//! the whole of §6.1 (names, policies with mapping, lengths, usages, critical
//! extensions) except revocation, which is
//! [`revocation`](crate::revocation)'s, and except any judgement on
//! algorithms: those are handed out as [facts](Path::signatures), to be judged
//! by the policy at the time that it chooses.

mod builder;
mod failure;
mod names;
mod outcome;
mod policy;
mod process;
mod settings;
mod signature;

pub use builder::PathBuilder;
pub use builder::Paths;
pub use failure::PathFailure;
pub use failure::PathReason;
pub use outcome::Issuer;
pub use outcome::Path;
pub use outcome::PathPolicies;
pub use outcome::ValidPolicy;
pub use process::validate_path;
pub use settings::AnchorCertificate;
pub use settings::PathSettings;
pub use signature::SignatureFact;

pub(crate) use process::validate_chain;
pub(crate) use signature::Identity;
pub(crate) use signature::Signed;
pub(crate) use signature::Verifier;
