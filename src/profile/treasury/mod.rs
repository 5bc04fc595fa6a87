//! State Treasury (Kho bạc Nhà nước): who has to sign a voucher, as data, and
//! whether the signatures of a document are those.
//!
//! A voucher carries a *first signature* (chữ ký thứ nhất), of the account
//! holder or somebody authorised by the holder, and a *second signature* (chữ ký
//! thứ hai), of the chief accountant or somebody authorised; some units have no
//! second one. First and second are roles, not an order of time (Circular
//! 18/2020/TT-BTC, articles 3.6 and 8). The unit notifies the Treasury of each
//! person's certificate, role and kinds of transaction.
//!
//! That notification is a [`RolePolicy`]. [`RolePolicy::judge`] is a pure
//! function of it and of a validation report; no format of the Treasury is built
//! in, and whatever has a [`Report`](crate::validate::Report) or implements
//! [`SignedDocument`] can be judged. Only signatures that are TOTAL-PASSED fulfil
//! a role.
//!
//! The certificates themselves are asked for with an [`Applicant`] for each
//! person, a [`SubjectTemplate`], and a [`RequestList`] for the issuing office.
//!
//! ```
//! # use kyso::{Error, Time, profile::treasury::*};
//! # fn main() -> Result<(), Error> {
//! let from = Time::parse_rfc3339("2026-01-01T00:00:00+07:00")?;
//! let mut policy = RolePolicy::new("Phòng Tài chính huyện Càng Long", SecondSignature::Demanded);
//! policy.transactions = vec![TransactionKind::new("chuyen-tien", "Chuyển tiền")];
//! policy.persons = vec![
//!     Person::new("p1", "Nguyễn Văn An").certificate("aa".repeat(32)),
//!     Person::new("p2", "Trần Thị Bình").certificate("bb".repeat(32)),
//! ];
//! policy.appointments = vec![
//!     Appointment::new("p1", Role::AccountHolder, "Trưởng phòng", Transactions::All, from),
//!     Appointment::new("p2", Role::ChiefAccountant, "Kế toán trưởng", Transactions::All, from),
//! ];
//! policy.check()?;
//! # Ok(()) }
//! ```

mod document;
mod enrolment;
mod finding;
#[cfg(feature = "serde")]
mod json;
mod judge;
mod policy;

pub use document::SignatureFacts;
pub use document::SignatureVerdict;
pub use document::SignedDocument;
pub use enrolment::Applicant;
pub use enrolment::RequestList;
pub use enrolment::Separator;
pub use enrolment::SubjectTemplate;
pub use finding::Problem;
pub use finding::RoleFinding;
pub use finding::Signatory;
pub use judge::Fulfilment;
pub use judge::RoleOutcome;
pub use judge::RoleReport;
pub use policy::Appointment;
pub use policy::Order;
pub use policy::Person;
pub use policy::Position;
pub use policy::Role;
pub use policy::RolePolicy;
pub use policy::SecondSignature;
pub use policy::SubjectRule;
pub use policy::TransactionKind;
pub use policy::Transactions;
