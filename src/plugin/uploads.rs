//! Uploaded trace files: decoded and kept in memory for an hour.

use std::{fmt, sync::Arc, time::Duration};

use moka::future::Cache;

use grafana_plugin_protocol::api::{Caller, Failure};
use jaeger;
use trace::Trace;

/// Largest file.
pub(super) const MAX_BYTES: usize = 64 << 20;
/// All files together, by their uploaded size; the oldest are dropped first.
const MAX_TOTAL_KIB: u64 = 256 << 10;
const KEPT: Duration = Duration::from_secs(3600);

/// A file belongs to the data source it was uploaded to, so that its readers are those of the data source.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    org_id: i64,
    uid: String,
    handle: String,
}

/// An uploaded file.
#[derive(Clone)]
pub(super) struct Upload {
    pub(super) traces: Arc<Vec<Trace>>,
    /// Notices for the reader: spans that were left out, errors beside the traces.
    pub(super) notices: Arc<Vec<String>>,
    kib: u32,
}

/// The uploaded files.
#[derive(Clone)]
pub(super) struct Uploads {
    cache: Cache<Key, Upload>,
}

impl fmt::Debug for Uploads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uploads({})", self.cache.entry_count())
    }
}

impl Default for Uploads {
    fn default() -> Self {
        let cache = Cache::builder().max_capacity(MAX_TOTAL_KIB).weigher(|_, upload: &Upload| upload.kib);
        Self { cache: cache.time_to_live(KEPT).build() }
    }
}

impl Uploads {
    fn key(caller: &Caller, handle: &str) -> Key {
        Key { org_id: caller.org_id, uid: caller.instance.uid.clone(), handle: handle.to_owned() }
    }

    /// Keeps a file and gives its handle.
    pub(super) async fn keep(&self, caller: &Caller, body: bytes::Bytes) -> Result<String, Failure> {
        if body.len() > MAX_BYTES {
            let (is, most) = (body.len() >> 20, MAX_BYTES >> 20);
            return Err(Failure::downstream(413, format!("the file has {is} MiB; at most {most} MiB are taken")));
        }
        let kib = (body.len() >> 10).max(1) as u32;
        let decoded = tokio::task::spawn_blocking(move || jaeger::decode(&body)).await;
        let decoded =
            decoded.map_err(|_| Failure::internal("the plugin could not read this file; its log has the details"))?;
        let decoded = decoded.map_err(|error| Failure::bad_request(format!("this is not a trace file: {error}")))?;
        let notices = Arc::new(decoded.notices());
        let handle = uuid::Uuid::new_v4().simple().to_string();
        let upload = Upload { traces: Arc::new(decoded.traces), notices, kib };
        self.cache.insert(Self::key(caller, &handle), upload).await;
        Ok(handle)
    }

    /// The file behind a handle.
    pub(super) async fn get(&self, caller: &Caller, handle: &str) -> Result<Upload, Failure> {
        let upload = self.cache.get(&Self::key(caller, handle)).await;
        upload.ok_or_else(|| {
            Failure::downstream(404, "the uploaded file has expired (files are kept for an hour); upload it again")
        })
    }
}
