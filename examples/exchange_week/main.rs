//! A week of two agencies that exchange 200 documents over a network that delivers
//! late, twice and out of order: documents are accepted, refused and sent again,
//! updated, replaced and recalled, and requests are agreed to or declined. In the
//! end both registers say the same.
//!
//! ```sh
//! cargo run --example exchange_week
//! ```
//!
//! Every message is written by the strict writer and read by the reader, as it
//! would be between two hosts. The run is the same each time, and fails where the
//! registers disagree.

mod agency;
mod network;

use std::error::Error;

use kyso::Time;
use kyso::envelope::StatusCode;
use kyso::envelope::Timestamp;
use kyso::exchange::Answer;
use kyso::exchange::Content;
use kyso::exchange::Entry;
use kyso::exchange::Key;
use kyso::exchange::Register;
use kyso::exchange::Side;

use crate::agency::Agency;
use crate::network::Chance;
use crate::network::Network;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Documents in all.
const DOCUMENTS: usize = 200;
/// Working hours of a week, of ten minutes each.
const WEEK: usize = 5 * 8 * 6;

/// The time of a step of ten minutes.
fn at(step: usize) -> Outcome<Timestamp> {
    let start = Time::parse_rfc3339("2026-11-23T08:00:00+07:00")?;
    let seconds = u64::try_from(step)? * 600;
    Ok(Timestamp::of(start.saturating_add(std::time::Duration::from_secs(seconds))))
}

fn main() -> Outcome<()> {
    let mut chance = Chance::new(2_026);
    let mut network = Network::default();
    let mut agencies =
        [Agency::new("H14", "UBND tỉnh Cao Bằng", "UBND-CB"), Agency::new("H41", "UBND tỉnh Nghệ An", "UBND-NA")];
    let [a, b] = &agencies;
    let organizations = [b.us().clone(), a.us().clone()];
    let mut sent = 0;
    let mut step = 0;
    // After the week, until all is quiet.
    while step < WEEK || !network.is_empty() || agencies.iter().any(Agency::is_busy) {
        let now = at(step)?;
        for (agency, to) in agencies.iter_mut().zip(&organizations) {
            if step < WEEK && sent < DOCUMENTS && chance.percent(60) {
                agency.send_document(to, now, step, &mut chance, &mut network)?;
                sent += 1;
            }
            if step < WEEK {
                agency.think_again(to, now, step, &mut chance, &mut network)?;
            }
            agency.work(now, step, &mut chance, &mut network)?;
        }
        for (receiver, octets) in network.arriving(step) {
            let agency = agencies.get_mut(receiver).ok_or("no such agency")?;
            agency.receive(&octets, step, &mut chance)?;
        }
        step += 1;
        if step > 20 * WEEK {
            return Err("the exchange does not come to rest".into());
        }
    }
    let [a, b] = &agencies;
    let count = consistent(a.register(), b.register())? + consistent(b.register(), a.register())?;
    check(count >= DOCUMENTS, "every document is in both registers")?;
    for agency in &agencies {
        // What is stored comes back as it was.
        #[cfg(feature = "serde")]
        check(Register::from_json(&agency.register().to_json())?.entries().eq(agency.register().entries()), "stored")?;
        println!("{}", agency.us().name.as_deref().unwrap_or_default());
        for (side, name) in [(Side::Sender, "outgoing"), (Side::Receiver, "incoming")] {
            println!("  {name}: {}", summary(agency.register(), side));
        }
    }
    let (copies, overtaken) = network.troubles();
    println!(
        "{count} documents, {} messages, {copies} of them twice, {overtaken} overtaken by later ones",
        network.count()
    );
    println!("both registers say the same");
    Ok(())
}

/// Both sides of every delivery from `ours` to `theirs` agree.
fn consistent(ours: &Register, theirs: &Register) -> Outcome<usize> {
    let mut count = 0;
    for entry in ours.entries().filter(|e| e.key.side == Side::Sender) {
        let key = Key { side: Side::Receiver, other: ours.us().clone(), document: entry.key.document.clone() };
        let there = theirs.entry(&key).ok_or_else(|| format!("{} is lost", key.document))?;
        let agree = |holds: bool, what: &str| check(holds, &format!("{}: {what}\n{entry:?}\n{there:?}", key.document));
        agree(entry.delivery.content() == there.delivery.content(), "the document")?;
        let answered = |e: &Entry| e.delivery.request().map(|r| r.answer);
        agree(answered(entry) == answered(there) && answered(entry) != Some(Answer::Open), "the request")?;
        let progress = |e: &Entry| e.delivery.progress().map(|p| p.code);
        let gone = matches!(entry.delivery.content(), Content::Withdrawn | Content::Superseded);
        agree(gone || progress(entry) == progress(there), "the status")?;
        let subject = |e: &Entry| e.record.as_ref().map(|r| (r.subject.clone(), r.code_number.clone(), r.page_amount));
        agree(subject(entry) == subject(there), "the record")?;
        count += 1;
    }
    Ok(count)
}

fn summary(register: &Register, side: Side) -> String {
    let all: Vec<&Entry> = register.entries().filter(|e| e.key.side == side).collect();
    let with = |content: Content| all.iter().filter(|e| e.delivery.content() == content).count();
    let refused = |e: &&&Entry| e.delivery.progress().is_some_and(|p| p.code == StatusCode::Refused);
    let updated = |e: &&&Entry| e.log.iter().any(|l| l.what == "update");
    format!(
        "{} documents, {} in force, {} recalled, {} replaced, {} refused, {} updated or asked to",
        all.len(),
        with(Content::Current),
        with(Content::Withdrawn),
        with(Content::Superseded),
        all.iter().filter(refused).count(),
        all.iter().filter(updated).count()
    )
}

fn check(holds: bool, what: &str) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("not as it should be: {what}").into()) }
}
