//! The baseline levels of the AdES standards.

/// A baseline level (EN 319 142-1 §6, EN 319 122-1 §6): what a signature carries, not whether it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(clippy::exhaustive_enums)] // the standards have these four
pub enum BaselineLevel {
    /// A signature with the signing certificate named in it.
    B,
    /// With a time-stamp over it.
    T,
    /// With certificates and revocation data.
    Lt,
    /// With an archive time-stamp over all of it.
    Lta,
}

impl BaselineLevel {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::B => "B-B",
            Self::T => "B-T",
            Self::Lt => "B-LT",
            Self::Lta => "B-LTA",
        }
    }
}
