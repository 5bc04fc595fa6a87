//! The C ABI (feature `capi`): tasks, not a mirror of the Rust interface.
//!
//! The header is `src/ffi/kyso.h`, written by cbindgen and compared in the
//! tests. Its rules:
//!
//! * A function that can fail returns a `kyso_status` (`int32_t`): 0 is done,
//!   the tens group numbers by actor as [`Error`](crate::Error) does. Its last
//!   argument takes an error object; `NULL` there is allowed. On failure no
//!   other output is written.
//! * Octets and text go in as pointer and length, borrowed for the call. Text
//!   is UTF-8 and not NUL-terminated. `NULL` with length 0 is empty.
//! * What a function hands out is the caller's, and goes back through the free
//!   function of its type, which takes `NULL`. Never `free()`.
//! * Handles are not thread-safe; distinct handles may be used in parallel.
//! * No panic crosses the boundary: it ends as `KYSO_STATUS_INTERNAL`.
//! * A signature that does not hold is no failure: the call is done, and the
//!   report tells.
//!
//! Built with
//! `cargo rustc --release --lib --features capi --crate-type cdylib`.
#![allow(unsafe_code)] // every block says what the caller must keep
#![allow(clippy::missing_safety_doc)] // the contract on pointers is one for all: above

mod boundary;
mod envelope;
mod handle;
mod key;
mod sign;
mod status;
mod validate;

pub use envelope::*;
pub use handle::*;
pub use key::*;
pub use sign::*;
pub use status::*;
pub use validate::*;
