//! Entry of libFuzzer; the rules are in `fuzz::cron`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::cron::hold(bytes));
