//! Remote signing by the API of the Cloud Signature Consortium, versions 1 and 2.
//!
//! A [`CscService`] is an address and how to speak there; what it is asked for
//! are [`Job`](crate::fetch::Job)s, which any [`Fetch`](crate::fetch::Fetch) drives. The host gets
//! the access token itself (OAuth 2.0) and hands it over as a [`BearerToken`].
//!
//! ```no_run
//! use kyso::Error;
//! use kyso::fetch::Fetch;
//! use kyso::fetch::run;
//! use kyso::key::remote::csc::Authorisation;
//! use kyso::key::remote::csc::CscService;
//! use kyso::key::remote::csc::CscVersion;
//! use kyso::secret::BearerToken;
//! use kyso::secret::Pin;
//! use kyso::sign::Prepared;
//! use kyso::sign::cades::CadesRequest;
//! use kyso::sign::remote::RemoteBatch;
//!
//! fn sign(files: &[Vec<u8>], now: kyso::Time, token: BearerToken, network: &dyn Fetch) -> Result<(), Error> {
//!     let service = CscService::new("https://rssp.example.vn/csc/v1", CscVersion::V1)?.token(token);
//!     let credential = run(service.credential("cred-001"), network)?;
//!     // All documents first: the service binds its permission to their digests.
//!     let prepared = files.iter().map(|file| CadesRequest::new(file, now).prepare(credential.identity()));
//!     let prepared = prepared.collect::<Result<Vec<_>, _>>()?;
//!     run(service.send_otp("cred-001"), network)?;
//!     let signer = credential.signer(Authorisation::new().pin(Pin::new("...")).otp(Pin::new("...")));
//!     for signed in run(RemoteBatch::new(prepared, signer)?, network)? {
//!         println!("{}", signed.octets().len());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! PIN, one-time password and token go only where the address is HTTPS or the
//! loopback interface; they are wiped after use and stand in no error and no
//! log. What a service says of a refusal is repeated in the error.

mod call;
mod credential;
mod dialect;
mod message;
mod signing;
mod stamp;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use call::CscCall;
pub use credential::Authorisation;
pub use credential::CscCredential;
pub use credential::Demand;
pub use dialect::CscDialect;
pub use signing::CscSigner;
pub use signing::CscSigning;
pub use stamp::CscTimestampDoor;

use self::call::Next;
use self::message::Members;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::Misuse;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::fetch::cache::Clock;
use crate::secret::BearerToken;
use crate::time::Time;

/// Octets that an answer may have.
const MOST_OCTETS: usize = 4 << 20;
/// Pages of a list of credentials, and credentials in all of them.
const MOST_PAGES: usize = 64;
const MOST_CREDENTIALS: usize = 4_096;

/// The version of the API that a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CscVersion {
    /// 1.0.4.0: digests as `hash`, PIN and OTP by name.
    V1,
    /// 2.x: digests as `hashes`, PIN and OTP in `authData`, asynchronous answers.
    V2,
}

/// A remote signing service: an address, and how to speak there. Cloning shares its secrets.
#[derive(Clone)]
pub struct CscService {
    base: String,
    version: CscVersion,
    dialect: Arc<CscDialect>,
    token: Option<BearerToken>,
    polling: Option<Polling>,
    asynchronous: bool,
}

/// How to wait for a service that answers later, such as when its user confirms on a phone.
#[derive(Clone)]
pub struct Polling {
    clock: Arc<dyn Clock + Send + Sync>,
    every: Duration,
    within: Duration,
}

impl Polling {
    /// By this clock, every 2 seconds, for 5 minutes.
    #[must_use]
    pub fn new(clock: impl Clock + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), every: Duration::from_secs(2), within: Duration::from_secs(300) }
    }

    /// Asks again after this long; at least 50 ms.
    #[must_use]
    pub fn every(mut self, time: Duration) -> Self {
        self.every = time.max(Duration::from_millis(50));
        self
    }

    /// Gives up after this long, counted from the first request of a batch.
    #[must_use]
    pub const fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    fn now(&self) -> Time {
        self.clock.now()
    }
}

impl fmt::Debug for Polling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Polling").field("every", &self.every).field("within", &self.within).finish_non_exhaustive()
    }
}

/// What a service says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CscInfo {
    /// The version of the specification, such as `1.0.4.0`.
    pub specs: String,
    /// Its name.
    pub name: String,
    /// Country.
    pub region: String,
    /// What it is.
    pub description: String,
    /// How its users authenticate: `external`, `basic`, `oauth2code`, ...
    pub auth_types: Vec<String>,
    /// The address of its OAuth 2.0 server.
    pub oauth2: Option<String>,
    /// The methods it offers.
    pub methods: Vec<String>,
}

impl CscInfo {
    /// The version to speak with it; `None` where it names none that is known.
    #[must_use]
    pub fn version(&self) -> Option<CscVersion> {
        match self.specs.split('.').next() {
            Some("1") => Some(CscVersion::V1),
            Some("2") => Some(CscVersion::V2),
            _ => None,
        }
    }
}

impl CscService {
    /// The service at a base address such as `https://rssp.example.vn/csc/v1`.
    ///
    /// # Errors
    /// [`Error::Misuse`] for an address that is neither HTTPS nor on this
    /// machine: PINs and tokens would go over the network in the clear.
    pub fn new(base: &str, version: CscVersion) -> Result<Self, Error> {
        let service = Self::danger_in_the_clear(base, version)?;
        if !service.base.starts_with("https://") && !is_local(&service.base) {
            let message = format!("{base}: PINs and tokens go over HTTPS only; give an https address");
            return Err(Misuse::new(message).into());
        }
        Ok(service)
    }

    /// As [`new`](Self::new), with any address: for a network that is protected otherwise.
    ///
    /// # Errors
    /// [`Error::Misuse`] for what is no HTTP address, or has a name, a query or a fragment in it.
    pub fn danger_in_the_clear(base: &str, version: CscVersion) -> Result<Self, Error> {
        let rest = base.strip_prefix("https://").or_else(|| base.strip_prefix("http://"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(['?', '#', '@', ' '])) {
            let message = "the base address of a CSC service is like https://rssp.example.vn/csc/v1, without a query";
            return Err(Misuse::new(message).into());
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            version,
            dialect: Arc::default(),
            token: None,
            polling: None,
            asynchronous: false,
        })
    }

    /// The access token to send with every request.
    #[must_use]
    pub fn token(mut self, token: BearerToken) -> Self {
        self.token = Some(token);
        self
    }

    /// How the service departs from the specification.
    ///
    /// # Errors
    /// As [`CscDialect::from_json`], for settings made by hand.
    pub fn dialect(mut self, dialect: CscDialect) -> Result<Self, Error> {
        dialect.check()?;
        self.dialect = Arc::new(dialect);
        Ok(self)
    }

    /// Waits for answers that come later, and not for ever. Without it an
    /// asynchronous answer is an error.
    #[must_use]
    pub fn polling(mut self, polling: Polling) -> Self {
        self.polling = Some(polling);
        self
    }

    /// Asks for asynchronous answers (`operationMode` `A`, version 2); needs [`polling`](Self::polling).
    #[must_use]
    pub const fn asynchronous(mut self) -> Self {
        self.asynchronous = true;
        self
    }

    /// What the service says of itself (`info`).
    #[must_use]
    pub fn info(&self) -> CscCall<CscInfo> {
        let request = self.request("info", self.members());
        CscCall::new(self.clone(), request, |_, answer| {
            let texts = |name| answer.texts(name).unwrap_or_default().into_iter().map(str::to_owned).collect();
            let text = |name| answer.scalar(name).unwrap_or_default();
            Ok(Next::Done(CscInfo {
                specs: text("specs"),
                name: text("name"),
                region: text("region"),
                description: text("description"),
                auth_types: texts("authType"),
                oauth2: answer.text("oauth2").map(str::to_owned),
                methods: texts("methods"),
            }))
        })
    }

    /// The identifiers of the credentials that the token gives access to (`credentials/list`), all pages.
    #[must_use]
    pub fn credentials(&self) -> CscCall<Vec<String>> {
        let request = self.request("credentials/list", self.members());
        let (mut all, mut pages) = (Vec::new(), 0);
        CscCall::new(self.clone(), request, move |service, answer| {
            let url = service.url("credentials/list");
            let missing = || FetchError::new(url.as_str(), "the answer has no credentialIDs");
            let page = answer.texts("credentialIDs").ok_or_else(missing)?;
            all.extend(page.into_iter().map(str::to_owned));
            pages += 1;
            if pages > MOST_PAGES || all.len() > MOST_CREDENTIALS {
                return Err(FetchError::new(url, "the list of credentials does not end").into());
            }
            match answer.scalar("nextPageToken").filter(|token| !token.is_empty()) {
                Some(token) => {
                    let members = service.members().set("pageToken", token);
                    Ok(Next::Ask(service.request("credentials/list", members)))
                }
                None => Ok(Next::Done(std::mem::take(&mut all))),
            }
        })
    }

    /// A credential with its certificate chain (`credentials/info`).
    #[must_use]
    pub fn credential(&self, id: &str) -> CscCall<CscCredential> {
        let members = self.members().set("credentialID", id).set("certificates", "chain").set("authInfo", true);
        let request = self.request("credentials/info", members);
        let id = id.to_owned();
        CscCall::new(self.clone(), request, move |service, answer| {
            credential::read(service, &id, answer).map(Next::Done)
        })
    }

    /// Has a one-time password sent to the user of a credential (`credentials/sendOTP`).
    #[must_use]
    pub fn send_otp(&self, id: &str) -> CscCall<()> {
        let request = self.request("credentials/sendOTP", self.members().set("credentialID", id));
        CscCall::new(self.clone(), request, |_, _| Ok(Next::Done(())))
    }

    /// The address at which [`CscTimestampDoor`] asks this service for time-stamps.
    #[must_use]
    pub fn timestamp_url(&self) -> String {
        self.url("signatures/timestamp")
    }

    fn members(&self) -> Members<'_> {
        Members::new(&self.dialect)
    }

    fn url(&self, method: &str) -> String {
        format!("{}/{}", self.base, self.dialect.path(method).trim_start_matches('/'))
    }

    fn request(&self, method: &'static str, members: Members<'_>) -> Request {
        let (url, body) = (self.url(method), members.into_body());
        let request = Request::post(Purpose::RemoteSigning, url, "application/json", body, MOST_OCTETS);
        Request { step: Some(method), ..request.authorization(self.token.clone()) }
    }
}

/// Whether an address names the loopback interface, by number or as `localhost`.
fn is_local(url: &str) -> bool {
    let authority = url.split_once("://").map_or("", |(_, rest)| rest).split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) if port.is_empty() || port.starts_with(':') => host,
        Some(_) => return false,
        None => authority.split_once(':').map_or(authority, |(host, _)| host),
    };
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl fmt::Debug for CscService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CscService")
            .field("base", &self.base)
            .field("version", &self.version)
            .field("dialect", &self.dialect)
            .field("polling", &self.polling)
            .finish_non_exhaustive()
    }
}
