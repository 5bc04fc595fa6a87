//! What passwords are made into: keys (PBKDF2 of RFC 8018, the derivation of
//! RFC 7292 appendix B), MACs, and the decryption that key stores ask for.

use aes::cipher::BlockModeDecrypt;
use aes::cipher::InnerIvInit;
use aes::cipher::KeyIvInit;
use aes::cipher::block_padding::Pkcs7;
use hmac::KeyInit;
use hmac::Mac;
use zeroize::Zeroizing;

use super::digest::DigestAlgorithm;
use crate::asn1::Oid;

/// HMAC with a digest that key stores use, keyed.
#[derive(Clone)]
enum Keyed {
    Sha1(hmac::Hmac<sha1::Sha1>),
    Sha224(hmac::Hmac<sha2::Sha224>),
    Sha256(hmac::Hmac<sha2::Sha256>),
    Sha384(hmac::Hmac<sha2::Sha384>),
    Sha512(hmac::Hmac<sha2::Sha512>),
}

impl Keyed {
    fn new(digest: DigestAlgorithm, key: &[u8]) -> Option<Self> {
        Some(match digest {
            DigestAlgorithm::Sha1 => Self::Sha1(KeyInit::new_from_slice(key).ok()?),
            DigestAlgorithm::Sha224 => Self::Sha224(KeyInit::new_from_slice(key).ok()?),
            DigestAlgorithm::Sha256 => Self::Sha256(KeyInit::new_from_slice(key).ok()?),
            DigestAlgorithm::Sha384 => Self::Sha384(KeyInit::new_from_slice(key).ok()?),
            DigestAlgorithm::Sha512 => Self::Sha512(KeyInit::new_from_slice(key).ok()?),
            _ => return None,
        })
    }

    fn update(&mut self, octets: &[u8]) {
        match self {
            Self::Sha1(m) => m.update(octets),
            Self::Sha224(m) => m.update(octets),
            Self::Sha256(m) => m.update(octets),
            Self::Sha384(m) => m.update(octets),
            Self::Sha512(m) => m.update(octets),
        }
    }

    /// Writes the MAC into the front of `out`, which holds at least its length.
    fn finish(self, out: &mut [u8; 64]) {
        fn put(out: &mut [u8; 64], value: &[u8]) {
            out.iter_mut().zip(value).for_each(|(o, v)| *o = *v);
        }
        match self {
            Self::Sha1(m) => put(out, &m.finalize().into_bytes()),
            Self::Sha224(m) => put(out, &m.finalize().into_bytes()),
            Self::Sha256(m) => put(out, &m.finalize().into_bytes()),
            Self::Sha384(m) => put(out, &m.finalize().into_bytes()),
            Self::Sha512(m) => put(out, &m.finalize().into_bytes()),
        }
    }
}

/// Whether HMAC with this digest can be computed here.
pub(crate) const fn has_hmac(digest: DigestAlgorithm) -> bool {
    use DigestAlgorithm as D;
    matches!(digest, D::Sha1 | D::Sha224 | D::Sha256 | D::Sha384 | D::Sha512)
}

/// Whether `mac` is the HMAC of `octets`; `None` for a digest that is not supported.
/// The comparison does not stop at the first difference.
pub(crate) fn hmac_verifies(digest: DigestAlgorithm, key: &[u8], octets: &[u8], mac: &[u8]) -> Option<bool> {
    let mut keyed = Keyed::new(digest, key)?;
    keyed.update(octets);
    let mut value = Zeroizing::new([0; 64]);
    keyed.finish(&mut value);
    let value = value.get(..digest.output_len())?;
    Some(mac.len() == value.len() && mac.iter().zip(value).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0)
}

/// PBKDF2 (RFC 8018 §5.2); `None` for a digest that is not supported.
pub(crate) fn pbkdf2(
    prf: DigestAlgorithm,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    let keyed = Keyed::new(prf, password)?;
    let mut out = Zeroizing::new(vec![0u8; len]);
    let mut u = Zeroizing::new([0u8; 64]);
    for (index, block) in (1u32..).zip(out.chunks_mut(prf.output_len())) {
        let mut first = keyed.clone();
        first.update(salt);
        first.update(&index.to_be_bytes());
        first.finish(&mut u);
        block.iter_mut().zip(u.iter()).for_each(|(b, u)| *b = *u);
        for _ in 1..iterations {
            let mut next = keyed.clone();
            next.update(u.get(..prf.output_len())?);
            next.finish(&mut u);
            block.iter_mut().zip(u.iter()).for_each(|(b, u)| *b ^= *u);
        }
    }
    Some(out)
}

/// What a derived value is for (RFC 7292 appendix B.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Key,
    Iv,
    Mac,
}

/// The derivation of RFC 7292 appendix B.2. `password` is as appendix B.1 has
/// it: big-endian UTF-16 with two octets of zero at its end, or nothing at all.
/// `None` for a digest that is not supported.
pub(crate) fn pkcs12_kdf(
    digest: DigestAlgorithm,
    purpose: Purpose,
    password: &[u8],
    salt: &[u8],
    iterations: u32,
    len: usize,
) -> Option<Zeroizing<Vec<u8>>> {
    use DigestAlgorithm as D;
    let block = match digest {
        D::Sha1 | D::Sha224 | D::Sha256 => 64,
        D::Sha384 | D::Sha512 | D::Sha512_224 | D::Sha512_256 => 128,
        _ => return None,
    };
    let id = match purpose {
        Purpose::Key => 1,
        Purpose::Iv => 2,
        Purpose::Mac => 3,
    };
    let fill = |octets: &[u8]| -> Vec<u8> {
        octets.iter().copied().cycle().take(octets.len().div_ceil(block) * block).collect()
    };
    let diversifier = vec![id; block];
    let password = Zeroizing::new(fill(password));
    let mut input = Zeroizing::new([fill(salt), password.to_vec()].concat());
    let mut out = Zeroizing::new(Vec::with_capacity(len + 64));
    while out.len() < len {
        let mut digester = digest.digester();
        digester.update(&diversifier);
        digester.update(&input);
        let mut a = digester.finish();
        for _ in 1..iterations {
            a = digest.digest(a.octets());
        }
        out.extend_from_slice(a.octets());
        let b: Zeroizing<Vec<u8>> = Zeroizing::new(a.octets().iter().copied().cycle().take(block).collect());
        for chunk in input.chunks_mut(block) {
            add_one_more(chunk, &b);
        }
    }
    out.truncate(len);
    Some(out)
}

/// `number += other + 1` on big-endian numbers of one length; the carry out is dropped.
fn add_one_more(number: &mut [u8], other: &[u8]) {
    let mut carry = 1u16;
    for (n, o) in number.iter_mut().zip(other).rev() {
        carry += u16::from(*n) + u16::from(*o);
        [_, *n] = carry.to_be_bytes();
        carry >>= 8;
    }
}

/// A block cipher in CBC mode with the padding of RFC 8018 §6.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CbcCipher {
    Aes128,
    Aes192,
    Aes256,
    /// Three keys.
    TripleDes,
    /// Two keys.
    TwoKeyTripleDes,
    /// RC2 with this many bits of effective key.
    Rc2(u16),
}

impl CbcCipher {
    /// By the identifiers that PBES2 uses: AES and des-ede3-cbc.
    pub(crate) fn from_oid(oid: &Oid) -> Option<Self> {
        const TABLE: &[(Oid, CbcCipher)] = &[
            (Oid::known(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x02]), CbcCipher::Aes128),
            (Oid::known(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x16]), CbcCipher::Aes192),
            (Oid::known(&[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2A]), CbcCipher::Aes256),
            (Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x03, 0x07]), CbcCipher::TripleDes),
        ];
        TABLE.iter().find(|(known, _)| known == oid).map(|(_, cipher)| *cipher)
    }

    /// Octets of key.
    pub(crate) fn key_len(self) -> usize {
        match self {
            Self::Aes128 | Self::TwoKeyTripleDes => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Rc2(bits) => usize::from(bits) / 8,
        }
    }

    /// Octets of a block, and of the initialization vector.
    pub(crate) const fn block_len(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::TwoKeyTripleDes | Self::Rc2(_) => 8,
        }
    }

    /// Decrypts; `None` where lengths or padding are wrong.
    pub(crate) fn decrypt(self, key: &[u8], iv: &[u8], octets: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        fn open<C: BlockModeDecrypt>(cipher: C, octets: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
            let mut buffer = Zeroizing::new(octets.to_vec());
            let len = cipher.decrypt_padded::<Pkcs7>(&mut buffer).ok()?.len();
            buffer.truncate(len);
            Some(buffer)
        }
        if key.len() != self.key_len() || iv.len() != self.block_len() {
            return None;
        }
        match self {
            Self::Aes128 => open(cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).ok()?, octets),
            Self::Aes192 => open(cbc::Decryptor::<aes::Aes192>::new_from_slices(key, iv).ok()?, octets),
            Self::Aes256 => open(cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv).ok()?, octets),
            Self::TripleDes => open(cbc::Decryptor::<des::TdesEde3>::new_from_slices(key, iv).ok()?, octets),
            Self::TwoKeyTripleDes => open(cbc::Decryptor::<des::TdesEde2>::new_from_slices(key, iv).ok()?, octets),
            Self::Rc2(bits) => {
                let cipher = rc2::Rc2::new_with_eff_key_len(key, usize::from(bits));
                open(cbc::Decryptor::inner_iv_slice_init(cipher, iv).ok()?, octets)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
    }

    #[test]
    fn pbkdf2_gives_the_values_of_rfc_6070_and_7914() {
        let derive = |prf, p: &[u8], s: &[u8], c, n| pbkdf2(prf, p, s, c, n).unwrap().to_vec();
        let sha1 = |p: &[u8], s: &[u8], c, n| derive(DigestAlgorithm::Sha1, p, s, c, n);
        assert_eq!(sha1(b"password", b"salt", 1, 20), octets("0c60c80f961f0e71f3a9b524af6012062fe037a6"));
        assert_eq!(sha1(b"password", b"salt", 2, 20), octets("ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"));
        assert_eq!(sha1(b"pass\0word", b"sa\0lt", 4096, 16), octets("56fa6aa75548099dcc37d7f03425e0c3"));
        assert_eq!(
            derive(DigestAlgorithm::Sha256, b"passwd", b"salt", 1, 64),
            octets(concat!(
                "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc",
                "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783"
            ))
        );
        // Three blocks of output, and a digest of the other block length.
        assert_eq!(
            derive(DigestAlgorithm::Sha384, b"passwd", b"salt", 3, 60),
            octets(concat!(
                "5329c1b022a728be4534cd3cfd55bc3877f3ec1dedb0ca643e65dd641e107e99",
                "6fc728646002d0ba08e9990ab361cabfcd3cb69deed5ed3d64e6d7c5"
            ))
        );
        assert!(pbkdf2(DigestAlgorithm::Md5, b"", b"", 1, 1).is_none());
    }

    #[test]
    fn the_derivation_of_rfc_7292_gives_known_values() {
        let derive = |digest, purpose, password: &str, salt: &str, iterations, len| {
            pkcs12_kdf(digest, purpose, &octets(password), &octets(salt), iterations, len).unwrap().to_vec()
        };
        let (smeg, queeg) = ("0073006d006500670000", "007100750065006500670000");
        let sha1 = |purpose, password, salt, iterations, len| {
            derive(DigestAlgorithm::Sha1, purpose, password, salt, iterations, len)
        };
        let salt = "0a58cf64530d823f";
        assert_eq!(sha1(Purpose::Key, smeg, salt, 1, 24), octets("8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"));
        assert_eq!(sha1(Purpose::Iv, smeg, salt, 1, 8), octets("79993dfe048d3b76"));
        assert_eq!(
            sha1(Purpose::Key, queeg, "05dec959acff72f7", 1000, 24),
            octets("ed2034e36328830ff09df1e1a07dd357185dac0d4f9eb3d4")
        );
        assert_eq!(
            sha1(Purpose::Mac, queeg, "1682c0fc5b3f7ec5", 1000, 20),
            octets("022db40d747da404972b3144296ba4b80a96b1f3")
        );
        // Several blocks of output, so that the addition of B counts.
        let long = derive(DigestAlgorithm::Sha512, Purpose::Key, smeg, salt, 3, 100);
        assert!(long.starts_with(&octets("d94a6b30a7062f232ee7e09e279faef0")));
        assert!(long.ends_with(&octets("12ef6d3e87568864f9e8043434ff9379006d3fa9")));
        assert!(pkcs12_kdf(DigestAlgorithm::Sha3_256, Purpose::Key, &[], &[], 1, 1).is_none());
    }

    #[test]
    fn the_sum_carries_and_wraps() {
        let mut number = [0x00, 0xFF, 0xFF];
        add_one_more(&mut number, &[0, 0, 0]);
        assert_eq!(number, [1, 0, 0]);
        let mut number = [0xFF; 3];
        add_one_more(&mut number, &[0xFF; 3]);
        assert_eq!(number, [0xFF; 3]);
    }

    #[test]
    fn rc2_gives_the_values_of_rfc_2268() {
        use aes::cipher::BlockCipherEncrypt;
        for (key, bits, plain, cipher) in [
            ("88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"),
            ("88bca90e90875a7f0f79c384627bafb2", 64, "0000000000000000", "1a807d272bbe5db1"),
            ("ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"),
        ] {
            let rc2 = rc2::Rc2::new_with_eff_key_len(&octets(key), bits);
            let mut block = aes::cipher::Block::<rc2::Rc2>::try_from(octets(plain).as_slice()).unwrap();
            rc2.encrypt_block(&mut block);
            assert_eq!(block.as_slice(), octets(cipher));
        }
    }

    #[test]
    fn wrong_lengths_and_padding_are_no_text() {
        let key = [0; 16];
        for octets in [&[][..], &[1; 15], &[1; 17], &[0; 16]] {
            assert!(CbcCipher::Aes128.decrypt(&key, &[0; 16], octets).is_none());
        }
        assert!(CbcCipher::Aes128.decrypt(&key, &[0; 8], &[0; 16]).is_none());
        assert!(CbcCipher::TripleDes.decrypt(&key, &[0; 8], &[0; 16]).is_none());
    }
}
