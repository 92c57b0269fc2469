//! From arguments to somebody who can be asked: `operation` and `operations`.

use std::{sync::Arc, time::Duration};

use super::{
    args::{JaegerArgs, OperationArgs, OperationsArgs, Secret},
    error::Error,
    output::{self, Asked, Waiting},
    source,
    time::wall_clock,
};
use crate::{
    diagnosis::Verdict,
    investigate::{Answer, Filters, Investigator, Options, Target, TimeRange},
    jaeger::{self, Auth, Client, Config, Tls},
    playbook::Playbook,
    trace::{Micros, TraceId},
};

/// The header that selects a tenant.
const TENANT_HEADER: &str = "x-tenant";
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
    let headers = args.headers.iter().filter(|text| !text.0.trim().is_empty()).map(header).collect::<Result<_, _>>()?;
    let ca_pem = args.ca_cert.as_deref().map(|path| {
        let bytes = source::read(path)?;
        String::from_utf8(bytes).map_err(|_| Error::Usage(format!("--ca-cert: {} is not in PEM form", path.display())))
    });
    Ok(Config {
        url: url.0.clone(),
        auth: args.user.as_ref().map(user).transpose()?.unwrap_or_default(),
        headers,
        tenant: args.tenant.clone().map(|tenant| (TENANT_HEADER.into(), tenant)),
        tls: Tls { ca_pem: ca_pem.transpose()?, skip_verify: args.insecure, ..Tls::default() },
        timeout: Duration::from_micros(args.timeout.0.unsigned_abs()),
        max_body: (args.max_body_mib as usize) << 20,
        ..Config::default()
    })
}

/// `Name: value`. What is wrong is said without the text, which may be a secret.
fn header(text: &Secret) -> Result<(String, jaeger::Secret), Error> {
    let usage = |what: &str| Error::Usage(format!("--header: {what}; write it as `Name: value`"));
    let (name, value) = text.0.split_once(':').ok_or_else(|| usage("there is no colon in it"))?;
    let (name, value) = (name.trim(), value.trim());
    http::HeaderName::try_from(name).map_err(|_| usage("its name may hold letters, digits and `-` only"))?;
    http::HeaderValue::try_from(value).map_err(|_| usage("its value holds a character that no header may hold"))?;
    Ok((name.into(), jaeger::Secret::new(value)))
}

/// `name:password`.
fn user(text: &Secret) -> Result<Auth, Error> {
    let parts = text.0.split_once(':').ok_or_else(|| Error::Usage("--user: write it as `name:password`".into()))?;
    Ok(Auth::Basic { user: parts.0.into(), password: jaeger::Secret::new(parts.1) })
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
