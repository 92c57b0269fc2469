//! Recorded operations instead of a Jaeger: the option `--store`.

use std::sync::Arc;

use super::{
    args::{JaegerArgs, RuleArgs, StoreArgs},
    error::Error,
    output, source,
};
use crate::{
    history::{History, StoreLocation},
    investigate::Options,
};
use store::{SourceId, Store};
use trace::Micros;

/// How far back `watch` may have recorded: further than any Jaeger keeps traces.
const LONGEST_WINDOW: Micros = Micros::from_secs(10 * 365 * 86_400);

/// The recorded operations that were named; nothing if Jaeger is to be asked.
pub(super) async fn history(args: &StoreArgs, rules: &RuleArgs, jaeger: &JaegerArgs) -> Result<Option<History>, Error> {
    let Some(location) = &args.store else {
        return match &args.source {
            Some(_) => Err(Error::Usage("--source names operations in a store: add `--store LOCATION`".into())),
            None => Ok(None),
        };
    };
    let location = StoreLocation::parse(location.expose())?;
    if let StoreLocation::Memory { .. } = location {
        return Err(Error::Usage(
            "--store: what is kept in memory is known to the process that records it alone; write `sqlite:PATH` or \
             `postgres://USER:PASSWORD@HOST/DATABASE`"
                .into(),
        ));
    }
    let playbook = Arc::new(source::playbook(rules.playbook.as_deref())?);
    let store = location.open_to_read().await?;
    let id = choose(&*store, args.source.as_deref()).await?;
    output::note(&format!("recorded operations of `{id}` in {}", store.place()));
    let options = Options { lookback: jaeger.lookback, baseline_window: rules.baseline_window, ..Options::default() };
    Ok(Some(History::new(store, id, playbook, &options, None).with_window(LONGEST_WINDOW)))
}

/// The source of this name, else the only one.
async fn choose(store: &dyn Store, name: Option<&str>) -> Result<SourceId, Error> {
    let known = store.sources().await?;
    let names = || known.iter().map(|source| format!("`{source}`")).collect::<Vec<_>>().join(", ");
    let place = store.place();
    match (known.as_slice(), name) {
        ([], _) => {
            Err(Error::System(format!("{place} contains no operations; `ktrdr-diagnose watch --store …` records them")))
        }
        ([only], None) => Ok(only.clone()),
        (_, None) => Err(Error::Usage(format!("{place} contains operations of {}: choose with `--source`", names()))),
        (_, Some(name)) => known.iter().find(|source| source.as_str() == name).cloned().ok_or_else(|| {
            Error::Usage(format!("--source: {place} contains no operations of `{name}`, but those of {}", names()))
        }),
    }
}
