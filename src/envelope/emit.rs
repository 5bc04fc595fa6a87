//! From the model to text: the prefixes and the order of the national kit.
//!
//! Nothing is judged here but what no XML can hold, or what would not come back
//! as it went in; the reader judges what was written.

use std::fmt;
use std::fmt::Write;
use std::str::FromStr;

use crate::envelope::fields::NAMESPACE;
use crate::envelope::fields::PREFIX;
use crate::envelope::model::Business;
use crate::envelope::model::Declared;
use crate::envelope::model::Document;
use crate::envelope::model::Fault;
use crate::envelope::model::Message;
use crate::envelope::model::Organization;
use crate::envelope::model::OtherInfo;
use crate::envelope::model::Replacement;
use crate::envelope::model::ResponseFor;
use crate::envelope::model::Staff;
use crate::envelope::model::Status;
use crate::envelope::model::TraceHeader;
use crate::envelope::model::UpdateInfo;
use crate::envelope::value::Coded;
use crate::envelope::value::quoted;
use crate::finding::Finding;
use crate::xml::is_char;

/// A message but for the payloads of its attachments: each stands between two pieces.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) pieces: Vec<String>,
    /// What cannot be written at all.
    pub(super) findings: Vec<Finding>,
}

impl Text {
    /// The message with these attachments, in the order of the manifest.
    pub(super) fn of(message: &Message, attachments: &[Declared]) -> Self {
        let mut to = Emitter { prefix: "", ..Emitter::default() };
        to.text.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        to.inside_with("edXML", 0, &format!(" xmlns=\"{NAMESPACE}\""), |to| {
            to.prefix = PREFIX;
            to.inside_with("edXMLEnvelope", 0, &declaration(), |to| {
                to.inside("edXMLHeader", |to| header(to, message));
                // Status messages have no body; document messages have one, if only to list nothing.
                if message.document().is_some() || !attachments.is_empty() {
                    to.inside("edXMLBody", |to| manifest(to, attachments));
                }
            });
            to.prefix = "";
            if !attachments.is_empty() {
                to.inside("AttachmentEncoded", |to| {
                    to.each("Attachment", attachments, attachment);
                });
            }
        });
        to.text.push('\n');
        to.pieces.push(to.text);
        Self { pieces: to.pieces, findings: to.findings }
    }
}

fn declaration() -> String {
    format!(" xmlns:{PREFIX}=\"{NAMESPACE}\"")
}

#[derive(Default)]
struct Emitter {
    pieces: Vec<String>,
    text: String,
    prefix: &'static str,
    /// The elements that are open, with their number where there may be several.
    path: Vec<(&'static str, usize)>,
    findings: Vec<Finding>,
}

impl Emitter {
    fn start(&mut self, name: &'static str, number: usize, attributes: &str) {
        self.line();
        self.text.push('<');
        self.name(name);
        self.text.push_str(attributes);
        self.text.push('>');
        self.path.push((name, number));
    }

    fn end(&mut self, name: &'static str) {
        self.path.pop();
        self.text.push_str("</");
        self.name(name);
        self.text.push('>');
    }

    fn line(&mut self) {
        self.text.push('\n');
        self.path.iter().for_each(|_| self.text.push_str("  "));
    }

    fn name(&mut self, name: &str) {
        if !self.prefix.is_empty() {
            self.text.push_str(self.prefix);
            self.text.push(':');
        }
        self.text.push_str(name);
    }

    fn inside(&mut self, name: &'static str, content: impl FnOnce(&mut Self)) {
        self.inside_with(name, 0, "", content);
    }

    fn inside_with(&mut self, name: &'static str, number: usize, attributes: &str, content: impl FnOnce(&mut Self)) {
        self.start(name, number, attributes);
        content(self);
        // The path is one shorter at the end tag than within.
        let depth = self.path.len().saturating_sub(1);
        self.text.push('\n');
        (0..depth).for_each(|_| self.text.push_str("  "));
        self.end(name);
    }

    fn each<T>(&mut self, name: &'static str, all: &[T], content: impl Fn(&mut Self, &T)) {
        for (i, item) in all.iter().enumerate() {
            self.inside_with(name, i + 1, "", |to| content(to, item));
        }
    }

    /// A list element with its items, left out where there are none.
    fn list<T: fmt::Display>(&mut self, name: &'static str, item: &'static str, all: &[T]) {
        if !all.is_empty() {
            self.inside(name, |to| {
                for (i, value) in all.iter().enumerate() {
                    to.numbered(item, i + 1, value);
                }
            });
        }
    }

    fn leaf(&mut self, name: &'static str, value: impl fmt::Display) {
        self.numbered(name, 0, value);
    }

    fn numbered(&mut self, name: &'static str, number: usize, value: impl fmt::Display) {
        self.start(name, number, "");
        self.escaped(&value.to_string());
        self.end(name);
    }

    fn option<T: fmt::Display>(&mut self, name: &'static str, value: Option<&T>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    /// A value of a closed form.
    fn coded<T: fmt::Display + FromStr>(&mut self, name: &'static str, value: &Coded<T>) {
        self.start(name, 0, "");
        let text = value.to_string();
        // Both say the same in a message, so that the reader could not give back this one.
        if value.known().is_none() && text.parse::<T>().is_ok() {
            self.remark("VALUE_FORM", format!("{} is a known value, stated as an unknown one", quoted(&text)));
        }
        self.escaped(&text);
        self.end(name);
    }

    fn option_coded<T: fmt::Display + FromStr>(&mut self, name: &'static str, value: Option<&Coded<T>>) {
        if let Some(value) = value {
            self.coded(name, value);
        }
    }

    fn escaped(&mut self, value: &str) {
        for c in value.chars() {
            match c {
                '&' => self.text.push_str("&amp;"),
                '<' => self.text.push_str("&lt;"),
                '>' => self.text.push_str("&gt;"),
                // A bare one would come back as a line feed.
                '\r' => self.text.push_str("&#13;"),
                c if is_char(c) => self.text.push(c),
                c => self.remark("TEXT_CHARACTER", format!("U+{:04X} cannot stand in XML", u32::from(c))),
            }
        }
    }

    fn remark(&mut self, code: &'static str, message: String) {
        let mut place = String::new();
        for (name, number) in &self.path {
            let _ = write!(place, "/{name}");
            if *number > 0 {
                let _ = write!(place, "[{number}]");
            }
        }
        self.findings.push(Finding::error(code, message).at(place));
    }
}

fn header(to: &mut Emitter, message: &Message) {
    match message {
        Message::Document(d) => {
            to.inside("MessageHeader", |to| document(to, d));
            if d.business.is_some() || !d.trace.is_empty() {
                to.inside("TraceHeaderList", |to| {
                    if let Some(b) = &d.business {
                        to.inside("Bussiness", |to| business(to, b));
                    }
                    to.each("TraceHeader", &d.trace, trace_header);
                });
            }
            faults(to, &d.errors);
        }
        Message::Status(s) => {
            to.inside("MessageHeader", |to| status(to, s));
            faults(to, &s.errors);
        }
    }
}

fn document(to: &mut Emitter, d: &Document) {
    to.inside("From", |to| organization(to, &d.from));
    to.each("To", &d.to, organization);
    to.leaf("DocumentId", &d.document_id);
    to.inside("Code", |to| {
        to.leaf("CodeNumber", &d.code.number);
        to.leaf("CodeNotation", &d.code.notation);
    });
    to.inside("PromulgationInfo", |to| {
        to.option("Place", d.promulgation.place.as_ref());
        to.coded("PromulgationDate", &d.promulgation.date);
    });
    to.inside("DocumentType", |to| {
        to.coded("Type", &d.document_type.class);
        to.option_coded("TypeDetail", d.document_type.number.as_ref());
        to.option("TypeName", d.document_type.name.as_ref());
    });
    to.leaf("Subject", &d.subject);
    to.option("Content", d.content.as_ref());
    if let Some(signer) = &d.signer {
        to.inside("SignerInfo", |to| {
            to.option("Competence", signer.competence.as_ref());
            to.option("Position", signer.position.as_ref());
            to.option("FullName", signer.full_name.as_ref());
        });
    }
    to.option_coded("DueDate", d.due_date.as_ref());
    if let Some(other) = &d.other {
        to.inside("OtherInfo", |to| other_info(to, other));
    }
    to.each("ResponseFor", &d.response_for, response_for);
    to.option_coded("SteeringType", d.steering_type.as_ref());
    to.list("ResponseForTask", "TaskCode", &d.tasks);
    to.option("ApplicationType", d.application_type.as_ref());
    to.list("ToPlaces", "Place", &d.to_places);
}

fn status(to: &mut Emitter, s: &Status) {
    to.inside("From", |to| organization(to, &s.from));
    to.inside("ResponseFor", |to| response_for(to, &s.response_for));
    if let Some(s) = &s.staff {
        to.inside("StaffInfo", |to| staff(to, s));
    }
    to.coded("StatusCode", &s.code);
    to.option("Description", s.description.as_ref());
    to.coded("Timestamp", &s.timestamp);
}

fn organization(to: &mut Emitter, o: &Organization) {
    to.leaf("OrganId", &o.id);
    to.option("OrganizationInCharge", o.in_charge.as_ref());
    to.option("OrganName", o.name.as_ref());
    to.option("OrganAdd", o.address.as_ref());
    to.option("Email", o.email.as_ref());
    to.option("Telephone", o.telephone.as_ref());
    to.option("Fax", o.fax.as_ref());
    to.option("Website", o.website.as_ref());
}

fn other_info(to: &mut Emitter, o: &OtherInfo) {
    to.option_coded("Priority", o.priority.as_ref());
    to.option("SphereOfPromulgation", o.sphere.as_ref());
    to.option("TyperNotation", o.typer.as_ref());
    to.option_coded("PromulgationAmount", o.copies.as_ref());
    to.option_coded("PageAmount", o.pages.as_ref());
    to.option_coded("Direction", o.direction.as_ref());
    to.list("Appendixes", "Appendix", &o.appendixes);
}

fn response_for(to: &mut Emitter, r: &ResponseFor) {
    to.option("OrganId", r.organ.as_ref());
    to.option("Code", r.code.as_ref());
    to.option("DocumentId", r.document_id.as_ref());
    to.option_coded("PromulgationDate", r.date.as_ref());
}

fn staff(to: &mut Emitter, s: &Staff) {
    to.option("Department", s.department.as_ref());
    to.option("Staff", s.name.as_ref());
    to.option("Email", s.email.as_ref());
    to.option("Mobile", s.mobile.as_ref());
}

fn business(to: &mut Emitter, b: &Business) {
    to.option("DocumentId", b.document_id.as_ref());
    to.coded("BussinessDocType", &b.kind);
    to.option("BussinessDocReason", b.reason.as_ref());
    to.option_coded("Paper", b.paper.as_ref());
    if let Some(update) = &b.update {
        to.inside("BussinessDocumentInfo", |to| update_info(to, update));
    }
    if !b.replaces.is_empty() {
        to.inside("ReplacementInfoList", |to| to.each("ReplacementInfo", &b.replaces, replacement));
    }
    if let Some(s) = &b.staff {
        to.inside("StaffInfo", |to| staff(to, s));
    }
}

fn update_info(to: &mut Emitter, u: &UpdateInfo) {
    to.option_coded("DocumentInfo", u.document.as_ref());
    to.option_coded("DocumentReceiver", u.receiver.as_ref());
    if !u.receivers.is_empty() {
        to.inside("ReceiverList", |to| {
            to.each("Receiver", &u.receivers, |to, r| {
                to.leaf("OrganId", &r.organ);
                to.option_coded("ReceiverType", r.kind.as_ref());
            });
        });
    }
}

fn replacement(to: &mut Emitter, r: &Replacement) {
    to.leaf("DocumentId", &r.document_id);
    to.list("OrganIdList", "OrganId", &r.organs);
}

fn trace_header(to: &mut Emitter, t: &TraceHeader) {
    to.option("OrganId", t.organ.as_ref());
    to.option_coded("Timestamp", t.timestamp.as_ref());
}

fn faults(to: &mut Emitter, all: &[Fault]) {
    if !all.is_empty() {
        to.inside("ErrorList", |to| {
            to.each("Error", all, |to, fault| {
                to.option("Code", fault.code.as_ref());
                to.option("Description", fault.description.as_ref());
            });
        });
    }
}

fn manifest(to: &mut Emitter, attachments: &[Declared]) {
    to.inside_with("edXMLManifest", 0, " version=\"1.0\"", |to| {
        to.each("Reference", attachments, |to, a| {
            to.leaf("ContentId", &a.content_id);
            to.option("ContentType", a.content_type.as_ref());
            to.option("Description", a.description.as_ref());
            to.option("AttachmentName", a.name.as_ref());
        });
    });
}

fn attachment(to: &mut Emitter, a: &Declared) {
    to.leaf("ContentId", &a.content_id);
    to.option("AttachmentName", a.name.as_ref());
    to.option("Description", a.description.as_ref());
    to.option("ContentType", a.content_type.as_ref());
    // The one prefixed element out here, with a declaration of its own.
    to.prefix = PREFIX;
    to.start("ContentTransferEncoded", 0, &declaration());
    let piece = std::mem::take(&mut to.text);
    to.pieces.push(piece);
    to.end("ContentTransferEncoded");
    to.prefix = "";
}
