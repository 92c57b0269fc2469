//! Does what [`life`](super::life) decides for one data source: opens its store, records, and ends the recording.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{FutureExt as _, future::BoxFuture};
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};

use super::{
    Key, Published, Recorders, State,
    life::{Life, Step, Version},
};

/// How long opening a store may take.
const OPENING: Duration = Duration::from_secs(10);
/// How long a recording may take to end before it is dropped. What it has not committed by then is read again later.
const ENDING: Duration = Duration::from_secs(10);

/// Records until it is stopped. An error when it ends before that.
pub(in crate::plugin) type Work = BoxFuture<'static, Result<(), String>>;

/// What a data source records, and where.
#[async_trait]
pub(in crate::plugin) trait Recording: Send + Sync + 'static {
    /// What questions need while it records.
    type Open: Clone + Send + Sync + 'static;

    /// Opens the store. `previous` is what these or earlier settings had opened last.
    async fn open(
        self: Arc<Self>,
        previous: Option<Self::Open>,
        stop: watch::Receiver<bool>,
    ) -> Result<(Self::Open, Work), String>;

    /// Names the store for people.
    fn place(&self) -> String;
}

/// What happened to that which was started.
enum Event<O> {
    Opened(Result<(O, Work), String>),
    Ended(Result<(), String>),
}

/// What was started and has not ended.
enum Running<O> {
    Opening(JoinSet<Event<O>>),
    Recording(JoinSet<Event<O>>),
    Ending(BoxFuture<'static, Event<O>>),
}

/// Looks after one data source until nobody asks it any more.
pub(super) struct Keeper<R: Recording> {
    recorders: Recorders<R>,
    key: Key,
    changed: Arc<Notify>,
    state: watch::Sender<Published<R::Open>>,
    version: Version,
    open: Option<R::Open>,
    running: Option<Running<R::Open>>,
    stop: watch::Sender<bool>,
}

impl<R: Recording> Keeper<R> {
    pub(super) fn new(
        recorders: Recorders<R>,
        key: Key,
        changed: Arc<Notify>,
        state: watch::Sender<Published<R::Open>>,
    ) -> Self {
        let (version, stop) = (Version::default(), watch::Sender::new(false));
        Self { recorders, key, changed, state, version, open: None, running: None, stop }
    }

    pub(super) async fn run(mut self) {
        loop {
            match self.recorders.step(&self.key) {
                Step::Start(version, recording) => self.start(version, recording),
                Step::End => self.end(),
                Step::Wait(until) => self.wait(until).await,
                Step::Retire => return,
            }
        }
    }

    fn start(&mut self, version: Version, recording: Arc<R>) {
        self.version = version;
        self.stop = watch::Sender::new(false);
        self.publish(State::Opening);
        let (previous, stop) = (self.open.clone(), self.stop.subscribe());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let place = recording.place();
            let opened = timeout(OPENING, recording.open(previous, stop)).await;
            Event::Opened(opened.unwrap_or_else(|_| {
                let seconds = OPENING.as_secs();
                Err(format!("{place} did not answer within {seconds} s; check that it is running"))
            }))
        });
        self.running = Some(Running::Opening(tasks));
    }

    fn end(&mut self) {
        self.stop.send_replace(true);
        let recording = match self.running.take() {
            Some(Running::Recording(tasks)) => Some(tasks),
            // Nothing was written yet.
            _ => None,
        };
        let Key { org_id, uid } = self.key.clone();
        let ending = async move {
            if let Some(mut tasks) = recording
                && timeout(ENDING, tasks.join_next()).await.is_err()
            {
                tracing::warn!(uid, org_id, "a recorder did not end in time and was dropped");
            }
            Event::Ended(Ok(()))
        };
        self.running = Some(Running::Ending(ending.boxed()));
    }

    async fn wait(&mut self, until: Option<Instant>) {
        let running = &mut self.running;
        let event = async {
            match running {
                Some(Running::Opening(tasks) | Running::Recording(tasks)) => match tasks.join_next().await {
                    Some(Ok(event)) => event,
                    _ => Event::Ended(Err("the recorder has crashed; the plugin's log has the details".to_owned())),
                },
                Some(Running::Ending(ending)) => ending.await,
                None => std::future::pending().await,
            }
        };
        let asleep = async {
            match until {
                Some(until) => sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        let event = tokio::select! {
            event = event => event,
            () = asleep => return,
            () = self.changed.notified() => return,
        };
        self.running = None;
        match event {
            Event::Opened(Ok((open, work))) => {
                self.open = Some(open.clone());
                self.publish(State::Open(open));
                let mut tasks = JoinSet::new();
                tasks.spawn(work.map(Event::Ended));
                self.running = Some(Running::Recording(tasks));
            }
            Event::Opened(Err(error)) | Event::Ended(Err(error)) => {
                let Key { org_id, uid } = &self.key;
                tracing::warn!(uid, org_id, error, "the history cannot be recorded; it is tried again");
                self.publish(State::Failed(error));
                self.recorders.change(&self.key, |life| life.failed(Instant::now()));
            }
            Event::Ended(Ok(())) => self.recorders.change(&self.key, Life::ended),
        }
    }

    /// Says what the recorder is doing, unless newer settings have said something already.
    fn publish(&self, state: State<R::Open>) {
        let version = self.version;
        self.state.send_if_modified(|published| {
            let is_current = published.0 <= version;
            if is_current {
                *published = (version, state);
            }
            is_current
        });
    }
}
