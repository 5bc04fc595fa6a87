//! *Ký số*, "to sign digitally": sign, seal, send, receive and validate official
//! electronic documents.
//!
//! For software of offices that has to produce documents which other offices
//! accept, and to say of received ones whether they can be relied on: signed
//! PDF files (PAdES), signed files of any kind (CAdES), messages between
//! agencies (edXML); keys in files, on tokens (PKCS#11) or with a remote signer.
//!
//! # The tasks
//!
//! **Sign.** [`sign`] starts from a document and a key; what comes out is checked
//! before it is handed out.
//!
//! ```no_run
//! use kyso::Limits;
//! use kyso::Time;
//! use kyso::key::SigningKey;
//! use kyso::pdf::Pdf;
//! use kyso::sign::pades::PadesRequest;
//!
//! fn sign(document: &[u8], key: &dyn SigningKey, now: Time) -> Result<Vec<u8>, kyso::Error> {
//!     let pdf = Pdf::parse(document, &Limits::default())?;
//!     PadesRequest::new(&pdf, now).reason("Approved").sign(key)?.to_octets()
//! }
//! ```
//!
//! **Validate.** [`validate`] takes policy, trust anchors and time, cannot fail,
//! and ends in a report. There is no function that returns a truth value.
//!
//! ```
//! use kyso::Limits;
//! use kyso::Time;
//! use kyso::pdf::Pdf;
//! use kyso::trust::TrustAnchors;
//! use kyso::validate::Overall;
//! use kyso::validate::Policy;
//! use kyso::validate::Validator;
//!
//! # fn main() -> Result<(), kyso::Error> {
//! let document = include_bytes!("../examples/data/cong-van.pdf");
//! let pdf = Pdf::parse(document.as_slice(), &Limits::default())?;
//! let at = Time::parse_rfc3339("2026-11-23T11:00:00+07:00")?;
//! let report = Validator::new(&Policy::etsi(), &TrustAnchors::none(), at).pdf(&pdf);
//! assert_eq!(report.overall(), Overall::NoSignature);
//! # Ok(()) }
//! ```
//!
//! **Send and receive.** [`envelope`] reads what agencies really send and tells
//! every deviation; it writes only what it would not remark on itself.
//!
//! ```no_run
//! use kyso::Limits;
//! use kyso::envelope::Envelope;
//!
//! fn open(message: &[u8]) -> Result<Vec<(String, Vec<u8>)>, kyso::Error> {
//!     let envelope = Envelope::read(&message, &Limits::default())?;
//!     let files = envelope.attachments().iter();
//!     files.map(|file| Ok((file.safe_file_name().to_owned(), envelope.content(file)?.0))).collect()
//! }
//! ```
//!
//! The [`guide`] has a chapter for each. `cargo run --example round_trip` goes a
//! document's whole way from one office to another; `--example exchange_week` plays a
//! week of two agencies.
//!
//! # Map of the house
//!
//! A module imports only from ranks below its own; a test holds this.
//!
//! | rank | modules | what they are |
//! |---|---|---|
//! | 0 | [`error`], [`finding`], [`level`], [`limits`], [`secret`], [`source`], [`time`] | what all others speak in |
//! | 1 | [`asn1`], [`crypto`], [`fetch`] | exact octets; algorithms; the one door to the network |
//! | 2 | [`x509`], [`cms`], [`timestamp`], [`pdf`], [`container`], [`envelope`] | formats: facts, judged by nobody yet |
//! | 3 | [`trust`], [`path`], [`revocation`], [`evidence`] | whom to trust, whether still, and what to keep of it |
//! | 4 | [`key`] | whoever signs |
//! | 5 | [`sign`], [`validate`] | the two verbs, which do not know each other |
//! | 6 | [`profile`], [`exchange`] | national rules as data; which message may follow which |
//! | 7 | [`files`], [`batch`], `fetch::http`, `key::pkcs11` | what touches files, network and devices |
//! | 8 | `ffi` | the C ABI |
//!
//! Ranks 0 to 6 read no clock, open no file and call no server: time is an
//! argument, and requests are values that the caller answers ([`fetch::Job`]).
//!
//! # Features
//!
//! None is on by default, and none changes what another one does.
//!
//! | feature | what it brings |
//! |---|---|
//! | `pkcs11` | tokens and HSMs: `key::pkcs11` |
//! | `tracing` | spans and events for tokens, without content, PINs or names |
//! | `http` | a blocking HTTP client behind the network's door: `fetch::http` |
//! | `preview` | pages drawn as PNG before they are signed: `pdf::preview` |
//! | `serde` | policies and message contents as JSON (reports need no feature), remote signing by the CSC API |
//! | `aws-lc-rs` | a second crypto backend for the caller to choose; today all of it falls back to the first |
//! | `capi` | the C ABI: `ffi` |
//! | `cli` | the `kyso` command |

pub mod asn1;
pub mod batch;
pub mod cms;
pub mod container;
pub mod crypto;
pub mod envelope;
pub mod error;
pub mod evidence;
pub mod exchange;
pub mod fetch;
#[cfg(feature = "capi")]
pub mod ffi;
pub mod files;
pub mod finding;
pub mod guide;
pub mod key;
pub mod level;
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

/// The code in the README, compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
