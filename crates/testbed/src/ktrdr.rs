//! The spans that KTRDR's operations consist of, as its code emits them: commands, registrations, changes of state, worker
//! selections, polls and health checks.

use chrono::{DateTime, Utc};

use super::{
    http::{Peer, Reply, Request},
    rng::Rng,
    scenario_builder::{ScenarioBuilder, TraceContext, ms},
    span::Text,
};
use trace::{Micros, Time};

pub(crate) const CLI: &str = "ktrdr-cli";
pub(crate) const API: &str = "ktrdr-api";
pub(crate) const IB: &str = "ktrdr-ib-host-service";
pub(crate) const SERVICE: &str = "ktrdr.monitoring.service_telemetry";
const CLI_SCOPE: &str = "ktrdr.cli.telemetry";

/// The processes of one deployment. The service name of a worker ends in digits that change with every restart.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) api: Peer,
    pub(crate) ib: Peer,
    /// `training-worker-1` to `-3`.
    pub(crate) training: [Peer; 3],
    /// `backtest-worker-1` to `-3`.
    pub(crate) backtest: [Peer; 3],
}

impl Deployment {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new("deployment", &[seed]);
        let mut worker =
            |kind: &str, url| Peer { service: format!("ktrdr-{kind}-worker-{:08x}", rng.draw() as u32), url, sends: 2 };
        Self {
            api: Peer { service: API.to_owned(), url: "http://backend:8000", sends: 3 },
            ib: Peer { service: IB.to_owned(), url: "http://host.docker.internal:5001", sends: 2 },
            training: [
                worker("training", "http://training-worker-1:5005"),
                worker("training", "http://training-worker-2:5006"),
                worker("training", "http://training-worker-3:5008"),
            ],
            backtest: [
                worker("backtest", "http://backtest-worker-1:5003"),
                worker("backtest", "http://backtest-worker-2:5004"),
                worker("backtest", "http://backtest-worker-3:5007"),
            ],
        }
    }
}

/// An operation whose spans are being generated.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) id: String,
    /// Its type, as in its id and in the attribute `operation.type`.
    pub(crate) kind: &'static str,
    pub(crate) symbols: Text,
    pub(crate) timeframe: &'static str,
}

/// How a command ends, as its span records it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    /// With `click.exceptions.Exit: 1`, an exception that does not name the cause.
    One,
    /// With `SystemExit` or Ctrl-C, which set no status.
    Silent,
}

impl ScenarioBuilder {
    /// Creates an operation with an id of the form `op_<type>_<YYYYmmdd_HHMMSS>_<8 hex>`.
    pub(crate) fn operation(
        &mut self,
        kind: &'static str,
        at: Time,
        symbols: impl Into<Text>,
        timeframe: &'static str,
    ) -> Operation {
        let written = DateTime::<Utc>::from_timestamp_micros(at.0).unwrap_or_default().format("%Y%m%d_%H%M%S");
        let id = format!("op_{kind}_{written}_{:08x}", self.rng.draw() as u32);
        Operation { id, kind, symbols: symbols.into(), timeframe }
    }

    /// Adds the root span of a command.
    pub(crate) fn cli(
        &mut self,
        parent: TraceContext,
        command: &'static str,
        args: &str,
        start: Time,
        took: Micros,
        exit: Exit,
    ) -> TraceContext {
        let context = self.rng.draw() & 0xffff_fff0;
        let args = format!(
            "{{\"args\": [], \"kwargs\": {{\"ctx\": \"<click.core.Context object at 0x7f{context:010x}>\", {args}}}}}"
        );
        let span = self
            .span(parent, CLI, format!("cli.{command}"), start, took)
            .scope(CLI_SCOPE, "")
            .attr("cli.command", command)
            .attr("cli.args", args);
        match exit {
            Exit::Ok => span.ok(),
            Exit::One => span.raised("click.exceptions.Exit", "1", 2),
            Exit::Silent => span,
        }
        .add()
    }

    /// Adds `operations.create` with `operation.register` below it. Workers set the operation's id on both.
    pub(crate) fn register(&mut self, parent: TraceContext, service: &str, operation: &Operation, start: Time) {
        let in_api = service == API;
        let took = self.rng.about(Micros(480));
        let span = self
            .span(parent, service.to_owned(), "operations.create", start, took)
            .scope(SERVICE, "")
            .attr("service.method", "operations.create");
        let create = if in_api { span } else { span.attr("operation.id", operation.id.clone()) }.ok().add();
        self.span(create, service.to_owned(), "operation.register", start + Micros(80), Micros(took.0 - 110))
            .scope(SERVICE, "")
            .attr("operation.id", operation.id.clone())
            .attr("data.symbol", operation.symbols.clone())
            .attr("data.timeframe", operation.timeframe)
            .attr("operation.type", operation.kind)
            .attr("operation.status", "pending")
            .attr("operation.is_backend_local", operation.kind == "agent_research")
            .ok()
            .add();
    }

    /// Adds `operation.state_transition`. Its status is always OK, even for a change to `failed`.
    pub(crate) fn transition(
        &mut self,
        parent: TraceContext,
        service: &str,
        operation: &Operation,
        when: Time,
        (from, to): (&'static str, &'static str),
        extra: &[(&'static str, super::span::RawValue)],
    ) {
        let took = Micros(self.rng.within(55, 180));
        let mut span = self
            .span(parent, service.to_owned(), "operation.state_transition", when, took)
            .scope(SERVICE, "")
            .attr("operation.id", operation.id.clone())
            .attr("operation.from_status", from)
            .attr("operation.to_status", to);
        for (key, value) in extra {
            span = span.attr(*key, value.clone());
        }
        span.ok().add();
    }

    /// Adds the span of a decorated service method without attributes of its own.
    pub(crate) fn method(
        &mut self,
        parent: TraceContext,
        service: &str,
        name: &'static str,
        when: Time,
        took: Micros,
    ) -> TraceContext {
        self.span(parent, service.to_owned(), name, when, took)
            .scope(SERVICE, "")
            .attr("service.method", name)
            .ok()
            .add()
    }

    /// Adds `workers.list`, `times` times in a row. Every start of a training calls it twice.
    pub(crate) fn list_workers(&mut self, parent: TraceContext, when: Time, times: i64) {
        for nth in 0..times {
            let took = Micros(self.rng.within(12, 80));
            self.method(parent, API, "workers.list", when + Micros(nth * 140), took);
        }
    }

    /// Adds `workers.select` with its counts as texts. Its status is OK even if no worker was found.
    pub(crate) fn select_worker(
        &mut self,
        parent: TraceContext,
        kind: &'static str,
        when: Time,
        took: Micros,
        counts: [&'static str; 3],
    ) {
        let [total, capable, available] = counts;
        let chosen = format!("{kind}-worker-{:08x}", self.rng.draw() as u32);
        let span = self
            .span(parent, API, "workers.select", when, took)
            .scope(SERVICE, "")
            .attr("service.method", "workers.select")
            .attr("worker.type", kind)
            .attr("worker.total_workers", total)
            .attr("worker.capable_workers", capable)
            .attr("worker.available_workers", available);
        if available == "0" {
            span.attr("worker.selection_status", "no_workers_available")
        } else {
            span.attr("worker.selected_id", chosen).attr("worker.selection_status", "success")
        }
        .ok()
        .add();
    }

    /// Adds a poll of an operation. The API answers from its cache or, with `worker`, asks the worker first.
    pub(crate) fn poll(
        &mut self,
        parent: TraceContext,
        deployment: &Deployment,
        operation: &Operation,
        when: Time,
        worker: Option<(&Peer, Reply)>,
    ) -> TraceContext {
        const ROUTE: &str = "/api/v1/operations/{operation_id}";
        let path = format!("/api/v1/operations/{}", operation.id);
        let request = Request::with_path("GET", ROUTE, path.clone());
        let took = self.rng.about(ms(if worker.is_some() { 16 } else { 5 }));
        let server = self.call(parent, CLI, &deployment.api, &request, (when, took), 200);
        let Some((worker, reply)) = worker else { return server };
        let asked = when + ms(4);
        let Reply::Status(status) = reply else {
            return self.client(server, API, worker, &request, (asked, ms(6)), reply);
        };
        self.call(server, API, worker, &request, (asked, ms(4)), status);
        let metrics =
            Request::with_path("GET", "/api/v1/operations/{operation_id}/metrics", format!("{path}/metrics?cursor=0"));
        self.call(server, API, worker, &metrics, (asked + ms(5), ms(3)), status);
        server
    }

    /// Adds a later `ktrdr status` for the operation, in a trace of its own.
    pub(crate) fn status_command(
        &mut self,
        deployment: &Deployment,
        operation: &Operation,
        when: Time,
        worker: Option<(&Peer, Reply)>,
    ) {
        let top = self.new_trace();
        let args = format!("\"operation_id\": \"{}\"", operation.id);
        let root = self.cli(top, "status", &args, when, ms(140), Exit::Ok);
        self.poll(root, deployment, operation, when + ms(85), worker);
    }

    /// Adds the API's health check of a worker: a trace of five spans, or of one span if the worker does not answer.
    pub(crate) fn health_check(&mut self, worker: &Peer, when: Time, alive: bool) {
        let top = self.new_trace();
        let request = Request::new("GET", "/health");
        if alive {
            let took = self.rng.about(ms(5));
            let server = self.call(top, API, worker, &request, (when, took), 200);
            self.method(server, &worker.service, "operations.list", when + Micros(1900), Micros(90));
        } else {
            self.client(top, API, worker, &request, (when, ms(4)), Reply::Refused);
        }
    }
}
