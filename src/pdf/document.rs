//! A document: its revisions, and objects read on demand.

mod packed;
mod sweep;

use std::cell::Cell;
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use packed::ObjectStream;
use sweep::Swept;

pub(super) use packed::Members;
pub(super) use sweep::Sweep;

use crate::crypto::PrivateKey;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::pdf::changes::Change;
use crate::pdf::crypt::Encryption;
use crate::pdf::crypt::Secret;
use crate::pdf::digests::Digests;
use crate::pdf::filter;
use crate::pdf::layout;
use crate::pdf::layout::Bounds;
use crate::pdf::lexer::Entry;
use crate::pdf::lexer::Parser;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::object::StreamData;
use crate::pdf::places::Places;
use crate::pdf::skim;
use crate::pdf::source::Source;
use crate::pdf::source::Window;
use crate::pdf::source::read_exact;
use crate::pdf::stray::Search;
use crate::pdf::xref;
use crate::pdf::xref::Place;
use crate::pdf::xref::Section;
use crate::pdf::xref::XrefForm;
use crate::secret::Password;
use crate::source::each_chunk;

/// A PDF document: structure read, objects read when asked for.
///
/// Strict: nothing is repaired. What was tolerated stands in
/// [`findings`](Self::findings); what two readers could read differently is an
/// error, or a finding where a harmless form is common.
pub struct Pdf<'a> {
    source: Box<dyn Source + 'a>,
    limits: Limits,
    version: (u8, u8),
    sections: Vec<Section>,
    revisions: Vec<Bounds>,
    places: Places,
    findings: Vec<Finding>,
    cache: RefCell<Cache>,
    window: RefCell<Window>,
    threads: usize,
    /// Octets parsed and inflated so far: what an input may cost is bound to its length.
    work: Cell<u64>,
    following: Cell<u8>,
    encryption: Option<Encryption>,
    /// Digests of covered ranges, so that validating once more reads no octet again.
    pub(super) digests: RefCell<Digests>,
    /// The search for objects that no section names, once it was asked for.
    pub(super) stray: RefCell<Option<Search>>,
    /// What each revision changed, by its index; for the same reason.
    pub(super) steps: RefCell<HashMap<usize, Arc<[Change]>>>,
    /// The object streams that were swept, for the same reason.
    swept: RefCell<Swept>,
}

/// One revision: the document as it stood when its `%%EOF` was written.
#[derive(Clone, Copy, Debug)]
pub struct Revision<'p> {
    pdf: &'p Pdf<'p>,
    index: usize,
}

/// An object with the places of its top-level dictionary values.
#[derive(Debug)]
pub(super) struct Located {
    pub(super) object: Object,
    pub(super) entries: Vec<Entry>,
    /// Whether it stands in the file itself, so that places mean file offsets.
    pub(super) in_file: bool,
}

#[derive(Default)]
struct Cache {
    objects: HashMap<(u64, u32), Arc<Object>>,
    objects_weight: usize,
    streams: HashMap<u64, Arc<ObjectStream>>,
    streams_weight: usize,
}

impl Cache {
    const OBJECTS: usize = 4 << 20;
    const STREAMS: usize = 6 << 20;
}

/// Objects of more octets are built even where their references are all that is
/// asked for: the next walk then finds them in the cache.
const SMALL: usize = 1 << 10;

/// How many references may lead to each other.
const MOST_HOPS: u8 = 8;

impl<'a> Pdf<'a> {
    /// Reads the structure of a document: header, last `startxref`, cross-reference chain.
    ///
    /// The cost is that of the cross-reference sections, not of the file.
    ///
    /// An encrypted document is opened with the empty user password, as readers do.
    ///
    /// # Errors
    /// Where the structure is malformed, or a limit is reached;
    /// [`Error::Secret`] where a password is needed.
    pub fn parse(source: impl Source + 'a, limits: &Limits) -> Result<Self, Error> {
        Self::open(source, limits, Secret::None)
    }

    /// As [`parse`](Self::parse), with the password of its user or its owner.
    /// A document that is not encrypted does not ask for it.
    ///
    /// # Errors
    /// As there; [`Error::Secret`] where the password is wrong.
    pub fn parse_with_password(source: impl Source + 'a, limits: &Limits, password: &Password) -> Result<Self, Error> {
        Self::open(source, limits, Secret::Password(password))
    }

    /// As [`parse`](Self::parse), with the private key of a recipient, for a document that is
    /// encrypted with public keys (ISO 32000-2 §7.6.5): RSA, PKCS#1 v1.5 or OAEP.
    /// A document that is not does not ask for it.
    ///
    /// The key stays the caller's; the document keeps what it was encrypted with.
    ///
    /// # Errors
    /// As there; [`Error::Secret`] where the key is of none of the recipients.
    pub fn parse_with_key(source: impl Source + 'a, limits: &Limits, key: &PrivateKey) -> Result<Self, Error> {
        Self::open(source, limits, Secret::Key(key))
    }

    fn open(source: impl Source + 'a, limits: &Limits, secret: Secret<'_>) -> Result<Self, Error> {
        let layout = layout::read(&source, limits)?;
        let mut pdf = Self {
            source: Box::new(source),
            limits: limits.clone(),
            version: layout.version,
            places: Places::of(&layout.sections, &layout.revisions),
            sections: layout.sections,
            revisions: layout.revisions,
            findings: layout.findings,
            cache: RefCell::default(),
            window: RefCell::default(),
            threads: 1,
            work: Cell::new(0),
            following: Cell::new(0),
            encryption: None,
            digests: RefCell::default(),
            stray: RefCell::default(),
            steps: RefCell::default(),
            swept: RefCell::default(),
        };
        let encryption = Encryption::open(&pdf.latest(), secret)?;
        if encryption.is_some() {
            // What was read on the way there was read as it stands in the file.
            pdf.cache = RefCell::default();
            pdf.encryption = encryption;
        }
        Ok(pdf)
    }

    /// Lets its validation use so many threads at a time: one, unless this is called.
    ///
    /// What comes out is the same. Where a large document was changed after it was signed,
    /// digesting it and judging the changes go on side by side then.
    #[must_use]
    pub const fn threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads.get();
        self
    }

    pub(super) const fn has_threads(&self) -> bool {
        self.threads > 1
    }

    /// How it is encrypted; `None` for most documents.
    #[must_use]
    pub const fn encryption(&self) -> Option<&Encryption> {
        self.encryption.as_ref()
    }

    /// What was noticed while the structure was read.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Octets of the file.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.source.len()
    }

    /// Whether there are none; never so for a document that was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.source.is_empty()
    }

    /// Major and minor version in the header; the catalogue may name a later one.
    #[must_use]
    pub const fn version(&self) -> (u8, u8) {
        self.version
    }

    /// The octets.
    #[must_use]
    pub fn source(&self) -> &dyn Source {
        &*self.source
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The revisions, oldest first; there is at least one.
    pub fn revisions(&self) -> impl DoubleEndedIterator<Item = Revision<'_>> + ExactSizeIterator {
        (0..self.revisions.len()).map(|index| Revision { pdf: self, index })
    }

    /// Revision `index`, 0 being the oldest.
    #[must_use]
    pub fn revision(&self, index: usize) -> Option<Revision<'_>> {
        (index < self.revisions.len()).then_some(Revision { pdf: self, index })
    }

    /// The newest revision: what a reader shows.
    #[must_use]
    pub fn latest(&self) -> Revision<'_> {
        Revision { pdf: self, index: self.revisions.len().saturating_sub(1) }
    }

    /// Octets at `range` of the file.
    ///
    /// # Errors
    /// Where the file ends before, or cannot be read.
    pub fn read(&self, range: Range<u64>) -> Result<Vec<u8>, Error> {
        let length = range.end.checked_sub(range.start).and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or_else(|| Misuse::new("a range must not end before it begins"))?;
        read_exact(&*self.source, range.start, length)
    }

    /// Hands out all octets in order, borrowed where they are in memory.
    ///
    /// # Errors
    /// What the source reports, and what `each` returns.
    pub(crate) fn each_chunk(&self, each: impl FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        each_chunk(self.source(), each)
    }

    pub(super) fn spend(&self, octets: u64) -> Result<(), Error> {
        let allowed = xref::allowed_work(self.source(), &self.limits);
        let work = self.work.get().saturating_add(octets);
        self.work.set(work);
        if work > allowed {
            return Err(LimitExceeded::new("octets of PDF objects read", allowed).into());
        }
        Ok(())
    }
}

impl fmt::Debug for Pdf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pdf")
            .field("len", &self.len())
            .field("revisions", &self.revisions.len())
            .finish_non_exhaustive()
    }
}

impl<'p> Revision<'p> {
    /// Its index, 0 being the oldest.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.index
    }

    /// The document.
    #[must_use]
    pub const fn pdf(&self) -> &'p Pdf<'p> {
        self.pdf
    }

    fn bounds(&self) -> Option<&'p Bounds> {
        self.pdf.revisions.get(self.index)
    }

    fn sections(&self) -> &'p [Section] {
        self.bounds().and_then(|bounds| self.pdf.sections.get(bounds.sections.clone())).unwrap_or_default()
    }

    /// The offset behind its `%%EOF` and the line end that follows.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.bounds().map_or(0, |bounds| bounds.end)
    }

    /// The offset directly behind its `%%EOF`.
    #[must_use]
    pub fn marker_end(&self) -> u64 {
        self.bounds().map_or(0, |bounds| bounds.marker_end)
    }

    /// Where the revision before it ends.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.index.checked_sub(1).and_then(|index| self.pdf.revision(index)).map_or(0, |earlier| earlier.end())
    }

    /// Whether an entry of its cross-reference section points behind its end.
    pub(super) fn escapes(&self) -> bool {
        self.bounds().is_none_or(|bounds| bounds.escapes)
    }

    /// The form of its newest section, in which an update continues.
    #[must_use]
    pub fn form(&self) -> XrefForm {
        self.sections().last().map_or(XrefForm::Table, |section| section.form)
    }

    /// The offset of its newest cross-reference section, for `/Prev` of the next.
    #[must_use]
    pub fn startxref(&self) -> u64 {
        self.sections().last().map_or(0, |section| section.offset)
    }

    /// The trailer, or the dictionary of the cross-reference stream.
    #[must_use]
    pub fn trailer(&self) -> &'p Dictionary {
        static NONE: Dictionary = Dictionary::new();
        self.sections().last().map_or(&NONE, |section| &section.trailer)
    }

    /// A number that no object has: for the next new object.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        let sections = self.pdf.sections.get(..self.bounds().map_or(0, |bounds| bounds.sections.end));
        let most = sections.unwrap_or_default().iter().filter_map(|section| section.entries.last());
        let most = most.map(|entry| entry.number.saturating_add(1)).max().unwrap_or(1);
        let size = self.trailer().get("Size").and_then(Object::as_integer).and_then(|size| u32::try_from(size).ok());
        most.max(size.unwrap_or(1)).max(1)
    }

    /// Entries of all cross-reference sections up to this revision.
    pub(super) fn entry_count(&self) -> usize {
        let sections = self.pdf.sections.get(..self.bounds().map_or(0, |bounds| bounds.sections.end));
        sections.unwrap_or_default().iter().map(|section| section.entries.len()).sum()
    }

    /// Numbers that this revision's own sections define or free, ascending within each section.
    pub(super) fn own_numbers(&self) -> impl Iterator<Item = u32> {
        self.sections().iter().flat_map(|section| &section.entries).map(|entry| entry.number)
    }

    /// The entries of its own sections.
    pub(super) fn own_places(&self) -> impl Iterator<Item = (u32, Place)> {
        self.sections().iter().flat_map(|section| &section.entries).map(|entry| (entry.number, entry.place()))
    }

    /// Where its own cross-reference sections stand.
    pub(super) fn section_offsets(&self) -> impl Iterator<Item = u64> {
        self.sections().iter().map(|section| section.offset)
    }

    /// Whether one of its own cross-reference sections stands at `offset`.
    pub(super) fn has_section(&self, offset: u64) -> bool {
        self.sections().iter().any(|section| section.offset == offset)
    }

    /// Where its own cross-reference section at `offset` ends.
    pub(super) fn section_end(&self, offset: u64) -> Option<u64> {
        self.sections().iter().find(|section| section.offset == offset).map(|section| section.end)
    }

    /// Whether one of its own sections has an entry that gives `number` a place.
    pub(super) fn defines(&self, number: u32) -> bool {
        self.sections().iter().any(|section| section.get(number).is_some_and(|entry| entry.place() != Place::Free))
    }

    /// Number and generation of the catalogue.
    ///
    /// # Errors
    /// Where the trailer does not name one.
    pub fn root(&self) -> Result<Reference, Error> {
        let root = self.trailer().get("Root").and_then(Object::as_reference);
        root.ok_or_else(|| {
            Malformed::new(Format::Pdf, "/Root of the trailer", "a reference").at(self.startxref()).into()
        })
    }

    /// The catalogue.
    ///
    /// # Errors
    /// Where it is missing or no dictionary.
    pub fn catalog(&self) -> Result<Arc<Object>, Error> {
        let root = self.root()?;
        let catalog = self.object(root)?;
        if catalog.as_dictionary().is_none() {
            return Err(Malformed::new(Format::Pdf, format!("catalogue {root}"), "a dictionary").into());
        }
        Ok(catalog)
    }

    /// An object as of this revision; what is not defined is null (ISO 32000-2 §7.3.10).
    ///
    /// # Errors
    /// Where something else stands at the place that the cross-reference gives.
    pub fn object(&self, id: Reference) -> Result<Arc<Object>, Error> {
        let Some((place, limit)) = self.place(id.number) else { return Ok(Arc::new(Object::Null)) };
        match place {
            Place::Free => Ok(Arc::new(Object::Null)),
            Place::Offset { generation, .. } if generation != id.generation => Ok(Arc::new(Object::Null)),
            Place::Offset { offset, .. } => {
                let key = (offset, u32::MAX);
                if let Some(object) = self.pdf.cache.borrow().objects.get(&key) {
                    return Ok(Arc::clone(object));
                }
                let (located, size, cacheable) = self.read_at(id, offset, limit, false)?;
                let object = Arc::new(located.object);
                if cacheable {
                    self.pdf.keep(key, &object, size);
                }
                Ok(object)
            }
            Place::Compressed { .. } if id.generation != 0 => Ok(Arc::new(Object::Null)),
            Place::Compressed { stream, index } => self.compressed(id.number, stream, index),
        }
    }

    /// Appends the references in an object that stands in the file itself to `found`, without keeping the object.
    ///
    /// `None` where only [`object`](Self::object) can tell; `found` then holds anything.
    /// For those in object streams, see [`members`](Self::members).
    pub(super) fn references(&self, id: Reference, found: &mut Vec<Reference>) -> Option<()> {
        // Deciphering may fail, which is for the whole object to show.
        if self.pdf.encryption.is_some() {
            return None;
        }
        let limits = &self.pdf.limits;
        let (place, limit) = self.place(id.number)?;
        let read = match place {
            Place::Offset { offset, generation } if generation == id.generation => {
                let source = &*self.pdf.source;
                let mut window = self.pdf.window.borrow_mut();
                let data = match source.octets() {
                    Some(all) => all.get(usize::try_from(offset).ok()?..)?,
                    None => {
                        let left = source.len().checked_sub(offset).filter(|left| *left > 0)?;
                        window.ahead(source, offset, usize::try_from(left.min(SMALL as u64)).ok()?).ok()?
                    }
                };
                let data = data.get(..data.len().min(SMALL))?;
                let mut parser = Parser::new(data, offset, false, limits);
                if xref::header(&mut parser).ok()? != Some(id) {
                    return None;
                }
                let body = parser.position();
                let body = body + skim::references(data.get(body..)?, limits.depth, found)?;
                let mut parser = Parser::new(data.get(body..)?, 0, false, limits);
                parser.skip_space();
                if !parser.keyword("endobj").ok()? {
                    return None;
                }
                let size = body + parser.position();
                if size > limits.pdf_object_octets || offset.checked_add(size as u64)? > limit {
                    return None;
                }
                size
            }
            _ => return None,
        };
        self.pdf.spend(read as u64).ok()
    }

    /// An object with the places of its dictionary values.
    pub(super) fn located(&self, id: Reference) -> Result<Located, Error> {
        match self.place(id.number) {
            Some((Place::Offset { offset, generation }, limit)) if generation == id.generation => {
                self.read_at(id, offset, limit, true).map(|(located, ..)| located)
            }
            _ => {
                let object = self.object(id)?;
                Ok(Located { object: (*object).clone(), entries: Vec::new(), in_file: false })
            }
        }
    }

    /// What `object` means: itself, or what it refers to.
    ///
    /// # Errors
    /// As [`object`](Self::object).
    pub fn resolve(&self, object: &Object) -> Result<Arc<Object>, Error> {
        let Object::Reference(id) = object else { return Ok(Arc::new(object.clone())) };
        let mut value = self.object(*id)?;
        for _ in 0..MOST_HOPS {
            match &*value {
                Object::Reference(next) => value = self.object(*next)?,
                _ => return Ok(value),
            }
        }
        Err(Malformed::new(Format::Pdf, format!("object {id}"), "a value within few references").into())
    }

    /// The value of `key`, resolved; null where there is none.
    ///
    /// # Errors
    /// As [`object`](Self::object).
    pub fn get(&self, dictionary: &Dictionary, key: &str) -> Result<Arc<Object>, Error> {
        self.resolve(dictionary.get(key).unwrap_or(&Object::Null))
    }

    /// The octets of a stream as they stand in the file, deciphered but not unfiltered.
    ///
    /// # Errors
    /// Where the source cannot be read.
    pub fn raw_octets(&self, stream: &Stream) -> Result<Vec<u8>, Error> {
        match &stream.data {
            StreamData::Octets(octets) => Ok(octets.clone()),
            StreamData::InSource { offset, length, id } => {
                self.pdf.spend(*length)?;
                let length = usize::try_from(*length).unwrap_or(usize::MAX);
                let octets = read_exact(&*self.pdf.source, *offset, length)?;
                match &self.pdf.encryption {
                    None => Ok(octets),
                    Some(encryption) => {
                        let filter = self.crypt_filter(&stream.dictionary)?;
                        encryption.stream(*id, &stream.dictionary, filter.as_deref(), octets)
                    }
                }
            }
        }
    }

    /// The crypt filter that a stream names for itself (ISO 32000-2 §7.4.10): the first filter, if any.
    fn crypt_filter(&self, dictionary: &Dictionary) -> Result<Option<Vec<u8>>, Error> {
        let filter = self.get(dictionary, "Filter")?;
        let (first, many) = match &*filter {
            Object::Array(filters) => (filters.first().cloned().unwrap_or_default(), true),
            other => (other.clone(), false),
        };
        if self.resolve(&first)?.as_name() != Some(b"Crypt") {
            return Ok(None);
        }
        let parameters = self.get(dictionary, "DecodeParms")?;
        let parameters = match &*parameters {
            Object::Array(all) if many => self.resolve(all.first().unwrap_or(&Object::Null))?,
            _ => parameters,
        };
        let name = parameters.as_dictionary().map(|d| self.get(d, "Name")).transpose()?;
        Ok(Some(name.and_then(|n| n.as_name().map(<[u8]>::to_vec)).unwrap_or_else(|| b"Identity".to_vec())))
    }

    /// The octets of a stream, filters undone.
    ///
    /// # Errors
    /// Malformed data, image filters, or the limit on inflated octets.
    pub fn decoded(&self, stream: &Stream) -> Result<Vec<u8>, Error> {
        let raw = self.raw_octets(stream)?;
        let mut dictionary = Dictionary::new();
        for key in ["Filter", "DecodeParms"] {
            let mut value = (*self.get(&stream.dictionary, key)?).clone();
            if let Object::Array(values) = &mut value {
                for value in values {
                    *value = (*self.resolve(value)?).clone();
                }
            }
            dictionary.set(key, value);
        }
        let data = filter::decode(&dictionary, raw, self.pdf.limits.inflated_octets)?;
        self.pdf.spend(data.len() as u64)?;
        Ok(data)
    }

    /// Where `number` is as of this revision, and the end of the revision that says so.
    pub(super) fn place(&self, number: u32) -> Option<(Place, u64)> {
        self.pdf.places.of_number(&self.pdf.sections, number, self.bounds()?.sections.end)
    }

    /// The generation of the object that `number` means in this revision.
    pub(super) fn generation(&self, number: u32) -> Option<u16> {
        match self.place(number)?.0 {
            Place::Free => None,
            Place::Offset { generation, .. } => Some(generation),
            Place::Compressed { .. } => Some(0),
        }
    }

    fn read_at(&self, id: Reference, offset: u64, limit: u64, entries: bool) -> Result<(Located, usize, bool), Error> {
        let fault = |expected: &'static str| Malformed::new(Format::Pdf, format!("object {id}"), expected).at(offset);
        let source = &*self.pdf.source;
        // Reading goes on past what is broken, but not past the limit.
        self.pdf.spend(0)?;
        let mut seen = 0;
        let mut window = self.pdf.window.borrow_mut();
        let read = xref::with_parser(source, &mut window, offset, &self.pdf.limits, &mut seen, |parser| {
            if entries {
                parser.keep_entries();
            }
            if xref::header(parser)? != Some(id) {
                return Ok(None);
            }
            let object = parser.object()?;
            let start = match &object {
                Object::Dictionary(_) => xref::stream_start(parser)?,
                _ => None,
            };
            if start.is_none() {
                parser.skip_space();
                if !parser.keyword("endobj")? {
                    return Err(parser.malformed("endobj"));
                }
            }
            Ok(Some((object, parser.take_entries(), start, parser.offset())))
        });
        drop(window);
        // Objects that run on to what is no end of theirs may all run on to the same place.
        self.pdf.spend(seen)?;
        let read = read?.ok_or_else(|| fault("its number, generation and obj"))?;
        let (object, entries, start, end) = read;
        let size = usize::try_from(end - offset).unwrap_or(usize::MAX);
        let (object, end, cacheable) = match (object, start) {
            (Object::Dictionary(dictionary), Some(start)) => {
                let direct = matches!(dictionary.get("Length"), Some(Object::Integer(_)));
                let length = self.length(&dictionary).map_err(|error| {
                    error.unwrap_or_else(|| fault("a stream /Length that is a non-negative integer").into())
                })?;
                let end = start.checked_add(length).filter(|end| *end <= limit);
                let end = end.ok_or_else(|| fault("a stream that ends within its revision"))?;
                let closed = xref::end_of_stream(source, end)?;
                self.pdf.spend(closed.unwrap_or_else(|missing| missing) - end)?;
                let end = closed.map_err(|_| fault("endstream and endobj after the /Length octets of its stream"))?;
                let data = StreamData::InSource { offset: start, length, id };
                (Object::Stream(Box::new(Stream { dictionary, data })), end, direct)
            }
            (object, _) => (object, end, true),
        };
        if end > limit {
            return Err(fault("an object that ends within its revision").into());
        }
        let object = match &self.pdf.encryption {
            Some(encryption) => encryption.object(id, object)?,
            None => object,
        };
        Ok((Located { object, entries, in_file: true }, size, cacheable))
    }

    /// The length of a stream; `Err(None)` where it is no length.
    fn length(&self, dictionary: &Dictionary) -> Result<u64, Option<Error>> {
        let value = match dictionary.get("Length") {
            Some(Object::Integer(value)) => Some(*value),
            Some(Object::Reference(id)) => {
                // A length that is a stream whose length is ... would go on for ever.
                let depth = self.pdf.following.get();
                if depth >= 2 {
                    return Err(None);
                }
                self.pdf.following.set(depth + 1);
                let value = self.object(*id);
                self.pdf.following.set(depth);
                value.map_err(Some)?.as_integer()
            }
            _ => None,
        };
        value.and_then(|value| u64::try_from(value).ok()).ok_or(None)
    }
}

impl Pdf<'_> {
    fn keep(&self, key: (u64, u32), object: &Arc<Object>, size: usize) {
        let cache = &mut *self.cache.borrow_mut();
        let weight = size.saturating_mul(4).saturating_add(200);
        if cache.objects_weight.saturating_add(weight) > Cache::OBJECTS {
            cache.objects.clear();
            cache.objects_weight = 0;
        }
        if weight <= Cache::OBJECTS {
            cache.objects_weight += weight;
            cache.objects.insert(key, Arc::clone(object));
        }
    }

    fn keep_stream(&self, offset: u64, container: &Arc<ObjectStream>) {
        let cache = &mut *self.cache.borrow_mut();
        let weight = container.data.len() + container.index.len() * 16;
        if cache.streams_weight.saturating_add(weight) > Cache::STREAMS {
            cache.streams.clear();
            cache.streams_weight = 0;
        }
        // Even one that is larger than the whole cache is kept: its objects are read in turn.
        cache.streams_weight += weight;
        cache.streams.insert(offset, Arc::clone(container));
    }
}
