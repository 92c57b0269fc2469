//! `ktrdr-diagnose watch`: the recorder without Grafana. It fills a store, and prints the operations that go wrong.

mod metrics;
mod progress;
mod wrong;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

use self::{metrics::MetricsServer, progress::Progress, wrong::is_wrong};
use super::{
    args::WatchArgs,
    error::Error,
    operations::client,
    output, signal, source,
    text::{Layout, second},
};
use crate::{
    history::StoreLocation,
    recorder::{Activity, Handle, JaegerSource, Options, Paced, Recorder, SystemClock, can_record, playbook_hash},
    when::wall_clock,
};
use diagnosis::Diagnosis;
use jaeger::Client;
use store::{SourceId, Store};

/// How long the recorder may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(8);
/// How long a command that is to end waits for another writer: longer than for the lease of one that was killed.
const LONGEST_STANDBY: Duration = Duration::from_secs(45);
/// How often the state is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Changes = mpsc::UnboundedReceiver<Arc<Diagnosis>>;

/// `ktrdr-diagnose watch`.
pub(super) async fn run(args: &WatchArgs) -> Result<(), Error> {
    if args.history_window > args.retention {
        return Err(Error::Usage("--history-window must not be longer than --retention".into()));
    }
    let client = client(&args.jaeger)?;
    let location = StoreLocation::parse(args.store.expose())?;
    if args.until_caught_up {
        // A command that is to end does not wait for a Jaeger that does not answer.
        client.services().await?;
    }
    let store = location.open().await?;
    let id = SourceId::new(args.source.clone().unwrap_or_else(|| default_source(client.base())));
    let mut recorder = recorder(args, &client, Arc::clone(&store), id.clone())?;
    let (sender, mut changes) = mpsc::unbounded_channel();
    recorder.send_changes_to(sender);
    let handle = recorder.handle();
    let server = match &args.metrics {
        Some(address) => Some(MetricsServer::start(address, id.clone(), handle.clone(), Arc::clone(&store)).await?),
        None => None,
    };
    output::note(&format!("recording {} as `{id}` into {}", client.base(), store.place()));
    if let Some(server) = &server {
        output::note(&format!("metrics are on http://{}/metrics", server.address()));
    }

    let (stop, stopped) = watch::channel(false);
    let recording = tokio::spawn(recorder.run(stopped, args.until_caught_up));
    let mut progress = Progress::new();
    let followed = follow(args, &client, &handle, &mut changes, &mut progress).await;
    // The recorder may have ended already.
    let _ = stop.send(true);
    let ended = end(recording, &*store).await;
    progress.finish();
    followed?;
    ended?;
    while let Ok(operation) = changes.try_recv() {
        print(args, &operation)?;
    }
    if let (true, Some(since)) = (args.until_caught_up, handle.status().complete_since()) {
        output::note(&format!("complete since {} UTC", second(since)));
    }
    Ok(())
}

fn recorder(args: &WatchArgs, client: &Client, store: Arc<dyn Store>, id: SourceId) -> Result<Recorder, Error> {
    let playbook = Arc::new(source::playbook(args.rules.playbook.as_deref())?);
    if !can_record(&playbook) {
        return Err(Error::Usage(
            "--playbook: this playbook reads a sample of the traces, so what is recorded would be incomplete; use one \
             that names the spans which start operations"
                .into(),
        ));
    }
    let thresholds = playbook.thresholds();
    let options = Options {
        history_window: args.history_window,
        retention: args.retention,
        lookback: args.jaeger.lookback.unwrap_or(thresholds.lookback),
        baseline_window: args.rules.baseline_window.unwrap_or(thresholds.baseline_window),
        stall_threshold: None,
        discovery_services: args.jaeger.discovery_services.clone(),
        playbook_hash: playbook_hash(&playbook),
    };
    let source = Paced::new(JaegerSource::new(client.clone()), f64::from(args.max_requests_per_second));
    Ok(Recorder::new(Arc::new(source), store, id, playbook, options, Arc::new(SystemClock), holder()))
}

/// Prints what goes wrong until the recorder ends or this program is asked to.
async fn follow(
    args: &WatchArgs,
    client: &Client,
    handle: &Handle,
    changes: &mut Changes,
    progress: &mut Progress,
) -> Result<(), Error> {
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut standby_since = None;
    let (mut asked, mut ended) = (std::pin::pin!(signal::to_end()), std::pin::pin!(handle.ended()));
    loop {
        tokio::select! {
            Some(operation) = changes.recv() => progress.suspend(|| print(args, &operation))?,
            at = look.tick() => {
                let status = handle.status();
                progress.update(&status, client.stats().snapshot().calls, wall_clock());
                match status.activity {
                    Activity::Standby { writer } if args.until_caught_up => {
                        if at - *standby_since.get_or_insert(at) > LONGEST_STANDBY {
                            return Err(Error::System(format!(
                                "another recorder writes already ({writer}) and does not end: stop it, or choose another \
                                 --store or --source"
                            )));
                        }
                    }
                    _ => standby_since = None,
                }
            }
            () = &mut asked => return Ok(()),
            () = &mut ended => return Ok(()),
        }
    }
}

fn print(args: &WatchArgs, operation: &Diagnosis) -> Result<(), Error> {
    if is_wrong(operation) { output::text(&wrong::line(operation, args.format, Layout::of_stdout())?) } else { Ok(()) }
}

/// Waits for the recorder to give its lease back.
async fn end(recording: JoinHandle<Result<(), store::Error>>, store: &dyn Store) -> Result<(), Error> {
    match tokio::time::timeout(GRACE, recording).await {
        Ok(Ok(result)) => Ok(result?),
        Ok(Err(panicked)) => Err(Error::System(format!("recording has stopped: {panicked}"))),
        Err(_) => Err(Error::System(format!(
            "{} does not answer; everything up to the last commit is kept, and another recorder takes over within 30 s",
            store.place()
        ))),
    }
}

/// Host, port and base path of the Jaeger. A colon is always part of it, so that it is never the name of a data source in
/// Grafana, which is made of an organisation and a uid.
fn default_source(base: &str) -> String {
    let (scheme, rest) = base.split_once("://").unwrap_or(("http", base));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let has_port = host.rsplit(']').next().is_some_and(|end| end.contains(':'));
    let port = match scheme {
        _ if has_port => "",
        "https" => ":443",
        _ => ":80",
    };
    let path = path.trim_end_matches('/');
    if path.is_empty() { format!("{host}{port}") } else { format!("{host}{port}/{path}") }
}

/// A name that no other process has.
fn holder() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).map(|host| format!(" on {host}")).unwrap_or_default();
    let id = uuid::Uuid::new_v4().simple().to_string();
    let id: String = id.chars().take(8).collect();
    format!("watch, process {}{host} ({id})", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_source_is_never_that_of_a_data_source() {
        for (base, name) in [
            ("http://localhost:16686/", "localhost:16686"),
            ("http://1-jaeger/", "1-jaeger:80"),
            ("https://host/jaeger", "host:443/jaeger"),
            ("https://[::1]/a/b/", "[::1]:443/a/b"),
            ("http://[::1]:16686/", "[::1]:16686"),
        ] {
            assert_eq!(default_source(base), name);
        }
    }

    #[test]
    fn no_two_writers_have_the_same_name() {
        assert_ne!(holder(), holder());
    }
}
