//! Signing keys: the one trait that everything signs through.

#[cfg(feature = "pkcs11")]
pub mod pkcs11;
pub mod pkcs12;
pub mod remote;
pub mod soft;

use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::path::PathBuilder;
use crate::time::Time;
use crate::trust::TrustAnchors;
use crate::x509::Certificate;

/// Who signs: the certificate and what completes its path.
#[derive(Clone, Debug)]
pub struct SignerIdentity {
    certificate: Certificate,
    chain: Vec<Certificate>,
}

impl SignerIdentity {
    /// The signer's certificate and further certificates, in any order.
    #[must_use]
    pub fn new(certificate: Certificate, chain: Vec<Certificate>) -> Self {
        Self { certificate, chain }
    }

    /// The signer's certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The same, with what its path to an anchor still lacks: tokens often hold
    /// the signer's certificate alone, and whoever validates has the root only.
    ///
    /// Issuers are taken from `anchors` and `others`; a self-signed anchor is left
    /// out, as nobody trusts it for being sent along. Where no path is valid at
    /// `at`, the identity stays as it is: whether it may sign is for
    /// [`PreSignCheck`](crate::sign::PreSignCheck) to say.
    #[must_use]
    pub fn completed(mut self, anchors: &TrustAnchors, others: &[Certificate], at: Time) -> Self {
        let builder = PathBuilder::new(anchors, at).intermediates(&self.chain).intermediates(others);
        let Ok(path) = builder.build(&self.certificate) else { return self };
        let anchor = path.anchor().certificate().filter(|anchor| !anchor.is_self_issued());
        for issuer in path.certificates().iter().skip(1).chain(anchor) {
            if !self.chain.contains(issuer) && *issuer != self.certificate {
                self.chain.push(issuer.clone());
            }
        }
        self
    }

    /// Further certificates, embedded into signatures.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}

/// The octets that a key signs (DER signed attributes, a SignedInfo), with the algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToBeSigned {
    algorithm: SignatureAlgorithm,
    octets: Vec<u8>,
}

impl ToBeSigned {
    /// `octets` to be signed with `algorithm`.
    #[must_use]
    pub const fn new(algorithm: SignatureAlgorithm, octets: Vec<u8>) -> Self {
        Self { algorithm, octets }
    }

    /// The algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> &SignatureAlgorithm {
        &self.algorithm
    }

    /// The octets; a key that takes only digests hashes them by `algorithm().digest()`.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

/// A signature value: for ECDSA the DER `Ecdsa-Sig-Value`, never bare r and s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureValue(Vec<u8>);

impl SignatureValue {
    /// From octets of the right form for the algorithm.
    #[must_use]
    pub const fn new(octets: Vec<u8>) -> Self {
        Self(octets)
    }

    /// The octets.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

/// A key that signs: in memory, on a token, or far away.
///
/// Implementations need not be thread-safe; a signature is made by `&self`
/// so that one key can serve a batch.
pub trait SigningKey {
    /// The certificate and chain.
    fn identity(&self) -> &SignerIdentity;

    /// The algorithm this key uses by default for its key type
    /// (RSA: PKCS#1 v1.5 with SHA-256; curves: the digest of their strength; Ed25519).
    fn default_algorithm(&self) -> SignatureAlgorithm;

    /// Makes one signature value. Callers of the signing modules need not call this themselves.
    ///
    /// # Errors
    /// The algorithm does not fit the key, or the device failed.
    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error>;
}
