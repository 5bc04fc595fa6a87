//! edXML: the envelope of the inter-agency document exchange (QCVN 102:2016/BTTTT,
//! amended in 2022).
//!
//! A message carries a document from one organisation to others, or a status
//! back. [`Envelope::read`] takes what agencies really send and tells every
//! deviation as a [`Finding`](crate::Finding); [`Writer`] writes only what the reader would not
//! remark on.
//!
//! The envelope is not authentic, whatever stands in it: software on the way
//! rewrites it, and its own `Signature` element protects nothing. What counts
//! are the signatures inside of the attachments, which this module hands out
//! as octets and does not judge.

mod check;
pub mod code;
mod emit;
mod fields;
pub mod identifier;
mod messages;
pub mod model;
mod names;
mod pack;
mod parse;
mod payload;
mod read;
pub mod value;
mod write;

pub use check::Check;
pub use check::CheckedAttachment;
pub use check::CheckedContent;
pub use check::PayloadSink;
pub use code::BusinessKind;
pub use code::StatusCode;
pub use identifier::DocumentId;
pub use identifier::OrganId;
pub use messages::vietnamese;
pub use model::Document;
pub use model::Message;
pub use model::Organization;
pub use model::Status;
pub use read::Attachment;
pub use read::Envelope;
pub use read::EnvelopeSignature;
pub use read::Packing;
pub use read::UnknownElement;
pub use read::Unpacked;
pub use value::Coded;
pub use value::Date;
pub use value::Timestamp;
pub use write::Enclosure;
pub use write::Writer;
