//! Files as offices in Vietnam make them, inside of messages with an unreliable content
//! type: for each the verdict, the Vietnamese sentence and the advice are pinned.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop where it stands

#[path = "support/ca.rs"]
mod ca;
#[path = "support/der.rs"]
mod der;
#[path = "support/messages.rs"]
mod messages;
#[path = "support/sample_pdf.rs"]
mod sample_pdf;

use std::time::Duration;

use ca::Authority;
use ca::CN;
use ca::O;
use ca::Template;
use ca::Tsa;
use ca::at;
use kyso::Error;
use kyso::Limits;
use kyso::Time;
use kyso::crypto::DigestAlgorithm;
use kyso::crypto::KeySpec;
use kyso::crypto::Message as ToSign;
use kyso::crypto::PrivateKey;
use kyso::crypto::SignatureAlgorithm;
use kyso::envelope::Enclosure;
use kyso::envelope::Envelope;
use kyso::envelope::Message;
use kyso::envelope::Packing;
use kyso::envelope::Writer;
use kyso::error::FetchError;
use kyso::error::FetchFault;
use kyso::error::RefusalReason;
use kyso::exchange::Receipt;
use kyso::exchange::SignedFile;
use kyso::exchange::SignedKind;
use kyso::exchange::Signing;
use kyso::exchange::by_subject;
use kyso::fetch::Fetch;
use kyso::fetch::Remapped;
use kyso::fetch::Request;
use kyso::fetch::Response;
use kyso::fetch::run;
use kyso::key::SignerIdentity;
use kyso::key::SigningKey;
use kyso::key::soft::SoftKey;
use kyso::pdf::Pdf;
use kyso::profile::vietnam;
use kyso::profile::vietnam::ResultSheet;
use kyso::profile::vietnam::Use;
use kyso::revocation::Evidence;
use kyso::sign::cades::CadesRequest;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;
use kyso::trust::TrustAnchors;
use kyso::validate::Indication;
use kyso::validate::Language;
use kyso::validate::Policy;
use kyso::validate::Report;
use kyso::validate::Validator;
use kyso::x509::Certificate;
use kyso::x509::Crl;

const TITLE: &str = "2.5.4.12";
const SIGNED: &str = "2026-11-23T02:30:00Z";
const RECEIVED: &str = "2026-11-23T03:00:00Z";
const AGENCY: &str = "Ủy ban nhân dân tỉnh Trà Vinh";

/// One of the two hierarchies: a root, a CA, an officer and an agency. Whoever signs puts only
/// the own certificate into the file.
struct Hierarchy {
    root: Authority,
    issuing: Authority,
    officer: SoftKey,
    agency: SoftKey,
}

impl Hierarchy {
    fn new(name: &str) -> Self {
        let ca = |name: String, length| Template::ca(&[(CN, &name), (O, "Tổ chức cấp")], length);
        let root = Authority::root(ca(format!("Gốc {name}"), None), KeySpec::P256);
        let issuing = root.subordinate(ca(format!("CA {name}"), Some(0)), KeySpec::P256);
        let officer = leaf(
            &issuing,
            &Template::new(&[(CN, "Nguyễn Văn An"), (O, AGENCY), (TITLE, "Phó Chủ tịch")]),
            KeySpec::P256,
        );
        let agency = leaf(&issuing, &Template::new(&[(CN, AGENCY), (O, AGENCY)]), KeySpec::P256);
        Self { root, issuing, officer, agency }
    }

    fn crls(&self) -> Evidence {
        let mut evidence = Evidence::new();
        for authority in [&self.root, &self.issuing] {
            let crl = authority.crl(at("2026-11-23T00:00:00Z"), at("2026-11-30T00:00:00Z"));
            evidence.add_crl(Crl::from_der(&crl).unwrap());
        }
        evidence
    }
}

/// A key whose chain is left out.
fn leaf(issuing: &Authority, template: &Template, spec: KeySpec) -> SoftKey {
    let key = PrivateKey::generate(spec).unwrap();
    let certificate = issuing.certify(template, &key);
    SoftKey::new(key, SignerIdentity::new(certificate, Vec::new())).unwrap()
}

fn sign(document: &[u8], key: &dyn SigningKey, when: &str) -> Vec<u8> {
    let pdf = Pdf::parse(document, &Limits::default()).unwrap();
    PadesRequest::new(&pdf, at(when)).sign(key).unwrap().to_octets().unwrap()
}

fn plain() -> Vec<u8> {
    sample_pdf::plain(sample_pdf::Xref::Table)
}

/// What the receiving office has: trust sets, CAs, revocation data, policy.
struct Desk {
    anchors: TrustAnchors,
    intermediates: Vec<Certificate>,
    evidence: Evidence,
    policy: Policy,
}

impl Desk {
    /// Trusts the hierarchy as "chuyên dùng công vụ", loaded through the preset.
    fn trusting(hierarchies: &[(&Hierarchy, vietnam::TrustPreset)]) -> Self {
        let (mut anchors, mut intermediates, mut evidence) = (TrustAnchors::none(), Vec::new(), Evidence::new());
        for (hierarchy, preset) in hierarchies {
            let (root, issuing) = (&hierarchy.root.certificate, &hierarchy.issuing.certificate);
            let sha256 = |c: &Certificate| DigestAlgorithm::Sha256.digest(c.der());
            let preset = preset.clone().expecting("root", &sha256(root), Use::Anchor).expecting(
                "CA",
                &sha256(issuing),
                Use::Intermediate,
            );
            let loaded = preset.load(&[root.to_pem().as_bytes(), issuing.der()]).unwrap();
            anchors.add_set(loaded.set);
            intermediates.extend(loaded.intermediates);
            evidence.add_all(&hierarchy.crls());
        }
        Self { anchors, intermediates, evidence, policy: vietnam::policy() }
    }

    fn validator(&self, when: Time) -> Validator<'_> {
        let validator = Validator::new(&self.policy, &self.anchors, when);
        validator.intermediates(&self.intermediates).evidence(&self.evidence)
    }

    /// The document sent in a message of an unreliable type, received and judged.
    fn receive(&self, document: &[u8], when: &str) -> Receipt {
        let message: Message = messages::plain().into();
        let content = document.to_vec();
        let text =
            Writer::new(&message).enclose(Enclosure::new("Công văn.pdf", "text/plain", &content)).to_vec().unwrap();
        let text = String::from_utf8(text).unwrap().replacen("text/plain", "application/zip", 1).into_bytes();
        let envelope = Envelope::read(&text, &Limits::default()).unwrap();
        let validator = self.validator(at(when));
        let judge = |file: &SignedFile<'_>| match file.kind {
            SignedKind::Pdf(pdf) => Ok::<_, Error>(validator.pdf(pdf)),
            SignedKind::Cms { signed, content } => Ok(validator.cms(signed, content)),
            _ => panic!("a kind that is not known here"),
        };
        let receipt = Receipt::make(&envelope, judge, &by_subject).unwrap();
        let content = receipt.check.attachments[0].content.as_ref().unwrap();
        assert_eq!(content.packing, Packing::Zip);
        assert_eq!(content.sha256, DigestAlgorithm::Sha256.digest(document), "bound to what was received");
        receipt
    }
}

fn report(receipt: &Receipt) -> &Report {
    receipt.attachments[0].validation.as_ref().unwrap()
}

/// Sub-indication (or indication) of each signature, what it comes to, and the lines on why and what to do.
#[track_caller]
fn pinned(receipt: &Receipt, words: &[&str], signing: Signing, lines: &[&str]) {
    let report = report(receipt);
    let word = |i: &Indication| i.sub_indication().unwrap_or_else(|| i.name()).to_owned();
    let found: Vec<String> = report.signatures().iter().map(|s| word(s.indication())).collect();
    let text = report.to_text(Language::Vietnamese);
    assert_eq!(found, words, "{text}");
    assert_eq!(receipt.attachments[0].signing, signing, "{text}");
    for line in lines {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn officer_and_agency_in_order_and_otherwise() {
    let house = Hierarchy::new("chuyên dùng");
    let desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    let both = sign(&sign(&plain(), &house.officer, SIGNED), &house.agency, "2026-11-23T02:45:00Z");
    let receipt = desk.receive(&both, RECEIVED);
    pinned(
        &receipt,
        &["TOTAL-PASSED", "TOTAL-PASSED"],
        Signing::Complete,
        &["HỢP LỆ: 2/2 chữ ký hợp lệ.", "Tin cậy theo:      \"Chuyên dùng công vụ\""],
    );
    assert!(receipt.is_complete() && !receipt.envelope_signature);
    let by = &receipt.attachments[0].signed_by;
    let (officer, agency) = (by.officer.as_ref().unwrap(), by.agency.as_ref().unwrap());
    assert_eq!((officer.signer.as_str(), agency.signer.as_str()), ("Nguyễn Văn An", AGENCY));
    assert_eq!(officer.trust_set.as_deref(), Some("Chuyên dùng công vụ"));
    assert_eq!((by.in_order, by.whole_document), (Some(true), true));

    let reversed = sign(&sign(&plain(), &house.agency, SIGNED), &house.officer, "2026-11-23T02:45:00Z");
    pinned(&desk.receive(&reversed, RECEIVED), &["TOTAL-PASSED", "TOTAL-PASSED"], Signing::OutOfOrder, &[]);
    pinned(&desk.receive(&plain(), RECEIVED), &[], Signing::Unsigned, &["KHÔNG CÓ CHỮ KÝ"]);
    let officer = sign(&plain(), &house.officer, SIGNED);
    let receipt = desk.receive(&officer, RECEIVED);
    pinned(&receipt, &["TOTAL-PASSED"], Signing::OfficerOnly, &[]);
    assert!(!receipt.is_complete());
    let mut broken = both;
    let at = broken.windows(9).position(|w| w == b"/MediaBox").unwrap() + 13;
    broken[at] ^= 1;
    pinned(
        &desk.receive(&broken, RECEIVED),
        &["HASH_FAILURE", "HASH_FAILURE"],
        Signing::Failed,
        &["KHÔNG HỢP LỆ", "nội dung hoặc chữ ký ĐÃ BỊ THAY ĐỔI", "Cần làm:"],
    );
}

#[test]
fn a_cms_signature_is_validated_like_a_pdf() {
    let house = Hierarchy::new("chuyên dùng");
    let desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    let content = "Phụ lục kèm theo".as_bytes();
    let request = CadesRequest::new(content, at(SIGNED));
    let signed = request.sign(&house.agency).unwrap().into_octets();
    pinned(&desk.receive(&signed, RECEIVED), &["TOTAL-PASSED"], Signing::AgencyOnly, &["HỢP LỆ: 1/1"]);
    // Without its content nothing is decided.
    let detached = CadesRequest::new(content, at(SIGNED)).detached().sign(&house.agency).unwrap().into_octets();
    pinned(&desk.receive(&detached, RECEIVED), &["SIGNED_DATA_NOT_FOUND"], Signing::Undecided, &["Cần làm:"]);
    // What only begins like one is told, and is no reason to stop.
    let receipt = desk.receive(&signed[..signed.len() / 2], RECEIVED);
    assert_eq!(receipt.attachments[0].signing, Signing::Unreadable);
    let told: Vec<&str> = receipt.check.findings.iter().map(kyso::Finding::code).collect();
    assert!(told.contains(&"ATTACHMENT_CMS_UNREADABLE"), "{told:?}");
}

#[test]
fn the_leaf_alone_needs_its_ca_from_elsewhere() {
    let house = Hierarchy::new("chuyên dùng");
    let mut desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    let signed = sign(&plain(), &house.agency, SIGNED);
    pinned(&desk.receive(&signed, RECEIVED), &["TOTAL-PASSED"], Signing::AgencyOnly, &["HỢP LỆ"]);
    desk.intermediates.clear();
    pinned(
        &desk.receive(&signed, RECEIVED),
        &["NO_CERTIFICATE_CHAIN_FOUND"],
        Signing::Undecided,
        &[
            "CHƯA XÁC ĐỊNH ĐƯỢC",
            "chứng thư số không dẫn tới gốc tin cậy nào đã khai báo",
            "Cần làm:           khai báo gốc tin cậy và chứng thư CA trung gian",
        ],
    );
}

#[test]
fn rsa_3072_with_32_kilobytes_of_contents() {
    let house = Hierarchy::new("chuyên dùng");
    let desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    let key = leaf(&house.issuing, &Template::new(&[(CN, AGENCY), (O, AGENCY)]), KeySpec::Rsa3072);
    let document = plain();
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let signed = PadesRequest::new(&pdf, at(SIGNED)).room(30 << 10).sign(&key).unwrap().to_octets().unwrap();
    assert!(signed.len() > document.len() + (60 << 10), "as many hexadecimal digits");
    let receipt = desk.receive(&signed, RECEIVED);
    pinned(&receipt, &["TOTAL-PASSED"], Signing::AgencyOnly, &["HỢP LỆ: 1/1"]);
    assert!(report(&receipt).signatures()[0].algorithm().unwrap().contains("RSA"));
}

#[test]
fn local_time_written_as_utc_is_recognised_and_proves_nothing() {
    let house = Hierarchy::new("chuyên dùng");
    let desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    let signed = sign(&plain(), &house.officer, "2026-11-23T09:30:00Z");
    let receipt = desk.receive(&signed, RECEIVED);
    pinned(&receipt, &["TOTAL-PASSED"], Signing::OfficerOnly, &["có thể do ghi giờ địa phương thành giờ UTC"]);
    let report = report(&receipt);
    let signature = &report.signatures()[0];
    assert_eq!(vietnam::local_time_as_utc(signature, at(RECEIVED)), Some(at(SIGNED)));
    let sheet = ResultSheet::of(signature, report);
    assert_eq!(
        sheet.to_text(),
        "\
Kết quả:                    HỢP LỆ
Người ký:                   Nguyễn Văn An
Tổ chức cấp chứng thư:      CA chuyên dùng
Cơ quan quản lý chứng thư:  Tổ chức cấp
Thời điểm ký:               23/11/2026 16:30:00 +07:00 (do người ký khai, không có dấu thời gian)
Tính toàn vẹn:              dữ liệu đã ký còn nguyên vẹn
Hiệu lực tại thời điểm ký:  chứng thư số có hiệu lực (tính tại 23/11/2026 10:00:00 +07:00, vì không có bằng chứng về thời điểm ký)
Thời hạn chứng thư:         từ 01/01/2026 07:00:00 +07:00 đến 01/01/2031 06:59:59 +07:00
Lưu ý: thời điểm ký được khai muộn hơn thực tế 7 giờ vì giờ Việt Nam bị ghi thành giờ UTC; thời điểm đúng có thể là 23/11/2026 09:30:00 +07:00; thời điểm khai không phải là bằng chứng
"
    );
    // Honest ones have no such remark.
    let receipt = desk.receive(&sign(&plain(), &house.officer, SIGNED), RECEIVED);
    let honest = self::report(&receipt);
    assert_eq!(ResultSheet::of(&honest.signatures()[0], honest).remarks(), <[String; 0]>::default());
}

/// Answers OCSP at the host that exists outside.
struct Responder<'h>(&'h Hierarchy);

impl Fetch for Responder<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        assert_eq!(request.url, "http://ocsp.ca.gov.vn/", "never the internal host");
        let body = request.body.as_deref().unwrap();
        Ok(Response { body: self.0.issuing.ocsp(body, None, at(RECEIVED), at("2026-11-24T00:00:00Z")) })
    }
}

#[test]
fn an_internal_ocsp_host_is_asked_outside() {
    let house = Hierarchy::new("chuyên dùng");
    let mut desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    // Only the root's list is at hand.
    desk.evidence = Evidence::new();
    let list = house.root.crl(at("2026-11-23T00:00:00Z"), at("2026-11-30T00:00:00Z"));
    desk.evidence.add_crl(Crl::from_der(&list).unwrap());
    let mut template = Template::new(&[(CN, AGENCY), (O, AGENCY)]);
    template.ocsp_url = Some("http://ocsp.ca.ptc/".to_owned());
    let signed = sign(&plain(), &leaf(&house.issuing, &template, KeySpec::P256), SIGNED);
    pinned(
        &desk.receive(&signed, RECEIVED),
        &["TRY_LATER"],
        Signing::Undecided,
        &[
            "chưa có thông tin thu hồi của chứng thư số",
            "Cần làm:           lấy thông tin thu hồi (CRL hoặc OCSP) rồi kiểm tra lại; chưa nên chấp nhận",
            "http://ocsp.ca.ptc/",
        ],
    );
    let pdf = Pdf::parse(signed.as_slice(), &Limits::default()).unwrap();
    let door = Remapped::new(Responder(&house), vietnam::addresses().unwrap());
    let gathered = run(desk.validator(at(RECEIVED)).gather(|v| v.pdf(&pdf)), &door).unwrap();
    assert_eq!(gathered.report.signatures()[0].indication().name(), "TOTAL-PASSED");
    assert_eq!(gathered.requests, 1);
}

/// The certificate signed anew with SHA-1, as old ones are.
fn with_sha1(issuer: &PrivateKey, certificate: &Certificate) -> Certificate {
    let sha256 = der::oid("1.2.840.113549.1.1.11");
    let sha1 = der::oid("1.2.840.113549.1.1.5");
    let (_, content, _, _) = der::split(certificate.der());
    let parts = der::children(content);
    let patched = |octets: &[u8]| {
        let at = octets.windows(sha256.len()).position(|w| w == sha256).unwrap();
        [&octets[..at], &sha1, &octets[at + sha1.len()..]].concat()
    };
    let (tbs, algorithm) = (patched(parts[0]), patched(parts[1]));
    let value = issuer.sign(&SignatureAlgorithm::RsaPkcs1v15(DigestAlgorithm::Sha1), ToSign::Octets(&tbs)).unwrap();
    Certificate::from_der(&der::seq(&[&tbs, &algorithm, &der::bits(&value)])).unwrap()
}

#[test]
fn an_old_leaf_with_sha1_is_not_relied_on() {
    let mut house = Hierarchy::new("công cộng");
    house.issuing = house.root.subordinate(Template::ca(&[(CN, "CA cũ")], Some(0)), KeySpec::Rsa2048);
    let desk = Desk::trusting(&[(&house, vietnam::public())]);
    let key = PrivateKey::generate(KeySpec::Rsa2048).unwrap();
    let certificate = house.issuing.certify(&Template::new(&[(CN, AGENCY), (O, AGENCY)]), &key);
    let old = with_sha1(&house.issuing.key, &certificate);
    let key = SoftKey::new(key, SignerIdentity::new(old, Vec::new())).unwrap();
    pinned(
        &desk.receive(&sign(&plain(), &key, SIGNED), RECEIVED),
        &["CRYPTO_CONSTRAINTS_FAILURE"],
        Signing::Undecided,
        &["CHƯA XÁC ĐỊNH ĐƯỢC", "Cần làm:           chưa nên chấp nhận; yêu cầu người ký ký lại đúng quy định"],
    );
}

/// A time-stamping authority that takes two minutes, at a client with less patience or more.
struct Slow<'t> {
    tsa: &'t Tsa,
    patience: Duration,
}

impl Fetch for Slow<'_> {
    fn fetch(&self, request: &Request) -> Result<Response, Error> {
        if self.patience < Duration::from_secs(120) {
            let error = FetchError::new(request.url.as_str(), "no answer in time").because(FetchFault::TooSlow);
            return Err(error.into());
        }
        Ok(Response { body: self.tsa.respond(request.body.as_deref().unwrap(), at("2026-11-23T02:32:00Z")) })
    }
}

#[test]
fn a_time_stamping_authority_of_two_minutes() {
    let house = Hierarchy::new("chuyên dùng");
    let desk = Desk::trusting(&[(&house, vietnam::specialised())]);
    let tsa = Tsa::new(house.root.issue(&Template::tsa(&[(CN, "TSA")]), KeySpec::P256));
    let document = plain();
    let pdf = Pdf::parse(document.as_slice(), &Limits::default()).unwrap();
    let job = || {
        let settings = TimestampSettings::new(vietnam::SPECIALISED_TSA, [7; 8]);
        // Seven hours ahead as well: the time-stamp rules.
        PadesRequest::new(&pdf, at("2026-11-23T09:30:00Z")).sign_timestamped(&house.agency, settings).unwrap()
    };
    let error = run(job(), &Slow { tsa: &tsa, patience: Duration::from_secs(30) }).map(|_| ()).unwrap_err();
    assert!(matches!(&error, Error::Fetch(e) if e.fault() == FetchFault::TooSlow), "{error}");
    let patience = vietnam::SPECIALISED_TSA_PATIENCE;
    let signed = run(job(), &Slow { tsa: &tsa, patience }).unwrap().to_octets().unwrap();
    let receipt = desk.receive(&signed, RECEIVED);
    pinned(&receipt, &["TOTAL-PASSED"], Signing::AgencyOnly, &["dấu thời gian của TSA"]);
    let report = report(&receipt);
    let signature = &report.signatures()[0];
    assert_eq!(signature.best_signature_time(), at("2026-11-23T02:32:00Z"));
    assert_eq!(vietnam::local_time_as_utc(signature, at(RECEIVED)), Some(at(SIGNED)));
    let sheet = ResultSheet::of(signature, report);
    assert_eq!(sheet.lines()[4].value, "23/11/2026 09:32:00 +07:00 (dấu thời gian của TSA)");
}

#[test]
fn each_hierarchy_is_told_by_its_name_and_nothing_else_is_loaded() {
    let (state, public) = (Hierarchy::new("chuyên dùng"), Hierarchy::new("công cộng"));
    let desk = Desk::trusting(&[(&state, vietnam::specialised()), (&public, vietnam::public())]);
    let both = sign(&sign(&plain(), &public.officer, SIGNED), &state.agency, SIGNED);
    let receipt = desk.receive(&both, RECEIVED);
    pinned(
        &receipt,
        &["TOTAL-PASSED", "TOTAL-PASSED"],
        Signing::Complete,
        &["Nguồn tin cậy: \"Chuyên dùng công vụ\", \"Công cộng\""],
    );
    let by = &receipt.attachments[0].signed_by;
    let set = |p: &Option<kyso::exchange::Party>| p.as_ref().unwrap().trust_set.clone().unwrap();
    assert_eq!((set(&by.officer), set(&by.agency)), ("Công cộng".to_owned(), "Chuyên dùng công vụ".to_owned()));

    // A certificate of another fingerprint is refused, and nothing is trusted by default.
    let refused = vietnam::specialised().load(&[state.root.certificate.der()]).unwrap_err();
    assert!(matches!(&refused, Error::Refused(r) if r.reason() == RefusalReason::Fingerprint), "{refused}");
    assert!(refused.to_string().contains("Chuyên dùng công vụ"), "{refused}");
    let sha256 = DigestAlgorithm::Sha256.digest(state.issuing.certificate.der());
    let preset = vietnam::specialised().expecting("CA", &sha256, Use::Intermediate);
    assert!(matches!(preset.load(&[state.issuing.certificate.der()]), Err(Error::Misuse(_))), "no root is among them");
    assert!(vietnam::specialised().empty().anchors().is_empty() && vietnam::public().empty().anchors().is_empty());
}
