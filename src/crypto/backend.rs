//! Who does the arithmetic.

use super::Digest;
use super::DigestAlgorithm;
use super::Digester;
use super::Message;
use super::PrivateKey;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::VerifyError;
#[cfg(feature = "aws-lc-rs")]
use super::aws_lc;
use super::rust_crypto;
use crate::error::Error;
use crate::source::Source;
use crate::source::each_chunk;

/// A set of cryptographic implementations, chosen by the caller.
///
/// Enabling a feature adds a constructor and never changes the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    RustCrypto,
    #[cfg(feature = "aws-lc-rs")]
    AwsLc,
}

impl Default for Backend {
    fn default() -> Self {
        // So that the tests can be run as a whole with the other backend; never in a release.
        #[cfg(all(feature = "aws-lc-rs", debug_assertions))]
        if matches!(option_env!("KYSO_TEST_BACKEND"), Some("aws-lc-rs")) {
            return Self::aws_lc_rs();
        }
        Self::rust_crypto()
    }
}

impl Backend {
    /// The RustCrypto implementations; the default.
    #[must_use]
    pub const fn rust_crypto() -> Self {
        Self(Kind::RustCrypto)
    }

    /// aws-lc-rs, falling back to RustCrypto for each algorithm it lacks.
    ///
    /// What it accepts and refuses is what RustCrypto accepts and refuses.
    /// Its rows: RSASSA-PKCS1-v1_5 with SHA-1, SHA-256, SHA-384 and SHA-512;
    /// RSASSA-PSS with SHA-256, SHA-384 and SHA-512, one digest throughout and a
    /// salt of its length, from 2048 bits; ECDSA on P-256, P-384 and P-521;
    /// Ed25519; ML-DSA; the SHA-2 and SHA-3 digests. Signing: RSA from 2048
    /// bits, ECDSA with the digest of the curve's strength, Ed25519.
    #[cfg(feature = "aws-lc-rs")]
    #[must_use]
    pub const fn aws_lc_rs() -> Self {
        Self(Kind::AwsLc)
    }

    /// Verifies one signature value: the equation and nothing else.
    ///
    /// # Errors
    /// [`VerifyError`], which says whether the equation fails or could not be tried.
    pub fn verify(
        self,
        key: &PublicKey,
        algorithm: &SignatureAlgorithm,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<(), VerifyError> {
        if !key.permits(algorithm) {
            return Err(VerifyError::WrongKey);
        }
        match self.0 {
            Kind::RustCrypto => rust_crypto::verify(key, algorithm, message, signature),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLc => aws_lc::verify(key, algorithm, message, signature)
                .unwrap_or_else(|| rust_crypto::verify(key, algorithm, message, signature)),
        }
    }

    /// Makes a signature value with a private key in memory.
    ///
    /// ECDSA is deterministic (RFC 6979) by RustCrypto, and by aws-lc-rs with a
    /// fresh random number each time; both are in DER.
    ///
    /// # Errors
    /// As [`PrivateKey::sign`].
    pub fn sign(
        self,
        key: &PrivateKey,
        algorithm: &SignatureAlgorithm,
        message: Message<'_>,
    ) -> Result<Vec<u8>, Error> {
        match self.0 {
            Kind::RustCrypto => key.sign(algorithm, message),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLc => {
                let value = key.aws_lc().and_then(|fast| fast.sign(algorithm, message));
                value.map_or_else(|| key.sign(algorithm, message), Ok)
            }
        }
    }

    /// Starts a digest.
    #[must_use]
    pub fn digester(self, algorithm: DigestAlgorithm) -> Digester {
        match self.0 {
            Kind::RustCrypto => algorithm.digester(),
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLc => Digester::aws_lc(algorithm).unwrap_or_else(|| algorithm.digester()),
        }
    }

    /// The digest of all octets of a source, read in pieces.
    pub(crate) fn digest_source(self, algorithm: DigestAlgorithm, source: &dyn Source) -> Result<Digest, Error> {
        let mut digester = self.digester(algorithm);
        each_chunk(source, |octets| {
            digester.update(octets);
            Ok(())
        })?;
        Ok(digester.finish())
    }

    /// The digest of `octets` in one call.
    #[must_use]
    pub fn digest(self, algorithm: DigestAlgorithm, octets: &[u8]) -> Digest {
        let mut digester = self.digester(algorithm);
        digester.update(octets);
        digester.finish()
    }
}
