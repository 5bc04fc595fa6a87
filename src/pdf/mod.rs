//! PDF: a lazy, strict reader that keeps offsets, and an incremental writer.

mod digests;
mod document;
mod fields;
mod filter;
mod layout;
mod lexer;
pub mod object;
mod signature;
mod source;
mod xref;

pub use document::Pdf;
pub use document::Revision;
pub use fields::Field;
pub use object::Object;
pub use signature::Coverage;
pub use signature::FieldLock;
pub use signature::LockAction;
pub use signature::Permission;
pub use signature::SignatureFacts;
pub use signature::SignatureKind;
pub use signature::SubFilter;
pub use source::Source;
pub use xref::XrefForm;
