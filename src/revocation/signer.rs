//! Who signed a piece of evidence, and whether he may.

use super::engine::Authority;
use super::engine::Engine;
use super::engine::Refusal;
use super::evidence::EvidenceSigner;
use super::requests;
use super::rules::UncheckedResponders;
use super::status::Basis;
use super::status::CertificateRevocation;
use super::status::Good;
use super::status::RevocationStatus;
use super::status::UnknownReason;
use crate::crypto::DigestAlgorithm;
use crate::crypto::PublicKey;
use crate::path::Identity;
use crate::path::Issuer;
use crate::path::Path;
use crate::path::PathBuilder;
use crate::path::PathSettings;
use crate::path::SignatureFact;
use crate::path::Signed;
use crate::path::validate_chain;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::GeneralName;
use crate::x509::KeyPurpose;
use crate::x509::KeyUsage;
use crate::x509::Name;
use crate::x509::ocsp::OcspResponse;
use crate::x509::ocsp::ResponderId;

/// Paths of one signer that are tried.
const MAX_PATHS_OF_SIGNER: usize = 4;

/// An entitled signer.
#[derive(Debug)]
pub(super) struct Signer {
    pub(super) fact: SignatureFact,
    pub(super) key: PublicKey,
    pub(super) via: Option<Box<EvidenceSigner>>,
}

impl<'a> Signed<'a> {
    pub(super) fn crl(crl: &'a Crl) -> Self {
        Self {
            identity: Identity::Digest(crl.sha256()),
            memo: crl.signature_memo(),
            octets: crl.tbs_octets(),
            algorithm: crl.signature_algorithm(),
            inner_algorithm: Some(crl.tbs_signature_algorithm()),
            value: crl.signature(),
        }
    }

    pub(super) fn ocsp(response: &'a OcspResponse) -> Self {
        Self {
            identity: Identity::Digest(response.sha256()),
            memo: response.signature_memo(),
            octets: response.tbs_octets(),
            algorithm: response.signature_algorithm(),
            inner_algorithm: None,
            value: response.signature(),
        }
    }
}

/// CRLs (RFC 5280 §6.3.3 (f) and (g)).
impl Engine<'_> {
    /// The signer of a CRL; scope and issuer's name have been looked at.
    pub(super) fn crl_signer(
        &self,
        by: &Authority<'_>,
        certificate: Option<&Certificate>,
        crl: &Crl,
    ) -> Result<Signer, Refusal> {
        let signed = Signed::crl(crl);
        let unknown = format!("no certificate that could have issued a CRL of {} is known", crl.issuer());
        let mut worst = Refusal::new(UnknownReason::NotAuthentic, unknown);
        // The key that issued the certificate, then the anchor's, which a lower CA may name as CRL issuer.
        let anchor = Issuer::anchor(&self.anchor);
        for issuer in [by.issuer, anchor].into_iter().filter(|i| i.name == crl.issuer()) {
            let verified = self.verify(&signed, issuer.key);
            match verified.and_then(|fact| self.may_sign_crls(&issuer, crl, by.at).map(|()| fact)) {
                Ok(fact) => return Ok(Signer { fact, key: issuer.key.clone(), via: None }),
                Err(refusal) if refusal.reason == UnknownReason::Budget => return Err(refusal),
                Err(refusal) => worst = worst.or(refusal),
            }
        }
        let hint = crl.authority_key_identifier().ok().flatten();
        let mut candidates: Vec<&Certificate> = self.pool.iter().filter(|c| c.subject() == crl.issuer()).collect();
        // An identifier is a hint and no more; the sort keeps the order otherwise.
        candidates.sort_by_key(|c| hint.is_some() && c.subject_key_identifier().ok().flatten() != hint);
        for candidate in candidates {
            self.step()?;
            match self.indirect(by, certificate, crl, &signed, candidate) {
                Ok(signer) => return Ok(signer),
                Err(refusal) if refusal.reason == UnknownReason::Budget => return Err(refusal),
                Err(refusal) => worst = worst.or(refusal),
            }
        }
        Err(worst)
    }

    /// A key of the path itself.
    fn may_sign_crls(&self, issuer: &Issuer<'_>, crl: &Crl, at: Time) -> Result<(), Refusal> {
        self.refuse_revoked_key(issuer.key, crl.this_update())?;
        let Some(certificate) = issuer.certificate else { return Ok(()) };
        may_sign_crls(certificate)?;
        let late = crl.this_update() > at && crl.this_update() > certificate.not_after();
        if late && self.anchor.certificate() != Some(certificate) {
            return Err(Refusal::new(UnknownReason::NotEntitled, "its issuer's certificate had expired before it"));
        }
        Ok(())
    }

    /// Another certificate under the name of the CRL's issuer.
    fn indirect(
        &self,
        by: &Authority<'_>,
        certificate: Option<&Certificate>,
        crl: &Crl,
        signed: &Signed<'_>,
        candidate: &Certificate,
    ) -> Result<Signer, Refusal> {
        let fact = self.verify(signed, candidate.public_key())?;
        may_sign_crls(candidate)?;
        let at = crl.this_update().max(by.at);
        self.signer_paths.spend().map_err(|limit| Refusal::new(UnknownReason::Budget, limit.to_string()))?;
        let builder = PathBuilder::new(&self.anchors, at)
            .intermediates(&self.pool)
            .settings(self.settings(Some(KeyUsage::CRL_SIGN)))
            .backend(self.backend);
        let mut paths = builder.paths(candidate);
        let mut worst: Option<Refusal> = None;
        for path in paths.by_ref().take(MAX_PATHS_OF_SIGNER) {
            match self.signer_status(by, certificate, &path, at, crl) {
                Ok(revocation) => {
                    let via = Some(Box::new(EvidenceSigner { path, revocation }));
                    return Ok(Signer { fact, key: candidate.public_key().clone(), via });
                }
                Err(refusal) if refusal.reason == UnknownReason::Budget => return Err(refusal),
                Err(refusal) => {
                    worst = Some(match worst {
                        Some(known) => known.or(refusal),
                        None => refusal,
                    })
                }
            }
        }
        Err(worst.unwrap_or_else(|| {
            let failure = paths.into_failure();
            Refusal::new(
                UnknownReason::NotEntitled,
                format!("its issuer has no path to the same trust anchor: {failure}"),
            )
        }))
    }

    /// The status of every certificate of a CRL issuer's path that is not above
    /// the certificate in question anyway.
    fn signer_status(
        &self,
        by: &Authority<'_>,
        asked: Option<&Certificate>,
        path: &Path,
        at: Time,
        crl: &Crl,
    ) -> Result<Vec<CertificateRevocation>, Refusal> {
        let chain = path.certificates();
        let mut all = Vec::new();
        for (index, certificate) in chain.iter().enumerate().rev() {
            if by.above.contains(certificate) {
                self.refuse_revoked_key(certificate.public_key(), crl.this_update())?;
                continue;
            }
            // A CRL issuer that its CA made answer for itself: as with nocheck, the CA's word is all there is.
            if Some(certificate) == asked && names_itself(certificate) {
                continue;
            }
            all.extend(self.good(chain, index, at)?);
        }
        all.reverse();
        Ok(all)
    }
}

/// OCSP (RFC 6960 §4.2.2.2).
impl Engine<'_> {
    /// The signer of a response: the issuer's own key, or a responder that it delegated.
    pub(super) fn ocsp_signer(&self, by: &Authority<'_>, response: &OcspResponse) -> Result<Signer, Refusal> {
        let signed = Signed::ocsp(response);
        let issuer = by.issuer;
        let produced_at = response.produced_at().unwrap_or(by.at);
        let mut worst = Refusal::new(UnknownReason::NotAuthentic, "its responder's certificate is not known");
        if is_responder(response, issuer.name, issuer.key) {
            let verified = self.verify(&signed, issuer.key);
            match verified.and_then(|fact| self.refuse_revoked_key(issuer.key, produced_at).map(|()| fact)) {
                Ok(fact) => return Ok(Signer { fact, key: issuer.key.clone(), via: None }),
                Err(refusal) if refusal.reason == UnknownReason::Budget => return Err(refusal),
                Err(refusal) => worst = worst.or(refusal),
            }
        }
        for candidate in response.certificates().iter().chain(&self.pool) {
            self.step()?;
            if !is_responder(response, candidate.subject(), candidate.public_key()) {
                continue;
            }
            let delegated = self.verify(&signed, candidate.public_key()).and_then(|fact| {
                let via = self.delegated(by, candidate, produced_at)?;
                Ok(Signer { fact, key: candidate.public_key().clone(), via: Some(Box::new(via)) })
            });
            match delegated {
                Ok(signer) => return Ok(signer),
                Err(refusal) if refusal.reason == UnknownReason::Budget => return Err(refusal),
                Err(refusal) => worst = worst.or(refusal),
            }
        }
        Err(worst)
    }

    /// RFC 6960 §4.2.2.2 case 3: a certificate signed by the very key that
    /// signed the one in question, with id-kp-OCSPSigning.
    fn delegated(
        &self,
        by: &Authority<'_>,
        responder: &Certificate,
        produced_at: Time,
    ) -> Result<EvidenceSigner, Refusal> {
        let not_entitled = |detail: String| Refusal::new(UnknownReason::NotEntitled, detail);
        // A CA with OCSPSigning, which some issued by mistake, could answer for its own issuer.
        match responder.basic_constraints() {
            Ok(constraints) if constraints.is_none_or(|c| !c.ca) => {}
            _ => return Err(not_entitled("its responder is a CA below the issuer".to_owned())),
        }
        let at = produced_at.max(by.at);
        self.refuse_revoked_key(by.issuer.key, responder.not_before())?;
        let chain: Vec<Certificate> = std::iter::once(responder).chain(by.above).cloned().collect();
        let mut settings = self.settings(Some(KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::NON_REPUDIATION)));
        settings.purposes = vec![KeyPurpose::OCSP_SIGNING];
        settings.purposes_stated = true;
        let path = validate_chain(&chain, &self.anchor, &self.set, at, &settings, &self.verifier)
            .map_err(|failure| not_entitled(format!("its responder is not entitled: {failure}")))?;
        let revocation = if responder.has_ocsp_nocheck() {
            vec![exempt(responder, at, Basis::NoCheck)]
        } else {
            match self.good(&chain, 0, at) {
                Ok(found) => found.into_iter().collect(),
                Err(_) if self.responder_passes_unchecked(responder) => {
                    vec![exempt(responder, at, Basis::NoSource)]
                }
                Err(refusal) => return Err(refusal),
            }
        };
        Ok(EvidenceSigner { path, revocation })
    }

    fn responder_passes_unchecked(&self, responder: &Certificate) -> bool {
        self.rules.unchecked_responders == UncheckedResponders::AcceptedWithoutSource
            && !requests::names_a_source(responder)
    }
}

impl Engine<'_> {
    /// The status of a signer's certificate, which must be good.
    fn good(&self, chain: &[Certificate], index: usize, at: Time) -> Result<Option<CertificateRevocation>, Refusal> {
        let Some(found) = self.status(chain, index, at) else { return Ok(None) };
        let subject = found.certificate.subject();
        match &found.status {
            RevocationStatus::Good(_) => Ok(Some(found)),
            RevocationStatus::Unknown(unknown) => Err(Refusal {
                reason: UnknownReason::SignerStatus,
                detail: format!("the status of its signer {subject} is unknown: {}", unknown.detail),
                wanted: unknown.wanted.clone(),
                revoked: false,
            }),
            revoked @ RevocationStatus::Revoked(_) => {
                Err(Refusal::signer_revoked(format!("its signer {subject} is {revoked}")))
            }
        }
    }

    fn settings(&self, key_usage: Option<KeyUsage>) -> PathSettings {
        let mut settings = PathSettings::default();
        settings.key_usage = key_usage;
        settings.max_signature_checks = self.rules.max_signature_checks.min(64);
        settings.max_steps = self.rules.max_steps.min(20_000);
        settings
    }
}

/// A distribution point has the certificate's own subject as `cRLIssuer`.
fn names_itself(certificate: &Certificate) -> bool {
    let points = certificate.crl_distribution_points().ok().flatten().unwrap_or_default();
    points
        .iter()
        .flat_map(|p| p.crl_issuer.iter().flatten())
        .any(|n| matches!(n, GeneralName::Directory(name) if name == certificate.subject()))
}

fn may_sign_crls(certificate: &Certificate) -> Result<(), Refusal> {
    match certificate.key_usage() {
        Ok(usage) if usage.is_none_or(|u| u.contains(KeyUsage::CRL_SIGN)) => Ok(()),
        Ok(_) => Err(Refusal::new(UnknownReason::NotEntitled, "the key usage of its issuer lacks cRLSign")),
        Err(fault) => Err(Refusal::not_understood(&fault)),
    }
}

/// The responder by name, or by SHA-1 of its key (RFC 6960 §4.2.1).
fn is_responder(response: &OcspResponse, name: &Name, key: &PublicKey) -> bool {
    match response.responder_id() {
        Some(ResponderId::Name(responder)) => responder == name,
        Some(ResponderId::KeyHash(hash)) => *hash == DigestAlgorithm::Sha1.digest(key.key_octets()).octets(),
        _ => false,
    }
}

fn exempt(certificate: &Certificate, at: Time, basis: Basis) -> CertificateRevocation {
    CertificateRevocation {
        certificate: certificate.clone(),
        at,
        status: RevocationStatus::Good(Good { basis, revoked_later: None }),
        evidence: Vec::new(),
        refused: Vec::new(),
    }
}
