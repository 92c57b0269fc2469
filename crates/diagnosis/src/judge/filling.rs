//! What every rule may say about an operation: the placeholders of its templates.

use crate::{
    gather::{
        facts::{Facts, UNKNOWN, share},
        path::Path,
    },
    playbook::{Attr, Fill, Placeholder as P, first_line},
};

impl Facts<'_, '_, '_> {
    /// The placeholders that are known whatever rule applies. What stands in a trace is quoted.
    pub(crate) fn placeholders(&self) -> Fill {
        let mut fill = Fill::default();
        fill.quote(P::Operation, self.case.id.unwrap_or_default());
        fill.quote(P::OperationType, Some(self.operation_type.as_str()).filter(|t| *t != UNKNOWN).unwrap_or_default());
        // Downloads and researches run inside the backend.
        fill.set(P::Doer, if self.work_is_local() { "backend" } else { "worker" });
        for (placeholder, attr) in [
            (P::Symbol, Attr::Symbol),
            (P::Timeframe, Attr::Timeframe),
            (P::StartDate, Attr::StartDate),
            (P::EndDate, Attr::EndDate),
            (P::Strategy, Attr::Strategy),
        ] {
            // Several symbols are not an argument of a command; the first stands for them there.
            if let Some(value) = self.first(attr).map(trace::Value::to_text) {
                fill.quote(placeholder, value.split(',').next().unwrap_or_default());
            }
        }
        if let Some(window) = self.window {
            fill.set(P::Duration, window.length().to_string());
        }
        fill.quote(P::Phase, &self.phase());
        self.fill_bottleneck(&mut fill);
        self.fill_worker(&mut fill);
        self.fill_error(fill)
    }

    fn fill_bottleneck(&self, fill: &mut Fill) {
        let Some(bottleneck) = self.path.as_ref().and_then(Path::bottleneck) else { return };
        fill.quote(P::Bottleneck, &self.section_name(bottleneck));
        fill.quote(P::BottleneckService, bottleneck.key.service);
        let share = self.window.map_or(0.0, |window| share(bottleneck.total, window.length()));
        fill.set(P::Share, format!("{:.0} %", share * 100.0));
    }

    fn fill_worker(&self, fill: &mut Fill) {
        let selected = self.workers.selection.as_ref().and_then(|selection| selection.worker_type.as_deref());
        let worker_type = selected.or(match self.operation_type.as_str() {
            "training" => Some("training"),
            "backtesting" => Some("backtesting"),
            _ => None,
        });
        fill.quote(P::WorkerType, worker_type.unwrap_or_default());
        fill.set(
            P::WorkerContainer,
            match worker_type {
                Some("training") => "training-worker-1",
                Some("backtesting") => "backtest-worker-1",
                _ => "",
            },
        );
        if let Some(service) = self.worker_service() {
            fill.set(P::AtWorker, format!(" {}", first_line(service)));
        }
    }

    fn fill_error(&self, mut fill: Fill) -> Fill {
        let Some(origin) = &self.origin else { return fill };
        if !origin.is_silence() {
            fill.quote(P::ErrorType, &origin.error_type);
        }
        fill.quote(P::Message, origin.message.as_deref().unwrap_or_default());
        let at = origin.at.filter(|_| origin.member.is_none_or(|member| member.span.has_time()));
        fill.set(P::ErrorAt, at.map(|at| at.to_string()).unwrap_or_default());
        if let Some(member) = origin.member {
            fill.quote(P::Span, member.span.name());
            fill.quote(P::Caller, member.span.service());
        }
        match &origin.class {
            Some((_, groups)) => fill.with(groups),
            None => fill,
        }
    }
}
