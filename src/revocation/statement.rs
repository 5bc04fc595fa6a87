//! What pieces of evidence say, and what they say together.

use super::evidence::EvidenceUsed;
use super::rules::Freshness;
use super::rules::RevocationRules;
use super::status::Revocation;
use super::status::UnknownReason;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::ReasonFlags;
use crate::x509::RevocationReason;

/// `certificateHold` among the flags.
const HOLD: ReasonFlags = ReasonFlags(1 << 6);

/// What one piece of evidence (or a CRL with its delta) says of one certificate:
/// authentic, by an entitled signer, in scope.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// `None`: not revoked.
    pub(super) revocation: Option<Revocation>,
    /// The reasons for which it speaks.
    pub(super) reasons: ReasonFlags,
    pub(super) this_update: Time,
    pub(super) next_update: Option<Time>,
    /// Certificates that expired at this time or later are still shown.
    pub(super) shows_expired_from: Option<Time>,
    pub(super) used: Vec<EvidenceUsed>,
}

/// What is asked of the statements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) at: Time,
    pub(super) rules: &'a RevocationRules,
}

/// The answer of all statements together.
#[derive(Debug)]
pub(super) enum Answer {
    Good { revoked_later: Option<Revocation>, used: Vec<EvidenceUsed> },
    Revoked { revocation: Revocation, used: Vec<EvidenceUsed> },
    Open { reason: UnknownReason, detail: String, not_before: Option<Time> },
}

impl Statement {
    /// The revocation as far as it had happened at the time.
    fn revoked_at(&self, at: Time) -> Option<Revocation> {
        self.revocation.filter(|r| r.time <= at)
    }

    /// A hold in force at the time.
    fn held_at(&self, at: Time) -> Option<Revocation> {
        self.revoked_at(at).filter(|r| r.reason == Some(RevocationReason::CertificateHold))
    }

    /// Why it cannot show that the certificate was not revoked at the time.
    fn doubt(&self, asked: Asked<'_>) -> Option<(UnknownReason, String)> {
        let Asked { certificate, at, rules } = asked;
        let expiry = certificate.not_after();
        let shown = self.revocation.is_some()
            || expiry >= self.this_update
            || self.shows_expired_from.is_some_and(|from| expiry >= from);
        if !shown {
            let detail = format!(
                "the certificate had expired at {}, before the evidence was issued at {}, which need no longer show it",
                expiry.to_rfc3339(0),
                self.this_update.to_rfc3339(0)
            );
            return Some((UnknownReason::ExpiredBefore, detail));
        }
        if self.this_update >= at {
            return None;
        }
        let stale = |detail: String| Some((UnknownReason::Stale, detail));
        let issued = self.this_update.to_rfc3339(0);
        if rules.freshness == Freshness::IssuedAfterTime {
            return stale(format!("issued at {issued}, before the time asked for"));
        }
        let max_age = match self.next_update {
            Some(next) if at.unix() > next.unix() => {
                return stale(format!("newer evidence was due at {}", next.to_rfc3339(0)));
            }
            Some(_) => rules.max_age,
            None => Some(rules.max_age_without_next_update.min(rules.max_age.unwrap_or(std::time::Duration::MAX))),
        };
        match max_age {
            Some(age) if self.this_update.saturating_add(age) < at => {
                stale(format!("issued at {issued}, longer ago than the rules allow"))
            }
            _ => None,
        }
    }

    fn order(&self) -> (bool, std::cmp::Reverse<Time>, [u8; 32]) {
        let digest = self.used.first().and_then(|u| <[u8; 32]>::try_from(u.source.sha256().octets()).ok());
        (self.revocation.is_none(), std::cmp::Reverse(self.this_update), digest.unwrap_or_default())
    }
}

/// The answer of all statements, in whatever order they come.
pub(super) fn combine(asked: Asked<'_>, mut statements: Vec<Statement>) -> Answer {
    // Those that know of a revocation first, then the younger.
    statements.sort_by_key(Statement::order);
    let at = asked.at;
    let held = |s: &Statement| s.held_at(at).is_some();

    // A revocation is for good: neither age nor other evidence takes it back.
    let permanent = statements.iter().filter(|s| !held(s)).filter_map(|s| Some((s.revoked_at(at)?, s)));
    if let Some((revocation, statement)) = permanent.min_by_key(|(r, _)| r.time) {
        return Answer::Revoked { revocation, used: statement.used.clone() };
    }
    if let Some(answer) = hold(asked, &statements) {
        return answer;
    }

    let (mut reasons, mut used) = (ReasonFlags::NONE, Vec::new());
    let mut doubt: Option<(UnknownReason, String, Option<Time>)> = None;
    for statement in statements.iter().filter(|s| !held(s)) {
        match statement.doubt(asked) {
            Some((reason, detail)) if doubt.as_ref().is_none_or(|(known, ..)| *known < reason) => {
                let wait = asked.rules.freshness == Freshness::IssuedAfterTime;
                doubt = Some((reason, detail, statement.next_update.filter(|_| wait)));
            }
            Some(_) => {}
            None if reasons.contains(statement.reasons) => {}
            None => {
                reasons = reasons.union(statement.reasons);
                used.extend(statement.used.iter().cloned());
            }
        }
    }
    if reasons.contains(ReasonFlags::ALL) {
        let revoked_later = statements.iter().filter_map(|s| s.revocation).min_by_key(|r| r.time);
        return Answer::Good { revoked_later: revoked_later.filter(|r| r.time > at), used };
    }
    let (reason, detail, not_before) = doubt.unwrap_or_else(|| {
        let detail = if used.is_empty() { "no evidence on this certificate" } else { "not all reasons are covered" };
        let reason = if used.is_empty() { UnknownReason::NoEvidence } else { UnknownReason::OutOfScope };
        (reason, detail.to_owned(), None)
    });
    Answer::Open { reason, detail, not_before }
}

/// Whether a hold decides. It ends where newer evidence, from before the time
/// asked for, no longer has it.
fn hold(asked: Asked<'_>, statements: &[Statement]) -> Option<Answer> {
    let at = asked.at;
    let mut stale = false;
    for statement in statements {
        let Some(revocation) = statement.held_at(at) else { continue };
        let lifted = statements.iter().any(|s| {
            s.revoked_at(at).is_none()
                && s.reasons.contains(HOLD)
                && s.this_update > statement.this_update
                && s.this_update <= at
        });
        if lifted {
            continue;
        }
        if statement.doubt(asked).is_none() {
            return Some(Answer::Revoked { revocation, used: statement.used.clone() });
        }
        stale = true;
    }
    let detail = "the certificate was on hold, and no newer evidence says whether it still is";
    stale.then(|| Answer::Open { reason: UnknownReason::OnHold, detail: detail.to_owned(), not_before: None })
}
