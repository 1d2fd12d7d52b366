//! Times of `on.schedule`: five fields, as cron has them.
//!
//! Each field is `*`, a number, a range `a-b`, a step `*/n` or `a-b/n`, or several with commas. Months and weekdays have
//! their English names too; Sunday is 0 or 7. Where day and weekday are both given, either is enough, as in cron.

/// A time that comes again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    /// As it was written.
    pub text: String,
    /// Bit `n`: minute `n`.
    pub minutes: u64,
    /// Bit `n`: hour `n`.
    pub hours: u64,
    /// Bit `n`: day `n` of the month.
    pub days: u64,
    /// Bit `n`: month `n`.
    pub months: u64,
    /// Bit `n`: weekday `n`; Sunday is 0.
    pub weekdays: u64,
    /// Whether the day of the month is `*`.
    pub any_day: bool,
    /// Whether the weekday is `*`.
    pub any_weekday: bool,
}

/// Why a text is no time, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: String,
}

struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
    },
    Field {
        name: "day",
        least: 1,
        most: 31,
        names: &[],
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field {
        name: "weekday",
        least: 0,
        most: 7,
        names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"],
    },
];

/// Days of each month, in the longest year.
const LONGEST: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// What the short words of some systems stand for.
const WORDS: [(&str, &str); 5] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

impl Cron {
    /// Reads five fields.
    ///
    /// # Errors
    /// When the text is no such time, or one that never comes.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let word = WORDS.iter().find(|(word, _)| *word == text.trim());
        if let Some((word, fields)) = word {
            return Err(Fault {
                message: format!("`{word}` is not five fields"),
                help: format!("write `{fields}`"),
            });
        }
        let parts: Vec<&str> = text.split_whitespace().collect();
        let Ok(parts) = <[&str; 5]>::try_from(parts.as_slice()) else {
            return Err(Fault {
                message: format!(
                    "a time has five fields: minute, hour, day, month and weekday; this has {}",
                    parts.len()
                ),
                help: "write `0 3 * * *` for three o'clock every night".to_owned(),
            });
        };
        let mut bits = [0; 5];
        for ((field, part), bits) in FIELDS.iter().zip(parts).zip(&mut bits) {
            *bits = field.read(part)?;
        }
        let [minutes, hours, days, months, weekdays] = bits;
        let cron = Self {
            text: parts.join(" "),
            minutes,
            hours,
            days,
            months,
            // Seven is Sunday too.
            weekdays: (weekdays | weekdays >> 7) & 0x7f,
            any_day: parts[2] == "*",
            any_weekday: parts[4] == "*",
        };
        cron.comes()?;
        Ok(cron)
    }

    /// Refuses days that no month has.
    fn comes(&self) -> Result<(), Fault> {
        if !self.any_weekday || self.any_day {
            return Ok(());
        }
        let possible = (1..=12).zip(LONGEST).any(|(month, days)| {
            let has_month = self.months >> month & 1 == 1;
            has_month && (1..=days).any(|day| self.days >> day & 1 == 1)
        });
        if possible {
            return Ok(());
        }
        Err(Fault {
            message: "no month has this day, so the time never comes".to_owned(),
            help: "write a day that the month has".to_owned(),
        })
    }
}

impl Field {
    fn read(&self, text: &str) -> Result<u64, Fault> {
        let mut bits = 0;
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step)),
                None => (part, None),
            };
            let (first, last) = match range.split_once('-') {
                Some((first, last)) => (self.number(first, text)?, self.number(last, text)?),
                None if range == "*" => (self.least, self.most),
                None if step.is_some() => return Err(self.fault(text)),
                None => {
                    let number = self.number(range, text)?;
                    (number, number)
                }
            };
            let step = match step.map(str::parse::<u32>) {
                None => 1,
                Some(Ok(step)) if (1..=self.most).contains(&step) => step,
                Some(_) => return Err(self.fault(text)),
            };
            if first > last {
                return Err(self.fault(text));
            }
            let mut at = first;
            while at <= last {
                bits |= 1 << at;
                at += step;
            }
        }
        Ok(bits)
    }

    fn number(&self, text: &str, whole: &str) -> Result<u32, Fault> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().position(|name| *name == lower);
        let named = named
            .and_then(|place| u32::try_from(place).ok())
            .map(|place| place + self.least);
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = named.or_else(|| text.parse().ok().filter(|_| digits));
        number
            .filter(|number| (self.least..=self.most).contains(number))
            .ok_or_else(|| self.fault(whole))
    }

    fn fault(&self, text: &str) -> Fault {
        let shown: String = text.chars().take(40).collect();
        let (name, least, most) = (self.name, self.least, self.most);
        let words = match self.names {
            [first, .., last] => format!(" or `{first}` to `{last}`"),
            _ => String::new(),
        };
        Fault {
            message: format!("`{shown}` is no {name}"),
            help: format!(
                "write `*`, a number from {least} to {most}{words}, a range `a-b`, a step `*/n` or `a-b/n`, or several with commas"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bits(numbers: &[u32]) -> u64 {
        numbers.iter().fold(0, |bits, number| bits | 1 << number)
    }

    #[test]
    fn fields_take_numbers_ranges_steps_names_and_lists() {
        let cron = Cron::parse("*/20  8-18/5 1,15 jan-mar MON,fri").unwrap();
        assert_eq!(cron.minutes, bits(&[0, 20, 40]));
        assert_eq!(cron.hours, bits(&[8, 13, 18]));
        assert_eq!(cron.days, bits(&[1, 15]));
        assert_eq!(cron.months, bits(&[1, 2, 3]));
        assert_eq!(cron.weekdays, bits(&[1, 5]));
        assert_eq!(cron.text, "*/20 8-18/5 1,15 jan-mar MON,fri");
    }

    #[test]
    fn sunday_is_zero_and_seven() {
        let sunday = |text| Cron::parse(text).unwrap().weekdays;
        assert_eq!([sunday("0 0 * * 7"), sunday("0 0 * * 0")], [1, 1]);
    }

    #[test]
    fn what_is_no_time_is_told_by_its_field() {
        let said = |text| Cron::parse(text).unwrap_err().message;
        assert_eq!(
            said("0 3 * *"),
            "a time has five fields: minute, hour, day, month and weekday; this has 4"
        );
        assert_eq!(said("61 3 * * *"), "`61` is no minute");
        assert_eq!(said("0 3 * * mo"), "`mo` is no weekday");
        assert_eq!(said("0 5/2 * * *"), "`5/2` is no hour");
        assert_eq!(said("0 3 9-5 * *"), "`9-5` is no day");
        assert_eq!(said("+1 3 * * *"), "`+1` is no minute");
        assert_eq!(said("@daily"), "`@daily` is not five fields");
    }

    #[test]
    fn a_day_that_no_month_has_never_comes() {
        assert!(Cron::parse("0 0 30 2 *").is_err());
        assert!(Cron::parse("0 0 31 4,6 *").is_err());
        assert!(Cron::parse("0 0 29 2 *").is_ok());
        assert!(Cron::parse("0 0 30 2 mon").is_ok());
    }
}
