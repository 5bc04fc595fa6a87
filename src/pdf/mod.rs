//! PDF: a lazy, strict reader that keeps offsets, and an incremental writer.

mod changes;
mod changes_graph;
mod changes_rules;
mod digests;
mod document;
mod dss;
mod fields;
mod filter;
mod layout;
mod lexer;
pub mod object;
mod signature;
mod source;
mod xref;

pub use changes::Change;
pub use changes::ChangeLevel;
pub use changes::Changes;
pub use changes::FieldChange;
pub use changes::History;
pub use document::Pdf;
pub use document::Revision;
pub use dss::SecurityStore;
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
