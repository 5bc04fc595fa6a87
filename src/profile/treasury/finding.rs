//! What is wrong or missing, and of whom.

use super::policy::Position;
use super::policy::Role;
use crate::finding::Severity;
use crate::time::Time;
use crate::validate::Language;

/// What keeps a voucher from being signed as it has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Problem {
    /// The document as a whole has a fault.
    DocumentFault,
    /// A signature failed.
    SignatureFailed,
    /// A signature is neither valid nor invalid as yet.
    SignatureUndecided,
    /// A signature covers only part of the document.
    NotWhole,
    /// The document was changed after a signature.
    ChangedAfterwards,
    /// A signature is valid, and its certificate is nobody's whom the policy knows.
    UnknownSigner,
    /// The signer has no role in this kind of transaction.
    OtherTransaction,
    /// The signer had no role when the signature was made.
    OutsideAppointment,
    /// The signer had a role at the claimed time, which nothing proves.
    TimeNotProven,
    /// The certificate has another name than the person.
    NameDiffers,
    /// The certificate has another title than the appointment, or lacks a demanded one.
    TitleDiffers,
    /// A demanded signature is not there.
    Missing,
    /// First and second signature are of the same person.
    SamePerson,
    /// The signatures were given in the wrong order.
    WrongOrder,
    /// Nothing proves in which order they were given.
    OrderNotProven,
}

impl Problem {
    /// A stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::DocumentFault => "DOCUMENT_FAULT",
            Self::SignatureFailed => "SIGNATURE_FAILED",
            Self::SignatureUndecided => "SIGNATURE_UNDECIDED",
            Self::NotWhole => "NOT_WHOLE",
            Self::ChangedAfterwards => "CHANGED_AFTERWARDS",
            Self::UnknownSigner => "UNKNOWN_SIGNER",
            Self::OtherTransaction => "OTHER_TRANSACTION",
            Self::OutsideAppointment => "OUTSIDE_APPOINTMENT",
            Self::TimeNotProven => "TIME_NOT_PROVEN",
            Self::NameDiffers => "NAME_DIFFERS",
            Self::TitleDiffers => "TITLE_DIFFERS",
            Self::Missing => "MISSING",
            Self::SamePerson => "SAME_PERSON",
            Self::WrongOrder => "WRONG_ORDER",
            Self::OrderNotProven => "ORDER_NOT_PROVEN",
        }
    }

    /// An error breaks a rule, a warning leaves something open, the rest is worth knowing.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::UnknownSigner => Severity::Info,
            Self::SignatureUndecided | Self::TimeNotProven | Self::Missing | Self::OrderNotProven => Severity::Warning,
            _ => Severity::Error,
        }
    }
}

/// A person in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signatory {
    /// The person's identifier in the policy.
    pub person: String,
    /// The full name.
    pub name: String,
    /// The title.
    pub title: String,
    /// The role.
    pub role: Role,
}

/// One thing that is wrong or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleFinding {
    /// What.
    pub problem: Problem,
    /// Which of the two signatures, where that is known.
    pub position: Option<Position>,
    /// The name of the signature in the document, where it is about one.
    pub signature: Option<String>,
    /// Whose it is; for one that is missing, all who could give it.
    pub people: Vec<Signatory>,
    /// When the signature was made as far as is known, where that is what matters.
    pub time: Option<Time>,
    /// Particulars: a sub-indication, what stands in the certificate.
    pub detail: String,
}

impl RoleFinding {
    pub(super) const fn new(problem: Problem) -> Self {
        Self { problem, position: None, signature: None, people: Vec::new(), time: None, detail: String::new() }
    }

    /// The sentence. What comes out of the document in it is stripped of control characters.
    #[must_use]
    pub fn message(&self, language: Language) -> String {
        let vietnamese = language == Language::Vietnamese;
        let signature = self.signature.as_deref().map(plain).unwrap_or_default();
        let detail = plain(&self.detail);
        let who = self.who(language);
        let position = self.position.map(|position| position.name(language)).unwrap_or_default();
        let when = self.time.map(|time| time.to_rfc3339(if vietnamese { 7 * 60 } else { 0 })).unwrap_or_default();
        if vietnamese {
            return match self.problem {
                Problem::DocumentFault => format!("tài liệu có lỗi: {detail}"),
                Problem::SignatureFailed => format!("chữ ký \"{signature}\"{who} không hợp lệ ({detail})"),
                Problem::SignatureUndecided => {
                    format!("chưa xác định được hiệu lực của chữ ký \"{signature}\"{who} ({detail})")
                }
                Problem::NotWhole => format!("chữ ký \"{signature}\"{who} không bao trùm toàn bộ tài liệu"),
                Problem::ChangedAfterwards => format!("tài liệu đã bị thay đổi sau chữ ký \"{signature}\"{who}"),
                Problem::UnknownSigner => {
                    format!("chữ ký \"{signature}\" không thuộc người nào đã đăng ký, không được tính ({detail})")
                }
                Problem::OtherTransaction => {
                    format!("chữ ký \"{signature}\"{who}: người ký không có vai trò trong loại giao dịch {detail}")
                }
                Problem::OutsideAppointment => {
                    format!("chữ ký \"{signature}\"{who}: người ký không có thẩm quyền tại thời điểm {when}")
                }
                Problem::TimeNotProven => format!(
                    "chữ ký \"{signature}\"{who}: thẩm quyền chỉ có ở thời điểm ký tự khai {when}, cần dấu thời gian để chứng minh"
                ),
                Problem::NameDiffers => format!(
                    "chữ ký \"{signature}\"{who}: họ tên trong chứng thư số là \"{detail}\", không đúng với đăng ký"
                ),
                Problem::TitleDiffers => format!(
                    "chữ ký \"{signature}\"{who}: chức danh trong chứng thư số là \"{detail}\", không đúng với đăng ký"
                ),
                Problem::Missing => format!("thiếu {position}; người có thể ký: {}", self.list(language)),
                Problem::SamePerson => format!("chữ ký thứ nhất và chữ ký thứ hai là của cùng một người{who}"),
                Problem::WrongOrder => "các chữ ký không đúng thứ tự".to_owned(),
                Problem::OrderNotProven => {
                    "không có gì chứng minh thứ tự ký; cần dấu thời gian trên từng chữ ký".to_owned()
                }
            };
        }
        match self.problem {
            Problem::DocumentFault => format!("the document has a fault: {detail}"),
            Problem::SignatureFailed => format!("the signature \"{signature}\"{who} is not valid ({detail})"),
            Problem::SignatureUndecided => {
                format!("whether the signature \"{signature}\"{who} is valid is not known yet ({detail})")
            }
            Problem::NotWhole => format!("the signature \"{signature}\"{who} does not cover the whole document"),
            Problem::ChangedAfterwards => format!("the document was changed after the signature \"{signature}\"{who}"),
            Problem::UnknownSigner => {
                format!("the signature \"{signature}\" is of nobody who was notified and does not count ({detail})")
            }
            Problem::OtherTransaction => {
                format!(
                    "the signature \"{signature}\"{who}: the signer has no role in transactions of the kind {detail}"
                )
            }
            Problem::OutsideAppointment => {
                format!("the signature \"{signature}\"{who}: the signer had no role at {when}")
            }
            Problem::TimeNotProven => format!(
                "the signature \"{signature}\"{who}: the signer had a role at the claimed signing time {when} alone, which needs a time-stamp to be proven"
            ),
            Problem::NameDiffers => format!(
                "the signature \"{signature}\"{who}: the name in the certificate is \"{detail}\", which is not the one notified"
            ),
            Problem::TitleDiffers => format!(
                "the signature \"{signature}\"{who}: the title in the certificate is \"{detail}\", which is not the one notified"
            ),
            Problem::Missing => format!("the {position} is missing; it can be given by: {}", self.list(language)),
            Problem::SamePerson => format!("the first and the second signature are of the same person{who}"),
            Problem::WrongOrder => "the signatures were given in the wrong order".to_owned(),
            Problem::OrderNotProven => "nothing proves the order of the signatures; each needs a time-stamp".to_owned(),
        }
    }

    /// Whose signature it is, in brackets.
    fn who(&self, language: Language) -> String {
        let of = if language == Language::Vietnamese { "của" } else { "of" };
        self.people.first().map(|p| format!(" ({of} {}, {})", plain(&p.name), plain(&p.title))).unwrap_or_default()
    }

    fn list(&self, language: Language) -> String {
        if self.people.is_empty() {
            return match language {
                Language::Vietnamese => "chưa có ai được đăng ký".to_owned(),
                _ => "nobody is appointed".to_owned(),
            };
        }
        let one = |p: &Signatory| format!("{} ({}, {})", plain(&p.name), plain(&p.title), p.role.name(language));
        self.people.iter().map(one).collect::<Vec<_>>().join("; ")
    }
}

/// Text of a stranger without what steers terminals or turns lines around.
fn plain(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{FFFD}' } else { c }).collect()
}
