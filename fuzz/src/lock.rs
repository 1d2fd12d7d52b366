//! Lock files: what is read is written and read back the same, no pin leads out, and a fault has a line of the file.

use pipeline::Address;
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
            if !text.contains('\r') {
                let other_ends = text.replace('\n', "\r\n");
                assert_eq!(Lock::parse(&other_ends).as_ref(), Ok(&lock));
            }
            changes_are_all(&lock);
            for (address, pin) in &lock.pins {
                crate::address::stays_inside(address);
                assert_eq!(matches!(address, Address::Git { .. }), pin.commit.is_some());
                let hex = |commit: &String| commit.bytes().all(|byte| byte.is_ascii_hexdigit());
                assert!(pin.commit.as_ref().is_none_or(hex), "{pin:?}");
            }
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

/// What came is what went, seen from the other side, and what is the same is neither.
fn changes_are_all(lock: &Lock) {
    assert!(lock.changes(lock).is_empty());
    let came = Lock::default().changes(lock);
    let went = lock.changes(&Lock::default());
    assert_eq!((came.len(), went.len()), (lock.pins.len(), lock.pins.len()));
    for (came, went) in came.iter().zip(&went) {
        assert_eq!((&came.address, &came.new), (&went.address, &went.old));
        assert!(came.old.is_none() && went.new.is_none());
    }
}
