//! Errors, sorted by who can do something about them.
//!
//! `Err` means that a procedure could not run. A signature that does not
//! verify is not an error: it is a report of [`validate`](crate::validate).

use std::borrow::Cow;
use std::fmt;

/// What went wrong, by actor.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The input does not have the form that its format demands.
    Malformed(Malformed),
    /// The input is well formed, but asks for something this crate does not do.
    Unsupported(Unsupported),
    /// A [limit](crate::limits::Limits) was reached; the input may be hostile.
    LimitExceeded(LimitExceeded),
    /// The caller asked for something contradictory.
    Misuse(Misuse),
    /// The document or a policy forbids the operation; nothing was written.
    Refused(Refused),
    /// A password or a PIN is missing or wrong.
    Secret(SecretError),
    /// A token, its module or its driver answered with an error.
    Token(TokenError),
    /// A service on the network could not be used.
    Fetch(FetchError),
    /// A file or another source of octets could not be read or written.
    Io(IoError),
}

/// The format in which a fault was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// ASN.1, BER or DER, before its meaning is known.
    Asn1,
    /// X.509 certificate.
    Certificate,
    /// PKCS#10 certification request.
    CertificationRequest,
    /// Certificate revocation list.
    Crl,
    /// OCSP request or response.
    Ocsp,
    /// Cryptographic Message Syntax.
    Cms,
    /// RFC 3161 message or time-stamp token.
    TimeStamp,
    /// PEM armour.
    Pem,
    /// Private key, PKCS#8 or PKCS#1.
    PrivateKey,
    /// PKCS#12 store.
    Pkcs12,
    /// PDF document.
    Pdf,
    /// XML document.
    Xml,
    /// edXML message.
    Envelope,
    /// ZIP archive.
    Zip,
    /// Base64 text.
    Base64,
    /// Font file.
    Font,
    /// Image file.
    Image,
    /// A stored state of this crate (two-phase signing).
    State,
    /// Evidence package.
    EvidencePackage,
    /// Policy or settings given as data.
    Policy,
    /// A date or time.
    Time,
}

impl Format {
    /// The name used in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asn1 => "ASN.1",
            Self::Certificate => "certificate",
            Self::CertificationRequest => "certification request",
            Self::Crl => "CRL",
            Self::Ocsp => "OCSP",
            Self::Cms => "CMS",
            Self::TimeStamp => "time-stamp",
            Self::Pem => "PEM",
            Self::PrivateKey => "private key",
            Self::Pkcs12 => "PKCS#12",
            Self::Pdf => "PDF",
            Self::Xml => "XML",
            Self::Envelope => "edXML",
            Self::Zip => "ZIP",
            Self::Base64 => "base64",
            Self::Font => "font",
            Self::Image => "image",
            Self::State => "stored state",
            Self::EvidencePackage => "evidence package",
            Self::Policy => "policy",
            Self::Time => "time",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A fault of form: where it stands, what was expected there, what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    format: Format,
    field: Cow<'static, str>,
    expected: Cow<'static, str>,
    found: Option<Box<str>>,
    offset: Option<u64>,
}

impl Malformed {
    /// A fault in `field`, where `expected` should have stood.
    #[must_use]
    pub fn new(format: Format, field: impl Into<Cow<'static, str>>, expected: impl Into<Cow<'static, str>>) -> Self {
        Self { format, field: field.into(), expected: expected.into(), found: None, offset: None }
    }

    /// Adds what was found instead.
    #[must_use]
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = Some(found.to_string().into_boxed_str());
        self
    }

    /// Adds the offset in octets from the start of the input.
    #[must_use]
    pub const fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The format that was being read.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// The field, element or token at fault.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The offset in octets from the start of the input, if known.
    #[must_use]
    pub const fn offset(&self) -> Option<u64> {
        self.offset
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {}: {}", self.format, self.field)?;
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        write!(f, ": expected {}", self.expected)?;
        if let Some(found) = &self.found {
            write!(f, ", found {found}")?;
        }
        Ok(())
    }
}

/// Something legal that this crate does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported {
    format: Format,
    feature: Cow<'static, str>,
    offset: Option<u64>,
}

impl Unsupported {
    /// `feature` of `format` is not supported.
    #[must_use]
    pub fn new(format: Format, feature: impl Into<Cow<'static, str>>) -> Self {
        Self { format, feature: feature.into(), offset: None }
    }

    /// Adds the offset in octets from the start of the input.
    #[must_use]
    pub const fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The format that was being read.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unsupported {}: {}", self.format, self.feature)?;
        if let Some(offset) = self.offset {
            write!(f, " at offset {offset}")?;
        }
        Ok(())
    }
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    limit: &'static str,
    allowed: u64,
}

impl LimitExceeded {
    /// `limit` (its field name in [`Limits`](crate::limits::Limits)) allows no more than `allowed`.
    #[must_use]
    pub const fn new(limit: &'static str, allowed: u64) -> Self {
        Self { limit, allowed }
    }

    /// The name of the limit.
    #[must_use]
    pub const fn limit(&self) -> &'static str {
        self.limit
    }
}

impl fmt::Display for LimitExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "limit exceeded: {} allows {}", self.limit, self.allowed)
    }
}

/// A contradictory or impossible request of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misuse {
    message: Cow<'static, str>,
}

impl Misuse {
    /// What the caller did, and what it should do.
    #[must_use]
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why an operation was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// A certification signature permits no such change.
    Certified,
    /// A signature field lock or a FieldMDP covers the field.
    Locked,
    /// The signature field demands another kind of signature (its seed values).
    SeedValue,
    /// The document's encryption permissions forbid it.
    Permissions,
    /// The document is damaged so that an update would lose content.
    Damaged,
    /// The signer's certificate is expired or not yet valid.
    CertificateTime,
    /// The signer's certificate is revoked.
    CertificateRevoked,
    /// The signer's certificate is not meant for this use.
    CertificateUsage,
    /// The certificate's status could not be established and the caller demands it.
    CertificateUnknown,
    /// Certificates or revocation data that a level demands are not at hand, and nobody can be asked for them.
    EvidenceMissing,
    /// The algorithm policy forbids it.
    Algorithm,
    /// The signature value does not verify under the certificate.
    SignatureValue,
    /// The document or the state is not the one that was prepared.
    StateMismatch,
    /// The target exists and may not be replaced.
    Exists,
    /// A time-stamping authority refused, or its answer does not fit the question.
    TimeStamp,
    /// A certificate is not one of those that are expected.
    Fingerprint,
}

/// An operation that was refused; nothing was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    reason: RefusalReason,
    detail: Cow<'static, str>,
}

impl Refused {
    /// Refused for `reason`; `detail` names the object or rule.
    #[must_use]
    pub fn new(reason: RefusalReason, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { reason, detail: detail.into() }
    }

    /// The reason, to branch on.
    #[must_use]
    pub const fn reason(&self) -> RefusalReason {
        self.reason
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {}", self.detail)
    }
}

/// A password or PIN problem. Never carries the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretError {
    /// The input is encrypted or the token demands a PIN, and none was given.
    Missing {
        /// What the secret would open.
        what: Cow<'static, str>,
    },
    /// The password or PIN is wrong. It was tried once.
    Wrong {
        /// What the secret should have opened.
        what: Cow<'static, str>,
        /// What the token reports of its remaining tries, in its own flags.
        tries: Option<PinTries>,
    },
    /// The PIN is locked; only the issuer can unlock it.
    Locked {
        /// The token.
        what: Cow<'static, str>,
    },
    /// The PIN was not tried, because a wrong one would lock the token.
    FinalTry {
        /// The token.
        what: Cow<'static, str>,
    },
    /// The PIN has expired or must be changed first.
    MustChange {
        /// The token.
        what: Cow<'static, str>,
    },
    /// The input is encrypted for recipients, and no key of one of them is at hand.
    NoRecipient {
        /// What the key would open.
        what: Cow<'static, str>,
        /// Whether a key was given, which is of none of them.
        tried: bool,
    },
    /// The person cancelled the entry.
    Cancelled,
}

/// What a token tells of its PIN counter (PKCS#11 `CKF_USER_PIN_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PinTries {
    /// No flag is set.
    NoWarning,
    /// `CKF_USER_PIN_COUNT_LOW`: an incorrect PIN has been entered since the last success.
    CountLow,
    /// `CKF_USER_PIN_FINAL_TRY`: one wrong PIN more locks the token.
    FinalTry,
    /// `CKF_USER_PIN_LOCKED`.
    Locked,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { what } => write!(f, "{what}: a password or PIN is needed"),
            Self::Wrong { what, tries } => {
                write!(f, "{what}: wrong password or PIN (tried once)")?;
                match tries {
                    Some(PinTries::CountLow) => f.write_str("; the token reports a wrong PIN since the last success"),
                    Some(PinTries::FinalTry) => f.write_str("; the token reports that one try is left"),
                    Some(PinTries::Locked) => f.write_str("; the token reports that the PIN is now locked"),
                    Some(PinTries::NoWarning) => f.write_str("; the token reports no warning on its PIN counter"),
                    None => Ok(()),
                }
            }
            Self::Locked { what } => write!(f, "{what}: the PIN is locked; its issuer can unlock it"),
            Self::FinalTry { what } => {
                write!(f, "{what}: one PIN try is left, so the PIN was not tried; allow the final try explicitly")
            }
            Self::MustChange { what } => write!(f, "{what}: the PIN must be changed before use"),
            Self::NoRecipient { what, tried: false } => {
                write!(f, "{what}: encrypted for recipients; the private key of one of them is needed")
            }
            Self::NoRecipient { what, tried: true } => {
                write!(f, "{what}: the private key that was given is of none of the recipients")
            }
            Self::Cancelled => f.write_str("the PIN entry was cancelled"),
        }
    }
}

/// A token, its module or its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenError {
    operation: Cow<'static, str>,
    detail: Cow<'static, str>,
    fault: TokenFault,
}

/// How a token failed, to branch on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenFault {
    /// The token is not in its slot.
    Removed,
    /// The session, the login or what was found through it is no longer good.
    SessionLost,
    /// The device itself failed (`CKR_DEVICE_ERROR`).
    Device,
    /// The token has no mechanism for this.
    Mechanism,
    /// No answer came in the time allowed, or an earlier call still hangs.
    TooSlow,
    /// The caller called it off.
    Cancelled,
    /// A return value of the vendor's own.
    Vendor(u64),
    /// Anything else.
    #[default]
    Other,
}

impl TokenError {
    /// `operation` failed; `detail` says how, and what would help.
    #[must_use]
    pub fn new(operation: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { operation: operation.into(), detail: detail.into(), fault: TokenFault::Other }
    }

    /// Says in which way it failed.
    #[must_use]
    pub const fn with_fault(mut self, fault: TokenFault) -> Self {
        self.fault = fault;
        self
    }

    /// In which way it failed.
    #[must_use]
    pub const fn fault(&self) -> TokenFault {
        self.fault
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token: {}: {}", self.operation, self.detail)
    }
}

/// A service that could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchError {
    url: Box<str>,
    detail: Cow<'static, str>,
    fault: FetchFault,
    answer: Option<Box<[u8]>>,
}

/// How a service failed, to branch on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchFault {
    /// The address itself is not one that may be asked.
    Address,
    /// Nobody is there: no such host, or no connection.
    Unreachable,
    /// The answer took longer than allowed.
    TooSlow,
    /// The host answered with this HTTP status.
    Status(u16),
    /// Anything else: an answer that is too large, broken off, or of no use.
    #[default]
    Other,
}

impl FetchError {
    /// The request to `url` failed.
    #[must_use]
    pub fn new(url: impl Into<Box<str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { url: url.into(), detail: detail.into(), fault: FetchFault::Other, answer: None }
    }

    /// Adds what the host said together with its status.
    #[must_use]
    pub fn answering(mut self, body: Vec<u8>) -> Self {
        self.answer = Some(body.into_boxed_slice());
        self
    }

    /// What the host said together with its status; kept of remote signing services alone.
    #[must_use]
    pub fn answer(&self) -> Option<&[u8]> {
        self.answer.as_deref()
    }

    /// Says how it failed.
    #[must_use]
    pub const fn because(mut self, fault: FetchFault) -> Self {
        self.fault = fault;
        self
    }

    /// The address that was asked.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What went wrong, without the address.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// How it failed.
    #[must_use]
    pub const fn fault(&self) -> FetchFault {
        self.fault
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.url, self.detail)
    }
}

/// A file or another source that could not be read or written.
#[derive(Debug)]
pub struct IoError {
    operation: &'static str,
    what: Box<str>,
    source: std::io::Error,
}

impl IoError {
    /// `operation` ("read", "write", ...) on `what` (a path, a source) failed.
    #[must_use]
    pub fn new(operation: &'static str, what: impl Into<Box<str>>, source: std::io::Error) -> Self {
        Self { operation, what: what.into(), source }
    }

    /// The operating system's error.
    #[must_use]
    pub const fn io(&self) -> &std::io::Error {
        &self.source
    }
}

impl fmt::Display for IoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} {}", self.operation, self.what)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(e) => e.fmt(f),
            Self::Unsupported(e) => e.fmt(f),
            Self::LimitExceeded(e) => e.fmt(f),
            Self::Misuse(e) => e.fmt(f),
            Self::Refused(e) => e.fmt(f),
            Self::Secret(e) => e.fmt(f),
            Self::Token(e) => e.fmt(f),
            Self::Fetch(e) => e.fmt(f),
            Self::Io(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(e) => Some(&e.source),
            _ => None,
        }
    }
}

macro_rules! from {
    ($($ty:ident => $variant:ident),* $(,)?) => {$(
        impl From<$ty> for Error {
            fn from(e: $ty) -> Self {
                Self::$variant(e)
            }
        }
    )*};
}

from! {
    Malformed => Malformed,
    Unsupported => Unsupported,
    LimitExceeded => LimitExceeded,
    Misuse => Misuse,
    Refused => Refused,
    SecretError => Secret,
    TokenError => Token,
    FetchError => Fetch,
    IoError => Io,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_names_place_expectation_and_finding() {
        let e = Error::from(Malformed::new(Format::Pdf, "startxref", "an offset inside the file").found(99).at(12));
        assert_eq!(
            e.to_string(),
            "malformed PDF: startxref at offset 12: expected an offset inside the file, found 99"
        );
    }
}
