//! Entry of libFuzzer; the rules are in `fuzz::lock`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::lock::hold(bytes));
