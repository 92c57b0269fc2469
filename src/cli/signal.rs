//! Waits for the request to stop.

/// Waits until Ctrl-C is pressed or the system asks the program to end (as `docker stop` does).
pub(super) async fn to_end() {
    let interrupted = async {
        // Without a handler the program ends on Ctrl-C as well, only less tidily.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = interrupted => {}
        () = terminated() => {}
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut asked) => {
            asked.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}
