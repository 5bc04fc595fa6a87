//! PDF: a lazy, strict reader that keeps offsets, and an incremental writer.

pub mod appearance;
mod document;
mod filter;
pub mod font;
pub mod form;
pub mod image;
mod layout;
mod lexer;
pub mod object;
pub mod page;
mod source;
pub mod text;
pub mod update;
mod xref;

pub use appearance::Appearance;
pub use document::Pdf;
pub use document::Revision;
pub use font::Font;
pub use object::Object;
pub use source::Source;
pub use update::Update;
pub use xref::XrefForm;
