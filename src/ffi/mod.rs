//! The C ABI over the public API: tasks, not a mirror of the Rust types.
//!
//! The header is `include/kyso.h`, written from these sources. Every function
//! follows the same rules:
//!
//! * What can fail returns a [`KysoStatus`]; its last argument takes an error
//!   object, and may be null. A result is written on success only, the error on
//!   failure only.
//! * Octets and text are a pointer and a length, borrowed for the call; null is
//!   allowed where the length is 0. Text is UTF-8.
//! * A handle that comes out belongs to the caller and goes back through the
//!   free function of its type, once. Freeing null does nothing.
//! * A handle that goes in is borrowed for the call. One handle belongs to one
//!   thread at a time.
//! * No panic crosses the boundary: it becomes [`KYSO_STATUS_INTERNAL`].
//!
//! Pointers must be null, or valid for what their type says. More cannot be
//! checked from here.
#![allow(unsafe_code)] // the only module that may: a foreign caller's pointers
#![allow(clippy::missing_safety_doc)] // the rules above are those of every function

mod boundary;
mod bytes;
mod envelope;
mod key;
mod signing;
mod status;
mod validation;

pub use bytes::*;
pub use envelope::*;
pub use key::*;
pub use signing::*;
pub use status::*;
pub use validation::*;
