//! Times as offices in Vietnam write them, and one mistake of theirs.

use crate::time::Time;
use crate::validate::SignatureReport;
use crate::validate::TimeProof;

/// Minutes east of UTC.
pub const OFFSET: i16 = 420;

/// The same in seconds.
const SEVEN_HOURS: i64 = 7 * 3_600;

/// How far clocks may be apart when a time is taken for one that is seven hours ahead.
const CLOCKS: i64 = 5 * 60;

/// `23/11/2026 09:30:00 +07:00`: day, month, year, and the time in the zone of Vietnam
/// (Decree 30/2020/NĐ-CP, Annex I).
#[must_use]
pub fn local_time(time: Time) -> String {
    let c = time.civil(OFFSET);
    format!("{:02}/{:02}/{:04} {:02}:{:02}:{:02} +07:00", c.day, c.month, c.year, c.hour, c.minute, c.second)
}

/// `2026-11-23T09:30:00+07:00` (ISO 8601).
#[must_use]
pub fn iso_time(time: Time) -> String {
    time.to_rfc3339(OFFSET)
}

/// The time that was meant, where the claimed signing time lies ahead of a time at which the signature
/// existed, and is explained by local time having been written as UTC: some tools of the
/// field do that. `None` where it does not lie ahead, or by more than that.
///
/// `validation_time` is that of the report. Neither time proves anything.
#[must_use]
pub fn local_time_as_utc(signature: &SignatureReport, validation_time: Time) -> Option<Time> {
    let claimed = signature.claimed_signing_time()?;
    let existed = match signature.time_proof() {
        TimeProof::ValidationTime => validation_time,
        _ => signature.best_signature_time(),
    };
    meant(claimed, existed)
}

fn meant(claimed: Time, existed: Time) -> Option<Time> {
    let ahead = claimed.unix() - existed.unix();
    (CLOCKS < ahead && ahead <= SEVEN_HOURS + CLOCKS).then(|| Time::from_unix(claimed.unix() - SEVEN_HOURS)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_in_the_zone_of_vietnam() {
        let t = Time::parse_rfc3339("2026-11-22T23:30:05Z").unwrap();
        assert_eq!(local_time(t), "23/11/2026 06:30:05 +07:00");
        assert_eq!(iso_time(t), "2026-11-23T06:30:05+07:00");
    }

    #[test]
    fn seven_hours_ahead_are_recognised_and_no_more() {
        let at = |s| Time::from_unix(1_800_000_000 + s).unwrap();
        assert_eq!(meant(at(SEVEN_HOURS), at(0)), Some(at(0)));
        // Validated an hour after it was signed.
        assert_eq!(meant(at(SEVEN_HOURS - 3_600), at(0)), Some(at(-3_600)));
        for ahead in [-3_600, 0, CLOCKS, SEVEN_HOURS + CLOCKS + 1, 24 * 3_600] {
            assert_eq!(meant(at(ahead), at(0)), None, "{ahead}");
        }
    }
}
