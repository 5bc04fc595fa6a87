//! What signatures, time-stamp tokens and documents carry of evidence.

use super::evidence::Evidence;
use crate::cms::SignedData;
use crate::error::Error;
use crate::finding::Finding;
use crate::limits::Limits;
use crate::pdf::SecurityStore;
use crate::timestamp::TimeStampToken;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

impl Evidence {
    /// Offers everything that a SignedData carries, its time-stamp tokens included.
    ///
    /// What cannot be read is passed over.
    pub fn add_signed_data(&mut self, signed: &SignedData) {
        self.add_values(signed);
        for signer in signed.signers() {
            for token in signer.signature_time_stamps().chain(signer.archive_time_stamps()) {
                if let Ok(token) = TimeStampToken::from_octets(token, &Limits::default()) {
                    self.add_token(&token);
                }
            }
        }
    }

    /// Offers everything that a time-stamp token carries.
    pub fn add_token(&mut self, token: &TimeStampToken) {
        self.add_values(token.signed_data());
    }

    /// Offers what a document security store holds; tells what of it cannot be read.
    pub fn add_security_store(&mut self, store: &SecurityStore) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut note = |what: &str, error: Error| {
            let message = format!("{what} of the document security store cannot be read: {error}");
            findings.push(Finding::warning("DSS_UNREADABLE", message));
        };
        for octets in &store.certificates {
            match Certificate::from_der(octets) {
                Ok(certificate) => self.add_certificate(certificate),
                Err(error) => note("a certificate", error),
            }
        }
        for octets in &store.crls {
            match Crl::from_der(octets) {
                Ok(crl) => self.add_crl(crl),
                Err(error) => note("a CRL", error),
            }
        }
        for octets in &store.ocsp_responses {
            match OcspResponse::from_der(octets) {
                Ok(response) => self.add_ocsp(response),
                Err(error) => note("an OCSP response", error),
            }
        }
        findings
    }

    /// The sets of a SignedData, and the values in the attributes of its signers.
    fn add_values(&mut self, signed: &SignedData) {
        signed.certificates().iter().for_each(|c| self.add_certificate(c.clone()));
        signed.crls().iter().for_each(|c| self.add_crl(c.clone()));
        signed.ocsp_responses().iter().for_each(|r| self.add_ocsp(r.clone()));
        for signer in signed.signers() {
            if let Ok((crls, responses)) = signer.revocation_values() {
                crls.into_iter().for_each(|c| self.add_crl(c));
                responses.into_iter().for_each(|r| self.add_ocsp(r));
            }
            signer.certificate_values().unwrap_or_default().into_iter().for_each(|c| self.add_certificate(c));
        }
    }
}
