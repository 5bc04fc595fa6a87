//! Sets of object numbers.

use std::collections::BTreeSet;

/// Numbers below are held in a bit each: no document has more objects (ISO 32000-1 Annex C).
const NEAR: u32 = 1 << 23;

/// A set of object numbers: one octet for eight of them, as far as a sound document may have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    near: Vec<u64>,
    far: BTreeSet<u32>,
}

impl Numbers {
    pub(super) fn insert(&mut self, number: u32) {
        let (word, bit) = place(number);
        if number >= NEAR {
            self.far.insert(number);
            return;
        }
        if word >= self.near.len() {
            self.near.resize(word + 1, 0);
        }
        if let Some(word) = self.near.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn contains(&self, number: u32) -> bool {
        let (word, bit) = place(number);
        if number >= NEAR {
            self.far.contains(&number)
        } else {
            self.near.get(word).is_some_and(|word| word & bit != 0)
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.far.is_empty() && self.near.iter().all(|word| *word == 0)
    }

    /// All of them, ascending.
    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        let near = (0_u32..).step_by(64).zip(&self.near).flat_map(|(first, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(first + bit)
            })
        });
        near.chain(self.far.iter().copied())
    }
}

impl FromIterator<u32> for Numbers {
    fn from_iter<T: IntoIterator<Item = u32>>(numbers: T) -> Self {
        let mut set = Self::default();
        numbers.into_iter().for_each(|number| set.insert(number));
        set
    }
}

/// The word that holds `number`, and its bit there.
fn place(number: u32) -> (usize, u64) {
    (usize::try_from(number / 64).unwrap_or(usize::MAX), 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_in_is_there_once_and_in_order() {
        let numbers = [0, 1, 63, 64, 65, 1000, NEAR - 1, NEAR, NEAR + 7, u32::MAX];
        let set: Numbers = numbers.iter().rev().chain(&numbers).copied().collect();
        assert!(Numbers::default().is_empty() && !set.is_empty());
        assert_eq!(set.iter().collect::<Vec<_>>(), numbers);
        for number in numbers {
            assert!(set.contains(number));
            assert_eq!(set.contains(number ^ 2), numbers.contains(&(number ^ 2)));
        }
    }
}
