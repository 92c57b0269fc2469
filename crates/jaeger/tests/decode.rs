//! Decoding through the public interface: complete answers of both dialects, and malformed input.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use jaeger::{Decoded, decode};
use proptest::prelude::*;
use trace::{SpanRef, Status, Trace};

/// One trace as the legacy API of v1.53 returns it (library in the process, `error` tags, library fields).
const LEGACY: &str = include_str!("decode/legacy.json");
/// The same trace as `/api/v3` returns it.
const V3: &str = include_str!("decode/v3.json");

#[test]
fn both_apis_give_the_same_trace() {
    let (legacy, v3) = (decode(LEGACY.as_bytes()).unwrap().traces, decode(V3.as_bytes()).unwrap().traces);
    let canonical = |traces: &[Trace]| {
        serde_json::to_string_pretty(&traces.iter().map(Trace::canonical).collect::<Vec<_>>()).unwrap()
    };
    assert_eq!(canonical(&legacy), canonical(&v3));
    assert_eq!(legacy.len(), 2);
    let failed: Vec<_> = legacy[0].spans().filter(|s| s.status() == Status::Error).map(SpanRef::name).collect();
    assert_eq!(failed, ["training.data_loading"]);
}

#[test]
fn traces_measured_on_ktrdr_are_read_whole() {
    let mut spans = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/traces")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read(&path).unwrap();
        let plain: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let traces = decode(&text).unwrap().traces;
        let generated: usize =
            plain["data"].as_array().unwrap().iter().map(|t| t["spans"].as_array().unwrap().len()).sum();
        let read: usize = traces.iter().map(|trace| trace.len() + trace.duplicates()).sum();
        assert_eq!(read, generated, "{}", path.display());
        assert!(traces.iter().flat_map(Trace::spans).all(|span| span.service().starts_with("ktrdr-")));
        assert!(traces.iter().flat_map(Trace::spans).all(|span| span.attribute("span.kind").is_none()));
        spans += read;
    }
    assert!(spans > 400, "{spans}");
}

/// Traces that other systems produced (of Python, Node.js and Java), each read through both APIs of a real Jaeger.
#[test]
fn traces_of_other_systems_are_the_same_through_both_apis() {
    let mut compared = 0;
    for system in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/systems")).unwrap() {
        let system = system.unwrap().path();
        for entry in system.is_dir().then(|| std::fs::read_dir(&system).unwrap()).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let Some(case) = name.strip_suffix(".v3.json") else { continue };
            let canonical = |path: &std::path::Path| {
                let decoded = decode(&std::fs::read(path).unwrap()).unwrap();
                assert!(decoded.notices().is_empty(), "{}: {:?}", path.display(), decoded.notices());
                let mut traces = decoded.traces;
                traces.sort_by_key(Trace::id);
                serde_json::to_string_pretty(&traces.iter().map(Trace::canonical).collect::<Vec<_>>()).unwrap()
            };
            assert_eq!(canonical(&system.join(format!("{case}.json"))), canonical(&path), "{}", path.display());
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
}

proptest! {
    #[test]
    fn no_text_makes_the_decoder_panic(text in any::<Vec<u8>>()) {
        let _ = decode(&text);
    }

    #[test]
    fn a_damaged_answer_is_decoded_or_refused(
        legacy in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut bytes = if legacy { LEGACY } else { V3 }.as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        for trace in decode(&bytes).unwrap_or_default().traces {
            let spans = trace.canonical()["spans"].as_array().map_or(0, Vec::len);
            prop_assert_eq!(spans, trace.len());
        }
    }

    #[test]
    fn wrong_types_in_any_place_are_decoded_or_refused(place in 0..9usize, other in 0..7usize) {
        let value = ["null", "true", "7", "-1.5e300", "\"text\"", "[1,[2]]", "{\"a\":{\"b\":[]}}"][other];
        let mut fields = ["\"1\"", "\"2\"", "\"op\"", "[]", "3", "4", "[]", "[]", "\"p1\""];
        fields[place] = value;
        let [trace, span, name, references, start, duration, tags, logs, process] = fields;
        let text = format!(
            "{{\"data\":[{{\"traceID\":\"1\",\"spans\":[{{\"traceID\":{trace},\"spanID\":{span},\"operationName\":{name},\
             \"references\":{references},\"startTime\":{start},\"duration\":{duration},\"tags\":{tags},\"logs\":{logs},\
             \"processID\":{process}}}]}}]}}"
        );
        if let Ok(Decoded { traces, .. }) = decode(text.as_bytes()) {
            prop_assert!(traces.len() <= 1);
        }
    }
}
