//! What a validation demands, as data.

use std::time::Duration;

use crate::crypto::DigestAlgorithm;
use crate::crypto::KeyType;
use crate::crypto::MlDsa;
use crate::crypto::SignatureAlgorithm;
use crate::finding::Finding;
use crate::path::SignatureFact;
use crate::pdf::RELAXABLE_RULES;
use crate::time::Time;

use super::report::Changes;

/// The rules of a validation: plain data, without behaviour of its own.
///
/// Under the feature `serde` a policy reads from and writes to JSON; unknown
/// members are refused, so that a misspelt rule cannot be taken for kept.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct Policy {
    /// Name, as reports state it.
    pub name: String,
    /// Version, as reports state it.
    pub version: String,
    /// Digest algorithms, with the date until which each is acceptable. What is not listed is not acceptable.
    pub digests: Vec<DigestRule>,
    /// Keys and signature schemes by strength. What is not listed is not acceptable.
    pub keys: Vec<KeyRule>,
    /// What is demanded of revocation data.
    pub revocation: RevocationDemand,
    /// Longest age of revocation data at the time in question, in seconds;
    /// absent: good until its own `nextUpdate`.
    #[cfg_attr(feature = "serde", serde(default))]
    pub max_revocation_age: Option<u64>,
    /// The gravest kind of later change that leaves an approval signature acceptable.
    pub permitted_changes: PermittedChanges,
    /// How far, in seconds, a claimed signing time may lie after a proven one.
    pub max_claimed_skew: u64,
    /// The signer's key usage must include digitalSignature or nonRepudiation.
    pub require_key_usage: bool,
    /// A signing-certificate attribute is demanded of every signature, not of PAdES and CAdES alone.
    pub require_signing_certificate: bool,
    /// What is asked of the authority whose time-stamp is on an evidence package.
    #[cfg_attr(feature = "serde", serde(default))]
    pub package_stamps: StampDemand,
    /// Rules on later changes to a PDF document that are waived, by the names that change lists give
    /// ([`RELAXABLE_RULES`]). A change that breaks no other rule is then accepted.
    #[cfg_attr(feature = "serde", serde(default))]
    pub relaxed_rules: Vec<String>,
}

/// When the certificate of a time-stamping authority has to be good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum StampDemand {
    /// When the time-stamp was made, by the evidence in the package; its
    /// algorithms have to be acceptable still. A revocation that is known counts.
    ///
    /// A package is kept by whoever validates, which this rule relies on: a key
    /// that is stolen later could date back a forged package.
    #[default]
    GoodWhenMade,
    /// At the validation time, or when a later stamp of the package was made
    /// (EN 319 102-1 §5.6.3): packages have to be renewed in time.
    GoodNow,
}

/// Until when a digest algorithm is acceptable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct DigestRule {
    /// The algorithm's name, such as `SHA-256`.
    pub algorithm: String,
    /// Acceptable before this time; absent: without an end in sight.
    #[cfg_attr(feature = "serde", serde(default, with = "optional_time"))]
    pub until: Option<Time>,
}

impl DigestRule {
    /// A rule for the algorithm of this name.
    #[must_use]
    pub fn new(algorithm: impl Into<String>, until: Option<Time>) -> Self {
        Self { algorithm: algorithm.into(), until }
    }
}

/// Until when keys of at least a length are acceptable with a scheme.
///
/// The rule with the greatest `min_bits` that a key reaches decides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[non_exhaustive]
pub struct KeyRule {
    /// The scheme.
    pub scheme: Scheme,
    /// Least length in bits: of an RSA modulus, of a curve's order; for ML-DSA
    /// the strength of its security category, 128 (ML-DSA-44), 192 or 256.
    pub min_bits: usize,
    /// Acceptable before this time; absent: without an end in sight.
    #[cfg_attr(feature = "serde", serde(default, with = "optional_time"))]
    pub until: Option<Time>,
}

impl KeyRule {
    /// A rule for keys of a scheme from a length in bits on.
    #[must_use]
    pub const fn new(scheme: Scheme, min_bits: usize, until: Option<Time>) -> Self {
        Self { scheme, min_bits, until }
    }
}

/// A family of signature algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Scheme {
    /// RSASSA-PKCS1-v1_5.
    RsaPkcs1,
    /// RSASSA-PSS.
    RsaPss,
    /// ECDSA.
    Ecdsa,
    /// Ed25519.
    Eddsa,
    /// ML-DSA.
    MlDsa,
}

/// What is demanded of revocation data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum RevocationDemand {
    /// The status of every certificate of a path must be known.
    Required,
    /// Not asked. The report says so, and a revoked certificate passes.
    Unchecked,
}

/// The gravest kind of later change that a policy permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PermittedChanges {
    /// None at all.
    None,
    /// Validation data, time-stamps, further signatures.
    Lta,
    /// Form filling too.
    Form,
    /// Annotations too.
    Annotation,
}

impl Policy {
    /// The dates of ETSI TS 119 312 v1.5.1, revocation status demanded of
    /// every certificate, later changes permitted up to form filling.
    ///
    #[must_use]
    pub fn etsi() -> Self {
        let digest = |name: &str, until: Option<&str>| DigestRule::new(name, until.and_then(day));
        let key = |scheme, min_bits, until: Option<&str>| KeyRule::new(scheme, min_bits, until.and_then(day));
        Self {
            name: "ETSI TS 119 312".to_owned(),
            version: "1.5.1".to_owned(),
            digests: vec![
                digest("MD5", Some("2004-08-01")),
                digest("SHA-1", Some("2012-08-01")),
                digest("SHA-224", Some("2029-01-01")),
                digest("SHA-256", None),
                digest("SHA-384", None),
                digest("SHA-512", None),
                digest("SHA-512/256", None),
                digest("SHA3-256", None),
                digest("SHA3-384", None),
                digest("SHA3-512", None),
            ],
            keys: vec![
                key(Scheme::RsaPkcs1, 786, Some("2010-08-01")),
                key(Scheme::RsaPkcs1, 1_024, Some("2019-10-01")),
                key(Scheme::RsaPkcs1, 1_900, Some("2029-01-01")),
                key(Scheme::RsaPkcs1, 3_000, Some("2029-01-01")),
                key(Scheme::RsaPss, 786, Some("2010-08-01")),
                key(Scheme::RsaPss, 1_024, Some("2019-10-01")),
                key(Scheme::RsaPss, 1_900, Some("2029-01-01")),
                key(Scheme::RsaPss, 3_000, None),
                key(Scheme::Ecdsa, 224, Some("2021-10-01")),
                key(Scheme::Ecdsa, 256, None),
                key(Scheme::Eddsa, 255, None),
            ],
            revocation: RevocationDemand::Required,
            max_revocation_age: None,
            permitted_changes: PermittedChanges::Form,
            max_claimed_skew: 24 * 3_600,
            require_key_usage: true,
            require_signing_certificate: false,
            package_stamps: StampDemand::default(),
            relaxed_rules: Vec::new(),
        }
    }

    /// The same policy with a rule on later changes waived, renamed so that reports tell.
    ///
    /// # Errors
    /// Misuse where there is no such rule, or it is one of those without which nothing can be said of a document.
    pub fn relaxing(mut self, rule: &str) -> Result<Self, crate::error::Error> {
        if !RELAXABLE_RULES.contains(&rule) {
            let message = format!("the rule {rule:?} cannot be relaxed; these can: {}", RELAXABLE_RULES.join(", "));
            return Err(crate::error::Misuse::new(message).into());
        }
        self.relaxed_rules.push(rule.to_owned());
        self.name.push_str(" relaxing ");
        self.name.push_str(rule);
        Ok(self)
    }

    /// Whether the policy waives this rule on later changes.
    pub(super) fn relaxes(&self, rule: &str) -> bool {
        RELAXABLE_RULES.contains(&rule) && self.relaxed_rules.iter().any(|relaxed| relaxed == rule)
    }

    /// The same policy with ML-DSA of the security categories 3 and 5, which
    /// TS 119 312 v1.5.1 does not know; renamed so that reports tell.
    #[must_use]
    pub fn with_ml_dsa(mut self) -> Self {
        self.keys.push(KeyRule::new(Scheme::MlDsa, 192, None));
        self.name.push_str(" with ML-DSA");
        self
    }

    /// The same policy without revocation checks, renamed so that reports tell.
    #[must_use]
    pub fn without_revocation(mut self) -> Self {
        self.revocation = RevocationDemand::Unchecked;
        self.name.push_str(" without revocation");
        self
    }

    /// Reads a policy from JSON.
    ///
    /// # Errors
    /// Malformed JSON, unknown or missing members.
    #[cfg(feature = "serde")]
    pub fn from_json(text: &str) -> Result<Self, crate::error::Error> {
        use crate::error::Format;
        use crate::error::Malformed;
        serde_json::from_str(text)
            .map_err(|e| Malformed::new(Format::Policy, "policy", "a policy as JSON").found(e).into())
    }

    /// Writes the policy as JSON.
    #[cfg(feature = "serde")]
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// What keeps a signature with this algorithm and key from being relied on
    /// at `at`; `None` where the policy accepts it.
    #[must_use]
    pub fn algorithm_finding(&self, fact: &SignatureFact, at: Time) -> Option<Finding> {
        let message = match self.judge_signature(&fact.algorithm, fact.key, at) {
            Acceptance::Acceptable => return None,
            Acceptance::NoLonger { what, until } => format!("{what} was acceptable until {}", until.to_rfc3339(0)),
            Acceptance::Never { what } => format!("{what} is not acceptable"),
        };
        Some(Finding::warning("ALGORITHM_NOT_ACCEPTABLE", message))
    }

    pub(super) const fn permits(&self, changes: Changes) -> bool {
        match changes {
            Changes::None => true,
            Changes::Lta => !matches!(self.permitted_changes, PermittedChanges::None),
            Changes::Form => matches!(self.permitted_changes, PermittedChanges::Form | PermittedChanges::Annotation),
            Changes::Annotation => matches!(self.permitted_changes, PermittedChanges::Annotation),
            Changes::Other => false,
        }
    }

    pub(super) const fn claimed_skew(&self) -> Duration {
        Duration::from_secs(self.max_claimed_skew)
    }

    /// Judges a digest algorithm at a time.
    pub(super) fn judge_digest(&self, algorithm: DigestAlgorithm, at: Time) -> Acceptance {
        let name = digest_name(algorithm);
        match self.digests.iter().find(|r| r.algorithm.eq_ignore_ascii_case(name)) {
            None => Acceptance::Never { what: name.to_owned() },
            Some(rule) => within(rule.until, at, || name.to_owned()),
        }
    }

    /// Judges a signature algorithm with its key at a time; the worst part decides.
    pub(super) fn judge_signature(&self, algorithm: &SignatureAlgorithm, key: KeyType, at: Time) -> Acceptance {
        let (scheme, digest) = match algorithm {
            SignatureAlgorithm::RsaPkcs1v15(d) => (Scheme::RsaPkcs1, Some(*d)),
            SignatureAlgorithm::RsaPss(p) => (Scheme::RsaPss, Some(p.digest)),
            SignatureAlgorithm::Ecdsa(d) => (Scheme::Ecdsa, Some(*d)),
            SignatureAlgorithm::Ed25519 => (Scheme::Eddsa, None),
            SignatureAlgorithm::MlDsa(_) => (Scheme::MlDsa, None),
        };
        if let Some(fault) = digest.map(|d| self.judge_digest(d, at)).filter(|a| *a != Acceptance::Acceptable) {
            return fault;
        }
        let (bits, what) = match key {
            KeyType::Rsa { bits } => (bits, format!("RSA-{bits}")),
            KeyType::Ec(curve) => (curve.bits(), curve.name().to_owned()),
            KeyType::Ed25519 => (255, "Ed25519".to_owned()),
            KeyType::MlDsa(set) => (ml_dsa_bits(set), set.name().to_owned()),
            KeyType::Other(oid) => return Acceptance::Never { what: oid.to_string() },
        };
        let rule = self.keys.iter().filter(|r| r.scheme == scheme && r.min_bits <= bits).max_by_key(|r| r.min_bits);
        match rule {
            None => Acceptance::Never { what },
            Some(rule) => within(rule.until, at, || what),
        }
    }
}

/// Category 2 is as hard to break as a collision of SHA-256, 3 and 5 as a key
/// search on AES-192 and AES-256 (FIPS 204 §4).
const fn ml_dsa_bits(set: MlDsa) -> usize {
    match set {
        MlDsa::Set44 => 128,
        MlDsa::Set65 => 192,
        MlDsa::Set87 => 256,
    }
}

/// Whether an algorithm or key is acceptable at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Acceptance {
    Acceptable,
    /// It was acceptable until `until`; a proof of existence from before would help.
    NoLonger {
        what: String,
        until: Time,
    },
    /// The policy does not know it.
    Never {
        what: String,
    },
}

fn within(until: Option<Time>, at: Time, what: impl FnOnce() -> String) -> Acceptance {
    match until {
        Some(until) if at >= until => Acceptance::NoLonger { what: what(), until },
        _ => Acceptance::Acceptable,
    }
}

fn day(date: &str) -> Option<Time> {
    Time::parse_rfc3339(&format!("{date}T00:00:00Z")).ok()
}

/// The name of a digest algorithm in policies and reports.
pub(super) const fn digest_name(algorithm: DigestAlgorithm) -> &'static str {
    match algorithm {
        DigestAlgorithm::Md5 => "MD5",
        DigestAlgorithm::Sha1 => "SHA-1",
        DigestAlgorithm::Sha224 => "SHA-224",
        DigestAlgorithm::Sha256 => "SHA-256",
        DigestAlgorithm::Sha384 => "SHA-384",
        DigestAlgorithm::Sha512 => "SHA-512",
        DigestAlgorithm::Sha512_224 => "SHA-512/224",
        DigestAlgorithm::Sha512_256 => "SHA-512/256",
        DigestAlgorithm::Sha3_224 => "SHA3-224",
        DigestAlgorithm::Sha3_256 => "SHA3-256",
        DigestAlgorithm::Sha3_384 => "SHA3-384",
        DigestAlgorithm::Sha3_512 => "SHA3-512",
    }
}

#[cfg(feature = "serde")]
mod optional_time {
    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serializer;

    use crate::time::Time;

    #[allow(clippy::ref_option)] // the form that serde calls
    pub(super) fn serialize<S: Serializer>(time: &Option<Time>, serializer: S) -> Result<S::Ok, S::Error> {
        match time {
            Some(t) => serializer.serialize_some(&t.to_rfc3339(0)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| Time::parse_rfc3339(&text).map_err(serde::de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn an_algorithm_ends_at_its_date_and_not_a_second_earlier() {
        let policy = Policy::etsi();
        assert_eq!(policy.judge_digest(DigestAlgorithm::Sha1, at("2012-07-31T23:59:59Z")), Acceptance::Acceptable);
        assert!(matches!(
            policy.judge_digest(DigestAlgorithm::Sha1, at("2012-08-01T00:00:00Z")),
            Acceptance::NoLonger { .. }
        ));
        assert_eq!(policy.judge_digest(DigestAlgorithm::Sha256, at("2099-01-01T00:00:00Z")), Acceptance::Acceptable);
    }

    #[test]
    fn the_weaker_of_digest_and_key_decides() {
        let policy = Policy::etsi();
        let sha256 = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha256);
        let now = at("2026-11-23T00:00:00Z");
        assert_eq!(policy.judge_signature(&sha256, KeyType::Rsa { bits: 2_048 }, now), Acceptance::Acceptable);
        assert!(matches!(
            policy.judge_signature(&sha256, KeyType::Rsa { bits: 1_024 }, now),
            Acceptance::NoLonger { .. }
        ));
        assert!(matches!(policy.judge_signature(&sha256, KeyType::Rsa { bits: 512 }, now), Acceptance::Never { .. }));
        let judge = |set| policy.judge_signature(&SignatureAlgorithm::MlDsa(set), KeyType::MlDsa(set), now);
        assert!(matches!(judge(MlDsa::Set87), Acceptance::Never { .. }));
        let policy = policy.clone().with_ml_dsa();
        let judge = |set| policy.judge_signature(&SignatureAlgorithm::MlDsa(set), KeyType::MlDsa(set), now);
        assert_eq!(judge(MlDsa::Set65), Acceptance::Acceptable);
        assert!(matches!(judge(MlDsa::Set44), Acceptance::Never { .. }));
        let sha1 = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha1);
        assert!(matches!(
            policy.judge_signature(&sha1, KeyType::Rsa { bits: 4_096 }, now),
            Acceptance::NoLonger { .. }
        ));
    }

    #[test]
    fn a_finding_says_since_when_an_algorithm_is_not_acceptable() {
        let policy = Policy::etsi();
        let algorithm = SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha1);
        let fact = SignatureFact { algorithm, key: KeyType::Rsa { bits: 2_048 } };
        assert_eq!(policy.algorithm_finding(&fact, at("2012-07-31T00:00:00Z")), None);
        let finding = policy.algorithm_finding(&fact, at("2026-11-23T00:00:00Z")).unwrap();
        assert_eq!(finding.message(), "SHA-1 was acceptable until 2012-08-01T00:00:00Z");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_round_trips_and_a_misspelt_rule_is_refused() {
        let policy = Policy::etsi();
        assert_eq!(Policy::from_json(&policy.to_json()).unwrap(), policy);
        let misspelt = policy.to_json().replace("\"revocation\"", "\"revocations\"");
        assert!(Policy::from_json(&misspelt).is_err());
    }
}
