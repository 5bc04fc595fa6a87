//! All that is found out about a received message: the envelope, each attachment's
//! signatures, and who signed in which role.

use std::collections::BTreeMap;
use std::fmt;

use crate::cms::SignedData;
use crate::envelope::Attachment;
use crate::envelope::Check;
use crate::envelope::Envelope;
use crate::envelope::PayloadSink;
use crate::error::Error;
use crate::error::Misuse;
use crate::exchange::detached;
use crate::exchange::signed_by::Role;
use crate::exchange::signed_by::SignedBy;
use crate::exchange::signed_by::Signing;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::limits::Limits;
use crate::pdf::Pdf;
use crate::source::Source;
use crate::source::Spool;
use crate::source::each_chunk;
use crate::validate::CertificateSummary;
use crate::validate::Overall;
use crate::validate::Report;

/// An attachment that can hold signatures, to be validated.
#[non_exhaustive]
pub struct SignedFile<'f> {
    /// Its octets.
    pub source: &'f dyn Source,
    /// What it is.
    pub kind: SignedKind<'f>,
}

/// The formats of signed attachments that are validated.
#[non_exhaustive]
pub enum SignedKind<'f> {
    /// A PDF document.
    Pdf(&'f Pdf<'f>),
    /// A CMS signature.
    Cms {
        /// The signature.
        signed: &'f SignedData,
        /// What it covers, where that is not inside of it: another attachment of the message.
        content: Option<&'f dyn Source>,
    },
}

impl fmt::Debug for SignedFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedFile").field("octets", &self.source.len()).field("kind", &self.kind).finish()
    }
}

impl fmt::Debug for SignedKind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pdf(_) => f.write_str("Pdf"),
            Self::Cms { content, .. } => f.debug_struct("Cms").field("content", &content.map(|c| c.len())).finish(),
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
    /// For a detached signature: which attachment of the message it was validated over.
    pub signs: Option<usize>,
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
    /// what it comes to. `roles` tells in which role a certificate signs; [`by_subject`](super::by_subject) is one choice.
    ///
    /// A detached signature (`X.pdf.p7s`, or `X.p7s`) is validated over the attachment that
    /// its name speaks of, where only one can be meant.
    ///
    /// Files that hold signatures are held in memory one at a time; others pass through in
    /// constant memory.
    ///
    /// # Errors
    /// Where the source cannot be read, and what `judge` returns.
    pub fn make<E: From<Error>>(
        envelope: &Envelope<'_>,
        judge: impl FnMut(&SignedFile<'_>) -> Result<Report, E>,
        roles: &dyn Fn(&CertificateSummary) -> Option<Role>,
    ) -> Result<Self, E> {
        Self::make_with(envelope, &mut Vec::new(), judge, roles)
    }

    /// As [`make`](Self::make), with a place for the files that hold signatures, so that
    /// large ones need no memory.
    ///
    /// # Errors
    /// As there, and what `spool` reports.
    pub fn make_with<E: From<Error>>(
        envelope: &Envelope<'_>,
        spool: &mut dyn Spool,
        mut judge: impl FnMut(&SignedFile<'_>) -> Result<Report, E>,
        roles: &dyn Fn(&CertificateSummary) -> Option<Role>,
    ) -> Result<Self, E> {
        let mut keeping = Keeping::new(envelope, spool, &mut judge);
        let checked = envelope.check_into(&mut keeping);
        let Keeping { stopped, mut outcomes, detached, .. } = keeping;
        if let Some(e) = stopped {
            return Err(e);
        }
        let mut check = checked?;
        let mut told = Vec::new();
        for (content, signatures) in detached::pair(&check, &detached) {
            let attachment = |index: usize| envelope.attachments().get(index);
            let over = match content.and_then(attachment) {
                Some(attachment) => Some(kept(envelope, attachment, spool)?),
                None => None,
            };
            for detached::Signature { index, finding } in signatures {
                let mut octets = Vec::new();
                if let Some(attachment) = attachment(index) {
                    kept(envelope, attachment, &mut octets)?;
                }
                let (result, is_detached) = validate(&octets, over, &mut judge)?;
                let signs = content.filter(|_| is_detached);
                told.extend(finding.filter(|_| is_detached).map(|finding| (index, finding)));
                outcomes.insert(index, Outcome { result, signs });
            }
        }
        for (index, outcome) in &outcomes {
            let finding = match &outcome.result {
                Ok(report) => finding_on(report.overall()),
                Err(finding) => Some(finding.clone()),
            };
            told.extend(finding.map(|finding| (*index, finding)));
        }
        told.sort_by_key(|(index, _)| *index);
        check.findings.extend(told.into_iter().map(|(index, finding)| {
            let place = envelope.attachments().get(index).map(Attachment::place);
            finding.at(place.unwrap_or_default())
        }));
        let attachments = check.attachments.iter().enumerate().map(|(index, attachment)| {
            match (outcomes.remove(&index), &attachment.content) {
                (Some(Outcome { result: Ok(report), signs }), _) => {
                    let signed_by = SignedBy::of(&report, roles);
                    let signing = signed_by.signing(&report);
                    AttachmentReceipt { validation: Some(report), signed_by, signing, signs }
                }
                (Some(Outcome { result: Err(_), .. }), _) | (None, None) => {
                    AttachmentReceipt::without(Signing::Unreadable)
                }
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
    /// among those that can hold signatures. A file under a detached signature is what that signature makes it.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let good = |s| matches!(s, Signing::Complete | Signing::AgencyOnly | Signing::NotLookedAt);
        let beside = |index| self.attachments.iter().any(|a| a.signs == Some(index) && good(a.signing));
        let each = |(index, a): (usize, &AttachmentReceipt)| {
            good(a.signing) || (a.signing == Signing::Unsigned && beside(index))
        };
        self.attachments.iter().any(|a| a.signing == Signing::Complete) && self.attachments.iter().enumerate().all(each)
    }
}

impl AttachmentReceipt {
    fn without(signing: Signing) -> Self {
        Self { validation: None, signed_by: SignedBy::default(), signing, signs: None }
    }
}

/// What one file came to: its report, or why it cannot be read.
struct Outcome {
    result: Result<Report, Finding>,
    signs: Option<usize>,
}

/// Keeps each file that can hold signatures until its end, and has it validated then.
struct Keeping<'k, J, E> {
    attachments: &'k [Attachment],
    spool: &'k mut dyn Spool,
    judge: &'k mut J,
    /// The attachment that is passing by.
    index: usize,
    head: Vec<u8>,
    wanted: Option<bool>,
    outcomes: BTreeMap<usize, Outcome>,
    /// Signatures whose content may be another attachment: they wait until all are known.
    detached: Vec<usize>,
    stopped: Option<E>,
}

impl<'k, J, E> Keeping<'k, J, E> {
    fn new(envelope: &'k Envelope<'_>, spool: &'k mut dyn Spool, judge: &'k mut J) -> Self {
        let (attachments, head, outcomes, detached) =
            (envelope.attachments(), Vec::with_capacity(HEAD), BTreeMap::new(), Vec::new());
        Self { attachments, spool, judge, index: 0, head, wanted: None, outcomes, detached, stopped: None }
    }

    /// Decides by the first octets; what was held back follows.
    fn decide(&mut self) -> Result<bool, Error> {
        if let Some(wanted) = self.wanted {
            return Ok(wanted);
        }
        let wanted = is_pdf(&self.head) || is_cms(&self.head);
        self.wanted = Some(wanted);
        if wanted {
            self.spool.put(&self.head)?;
        }
        Ok(wanted)
    }
}

impl<J: FnMut(&SignedFile<'_>) -> Result<Report, E>, E: From<Error>> PayloadSink for Keeping<'_, J, E> {
    fn take(&mut self, _: &Attachment, octets: &[u8]) -> Result<(), Error> {
        let mut octets = octets;
        if self.wanted.is_none() {
            let count = octets.len().min(HEAD.saturating_sub(self.head.len()));
            let (head, rest) = octets.split_at_checked(count).unwrap_or((octets, &[]));
            self.head.extend_from_slice(head);
            if self.head.len() < HEAD {
                return Ok(());
            }
            octets = rest;
        }
        if self.decide()? { self.spool.put(octets) } else { Ok(()) }
    }

    fn end(&mut self, attachment: &Attachment, whole: bool) -> Result<(), Error> {
        let index = self.index;
        self.index += 1;
        debug_assert!(self.attachments.get(index).is_some_and(|a| std::ptr::eq(a, attachment)));
        if whole && self.decide()? {
            let source = self.spool.source()?;
            if detached::is_name(attachment.declared().name.as_deref()) && !is_pdf(&self.head) && source.len() <= LONG {
                self.detached.push(index);
            } else {
                match validate(source, None, self.judge) {
                    Ok((result, _)) => {
                        self.outcomes.insert(index, Outcome { result, signs: None });
                    }
                    Err(e) => {
                        self.stopped = Some(e);
                        return Err(Misuse::new("the judge has failed").into());
                    }
                }
            }
        }
        self.spool.clear()?;
        self.head.clear();
        self.wanted = None;
        Ok(())
    }
}

/// An attachment in the spool, once more.
fn kept<'s>(
    envelope: &Envelope<'_>,
    attachment: &Attachment,
    spool: &'s mut dyn Spool,
) -> Result<&'s dyn Source, Error> {
    spool.clear()?;
    envelope.unpack(attachment, &mut |octets| spool.put(octets))?;
    spool.source()
}

/// A CMS file of more octets is read with its content left where it is.
const LONG: u64 = 16 << 20;

/// Validates a file, or says why it cannot be read; and whether it is a signature without its content.
fn validate<E: From<Error>>(
    source: &dyn Source,
    content: Option<&dyn Source>,
    judge: &mut impl FnMut(&SignedFile<'_>) -> Result<Report, E>,
) -> Result<(Result<Report, Finding>, bool), E> {
    let unreadable = |code, what, e: &Error| {
        let finding = Finding::error(code, format!("the attached {what} cannot be read: {e}"));
        Ok((Err(finding), false))
    };
    let limits = Limits::default();
    let mut head = [0; HEAD];
    let count = source.read_at(0, &mut head)?;
    let head = head.get(..count).unwrap_or_default();
    if is_pdf(head) {
        return match Pdf::parse(source, &limits) {
            Ok(pdf) => judge(&SignedFile { source, kind: SignedKind::Pdf(&pdf) }).map(|report| (Ok(report), false)),
            Err(e @ Error::Io(_)) => Err(e.into()),
            Err(e) => unreadable("ATTACHMENT_PDF_UNREADABLE", "PDF", &e),
        };
    }
    let read = if source.len() > LONG && head.first() == Some(&0x30) {
        SignedData::from_source(source, &limits)
    } else {
        SignedData::from_file(&whole(source)?, &limits).map(|signed| (signed, None))
    };
    match read {
        Ok((signed, inside)) => {
            // A signature that holds its content covers that, whatever its name says.
            let is_detached = inside.is_none() && signed.content().is_none();
            let content = match &inside {
                Some(inside) => Some(inside as &dyn Source),
                None => content.filter(|_| is_detached).map(|content| content as &dyn Source),
            };
            let report = judge(&SignedFile { source, kind: SignedKind::Cms { signed: &signed, content } })?;
            Ok((Ok(report), is_detached))
        }
        Err(e @ Error::Io(_)) => Err(e.into()),
        Err(e) => unreadable("ATTACHMENT_CMS_UNREADABLE", "CMS signature", &e),
    }
}

fn whole(source: &dyn Source) -> Result<Vec<u8>, Error> {
    let mut octets = Vec::new();
    each_chunk(source, |part| {
        octets.extend_from_slice(part);
        Ok(())
    })?;
    Ok(octets)
}

/// What a person must not pass over.
fn finding_on(overall: Overall) -> Option<Finding> {
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

    use super::Receipt;
    use crate::error::Error;
    use crate::error::Format;
    use crate::error::Malformed;
    use crate::exchange::signed_by::Party;
    use crate::validate::Report;

    impl Receipt {
        /// As [`Check::to_json`](crate::envelope::Check::to_json), with `signing`,
        /// `signed_by` and `signs` (the place of the attachment under a detached signature) at each attachment, and `envelope_signature`.
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
                object.insert("signs".to_owned(), json!(ours.signs));
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
