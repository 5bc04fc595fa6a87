//! Instants. The crate never reads a clock: every time is handed in.

use std::fmt;
use std::time::Duration;

use crate::error::{Error, Format, Malformed};

/// An instant in UTC, to the nanosecond, between the years 0001 and 9999.
///
/// Leap seconds do not exist here, as in POSIX and X.509.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    seconds: i64,
    nanos: u32,
}

const MIN: i64 = -62_135_596_800;
const MAX: i64 = 253_402_300_799;

/// A calendar date and time of day, in some offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// 1 to 9999.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59.
    pub second: u8,
}

impl Time {
    /// Seconds since 1970-01-01T00:00:00Z; `None` outside the years 0001 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Option<Self> {
        if seconds < MIN || seconds > MAX { None } else { Some(Self { seconds, nanos: 0 }) }
    }

    /// From a host's clock reading. The crate itself never takes one.
    #[must_use]
    pub fn from_system(time: std::time::SystemTime) -> Option<Self> {
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(d) => Some(Self { nanos: d.subsec_nanos(), ..Self::from_unix(i64::try_from(d.as_secs()).ok()?)? }),
            Err(e) => Self::from_unix(-i64::try_from(e.duration().as_secs()).ok()?),
        }
    }

    /// From a UTC calendar date; `None` where it does not exist.
    #[must_use]
    pub fn from_civil(civil: Civil) -> Option<Self> {
        let Civil { year, month, day, hour, minute, second } = civil;
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        if day == 0 || day > days_in_month(year, month) {
            return None;
        }
        let days = days_from_civil(i64::from(year), i64::from(month), i64::from(day));
        Self::from_unix(days * 86_400 + i64::from(hour) * 3_600 + i64::from(minute) * 60 + i64::from(second))
    }

    /// With a fraction of a second; values of one second and more are cut to the last nanosecond.
    #[must_use]
    pub fn with_nanos(self, nanos: u32) -> Self {
        Self { nanos: nanos.min(999_999_999), ..self }
    }

    /// Whole seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.seconds
    }

    /// The fraction of a second, in nanoseconds.
    #[must_use]
    pub const fn nanos(self) -> u32 {
        self.nanos
    }

    /// Later by `d`, held at the end of the year 9999.
    #[must_use]
    pub fn saturating_add(self, d: Duration) -> Self {
        let nanos = self.nanos + d.subsec_nanos();
        let carry = i64::from(nanos / 1_000_000_000);
        let seconds = i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        Self {
            seconds: self.seconds.saturating_add(seconds).saturating_add(carry).min(MAX),
            nanos: nanos % 1_000_000_000,
        }
    }

    /// Earlier by `d`, held at the start of the year 0001.
    #[must_use]
    pub fn saturating_sub(self, d: Duration) -> Self {
        let (borrow, nanos) = if self.nanos >= d.subsec_nanos() {
            (0, self.nanos - d.subsec_nanos())
        } else {
            (1, self.nanos + 1_000_000_000 - d.subsec_nanos())
        };
        let seconds = i64::try_from(d.as_secs()).unwrap_or(i64::MAX);
        Self { seconds: self.seconds.saturating_sub(seconds).saturating_sub(borrow).max(MIN), nanos }
    }

    /// The calendar date in the zone `offset_minutes` east of UTC (Vietnam: 420).
    #[must_use]
    pub fn civil(self, offset_minutes: i16) -> Civil {
        let local = (self.seconds + i64::from(offset_minutes) * 60).clamp(MIN, MAX);
        let (days, rest) = (local.div_euclid(86_400), local.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let small = |n: i64| u8::try_from(n).unwrap_or(0);
        Civil {
            year: i32::try_from(year).unwrap_or(9999),
            month: small(month),
            day: small(day),
            hour: small(rest / 3_600),
            minute: small(rest / 60 % 60),
            second: small(rest % 60),
        }
    }

    /// RFC 3339 text, with any offset: `2026-11-23T08:00:00+07:00`.
    ///
    /// # Errors
    /// [`Error::Malformed`] where the text is not an RFC 3339 date and time.
    pub fn parse_rfc3339(text: &str) -> Result<Self, Error> {
        parse_rfc3339(text).ok_or_else(|| {
            Malformed::new(Format::Time, "time", "RFC 3339 as in 2026-11-23T08:00:00+07:00").found(text).into()
        })
    }

    /// RFC 3339 text in the zone `offset_minutes` east of UTC, to the second.
    #[must_use]
    pub fn to_rfc3339(self, offset_minutes: i16) -> String {
        let c = self.civil(offset_minutes);
        let zone = if offset_minutes == 0 {
            "Z".to_owned()
        } else {
            let sign = if offset_minutes < 0 { '-' } else { '+' };
            let m = offset_minutes.unsigned_abs();
            format!("{sign}{:02}:{:02}", m / 60, m % 60)
        };
        format!("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{zone}", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }

    /// An ASN.1 `GeneralizedTime` or `UTCTime` content, as RFC 5280 §4.1.2.5 and
    /// RFC 3161 §2.4.2 (fraction of seconds) have it. `utc` says which of the two.
    #[must_use]
    pub fn parse_asn1(text: &[u8], utc: bool) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (whole, fraction) = match text.split_once('.') {
            Some((w, f)) if !utc => (w, Some(f)),
            Some(_) => return None,
            None => (text, None),
        };
        if !whole.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (year, rest) = if utc {
            let y: i32 = whole.get(..2)?.parse().ok()?;
            (if y < 50 { 2000 + y } else { 1900 + y }, whole.get(2..)?)
        } else {
            (whole.get(..4)?.parse().ok()?, whole.get(4..)?)
        };
        // BER lets UTCTime leave out the seconds; old certificates do.
        if rest.len() != 10 && !(utc && rest.len() == 8) {
            return None;
        }
        let two = |i: usize| rest.get(i..i + 2).and_then(|s| s.parse::<u8>().ok());
        let second = if rest.len() == 8 { 0 } else { two(8)? };
        let time =
            Self::from_civil(Civil { year, month: two(0)?, day: two(2)?, hour: two(4)?, minute: two(6)?, second })?;
        Some(match fraction {
            None => time,
            Some(f) => time.with_nanos(fraction_nanos(f)?),
        })
    }

    /// `GeneralizedTime` content, seconds only: `20261123010000Z`.
    #[must_use]
    pub fn to_generalized(self) -> String {
        let c = self.civil(0);
        format!("{:04}{:02}{:02}{:02}{:02}{:02}Z", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }

    /// A PDF date (ISO 32000-2 §7.9.4), such as `D:20261123080000+07'00'`.
    ///
    /// Parts may be missing from the right; without a zone UTC is assumed,
    /// which a claimed time can bear.
    #[must_use]
    pub fn parse_pdf(text: &str) -> Option<Self> {
        let text = text.strip_prefix("D:").unwrap_or(text);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count().min(14);
        let (number, zone) = text.split_at(digits);
        let part = |from: usize, len: usize, default: u8| match number.get(from..from + len) {
            Some(s) => s.parse().ok(),
            None if number.len() <= from => Some(default),
            None => None,
        };
        let time = Self::from_civil(Civil {
            year: number.get(..4)?.parse().ok()?,
            month: part(4, 2, 1)?,
            day: part(6, 2, 1)?,
            hour: part(8, 2, 0)?,
            minute: part(10, 2, 0)?,
            second: part(12, 2, 0)?,
        })?;
        let mut zone = zone.chars();
        let sign = match zone.next() {
            None | Some('Z' | 'z') => return Some(time),
            Some('+') => 1,
            Some('-') => -1,
            Some(_) => return None,
        };
        let rest: String = zone.filter(char::is_ascii_digit).collect();
        let hours: i64 = rest.get(..2)?.parse().ok()?;
        let minutes: i64 = rest.get(2..4).map_or(Some(0), |m| m.parse().ok())?;
        if hours > 23 || minutes > 59 {
            return None;
        }
        Self::from_unix(time.seconds - sign * (hours * 3_600 + minutes * 60))
    }

    /// A PDF date in the zone `offset_minutes` east of UTC.
    #[must_use]
    pub fn to_pdf(self, offset_minutes: i16) -> String {
        let c = self.civil(offset_minutes);
        let zone = if offset_minutes == 0 {
            "Z".to_owned()
        } else {
            let sign = if offset_minutes < 0 { '-' } else { '+' };
            let m = offset_minutes.unsigned_abs();
            format!("{sign}{:02}'{:02}'", m / 60, m % 60)
        };
        format!("D:{:04}{:02}{:02}{:02}{:02}{:02}{zone}", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339(0))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Time {
    type Err = Error;

    fn from_str(s: &str) -> Result<Self, Error> {
        Self::parse_rfc3339(s)
    }
}

fn parse_rfc3339(text: &str) -> Option<Time> {
    let number = |from: usize, len: usize| {
        let s = text.get(from..from + len)?;
        if s.bytes().all(|b| b.is_ascii_digit()) { s.parse::<i32>().ok() } else { None }
    };
    let is = |i: usize, set: &str| text.get(i..=i).is_some_and(|c| set.contains(c));
    if !(is(4, "-") && is(7, "-") && is(10, "Tt ") && is(13, ":") && is(16, ":")) {
        return None;
    }
    let small = |from: usize| number(from, 2).and_then(|n| u8::try_from(n).ok());
    let time = Time::from_civil(Civil {
        year: number(0, 4)?,
        month: small(5)?,
        day: small(8)?,
        hour: small(11)?,
        minute: small(14)?,
        second: small(17)?,
    })?;
    let mut rest = text.get(19..)?;
    let mut nanos = 0;
    if let Some(r) = rest.strip_prefix('.') {
        let n = r.bytes().take_while(u8::is_ascii_digit).count();
        nanos = fraction_nanos(r.get(..n)?)?;
        rest = r.get(n..)?;
    }
    let offset = match rest {
        "Z" | "z" => 0,
        _ => {
            let sign = match rest.as_bytes().first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let (h, m) = rest.get(1..)?.split_once(':')?;
            let ok = |s: &str| s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit());
            if !ok(h) || !ok(m) {
                return None;
            }
            let (h, m): (i64, i64) = (h.parse().ok()?, m.parse().ok()?);
            if h > 23 || m > 59 {
                return None;
            }
            sign * (h * 3_600 + m * 60)
        }
    };
    Some(Time::from_unix(time.seconds - offset)?.with_nanos(nanos))
}

fn fraction_nanos(digits: &str) -> Option<u32> {
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut nanos = 0u32;
    for i in 0..9 {
        let digit = digits.as_bytes().get(i).map_or(0, |b| u32::from(b - b'0'));
        nanos = nanos * 10 + digit;
    }
    Some(nanos)
}

const fn leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i32, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

// Days since 1970-01-01 in the proleptic Gregorian calendar, counted in
// 400-year eras that begin on 1 March, so that the leap day comes last.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    let year = yoe + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calendar_round_trips_over_four_centuries() {
        for days in (-719_162..2_932_896).step_by(13) {
            let t = Time::from_unix(days * 86_400 + 3_723).unwrap();
            assert_eq!(Time::from_civil(t.civil(0)), Some(t));
        }
    }

    #[test]
    fn formats_agree_on_one_instant() {
        let t = Time::parse_rfc3339("2026-11-23T08:05:09+07:00").unwrap();
        assert_eq!(t.to_string(), "2026-11-23T01:05:09Z");
        assert_eq!(t.to_pdf(420), "D:20261123080509+07'00'");
        assert_eq!(Time::parse_pdf("D:20261123080509+07'00'"), Some(t));
        assert_eq!(Time::parse_asn1(b"20261123010509Z", false), Some(t));
        assert_eq!(Time::parse_asn1(b"261123010509Z", true), Some(t));
        assert_eq!(t.to_generalized(), "20261123010509Z");
    }

    #[test]
    fn refuses_what_no_calendar_has() {
        for bad in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01",
            "é026-01-01T00:00:00Z",
        ] {
            assert!(Time::parse_rfc3339(bad).is_err(), "{bad}");
        }
        assert_eq!(Time::parse_asn1(b"20260230000000Z", false), None);
        assert_eq!(Time::parse_asn1(b"2026023000000Z", false), None);
        assert_eq!(Time::parse_pdf("D:2026x"), None);
    }
}
