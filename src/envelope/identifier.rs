//! Identifiers of organisations and of documents.

use std::collections::BTreeMap;
use std::fmt;

use crate::envelope::value::Date;

/// The electronic identification code of an organisation, as it stands in a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct OrganId(String);

/// The rule that an [`OrganId`] follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// QCVN 102:2016: `000.00.00.H14`, 13 characters in groups of 3.2.2.3, read
    /// from right to left.
    Qcvn102,
    /// The same order with the empty groups left out, as some send it: `28.22.H17`.
    Qcvn102Short,
    /// Decision 20/2020/QĐ-TTg: `H14.28.22`, at most 35 characters, read from left to right.
    Decision20,
    /// Decision 20/2020/QĐ-TTg for an enterprise, a cooperative or a household: its
    /// registration code.
    Registration,
    /// Decision 20/2020/QĐ-TTg for others: `Z01` to `Z99` and up to 32 characters.
    Other,
}

impl Scheme {
    /// The name for people, in Vietnamese.
    #[must_use]
    pub const fn name_vi(self) -> &'static str {
        match self {
            Self::Qcvn102 => "mã định danh theo QCVN 102:2016",
            Self::Qcvn102Short => "mã định danh theo QCVN 102:2016, viết rút gọn",
            Self::Decision20 => "mã định danh theo Quyết định 20/2020/QĐ-TTg",
            Self::Registration => "mã số doanh nghiệp, hợp tác xã, hộ kinh doanh",
            Self::Other => "mã định danh của tổ chức khác",
        }
    }

    /// The name for people, in English.
    #[must_use]
    pub const fn name_en(self) -> &'static str {
        match self {
            Self::Qcvn102 => "identifier of QCVN 102:2016",
            Self::Qcvn102Short => "identifier of QCVN 102:2016, shortened",
            Self::Decision20 => "identifier of Decision 20/2020/QĐ-TTg",
            Self::Registration => "registration code of an enterprise, cooperative or household",
            Self::Other => "identifier of another organisation",
        }
    }
}

impl OrganId {
    /// The longest code that the 2022 amendment of QCVN 102 admits.
    pub const LONGEST: usize = 35;

    /// A code, whatever it is; [`scheme`](Self::scheme) says which rule it follows.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The rule that the code follows, or `None`: test systems use codes outside of every rule.
    #[must_use]
    pub fn scheme(&self) -> Option<Scheme> {
        let text = self.0.as_str();
        if text.is_empty() || text.len() > Self::LONGEST {
            return None;
        }
        if !text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'.') {
            return None;
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return (8..=14).contains(&text.len()).then_some(Scheme::Registration);
        }
        let groups: Vec<&str> = text.split('.').collect();
        if groups.iter().any(|g| g.is_empty()) {
            return None;
        }
        let (first, last) = (groups.first()?, groups.last()?);
        if let (&[rest], Some(b'Z')) = (groups.as_slice(), text.bytes().next()) {
            let coded = rest.get(1..3).is_some_and(|n| n != "00" && is_digits(n)) && rest.len() > 3;
            return coded.then_some(Scheme::Other);
        }
        if top(first) {
            return Some(Scheme::Decision20);
        }
        let lower = groups.get(..groups.len() - 1)?;
        if top_of_2016(last) && lower.iter().all(|g| is_digits(g)) {
            let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
            if lengths == [3, 2, 2, 3] {
                return Some(Scheme::Qcvn102);
            }
            if groups.len() < 4 && lower.iter().all(|g| (2..=3).contains(&g.len())) {
                return Some(Scheme::Qcvn102Short);
            }
        }
        None
    }

    /// The levels from the top down, whatever the order of writing; groups of
    /// zeros, which stand for no level, are left out.
    #[must_use]
    pub fn levels(&self) -> Option<Vec<&str>> {
        match self.scheme()? {
            Scheme::Qcvn102 | Scheme::Qcvn102Short => {
                let mut levels: Vec<&str> = self.0.rsplit('.').collect();
                while levels.last().is_some_and(|g| g.bytes().all(|b| b == b'0')) {
                    levels.pop();
                }
                Some(levels)
            }
            Scheme::Decision20 => Some(self.0.split('.').collect()),
            Scheme::Registration | Scheme::Other => Some(vec![&self.0]),
        }
    }
}

impl fmt::Display for OrganId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for OrganId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Which old code became which new one. The schemes share no rule, so only a
/// list (the national one, or the caller's) can tell.
#[derive(Clone, Debug, Default)]
pub struct IdentifierMap {
    current: BTreeMap<OrganId, OrganId>,
}

impl IdentifierMap {
    /// A map from pairs of former and current code.
    #[must_use]
    pub fn new(pairs: impl IntoIterator<Item = (OrganId, OrganId)>) -> Self {
        Self { current: pairs.into_iter().collect() }
    }

    /// The current code: that of the list, else the code itself.
    #[must_use]
    pub fn current<'i>(&'i self, id: &'i OrganId) -> &'i OrganId {
        self.current.get(id).unwrap_or(id)
    }

    /// Whether two codes name one organisation, as far as the list knows.
    #[must_use]
    pub fn same(&self, a: &OrganId, b: &OrganId) -> bool {
        self.current(a) == self.current(b)
    }
}

/// The identifier of a document, which every later message about it repeats.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct DocumentId(String);

/// The form of a [`DocumentId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentIdForm<'i> {
    /// The convention: code of the issuing organisation, date, number and symbol.
    Convention {
        /// The issuing organisation.
        organ: &'i str,
        /// The date of promulgation; `None` where the text is no date of the calendar.
        date: Option<Date>,
        /// `number/symbol`.
        code: &'i str,
    },
    /// A UUID, as newer systems send.
    Uuid,
    /// `organisation-year-number`.
    OrganYearNumber,
    /// None of these.
    Unknown,
}

impl DocumentId {
    /// An identifier, whatever it is; [`form`](Self::form) says which.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The identifier of the convention, `000.00.00.G22,2015/09/30,7816/VPCP-TTĐT`.
    #[must_use]
    pub fn of(organ: &OrganId, date: Date, number: &str, notation: &str) -> Self {
        Self(format!("{organ},{date},{number}/{notation}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form.
    #[must_use]
    pub fn form(&self) -> DocumentIdForm<'_> {
        let text = self.0.as_str();
        let mut parts = text.splitn(3, ',');
        if let (Some(organ), Some(date), Some(code)) = (parts.next(), parts.next(), parts.next()) {
            let shape = date.len() == 10 && date.bytes().all(|b| b.is_ascii_digit() || b == b'/');
            if shape && !organ.is_empty() && code.contains('/') {
                return DocumentIdForm::Convention { organ, date: date.parse().ok(), code };
            }
        }
        let groups: Vec<&str> = text.split('-').collect();
        let hex = |g: &&str| g.bytes().all(|b| b.is_ascii_hexdigit());
        if groups.iter().map(|g| g.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(hex) {
            return DocumentIdForm::Uuid;
        }
        if let [organ, year, number] = groups.as_slice()
            && !organ.is_empty()
            && year.len() == 4
            && is_digits(year)
            && is_digits(number)
        {
            return DocumentIdForm::OrganYearNumber;
        }
        DocumentIdForm::Unknown
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for DocumentId {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Level one of Decision 20/2020: a letter A to Y and two digits.
fn top(group: &str) -> bool {
    matches!(group.as_bytes(), [b'A'..=b'Y', b'0'..=b'9', b'0'..=b'9'])
}

/// Level one of 2016: three characters that begin with a letter and end in a digit.
fn top_of_2016(group: &str) -> bool {
    matches!(group.as_bytes(), [b'A'..=b'Z', b'0'..=b'9' | b'A'..=b'Z', b'0'..=b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_told_apart() {
        for (text, scheme) in [
            ("000.00.00.H14", Some(Scheme::Qcvn102)),
            ("001.00.20.TT2", Some(Scheme::Qcvn102)),
            ("28.22.H17", Some(Scheme::Qcvn102Short)),
            ("H14", Some(Scheme::Decision20)),
            ("G22.01.28", Some(Scheme::Decision20)),
            ("0100109106", Some(Scheme::Registration)),
            ("Z01ABC123", Some(Scheme::Other)),
            ("Z00ABC123", None),
            ("Z01", None),
            ("vxp.saas.03", None),
            ("", None),
            ("H14.", None),
            ("H14..01", None),
            ("0000.00.00.H14", None),
            ("H14.0123456789012345678901234567890123", None),
        ] {
            assert_eq!(OrganId::new(text).scheme(), scheme, "{text}");
        }
    }

    #[test]
    fn levels_run_from_the_top_in_both_orders() {
        assert_eq!(OrganId::new("000.00.00.H14").levels().unwrap(), ["H14"]);
        assert_eq!(OrganId::new("002.00.20.H13").levels().unwrap(), ["H13", "20", "00", "002"]);
        assert_eq!(OrganId::new("28.22.H17").levels().unwrap(), ["H17", "22", "28"]);
        assert_eq!(OrganId::new("H17.22.28").levels().unwrap(), ["H17", "22", "28"]);
    }

    #[test]
    fn only_a_list_joins_the_schemes() {
        let (old, new): (OrganId, OrganId) = ("000.00.00.H14".into(), "H14".into());
        assert!(!IdentifierMap::default().same(&old, &new));
        let map = IdentifierMap::new([(old.clone(), new.clone())]);
        assert!(map.same(&old, &new) && map.same(&new, &new));
        assert_eq!(map.current(&old), &new);
    }

    #[test]
    fn document_identifiers_have_their_forms() {
        let id = DocumentId::of(&"000.00.00.G22".into(), Date::new(2015, 9, 30).unwrap(), "7816", "VPCP-TTĐT");
        assert_eq!(id.as_str(), "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT");
        assert!(matches!(
            id.form(),
            DocumentIdForm::Convention { organ: "000.00.00.G22", date: Some(_), code: "7816/VPCP-TTĐT" }
        ));
        let wrong = DocumentId::new("000.00.00.G22,2014/02/30,7806/VPCP-TTĐT");
        assert!(matches!(wrong.form(), DocumentIdForm::Convention { date: None, .. }));
        assert_eq!(DocumentId::new("9fbfbad2-f1f8-4256-a2eb-50fb1061cddb").form(), DocumentIdForm::Uuid);
        assert_eq!(DocumentId::new("H14-2025-0012").form(), DocumentIdForm::OrganYearNumber);
        assert_eq!(DocumentId::new("x").form(), DocumentIdForm::Unknown);
    }
}
