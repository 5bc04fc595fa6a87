//! Objects that stand in the file and in no cross-reference section.
//!
//! Readers that follow the sections do not see them. One that searches a file it finds damaged
//! for objects does, and a later section need only point to them: so two readers may see two documents.

use memchr::memmem;

use crate::error::Error;
use crate::finding::Finding;
use crate::pdf::document::Pdf;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Reference;
use crate::pdf::object::StreamData;
use crate::pdf::xref::Place;

/// Findings that are listed.
const MOST_LISTED: usize = 16;
/// Places that look like an object and are none that is known.
const MOST_STRAY: usize = 4096;
/// Octets that are read at a time.
const CHUNK: u64 = 256 << 10;
/// Longer than `endobj` and the header of an object are; longer white space is not looked through.
const SEAM: usize = 64;
/// So far before an object may its entry point, at white space.
const MOST_SPACE: u64 = 1 << 10;

/// A search for the headers of objects, fed with the octets of the file in their order.
pub(super) struct Search {
    /// Where cross-reference sections say that objects are, ascending, and the numbers of these.
    known: Vec<(u64, u32)>,
    /// The first of them that is not behind.
    next: usize,
    /// How far the file was searched.
    position: u64,
    /// The last octets before that.
    tail: Vec<u8>,
    found: Vec<(u64, u32)>,
}

impl Search {
    fn new(pdf: &Pdf<'_>) -> Self {
        let mut known = Vec::new();
        for revision in pdf.revisions() {
            known.extend(revision.own_places().filter_map(|(number, place)| match place {
                Place::Offset { offset, .. } => Some((offset, number)),
                Place::Free | Place::Compressed { .. } => None,
            }));
            // Cross-reference streams need no entry of their own.
            known.extend(revision.section_offsets().map(|offset| (offset, 0)));
        }
        known.sort_unstable();
        Self { known, next: 0, position: 0, tail: Vec::new(), found: Vec::new() }
    }

    /// Searches `octets`, which stand at `position`, if that is where the search has come to.
    pub(super) fn feed(&mut self, position: u64, octets: &[u8]) {
        if position != self.position {
            return;
        }
        let finder = memmem::Finder::new(b"obj");
        // First what two feeds share.
        let mut seam = std::mem::take(&mut self.tail);
        let before = seam.len();
        let base = position - before as u64;
        seam.extend_from_slice(octets.get(..octets.len().min(SEAM + 2)).unwrap_or_default());
        for at in finder.find_iter(&seam).filter(|at| at + 2 >= before && *at < before + SEAM) {
            self.meet(&seam, at, base);
        }
        for at in finder.find_iter(octets).skip_while(|at| *at < SEAM) {
            self.meet(octets, at, position);
        }
        if octets.len() >= SEAM {
            seam.clear();
            seam.extend_from_slice(octets.get(octets.len() - SEAM..).unwrap_or_default());
        } else {
            seam.drain(..seam.len().saturating_sub(SEAM));
        }
        self.tail = seam;
        self.position = position + octets.len() as u64;
    }

    /// Keeps what is no object that a section names.
    fn meet(&mut self, octets: &[u8], keyword: usize, base: u64) {
        let Some((header, number)) = header_before(octets, keyword) else { return };
        let offset = base + header as u64;
        while self.known.get(self.next).is_some_and(|(at, _)| *at < offset) {
            self.next += 1;
        }
        let named = self.known.get(self.next).is_some_and(|(at, _)| *at == offset);
        if !named && self.found.len() < MOST_STRAY {
            self.found.push((offset, number));
        }
    }

    /// The entry nearest before `offset`.
    fn holder(&self, offset: u64) -> Option<(u64, u32)> {
        let behind = self.known.partition_point(|(at, _)| *at < offset);
        behind.checked_sub(1).and_then(|index| self.known.get(index)).copied()
    }
}

impl Pdf<'_> {
    /// Has the next pass over the file search it for objects that no section names.
    pub(crate) fn watch_for_objects(&self) {
        let mut search = self.stray.borrow_mut();
        search.get_or_insert_with(|| Search::new(self));
    }

    /// Objects that stand in the file and in no cross-reference section: a warning for each.
    ///
    /// Reads what was not read by [`digests`](Self::digests) since it was asked to watch.
    pub(crate) fn objects_outside(&self) -> Result<Vec<Finding>, Error> {
        self.watch_for_objects();
        loop {
            let position = self.stray.borrow().as_ref().map_or(u64::MAX, |search| search.position);
            if position >= self.len() {
                break;
            }
            let octets = self.read(position..position.saturating_add(CHUNK).min(self.len()))?;
            if let Some(search) = &mut *self.stray.borrow_mut() {
                search.feed(position, &octets);
            }
        }
        let search = self.stray.borrow();
        let Some(search) = &*search else { return Ok(Vec::new()) };
        let mut findings = Vec::new();
        for (offset, number) in &search.found {
            if findings.len() >= MOST_LISTED {
                break;
            }
            let held = search.holder(*offset);
            let named = search.known.binary_search_by_key(offset, |(at, _)| *at).is_ok();
            if named || held.is_some_and(|(at, holder)| self.belongs(*number, *offset, holder, at)) {
                continue;
            }
            let revision = self.revisions().find(|revision| *offset < revision.end());
            let twice = revision.is_some_and(|revision| revision.generation(*number).is_some());
            let (code, message) = if twice {
                ("HIDDEN_OBJECT_TWICE", "the file holds a second object of this number, which no cross-reference names")
            } else {
                ("HIDDEN_OBJECT_UNLISTED", "the file holds an object that no cross-reference names")
            };
            let finding = Finding::warning(code, format!("{message}, at offset {offset}"));
            findings.push(finding.at(Reference::new(*number, 0)));
        }
        Ok(findings)
    }

    /// Whether what looks like the object `number` at `offset` is the object `holder` whose entry says
    /// `at`, or lies in its stream.
    fn belongs(&self, number: u32, offset: u64, holder: u32, at: u64) -> bool {
        // Entries that point at the line end before the object, which readers skip.
        if number == holder
            && offset - at <= MOST_SPACE
            && self.read(at..offset).is_ok_and(|between| between.into_iter().all(is_space))
        {
            return true;
        }
        if let Some(end) = self.revisions().find_map(|revision| revision.section_end(at)) {
            return offset < end;
        }
        for revision in self.revisions() {
            let Some(generation) = revision.generation(holder) else { continue };
            let here = matches!(revision.place(holder), Some((Place::Offset { offset, .. }, _)) if offset == at);
            if !here {
                continue;
            }
            // What cannot be read holds nothing that is known.
            let Ok(object) = revision.object(Reference::new(holder, generation)) else { return false };
            return match object.as_stream().map(|stream| &stream.data) {
                Some(StreamData::InSource { offset: start, length, .. }) => {
                    (*start..start.saturating_add(*length)).contains(&offset)
                }
                _ => false,
            };
        }
        // An entry that a later section of the same revision overrules.
        false
    }
}

/// Where `N G obj` begins, by the place of its `obj`, and N.
fn header_before(octets: &[u8], keyword: usize) -> Option<(usize, u32)> {
    let space = |at: usize| octets.get(at).is_some_and(|octet| matches!(octet, b' ' | b'\t' | b'\r' | b'\n'));
    let digit = |at: usize| octets.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = keyword;
    let back = |at: &mut usize, holds: &dyn Fn(usize) -> bool| -> usize {
        let from = *at;
        while let Some(before) = at.checked_sub(1).filter(|before| holds(*before) && from - before <= 10) {
            *at = before;
        }
        from - *at
    };
    let generation = back(&mut at, &space) > 0 && back(&mut at, &digit) > 0;
    let gap = generation && back(&mut at, &space) > 0;
    let end = at;
    if !gap || back(&mut at, &digit) == 0 {
        return None;
    }
    // Another letter before it makes it a word of something else.
    if at.checked_sub(1).is_some_and(|before| octets.get(before).is_some_and(u8::is_ascii_alphanumeric))
        && !ends_object(octets, at)
    {
        return None;
    }
    let number = std::str::from_utf8(octets.get(at..end)?).ok()?.parse().ok()?;
    Some((at, number))
}

/// Whether `endobj` stands directly before.
fn ends_object(octets: &[u8], at: usize) -> bool {
    octets.get(..at).is_some_and(|before| before.ends_with(b"endobj"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the octets are cut into pieces, the same is found.
    #[test]
    fn headers_are_found_across_pieces() {
        let filler =
            b"endobj\n1 0 obj\n<< /A (obj 7 obj) >>\nendobj\n900 0 obj x endobj12  34\r\n obj object 5 0 obj".repeat(9);
        let found = |sizes: &[usize]| {
            let known = vec![(7, 1)];
            let mut search = Search { known, next: 0, position: 0, tail: Vec::new(), found: Vec::new() };
            let (mut rest, mut sizes) = (&filler[..], sizes.iter().cycle());
            while !rest.is_empty() {
                let (piece, tail) = rest.split_at((*sizes.next().unwrap()).min(rest.len()));
                search.feed(search.position, piece);
                // What was fed before is not searched again.
                search.feed(0, piece);
                rest = tail;
            }
            search.found
        };
        let whole = found(&[1 << 20]);
        assert!(whole.iter().filter(|(_, number)| *number == 900).count() == 9 && !whole.contains(&(7, 1)));
        assert!(whole.iter().any(|(_, number)| *number == 12));
        for sizes in [&[1][..], &[2, 3], &[63], &[64], &[65], &[66, 1], &[67, 130], &[200], &[128, 5, 64]] {
            assert_eq!(found(sizes), whole, "{sizes:?}");
        }
    }
}
