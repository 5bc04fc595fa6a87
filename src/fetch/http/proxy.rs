//! Plain HTTP through a proxy: requests in absolute form (RFC 9112 §3.2.2).
//!
//! The addresses in certificates are plain HTTP, and proxies commonly permit
//! `CONNECT` for TLS alone, which is all that the client below can do.

use std::io;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::resolver::ResolvedSocketAddrs;
use ureq::unversioned::resolver::Resolver;
use ureq::unversioned::transport::Buffers;
use ureq::unversioned::transport::ConnectionDetails;
use ureq::unversioned::transport::Connector;
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::Transport;

/// Looks up the proxy, whatever is asked for.
#[derive(Debug)]
pub(super) struct ToProxy(pub(super) Uri);

impl Resolver for ToProxy {
    fn resolve(&self, _: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        DefaultResolver::default().resolve(&self.0, config, timeout)
    }
}

/// Makes requests on a connection to a proxy say whose they are. For one
/// request a connection: the second would be taken for a body.
#[derive(Debug)]
pub(super) struct AbsoluteForm;

impl<In: Transport> Connector<In> for AbsoluteForm {
    type Out = Rewriting<In>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let authority = details.uri.authority().map_or("", |authority| authority.as_str());
        let origin = Some(format!("http://{authority}").into_bytes());
        Ok(chained.map(|inner| Rewriting { inner, origin }))
    }
}

#[derive(Debug)]
pub(super) struct Rewriting<In> {
    inner: In,
    /// Until it was sent.
    origin: Option<Vec<u8>>,
}

impl<In: Transport> Transport for Rewriting<In> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        let Some(origin) = self.origin.take() else { return self.inner.transmit_output(amount, timeout) };
        let output = self.inner.buffers().output();
        let longer = inserted(output, amount, &origin)
            .ok_or_else(|| ureq::Error::Io(io::Error::other("the head of the request is too long for a proxy")))?;
        self.inner.transmit_output(longer, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        false
    }
}

/// Puts the origin before the path of the request line; the octets that there are then.
fn inserted(output: &mut [u8], amount: usize, origin: &[u8]) -> Option<usize> {
    let path = output.get(..amount)?.iter().position(|octet| *octet == b' ')?.checked_add(1)?;
    let longer = amount.checked_add(origin.len())?;
    if longer > output.len() {
        return None;
    }
    output.copy_within(path..amount, path.checked_add(origin.len())?);
    output.get_mut(path..)?.get_mut(..origin.len())?.copy_from_slice(origin);
    Some(longer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_goes_before_the_path() {
        let mut output = *b"GET /x HTTP/1.1\r\n\r\n.........";
        let longer = inserted(&mut output, 19, b"http://a").unwrap();
        assert_eq!(&output[..longer], b"GET http://a/x HTTP/1.1\r\n\r\n");
        assert_eq!(inserted(&mut output, 19, b"http://too.long"), None);
        assert_eq!(inserted(&mut [b'x'; 9], 5, b"a"), None);
        assert_eq!(inserted(&mut output, 99, b"a"), None);
    }
}
