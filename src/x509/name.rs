//! Distinguished names.

use std::fmt;

use crate::asn1::Oid;
use crate::error::Error;

/// A distinguished name: its DER, compared by the rules of RFC 5280 §7.1
/// (case, white space and string type do not count; Unicode normalised).
#[derive(Clone)]
pub struct Name {
    der: Vec<u8>,
}

/// One relative distinguished name, as `nameRelativeToCRLIssuer` carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelativeName {
    /// The content of the SET, DER.
    pub content: Vec<u8>,
}

#[allow(clippy::missing_errors_doc, missing_docs)]
impl Name {
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let _ = der;
        todo!("agent x509")
    }
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }
    /// No relative name at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        todo!("agent x509")
    }
    /// The last value of this attribute type, as text.
    #[must_use]
    pub fn attribute(&self, oid: &Oid) -> Option<String> {
        let _ = oid;
        todo!("agent x509")
    }
    /// `commonName`, else the last attribute, for people.
    #[must_use]
    pub fn display_name(&self) -> String {
        todo!("agent x509")
    }
    /// This name with one more relative name (`nameRelativeToCRLIssuer`).
    #[must_use]
    pub fn with_relative(&self, relative: &RelativeName) -> Self {
        let _ = relative;
        todo!("agent x509")
    }
    /// Whether `self` begins with all the relative names of `base` (directoryName constraints, RFC 5280 §4.2.1.10).
    #[must_use]
    pub fn is_within(&self, base: &Self) -> bool {
        let _ = base;
        todo!("agent x509")
    }
}

impl fmt::Display for Name {
    /// RFC 4514 text, last relative name first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = f;
        todo!("agent x509")
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        let _ = other;
        todo!("agent x509")
    }
}

impl Eq for Name {}
