//! PKCS#11 URIs (RFC 7512).

use std::fmt;

use super::label;
use crate::error::Error;
use crate::error::Misuse;

/// A `pkcs11:` URI: which module, which token, which object.
///
/// Attributes that this crate has no use for (`library-description`, vendor
/// attributes) are checked for form and passed over, as RFC 7512 §2.3 wants;
/// an attribute given twice is an error there. `pin-value` is never taken: a
/// PIN in a URI ends up in shell histories and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenUri {
    pub(super) token: Option<String>,
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) slot: Option<u64>,
    pub(super) object: Option<Vec<u8>>,
    pub(super) id: Option<Vec<u8>>,
    object_type: Option<ObjectType>,
    module_path: Option<String>,
    module_name: Option<String>,
    pin_source: Option<String>,
}

/// The `type` attribute of a URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ObjectType {
    Certificate,
    Data,
    Private,
    Public,
    SecretKey,
}

impl TokenUri {
    /// Reads a URI.
    ///
    /// # Errors
    /// [`Error::Misuse`], which names the attribute at fault; also for
    /// `pin-value`, and for a `type` under which no signing key is found.
    pub fn parse(uri: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Error::from(Misuse::new(format!("PKCS#11 URI: {what}")));
        let scheme = uri.get(..7).filter(|s| s.eq_ignore_ascii_case("pkcs11:"));
        let rest = scheme.and_then(|_| uri.get(7..)).ok_or_else(|| wrong("it must begin with pkcs11:"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut found = Self::default();
        let mut seen = Vec::new();
        let attributes = path.split(';').map(|a| (a, false)).chain(query.split('&').map(|a| (a, true)));
        for (attribute, in_query) in attributes.filter(|(a, _)| !a.is_empty()) {
            let (name, value) =
                attribute.split_once('=').ok_or_else(|| wrong(&format!("{}: no value", label::shown(attribute))))?;
            let value = decode(value).ok_or_else(|| wrong(&format!("{}: a broken % escape", label::shown(name))))?;
            if seen.contains(&(name, in_query)) {
                return Err(wrong(&format!("{} is given twice", label::shown(name))));
            }
            seen.push((name, in_query));
            found.set(name, in_query, value).map_err(|what| wrong(&format!("{}: {what}", label::shown(name))))?;
        }
        Ok(found)
    }

    fn set(&mut self, name: &str, in_query: bool, value: Vec<u8>) -> Result<(), &'static str> {
        let text = |value: Vec<u8>| String::from_utf8(value).map_err(|_| "not UTF-8");
        // PKCS#11 wants UTF-8 here, which not every token heeds: it is compared as it is shown.
        let shown = |value: Vec<u8>| String::from_utf8_lossy(&value).into_owned();
        match (name, in_query) {
            ("token", false) => self.token = Some(shown(value)),
            ("manufacturer", false) => self.manufacturer = Some(shown(value)),
            ("model", false) => self.model = Some(shown(value)),
            ("serial", false) => self.serial = Some(shown(value)),
            ("object", false) => self.object = Some(value),
            ("id", false) => self.id = Some(value),
            ("slot-id", false) => self.slot = Some(text(value)?.parse().map_err(|_| "not a number")?),
            ("type", false) => {
                self.object_type = Some(match value.as_slice() {
                    b"cert" => ObjectType::Certificate,
                    b"data" => ObjectType::Data,
                    b"private" => ObjectType::Private,
                    b"public" => ObjectType::Public,
                    b"secret-key" => ObjectType::SecretKey,
                    _ => return Err("not a type of RFC 7512"),
                });
            }
            ("module-path", true) => self.module_path = Some(text(value)?),
            ("module-name", true) => self.module_name = Some(text(value)?),
            ("pin-source", true) => self.pin_source = Some(text(value)?),
            ("pin-value", true) => return Err("a PIN is not taken from a URI; give it by another way"),
            _ => {}
        }
        Ok(())
    }

    /// `module-path`: the module's file.
    #[must_use]
    pub fn module_path(&self) -> Option<&str> {
        self.module_path.as_deref()
    }

    /// `module-name`: the module's name without prefix and suffix; which file that is, is the host's to know.
    #[must_use]
    pub fn module_name(&self) -> Option<&str> {
        self.module_name.as_deref()
    }

    /// `pin-source`: where the PIN stands; it is the host's to read.
    #[must_use]
    pub fn pin_source(&self) -> Option<&str> {
        self.pin_source.as_deref()
    }

    /// `token`: the token's label.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// `serial`: the token's serial number.
    #[must_use]
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_deref()
    }

    /// `object`: the octets of the object's label.
    #[must_use]
    pub fn object(&self) -> Option<&[u8]> {
        self.object.as_deref()
    }

    /// `id`: the octets of `CKA_ID`.
    #[must_use]
    pub fn id(&self) -> Option<&[u8]> {
        self.id.as_deref()
    }

    /// Whether the URI can name a key pair or its certificate.
    pub(super) const fn names_a_key(&self) -> bool {
        !matches!(self.object_type, Some(ObjectType::Data | ObjectType::SecretKey))
    }
}

/// Percent-decoding to octets.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut octets = text.bytes();
    while let Some(b) = octets.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        out.push(digit(octets.next()?)? << 4 | digit(octets.next()?)?);
    }
    Some(out)
}

impl fmt::Display for TokenUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = self.slot.map(|s| s.to_string());
        let path = [
            ("token", self.token.as_deref().map(str::as_bytes)),
            ("manufacturer", self.manufacturer.as_deref().map(str::as_bytes)),
            ("model", self.model.as_deref().map(str::as_bytes)),
            ("serial", self.serial.as_deref().map(str::as_bytes)),
            ("slot-id", slot.as_deref().map(str::as_bytes)),
            ("object", self.object.as_deref()),
            ("id", self.id.as_deref()),
            (
                "type",
                self.object_type.map(|t| match t {
                    ObjectType::Certificate => &b"cert"[..],
                    ObjectType::Data => b"data",
                    ObjectType::Private => b"private",
                    ObjectType::Public => b"public",
                    ObjectType::SecretKey => b"secret-key",
                }),
            ),
        ];
        let query = [
            ("module-path", self.module_path.as_deref()),
            ("module-name", self.module_name.as_deref()),
            ("pin-source", self.pin_source.as_deref()),
        ];
        f.write_str("pkcs11:")?;
        let mut separator = "";
        for (name, value) in path.into_iter().filter_map(|(n, v)| Some((n, v?))) {
            write!(f, "{separator}{name}=")?;
            // RFC 7512 §2.3: the octets of an identifier are all escaped.
            encode(f, value, name != "id")?;
            separator = ";";
        }
        separator = "?";
        for (name, value) in query.into_iter().filter_map(|(n, v)| Some((n, v?))) {
            write!(f, "{separator}{name}=")?;
            encode(f, value.as_bytes(), true)?;
            separator = "&";
        }
        Ok(())
    }
}

fn encode(f: &mut fmt::Formatter<'_>, octets: &[u8], plain: bool) -> fmt::Result {
    octets.iter().try_for_each(|b| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' if plain => write!(f, "{}", char::from(*b)),
        _ => write!(f, "%{b:02X}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 7512 §3.
        let uri = TokenUri::parse(
            "pkcs11:token=The%20Software%20PKCS%2311%20Softtoken;manufacturer=Snake%20Oil,%20Inc.;model=1.0;\
             object=my-certificate;type=cert;id=%69%95%3E%5C%F4%BD%EC%91;serial=?pin-source=file:/etc/token_pin",
        )
        .unwrap();
        assert_eq!(uri.token(), Some("The Software PKCS#11 Softtoken"));
        assert_eq!(uri.manufacturer.as_deref(), Some("Snake Oil, Inc."));
        assert_eq!(uri.object(), Some(&b"my-certificate"[..]));
        assert_eq!(uri.id(), Some(&b"\x69\x95\x3E\x5C\xF4\xBD\xEC\x91"[..]));
        assert_eq!(uri.serial(), Some(""));
        assert_eq!(uri.pin_source(), Some("file:/etc/token_pin"));
        assert!(uri.names_a_key());
        let uri = TokenUri::parse("pkcs11:slot-id=327?module-name=mypkcs11").unwrap();
        assert_eq!((uri.slot, uri.module_name()), (Some(327), Some("mypkcs11")));
        let uri = TokenUri::parse("pkcs11:object=my-sign-key;type=private?module-path=/mnt/libmypkcs11.so.1").unwrap();
        assert_eq!(uri.module_path(), Some("/mnt/libmypkcs11.so.1"));
        assert_eq!(TokenUri::parse("pkcs11:").unwrap(), TokenUri::default());
        assert_eq!(TokenUri::parse("pkcs11:token=x;vendor-aaa=value-a?vendor-bbb=b").unwrap().token(), Some("x"));
    }

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "pkcs11:",
            "pkcs11:token=V%C4%83n%20ph%C3%B2ng;object=kh%C3%B3a;id=%00%FF",
            "pkcs11:slot-id=3;type=private?module-path=%2Fa%20b.so",
            "pkcs11:?module-path=%2Fa%26b.so&pin-source=file",
        ] {
            let uri = TokenUri::parse(text).unwrap();
            assert_eq!(TokenUri::parse(&uri.to_string()).unwrap(), uri);
        }
        assert_eq!(TokenUri::parse("PKCS11:id=%01%ff").unwrap().to_string(), "pkcs11:id=%01%FF");
    }

    #[test]
    fn faults_name_the_attribute() {
        let fault = |text: &str| TokenUri::parse(text).unwrap_err().to_string();
        assert!(fault("http:x").contains("pkcs11:"));
        assert!(fault("pkcs11:token").contains("token"));
        assert!(fault("pkcs11:id=%1").contains("id"));
        assert!(fault("pkcs11:id=%1g").contains("id"));
        assert!(fault("pkcs11:slot-id=x").contains("slot-id"));
        assert!(fault("pkcs11:type=key").contains("type"));
        assert!(fault("pkcs11:token=a;token=b").contains("twice"));
        assert!(fault("pkcs11:?module-path=%FF").contains("UTF-8"));
        assert_eq!(TokenUri::parse("pkcs11:token=caf%E9").unwrap().token(), Some("caf\u{FFFD}"));
        let pin = fault("pkcs11:token=a?pin-value=123456");
        assert!(pin.contains("pin-value") && !pin.contains("123456"));
    }
}
