//! The door to the network: several jobs at once, other addresses, other
//! schemes, and answers that are kept, in memory and in a folder.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/status.rs"]
mod status;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::Condvar;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ca::Authority;
use ca::CN;
use ca::Template;
use ca::at;
use kyso::Error;
use kyso::Time;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::error::FetchError;
use kyso::error::Misuse;
use kyso::fetch::AddressMap;
use kyso::fetch::Fetch;
use kyso::fetch::Job;
use kyso::fetch::Purpose;
use kyso::fetch::Remapped;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::SchemeHandlers;
use kyso::fetch::cache::Cache;
use kyso::fetch::cache::CacheKey;
use kyso::fetch::cache::CacheOptions;
use kyso::fetch::cache::Store;
use kyso::fetch::cache::Stored;
use kyso::fetch::cache_dir::CacheDir;
use kyso::fetch::run_many;
use kyso::x509::ocsp;
use kyso::x509::ocsp::CertId;
use status::OcspSpec;
use status::Says;

/// Answers by address, counting what it is asked; what is not there fails.
#[derive(Clone, Default)]
struct Network {
    answers: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Network {
    fn put(&self, url: &str, answer: &[u8]) {
        self.answers.lock().unwrap().insert(url.to_owned(), answer.to_vec());
    }

    fn asked(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Fetch for Network {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        self.seen.lock().unwrap().push(request.url.clone());
        let answer = self.answers.lock().unwrap().get(&request.url).cloned();
        let body = answer.ok_or_else(|| Error::from(FetchError::new(request.url.as_str(), "down")))?;
        Ok(Response { body })
    }
}

fn get(url: &str) -> Request {
    Request::get(Purpose::Crl, url, 1 << 20)
}

fn body(door: &dyn Fetch, request: &Request) -> Result<Vec<u8>, String> {
    door.fetch(request).map(|r| r.body).map_err(|e| e.to_string())
}

#[test]
fn other_addresses_and_other_schemes() {
    let (http, ldap) = (Network::default(), Network::default());
    http.put("http://ocsp.ca.gov.vn/x", b"outside");
    ldap.put("ldap://ca.example.vn/cn=ca", b"directory");
    let map = AddressMap::new().map("http://ocsp.ca.ptc", "http://ocsp.ca.gov.vn").unwrap();
    let door = Remapped::new(SchemeHandlers::new(http.clone()).scheme("LDAP", ldap.clone()), map);
    assert_eq!(body(&door, &get("http://ocsp.ca.ptc/x")).unwrap(), b"outside");
    assert_eq!(body(&door, &get("http://ocsp.ca.gov.vn/x")).unwrap(), b"outside");
    assert_eq!(body(&door, &get("Ldap://ca.example.vn/cn=ca")).unwrap_err(), "Ldap://ca.example.vn/cn=ca: down");
    assert_eq!(body(&door, &get("ldap://ca.example.vn/cn=ca")).unwrap(), b"directory");
    assert!(body(&door, &get("ftp://ca.example.vn/")).unwrap_err().contains("no client"));
    assert_eq!((http.asked(), ldap.asked()), (2, 2));
}

/// Asks its addresses one after the other, each round all of the next ones, and ends with what came.
struct Errand {
    rounds: Vec<Vec<Request>>,
    came: Vec<String>,
}

impl Errand {
    fn new(rounds: &[&[&str]]) -> Self {
        let mut rounds: Vec<Vec<Request>> = rounds.iter().map(|r| r.iter().map(|url| get(url)).collect()).collect();
        rounds.reverse();
        Self { rounds, came: Vec::new() }
    }
}

impl Job for Errand {
    type Output = Vec<String>;

    fn requests(&self) -> Vec<Request> {
        self.rounds.last().cloned().unwrap_or_default()
    }

    fn answer(&mut self, request: &Request, response: Result<Response, Error>) {
        let said = response.map_or_else(|e| e.to_string(), |r| String::from_utf8(r.body).unwrap());
        self.came.push(format!("{}={said}", request.url));
        let round = self.rounds.last_mut().unwrap();
        round.retain(|open| open != request);
        if round.is_empty() {
            self.rounds.pop();
        }
    }

    fn finish(self) -> Result<Vec<String>, Error> {
        if self.came.is_empty() { Err(Misuse::new("nothing to do").into()) } else { Ok(self.came) }
    }
}

#[test]
fn jobs_run_beside_each_other_and_answers_keep_their_order() {
    /// Holds `slow` back until all else was answered.
    struct Slow {
        others: usize,
        answered: Mutex<usize>,
        changed: Condvar,
    }
    impl Fetch for Slow {
        fn fetch(&self, request: &Request) -> Result<Response, Error> {
            let mut answered = self.answered.lock().unwrap();
            if request.url == "slow" {
                while *answered < self.others {
                    answered = self.changed.wait(answered).unwrap();
                }
            } else {
                *answered += 1;
                self.changed.notify_all();
            }
            Ok(Response { body: b"x".to_vec() })
        }
    }
    let network = Slow { others: 7, answered: Mutex::default(), changed: Condvar::new() };
    let jobs = [
        Errand::new(&[&["slow", "a", "b"], &["c"]]),
        Errand::new(&[]),
        Errand::new(&[&["d"], &["e"], &["f"]]),
        Errand::new(&[&["g"]]),
    ];
    // `c` needs the answer to `slow`, so that it is not among those waited for.
    let network = Slow { others: 6, ..network };
    let outcomes = run_many(jobs, &network, 2);
    let came: Vec<String> =
        outcomes.into_iter().map(|o| o.map_or_else(|e| e.to_string(), |came| came.join(" "))).collect();
    assert_eq!(came, ["slow=x a=x b=x c=x", "nothing to do", "d=x e=x f=x", "g=x"]);
    assert!(run_many(Vec::<Errand>::new(), &network, 0).is_empty());
}

#[test]
fn no_more_requests_are_under_way_than_allowed() {
    struct Counting {
        now: Mutex<(usize, usize)>,
        pair: Barrier,
    }
    impl Fetch for Counting {
        fn fetch(&self, _: &Request) -> Result<Response, Error> {
            {
                let mut now = self.now.lock().unwrap();
                now.0 += 1;
                now.1 = now.1.max(now.0);
            }
            // Two have to be under way together, or nothing ever ends.
            self.pair.wait();
            self.now.lock().unwrap().0 -= 1;
            Ok(Response { body: Vec::new() })
        }
    }
    let network = Counting { now: Mutex::default(), pair: Barrier::new(2) };
    let jobs: Vec<Errand> = (0..8).map(|_| Errand::new(&[&["a"], &["b"]])).collect();
    assert_eq!(run_many(jobs, &network, 2).len(), 8);
    assert_eq!(network.now.lock().unwrap().1, 2);
}

#[test]
#[should_panic(expected = "a scoped thread panicked")]
fn a_client_that_panics_hangs_nothing() {
    struct Broken;
    impl Fetch for Broken {
        fn fetch(&self, _: &Request) -> Result<Response, Error> {
            panic!("broken client");
        }
    }
    run_many([Errand::new(&[&["a", "b"], &["c"]])], &Broken, 1);
}

const CRL: &str = "http://ca.example.vn/ca.crl";
const OCSP: &str = "http://ocsp.example.vn/";
const ISSUER: &str = "http://ca.example.vn/ca.cer";

/// A CA with answers, a clock that stands still until it is set, and a cache before it.
struct Scene {
    ca: Authority,
    leaf: kyso::x509::Certificate,
    network: Network,
    clock: Arc<Mutex<Time>>,
}

impl Scene {
    fn new() -> Self {
        let ca = Authority::root(Template::ca(&[(CN, "CA of fetch_door")], None), KeySpec::P256);
        let leaf = ca.certify(&Template::new(&[(CN, "Signer")]), &PrivateKey::generate(KeySpec::P256).unwrap());
        let clock = Arc::new(Mutex::new(at("2026-06-15T00:00:00Z")));
        Self { ca, leaf, network: Network::default(), clock }
    }

    fn cache(&self) -> Cache<Network, impl Fn() -> Time + use<>> {
        let clock = Arc::clone(&self.clock);
        Cache::new(self.network.clone(), move || *clock.lock().unwrap())
    }

    fn set(&self, time: &str) {
        *self.clock.lock().unwrap() = at(time);
    }

    fn crl(&self, from: &str, to: &str) -> Vec<u8> {
        self.ca.crl(at(from), at(to))
    }

    fn ocsp(&self, says: Says, from: &str, to: Option<&str>) -> Vec<u8> {
        let mut spec = OcspSpec::new(&self.leaf, &self.ca.certificate, at(from), at(from)).says(says);
        spec.next_update = to.map(at);
        spec.der(&self.ca.certificate, &self.ca.key)
    }

    fn ask(&self, nonce: Option<u8>) -> Request {
        let id = CertId::new(DigestAlgorithm::Sha1, &self.ca.certificate, self.leaf.serial());
        let nonce = nonce.map(|octet| [octet; 32]);
        let body = ocsp::request(&id, nonce.as_ref().map(|n| n.as_slice()));
        Request::post(Purpose::Ocsp, OCSP, "application/ocsp-request", body, 1 << 20)
    }
}

#[test]
fn answers_are_kept_until_their_next_update() {
    let scene = Scene::new();
    let cache = scene.cache();
    let crl = scene.crl("2026-06-15T00:00:00Z", "2026-06-15T06:00:00Z");
    scene.network.put(CRL, &crl);
    scene.network.put(OCSP, &scene.ocsp(Says::Good, "2026-06-15T00:00:00Z", Some("2026-06-15T01:00:00Z")));
    scene.network.put(ISSUER, scene.ca.certificate.der());
    let issuer = Request::get(Purpose::IssuerCertificate, ISSUER, 1 << 20);
    let all = || [get(CRL), scene.ask(None), issuer.clone()].map(|request| body(&cache, &request).unwrap());
    let first = all();
    assert_eq!(first[0], crl);
    for (time, asked) in [
        ("2026-06-15T00:00:00Z", 3),
        ("2026-06-15T00:59:59Z", 3),
        // The response, whose successor says the same, is asked for each time.
        ("2026-06-15T01:00:00Z", 4),
        ("2026-06-15T05:59:59Z", 5),
        ("2026-06-15T06:00:00Z", 7),
        ("2026-06-21T23:59:59Z", 9),
        ("2026-06-22T00:00:00Z", 12),
        // The clock is set back: what is from the future is of unknown age.
        ("2026-06-15T00:00:00Z", 15),
        ("2026-06-15T00:00:00Z", 15),
    ] {
        scene.set(time);
        assert_eq!(all(), first);
        assert_eq!(scene.network.asked(), asked, "{time}");
    }
    assert_eq!(cache.statistics().asked, 15);
    // No longer than the options say, whatever the CA promises.
    scene.network.put(CRL, &scene.crl("2026-06-15T00:00:00Z", "2036-06-15T00:00:00Z"));
    let cache = scene.cache();
    for (time, asked) in [("2026-06-15T00:00:00Z", 16), ("2026-06-15T23:59:59Z", 16), ("2026-06-16T00:00:00Z", 17)] {
        scene.set(time);
        body(&cache, &get(CRL)).unwrap();
        assert_eq!(scene.network.asked(), asked, "{time}");
    }
    // Nor long where it promises nothing.
    scene.set("2026-06-15T00:00:00Z");
    scene.network.put(OCSP, &scene.ocsp(Says::Good, "2026-06-15T00:00:00Z", None));
    for (time, asked) in [("2026-06-15T00:00:00Z", 18), ("2026-06-15T00:04:59Z", 18), ("2026-06-15T00:05:00Z", 19)] {
        scene.set(time);
        body(&cache, &scene.ask(None)).unwrap();
        assert_eq!(scene.network.asked(), asked, "{time}");
    }
}

#[test]
fn a_nonce_gets_an_answer_made_now_which_serves_others() {
    let scene = Scene::new();
    let cache = scene.cache();
    scene.network.put(OCSP, &scene.ocsp(Says::Good, "2026-06-15T00:00:00Z", Some("2026-06-16T00:00:00Z")));
    for (nonce, asked) in [(Some(1), 1), (None, 1), (Some(1), 2), (Some(2), 3), (None, 3)] {
        body(&cache, &scene.ask(nonce)).unwrap();
        assert_eq!(scene.network.asked(), asked, "{nonce:?}");
    }
}

#[test]
fn failures_are_remembered_for_a_minute() {
    let scene = Scene::new();
    let cache = scene.cache();
    let good = scene.ocsp(Says::Good, "2026-06-15T00:00:00Z", Some("2026-06-16T00:00:00Z"));
    let unknown = scene.ocsp(Says::Unknown, "2026-06-15T00:00:00Z", Some("2026-06-16T00:00:00Z"));
    let mut asked = 0;
    for (minute, answer) in [None, Some(status::refusal(3)), Some(b"<html>".to_vec()), Some(unknown)].iter().enumerate()
    {
        scene.network.answers.lock().unwrap().clear();
        if let Some(answer) = answer {
            scene.network.put(OCSP, answer);
        }
        scene.set(&format!("2026-06-15T00:0{minute}:00Z"));
        asked += 1;
        let first = body(&cache, &scene.ask(None));
        assert_eq!(first.is_err(), answer.is_none());
        // What comes in the meantime is not seen before the minute is over.
        scene.network.put(OCSP, &good);
        scene.set(&format!("2026-06-15T00:0{minute}:59Z"));
        assert_eq!(body(&cache, &scene.ask(None)), first, "{minute}");
        assert_eq!(scene.network.asked(), asked);
    }
    scene.set("2026-06-15T00:04:00Z");
    assert_eq!(body(&cache, &scene.ask(None)).unwrap(), good);
    // A failure holds for requests with a nonce too.
    let cache = scene.cache();
    scene.network.answers.lock().unwrap().clear();
    body(&cache, &scene.ask(None)).unwrap_err();
    let asked = scene.network.asked();
    body(&cache, &scene.ask(Some(1))).unwrap_err();
    assert_eq!((scene.network.asked(), cache.statistics().failures), (asked, 1));
}

#[test]
fn what_is_too_old_for_the_asker_is_asked_for_anew() {
    let scene = Scene::new();
    let cache = scene.cache();
    scene.network.put(CRL, &scene.crl("2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z"));
    body(&cache, &get(CRL)).unwrap();
    scene.set("2026-06-15T02:00:00Z");
    body(&cache, &get(CRL).since(Some(at("2026-06-15T00:00:00Z")))).unwrap();
    assert_eq!(scene.network.asked(), 1);
    let newer = get(CRL).since(Some(at("2026-06-15T01:00:00Z")));
    body(&cache, &newer).unwrap();
    assert_eq!(scene.network.asked(), 2);
    // There is no newer one: that is not asked at every turn.
    body(&cache, &newer).unwrap();
    assert_eq!(scene.network.asked(), 2);
    scene.set("2026-06-15T02:01:00Z");
    body(&cache, &newer).unwrap();
    assert_eq!(scene.network.asked(), 3);
}

#[test]
fn what_a_cache_holds_is_bounded() {
    let scene = Scene::new();
    let crl = scene.crl("2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z");
    let url = |n: usize| format!("http://ca.example.vn/{n}.crl");
    (0..10).for_each(|n| scene.network.put(&url(n), &crl));
    for by_octets in [false, true] {
        let mut options = CacheOptions::default();
        if by_octets {
            options.max_octets = crl.len() * 3;
        } else {
            options.max_entries = 3;
        }
        let cache = scene.cache().options(options);
        scene.network.seen.lock().unwrap().clear();
        let ask = |n: usize| {
            body(&cache, &get(&url(n))).unwrap();
            scene.network.asked()
        };
        (0..3).for_each(|n| assert_eq!(ask(n), n + 1));
        // 0 is used again, so that 1 goes for 3.
        assert_eq!([ask(0), ask(3), ask(0), ask(2), ask(1)], [3, 4, 4, 4, 5]);
    }
    // An answer that is larger than all of it is passed on.
    let mut options = CacheOptions::default();
    options.max_octets = crl.len() - 1;
    let cache = scene.cache().options(options);
    assert_eq!(body(&cache, &get(&url(0))).unwrap(), crl);
    assert_eq!(body(&cache, &get(&url(0))).unwrap(), crl);
    assert_eq!(cache.statistics().asked, 2);
    // What is larger than the asker takes is for the door behind to refuse.
    let cache = scene.cache();
    body(&cache, &get(&url(0))).unwrap();
    let small = Request::get(Purpose::Crl, url(0), crl.len() - 1);
    drop(body(&cache, &small));
    assert_eq!(cache.statistics().asked, 2);
}

#[test]
fn time_stamps_are_never_kept() {
    let scene = Scene::new();
    let cache = scene.cache();
    scene.network.put(OCSP, b"token");
    let request = Request::post(Purpose::TimeStamp, OCSP, "application/timestamp-query", vec![1], 99);
    (0..3).for_each(|_| drop(cache.fetch(&request).unwrap()));
    assert_eq!(scene.network.asked(), 3);
}

#[test]
fn what_many_threads_want_is_asked_once() {
    /// Answers after a moment, in which the others arrive, and panics without an answer.
    struct Slow(Network);
    impl Fetch for Slow {
        fn fetch(&self, request: &Request) -> Result<Response, Error> {
            thread::sleep(Duration::from_millis(50));
            Ok(self.0.fetch(request).unwrap())
        }
    }
    let scene = Scene::new();
    let crl = scene.crl("2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z");
    scene.network.put(CRL, &crl);
    let now = at("2026-06-15T00:00:00Z");
    let cache = Cache::new(Slow(scene.network.clone()), move || now);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(body(&cache, &get(CRL)).unwrap(), crl));
        }
    });
    assert_eq!(scene.network.asked(), 1);
    // A client that panics holds nobody up.
    let broken = Cache::new(Slow(Network::default()), move || now);
    let panicked = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| broken.fetch(&get(CRL)).is_ok())).collect();
        threads.into_iter().filter_map(|thread| thread.join().err()).count()
    });
    assert_eq!(panicked, 4);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn a_folder_keeps_answers_for_the_next_process() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made/here");
    let warm = || scene.cache().store(CacheDir::open(&path).unwrap());
    let crl = scene.crl("2026-06-15T00:00:00Z", "2026-06-15T06:00:00Z");
    scene.network.put(CRL, &crl);
    let cache = warm();
    assert_eq!(body(&cache, &get(CRL)).unwrap(), crl);
    drop(body(&cache, &get("http://down.example.vn/")));
    assert_eq!(files(&path).len(), 1, "failures are not kept");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }
    // Another process, later: from the folder, and from there on from memory.
    scene.set("2026-06-15T05:00:00Z");
    let other = warm();
    (0..2).for_each(|_| assert_eq!(body(&other, &get(CRL)).unwrap(), crl));
    let statistics = other.statistics();
    assert_eq!((statistics.asked, statistics.from_store, statistics.from_memory), (0, 1, 1));
    // Out of date, it is asked for and kept anew.
    scene.set("2026-06-15T06:00:00Z");
    let newer = scene.crl("2026-06-15T06:00:00Z", "2026-06-15T12:00:00Z");
    scene.network.put(CRL, &newer);
    assert_eq!(body(&warm(), &get(CRL)).unwrap(), newer);
    let cache = warm();
    assert_eq!(body(&cache, &get(CRL)).unwrap(), newer);
    assert_eq!(cache.statistics().from_store, 1);
    assert_eq!(files(&path).len(), 1);
    // An option of the reader counts, not one of the writer.
    let mut options = CacheOptions::default();
    options.status_age = Duration::from_secs(60);
    scene.set("2026-06-15T06:01:00Z");
    let cache = warm().options(options);
    body(&cache, &get(CRL)).unwrap();
    assert_eq!(cache.statistics().asked, 1);
}

#[test]
fn an_entry_that_is_not_whole_is_removed() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    let warm = || scene.cache().store(CacheDir::open(folder.path()).unwrap());
    let crl = scene.crl("2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z");
    scene.network.put(CRL, &crl);
    scene.network.put("http://other.example.vn/", &crl);
    body(&warm(), &get(CRL)).unwrap();
    let name = files(folder.path()).remove(0);
    let whole = fs::read(&name).unwrap();
    let served = |content: &[u8]| {
        fs::write(&name, content).unwrap();
        let cache = warm();
        assert_eq!(body(&cache, &get(CRL)).unwrap(), crl);
        let from_store = cache.statistics().from_store == 1;
        // Removed and made anew by the answer from the network, or left alone.
        assert_eq!(fs::read(&name).unwrap(), whole);
        from_store
    };
    assert!(served(&whole));
    for at in 0..whole.len() {
        let mut turned = whole.clone();
        turned[at] ^= 1;
        assert!(!served(&turned), "octet {at}");
    }
    for length in [0, 7, 8, 87, 88, whole.len() - 1] {
        assert!(!served(&whole[..length]), "{length} octets");
    }
    assert!(!served(&[whole.as_slice(), b"\n"].concat()));
    // Under the name of another answer.
    body(&warm(), &get("http://other.example.vn/")).unwrap();
    let other = files(folder.path()).into_iter().find(|path| *path != name).unwrap();
    fs::copy(&name, &other).unwrap();
    let cache = warm();
    body(&cache, &get("http://other.example.vn/")).unwrap();
    assert_eq!(cache.statistics().from_store, 0);
    // A folder in place of a file: nothing is served, nothing breaks.
    fs::remove_file(&name).unwrap();
    fs::create_dir(&name).unwrap();
    let cache = warm();
    assert_eq!(body(&cache, &get(CRL)).unwrap(), crl);
    assert_eq!((cache.statistics().asked, cache.statistics().not_stored), (1, 1));
}

#[test]
fn several_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let key = CacheKey::from_octets([7; 32]);
    let answer = |octet: u8| Stored::new(at("2026-06-15T00:00:00Z"), vec![octet; 10_000]);
    thread::scope(|scope| {
        for octet in 0..3 {
            // Each with its own view of the folder, as processes have.
            let dir = CacheDir::open(folder.path()).unwrap().max_entries(4);
            scope.spawn(move || (0..40).for_each(|_| dir.save(&key, &answer(octet)).unwrap()));
        }
        let dir = CacheDir::open(folder.path()).unwrap();
        scope.spawn(move || {
            for _ in 0..400 {
                if let Some(stored) = dir.load(&key) {
                    assert!((0..3).any(|octet| stored == answer(octet)));
                }
            }
        });
    });
    let dir = CacheDir::open(folder.path()).unwrap();
    assert!((0..3).any(|octet| dir.load(&key) == Some(answer(octet))));
    assert_eq!(files(folder.path()).len(), 1, "nothing unfinished is left");
}

#[test]
fn a_folder_is_bounded() {
    let scene = Scene::new();
    let folder = tempfile::tempdir().unwrap();
    let crl = scene.crl("2026-06-15T00:00:00Z", "2026-06-16T00:00:00Z");
    let entry = crl.len() as u64 + 88;
    fs::write(folder.path().join("of somebody else"), b"x").unwrap();
    let fill = |dir: CacheDir| {
        let cache = scene.cache().store(dir);
        for n in 0..40 {
            let url = format!("http://ca.example.vn/{n}.crl");
            scene.network.put(&url, &crl);
            body(&cache, &get(&url)).unwrap();
        }
        files(folder.path()).len() - 1
    };
    let count = fill(CacheDir::open(folder.path()).unwrap().max_entries(16));
    assert!((16..=18).contains(&count), "{count}");
    let count = fill(CacheDir::open(folder.path()).unwrap().max_octets(entry * 8));
    assert!((8..=9).contains(&count), "{count}");
    assert_eq!(fill(CacheDir::open(folder.path()).unwrap().max_octets(entry - 1)), count);
    assert!(folder.path().join("of somebody else").exists());
    let file = folder.path().join("of somebody else");
    assert!(matches!(CacheDir::open(&file), Err(Error::Io(_))));
}
