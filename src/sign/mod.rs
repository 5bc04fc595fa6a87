//! Signing, in two phases: everything that is signed goes through [`Prepared`].
//!
//! A request of [`pades`] or [`cades`] is prepared for a signer's certificate;
//! what comes out says which octets to sign. Its state can be stored, and the
//! signature value may come from a key at hand, from a token, or a week later
//! from somewhere else. The value is verified under the certificate before
//! anything is handed out.
//!
//! [`timestamping`] adds a time-stamp on the signature value, and [`augment`]
//! raises what is signed to the levels that last, through the door of
//! [`fetch`](crate::fetch).
//!
//! ```no_run
//! # use kyso::{Error, Limits, Time, key::{SignatureValue, SignerIdentity, SigningKey}, pdf::Pdf, sign::Prepared, sign::pades::PadesRequest};
//! # fn f(input: &[u8], now: Time, key: &dyn SigningKey, value: SignatureValue) -> Result<(), Error> {
//! let pdf = Pdf::parse(&input, &Limits::default())?;
//!
//! // at once
//! let signed = PadesRequest::new(&pdf, now).reason("Approved").sign(key)?;
//!
//! // in two phases: `sign` above is exactly this
//! let prepared = PadesRequest::new(&pdf, now).reason("Approved").prepare(key.identity())?;
//! let state = prepared.to_bytes(); // store it; send `prepared.to_be_signed()` away
//! let signed = Prepared::resume(&state, &pdf)?.complete(&value)?;
//! # Ok(()) }
//! ```

pub mod augment;
mod awaiting;
pub mod cades;
pub mod counter;
pub mod pades;
mod pdf_plan;
mod precheck;
mod prepared;
pub mod remote;
mod seed;
mod signer;
mod state;
pub mod timestamping;

pub use awaiting::AwaitingSigner;
pub use precheck::PreSignCheck;
pub use precheck::PreSigned;
pub use precheck::check_certificate;
pub use prepared::Document;
pub use prepared::Prepared;
pub use state::StateFormat;
