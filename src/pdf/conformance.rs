//! What a document claims to conform to, and how an appearance stays within it (ISO 19005).

use crate::error::Error;
use crate::pdf::document::Revision;
use crate::pdf::object::Dictionary;
use crate::pdf::object::Object;
use crate::pdf::object::Real;

/// Octets of metadata that are looked through.
const MOST_METADATA: usize = 4 << 20;

/// What PDF/A asks of an appearance in this document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conformance {
    /// Part 1, which knows no transparency and wants an appearance of every field.
    pub(super) part_1: bool,
    /// Colours of devices are not defined here: no output intent says what RGB means.
    pub(super) calibrated: bool,
}

impl Conformance {
    /// By the XMP metadata and the output intents; what cannot be read claims nothing.
    pub(super) fn of(revision: Revision<'_>) -> Result<Self, Error> {
        let catalog = revision.catalog()?;
        let Some(catalog) = catalog.as_dictionary() else { return Ok(Self::default()) };
        // A signature does not fail on metadata that it has no business with.
        let metadata = revision.get(catalog, "Metadata").unwrap_or_default();
        let metadata = metadata.as_stream().and_then(|stream| revision.decoded(stream).ok()).unwrap_or_default();
        let Some(part) = part(metadata.get(..metadata.len().min(MOST_METADATA)).unwrap_or_default()) else {
            return Ok(Self::default());
        };
        let intents = revision.get(catalog, "OutputIntents").unwrap_or_default();
        let mut rgb = false;
        for intent in intents.as_array().unwrap_or_default().iter().take(16) {
            let intent = revision.resolve(intent).unwrap_or_default();
            let Some(intent) = intent.as_dictionary() else { continue };
            let profile = revision.get(intent, "DestOutputProfile").unwrap_or_default();
            let profile = profile.as_stream().and_then(|profile| revision.decoded(profile).ok());
            // The colour space of the data in the header of the profile (ICC.1 §7.2.6).
            rgb |= profile.is_some_and(|profile| profile.get(16..20) == Some(b"RGB "));
        }
        Ok(Self { part_1: part == b'1', calibrated: !rgb })
    }

    /// The space that RGB colours are given in.
    pub(super) fn rgb(self) -> Object {
        if !self.calibrated {
            return Object::name("DeviceRGB");
        }
        let matrix = [0.4124, 0.2126, 0.0193, 0.3576, 0.7152, 0.1192, 0.1805, 0.0722, 0.9505];
        let parameters = white().with("Gamma", reals([2.2; 3])).with("Matrix", reals(matrix));
        vec![Object::name("CalRGB"), parameters.into()].into()
    }

    /// The space that grey values are given in.
    pub(super) fn grey(self) -> Object {
        if !self.calibrated {
            return Object::name("DeviceGray");
        }
        let parameters = white().with("Gamma", Object::Real(Real::new(2.2)));
        vec![Object::name("CalGray"), parameters.into()].into()
    }
}

/// The white of sRGB, D65.
fn white() -> Dictionary {
    Dictionary::new().with("WhitePoint", reals([0.9505, 1.0, 1.089]))
}

fn reals<const N: usize>(values: [f64; N]) -> Vec<Object> {
    values.map(|value| Object::Real(Real::new(value))).to_vec()
}

/// The digit of `pdfaid:part`, as an attribute or as an element.
fn part(metadata: &[u8]) -> Option<u8> {
    let at = memchr::memmem::find(metadata, b"pdfaid:part")?;
    let after = metadata.get(at + b"pdfaid:part".len()..)?;
    after.iter().take(6).copied().find(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_stands_in_either_form() {
        assert_eq!(part(b"<rdf:Description pdfaid:part=\"2\" pdfaid:conformance='B'/>"), Some(b'2'));
        assert_eq!(part(b"<pdfaid:part>1</pdfaid:part>"), Some(b'1'));
        assert_eq!(part(b"<pdfaid:part/>"), None);
        assert_eq!(part(b"<dc:title>PDF/A-1</dc:title>"), None);
    }
}
