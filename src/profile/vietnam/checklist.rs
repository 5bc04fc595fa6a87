//! The requirements of Circular 15/2025/TT-BKHCN, Articles 5 and 6, and who meets each.

/// A requirement on signing software (K1 to K12, Article 5) or on checking software (T1 to T8, Article 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Requirement {
    /// The code in the checklist.
    pub code: &'static str,
    /// What is required, in Vietnamese.
    pub vi: &'static str,
    /// What is required, in English.
    pub en: &'static str,
    /// The functions that meet it.
    functions: &'static [&'static str],
    /// What remains for the host software: in Vietnamese and in English. `None`: nothing.
    pub host: Option<(&'static str, &'static str)>,
}

impl Requirement {
    /// The functions that meet it, by their paths; empty where it is the host's duty alone.
    #[must_use]
    pub fn functions(&self) -> Vec<String> {
        let clean = |path: &&str| {
            let path = path.replace(' ', "");
            path.split_once("::").map_or_else(|| path.clone(), |(_, rest)| format!("kyso::{rest}"))
        };
        self.functions.iter().map(clean).collect()
    }
}

/// The paths as texts; that there is something under each, the compiler has seen.
macro_rules! functions {
    ($($path:path),* $(,)?) => {{
        const _: () = { $(let _ = $path;)* };
        &[$(stringify!($path)),*]
    }};
}

const fn requirement(
    code: &'static str,
    vi: &'static str,
    en: &'static str,
    functions: &'static [&'static str],
    host: Option<(&'static str, &'static str)>,
) -> Requirement {
    Requirement { code, vi, en, functions, host }
}

/// K1 to K12 and T1 to T8.
///
/// From a near-final text of the circular, not the gazette.
pub const CHECKLIST: &[Requirement] = &[
    requirement(
        "K1",
        "kiểm tra thông tin người ký và hiệu lực chứng thư số trước khi cho phép ký",
        "check the signer's identity and the certificate's validity before permitting to sign",
        functions![
            crate::sign::PreSignCheck::new,
            crate::sign::PreSignCheck::require_valid,
            crate::sign::check_certificate
        ],
        Some(("gọi kiểm tra này trước mỗi lần ký", "call it before each signing")),
    ),
    requirement(
        "K2",
        "ký bằng khóa nằm trong thiết bị đáp ứng quy định, kể cả khi ủy quyền",
        "sign with the key inside of a compliant device, also by delegation",
        functions![crate::sign::pades::PadesRequest::sign, crate::sign::pades::PadesRequest::prepare],
        Some(("chọn thiết bị hoặc dịch vụ ký đáp ứng quy định", "choose a compliant device or signing service")),
    ),
    requirement(
        "K3",
        "chuyển đổi văn bản sang định dạng được khuyến nghị",
        "convert documents to the recommended formats",
        &[],
        Some(("chuyển đổi sang PDF trước khi ký", "convert to PDF before signing")),
    ),
    requirement(
        "K4",
        "gắn chữ ký, chứng thư số và thời điểm ký vào thông điệp dữ liệu",
        "attach signature, certificate and signing time",
        functions![crate::sign::pades::PadesRequest::new, crate::sign::cades::CadesRequest::new],
        None,
    ),
    requirement(
        "K5",
        "cài đặt, cập nhật chứng thư số của NEAC, CA công cộng, danh sách tin cậy nước ngoài",
        "install and update certificates of the national root, the public CAs and the foreign trusted list",
        functions![crate::profile::vietnam::TrustPreset::load, crate::trust::TrustSet::add],
        Some(("tải các tệp chứng thư từ nguồn chính thức", "obtain the files from the official source")),
    ),
    requirement(
        "K6",
        "gắn dấu thời gian khi pháp luật yêu cầu",
        "attach a time-stamp where the law requires",
        functions![
            crate::sign::pades::PadesRequest::sign_timestamped,
            crate::sign::cades::CadesRequest::sign_timestamped
        ],
        Some(("biết khi nào pháp luật yêu cầu; đăng ký dịch vụ", "know when the law does; subscribe to a service")),
    ),
    requirement(
        "K7",
        "bảo đảm tính toàn vẹn của dữ liệu được ký",
        "keep the integrity of the signed data",
        functions![crate::sign::pades::PadesRequest::sign, crate::validate::SignatureReport::integrity],
        None,
    ),
    requirement(
        "K8",
        "kiểm tra chứng thư số: thông tin, đường dẫn tới gốc quốc gia hoặc danh sách tin cậy, Phụ lục II",
        "check the certificate: identity, path to the national root or trusted list, Annex II",
        functions![crate::path::PathBuilder::build, crate::revocation::judge, crate::profile::vietnam::policy],
        None,
    ),
    requirement(
        "K9",
        "kết nối cổng kết nối dịch vụ chứng thực chữ ký số (eSign)",
        "connect to the eSign gateway",
        &[],
        Some((
            "kết nối HTTPS, tài khoản và mã truy cập của cổng; kết quả được đưa vào như mọi bằng chứng khác",
            "the HTTPS connection, the account and the token of the gateway; what it answers is given as other evidence is",
        )),
    ),
    requirement(
        "K10",
        "lưu trữ và hủy bỏ: chứng thư ký, CRL tại thời điểm ký, kết quả kiểm tra trạng thái",
        "store, and be able to destroy: signing certificate, CRL at signing time, result of the status check",
        functions![
            crate::evidence::PackageDraft::new,
            crate::evidence::EvidencePackage::to_octets,
            crate::evidence::EvidencePackage::from_octets
        ],
        Some(("lưu tệp gói bằng chứng và xóa khi cần", "keep the package as a file, and delete it")),
    ),
    requirement(
        "K11",
        "thêm, xóa, liệt kê chứng thư số của các CA",
        "add, remove and list the certificates of CAs",
        functions![
            crate::trust::TrustSet::add,
            crate::trust::TrustSet::remove,
            crate::trust::TrustSet::anchors,
            crate::trust::TrustSet::to_pem
        ],
        None,
    ),
    requirement(
        "K12",
        "thông báo bằng tiếng Việt: hiệu lực, thành công hay thất bại; tải tệp đã ký",
        "messages in Vietnamese: validity, success or failure; download of the signed file",
        functions![crate::validate::Report::to_text, crate::profile::vietnam::ResultSheet::to_text],
        Some(("hiển thị và cho tải tệp", "show it, and offer the file")),
    ),
    requirement(
        "T1",
        "chữ ký khớp với khóa công khai trong chứng thư số",
        "the signature matches the public key in the certificate",
        functions![crate::validate::Validator::pdf, crate::validate::Validator::cms],
        None,
    ),
    requirement(
        "T2",
        "đường dẫn tới gốc quốc gia hoặc danh sách tin cậy",
        "a path to the national root or the trusted list",
        functions![crate::path::PathBuilder::build, crate::validate::SignatureReport::trust_set],
        None,
    ),
    requirement(
        "T3",
        "các kiểm tra tại Phụ lục II",
        "the checks of Annex II",
        functions![crate::profile::vietnam::policy, crate::validate::SignatureReport::certificate_standing],
        Some(("lấy CRL hoặc hỏi OCSP trực tuyến khi chưa có", "fetch the CRL, or ask OCSP, where none is at hand")),
    ),
    requirement(
        "T4",
        "tính toàn vẹn: giải mã, tính lại giá trị băm, so sánh",
        "integrity: decrypt, compute the digest again, compare",
        functions![crate::validate::SignatureReport::integrity, crate::validate::SignatureReport::coverage],
        None,
    ),
    requirement(
        "T5",
        "cập nhật dữ liệu tin cậy; thêm, xóa, liệt kê CA",
        "update trust material; add, remove and list CAs",
        functions![
            crate::profile::vietnam::TrustPreset::load,
            crate::trust::TrustSet::add,
            crate::trust::TrustSet::remove,
            crate::trust::TrustSet::anchors
        ],
        Some(("tải các tệp chứng thư từ nguồn chính thức", "obtain the files from the official source")),
    ),
    requirement(
        "T6",
        "kiểm tra dấu thời gian nếu có",
        "verify the time-stamp if there is one",
        functions![crate::validate::Validator::timestamp, crate::validate::SignatureReport::timestamps],
        None,
    ),
    requirement(
        "T7",
        "lưu trữ và hủy bỏ: chứng thư số, CRL tại thời điểm ký, kết quả",
        "store and destroy: certificate, CRL at signing time, result",
        functions![
            crate::evidence::PackageDraft::new,
            crate::evidence::EvidencePackage::to_octets,
            crate::validate::Report::to_json
        ],
        Some(("lưu các tệp và xóa khi cần", "keep the files, and delete them")),
    ),
    requirement(
        "T8",
        "kết quả hợp lệ hay không hợp lệ bằng tiếng Việt với tám thông tin",
        "the result in Vietnamese, valid or invalid, with eight pieces of information",
        functions![crate::profile::vietnam::ResultSheet::of],
        None,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_requirement_is_answered_once_by_a_function_or_a_duty() {
        let codes: Vec<&str> = CHECKLIST.iter().map(|r| r.code).collect();
        let expected: Vec<String> = (1..=12).map(|n| format!("K{n}")).chain((1..=8).map(|n| format!("T{n}"))).collect();
        assert_eq!(codes, expected);
        for r in CHECKLIST {
            assert!(!r.functions().is_empty() || r.host.is_some(), "{}", r.code);
        }
        assert_eq!(CHECKLIST[2].functions(), Vec::<String>::new());
        assert_eq!(CHECKLIST[10].functions()[0], "kyso::trust::TrustSet::add");
    }
}
