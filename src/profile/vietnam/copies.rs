//! Copies of papers and of other copies (Decree 30/2020/ND-CP, Article 25 and annex I, part II).

/// The form of a copy, which its mark names: the presentation [`COPY`](super::looks::COPY).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the decree knows these
pub enum CopyForm {
    /// `SAO Y`: the whole of an original, by whoever issued it or received it.
    SaoY,
    /// `SAO LỤC`: the whole of a copy that is a `SAO Y`.
    SaoLuc,
    /// `TRÍCH SAO`: a part of an original.
    TrichSao,
}

impl CopyForm {
    /// As the mark writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SaoY => "SAO Y",
            Self::SaoLuc => "SAO LỤC",
            Self::TrichSao => "TRÍCH SAO",
        }
    }
}
