//! Object identifiers.

use std::fmt;

/// An object identifier, kept as its DER content octets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid {
    len: u8,
    octets: [u8; 39],
}

impl Oid {
    /// From DER content octets; `None` where they are no identifier of at most 39 octets.
    #[must_use]
    pub fn from_content(content: &[u8]) -> Option<Self> {
        let last = content.last()?;
        if content.len() > 39 || last & 0x80 != 0 {
            return None;
        }
        let mut octets = [0; 39];
        octets.get_mut(..content.len())?.copy_from_slice(content);
        Some(Self { len: u8::try_from(content.len()).ok()?, octets })
    }

    /// From dotted text, such as `1.2.840.113549.1.1.11`.
    #[must_use]
    pub fn parse(dotted: &str) -> Option<Self> {
        let mut arcs = dotted.split('.').map(|a| a.parse::<u64>().ok());
        let (first, second) = (arcs.next()??, arcs.next()??);
        if first > 2 || (first < 2 && second > 39) {
            return None;
        }
        let mut content = Vec::new();
        push_arc(&mut content, first.checked_mul(40)?.checked_add(second)?);
        for arc in arcs {
            push_arc(&mut content, arc?);
        }
        Self::from_content(&content)
    }

    /// A constant from content octets, checked when compiled.
    pub(crate) const fn known(content: &[u8]) -> Self {
        let mut octets = [0; 39];
        let mut i = 0;
        while i < content.len() {
            #[allow(clippy::indexing_slicing)] // evaluated by the compiler only
            {
                octets[i] = content[i];
            }
            i += 1;
        }
        #[allow(clippy::cast_possible_truncation)] // at most 39, by the array above
        Self { len: content.len() as u8, octets }
    }

    /// The DER content octets.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        self.octets.get(..usize::from(self.len)).unwrap_or(&[])
    }
}

fn push_arc(out: &mut Vec<u8>, arc: u64) {
    let groups = (64 - arc.leading_zeros()).div_ceil(7).max(1);
    for i in (0..groups).rev() {
        #[allow(clippy::cast_possible_truncation)] // masked to seven bits
        let group = (arc >> (7 * i)) as u8 & 0x7F;
        out.push(if i == 0 { group } else { group | 0x80 });
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut arc = 0u128;
        let mut first = true;
        for &b in self.content() {
            arc = arc << 7 | u128::from(b & 0x7F);
            if b & 0x80 != 0 {
                continue;
            }
            if first {
                let top = (arc / 40).min(2);
                write!(f, "{top}.{}", arc - top * 40)?;
                first = false;
            } else {
                write!(f, ".{arc}")?;
            }
            arc = 0;
        }
        Ok(())
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dotted_text_round_trips() {
        for text in
            ["1.2.840.113549.1.1.11", "2.5.29.15", "2.999.4", "0.9.2342.19200300.100.1.1", "1.3.6.1.4.1.311.60.2.1.3"]
        {
            assert_eq!(Oid::parse(text).unwrap().to_string(), text);
        }
        assert!(Oid::parse("3.1").is_none());
        assert!(Oid::parse("1.40").is_none());
    }
}
