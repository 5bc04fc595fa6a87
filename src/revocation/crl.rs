//! CRLs (RFC 5280 §6.3.3): scope, delta CRLs, entries.

use super::engine::Engine;
use super::engine::Gathered;
use super::engine::Question;
use super::engine::Refusal;
use super::evidence::EvidenceUsed;
use super::evidence::Source;
use super::signer::Signer;
use super::statement::Statement;
use super::status::Revocation;
use super::status::UnknownReason;
use crate::asn1::Oid;
use crate::error::Error;
use crate::path::Signed;
use crate::x509::Crl;
use crate::x509::DistributionPoint;
use crate::x509::DistributionPointName;
use crate::x509::GeneralName;
use crate::x509::IssuingDistributionPoint;
use crate::x509::Name;
use crate::x509::ReasonFlags;
use crate::x509::RevocationReason;
use crate::x509::RevokedEntry;
use crate::x509::Serial;

/// Extensions of a CRL that are processed here, or that leave the statuses as they are.
const UNDERSTOOD: &[Oid] = &[
    Oid::known(&[0x55, 0x1D, 18]),            // issuerAltName
    Oid::known(&[0x55, 0x1D, 20]),            // cRLNumber
    Oid::known(&[0x55, 0x1D, 27]),            // deltaCRLIndicator
    Oid::known(&[0x55, 0x1D, 28]),            // issuingDistributionPoint
    Oid::known(&[0x55, 0x1D, 35]),            // authorityKeyIdentifier
    Oid::known(&[0x55, 0x1D, 46]),            // freshestCRL
    Oid::known(&[0x55, 0x1D, 60]),            // expiredCertsOnCRL
    Oid::known(&[0x2B, 6, 1, 5, 5, 7, 1, 1]), // authorityInfoAccess
];

/// A distribution point of the certificate, its names in full.
struct Point {
    /// Empty where it names none.
    names: Vec<GeneralName>,
    reasons: ReasonFlags,
    /// `cRLIssuer`; `None`: the certificate's issuer.
    issuers: Option<Vec<GeneralName>>,
}

/// A CRL that may be used at all.
struct Usable<'c> {
    crl: &'c Crl,
    idp: Option<IssuingDistributionPoint>,
    /// `BaseCRLNumber`; `None` for a complete CRL.
    base: Option<Serial>,
}

/// Every statement of a CRL on the certificate.
pub(super) fn gather(engine: &Engine<'_>, question: &Question<'_>, gathered: &mut Gathered) {
    let points = points(question);
    let names = |name: &Name| {
        name == question.certificate.issuer()
            || points.iter().flat_map(|p| p.issuers.iter().flatten()).any(|n| is_directory(n, name))
    };
    let (mut complete, mut deltas) = (Vec::new(), Vec::new());
    for crl in engine.evidence.crls() {
        if let Err(refusal) = engine.step() {
            gathered.refuse(crl.sha256(), refusal);
            return;
        }
        if !names(crl.issuer()) {
            continue;
        }
        match usable(crl) {
            Ok(usable) if usable.base.is_none() => complete.push(usable),
            Ok(usable) => deltas.push((usable, false)),
            Err(refusal) => gathered.refuse(crl.sha256(), refusal),
        }
    }
    if !engine.rules.use_deltas {
        deltas.clear();
    }
    for base in &complete {
        if let Err(refusal) = judge(engine, question, &points, base, &mut deltas, gathered) {
            gathered.refuse(base.crl.sha256(), refusal);
        }
    }
    for (delta, _) in deltas.iter().filter(|(_, combined)| !combined) {
        let detail = "a delta CRL, and no complete CRL to which it belongs is at hand";
        gathered.refuse(delta.crl.sha256(), Refusal::new(UnknownReason::OutOfScope, detail));
    }
}

fn judge(
    engine: &Engine<'_>,
    question: &Question<'_>,
    points: &[Point],
    base: &Usable<'_>,
    deltas: &mut [(Usable<'_>, bool)],
    gathered: &mut Gathered,
) -> Result<(), Refusal> {
    let crl = base.crl;
    let reasons = scope(base, points, question)?;
    let signer = engine.crl_signer(question, crl)?;
    let listed = entry(crl, question)?;
    let shows_expired_from = crl.expired_certs_on_crl().map_err(|e| Refusal::not_understood(&e))?;
    let used = used(crl, &signer, true);
    let mut superseded = false;
    for (delta, combined) in deltas {
        engine.step()?;
        if !belongs(delta, base) {
            continue;
        }
        *combined = true;
        let changed = match engine.verify(&Signed::crl(delta.crl), &signer.key) {
            Ok(fact) => entry(delta.crl, question).map(|entry| (fact, entry)),
            Err(refusal) => Err(refusal),
        };
        let (fact, changed) = match changed {
            Ok(changed) => changed,
            Err(refusal) => {
                gathered.refuse(delta.crl.sha256(), refusal);
                continue;
            }
        };
        superseded |= delta.crl.this_update() <= question.at;
        let delta_used = EvidenceUsed { signature: fact, ..self::used(delta.crl, &signer, false) };
        gathered.statements.push(Statement {
            revocation: revocation(changed.or_else(|| listed.clone())),
            reasons,
            this_update: delta.crl.this_update(),
            next_update: delta.crl.next_update(),
            shows_expired_from,
            used: vec![used.clone(), delta_used],
        });
    }
    if !superseded {
        gathered.statements.push(Statement {
            revocation: revocation(listed),
            reasons,
            this_update: crl.this_update(),
            next_update: crl.next_update(),
            shows_expired_from,
            used: vec![used],
        });
    }
    Ok(())
}

/// What does not depend on the certificate.
fn usable(crl: &Crl) -> Result<Usable<'_>, Refusal> {
    let not_understood = |detail: String| Refusal::new(UnknownReason::NotUnderstood, detail);
    let mut seen = std::collections::BTreeSet::new();
    for extension in crl.extensions() {
        if !seen.insert(extension.oid) {
            return Err(not_understood(format!("extension {} stands twice", extension.oid)));
        }
        if extension.critical && !UNDERSTOOD.contains(&extension.oid) {
            return Err(not_understood(format!("critical extension {} is not understood", extension.oid)));
        }
    }
    let read = || -> Result<_, Error> {
        let idp = crl.issuing_distribution_point()?;
        Ok((idp, crl.delta_base()?, crl.unknown_critical_entry_extension()?, crl.names_certificate_issuers()?))
    };
    let (idp, base, unknown, names_issuers) = read().map_err(|e| Refusal::not_understood(&e))?;
    if let Some(oid) = unknown {
        return Err(not_understood(format!("critical extension {oid} of an entry is not understood")));
    }
    if names_issuers && !idp.as_ref().is_some_and(|i| i.indirect_crl) {
        return Err(not_understood("entries name other issuers, though it is no indirect CRL".to_owned()));
    }
    Ok(Usable { crl, idp, base })
}

/// The reasons for which the CRL covers the certificate: (b), (d) and (e).
fn scope(usable: &Usable<'_>, points: &[Point], question: &Question<'_>) -> Result<ReasonFlags, Refusal> {
    let out = |detail: &str| Err(Refusal::new(UnknownReason::OutOfScope, detail));
    let Usable { crl, idp, .. } = usable;
    let idp = idp.as_ref();
    let is_ca = match question.certificate.basic_constraints() {
        Ok(constraints) => constraints.is_some_and(|c| c.ca),
        Err(fault) => return Err(Refusal::not_understood(&fault)),
    };
    if idp.is_some_and(|i| i.only_attribute_certs) {
        return out("the CRL covers attribute certificates only");
    }
    if is_ca && idp.is_some_and(|i| i.only_user_certs) {
        return out("the CRL covers certificates of users only, and this one is of a CA");
    }
    if !is_ca && idp.is_some_and(|i| i.only_ca_certs) {
        return out("the CRL covers certificates of CAs only, and this one is of a user");
    }
    let names = idp.map_or_else(Vec::new, |i| full_names(i.name.as_ref(), crl.issuer()));
    // A name that is there but cannot be told matches nothing.
    let named = idp.is_some_and(|i| i.name.is_some());
    let own = idp.and_then(|i| i.only_some_reasons).unwrap_or(ReasonFlags::ALL);
    let mut reasons = ReasonFlags::NONE;
    for point in points {
        let issuer = match &point.issuers {
            Some(issuers) => {
                idp.is_some_and(|i| i.indirect_crl) && issuers.iter().any(|n| is_directory(n, crl.issuer()))
            }
            None => crl.issuer() == question.certificate.issuer(),
        };
        let candidates = if point.names.is_empty() { point.issuers.as_deref().unwrap_or(&[]) } else { &point.names };
        if issuer && (!named || names.iter().any(|n| candidates.contains(n))) {
            reasons = reasons.union(own.intersection(point.reasons));
        }
    }
    if reasons == ReasonFlags::NONE {
        return out("the CRL does not cover a distribution point of the certificate");
    }
    Ok(reasons)
}

/// The distribution points, and the one that stands for CRLs of the issuer in
/// general (the last paragraph of §6.3.3).
fn points(question: &Question<'_>) -> Vec<Point> {
    let issuer = question.certificate.issuer();
    // An extension that cannot be read names no point; then a CRL for all certificates of the issuer may do.
    let stated = question.certificate.crl_distribution_points().ok().flatten().unwrap_or_default();
    let mut points: Vec<Point> = stated.iter().map(|point| read_point(point, issuer)).collect();
    points.push(Point {
        names: vec![GeneralName::Directory(issuer.clone())],
        reasons: ReasonFlags::ALL,
        issuers: None,
    });
    points
}

fn read_point(point: &DistributionPoint, issuer: &Name) -> Point {
    let crl_issuer = point.crl_issuer.iter().flatten().find_map(|name| match name {
        GeneralName::Directory(name) => Some(name),
        _ => None,
    });
    Point {
        names: full_names(point.name.as_ref(), crl_issuer.unwrap_or(issuer)),
        reasons: point.reasons.unwrap_or(ReasonFlags::ALL),
        issuers: point.crl_issuer.clone(),
    }
}

fn full_names(name: Option<&DistributionPointName>, issuer: &Name) -> Vec<GeneralName> {
    match name {
        None => Vec::new(),
        Some(DistributionPointName::Full(names)) => names.clone(),
        Some(DistributionPointName::Relative(relative)) => {
            vec![GeneralName::Directory(issuer.with_relative(relative))]
        }
    }
}

fn is_directory(general: &GeneralName, name: &Name) -> bool {
    matches!(general, GeneralName::Directory(n) if n == name)
}

/// (c), and §5.2.4: the same issuer, scope and key, and numbers that join.
fn belongs(delta: &Usable<'_>, base: &Usable<'_>) -> bool {
    let number = |crl: &Crl| crl.crl_number().ok().flatten();
    let (Some(own), Some(complete), Some(from)) = (number(delta.crl), number(base.crl), &delta.base) else {
        return false;
    };
    let key = |crl: &Crl| crl.authority_key_identifier().ok().map(|id| id.map(<[u8]>::to_vec));
    delta.crl.issuer() == base.crl.issuer()
        && delta.idp == base.idp
        && key(delta.crl).is_some_and(|k| Some(k) == key(base.crl))
        && at_most(from, &complete)
        && at_most(&complete, &own)
        && complete != own
}

/// Numbers that are not negative, of any length.
fn at_most(a: &Serial, b: &Serial) -> bool {
    let magnitude = |n: &Serial| {
        let content = n.content();
        let negative = content.first().is_none_or(|b| b & 0x80 != 0);
        let zeros = content.iter().take_while(|b| **b == 0).count();
        (!negative).then(|| content.get(zeros..).unwrap_or(&[]).to_vec())
    };
    match (magnitude(a), magnitude(b)) {
        (Some(a), Some(b)) => (a.len(), &a) <= (b.len(), &b),
        _ => false,
    }
}

fn entry(crl: &Crl, question: &Question<'_>) -> Result<Option<RevokedEntry>, Refusal> {
    let certificate = question.certificate;
    crl.entry(certificate.issuer(), certificate.serial()).map_err(|e| Refusal::not_understood(&e))
}

/// (k): `removeFromCRL` says that it is not revoked.
fn revocation(entry: Option<RevokedEntry>) -> Option<Revocation> {
    entry.filter(|e| e.reason != Some(RevocationReason::RemoveFromCrl)).map(|e| Revocation {
        time: e.revocation_time,
        reason: e.reason,
        invalidity_time: e.invalidity_time,
    })
}

fn used(crl: &Crl, signer: &Signer, with_signer: bool) -> EvidenceUsed {
    EvidenceUsed {
        source: Source::Crl(crl.clone()),
        this_update: crl.this_update(),
        next_update: crl.next_update(),
        signature: signer.fact,
        signer: signer.via.clone().filter(|_| with_signer),
    }
}
