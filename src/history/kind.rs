//! The kinds of stores, as a setting names them.

/// A kind of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    /// In this process, until it ends.
    Memory,
    /// In an SQLite file.
    Sqlite,
    /// In PostgreSQL.
    Postgres,
}

impl StoreKind {
    /// All words, for messages.
    pub const WORDS: &'static str = "`memory`, `sqlite` or `postgres`";

    /// The form of a URL of PostgreSQL, for messages.
    pub const URL_FORM: &'static str = "postgres://USER:PASSWORD@HOST/DATABASE";

    /// Parses the word of a setting.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "memory" => Some(Self::Memory),
            "sqlite" => Some(Self::Sqlite),
            "postgres" => Some(Self::Postgres),
            _ => None,
        }
    }
}
