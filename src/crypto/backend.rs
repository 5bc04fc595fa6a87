//! Who does the arithmetic.

use super::Message;
use super::PublicKey;
use super::SignatureAlgorithm;
use super::VerifyError;
use super::rust_crypto;

/// A set of cryptographic implementations, chosen by the caller.
///
/// Enabling a feature adds a constructor and never changes the default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backend(Kind);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    RustCrypto,
    #[cfg(feature = "aws-lc-rs")]
    AwsLc,
}

impl Backend {
    /// The RustCrypto implementations; the default.
    #[must_use]
    pub const fn rust_crypto() -> Self {
        Self(Kind::RustCrypto)
    }

    /// aws-lc-rs, falling back to RustCrypto for each algorithm it lacks.
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
            // Every algorithm falls back until its own row is here.
            #[cfg(feature = "aws-lc-rs")]
            Kind::AwsLc => rust_crypto::verify(key, algorithm, message, signature),
        }
    }
}
