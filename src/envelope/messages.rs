//! What the codes of findings mean, in Vietnamese.

/// The sentence of a finding's code in Vietnamese; `None` for codes of other modules.
#[must_use]
pub fn vietnamese(code: &str) -> Option<&'static str> {
    VIETNAMESE.binary_search_by_key(&code, |(c, _)| c).ok().and_then(|i| VIETNAMESE.get(i)).map(|(_, text)| *text)
}

/// By code, in alphabetical order.
const VIETNAMESE: &[(&str, &str)] = &[
    ("ATTACHMENT_DAMAGED", "tệp đính kèm bị hỏng, không đọc được"),
    ("ATTACHMENT_EMPTY", "tệp đính kèm không có nội dung"),
    ("ATTACHMENT_MISSING", "tệp có trong danh mục (manifest) nhưng không được đính kèm"),
    ("ATTACHMENT_NAME_DIFFERS", "tên tệp trong danh mục khác với tên tại tệp đính kèm"),
    ("ATTACHMENT_NAME_UNSAFE", "tên tệp đính kèm không an toàn: là đường dẫn hoặc chứa ký tự ẩn"),
    ("ATTACHMENT_NONE", "văn bản mới nhưng không có tệp đính kèm"),
    ("ATTACHMENT_TOO_LARGE", "tệp đính kèm vượt quá dung lượng cho phép"),
    ("ATTACHMENT_TYPE_DIFFERS", "loại tệp trong danh mục khác với loại tại tệp đính kèm"),
    ("ATTACHMENT_UNEXPECTED", "thông điệp trạng thái không được mang tệp đính kèm"),
    ("ATTACHMENT_UNLISTED", "tệp đính kèm không có trong danh mục (manifest)"),
    ("BUSINESS_INCOMPLETE", "thông tin nghiệp vụ không nêu nội dung cập nhật hoặc văn bản bị thay thế"),
    ("BUSINESS_UNEXPECTED", "thông tin nghiệp vụ không phù hợp với loại nghiệp vụ"),
    ("CONTENT_ID_REPEATED", "định danh tệp đính kèm (ContentId) bị lặp"),
    ("DATE_IN_FUTURE", "ngày ban hành muộn hơn ngày hiện tại"),
    ("DOCUMENT_ID_FORM", "mã định danh văn bản không đúng dạng"),
    ("DOCUMENT_ID_MISMATCH", "mã định danh văn bản không khớp với số, ký hiệu hoặc ngày ban hành"),
    ("DOCUMENT_TYPE_NAME", "tên loại văn bản không khớp với số trong danh mục loại văn bản"),
    ("DOCUMENT_TYPE_UNLISTED", "loại văn bản không có trong danh mục"),
    ("ELEMENT_MISPLACED", "phần tử đặt sai vị trí"),
    ("ELEMENT_MISSING", "thiếu phần tử bắt buộc"),
    ("ELEMENT_REPEATED", "phần tử chỉ được xuất hiện một lần"),
    ("ELEMENT_UNKNOWN", "phần tử không có trong quy chuẩn"),
    ("FINDINGS_CUT", "còn nhiều lỗi khác không được liệt kê"),
    ("MESSAGE_DIFFERS", "thông điệp ghi ra sẽ không đọc lại được đúng như đã khai"),
    ("MESSAGE_UNREADABLE", "thông điệp ghi ra sẽ không đọc lại được"),
    ("NAMESPACE_MISSING", "phần tử không có không gian tên; được hiểu theo QCVN 102:2016/BTTTT"),
    ("ORGAN_ID_REPEATED", "cơ quan nhận bị lặp"),
    ("ORGAN_ID_SCHEME", "mã định danh cơ quan không theo QCVN 102:2016/BTTTT hoặc Quyết định 20/2020/QĐ-TTg"),
    ("PREFIX_UNEXPECTED", "tiền tố không gian tên khác với tiền tố mà bên nhận yêu cầu"),
    ("REASON_MISSING", "thiếu lý do"),
    ("REPLACEMENT_REPEATED", "văn bản bị thay thế được nêu hai lần"),
    ("SIGNATURE_NOT_COUNTED", "phong bì có phần tử chữ ký; phần tử này không có giá trị và không được tính"),
    ("TEXT_CHARACTER", "có ký tự không được phép trong XML"),
    ("TEXT_UNEXPECTED", "có chữ nằm giữa các phần tử"),
    ("VALUE_EMPTY", "trường để trống"),
    ("VALUE_FORM", "giá trị viết không đúng dạng, nhưng hiểu được"),
    ("VALUE_INVALID", "giá trị không hợp lệ"),
    ("VALUE_PADDED", "có khoảng trắng thừa quanh giá trị"),
    ("VALUE_TOO_LONG", "giá trị dài quá giới hạn"),
    ("XML_BYTE_ORDER_MARK", "có dấu thứ tự byte (BOM) ở đầu tệp"),
    ("XML_PREFIX_UNBOUND", "tiền tố không gian tên chưa được khai báo; được hiểu theo nghĩa đã biết"),
    ("XML_PROCESSING_INSTRUCTION", "có chỉ thị xử lý XML; chỉ thị này bị bỏ qua"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources are searched for all that looks like a code.
    #[test]
    fn every_finding_has_its_sentence_and_every_sentence_its_finding() {
        let mut codes = std::collections::BTreeSet::new();
        for module in ["envelope", "xml"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module);
            for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
                if path.ends_with("messages.rs") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let words = code.split('"').map(str::to_owned);
                let is_code = |w: &String| w.contains('_') && w.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
                codes.extend(words.filter(is_code));
            }
        }
        let known: std::collections::BTreeSet<String> = VIETNAMESE.iter().map(|(c, _)| (*c).to_owned()).collect();
        assert_eq!(codes, known);
        assert!(VIETNAMESE.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
