//! DER by hand, independent of the crate under test, so that a fault in its
//! encoder cannot hide itself.

#![allow(
    unreachable_pub,
    dead_code,
    missing_docs,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::cast_possible_truncation
)]

pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let len = content.len();
    if len < 0x80 {
        out.push(len as u8);
    } else {
        let octets: Vec<u8> = len.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
        out.push(0x80 | octets.len() as u8);
        out.extend(octets);
    }
    out.extend_from_slice(content);
    out
}

pub fn seq(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub fn set(mut parts: Vec<Vec<u8>>) -> Vec<u8> {
    parts.sort();
    tlv(0x31, &parts.concat())
}

pub fn explicit(n: u8, inner: &[u8]) -> Vec<u8> {
    tlv(0xA0 | n, inner)
}

pub fn int(value: u64) -> Vec<u8> {
    let mut octets: Vec<u8> = value.to_be_bytes().into_iter().skip_while(|b| *b == 0).collect();
    if octets.first().is_none_or(|b| b & 0x80 != 0) {
        octets.insert(0, 0);
    }
    tlv(0x02, &octets)
}

pub fn oid(dotted: &str) -> Vec<u8> {
    let arcs: Vec<u64> = dotted.split('.').map(|a| a.parse().unwrap()).collect();
    let mut content = Vec::new();
    let mut push = |mut arc: u64| {
        let mut groups = vec![(arc & 0x7F) as u8];
        while arc > 0x7F {
            arc >>= 7;
            groups.push((arc & 0x7F) as u8 | 0x80);
        }
        content.extend(groups.into_iter().rev());
    };
    push(arcs[0] * 40 + arcs[1]);
    arcs[2..].iter().for_each(|a| push(*a));
    tlv(0x06, &content)
}

pub fn octets(content: &[u8]) -> Vec<u8> {
    tlv(0x04, content)
}

pub fn bits(content: &[u8]) -> Vec<u8> {
    tlv(0x03, &[&[0], content].concat())
}

pub fn boolean(value: bool) -> Vec<u8> {
    tlv(0x01, &[if value { 0xFF } else { 0 }])
}

pub fn utf8(text: &str) -> Vec<u8> {
    tlv(0x0C, text.as_bytes())
}

pub fn null() -> Vec<u8> {
    vec![5, 0]
}

pub fn generalized(time: kyso::Time) -> Vec<u8> {
    tlv(0x18, time.to_generalized().as_bytes())
}

/// `Time`: UTCTime until 2049, GeneralizedTime from 2050.
pub fn time(time: kyso::Time) -> Vec<u8> {
    let text = time.to_generalized();
    if time.civil(0).year < 2050 { tlv(0x17, &text.as_bytes()[2..]) } else { tlv(0x18, text.as_bytes()) }
}

/// Splits one value off: (tag, content, whole, rest). Definite lengths only.
pub fn split(input: &[u8]) -> (u8, &[u8], &[u8], &[u8]) {
    let (tag, first) = (input[0], input[1]);
    let (len, header) = if first < 0x80 {
        (usize::from(first), 2)
    } else {
        let n = usize::from(first & 0x7F);
        (input[2..2 + n].iter().fold(0, |l, b| l << 8 | usize::from(*b)), 2 + n)
    };
    (tag, &input[header..header + len], &input[..header + len], &input[header + len..])
}

/// The values inside a constructed one.
pub fn children(content: &[u8]) -> Vec<&[u8]> {
    let mut rest = content;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (_, _, whole, r) = split(rest);
        out.push(whole);
        rest = r;
    }
    out
}
