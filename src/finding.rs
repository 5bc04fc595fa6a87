//! What a reader noticed: a code for machines, a sentence for people.

use std::borrow::Cow;
use std::fmt;

/// How much a [`Finding`] weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing; changes no judgement.
    Info,
    /// A deviation that was tolerated, or something a person should look at.
    Warning,
    /// A fault; whoever judges the document must not pass over it.
    Error,
}

impl Severity {
    /// The name used in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something noticed in an input, short of an error: reading went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    code: Cow<'static, str>,
    severity: Severity,
    message: String,
    place: Option<String>,
}

impl Finding {
    /// A finding; `code` is stable and in `UPPER_SNAKE_CASE`.
    #[must_use]
    pub fn new(severity: Severity, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { code: code.into(), severity, message: message.into(), place: None }
    }

    /// A fault.
    #[must_use]
    pub fn error(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A tolerated deviation.
    #[must_use]
    pub fn warning(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Something worth knowing.
    #[must_use]
    pub fn info(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Info, code, message)
    }

    /// Says where: an offset, an object, an element.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    /// The code, to branch on.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The weight.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        self.severity
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The place, if there is one.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.severity.name(), self.code, self.message)?;
        match &self.place {
            Some(place) => write!(f, " ({place})"),
            None => Ok(()),
        }
    }
}
