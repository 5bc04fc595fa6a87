//! The network, where the options permit it.

use kyso::fetch;
use kyso::fetch::Fetch;
use kyso::fetch::Job;
use kyso::fetch::Request;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;
use kyso::revocation::Evidence;

use crate::exit::Stop;
use crate::print;

/// Requests of one search.
const MOST_REQUESTS: usize = 64;

/// A client with the options that suit everybody.
pub(crate) fn client() -> Result<HttpClient, Stop> {
    Ok(HttpClient::new(HttpOptions::default())?)
}

/// Drives a job on the network, or, without `--online`, ends it with what is at hand.
pub(crate) fn drive<J: Job>(job: J, online: bool) -> Result<J::Output, Stop> {
    Ok(if online { fetch::run(job, &client()?)? } else { job.finish()? })
}

/// A search for missing evidence in rounds, each thing asked for once.
pub(crate) struct Search {
    client: HttpClient,
    asked: Vec<Request>,
}

impl Search {
    pub(crate) fn new() -> Result<Self, Stop> {
        Ok(Self { client: client()?, asked: Vec::new() })
    }

    /// Asks for what was not asked for before; tells whether anything new came.
    /// What failed is said on standard error, for the report only says that it is missing.
    pub(crate) fn fetch_into(&mut self, evidence: &mut Evidence, wanted: &[Request]) -> bool {
        let mut new = false;
        for request in wanted {
            if self.asked.len() >= MOST_REQUESTS || self.asked.contains(request) {
                continue;
            }
            self.asked.push(request.clone());
            match self.client.fetch(request).and_then(|response| evidence.accept(request.purpose, &response.body)) {
                Ok(()) => new = true,
                Err(error) => print::note(&Stop::from(error).message),
            }
        }
        new
    }
}

/// Random octets for nonces.
pub(crate) fn nonce<const N: usize>() -> Result<[u8; N], Stop> {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).map_err(|e| Stop::usage(format!("no random numbers: {e}")))?;
    Ok(octets)
}
