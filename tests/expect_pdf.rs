//! What a caller states beforehand and takes out: expected signatures, relaxed rules, the places of
//! changes on pages; usage rights; and that validating again reads nothing again.
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

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use forge::Forge;
use forge::parse;
use forge::rich;
use kyso::Error;
use kyso::Limits;
use kyso::key::soft::SoftKey;
use kyso::pdf::Appearance;
use kyso::pdf::Pdf;
use kyso::pdf::RELAXABLE_RULES;
use kyso::pdf::Source;
use kyso::pdf::page::Rectangle;
use kyso::pdf::text::Text;
use kyso::sign::pades::PadesRequest;
use kyso::validate::Expectations;
use kyso::validate::ExpectedSigner;
use kyso::validate::Overall;
use kyso::validate::Policy;
use kyso::validate::Report;
use sample_pdf::FORMS;
use sample_pdf::Xref;
use verdict::Court;
use verdict::SIGNED;
use verdict::all;

fn sign(document: &[u8], key: &SoftKey, request: impl FnOnce(PadesRequest<'_>) -> PadesRequest<'_>) -> Vec<u8> {
    let pdf = parse(document);
    request(PadesRequest::new(&pdf, ca::at(SIGNED))).sign(key).unwrap().to_octets().unwrap()
}

/// The report, and the codes of its findings on the whole document.
fn expecting(court: &Court, document: &[u8], expectations: &Expectations) -> (Report, Vec<&'static str>) {
    let report = court.judge_expecting(document, expectations);
    let known = ["SIGNATURE_COUNT_UNEXPECTED", "SIGNER_NOT_FOUND"];
    let codes = report.findings().iter().filter_map(|f| known.into_iter().find(|code| *code == f.code())).collect();
    (report, codes)
}

#[test]
fn a_signature_that_was_cut_off_is_missed() {
    let court = Court::open();
    let once = sign(&rich(Xref::Table, "", "", &[]), &court.office.officer, |r| r);
    let twice = sign(&once, &court.office.officer, |r| r);
    let two = Expectations::new().signatures(2);
    let (report, codes) = expecting(&court, &twice, &two);
    assert_eq!((report.overall(), report.expectations_met()), (Overall::TotalPassed, Some(true)), "{codes:?}");
    let (report, codes) = expecting(&court, &once, &two);
    assert_eq!((report.overall(), report.expectations_met()), (Overall::Indeterminate, Some(false)));
    assert_eq!(codes, ["SIGNATURE_COUNT_UNEXPECTED"]);
    assert!(report.to_json().contains("\"expectations_met\": false"));
    let (report, codes) = expecting(&court, &rich(Xref::Table, "", "", &[]), &two);
    assert_eq!((report.overall(), codes.len()), (Overall::NoSignature, 1));
    // More than are expected is not as expected either.
    let (report, _) = expecting(&court, &twice, &Expectations::new().signatures(1));
    assert_eq!(report.overall(), Overall::Indeterminate);
    let (report, _) = expecting(&court, &twice, &Expectations::new());
    assert_eq!((report.overall(), report.expectations_met()), (Overall::TotalPassed, None));
}

#[test]
fn expected_signers_are_told_by_name_and_by_certificate() {
    use kyso::key::SigningKey;
    let court = Court::open();
    let once = sign(&rich(Xref::Table, "", "", &[]), &court.office.officer, |r| r);
    let certificate = court.office.officer.identity().certificate();
    let name = ExpectedSigner::from_text(&certificate.subject().display_name());
    let subject = ExpectedSigner::from_text(&certificate.subject().to_string());
    let print = ExpectedSigner::from_text(&format!("sha256:{}", certificate.sha256().to_hex().to_uppercase()));
    for signer in [&name, &subject, &print] {
        let (report, codes) = expecting(&court, &once, &Expectations::new().signer(signer.clone()));
        assert_eq!(report.overall(), Overall::TotalPassed, "{signer:?} {codes:?}");
    }
    // One signature stands for one signer.
    let both = Expectations::new().signer(name.clone()).signer(print.clone());
    assert_eq!(expecting(&court, &once, &both).1, ["SIGNER_NOT_FOUND"]);
    let twice = sign(&once, &court.office.officer, |r| r);
    assert_eq!(expecting(&court, &twice, &both).0.overall(), Overall::TotalPassed);
    let other = Expectations::new().signer(ExpectedSigner::from_text("Somebody Else"));
    let (report, codes) = expecting(&court, &once, &other);
    assert_eq!((report.overall(), codes), (Overall::Indeterminate, vec!["SIGNER_NOT_FOUND"]));
    // A signature that does not pass is nobody's.
    let broken = Forge::on(&once).drawing(17, "0 0 50 10 re S").write();
    assert_eq!(expecting(&court, &broken, &Expectations::new().signer(name)).1, ["SIGNER_NOT_FOUND"]);
}

#[test]
fn a_rule_is_relaxed_by_its_name_and_no_other() {
    let court = Court::open();
    for form in FORMS {
        let once = sign(&rich(form, "", "", &[]), &court.office.officer, |r| r);
        let root = parse(&once).latest().root().unwrap().number;
        let named = Forge::on(&once).edit(root, "/Type", "/Names << >> /Type").write();
        court.refuses(&named, "names", "[catalogue]");
        let relaxed = Policy::etsi().relaxing("catalogue").unwrap();
        assert!(relaxed.name.contains("catalogue"));
        let report = court.passes_by(&relaxed, &named, "names, relaxed");
        let signature = &report.signatures()[0];
        assert!(signature.findings().iter().any(|finding| finding.code() == "CHANGES_RELAXED"));
        assert_eq!(signature.changes(), Some(kyso::validate::Changes::Other));
        court.refuses_by(&Policy::etsi().relaxing("page").unwrap(), &named, "other rule", "[catalogue]");
        // One change more, by another rule.
        let both = Forge::on(&named).drawing(17, "0 0 50 10 re S").write();
        court.refuses_by(&relaxed, &both, "content too", "[content]");
    }
}

#[test]
fn what_a_document_shows_cannot_be_relaxed() {
    for rule in ["content", "structure", "trailer", "list", "catalog", ""] {
        assert!(matches!(Policy::etsi().relaxing(rule), Err(Error::Misuse(_))), "{rule}");
    }
    let court = Court::open();
    let mut policy = Policy::etsi();
    for rule in RELAXABLE_RULES {
        policy = policy.relaxing(rule).unwrap();
    }
    // Nor by a policy from elsewhere.
    policy.relaxed_rules.extend(["content", "structure", "trailer"].map(str::to_owned));
    let once = sign(&rich(Xref::Table, "", "", &[]), &court.office.officer, |r| r);
    let root = parse(&once).latest().root().unwrap().number;
    for (name, forge) in [
        ("XObject", Forge::on(&once).drawing(17, "0 0 50 10 re S")),
        ("contents of the page", Forge::on(&once).edit(3, "/Contents", "/Contents 17 0 R /Former")),
        ("size of the page", Forge::on(&once).edit(3, "/Type", "/CropBox [0 0 9 9] /Type")),
        ("layers", Forge::on(&once).edit(root, "/ON[11 0 R]", "/OFF[11 0 R]")),
    ] {
        court.refuses_by(&policy, &forge.write(), name, "[content]");
    }
}

/// A signature of a vendor, in `/Perms` or with its transform in a field.
#[test]
fn usage_rights_are_no_signature() {
    let court = Court::open();
    let transform = "/Reference [<< /Type /SigRef /TransformMethod /UR3 /TransformParams << /V /2.2 >> >>]";
    let of = |document: &[u8]| {
        let report = court.judge(document).unwrap();
        let told = report.findings().iter().any(|finding| finding.code() == "PDF_USAGE_RIGHTS");
        (report, told)
    };
    for more in ["", transform] {
        let plain = rich(Xref::Table, "", "", &[]);
        let (root, number) = (parse(&plain).latest().root().unwrap().number, forge::next(&plain));
        let blank = forge::blank("ETSI.CAdES.detached", more);
        for (place, perms) in
            [("UR3", format!("/Perms << /UR3 {number} 0 R >>")), ("UR", format!("/Perms << /UR {number} 0 R >>"))]
        {
            let document = Forge::on(&plain).set(number, &blank).edit(root, "/Type", &format!("{perms} /Type")).write();
            let document = forge::fill(document, |_| vec![0x30, 0]);
            let (report, told) = of(&document);
            assert_eq!((report.overall(), told), (Overall::NoSignature, true), "{place} {more}: {:?}", all(&report));
            // Whoever signs that signs alone.
            let signed = sign(&document, &court.office.officer, |r| r);
            let (report, told) = of(&signed);
            assert_eq!((report.overall(), report.signatures().len(), told), (Overall::TotalPassed, 1, true), "{place}");
        }
    }
    // In a field, where signatures of persons stand.
    let plain = rich(Xref::Table, "", "", &[]);
    let number = forge::next(&plain);
    let blank = forge::blank("ETSI.CAdES.detached", transform);
    let field = Forge::on(&plain).set(number, blank).edit(9, "/FT/Sig", &format!("/FT /Sig /V {number} 0 R"));
    let (report, told) = of(&forge::fill(field.write(), |_| vec![0x30, 0]));
    assert_eq!((report.overall(), told), (Overall::NoSignature, true), "{:?}", all(&report));
}

/// A document that notes how much of it is read.
struct Counted<'c> {
    octets: &'c [u8],
    read: &'c AtomicU64,
}

impl Source for Counted<'_> {
    fn len(&self) -> u64 {
        self.octets.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let count = self.octets.read_at(offset, buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[test]
fn validating_again_reads_no_covered_octet_again() {
    let court = Court::open();
    // Much that is covered and is no structure.
    let bulk = format!("<< /Length 3000000 >>\nstream\n{}\nendstream", "x".repeat(3_000_000));
    let mut document = rich(Xref::Table, "/Bulk 18 0 R", "", &[&bulk]);
    for _ in 0..3 {
        document = sign(&document, &court.office.officer, |r| r);
    }
    let read = AtomicU64::new(0);
    let pdf = Pdf::parse(Counted { octets: &document, read: &read }, &Limits::default()).unwrap();
    let mut reports = Vec::new();
    let mut costs = Vec::new();
    for _ in 0..3 {
        let before = read.load(Ordering::Relaxed);
        reports.push(court.judge_pdf(&pdf).to_json());
        costs.push(read.load(Ordering::Relaxed) - before);
    }
    // Three signatures are one pass.
    assert!((3_000_000..4_500_000).contains(&costs[0]), "{costs:?}");
    assert!(costs[1] < 500_000 && costs[2] < 500_000, "{costs:?}");
    assert!(reports.iter().all(|report| *report == reports[0]));
}

fn block(width: f64, height: f64) -> Appearance {
    Appearance::new(width, height).text(Text::new("Ký bởi: Nguyễn Văn A"))
}

/// What is drawn over a page lies where a person sees the change, whichever way the page is turned.
#[test]
fn changes_have_their_places_on_turned_and_cut_pages() {
    let court = Court::open();
    for page in ["", "/Rotate 90", "/Rotate 180", "/Rotate 270 /CropBox [20 30 500 700]", "/UserUnit 2"] {
        for form in FORMS {
            let once = sign(&rich(form, "", page, &[]), &court.office.officer, |r| r);
            let twice = sign(&once, &court.office.officer, |r| r.visible(0, 30.0, 40.0, block(120.0, 50.0)));
            court.passes(&twice, page);
            let report = court.judge_placing(&twice);
            let [change] = report.signatures()[0].page_changes().unwrap() else {
                panic!("{page}: {:?}", report.signatures()[0].page_changes())
            };
            assert_eq!((change.page, change.kind.name(), change.revision), (0, "signature", 2), "{page}");
            assert_eq!(change.name.as_deref(), Some("Signature2"));
            let near = |a: f64, b: f64| (a - b).abs() < 0.05;
            let Rectangle { left, bottom, right, top } = change.rectangle;
            assert!(
                near(left, 30.0) && near(bottom, 40.0) && near(right, 150.0) && near(top, 90.0),
                "{page} {change:?}"
            );
            assert!(report.signatures()[1].page_changes().unwrap().is_empty());
            let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
            let listed = &json["signatures"][0]["page_changes"][0];
            assert_eq!((&listed["page"], &listed["revision"]), (&1.into(), &3.into()));
            assert!(near(listed["rectangle"][2].as_f64().unwrap(), 150.0), "{listed}");
        }
    }
}

#[test]
fn fields_annotations_and_contents_have_their_places() {
    let court = Court::open();
    for form in FORMS {
        let once = sign(&rich(form, "", "", &[]), &court.office.officer, |r| r);
        let number = forge::next(&once);
        let places = |forge: Forge<'_>| {
            let report = court.judge_placing(&forge.write());
            let changes = report.signatures()[0].page_changes().unwrap();
            changes.iter().map(|c| (c.kind.name(), c.name.clone(), c.text.clone(), c.page)).collect::<Vec<_>>()
        };
        let amount = ("field", Some("Amount".to_owned()), "99".to_owned(), 0);
        let filled = Forge::on(&once).edit(7, "/V(10)", "/V(99)").drawing(8, "BT (99) Tj ET");
        assert_eq!(places(filled), [amount], "{form:?}");
        // Only the stream: two fields share it.
        let shared = places(Forge::on(&once).drawing(16, "BT (77) Tj ET"));
        let names: Vec<_> = shared.iter().map(|(_, name, ..)| name.as_deref().unwrap()).collect();
        assert_eq!(names, ["Total", "Tax"], "{form:?}");
        let note = "<< /Type /Annot /Subtype /FreeText /NM (n1) /Contents (Sai) /P 3 0 R /Rect [10 10 60 30] >>";
        let added = Forge::on(&once).set(number, note).edit(3, "10 0 R 12", &format!("10 0 R {number} 0 R 12"));
        assert_eq!(places(added), [("annotation", Some("n1".to_owned()), "Sai".to_owned(), 0)], "{form:?}");
        // Gone: its place is where it was.
        let removed = places(Forge::on(&once).edit(3, "10 0 R 12", "12").free(10));
        assert!(
            removed.iter().any(|(kind, name, ..)| *kind == "annotation" && name.as_deref() == Some("Square")),
            "{form:?} {removed:?}"
        );
        let drawn = places(Forge::on(&once).drawing(17, "0 0 50 10 re S"));
        assert!(drawn.iter().any(|(kind, .., page)| *kind == "content" && *page == 0), "{form:?} {drawn:?}");
    }
}

#[test]
fn what_cannot_be_seen_has_no_place() {
    let court = Court::open();
    let once = sign(&rich(Xref::Table, "", "", &[]), &court.office.officer, |r| r);
    let twice = sign(&once, &court.office.officer, |r| r);
    assert!(court.passes(&twice, "invisible").signatures().iter().all(|signature| signature.page_changes().is_none()));
    let report = court.judge_placing(&twice);
    assert!(report.signatures().iter().all(|signature| signature.page_changes().unwrap().is_empty()));
}

/// The policy reads from JSON that does not know of relaxed rules.
#[test]
fn older_policies_are_read() {
    let json = Policy::etsi().to_json();
    assert!(json.contains("relaxed_rules"));
    let older: Vec<&str> = json.lines().filter(|line| !line.contains("relaxed_rules")).collect();
    let older = older.join("\n").replace("\"good-when-made\",\n", "\"good-when-made\"\n");
    assert_eq!(Policy::from_json(&older).unwrap(), Policy::etsi());
}
