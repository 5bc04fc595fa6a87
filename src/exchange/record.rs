//! The records of the registers: the input data of Decree 30/2020/NĐ-CP, Annex VI, part II, I and II.

use crate::envelope::Date;
use crate::envelope::Document;
use crate::envelope::DocumentId;
use crate::envelope::OrganId;
use crate::exchange::delivery::Side;
use crate::finding::Finding;

/// The type that the annex gives a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // the annex has these
pub enum FieldType {
    /// A group of fields.
    Group,
    /// Text.
    String,
    /// A number, by its digits.
    Number,
    /// A date.
    Date,
    /// Text without a limit.
    LongText,
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The number in the annex.
    pub number: &'static str,
    /// The short name in the annex.
    pub name: &'static str,
    /// The name in Vietnamese.
    pub vi: &'static str,
    /// The type.
    pub kind: FieldType,
    /// Most characters or digits, where the annex sets a limit.
    pub longest: Option<usize>,
}

const fn field(
    number: &'static str,
    name: &'static str,
    vi: &'static str,
    kind: FieldType,
    longest: Option<usize>,
) -> Field {
    Field { number, name, vi, kind, longest }
}

use FieldType::Date as D;
use FieldType::Group as G;
use FieldType::Number as N;
use FieldType::String as S;

/// The fields of an outgoing document. The annex has 13 characters for the codes of
/// organisations; the 2022 amendment of QCVN 102 made them 35, which is what counts here.
pub const OUTGOING: &[Field] = &[
    field("1", "FileCode", "Mã hồ sơ", G, None),
    field("1.1", "OrganId", "Mã định danh của cơ quan, tổ chức lập danh mục hồ sơ", S, Some(OrganId::LONGEST)),
    field("1.2", "FileCatalog", "Năm hình thành hồ sơ", N, Some(4)),
    field("1.3", "FileNotation", "Số và ký hiệu hồ sơ", S, Some(20)),
    field("2", "DocOrdinal", "Số thứ tự văn bản trong hồ sơ", N, Some(3)),
    field("3", "TypeName", "Tên loại văn bản", S, Some(100)),
    field("4", "CodeNumber", "Số của văn bản", S, Some(11)),
    field("5", "CodeNotation", "Ký hiệu của văn bản", S, Some(30)),
    field("6", "IssuedDate", "Ngày, tháng, năm văn bản", D, Some(10)),
    field("7", "OrganName", "Tên cơ quan, tổ chức ban hành văn bản", S, Some(200)),
    field("8", "Subject", "Trích yếu nội dung", S, Some(500)),
    field("9", "Language", "Ngôn ngữ", S, Some(30)),
    field("10", "PageAmount", "Số trang của văn bản", N, Some(3)),
    field("11", "Description", "Ghi chú", S, Some(500)),
    field("12", "SignerInfo", "Chức vụ, họ tên người ký", G, None),
    field("12.1", "Position", "Chức vụ của người ký văn bản", S, Some(100)),
    field("12.2", "FullName", "Họ và tên người ký văn bản", S, Some(50)),
    field("13", "To", "Nơi nhận", G, None),
    field("13.1", "OrganId", "Mã định danh của cơ quan, tổ chức nhận văn bản", S, Some(OrganId::LONGEST)),
    field("13.2", "OrganName", "Tên cơ quan, tổ chức nhận văn bản", S, Some(200)),
    field("14", "Priority", "Mức độ khẩn, độ mật", N, Some(1)),
    field("15", "IssuedAmount", "Số lượng bản phát hành", N, Some(3)),
    field("16", "DueDate", "Hạn trả lời văn bản", D, Some(10)),
];

/// The fields of an incoming document; see [`OUTGOING`].
pub const INCOMING: &[Field] = &[
    field("1", "FileCode", "Mã hồ sơ", G, None),
    field("1.1", "OrganId", "Mã định danh của cơ quan, tổ chức lập danh mục hồ sơ", S, Some(OrganId::LONGEST)),
    field("1.2", "FileCatalog", "Năm hình thành hồ sơ", N, Some(4)),
    field("1.3", "FileNotation", "Số và ký hiệu hồ sơ", S, Some(20)),
    field("2", "DocOrdinal", "Số thứ tự văn bản trong hồ sơ", N, Some(3)),
    field("3", "TypeName", "Tên loại văn bản", S, Some(100)),
    field("4", "CodeNumber", "Số của văn bản", S, Some(11)),
    field("5", "CodeNotation", "Ký hiệu của văn bản", S, Some(30)),
    field("6", "IssuedDate", "Ngày, tháng, năm văn bản", D, Some(10)),
    field("7", "OrganName", "Tên cơ quan, tổ chức ban hành văn bản", S, Some(200)),
    field("8", "Subject", "Trích yếu nội dung", S, Some(500)),
    field("9", "Language", "Ngôn ngữ", S, Some(30)),
    field("10", "PageAmount", "Số trang của văn bản", N, Some(3)),
    field("11", "Description", "Ghi chú", S, Some(500)),
    field("12", "ArrivalDate", "Ngày, tháng, năm đến", D, Some(10)),
    field("13", "ArrivalNumber", "Số đến", N, Some(10)),
    field("14", "SignerInfo", "Chức vụ, họ tên người ký", G, None),
    field("14.1", "Position", "Chức vụ của người ký văn bản", S, Some(100)),
    field("14.2", "FullName", "Họ và tên người ký văn bản", S, Some(50)),
    field("15", "Priority", "Mức độ khẩn, độ mật", N, Some(1)),
    field("16", "ToPlaces", "Đơn vị hoặc người nhận", S, Some(1_000)),
    field("17", "TraceHeaderList", "Ý kiến phân phối, chỉ đạo, trạng thái xử lý văn bản", FieldType::LongText, None),
    field("18", "DueDate", "Thời hạn giải quyết", D, Some(10)),
];

/// The code of the file that a document is put into (field 1).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, rename_all = "PascalCase")
)]
#[allow(clippy::exhaustive_structs)] // the three parts of the code
pub struct FileCode {
    /// Who keeps the catalogue of files.
    pub organ_id: OrganId,
    /// The year.
    pub file_catalog: u16,
    /// Number and symbol of the file.
    pub file_notation: String,
}

/// The signer (fields 12, 14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default, rename_all = "PascalCase")
)]
#[allow(clippy::exhaustive_structs)] // the two parts of the field
pub struct SignedAs {
    /// The position.
    pub position: Option<String>,
    /// The name.
    pub full_name: Option<String>,
}

/// A receiver (field 13).
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, rename_all = "PascalCase")
)]
#[allow(clippy::exhaustive_structs)] // the two parts of the field
pub struct SentTo {
    /// The code.
    pub organ_id: OrganId,
    /// The name.
    #[cfg_attr(feature = "serde", serde(default))]
    pub organ_name: Option<String>,
}

/// The record of a document in the register of outgoing or incoming documents. In
/// JSON the members have the short names of the annex. Dates are `yyyy/MM/dd`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(deny_unknown_fields, default, rename_all = "PascalCase")
)]
#[non_exhaustive]
pub struct Record {
    /// The identifier in the exchange, which the annex presupposes (part I, III.1 c).
    pub document_id: DocumentId,
    /// Field 1, given when the document is put into a file.
    pub file_code: Option<FileCode>,
    /// Field 2.
    pub doc_ordinal: Option<u16>,
    /// Field 3.
    pub type_name: Option<String>,
    /// Field 4.
    pub code_number: String,
    /// Field 5.
    pub code_notation: String,
    /// Field 6.
    #[cfg_attr(feature = "serde", serde(with = "super::delivery::optional_text"))]
    pub issued_date: Option<Date>,
    /// Field 7.
    pub organ_name: Option<String>,
    /// Field 8.
    pub subject: String,
    /// Field 9.
    pub language: Option<String>,
    /// Field 10.
    pub page_amount: Option<u16>,
    /// Field 11.
    pub description: Option<String>,
    /// Field 12 of an incoming one.
    #[cfg_attr(feature = "serde", serde(with = "super::delivery::optional_text"))]
    pub arrival_date: Option<Date>,
    /// Field 13 of an incoming one.
    pub arrival_number: Option<u64>,
    /// Field 12 of an outgoing, 14 of an incoming one.
    pub signer_info: Option<SignedAs>,
    /// Field 13 of an outgoing one.
    pub to: Vec<SentTo>,
    /// Field 14 of an outgoing, 15 of an incoming one.
    pub priority: Option<u8>,
    /// Field 15 of an outgoing one.
    pub issued_amount: Option<u16>,
    /// Field 16 of an incoming one: who in the office it goes to.
    pub to_places: Option<String>,
    /// Field 17 of an incoming one.
    pub trace_header_list: Option<String>,
    /// Field 16 of an outgoing, 18 of an incoming one.
    #[cfg_attr(feature = "serde", serde(with = "super::delivery::optional_text"))]
    pub due_date: Option<Date>,
}

impl Record {
    /// What a document message tells for the register of one side; the rest is filled in by people.
    #[must_use]
    pub fn of(document: &Document, side: Side) -> Self {
        let other = document.other.as_ref();
        let mut record = Self {
            document_id: document.document_id.clone(),
            type_name: document.document_type.name.clone(),
            code_number: document.code.number.clone(),
            code_notation: document.code.notation.clone(),
            issued_date: document.promulgation.date.known().copied(),
            organ_name: document.from.name.clone(),
            subject: document.subject.clone(),
            page_amount: other.and_then(|o| o.pages.as_ref()?.known().copied()),
            signer_info: document
                .signer
                .as_ref()
                .map(|s| SignedAs { position: s.position.clone(), full_name: s.full_name.clone() }),
            priority: other.and_then(|o| o.priority.as_ref()?.known()?.code().parse().ok()),
            due_date: document.due_date.as_ref().and_then(|d| d.known().copied()),
            ..Self::default()
        };
        match side {
            Side::Sender => {
                let to =
                    |o: &crate::envelope::Organization| SentTo { organ_id: o.id.clone(), organ_name: o.name.clone() };
                record.to = document.to.iter().map(to).collect();
                record.issued_amount = other.and_then(|o| o.copies.as_ref()?.known().copied());
            }
            Side::Receiver => {
                let trace = document.trace.iter().map(|t| {
                    let organ = t.organ.as_ref().map_or("", |o| o.as_str());
                    format!("{organ} {}", t.timestamp.as_ref().map_or_else(String::new, ToString::to_string))
                });
                let trace: Vec<String> = trace.collect();
                record.trace_header_list = (!trace.is_empty()).then(|| trace.join("\n"));
            }
        }
        record
    }

    /// What the annex does not admit in the register of this side: fields that are too long, and
    /// fields of the other register.
    #[must_use]
    pub fn findings(&self, side: Side) -> Vec<Finding> {
        let fields = match side {
            Side::Sender => OUTGOING,
            Side::Receiver => INCOMING,
        };
        let mut findings = Vec::new();
        for (name, group, text) in self.values() {
            let numbered = |f: &&Field| f.name == name && group.is_none_or(|g| in_group(fields, f, g));
            let Some(field) = fields.iter().find(numbered) else {
                let message = format!("{name} is no field of this register (Decree 30/2020/NĐ-CP, Annex VI)");
                findings.push(Finding::warning("RECORD_FIELD_UNEXPECTED", message).at(name));
                continue;
            };
            let length = length(&text);
            if let Some(longest) = field.longest.filter(|longest| length > *longest) {
                let message = format!("{length} characters; field {} ({}) holds {longest}", field.number, field.vi);
                findings.push(Finding::warning("RECORD_TOO_LONG", message).at(name));
            }
        }
        findings
    }

    /// Every value that is there: the name of its field, the group that the field is in, and its text.
    fn values(&self) -> Vec<(&'static str, Option<&'static str>, String)> {
        let mut all = Vec::new();
        let mut put = |name, group, value: Option<String>| {
            if let Some(value) = value {
                all.push((name, group, value));
            }
        };
        let file = self.file_code.as_ref();
        put("OrganId", Some("FileCode"), file.map(|f| f.organ_id.to_string()));
        put("FileCatalog", None, file.map(|f| f.file_catalog.to_string()));
        put("FileNotation", None, file.map(|f| f.file_notation.clone()));
        put("DocOrdinal", None, self.doc_ordinal.map(|n| n.to_string()));
        put("TypeName", None, self.type_name.clone());
        put("CodeNumber", None, Some(self.code_number.clone()));
        put("CodeNotation", None, Some(self.code_notation.clone()));
        put("IssuedDate", None, self.issued_date.map(|d| d.to_string()));
        put("OrganName", None, self.organ_name.clone());
        put("Subject", None, Some(self.subject.clone()));
        put("Language", None, self.language.clone());
        put("PageAmount", None, self.page_amount.map(|n| n.to_string()));
        put("Description", None, self.description.clone());
        put("ArrivalDate", None, self.arrival_date.map(|d| d.to_string()));
        put("ArrivalNumber", None, self.arrival_number.map(|n| n.to_string()));
        let signer = self.signer_info.as_ref();
        put("Position", None, signer.and_then(|s| s.position.clone()));
        put("FullName", None, signer.and_then(|s| s.full_name.clone()));
        for to in &self.to {
            put("OrganId", Some("To"), Some(to.organ_id.to_string()));
            put("OrganName", Some("To"), to.organ_name.clone());
        }
        put("Priority", None, self.priority.map(|n| n.to_string()));
        put("IssuedAmount", None, self.issued_amount.map(|n| n.to_string()));
        put("ToPlaces", None, self.to_places.clone());
        put("TraceHeaderList", None, self.trace_header_list.clone());
        put("DueDate", None, self.due_date.map(|d| d.to_string()));
        all
    }
}

/// Whether a field stands under the group of this name.
fn in_group(fields: &[Field], field: &Field, group: &str) -> bool {
    let parent = field.number.split_once('.').map(|(parent, _)| parent);
    parent.is_some_and(|parent| fields.iter().any(|f| f.number == parent && f.name == group))
}

/// Characters as the annex counts them: those of the composed form.
fn length(text: &str) -> usize {
    use unicode_normalization::UnicodeNormalization;
    text.nfc().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_numbered_as_in_the_annex() {
        for (fields, last, count) in [(OUTGOING, "16", 23), (INCOMING, "18", 23)] {
            assert_eq!(fields.last().unwrap().number, last);
            assert_eq!(fields.len(), count);
            let groups = fields.iter().filter(|f| f.kind == FieldType::Group);
            for group in groups {
                assert!(fields.iter().any(|f| f.number == format!("{}.1", group.number)));
            }
        }
    }

    #[test]
    fn what_is_too_long_or_of_the_other_register_is_told() {
        let mut record = Record { subject: "ạ".repeat(500), ..Record::default() };
        assert_eq!(record.findings(Side::Sender), []);
        record.subject.push('x');
        record.doc_ordinal = Some(1_000);
        record.arrival_number = Some(7);
        record.to = vec![SentTo { organ_id: OrganId::new("H".repeat(36)), organ_name: None }];
        let told = |side| -> Vec<String> {
            let found = record.findings(side);
            found.iter().map(|f| format!("{} {}", f.code(), f.place().unwrap_or_default())).collect()
        };
        assert_eq!(
            told(Side::Sender),
            [
                "RECORD_TOO_LONG DocOrdinal",
                "RECORD_TOO_LONG Subject",
                "RECORD_FIELD_UNEXPECTED ArrivalNumber",
                "RECORD_TOO_LONG OrganId"
            ]
        );
        assert_eq!(
            told(Side::Receiver),
            ["RECORD_TOO_LONG DocOrdinal", "RECORD_TOO_LONG Subject", "RECORD_FIELD_UNEXPECTED OrganId"]
        );
    }
}
