//! BER to DER.

use std::borrow::Cow;
use std::ops::Range;

use super::encode::push_length;
use super::tlv::definite;
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
/// One string cannot be told by its own tag: `encryptedContent [0] IMPLICIT
/// OCTET STRING` (RFC 5652 §6.1). A constructed `[0]` of OCTET STRINGs that
/// follows an object identifier and a SEQUENCE in their SEQUENCE is taken for
/// it. `eContent [0] EXPLICIT` (§5.2) follows the identifier at once and keeps
/// its inner tag.
///
/// # Errors
/// Malformed BER, or a limit: `depth`, `asn1_elements`, and `asn1_octets` for
/// all octets outside of OCTET STRINGs.
pub fn to_der<'a>(input: &'a [u8], limits: &Limits) -> Result<(Cow<'a, [u8]>, &'a [u8]), Error> {
    if let Some((der, rest)) = der_prefix(input, limits).and_then(|len| input.split_at_checked(len)) {
        return Ok((Cow::Borrowed(der), rest));
    }
    let (nodes, consumed) = Transcoder::new(input, limits).run()?;
    Ok((Cow::Owned(emit(input, &nodes)), input.get(consumed..).unwrap_or(&[])))
}

/// What the first two children of a SEQUENCE were, to find `encryptedContent`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Start,
    Identifier,
    Algorithm,
    Other,
}

impl Shape {
    const fn after(self, tag: u8) -> Self {
        match (self, tag) {
            (Self::Start, 0x06) => Self::Identifier,
            (Self::Identifier, 0x30) => Self::Algorithm,
            _ => Self::Other,
        }
    }
}

/// Nesting that the quick look follows.
const QUICK_DEPTH: usize = 64;

/// What a tag means to the quick look.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Left to the slow way: end-of-contents, what is only ever constructed,
    /// tag numbers of several octets, strings in segments.
    Refused,
    /// Primitive, and its content counts.
    Primitive,
    /// An OCTET STRING, or what may be one under an implicit tag.
    Opaque,
    Constructed,
}

#[allow(clippy::indexing_slicing)] // while compiling
const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Constructed; 256];
    let mut tag = 0;
    while tag < 256 {
        kinds[tag] = match tag {
            0x00 | 0x10 | 0x11 => Kind::Refused,
            _ if tag & 0x1F == 0x1F => Kind::Refused,
            0x04 | 0x80 => Kind::Opaque,
            _ if tag & 0x20 == 0 => Kind::Primitive,
            0x28 | 0x2B | 0x30 | 0x31 | 0x3D | 0x40.. => Kind::Constructed,
            _ => Kind::Refused,
        };
        tag += 1;
    }
    kinds
};

/// The length of the first value, if all of it is DER in tags, lengths and string forms.
///
/// `None` says no more than that the slow way has to look, which also finds the fault.
fn der_prefix(input: &[u8], limits: &Limits) -> Option<usize> {
    // No value is shorter than two octets: a short input exceeds no limit.
    if input.len() / 2 <= limits.asn1_elements && input.len() <= limits.asn1_octets {
        quick_look::<false>(input, limits)
    } else {
        quick_look::<true>(input, limits)
    }
}

fn quick_look<const COUNTED: bool>(input: &[u8], limits: &Limits) -> Option<usize> {
    // For each value around this one, what follows it, and the SEQUENCE that it lies in.
    let mut stack: [(&[u8], &[u8]); QUICK_DEPTH] = [(&[], &[]); QUICK_DEPTH];
    let mut depth = 0usize;
    // What is left of the content of the value around, and that content where it is a SEQUENCE's.
    let (mut rest, mut sequence): (&[u8], &[u8]) = (input, &[]);
    let (mut elements, mut octets) = (0usize, 0usize);
    loop {
        let (&[tag, first], short) = rest.split_first_chunk()?;
        let (content, len) = match first {
            0..=0x7F => (short, usize::from(first)),
            _ => {
                let (head, len) = definite(rest.get(1..)?).ok()?;
                (rest.get(1 + head..)?, len)
            }
        };
        let kind = KINDS.get(usize::from(tag)).copied()?;
        if COUNTED {
            elements += 1;
            octets = octets.saturating_add(rest.len() - content.len());
            if kind == Kind::Primitive {
                octets = octets.saturating_add(len);
            }
            if elements > limits.asn1_elements || octets > limits.asn1_octets {
                return None;
            }
        }
        match kind {
            Kind::Refused => return None,
            Kind::Primitive | Kind::Opaque => {
                rest = content.get(len..)?;
                if depth == 0 {
                    return Some(input.len() - rest.len());
                }
            }
            Kind::Constructed => {
                let (inner, after) = content.split_at_checked(len)?;
                let segments = tag == 0xA0 && matches!(inner, [0x04 | 0x24, ..]);
                if depth >= limits.depth || (segments && follows_algorithm(sequence, rest)) {
                    return None;
                }
                *stack.get_mut(depth)? = (after, sequence);
                depth += 1;
                rest = inner;
                sequence = if tag == 0x30 { inner } else { &[] };
            }
        }
        while rest.is_empty() {
            depth = depth.checked_sub(1)?;
            (rest, sequence) = *stack.get(depth)?;
            if depth == 0 {
                return Some(input.len() - rest.len());
            }
        }
    }
}

/// Whether `rest` of the content of a SEQUENCE stands behind two values, an object identifier and a SEQUENCE.
#[cold]
fn follows_algorithm(sequence: &[u8], rest: &[u8]) -> bool {
    let behind = |value: &[u8], tag: u8| {
        let (first, octets) = value.split_first()?;
        let (head, len) = definite(octets).ok()?;
        (*first == tag).then(|| 1 + head + len)
    };
    let Some(identifier) = behind(sequence, 0x06) else { return false };
    let algorithm = sequence.get(identifier..).and_then(|from| behind(from, 0x30));
    algorithm.is_some_and(|algorithm| identifier + algorithm + rest.len() == sequence.len())
}

/// One value of the input, in the order of its first octet.
struct Node {
    tag: Range<usize>,
    content: Range<usize>,
    form: Form,
    /// Content octets in DER.
    len: usize,
    /// Nodes from this one on that lie in it, itself included.
    span: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Primitive,
    Constructed,
    /// A string that came in segments; `unused` bits of the last one for BIT STRING.
    Segmented {
        unused: Option<u8>,
    },
}

struct Frame {
    node: usize,
    /// Where a definite length ends this value, or its nearest ancestor that has one.
    end: usize,
    indefinite: bool,
    shape: Shape,
    /// Tags that segments may have, where this value is a string.
    segments: Option<Segments>,
}

#[derive(Clone, Copy)]
struct Segments {
    /// The string's own universal tag number.
    number: u8,
    /// The node of the outermost string.
    root: usize,
}

struct Transcoder<'a> {
    input: &'a [u8],
    limits: &'a Limits,
    nodes: Vec<Node>,
    stack: Vec<Frame>,
    at: usize,
    octets: usize,
}

impl<'a> Transcoder<'a> {
    const fn new(input: &'a [u8], limits: &'a Limits) -> Self {
        Self { input, limits, nodes: Vec::new(), stack: Vec::new(), at: 0, octets: 0 }
    }

    /// All nodes of the first value, and the octets it took.
    fn run(mut self) -> Result<(Vec<Node>, usize), Error> {
        loop {
            self.value()?;
            loop {
                let Some(frame) = self.stack.last() else { return Ok((self.nodes, self.at)) };
                if frame.indefinite {
                    match self.input.get(self.at..frame.end) {
                        Some([0, 0, ..]) => self.at += 2,
                        Some([0, _, ..]) => return Err(self.fault("end-of-contents", "two zero octets").into()),
                        Some([_, ..]) => break,
                        _ => return Err(self.fault("end-of-contents", "two zero octets").found("the end").into()),
                    }
                } else if self.at != frame.end {
                    break;
                }
                self.close()?;
            }
        }
    }

    /// Reads one header, and the content where it is primitive.
    fn value(&mut self) -> Result<(), Error> {
        if self.nodes.len() >= self.limits.asn1_elements {
            return Err(LimitExceeded::new("asn1_elements", self.limits.asn1_elements as u64).into());
        }
        let start = self.at;
        let (end, shape, segments) =
            self.stack.last().map_or((self.input.len(), Shape::Other, None), |f| (f.end, f.shape, f.segments));
        let tag = self.tag(end)?;
        let first = self.input.get(start).copied().unwrap_or(0);
        let constructed = first & 0x20 != 0;
        if first == 0 {
            return Err(self
                .fault_at(start, "tag", "a tag")
                .found("end-of-contents outside of an indefinite length")
                .into());
        }
        if let Some(segments) = segments {
            let number = first & !0x20;
            if number != 0x04 && number != segments.number {
                return Err(self
                    .fault_at(start, "segment of a constructed string", "an OCTET STRING or a value of its own type")
                    .found(format_args!("tag {first:#04x}"))
                    .into());
            }
            if (segments.number == 0x03) != (number == 0x03) {
                return Err(self.fault_at(start, "segment of a constructed BIT STRING", "a BIT STRING").into());
            }
        }
        let length = self.length(end)?;
        let from = self.at;
        let to = match length {
            Some(len) => match from.checked_add(len).filter(|to| *to <= end) {
                Some(to) => to,
                None => {
                    let left = end - from;
                    return Err(self
                        .fault_at(start, "length", format!("no more than the {left} octets that are left"))
                        .found(len)
                        .into());
                }
            },
            None if !constructed => {
                return Err(self.fault_at(start, "length", "a definite length of a primitive value").into());
            }
            None => end,
        };
        let opaque = !constructed && matches!(first, 0x04 | 0x80);
        let own = (from - start).saturating_add(if constructed || opaque { 0 } else { to - from });
        self.octets = self.octets.saturating_add(own);
        if self.octets > self.limits.asn1_octets {
            return Err(LimitExceeded::new("asn1_octets", self.limits.asn1_octets as u64).into());
        }
        let universal = first < 0x40;
        if universal && !constructed && matches!(first, 0x10 | 0x11) {
            return Err(self.fault_at(start, "SEQUENCE or SET", "a constructed value").into());
        }
        if let Some(frame) = self.stack.last_mut() {
            frame.shape = frame.shape.after(first);
        }
        let node = self.nodes.len();
        if !constructed {
            self.nodes.push(Node { tag, content: from..to, form: Form::Primitive, len: to - from, span: 1 });
            self.at = to;
            return self.leaf(node, segments);
        }
        let inner = match first {
            0x30 | 0x31 | 0x28 | 0x2B | 0x3D => None,
            0x23 | 0x24 | 0x2C | 0x32..=0x3C | 0x3E => {
                Some(Segments { number: first & 0x1F, root: segments.map_or(node, |s| s.root) })
            }
            0xA0 if shape == Shape::Algorithm && matches!(self.input.get(from..to), Some([0x04 | 0x24, ..])) => {
                Some(Segments { number: 0x04, root: node })
            }
            _ if universal && first & 0x1F != 0x1F => {
                return Err(self
                    .fault_at(start, "value", "a primitive value")
                    .found(format_args!("constructed tag {first:#04x}"))
                    .into());
            }
            _ => None,
        };
        if self.stack.len() >= self.limits.depth {
            return Err(LimitExceeded::new("depth", self.limits.depth as u64).into());
        }
        let form = if inner.is_some() { Form::Segmented { unused: None } } else { Form::Constructed };
        self.nodes.push(Node { tag, content: from..from, form, len: 0, span: 1 });
        self.stack.push(Frame {
            node,
            end: to,
            indefinite: length.is_none(),
            shape: if first == 0x30 { Shape::Start } else { Shape::Other },
            segments: inner,
        });
        Ok(())
    }

    /// Adds a primitive value to the one it lies in.
    fn leaf(&mut self, node: usize, segments: Option<Segments>) -> Result<(), Error> {
        if let Some(Segments { number: 0x03, root }) = segments {
            self.bit_segment(node, root)?;
        }
        self.add_to_parent(node)
    }

    /// Cuts the octet of unused bits from a segment of a BIT STRING (X.690 §8.6.4).
    fn bit_segment(&mut self, node: usize, root: usize) -> Result<(), Error> {
        let content = self.nodes.get(node).map_or(0..0, |n| n.content.clone());
        let unused = self.input.get(content.clone()).and_then(|c| c.first().copied());
        let fault =
            self.fault_at(content.start, "segment of a constructed BIT STRING", "whole octets in all but the last");
        let Some(unused @ 0..=7) = unused else { return Err(fault.into()) };
        match self.nodes.get_mut(root).map(|n| &mut n.form) {
            Some(Form::Segmented { unused: Some(1..) }) => return Err(fault.into()),
            Some(Form::Segmented { unused: last }) => *last = Some(unused),
            _ => {}
        }
        if let Some(n) = self.nodes.get_mut(node) {
            n.content.start += 1;
            n.len -= 1;
        }
        Ok(())
    }

    /// Ends the innermost open value.
    fn close(&mut self) -> Result<(), Error> {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let all = self.nodes.len();
        let fault = self.fault("constructed BIT STRING", "at least one segment");
        if let Some(node) = self.nodes.get_mut(frame.node) {
            node.span = all - frame.node;
            if let Some(Segments { number: 0x03, root }) = frame.segments
                && root == frame.node
            {
                if node.form == (Form::Segmented { unused: None }) {
                    return Err(fault.into());
                }
                node.len += 1;
            }
        }
        self.add_to_parent(frame.node)
    }

    fn add_to_parent(&mut self, node: usize) -> Result<(), Error> {
        let Some(frame) = self.stack.last() else { return Ok(()) };
        let (parent, is_string) = (frame.node, frame.segments.is_some());
        let Some(child) = self.nodes.get(node) else { return Ok(()) };
        let added = if is_string { child.len } else { child.tag.len() + length_octets(child.len) + child.len };
        if let Some(parent) = self.nodes.get_mut(parent) {
            parent.len = parent.len.saturating_add(added);
        }
        Ok(())
    }

    /// The identifier octets.
    fn tag(&mut self, end: usize) -> Result<Range<usize>, Error> {
        let start = self.at;
        let octets = self.input.get(start..end).unwrap_or(&[]);
        let Some(first) = octets.first() else {
            return Err(self.fault("tag", "a value").found("the end").into());
        };
        let mut len = 1;
        if first & 0x1F == 0x1F {
            // Four octets more hold every tag number below 2^28.
            match octets.iter().skip(1).take(4).position(|b| b & 0x80 == 0) {
                Some(n) => len += n + 1,
                None => return Err(self.fault("tag", "a tag number below 2^28").into()),
            }
        }
        self.at += len;
        Ok(start..start + len)
    }

    /// The length octets; `None` for the indefinite form.
    fn length(&mut self, end: usize) -> Result<Option<usize>, Error> {
        let octets = self.input.get(self.at..end).unwrap_or(&[]);
        let fault = || Malformed::new(Format::Asn1, "length", "a length").at(self.at as u64);
        let first = *octets.first().ok_or_else(|| fault().found("the end"))?;
        let (taken, len) = match first {
            0..=0x7F => (1, Some(usize::from(first))),
            0x80 => (1, None),
            0xFF => return Err(fault().found("the reserved octet 0xff").into()),
            _ => {
                let n = usize::from(first & 0x7F);
                let value = octets.get(1..=n).ok_or_else(|| fault().found("the end"))?;
                let mut len = 0usize;
                for b in value {
                    let high = len.checked_mul(256).ok_or_else(|| fault().found("one beyond all memory"))?;
                    len = high | usize::from(*b);
                }
                (1 + n, Some(len))
            }
        };
        self.at += taken;
        Ok(len)
    }

    fn fault(&self, field: &'static str, expected: &'static str) -> Malformed {
        self.fault_at(self.at, field, expected)
    }

    #[allow(clippy::unused_self)] // reads as the method beside it
    fn fault_at(&self, at: usize, field: &'static str, expected: impl Into<Cow<'static, str>>) -> Malformed {
        Malformed::new(Format::Asn1, field, expected).at(at as u64)
    }
}

fn length_octets(len: usize) -> usize {
    if len < 0x80 { 1 } else { 1 + (usize::BITS - len.leading_zeros()).div_ceil(8) as usize }
}

fn emit(input: &[u8], nodes: &[Node]) -> Vec<u8> {
    let octets = |range: &Range<usize>| input.get(range.clone()).unwrap_or(&[]);
    let mut out = Vec::with_capacity(nodes.first().map_or(0, |n| n.tag.len() + length_octets(n.len) + n.len));
    let mut i = 0;
    while let Some(node) = nodes.get(i) {
        let tag = octets(&node.tag);
        match node.form {
            Form::Segmented { unused } => {
                out.extend(tag.first().map(|t| t & !0x20));
                push_length(&mut out, node.len);
                out.extend(unused);
                let inner = nodes.get(i..i + node.span).unwrap_or(&[]);
                for segment in inner.iter().filter(|n| n.form == Form::Primitive) {
                    out.extend_from_slice(octets(&segment.content));
                }
                i += node.span;
                continue;
            }
            Form::Primitive => {
                out.extend_from_slice(tag);
                push_length(&mut out, node.len);
                out.extend_from_slice(octets(&node.content));
            }
            Form::Constructed => {
                out.extend_from_slice(tag);
                push_length(&mut out, node.len);
            }
        }
        i += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(input: &[u8]) -> Vec<u8> {
        let (out, rest) = to_der(input, &Limits::default()).unwrap();
        assert!(rest.is_empty(), "{rest:?}");
        assert!(matches!(to_der(&out, &Limits::default()).unwrap().0, Cow::Borrowed(b) if b == out.as_ref()));
        out.into_owned()
    }

    fn fails(input: &[u8]) -> String {
        to_der(input, &Limits::default()).unwrap_err().to_string()
    }

    /// id-data with a streamed content, as OpenSSL `-stream` writes it.
    const STREAMED: &[u8] = &[
        0x30, 0x80, // SignedData and the like
        0x02, 0x01, 0x01, //
        0x30, 0x80, 0x06, 0x03, 0x2A, 0x03, 0x04, 0xA0, 0x80, // eContent [0]
        0x24, 0x80, 0x04, 0x02, b'a', b'b', 0x04, 0x01, b'c', 0x00, 0x00, //
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ];

    #[test]
    fn streamed_content_becomes_one_string() {
        assert_eq!(
            der(STREAMED),
            [
                0x30, 0x11, 0x02, 0x01, 0x01, 0x30, 0x0C, 0x06, 0x03, 0x2A, 0x03, 0x04, 0xA0, 0x05, 0x04, 0x03, b'a',
                b'b', b'c'
            ]
        );
    }

    #[test]
    fn der_is_borrowed_with_its_rest() {
        let input = [0x30, 0x03, 0x04, 0x01, 9, 0, 0, 0];
        let (out, rest) = to_der(&input, &Limits::default()).unwrap();
        assert!(matches!(out, Cow::Borrowed(b) if b == &input[..5]));
        assert_eq!(rest, [0, 0, 0]);
        assert!(matches!(to_der(&[0x05, 0x00], &Limits::default()).unwrap(), (Cow::Borrowed(_), [])));
        assert!(matches!(to_der(&[0x30, 0x00], &Limits::default()).unwrap(), (Cow::Borrowed(_), [])));
        let mut padded = STREAMED.to_vec();
        padded.extend([0; 20]);
        assert_eq!(to_der(&padded, &Limits::default()).unwrap().1, [0; 20]);
    }

    #[test]
    fn strings_in_segments_become_primitive_at_any_depth() {
        // Definite and indefinite, nested, empty segments.
        assert_eq!(der(&[0x24, 0x06, 0x04, 0x01, 1, 0x04, 0x01, 2]), [0x04, 2, 1, 2]);
        assert_eq!(
            der(&[0x24, 0x80, 0x24, 0x80, 0x04, 1, 1, 0x04, 0, 0, 0, 0x24, 0x03, 0x04, 1, 2, 0, 0]),
            [0x04, 2, 1, 2]
        );
        assert_eq!(der(&[0x24, 0x00]), [0x04, 0]);
        // A character string's segments are OCTET STRINGs (X.690 §8.23.6); its own type is seen too.
        assert_eq!(der(&[0x2C, 0x80, 0x04, 1, b'J', 0x0C, 1, b'o', 0, 0]), [0x0C, 2, b'J', b'o']);
        // BIT STRING: the unused bits of the last segment count.
        assert_eq!(
            der(&[0x23, 0x80, 0x03, 0x03, 0, 0x0A, 0x3B, 0x23, 0x04, 0x03, 2, 4, 0xF0, 0, 0]),
            [0x03, 4, 4, 0x0A, 0x3B, 0xF0]
        );
        assert!(fails(&[0x23, 0x06, 0x03, 2, 4, 0xF0, 0x03, 0x00]).contains("BIT STRING"));
        assert!(fails(&[0x23, 0x08, 0x03, 2, 4, 0xF0, 0x03, 2, 0, 1]).contains("whole octets"));
        assert!(fails(&[0x23, 0x80, 0, 0]).contains("at least one segment"));
        assert!(fails(&[0x24, 0x03, 0x02, 1, 1]).contains("OCTET STRING"));
        assert!(fails(&[0x23, 0x03, 0x04, 1, 1]).contains("BIT STRING"));
    }

    #[test]
    fn encrypted_content_is_told_from_explicit_content() {
        let head = [0x06, 1, 0x2A, 0x30, 0];
        let info = |tail: &[u8]| {
            let inner = [&head, tail].concat();
            [&[0x30, u8::try_from(inner.len()).unwrap()], &inner[..]].concat()
        };
        assert_eq!(der(&info(&[0xA0, 6, 0x04, 1, 1, 0x04, 1, 2])), info(&[0x80, 2, 1, 2]));
        assert_eq!(der(&info(&[0xA0, 0x80, 0x04, 1, 1, 0, 0])), info(&[0x80, 1, 1]));
        // Right after the identifier it is EXPLICIT, and one OCTET STRING is DER.
        let explicit = [0x30, 8, 0x06, 1, 0x2A, 0xA0, 3, 0x04, 1, 1];
        assert_eq!(der(&explicit), explicit);
        // Something else in the third place stays.
        let other = info(&[0xA0, 3, 0x02, 1, 1]);
        assert_eq!(der(&other), other);
        // So does an empty one, whatever follows it.
        let indefinite = [&[0x30, 0x80][..], &head, &[0xA0, 0, 0x04, 1, 2, 0, 0]].concat();
        assert_eq!(der(&indefinite), info(&[0xA0, 0, 0x04, 1, 2]));
        assert_eq!(der(&info(&[0xA0, 0, 0x04, 1, 2])), info(&[0xA0, 0, 0x04, 1, 2]));
    }

    #[test]
    fn lengths_become_minimal_and_contents_stay() {
        assert_eq!(der(&[0x30, 0x82, 0, 4, 0x02, 0x81, 1, 5]), [0x30, 3, 0x02, 1, 5]);
        // BOOLEAN 1 and an unsorted SET keep their octets.
        let kept = [0x31, 0x80, 0x0C, 1, b'b', 0x01, 1, 1, 0, 0];
        assert_eq!(der(&kept), [0x31, 6, 0x0C, 1, b'b', 0x01, 1, 1]);
        // A tag number of two octets and more.
        assert_eq!(
            to_der(&[0xBF, 0x81, 0x01, 0x80, 0x02, 1, 5, 0, 0], &Limits::default()).unwrap().0.as_ref(),
            [0xBF, 0x81, 0x01, 3, 0x02, 1, 5]
        );
        // A long content whose length octets change.
        let mut long = vec![0x30, 0x80, 0x04, 0x83, 0, 1, 0];
        long.extend([7; 256]);
        long.extend([0, 0]);
        let out = der(&long);
        assert_eq!(out[..8], [0x30, 0x82, 1, 4, 0x04, 0x82, 1, 0]);
        assert_eq!(out.len(), 264);
    }

    #[test]
    fn truncation_is_an_error_everywhere() {
        for end in 0..STREAMED.len() {
            assert!(to_der(&STREAMED[..end], &Limits::default()).is_err(), "{end}");
        }
        assert!(fails(&[]).contains("offset 0"));
        assert!(fails(&[0x30, 0x03, 0x02, 1]).contains("offset 0"));
        assert!(fails(&[0x30, 0x02, 0x02, 1]).contains("offset 2"));
    }

    #[test]
    fn forbidden_forms_are_errors() {
        for (input, word) in [
            (&[0x04, 0x80, 0, 0][..], "definite"),
            (&[0x30, 0xFF], "reserved"),
            (&[0x30, 2, 0, 0], "end-of-contents"),
            (&[0, 0], "end-of-contents"),
            (&[0x30, 0x80, 0, 1], "two zero octets"),
            (&[0x10, 0], "constructed"),
            (&[0x22, 3, 0x02, 1, 1], "primitive"),
            (&[0x30, 0x80, 0x04, 0x89, 1, 0, 0, 0, 0, 0, 0, 0, 0], "memory"),
            (&[0x1F, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "tag number"),
        ] {
            let error = fails(input);
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn nesting_and_counts_are_limited() {
        let nested = |n: usize| {
            let mut v = [0x30, 0x80].repeat(n);
            v.extend([0, 0].repeat(n));
            v
        };
        assert_eq!(der(&nested(64)).len(), 128);
        assert!(fails(&nested(65)).contains("depth"));
        assert!(fails(&[0x30, 0x80].repeat(1_000_000)).contains("depth"));
        assert!(fails(&[0x24, 0x80].repeat(1_000_000)).contains("depth"));
        let mut definite = Vec::new();
        for _ in 0..65 {
            definite = super::super::encode::tlv(0x30, &definite);
        }
        assert!(fails(&definite).contains("depth"));
        assert_eq!(der(&definite[3..]), definite[3..]); // its header has three octets

        let few = Limits { asn1_elements: 3, asn1_octets: 8, ..Limits::default() };
        assert!(to_der(&[0x30, 6, 5, 0, 5, 0, 5, 0], &few).unwrap_err().to_string().contains("asn1_elements"));
        assert!(to_der(&[0x30, 7, 2, 5, 1, 1, 1, 1, 1], &few).unwrap_err().to_string().contains("asn1_octets"));
        // The content of an OCTET STRING does not count.
        assert!(to_der(&[0x30, 9, 4, 7, 1, 1, 1, 1, 1, 1, 1], &few).is_ok());
    }

    #[test]
    fn the_quick_look_takes_only_what_the_slow_way_leaves_as_it_is() {
        let limits = Limits::default();
        let identifier = [0x06, 3, 0x2A, 0x03, 0x04];
        let algorithm = super::super::encode::tlv(0x30, &identifier);
        let octets = super::super::encode::tlv(0xA0, &super::super::encode::tlv(0x04, &[7; 130]));
        let rest = [0x31, 4, 0x02, 0, 0x05, 0, 0x80, 1, 9, 0x03, 1, 0];
        let inner = super::super::encode::tlv(0x30, &[&identifier[..], &octets].concat());
        let all = [&identifier[..], &algorithm, &inner, &rest].concat();
        let sample = super::super::encode::tlv(0x30, &all);
        let mut taken = 0;
        for (position, value) in (0..sample.len()).flat_map(|p| (0..=255).map(move |value| (p, value))) {
            let mut changed = sample.clone();
            changed[position] = value;
            let quick = der_prefix(&changed, &limits);
            assert_eq!(quick, quick_look::<true>(&changed, &limits));
            let Some(len) = quick else { continue };
            let (nodes, consumed) = Transcoder::new(&changed, &limits).run().unwrap();
            assert_eq!((consumed, &emit(&changed, &nodes)[..]), (len, &changed[..len]), "{value} at {position}");
            taken += 1;
        }
        assert!(taken > sample.len(), "{taken}");
    }
}
