//! CRLs of an in-test CA: freshness, holds, deltas, scopes, indirect CRLs, and
//! what must not count.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/status.rs"]
mod status;

use std::time::Duration;

use ca::Authority;
use ca::CN;
use ca::Template;
use ca::at;
use kyso::Time;
use kyso::crypto::Backend;
use kyso::crypto::KeySpec;
use kyso::crypto::PrivateKey;
use kyso::path::Path;
use kyso::path::PathBuilder;
use kyso::revocation::Evidence;
use kyso::revocation::RevocationRules;
use kyso::revocation::RevocationStatus;
use kyso::revocation::judge;
use kyso::trust::TrustAnchor;
use kyso::trust::TrustAnchors;
use kyso::trust::TrustSet;
use kyso::x509::Certificate;
use kyso::x509::Crl;
use status::CrlSpec;
use status::Entry;
use status::HOLD;
use status::KEY_COMPROMISE;
use status::REMOVE;

const GOOD: &str = "good";
const JUNE: &str = "2026-06-15T00:00:00Z";

fn june() -> Time {
    at("2026-06-01T00:00:00Z")
}

fn july() -> Time {
    at("2026-07-01T00:00:00Z")
}

/// A root and one leaf.
struct World {
    root: Authority,
    leaf: Certificate,
    others: Vec<Certificate>,
}

impl World {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Template)) -> Self {
        let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
        let mut template = Template::new(&[(CN, "Signer")]);
        change(&mut template);
        let leaf = root.certify(&template, &PrivateKey::generate(KeySpec::P256).unwrap());
        Self { root, leaf, others: Vec::new() }
    }

    fn crl(&self) -> CrlSpec {
        CrlSpec::new(&self.root.certificate, june(), july())
    }

    fn revoked(&self, time: &str, reason: Option<u8>) -> Entry {
        Entry::of(&self.leaf, at(time), reason)
    }

    fn sign(&self, spec: &CrlSpec) -> Crl {
        spec.sign(&self.root.key)
    }

    fn path(&self, time: Time) -> Path {
        let mut set = TrustSet::new("test");
        set.add(TrustAnchor::from_certificate(self.root.certificate.clone()));
        let anchors = TrustAnchors::new([set]);
        PathBuilder::new(&anchors, time).intermediates(&self.others).build(&self.leaf).unwrap()
    }

    /// The leaf's status, in a word.
    fn status(&self, crls: &[Crl], time: &str) -> String {
        self.status_by(crls, time, &RevocationRules::default())
    }

    fn status_by(&self, crls: &[Crl], time: &str, rules: &RevocationRules) -> String {
        // An order of evidence must not decide anything.
        let mut words: Vec<String> = Vec::new();
        for turn in 0..crls.len().max(1) {
            let mut evidence = Evidence::new();
            self.others.iter().for_each(|c| evidence.add_certificate(c.clone()));
            crls.iter().cycle().skip(turn).take(crls.len()).for_each(|c| evidence.add_crl(c.clone()));
            let found = judge(&self.path(at(time)), &evidence, rules, at(time), Backend::default());
            words.push(match &found.certificates()[0].status {
                RevocationStatus::Unknown(unknown) => unknown.reason.code().to_owned(),
                RevocationStatus::Good(good) if good.revoked_later.is_some() => "good, revoked later".to_owned(),
                known => known.to_string(),
            });
        }
        words.dedup();
        assert_eq!(words.len(), 1, "the order of evidence decides");
        words.remove(0)
    }
}

fn critical(oid: &str) -> Vec<u8> {
    ca::extension(oid, true, &der::null())
}

fn directory(name: &[u8]) -> Vec<u8> {
    der::tlv(0xA4, name)
}

/// `[0] DistributionPointName` with a full name.
fn full(names: &[Vec<u8>]) -> Vec<u8> {
    der::explicit(0, &der::tlv(0xA0, &names.concat()))
}

fn uri(text: &str) -> Vec<u8> {
    der::tlv(0x86, text.as_bytes())
}

fn flags(octets: [u8; 2]) -> [u8; 3] {
    [7, octets[0], octets[1]]
}

/// `cRLDistributionPoints`, each given by its parts.
fn points(all: &[Vec<u8>]) -> Vec<u8> {
    let points: Vec<u8> = all.iter().flat_map(|p| der::tlv(0x30, p)).collect();
    ca::extension("2.5.29.31", false, &der::tlv(0x30, &points))
}

#[test]
fn fresh_until_next_update_and_not_a_second_longer() {
    let world = World::new();
    let crl = world.sign(&world.crl());
    for (time, status) in [
        ("2026-06-01T00:00:00Z", GOOD),
        ("2026-07-01T00:00:00Z", GOOD),
        ("2026-07-01T00:00:01Z", "STALE"),
        // Issued after the time asked for: it would still show a revocation from before.
        ("2026-02-01T00:00:00Z", GOOD),
    ] {
        assert_eq!(world.status(std::slice::from_ref(&crl), time), status, "{time}");
    }
    assert_eq!(world.status(&[], JUNE), "NO_EVIDENCE");
}

#[test]
fn age_is_a_rule() {
    let world = World::new();
    let crl = [world.sign(&world.crl())];
    let mut rules = RevocationRules::default();
    rules.max_age = Some(Duration::from_secs(86_400));
    assert_eq!(world.status_by(&crl, "2026-06-02T00:00:00Z", &rules), GOOD);
    assert_eq!(world.status_by(&crl, "2026-06-02T00:00:01Z", &rules), "STALE");
    let open = CrlSpec { next_update: None, ..world.crl() };
    let open = [world.sign(&open)];
    assert_eq!(world.status(&open, "2026-06-02T00:00:00Z"), GOOD);
    assert_eq!(world.status(&open, "2026-06-02T00:00:01Z"), "STALE");
}

#[test]
fn a_revocation_counts_from_its_date_and_for_good() {
    let world = World::new();
    let revoked = world.sign(&world.crl().entry(world.revoked("2026-05-20T10:00:00Z", Some(KEY_COMPROMISE))));
    let later = CrlSpec::new(&world.root.certificate, july(), at("2026-08-01T00:00:00Z"));
    let clean = world.sign(&later.number(2));
    let is = "revoked since 2026-05-20T10:00:00Z (keyCompromise)";
    assert_eq!(world.status(std::slice::from_ref(&revoked), JUNE), is);
    assert_eq!(world.status(std::slice::from_ref(&revoked), "2026-05-20T10:00:00Z"), is);
    assert_eq!(world.status(std::slice::from_ref(&revoked), "2026-05-20T09:59:59Z"), "good, revoked later");
    // Neither its age nor a newer list without the entry takes it back.
    assert_eq!(world.status(std::slice::from_ref(&revoked), "2026-12-01T00:00:00Z"), is);
    assert_eq!(world.status(&[revoked, clean], "2026-07-15T00:00:00Z"), is);
}

#[test]
fn a_hold_ends_with_newer_evidence_from_before_the_time() {
    let world = World::new();
    let held = world.sign(&world.crl().entry(world.revoked("2026-05-20T10:00:00Z", Some(HOLD))));
    let later = CrlSpec::new(&world.root.certificate, july(), at("2026-08-01T00:00:00Z"));
    let clean = world.sign(&later.number(2));
    let on_hold = "revoked since 2026-05-20T10:00:00Z (certificateHold)";
    let both = [held.clone(), clean];
    assert_eq!(world.status(&both, "2026-07-15T00:00:00Z"), GOOD);
    assert_eq!(world.status(&both, JUNE), on_hold);
    assert_eq!(world.status(&both, "2026-05-19T00:00:00Z"), "good, revoked later");
    assert_eq!(world.status(std::slice::from_ref(&held), JUNE), on_hold);
    assert_eq!(world.status(&[held], "2026-07-15T00:00:00Z"), "ON_HOLD");
}

#[test]
fn an_expired_certificate_need_not_be_listed() {
    let world = World::with(|t| t.not_after = at("2026-05-31T00:00:00Z"));
    let may = "2026-05-01T00:00:00Z";
    assert_eq!(world.status(&[world.sign(&world.crl())], may), "EXPIRED_BEFORE");
    let since = |time: &str| ca::extension("2.5.29.60", false, &der::generalized(at(time)));
    let crl = |time: &str| [world.sign(&world.crl().extension(since(time)))];
    assert_eq!(world.status(&crl("2026-05-31T00:00:00Z"), may), GOOD);
    assert_eq!(world.status(&crl("2026-05-31T00:00:01Z"), may), "EXPIRED_BEFORE");
    // What it does list, it tells.
    let listed = world.crl().entry(world.revoked("2026-05-20T10:00:00Z", None));
    assert_eq!(world.status(&[world.sign(&listed)], may), "good, revoked later");
}

#[test]
fn a_delta_is_read_with_its_base() {
    let world = World::new();
    let base = world.crl().number(5);
    let held = base.clone().entry(world.revoked("2026-05-20T10:00:00Z", Some(HOLD)));
    let next = CrlSpec { this_update: at("2026-06-10T00:00:00Z"), ..world.crl() };
    let revokes = next.clone().delta(5, 7).entry(world.revoked("2026-06-09T00:00:00Z", Some(KEY_COMPROMISE)));
    let lifts = next.clone().delta(5, 7).entry(world.revoked("2026-06-09T00:00:00Z", Some(REMOVE)));
    let (base, held) = (world.sign(&base), world.sign(&held));
    let is = "revoked since 2026-06-09T00:00:00Z (keyCompromise)";
    assert_eq!(world.status(&[base.clone(), world.sign(&revokes)], JUNE), is);
    assert_eq!(world.status(&[base.clone(), world.sign(&revokes)], "2026-06-05T00:00:00Z"), "good, revoked later");
    assert_eq!(world.status(&[held.clone(), world.sign(&lifts)], JUNE), GOOD);
    let on_hold = "revoked since 2026-05-20T10:00:00Z (certificateHold)";
    assert_eq!(world.status(&[held, world.sign(&lifts)], "2026-06-05T00:00:00Z"), on_hold);
    // Without the rule for it, a delta is as if it were not there.
    let mut rules = RevocationRules::default();
    rules.use_deltas = false;
    assert_eq!(world.status_by(&[base, world.sign(&revokes)], JUNE, &rules), GOOD);
}

#[test]
fn a_delta_freshens_its_base() {
    let world = World::new();
    let base = world.sign(&world.crl().number(5));
    let next = CrlSpec::new(&world.root.certificate, july(), at("2026-08-01T00:00:00Z"));
    let time = "2026-07-15T00:00:00Z";
    assert_eq!(world.status(std::slice::from_ref(&base), time), "STALE");
    assert_eq!(world.status(&[base, world.sign(&next.delta(5, 7))], time), GOOD);
}

// CVE-2026-28388: a delta without a number was a null pointer.
#[test]
fn a_delta_that_does_not_join_is_left_out() {
    let world = World::new();
    let base = world.sign(&world.crl().number(5));
    let next = CrlSpec { this_update: at("2026-06-10T00:00:00Z"), ..world.crl() };
    let entry = world.revoked("2026-06-09T00:00:00Z", Some(KEY_COMPROMISE));
    let delta = next.delta(5, 7).entry(entry);
    let other = PrivateKey::generate(KeySpec::P256).unwrap();
    let url = full(&[uri("http://a.example.vn/crl")]);
    for (why, delta) in [
        ("its base is younger", world.sign(&delta.clone().delta(6, 7))),
        ("it is older than the base", world.sign(&delta.clone().delta(4, 5))),
        ("it has no number", world.sign(&CrlSpec { number: None, ..delta.clone() })),
        ("it is not understood", world.sign(&delta.clone().extension(critical("1.2.3")))),
        ("its scope is another", world.sign(&delta.clone().idp(&[url]))),
        ("another key signed it", delta.sign(&other)),
    ] {
        assert_eq!(world.status(&[base.clone(), delta.clone()], JUNE), GOOD, "{why}");
        assert_ne!(world.status(&[delta], JUNE), GOOD, "{why}, alone");
    }
    // A base without a number has no delta, and does not stop anything.
    let plain = world.sign(&CrlSpec { number: None, ..world.crl() });
    assert_eq!(world.status(&[plain, world.sign(&delta)], JUNE), GOOD);
}

// RUSTSEC-2026-0104: BIT STRINGs without octets, or with bits that cannot be there, were a panic.
#[test]
fn flags_that_are_none_are_refused_or_count_for_nothing() {
    let world = World::new();
    for flags in [&[][..], &[0], &[7], &[8, 0], &[255, 0x60], &[7, 0], &[0, 0, 0, 0, 0, 0]] {
        let part = der::tlv(0x83, flags);
        let der = world.crl().idp(&[part]).der(&world.root.key);
        if let Ok(crl) = Crl::from_der(&der) {
            assert_ne!(world.status(&[crl], JUNE), GOOD, "{flags:?}");
        }
    }
}

#[test]
fn what_is_not_understood_does_not_count() {
    let world = World::new();
    let mut odd = world.revoked("2026-05-20T10:00:00Z", None);
    odd.serial = vec![0x55];
    odd.extensions.push(critical("1.2.3.4"));
    let number = ca::extension("2.5.29.20", false, &der::int(1));
    for (why, spec) in [
        ("critical extension", world.crl().extension(critical("1.2.3.4"))),
        ("critical extension of another certificate's entry", world.crl().entry(odd)),
        ("an extension twice", world.crl().extension(number)),
        ("broken distribution point", world.crl().extension(ca::extension("2.5.29.28", true, &der::null()))),
    ] {
        assert_eq!(world.status(&[world.sign(&spec)], JUNE), "NOT_UNDERSTOOD", "{why}");
    }
    let harmless = world.crl().extension(ca::extension("1.2.3.4", false, &der::null()));
    assert_eq!(world.status(&[world.sign(&harmless)], JUNE), GOOD);
}

#[test]
fn a_signature_must_be_the_issuers() {
    let world = World::new();
    let der = world.crl().der(&world.root.key);
    let good = Crl::from_der(&der).unwrap();
    assert_eq!(world.status(&[good], JUNE), GOOD);
    let mut read = 0;
    for i in 0..der.len() {
        let mut bad = der.clone();
        bad[i] ^= 1;
        let Ok(bad) = Crl::from_der(&bad) else { continue };
        read += 1;
        assert!(!world.status(&[bad], JUNE).starts_with(GOOD), "octet {i}");
    }
    assert!(read > der.len() / 4, "{read} of {} read", der.len());
    let other = PrivateKey::generate(KeySpec::P256).unwrap();
    assert_eq!(world.status(&[world.crl().sign(&other)], JUNE), "NOT_AUTHENTIC");
}

#[test]
fn scope_decides_what_a_list_speaks_of() {
    let world = World::new();
    let flag = |tag: u8| der::tlv(tag, &[0xFF]);
    for (why, parts, status) in [
        ("users only", vec![flag(0x81)], GOOD),
        ("CAs only", vec![flag(0x82)], "OUT_OF_SCOPE"),
        ("attribute certificates only", vec![flag(0x85)], "OUT_OF_SCOPE"),
        ("another distribution point", vec![full(&[uri("http://a.vn/crl")])], "OUT_OF_SCOPE"),
        ("the issuer's name", vec![full(&[directory(world.root.certificate.subject().der())])], GOOD),
        ("some reasons", vec![der::tlv(0x83, &flags([0x60, 0]))], "OUT_OF_SCOPE"),
    ] {
        assert_eq!(world.status(&[world.sign(&world.crl().idp(&parts))], JUNE), status, "{why}");
    }
}

// RUSTSEC-2026-0049: only the first was matched.
#[test]
fn every_distribution_point_is_matched() {
    let (a, b) = (uri("http://a.example.vn/crl"), uri("http://b.example.vn/crl"));
    let both = points(&[full(std::slice::from_ref(&a)), full(std::slice::from_ref(&b))]);
    let world = World::with(|t| t.extra = vec![both]);
    for (names, status) in [
        (vec![a.clone()], GOOD),
        (vec![b.clone()], GOOD),
        (vec![uri("http://c.example.vn/crl"), b], GOOD),
        (vec![uri("http://c.example.vn/crl")], "OUT_OF_SCOPE"),
    ] {
        assert_eq!(world.status(&[world.sign(&world.crl().idp(&[full(&names)]))], JUNE), status);
    }
}

#[test]
fn lists_by_reasons_count_together() {
    let world = World::new();
    // Bits 1 to 8 in two parts.
    let some = |bits: [u8; 2]| der::tlv(0x83, &flags(bits));
    let (first, second) = ([0x70, 0], [0x0F, 0x80]);
    let crl = |bits, number| world.crl().number(number).idp(&[some(bits)]);
    let (first, second) = (crl(first, 1), crl(second, 2));
    let lists = |a: &CrlSpec, b: &CrlSpec| [world.sign(a), world.sign(b)];
    assert_eq!(world.status(&lists(&first, &second), JUNE), GOOD);
    assert_eq!(world.status(&[world.sign(&first)], JUNE), "OUT_OF_SCOPE");
    let revoked = second.entry(world.revoked("2026-05-20T10:00:00Z", Some(5)));
    let is = "revoked since 2026-05-20T10:00:00Z (cessationOfOperation)";
    assert_eq!(world.status(&lists(&first, &revoked), JUNE), is);
    assert_eq!(world.status(&[world.sign(&revoked)], JUNE), is);
    // One part stale: the whole is.
    let old = CrlSpec { next_update: Some(at("2026-06-10T00:00:00Z")), ..first };
    assert_eq!(world.status(&lists(&old, &crl([0x0F, 0x80], 2)), JUNE), "STALE");
}

#[test]
fn an_indirect_list_names_whose_certificates_it_lists() {
    let issuer = ca::name(&[(CN, "CRL issuer")]);
    let point = [full(&[uri("http://a.vn/crl")]), der::tlv(0xA2, &directory(&issuer))].concat();
    let mut world = World::with(|t| t.extra = vec![points(&[point])]);
    let crl_key = PrivateKey::generate(KeySpec::P256).unwrap();
    let template = |key_usage| {
        let mut template = Template::new(&[(CN, "CRL issuer")]);
        template.key_usage = key_usage;
        template
    };
    let own = world.root.certify(&template(ca::CRL_SIGN), &crl_key);
    let root = world.root.certificate.subject().der().to_vec();
    let indirect = |spec: CrlSpec| spec.idp(&[full(&[uri("http://a.vn/crl")]), der::tlv(0x84, &[0xFF])]);
    let spec = CrlSpec { issuer: issuer.clone(), ..world.crl() };
    let revoked = world.revoked("2026-05-20T10:00:00Z", None);
    let is = "revoked since 2026-05-20T10:00:00Z";
    // The CRL issuer's own status, from the root.
    let complete = world.sign(&world.crl());
    let elsewhere = ca::name(&[(CN, "Elsewhere")]);
    let lists = |entries: Vec<Entry>, world: &World| {
        let spec = entries.into_iter().fold(indirect(spec.clone()), CrlSpec::entry);
        world.status(&[spec.sign(&crl_key)], JUNE)
    };
    assert_eq!(lists(vec![], &world), "NOT_AUTHENTIC", "its certificate is not known");
    world.others = vec![own.clone()];
    assert_eq!(lists(vec![], &world), "SIGNER_STATUS");
    let with_status = |entries: Vec<Entry>, world: &World| {
        let spec = entries.into_iter().fold(indirect(spec.clone()), CrlSpec::entry);
        // The root's list is no list for the point, but for the CRL issuer's certificate.
        let root_only = CrlSpec { entries: Vec::new(), ..world.crl() };
        let root_only = root_only.idp(&[full(&[directory(&root)])]);
        world.status(&[spec.sign(&crl_key), world.sign(&root_only)], JUNE)
    };
    assert_eq!(with_status(vec![], &world), GOOD);
    assert_eq!(with_status(vec![revoked.clone().issued_by(&root)], &world), is);
    // Of another issuer, and of the CRL issuer itself: another certificate with this number.
    assert_eq!(with_status(vec![revoked.clone().issued_by(&elsewhere)], &world), GOOD);
    assert_eq!(with_status(vec![revoked.clone()], &world), GOOD);
    // An entry without a name belongs to the issuer named last.
    let mut other = revoked.clone().issued_by(&root);
    other.serial = vec![0x55];
    assert_eq!(with_status(vec![other, revoked.clone()], &world), is);
    // Not marked as indirect.
    let plain = spec.clone().idp(&[full(&[uri("http://a.vn/crl")])]);
    assert_ne!(world.status(&[plain.sign(&crl_key)], JUNE), GOOD);
    // Without cRLSign.
    world.others = vec![world.root.certify(&template(ca::DIGITAL_SIGNATURE), &crl_key)];
    assert_eq!(lists(vec![], &world), "NOT_ENTITLED");
    assert_eq!(world.status(&[complete], JUNE), GOOD);
}

#[test]
fn a_relative_name_is_joined_to_its_issuer() {
    let relative = der::seq(&[&der::oid(CN), &der::utf8("Partition 1")]);
    let point = |value: &[u8]| der::explicit(0, &der::tlv(0xA1, value));
    let world = World::with(|t| t.extra = vec![points(&[point(&relative)])]);
    let joined = ca::name(&[(CN, "Root"), (CN, "Partition 1")]);
    let other = der::seq(&[&der::oid(CN), &der::utf8("Partition 2")]);
    for (parts, status) in
        [(point(&relative), GOOD), (full(&[directory(&joined)]), GOOD), (point(&other), "OUT_OF_SCOPE")]
    {
        assert_eq!(world.status(&[world.sign(&world.crl().idp(&[parts]))], JUNE), status);
    }
}

#[test]
fn a_key_may_sign_lists_only_with_crl_sign() {
    let mut template = Template::ca(&[(CN, "Root")], None);
    template.key_usage = ca::KEY_CERT_SIGN;
    let root = Authority::root(template, KeySpec::P256);
    let leaf = root.certify(&Template::new(&[(CN, "Signer")]), &PrivateKey::generate(KeySpec::P256).unwrap());
    let world = World { root, leaf, others: Vec::new() };
    assert_eq!(world.status(&[world.sign(&world.crl())], JUNE), "NOT_ENTITLED");
}

#[test]
fn what_a_revoked_ca_signed_since_does_not_count() {
    let root = Authority::root(Template::ca(&[(CN, "Root")], None), KeySpec::P256);
    let ca = root.subordinate(Template::ca(&[(CN, "CA")], None), KeySpec::P256);
    let leaf = ca.certify(&Template::new(&[(CN, "Signer")]), &PrivateKey::generate(KeySpec::P256).unwrap());
    let others = vec![ca.certificate.clone()];
    let world = World { root, leaf, others };
    let revoked = Entry::of(&ca.certificate, at("2026-06-05T00:00:00Z"), Some(KEY_COMPROMISE));
    let of_root = |entry| world.sign(&world.crl().entry(entry));
    let of_ca = |time: &str| CrlSpec::new(&ca.certificate, at(time), july()).sign(&ca.key);
    let may = "2026-05-01T00:00:00Z";
    assert_eq!(world.status(&[of_root(revoked.clone()), of_ca("2026-06-04T00:00:00Z")], may), GOOD);
    assert_eq!(world.status(&[of_root(revoked), of_ca("2026-06-05T00:00:00Z")], may), "SIGNER_STATUS");
}
