//! Policies from and to JSON, reports to JSON (feature `serde`).

use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use serde_json::json;

use super::judge::Fulfilment;
use super::judge::RoleReport;
use super::policy::Appointment;
use super::policy::Order;
use super::policy::Person;
use super::policy::Role;
use super::policy::RolePolicy;
use super::policy::SecondSignature;
use super::policy::SubjectRule;
use super::policy::TransactionKind;
use super::policy::Transactions;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::time::Time;
use crate::validate::Language;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    unit: String,
    version: String,
    second_signature: String,
    #[serde(default = "any")]
    order: String,
    transactions: Vec<WrittenKind>,
    persons: Vec<WrittenPerson>,
    appointments: Vec<WrittenAppointment>,
    #[serde(default = "demanded")]
    names: String,
    #[serde(default = "if_present")]
    titles: String,
    #[serde(default)]
    form_filling: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenKind {
    code: String,
    name: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPerson {
    id: String,
    name: String,
    certificates: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAppointment {
    person: String,
    role: String,
    title: String,
    transactions: WrittenTransactions,
    from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WrittenTransactions {
    All(String),
    Only(Vec<String>),
}

fn any() -> String {
    "any".to_owned()
}

fn demanded() -> String {
    "demanded".to_owned()
}

fn if_present() -> String {
    "if-present".to_owned()
}

const SECOND: [(&str, SecondSignature); 2] = [("demanded", SecondSignature::Demanded), ("none", SecondSignature::None)];
const ORDER: [(&str, Order); 3] = [
    ("any", Order::Any),
    ("first-before-second", Order::FirstBeforeSecond),
    ("second-before-first", Order::SecondBeforeFirst),
];
const SUBJECT: [(&str, SubjectRule); 3] =
    [("demanded", SubjectRule::Demanded), ("if-present", SubjectRule::IfPresent), ("ignored", SubjectRule::Ignored)];

fn named<T: Copy>(table: &[(&str, T)], field: &'static str, text: &str) -> Result<T, Error> {
    let found = table.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
    let names = || table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| Malformed::new(Format::Policy, field, format!("one of {}", names())).found(text).into())
}

fn name_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> String {
    table.iter().find(|(_, known)| known == value).map(|(name, _)| (*name).to_owned()).unwrap_or_default()
}

/// A time in RFC 3339, or a day in Vietnam: its beginning, or its end.
fn time(field: String, text: &str, is_end: bool) -> Result<Time, Error> {
    let expected = "a day such as 2026-01-31, or RFC 3339";
    let fault = || Error::from(Malformed::new(Format::Policy, field, expected).found(text));
    if text.len() != 10 {
        return Time::parse_rfc3339(text).map_err(|_| fault());
    }
    let midnight = Time::parse_rfc3339(&format!("{text}T00:00:00+07:00")).map_err(|_| fault())?;
    Ok(if is_end { midnight.saturating_add(std::time::Duration::from_secs(86_400)) } else { midnight })
}

impl RolePolicy {
    /// From JSON.
    ///
    /// `from` and `until` are RFC 3339, `until` being the first instant that does
    /// not count any more, or days in Vietnam (UTC+7), both included. Unknown
    /// members are refused.
    ///
    /// # Errors
    /// [`Error::Malformed`] for other JSON, and for what [`check`](Self::check) refuses.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let written: Written = serde_json::from_str(text)
            .map_err(|e| Malformed::new(Format::Policy, "policy", "the roles of a unit as JSON").found(e))?;
        let mut appointments = Vec::new();
        for (index, written) in written.appointments.into_iter().enumerate() {
            let field = |name: &str| format!("appointments[{index}].{name}");
            let role = Role::from_code(&written.role).ok_or_else(|| {
                let codes = Role::ALL.map(Role::code).join(", ");
                Malformed::new(Format::Policy, field("role"), format!("one of {codes}")).found(&written.role)
            })?;
            let transactions = match written.transactions {
                WrittenTransactions::Only(codes) => Transactions::Only(codes),
                WrittenTransactions::All(all) if all == "all" => Transactions::All,
                WrittenTransactions::All(other) => {
                    let expected = "a list of codes, or \"all\"";
                    return Err(Malformed::new(Format::Policy, field("transactions"), expected).found(other).into());
                }
            };
            let from = time(field("from"), &written.from, false)?;
            let until = written.until.map(|until| time(field("until"), &until, true)).transpose()?;
            let (person, title) = (written.person, written.title);
            appointments.push(Appointment { person, role, title, transactions, from, until });
        }
        let persons = written.persons.into_iter().map(|written| {
            written.certificates.iter().fold(Person::new(written.id, written.name), Person::certificate)
        });
        let policy = Self {
            unit: written.unit,
            version: written.version,
            second_signature: named(&SECOND, "second_signature", &written.second_signature)?,
            order: named(&ORDER, "order", &written.order)?,
            transactions: written.transactions.into_iter().map(|w| TransactionKind::new(w.code, w.name)).collect(),
            persons: persons.collect(),
            appointments,
            names: named(&SUBJECT, "names", &written.names)?,
            titles: named(&SUBJECT, "titles", &written.titles)?,
            form_filling: written.form_filling,
        };
        policy.check()?;
        Ok(policy)
    }

    /// To JSON, with times in Vietnam's zone.
    #[must_use]
    pub fn to_json(&self) -> String {
        let zone = 7 * 60;
        let written = Written {
            unit: self.unit.clone(),
            version: self.version.clone(),
            second_signature: name_of(&SECOND, &self.second_signature),
            order: name_of(&ORDER, &self.order),
            transactions: self
                .transactions
                .iter()
                .map(|kind| WrittenKind { code: kind.code.clone(), name: kind.name.clone() })
                .collect(),
            persons: self
                .persons
                .iter()
                .map(|p| WrittenPerson { id: p.id.clone(), name: p.name.clone(), certificates: p.certificates.clone() })
                .collect(),
            appointments: self
                .appointments
                .iter()
                .map(|a| WrittenAppointment {
                    person: a.person.clone(),
                    role: a.role.code().to_owned(),
                    title: a.title.clone(),
                    transactions: match &a.transactions {
                        Transactions::All => WrittenTransactions::All("all".to_owned()),
                        Transactions::Only(codes) => WrittenTransactions::Only(codes.clone()),
                    },
                    from: a.from.to_rfc3339(zone),
                    until: a.until.map(|until| until.to_rfc3339(zone)),
                })
                .collect(),
            names: name_of(&SUBJECT, &self.names),
            titles: name_of(&SUBJECT, &self.titles),
            form_filling: self.form_filling,
        };
        serde_json::to_string_pretty(&written).unwrap_or_default()
    }
}

impl RoleReport {
    /// The judgement as JSON, schema version 1, with the sentences in `language`.
    #[must_use]
    pub fn to_json(&self, language: Language) -> String {
        let fulfilment = |fulfilment: &Option<Fulfilment>| match fulfilment {
            None => Value::Null,
            Some(f) => json!({
                "person": f.signatory.person,
                "name": f.signatory.name,
                "title": f.signatory.title,
                "role": f.signatory.role.code(),
                "signature": f.signature,
                "certificate_sha256": f.certificate,
                "best_signature_time": f.best_signature_time.to_rfc3339(0),
            }),
        };
        let findings = self.findings.iter().map(|finding| {
            let people = finding
                .people
                .iter()
                .map(|p| json!({ "person": p.person, "name": p.name, "title": p.title, "role": p.role.code() }));
            json!({
                "code": finding.problem.code(),
                "severity": finding.problem.severity().name(),
                "position": finding.position.map(super::policy::Position::code),
                "signature": finding.signature,
                "people": people.collect::<Vec<_>>(),
                "time": finding.time.map(|time| time.to_rfc3339(0)),
                "detail": finding.detail,
                "message": finding.message(language),
            })
        });
        let report = json!({
            "schema_version": 1,
            "outcome": self.outcome.name(),
            "unit": self.unit,
            "policy_version": self.policy_version,
            "transaction": self.transaction,
            "validation_time": self.validation_time.to_rfc3339(0),
            "second_signature": name_of(&SECOND, &self.second_signature),
            "first": fulfilment(&self.first),
            "second": fulfilment(&self.second),
            "findings": findings.collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&report).unwrap_or_default()
    }
}
