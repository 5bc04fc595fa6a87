//! Who has to sign a voucher for the State Treasury: each rule of a role policy
//! over real signatures, and that nothing but TOTAL-PASSED fulfils any.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::CN;
use ca::Template;
use ca::at;
use kyso::Limits;
use kyso::Time;
use kyso::cms::SignedData;
use kyso::crypto::KeySpec;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::profile::treasury::Appointment;
use kyso::profile::treasury::Order;
use kyso::profile::treasury::Person;
use kyso::profile::treasury::Position;
use kyso::profile::treasury::Problem;
use kyso::profile::treasury::Role;
use kyso::profile::treasury::RoleOutcome;
use kyso::profile::treasury::RolePolicy;
use kyso::profile::treasury::RoleReport;
use kyso::profile::treasury::SecondSignature;
use kyso::profile::treasury::SignatureFacts;
use kyso::profile::treasury::SignatureVerdict;
use kyso::profile::treasury::SignedDocument;
use kyso::profile::treasury::SubjectRule;
use kyso::profile::treasury::TransactionKind;
use kyso::profile::treasury::Transactions;
use kyso::revocation::Evidence;
use kyso::sign::cades::CadesRequest;
use kyso::trust::TrustAnchors;
use kyso::validate::Language;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use office::Office;
use office::Plan;
use proptest::prelude::*;

const TITLE: &str = "2.5.4.12";
const SIGNED: &str = "2026-11-23T01:00:00Z";
const AGAIN: &str = "2026-11-23T01:30:00Z";
const TODAY: &str = "2026-11-23T02:00:00Z";
const KIND: &str = "chuyen-tien";

/// An office with the four persons of a unit.
struct Unit {
    office: Office,
    holder: SoftKey,
    deputy: SoftKey,
    accountant: SoftKey,
    second: SoftKey,
}

impl Unit {
    fn new() -> Self {
        let office = Plan::new().open();
        let issue = |name: &str, title: &str| {
            office.issuing.issue(&Template::new(&[(CN, name), (TITLE, title)]), KeySpec::P256)
        };
        let holder = issue("Nguyễn Văn An", "Trưởng phòng");
        let deputy = issue("Lê Văn Cường", "Phó Trưởng phòng");
        let accountant = issue("Trần Thị Bình", "Kế toán trưởng");
        let second = issue("Phạm Thị Dung", "Kế toán viên");
        Self { office, holder, deputy, accountant, second }
    }

    fn policy(&self) -> RolePolicy {
        let mut policy = RolePolicy::new("Phòng Tài chính", SecondSignature::Demanded);
        policy.transactions =
            vec![TransactionKind::new(KIND, "Chuyển tiền"), TransactionKind::new("mo-tai-khoan", "Mở tài khoản")];
        let person = |id: &str, name: &str, key: &SoftKey| {
            Person::new(id, name).certificate(key.identity().certificate().sha256().to_hex().to_uppercase())
        };
        policy.persons = vec![
            person("an", "Nguyễn Văn An", &self.holder),
            person("cuong", "Lê Văn Cường", &self.deputy),
            person("binh", "Trần Thị Bình", &self.accountant),
            person("dung", "Phạm Thị Dung", &self.second),
        ];
        let from = at("2026-01-01T00:00:00Z");
        policy.appointments = vec![
            Appointment::new("an", Role::AccountHolder, "Trưởng phòng", Transactions::All, from),
            Appointment::new(
                "cuong",
                Role::AuthorisedHolder,
                "Phó Trưởng phòng",
                Transactions::Only(vec![KIND.to_owned()]),
                from,
            ),
            Appointment::new("binh", Role::ChiefAccountant, "Kế toán trưởng", Transactions::All, from),
            Appointment::new("dung", Role::AuthorisedAccountant, "Kế toán viên", Transactions::All, from),
        ];
        policy
    }

    fn evidence(&self) -> Evidence {
        self.office.crls("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z")
    }

    fn validate(&self, document: &[u8]) -> Report {
        self.office.validate(document, TODAY, &self.evidence())
    }

    /// A PDF signed by each in turn.
    fn pdf(&self, keys: &[&SoftKey]) -> Vec<u8> {
        let mut document = self.office.sign(keys[0], SIGNED);
        for key in &keys[1..] {
            document = self.office.sign_again(&document, *key, AGAIN);
        }
        document
    }

    fn judge(&self, policy: &RolePolicy, keys: &[&SoftKey]) -> RoleReport {
        policy.judge(&self.validate(&self.pdf(keys)), KIND).unwrap()
    }
}

fn problems(report: &RoleReport) -> Vec<Problem> {
    report.findings.iter().map(|finding| finding.problem).collect()
}

fn names(report: &RoleReport) -> (Option<&str>, Option<&str>) {
    let name = |f: &'_ Option<kyso::profile::treasury::Fulfilment>| f.as_ref().map(|f| f.signatory.name.clone());
    let leak = |name: Option<String>| name.map(|name| &*Box::leak(name.into_boxed_str()));
    (leak(name(&report.first)), leak(name(&report.second)))
}

#[test]
fn holder_and_accountant_fulfil_the_policy_in_a_pdf() {
    let unit = Unit::new();
    for keys in [[&unit.holder, &unit.accountant], [&unit.accountant, &unit.holder]] {
        let report = unit.judge(&unit.policy(), &keys);
        assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Fulfilled, vec![]));
        assert_eq!(names(&report), (Some("Nguyễn Văn An"), Some("Trần Thị Bình")));
    }
    let report = unit.judge(&unit.policy(), &[&unit.deputy, &unit.second]);
    assert_eq!(report.outcome, RoleOutcome::Fulfilled, "{report:?}");
    assert_eq!(report.first.unwrap().signatory.role, Role::AuthorisedHolder);
}

#[test]
fn holder_and_accountant_fulfil_the_policy_in_a_cms() {
    let unit = Unit::new();
    let one = |key: &SoftKey| CadesRequest::new(b"chung tu", at(SIGNED)).detached().sign(key).unwrap().into_octets();
    // Two signers of one content, in one SignedData: what both signed is the same.
    let (a, b) = (one(&unit.holder), one(&unit.accountant));
    let cms = merged(&a, &b);
    let signed = SignedData::from_octets(&cms, &Limits::default()).unwrap();
    let content: &[u8] = b"chung tu";
    let (anchors, evidence) = (unit.office.anchors(), unit.evidence());
    let (policy, now) = (Policy::etsi(), at(TODAY));
    let report = Validator::new(&policy, &anchors, now).evidence(&evidence).cms(&signed, Some(&content));
    let mut roles = unit.policy();
    let judged = roles.judge(&report, KIND).unwrap();
    assert_eq!(judged.outcome, RoleOutcome::Fulfilled, "{}", judged.to_text(Language::English));
    // Signers of a CMS stand beside each other: without time-stamps nothing tells who was first.
    roles.order = Order::FirstBeforeSecond;
    let judged = roles.judge(&report, KIND).unwrap();
    assert_eq!((judged.outcome, problems(&judged)), (RoleOutcome::Incomplete, vec![Problem::OrderNotProven]));
}

/// The signers and certificates of both.
fn merged(a: &[u8], b: &[u8]) -> Vec<u8> {
    let signed_data = |octets: &[u8]| -> Vec<Vec<u8>> {
        let content = der::children(der::split(octets).1)[1].to_vec();
        let sequence = der::children(der::split(&content).1)[0].to_vec();
        der::children(der::split(&sequence).1).into_iter().map(<[u8]>::to_vec).collect()
    };
    let (a, b) = (signed_data(a), signed_data(b));
    let join = |x: &[u8], y: &[u8]| der::tlv(x[0], &[der::split(x).1, der::split(y).1].concat());
    let parts = [a[0].clone(), a[1].clone(), a[2].clone(), join(&a[3], &b[3]), join(&a[4], &b[4])];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    der::seq(&[&der::oid("1.2.840.113549.1.7.2"), &der::explicit(0, &der::seq(&parts))])
}

#[test]
fn what_is_missing_is_named_with_those_who_could_sign() {
    let unit = Unit::new();
    let report = unit.judge(&unit.policy(), &[&unit.holder]);
    assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Incomplete, vec![Problem::Missing]));
    let missing = &report.findings[0];
    assert_eq!(missing.position, Some(Position::Second));
    let people: Vec<&str> = missing.people.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(people, ["Trần Thị Bình", "Phạm Thị Dung"]);
    assert_eq!(
        missing.message(Language::Vietnamese),
        "thiếu chữ ký thứ hai; người có thể ký: Trần Thị Bình (Kế toán trưởng, kế toán trưởng); \
         Phạm Thị Dung (Kế toán viên, người được uỷ quyền kế toán trưởng)"
    );
    assert_eq!(
        missing.message(Language::English),
        "the second signature is missing; it can be given by: Trần Thị Bình (Kế toán trưởng, chief accountant); \
         Phạm Thị Dung (Kế toán viên, authorised by the chief accountant)"
    );
    assert!(report.to_text(Language::Vietnamese).contains("CHƯA ĐỦ"));
    // Two of the same side are no substitute for the other side.
    let report = unit.judge(&unit.policy(), &[&unit.holder, &unit.deputy]);
    assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Incomplete, vec![Problem::Missing]));
    // An unsigned document lacks both.
    let unsigned = unit.validate(&sample_pdf::plain(sample_pdf::Xref::Table));
    let report = unit.policy().judge(&unsigned, KIND).unwrap();
    assert_eq!((report.outcome, report.findings.len()), (RoleOutcome::Incomplete, 2));
}

#[test]
fn a_unit_without_second_signature_needs_one() {
    let unit = Unit::new();
    let mut policy = unit.policy();
    policy.second_signature = SecondSignature::None;
    assert!(policy.check().is_err(), "an accountant is appointed");
    policy.appointments.truncate(2);
    assert_eq!(unit.judge(&policy, &[&unit.holder]).outcome, RoleOutcome::Fulfilled);
    // The accountant is nobody there, which is worth knowing and no fault.
    let report = unit.judge(&policy, &[&unit.holder, &unit.accountant]);
    assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Fulfilled, vec![Problem::UnknownSigner]));
    let report = unit.judge(&policy, &[&unit.accountant]);
    assert_eq!(report.outcome, RoleOutcome::Incomplete);
}

#[test]
fn an_authorisation_is_for_its_kinds_of_transaction() {
    let unit = Unit::new();
    let report = unit.validate(&unit.pdf(&[&unit.deputy, &unit.accountant]));
    assert_eq!(unit.policy().judge(&report, KIND).unwrap().outcome, RoleOutcome::Fulfilled);
    let other = unit.policy().judge(&report, "mo-tai-khoan").unwrap();
    assert_eq!(other.outcome, RoleOutcome::Violated);
    assert_eq!(problems(&other), [Problem::OtherTransaction, Problem::Missing]);
    assert!(unit.policy().judge(&report, "mo tai khoan").is_err());
}

#[test]
fn an_authorisation_is_for_its_time() {
    let unit = Unit::new();
    let judged = |from: &str, until: Option<&str>| {
        let mut policy = unit.policy();
        policy.appointments[1].from = at(from);
        policy.appointments[1].until = until.map(at);
        let report = unit.judge(&policy, &[&unit.deputy, &unit.accountant]);
        (report.outcome, problems(&report).first().copied())
    };
    let violated = (RoleOutcome::Violated, Some(Problem::OutsideAppointment));
    assert_eq!(judged("2026-11-23T01:00:00Z", None), (RoleOutcome::Fulfilled, None));
    assert_eq!(judged("2026-11-23T01:00:01Z", None), violated, "the claimed time counts against the signer");
    assert_eq!(judged("2026-11-24T00:00:00Z", None), violated);
    assert_eq!(judged("2026-01-01T00:00:00Z", Some("2026-11-23T02:00:01Z")), (RoleOutcome::Fulfilled, None));
    // It ended between the claimed time and now: only a time-stamp could prove that it was in time.
    assert_eq!(
        judged("2026-01-01T00:00:00Z", Some("2026-11-23T02:00:00Z")),
        (RoleOutcome::Incomplete, Some(Problem::TimeNotProven))
    );
    assert_eq!(judged("2026-01-01T00:00:00Z", Some("2026-11-22T00:00:00Z")), violated);
}

#[test]
fn a_time_stamp_proves_that_an_authorisation_was_in_force() {
    let unit = Unit::new();
    let mut policy = unit.policy();
    policy.second_signature = SecondSignature::None;
    policy.appointments.truncate(2);
    policy.appointments[1].until = Some(at("2026-11-23T01:30:00Z"));
    let document = unit.office.sign_stamped(&unit.deputy, SIGNED, "2026-11-23T01:10:00Z");
    assert_eq!(policy.judge(&unit.validate(&document), KIND).unwrap().outcome, RoleOutcome::Fulfilled);
    // Signed after the end with a time that is claimed to be before it.
    let document = unit.office.sign_stamped(&unit.deputy, SIGNED, "2026-11-23T01:40:00Z");
    let report = policy.judge(&unit.validate(&document), KIND).unwrap();
    assert_eq!(problems(&report)[0], Problem::OutsideAppointment);
    assert_eq!(report.outcome, RoleOutcome::Violated);
}

#[test]
fn nothing_but_total_passed_fulfils_a_role() {
    let unit = Unit::new();
    let (policy, document) = (unit.policy(), unit.pdf(&[&unit.holder, &unit.accountant]));
    // Without trust nothing is known of either.
    let pdf = kyso::pdf::Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let untrusted = Validator::new(&Policy::etsi(), &TrustAnchors::none(), at(TODAY)).pdf(&pdf);
    let report = policy.judge(&untrusted, KIND).unwrap();
    assert_eq!(report.outcome, RoleOutcome::Incomplete);
    assert_eq!(problems(&report), [Problem::SignatureUndecided; 2]);
    assert!(report.first.is_none() && report.second.is_none());
    // Without revocation status neither.
    let unknown = unit.office.validate(&document, TODAY, &Evidence::new());
    assert_eq!(policy.judge(&unknown, KIND).unwrap().outcome, RoleOutcome::Incomplete);
    // A revoked accountant.
    let mut unit = unit;
    unit.office.issuing.revoke(unit.accountant.identity().certificate(), at("2026-11-22T00:00:00Z"), Some(1));
    let report = policy.judge(&unit.validate(&document), KIND).unwrap();
    assert_ne!(report.outcome, RoleOutcome::Fulfilled);
    assert!(report.second.is_none());
}

#[test]
fn a_failed_signature_of_anybody_violates() {
    let unit = Unit::new();
    let mut document = unit.pdf(&[&unit.holder, &unit.accountant]);
    // The text of the page, which both signed.
    let place = document.windows(9).position(|w| w == b"Quyet din").unwrap();
    document[place] = b'X';
    let report = unit.policy().judge(&unit.validate(&document), KIND).unwrap();
    assert_eq!(report.outcome, RoleOutcome::Violated);
    assert_eq!(problems(&report)[..2], [Problem::SignatureFailed; 2]);
    assert!(report.findings[0].message(Language::Vietnamese).contains("Nguyễn Văn An"));
    // A stranger's too, beside two that are right.
    let mut facts = Stated::right();
    let failed = SignatureVerdict::Failed("HASH_FAILURE".to_owned());
    facts.0.push(SignatureFacts::stated("x", failed, &"ee".repeat(32), at(TODAY)));
    assert_eq!(stated_policy().judge(&facts, KIND).unwrap().outcome, RoleOutcome::Violated);
}

#[test]
fn name_and_title_of_the_certificate_are_those_notified() {
    let unit = Unit::new();
    let keys = [&unit.holder, &unit.accountant];
    let judged = |change: &dyn Fn(&mut RolePolicy)| {
        let mut policy = unit.policy();
        change(&mut policy);
        problems(&unit.judge(&policy, &keys)).first().copied()
    };
    assert_eq!(judged(&|p| p.persons[0].name = "NGUYỄN  Văn An ".to_owned()), None, "case and spaces do not count");
    assert_eq!(judged(&|p| p.persons[0].name = "Nguyen Van An".to_owned()), Some(Problem::NameDiffers));
    assert_eq!(judged(&|p| p.appointments[0].title = "Giám đốc".to_owned()), Some(Problem::TitleDiffers));
    let ignored = |p: &mut RolePolicy| {
        p.appointments[0].title = "Giám đốc".to_owned();
        p.titles = SubjectRule::Ignored;
        p.persons[0].name = "Khác".to_owned();
        p.names = SubjectRule::Ignored;
    };
    assert_eq!(judged(&ignored), None);
    // A certificate without title counts where a title is not demanded.
    let plain = unit.office.issuing.issue(&Template::new(&[(CN, "Nguyễn Văn An")]), KeySpec::P256);
    let mut policy = unit.policy();
    policy.persons[0] =
        Person::new("an", "Nguyễn Văn An").certificate(plain.identity().certificate().sha256().to_hex());
    assert_eq!(unit.judge(&policy, &[&plain, &unit.accountant]).outcome, RoleOutcome::Fulfilled);
    policy.titles = SubjectRule::Demanded;
    assert_eq!(problems(&unit.judge(&policy, &[&plain, &unit.accountant]))[0], Problem::TitleDiffers);
}

#[test]
fn a_certificate_that_was_not_notified_is_nobodys() {
    let unit = Unit::new();
    // The same person with another certificate.
    let other =
        unit.office.issuing.issue(&Template::new(&[(CN, "Nguyễn Văn An"), (TITLE, "Trưởng phòng")]), KeySpec::P256);
    let report = unit.judge(&unit.policy(), &[&other, &unit.accountant]);
    assert_eq!(
        (report.outcome, problems(&report)),
        (RoleOutcome::Incomplete, vec![Problem::UnknownSigner, Problem::Missing])
    );
}

#[test]
fn the_order_counts_where_it_is_demanded() {
    let unit = Unit::new();
    let mut policy = unit.policy();
    policy.order = Order::SecondBeforeFirst;
    assert_eq!(unit.judge(&policy, &[&unit.accountant, &unit.holder]).outcome, RoleOutcome::Fulfilled);
    let report = unit.judge(&policy, &[&unit.holder, &unit.accountant]);
    assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Violated, vec![Problem::WrongOrder]));
    // One pair in order is enough.
    let report = unit.judge(&policy, &[&unit.holder, &unit.accountant, &unit.deputy]);
    assert_eq!(report.outcome, RoleOutcome::Fulfilled);
    assert_eq!(names(&report), (Some("Lê Văn Cường"), Some("Trần Thị Bình")));
}

#[test]
fn both_sign_the_same_content() {
    let unit = Unit::new();
    let filled = |policy: &RolePolicy, filled: bool, changed: bool| {
        let mut facts = Stated::right();
        facts.0[0].filled_afterwards = filled;
        facts.0[0].changed_afterwards = changed;
        let report = policy.judge(&facts, KIND).unwrap();
        (report.outcome, problems(&report).first().copied())
    };
    let mut policy = stated_policy();
    let violated = (RoleOutcome::Violated, Some(Problem::ChangedAfterwards));
    assert_eq!(filled(&policy, true, false), violated);
    assert_eq!(filled(&policy, false, true), violated);
    policy.form_filling = true;
    assert_eq!(filled(&policy, true, false), (RoleOutcome::Fulfilled, None));
    assert_eq!(filled(&policy, false, true), violated);
    let mut facts = Stated::right();
    facts.0[0].covers_whole = false;
    assert_eq!(problems(&policy.judge(&facts, KIND).unwrap())[0], Problem::NotWhole);
    // A second signature in a new field is no filling in.
    let report = unit.validate(&unit.pdf(&[&unit.holder, &unit.accountant]));
    assert!(!report.signatures()[0].form_filled());
}

#[test]
fn a_fault_of_the_document_violates() {
    struct Faulty(Stated);
    impl SignedDocument for Faulty {
        fn validation_time(&self) -> Time {
            self.0.validation_time()
        }
        fn signatures(&self) -> Vec<SignatureFacts> {
            self.0.signatures()
        }
        fn faults(&self) -> Vec<String> {
            vec!["two readers see different documents".to_owned()]
        }
    }
    let report = stated_policy().judge(&Faulty(Stated::right()), KIND).unwrap();
    assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Violated, vec![Problem::DocumentFault]));
}

#[test]
fn one_person_does_not_give_both() {
    // The deputy became an accountant in June; both appointments have held the certificate.
    let mut policy = stated_policy();
    let (june, from) = (at("2026-06-01T00:00:00Z"), at("2026-01-01T00:00:00Z"));
    policy.persons.truncate(1);
    policy.appointments = vec![
        Appointment::new("a", Role::AccountHolder, "x", Transactions::All, from).until(june),
        Appointment::new("a", Role::ChiefAccountant, "y", Transactions::All, june),
    ];
    policy.check().unwrap();
    let mut early =
        SignatureFacts::stated("s1", SignatureVerdict::Passed, &"aa".repeat(32), at("2026-05-01T00:00:00Z"));
    early.time_is_proven = true;
    let late = SignatureFacts::stated("s2", SignatureVerdict::Passed, &"aa".repeat(32), at(TODAY));
    policy.names = SubjectRule::Ignored;
    let report = policy.judge(&Stated(vec![early, late]), KIND).unwrap();
    assert_eq!((report.outcome, problems(&report)), (RoleOutcome::Violated, vec![Problem::SamePerson]));
}

#[test]
fn a_policy_that_the_circular_does_not_permit_is_refused() {
    let unit = Unit::new();
    let refused = |change: &dyn Fn(&mut RolePolicy), field: &str| {
        let mut policy = unit.policy();
        change(&mut policy);
        let error = policy.check().unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
        assert!(policy.judge(&Stated::right(), KIND).is_err(), "{field}");
    };
    let from = at("2026-02-01T00:00:00Z");
    let add = |p: &mut RolePolicy, role: Role, count: usize| {
        for n in 0..count {
            let id = format!("new{n}");
            p.persons.push(Person::new(id.clone(), "Người Mới"));
            p.appointments.push(Appointment::new(id, role, "Chuyên viên", Transactions::All, from));
        }
    };
    unit.policy().check().unwrap();
    let mut most = unit.policy();
    add(&mut most, Role::AuthorisedHolder, 2);
    most.check().unwrap();
    refused(&|p| add(p, Role::AuthorisedHolder, 3), "at most 4 persons with the first signature");
    refused(&|p| add(p, Role::AuthorisedAccountant, 2), "at most 3 persons with the second signature");
    refused(&|p| add(p, Role::AccountHolder, 1), "at most 1 persons with the role account-holder");
    refused(&|p| add(p, Role::ChiefAccountant, 1), "at most 1 persons with the role chief-accountant");
    refused(&|p| p.appointments[1].person = "binh".to_owned(), "different persons for the first and the second");
    refused(&|p| p.appointments[1].person = "nobody".to_owned(), "appointments[1].person");
    refused(&|p| p.appointments[1].title = " ".to_owned(), "appointments[1].title");
    refused(&|p| p.appointments[1].until = Some(p.appointments[1].from), "appointments[1].until");
    refused(&|p| p.appointments[1].transactions = Transactions::Only(vec!["x".into()]), "appointments[1].transactions");
    refused(&|p| p.appointments[1].transactions = Transactions::Only(vec![]), "appointments[1].transactions");
    refused(&|p| p.persons[1].id = "an".to_owned(), "persons[1].id");
    refused(&|p| p.persons[1].name = String::new(), "persons[1].name");
    refused(&|p| p.persons[1].certificates = vec!["12".to_owned()], "persons[1].certificates");
    refused(&|p| p.persons[1].certificates = p.persons[0].certificates.clone(), "persons[1].certificates");
    refused(&|p| p.transactions.clear(), "transactions");
    refused(&|p| p.transactions[1].code = KIND.to_owned(), "transactions[1].code");
    // One after the other is permitted.
    let mut policy = unit.policy();
    policy.appointments[0].until = Some(from);
    add(&mut policy, Role::AccountHolder, 1);
    policy.check().unwrap();
}

#[cfg(feature = "serde")]
#[test]
fn policies_are_written_and_read_as_json() {
    let unit = Unit::new();
    let mut policy = unit.policy();
    policy.order = Order::SecondBeforeFirst;
    policy.appointments[1].until = Some(at("2026-12-31T17:00:00Z"));
    assert_eq!(RolePolicy::from_json(&policy.to_json()).unwrap(), policy);
    // Days are those of Vietnam, both included.
    let text = policy.to_json();
    let days =
        text.replace("2027-01-01T00:00:00+07:00", "2026-12-31").replace("2026-01-01T07:00:00+07:00", "2026-01-01");
    let read = RolePolicy::from_json(&days).unwrap();
    assert_eq!(read.appointments[1].until, Some(at("2026-12-31T17:00:00Z")));
    assert_eq!(read.appointments[1].from, at("2025-12-31T17:00:00Z"));
    for (from, to) in [
        ("\"second_signature\"", "\"second_signatures\""),
        ("\"second-before-first\"", "\"accountant-first\""),
        ("\"account-holder\"", "\"holder\""),
        ("\"all\"", "\"every\""),
        ("2027-01-01T00:00:00+07:00", "31/12/2026"),
    ] {
        assert!(text.contains(from), "{from}");
        assert!(RolePolicy::from_json(&text.replace(from, to)).is_err(), "{from}");
    }
    let report = unit.judge(&unit.policy(), &[&unit.holder]);
    let json: serde_json::Value = serde_json::from_str(&report.to_json(Language::Vietnamese)).unwrap();
    assert_eq!((&json["outcome"], &json["second"]), (&"INCOMPLETE".into(), &serde_json::Value::Null));
    assert_eq!(json["findings"][0]["code"], "MISSING");
    assert_eq!(json["findings"][0]["people"][0]["role"], "chief-accountant");
}

/// What a host states of a document of its own.
struct Stated(Vec<SignatureFacts>);

impl Stated {
    fn right() -> Self {
        let one = |name: &str, certificate: &str| {
            SignatureFacts::stated(name, SignatureVerdict::Passed, &certificate.repeat(32), at(TODAY))
        };
        Self(vec![one("s1", "aa"), one("s2", "bb")])
    }
}

impl SignedDocument for Stated {
    fn validation_time(&self) -> Time {
        at(TODAY)
    }

    fn signatures(&self) -> Vec<SignatureFacts> {
        self.0.clone()
    }

    fn faults(&self) -> Vec<String> {
        Vec::new()
    }
}

fn stated_policy() -> RolePolicy {
    let from = at("2026-01-01T00:00:00Z");
    let mut policy = RolePolicy::new("Đơn vị", SecondSignature::Demanded);
    policy.transactions = vec![TransactionKind::new(KIND, "Chuyển tiền")];
    policy.names = SubjectRule::Ignored;
    policy.persons =
        vec![Person::new("a", "A").certificate("aa".repeat(32)), Person::new("b", "B").certificate("bb".repeat(32))];
    policy.appointments = vec![
        Appointment::new("a", Role::AccountHolder, "x", Transactions::All, from),
        Appointment::new("b", Role::ChiefAccountant, "y", Transactions::All, from),
    ];
    policy
}

#[test]
fn formats_of_the_hosts_own_are_judged_by_the_same_rules() {
    assert_eq!(stated_policy().judge(&Stated::right(), KIND).unwrap().outcome, RoleOutcome::Fulfilled);
}

#[derive(Clone, Debug)]
struct Drawn {
    certificate: usize,
    verdict: usize,
    day: i64,
    proven: bool,
    claimed: Option<i64>,
    whole: bool,
    changed: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (0..5usize, 0..4usize, -20..20i64, any::<bool>(), prop::option::of(-20..20i64), 0..10u8, 0..10u8).prop_map(
        |(certificate, verdict, day, proven, claimed, whole, changed)| Drawn {
            certificate,
            verdict,
            day,
            proven,
            claimed,
            whole: whole != 0,
            changed: changed == 0,
        },
    )
}

fn day(n: i64) -> Time {
    Time::from_unix(at("2026-11-01T00:00:00Z").unix() + n * 86_400).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, ..ProptestConfig::default() })]

    /// Whatever is judged fulfilled has two passed signatures of different
    /// persons in force, and no failed or undecided one beside them.
    #[test]
    fn fulfilled_means_what_it_says(all in prop::collection::vec(drawn(), 0..6), windows in prop::collection::vec((-20..20i64, 1..20i64), 4)) {
        let mut policy = stated_policy();
        let roles = [Role::AccountHolder, Role::AuthorisedHolder, Role::ChiefAccountant, Role::AuthorisedAccountant];
        policy.persons = (0..4).map(|n| Person::new(format!("p{n}"), "N").certificate(format!("{n:02x}").repeat(32))).collect();
        policy.appointments = windows.iter().enumerate().map(|(n, (from, length))| {
            Appointment::new(format!("p{n}"), roles[n], "t", Transactions::All, day(*from)).until(day(from + length))
        }).collect();
        let facts: Vec<SignatureFacts> = all.iter().enumerate().map(|(n, drawn)| {
            let verdict = match drawn.verdict {
                0 | 1 => SignatureVerdict::Passed,
                2 => SignatureVerdict::Failed("HASH_FAILURE".to_owned()),
                _ => SignatureVerdict::Undecided("TRY_LATER".to_owned()),
            };
            let mut facts = SignatureFacts::stated(format!("s{n}"), verdict, &format!("{:02x}", drawn.certificate).repeat(32), day(drawn.day));
            facts.time_is_proven = drawn.proven;
            facts.claimed_signing_time = drawn.claimed.map(day);
            facts.covers_whole = drawn.whole;
            facts.changed_afterwards = drawn.changed;
            facts
        }).collect();
        let report = policy.judge(&Stated(facts.clone()), KIND).unwrap();
        prop_assert_eq!(&report, &policy.judge(&Stated(facts.clone()), KIND).unwrap());
        let failed = facts.iter().any(|f| matches!(f.verdict, SignatureVerdict::Failed(_)));
        prop_assert!(!failed || report.outcome == RoleOutcome::Violated);
        if report.outcome == RoleOutcome::Fulfilled {
            prop_assert!(facts.iter().all(|f| f.verdict == SignatureVerdict::Passed));
            let (first, second) = (report.first.unwrap(), report.second.unwrap());
            prop_assert!(first.signatory.person != second.signatory.person);
            for (given, position) in [(&first, Position::First), (&second, Position::Second)] {
                prop_assert_eq!(given.signatory.role.position(), position);
                let facts = facts.iter().find(|f| f.name == given.signature).unwrap();
                let appointment = policy.appointments.iter().find(|a| a.person == given.signatory.person).unwrap();
                prop_assert!(appointment.covers(facts.best_signature_time));
                prop_assert!(facts.claimed_signing_time.is_none_or(|claimed| claimed >= appointment.from));
                prop_assert!(facts.covers_whole && !facts.changed_afterwards);
            }
        } else {
            prop_assert!(!report.findings.is_empty(), "what is not fulfilled says why");
        }
    }

    /// From a document that fulfils the policy, any single deterioration takes that away.
    #[test]
    fn every_mutation_of_a_fulfilled_voucher_is_noticed(which in 0..2usize, what in 0..7usize) {
        let mut facts = Stated::right();
        let mutated = &mut facts.0[which];
        match what {
            0 => mutated.verdict = SignatureVerdict::Failed("HASH_FAILURE".to_owned()),
            1 => mutated.verdict = SignatureVerdict::Undecided("NO_POE".to_owned()),
            2 => mutated.certificate = Some("cc".repeat(32)),
            3 => mutated.certificate = None,
            4 => mutated.best_signature_time = at("2025-12-31T23:59:59Z"),
            5 => mutated.covers_whole = false,
            _ => drop(facts.0.remove(which)),
        }
        prop_assert_ne!(stated_policy().judge(&facts, KIND).unwrap().outcome, RoleOutcome::Fulfilled);
    }
}
