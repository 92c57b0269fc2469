//! Hooks of a store whose recorder dies between two writes, and which check what every commit claims.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering::Relaxed},
};

use ktrdr_diagnosis::recorder::Clock as _;
use store::{Coverage, Error, Interval, OperationKey, Result, SourceId, Store};
use tokio::sync::Notify;
use trace::Time;

use crate::{
    hooked_store::Hooks,
    simulated::{SOURCE, VirtualClock},
};

/// How the life of a recorder ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Before the write.
    Before,
    /// After the write, before the recorder learns of it.
    After,
    /// The write fails, and the recorder goes on.
    Failure,
}

/// An operation, and when the spans start by which it is found.
pub(crate) type Expected = (OperationKey, Interval);

/// What ends the life of one recorder.
#[derive(Debug)]
pub(crate) struct Mortal {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: VirtualClock,
    /// After this time nothing ends any more.
    pub(crate) until: Time,
    pub(crate) writes_left: AtomicI64,
    pub(crate) end: End,
    pub(crate) died: Notify,
    pub(crate) expected: Arc<Vec<Expected>>,
}

impl Hooks for Mortal {
    /// Runs a write, unless it is the last one.
    async fn write<T: Send>(&self, write: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.writes_left.fetch_sub(1, Relaxed) != 1 || self.clock.now() >= self.until {
            return write.await;
        }
        if self.end == End::Failure {
            return Err(Error::Unreachable { place: "the store".to_owned(), reason: "no route to host".to_owned() });
        }
        if self.end == End::After {
            drop(write.await);
        }
        self.died.notify_one();
        std::future::pending().await
    }

    /// Every operation of the time that is covered must be there.
    async fn committed(&self, coverage: &Coverage) {
        for (key, found) in self.expected.iter() {
            if coverage.covered.contains(*found) {
                let known = self.store.get(&SourceId::new(SOURCE), key).await.unwrap();
                assert!(known.is_some(), "{key} is missing, though {found:?} is covered by {coverage:?}");
            }
        }
    }
}
