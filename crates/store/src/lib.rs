#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod aggregate;
mod batch;
mod compact;
mod coverage;
mod error;
mod ids;
mod lease;
mod memory;
mod operation;
mod postgres;
mod query;
mod sql;
mod sqlite;
mod store;

pub use aggregate::AggregateQuery;
pub use batch::{Batch, Committed, Mark, Pruned, Retention, Upsert};
pub use compact::{CompactTraces, DecodeError};
pub use coverage::{Coverage, CoverageChange, Gap, Interval, Intervals};
pub use diagnosis::{AggregateRow, Buckets};
pub use error::{Error, Result};
pub use ids::{EngineVersion, LeaseToken, OperationKey, PlaybookHash, SourceId};
pub use lease::{Acquired, LEASE_TTL, Lease};
pub use memory::MemoryStore;
pub use operation::StoredOperation;
pub use postgres::{ConnectError, Connected, PlainConnector, PostgresConnector, open_postgres};
pub use query::{ComparableQuery, Field, OperationFilter, Order, Page, States};
pub use sqlite::{SqliteOptions, open_sqlite};
pub use store::Store;
