//! The reader of recorded faults and the measurement, on a little data made by code.

use std::{fmt::Write as _, fs::File, io::Write as _, path::Path};

use flate2::{Compression, write::GzEncoder};
use trace::{SpanKind, Trace};

use crate::{
    build::{Step, call, step, trace},
    dataset::{System, fault_free},
    faults::{HEADER, parse},
    formulas,
    measure::{Hits, fault_table, formula_table},
};

fn shop() -> Step {
    let cart = step("cart", "Cart/Get", 4).kind(SpanKind::Server).with(step("cart", "SELECT items", 10));
    step("frontend", "GET /cart", 10).with(step("frontend", "Cart/Get", 2).with(cart)).with(call(
        "frontend",
        "ad-server",
        "Ads/Get",
        2,
        8,
    ))
}

/// The file of these traces.
fn csv(traces: &[Trace]) -> String {
    let mut text = format!("{HEADER}\n");
    for span in traces.iter().flat_map(Trace::spans) {
        let parent = span.parent().map_or("root".to_owned(), |parent| parent.span.to_string());
        let (start, end) = (span.start().0 * 1_000, span.end().0 * 1_000);
        let (trace, id, service, name) = (span.trace().id(), span.id(), span.service(), span.name());
        let duration = span.duration().0;
        let _ = writeln!(text, "{trace},{id},{parent},{service}-579b9bff58-t2dbm,{name},{start},{end},{duration}");
    }
    text
}

fn traces(first: u64, n: u64, change: impl Fn(&mut Step)) -> Vec<Trace> {
    let one = |number| {
        let mut root = shop();
        change(&mut root);
        trace(number, &root)
    };
    (first..first + n).map(one).collect()
}

#[test]
fn a_file_becomes_traces_with_services_and_kinds() {
    let [read] = &parse(&csv(&traces(7, 1, |_| {}))).unwrap()[..] else { panic!() };
    let spans: Vec<_> = read.spans().map(|span| (span.service(), span.name(), span.kind())).collect();
    assert_eq!(
        spans,
        [
            ("frontend", "GET /cart", SpanKind::Unspecified),
            ("frontend", "Cart/Get", SpanKind::Client),
            ("cart", "Cart/Get", SpanKind::Server),
            ("cart", "SELECT items", SpanKind::Unspecified),
            ("frontend", "Ads/Get", SpanKind::Client),
            ("ad-server", "Ads/Get", SpanKind::Server),
        ]
    );
    let original = &traces(7, 1, |_| {})[0];
    assert_eq!(read.id(), original.id());
    let times =
        |trace: &Trace| trace.spans().map(|span| (span.id(), span.start(), span.duration())).collect::<Vec<_>>();
    assert_eq!(times(read), times(original));
}

#[test]
fn a_damaged_file_is_refused_with_the_line() {
    assert!(parse("a,b\n").unwrap_err().contains("the first line is not TraceID,"));
    let error = parse(&format!("{}1,2,3\n", csv(&traces(7, 1, |_| {})))).unwrap_err();
    assert_eq!(error, "line 8 is not a span: 1,2,3");
}

fn write(folder: &Path, file: &str, traces: &[Trace]) {
    let mut gz = GzEncoder::new(File::create(folder.join(file)).unwrap(), Compression::fast());
    gz.write_all(csv(traces).as_bytes()).unwrap();
    gz.finish().unwrap();
}

/// A system with one fault of each kind; the last is not visible in traces.
fn recorded(root: &Path) -> System {
    let folder = root.join("shop");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "normal.csv.gz", &traces(1, 120, |_| {}));
    write(&folder, "01.csv.gz", &traces(1_001, 30, |root| root.at("frontend", "Ads/Get").slower(250)));
    write(&folder, "02.csv.gz", &traces(2_001, 30, |root| root.at("cart", "Cart/Get").slower(80)));
    write(&folder, "03.csv.gz", &traces(3_001, 30, |root| root.at("cart", "Cart/Get").children.clear()));
    write(&folder, "04.csv.gz", &traces(4_001, 30, |_| {}));
    let fault = |file: &str, kind: &str, service: &str| serde_json::json!({"file": file, "type": kind, "pod": format!("{service}-579b9bff58-t2dbm"), "service": service});
    let faults = serde_json::json!({"system": "Shop", "faults": [
        fault("01.csv.gz", "network_delay", "ad-server"),
        fault("02.csv.gz", "cpu_contention", "cart"),
        fault("03.csv.gz", "return", "cart"),
        fault("04.csv.gz", "exception", "cart"),
    ]});
    std::fs::write(folder.join("faults.json"), faults.to_string()).unwrap();
    System::load_all(root).remove(0)
}

#[test]
fn the_measurement_finds_the_faults_that_traces_show() {
    let root = tempfile::tempdir().unwrap();
    let system = recorded(root.path());
    let mut hits = Hits::default();
    let (_, in_use) = formulas::ALL.last().unwrap();
    for (fault, window) in &system.faults {
        hits.add(fault, &in_use(window, &system.normal));
    }
    let expected = Hits { faults: 4, first: 3, among_three: 3, none: 1, wrong: 0, sure: 2, wrong_and_sure: 0 };
    assert_eq!(hits, expected);
    let table = fault_table(std::slice::from_ref(&system));
    assert!(table.contains("| shop | network_delay | 1 of 1 | 1 | 0 | 0 | 1 | 0 |"), "{table}");
    assert!(table.contains("| shop | exception | 0 of 1 | 0 | 1 | 0 | 0 | 0 |"), "{table}");
}

#[test]
fn the_measurement_compares_fault_free_windows() {
    let root = tempfile::tempdir().unwrap();
    let system = recorded(root.path());
    let pairs = fault_free(&system, 2);
    let names: std::collections::BTreeSet<&str> = pairs.iter().map(|(name, _, _)| name.as_str()).collect();
    assert!(names.contains("earlier half, later half") && names.contains("20 s, all others"), "{names:?}");
    assert!(pairs.iter().all(|(_, window, baseline)| window.len() + baseline.len() <= 120));
    let (name, in_use) = *formulas::ALL.last().unwrap();
    let table = formula_table(&[system], &[(name, in_use)], &pairs);
    let row = format!("| {name} | 2 / 2 of 2 | 1 / 1 of 2 | 0 | 0 | 0 of {} |", pairs.len());
    assert!(table.contains(&row), "{table}");
}

/// What the anchors of this project say (facts, section 0): the caller must not keep the network's time.
#[test]
fn formulas_differ_where_the_network_is_slow() {
    let root = tempfile::tempdir().unwrap();
    let system = recorded(root.path());
    let (fault, window) = &system.faults[0];
    let first = |at: usize| formulas::ALL[at].1(window, &system.normal).services.remove(0);
    assert_eq!((first(0).as_str(), first(1).as_str()), ("frontend", fault.service.as_str()));
    for (name, formula) in &formulas::ALL[1..] {
        let mut services = formula(window, &system.normal).services;
        assert_eq!(services.remove(0), "ad-server", "{name}");
    }
}
