//! PDF: a lazy, strict reader that keeps offsets, and an incremental writer.

mod lexer;
pub mod object;
mod source;

pub use object::Object;
pub use source::Source;
