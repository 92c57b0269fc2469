//! An answer of Jaeger's old API: the fast reader and the general one agree.
#![no_main]

#[path = "../checks.rs"]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::legacy_json(bytes));
