//! Entry of libFuzzer; the rules are in `fuzz::pipeline`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::pipeline::hold(bytes));
