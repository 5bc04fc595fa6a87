//! Copies of papers and of other copies (Decree 30/2020/ND-CP, Article 25 and annex I, part II).

use crate::pdf::Appearance;
use crate::pdf::text::Alignment;
use crate::pdf::text::Text;
use crate::time::Time;

/// The form of a copy, which its mark names.
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

/// Minutes east of UTC.
const VIETNAM: i16 = 420;
/// Width and height of the mark in points: three lines in the upper margin.
const SIZE: (f64, f64) = (230.0, 40.0);
/// Distance from the corner of the page.
const EDGE: f64 = 14.0;

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

    /// What the agency's signature on a copy shows: the form, the agency and the
    /// time, without an image, in Times New Roman, upright, 10 points, black.
    #[must_use]
    pub fn mark(self, agency: &str, time: Time) -> Appearance {
        let text = format!("{}\n{agency}\n{}", self.name(), time.to_rfc3339(VIETNAM));
        // A long name shrinks before it is wrapped into a fourth line.
        let text = Text::new(text).size(10.0).minimum(7.0).align(Alignment::Centre);
        Appearance::new(SIZE.0, SIZE.1).text(text)
    }

    /// Where the mark stands on a first page of this size, as shown: its lower
    /// left corner, for the upper right corner of the page.
    #[must_use]
    pub const fn place((width, height): (f64, f64)) -> (f64, f64) {
        (width - SIZE.0 - EDGE, height - SIZE.1 - EDGE)
    }
}
