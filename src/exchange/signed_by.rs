//! Who signed a file, in which role, and what that comes to.

use crate::exchange::detached::folded;
use crate::validate::CertificateSummary;
use crate::validate::Changes;
use crate::validate::Coverage;
use crate::validate::Integrity;
use crate::validate::Overall;
use crate::validate::Report;
use crate::validate::SignatureKind;
use crate::validate::SignatureReport;

/// In which role somebody signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// The authorised person (người có thẩm quyền).
    Officer,
    /// The agency or organisation (cơ quan, tổ chức).
    Agency,
}

impl Role {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Officer => "officer",
            Self::Agency => "agency",
        }
    }
}

/// The role by the subject of a certificate, where that is plain: a title, or the number of
/// an identity card, makes an officer; a common name that is the organisation's own, or a
/// tax number without an identity card's, makes an agency.
///
/// Certificates of the field do not tell more. A list of the certificates of the agencies that one
/// receives from tells better, and can be given instead.
#[must_use]
pub fn by_subject(certificate: &CertificateSummary) -> Option<Role> {
    let id = certificate.subject_identifier.as_deref().unwrap_or_default();
    let starts = |prefix: &str| id.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if certificate.subject_title.is_some() || ["CCCD:", "CMND:", "HC:"].iter().any(|p| starts(p)) {
        return Some(Role::Officer);
    }
    let organisation = certificate.subject_organisation.as_deref().map(folded);
    let own = organisation.is_some_and(|o| o == folded(&certificate.subject_name));
    (own || starts("MST:")).then_some(Role::Agency)
}

/// One signature in a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Party {
    /// The place among the signatures of the report.
    pub index: usize,
    /// The signer, as the certificate names it.
    pub signer: String,
    /// The verdict on this signature.
    pub indication: Overall,
    /// The trust set whose anchor ends the path, where there is one.
    pub trust_set: Option<String>,
}

/// Who signed a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignedBy {
    /// The first signature of an authorised person.
    pub officer: Option<Party>,
    /// The last signature of an agency.
    pub agency: Option<Party>,
    /// Whether the agency signed after the officer; `None` where not both signed, or
    /// nothing tells.
    pub in_order: Option<bool>,
    /// Whether the last signature covers the whole file, but for validation data and time-stamps.
    pub whole_document: bool,
}

/// What the signatures of one file come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signing {
    /// No format that holds signatures, or none that is validated.
    NotLookedAt,
    /// The file cannot be read.
    Unreadable,
    /// No signature: for reference only (Decision 28/2018/QĐ-TTg).
    Unsigned,
    /// A signature is not valid.
    Failed,
    /// It is not decided whether a signature is valid.
    Undecided,
    /// Every signature is valid, and the last does not cover the whole file.
    NotCovered,
    /// Every signature is valid; whose they are, officer's or agency's, is not known.
    RolesUnknown,
    /// Valid, of an authorised person alone.
    OfficerOnly,
    /// Valid, of an agency alone: as annexes in files of their own, and copies, are signed.
    AgencyOnly,
    /// Valid, and the agency did not sign after the officer (Decree 30/2020/NĐ-CP, Article 32.2 d),
    /// or nothing tells.
    OutOfOrder,
    /// Valid, of the officer and then of the agency, over the whole file: an original (Article 5).
    Complete,
}

impl Signing {
    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotLookedAt => "not-looked-at",
            Self::Unreadable => "unreadable",
            Self::Unsigned => "unsigned",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
            Self::NotCovered => "not-covered",
            Self::RolesUnknown => "roles-unknown",
            Self::OfficerOnly => "officer-only",
            Self::AgencyOnly => "agency-only",
            Self::OutOfOrder => "out-of-order",
            Self::Complete => "complete",
        }
    }

    /// For people, in Vietnamese.
    #[must_use]
    pub const fn vi(self) -> &'static str {
        match self {
            Self::NotLookedAt => "không thuộc định dạng được kiểm tra chữ ký số",
            Self::Unreadable => "không đọc được tệp",
            Self::Unsigned => "không có chữ ký số, chỉ có giá trị tham khảo",
            Self::Failed => "có chữ ký số không hợp lệ",
            Self::Undecided => "chưa xác định được chữ ký số có hợp lệ hay không",
            Self::NotCovered => "chữ ký số hợp lệ nhưng không bao phủ toàn bộ tệp",
            Self::RolesUnknown => "chữ ký số hợp lệ; chưa rõ chữ ký nào của người có thẩm quyền, của cơ quan",
            Self::OfficerOnly => "chỉ có chữ ký số hợp lệ của người có thẩm quyền, chưa có của cơ quan",
            Self::AgencyOnly => "chỉ có chữ ký số hợp lệ của cơ quan",
            Self::OutOfOrder => "chữ ký số hợp lệ nhưng cơ quan không ký sau người có thẩm quyền",
            Self::Complete => {
                "đủ chữ ký số hợp lệ của người có thẩm quyền và của cơ quan, theo thứ tự, trên toàn bộ tệp"
            }
        }
    }

    /// For people, in English.
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Self::NotLookedAt => "no format whose signatures are validated",
            Self::Unreadable => "the file cannot be read",
            Self::Unsigned => "no signature: for reference only",
            Self::Failed => "a signature is not valid",
            Self::Undecided => "it is not decided whether a signature is valid",
            Self::NotCovered => "valid signatures that do not cover the whole file",
            Self::RolesUnknown => "valid signatures; which is the officer's and which the agency's is not known",
            Self::OfficerOnly => "a valid signature of the officer, none of the agency",
            Self::AgencyOnly => "a valid signature of the agency alone",
            Self::OutOfOrder => "valid signatures, but the agency did not sign after the officer",
            Self::Complete => "valid signatures of the officer and then of the agency, over the whole file",
        }
    }
}

impl SignedBy {
    pub(super) fn of(report: &Report, roles: &dyn Fn(&CertificateSummary) -> Option<Role>) -> Self {
        let signatures: Vec<(usize, &SignatureReport)> =
            report.signatures().iter().enumerate().filter(|(_, s)| s.kind() == SignatureKind::Signature).collect();
        let of_role = |role: Role| {
            let has = move |(_, s): &&(usize, &SignatureReport)| s.signer().and_then(roles) == Some(role);
            signatures.iter().filter(has)
        };
        let (officer, agency) = (of_role(Role::Officer).next(), of_role(Role::Agency).next_back());
        let in_order = match (officer, agency) {
            (Some((_, officer)), Some((_, agency))) if officer.coverage().is_none() => {
                // The signers of a CMS stand in no order, so that only proven times tell.
                let known = [officer, agency].iter().all(|s| !s.timestamps().is_empty());
                let (first, then) = (officer.best_signature_time(), agency.best_signature_time());
                (known && first != then).then_some(first < then)
            }
            (Some((first, _)), Some((then, _))) => Some(first < then),
            _ => None,
        };
        let party = |found: Option<&(usize, &SignatureReport)>| {
            found.map(|(index, s)| Party {
                index: *index,
                signer: s.signer().map(|c| c.subject_name.clone()).unwrap_or_default(),
                indication: s.indication().overall(),
                trust_set: s.trust_set().map(str::to_owned),
            })
        };
        let whole_document = signatures.last().is_some_and(|(_, s)| {
            s.integrity() == Integrity::Intact
                && match s.coverage() {
                    None | Some(Coverage::WholeDocument) => true,
                    Some(Coverage::Revision) => s.changes().is_none_or(|c| c <= Changes::Lta),
                    Some(_) => false,
                }
        });
        Self { officer: party(officer), agency: party(agency), in_order, whole_document }
    }

    pub(super) fn signing(&self, report: &Report) -> Signing {
        if !report.signatures().iter().any(|s| s.kind() == SignatureKind::Signature) {
            // A time-stamp alone says when, and not who.
            return if report.overall() == Overall::TotalFailed { Signing::Failed } else { Signing::Unsigned };
        }
        match report.overall() {
            Overall::TotalPassed => {}
            Overall::TotalFailed => return Signing::Failed,
            _ => return Signing::Undecided,
        }
        match (&self.officer, &self.agency) {
            _ if !self.whole_document => Signing::NotCovered,
            (None, None) => Signing::RolesUnknown,
            (Some(_), None) => Signing::OfficerOnly,
            (None, Some(_)) => Signing::AgencyOnly,
            (Some(_), Some(_)) if self.in_order == Some(true) => Signing::Complete,
            (Some(_), Some(_)) => Signing::OutOfOrder,
        }
    }
}
