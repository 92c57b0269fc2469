//! `ktrdr-diagnose file`: operations in a trace file.

use std::sync::Arc;

use super::{
    args::FileArgs,
    error::Error,
    output::{self, Asked, Waiting},
    source,
};
use crate::investigate::Target;
use diagnosis::{Context, Diagnosis, OperationStatus, diagnose};
use trace::{Micros, Time, Trace};

/// From this age on a file's unfinished operations are judged long after they were recorded.
const OLD: Micros = Micros::from_secs(3600);

pub(super) fn run(args: &FileArgs) -> Result<(), Error> {
    let chosen = args.common.rules.playbook.as_deref();
    // Mistakes in a playbook are reported before a large file is read.
    let _checked = source::playbook(chosen)?;
    let now = args.common.clock.now();
    let (traces, playbook, diagnoses) = {
        let _waiting = Waiting::new("Reading traces");
        let traces = source::traces(&args.path)?;
        let playbook = source::playbook_for(&traces, chosen)?;
        let context = Context { now, baseline_window: args.common.rules.baseline_window, ..Context::default() };
        let diagnoses: Vec<Arc<Diagnosis>> =
            diagnose(&traces, &playbook, &context).diagnoses.into_iter().map(Arc::new).collect();
        (traces, playbook, diagnoses)
    };
    let Some(id) = &args.operation else {
        notes(&traces, &diagnoses, args.common.clock.now.is_none(), now);
        return output::diagnoses(&diagnoses, args.common.format, Asked::List);
    };
    let target = Target::parse(id).ok_or_else(|| Error::Usage("--operation is empty".into()))?;
    let of = |meaning: Target| diagnoses.iter().filter(|d| meaning.includes(d)).cloned().collect::<Vec<_>>();
    let wanted = target.meanings(&playbook).into_iter().map(of).find(|found| !found.is_empty()).unwrap_or_default();
    if wanted.is_empty() {
        return Err(Error::NotInFile { id: id.clone(), path: args.path.clone(), known: known(&diagnoses) });
    }
    notes(&traces, &wanted, args.common.clock.now.is_none(), now);
    output::diagnoses(&wanted, args.common.format, Asked::One)
}

fn known(diagnoses: &[Arc<Diagnosis>]) -> String {
    const MOST: usize = 10;
    let names: Vec<String> =
        diagnoses.iter().take(MOST).map(|diagnosis| super::operations_table::name(diagnosis)).collect();
    match diagnoses.len() {
        0 => "it holds no operation at all".into(),
        n if n > MOST => format!("it holds {n} operations, among them {}", names.join(", ")),
        _ => format!("it holds {}", names.join(", ")),
    }
}

/// Says on standard error what the answer itself cannot say.
fn notes(traces: &[Trace], diagnoses: &[Arc<Diagnosis>], real_clock: bool, now: Time) {
    if diagnoses.is_empty() {
        let spans: usize = traces.iter().map(Trace::len).sum();
        output::note(&format!(
            "no operation was found in {} traces with {spans} spans; an operation needs a span that carries its id, or a \
             start request (for other systems than KTRDR add `--playbook generic`)",
            traces.len()
        ));
    }
    let unfinished = |d: &&Arc<Diagnosis>| !d.status.is_terminal() && d.status != OperationStatus::Unknown;
    let Some(end) = traces.iter().filter_map(Trace::end).max() else { return };
    let age = now - end;
    if real_clock && age > OLD && diagnoses.iter().any(|d| unfinished(&d)) {
        output::note(&format!(
            "the last span in this file ended {age} ago, and an operation without an end is judged as of now; to judge \
             it as of then, add `--now {end}`"
        ));
    }
}
