//! The catalogue of messages: what indications and findings mean, in two languages.

use super::indication::Failure;
use super::indication::Indeterminacy;
use super::text::Language;

const fn of(language: Language, vietnamese: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Vietnamese => vietnamese,
        Language::English => english,
    }
}

/// Why a validation failed.
pub(super) const fn failure(failure: Failure, l: Language) -> &'static str {
    match failure {
        Failure::FormatFailure => of(
            l,
            "cấu trúc chữ ký sai, hoặc tài liệu bị thay đổi trái phép sau khi ký",
            "the signature is malformed, or the document was changed after signing in a way that is not permitted",
        ),
        Failure::HashFailure => of(
            l,
            "nội dung không khớp với nội dung đã ký: tài liệu đã bị thay đổi",
            "the content differs from what was signed: the document has been altered",
        ),
        Failure::SigCryptoFailure => of(
            l,
            "giá trị chữ ký không khớp với khóa công khai của người ký",
            "the signature value does not verify under the signer's key",
        ),
        Failure::Revoked => of(
            l,
            "chứng thư số của người ký đã bị thu hồi trước khi ký",
            "the signer's certificate had been revoked before the signature was made",
        ),
        Failure::Expired => of(
            l,
            "chữ ký được tạo sau khi chứng thư số hết hạn",
            "the signature was made after the certificate had expired",
        ),
        Failure::NotYetValid => of(
            l,
            "chữ ký được tạo trước khi chứng thư số có hiệu lực",
            "the signature was made before the certificate became valid",
        ),
    }
}

/// What to do about a failure.
pub(super) const fn failure_advice(failure: Failure, l: Language) -> &'static str {
    match failure {
        Failure::FormatFailure | Failure::HashFailure | Failure::SigCryptoFailure => of(
            l,
            "không sử dụng văn bản này; yêu cầu bên gửi gửi lại bản đã ký gốc",
            "do not rely on this document; ask the sender for the original signed file",
        ),
        Failure::Revoked | Failure::Expired | Failure::NotYetValid => of(
            l,
            "không chấp nhận; yêu cầu người ký ký lại bằng chứng thư số còn hiệu lực",
            "do not accept it; ask the signer to sign again with a valid certificate",
        ),
    }
}

/// Why a validation could not decide.
pub(super) const fn indeterminacy(indeterminacy: Indeterminacy, l: Language) -> &'static str {
    match indeterminacy {
        Indeterminacy::SigConstraintsFailure => of(
            l,
            "một thuộc tính của chữ ký không đáp ứng chính sách kiểm tra",
            "an attribute of the signature breaks a rule of the policy",
        ),
        Indeterminacy::ChainConstraintsFailure => of(
            l,
            "đường dẫn chứng thực không đáp ứng ràng buộc (mục đích sử dụng, tên, chính sách)",
            "the certification path breaks a constraint (usage, names, policies)",
        ),
        Indeterminacy::CertificateChainGeneralFailure => {
            of(l, "không kiểm tra được đường dẫn chứng thực", "the certification path could not be judged")
        }
        Indeterminacy::CryptoConstraintsFailure => of(
            l,
            "thuật toán hoặc độ dài khóa không được chính sách chấp nhận",
            "an algorithm or key length is not acceptable under the policy",
        ),
        Indeterminacy::TimestampOrderFailure => {
            of(l, "các dấu thời gian mâu thuẫn về thứ tự", "the time-stamps contradict each other in their order")
        }
        Indeterminacy::NoSigningCertificateFound => {
            of(l, "không xác định được chứng thư số của người ký", "the signing certificate cannot be identified")
        }
        Indeterminacy::NoCertificateChainFound => of(
            l,
            "chứng thư số không dẫn tới gốc tin cậy nào đã khai báo",
            "no path leads from the certificate to a stated trust anchor",
        ),
        Indeterminacy::RevokedNoPoe => of(
            l,
            "chứng thư số đã bị thu hồi và không có bằng chứng chữ ký có trước lúc thu hồi",
            "the certificate is revoked, and nothing proves that the signature is older",
        ),
        Indeterminacy::RevokedCaNoPoe => of(
            l,
            "chứng thư của một CA đã bị thu hồi và không có bằng chứng chữ ký có trước lúc thu hồi",
            "the certificate of a CA is revoked, and nothing proves that the signature is older",
        ),
        Indeterminacy::OutOfBoundsNotRevoked => of(
            l,
            "chứng thư số ngoài thời hạn hiệu lực (chưa bị thu hồi) và không có bằng chứng thời điểm ký",
            "the certificate is outside its validity period (not revoked), and nothing proves the time of signing",
        ),
        Indeterminacy::OutOfBoundsNoPoe => of(
            l,
            "chứng thư số ngoài thời hạn hiệu lực và không có bằng chứng thời điểm ký",
            "the certificate is outside its validity period, and nothing proves the time of signing",
        ),
        Indeterminacy::CryptoConstraintsFailureNoPoe => of(
            l,
            "thuật toán không còn được chấp nhận và không có bằng chứng chữ ký có từ trước",
            "an algorithm is no longer acceptable, and nothing proves that the signature is older",
        ),
        Indeterminacy::NoPoe => of(l, "thiếu bằng chứng tồn tại", "a proof of existence is missing"),
        Indeterminacy::TryLater => {
            of(l, "chưa có thông tin thu hồi của chứng thư số", "the revocation status of a certificate is not at hand")
        }
        Indeterminacy::SignedDataNotFound => {
            of(l, "không có nội dung đã ký để đối chiếu", "the signed content is not at hand")
        }
    }
}

/// What to do about what could not be decided.
pub(super) const fn indeterminacy_advice(indeterminacy: Indeterminacy, l: Language) -> &'static str {
    match indeterminacy {
        Indeterminacy::NoCertificateChainFound => of(
            l,
            "khai báo gốc tin cậy và chứng thư CA trung gian, hoặc xác minh danh tính người ký bằng cách khác",
            "state the trust anchor and the intermediate certificates, or verify the signer's identity otherwise",
        ),
        Indeterminacy::TryLater => of(
            l,
            "lấy thông tin thu hồi (CRL hoặc OCSP) rồi kiểm tra lại; chưa nên chấp nhận",
            "obtain revocation data (CRL or OCSP) and check again; do not accept it before",
        ),
        Indeterminacy::SignedDataNotFound => {
            of(l, "cung cấp tệp nội dung đã ký rồi kiểm tra lại", "supply the signed content and check again")
        }
        Indeterminacy::NoSigningCertificateFound => of(
            l,
            "yêu cầu người ký cung cấp chứng thư số rồi kiểm tra lại",
            "ask the signer for the certificate and check again",
        ),
        Indeterminacy::RevokedNoPoe
        | Indeterminacy::RevokedCaNoPoe
        | Indeterminacy::OutOfBoundsNotRevoked
        | Indeterminacy::OutOfBoundsNoPoe
        | Indeterminacy::CryptoConstraintsFailureNoPoe
        | Indeterminacy::NoPoe
        | Indeterminacy::TimestampOrderFailure => of(
            l,
            "tìm bằng chứng thời gian khi nhận văn bản (dấu thời gian, gói bằng chứng), hoặc yêu cầu ký lại",
            "look for a proof of time from the receipt (time-stamp, evidence package), or ask for a new signature",
        ),
        Indeterminacy::SigConstraintsFailure
        | Indeterminacy::ChainConstraintsFailure
        | Indeterminacy::CertificateChainGeneralFailure
        | Indeterminacy::CryptoConstraintsFailure => of(
            l,
            "chưa nên chấp nhận; yêu cầu người ký ký lại đúng quy định",
            "do not accept it as it is; ask the signer to sign again by the rules",
        ),
    }
}

/// The Vietnamese sentence for a finding's code.
pub(super) fn vietnamese(code: &str) -> Option<&'static str> {
    VIETNAMESE.binary_search_by_key(&code, |(c, _)| c).ok().and_then(|i| VIETNAMESE.get(i)).map(|(_, text)| *text)
}

/// By code, in alphabetical order.
const VIETNAMESE: &[(&str, &str)] = &[
    ("ALGORITHM_NOT_ACCEPTABLE", "thuật toán hoặc độ dài khóa không còn được chính sách chấp nhận"),
    ("ALGORITHM_UNSUPPORTED", "thuật toán của chữ ký chưa được hỗ trợ nên không kiểm tra được"),
    ("ARCHIVE_TIMESTAMP_IGNORED", "có dấu thời gian lưu trữ không thuộc định dạng này; không dùng làm bằng chứng"),
    ("ARCHIVE_TIMESTAMP_INCOMPLETE", "dữ liệu mà dấu thời gian lưu trữ đã bao phủ nay bị thiếu"),
    ("ARCHIVE_TIMESTAMP_INDEX", "không đọc được danh mục băm của dấu thời gian lưu trữ"),
    ("BYTE_RANGE_FORM", "/ByteRange không đúng dạng bốn số nguyên"),
    ("BYTE_RANGE_GAP", "khoảng trống của /ByteRange không trùng với /Contents của chữ ký"),
    ("BYTE_RANGE_VALUES", "/ByteRange không bắt đầu từ đầu tệp hoặc nằm ngoài tệp"),
    ("CERTIFICATE_EXPIRED", "chứng thư số đã hết hạn"),
    ("CERTIFICATE_NOT_YET_VALID", "chứng thư số chưa có hiệu lực"),
    ("CERTIFICATE_REVOKED", "chứng thư số đã bị thu hồi"),
    ("CHANGES_NOT_PERMITTED", "sau chữ ký này tài liệu đã bị thay đổi ngoài phạm vi được phép"),
    ("CHANGES_RELAXED", "các thay đổi sau khi ký được chấp nhận vì quy tắc tương ứng đã được nới lỏng"),
    ("CHANGES_UNREADABLE", "không đánh giá được các thay đổi sau khi ký"),
    (
        "CLAIMED_TIME_AHEAD",
        "thời điểm ký do người ký khai muộn hơn thời điểm kiểm tra (có thể do ghi giờ địa phương thành giờ UTC)",
    ),
    ("CLAIMED_TIME_TOO_LATE", "thời điểm ký do người ký khai muộn hơn thời điểm đã chứng minh là chữ ký tồn tại"),
    ("CMS_CERTIFICATE_UNREADABLE", "không đọc được một chứng thư số kèm theo chữ ký"),
    ("CMS_CONTENT_INSIDE", "chữ ký tách rời lại mang nội dung riêng bên trong"),
    ("CMS_CONTENT_MISSING", "chữ ký thiếu nội dung bắt buộc bên trong"),
    ("CMS_CONTENT_TYPE", "loại nội dung của chữ ký không đúng"),
    ("CMS_CRL_UNREADABLE", "không đọc được một danh sách thu hồi (CRL) kèm theo chữ ký"),
    ("CMS_OCSP_UNREADABLE", "không đọc được một phản hồi OCSP kèm theo chữ ký"),
    ("CMS_PADDING", "phần đệm sau chữ ký trong /Contents có dữ liệu khác 0; dữ liệu này không thuộc chữ ký"),
    ("CONTENTS_UNREADABLE", "không đọc được giá trị /Contents của chữ ký"),
    ("CONTENT_MISMATCH", "nội dung bên trong chữ ký khác với tệp nội dung kèm theo"),
    ("CONTENT_MISSING", "không có nội dung đã ký để đối chiếu"),
    ("CONTENT_UNREADABLE", "không đọc được tệp nội dung"),
    ("COUNTER_SIGNATURES_MANY", "có quá nhiều chữ ký xác nhận; chỉ một số được kiểm tra"),
    ("COUNTER_SIGNATURE_UNREADABLE", "không đọc được một chữ ký xác nhận"),
    ("COVERAGE_PARTIAL", "chữ ký không bao phủ trọn một phiên bản của tài liệu"),
    ("DIGEST_MISMATCH", "giá trị băm của nội dung khác với giá trị đã ký: nội dung đã bị thay đổi sau khi ký"),
    ("DSS_UNREADABLE", "không đọc được một phần dữ liệu xác minh (DSS) của tài liệu"),
    ("EVIDENCE_NOT_FETCHED", "không tải được dữ liệu kiểm tra trạng thái hoặc chứng thư số từ địa chỉ này"),
    ("EVIDENCE_OTHER_DOCUMENT", "gói bằng chứng thuộc về tài liệu khác; không chứng minh được gì ở đây"),
    ("EVIDENCE_UNPROVEN", "không dấu thời gian nào của gói bằng chứng hợp lệ; gói không chứng minh được gì"),
    ("HIDDEN_FIELD", "có trường biểu mẫu nằm ngoài biểu mẫu của tài liệu"),
    ("HIDDEN_LAYER", "có lớp nội dung bị tắt khi mở tài liệu"),
    ("HIDDEN_NOT_SEARCHED", "không tìm được hết nội dung ẩn của tài liệu"),
    ("HIDDEN_OBJECT_TWICE", "tệp có hai đối tượng cùng số trong một phiên bản; một đối tượng đang bị ẩn"),
    ("HIDDEN_OBJECT_UNLISTED", "tệp có đối tượng không nằm trong bảng tham chiếu"),
    ("HIDDEN_PAGE", "tệp có trang hoặc cây trang không thuộc tài liệu đang hiển thị"),
    ("HIDDEN_UNDER_ANNOTATION", "có chú thích hoặc trường biểu mẫu che nội dung bên dưới"),
    ("HIDDEN_UNDER_IMAGE", "có hình ảnh che chữ của trang"),
    ("HIDDEN_VALUE", "có trường biểu mẫu hiển thị nội dung khác với giá trị của nó"),
    ("NO_SIGNED_ATTRIBUTES", "chữ ký không có thuộc tính được ký: không gì gắn chứng thư với chữ ký"),
    ("PATH_ANCHOR_CONSTRAINTS", "đường dẫn chứng thực vượt giới hạn đặt ra cho gốc tin cậy"),
    ("PATH_BUDGET", "việc tìm đường dẫn chứng thực vượt giới hạn cho phép"),
    ("PATH_EXPIRED", "một chứng thư trong đường dẫn đã hết hạn"),
    ("PATH_EXTENDED_KEY_USAGE", "mục đích sử dụng mở rộng của một chứng thư không phù hợp"),
    ("PATH_KEY_USAGE", "mục đích sử dụng khóa của một chứng thư không phù hợp"),
    ("PATH_LENGTH", "đường dẫn chứng thực dài hơn mức CA cho phép"),
    ("PATH_MALFORMED", "một chứng thư trong đường dẫn sai cấu trúc"),
    ("PATH_NAME_CHAINING", "tên chủ thể và tên bên cấp trong đường dẫn không khớp"),
    ("PATH_NAME_CONSTRAINTS", "tên trong chứng thư nằm ngoài phạm vi CA được cấp"),
    ("PATH_NOT_A_CA", "một chứng thư không phải của CA lại được dùng để cấp chứng thư"),
    ("PATH_NOT_YET_VALID", "một chứng thư trong đường dẫn chưa có hiệu lực"),
    ("PATH_NO_ANCHOR", "không có đường dẫn chứng thực tới gốc tin cậy đã khai báo"),
    ("PATH_POLICY", "đường dẫn chứng thực không đáp ứng chính sách chứng thư"),
    ("PATH_SIGNATURE", "chữ ký trên một chứng thư trong đường dẫn không đúng"),
    ("PATH_UNKNOWN_CRITICAL_EXTENSION", "một chứng thư có phần mở rộng bắt buộc mà phần mềm không hiểu"),
    ("PATH_UNSUPPORTED_ALGORITHM", "thuật toán của một chứng thư trong đường dẫn chưa được hỗ trợ"),
    ("PDF_AFTER_END", "có dữ liệu sau phần kết thúc của tài liệu"),
    ("PDF_BEFORE_HEADER", "có dữ liệu trước phần đầu của tài liệu"),
    ("PDF_DUPLICATE_KEY", "một từ điển PDF có khóa bị lặp"),
    ("PDF_FIELD_TWICE", "một trường biểu mẫu xuất hiện hai lần"),
    ("PDF_FIELD_UNREADABLE", "không đọc được một trường biểu mẫu"),
    ("PDF_REVISION_END", "một phiên bản của tài liệu không kết thúc đúng cách"),
    ("PDF_SIZE", "bảng tham chiếu của tài liệu khai thiếu số đối tượng"),
    ("PDF_STARTXREF_APART", "vị trí startxref của tài liệu không nằm ngay sau bảng tham chiếu"),
    ("PDF_STARTXREF_VALUE", "giá trị startxref của tài liệu không đúng"),
    ("PDF_USAGE_RIGHTS", "có chữ ký cấp quyền sử dụng của hãng phần mềm; đó không phải chữ ký của người ký nào"),
    ("PDF_XREF_CONFLICT", "bảng tham chiếu của tài liệu mâu thuẫn: hai phần mềm có thể thấy hai nội dung khác nhau"),
    ("PDF_XREF_DANGLING", "bảng tham chiếu trỏ tới đối tượng không tồn tại"),
    ("PDF_XREF_ENTRY_LENGTH", "một dòng của bảng tham chiếu sai độ dài"),
    ("PDF_XREF_ESCAPE", "bảng tham chiếu của một phiên bản trỏ ra ngoài phiên bản đó"),
    ("PDF_XREF_OFFSET", "một vị trí trong bảng tham chiếu không trỏ đúng đối tượng"),
    ("PDF_XREF_ORDER", "các phần của bảng tham chiếu không theo thứ tự"),
    ("PDF_XREF_SURPLUS", "bảng tham chiếu có phần thừa"),
    ("REVOCATION_UNCHECKED", "không kiểm tra thu hồi: chứng thư đã thu hồi vẫn được chấp nhận"),
    ("REVOCATION_UNKNOWN", "chưa biết tình trạng thu hồi của chứng thư"),
    ("SCAN_LARGER_THAN_A4", "trang quét lớn hơn khổ A4; trang PDF giữ kích thước thật của ảnh"),
    ("SCAN_NOT_IN_COLOUR", "trang quét đen trắng, trong khi quy định yêu cầu ảnh màu"),
    ("SCAN_RESOLUTION", "độ phân giải của trang quét thấp hơn 200 dpi"),
    ("SCAN_SIZE_UNKNOWN", "tệp ảnh không ghi độ phân giải; ảnh được đặt vừa trang A4"),
    ("SIGNATURES_UNREADABLE", "không đọc được các chữ ký của tài liệu"),
    ("SIGNATURE_COUNT_UNEXPECTED", "số chữ ký tìm thấy không đúng với số chữ ký được yêu cầu"),
    ("SIGNATURE_DIRECT", "từ điển chữ ký không phải là đối tượng gián tiếp"),
    ("SIGNATURE_DUPLICATE_KEY", "từ điển chữ ký có khóa bị lặp"),
    ("SIGNATURE_FORMAT", "chữ ký không có đủ thành phần mà định dạng yêu cầu"),
    ("SIGNATURE_LOCK", "từ điển khóa trường ghi sai loại; được hiểu là khóa mọi trường"),
    ("SIGNATURE_OVERRIDDEN", "một phiên bản sau đã thay thế từ điển chữ ký"),
    ("SIGNATURE_PERMISSION", "mức cho phép thay đổi ghi sai; được hiểu là không cho thay đổi"),
    ("SIGNATURE_PLACEHOLDER", "trường đã dành chỗ cho chữ ký nhưng chữ ký chưa được đưa vào"),
    ("SIGNATURE_REFERENCE", "không đọc được phần /Reference của chữ ký"),
    ("SIGNATURE_REMOVED", "một phiên bản sau đã gỡ chữ ký khỏi trường của nó"),
    ("SIGNATURE_UNREADABLE", "không đọc được từ điển chữ ký"),
    ("SIGNATURE_VALUE_MISMATCH", "giá trị chữ ký không khớp với khóa công khai của người ký"),
    ("SIGNATURE_WITHOUT_FIELD", "chữ ký chứng nhận không nằm trong trường biểu mẫu nào"),
    ("SIGNED_ATTRIBUTES", "thuộc tính được ký vi phạm quy định của định dạng"),
    ("SIGNED_BEFORE_VALIDITY", "chữ ký tồn tại từ trước khi chứng thư số có hiệu lực"),
    ("SIGNER_COUNT", "chữ ký trong PDF phải có đúng một người ký"),
    ("SIGNER_ID_MISMATCH", "định danh người ký chỉ tới chứng thư khác với chứng thư nêu trong thuộc tính được ký"),
    ("SIGNER_NOT_FOUND", "không có chữ ký hợp lệ của người ký được yêu cầu"),
    ("SIGNING_CERTIFICATE_MISMATCH", "chứng thư kèm theo không phải chứng thư mà chữ ký nêu"),
    ("SIGNING_CERTIFICATE_MISSING", "không có chứng thư số của người ký"),
    ("SIGNING_CERTIFICATE_UNBOUND", "chữ ký thiếu thuộc tính ràng buộc với chứng thư số của người ký"),
    ("SUB_FILTER_UNSUPPORTED", "loại chữ ký (/SubFilter) chưa được hỗ trợ"),
    ("TIMESTAMP_BEFORE_CERTIFICATE", "dấu thời gian có trước khi chứng thư của bên cấp dấu thời gian có hiệu lực"),
    (
        "TIMESTAMP_IMPRINT_MISMATCH",
        "dấu thời gian được cấp cho dữ liệu khác: bị chép từ nơi khác hoặc dữ liệu đã thay đổi",
    ),
    ("TIMESTAMP_ORDER", "thời điểm của dấu thời gian mâu thuẫn với bằng chứng khác"),
    ("TIMESTAMP_TYPE", "dấu thời gian của tài liệu không ghi đúng /Type /DocTimeStamp"),
    ("TIMESTAMP_UNREADABLE", "không đọc được dấu thời gian"),
    ("TRUST_NONE", "chưa khai báo gốc tin cậy nào: không chữ ký nào có thể được coi là hợp lệ"),
    ("TSA_KEY_USAGE", "chứng thư của bên cấp dấu thời gian không dành riêng cho việc này"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every finding that a report shows to a person has its sentence: the sources are searched for their codes.
    #[test]
    fn every_warning_and_fault_has_a_sentence() {
        let mut missing = Vec::new();
        for module in ["validate", "pdf", "cms", "path"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module);
            for file in std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
                let Ok(text) = std::fs::read_to_string(&file) else { continue };
                let code = text.split("#[cfg(test)]").next().unwrap();
                for call in ["Finding::warning(\"", "Finding::error(\"", "fault(\"", "=> \"PATH_", "unreadable(\""] {
                    let prefix = call.rsplit('"').next().unwrap();
                    for rest in code.split(call).skip(1) {
                        let found = format!("{prefix}{}", rest.split('"').next().unwrap());
                        let is_code = found.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
                        if is_code && vietnamese(&found).is_none() {
                            missing.push(found);
                        }
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn the_catalogue_is_sorted_and_has_each_code_once() {
        assert!(VIETNAMESE.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(vietnamese("BYTE_RANGE_FORM"), Some("/ByteRange không đúng dạng bốn số nguyên"));
        assert_eq!(vietnamese("NO_SUCH_CODE"), None);
    }
}
