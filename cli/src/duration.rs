//! Durations and times as people write them.

use std::time::Duration;

use jiff::{tz::TimeZone, Timestamp};

/// A duration in whole seconds, such as `2d`, `90m` or `1h 30m`; a bare number is refused, since its unit is a guess.
///
/// # Errors
/// What is wrong with the text, for clap.
pub fn parse_seconds(text: &str) -> Result<u32, String> {
    let duration = parse_duration(text)?;
    u32::try_from(duration.as_secs())
        .ok()
        .filter(|_| duration.subsec_nanos() == 0)
        .ok_or_else(|| "must be whole seconds, at most 136 years".to_string())
}

/// A duration such as `30m`.
///
/// # Errors
/// What is wrong with the text, for clap.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    humantime::parse_duration(text)
        .map_err(|error| format!("{error}; write a number and a unit, such as 90s, 30m, 12h or 2d"))
}

/// A time: RFC 3339 (`2026-12-24T18:00:00Z`) or Unix seconds.
///
/// # Errors
/// What is wrong with the text, for clap.
pub fn parse_time(text: &str) -> Result<i64, String> {
    if let Ok(seconds) = text.parse::<i64>() {
        return Ok(seconds);
    }
    text.parse::<Timestamp>()
        .map(Timestamp::as_second)
        .map_err(|_| {
            "must be RFC 3339 with an offset, such as 2026-12-24T18:00:00Z, or Unix seconds"
                .to_string()
        })
}

/// A duration for people: `2days`, `1h 30m`.
pub fn human(seconds: u32) -> String {
    if seconds == 0 {
        return "none".to_string();
    }
    humantime::format_duration(Duration::from_secs(u64::from(seconds))).to_string()
}

/// RFC 3339 in UTC; the number itself where it is beyond the calendar.
pub fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// A time in UTC and, where that differs, in the machine's zone.
pub fn utc_and_local(seconds: i64) -> String {
    let Ok(time) = Timestamp::from_second(seconds) else {
        return seconds.to_string();
    };
    let utc = time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    let zoned = time.to_zoned(TimeZone::system());
    if zoned.offset().seconds() == 0 {
        utc
    } else {
        format!("{utc} ({})", zoned.strftime("%Y-%m-%d %H:%M:%S %:z"))
    }
}

/// How far a time lies from another: `in 2h 5m`, `3m ago`, `now`.
pub fn relative(seconds: i64, now: i64) -> String {
    let distance = seconds.saturating_sub(now);
    let text = humantime::format_duration(Duration::from_secs(distance.unsigned_abs())).to_string();
    // Two units are precise enough for people.
    let short = text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    match distance {
        0 => "now".to_string(),
        1.. => format!("in {short}"),
        _ => format!("{short} ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_seconds("2d"), Ok(172_800));
        assert_eq!(parse_seconds("1h 30m"), Ok(5_400));
        assert_eq!(parse_seconds("0"), Ok(0));
        assert!(parse_seconds("2")
            .unwrap_err()
            .contains("a number and a unit"));
        assert!(parse_seconds("10ms").unwrap_err().contains("whole seconds"));
        assert!(parse_seconds("200years").is_err());
        assert!(parse_seconds("-2d").is_err());
        assert!(parse_seconds("").is_err());
    }

    #[test]
    fn times_are_rfc_3339_or_unix_seconds() {
        assert_eq!(parse_time("1700000000"), Ok(1_700_000_000));
        assert_eq!(parse_time("2023-11-14T22:13:20Z"), Ok(1_700_000_000));
        assert_eq!(parse_time("2023-11-14T23:13:20+01:00"), Ok(1_700_000_000));
        assert!(parse_time("tomorrow").unwrap_err().contains("RFC 3339"));
        assert!(parse_time("2023-11-14").is_err());
    }

    #[test]
    fn times_are_shown_for_people_and_for_programs() {
        assert_eq!(rfc3339(1_700_000_000), "2023-11-14T22:13:20Z");
        assert!(utc_and_local(1_700_000_000).starts_with("2023-11-14 22:13:20 UTC"));
        assert_eq!(rfc3339(i64::MAX), i64::MAX.to_string());
        assert_eq!(relative(160, 100), "in 1m");
        assert_eq!(relative(100, 100 + 3 * 3_600 + 62), "3h 1m ago");
        assert_eq!(relative(7, 7), "now");
        assert_eq!(human(172_800), "2days");
        assert_eq!(human(0), "none");
    }
}
