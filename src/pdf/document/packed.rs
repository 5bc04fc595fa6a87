//! Objects that stand in object streams (ISO 32000-2 §7.5.7).

use std::sync::Arc;

use super::Revision;
use super::SMALL;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::limits::Limits;
use crate::pdf::lexer::Parser;
use crate::pdf::numbers::Numbers;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::skim;
use crate::pdf::xref::Place;

/// One that was inflated.
pub(super) struct ObjectStream {
    pub(super) data: Vec<u8>,
    /// Number and offset of each object.
    pub(super) index: Vec<(u32, usize)>,
}

/// The references of all objects in one object stream, read together and without building any.
pub(in crate::pdf) struct Members {
    members: Vec<Member>,
    found: Vec<Reference>,
}

struct Member {
    number: u32,
    /// Where its references stand among all; `None` where the parser must look.
    found: Option<(u32, u32)>,
}

impl Members {
    /// The references of the object `number`, which an entry says to be the one at `index`.
    pub(in crate::pdf) fn of(&self, number: u32, index: u32) -> Option<&[Reference]> {
        let member = self.members.get(usize::try_from(index).ok()?).filter(|member| member.number == number)?;
        let (start, end) = member.found?;
        self.found.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    }
}

impl Revision<'_> {
    /// Numbers of the object streams that entries of this revision or of an earlier one name.
    pub(in crate::pdf) fn object_streams(&self) -> Numbers {
        let sections = self.pdf.sections.get(..self.bounds().map_or(0, |bounds| bounds.sections.end));
        let mut streams = Numbers::default();
        let mut last = None;
        for entry in sections.unwrap_or_default().iter().flat_map(|section| &section.entries) {
            if let Place::Compressed { stream, .. } = entry.place() {
                // Most follow another of the same.
                if last != Some(stream) {
                    streams.insert(stream);
                    last = Some(stream);
                }
            }
        }
        streams
    }

    /// The references of every object in the object stream `stream`.
    ///
    /// Whoever asks for one asks for nearly all, one after the other: so the stream is inflated once.
    /// `None` where only [`object`](Self::object) can tell what is wrong.
    pub(in crate::pdf) fn members(&self, stream: u32) -> Option<Members> {
        if self.pdf.encryption.is_some() {
            return None;
        }
        let (offset, limit) = self.container_place(stream, stream).ok()?;
        let container = self.container(stream, stream, offset, limit).ok()?;
        let mut found = Vec::new();
        let mut members = Vec::with_capacity(container.index.len());
        for (number, start) in &container.index {
            let before = found.len();
            let data = container.data.get(*start..).unwrap_or_default();
            let data = data.get(..data.len().min(SMALL)).unwrap_or_default();
            let read = skim::references(data, self.pdf.limits.depth, &mut found);
            // Nothing says that its objects do not overlap.
            self.pdf.spend(read.unwrap_or(data.len()) as u64).ok()?;
            if read.is_none() {
                found.truncate(before);
            }
            let range = u32::try_from(before).ok()?..u32::try_from(found.len()).ok()?;
            members.push(Member { number: *number, found: read.map(|_| (range.start, range.end)) });
        }
        found.shrink_to_fit();
        Some(Members { members, found })
    }

    pub(super) fn compressed(&self, number: u32, stream: u32, index: u32) -> Result<Arc<Object>, Error> {
        let (offset, limit) = self.container_place(number, stream)?;
        let key = (offset, index);
        if let Some(object) = self.pdf.cache.borrow().objects.get(&key) {
            return Ok(Arc::clone(object));
        }
        let container = self.container(number, stream, offset, limit)?;
        let fault = |expected: &'static str| in_container(number, stream, expected);
        let (own, start) = usize::try_from(index)
            .ok()
            .and_then(|index| container.index.get(index))
            .copied()
            .ok_or_else(|| fault("as many objects as its index"))?;
        if own != number {
            return Err(fault("its own number at its index").found(own).into());
        }
        let data = container.data.get(start..).ok_or_else(|| fault("an offset within the stream"))?;
        let mut parser = Parser::new(data, 0, true, &self.pdf.limits);
        self.pdf.spend(0)?;
        let object = parser.object();
        // Objects that are broken may all run on to the end.
        self.pdf.spend(parser.seen() as u64)?;
        let object = object.map_err(|_| fault("a direct object"))?;
        if object.as_reference().is_some() {
            return Err(fault("an object that is no reference").into());
        }
        let object = Arc::new(object);
        self.pdf.keep(key, &object, parser.position());
        Ok(object)
    }

    /// Where the object stream `stream` stands, and the end of the revision that says so.
    fn container_place(&self, number: u32, stream: u32) -> Result<(u64, u64), Error> {
        match self.place(stream) {
            Some((Place::Offset { offset, generation: 0 }, limit)) => Ok((offset, limit)),
            _ => Err(in_container(number, stream, "an object stream in the file itself").into()),
        }
    }

    /// The object stream at `offset`, in which object `number` is looked for.
    fn container(&self, number: u32, stream: u32, offset: u64, limit: u64) -> Result<Arc<ObjectStream>, Error> {
        if let Some(container) = self.pdf.cache.borrow().streams.get(&offset) {
            return Ok(Arc::clone(container));
        }
        let depth = self.pdf.following.get();
        if depth >= 2 {
            return Err(in_container(number, stream, "an object stream that does not depend on itself").into());
        }
        self.pdf.following.set(depth + 1);
        let read = self.object_stream(Reference::new(stream, 0), offset, limit);
        self.pdf.following.set(depth);
        let container = Arc::new(read?);
        self.pdf.keep_stream(offset, &container);
        Ok(container)
    }

    fn object_stream(&self, id: Reference, offset: u64, limit: u64) -> Result<ObjectStream, Error> {
        let fault =
            |expected: &'static str| Malformed::new(Format::Pdf, format!("object stream {id}"), expected).at(offset);
        let (located, ..) = self.read_at(id, offset, limit, false)?;
        let Object::Stream(stream) = located.object else { return Err(fault("a stream").into()) };
        if !stream.dictionary.is_type("ObjStm") {
            return Err(fault("/Type /ObjStm").into());
        }
        let integer = |key: &str| -> Result<usize, Error> {
            let value = self.get(&stream.dictionary, key)?;
            let value = value.as_integer().and_then(|value| usize::try_from(value).ok());
            value.ok_or_else(|| fault("/N and /First as non-negative integers").into())
        };
        let (count, first) = (integer("N")?, integer("First")?);
        let most = self.pdf.limits.pdf_objects;
        if count > most {
            return Err(LimitExceeded::new("pdf_objects", most as u64).into());
        }
        let data = self.decoded(&stream)?;
        let head = data.get(..first).ok_or_else(|| fault("/First within the stream"))?;
        let mut index = Vec::new();
        let read = each_entry(head, count, &self.pdf.limits, |number, start| index.push((number, start)));
        read.ok_or_else(|| fault("/N pairs of number and offset"))?;
        Ok(ObjectStream { data, index })
    }
}

fn in_container(number: u32, stream: u32, expected: &'static str) -> Malformed {
    Malformed::new(Format::Pdf, format!("object {number} in object stream {stream}"), expected)
}

/// Hands the number and the offset of each of `count` objects to `each`, out of the octets before the first of them.
pub(super) fn each_entry(head: &[u8], count: usize, limits: &Limits, mut each: impl FnMut(u32, usize)) -> Option<()> {
    let first = head.len();
    let mut parser = Parser::new(head, 0, true, limits);
    for _ in 0..count {
        let mut number = || {
            parser.skip_space();
            parser.unsigned().ok().flatten()
        };
        let (number, at) = number().zip(number())?;
        each(u32::try_from(number).ok()?, first.checked_add(usize::try_from(at).ok()?)?);
    }
    Some(())
}
