//! Reads traces as Nezha publishes them: CSV files of spans, one row each, with the faults that were injected listed
//! beside them. `docs/culprits.md` says where the data comes from.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::Read,
    path::Path,
    sync::Arc,
};

use flate2::read::GzDecoder;
use serde::Deserialize;
use trace::{
    Micros, Parent, Relation, ResourceIx, SpanDraft, SpanId, SpanKind, Strings, Time, Trace, TraceBuilder, TraceId,
};

pub(crate) const HEADER: &str =
    "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration";

/// One injected fault.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Fault {
    pub(crate) file: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The service that is to blame.
    pub(crate) service: String,
}

impl Fault {
    /// Whether it makes requests slow; the others change what they do.
    pub(crate) fn is_latency(&self) -> bool {
        self.kind.starts_with("cpu") || self.kind.starts_with("network")
    }
}

/// The faults of one folder.
pub(crate) fn faults(folder: &Path) -> Vec<Fault> {
    #[derive(Deserialize)]
    struct List {
        faults: Vec<Fault>,
    }
    let file = File::open(folder.join("faults.json")).unwrap();
    serde_json::from_reader::<_, List>(file).unwrap().faults
}

/// The traces of one gzipped file.
pub(crate) fn traces(file: &Path) -> Vec<Trace> {
    let mut text = String::new();
    GzDecoder::new(File::open(file).unwrap()).read_to_string(&mut text).unwrap();
    parse(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A row of the file.
struct Row<'t> {
    trace: TraceId,
    span: SpanId,
    parent: Option<SpanId>,
    service: &'t str,
    name: &'t str,
    start: Time,
    end: Time,
}

impl<'t> Row<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let mut fields = line.split(',');
        let mut next = || fields.next();
        let (trace, span) = (TraceId::parse(next()?)?, SpanId::parse(next()?)?);
        let parent = match next()? {
            "root" => None,
            id => Some(SpanId::parse(id)?),
        };
        let (pod, name) = (next()?, next()?);
        let mut time = || Some(Time::from_nanos(next()?.parse::<i64>().ok()?.into()));
        Some(Self { trace, span, parent, service: service(pod), name, start: time()?, end: time()? })
    }
}

/// The service of a pod: its name without the two parts that a deployment adds.
fn service(pod: &str) -> &str {
    let parts: Vec<&str> = pod.rsplitn(3, '-').collect();
    match parts.as_slice() {
        [_, _, service] => service,
        _ => pod,
    }
}

/// The traces of a file's text, in the order of their first rows.
///
/// The data has no span kinds. A span whose parent is in another service answers a call; a parent that only has such
/// children made it.
pub(crate) fn parse(text: &str) -> Result<Vec<Trace>, String> {
    let mut lines = text.lines().enumerate();
    if lines.next().map(|(_, line)| line) != Some(HEADER) {
        return Err(format!("the first line is not {HEADER}"));
    }
    let mut traces: Vec<Vec<Row<'_>>> = Vec::new();
    let mut positions: HashMap<TraceId, usize> = HashMap::new();
    for (number, line) in lines {
        let row = Row::parse(line).ok_or_else(|| format!("line {} is not a span: {line}", number + 1))?;
        let at = *positions.entry(row.trace).or_insert(traces.len());
        if at == traces.len() {
            traces.push(Vec::new());
        }
        traces[at].push(row);
    }
    let mut strings = Strings::default();
    let mut ids = BTreeMap::new();
    for row in traces.iter().flatten() {
        for text in [row.service, row.name] {
            ids.entry(text).or_insert_with(|| strings.intern(text));
        }
    }
    let strings = Arc::new(strings);
    let trace = |rows: &Vec<Row<'_>>| {
        let services: HashMap<SpanId, &str> = rows.iter().map(|row| (row.span, row.service)).collect();
        let is_remote =
            |row: &Row<'_>| row.parent.is_some_and(|id| services.get(&id).is_some_and(|s| *s != row.service));
        let mut children: HashMap<SpanId, (bool, bool)> = HashMap::new();
        for row in rows {
            let (remote, local) = children.entry(row.parent.unwrap_or_default()).or_default();
            *(if is_remote(row) { remote } else { local }) = true;
        }
        let mut builder = TraceBuilder::new(rows[0].trace);
        let mut resources: HashMap<&str, ResourceIx> = HashMap::new();
        for row in rows {
            let kind = match children.get(&row.span) {
                Some((true, false)) => SpanKind::Client,
                _ if is_remote(row) => SpanKind::Server,
                _ => SpanKind::Unspecified,
            };
            let resource = *resources
                .entry(row.service)
                .or_insert_with(|| builder.resource(ids[row.service], &mut Vec::new(), &strings));
            let mut draft = SpanDraft {
                id: row.span,
                parent: row.parent.map(|span| Parent { span, relation: Relation::ChildOf }),
                name: ids[row.name],
                resource,
                start: Some(row.start),
                duration: Some(Micros((row.end - row.start).0.max(0))),
                kind,
                ..SpanDraft::default()
            };
            builder.push(&mut draft, &strings);
        }
        builder.finish(&strings)
    };
    Ok(traces.iter().map(trace).collect())
}
