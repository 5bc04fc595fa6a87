//! The time-stamping authority of a signing service.

use super::CscService;
use super::message;
use super::message::Said;
use crate::asn1::encode;
use crate::error::Error;
use crate::error::FetchError;
use crate::fetch::Fetch;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::fetch::Response;
use crate::timestamp::TimeStampRequest;

/// A door that turns time-stamp requests to [`CscService::timestamp_url`] into
/// calls of `signatures/timestamp`, so that everything that asks for time-stamps
/// can ask a signing service too; other requests go through as they are.
///
/// ```no_run
/// # use kyso::{Error, fetch::Fetch, key::remote::csc::{CscService, CscTimestampDoor}, key::SignatureValue, sign::Prepared, sign::cades::Content};
/// # fn f(p: Prepared<Content<'_>>, value: &SignatureValue, service: CscService, network: &dyn Fetch, nonce: [u8; 16]) -> Result<(), Error> {
/// use kyso::fetch::run;
/// use kyso::sign::timestamping::TimestampSettings;
///
/// let settings = TimestampSettings::new(service.timestamp_url(), nonce);
/// let signed = run(p.complete_timestamped(value, settings)?, &CscTimestampDoor::new(network, service))?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct CscTimestampDoor<F> {
    inner: F,
    service: CscService,
}

impl<F> CscTimestampDoor<F> {
    /// Asks `service` through `inner`.
    #[must_use]
    pub const fn new(inner: F, service: CscService) -> Self {
        Self { inner, service }
    }
}

impl<F: Fetch> Fetch for CscTimestampDoor<F> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        let url = self.service.timestamp_url();
        if request.purpose != Purpose::TimeStamp || request.url != url {
            return self.inner.fetch(request);
        }
        let asked = TimeStampRequest::from_der(request.body.as_deref().unwrap_or_default())?;
        let imprint = asked.imprint();
        let nonce = asked.nonce_content().map(|octets| octets.iter().map(|b| format!("{b:02x}")).collect::<String>());
        let members = self
            .service
            .members()
            .set("hash", base64_simd::STANDARD.encode_to_string(imprint.octets()))
            .set("hashAlgo", imprint.algorithm().oid().to_string())
            .set_some("nonce", nonce);
        let call = self.service.request("signatures/timestamp", members);
        let fault = |detail: &'static str| Error::from(FetchError::new(url.as_str(), detail));
        let Said::Ready(answer) = message::read(&self.service.dialect, &url, self.inner.fetch(&call))? else {
            return Err(fault("the service is not ready"));
        };
        let token = answer.members(&self.service.dialect).text("timestamp").and_then(message::base64);
        let token = token.ok_or_else(|| fault("the answer has no timestamp in base64"))?;
        // A granted TimeStampResp (RFC 3161 §2.4.2): what is in it is judged by whoever asked.
        let granted = encode::sequence(&[&encode::integer(0)]);
        Ok(Response { body: encode::sequence(&[&granted, &token]) })
    }
}
