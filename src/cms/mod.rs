//! Cryptographic Message Syntax, SignedData (RFC 5652 §5): facts over exact
//! octets, the equations, and a writer in two steps.
//!
//! BER is taken and kept as its DER form; certificates, CRLs, signed attributes
//! and content keep their own octets. Reading judges nothing: who the signer is
//! and whether he is to be trusted is for `validate`.

mod archive;
mod attribute;
mod build;
mod oids;
mod signed_data;
mod signer_info;
mod stream;
mod verify;

pub use archive::HashIndex;
pub use archive::Named;
pub use attribute::Attribute;
pub use attribute::EssCertId;
pub use build::SignedAttributes;
pub use build::SignedDataBuilder;
pub use build::SignerInfoParts;
pub(crate) use oids::ARCHIVE_TIME_STAMP_V3;
pub use oids::CONTENT_DATA;
pub use oids::CONTENT_TST_INFO;
pub(crate) use oids::SIGNATURE_TIME_STAMP;
pub use signed_data::SignedData;
pub use signer_info::SignerId;
pub use signer_info::SignerInfo;
pub use stream::AttachedContent;
pub use verify::Verification;
pub use verify::VerificationFault;
pub use verify::verify_rsa_sha1;
