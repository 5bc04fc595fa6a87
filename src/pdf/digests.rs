//! Digests over covered ranges: the file is read once, whatever the number of signatures.

use std::collections::HashMap;
use std::ops::Range;

use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::Digester;
use crate::error::Error;
use crate::error::LimitExceeded;
use crate::error::Misuse;
use crate::pdf::document::Pdf;
use crate::pdf::source::Source;
use crate::pdf::source::read_into;
use crate::pdf::stray::Search;

/// Octets read at a time.
const CHUNK: u64 = 256 << 10;
/// Octets that may be digested for each octet of the file: signatures share what lies before
/// their gaps, so honest files stay near 1.
const MOST_PASSES: u64 = 64;

/// A shorter file is digested before a thread has begun.
const WORTH_A_THREAD: u64 = 1 << 20;

/// A pair of ranges, and the algorithm to digest it by.
type Wanted = ([Range<u64>; 2], DigestAlgorithm);

/// Digests that were computed, by ranges and algorithm.
pub(super) type Digests = HashMap<Wanted, Digest>;

/// So many are kept; a document has one for each of its signatures.
const MOST_KEPT: usize = 4096;

struct Running<'r> {
    ranges: &'r [Range<u64>; 2],
    digester: Option<Digester>,
    done: Option<Digest>,
}

impl Pdf<'_> {
    /// The digest of each pair of ranges, in one pass over the file.
    ///
    /// What lies before the gaps is digested once per algorithm: at each gap the
    /// running state is cloned. What was digested once is not read again.
    ///
    /// # Errors
    /// Where a pair does not begin at 0 or is out of order, the file cannot be
    /// read, or the pairs together ask for too much work.
    pub fn digests(&self, wanted: &[([Range<u64>; 2], DigestAlgorithm)]) -> Result<Vec<Digest>, Error> {
        self.digests_by(Backend::default(), wanted)
    }

    /// [`digests`](Self::digests), computed by a backend of the caller's choice.
    ///
    /// # Errors
    /// As there.
    pub fn digests_by(
        &self,
        backend: Backend,
        wanted: &[([Range<u64>; 2], DigestAlgorithm)],
    ) -> Result<Vec<Digest>, Error> {
        let unknown = self.unknown(wanted);
        let mut search = self.stray.borrow_mut();
        let computed = compute(self.source(), backend, &unknown, search.as_mut());
        drop(search);
        self.remember(wanted, unknown, computed?)
    }

    /// [`digests_by`](Self::digests_by) and `work`, one after the other or side by side.
    pub(crate) fn digests_beside<T>(
        &self,
        backend: Backend,
        wanted: &[Wanted],
        work: impl FnOnce() -> T,
    ) -> (Result<Vec<Digest>, Error>, T) {
        let unknown = self.unknown(wanted);
        if !self.has_threads() || self.len() < WORTH_A_THREAD || unknown.is_empty() {
            let done = work();
            return (self.digests_by(backend, wanted), done);
        }
        // What is digested is searched as well, out of the reach of whatever `work` does.
        let mut search = self.stray.take();
        let source = self.source();
        let (computed, done) = std::thread::scope(|scope| {
            let digest = || compute(source, backend, &unknown, search.as_mut());
            let digester = std::thread::Builder::new().name("kyso-digest".into()).spawn_scoped(scope, digest);
            let done = work();
            let joined = digester.ok().map(|digester| digester.join());
            (joined.map(|joined| joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic))), done)
        });
        self.stray.replace(search);
        let all = match computed {
            Some(computed) => computed.and_then(|computed| self.remember(wanted, unknown, computed)),
            // No thread could be had.
            None => self.digests_by(backend, wanted),
        };
        (all, done)
    }

    /// Those that were not computed before.
    fn unknown(&self, wanted: &[Wanted]) -> Vec<Wanted> {
        let kept = self.digests.borrow();
        wanted.iter().filter(|wanted| !kept.contains_key(*wanted)).cloned().collect()
    }

    /// What is wanted, of which `computed` is what was not known.
    fn remember(&self, wanted: &[Wanted], unknown: Vec<Wanted>, computed: Vec<Digest>) -> Result<Vec<Digest>, Error> {
        let computed: Digests = unknown.into_iter().zip(computed).collect();
        let mut kept = self.digests.borrow_mut();
        let all = wanted.iter().map(|wanted| computed.get(wanted).or_else(|| kept.get(wanted)).copied());
        let all: Option<Vec<Digest>> = all.collect();
        if kept.len().saturating_add(computed.len()) > MOST_KEPT {
            kept.clear();
        }
        kept.extend(computed);
        all.ok_or_else(|| Misuse::new("ranges that were not reached").into())
    }
}

/// One pass over `source`; `search` is fed with what is read.
fn compute(
    source: &dyn Source,
    backend: Backend,
    wanted: &[Wanted],
    mut search: Option<&mut Search>,
) -> Result<Vec<Digest>, Error> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let length = source.len();
    let orderly = |[head, tail]: &[Range<u64>; 2]| {
        head.start == 0 && head.end <= tail.start && tail.start <= tail.end && tail.end <= length
    };
    if !wanted.iter().all(|(ranges, _)| orderly(ranges)) {
        return Err(Misuse::new("ranges must begin at 0, follow each other and lie within the file").into());
    }
    let tails: u64 = wanted.iter().map(|([_, tail], _)| tail.end - tail.start).fold(0, u64::saturating_add);
    if tails > length.saturating_mul(MOST_PASSES).saturating_add(CHUNK) {
        return Err(LimitExceeded::new("passes over the file to digest it", MOST_PASSES).into());
    }
    // One running state per algorithm, until the last gap that needs it.
    let mut heads: Vec<(DigestAlgorithm, Digester, u64)> = Vec::new();
    for (ranges, algorithm) in wanted {
        match heads.iter_mut().find(|(known, ..)| known == algorithm) {
            Some((.., until)) => *until = (*until).max(ranges[0].end),
            None => heads.push((*algorithm, backend.digester(*algorithm), ranges[0].end)),
        }
    }
    let mut running: Vec<Running<'_>> =
        wanted.iter().map(|(ranges, _)| Running { ranges, digester: None, done: None }).collect();
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by_key(|index| wanted.get(*index).map(|(ranges, _)| ranges[0].end));
    let mut order = order.into_iter().peekable();
    let last = wanted.iter().map(|(ranges, _)| ranges[1].end.max(ranges[0].end)).max().unwrap_or(0);
    let mut position = 0;
    let mut buffer = Vec::new();
    loop {
        // Clone where a head ends exactly here; chunks are cut at every such place.
        while let Some(index) = order.next_if(|index| wanted.get(*index).is_some_and(|(r, _)| r[0].end == position)) {
            if let (Some((_, algorithm)), Some(slot)) = (wanted.get(index), running.get_mut(index)) {
                slot.digester = heads.iter().find(|(known, ..)| known == algorithm).map(|(_, state, _)| state.clone());
            }
        }
        if position >= last {
            break;
        }
        let gap = order.peek().and_then(|index| wanted.get(*index)).map_or(u64::MAX, |(ranges, _)| ranges[0].end);
        let end = position.saturating_add(CHUNK).min(last).min(gap);
        with_octets(source, position..end, &mut buffer, |octets| {
            if let Some(search) = &mut search {
                search.feed(position, octets);
            }
            for (_, state, until) in &mut heads {
                if position < *until {
                    state.update(octets);
                }
            }
            for slot in &mut running {
                let tail = &slot.ranges[1];
                if let Some(digester) = &mut slot.digester
                    && let Some(part) = overlap(octets, position, tail)
                {
                    digester.update(part);
                }
            }
        })?;
        position = end;
        for slot in &mut running {
            if slot.ranges[1].end <= position
                && slot.ranges[0].end < position
                && let Some(digester) = slot.digester.take()
            {
                slot.done = Some(digester.finish());
            }
        }
    }
    running
        .into_iter()
        .map(|slot| {
            let done = slot.done.or_else(|| slot.digester.map(Digester::finish));
            done.ok_or_else(|| Misuse::new("ranges that were not reached").into())
        })
        .collect()
}

/// The octets at `range`, borrowed where they are in memory, else read into `buffer`.
fn with_octets(
    source: &dyn Source,
    range: Range<u64>,
    buffer: &mut Vec<u8>,
    mut use_them: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let borrowed =
        source.octets().and_then(|all| all.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?));
    match borrowed {
        Some(octets) => use_them(octets),
        None => {
            let length = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
            read_into(source, range.start, length, buffer)?;
            use_them(buffer);
        }
    }
    Ok(())
}

/// The part of `octets`, which begin at `position`, that lies in `range`.
fn overlap<'o>(octets: &'o [u8], position: u64, range: &Range<u64>) -> Option<&'o [u8]> {
    let start = range.start.saturating_sub(position).min(octets.len() as u64);
    let end = range.end.saturating_sub(position).min(octets.len() as u64);
    octets.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?).filter(|part| !part.is_empty())
}
