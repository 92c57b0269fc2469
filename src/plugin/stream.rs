//! Streams the frame `diagnosis` of an operation that still runs: the whole frame, whenever something changed, until the
//! operation ends. Its channel is `operation/<id>`.

use std::{fmt::Write as _, time::Duration};

use futures_util::stream;

use super::{deadline::Deadline, failure::failure, instances::DataSource, metrics::StreamGuard, now};
use crate::investigate::Target;
use diagnosis::Answer;
use diagnosis::{Diagnosis, OperationStatus, Verdict};
use frames;
use grafana_plugin_protocol::api::Failure;
use trace::Time;

/// Grafana refuses longer channels.
const MAX_CHANNEL: usize = 160;
const PREFIX: &str = "operation/";
const POLL_INTERVAL: Duration = Duration::from_secs(5);
/// Failures in a row after which the stream ends; Grafana then reconnects, with growing delays.
const MAX_FAILURES: u32 = 3;

/// The channel of an answer about exactly one operation that still runs.
pub(super) fn channel(uid: &str, answer: &Answer) -> Option<String> {
    let [diagnosis] = answer.diagnoses.as_slice() else { return None };
    if !still_runs(diagnosis) {
        return None;
    }
    let channel = format!("ds/{uid}/{PREFIX}{}", encode(diagnosis.operation_id.as_deref()?));
    (channel.len() <= MAX_CHANNEL).then_some(channel)
}

fn still_runs(diagnosis: &Diagnosis) -> bool {
    matches!(diagnosis.status, OperationStatus::Running | OperationStatus::Pending)
}

/// A path may hold letters, digits and `_ - . /`; everything else becomes `=` and two hexadecimal digits.
fn encode(id: &str) -> String {
    let mut path = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) {
            path.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(path, "={byte:02x}");
        }
    }
    path
}

/// The operation that a path names.
pub(super) fn target(path: &str) -> Option<Target> {
    let mut rest = path.trim_start_matches('/').strip_prefix(PREFIX)?.bytes();
    let mut id = Vec::new();
    while let Some(byte) = rest.next() {
        if byte == b'=' {
            let digits = [rest.next()?, rest.next()?];
            id.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            id.push(byte);
        }
    }
    String::from_utf8(id).ok().filter(|id| !id.trim().is_empty()).map(Target::Operation)
}

/// The frame as it is now.
pub(super) async fn snapshot(data_source: &DataSource, target: &Target) -> Result<Option<Vec<u8>>, Failure> {
    let answer = ask(data_source, target).await?;
    let found = answer.diagnoses.iter().any(|d| d.trace_id.is_some());
    if found { frame(data_source, &answer).map(Some) } else { Ok(None) }
}

async fn ask(data_source: &DataSource, target: &Target) -> Result<Answer, Failure> {
    let ask = async |data_source: DataSource| {
        data_source.investigator.diagnosis(target, now()).await.map_err(|error| failure(&error))
    };
    Deadline::within(None).limit(data_source.clone(), ask).await
}

fn frame(data_source: &DataSource, answer: &Answer) -> Result<Vec<u8>, Failure> {
    let mut frame = frames::diagnosis(answer, &data_source.source);
    frame.meta.channel = channel(&data_source.source.uid, answer);
    let json = frame.to_json_text().map_err(|error| Failure::internal(error.to_string()))?;
    Ok(json.into_bytes())
}

/// The fields whose change is sent; fields that change with the clock alone are left out.
#[derive(PartialEq)]
struct Fingerprint {
    status: OperationStatus,
    verdict: Verdict,
    rule: String,
    span_count: u32,
    attempts: u32,
    last_activity: Option<Time>,
    progress_percent: Option<f64>,
    progress_phase: Option<String>,
}

impl Fingerprint {
    fn of(diagnosis: &Diagnosis) -> Self {
        Self {
            status: diagnosis.status,
            verdict: diagnosis.verdict,
            rule: diagnosis.rule.clone(),
            span_count: diagnosis.span_count,
            attempts: diagnosis.attempts,
            last_activity: diagnosis.last_activity,
            progress_percent: diagnosis.progress_percent,
            progress_phase: diagnosis.progress_phase.clone(),
        }
    }
}

struct Follower {
    data_source: DataSource,
    target: Target,
    last: Option<Vec<Fingerprint>>,
    ended: bool,
    failures: u32,
    _counted: StreamGuard,
}

/// The frames until the operation ends.
pub(super) fn follow(
    data_source: DataSource,
    target: Target,
    counted: StreamGuard,
) -> impl futures_util::Stream<Item = Result<Vec<u8>, Failure>> + Send {
    let follower = Follower { data_source, target, last: None, ended: false, failures: 0, _counted: counted };
    stream::unfold(follower, |mut follower| async move {
        let next = follower.next().await?;
        Some((next, follower))
    })
}

impl Follower {
    /// The next frame that differs from the last one sent.
    async fn next(&mut self) -> Option<Result<Vec<u8>, Failure>> {
        while !self.ended {
            if self.last.is_some() || self.failures > 0 {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            let answer = match ask(&self.data_source, &self.target).await {
                Ok(answer) => answer,
                Err(failure) => {
                    self.failures += 1;
                    if self.failures < MAX_FAILURES {
                        continue;
                    }
                    self.ended = true;
                    return Some(Err(failure));
                }
            };
            self.failures = 0;
            self.ended = !answer.diagnoses.iter().any(|diagnosis| still_runs(diagnosis));
            let now = answer.diagnoses.iter().map(|diagnosis| Fingerprint::of(diagnosis)).collect();
            if self.last.as_ref() != Some(&now) {
                self.last = Some(now);
                return Some(frame(&self.data_source, &answer));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn any_id_survives_the_way_through_a_channel() {
        for id in ["op_training_20251122_100505_ab12cd34", "über/all=es ?", "a.b-c_d", "4bc5e6d04bc5e6d0"] {
            let path = format!("{PREFIX}{}", encode(id));
            assert!(path.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-/=.".contains(&b)), "{path}");
            assert_eq!(target(&path), Some(Target::Operation(id.to_owned())));
        }
        for bad in ["", "operation/", "other/x", "operation/=4", "operation/=zz"] {
            assert_eq!(target(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_one_running_operation_has_a_channel() {
        let running =
            Diagnosis { operation_id: Some("op_1".into()), status: OperationStatus::Running, ..Diagnosis::default() };
        let ended = Diagnosis { status: OperationStatus::Completed, ..running.clone() };
        let long = Diagnosis { operation_id: Some("x".repeat(200)), ..running.clone() };
        let of = |all: &[&Diagnosis]| {
            let diagnoses = all.iter().map(|d| Arc::new((*d).clone())).collect();
            channel("uid", &Answer { diagnoses, ..Answer::default() })
        };
        assert_eq!(of(&[&running]).as_deref(), Some("ds/uid/operation/op_1"));
        assert_eq!(of(&[&ended]), None);
        assert_eq!(of(&[&long]), None);
        assert_eq!(of(&[&running, &running]), None);
    }
}
