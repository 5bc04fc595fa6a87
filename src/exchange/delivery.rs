//! One document between two organisations: a pure function from what is known and
//! the next message to what is known then.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::envelope::DocumentId;
use crate::envelope::StatusCode;
use crate::envelope::Timestamp;
use crate::exchange::event::Event;
use crate::exchange::event::EventKind;
use crate::exchange::event::RequestKind;
use crate::finding::Finding;

/// Which of the two organisations one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[allow(clippy::exhaustive_enums)] // there is no third
pub enum Side {
    /// The document is an outgoing one.
    Sender,
    /// The document is an incoming one.
    Receiver,
}

/// What is the case with the document itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Content {
    /// It was spoken of, and has not been seen.
    Awaited,
    /// It was sent, or is held.
    Current,
    /// It was sent, and nothing may be done with it while the receiver has not answered a recall.
    /// Only at the sender.
    Frozen,
    /// It was recalled: frozen for good at the sender, destroyed at the receiver. What
    /// is kept is the record of the recall.
    Withdrawn,
    /// Another document is in its place; it is kept, and out of force.
    Superseded,
}

/// The last status of the work on a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Progress {
    /// 01 to 06.
    #[cfg_attr(feature = "serde", serde(with = "text"))]
    pub code: StatusCode,
    /// When, as the receiver says.
    #[cfg_attr(feature = "serde", serde(default, with = "optional_text"))]
    pub at: Option<Timestamp>,
}

/// What the receiver said to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Answer {
    /// Nothing yet.
    Open,
    /// 15.
    Agreed,
    /// 16.
    Declined,
}

/// What the sender asked last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Request {
    /// What.
    pub kind: RequestKind,
    /// When, as the sender says.
    #[cfg_attr(feature = "serde", serde(default, with = "optional_text"))]
    pub at: Option<Timestamp>,
    /// The document in whose favour a replacement is asked for.
    #[cfg_attr(feature = "serde", serde(default))]
    pub by: Option<DocumentId>,
    /// What the receiver said.
    pub answer: Answer,
    /// At the sender: another request was open when this one was made, so that an
    /// answer may belong to that one. A person finds out and [settles](Delivery::settle) it.
    #[cfg_attr(feature = "serde", serde(default))]
    pub overlapping: bool,
}

/// One document between its sender and one receiver, as one of them knows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Delivery {
    side: Side,
    content: Content,
    /// Whether the document itself was seen.
    #[cfg_attr(feature = "serde", serde(default))]
    arrived: bool,
    #[cfg_attr(feature = "serde", serde(default))]
    progress: Option<Progress>,
    #[cfg_attr(feature = "serde", serde(default))]
    request: Option<Request>,
    /// The messages that were taken.
    #[cfg_attr(feature = "serde", serde(default))]
    seen: BTreeSet<String>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Ruling {
    /// It counts.
    Taken,
    /// It was taken before.
    Repeated,
    /// It tells what later messages have gone beyond.
    Late,
    /// The rules do not admit it. One's own must not be sent; a received one
    /// changes nothing and a clerk has to see it.
    Refused,
}

/// What has to be done. The caller does it; most are done by people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Duty {
    /// Receiver: store the document.
    Store,
    /// Receiver: send this status.
    Report(StatusCode),
    /// Receiver: send this status again, the same message as before, for the sender seems not to have it.
    Repeat(StatusCode),
    /// Receiver: enter it in the register of incoming documents, with its arrival number.
    Enter,
    /// Receiver: a person decides on what is asked, and answers with 15 or 16.
    Decide(RequestKind),
    /// Receiver: destroy the document and the data about it, and keep the record of
    /// the recall (Decree 30/2020/NĐ-CP, Annex VI, part I, III.8 b, c).
    Destroy,
    /// Receiver: take over what the update changes.
    ApplyUpdate,
    /// Both: mark it as replaced.
    Supersede,
    /// Sender: freeze the document and the data about it (Annex VI, part I, III.8 a).
    Freeze,
    /// Sender: the recall was declined; the document is in force.
    Unfreeze,
    /// Sender: the receiver has given it up.
    Withdraw,
    /// Sender: the receiver refused it; the author has to know why.
    TellAuthor,
    /// A clerk has to look at the message; nothing was done with it.
    Show,
}

impl Duty {
    /// The name in JSON; that of a status or request follows a colon.
    #[must_use]
    pub fn name(self) -> String {
        let request = |kind: RequestKind| match kind {
            RequestKind::Update => "update",
            RequestKind::Replacement => "replacement",
            RequestKind::TakeBack => "take-back",
            RequestKind::Recall => "recall",
        };
        match self {
            Self::Store => "store".to_owned(),
            Self::Report(code) => format!("report:{code}"),
            Self::Repeat(code) => format!("repeat:{code}"),
            Self::Enter => "enter".to_owned(),
            Self::Decide(kind) => format!("decide:{}", request(kind)),
            Self::Destroy => "destroy".to_owned(),
            Self::ApplyUpdate => "apply-update".to_owned(),
            Self::Supersede => "supersede".to_owned(),
            Self::Freeze => "freeze".to_owned(),
            Self::Unfreeze => "unfreeze".to_owned(),
            Self::Withdraw => "withdraw".to_owned(),
            Self::TellAuthor => "tell-author".to_owned(),
            Self::Show => "show".to_owned(),
        }
    }
}

/// What a message leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// What is known now.
    pub delivery: Delivery,
    /// What became of the message.
    pub ruling: Ruling,
    /// What has to be done, in this order.
    pub duties: Vec<Duty>,
    /// Why, where it is not plain.
    pub findings: Vec<Finding>,
}

impl Step {
    fn duty(mut self, duty: Duty) -> Self {
        self.duties.push(duty);
        self
    }

    fn because(mut self, finding: Finding) -> Self {
        self.findings.push(finding);
        self
    }
}

impl Delivery {
    /// Of which nothing is known yet.
    #[must_use]
    pub const fn new(side: Side) -> Self {
        Self { side, content: Content::Awaited, arrived: false, progress: None, request: None, seen: BTreeSet::new() }
    }

    /// Whose view it is.
    #[must_use]
    pub const fn side(&self) -> Side {
        self.side
    }

    /// What is the case with the document.
    #[must_use]
    pub const fn content(&self) -> Content {
        self.content
    }

    /// How far the work on it is.
    #[must_use]
    pub const fn progress(&self) -> Option<Progress> {
        self.progress
    }

    /// What the sender asked last.
    #[must_use]
    pub const fn request(&self) -> Option<&Request> {
        self.request.as_ref()
    }

    /// Whether this message was taken already.
    #[must_use]
    pub fn has_seen(&self, event: &Event) -> bool {
        self.seen.contains(&event.id)
    }

    /// Takes the next message: one that was received, or one's own that is about to be sent.
    ///
    /// Record an own message before it goes out, so that its answer cannot come first.
    #[must_use]
    pub fn step(&self, event: &Event) -> Step {
        if self.has_seen(event) {
            return self.repeated(event);
        }
        if self.is_own(event) && event.kind.demands_reason() && !event.reason {
            return self.refused(event, "EXCHANGE_REASON_MISSING", "the rules demand a reason");
        }
        let step = match event.kind {
            EventKind::Document => self.document(event),
            EventKind::Request(kind) => self.request_made(kind, event),
            EventKind::Report(code) => self.report(code, event),
            EventKind::Answer { agreed } => self.answer(agreed, event),
        };
        if step.ruling != Ruling::Refused && event.kind.demands_reason() && !event.reason {
            return step
                .because(Finding::warning("EXCHANGE_REASON_MISSING", "no reason is given, and one is demanded"));
        }
        step
    }

    /// Closes an open request by what a clerk found out otherwise, where no message
    /// tells whether the receiver agreed. `None` where nothing is open.
    #[must_use]
    pub fn settle(&self, agreed: bool) -> Option<Step> {
        let request = self.request.as_ref().filter(|r| r.answer == Answer::Open)?;
        let mut next = self.clone();
        next.request = Some(Request { overlapping: false, ..request.clone() });
        Some(next.answered(agreed))
    }

    fn is_own(&self, event: &Event) -> bool {
        event.kind.by_sender() == (self.side == Side::Sender)
    }

    fn open(&self) -> Option<&Request> {
        self.request.as_ref().filter(|r| r.answer == Answer::Open)
    }

    fn outcome(self, ruling: Ruling) -> Step {
        Step { delivery: self, ruling, duties: Vec::new(), findings: Vec::new() }
    }

    /// With the message among those that were seen.
    fn noting(&self, event: &Event) -> Self {
        let mut next = self.clone();
        next.seen.insert(event.id.clone());
        next
    }

    /// Nothing changes; what was received is shown to a clerk.
    fn refused(&self, event: &Event, code: &'static str, why: impl Into<String>) -> Step {
        let step = self.clone().outcome(Ruling::Refused).because(Finding::error(code, why));
        if self.is_own(event) { step } else { step.duty(Duty::Show) }
    }

    fn repeated(&self, event: &Event) -> Step {
        let step = self
            .clone()
            .outcome(Ruling::Repeated)
            .because(Finding::info("EXCHANGE_REPEATED", "this message was taken before"));
        if self.is_own(event) || self.side == Side::Sender {
            return step;
        }
        match (event.kind, self.request.as_ref()) {
            (EventKind::Request(kind), Some(Request { kind: asked, answer, .. })) if kind == *asked => match answer {
                Answer::Open => step.duty(Duty::Decide(kind)),
                Answer::Agreed => step.duty(Duty::Repeat(StatusCode::Agreed)),
                Answer::Declined => step.duty(Duty::Repeat(StatusCode::Declined)),
            },
            (EventKind::Document, _) if self.content == Content::Current => match self.progress {
                Some(progress) => step.duty(Duty::Repeat(progress.code)),
                None => step.duty(Duty::Report(StatusCode::Arrived)),
            },
            _ => step,
        }
    }

    fn document(&self, event: &Event) -> Step {
        let refused = self.progress.is_some_and(|p| p.code == StatusCode::Refused);
        let again = self.content == Content::Current && refused;
        if self.content == Content::Withdrawn && !self.arrived {
            let mut next = self.noting(event);
            next.arrived = true;
            let finding =
                Finding::warning("EXCHANGE_DOCUMENT_GONE", "it was recalled, and given up, before it arrived");
            return next.outcome(Ruling::Late).because(finding).duty(Duty::Show);
        }
        if self.content != Content::Awaited && !again {
            let message = match self.content {
                Content::Withdrawn => "a document of this identifier was recalled; send another one under its own",
                Content::Superseded => "a document of this identifier was replaced; send another one under its own",
                _ => "another document has this identifier",
            };
            return self.refused(event, "EXCHANGE_DOCUMENT_CONFLICT", message);
        }
        if again && self.side == Side::Sender && self.open().is_some() {
            // Its answer would be taken for one about the new text.
            return self.refused(event, "EXCHANGE_REQUEST_OPEN", "an earlier request has not been answered");
        }
        let mut next = self.noting(event);
        next.arrived = true;
        next.content = match (self.side, self.open()) {
            (Side::Sender, Some(request)) if request.kind.takes_back() => Content::Frozen,
            _ => Content::Current,
        };
        if again {
            next.progress = None;
        }
        let step = next.outcome(Ruling::Taken);
        if self.side == Side::Sender {
            return step;
        }
        let step = step.duty(Duty::Store);
        let step = if self.progress.is_none() || again { step.duty(Duty::Report(StatusCode::Arrived)) } else { step };
        match self.open() {
            Some(request) => step.duty(Duty::Decide(request.kind)),
            None => step,
        }
    }

    fn request_made(&self, kind: RequestKind, event: &Event) -> Step {
        match (self.side, self.content) {
            (Side::Sender, Content::Awaited) => {
                return self.refused(event, "EXCHANGE_DOCUMENT_UNKNOWN", "no such document was sent");
            }
            (Side::Sender, Content::Withdrawn | Content::Superseded) => {
                return self.refused(event, "EXCHANGE_DOCUMENT_GONE", "the document was recalled or replaced already");
            }
            (Side::Receiver, Content::Withdrawn) if kind.takes_back() => {
                let step = self.noting(event).outcome(Ruling::Late);
                return step
                    .because(Finding::info("EXCHANGE_DOCUMENT_GONE", "the document was given up already"))
                    .duty(Duty::Repeat(StatusCode::Agreed));
            }
            (Side::Receiver, Content::Withdrawn | Content::Superseded) => {
                return self.refused(event, "EXCHANGE_DOCUMENT_GONE", "the document was recalled or replaced already");
            }
            _ => {}
        }
        // One request at a time, but for a recall, which cannot wait for the answer to something less.
        let open = self.open();
        let open_first = open.is_some_and(|open| match self.side {
            Side::Sender => open.kind.takes_back() || !kind.takes_back(),
            Side::Receiver => open.kind.takes_back() && !kind.takes_back(),
        });
        if open_first {
            return self.refused(event, "EXCHANGE_REQUEST_OPEN", "an earlier request has not been answered");
        }
        let mut next = self.noting(event);
        let overlapping = self.side == Side::Sender && open.is_some();
        next.request = Some(Request { kind, at: event.at, by: event.by.clone(), answer: Answer::Open, overlapping });
        match (self.side, self.content) {
            (Side::Sender, _) if kind.takes_back() => {
                next.content = Content::Frozen;
                next.outcome(Ruling::Taken).duty(Duty::Freeze)
            }
            (Side::Sender, _) => next.outcome(Ruling::Taken),
            (Side::Receiver, Content::Awaited) => {
                let finding = Finding::warning("EXCHANGE_DOCUMENT_UNKNOWN", "the document itself has not arrived");
                let step = next.outcome(Ruling::Taken).because(finding);
                // What is not there can be given up, and not be changed: that waits for the document.
                if kind.takes_back() { step.duty(Duty::Decide(kind)) } else { step }
            }
            (Side::Receiver, _) => next.outcome(Ruling::Taken).duty(Duty::Decide(kind)),
        }
    }

    fn report(&self, code: StatusCode, event: &Event) -> Step {
        let gone = matches!(self.content, Content::Withdrawn | Content::Superseded);
        let place = place(self.progress.map(|p| p.code), code);
        if self.side == Side::Receiver {
            if self.content == Content::Awaited {
                return self.refused(event, "EXCHANGE_DOCUMENT_UNKNOWN", "no such document was received");
            }
            if gone {
                return self.refused(event, "EXCHANGE_DOCUMENT_GONE", "the document was recalled or replaced");
            }
            if place != Place::Next && place != Place::Back {
                return self.out_of_turn(code, event);
            }
            let step = self.progressed(code, event).outcome(Ruling::Taken);
            return if code == StatusCode::Accepted { step.duty(Duty::Enter) } else { step };
        }
        let late = || {
            let finding = Finding::info("EXCHANGE_LATE", "a later status is known");
            self.noting(event).outcome(Ruling::Late).because(finding)
        };
        if gone {
            return late();
        }
        // Assigned anew, or told late: only the receiver's own clock can tell.
        let clock = self.progress.and_then(|p| Some(event.at?.cmp(&p.at?)));
        match (place, clock) {
            (Place::Never, _) => return self.out_of_turn(code, event),
            (Place::Next | Place::Ahead, Some(Ordering::Less)) | (Place::Behind, _) => return late(),
            (Place::Back, Some(Ordering::Greater)) | (Place::Next | Place::Ahead, _) => {}
            (Place::Back, _) => return late(),
        }
        let step = self.progressed(code, event).outcome(Ruling::Taken);
        let step = match self.content {
            Content::Awaited => step
                .because(Finding::warning("EXCHANGE_DOCUMENT_UNKNOWN", "no such document was sent"))
                .duty(Duty::Show),
            _ => step,
        };
        if code == StatusCode::Refused { step.duty(Duty::TellAuthor) } else { step }
    }

    fn out_of_turn(&self, code: StatusCode, event: &Event) -> Step {
        let before =
            self.progress.map_or_else(|| "nothing".to_owned(), |p| format!("{} ({})", p.code, p.code.name_en()));
        let message = format!("status {code} ({}) cannot follow {before}", code.name_en());
        self.refused(event, "EXCHANGE_STATUS_OUT_OF_TURN", message)
    }

    fn progressed(&self, code: StatusCode, event: &Event) -> Self {
        let mut next = self.noting(event);
        next.progress = Some(Progress { code, at: event.at });
        next
    }

    fn answer(&self, agreed: bool, event: &Event) -> Step {
        let Some(request) = self.open() else {
            let said = if agreed { Answer::Agreed } else { Answer::Declined };
            if self.request.as_ref().is_some_and(|r| r.answer == said) && self.side == Side::Sender {
                let finding = Finding::info("EXCHANGE_LATE", "the request was answered so already");
                return self.noting(event).outcome(Ruling::Late).because(finding);
            }
            return self.refused(event, "EXCHANGE_ANSWER_WITHOUT_REQUEST", "nothing is asked that this could answer");
        };
        if self.side == Side::Receiver {
            if self.content == Content::Awaited && agreed && !request.kind.takes_back() {
                return self.refused(event, "EXCHANGE_DOCUMENT_UNKNOWN", "the document itself has not arrived");
            }
            return self.noting(event).answered(agreed);
        }
        // Nobody answers before being asked: this belongs to an earlier request.
        if let (Some(asked), Some(at)) = (request.at, event.at)
            && at < asked
        {
            let finding = Finding::warning("EXCHANGE_ANSWER_OLDER", "the answer is older than what was asked last");
            return self.noting(event).outcome(Ruling::Late).because(finding).duty(Duty::Show);
        }
        // An answer names no request, and answers overtake each other: no count of them would tell.
        if request.overlapping {
            let message = "two requests were open: this may answer the earlier one, and the later one stays open";
            let finding = Finding::warning("EXCHANGE_ANSWER_AMBIGUOUS", message);
            return self.noting(event).outcome(Ruling::Taken).because(finding).duty(Duty::Show);
        }
        self.noting(event).answered(agreed)
    }

    /// Closes the open request.
    fn answered(mut self, agreed: bool) -> Step {
        let Some(request) = &mut self.request else { return self.outcome(Ruling::Taken) };
        request.answer = if agreed { Answer::Agreed } else { Answer::Declined };
        let kind = request.kind;
        let duty = match (self.side, kind, agreed) {
            (Side::Receiver, RequestKind::TakeBack | RequestKind::Recall, true) => Some(Duty::Destroy),
            (Side::Sender, RequestKind::TakeBack | RequestKind::Recall, true) => Some(Duty::Withdraw),
            (Side::Sender, RequestKind::TakeBack | RequestKind::Recall, false) => Some(Duty::Unfreeze),
            (_, RequestKind::Replacement, true) => Some(Duty::Supersede),
            (Side::Receiver, RequestKind::Update, true) => Some(Duty::ApplyUpdate),
            (Side::Sender, _, false) => Some(Duty::Show),
            _ => None,
        };
        match kind {
            RequestKind::TakeBack | RequestKind::Recall if agreed => self.content = Content::Withdrawn,
            RequestKind::Replacement if agreed => self.content = Content::Superseded,
            _ if self.content == Content::Frozen => self.content = Content::Current,
            _ => {}
        }
        let step = self.outcome(Ruling::Taken);
        match duty {
            Some(duty) => step.duty(duty),
            None => step,
        }
    }
}

/// Where a status stands to the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// May follow at once.
    Next,
    /// From working on it to assigning it anew.
    Back,
    /// May follow once others between have.
    Ahead,
    /// Comes before it.
    Behind,
    /// Neither may ever follow the other.
    Never,
}

/// Which status may follow which: arrived; then refused, or accepted, assigned, in
/// progress, finished. Software writes 03 and 05 at once, or accepts without having
/// said that the document arrived; a refused document may only be sent anew.
fn place(before: Option<StatusCode>, code: StatusCode) -> Place {
    use StatusCode::Accepted;
    use StatusCode::Arrived;
    use StatusCode::Assigned;
    use StatusCode::Finished;
    use StatusCode::InProgress;
    use StatusCode::Refused;
    let Some(before) = before else {
        return if matches!(code, Arrived | Refused | Accepted) { Place::Next } else { Place::Ahead };
    };
    match (before, code) {
        (Arrived, Refused | Accepted) => Place::Next,
        (Arrived, Assigned | InProgress | Finished) => Place::Ahead,
        (Accepted, Assigned | InProgress | Finished) => Place::Next,
        (Assigned, Assigned | InProgress | Finished) => Place::Next,
        (InProgress, Finished) => Place::Next,
        (InProgress, Assigned | InProgress) => Place::Back,
        (_, Arrived) => Place::Behind,
        (Assigned | InProgress | Finished, Accepted) | (Finished, Assigned | InProgress) => Place::Behind,
        (Accepted, Accepted) | (Finished, Finished) | (Refused, Refused) => Place::Behind,
        _ => Place::Never,
    }
}

/// A value as its text in a message.
#[cfg(feature = "serde")]
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;
    use serde::de::Error;

    pub(super) fn serialize<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err = crate::error::Error>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(feature = "serde")]
pub(super) mod optional_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;
    use serde::de::Error;

    #[allow(clippy::ref_option)] // the form that serde calls
    pub(in crate::exchange) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::exchange) fn deserialize<'de, T: FromStr<Err = crate::error::Error>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
