//! ASN.1: exact octets, BER in and DER out.

pub(crate) mod encode;
pub(crate) mod oid;
pub(crate) mod pem;
pub(crate) mod tlv;
mod transcode;

pub use oid::Oid;
pub use transcode::to_der;
