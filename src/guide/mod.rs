//! The manual.
//!
//! * [`ideas`]: what a verdict is made of, and why there is no `is_valid()`
//! * [`signing`]: keys, fields, visible blocks, two phases
//! * [`tokens`]: modules, PINs, keys and certificates on tokens and HSMs; services that hold the key
//! * [`office`]: drafts that are filled in between two signatures, scans and copies, batches, files in place
//! * [`validating`]: anchors, evidence, time, reading a report
//! * [`exchange`]: edXML messages out and in
//! * [`embedding`]: the C ABI, and what other languages need

#[doc = include_str!("ideas.md")]
pub mod ideas {}

#[doc = include_str!("signing.md")]
pub mod signing {}

#[cfg_attr(all(feature = "pkcs11", feature = "serde"), doc = include_str!("tokens.md"))]
#[cfg_attr(
    not(all(feature = "pkcs11", feature = "serde")),
    doc = "Tokens, HSMs and remote signing; this chapter is about the features `pkcs11` and `serde`."
)]
pub mod tokens {}

#[doc = include_str!("office.md")]
pub mod office {}

#[doc = include_str!("validating.md")]
pub mod validating {}

#[doc = include_str!("exchange.md")]
pub mod exchange {}

#[doc = include_str!("embedding.md")]
pub mod embedding {}
