//! PAdES baseline signatures (ETSI EN 319 142-1): an incremental update that ends in a signature.

use std::fmt;
use std::io::Write;

use crate::crypto::DigestAlgorithm;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::error::Misuse;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::pdf::Appearance;
use crate::pdf::Field;
use crate::pdf::FieldLock;
use crate::pdf::Pdf;
use crate::pdf::Permission;
use crate::pdf::SeedValues;
use crate::pdf::SignatureFacts;
use crate::pdf::SignatureKind;
use crate::pdf::Update;
use crate::pdf::form::NewField;
use crate::pdf::form::WrittenField;
use crate::pdf::form::fill_field;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::protection;
use crate::pdf::protection::Intent;
use crate::pdf::search::field_place;
use crate::pdf::seed::SeedCertification;
use crate::pdf::update::Tail;
use crate::sign::awaiting::AwaitingSigner;
use crate::sign::pdf_plan::Plan;
use crate::sign::pdf_plan::write;
use crate::sign::prepared::Prepared;
use crate::sign::seed;
use crate::sign::seed::Offer;
use crate::sign::signer::Choice;
use crate::sign::signer::Signer;
use crate::sign::signer::algorithm_choices;
use crate::sign::timestamping::TimestampSettings;
use crate::sign::timestamping::Timestamping;
use crate::time::Time;

/// Octets kept for a time-stamp token with its certificates; authorities send 3 to 8 thousand.
const TIMESTAMP_ROOM: usize = 12 << 10;
/// Octets kept for the signature of a signer who is not known yet, with certificates and time-stamp.
const UNKNOWN_SIGNER: usize = 16 << 10;
/// Octets that `/Contents` may be asked to have room for.
const MOST_ROOM: usize = 16 << 20;
/// Vietnam and the rest of Indochina time.
const UTC_PLUS_7: i16 = 420;

/// Draws the appearance for a width and a height in points.
type Draw<'p> = Box<dyn Fn(f64, f64) -> Appearance + 'p>;

/// A PDF signature to be made, level B-B.
///
/// The claimed signing time stands in `/M` and not in the CMS (EN 319 142-1
/// §6.3); `/SubFilter` is `ETSI.CAdES.detached`.
pub struct PadesRequest<'p> {
    pdf: &'p Pdf<'p>,
    now: Time,
    utc_offset: i16,
    field: Option<String>,
    page: Option<usize>,
    visible: Option<(usize, f64, f64, Appearance)>,
    draw: Option<Draw<'p>>,
    name: Option<String>,
    reason: Option<String>,
    location: Option<String>,
    contact: Option<String>,
    certify: Option<Permission>,
    room: usize,
    choice: Choice,
}

/// A signed document: the original, which is not touched, and the octets that follow it.
pub struct SignedPdf<'p> {
    pdf: &'p Pdf<'p>,
    tail: Tail,
    field: String,
}

/// Of the signature to come, what a field may have demands on.
#[derive(Clone, Copy)]
struct Offered<'o> {
    /// Where it is known.
    identity: Option<&'o SignerIdentity>,
    digest: DigestAlgorithm,
    timestamped: bool,
}

impl<'p> PadesRequest<'p> {
    /// A signature on the newest revision of `pdf`; `now` is the claimed signing time.
    #[must_use]
    pub fn new(pdf: &'p Pdf<'p>, now: Time) -> Self {
        Self {
            pdf,
            now,
            utc_offset: UTC_PLUS_7,
            field: None,
            page: None,
            visible: None,
            draw: None,
            name: None,
            reason: None,
            location: None,
            contact: None,
            certify: None,
            room: 0,
            choice: Choice::default(),
        }
    }

    /// The field to sign: an empty signature field of this name, else a new one is made with it.
    ///
    /// Without a name a new field gets the next free one of `Signature1`, `Signature2`, ...
    #[must_use]
    pub fn field(mut self, name: impl Into<String>) -> Self {
        self.field = Some(name.into());
        self
    }

    /// A new field that shows `appearance` with its lower left corner at `left` and `bottom`:
    /// points from the lower left corner of page `page` (0 being the first), as a person sees it.
    #[must_use]
    pub fn visible(mut self, page: usize, left: f64, bottom: f64, appearance: Appearance) -> Self {
        self.visible = Some((page, left, bottom, appearance));
        self
    }

    /// What an existing field is to show: drawn for the width and the height of its widget, in points.
    #[must_use]
    pub fn appearance(mut self, draw: impl Fn(f64, f64) -> Appearance + 'p) -> Self {
        self.draw = Some(Box::new(draw));
        self
    }

    /// The page of a new invisible field, 0 being the first.
    #[must_use]
    pub const fn page(mut self, page: usize) -> Self {
        self.page = Some(page);
        self
    }

    /// `/Name`: the signer as text. Validators take the certificate's subject.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `/Reason`.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// `/Location`.
    #[must_use]
    pub fn location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// `/ContactInfo`.
    #[must_use]
    pub fn contact(mut self, contact: impl Into<String>) -> Self {
        self.contact = Some(contact.into());
        self
    }

    /// Makes it a certification signature, which must be the first of the document (ISO 32000-2 §12.8.2.2).
    ///
    /// [`Permission::NoChanges`] is no choice for documents that are to be
    /// archived: some readers count later validation data as a change.
    ///
    /// A field whose seed values demand a certification gets it without being told.
    #[must_use]
    pub const fn certify(mut self, permission: Permission) -> Self {
        self.certify = Some(permission);
        self
    }

    /// The zone in which `/M` is written, in minutes east of UTC; +07:00 by default, 0 is UTC.
    #[must_use]
    pub const fn utc_offset(mut self, minutes: i16) -> Self {
        self.utc_offset = minutes;
        self
    }

    algorithm_choices!();

    /// Keeps room for the time-stamp of level B-T, where [`prepare`](Self::prepare) is to end in
    /// [`complete_timestamped`](Prepared::complete_timestamped).
    #[must_use]
    pub const fn room_for_timestamp(mut self) -> Self {
        self.room = if self.room < TIMESTAMP_ROOM { TIMESTAMP_ROOM } else { self.room };
        self
    }

    /// Keeps room for so many octets more than the signature needs.
    #[must_use]
    pub const fn room(mut self, octets: usize) -> Self {
        self.room = octets;
        self
    }

    /// Prepares the signature for a signer whose key is elsewhere.
    ///
    /// # Errors
    /// [`Error::Refused`] where the document, the certificate or the algorithm
    /// forbid it, with the reason; [`Error::Misuse`] for contradictory choices.
    pub fn prepare(&self, identity: &SignerIdentity) -> Result<Prepared<&'p Pdf<'p>>, Error> {
        // Room for a token is kept by whoever is going to ask for one.
        let timestamped = self.room >= TIMESTAMP_ROOM;
        self.prepare_with(identity, None, self.room, timestamped, None)
    }

    /// Prepares the document before it is known who signs; 16 thousand octets
    /// are kept for the signature, where [`room`](Self::room) says nothing else.
    ///
    /// The digest is SHA-256, or the one that was [chosen](Self::digest): it has to go with the signer's key.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), but for what the certificate could forbid.
    pub fn prepare_document(&self) -> Result<AwaitingSigner<&'p Pdf<'p>>, Error> {
        if self.choice.algorithm.is_some() {
            return Err(Misuse::new("a whole algorithm was chosen for a signer who is not known yet").into());
        }
        let algorithm = self.choice.digest.unwrap_or(DigestAlgorithm::Sha256);
        let offered = Offered { identity: None, digest: algorithm, timestamped: self.room >= TIMESTAMP_ROOM };
        let plan = self.plan(UNKNOWN_SIGNER.max(self.room), Some(offered))?;
        let digest = plan.digest(self.pdf, algorithm, self.choice.backend, None)?;
        let choice = Choice { digest: Some(algorithm), ..self.choice };
        Ok(AwaitingSigner::new(self.pdf, plan, digest, self.now, false, choice))
    }

    /// Signs.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and what the key reports.
    pub fn sign(&self, key: &dyn SigningKey) -> Result<SignedPdf<'p>, Error> {
        let prepared = self.prepare_with(key.identity(), Some(key.default_algorithm()), self.room, false, None)?;
        let value = prepared.sign(key)?;
        prepared.complete(&value)
    }

    /// Signs while the document is copied to `out`, so that it is read once.
    ///
    /// # Errors
    /// As [`sign`](Self::sign). What was written before is then of no use:
    /// give this a file that is put in its place only on success.
    pub fn sign_to(&self, key: &dyn SigningKey, out: &mut dyn Write) -> Result<SignedPdf<'p>, Error> {
        let prepared = self.prepare_with(key.identity(), Some(key.default_algorithm()), self.room, false, Some(out))?;
        let value = prepared.sign(key)?;
        let signed = prepared.complete(&value)?;
        write(out, signed.tail())?;
        Ok(signed)
    }

    /// Signs and gets a time-stamp on the signature value (level B-T).
    ///
    /// Where the token needs more room than was kept, the key signs once more.
    ///
    /// # Errors
    /// As [`sign`](Self::sign); [`Error::Misuse`] for a short nonce.
    pub fn sign_timestamped<'k>(
        self,
        key: &'k dyn SigningKey,
        settings: TimestampSettings,
    ) -> Result<Timestamping<'k, &'p Pdf<'p>>, Error>
    where
        'p: 'k,
    {
        let room = if self.room == 0 { TIMESTAMP_ROOM } else { self.room };
        let sign = move |room: usize| {
            let prepared = self.prepare_with(key.identity(), Some(key.default_algorithm()), room, true, None)?;
            let value = prepared.sign(key)?;
            Ok((prepared, value))
        };
        let (prepared, value) = sign(room)?;
        prepared.timestamped(&value, settings, Some(Box::new(sign)))
    }

    fn prepare_with(
        &self,
        identity: &SignerIdentity,
        preferred: Option<SignatureAlgorithm>,
        room: usize,
        timestamped: bool,
        copy: Option<&mut dyn Write>,
    ) -> Result<Prepared<&'p Pdf<'p>>, Error> {
        let signer = Signer::new(identity, preferred, self.choice, self.now)?;
        let octets = signer.cms_octets().saturating_add(room);
        let offered = Offered { identity: Some(identity), digest: signer.digest_algorithm(), timestamped };
        let plan = self.plan(octets, Some(offered))?;
        let digest = plan.digest(self.pdf, signer.digest_algorithm(), signer.backend, copy)?;
        Ok(Prepared::new(self.pdf, plan, signer, digest))
    }

    /// The document as it will look, without a signature in its field: to be
    /// drawn, and to be sent to nobody.
    ///
    /// Neither a certificate nor a key is needed.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), but for what concerns the certificate.
    pub fn draft(&self) -> Result<Vec<u8>, Error> {
        let plan = self.plan(1, None)?;
        SignedPdf::new(self.pdf, plan.tail, plan.field).to_octets()
    }

    /// The page on which the signature shows, 0 being the first; of an
    /// invisible one, the page that its field belongs to.
    ///
    /// # Errors
    /// What reading the form and the page tree reports.
    pub fn shown_page(&self) -> Result<usize, Error> {
        if let Some((page, ..)) = &self.visible {
            return Ok(*page);
        }
        let place = match self.existing_field()? {
            Some(field) => field_place(self.pdf.latest(), &field)?,
            None => None,
        };
        let page = place.map(|place| place.page).or(self.page);
        Ok(page.unwrap_or(0))
    }

    /// The update, with so much room for the signature. What the field demands is
    /// held against `offered`, where it is signed at all.
    fn plan(&self, capacity: usize, offered: Option<Offered<'_>>) -> Result<Plan, Error> {
        if capacity > MOST_ROOM {
            return Err(Misuse::new(format!("{capacity} octets of room; {MOST_ROOM} are the most")).into());
        }
        let mut update = Update::new(self.pdf)?;
        let signatures = self.pdf.signatures()?;
        let existing = self.existing_field()?;
        let demands = Demands::of(self.pdf, existing.as_ref())?;
        let certify = self.certification(demands.seed.as_ref());
        self.check_permission(&signatures, existing.as_ref(), certify)?;
        if let (Some(seed), Some(field), Some(offered)) = (&demands.seed, &existing, offered) {
            let offer = Offer {
                identity: offered.identity,
                now: self.now,
                digest: offered.digest,
                reason: self.reason.as_deref(),
                certify,
                timestamped: offered.timestamped,
                lock: demands.lock.as_ref(),
            };
            seed::check(seed, &field.name, &offer)?;
        }
        let dictionary = self.dictionary(certify, demands.lock.as_ref())?;
        let value = update.add_signature(dictionary, capacity)?;
        let written = self.write_field(&mut update, existing.as_ref(), value)?;
        if certify.is_some() {
            point_to_certification(&mut update, value)?;
        }
        Ok(Plan { tail: update.finish()?, field: written.name })
    }

    /// The empty signature field that is meant, if the document has it.
    fn existing_field(&self) -> Result<Option<Field>, Error> {
        let Some(name) = &self.field else { return Ok(None) };
        let latest = self.pdf.latest();
        let Some(field) = latest.fields()?.0.into_iter().find(|field| field.name == *name) else { return Ok(None) };
        if !field.is_signature() {
            return Err(Misuse::new(format!("the field {name:?} is no signature field")).into());
        }
        if !latest.resolve(&field.value)?.is_null() {
            return Err(Misuse::new(format!("the field {name:?} is signed already")).into());
        }
        if self.visible.is_some() || self.page.is_some() {
            let message = format!("the field {name:?} exists: its page and place cannot be chosen");
            return Err(Misuse::new(message).into());
        }
        Ok(Some(field))
    }

    /// Refuses what an earlier signature forbids: it would break, or this one be worth nothing.
    fn check_permission(
        &self,
        signatures: &[SignatureFacts],
        existing: Option<&Field>,
        certify: Option<Permission>,
    ) -> Result<(), Error> {
        let intent = match existing {
            Some(field) => Intent::Sign(&field.name),
            None => Intent::AddSignatureField { visible: self.visible.is_some() },
        };
        protection::check(self.pdf, signatures, intent)?;
        let mut earlier = signatures.iter().filter(|facts| facts.kind != SignatureKind::UsageRights);
        match (certify, earlier.next()) {
            (Some(_), Some(first)) => {
                let detail = format!(
                    "a certification must be the first signature of a document; {:?} is signed already",
                    first.field_name
                );
                Err(Refused::new(RefusalReason::Certified, detail).into())
            }
            _ => Ok(()),
        }
    }

    /// The certification: chosen, or else what the field demands.
    fn certification(&self, seed: Option<&SeedValues>) -> Option<Permission> {
        match seed.and_then(|seed| seed.certification) {
            Some(SeedCertification::Certification(permission)) => self.certify.or(Some(permission)),
            Some(SeedCertification::Approval) | None => self.certify,
        }
    }

    /// The signature dictionary (ISO 32000-2 §12.8.1, EN 319 142-1 §6.3).
    fn dictionary(&self, certify: Option<Permission>, lock: Option<&FieldLock>) -> Result<Dictionary, Error> {
        let mut dictionary = Dictionary::new()
            .with("Type", Object::name("Sig"))
            .with("Filter", Object::name("Adobe.PPKLite"))
            .with("SubFilter", Object::name("ETSI.CAdES.detached"))
            .with("M", Object::literal(self.now.to_pdf(self.utc_offset)));
        let texts = [
            ("Name", &self.name),
            ("Reason", &self.reason),
            ("Location", &self.location),
            ("ContactInfo", &self.contact),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                dictionary.set(key, Object::text(text));
            }
        }
        let mut references = Vec::new();
        if let Some(permission) = certify {
            references.push(transform("DocMDP", parameters().with("P", permission.level())));
        }
        if let Some(lock) = lock {
            references.push(self.field_lock(lock)?);
        }
        if !references.is_empty() {
            dictionary.set("Reference", references);
        }
        Ok(dictionary)
    }

    /// What a field's lock dictionary demands of its signature (ISO 32000-2 §12.7.5.5).
    fn field_lock(&self, lock: &FieldLock) -> Result<Object, Error> {
        let mut own = lock.to_dictionary();
        // /P belongs to the lock dictionary alone.
        own.remove("P");
        own.remove("Type");
        let parameters = own.iter().fold(parameters(), |all, (key, value)| match std::str::from_utf8(key.octets()) {
            Ok(key) => all.with(key, value.clone()),
            Err(_) => all,
        });
        Ok(match transform("FieldMDP", parameters) {
            Object::Dictionary(reference) => reference.with("Data", self.pdf.latest().root()?).into(),
            other => other,
        })
    }

    fn write_field(
        &self,
        update: &mut Update<'_>,
        existing: Option<&Field>,
        value: Reference,
    ) -> Result<WrittenField, Error> {
        if let Some(field) = existing {
            let Some(id) = field.id else {
                let fault = Malformed::new(Format::Pdf, format!("field {:?}", field.name), "an indirect object");
                return Err(fault.into());
            };
            return fill_field(update, id, value, self.draw.as_deref());
        }
        if self.draw.is_some() {
            let message = "there is no field of that name whose place an appearance could be drawn for";
            return Err(Misuse::new(message).into());
        }
        let mut field = match (&self.visible, self.page) {
            (Some((page, left, bottom, appearance)), None) => {
                NewField::visible(*page, *left, *bottom, appearance.clone())
            }
            (None, page) => NewField::invisible().on_page(page.unwrap_or(0)),
            (Some(_), Some(_)) => {
                return Err(Misuse::new("the page of a visible signature was chosen twice").into());
            }
        };
        if let Some(name) = &self.field {
            field = field.name(name);
        }
        field.add_to(update, Some(value))
    }
}

/// What the field to be signed asks for.
struct Demands {
    lock: Option<FieldLock>,
    seed: Option<SeedValues>,
}

impl Demands {
    fn of(pdf: &Pdf<'_>, field: Option<&Field>) -> Result<Self, Error> {
        let Some(field) = field else { return Ok(Self { lock: None, seed: None }) };
        let latest = pdf.latest();
        Ok(Self {
            lock: FieldLock::read(latest, field.dictionary())?,
            seed: SeedValues::read(latest, field.dictionary())?,
        })
    }
}

fn parameters() -> Dictionary {
    Dictionary::new().with("Type", Object::name("TransformParams")).with("V", Object::name("1.2"))
}

/// A signature reference dictionary (ISO 32000-2 Table 256).
fn transform(method: &str, parameters: Dictionary) -> Object {
    Dictionary::new()
        .with("Type", Object::name("SigRef"))
        .with("TransformMethod", Object::name(method))
        .with("TransformParams", parameters)
        .into()
}

/// `/Perms` `/DocMDP` of the catalogue (ISO 32000-2 §12.8.6).
fn point_to_certification(update: &mut Update<'_>, value: Reference) -> Result<(), Error> {
    let root = update.pdf().latest().root()?;
    let mut catalog = update.dictionary(root)?;
    match catalog.get("Perms") {
        Some(Object::Reference(id)) if update.object(*id)?.as_dictionary().is_some() => {
            let id = *id;
            let permissions = update.dictionary(id)?.with("DocMDP", value);
            update.set(id, permissions)
        }
        direct => {
            let permissions = direct.and_then(Object::as_dictionary).cloned().unwrap_or_default();
            catalog.set("Perms", permissions.with("DocMDP", value));
            update.set(root, catalog)
        }
    }
}

impl fmt::Debug for PadesRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PadesRequest")
            .field("pdf", &self.pdf)
            .field("now", &self.now)
            .field("field", &self.field)
            .field("certify", &self.certify)
            .finish_non_exhaustive()
    }
}

impl<'p> SignedPdf<'p> {
    pub(super) const fn new(pdf: &'p Pdf<'p>, tail: Tail, field: String) -> Self {
        Self { pdf, tail, field }
    }

    /// The octets that follow those of the original: all that was added.
    #[must_use]
    pub fn tail(&self) -> &[u8] {
        self.tail.octets()
    }

    /// Octets of the whole document.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.tail.original_length() + self.tail.octets().len() as u64
    }

    /// Whether there are none; never so.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The fully qualified name of the field that was signed.
    #[must_use]
    pub fn field_name(&self) -> &str {
        &self.field
    }

    /// Writes the whole document, the original part by part.
    ///
    /// # Errors
    /// What the source or `out` reports.
    pub fn write_to(&self, out: &mut dyn Write) -> Result<(), Error> {
        self.pdf.each_chunk(|octets| write(out, octets))?;
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

impl fmt::Debug for SignedPdf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignedPdf").field("field", &self.field).field("len", &self.len()).finish_non_exhaustive()
    }
}
