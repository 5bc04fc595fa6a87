//! Passwords, PINs and access tokens: wiped when dropped, never printed.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::Error;
use crate::error::Misuse;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(Zeroizing<Vec<u8>>);

        impl $name {
            /// From text; its UTF-8 octets are what is used.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into().into_bytes()))
            }

            /// From octets, where a device or an old file wants another encoding.
            #[must_use]
            pub fn from_octets(octets: impl Into<Vec<u8>>) -> Self {
                Self(Zeroizing::new(octets.into()))
            }

            /// The octets. Copies of them are the caller's to wipe.
            #[must_use]
            pub fn expose_octets(&self) -> &[u8] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}

secret! {
    /// The password of a key file or of an encrypted document.
    Password
}

secret! {
    /// The PIN of a token. Not `Clone`: a login consumes it, so that it is tried once.
    Pin
}

/// The access token of a service (RFC 6750), which the host got for itself,
/// such as by OAuth 2.0. Cloning shares it.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(Arc<Zeroizing<String>>);

impl std::hash::Hash for BearerToken {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl BearerToken {
    /// From its text.
    ///
    /// # Errors
    /// [`Error::Misuse`] for what can be no such token, a line end at its end included.
    pub fn new(text: impl Into<String>) -> Result<Self, Error> {
        let text = Zeroizing::new(text.into());
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/=".contains(&b);
        match text.bytes().position(|b| !fits(b)) {
            None if !text.is_empty() => Ok(Self(Arc::new(text))),
            None => Err(Misuse::new("the access token is empty").into()),
            Some(at) => {
                let message =
                    format!("the access token has a character at position {at} that none can have (RFC 6750 §2.1)");
                Err(Misuse::new(message).into())
            }
        }
    }

    /// The text. Copies of it are the caller's to wipe.
    #[must_use]
    pub fn expose_text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// Secret octets that this crate hands out, such as a private key: read through
/// a slice, wiped when dropped, never printed.
pub struct SecretOctets(Zeroizing<Vec<u8>>);

impl SecretOctets {
    pub(crate) const fn new(octets: Zeroizing<Vec<u8>>) -> Self {
        Self(octets)
    }
}

impl std::ops::Deref for SecretOctets {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for SecretOctets {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretOctets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretOctets(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_printed() {
        assert_eq!(format!("{:?} {:?}", Password::new("mật khẩu"), Pin::new("1234")), "Password(..) Pin(..)");
        assert_eq!(format!("{:?}", BearerToken::new("abc.DEF-1_~+/==").unwrap()), "BearerToken(..)");
    }

    #[test]
    fn a_token_cannot_end_its_header_line() {
        for text in ["", "a\r\nx: y", "a\n", "a b", "ä"] {
            assert!(BearerToken::new(text).is_err(), "{text:?}");
        }
    }
}
