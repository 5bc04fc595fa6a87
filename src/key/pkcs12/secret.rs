//! What the password of a store opens: its MAC and its encrypted parts.

use std::cell::RefCell;

use zeroize::Zeroizing;

use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::asn1::tlv::Tlv;
use crate::crypto::DigestAlgorithm;
use crate::crypto::password;
use crate::crypto::password::CbcCipher;
use crate::crypto::password::Purpose;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::error::SecretError;
use crate::error::Unsupported;
use crate::limits::Budget;
use crate::limits::Limits;
use crate::secret::Password;

const F: Format = Format::Pkcs12;

/// PKCS#5 (RFC 8018): PBKDF2, PBES2 and PBMAC1.
const PBKDF2: Oid = pkcs5(12);
const PBES2: Oid = pkcs5(13);
const PBMAC1: Oid = pkcs5(14);

const fn pkcs5(n: u8) -> Oid {
    Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x05, n])
}

/// pkcs-12PbeIds of RFC 7292 appendix C.
const fn pbe(n: u8) -> Oid {
    Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x0C, 0x01, n])
}

/// hmacWithSHA1 (7) and its successors.
const fn hmac(n: u8) -> Oid {
    Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x02, n])
}

/// The encryption of RFC 7292 appendix C. The two ciphers on RC4 are not among
/// them: no writer of the last twenty years used them.
const PBE: &[(Oid, CbcCipher)] = &[
    (pbe(3), CbcCipher::TripleDes),
    (pbe(4), CbcCipher::TwoKeyTripleDes),
    (pbe(5), CbcCipher::Rc2(128)),
    (pbe(6), CbcCipher::Rc2(40)),
];

const HMAC: &[(Oid, DigestAlgorithm)] = &[
    (hmac(7), DigestAlgorithm::Sha1),
    (hmac(8), DigestAlgorithm::Sha224),
    (hmac(9), DigestAlgorithm::Sha256),
    (hmac(10), DigestAlgorithm::Sha384),
    (hmac(11), DigestAlgorithm::Sha512),
];

/// One password under the readings that writers have given it.
pub(super) struct Opener<'a> {
    /// As it is: PBES2 and PBMAC1 take UTF-8 (RFC 9579 §4, RFC 8018 leaves it open).
    octets: &'a [u8],
    /// What it may be in RFC 7292 appendix B.1. The MAC settles which.
    readings: RefCell<Vec<Zeroizing<Vec<u8>>>>,
    rounds: Budget,
    allowed: u64,
}

impl<'a> Opener<'a> {
    pub(super) fn new(password: &'a Password, limits: &Limits) -> Self {
        let octets = password.expose_octets();
        Self {
            octets,
            readings: RefCell::new(readings(octets)),
            rounds: Budget::new("password_rounds", limits.password_rounds),
            allowed: limits.password_rounds,
        }
    }

    /// Checks `macData` (RFC 7292 §4) over the content of the authenticated safe.
    pub(super) fn check_mac(&self, mac_data: &Tlv<'_>, content: &[u8]) -> Result<(), Error> {
        let mut reader = mac_data.reader(F);
        let mut info = reader.expect(0x30, "mac")?.reader(F);
        let algorithm = Algorithm::read(&mut info, "mac.digestAlgorithm")?;
        let mac = info.expect(0x04, "mac.digest")?;
        info.end("mac")?;
        let salt = reader.expect(0x04, "macSalt")?;
        let iterations = reader.optional(0x02, "iterations")?;
        reader.end("macData")?;
        if algorithm.oid == PBMAC1 {
            return self.check_pbmac1(&algorithm, content, mac.content);
        }
        let digest = DigestAlgorithm::from_oid(&algorithm.oid).filter(|d| password::has_hmac(*d));
        let digest = digest.ok_or_else(|| unsupported("MAC", &algorithm.oid))?;
        let iterations = match iterations {
            Some(n) => self.iterations(&n)?,
            None => 1,
        };
        let mut found = None;
        for (n, reading) in self.readings.borrow().iter().enumerate() {
            self.rounds.spend_many(u64::from(iterations))?;
            let len = digest.output_len();
            let key = password::pkcs12_kdf(digest, Purpose::Mac, reading, salt.content, iterations, len);
            let right = key.and_then(|key| password::hmac_verifies(digest, &key, content, mac.content));
            if right == Some(true) {
                found = Some(n);
                break;
            }
        }
        // A MAC that does not verify is taken for a wrong password, as all do:
        // whether the file or the password is at fault cannot be told.
        let found = found.ok_or_else(wrong)?;
        let mut readings = self.readings.borrow_mut();
        readings.swap(0, found);
        readings.truncate(1);
        Ok(())
    }

    /// PBMAC1 (RFC 9579): the key from PBKDF2, of the length that it states.
    fn check_pbmac1(&self, algorithm: &Algorithm<'_>, content: &[u8], mac: &[u8]) -> Result<(), Error> {
        let mut parameters = algorithm.sequence("PBMAC1 parameters")?;
        let kdf = Algorithm::read(&mut parameters, "keyDerivationFunc")?;
        let scheme = Algorithm::read(&mut parameters, "messageAuthScheme")?;
        parameters.end("PBMAC1 parameters")?;
        let digest = find(HMAC, &scheme.oid).ok_or_else(|| unsupported("MAC", &scheme.oid))?;
        let key = self.pbkdf2(&kdf, None)?;
        if password::hmac_verifies(digest, &key, content, mac) == Some(true) { Ok(()) } else { Err(wrong()) }
    }

    /// Decrypts what `algorithm` encrypted; `check` says whether the outcome
    /// can be what it should be.
    pub(super) fn decrypt(
        &self,
        algorithm: &Algorithm<'_>,
        octets: &[u8],
        check: impl Fn(&[u8]) -> bool,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        if algorithm.oid == PBES2 {
            return self.decrypt_pbes2(algorithm, octets)?.filter(|plain| check(plain)).ok_or_else(wrong);
        }
        let cipher = find(PBE, &algorithm.oid).ok_or_else(|| unsupported("encryption", &algorithm.oid))?;
        let mut parameters = algorithm.sequence("PBE parameters")?;
        let salt = parameters.expect(0x04, "salt")?.content;
        let iterations = self.iterations(&parameters.expect(0x02, "iterations")?)?;
        parameters.end("PBE parameters")?;
        let derive = |purpose, reading: &[u8], len: usize| {
            let blocks = len.div_ceil(DigestAlgorithm::Sha1.output_len()) as u64;
            self.rounds.spend_many(u64::from(iterations) * blocks)?;
            let derived = password::pkcs12_kdf(DigestAlgorithm::Sha1, purpose, reading, salt, iterations, len);
            derived.ok_or_else(wrong)
        };
        for reading in self.readings.borrow().iter() {
            let key = derive(Purpose::Key, reading, cipher.key_len())?;
            let iv = derive(Purpose::Iv, reading, cipher.block_len())?;
            if let Some(plain) = cipher.decrypt(&key, &iv, octets).filter(|plain| check(plain)) {
                return Ok(plain);
            }
        }
        Err(wrong())
    }

    /// PBES2 (RFC 8018 §6.2).
    fn decrypt_pbes2(&self, algorithm: &Algorithm<'_>, octets: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let mut parameters = algorithm.sequence("PBES2 parameters")?;
        let kdf = Algorithm::read(&mut parameters, "keyDerivationFunc")?;
        let scheme = Algorithm::read(&mut parameters, "encryptionScheme")?;
        parameters.end("PBES2 parameters")?;
        let cipher = CbcCipher::from_oid(&scheme.oid).ok_or_else(|| unsupported("encryption", &scheme.oid))?;
        let iv = match scheme.parameters {
            Some(iv) if iv.tag == 0x04 && iv.content.len() == cipher.block_len() => iv.content,
            _ => return Err(Malformed::new(F, "encryptionScheme", "an initialization vector of one block").into()),
        };
        let key = self.pbkdf2(&kdf, Some(cipher.key_len()))?;
        Ok(cipher.decrypt(&key, iv, octets))
    }

    /// The key of PBKDF2-params (RFC 8018 appendix A.2); `len` is what the
    /// cipher takes, and what `keyLength` must say there if it is stated.
    fn pbkdf2(&self, kdf: &Algorithm<'_>, len: Option<usize>) -> Result<Zeroizing<Vec<u8>>, Error> {
        if kdf.oid != PBKDF2 {
            return Err(unsupported("key derivation", &kdf.oid));
        }
        let mut parameters = kdf.sequence("PBKDF2 parameters")?;
        let salt = parameters.expect(0x04, "salt")?.content;
        let iterations = self.iterations(&parameters.expect(0x02, "iterationCount")?)?;
        let stated = parameters.optional(0x02, "keyLength")?.map(|n| n.small(F, "keyLength")).transpose()?;
        let prf = match parameters.peek() {
            Some(_) => Algorithm::read(&mut parameters, "prf")?.oid,
            None => hmac(7),
        };
        parameters.end("PBKDF2 parameters")?;
        let prf = find(HMAC, &prf).ok_or_else(|| unsupported("PRF", &prf))?;
        let stated = stated.and_then(|n| usize::try_from(n).ok());
        let len = match (stated, len) {
            (stated, Some(len)) if stated.is_none_or(|stated| stated == len) => len,
            // RFC 9579 §4: keyLength must be there, and shorter keys are weak.
            (Some(stated @ 1..=1024), None) => stated,
            _ => return Err(Malformed::new(F, "keyLength", "the length of the key").into()),
        };
        self.rounds.spend_many(u64::from(iterations) * len.div_ceil(prf.output_len()) as u64)?;
        password::pbkdf2(prf, self.octets, salt, iterations, len).ok_or_else(wrong)
    }

    fn iterations(&self, value: &Tlv<'_>) -> Result<u32, Error> {
        let octets = value.integer(F, "iterations")?;
        match (value.small(F, "iterations"), octets) {
            (Ok(0), _) | (Err(_), [0x80..=0xFF, ..]) => Err(value.fault(F, "iterations", "a number from 1 on").into()),
            (Ok(n), _) if u64::from(n) <= self.allowed => Ok(n),
            _ => Err(LimitExceeded::new("password_rounds", self.allowed).into()),
        }
    }
}

/// An `AlgorithmIdentifier`.
pub(super) struct Algorithm<'a> {
    oid: Oid,
    parameters: Option<Tlv<'a>>,
}

impl<'a> Algorithm<'a> {
    pub(super) fn read(reader: &mut Reader<'a>, field: &'static str) -> Result<Self, Error> {
        let mut inner = reader.expect(0x30, field)?.reader(F);
        let oid = inner.expect(0x06, field)?.oid(F, field)?;
        let parameters = if inner.is_empty() { None } else { Some(inner.any(field)?) };
        inner.end(field)?;
        Ok(Self { oid, parameters })
    }

    fn sequence(&self, field: &'static str) -> Result<Reader<'a>, Error> {
        match self.parameters {
            Some(value) if value.tag == 0x30 => Ok(value.reader(F)),
            _ => Err(Malformed::new(F, field, "a SEQUENCE").into()),
        }
    }
}

/// The readings of RFC 7292 appendix B.1, the usual one first.
///
/// UTF-16 is what the standard means, characters beyond the basic plane as two
/// units. An empty password is one empty string, or none at all; writers do
/// either. OpenSSL before 1.1.0 widened each octet of a password by itself.
fn readings(octets: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    fn units(units: impl Iterator<Item = u16>) -> Zeroizing<Vec<u8>> {
        // Room for all at once: a vector that grows leaves copies behind.
        let mut out = Zeroizing::new(Vec::with_capacity(2 * units.size_hint().1.unwrap_or(0) + 2));
        units.chain([0]).for_each(|unit| out.extend_from_slice(&unit.to_be_bytes()));
        out
    }
    let mut all: Vec<_> = std::str::from_utf8(octets).ok().map(|text| units(text.encode_utf16())).into_iter().collect();
    if octets.is_empty() {
        all.push(Zeroizing::new(Vec::new()));
    }
    if !octets.is_ascii() {
        all.push(units(octets.iter().map(|b| u16::from(*b))));
    }
    all
}

fn find<T: Copy>(table: &[(Oid, T)], oid: &Oid) -> Option<T> {
    table.iter().find(|(known, _)| known == oid).map(|(_, value)| *value)
}

fn unsupported(what: &str, oid: &Oid) -> Error {
    Unsupported::new(F, format!("{what} algorithm {oid}")).into()
}

pub(super) fn wrong() -> Error {
    SecretError::Wrong { what: "PKCS#12 store".into(), tries: None }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_utf_16_with_an_end() {
        let of = |text: &str| readings(text.as_bytes()).iter().map(|r| r.to_vec()).collect::<Vec<_>>();
        assert_eq!(of("Ab"), [b"\0A\0b\0\0".to_vec()]);
        assert_eq!(of(""), [b"\0\0".to_vec(), Vec::new()]);
        assert_eq!(of("ậ")[0], b"\x1E\xAD\0\0");
        assert_eq!(of("\u{1F511}")[0], b"\xD8\x3D\xDD\x11\0\0");
        assert_eq!(of("é"), [b"\0\xE9\0\0".to_vec(), b"\0\xC3\0\xA9\0\0".to_vec()]);
        assert_eq!(readings(b"\xE9").iter().map(|r| r.to_vec()).collect::<Vec<_>>(), [b"\0\xE9\0\0".to_vec()]);
    }
}
