//! Keys and algorithms at their limits: RSA moduli and exponents, brainpool
//! keys as OpenSSL writes them, ML-DSA in certificates and CMS.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;

use std::process::Command;

use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::Curve;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::KeyType;
use kyso::crypto::Message;
use kyso::crypto::MlDsa;
use kyso::crypto::PrivateKey;
use kyso::crypto::PublicKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::crypto::VerifyError;
use kyso::key::SignatureValue;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::ToBeSigned;
use kyso::secret::Password;
use kyso::sign::cades::CadesRequest;
use kyso::trust::TrustAnchors;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Validator;
use kyso::x509::Certificate;
use ml_dsa::signature::Keypair;
use ml_dsa::signature::SignatureEncoding;
use ml_dsa::signature::Signer;

fn backends() -> Vec<Backend> {
    vec![
        Backend::rust_crypto(),
        #[cfg(feature = "aws-lc-rs")]
        Backend::aws_lc_rs(),
    ]
}

fn rsa_key(modulus: &[u8], exponent: &[u8]) -> PublicKey {
    let numbers = der::seq(&[&der::tlv(0x02, modulus), &der::tlv(0x02, exponent)]);
    let algorithm = der::seq(&[&der::oid("1.2.840.113549.1.1.1"), &der::null()]);
    PublicKey::from_spki(&der::seq(&[&algorithm, &der::bits(&numbers)])).unwrap()
}

/// A signature value of 2 or more is never right under such keys, so that what
/// is computed with at all shows by the error.
fn attempt(key: &PublicKey, octets: usize, backend: Backend) -> VerifyError {
    let algorithm = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);
    let mut value = vec![0; octets];
    value[octets - 1] = 2;
    backend.verify(key, &algorithm, Message::Octets(b""), &value).unwrap_err()
}

#[test]
fn rsa_keys_are_computed_with_from_1024_to_8192_bits_and_under_short_odd_exponents() {
    let modulus = |bits: usize| {
        let mut n = vec![0xFF; bits / 8];
        n.insert(0, 0);
        n
    };
    let short = [1, 0, 1];
    for backend in backends() {
        for (bits, right) in [(512, false), (1016, false), (1024, true), (8192, true), (8200, false), (16384, false)] {
            let key = rsa_key(&modulus(bits), &short);
            assert_eq!(key.key_type(), KeyType::Rsa { bits });
            let expected = if right { VerifyError::Mismatch } else { VerifyError::Unsupported };
            assert_eq!(attempt(&key, bits / 8, backend), expected, "{bits}");
        }
        let exponents: [(&[u8], bool); 8] = [
            (&[3], true),
            (&[1, 0, 1], true),
            (&[1, 0, 0, 0, 1], true),                       // 33 bits
            (&[1, 0xFF, 0xFF, 0xFF, 0xFF], true),           // the greatest of 33 bits
            (&[2, 0, 0, 0, 1], false),                      // 34 bits
            (&[1], false),                                  // the message is its own signature
            (&[4], false),                                  // even
            (&[&[0; 1][..], &[0xFF; 256]].concat(), false), // as long as the modulus
        ];
        for (exponent, right) in exponents {
            let key = rsa_key(&modulus(2048), exponent);
            let expected = if right { VerifyError::Mismatch } else { VerifyError::Unsupported };
            assert_eq!(attempt(&key, 256, backend), expected, "{exponent:02x?}");
        }
        let mut even = modulus(2048);
        even[256] = 0xFE;
        assert_eq!(attempt(&rsa_key(&even, &short), 256, backend), VerifyError::Unsupported);
    }
}

/// The key formats before PKCS#8 name the curve inside; two of one size must not be taken for each other.
#[test]
fn brainpool_keys_of_openssl_are_read_in_both_forms() {
    let openssl = |arguments: &[&str], input: &[u8]| {
        use std::io::Write;
        use std::process::Stdio;
        let piped = Command::new("openssl").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = piped else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl not found");
            return None;
        };
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        Some(output.stdout)
    };
    let curves = [
        ("prime256v1", Curve::P256),
        ("secp384r1", Curve::P384),
        ("secp521r1", Curve::P521),
        ("brainpoolP256r1", Curve::BrainpoolP256r1),
        ("brainpoolP384r1", Curve::BrainpoolP384r1),
    ];
    for (name, curve) in curves {
        let Some(sec1) = openssl(&["ecparam", "-name", name, "-genkey", "-noout"], b"") else {
            eprintln!("openssl not found: skipped");
            return;
        };
        let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt"], &sec1).unwrap();
        let public = openssl(&["pkey", "-pubout", "-outform", "DER"], &sec1).unwrap();
        for file in [&sec1, &pkcs8] {
            let key = PrivateKey::from_file(file, None).unwrap();
            assert_eq!(key.public_key().key_type(), KeyType::Ec(curve));
            assert_eq!(key.public_key().spki(), public);
            let algorithm = key.default_algorithm();
            let value = key.sign(&algorithm, Message::Octets(b"ky so")).unwrap();
            for backend in backends() {
                let verify = |m: &[u8]| backend.verify(key.public_key(), &algorithm, Message::Octets(m), &value);
                assert_eq!((verify(b"ky so"), verify(b"ky sO")), (Ok(()), Err(VerifyError::Mismatch)));
            }
        }
    }
}

macro_rules! ml_dsa_keys {
    ($($name:ident: $set:ident),*) => {
        enum Secret { $($name(ml_dsa::SigningKey<ml_dsa::$name>),)* }

        impl Secret {
            fn new(set: MlDsa, seed: u8) -> Self {
                match set { $(MlDsa::$set => Self::$name(ml_dsa::SigningKey::from_seed(&[seed; 32].into())),)* }
            }

            fn spki(&self) -> Vec<u8> {
                match self {
                    $(Self::$name(k) => der::seq(&[
                        &SignatureAlgorithm::MlDsa(MlDsa::$set).to_der(),
                        &der::bits(&k.verifying_key().encode()),
                    ]),)*
                }
            }

            fn sign(&self, octets: &[u8]) -> Vec<u8> {
                match self { $(Self::$name(k) => k.sign(octets).to_vec(),)* }
            }
        }
    };
}

ml_dsa_keys!(MlDsa44: Set44, MlDsa65: Set65, MlDsa87: Set87);

const SETS: [MlDsa; 3] = [MlDsa::Set44, MlDsa::Set65, MlDsa::Set87];

/// A certificate by hand: the CA of the other tests has no such keys.
fn certificate(set: MlDsa, subject: &str, spki: &[u8], ca: bool, issuer: &Secret) -> Certificate {
    let basic = ca::extension("2.5.29.19", true, &der::seq(&[&der::boolean(true)]));
    let usage = if ca { [2, 0x04] } else { [6, 0xC0] };
    let usage = ca::extension("2.5.29.15", true, &der::tlv(0x03, &usage));
    let extensions = if ca { der::seq(&[&basic, &usage]) } else { der::seq(&[&usage]) };
    let algorithm = SignatureAlgorithm::MlDsa(set).to_der();
    let tbs = der::seq(&[
        &der::explicit(0, &der::int(2)),
        &der::int(if ca { 1 } else { 2 }),
        &algorithm,
        &ca::name(&[(ca::CN, "Root")]),
        &der::seq(&[&der::time(ca::at("2026-01-01T00:00:00Z")), &der::time(ca::at("2030-01-01T00:00:00Z"))]),
        &ca::name(&[(ca::CN, subject)]),
        spki,
        &der::explicit(3, &extensions),
    ]);
    Certificate::from_der(&der::seq(&[&tbs, &algorithm, &der::bits(&issuer.sign(&tbs))])).unwrap()
}

/// A key outside of the crate, as a device or a service would be.
struct Remote {
    secret: Secret,
    identity: SignerIdentity,
    set: MlDsa,
}

impl SigningKey for Remote {
    fn identity(&self) -> &SignerIdentity {
        &self.identity
    }

    fn default_algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::MlDsa(self.set)
    }

    fn sign(&self, message: &ToBeSigned) -> Result<SignatureValue, Error> {
        Ok(SignatureValue::new(self.secret.sign(message.octets())))
    }
}

#[test]
fn ml_dsa_signs_certificates_and_cms_and_the_policy_takes_categories_3_and_5() {
    let now = ca::at("2026-11-23T01:00:00Z");
    for set in SETS {
        let (root_key, secret) = (Secret::new(set, 1), Secret::new(set, 2));
        let root = certificate(set, "Root", &root_key.spki(), true, &root_key);
        let leaf = certificate(set, "Nguyễn Văn A", &secret.spki(), false, &root_key);
        assert_eq!(leaf.public_key().key_type(), KeyType::MlDsa(set));
        let key = Remote { secret, identity: SignerIdentity::new(leaf, Vec::new()), set };
        let signed = CadesRequest::new(b"ky so", now).sign(&key).unwrap();
        let cms = SignedData::from_octets(signed.octets(), &Limits::default()).unwrap();
        // Of SHA-512 alone RFC 9882 says that every verifier has it.
        assert_eq!(cms.signers()[0].digest_algorithm().unwrap(), DigestAlgorithm::Sha512);

        let anchors = TrustAnchors::from_file("Root", root.der()).unwrap();
        let policy = Policy::etsi().with_ml_dsa().without_revocation();
        let report = Validator::new(&policy, &anchors, now).cms(&cms, None);
        let passed = report.overall() == Overall::TotalPassed;
        assert_eq!(passed, set != MlDsa::Set44, "{set:?}: {:?}", report.signatures()[0].indication());
        assert_eq!(report.signatures()[0].algorithm(), Some(set.name()));

        let mut broken = signed.octets().to_vec();
        let last = broken.len() - 1;
        broken[last] ^= 1;
        let broken = SignedData::from_octets(&broken, &Limits::default()).unwrap();
        let report = Validator::new(&policy, &anchors, now).cms(&broken, None);
        assert_eq!(report.overall(), Overall::TotalFailed);
    }
}

#[test]
fn ml_dsa_verifies_for_its_own_set_and_message_alone() {
    for set in SETS {
        let secret = Secret::new(set, 7);
        let key = PublicKey::from_spki(&secret.spki()).unwrap();
        let value = secret.sign(b"ky so");
        assert_eq!(value.len(), set.signature_len());
        let digest = DigestAlgorithm::Sha512.digest(b"ky so");
        for backend in backends() {
            let verify = |named, message: Message<'_>, value: &[u8]| {
                backend.verify(&key, &SignatureAlgorithm::MlDsa(named), message, value)
            };
            assert_eq!(verify(set, Message::Octets(b"ky so"), &value), Ok(()));
            assert_eq!(verify(set, Message::Octets(b"ky sO"), &value), Err(VerifyError::Mismatch));
            assert_eq!(verify(set, Message::Octets(b"ky so"), &value[1..]), Err(VerifyError::Mismatch));
            assert_eq!(verify(set, Message::Digest(&digest), &value), Err(VerifyError::Unsupported));
            for other in SETS.into_iter().filter(|s| *s != set) {
                assert_eq!(verify(other, Message::Octets(b"ky so"), &value), Err(VerifyError::WrongKey));
            }
        }
    }
}

/// Written keys are read by others; encrypted ones that ask for absurd work are not even tried.
#[test]
fn key_files_are_read_by_openssl_and_bounded_here() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.der");
    for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P521, KeySpec::BrainpoolP256r1, KeySpec::Ed25519] {
        let key = PrivateKey::generate(spec).unwrap();
        std::fs::write(&path, key.to_pkcs8_der().unwrap()).unwrap();
        let run = Command::new("openssl").args(["pkey", "-inform", "DER", "-noout", "-in"]).arg(&path).output();
        let Ok(run) = run else {
            assert!(std::env::var_os("KYSO_PEERS_REQUIRED").is_none(), "openssl is not there");
            return eprintln!("openssl not found: skipped");
        };
        assert!(run.status.success(), "{spec:?}: {}", String::from_utf8_lossy(&run.stderr));
    }
    let encrypted = folder.path().join("encrypted.der");
    let arguments = ["pkcs8", "-topk8", "-inform", "DER", "-outform", "DER", "-iter", "12345", "-passout", "pass:x"];
    let run = Command::new("openssl").args(arguments).arg("-in").arg(&path).arg("-out").arg(&encrypted).output();
    assert!(run.unwrap().status.success());
    let mut der = std::fs::read(&encrypted).unwrap();
    assert!(PrivateKey::from_der(&der, Some(&Password::new("x"))).is_ok());
    // The count, 12345, becomes 28473 with the highest octet of a longer INTEGER; made longer it is beyond the limit.
    let at = der.windows(4).position(|w| w == [0x02, 0x02, 0x30, 0x39]).unwrap();
    der.splice(at..at + 4, [0x02, 0x04, 0x05, 0xF5, 0xE0, 0xFF]);
    // Each length around it grows by two.
    let grown = longer(&der, at, 2);
    let error = PrivateKey::from_der(&grown, Some(&Password::new("x"))).unwrap_err();
    assert!(matches!(error, Error::LimitExceeded(_)), "{error}");
}

/// The DER with every length around `at` made greater by `more`; all of them are short or of one octet.
fn longer(der: &[u8], at: usize, more: u8) -> Vec<u8> {
    let mut out = der.to_vec();
    let mut start = 0;
    while start < at {
        let (head, length) = match out[start + 1] {
            0x81 => (3, usize::from(out[start + 2])),
            short => (2, usize::from(short)),
        };
        if start + head + length <= at {
            start += head + length;
            continue;
        }
        let place = if head == 3 { start + 2 } else { start + 1 };
        out[place] += more;
        start += head;
    }
    out
}
