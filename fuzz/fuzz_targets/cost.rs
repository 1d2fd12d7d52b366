//! Entry of libFuzzer; the rules are in `fuzz::cost`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::cost::hold(bytes));
