//! When the plugin stops: Grafana calls its shutdown method, Grafana has ended, or the system sends a signal.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// Signals all parts of the plugin to stop. Clones share the signal, and it cannot be taken back.
#[derive(Clone, Debug)]
pub(crate) struct StopSignal {
    stopping: Arc<watch::Sender<bool>>,
}

impl Default for StopSignal {
    fn default() -> Self {
        Self { stopping: Arc::new(watch::Sender::new(false)) }
    }
}

impl StopSignal {
    /// Sends the signal.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits for the signal.
    pub(crate) async fn stopped(self) {
        let mut stopping = self.stopping.subscribe();
        // This fails only without a sender, and `self` has one.
        let _ = stopping.wait_for(|stopping| *stopping).await;
    }
}

/// Watches for everything that stops the plugin except Grafana's call.
pub(super) fn watch(stop: &StopSignal) {
    tokio::spawn(ignore_interrupts());
    #[cfg(unix)]
    {
        tokio::spawn(watch_parent(stop.clone()));
        tokio::spawn(watch_terminate(stop.clone()));
    }
}

/// Ctrl-C in a terminal reaches Grafana and its plugins at the same time. Grafana then stops its plugins itself.
async fn ignore_interrupts() {
    while tokio::signal::ctrl_c().await.is_ok() {}
}

#[cfg(unix)]
async fn watch_terminate(stop: StopSignal) {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        terminate.recv().await;
        stop.stop();
    }
}

/// A Grafana that was killed does not call the shutdown method, but its plugins get another parent process.
#[cfg(unix)]
async fn watch_parent(stop: StopSignal) {
    let parent = std::os::unix::process::parent_id();
    let mut every = tokio::time::interval(Duration::from_millis(500));
    loop {
        every.tick().await;
        if std::os::unix::process::parent_id() != parent {
            tracing::warn!("Grafana has ended; stopping");
            return stop.stop();
        }
    }
}
