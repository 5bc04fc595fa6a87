//! What the signatures and the encryption of a document forbid whoever wants to go on with it.

use crate::error::Error;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::pdf::document::Pdf;
use crate::pdf::signature::Permission;
use crate::pdf::signature::SignatureFacts;
use crate::pdf::signature::SignatureKind;

/// What is about to be done to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent<'i> {
    /// Fields are added that are no signature fields.
    AddFields,
    /// An empty signature field is added, or one that is signed at once.
    AddSignatureField { visible: bool },
    /// A value is put into a field that is there.
    Fill(&'i str),
    /// A signature field that is there is signed.
    Sign(&'i str),
}

impl Intent<'_> {
    const fn words(self) -> &'static str {
        match self {
            Self::AddFields => "adding form fields",
            Self::AddSignatureField { .. } => "adding a signature field",
            Self::Fill(_) => "filling in a field of it",
            Self::Sign(_) => "signing a field of it",
        }
    }
}

/// Refuses what an earlier signature or the encryption forbids: the signature
/// would be broken by it, or a reader would not honour what is added.
///
/// # Errors
/// [`Error::Refused`] with the signature and the rule.
pub(crate) fn check(pdf: &Pdf<'_>, signatures: &[SignatureFacts], intent: Intent<'_>) -> Result<(), Error> {
    let refused = |reason, detail: String| Err(Error::from(Refused::new(reason, detail)));
    if let Some(encryption) = pdf.encryption() {
        let permitted = match intent {
            Intent::Fill(_) | Intent::Sign(_) => encryption.permits_filling(),
            Intent::AddFields | Intent::AddSignatureField { .. } => encryption.permits_new_fields(),
        };
        if !permitted {
            let what = intent.words();
            let detail = format!("the document's encryption forbids {what}: open it with the owner's password");
            return refused(RefusalReason::Permissions, detail);
        }
    }
    for facts in signatures.iter().filter(|facts| facts.kind != SignatureKind::UsageRights) {
        let locked = facts.locks.iter().filter_map(|lock| lock.permission).min();
        let permission = facts.certification.into_iter().chain(locked).min();
        let by = &facts.field_name;
        if permission == Some(Permission::NoChanges) {
            let detail = match intent {
                Intent::Sign(_) | Intent::AddSignatureField { .. } => {
                    format!("the signature {by:?} permits no changes, so no further signature")
                }
                _ => format!("the signature {by:?} permits no changes, so not {}", intent.words()),
            };
            return refused(RefusalReason::Certified, detail);
        }
        match intent {
            Intent::AddFields => {
                let detail = format!("{by:?} is signed: new fields would break it; draft the form before it is signed");
                return refused(RefusalReason::Certified, detail);
            }
            Intent::AddSignatureField { visible: true } if permission.is_some() => {
                // It could cover what was certified (the Sneaky Signature Attack).
                let detail = format!(
                    "the signature {by:?} certifies the document: sign invisibly, or in a field that was there before"
                );
                return refused(RefusalReason::Certified, detail);
            }
            Intent::Fill(name) | Intent::Sign(name) if facts.locks.iter().any(|lock| lock.covers(name)) => {
                return refused(RefusalReason::Locked, format!("the signature {by:?} locks the field {name:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}
