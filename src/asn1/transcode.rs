//! BER to DER.

use std::borrow::Cow;

use super::tlv::Header;
use super::tlv::Length;
use crate::error::Error;
use crate::error::Format;
use crate::error::LimitExceeded;
use crate::error::Malformed;
use crate::limits::Limits;

/// The first value of `input` in DER, and what follows it.
///
/// Indefinite lengths become definite, constructed strings primitive, lengths
/// minimal; primitive contents and the order of SET OF stay as they are, so
/// that signed octets survive. Input that is DER already is borrowed.
///
/// Strings under an implicit tag (`encryptedContent [0]`) cannot be told from
/// other constructed values without the schema, and stay constructed.
///
/// # Errors
/// Malformed BER, or a limit: octets, nesting, elements.
pub fn to_der<'a>(input: &'a [u8], limits: &Limits) -> Result<(Cow<'a, [u8]>, &'a [u8]), Error> {
    let scan = Scan::run(input, limits)?;
    let (value, rest) = input.split_at_checked(scan.length).unwrap_or((input, &[]));
    if scan.is_der {
        return Ok((Cow::Borrowed(value), rest));
    }
    Ok((Cow::Owned(write(value, &scan.nodes)), rest))
}

/// One value met on the way, in the order of the input.
struct Node {
    /// Offset of the identifier octet.
    start: usize,
    /// Octets of identifier and length.
    header: usize,
    /// Octets of content, without the end-of-contents marker.
    content: usize,
    /// Octets of the content in DER.
    der_content: usize,
    /// Number of nodes below this one, however deep.
    below: usize,
    tag: u8,
    /// A constructed string: its parts are joined.
    joined: bool,
}

struct Scan {
    nodes: Vec<Node>,
    length: usize,
    is_der: bool,
}

/// A constructed value that is being read.
struct Open {
    node: usize,
    /// Offset at which it ends; `None`: at its end-of-contents marker.
    end: Option<usize>,
}

const STRINGS: &[u8] = &[0x03, 0x04, 0x0C, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E];

impl Scan {
    fn run(input: &[u8], limits: &Limits) -> Result<Self, Error> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut open: Vec<Open> = Vec::new();
        let mut at = 0usize;
        let mut is_der = true;
        loop {
            // Close what ends here.
            while let Some(top) = open.last() {
                let marker = top.end.is_none() && input.get(at..).is_some_and(|r| r.starts_with(&[0, 0]));
                if !(marker || top.end == Some(at)) {
                    break;
                }
                let index = top.node;
                open.pop();
                close(&mut nodes, index, at);
                if marker {
                    at += 2;
                }
            }
            if at > limits.asn1_octets {
                return Err(LimitExceeded::new("asn1_octets", limits.asn1_octets as u64).into());
            }
            if open.is_empty() && !nodes.is_empty() {
                return Ok(Self { nodes, length: at, is_der });
            }
            let rest = input.get(at..).unwrap_or_default();
            let start = at;
            let fault =
                |expected: &'static str| Error::from(Malformed::new(Format::Asn1, "value", expected).at(start as u64));
            let header = Header::read(rest).ok_or_else(|| fault("identifier and length octets"))?;
            let inside = open.last().and_then(|o| o.end).unwrap_or(input.len());
            at += header.octets;
            let constructed = header.tag & 0x20 != 0;
            let end = match header.length {
                Length::Definite(length) => {
                    let end = at.checked_add(length).filter(|end| *end <= inside && *end <= input.len());
                    Some(end.ok_or_else(|| fault("a length that ends inside its container"))?)
                }
                Length::Indefinite if constructed => None,
                Length::Indefinite => return Err(fault("a definite length of a primitive value")),
            };
            if nodes.len() >= limits.asn1_elements {
                return Err(LimitExceeded::new("asn1_elements", limits.asn1_elements as u64).into());
            }
            if header.tag == 0 && header.length == Length::Definite(0) {
                return Err(fault("a value, not an end-of-contents marker"));
            }
            let joined = constructed && STRINGS.contains(&(header.tag & !0x20)) && header.tag & 0xC0 == 0;
            // A part of a joined string must be of the same kind (X.690 8.7.3.2, 8.6.4).
            if let Some(top) = open.last()
                && nodes.get(top.node).is_some_and(|n| n.joined && (n.tag & !0x20) != (header.tag & !0x20))
            {
                return Err(fault("a part of the same type as its string"));
            }
            // A bit string without its count of unused bits is none.
            let in_bits = open.last().and_then(|o| nodes.get(o.node)).is_some_and(|n| n.joined && n.tag & 0x1F == 0x03);
            if in_bits && !constructed && end == Some(at) {
                return Err(fault("a bit string with its count of unused bits"));
            }
            is_der &= header.minimal && !joined;
            nodes.push(Node {
                start,
                header: header.octets,
                content: end.map_or(0, |e| e - at),
                der_content: end.map_or(0, |e| e - at),
                below: 0,
                tag: header.tag,
                joined,
            });
            if constructed {
                if open.len() >= limits.depth {
                    return Err(LimitExceeded::new("depth", limits.depth as u64).into());
                }
                open.push(Open { node: nodes.len() - 1, end });
            } else {
                at = end.unwrap_or(at);
            }
        }
    }
}

/// Sets the lengths of a constructed node whose content ends at `at`.
fn close(nodes: &mut [Node], index: usize, at: usize) {
    let Some((head, below)) = nodes.split_at_mut_checked(index + 1) else { return };
    let Some(node) = head.last_mut() else { return };
    node.content = at - node.start - node.header;
    node.below = below.len();
    let mut length = 0;
    let mut i = 0;
    let mut first_bits = true;
    while let Some(child) = below.get(i) {
        length += if node.joined {
            // Each part of a bit string brings its count of unused bits; one is kept.
            let bits = usize::from(node.tag & 0x1F == 0x03 && !std::mem::replace(&mut first_bits, false));
            child.der_content.saturating_sub(bits)
        } else {
            1 + length_octets(child.der_content) + child.der_content
        };
        i += 1 + child.below;
    }
    // A bit string has its count of unused bits even where it has no part.
    node.der_content = if node.joined && node.tag & 0x1F == 0x03 { length.max(1) } else { length };
}

const fn length_octets(length: usize) -> usize {
    if length < 0x80 { 1 } else { 1 + (usize::BITS - length.leading_zeros()).div_ceil(8) as usize }
}

fn write(input: &[u8], nodes: &[Node]) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut i = 0;
    while let Some(node) = nodes.get(i) {
        i += 1;
        out.push(if node.joined { node.tag & !0x20 } else { node.tag });
        super::encode::push_length(&mut out, node.der_content);
        if node.joined {
            let parts = nodes.get(i..i + node.below).unwrap_or_default();
            i += node.below;
            join(input, node.tag, parts, &mut out);
        } else if node.tag & 0x20 == 0 {
            out.extend_from_slice(content(input, node));
        }
    }
    out
}

fn content<'a>(input: &'a [u8], node: &Node) -> &'a [u8] {
    let start = node.start + node.header;
    input.get(start..start + node.content).unwrap_or_default()
}

fn join(input: &[u8], tag: u8, parts: &[Node], out: &mut Vec<u8>) {
    let leaves = parts.iter().filter(|n| n.tag & 0x20 == 0);
    if tag & 0x1F != 0x03 {
        leaves.for_each(|n| out.extend_from_slice(content(input, n)));
        return;
    }
    // The count of unused bits stands first in DER; only the last part may have any.
    let unused = leaves.clone().next_back().and_then(|n| content(input, n).first()).copied().unwrap_or(0);
    out.push(unused);
    leaves.for_each(|n| out.extend_from_slice(content(input, n).get(1..).unwrap_or_default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(input: &[u8]) -> Vec<u8> {
        to_der(input, &Limits::default()).unwrap().0.into_owned()
    }

    #[test]
    fn der_is_borrowed_and_the_rest_returned() {
        let input = [0x30, 0x03, 0x02, 0x01, 0x05, 0xFF];
        let (value, rest) = to_der(&input, &Limits::default()).unwrap();
        assert!(matches!(value, Cow::Borrowed(_)));
        assert_eq!((&*value, rest), (&input[..5], &[0xFF][..]));
    }

    #[test]
    fn indefinite_lengths_and_split_strings_become_definite_and_whole() {
        let ber = [0x30, 0x80, 0xA0, 0x80, 0x24, 0x80, 0x04, 0x02, 1, 2, 0x24, 0x03, 0x04, 0x01, 3, 0, 0, 0, 0, 0, 0];
        let expected = [0x30, 0x07, 0xA0, 0x05, 0x04, 0x03, 1, 2, 3];
        assert_eq!(der(&ber), expected);
        assert_eq!(der(&expected), expected);
    }

    #[test]
    fn constructed_string_of_definite_length_becomes_primitive() {
        assert_eq!(der(&[0x24, 0x06, 0x04, 0x01, 7, 0x04, 0x01, 8]), [0x04, 0x02, 7, 8]);
    }

    #[test]
    fn bit_strings_keep_one_count_of_unused_bits() {
        assert_eq!(der(&[0x23, 0x80, 0x03, 0x02, 0, 0xAA, 0x03, 0x02, 4, 0xB0, 0, 0]), [0x03, 0x03, 4, 0xAA, 0xB0]);
    }

    #[test]
    fn long_lengths_become_minimal_and_sets_stay_in_their_order() {
        assert_eq!(der(&[0x31, 0x82, 0, 6, 0x02, 0x81, 1, 9, 0x02, 0x00]), [0x31, 5, 2, 1, 9, 2, 0]);
    }

    #[test]
    fn nesting_and_element_bombs_hit_a_limit() {
        let deep = [0x30, 0x80].repeat(100_000);
        assert!(matches!(to_der(&deep, &Limits::default()), Err(Error::LimitExceeded(_))));
        let limits = Limits { asn1_elements: 10, ..Limits::default() };
        let wide = [&[0x30, 40][..], &[0x05, 0x00].repeat(20)].concat();
        assert!(matches!(to_der(&wide, &limits), Err(Error::LimitExceeded(_))));
    }

    #[test]
    fn truncation_is_an_error_everywhere() {
        let ber = [0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 1, 0, 0, 0x02, 0x01, 3, 0, 0];
        for n in 0..ber.len() {
            assert!(to_der(&ber[..n], &Limits::default()).is_err(), "{n}");
        }
        der(&ber);
    }

    #[test]
    fn a_string_of_foreign_parts_is_refused() {
        assert!(to_der(&[0x24, 0x03, 0x02, 0x01, 1], &Limits::default()).is_err());
    }
}
