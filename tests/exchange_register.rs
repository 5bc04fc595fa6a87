//! Registers: which deliveries a message concerns, what is recorded, and how it is stored.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/messages.rs"]
mod messages;

use kyso::crypto::Digest;
use kyso::crypto::DigestAlgorithm;
use kyso::envelope::Document;
use kyso::envelope::DocumentId;
use kyso::envelope::OrganId;
use kyso::envelope::Organization;
use kyso::envelope::Status;
use kyso::envelope::StatusCode;
use kyso::envelope::identifier::IdentifierMap;
use kyso::envelope::model::Replacement;
use kyso::envelope::model::TraceHeader;
use kyso::exchange::Content;
use kyso::exchange::Duty;
use kyso::exchange::Key;
use kyso::exchange::Register;
use kyso::exchange::Ruling;
use kyso::exchange::Side;
use kyso::exchange::Taken;

fn digest(text: &str) -> Vec<Digest> {
    vec![DigestAlgorithm::Sha256.digest(text.as_bytes())]
}

fn key(side: Side, other: &str, document: &DocumentId) -> Key {
    Key { side, other: other.into(), document: document.clone() }
}

/// The document of the samples, from the ministry (G14) to H14 alone.
fn to_h14() -> Document {
    let mut d = messages::plain();
    d.to.truncate(1);
    d
}

fn codes(taken: &[Taken]) -> Vec<&str> {
    taken.iter().flat_map(|t| &t.findings).map(kyso::Finding::code).collect()
}

fn h14() -> Organization {
    Organization::new("H14", "UBND tỉnh Cao Bằng")
}

fn status(register: &Register, key: &Key, code: StatusCode, at: &str) -> Status {
    let mut status = register.status(key, &h14(), code, at.parse().unwrap()).unwrap();
    status.description = Some("Lý do".to_owned());
    status
}

#[test]
fn a_document_has_a_line_for_each_receiver() {
    let mut ours = Register::new("G14".into());
    let d = messages::plain();
    let taken = ours.take(&d.clone().into(), &digest("x"));
    assert_eq!(taken.len(), 3);
    assert!(taken.iter().all(|t| t.ruling == Ruling::Taken && t.duties.is_empty()));
    let entry = ours.entry(&key(Side::Sender, "H14", &d.document_id)).unwrap();
    let record = entry.record.as_ref().unwrap();
    assert_eq!((record.code_number.as_str(), record.to.len()), ("2154", 3));
    assert_eq!(record.findings(Side::Sender), []);
    // The receivers' statuses go to their own lines.
    let mut theirs = Register::new("H14".into());
    theirs.take(&d.clone().into(), &digest("x"));
    let there = key(Side::Receiver, "G14", &d.document_id);
    let refusal = status(&theirs, &there, StatusCode::Refused, "2026/11/21 09:00:00").into();
    assert_eq!(theirs.take(&refusal, &[])[0].ruling, Ruling::Taken);
    let taken = ours.take(&refusal, &[]);
    assert_eq!((taken.len(), taken[0].key.other.as_str(), &taken[0].duties[..]), (1, "H14", &[Duty::TellAuthor][..]));
    let untouched = ours.entry(&key(Side::Sender, "000.00.00.H41", &d.document_id)).unwrap();
    assert_eq!(untouched.delivery.progress(), None);
}

#[test]
fn a_message_is_known_again_after_software_on_the_way_has_rewritten_it() {
    let mut theirs = Register::new("H14".into());
    let d = to_h14();
    assert_eq!(
        theirs.take(&d.clone().into(), &digest("x"))[0].duties,
        [Duty::Store, Duty::Report(StatusCode::Arrived)]
    );
    let mut rewritten = d.clone();
    rewritten.trace.push(TraceHeader::new("G99", "2026/11/20 10:00:00".parse().unwrap()));
    rewritten.content = None;
    assert_eq!(theirs.take(&rewritten.into(), &digest("x"))[0].ruling, Ruling::Repeated);
    // Another content under the same identifier is another document.
    let taken = theirs.take(&d.into(), &digest("y"));
    assert_eq!((taken[0].ruling, codes(&taken)), (Ruling::Refused, vec!["EXCHANGE_DOCUMENT_CONFLICT"]));
    assert_eq!(taken[0].duties, [Duty::Show]);
}

#[test]
fn a_replacement_is_a_new_document_and_a_request_about_the_old_one() {
    let (mut ours, mut theirs) = (Register::new("G14".into()), Register::new("H14".into()));
    let old = to_h14();
    let mut new = messages::replacement();
    new.to.truncate(1);
    new.document_id = "G14,2026/11/20,2155/BKHCN-CĐSQG".into();
    new.code.number = "2155".into();
    let business = new.business.as_mut().unwrap();
    business.replaces = vec![
        Replacement::new(old.document_id.as_str(), vec!["H14".into()]),
        // For somebody else.
        Replacement::new("G14,2026/01/06,13/BKHCN-CĐSQG", vec!["H41".into()]),
    ];
    for register in [&mut ours, &mut theirs] {
        assert_eq!(register.take(&old.clone().into(), &digest("x"))[0].ruling, Ruling::Taken);
        let taken = register.take(&new.clone().into(), &digest("y"));
        assert_eq!(taken.len(), 2, "{taken:?}");
        assert!(taken.iter().all(|t| t.ruling == Ruling::Taken), "{taken:?}");
    }
    // The answer may name the new document.
    let there = key(Side::Receiver, "G14", &new.document_id);
    let answer = status(&theirs, &there, StatusCode::Agreed, "2026/11/21 09:00:00").into();
    assert_eq!(theirs.take(&answer, &[])[0].duties, [Duty::Supersede]);
    assert_eq!(ours.take(&answer, &[])[0].duties, [Duty::Supersede]);
    let content = |r: &Register, k: &Key| r.entry(k).unwrap().delivery.content();
    assert_eq!(content(&theirs, &key(Side::Receiver, "G14", &old.document_id)), Content::Superseded);
    assert_eq!(content(&ours, &key(Side::Sender, "H14", &old.document_id)), Content::Superseded);
    assert_eq!(content(&theirs, &there), Content::Current);
}

#[test]
fn an_update_changes_the_record_when_it_is_agreed_to_and_a_recall_keeps_it() {
    let mut theirs = Register::new("H14".into());
    let d = to_h14();
    let there = key(Side::Receiver, "G14", &d.document_id);
    theirs.take(&d.into(), &digest("x"));
    theirs.record_mut(&there).unwrap().arrival_number = Some(77);
    let mut update = messages::update();
    update.subject = "V/v đã cập nhật".to_owned();
    assert_eq!(theirs.take(&update.clone().into(), &[])[0].duties.len(), 1);
    assert_ne!(theirs.entry(&there).unwrap().record.as_ref().unwrap().subject, update.subject);
    let answer = status(&theirs, &there, StatusCode::Agreed, "2026/11/21 09:00:00").into();
    assert_eq!(theirs.take(&answer, &[])[0].duties, [Duty::ApplyUpdate]);
    let record = theirs.entry(&there).unwrap().record.clone().unwrap();
    assert_eq!((record.subject.as_str(), record.arrival_number), ("V/v đã cập nhật", Some(77)));

    theirs.take(&messages::recall().into(), &[]);
    let answer = status(&theirs, &there, StatusCode::Agreed, "2026/11/22 09:00:00").into();
    assert_eq!(theirs.take(&answer, &[])[0].duties, [Duty::Destroy]);
    let entry = theirs.entry(&there).unwrap();
    assert_eq!(entry.delivery.content(), Content::Withdrawn);
    let log: Vec<&str> = entry.log.iter().map(|l| l.what.as_str()).collect();
    assert_eq!(log, ["document", "update", "15", "recall", "15"], "the record of the recall is kept");
    assert_eq!(entry.record.as_ref(), Some(&record));
}

#[test]
fn what_is_not_ours_or_has_a_used_number_is_told() {
    let mut theirs = Register::new("H15".into());
    let taken = theirs.take(&to_h14().into(), &digest("x"));
    assert_eq!((taken[0].ruling, codes(&taken)), (Ruling::Refused, vec!["EXCHANGE_NOT_ADDRESSED"]));
    assert_eq!(theirs.entries().len(), 0);
    // By the list of former codes it is.
    let codes_of_2016 = IdentifierMap::new([("H14".into(), "H15".into())]);
    let mut theirs = theirs.codes(codes_of_2016);
    assert_eq!(theirs.take(&to_h14().into(), &digest("x"))[0].ruling, Ruling::Taken);
    // The same number, symbol and issuer under another identifier.
    let mut again = to_h14();
    again.document_id = "9fbfbad2-f1f8-4256-a2eb-50fb1061cddb".into();
    let taken = theirs.take(&again.into(), &digest("y"));
    assert_eq!((taken[0].ruling, codes(&taken)), (Ruling::Taken, vec!["EXCHANGE_NUMBER_REPEATED"]));
    // An own message that the rules forbid leaves no trace.
    let mut ours = Register::new("G14".into());
    let taken = ours.take(&messages::recall().into(), &[]);
    assert!(taken.iter().all(|t| t.ruling == Ruling::Refused));
    assert_eq!((ours.entries().len(), codes(&taken)[0]), (0, "EXCHANGE_DOCUMENT_UNKNOWN"));
    let mut unknown = messages::status(StatusCode::Arrived);
    unknown.code = kyso::envelope::Coded::Other("07".to_owned());
    assert_eq!(codes(&ours.take(&unknown.into(), &[])), ["EXCHANGE_UNKNOWN"]);
}

#[cfg(feature = "serde")]
#[test]
fn registers_are_stored_as_json_with_the_names_of_the_annex() {
    let mut register = Register::new("H14".into());
    let d = messages::full();
    register.take(&d.clone().into(), &digest("x"));
    register.take(&messages::update().into(), &[]);
    let there = key(Side::Receiver, "G14", &d.document_id);
    let record = register.record_mut(&there).unwrap();
    record.arrival_number = Some(12);
    record.file_code = Some(kyso::exchange::FileCode {
        organ_id: OrganId::new("H14"),
        file_catalog: 2026,
        file_notation: "01/VP".to_owned(),
    });
    let text = register.to_json();
    for words in [
        "\"CodeNotation\": \"BKHCN-CĐSQG\"",
        "\"FileCatalog\": 2026",
        "\"ArrivalNumber\": 12",
        "\"IssuedDate\": \"2026/11/20\"",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let again = Register::from_json(&text).unwrap();
    assert!(again.entries().eq(register.entries()));
    assert_eq!((again.us(), again.to_json()), (register.us(), text.clone()));
    // A number that is in use is known again.
    let mut other = d;
    other.document_id = "9fbfbad2-f1f8-4256-a2eb-50fb1061cddb".into();
    let mut again = again;
    assert_eq!(codes(&again.take(&other.into(), &digest("y"))), ["EXCHANGE_NUMBER_REPEATED"]);
    for (from, to) in
        [("\"schema_version\": 1", "\"schema_version\": 2"), ("\"Subject\"", "\"Subjekt\""), ("\"us\"", "\"we\"")]
    {
        assert!(Register::from_json(&text.replacen(from, to, 1)).is_err(), "{from}");
    }
}
