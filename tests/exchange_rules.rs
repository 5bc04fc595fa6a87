//! The exchange rules, explored: two organisations and a network that delivers late,
//! twice and in any order. In no state does either side believe what is not so, and
//! no document is lost.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::collections::VecDeque;

use kyso::Time;
use kyso::envelope::StatusCode;
use kyso::envelope::Timestamp;
use kyso::exchange::Answer;
use kyso::exchange::Content;
use kyso::exchange::Delivery;
use kyso::exchange::Duty;
use kyso::exchange::Event;
use kyso::exchange::EventKind;
use kyso::exchange::RequestKind;
use kyso::exchange::Ruling;
use kyso::exchange::Side;
use kyso::exchange::Step;

const REQUESTS: [RequestKind; 4] =
    [RequestKind::Update, RequestKind::Replacement, RequestKind::TakeBack, RequestKind::Recall];
const REPORTS: [StatusCode; 6] = [
    StatusCode::Arrived,
    StatusCode::Refused,
    StatusCode::Accepted,
    StatusCode::Assigned,
    StatusCode::InProgress,
    StatusCode::Finished,
];

/// Everything that anybody can say.
fn kinds() -> Vec<EventKind> {
    let mut all = vec![EventKind::Document, EventKind::Answer { agreed: true }, EventKind::Answer { agreed: false }];
    all.extend(REQUESTS.map(EventKind::Request));
    all.extend(REPORTS.map(EventKind::Report));
    all
}

fn event(kind: EventKind, number: usize) -> Event {
    let second = Time::from_unix(1_800_000_000 + i64::try_from(number).unwrap()).unwrap();
    Event::new(kind, format!("{number}")).at(Timestamp::of(second)).with_reason()
}

/// Two offices, and the messages between them: the number of each and whether it ever arrived.
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    sender: Delivery,
    receiver: Delivery,
    sent: Vec<(EventKind, bool)>,
    /// Documents that the receiver stored, or was told to show to a clerk.
    kept: BTreeSet<usize>,
}

impl World {
    fn new() -> Self {
        let (sender, receiver) = (Delivery::new(Side::Sender), Delivery::new(Side::Receiver));
        Self { sender, receiver, sent: Vec::new(), kept: BTreeSet::new() }
    }

    /// The world in which its writer has sent this; `None` where the rules forbid it.
    fn sending(&self, kind: EventKind) -> Option<Self> {
        let event = event(kind, self.sent.len());
        let step = if kind.by_sender() { self.sender.step(&event) } else { self.receiver.step(&event) };
        legal(if kind.by_sender() { &self.sender } else { &self.receiver }, &event, &step);
        if step.ruling == Ruling::Refused {
            return None;
        }
        let mut next = self.clone();
        next.sent.push((kind, false));
        if kind.by_sender() {
            next.sender = step.delivery
        } else {
            next.receiver = step.delivery
        }
        Some(next)
    }

    /// The world in which a message has arrived, for the first time or again.
    fn delivering(&self, number: usize) -> Self {
        let kind = self.sent[number].0;
        let event = event(kind, number);
        let to = if kind.by_sender() { &self.receiver } else { &self.sender };
        let step = to.step(&event);
        legal(to, &event, &step);
        let mut next = self.clone();
        next.sent[number].1 = true;
        if kind == EventKind::Document && step.duties.iter().any(|d| matches!(d, Duty::Store | Duty::Show)) {
            next.kept.insert(number);
        }
        if kind.by_sender() {
            next.receiver = step.delivery
        } else {
            next.sender = step.delivery
        }
        next
    }

    fn successors(&self) -> Vec<Self> {
        let mut all: Vec<Self> = kinds().into_iter().filter_map(|kind| self.sending(kind)).collect();
        all.extend((0..self.sent.len()).map(|number| self.delivering(number)));
        all
    }

    fn check(&self) {
        let (ours, theirs) = (&self.sender, &self.receiver);
        // Neither believes that a document is gone which is not.
        if ours.content() == Content::Withdrawn {
            assert_eq!(theirs.content(), Content::Withdrawn, "{self}");
        }
        if ours.content() == Content::Superseded {
            assert_eq!(theirs.content(), Content::Superseded, "{self}");
        }
        assert!(theirs.content() != Content::Frozen);
        let taking_back = |d: &Delivery, answer| d.request().is_some_and(|r| r.kind.takes_back() && r.answer == answer);
        assert_eq!(
            ours.content() == Content::Frozen,
            taking_back(ours, Answer::Open) && ours.content() != Content::Awaited,
            "{self}"
        );
        for d in [ours, theirs] {
            assert!(d.content() != Content::Withdrawn || taking_back(d, Answer::Agreed), "{self}");
        }
        // Every document that arrived is kept, or a person has been told.
        for (number, (kind, arrived)) in self.sent.iter().enumerate() {
            assert!(*kind != EventKind::Document || !arrived || self.kept.contains(&number), "{self}");
        }
        // The sender believes of the work what the receiver said at some time.
        if let Some(progress) = ours.progress() {
            assert!(self.sent.contains(&(EventKind::Report(progress.code), true)), "{self}");
        }
        // Once everything has arrived, in whatever order, both say the same of the work.
        let mut last = self.clone();
        for number in (0..self.sent.len()).rev() {
            last = last.delivering(number);
        }
        let resent = self.sent.iter().filter(|(kind, _)| *kind == EventKind::Document).count() > 1;
        let held = matches!(last.sender.content(), Content::Current | Content::Frozen);
        if held && last.receiver.content() == Content::Current && !resent {
            let code = |d: &Delivery| d.progress().map(|p| p.code);
            assert_eq!(code(&last.sender), code(&last.receiver), "{last}");
        }
    }
}

impl std::fmt::Display for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}\nsender {:?}\nreceiver {:?}", self.sent, self.sender, self.receiver)
    }
}

/// What holds of every single step.
fn legal(before: &Delivery, event: &Event, step: &Step) {
    let after = &step.delivery;
    let gone = |c| matches!(c, Content::Withdrawn | Content::Superseded);
    match step.ruling {
        Ruling::Refused | Ruling::Repeated => assert_eq!(before, after),
        _ => assert!(after.has_seen(event)),
    }
    if gone(before.content()) {
        assert_eq!(before.content(), after.content(), "gone is gone");
        assert_eq!(before.progress(), after.progress());
    }
    let own = event.kind.by_sender() == (before.side() == Side::Sender);
    if step.ruling == Ruling::Refused {
        assert!(!step.findings.is_empty(), "a refusal says why");
        assert_eq!(step.duties, if own { vec![] } else { vec![Duty::Show] });
    }
    assert_eq!(
        step.duties.contains(&Duty::Destroy),
        before.side() == Side::Receiver
            && after.content() == Content::Withdrawn
            && before.content() != Content::Withdrawn
    );
    // The same again changes nothing.
    if step.ruling == Ruling::Taken {
        let again = after.step(event);
        assert_eq!((again.ruling, &again.delivery), (Ruling::Repeated, after));
    }
}

#[test]
fn every_history_of_eight_steps_is_sound() {
    const DEPTH: usize = 8;
    let mut seen = HashSet::new();
    let mut open = VecDeque::from([(World::new(), 0)]);
    let mut contents = BTreeSet::new();
    while let Some((world, depth)) = open.pop_front() {
        world.check();
        contents.insert((world.sender.content(), world.receiver.content()));
        if depth == DEPTH {
            continue;
        }
        for next in world.successors() {
            if seen.insert(fingerprint(&next)) {
                open.push_back((next, depth + 1));
            }
        }
    }
    assert!(seen.len() > 5_000, "{}", seen.len());
    // All that is meant to be reachable was.
    for both in [Content::Awaited, Content::Current, Content::Withdrawn, Content::Superseded] {
        assert!(contents.contains(&(both, both)), "{both:?}");
    }
    assert!(contents.contains(&(Content::Frozen, Content::Withdrawn)), "before the answer is there");
}

/// The other side may be software that keeps no rule at all: whatever it sends, with a
/// reason or without, dated before or after, each step is sound.
#[test]
fn nothing_that_others_send_breaks_a_delivery() {
    for side in [Side::Sender, Side::Receiver] {
        let mut seen = HashSet::new();
        let mut open = vec![Delivery::new(side)];
        for depth in 0..8 {
            let mut next = Vec::new();
            for before in &open {
                for kind in kinds() {
                    for (number, reason) in [(100 + depth, true), (100 + depth, false), (100 - depth, true)] {
                        let mut event = event(kind, number);
                        event.id = format!("{kind:?} {depth} {number} {reason}");
                        event.reason = reason;
                        let step = before.step(&event);
                        legal(before, &event, &step);
                        let own = event.kind.by_sender() == (side == Side::Sender);
                        if kind.demands_reason() && !reason {
                            assert!(step.findings.iter().any(|f| f.code() == "EXCHANGE_REASON_MISSING") || !own);
                            assert!(step.ruling == Ruling::Refused || !own);
                        }
                        let d = &step.delivery;
                        // What was seen before plays no part for messages that are new.
                        if seen.insert((d.content(), d.progress(), d.request().cloned())) {
                            next.push(step.delivery);
                        }
                    }
                }
            }
            open = next;
        }
        assert!(seen.len() > 500, "{side:?} {}", seen.len());
    }
}

/// Who asks twice at once cannot tell the answers apart: a person does.
#[test]
fn an_ambiguous_answer_closes_nothing() {
    let mut sender = Delivery::new(Side::Sender);
    let kinds = [
        EventKind::Document,
        EventKind::Request(RequestKind::Update),
        EventKind::Request(RequestKind::Recall),
        EventKind::Answer { agreed: true },
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let step = sender.step(&event(kind, number));
        assert_eq!(step.ruling, Ruling::Taken);
        sender = step.delivery;
    }
    assert_eq!(sender.content(), Content::Frozen);
    let declined = sender.settle(false).unwrap();
    assert_eq!((declined.delivery.content(), declined.duties), (Content::Current, vec![Duty::Unfreeze]));
    let agreed = sender.settle(true).unwrap();
    assert_eq!((agreed.delivery.content(), agreed.duties), (Content::Withdrawn, vec![Duty::Withdraw]));
    assert!(agreed.delivery.settle(true).is_none());
}

/// 128 bits of a state: two of a million states being taken for one is out of the question.
fn fingerprint(world: &World) -> (u64, u64) {
    use std::hash::DefaultHasher;
    use std::hash::Hash;
    use std::hash::Hasher;
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        salt.hash(&mut hasher);
        world.hash(&mut hasher);
        hasher.finish()
    };
    (half(0), half(1))
}
