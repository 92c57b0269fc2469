//! What others may do with a recorder that runs: read its state, wait for it, and say what somebody looks at.

use std::sync::Arc;

use store::Interval;
use tokio::sync::watch;

use super::status::{Activity, Status};

/// Refers to a recorder, also after it has ended.
#[derive(Clone, Debug)]
pub struct Handle {
    status: watch::Receiver<Status>,
    wanted: Arc<watch::Sender<Option<Interval>>>,
}

impl Handle {
    /// What the recorder is doing.
    #[must_use]
    pub fn status(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Somebody looks at this range: what is missing of it is read before the rest of the past. The latest range counts.
    pub fn want(&self, range: Interval) {
        self.wanted.send_if_modified(|wanted| wanted.replace(range) != Some(range));
    }

    /// Waits until the state is like this. Returns the state, which may be different if the recorder ended before.
    pub async fn wait_for(&self, wanted: impl Fn(&Status) -> bool) -> Status {
        let mut status = self.status.clone();
        let found = status.wait_for(|status| wanted(status) || status.activity == Activity::Ended).await;
        // The channel closes when the recorder is dropped.
        found.map_or_else(|_| self.status(), |status| status.clone())
    }

    /// Waits until the recorder has ended.
    pub async fn ended(&self) {
        self.wait_for(|_| false).await;
    }
}

/// The recorder's side of its handles.
#[derive(Debug)]
pub(super) struct Control {
    status: watch::Sender<Status>,
    wanted: watch::Receiver<Option<Interval>>,
    /// Keeps the channel open while there is no other handle.
    handle: Handle,
}

impl Control {
    pub(super) fn new() -> Self {
        let (status, read_status) = watch::channel(Status::default());
        let (want, wanted) = watch::channel(None);
        Self { status, wanted, handle: Handle { status: read_status, wanted: Arc::new(want) } }
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }

    /// The range that is wanted, if it has changed since the last call.
    pub(super) fn newly_wanted(&mut self) -> Option<Interval> {
        if self.wanted.has_changed().unwrap_or(false) { *self.wanted.borrow_and_update() } else { None }
    }

    /// Waits until another range is wanted.
    pub(super) fn another_range(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut wanted = self.wanted.clone();
        async move {
            // The handle above keeps the channel open.
            drop(wanted.changed().await);
        }
    }
}

impl Drop for Control {
    /// A recorder whose task was aborted has ended too.
    fn drop(&mut self) {
        self.status.send_modify(|status| status.activity = Activity::Ended);
    }
}

#[cfg(test)]
mod tests {
    use trace::Time;

    use super::*;

    #[tokio::test]
    async fn a_wanted_range_arrives_once_and_wakes_the_recorder() {
        let mut control = Control::new();
        let handle = control.handle();
        assert_eq!(control.newly_wanted(), None);
        let range = Interval { from: Time(1), to: Time(2) };
        let woken = control.another_range();
        handle.want(range);
        woken.await;
        assert_eq!(control.newly_wanted(), Some(range));
        assert_eq!(control.newly_wanted(), None);
        handle.want(range);
        assert_eq!(control.newly_wanted(), None, "it is wanted already");
    }

    #[tokio::test]
    async fn a_change_and_the_end_wake_those_who_wait() {
        let control = Control::new();
        let handle = control.handle();
        let waiting = tokio::spawn(async move { handle.wait_for(|status| status.commits == 2).await });
        control.change(|status| status.commits = 1);
        control.change(|status| status.commits = 2);
        assert_eq!(waiting.await.unwrap().commits, 2);
        let handle = control.handle();
        drop(control);
        handle.ended().await;
        assert_eq!(handle.status().activity, Activity::Ended);
    }
}
