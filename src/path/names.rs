//! Name constraints (RFC 5280 §4.2.1.10, §6.1.3 (b) and (c)).
//!
//! The permitted subtrees of several certificates are not intersected: a name
//! must lie inside of each certificate's own, which says the same.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use super::failure::Fault;
use super::failure::PathReason;
use crate::asn1::Oid;
use crate::asn1::tlv::Reader;
use crate::error::Format;
use crate::limits::Budget;
use crate::x509::Certificate;
use crate::x509::GeneralName;
use crate::x509::GeneralSubtree;
use crate::x509::Name;
use crate::x509::NameConstraints;

/// `emailAddress`, 1.2.840.113549.1.9.1.
const EMAIL_ADDRESS: Oid = Oid::known(&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x01]);

/// A name form that is constrained but not understood, or a constraint that makes no sense.
struct Uninterpretable(&'static str);

/// The subtrees in force at one point of a path.
#[derive(Debug, Default)]
pub(super) struct Subtrees {
    constraints: Vec<NameConstraints>,
}

impl Subtrees {
    pub(super) fn add(&mut self, constraints: NameConstraints) {
        if !constraints.permitted.is_empty() || !constraints.excluded.is_empty() {
            self.constraints.push(constraints);
        }
    }

    /// Every name of a certificate against every subtree.
    pub(super) fn check(&self, certificate: &Certificate, budget: &Budget) -> Result<(), Fault> {
        if self.constraints.is_empty() {
            return Ok(());
        }
        let alternative = certificate
            .subject_alternative_names()
            .map_err(|e| Fault::new(PathReason::Malformed, certificate, e.to_string()))?;
        let mut names = alternative.unwrap_or_default();
        let subject = certificate.subject();
        // Stricter than RFC 5280, which looks at emailAddress only where there is no
        // subjectAltName: an address that people see is constrained wherever it stands.
        let addresses = email_addresses(subject).ok_or_else(|| {
            Fault::new(PathReason::Malformed, certificate, "the subject's emailAddress cannot be read")
        })?;
        names.extend(addresses.into_iter().map(GeneralName::Rfc822));
        if !subject.is_empty() {
            names.push(GeneralName::Directory(subject.clone()));
        }
        for name in &names {
            self.check_name(name, budget).map_err(|fault| match fault {
                Refusal::Budget => Fault::general(PathReason::Budget, "too many name constraints to compare"),
                Refusal::Because(why) => {
                    Fault::new(PathReason::NameConstraints, certificate, format!("{}: {why}", shown(name)))
                }
            })?;
        }
        Ok(())
    }

    fn check_name(&self, name: &GeneralName, budget: &Budget) -> Result<(), Refusal> {
        for constraints in &self.constraints {
            let subtrees = constraints.permitted.len().saturating_add(constraints.excluded.len());
            budget.spend_many(subtrees as u64).map_err(|_| Refusal::Budget)?;
            // A permitted subtree that makes no sense permits nothing; an excluded one might exclude anything.
            let (mut constrained, mut permitted, mut why) = (false, false, "lies in no permitted subtree");
            for subtree in constraints.permitted.iter().filter(|s| same_form(&s.base, name)) {
                constrained = true;
                match within(name, subtree, Side::Permitted) {
                    Ok(inside) => permitted |= inside,
                    Err(Uninterpretable(reason)) => why = reason,
                }
            }
            if constrained && !permitted {
                return Err(Refusal::Because(why));
            }
            for subtree in constraints.excluded.iter().filter(|s| same_form(&s.base, name)) {
                if within(name, subtree, Side::Excluded)? {
                    return Err(Refusal::Because("lies in an excluded subtree"));
                }
            }
        }
        Ok(())
    }
}

enum Refusal {
    Budget,
    Because(&'static str),
}

impl From<Uninterpretable> for Refusal {
    fn from(why: Uninterpretable) -> Self {
        Self::Because(why.0)
    }
}

/// A wildcard stands for names inside and outside of a subtree, so the side counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Permitted,
    Excluded,
}

fn same_form(base: &GeneralName, name: &GeneralName) -> bool {
    match (base, name) {
        (GeneralName::Other { type_id: a, .. }, GeneralName::Other { type_id: b, .. }) => a == b,
        (GeneralName::Opaque { tag: a, .. }, GeneralName::Opaque { tag: b, .. }) => a == b,
        // RFC 9598 §6: rfc822Name constraints bind SmtpUTF8Mailbox too.
        (GeneralName::Rfc822(_), GeneralName::Other { type_id, .. }) => *type_id == SMTP_UTF8_MAILBOX,
        _ => std::mem::discriminant(base) == std::mem::discriminant(name),
    }
}

/// `id-on-SmtpUTF8Mailbox`, 1.3.6.1.5.5.7.8.9.
const SMTP_UTF8_MAILBOX: Oid = Oid::known(&[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x09]);

fn within(name: &GeneralName, subtree: &GeneralSubtree, side: Side) -> Result<bool, Uninterpretable> {
    if subtree.minimum != 0 || subtree.maximum.is_some() {
        return Err(Uninterpretable("is constrained with minimum or maximum, which RFC 5280 does not define"));
    }
    match (name, &subtree.base) {
        (GeneralName::Directory(name), GeneralName::Directory(base)) => Ok(name.is_within(base)),
        (GeneralName::Dns(name), GeneralName::Dns(base)) => dns_within(name, base, side),
        (GeneralName::Rfc822(name), GeneralName::Rfc822(base)) => mailbox_within(name, base),
        (GeneralName::Uri(name), GeneralName::Uri(base)) => uri_within(name, base),
        (GeneralName::Ip(name), GeneralName::Ip(base)) => address_within(name, base),
        _ => Err(Uninterpretable("is constrained, and constraints on this form are not supported")),
    }
}

/// A host name in lower case; `None` where it is none.
fn host(text: &str) -> Option<String> {
    let labels = text.split('.').all(|label| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    });
    (labels && text.len() <= 253).then(|| text.to_ascii_lowercase())
}

/// `name` is `base`, or ends with it after a dot.
fn is_below(name: &str, base: &str) -> bool {
    name.strip_suffix(base).is_some_and(|rest| rest.ends_with('.'))
}

fn dns_within(name: &str, base: &str, side: Side) -> Result<bool, Uninterpretable> {
    if base.is_empty() {
        return Ok(true);
    }
    // A leading dot is RFC 5280's notation for URIs and not for DNS names, where some take it for
    // names below only and some for all: what it means here cannot be told.
    let base = host(base).ok_or(Uninterpretable("is constrained by something that is no DNS name"))?;
    let (name, wildcard) = name.strip_prefix("*.").map_or((name, false), |n| (n, true));
    let name = host(name).ok_or(Uninterpretable("is no DNS name, and DNS names are constrained"))?;
    let inside = is_below(&name, &base) || name == base;
    // `*.example.com` may stand for an excluded `a.example.com`.
    let may_touch = wildcard && side == Side::Excluded && is_below(&base, &name);
    Ok(inside || may_touch)
}

fn mailbox_within(name: &str, base: &str) -> Result<bool, Uninterpretable> {
    let no_mailbox = Uninterpretable("is no mail address, and mail addresses are constrained");
    let Some((local, domain)) = name.rsplit_once('@').filter(|(local, _)| !local.is_empty()) else {
        return Err(no_mailbox);
    };
    // A second at-sign can only stand inside of quotes (RFC 5321 §4.1.2).
    let quoted = local.len() > 1 && local.starts_with('"') && local.ends_with('"');
    let domain = host(domain).filter(|_| quoted || !local.contains('@')).ok_or(no_mailbox)?;
    let no_base = || Uninterpretable("is constrained by something that is no mail address or host");
    if base.is_empty() {
        return Ok(true);
    }
    if let Some((base_local, base_domain)) = base.rsplit_once('@') {
        if base_local.contains('@') {
            return Err(no_base());
        }
        return Ok(local == base_local && domain == host(base_domain).ok_or_else(no_base)?);
    }
    match base.strip_prefix('.') {
        Some(base) => Ok(is_below(&domain, &host(base).ok_or_else(no_base)?)),
        None => Ok(domain == host(base).ok_or_else(no_base)?),
    }
}

fn uri_within(name: &str, base: &str) -> Result<bool, Uninterpretable> {
    let no_host = "has no host name, and URIs are constrained by host (RFC 5280 §4.2.1.10)";
    let authority = name.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let host_port = authority.map(|a| a.rsplit_once('@').map_or(a, |(_, h)| h)).ok_or(Uninterpretable(no_host))?;
    let name = host_port.split_once(':').map_or(host_port, |(host, _)| host);
    let numeric = name.rsplit('.').next().is_some_and(|l| l.bytes().all(|b| b.is_ascii_digit()));
    let name = host(name).filter(|_| !numeric).ok_or(Uninterpretable(no_host))?;
    if base.is_empty() {
        return Ok(true);
    }
    let no_base = || Uninterpretable("is constrained by something that is no host");
    match base.strip_prefix('.') {
        Some(base) => Ok(is_below(&name, &host(base).ok_or_else(no_base)?)),
        None => Ok(name == host(base).ok_or_else(no_base)?),
    }
}

fn address_within(name: &[u8], base: &[u8]) -> Result<bool, Uninterpretable> {
    let (address, mask) = base
        .split_at_checked(base.len() / 2)
        .filter(|(a, m)| a.len() == m.len() && matches!(a.len(), 4 | 16))
        .ok_or(Uninterpretable("is constrained by something that is no address with a mask"))?;
    if !matches!(name.len(), 4 | 16) {
        return Err(Uninterpretable("is no IP address, and IP addresses are constrained"));
    }
    // Ones, then zeros: anything else is no network (RFC 4632 §5.1).
    let bits = mask.iter().flat_map(|octet| (0..8).rev().map(move |bit| octet >> bit & 1 == 1));
    if !bits.clone().zip(bits.skip(1)).all(|(high, low)| high || !low) {
        return Err(Uninterpretable("is constrained by a mask with gaps"));
    }
    Ok(name.len() == address.len() && name.iter().zip(address).zip(mask).all(|((n, a), m)| n & m == a & m))
}

/// The values of every emailAddress attribute; `None` where one is no text.
fn email_addresses(name: &Name) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut outer = Reader::new(name.der(), Format::Certificate);
    let mut sets = outer.any("name").ok()?.reader(Format::Certificate);
    while !sets.is_empty() {
        let mut attributes = sets.any("relative name").ok()?.reader(Format::Certificate);
        while !attributes.is_empty() {
            let mut attribute = attributes.any("attribute").ok()?.reader(Format::Certificate);
            let kind = attribute.any("attribute type").ok()?;
            let value = attribute.any("attribute value").ok()?;
            if kind.content == EMAIL_ADDRESS.content() {
                let text = matches!(value.tag, 0x0C | 0x13 | 0x16).then_some(value.content)?;
                found.push(String::from_utf8(text.to_vec()).ok()?);
            }
        }
    }
    Some(found)
}

fn shown(name: &GeneralName) -> String {
    match name {
        GeneralName::Directory(name) => name.to_string(),
        GeneralName::Rfc822(text) | GeneralName::Dns(text) | GeneralName::Uri(text) => text.clone(),
        GeneralName::Ip(octets) => <[u8; 4]>::try_from(&**octets)
            .map(|a| Ipv4Addr::from(a).to_string())
            .or_else(|_| <[u8; 16]>::try_from(&**octets).map(|a| Ipv6Addr::from(a).to_string()))
            .unwrap_or_else(|_| "an IP address of wrong length".to_owned()),
        GeneralName::RegisteredId(oid) => oid.to_string(),
        GeneralName::Other { type_id, .. } => format!("otherName of type {type_id}"),
        GeneralName::Opaque { tag, .. } => format!("name of tag {tag:#04x}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subtree(base: GeneralName) -> GeneralSubtree {
        GeneralSubtree { base, minimum: 0, maximum: None }
    }

    fn outcome(permitted: &[GeneralName], excluded: &[GeneralName], name: &GeneralName) -> bool {
        let mut subtrees = Subtrees::default();
        subtrees.add(NameConstraints {
            permitted: permitted.iter().cloned().map(subtree).collect(),
            excluded: excluded.iter().cloned().map(subtree).collect(),
        });
        subtrees.check_name(name, &Budget::new("comparisons", 1_000)).is_ok()
    }

    fn dns(text: &str) -> GeneralName {
        GeneralName::Dns(text.to_owned())
    }

    fn uri(text: &str) -> GeneralName {
        GeneralName::Uri(text.to_owned())
    }

    fn mail(text: &str) -> GeneralName {
        GeneralName::Rfc822(text.to_owned())
    }

    #[test]
    fn dns_names_lie_below_by_whole_labels() {
        for (name, base, inside) in [
            ("example.vn", "example.vn", true),
            ("A.EXAMPLE.vn", "example.vn", true),
            ("badexample.vn", "example.vn", false),
            ("example.vn", "a.example.vn", false),
            ("example.vn", ".example.vn", false),
            ("a.example.vn", ".example.vn", false),
            ("*.example.vn", "example.vn", true),
            ("*.example.vn", "a.example.vn", false),
            ("anything.at.all", "", true),
            ("a.example.vn.", "example.vn", false),
        ] {
            assert_eq!(outcome(&[dns(base)], &[], &dns(name)), inside, "{name} in {base}");
        }
    }

    // RUSTSEC-2026-0099: wildcards passed by what excludes names below them.
    #[test]
    fn a_wildcard_that_may_stand_for_an_excluded_name_is_refused() {
        assert!(!outcome(&[], &[dns("secret.example.vn")], &dns("*.example.vn")));
        assert!(!outcome(&[], &[dns("example.vn")], &dns("*.example.vn")));
        assert!(outcome(&[], &[dns("other.vn")], &dns("*.example.vn")));
    }

    // RUSTSEC-2026-0098: constraints on URIs were passed by.
    #[test]
    fn uris_are_constrained_by_host_and_refused_without_one() {
        for (name, base, inside) in [
            ("https://office.vn/a?b", "office.vn", true),
            ("https://user@office.vn:8080/", "office.vn", true),
            ("https://a.office.vn", "office.vn", false),
            ("https://a.office.vn", ".office.vn", true),
            ("https://office.vn", ".office.vn", false),
            ("https://evil.vn/office.vn", "office.vn", false),
            ("https://office.vn@evil.vn/", "office.vn", false),
            ("urn:oid:1.2.3", "office.vn", false),
            ("https://10.0.0.1/", "", false),
            ("https://[::1]/", "", false),
        ] {
            assert_eq!(outcome(&[uri(base)], &[], &uri(name)), inside, "{name} in {base}");
        }
        // Excluded: what cannot be compared is refused too.
        assert!(!outcome(&[], &[uri("office.vn")], &uri("urn:oid:1.2.3")));
        assert!(!outcome(&[], &[uri("office.vn")], &uri("https://office.vn/")));
        assert!(outcome(&[], &[uri("office.vn")], &uri("https://other.vn/")));
    }

    #[test]
    fn mail_addresses_match_mailbox_host_or_domain() {
        for (name, base, inside) in [
            ("an@office.vn", "an@office.vn", true),
            ("An@office.vn", "an@office.vn", false),
            ("an@OFFICE.vn", "an@office.vn", true),
            ("an@office.vn", "office.vn", true),
            ("an@a.office.vn", "office.vn", false),
            ("an@a.office.vn", ".office.vn", true),
            ("an@office.vn", ".office.vn", false),
            ("\"an@office.vn\"@evil.vn", "office.vn", false),
            ("office.vn", "office.vn", false),
        ] {
            assert_eq!(outcome(&[mail(base)], &[], &mail(name)), inside, "{name} in {base}");
        }
    }

    #[test]
    fn addresses_of_the_other_family_and_odd_masks_do_not_pass() {
        let net = GeneralName::Ip(vec![10, 1, 0, 0, 255, 255, 0, 0]);
        assert!(outcome(std::slice::from_ref(&net), &[], &GeneralName::Ip(vec![10, 1, 2, 3])));
        assert!(!outcome(std::slice::from_ref(&net), &[], &GeneralName::Ip(vec![10, 2, 2, 3])));
        assert!(!outcome(std::slice::from_ref(&net), &[], &GeneralName::Ip(vec![0; 16])));
        assert!(!outcome(&[net], &[], &GeneralName::Ip(vec![10, 1, 2])));
        let gap = GeneralName::Ip(vec![10, 1, 0, 0, 255, 0, 255, 0]);
        assert!(!outcome(std::slice::from_ref(&gap), &[], &GeneralName::Ip(vec![10, 1, 0, 3])));
        assert!(!outcome(&[], &[gap], &GeneralName::Ip(vec![11, 1, 0, 3])));
    }

    #[test]
    fn a_form_that_is_not_supported_is_refused_only_where_it_is_constrained() {
        let upn = |value: &[u8]| GeneralName::Other { type_id: EMAIL_ADDRESS, value: value.to_vec() };
        assert!(!outcome(&[upn(b"a")], &[], &upn(b"a")));
        assert!(!outcome(&[], &[upn(b"a")], &upn(b"b")));
        assert!(outcome(&[dns("example.vn")], &[], &upn(b"a")));
        assert!(outcome(&[upn(b"a")], &[], &dns("example.vn")));
        let utf8_mailbox = GeneralName::Other { type_id: SMTP_UTF8_MAILBOX, value: vec![0x0C, 0] };
        assert!(!outcome(&[], &[mail("office.vn")], &utf8_mailbox));
    }

    #[test]
    fn a_subtree_with_a_depth_is_refused() {
        let mut deep = subtree(dns("example.vn"));
        deep.maximum = Some(1);
        let mut subtrees = Subtrees::default();
        subtrees.add(NameConstraints { permitted: vec![deep], excluded: vec![] });
        assert!(subtrees.check_name(&dns("example.vn"), &Budget::new("comparisons", 10)).is_err());
    }

    #[test]
    fn many_names_times_many_subtrees_end_at_the_budget() {
        let mut subtrees = Subtrees::default();
        subtrees.add(NameConstraints {
            permitted: vec![],
            excluded: (0..2_000).map(|n| subtree(dns(&format!("h{n}.vn")))).collect(),
        });
        let budget = Budget::new("comparisons", 100_000);
        let fault = (0..2_000).find_map(|n| subtrees.check_name(&dns(&format!("g{n}.vn")), &budget).err());
        assert!(matches!(fault, Some(Refusal::Budget)));
    }
}
