//! Values as the message writes them, and what stands there when it does not.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;
use crate::error::Format;
use crate::error::Malformed;
use crate::time::Civil;
use crate::time::Time;

/// Minutes east of UTC in which every date and time of a message is written.
pub const VIETNAM: i16 = 420;

/// A value of a closed form, or the text that stood in its place.
///
/// Agencies send what the rules do not know; a reader that dropped it could
/// neither show it nor pass it on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_enums)] // known or not: there is no third
pub enum Coded<T> {
    /// A value that the rules know.
    Known(T),
    /// What stood there instead.
    Other(String),
}

impl<T> Coded<T> {
    /// The value, where the rules know it.
    pub const fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Other(_) => None,
        }
    }
}

impl<T: FromStr> From<&str> for Coded<T> {
    fn from(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Other(text.to_owned()), Self::Known)
    }
}

impl<T: fmt::Display> fmt::Display for Coded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => value.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A truth value that is written `0` or `1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(clippy::exhaustive_structs)]
pub struct Flag(pub bool);

impl FromStr for Flag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "0" => Ok(Self(false)),
            "1" => Ok(Self(true)),
            _ => Err(Malformed::new(Format::Envelope, "flag", "0 or 1").found(quoted(text)).into()),
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0 { "1" } else { "0" })
    }
}

/// A calendar date, `yyyy/MM/dd`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: i32,
    month: u8,
    day: u8,
}

impl Date {
    /// A date of the calendar; `None` where it does not exist.
    #[must_use]
    pub fn new(year: i32, month: u8, day: u8) -> Option<Self> {
        Time::from_civil(Civil { year, month, day, hour: 0, minute: 0, second: 0 })?;
        Some(Self { year, month, day })
    }

    /// The date in Vietnam at an instant.
    #[must_use]
    pub fn of(time: Time) -> Self {
        let c = time.civil(VIETNAM);
        Self { year: c.year, month: c.month, day: c.day }
    }

    /// 1 to 9999.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.year
    }

    /// 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Forms that stand in messages against the rule: `yyyy-MM-dd`, `dd/MM/yyyy`,
    /// missing leading zeros, a time of day behind.
    pub(super) fn parse_lenient(text: &str) -> Option<Self> {
        let date = text.split(['T', ' ']).next()?;
        let mut parts = date.split(['/', '-', '.']);
        let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || ![a, b, c].iter().all(|p| digits(p)) {
            return None;
        }
        let (year, day) = match (a.len(), c.len()) {
            (4, 1..=2) => (a, c),
            (1..=2, 4) => (c, a),
            _ => return None,
        };
        Self::new(year.parse().ok()?, b.parse().ok()?, day.parse().ok()?)
    }
}

impl FromStr for Date {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let strict = || {
            let mut parts = text.split('/');
            let (y, m, d) = (parts.next()?, parts.next()?, parts.next()?);
            let whole = parts.next().is_none() && (y.len(), m.len(), d.len()) == (4, 2, 2);
            if !whole || ![y, m, d].iter().all(|p| digits(p)) {
                return None;
            }
            Self::new(y.parse().ok()?, m.parse().ok()?, d.parse().ok()?)
        };
        strict().ok_or_else(|| {
            Malformed::new(Format::Envelope, "date", "a date of the calendar as yyyy/MM/dd").found(quoted(text)).into()
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}/{:02}/{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A date and time of day in Vietnam, `yyyy/MM/dd HH:mm:ss`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(Time);

impl Timestamp {
    /// An instant, cut to the second.
    #[must_use]
    pub fn of(time: Time) -> Self {
        Self(time.with_nanos(0))
    }

    /// The instant, taking the text as time in Vietnam.
    #[must_use]
    pub const fn time(self) -> Time {
        self.0
    }

    /// Forms that stand in messages against the rule: other separators, RFC 3339.
    pub(super) fn parse_lenient(text: &str) -> Option<Self> {
        if let Ok(time) = Time::parse_rfc3339(text) {
            return Some(Self::of(time));
        }
        let (date, clock) = text.split_once(['T', ' '])?;
        let clock = clock.trim().split('.').next()?;
        Self::from_parts(Date::parse_lenient(date)?, clock)
    }

    fn from_parts(date: Date, clock: &str) -> Option<Self> {
        let mut parts = clock.split(':');
        let (h, m, s) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() || ![h, m, s].iter().all(|p| p.len() == 2 && digits(p)) {
            return None;
        }
        let civil = Civil {
            year: date.year,
            month: date.month,
            day: date.day,
            hour: h.parse().ok()?,
            minute: m.parse().ok()?,
            second: s.parse().ok()?,
        };
        let east = i64::from(VIETNAM) * 60;
        Time::from_unix(Time::from_civil(civil)?.unix() - east).map(Self)
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let strict = || {
            let (date, clock) = text.split_once(' ')?;
            Self::from_parts(date.parse().ok()?, clock)
        };
        strict()
            .ok_or_else(|| Malformed::new(Format::Envelope, "time", "yyyy/MM/dd HH:mm:ss").found(quoted(text)).into())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.0.civil(VIETNAM);
        write!(f, "{:04}/{:02}/{:02} {:02}:{:02}:{:02}", c.year, c.month, c.day, c.hour, c.minute, c.second)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// In JSON a value stands as its text in the message; numbers and truth values
/// are taken too.
#[cfg(feature = "serde")]
mod json {
    use std::fmt;
    use std::marker::PhantomData;
    use std::str::FromStr;

    use serde::Deserialize;
    use serde::Deserializer;
    use serde::Serialize;
    use serde::Serializer;
    use serde::de::Visitor;

    use super::Coded;

    impl<T: fmt::Display> Serialize for Coded<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_str(self)
        }
    }

    struct Text<T>(PhantomData<T>);

    impl<T: FromStr> Visitor<'_> for Text<T> {
        type Value = Coded<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text, a number or a truth value")
        }

        fn visit_str<E>(self, text: &str) -> Result<Coded<T>, E> {
            Ok(Coded::from(text))
        }

        fn visit_u64<E>(self, number: u64) -> Result<Coded<T>, E> {
            Ok(Coded::from(number.to_string().as_str()))
        }

        fn visit_i64<E>(self, number: i64) -> Result<Coded<T>, E> {
            Ok(Coded::from(number.to_string().as_str()))
        }

        // `true` stands for itself, and for `1` where the message writes flags so.
        fn visit_bool<E>(self, value: bool) -> Result<Coded<T>, E> {
            let word = Coded::from(if value { "true" } else { "false" });
            Ok(match word {
                Coded::Known(_) => word,
                Coded::Other(_) => Coded::from(if value { "1" } else { "0" }),
            })
        }
    }

    impl<'de, T: FromStr> Deserialize<'de> for Coded<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_any(Text(PhantomData))
        }
    }
}

/// Text of the input inside a message of ours: quoted, escaped and cut.
pub(super) fn quoted(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return format!("{text:?}");
    }
    let cut: String = text.chars().take(MOST).collect();
    format!("{cut:?}…")
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_strict_and_leniently_readable() {
        assert_eq!("2019/01/16".parse::<Date>().unwrap().to_string(), "2019/01/16");
        for bad in ["2014/02/30", "2019-01-16", "16/01/2019", "2019/1/6", "", "2019/01/16/01", "+019/01/16"] {
            assert!(bad.parse::<Date>().is_err(), "{bad}");
        }
        for odd in ["2019-01-06", "06/01/2019", "2019/1/6", "2019-01-06T10:00:00"] {
            assert_eq!(Date::parse_lenient(odd), Date::new(2019, 1, 6), "{odd}");
        }
        assert_eq!(Date::parse_lenient("06/01/19"), None);
    }

    #[test]
    fn times_are_those_of_vietnam() {
        let t: Timestamp = "2018/09/28 00:00:00".parse().unwrap();
        assert_eq!(t.time().to_string(), "2018-09-27T17:00:00Z");
        assert_eq!(t.to_string(), "2018/09/28 00:00:00");
        assert_eq!(Timestamp::parse_lenient("2018-09-28T00:00:00.123"), Some(t));
        assert_eq!(Timestamp::parse_lenient("2018-09-27T17:00:00Z"), Some(t));
        assert!("2018/09/28 24:00:00".parse::<Timestamp>().is_err());
    }

    #[test]
    fn what_the_rules_do_not_know_is_kept() {
        assert_eq!(Coded::<Flag>::from("1"), Coded::Known(Flag(true)));
        let odd = Coded::<Flag>::from("có");
        assert_eq!((odd.known(), odd.to_string().as_str()), (None, "có"));
    }
}
