//! PDF signatures: what is written, what is refused, and the two phases.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::cms::SignedData;
use kyso::crypto::Backend;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::PssParameters;
use kyso::crypto::SignatureAlgorithm;
use kyso::error::RefusalReason;
use kyso::finding::Severity;
use kyso::key::SignatureValue;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Appearance;
use kyso::pdf::ChangeLevel;
use kyso::pdf::Coverage;
use kyso::pdf::LockAction;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::Source;
use kyso::pdf::SubFilter;
use kyso::pdf::text::Text;
use kyso::sign::Prepared;
use kyso::sign::StateFormat;
use kyso::sign::pades::PadesRequest;
use sample_pdf::FORMS;
use sample_pdf::Xref;
use sample_pdf::two_pages;

const NOW: &str = "2026-11-23T01:00:00Z";

fn authority() -> Authority {
    Authority::root(Template::ca(&[(ca::CN, "CA of sign_pdf")], None), KeySpec::P256)
}

fn key(spec: KeySpec) -> SoftKey {
    authority().issue(&Template::new(&[(ca::C, "VN"), (ca::CN, "Nguyễn Văn A")]), spec)
}

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

fn request<'p>(pdf: &'p Pdf<'p>) -> PadesRequest<'p> {
    PadesRequest::new(pdf, ca::at(NOW))
}

fn sign(data: &[u8], key: &SoftKey, with: impl FnOnce(PadesRequest<'_>) -> PadesRequest<'_>) -> Vec<u8> {
    let pdf = parse(data);
    with(request(&pdf)).sign(key).unwrap().to_octets().unwrap()
}

/// The refusal that signing must meet.
fn refusal(data: &[u8], key: &SoftKey, with: impl FnOnce(PadesRequest<'_>) -> PadesRequest<'_>) -> RefusalReason {
    let pdf = parse(data);
    match with(request(&pdf)).sign(key) {
        Err(Error::Refused(refused)) => refused.reason(),
        other => panic!("{other:?}"),
    }
}

fn block(width: f64, height: f64) -> Appearance {
    Appearance::new(width, height).text(Text::new("Ký bởi: Nguyễn Văn A"))
}

/// Verifies every signature by the crate's own reader: structure, digest and value.
fn verify(data: &[u8], signatures: usize) {
    let pdf = parse(data);
    let facts = pdf.signatures().unwrap();
    assert_eq!(facts.len(), signatures);
    for (index, facts) in facts.iter().enumerate() {
        assert!(facts.findings.iter().all(|f| f.severity() < Severity::Warning), "{:?}", facts.findings);
        let last = index + 1 == signatures;
        assert_eq!(facts.coverage, if last { Coverage::WholeDocument } else { Coverage::Revision });
        assert_eq!(facts.sub_filter, SubFilter::CadesDetached);
        let cms = SignedData::from_padded(&facts.contents, &Limits::default()).unwrap();
        assert!(cms.content().is_none() && cms.findings().is_empty());
        let [signer] = cms.signers() else { panic!("one signer") };
        let certificate = cms.certificates().iter().find(|c| signer.id().names(c)).unwrap();
        let digest = pdf.digests(&[(facts.covered_ranges().unwrap(), signer.digest_algorithm().unwrap())]).unwrap()[0];
        let key = certificate.public_key();
        let verification = signer.verify(key, cms.content_type(), &digest, None, Backend::default());
        assert_eq!((verification.fault, verification.deviations.len()), (None, 0));
        // EN 319 142-1 §6.3: the time stands in /M alone, the certificate is bound.
        assert_eq!(signer.signing_time().unwrap(), None);
        assert!(signer.signing_certificate().unwrap().unwrap()[0].names(certificate));
        assert_eq!(facts.claimed_time.as_deref(), Some("D:20261123080000+07'00'"));
    }
    let history = pdf.history(&facts).unwrap();
    assert_eq!(history.forbidden().count(), 0);
    for earlier in &facts[..signatures - 1] {
        let changes = history.after(earlier);
        assert!(changes.permitted && changes.level == ChangeLevel::Form, "{changes:?}");
    }
}

#[test]
fn every_key_signs_every_form_and_leaves_the_original_in_place() {
    for spec in [KeySpec::Rsa2048, KeySpec::P256, KeySpec::P384, KeySpec::P521, KeySpec::Ed25519] {
        let key = key(spec);
        for form in FORMS {
            let original = sample_pdf::plain(form);
            let signed = sign(&original, &key, |r| r);
            assert!(signed.starts_with(&original));
            verify(&signed, 1);
        }
    }
}

#[test]
fn what_was_asked_for_stands_in_the_document() {
    let key = key(KeySpec::P256);
    let signed = sign(&sample_pdf::plain(Xref::Table), &key, |r| {
        r.field("Văn thư").reason("Phê duyệt").location("Trà Vinh").contact("vt@example.vn").name("Nguyễn Văn A")
    });
    verify(&signed, 1);
    let facts = parse(&signed).signatures().unwrap().remove(0);
    assert_eq!(facts.field_name, "Văn thư");
    let texts = [&facts.reason, &facts.location, &facts.contact_info, &facts.name].map(|text| text.as_deref().unwrap());
    assert_eq!(texts, ["Phê duyệt", "Trà Vinh", "vt@example.vn", "Nguyễn Văn A"]);
    assert_eq!(facts.filter.as_deref(), Some("Adobe.PPKLite"));
    assert_eq!(facts.certification, None);

    let pdf = parse(&sample_pdf::plain(Xref::Table));
    let utc = request(&pdf).utc_offset(0).sign(&key).unwrap().to_octets().unwrap();
    assert_eq!(parse(&utc).signatures().unwrap()[0].claimed_time.as_deref(), Some("D:20261123010000Z"));
}

#[test]
fn algorithms_are_those_that_were_chosen() {
    let rsa = key(KeySpec::Rsa2048);
    let algorithm = |signed: &[u8]| {
        let facts = parse(signed).signatures().unwrap().remove(0);
        let cms = SignedData::from_padded(&facts.contents, &Limits::default()).unwrap();
        (cms.signers()[0].digest_algorithm().unwrap(), cms.signers()[0].signature_algorithm().unwrap())
    };
    let plain = sample_pdf::plain(Xref::Stream);
    for digest in [DigestAlgorithm::Sha256, DigestAlgorithm::Sha384, DigestAlgorithm::Sha512] {
        let signed = sign(&plain, &rsa, |r| r.digest(digest));
        assert_eq!(algorithm(&signed), (digest, SignatureAlgorithm::RsaPkcs1v15(digest)));
        verify(&signed, 1);
        let signed = sign(&plain, &rsa, |r| r.digest(digest).pss());
        assert_eq!(algorithm(&signed), (digest, SignatureAlgorithm::RsaPss(PssParameters::new(digest))));
        verify(&signed, 1);
    }
    // RFC 8419: the message digest of an Ed25519 signature is SHA-512.
    let ed25519 = key(KeySpec::Ed25519);
    assert_eq!(algorithm(&sign(&plain, &ed25519, |r| r)), (DigestAlgorithm::Sha512, SignatureAlgorithm::Ed25519));

    let pdf = parse(&plain);
    assert!(matches!(request(&pdf).digest(DigestAlgorithm::Sha256).sign(&ed25519), Err(Error::Misuse(_))));
    assert!(matches!(request(&pdf).pss().sign(&key(KeySpec::P256)), Err(Error::Misuse(_))));
    let ecdsa = SignatureAlgorithm::Ecdsa(DigestAlgorithm::Sha256);
    assert!(matches!(request(&pdf).algorithm(ecdsa).sign(&rsa), Err(Error::Misuse(_))));
    assert_eq!(refusal(&plain, &rsa, |r| r.digest(DigestAlgorithm::Sha1)), RefusalReason::Algorithm);
}

#[test]
fn later_signatures_leave_the_earlier_ones_valid() {
    let (officer, agency) = (key(KeySpec::Rsa2048), key(KeySpec::P256));
    for form in FORMS {
        let mut document = sample_pdf::plain(form);
        for round in 1..=4 {
            let key = if round % 2 == 0 { &agency } else { &officer };
            let next = sign(&document, key, |r| r.visible(round % 2, 50.0, 60.0, block(150.0, 60.0)));
            assert!(next.starts_with(&document));
            verify(&next, round);
            document = next;
        }
    }
}

#[test]
fn existing_fields_are_filled_and_others_left_alone() {
    let key = key(KeySpec::P256);
    for form in FORMS {
        let input = sample_pdf::with_field(form, "");
        let signed = sign(&input, &key, |r| r.field("Approval").appearance(block));
        verify(&signed, 1);
        let pdf = parse(&signed);
        assert_eq!(pdf.signatures().unwrap()[0].field_name, "Approval");
        assert!(pdf.empty_signature_fields().unwrap().is_empty());
        // Without a name a new field is made beside it.
        let beside = sign(&input, &key, |r| r);
        assert_eq!(parse(&beside).empty_signature_fields().unwrap().len(), 1);
        // A field is signed once.
        assert!(matches!(request(&pdf).field("Approval").sign(&key), Err(Error::Misuse(_))));
    }
    let text_field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (Number) /Rect [0 0 9 9] /P 3 0 R >>";
    let objects = two_pages("/AcroForm << /Fields [7 0 R] >>", "/Annots [7 0 R]", &[text_field]);
    let pdf = parse(&sample_pdf::document(Xref::Table, &objects));
    assert!(matches!(request(&pdf).field("Number").sign(&key), Err(Error::Misuse(_))));
    let pdf = parse(&sample_pdf::with_field(Xref::Table, ""));
    let misuses = [
        request(&pdf).field("Approval").visible(0, 1.0, 1.0, block(50.0, 50.0)),
        request(&pdf).field("New").appearance(block),
        request(&pdf).visible(7, 1.0, 1.0, block(50.0, 50.0)),
        request(&pdf).visible(0, 580.0, 1.0, block(50.0, 50.0)),
        request(&pdf).page(2),
        request(&pdf).field("a.b"),
    ];
    for misuse in misuses {
        assert!(matches!(misuse.sign(&key), Err(Error::Misuse(_))), "{misuse:?}");
    }
}

#[test]
fn certifications_and_locks_are_written_and_kept() {
    let key = key(KeySpec::P256);
    let empty = sample_pdf::with_field(Xref::Table, "");
    for permission in [Permission::NoChanges, Permission::FormFilling, Permission::Annotating] {
        let certified = sign(&empty, &key, |r| r.certify(permission));
        verify(&certified, 1);
        assert_eq!(parse(&certified).signatures().unwrap()[0].certification, Some(permission));
        // Never a second certification, never after a signature.
        assert_eq!(refusal(&certified, &key, |r| r.certify(permission)), RefusalReason::Certified);
        if permission == Permission::NoChanges {
            assert_eq!(refusal(&certified, &key, |r| r), RefusalReason::Certified);
            assert_eq!(refusal(&certified, &key, |r| r.field("Approval")), RefusalReason::Certified);
        } else {
            verify(&sign(&certified, &key, |r| r), 2);
            verify(&sign(&certified, &key, |r| r.field("Approval").appearance(block)), 2);
            let visible = refusal(&certified, &key, |r| r.visible(0, 1.0, 1.0, block(50.0, 50.0)));
            assert_eq!(visible, RefusalReason::Certified);
        }
    }

    // What the lock of a field says becomes a FieldMDP of its signature.
    let two = |lock: &str| {
        let field = |name: &str, lock: &str| {
            format!("<< /Type /Annot /Subtype /Widget /FT /Sig /T ({name}) /Rect [0 0 0 0] /P 3 0 R /F 4 {lock} >>")
        };
        let (first, second) = (field("First", lock), field("Second", ""));
        let objects = two_pages("/AcroForm << /Fields [7 0 R 8 0 R] >>", "/Annots [7 0 R 8 0 R]", &[&first, &second]);
        sample_pdf::document(Xref::Table, &objects)
    };
    let include = "/Lock << /Type /SigFieldLock /Action /Include /Fields [(Second)] >>";
    let locked = sign(&two(include), &key, |r| r.field("First"));
    verify(&locked, 1);
    let locks = &parse(&locked).signatures().unwrap()[0].locks;
    assert_eq!(locks.len(), 2, "the lock dictionary and the FieldMDP made from it");
    assert!(locks.iter().all(|lock| lock.action == LockAction::Include && lock.fields == ["Second"]));
    assert_eq!(refusal(&locked, &key, |r| r.field("Second")), RefusalReason::Locked);
    verify(&sign(&locked, &key, |r| r), 2);
    let exclude = "/Lock << /Type /SigFieldLock /Action /Exclude /Fields [(Second)] >>";
    verify(&sign(&sign(&two(exclude), &key, |r| r.field("First")), &key, |r| r.field("Second")), 2);
    // PDF 2.0: a lock that permits no changes at all.
    let nothing = "/Lock << /Type /SigFieldLock /Action /All /P 1 >>";
    let locked = sign(&two(nothing), &key, |r| r.field("First"));
    assert_eq!(refusal(&locked, &key, |r| r), RefusalReason::Certified);
}

#[test]
fn certificates_that_may_not_sign_are_refused() {
    let plain = sample_pdf::plain(Xref::Table);
    let ca = authority();
    let issue = |template: Template| ca.issue(&template, KeySpec::P256);
    let leaf = || Template::new(&[(ca::CN, "Người ký")]);
    let cases = [
        (leaf().valid("2020-01-01T00:00:00Z", "2026-11-23T00:59:59Z"), RefusalReason::CertificateTime),
        (leaf().valid("2026-11-23T01:00:01Z", "2030-01-01T00:00:00Z"), RefusalReason::CertificateTime),
        (Template { key_usage: 1 << 2, ..leaf() }, RefusalReason::CertificateUsage),
        (Template { ca: Some(None), ..leaf() }, RefusalReason::CertificateUsage),
        (Template { key_usage: ca::KEY_CERT_SIGN, ..leaf() }, RefusalReason::CertificateUsage),
    ];
    for (template, reason) in cases {
        assert_eq!(refusal(&plain, &issue(template), |r| r), reason);
    }
    // To the last second, with either usage, and without a statement of usage.
    for template in [
        leaf().valid("2020-01-01T00:00:00Z", NOW),
        leaf().valid(NOW, "2030-01-01T00:00:00Z"),
        Template { key_usage: ca::DIGITAL_SIGNATURE, ..leaf() },
        Template { key_usage: ca::NON_REPUDIATION, ..leaf() },
        Template { key_usage: 0, ..leaf() },
    ] {
        verify(&sign(&plain, &issue(template), |r| r), 1);
    }
}

#[test]
fn two_phases_give_the_octets_of_one() {
    let key = key(KeySpec::Rsa2048);
    for form in FORMS {
        let original = sample_pdf::plain(form);
        let pdf = parse(&original);
        let request = || request(&pdf).reason("Phê duyệt").visible(0, 90.0, 90.0, block(120.0, 60.0));
        let at_once = request().sign(&key).unwrap().to_octets().unwrap();
        let prepared = request().prepare(key.identity()).unwrap();
        let (state, message) = (prepared.to_bytes(), prepared.to_be_signed().clone());
        drop(prepared);
        assert_eq!(StateFormat::of(&state).unwrap(), StateFormat::Pades);
        let value = key.sign(&message).unwrap();
        let elsewhere = parse(&original);
        let resumed = Prepared::resume(&state, &elsewhere).unwrap();
        assert_eq!(resumed.to_be_signed(), &message);
        let completed = resumed.complete(&value).unwrap();
        assert_eq!(completed.field_name(), "Signature1");
        assert!(completed.to_octets().unwrap() == at_once, "the same octets");
        assert_eq!(completed.len(), at_once.len() as u64);
        verify(&at_once, 1);
    }
}

#[test]
fn a_wrong_value_or_document_or_state_is_refused() {
    let signer = key(KeySpec::P256);
    let original = sample_pdf::plain(Xref::Table);
    let pdf = parse(&original);
    let prepared = || request(&pdf).prepare(signer.identity()).unwrap();
    let state = prepared().to_bytes();
    let value = signer.sign(prepared().to_be_signed()).unwrap();
    let refused = |result: Result<_, Error>, wanted: RefusalReason| match result {
        Err(Error::Refused(refused)) => assert_eq!(refused.reason(), wanted),
        other => panic!("{:?}", other.map(|_: kyso::sign::pades::SignedPdf<'_>| ())),
    };

    // The value: of another key, over other octets, cut, empty, with one bit turned.
    let other = key(KeySpec::P256).sign(prepared().to_be_signed()).unwrap();
    refused(prepared().complete(&other), RefusalReason::SignatureValue);
    let later = PadesRequest::new(&pdf, ca::at("2026-11-23T01:00:01Z")).prepare(signer.identity()).unwrap();
    refused(later.complete(&value), RefusalReason::SignatureValue);
    let octets = value.octets();
    let mut wrong = vec![Vec::new(), octets[1..].to_vec(), [octets, &[0]].concat()];
    for index in 0..octets.len() {
        let mut turned = octets.to_vec();
        turned[index] ^= 1;
        wrong.push(turned);
    }
    for wrong in wrong {
        refused(prepared().complete(&SignatureValue::new(wrong)), RefusalReason::SignatureValue);
    }

    // The document: every octet counts, and so does its length.
    for index in (0..original.len()).step_by(7) {
        let mut changed = original.clone();
        changed[index] ^= 1;
        let Ok(changed) = Pdf::parse(changed, &Limits::default()) else { continue };
        let Err(Error::Refused(error)) = Prepared::resume(&state, &changed).map(|_| ()) else { panic!("{index}") };
        assert_eq!(error.reason(), RefusalReason::StateMismatch);
    }
    let longer = parse(&[original.as_slice(), b"\n"].concat());
    let Err(Error::Refused(error)) = Prepared::resume(&state, &longer).map(|_| ()) else { panic!() };
    assert_eq!(error.reason(), RefusalReason::StateMismatch);

    // The state: every octet of it.
    for index in 0..state.len() {
        let mut altered = state.clone();
        altered[index] ^= 0x10;
        assert!(Prepared::resume(&altered, &pdf).is_err(), "{index}");
        assert!(Prepared::resume(&state[..index], &pdf).is_err(), "{index}");
    }
    assert!(Prepared::resume(&[state.as_slice(), b"\0"].concat(), &pdf).is_err());
    verify(&Prepared::resume(&state, &pdf).unwrap().complete(&value).unwrap().to_octets().unwrap(), 1);
}

/// A file that is read in pieces, with fewer octets than asked for now and then.
struct Pieces(Vec<u8>);

impl Source for Pieces {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        let wanted = buffer.len().min(1000);
        self.0.as_slice().read_at(offset, &mut buffer[..wanted])
    }
}

#[test]
fn a_source_that_is_read_in_pieces_gives_the_same_and_is_copied_on_the_way() {
    let key = key(KeySpec::P256);
    let content = format!("<< /Length {} >>\nstream\n{}\nendstream", 1_000_000, "% filling\n".repeat(100_000));
    let objects = two_pages("", "", &[&content]);
    let original = sample_pdf::document(Xref::Table, &objects);
    let whole = sign(&original, &key, |r| r);
    let pdf = Pdf::parse(Pieces(original), &Limits::default()).unwrap();
    let mut out = Vec::new();
    let signed = request(&pdf).sign_to(&key, &mut out).unwrap();
    assert!(out == whole && signed.to_octets().unwrap() == whole, "the same octets");
    assert!(whole.ends_with(signed.tail()));
    verify(&whole, 1);
}

#[test]
fn damaged_and_encrypted_documents_are_refused_and_nothing_panics() {
    let key = key(KeySpec::P256);
    for form in FORMS {
        let original = sample_pdf::with_field(form, "");
        for length in 0..original.len() {
            let cut = original[..length].to_vec();
            let Ok(pdf) = Pdf::parse(cut, &Limits::default()) else { continue };
            // Only the line end behind %%EOF may be missing.
            if let Ok(signed) = request(&pdf).sign(&key) {
                assert!(length + 2 > original.len(), "{form:?} {length}");
                verify(&signed.to_octets().unwrap(), 1);
            }
        }
        for index in 0..original.len() {
            for bit in [0x01, 0x20, 0x80] {
                let mut turned = original.clone();
                turned[index] ^= bit;
                let Ok(pdf) = Pdf::parse(turned, &Limits::default()) else { continue };
                let _ = request(&pdf).field("Approval").appearance(block).sign(&key);
            }
        }
    }
    let mut objects = two_pages("", "", &[]);
    objects.push("<< /Filter /Standard /V 1 /R 2 /O (o) /U (u) /P -4 >>".to_owned());
    let encrypted = String::from_utf8_lossy(&sample_pdf::document(Xref::Table, &objects)[15..]).into_owned();
    let encrypted = ["%PDF-1.7\n%xxxx\n", &encrypted.replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 7 0 R")].concat();
    // Its encryption dictionary is no such thing, so there is nothing that could be signed.
    assert!(matches!(Pdf::parse(encrypted.as_bytes(), &Limits::default()), Err(Error::Malformed(_))));
    let foreign = encrypted.replace("/Filter /Standard", "/Filter /Unknown1");
    assert!(matches!(Pdf::parse(foreign.as_bytes(), &Limits::default()), Err(Error::Unsupported(_))));
}
