//! Entry of libFuzzer; the rules are in `fuzz::request`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::request::hold(bytes));
