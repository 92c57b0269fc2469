//! `ktrdr-diagnose operation` and `operations`: from arguments to an investigator of a Jaeger, and its answer.

use std::{sync::Arc, time::Duration};

use super::{
    args::{JaegerArgs, OperationArgs, OperationsArgs, RuleArgs},
    error::Error,
    kept,
    output::{self, Asked, Waiting},
    source,
};
use crate::investigate::{Investigator, Options, Target};
use diagnosis::Verdict;
use diagnosis::{Answer, Filters, TimeRange};
use jaeger::{self, Auth, Client, Config, Secret, Tls};
use store::Order;
use trace::Micros;

/// The header that selects a tenant.
const TENANT_HEADER: &str = "x-tenant";

/// `ktrdr-diagnose operation`.
pub(super) async fn operation(args: &OperationArgs) -> Result<(), Error> {
    let now = args.common.clock.now();
    let lookback = match args.from.map(|from| now - from.at(now)) {
        Some(Micros(back)) if back <= 0 => return Err(Error::Usage("--from must be before now".into())),
        Some(back) => Some(back),
        None => args.jaeger.lookback,
    };
    let target = Target::parse(&args.id).ok_or_else(|| Error::Usage("the id is empty".into()))?;
    let answer = if let Some(history) = kept::history(&args.kept, &args.common.rules, &args.jaeger).await? {
        history.recorded(&target, now).await?
    } else {
        let investigator = investigator(&args.jaeger, &args.common.rules, lookback)?;
        let _waiting = Waiting::new(format!("Asking Jaeger for {}", args.id));
        investigator.diagnosis(&target, now).await?
    };
    notices(&answer);
    output::diagnoses(&answer.diagnoses, args.common.format, Asked::One)
}

/// `ktrdr-diagnose operations`.
pub(super) async fn operations(args: &OperationsArgs) -> Result<(), Error> {
    let now = args.common.clock.now();
    let range = TimeRange { from: args.from.at(now), to: args.to.at(now) };
    if range.from >= range.to {
        return Err(Error::Usage(format!("the range is empty: it starts at {} and ends at {}", range.from, range.to)));
    }
    let filters = Filters {
        types: args.types.clone(),
        verdicts: args.verdicts.iter().filter_map(|word| Verdict::parse(word)).collect(),
        ..Filters::default()
    };
    let limit = usize::from(args.limit);
    let answer = if let Some(history) = kept::history(&args.kept, &args.common.rules, &args.jaeger).await? {
        history.operations(range, &filters, Order::Newest, limit, now, None).await?
    } else {
        let investigator = investigator(&args.jaeger, &args.common.rules, args.jaeger.lookback)?;
        let _waiting = Waiting::new("Asking Jaeger for operations");
        investigator.operations(range, &filters, limit, now).await?
    };
    notices(&answer);
    if answer.diagnoses.is_empty() {
        output::note(&format!(
            "no operation between {} and {} matches; a wider range is `--from now-24h`, and `docs/troubleshooting.md` \
             explains why there may be none",
            range.from, range.to
        ));
    }
    output::diagnoses(&answer.diagnoses, args.common.format, Asked::List)
}

fn notices(answer: &Answer) {
    for notice in &answer.notices {
        output::note(notice);
    }
}

/// An investigator of the Jaeger that was named.
pub(super) fn investigator(
    args: &JaegerArgs,
    rules: &RuleArgs,
    lookback: Option<Micros>,
) -> Result<Investigator, Error> {
    let playbook = source::playbook(rules.playbook.as_deref())?;
    let client = client(args)?;
    let options = Options {
        lookback,
        baseline_window: rules.baseline_window,
        discovery_services: args.discovery_services.clone(),
        ..Options::default()
    };
    Ok(Investigator::new(client, Arc::new(playbook), options))
}

/// A client of the Jaeger that was named.
pub(super) fn client(args: &JaegerArgs) -> Result<Client, Error> {
    Ok(Client::new(&config(args)?)?)
}

fn config(args: &JaegerArgs) -> Result<Config, Error> {
    let Some(url) = &args.url else {
        return Err(Error::Usage(
            "which Jaeger? Add `--jaeger http://localhost:16686` (or your address) or set KTRDR_JAEGER_URL; without a \
             Jaeger try `ktrdr-diagnose demo`"
                .into(),
        ));
    };
    let headers =
        args.headers.iter().filter(|text| !text.expose().trim().is_empty()).map(header).collect::<Result<_, _>>()?;
    let ca_pem = args.ca_cert.as_deref().map(|path| {
        let bytes = source::read(path)?;
        String::from_utf8(bytes).map_err(|_| Error::Usage(format!("--ca-cert: {} is not in PEM form", path.display())))
    });
    Ok(Config {
        url: url.expose().to_owned(),
        auth: args.user.as_ref().map(user).transpose()?.unwrap_or_default(),
        headers,
        tenant: args.tenant.clone().map(|tenant| (TENANT_HEADER.into(), tenant)),
        tls: Tls { ca_pem: ca_pem.transpose()?, skip_verify: args.insecure, ..Tls::default() },
        timeout: Duration::from_micros(args.timeout.0.unsigned_abs()),
        max_body: (args.max_body_mib as usize) << 20,
        ..Config::default()
    })
}

/// Parses `Name: value`. Messages do not repeat the text, because it may be a secret.
fn header(text: &Secret) -> Result<(String, Secret), Error> {
    let usage = |what: &str| Error::Usage(format!("--header: {what}; write it as `Name: value`"));
    let (name, value) = text.expose().split_once(':').ok_or_else(|| usage("there is no colon in it"))?;
    let (name, value) = (name.trim(), value.trim());
    http::HeaderName::try_from(name).map_err(|_| usage("its name may hold letters, digits and `-` only"))?;
    http::HeaderValue::try_from(value).map_err(|_| usage("its value holds a character that no header may hold"))?;
    Ok((name.into(), Secret::new(value)))
}

/// `name:password`.
fn user(text: &Secret) -> Result<Auth, Error> {
    let parts =
        text.expose().split_once(':').ok_or_else(|| Error::Usage("--user: write it as `name:password`".into()))?;
    Ok(Auth::Basic { user: parts.0.into(), password: Secret::new(parts.1) })
}
