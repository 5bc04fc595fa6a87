//! Other people's PKIs on the loopback interface: Certomancer's and OpenSSL's
//! responders, CRLs and time-stamping authorities, well and badly behaved, each
//! with the right one of three answers.
#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/certomancer.rs"]
mod certomancer;
#[path = "support/der.rs"]
mod der;
#[path = "support/peers.rs"]
mod peers;
#[path = "support/status.rs"]
mod status;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::SystemTime;

use ca::Authority;
use ca::CN;
use ca::Template;
use certomancer::Certomancer;
use certomancer::client;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::fetch;
use kyso::fetch::Fetch;
use kyso::fetch::cache::Cache;
use kyso::path::PathBuilder;
use kyso::revocation::Check;
use kyso::revocation::Checked;
use kyso::revocation::MissingNonce;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::sign::cades::CadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::validate::BaselineLevel;
use kyso::validate::Gathered;
use kyso::validate::Policy;
use kyso::validate::Validator;
use kyso::x509::Certificate;
use peers::Asked;
use peers::Reply;
use peers::Server;
use status::CrlSpec;
use status::Entry;
use status::OcspSpec;

/// Peers have the clock of the machine.
#[allow(clippy::disallowed_methods)]
fn now() -> Time {
    Time::from_system(SystemTime::now()).unwrap()
}

const HOUR: Duration = Duration::from_secs(3_600);
const NONCE: [u8; 8] = [0x11; 8];

fn anchors(root: &Certificate) -> TrustAnchors {
    let mut set = TrustSet::new("peers");
    set.add(TrustAnchor::from_certificate(root.clone()));
    TrustAnchors::new([set])
}

/// A CMS over "content", validated with whatever its certificates name.
fn gather(cms: &[u8], root: &Certificate, network: &dyn Fetch) -> Gathered {
    let (policy, anchors) = (Policy::etsi(), anchors(root));
    let signed = SignedData::from_octets(cms, &Limits::default()).unwrap();
    let content: &[u8] = b"content";
    let gathering = Validator::new(&policy, &anchors, now()).gather(|v| v.cms(&signed, Some(&content)));
    fetch::run(gathering, network).unwrap()
}

fn verdict(gathered: &Gathered) -> &str {
    let indication = gathered.report.signatures()[0].indication();
    indication.sub_indication().unwrap_or_else(|| indication.name())
}

#[test]
fn certomancer_answers_for_its_office() {
    let Some(peer) = Certomancer::start() else { return };
    let root = peer.root();
    let sign = |name: &str, when: Time| CadesRequest::new(b"content", when).sign(&peer.signer(name)).unwrap();
    let cache = Cache::new(peer.client.clone(), now);
    // With nothing but the signer's certificate at hand: issuer, status of both.
    let good = sign("good", now());
    let gathered = gather(good.octets(), &root, &cache);
    assert_eq!(verdict(&gathered), "TOTAL-PASSED", "{}\n{:?}", gathered.report.to_json(), gathered.findings);
    assert_eq!((gathered.requests, gathered.findings.len()), (3, 0));
    assert_eq!((gathered.evidence.crls().len(), gathered.evidence.ocsp_responses().len()), (1, 1));
    // Once more: everything is known.
    let asked = cache.statistics().asked;
    assert_eq!(verdict(&gather(good.octets(), &root, &cache)), "TOTAL-PASSED");
    assert_eq!((cache.statistics().asked, cache.statistics().from_memory), (asked, 3));

    let gathered = gather(sign("revoked", now()).octets(), &root, &cache);
    assert_eq!(verdict(&gathered), "REVOKED_NO_POE", "{:?}", gathered.findings);
    let expired = sign("expired", ca::at("2019-01-01T00:00:00Z"));
    let gathered = gather(expired.octets(), &root, &cache);
    assert_eq!(verdict(&gathered), "OUT_OF_BOUNDS_NO_POE", "{}", gathered.report.to_json());
    // Under another root it is nobody's.
    let other = Authority::root(
        Template::ca(&[(CN, "Other")], None).valid("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"),
        KeySpec::P256,
    );
    assert_eq!(verdict(&gather(good.octets(), &other.certificate, &cache)), "NO_CERTIFICATE_CHAIN_FOUND");
}

#[test]
fn certomancer_repeats_a_nonce() {
    let Some(peer) = Certomancer::start() else { return };
    let leaf = peer.certificate("issuing/issued/good");
    let path = PathBuilder::new(&anchors(&peer.certificate("issuing/ca")), now()).build(&leaf).unwrap();
    let mut rules = RevocationRules::default();
    rules.missing_nonce = MissingNonce::Refused;
    let checked = fetch::run(Check::new(&path, &rules, now()).nonce([9; 32]), &peer.client).unwrap();
    assert_eq!(words(&checked), ["good"], "{:?}", checked.findings);
    assert_eq!(checked.evidence.ocsp_responses().len(), 1);
    assert!(checked.evidence.ocsp_responses()[0].nonce().is_some());
}

#[test]
fn certomancer_time_stamps_after_others_failed() {
    let Some(peer) = Certomancer::start() else { return };
    let server = Server::start(|asked| match asked.path.as_str() {
        "/slow" => Reply::Silence,
        "/busy" => Reply::Status(503),
        _ => Reply::Raw(b"no HTTP\r\n\r\n".to_vec()),
    });
    let client = client(|o| {
        o.hosts.insert("slow.example.vn".to_owned(), server.address);
        o.host_timeouts.insert("slow.example.vn".to_owned(), Duration::from_millis(300));
    });
    let settings = TimestampSettings::new(format!("http://127.0.0.1:{}/", peers::free_port()), NONCE)
        .or(format!("http://slow.example.vn:{}/slow", server.address.port()))
        .or(server.url("busy"))
        .or(server.url("broken"));
    let key = peer.signer("good");
    let stamped = |settings: TimestampSettings| {
        let job = CadesRequest::new(b"content", now()).sign_timestamped(&key, settings).unwrap();
        fetch::run(job, &client)
    };
    let error = stamped(settings.clone()).unwrap_err().to_string();
    for part in ["none of 4", "refused", "longer than allowed", "503", "/broken"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let settings = settings.or(format!("{}/tsa/tsa", peer.base)).around(now(), HOUR);
    let signed = stamped(settings).unwrap();
    let gathered = gather(signed.octets(), &peer.root(), &peer.client);
    assert_eq!(verdict(&gathered), "TOTAL-PASSED", "{}\n{:?}", gathered.report.to_json(), gathered.findings);
    let signature = &gathered.report.signatures()[0];
    assert_eq!((signature.level(), signature.timestamps().len()), (Some(BaselineLevel::T), 1));
}

/// A CA of ours whose answers OpenSSL makes, served with every fault.
struct Scene {
    ca: Authority,
    folder: tempfile::TempDir,
    server: Server,
    leaf: Certificate,
}

/// Runs OpenSSL on one request; each has files of its own.
fn answered(folder: &Path, arguments: &[&str], request: &[u8], input: &str, output: &str) -> Reply {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let (question, answer) = (format!("{number}.request"), format!("{number}.answer"));
    fs::write(folder.join(&question), request).unwrap();
    let mut command = Command::new("openssl");
    command.args(arguments).args([input, &question, output, &answer]).current_dir(folder);
    let made = command.output().unwrap();
    match fs::read(folder.join(answer)) {
        Ok(body) if made.status.success() => Reply::Body(body),
        _ => {
            eprintln!("{arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
            Reply::Status(500)
        }
    }
}

fn ocsp(folder: &Path, signer: &str, request: &[u8]) -> Reply {
    let key = format!("{signer}.key");
    let signer = format!("{signer}.pem");
    let arguments = ["ocsp", "-index", "index.txt", "-CA", "ca.pem", "-rsigner", &signer, "-rkey", &key, "-ndays", "1"];
    answered(folder, &arguments, request, "-reqin", "-respout")
}

/// The request of a GET (RFC 6960 §A.1).
fn from_path(path: &str) -> Vec<u8> {
    let text = path.rsplit('/').next().unwrap();
    let text = text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=");
    base64_simd::STANDARD.decode_to_vec(text).unwrap()
}

impl Scene {
    /// With a leaf whose responder is at `ocsp` and whose CRL is at `crl`, each a path of the server.
    fn new(says: &str) -> Option<Self> {
        if !peers::has_openssl() {
            return None;
        }
        let always = |template: Template| template.valid("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
        let ca = Authority::root(always(Template::ca(&[(CN, "CA of OpenSSL")], None)), KeySpec::P256);
        let other = Authority::root(always(Template::ca(&[(CN, "Another CA")], None)), KeySpec::P256);
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, key: &PrivateKey, certificate: &Certificate| {
            fs::write(folder.path().join(format!("{name}.pem")), certificate.to_pem()).unwrap();
            let octets = base64_simd::STANDARD.encode_to_string(&*key.to_pkcs8_der().unwrap());
            let pem = format!("-----BEGIN PRIVATE KEY-----\n{octets}\n-----END PRIVATE KEY-----\n");
            fs::write(folder.path().join(format!("{name}.key")), pem).unwrap();
        };
        write("ca", &ca.key, &ca.certificate);
        write("other", &other.key, &other.certificate);
        for (name, template) in [
            ("delegated", Template::ocsp_responder(&[(CN, "Responder")])),
            ("undelegated", Template::new(&[(CN, "No responder")])),
            ("tsa", Template::tsa(&[(CN, "TSA of OpenSSL")])),
        ] {
            let key = PrivateKey::generate(KeySpec::P256).unwrap();
            write(name, &key, &ca.certify(&always(template), &key));
        }
        let path: PathBuf = folder.path().to_owned();
        let parts = Arc::new(BTreeMap::from([
            ("crl", ca.crl(now().saturating_sub(HOUR), now().saturating_add(HOUR))),
            ("old-crl", ca.crl(now().saturating_sub(HOUR * 48), now().saturating_sub(HOUR * 24))),
            ("other-crl", {
                let mut spec = CrlSpec::new(&ca.certificate, now().saturating_sub(HOUR), now().saturating_add(HOUR));
                spec.number = Some(9);
                spec.der(&other.key)
            }),
        ]));
        let server = Server::start(move |asked: &Asked| {
            let place = asked.path.split('/').nth(1).unwrap();
            if let Some(body) = parts.get(place) {
                return Reply::Body(body.clone());
            }
            match (place, asked.method.as_str()) {
                ("get-only", "GET") => ocsp(&path, "ca", &from_path(&asked.path)),
                ("moody", "GET") => Reply::Body(b"<html>GET</html>".to_vec()),
                (signer @ ("ca" | "delegated" | "undelegated" | "other"), "POST") => ocsp(&path, signer, &asked.body),
                ("moody", _) => ocsp(&path, "ca", &asked.body),
                ("tsa", "POST") => {
                    let arguments = ["ts", "-reply", "-config", "ts.cnf", "-inkey", "tsa.key", "-signer", "tsa.pem"];
                    answered(&path, &arguments, &asked.body, "-queryfile", "-out")
                }
                ("garbage", _) => Reply::Body(b"<html>502</html>".to_vec()),
                ("empty", _) => Reply::Body(Vec::new()),
                ("huge", _) => Reply::Endless,
                ("slow", _) => Reply::Silence,
                ("no-http", _) => Reply::Raw(b"\x00\x01\x02\r\n\r\n".to_vec()),
                ("get-only", _) => Reply::Status(405),
                _ => Reply::Status(404),
            }
        });
        let mut scene = Self { leaf: ca.certificate.clone(), ca, folder, server };
        scene.leaf = scene.certify("ca", "missing", says);
        Some(scene)
    }

    /// A new leaf, of which the index says `says`.
    fn certify(&self, ocsp: &str, crl: &str, says: &str) -> Certificate {
        let mut template = Template::new(&[(CN, "Signer")]).valid("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
        let url = |place: &str| match place {
            "unreachable" => format!("http://127.0.0.1:{}/", peers::free_port()),
            place => self.server.url(place),
        };
        template.ocsp_url = Some(url(ocsp));
        template.crl_url = Some(url(crl));
        let leaf = self.ca.certify(&template, &PrivateKey::generate(KeySpec::P256).unwrap());
        let serial: String = leaf.serial().content().iter().map(|octet| format!("{octet:02X}")).collect();
        let line = match says {
            "good" => format!("V\t21000101000000Z\t\t{serial}\tunknown\t/CN=Signer\n"),
            "revoked" => format!("R\t21000101000000Z\t200101000000Z,keyCompromise\t{serial}\tunknown\t/CN=Signer\n"),
            _ => String::new(),
        };
        fs::write(self.folder.path().join("index.txt"), line).unwrap();
        leaf
    }

    fn check(&self, leaf: &Certificate) -> Checked {
        self.check_within(leaf, Duration::from_secs(30))
    }

    fn check_within(&self, leaf: &Certificate, timeout: Duration) -> Checked {
        let path = PathBuilder::new(&anchors(&self.ca.certificate), now()).build(leaf).unwrap();
        let mut rules = RevocationRules::default();
        rules.max_ocsp_octets = 100_000;
        rules.max_crl_octets = 100_000;
        let client = client(|o| o.timeout = timeout);
        fetch::run(Check::new(&path, &rules, now()), &client).unwrap()
    }
}

fn words(checked: &Checked) -> Vec<String> {
    let word = |s: &RevocationStatus| match s {
        RevocationStatus::Unknown(unknown) => unknown.reason.code().to_owned(),
        known => known.to_string(),
    };
    checked.revocation.certificates().iter().map(|c| word(&c.status)).collect()
}

#[test]
fn openssl_answers_and_faults_get_the_right_one_of_three() {
    let Some(scene) = Scene::new("good") else { return };
    let revoked = "revoked since 2020-01-01T00:00:00Z (keyCompromise)";
    for (responder, crl, says, status, asked) in [
        // The responder's word, by the CA's own key and by a delegate's.
        ("ca", "missing", "good", "good", "POST /ca"),
        ("ca", "missing", "revoked", revoked, "POST /ca"),
        ("ca", "missing", "nothing", "RESPONDER_DOES_NOT_KNOW", "POST /ca GET /missing"),
        ("delegated", "missing", "good", "good", "POST /delegated"),
        ("delegated", "missing", "revoked", revoked, "POST /delegated"),
        // One way or the other.
        ("get-only", "missing", "good", "good", "POST /get-only GET /get-only"),
        ("get-only", "missing", "revoked", revoked, "POST /get-only GET /get-only"),
        // Whoever may not speak does not, whether it says good or revoked.
        ("undelegated", "missing", "good", "NOT_ENTITLED", "POST /undelegated GET /missing"),
        ("undelegated", "missing", "revoked", "NOT_ENTITLED", "POST /undelegated GET /missing"),
        ("other", "missing", "good", "NOT_ENTITLED", "POST /other GET /missing"),
        ("undelegated", "crl", "revoked", "good", "POST /undelegated GET /crl"),
        // Nothing that could be used.
        ("garbage", "missing", "good", "NO_EVIDENCE", "POST /garbage GET /garbage GET /missing"),
        ("empty", "missing", "good", "NO_EVIDENCE", "POST /empty GET /empty GET /missing"),
        ("missing", "garbage", "good", "NO_EVIDENCE", "POST /missing GET /missing GET /garbage"),
        ("no-http", "no-http", "good", "NO_EVIDENCE", "POST /no-http GET /no-http GET /no-http"),
        ("huge", "huge", "good", "NO_EVIDENCE", "POST /huge GET /huge GET /huge"),
        ("slow", "slow", "good", "NO_EVIDENCE", "POST /slow GET /slow"),
        // The CRL in its place, or none that is of use.
        ("slow", "crl", "good", "good", "POST /slow GET /crl"),
        ("unreachable", "crl", "good", "good", "GET /crl"),
        ("garbage", "crl", "good", "good", "POST /garbage GET /garbage GET /crl"),
        ("missing", "old-crl", "good", "STALE", "POST /missing GET /missing GET /old-crl"),
        ("missing", "other-crl", "good", "NOT_AUTHENTIC", "POST /missing GET /missing GET /other-crl"),
        ("unreachable", "unreachable", "good", "NO_EVIDENCE", ""),
    ] {
        let row = format!("{responder} {crl} {says}");
        let leaf = scene.certify(responder, crl, says);
        let patience = if responder == "slow" { Duration::from_secs(1) } else { Duration::from_secs(30) };
        let checked = scene.check_within(&leaf, patience);
        assert_eq!(words(&checked), [status], "{row}: {:?}", checked.findings);
        assert_eq!(scene.server.seen().join(" "), asked, "{row}");
    }
}

#[test]
fn a_revocation_stands_whoever_else_says_good() {
    let Some(mut scene) = Scene::new("good") else { return };
    // The CRL knows; the responder, asked first, does not.
    let leaf = scene.leaf.clone();
    scene.ca.revoke(&leaf, ca::at("2021-01-01T00:00:00Z"), None);
    let crl = CrlSpec::new(&scene.ca.certificate, now().saturating_sub(HOUR), now().saturating_add(HOUR))
        .entry(Entry::of(&leaf, ca::at("2021-01-01T00:00:00Z"), None))
        .sign(&scene.ca.key);
    let mut checked = scene.check(&leaf);
    assert_eq!(words(&checked), ["good"]);
    checked.evidence.add_crl(crl);
    let path = PathBuilder::new(&anchors(&scene.ca.certificate), now()).build(&leaf).unwrap();
    let rules = RevocationRules::default();
    let again = fetch::Job::finish(Check::new(&path, &rules, now()).evidence(&checked.evidence)).unwrap();
    assert_eq!(words(&again), ["revoked since 2021-01-01T00:00:00Z"]);
}

#[test]
fn a_stale_answer_of_a_responder_is_unknown() {
    let Some(scene) = Scene::new("good") else { return };
    let old = now().saturating_sub(HOUR * 48);
    let spec = OcspSpec::new(&scene.leaf, &scene.ca.certificate, old, old.saturating_add(HOUR));
    let body = spec.der(&scene.ca.certificate, &scene.ca.key);
    let server = Server::start(move |_| Reply::Body(body.clone()));
    let mut template = Template::new(&[(CN, "Signer")]).valid("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z");
    template.ocsp_url = Some(server.url("ocsp"));
    template.serial = Some(scene.leaf.serial().content().to_vec());
    let leaf = scene.ca.certify(&template, &PrivateKey::generate(KeySpec::P256).unwrap());
    let checked = scene.check(&leaf);
    assert_eq!(words(&checked), ["STALE"]);
    assert_eq!(server.seen(), ["POST /ocsp"]);
}

#[test]
fn openssl_time_stamps() {
    let Some(scene) = Scene::new("good") else { return };
    let settings = "[tsa]\ndefault_tsa = office\n[office]\nserial = serial\ncrypto_device = builtin\n\
                    signer_digest = sha256\ndefault_policy = 1.3.6.1.4.1.99999.7\nother_policies = 1.3.6.1.4.1.99999.8\n\
                    digests = sha256, sha384, sha512\naccuracy = secs:1, millisecs:500\nordering = yes\n\
                    ess_cert_id_alg = sha256\n";
    fs::write(scene.folder.path().join("ts.cnf"), settings).unwrap();
    let key = scene
        .ca
        .issue(&Template::new(&[(CN, "Signer")]).valid("2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"), KeySpec::P256);
    let client = client(|_| {});
    let stamped = |settings: TimestampSettings| {
        let job = CadesRequest::new(b"content", now()).sign_timestamped(&key, settings.around(now(), HOUR)).unwrap();
        fetch::run(job, &client).map_err(|e| e.to_string())
    };
    let oid = |text: &str| kyso::asn1::Oid::parse(text).unwrap();
    let tsa = || TimestampSettings::new(scene.server.url("tsa"), NONCE);
    for settings in [
        tsa(),
        tsa().policy(oid("1.3.6.1.4.1.99999.8")),
        tsa().digest(kyso::crypto::DigestAlgorithm::Sha512).accuracy(Duration::from_millis(1_500)),
    ] {
        let signed = stamped(settings).unwrap();
        let (policy, anchors) = (Policy::etsi(), anchors(&scene.ca.certificate));
        let mut evidence = kyso::revocation::Evidence::new();
        let crl = scene.ca.crl(now().saturating_sub(HOUR), now().saturating_add(HOUR));
        evidence.add_crl(kyso::x509::Crl::from_der(&crl).unwrap());
        let signed = SignedData::from_octets(signed.octets(), &Limits::default()).unwrap();
        let content: &[u8] = b"content";
        let report = Validator::new(&policy, &anchors, now()).evidence(&evidence).cms(&signed, Some(&content));
        assert_eq!(report.signatures()[0].level(), Some(BaselineLevel::T), "{}", report.to_json());
    }
    // What it does not do, it says; what it says does not fit is refused.
    let error = stamped(tsa().policy(oid("1.2.3.4"))).unwrap_err();
    assert!(error.contains("unacceptedPolicy"), "{error}");
    let error = stamped(tsa().accuracy(Duration::from_secs(1))).unwrap_err();
    assert!(error.contains("may be off by 1.5s"), "{error}");
    let error = stamped(TimestampSettings::new(scene.server.url("garbage"), NONCE)).unwrap_err();
    assert!(error.contains("malformed"), "{error}");
}
