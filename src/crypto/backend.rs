//! Who does the arithmetic.

use super::{Message, PublicKey, SignatureAlgorithm, VerifyError};

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
        let _ = (key, algorithm, message, signature);
        todo!("agent crypto")
    }
}
