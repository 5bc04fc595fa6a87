//! Certificates, CRLs and OCSP messages: exact octets and a decoded view.
//!
//! Nothing here judges: a certificate that breaks a rule of RFC 5280 still
//! parses as long as its form lets it, and [`path`](crate::path) decides.

mod certificate;
mod crl;
mod extension;
mod memo;
mod name;
mod name_text;
pub mod ocsp;
pub(crate) mod oids;
mod request;

pub(crate) use memo::SignatureMemo;

pub use certificate::{Certificate, Serial};
pub use crl::{Crl, RevokedEntry};
pub use extension::{
    AccessDescription, BasicConstraints, DistributionPoint, DistributionPointName, Extension, GeneralName,
    GeneralSubtree, IssuingDistributionPoint, KeyPurpose, KeyUsage, NameConstraints, PolicyConstraints,
    PolicyInformation, PolicyMapping, ReasonFlags, RevocationReason,
};
pub use name::{Name, RelativeName};
pub use request::{CertificationRequest, UnsignedRequest};
