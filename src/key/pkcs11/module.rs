//! PKCS#11 modules.

use std::path::Path;
use std::path::PathBuf;

use super::login::Login;
use super::session::TokenSession;
use super::token::Token;
use super::token::TokenSelector;
use crate::error::Error;
use crate::error::TokenError;

/// A PKCS#11 module, loaded once per process and never unloaded. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Module {
    path: PathBuf,
}

impl Module {
    /// Loads and initializes the module at `path`, or takes the one that is loaded already.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no such file; [`Error::Token`] where it is
    /// no library, one for another processor, no PKCS#11 module, or fails to
    /// initialize.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        Err(TokenError::new("load module", format!("{}: not built yet", path.as_ref().display())).into())
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The tokens that are there.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn tokens(&self) -> Result<Vec<Token>, Error> {
        Ok(Vec::new())
    }

    /// The names of a token's mechanisms.
    ///
    /// # Errors
    /// [`Error::Token`].
    pub fn mechanisms(&self, token: &Token) -> Result<Vec<String>, Error> {
        Ok(vec![token.to_string()])
    }

    /// Opens a session with one token and logs in, once.
    ///
    /// # Errors
    /// [`Error::Misuse`] where no token or several fit; [`Error::Secret`] for
    /// the PIN; [`Error::Token`] otherwise.
    pub fn login(&self, token: impl Into<TokenSelector>, login: impl Into<Login>) -> Result<TokenSession, Error> {
        let token = token.into().choose(self.tokens()?)?;
        Ok(TokenSession::new(token, login.into()))
    }
}
