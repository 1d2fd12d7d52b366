//! Points and spans of time as the language has them.
//!
//! Timestamps reach from year 1 to year 9999 in nanoseconds, durations ten thousand years either way. Nothing here
//! reads a clock; time zones come from the database compiled into the program, so that every machine agrees.

use std::fmt;
use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;

/// A point in time, in nanoseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// A span of time in nanoseconds, which may be negative.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Duration {
    seconds: i64,
    nanos: i32,
}

/// A text that is no time, or a time out of range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not in the expected form.
    #[error("expected a form such as {0}")]
    Form(&'static str),
    /// Outside of what the language can say.
    #[error("out of range")]
    Range,
    /// No such time zone.
    #[error("expected a time zone such as `Europe/Berlin` or `+02:00`")]
    Zone,
}

/// A date and time of day in some zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: u8,
    /// 1 to 31.
    pub(crate) day: u8,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    /// 0 is Sunday.
    pub(crate) weekday: i64,
    /// 0 is the first of January.
    pub(crate) day_of_year: i64,
}

const TIMESTAMP_FORM: TimeError = TimeError::Form("`2024-05-01T12:30:00Z`");
const DURATION_FORM: TimeError = TimeError::Form("`1h30m` or `1.5s`");
const NANOS: i128 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
const MIN_SECONDS: i64 = -62_135_596_800;
const MAX_SECONDS: i64 = 253_402_300_799;
const MAX_DURATION_SECONDS: i64 = 315_576_000_000;

impl Timestamp {
    /// The point `seconds` and `nanos` after 1970-01-01 UTC.
    pub fn new(seconds: i64, nanos: u32) -> Result<Self, TimeError> {
        let in_range = (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) && nanos < 1_000_000_000;
        in_range
            .then_some(Self { seconds, nanos })
            .ok_or(TimeError::Range)
    }

    /// Reads RFC 3339 text.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let bytes = text.as_bytes();
        let number = |from: usize, to: usize| -> Result<i64, TimeError> {
            let digits = bytes.get(from..to).ok_or(TIMESTAMP_FORM)?;
            if !digits.iter().all(u8::is_ascii_digit) {
                return Err(TIMESTAMP_FORM);
            }
            Ok(digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')))
        };
        let expect = |at: usize, wanted: u8| {
            if bytes.get(at) == Some(&wanted) {
                Ok(())
            } else {
                Err(TIMESTAMP_FORM)
            }
        };
        // Five digits of year are a time of this form, only one that is out of range.
        let shift = bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
            .saturating_sub(4);
        if shift > 0 {
            return Err(if bytes.get(4 + shift) == Some(&b'-') {
                TimeError::Range
            } else {
                TIMESTAMP_FORM
            });
        }
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
        for (at, wanted) in [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')] {
            expect(at, wanted)?;
        }
        let mut at = 19;
        let mut nanos = 0u32;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            let start = at;
            let mut scale = 100_000_000;
            while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
                nanos += u32::from(digit - b'0') * scale;
                scale /= 10;
                at += 1;
            }
            if at == start {
                return Err(TIMESTAMP_FORM);
            }
        }
        let offset = match bytes.get(at) {
            Some(b'Z') if bytes.len() == at + 1 => 0,
            Some(sign @ (b'+' | b'-')) if bytes.len() == at + 6 => {
                expect(at + 3, b':')?;
                let (hours, minutes) = (number(at + 1, at + 3)?, number(at + 4, at + 6)?);
                if hours > 23 || minutes > 59 {
                    return Err(TIMESTAMP_FORM);
                }
                (hours * 3600 + minutes * 60) * if *sign == b'-' { -1 } else { 1 }
            }
            Some(_) | None => return Err(TIMESTAMP_FORM),
        };
        let days_in_month = match month {
            2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return Err(TIMESTAMP_FORM),
        };
        if day < 1 || day > days_in_month || hour > 23 || minute > 59 || second > 59 {
            return Err(TIMESTAMP_FORM);
        }
        let seconds =
            days_from_civil(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second
                - offset;
        Self::new(seconds, nanos)
    }

    /// Whole seconds since 1970-01-01 UTC, rounded down.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after `seconds`.
    pub fn nanos(self) -> u32 {
        self.nanos
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    fn from_total(total: i128) -> Result<Self, TimeError> {
        let seconds = i64::try_from(total.div_euclid(NANOS)).map_err(|_| TimeError::Range)?;
        let nanos = u32::try_from(total.rem_euclid(NANOS)).map_err(|_| TimeError::Range)?;
        Self::new(seconds, nanos)
    }

    /// This point, later by a duration.
    pub fn plus(self, duration: Duration) -> Result<Self, TimeError> {
        Self::from_total(self.total() + duration.total())
    }

    /// This point, earlier by a duration.
    pub fn minus(self, duration: Duration) -> Result<Self, TimeError> {
        Self::from_total(self.total() - duration.total())
    }

    /// The time from `earlier` to this point.
    pub fn since(self, earlier: Self) -> Result<Duration, TimeError> {
        Duration::from_total(self.total() - earlier.total())
    }

    /// The calendar view in a zone: a name from the time zone database, or an offset such as `+02:00` or `02:00`.
    pub(crate) fn civil(self, zone: Option<&str>) -> Result<Civil, TimeError> {
        let offset = match zone {
            None => 0,
            Some(zone) => offset_seconds(zone, self)?,
        };
        let local = self.seconds + offset;
        let days = local.div_euclid(DAY_SECONDS);
        let second_of_day = local.rem_euclid(DAY_SECONDS);
        let (year, month, day) = civil_from_days(days);
        Ok(Civil {
            year,
            month,
            day,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: days - days_from_civil(year, 1, 1),
        })
    }
}

impl Duration {
    /// The duration of so many nanoseconds.
    pub fn from_nanos(nanos: i64) -> Self {
        let split = |value: i64| {
            (
                value / 1_000_000_000,
                i32::try_from(value % 1_000_000_000).unwrap_or(0),
            )
        };
        let (seconds, nanos) = split(nanos);
        Self { seconds, nanos }
    }

    fn from_total(total: i128) -> Result<Self, TimeError> {
        let seconds = i64::try_from(total / NANOS).map_err(|_| TimeError::Range)?;
        let nanos = i32::try_from(total % NANOS).map_err(|_| TimeError::Range)?;
        if seconds.abs() > MAX_DURATION_SECONDS {
            return Err(TimeError::Range);
        }
        Ok(Self { seconds, nanos })
    }

    /// Reads text such as `1h30m`, `-1.5s` or `0`.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            Some(_) | None => (false, text),
        };
        if rest == "0" {
            return Ok(Self {
                seconds: 0,
                nanos: 0,
            });
        }
        if rest.is_empty() {
            return Err(DURATION_FORM);
        }
        let mut total: i128 = 0;
        while !rest.is_empty() {
            let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
            let (whole, after) = rest.split_at(digits(rest));
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => after.split_at(digits(after)),
                None => ("", after),
            };
            let end = after
                .find(|c: char| c == '.' || c.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let unit: i128 = match unit {
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => NANOS,
                "m" => 60 * NANOS,
                "h" => 3600 * NANOS,
                _ => return Err(DURATION_FORM),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(DURATION_FORM);
            }
            if whole.len() > 20 {
                return Err(TimeError::Range);
            }
            let whole: i128 = if whole.is_empty() {
                0
            } else {
                whole.parse().map_err(|_| DURATION_FORM)?
            };
            let mut scale = unit;
            let mut part = whole * unit;
            for digit in fraction.bytes() {
                scale /= 10;
                part += i128::from(digit - b'0') * scale;
            }
            total += part;
            if total > i128::from(i64::MAX) * NANOS {
                return Err(TimeError::Range);
            }
            rest = after;
        }
        Self::from_total(if negative { -total } else { total })
    }

    fn total(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    /// Whole seconds, towards zero.
    pub fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds beyond `seconds`, of the same sign.
    pub fn nanos(self) -> i32 {
        self.nanos
    }

    /// Whether it is no time at all.
    pub fn is_zero(self) -> bool {
        self.seconds == 0 && self.nanos == 0
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, TimeError> {
        Self::from_total(self.total() + other.total())
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, TimeError> {
        Self::from_total(self.total() - other.total())
    }

    /// The same span in the other direction.
    pub fn negate(self) -> Result<Self, TimeError> {
        Self::from_total(-self.total())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(DAY_SECONDS);
        let second_of_day = self.seconds.rem_euclid(DAY_SECONDS);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (
            second_of_day / 3600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        fraction(f, self.nanos)?;
        f.write_str("Z")
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.seconds < 0 || self.nanos < 0 {
            f.write_str("-")?;
        }
        write!(f, "{}", self.seconds.unsigned_abs())?;
        fraction(f, self.nanos.unsigned_abs())?;
        f.write_str("s")
    }
}

fn fraction(f: &mut fmt::Formatter<'_>, nanos: u32) -> fmt::Result {
    if nanos == 0 {
        return Ok(());
    }
    write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))
}

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Whether there is a time zone with this IANA name.
pub fn is_zone(name: &str) -> bool {
    name == "UTC" || DATABASE.get(name).is_ok()
}

/// The IANA names of all time zones.
pub fn zones() -> Vec<String> {
    DATABASE
        .available()
        .map(|name| name.as_str().to_owned())
        .collect()
}

fn offset_seconds(zone: &str, at: Timestamp) -> Result<i64, TimeError> {
    if zone.contains(':') {
        return fixed_offset(zone).ok_or(TimeError::Zone);
    }
    if zone.is_empty() || zone == "UTC" {
        return Ok(0);
    }
    let zone = DATABASE.get(zone).map_err(|_| TimeError::Zone)?;
    let nearest = at.seconds.clamp(
        jiff::Timestamp::MIN.as_second(),
        jiff::Timestamp::MAX.as_second(),
    );
    let instant = jiff::Timestamp::from_second(nearest).map_err(|_| TimeError::Range)?;
    Ok(i64::from(zone.to_offset(instant).seconds()))
}

fn fixed_offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.as_bytes().first()? {
        b'-' => (-1, &zone[1..]),
        b'+' => (1, &zone[1..]),
        _ => (1, zone),
    };
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| {
        (text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (hours, minutes): (i64, i64) = (number(hours)?, number(minutes)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// Days from 1970-01-01 to a date of the Gregorian calendar (Howard Hinnant's `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date so many days after 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil_from_days(days: i64) -> (i64, u8, u8) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        u8::try_from(month).unwrap_or(1),
        u8::try_from(day).unwrap_or(1),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_back_what_they_write() {
        for text in [
            "0001-01-01T00:00:00Z",
            "1969-12-31T23:59:59.5Z",
            "2024-02-29T12:00:00.000000001Z",
            "9999-12-31T23:59:59.999999999Z",
        ] {
            assert_eq!(Timestamp::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn timestamps_with_offsets_are_moved_to_utc() {
        assert_eq!(
            Timestamp::parse("2024-01-01T00:30:00+02:00")
                .unwrap()
                .to_string(),
            "2023-12-31T22:30:00Z"
        );
    }

    #[test]
    fn wrong_timestamps_are_refused() {
        for text in [
            "",
            "2024-01-01",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00.Z",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TIMESTAMP_FORM), "{text}");
        }
        assert_eq!(
            Timestamp::parse("10000-01-01T00:00:00Z"),
            Err(TimeError::Range)
        );
        assert_eq!(
            Timestamp::parse("0001-01-01T00:00:00+01:00"),
            Err(TimeError::Range)
        );
    }

    #[test]
    fn durations_are_read_in_every_unit() {
        for (text, shown) in [
            ("1h45m47s", "6347s"),
            ("-1.5h", "-5400s"),
            ("0", "0s"),
            ("1ms", "0.001s"),
            ("1.5s", "1.5s"),
            ("-0.5s", "-0.5s"),
            (".5m", "30s"),
        ] {
            assert_eq!(Duration::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "-", "1", "1x", "s", "1.s2", "."] {
            assert_eq!(Duration::parse(text), Err(DURATION_FORM), "{text}");
        }
        assert_eq!(
            Duration::parse("99999999999999999999999h"),
            Err(TimeError::Range)
        );
    }
}
