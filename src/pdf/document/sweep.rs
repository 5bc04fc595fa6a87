//! What objects in object streams refer to, all streams at once and side by side.

use std::collections::HashMap;
use std::slice::Chunks;
use std::sync::Mutex;
use std::sync::PoisonError;

use super::Pdf;
use super::Revision;
use super::packed::each_entry;
use crate::limits::Limits;
use crate::pdf::filter;
use crate::pdf::lexer::is_space;
use crate::pdf::mention;
use crate::pdf::numbers::Numbers;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::source::Source;
use crate::pdf::source::Window;
use crate::pdf::xref;
use crate::pdf::xref::Place;

/// Octets read at a time: object streams often follow each other.
const BLOCK: u64 = 32 << 10;
/// A longer stream in the file is left to the reader of single objects.
const MOST_PACKED: u64 = 16 << 20;
/// Memory for one inflated stream that is kept for the next.
const MOST_KEPT: usize = 1 << 20;
/// Streams that a thread takes at a time.
const RUN: usize = 16;
/// What may be references, in all object streams together: 16 MB.
const MOST_MENTIONS: usize = 4 << 20;
/// White space and two keywords are no longer, after the octets of a stream.
const CLOSING: usize = 64;

/// The object streams that were swept.
#[derive(Default)]
pub(super) struct Swept {
    /// The numbers that the objects may refer to; `None` where only reading the objects tells.
    streams: HashMap<Job, Option<Box<[u32]>>>,
    /// A limit was reached: another attempt would reach it again.
    given_up: bool,
}

/// The object streams of one revision of which all is known that their objects may refer to.
#[derive(Default)]
pub(in crate::pdf) struct Sweep {
    /// Their numbers. In their own dictionaries nothing refers to any object.
    pub(in crate::pdf) streams: Numbers,
    /// What the objects in them may refer to, those that no object reaches as well.
    pub(in crate::pdf) mentioned: Numbers,
}

/// An object stream that is to be swept.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Job {
    number: u32,
    offset: u64,
    /// The end of the revision that says that it is there.
    limit: u64,
}

impl Revision<'_> {
    /// Searches its object streams for whatever may be a reference, without reading a single object;
    /// leaves those out in which something may refer to one of `contested`.
    ///
    /// `None` where that would take more work than all objects together may, or too much memory.
    pub(in crate::pdf) fn sweep(&self, contested: &Numbers) -> Option<Sweep> {
        // Deciphering is for the reader of single objects.
        if self.pdf.encryption.is_some() {
            return None;
        }
        let mut jobs = Vec::new();
        for number in self.object_streams().iter() {
            if let Some((Place::Offset { offset, generation: 0 }, limit)) = self.place(number) {
                jobs.push(Job { number, offset, limit });
            }
        }
        jobs.sort_unstable_by_key(|job| job.offset);
        let swept = &mut *self.pdf.swept.borrow_mut();
        let new: Vec<Job> = jobs.iter().filter(|job| !swept.streams.contains_key(job)).copied().collect();
        if !swept.given_up && !new.is_empty() {
            match sweep(self.pdf, &new) {
                Some(found) => swept.streams.extend(found),
                None => swept.given_up = true,
            }
        }
        if swept.given_up {
            return None;
        }
        let mut sweep = Sweep::default();
        for job in jobs {
            let Some(Some(mentioned)) = swept.streams.get(&job) else { continue };
            // What goes through it for every revision must not be for nothing.
            self.pdf.spend(mentioned.len() as u64 * 4).ok()?;
            if !mentioned.iter().any(|number| contested.contains(*number)) {
                sweep.streams.insert(job.number);
                mentioned.iter().for_each(|number| sweep.mentioned.insert(*number));
            }
        }
        Some(sweep)
    }
}

/// What an object stream may refer to.
type Found = (Job, Option<Box<[u32]>>);

/// Sweeps all; `None` at a limit, of which nothing is charged then, since the reader of single objects is to have its own try.
fn sweep(pdf: &Pdf<'_>, jobs: &[Job]) -> Option<Vec<Found>> {
    let allowed = xref::allowed_work(pdf.source(), &pdf.limits).saturating_sub(pdf.work.get());
    let queue = Mutex::new(Queue { jobs: jobs.chunks(RUN), spent: 0, found: Vec::new(), mentions: 0 });
    let shared = Shared { source: &*pdf.source, limits: &pdf.limits, allowed, queue };
    let helpers = pdf.threads.saturating_sub(1).min(jobs.len() / (2 * RUN));
    std::thread::scope(|scope| {
        for _ in 0..helpers {
            let helper = std::thread::Builder::new().name("kyso-sweep".into());
            // Where no thread can be had, this one does the work.
            if helper.spawn_scoped(scope, || shared.work()).is_err() {
                break;
            }
        }
        shared.work();
    });
    let queue = shared.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    let done = queue.found.len() == jobs.len() && queue.spent <= allowed && queue.mentions <= MOST_MENTIONS;
    (done && pdf.spend(queue.spent).is_ok()).then_some(queue.found)
}

/// What the threads share.
struct Shared<'s> {
    source: &'s dyn Source,
    limits: &'s Limits,
    /// Octets that may be read and inflated.
    allowed: u64,
    queue: Mutex<Queue<'s>>,
}

struct Queue<'s> {
    jobs: Chunks<'s, Job>,
    spent: u64,
    found: Vec<Found>,
    mentions: usize,
}

impl Shared<'_> {
    fn work(&self) {
        let (mut part, mut window) = (Part::default(), Window::of(BLOCK));
        loop {
            let (run, left) = {
                let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.spent = queue.spent.saturating_add(std::mem::take(&mut part.spent));
                queue.mentions +=
                    part.found.iter().flat_map(|(_, found)| found).map(|found| found.len()).sum::<usize>();
                queue.found.append(&mut part.found);
                let left = self.allowed.checked_sub(queue.spent).filter(|_| queue.mentions <= MOST_MENTIONS);
                (queue.jobs.next(), left)
            };
            let (Some(run), Some(left)) = (run, left) else { return };
            for job in run {
                part.mentioned.clear();
                let found = part.sweep(self, job, &mut window, left).map(|()| part.mentioned.as_slice().into());
                part.found.push((*job, found));
                if part.data.capacity() > MOST_KEPT {
                    part.data = Vec::new();
                }
            }
        }
    }
}

/// What one thread found since it last told, and memory that it uses again.
#[derive(Default)]
struct Part {
    found: Vec<Found>,
    spent: u64,
    data: Vec<u8>,
    mentioned: Vec<u32>,
}

impl Part {
    /// Only the plain forms, in which nearly all object streams are written.
    fn sweep(&mut self, shared: &Shared<'_>, job: &Job, window: &mut Window, left: u64) -> Option<()> {
        let Shared { source, limits, .. } = *shared;
        let own = Reference::new(job.number, 0);
        let mut seen = 0;
        let read = xref::with_parser(source, window, job.offset, limits, &mut seen, |parser| {
            if xref::header(parser)? != Some(own) {
                return Ok(None);
            }
            let Object::Dictionary(dictionary) = parser.object()? else { return Ok(None) };
            Ok(xref::stream_start(parser)?.map(|start| (dictionary, start)))
        });
        // All that is looked at counts, and before more is read: what streams hold may overlap.
        self.spent = self.spent.saturating_add(seen);
        let (dictionary, start) = read.ok().flatten()?;
        if !dictionary.is_type("ObjStm") || dictionary.iter().any(|(_, value)| has_references(value)) {
            return None;
        }
        let number = |key: &str| dictionary.get(key)?.as_integer().and_then(|value| u64::try_from(value).ok());
        let length = number("Length").filter(|length| *length <= MOST_PACKED)?;
        let count = usize::try_from(number("N")?).ok()?;
        let first = usize::try_from(number("First")?).ok()?;
        self.spent = self.spent.saturating_add(length);
        let limit = limits.inflated_octets.min(left.checked_sub(self.spent)?);
        let (packed, after) = octets(source, window, start, length)?;
        if start + length + closing(after)? as u64 > job.limit {
            return None;
        }
        match (dictionary.get("Filter").map(Object::as_name), dictionary.get("DecodeParms")) {
            (Some(Some(b"FlateDecode")), None) => filter::inflate_into(packed, limit, &mut self.data).ok()?,
            _ => self.data = filter::decode(&filter::parameters(&dictionary), packed.to_vec(), limit).ok()?,
        }
        self.spent = self.spent.saturating_add(self.data.len() as u64);
        let data = self.data.as_slice();
        let mut apart = true;
        each_entry(data.get(..first)?, count, limits, |_, start| apart &= mention::may_begin(data, start))?;
        mention::mentions(data, MOST_MENTIONS, &mut self.mentioned).filter(|()| apart)
    }
}

/// `length` octets at `start`, and the few that follow.
fn octets<'o>(source: &'o dyn Source, window: &'o mut Window, start: u64, length: u64) -> Option<(&'o [u8], &'o [u8])> {
    let left = source.len().checked_sub(start)?;
    let wanted = usize::try_from(left.min(length.checked_add(CLOSING as u64)?)).ok()?;
    let all = match source.octets() {
        Some(all) => all.get(usize::try_from(start).ok()?..)?,
        None => window.ahead(source, start, wanted).ok()?,
    };
    all.get(..wanted)?.split_at_checked(usize::try_from(length).ok()?)
}

/// How many octets `endstream` and `endobj` take, with white space before each.
fn closing(after: &[u8]) -> Option<usize> {
    let after_word = |rest: &'_ [u8], word: &[u8]| {
        let spaces = rest.iter().take_while(|octet| is_space(**octet)).count();
        rest.get(spaces..).filter(|rest| rest.starts_with(word)).map(|_| spaces + word.len())
    };
    let first = after_word(after, b"endstream")?;
    Some(first + after_word(after.get(first..)?, b"endobj")?)
}

/// Whether anything in `value` refers to an object.
fn has_references(value: &Object) -> bool {
    match value {
        Object::Reference(_) => true,
        Object::Array(values) => values.iter().any(has_references),
        Object::Dictionary(dictionary) => dictionary.iter().any(|(_, value)| has_references(value)),
        _ => false,
    }
}
