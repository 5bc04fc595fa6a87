//! Asking the issuing office for certificates of those who sign: the subject of
//! each request from a template, and the list that goes along.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::policy::Role;
use super::policy::RolePolicy;
use super::policy::comparable;
use crate::asn1::Oid;
use crate::crypto::Backend;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PublicKey;
use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::Misuse;
use crate::validate::Language;
use crate::x509::CertificationRequest;
use crate::x509::Name;
use crate::x509::UnsignedRequest;

const COMMON_NAME: Oid = Oid::known(&[0x55, 4, 3]);
const TITLE: Oid = Oid::known(&[0x55, 4, 12]);
/// What a template can stand for.
const PLACEHOLDERS: [&str; 5] = ["{name}", "{title}", "{unit}", "{unit_code}", "{role}"];

/// Who is to get a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applicant {
    /// The person's identifier in the policy.
    pub person: String,
    /// The full name, as it is notified to the Treasury.
    pub name: String,
    /// The title, likewise.
    pub title: String,
    /// The role.
    pub role: Role,
    /// The unit.
    pub unit: String,
    /// The unit's code with the budget, where it is to be stated.
    pub unit_code: Option<String>,
}

impl Applicant {
    /// A person of a policy, in the role that begins last.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a person who is not in it or has no role.
    pub fn of(policy: &RolePolicy, person: &str) -> Result<Self, Error> {
        let Some(found) = policy.persons.iter().find(|p| p.id == person) else {
            let known: Vec<&str> = policy.persons.iter().map(|p| p.id.as_str()).collect();
            let message = format!("the policy has no person {person:?}; it has {}", known.join(", "));
            return Err(Misuse::new(message).into());
        };
        let own = policy.appointments.iter().filter(|a| a.person == person);
        let Some(appointment) = own.max_by_key(|a| a.from) else {
            return Err(Misuse::new(format!("{} has no role in the policy", found.name)).into());
        };
        Ok(Self {
            person: person.to_owned(),
            name: found.name.clone(),
            title: appointment.title.clone(),
            role: appointment.role,
            unit: policy.unit.clone(),
            unit_code: None,
        })
    }

    /// A request for a key of this person, to be signed with it.
    ///
    /// # Errors
    /// As [`SubjectTemplate::subject`].
    pub fn request(
        &self,
        template: &SubjectTemplate,
        key: PublicKey,
        algorithm: SignatureAlgorithm,
    ) -> Result<UnsignedRequest, Error> {
        Ok(UnsignedRequest::new(template.subject(self)?, key, algorithm))
    }
}

/// The subject of requests: RFC 4514 text with `{name}`, `{title}`, `{unit}`,
/// `{unit_code}` and `{role}` for what differs.
///
/// ```
/// # use kyso::{Error, profile::treasury::SubjectTemplate};
/// # fn main() -> Result<(), Error> {
/// SubjectTemplate::new("CN={name},T={title},OU=Phòng Kế toán,O={unit},L=Trà Vinh,C=VN")?;
/// assert!(SubjectTemplate::new("CN={fullname},C=VN").is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectTemplate(String);

impl Default for SubjectTemplate {
    fn default() -> Self {
        Self("CN={name},T={title},O={unit},C=VN".to_owned())
    }
}

impl SubjectTemplate {
    /// From its text.
    ///
    /// # Errors
    /// [`Error::Misuse`] for other placeholders, one without `{name}`, and text that is no name.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let template = Self(text.into());
        let mut rest = template.0.clone();
        for placeholder in PLACEHOLDERS {
            rest = rest.replace(placeholder, "x");
        }
        if rest.contains(['{', '}']) {
            let message = format!("the subject may hold {} and no other braces", PLACEHOLDERS.join(", "));
            return Err(Misuse::new(message).into());
        }
        if !template.0.contains("{name}") {
            return Err(Misuse::new("the subject has to hold {name}").into());
        }
        Name::parse(&rest)?;
        Ok(template)
    }

    /// The subject for a person. What is put in is taken as it stands, whatever signs are in it.
    ///
    /// # Errors
    /// [`Error::Misuse`] where something that the template names is not stated, or does not fit its attribute.
    pub fn subject(&self, applicant: &Applicant) -> Result<Name, Error> {
        let mut text = String::new();
        let mut rest = self.0.as_str();
        // From left to right, so that braces in a name are no placeholders.
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            let placeholder = PLACEHOLDERS.into_iter().find(|placeholder| from.starts_with(placeholder));
            let Some(placeholder) = placeholder else { return Err(Misuse::new("an unknown placeholder").into()) };
            let value = match placeholder {
                "{name}" => Some(applicant.name.as_str()),
                "{title}" => Some(applicant.title.as_str()),
                "{unit}" => Some(applicant.unit.as_str()),
                "{role}" => Some(applicant.role.name(Language::Vietnamese)),
                _ => applicant.unit_code.as_deref(),
            };
            let value = value.filter(|value| !value.trim().is_empty()).ok_or_else(|| {
                Misuse::new(format!("the subject of {:?} needs {placeholder}, which is not stated", applicant.person))
            })?;
            text.push_str(before);
            escape(&mut text, value.trim());
            rest = from.get(placeholder.len()..).unwrap_or_default();
        }
        text.push_str(rest);
        Name::parse(&text)
    }
}

/// A value in RFC 4514 text: every octet that could mean something is written in hexadecimal.
fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        if c.is_alphanumeric() || (c == ' ' && !text.ends_with(['=', ' '])) || matches!(c, '.' | '-' | '/' | '(' | ')')
        {
            text.push(c);
        } else {
            let mut octets = [0; 4];
            for octet in c.encode_utf8(&mut octets).bytes() {
                // Writing to a String does not fail.
                let _ = write!(text, "\\{octet:02x}");
            }
        }
    }
}

/// What separates the cells of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // complete
pub enum Separator {
    /// As RFC 4180 has it.
    #[default]
    Comma,
    /// As spreadsheets want it where the comma is the decimal sign, Vietnam included.
    Semicolon,
}

/// The list that goes to the issuing office along with the requests.
#[derive(Clone, Debug, Default)]
pub struct RequestList {
    rows: Vec<Row>,
    keys: BTreeSet<Vec<u8>>,
}

#[derive(Clone, Debug)]
struct Row {
    applicant: Applicant,
    file: String,
    subject: String,
    key: String,
    key_digest: String,
    request_digest: String,
}

impl RequestList {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a request, once it is seen to be one of this person.
    ///
    /// # Errors
    /// [`Error::Misuse`] where its signature does not verify, its name or title
    /// are another's, or its key is in the list already.
    pub fn add(
        &mut self,
        applicant: Applicant,
        request: &CertificationRequest,
        file: impl Into<String>,
    ) -> Result<(), Error> {
        let file = file.into();
        let wrong = |what: String| Error::from(Misuse::new(format!("{file}: {what}")));
        if request.verify(Backend::default()).is_err() {
            return Err(wrong("the request was not signed with the key that is in it".to_owned()));
        }
        let stated = |oid: &Oid| request.subject().attribute(oid);
        let name = stated(&COMMON_NAME).unwrap_or_default();
        if comparable(&name) != comparable(&applicant.name) {
            return Err(wrong(format!("the request is for {name:?}, not for {:?}", applicant.name)));
        }
        if let Some(title) = stated(&TITLE).filter(|title| comparable(title) != comparable(&applicant.title)) {
            return Err(wrong(format!("the title in the request is {title:?}, not {:?}", applicant.title)));
        }
        if !self.keys.insert(request.public_key().spki().to_vec()) {
            return Err(wrong("the same key is in another request of the list".to_owned()));
        }
        self.rows.push(Row {
            file,
            subject: request.subject().to_string(),
            key: request.public_key().key_type().to_string(),
            key_digest: DigestAlgorithm::Sha256.digest(request.public_key().spki()).to_hex(),
            request_digest: DigestAlgorithm::Sha256.digest(request.der()).to_hex(),
            applicant,
        });
        Ok(())
    }

    /// How many requests are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The list as CSV: RFC 4180, every cell in quotes, UTF-8 with the byte order
    /// mark by which spreadsheets know it.
    ///
    /// A cell that a spreadsheet would compute instead of showing it gets an
    /// apostrophe before it, after a separator inside of the cell too.
    #[must_use]
    pub fn to_csv(&self, separator: Separator) -> String {
        let between = match separator {
            Separator::Comma => ",",
            Separator::Semicolon => ";",
        };
        let mut out = "\u{FEFF}".to_owned();
        let mut line = |cells: &[String]| {
            let quoted: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
            out.push_str(&quoted.join(between));
            out.push_str("\r\n");
        };
        let headings = [
            "STT",
            "Họ và tên",
            "Chức danh",
            "Vai trò",
            "Đơn vị",
            "Mã đơn vị",
            "Chủ thể chứng thư số",
            "Loại khoá",
            "SHA-256 khoá công khai",
            "Tệp yêu cầu",
            "SHA-256 tệp yêu cầu (DER)",
        ];
        line(&headings.map(str::to_owned));
        for (index, row) in self.rows.iter().enumerate() {
            let applicant = &row.applicant;
            line(&[
                (index + 1).to_string(),
                applicant.name.clone(),
                applicant.title.clone(),
                applicant.role.name(Language::Vietnamese).to_owned(),
                applicant.unit.clone(),
                applicant.unit_code.clone().unwrap_or_default(),
                row.subject.clone(),
                row.key.clone(),
                row.key_digest.clone(),
                row.file.clone(),
                row.request_digest.clone(),
            ]);
        }
        out
    }
}

/// A cell in quotes, without line ends and other controls, and without formulas.
fn quoted(cell: &str) -> String {
    let mut out = String::from("\"");
    let mut begins = true;
    for c in cell.chars() {
        let c = if c.is_control() { ' ' } else { c };
        if begins && matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') {
            out.push('\'');
        }
        // Spaces are passed over by some, quotes end a cell where another separator is taken.
        begins = (begins && (c.is_whitespace() || c == '"')) || matches!(c, ',' | ';' | '|');
        if c == '"' {
            out.push('"');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applicant(name: &str) -> Applicant {
        Applicant {
            person: "p".to_owned(),
            name: name.to_owned(),
            title: "Kế toán trưởng".to_owned(),
            role: Role::ChiefAccountant,
            unit: "UBND xã A, huyện B".to_owned(),
            unit_code: None,
        }
    }

    #[test]
    fn signs_in_names_make_no_attributes() {
        let template = SubjectTemplate::default();
        for name in ["A,CN=Khác", "A+O=x", "A\\,B", "#0401", " A ", "A=B", "{title}", "A\"B", "a\u{202E}b", "A;B<C>"] {
            let subject = template.subject(&applicant(name)).unwrap();
            assert_eq!(subject.attribute(&COMMON_NAME).as_deref(), Some(name.trim()), "{name}");
            assert_eq!(subject.attribute(&TITLE).as_deref(), Some("Kế toán trưởng"));
        }
        assert!(template.subject(&applicant("  ")).is_err());
        let coded = SubjectTemplate::new("CN={name},OU={unit_code},C=VN").unwrap();
        assert!(coded.subject(&applicant("A")).is_err(), "the code is not stated");
    }

    #[test]
    fn a_template_names_the_person_and_nothing_unknown() {
        for refused in ["CN={full}", "O={unit}", "CN={name", "CN={name}}", "{name}", "CN={name},C=VNM", ""] {
            assert!(SubjectTemplate::new(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn no_cell_is_computed() {
        for (cell, expected) in [
            ("=1+1", "\"'=1+1\""),
            ("+84 90", "\"'+84 90\""),
            ("-2", "\"'-2\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\" '=1\""),
            ("a;=cmd", "\"a;'=cmd\""),
            ("\"=1", "\"\"\"'=1\""),
            ("＝1", "\"'＝1\""),
            ("a\r\n=1", "\"a  =1\""),
            ("Nguyễn - An", "\"Nguyễn - An\""),
            ("CN=A,O=B", "\"CN=A,O=B\""),
        ] {
            assert_eq!(quoted(cell), expected, "{cell:?}");
        }
    }
}
