//! The one door to the network: requests as values, answered by the caller's [`Fetch`].
//!
//! Whatever needs something from outside is a [`Job`]: it hands out requests
//! and takes answers, and does no I/O itself. [`run`] drives one job on a
//! blocking door, [`run_many`] several at once; an asynchronous host drives
//! them itself.
//!
//! Doors are put together like pipes: the HTTP client `fetch::http` (feature
//! `http`) or the host's own at the end, before it [`SchemeHandlers`] for
//! addresses that are not HTTP, [`Remapped`] for hosts that have another name
//! outside, and [`cache`] for what need not be asked again.
//!
//! ```
//! use kyso::Time;
//! use kyso::fetch::AddressMap;
//! use kyso::fetch::Fetch;
//! use kyso::fetch::Remapped;
//! use kyso::fetch::SchemeHandlers;
//! use kyso::fetch::cache::Cache;
//! use kyso::fetch::cache_dir::CacheDir;
//! use std::path::Path;
//! use std::time::SystemTime;
//!
//! fn door(http: impl Fetch, ldap: impl Fetch + Send + Sync + 'static, folder: &Path) -> Result<impl Fetch, kyso::Error> {
//!     let addresses = AddressMap::new().map("http://ocsp.ca.ptc", "http://ocsp.ca.gov.vn")?;
//!     let door = Remapped::new(SchemeHandlers::new(http).scheme("ldap", ldap), addresses);
//!     let clock = || Time::from_system(SystemTime::now()).expect("a clock before the year 10000");
//!     Ok(Cache::new(door, clock).store(CacheDir::open(folder)?))
//! }
//! ```

mod address;
pub mod cache;
pub mod cache_dir;
#[cfg(feature = "http")]
pub mod http;
mod many;

pub use address::AddressMap;
pub use address::Remapped;
pub use address::SchemeHandlers;
pub use many::run_many;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroize;

use crate::error::Error;
use crate::error::FetchFault;
use crate::secret::BearerToken;
use crate::time::Time;

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

/// What a POST sends. It may hold the PIN of a remote signing service, so that
/// it is wiped when dropped, and never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Body(Vec<u8>);

/// One request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Request {
    /// What it is for.
    pub purpose: Purpose,
    /// Which of several steps it is, for logs: the method of a signing service.
    pub step: Option<&'static str>,
    /// The address, as it stands in the certificate or in the caller's settings.
    pub url: String,
    /// POST body; `None` is a GET.
    pub body: Option<Body>,
    /// `Content-Type` of the body.
    pub content_type: Option<&'static str>,
    /// Octets that the answer may have.
    pub max_octets: usize,
    /// A status from before this time does not help: a cache has to ask for a newer one.
    pub since: Option<Time>,
    /// The access token to send along (`Authorization: Bearer`), to this address and to no other.
    pub authorization: Option<BearerToken>,
    /// How long to wait before the request is made: it asks again for what was not ready.
    pub wait: Duration,
    /// After this long an answer is of no use any more, whatever the door allows.
    pub timeout: Option<Duration>,
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
        Self {
            purpose,
            step: None,
            url: url.into(),
            body: None,
            content_type: None,
            max_octets,
            since: None,
            authorization: None,
            wait: Duration::ZERO,
            timeout: None,
        }
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
        let mut request = Self::get(purpose, url, max_octets);
        request.body = Some(body.into());
        request.content_type = Some(content_type);
        request
    }

    /// Sends an access token along.
    #[must_use]
    pub fn authorization(mut self, token: Option<BearerToken>) -> Self {
        self.authorization = token;
        self
    }

    /// Waits before the request is made.
    #[must_use]
    pub const fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// Says after how long an answer is of no use any more.
    #[must_use]
    pub const fn timeout(mut self, time: Option<Duration>) -> Self {
        self.timeout = time;
        self
    }

    /// Says that a status from before `time` does not help.
    #[must_use]
    pub const fn since(mut self, time: Option<Time>) -> Self {
        self.since = time;
        self
    }

    /// Host and port of the address, as written but in lower case.
    fn host(&self) -> String {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.split(['/', '?', '#']).next().unwrap_or_default().to_ascii_lowercase()
    }

    /// Asks the same: an answer to the one is an answer to the other.
    pub(crate) fn asks_as(&self, other: &Self) -> bool {
        (self.purpose, &self.url, &self.body) == (other.purpose, &other.url, &other.body)
    }
}

impl Body {
    /// The octets. Copies of them are the caller's to wipe.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Body {
    fn from(octets: Vec<u8>) -> Self {
        Self(octets)
    }
}

impl std::ops::Deref for Body {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} octets)", self.0.len())
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Hosts that one procedure has waited for in vain. Each further request may
/// cost a time-out, and whoever makes up a certificate can name many addresses.
#[derive(Clone, Debug, Default)]
pub(crate) struct LostHosts(BTreeMap<String, u8>);

impl LostHosts {
    /// Takes note of a failure: a host that nobody is at is given up at once,
    /// one that is slow the second time, for another service of it may be faster.
    pub(crate) fn note(&mut self, request: &Request, error: &Error) {
        let points = match error {
            Error::Fetch(error) if error.fault() == FetchFault::Unreachable => 2,
            Error::Fetch(error) if error.fault() == FetchFault::TooSlow => 1,
            _ => return,
        };
        let all = self.0.entry(request.host()).or_default();
        *all = all.saturating_add(points);
    }

    /// The host of the request was given up.
    pub(crate) fn include(&self, request: &Request) -> bool {
        self.0.get(&request.host()).is_some_and(|points| *points >= 2)
    }
}

impl<F: Fetch + ?Sized> Fetch for &F {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        (**self).fetch(request)
    }
}

impl<F: Fetch + ?Sized> Fetch for Box<F> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        (**self).fetch(request)
    }
}

impl<F: Fetch + ?Sized> Fetch for Arc<F> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        (**self).fetch(request)
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

/// Drives a job to its end on a blocking [`Fetch`], one request after the other.
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
