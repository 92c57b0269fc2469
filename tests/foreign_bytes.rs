//! The checks of the fuzz targets on damaged examples, in every test run.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

#[path = "../fuzz/checks.rs"]
mod checks;

use std::sync::LazyLock;

use proptest::{prelude::*, sample::Index};

fn files(folders: &[&str]) -> Vec<Vec<u8>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/");
    let entries = folders.iter().flat_map(|folder| std::fs::read_dir(format!("{root}{folder}")).unwrap());
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| files(&["public-cases", "../crates/jaeger/tests/decode"]));
static REAL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| files(&["traces"]));

/// Damage to bytes.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// Replaces the next number or string with a value.
    Value(Index, &'static str),
}

fn damage() -> impl Strategy<Value = Damage> {
    let values = prop::sample::select(vec![
        "null",
        "true",
        "0",
        "-1",
        "18446744073709551425",
        "1e999",
        "1.5",
        "NaN",
        "\"\"",
        "\"\\ud83d\"",
        "\"0x1f\"",
        "\"AAAAAAAAAAE=\"",
        "[]",
        "{}",
        "[[{}]]",
    ]);
    prop_oneof![
        4 => (any::<Index>(), 32u8..127).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), 1..40usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (any::<Index>(), 1..400usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        4 => (any::<Index>(), values).prop_map(|(at, value)| Damage::Value(at, value)),
    ]
}

#[allow(clippy::ptr_arg, reason = "what `Index::get` gives")]
fn damaged(file: &Vec<u8>, damages: &[Damage]) -> Vec<u8> {
    let mut bytes = file.clone();
    for damage in damages {
        if bytes.is_empty() {
            break;
        }
        match damage {
            Damage::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Remove(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Damage::Repeat(at, length) => {
                let at = at.index(bytes.len());
                let part = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            Damage::Value(at, value) => {
                let from = at.index(bytes.len());
                let Some(colon) = bytes[from..].iter().position(|byte| *byte == b':').map(|found| from + found + 1)
                else {
                    continue;
                };
                let end =
                    bytes[colon..].iter().position(|byte| b",}]".contains(byte)).map_or(bytes.len(), |at| colon + at);
                bytes.splice(colon..end, value.bytes());
            }
        }
    }
    bytes
}

/// `PROPTEST_CASES=5000` tries more cases.
fn config(cases: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(cases);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn damaged_files_are_read_or_refused(
        file in any::<Index>(),
        damages in prop::collection::vec(damage(), 0..6),
    ) {
        let bytes = damaged(file.get(SMALL.as_slice()), &damages);
        checks::legacy_json(&bytes);
        checks::otlp_json(&bytes);
    }

    #[test]
    fn any_bytes_are_a_query_or_a_message(bytes in any::<Vec<u8>>(), text in "[a-z=\"\\\\ \u{e4}]{0,40}") {
        checks::query(&bytes);
        checks::query(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_a_trace_file_or_refused(bytes in any::<Vec<u8>>()) {
        checks::trace_file(&bytes);
        checks::otlp_json(&bytes);
    }
}

proptest! {
    #![proptest_config(config(40))]

    /// The traces measured on KTRDR.
    #[test]
    fn damaged_real_traces_are_read_alike_by_both_readers(
        file in any::<Index>(),
        damages in prop::collection::vec(damage(), 0..6),
    ) {
        checks::legacy_json(&damaged(file.get(REAL.as_slice()), &damages));
    }
}
