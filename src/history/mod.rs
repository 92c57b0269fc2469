//! Answers questions about operations from those that a recorder keeps in a store, so that Jaeger is not asked anew for every
//! panel, alert rule and refresh.
//!
//! An answer depends on what the store contains, the clock and the playbook, and on nothing else. Operations that are closed
//! answer as they are stored. Those that are open are judged from their compact traces at the time of the question (`open`,
//! `judge`), because time passes for them: they become stuck by nothing happening.
//!
//! An answer says what it is based on. `coverage` compares what was read with what the question needs, and `wait` gives the
//! recorder time to read it; what is missing then is a notice in a list, and an error where numbers are counted.

mod coverage;
mod culprits;
mod judge;
mod kind;
mod list;
mod location;
mod metric;
mod names;
mod open;
mod question;
mod recorded;
mod single;
mod wait;

use std::{fmt, sync::Arc};

use diagnosis::{Diagnosis, playbook::Playbook};
use moka::future::Cache;
use store::{SourceId, Store};
use trace::Micros;

use self::judge::JudgedKey;
pub use self::{
    coverage::STALE_AFTER,
    kind::StoreKind,
    location::{LocationError, StoreLocation},
    wait::TABLE_WAIT,
};
use crate::{investigate::Options, recorder::Handle};

pub(crate) use self::{single::Kept, wait::Need};

/// How far back the past is recorded unless a setting says otherwise: 7 days.
pub const DEFAULT_WINDOW: Micros = Micros::from_secs(7 * 86_400);
/// How many judged operations are cached.
const MOST_JUDGED: u64 = 4_000;

/// Answers questions from the store of one source. Clones share a cache.
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
    window: Micros,
}

struct Shared {
    store: Arc<dyn Store>,
    source: SourceId,
    playbook: Arc<Playbook>,
    options: Options,
    recorder: Option<Handle>,
    /// Open operations as they were judged; the key has everything that the verdict depends on.
    judged: Cache<JudgedKey, Option<Arc<Diagnosis>>>,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "History({} in {})", self.shared.source, self.shared.store.place())
    }
}

impl History {
    /// Answers from the operations of this source. Without a `recorder`, another process fills the store.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        source: SourceId,
        playbook: Arc<Playbook>,
        options: &Options,
        recorder: Option<Handle>,
    ) -> Self {
        let judged = Cache::builder().max_capacity(MOST_JUDGED).time_to_live(judge::CACHED_FOR).build();
        let options = options.clone();
        Self { shared: Arc::new(Shared { store, source, playbook, options, recorder, judged }), window: DEFAULT_WINDOW }
    }

    /// The same for a recorder that reads the past back to `window` before now.
    #[must_use]
    pub fn with_window(self, window: Micros) -> Self {
        Self { window, ..self }
    }

    /// What was asked, in the words of a person.
    fn asked(&self) -> String {
        format!("recorded operations of {} in {}", self.shared.source, self.shared.store.place())
    }
}
