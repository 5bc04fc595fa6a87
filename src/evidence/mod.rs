//! Evidence on certificates: collected for several of them at once
//! ([`Collection`]), and kept in packages.
//!
//! # Evidence packages
//!
//! What was known of a document's signatures when it was
//! received, time-stamped and kept beside it.
//!
//! Received files often hold the signer's certificate and nothing else, and
//! must stay as they are, octet for octet. So the path, the revocation data and
//! a proof of the time go into a package of their own; given back to a
//! [`Validator`](crate::validate::Validator), it shows years later what was
//! true at receipt, when signer, CA and responders are gone.
//!
//! Keep the package with the document. To destroy what was gathered, delete it:
//! nothing of it is kept elsewhere.
//!
//! ```text
//! EvidencePackage ::= SEQUENCE {
//!     version   INTEGER (1),
//!     content   SEQUENCE {
//!         digests   SEQUENCE OF SEQUENCE { algorithm OBJECT IDENTIFIER, digest OCTET STRING },
//!         gathered  ValidationData },
//!     stamps    SEQUENCE OF SEQUENCE {
//!         token     ContentInfo,       -- RFC 3161, over content and all stamps before it
//!         gathered  ValidationData } } -- on that token; covered by the next stamp
//! ValidationData ::= SEQUENCE {
//!     certificates SEQUENCE OF Certificate,
//!     crls         SEQUENCE OF CertificateList,
//!     responses    SEQUENCE OF OCSPResponse }
//! ```

mod collect;
mod package;

pub use collect::Collected;
pub use collect::Collection;
pub use collect::Subject;
pub use package::EvidencePackage;
pub use package::PackageDraft;
