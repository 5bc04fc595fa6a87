//! How a service departs from the specification, as data.

use std::collections::BTreeMap;

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

/// The methods whose paths can be replaced.
const METHODS: [&str; 9] = [
    "info",
    "credentials/list",
    "credentials/info",
    "credentials/authorize",
    "credentials/authorizeCheck",
    "credentials/sendOTP",
    "signatures/signHash",
    "signatures/signPolling",
    "signatures/timestamp",
];

/// The members that can be renamed, in requests and in answers alike.
const FIELDS: [&str; 60] = [
    "OTP",
    "PIN",
    "SAD",
    "SCAL",
    "algo",
    "auth",
    "authData",
    "authInfo",
    "authMode",
    "authType",
    "cert",
    "certInfo",
    "certificates",
    "credentialID",
    "credentialIDs",
    "description",
    "error",
    "error_description",
    "generator",
    "handle",
    "hash",
    "hashAlgo",
    "hashAlgorithmOID",
    "hashes",
    "id",
    "key",
    "lang",
    "len",
    "maxResults",
    "methods",
    "mode",
    "multisign",
    "name",
    "nextPageToken",
    "nonce",
    "numSignatures",
    "oauth2",
    "objects",
    "operationMode",
    "pageToken",
    "presence",
    "region",
    "requestID",
    "responseID",
    "signAlgo",
    "signAlgoParams",
    "signatures",
    "specs",
    "status",
    "timestamp",
    "type",
    "value",
    "label",
    "format",
    "provider",
    "curve",
    "logo",
    "clientData",
    "expiresIn",
    "userID",
];

/// How a service departs from the specification: other paths, other names, more members.
///
/// Reads from JSON; a method or a member that the client does not know is
/// refused, so that a misspelt one is not taken for set.
///
/// ```
/// use kyso::key::remote::csc::CscDialect;
///
/// let dialect = CscDialect::from_json(
///     r#"{ "paths": { "credentials/info": "credentials/detail" },
///          "fields": { "credentialID": "credentialId", "error_description": "errorDescription" },
///          "extra": { "lang": "vi" },
///          "pending": ["3034"], "success": ["0"] }"#,
/// )?;
/// assert_eq!(dialect.fields["credentialID"], "credentialId");
/// assert!(CscDialect::from_json(r#"{ "paths": { "credential/info": "x" } }"#).is_err());
/// # Ok::<(), kyso::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CscDialect {
    /// Method, such as `credentials/info`, to the path below the base address.
    pub paths: BTreeMap<String, String>,
    /// Member as the specification names it, to the name that the service uses.
    pub fields: BTreeMap<String, String>,
    /// Further members of every request.
    pub extra: BTreeMap<String, String>,
    /// Values of `error`, or pieces of `error_description`, that say "not ready yet, ask again".
    pub pending: Vec<String>,
    /// Values of `error` that say "no error".
    pub success: Vec<String>,
    /// Digests go in the URL-safe alphabet of base64. Answers are read in either.
    pub url_safe_base64: bool,
}

impl Default for CscDialect {
    fn default() -> Self {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        Self {
            paths: BTreeMap::new(),
            fields: BTreeMap::new(),
            extra: BTreeMap::new(),
            pending: texts(&["authorization_pending", "slow_down", "not yet been completed"]),
            success: texts(&["0"]),
            url_safe_base64: false,
        }
    }
}

impl CscDialect {
    /// From JSON; what is absent is as the specification has it.
    ///
    /// # Errors
    /// [`Error::Malformed`] for other JSON, and for methods and members that the client does not know.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let dialect: Self = serde_json::from_str(text)
            .map_err(|e| Malformed::new(Format::Policy, "dialect", "the settings of a CSC service as JSON").found(e))?;
        dialect.check()?;
        Ok(dialect)
    }

    /// Refuses settings that would have no effect.
    pub(super) fn check(&self) -> Result<(), Error> {
        let unknown = |field: String, known: &[&str], found: &str| {
            Error::from(Malformed::new(Format::Policy, field, format!("one of {}", known.join(", "))).found(found))
        };
        if let Some(other) = self.paths.keys().find(|name| !METHODS.contains(&name.as_str())) {
            return Err(unknown("paths".to_owned(), &METHODS, other));
        }
        if let Some(other) = self.fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(unknown("fields".to_owned(), &FIELDS, other));
        }
        Ok(())
    }

    /// The path of a method.
    pub(super) fn path<'d>(&'d self, method: &'d str) -> &'d str {
        self.paths.get(method).map_or(method, String::as_str)
    }

    /// The name of a member.
    pub(super) fn field<'d>(&'d self, name: &'d str) -> &'d str {
        debug_assert!(FIELDS.contains(&name), "{name} cannot be renamed");
        self.fields.get(name).map_or(name, String::as_str)
    }
}
