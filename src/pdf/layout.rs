//! How a file divides into revisions: header, last `startxref`, chain of sections, ends.

use std::ops::Range;

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::pdf::lexer::is_space;
use crate::pdf::source::Cursor;
use crate::pdf::source::Source;
use crate::pdf::source::read_exact;
use crate::pdf::xref::Place;
use crate::pdf::xref::Section;
use crate::pdf::xref::read_chain;

/// Sections and revisions, oldest first.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) version: (u8, u8),
    pub(super) sections: Vec<Section>,
    pub(super) revisions: Vec<Bounds>,
    pub(super) findings: Vec<Finding>,
}

/// The extent of one revision.
#[derive(Clone, Debug)]
pub(super) struct Bounds {
    /// Its sections; two for a linearised file.
    pub(super) sections: Range<usize>,
    /// After `%%EOF`.
    pub(super) marker_end: u64,
    /// After the line end behind `%%EOF`, if there is one.
    pub(super) end: u64,
    /// An entry points behind the end: octets appended later would become part of this revision.
    pub(super) escapes: bool,
}

/// The header may stand this far into the file (ISO 32000-1 Annex H, implementation note 13).
const HEADER_WINDOW: usize = 1024;
/// How far from the end the last `startxref` may be.
const TAIL_WINDOW: usize = 1 << 20;
/// White space and comments between a section and its `startxref`.
const MOST_SPACE: u64 = 64 << 10;

/// Reads the structure; nothing but header, tail and cross-reference sections is looked at.
pub(super) fn read(source: &dyn Source, limits: &Limits) -> Result<Layout, Error> {
    let mut findings = Vec::new();
    let version = header(source, &mut findings)?;
    let (start, tail) = last_startxref(source)?;
    let mut sections = read_chain(source, start, limits, &mut findings)?;
    sections.reverse();
    let linearised = is_linearised(source)?;
    let mut revisions: Vec<Bounds> = Vec::new();
    let mut index = 0;
    while let Some(section) = sections.get(index) {
        let mut last = index;
        // A linearised file has its first-page section in front of the main one it names (Annex F).
        if let Some(next) = sections.get(index + 1)
            && index == 0
            && linearised
            && next.offset < section.offset
        {
            last = 1;
        }
        let bounds = bounds(source, &sections, index..last + 1, tail, &mut findings)?;
        if let Some(earlier) = revisions.last()
            && sections.get(index).is_some_and(|section| section.offset < earlier.marker_end)
        {
            let message = "the cross-reference section of a later revision stands inside an earlier one";
            findings.push(Finding::error("PDF_XREF_ORDER", message).at(section.offset));
        }
        revisions.push(bounds);
        index = last + 1;
    }
    check_entries(&sections, &mut revisions, &mut findings);
    check_tail(source, revisions.last(), &mut findings)?;
    Ok(Layout { version, sections, revisions, findings })
}

fn header(source: &dyn Source, findings: &mut Vec<Finding>) -> Result<(u8, u8), Error> {
    let length = usize::try_from(source.len()).unwrap_or(usize::MAX).min(HEADER_WINDOW);
    let head = read_exact(source, 0, length)?;
    let fault = || Malformed::new(Format::Pdf, "header", "%PDF- and a version in the first 1024 octets");
    let at = memchr::memmem::find(&head, b"%PDF-").ok_or_else(fault)?;
    if at > 0 {
        let message = format!("{at} octets stand before the header");
        findings.push(Finding::warning("PDF_BEFORE_HEADER", message).at(0));
    }
    match head.get(at + 5..at + 8) {
        Some([major @ b'1'..=b'9', b'.', minor @ b'0'..=b'9']) => Ok((major - b'0', minor - b'0')),
        _ => Err(fault().at(at as u64).into()),
    }
}

/// The number behind the last `startxref`, and where that word stands.
fn last_startxref(source: &dyn Source) -> Result<(u64, u64), Error> {
    let len = usize::try_from(source.len()).unwrap_or(usize::MAX);
    let mut size = len.min(HEADER_WINDOW);
    let found = loop {
        let offset = source.len() - size as u64;
        let tail = read_exact(source, offset, size)?;
        if let Some(at) = memchr::memmem::rfind(&tail, b"startxref") {
            break offset + at as u64;
        }
        if size >= len.min(TAIL_WINDOW) {
            return Err(Malformed::new(Format::Pdf, "end of file", "startxref and %%EOF").into());
        }
        size = size.saturating_mul(32).min(len).min(TAIL_WINDOW);
    };
    let mut cursor = Cursor::new(source, found);
    let (start, _) = startxref(&mut cursor)?
        .ok_or_else(|| Malformed::new(Format::Pdf, "startxref", "an offset and %%EOF").at(found))?;
    Ok((start, found))
}

/// `startxref n %%EOF`: the number, and the offset behind.
fn startxref(cursor: &mut Cursor<'_>) -> Result<Option<(u64, u64)>, Error> {
    if !cursor.take(b"startxref")? {
        return Ok(None);
    }
    cursor.skip_space()?;
    let Some(number) = cursor.take_number()? else { return Ok(None) };
    cursor.skip_space()?;
    Ok(cursor.take(b"%%EOF")?.then(|| (number, cursor.offset())))
}

fn bounds(
    source: &dyn Source,
    sections: &[Section],
    range: Range<usize>,
    tail: u64,
    findings: &mut Vec<Finding>,
) -> Result<Bounds, Error> {
    let own = sections.get(range.clone()).unwrap_or_default();
    let newest = own.last().map_or(0, |section| section.offset);
    let from = own.iter().map(|section| section.end).max().unwrap_or(0);
    let mut cursor = Cursor::new(source, from);
    skip_space_and_comments(&mut cursor)?;
    let mut found = startxref(&mut cursor)?;
    if found.is_none() {
        // Some producers put objects between trailer and startxref. The section is then
        // still whole, but where the revision ends is a matter of search.
        let limit = sections.get(range.end).map_or(tail + 1, |next| next.offset);
        if let Some(at) = find(source, b"startxref", from, limit)? {
            found = startxref(&mut Cursor::new(source, at))?;
            let message = "startxref does not follow its cross-reference section";
            findings.push(Finding::warning("PDF_STARTXREF_APART", message).at(at));
        }
    }
    let Some((number, marker_end)) = found else {
        let message = "the revision has no startxref and %%EOF of its own";
        findings.push(Finding::error("PDF_REVISION_END", message).at(from));
        return Ok(Bounds { sections: range, marker_end: from, end: from, escapes: false });
    };
    if number != newest {
        let message = format!("startxref says {number} where the section stands at {newest}");
        findings.push(Finding::warning("PDF_STARTXREF_VALUE", message).at(marker_end));
    }
    let mut cursor = Cursor::new(source, marker_end);
    let end = match cursor.ahead(2)? {
        [b'\r', b'\n', ..] => marker_end + 2,
        [b'\r' | b'\n', ..] => marker_end + 1,
        _ => marker_end,
    };
    Ok(Bounds { sections: range, marker_end, end, escapes: false })
}

/// White space and comments, but not `%%EOF`; no more than [`MOST_SPACE`], since what follows
/// each of many sections may be the same.
fn skip_space_and_comments(cursor: &mut Cursor<'_>) -> Result<(), Error> {
    let most = cursor.offset().saturating_add(MOST_SPACE);
    loop {
        while cursor.offset() < most && cursor.peek()?.is_some_and(is_space) {
            cursor.skip(1);
        }
        if cursor.offset() >= most || cursor.peek()? != Some(b'%') || cursor.ahead(5)?.starts_with(b"%%EOF") {
            return Ok(());
        }
        while cursor.offset() < most && cursor.peek()?.is_some_and(|octet| octet != b'\r' && octet != b'\n') {
            cursor.skip(1);
        }
    }
}

/// The first `word` in `from..to`, by windows, at most [`TAIL_WINDOW`] far.
fn find(source: &dyn Source, word: &[u8], from: u64, to: u64) -> Result<Option<u64>, Error> {
    let to = to.saturating_add(word.len() as u64).min(source.len()).min(from.saturating_add(TAIL_WINDOW as u64));
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
    let data = read_exact(source, from, length)?;
    Ok(memchr::memmem::find(&data, word).map(|at| from + at as u64))
}

fn is_linearised(source: &dyn Source) -> Result<bool, Error> {
    let length = usize::try_from(source.len()).unwrap_or(usize::MAX).min(HEADER_WINDOW);
    let head = read_exact(source, 0, length)?;
    Ok(memchr::memmem::find(&head, b"/Linearized").is_some())
}

fn check_entries(sections: &[Section], revisions: &mut [Bounds], findings: &mut Vec<Finding>) {
    let count = revisions.len();
    for (index, revision) in revisions.iter_mut().enumerate() {
        let own = sections.get(revision.sections.clone()).unwrap_or_default();
        let wild = own.iter().flat_map(|section| &section.entries).find(|entry| match entry.place() {
            Place::Offset { offset, .. } => offset >= revision.end,
            Place::Free | Place::Compressed { .. } => false,
        });
        if let Some(entry) = wild {
            revision.escapes = true;
            let message = format!("the entry of object {} points behind the end of its revision", entry.number);
            let finding = if index + 1 < count {
                Finding::error("PDF_XREF_ESCAPE", message)
            } else {
                Finding::warning("PDF_XREF_DANGLING", message)
            };
            findings.push(finding.at(revision.end));
        }
        let size = own.last().and_then(|section| section.trailer.get("Size")).and_then(super::Object::as_integer);
        let most = own.iter().filter_map(|section| section.entries.last()).map(|entry| entry.number).max();
        if let Some(most) = most
            && size.is_none_or(|size| size <= i64::from(most))
        {
            let message = format!("/Size does not cover object {most}");
            findings.push(Finding::warning("PDF_SIZE", message).at(revision.end));
        }
    }
}

/// What stands behind the last revision belongs to nobody.
fn check_tail(source: &dyn Source, last: Option<&Bounds>, findings: &mut Vec<Finding>) -> Result<(), Error> {
    let Some(last) = last else { return Ok(()) };
    let mut cursor = Cursor::new(source, last.end);
    cursor.skip_space()?;
    let finding = if cursor.peek()?.is_some() {
        Finding::error("PDF_AFTER_END", "octets behind the last revision belong to no revision")
    } else if last.end < source.len() {
        Finding::info("PDF_SPACE_AFTER_END", "white space stands behind the last revision")
    } else {
        return Ok(());
    };
    findings.push(finding.at(last.end));
    Ok(())
}
