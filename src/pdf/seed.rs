//! What a signature field demands of its signature: the seed value dictionary (ISO 32000-2 §12.7.5.5, Table 237).

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::text_of;
use crate::pdf::signature::Permission;

/// A value that the field proposes, or demands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed<T> {
    /// What is proposed.
    pub value: T,
    /// Whether nothing else is accepted.
    pub required: bool,
}

/// Whether the field wants a certification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // /P is 0, or a permission
pub enum SeedCertification {
    /// An approval signature.
    Approval,
    /// A certification with this permission.
    Certification(Permission),
}

/// What a signature field demands of its signature.
///
/// Read as it stands; whether a signature meets it, the signer decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedValues {
    /// `/Filter`: the signature handler.
    pub filter: Option<Seed<String>>,
    /// `/SubFilter`: encodings, the preferred one first.
    pub sub_filters: Option<Seed<Vec<String>>>,
    /// `/DigestMethod`: `SHA256` and so on.
    pub digests: Option<Seed<Vec<String>>>,
    /// `/V`: the least version of the reader of this dictionary.
    pub version: Option<Seed<i64>>,
    /// `/Cert`.
    pub certificate: Option<CertificateSeed>,
    /// `/Reasons`. Required and empty, or required and a single full stop: no reason may be given.
    pub reasons: Option<Seed<Vec<String>>>,
    /// `/MDP`. There is no flag for it: it is always a demand.
    pub certification: Option<SeedCertification>,
    /// `/TimeStamp`: the address of an authority.
    pub timestamp: Option<Seed<String>>,
    /// `/LegalAttestation`.
    pub attestations: Option<Seed<Vec<String>>>,
    /// `/AddRevInfo`: whether revocation information is to be embedded.
    pub revocation_information: Option<Seed<bool>>,
    /// `/LockDocument`: `true`, `false` or `auto`.
    pub lock_document: Option<Seed<String>>,
    /// `/AppearanceFilter`: the name of an appearance.
    pub appearance: Option<Seed<String>>,
}

/// What is demanded of the certificate (Table 238).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateSeed {
    /// `/Subject`: DER certificates, of which the signer's is one.
    pub subjects: Option<Seed<Vec<Vec<u8>>>>,
    /// `/SubjectDN`: of which the subject must have one.
    pub subject_names: Option<Seed<Vec<NameSeed>>>,
    /// `/KeyUsage`: patterns of `0`, `1` and `X`, from digitalSignature on.
    pub key_usage: Option<Seed<Vec<String>>>,
    /// `/Issuer`: DER certificates, one of which stands above the signer.
    pub issuers: Option<Seed<Vec<Vec<u8>>>>,
    /// `/OID`: certificate policies, dotted.
    pub policies: Option<Seed<Vec<String>>>,
    /// `/URL`: where a certificate can be had.
    pub url: Option<String>,
}

/// Attributes of a subject by their names (`CN`, `O`, a dotted OID), all of which are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NameSeed(pub Vec<(String, String)>);

/// Bits of `/Ff` of the dictionary.
mod flag {
    pub(super) const FILTER: i64 = 1;
    pub(super) const SUB_FILTER: i64 = 1 << 1;
    pub(super) const VERSION: i64 = 1 << 2;
    pub(super) const REASONS: i64 = 1 << 3;
    pub(super) const ATTESTATION: i64 = 1 << 4;
    pub(super) const REVOCATION: i64 = 1 << 5;
    pub(super) const DIGESTS: i64 = 1 << 6;
    pub(super) const LOCK_DOCUMENT: i64 = 1 << 7;
    pub(super) const APPEARANCE: i64 = 1 << 8;
}

/// Bits of `/Ff` of `/Cert`.
mod certificate_flag {
    pub(super) const SUBJECT: i64 = 1;
    pub(super) const ISSUER: i64 = 1 << 1;
    pub(super) const POLICY: i64 = 1 << 2;
    pub(super) const SUBJECT_NAME: i64 = 1 << 3;
    pub(super) const KEY_USAGE: i64 = 1 << 5;
}

/// Elements that are read of any list here.
const MOST: usize = 256;

impl<T> Seed<T> {
    /// A value that is demanded.
    pub const fn required(value: T) -> Self {
        Self { value, required: true }
    }

    /// A value that is proposed.
    pub const fn proposed(value: T) -> Self {
        Self { value, required: false }
    }
}

impl SeedValues {
    /// Nothing demanded.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A certification with this permission is demanded.
    #[must_use]
    pub const fn certify(mut self, permission: Permission) -> Self {
        self.certification = Some(SeedCertification::Certification(permission));
        self
    }

    /// One of these reasons is demanded.
    #[must_use]
    pub fn reasons<S: Into<String>>(mut self, reasons: impl IntoIterator<Item = S>) -> Self {
        self.reasons = Some(Seed::required(reasons.into_iter().map(Into::into).collect()));
        self
    }

    /// A certificate that is one of these, in DER, is demanded.
    #[must_use]
    pub fn signers(mut self, certificates: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut certificate = self.certificate.unwrap_or_default();
        certificate.subjects = Some(Seed::required(certificates.into_iter().collect()));
        self.certificate = Some(certificate);
        self
    }

    /// What the `/SV` of a field says; `None` where it has none.
    ///
    /// # Errors
    /// Where an entry has not the form that the clause demands: what cannot be
    /// read cannot be honoured.
    pub fn read(revision: Revision<'_>, field: &Dictionary) -> Result<Option<Self>, Error> {
        let object = revision.get(field, "SV")?;
        if object.is_null() {
            return Ok(None);
        }
        let Some(dictionary) = object.as_dictionary() else { return Err(fault("/SV", "a dictionary")) };
        let reader = Reader { revision, dictionary };
        let flags = reader.integer("Ff")?.unwrap_or(0);
        let required = |bit: i64| flags & bit != 0;
        let empty_reasons = required(flag::REASONS).then(Vec::new);
        Ok(Some(Self {
            filter: reader.name("Filter")?.map(|value| Seed { value, required: required(flag::FILTER) }),
            sub_filters: reader.names("SubFilter")?.map(|value| Seed { value, required: required(flag::SUB_FILTER) }),
            digests: reader.texts("DigestMethod")?.map(|value| Seed { value, required: required(flag::DIGESTS) }),
            version: reader.integer("V")?.map(|value| Seed { value, required: required(flag::VERSION) }),
            certificate: reader.child("Cert")?.map(|cert| cert.certificate()).transpose()?,
            reasons: reader
                .texts("Reasons")?
                .or(empty_reasons)
                .map(|value| Seed { value, required: required(flag::REASONS) }),
            certification: reader.certification()?,
            timestamp: reader.timestamp()?,
            attestations: reader
                .texts("LegalAttestation")?
                .map(|value| Seed { value, required: required(flag::ATTESTATION) }),
            revocation_information: reader
                .boolean("AddRevInfo")?
                .map(|value| Seed { value, required: required(flag::REVOCATION) }),
            lock_document: reader
                .name("LockDocument")?
                .map(|value| Seed { value, required: required(flag::LOCK_DOCUMENT) }),
            appearance: reader
                .text("AppearanceFilter")?
                .map(|value| Seed { value, required: required(flag::APPEARANCE) }),
        }))
    }

    /// The dictionary; `None` where nothing is demanded or proposed.
    pub(super) fn to_dictionary(&self) -> Option<Dictionary> {
        if *self == Self::default() {
            return None;
        }
        let mut flags = 0;
        let mut dictionary = Dictionary::new().with("Type", Object::name("SV"));
        let mut put = |key: &str, required: bool, bit: i64, value: Object| {
            flags |= if required { bit } else { 0 };
            dictionary.set(key, value);
        };
        let texts = |values: &[String]| Object::Array(values.iter().map(|value| Object::text(value)).collect());
        if let Some(seed) = &self.filter {
            put("Filter", seed.required, flag::FILTER, Object::name(&seed.value));
        }
        if let Some(seed) = &self.sub_filters {
            let names = seed.value.iter().map(|name| Object::name(name)).collect();
            put("SubFilter", seed.required, flag::SUB_FILTER, Object::Array(names));
        }
        if let Some(seed) = &self.digests {
            put("DigestMethod", seed.required, flag::DIGESTS, texts(&seed.value));
        }
        if let Some(seed) = &self.version {
            put("V", seed.required, flag::VERSION, Object::Integer(seed.value));
        }
        if let Some(seed) = &self.reasons {
            put("Reasons", seed.required, flag::REASONS, texts(&seed.value));
        }
        if let Some(seed) = &self.attestations {
            put("LegalAttestation", seed.required, flag::ATTESTATION, texts(&seed.value));
        }
        if let Some(seed) = &self.revocation_information {
            put("AddRevInfo", seed.required, flag::REVOCATION, Object::Boolean(seed.value));
        }
        if let Some(seed) = &self.lock_document {
            put("LockDocument", seed.required, flag::LOCK_DOCUMENT, Object::name(&seed.value));
        }
        if let Some(seed) = &self.appearance {
            put("AppearanceFilter", seed.required, flag::APPEARANCE, Object::text(&seed.value));
        }
        if let Some(certification) = self.certification {
            let level = match certification {
                SeedCertification::Approval => 0,
                SeedCertification::Certification(permission) => permission.level(),
            };
            dictionary.set("MDP", Dictionary::new().with("P", level));
        }
        if let Some(seed) = &self.timestamp {
            let required = i64::from(seed.required);
            let timestamp = Dictionary::new().with("URL", Object::literal(seed.value.as_bytes())).with("Ff", required);
            dictionary.set("TimeStamp", timestamp);
        }
        if let Some(certificate) = &self.certificate {
            dictionary.set("Cert", certificate.to_dictionary());
        }
        Some(dictionary.with("Ff", flags))
    }
}

impl CertificateSeed {
    fn to_dictionary(&self) -> Dictionary {
        let mut flags = 0;
        let mut dictionary = Dictionary::new().with("Type", Object::name("SVCert"));
        let mut put = |key: &str, required: bool, bit: i64, value: Object| {
            flags |= if required { bit } else { 0 };
            dictionary.set(key, value);
        };
        let octets =
            |values: &[Vec<u8>]| Object::Array(values.iter().map(|value| Object::hexadecimal(value.clone())).collect());
        let literals =
            |values: &[String]| Object::Array(values.iter().map(|value| Object::literal(value.as_bytes())).collect());
        if let Some(seed) = &self.subjects {
            put("Subject", seed.required, certificate_flag::SUBJECT, octets(&seed.value));
        }
        if let Some(seed) = &self.issuers {
            put("Issuer", seed.required, certificate_flag::ISSUER, octets(&seed.value));
        }
        if let Some(seed) = &self.policies {
            put("OID", seed.required, certificate_flag::POLICY, literals(&seed.value));
        }
        if let Some(seed) = &self.key_usage {
            put("KeyUsage", seed.required, certificate_flag::KEY_USAGE, literals(&seed.value));
        }
        if let Some(seed) = &self.subject_names {
            let group = |group: &NameSeed| {
                let entries = group.0.iter();
                Object::from(entries.fold(Dictionary::new(), |names, (key, text)| names.with(key, Object::text(text))))
            };
            let names = seed.value.iter().map(group).collect();
            put("SubjectDN", seed.required, certificate_flag::SUBJECT_NAME, Object::Array(names));
        }
        if let Some(url) = &self.url {
            dictionary.set("URL", Object::literal(url.as_bytes()));
        }
        dictionary.with("Ff", flags)
    }
}

/// Typed entries of one dictionary.
struct Reader<'r> {
    revision: Revision<'r>,
    dictionary: &'r Dictionary,
}

fn fault(field: impl Into<std::borrow::Cow<'static, str>>, expected: &'static str) -> Error {
    Malformed::new(Format::Pdf, field, expected).into()
}

impl Reader<'_> {
    /// An entry, `None` where it is absent; `read` answers `None` for another type.
    fn entry<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl FnOnce(&Object) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let value = self.revision.get(self.dictionary, key)?;
        if value.is_null() {
            return Ok(None);
        }
        read(&value).map(Some).ok_or_else(|| fault(format!("/{key} of a seed value dictionary"), expected))
    }

    fn integer(&self, key: &str) -> Result<Option<i64>, Error> {
        // Some writers give /V as a real.
        self.entry(key, "an integer", |value| {
            #[allow(clippy::cast_possible_truncation)] // a small version number
            value
                .as_integer()
                .or_else(|| value.as_number().filter(|n| n.fract() == 0.0 && n.abs() < 1e6).map(|n| n as i64))
        })
    }

    fn boolean(&self, key: &str) -> Result<Option<bool>, Error> {
        self.entry(key, "true or false", Object::as_bool)
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        self.entry(key, "a string", |value| value.as_string().map(text_of))
    }

    fn name(&self, key: &str) -> Result<Option<String>, Error> {
        self.entry(key, "a name", |value| value.as_name().map(|name| String::from_utf8_lossy(name).into_owned()))
    }

    fn list<T>(
        &self,
        key: &str,
        expected: &'static str,
        read: impl Fn(&Object) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Error> {
        let array = self.revision.get(self.dictionary, key)?;
        if array.is_null() {
            return Ok(None);
        }
        let wrong = || fault(format!("/{key} of a seed value dictionary"), expected);
        let array = array.as_array().filter(|array| array.len() <= MOST).ok_or_else(wrong)?;
        array
            .iter()
            .map(|value| read(&*self.revision.resolve(value)?).ok_or_else(wrong))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn texts(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        self.list(key, "an array of strings", |value| value.as_string().map(text_of))
    }

    fn names(&self, key: &str) -> Result<Option<Vec<String>>, Error> {
        let name = |value: &Object| value.as_name().map(|name| String::from_utf8_lossy(name).into_owned());
        self.list(key, "an array of names", name)
    }

    fn octets(&self, key: &str) -> Result<Option<Vec<Vec<u8>>>, Error> {
        self.list(key, "an array of byte strings", |value| value.as_string().map(<[u8]>::to_vec))
    }

    fn child(&self, key: &str) -> Result<Option<Child<'_>>, Error> {
        let dictionary = self.entry(key, "a dictionary", |value| value.as_dictionary().cloned())?;
        Ok(dictionary.map(|dictionary| Child { revision: self.revision, dictionary }))
    }

    fn certification(&self) -> Result<Option<SeedCertification>, Error> {
        let Some(child) = self.child("MDP")? else { return Ok(None) };
        Ok(Some(match child.reader().integer("P")? {
            Some(0) => SeedCertification::Approval,
            Some(1) => SeedCertification::Certification(Permission::NoChanges),
            Some(2) => SeedCertification::Certification(Permission::FormFilling),
            Some(3) => SeedCertification::Certification(Permission::Annotating),
            _ => return Err(fault("/MDP of a seed value dictionary", "a /P of 0 to 3")),
        }))
    }

    fn timestamp(&self) -> Result<Option<Seed<String>>, Error> {
        let Some(child) = self.child("TimeStamp")? else { return Ok(None) };
        let reader = child.reader();
        let url = reader.text("URL")?.unwrap_or_default();
        Ok(Some(Seed { value: url, required: reader.integer("Ff")?.unwrap_or(0) & 1 != 0 }))
    }
}

/// A dictionary within the dictionary.
struct Child<'c> {
    revision: Revision<'c>,
    dictionary: Dictionary,
}

impl Child<'_> {
    const fn reader(&self) -> Reader<'_> {
        Reader { revision: self.revision, dictionary: &self.dictionary }
    }

    fn certificate(&self) -> Result<CertificateSeed, Error> {
        let reader = self.reader();
        let flags = reader.integer("Ff")?.unwrap_or(0);
        let required = |bit: i64| flags & bit != 0;
        let revision = self.revision;
        let group = |value: &Object| {
            let group = value.as_dictionary()?;
            let entry = |(key, value): (&crate::pdf::object::Name, &Object)| {
                let text = revision.resolve(value).ok()?.as_string().map(text_of)?;
                Some((String::from_utf8_lossy(key.octets()).into_owned(), text))
            };
            group.iter().map(entry).collect::<Option<Vec<_>>>().map(NameSeed)
        };
        Ok(CertificateSeed {
            subjects: reader
                .octets("Subject")?
                .map(|value| Seed { value, required: required(certificate_flag::SUBJECT) }),
            subject_names: reader
                .list("SubjectDN", "an array of dictionaries of strings", group)?
                .map(|value| Seed { value, required: required(certificate_flag::SUBJECT_NAME) }),
            key_usage: reader
                .texts("KeyUsage")?
                .map(|value| Seed { value, required: required(certificate_flag::KEY_USAGE) }),
            issuers: reader.octets("Issuer")?.map(|value| Seed { value, required: required(certificate_flag::ISSUER) }),
            policies: reader.texts("OID")?.map(|value| Seed { value, required: required(certificate_flag::POLICY) }),
            url: reader.text("URL")?,
        })
    }
}
