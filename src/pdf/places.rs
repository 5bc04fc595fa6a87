//! Which cross-reference section says where an object is.

use crate::pdf::layout::Bounds;
use crate::pdf::xref::Place;
use crate::pdf::xref::Section;

/// For each number the sections that name it. To ask section after section would take longer
/// with every revision, and there may be thousands.
pub(super) struct Places {
    /// The section with the most entries, which most lookups end in.
    largest: usize,
    /// Numbers and sections, ascending, of all entries of the others.
    others: Vec<(u32, u32)>,
    /// For each section the end of the revision that it stands in.
    ends: Vec<u64>,
}

impl Places {
    /// `sections`: oldest first, as `revisions` divide them.
    pub(super) fn of(sections: &[Section], revisions: &[Bounds]) -> Self {
        let entries = |(_, section): &(usize, &Section)| section.entries.len();
        let largest = sections.iter().enumerate().max_by_key(entries).map_or(0, |(index, _)| index);
        let mut others = Vec::new();
        for (index, section) in (0_u32..).zip(sections).filter(|(index, _)| usize::try_from(*index) != Ok(largest)) {
            others.extend(section.entries.iter().map(|entry| (entry.number, index)));
        }
        others.sort_unstable();
        others.shrink_to_fit();
        let ends = revisions.iter().flat_map(|bounds| bounds.sections.clone().map(|_| bounds.end)).collect();
        Self { largest, others, ends }
    }

    /// Where the first `until` sections together say that `number` is, and the end of the revision that says so.
    pub(super) fn of_number(&self, sections: &[Section], number: u32, until: usize) -> Option<(Place, u64)> {
        let index = self.latest(sections, number, until)?;
        Some((sections.get(index)?.get(number)?.place(), *self.ends.get(index)?))
    }

    /// The latest of the first `until` sections that has an entry for `number`.
    fn latest(&self, sections: &[Section], number: u32, until: usize) -> Option<usize> {
        let before = self.others.partition_point(|(known, section)| {
            (*known, usize::try_from(*section).unwrap_or(usize::MAX)) < (number, until)
        });
        let other = before.checked_sub(1).and_then(|index| self.others.get(index));
        let other = other.filter(|(known, _)| *known == number).and_then(|(_, section)| usize::try_from(*section).ok());
        if self.largest < until && other.is_none_or(|other| other < self.largest) {
            let named = sections.get(self.largest).is_some_and(|section| section.get(number).is_some());
            return named.then_some(self.largest).or(other);
        }
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::pdf::xref::read_chain;

    #[test]
    fn the_latest_section_is_found_that_is_early_enough() {
        let mut text = String::new();
        let mut prev = String::new();
        let numbers: [&[u32]; 6] = [&[1, 3], &[3], &[0, 1, 2, 3, 5], &[2, 9], &[3, 9], &[1]];
        for numbers in numbers {
            let offset = text.len();
            text.push_str("xref\n");
            for number in numbers {
                text.push_str(&format!("{number} 1\n0000000017 00000 n \n"));
            }
            text.push_str(&format!("trailer <</Size 10{prev}>>\n"));
            prev = format!("/Prev {offset}");
        }
        let last = prev.trim_start_matches("/Prev ").parse().unwrap();
        let mut sections = read_chain(&text.into_bytes(), last, &Limits::default(), &mut Vec::new()).unwrap();
        sections.reverse();
        let places = Places::of(&sections, &[]);
        for until in 0..=numbers.len() {
            for number in 0..12 {
                let expected = numbers[..until].iter().rposition(|numbers| numbers.contains(&number));
                assert_eq!(places.latest(&sections, number, until), expected, "{number} in the first {until}");
            }
        }
        assert_eq!(Places::of(&[], &[]).latest(&[], 1, 1), None);
    }
}
