//! The sending office: the officer signs, the office seals, the message goes out.

use std::error::Error;

use kyso::Limits;
use kyso::Time;
use kyso::envelope::Date;
use kyso::envelope::Document;
use kyso::envelope::DocumentId;
use kyso::envelope::Enclosure;
use kyso::envelope::Message;
use kyso::envelope::OrganId;
use kyso::envelope::Organization;
use kyso::envelope::Writer;
use kyso::envelope::code;
use kyso::envelope::code::DocumentClass;
use kyso::envelope::model::Code;
use kyso::envelope::model::DocumentType;
use kyso::envelope::model::Promulgation;
use kyso::envelope::model::Signer;
use kyso::envelope::model::TraceHeader;
use kyso::envelope::value::Timestamp;
use kyso::fetch;
use kyso::key::SigningKey;
use kyso::pdf::Appearance;
use kyso::pdf::Pdf;
use kyso::pdf::appearance::Placement;
use kyso::pdf::image::Image;
use kyso::pdf::text::Alignment;
use kyso::pdf::text::Text;
use kyso::revocation::RevocationRules;
use kyso::sign::PreSignCheck;
use kyso::sign::pades::PadesRequest;
use kyso::sign::timestamping::TimestampSettings;

use crate::services::Services;
use crate::services::TSA;

const HANDWRITTEN: &[u8] = include_bytes!("../data/chu-ky.png");
const SEAL: &[u8] = include_bytes!("../data/con-dau.png");

/// The room between "PHÓ CHỦ TỊCH" and the name below it, in points from the lower left corner of the page.
const BLOCK: Block = Block { left: 342.7, bottom: 272.0, width: 165.0, height: 86.0 };
/// How much of the block's height the handwritten signature takes; the text stands below.
const IMAGE_SHARE: f64 = 0.7;

struct Block {
    left: f64,
    bottom: f64,
    width: f64,
    height: f64,
}

/// Trust, revocation and issuers as a validator will judge them, before the key is touched.
pub(crate) fn check_before_signing(key: &dyn SigningKey, services: &Services) -> Result<(), kyso::Error> {
    let rules = RevocationRules::default();
    let check = PreSignCheck::new(key.identity(), &services.trust(), &rules, services.now())?.require_valid();
    fetch::run(check, services).map(|_| ())
}

/// The authorised person: a blue handwritten signature above the name.
pub(crate) fn sign(document: &[u8], key: &dyn SigningKey, services: &Services) -> Result<Vec<u8>, Box<dyn Error>> {
    let pdf = Pdf::parse(document, &Limits::default())?;
    let now = services.now();
    let name = key.identity().certificate().subject().display_name();
    let Block { left, bottom, width, height } = BLOCK;
    let text = Text::new(format!("Ký bởi: {name}\n{}", moment(now))).size(8.0).align(Alignment::Right);
    let image = Image::from_png(HANDWRITTEN, &Limits::default())?;
    let block = Appearance::new(width, height).text(text).image(image, Placement::Above { share: IMAGE_SHARE });
    let request = PadesRequest::new(&pdf, now)
        .field("NguoiKy")
        .reason("Ký ban hành")
        .location("Sông Mây")
        .visible(0, left, bottom, block);
    let signed = fetch::run(request.sign_timestamped(key, timestamp()?)?, services)?;
    Ok(signed.to_octets()?)
}

/// The agency: its red seal in its real size, over the left third of the
/// signature's image (Decree 30/2020/NĐ-CP, Annex I, II.8.a); no text.
pub(crate) fn seal(document: &[u8], key: &dyn SigningKey, services: &Services) -> Result<Vec<u8>, Box<dyn Error>> {
    let pdf = Pdf::parse(document, &Limits::default())?;
    let seal = Image::from_png(SEAL, &Limits::default())?;
    let (width, height) = seal.real_size().ok_or("the image of the seal states no resolution")?;
    let handwritten = Image::from_png(HANDWRITTEN, &Limits::default())?.pixels();
    let image_height = BLOCK.height * IMAGE_SHARE;
    let image_width = (image_height * f64::from(handwritten.0) / f64::from(handwritten.1)).min(BLOCK.width);
    let image_left = BLOCK.left + (BLOCK.width - image_width) / 2.0;
    let (left, middle) = (image_left + image_width / 3.0 - width, BLOCK.bottom + BLOCK.height / 2.0 + 4.0);
    let request = PadesRequest::new(&pdf, services.now())
        .field("CoQuan")
        .reason("Phát hành")
        .location("Sông Mây")
        .visible(0, left, middle - height / 2.0, Appearance::new(width, height).image(seal, Placement::Behind));
    let signed = fetch::run(request.sign_timestamped(key, timestamp()?)?, services)?;
    Ok(signed.to_octets()?)
}

/// The message that carries the document to another agency.
pub(crate) fn envelope(file_name: &str, document: &[u8], now: Time) -> Result<Vec<u8>, Box<dyn Error>> {
    let date = Date::of(now);
    let sender = Organization::new("H99.28.22", "Ủy ban nhân dân xã Sông Mây");
    let receiver = Organization::new("H99.28", "Ủy ban nhân dân huyện Hương Bình");
    let kind = code::document_type_by_name(DocumentClass::Administrative, "Công văn").ok_or("no such document type")?;
    let (number, notation) = ("128", "UBND-VP");
    let mut content = Document::new(
        sender.clone(),
        vec![receiver],
        DocumentId::of(&sender.id, date, number, notation),
        Code::new(number, notation),
        Promulgation::new("Sông Mây", date),
        DocumentType::from(kind),
        "V/v triển khai ký số và gửi, nhận văn bản điện tử",
    );
    content.signer = Some(Signer::new("Phó Chủ tịch", "Nguyễn Thị Ẩn Đổng"));
    content.to_places = vec!["Các ban, ngành, đoàn thể xã Sông Mây".to_owned()];
    content.trace = vec![TraceHeader::new(OrganId::new("H99.28.22"), Timestamp::of(now))];
    let message: Message = content.into();
    let source = document.to_vec();
    Ok(Writer::new(&message).enclose(Enclosure::new(file_name, "application/pdf", &source)).to_vec()?)
}

/// A time-stamp from the demonstration's authority. The nonce keeps old answers from being played back.
fn timestamp() -> Result<TimestampSettings, Box<dyn Error>> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|e| format!("no randomness: {e}"))?;
    Ok(TimestampSettings::new(TSA, nonce))
}

/// `09:30:00 ngày 23/11/2026 (+07:00)`.
fn moment(time: Time) -> String {
    let c = time.civil(420);
    let (h, m, s) = (c.hour, c.minute, c.second);
    format!("{h:02}:{m:02}:{s:02} ngày {:02}/{:02}/{:04} (+07:00)", c.day, c.month, c.year)
}
