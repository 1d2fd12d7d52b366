//! Times of `on.schedule`: what is read is written and read back, and comes at some minute.

use pipeline::signal::cron::Cron;

/// Reads the text as five fields.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Cron::parse(text) {
        Ok(cron) => {
            assert_eq!(Cron::parse(&cron.text), Ok(cron.clone()));
            let ranges = [
                (cron.minutes, 0, 59),
                (cron.hours, 0, 23),
                (cron.days, 1, 31),
                (cron.months, 1, 12),
                (cron.weekdays, 0, 6),
            ];
            for (bits, least, most) in ranges {
                assert!(bits != 0, "never: {cron:?}");
                assert!(
                    bits.trailing_zeros() >= least && bits.ilog2() <= most,
                    "{cron:?}"
                );
            }
        }
        Err(fault) => {
            assert!(
                !fault.message.is_empty() && !fault.help.is_empty(),
                "{fault:?}"
            );
            assert!(fault.message.len() < 2_000, "{} bytes", fault.message.len());
        }
    }
}
