//! Answers kept until they go out of date.
//!
//! [`Cache`] is a door before another door. It keeps CRLs and OCSP responses
//! until their `nextUpdate`, issuer certificates for some days, and failures for
//! a minute. What it keeps is evidence as good as what it got, which is to say
//! that nothing in it is trusted.
//!
//! It reads no clock and no file itself: the time comes from the caller's
//! [`Clock`], and what is to outlive the process goes to a [`Store`], such as
//! [`cache_dir`](super::cache_dir).

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use super::Fetch;
use super::Purpose;
use super::Request;
use super::Response;
use crate::asn1::encode;
use crate::asn1::tlv::Reader;
use crate::crypto::Digest;
use crate::crypto::DigestAlgorithm;
use crate::error::Error;
use crate::error::FetchError;
use crate::error::Format;
use crate::time::Time;
use crate::x509::Certificate;
use crate::x509::Crl;
use crate::x509::ocsp::CertStatus;
use crate::x509::ocsp::OcspResponse;
use crate::x509::oids::OCSP_NONCE;

/// Says what time it is. Any closure that returns a [`Time`] is one.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Time;
}

impl<F: Fn() -> Time> Clock for F {
    fn now(&self) -> Time {
        self()
    }
}

/// How much is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Answers in memory.
    pub max_entries: usize,
    /// Octets of all answers in memory.
    pub max_octets: usize,
    /// Longest time to keep a CRL or an OCSP response: until `nextUpdate`, but no longer than this.
    pub status_age: Duration,
    /// The same where `nextUpdate` is missing: newer information may be had at
    /// any time (RFC 6960 §4.2.2.1).
    pub age_without_next_update: Duration,
    /// How long to keep issuer certificates.
    pub issuer_age: Duration,
    /// How long to remember failures, and answers that are of no use.
    pub failure_age: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_entries: 1_024,
            max_octets: 128 << 20,
            status_age: Duration::from_secs(86_400),
            age_without_next_update: Duration::from_secs(300),
            issuer_age: Duration::from_secs(7 * 86_400),
            failure_age: Duration::from_secs(60),
        }
    }
}

/// What one answer is kept under: its address and question, the nonce left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CacheKey([u8; 32]);

impl CacheKey {
    /// Its octets, a digest.
    #[must_use]
    pub const fn octets(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key that has these octets.
    #[must_use]
    pub const fn from_octets(octets: [u8; 32]) -> Self {
        Self(octets)
    }
}

impl fmt::Display for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// An answer as a [`Store`] keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// When it was asked for.
    pub fetched: Time,
    /// The body.
    pub body: Vec<u8>,
}

impl Stored {
    /// An answer that was asked for at `fetched`.
    #[must_use]
    pub const fn new(fetched: Time, body: Vec<u8>) -> Self {
        Self { fetched, body }
    }
}

/// Keeps answers beyond the life of a process. It judges nothing: what it hands
/// out is read again, and counts as long as it is in date.
pub trait Store: Send + Sync {
    /// What is kept under `key`; `None` where nothing is, or nothing that is whole.
    fn load(&self, key: &CacheKey) -> Option<Stored>;

    /// Keeps an answer, in place of an earlier one.
    ///
    /// # Errors
    /// What keeps it from that. The cache goes on without and counts it.
    fn save(&self, key: &CacheKey, answer: &Stored) -> Result<(), Error>;
}

/// How often what happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStatistics {
    /// Answers from memory.
    pub from_memory: u64,
    /// Answers from the store.
    pub from_store: u64,
    /// Failures that were remembered.
    pub failures: u64,
    /// Requests that went on to the door behind.
    pub asked: u64,
    /// Answers that the store could not keep.
    pub not_stored: u64,
}

/// A door that remembers answers. It may be shared by threads: what several ask
/// for at the same time is asked once.
///
/// An OCSP request with a nonce asks for an answer made now, and gets one; that
/// answer then serves requests without. Time-stamps and remote signing pass through.
///
/// ```
/// use kyso::Time;
/// use kyso::fetch::Fetch;
/// use kyso::fetch::cache::Cache;
/// use std::time::SystemTime;
///
/// fn remembering(client: impl Fetch) -> impl Fetch {
///     Cache::new(client, || Time::from_system(SystemTime::now()).expect("a clock before the year 10000"))
/// }
/// ```
pub struct Cache<F, C> {
    inner: F,
    clock: C,
    options: CacheOptions,
    store: Option<Box<dyn Store>>,
    state: Mutex<State>,
    /// Something that was being asked for is answered.
    answered: Condvar,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<CacheKey, Entry>,
    octets: usize,
    /// Counts uses, so that the entry that was not used for longest is known.
    uses: u64,
    /// What is being asked for.
    busy: BTreeSet<CacheKey>,
    statistics: CacheStatistics,
}

#[derive(Debug)]
struct Entry {
    answer: Result<Arc<[u8]>, FetchError>,
    worth: Worth,
    used: u64,
}

/// How long an answer counts.
#[derive(Clone, Copy, Debug)]
struct Worth {
    fetched: Time,
    /// Until then it is in date.
    until: Time,
    /// The earliest `thisUpdate` in it.
    speaks_for: Option<Time>,
    /// It is what was asked for, whatever it says.
    of_use: bool,
}

impl<F, C> Cache<F, C> {
    /// Remembers what `inner` answers.
    pub fn new(inner: F, clock: C) -> Self {
        Self {
            inner,
            clock,
            options: CacheOptions::default(),
            store: None,
            state: Mutex::default(),
            answered: Condvar::new(),
        }
    }

    /// Keeps more or less, for longer or shorter.
    #[must_use]
    pub fn options(mut self, options: CacheOptions) -> Self {
        self.options = options;
        self
    }

    /// Keeps answers in `store` too.
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// How often what happened since it was made.
    pub fn statistics(&self) -> CacheStatistics {
        self.lock().statistics
    }

    /// A panic elsewhere leaves nothing half done in here.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the store, then the door behind.
    fn ask(&self, request: &Request, question: &Question, now: Time) -> Result<Response, Error>
    where
        F: Fetch,
    {
        let key = question.key;
        if !question.live
            && let Some(stored) = self.store.as_ref().and_then(|store| store.load(&key))
        {
            let worth = self.options.worth(request.purpose, &stored.body, stored.fetched);
            if worth.of_use && worth.serves(request, now, &self.options) && stored.body.len() <= request.max_octets {
                let mut state = self.lock();
                state.statistics.from_store += 1;
                state.insert(key, Entry::new(Ok(stored.body.as_slice().into()), worth), now, &self.options);
                return Ok(Response { body: stored.body });
            }
        }
        self.lock().statistics.asked += 1;
        let answer = self.inner.fetch(request);
        let (kept, worth) = match &answer {
            Ok(response) => {
                let worth = self.options.worth(request.purpose, &response.body, now);
                (Ok(response.body.as_slice().into()), worth)
            }
            Err(Error::Fetch(error)) => (Err(error.clone()), self.options.failed(now)),
            // The caller's own fault, which it may mend at once.
            Err(_) => return answer,
        };
        let unsaved = match (&self.store, &answer) {
            (Some(store), Ok(response)) if worth.of_use && worth.until > now => {
                store.save(&key, &Stored::new(now, response.body.clone())).is_err()
            }
            _ => false,
        };
        let mut state = self.lock();
        state.statistics.not_stored += u64::from(unsaved);
        state.insert(key, Entry::new(kept, worth), now, &self.options);
        answer
    }
}

impl<F: Fetch, C: Clock> Fetch for Cache<F, C> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        if !matches!(request.purpose, Purpose::Crl | Purpose::Ocsp | Purpose::IssuerCertificate) {
            return self.inner.fetch(request);
        }
        let question = Question::of(request);
        let now = self.clock.now();
        let mut state = self.lock();
        let _flight = loop {
            if let Some(answer) = state.answer(request, &question, now, &self.options) {
                return answer;
            }
            if question.live {
                break None;
            }
            if state.busy.insert(question.key) {
                break Some(Flight { cache: self, key: question.key });
            }
            state = self.answered.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        self.ask(request, &question, now)
    }
}

impl<F: fmt::Debug, C> fmt::Debug for Cache<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").field("inner", &self.inner).field("options", &self.options).finish_non_exhaustive()
    }
}

/// Something that is being asked for. Dropped, also by a panic of the door
/// behind, it lets those who wait go on.
struct Flight<'c, F, C> {
    cache: &'c Cache<F, C>,
    key: CacheKey,
}

impl<F, C> Drop for Flight<'_, F, C> {
    fn drop(&mut self) {
        self.cache.lock().busy.remove(&self.key);
        self.cache.answered.notify_all();
    }
}

impl State {
    /// An answer from memory that counts at `now`.
    fn answer(
        &mut self,
        request: &Request,
        question: &Question,
        now: Time,
        options: &CacheOptions,
    ) -> Option<Result<Response, Error>> {
        let entry = self.entries.get_mut(&question.key)?;
        if !entry.worth.serves(request, now, options) {
            return None;
        }
        let answer = match &entry.answer {
            // Failures are remembered for requests with a nonce too.
            Err(error) => Err(error.clone().into()),
            Ok(body) if !question.live && body.len() <= request.max_octets => Ok(Response { body: body.to_vec() }),
            Ok(_) => return None,
        };
        self.uses += 1;
        entry.used = self.uses;
        let counter = if answer.is_ok() { &mut self.statistics.from_memory } else { &mut self.statistics.failures };
        *counter += 1;
        Some(answer)
    }

    fn insert(&mut self, key: CacheKey, mut entry: Entry, now: Time, options: &CacheOptions) {
        self.remove(&key);
        if entry.worth.until <= now || entry.octets() > options.max_octets {
            return;
        }
        self.uses += 1;
        entry.used = self.uses;
        self.octets += entry.octets();
        self.entries.insert(key, entry);
        while self.entries.len() > options.max_entries || self.octets > options.max_octets {
            // What is out of date first, then what was not used for longest.
            let goes = self.entries.iter().min_by_key(|(_, e)| (e.worth.until > now, e.used)).map(|(key, _)| *key);
            let Some(goes) = goes else { break };
            self.remove(&goes);
        }
    }

    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.remove(key) {
            self.octets -= entry.octets();
        }
    }
}

impl Entry {
    const fn new(answer: Result<Arc<[u8]>, FetchError>, worth: Worth) -> Self {
        Self { answer, worth, used: 0 }
    }

    fn octets(&self) -> usize {
        self.answer.as_ref().map_or(0, |body| body.len())
    }
}

impl Worth {
    /// Whether an answer of this worth will do for a request at `now`.
    fn serves(&self, request: &Request, now: Time, options: &CacheOptions) -> bool {
        // From the future: the clock was set back, and how old it is cannot be told.
        let in_date = self.fetched <= now && now < self.until;
        // Who asked a moment ago gets nothing newer by asking again.
        let just_asked = now < self.fetched.saturating_add(options.failure_age);
        let speaks = match (request.since, self.speaks_for) {
            (Some(since), Some(speaks_for)) => speaks_for >= since || just_asked,
            _ => true,
        };
        in_date && speaks
    }
}

impl CacheOptions {
    fn worth(&self, purpose: Purpose, body: &[u8], fetched: Time) -> Worth {
        // An answer names several times: it is in date until the first of them.
        let status = |this_update: Option<Time>, next_update: Option<Time>| Worth {
            fetched,
            until: match next_update {
                Some(next) => next.min(fetched.saturating_add(self.status_age)),
                None => fetched.saturating_add(self.age_without_next_update),
            },
            speaks_for: this_update,
            of_use: true,
        };
        match purpose {
            Purpose::Crl => match Crl::from_file(body) {
                Ok(crl) => status(Some(crl.this_update()), crl.next_update()),
                Err(_) => self.failed(fetched),
            },
            Purpose::Ocsp => match OcspResponse::from_der(body) {
                // A certificate that is not known yet may be in a minute.
                Ok(response) if response.responses().iter().any(|single| single.status == CertStatus::Unknown) => {
                    self.failed(fetched)
                }
                Ok(response) if !response.responses().is_empty() => {
                    let all = response.responses();
                    let next = all.iter().map(|single| single.next_update).collect::<Option<Vec<Time>>>();
                    status(
                        all.iter().map(|single| single.this_update).min(),
                        next.and_then(|all| all.into_iter().min()),
                    )
                }
                _ => self.failed(fetched),
            },
            Purpose::IssuerCertificate if Certificate::all_from_file(body).is_ok() => {
                let until = fetched.saturating_add(self.issuer_age);
                Worth { fetched, until, speaks_for: None, of_use: true }
            }
            _ => self.failed(fetched),
        }
    }

    fn failed(&self, fetched: Time) -> Worth {
        Worth { fetched, until: fetched.saturating_add(self.failure_age), speaks_for: None, of_use: false }
    }
}

/// A request as a cache sees it.
struct Question {
    key: CacheKey,
    /// It has a nonce, so that only an answer made now will do.
    live: bool,
}

impl Question {
    fn of(request: &Request) -> Self {
        let body = request.body.as_deref().unwrap_or_default();
        let (body, live) = match request.purpose {
            Purpose::Ocsp => without_nonce(body).unwrap_or_else(|_| (body.to_vec(), false)),
            _ => (body.to_vec(), false),
        };
        let purpose: &[u8] = match request.purpose {
            Purpose::Crl => b"crl",
            Purpose::Ocsp => b"ocsp",
            _ => b"certificate",
        };
        // DER, so that no two questions are the same octets.
        let question = encode::sequence(&[
            &encode::octet_string(purpose),
            &encode::octet_string(request.url.as_bytes()),
            &encode::octet_string(&body),
        ]);
        let digest: Digest = DigestAlgorithm::Sha256.digest(&question);
        let mut key = [0; 32];
        key.iter_mut().zip(digest.octets()).for_each(|(to, from)| *to = *from);
        Self { key: CacheKey(key), live }
    }
}

/// What an `OCSPRequest` (RFC 6960 §4.1.1) asks, its nonce left out, and whether it has one.
fn without_nonce(request: &[u8]) -> Result<(Vec<u8>, bool), Error> {
    const FORMAT: Format = Format::Ocsp;
    let mut outer = Reader::new(request, FORMAT).expect(0x30, "OCSPRequest")?.reader(FORMAT);
    let mut parts = outer.expect(0x30, "tbsRequest")?.reader(FORMAT);
    let (mut question, mut live) = (Vec::new(), false);
    while !parts.is_empty() {
        let part = parts.any("tbsRequest")?;
        if part.tag != 0xA2 {
            question.extend_from_slice(part.raw);
            continue;
        }
        let mut extensions = part.reader(FORMAT).expect(0x30, "requestExtensions")?.reader(FORMAT);
        while !extensions.is_empty() {
            let extension = extensions.expect(0x30, "Extension")?;
            let oid = extension.reader(FORMAT).expect(0x06, "extnID")?.oid(FORMAT, "extnID")?;
            if oid == OCSP_NONCE {
                live = true;
            } else {
                question.extend_from_slice(extension.raw);
            }
        }
    }
    Ok((question, live))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::x509::Serial;
    use crate::x509::ocsp::CertId;

    #[test]
    fn a_question_is_the_same_with_any_nonce_or_none() {
        let id = CertId {
            hash: DigestAlgorithm::Sha1,
            issuer_name_hash: vec![1; 20],
            issuer_key_hash: vec![2; 20],
            serial: Serial::from_content(&[3]),
        };
        let question = |url: &str, nonce: Option<&[u8]>| {
            let body = crate::x509::ocsp::request(&id, nonce);
            Question::of(&Request::post(Purpose::Ocsp, url, "application/ocsp-request", body, 9))
        };
        let plain = question("http://a.vn/", None);
        assert!(!plain.live);
        for nonce in [[1; 32], [2; 32]] {
            let other = question("http://a.vn/", Some(&nonce));
            assert!(other.live && other.key == plain.key);
        }
        assert_ne!(question("http://b.vn/", None).key, plain.key);
        let crl = Question::of(&Request::get(Purpose::Crl, "http://a.vn/", 9));
        let certificate = Question::of(&Request::get(Purpose::IssuerCertificate, "http://a.vn/", 9));
        assert_ne!(crl.key, certificate.key);
        // Whatever a host sends as request has a key.
        let junk = Request::post(Purpose::Ocsp, "http://a.vn/", "application/ocsp-request", vec![0x30; 9], 9);
        assert!(!Question::of(&junk).live);
    }
}
