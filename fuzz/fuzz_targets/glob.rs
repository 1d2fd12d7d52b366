//! Entry of libFuzzer; the rules are in `fuzz::glob`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::glob::hold(bytes));
