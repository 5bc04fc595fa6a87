//! The rules of the exchange: which message may follow which, and what each obliges to.
//!
//! A [`Delivery`] is one document between its sender and one receiver, as one of the
//! two knows it. [`Delivery::step`] takes the next message and says what is
//! now the case and what has to be done; it stores nothing and sends nothing. A
//! [`Register`] keeps the deliveries of one organisation with the records of
//! Decree 30/2020/NĐ-CP, Annex VI, and gives each message to those that it concerns.
//! [`Receipt`] is all that is found out about one received message.
//!
//! Messages arrive twice, late and in another order than they were sent. A
//! delivery ends in the same state in whatever order statuses come in, and
//! an agreement is counted for no request but the one that it can only belong to.

mod delivery;
mod detached;
mod event;
mod messages;
mod receipt;
mod record;
mod register;
mod signed_by;

pub use delivery::Answer;
pub use delivery::Content;
pub use delivery::Delivery;
pub use delivery::Duty;
pub use delivery::Progress;
pub use delivery::Request;
pub use delivery::Ruling;
pub use delivery::Side;
pub use delivery::Step;
pub use event::Event;
pub use event::EventKind;
pub use event::RequestKind;
pub use messages::vietnamese;
pub use receipt::AttachmentReceipt;
pub use receipt::Receipt;
pub use receipt::SignedFile;
pub use receipt::SignedKind;
pub use record::Field;
pub use record::FieldType;
pub use record::FileCode;
pub use record::INCOMING;
pub use record::OUTGOING;
pub use record::Record;
pub use record::SentTo;
pub use record::SignedAs;
pub use register::Entry;
pub use register::Key;
pub use register::Logged;
pub use register::Register;
pub use register::Taken;
pub use signed_by::Party;
pub use signed_by::Role;
pub use signed_by::SignedBy;
pub use signed_by::Signing;
pub use signed_by::by_subject;
