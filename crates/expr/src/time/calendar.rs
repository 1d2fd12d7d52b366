//! Dates, times of day and time zones.
//!
//! The database of zones is compiled into the program; nothing is read from the machine.

use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;

use super::{DAY_SECONDS, TimeError, Timestamp};

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

impl Timestamp {
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
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The date so many days after 1970-01-01 (Howard Hinnant's `civil_from_days`).
pub(super) fn civil_from_days(days: i64) -> (i64, u8, u8) {
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
