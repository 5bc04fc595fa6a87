//! Files: output that appears whole or not at all, documents read in place, and appended to or left as they were.
//!
//! The only part of the crate, tokens and network aside, that touches the
//! operating system; nothing else depends on it.

mod append;
mod output;
mod source;
mod spool;
mod trust;

pub use append::append;
pub use append::recover;
pub use output::Output;
pub use source::FileSource;
pub use spool::FileSpool;
pub use trust::read_trust_set;
pub use trust::write_trust_set;
