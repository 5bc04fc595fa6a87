//! Attacks on the signature itself: its range, its gap, its dictionary, the CMS
//! in it and the time-stamp in that.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/forge.rs"]
mod forge;
#[path = "support/office.rs"]
mod office;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;
#[path = "support/verdict.rs"]
mod verdict;

use ca::Authority;
use ca::Template;
use forge::Cms;
use forge::Forge;
use forge::blank;
use forge::contents;
use forge::covered;
use forge::fill;
use forge::find;
use forge::find_last;
use forge::next;
use forge::numbers;
use forge::parse;
use forge::patch;
use forge::text;
use forge::with_contents;
use kyso::Limits;
use kyso::asn1::Oid;
use kyso::cms::SignedData;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::fetch::run;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::validate::Coverage;
use kyso::validate::Integrity;
use kyso::validate::Overall;
use kyso::validate::TimeProof;
use sample_pdf::FORMS;
use sample_pdf::Xref;
use verdict::Court;
use verdict::SIGNED;
use verdict::STAMPED;

/// Signed with room for what is to be put in instead.
fn roomy(document: &[u8], key: &SoftKey) -> Vec<u8> {
    PadesRequest::new(&parse(document), ca::at(SIGNED)).room(8000).sign(key).unwrap().to_octets().unwrap()
}

/// Four values in the place of the last `/ByteRange`.
fn with_range(document: &[u8], values: &str) -> Vec<u8> {
    let start = find_last(document, b"/ByteRange").unwrap() + b"/ByteRange".len();
    // With the room that was kept for longer numbers.
    let end = start + find(&document[start..], b"/Contents").unwrap();
    let mut out = document.to_vec();
    assert!(values.len() <= end - start, "{values} is longer than {}", end - start);
    out[start..end].fill(b' ');
    out[start..start + values.len()].copy_from_slice(values.as_bytes());
    out
}

/// USF (2019): without a range or a value that makes sense nothing may be taken for signed.
#[test]
fn ranges_and_values_that_are_none() {
    let court = Court::open();
    for form in FORMS {
        let signed = court.office.sign_again(&sample_pdf::plain(form), &court.office.officer, SIGNED);
        court.passes(&signed, &format!("{form:?}"));
        let ([head, tail], _) = covered(&signed, 0);
        let (b, c, d) = (head.end, tail.start, tail.len());
        let form_fault = "BYTE_RANGE_FORM";
        for (range, marker) in [
            (" null".to_owned(), form_fault),
            ("[]".to_owned(), form_fault),
            ("[0]".to_owned(), form_fault),
            (format!("[0 {b} {c}]"), form_fault),
            (format!("[0 {b} {c} -1]"), form_fault),
            (format!("[0 {b} {c} {d}.]"), form_fault),
            (format!("[0 {b} {c} 3 0 R]"), form_fault),
            (" 4 0 R".to_owned(), form_fault),
            ("(0 1 2 3)".to_owned(), form_fault),
            ("[0 0 0 0]".to_owned(), "BYTE_RANGE_VALUES"),
            (format!("[1 {b} {c} {d}]"), "BYTE_RANGE_VALUES"),
            (format!("[0 {b} {b} {d}]"), "BYTE_RANGE_VALUES"),
            (format!("[0 {b} {c} 0]"), "BYTE_RANGE_VALUES"),
            (format!("[0 {b} {c} {}]", d + 1), "BYTE_RANGE_VALUES"),
            (format!("[0 0 0 {}]", signed.len()), "BYTE_RANGE_VALUES"),
            (format!("[0 1 2 {}]", signed.len() - 2), "BYTE_RANGE_GAP"),
            (format!("[0 {} {c} {d}]", b - 1), "BYTE_RANGE_GAP"),
            (format!("[0 {b} {} {}]", c + 1, d - 1), "BYTE_RANGE_GAP"),
            (format!("[0 {b} {c} {}]", d - 10), "COVERAGE_PARTIAL"),
        ] {
            court.refuses(&with_range(&signed, &range), &format!("{range}, {form:?}"), marker);
        }
        court.refuses(&patch(&signed, b"/ByteRange", b"/ByteRangf"), "no range", form_fault);
        court.refuses(&patch(&signed, b"/Contents <", b"/Contentz <"), "no value", "BYTE_RANGE_GAP");
        let neither = patch(&patch(&signed, b"/Contents <", b"/Contentz <"), b"/ByteRange", b"/ByteRangf");
        court.refuses(&neither, "neither", form_fault);
        for (value, marker) in [
            ("null", "BYTE_RANGE_GAP"),
            ("()", "BYTE_RANGE_GAP"),
            ("<>", "BYTE_RANGE_GAP"),
            ("4 0 R", "BYTE_RANGE_GAP"),
        ] {
            let mut out = signed.clone();
            out[b..c].fill(b' ');
            out[b..b + value.len()].copy_from_slice(value.as_bytes());
            court.refuses(&out, &format!("value {value}, {form:?}"), marker);
        }
        let mut empty = signed.clone();
        empty[b + 1..c - 1].fill(b'0');
        court.refuses(&empty, "value of zeros", "SIGNATURE_PLACEHOLDER");
        court.refuses(&with_range(&signed, "[0 9 99999999999999999999 1]"), "huge", "");
    }
}

/// SWA (2019): a second range with a wider gap, the signed tail moved behind it.
#[test]
fn a_gap_that_was_widened() {
    let court = Court::open();
    let signed = court.office.sign(&court.office.officer, SIGNED);
    let ([head, tail], _) = covered(&signed, 0);
    let start = usize::try_from(parse(&signed).latest().startxref()).unwrap();
    assert!(signed[start..].starts_with(b"xref"));
    let place = |number: u32| find_last(&signed, format!("\n{number} 0 obj").as_bytes()).unwrap() + 1;
    for (name, second) in [("second range", true), ("first range only", false)] {
        // The cross-reference of the attacker stands where the old startxref points, inside of the gap.
        let mut out = signed[..tail.start].to_vec();
        let wider = start + 4096;
        if second {
            out.extend_from_slice(format!("/ByteRange [0 {} {wider} {}]", head.len(), tail.len()).as_bytes());
        }
        out.extend_from_slice(b">>\nendobj\n");
        let evil = out.len();
        out.extend_from_slice(b"4 0 obj\n<</Length 0>>stream\n\nendstream endobj\n");
        // Whatever stood between is written again, up to the place of the table.
        let mut offsets = Vec::new();
        for number in [1, 3, numbers(&signed, 0).0, 9] {
            offsets.push((number, out.len()));
            out.extend_from_slice(format!("{number} 0 obj {} endobj\n", text(&signed, number)).as_bytes());
        }
        let table = out.len().max(start);
        out.resize(table, b' ');
        let mut xref = format!("xref\n4 1\n{evil:010} 00000 n \n");
        offsets.push((numbers(&signed, 0).1, place(numbers(&signed, 0).1)));
        for (number, at) in &offsets {
            xref.push_str(&format!("{number} 1\n{at:010} 00000 n \n"));
        }
        let first = parse(&signed).revision(0).unwrap().startxref();
        xref.push_str(&format!("trailer\n<</Size 20/Root 1 0 R/Prev {first}>>\nstartxref\n{table}\n%%EOF\n"));
        out.extend_from_slice(xref.as_bytes());
        out.resize(wider, b' ');
        out.extend_from_slice(&signed[tail.start..]);
        // The moved tail ends in a startxref of its own; both ways to read the file are tried.
        court.refuses(&out, name, "");
        assert!(text(&signed, 9).contains("/Fields"));
        out.extend_from_slice(format!("startxref\n{table}\n%%EOF\n").as_bytes());
        court.refuses(&out, &format!("{name}, pointed at"), "");
    }
    // Keys twice, the signature made over them.
    for (first, name) in [("/ByteRange [0 1 2 3]", "ByteRange"), ("/Contents <00>", "Contents")] {
        for form in FORMS {
            let document = with_signature(&sample_pdf::plain(form), first);
            let signed = fill(document, |octets| Cms::new(&court.office.officer).over(octets));
            court.refuses(&signed, name, "SIGNATURE_DUPLICATE_KEY");
        }
    }
}

/// With a new field and a blank signature in it; `more` is put into the dictionary.
fn with_signature(document: &[u8], more: &str) -> Vec<u8> {
    with_value(document, &blank("ETSI.CAdES.detached", more))
}

fn with_value(document: &[u8], value: &str) -> Vec<u8> {
    let own = next(document);
    let field = "/Type /Annot /Subtype /Widget /FT /Sig /T (Own) /F 132 /Rect [0 0 0 0] /P 3 0 R";
    Forge::on(document)
        .edit(1, "/Pages", &format!("/AcroForm << /SigFlags 3 /Fields [{own} 0 R] >> /Pages"))
        .edit(3, "/Parent", &format!("/Annots [{own} 0 R] /Parent"))
        .set(own, format!("<< {field} /V {} 0 R >>", own + 1))
        .set(own + 1, value)
        .write()
}

/// What makes up the tests' own signatures is good: only the change in each attack is bad.
#[test]
fn signatures_by_hand_pass_where_they_are_honest() {
    let court = Court::open();
    for form in FORMS {
        let document = with_signature(&sample_pdf::plain(form), "/Reason (Phe duyet)");
        let signed = fill(document, |octets| Cms::new(&court.office.officer).over(octets));
        let report = court.passes(&signed, &format!("{form:?}"));
        assert_eq!(report.signatures()[0].coverage(), Some(Coverage::WholeDocument));
    }
}

/// Spoofing: the dictionary, or the field's way to it, is another than was signed.
#[test]
fn signature_dictionaries_saved_anew() {
    let court = Court::open();
    let officer = &court.office.officer;
    for form in FORMS {
        let document = with_signature(&sample_pdf::plain(form), "/Reason (Phe duyet)");
        let signed = fill(document, |octets| Cms::new(officer).over(octets));
        let (field, dictionary) = numbers(&signed, 0);
        let spoof = Forge::on(&signed).edit(dictionary, "(Phe duyet)", "(Huy bo)").write();
        court.refuses(&spoof, "reason", "SIGNATURE_OVERRIDDEN");
        let spoof = Forge::on(&signed).edit(dictionary, "/M(D:2026", "/M(D:2025").write();
        court.refuses(&spoof, "time", "SIGNATURE_OVERRIDDEN");
        let copy = next(&signed);
        let swapped = Forge::on(&signed)
            .edit(field, &format!("/V {dictionary} 0 R"), &format!("/V {copy} 0 R"))
            .set(copy, text(&signed, dictionary).replace("(Phe duyet)", "(Huy bo)"))
            .write();
        court.refuses(&swapped, "value swapped", "/V of field Own");
        let removed = Forge::on(&signed).edit(field, &format!("/V {dictionary} 0 R"), "").write();
        court.refuses(&removed, "value removed", "SIGNATURE_REMOVED");
        court.refuses(&Forge::on(&signed).edit(1, &format!("[{field} 0 R]"), "[]").write(), "field removed", "");
        court.refuses(&Forge::on(&signed).free(dictionary).write(), "dictionary freed", "");
        court.refuses(&Forge::on(&signed).edit(field, "(Own)", "(Other)").write(), "renamed", "/T of field Own");
        // The dictionary in an object stream, and in the field itself.
        let packed = Forge::on(&signed).packed(dictionary, &text(&signed, dictionary)).write();
        court.refuses(&packed, "compressed", "SIGNATURE_OVERRIDDEN");
        let inline = with_value(&sample_pdf::plain(form), "null");
        let own = next(&inline) - if form == Xref::Stream { 4 } else { 2 };
        let own = (own - 4..own + 4).find(|n| peek(&inline, *n).contains("/T(Own)")).unwrap();
        let value = format!("/V {}", blank("ETSI.CAdES.detached", ""));
        let inline = Forge::on(&inline).edit(own, &format!("/V {} 0 R", own + 1), &value).write();
        court.refuses(&fill(inline, |octets| Cms::new(officer).over(octets)), "inline", "SIGNATURE_DIRECT");
    }
}

fn peek(document: &[u8], number: u32) -> String {
    let pdf = parse(document);
    let object = pdf.latest().object(kyso::pdf::object::Reference::new(number, 0)).unwrap();
    let mut out = Vec::new();
    if object.as_stream().is_none() {
        object.write(&mut out).unwrap();
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// CMS that leads a verifier to something else than the document.
#[test]
fn the_cms_is_another_than_it_should_be() {
    let court = Court::open();
    let officer = &court.office.officer;
    let signed = roomy(&sample_pdf::plain(Xref::Table), officer);
    let honest = Cms::new(officer);
    let put = |cms: &Cms<'_>| with_contents(&signed, 0, |octets| cms.over(octets));
    court.passes(&put(&honest), "honest");
    let sha512 = "2.16.840.1.101.3.4.2.3";
    let null: &[u8] = &[5, 0];
    let rsa = der::seq(&[&der::oid("1.2.840.113549.1.1.11"), null]);
    let ecdsa = |oid: &str| der::seq(&[&der::oid(oid)]);
    let attacks: Vec<(&str, Cms<'_>, &str)> = vec![
        ("two signers", Cms { signers: 2, ..honest.clone() }, "SIGNER_COUNT"),
        ("no signer", Cms { signers: 0, ..honest.clone() }, "SIGNER_COUNT"),
        (
            "content of its own",
            Cms { content: Some(b"another document".to_vec()), ..honest.clone() },
            "CMS_CONTENT_INSIDE",
        ),
        (
            "the document inside",
            Cms { content: Some(sample_pdf::plain(Xref::Table)), ..honest.clone() },
            "CMS_CONTENT_INSIDE",
        ),
        ("empty content", Cms { content: Some(Vec::new()), ..honest.clone() }, "CMS_CONTENT_INSIDE"),
        ("no signed attributes", Cms { signed_attributes: false, ..honest.clone() }, "FORMAT_FAILURE"),
        ("type of content", Cms { content_type: "1.2.840.113549.1.9.16.1.4", ..honest.clone() }, "CMS_CONTENT_TYPE"),
        ("digest of something else", Cms { digest: Some(vec![7; 32]), ..honest.clone() }, "HASH_FAILURE"),
        ("digest cut off", Cms { digest: Some(Vec::new()), ..honest.clone() }, "HASH_FAILURE"),
        ("no signing certificate named", Cms { bound: None, ..honest.clone() }, "SIG_CONSTRAINTS_FAILURE"),
        ("digest named otherwise", Cms { digest_algorithm: sha512, ..honest.clone() }, "SIGNED_ATTRIBUTES"),
        ("digest unknown", Cms { digest_algorithm: "1.2.3.4", ..honest.clone() }, "CRYPTO_CONSTRAINTS_FAILURE"),
        ("other kind of key", Cms { signature_algorithm: Some(rsa), ..honest.clone() }, "SIG_CRYPTO_FAILURE"),
        (
            "other digest of the value",
            Cms { signature_algorithm: Some(ecdsa("1.2.840.10045.4.3.4")), ..honest.clone() },
            "SIGNED_ATTRIBUTES",
        ),
        (
            "SHA-1 of the value",
            Cms { signature_algorithm: Some(ecdsa("1.2.840.10045.4.1")), ..honest.clone() },
            "SIGNED_ATTRIBUTES",
        ),
    ];
    for (name, cms, marker) in &attacks {
        court.refuses(&put(cms), name, marker);
    }
    // Octets behind the CMS are no part of it; a second CMS there is not looked at.
    let second = with_contents(&signed, 0, |octets| [honest.over(octets), honest.over(b"")].concat());
    assert_eq!(court.judge(&second).unwrap().signatures().len(), 1);
    // A value over the octets themselves, which may be the signed attributes of another signature.
    let attributes = Cms { signed_attributes: false, ..honest.clone() };
    let bare = |filter: &str| {
        let document = with_value(&sample_pdf::plain(Xref::Table), &blank(filter, ""));
        fill(document, |octets| attributes.over(octets))
    };
    court.refuses(&bare("ETSI.CAdES.detached"), "bare value", "no signed attributes");
    // Permitted outside of PAdES, and remarked upon.
    let report = court.judge(&bare("adbe.pkcs7.detached")).unwrap();
    let deviations = report.signatures()[0].deviations();
    assert!(deviations.iter().any(|d| d.code() == "NO_SIGNED_ATTRIBUTES"), "{deviations:?}");
}

/// The signed attributes of one signature, handed out as the content of another without any.
#[test]
fn signed_attributes_taken_for_content() {
    let court = Court::open();
    let cms = Cms { signed_attributes: false, ..Cms::new(&court.office.officer) };
    let attribute = |oid: &str, value: &[u8]| der::seq(&[&der::oid(oid), &der::tlv(0x31, value)]);
    let attributes = der::set(vec![
        attribute("1.2.840.113549.1.9.3", &der::oid(forge::DATA)),
        attribute("1.2.840.113549.1.9.4", &der::octets(&[7; 32])),
    ]);
    for (content, confused) in [(attributes, true), (b"a letter".to_vec(), false)] {
        for inside in [false, true] {
            let content_inside = inside.then(|| content.clone());
            let octets = Cms { content: content_inside, ..cms.clone() }.over(&content);
            let signed = SignedData::from_octets(&octets, &Limits::default()).unwrap();
            let report = court.judge_cms(&signed, Some(&content).filter(|_| !inside));
            let signature = &report.signatures()[0];
            assert_eq!(report.overall() == Overall::TotalPassed, !confused, "{:?}", verdict::all(&report));
            assert_eq!(signature.indication().sub_indication() == Some("FORMAT_FAILURE"), confused);
        }
    }
}

/// The same key in another certificate, the same name and number, a name alone.
#[test]
fn certificates_put_in_the_place_of_the_signers() {
    let court = Court::open();
    let office = &court.office;
    let own = office.officer.identity().certificate();
    let key = kyso::crypto::PrivateKey::generate(KeySpec::P256).unwrap();
    let issued = office.issuing.certify(&Template::new(&[(ca::CN, "Nguyễn Văn An")]), &key);
    // Of the same key: another name, and the same issuer and number.
    let other_name = office.issuing.certify(&Template::new(&[(ca::CN, "Chủ tịch")]), &key);
    let same_number =
        Template { serial: Some(issued.serial().content().to_vec()), ..Template::new(&[(ca::CN, "Chủ tịch")]) };
    let same_number = office.issuing.certify(&same_number, &key);
    assert_eq!(same_number.serial(), issued.serial());
    let chain = office.officer.identity().chain().to_vec();
    let officer = SoftKey::new(key, SignerIdentity::new(issued, chain)).unwrap();
    let signed = roomy(&sample_pdf::plain(Xref::Table), &officer);
    court.passes(&signed, "honest");
    for (name, certificate) in [("same key", &other_name), ("same issuer and number", &same_number)] {
        let others: Vec<Vec<u8>> =
            std::iter::once(certificate).chain(officer.identity().chain()).map(|c| c.der().to_vec()).collect();
        let cms = Cms { certificates: others, ..Cms::new(&officer) };
        court.refuses(&with_contents(&signed, 0, |octets| cms.over(octets)), name, "NO_SIGNING_CERTIFICATE_FOUND");
    }
    // A certificate by nobody that is known, with the names of the real one.
    let stranger = Authority::root(Template::ca(&[(ca::CN, "Issuing CA")], None), KeySpec::P256);
    let impostor = stranger.issue(&Template::new(&[(ca::CN, "Nguyễn Văn An")]), KeySpec::P256);
    let forged = office.sign_again(&sample_pdf::plain(Xref::Table), &impostor, SIGNED);
    court.refuses(&forged, "impostor", "NO_CERTIFICATE_CHAIN_FOUND");
    // The name of the officer, the key of somebody else.
    let cms = Cms {
        certificates: Cms::new(&office.officer).certificates,
        bound: Some(own.der().to_vec()),
        ..Cms::new(&impostor)
    };
    let with_name = roomy(&sample_pdf::plain(Xref::Table), &office.officer);
    court.refuses(&with_contents(&with_name, 0, |octets| cms.over(octets)), "another's key", "SIG_CRYPTO_FAILURE");
}

/// A time-stamp of one signature moved into another proves nothing there.
#[test]
fn time_stamps_taken_from_elsewhere() {
    const SIGNATURE_TIME_STAMP: &str = "1.2.840.113549.1.9.16.2.14";
    let court = Court::open();
    let office = &court.office;
    let document = roomy(&sample_pdf::plain(Xref::Table), &office.officer);
    let token = |octets: &[u8], when: &str| {
        let imprint = DigestAlgorithm::Sha256.digest(octets);
        office.tsa.token(&kyso::timestamp::TimeStampRequest::new(imprint).to_der(), ca::at(when))
    };
    let cms = SignedData::from_padded(&contents(&document, 0), &Limits::default()).unwrap();
    let value = cms.signers()[0].signature().to_vec();
    let stamped = |token: &[u8]| {
        let cms = cms.with_unsigned_attribute(0, &Oid::parse(SIGNATURE_TIME_STAMP).unwrap(), token).unwrap();
        with_contents(&document, 0, |_| cms.der().to_vec())
    };
    let honest = court.passes(&stamped(&token(&value, STAMPED)), "honest");
    assert!(matches!(honest.signatures()[0].time_proof(), TimeProof::SignatureTimestamp { .. }));
    let copied = court.judge(&stamped(&token(b"the value of another signature", STAMPED))).unwrap();
    let signature = &copied.signatures()[0];
    assert_eq!(signature.timestamps()[0].integrity(), Integrity::Broken);
    assert_eq!(*signature.time_proof(), TimeProof::ValidationTime);
    assert_eq!(signature.level().map(|level| level.name()), Some("B-B"));
    // A document time-stamp of other octets, moved here.
    let value = blank("ETSI.RFC3161", "").replace("/Type /Sig", "/Type /DocTimeStamp");
    let fresh = || with_value(&sample_pdf::plain(Xref::Table), &value);
    court.passes(&fill(fresh(), |octets| token(octets, STAMPED)), "document time-stamp");
    court.refuses(&fill(fresh(), |_| token(b"another document", STAMPED)), "moved", "HASH_FAILURE");
}

/// A signature cut off leaves no trace: the number of those left is what tells.
#[test]
fn a_signature_cut_off_is_missing_from_the_count() {
    let court = Court::open();
    let once = court.office.sign(&court.office.officer, SIGNED);
    let twice = court.office.sign_again(&once, &court.office.agency, STAMPED);
    assert_eq!(court.passes(&twice, "both").signatures().len(), 2);
    assert_eq!(court.passes(&once, "one").signatures().len(), 1);
    let none = court.judge(&sample_pdf::plain(Xref::Table)).unwrap();
    assert_eq!((none.overall(), none.signatures().len()), (Overall::NoSignature, 0));
    // Cut off in the middle, it is not a document, or has octets that nobody signed.
    for end in [once.len() + 1, once.len() + 700, twice.len() - 7, twice.len() - 40] {
        court.refuses(&twice[..end], &format!("cut at {end}"), "");
    }
}

/// The tail of one signed document behind the head of another.
#[test]
fn halves_of_two_documents() {
    let court = Court::open();
    let mut other = sample_pdf::two_pages("", "", &[]);
    other[3] = other[3].replace("Quyet dinh", "Quyet dinx");
    let other = sample_pdf::document(Xref::Table, &other);
    let one = court.office.sign(&court.office.officer, SIGNED);
    let length = sample_pdf::plain(Xref::Table).len();
    assert_eq!(other.len(), length);
    court.refuses(&[&other, &one[length..]].concat(), "spliced", "HASH_FAILURE");
    let settings = TimestampSettings::new(office::TSA_URL, [1; 8]);
    let pdf = parse(&other);
    let request = PadesRequest::new(&pdf, ca::at(SIGNED)).sign_timestamped(&court.office.officer, settings).unwrap();
    let refused = run(request, &office::Clocked(&court.office.tsa, ca::at(STAMPED))).unwrap().to_octets().unwrap();
    court.passes(&refused, "its own");
    court.refuses(&[&one[..length], &refused[length..]].concat(), "spliced, stamped", "HASH_FAILURE");
}
