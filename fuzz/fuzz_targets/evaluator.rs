//! Entry of libFuzzer; the rules are in `fuzz::evaluator`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::evaluator::hold(bytes));
