//! Exit codes, and how errors map to them.

use kyso::Error;

/// The exit codes that scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done = 0,
    Failed = 1,
    Indeterminate = 2,
    NoSignature = 3,
    Usage = 64,
    Input = 65,
    File = 66,
    Service = 69,
    Refused = 73,
    Secret = 77,
}

/// Why the command ends early: an exit code and what to say.
#[derive(Debug)]
pub(crate) struct Stop {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Stop {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// The same where the input itself is at fault; what a service or a policy says speaks of others.
    pub(crate) fn on(self, path: &std::path::Path) -> Self {
        if self.exit == Exit::Input { self.of_file(path) } else { self }
    }

    /// Puts the file's name before the message.
    pub(crate) fn of_file(self, path: &std::path::Path) -> Self {
        Self { message: format!("{}: {}", path.display(), self.message), ..self }
    }
}

impl From<kyso::error::IoError> for Stop {
    fn from(e: kyso::error::IoError) -> Self {
        Error::from(e).into()
    }
}

impl From<Error> for Stop {
    fn from(e: Error) -> Self {
        let exit = match &e {
            Error::Malformed(_) | Error::Unsupported(_) | Error::LimitExceeded(_) => Exit::Input,
            Error::Misuse(_) => Exit::Usage,
            Error::Refused(_) => Exit::Refused,
            Error::Secret(_) => Exit::Secret,
            Error::Token(_) | Error::Fetch(_) => Exit::Service,
            Error::Io(_) => Exit::File,
            _ => Exit::Input,
        };
        let mut message = e.to_string();
        if let Some(source) = std::error::Error::source(&e) {
            message = format!("{message}: {source}");
        }
        Self { exit, message }
    }
}

pub(crate) type Outcome = Result<Exit, Stop>;
