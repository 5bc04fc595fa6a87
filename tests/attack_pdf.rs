//! Attacks by incremental updates on documents signed afresh, in every form of
//! cross-reference: each is refused for what it is, and its honest twin passes.
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

use forge::Cms;
use forge::FIRST_MORE;
use forge::Forge;
use forge::blank;
use forge::fill;
use forge::find;
use forge::find_last;
use forge::next;
use forge::numbers;
use forge::parse;
use forge::rich;
use forge::text;
use kyso::key::soft::SoftKey;
use kyso::pdf::Permission;
use kyso::sign::pades::PadesRequest;
use kyso::validate::Changes;
use kyso::validate::Policy;
use office::Office;
use sample_pdf::FORMS;
use sample_pdf::Xref;
use verdict::Court;
use verdict::SIGNED;

const EVIL: &str = "BT /F1 24 Tf 72 720 Td (Het hieu luc) Tj ET";

/// Name, attack, and what the report must say of it.
type Attack = (&'static str, fn(&[u8]) -> Vec<u8>, &'static str);

fn sign(document: &[u8], key: &SoftKey) -> Vec<u8> {
    PadesRequest::new(&parse(document), ca::at(SIGNED)).sign(key).unwrap().to_octets().unwrap()
}

fn certify(document: &[u8], key: &SoftKey, permission: Permission) -> Vec<u8> {
    let pdf = parse(document);
    PadesRequest::new(&pdf, ca::at(SIGNED)).certify(permission).sign(key).unwrap().to_octets().unwrap()
}

/// Tries `attacks` on a rich document in every form that `prepare` signs.
fn refused(prepare: impl Fn(&Office, Xref) -> Vec<u8>, attacks: &[Attack]) {
    let court = Court::open();
    for form in FORMS {
        let signed = prepare(&court.office, form);
        court.passes(&signed, &format!("{form:?}"));
        for (name, attack, marker) in attacks {
            court.refuses(&attack(&signed), &format!("{name}, {form:?}"), marker);
        }
    }
}

fn approved(office: &Office, form: Xref) -> Vec<u8> {
    sign(&rich(form, "", "", &[]), &office.officer)
}

/// The ISA attack (2019) with its variants.
#[test]
fn content_saved_over_what_was_signed() {
    let without_xref = |document: &[u8], rest: &str| {
        let object = format!("4 0 obj\n<< /Length {} >>\nstream\n{EVIL}\nendstream\nendobj\n", EVIL.len());
        [document, object.as_bytes(), rest.as_bytes()].concat()
    };
    refused(
        approved,
        &[
            ("stream replaced", |d| Forge::on(d).stream(4, "", EVIL).write(), "[content]"),
            (
                "other stream",
                |d| Forge::on(d).edit(3, "/Contents 4 0 R", "/Contents 90 0 R").stream(90, "", EVIL).write(),
                "/Contents of the page [content]",
            ),
            (
                "signature copied along",
                |d| {
                    let (_, dictionary) = numbers(d, 0);
                    Forge::on(d).stream(4, "", EVIL).set(dictionary, text(d, dictionary)).write()
                },
                "SIGNATURE_OVERRIDDEN",
            ),
            (
                "signed revision skipped",
                |d| {
                    let (field, dictionary) = numbers(d, 0);
                    let place = |number: u32| find_last(d, format!("\n{number} 0 obj").as_bytes()).unwrap() as u64 + 1;
                    let first = parse(d).revision(0).unwrap().startxref();
                    let forge = [1, 3, field, dictionary].iter().fold(Forge::on(d), |f, n| f.at(*n, place(*n)));
                    forge.prev(first).stream(4, "", EVIL).write()
                },
                "COVERAGE_PARTIAL",
            ),
            (
                "wrong generation",
                |d| Forge::on(d).generation(4, 1, 1, "<< /Length 0 >>\nstream\n\nendstream").write(),
                "content was removed [content]",
            ),
            (
                "entry of another generation than its object",
                |d| Forge::on(d).generation(4, 0, 1, "<< /Length 0 >>\nstream\n\nendstream").write(),
                "[structure]",
            ),
            ("freed", |d| Forge::on(d).free(4).write(), "content was removed [content]"),
            (
                "compressed",
                |d| Forge::on(d).packed(5, "<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>").write(),
                "[content]",
            ),
            (
                "keys twice",
                |d| {
                    Forge::on(d)
                        .edit(3, "/Contents 4 0 R", "/Contents 4 0 R /Contents 90 0 R")
                        .stream(90, "", EVIL)
                        .write()
                },
                "/Contents stands twice",
            ),
            ("encryption", |d| Forge::on(d).trailer("/Encrypt 91 0 R").set(91, "<< /Filter /None >>").write(), ""),
        ],
    );
    let court = Court::open();
    for form in FORMS {
        let signed = approved(&court.office, form);
        court.refuses(&without_xref(&signed, ""), "no xref", "[structure]");
        court.refuses(&without_xref(&signed, "xref\n0 0\n"), "no trailer", "[structure]");
        let start = signed.len();
        court.refuses(&without_xref(&signed, &format!("startxref\n{start}\n%%EOF\n")), "no xref, end", "");
        let table = format!("xref\n4 1\n{start:010} 00000 n \nstartxref\n{start}\n%%EOF\n");
        court.refuses(&without_xref(&signed, &table), "xref without trailer", "");
    }
}

/// The shadow attacks (2020): what is hidden at signing comes to light, or the reverse.
#[test]
fn hidden_content_brought_to_light() {
    refused(
        approved,
        &[
            ("hide: annotation", |d| Forge::on(d).edit(3, "10 0 R", "").write(), "annotation removed"),
            ("hide: annotation freed", |d| Forge::on(d).free(10).write(), "[annotation]"),
            ("hide: its appearance", |d| Forge::on(d).drawing(14, "").write(), "[annotation]"),
            ("hide: XObject", |d| Forge::on(d).drawing(17, "").write(), "[content]"),
            ("hide: layer", |d| Forge::on(d).edit(1, "/ON", "/OFF").write(), "/OCProperties of the catalogue"),
            ("hide: layer's usage", |d| Forge::on(d).edit(11, "/Name", "/Intent /Design /Name").write(), "[content]"),
            ("hide: order", |d| Forge::on(d).edit(3, "9 0 R 10 0 R", "10 0 R 9 0 R").write(), "another order"),
            ("hide: drawn once more", |d| Forge::on(d).edit(3, "13 0 R", "13 0 R 10 0 R").write(), "there twice"),
            (
                "replace: appearance",
                |d| Forge::on(d).drawing(8, "BT /F1 12 Tf (99) Tj ET").write(),
                "without its value",
            ),
            (
                "replace: other appearance",
                |d| Forge::on(d).edit(7, "/N 8 0 R", "/N 90 0 R").drawing(90, "BT /F1 12 Tf (99) Tj ET").write(),
                "/AP of field Amount [field]",
            ),
            ("replace: font", |d| Forge::on(d).edit(5, "/Helvetica", "/Symbol").write(), "[content]"),
            (
                "replace: font of the form",
                |d| Forge::on(d).edit(1, "/Helv 5 0 R", "/Helv 90 0 R").set(90, text(d, 5)).write(),
                "/Font of /DR",
            ),
            ("replace: drawn anew", |d| Forge::on(d).edit(1, "/DR", "/NeedAppearances true /DR").write(), "[form]"),
            ("replace: place of a field", |d| Forge::on(d).edit(7, "72", "300").write(), "/Rect of field Amount"),
            ("replace: flags of a field", |d| Forge::on(d).edit(7, "/F 4", "/F 2").write(), "/F of field Amount"),
            (
                "exchange: pages",
                |d| Forge::on(d).edit(1, "/Pages 2 0 R", "/Pages 92 0 R").set(92, text(d, 2)).write(),
                "/Pages of the catalogue",
            ),
            ("exchange: kids", |d| Forge::on(d).edit(2, "3 0 R 6 0 R", "6 0 R 3 0 R").write(), "[content]"),
            ("exchange: root", |d| Forge::on(d).set(93, text(d, 1)).root(93).write(), "[trailer]"),
            ("page added", |d| Forge::on(d).edit(2, "6 0 R", "6 0 R 94 0 R").set(94, text(d, 6)).write(), "[content]"),
            ("page removed", |d| Forge::on(d).edit(2, "3 0 R 6 0 R", "3 0 R").write(), "[content]"),
            ("page rotated", |d| Forge::on(d).edit(6, "/Parent", "/Rotate 180 /Parent").write(), "/Rotate of the page"),
            (
                "script",
                |d| Forge::on(d).edit(1, "/Pages", "/OpenAction << /S /JavaScript /JS (0) >> /Pages").write(),
                "/OpenAction",
            ),
            ("names", |d| Forge::on(d).edit(1, "/Pages", "/Names << >> /Pages").write(), "/Names of the catalogue"),
            (
                "outlines",
                |d| Forge::on(d).edit(1, "/Pages", "/Outlines 95 0 R /Pages").set(95, "<< >>").write(),
                "/Outlines",
            ),
            ("action of a page", |d| Forge::on(d).edit(6, "/Parent", "/AA << >> /Parent").write(), "/AA of the page"),
            ("action of a field", |d| Forge::on(d).edit(9, "/FT", "/AA << >> /FT").write(), "/AA of field Approval"),
        ],
    );
}

/// One object in two meanings: the stricter one counts.
#[test]
fn content_that_poses_as_a_field_or_an_annotation() {
    for (place, list) in [("/Fields [7 0 R", "/Fields [4 0 R 7 0 R"), ("/Annots [7 0 R", "/Annots [4 0 R 7 0 R")] {
        let court = Court::open();
        for permission in [None, Some(Permission::Annotating)] {
            // An uncompressed form only: the sample is edited as text.
            let mut document = String::from_utf8_lossy(&rich(Xref::Table, "", "", &[])).into_owned();
            document = document.replacen(place, list, 1);
            let document = relocated(&document);
            let signed = match permission {
                None => sign(&document, &court.office.officer),
                Some(permission) => certify(&document, &court.office.officer, permission),
            };
            let same_length = "BT /F1 24 Tf 72 720 Td (Quyet dinj) Tj ET";
            let attacked = Forge::on(&signed).stream(4, "", same_length).write();
            court.refuses_by(&annotating(), &attacked, list, "[content]");
        }
    }
}

/// With the offsets of a table written anew.
fn relocated(document: &str) -> Vec<u8> {
    let body = &document[..document.find("xref\n").unwrap()];
    let objects: Vec<String> =
        body.split(" 0 obj\n").skip(1).map(|object| object[..object.rfind("\nendobj\n").unwrap()].to_owned()).collect();
    sample_pdf::document(Xref::Table, &objects)
}

fn annotating() -> Policy {
    let mut policy = Policy::etsi();
    policy.permitted_changes = kyso::validate::PermittedChanges::Annotation;
    policy
}

/// What an object needs in order to be read is left out, to be supplied when it is signed.
#[test]
fn objects_that_only_become_readable_later() {
    let court = Court::open();
    let officer = &court.office.officer;
    let mut objects = sample_pdf::two_pages("", "", &[]);
    objects[3] = objects[3].replace("/Length 41", "/Length 90 0 R");
    assert!(objects[3].contains("90 0 R"));
    for form in FORMS {
        let signed = sign(&sample_pdf::document(form, &objects), officer);
        court.passes(&signed, "nothing supplied");
        court.refuses(&Forge::on(&signed).set(90, "41").write(), "length supplied", "made readable");
    }

    // An object stream that is not there yet, and one whose /First is elsewhere.
    let mut objects = sample_pdf::two_pages("", "", &["[3 0 R 0 0 R]", "7"]);
    objects[2] = objects[2].replace("<< /Font << /F1 5 0 R >> >>", "20 0 R");
    let first = "20 0 << /Font << /F1 5 0 R >> >>          ";
    objects.push(format!("<< /Type /ObjStm /N 1 /First 8 0 R /Length {} >>\nstream\n{first}\nendstream", first.len()));
    let document = sample_pdf::document(Xref::Table, &objects);
    for (stream, attack) in [
        (9, (|d: &[u8]| Forge::on(d).set(8, "4").write()) as fn(&[u8]) -> Vec<u8>),
        (30, |d| {
            let data = "20 0 << /Font << /F1 4 0 R >> >>";
            Forge::on(d).stream(30, "/Type /ObjStm /N 1 /First 5", data).write()
        }),
    ] {
        let hybrid = Forge::on(&document).packed(20, "null").write();
        // The entry of object 20 is turned towards `stream`.
        let own = parse(&hybrid).latest().next_number() - 2;
        let row = [&[2][..], &own.to_be_bytes(), &[0, 0]].concat();
        let other = [&[2][..], &u32::to_be_bytes(stream), &[0, 0]].concat();
        let signed = sign(&forge::patch(&hybrid, &row, &other), officer);
        court.passes(&signed, &format!("object stream {stream}"));
        court.refuses(&attack(&signed), &format!("object stream {stream} supplied"), "[content]");
    }
}

/// The structure tree is most of a tagged document, and no page draws it: what it names may not
/// change for that either, nor come to be, however deep in object streams it is named.
#[test]
fn what_the_structure_tree_names() {
    let court = Court::open();
    let officer = &court.office.officer;
    // In an object stream of its own or beside the pages, as the form has it.
    let tagged = |form: Xref, apart: bool, leaf: &str| {
        let element = |more: &str| format!("<< /Type /StructElem /S /P /P 18 0 R /Pg 3 0 R {more} >>");
        let [first, second, third] = [element("/K [0 20 0 R]"), element("/K 21 0 R"), element(leaf)];
        let more = ["<< /Type /StructTreeRoot /K 19 0 R >>", &first, &second, &third, "(10)"];
        let beside = rich(form, "/StructTreeRoot 18 0 R", "", if apart { &["null"; 5] } else { &more });
        let packed = (18..).zip(more).fold(Forge::on(&beside), |forge, (number, body)| forge.packed(number, body));
        sign(&if apart { packed.write() } else { beside.clone() }, officer)
    };
    let dated = |d: &[u8]| Forge::on(d).edit(3, "/Type", "/LastModified (D:20261123) /Type").write();
    for (form, apart) in FORMS.into_iter().flat_map(|form| [(form, false), (form, true)]) {
        // Pages, fields and the catalogue are meant as a whole.
        for leaf in ["/K 7", "/K << /Type /OBJR /Obj 9 0 R >>", "/Own 1 0 R", "/T (95 0 R) /ActualText 95 0 R"] {
            let signed = tagged(form, apart, leaf);
            court.passes(&signed, leaf);
            court.passes(&dated(&signed), leaf);
            court.passes(&sign(&signed, &court.office.agency), leaf);
        }
        for leaf in
            ["/ActualText 95 0 R", "/A [<< /O /Layout /X [1 2 3 0 R 95 0 R ] >>]", "/#41 95 %\n 0 R", "/A 95 00 R"]
        {
            let signed = tagged(form, apart, leaf);
            court.refuses(&Forge::on(&signed).set(95, "(Het hieu luc)").write(), leaf, "[content]");
            court.refuses(&Forge::on(&signed).packed(95, "(Het hieu luc)").write(), leaf, "[content]");
        }
        let signed = tagged(form, apart, "/ActualText 22 0 R");
        court.refuses(&Forge::on(&signed).set(22, "(1000)").write(), "text", "[content]");
        // What draws, or seems to, is not.
        for leaf in ["/Contents 3 0 R", "/A << /Resources << /Own 3 0 R >> >>", "/Gr#6fup [3 0 R]"] {
            court.refuses(&dated(&tagged(form, apart, leaf)), leaf, "[content]");
        }
    }
}

/// Two objects of an object stream, one of which begins within a string of the other.
#[test]
fn objects_of_an_object_stream_that_overlap() {
    let court = Court::open();
    let mut objects = sample_pdf::two_pages("/StructTreeRoot 21 0 R", "", &["null", "null"]);
    let inside = "20 0 21 1 (<< /ActualText 95 0 R >>)";
    objects.push(format!("<< /Type /ObjStm /N 2 /First 10 /Length {} >>\nstream\n{inside}\nendstream", inside.len()));
    let hybrid = Forge::on(&sample_pdf::document(Xref::Table, &objects)).packed(20, "null").packed(21, "null").write();
    let own = parse(&hybrid).latest().next_number() - 2;
    let row = |stream: u32, index: u8| [&[2][..], &stream.to_be_bytes(), &[0, index]].concat();
    let turned = [0, 1].iter().fold(hybrid, |d, index| forge::patch(&d, &row(own, *index), &row(9, *index)));
    let signed = sign(&turned, &court.office.officer);
    court.passes(&signed, "nothing supplied");
    court.refuses(&Forge::on(&signed).set(95, "(Het hieu luc)").write(), "supplied", "[content]");
}

/// Readers that repair a file see objects that no section names: whoever reads the report is told.
#[test]
fn objects_outside_any_section_of_signed_documents() {
    let court = Court::open();
    let told = |document: &[u8], code: &str| {
        let report = court.judge(document).unwrap();
        report.findings().iter().filter(|finding| finding.code() == code).count()
    };
    for form in FORMS {
        let signed = approved(&court.office, form);
        let changed = Forge::on(&signed).edit(3, "/Type", "/LastModified (D:20261123) /Type").write();
        for document in [&signed, &changed] {
            court.passes(document, "honest");
            assert_eq!((told(document, "HIDDEN_OBJECT_TWICE"), told(document, "HIDDEN_OBJECT_UNLISTED")), (0, 0));
        }
        for (number, code) in [(4, "HIDDEN_OBJECT_TWICE"), (900, "HIDDEN_OBJECT_UNLISTED")] {
            let stray = format!("{number} 0 obj\n<< /Length {} >>\nstream\n{EVIL}\nendstream\nendobj\n", EVIL.len());
            let mut document = [&signed[..], stray.as_bytes()].concat();
            document = Forge::on(&document).edit(3, "/Type", "/LastModified (D:20261123) /Type").write();
            assert_eq!(told(&document, code), 1, "{form:?} {number}");
        }
    }
}

#[test]
fn an_appearance_that_two_fields_share() {
    refused(
        approved,
        &[
            ("by the one", |d| shared(d, 12), "without its value"),
            ("by the other", |d| shared(d, 13), "without its value"),
        ],
    );
}

/// The value of one field and the appearance of both.
fn shared(document: &[u8], field: u32) -> Vec<u8> {
    Forge::on(document).edit(field, "(20)", "(99)").drawing(16, "BT /F1 12 Tf (99) Tj ET").write()
}

/// Signature fields that show something for which nobody signs.
#[test]
fn fields_that_borrow_a_signature_or_have_none() {
    fn field(document: &[u8], more: &str) -> Vec<u8> {
        let own = next(document);
        let widget = "/Type /Annot /Subtype /Widget /FT /Sig /T (Mine) /F 4 /Rect [72 700 300 760] /P 3 0 R";
        Forge::on(document)
            .edit(1, "/Fields[", &format!("/Fields[{own} 0 R "))
            .edit(3, "/Annots[", &format!("/Annots[{own} 0 R "))
            .set(own, format!("<< {widget} {more} >>"))
            .drawing(own + 1, "1 g 0 0 100 20 re f")
            .write()
    }
    fn shown(document: &[u8], more: &str) -> Vec<u8> {
        field(document, &format!("/AP << /N {} 0 R >> {more}", next(document) + 1))
    }
    fn filled(document: &[u8], value: &str) -> Vec<u8> {
        let own = next(document);
        Forge::on(document)
            .edit(9, "/FT", &format!("/V {value} /AP << /N {own} 0 R >> /FT"))
            .drawing(own, "1 g 0 0 100 20 re f")
            .write()
    }
    let attacks: &[Attack] = &[
        ("unsigned, drawn", |d| shown(d, ""), "has an appearance"),
        ("another's signature", |d| shown(d, &format!("/V {} 0 R", numbers(d, 0).1)), "no new signature"),
        ("no signature", |d| shown(d, "/V << /Type /Sig >>"), "no new signature"),
        ("acts", |d| field(d, "/AA << /PO << /S /JavaScript /JS (0) >> >>"), "with actions"),
        ("filled with another's", |d| filled(d, &format!("{} 0 R", numbers(d, 0).1)), "/V of field Approval"),
        ("filled with nothing", |d| filled(d, "<< /Type /Sig >>"), "/V of field Approval"),
        (
            "filled with half a signature",
            |d| {
                let own = next(d);
                Forge::on(d).edit(9, "/FT", &format!("/V {own} 0 R /FT")).set(own, "<< /Type /Sig >>").write()
            },
            "BYTE_RANGE_FORM",
        ),
        (
            "drawn, not filled",
            |d| Forge::on(d).edit(9, "/FT", "/AP << /N 90 0 R >> /FT").drawing(90, "1 g").write(),
            "/AP of field Approval",
        ),
        (
            "further widget of the signed field",
            |d| {
                let (signed, own) = (numbers(d, 0).0, next(d));
                let widget = "/Type /Annot /Subtype /Widget /F 4 /Rect [72 700 300 760] /P 3 0 R";
                Forge::on(d)
                    .edit(signed, "<<", &format!("<< /Kids [{own} 0 R] "))
                    .edit(3, "/Annots[", &format!("/Annots[{own} 0 R "))
                    .set(own, format!("<< {widget} /Parent {signed} 0 R /AP << /N {} 0 R >> >>", own + 1))
                    .drawing(own + 1, "1 g 0 0 100 20 re f")
                    .write()
            },
            "a field that is signed",
        ),
    ];
    refused(approved, attacks);
    refused(|o, f| certify(&rich(f, "", "", &[]), &o.officer, Permission::FormFilling), attacks);
    // The twins: an empty place to sign, with the empty appearance that PDF/A demands.
    let court = Court::open();
    let signed = approved(&court.office, Xref::Table);
    let empty = field(&signed, "");
    court.passes(&empty, "empty field");
    court.passes(&sign(&empty, &court.office.agency), "empty field, then signed");
    let own = next(&signed);
    let blank = Forge::on(&signed)
        .edit(1, "/Fields[", &format!("/Fields[{own} 0 R "))
        .edit(3, "/Annots[", &format!("/Annots[{own} 0 R "))
        .set(own, format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T (Mine) /F 4 /Rect [72 700 300 760] /P 3 0 R /AP << /N {} 0 R >> >>", own + 1))
        .drawing(own + 1, " ")
        .write();
    court.passes(&blank, "empty appearance");
}

/// EAA and SSA (2021): what a certification does not permit.
#[test]
fn certified_documents() {
    fn annotated(document: &[u8], subtype: &str) -> Vec<u8> {
        let own = next(document);
        let more = format!("/Subtype /{subtype} /Rect [72 700 300 760] /F 4 /P 3 0 R /DA (/Helv 12 Tf) /Contents (x)");
        Forge::on(document)
            .edit(3, "/Annots[", &format!("/Annots[{own} 0 R "))
            .set(own, format!("<< /Type /Annot {more} /AP << /N {} 0 R >> >>", own + 1))
            .drawing(own + 1, "1 g 0 0 100 20 re f")
            .write()
    }
    let annotations: &[Attack] = &[
        ("free text", |d| annotated(d, "FreeText"), "annotation added: FreeText"),
        ("stamp", |d| annotated(d, "Stamp"), "annotation added: Stamp"),
        ("redaction", |d| annotated(d, "Redact"), "annotation added: Redact"),
    ];
    let all = [Permission::NoChanges, Permission::FormFilling, Permission::Annotating];
    for permission in all {
        refused(|o, f| certify(&rich(f, "", "", &[]), &o.officer, permission), annotations);
    }
    refused(approved, annotations);

    let court = Court::open();
    let agency = &court.office.agency;
    for form in FORMS {
        for permission in all {
            let name = format!("{permission:?}, {form:?}");
            let certified = certify(&rich(form, "", "", &[]), &court.office.officer, permission);
            // Only who permits annotations and validates with a policy that does lets them pass.
            let stamped = annotated(&certified, "Stamp");
            if permission == Permission::Annotating {
                court.passes_by(&annotating(), &stamped, &name);
            } else {
                court.refuses_by(&annotating(), &stamped, &name, "[annotation]");
            }
            // A good signature of a trusted officer over the certified content.
            for (rectangle, visible) in [("[72 700 300 760]", true), ("[0 0 0 0]", false)] {
                let signed = signed_field(&certified, agency, rectangle);
                if visible || permission == Permission::NoChanges {
                    court.refuses(&signed, &name, "[new signature field]");
                } else {
                    court.passes(&signed, &name);
                }
            }
            // Filling in and signing the field that is there.
            let filled = Forge::on(&certified).edit(7, "(10)", "(11)").drawing(8, "BT /F1 12 Tf (11) Tj ET").write();
            let own = signed_existing(&certified, agency);
            if permission == Permission::NoChanges {
                court.refuses(&filled, &name, "[form filling]");
                court.refuses(&own, &name, "[signing an existing field]");
            } else {
                court.passes(&filled, &name);
                court.passes(&own, &name);
            }
        }
    }
}

/// A new signature field with an appearance, signed by `key` without a look at what is permitted.
fn signed_field(document: &[u8], key: &SoftKey, rectangle: &str) -> Vec<u8> {
    let own = next(document);
    let widget = format!("/Type /Annot /Subtype /Widget /FT /Sig /T (Second) /F 132 /Rect {rectangle} /P 3 0 R");
    let forged = Forge::on(document)
        .edit(1, "/Fields[", &format!("/Fields[{own} 0 R "))
        .edit(3, "/Annots[", &format!("/Annots[{own} 0 R "))
        .set(own, format!("<< {widget} /V {} 0 R /AP << /N {} 0 R >> >>", own + 1, own + 2))
        .set(own + 1, blank("ETSI.CAdES.detached", ""))
        .drawing(own + 2, "1 g 0 0 100 20 re f")
        .write();
    fill(forged, |octets| Cms::new(key).over(octets))
}

fn signed_existing(document: &[u8], key: &SoftKey) -> Vec<u8> {
    let own = next(document);
    let forged = Forge::on(document)
        .edit(9, "/FT", &format!("/V {own} 0 R /AP << /N {} 0 R >> /FT", own + 1))
        .set(own, blank("ETSI.CAdES.detached", ""))
        .drawing(own + 1, "BT /F1 12 Tf (Ky) Tj ET")
        .write();
    fill(forged, |octets| Cms::new(key).over(octets))
}

/// A time-stamp is to be had by anybody: under P=1 it may be added, but may show nothing.
#[test]
fn document_time_stamps_under_a_certification_that_permits_nothing() {
    let court = Court::open();
    let token = |octets: &[u8]| {
        let imprint = kyso::crypto::DigestAlgorithm::Sha256.digest(octets);
        let request = kyso::timestamp::TimeStampRequest::new(imprint).to_der();
        court.office.tsa.token(&request, ca::at(verdict::STAMPED))
    };
    for form in FORMS {
        let certified = certify(&rich(form, "", "", &[]), &court.office.officer, Permission::NoChanges);
        let own = next(&certified);
        let value = blank("ETSI.RFC3161", "").replace("/Type /Sig", "/Type /DocTimeStamp");
        let invisible = Forge::on(&certified)
            .edit(1, "/Fields[", &format!("/Fields[{own} 0 R "))
            .edit(3, "/Annots[", &format!("/Annots[{own} 0 R "))
            .set(
                own,
                format!(
                    "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Time) /Rect [0 0 0 0] /F 132 /V {} 0 R >>",
                    own + 1
                ),
            )
            .set(own + 1, &value)
            .write();
        court.passes(&fill(invisible, token), "invisible");
        let shown = Forge::on(&certified)
            .edit(9, "/FT", &format!("/V {own} 0 R /AP << /N {} 0 R >> /FT", own + 1))
            .set(own, &value)
            .drawing(own + 1, "1 g 0 0 100 20 re f")
            .write();
        court.refuses(&fill(shown, token), "visible", "[signing an existing field]");
    }
}

#[test]
fn what_a_field_lock_covers_stays() {
    let court = Court::open();
    for form in FORMS {
        for (lock, locked) in [
            ("/Action /Include /Fields [(Amount)]", true),
            ("/Action /Exclude /Fields [(Amount)]", false),
            ("/Action /All", true),
            ("/Action /Include /Fields [(Amoun)]", false),
        ] {
            let field = format!("/Lock {} 0 R ", FIRST_MORE);
            let lock = format!("<< /Type /SigFieldLock {lock} >>");
            let mut document = rich(form, "", "", &[&lock]);
            document = Forge::on(&document).edit(9, "/FT", &format!("{field}/FT")).write();
            let pdf = parse(&document);
            let request = PadesRequest::new(&pdf, ca::at(SIGNED)).field("Approval");
            let signed = request.sign(&court.office.officer).unwrap().to_octets().unwrap();
            court.passes(&signed, &lock);
            let filled = Forge::on(&signed).edit(7, "(10)", "(11)").drawing(8, "BT /F1 12 Tf (11) Tj ET").write();
            if locked {
                court.refuses(&filled, &lock, "[form filling]");
            } else {
                court.passes(&filled, &lock);
            }
            court.refuses(&Forge::on(&signed).free(FIRST_MORE).write(), &lock, "[content]");
        }
    }
}

/// Updates that are no attack.
#[test]
fn honest_twins_pass() {
    let court = Court::open();
    for form in FORMS {
        let signed = approved(&court.office, form);
        let twins: [(&str, Vec<u8>, Changes); 6] = [
            (
                "metadata",
                Forge::on(&signed)
                    .edit(1, "/Pages", "/Metadata 90 0 R /Pages")
                    .stream(90, "/Type /Metadata /Subtype /XML", "<x/>")
                    .write(),
                Changes::Lta,
            ),
            (
                "validation data",
                Forge::on(&signed).edit(1, "/Pages", "/DSS 90 0 R /Pages").set(90, "<< /Certs [] >>").write(),
                Changes::Lta,
            ),
            (
                "information",
                Forge::on(&signed).trailer("/Info 90 0 R").set(90, "<< /Title (x) >>").write(),
                Changes::Lta,
            ),
            (
                "filled in",
                Forge::on(&signed).edit(7, "(10)", "(11)").drawing(8, "BT /F1 12 Tf (11) Tj ET").write(),
                Changes::Form,
            ),
            (
                "same again",
                Forge::on(&signed).set(5, text(&signed, 5)).packed(6, &text(&signed, 6)).write(),
                Changes::None,
            ),
            ("second signature", sign(&signed, &court.office.agency), Changes::Form),
        ];
        for (name, twin, changes) in twins {
            let report = court.passes(&twin, &format!("{name}, {form:?}"));
            assert_eq!(report.signatures()[0].changes(), Some(changes), "{name}");
        }
    }
}

/// Table and stream of a hybrid update that disagree, and an entry for object 0.
#[test]
fn cross_references_that_say_two_things() {
    let court = Court::open();
    for form in [Xref::Table, Xref::Hybrid] {
        let signed = approved(&court.office, form);
        // The stream of the update gives object 5 another value than the table.
        let update = Forge::on(&signed).packed(5, "<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>").write();
        let place = find(&signed, b"\n5 0 obj").unwrap() + 1;
        let row = format!("5 1\n{:010} 65535 f ", 0);
        let shown = format!("5 1\n{place:010} 00000 n ");
        court.refuses(&forge::patch(&update, row.as_bytes(), shown.as_bytes()), "conflict", "disagree on object 5");
        // The trailer names two catalogues.
        let twice = Forge::on(&signed).set(93, text(&signed, 1)).trailer("/Root 93 0 R").write();
        court.refuses(&twice, "two roots", "the trailer has /Root twice");
    }
    let mut objects = sample_pdf::two_pages("", "", &[]);
    objects[5] = objects[5].replace("4 0 R", "0 0 R");
    for form in FORMS {
        let signed = sign(&sample_pdf::document(form, &objects), &court.office.officer);
        court.passes(&signed, "object 0");
        court.refuses(&Forge::on(&signed).stream(0, "", EVIL).write(), "object 0", "");
    }
}
