//! Other addresses than those that stand in certificates.

use std::fmt;

use super::Fetch;
use super::Request;
use super::Response;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::FetchFault;
use crate::error::Misuse;

/// Which addresses are asked under another name, as data.
///
/// Certificates may name hosts that exist only inside of the CA's own network
/// and are published under another name outside.
///
/// ```
/// use kyso::fetch::AddressMap;
///
/// let map = AddressMap::new().map("http://ocsp.ca.ptc", "http://ocsp.ca.gov.vn")?;
/// assert_eq!(map.apply("http://OCSP.ca.ptc/x?y").as_deref(), Some("http://ocsp.ca.gov.vn/x?y"));
/// assert_eq!(map.apply("http://ocsp.ca.ptc.example.vn/"), None);
/// # Ok::<(), kyso::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressMap {
    /// Origin, start of the path, and what stands there instead of both.
    entries: Vec<(String, String, String)>,
}

impl AddressMap {
    /// Nothing is mapped.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Addresses that start with `from` start with `to` instead. Both name a
    /// scheme and a host, and may go on with a port and the start of a path,
    /// which ends at a slash.
    ///
    /// # Errors
    /// [`Error::Misuse`] for something that is no such start.
    pub fn map(mut self, from: &str, to: &str) -> Result<Self, Error> {
        let parts = |text: &str| match split(text) {
            Some((origin, rest)) if !rest.contains(['?', '#']) => Ok((origin, rest.trim_end_matches('/').to_owned())),
            _ => Err(Error::from(Misuse::new(format!("{text:?} is no start of an address, such as http://host/path")))),
        };
        let ((origin, path), (to, to_path)) = (parts(from)?, parts(to)?);
        self.entries.push((origin, path, format!("{to}{to_path}")));
        Ok(self)
    }

    /// The address to ask instead; `None`: the address itself. Of several starts
    /// the longest counts, and what comes out is not mapped again.
    #[must_use]
    pub fn apply(&self, url: &str) -> Option<String> {
        let (origin, rest) = split(url)?;
        let fitting = self.entries.iter().filter(|(from, path, _)| {
            let tail = rest.strip_prefix(path.as_str());
            *from == origin && tail.is_some_and(|tail| tail.is_empty() || tail.starts_with(['/', '?', '#']))
        });
        let (_, path, to) = fitting.max_by_key(|(_, path, _)| path.len())?;
        Some(format!("{to}{}", rest.get(path.len()..)?))
    }
}

/// Scheme and authority in lower case, without a port that goes without saying; and the rest.
fn split(url: &str) -> Option<(String, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let (scheme, authority) = (scheme.to_ascii_lowercase(), authority.to_ascii_lowercase());
    let usual = match scheme.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let authority = authority.strip_suffix(usual).unwrap_or(&authority);
    (!authority.is_empty() && !authority.contains('@')).then(|| (format!("{scheme}://{authority}"), rest))
}

/// A door that asks other addresses than those that stand in certificates.
#[derive(Clone, Debug)]
pub struct Remapped<F> {
    inner: F,
    map: AddressMap,
}

impl<F> Remapped<F> {
    /// Asks through `inner`, under the addresses of `map`.
    #[must_use]
    pub const fn new(inner: F, map: AddressMap) -> Self {
        Self { inner, map }
    }
}

impl<F: Fetch> Fetch for Remapped<F> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        match self.map.apply(&request.url) {
            Some(url) => self.inner.fetch(&Request { url, ..request.clone() }),
            None => self.inner.fetch(request),
        }
    }
}

/// A door by scheme: for addresses such as `ldap://`, which this crate has no
/// client for and a host may have.
///
/// What is not HTTP is asked for only where the job is told so:
/// [`RevocationRules::schemes`](crate::revocation::RevocationRules::schemes),
/// [`Gathering::scheme`](crate::validate::Gathering::scheme).
pub struct SchemeHandlers<F> {
    http: F,
    others: Vec<(String, Box<dyn Fetch + Send + Sync>)>,
}

impl<F> SchemeHandlers<F> {
    /// Asks `http` for addresses of HTTP and HTTPS.
    #[must_use]
    pub const fn new(http: F) -> Self {
        Self { http, others: Vec::new() }
    }

    /// Asks `handler` for addresses of `scheme`. It gets each request as it
    /// stands, the octets that its answer may have included.
    #[must_use]
    pub fn scheme(mut self, scheme: &str, handler: impl Fetch + Send + Sync + 'static) -> Self {
        self.others.push((scheme.to_ascii_lowercase(), Box::new(handler)));
        self
    }
}

impl<F: Fetch> Fetch for SchemeHandlers<F> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        let scheme = request.url.split_once(':').map_or("", |(scheme, _)| scheme);
        if let Some((_, handler)) = self.others.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name)) {
            return handler.fetch(request);
        }
        if ["http", "https"].iter().any(|name| scheme.eq_ignore_ascii_case(name)) {
            return self.http.fetch(request);
        }
        let error = FetchError::new(request.url.as_str(), "there is no client for addresses of this scheme");
        Err(error.because(FetchFault::Address).into())
    }
}

impl<F: fmt::Debug> fmt::Debug for SchemeHandlers<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schemes: Vec<&str> = self.others.iter().map(|(scheme, _)| scheme.as_str()).collect();
        f.debug_struct("SchemeHandlers").field("http", &self.http).field("others", &schemes).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_of_addresses_are_replaced_at_their_borders() {
        let map = AddressMap::new()
            .map("http://a.vn", "https://b.vn:444/x/")
            .and_then(|map| map.map("http://a.vn/crl/", "http://c.vn"))
            .unwrap();
        for (from, to) in [
            ("http://a.vn", Some("https://b.vn:444/x")),
            ("HTTP://A.vn:80/y?z", Some("https://b.vn:444/x/y?z")),
            ("http://a.vn?q", Some("https://b.vn:444/x?q")),
            ("http://a.vn/crl/1.crl", Some("http://c.vn/1.crl")),
            ("http://a.vn/crls/1.crl", Some("https://b.vn:444/x/crls/1.crl")),
            ("https://a.vn/", None),
            ("http://a.vn:8080/", None),
            ("http://a.vn.evil.example/", None),
            ("http://a.vn@evil.example/", None),
            ("http://evil.example/http://a.vn/", None),
            ("ldap://a.vn/", None),
            ("", None),
        ] {
            assert_eq!(map.apply(from).as_deref(), to, "{from}");
        }
        for wrong in ["a.vn", "http://", "http:///x", "http://u:p@a.vn", "http://a.vn/?q"] {
            assert!(AddressMap::new().map(wrong, "http://b.vn").is_err(), "{wrong}");
        }
    }
}
