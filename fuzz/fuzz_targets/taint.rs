//! Entry of libFuzzer; the rules are in `fuzz::taint`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::taint::hold(bytes));
