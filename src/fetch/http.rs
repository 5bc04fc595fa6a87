//! A blocking HTTP client behind the crate's network door (feature `http`).
//!
//! Addresses of CRLs, responders and issuers stand in certificates, so that
//! whoever makes up a certificate chooses them: by default none of them leads
//! into a private network, whatever name it hides behind. Addresses from the
//! caller's own settings (time-stamping, remote signing) may lead anywhere.
//!
//! OCSP goes by POST, which every responder takes, and falls back to GET where
//! an answer is of no use (RFC 6960 §A.1), or the other way round.
//!
//! An access token goes to the address that a request names, never after a redirect.
//! No cookies, no other credentials, no system store of TLS roots, no compression;
//! answers are cut off at the size that the request allows while they are read.
//!
//! With the feature `tracing`, requests are spans and events of the target
//! `kyso::fetch`: purpose, step, duration, size, outcome; no address and no content.

mod proxy;
mod trace;

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use ureq::Timeout;
use ureq::config::Config;
use ureq::http::HeaderValue;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::Connector;
use ureq::unversioned::transport::DefaultConnector;
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::TcpConnector;

use super::Fetch;
use super::Purpose;
use super::Request;
use super::Response;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::FetchFault;
use crate::error::Misuse;
use crate::secret::BearerToken;
use crate::x509::ocsp::OcspResponse;
use crate::x509::ocsp::ResponseStatus;

/// Octets that are read of why a signing service refuses.
const MOST_OF_REASON: u64 = 64 << 10;
/// Octets of an address up to which an OCSP request may go by GET (RFC 6960 §A.1).
const MOST_IN_ADDRESS: usize = 255;

/// How requests are made.
#[derive(Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// From the start of a request to the last octet of its answer, redirects included.
    pub timeout: Duration,
    /// The same for time-stamping and remote signing, where people or queues take their time.
    pub service_timeout: Duration,
    /// What stands for hosts by name instead of either, in lower case: for a
    /// time-stamping authority that is known to be slow, or one before it in
    /// order that is not worth waiting for.
    pub host_timeouts: BTreeMap<String, Duration>,
    /// To open a connection.
    pub connect_timeout: Duration,
    /// Redirects that one GET may follow. A POST follows none.
    pub max_redirects: usize,
    /// Whether addresses from certificates may lead into private networks.
    pub private_addresses: PrivateAddresses,
    /// How OCSP requests are put.
    pub ocsp_method: OcspMethod,
    /// Names that are not looked up but lead to a fixed address, private or not,
    /// and past a proxy. In lower case.
    pub hosts: BTreeMap<String, SocketAddr>,
    /// An HTTP proxy, such as `http://proxy.example.vn:3128`; `None`: none, whatever the
    /// environment says; a name and a password before the host are sent to it (Basic).
    /// It looks names up itself, so that it has to keep requests out of private networks
    /// itself; names that tell by themselves that they lead there are not handed to it.
    pub proxy: Option<String>,
    /// Roots of TLS servers, each a DER certificate; `None`: those of Mozilla.
    pub tls_roots: Option<Vec<Vec<u8>>>,
    /// `User-Agent`.
    pub user_agent: String,
}

/// Whether addresses from certificates may lead into private networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrivateAddresses {
    /// They may not.
    #[default]
    Refused,
    /// They may: for a CA inside of the office's own network.
    Allowed,
}

/// How OCSP requests are put (RFC 6960 §A.1). The second way is tried where the
/// host answered the first and the answer is of no use, never where nobody answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OcspMethod {
    /// By POST; short ones by GET after that.
    #[default]
    PostThenGet,
    /// Short ones by GET, which proxies on the way may answer from their stores; POST after that.
    GetThenPost,
    /// By POST alone.
    Post,
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("timeout", &self.timeout)
            .field("service_timeout", &self.service_timeout)
            .field("host_timeouts", &self.host_timeouts)
            .field("connect_timeout", &self.connect_timeout)
            .field("max_redirects", &self.max_redirects)
            .field("private_addresses", &self.private_addresses)
            .field("ocsp_method", &self.ocsp_method)
            .field("hosts", &self.hosts)
            .field("proxy", &self.proxy.as_deref().map(without_credentials))
            .field("tls_roots", &self.tls_roots.as_ref().map(Vec::len))
            .field("user_agent", &self.user_agent)
            .finish()
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            service_timeout: Duration::from_secs(180),
            host_timeouts: BTreeMap::new(),
            connect_timeout: Duration::from_secs(10),
            max_redirects: 3,
            private_addresses: PrivateAddresses::default(),
            ocsp_method: OcspMethod::default(),
            hosts: BTreeMap::new(),
            proxy: None,
            tls_roots: None,
            user_agent: concat!("kyso/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// A client. Cloning shares its connections.
#[derive(Clone)]
pub struct HttpClient {
    /// For addresses from certificates.
    guarded: ureq::Agent,
    /// For addresses from the caller's settings. Its connections are its own,
    /// so that none of them serves an address from a certificate.
    open: ureq::Agent,
    /// Where there is a proxy: for names that lead past it.
    direct: ureq::Agent,
    /// Where there is a proxy that takes plain HTTP.
    plain: Option<Plain>,
    options: Arc<HttpOptions>,
}

/// Plain HTTP through a proxy.
#[derive(Clone)]
struct Plain {
    agent: ureq::Agent,
    /// `Proxy-Authorization`.
    authorization: Option<String>,
}

impl HttpClient {
    /// A client with these options.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a proxy that is no address.
    pub fn new(options: HttpOptions) -> Result<Self, Error> {
        let proxy = match &options.proxy {
            None => None,
            Some(url) => Some(ureq::Proxy::new(url).map_err(|_| Misuse::new("the proxy is no HTTP address"))?),
        };
        let mut tls = TlsConfig::builder();
        if let Some(roots) = &options.tls_roots {
            let roots = roots.iter().map(|der| ureq::tls::Certificate::from_der(der).to_owned());
            tls = tls.root_certs(RootCerts::Specific(Arc::new(roots.collect())));
        }
        let tls = tls.build();
        let config = |proxy: Option<ureq::Proxy>| {
            ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .max_redirects_will_error(false)
                .proxy(proxy)
                .tls_config(tls.clone())
                .timeout_connect(Some(options.connect_timeout))
                .max_response_header_size(64 << 10)
                .user_agent(options.user_agent.as_str())
        };
        let plain = proxy.as_ref().filter(|p| p.protocol() == ureq::ProxyProtocol::Http).map(|proxy| {
            let secret = proxy.username().map(|user| format!("{user}:{}", proxy.password().unwrap_or_default()));
            let authorization =
                secret.map(|s| format!("Basic {}", base64_simd::STANDARD.encode_to_string(s.as_bytes())));
            let config = config(None).max_idle_connections(0).build();
            let connector = ().chain(TcpConnector::default()).chain(proxy::AbsoluteForm);
            Plain {
                agent: ureq::Agent::with_parts(config, connector, proxy::ToProxy(proxy.uri().clone())),
                authorization,
            }
        });
        let at = proxy.as_ref().map(|p| (p.host().to_ascii_lowercase(), p.port()));
        let agent = |proxy: Option<ureq::Proxy>, private_addresses| {
            let resolver = Guard {
                inner: DefaultResolver::default(),
                private_addresses,
                hosts: options.hosts.clone(),
                proxy: at.clone(),
            };
            ureq::Agent::with_parts(config(proxy).build(), DefaultConnector::default(), resolver)
        };
        Ok(Self {
            guarded: agent(proxy.clone(), options.private_addresses),
            open: agent(proxy, PrivateAddresses::Allowed),
            direct: agent(None, options.private_addresses),
            plain,
            options: Arc::new(options),
        })
    }

    fn call(&self, request: &Request, url: &Uri, timeout: Duration) -> Result<Answer, Error> {
        let (agent, guard) = if names_its_own_address(request.purpose) {
            (&self.open, PrivateAddresses::Allowed)
        } else {
            (&self.guarded, self.options.private_addresses)
        };
        let failed = |detail: String, fault| Error::from(FetchError::new(shown(url), detail).because(fault));
        let fail = |detail: String| failed(detail, FetchFault::Other);
        let host = url.host().unwrap_or_default();
        let is_mapped = self.options.hosts.contains_key(&host.to_ascii_lowercase());
        let through_proxy = self.options.proxy.is_some() && !is_mapped;
        // A proxy looks names up itself; what can be told from the name is told here.
        if guard == PrivateAddresses::Refused && leads_inside(host, through_proxy) {
            return Err(failed(PRIVATE.to_owned(), FetchFault::Address));
        }
        let plain = self.plain.as_ref().filter(|_| through_proxy && url.scheme() == Some(&Scheme::HTTP));
        let agent = match plain {
            Some(plain) => &plain.agent,
            None if is_mapped && self.options.proxy.is_some() => &self.direct,
            None => agent,
        };
        let proxy_authorization = plain.and_then(|plain| plain.authorization.as_deref());
        let authorization = request.authorization.as_ref().map(bearer).transpose()?;
        let wrong = |error: ureq::Error| failed(explained(&error), fault(&error));
        let answered = match &request.body {
            None => {
                let mut get = agent.get(url).config().timeout_global(Some(timeout)).build();
                if let Some(secret) = proxy_authorization {
                    get = get.header("proxy-authorization", secret);
                }
                if let Some(secret) = authorization {
                    get = get.header("authorization", secret);
                }
                get.call()
            }
            Some(body) => {
                let post = agent.post(url).config().timeout_global(Some(timeout)).build();
                let content_type = request.content_type.unwrap_or("application/octet-stream");
                let mut post = post.content_type(content_type);
                if let Some(secret) = proxy_authorization {
                    post = post.header("proxy-authorization", secret);
                }
                if let Some(secret) = authorization {
                    post = post.header("authorization", secret);
                }
                post.send(body.octets())
            }
        };
        let mut response = answered.map_err(wrong)?;
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get("location").and_then(|v| v.to_str().ok());
            let location = location.ok_or_else(|| fail(format!("HTTP status {status} without a location")))?;
            return Ok(Answer::Elsewhere(location.to_owned()));
        }
        // Signing services say 201 or 202 for what is under way, and say why they refuse.
        let of_signing = request.purpose == Purpose::RemoteSigning;
        if status != 200 && !(of_signing && status.is_success()) {
            let error = FetchError::new(shown(url), format!("HTTP status {status}"))
                .because(FetchFault::Status(status.as_u16()));
            if !of_signing {
                return Err(error.into());
            }
            let mut said = Vec::new();
            let reader = response.body_mut().with_config().limit(u64::MAX).reader();
            // What was refused stays so, whether the reason arrives or not.
            let _ = reader.take(MOST_OF_REASON).read_to_end(&mut said);
            return Err(error.answering(said).into());
        }
        let too_large = || fail(format!("the answer is larger than {} octets", request.max_octets));
        let most = u64::try_from(request.max_octets).unwrap_or(u64::MAX);
        if response.body().content_length().is_some_and(|n| n > most) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        let mut reader = response.body_mut().with_config().limit(u64::MAX).reader().take(most.saturating_add(1));
        reader.read_to_end(&mut body).map_err(|e| wrong(ureq::Error::from(e)))?;
        if body.len() > request.max_octets {
            return Err(too_large());
        }
        Ok(Answer::Here(body))
    }
}

impl HttpClient {
    /// Puts a request and follows where it is sent on to.
    fn exchange(&self, request: &Request, end: Instant) -> Result<Response, Error> {
        let mut url = address(&request.url)?;
        let hops =
            if request.body.is_none() && request.authorization.is_none() { self.options.max_redirects } else { 0 };
        for _ in 0..=hops {
            #[allow(clippy::disallowed_methods)] // a client has to measure its own time-out
            let left = end.saturating_duration_since(Instant::now());
            match self.call(request, &url, left)? {
                Answer::Here(body) => return Ok(Response { body }),
                Answer::Elsewhere(location) => url = address(&joined(&url, &location))?,
            }
        }
        Err(FetchError::new(shown(&url), "more redirects than allowed").into())
    }

    fn timeout(&self, request: &Request) -> Duration {
        let host = address(&request.url).ok().and_then(|url| url.host().map(str::to_ascii_lowercase));
        let usual =
            if names_its_own_address(request.purpose) { self.options.service_timeout } else { self.options.timeout };
        let allowed = host.and_then(|host| self.options.host_timeouts.get(&host).copied()).unwrap_or(usual);
        request.timeout.map_or(allowed, |timeout| timeout.min(allowed))
    }
}

impl Fetch for HttpClient {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        std::thread::sleep(request.wait);
        trace::request(request, || self.answer(request))
    }
}

impl HttpClient {
    /// Asks by the way that was chosen, and by the other one where that is of use.
    fn answer(&self, request: &Request) -> Result<Response, Error> {
        #[allow(clippy::disallowed_methods)] // a client has to measure its own time-out
        let end = Instant::now() + self.timeout(request);
        let Some(get) = ocsp_get(request).filter(|_| self.options.ocsp_method != OcspMethod::Post) else {
            return self.exchange(request, end);
        };
        let (first, second) = match self.options.ocsp_method {
            OcspMethod::GetThenPost => (&get, request),
            _ => (request, &get),
        };
        let answer = self.exchange(first, end);
        if !is_worth_another_way(&answer) {
            return answer;
        }
        match self.exchange(second, end) {
            Ok(other) => Ok(other),
            // What went wrong first says more.
            Err(_) => answer,
        }
    }
}

/// An OCSP request as a GET (RFC 6960 §A.1), where it is short enough for one.
fn ocsp_get(request: &Request) -> Option<Request> {
    let body = request.body.as_ref().filter(|_| request.purpose == Purpose::Ocsp)?;
    if request.url.contains(['?', '#']) || body.len() > MOST_IN_ADDRESS {
        return None;
    }
    let mut url = request.url.clone();
    if !url.ends_with('/') {
        url.push('/');
    }
    for character in base64_simd::STANDARD.encode_to_string(body).chars() {
        match character {
            '+' => url.push_str("%2B"),
            '/' => url.push_str("%2F"),
            '=' => url.push_str("%3D"),
            plain => url.push(plain),
        }
    }
    (url.len() < MOST_IN_ADDRESS).then(|| Request::get(Purpose::Ocsp, url, request.max_octets).since(request.since))
}

/// The host answered, but with nothing that an OCSP client can use.
fn is_worth_another_way(answer: &Result<Response, Error>) -> bool {
    match answer {
        Ok(response) => OcspResponse::from_der(&response.body)
            .map_or(true, |response| response.status() == ResponseStatus::MalformedRequest),
        Err(Error::Fetch(error)) => matches!(error.fault(), FetchFault::Status(_) | FetchFault::Other),
        Err(_) => false,
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("options", &self.options).finish_non_exhaustive()
    }
}

enum Answer {
    Here(Vec<u8>),
    Elsewhere(String),
}

const PRIVATE: &str = "the address lies in a private network, where a certificate may not lead";

/// Looks names up, and hands out no private address where that is not allowed.
///
/// The connection is made to what is handed out here, so that a name cannot
/// mean one thing when it is checked and another when it is used.
struct Guard {
    inner: DefaultResolver,
    private_addresses: PrivateAddresses,
    hosts: BTreeMap<String, SocketAddr>,
    proxy: Option<(String, u16)>,
}

impl Resolver for Guard {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().to_ascii_lowercase();
        let mut allowed = self.inner.empty();
        if let Some(fixed) = self.hosts.get(&host) {
            allowed.push(*fixed);
            return Ok(allowed);
        }
        let found = self.inner.resolve(uri, config, timeout).map_err(|error| match error {
            // The operating system's failure to look it up has no kind of its own.
            ureq::Error::Io(_) => ureq::Error::HostNotFound,
            other => other,
        })?;
        let is_proxy = self.proxy.as_ref().is_some_and(|(name, port)| *name == host && uri.port_u16() == Some(*port));
        if is_proxy || self.private_addresses == PrivateAddresses::Allowed {
            return Ok(found);
        }
        // A name may have both kinds; those that are handed out are those that are used.
        found.iter().filter(|a| is_public(a.ip())).for_each(|a| allowed.push(*a));
        if allowed.is_empty() {
            return Err(ureq::Error::Other(PRIVATE.into()));
        }
        Ok(allowed)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("private_addresses", &self.private_addresses).finish_non_exhaustive()
    }
}

/// `Authorization` with an access token, which is not to be logged.
fn bearer(token: &BearerToken) -> Result<HeaderValue, Error> {
    let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose_text()));
    let mut value = HeaderValue::from_str(&text).map_err(|_| Misuse::new("the access token fits into no header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The address comes from the caller, not from a certificate.
const fn names_its_own_address(purpose: Purpose) -> bool {
    matches!(purpose, Purpose::TimeStamp | Purpose::RemoteSigning)
}

/// What stands before an at-sign may be a password, and belongs into no message.
fn without_credentials(url: &str) -> String {
    url.rsplit_once('@').map_or_else(|| url.to_owned(), |(_, rest)| format!("...@{rest}"))
}

fn address(text: &str) -> Result<Uri, Error> {
    let safe = without_credentials(text);
    let fail = |detail: &'static str| Error::from(FetchError::new(safe.clone(), detail).because(FetchFault::Address));
    let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
    if !["http", "https"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) {
        return Err(fail("only http and https addresses are fetched"));
    }
    let url: Uri = text.parse().map_err(|_| fail("this is no address"))?;
    match url.authority() {
        Some(authority) if authority.as_str().contains('@') => Err(fail("an address with credentials is not fetched")),
        Some(authority) if !authority.host().is_empty() => Ok(url),
        _ => Err(fail("the address names no host")),
    }
}

/// A `Location` (RFC 9110 §10.2.2), which may be relative to the address that answered.
fn joined(base: &Uri, location: &str) -> String {
    if location.split_once(':').is_some_and(|(scheme, _)| scheme.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return location.to_owned();
    }
    let scheme = base.scheme_str().unwrap_or("http");
    if location.starts_with("//") {
        return format!("{scheme}:{location}");
    }
    let authority = base.authority().map_or("", |a| a.as_str());
    if location.starts_with('/') {
        return format!("{scheme}://{authority}{location}");
    }
    let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{scheme}://{authority}{folder}/{location}")
}

fn shown(url: &Uri) -> String {
    url.to_string()
}

fn fault(error: &ureq::Error) -> FetchFault {
    use std::io::ErrorKind;
    match error {
        ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect)
        | ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed => FetchFault::Unreachable,
        ureq::Error::Timeout(_) => FetchFault::TooSlow,
        ureq::Error::Io(error) if error.kind() == ErrorKind::TimedOut => FetchFault::TooSlow,
        ureq::Error::Io(error)
            if matches!(
                error.kind(),
                ErrorKind::ConnectionRefused
                    | ErrorKind::HostUnreachable
                    | ErrorKind::NetworkUnreachable
                    | ErrorKind::NetworkDown
            ) =>
        {
            FetchFault::Unreachable
        }
        ureq::Error::Other(_) => FetchFault::Address,
        _ => FetchFault::Other,
    }
}

fn explained(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it took longer than allowed".to_owned(),
        ureq::Error::HostNotFound => "the host's name cannot be looked up".to_owned(),
        ureq::Error::Io(error) => explained_io(error),
        other => other.to_string(),
    }
}

fn explained_io(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::TimedOut => "it took longer than allowed".to_owned(),
        std::io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
        _ => error.to_string(),
    }
}

/// Whether a host's name alone says that it leads into a private network.
///
/// `by_name`: nobody looks it up here. Then numbers in other forms than four
/// decimal ones, which some resolvers take for addresses (`2130706433`,
/// `0x7f.1`, `0177.0.0.1`), and names that only a local resolver knows, count
/// as such too.
fn leads_inside(host: &str, by_name: bool) -> bool {
    let host = host.trim_matches(['[', ']']);
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    if let Ok(ip) = host.parse::<IpAddr>() {
        return !is_public(ip);
    }
    let Some((_, last)) = host.rsplit_once('.') else { return by_name };
    let number = last.bytes().all(|b| b.is_ascii_digit())
        || last.strip_prefix("0x").is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    by_name && (number || ["localhost", "local", "internal", "home", "lan", "intranet"].contains(&last))
}

/// Reachable from everywhere: neither private, local, reserved nor a way to tunnel there.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a >= 224
        || a == 100 && (64..128).contains(&b)
        || a == 192 && b == 0 && c == 0
        || a == 192 && b == 88 && c == 99
        || a == 198 && (18..20).contains(&b))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, c, .., g, h] = ip.segments();
    let inner = |high: u16, low: u16| is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match (a, b) {
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) carry an IPv4 address; Teredo hides one.
        (0x64, 0xFF9B) if ip.segments().get(2..6) == Some(&[0; 4]) => inner(g, h),
        (0x2002, high) => inner(high, c),
        (0x2001, b) if b < 0x200 || b == 0xDB8 => false,
        (0x3FFF, _) => false,
        _ => a & 0xE000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_into_a_private_network_is_told() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:10.0.0.1",
            "::ffff:8.8.8.8",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b::1:0:808:808",
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "203.0.113.1",
            "198.51.100.1",
            "192.88.99.1",
            "240.0.0.1",
            "2002:a00:1::1",
            "2001::1",
            "2001:db8::1",
            "3fff::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1", "64:ff9b::8.8.8.8", "2002:808:808::1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn hosts_that_a_proxy_would_look_up_are_told_by_their_names() {
        for inside in ["10.0.0.1", "127.0.0.1.", "[::1]", "[::ffff:7f00:1]", "169.254.169.254"] {
            assert!(leads_inside(inside, false) && leads_inside(inside, true), "{inside}");
        }
        for inside in [
            "localhost",
            "LOCALHOST.",
            "a.localhost",
            "intranet",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "010.0.0.1",
            "1.2.3.4.5",
            "printer.local",
            "metadata.google.internal",
            "",
        ] {
            assert!(leads_inside(inside, true), "{inside}");
        }
        for outside in ["crl.example.vn", "8.8.8.8", "[2606:4700::1]", "1.crl.vn", "0x7f.vn"] {
            assert!(!leads_inside(outside, true), "{outside}");
        }
    }

    #[test]
    fn a_short_ocsp_request_fits_into_an_address() {
        let post =
            |url: &str, body: &[u8]| Request::post(Purpose::Ocsp, url, "application/ocsp-request", body.into(), 9);
        let get = ocsp_get(&post("http://o.vn", &[0xFB, 0xFF, 0xFE, 0])).unwrap();
        assert_eq!((get.url.as_str(), get.body.clone()), ("http://o.vn/%2B%2F%2F%2BAA%3D%3D", None));
        assert_eq!(ocsp_get(&post("http://o.vn/x/", &[0; 3])).unwrap().url, "http://o.vn/x/AAAA");
        assert_eq!(ocsp_get(&post("http://o.vn/", &[0; 180])).unwrap().url.len(), 12 + 240);
        for (url, length) in [("http://o.vn/", 183), ("http://o.vn/", 100_000), ("http://o.vn/?x", 1)] {
            assert_eq!(ocsp_get(&post(url, &vec![0; length])), None, "{url} {length}");
        }
        let stamp = Request::post(Purpose::TimeStamp, "http://o.vn/", "application/timestamp-query", vec![0; 3], 9);
        assert_eq!(ocsp_get(&stamp), None);
    }

    #[test]
    fn locations_are_joined_as_browsers_do() {
        let base = address("http://a.vn:81/b/c?d").unwrap();
        for (location, url) in [
            ("https://x.vn/y", "https://x.vn/y"),
            ("file:///etc/passwd", "file:///etc/passwd"),
            ("//x.vn/y", "http://x.vn/y"),
            ("/y", "http://a.vn:81/y"),
            ("y", "http://a.vn:81/b/y"),
            ("/y?u=http://z", "http://a.vn:81/y?u=http://z"),
        ] {
            assert_eq!(joined(&base, location), url);
        }
    }

    #[test]
    fn only_plain_addresses_are_taken_and_credentials_are_not_repeated() {
        for text in [
            "ldap://a.vn/cn=x",
            "file:///etc/passwd",
            "ftp://a.vn",
            "a.vn",
            "",
            "http://",
            "http:///x",
            "http://u:secret@a.vn/",
        ] {
            let error = address(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
