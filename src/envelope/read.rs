//! Reading: lenient in what is taken, exact in what is told.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;

use crate::crypto::Backend;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::envelope::fields::At;
use crate::envelope::fields::NAMESPACE;
use crate::envelope::fields::PREFIX;
use crate::envelope::fields::Place;
use crate::envelope::fields::Remarks;
use crate::envelope::fields::XMLDSIG;
use crate::envelope::model::Declared;
use crate::envelope::model::Message;
use crate::envelope::names;
use crate::envelope::parse;
use crate::envelope::payload;
use crate::envelope::value::quoted;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::Unsupported;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::limits::Budget;
use crate::limits::Limits;
use crate::source::Source;
use crate::time::Time;
use crate::xml::Element;
use crate::xml::Options;
use crate::xml::Segment;
use crate::xml::Tree;

/// The namespace of the older form, and of SOAP around it.
const OLDER: &str = "http://www.e-doc.vn/Schema/";
const SOAP: [&str; 2] = ["http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope"];

const OPTIONS: Options = Options {
    known_prefixes: &[(PREFIX, NAMESPACE), ("xlink", "http://www.w3.org/1999/xlink")],
    payload: "ContentTransferEncoded",
};

/// A message as it was received, over the octets that it was read from.
pub struct Envelope<'s> {
    source: &'s dyn Source,
    limits: Limits,
    backend: Backend,
    message: Message,
    manifest: Vec<Declared>,
    attachments: Vec<Attachment>,
    signature: Option<EnvelopeSignature>,
    unknown: Vec<UnknownElement>,
    findings: Vec<Finding>,
}

/// An attachment as the message declares it; its content stays in the source until it is [unpacked](Envelope::unpack).
#[derive(Clone, Debug)]
pub struct Attachment {
    declared: Declared,
    file_name: String,
    segments: Vec<Segment>,
    place: Place,
}

/// How the payload of an attachment was packed, as its octets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packing {
    /// Base64 of the file itself.
    Raw,
    /// Base64 of a ZIP with one entry, which is the file.
    Zip,
}

/// What unpacking an attachment established.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unpacked {
    /// Octets of the file.
    pub size: u64,
    /// SHA-256 of the file.
    pub sha256: Digest,
    /// How it was packed.
    pub packing: Packing,
}

/// The `Signature` element of an envelope: reported, never counted.
///
/// Software on the way rewrites messages and leaves this element as it was, or
/// moves it into another namespace; samples of one kit carry the same digest for
/// four different documents.
#[derive(Clone, Debug)]
pub struct EnvelopeSignature {
    octets: Vec<u8>,
    namespace: Option<String>,
    algorithm: Option<String>,
}

/// An element that no rule knows.
#[derive(Clone, Debug)]
pub struct UnknownElement {
    path: String,
    octets: Vec<u8>,
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("message", &self.message)
            .field("attachments", &self.attachments)
            .field("findings", &self.findings)
            .finish_non_exhaustive()
    }
}

impl<'s> Envelope<'s> {
    /// Reads a message; the payloads of its attachments are skipped over.
    ///
    /// # Errors
    /// Where the octets are no well-formed XML, carry a DTD or an entity, are
    /// no edXML, or exceed a limit. The older SOAP/MIME form is `Unsupported` by name.
    pub fn read(source: &'s dyn Source, limits: &Limits) -> Result<Self, Error> {
        Self::read_with(source, limits, None)
    }

    /// As [`read`](Self::read), and remarks on promulgation after `now`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_at(source: &'s dyn Source, limits: &Limits, now: Time) -> Result<Self, Error> {
        Self::read_with(source, limits, Some(now))
    }

    pub(super) fn read_with(source: &'s dyn Source, limits: &Limits, now: Option<Time>) -> Result<Self, Error> {
        refuse_mime(source)?;
        let mut tree = Tree::read(source, &OPTIONS, limits)?;
        let mut findings = tree.take_findings();
        let root = tree.root().ok_or_else(|| Malformed::new(Format::Envelope, "document", "an element"))?;
        refuse_other_roots(root)?;
        let mut to = Remarks::new(&tree, now);
        let kept = Budget::new("xml_octets", limits.xml_octets as u64);
        let (manifest, listed, attachments) = (Vec::new(), Vec::new(), Vec::new());
        let mut parts = Parts { source, limits, manifest, listed, attachments, signature: None, kept };
        let message = parts.root(&mut to, &At::root(root))?;
        let (more, unknown) = to.into_parts();
        findings.extend(more);
        let unknown = unknown
            .into_iter()
            .map(|(path, element)| Ok(UnknownElement { path, octets: parts.octets(element)? }))
            .collect::<Result<_, Error>>()?;
        let Parts { manifest, attachments, signature, .. } = parts;
        let (limits, backend) = (limits.clone(), Backend::default());
        Ok(Self { source, limits, backend, message, manifest, attachments, signature, unknown, findings })
    }

    /// Digests the attachments by this backend.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    pub(super) const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The content of the message.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// What deviates from the rules, in document order. Payloads are looked at by
    /// [`check`](Self::check) only.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What the manifest declares.
    #[must_use]
    pub fn manifest(&self) -> &[Declared] {
        &self.manifest
    }

    /// The attachments, in document order.
    #[must_use]
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// The `Signature` element, if there is one.
    #[must_use]
    pub const fn signature(&self) -> Option<&EnvelopeSignature> {
        self.signature.as_ref()
    }

    /// The elements that no rule knows.
    #[must_use]
    pub fn unknown(&self) -> &[UnknownElement] {
        &self.unknown
    }

    /// Decodes an attachment in constant memory, hands its octets to `sink` in
    /// order, and digests them in the same pass. Nothing that `sink` took may be
    /// relied on before this returns `Ok`.
    ///
    /// # Errors
    /// Where the payload is no base64, its ZIP is damaged or exceeds a limit,
    /// the source cannot be read, or `sink` fails.
    pub fn unpack(
        &self,
        attachment: &Attachment,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Unpacked, Error> {
        self.unpack_within(attachment, self.limits.inflated_octets, sink)
    }

    /// As [`unpack`](Self::unpack), for a ZIP that unfolds to at most `most` octets.
    pub(super) fn unpack_within(
        &self,
        attachment: &Attachment,
        most: u64,
        sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<Unpacked, Error> {
        let mut digester = self.backend.digester(DigestAlgorithm::Sha256);
        let mut size = 0;
        let name = attachment.declared.name.as_deref();
        let packing = payload::unpack(self.source, &attachment.segments, name, most, &mut |octets| {
            digester.update(octets);
            size += octets.len() as u64;
            sink(octets)
        })?;
        Ok(Unpacked { size, sha256: digester.finish(), packing })
    }

    /// An attachment whole, in memory.
    ///
    /// # Errors
    /// As [`unpack`](Self::unpack).
    pub fn content(&self, attachment: &Attachment) -> Result<(Vec<u8>, Unpacked), Error> {
        let mut octets = Vec::new();
        let unpacked = self.unpack(attachment, &mut |part| {
            octets.extend_from_slice(part);
            Ok(())
        })?;
        Ok((octets, unpacked))
    }
}

impl Attachment {
    /// What the attachment declares of itself.
    #[must_use]
    pub const fn declared(&self) -> &Declared {
        &self.declared
    }

    /// A name to store it under: one component that every file system takes, and
    /// that no other attachment of the message has.
    #[must_use]
    pub fn safe_file_name(&self) -> &str {
        &self.file_name
    }

    /// Octets of text that the payload takes in the message.
    pub(super) fn encoded(&self) -> u64 {
        self.segments.iter().map(|segment| segment.length).sum()
    }

    /// Where it stands in the message: path and line.
    #[must_use]
    pub fn place(&self) -> String {
        self.place.to_string()
    }
}

impl EnvelopeSignature {
    /// The element as it stands in the message.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Whether the element stands in the namespace of XML signatures. That it does says nothing of its worth.
    #[must_use]
    pub fn is_xmldsig(&self) -> bool {
        self.namespace.as_deref() == Some(XMLDSIG)
    }

    /// The signature algorithm that the element names.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }
}

impl UnknownElement {
    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The element as it stands in the message.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

fn refuse_mime(source: &dyn Source) -> Result<(), Error> {
    let mut head = [0; 512];
    let count = source.read_at(0, &mut head)?;
    let head = head.get(..count).unwrap_or_default().to_ascii_lowercase();
    let starts = |text: &str| head.trim_ascii_start().starts_with(text.as_bytes());
    if starts("mime-version:") || starts("content-type:") || starts("--") {
        let feature = "the older form of edXML (SOAP with MIME parts, before the national axis)";
        return Err(Unsupported::new(Format::Envelope, feature).at(0).into());
    }
    Ok(())
}

fn refuse_other_roots(root: &Element) -> Result<(), Error> {
    let namespace = root.namespace.as_deref();
    let older = namespace.is_some_and(|n| n == OLDER || SOAP.contains(&n));
    if older {
        let feature = format!("the older SOAP/MIME form of edXML ({})", namespace.unwrap_or_default());
        return Err(Unsupported::new(Format::Envelope, feature).at(root.offset).into());
    }
    if namespace.is_some_and(|n| n == "http://www.go.vn/eDoc") {
        let feature = "the unofficial form of the namespace http://www.go.vn/eDoc";
        return Err(Unsupported::new(Format::Envelope, feature).at(root.offset).into());
    }
    if *root.local != *"edXML" || namespace.is_some_and(|n| n != NAMESPACE) {
        let found = format!("{} of {}", root.name(), namespace.map_or_else(|| "no namespace".to_owned(), quoted));
        let fault = Malformed::new(Format::Envelope, "document element", format!("edXML of {NAMESPACE}"));
        return Err(fault.found(found).at(root.offset).into());
    }
    Ok(())
}

struct Parts<'s> {
    source: &'s dyn Source,
    limits: &'s Limits,
    manifest: Vec<Declared>,
    /// Where the entries of the manifest stand.
    listed: Vec<Place>,
    attachments: Vec<Attachment>,
    signature: Option<EnvelopeSignature>,
    /// Octets of elements that are kept as they stand.
    kept: Budget,
}

impl Parts<'_> {
    fn root<'t>(&mut self, to: &mut Remarks<'t>, root: &At<'t, '_>) -> Result<Message, Error> {
        to.prefix(root, "");
        if root.element.namespace.is_none() {
            to.tell_namespace(root);
        }
        let f = to.fields(root, &["edXMLEnvelope", "AttachmentEncoded"]);
        let envelope = f.one(to, "edXMLEnvelope").ok_or_else(|| missing("edXMLEnvelope", root.element))?;
        let e = to.fields(&envelope, &["edXMLHeader", "edXMLBody", "AttachmentEncoded"]);
        let header = e.one(to, "edXMLHeader").ok_or_else(|| missing("edXMLHeader", envelope.element))?;
        let names = &["MessageHeader", "TraceHeaderList", "Signature", "DigitalSignature", "ErrorList"];
        let h = to.fields(&header, names);
        let message = h.one(to, "MessageHeader").ok_or_else(|| missing("MessageHeader", header.element))?;
        let trace = h.one(to, "TraceHeaderList");
        let message = parse::message(to, &parse::Header { message, trace, errors: h.all("ErrorList") });
        for at in h.all("Signature").iter().chain(&h.all("DigitalSignature")) {
            self.signature(to, at)?;
        }
        if let Some(body) = e.one(to, "edXMLBody") {
            let b = to.fields(&body, &["edXMLManifest"]);
            if let Some(manifest) = b.needed(to, "edXMLManifest", "manifest", Severity::Warning) {
                self.manifest(to, &manifest)?;
            }
        }
        for misplaced in e.all("AttachmentEncoded") {
            to.warn("ELEMENT_MISPLACED", &misplaced, "AttachmentEncoded stands beside edXMLEnvelope, not in it");
            self.attachments(to, &misplaced)?;
        }
        for (n, list) in f.all("AttachmentEncoded").into_iter().enumerate() {
            if n == 1 {
                // Another reader may look into the first one only.
                to.error(
                    "ELEMENT_REPEATED",
                    &list,
                    "AttachmentEncoded may stand once; the attachments of each are taken",
                );
            }
            self.attachments(to, &list)?;
        }
        self.agreement(to, root, &message);
        let names = self.attachments.iter().enumerate();
        let names = names.map(|(i, a)| names::safe(a.declared.name.as_deref(), i + 1)).collect();
        for (attachment, name) in self.attachments.iter_mut().zip(names::distinct(names)) {
            attachment.file_name = name;
        }
        Ok(message)
    }

    fn manifest<'t>(&mut self, to: &mut Remarks<'t>, manifest: &At<'t, '_>) -> Result<(), Error> {
        let references = to.fields(manifest, &["Reference"]).all("Reference");
        for at in &references {
            let f = to.fields(at, &["ContentId", "ContentType", "Description", "AttachmentName"]);
            let declared = parse::declared(to, &f);
            if self.manifest.len() >= self.limits.attachments {
                return Err(LimitExceeded::new("attachments", self.limits.attachments as u64).into());
            }
            if self.manifest.iter().any(|other| other.content_id == declared.content_id) {
                let message = format!("the manifest lists {} twice", quoted(&declared.content_id));
                to.error("CONTENT_ID_REPEATED", at, message);
            }
            self.manifest.push(declared);
            self.listed.push(at.place());
        }
        Ok(())
    }

    fn attachments<'t>(&mut self, to: &mut Remarks<'t>, list: &At<'t, '_>) -> Result<(), Error> {
        to.prefix(list, "");
        let all = to.fields(list, &["Attachment"]).all("Attachment");
        for at in &all {
            if self.attachments.len() >= self.limits.attachments {
                return Err(LimitExceeded::new("attachments", self.limits.attachments as u64).into());
            }
            to.prefix(at, "");
            let names = &["ContentId", "AttachmentName", "Description", "ContentType", "ContentTransferEncoded"];
            let f = to.fields(at, names);
            to.expected_prefix = "";
            let declared = parse::declared(to, &f);
            to.expected_prefix = PREFIX;
            let content = f.needed(to, "ContentTransferEncoded", "attachment", Severity::Error);
            let segments = content.map(|at| at.element.payload.clone()).unwrap_or_default();
            if let Some(content) = &content {
                to.prefix(content, PREFIX);
                if segments.iter().all(|s| s.length == 0) {
                    to.error("ATTACHMENT_EMPTY", content, "the attachment has no content");
                }
            }
            if let Some((name, why)) = declared.name.as_deref().and_then(|n| Some((n, names::danger(n)?))) {
                let message = format!("the name {} is not safe to use: {why}", quoted(name));
                to.error("ATTACHMENT_NAME_UNSAFE", at, message);
            }
            if self.attachments.iter().any(|other| other.declared.content_id == declared.content_id) {
                let message = format!("two attachments are {}", quoted(&declared.content_id));
                to.error("CONTENT_ID_REPEATED", at, message);
            }
            self.attachments.push(Attachment { declared, file_name: String::new(), segments, place: at.place() });
        }
        Ok(())
    }

    /// Manifest and attachments say the same.
    fn agreement(&self, to: &mut Remarks<'_>, root: &At<'_, '_>, message: &Message) {
        let attached: BTreeMap<&str, &Attachment> =
            self.attachments.iter().map(|a| (a.declared.content_id.as_str(), a)).collect();
        for (listed, place) in self.manifest.iter().zip(&self.listed) {
            let id = listed.content_id.as_str();
            let Some(attachment) = attached.get(id) else {
                let message = format!("the manifest lists {}, which is not attached", quoted(id));
                to.tell_at(Severity::Error, "ATTACHMENT_MISSING", place, message);
                continue;
            };
            let declared = &attachment.declared;
            let name = |d: &Declared| d.name.clone().unwrap_or_default();
            let differs = |a: &str, b: &str| {
                let [id, a, b] = [id, a, b].map(quoted);
                format!("{id} is {a} in the manifest and {b} where it is attached")
            };
            if listed.name != declared.name {
                let message = differs(&name(listed), &name(declared));
                to.tell_at(Severity::Warning, "ATTACHMENT_NAME_DIFFERS", &attachment.place, message);
            }
            if let (Some(a), Some(b)) = (&listed.content_type, &declared.content_type)
                && a != b
            {
                to.tell_at(Severity::Info, "ATTACHMENT_TYPE_DIFFERS", &attachment.place, differs(a, b));
            }
        }
        let listed: BTreeSet<&str> = self.manifest.iter().map(|d| d.content_id.as_str()).collect();
        for attachment in &self.attachments {
            let id = attachment.declared.content_id.as_str();
            if !listed.contains(id) {
                let message = format!("{} is attached and not in the manifest", quoted(id));
                to.tell_at(Severity::Error, "ATTACHMENT_UNLISTED", &attachment.place, message);
            }
        }
        if let (Message::Status(_), Some(attachment)) = (message, self.attachments.first()) {
            let message = "a status message carries no attachments";
            to.tell_at(Severity::Warning, "ATTACHMENT_UNEXPECTED", &attachment.place, message);
        }
        if self.attachments.is_empty() && message.kind() == "new" {
            to.warn("ATTACHMENT_NONE", root, "a new document without an attachment");
        }
    }

    fn signature<'t>(&mut self, to: &mut Remarks<'t>, at: &At<'t, '_>) -> Result<(), Error> {
        let element = at.element;
        let mut algorithm = None;
        let mut digests = Vec::new();
        let mut open: Vec<&Element> = to.tree.children(element).collect();
        while let Some(next) = open.pop() {
            let named = next.attribute("Algorithm").map(str::to_owned);
            match &*next.local {
                "SignatureMethod" => algorithm = named,
                "DigestMethod" => digests.extend(named),
                _ => {}
            }
            open.extend(to.tree.children(next));
        }
        let mut remarks = Vec::new();
        if element.namespace.as_deref() != Some(XMLDSIG) {
            remarks.push("it is no XML signature by its namespace");
        }
        if to.tree.children(element).next().is_none() {
            remarks.push("it is empty");
        }
        if algorithm.iter().chain(&digests).any(|a| a.ends_with("sha1")) {
            remarks.push("it names SHA-1");
        }
        let because = if remarks.is_empty() { String::new() } else { format!(": {}", remarks.join(", ")) };
        let message = format!("the envelope carries a {} element, which is not counted{because}", element.name());
        to.warn("SIGNATURE_NOT_COUNTED", at, message);
        if self.signature.is_none() {
            let namespace = element.namespace.as_deref().map(str::to_owned);
            self.signature = Some(EnvelopeSignature { octets: self.octets(element)?, namespace, algorithm });
        }
        Ok(())
    }

    /// An element as it stands in the source.
    fn octets(&self, element: &Element) -> Result<Vec<u8>, Error> {
        let length = usize::try_from(element.end.saturating_sub(element.offset)).unwrap_or(usize::MAX);
        // Only payloads in strange places can be this long.
        self.kept.spend_many(length as u64)?;
        let mut octets = vec![0; length];
        let mut done = 0;
        while let Some(rest) = octets.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.source.read_at(element.offset + done as u64, rest)? {
                0 => break,
                count => done += count,
            }
        }
        octets.truncate(done);
        Ok(octets)
    }
}

fn missing(name: &'static str, parent: &Element) -> Error {
    let fault = Malformed::new(Format::Envelope, parent.name(), format!("the element {name} in it"));
    fault.found("none").at(parent.offset).into()
}
