//! kyso
#![allow(unreachable_pub, dead_code, unused_imports)] // while modules are still being filled

pub mod asn1;
pub mod cms;
pub mod container;
pub mod crypto;
pub mod envelope;
pub mod error;
pub mod evidence;
pub mod fetch;
#[cfg(feature = "capi")]
pub mod ffi;
pub mod files;
pub mod finding;
pub mod key;
pub mod limits;
pub mod path;
pub mod pdf;
pub mod profile;
pub mod revocation;
pub mod secret;
pub mod sign;
pub mod source;
pub mod time;
pub mod timestamp;
pub mod trust;
pub mod validate;
pub mod x509;
mod xml;

pub use error::Error;
pub use finding::Finding;
pub use limits::Limits;
pub use time::Time;
