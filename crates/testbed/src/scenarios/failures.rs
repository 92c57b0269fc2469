//! Trainings that start and then fail.

use super::training::{self, End, Run};
use crate::{
    http::{Reply, Request},
    ktrdr::{API, Deployment, Exit},
    scenario_builder::{ScenarioBuilder, mins, ms, secs},
};
use trace::Micros;

/// 8: the worker raises an exception. No span has an error; only the change of state has the message, without the class.
pub(super) fn value_error(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let run = Run {
        symbols: "EURUSD",
        loading: secs(3),
        silent: secs(19),
        end: End::Failed(
            "No aligned samples available: min_len=0, features_len=0, labels_len=0. One or both of features/labels \
             are empty after alignment.",
        ),
        ..training::eurusd(&deployment)
    };
    let started = training::train(builder, &deployment, &run, builder.base);
    builder.set_main_operation(&started.operation.id);
    builder.set_clock(mins(10));
}

/// 9: the data of a symbol was never loaded.
pub(super) fn data_not_found(builder: &mut ScenarioBuilder) {
    let deployment = Deployment::new(builder.seed);
    let base = builder.base;
    let (_, start) = training::request(builder, &deployment, base, Exit::Ok);
    let (worker, when) = (deployment.training[0].clone(), base + ms(350));
    let operation = builder.operation("training", when, "XAUUSD", "1h");
    let request = Request::new("POST", "/training/start");
    let dispatch = builder.client(start, API, &worker, &request, (when, ms(8)), Reply::Status(200));
    let server = builder.server(dispatch, &worker, &request, (when + ms(3), Micros(2300)), 200);
    builder.register(server, &worker.service, &operation, when + ms(6));
    builder.transition(server, &worker.service, &operation, when + ms(7), ("pending", "running"), &[]);
    let text = "Data file not found: data/1h/XAUUSD_1h.csv";
    builder
        .span(server, worker.service.clone(), "training.data_loading", when + ms(396), ms(38))
        .scope("ktrdr.training.training_pipeline", "")
        .attr("data.symbol", "XAUUSD")
        .attr("data.timeframes", "1h")
        .attr("progress.phase", "data_loading")
        .raised("ktrdr.errors.exceptions.DataNotFoundError", text, 1)
        .add();
    let error = [("operation.error", text.into())];
    builder.transition(server, &worker.service, &operation, when + ms(437), ("running", "failed"), &error);
    builder.set_main_operation(&operation.id);
    builder.set_clock(mins(10));
}
