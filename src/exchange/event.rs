//! What a message is to the exchange rules.

use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Digester;
use crate::envelope::BusinessKind;
use crate::envelope::Document;
use crate::envelope::DocumentId;
use crate::envelope::Message;
use crate::envelope::Status;
use crate::envelope::StatusCode;
use crate::envelope::Timestamp;

/// What a sender may ask of a receiver about a document that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum RequestKind {
    /// To take over changed information (business type 2).
    Update,
    /// To put another document in its place (business type 3).
    Replacement,
    /// To give it back (status 13).
    TakeBack,
    /// To give it back, by a message with the document's own data (business type 1).
    Recall,
}

impl RequestKind {
    /// Whether the document is to be given up.
    #[must_use]
    pub const fn takes_back(self) -> bool {
        matches!(self, Self::TakeBack | Self::Recall)
    }
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// The document itself, for the first time or again after a refusal.
    Document,
    /// The sender asks something about it.
    Request(RequestKind),
    /// The receiver tells what became of it: 01 to 06.
    Report(StatusCode),
    /// The receiver agrees to what was asked (15) or not (16).
    Answer {
        /// Whether it is 15.
        agreed: bool,
    },
}

impl EventKind {
    /// The kind of a status message.
    #[must_use]
    pub const fn of_status(code: StatusCode) -> Self {
        match code {
            StatusCode::TakeBack => Self::Request(RequestKind::TakeBack),
            StatusCode::Agreed => Self::Answer { agreed: true },
            StatusCode::Declined => Self::Answer { agreed: false },
            report => Self::Report(report),
        }
    }

    /// Whether the sender of the document writes it, and not the receiver.
    #[must_use]
    pub const fn by_sender(self) -> bool {
        matches!(self, Self::Document | Self::Request(_))
    }

    /// Whether a reason has to be given: refusal, recall, update, replacement, taking back, declining.
    #[must_use]
    pub const fn demands_reason(self) -> bool {
        match self {
            Self::Document => false,
            Self::Request(_) => true,
            Self::Report(code) => matches!(code, StatusCode::Refused),
            Self::Answer { agreed } => !agreed,
        }
    }
}

/// One message about one document, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Event {
    /// What it is.
    pub kind: EventKind,
    /// The same for two deliveries of one message: see [`Event::of_document`].
    pub id: String,
    /// When it was made, as it says itself.
    pub at: Option<Timestamp>,
    /// Whether it gives a reason.
    pub reason: bool,
    /// The document in whose favour a replacement is asked for.
    pub by: Option<DocumentId>,
}

impl Event {
    /// An event of this kind; `id` tells messages apart.
    #[must_use]
    pub fn new(kind: EventKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into(), at: None, reason: false, by: None }
    }

    /// States when it was made.
    #[must_use]
    pub const fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// States that a reason is given.
    #[must_use]
    pub const fn with_reason(mut self) -> Self {
        self.reason = true;
        self
    }

    /// What a document message is to the delivery of `document`; `None` for a business type
    /// that no rule knows. A replacement is a request about what it replaces, and the
    /// document itself under its own identifier.
    ///
    /// Software on the way re-orders a message, adds to it and packs it anew. So the identity is made of
    /// sender, identifier, number, symbol, date, subject, business and the SHA-256 of
    /// the attachments (`contents`), and not of the octets of the message.
    #[must_use]
    pub fn of_document(message: &Document, document: &DocumentId, contents: &[Digest]) -> Option<Self> {
        let kind = match message.kind()? {
            BusinessKind::New => EventKind::Document,
            BusinessKind::Replacement if message.document_id == *document => EventKind::Document,
            BusinessKind::Replacement => EventKind::Request(RequestKind::Replacement),
            BusinessKind::Recall => EventKind::Request(RequestKind::Recall),
            BusinessKind::Update => EventKind::Request(RequestKind::Update),
        };
        let reason = message.business.as_ref().and_then(|b| b.reason.as_deref()).unwrap_or_default();
        let mut id = Identity::new(kind);
        id.put(message.from.id.as_str());
        id.put(message.document_id.as_str());
        id.put(&message.code.number);
        id.put(&message.code.notation);
        id.put(&message.promulgation.date.to_string());
        id.put(&message.subject);
        id.put(reason);
        contents.iter().for_each(|content| id.put(&content.to_hex()));
        Some(Self {
            kind,
            id: id.finish(),
            at: message.trace.iter().filter_map(|t| t.timestamp.as_ref()?.known().copied()).min(),
            reason: !reason.is_empty(),
            by: (kind == EventKind::Request(RequestKind::Replacement)).then(|| message.document_id.clone()),
        })
    }

    /// What a status message is to the delivery of its document; `None` for a code that no rule knows.
    #[must_use]
    pub fn of_status(message: &Status) -> Option<Self> {
        let kind = EventKind::of_status(*message.code.known()?);
        let mut id = Identity::new(kind);
        id.put(message.from.id.as_str());
        id.put(message.response_for.document_id.as_ref().map_or("", |d| d.as_str()));
        id.put(message.code.known().map_or("", |c| c.code()));
        id.put(&message.timestamp.to_string());
        id.put(message.description.as_deref().unwrap_or_default());
        let (at, reason) = (message.timestamp.known().copied(), message.description.is_some());
        Some(Self { kind, id: id.finish(), at, reason, by: None })
    }

    /// What a message is to the delivery of `document`.
    #[must_use]
    pub fn of(message: &Message, document: &DocumentId, contents: &[Digest]) -> Option<Self> {
        match message {
            Message::Document(d) => Self::of_document(d, document, contents),
            Message::Status(s) => Self::of_status(s),
        }
    }
}

/// SHA-256 over texts, each with its length before it, so that none can run into the next.
struct Identity(Digester);

impl Identity {
    fn new(kind: EventKind) -> Self {
        let mut id = Self(DigestAlgorithm::Sha256.digester());
        id.put(match kind {
            EventKind::Document => "document",
            EventKind::Request(_) => "request",
            EventKind::Report(_) => "report",
            EventKind::Answer { .. } => "answer",
        });
        id
    }

    fn put(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> String {
        self.0.finish().to_hex()
    }
}
