//! One CRL or OCSP response on its own.

use super::crl;
use super::engine::Authority;
use super::engine::Engine;
use super::engine::Question;
use super::engine::Refusal;
use super::evidence::Evidence;
use super::ocsp;
use super::rules::RevocationRules;
use super::signer::Signer;
use super::statement::Answer;
use super::statement::Asked;
use super::statement::Statement;
use super::statement::combine;
use super::status::Basis;
use super::status::Good;
use super::status::Revocation;
use super::status::RevocationStatus;
use super::status::Unknown;
use super::status::UnknownReason;
use crate::crypto::Backend;
use crate::error::Error;
use crate::error::Misuse;
use crate::finding::Finding;
use crate::path::Issuer;
use crate::path::Path;
use crate::path::PathBuilder;
use crate::path::SignatureFact;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustAnchors;
use crate::trust::TrustSet;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::CertId;
use crate::x509::ocsp::OcspResponse;
use crate::x509::ocsp::SingleResponse;

/// Name of the trust set of an issuer that is taken at its word.
const GIVEN: &str = "given issuer";

/// What surrounds one piece of evidence that is judged.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Surroundings<'a> {
    /// Certificates of responders and CRL issuers, and evidence on them.
    pub evidence: &'a Evidence,
    /// Where the issuer must have a path to; where it is empty, the issuer is
    /// taken at its word.
    pub anchors: &'a TrustAnchors,
    /// The rules by which evidence counts.
    pub rules: &'a RevocationRules,
    /// The time asked for.
    pub at: Time,
    /// Who verifies signatures.
    pub backend: Backend,
}

/// What can be said of one piece of evidence, each answer apart from the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EvidenceJudgement {
    /// The signature verifies under the key of who says that he signed it.
    pub authentic: bool,
    /// The signer may speak for the issuer's certificates: by his own
    /// certificate, its path, and as far as known its status.
    pub signer_entitled: bool,
    /// It shows a good status at the time asked for.
    pub fresh: bool,
    /// What it states, whether or not it is to be believed.
    pub stated: Stated,
    /// What follows from it alone: unknown, unless all of the above holds.
    pub status: RevocationStatus,
    /// `thisUpdate`.
    pub this_update: Option<Time>,
    /// `nextUpdate`.
    pub next_update: Option<Time>,
    /// Its signature, for the algorithm policy; `None` where it does not verify.
    pub signature: Option<SignatureFact>,
    /// The path of the signer, where it is not the issuer itself.
    pub signer: Option<Path>,
    /// What keeps the answers above from being yes.
    pub findings: Vec<Finding>,
}

/// What a piece of evidence states of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stated {
    /// Not revoked.
    Good,
    /// Revoked.
    Revoked(Revocation),
    /// Nothing: the responder does not know it, the CRL does not cover it, or none was asked for.
    Nothing,
}

impl<'a> Surroundings<'a> {
    /// No other evidence, and strict rules.
    #[must_use]
    pub fn new(anchors: &'a TrustAnchors, evidence: &'a Evidence, rules: &'a RevocationRules, at: Time) -> Self {
        Self { evidence, anchors, rules, at, backend: Backend::default() }
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }
}

/// Judges an OCSP response on certificates of `issuer`.
///
/// Without a `certificate`, the first answer on a certificate of the issuer
/// counts; where there is none, on one of a CA that is offered as evidence and
/// has a path to the issuer.
///
/// # Errors
/// A response that is not successful, and so says nothing; a certificate of another issuer.
pub fn judge_ocsp(
    response: &OcspResponse,
    issuer: &Certificate,
    certificate: Option<&Certificate>,
    around: &Surroundings<'_>,
) -> Result<EvidenceJudgement, Error> {
    issued_by(certificate, issuer)?;
    ocsp::successful(response)?;
    let mut place = Place::find(issuer, around);
    let mut single = answer(response, issuer, certificate);
    if single.is_none() && certificate.is_none() {
        let below = around.evidence.certificates().iter().find_map(|ca| {
            let single = answer(response, ca, None)?;
            Some((place.below(ca, around)?, single))
        });
        if let Some((lower, found)) = below {
            (place, single) = (lower, Some(found));
        }
    }
    let engine = place.engine(around);
    let by = place.by(around.at);
    let mut judged = Judged::new(&place);
    judged.produced(
        single.map_or_else(|| response.produced_at(), |s| Some(s.this_update)),
        single.and_then(|s| s.next_update),
    );
    let signer = engine.ocsp_signer(&by, response);
    let Some(single) = single else {
        judged.refuse(Refusal::new(UnknownReason::OutOfScope, "it answers for no certificate of the issuer"));
        return Ok(judged.without_statement(signer));
    };
    let refused = certificate.and_then(|c| ocsp::understood(response, single, c).err());
    if let Some(refusal) = refused {
        judged.refuse(refusal);
        return Ok(judged.without_statement(signer));
    }
    let stated = ocsp::stated(single);
    if let Err(refusal) = &stated {
        judged.note(refusal);
    }
    Ok(judged.finish(around, certificate, stated.ok(), signer, |signer, revocation| {
        ocsp::statement(response, single, signer, revocation, ocsp::archive_cutoff(single).ok().flatten())
    }))
}

/// Judges a complete CRL that is to cover certificates of `issuer`. Without a
/// `certificate` it states nothing.
///
/// # Errors
/// A CRL whose extensions or entries cannot be read; a certificate of another issuer.
pub fn judge_crl(
    crl: &Crl,
    issuer: &Certificate,
    certificate: Option<&Certificate>,
    around: &Surroundings<'_>,
) -> Result<EvidenceJudgement, Error> {
    issued_by(certificate, issuer)?;
    // What cannot be read is the caller's to know; what is not understood is a finding.
    crl.issuing_distribution_point()?;
    crl.unknown_critical_entry_extension()?;
    let place = Place::find(issuer, around);
    let engine = place.engine(around);
    let by = place.by(around.at);
    let mut judged = Judged::new(&place);
    judged.produced(Some(crl.this_update()), crl.next_update());
    let signer = engine.crl_signer(&by, certificate, crl);
    let covered = crl::usable(crl).and_then(|usable| {
        if usable.base.is_some() {
            return Err(Refusal::new(UnknownReason::OutOfScope, "it is a delta CRL, which says nothing on its own"));
        }
        if crl.issuer() != issuer.subject() && !usable.idp.as_ref().is_some_and(|i| i.indirect_crl) {
            return Err(Refusal::new(UnknownReason::OutOfScope, "it is a CRL of another issuer"));
        }
        let Some(certificate) = certificate else { return Ok(None) };
        let question = Question { certificate, by };
        crl::scope(&usable, &crl::points(&question), &question).map(|reasons| Some((question, reasons)))
    });
    let covered = match covered {
        Ok(Some(covered)) => covered,
        Ok(None) => return Ok(judged.finish(around, None, None, signer, |s, r| crl::statement(crl, s, r))),
        Err(refusal) => {
            judged.refuse(refusal);
            return Ok(judged.without_statement(signer));
        }
    };
    let (question, reasons) = covered;
    let revocation = crl::revocation(crl.entry(question.certificate.issuer(), question.certificate.serial())?);
    Ok(judged.finish(around, certificate, Some(revocation), signer, |signer, revocation| Statement {
        reasons,
        ..crl::statement(crl, signer, revocation)
    }))
}

/// The issuer, and its path to an anchor.
struct Place {
    issuer: Certificate,
    anchor: TrustAnchor,
    set: String,
    /// The issuer and what is above it; empty where the issuer is the anchor.
    above: Vec<Certificate>,
    /// Why the issuer has no path to an anchor that was demanded.
    without_path: Option<String>,
}

impl Place {
    fn find(issuer: &Certificate, around: &Surroundings<'_>) -> Self {
        let given = |without_path| Self {
            issuer: issuer.clone(),
            anchor: TrustAnchor::from_certificate(issuer.clone()),
            set: GIVEN.to_owned(),
            above: Vec::new(),
            without_path,
        };
        if around.anchors.is_empty() || around.anchors.iter().any(|(_, a)| a.certificate() == Some(issuer)) {
            return given(None);
        }
        Self::through(issuer, around.anchors, around).unwrap_or_else(|why| given(Some(why)))
    }

    fn through(issuer: &Certificate, anchors: &TrustAnchors, around: &Surroundings<'_>) -> Result<Self, String> {
        let builder =
            PathBuilder::new(anchors, around.at).intermediates(around.evidence.certificates()).backend(around.backend);
        let path = builder.build(issuer).map_err(|failure| failure.to_string())?;
        Ok(Self {
            issuer: issuer.clone(),
            anchor: path.anchor().clone(),
            set: path.trust_set().to_owned(),
            above: path.certificates().to_vec(),
            without_path: None,
        })
    }

    /// A CA that has a path to this issuer, or to an anchor.
    fn below(&self, ca: &Certificate, around: &Surroundings<'_>) -> Option<Self> {
        let mut set = TrustSet::new(GIVEN);
        set.add(TrustAnchor::from_certificate(self.issuer.clone()));
        let own = TrustAnchors::new([set]);
        let anchors = if around.anchors.is_empty() { &own } else { around.anchors };
        Self::through(ca, anchors, around).ok()
    }

    fn engine<'a>(&self, around: &Surroundings<'a>) -> Engine<'a> {
        let Surroundings { evidence, rules, backend, .. } = *around;
        Engine::new(self.anchor.clone(), &self.set, evidence, rules, backend).with_certificates(&self.above)
    }

    fn by(&self, at: Time) -> Authority<'_> {
        Authority { issuer: Issuer::of(&self.issuer), above: &self.above, at }
    }
}

/// A judgement in the making.
struct Judged {
    has_path: bool,
    this_update: Option<Time>,
    next_update: Option<Time>,
    findings: Vec<Finding>,
    refused: Option<Refusal>,
}

impl Judged {
    fn new(place: &Place) -> Self {
        let findings = place.without_path.iter().map(|why| {
            Finding::error("ISSUER_WITHOUT_PATH", format!("the issuer has no path to a trust anchor: {why}"))
        });
        Self {
            has_path: place.without_path.is_none(),
            this_update: None,
            next_update: None,
            findings: findings.collect(),
            refused: None,
        }
    }

    const fn produced(&mut self, this_update: Option<Time>, next_update: Option<Time>) {
        self.this_update = this_update;
        self.next_update = next_update;
    }

    fn note(&mut self, refusal: &Refusal) {
        self.findings.push(Finding::error(refusal.reason.code(), refusal.detail.clone()));
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.note(&refusal);
        self.refused = Some(refusal);
    }

    /// Evidence that does not speak of the certificate: its signer is not entitled to say what was asked.
    fn without_statement(mut self, signer: Result<Signer, Refusal>) -> EvidenceJudgement {
        let refusal = self.refused.take();
        let (mut judgement, _) = self.signed(signer);
        judgement.signer_entitled = false;
        if let Some(refusal) = refusal {
            judgement.status = unknown(refusal.reason, refusal.detail);
        }
        judgement
    }

    fn finish(
        self,
        around: &Surroundings<'_>,
        certificate: Option<&Certificate>,
        stated: Option<Option<Revocation>>,
        signer: Result<Signer, Refusal>,
        statement: impl FnOnce(Option<&Signer>, Option<Revocation>) -> Statement,
    ) -> EvidenceJudgement {
        let has_path = self.has_path;
        let (mut judgement, signer) = self.signed(signer);
        judgement.stated = match stated {
            None => Stated::Nothing,
            Some(None) => Stated::Good,
            Some(Some(revocation)) => Stated::Revoked(revocation),
        };
        let asked = Asked { expiry: certificate.map(Certificate::not_after), at: around.at, rules: around.rules };
        let statement = statement(signer.as_ref(), stated.flatten());
        match statement.doubt(asked) {
            None => judgement.fresh = true,
            Some((reason, detail)) => judgement.findings.push(Finding::warning(reason.code(), detail)),
        }
        if signer.is_none() {
            return judgement;
        }
        if !has_path {
            judgement.status =
                unknown(UnknownReason::NotEntitled, "the issuer has no path to a trust anchor".to_owned());
        } else if stated.is_none() {
            let detail = "it states nothing of the certificate, or none was asked for";
            judgement.status = unknown(UnknownReason::NoEvidence, detail.to_owned());
        } else {
            judgement.status = match combine(asked, vec![statement]) {
                Answer::Good { revoked_later, .. } => {
                    RevocationStatus::Good(Good { basis: Basis::Evidence, revoked_later })
                }
                Answer::Revoked { revocation, .. } => RevocationStatus::Revoked(revocation),
                Answer::Open { reason, detail, .. } => unknown(reason, detail),
            };
        }
        judgement
    }

    fn signed(mut self, signer: Result<Signer, Refusal>) -> (EvidenceJudgement, Option<Signer>) {
        let mut authentic = true;
        let mut entitled = self.has_path;
        let mut status = unknown(UnknownReason::OutOfScope, "it says nothing of the certificate".to_owned());
        let signer = match signer {
            Ok(signer) => Some(signer),
            Err(refusal) => {
                self.note(&refusal);
                authentic = matches!(refusal.reason, UnknownReason::NotEntitled | UnknownReason::SignerStatus);
                // Its certificate entitles it; whether that still holds is said by the status, which is unknown.
                entitled &= refusal.reason == UnknownReason::SignerStatus && !refusal.revoked;
                status = unknown(refusal.reason, refusal.detail);
                None
            }
        };
        let judgement = EvidenceJudgement {
            authentic,
            signer_entitled: entitled,
            fresh: false,
            stated: Stated::Nothing,
            status,
            this_update: self.this_update,
            next_update: self.next_update,
            signature: signer.as_ref().map(|s| s.fact),
            signer: signer.as_ref().and_then(|s| s.via.as_ref()).map(|via| via.path.clone()),
            findings: self.findings,
        };
        (judgement, signer)
    }
}

fn issued_by(certificate: Option<&Certificate>, issuer: &Certificate) -> Result<(), Error> {
    match certificate {
        Some(certificate) if certificate.issuer() != issuer.subject() => {
            Err(Misuse::new("the certificate in question names another issuer than the one given").into())
        }
        _ => Ok(()),
    }
}

fn unknown(reason: UnknownReason, detail: String) -> RevocationStatus {
    RevocationStatus::Unknown(Unknown { reason, detail, wanted: Vec::new(), not_before: None })
}

/// The answer on the certificate, or the first one on a certificate of the issuer.
fn answer<'r>(
    response: &'r OcspResponse,
    issuer: &Certificate,
    certificate: Option<&Certificate>,
) -> Option<&'r SingleResponse> {
    let of = Issuer::of(issuer);
    let fits = |id: &CertId| match certificate {
        Some(certificate) => ocsp::identifies(id, certificate, &of),
        None => id.matches(issuer, &id.serial),
    };
    response.responses().iter().find(|single| single.cert_id.as_ref().is_some_and(fits))
}
