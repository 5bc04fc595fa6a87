//! From the tree to the model. The numbers are those of QCVN 102:2016/BTTTT.

use std::collections::BTreeSet;
use std::str::FromStr;

use crate::envelope::code::BusinessKind;
use crate::envelope::code::StatusCode;
use crate::envelope::code::document_type;
use crate::envelope::code::folded;
use crate::envelope::fields::At;
use crate::envelope::fields::Fields;
use crate::envelope::fields::Form;
use crate::envelope::fields::Remarks;
use crate::envelope::fields::rule;
use crate::envelope::identifier::DocumentId;
use crate::envelope::identifier::DocumentIdForm;
use crate::envelope::identifier::OrganId;
use crate::envelope::model::Business;
use crate::envelope::model::Code;
use crate::envelope::model::Declared;
use crate::envelope::model::Document;
use crate::envelope::model::DocumentType;
use crate::envelope::model::Fault;
use crate::envelope::model::Message;
use crate::envelope::model::Organization;
use crate::envelope::model::OtherInfo;
use crate::envelope::model::Promulgation;
use crate::envelope::model::Receiver;
use crate::envelope::model::Replacement;
use crate::envelope::model::ResponseFor;
use crate::envelope::model::Signer;
use crate::envelope::model::Staff;
use crate::envelope::model::Status;
use crate::envelope::model::TraceHeader;
use crate::envelope::model::UpdateInfo;
use crate::envelope::value::Coded;
use crate::envelope::value::Flag;
use crate::envelope::value::quoted;
use crate::finding::Severity;

/// What the children of the header say, found before their content is read.
pub(super) struct Header<'t, 'p> {
    pub(super) message: At<'t, 'p>,
    pub(super) trace: Option<At<'t, 'p>>,
    pub(super) errors: Vec<At<'t, 'p>>,
}

const ORGANIZATION: &[&str] =
    &["OrganId", "OrganizationInCharge", "OrganName", "OrganAdd", "Email", "Telephone", "Fax", "Website"];
const DOCUMENT: &[&str] = &[
    "From",
    "To",
    "DocumentId",
    "Code",
    "PromulgationInfo",
    "DocumentType",
    "Subject",
    "Content",
    "SignerInfo",
    "DueDate",
    "OtherInfo",
    "ResponseFor",
    "SteeringType",
    "ResponseForTask",
    "ApplicationType",
    "ToPlaces",
    "ErrorList",
];
const STATUS: &[&str] = &["From", "ResponseFor", "StaffInfo", "StatusCode", "Description", "Timestamp", "ErrorList"];

pub(super) fn message<'t>(to: &mut Remarks<'t>, header: &Header<'t, '_>) -> Message {
    let has = |name: &str| to.tree.children(header.message.element).any(|e| *e.local == *name);
    let is_status = has("StatusCode") || (has("ResponseFor") && !has("To") && !has("Subject"));
    to.prefix(&header.message, super::fields::PREFIX);
    if is_status { status(to, header).into() } else { document(to, header).into() }
}

fn document<'t>(to: &mut Remarks<'t>, header: &Header<'t, '_>) -> Document {
    let f = to.fields(&header.message, DOCUMENT);
    let from = f.needed(to, "From", "1.1", Severity::Error);
    let from = from.map_or_else(|| Organization::unnamed(OrganId::default()), |at| organization(to, &at, "1.1"));
    let receivers = f.all("To");
    if receivers.is_empty() {
        to.error("ELEMENT_MISSING", f.at(), "To (1.2) is missing");
    }
    let receivers = receivers_once(to, &receivers);
    let document_id = f.needed(to, "DocumentId", "1.14", Severity::Error);
    let id_at = document_id.unwrap_or(header.message);
    let document_id = document_id.and_then(|at| to.document_id(&at, "1.14")).unwrap_or_default();
    let code = f.needed(to, "Code", "1.3", Severity::Error).map_or_else(
        || Code::new("", ""),
        |at| {
            let c = to.fields(&at, &["CodeNumber", "CodeNotation"]);
            Code {
                number: c.needed_text(to, "CodeNumber", rule("1.3", 11)),
                notation: c.needed_text(to, "CodeNotation", rule("1.3", 30)),
            }
        },
    );
    let promulgation = promulgation(to, &f);
    let document_type = f.needed(to, "DocumentType", "1.5", Severity::Error).map_or_else(
        || DocumentType { class: Coded::Other(String::new()), number: None, name: None },
        |at| type_of_document(to, &at),
    );
    let mut document = Document::new(
        from,
        receivers,
        document_id,
        code,
        promulgation,
        document_type,
        f.needed_text(to, "Subject", rule("1.6", 500)),
    );
    document.content = f.text(to, "Content", rule("1.7", 500));
    document.signer = f.one(to, "SignerInfo").map(|at| {
        let s = to.fields(&at, &["Competence", "Position", "FullName"]);
        Signer {
            competence: s.text(to, "Competence", rule("1.8", 100)),
            position: s.text(to, "Position", rule("1.8", 100)),
            full_name: s.text(to, "FullName", rule("1.8", 50)),
        }
    });
    document.due_date = f.one(to, "DueDate").and_then(|at| to.date(&at, "1.9", Severity::Warning));
    document.other = f.one(to, "OtherInfo").map(|at| other_info(to, &at));
    document.response_for = f.all("ResponseFor").iter().filter_map(|at| response_for(to, at, false)).collect();
    let form = Form { expected: "0 or 1", severity: Severity::Warning, lenient: |_| None };
    document.steering_type = f.one(to, "SteeringType").and_then(|at| to.coded(&at, rule("1.13", 0), &form));
    document.tasks = list(to, &f, "ResponseForTask", "TaskCode", 0);
    document.application_type = f.text(to, "ApplicationType", rule("ApplicationType", 0));
    document.to_places = list(to, &f, "ToPlaces", "Place", 150);
    document.errors = faults(to, &f, header);
    if let Some(trace) = &header.trace {
        to.prefix(trace, super::fields::PREFIX);
        let t = to.fields(trace, &["TraceHeader", "Bussiness"]);
        document.trace = t.all("TraceHeader").iter().map(|at| trace_header(to, at)).collect();
        document.business = t.one(to, "Bussiness").map(|at| business(to, &at));
    }
    agreement(to, &id_at, &document);
    document
}

fn status<'t>(to: &mut Remarks<'t>, header: &Header<'t, '_>) -> Status {
    let f = to.fields(&header.message, STATUS);
    if let Some(trace) = &header.trace {
        to.unknown(trace);
    }
    let from = f.needed(to, "From", "status", Severity::Error);
    let from = from.map_or_else(|| Organization::unnamed(OrganId::default()), |at| organization(to, &at, "status"));
    let response_for = f
        .needed(to, "ResponseFor", "status", Severity::Error)
        .and_then(|at| response_for(to, &at, true))
        .unwrap_or_default();
    let staff = f.one(to, "StaffInfo").map(|at| staff_info(to, &at));
    let form = Form {
        expected: "01 to 06, 13, 15 or 16",
        severity: Severity::Error,
        lenient: |text| format!("0{text}").parse::<StatusCode>().ok(),
    };
    let code_at = f.needed(to, "StatusCode", "status", Severity::Error);
    let code = code_at.and_then(|at| to.coded(&at, rule("StatusCode", 0).needed(), &form));
    let description = f.text(to, "Description", rule("status", 500));
    if let (Some(Coded::Known(code)), Some(at), None) = (&code, &code_at, &description)
        && matches!(code, StatusCode::Refused | StatusCode::TakeBack | StatusCode::Declined)
    {
        to.warn("REASON_MISSING", at, format!("status {code} ({}) demands a reason in Description", code.name_en()));
    }
    let timestamp = f.needed(to, "Timestamp", "status", Severity::Error);
    let timestamp = timestamp.and_then(|at| to.timestamp(&at, "status"));
    let nothing = || String::new();
    Status {
        from,
        response_for,
        code: code.unwrap_or_else(|| Coded::Other(nothing())),
        timestamp: timestamp.unwrap_or_else(|| Coded::Other(nothing())),
        description,
        staff,
        errors: faults(to, &f, header),
    }
}

fn organization<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>, number: &'static str) -> Organization {
    to.prefix(at, super::fields::PREFIX);
    let f = to.fields(at, ORGANIZATION);
    let id = f.needed(to, "OrganId", number, Severity::Error);
    Organization {
        id: id.and_then(|at| to.organ_id(&at, number)).unwrap_or_default(),
        in_charge: f.text(to, "OrganizationInCharge", rule(number, 200)),
        name: f.text(to, "OrganName", rule(number, 200)),
        address: f.text(to, "OrganAdd", rule(number, 250)),
        email: f.text(to, "Email", rule(number, 100)),
        telephone: f.text(to, "Telephone", rule(number, 20)),
        fax: f.text(to, "Fax", rule(number, 20)),
        website: f.text(to, "Website", rule(number, 100)),
    }
}

/// The receivers, of which none may stand twice.
fn receivers_once<'t>(to: &mut Remarks<'t>, receivers: &[At<'t, '_>]) -> Vec<Organization> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for at in receivers {
        let receiver = organization(to, at, "1.2");
        if !receiver.id.as_str().is_empty() && !seen.insert(receiver.id.clone()) {
            let message = format!("the receiver {} (1.2) stands twice", receiver.id);
            to.error("ORGAN_ID_REPEATED", at, message);
        }
        all.push(receiver);
    }
    all
}

fn promulgation<'t>(to: &mut Remarks<'t>, f: &Fields<'t, '_>) -> Promulgation {
    let nothing = Promulgation { place: None, date: Coded::Other(String::new()) };
    let Some(at) = f.needed(to, "PromulgationInfo", "1.4", Severity::Error) else { return nothing };
    let p = to.fields(&at, &["Place", "PromulgationDate"]);
    let place = p.needed(to, "Place", "1.4", Severity::Warning).and_then(|at| to.value(&at, rule("1.4", 50)));
    let date = p.needed(to, "PromulgationDate", "1.4", Severity::Error);
    match date.and_then(|at| to.date(&at, "1.4", Severity::Error)) {
        Some(date) => Promulgation { place, date },
        None => Promulgation { place, ..nothing },
    }
}

fn type_of_document<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> DocumentType {
    let f = to.fields(at, &["Type", "TypeDetail", "TypeName"]);
    let form = Form { expected: "1 or 2", severity: Severity::Warning, lenient: |_| None };
    let class = f.needed(to, "Type", "1.5", Severity::Error);
    let class = class.and_then(|at| to.coded(&at, rule("1.5", 0).needed(), &form));
    let detail = f.needed(to, "TypeDetail", "1.5", Severity::Warning);
    let number = detail.and_then(|at| to.coded(&at, rule("1.5", 0), &small_number()));
    let name = f.needed(to, "TypeName", "1.5", Severity::Warning);
    let name = name.and_then(|at| to.value(&at, rule("1.5", 100)));
    if let (Some(Coded::Known(class)), Some(Coded::Known(number)), Some(place)) = (&class, &number, &detail) {
        match (document_type(*class, *number), &name) {
            (None, _) => {
                let message = format!("the list of {}s (1.5) has no number {number}", class.name_en());
                to.warn("DOCUMENT_TYPE_UNLISTED", place, message);
            }
            // "Quyết định" stands for "Quyết định (cá biệt)".
            (Some(entry), Some(name)) if !folded(entry.vi).starts_with(&folded(name)) => {
                let message = format!("number {number} of the list (1.5) is {:?}, not {}", entry.vi, quoted(name));
                to.warn("DOCUMENT_TYPE_NAME", place, message);
            }
            _ => {}
        }
    }
    DocumentType { class: class.unwrap_or_else(|| Coded::Other(String::new())), number, name }
}

fn small_number() -> Form<u16> {
    Form { expected: "a number from 0 to 65535", severity: Severity::Warning, lenient: |_| None }
}

fn flag() -> Form<Flag> {
    Form { expected: "0 or 1", severity: Severity::Warning, lenient: |text| truth(text).map(Flag) }
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn coded<'t, T: FromStr>(
    to: &mut Remarks<'t>,
    f: &Fields<'t, '_>,
    name: &str,
    number: &'static str,
    form: &Form<T>,
) -> Option<Coded<T>> {
    let at = f.one(to, name)?;
    to.coded(&at, rule(number, 0), form)
}

fn other_info<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> OtherInfo {
    const NAMES: &[&str] = &[
        "Priority",
        "SphereOfPromulgation",
        "TyperNotation",
        "PromulgationAmount",
        "PageAmount",
        "Direction",
        "Appendixes",
    ];
    let f = to.fields(at, NAMES);
    let priority = Form { expected: "0 to 4", severity: Severity::Warning, lenient: |_| None };
    let direction = Form { expected: "true or false", severity: Severity::Warning, lenient: truth };
    OtherInfo {
        priority: coded(to, &f, "Priority", "1.11", &priority),
        sphere: f.text(to, "SphereOfPromulgation", rule("1.11", 100)),
        typer: f.text(to, "TyperNotation", rule("1.11", 10)),
        copies: coded(to, &f, "PromulgationAmount", "1.11", &small_number()),
        pages: coded(to, &f, "PageAmount", "1.11", &small_number()),
        direction: coded(to, &f, "Direction", "1.11", &direction),
        appendixes: list(to, &f, "Appendixes", "Appendix", 250),
    }
}

/// A list element with one kind of child.
fn list<'t>(
    to: &mut Remarks<'t>,
    f: &Fields<'t, '_>,
    name: &'static str,
    item: &'static str,
    longest: usize,
) -> Vec<String> {
    let names: &'static [&'static str] = match item {
        "Appendix" => &["Appendix"],
        "Place" => &["Place"],
        _ => &["TaskCode"],
    };
    let Some(at) = f.one(to, name) else { return Vec::new() };
    to.items(&at, names, name).iter().filter_map(|at| to.value(at, rule(name, longest))).collect()
}

/// A reference to a document; `None` where it is empty, as some kits write it.
fn response_for<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>, status: bool) -> Option<ResponseFor> {
    let number = if status { "status" } else { "1.12" };
    let has_text = |e| to.tree.children(e).any(|child| !child.text.trim().is_empty());
    if !has_text(at.element) {
        let severity = if status { Severity::Error } else { Severity::Warning };
        to.tell(severity, "VALUE_EMPTY", at, format!("the field ({number}) is there and empty"));
        return None;
    }
    let f = to.fields(at, &["OrganId", "Code", "DocumentId", "PromulgationDate"]);
    let severity = if status { Severity::Error } else { Severity::Warning };
    let organ = f.needed(to, "OrganId", number, severity);
    let organ = organ.and_then(|at| to.organ_id(&at, number));
    let code = f.needed(to, "Code", number, Severity::Warning);
    let code = code.and_then(|at| to.value(&at, rule(number, 42)));
    let document_id = f.needed(to, "DocumentId", number, severity);
    let document_id = document_id.and_then(|at| to.document_id(&at, number));
    let date = f.needed(to, "PromulgationDate", number, Severity::Warning);
    let date = date.and_then(|at| to.date(&at, number, Severity::Warning));
    Some(ResponseFor { organ, code, document_id, date })
}

fn staff_info<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> Staff {
    let f = to.fields(at, &["Department", "Staff", "Email", "Mobile"]);
    Staff {
        department: f.text(to, "Department", rule("2.2.5", 0)),
        name: f.text(to, "Staff", rule("2.2.5", 0)),
        email: f.text(to, "Email", rule("2.2.5", 100)),
        mobile: f.text(to, "Mobile", rule("2.2.5", 20)),
    }
}

fn trace_header<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> TraceHeader {
    let f = to.fields(at, &["OrganId", "Timestamp"]);
    let organ = f.needed(to, "OrganId", "2.1", Severity::Warning);
    let timestamp = f.needed(to, "Timestamp", "2.1", Severity::Warning);
    TraceHeader {
        organ: organ.and_then(|at| to.organ_id(&at, "2.1")),
        timestamp: timestamp.and_then(|at| to.timestamp(&at, "2.1")),
    }
}

fn business<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> Business {
    const NAMES: &[&str] = &[
        "DocumentId",
        "BussinessDocType",
        "BussinessDocReason",
        "Paper",
        "BussinessDocumentInfo",
        "ReplacementInfoList",
        "StaffInfo",
    ];
    let f = to.fields(at, NAMES);
    let form = Form { expected: "0, 1, 2 or 3", severity: Severity::Error, lenient: |_| None };
    let kind = f.needed(to, "BussinessDocType", "2.2.1", Severity::Error);
    let kind = kind.and_then(|at| to.coded(&at, rule("2.2.1", 0).needed(), &form));
    let business = Business {
        kind: kind.unwrap_or_else(|| Coded::Other(String::new())),
        reason: f.text(to, "BussinessDocReason", rule("2.2.2", 500)),
        document_id: f.one(to, "DocumentId").and_then(|at| to.document_id(&at, "2.2.4")),
        paper: coded(to, &f, "Paper", "2.2", &flag()),
        update: f.one(to, "BussinessDocumentInfo").map(|at| update_info(to, &at)),
        replaces: f.one(to, "ReplacementInfoList").map(|at| replacements(to, &at)).unwrap_or_default(),
        staff: f.one(to, "StaffInfo").map(|at| staff_info(to, &at)),
    };
    let Some(kind) = business.kind.known().copied() else { return business };
    let name = kind.name_en();
    if kind != BusinessKind::New && business.reason.is_none() {
        to.warn("REASON_MISSING", at, format!("the {name} gives no reason (2.2.2)"));
    }
    if kind == BusinessKind::Update && business.update.is_none() {
        to.warn("BUSINESS_INCOMPLETE", at, "the update does not say what it changes (2.2.3)");
    }
    if kind == BusinessKind::Replacement && business.replaces.is_empty() {
        to.error("BUSINESS_INCOMPLETE", at, "the replacement does not say what it replaces (2.2.8)");
    }
    if kind != BusinessKind::Update && business.update.is_some() {
        to.warn(
            "BUSINESS_UNEXPECTED",
            at,
            format!("BussinessDocumentInfo (2.2.3) belongs to an update, this is a {name}"),
        );
    }
    if kind != BusinessKind::Replacement && !business.replaces.is_empty() {
        let message = format!("ReplacementInfoList (2.2.8) belongs to a replacement, this is a {name}");
        to.warn("BUSINESS_UNEXPECTED", at, message);
    }
    business
}

fn update_info<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> UpdateInfo {
    let f = to.fields(at, &["DocumentInfo", "DocumentReceiver", "ReceiverList"]);
    let receivers = f.one(to, "ReceiverList").map(|at| {
        let kind = Form { expected: "0 or 1", severity: Severity::Warning, lenient: |_| None };
        let all = to.items(&at, &["Receiver"], "2.2.3");
        let each = all.iter().map(|at| {
            let r = to.fields(at, &["OrganId", "ReceiverType"]);
            let organ = r.needed(to, "OrganId", "2.2.3", Severity::Error);
            Receiver {
                organ: organ.and_then(|at| to.organ_id(&at, "2.2.3")).unwrap_or_default(),
                kind: coded(to, &r, "ReceiverType", "2.2.3", &kind),
            }
        });
        each.collect()
    });
    UpdateInfo {
        document: coded(to, &f, "DocumentInfo", "2.2.3", &flag()),
        receiver: coded(to, &f, "DocumentReceiver", "2.2.3", &flag()),
        receivers: receivers.unwrap_or_default(),
    }
}

fn replacements<'t>(to: &mut Remarks<'t>, at: &At<'t, '_>) -> Vec<Replacement> {
    let all = to.fields(at, &["ReplacementInfo"]).all("ReplacementInfo");
    let mut seen: BTreeSet<DocumentId> = BTreeSet::new();
    let mut replaces = Vec::new();
    for at in &all {
        let f = to.fields(at, &["DocumentId", "OrganIdList"]);
        let document_id = f.needed(to, "DocumentId", "2.2.8", Severity::Error);
        let document_id = document_id.and_then(|at| to.document_id(&at, "2.2.8")).unwrap_or_default();
        let organs = f.one(to, "OrganIdList").map(|at| {
            let all = to.items(&at, &["OrganId"], "2.2.8");
            all.iter().filter_map(|at| to.organ_id(at, "2.2.8")).collect()
        });
        if !document_id.as_str().is_empty() && !seen.insert(document_id.clone()) {
            to.warn("REPLACEMENT_REPEATED", at, format!("{document_id} is replaced twice (2.2.8)"));
        }
        replaces.push(Replacement { document_id, organs: organs.unwrap_or_default() });
    }
    replaces
}

/// `ErrorList` stands in the header or in the message header, as each system has it.
fn faults<'t>(to: &mut Remarks<'t>, f: &Fields<'t, '_>, header: &Header<'t, '_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let [_, second, ..] = header.errors.as_slice() {
        to.warn("ELEMENT_REPEATED", second, "ErrorList may stand once; the faults of each are taken");
    }
    for list in f.all("ErrorList").iter().chain(&header.errors) {
        for at in &to.items(list, &["Error"], "ErrorList") {
            let e = to.fields(at, &["Code", "Description"]);
            faults.push(Fault {
                code: e.text(to, "Code", rule("ErrorList", 0)),
                description: e.text(to, "Description", rule("ErrorList", 0)),
            });
        }
    }
    faults
}

/// An identifier of the convention repeats date, number and symbol of the document.
fn agreement(to: &mut Remarks<'_>, at: &At<'_, '_>, document: &Document) {
    let DocumentIdForm::Convention { date, code, .. } = document.document_id.form() else { return };
    let own = format!("{}/{}", document.code.number, document.code.notation);
    if code != own {
        let message = format!("DocumentId (1.14) says {}, Code (1.3) says {}", quoted(code), quoted(&own));
        to.warn("DOCUMENT_ID_MISMATCH", at, message);
    }
    if let (Some(date), Some(own)) = (date, document.promulgation.date.known())
        && date != *own
    {
        let message = format!("DocumentId (1.14) says {date}, PromulgationDate (1.4) says {own}");
        to.warn("DOCUMENT_ID_MISMATCH", at, message);
    }
}

/// What a manifest entry or an attachment declares.
pub(super) fn declared<'t>(to: &mut Remarks<'t>, f: &Fields<'t, '_>) -> Declared {
    Declared {
        content_id: f.needed_text(to, "ContentId", rule("manifest", 0)),
        name: f
            .needed(to, "AttachmentName", "manifest", Severity::Warning)
            .and_then(|at| to.value(&at, rule("manifest", 200))),
        content_type: f
            .needed(to, "ContentType", "manifest", Severity::Warning)
            .and_then(|at| to.value(&at, rule("manifest", 0))),
        description: f.text(to, "Description", rule("manifest", 0)),
    }
}
