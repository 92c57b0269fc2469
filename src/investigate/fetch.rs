//! Searches whose answer may exceed the size limit: the time range is split in half and searched again, down to a single
//! trace, of which as much is read as fits.

use super::{CONCURRENT_REQUESTS, Investigator};
use futures_util::StreamExt as _;
use jaeger::{Error, Search, SearchResult, merge};
use trace::Micros;

/// How many answers of one search may be too large before the rest is left out.
const MOST_REFUSALS: usize = 24;

impl Investigator {
    /// Runs a search whose answer may be too large. While it is, range and limit are halved; a single trace that is too
    /// large is read as far as it fits.
    pub(super) async fn fetch(&self, search: Search) -> Result<SearchResult, Error> {
        let mut todo = vec![search];
        let mut all = SearchResult::default();
        let mut refusals = 0;
        while let Some(part) = todo.pop() {
            let error = match self.client.search(&part).await {
                Ok(found) => {
                    all.absorb(found);
                    continue;
                }
                Err(error) if error.is_too_large() => error,
                Err(error) => return Err(error),
            };
            refusals += 1;
            if refusals > MOST_REFUSALS {
                all.truncated = true;
                all.notes.push(format!("some traces were left out: {error}"));
                break;
            }
            let length = part.to - part.from;
            if part.limit > 1 && length > Micros(2) {
                let middle = part.from + Micros(length.0 / 2);
                let limit = part.limit.div_ceil(2);
                todo.push(Search { to: middle, limit, ..part.clone() });
                todo.push(Search { from: middle + Micros(1), limit, ..part });
            } else {
                let found = self.client.search_truncated(&part).await?;
                all.notes.extend(found.traces.iter().filter_map(|trace| {
                    trace.partial().map(|why| format!("trace {} is incomplete: {why}", trace.id()))
                }));
                all.absorb(found);
            }
        }
        merge(&mut all.traces);
        Ok(all)
    }

    /// Runs searches, a few at a time. If all fail, the first error is returned; otherwise failures become notes.
    pub(super) async fn fetch_all(&self, searches: Vec<Search>) -> Result<SearchResult, Error> {
        combined(self.fetch_each(searches).await)
    }

    /// Runs searches, a few at a time, each with its own answer.
    pub(super) async fn fetch_each(&self, searches: Vec<Search>) -> Vec<(Search, Result<SearchResult, Error>)> {
        futures_util::stream::iter(searches)
            .map(|search| async move { (search.clone(), self.fetch(search).await) })
            .buffer_unordered(CONCURRENT_REQUESTS)
            .collect()
            .await
    }
}

/// All answers in one. If all searches failed, the first error is returned; otherwise failures become notes.
pub(super) fn combined(answers: Vec<(Search, Result<SearchResult, Error>)>) -> Result<SearchResult, Error> {
    let asked = answers.len();
    let mut all = SearchResult::default();
    let mut failed: Vec<(String, Error)> = Vec::new();
    for (search, answer) in answers {
        match answer {
            Ok(found) => all.absorb(found),
            Err(error) => failed.push((search.service.unwrap_or_default(), error)),
        }
    }
    failed.sort_by(|a, b| a.0.cmp(&b.0));
    if let Some((_, error)) = failed.first() {
        if failed.len() == asked {
            return Err(error.clone());
        }
        let mut services: Vec<_> = failed.iter().map(|(service, _)| service.clone()).collect();
        services.dedup();
        all.truncated = true;
        all.partial = true;
        all.notes.push(format!(
            "{} of {asked} searches failed (services: {}): {error}",
            failed.len(),
            jaeger::abbreviated_list(&services)
        ));
    }
    all.asked.sort_unstable();
    merge(&mut all.traces);
    Ok(all)
}
