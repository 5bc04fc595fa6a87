//! The building blocks that need no trust: format checking, identification of
//! the signing certificate and cryptographic verification (EN 319 102-1 §5.2.2,
//! §5.2.3, §5.2.7).

use super::chain::Certificates;
use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::report::CertificateSummary;
use super::report::Check;
use super::report::Integrity;
use super::report::Outcome;
use super::report::SignatureReport;
use super::report::Wanted;
use super::report::WantedKind;
use crate::asn1::Oid;
use crate::cms::EssCertId;
use crate::cms::SignerId;
use crate::cms::SignerInfo;
use crate::cms::Verification;
use crate::cms::VerificationFault;
use crate::crypto::Digest;
use crate::crypto::SignatureAlgorithm;
use crate::crypto::hex;
use crate::error::Error;
use crate::finding::Finding;
use crate::x509::Certificate;

/// What a signer is held against.
pub(super) struct Content<'c> {
    /// `eContentType`; `None` under a countersignature.
    pub(super) content_type: Option<Oid>,
    /// Its digest by the signer's algorithm; `None` where the content is not at hand.
    pub(super) digest: Option<Digest>,
    /// The content itself, where it is in memory.
    pub(super) octets: Option<&'c [u8]>,
}

/// Which attributes a format demands of a signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Demands {
    /// A signature over the content itself is refused (EN 319 122-1 §4.2).
    pub(super) signed_attributes: bool,
    /// The signing-certificate attribute must be there.
    pub(super) signing_certificate: bool,
}

/// A signature whose equations were tried; what is left is trust.
pub(super) struct Verified {
    pub(super) certificate: Option<Certificate>,
    pub(super) algorithm: Option<SignatureAlgorithm>,
    /// Decided already, whatever the trust.
    pub(super) decided: Option<Indication>,
}

/// The signing certificate among those offered.
struct Identified {
    certificate: Option<Certificate>,
    /// A signing-certificate attribute names it.
    bound: bool,
    fault: Option<Finding>,
}

/// Format, signing certificate and equations of one signer, with its checks put down in `report`.
pub(super) fn verify(
    signer: &SignerInfo,
    own: &[Certificate],
    content: &Content<'_>,
    demands: Demands,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
) -> Verified {
    let mut verified = Verified { certificate: None, algorithm: signer.signature_algorithm().ok(), decided: None };
    report.algorithm = verified.algorithm.map(|a| a.name());
    if let Err(fault) = format(signer, demands) {
        report.findings.push(Finding::error("SIGNATURE_FORMAT", fault.clone()));
        report.check("FORMAT", "EN 319 102-1 §5.2.2", Outcome::Failed, fault);
        report.integrity = Integrity::Broken;
        verified.decided = Some(Indication::TotalFailed(Failure::FormatFailure));
        return verified;
    }
    report.check("FORMAT", "EN 319 102-1 §5.2.2", Outcome::Passed, "");
    if signer.signed_attributes().is_none() && content.content_type.is_some() {
        let message = "there are no signed attributes: nothing binds the certificate to the signature";
        report.deviations.push(Finding::warning("NO_SIGNED_ATTRIBUTES", message));
    }

    let identified = identify(signer, own.iter().chain(certificates.evidence.certificates()));
    if let Some(certificate) = &identified.certificate {
        report.signer = Some(CertificateSummary::of(certificate));
        if !signer.id().names(certificate) {
            let message = "the signer is named by another certificate than the signed attributes name; these count";
            report.deviations.push(Finding::warning("SIGNER_ID_MISMATCH", message));
        }
    }
    equations(signer, identified.certificate.as_ref(), content, certificates, report, &mut verified);

    let clause = "EN 319 102-1 §5.2.3";
    match (&identified.certificate, identified.fault) {
        (_, Some(fault)) => {
            report.check("SIGNING_CERTIFICATE", clause, Outcome::Failed, fault.message());
            report.findings.push(fault);
            verified.decide(Indication::Indeterminate(Indeterminacy::NoSigningCertificateFound));
        }
        (None, None) => {
            let subject = signer_text(signer.id());
            let message = format!("no certificate at hand is that of the signer: {subject}");
            report.check("SIGNING_CERTIFICATE", clause, Outcome::Undetermined, message.as_str());
            report.findings.push(Finding::warning("SIGNING_CERTIFICATE_MISSING", message));
            let what = WantedKind::SigningCertificate;
            report.wanted.push(Wanted { what, subject, requests: Vec::new(), not_before: None });
            verified.decide(Indication::Indeterminate(Indeterminacy::NoSigningCertificateFound));
        }
        (Some(_), None) if demands.signing_certificate && !identified.bound => {
            let message = "the signing-certificate attribute is missing, which binds the certificate to the signature";
            report.check("SIGNING_CERTIFICATE", clause, Outcome::Failed, message);
            report.findings.push(Finding::warning("SIGNING_CERTIFICATE_UNBOUND", message));
            verified.decide(Indication::Indeterminate(Indeterminacy::SigConstraintsFailure));
        }
        (Some(_), None) => report.check("SIGNING_CERTIFICATE", clause, Outcome::Passed, ""),
    }
    verified.certificate = identified.certificate;
    verified
}

impl Verified {
    /// What is decided first stays.
    pub(super) fn decide(&mut self, indication: Indication) {
        self.decided.get_or_insert(indication);
    }

    /// Takes in how a verification ended.
    pub(super) fn take(&mut self, verification: Verification, report: &mut SignatureReport) {
        let clause = "EN 319 102-1 §5.2.7";
        for deviation in verification.deviations {
            report.deviations.push(deviation);
        }
        let (integrity, code, message, indication) = match verification.fault {
            None => {
                report.check("DIGEST", clause, Outcome::Passed, "");
                report.check("SIGNATURE_VALUE", clause, Outcome::Passed, "");
                report.integrity = Integrity::Intact;
                return;
            }
            Some(VerificationFault::ContentDigest) => (
                Integrity::Broken,
                "DIGEST_MISMATCH",
                "the content's digest is not the signed one: it was changed after signing".to_owned(),
                Indication::TotalFailed(Failure::HashFailure),
            ),
            Some(VerificationFault::SignatureValue) => (
                Integrity::Broken,
                "SIGNATURE_VALUE_MISMATCH",
                "the signature value does not verify under the signer's key".to_owned(),
                Indication::TotalFailed(Failure::SigCryptoFailure),
            ),
            Some(VerificationFault::Attributes(why)) => (
                Integrity::Broken,
                "SIGNED_ATTRIBUTES",
                format!("the signed attributes break a rule: {why}"),
                Indication::TotalFailed(Failure::FormatFailure),
            ),
            Some(VerificationFault::Unsupported(what)) => (
                Integrity::Undetermined,
                "ALGORITHM_UNSUPPORTED",
                format!("cannot be verified: {what} is not supported"),
                Indication::Indeterminate(Indeterminacy::CryptoConstraintsFailure),
            ),
        };
        let id = if code == "DIGEST_MISMATCH" { "DIGEST" } else { "SIGNATURE_VALUE" };
        let outcome = if integrity == Integrity::Broken { Outcome::Failed } else { Outcome::Undetermined };
        report.check(id, clause, outcome, message.as_str());
        report.integrity = integrity;
        report.findings.push(Finding::error(code, message));
        self.decide(indication);
    }
}

impl SignatureReport {
    /// Puts a check down.
    pub(super) fn check(
        &mut self,
        id: &'static str,
        clause: &'static str,
        outcome: Outcome,
        detail: impl Into<String>,
    ) {
        self.checks.push(Check { id, clause, outcome, detail: detail.into() });
    }
}

fn format(signer: &SignerInfo, demands: Demands) -> Result<(), String> {
    if demands.signed_attributes && signer.signed_attributes().is_none() {
        return Err("there are no signed attributes, which the format demands".to_owned());
    }
    let say = |e: Error| e.to_string();
    signer.content_type().map_err(say)?;
    signer.message_digest().map_err(say)?;
    signer.signing_time().map_err(say)?;
    signer.signing_certificate().map_err(say)?;
    Ok(())
}

/// The certificate that the signed attributes name, else the one that the signer's identifier names.
fn identify<'c>(signer: &SignerInfo, offered: impl Iterator<Item = &'c Certificate> + Clone) -> Identified {
    let by_id = || offered.clone().find(|c| signer.id().names(c)).cloned();
    let named: Option<EssCertId> = signer.signing_certificate().ok().flatten().and_then(|ids| ids.into_iter().next());
    let Some(named) = named else { return Identified { certificate: by_id(), bound: false, fault: None } };
    if let Some(certificate) = offered.clone().find(|c| named.names(c)) {
        return Identified { certificate: Some(certificate.clone()), bound: true, fault: None };
    }
    let certificate = by_id();
    // Another certificate for the same key, or one with the same issuer and number, was put in its place.
    let fault = certificate.as_ref().map(|_| {
        let message = "the certificate at hand is not the one that the signed attributes name";
        Finding::error("SIGNING_CERTIFICATE_MISMATCH", message)
    });
    Identified { certificate, bound: false, fault }
}

fn equations(
    signer: &SignerInfo,
    certificate: Option<&Certificate>,
    content: &Content<'_>,
    certificates: &Certificates<'_>,
    report: &mut SignatureReport,
    verified: &mut Verified,
) {
    let Some(digest) = &content.digest else {
        if let Err(unsupported) = signer.digest_algorithm() {
            let fault = Some(VerificationFault::Unsupported(unsupported.to_string()));
            verified.take(Verification { fault, deviations: Vec::new() }, report);
            return;
        }
        let message = "the signed content is not at hand";
        report.check("DIGEST", "EN 319 102-1 §5.2.7", Outcome::Undetermined, message);
        report.findings.push(Finding::warning("CONTENT_MISSING", message));
        let what = WantedKind::Content;
        report.wanted.push(Wanted { what, subject: report.name.clone(), requests: Vec::new(), not_before: None });
        verified.decide(Indication::Indeterminate(Indeterminacy::SignedDataNotFound));
        return;
    };
    match certificate {
        Some(certificate) => {
            let key = certificate.public_key();
            let outcome = match (&content.content_type, content.octets) {
                (Some(kind), octets) => signer.verify(key, kind, digest, octets, certificates.backend),
                (None, octets) => {
                    signer.verify_counter_signature(key, octets.unwrap_or_default(), certificates.backend)
                }
            };
            verified.take(outcome, report);
        }
        // Without a key the digest still tells whether the content is the signed one.
        None => {
            if signer.message_digest().ok().flatten().is_some_and(|signed| signed != digest.octets()) {
                let fault = Some(VerificationFault::ContentDigest);
                verified.take(Verification { fault, deviations: Vec::new() }, report);
            }
        }
    }
}

fn signer_text(id: &SignerId) -> String {
    match id {
        SignerId::IssuerAndSerial(issuer, serial) => format!("serial number {serial} of {issuer}"),
        SignerId::KeyIdentifier(id) => format!("key identifier {}", hex(id)),
    }
}
