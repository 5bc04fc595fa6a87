//! The content of a message, field by field.
//!
//! The numbers (1.1 to 2.2.8) are those of QCVN 102:2016/BTTTT. Fields are
//! public because a message is a record without invariants of its own: the
//! [rules](crate::envelope::Envelope::findings) judge it, and the strict writer refuses
//! what they would flag.

use crate::envelope::code::BusinessKind;
use crate::envelope::code::DocumentClass;
use crate::envelope::code::Priority;
use crate::envelope::code::ReceiverKind;
use crate::envelope::code::StatusCode;
use crate::envelope::code::SteeringType;
use crate::envelope::identifier::DocumentId;
use crate::envelope::identifier::OrganId;
use crate::envelope::value::Coded;
use crate::envelope::value::Date;
use crate::envelope::value::Flag;
use crate::envelope::value::Timestamp;

/// One message of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
#[non_exhaustive]
pub enum Message {
    /// A document: new, recalled, updated or replacing others.
    Document(Box<Document>),
    /// What became of a document.
    Status(Box<Status>),
}

impl Message {
    /// The kind as the command and the JSON name it: `new`, `recall`, `update`,
    /// `replacement`, `status`, or `unknown` for a business type that no rule knows.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Document(d) => match d.kind() {
                Some(BusinessKind::New) => "new",
                Some(BusinessKind::Recall) => "recall",
                Some(BusinessKind::Update) => "update",
                Some(BusinessKind::Replacement) => "replacement",
                None => "unknown",
            },
        }
    }

    /// The sender.
    #[must_use]
    pub fn sender(&self) -> &Organization {
        match self {
            Self::Document(d) => &d.from,
            Self::Status(s) => &s.from,
        }
    }

    /// The identifier of the document that the message carries or speaks of.
    #[must_use]
    pub fn document_id(&self) -> Option<&DocumentId> {
        match self {
            Self::Document(d) => Some(&d.document_id),
            Self::Status(s) => s.response_for.document_id.as_ref(),
        }
    }

    /// The document message.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        match self {
            Self::Document(d) => Some(d),
            Self::Status(_) => None,
        }
    }

    /// The status message.
    #[must_use]
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Document(_) => None,
            Self::Status(s) => Some(s),
        }
    }
}

#[cfg(feature = "serde")]
impl Message {
    /// Reads a message from JSON: `{"document": {…}}` or `{"status": {…}}`, with the
    /// names of the fields here. Values of closed forms stand as they do in a message.
    ///
    /// # Errors
    /// Malformed JSON, unknown or missing members, by line and column. The rules of
    /// the exchange are the [`Writer`](crate::envelope::Writer)'s business.
    pub fn from_json(text: &str) -> Result<Self, crate::error::Error> {
        use crate::error::Format;
        use crate::error::Malformed;
        serde_json::from_str(text).map_err(|e| {
            Malformed::new(Format::Envelope, "description of a message", "a message as JSON").found(e).into()
        })
    }

    /// Writes the message as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl From<Document> for Message {
    fn from(document: Document) -> Self {
        Self::Document(Box::new(document))
    }
}

impl From<Status> for Message {
    fn from(status: Status) -> Self {
        Self::Status(Box::new(status))
    }
}

/// A document message (1.1 to 2.2.8), without its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Document {
    /// 1.1 `From`: who sends.
    pub from: Organization,
    /// 1.2 `To`: who receives, each once.
    pub to: Vec<Organization>,
    /// 1.14 `DocumentId`.
    pub document_id: DocumentId,
    /// 1.3 `Code`: number and symbol.
    pub code: Code,
    /// 1.4 `PromulgationInfo`: place and date.
    pub promulgation: Promulgation,
    /// 1.5 `DocumentType`.
    pub document_type: DocumentType,
    /// 1.6 `Subject`: what the document is about.
    pub subject: String,
    /// 1.7 `Content`: a summary.
    #[cfg_attr(feature = "serde", serde(default))]
    pub content: Option<String>,
    /// 1.8 `SignerInfo`: who signed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub signer: Option<Signer>,
    /// 1.9 `DueDate`: when an answer is due.
    #[cfg_attr(feature = "serde", serde(default))]
    pub due_date: Option<Coded<Date>>,
    /// 1.11 `OtherInfo`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub other: Option<OtherInfo>,
    /// 1.12 `ResponseFor`: the documents that this one answers.
    #[cfg_attr(feature = "serde", serde(default))]
    pub response_for: Vec<ResponseFor>,
    /// 1.13 `SteeringType`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub steering_type: Option<Coded<SteeringType>>,
    /// `ResponseForTask/TaskCode`: tasks that this document answers.
    #[cfg_attr(feature = "serde", serde(default))]
    pub tasks: Vec<String>,
    /// `ApplicationType`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub application_type: Option<String>,
    /// 1.10 `ToPlaces/Place`: the "Nơi nhận" of the document.
    #[cfg_attr(feature = "serde", serde(default))]
    pub to_places: Vec<String>,
    /// 2.2 `Bussiness`: what the message does; absent means a new document.
    #[cfg_attr(feature = "serde", serde(default))]
    pub business: Option<Business>,
    /// 2.1 `TraceHeader`: the systems that the message passed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub trace: Vec<TraceHeader>,
    /// `ErrorList/Error`: faults that an answering system reports.
    #[cfg_attr(feature = "serde", serde(default))]
    pub errors: Vec<Fault>,
}

impl Document {
    /// A message of one document from one organisation to others.
    #[must_use]
    pub fn new(
        from: Organization,
        to: Vec<Organization>,
        document_id: DocumentId,
        code: Code,
        promulgation: Promulgation,
        document_type: DocumentType,
        subject: impl Into<String>,
    ) -> Self {
        Self {
            from,
            to,
            document_id,
            code,
            promulgation,
            document_type,
            subject: subject.into(),
            content: None,
            signer: None,
            due_date: None,
            other: None,
            response_for: Vec::new(),
            steering_type: None,
            tasks: Vec::new(),
            application_type: None,
            to_places: Vec::new(),
            business: None,
            trace: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// What the message does; `None` where it says something that no rule knows.
    #[must_use]
    pub fn kind(&self) -> Option<BusinessKind> {
        match &self.business {
            None => Some(BusinessKind::New),
            Some(business) => business.kind.known().copied(),
        }
    }
}

/// A status message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Status {
    /// `From`: who reports. In `TakeBack` (13) that is the sender of the document.
    pub from: Organization,
    /// `ResponseFor`: the document, and the organisation at the other side.
    pub response_for: ResponseFor,
    /// `StatusCode`.
    pub code: Coded<StatusCode>,
    /// `Timestamp`: when.
    pub timestamp: Coded<Timestamp>,
    /// `Description`: in words; the reason where one is demanded.
    #[cfg_attr(feature = "serde", serde(default))]
    pub description: Option<String>,
    /// `StaffInfo`: who acted.
    #[cfg_attr(feature = "serde", serde(default))]
    pub staff: Option<Staff>,
    /// `ErrorList/Error`: faults that an answering system reports.
    #[cfg_attr(feature = "serde", serde(default))]
    pub errors: Vec<Fault>,
}

impl Status {
    /// A status of one document.
    #[must_use]
    pub fn new(from: Organization, response_for: ResponseFor, code: StatusCode, timestamp: Timestamp) -> Self {
        Self {
            from,
            response_for,
            code: Coded::Known(code),
            timestamp: Coded::Known(timestamp),
            description: None,
            staff: None,
            errors: Vec::new(),
        }
    }
}

macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $ty,)*
        }
    };
}

record! {
    /// An organisation that sends or receives (1.1, 1.2).
    pub struct Organization {
        /// `OrganId`.
        pub id: OrganId,
        /// `OrganizationInCharge`: the organisation above it.
        #[cfg_attr(feature = "serde", serde(default))]
        pub in_charge: Option<String>,
        /// `OrganName`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub name: Option<String>,
        /// `OrganAdd`: the address.
        #[cfg_attr(feature = "serde", serde(default))]
        pub address: Option<String>,
        /// `Email`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub email: Option<String>,
        /// `Telephone`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub telephone: Option<String>,
        /// `Fax`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub fax: Option<String>,
        /// `Website`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub website: Option<String>,
    }
}

impl Organization {
    /// An organisation by its code and name.
    #[must_use]
    pub fn new(id: impl Into<OrganId>, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..Self::unnamed(id.into()) }
    }

    /// An organisation by its code alone.
    #[must_use]
    pub const fn unnamed(id: OrganId) -> Self {
        Self { id, in_charge: None, name: None, address: None, email: None, telephone: None, fax: None, website: None }
    }
}

record! {
    /// Number and symbol of a document (1.3).
    pub struct Code {
        /// `CodeNumber`.
        pub number: String,
        /// `CodeNotation`.
        pub notation: String,
    }
}

impl Code {
    /// Number and symbol.
    #[must_use]
    pub fn new(number: impl Into<String>, notation: impl Into<String>) -> Self {
        Self { number: number.into(), notation: notation.into() }
    }
}

record! {
    /// Where and when a document was promulgated (1.4).
    pub struct Promulgation {
        /// `Place`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub place: Option<String>,
        /// `PromulgationDate`.
        pub date: Coded<Date>,
    }
}

impl Promulgation {
    /// Place and date.
    #[must_use]
    pub fn new(place: impl Into<String>, date: Date) -> Self {
        Self { place: Some(place.into()), date: Coded::Known(date) }
    }
}

record! {
    /// The type of a document (1.5).
    pub struct DocumentType {
        /// `Type`: which list.
        pub class: Coded<DocumentClass>,
        /// `TypeDetail`: the number in the list.
        #[cfg_attr(feature = "serde", serde(default))]
        pub number: Option<Coded<u16>>,
        /// `TypeName`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub name: Option<String>,
    }
}

impl From<&crate::envelope::code::TypeName> for DocumentType {
    fn from(entry: &crate::envelope::code::TypeName) -> Self {
        Self {
            class: Coded::Known(entry.class),
            number: Some(Coded::Known(entry.number)),
            name: Some(entry.vi.to_owned()),
        }
    }
}

record! {
    /// Who signed a document (1.8).
    pub struct Signer {
        /// `Competence`: the authority to sign (TM., Q., KT., TL., TUQ.).
        #[cfg_attr(feature = "serde", serde(default))]
        pub competence: Option<String>,
        /// `Position`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub position: Option<String>,
        /// `FullName`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub full_name: Option<String>,
    }
}

impl Signer {
    /// A signer by position and name.
    #[must_use]
    pub fn new(position: impl Into<String>, full_name: impl Into<String>) -> Self {
        Self { competence: None, position: Some(position.into()), full_name: Some(full_name.into()) }
    }
}

record! {
    /// Further information of a document (1.11).
    #[derive(Default)]
    pub struct OtherInfo {
        /// `Priority`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub priority: Option<Coded<Priority>>,
        /// `SphereOfPromulgation`: how far it may be passed on.
        #[cfg_attr(feature = "serde", serde(default))]
        pub sphere: Option<String>,
        /// `TyperNotation`: who typed it.
        #[cfg_attr(feature = "serde", serde(default))]
        pub typer: Option<String>,
        /// `PromulgationAmount`: how many copies.
        #[cfg_attr(feature = "serde", serde(default))]
        pub copies: Option<Coded<u16>>,
        /// `PageAmount`: how many pages.
        #[cfg_attr(feature = "serde", serde(default))]
        pub pages: Option<Coded<u16>>,
        /// `Direction`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub direction: Option<Coded<bool>>,
        /// `Appendixes/Appendix`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub appendixes: Vec<String>,
    }
}

record! {
    /// A document that the message answers or speaks of (1.12).
    #[derive(Default)]
    pub struct ResponseFor {
        /// `OrganId`: the organisation at the other side.
        #[cfg_attr(feature = "serde", serde(default))]
        pub organ: Option<OrganId>,
        /// `Code`: number and symbol in one text, `7816/VPCP-TTĐT`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub code: Option<String>,
        /// `DocumentId`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub document_id: Option<DocumentId>,
        /// `PromulgationDate`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub date: Option<Coded<Date>>,
    }
}

impl ResponseFor {
    /// The document of a message, as its receivers speak of it to `organ`.
    #[must_use]
    pub fn to_document(document: &Document, organ: OrganId) -> Self {
        Self {
            organ: Some(organ),
            code: Some(format!("{}/{}", document.code.number, document.code.notation)),
            document_id: Some(document.document_id.clone()),
            date: Some(document.promulgation.date.clone()),
        }
    }
}

record! {
    /// What a message does to a document (2.2).
    pub struct Business {
        /// 2.2.1 `BussinessDocType`.
        pub kind: Coded<BusinessKind>,
        /// 2.2.2 `BussinessDocReason`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub reason: Option<String>,
        /// 2.2.4 `DocumentId`: the document concerned.
        #[cfg_attr(feature = "serde", serde(default))]
        pub document_id: Option<DocumentId>,
        /// `Paper`: whether a paper copy is sent too.
        #[cfg_attr(feature = "serde", serde(default))]
        pub paper: Option<Coded<Flag>>,
        /// 2.2.3 `BussinessDocumentInfo`: what an update changes.
        #[cfg_attr(feature = "serde", serde(default))]
        pub update: Option<UpdateInfo>,
        /// 2.2.8 `ReplacementInfoList/ReplacementInfo`: what is replaced.
        #[cfg_attr(feature = "serde", serde(default))]
        pub replaces: Vec<Replacement>,
        /// 2.2.5 `StaffInfo`: who did it.
        #[cfg_attr(feature = "serde", serde(default))]
        pub staff: Option<Staff>,
    }
}

impl Business {
    /// A business block of one kind.
    #[must_use]
    pub const fn new(kind: BusinessKind) -> Self {
        Self {
            kind: Coded::Known(kind),
            reason: None,
            document_id: None,
            paper: None,
            update: None,
            replaces: Vec::new(),
            staff: None,
        }
    }
}

record! {
    /// What an update changes (2.2.3).
    #[derive(Default)]
    pub struct UpdateInfo {
        /// `DocumentInfo`: the information of the document.
        #[cfg_attr(feature = "serde", serde(default))]
        pub document: Option<Coded<Flag>>,
        /// `DocumentReceiver`: the receivers.
        #[cfg_attr(feature = "serde", serde(default))]
        pub receiver: Option<Coded<Flag>>,
        /// `ReceiverList/Receiver`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub receivers: Vec<Receiver>,
    }
}

record! {
    /// A receiver that an update concerns.
    pub struct Receiver {
        /// `OrganId`.
        pub organ: OrganId,
        /// `ReceiverType`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub kind: Option<Coded<ReceiverKind>>,
    }
}

impl Receiver {
    /// A receiver and what happens to it.
    #[must_use]
    pub fn new(organ: impl Into<OrganId>, kind: ReceiverKind) -> Self {
        Self { organ: organ.into(), kind: Some(Coded::Known(kind)) }
    }
}

record! {
    /// A document that is replaced, and for whom (2.2.8).
    pub struct Replacement {
        /// `DocumentId`.
        pub document_id: DocumentId,
        /// `OrganIdList/OrganId`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub organs: Vec<OrganId>,
    }
}

impl Replacement {
    /// A document that is replaced at these organisations.
    #[must_use]
    pub fn new(document_id: impl Into<DocumentId>, organs: Vec<OrganId>) -> Self {
        Self { document_id: document_id.into(), organs }
    }
}

record! {
    /// A member of staff (2.2.5).
    #[derive(Default)]
    pub struct Staff {
        /// `Department`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub department: Option<String>,
        /// `Staff`: the name.
        #[cfg_attr(feature = "serde", serde(default))]
        pub name: Option<String>,
        /// `Email`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub email: Option<String>,
        /// `Mobile`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub mobile: Option<String>,
    }
}

record! {
    /// A system that the message passed (2.1).
    pub struct TraceHeader {
        /// `OrganId`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub organ: Option<OrganId>,
        /// `Timestamp`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub timestamp: Option<Coded<Timestamp>>,
    }
}

impl TraceHeader {
    /// Who passed it on, and when.
    #[must_use]
    pub fn new(organ: impl Into<OrganId>, timestamp: Timestamp) -> Self {
        Self { organ: Some(organ.into()), timestamp: Some(Coded::Known(timestamp)) }
    }
}

record! {
    /// A fault that an answering system reports.
    pub struct Fault {
        /// `Code`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub code: Option<String>,
        /// `Description`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub description: Option<String>,
    }
}

impl Fault {
    /// A fault by its code, in words.
    #[must_use]
    pub fn new(code: impl Into<String>, description: impl Into<String>) -> Self {
        Self { code: Some(code.into()), description: Some(description.into()) }
    }
}

record! {
    /// What the manifest or the attachment itself declares. Every part of it is
    /// the sender's claim: the name is no path, the type does not tell the content.
    pub struct Declared {
        /// `ContentId`, `cid:…`.
        pub content_id: String,
        /// `AttachmentName`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub name: Option<String>,
        /// `ContentType`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub content_type: Option<String>,
        /// `Description`.
        #[cfg_attr(feature = "serde", serde(default))]
        pub description: Option<String>,
    }
}
