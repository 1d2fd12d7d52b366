//! Entry of libFuzzer; the rules are in `fuzz::template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::template::hold(bytes));
