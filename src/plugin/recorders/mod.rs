//! One recorder per data source, started by the first request and ended an hour after the last.
//!
//! [`life`] decides, [`keeper`] does what it decides, one task per data source, and [`recording`] is what a data source
//! records. The parts meet in [`Recorders`], which knows all data sources.

mod keeper;
mod life;
mod recording;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};

use self::{
    keeper::{Keeper, Recording},
    life::{Life, Step},
};
pub(super) use self::{
    life::Version,
    recording::{JaegerRecording, Opened},
};

/// How long a question waits for a store that is being opened.
const PATIENCE: Duration = Duration::from_secs(5);

/// A data source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) org_id: i64,
    pub(super) uid: String,
}

/// What a data source's recorder is doing, for those who ask questions.
#[derive(Clone, Debug)]
pub(super) enum State<O> {
    /// There is no history.
    Off,
    /// Its store is being opened.
    Opening,
    /// Its store is open.
    Open(O),
    /// Its store cannot be used.
    Failed(String),
}

/// The state, and for which settings it holds.
type Published<O> = (Version, State<O>);

struct Slot<R: Recording> {
    life: Life<Arc<R>>,
    changed: Arc<Notify>,
    state: watch::Sender<Published<R::Open>>,
    task: Option<JoinHandle<()>>,
}

struct Slots<R: Recording> {
    by_key: BTreeMap<Key, Slot<R>>,
    is_stopping: bool,
}

/// The recorders of all data sources.
pub(super) struct Recorders<R: Recording = JaegerRecording> {
    slots: Arc<Mutex<Slots<R>>>,
}

/// Where a request learns what the recorder of its data source is doing.
pub(super) struct Link<O> {
    version: Version,
    state: watch::Receiver<Published<O>>,
}

impl<R: Recording> Recorders<R> {
    /// A request came for a data source with these settings. Starts its recorder, keeps it running, or replaces it if the
    /// settings are newer. `None` once the plugin ends.
    pub(super) fn asked(&self, key: Key, version: Version, recording: Option<&Arc<R>>) -> Option<Link<R::Open>> {
        let mut slots = self.lock();
        if slots.is_stopping {
            return None;
        }
        let now = Instant::now();
        let off_or_opening = || (version, if recording.is_some() { State::Opening } else { State::Off });
        let slot = slots.by_key.entry(key.clone()).or_insert_with(|| {
            let (changed, state) = (Arc::new(Notify::new()), watch::Sender::new(off_or_opening()));
            let keeper = Keeper::new(self.clone(), key, Arc::clone(&changed), state.clone());
            let task = Some(tokio::spawn(keeper.run()));
            Slot { life: Life::new(version, recording.cloned(), now), changed, state, task }
        });
        if slot.life.asked(version, recording.cloned(), now) {
            slot.state.send_replace(off_or_opening());
            slot.changed.notify_one();
        }
        Some(Link { version, state: slot.state.subscribe() })
    }

    /// The state of every data source.
    pub(super) fn states(&self) -> Vec<State<R::Open>> {
        self.lock().by_key.values().map(|slot| slot.state.borrow().1.clone()).collect()
    }

    /// Ends all recorders and waits until they have ended.
    pub(super) async fn stop(&self) {
        let tasks: Vec<JoinHandle<()>> = {
            let mut slots = self.lock();
            slots.is_stopping = true;
            slots.by_key.values_mut().filter_map(Slot::stop).collect()
        };
        for task in tasks {
            // A keeper that panicked has ended too.
            let _ = task.await;
        }
    }

    /// The next step of a data source's recorder, which counts as taken.
    fn step(&self, key: &Key) -> Step<Arc<R>> {
        let mut slots = self.lock();
        let Some(slot) = slots.by_key.get_mut(key) else { return Step::Retire };
        let step = slot.life.next(Instant::now());
        if matches!(step, Step::Retire) {
            slots.by_key.remove(key);
        }
        step
    }

    fn change(&self, key: &Key, change: impl FnOnce(&mut Life<Arc<R>>)) {
        if let Some(slot) = self.lock().by_key.get_mut(key) {
            change(&mut slot.life);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Slots<R>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Recording> Slot<R> {
    fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.life.stop();
        self.changed.notify_one();
        self.task.take()
    }
}

impl<O: Clone> Link<O> {
    /// The state for the settings of the request, or for newer ones. Waits for a store that is being opened, but not for
    /// long.
    pub(super) async fn state(&mut self) -> State<O> {
        let version = self.version;
        let settled = self.state.wait_for(|(of, state)| *of >= version && !matches!(state, State::Opening));
        match timeout(PATIENCE, settled).await {
            Ok(Ok(published)) => published.1.clone(),
            // The plugin ends.
            Ok(Err(_)) => State::Off,
            Err(_) => State::Opening,
        }
    }

    /// The state at this moment.
    pub(super) fn state_now(&self) -> State<O> {
        let published = self.state.borrow();
        if published.0 < self.version { State::Opening } else { published.1.clone() }
    }
}

impl<R: Recording> Clone for Recorders<R> {
    fn clone(&self) -> Self {
        Self { slots: Arc::clone(&self.slots) }
    }
}

impl<R: Recording> Default for Recorders<R> {
    fn default() -> Self {
        Self { slots: Arc::new(Mutex::new(Slots { by_key: BTreeMap::new(), is_stopping: false })) }
    }
}

impl<R: Recording> fmt::Debug for Recorders<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorders({})", self.lock().by_key.len())
    }
}

impl<O> Clone for Link<O> {
    fn clone(&self) -> Self {
        Self { version: self.version, state: self.state.clone() }
    }
}

impl<O> fmt::Debug for Link<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link({:?})", self.version)
    }
}

#[cfg(test)]
mod tests;
