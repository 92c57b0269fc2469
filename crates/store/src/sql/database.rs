//! What a backend does: it runs statements.

use std::fmt;

use async_trait::async_trait;

use super::statement::{Row, Statement};
use crate::Result;

/// A database. Its errors say which file or server they are about.
#[async_trait]
pub(crate) trait Database: fmt::Debug + Send + Sync + 'static {
    /// The file or server, for people and without secrets.
    fn place(&self) -> &str;

    /// The rows of these statements, all from the same state of the database.
    async fn read(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>>;

    /// Runs steps in one transaction: all of them or none.
    async fn write(&self, steps: Vec<Step>) -> Result<Outcome>;
}

/// A step of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A statement that must change a row; otherwise the transaction is undone.
    Require(Statement, Condition),
    /// The statements after the first one run only if the first one changes a row.
    Change(Vec<Statement>),
    /// A statement that gives rows.
    Query(Statement),
}

/// What a transaction requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// The lease is held.
    Lease,
    /// The coverage is the one that was read.
    Coverage,
}

/// What a transaction did.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// Everything; one entry per step.
    Done(Vec<Changes>),
    /// Nothing, because of this.
    Refused(Condition),
}

/// What a step did.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Changes {
    /// How many rows its first statement changed.
    pub(crate) changed: u64,
    /// The rows of a query.
    pub(crate) rows: Vec<Row>,
}
