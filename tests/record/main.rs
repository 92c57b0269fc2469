//! The record (`crates/diagnosis/src/record/diagnosis.rs` and `rows.rs`) is described in one place. These tests compare
//! everything that repeats it: the columns of the frames, the types of the browser side and the tables of the
//! documentation. A field that is missing somewhere fails a test that names the place.
//!
//! `UPDATE_DOCS=1 cargo test --test record` writes what is generated.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "clippy knows test code only in functions marked as tests"
)]

mod columns;
mod docs;
mod names;
mod typescript;

use std::path::{Path, PathBuf};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Compares a file with what it should contain, or writes it.
fn compare_or_update(path: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file(path), expected).unwrap();
        return;
    }
    let found = std::fs::read_to_string(file(path)).unwrap_or_default();
    let difference = expected.lines().zip(found.lines()).find(|(expected, found)| expected != found);
    assert!(
        found == expected,
        "{path} does not match the record: run UPDATE_DOCS=1 cargo test --test record{}",
        difference.map_or(String::new(), |(expected, found)| format!("\nexpected: {expected}\nfound:    {found}"))
    );
}
