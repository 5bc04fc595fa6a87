//! Both backends give one answer: on keys and signatures that are right, on
//! those that were changed at random, and on those that others take differently.
#![cfg(feature = "aws-lc-rs")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/der.rs"]
mod der;

use std::sync::OnceLock;

use aws_lc_rs::signature::KeyPair;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message;
use kyso::crypto::PrivateKey;
use kyso::crypto::PssParameters;
use kyso::crypto::PublicKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::crypto::VerifyError;
use proptest::prelude::*;
use rsa::pkcs8::EncodePrivateKey;

const MESSAGE: &[u8] = "Quyết định số 01/QĐ-UBND".as_bytes();

const DIGESTS: [DigestAlgorithm; 12] = [
    DigestAlgorithm::Md5,
    DigestAlgorithm::Sha1,
    DigestAlgorithm::Sha224,
    DigestAlgorithm::Sha256,
    DigestAlgorithm::Sha384,
    DigestAlgorithm::Sha512,
    DigestAlgorithm::Sha512_224,
    DigestAlgorithm::Sha512_256,
    DigestAlgorithm::Sha3_224,
    DigestAlgorithm::Sha3_256,
    DigestAlgorithm::Sha3_384,
    DigestAlgorithm::Sha3_512,
];

/// A signature that verifies, with what it verifies by.
struct Case {
    algorithm: SignatureAlgorithm,
    spki: Vec<u8>,
    value: Vec<u8>,
}

fn rsa(bits: usize) -> PrivateKey {
    let key = rsa::PrivateKey::new(&mut getrandom::SysRng, bits).unwrap();
    PrivateKey::from_der(key.to_pkcs8_der().unwrap().as_bytes(), None).unwrap()
}

/// Keys of every kind, with every algorithm that can be signed with: the moduli
/// too short for a row of their own, and one of 8k+1 bits, where RSASSA-PSS has an octet to spare.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let pss = |digest| SignatureAlgorithm::RsaPss(PssParameters::new(digest));
        let mut of_rsa: Vec<_> = DIGESTS.map(SignatureAlgorithm::RsaPkcs1v15).to_vec();
        of_rsa.extend([DigestAlgorithm::Sha256, DigestAlgorithm::Sha384].map(pss));
        for salt in [0, 20, 33] {
            let digest = DigestAlgorithm::Sha256;
            of_rsa.push(SignatureAlgorithm::RsaPss(PssParameters::with(digest, digest, salt)));
        }
        let mut keys: Vec<_> = [1024, 1032, 2048, 2049, 3072].map(|bits| (rsa(bits), of_rsa.clone())).into();
        keys[3].1.push(pss(DigestAlgorithm::Sha512));
        let of_ec = DIGESTS.map(SignatureAlgorithm::Ecdsa).to_vec();
        for spec in [KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::BrainpoolP256r1] {
            keys.push((PrivateKey::generate(spec).unwrap(), of_ec.clone()));
        }
        keys.push((PrivateKey::generate(KeySpec::Ed25519).unwrap(), vec![SignatureAlgorithm::Ed25519]));
        let mut all = Vec::new();
        for (key, algorithms) in keys {
            for algorithm in algorithms {
                let value = key.sign(&algorithm, Message::Octets(MESSAGE)).unwrap();
                all.push(Case { algorithm, spki: key.public_key().spki().to_vec(), value });
            }
        }
        all
    })
}

/// What both backends say, which must be one thing.
fn verify(
    spki: &[u8],
    algorithm: &SignatureAlgorithm,
    message: &[u8],
    value: &[u8],
) -> Option<Result<(), VerifyError>> {
    let answer = |backend: Backend| {
        // Each with a key of its own: what one has decoded is no help to the other.
        let key = PublicKey::from_spki(spki).ok()?;
        let answer = backend.verify(&key, algorithm, Message::Octets(message), value);
        if let Some(digest) = algorithm.digest() {
            let digest = digest.digest(message);
            assert_eq!(backend.verify(&key, algorithm, Message::Digest(&digest), value), answer);
        }
        Some(answer)
    };
    let answers = (answer(Backend::rust_crypto()), answer(Backend::aws_lc_rs()));
    assert_eq!(answers.0, answers.1, "{algorithm:?}\nkey {spki:02x?}\nvalue {value:02x?}");
    answers.0
}

#[test]
fn what_is_right_verifies_by_both_and_under_no_other_algorithm() {
    for case in cases() {
        assert_eq!(verify(&case.spki, &case.algorithm, MESSAGE, &case.value), Some(Ok(())), "{:?}", case.algorithm);
        assert_eq!(verify(&case.spki, &case.algorithm, &MESSAGE[1..], &case.value), Some(Err(VerifyError::Mismatch)));
        for other in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha3_256] {
            let others = [
                SignatureAlgorithm::RsaPkcs1v15(other),
                SignatureAlgorithm::RsaPss(PssParameters::new(other)),
                SignatureAlgorithm::Ecdsa(other),
            ];
            for algorithm in others.into_iter().filter(|a| *a != case.algorithm) {
                assert_ne!(verify(&case.spki, &algorithm, MESSAGE, &case.value), Some(Ok(())));
            }
        }
    }
}

#[test]
fn signatures_of_one_verify_by_the_other() {
    let (slow, fast) = (Backend::rust_crypto(), Backend::aws_lc_rs());
    let mut keys: Vec<_> = [KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::BrainpoolP384r1, KeySpec::Ed25519]
        .map(|spec| PrivateKey::generate(spec).unwrap())
        .into();
    keys.extend([1024, 2048].map(rsa));
    for key in keys {
        let mut algorithms = vec![key.default_algorithm(), SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha3_256)];
        let one = DigestAlgorithm::Sha384;
        algorithms.extend([SignatureAlgorithm::RsaPss(PssParameters::new(one)), SignatureAlgorithm::RsaPkcs1v15(one)]);
        algorithms.push(SignatureAlgorithm::RsaPss(PssParameters::with(one, one, 20)));
        for algorithm in algorithms {
            let made = [slow, fast].map(|b| b.sign(&key, &algorithm, Message::Octets(MESSAGE)));
            let [Ok(one), Ok(other)] = &made else {
                assert!(made.iter().all(Result::is_err), "{algorithm:?}: one backend signs, the other does not");
                continue;
            };
            for value in [one, other] {
                assert_eq!(verify(key.public_key().spki(), &algorithm, MESSAGE, value), Some(Ok(())));
            }
            let random = matches!(algorithm, SignatureAlgorithm::RsaPss(_) | SignatureAlgorithm::Ecdsa(_));
            assert!(random || one == other, "{algorithm:?} leaves nothing to chance");
            if let Some(digest) = algorithm.digest() {
                let digest = digest.digest(MESSAGE);
                let value = fast.sign(&key, &algorithm, Message::Digest(&digest)).unwrap();
                assert_eq!(verify(key.public_key().spki(), &algorithm, MESSAGE, &value), Some(Ok(())));
            }
        }
    }
}

#[test]
fn digests_are_the_same() {
    let octets: Vec<u8> = (0..1000u32).map(|n| n.to_le_bytes()[0]).collect();
    for algorithm in DIGESTS {
        for len in [0, 1, 111, 128, 1000] {
            let expected = algorithm.digest(&octets[..len]);
            assert_eq!(Backend::aws_lc_rs().digest(algorithm, &octets[..len]), expected);
            let mut running = Backend::aws_lc_rs().digester(algorithm);
            octets[..len].chunks(37).for_each(|part| running.update(part));
            assert_eq!((running.algorithm(), running.clone().finish()), (algorithm, expected));
        }
    }
}

/// Numbers of an ECDSA signature in forms that some readers let through.
#[test]
fn ecdsa_values_have_one_form() {
    for case in cases().iter().filter(|c| matches!(c.algorithm, SignatureAlgorithm::Ecdsa(_))) {
        let (_, content, _, _) = der::split(&case.value);
        let parts: Vec<Vec<u8>> = der::children(content).iter().map(|p| der::split(p).1.to_vec()).collect();
        let [r, s] = parts.as_slice() else { panic!("two numbers") };
        let int = |content: &[u8]| der::tlv(0x02, content);
        let padded = [&[0], r.as_slice()].concat();
        let mut long = case.value.clone();
        long.splice(1..2, [0x81, case.value[1]]);
        let forms = [
            der::seq(&[&int(&padded), &int(s)]),
            der::seq(&[&int(r), &int(s), &int(&[1])]),
            der::seq(&[&int(r)]),
            der::seq(&[&int(&[]), &int(s)]),
            der::seq(&[&int(&[0]), &int(s)]),
            der::seq(&[&int(r), &int(&[0])]),
            der::seq(&[&int(&[0xFF]), &int(s)]),
            der::seq(&[&der::octets(r), &int(s)]),
            der::tlv(0x31, content),
            [case.value.as_slice(), &[0]].concat(),
            [r.as_slice(), s].concat(),
            if case.value[1] < 0x80 { long } else { Vec::new() },
        ];
        for form in forms {
            assert_eq!(
                verify(&case.spki, &case.algorithm, MESSAGE, &form),
                Some(Err(VerifyError::Mismatch)),
                "{form:02x?}"
            );
        }
    }
}

/// The hybrid form of X9.62, which OpenSSL takes and RFC 5480 does not, and the point at infinity.
#[test]
fn points_have_the_forms_of_rfc_5480() {
    for case in cases().iter().filter(|c| matches!(c.algorithm, SignatureAlgorithm::Ecdsa(_))) {
        let (_, content, _, _) = der::split(&case.spki);
        let parts = der::children(content);
        let point = &der::split(parts[1]).1[1..];
        let y_is_odd = point[point.len() - 1] & 1;
        let x = &point[1..=(point.len() - 1) / 2];
        let hybrid = [&[6 | y_is_odd], &point[1..]].concat();
        let compressed = [&[2 | y_is_odd], x].concat();
        let negated = [&[2 | (y_is_odd ^ 1)], x].concat();
        let spki = |point: &[u8]| der::seq(&[parts[0], &der::bits(point)]);
        let answer = |point: &[u8]| verify(&spki(point), &case.algorithm, MESSAGE, &case.value).unwrap();
        assert_eq!(answer(&compressed), Ok(()));
        assert_eq!(answer(&negated), Err(VerifyError::Mismatch));
        for wrong in [hybrid.as_slice(), &[0], &[], &point[1..], &case.spki] {
            assert_eq!(answer(wrong), Err(VerifyError::Unsupported));
        }
    }
}

/// Keys and commitments of small order, under which one signature verifies for
/// every message by the bare equation.
#[test]
fn ed25519_of_small_order_is_refused() {
    let algorithm = der::seq(&[&der::oid("1.3.101.112")]);
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut minus_one = [0xFF; 32];
    (minus_one[0], minus_one[31]) = (0xEC, 0x7F);
    let strong = &cases().last().unwrap().spki;
    let strong = &strong[strong.len() - 32..];
    for key in [&identity, &minus_one, &[0; 32], strong] {
        for commitment in [&identity, &minus_one, &[0; 32], strong] {
            let spki = der::seq(&[&algorithm, &der::bits(key)]);
            let value = [commitment, [0; 32].as_slice()].concat();
            let answer = verify(&spki, &SignatureAlgorithm::Ed25519, MESSAGE, &value);
            assert_eq!(answer, Some(Err(VerifyError::Mismatch)));
        }
    }
}

/// The maker of a key can commit to nothing, too: R is the identity, S = k a.
/// The bare equation holds, and aws-lc by itself says so.
#[test]
fn ed25519_that_commits_to_nothing_is_refused() {
    use crypto_bigint::BoxedUint;
    use crypto_bigint::ConcatenatingMul;
    use crypto_bigint::NonZero;
    let key = PrivateKey::generate(KeySpec::Ed25519).unwrap();
    let pkcs8 = key.to_pkcs8_der().unwrap();
    let seed = pkcs8.windows(4).position(|w| w == [0x04, 0x22, 0x04, 0x20]).unwrap() + 4;
    let little = |octets: &[u8], bits| {
        BoxedUint::from_be_slice(&octets.iter().rev().copied().collect::<Vec<_>>(), bits).unwrap()
    };
    let mut a = DigestAlgorithm::Sha512.digest(&pkcs8[seed..seed + 32]).octets()[..32].to_vec();
    (a[0], a[31]) = (a[0] & 0xF8, a[31] & 0x7F | 0x40);
    let mut identity = [0; 32];
    identity[0] = 1;
    let point = key.public_key().key_octets();
    let k = DigestAlgorithm::Sha512.digest(&[&identity, point, MESSAGE].concat());
    // 2^252 + 27742317777372353535851937790883648493 (RFC 8032 §5.1).
    let low = 27_742_317_777_372_353_535_851_937_790_883_648_493_u128.to_be_bytes();
    let order = [[0x10].as_slice(), &[0; 15], &low].concat();
    let order = NonZero::new(BoxedUint::from_be_slice(&order, 256).unwrap()).unwrap();
    let k = little(k.octets(), 512).rem_vartime(&order);
    let s = k.concatenating_mul(&little(&a, 256)).rem_vartime(&order);
    let s: Vec<u8> = s.to_be_bytes().iter().rev().take(32).copied().collect();
    let value = [identity.as_slice(), &s].concat();
    let bare = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, point);
    assert!(bare.verify(MESSAGE, &value).is_ok());
    let answer = verify(key.public_key().spki(), &SignatureAlgorithm::Ed25519, MESSAGE, &value);
    assert_eq!(answer, Some(Err(VerifyError::Mismatch)));
}

#[test]
fn ml_dsa_of_aws_lc_verifies_by_both() {
    use aws_lc_rs::signature;
    use kyso::crypto::MlDsa;
    let sets = [
        (MlDsa::Set44, &signature::ML_DSA_44_SIGNING),
        (MlDsa::Set65, &signature::ML_DSA_65_SIGNING),
        (MlDsa::Set87, &signature::ML_DSA_87_SIGNING),
    ];
    for (set, signing) in sets {
        let algorithm = SignatureAlgorithm::MlDsa(set);
        let key = signature::PqdsaKeyPair::generate(signing).unwrap();
        let mut value = vec![0; set.signature_len()];
        assert_eq!(key.sign(MESSAGE, &mut value).unwrap(), value.len());
        let spki = der::seq(&[&algorithm.to_der(), &der::bits(key.public_key().as_ref())]);
        assert_eq!(verify(&spki, &algorithm, MESSAGE, &value), Some(Ok(())));
        for place in (0..value.len()).step_by(97) {
            let mut changed = value.clone();
            changed[place] ^= 0x10;
            assert_eq!(verify(&spki, &algorithm, MESSAGE, &changed), Some(Err(VerifyError::Mismatch)));
        }
        let short = der::seq(&[&algorithm.to_der(), &der::bits(&key.public_key().as_ref()[1..])]);
        assert_eq!(verify(&short, &algorithm, MESSAGE, &value), Some(Err(VerifyError::Unsupported)));
    }
}

/// One change to a value or key.
#[derive(Clone, Debug)]
enum Change {
    Flip(usize, u8),
    Set(usize, u8),
    Insert(usize, u8),
    Remove(usize),
    Cut(usize),
}

impl Change {
    fn apply(&self, octets: &mut Vec<u8>) {
        let len = octets.len();
        match *self {
            _ if len == 0 => {}
            Self::Flip(at, bit) => octets[at % len] ^= 1 << (bit % 8),
            Self::Set(at, value) => octets[at % len] = value,
            Self::Insert(at, value) => octets.insert(at % len, value),
            Self::Remove(at) => drop(octets.remove(at % len)),
            Self::Cut(at) => octets.truncate(at % len),
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    // The beginning, where the structure is, as often as everything else.
    let place = || prop_oneof![0..8usize, any::<usize>()];
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, bit)| Change::Flip(at, bit)),
        2 => (place(), prop_oneof![Just(0), Just(0xFF), any::<u8>()]).prop_map(|(at, value)| Change::Set(at, value)),
        1 => (place(), prop_oneof![Just(0), any::<u8>()]).prop_map(|(at, value)| Change::Insert(at, value)),
        1 => place().prop_map(Change::Remove),
        1 => place().prop_map(Change::Cut),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn both_backends_agree_on_what_was_changed(
        which in any::<prop::sample::Index>(),
        to_value in prop::collection::vec(change(), 0..3),
        to_key in prop::collection::vec(change(), 0..2),
    ) {
        let case = which.get(cases());
        let (mut value, mut spki) = (case.value.clone(), case.spki.clone());
        to_value.iter().for_each(|c| c.apply(&mut value));
        to_key.iter().for_each(|c| c.apply(&mut spki));
        let answer = verify(&spki, &case.algorithm, MESSAGE, &value);
        if spki == case.spki {
            prop_assert_eq!(answer == Some(Ok(())), value == case.value);
        }
    }
}
