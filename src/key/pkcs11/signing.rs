//! Signing on the token.

use crate::crypto::SignatureAlgorithm;
use crate::error::Error;
use crate::error::TokenError;
use crate::key::SignatureValue;
use crate::key::SignerIdentity;
use crate::key::SigningKey;
use crate::key::ToBeSigned;

/// A private key on a token together with its certificate.
#[derive(Debug)]
pub struct TokenKey {
    identity: SignerIdentity,
    algorithm: SignatureAlgorithm,
}

impl TokenKey {
    /// Signs with another algorithm than the default one.
    ///
    /// # Errors
    /// [`Error::Misuse`] where it does not fit the key; [`Error::Token`] where
    /// the token has no mechanism for it.
    pub fn with_algorithm(mut self, algorithm: SignatureAlgorithm) -> Result<Self, Error> {
        self.algorithm = algorithm;
        Ok(self)
    }
}

impl SigningKey for TokenKey {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn sign(&self, _message: &ToBeSigned) -> Result<SignatureValue, Error> {
        Err(TokenError::new("sign", "not built yet").into())
    }
}
