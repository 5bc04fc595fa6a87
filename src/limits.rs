//! Limits on untrusted input, and the budget of a search.

use std::cell::Cell;

use crate::error::LimitExceeded;

/// How much of each kind an input may claim before reading stops with
/// [`LimitExceeded`].
///
/// The defaults hold every honest file we know of with a wide margin; raise
/// one by name where a real document needs it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of one ASN.1 structure (a certificate, a CRL, a CMS without its content).
    pub asn1_octets: usize,
    /// Nesting of ASN.1 values, PDF arrays and dictionaries, and XML elements.
    pub depth: usize,
    /// Elements of one ASN.1 structure.
    pub asn1_elements: usize,
    /// Objects of a PDF document.
    pub pdf_objects: usize,
    /// Revisions (cross-reference sections) of a PDF document.
    pub pdf_revisions: usize,
    /// Octets that one compressed stream or ZIP entry may unfold to.
    pub inflated_octets: u64,
    /// Octets of one PDF object outside of stream data.
    pub pdf_object_octets: usize,
    /// Signatures of one document.
    pub signatures: usize,
    /// Nodes of one XML document.
    pub xml_nodes: usize,
    /// Attributes and namespace declarations of one XML element.
    pub xml_attributes: usize,
    /// Octets of an XML document outside of attachment payloads.
    pub xml_octets: usize,
    /// Attachments of one envelope.
    pub attachments: usize,
    /// Rounds of key derivation from a password, over all parts of one key store.
    pub password_rounds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            asn1_octets: 64 << 20,
            depth: 64,
            asn1_elements: 4_000_000,
            pdf_objects: 8_388_607,
            pdf_revisions: 4_096,
            inflated_octets: 256 << 20,
            pdf_object_octets: 16 << 20,
            signatures: 1_024,
            xml_nodes: 250_000,
            xml_attributes: 128,
            xml_octets: 64 << 20,
            attachments: 1_000,
            // Careful writers use 600 000 for each part, and a store has about three.
            password_rounds: 10_000_000,
        }
    }
}

/// A counter that a search spends: signature checks, path steps, name comparisons.
///
/// Shared by reference through one procedure, so that no part of it can
/// multiply the work of another.
#[derive(Debug)]
pub struct Budget {
    name: &'static str,
    allowed: u64,
    left: Cell<u64>,
}

impl Budget {
    /// A budget of `allowed` units, named in the error.
    #[must_use]
    pub const fn new(name: &'static str, allowed: u64) -> Self {
        Self { name, allowed, left: Cell::new(allowed) }
    }

    /// Spends one unit.
    ///
    /// # Errors
    /// [`LimitExceeded`] when nothing is left.
    pub fn spend(&self) -> Result<(), LimitExceeded> {
        self.spend_many(1)
    }

    /// Spends `units`.
    ///
    /// # Errors
    /// [`LimitExceeded`] when fewer are left; the budget is then empty.
    pub fn spend_many(&self, units: u64) -> Result<(), LimitExceeded> {
        match self.left.get().checked_sub(units) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => {
                self.left.set(0);
                Err(LimitExceeded::new(self.name, self.allowed))
            }
        }
    }
}
