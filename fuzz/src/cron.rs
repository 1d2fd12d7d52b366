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
            let fields: Vec<&str> = cron.text.split(' ').collect();
            let ranges = [
                (cron.minutes, 0, 59),
                (cron.hours, 0, 23),
                (cron.days, 1, 31),
                (cron.months, 1, 12),
                (cron.weekdays, 0, 6),
            ];
            assert_eq!(fields.len(), ranges.len(), "{cron:?}");
            for ((bits, least, most), field) in ranges.into_iter().zip(fields) {
                assert!(bits != 0, "never: {cron:?}");
                for number in 0..u64::BITS {
                    let comes = (least..=most).contains(&number) && names(field, number, most);
                    assert_eq!(bits >> number & 1 == 1, comes, "{number} of `{field}`");
                }
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

/// Words for numbers, of months and of weekdays.
const WORDS: [(u32, &str); 2] = [
    (12, "jan feb mar apr may jun jul aug sep oct nov dec"),
    (6, "sun mon tue wed thu fri sat"),
];

/// Whether a number is one of a field whose highest is `most`: what the words of the reference say, one by one.
fn names(field: &str, number: u32, most: u32) -> bool {
    field.split(',').any(|part| {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step: u32 = step.parse().expect("it was read");
        // Sunday is the seventh day too.
        let same = if most == 6 && number == 0 {
            [0, 7]
        } else {
            [number; 2]
        };
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (value(first, most), value(last, most)),
            None if range == "*" => (
                u32::from(most == 31 || most == 12),
                most.max(if most == 6 { 7 } else { 0 }),
            ),
            None => (value(range, most), value(range, most)),
        };
        same.into_iter()
            .any(|each| (first..=last).contains(&each) && (each - first).is_multiple_of(step))
    })
}

fn value(text: &str, most: u32) -> u32 {
    let words = WORDS.iter().find(|(highest, _)| *highest == most);
    let named = words.and_then(|(_, words)| {
        let place = words
            .split(' ')
            .position(|word| word.eq_ignore_ascii_case(text))?;
        Some(place as u32 + u32::from(most == 12))
    });
    named.unwrap_or_else(|| text.parse().expect("it was read"))
}
