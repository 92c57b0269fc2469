//! From a query to frames: asks the investigator, and builds the frames on a blocking thread.

use std::sync::Arc;

use super::{
    failure::failure,
    instances::DataSource,
    now,
    query_model::{Baseline, Format, QueryModel},
    stream,
    uploads::Uploads,
};
use crate::investigate::{MetricQuery, Options, Reader, playbook_for_file};
use diagnosis::culprits::ComparedRanges;
use diagnosis::playbook::SpanRole;
use diagnosis::{Answer, TimeRange};
use diagnosis::{Context, Diagnosis, diagnose};
use frames::{self, Buckets, Frame, View};
use grafana_plugin_protocol::api::{Caller, Failure, Frames, QueryRange, RawQuery};
use trace::{Micros, Time, Trace};

/// The range of a query that has none: the last hour.
const DEFAULT_RANGE: Micros = Micros::from_secs(3600);

/// Answers a query.
pub(super) async fn answer(
    model: QueryModel,
    query: &RawQuery,
    caller: &Caller,
    data_source: DataSource,
    uploads: &Uploads,
) -> Result<Frames, Failure> {
    let now = now();
    let range = range(query.range, now)?;
    let ask = &data_source.investigator;
    let failed = |error| failure(&error);
    let clock = range.to.min(now);
    let source = data_source.source.clone();
    let ref_id = query.ref_id.clone();
    match model {
        QueryModel::Operations { filters, limit, order } => {
            let answer = ask.ranked(range, &filters, order, limit, now).await.map_err(failed)?;
            encoded(ref_id, move || vec![frames::operations(&answer, &source)]).await
        }
        QueryModel::Diagnosis { target, views, follow } => {
            let answer = ask.diagnosis(&target, now).await.map_err(failed)?;
            let channel = (follow && !data_source.settings.is_personal())
                .then(|| stream::channel(&data_source.source.uid, &answer))
                .flatten();
            encoded(ref_id, move || diagnosis_frames(&answer, &views, &source, channel)).await
        }
        QueryModel::Trace { target } => {
            let traces = ask.traces(&target, now).await.map_err(failed)?;
            if traces.iter().all(Trace::is_empty) {
                return Err(Failure::downstream(
                    404,
                    "Jaeger has no trace with this id: it may be too old, or not exported yet",
                ));
            }
            encoded(ref_id, move || vec![trace_frame(&traces, &data_source)]).await
        }
        QueryModel::ServiceMap { target } => {
            let answer = ask.diagnosis(&target, now).await.map_err(failed)?;
            encoded(ref_id, move || frames::service_map(&answer)).await
        }
        QueryModel::Metric { measure, by, filters, format, limit } => {
            let points = Buckets::new(
                TimeRange { to: clock, ..range },
                Micros(i64::try_from(query.interval.as_micros()).unwrap_or(i64::MAX)),
                query.max_points,
            );
            let buckets = (format == Format::Timeseries).then_some(points);
            let reader = if caller.is_alert() { Reader::AlertRule } else { Reader::Person };
            let asked = MetricQuery { measure, by, buckets, reader, limit };
            let answer = ask.metric(range, &filters, &asked, now).await.map_err(failed)?;
            let frame = move || match asked.buckets {
                None => frames::numeric(&answer, measure, &asked.by),
                Some(buckets) => frames::timeseries(&answer, measure, &asked.by, buckets),
            };
            encoded(ref_id, move || vec![frame()]).await
        }
        QueryModel::Culprits { filters, baseline } => {
            let ranges = compared_ranges(range, baseline, now)?;
            let changed = ask.culprits(ranges, &filters, now).await.map_err(failed)?;
            encoded(ref_id, move || vec![frames::culprits(&changed, &source)]).await
        }
        QueryModel::CulpritScore { filters, baseline, by_service } => {
            let ranges = compared_ranges(range, baseline, now)?;
            let changed = ask.culprits(ranges, &filters, now).await.map_err(failed)?;
            encoded(ref_id, move || vec![frames::culprit_score(&changed, by_service)]).await
        }
        QueryModel::Annotations { filters, limit, min_severity } => {
            let answer = ask.annotations(range, &filters, min_severity, limit, now).await.map_err(failed)?;
            encoded(ref_id, move || vec![frames::annotations(&answer, min_severity, clock)]).await
        }
        QueryModel::Upload { handle, views } => {
            let upload = uploads.get(caller, &handle).await?;
            let playbook = Arc::clone(data_source.investigator.playbook());
            let chosen = data_source.settings.playbook.is_some();
            let Options { stall_threshold, baseline_window, .. } = data_source.settings.options;
            encoded(ref_id, move || {
                let context = Context { now, baseline_window, stall_threshold, ..Context::default() };
                let traces = &*upload.traces;
                let (playbook, notice) = if chosen { (playbook, None) } else { playbook_for_file(traces, &playbook) };
                let diagnoses: Vec<_> =
                    diagnose(traces, &playbook, &context).diagnoses.into_iter().map(Arc::new).collect();
                let executed = format!("an uploaded file of {} traces", traces.len());
                let mut notices: Vec<String> = upload.notices.iter().cloned().chain(notice).collect();
                if diagnoses.is_empty() {
                    let spans: usize = traces.iter().map(Trace::len).sum();
                    notices.push(format!("no operation was found in {} traces with {spans} spans", traces.len()));
                }
                let answer = Answer { diagnoses, partial: !upload.notices.is_empty(), notices, executed, basis: None };
                diagnosis_frames(&answer, &views, &source, None)
            })
            .await
        }
    }
}

/// The window and its baseline; without one, the time before.
fn compared_ranges(window: TimeRange, baseline: Option<Baseline>, now: Time) -> Result<ComparedRanges, Failure> {
    let ranges = ComparedRanges::new(window, baseline.map(|baseline| baseline.at(now)));
    ranges.map_err(|error| Failure::bad_request(error.to_string()))
}

/// The frames `diagnosis` and, for each operation, its lists.
fn diagnosis_frames(answer: &Answer, views: &[View], source: &frames::Source, channel: Option<String>) -> Vec<Frame> {
    let mut all = Vec::new();
    if views.contains(&View::Diagnosis) {
        all.push(frames::diagnosis(answer, source).with_meta(|meta| meta.channel = channel));
    }
    let lists = |diagnosis: &Arc<Diagnosis>| frames::lists(diagnosis, views, source);
    all.extend(answer.diagnoses.iter().flat_map(lists));
    all
}

fn trace_frame(traces: &[Trace], data_source: &DataSource) -> Frame {
    let playbook = data_source.investigator.playbook();
    let is_noise = |span: trace::SpanRef<'_>| playbook.span_roles(span.name()).any(|role| role == SpanRole::Noise);
    let mut frame = frames::trace_view(traces, is_noise);
    let ids: Vec<_> = traces.iter().map(|trace| trace.id().to_string()).collect();
    frame.meta.executed_query_string = format!("traces {}", ids.join(", "));
    frame
}

/// Builds and encodes frames on a blocking thread.
async fn encoded(ref_id: String, build: impl FnOnce() -> Vec<Frame> + Send + 'static) -> Result<Frames, Failure> {
    let work = move || -> Result<Frames, frames::EncodeError> {
        let named = |mut frame: Frame| {
            frame.ref_id.clone_from(&ref_id);
            frame.encode()
        };
        build().into_iter().map(named).collect()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(frames)) => Ok(frames),
        Ok(Err(error)) => {
            tracing::error!(%error, "a frame cannot be encoded");
            Err(Failure::internal(error.to_string()))
        }
        Err(_) => Err(Failure::internal("internal error in the plugin; its log has the details")),
    }
}

/// The query's range; without one, the last hour.
pub(super) fn range(range: Option<QueryRange>, now: Time) -> Result<TimeRange, Failure> {
    let range =
        range.map(|range| TimeRange { from: Time::from_millis(range.from_ms), to: Time::from_millis(range.to_ms) });
    let range = range.unwrap_or(TimeRange { from: now - DEFAULT_RANGE, to: now });
    if range.from > range.to {
        let text = format!("the time range ends ({}) before it starts ({})", range.to, range.from);
        return Err(Failure::bad_request(text));
    }
    Ok(range)
}
