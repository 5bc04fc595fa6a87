//! What a log sees of requests: what they are for, their step, durations, sizes, outcomes.
//!
//! Never an address, which can name a person's certificate, nor what is sent or
//! answered: everything that is recorded is a word or a number of this crate's own.

use crate::error::Error;
#[cfg(feature = "tracing")]
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::fetch::Response;

/// Makes one request within a span, and tells how it ended.
#[cfg(feature = "tracing")]
pub(super) fn request(request: &Request, f: impl FnOnce() -> Result<Response, Error>) -> Result<Response, Error> {
    let step = request.step;
    let purpose = match request.purpose {
        Purpose::Crl => "CRL",
        Purpose::Ocsp => "OCSP",
        Purpose::IssuerCertificate => "issuer certificate",
        Purpose::TimeStamp => "time-stamp",
        Purpose::RemoteSigning => "remote signing",
    };
    let span = tracing::debug_span!(target: "kyso::fetch", "request", purpose, step);
    let entered = span.enter();
    #[allow(clippy::disallowed_methods)] // measures a network and decides nothing
    let begun = std::time::Instant::now();
    let result = f();
    let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    match &result {
        Ok(response) => {
            let octets = response.body.len();
            tracing::debug!(target: "kyso::fetch", purpose, step, micros, octets, outcome = "done");
        }
        Err(e) => {
            tracing::warn!(target: "kyso::fetch", purpose, step, micros, outcome = outcome(e), status = status(e));
        }
    }
    drop(entered);
    result
}

/// Makes one request.
#[cfg(not(feature = "tracing"))]
pub(super) fn request(_request: &Request, f: impl FnOnce() -> Result<Response, Error>) -> Result<Response, Error> {
    f()
}

/// An error by its kind: its text holds the address and what the host said.
#[cfg(feature = "tracing")]
const fn outcome(error: &Error) -> &'static str {
    use crate::error::FetchFault;

    match error {
        Error::Fetch(e) => match e.fault() {
            FetchFault::Address => "address refused",
            FetchFault::Unreachable => "unreachable",
            FetchFault::TooSlow => "too slow",
            FetchFault::Status(_) => "refused by the host",
            FetchFault::Other => "unusable answer",
        },
        _ => "error",
    }
}

/// The HTTP status of a refusal.
#[cfg(feature = "tracing")]
const fn status(error: &Error) -> Option<u16> {
    use crate::error::FetchFault;

    match error {
        Error::Fetch(e) => match e.fault() {
            FetchFault::Status(status) => Some(status),
            _ => None,
        },
        _ => None,
    }
}
