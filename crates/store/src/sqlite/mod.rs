//! The store in an SQLite file: one writer and a few readers, which do not wait for each other.

mod error;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use rusqlite::{CachedStatement, Connection, OpenFlags, TransactionBehavior, types::ValueRef};
use tokio::sync::Semaphore;

use self::error::Place;
use crate::{
    Result, Store,
    sql::{Cell, Changes, Database, Outcome, Param, Row, SqlStore, Statement, Step, migration_after, read_version},
};

/// How a file is opened.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// Opens an existing file that is only read. Writes fail with [`Error::ReadOnly`](crate::Error::ReadOnly).
    pub read_only: bool,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { read_only: false, busy_timeout: Duration::from_secs(5) }
    }
}

/// Opens the store in a file, which is created if it is missing, and brings it to the latest schema.
///
/// # Errors
/// When the file cannot be opened or written, or when a newer version of this program has written it.
pub async fn open_sqlite(file: &Path, options: SqliteOptions) -> Result<Arc<dyn Store>> {
    let place = Place::new(file);
    let database = blocking(place.clone(), {
        let file = file.to_owned();
        move || Sqlite::open(file, options, place)
    });
    Ok(Arc::new(SqlStore::new(database.await?)))
}

/// How many connections read at the same time.
const READERS: usize = 4;
/// How many prepared statements a connection keeps.
const STATEMENTS: usize = 64;

/// How much of the file readers map into memory.
const MAPPED_BYTES: i64 = 1 << 30;

#[derive(Debug)]
struct Sqlite {
    shared: Arc<Shared>,
    /// One permit per connection of [`Shared::readers`].
    reading: Arc<Semaphore>,
}

#[derive(Debug)]
struct Shared {
    place: Place,
    file: PathBuf,
    options: SqliteOptions,
    readers: Mutex<Vec<Connection>>,
    /// Closed last, because the last connection moves the log into the file, and readers cannot.
    writer: Mutex<Connection>,
}

impl Sqlite {
    fn open(file: PathBuf, options: SqliteOptions, place: Place) -> Result<Self> {
        if !options.read_only
            && let Some(folder) = file.parent()
        {
            // If it fails, opening the file says why.
            let _ = fs::create_dir_all(folder);
        }
        let opening = |error: rusqlite::Error| place.error("opening", &error);
        let mut writer = connect(&file, options, options.read_only).map_err(opening)?;
        // SQLite opens a file without the right to write it for reading, without a word.
        if !options.read_only && writer.is_readonly("main").map_err(opening)? {
            return Err(place.read_only());
        }
        migrate(&mut writer, options, &place)?;
        let readers = Mutex::default();
        let shared = Arc::new(Shared { place, file, options, readers, writer: Mutex::new(writer) });
        Ok(Self { shared, reading: Arc::new(Semaphore::new(READERS)) })
    }
}

fn connect(file: &Path, options: SqliteOptions, read_only: bool) -> rusqlite::Result<Connection> {
    let mode = if read_only {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    } else {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    };
    let connection = Connection::open_with_flags(file, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    if !read_only {
        connection.pragma_update(None, "journal_mode", "WAL")?;
    }
    // In WAL mode, a power failure may lose the last commits as a whole, and never damages the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    // KiB of pages that a connection keeps.
    connection.pragma_update(None, "cache_size", -8_192)?;
    if read_only {
        // Readers see the rest of the file through the system's cache, without a copy of each page.
        connection.pragma_update(None, "mmap_size", MAPPED_BYTES)?;
    }
    Ok(connection)
}

fn migrate(writer: &mut Connection, options: SqliteOptions, place: &Place) -> Result<()> {
    let failed = |error: rusqlite::Error| place.error("preparing the tables", &error);
    let behavior = if options.read_only { TransactionBehavior::Deferred } else { TransactionBehavior::Immediate };
    let transaction = writer.transaction_with_behavior(behavior).map_err(failed)?;
    loop {
        let [create, read] = read_version();
        if !options.read_only {
            execute(&transaction, &create).map_err(failed)?;
        }
        let rows = query(&transaction, &read).map_err(failed)?;
        let Some(migration) = migration_after(rows, place.as_str())?.filter(|_| !options.read_only) else { break };
        for statement in migration.statements("TEXT", "BLOB") {
            execute(&transaction, &statement).map_err(failed)?;
        }
    }
    transaction.commit().map_err(failed)
}

impl Shared {
    fn reader(&self) -> rusqlite::Result<Connection> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| connect(&self.file, self.options, true), Ok)
    }

    fn read(&self, statements: &[Statement]) -> rusqlite::Result<Vec<Vec<Row>>> {
        let mut reader = self.reader()?;
        let answers = {
            let snapshot = reader.transaction()?;
            statements.iter().map(|statement| query(&snapshot, statement)).collect()
        };
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        answers
    }

    fn write(&self, steps: &[Step]) -> rusqlite::Result<Outcome> {
        // A panic in between has dropped, and thereby undone, the transaction.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut done = Vec::with_capacity(steps.len());
        for step in steps {
            let mut changes = Changes::default();
            match step {
                Step::Require(statement, condition) => {
                    changes.changed = execute(&transaction, statement)?;
                    if changes.changed == 0 {
                        transaction.rollback()?;
                        return Ok(Outcome::Refused(*condition));
                    }
                }
                Step::Change(statements) => {
                    for (at, statement) in statements.iter().enumerate() {
                        let changed = execute(&transaction, statement)?;
                        if at == 0 {
                            changes.changed = changed;
                            if changed == 0 {
                                break;
                            }
                        }
                    }
                }
                Step::Query(statement) => changes.rows = query(&transaction, statement)?,
            }
            done.push(changes);
        }
        transaction.commit()?;
        Ok(Outcome::Done(done))
    }
}

#[async_trait]
impl Database for Sqlite {
    fn place(&self) -> &str {
        self.shared.place.as_str()
    }

    async fn read(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.reading).acquire_owned().await.ok();
        let shared = Arc::clone(&self.shared);
        blocking(self.shared.place.clone(), move || {
            let answers = shared.read(&statements).map_err(|error| shared.place.error("reading", &error));
            drop(permit);
            answers
        })
        .await
    }

    async fn write(&self, steps: Vec<Step>) -> Result<Outcome> {
        let shared = Arc::clone(&self.shared);
        blocking(self.shared.place.clone(), move || {
            shared.write(&steps).map_err(|error| shared.place.error("writing", &error))
        })
        .await
    }
}

/// Runs work on a thread that may wait. Work that has begun is finished even if nobody waits for it any more.
async fn blocking<T: Send + 'static>(place: Place, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(place.failed("a task", &error)))
}

fn execute(connection: &Connection, statement: &Statement) -> rusqlite::Result<u64> {
    let mut prepared = prepare(connection, statement)?;
    Ok(prepared.raw_execute()? as u64)
}

fn query(connection: &Connection, statement: &Statement) -> rusqlite::Result<Vec<Row>> {
    let mut prepared = prepare(connection, statement)?;
    let columns = prepared.column_count();
    let mut rows = prepared.raw_query();
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Row((0..columns).map(|column| row.get_ref(column).map(cell)).collect::<rusqlite::Result<_>>()?));
    }
    Ok(found)
}

fn prepare<'c>(connection: &'c Connection, statement: &Statement) -> rusqlite::Result<CachedStatement<'c>> {
    let mut prepared = connection.prepare_cached(&statement.sql)?;
    for (number, param) in (1..).zip(&statement.params) {
        // To SQLite, `$1` is a name.
        let Some(index) = prepared.parameter_index(&format!("${number}"))? else { continue };
        match param {
            Param::Int(value) => prepared.raw_bind_parameter(index, value)?,
            Param::Float(value) => prepared.raw_bind_parameter(index, value)?,
            Param::Text(value) => prepared.raw_bind_parameter(index, value)?,
            Param::Bytes(value) => prepared.raw_bind_parameter(index, value)?,
        }
    }
    Ok(prepared)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Real(value) => Cell::Float(value),
        ValueRef::Text(value) => Cell::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Cell::Bytes(value.to_vec()),
    }
}
