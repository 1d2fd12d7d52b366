//! Lock files: what is read is written and read back the same, and a fault has a line of the file.

use pipeline::lock::Lock;

/// Reads the text as `formic.lock`.
pub fn hold(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Lock::parse(text) {
        Ok(lock) => {
            let written = lock.to_text();
            let again = Lock::parse(&written);
            assert_eq!(again.as_ref(), Ok(&lock), "written as {written}");
            assert_eq!(
                again.map(|lock| lock.to_text()),
                Ok(written),
                "another text"
            );
            assert!(lock.changes(&lock).is_empty());
            let all = Lock::default().changes(&lock);
            assert_eq!(all.len(), lock.pins.len());
        }
        Err(fault) => {
            let lines = text.lines().count().max(1);
            assert!(
                (1..=lines).contains(&fault.line),
                "{fault:?} of {lines} lines"
            );
            assert!(
                !fault.message.is_empty() && !fault.help.is_empty(),
                "{fault:?}"
            );
            assert!(fault.message.len() < 2_000, "{} bytes", fault.message.len());
        }
    }
}
