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
    ("BYTE_RANGE_FORM", "/ByteRange không đúng dạng bốn số nguyên"),
    ("BYTE_RANGE_GAP", "khoảng trống của /ByteRange không trùng với /Contents của chữ ký"),
    ("BYTE_RANGE_VALUES", "/ByteRange không bắt đầu từ đầu tệp hoặc nằm ngoài tệp"),
    ("COVERAGE_PARTIAL", "chữ ký không bao phủ trọn một phiên bản của tài liệu"),
    ("PDF_AFTER_END", "có dữ liệu sau phần kết thúc của tài liệu"),
    ("PDF_BEFORE_HEADER", "có dữ liệu trước phần đầu của tài liệu"),
    ("PDF_DUPLICATE_KEY", "một từ điển PDF có khóa bị lặp"),
    ("PDF_FIELD_TWICE", "một trường biểu mẫu xuất hiện hai lần"),
    ("PDF_FIELD_UNREADABLE", "không đọc được một trường biểu mẫu"),
    ("PDF_XREF_CONFLICT", "bảng tham chiếu của tài liệu mâu thuẫn: hai phần mềm có thể thấy hai nội dung khác nhau"),
    ("SIGNATURE_DIRECT", "từ điển chữ ký không phải là đối tượng gián tiếp"),
    ("SIGNATURE_DUPLICATE_KEY", "từ điển chữ ký có khóa bị lặp"),
    ("SIGNATURE_OVERRIDDEN", "một phiên bản sau đã thay thế từ điển chữ ký"),
    ("SIGNATURE_REMOVED", "một phiên bản sau đã gỡ chữ ký khỏi trường của nó"),
    ("SIGNATURE_WITHOUT_FIELD", "chữ ký chứng nhận không nằm trong trường biểu mẫu nào"),
    ("TIMESTAMP_TYPE", "dấu thời gian của tài liệu không ghi đúng /Type /DocTimeStamp"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_has_each_code_once() {
        assert!(VIETNAMESE.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(vietnamese("BYTE_RANGE_FORM"), Some("/ByteRange không đúng dạng bốn số nguyên"));
        assert_eq!(vietnamese("NO_SUCH_CODE"), None);
    }
}
