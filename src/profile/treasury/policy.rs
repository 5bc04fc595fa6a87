//! Who may sign what, and when: plain data, with a check that it is consistent.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::time::Time;
use crate::validate::Language;

/// Persons who may give the first signature at one time: the holder and three authorised ones.
const MOST_FIRST: usize = 4;
/// Appointments of one unit over all the years.
const MOST_APPOINTMENTS: usize = 1_000;
/// Persons who may give the second one: the chief accountant and two authorised ones.
const MOST_SECOND: usize = 3;

/// Who has to sign the vouchers of one unit (Circular 18/2020/TT-BTC, articles 3.6 and 8).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RolePolicy {
    /// The unit.
    pub unit: String,
    /// A version, as reports state it: such as the number of the notification.
    pub version: String,
    /// Whether the unit has a second signature.
    pub second_signature: SecondSignature,
    /// Whether one has to be given before the other.
    pub order: Order,
    /// The kinds of transaction that appointments speak of.
    pub transactions: Vec<TransactionKind>,
    /// The persons, with their certificates.
    pub persons: Vec<Person>,
    /// Who of them has which role, for what, from when to when.
    pub appointments: Vec<Appointment>,
    /// Whether the certificate has to have the person's name; demanded by default.
    pub names: SubjectRule,
    /// Whether it has to have the title of the appointment; by default where it has one at all.
    pub titles: SubjectRule,
    /// Whether form fields may be filled in between and after the signatures. By default not:
    /// the signatories would have signed different things.
    pub form_filling: bool,
}

/// Whether a unit has a second signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // complete
pub enum SecondSignature {
    /// It has one, and it is demanded.
    Demanded,
    /// It has none: armed forces without an accountant, revenue agencies.
    None,
}

/// Whether one signature has to be given before the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // complete
pub enum Order {
    /// No.
    #[default]
    Any,
    /// The account holder's side signs first.
    FirstBeforeSecond,
    /// The accountant's side signs first.
    SecondBeforeFirst,
}

/// What is demanded of a certificate's subject besides being the one that was notified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // complete
pub enum SubjectRule {
    /// It has to be there and the same.
    Demanded,
    /// It has to be the same where it is there.
    IfPresent,
    /// It does not count.
    Ignored,
}

/// A kind of transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TransactionKind {
    /// The code by which appointments name it.
    pub code: String,
    /// What people call it.
    pub name: String,
}

impl TransactionKind {
    /// With a code and a name.
    #[must_use]
    pub fn new(code: impl Into<String>, name: impl Into<String>) -> Self {
        Self { code: code.into(), name: name.into() }
    }
}

/// A person who signs.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// What tells persons of the same name apart; not an identity number, for reports may show it.
    pub id: String,
    /// The full name, as notified.
    pub name: String,
    /// SHA-256 of each certificate that was notified, 64 hexadecimal digits.
    pub certificates: Vec<String>,
}

impl Person {
    /// Without certificates, who can sign nothing yet.
    #[must_use]
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), certificates: Vec::new() }
    }

    /// With a certificate, by the hexadecimal digits of its SHA-256; colons and capitals do not count.
    #[must_use]
    pub fn certificate(mut self, sha256: impl AsRef<str>) -> Self {
        self.certificates.push(digits(sha256.as_ref()));
        self
    }
}

/// Hexadecimal digits without colons, in lower case.
pub(super) fn digits(text: &str) -> String {
    text.chars().filter(|c| *c != ':').map(|c| c.to_ascii_lowercase()).collect()
}

/// A role of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Appointment {
    /// The person's [`id`](Person::id).
    pub person: String,
    /// The role.
    pub role: Role,
    /// The title (chức danh), as notified.
    pub title: String,
    /// What it is for.
    pub transactions: Transactions,
    /// From this time on.
    pub from: Time,
    /// Until before this time; `None`: until told otherwise.
    pub until: Option<Time>,
}

impl Appointment {
    /// From a time on, without an end.
    #[must_use]
    pub fn new(
        person: impl Into<String>,
        role: Role,
        title: impl Into<String>,
        transactions: Transactions,
        from: Time,
    ) -> Self {
        Self { person: person.into(), role, title: title.into(), transactions, from, until: None }
    }

    /// Until before this time.
    #[must_use]
    pub const fn until(mut self, time: Time) -> Self {
        self.until = Some(time);
        self
    }

    /// Whether it is in force at a time.
    #[must_use]
    pub fn covers(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}

/// The kinds of transaction of an appointment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // complete
pub enum Transactions {
    /// All that the policy names.
    All,
    /// Those with these codes.
    Only(Vec<String>),
}

impl Transactions {
    /// Whether the kind with this code is among them.
    #[must_use]
    pub fn include(&self, code: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(codes) => codes.iter().any(|own| own == code),
        }
    }
}

/// A role in the dealings of a unit with the Treasury.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // the circular has these four
pub enum Role {
    /// Chủ tài khoản.
    AccountHolder,
    /// Uỷ quyền chủ tài khoản.
    AuthorisedHolder,
    /// Kế toán trưởng, phụ trách kế toán.
    ChiefAccountant,
    /// Uỷ quyền kế toán trưởng.
    AuthorisedAccountant,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::AccountHolder, Self::AuthorisedHolder, Self::ChiefAccountant, Self::AuthorisedAccountant];

    /// Which signature it gives.
    #[must_use]
    pub const fn position(self) -> Position {
        match self {
            Self::AccountHolder | Self::AuthorisedHolder => Position::First,
            Self::ChiefAccountant | Self::AuthorisedAccountant => Position::Second,
        }
    }

    /// The code in data.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::AccountHolder => "account-holder",
            Self::AuthorisedHolder => "authorised-holder",
            Self::ChiefAccountant => "chief-accountant",
            Self::AuthorisedAccountant => "authorised-accountant",
        }
    }

    /// The role with this code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::Vietnamese, Self::AccountHolder) => "chủ tài khoản",
            (Language::Vietnamese, Self::AuthorisedHolder) => "người được uỷ quyền chủ tài khoản",
            (Language::Vietnamese, Self::ChiefAccountant) => "kế toán trưởng",
            (Language::Vietnamese, Self::AuthorisedAccountant) => "người được uỷ quyền kế toán trưởng",
            (_, Self::AccountHolder) => "account holder",
            (_, Self::AuthorisedHolder) => "authorised by the account holder",
            (_, Self::ChiefAccountant) => "chief accountant",
            (_, Self::AuthorisedAccountant) => "authorised by the chief accountant",
        }
    }
}

/// First and second signature: roles, not an order of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // the circular has these two
pub enum Position {
    /// Chữ ký thứ nhất: the account holder's side.
    First,
    /// Chữ ký thứ hai: the accountant's side.
    Second,
}

impl Position {
    /// The code in data.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Second => "second",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn name(self, language: Language) -> &'static str {
        match (language, self) {
            (Language::Vietnamese, Self::First) => "chữ ký thứ nhất",
            (Language::Vietnamese, Self::Second) => "chữ ký thứ hai",
            (_, Self::First) => "first signature",
            (_, Self::Second) => "second signature",
        }
    }
}

impl RolePolicy {
    /// A unit without persons yet.
    #[must_use]
    pub fn new(unit: impl Into<String>, second_signature: SecondSignature) -> Self {
        Self {
            unit: unit.into(),
            version: "1".to_owned(),
            second_signature,
            order: Order::Any,
            transactions: Vec::new(),
            persons: Vec::new(),
            appointments: Vec::new(),
            names: SubjectRule::Demanded,
            titles: SubjectRule::IfPresent,
            form_filling: false,
        }
    }

    /// Whether the policy is one that the circular permits, and says what it seems to say.
    ///
    /// At no time may more than four persons give the first signature or three
    /// the second, two be account holder or chief accountant, or one person give
    /// both. A certificate belongs to one person; every code and person that an
    /// appointment names is there.
    ///
    /// # Errors
    /// [`Error::Malformed`] with the member at fault.
    pub fn check(&self) -> Result<(), Error> {
        if self.appointments.len() > MOST_APPOINTMENTS {
            return Err(LimitExceeded::new("appointments", MOST_APPOINTMENTS as u64).into());
        }
        self.check_transactions()?;
        let persons = self.check_persons()?;
        for (index, appointment) in self.appointments.iter().enumerate() {
            self.check_appointment(index, appointment, &persons)?;
        }
        // What is in force together changes only where something begins.
        for (index, beginning) in self.appointments.iter().enumerate() {
            self.check_together(index, beginning.from)?;
        }
        Ok(())
    }

    fn check_transactions(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for (index, kind) in self.transactions.iter().enumerate() {
            let field = format!("transactions[{index}].code");
            if kind.code.is_empty() || !seen.insert(kind.code.as_str()) {
                return Err(fault(field, "a code that no other kind has", &kind.code));
            }
        }
        if seen.is_empty() {
            return Err(fault("transactions".to_owned(), "at least one kind of transaction", "none"));
        }
        Ok(())
    }

    fn check_persons(&self) -> Result<BTreeMap<&str, &Person>, Error> {
        let (mut persons, mut certificates) = (BTreeMap::new(), BTreeSet::new());
        for (index, person) in self.persons.iter().enumerate() {
            let field = |name: &str| format!("persons[{index}].{name}");
            if person.id.is_empty() || persons.insert(person.id.as_str(), person).is_some() {
                return Err(fault(field("id"), "an identifier that no other person has", &person.id));
            }
            if comparable(&person.name).is_empty() {
                return Err(fault(field("name"), "a name", &person.name));
            }
            for certificate in &person.certificates {
                let is_digest = certificate.len() == 64
                    && certificate.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
                if !is_digest {
                    return Err(fault(field("certificates"), "64 hexadecimal digits (SHA-256)", certificate));
                }
                if !certificates.insert(certificate.as_str()) {
                    return Err(fault(field("certificates"), "certificates that nobody else has", certificate));
                }
            }
        }
        Ok(persons)
    }

    fn check_appointment(
        &self,
        index: usize,
        appointment: &Appointment,
        persons: &BTreeMap<&str, &Person>,
    ) -> Result<(), Error> {
        let field = |name: &str| format!("appointments[{index}].{name}");
        if !persons.contains_key(appointment.person.as_str()) {
            return Err(fault(field("person"), "the id of one of the persons", &appointment.person));
        }
        if comparable(&appointment.title).is_empty() {
            return Err(fault(field("title"), "a title", &appointment.title));
        }
        if appointment.until.is_some_and(|until| until <= appointment.from) {
            return Err(fault(field("until"), "a time after from", &appointment.from.to_rfc3339(7 * 60)));
        }
        if self.second_signature == SecondSignature::None && appointment.role.position() == Position::Second {
            let expected = "a role of the first signature: the unit has no second one";
            return Err(fault(field("role"), expected, appointment.role.code()));
        }
        if let Transactions::Only(codes) = &appointment.transactions {
            let known = |code: &String| self.transactions.iter().any(|kind| kind.code == *code);
            if let Some(other) = codes.iter().find(|code| !known(code)) {
                return Err(fault(field("transactions"), "codes of the policy's kinds of transaction", other));
            }
            if codes.is_empty() {
                return Err(fault(field("transactions"), "at least one code, or all", "none"));
            }
        }
        Ok(())
    }

    fn check_together(&self, index: usize, at: Time) -> Result<(), Error> {
        let persons = |wanted: &dyn Fn(Role) -> bool| -> BTreeSet<&str> {
            let now = self.appointments.iter().filter(|a| a.covers(at) && wanted(a.role));
            now.map(|a| a.person.as_str()).collect()
        };
        let first = persons(&|role| role.position() == Position::First);
        let second = persons(&|role| role.position() == Position::Second);
        let field = || format!("appointments[{index}]");
        let too_many = |most: usize, what: &str, found: usize| {
            let when = at.to_rfc3339(7 * 60);
            fault(field(), format!("at most {most} persons with {what} at {when}"), &found.to_string())
        };
        if first.len() > MOST_FIRST {
            return Err(too_many(MOST_FIRST, "the first signature", first.len()));
        }
        if second.len() > MOST_SECOND {
            return Err(too_many(MOST_SECOND, "the second signature", second.len()));
        }
        for role in [Role::AccountHolder, Role::ChiefAccountant] {
            let found = persons(&|other| other == role).len();
            if found > 1 {
                return Err(too_many(1, &format!("the role {}", role.code()), found));
            }
        }
        match first.intersection(&second).next() {
            Some(both) => Err(fault(field(), "different persons for the first and the second signature", both)),
            None => Ok(()),
        }
    }
}

fn fault(field: String, expected: impl Into<std::borrow::Cow<'static, str>>, found: &str) -> Error {
    Malformed::new(Format::Policy, field, expected).found(format_args!("{found:?}")).into()
}

/// Names and titles as they are compared: composition, case and spaces do not count.
pub(super) fn comparable(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}
