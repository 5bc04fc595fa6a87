//! The code lists of QCVN 102:2016 as amended in 2022, with names in Vietnamese and English.

use std::fmt;
use std::str::FromStr;

use crate::envelope::value::quoted;
use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;

/// A code list: the variants, their codes and their names.
macro_rules! code_list {
    (
        $(#[$meta:meta])*
        pub enum $name:ident ($field:literal, $expected:literal) {
            $($(#[$doc:meta])* $variant:ident = $code:literal, $vi:literal, $en:literal;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$doc])* $variant,)*
        }

        impl $name {
            /// Every code, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as it stands in a message.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),* }
            }

            /// The name in Vietnamese.
            #[must_use]
            pub const fn name_vi(self) -> &'static str {
                match self { $(Self::$variant => $vi),* }
            }

            /// The name in English.
            #[must_use]
            pub const fn name_en(self) -> &'static str {
                match self { $(Self::$variant => $en),* }
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(Malformed::new(Format::Envelope, $field, $expected).found(quoted(text)).into()),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.code())
            }
        }
    };
}

code_list! {
    /// What a document message does to the document (`BussinessDocType`, 2.2.1).
    pub enum BusinessKind("BussinessDocType", "0, 1, 2 or 3") {
        /// A new document.
        New = "0", "văn bản mới", "new document";
        /// A document sent before is recalled.
        Recall = "1", "thu hồi văn bản", "recall";
        /// Information of a document sent before is updated.
        Update = "2", "cập nhật văn bản", "update";
        /// This document replaces others.
        Replacement = "3", "văn bản thay thế", "replacement";
    }
}

code_list! {
    /// What became of a document at the other side (`StatusCode`).
    pub enum StatusCode("StatusCode", "01 to 06, 13, 15 or 16") {
        /// Reached the receiving system; the clerk has not acted.
        Arrived = "01", "đã đến", "arrived";
        /// Refused.
        Refused = "02", "từ chối tiếp nhận", "refused";
        /// Accepted and entered in the register of incoming documents.
        Accepted = "03", "đã tiếp nhận", "accepted";
        /// Assigned to a unit or an official.
        Assigned = "04", "phân công", "assigned";
        /// Being worked on.
        InProgress = "05", "đang xử lý", "in progress";
        /// Finished.
        Finished = "06", "hoàn thành", "finished";
        /// The sender asks for the document back.
        TakeBack = "13", "lấy lại", "asked back";
        /// The receiver agrees to an update or to giving the document back.
        Agreed = "15", "đồng ý cập nhật, lấy lại", "agreed";
        /// The receiver refuses an update or to give the document back.
        Declined = "16", "từ chối cập nhật, lấy lại", "declined";
    }
}

code_list! {
    /// Which of the two lists names the type of a document (`DocumentType/Type`).
    pub enum DocumentClass("Type", "1 or 2") {
        /// Legal normative documents.
        Normative = "1", "văn bản quy phạm pháp luật", "legal normative document";
        /// Administrative documents.
        Administrative = "2", "văn bản hành chính", "administrative document";
    }
}

code_list! {
    /// How urgent a document is (`Priority`).
    pub enum Priority("Priority", "0 to 4") {
        /// Ordinary.
        Ordinary = "0", "thường", "ordinary";
        /// Urgent.
        Urgent = "1", "khẩn", "urgent";
        /// Very urgent.
        VeryUrgent = "2", "thượng khẩn", "very urgent";
        /// Express.
        Express = "3", "hoả tốc", "express";
        /// Express, at a stated hour.
        ExpressAtHour = "4", "hoả tốc hẹn giờ", "express at a stated hour";
    }
}

code_list! {
    /// Whether a document directs its receiver to do something (`SteeringType`).
    pub enum SteeringType("SteeringType", "0 or 1") {
        /// It gives no directive.
        NoDirective = "0", "không phải văn bản chỉ đạo", "no directive";
        /// It gives a directive.
        Directive = "1", "văn bản chỉ đạo", "directive";
    }
}

code_list! {
    /// What an update does with one receiver (`ReceiverType`).
    pub enum ReceiverKind("ReceiverType", "0 or 1") {
        /// Code 0.
        Zero = "0", "loại 0", "type 0";
        /// Code 1.
        One = "1", "loại 1", "type 1";
    }
}

/// A type of document: its number in the list of its class, and its names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TypeName {
    /// The list.
    pub class: DocumentClass,
    /// The number in the list (`TypeDetail`).
    pub number: u16,
    /// The name in Vietnamese (`TypeName`).
    pub vi: &'static str,
    /// The name in English.
    pub en: &'static str,
}

const fn a(number: u16, vi: &'static str, en: &'static str) -> TypeName {
    TypeName { class: DocumentClass::Normative, number, vi, en }
}

const fn b(number: u16, vi: &'static str, en: &'static str) -> TypeName {
    TypeName { class: DocumentClass::Administrative, number, vi, en }
}

/// Both lists of document types.
///
/// The numbers 10 to 17 and 27 to 32 of the administrative list follow the
/// order of Decree 30/2020/NĐ-CP, Article 7, and stand on weaker evidence than the others.
pub const DOCUMENT_TYPES: &[TypeName] = &[
    a(1, "Hiến pháp", "Constitution"),
    a(2, "Luật", "Law"),
    a(3, "Pháp lệnh", "Ordinance"),
    a(4, "Lệnh", "Order"),
    a(5, "Nghị quyết", "Resolution"),
    a(6, "Nghị quyết liên tịch", "Joint resolution"),
    a(7, "Nghị định", "Decree"),
    a(8, "Quyết định", "Decision"),
    a(9, "Thông tư", "Circular"),
    a(10, "Thông tư liên tịch", "Joint circular"),
    a(11, "Chỉ thị", "Directive"),
    a(12, "Bộ luật", "Code"),
    a(
        13,
        "Văn bản của chính quyền đơn vị hành chính - kinh tế đặc biệt",
        "Document of a special administrative-economic unit",
    ),
    b(1, "Nghị quyết (cá biệt)", "Resolution (individual)"),
    b(2, "Quyết định (cá biệt)", "Decision (individual)"),
    b(3, "Chỉ thị (cá biệt)", "Directive (individual)"),
    b(4, "Quy chế", "Regulation"),
    b(5, "Quy định", "Rules"),
    b(6, "Thông cáo", "Communiqué"),
    b(7, "Thông báo", "Notice"),
    b(8, "Hướng dẫn", "Guidance"),
    b(9, "Chương trình", "Programme"),
    b(10, "Kế hoạch", "Plan"),
    b(11, "Phương án", "Scheme"),
    b(12, "Đề án", "Proposal"),
    b(13, "Dự án", "Project"),
    b(14, "Báo cáo", "Report"),
    b(15, "Biên bản", "Minutes"),
    b(16, "Tờ trình", "Submission"),
    b(17, "Hợp đồng", "Contract"),
    b(18, "Công văn", "Official letter"),
    b(19, "Công điện", "Official telegram"),
    b(20, "Bản ghi nhớ", "Memorandum"),
    b(21, "Bản cam kết", "Commitment"),
    b(22, "Bản thoả thuận", "Agreement"),
    b(23, "Giấy chứng nhận", "Certificate"),
    b(24, "Giấy uỷ quyền", "Authorisation"),
    b(25, "Giấy mời", "Invitation"),
    b(26, "Giấy giới thiệu", "Letter of introduction"),
    b(27, "Giấy nghỉ phép", "Leave slip"),
    b(28, "Giấy đi đường", "Travel order"),
    b(29, "Phiếu gửi", "Dispatch slip"),
    b(30, "Phiếu chuyển", "Transfer slip"),
    b(31, "Phiếu báo", "Notification slip"),
    b(32, "Thư công", "Official correspondence"),
];

/// The entry of a list with this number.
#[must_use]
pub fn document_type(class: DocumentClass, number: u16) -> Option<&'static TypeName> {
    DOCUMENT_TYPES.iter().find(|t| t.class == class && t.number == number)
}

/// The entry of a list with this Vietnamese name, in any letter case and Unicode form.
#[must_use]
pub fn document_type_by_name(class: DocumentClass, name: &str) -> Option<&'static TypeName> {
    let wanted = folded(name);
    DOCUMENT_TYPES.iter().find(|t| t.class == class && folded(t.vi) == wanted)
}

/// One form for comparison: NFC, lower case, single spaces, one place for the tone mark of `oa`, `oe`, `uy`.
pub(super) fn folded(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let lower: String = text.nfc().flat_map(char::to_lowercase).collect();
    let mut words = lower.split_whitespace().collect::<Vec<_>>().join(" ");
    // Both spellings are in official use: "thỏa thuận", "ủy quyền", "hỏa tốc".
    for (old, new) in [("ỏa", "oả"), ("óa", "oá"), ("òa", "oà"), ("õa", "oã"), ("ọa", "oạ"), ("ủy", "uỷ")]
    {
        words = words.replace(old, new);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_variants_are_one_to_one() {
        for s in StatusCode::ALL {
            assert_eq!(s.code().parse::<StatusCode>().unwrap(), *s);
        }
        for k in BusinessKind::ALL {
            assert_eq!(k.code().parse::<BusinessKind>().unwrap(), *k);
        }
        assert!("1".parse::<StatusCode>().is_err());
        assert!("07".parse::<StatusCode>().is_err());
        let codes: Vec<_> = StatusCode::ALL.iter().map(|s| s.code()).collect();
        assert_eq!(codes, ["01", "02", "03", "04", "05", "06", "13", "15", "16"]);
    }

    #[test]
    fn lists_have_no_gap_and_no_double() {
        for (class, last) in [(DocumentClass::Normative, 13), (DocumentClass::Administrative, 32)] {
            let numbers: Vec<u16> = DOCUMENT_TYPES.iter().filter(|t| t.class == class).map(|t| t.number).collect();
            assert_eq!(numbers, (1..=last).collect::<Vec<_>>());
        }
        assert_eq!(document_type(DocumentClass::Administrative, 18).unwrap().vi, "Công văn");
        assert_eq!(document_type(DocumentClass::Normative, 18), None);
    }

    #[test]
    fn names_are_found_in_any_form() {
        use unicode_normalization::UnicodeNormalization;
        let decomposed: String = "CÔNG  văn".nfd().collect();
        assert_eq!(document_type_by_name(DocumentClass::Administrative, &decomposed).unwrap().number, 18);
        assert_eq!(document_type_by_name(DocumentClass::Administrative, "Giấy ủy quyền").unwrap().number, 24);
        assert_eq!(document_type_by_name(DocumentClass::Administrative, "Bản thỏa thuận").unwrap().number, 22);
        assert_eq!(document_type_by_name(DocumentClass::Normative, "Công văn"), None);
    }
}
