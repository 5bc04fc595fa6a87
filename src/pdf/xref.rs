//! Cross-reference sections and the chain of their `/Prev` (ISO 32000-2 §7.5.4, §7.5.8).
//!
//! Read as the newest kind of reader would, never repaired. Where two readers
//! could come to see different documents, a finding says so.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::finding::Finding;
use crate::limits::Budget;
use crate::limits::Limits;
use crate::pdf::filter;
use crate::pdf::lexer::Parser;
use crate::pdf::lexer::Stop;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::source::Cursor;
use crate::pdf::source::Source;
use crate::pdf::source::Window;
use crate::pdf::source::read_exact;

/// Where an object is, in 16 octets, since there may be millions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct XrefEntry {
    pub(super) number: u32,
    generation: u16,
    kind: Kind,
    value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Free,
    Offset,
    Compressed,
}

/// What an entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Free,
    /// At an offset of the file.
    Offset {
        offset: u64,
        generation: u16,
    },
    /// In an object stream.
    Compressed {
        stream: u32,
        index: u32,
    },
}

impl XrefEntry {
    const fn new(number: u32, place: Place) -> Self {
        match place {
            Place::Free => Self { number, generation: 0, kind: Kind::Free, value: 0 },
            Place::Offset { offset, generation } => Self { number, generation, kind: Kind::Offset, value: offset },
            Place::Compressed { stream, index } => {
                Self { number, generation: 0, kind: Kind::Compressed, value: (stream as u64) << 32 | index as u64 }
            }
        }
    }

    #[allow(clippy::cast_possible_truncation)] // the two halves of what `new` put together
    pub(super) const fn place(&self) -> Place {
        match self.kind {
            Kind::Free => Place::Free,
            Kind::Offset => Place::Offset { offset: self.value, generation: self.generation },
            Kind::Compressed => Place::Compressed { stream: (self.value >> 32) as u32, index: self.value as u32 },
        }
    }
}

/// How a section is written; an update continues in the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XrefForm {
    /// A cross-reference table and a trailer.
    Table,
    /// A cross-reference stream.
    Stream,
    /// A table whose trailer names a stream for newer readers.
    Hybrid,
}

/// One cross-reference section with its trailer.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) offset: u64,
    pub(super) form: XrefForm,
    /// Sorted by number, each number once.
    pub(super) entries: Vec<XrefEntry>,
    pub(super) trailer: Dictionary,
    pub(super) prev: Option<u64>,
    /// After the trailer dictionary or the stream's `endobj`.
    pub(super) end: u64,
}

impl Section {
    pub(super) fn get(&self, number: u32) -> Option<XrefEntry> {
        // Most sections name every number from their first on.
        let behind = usize::try_from(number.checked_sub(self.entries.first()?.number)?).ok()?;
        if let Some(entry) = self.entries.get(behind).filter(|entry| entry.number == number) {
            return Some(*entry);
        }
        let index = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        self.entries.get(index).copied()
    }
}

/// Octets of objects, and of sections, that may be read and inflated in all: so what a document may cost is bound to its length.
pub(super) fn allowed_work(source: &dyn Source, limits: &Limits) -> u64 {
    source.len().saturating_mul(64).saturating_add(limits.inflated_octets)
}

/// Reads the chain that starts at `offset`; newest section first.
pub(super) fn read_chain(
    source: &dyn Source,
    offset: u64,
    limits: &Limits,
    findings: &mut Vec<Finding>,
) -> Result<Vec<Section>, Error> {
    // Sections may be said to overlap, and tables may all name one stream.
    let work = Budget::new("octets of cross-reference sections read", allowed_work(source, limits));
    let mut reader = Reader { source, limits, findings, objects: 0, work };
    let mut seen = BTreeSet::new();
    let mut sections = Vec::new();
    let mut next = Some(offset);
    while let Some(offset) = next {
        if !seen.insert(offset) {
            return Err(Malformed::new(Format::Pdf, "cross-reference chain", "no cycle of /Prev").at(offset).into());
        }
        if sections.len() >= limits.pdf_revisions {
            return Err(LimitExceeded::new("pdf_revisions", limits.pdf_revisions as u64).into());
        }
        let section = reader.section(offset)?;
        next = section.prev;
        sections.push(section);
    }
    Ok(sections)
}

struct Reader<'r> {
    source: &'r dyn Source,
    limits: &'r Limits,
    findings: &'r mut Vec<Finding>,
    objects: usize,
    /// Octets that may still be looked at and inflated.
    work: Budget,
}

impl Reader<'_> {
    fn section(&mut self, offset: u64) -> Result<Section, Error> {
        let mut cursor = Cursor::new(self.source, offset);
        let spaces = cursor.skip_space()?;
        self.work.spend_many(spaces)?;
        if spaces > 0 {
            self.findings.push(
                Finding::warning("PDF_XREF_OFFSET", "white space stands where a cross-reference section should begin")
                    .at(offset),
            );
        }
        if cursor.take(b"xref")? { self.table(offset, cursor) } else { self.stream(cursor.offset()) }
    }

    fn table(&mut self, offset: u64, mut cursor: Cursor<'_>) -> Result<Section, Error> {
        let mut entries = Vec::new();
        let mut sloppy = false;
        loop {
            cursor.skip_space()?;
            if cursor.take(b"trailer")? {
                break;
            }
            let at = cursor.offset();
            let fault = |expected| Malformed::new(Format::Pdf, "cross-reference table", expected).at(at);
            let first = cursor.take_number()?.ok_or_else(|| fault("a subsection or the trailer"))?;
            cursor.skip_space()?;
            let count = cursor.take_number()?.ok_or_else(|| fault("a number of entries"))?;
            cursor.skip_space()?;
            let end = first.checked_add(count).filter(|end| *end <= u64::from(u32::MAX));
            let end = end.ok_or_else(|| fault("object numbers of 32 bits"))?;
            for number in first..end {
                self.spend()?;
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                let (place, exact) = table_entry(&mut cursor)?;
                sloppy |= !exact;
                entries.push(XrefEntry::new(number, place));
            }
        }
        if sloppy {
            let message = "entries of the cross-reference table are not 20 octets long";
            self.findings.push(Finding::warning("PDF_XREF_ENTRY_LENGTH", message).at(offset));
        }
        let (trailer, end) = dictionary_at(self.source, cursor.offset(), self.limits)?;
        self.work.spend_many(end - offset)?;
        let prev = self.prev(&trailer, offset)?;
        let mut entries = self.sorted(entries, offset);
        let mut form = XrefForm::Table;
        if let Some(hidden) = trailer.get("XRefStm") {
            let at = hidden.as_integer().and_then(|at| u64::try_from(at).ok()).ok_or_else(|| {
                Malformed::new(Format::Pdf, "/XRefStm of the trailer", "an offset as a direct integer").at(offset)
            })?;
            let stream = self.stream(at)?;
            entries = self.merged(entries, stream.entries, offset);
            form = XrefForm::Hybrid;
        }
        Ok(Section { offset, form, entries, trailer, prev, end })
    }

    fn stream(&mut self, offset: u64) -> Result<Section, Error> {
        let fault =
            |field: &'static str, expected: &'static str| Malformed::new(Format::Pdf, field, expected).at(offset);
        let (dictionary, start) =
            with_parser(self.source, &mut Window::default(), offset, self.limits, &mut 0, |parser| {
                if header(parser)?.is_none() {
                    return Err(fault("cross-reference section", "`xref` or a cross-reference stream").into());
                }
                let object = parser.object()?;
                let Object::Dictionary(dictionary) = object else {
                    return Err(fault("cross-reference stream", "a dictionary").into());
                };
                let start =
                    stream_start(parser)?.ok_or_else(|| fault("cross-reference stream", "the keyword stream"))?;
                Ok((dictionary, start))
            })?;
        if !dictionary.is_type("XRef") {
            return Err(fault("cross-reference stream", "/Type /XRef").into());
        }
        let length = dictionary.get("Length").and_then(Object::as_integer).and_then(|n| usize::try_from(n).ok());
        let length = length.ok_or_else(|| fault("/Length of the cross-reference stream", "a direct integer"))?;
        self.work.spend_many((start - offset).saturating_add(length as u64))?;
        let raw = read_exact(self.source, start, length)?;
        let data = filter::decode(&dictionary, raw, self.limits.inflated_octets)?;
        self.work.spend_many(data.len() as u64)?;
        let entries = self.stream_entries(&dictionary, &data, offset)?;
        let end = end_of_stream(self.source, start + length as u64)?
            .map_err(|_| fault("cross-reference stream", "endstream and endobj after /Length octets"))?;
        let prev = self.prev(&dictionary, offset)?;
        let entries = self.sorted(entries, offset);
        Ok(Section { offset, form: XrefForm::Stream, entries, trailer: dictionary, prev, end })
    }

    fn stream_entries(&mut self, dictionary: &Dictionary, data: &[u8], offset: u64) -> Result<Vec<XrefEntry>, Error> {
        let fault =
            |field: &'static str, expected: &'static str| Malformed::new(Format::Pdf, field, expected).at(offset);
        let integers = |key: &str| -> Option<Vec<u64>> {
            let values = dictionary.get(key)?.as_array()?;
            values.iter().map(|value| value.as_integer().and_then(|n| u64::try_from(n).ok())).collect()
        };
        let widths = integers("W").filter(|w| w.len() >= 3 && w.iter().all(|width| *width <= 8));
        let widths = widths.ok_or_else(|| fault("/W of the cross-reference stream", "three widths of at most 8"))?;
        let widths: Vec<usize> = widths.into_iter().map(|width| usize::try_from(width).unwrap_or(8)).collect();
        let size = dictionary.get("Size").and_then(Object::as_integer).and_then(|n| u64::try_from(n).ok());
        let size = size.ok_or_else(|| fault("/Size of the cross-reference stream", "a non-negative integer"))?;
        let index = match dictionary.get("Index") {
            None => vec![0, size],
            Some(_) => integers("Index")
                .filter(|index| index.len().is_multiple_of(2))
                .ok_or_else(|| fault("/Index of the cross-reference stream", "pairs of non-negative integers"))?,
        };
        let total: usize = widths.iter().sum();
        if total == 0 {
            return Err(fault("/W of the cross-reference stream", "a width that is not zero").into());
        }
        let mut rows = data.chunks_exact(total);
        let mut entries = Vec::new();
        let (pairs, _) = index.as_chunks::<2>();
        for [first, count] in pairs {
            let end = first.checked_add(*count).filter(|end| *end <= u64::from(u32::MAX));
            let end = end.ok_or_else(|| fault("/Index of the cross-reference stream", "object numbers of 32 bits"))?;
            for number in *first..end {
                self.spend()?;
                let row = rows.next().ok_or_else(|| fault("cross-reference stream", "as many rows as /Index says"))?;
                let place = stream_entry(row, &widths).ok_or_else(|| fault("cross-reference stream", "sane rows"))?;
                if let Some(place) = place {
                    entries.push(XrefEntry::new(u32::try_from(number).unwrap_or(u32::MAX), place));
                }
            }
        }
        if rows.next().is_some() {
            let message = "the cross-reference stream holds more rows than /Index says";
            self.findings.push(Finding::warning("PDF_XREF_SURPLUS", message).at(offset));
        }
        Ok(entries)
    }

    fn spend(&mut self) -> Result<(), Error> {
        self.objects += 1;
        if self.objects > self.limits.pdf_objects {
            return Err(LimitExceeded::new("pdf_objects", self.limits.pdf_objects as u64).into());
        }
        Ok(())
    }

    fn prev(&mut self, trailer: &Dictionary, offset: u64) -> Result<Option<u64>, Error> {
        if let Some(key) = trailer.duplicate() {
            let message = format!("the trailer has {key} twice");
            self.findings.push(Finding::error("PDF_DUPLICATE_KEY", message).at(offset));
        }
        let Some(prev) = trailer.get("Prev") else { return Ok(None) };
        let prev = match prev {
            // Some producers write the offset as 123.0 or as a reference; two readers would differ.
            Object::Integer(prev) => u64::try_from(*prev).ok(),
            _ => None,
        };
        match prev {
            Some(prev) => Ok(Some(prev)),
            None => Err(Malformed::new(Format::Pdf, "/Prev of the trailer", "an offset as a direct integer")
                .at(offset)
                .into()),
        }
    }

    /// Sorts; the first of several entries for one number counts.
    fn sorted(&mut self, mut entries: Vec<XrefEntry>, offset: u64) -> Vec<XrefEntry> {
        if !entries.is_sorted_by(|a, b| a.number < b.number) {
            entries.sort_by_key(|entry| entry.number);
            let conflict = entries.windows(2).find_map(|pair| match pair {
                [a, b] if a.number == b.number && a != b => Some(a.number),
                _ => None,
            });
            if let Some(number) = conflict {
                let message = format!("one cross-reference section has different entries for object {number}");
                self.findings.push(Finding::error("PDF_XREF_CONFLICT", message).at(offset));
            }
            entries.dedup_by_key(|entry| entry.number);
        }
        entries.shrink_to_fit();
        entries
    }

    /// Hybrid files (§7.5.8.4): what the table hides as free stands in the stream.
    fn merged(&mut self, table: Vec<XrefEntry>, hidden: Vec<XrefEntry>, offset: u64) -> Vec<XrefEntry> {
        let mut merged = Vec::with_capacity(table.len() + hidden.len());
        let mut table = table.into_iter().peekable();
        let mut conflict = None;
        for entry in hidden {
            while let Some(earlier) = table.next_if(|other| other.number < entry.number) {
                merged.push(earlier);
            }
            match table.next_if(|other| other.number == entry.number) {
                Some(shown) if shown.place() != Place::Free => {
                    if entry.place() != Place::Free && entry != shown {
                        conflict = Some(entry.number);
                    }
                    merged.push(shown);
                }
                _ => merged.push(entry),
            }
        }
        merged.extend(table);
        if let Some(number) = conflict {
            let message = format!("table and stream of a hybrid section disagree on object {number}");
            self.findings.push(Finding::error("PDF_XREF_CONFLICT", message).at(offset));
        }
        merged
    }
}

/// One entry of a table, and whether it had the 20 octets of the standard.
fn table_entry(cursor: &mut Cursor<'_>) -> Result<(Place, bool), Error> {
    let at = cursor.offset();
    let fault =
        || Malformed::new(Format::Pdf, "entry of the cross-reference table", "offset, generation, n or f").at(at);
    let row = cursor.ahead(20)?;
    let exact = matches!(row.get(18..20), Some(b" \r" | b" \n" | b"\r\n"));
    let (offset, generation, kind) = match row.get(..18).and_then(fixed_entry) {
        Some(entry) => {
            cursor.skip(if exact { 20 } else { 18 });
            entry
        }
        None => {
            let offset = cursor.take_number()?.ok_or_else(fault)?;
            cursor.skip_space()?;
            let generation = cursor.take_number()?.ok_or_else(fault)?;
            cursor.skip_space()?;
            let kind = cursor.peek()?.ok_or_else(fault)?;
            cursor.skip(1);
            (offset, generation, kind)
        }
    };
    if !exact {
        cursor.skip_space()?;
    }
    let place = match kind {
        b'n' => Place::Offset { offset, generation: u16::try_from(generation).map_err(|_| fault())? },
        b'f' => Place::Free,
        _ => return Err(fault().into()),
    };
    Ok((place, exact))
}

fn fixed_entry(row: &[u8]) -> Option<(u64, u64, u8)> {
    let number = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u64, |value, digit| digit.is_ascii_digit().then(|| value * 10 + u64::from(digit - b'0')))
    };
    match row {
        [offset @ .., b' ', g0, g1, g2, g3, g4, b' ', kind] if offset.len() == 10 => {
            Some((number(offset)?, number(&[*g0, *g1, *g2, *g3, *g4])?, *kind))
        }
        _ => None,
    }
}

/// One row of a stream; `Some(None)` for a type that future versions may define (a null object).
fn stream_entry(row: &[u8], widths: &[usize]) -> Option<Option<Place>> {
    let [first, second, third, ..] = widths else { return None };
    let (kind, rest) = row.split_at_checked(*first)?;
    let (value, rest) = rest.split_at_checked(*second)?;
    let (last, _) = rest.split_at_checked(*third)?;
    let number = |octets: &[u8]| octets.iter().fold(0_u64, |value, octet| value << 8 | u64::from(*octet));
    let kind = if kind.is_empty() { 1 } else { number(kind) };
    Some(match kind {
        0 => Some(Place::Free),
        1 => Some(Place::Offset { offset: number(value), generation: u16::try_from(number(last)).ok()? }),
        2 => Some(Place::Compressed {
            stream: u32::try_from(number(value)).ok()?,
            index: u32::try_from(number(last)).ok()?,
        }),
        _ => None,
    })
}

/// Runs `parse` over the octets at `offset`, giving it more for as long as it asks.
///
/// `seen` is then how many octets were looked at.
pub(super) fn with_parser<T>(
    source: &dyn Source,
    window: &mut Window,
    offset: u64,
    limits: &Limits,
    seen: &mut u64,
    mut parse: impl FnMut(&mut Parser<'_>) -> Result<T, Stop>,
) -> Result<T, Error> {
    let left = source.len().checked_sub(offset).filter(|left| *left > 0);
    let left = left.ok_or_else(|| Malformed::new(Format::Pdf, "object", "an offset within the file").at(offset))?;
    let most = usize::try_from(left).unwrap_or(usize::MAX).min(limits.pdf_object_octets);
    let whole = source.octets().and_then(|all| all.get(usize::try_from(offset).ok()?..));
    let mut size = if whole.is_some() { most } else { most.min(1 << 10) };
    loop {
        let read;
        let data = match whole.and_then(|all| all.get(..size)) {
            Some(data) => data,
            None if size <= 8 << 10 => {
                let held = window.ahead(source, offset, size)?;
                held.get(..held.len().min(most)).unwrap_or_default()
            }
            // What is that long is rare, and not kept.
            None => {
                read = read_exact(source, offset, size)?;
                &read
            }
        };
        size = data.len();
        let mut parser = Parser::new(data, offset, size as u64 == left, limits);
        let parsed = parse(&mut parser);
        *seen = parser.seen() as u64;
        match parsed {
            Ok(value) => return Ok(value),
            Err(Stop::Fault(error)) => return Err(error),
            Err(Stop::Incomplete) if size < most => size = size.saturating_mul(8).min(most),
            Err(Stop::Incomplete) => {
                *seen = size as u64;
                return Err(LimitExceeded::new("pdf_object_octets", limits.pdf_object_octets as u64).into());
            }
        }
    }
}

/// The direct dictionary at `offset` and where it ends.
fn dictionary_at(source: &dyn Source, offset: u64, limits: &Limits) -> Result<(Dictionary, u64), Error> {
    with_parser(source, &mut Window::default(), offset, limits, &mut 0, |parser| match parser.object()? {
        Object::Dictionary(dictionary) => Ok((dictionary, parser.offset())),
        _ => Err(Malformed::new(Format::Pdf, "trailer", "a dictionary").at(offset).into()),
    })
}

/// `n g obj`, or `None` where something else stands.
pub(super) fn header(parser: &mut Parser<'_>) -> Result<Option<Reference>, Stop> {
    parser.skip_space();
    let Some(number) = parser.unsigned()?.and_then(|n| u32::try_from(n).ok()) else { return Ok(None) };
    parser.skip_space();
    let Some(generation) = parser.unsigned()?.and_then(|n| u16::try_from(n).ok()) else { return Ok(None) };
    parser.skip_space();
    Ok(parser.keyword("obj")?.then(|| Reference::new(number, generation)))
}

/// After a dictionary: the first octet of stream data, or `None` where it is no stream.
pub(super) fn stream_start(parser: &mut Parser<'_>) -> Result<Option<u64>, Stop> {
    parser.skip_space();
    if !parser.keyword("stream")? {
        return Ok(None);
    }
    parser.stream_line_end()?;
    Ok(Some(parser.offset()))
}

/// After stream data: the offset behind `endstream` and `endobj`, or `Err` with the offset at which they are missing.
pub(super) fn end_of_stream(source: &dyn Source, offset: u64) -> Result<Result<u64, u64>, Error> {
    let mut cursor = Cursor::new(source, offset);
    cursor.skip_space()?;
    if !cursor.take(b"endstream")? {
        return Ok(Err(cursor.offset()));
    }
    cursor.skip_space()?;
    let ended = cursor.take(b"endobj")?;
    Ok(if ended { Ok(cursor.offset()) } else { Err(cursor.offset()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(text: &str, offset: u64) -> (Result<Vec<Section>, Error>, Vec<Finding>) {
        let mut findings = Vec::new();
        let sections = read_chain(&text.as_bytes().to_vec(), offset, &Limits::default(), &mut findings);
        (sections, findings)
    }

    fn codes(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(Finding::code).collect()
    }

    #[test]
    fn a_table_of_two_subsections() {
        let text = "xref\n0 1\n0000000000 65535 f \n3 2\n0000000017 00000 n \n0000000081 00002 n \ntrailer <</Size 5>>";
        let (sections, findings) = chain(text, 0);
        let sections = sections.unwrap();
        assert_eq!(sections[0].get(4).unwrap().place(), Place::Offset { offset: 81, generation: 2 });
        assert_eq!(sections[0].get(0).unwrap().place(), Place::Free);
        assert!(sections[0].get(1).is_none());
        assert_eq!(sections[0].end, text.len() as u64);
        assert!(findings.is_empty());
    }

    #[test]
    fn short_entries_are_read_and_reported() {
        let (sections, findings) = chain("xref\n0 2\n0000000000 65535 f\n0000000017 00000 n\ntrailer <</Size 2>>", 0);
        assert_eq!(sections.unwrap()[0].entries.len(), 2);
        assert_eq!(codes(&findings), ["PDF_XREF_ENTRY_LENGTH"]);
    }

    #[test]
    fn two_entries_for_one_object_are_a_fault() {
        let text = "xref\n3 1\n0000000017 00000 n \n3 1\n0000000099 00000 n \ntrailer <</Size 4>>";
        let (sections, findings) = chain(text, 0);
        assert_eq!(sections.unwrap()[0].get(3).unwrap().place(), Place::Offset { offset: 17, generation: 0 });
        assert_eq!(codes(&findings), ["PDF_XREF_CONFLICT"]);
    }

    #[test]
    fn cycles_and_wild_counts_end() {
        let (sections, _) = chain("xref\n0 0\ntrailer <</Size 1/Prev 0>>", 0);
        assert!(sections.is_err());
        let (sections, _) = chain("xref\n0 4000000000\n0000000017 00000 n \ntrailer <</Size 1>>", 0);
        assert!(sections.is_err());
        let (sections, _) = chain("xref\n4294967295 9\n0000000017 00000 n \ntrailer <</Size 1>>", 0);
        assert!(sections.is_err());
    }

    #[test]
    fn rows_of_a_cross_reference_stream() {
        let body = [1, 0, 17, 0, 2, 0, 9, 3, 7, 0, 0, 0, 0, 0, 0, 0];
        let mut text = b"7 0 obj <</Type/XRef/W[1 2 1]/Size 9/Index[2 2 8 2]/Length 16>> stream\n".to_vec();
        text.extend_from_slice(&body);
        text.extend_from_slice(b"\nendstream endobj");
        let mut findings = Vec::new();
        let sections = read_chain(&text, 0, &Limits::default(), &mut findings).unwrap();
        assert_eq!(sections[0].get(2).unwrap().place(), Place::Offset { offset: 17, generation: 0 });
        assert_eq!(sections[0].get(3).unwrap().place(), Place::Compressed { stream: 9, index: 3 });
        assert!(sections[0].get(8).is_none());
        assert_eq!(sections[0].get(9).unwrap().place(), Place::Free);
    }
}
