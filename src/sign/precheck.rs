//! Whether a certificate may sign, from what it says itself.

use crate::error::Error;
use crate::error::RefusalReason;
use crate::error::Refused;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::KeyUsage;

/// Refuses a certificate that cannot make a good signature at `now`: outside of
/// its validity period, of a CA, or with a key usage that excludes signatures.
///
/// Every request does this; it says nothing of trust or revocation, which need
/// anchors and evidence.
///
/// # Errors
/// [`Error::Refused`] with the reason, or an extension that cannot be read.
pub fn check_certificate(certificate: &Certificate, now: Time) -> Result<(), Error> {
    let refused = |reason, detail: String| Err(Error::from(Refused::new(reason, detail)));
    let (from, to) = (certificate.not_before(), certificate.not_after());
    if now < from {
        let detail = format!("the signer's certificate is not valid before {from}, the signing time is {now}");
        return refused(RefusalReason::CertificateTime, detail);
    }
    // The last second belongs to the period whole.
    if now.unix() > to.unix() {
        let detail = format!("the signer's certificate expired at {to}, the signing time is {now}");
        return refused(RefusalReason::CertificateTime, detail);
    }
    if certificate.basic_constraints()?.is_some_and(|constraints| constraints.ca) {
        let detail = "the certificate is that of a certification authority, not of a signer";
        return refused(RefusalReason::CertificateUsage, detail.to_owned());
    }
    let signing = KeyUsage::DIGITAL_SIGNATURE.union(KeyUsage::NON_REPUDIATION);
    match certificate.key_usage()? {
        Some(usage) if !usage.intersects(signing) => {
            let detail = format!(
                "the key usage of the signer's certificate is {usage}; signing needs digitalSignature or nonRepudiation"
            );
            refused(RefusalReason::CertificateUsage, detail)
        }
        _ => Ok(()),
    }
}
