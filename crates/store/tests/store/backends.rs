//! An empty store of each kind.

use std::sync::Arc;

use store::{MemoryStore, PlainConnector, SqliteOptions, Store, open_postgres, open_sqlite};
use tempfile::TempDir;

use crate::postgres::Server;

pub(crate) fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::default())
}

/// The folder is deleted with the second value.
pub(crate) async fn sqlite() -> (Arc<dyn Store>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = open_sqlite(&folder.path().join("new/store.db"), SqliteOptions::default()).await.unwrap();
    (store, folder)
}

/// In a database of its own on the server that all tests share.
pub(crate) async fn postgres() -> Arc<dyn Store> {
    let config = Server::shared().new_database().await;
    open_postgres(config, Arc::new(PlainConnector)).await.unwrap()
}
