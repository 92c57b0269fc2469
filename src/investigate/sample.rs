//! A bounded sample of the traces of a time range, for playbooks in which every root request is an operation: no names of
//! spans find all of them, and there may be millions.

use hashbrown::HashSet;

use super::{Gathered, Investigator};
use diagnosis::TimeRange;
use jaeger::{Error, Search};
use trace::{Time, Trace, TraceId};

impl Investigator {
    /// The latest traces of each service, at most `most` in all. The answer always says that it is a sample.
    pub(super) async fn sample(&self, range: TimeRange, most: usize, clock: Time) -> Result<Gathered, Error> {
        let mut gathered = Gathered::default();
        let services = self.sampled_services(&mut gathered).await?;
        if services.is_empty() {
            return Ok(gathered);
        }
        let search = |service: &String, limit| Search {
            service: Some(service.clone()),
            from: range.from,
            to: clock,
            limit,
            ..Search::default()
        };
        // A trace is found in each of its services, so a second look takes what the first left of the sample.
        let share = most.div_ceil(services.len());
        let mut searches: Vec<Search> = services.iter().map(|service| search(service, share)).collect();
        let mut more = true;
        for limit in [share, most] {
            for search in &mut searches {
                search.limit = limit;
            }
            let found = self.fetch_all(searches.clone()).await?;
            more = found.truncated;
            let partial = found.partial;
            gathered.add(found);
            gathered.truncated = partial;
            if !more || gathered.traces.len() >= most || share == most {
                break;
            }
        }
        more |= gathered.traces.len() > most;
        newest(&mut gathered.traces, most);
        gathered.notice(notice(gathered.traces.len(), most, more));
        Ok(gathered)
    }

    /// The services to sample.
    async fn sampled_services(&self, gathered: &mut Gathered) -> Result<Vec<String>, Error> {
        let named = self.services_with(|_| true, gathered).await?;
        Ok(named.into_iter().map(|(service, _)| service).collect())
    }
}

/// The newest traces, whatever the order in which they were found.
fn newest(traces: &mut Vec<Trace>, most: usize) {
    let mut order: Vec<(Option<Time>, TraceId)> = traces.iter().map(|trace| (trace.start(), trace.id())).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let kept: HashSet<TraceId> = order.into_iter().take(most).map(|(_, id)| id).collect();
    traces.retain(|trace| kept.contains(&trace.id()));
}

fn notice(read: usize, most: usize, more: bool) -> String {
    let rest =
        if more { "there are more, and every number is about the sample" } else { "the time range has no others" };
    format!("a sample: {read} traces of the time range were read (at most {most}); {rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notice_says_whether_there_are_more() {
        assert!(
            notice(200, 200, true).starts_with("a sample: 200 traces of the time range were read (at most 200); there")
        );
        assert!(notice(3, 200, false).ends_with("the time range has no others"));
    }
}
