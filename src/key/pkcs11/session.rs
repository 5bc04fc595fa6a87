//! Sessions and what they see on the token.

use std::sync::Arc;

use super::label::Label;
use super::life::Shared;
use super::objects;
use super::signing::TokenKey;
use super::token::KeySelector;
use super::token::Token;
use crate::crypto::KeyType;
use crate::error::Error;
use crate::error::Misuse;
use crate::error::SecretError;
use crate::key::SignerIdentity;
use crate::x509::Certificate;

/// A session with a token, logged in until it and every key taken from it are dropped.
#[derive(Debug)]
pub struct TokenSession {
    pub(super) shared: Arc<Shared>,
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
    pub(super) kind: ObjectKind,
    pub(super) label: Label,
    pub(super) id: Vec<u8>,
    pub(super) certificate: Option<Certificate>,
    pub(super) key_type: Option<KeyType>,
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

    /// Kind and strength of a key, where the object shows them.
    #[must_use]
    pub const fn key_type(&self) -> Option<KeyType> {
        self.key_type
    }

    /// The certificate, where the object is an X.509 certificate that can be read.
    #[must_use]
    pub const fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }
}

impl TokenSession {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The token, as it showed itself before the login.
    #[must_use]
    pub fn token(&self) -> &Token {
        self.shared.token()
    }

    /// The objects that the session sees.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn objects(&self) -> Result<Vec<TokenObject>, Error> {
        self.shared.with_retry("list objects", objects::all)
    }

    /// The signing key that fits, with its certificate and chain from the token.
    ///
    /// The certificate is the one with the `CKA_ID` of the key, else the one for
    /// its public key, else the one with its label; the chain is every CA
    /// certificate on the token.
    ///
    /// # Errors
    /// [`Error::Misuse`], which lists the candidates, where no key or several
    /// fit, or where the token has no certificate for the key;
    /// [`Error::Secret`] where no key is to be seen without a login;
    /// [`Error::Token`].
    pub fn signing_key(&self, key: impl Into<KeySelector>) -> Result<TokenKey, Error> {
        let (generation, key, found) = self.choose(&key.into())?;
        let identity = found.identity(&key, self.shared.token())?;
        TokenKey::new(Arc::clone(&self.shared), generation, key, identity)
    }

    /// The signing key that fits, with a certificate from elsewhere.
    ///
    /// # Errors
    /// As [`signing_key`](Self::signing_key); [`Error::Misuse`] too where the
    /// certificate is for another key.
    pub fn signing_key_with(&self, key: impl Into<KeySelector>, identity: SignerIdentity) -> Result<TokenKey, Error> {
        let (generation, key, found) = self.choose(&key.into())?;
        if found.is_for(&key, identity.certificate()) == Some(false) {
            return Err(Misuse::new("the certificate is for another key").into());
        }
        TokenKey::new(Arc::clone(&self.shared), generation, key, identity)
    }

    /// The key that fits, what else there is, and the generation of its handle.
    pub(super) fn choose(&self, selector: &KeySelector) -> Result<(u64, objects::Key, objects::Found), Error> {
        let (generation, found) = self.found()?;
        let key = found.choose(selector, self.shared.token())?;
        Ok((generation, key, found))
    }

    pub(super) fn found(&self) -> Result<(u64, objects::Found), Error> {
        let shared = &self.shared;
        let found = shared.with_retry("find objects", objects::find)?;
        if found.has_no_key() && shared.token().is_login_required() && shared.is_public() {
            return Err(SecretError::Missing { what: shared.token().name().into() }.into());
        }
        Ok((shared.generation(), found))
    }

    /// Ends the session and logs out; keys taken from it sign no more, and
    /// neither do those of other sessions of this process with the token.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn logout(self) -> Result<(), Error> {
        self.shared.log_out()
    }
}
