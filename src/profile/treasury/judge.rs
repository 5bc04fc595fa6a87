//! The judgement: which signatures fulfil the policy, and what is missing.

use std::collections::BTreeSet;

use super::document::SignatureFacts;
use super::document::SignatureVerdict;
use super::document::SignedDocument;
use super::finding::Problem;
use super::finding::RoleFinding;
use super::finding::Signatory;
use super::policy::Appointment;
use super::policy::Order;
use super::policy::Person;
use super::policy::Position;
use super::policy::RolePolicy;
use super::policy::SecondSignature;
use super::policy::SubjectRule;
use super::policy::comparable;
use crate::error::Error;
use crate::error::Misuse;
use crate::finding::Severity;
use crate::time::Time;
use crate::validate::Language;

/// What a voucher's signatures amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // complete: callers map it to exit codes
pub enum RoleOutcome {
    /// Every demanded signature is there, valid, of the right persons.
    Fulfilled,
    /// No rule is broken, and something is missing or not known yet.
    Incomplete,
    /// A signature failed, or a rule is broken.
    Violated,
}

impl RoleOutcome {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fulfilled => "FULFILLED",
            Self::Incomplete => "INCOMPLETE",
            Self::Violated => "VIOLATED",
        }
    }
}

/// A demanded signature that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fulfilment {
    /// Who gave it.
    pub signatory: Signatory,
    /// The name of the signature in the document.
    pub signature: String,
    /// SHA-256 of the certificate, hexadecimal.
    pub certificate: String,
    /// The earliest time at which it is proven to have existed, else the validation time.
    pub best_signature_time: Time,
}

/// The judgement on one document, reproducible from what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleReport {
    /// The unit of the policy.
    pub unit: String,
    /// The version of the policy.
    pub policy_version: String,
    /// The code of the kind of transaction.
    pub transaction: String,
    /// The time for which the document was validated.
    pub validation_time: Time,
    /// What it amounts to.
    pub outcome: RoleOutcome,
    /// Whether the unit has a second signature.
    pub second_signature: SecondSignature,
    /// The first signature.
    pub first: Option<Fulfilment>,
    /// The second signature.
    pub second: Option<Fulfilment>,
    /// What is wrong or missing.
    pub findings: Vec<RoleFinding>,
}

/// A passed signature with an appointment that permits it.
#[derive(Clone, Copy)]
struct Candidate<'c> {
    facts: &'c SignatureFacts,
    person: &'c Person,
    appointment: &'c Appointment,
}

/// Whether an appointment permits a signature.
enum Fit<'c> {
    Permits(&'c Appointment),
    Not(RoleFinding),
}

impl RolePolicy {
    /// Judges the signatures of a document for a kind of transaction.
    ///
    /// # Errors
    /// As [`check`](Self::check); [`Error::Misuse`] for a kind that the policy does not have.
    pub fn judge(&self, document: &dyn SignedDocument, transaction: &str) -> Result<RoleReport, Error> {
        self.check()?;
        if !self.transactions.iter().any(|kind| kind.code == transaction) {
            let known: Vec<&str> = self.transactions.iter().map(|kind| kind.code.as_str()).collect();
            let message = format!("the policy has no kind of transaction {transaction:?}; it has {}", known.join(", "));
            return Err(Misuse::new(message).into());
        }
        let at = document.validation_time();
        let signatures = document.signatures();
        let mut findings: Vec<RoleFinding> = document
            .faults()
            .into_iter()
            .map(|detail| RoleFinding { detail, ..RoleFinding::new(Problem::DocumentFault) })
            .collect();
        let (mut candidates, mut undecided) = (Vec::new(), BTreeSet::new());
        for facts in &signatures {
            match self.candidate(facts, transaction) {
                Ok(candidate) => candidates.push(candidate),
                Err(finding) => {
                    if finding.problem.severity() == Severity::Warning {
                        undecided.extend(finding.position);
                    }
                    findings.push(finding);
                }
            }
        }
        let of = |position: Position| -> Vec<Candidate<'_>> {
            candidates.iter().copied().filter(|c| c.appointment.role.position() == position).collect()
        };
        let (first, second) = (of(Position::First), of(Position::Second));
        let demanded = match self.second_signature {
            SecondSignature::Demanded => &[(Position::First, &first), (Position::Second, &second)][..],
            SecondSignature::None => &[(Position::First, &first)],
        };
        for (position, found) in demanded {
            if found.is_empty() && !undecided.contains(position) {
                findings.push(RoleFinding {
                    position: Some(*position),
                    people: self.able(*position, transaction, at),
                    ..RoleFinding::new(Problem::Missing)
                });
            }
        }
        let (first, second, complete) = match self.second_signature {
            SecondSignature::None => (first.first().copied(), None, !first.is_empty()),
            SecondSignature::Demanded => match self.pair(&first, &second) {
                Ok((first, second)) => (Some(first), Some(second), true),
                Err(finding) => {
                    findings.extend(finding);
                    (first.first().copied(), second.first().copied(), false)
                }
            },
        };
        let worst = findings.iter().map(|finding| finding.problem.severity()).max();
        let outcome = match worst {
            Some(Severity::Error) => RoleOutcome::Violated,
            Some(Severity::Warning) => RoleOutcome::Incomplete,
            _ if complete => RoleOutcome::Fulfilled,
            _ => RoleOutcome::Incomplete,
        };
        Ok(RoleReport {
            unit: self.unit.clone(),
            policy_version: self.version.clone(),
            transaction: transaction.to_owned(),
            validation_time: at,
            outcome,
            second_signature: self.second_signature,
            first: first.map(|c| c.fulfilment()),
            second: second.map(|c| c.fulfilment()),
            findings,
        })
    }

    /// What a signature counts for, or why it does not.
    fn candidate<'c>(&'c self, facts: &'c SignatureFacts, transaction: &str) -> Result<Candidate<'c>, RoleFinding> {
        let about = |problem| RoleFinding { signature: Some(facts.name.clone()), ..RoleFinding::new(problem) };
        let owner = |person: &&Person| facts.certificate.as_ref().is_some_and(|own| person.certificates.contains(own));
        let person = self.persons.iter().find(owner);
        let own = || self.appointments.iter().filter(|a| person.is_some_and(|person| a.person == person.id));
        // Those of this transaction say more than the rest.
        let nearest = own().find(|a| a.transactions.include(transaction)).or_else(|| own().next());
        let of_person = |mut finding: RoleFinding| {
            if let (Some(person), Some(appointment)) = (person, nearest) {
                finding.position = Some(appointment.role.position());
                finding.people = vec![signatory(person, appointment)];
            }
            finding
        };
        if let SignatureVerdict::Failed(sub) = &facts.verdict {
            return Err(of_person(RoleFinding { detail: sub.clone(), ..about(Problem::SignatureFailed) }));
        }
        let mut fits = own().map(|appointment| self.fit(facts, appointment, person, transaction));
        let fit = match (person, nearest) {
            (Some(_), Some(_)) => {
                let mut refusals = Vec::new();
                let permits = fits.find_map(|fit| match fit {
                    Fit::Permits(appointment) => Some(appointment),
                    Fit::Not(finding) => {
                        refusals.push(finding);
                        None
                    }
                });
                // Of several reasons the one that comes nearest to permission.
                permits.ok_or_else(|| refusals.into_iter().min_by_key(|f| nearness(f.problem)))
            }
            _ => Err(None),
        };
        if let SignatureVerdict::Undecided(sub) = &facts.verdict {
            return Err(of_person(RoleFinding { detail: sub.clone(), ..about(Problem::SignatureUndecided) }));
        }
        match (fit, person) {
            (Ok(appointment), Some(person)) => Ok(Candidate { facts, person, appointment }),
            (Err(Some(finding)), _) => Err(finding),
            _ => {
                let detail = facts.common_name.clone().unwrap_or_default();
                Err(RoleFinding { detail, ..about(Problem::UnknownSigner) })
            }
        }
    }

    fn fit<'c>(
        &'c self,
        facts: &SignatureFacts,
        appointment: &'c Appointment,
        person: Option<&Person>,
        transaction: &str,
    ) -> Fit<'c> {
        let Some(person) = person else { return Fit::Not(RoleFinding::new(Problem::UnknownSigner)) };
        let not = |problem, detail: String, time: Option<Time>| {
            Fit::Not(RoleFinding {
                problem,
                position: Some(appointment.role.position()),
                signature: Some(facts.name.clone()),
                people: vec![signatory(person, appointment)],
                time,
                detail,
            })
        };
        if !appointment.transactions.include(transaction) {
            return not(Problem::OtherTransaction, transaction.to_owned(), None);
        }
        let (best, claimed) = (facts.best_signature_time, facts.claimed_signing_time);
        match claimed {
            // The signer's own word counts against the signer, never in favour.
            Some(claimed) if claimed < appointment.from => {
                return not(Problem::OutsideAppointment, String::new(), Some(claimed));
            }
            _ if appointment.covers(best) => {}
            Some(claimed) if !facts.time_is_proven && appointment.covers(claimed) => {
                return not(Problem::TimeNotProven, String::new(), Some(claimed));
            }
            _ => return not(Problem::OutsideAppointment, String::new(), Some(best)),
        }
        let demanded = [
            (Problem::NameDiffers, self.names, &facts.common_name, &person.name),
            (Problem::TitleDiffers, self.titles, &facts.title, &appointment.title),
        ];
        for (problem, rule, found, notified) in demanded {
            let differs = match (rule, found) {
                (SubjectRule::Ignored, _) | (SubjectRule::IfPresent, None) => false,
                (SubjectRule::Demanded, None) => true,
                (_, Some(found)) => comparable(found) != comparable(notified),
            };
            // What did not pass has no subject that can be relied on.
            if differs && facts.verdict == SignatureVerdict::Passed {
                return not(problem, found.clone().unwrap_or_default(), None);
            }
        }
        if !facts.covers_whole {
            return not(Problem::NotWhole, String::new(), None);
        }
        if facts.changed_afterwards || (facts.filled_afterwards && !self.form_filling) {
            return not(Problem::ChangedAfterwards, String::new(), None);
        }
        Fit::Permits(appointment)
    }

    /// A first and a second signature that fit together; else why none do, or
    /// nothing where one is missing.
    fn pair<'c>(
        &self,
        first: &[Candidate<'c>],
        second: &[Candidate<'c>],
    ) -> Result<(Candidate<'c>, Candidate<'c>), Option<RoleFinding>> {
        let (mut same, mut wrong, mut open) = (None, None, None);
        for a in first {
            for b in second {
                if a.person.id == b.person.id {
                    let people = vec![signatory(a.person, a.appointment)];
                    same = Some(RoleFinding { people, ..RoleFinding::new(Problem::SamePerson) });
                    continue;
                }
                let in_order = match self.order {
                    Order::Any => Some(true),
                    Order::FirstBeforeSecond => before(a.facts, b.facts),
                    Order::SecondBeforeFirst => before(b.facts, a.facts),
                };
                match in_order {
                    Some(true) => return Ok((*a, *b)),
                    Some(false) => wrong = Some(RoleFinding::new(Problem::WrongOrder)),
                    None => open = Some(RoleFinding::new(Problem::OrderNotProven)),
                }
            }
        }
        // What a time-stamp could still bring in order is not wrong yet.
        Err(open.or(wrong).or(same))
    }

    /// Who could give a signature at a time.
    fn able(&self, position: Position, transaction: &str, at: Time) -> Vec<Signatory> {
        let able =
            |a: &&Appointment| a.role.position() == position && a.covers(at) && a.transactions.include(transaction);
        let mut all: Vec<&Appointment> = self.appointments.iter().filter(able).collect();
        all.sort_by_key(|appointment| appointment.role);
        all.into_iter()
            .filter_map(|a| Some(signatory(self.persons.iter().find(|person| person.id == a.person)?, a)))
            .collect()
    }
}

impl Candidate<'_> {
    fn fulfilment(&self) -> Fulfilment {
        Fulfilment {
            signatory: signatory(self.person, self.appointment),
            signature: self.facts.name.clone(),
            certificate: self.facts.certificate.clone().unwrap_or_default(),
            best_signature_time: self.facts.best_signature_time,
        }
    }
}

/// Reasons in the order in which they are told: what is nearest to being right first.
const fn nearness(problem: Problem) -> u8 {
    match problem {
        Problem::TimeNotProven => 0,
        Problem::ChangedAfterwards | Problem::NotWhole => 1,
        Problem::TitleDiffers => 2,
        Problem::NameDiffers => 3,
        Problem::OutsideAppointment => 4,
        _ => 5,
    }
}

/// Whether `a` was given before `b`; `None` where nothing tells.
fn before(a: &SignatureFacts, b: &SignatureFacts) -> Option<bool> {
    if let (Some(a), Some(b)) = (a.sequence, b.sequence) {
        return Some(a < b);
    }
    let proven = a.time_is_proven && b.time_is_proven && a.best_signature_time != b.best_signature_time;
    proven.then(|| a.best_signature_time < b.best_signature_time)
}

fn signatory(person: &Person, appointment: &Appointment) -> Signatory {
    Signatory {
        person: person.id.clone(),
        name: person.name.clone(),
        title: appointment.title.clone(),
        role: appointment.role,
    }
}

impl RoleReport {
    /// The judgement for a person, on one screen.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        let vietnamese = language == Language::Vietnamese;
        let outcome = match (vietnamese, self.outcome) {
            (true, RoleOutcome::Fulfilled) => "ĐỦ chữ ký theo quy định",
            (true, RoleOutcome::Incomplete) => "CHƯA ĐỦ chữ ký theo quy định",
            (true, RoleOutcome::Violated) => "KHÔNG ĐÚNG quy định về chữ ký",
            (false, RoleOutcome::Fulfilled) => "signed as demanded",
            (false, RoleOutcome::Incomplete) => "NOT COMPLETE: not signed as demanded yet",
            (false, RoleOutcome::Violated) => "NOT ACCEPTABLE: the rules on signatures are broken",
        };
        let mut lines = vec![format!("{}: {outcome}", self.unit)];
        let demanded = match self.second_signature {
            SecondSignature::Demanded => &[(Position::First, &self.first), (Position::Second, &self.second)][..],
            SecondSignature::None => &[(Position::First, &self.first)],
        };
        for (position, fulfilment) in demanded {
            let who = match fulfilment {
                Some(f) => {
                    let (s, zone) = (&f.signatory, if vietnamese { 7 * 60 } else { 0 });
                    let time = f.best_signature_time.to_rfc3339(zone);
                    format!("{}, {} ({}), {time}", s.name, s.title, s.role.name(language))
                }
                None if vietnamese => "chưa có".to_owned(),
                None => "none yet".to_owned(),
            };
            lines.push(format!("  {}: {who}", position.name(language)));
        }
        lines.extend(self.findings.iter().map(|finding| format!("  - {}", finding.message(language))));
        lines.join("\n") + "\n"
    }
}
