//! The one door to the network: requests as values, answered by the caller's [`Fetch`].

#[cfg(feature = "http")]
pub mod http;

use crate::error::Error;

/// What a request is for, so that a host can apply its own rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// A CRL by GET.
    Crl,
    /// An OCSP request by POST.
    Ocsp,
    /// An issuer certificate by GET.
    IssuerCertificate,
    /// A time-stamp by POST.
    TimeStamp,
    /// A remote signing service.
    RemoteSigning,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Request {
    /// What it is for.
    pub purpose: Purpose,
    /// The address, as it stands in the certificate or in the caller's settings.
    pub url: String,
    /// POST body; `None` is a GET.
    pub body: Option<Vec<u8>>,
    /// `Content-Type` of the body.
    pub content_type: Option<&'static str>,
    /// Octets that the answer may have.
    pub max_octets: usize,
}

/// One answer: the body of a successful response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The body.
    pub body: Vec<u8>,
}

/// Answers requests. Implemented by the host, or by `fetch::http` (feature `http`).
pub trait Fetch {
    /// Answers one request, or says why it cannot.
    ///
    /// # Errors
    /// [`Error::Fetch`].
    fn fetch(&self, request: &Request) -> Result<Response, Error>;
}

impl Request {
    /// A GET.
    #[must_use]
    pub fn get(purpose: Purpose, url: impl Into<String>, max_octets: usize) -> Self {
        Self { purpose, url: url.into(), body: None, content_type: None, max_octets }
    }

    /// A POST.
    #[must_use]
    pub fn post(
        purpose: Purpose,
        url: impl Into<String>,
        content_type: &'static str,
        body: Vec<u8>,
        max_octets: usize,
    ) -> Self {
        Self { purpose, url: url.into(), body: Some(body), content_type: Some(content_type), max_octets }
    }
}

/// A procedure that needs answers on its way. It does no I/O itself: it hands
/// out requests, takes answers (or their failure), and ends with its output.
pub trait Job {
    /// What it ends with.
    type Output;

    /// The requests that it waits for now; empty once it can finish.
    fn requests(&self) -> Vec<Request>;

    /// Hands in the answer to one of them. A failure is an answer too.
    fn answer(&mut self, request: &Request, response: Result<Response, Error>);

    /// Ends.
    ///
    /// # Errors
    /// What keeps the procedure from an output.
    fn finish(self) -> Result<Self::Output, Error>;
}

/// Drives a job to its end on a blocking [`Fetch`].
///
/// # Errors
/// What [`Job::finish`] says.
pub fn run<J: Job>(mut job: J, network: &dyn Fetch) -> Result<J::Output, Error> {
    loop {
        let requests = job.requests();
        if requests.is_empty() {
            return job.finish();
        }
        for request in requests {
            let response = network.fetch(&request);
            job.answer(&request, response);
        }
    }
}
