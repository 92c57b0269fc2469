//! What every rule may say about an operation: the placeholders of its templates.

use crate::{
    gather::{
        facts::{Facts, UNKNOWN, share},
        path::Path,
    },
    playbook::{Bindings, Placeholder as P, first_line},
};

impl Facts<'_, '_, '_> {
    /// The placeholders that are known whatever rule applies. What stands in a trace is quoted.
    pub(crate) fn bindings(&self) -> Bindings {
        let mut bindings = Bindings::default();
        bindings.quote(P::Operation, self.operation.id.unwrap_or_default());
        bindings
            .quote(P::OperationType, Some(self.operation_type.as_str()).filter(|t| *t != UNKNOWN).unwrap_or_default());
        let workers = self.operation.playbook.workers();
        let doer = if self.work_is_local() { &workers.local_name } else { &workers.name };
        bindings.set(P::Doer, doer.as_deref().unwrap_or_default());
        for (nth, word) in self.operation.playbook.words().iter().enumerate() {
            // A list is not an argument of a command; its first value stands for it there.
            if let Some(value) = self.word(nth).map(trace::Value::to_text) {
                bindings.quote_group(&word.name, value.split(',').next().unwrap_or_default());
            }
        }
        if let Some(window) = self.window {
            bindings.set(P::Duration, window.length().to_string());
        }
        bindings.quote(P::Phase, &self.phase());
        self.bind_bottleneck(&mut bindings);
        self.bind_worker(&mut bindings);
        self.bind_error(bindings)
    }

    fn bind_bottleneck(&self, bindings: &mut Bindings) {
        let Some(bottleneck) = self.path.as_ref().and_then(Path::bottleneck) else { return };
        bindings.quote(P::Bottleneck, &self.section_name(bottleneck));
        bindings.quote(P::BottleneckService, bottleneck.key.service);
        let share = self.window.map_or(0.0, |window| share(bottleneck.total, window.length()));
        bindings.set(P::Share, format!("{:.0} %", share * 100.0));
    }

    fn bind_worker(&self, bindings: &mut Bindings) {
        let selected = self.workers.selection.as_ref().and_then(|selection| selection.worker_type.as_deref());
        let workers = self.operation.playbook.workers();
        let worker_type = selected.or_else(|| workers.type_for(&self.operation_type));
        bindings.quote(P::WorkerType, worker_type.unwrap_or_default());
        let container = worker_type.and_then(|worker_type| workers.container(worker_type));
        bindings.set(P::WorkerContainer, container.unwrap_or_default());
        if let Some(service) = self.worker_service() {
            bindings.set(P::AtWorker, format!(" {}", first_line(service)));
        }
    }

    fn bind_error(&self, mut bindings: Bindings) -> Bindings {
        let Some(origin) = &self.origin else { return bindings };
        if !origin.is_unanswered() {
            bindings.quote(P::ErrorType, &origin.error_type);
        }
        bindings.quote(P::Message, origin.message.as_deref().unwrap_or_default());
        let at = origin.at.filter(|_| origin.member.is_none_or(|member| member.span.has_time()));
        bindings.set(P::ErrorAt, at.map(|at| at.to_string()).unwrap_or_default());
        if let Some(member) = origin.member {
            bindings.quote(P::Span, member.span.name());
            bindings.quote(P::Caller, member.span.service());
        }
        match &origin.class {
            Some((_, groups)) => bindings.with(groups),
            None => bindings,
        }
    }
}
