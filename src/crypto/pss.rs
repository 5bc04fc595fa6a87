//! EMSA-PSS verification (RFC 8017 §9.1.2), for any pair of digests: the
//! `rsa` crate knows only one digest for message and mask.

use super::algorithm::PssParameters;
use super::digest::Digest;
use super::digest::DigestAlgorithm;

/// Whether the encoded message `em`, of an RSA modulus of `modulus_bits`, holds `digest`.
///
/// `em` is as long as the modulus; where the modulus has 8k+1 bits its first octet must be zero.
pub(super) fn holds(em: &[u8], modulus_bits: usize, parameters: &PssParameters, digest: &Digest) -> bool {
    inner(em, modulus_bits, parameters, digest).is_some()
}

fn inner(em: &[u8], modulus_bits: usize, parameters: &PssParameters, digest: &Digest) -> Option<()> {
    let em_bits = modulus_bits.checked_sub(1)?;
    let em_len = em_bits.div_ceil(8);
    let (zeros, em) = em.split_at_checked(em.len().checked_sub(em_len)?)?;
    let (em, trailer) = em.split_at_checked(em_len.checked_sub(1)?)?;
    let (masked, h) = em.split_at_checked(em.len().checked_sub(digest.octets().len())?)?;
    let unused_bits = 8 * em_len - em_bits;
    let first = masked.first()?;
    let spare = !(0xFFu8.checked_shr(u32::try_from(unused_bits).ok()?)?);
    if zeros.iter().any(|b| *b != 0) || trailer != [0xBC] || first & spare != 0 {
        return None;
    }
    let mut db = mask(parameters.mgf, h, masked.len())?;
    db.iter_mut().zip(masked).for_each(|(m, b)| *m ^= b);
    *db.first_mut()? &= !spare;
    let (padding, salt) = db.split_at_checked(db.len().checked_sub(parameters.salt_len)?)?;
    let (one, padding) = padding.split_last()?;
    if *one != 1 || padding.iter().any(|b| *b != 0) {
        return None;
    }
    let mut d = digest.algorithm().digester();
    d.update(&[0; 8]);
    d.update(digest.octets());
    d.update(salt);
    (d.finish().octets() == h).then_some(())
}

/// MGF1 (RFC 8017 §B.2.1).
fn mask(algorithm: DigestAlgorithm, seed: &[u8], len: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(len + 64);
    let mut counter = 0u32;
    while out.len() < len {
        let mut d = algorithm.digester();
        d.update(seed);
        d.update(&counter.to_be_bytes());
        out.extend_from_slice(d.finish().octets());
        counter = counter.checked_add(1)?;
    }
    out.truncate(len);
    Some(out)
}
