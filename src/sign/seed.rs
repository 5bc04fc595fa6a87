//! Whether a signature is what its field demands (seed values, ISO 32000-2 §12.7.5.5).

use crate::asn1::Oid;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::key::SignerIdentity;
use crate::path::PathBuilder;
use crate::pdf::FieldLock;
use crate::pdf::Permission;
use crate::pdf::seed::CertificateSeed;
use crate::pdf::seed::NameSeed;
use crate::pdf::seed::Seed;
use crate::pdf::seed::SeedCertification;
use crate::pdf::seed::SeedValues;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustAnchors;
use crate::trust::TrustSet;
use crate::x509::Certificate;
use crate::x509::KeyUsage;

/// The signature that is about to be made.
pub(super) struct Offer<'o> {
    /// Where it is known.
    pub(super) identity: Option<&'o SignerIdentity>,
    pub(super) now: Time,
    pub(super) digest: DigestAlgorithm,
    pub(super) reason: Option<&'o str>,
    pub(super) certify: Option<Permission>,
    pub(super) timestamped: bool,
    /// The lock of the field, which the signature will enforce.
    pub(super) lock: Option<&'o FieldLock>,
}

/// The version of the dictionary that this module knows: PDF 2.0.
const VERSION: i64 = 3;
/// In the order of the patterns.
const USAGES: [KeyUsage; 9] = [
    KeyUsage::DIGITAL_SIGNATURE,
    KeyUsage::NON_REPUDIATION,
    KeyUsage::KEY_ENCIPHERMENT,
    KeyUsage::DATA_ENCIPHERMENT,
    KeyUsage::KEY_AGREEMENT,
    KeyUsage::KEY_CERT_SIGN,
    KeyUsage::CRL_SIGN,
    KeyUsage::ENCIPHER_ONLY,
    KeyUsage::DECIPHER_ONLY,
];
const FILTER: &str = "Adobe.PPKLite";
const SUB_FILTER: &str = "ETSI.CAdES.detached";

/// Refuses a signature that the field does not accept.
///
/// A proposal binds nobody. A demand that cannot be met, or not be judged
/// here, refuses.
pub(super) fn check(seed: &SeedValues, field: &str, offer: &Offer<'_>) -> Result<(), Error> {
    let refuse = |what: String| {
        let detail = format!("the field {field:?} demands {what}");
        Err(Error::from(Refused::new(RefusalReason::SeedValue, detail)))
    };
    if let Some(version) = seed.version.as_ref().filter(|version| version.required && version.value > VERSION) {
        return refuse(format!("seed values of version {}, of which {VERSION} is the newest known", version.value));
    }
    if let Some(filter) = seed.filter.as_ref().filter(|filter| filter.required && filter.value != FILTER) {
        return refuse(format!("the signature handler {}", filter.value));
    }
    if let Some(list) = demanded(seed.sub_filters.as_ref()).filter(|list| !list.iter().any(|name| name == SUB_FILTER)) {
        return refuse(format!("the encoding {}, and {SUB_FILTER} is what is made here", list.join(" or ")));
    }
    let digest = plain(offer.digest.name());
    if let Some(list) = demanded(seed.digests.as_ref()).filter(|list| !list.iter().any(|name| plain(name) == digest)) {
        return refuse(format!("the digest algorithm {}, not {}", list.join(" or "), offer.digest.name()));
    }
    if let Some(list) = demanded(seed.reasons.as_ref()) {
        let none = list.is_empty() || *list == ["."];
        match offer.reason {
            Some(_) if none => return refuse("that no reason is given".to_owned()),
            Some(reason) if !list.iter().any(|allowed| allowed == reason) => {
                return refuse(format!("one of the reasons {list:?}, not {reason:?}"));
            }
            None if !none => return refuse(format!("one of the reasons {list:?}")),
            _ => {}
        }
    }
    match (seed.certification, offer.certify) {
        (Some(SeedCertification::Approval), Some(_)) => {
            return refuse("an approval signature, not a certification".to_owned());
        }
        (Some(SeedCertification::Certification(wanted)), certify) if certify != Some(wanted) => {
            return refuse(format!("a certification with /P {}", wanted.level()));
        }
        _ => {}
    }
    if let Some(timestamp) = seed.timestamp.as_ref().filter(|timestamp| timestamp.required && !offer.timestamped) {
        return refuse(format!("a time-stamp, from {}: sign with level B-T or above", timestamp.value));
    }
    if demanded(seed.revocation_information.as_ref()).is_some_and(|wanted| *wanted) {
        // The clause means the attribute of Adobe's signatures, which EN 319 142-1 keeps out of PAdES.
        return refuse("revocation information within the signature, which PAdES signatures have not".to_owned());
    }
    if demanded(seed.attestations.as_ref()).is_some() && offer.certify.is_some() {
        return refuse("a legal attestation, which is not written here".to_owned());
    }
    if let Some(appearance) = demanded(seed.appearance.as_ref()) {
        return refuse(format!("the appearance named {appearance:?}, which only the form's maker knows"));
    }
    if demanded(seed.lock_document.as_ref()).is_some_and(|lock| lock == "true") {
        let locks = offer.lock.and_then(|lock| lock.permission) == Some(Permission::NoChanges);
        if !locks && offer.certify != Some(Permission::NoChanges) {
            return refuse("that the document is locked, and has no lock dictionary with /P 1 that would do it".into());
        }
    }
    match &seed.certificate {
        Some(certificate) => check_certificate(certificate, field, offer),
        None => Ok(()),
    }
}

/// What is demanded; `None` for a proposal.
fn demanded<T>(seed: Option<&Seed<T>>) -> Option<&T> {
    seed.filter(|seed| seed.required).map(|seed| &seed.value)
}

/// `SHA-256` and `sha256` are the same.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}

fn check_certificate(seed: &CertificateSeed, field: &str, offer: &Offer<'_>) -> Result<(), Error> {
    let Some(identity) = offer.identity else {
        let demands = [
            demanded(seed.subjects.as_ref()).is_some(),
            demanded(seed.subject_names.as_ref()).is_some(),
            demanded(seed.key_usage.as_ref()).is_some(),
            demanded(seed.issuers.as_ref()).is_some(),
            demanded(seed.policies.as_ref()).is_some(),
        ];
        if !demands.contains(&true) {
            return Ok(());
        }
        let detail =
            format!("the field {field:?} says who may sign, so that the signer has to be known from the start");
        return Err(Refused::new(RefusalReason::SeedValue, detail).into());
    };
    let certificate = identity.certificate();
    let refuse = |what: &str| {
        let subject = certificate.subject();
        let detail = format!("the field {field:?} is not for the certificate of {subject}: {what}");
        Err(Error::from(Refused::new(RefusalReason::SeedValue, detail)))
    };
    if demanded(seed.subjects.as_ref()).is_some_and(|list| !list.iter().any(|der| der == certificate.der())) {
        return refuse("it is none of those that the field lists");
    }
    if demanded(seed.subject_names.as_ref()).is_some_and(|list| !list.iter().any(|group| named(certificate, group))) {
        return refuse("its subject has not the names that the field demands");
    }
    if let Some(patterns) = demanded(seed.key_usage.as_ref()) {
        let usage = certificate.key_usage()?;
        let bit = |index: usize| usage.zip(USAGES.get(index)).is_some_and(|(usage, one)| usage.contains(*one));
        if !patterns.iter().any(|pattern| fits(pattern, bit)) {
            return refuse("its key usage is not the one that the field demands");
        }
    }
    if demanded(seed.issuers.as_ref()).is_some_and(|list| !issued_below(list, identity, offer.now)) {
        return refuse("none of the issuers that the field lists stands above it");
    }
    if let Some(policies) = demanded(seed.policies.as_ref()) {
        let own = certificate.policies()?.unwrap_or_default();
        if !own.iter().any(|policy| policies.iter().any(|wanted| *wanted == policy.policy.to_string())) {
            return refuse("it has none of the policies that the field demands");
        }
    }
    Ok(())
}

/// Whether the subject has all attributes of a group.
fn named(certificate: &Certificate, group: &NameSeed) -> bool {
    let subject = certificate.subject();
    group.0.iter().all(|(key, value)| {
        let oid = match key.to_ascii_uppercase().as_str() {
            "CN" => "2.5.4.3",
            "SN" | "SURNAME" => "2.5.4.4",
            "SERIALNUMBER" => "2.5.4.5",
            "C" => "2.5.4.6",
            "L" => "2.5.4.7",
            "ST" | "S" => "2.5.4.8",
            "O" => "2.5.4.10",
            "OU" => "2.5.4.11",
            "T" | "TITLE" => "2.5.4.12",
            "GN" | "GIVENNAME" => "2.5.4.42",
            "E" | "EMAIL" | "EMAILADDRESS" => "1.2.840.113549.1.9.1",
            "UID" => "0.9.2342.19200300.100.1.1",
            _ => key.as_str(),
        };
        Oid::parse(oid).is_some_and(|oid| subject.attribute(&oid).is_some_and(|own| own == *value))
    })
}

/// A pattern of `0`, `1` and `X` from digitalSignature to decipherOnly; what it leaves out is X.
fn fits(pattern: &str, bit: impl Fn(usize) -> bool) -> bool {
    pattern.chars().take(9).enumerate().all(|(index, wanted)| match wanted {
        '0' => !bit(index),
        '1' => bit(index),
        _ => true,
    })
}

/// Whether a path leads from the signer to one of these certificates.
fn issued_below(issuers: &[Vec<u8>], identity: &SignerIdentity, now: Time) -> bool {
    let mut set = TrustSet::new("issuers that the field lists");
    let listed = issuers.iter().filter_map(|der| Certificate::from_der(der).ok());
    set.extend(listed.map(TrustAnchor::from_certificate));
    PathBuilder::new(&TrustAnchors::new([set]), now)
        .intermediates(identity.chain())
        .build(identity.certificate())
        .is_ok()
}
