//! Certificate policies of a path (RFC 5280 §6.1, as the graph of RFC 9618).
//!
//! The tree of RFC 5280 grows exponentially under hostile mappings (RFC 9618
//! §1). Here each policy has one node per certificate, so that the work is
//! linear in the extensions that were read.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::outcome::ValidPolicy;
use crate::asn1::Oid;
use crate::error::LimitExceeded;
use crate::limits::Budget;
use crate::x509::PolicyInformation;
use crate::x509::PolicyMapping;

/// `2.5.29.32.0`.
pub(super) const ANY_POLICY: Oid = Oid::known(&[0x55, 0x1D, 0x20, 0x00]);

/// The valid_policy_graph; without a level it is NULL.
#[derive(Debug)]
pub(super) struct Graph {
    /// By depth, the root first.
    levels: Vec<Level>,
}

type Level = BTreeMap<Oid, Node>;

#[derive(Debug)]
struct Node {
    qualifiers: Option<Vec<u8>>,
    expected: BTreeSet<Oid>,
    /// Policies of the level above.
    parents: BTreeSet<Oid>,
    /// Whether it still stands after policy mapping (§6.1.4 (b)).
    alive: bool,
}

impl Node {
    fn new(policy: Oid, qualifiers: Option<Vec<u8>>, parents: BTreeSet<Oid>) -> Self {
        Self { qualifiers, expected: BTreeSet::from([policy]), parents, alive: true }
    }
}

impl Graph {
    /// The graph before the first certificate: anyPolicy alone.
    pub(super) fn new() -> Self {
        Self { levels: vec![Level::from([(ANY_POLICY, Node::new(ANY_POLICY, None, BTreeSet::new()))])] }
    }

    pub(super) fn is_null(&self) -> bool {
        self.levels.is_empty()
    }

    /// §6.1.3 (d) and (e): the policies of one certificate; `None` without the extension.
    pub(super) fn descend(
        &mut self,
        policies: Option<&[PolicyInformation]>,
        any_policy_counts: bool,
        budget: &Budget,
    ) -> Result<(), LimitExceeded> {
        let (Some(above), Some(policies)) = (self.levels.last(), policies) else {
            self.levels.clear();
            return Ok(());
        };
        let mut expecting: BTreeMap<Oid, BTreeSet<Oid>> = BTreeMap::new();
        for (policy, node) in above.iter().filter(|(_, n)| n.alive) {
            budget.spend_many(node.expected.len() as u64)?;
            for expected in &node.expected {
                expecting.entry(*expected).or_default().insert(*policy);
            }
        }
        let any_above = above.get(&ANY_POLICY).is_some_and(|n| n.alive);
        let mut level = Level::new();
        budget.spend_many(policies.len() as u64)?;
        for information in policies.iter().filter(|p| p.policy != ANY_POLICY) {
            // (d)(1): a node that was expected, else one below anyPolicy.
            let parents = match expecting.get(&information.policy) {
                Some(parents) => parents.clone(),
                None if any_above => BTreeSet::from([ANY_POLICY]),
                None => continue,
            };
            let node = Node::new(information.policy, information.qualifiers.clone(), parents);
            level.insert(information.policy, node);
        }
        if let Some(any) = policies.iter().find(|p| p.policy == ANY_POLICY)
            && any_policy_counts
        {
            // (d)(2): whatever is expected and not stated.
            for (policy, parents) in expecting {
                level.entry(policy).or_insert_with(|| Node::new(policy, any.qualifiers.clone(), parents));
            }
        }
        if level.is_empty() {
            self.levels.clear();
        } else {
            self.levels.push(level);
        }
        Ok(())
    }

    /// §6.1.4 (b): the mappings of one certificate.
    pub(super) fn map(
        &mut self,
        mappings: &[PolicyMapping],
        mapping_counts: bool,
        budget: &Budget,
    ) -> Result<(), LimitExceeded> {
        let Some(level) = self.levels.last_mut() else { return Ok(()) };
        budget.spend_many(mappings.len() as u64)?;
        let mut by_issuer: BTreeMap<Oid, BTreeSet<Oid>> = BTreeMap::new();
        for mapping in mappings {
            by_issuer.entry(mapping.issuer_domain).or_default().insert(mapping.subject_domain);
        }
        let any = level.get(&ANY_POLICY).map(|n| (n.qualifiers.clone(), n.parents.clone()));
        for (policy, subject_domains) in by_issuer {
            match (level.get_mut(&policy), &any) {
                (Some(node), _) if mapping_counts => node.expected = subject_domains,
                (Some(node), _) => node.alive = false,
                (None, Some((qualifiers, parents))) if mapping_counts => {
                    let mut node = Node::new(policy, qualifiers.clone(), parents.clone());
                    node.expected = subject_domains;
                    level.insert(policy, node);
                }
                (None, _) => {}
            }
        }
        if level.values().all(|n| !n.alive) {
            self.levels.clear();
        }
        Ok(())
    }

    /// §6.1.5 (g) before the intersection with the caller's policies: what the authorities grant.
    pub(super) fn granted(&self, budget: &Budget) -> Result<Vec<ValidPolicy>, LimitExceeded> {
        let Some(leaf) = self.levels.last() else { return Ok(Vec::new()) };
        // Upwards: what reaches the leaf at all (RFC 5280 prunes the rest).
        let mut reaching = vec![leaf.iter().filter(|(_, n)| n.alive).map(|(p, _)| *p).collect::<BTreeSet<_>>()];
        for level in self.levels.iter().skip(1).rev() {
            let below = reaching.last().cloned().unwrap_or_default();
            let mut above = BTreeSet::new();
            for node in below.iter().filter_map(|p| level.get(p)) {
                budget.spend_many(node.parents.len() as u64)?;
                above.extend(node.parents.iter().copied());
            }
            reaching.push(above);
        }
        reaching.reverse();
        // Downwards: the policies whose parent is anyPolicy are those of the anchor's domain.
        let mut granted: BTreeMap<Oid, ValidPolicy> = BTreeMap::new();
        for (depth, level) in self.levels.iter().enumerate().skip(1) {
            for (policy, node) in level {
                let of_anchor = *policy != ANY_POLICY && node.parents.contains(&ANY_POLICY);
                if !of_anchor || !reaching.get(depth).is_some_and(|r| r.contains(policy)) {
                    continue;
                }
                let subjects = self.descendants(depth, *policy, budget)?;
                let entry = granted.entry(*policy).or_insert_with(|| ValidPolicy::new(*policy));
                for (subject, node) in subjects.iter().filter_map(|s| Some((*s, leaf.get(s)?))).filter(|(_, n)| n.alive)
                {
                    entry.add(subject, node.qualifiers.as_deref());
                }
            }
        }
        if let Some(node) = leaf.get(&ANY_POLICY).filter(|n| n.alive) {
            granted
                .entry(ANY_POLICY)
                .or_insert_with(|| ValidPolicy::new(ANY_POLICY))
                .add(ANY_POLICY, node.qualifiers.as_deref());
        }
        Ok(granted.into_values().collect())
    }

    /// The nodes of the leaf below one node.
    fn descendants(&self, depth: usize, policy: Oid, budget: &Budget) -> Result<BTreeSet<Oid>, LimitExceeded> {
        let mut current = BTreeSet::from([policy]);
        for level in self.levels.iter().skip(depth + 1) {
            let mut next = BTreeSet::new();
            for (below, node) in level {
                budget.spend()?;
                if node.parents.iter().any(|p| current.contains(p)) {
                    next.insert(*below);
                }
            }
            current = next;
        }
        Ok(current)
    }
}

/// The granted policies that the caller accepts; `None` accepts all.
pub(super) fn accepted(granted: &[ValidPolicy], initial: Option<&[Oid]>) -> Vec<ValidPolicy> {
    let Some(initial) = initial.filter(|i| !i.contains(&ANY_POLICY)) else { return granted.to_vec() };
    let any = granted.iter().find(|g| g.policy == ANY_POLICY);
    let wanted: BTreeSet<&Oid> = initial.iter().collect();
    let by_policy: BTreeMap<&Oid, &ValidPolicy> = granted.iter().map(|g| (&g.policy, g)).collect();
    wanted
        .into_iter()
        .filter_map(|policy| match (by_policy.get(policy), any) {
            (Some(granted), _) => Some((*granted).clone()),
            (None, Some(any)) => Some(ValidPolicy { policy: *policy, ..any.clone() }),
            (None, None) => None,
        })
        .collect()
}

impl ValidPolicy {
    fn new(policy: Oid) -> Self {
        Self { policy, subject_policies: Vec::new(), qualifiers: Vec::new() }
    }

    fn add(&mut self, subject: Oid, qualifiers: Option<&[u8]>) {
        if !self.subject_policies.contains(&subject) {
            self.subject_policies.push(subject);
            self.qualifiers.extend(qualifiers.map(<[u8]>::to_vec));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oid(n: u32) -> Oid {
        Oid::parse(&format!("1.3.6.1.4.1.99999.{n}")).unwrap()
    }

    fn state(policies: &[Oid]) -> Vec<PolicyInformation> {
        policies.iter().map(|p| PolicyInformation { policy: *p, qualifiers: None }).collect()
    }

    fn mapping(from: u32, to: u32) -> PolicyMapping {
        PolicyMapping { issuer_domain: oid(from), subject_domain: oid(to) }
    }

    fn names(policies: &[ValidPolicy]) -> Vec<Oid> {
        policies.iter().map(|p| p.policy).collect()
    }

    #[test]
    fn a_mapped_policy_is_reported_in_the_anchors_terms() {
        let budget = Budget::new("steps", 1_000);
        let mut graph = Graph::new();
        graph.descend(Some(&state(&[oid(1)])), true, &budget).unwrap();
        graph.map(&[mapping(1, 2)], true, &budget).unwrap();
        graph.descend(Some(&state(&[oid(2), oid(3)])), true, &budget).unwrap();
        let granted = graph.granted(&budget).unwrap();
        assert_eq!(names(&granted), [oid(1)]);
        assert_eq!(granted[0].subject_policies, [oid(2)]);
        assert_eq!(names(&accepted(&granted, Some(&[oid(2)]))), []);
        assert_eq!(names(&accepted(&granted, Some(&[oid(1), oid(9)]))), [oid(1)]);
    }

    #[test]
    fn an_inhibited_mapping_removes_the_policy() {
        let budget = Budget::new("steps", 1_000);
        let mut graph = Graph::new();
        graph.descend(Some(&state(&[oid(1)])), true, &budget).unwrap();
        graph.map(&[mapping(1, 2)], false, &budget).unwrap();
        assert!(graph.is_null());
    }

    #[test]
    fn any_policy_grants_what_the_caller_names() {
        let budget = Budget::new("steps", 1_000);
        let mut graph = Graph::new();
        graph.descend(Some(&state(&[ANY_POLICY])), true, &budget).unwrap();
        let granted = graph.granted(&budget).unwrap();
        assert_eq!(names(&granted), [ANY_POLICY]);
        assert_eq!(names(&accepted(&granted, Some(&[oid(7)]))), [oid(7)]);
        let mut graph = Graph::new();
        graph.descend(Some(&state(&[ANY_POLICY])), false, &budget).unwrap();
        assert!(graph.is_null());
    }

    #[test]
    fn hostile_mappings_stay_linear() {
        // Each certificate maps every policy to all policies: the tree would have k^n nodes.
        let budget = Budget::new("steps", 20_000);
        let k = 12;
        let all = state(&(0..k).map(oid).collect::<Vec<_>>());
        let mappings: Vec<_> = (0..k).flat_map(|a| (0..k).map(move |b| mapping(a, b))).collect();
        let mut graph = Graph::new();
        for _ in 0..16 {
            graph.descend(Some(&all), true, &budget).unwrap();
            graph.map(&mappings, true, &budget).unwrap();
        }
        graph.descend(Some(&all), true, &budget).unwrap();
        assert_eq!(graph.granted(&budget).unwrap().len(), k as usize);
    }
}
