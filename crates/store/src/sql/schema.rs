//! The tables, version by version.

use super::statement::{Row, Statement};
use crate::{Error, Result};

/// One step from a version of the schema to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Migration {
    /// The version that it leads to.
    version: i64,
    sql: &'static str,
}

/// All migrations in order. A released one never changes: another one is added.
const MIGRATIONS: [Migration; 1] = [Migration { version: 1, sql: include_str!("schema_1.sql") }];

/// The latest version of the schema.
const KNOWN_VERSION: i64 = MIGRATIONS.len() as i64;

/// The table of the version, which every version has.
const CREATE_VERSION: &str = "CREATE TABLE IF NOT EXISTS history_schema (version BIGINT NOT NULL PRIMARY KEY)";
const READ_VERSION: &str = "SELECT COALESCE(MAX(version), 0) FROM history_schema";

/// Statements that make sure that there is a version to read; the last one reads it.
pub(crate) fn read_version() -> [Statement; 2] {
    [CREATE_VERSION, READ_VERSION].map(|sql| Statement::new(sql, []))
}

/// The migration that follows a version; `None` if the version is the latest.
pub(crate) fn migration_after(rows: Vec<Row>, place: &str) -> Result<Option<&'static Migration>> {
    let version = match rows.into_iter().next() {
        Some(row) => row.columns(place).int()?,
        None => 0,
    };
    if version > KNOWN_VERSION {
        return Err(Error::NewerSchema { place: place.to_owned(), found: version, known: KNOWN_VERSION });
    }
    Ok(MIGRATIONS.iter().find(|migration| migration.version > version))
}

impl Migration {
    /// The statements, with the types of a database: a text that is compared byte by byte, and bytes.
    pub(crate) fn statements(self, text: &'static str, bytes: &'static str) -> Vec<Statement> {
        let sql = self.sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n");
        let sql = sql.replace("{text}", text).replace("{bytes}", bytes);
        let parts = sql.split(';').map(str::trim).filter(|part| !part.is_empty());
        let record = Statement::new("INSERT INTO history_schema (version) VALUES ($1)", [self.version.into()]);
        parts.map(|part| Statement::new(part.to_owned(), [])).chain([record]).collect()
    }
}
