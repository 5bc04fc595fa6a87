//! The network, where the options permit it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::OnceLock;

use clap::Args;

use kyso::Error;
use kyso::fetch;
use kyso::fetch::AddressMap;
use kyso::fetch::Fetch;
use kyso::fetch::Job;
use kyso::fetch::Remapped;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::cache::Cache;
use kyso::fetch::cache_dir::CacheDir;
use kyso::fetch::http::HttpClient;
use kyso::fetch::http::HttpOptions;
use kyso::fetch::http::PrivateAddresses;
use kyso::revocation::Evidence;

use crate::exit::Stop;
use crate::input;
use crate::print;

/// Requests of one search.
const MOST_REQUESTS: usize = 64;

/// How the network is reached, for every command that may.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// Keep CRLs, OCSP responses and issuer certificates in this folder while they are in date.
    #[arg(long, global = true, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// HTTP proxy, such as http://proxy.example.vn:3128.
    #[arg(long, global = true, value_name = "URL")]
    proxy: Option<String>,
    /// Environment variable that holds NAME:PASSWORD for the proxy.
    #[arg(long, global = true, value_name = "VAR", requires = "proxy")]
    proxy_auth_env: Option<String>,
    /// File that holds NAME:PASSWORD for the proxy.
    #[arg(long, global = true, value_name = "FILE", requires = "proxy", conflicts_with = "proxy_auth_env")]
    proxy_auth_file: Option<PathBuf>,
    /// Ask addresses that start with FROM under TO instead: http://ocsp.ca.internal=http://ocsp.ca.vn.
    #[arg(long, global = true, value_name = "FROM=TO")]
    map_address: Vec<String>,
    /// Let addresses in certificates lead into private networks: for a CA in the office's own.
    #[arg(long, global = true)]
    allow_private_addresses: bool,
}

/// The options, chosen once for the process.
static CHOSEN: OnceLock<NetworkArgs> = OnceLock::new();
/// The one client, so that connections and answers are shared.
static CLIENT: OnceLock<Client> = OnceLock::new();

/// Takes the options of this process.
pub(crate) fn choose(args: NetworkArgs) {
    let _ = CHOSEN.set(args);
}

/// What the network is asked through. Cloning shares it.
#[derive(Clone)]
pub(crate) struct Client(Arc<dyn Fetch + Send + Sync>);

impl Fetch for Client {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.0.fetch(request)
    }
}

/// The client of this process.
pub(crate) fn client() -> Result<Client, Stop> {
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    let client = build(&CHOSEN.get().cloned().unwrap_or_default())?;
    Ok(CLIENT.get_or_init(|| client).clone())
}

fn build(args: &NetworkArgs) -> Result<Client, Stop> {
    let mut options = HttpOptions::default();
    options.proxy = proxy(args)?;
    if args.allow_private_addresses {
        options.private_addresses = PrivateAddresses::Allowed;
    }
    let mut map = AddressMap::new();
    for text in &args.map_address {
        let (from, to) = text.split_once('=').ok_or_else(|| {
            Stop::usage(format!("--map-address {text}: expected two starts of addresses with = between"))
        })?;
        map = map.map(from, to).map_err(|e| Stop::usage(format!("--map-address: {e}")))?;
    }
    let client = Remapped::new(HttpClient::new(options)?, map);
    let Some(folder) = &args.cache else { return Ok(Client(Arc::new(client))) };
    // Were the clock wrong, the first reading of it would have failed already.
    let began = input::now()?;
    let now = move || input::now().unwrap_or(began);
    Ok(Client(Arc::new(Cache::new(client, now).store(CacheDir::open(folder)?))))
}

/// The proxy with its credentials, which never come from the command line.
fn proxy(args: &NetworkArgs) -> Result<Option<String>, Stop> {
    let Some(url) = &args.proxy else { return Ok(None) };
    let (scheme, rest) =
        url.split_once("://").ok_or_else(|| Stop::usage("--proxy: expected an address, such as http://host:3128"))?;
    if rest.split('/').next().is_some_and(|authority| authority.contains('@')) {
        let instead = "give the name and the password with --proxy-auth-env or --proxy-auth-file";
        return Err(Stop::usage(format!("--proxy: a password on the command line is seen by everybody; {instead}")));
    }
    let secret = input::secret(args.proxy_auth_env.as_deref(), args.proxy_auth_file.as_deref(), None)?;
    Ok(Some(match secret {
        None => url.clone(),
        Some(secret) => format!("{scheme}://{}@{rest}", secret.as_str()),
    }))
}

/// Drives a job on the network, or, without `--online`, ends it with what is at hand.
pub(crate) fn drive<J: Job>(job: J, online: bool) -> Result<J::Output, Stop> {
    Ok(if online { fetch::run(job, &client()?)? } else { job.finish()? })
}

/// A search for missing evidence in rounds, each thing asked for once.
pub(crate) struct Search {
    client: Client,
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
