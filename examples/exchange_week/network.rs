//! A network that delivers late, twice and out of order; chance that is the same in every run.

/// Numbers that look like chance (xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let end = end.max(1) as u64;
        usize::try_from((self.0 >> 16) % end).unwrap_or(0)
    }

    pub(crate) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

/// A message on its way.
struct Carried {
    arrives: usize,
    sent: usize,
    to: usize,
    octets: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Network {
    carried: Vec<Carried>,
    count: usize,
    copies: usize,
    overtaken: usize,
    newest: [usize; 2],
}

impl Network {
    /// Takes a message; most arrive within the hour, some the next day, some twice.
    pub(crate) fn send(&mut self, to: usize, octets: Vec<u8>, now: usize, chance: &mut Chance) {
        self.count += 1;
        let mut carry = |octets: Vec<u8>, chance: &mut Chance| {
            let late = if chance.percent(10) { 48 } else { 6 };
            self.carried.push(Carried { arrives: now + 1 + chance.below(late), sent: self.count, to, octets });
        };
        if chance.percent(7) {
            carry(octets.clone(), chance);
            self.copies += 1;
        }
        carry(octets, chance);
    }

    /// What arrives now, and at whom.
    pub(crate) fn arriving(&mut self, now: usize) -> Vec<(usize, Vec<u8>)> {
        let (mut here, later): (Vec<Carried>, Vec<Carried>) =
            std::mem::take(&mut self.carried).into_iter().partition(|c| c.arrives <= now);
        self.carried = later;
        here.sort_by_key(|c| (c.arrives, std::cmp::Reverse(c.sent)));
        for carried in &here {
            if let Some(newest) = self.newest.get_mut(carried.to) {
                self.overtaken += usize::from(carried.sent < *newest);
                *newest = carried.sent.max(*newest);
            }
        }
        here.into_iter().map(|c| (c.to, c.octets)).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.carried.is_empty()
    }

    pub(crate) const fn count(&self) -> usize {
        self.count
    }

    /// Copies, and messages that arrived behind one that was sent later.
    pub(crate) const fn troubles(&self) -> (usize, usize) {
        (self.copies, self.overtaken)
    }
}
