//! The registers of one organisation: every delivery, with its record and what happened to it.

use std::collections::BTreeMap;

use crate::crypto::Digest;
use crate::envelope::BusinessKind;
use crate::envelope::Date;
use crate::envelope::Document;
use crate::envelope::DocumentId;
use crate::envelope::Message;
use crate::envelope::OrganId;
use crate::envelope::Organization;
use crate::envelope::Status;
use crate::envelope::StatusCode;
use crate::envelope::Timestamp;
use crate::envelope::identifier::IdentifierMap;
use crate::envelope::model::ResponseFor;
use crate::envelope::value::Coded;
use crate::exchange::delivery::Answer;
use crate::exchange::delivery::Delivery;
use crate::exchange::delivery::Duty;
use crate::exchange::delivery::Ruling;
use crate::exchange::delivery::Side;
use crate::exchange::delivery::Step;
use crate::exchange::event::Event;
use crate::exchange::event::EventKind;
use crate::exchange::event::RequestKind;
use crate::exchange::record::Record;
use crate::finding::Finding;

/// Which delivery: whose view, with whom, of what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[allow(clippy::exhaustive_structs)] // a key
pub struct Key {
    /// Whether the document is outgoing or incoming.
    pub side: Side,
    /// The organisation at the other side.
    pub other: OrganId,
    /// The document.
    pub document: DocumentId,
}

/// A message that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Logged {
    /// What it was: `document`, `recall`, `03`, …
    pub what: String,
    /// When it was made, as it says.
    #[cfg_attr(feature = "serde", serde(default, with = "super::delivery::optional_text"))]
    pub at: Option<Timestamp>,
    /// The reason or the description that it gives.
    #[cfg_attr(feature = "serde", serde(default))]
    pub text: Option<String>,
    /// What became of it.
    pub ruling: Ruling,
    /// Its identity.
    pub id: String,
}

/// One line of a register.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Entry {
    /// Which one.
    pub key: Key,
    /// What is known of it.
    pub delivery: Delivery,
    /// Number and symbol, `7816/VPCP-TTĐT`, as soon as a message tells them.
    #[cfg_attr(feature = "serde", serde(default))]
    pub number: Option<String>,
    /// The date of promulgation, as soon as a message tells it.
    #[cfg_attr(feature = "serde", serde(default, with = "super::delivery::optional_text"))]
    pub date: Option<Date>,
    /// Its record; `None` while the document is only spoken of.
    #[cfg_attr(feature = "serde", serde(default))]
    pub record: Option<Record>,
    /// What an update that is not agreed to yet would make of the record.
    #[cfg_attr(feature = "serde", serde(default))]
    pub proposed: Option<Record>,
    /// Every message about it, in the order of recording. It stays when the document is destroyed.
    #[cfg_attr(feature = "serde", serde(default))]
    pub log: Vec<Logged>,
}

/// What a message led to at one delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Taken {
    /// Which one.
    pub key: Key,
    /// What became of the message.
    pub ruling: Ruling,
    /// What has to be done.
    pub duties: Vec<Duty>,
    /// Why, where it is not plain.
    pub findings: Vec<Finding>,
}

/// The registers of one organisation, as a value: the caller stores it, whole or line by line.
#[derive(Clone, Debug)]
pub struct Register {
    us: OrganId,
    codes: IdentifierMap,
    entries: BTreeMap<Key, Entry>,
    /// Side, number, symbol and issuing organisation of each document.
    numbers: BTreeMap<(Side, String, String, OrganId), DocumentId>,
}

impl Register {
    /// The empty registers of the organisation with this code.
    #[must_use]
    pub fn new(us: OrganId) -> Self {
        Self { us, codes: IdentifierMap::default(), entries: BTreeMap::new(), numbers: BTreeMap::new() }
    }

    /// Knows former codes of organisations by this list.
    #[must_use]
    pub fn codes(mut self, codes: IdentifierMap) -> Self {
        self.codes = codes;
        self
    }

    /// Whose registers they are.
    #[must_use]
    pub const fn us(&self) -> &OrganId {
        &self.us
    }

    /// Every line, outgoing ones first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.values()
    }

    /// The line of this delivery.
    #[must_use]
    pub fn entry(&self, key: &Key) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// The line of this delivery, to fill in what people decide: arrival number, file, notes.
    pub fn record_mut(&mut self, key: &Key) -> Option<&mut Record> {
        self.entries.get_mut(key)?.record.as_mut()
    }

    /// Takes a message that was received, or that is about to be sent; `contents` are the SHA-256 of its
    /// attachments ([`CheckedContent`](crate::envelope::CheckedContent)).
    ///
    /// One result for each delivery that it concerns: a document to three receivers has three. An own
    /// message of which any is [`Ruling::Refused`] must not be sent.
    pub fn take(&mut self, message: &Message, contents: &[Digest]) -> Vec<Taken> {
        let mut keys = self.keys(message);
        keys.sort();
        keys.dedup();
        if keys.is_empty() {
            return vec![self.nowhere(message)];
        }
        let taken = keys.into_iter().map(|key| self.take_at(key, message, contents));
        taken.collect()
    }

    /// Closes what is asked about a document by what a clerk found out; see [`Delivery::settle`].
    pub fn settle(&mut self, key: &Key, agreed: bool) -> Option<Taken> {
        let step = self.entries.get(key)?.delivery.settle(agreed)?;
        let taken = self.put(key.clone(), step);
        if let Some(entry) = self.entries.get_mut(key) {
            let what = if agreed { "settled:15" } else { "settled:16" }.to_owned();
            entry.log.push(Logged { what, at: None, text: None, ruling: taken.ruling, id: String::new() });
            entry.close();
        }
        Some(taken)
    }

    /// The status message that tells the other side of a delivery this; `None` for one that is
    /// not known. It is not recorded: [`take`](Self::take) does that.
    #[must_use]
    pub fn status(&self, key: &Key, us: &Organization, code: StatusCode, at: Timestamp) -> Option<Status> {
        let entry = self.entries.get(key)?;
        let about = ResponseFor {
            organ: Some(key.other.clone()),
            code: entry.number.clone(),
            document_id: Some(key.document.clone()),
            date: entry.date.map(Coded::Known),
        };
        Some(Status::new(us.clone(), about, code, at))
    }

    fn is_us(&self, id: &OrganId) -> bool {
        self.codes.same(id, &self.us)
    }

    fn key(&self, side: Side, other: &OrganId, document: &DocumentId) -> Key {
        Key { side, other: self.codes.current(other).clone(), document: document.clone() }
    }

    /// The deliveries that a message concerns.
    fn keys(&self, message: &Message) -> Vec<Key> {
        match message {
            Message::Document(d) => {
                let outgoing = self.is_us(&d.from.id);
                if !outgoing && !d.to.iter().any(|to| self.is_us(&to.id)) {
                    return Vec::new();
                }
                let (side, others): (Side, Vec<&OrganId>) = match outgoing {
                    true => (Side::Sender, d.to.iter().map(|to| &to.id).collect()),
                    false => (Side::Receiver, vec![&d.from.id]),
                };
                others.iter().flat_map(|other| self.keys_of(d, side, other)).collect()
            }
            Message::Status(s) => self.keys_of_status(s),
        }
    }

    fn keys_of(&self, d: &Document, side: Side, other: &OrganId) -> Vec<Key> {
        let own = self.key(side, other, &d.document_id);
        let business = d.business.as_ref();
        match d.kind() {
            Some(BusinessKind::Replacement) => {
                let replaces = business.map(|b| b.replaces.as_slice()).unwrap_or_default();
                // For whom it is replaced; nobody named stands for all.
                let here = |organs: &[OrganId]| {
                    organs.is_empty()
                        || organs.iter().any(|o| match side {
                            Side::Sender => self.codes.same(o, other),
                            Side::Receiver => self.is_us(o),
                        })
                };
                let replaced = replaces.iter().filter(|r| here(&r.organs));
                let mut keys: Vec<Key> = replaced.map(|r| self.key(side, other, &r.document_id)).collect();
                keys.push(own);
                keys
            }
            // 2.2.4 says which document is meant. Samples fill it with anything, so that it
            // counts only where it names one that is known.
            Some(BusinessKind::Update | BusinessKind::Recall) => {
                let named = business.and_then(|b| b.document_id.as_ref()).map(|id| self.key(side, other, id));
                vec![named.filter(|key| self.entries.contains_key(key)).unwrap_or(own)]
            }
            _ => vec![own],
        }
    }

    fn keys_of_status(&self, s: &Status) -> Vec<Key> {
        let Some(code) = s.code.known() else { return Vec::new() };
        let about = &s.response_for;
        let (Some(document), Some(organ)) = (&about.document_id, &about.organ) else { return Vec::new() };
        let own = self.is_us(&s.from.id);
        if !own && !self.is_us(organ) {
            return Vec::new();
        }
        let kind = EventKind::of_status(*code);
        let side = if own == kind.by_sender() { Side::Sender } else { Side::Receiver };
        let other = if own { organ } else { &s.from.id };
        let key = self.key(side, other, document);
        let is_open = |e: &Entry| e.delivery.request().is_some_and(|r| r.answer == Answer::Open);
        if matches!(kind, EventKind::Answer { .. }) && !self.entries.get(&key).is_some_and(is_open) {
            // An answer to a replacement may name the new document.
            let by = |e: &&Entry| {
                let for_it = e.delivery.request().is_some_and(|r| r.by.as_ref() == Some(document));
                e.key.side == side && e.key.other == key.other && for_it && is_open(e)
            };
            let replaced: Vec<Key> = self.entries.values().filter(by).map(|e| e.key.clone()).collect();
            if !replaced.is_empty() {
                return replaced;
            }
        }
        vec![key]
    }

    fn take_at(&mut self, key: Key, message: &Message, contents: &[Digest]) -> Taken {
        let Some(event) = Event::of(message, &key.document, contents) else {
            return Taken { key, ..self.nowhere(message) };
        };
        let before = self.entries.get(&key).map_or_else(|| Delivery::new(key.side), |e| e.delivery.clone());
        let mut step = before.step(&event);
        let document = message.document();
        let is_document = event.kind == EventKind::Document;
        if let (true, Ruling::Taken, Some(d)) = (is_document, step.ruling, document) {
            step.findings.extend(self.number_repeated(&key, d));
        }
        // What cannot be sent leaves no trace; what came in does.
        let own = event.kind.by_sender() == (key.side == Side::Sender);
        if step.ruling == Ruling::Refused && own {
            return Taken { key, ruling: step.ruling, duties: step.duties, findings: step.findings };
        }
        let ruling = step.ruling;
        let taken = self.put(key.clone(), step);
        if let Some(entry) = self.entries.get_mut(&key) {
            let text = match message {
                Message::Document(d) => d.business.as_ref().and_then(|b| b.reason.clone()),
                Message::Status(s) => s.description.clone(),
            };
            if entry.number.is_none() {
                let about = match message {
                    Message::Document(d) => ResponseFor::to_document(d, key.other.clone()),
                    Message::Status(s) => s.response_for.clone(),
                };
                if about.document_id.as_ref() == Some(&key.document) {
                    entry.number = about.code;
                    entry.date = about.date.and_then(|d| d.known().copied());
                }
            }
            let what = name(event.kind);
            entry.log.push(Logged { what, at: event.at, text, ruling, id: event.id });
            match (event.kind, ruling, document) {
                // Also of one that comes too late: the record of the recall says what was recalled.
                (EventKind::Document, Ruling::Taken | Ruling::Late, Some(d)) => {
                    entry.record = Some(Record::of(d, key.side));
                }
                (EventKind::Request(RequestKind::Update), Ruling::Taken, Some(d)) => {
                    entry.proposed = Some(Record { document_id: key.document, ..Record::of(d, key.side) });
                }
                (EventKind::Answer { .. }, Ruling::Taken, _) => entry.close(),
                _ => {}
            }
        }
        taken
    }

    /// Annex VI, part I, III.1 h: number, symbol and issuer of another document.
    fn number_repeated(&mut self, key: &Key, d: &Document) -> Option<Finding> {
        let from = self.codes.current(&d.from.id).clone();
        let number = (key.side, d.code.number.clone(), d.code.notation.clone(), from);
        let known = self.numbers.entry(number).or_insert_with(|| key.document.clone());
        (*known != key.document).then(|| {
            let message = format!("{known} has the same number, symbol and issuer");
            Finding::warning("EXCHANGE_NUMBER_REPEATED", message)
        })
    }

    fn put(&mut self, key: Key, step: Step) -> Taken {
        let Step { delivery, ruling, duties, findings } = step;
        match self.entries.get_mut(&key) {
            Some(entry) => entry.delivery = delivery,
            None => {
                let (number, date, record, proposed) = (None, None, None, None);
                let entry = Entry { key: key.clone(), delivery, number, date, record, proposed, log: Vec::new() };
                self.entries.insert(key.clone(), entry);
            }
        }
        Taken { key, ruling, duties, findings }
    }

    fn nowhere(&self, message: &Message) -> Taken {
        let known = match message {
            Message::Document(d) => d.kind().is_some(),
            Message::Status(s) => s.code.known().is_some(),
        };
        let finding = match known {
            true => Finding::error("EXCHANGE_NOT_ADDRESSED", format!("neither from nor to {}", self.us)),
            false => Finding::error("EXCHANGE_UNKNOWN", "a business type or status that no rule knows"),
        };
        let document = message.document_id().cloned().unwrap_or_default();
        let key = Key { side: Side::Receiver, other: message.sender().id.clone(), document };
        Taken { key, ruling: Ruling::Refused, duties: vec![Duty::Show], findings: vec![finding] }
    }
}

impl Entry {
    /// Takes over what an update proposed, once its request is closed: by agreement, or else not.
    fn close(&mut self) {
        let request = self.delivery.request();
        if request.is_some_and(|r| r.answer == Answer::Open) {
            return;
        }
        let agreed = request.is_some_and(|r| r.kind == RequestKind::Update && r.answer == Answer::Agreed);
        let (Some(new), Some(record)) = (self.proposed.take(), &mut self.record) else { return };
        if agreed {
            // What people filled in stays.
            *record = Record {
                file_code: record.file_code.take(),
                doc_ordinal: record.doc_ordinal,
                language: record.language.take(),
                description: record.description.take(),
                arrival_date: record.arrival_date,
                arrival_number: record.arrival_number,
                to_places: record.to_places.take(),
                trace_header_list: record.trace_header_list.take(),
                ..new
            };
        }
    }
}

fn name(kind: EventKind) -> String {
    match kind {
        EventKind::Document => "document".to_owned(),
        EventKind::Request(RequestKind::TakeBack) => "13".to_owned(),
        EventKind::Request(RequestKind::Recall) => "recall".to_owned(),
        EventKind::Request(RequestKind::Update) => "update".to_owned(),
        EventKind::Request(RequestKind::Replacement) => "replacement".to_owned(),
        EventKind::Report(code) => code.to_string(),
        EventKind::Answer { agreed: true } => "15".to_owned(),
        EventKind::Answer { agreed: false } => "16".to_owned(),
    }
}

#[cfg(feature = "serde")]
mod json {
    use super::Entry;
    use super::Register;
    use crate::envelope::OrganId;
    use crate::error::Error;
    use crate::error::Format;
    use crate::error::Malformed;

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Stored {
        schema_version: u32,
        us: OrganId,
        entries: Vec<Entry>,
    }

    impl Register {
        /// The registers as JSON, the lines in the order of their keys.
        #[must_use]
        pub fn to_json(&self) -> String {
            let entries = self.entries.values().cloned().collect();
            serde_json::to_string_pretty(&Stored { schema_version: 1, us: self.us.clone(), entries })
                .unwrap_or_default()
        }

        /// Reads registers from JSON; a list of [codes](Register::codes) has to be given again.
        ///
        /// # Errors
        /// Malformed JSON, unknown or missing members, two lines of one key.
        pub fn from_json(text: &str) -> Result<Self, Error> {
            let wrong = |found: String| Malformed::new(Format::State, "register", "a register as JSON").found(found);
            let stored: Stored = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
            if stored.schema_version != 1 {
                return Err(wrong(format!("schema version {}", stored.schema_version)).into());
            }
            let mut register = Self::new(stored.us);
            for entry in stored.entries {
                if let Some(r) = &entry.record {
                    let issuer = match entry.key.side {
                        super::Side::Sender => &register.us,
                        super::Side::Receiver => &entry.key.other,
                    };
                    let number = (entry.key.side, r.code_number.clone(), r.code_notation.clone(), issuer.clone());
                    register.numbers.entry(number).or_insert_with(|| entry.key.document.clone());
                }
                if let Some(twice) = register.entries.insert(entry.key.clone(), entry) {
                    return Err(wrong(format!("two lines of {}", twice.key.document)).into());
                }
            }
            Ok(register)
        }
    }
}
