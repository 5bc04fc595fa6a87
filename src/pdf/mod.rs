//! PDF: a lazy, strict reader that keeps offsets, and an incremental writer.

mod document;
mod filter;
mod layout;
mod lexer;
pub mod object;
mod source;
mod xref;

pub use document::Pdf;
pub use document::Revision;
pub use object::Object;
pub use source::Source;
pub use xref::XrefForm;
