//! Vietnam: the rules of Circular 15/2025/TT-BKHCN and of the field, as data.
//!
//! The [`policy`] with the algorithms of Annex I; the [`CHECKLIST`] of what signing and
//! checking software has to do and who does it; the [result](ResultSheet) that a person is
//! shown; the two hierarchies as [trust sets](specialised) to be loaded; addresses and
//! waiting times of the field.

mod checklist;
mod copies;
pub mod looks;
mod sheet;
mod time;
mod trust;

pub use checklist::CHECKLIST;
pub use checklist::Requirement;
pub use sheet::Line;
pub use sheet::ResultSheet;
pub use time::OFFSET;
pub use time::iso_time;
pub use time::local_time;
pub use time::local_time_as_utc;
pub use trust::Expected;
pub use trust::Loaded;
pub use trust::TrustPreset;
pub use trust::Use;
pub use trust::public;
pub use trust::specialised;

use std::time::Duration;

use crate::error::Error;
use crate::fetch::AddressMap;
use crate::validate::DigestRule;
use crate::validate::KeyRule;
use crate::validate::Policy;
use crate::validate::Scheme;

pub use copies::CopyForm;

/// The algorithms of Annex I of Circular 15/2025/TT-BKHCN: RSA from 2048 bits
/// on, ECDSA from 256, the SHA-2 and SHA-3 families, and never SHA-1.
///
/// The annex states no dates of its own, so none are here: whoever wants them
/// takes [`Policy::etsi`]. It names RSASSA-PSS for RSA; the tokens in the field
/// sign with PKCS#1 v1.5, which is accepted with it. Where only PSS is to pass,
/// remove the rows of [`Scheme::RsaPkcs1`].
///
/// Everything else is as in [`Policy::etsi`]. A status that cannot be found out
/// gives INDETERMINATE, which is the warning that Annex II demands.
#[must_use]
pub fn policy() -> Policy {
    let mut policy = Policy::etsi();
    policy.name = "TT 15/2025/TT-BKHCN".to_owned();
    policy.version = "2025-08-15".to_owned();
    let digests = ["SHA-256", "SHA-384", "SHA-512", "SHA-512/224", "SHA-512/256"];
    let sha3 = ["SHA3-224", "SHA3-256", "SHA3-384", "SHA3-512"];
    policy.digests = digests.iter().chain(&sha3).map(|name| DigestRule::new(*name, None)).collect();
    policy.keys = vec![
        KeyRule::new(Scheme::RsaPkcs1, 2_048, None),
        KeyRule::new(Scheme::RsaPss, 2_048, None),
        KeyRule::new(Scheme::Ecdsa, 256, None),
    ];
    policy
}

/// The time-stamping authority of the Government's specialised CA (RFC 3161).
pub const SPECIALISED_TSA: &str = "http://tsa.ca.gov.vn/";

/// How long to wait for it: answers were measured to take from 2 to 131 seconds.
pub const SPECIALISED_TSA_PATIENCE: Duration = Duration::from_secs(180);

/// Hosts that certificates of the Government's specialised CA name, and that exist in its own
/// network only, with those that answer outside; for [`Remapped`](crate::fetch::Remapped).
///
/// # Errors
/// None that is known: the addresses are constants.
pub fn addresses() -> Result<AddressMap, Error> {
    AddressMap::new().map("http://ocsp.ca.ptc", "http://ocsp.ca.gov.vn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_annex_has_no_sha1_and_no_short_keys() {
        let policy = policy();
        assert!(policy.digests.iter().all(|rule| rule.algorithm != "SHA-1" && rule.until.is_none()));
        assert!(policy.keys.iter().all(|rule| rule.until.is_none()));
        assert_ne!(policy.name, Policy::etsi().name);
    }

    #[test]
    fn the_internal_host_is_reached_from_outside() {
        let map = addresses().unwrap();
        assert_eq!(map.apply("http://ocsp.ca.ptc/ocsp").as_deref(), Some("http://ocsp.ca.gov.vn/ocsp"));
        assert_eq!(map.apply("http://ocsp.ca.gov.vn/"), None);
    }
}
