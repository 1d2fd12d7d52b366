//! Entry of libFuzzer; the rules are in `fuzz::expression`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::expression::hold(bytes));
