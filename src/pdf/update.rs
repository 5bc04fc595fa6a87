//! Incremental updates (ISO 32000-2 §7.5.6): only the tail is written, the original is not touched.
//!
//! The tail continues in the form of the newest section: readers that meet a
//! table behind a stream, or the reverse, repair the file in memory and then
//! find every signature broken.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::IoError;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::error::Unsupported;
use crate::finding::Severity;
use crate::pdf::document::Pdf;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::Stream;
use crate::pdf::object::hex_pair;
use crate::pdf::xref::XrefForm;

/// An incremental update being put together.
///
/// Objects are numbered here and written by [`finish`](Self::finish), in
/// ascending order; the same changes give the same octets.
#[derive(Debug)]
pub struct Update<'p> {
    pdf: &'p Pdf<'p>,
    next: u32,
    objects: BTreeMap<Reference, Object>,
    signature: Option<Signature>,
}

/// The signature dictionary, whose `/Contents` comes last of all.
#[derive(Debug)]
struct Signature {
    id: Reference,
    capacity: usize,
}

/// The octets of an update, which follow those of the original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    original: u64,
    octets: Vec<u8>,
    /// The `/Contents` token within `octets`, with its angle brackets.
    gap: Option<Range<usize>>,
}

/// Where the pieces of a tail ended up while it was written.
struct Writer {
    original: u64,
    octets: Vec<u8>,
    offsets: BTreeMap<u32, (u64, u16)>,
    gap: Option<Range<usize>>,
    byte_range: Option<Range<usize>>,
}

/// Entries of a cross-reference stream that say how it is stored, or that never carry over.
const OWN_KEYS: [&str; 13] = [
    "Type",
    "Size",
    "Prev",
    "XRefStm",
    "Index",
    "W",
    "Length",
    "Filter",
    "DecodeParms",
    "F",
    "FFilter",
    "FDecodeParms",
    "DL",
];

/// The largest offset that the ten digits of a table entry hold.
const MOST_IN_TABLE: u64 = 9_999_999_999;

impl<'p> Update<'p> {
    /// An update of the newest revision.
    ///
    /// # Errors
    /// Refused where the document is damaged: other readers would repair it,
    /// and see something else than what is signed.
    pub fn new(pdf: &'p Pdf<'p>) -> Result<Self, Error> {
        let damaged = |detail: String| Error::from(Refused::new(RefusalReason::Damaged, detail));
        if let Some(fault) = pdf.findings().iter().find(|finding| finding.severity() >= Severity::Error) {
            return Err(damaged(format!("the document is damaged, repair it first: {}", fault.message())));
        }
        let latest = pdf.latest();
        if latest.escapes() {
            let detail = "the cross-reference points behind the end of the file, where the update would stand";
            return Err(damaged(detail.to_owned()));
        }
        latest.catalog()?;
        let next = latest.next_number();
        Ok(Self { pdf, next, objects: BTreeMap::new(), signature: None })
    }

    /// The document that is updated.
    #[must_use]
    pub const fn pdf(&self) -> &'p Pdf<'p> {
        self.pdf
    }

    /// Whether nothing was changed yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Reserves the number of a new object; [`set`](Self::set) gives it its value.
    ///
    /// # Errors
    /// Where the document would hold more objects than the limits allow.
    pub fn allocate(&mut self) -> Result<Reference, Error> {
        let most = self.pdf.limits().pdf_objects;
        let id = Reference::new(self.next, 0);
        match self.next.checked_add(1) {
            Some(next) if usize::try_from(self.next).is_ok_and(|number| number <= most) => self.next = next,
            _ => return Err(LimitExceeded::new("pdf_objects", most as u64).into()),
        }
        Ok(id)
    }

    /// Adds a new object.
    ///
    /// # Errors
    /// As [`allocate`](Self::allocate).
    pub fn add(&mut self, object: impl Into<Object>) -> Result<Reference, Error> {
        let id = self.allocate()?;
        self.objects.insert(id, object.into());
        Ok(id)
    }

    /// Adds a new stream; `dictionary` says how `octets` are encoded.
    ///
    /// # Errors
    /// As [`allocate`](Self::allocate).
    pub fn add_stream(&mut self, dictionary: Dictionary, octets: Vec<u8>) -> Result<Reference, Error> {
        self.add(Object::Stream(Box::new(Stream::new(dictionary, octets))))
    }

    /// Adds the signature dictionary: `/ByteRange` and a `/Contents` of `capacity` octets are appended to it.
    ///
    /// # Errors
    /// Misuse where there is one already, or nothing would fit into it.
    pub fn add_signature(&mut self, dictionary: Dictionary, capacity: usize) -> Result<Reference, Error> {
        if self.signature.is_some() {
            return Err(Misuse::new("an update holds one signature: finish it before the next").into());
        }
        if capacity == 0 {
            return Err(Misuse::new("room for a signature must be more than no octets").into());
        }
        if ["Contents", "ByteRange"].iter().any(|key| dictionary.get(key).is_some()) {
            return Err(Misuse::new("/Contents and /ByteRange are written by the update").into());
        }
        let id = self.add(dictionary)?;
        self.signature = Some(Signature { id, capacity });
        Ok(id)
    }

    /// Gives an object a value; writes nothing where it already has it.
    ///
    /// # Errors
    /// Where the object as it stands cannot be read.
    pub fn set(&mut self, id: Reference, object: impl Into<Object>) -> Result<(), Error> {
        let object = object.into();
        match self.objects.entry(id) {
            Entry::Occupied(mut slot) => {
                slot.insert(object);
            }
            Entry::Vacant(slot) => {
                let known = id.number < self.pdf.latest().next_number();
                if !known || *self.pdf.latest().object(id)? != object {
                    slot.insert(object);
                }
            }
        }
        Ok(())
    }

    /// An object as it will be after the update.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn object(&self, id: Reference) -> Result<Arc<Object>, Error> {
        match self.objects.get(&id) {
            Some(object) => Ok(Arc::new(object.clone())),
            None => self.pdf.latest().object(id),
        }
    }

    /// What `object` means after the update: itself, or what it refers to.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn resolve(&self, object: &Object) -> Result<Arc<Object>, Error> {
        match object {
            Object::Reference(id) if self.objects.contains_key(id) => self.object(*id),
            object => self.pdf.latest().resolve(object),
        }
    }

    /// The dictionary `id` as it will be after the update, to be changed and [`set`](Self::set).
    ///
    /// # Errors
    /// Where it cannot be read or is none.
    pub fn dictionary(&self, id: Reference) -> Result<Dictionary, Error> {
        match &*self.object(id)? {
            Object::Dictionary(dictionary) => Ok(dictionary.clone()),
            _ => Err(Malformed::new(Format::Pdf, format!("object {id}"), "a dictionary").into()),
        }
    }

    /// Writes the tail: objects, cross-reference section, trailer.
    ///
    /// `/ByteRange` is final in it, so the digest can be computed at once over
    /// the original and [`Tail::signed`].
    ///
    /// # Errors
    /// Where nothing was changed, or an offset does not fit the form of the cross-reference.
    pub fn finish(self) -> Result<Tail, Error> {
        if self.objects.is_empty() {
            return Err(Misuse::new("the update changes nothing").into());
        }
        let latest = self.pdf.latest();
        let mut writer = Writer::new(self.pdf)?;
        for (id, object) in &self.objects {
            let capacity = self.signature.as_ref().filter(|signature| signature.id == *id).map(|s| s.capacity);
            match self.pdf.encryption() {
                Some(encryption) => {
                    let enciphered = encryption.encipher_object(*id, object.clone())?;
                    writer.object(*id, &enciphered, capacity)?;
                }
                None => writer.object(*id, object, capacity)?,
            }
        }
        let carried =
            latest.trailer().iter().filter(|(key, _)| !OWN_KEYS.iter().any(|own| own.as_bytes() == key.octets()));
        let carried = carried.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut trailer = Dictionary::from_entries(carried);
        if let Some(identifier) = self.file_identifier(&writer.octets)? {
            trailer.set("ID", identifier);
        }
        trailer.set("Prev", offset_object(latest.startxref())?);
        match latest.form() {
            XrefForm::Table | XrefForm::Hybrid => writer.table(trailer, self.next)?,
            XrefForm::Stream => writer.stream(trailer, self.next)?,
        }
        writer.finish()
    }

    /// The first element stays, the second follows from what is written (ISO 32000-2 §14.4).
    ///
    /// An encrypted document without one gets none: its key was derived without it.
    fn file_identifier(&self, body: &[u8]) -> Result<Option<Object>, Error> {
        let latest = self.pdf.latest();
        let old = latest.get(latest.trailer(), "ID")?;
        let element = |index: usize| -> Result<Option<Vec<u8>>, Error> {
            let Some(value) = old.as_array().and_then(|values| values.get(index)) else { return Ok(None) };
            Ok(latest.resolve(value)?.as_string().map(<[u8]>::to_vec))
        };
        let (first, second) = (element(0)?, element(1)?);
        if first.is_none() && self.pdf.encryption().is_some() {
            return Ok(latest.trailer().get("ID").cloned());
        }
        let mut digester = DigestAlgorithm::Sha256.digester();
        for part in [first.as_deref().unwrap_or_default(), second.as_deref().unwrap_or_default(), body] {
            digester.update(part);
        }
        digester.update(&self.pdf.len().to_be_bytes());
        let fresh = digester.finish().octets().get(..16).unwrap_or_default().to_vec();
        let first = first.unwrap_or_else(|| fresh.clone());
        Ok(Some(vec![Object::hexadecimal(first), Object::hexadecimal(fresh)].into()))
    }
}

impl Writer {
    fn new(pdf: &Pdf<'_>) -> Result<Self, Error> {
        let original = pdf.len();
        let last = pdf.read(original.saturating_sub(1)..original)?;
        // An object must not begin in the line of the previous %%EOF.
        let octets = if matches!(last.as_slice(), [b'\n' | b'\r']) { Vec::new() } else { vec![b'\n'] };
        Ok(Self { original, octets, offsets: BTreeMap::new(), gap: None, byte_range: None })
    }

    fn offset(&self) -> Result<u64, Error> {
        self.original.checked_add(self.octets.len() as u64).ok_or_else(|| Misuse::new("offsets exceed 64 bits").into())
    }

    fn object(&mut self, id: Reference, object: &Object, capacity: Option<usize>) -> Result<(), Error> {
        self.offsets.insert(id.number, (self.offset()?, id.generation));
        self.octets.extend_from_slice(format!("{} {} obj\n", id.number, id.generation).as_bytes());
        object.write(&mut self.octets)?;
        if let Some(capacity) = capacity {
            self.octets.truncate(self.octets.len().saturating_sub(2));
            self.octets.extend_from_slice(b"/ByteRange ");
            // Wide enough for any value, so that nothing moves when it is known.
            let width = if self.original < 1 << 33 { 10 } else { 20 };
            let from = self.octets.len();
            self.octets.resize(from + "[0   ]".len() + 3 * width, b' ');
            self.byte_range = Some(from..self.octets.len());
            self.octets.extend_from_slice(b"/Contents ");
            let from = self.octets.len();
            self.octets.push(b'<');
            self.octets.resize(from + 1 + capacity.saturating_mul(2), b'0');
            self.octets.push(b'>');
            self.gap = Some(from..self.octets.len());
            self.octets.extend_from_slice(b">>");
        }
        self.octets.extend_from_slice(b"\nendobj\n");
        Ok(())
    }

    /// Runs of consecutive numbers.
    fn runs(&self) -> Vec<(u32, Vec<(u64, u16)>)> {
        let mut runs: Vec<(u32, Vec<(u64, u16)>)> = Vec::new();
        for (number, entry) in &self.offsets {
            match runs.last_mut() {
                Some((first, run)) if u64::from(*first) + run.len() as u64 == u64::from(*number) => run.push(*entry),
                _ => runs.push((*number, vec![*entry])),
            }
        }
        runs
    }

    fn table(&mut self, mut trailer: Dictionary, size: u32) -> Result<(), Error> {
        let start = self.offset()?;
        if start > MOST_IN_TABLE {
            let feature = "a cross-reference table with offsets of more than ten digits; save with a stream first";
            return Err(Unsupported::new(Format::Pdf, feature).into());
        }
        self.octets.extend_from_slice(b"xref\n");
        for (first, run) in self.runs() {
            self.octets.extend_from_slice(format!("{first} {}\n", run.len()).as_bytes());
            for (offset, generation) in run {
                self.octets.extend_from_slice(format!("{offset:010} {generation:05} n \n").as_bytes());
            }
        }
        trailer.set("Size", i64::from(size));
        self.octets.extend_from_slice(b"trailer\n");
        Object::from(trailer).write(&mut self.octets)?;
        self.end(start);
        Ok(())
    }

    fn stream(&mut self, mut trailer: Dictionary, number: u32) -> Result<(), Error> {
        let start = self.offset()?;
        self.offsets.insert(number, (start, 0));
        let width = (64 - start.leading_zeros()).div_ceil(8).max(1) as usize;
        let mut index = Vec::new();
        let mut rows = Vec::new();
        for (first, run) in self.runs() {
            index.push(Object::Integer(i64::from(first)));
            index.push(offset_object(run.len() as u64)?);
            for (offset, generation) in run {
                rows.push(1);
                rows.extend_from_slice(offset.to_be_bytes().get(8 - width..).unwrap_or_default());
                rows.extend_from_slice(&generation.to_be_bytes());
            }
        }
        trailer.set("Type", Object::name("XRef"));
        trailer.set("Size", i64::from(number) + 1);
        trailer.set("Index", index);
        trailer.set("W", vec![Object::Integer(1), offset_object(width as u64)?, Object::Integer(2)]);
        self.octets.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        Object::Stream(Box::new(Stream::new(trailer, rows))).write(&mut self.octets)?;
        self.octets.extend_from_slice(b"\nendobj");
        self.end(start);
        Ok(())
    }

    fn end(&mut self, startxref: u64) {
        self.octets.extend_from_slice(format!("\nstartxref\n{startxref}\n%%EOF\n").as_bytes());
    }

    fn finish(mut self) -> Result<Tail, Error> {
        let end = self.offset()?;
        if let (Some(gap), Some(place)) = (&self.gap, self.byte_range) {
            let (before, after) = (self.original + gap.start as u64, self.original + gap.end as u64);
            let text = format!("[0 {before} {after} {}]", end - after);
            let slot = self.octets.get_mut(place).and_then(|slot| slot.get_mut(..text.len()));
            slot.ok_or_else(|| Misuse::new("/ByteRange does not fit its room"))?.copy_from_slice(text.as_bytes());
        }
        Ok(Tail { original: self.original, octets: self.octets, gap: self.gap })
    }
}

impl Tail {
    /// A tail that was stored between the two phases of signing.
    ///
    /// `gap` is what [`contents`](Self::contents) told.
    ///
    /// # Errors
    /// Where `gap` does not hold an empty `/Contents`.
    pub fn restore(original: u64, octets: Vec<u8>, gap: Range<u64>) -> Result<Self, Error> {
        let fault = || Malformed::new(Format::State, "/Contents of the prepared update", "an empty place for it");
        let local = |offset: u64| offset.checked_sub(original).and_then(|offset| usize::try_from(offset).ok());
        let gap = local(gap.start).zip(local(gap.end)).map(|(start, end)| start..end).ok_or_else(fault)?;
        match octets.get(gap.clone()) {
            Some([b'<', zeros @ .., b'>']) if !zeros.is_empty() && zeros.len() % 2 == 0 => {
                if zeros.iter().any(|octet| *octet != b'0') {
                    return Err(fault().into());
                }
            }
            _ => return Err(fault().into()),
        }
        Ok(Self { original, octets, gap: Some(gap) })
    }

    /// The octets, to be written behind those of the original.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The octets.
    #[must_use]
    pub fn into_octets(self) -> Vec<u8> {
        self.octets
    }

    /// Writes the whole document: the octets of the original, part by part, and these.
    ///
    /// # Errors
    /// What the source or `out` reports; misuse where `pdf` is not the original.
    pub fn write_after(&self, pdf: &Pdf<'_>, out: &mut dyn Write) -> Result<(), Error> {
        if pdf.len() != self.original {
            let message = format!("an update of {} octets behind a document of {}", self.original, pdf.len());
            return Err(Misuse::new(message).into());
        }
        let mut write =
            |octets: &[u8]| out.write_all(octets).map_err(|error| IoError::new("write", "the document", error).into());
        pdf.each_chunk(&mut write)?;
        write(&self.octets)
    }

    /// How many octets the original has, at whose end the tail begins.
    #[must_use]
    pub const fn original_length(&self) -> u64 {
        self.original
    }

    /// Where `/Contents` stands in the whole file, angle brackets included.
    #[must_use]
    pub fn contents(&self) -> Option<Range<u64>> {
        let gap = self.gap.as_ref()?;
        Some(self.original + gap.start as u64..self.original + gap.end as u64)
    }

    /// Octets that `/Contents` has room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.gap.as_ref().map_or(0, |gap| (gap.len() - 2) / 2)
    }

    /// `/ByteRange` as it stands in the tail.
    #[must_use]
    pub fn byte_range(&self) -> Option<[u64; 4]> {
        let gap = self.contents()?;
        Some([0, gap.start, gap.end, self.original + self.octets.len() as u64 - gap.end])
    }

    /// What is signed besides the whole original: the octets before and behind `/Contents`.
    #[must_use]
    pub fn signed(&self) -> Option<[&[u8]; 2]> {
        let gap = self.gap.as_ref()?;
        Some([self.octets.get(..gap.start)?, self.octets.get(gap.end..)?])
    }

    /// Puts the signature in its place, padded with zeros.
    ///
    /// # Errors
    /// Misuse where there is no place for one, or it is too small.
    pub fn fill(&mut self, signature: &[u8]) -> Result<(), Error> {
        let capacity = self.capacity();
        if signature.len() > capacity {
            return Err(Misuse::new(format!(
                "the signature has {} octets where {capacity} were reserved: reserve more and sign again",
                signature.len()
            ))
            .into());
        }
        let gap = self.gap.clone().ok_or_else(|| Misuse::new("the update holds no signature"))?;
        let slot = self.octets.get_mut(gap.start + 1..gap.end - 1).unwrap_or_default();
        slot.fill(b'0');
        let (pairs, _) = slot.as_chunks_mut::<2>();
        for (pair, octet) in pairs.iter_mut().zip(signature) {
            *pair = hex_pair(*octet);
        }
        Ok(())
    }
}

fn offset_object(offset: u64) -> Result<Object, Error> {
    let offset = i64::try_from(offset).map_err(|_| Unsupported::new(Format::Pdf, "offsets of more than 63 bits"))?;
    Ok(Object::Integer(offset))
}
