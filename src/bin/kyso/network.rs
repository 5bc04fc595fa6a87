//! The network, where the options permit it.

use kyso::fetch;
use kyso::fetch::Job;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;

use crate::exit::Stop;

/// A client with the options that suit everybody.
pub(crate) fn client() -> Result<HttpClient, Stop> {
    Ok(HttpClient::new(HttpOptions::default())?)
}

/// Drives a job on the network, or, without `--online`, ends it with what is at hand.
pub(crate) fn drive<J: Job>(job: J, online: bool) -> Result<J::Output, Stop> {
    Ok(if online { fetch::run(job, &client()?)? } else { job.finish()? })
}

/// Random octets for nonces.
pub(crate) fn nonce<const N: usize>() -> Result<[u8; N], Stop> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|e| Stop::usage(format!("no random numbers: {e}")))?;
    Ok(octets)
}
