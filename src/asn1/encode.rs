//! DER, written from the inside out.

use super::Oid;
use crate::time::Time;

/// Tag, minimal length, content.
pub(crate) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    push_length(&mut out, content.len());
    out.extend_from_slice(content);
    out
}

pub(super) fn push_length(out: &mut Vec<u8>, len: usize) {
    if len < 0x80 {
        out.extend(u8::try_from(len));
        return;
    }
    let octets = len.to_be_bytes();
    let skip = octets.iter().take_while(|b| **b == 0).count();
    let significant = octets.get(skip..).unwrap_or(&[]);
    out.extend(u8::try_from(significant.len()).map(|n| 0x80 | n));
    out.extend_from_slice(significant);
}

/// SEQUENCE of already encoded parts.
pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// SET OF already encoded parts, in DER order (X.690 §11.6).
pub(crate) fn set_of(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(0x31, &parts.concat())
}

/// `[n] EXPLICIT`, constructed.
pub(crate) fn explicit(n: u8, inner: &[u8]) -> Vec<u8> {
    tlv(0xA0 | n, inner)
}

/// Non-negative INTEGER from big-endian octets.
pub(crate) fn unsigned(octets: &[u8]) -> Vec<u8> {
    let skip = octets.iter().take_while(|b| **b == 0).count();
    let value = octets.get(skip..).unwrap_or(&[]);
    let mut content = Vec::with_capacity(value.len() + 1);
    if value.first().is_none_or(|b| b & 0x80 != 0) {
        content.push(0);
    }
    content.extend_from_slice(value);
    tlv(0x02, &content)
}

/// Small non-negative INTEGER.
pub(crate) fn integer(value: u64) -> Vec<u8> {
    unsigned(&value.to_be_bytes())
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    tlv(0x04, content)
}

pub(crate) fn oid(oid: &Oid) -> Vec<u8> {
    tlv(0x06, oid.content())
}

pub(crate) fn null() -> Vec<u8> {
    vec![0x05, 0x00]
}

/// DER BOOLEAN; a DEFAULT FALSE is to be left out by the caller.
pub(crate) fn boolean(value: bool) -> Vec<u8> {
    vec![0x01, 0x01, if value { 0xFF } else { 0x00 }]
}

pub(crate) fn utf8_string(text: &str) -> Vec<u8> {
    tlv(0x0C, text.as_bytes())
}

pub(crate) fn generalized_time(time: Time) -> Vec<u8> {
    tlv(0x18, time.to_generalized().as_bytes())
}

/// `Time` of RFC 5280 §4.1.2.5 and RFC 5652 §11.3: UTCTime from 1950 to 2049, else GeneralizedTime.
pub(crate) fn time(time: Time) -> Vec<u8> {
    let text = time.to_generalized();
    match time.civil(0).year {
        1950..=2049 => tlv(0x17, text.get(2..).unwrap_or_default().as_bytes()),
        _ => tlv(0x18, text.as_bytes()),
    }
}
