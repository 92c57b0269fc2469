//! The store in PostgreSQL: a few connections that read, one that writes, and a new one for each that breaks.

mod connector;
mod error;
mod session;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio_postgres::{Config, Transaction};

pub use self::connector::{ConnectError, Connected, PlainConnector, PostgresConnector};
use self::{error::Place, session::Session};
use crate::{
    Error, Result, Store,
    sql::{Changes, Database, Outcome, Row, SqlStore, Statement, Step, migration_after, read_version},
};

/// Opens the store in a database and brings it to the latest schema.
///
/// The connector opens connections, encrypted or not; `config` says what to connect to. Its password never appears in
/// errors.
///
/// # Errors
/// When the server cannot be reached or refuses the user, or when a newer version of this program has written the store.
pub async fn open_postgres(config: Config, connector: Arc<dyn PostgresConnector>) -> Result<Arc<dyn Store>> {
    let place = Place::new(&config);
    let connections = Arc::new(Semaphore::new(READERS));
    let (idle, writer) = (Mutex::default(), tokio::sync::Mutex::default());
    let database = Postgres { place, config, connector, reading: connections, idle, writer };
    database.migrate().await?;
    Ok(Arc::new(SqlStore::new(database)))
}

/// How many connections read at the same time.
const READERS: usize = 4;
/// How long opening a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Keeps two processes from migrating at the same time; any number that others are unlikely to use.
const MIGRATION_LOCK: i64 = 0x6b74_7264_7269_6167;

#[derive(Debug)]
struct Postgres {
    place: Place,
    config: Config,
    connector: Arc<dyn PostgresConnector>,
    reading: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
    writer: tokio::sync::Mutex<Option<Session>>,
}

impl Postgres {
    async fn connect(&self) -> Result<Session> {
        let connecting = self.connector.connect(&self.config);
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
        let connected = connected.map_err(|_| self.place.unreachable("no answer within 10 s"))?;
        let Connected { client, connection } = connected.map_err(|error| self.place.connect_error(error))?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to PostgreSQL has ended");
            }
        });
        let settings = "SET lock_timeout = '5s'; SET statement_timeout = '60s'; SET client_min_messages = 'warning'";
        client.batch_execute(settings).await.map_err(|error| self.place.error("connecting", &error))?;
        Ok(Session::new(client))
    }

    async fn migrate(&self) -> Result<()> {
        let failed = |error: tokio_postgres::Error| self.place.error("preparing the tables", &error);
        let mut session = self.connect().await?;
        let lock = Statement::new("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK.into()]);
        let (transaction, statements) = session.begin().await.map_err(failed)?;
        statements.query(&transaction, &lock).await.map_err(failed)?;
        loop {
            let [create, read] = read_version();
            statements.execute(&transaction, &create).await.map_err(failed)?;
            let rows = statements.query(&transaction, &read).await.map_err(failed)?;
            let Some(migration) = migration_after(rows, self.place.as_str())? else { break };
            for statement in migration.statements("TEXT COLLATE \"C\"", "BYTEA") {
                statements.execute(&transaction, &statement).await.map_err(failed)?;
            }
        }
        transaction.commit().await.map_err(failed)?;
        *self.writer.lock().await = Some(session);
        Ok(())
    }

    fn idle_session(&self) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|session| !session.is_closed());
        idle.pop()
    }

    async fn try_read(&self, session: &mut Session, statements: &[Statement]) -> Result<Vec<Vec<Row>>> {
        let failed = |error: tokio_postgres::Error| self.place.error("reading", &error);
        let (snapshot, prepared) = session.begin_reading().await.map_err(failed)?;
        let mut answers = Vec::with_capacity(statements.len());
        for statement in statements {
            answers.push(prepared.query(&snapshot, statement).await.map_err(failed)?);
        }
        snapshot.commit().await.map_err(failed)?;
        Ok(answers)
    }

    async fn run(
        &self,
        transaction: Transaction<'_>,
        prepared: &mut session::Prepared,
        steps: &[Step],
    ) -> std::result::Result<Outcome, tokio_postgres::Error> {
        let mut done = Vec::with_capacity(steps.len());
        for step in steps {
            let mut changes = Changes::default();
            match step {
                Step::Require(statement, condition) => {
                    changes.changed = prepared.execute(&transaction, statement).await?;
                    if changes.changed == 0 {
                        transaction.rollback().await?;
                        return Ok(Outcome::Refused(*condition));
                    }
                }
                Step::Change(statements) => {
                    if let Some((first, rest)) = statements.split_first() {
                        changes.changed = prepared.execute(&transaction, first).await?;
                        if changes.changed > 0 {
                            prepared.execute_all(&transaction, rest).await?;
                        }
                    }
                }
                Step::Query(statement) => changes.rows = prepared.query(&transaction, statement).await?,
            }
            done.push(changes);
        }
        transaction.commit().await?;
        Ok(Outcome::Done(done))
    }
}

#[async_trait]
impl Database for Postgres {
    fn place(&self) -> &str {
        self.place.as_str()
    }

    async fn read(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>> {
        // The semaphore is never closed.
        let _permit = self.reading.acquire().await.ok();
        let mut reused = self.idle_session();
        loop {
            let was_reused = reused.is_some();
            let mut session = match reused.take() {
                Some(session) => session,
                None => self.connect().await?,
            };
            let answers = self.try_read(&mut session, &statements).await;
            let broken = session.is_closed() || matches!(answers, Err(Error::Unreachable { .. }));
            if !broken {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
            } else if was_reused {
                // The server was restarted since. Reading again on a new connection changes nothing.
                continue;
            }
            return answers;
        }
    }

    async fn write(&self, steps: Vec<Step>) -> Result<Outcome> {
        let failed = |error: &tokio_postgres::Error| self.place.error("writing", error);
        let mut writer = self.writer.lock().await;
        let kept = writer.take().filter(|session| !session.is_closed());
        let mut session = match kept {
            Some(session) => session,
            None => self.connect().await?,
        };
        // Nothing has been written when a transaction cannot begin, so it may begin on a new connection.
        if session.ping().await.is_err() {
            session = self.connect().await?;
        }
        let (transaction, prepared) = session.begin().await.map_err(|error| failed(&error))?;
        let outcome = self.run(transaction, prepared, &steps).await.map_err(|error| failed(&error));
        *writer = Some(session);
        outcome
    }
}
