//! When to stop: Grafana says so, Grafana is gone, or the system says so.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

/// The plugin's one switch: off once, off for all.
#[derive(Clone, Debug)]
pub struct Stop {
    off: Arc<watch::Sender<bool>>,
}

impl Default for Stop {
    fn default() -> Self {
        Self { off: Arc::new(watch::Sender::new(false)) }
    }
}

impl Stop {
    /// Stops everything.
    pub fn stop(&self) {
        self.off.send_replace(true);
    }

    /// Waits for the stop.
    pub async fn stopped(self) {
        let mut off = self.off.subscribe();
        // fails only when the sender is gone, and `self` holds it
        let _ = off.wait_for(|off| *off).await;
    }
}

/// Watches everything that ends the plugin besides Grafana's own call.
pub(super) fn watch(stop: &Stop) {
    tokio::spawn(ignore_interrupts());
    #[cfg(unix)]
    {
        tokio::spawn(watch_parent(stop.clone()));
        tokio::spawn(watch_terminate(stop.clone()));
    }
}

/// Ctrl-C in a terminal reaches Grafana and its plugins alike; Grafana stops its plugins itself.
async fn ignore_interrupts() {
    while tokio::signal::ctrl_c().await.is_ok() {}
}

#[cfg(unix)]
async fn watch_terminate(stop: Stop) {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut terminate) = signal(SignalKind::terminate()) {
        terminate.recv().await;
        stop.stop();
    }
}

/// A Grafana that was killed cannot say stop. Its children then get another parent.
#[cfg(unix)]
async fn watch_parent(stop: Stop) {
    let parent = std::os::unix::process::parent_id();
    let mut every = tokio::time::interval(Duration::from_millis(500));
    loop {
        every.tick().await;
        if std::os::unix::process::parent_id() != parent {
            tracing::warn!("Grafana is gone; stopping");
            return stop.stop();
        }
    }
}
