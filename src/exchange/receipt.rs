//! All that is found out about a received message: the envelope, each attachment's
//! signatures, and who signed in which role.

use std::collections::BTreeMap;

use crate::cms::SignedData;
use crate::envelope::Attachment;
use crate::envelope::Check;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::limits::Limits;
use crate::pdf::Pdf;
use crate::validate::CertificateSummary;
use crate::validate::Changes;
use crate::validate::Coverage;
use crate::validate::Integrity;
use crate::validate::Overall;
use crate::validate::Report;
use crate::validate::SignatureKind;
use crate::validate::SignatureReport;

/// An attachment that can hold signatures, to be validated.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedFile<'f> {
    /// Its octets.
    pub octets: &'f [u8],
    /// What it is.
    pub kind: SignedKind<'f>,
}

/// The formats of signed attachments that are validated.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignedKind<'f> {
    /// A PDF document.
    Pdf(&'f Pdf<'f>),
    /// A CMS signature, with its content in it or, as these messages have it, without.
    Cms(&'f SignedData),
}

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

fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
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

/// What was found out about one attachment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AttachmentReceipt {
    /// The validation; it speaks of the octets whose SHA-256 stands in the check at the same place.
    pub validation: Option<Report>,
    /// Who signed.
    pub signed_by: SignedBy,
    /// What it comes to.
    pub signing: Signing,
}

/// One report on a received message.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Receipt {
    /// Envelope and payloads, with every finding.
    pub check: Check,
    /// The attachments, in document order, as in the check.
    pub attachments: Vec<AttachmentReceipt>,
    /// Whether the envelope has a `Signature` element of its own. It counts for nothing.
    pub envelope_signature: bool,
}

impl Receipt {
    /// Reads every payload, has each signed file validated by `judge`, and puts together
    /// what it comes to. `roles` tells in which role a certificate signs; [`by_subject`] is one choice.
    ///
    /// Files that hold signatures are held in memory one at a time; others pass through in
    /// constant memory.
    ///
    /// # Errors
    /// Where the source cannot be read, and what `judge` returns.
    pub fn make<E: From<Error>>(
        envelope: &Envelope<'_>,
        mut judge: impl FnMut(&SignedFile<'_>) -> Result<Report, E>,
        roles: &dyn Fn(&CertificateSummary) -> Option<Role>,
    ) -> Result<Self, E> {
        let mut reports: BTreeMap<usize, Option<Report>> = BTreeMap::new();
        let mut stopped = None;
        let mut more = Vec::new();
        let mut check = envelope.check_with(&is_signed, &mut |attachment, octets| {
            if stopped.is_some() {
                return;
            }
            match validate(octets, &mut judge) {
                Ok(Ok(report)) => {
                    more.extend(told(report.overall()).map(|f| f.at(attachment.place())));
                    reports.insert(place(envelope, attachment), Some(report));
                }
                Ok(Err(finding)) => {
                    more.push(finding.at(attachment.place()));
                    reports.insert(place(envelope, attachment), None);
                }
                Err(e) => stopped = Some(e),
            }
        })?;
        if let Some(e) = stopped {
            return Err(e);
        }
        check.findings.append(&mut more);
        let attachments = check.attachments.iter().enumerate().map(|(index, attachment)| {
            match (reports.remove(&index), &attachment.content) {
                (Some(Some(report)), _) => {
                    let signed_by = SignedBy::of(&report, roles);
                    let signing = signed_by.signing(&report);
                    AttachmentReceipt { validation: Some(report), signed_by, signing }
                }
                (Some(None), _) | (None, None) => AttachmentReceipt::without(Signing::Unreadable),
                (None, Some(_)) => AttachmentReceipt::without(Signing::NotLookedAt),
            }
        });
        let attachments = attachments.collect();
        Ok(Self { attachments, envelope_signature: envelope.signature().is_some(), check })
    }

    /// The weightiest finding.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.check.severity()
    }

    /// Whether one attachment is an original, and no other one is unsigned, failed or undecided
    /// among those that can hold signatures.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let states = || self.attachments.iter().map(|a| a.signing);
        let good = |s| matches!(s, Signing::Complete | Signing::AgencyOnly | Signing::NotLookedAt);
        states().any(|s| s == Signing::Complete) && states().all(good)
    }
}

impl AttachmentReceipt {
    fn without(signing: Signing) -> Self {
        Self { validation: None, signed_by: SignedBy::default(), signing }
    }
}

impl SignedBy {
    fn of(report: &Report, roles: &dyn Fn(&CertificateSummary) -> Option<Role>) -> Self {
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

    fn signing(&self, report: &Report) -> Signing {
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

fn place(envelope: &Envelope<'_>, attachment: &Attachment) -> usize {
    envelope.attachments().iter().position(|a| std::ptr::eq(a, attachment)).unwrap_or_default()
}

/// Validates a file, or says why it cannot be read.
fn validate<E: From<Error>>(
    octets: &[u8],
    judge: &mut impl FnMut(&SignedFile<'_>) -> Result<Report, E>,
) -> Result<Result<Report, Finding>, E> {
    if is_pdf(octets.get(..HEAD).unwrap_or(octets)) {
        return match Pdf::parse(octets, &Limits::default()) {
            Ok(pdf) => judge(&SignedFile { octets, kind: SignedKind::Pdf(&pdf) }).map(Ok),
            Err(e) => {
                let message = format!("the attached PDF cannot be read: {e}");
                Ok(Err(Finding::error("ATTACHMENT_PDF_UNREADABLE", message)))
            }
        };
    }
    match SignedData::from_file(octets, &Limits::default()) {
        Ok(signed) => judge(&SignedFile { octets, kind: SignedKind::Cms(&signed) }).map(Ok),
        Err(e) => {
            let message = format!("the attached CMS signature cannot be read: {e}");
            Ok(Err(Finding::error("ATTACHMENT_CMS_UNREADABLE", message)))
        }
    }
}

/// What a person must not pass over.
fn told(overall: Overall) -> Option<Finding> {
    match overall {
        Overall::TotalFailed => {
            Some(Finding::error("ATTACHMENT_SIGNATURE_FAILED", "a signature of the attached file is not valid"))
        }
        Overall::Indeterminate => Some(Finding::warning(
            "ATTACHMENT_SIGNATURE_UNDECIDED",
            "it is not decided whether the signatures of the attached file are valid",
        )),
        _ => None,
    }
}

/// The first octets by which a file is known.
const HEAD: usize = 1_024;

fn is_signed(head: &[u8]) -> bool {
    is_pdf(head) || is_cms(head)
}

/// Readers take a PDF whose header does not stand at the very start.
fn is_pdf(head: &[u8]) -> bool {
    head.windows(5).any(|w| w == b"%PDF-")
}

/// ContentInfo of a SignedData (RFC 5652 §3), or its PEM.
fn is_cms(head: &[u8]) -> bool {
    const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
    let start = head.get(..24).unwrap_or(head);
    let der = start.first() == Some(&0x30) && start.windows(SIGNED_DATA.len()).any(|w| w == SIGNED_DATA);
    der || head.starts_with(b"-----BEGIN PKCS7-----") || head.starts_with(b"-----BEGIN CMS-----")
}

#[cfg(feature = "serde")]
mod json {
    use serde_json::Value;
    use serde_json::json;

    use super::Party;
    use super::Receipt;
    use crate::error::Error;
    use crate::error::Format;
    use crate::error::Malformed;
    use crate::validate::Report;

    impl Receipt {
        /// As [`Check::to_json`](crate::envelope::Check::to_json), with `signing` and
        /// `signed_by` at each attachment, and `envelope_signature`.
        ///
        /// # Errors
        /// None that is known.
        pub fn to_json(&self) -> Result<String, Error> {
            let validations: Vec<Option<String>> =
                self.attachments.iter().map(|a| a.validation.as_ref().map(Report::to_json)).collect();
            let text = self.check.to_json(&validations)?;
            let mut value: Value = serde_json::from_str(&text)
                .map_err(|e| Malformed::new(Format::State, "report on a message", "JSON").found(e))?;
            let party = |p: &Option<Party>| {
                p.as_ref().map(|p| {
                    let (index, indication) = (p.index, p.indication.name());
                    json!({ "signature": index, "signer": p.signer, "indication": indication, "trust_set": p.trust_set })
                })
            };
            let list = value.get_mut("attachments").and_then(Value::as_array_mut);
            for (attachment, ours) in list.into_iter().flatten().zip(&self.attachments) {
                let Some(object) = attachment.as_object_mut() else { continue };
                object.insert("signing".to_owned(), json!(ours.signing.name()));
                let by = &ours.signed_by;
                let (officer, agency) = (party(&by.officer), party(&by.agency));
                let by = json!({
                    "officer": officer,
                    "agency": agency,
                    "in_order": by.in_order,
                    "whole_document": by.whole_document,
                });
                object.insert("signed_by".to_owned(), by);
            }
            if let Some(object) = value.as_object_mut() {
                object.insert("complete".to_owned(), json!(self.is_complete()));
                let signature = if self.envelope_signature { "not-counted" } else { "none" };
                object.insert("envelope_signature".to_owned(), json!(signature));
            }
            Ok(value.to_string())
        }
    }
}
