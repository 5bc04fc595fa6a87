//! The signatures of a PDF on their way to a higher level: each step is an incremental update.

use std::fmt;
use std::io::Write;

use super::Signatures;
use super::Stamp;
use super::authority;
use super::sealed::Carrier;
use crate::cms::SignedData;
use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PrivateKey;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::evidence::Subject;
use crate::limits::Limits;
use crate::pdf::Coverage;
use crate::pdf::Pdf;
use crate::pdf::SignatureFacts;
use crate::pdf::SignatureKind;
use crate::pdf::SubFilter;
use crate::pdf::Update;
use crate::pdf::ValidationData;
use crate::pdf::form::NewField;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::update::Tail;
use crate::revocation::Evidence;
use crate::secret::Password;
use crate::sign::pdf_plan::write;
use crate::sign::signer::verification_fault;
use crate::source::Followed;
use crate::source::Source;
use crate::source::each_chunk;
use crate::time::Time;
use crate::timestamp::TimeStampToken;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

/// The signatures of a PDF.
///
/// All of them, where nothing else is said: a level is then reached by every
/// one, or not at all. The document is read in place, and never held as a whole.
pub struct PdfSignatures<'a> {
    base: &'a dyn Source,
    tail: Vec<u8>,
    limits: Limits,
    password: Option<Password>,
    recipient: Option<PrivateKey>,
    fields: Vec<String>,
    vri: bool,
    /// A document time-stamp that waits for its token.
    waiting: Option<Tail>,
}

/// A document that was augmented: the original, which is not touched, and the octets that follow it.
pub struct AugmentedPdf<'a> {
    base: &'a dyn Source,
    tail: Vec<u8>,
}

/// A signature or time-stamp of the document, read.
enum Read {
    Signature(Box<SignedData>),
    Token(Box<TimeStampToken>),
}

/// With what it says of itself.
struct Entry {
    facts: SignatureFacts,
    read: Read,
}

impl<'a> PdfSignatures<'a> {
    /// The signatures of `document`.
    #[must_use]
    pub fn new(document: &'a dyn Source) -> Self {
        Self {
            base: document,
            tail: Vec::new(),
            limits: Limits::default(),
            password: None,
            recipient: None,
            fields: Vec::new(),
            vri: false,
            waiting: None,
        }
    }

    /// The signature in the field of this name alone, and others that are so named.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.fields.push(name.into());
        self
    }

    /// Writes `/VRI` too: which evidence belongs to which signature.
    #[must_use]
    pub const fn vri(mut self) -> Self {
        self.vri = true;
        self
    }

    /// The key of a recipient, for a document that is encrypted for recipients.
    #[must_use]
    pub fn recipient_key(mut self, key: PrivateKey) -> Self {
        self.recipient = Some(key);
        self
    }

    /// The password of an encrypted document.
    #[must_use]
    pub fn password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// Other limits than the default ones.
    #[must_use]
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.limits = limits.clone();
        self
    }

    /// The document with all that was written so far.
    fn open<R>(&self, with: impl FnOnce(&Pdf<'_>) -> Result<R, Error>) -> Result<R, Error> {
        let source = Followed::new(self.base, &self.tail);
        let pdf = match (&self.password, &self.recipient) {
            (_, Some(key)) => Pdf::parse_with_key(source, &self.limits, key)?,
            (Some(password), None) => Pdf::parse_with_password(source, &self.limits, password)?,
            (None, None) => Pdf::parse(source, &self.limits)?,
        };
        with(&pdf)
    }

    /// The signatures that are meant, and the document time-stamps on them, in document order.
    fn entries(&self, pdf: &Pdf<'_>) -> Result<Vec<Entry>, Error> {
        let facts = pdf.signatures()?;
        if let Some(missing) = self.fields.iter().find(|name| !facts.iter().any(|f| f.field_name == **name)) {
            return Err(Misuse::new(format!("the document has no signature in a field {missing:?}")).into());
        }
        let mut entries = Vec::new();
        for facts in facts {
            let meant = match facts.kind {
                SignatureKind::Signature => self.fields.is_empty() || self.fields.contains(&facts.field_name),
                // Those before the signatures that are meant are none of theirs.
                SignatureKind::DocumentTimestamp => !entries.is_empty() || self.fields.is_empty(),
                SignatureKind::UsageRights => false,
            };
            if meant {
                entries.push(Entry { read: read(&facts, pdf.limits())?, facts });
            }
        }
        if entries.is_empty() {
            return Err(Misuse::new("the document holds no signature").into());
        }
        Ok(entries)
    }
}

fn read(facts: &SignatureFacts, limits: &Limits) -> Result<Read, Error> {
    if facts.kind == SignatureKind::DocumentTimestamp {
        return Ok(Read::Token(Box::new(TimeStampToken::from_padded(&facts.contents, limits)?)));
    }
    match &facts.sub_filter {
        SubFilter::Pkcs7Detached | SubFilter::CadesDetached | SubFilter::Pkcs7Sha1 => {
            Ok(Read::Signature(Box::new(SignedData::from_padded(&facts.contents, limits)?)))
        }
        other => {
            let feature = format!("raising the signature {:?}, whose /SubFilter is {other:?}", facts.field_name);
            Err(crate::error::Unsupported::new(Format::Pdf, feature).into())
        }
    }
}

impl Entry {
    /// Who signed, where the CMS carries the certificate.
    fn signer<'e>(&self, signed: &'e SignedData) -> Result<&'e Certificate, Error> {
        let certificate =
            signed.signers().first().and_then(|signer| super::cms::certificate(signer, signed.certificates()));
        certificate.ok_or_else(|| {
            let field = format!("signature {:?}", self.facts.field_name);
            Malformed::new(Format::Cms, field, "the signer's certificate in the CMS").into()
        })
    }

    /// The time that covers everything before this, where it is a document time-stamp.
    fn covers(&self) -> Option<Time> {
        match &self.read {
            Read::Token(token) if self.facts.coverage != Coverage::Partial => Some(token.time()),
            _ => None,
        }
    }

    /// Whether a time-stamp on its signature value is there.
    fn stamped(&self) -> bool {
        match &self.read {
            Read::Signature(signed) => {
                signed.signers().iter().all(|signer| super::cms::stamps(signer).next().is_some())
            }
            Read::Token(_) => true,
        }
    }

    /// The algorithm by which the covered octets are digested.
    fn algorithm(&self) -> Option<DigestAlgorithm> {
        match &self.read {
            Read::Signature(signed) if signed.content().is_some() => Some(DigestAlgorithm::Sha1),
            Read::Signature(signed) => signed.signers().first().and_then(|s| s.digest_algorithm().ok()),
            Read::Token(token) => Some(token.imprint().algorithm()),
        }
    }

    fn verify(&self, digest: &Digest, backend: Backend) -> Result<(), Error> {
        let fault = match &self.read {
            Read::Token(token) if token.imprint() != digest => Some("its digest does not match".to_owned()),
            Read::Token(_) => None,
            Read::Signature(signed) => {
                let key = self.signer(signed)?.public_key();
                let [signer] = signed.signers() else {
                    let found = signed.signers().len();
                    return Err(Malformed::new(Format::Cms, "signerInfos", "one signer").found(found).into());
                };
                let digest = match signed.content() {
                    Some(content) if content != digest.octets() => {
                        return Err(broken(&self.facts.field_name, "its digest does not match"));
                    }
                    Some(content) => signer.digest_algorithm()?.digest(content),
                    None => *digest,
                };
                let verified = signer.verify(key, signed.content_type(), &digest, signed.content(), backend);
                verified.fault.as_ref().map(verification_fault)
            }
        };
        match fault {
            Some(why) => Err(broken(&self.facts.field_name, &why)),
            None => Ok(()),
        }
    }
}

fn broken(field: &str, why: &str) -> Error {
    let detail = format!("the signature {field:?} does not verify, so no level can be reached: {why}");
    Refused::new(RefusalReason::SignatureValue, detail).into()
}

impl Signatures for PdfSignatures<'_> {}

impl<'a> Carrier for PdfSignatures<'a> {
    type Augmented = AugmentedPdf<'a>;

    fn verify(&self, backend: Backend) -> Result<(), Error> {
        self.open(|pdf| {
            let entries = self.entries(pdf)?;
            let mut wanted = Vec::new();
            for entry in &entries {
                match (entry.facts.covered_ranges(), entry.algorithm()) {
                    (Some(ranges), Some(algorithm)) => wanted.push((ranges, algorithm)),
                    _ => return Err(broken(&entry.facts.field_name, "it covers nothing that can be digested")),
                }
            }
            let digests = pdf.digests_by(backend, &wanted)?;
            entries.iter().zip(&digests).try_for_each(|(entry, digest)| entry.verify(digest, backend))
        })
    }

    fn unstamped(&self) -> Result<Option<Stamp>, Error> {
        self.open(|pdf| {
            let entries = self.entries(pdf)?;
            let covered = entries.iter().rposition(|entry| entry.covers().is_some());
            let bare = entries
                .iter()
                .enumerate()
                .any(|(index, entry)| !entry.stamped() && covered.is_none_or(|covered| covered < index));
            Ok(bare.then_some(Stamp::Document))
        })
    }

    fn archive_stamps(&self) -> Result<Vec<Stamp>, Error> {
        Ok(vec![Stamp::Document])
    }

    fn subjects(&self, now: Time) -> Result<Vec<Subject>, Error> {
        self.open(|pdf| {
            let entries = self.entries(pdf)?;
            let mut subjects = Vec::new();
            let mut covering: Option<Time> = None;
            for entry in entries.iter().rev() {
                let at = covering.unwrap_or(now);
                match &entry.read {
                    Read::Token(token) => {
                        let field = &entry.facts.field_name;
                        let missing = || {
                            Malformed::new(Format::Cms, format!("time-stamp {field:?}"), "its authority's certificate")
                        };
                        subjects.push(authority(token, at).ok_or_else(missing)?);
                        covering = entry.covers().or(covering);
                    }
                    Read::Signature(signed) => {
                        let mut since = covering;
                        for token in signed.signers().iter().flat_map(super::cms::stamps) {
                            since = since.into_iter().chain([token.time()]).min();
                            subjects.extend(authority(&token, at));
                        }
                        subjects.push(Subject::signer(entry.signer(signed)?.clone(), at).existed(since));
                    }
                }
            }
            Ok(subjects)
        })
    }

    fn carried(&self) -> Result<Evidence, Error> {
        self.open(|pdf| {
            let mut evidence = Evidence::new();
            if let Some(store) = pdf.latest().security_store()? {
                evidence.add_security_store(&store);
            }
            for entry in self.entries(pdf)? {
                match &entry.read {
                    Read::Signature(signed) => evidence.add_signed_data(signed),
                    Read::Token(token) => evidence.add_token(token),
                }
            }
            Ok(evidence)
        })
    }

    fn store(&mut self, needed: &[Evidence]) -> Result<(), Error> {
        let tail = self.open(|pdf| {
            let mut update = Update::new(pdf)?;
            let mut all = Evidence::new();
            needed.iter().for_each(|needed| all.add_all(needed));
            let related = if self.vri { self.related(pdf, needed)? } else { Vec::new() };
            let related: Vec<(&[u8], &ValidationData)> = related.iter().map(|(c, d)| (c.as_slice(), d)).collect();
            update.add_validation_data(&data(&all), &related)?;
            if update.is_empty() {
                return Ok(None);
            }
            update.declare_long_term()?;
            update.finish().map(Some)
        })?;
        self.tail.extend(tail.map(Tail::into_octets).unwrap_or_default());
        Ok(())
    }

    fn begin(&mut self, _: Stamp, algorithm: DigestAlgorithm, room: usize, backend: Backend) -> Result<Digest, Error> {
        let (tail, digest) = self.open(|pdf| {
            if let Some(encryption) = pdf.encryption()
                && !encryption.permits_new_fields()
            {
                let detail = "the document's encryption forbids adding the field of a time-stamp: open it with the owner's password";
                return Err(Refused::new(RefusalReason::Permissions, detail).into());
            }
            let mut update = Update::new(pdf)?;
            // ISO 32000-2 §12.8.5, EN 319 142-1 §5.4.3.
            let dictionary = Dictionary::new()
                .with("Type", Object::name("DocTimeStamp"))
                .with("Filter", Object::name("Adobe.PPKLite"))
                .with("SubFilter", Object::name("ETSI.RFC3161"));
            let value = update.add_signature(dictionary, room)?;
            NewField::invisible().name(free_name(pdf)?).add_to(&mut update, Some(value))?;
            update.declare_long_term()?;
            let tail = update.finish()?;
            let mut digester = backend.digester(algorithm);
            each_chunk(pdf.source(), |octets| {
                digester.update(octets);
                Ok(())
            })?;
            tail.signed().into_iter().flatten().for_each(|part| digester.update(part));
            Ok((tail, digester.finish()))
        })?;
        self.waiting = Some(tail);
        Ok(digest)
    }

    fn lacking(&self, token: &TimeStampToken) -> usize {
        let room = self.waiting.as_ref().map_or(0, Tail::capacity);
        token.der().len().saturating_sub(room)
    }

    fn put(&mut self, token: &TimeStampToken) -> Result<(), Error> {
        let mut tail = self.waiting.take().ok_or_else(|| Misuse::new("no time-stamp was prepared"))?;
        tail.fill(token.der())?;
        self.tail.extend(tail.into_octets());
        Ok(())
    }

    fn finish(self) -> Result<AugmentedPdf<'a>, Error> {
        Ok(AugmentedPdf { base: self.base, tail: self.tail })
    }
}

impl PdfSignatures<'_> {
    /// What belongs to each signature and time-stamp, by its `/Contents`.
    fn related(&self, pdf: &Pdf<'_>, needed: &[Evidence]) -> Result<Vec<(Vec<u8>, ValidationData)>, Error> {
        // In the order of the subjects: from the newest, the time-stamps of a signature before its signer.
        let mut needed = needed.iter();
        let mut related = Vec::new();
        for entry in self.entries(pdf)?.iter().rev() {
            let subjects = match &entry.read {
                Read::Token(_) => 1,
                Read::Signature(signed) => {
                    let stamps = signed.signers().iter().flat_map(super::cms::stamps);
                    1 + stamps.filter(|token| authority(token, token.time()).is_some()).count()
                }
            };
            let mut own = Evidence::new();
            needed.by_ref().take(subjects).for_each(|needed| own.add_all(needed));
            if !own.is_empty() {
                related.push((entry.facts.contents.clone(), data(&own)));
            }
        }
        Ok(related)
    }
}

fn data(evidence: &Evidence) -> ValidationData {
    let octets = |der: &[u8]| der.to_vec();
    ValidationData {
        certificates: evidence.certificates().iter().map(Certificate::der).map(octets).collect(),
        crls: evidence.crls().iter().map(Crl::der).map(octets).collect(),
        ocsp_responses: evidence.ocsp_responses().iter().map(OcspResponse::der).map(octets).collect(),
    }
}

/// `Timestamp` and the first number that no field has.
fn free_name(pdf: &Pdf<'_>) -> Result<String, Error> {
    let (fields, _) = pdf.latest().fields()?;
    let free = (1..=fields.len() + 1).map(|n| format!("Timestamp{n}"));
    let mut free = free.filter(|name| fields.iter().all(|field| field.name != *name));
    free.next().ok_or_else(|| Misuse::new("no name is left for the field of the time-stamp").into())
}

impl fmt::Debug for PdfSignatures<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PdfSignatures")
            .field("len", &self.base.len())
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl AugmentedPdf<'_> {
    /// The octets that follow those of the original: all that was added; none where all was there.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Octets of the whole document.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.base.len() + self.tail.len() as u64
    }

    /// Whether there are none; never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the whole document, the original part by part.
    ///
    /// # Errors
    /// What the source or `out` reports.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<(), Error> {
        each_chunk(self.base, |octets| write(out, octets))?;
        write(out, self.tail())
    }

    /// The whole document in memory.
    ///
    /// # Errors
    /// What the source reports.
    pub fn to_octets(&self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::with_capacity(usize::try_from(self.len()).unwrap_or(0));
        self.write_to(&mut out)?;
        Ok(out)
    }
}

impl fmt::Debug for AugmentedPdf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AugmentedPdf").field("len", &self.len()).field("added", &self.tail.len()).finish()
    }
}
