//! Facts about the signatures of a document, judged on the revision each belongs to.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::error::Error;
use crate::error::LimitExceeded;
use crate::finding::Finding;
use crate::pdf::document::Located;
use crate::pdf::document::Pdf;
use crate::pdf::document::Revision;
use crate::pdf::fields::Field;
use crate::pdf::lexer::is_space;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::object::text_of;

/// What a signature dictionary says and where it stands (ISO 32000-2 §12.8.1).
///
/// Nothing here is verified; the octets to be digested are
/// [`covered_ranges`](Self::covered_ranges), and a finding of severity
/// [`Error`](crate::finding::Severity::Error) means that no digest over them
/// can make the signature good.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SignatureFacts {
    /// Fully qualified name of the field; empty for a signature outside of the form.
    pub field_name: String,
    /// The field dictionary.
    pub field: Option<Reference>,
    /// The signature dictionary; `None` where it stands directly in the field.
    pub object: Option<Reference>,
    /// The index of the revision that it signs, or in which it stands where it signs none.
    pub revision: usize,
    /// Signature, document time-stamp or usage rights.
    pub kind: SignatureKind,
    /// `/Filter`.
    pub filter: Option<String>,
    /// `/SubFilter`.
    pub sub_filter: SubFilter,
    /// `/ByteRange`, if it has the form that the clause demands.
    pub byte_range: Option<[u64; 4]>,
    /// `/Contents` with its padding.
    pub contents: Vec<u8>,
    /// How far its octets reach.
    pub coverage: Coverage,
    /// `/M` as it stands: the claimed signing time, if the CMS has none.
    pub claimed_time: Option<String>,
    /// `/Reason`.
    pub reason: Option<String>,
    /// `/Location`.
    pub location: Option<String>,
    /// `/ContactInfo`.
    pub contact_info: Option<String>,
    /// `/Name`.
    pub name: Option<String>,
    /// What a certification signature permits (§12.8.2.2); `None` for an approval signature.
    pub certification: Option<Permission>,
    /// The fields it locks, by FieldMDP and by the field's lock dictionary (§12.8.2.4, §12.7.5.5).
    pub locks: Vec<FieldLock>,
    /// `/Cert`, for `adbe.x509.rsa_sha1`.
    pub certificates: Vec<Vec<u8>>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

/// What a signature dictionary is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SignatureKind {
    /// An approval or certification signature.
    Signature,
    /// A document time-stamp (ISO 32000-2 §12.8.5).
    ///
    /// The `/SubFilter` decides, since producers write every `/Type`.
    DocumentTimestamp,
    /// Usage rights of a reader's vendor (§12.8.2.3): named by `/UR3` or `/UR` of `/Perms`, or with a
    /// transform of that name. No signature of a person.
    UsageRights,
}

/// The encoding of `/Contents`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubFilter {
    /// `adbe.pkcs7.detached`.
    Pkcs7Detached,
    /// `adbe.pkcs7.sha1`: the CMS holds the SHA-1 digest of the ranges.
    Pkcs7Sha1,
    /// `adbe.x509.rsa_sha1`: a bare PKCS#1 signature, certificates in `/Cert`.
    X509RsaSha1,
    /// `ETSI.CAdES.detached`.
    CadesDetached,
    /// `ETSI.RFC3161`: a time-stamp token.
    Rfc3161,
    /// Another, or none (empty).
    Other(String),
}

/// How far the signed octets reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coverage {
    /// From the first octet of the file to the last, save the gap.
    WholeDocument,
    /// The whole of one revision; others follow.
    Revision,
    /// Not a whole revision, or the range is unusable.
    Partial,
}

/// Changes that a certification permits (DocMDP `/P`, ISO 32000-2 Table 257).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// 1: none, save DSS and document time-stamps.
    NoChanges,
    /// 2: also filling in forms and signing.
    FormFilling,
    /// 3: also annotating.
    Annotating,
}

/// Fields that no later revision may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldLock {
    /// Which of [`fields`](Self::fields) is meant.
    pub action: LockAction,
    /// Fully qualified names.
    pub fields: Vec<String>,
    /// `/P` of a lock dictionary (PDF 2.0).
    pub permission: Option<Permission>,
}

/// The selection of a [`FieldLock`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockAction {
    /// All fields.
    All,
    /// Those named.
    Include,
    /// All but those named.
    Exclude,
}

impl FieldLock {
    /// Whether it covers the field `name`; a name covers what stands below it.
    #[must_use]
    pub fn covers(&self, name: &str) -> bool {
        let named = self.fields.iter().any(|field| {
            name.strip_prefix(field.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        match self.action {
            LockAction::All => true,
            LockAction::Include => named,
            LockAction::Exclude => !named,
        }
    }
}

impl SubFilter {
    fn new(name: Option<&[u8]>) -> Self {
        match name.unwrap_or_default() {
            b"adbe.pkcs7.detached" => Self::Pkcs7Detached,
            b"adbe.pkcs7.sha1" => Self::Pkcs7Sha1,
            b"adbe.x509.rsa_sha1" => Self::X509RsaSha1,
            b"ETSI.CAdES.detached" => Self::CadesDetached,
            b"ETSI.RFC3161" => Self::Rfc3161,
            other => Self::Other(String::from_utf8_lossy(other).into_owned()),
        }
    }

    /// The name as written in the file.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Pkcs7Detached => "adbe.pkcs7.detached",
            Self::Pkcs7Sha1 => "adbe.pkcs7.sha1",
            Self::X509RsaSha1 => "adbe.x509.rsa_sha1",
            Self::CadesDetached => "ETSI.CAdES.detached",
            Self::Rfc3161 => "ETSI.RFC3161",
            Self::Other(name) => name,
        }
    }
}

impl SignatureFacts {
    /// The octets that are signed; `None` where `/ByteRange` is unusable.
    #[must_use]
    pub fn covered_ranges(&self) -> Option<[Range<u64>; 2]> {
        let [a, b, c, d] = self.byte_range?;
        Some([a..a.checked_add(b)?, c..c.checked_add(d)?])
    }
}

impl Pdf<'_> {
    /// The signatures in the order in which they were applied.
    ///
    /// Also those that a later revision took out of the form. A signature whose
    /// revisions are cut off at the end of the file leaves no trace; whoever
    /// expects a number of signatures must compare.
    ///
    /// # Errors
    /// Where the form cannot be read at all, or a limit is reached.
    pub fn signatures(&self) -> Result<Vec<SignatureFacts>, Error> {
        let mut found: Vec<SignatureFacts> = Vec::new();
        let mut seen = BTreeSet::new();
        let latest = self.latest();
        for field in latest.fields()?.0 {
            if let Some(facts) = signature_of(&latest, &field, &mut seen)? {
                found.push(facts);
            }
            if found.len() > self.limits().signatures {
                return Err(LimitExceeded::new("signatures", self.limits().signatures as u64).into());
            }
        }
        self.outside_the_form(&latest, &mut found, &mut seen)?;
        for revision in self.revisions().rev().skip(1) {
            let Ok((fields, _)) = revision.fields() else { continue };
            for field in fields {
                let Some(mut facts) = signature_of(&revision, &field, &mut seen)? else { continue };
                let message = "a later revision took the signature out of its field";
                facts.findings.push(Finding::error("SIGNATURE_REMOVED", message).at(&facts.field_name));
                found.push(facts);
                if found.len() > self.limits().signatures {
                    return Err(LimitExceeded::new("signatures", self.limits().signatures as u64).into());
                }
            }
        }
        found.sort_by_key(|facts| {
            let end = facts.covered_ranges().map_or(u64::MAX, |[_, tail]| tail.end);
            (facts.revision, end, facts.object)
        });
        Ok(found)
    }

    /// Signature fields without a signature.
    ///
    /// # Errors
    /// Where the form cannot be read.
    pub fn empty_signature_fields(&self) -> Result<Vec<Field>, Error> {
        let latest = self.latest();
        let (mut fields, _) = latest.fields()?;
        fields.retain(|field| field.is_signature() && latest.resolve(&field.value).is_ok_and(|value| value.is_null()));
        Ok(fields)
    }

    /// Signatures that the catalogue's `/Perms` names (ISO 32000-2 §12.8.6).
    fn outside_the_form(
        &self,
        latest: &Revision<'_>,
        found: &mut Vec<SignatureFacts>,
        seen: &mut BTreeSet<Reference>,
    ) -> Result<(), Error> {
        let catalog = latest.catalog()?;
        let Some(catalog) = catalog.as_dictionary() else { return Ok(()) };
        let permissions = latest.get(catalog, "Perms")?;
        let Some(permissions) = permissions.as_dictionary() else { return Ok(()) };
        for key in ["DocMDP", "UR3", "UR"] {
            let value = permissions.get(key).unwrap_or(&Object::Null);
            let mut facts = match value {
                Object::Reference(id) if !seen.insert(*id) => continue,
                Object::Reference(id) => match facts_of(latest, String::new(), None, *id)? {
                    Some(facts) => facts,
                    None => continue,
                },
                Object::Dictionary(dictionary) => {
                    let mut facts = read_facts(latest, dictionary);
                    let message = "the signature dictionary is not an indirect object";
                    facts.findings.push(Finding::error("SIGNATURE_DIRECT", message).at(format!("/Perms /{key}")));
                    facts
                }
                _ => continue,
            };
            if key == "DocMDP" {
                let message = "a certification signature stands in no field";
                facts.findings.push(Finding::warning("SIGNATURE_WITHOUT_FIELD", message).at(format!("/Perms /{key}")));
            } else {
                facts.kind = SignatureKind::UsageRights;
            }
            found.push(facts);
        }
        Ok(())
    }
}

fn signature_of(
    revision: &Revision<'_>,
    field: &Field,
    seen: &mut BTreeSet<Reference>,
) -> Result<Option<SignatureFacts>, Error> {
    let Some(id) = field.value.as_reference() else {
        let Some(dictionary) = field.value.as_dictionary().filter(|_| field.is_signature()) else { return Ok(None) };
        // Directly in the field: nothing says which octets are the token, so nothing is covered.
        if field.id.is_some_and(|id| !seen.insert(id)) {
            return Ok(None);
        }
        let mut facts = read_facts(revision, dictionary);
        facts.field_name.clone_from(&field.name);
        facts.field = field.id;
        let message = "the signature dictionary is not an indirect object";
        facts.findings.push(Finding::error("SIGNATURE_DIRECT", message).at(&field.name));
        return Ok(Some(facts));
    };
    let is_value = field.is_signature() || {
        let value = revision.resolve(&field.value)?;
        value.as_dictionary().is_some_and(|value| value.get("ByteRange").is_some() && value.get("Contents").is_some())
    };
    if !is_value || !seen.insert(id) {
        return Ok(None);
    }
    let facts = facts_of(revision, field.name.clone(), field.id, id)?;
    Ok(facts.map(|mut facts| {
        if let Some(lock) = revision.get(field.dictionary(), "Lock").ok().as_deref().and_then(Object::as_dictionary) {
            facts.locks.push(lock_of(revision, lock, &mut facts.findings));
        }
        facts
    }))
}

/// Facts of the signature object `id`, as it stood in the revision that it signs.
fn facts_of(
    seen_in: &Revision<'_>,
    field_name: String,
    field: Option<Reference>,
    id: Reference,
) -> Result<Option<SignatureFacts>, Error> {
    let pdf = seen_in.pdf();
    let defining: Vec<Revision<'_>> = pdf.revisions().filter(|revision| revision.defines(id.number)).collect();
    let mut best: Option<(SignatureFacts, Object)> = None;
    let mut last = None;
    let mut unreadable = None;
    for revision in defining {
        let located = match revision.located(id) {
            Ok(located) => located,
            Err(error) => {
                unreadable = Some((revision, error));
                continue;
            }
        };
        let Some(dictionary) = located.object.as_dictionary() else { continue };
        let mut facts = read_facts(&revision, dictionary);
        facts.object = Some(id);
        check_range(&revision, &located, dictionary, &mut facts)?;
        // The first sound one is what was signed; whatever replaces it later is not.
        if best.as_ref().is_none_or(|(best, _)| best.coverage == Coverage::Partial) {
            best = Some((facts, located.object.clone()));
        }
        last = Some((revision.index(), located.object));
    }
    let Some((mut facts, object)) = best else {
        // Left out, it would make the document look as if it had never been signed.
        let Some((revision, error)) = unreadable else { return Ok(None) };
        let mut facts = read_facts(&revision, &Dictionary::new());
        let message = format!("the signature dictionary cannot be read: {error}");
        facts.findings.push(Finding::error("SIGNATURE_UNREADABLE", message).at(id));
        (facts.object, facts.field_name, facts.field) = (Some(id), field_name, field);
        return Ok(Some(facts));
    };
    if let Some((index, newest)) = last
        && index > facts.revision
    {
        // Even a faithful copy is a fault: its gap is not where its own /Contents stands.
        let verb = if newest == object { "repeats" } else { "replaces" };
        let message = format!("revision {} {verb} the signature dictionary", index + 1);
        facts.findings.push(Finding::error("SIGNATURE_OVERRIDDEN", message).at(id));
    }
    facts.field_name = field_name;
    facts.field = field;
    Ok(Some(facts))
}

fn read_facts(revision: &Revision<'_>, dictionary: &Dictionary) -> SignatureFacts {
    let value = |key: &str| revision.get(dictionary, key).ok();
    let text = |key: &str| value(key)?.as_string().map(text_of);
    let name = |key: &str| value(key)?.as_name().map(<[u8]>::to_vec);
    let sub_filter = SubFilter::new(name("SubFilter").as_deref());
    let typed = name("Type").as_deref() == Some(b"DocTimeStamp");
    let kind = match &sub_filter {
        SubFilter::Rfc3161 => SignatureKind::DocumentTimestamp,
        SubFilter::Other(name) if typed && name.is_empty() => SignatureKind::DocumentTimestamp,
        _ => SignatureKind::Signature,
    };
    let mut findings = Vec::new();
    if sub_filter == SubFilter::Rfc3161 && !typed {
        let message = "a document time-stamp is not of /Type /DocTimeStamp";
        findings.push(Finding::warning("TIMESTAMP_TYPE", message));
    }
    if let Some(key) = dictionary.duplicate() {
        let message = format!("the signature dictionary has {key} twice");
        findings.push(Finding::error("SIGNATURE_DUPLICATE_KEY", message));
    }
    let certificates = match value("Cert").as_deref() {
        Some(Object::String(certificate)) => vec![certificate.octets().to_vec()],
        Some(Object::Array(values)) => {
            let values = values.iter().filter_map(|value| revision.resolve(value).ok());
            values.filter_map(|value| value.as_string().map(<[u8]>::to_vec)).collect()
        }
        _ => Vec::new(),
    };
    let transforms = transforms(revision, dictionary, &mut findings);
    // What it was made for counts, wherever a document names it: a vendor's is not an officer's.
    let kind = if transforms.usage_rights { SignatureKind::UsageRights } else { kind };
    SignatureFacts {
        field_name: String::new(),
        field: None,
        object: None,
        revision: revision.index(),
        kind,
        filter: name("Filter").map(|name| String::from_utf8_lossy(&name).into_owned()),
        sub_filter,
        byte_range: None,
        contents: value("Contents").and_then(|value| value.as_string().map(<[u8]>::to_vec)).unwrap_or_default(),
        coverage: Coverage::Partial,
        claimed_time: text("M"),
        reason: text("Reason"),
        location: text("Location"),
        contact_info: text("ContactInfo"),
        name: text("Name"),
        certification: transforms.certification,
        locks: transforms.locks,
        certificates,
        findings,
    }
}

/// What `/Reference` of a signature says.
#[derive(Default)]
struct Transforms {
    certification: Option<Permission>,
    locks: Vec<FieldLock>,
    usage_rights: bool,
}

/// DocMDP, FieldMDP and UR of the signature's `/Reference` (ISO 32000-2 §12.8.2).
fn transforms(revision: &Revision<'_>, dictionary: &Dictionary, findings: &mut Vec<Finding>) -> Transforms {
    let mut transforms = Transforms::default();
    let references = match revision.get(dictionary, "Reference") {
        Ok(references) => references,
        Err(error) => {
            findings.push(Finding::error("SIGNATURE_REFERENCE", error.to_string()));
            return Transforms { certification: Some(Permission::NoChanges), ..transforms };
        }
    };
    for reference in references.as_array().unwrap_or_default() {
        let reference = revision.resolve(reference).unwrap_or_default();
        let Some(reference) = reference.as_dictionary() else { continue };
        let method = revision.get(reference, "TransformMethod").unwrap_or_default();
        let parameters = revision.get(reference, "TransformParams").unwrap_or_default();
        let empty = Dictionary::new();
        let parameters = parameters.as_dictionary().unwrap_or(&empty);
        match method.as_name() {
            Some(b"DocMDP") => {
                let own = permission(revision, parameters, findings).unwrap_or(Permission::FormFilling);
                transforms.certification = Some(transforms.certification.map_or(own, |earlier| earlier.min(own)));
            }
            Some(b"FieldMDP") => transforms.locks.push(lock_of(revision, parameters, findings)),
            Some(b"UR" | b"UR3") => transforms.usage_rights = true,
            _ => {}
        }
    }
    transforms
}

/// `/P`, absent or 1 to 3; anything else counts as the strictest.
fn permission(revision: &Revision<'_>, dictionary: &Dictionary, findings: &mut Vec<Finding>) -> Option<Permission> {
    dictionary.get("P")?;
    match revision.get(dictionary, "P").ok().and_then(|value| value.as_integer()) {
        Some(1) => Some(Permission::NoChanges),
        Some(2) => Some(Permission::FormFilling),
        Some(3) => Some(Permission::Annotating),
        _ => {
            let message = "/P is not 1, 2 or 3; it is taken as 1";
            findings.push(Finding::warning("SIGNATURE_PERMISSION", message));
            Some(Permission::NoChanges)
        }
    }
}

fn lock_of(revision: &Revision<'_>, dictionary: &Dictionary, findings: &mut Vec<Finding>) -> FieldLock {
    let action = match revision.get(dictionary, "Action").unwrap_or_default().as_name() {
        Some(b"Include") => LockAction::Include,
        Some(b"Exclude") => LockAction::Exclude,
        Some(b"All") => LockAction::All,
        _ => {
            let message = "/Action of a field lock is not All, Include or Exclude; it is taken as All";
            findings.push(Finding::warning("SIGNATURE_LOCK", message));
            LockAction::All
        }
    };
    let names = revision.get(dictionary, "Fields").unwrap_or_default();
    let names = names.as_array().unwrap_or_default().iter().filter_map(|name| revision.resolve(name).ok());
    let fields = names.filter_map(|name| name.as_string().map(text_of)).collect();
    FieldLock { action, fields, permission: permission(revision, dictionary, findings) }
}

/// `/ByteRange`: exactly two ranges from the first octet, around exactly the token of `/Contents`.
fn check_range(
    revision: &Revision<'_>,
    located: &Located,
    dictionary: &Dictionary,
    facts: &mut SignatureFacts,
) -> Result<(), Error> {
    let id = facts.object;
    let mut fault = |code: &'static str, message: String| {
        let finding = Finding::error(code, message);
        facts.findings.push(match id {
            Some(id) => finding.at(id),
            None => finding,
        });
    };
    let values: Option<Vec<u64>> = dictionary.get("ByteRange").and_then(Object::as_array).and_then(|values| {
        values.iter().map(|value| value.as_integer().and_then(|value| u64::try_from(value).ok())).collect()
    });
    let Some(&[a, b, c, d]) = values.as_deref() else {
        fault("BYTE_RANGE_FORM", "/ByteRange is not an array of four non-negative direct integers".into());
        return Ok(());
    };
    let length = revision.pdf().len();
    let end = c.checked_add(d).filter(|end| *end <= length);
    let Some(end) = end.filter(|_| a == 0 && b > 0 && c > b && d > 0) else {
        fault("BYTE_RANGE_VALUES", format!("/ByteRange [{a} {b} {c} {d}] does not fit a file of {length} octets"));
        return Ok(());
    };
    let contents = located.entries.iter().find(|entry| entry.key.octets() == b"Contents");
    let Some(contents) = contents.filter(|_| located.in_file) else {
        fault("BYTE_RANGE_GAP", "/Contents does not stand in the file as a value of its own".into());
        return Ok(());
    };
    let hexadecimal = matches!(dictionary.get("Contents"), Some(Object::String(value)) if value.is_hexadecimal());
    if !hexadecimal || contents.value != (b..c) {
        let Range { start, end } = contents.value;
        let message = format!("the gap {b}..{c} of /ByteRange is not the hexadecimal /Contents at {start}..{end}");
        fault("BYTE_RANGE_GAP", message);
        return Ok(());
    }
    facts.byte_range = Some([a, b, c, d]);
    let covered = revision.pdf().revisions().rev().find(|candidate| candidate.marker_end() <= end);
    let covered = match covered {
        Some(covered) if covered.index() >= revision.index() && only_space(&covered, end)? => covered,
        _ => {
            fault("COVERAGE_PARTIAL", format!("the signed octets end at {end}, which is the end of no revision"));
            return Ok(());
        }
    };
    facts.revision = covered.index();
    facts.coverage = if end == length { Coverage::WholeDocument } else { Coverage::Revision };
    Ok(())
}

/// Whether nothing but white space lies between the end of `revision` and `end`.
fn only_space(revision: &Revision<'_>, end: u64) -> Result<bool, Error> {
    const MOST: u64 = 4096;
    if end <= revision.end() {
        return Ok(true);
    }
    if end - revision.end() > MOST {
        return Ok(false);
    }
    Ok(revision.pdf().read(revision.end()..end)?.into_iter().all(is_space))
}
