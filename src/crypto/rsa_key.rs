//! The public operation of RSA.
//!
//! The `rsa` crate raises to a public exponent as if it were secret; nothing
//! here is, and squaring and multiplying by its bits costs half as much.

use crypto_bigint::BoxedUint;
use crypto_bigint::Odd;
use crypto_bigint::modular::BoxedMontyForm;
use crypto_bigint::modular::BoxedMontyParams;

use super::algorithm::PssParameters;
use super::digest::Digest;
use super::pss;

/// Moduli that are computed with; more is a way to burn time, less is broken.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

/// Bits of a public exponent: the work grows with them, and nobody needs more.
const EXPONENT_BITS: std::ops::RangeInclusive<usize> = 2..=33;

/// Whether an RSA key is computed with at all, by its numbers without leading zeros.
pub(super) fn usable(modulus: &[u8], exponent: &[u8]) -> bool {
    let odd = |number: &[u8]| number.last().is_some_and(|low| low & 1 == 1);
    MODULUS_BITS.contains(&bit_length(modulus))
        && EXPONENT_BITS.contains(&bit_length(exponent))
        && odd(modulus)
        && odd(exponent)
}

/// Bits of a number without leading zeros.
pub(super) fn bit_length(number: &[u8]) -> usize {
    number.first().map_or(0, |b| number.len() * 8 - b.leading_zeros() as usize)
}

/// A public key that computes.
pub(super) struct RsaKey {
    modulus: BoxedMontyParams,
    bits: usize,
    exponent: u64,
}

impl RsaKey {
    pub(super) fn new(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        if !usable(modulus, exponent) {
            return None;
        }
        let n = Odd::new(BoxedUint::from_be_slice_vartime(modulus)).into_option()?;
        Some(Self {
            modulus: BoxedMontyParams::new_vartime(n),
            bits: bit_length(modulus),
            exponent: exponent.iter().fold(0, |e, octet| e << 8 | u64::from(*octet)),
        })
    }

    /// RSAVP1 (RFC 8017 §5.2.2) with its conversions: the encoded message, as long as the modulus.
    fn encoded_message(&self, signature: &[u8]) -> Option<Vec<u8>> {
        let len = self.bits.div_ceil(8);
        if signature.len() != len {
            return None;
        }
        let s = BoxedUint::from_be_slice(signature, self.modulus.bits_precision()).ok()?;
        if s >= *self.modulus.modulus().as_ref() {
            return None;
        }
        let base = BoxedMontyForm::new(s, &self.modulus);
        let mut power = base.clone();
        // Below the leading bit, which `power` stands for already.
        for bit in (0..self.exponent.ilog2()).rev() {
            power = power.square();
            if self.exponent >> bit & 1 == 1 {
                power = power.mul(&base);
            }
        }
        let message = power.retrieve().to_be_bytes();
        message.get(message.len().checked_sub(len)?..).map(<[u8]>::to_vec)
    }

    /// RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2); `prefix` is the DigestInfo up to the digest.
    ///
    /// The padded block is built anew and compared whole, so that no octet of
    /// it is left for a forger to choose.
    pub(super) fn verify_pkcs1(&self, prefix: &[u8], digest: &[u8], signature: &[u8]) -> bool {
        let Some(message) = self.encoded_message(signature) else { return false };
        let padding = message.len().checked_sub(prefix.len() + digest.len() + 3);
        let Some(padding) = padding.filter(|octets| *octets >= 8) else { return false };
        message == [&[0, 1], vec![0xFF; padding].as_slice(), &[0], prefix, digest].concat()
    }

    /// RSASSA-PSS (RFC 8017 §8.1.2).
    pub(super) fn verify_pss(&self, parameters: &PssParameters, digest: &Digest, signature: &[u8]) -> bool {
        self.encoded_message(signature).is_some_and(|message| pss::holds(&message, self.bits, parameters, digest))
    }
}
