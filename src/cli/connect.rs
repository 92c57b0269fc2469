//! From arguments to somebody who can be asked: `operation` and `operations`.

use std::sync::Arc;

use super::{
    args::{JaegerArgs, OperationArgs, OperationsArgs},
    error::Error,
    output::{self, Asked, Waiting},
    source,
    time::wall_clock,
};
use crate::{
    diagnosis::Verdict,
    investigate::{Answer, Filters, Investigator, Options, Target, TimeRange},
    jaeger::{Client, Config},
    playbook::Playbook,
    trace::{Micros, TraceId},
};

/// How far back operations are compared.
const BASELINE_WINDOW: Micros = Micros::from_secs(7 * 86_400);

/// `ktrdr-diagnose operation`.
pub(super) async fn operation(args: &OperationArgs) -> Result<(), Error> {
    let playbook = source::playbook(args.rules.playbook.as_deref())?;
    let wall = wall_clock();
    let now = args.clock.now.map_or(wall, |when| when.at(wall));
    let lookback = match args.from.map(|from| now - from.at(now)) {
        Some(Micros(back)) if back <= 0 => return Err(Error::Usage("--from must be before now".into())),
        Some(back) => back,
        None => args.jaeger.lookback,
    };
    let investigator = investigator(&args.jaeger, playbook, lookback)?;
    let answer = {
        let _waiting = Waiting::new(format!("Asking Jaeger for {}", args.id));
        investigator.diagnosis(&target(&args.id), now).await?
    };
    notices(&answer);
    output::diagnoses(&answer.diagnoses, args.output.format, Asked::One)
}

/// `ktrdr-diagnose operations`.
pub(super) async fn operations(args: &OperationsArgs) -> Result<(), Error> {
    let playbook = source::playbook(args.rules.playbook.as_deref())?;
    let wall = wall_clock();
    let now = args.clock.now.map_or(wall, |when| when.at(wall));
    let range = TimeRange { from: args.from.at(now), to: args.to.at(now) };
    if range.from >= range.to {
        return Err(Error::Usage(format!("the range is empty: it starts at {} and ends at {}", range.from, range.to)));
    }
    let filters = Filters {
        types: args.types.clone(),
        verdicts: args.verdicts.iter().filter_map(|word| Verdict::parse(word)).collect(),
        ..Filters::default()
    };
    let investigator = investigator(&args.jaeger, playbook, args.jaeger.lookback)?;
    let answer = {
        let _waiting = Waiting::new("Asking Jaeger for operations");
        investigator.operations(range, &filters, usize::from(args.limit), now).await?
    };
    notices(&answer);
    if answer.diagnoses.is_empty() {
        output::note(&format!(
            "no operation between {} and {} fits; a wider range is `--from now-24h`, and `docs/troubleshooting.md` tells \
             why there may be none",
            range.from, range.to
        ));
    }
    output::diagnoses(&answer.diagnoses, args.output.format, Asked::List)
}

fn notices(answer: &Answer) {
    for notice in &answer.notices {
        output::note(notice);
    }
}

/// What was meant by an id: only trace ids are hexadecimal throughout.
fn target(id: &str) -> Target {
    let id = id.trim();
    match TraceId::parse(id) {
        Some(trace) if id.len() >= 12 => Target::Trace(trace),
        _ => Target::Operation(id.into()),
    }
}

fn investigator(args: &JaegerArgs, playbook: Playbook, lookback: Micros) -> Result<Investigator, Error> {
    let client = Client::new(&config(args)?)?;
    let options = Options {
        lookback,
        baseline_window: BASELINE_WINDOW,
        discovery_services: args.discovery_services.clone(),
        stall_threshold: None,
    };
    Ok(Investigator::new(client, Arc::new(playbook), options))
}

fn config(args: &JaegerArgs) -> Result<Config, Error> {
    let Some(url) = &args.url else {
        return Err(Error::Usage(
            "which Jaeger? Add `--jaeger http://localhost:16686` (or your address) or set KTRDR_JAEGER_URL; without a \
             Jaeger try `ktrdr-diagnose demo`"
                .into(),
        ));
    };
    Ok(Config { url: url.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_id_is_told_from_an_operation_id() {
        assert!(matches!(target("4f1e0a9b4f1e0a9b4f1e0a9b4f1e0a9b"), Target::Trace(_)));
        assert!(matches!(target("op_training_20261122_100505_a41e50c8"), Target::Operation(_)));
        assert!(matches!(target("cafe"), Target::Operation(_)));
    }
}
