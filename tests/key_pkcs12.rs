//! PKCS#12 stores as OpenSSL, Java and older writers make them, and altered ones.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/corpus.rs"]
mod corpus;
#[path = "support/der.rs"]
mod der;

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::Mutex;

use ca::Authority;
use ca::Template;
use corpus::Exceptions;
use kyso::Error;
use kyso::Limits;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;
use kyso::error::SecretError;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::key::pkcs12::Pfx;
use kyso::key::soft::SoftKey;
use kyso::secret::Password;
use kyso::x509::Certificate;

const VIETNAMESE: &str = "Mật khẩu 🔑 rất dài";

/// A root, an issuing CA, a signer's certificate for a given key, and files of them.
struct Files {
    dir: tempfile::TempDir,
    exporting: Mutex<()>,
    key: PrivateKey,
    certificate: Certificate,
    root: Certificate,
}

impl Files {
    fn new(spec: KeySpec) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = Authority::root(Template::ca(&[(ca::CN, "Root")], None), KeySpec::P256);
        let key = PrivateKey::generate(spec).unwrap();
        let certificate = root.certify(&Template::new(&[(ca::CN, "Nguyễn Văn A")]), &key);
        let files = Self { dir, exporting: Mutex::new(()), key, certificate, root: root.certificate };
        // Version 1: OpenSSL before 3.2 reads no key that brings its public key along.
        let pkcs8 = files.key.to_pkcs8_der().unwrap();
        let parts = der::children(der::split(&pkcs8).1);
        fs::write(files.path("key.der"), der::seq(&[&der::int(0), parts[1], parts[2]])).unwrap();
        fs::write(files.path("cert.pem"), files.certificate.to_pem()).unwrap();
        fs::write(files.path("root.pem"), files.root.to_pem()).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// `openssl pkcs12 -export` with more options; `None` where there is no OpenSSL.
    fn export(&self, password: &str, options: &[&str]) -> Option<Vec<u8>> {
        // Tests share a folder and its file names.
        let _alone = self.exporting.lock().unwrap();
        if !self.path("key.pem").exists() {
            run("openssl", self.dir.path(), &["pkey", "-inform", "DER", "-in", "key.der", "-out", "key.pem"], "")?;
        }
        let mut arguments = vec!["pkcs12", "-export", "-inkey", "key.pem", "-in", "cert.pem", "-passout", "env:SECRET"];
        arguments.extend(["-certfile", "root.pem", "-out", "out.p12", "-name", "Khóa ký số"]);
        arguments.extend(options);
        run("openssl", self.dir.path(), &arguments, password)?;
        Some(fs::read(self.path("out.p12")).unwrap())
    }

    fn check(&self, octets: &[u8], password: &str, what: &str) {
        let key = SoftKey::from_pkcs12(octets, &Password::new(password), &Limits::default());
        let key = key.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!(key.identity().certificate(), &self.certificate, "{what}");
        assert_eq!(key.identity().chain(), std::slice::from_ref(&self.root), "{what}");
        let message = ToBeSigned::new(key.default_algorithm(), b"ky so".to_vec());
        let value = key.sign(&message).unwrap();
        let backend = kyso::crypto::Backend::default();
        let public = self.certificate.public_key();
        let verified = backend.verify(public, message.algorithm(), Message::Octets(b"ky so"), value.octets());
        assert_eq!(verified, Ok(()), "{what}");
        assert!(Pfx::open(octets, &Password::new(password), &Limits::default()).unwrap().is_authenticated());
        for wrong in ["", &format!("{password} ")] {
            if wrong != password {
                let error = Pfx::open(octets, &Password::new(wrong), &Limits::default()).unwrap_err();
                assert!(matches!(error, Error::Secret(SecretError::Wrong { .. })), "{what}: {error}");
            }
        }
    }
}

/// Runs a tool in a folder, with the password in its environment; `None` where there is no such tool.
fn run(tool: &str, dir: &Path, arguments: &[&str], password: &str) -> Option<String> {
    let mut command = Command::new(tool);
    command.current_dir(dir).args(arguments).env("SECRET", password).env("LC_ALL", "C.UTF-8");
    let Ok(output) = command.output() else {
        assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "{tool} not found");
        eprintln!("{tool} not found: skipped");
        return None;
    };
    assert!(output.status.success(), "{tool} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

static RSA: LazyLock<Files> = LazyLock::new(|| Files::new(KeySpec::Rsa2048));

fn password(text: &str) -> Password {
    Password::new(text)
}

#[test]
fn stores_of_openssl_open_for_every_kind_of_key() {
    for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::Ed25519] {
        let files = Files::new(spec);
        let Some(store) = files.export("secret", &[]) else { return };
        files.check(&store, "secret", &format!("{spec:?}"));
        let pfx = Pfx::open(&store, &password("secret"), &Limits::default()).unwrap();
        assert_eq!(pfx.keys()[0].friendly_name(), Some("Khóa ký số"));
        assert_eq!(pfx.keys()[0].local_key_id(), pfx.certificates()[0].local_key_id());
        assert!(pfx.keys()[0].local_key_id().is_some());
        assert_eq!(pfx.keys()[0].private_key().unwrap().public_key(), files.key.public_key());
    }
}

/// Every cipher of the two parts, every digest of the MAC, and every kind of password.
#[test]
fn stores_of_openssl_open_under_every_algorithm() {
    let files = &*RSA;
    let legacy = ["-provider", "legacy", "-provider", "default"];
    let matrix: &[&[&str]] = &[
        &["-legacy"],
        &["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"],
        &["-certpbe", "PBE-SHA1-2DES", "-keypbe", "PBE-SHA1-2DES", "-macalg", "sha384"],
        &["-certpbe", "PBE-SHA1-RC2-128", "-keypbe", "PBE-SHA1-RC2-40"],
        &["-certpbe", "AES-128-CBC", "-keypbe", "AES-192-CBC", "-macalg", "sha512"],
        &["-certpbe", "DES-EDE3-CBC", "-keypbe", "AES-256-CBC", "-macalg", "sha224"],
        &["-certpbe", "NONE", "-keypbe", "AES-256-CBC"],
        &["-certpbe", "NONE", "-keypbe", "NONE", "-nomaciter"],
        &["-iter", "1"],
        &["-iter", "5000", "-maciter"],
    ];
    for options in matrix {
        for secret in ["secret", "", VIETNAMESE] {
            let mut all = options.to_vec();
            all.extend(legacy);
            let Some(store) = files.export(secret, &all) else { return };
            // In what is not encrypted the MAC alone knows the password.
            files.check(&store, secret, &format!("{options:?} {secret:?}"));
        }
    }
}

/// What Windows writes: certificates and key under Triple DES, SHA-1 over 2000
/// rounds, the provider's name as an attribute of the key.
#[test]
fn a_store_in_the_shape_of_windows_opens() {
    let files = Files::new(KeySpec::Rsa2048);
    let options = ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1", "-iter", "2000"];
    let csp = ["-CSP", "Microsoft Enhanced RSA and AES Cryptographic Provider", "-LMK"];
    let Some(store) = files.export("secret", &[&options[..], &csp].concat()) else { return };
    files.check(&store, "secret", "Windows");
    // The key before the certificates, or after them.
    let (safe, _) = unmade(&store);
    let parts: Vec<Vec<u8>> = der::children(der::split(&safe).1).into_iter().map(<[u8]>::to_vec).collect();
    assert_eq!(parts.len(), 2);
    let turned = der::tlv(0x30, &[parts[1].clone(), parts[0].clone()].concat());
    let pfx = Pfx::open(&remade(&turned, &[]), &password("secret"), &Limits::default()).unwrap();
    assert_eq!((pfx.keys().len(), pfx.certificates().len()), (1, 2));
    assert!(!pfx.is_authenticated());
}

#[test]
fn stores_of_java_open() {
    let dir = tempfile::tempdir().unwrap();
    for (n, legacy) in [None, Some("-J-Dkeystore.pkcs12.legacy")].into_iter().enumerate() {
        let name = format!("java{n}.p12");
        let mut arguments = vec!["-genkeypair", "-keystore", &name, "-storetype", "PKCS12", "-storepass:env", "SECRET"];
        arguments.extend(["-alias", "ký", "-dname", "CN=Java", "-keyalg", "RSA", "-keysize", "2048"]);
        arguments.extend(legacy);
        if run("keytool", dir.path(), &arguments, "secret").is_none() {
            return;
        }
        let store = fs::read(dir.path().join(&name)).unwrap();
        let key = SoftKey::from_pkcs12(&store, &password("secret"), &Limits::default()).unwrap();
        assert_eq!(key.identity().certificate().subject().to_string(), "CN=Java");
        assert!(matches!(Pfx::open(&store, &password("Secret"), &Limits::default()), Err(Error::Secret(_))));

        // A second key: now a name must be given.
        let index = arguments.iter().position(|a| *a == "ký").unwrap();
        arguments[index] = "second";
        run("keytool", dir.path(), &arguments, "secret").unwrap();
        let store = fs::read(dir.path().join(&name)).unwrap();
        let error = SoftKey::from_pkcs12(&store, &password("secret"), &Limits::default()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Error::Misuse(_)) && text.contains("\"ký\"") && text.contains("\"second\""), "{text}");
        let named = |name| SoftKey::from_pkcs12_named(&store, &password("secret"), name, &Limits::default());
        let first = named("ký").unwrap();
        assert_eq!(first.identity().certificate(), key.identity().certificate());
        assert_eq!(first.identity().chain(), std::slice::from_ref(named("second").unwrap().identity().certificate()));
        let error = named("third").unwrap_err().to_string();
        assert!(error.contains("\"third\"") && error.contains("\"second\""), "{error}");

        // What OpenSSL wrote, rewritten by Java.
        let Some(made) = RSA.export("secret", &[]) else { return };
        fs::write(dir.path().join("in.p12"), made).unwrap();
        let out = format!("imported{n}.p12");
        let mut arguments = vec!["-importkeystore", "-srckeystore", "in.p12", "-destkeystore", &out];
        arguments.extend(["-srcstorepass:env", "SECRET", "-deststorepass:env", "SECRET", "-deststoretype", "PKCS12"]);
        arguments.extend(legacy);
        run("keytool", dir.path(), &arguments, "secret").unwrap();
        RSA.check(&fs::read(dir.path().join(&out)).unwrap(), "secret", "imported");
    }
}

/// The safe and the MacData of a PFX.
fn unmade(store: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let parts = der::children(der::split(store).1);
    let info = der::children(der::split(parts[1]).1);
    let octets = der::split(info[1]).1;
    (der::split(octets).1.to_vec(), parts[2].to_vec())
}

fn remade(safe: &[u8], mac: &[u8]) -> Vec<u8> {
    der::seq(&[&der::int(3), &content_info(&der::octets(safe)), mac])
}

fn content_info(content: &[u8]) -> Vec<u8> {
    der::seq(&[&der::oid("1.2.840.113549.1.7.1"), &der::explicit(0, content)])
}

/// A store without MAC of bags that are not encrypted.
fn plain(bags: &[Vec<u8>]) -> Vec<u8> {
    remade(&der::seq(&[&content_info(&der::octets(&der::tlv(0x30, &bags.concat())))]), &[])
}

fn bag(n: u8, value: &[u8], name: Option<&str>, id: Option<&[u8]>) -> Vec<u8> {
    let attribute =
        |n: u8, value: Vec<u8>| der::seq(&[&der::oid(&format!("1.2.840.113549.1.9.{n}")), &der::set(vec![value])]);
    let name =
        name.map(|n| attribute(20, der::tlv(0x1E, &n.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>())));
    let id = id.map(|id| attribute(21, der::octets(id)));
    let attributes: Vec<Vec<u8>> = name.into_iter().chain(id).collect();
    let attributes = if attributes.is_empty() { Vec::new() } else { der::set(attributes) };
    der::seq(&[&der::oid(&format!("1.2.840.113549.1.12.10.1.{n}")), &der::explicit(0, value), &attributes])
}

fn key_bag(key: &PrivateKey, name: Option<&str>, id: Option<&[u8]>) -> Vec<u8> {
    bag(1, &key.to_pkcs8_der().unwrap(), name, id)
}

fn certificate_bag(certificate: &Certificate, id: Option<&[u8]>) -> Vec<u8> {
    let value = der::seq(&[&der::oid("1.2.840.113549.1.9.22.1"), &der::explicit(0, &der::octets(certificate.der()))]);
    bag(3, &value, None, id)
}

fn open(store: &[u8]) -> Result<SoftKey, Error> {
    SoftKey::from_pkcs12(store, &password("secret"), &Limits::default())
}

#[test]
fn the_certificate_is_the_one_for_the_key() {
    let root = Authority::root(Template::ca(&[(ca::CN, "Root")], None), KeySpec::P256);
    let [one, other] = [KeySpec::P256, KeySpec::P256].map(|spec| PrivateKey::generate(spec).unwrap());
    let certify = |key: &PrivateKey, name| root.certify(&Template::new(&[(ca::CN, name)]), key);
    let (old, new, foreign) = (certify(&one, "old"), certify(&one, "new"), certify(&other, "other"));
    let key = |id| key_bag(&one, Some("🔑"), id);

    // A localKeyId that points to a certificate for another key does not count.
    let signer = open(&plain(&[
        certificate_bag(&foreign, Some(b"1")),
        certificate_bag(&old, None),
        key(Some(b"1")),
        certificate_bag(&old, None),
        certificate_bag(&root.certificate, None),
    ]));
    let signer = signer.unwrap();
    assert_eq!(signer.identity().certificate(), &old);
    assert_eq!(signer.identity().chain(), [foreign.clone(), root.certificate.clone()]);

    // After a renewal it decides, and where it says nothing, nothing is guessed.
    let renewed =
        |id: Option<&[u8]>| plain(&[key(Some(b"7")), certificate_bag(&old, Some(b"6")), certificate_bag(&new, id)]);
    assert_eq!(open(&renewed(Some(b"7"))).unwrap().identity().certificate(), &new);
    let error = open(&renewed(None)).unwrap_err();
    assert!(matches!(error, Error::Misuse(_)) && error.to_string().starts_with("2 certificates"), "{error}");

    let none = open(&plain(&[key(None), certificate_bag(&foreign, None)])).unwrap_err();
    assert!(matches!(none, Error::Misuse(_)) && none.to_string().contains("no certificate"), "{none}");
    let none = open(&plain(&[certificate_bag(&old, None)])).unwrap_err();
    assert!(matches!(none, Error::Misuse(_)) && none.to_string().contains("no private key"), "{none}");
    let two = open(&plain(&[key(None), key_bag(&other, None, None), certificate_bag(&old, None)])).unwrap_err();
    assert!(matches!(two, Error::Misuse(_)), "{two}");
    assert!(two.to_string().contains("\"🔑\", a key without name"), "{two}");
}

#[test]
fn bags_nest_within_the_limit_and_strange_ones_are_passed_over() {
    let files = &*RSA;
    let nest = |times: usize| {
        let mut bags = [key_bag(&files.key, None, None), certificate_bag(&files.certificate, None)].concat();
        for _ in 0..times {
            bags = bag(6, &der::tlv(0x30, &bags), None, None);
        }
        let crl = bag(4, &der::seq(&[]), None, None);
        let secret = bag(5, &der::seq(&[]), Some("secret"), None);
        plain(&[crl, secret, bag(9, &der::null(), None, None), bags])
    };
    for times in [0, 1, 5] {
        assert_eq!(open(&nest(times)).unwrap().identity().certificate(), &files.certificate);
    }
    for times in [40, 3_000] {
        assert!(matches!(open(&nest(times)), Err(Error::LimitExceeded(_))), "{times}");
    }
}

/// Octets that OpenSSL before 1.1.0 widened one by one, and octets that are no UTF-8.
#[test]
fn older_readings_of_a_password_open_too() {
    let options = ["-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES", "-macalg", "sha1"];
    let Some(store) = RSA.export("mÃ£", &options) else { return };
    assert!(open_with(&store, &password("mã")).is_ok());
    let Some(store) = RSA.export("é", &options) else { return };
    assert!(open_with(&store, &Password::from_octets([0xE9])).is_ok());
    assert!(open_with(&store, &Password::from_octets([0xE8])).is_err());
}

fn open_with(store: &[u8], password: &Password) -> Result<SoftKey, Error> {
    SoftKey::from_pkcs12(store, password, &Limits::default())
}

/// The MAC is over octets of the file, whatever their form is.
#[test]
fn stores_in_ber_open() {
    let Some(store) = RSA.export("secret", &[]) else { return };
    let (safe, mac) = unmade(&store);
    let halves = safe.split_at(safe.len() / 3);
    let end: &[u8] = &[0, 0];
    let octets = [&[0x24, 0x80][..], &der::octets(halves.0), &der::octets(halves.1), end].concat();
    let id = der::oid("1.2.840.113549.1.7.1");
    let info = [&[0x30, 0x80][..], &id, &[0xA0, 0x80], &octets, end, end].concat();
    let ber = [&[0x30, 0x80][..], &der::int(3), &info, &mac, end].concat();
    RSA.check(&ber, "secret", "BER");
}

/// PBMAC1 of RFC 9579, with one round so that PBKDF2 is one HMAC.
#[test]
fn a_mac_by_pbmac1_is_checked() {
    use hmac::KeyInit as _;
    use hmac::Mac as _;
    let Some(store) = RSA.export("secret", &[]) else { return };
    let (safe, _) = unmade(&store);
    let hmac = |key: &[u8], octets: &[u8]| {
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
        mac.update(octets);
        mac.finalize().into_bytes().to_vec()
    };
    let hmac_sha256 = der::seq(&[&der::oid("1.2.840.113549.2.9"), &der::null()]);
    let made = |secret: &str, length: &[u8]| {
        let mac = hmac(&hmac(secret.as_bytes(), b"salt\0\0\0\x01"), &safe);
        let kdf = der::seq(&[&der::octets(b"salt"), &der::int(1), length, &hmac_sha256]);
        let kdf = der::seq(&[&der::oid("1.2.840.113549.1.5.12"), &kdf]);
        let algorithm = der::seq(&[&der::oid("1.2.840.113549.1.5.14"), &der::seq(&[&kdf, &hmac_sha256])]);
        let info = der::seq(&[&algorithm, &der::octets(&mac)]);
        remade(&safe, &der::seq(&[&info, &der::octets(b"NOT USED"), &der::int(1)]))
    };
    RSA.check(&made("secret", &der::int(32)), "secret", "PBMAC1");
    assert!(matches!(open(&made("other", &der::int(32))), Err(Error::Secret(SecretError::Wrong { .. }))));
    assert!(matches!(open(&made("secret", &[])), Err(Error::Malformed(_))));
    assert!(matches!(open(&made("secret", &der::int(0))), Err(Error::Malformed(_))));
}

#[test]
fn a_store_without_mac_says_so() {
    let Some(store) = RSA.export("secret", &["-nomac"]) else { return };
    let pfx = Pfx::open(&store, &password("secret"), &Limits::default()).unwrap();
    assert!(!pfx.is_authenticated());
    assert_eq!(pfx.keys().len(), 1);
    assert!(matches!(open_with(&store, &password("wrong")), Err(Error::Secret(SecretError::Wrong { .. }))));
    let options = ["-nomac", "-certpbe", "PBE-SHA1-3DES", "-keypbe", "PBE-SHA1-3DES"];
    let Some(store) = RSA.export("", &options) else { return };
    assert!(open_with(&store, &password("")).is_ok());
}

#[test]
fn rounds_without_end_are_refused() {
    let algorithm =
        |n: &[u8]| der::seq(&[&der::oid("1.2.840.113549.1.12.1.3"), &der::seq(&[&der::octets(b"saltsalt"), n])]);
    let shrouded = |n: &[u8]| plain(&[bag(2, &der::seq(&[&algorithm(n), &der::octets(&[0; 64])]), None, None)]);
    let mac = |n: &[u8]| {
        let info = der::seq(&[&der::seq(&[&der::oid("1.3.14.3.2.26")]), &der::octets(&[0; 20])]);
        remade(&der::seq(&[]), &der::seq(&[&info, &der::octets(b"saltsalt"), n]))
    };
    let pbes2 = |n: &[u8]| {
        let kdf = der::seq(&[&der::oid("1.2.840.113549.1.5.12"), &der::seq(&[&der::octets(b"saltsalt"), n])]);
        let scheme = der::seq(&[&der::oid("2.16.840.1.101.3.4.1.42"), &der::octets(&[0; 16])]);
        let algorithm = der::seq(&[&der::oid("1.2.840.113549.1.5.13"), &der::seq(&[&kdf, &scheme])]);
        plain(&[bag(2, &der::seq(&[&algorithm, &der::octets(&[0; 64])]), None, None)])
    };
    for make in [&shrouded as &dyn Fn(&[u8]) -> Vec<u8>, &mac, &pbes2] {
        for n in [10_000_001, 1 << 31, u64::from(u32::MAX), 1 << 40] {
            let error = open(&make(&der::int(n))).unwrap_err();
            assert!(matches!(error, Error::LimitExceeded(_)), "{n}: {error}");
        }
        for bad in [der::int(0), der::tlv(0x02, &[0xFF]), der::tlv(0x02, &[0x80, 0, 0, 0, 0, 0]), der::tlv(0x02, &[])] {
            assert!(matches!(open(&make(&bad)), Err(Error::Malformed(_))));
        }
    }
    // The limit is on all parts together: here a MAC and two encrypted parts of 2048 rounds each.
    let Some(store) = RSA.export("secret", &["-iter", "2048"]) else { return };
    let mut limits = Limits::default();
    for (allowed, opens) in [(3 * 2048 - 1, false), (3 * 2048, true)] {
        limits.password_rounds = allowed;
        let outcome = Pfx::open(&store, &password("secret"), &limits);
        assert_eq!(outcome.is_ok(), opens, "{allowed}");
        assert!(opens || matches!(outcome, Err(Error::LimitExceeded(_))));
    }
}

#[test]
fn no_altered_or_cut_store_gives_another_key() {
    let files = Files::new(KeySpec::P256);
    let Some(store) = files.export("secret", &["-iter", "1", "-nomaciter"]) else { return };
    for cut in 0..store.len() {
        assert!(open(&store[..cut]).is_err(), "{cut}");
    }
    assert!(matches!(open(&[&store[..], b"\0"].concat()), Err(Error::Malformed(_))));
    let mut refused = 0;
    for at in 0..store.len() {
        for bit in [0x01, 0x08, 0x80] {
            let mut altered = store.clone();
            altered[at] ^= bit;
            match Pfx::open(&altered, &password("secret"), &Limits::default()) {
                Err(_) => refused += 1,
                // Nothing but parameters that mean nothing can be another.
                Ok(pfx) => {
                    assert!(pfx.is_authenticated(), "{at}");
                    assert_eq!(pfx.keys()[0].private_key().unwrap().public_key(), files.key.public_key(), "{at}");
                    assert_eq!(pfx.certificates()[0].certificate(), &files.certificate, "{at}");
                }
            }
        }
    }
    assert!(refused > 3 * store.len() - 20, "{refused} of {}", 3 * store.len());
}

/// Stores of other projects, with the passwords that their tests use.
const KNOWN: &[(&str, &str)] = &[
    ("gnutls-3.7.9/cert-tests/aes-128.p12", "Red Hat Enterprise Linux 7.4"),
    ("gnutls-3.7.9/cert-tests/cert-with-crl.p12", "password"),
    ("gnutls-3.7.9/cert-tests/no-salt.p12", "Red Hat Enterprise Linux 7.4"),
    ("gnutls-3.7.9/cert-tests/pkcs12_2certs.p12", ""),
    ("gnutls-3.7.9/cert-tests/pkcs12_5certs.p12", "1234"),
    ("gnutls-3.7.9/cert-tests/sha256.p12", "1234"),
    ("gnutls-3.7.9/cert-tests/test-null.p12", ""),
    ("gnutls-3.7.9/cert-tests/unclient.p12", ""),
    ("cryptography_vectors-50.0.2/pkcs12/cert-key-aes256cbc.p12", "cryptography"),
    ("cryptography_vectors-50.0.2/pkcs12/cert-rc2-key-3des.p12", "cryptography"),
    ("cryptography_vectors-50.0.2/pkcs12/name-1-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/name-2-3-no-pwd.p12", ""),
    ("cryptography_vectors-50.0.2/pkcs12/name-2-3-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/name-2-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/name-3-no-pwd.p12", ""),
    ("cryptography_vectors-50.0.2/pkcs12/name-all-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/no-cert-key-aes256cbc.p12", "cryptography"),
    ("cryptography_vectors-50.0.2/pkcs12/no-cert-name-2-no-pwd.p12", ""),
    ("cryptography_vectors-50.0.2/pkcs12/no-cert-name-2-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/no-cert-name-3-no-pwd.p12", ""),
    ("cryptography_vectors-50.0.2/pkcs12/no-cert-name-3-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/no-cert-name-all-pwd.p12", "password"),
    ("cryptography_vectors-50.0.2/pkcs12/no-name-no-pwd.p12", ""),
];

#[test]
fn stores_of_the_corpus_open_or_fail_with_words() {
    let Some(folder) = corpus::corpus().map(|c| c.join("pkix/formats")) else { return };
    let mut exceptions = Exceptions::load("pkcs12");
    for (id, secret) in KNOWN {
        let store = fs::read(folder.join(id)).unwrap();
        let outcome = Pfx::open(&store, &password(secret), &Limits::default());
        let actual = outcome.as_ref().map_or_else(ToString::to_string, |pfx| {
            format!("{} keys, {} certificates", pfx.keys().len(), pfx.certificates().len())
        });
        let full = outcome.as_ref().is_ok_and(|pfx| !pfx.keys().is_empty() || !pfx.certificates().is_empty());
        exceptions.record(id, full, &actual);
        if let Ok(pfx) = outcome {
            for key in pfx.keys() {
                let (_, _) = (key.private_key().map(|_| ()), key.friendly_name());
            }
        }
        let wrong = Pfx::open(&store, &password("no password of theirs"), &Limits::default());
        assert!(wrong.is_err() || !wrong.unwrap().is_authenticated(), "{id}");
    }
    exceptions.finish(KNOWN.len());
    // Algorithms that nobody should use, and passwords that we do not know.
    let open = |id: &str| {
        let store = fs::read(folder.join("gnutls-3.7.9/cert-tests").join(id)).unwrap();
        Pfx::open(&store, &password(""), &Limits::default()).unwrap_err()
    };
    for id in ["gost01.p12", "mem-leak.p12"] {
        assert!(matches!(open(id), Error::Unsupported(_)), "{id}");
    }
    for id in ["key-corpus-rc2-1.p12", "key-corpus-rc2-3.p12", "key-utf8-1.p12", "key-utf8-2.p12", "pbes1-no-salt.p12"]
    {
        assert!(matches!(open(id), Error::Secret(_)), "{id}");
    }
}
