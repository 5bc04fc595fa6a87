//! Fields that demand something of their signature: seed values and locks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/pdf_peers.rs"]
mod pdf_peers;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use ca::Authority;
use ca::Template;
use kyso::Error;
use kyso::Limits;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::error::RefusalReason;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Draft;
use kyso::pdf::Pdf;
use kyso::pdf::Permission;
use kyso::pdf::SeedValues;
use kyso::pdf::SignatureField;
use kyso::pdf::seed::CertificateSeed;
use kyso::pdf::seed::NameSeed;
use kyso::pdf::seed::Seed;
use kyso::pdf::seed::SeedCertification;
use kyso::sign::pades::PadesRequest;
use pdf_peers::Peers;
use sample_pdf::Xref;

const NOW: &str = "2026-11-23T01:00:00Z";

struct Scene {
    root: Authority,
    ca: Authority,
    key: SoftKey,
}

impl Scene {
    fn new() -> Self {
        let root = Authority::root(Template::ca(&[(ca::CN, "Root of seed")], None), KeySpec::P256);
        let ca = root.subordinate(Template::ca(&[(ca::CN, "CA of seed")], Some(0)), KeySpec::P256);
        let template = Template::new(&[(ca::C, "VN"), (ca::O, "UBND xã"), (ca::CN, "Nguyễn Văn An")]);
        let key = ca.issue(&Template { key_usage: ca::NON_REPUDIATION, ..template }, KeySpec::P256);
        Self { root, ca, key }
    }
}

fn parse(data: &[u8]) -> Pdf<'static> {
    Pdf::parse(data.to_vec(), &Limits::default()).unwrap()
}

fn signed(
    document: &[u8],
    key: &SoftKey,
    set: impl FnOnce(PadesRequest<'_>) -> PadesRequest<'_>,
) -> Result<Vec<u8>, Error> {
    let pdf = parse(document);
    set(PadesRequest::new(&pdf, ca::at(NOW)).field("Approval")).sign(key)?.to_octets()
}

fn refused(document: &[u8], key: &SoftKey, set: impl FnOnce(PadesRequest<'_>) -> PadesRequest<'_>) -> String {
    match signed(document, key, set) {
        Err(Error::Refused(refused)) if refused.reason() == RefusalReason::SeedValue => refused.to_string(),
        other => panic!("{:?}", other.map(drop)),
    }
}

/// With a seed value dictionary as another writer might write it.
fn with(seed: &str) -> Vec<u8> {
    sample_pdf::with_field(Xref::Table, &format!("/SV << /Type /SV {seed} >>"))
}

#[test]
fn demands_that_are_not_met_are_refused_with_the_reason() {
    let key = Scene::new().key;
    for (seed, word) in [
        ("/Ff 1 /Filter /Other.Handler", "Other.Handler"),
        ("/Ff 2 /SubFilter [/adbe.pkcs7.detached]", "adbe.pkcs7.detached"),
        ("/Ff 4 /V 4", "version 4"),
        ("/Ff 8 /Reasons [(Approved) (Seen)]", "Seen"),
        ("/Ff 32 /AddRevInfo true", "revocation information"),
        ("/Ff 64 /DigestMethod [(SHA512) (RIPEMD160)]", "SHA512 or RIPEMD160"),
        ("/Ff 128 /LockDocument /true", "locked"),
        ("/Ff 256 /AppearanceFilter (Company)", "Company"),
        ("/TimeStamp << /URL (http://tsa.example.vn/) /Ff 1 >>", "http://tsa.example.vn/"),
        ("/Cert << /Ff 1 /Subject [<3000>] >>", "none of those"),
        ("/Cert << /Ff 2 /Issuer [<3000>] >>", "issuers"),
        ("/Cert << /Ff 4 /OID [(1.2.3)] >>", "policies"),
        ("/Cert << /Ff 8 /SubjectDN [<< /CN (Another) >>] >>", "names"),
        ("/Cert << /Ff 32 /KeyUsage [(1)] >>", "key usage"),
    ] {
        let text = refused(&with(seed), &key, |r| r);
        assert!(text.contains(word) && text.contains("Approval"), "{seed}: {text}");
        // Without the flag it is a proposal.
        let flag = ["/Ff 1 ", "/Ff 2 ", "/Ff 4 ", "/Ff 8 ", "/Ff 32 ", "/Ff 64 ", "/Ff 128 ", "/Ff 256 ", "/Ff 1 "];
        let proposal = flag.iter().fold(seed.to_owned(), |seed, flag| seed.replace(flag, ""));
        signed(&with(&proposal), &key, |r| r).unwrap_or_else(|e| panic!("{proposal}: {e}"));
    }
    assert!(refused(&with("/Ff 8"), &key, |r| r.reason("Any")).contains("no reason"));
    assert!(refused(&with("/Ff 8 /Reasons [(.)]"), &key, |r| r.reason("Any")).contains("no reason"));
    assert!(refused(&with("/Ff 8 /Reasons [(A)]"), &key, |r| r.reason("B")).contains("\"B\""));
    assert!(refused(&with("/MDP << /P 0 >>"), &key, |r| r.certify(Permission::FormFilling)).contains("approval"));
    assert!(refused(&with("/MDP << /P 2 >>"), &key, |r| r.certify(Permission::Annotating)).contains("/P 2"));
}

#[test]
fn demands_that_are_met_are_signed() {
    let scene = Scene::new();
    let key = &scene.key;
    signed(&with("/Ff 2 /SubFilter [/adbe.pkcs7.detached /ETSI.CAdES.detached]"), key, |r| r).unwrap();
    signed(&with("/Ff 8 /Reasons [(Approved)]"), key, |r| r.reason("Approved")).unwrap();
    signed(&with("/Ff 8 /Reasons [(.)]"), key, |r| r).unwrap();
    signed(&with("/Ff 64 /DigestMethod [(SHA512)]"), key, |r| r.digest(DigestAlgorithm::Sha512)).unwrap();
    signed(&with("/Ff 1 /Filter /Adobe.PPKLite /V 2.0"), key, |r| r).unwrap();
    let hex = |der: &[u8]| der.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    let own = hex(key.identity().certificate().der());
    let (issuing, root) = (hex(scene.ca.certificate.der()), hex(scene.root.certificate.der()));
    signed(&with(&format!("/Cert << /Ff 1 /Subject [<3000> <{own}>] >>")), key, |r| r).unwrap();
    signed(&with(&format!("/Cert << /Ff 2 /Issuer [<{issuing}>] >>")), key, |r| r).unwrap();
    signed(&with(&format!("/Cert << /Ff 2 /Issuer [<{root}>] >>")), key, |r| r).unwrap();
    signed(&with("/Cert << /Ff 8 /SubjectDN [<< /CN (Another) >> << /C (VN) >>] >>"), key, |r| r).unwrap();
    signed(&with("/Cert << /Ff 32 /KeyUsage [(01X0)] >>"), key, |r| r).unwrap();
    // A certification is made without being asked for, where the field demands it.
    let certified = signed(&with("/MDP << /P 3 >>"), key, |r| r).unwrap();
    assert_eq!(parse(&certified).signatures().unwrap()[0].certification, Some(Permission::Annotating));
    // It must be the first signature.
    let first = {
        let pdf = parse(&with("/MDP << /P 2 >>"));
        PadesRequest::new(&pdf, ca::at(NOW)).sign(key).unwrap().to_octets().unwrap()
    };
    match signed(&first, key, |r| r) {
        Err(Error::Refused(refused)) => assert_eq!(refused.reason(), RefusalReason::Certified),
        other => panic!("{:?}", other.map(drop)),
    }
}

#[test]
fn what_cannot_be_read_cannot_be_honoured() {
    let key = Scene::new().key;
    for seed in
        ["/Ff (x)", "/SubFilter /Name", "/Reasons [1]", "/MDP << /P 7 >>", "/MDP 2", "/Cert [1]", "/DigestMethod 5"]
    {
        let outcome = signed(&with(seed), &key, |r| r).map(drop);
        assert!(matches!(outcome, Err(Error::Malformed(_))), "{seed}: {outcome:?}");
    }
    let direct = sample_pdf::with_field(Xref::Table, "/SV 7");
    assert!(matches!(signed(&direct, &key, |r| r), Err(Error::Malformed(_))));
    for lock in ["/Lock 7", "/Lock << /Action /Some >>", "/Lock << >>"] {
        let document = sample_pdf::with_field(Xref::Table, lock);
        assert!(matches!(signed(&document, &key, |r| r), Err(Error::Malformed(_))), "{lock}");
    }
}

#[test]
fn what_a_draft_demands_comes_back_as_it_was() {
    let scene = Scene::new();
    let mut seed = SeedValues::new().certify(Permission::FormFilling).reasons(["Ban hành", "Phê duyệt"]);
    seed.filter = Some(Seed::proposed("Adobe.PPKLite".to_owned()));
    seed.sub_filters = Some(Seed::required(vec!["ETSI.CAdES.detached".to_owned()]));
    seed.digests = Some(Seed::required(vec!["SHA256".to_owned(), "SHA384".to_owned()]));
    seed.version = Some(Seed::required(2));
    seed.timestamp = Some(Seed::proposed("http://tsa.example.vn/".to_owned()));
    seed.revocation_information = Some(Seed::proposed(true));
    seed.lock_document = Some(Seed::proposed("auto".to_owned()));
    let seed = {
        let mut certificate = CertificateSeed::default();
        certificate.issuers = Some(Seed::required(vec![scene.ca.certificate.der().to_vec()]));
        certificate.subject_names =
            Some(Seed::required(vec![NameSeed(vec![("CN".to_owned(), "Nguyễn Văn An".to_owned())])]));
        certificate.key_usage = Some(Seed::required(vec!["X1".to_owned()]));
        seed.certificate = Some(certificate);
        seed
    };
    let peers = Peers::new(&scene.root.certificate);
    for form in sample_pdf::FORMS {
        let plain = sample_pdf::plain(form);
        let draft = Draft::new().signature(SignatureField::new("Approval").seed(seed.clone()));
        let drafted = [&plain[..], draft.finish(&parse(&plain)).unwrap().octets()].concat();
        let pdf = parse(&drafted);
        let field = pdf.empty_signature_fields().unwrap().remove(0);
        assert_eq!(SeedValues::read(pdf.latest(), field.dictionary()).unwrap().unwrap(), seed);
        assert!(refused(&drafted, &scene.key, |r| r).contains("Ban hành"));
        let signed = signed(&drafted, &scene.key, |r| r.reason("Ban hành")).unwrap();
        assert_eq!(parse(&signed).signatures().unwrap()[0].certification, Some(Permission::FormFilling));
        // pyHanko reads the seed values too, and is content.
        peers.judge("seed.pdf", &signed, 1, true);
    }
    assert_eq!(seed.certification, Some(SeedCertification::Certification(Permission::FormFilling)));
}
