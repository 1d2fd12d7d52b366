//! Entry of libFuzzer; the rules are in `fuzz::checker`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::checker::hold(bytes));
