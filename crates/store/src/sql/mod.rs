//! The store over a database that speaks SQL: one text of every statement for SQLite and PostgreSQL.
//!
//! A backend only runs statements ([`Database`]); everything else is here. Filters, orders and groups are evaluated by the
//! database on narrow rows (`history_operation`), and only the records that are shown are read (`history_record`).

mod database;
mod operation_row;
mod reads;
mod schema;
mod select;
mod statement;
mod store;
mod text;
mod writes;

pub(crate) use database::{Changes, Database, Outcome, Step};
pub(crate) use schema::{migration_after, read_version};
pub(crate) use statement::{Cell, Param, Row, Statement};
pub(crate) use store::SqlStore;
