//! A connection with the statements that it has prepared.

use std::collections::HashMap;

use tokio_postgres::{
    Client, Error, IsolationLevel, Transaction,
    types::{ToSql, Type},
};

use crate::sql::{Cell, Param, Row, Statement};

type Result<T> = std::result::Result<T, Error>;

/// A connection.
pub(super) struct Session {
    client: Client,
    prepared: Prepared,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self { client, prepared: Prepared::default() }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Asks the server for nothing.
    pub(super) async fn ping(&self) -> Result<()> {
        self.client.batch_execute("").await
    }

    pub(super) async fn begin(&mut self) -> Result<(Transaction<'_>, &mut Prepared)> {
        Ok((self.client.transaction().await?, &mut self.prepared))
    }

    /// Like [`Session::begin`], for reading one state of the database.
    pub(super) async fn begin_reading(&mut self) -> Result<(Transaction<'_>, &mut Prepared)> {
        let reading = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        Ok((reading.start().await?, &mut self.prepared))
    }
}

/// How many statements a connection keeps; filters make ever new ones.
const MOST: usize = 256;

/// Prepared statements by their text.
#[derive(Default)]
pub(super) struct Prepared(HashMap<String, tokio_postgres::Statement>);

impl Prepared {
    async fn get(&mut self, client: &Transaction<'_>, statement: &Statement) -> Result<tokio_postgres::Statement> {
        if let Some(known) = self.0.get(statement.sql.as_ref()) {
            return Ok(known.clone());
        }
        let types: Vec<Type> = statement.params.iter().map(type_of).collect();
        let prepared = client.prepare_typed(&statement.sql, &types).await?;
        if self.0.len() >= MOST {
            self.0.clear();
        }
        self.0.insert(statement.sql.to_string(), prepared.clone());
        Ok(prepared)
    }

    /// How many rows a statement changed.
    pub(super) async fn execute(&mut self, client: &Transaction<'_>, statement: &Statement) -> Result<u64> {
        let prepared = self.get(client, statement).await?;
        client.execute(&prepared, &params(statement)).await
    }

    /// Runs statements one after the other without waiting for each.
    pub(super) async fn execute_all(&mut self, client: &Transaction<'_>, statements: &[Statement]) -> Result<()> {
        let mut running = Vec::with_capacity(statements.len());
        for statement in statements {
            let prepared = self.get(client, statement).await?;
            running.push(async move { client.execute(&prepared, &params(statement)).await });
        }
        futures_util::future::try_join_all(running).await?;
        Ok(())
    }

    pub(super) async fn query(&mut self, client: &Transaction<'_>, statement: &Statement) -> Result<Vec<Row>> {
        let prepared = self.get(client, statement).await?;
        let rows = client.query(&prepared, &params(statement)).await?;
        rows.iter().map(|row| (0..row.len()).map(|at| cell(row, at)).collect::<Result<_>>().map(Row)).collect()
    }
}

fn type_of(param: &Param) -> Type {
    match param {
        Param::Int(_) => Type::INT8,
        Param::Float(_) => Type::FLOAT8,
        Param::Text(_) => Type::TEXT,
        Param::Bytes(_) => Type::BYTEA,
    }
}

fn params(statement: &Statement) -> Vec<&(dyn ToSql + Sync)> {
    statement.params.iter().map(as_sql).collect()
}

fn as_sql(param: &Param) -> &(dyn ToSql + Sync) {
    match param {
        Param::Int(value) => value,
        Param::Float(value) => value,
        Param::Text(value) => value,
        Param::Bytes(value) => value,
    }
}

fn cell(row: &tokio_postgres::Row, at: usize) -> Result<Cell> {
    let column = row.columns().get(at);
    let cell = match column.map_or(Type::TEXT, |column| column.type_().clone()) {
        Type::INT8 => row.try_get::<_, Option<i64>>(at)?.map(Cell::Int),
        Type::INT4 => row.try_get::<_, Option<i32>>(at)?.map(|value| Cell::Int(value.into())),
        Type::FLOAT8 => row.try_get::<_, Option<f64>>(at)?.map(Cell::Float),
        Type::BYTEA => row.try_get::<_, Option<Vec<u8>>>(at)?.map(Cell::Bytes),
        Type::VOID => None,
        _ => row.try_get::<_, Option<String>>(at)?.map(Cell::Text),
    };
    Ok(cell.unwrap_or(Cell::Null))
}
