//! Reports for a person: one screen, in Vietnamese or English.

use super::indication::Failure;
use super::indication::Indeterminacy;
use super::indication::Indication;
use super::indication::Overall;
use super::messages;
use super::report::Changes;
use super::report::Coverage;
use super::report::Integrity;
use super::report::Report;
use super::report::SignatureKind;
use super::report::SignatureReport;
use super::report::Standing;
use super::report::TimeProof;
use super::report::Wanted;
use super::report::WantedKind;
use crate::finding::Finding;
use crate::finding::Severity;
use crate::time::Time;

/// A language of texts for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Language {
    /// Vietnamese; times are given in Vietnam's time zone, UTC+7.
    Vietnamese,
    /// English; times are given in UTC.
    English,
}

/// Lines on findings and changes that one signature may fill.
const MOST_LINES: usize = 6;

impl Report {
    /// The report for a person: what was found, signature by signature, why
    /// something is not valid and what can be done.
    ///
    /// What comes out of the document (names, reasons) is stripped of control
    /// characters and of those that rearrange a line.
    #[must_use]
    pub fn to_text(&self, language: Language) -> String {
        let mut page = Page { language, out: String::new() };
        page.headline(self);
        for (index, signature) in self.signatures().iter().enumerate() {
            page.signature(index + 1, signature);
        }
        page.out
    }
}

impl Language {
    /// `vi` or `en`, with or without a region (RFC 5646, POSIX locale names).
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_', '.']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "vi" => Some(Self::Vietnamese),
            "en" => Some(Self::English),
            _ => None,
        }
    }

    const fn pick<'t>(self, vietnamese: &'t str, english: &'t str) -> &'t str {
        match self {
            Self::Vietnamese => vietnamese,
            Self::English => english,
        }
    }

    /// A finding's sentence. The catalogue says what the code means; what has no
    /// entry is said in English.
    #[must_use]
    pub fn finding(self, finding: &Finding) -> String {
        let message = match self {
            Self::Vietnamese => messages::vietnamese(finding.code())
                .or_else(|| crate::envelope::vietnamese(finding.code()))
                .unwrap_or_else(|| finding.message()),
            Self::English => finding.message(),
        };
        let message = plain(message);
        match finding.place() {
            Some(place) if !place.is_empty() => format!("{message} ({})", plain(place)),
            _ => message,
        }
    }

    /// Why a validation failed, in one sentence.
    #[must_use]
    pub const fn failure(self, failure: Failure) -> &'static str {
        messages::failure(failure, self)
    }

    /// Why a validation could not decide, in one sentence.
    #[must_use]
    pub const fn indeterminacy(self, indeterminacy: Indeterminacy) -> &'static str {
        messages::indeterminacy(indeterminacy, self)
    }

    fn time(self, time: Time) -> String {
        match self {
            // The order and zone that Decree 30/2020 wants on a signature block.
            Self::Vietnamese => {
                let c = time.civil(420);
                format!("{:02}/{:02}/{} {:02}:{:02}:{:02} +07:00", c.day, c.month, c.year, c.hour, c.minute, c.second)
            }
            Self::English => {
                let c = time.civil(0);
                format!("{}-{:02}-{:02} {:02}:{:02}:{:02} UTC", c.year, c.month, c.day, c.hour, c.minute, c.second)
            }
        }
    }

    const fn verdict(self, overall: Overall) -> &'static str {
        match overall {
            Overall::NoSignature => self.pick("KHÔNG CÓ CHỮ KÝ", "NO SIGNATURE"),
            Overall::TotalPassed => self.pick("HỢP LỆ", "VALID"),
            Overall::Indeterminate => self.pick("CHƯA XÁC ĐỊNH ĐƯỢC", "NOT DECIDED"),
            Overall::TotalFailed => self.pick("KHÔNG HỢP LỆ", "NOT VALID"),
        }
    }
}

struct Page {
    language: Language,
    out: String,
}

impl Page {
    fn headline(&mut self, report: &Report) {
        let l = self.language;
        let total = report.signatures().len();
        let passed = report.signatures().iter().filter(|s| matches!(s.indication(), Indication::TotalPassed(_)));
        let passed = passed.count();
        let verdict = l.verdict(report.overall());
        self.out.push_str(&match (l, total) {
            (Language::Vietnamese, 0) => format!("{verdict}: không tìm thấy chữ ký số nào.\n"),
            (Language::English, 0) => format!("{verdict}: no digital signature was found.\n"),
            (Language::Vietnamese, _) => format!("{verdict}: {passed}/{total} chữ ký hợp lệ.\n"),
            (Language::English, _) => format!("{verdict}: {passed} of {total} signatures valid.\n"),
        });
        let sets: Vec<String> = report.trust().iter().map(|s| format!("\"{}\"", plain(&s.name))).collect();
        let sets = if sets.is_empty() { l.pick("chưa khai báo", "none stated").to_owned() } else { sets.join(", ") };
        let at = l.time(report.validation_time());
        let policy = format!("{} {}", plain(report.policy_name()), plain(report.policy_version()));
        self.out.push_str(&match l {
            Language::Vietnamese => {
                format!("Kiểm tra cho thời điểm {at}.\nChính sách: {policy}. Nguồn tin cậy: {sets}.\n")
            }
            Language::English => format!("Checked for {at}.\nPolicy: {policy}. Trust sets: {sets}.\n"),
        });
        for stamp in report.evidence() {
            let (at, verdict) = (l.time(stamp.best_signature_time()), l.verdict(stamp.indication().overall()));
            let why = stamp.indication().sub_indication().map_or(String::new(), |w| format!(" ({w})"));
            let label = l.pick("Gói bằng chứng", "Evidence package");
            self.out.push_str(&format!("{label}: {at}: {verdict}{why}\n"));
        }
        self.findings(report.findings(), "");
    }

    fn signature(&mut self, number: usize, s: &SignatureReport) {
        let l = self.language;
        let kind = match s.kind() {
            SignatureKind::Signature => l.pick("Chữ ký", "Signature"),
            SignatureKind::DocumentTimestamp => l.pick("Dấu thời gian của tài liệu", "Document time-stamp"),
            _ => l.pick("Dấu thời gian", "Time-stamp"),
        };
        let name = if s.name().is_empty() { String::new() } else { format!(" \"{}\"", plain(s.name())) };
        let verdict = l.verdict(s.indication().overall());
        self.out.push_str(&format!("\n{number}. {kind}{name}: {verdict}\n"));
        self.why(s);
        if let Some(signer) = s.signer() {
            self.row(l.pick("Người ký", "Signed by"), &or_subject(&signer.subject_name, &signer.subject));
            self.row(l.pick("Bên cấp chứng thư", "Issued by"), &or_subject(&signer.issuer_name, &signer.issuer));
            if let Some(body) = &signer.issuer_organisation {
                self.row(l.pick("Cơ quan quản lý", "Managed by"), &plain(body));
            }
            let (from, to) = (l.time(signer.not_before), l.time(signer.not_after));
            self.row(
                l.pick("Hạn chứng thư", "Certificate"),
                &match l {
                    Language::Vietnamese => format!("từ {from} đến {to}"),
                    Language::English => format!("valid from {from} to {to}"),
                },
            );
        }
        self.times(s);
        self.content(s);
        if let Some(set) = s.trust_set() {
            self.row(l.pick("Tin cậy theo", "Trusted under"), &format!("\"{}\"", plain(set)));
        }
        let format = match s.level() {
            Some(level) => format!("{} {}", s.format().name(), level.name()),
            None => s.format().name().to_owned(),
        };
        self.row(l.pick("Định dạng", "Format"), &format);
        for timestamp in s.timestamps() {
            let verdict = l.verdict(timestamp.indication().overall());
            let why = timestamp.indication().sub_indication().map_or(String::new(), |w| format!(" ({w})"));
            let at = l.time(timestamp.best_signature_time());
            self.row(l.pick("Dấu thời gian", "Time-stamp"), &format!("{at}: {verdict}{why}"));
        }
        for counter in s.counter_signatures() {
            let verdict = l.verdict(counter.indication().overall());
            let why = counter.indication().sub_indication().map_or(String::new(), |w| format!(" ({w})"));
            let who = counter.signer().map_or(String::new(), |c| or_subject(&c.subject_name, &c.subject));
            self.row(l.pick("Chữ ký xác nhận", "Countersigned by"), &format!("{who}: {verdict}{why}"));
        }
        self.findings(s.findings(), "   ");
        self.advice(s);
    }

    /// The reason, first of all; nothing for what passed.
    fn why(&mut self, s: &SignatureReport) {
        let l = self.language;
        let (reason, code) = match s.indication() {
            Indication::TotalPassed(_) => return,
            Indication::TotalFailed(f) => (l.failure(*f), f.name()),
            Indication::Indeterminate(i) => (l.indeterminacy(*i), i.name()),
        };
        self.row(l.pick("Lý do", "Reason"), &format!("{reason} [{code}]"));
    }

    fn times(&mut self, s: &SignatureReport) {
        let l = self.language;
        if let Some(claimed) = s.claimed_signing_time() {
            let note = l.pick("do người ký khai", "as the signer states");
            self.row(l.pick("Thời điểm ký", "Signing time"), &format!("{} ({note})", l.time(claimed)));
        }
        let best = l.time(s.best_signature_time());
        let proof = match (s.time_proof(), l) {
            (TimeProof::ValidationTime, _) => {
                l.pick("chưa có bằng chứng thời gian", "no proof of an earlier time").into()
            }
            (TimeProof::EvidencePackage { tsa }, Language::Vietnamese) => {
                format!("gói bằng chứng, dấu thời gian của {}", plain(tsa))
            }
            (TimeProof::EvidencePackage { tsa }, Language::English) => {
                format!("evidence package, time-stamp of {}", plain(tsa))
            }
            (
                TimeProof::SignatureTimestamp { tsa }
                | TimeProof::ArchiveTimestamp { tsa }
                | TimeProof::DocumentTimestamp { tsa, .. },
                _,
            ) => format!("{} {}", l.pick("dấu thời gian của", "time-stamp of"), plain(tsa)),
            (TimeProof::Stated, _) => l.pick("do người kiểm tra khai", "as the caller states").to_owned(),
            (TimeProof::GenTime, _) => l.pick("ghi trong dấu thời gian", "as the time-stamp says").to_owned(),
        };
        self.row(l.pick("Tồn tại trước", "Existed by"), &format!("{best} ({proof})"));
        let standing = match s.certificate_standing() {
            Standing::Valid => l.pick("chứng thư số có hiệu lực", "the certificate was valid").to_owned(),
            Standing::NotYetValid => {
                l.pick("chứng thư số chưa có hiệu lực", "the certificate was not yet valid").into()
            }
            Standing::Expired => l.pick("chứng thư số đã hết hạn", "the certificate had expired").to_owned(),
            Standing::Revoked { time } => {
                let since = l.time(time);
                match l {
                    Language::Vietnamese => format!("chứng thư số đã bị thu hồi từ {since}"),
                    Language::English => format!("the certificate was revoked since {since}"),
                }
            }
            Standing::Unknown => {
                l.pick("chưa biết tình trạng chứng thư số", "the certificate's status is not known").to_owned()
            }
        };
        self.row(l.pick("Tại thời điểm đó", "At that time"), &standing);
    }

    fn content(&mut self, s: &SignatureReport) {
        let l = self.language;
        let integrity = match s.integrity() {
            Integrity::Intact => l.pick("nội dung đã ký còn nguyên vẹn", "the signed content is intact"),
            Integrity::Broken => l.pick("nội dung hoặc chữ ký ĐÃ BỊ THAY ĐỔI", "content or signature HAS BEEN ALTERED"),
            Integrity::Undetermined => l.pick("chưa kiểm tra được", "could not be checked"),
        };
        let coverage = match s.coverage() {
            None => "",
            Some(Coverage::WholeDocument) => l.pick("; bao phủ toàn bộ tài liệu", "; covers the whole document"),
            Some(Coverage::Revision) => {
                l.pick("; bao phủ một phiên bản của tài liệu", "; covers one revision of the document")
            }
            Some(_) => l.pick("; KHÔNG bao phủ toàn bộ tài liệu", "; does NOT cover the whole document"),
        };
        self.row(l.pick("Tính toàn vẹn", "Integrity"), &format!("{integrity}{coverage}"));
        let changes = match s.changes() {
            None | Some(Changes::None) => return,
            Some(Changes::Lta) => l.pick("dữ liệu xác minh, dấu thời gian", "validation data or time-stamps"),
            Some(Changes::Form) => l.pick("điền biểu mẫu hoặc ký thêm", "form filling or further signatures"),
            Some(Changes::Annotation) => l.pick("ghi chú", "annotations"),
            Some(_) => l.pick("nội dung tài liệu", "the document itself"),
        };
        let permitted = if s.changes_permitted() {
            l.pick("được phép", "permitted")
        } else {
            l.pick("KHÔNG được phép", "NOT permitted")
        };
        self.row(l.pick("Thay đổi sau ký", "Later changes"), &format!("{changes} ({permitted})"));
        if !s.changes_permitted() {
            for change in s.change_list().iter().take(MOST_LINES) {
                self.out.push_str(&format!("     - {}\n", plain(change)));
            }
            self.more(s.change_list().len());
        }
    }

    fn findings(&mut self, findings: &[Finding], indent: &str) {
        let l = self.language;
        let mut told: Vec<&Finding> = findings.iter().filter(|f| f.severity() != Severity::Info).collect();
        // What decides is not cut off by what does not.
        told.sort_by_key(|finding| finding.severity() != Severity::Error);
        for finding in told.iter().take(MOST_LINES) {
            let weight = match finding.severity() {
                Severity::Error => l.pick("Lỗi", "Fault"),
                _ => l.pick("Lưu ý", "Note"),
            };
            self.out.push_str(&format!("{indent}{weight}: {}\n", l.finding(finding)));
        }
        self.more(told.len());
    }

    fn more(&mut self, total: usize) {
        if let Some(rest @ 1..) = total.checked_sub(MOST_LINES) {
            self.out.push_str(&match self.language {
                Language::Vietnamese => format!("     ... và {rest} mục khác\n"),
                Language::English => format!("     ... and {rest} more\n"),
            });
        }
    }

    fn advice(&mut self, s: &SignatureReport) {
        let l = self.language;
        let advice = match s.indication() {
            Indication::TotalPassed(_) => return,
            Indication::TotalFailed(f) => messages::failure_advice(*f, l),
            Indication::Indeterminate(i) => messages::indeterminacy_advice(*i, l),
        };
        self.row(l.pick("Cần làm", "What to do"), advice);
        for wanted in s.wanted().iter().take(MOST_LINES) {
            self.out.push_str(&format!("     - {}\n", self.wanted(wanted)));
        }
        self.more(s.wanted().len());
    }

    fn wanted(&self, wanted: &Wanted) -> String {
        let l = self.language;
        let what = match wanted.what {
            WantedKind::Revocation => l.pick("tình trạng thu hồi của", "revocation status of"),
            WantedKind::IssuerCertificate => l.pick("chứng thư của bên cấp cho", "the issuer's certificate of"),
            WantedKind::TrustAnchor => l.pick("gốc tin cậy cho", "a trust anchor for"),
            WantedKind::SigningCertificate => l.pick("chứng thư số của người ký", "the signing certificate"),
            WantedKind::Content => l.pick("nội dung đã ký", "the signed content"),
            WantedKind::ProofOfExistence => {
                l.pick("bằng chứng thời gian trước đó cho", "a proof of an earlier time for")
            }
        };
        let mut line = format!("{what} {}", plain(&wanted.subject)).trim_end().to_owned();
        if let Some(request) = wanted.requests.first() {
            line.push_str(&format!(": {}", plain(&request.url)));
        }
        if let Some(time) = wanted.not_before {
            line.push_str(&format!(" ({} {})", l.pick("sau", "after"), l.time(time)));
        }
        line
    }

    fn row(&mut self, label: &str, value: &str) {
        let pad = 17_usize.saturating_sub(label.chars().count());
        self.out.push_str("   ");
        self.out.push_str(label);
        self.out.push(':');
        self.out.extend(std::iter::repeat_n(' ', pad + 1));
        self.out.push_str(value);
        self.out.push('\n');
    }
}

fn or_subject(name: &str, whole: &str) -> String {
    plain(if name.is_empty() { whole } else { name })
}

/// Text from outside, on one line and in the order in which it stands.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || rearranges(c) { '\u{FFFD}' } else { c }).collect()
}

/// Characters that change the order in which others are shown, or break a line.
pub(super) const fn rearranges(c: char) -> bool {
    matches!(
        c,
        '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_report_reads_as_its_snapshots() {
        let report = sample::report();
        sample::snapshot("report_vi.txt", &report.to_text(Language::Vietnamese));
        sample::snapshot("report_en.txt", &report.to_text(Language::English));
    }

    #[test]
    fn text_from_outside_cannot_break_or_turn_a_line() {
        let text = sample::report().to_text(Language::English);
        assert!(text.contains("\"Signature\u{FFFD}2\u{FFFD}\""));
        assert!(!text.chars().any(rearranges));
    }

    #[test]
    fn a_document_without_signatures_says_so() {
        let mut report = sample::report();
        report.signatures.clear();
        assert!(report.to_text(Language::Vietnamese).starts_with("KHÔNG CÓ CHỮ KÝ"));
        assert!(report.to_text(Language::English).starts_with("NO SIGNATURE"));
    }

    #[test]
    fn language_tags_with_regions() {
        assert_eq!(Language::from_tag("vi_VN.UTF-8"), Some(Language::Vietnamese));
        assert_eq!(Language::from_tag("en-GB"), Some(Language::English));
        assert_eq!(Language::from_tag("fr"), None);
    }
}
