//! The document security store: validation data inside of the document.

use std::collections::BTreeSet;
use std::collections::HashMap;

use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::LimitExceeded;
use crate::finding::Finding;
use crate::pdf::document::Revision;
use crate::pdf::filter::deflate;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Reference;
use crate::pdf::update::Update;

/// Octets from which a value is deflated, where that makes it shorter: long CRLs lose half.
const LONG: usize = 4 << 10;

/// What `/DSS` of the catalogue holds (ISO 32000-2 §12.8.4.3): octets offered as
/// certificates and revocation data, of which nothing is verified.
///
/// The entries of `/VRI` are joined with the others: they only repeat which
/// signature something is for, and producers differ in how they fill them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SecurityStore {
    /// Certificates, DER.
    pub certificates: Vec<Vec<u8>>,
    /// CRLs, DER.
    pub crls: Vec<Vec<u8>>,
    /// OCSP responses, DER.
    pub ocsp_responses: Vec<Vec<u8>>,
    /// Time-stamp tokens of `/VRI` entries (`/TS`), DER.
    pub timestamps: Vec<Vec<u8>>,
    /// The keys of `/VRI`: upper-case hexadecimal SHA-1 of a `/Contents` value.
    pub vri: Vec<String>,
    /// What was noticed.
    pub findings: Vec<Finding>,
}

impl Revision<'_> {
    /// The document security store as of this revision; `None` where there is none.
    ///
    /// # Errors
    /// Where the catalogue cannot be read, or a limit is reached. A single
    /// value that cannot be read is a finding.
    pub fn security_store(&self) -> Result<Option<SecurityStore>, Error> {
        let catalog = self.catalog()?;
        let Some(catalog) = catalog.as_dictionary() else { return Ok(None) };
        let dss = self.get(catalog, "DSS")?;
        let Some(dss) = dss.as_dictionary() else { return Ok(None) };
        let mut reading = Reading { revision: self, store: SecurityStore::default(), seen: BTreeSet::new(), octets: 0 };
        reading.lists(dss, ["Certs", "CRLs", "OCSPs"])?;
        match self.get(dss, "VRI") {
            Ok(vri) => {
                for (key, value) in vri.as_dictionary().into_iter().flat_map(Dictionary::iter) {
                    if key.octets() != b"Type" {
                        reading.store.vri.push(String::from_utf8_lossy(key.octets()).into_owned());
                        reading.vri_entry(value)?;
                    }
                }
            }
            Err(error) => reading.note("VRI", &error),
        }
        Ok(Some(reading.store))
    }
}

/// Validation data to be written: certificates, CRLs and OCSP responses, DER.
#[derive(Clone, Debug, Default)]
pub struct ValidationData {
    /// Certificates.
    pub certificates: Vec<Vec<u8>>,
    /// CRLs.
    pub crls: Vec<Vec<u8>>,
    /// OCSP responses.
    pub ocsp_responses: Vec<Vec<u8>>,
}

impl Update<'_> {
    /// Adds to the document security store what it does not hold yet, each value once.
    ///
    /// `related` are entries of `/VRI`: the whole value of a `/Contents` and
    /// what belongs to that signature. Readers do not need them (EN 319 142-1
    /// §5.4.2.3); some old ones ask for them.
    ///
    /// # Errors
    /// Where the store as it stands cannot be read.
    pub fn add_validation_data(
        &mut self,
        data: &ValidationData,
        related: &[(&[u8], &ValidationData)],
    ) -> Result<(), Error> {
        let root = self.pdf().latest().root()?;
        let mut catalog = self.dictionary(root)?;
        let entry = catalog.get("DSS").cloned().unwrap_or(Object::Null);
        let mut store = self.resolve(&entry)?.as_dictionary().cloned().unwrap_or_default();
        let old = store.clone();
        if store.is_empty() {
            store.set("Type", Object::name("DSS"));
        }
        let mut known = [HashMap::new(), HashMap::new(), HashMap::new()];
        for (key, known) in ["Certs", "CRLs", "OCSPs"].into_iter().zip(&mut known) {
            self.known(&store, key, known)?;
        }
        let [certificates, crls, responses] = &mut known;
        let all = std::iter::once(data).chain(related.iter().map(|(_, data)| *data));
        for data in all {
            self.add_values(&mut store, "Certs", &data.certificates, certificates)?;
            self.add_values(&mut store, "CRLs", &data.crls, crls)?;
            self.add_values(&mut store, "OCSPs", &data.ocsp_responses, responses)?;
        }
        if !related.is_empty() {
            let entry = self.related(&store, related, &known)?;
            store.set("VRI", entry);
        }
        if store == old {
            return Ok(());
        }
        match entry {
            Object::Reference(id) if self.object(id)?.as_dictionary().is_some() => self.set(id, store),
            _ => {
                let id = self.add(store)?;
                catalog.set("DSS", id);
                self.set(root, catalog)
            }
        }
    }

    /// Where each value of a list of the store stands.
    fn known(&self, store: &Dictionary, key: &str, into: &mut HashMap<Digest, Reference>) -> Result<(), Error> {
        let list = self.resolve(store.get(key).unwrap_or(&Object::Null))?;
        for value in list.as_array().unwrap_or_default() {
            let Some(id) = value.as_reference() else { continue };
            let object = self.object(id)?;
            // What cannot be read is of no use, and is written anew where it is needed.
            if let Some(octets) = object.as_stream().and_then(|s| self.pdf().latest().decoded(s).ok()) {
                into.entry(DigestAlgorithm::Sha256.digest(&octets)).or_insert(id);
            }
        }
        Ok(())
    }

    fn add_values(
        &mut self,
        store: &mut Dictionary,
        key: &'static str,
        values: &[Vec<u8>],
        known: &mut HashMap<Digest, Reference>,
    ) -> Result<(), Error> {
        let mut list = self.resolve(store.get(key).unwrap_or(&Object::Null))?.as_array().unwrap_or_default().to_vec();
        let before = list.len();
        for value in values {
            let digest = DigestAlgorithm::Sha256.digest(value);
            if known.contains_key(&digest) {
                continue;
            }
            let short = if value.len() < LONG { None } else { Some(deflate(value)?) };
            let id = match short.filter(|short| short.len() < value.len()) {
                Some(short) => self.add_stream(Dictionary::new().with("Filter", Object::name("FlateDecode")), short)?,
                None => self.add_stream(Dictionary::new(), value.clone())?,
            };
            known.insert(digest, id);
            list.push(id.into());
        }
        if list.len() > before {
            store.set(key, list);
        }
        Ok(())
    }

    /// `/VRI` with an entry for each of these signatures.
    fn related(
        &mut self,
        store: &Dictionary,
        related: &[(&[u8], &ValidationData)],
        known: &[HashMap<Digest, Reference>; 3],
    ) -> Result<Dictionary, Error> {
        let mut entries =
            self.resolve(store.get("VRI").unwrap_or(&Object::Null))?.as_dictionary().cloned().unwrap_or_default();
        for (contents, data) in related {
            let mut entry = Dictionary::new();
            let lists = [("Cert", &data.certificates), ("CRL", &data.crls), ("OCSP", &data.ocsp_responses)];
            for ((key, values), known) in lists.into_iter().zip(known) {
                let found = values.iter().filter_map(|value| known.get(&DigestAlgorithm::Sha256.digest(value)));
                let list: Vec<Object> = found.map(|id| Object::from(*id)).collect();
                if !list.is_empty() {
                    entry.set(key, list);
                }
            }
            // Of the whole value with its padding, in upper case.
            let key = DigestAlgorithm::Sha1.digest(contents).to_hex().to_uppercase();
            entries.set(&key, entry);
        }
        Ok(entries)
    }

    /// Declares the extension of ISO 32000-1 that has the document security store and document
    /// time-stamps (`/ESIC` 5); PDF 2.0 has them itself (ISO 32000-2 §7.12).
    ///
    /// # Errors
    /// Where the catalogue cannot be read.
    pub fn declare_long_term(&mut self) -> Result<(), Error> {
        let root = self.pdf().latest().root()?;
        let mut catalog = self.dictionary(root)?;
        let stated = self.resolve(catalog.get("Version").unwrap_or(&Object::Null))?;
        let stated = stated.as_name().and_then(|name| name.first()).is_some_and(|major| *major >= b'2');
        if stated || self.pdf().version().0 >= 2 {
            return Ok(());
        }
        let entry = catalog.get("Extensions").cloned().unwrap_or(Object::Null);
        let mut extensions = self.resolve(&entry)?.as_dictionary().cloned().unwrap_or_default();
        let own = self.resolve(extensions.get("ESIC").unwrap_or(&Object::Null))?;
        let enough = match &*own {
            Object::Null => false,
            Object::Dictionary(own) => {
                own.get("ExtensionLevel").and_then(Object::as_integer).is_some_and(|n| n >= LEVEL)
            }
            // Several, as ISO 32000-2 permits: whoever wrote that knows what it holds.
            _ => true,
        };
        if enough {
            return Ok(());
        }
        let own = Dictionary::new().with("BaseVersion", Object::name("1.7")).with("ExtensionLevel", LEVEL);
        extensions.set("ESIC", own);
        match entry {
            Object::Reference(id) if self.object(id)?.as_dictionary().is_some() => self.set(id, extensions),
            _ => {
                catalog.set("Extensions", extensions);
                self.set(root, catalog)
            }
        }
    }
}

/// The extension level in which document time-stamps came.
const LEVEL: i64 = 5;

struct Reading<'r> {
    revision: &'r Revision<'r>,
    store: SecurityStore,
    /// Streams that were taken: many entries name the same ones.
    seen: BTreeSet<Reference>,
    octets: u64,
}

impl Reading<'_> {
    fn vri_entry(&mut self, value: &Object) -> Result<(), Error> {
        let entry = match self.revision.resolve(value) {
            Ok(entry) => entry,
            Err(error) => {
                self.note("VRI", &error);
                return Ok(());
            }
        };
        let Some(entry) = entry.as_dictionary() else { return Ok(()) };
        self.lists(entry, ["Cert", "CRL", "OCSP"])?;
        if let Some(octets) = entry.get("TS").map(|token| self.stream(token, "TS")).transpose()?.flatten() {
            self.store.timestamps.push(octets);
        }
        Ok(())
    }

    fn lists(&mut self, dictionary: &Dictionary, [certificates, crls, responses]: [&str; 3]) -> Result<(), Error> {
        let found = self.list(dictionary, certificates)?;
        self.store.certificates.extend(found);
        let found = self.list(dictionary, crls)?;
        self.store.crls.extend(found);
        let found = self.list(dictionary, responses)?;
        self.store.ocsp_responses.extend(found);
        Ok(())
    }

    fn list(&mut self, dictionary: &Dictionary, key: &str) -> Result<Vec<Vec<u8>>, Error> {
        let values = match self.revision.get(dictionary, key) {
            Ok(values) => values,
            Err(error) => {
                self.note(key, &error);
                return Ok(Vec::new());
            }
        };
        let mut found = Vec::new();
        for value in values.as_array().unwrap_or_default() {
            found.extend(self.stream(value, key)?);
        }
        Ok(found)
    }

    /// The octets of a stream that was not taken yet.
    fn stream(&mut self, value: &Object, key: &str) -> Result<Option<Vec<u8>>, Error> {
        if value.as_reference().is_some_and(|id| !self.seen.insert(id)) {
            return Ok(None);
        }
        let octets = match self.revision.resolve(value) {
            Ok(object) => match object.as_stream() {
                Some(stream) => self.revision.decoded(stream),
                None => return Ok(None),
            },
            Err(error) => Err(error),
        };
        match octets {
            Ok(octets) => {
                let most = self.revision.pdf().limits().inflated_octets;
                self.octets = self.octets.saturating_add(octets.len() as u64);
                if self.octets > most {
                    return Err(LimitExceeded::new("inflated_octets", most).into());
                }
                Ok(Some(octets))
            }
            Err(error @ Error::LimitExceeded(_)) => Err(error),
            Err(error) => {
                self.note(key, &error);
                Ok(None)
            }
        }
    }

    fn note(&mut self, key: &str, error: &Error) {
        let message = format!("validation data cannot be read: {error}");
        self.store.findings.push(Finding::warning("DSS_UNREADABLE", message).at(format!("/DSS /{key}")));
    }
}

#[cfg(test)]
mod tests {
    use crate::limits::Limits;
    use crate::pdf::document::Pdf;

    /// A document of these objects, numbered from 1, with a table to match.
    fn document(objects: &[&str]) -> Vec<u8> {
        let mut file = b"%PDF-2.0\n".to_vec();
        let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1);
        for (index, object) in objects.iter().enumerate() {
            table.push_str(&format!("{:010} 00000 n \n", file.len()));
            file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
        }
        let start = file.len();
        let size = objects.len() + 1;
        file.extend(format!("{table}trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n").bytes());
        file
    }

    #[test]
    fn entries_of_both_places_are_joined_and_each_stream_is_taken_once() {
        let file = document(&[
            "<</Type/Catalog/Pages 2 0 R/DSS<</Certs[3 0 R 4 0 R]/CRLs 7 0 R/VRI<</AB12<</Cert[3 0 R]/OCSP[5 0 R]/TS 6 0 R>>>>>>>>",
            "<</Type/Pages/Kids[]/Count 0>>",
            "<</Length 3>>stream\nabc\nendstream",
            "<</Length 3/Filter/DCTDecode>>stream\nabc\nendstream",
            "<</Length 4>>stream\nocsp\nendstream",
            "<</Length 5>>stream\ntoken\nendstream",
            "[5 0 R 42 9 R]",
        ]);
        let pdf = Pdf::parse(file.as_slice(), &Limits::default()).unwrap();
        let store = pdf.latest().security_store().unwrap().unwrap();
        assert_eq!(store.certificates, [b"abc".to_vec()]);
        assert_eq!(store.crls, [b"ocsp".to_vec()]);
        assert!(store.ocsp_responses.is_empty());
        assert_eq!(store.timestamps, [b"token".to_vec()]);
        assert_eq!(store.vri, ["AB12"]);
        assert_eq!(store.findings.len(), 1);
        assert_eq!(store.findings[0].place(), Some("/DSS /Certs"));
    }

    #[test]
    fn a_document_without_one_has_none() {
        let file = document(&["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[]/Count 0>>"]);
        let pdf = Pdf::parse(file.as_slice(), &Limits::default()).unwrap();
        assert!(pdf.latest().security_store().unwrap().is_none());
    }
}
