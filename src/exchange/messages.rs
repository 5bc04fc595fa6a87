//! What the codes of findings mean, in Vietnamese.

/// The sentence of a finding's code in Vietnamese; `None` for codes of other modules.
#[must_use]
pub fn vietnamese(code: &str) -> Option<&'static str> {
    VIETNAMESE.binary_search_by_key(&code, |(c, _)| c).ok().and_then(|i| VIETNAMESE.get(i)).map(|(_, text)| *text)
}

/// By code, in alphabetical order.
const VIETNAMESE: &[(&str, &str)] = &[
    ("ATTACHMENT_CMS_UNREADABLE", "không đọc được tệp chữ ký (CMS) đính kèm"),
    ("ATTACHMENT_CONTENT_AMBIGUOUS", "không rõ tệp chữ ký này ký cho tệp đính kèm nào"),
    ("ATTACHMENT_CONTENT_MISSING", "không có tệp đính kèm mà tệp chữ ký này ký cho"),
    ("ATTACHMENT_PDF_UNREADABLE", "không đọc được tệp PDF đính kèm"),
    ("ATTACHMENT_SIGNATURE_FAILED", "tệp đính kèm có chữ ký không hợp lệ"),
    ("ATTACHMENT_SIGNATURE_UNDECIDED", "chưa xác định được chữ ký trên tệp đính kèm có hợp lệ hay không"),
    ("EXCHANGE_ANSWER_AMBIGUOUS", "có hai yêu cầu chưa được trả lời; trả lời này có thể là cho yêu cầu trước"),
    ("EXCHANGE_ANSWER_OLDER", "trả lời có trước yêu cầu gần nhất nên không phải cho yêu cầu đó"),
    ("EXCHANGE_ANSWER_WITHOUT_REQUEST", "có trả lời đồng ý hoặc từ chối nhưng không có yêu cầu nào đang chờ"),
    ("EXCHANGE_DOCUMENT_CONFLICT", "đã có văn bản khác cùng mã định danh"),
    ("EXCHANGE_DOCUMENT_GONE", "văn bản đã được thu hồi hoặc thay thế"),
    ("EXCHANGE_DOCUMENT_UNKNOWN", "không có văn bản này trong sổ"),
    ("EXCHANGE_LATE", "thông điệp đến muộn; đã có trạng thái mới hơn"),
    ("EXCHANGE_NOT_ADDRESSED", "thông điệp không gửi cho cơ quan này"),
    ("EXCHANGE_NUMBER_REPEATED", "trùng số, ký hiệu và cơ quan ban hành với văn bản khác trong sổ"),
    ("EXCHANGE_REASON_MISSING", "thiếu lý do"),
    ("EXCHANGE_REPEATED", "thông điệp này đã được nhận trước đó"),
    ("EXCHANGE_REQUEST_OPEN", "yêu cầu trước chưa được trả lời"),
    ("EXCHANGE_STATUS_OUT_OF_TURN", "trạng thái không thể theo sau trạng thái đã có"),
    ("EXCHANGE_UNKNOWN", "nghiệp vụ hoặc mã trạng thái không có trong quy định"),
    ("RECORD_FIELD_UNEXPECTED", "trường thông tin không thuộc sổ này (Phụ lục VI Nghị định 30/2020/NĐ-CP)"),
    ("RECORD_TOO_LONG", "trường thông tin dài quá giới hạn (Phụ lục VI Nghị định 30/2020/NĐ-CP)"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources are searched for all that looks like a code.
    #[test]
    fn every_finding_has_its_sentence_and_every_sentence_its_finding() {
        let mut codes = std::collections::BTreeSet::new();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/exchange");
        for path in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
            if path.ends_with("messages.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let words = code.split('"').map(str::to_owned);
            let is_code = |w: &String| w.contains('_') && w.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
            codes.extend(words.filter(is_code));
        }
        let known: std::collections::BTreeSet<String> = VIETNAMESE.iter().map(|(c, _)| (*c).to_owned()).collect();
        assert_eq!(codes, known);
        assert!(VIETNAMESE.is_sorted_by(|(a, _), (b, _)| a < b));
    }
}
