//! Entry of libFuzzer; the rules are in `fuzz::address`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::address::hold(bytes));
