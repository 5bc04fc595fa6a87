//! The search for a path: from the leaf up, through untrusted certificates.

use std::collections::HashMap;
use std::collections::HashSet;
use std::collections::hash_map::Entry;
use std::rc::Rc;
use std::sync::Arc;

use super::failure::Fault;
use super::failure::PathFailure;
use super::failure::PathReason;
use super::outcome::Path;
use super::process::Budgets;
use super::process::Context;
use super::process::may_sign_certificates;
use super::process::process;
use super::settings::PathSettings;
use super::signature::Signed;
use super::signature::Verifier;
use crate::asn1::Oid;
use crate::crypto::Backend;
use crate::crypto::PublicKey;
use crate::fetch::Purpose;
use crate::fetch::Request;
use crate::time::Time;
use crate::trust::TrustAnchor;
use crate::trust::TrustAnchors;
use crate::x509::Certificate;
use crate::x509::GeneralName;
use crate::x509::Name;

/// `id-ad-caIssuers`, 1.3.6.1.5.5.7.48.2.
const CA_ISSUERS: Oid = Oid::known(&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02]);

/// Octets that an issuer certificate or bundle from the network may have.
const MAX_ISSUER_OCTETS: usize = 1 << 20;

/// Requests for issuer certificates that one failure lists at most.
const MAX_WANTED: usize = 16;

/// Builds certification paths to trust anchors at a time.
///
/// Anchors and time are arguments, so that neither can be forgotten.
#[derive(Clone, Debug)]
pub struct PathBuilder<'a> {
    anchors: &'a TrustAnchors,
    at: Time,
    pool: Vec<Certificate>,
    settings: PathSettings,
    backend: Backend,
}

impl<'a> PathBuilder<'a> {
    /// Paths that end in one of `anchors` and are valid at `at`.
    #[must_use]
    pub fn new(anchors: &'a TrustAnchors, at: Time) -> Self {
        Self { anchors, at, pool: Vec::new(), settings: PathSettings::default(), backend: Backend::default() }
    }

    /// Offers untrusted certificates; order and repetition do not matter.
    #[must_use]
    pub fn intermediates(mut self, certificates: &[Certificate]) -> Self {
        let mut known: HashSet<Certificate> = self.pool.iter().cloned().collect();
        self.pool.extend(certificates.iter().filter(|c| known.insert((*c).clone())).cloned());
        self
    }

    /// Sets the inputs of validation and the bounds of the search.
    #[must_use]
    pub fn settings(mut self, settings: PathSettings) -> Self {
        self.settings = settings;
        self
    }

    /// Chooses who verifies signatures.
    #[must_use]
    pub const fn backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The first valid path of `leaf`.
    ///
    /// # Errors
    /// [`PathFailure`]: the most telling reason why there is none.
    pub fn build(&self, leaf: &Certificate) -> Result<Path, PathFailure> {
        let mut paths = self.paths(leaf);
        match paths.next() {
            Some(path) => Ok(path),
            None => Err(paths.into_failure()),
        }
    }

    /// Every valid path of `leaf`, the most promising first, within one budget:
    /// where the first one turns out to be revoked, another may do.
    #[must_use]
    pub fn paths(&self, leaf: &Certificate) -> Paths<'_> {
        let anchors = self.anchors.sets().iter();
        let anchors = anchors.flat_map(|set| {
            let name: Arc<str> = Arc::from(set.name());
            set.anchors().iter().map(move |anchor| (Arc::clone(&name), anchor))
        });
        let mut paths = Paths {
            builder: self,
            anchors: anchors.collect(),
            leaf: leaf.clone(),
            chain: Vec::new(),
            stack: Vec::new(),
            candidates: HashMap::new(),
            distances: HashMap::new(),
            dead_ends: HashSet::new(),
            verifier: Verifier::new(self.backend, self.settings.max_signature_checks),
            budgets: Budgets::new(&self.settings),
            failure: None,
            wanted: Vec::new(),
        };
        paths.measure();
        paths.push(Node::Leaf);
        paths
    }
}

/// The valid paths of one leaf, found one after the other.
#[derive(Debug)]
pub struct Paths<'a> {
    builder: &'a PathBuilder<'a>,
    anchors: Vec<(Arc<str>, &'a TrustAnchor)>,
    leaf: Certificate,
    /// Leaf first.
    chain: Vec<Node>,
    /// For each node of the chain, its possible issuers and the next one to try.
    stack: Vec<(Rc<[Candidate]>, usize)>,
    candidates: HashMap<Node, Rc<[Candidate]>>,
    /// For each issuer's name, the fewest certificates up to an anchor, by names alone.
    distances: HashMap<Name, usize>,
    /// Certificates whose issuer has no distance, and that were climbed to.
    dead_ends: HashSet<usize>,
    verifier: Verifier,
    budgets: Budgets,
    failure: Option<(bool, PathFailure)>,
    wanted: Vec<Request>,
}

/// A certificate of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Node {
    Leaf,
    Pool(usize),
}

/// A possible issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Candidate {
    Anchor(usize),
    Pool(usize),
}

impl Iterator for Paths<'_> {
    type Item = Path;

    fn next(&mut self) -> Option<Path> {
        loop {
            let (candidates, next) = self.stack.last_mut()?;
            let Some(candidate) = candidates.get(*next).copied() else {
                self.stack.pop();
                self.chain.pop();
                continue;
            };
            *next += 1;
            if self.budgets.steps.spend().is_err() {
                self.give_up();
                return None;
            }
            match candidate {
                Candidate::Anchor(index) => {
                    if let Some(path) = self.arrive(index) {
                        return Some(path);
                    }
                }
                Candidate::Pool(index) => self.climb(index),
            }
        }
    }
}

impl Paths<'_> {
    /// Why there is no (further) path; meaningful once the iterator has ended.
    #[must_use]
    pub fn into_failure(self) -> PathFailure {
        let Self { failure, wanted, leaf, anchors, .. } = self;
        let mut failure = failure.map_or_else(
            || {
                let detail = if anchors.is_empty() {
                    "no trust anchors were given"
                } else {
                    "no issuer of the certificate is known"
                };
                PathFailure {
                    fault: Fault::new(PathReason::NoAnchor, &leaf, detail),
                    certificates: vec![leaf.clone()],
                    anchor: None,
                    untimely: None,
                    wanted: Vec::new(),
                }
            },
            |(_, failure)| failure,
        );
        failure.wanted = wanted;
        failure
    }

    /// Distances from the anchors down. They steer the search and decide nothing.
    fn measure(&mut self) {
        let mut issued: HashMap<&Name, Vec<&Name>> = HashMap::new();
        if self.budgets.steps.spend_many(self.builder.pool.len() as u64).is_err() {
            return;
        }
        for certificate in &self.builder.pool {
            issued.entry(certificate.issuer()).or_default().push(certificate.subject());
        }
        let mut frontier: Vec<&Name> = self.anchors.iter().map(|(_, a)| a.name()).collect();
        let mut distance = 0;
        while !frontier.is_empty() {
            frontier.retain(|name| match self.distances.entry((*name).clone()) {
                Entry::Occupied(_) => false,
                Entry::Vacant(vacant) => {
                    vacant.insert(distance);
                    true
                }
            });
            frontier = frontier.iter().filter_map(|name| issued.get(name)).flatten().copied().collect();
            distance += 1;
        }
    }

    fn certificate(&self, node: Node) -> &Certificate {
        match node {
            Node::Leaf => &self.leaf,
            // Made from positions in the pool alone.
            Node::Pool(index) => self.builder.pool.get(index).unwrap_or(&self.leaf),
        }
    }

    fn top(&self) -> &Certificate {
        self.certificate(self.chain.last().copied().unwrap_or(Node::Leaf))
    }

    /// The chain reaches an anchor: verify, then process it.
    fn arrive(&mut self, index: usize) -> Option<Path> {
        let (set, anchor) = self.anchors.get(index).map(|(set, anchor)| (Arc::clone(set), *anchor))?;
        let last = self.top().clone();
        if let Err((reason, detail)) = self.verifier.verify(&Signed::certificate(&last), anchor.key()) {
            let fault = Fault::new(reason, &last, detail);
            self.refuse_candidate(fault, anchor.certificate().and_then(key_identifier));
            return None;
        }
        let chain: Vec<Certificate> = self.chain.iter().map(|n| self.certificate(*n).clone()).collect();
        let settings = &self.builder.settings;
        let context = Context { settings, at: self.builder.at, verifier: &self.verifier, budgets: &self.budgets };
        match process(&chain, anchor, &set, &context) {
            Ok(path) => Some(path),
            Err(refused) => {
                self.note(true, refused.fault, Some(anchor), refused.untimely);
                None
            }
        }
    }

    /// One certificate further up, if it can have issued the last one.
    fn climb(&mut self, index: usize) {
        let node = Node::Pool(index);
        let issuer = self.certificate(node).clone();
        // The same name with the same key twice is a loop, in whatever certificate.
        let looped = self.chain.iter().any(|n| {
            let known = self.certificate(*n);
            known == &issuer || (known.public_key() == issuer.public_key() && known.subject() == issuer.subject())
        });
        if looped {
            return;
        }
        // What leads to no anchor is climbed to once, to say what is missing up there.
        if !self.distances.contains_key(issuer.issuer()) && !self.dead_ends.insert(index) {
            return;
        }
        if self.chain.len() >= self.builder.settings.max_certificates {
            self.note(false, Fault::new(PathReason::Budget, &issuer, "the path has too many certificates"), None, None);
            return;
        }
        if let Err(fault) = may_sign_certificates(&issuer) {
            self.note(false, fault, None, None);
            return;
        }
        let last = self.top().clone();
        if let Err((reason, detail)) = self.verifier.verify(&Signed::certificate(&last), issuer.public_key()) {
            let fault = Fault::new(reason, &last, detail);
            self.refuse_candidate(fault, key_identifier(&issuer));
            return;
        }
        self.push(node);
    }

    fn push(&mut self, node: Node) {
        self.chain.push(node);
        let candidates = match self.candidates.get(&node) {
            Some(known) => Rc::clone(known),
            None => {
                let found: Rc<[Candidate]> = self.issuers_of(node).into();
                self.candidates.insert(node, Rc::clone(&found));
                found
            }
        };
        if candidates.is_empty() {
            self.want_issuer_of(node);
            let certificate = self.certificate(node);
            let detail = format!("no certificate of its issuer {} is known", certificate.issuer());
            let fault = Fault::new(PathReason::NoAnchor, certificate, detail);
            self.note(false, fault, None, None);
        }
        self.stack.push((candidates, 0));
    }

    /// Anchors first; then by key identifier (a hint and nothing more, RFC 5280
    /// §4.2.1.1), validity at the time, the way to an anchor, and the younger first.
    fn issuers_of(&self, node: Node) -> Vec<Candidate> {
        let certificate = self.certificate(node);
        let name = certificate.issuer();
        let comparisons = self.anchors.len().saturating_add(self.builder.pool.len());
        if self.budgets.steps.spend_many(comparisons as u64).is_err() {
            return Vec::new();
        }
        let wanted = certificate.authority_key_identifier().ok().flatten();
        let fits = |identifier: Option<&[u8]>| match (wanted, identifier) {
            (Some(a), Some(b)) if a == b => 0u8,
            (Some(_), Some(_)) => 2,
            _ => 1,
        };
        let mut anchors: Vec<(u8, usize)> = Vec::new();
        for (index, (_, anchor)) in self.anchors.iter().enumerate() {
            if anchor.name() == name {
                anchors.push((fits(anchor.certificate().and_then(key_identifier)), index));
            }
        }
        anchors.sort_unstable();
        let at = self.builder.at;
        let mut pool: Vec<(u8, bool, usize, i64, usize)> = Vec::new();
        for (index, issuer) in self.builder.pool.iter().enumerate() {
            if issuer.subject() != name || self.is_anchor(issuer) {
                continue;
            }
            let untimely = at < issuer.not_before() || at > issuer.not_after();
            let distance = self.distances.get(issuer.issuer()).copied().unwrap_or(usize::MAX);
            let age = issuer.not_before().unix().saturating_neg();
            pool.push((fits(key_identifier(issuer)), untimely, distance, age, index));
        }
        pool.sort_unstable();
        let anchors = anchors.into_iter().map(|(_, index)| Candidate::Anchor(index));
        anchors.chain(pool.into_iter().map(|(.., index)| Candidate::Pool(index))).collect()
    }

    /// A self-issued certificate of an anchor adds nothing to the anchor.
    fn is_anchor(&self, certificate: &Certificate) -> bool {
        let same_key = |key: &PublicKey| key == certificate.public_key();
        certificate.is_self_issued()
            && self.anchors.iter().any(|(_, a)| same_key(a.key()) && a.name() == certificate.subject())
    }

    /// A candidate whose key does not fit. Where key identifiers tell that it
    /// was not meant, this is no bad signature.
    fn refuse_candidate(&mut self, mut fault: Fault, identifier: Option<&[u8]>) {
        let wanted = fault.certificate.as_ref().and_then(|c| c.authority_key_identifier().ok().flatten());
        let not_meant = wanted.zip(identifier).is_some_and(|(a, b)| a != b);
        if fault.reason == PathReason::Signature && not_meant {
            fault.reason = PathReason::NoAnchor;
            "its issuer is known only with another key".clone_into(&mut fault.detail);
            if let Some(node) = self.chain.last().copied() {
                self.want_issuer_of(node);
            }
        }
        self.note(false, fault, None, None);
    }

    /// Keeps the most telling failure: of whole chains first, then by reason.
    fn note(&mut self, whole: bool, fault: Fault, anchor: Option<&TrustAnchor>, untimely: Option<Box<Path>>) {
        let rank = (whole, fault.reason);
        if self.failure.as_ref().is_some_and(|(whole, known)| (*whole, known.fault.reason) >= rank) {
            return;
        }
        let certificates = self.chain.iter().map(|n| self.certificate(*n).clone()).collect();
        let failure = PathFailure { fault, certificates, anchor: anchor.cloned(), untimely, wanted: Vec::new() };
        self.failure = Some((whole, failure));
    }

    fn give_up(&mut self) {
        self.stack.clear();
        self.chain.clear();
        let fault = Fault::general(PathReason::Budget, "the search for a path took too many steps");
        let certificates = vec![self.leaf.clone()];
        let failure = PathFailure { fault, certificates, anchor: None, untimely: None, wanted: Vec::new() };
        self.failure = Some((true, failure));
    }

    fn want_issuer_of(&mut self, node: Node) {
        let access = self.certificate(node).authority_information_access().ok().flatten().unwrap_or_default();
        for description in access.into_iter().filter(|d| d.method == CA_ISSUERS) {
            let GeneralName::Uri(url) = description.location else { continue };
            let request = Request::get(Purpose::IssuerCertificate, url, MAX_ISSUER_OCTETS);
            // Whether there is a client for it is for whoever asks.
            let scheme = request.url.split_once("://").map_or("", |(scheme, _)| scheme);
            let known = ["http", "https", "ldap", "ldaps"].iter().any(|s| scheme.eq_ignore_ascii_case(s));
            if known && self.wanted.len() < MAX_WANTED && !self.wanted.contains(&request) {
                self.wanted.push(request);
            }
        }
    }
}

fn key_identifier(certificate: &Certificate) -> Option<&[u8]> {
    certificate.subject_key_identifier().ok().flatten()
}
