//! Passwords and PINs: wiped when dropped, never printed.

use std::fmt;

use zeroize::Zeroizing;

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
    }
}
