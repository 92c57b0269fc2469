//! Reads replies: traces or names out of an answer of the API, or the error that it reports instead of them.
//!
//! A reply may be an answer, an error of the API, or a page that does not come from Jaeger at all. Each of these becomes a
//! value or an [`Error`] here, so that the requests in [`client`](super::client) and [`search`](super::search) need not
//! distinguish them.

use super::{
    client::Client,
    decode::{self, Answer, ApiError},
    error::{Error, ErrorKind},
    reply::{Reply, api_error, is_not_found, kind_of, names},
};

/// Bodies of this size or larger are decoded on a blocking thread.
const LARGE_BODY: usize = 128 << 10;

impl Client {
    /// The names in a list of services or operations, sorted.
    pub(super) async fn names(&self, reply: &Reply) -> Result<Vec<String>, Error> {
        if reply.has_no_route() {
            self.invalidate_server(None).await;
        }
        if reply.status != 200 || reply.is_html() || api_error(reply).is_some() {
            return Err(self.refusal(reply));
        }
        names(reply).ok_or_else(|| match serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body) {
            Ok(_) => self.error(ErrorKind::NoNames, reply),
            Err(why) => self.error(ErrorKind::Decode(decode::explain(&why, &reply.body)), reply),
        })
    }

    /// The error of an answer that has no traces or names.
    pub(super) fn refusal(&self, reply: &Reply) -> Error {
        match api_error(reply) {
            Some(error) => self.refused(reply, &error),
            None => self.error(reply.classify_unexpected(), reply),
        }
    }

    fn refused(&self, reply: &Reply, error: &ApiError) -> Error {
        let message = error.message.chars().take(300).collect();
        self.error_with(kind_of(reply.status, error), reply, message)
    }

    /// The traces of an answer. "Not found" is an answer without traces; any other error in place of traces is an error.
    pub(super) async fn answer(&self, reply: Reply) -> Result<Answer, Error> {
        if reply.status == 404 && is_not_found(&reply) {
            return Ok(Answer::default());
        }
        if reply.status != 200 || reply.is_html() {
            return Err(self.refusal(&reply));
        }
        let (url, large) = (reply.url.clone(), reply.body.len() >= LARGE_BODY);
        let cut = reply.truncated.then(|| {
            format!(
                "the answer of Jaeger is larger than {} MiB: only its start was read",
                self.shared.http.max_body() >> 20
            )
        });
        // The reply is dropped only after decoding, because it holds the permit for a large body.
        let client = self.clone();
        let read = move || {
            let read = match cut {
                Some(why) => decode::read_truncated(&reply.body, &why),
                None => decode::read(&reply.body),
            };
            read.map(|answer| client.checked(answer, &reply))
        };
        let read = if large {
            let reading = tokio::task::spawn_blocking(read).await;
            reading.map_err(|_| Error::new(ErrorKind::Broken, &url, Some(200), "decoding was stopped"))?
        } else {
            read()
        };
        read.map_err(|why| {
            let kind = if why == decode::DecodeError::Tempo { ErrorKind::Tempo } else { ErrorKind::Decode(why) };
            Error::new(kind, &url, Some(200), "")
        })?
    }

    /// The answer without errors that only say "not found". An error in place of traces fails the request.
    fn checked(&self, mut answer: Answer, reply: &Reply) -> Result<Answer, Error> {
        answer.errors.retain(|error| !error.is_not_found());
        if answer.traces.is_empty()
            && let Some(error) = answer.errors.first()
        {
            return Err(self.refused(reply, error));
        }
        for error in answer.errors.iter().filter(|error| error.trace_id.is_none()) {
            let why = format!("Jaeger reported an error beside the traces: {}", error.message);
            answer.traces.iter_mut().for_each(|trace| trace.mark_partial(why.as_str()));
        }
        Ok(answer)
    }
}
