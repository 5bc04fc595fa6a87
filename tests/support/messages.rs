//! Messages without a fault, of each kind.
#![allow(unreachable_pub, dead_code, clippy::unwrap_used)]

use kyso::envelope::BusinessKind;
use kyso::envelope::Document;
use kyso::envelope::DocumentId;
use kyso::envelope::Message;
use kyso::envelope::OrganId;
use kyso::envelope::Organization;
use kyso::envelope::Status;
use kyso::envelope::StatusCode;
use kyso::envelope::code;
use kyso::envelope::code::DocumentClass;
use kyso::envelope::code::Priority;
use kyso::envelope::code::ReceiverKind;
use kyso::envelope::code::SteeringType;
use kyso::envelope::model::Business;
use kyso::envelope::model::Code;
use kyso::envelope::model::Fault;
use kyso::envelope::model::OtherInfo;
use kyso::envelope::model::Promulgation;
use kyso::envelope::model::Receiver;
use kyso::envelope::model::Replacement;
use kyso::envelope::model::ResponseFor;
use kyso::envelope::model::Signer;
use kyso::envelope::model::Staff;
use kyso::envelope::model::TraceHeader;
use kyso::envelope::model::UpdateInfo;
use kyso::envelope::value::Coded;
use kyso::envelope::value::Date;
use kyso::envelope::value::Flag;

pub fn ministry() -> Organization {
    let mut from = Organization::new("G14", "Bộ Khoa học và Công nghệ");
    from.in_charge = Some("Chính phủ".into());
    from.address = Some("18 Nguyễn Du, Hà Nội".into());
    from.email = Some("vanthu@example.gov.vn".into());
    from.telephone = Some("0240000000".into());
    from.fax = Some("0240000001".into());
    from.website = Some("https://example.gov.vn/?a=1&b=2".into());
    from
}

pub fn provinces() -> Vec<Organization> {
    vec![
        Organization::new("H14", "UBND tỉnh Cao Bằng"),
        Organization::new("000.00.00.H41", "UBND tỉnh Nghệ An"),
        Organization::unnamed(OrganId::new("0100109106")),
    ]
}

/// The least that a document message says.
pub fn plain() -> Document {
    let date = Date::new(2026, 11, 20).unwrap();
    Document::new(
        ministry(),
        provinces(),
        DocumentId::of(&"G14".into(), date, "2154", "BKHCN-CĐSQG"),
        Code::new("2154", "BKHCN-CĐSQG"),
        Promulgation::new("Hà Nội", date),
        code::document_type(DocumentClass::Administrative, 18).unwrap().into(),
        "V/v liên thông văn bản <điện tử> & \"ký số\"",
    )
}

/// Every field.
pub fn full() -> Document {
    let mut d = plain();
    d.content = Some("Tóm tắt\r\nhai dòng\tvà một khoảng".into());
    let mut signer = Signer::new("Thứ trưởng", "Nguyễn Văn A");
    signer.competence = Some("KT. BỘ TRƯỞNG".into());
    d.signer = Some(signer);
    d.due_date = Some(Coded::Known(Date::new(2026, 12, 31).unwrap()));
    let mut other = OtherInfo::default();
    other.priority = Some(Coded::Known(Priority::VeryUrgent));
    other.sphere = Some("Lưu hành nội bộ".into());
    other.typer = Some("TVC".into());
    other.copies = Some(Coded::Known(2));
    other.pages = Some(Coded::Known(65_535));
    other.direction = Some(Coded::Known(true));
    other.appendixes = vec!["Phụ lục I".into(), "Phụ lục II".into()];
    d.other = Some(other);
    let mut answered = ResponseFor::default();
    answered.organ = Some("H14".into());
    answered.code = Some("12/UBND-VX".into());
    answered.document_id = Some("9fbfbad2-f1f8-4256-a2eb-50fb1061cddb".into());
    answered.date = Some(Coded::Known(Date::new(2026, 10, 1).unwrap()));
    d.response_for = vec![answered, ResponseFor::to_document(&plain(), "H14".into())];
    d.steering_type = Some(Coded::Known(SteeringType::Directive));
    d.tasks = vec!["NV-01".into(), "NV-02".into()];
    d.application_type = Some("1".into());
    d.to_places = vec!["Như trên".into(), "Lưu: VT, CĐSQG".into()];
    d.trace = vec![
        TraceHeader::new("G14", "2026/11/20 08:30:00".parse().unwrap()),
        TraceHeader::new("000.00.00.H41", "2026/11/20 08:30:59".parse().unwrap()),
    ];
    d.errors = vec![Fault::new("M.Subject", "quá dài")];
    let mut business = business(BusinessKind::New);
    business.paper = Some(Coded::Known(Flag(true)));
    business.document_id = Some(d.document_id.clone());
    d.business = Some(business);
    d
}

fn business(kind: BusinessKind) -> Business {
    let mut business = Business::new(kind);
    business.reason = Some("Sai thể thức".into());
    let mut staff = Staff::default();
    staff.department = Some("Văn thư".into());
    staff.name = Some("Trần Thị B".into());
    staff.email = Some("b@example.gov.vn".into());
    staff.mobile = Some("84900000000".into());
    business.staff = Some(staff);
    business
}

pub fn recall() -> Document {
    let mut d = plain();
    d.response_for = vec![ResponseFor::to_document(&plain(), "G14".into())];
    d.business = Some(business(BusinessKind::Recall));
    d
}

pub fn update() -> Document {
    let mut d = plain();
    let mut update = UpdateInfo::default();
    update.document = Some(Coded::Known(Flag(true)));
    update.receiver = Some(Coded::Known(Flag(false)));
    update.receivers = vec![Receiver::new("H14", ReceiverKind::Zero), Receiver::new("H41", ReceiverKind::One)];
    let mut business = business(BusinessKind::Update);
    business.update = Some(update);
    d.business = Some(business);
    d
}

pub fn replacement() -> Document {
    let mut d = plain();
    let mut business = business(BusinessKind::Replacement);
    business.replaces = vec![
        Replacement::new("G14,2026/01/05,12/BKHCN-CĐSQG", vec!["H14".into(), "H41".into()]),
        Replacement::new("G14,2026/01/06,13/BKHCN-CĐSQG", Vec::new()),
    ];
    d.business = Some(business);
    d
}

pub fn status(code: StatusCode) -> Status {
    let from = Organization::new("H14", "UBND tỉnh Cao Bằng");
    let response = ResponseFor::to_document(&plain(), "G14".into());
    let mut s = Status::new(from, response, code, "2026/11/21 14:05:09".parse().unwrap());
    s.description = Some("Văn thư đã xử lý".into());
    let mut staff = Staff::default();
    staff.name = Some("Lê Văn C".into());
    s.staff = Some(staff);
    s
}

/// Each kind by name, with the number of attachments that it is written with.
pub fn all() -> Vec<(&'static str, Message, usize)> {
    let mut all: Vec<(&'static str, Message, usize)> = vec![
        ("new", plain().into(), 1),
        ("new", full().into(), 3),
        ("recall", recall().into(), 0),
        ("update", update().into(), 0),
        ("update", update().into(), 1),
        ("replacement", replacement().into(), 2),
    ];
    all.extend(StatusCode::ALL.iter().map(|code| ("status", status(*code).into(), 0)));
    all
}
