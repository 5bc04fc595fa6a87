//! The result of checking one signature with the eight pieces of information that Article 6
//! of Circular 15/2025/TT-BKHCN demands (T8).

use crate::profile::vietnam::time::local_time;
use crate::profile::vietnam::time::local_time_as_utc;
use crate::time::Time;
use crate::validate::Indication;
use crate::validate::Integrity;
use crate::validate::Language;
use crate::validate::Overall;
use crate::validate::Report;
use crate::validate::SignatureReport;
use crate::validate::Standing;
use crate::validate::TimeProof;

/// One piece of information.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// A stable name, for JSON.
    pub name: &'static str,
    /// The label, in Vietnamese.
    pub label: &'static str,
    /// What was found, in Vietnamese, on one line.
    pub value: String,
}

/// The eight pieces of information about one signature, in Vietnamese.
///
/// The circular speaks of valid and invalid; its Annex II demands a warning where the
/// status cannot be found out. So there is a third result, which is no valid one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultSheet {
    lines: [Line; 8],
    remarks: Vec<String>,
}

impl ResultSheet {
    /// The sheet of one signature of a report.
    #[must_use]
    pub fn of(signature: &SignatureReport, report: &Report) -> Self {
        let validation_time = report.validation_time();
        let unknown = || "không có thông tin".to_owned();
        let line = |name, label, value: Option<String>| Line {
            name,
            label,
            value: value.filter(|v| !v.is_empty()).map_or_else(unknown, |v| plain(&v)),
        };
        let signer = signature.signer();
        let named = |name: &str, whole: &str| if name.is_empty() { whole.to_owned() } else { name.to_owned() };
        let period = signer.map(|s| format!("từ {} đến {}", local_time(s.not_before), local_time(s.not_after)));
        let lines = [
            line("result", "Kết quả", Some(result(signature))),
            line("signer", "Người ký", signer.map(|s| named(&s.subject_name, &s.subject))),
            line("issuer", "Tổ chức cấp chứng thư", signer.map(|s| named(&s.issuer_name, &s.issuer))),
            line("managing_body", "Cơ quan quản lý chứng thư", signer.and_then(|s| s.issuer_organisation.clone())),
            line("time", "Thời điểm ký", Some(time(signature))),
            line("integrity", "Tính toàn vẹn", Some(integrity(signature).to_owned())),
            line("validity_at_signing", "Hiệu lực tại thời điểm ký", Some(standing(signature))),
            line("certificate_period", "Thời hạn chứng thư", period),
        ];
        let mut remarks = Vec::new();
        if let Some(meant) = local_time_as_utc(signature, validation_time) {
            remarks.push(format!(
                "thời điểm ký được khai muộn hơn thực tế 7 giờ vì giờ Việt Nam bị ghi thành giờ UTC; thời điểm đúng \
                 có thể là {}; thời điểm khai không phải là bằng chứng",
                local_time(meant)
            ));
        }
        Self { lines, remarks }
    }

    /// The eight, in the order in which they are shown.
    #[must_use]
    pub const fn lines(&self) -> &[Line; 8] {
        &self.lines
    }

    /// What else has to be said, in Vietnamese.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// The sheet as text, a line each.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for line in &self.lines {
            let pad = 27_usize.saturating_sub(line.label.chars().count());
            out.push_str(line.label);
            out.push(':');
            out.extend(std::iter::repeat_n(' ', pad));
            out.push_str(&line.value);
            out.push('\n');
        }
        for remark in &self.remarks {
            out.push_str("Lưu ý: ");
            out.push_str(remark);
            out.push('\n');
        }
        out
    }
}

fn result(signature: &SignatureReport) -> String {
    let language = Language::Vietnamese;
    match signature.indication() {
        Indication::TotalPassed(_) => "HỢP LỆ".to_owned(),
        Indication::TotalFailed(why) => format!("KHÔNG HỢP LỆ: {}", language.failure(*why)),
        Indication::Indeterminate(why) => format!("CHƯA XÁC ĐỊNH ĐƯỢC: {}", language.indeterminacy(*why)),
    }
}

fn time(signature: &SignatureReport) -> String {
    let proven = |tsa: &str| format!("{} (dấu thời gian của {tsa})", local_time(signature.best_signature_time()));
    match signature.time_proof() {
        TimeProof::SignatureTimestamp { tsa }
        | TimeProof::ArchiveTimestamp { tsa }
        | TimeProof::DocumentTimestamp { tsa, .. } => proven(tsa),
        TimeProof::EvidencePackage { tsa } => {
            format!("trước {} (gói bằng chứng, dấu thời gian của {tsa})", local_time(signature.best_signature_time()))
        }
        _ => match signature.claimed_signing_time() {
            Some(claimed) => format!("{} (do người ký khai, không có dấu thời gian)", local_time(claimed)),
            None => String::new(),
        },
    }
}

const fn integrity(signature: &SignatureReport) -> &'static str {
    match signature.integrity() {
        Integrity::Intact => "dữ liệu đã ký còn nguyên vẹn",
        Integrity::Broken => "dữ liệu hoặc chữ ký đã bị thay đổi",
        Integrity::Undetermined => "chưa kiểm tra được",
    }
}

/// At the best signature time, which is said where it is not a time-stamp's.
fn standing(signature: &SignatureReport) -> String {
    let at = |time: Time| local_time(time);
    let said = match signature.certificate_standing() {
        Standing::Valid => "chứng thư số có hiệu lực".to_owned(),
        Standing::NotYetValid => "chứng thư số chưa có hiệu lực".to_owned(),
        Standing::Expired => "chứng thư số đã hết hạn".to_owned(),
        Standing::Revoked { time } => format!("chứng thư số đã bị thu hồi từ {}", at(time)),
        _ => "chưa biết tình trạng chứng thư số".to_owned(),
    };
    match signature.time_proof() {
        TimeProof::ValidationTime if signature.indication().overall() != Overall::NoSignature => {
            format!("{said} (tính tại {}, vì không có bằng chứng về thời điểm ký)", at(signature.best_signature_time()))
        }
        _ => said,
    }
}

/// Text out of certificates, on one line and in the order in which it stands.
fn plain(text: &str) -> String {
    let turns = |c: char| {
        matches!(
            c,
            '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
        )
    };
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{FFFD}' } else { c }).collect()
}
