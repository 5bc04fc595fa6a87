//! What is offered as proof of a status, and what of it was used.

use std::collections::HashSet;

use super::status::CertificateRevocation;
use crate::crypto::Digest;
use crate::error::Error;
use crate::fetch::Purpose;
use crate::path::Path;
use crate::path::SignatureFact;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::OcspResponse;

/// Certificates, CRLs and OCSP responses that somebody offers, each kept once.
///
/// Nothing in it is trusted: whoever made it up gains nothing by it.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    certificates: Vec<Certificate>,
    crls: Vec<Crl>,
    ocsp_responses: Vec<OcspResponse>,
    known: HashSet<Digest>,
}

impl Evidence {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Offers a certificate: a CA, a CRL issuer or an OCSP responder.
    pub fn add_certificate(&mut self, certificate: Certificate) {
        if self.known.insert(certificate.sha256()) {
            self.certificates.push(certificate);
        }
    }

    /// Offers a CRL, complete or delta.
    pub fn add_crl(&mut self, crl: Crl) {
        if self.known.insert(crl.sha256()) {
            self.crls.push(crl);
        }
    }

    /// Offers an OCSP response. One that is not successful says nothing and is left out.
    pub fn add_ocsp(&mut self, response: OcspResponse) {
        if response.produced_at().is_some() && self.known.insert(response.sha256()) {
            self.ocsp_responses.push(response);
        }
    }

    /// Offers all that another one holds.
    pub fn add_all(&mut self, other: &Self) {
        other.certificates.iter().for_each(|c| self.add_certificate(c.clone()));
        other.crls.iter().for_each(|c| self.add_crl(c.clone()));
        other.ocsp_responses.iter().for_each(|r| self.add_ocsp(r.clone()));
    }

    /// Takes the body of an answer to a request for this purpose: an OCSP
    /// response, a CRL (DER, or PEM as some servers send it), or issuer
    /// certificates (DER, PEM or PKCS#7).
    ///
    /// # Errors
    /// A body of another form, an OCSP response that is not successful, and a
    /// purpose that brings no evidence.
    pub fn accept(&mut self, purpose: Purpose, body: &[u8]) -> Result<(), Error> {
        match purpose {
            Purpose::Ocsp => {
                let response = OcspResponse::from_der(body)?;
                super::ocsp::successful(&response)?;
                self.add_ocsp(response);
            }
            Purpose::Crl => self.add_crl(Crl::from_file(body)?),
            Purpose::IssuerCertificate => {
                Certificate::all_from_file(body)?.into_iter().for_each(|c| self.add_certificate(c));
            }
            _ => return Err(crate::error::Misuse::new("this kind of answer is no evidence of a status").into()),
        }
        Ok(())
    }

    /// The certificates, in the order in which they were offered.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// The CRLs, in the order in which they were offered.
    #[must_use]
    pub fn crls(&self) -> &[Crl] {
        &self.crls
    }

    /// The OCSP responses, in the order in which they were offered.
    #[must_use]
    pub fn ocsp_responses(&self) -> &[OcspResponse] {
        &self.ocsp_responses
    }

    /// Nothing is offered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

/// A CRL or an OCSP response.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums)] // X.509 has these two
pub enum Source {
    /// A CRL, complete or delta.
    Crl(Crl),
    /// An OCSP response.
    Ocsp(OcspResponse),
}

impl Source {
    /// SHA-256 of its octets.
    #[must_use]
    pub fn sha256(&self) -> Digest {
        match self {
            Self::Crl(crl) => crl.sha256(),
            Self::Ocsp(response) => response.sha256(),
        }
    }

    /// Its octets.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        match self {
            Self::Crl(crl) => crl.der(),
            Self::Ocsp(response) => response.der(),
        }
    }

    /// `crl` or `ocsp`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Crl(_) => "crl",
            Self::Ocsp(_) => "ocsp",
        }
    }

    /// Who says that it issued it: a name, or a key by its digest.
    #[must_use]
    pub fn issuer(&self) -> String {
        match self {
            Self::Crl(crl) => crl.issuer().to_string(),
            Self::Ocsp(response) => super::ocsp::responder_text(response),
        }
    }
}

/// A piece of evidence that was authentic, entitled, in scope, and counted.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EvidenceUsed {
    /// The evidence itself.
    pub source: Source,
    /// `thisUpdate`: the time for which it speaks.
    pub this_update: Time,
    /// `nextUpdate`, where present.
    pub next_update: Option<Time>,
    /// Its own signature, for the algorithm policy.
    pub signature: SignatureFact,
    /// Who signed it, where that is not the very key that issued the
    /// certificate in question.
    pub signer: Option<Box<EvidenceSigner>>,
}

/// The signer of a piece of evidence: a delegated OCSP responder, the issuer of
/// an indirect CRL, or another key of the same CA.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EvidenceSigner {
    /// Its path, to the same anchor as that of the certificate in question
    /// (RFC 5280 §6.3.3 (f)).
    pub path: Path,
    /// The status of those of its certificates that are not in the path in
    /// question anyway; all of them good.
    pub revocation: Vec<CertificateRevocation>,
}
