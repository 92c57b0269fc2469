//! Every number that decides something, just below and just above: the thresholds of the playbook and the constants of the
//! code. A number without a pair fails a test of its own.

use std::{collections::BTreeSet, path::Path};

use diagnosis::playbook::Playbook;
use diagnosis::{Context, Diagnosis, diagnose, record_operations};
use trace::Micros;

use crate::{picture::*, scenes::*};

/// A number, and whether what lies beyond it shows: it must for `true` (just above), and must not for `false`.
struct Pair {
    number: &'static str,
    beyond: Box<dyn Fn(bool) -> bool>,
}

fn pair(number: &'static str, beyond: impl Fn(bool) -> bool + 'static) -> Pair {
    Pair { number, beyond: Box::new(beyond) }
}

/// The rule decides above and not below; the picture and how long after its start it is looked at.
fn decides(number: &'static str, rule: &'static str, scene: impl Fn(bool) -> (String, &'static str) + 'static) -> Pair {
    pair(number, move |above| {
        let (picture, after) = scene(above);
        read(&picture, after).iter().any(|d| d.rule == rule)
    })
}

/// The rule is named above, deciding or beside, and not below.
fn names(number: &'static str, rule: &'static str, scene: impl Fn(bool) -> (String, &'static str) + 'static) -> Pair {
    pair(number, move |above| {
        let (picture, after) = scene(above);
        let named = |d: &Diagnosis| d.rule == rule || d.findings.iter().any(|f| f.rule == rule);
        read(&picture, after).iter().any(named)
    })
}

fn either(above: bool, yes: &'static str, no: &'static str) -> &'static str {
    if above { yes } else { no }
}

const REFUSED: &str = "!httpx.ConnectError: All connection attempts failed";

/// Finished operations of a type, each so long.
fn usual(kind: &str, service: &str, count: usize, length: &str) -> String {
    usual_from("-120m", kind, service, count, length)
}

/// The same, the first of them begun at a time.
fn usual_from(first: &str, kind: &str, service: &str, count: usize, length: &str) -> String {
    let (first, length) = (span_of_time(first).0 / 1000, span_of_time(length).0 / 1000);
    (0..count)
        .map(|nth| {
            let at = first + nth as i64 * 60_000;
            let id = format!("op_{kind}_20261122_080505_{:08x}", at.unsigned_abs());
            format!(
                "{service} | < POST /x/start 200 | {at}ms +1ms\n  {service} | register {id} {kind} | {at}ms | \
                 data.symbol=EURUSD ; data.timeframe=1h\n  {service} | pending->running {id} | {at}ms\n  \
                 {service} | running->completed {id} | {}ms +0\n\n",
                at + length
            )
        })
        .collect()
}

/// One more operation of this type that ends so long after its start.
fn after_usual(kind: &str, service: &str, id: &str, end: &str) -> String {
    format!(
        "{service} | < POST /x/start 200 | 0 +1ms\n  {service} | register {id} {kind} | 0 | data.symbol=EURUSD ; \
         data.timeframe=1h\n  {service} | pending->running {id} | 0\n  {service} | running->completed {id} | {end} +0"
    )
}

fn accepted() -> String {
    "\
cli | cli.train | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
    api | < POST /api/v1/trainings/start 200 | 12ms +196ms
      api | > POST http://training-worker-1:5005/training/start 200 | 50ms +10ms"
        .to_owned()
}

fn registered() -> String {
    "train | < POST /training/start 200 | 0 +6ms\n  train | register {T} training | 2ms".to_owned()
}

fn open_operations() -> Vec<Pair> {
    let lost = || training("") + &poll("{T}", "20s", &format!("| 20s +9ms | {REFUSED}"));
    let slow_poll = |at: &str| poll("{T}", at, &format!("| {at} +5s | !httpx.ReadTimeout: "));
    let frozen = |length: &str| {
        let at = (BASE + span_of_time("10s")).0 as f64 / 1e6;
        training(&format!(
            "train | training.training_loop | 6s +{length} | progress.percentage=45.0 ; progress.updated_at={at}"
        ))
    };
    let alive = "\napi | > GET http://backtest-worker-1:5003/health 200 | 20m +9ms\n";
    let calls = |count: i64| {
        let lines = (0..count).map(|nth| {
            format!(
                "api | > POST http://localhost:5001/data/validate | {}s +30s | !httpx.ReadTimeout: \n",
                1 + nth * 31
            )
        });
        download(&lines.collect::<String>())
    };
    vec![
        decides("thresholds.export_delay", "trace.worker_missing", |above| {
            (accepted(), either(above, "15.208001s", "15.208s"))
        }),
        decides("thresholds.worker_lost_after", "stuck.worker_lost", move |above| {
            (lost(), either(above, "65.070001s", "65.07s"))
        }),
        decides("thresholds.health_gap", "stuck.health_checks_ended", move |above| {
            (training("") + &health("train", 600) + alive, either(above, "690.005001s", "690.005s"))
        }),
        decides("thresholds.health_checks", "stuck.health_checks_ended", move |above| {
            (training("") + &health("train", if above { 20 } else { 10 }) + alive, "20m")
        }),
        decides("thresholds.timed_out_polls", "stuck.worker_lost", move |above| {
            let second = if above { slow_poll("30m") } else { String::new() };
            (training("") + &slow_poll("20m") + &second, "1h")
        }),
        decides("thresholds.pending_for", "stuck.never_started", |above| {
            (registered(), either(above, "600.006001s", "600.006s"))
        }),
        decides("thresholds.progress_frozen", "stuck.progress_frozen", move |above| {
            (frozen(either(above, "304s", "303.999999s")), "6m")
        }),
        decides("thresholds.failing_calls", "service.ib_host", move |above| (calls(if above { 2 } else { 1 }), "2m")),
        decides("thresholds.correlation_window", "service.ib_host", |above| {
            let waiting = "api | > POST http://localhost:5001/data/validate | 100s +30s | !httpx.ReadTimeout: \n\
                           api | running->failed {D} | 131s | operation.error=Host service timeout: x";
            let far = either(above, "39.989999s", "39.99s");
            (
                download(waiting)
                    + &format!("\nib | ib.connect | {far} +10ms | ib.host=127.0.0.1 ; ib.port=4002 ; {REFUSED}"),
                "5m",
            )
        }),
    ]
}

fn slowness() -> Vec<Pair> {
    let compared = |length: &'static str, below: &'static str, end: &'static str| {
        move |above: bool| {
            let history = usual("dummy", "x", 5, length);
            let id = "op_dummy_20261122_100505_a41e50c8";
            (history + &after_usual("dummy", "x", id, either(above, end, below)), "10m")
        }
    };
    let chatty = |lengths: Vec<i64>| {
        let calls = lengths.iter().enumerate().map(|(nth, length)| {
            format!("  api | > GET http://symbols:9000/symbol/info 200 | {}ms +{length}ms\n", 100 + nth * 100)
        });
        let calls: String = calls.collect();
        (download(&format!("api | data.validate | 90ms +9s\n{calls}api | running->completed {{D}} | 15s")), "1h")
    };
    vec![
        decides("thresholds.slow_factor", "slow.baseline", compared("20s", "39.999s", "40s")),
        decides("thresholds.slow_excess", "slow.baseline", compared("2s", "6.999s", "7s")),
        pair("thresholds.silence_factor", |above| {
            let picture = usual("training", "train", 5, "600s") + &training("");
            // The last activity is the end of data loading; both directions start from the baseline.
            of(T, &picture, either(above, "1805.070001s", "1805.07s")).rule == "stuck.silent"
        }),
        names("thresholds.chatty_calls", "chatty.n_plus_one", move |above| {
            chatty(vec![20; if above { 11 } else { 10 }])
        }),
        // The other way round: what is too different, or at the same time, is not chatty.
        pair("thresholds.chatty_alike_percent", move |above| {
            let different = if above { 5 } else { 4 };
            let (picture, after) = chatty([vec![20; 20 - different], vec![50; different]].concat());
            !one(&picture, after).findings.iter().any(|f| f.rule == "chatty.n_plus_one")
        }),
        pair("thresholds.chatty_spread", move |above| {
            let (picture, after) = chatty([vec![20; 10], vec![if above { 41 } else { 40 }; 5]].concat());
            !one(&picture, after).findings.iter().any(|f| f.rule == "chatty.n_plus_one")
        }),
        pair("thresholds.chatty_overlap_percent", move |above| {
            let calls = (0..20).map(|nth| {
                let early = if nth % 2 == 1 && nth < if above { 6 } else { 4 } { 60 } else { 0 };
                format!("  api | > GET http://symbols:9000/symbol/info 200 | {}ms +90ms\n", 100 + nth * 100 - early)
            });
            let calls: String = calls.collect();
            let picture =
                download(&format!("api | data.validate | 90ms +9s\n{calls}api | running->completed {{D}} | 15s"));
            !one(&picture, "1h").findings.iter().any(|f| f.rule == "chatty.n_plus_one")
        }),
    ]
}

/// How long each type may be silent in each phase; the last activity of each scene comes first.
fn silences() -> Vec<Pair> {
    let bare = |kind: &'static str, id: &'static str| {
        format!(
            "x | < POST /x/start 200 | 0 +1ms\n  x | register {id} {kind} | 0\n  x | pending->running {id} | 0 +1ms"
        )
    };
    let silent = |number, picture: String, last: &'static str, allowed: &'static str| {
        pair(number, move |above| {
            let at = span_of_time(last) + span_of_time(allowed) + Micros(i64::from(above));
            let context = Context { now: BASE + at, ..Context::default() };
            let all = diagnose(&traces(&draw(&picture)), playbook(), &context).diagnoses;
            all.iter().any(|d| d.rule == "stuck.silent")
        })
    };
    vec![
        silent("silence.training_loop", training(""), "5.07s", "12h"),
        silent("silence.training_start", bare("training", T), "1ms", "15m"),
        silent("silence.simulation", backtest(""), "2.67s", "2h"),
        silent("silence.backtest_start", bare("backtesting", B), "1ms", "15m"),
        silent("silence.download", download(""), "92ms", "10m"),
        silent("silence.research", research(""), "208ms", "13h"),
        silent("silence.default", bare("dummy", "op_dummy_20261122_100505_a41e50c8"), "1ms", "1h"),
    ]
}

fn steps() -> Vec<Pair> {
    let fetch = |latency: &str, took: &str, end: &str| {
        download(&format!(
            "
            api | > POST http://localhost:5001/data/historical 200 | 1s +{took}
              ib | < POST /data/historical 200 | 1s +{took}
                ib | ib.fetch_historical | 1s +{took} | ib.latency_ms={latency} ; bars.received=500 ; ok
            api | running->completed {{D}} | {end} +0"
        ))
    };
    let load = |took: &str, end: &str| {
        training(&format!(
            "train | training.data_loading | 6s +{took} | ok\ntrain | running->completed {{T}} | {end} +0"
        ))
        .replace("            train | training.data_loading | 70ms +5s | data.symbol=EURUSD ; ok\n", "")
    };
    vec![
        decides("slow.ib_latency.over", "slow.ib_latency", move |above| {
            (fetch(either(above, "10000.001", "10000.0"), "11s", "22s"), "1m")
        }),
        // The median of the latencies is 20 s; 100 s of operation is the edge of the share.
        decides("slow.ib_latency.share", "slow.ib_latency", move |above| {
            (fetch("20000.0", "20s", either(above, "100.012s", "100.012001s")), "5m")
        }),
        decides("slow.worker_selection.over", "slow.worker_selection", |above| {
            (backtest_selected(either(above, "100.001ms", "100ms"), "back | running->completed {B} | 30s"), "1m")
        }),
        decides("slow.cpu_training.over", "slow.cpu_training", |above| {
            let end = either(above, "7205.070001s", "7205.07s");
            (training(&format!("train | running->completed {{T}} | {end} +0")), "4h")
        }),
        decides("slow.data_loading.over", "slow.data_loading", move |above| {
            (load(either(above, "30.000001s", "30s"), "90s"), "2m")
        }),
        decides("slow.data_loading.share", "slow.data_loading", move |above| {
            (load("40s", either(above, "200.012s", "200.012001s")), "5m")
        }),
    ]
}

/// Constants of the code.
fn constants() -> Vec<Pair> {
    let orphan = |at: &str| {
        format!(
            "\
cli | cli.train | 0 +400ms | ok
  cli | > POST http://backend:8000/api/v1/trainings/start 200 | 10ms +200ms
?train | < POST /training/start 200 | {at} +6ms
  train | register {{T}} training | {at}
  train | pending->running {{T}} | {at}
  train | running->completed {{T}} | 9m"
        )
    };
    let stray = |at: &str| {
        accepted()
            + &format!(
                "\n\ntrain | < POST /training/start 200 | {at} +6ms\n  train | register {{T}} training | {at}\n  train | pending->running {{T}} | {at}"
            )
    };
    let code = |code: i64| {
        one(
            &format!(
                "api | POST /api/v1/trainings/start | 0 +4ms | kind=server ; http.method=POST ; http.target=/api/v1/trainings/start ; http.status_code={code}"
            ),
            "1m",
        )
    };
    let no_status = |code: i64| {
        let call = format!("train | > GET http://ib-host:5001/data/historical {code} | 2s +2s | error");
        one(&training(&format!("{call}\ntrain | running->failed {{T}} | 9s")), "1h")
    };
    vec![
        pair("thresholds.clock_skew", move |above| {
            read(&orphan(either(above, "1210.001ms", "1210ms")), "1h").len() == 2
        }),
        pair("thresholds.clock_skew", move |above| {
            read(&stray(either(above, "1060.001ms", "1060ms")), "5m").len() == 2
        }),
        pair("thresholds.baseline_min_operations", |above| {
            let history = usual("dummy", "x", if above { 5 } else { 4 }, "20s");
            let id = "op_dummy_20261122_100505_a41e50c8";
            of(id, &(history + &after_usual("dummy", "x", id, "21s")), "1m").baseline_ms.is_some()
        }),
        // Half of the fifty newest took 30 s, and with one more of these the oldest of the others no longer counts.
        pair("thresholds.baseline_max_operations", |above| {
            let old = usual_from("-180m", "dummy", "x", 26, "20s");
            let new = usual_from("-60m", "dummy", "x", if above { 26 } else { 25 }, "30s");
            let id = "op_dummy_20261122_100505_a41e50c8";
            of(id, &(old + &new + &after_usual("dummy", "x", id, "31s")), "1m").baseline_ms == Some(30_000.0)
        }),
        pair("MOST_ATTRIBUTES", |above| {
            let count = if above { 257 } else { 256 };
            let all: Vec<String> = (0..count).map(|nth| format!("data.a{nth:03}=x")).collect();
            kept(&all.join(" ; ")).len() < count
        }),
        pair("LONGEST_VALUE", |above| {
            kept(&format!("data.a={}", "x".repeat(if above { 257 } else { 256 }))).is_empty()
        }),
        pair("FIRST_ERROR", move |above| code(if above { 400 } else { 399 }).error_type.is_some()),
        pair("FIRST_STATUS", move |above| no_status(if above { 100 } else { 99 }).rule != "service.ib_host"),
        pair("MAX_LIST_ROWS", |above| {
            let count = if above { 10_001 } else { 10_000 };
            let epochs: String =
                (0..count).map(|nth| format!("train | epoch | {}ms +1ms | !KeyError: {nth}\n", 6000 + nth)).collect();
            one(&training(&(epochs + "train | running->completed {T} | 10m")), "1h")
                .cut_lists
                .iter()
                .any(|cut| cut.list == "errors")
        }),
    ]
}

/// What a store keeps of these attributes of a span, whose keys begin with `data.a`.
fn kept(attributes: &str) -> Vec<(String, String)> {
    let traces = traces(&draw(&training(&format!("train | step | 10s | {attributes}\n"))));
    let context = Context { now: BASE + span_of_time("1m"), ..Context::default() };
    let mut all = record_operations(&traces, playbook(), &context).remove(0).attributes;
    all.retain(|(key, _)| key.starts_with("data.a"));
    all
}

fn pairs() -> Vec<Pair> {
    [open_operations(), slowness(), silences(), steps(), constants()].into_iter().flatten().collect()
}

#[test]
fn numbers_decide_exactly_where_they_say() {
    let mut wrong = Vec::new();
    for Pair { number, beyond } in pairs() {
        for above in [false, true] {
            if beyond(above) != above {
                wrong.push(format!("{number}, just {}", if above { "above" } else { "below" }));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The numbers of the playbook by name.
fn of_the_playbook() -> BTreeSet<String> {
    let tables: toml::Table = Playbook::ktrdr_text().parse().expect("TOML");
    let rows = |table: &str| tables[table].as_array().into_iter().flatten().filter_map(|row| row.as_table()).cloned();
    let id = |row: &toml::Table| row["id"].as_str().expect("an id").to_owned();
    let thresholds = tables["thresholds"].as_table().expect("a table").keys().map(|key| format!("thresholds.{key}"));
    let silences = rows("silence").map(|row| id(&row));
    let of_steps = rows("step").flat_map(|row| {
        ["over", "share"]
            .into_iter()
            .filter(|key| row.contains_key(*key))
            .map(|key| format!("{}.{key}", id(&row)))
            .collect::<Vec<_>>()
    });
    thresholds.chain(silences).chain(of_steps).collect()
}

/// The constants of a directory of source files that are numbers or times.
fn of_the_code(directory: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            of_the_code(&entry, found);
            continue;
        }
        let text = std::fs::read_to_string(&entry).expect("a source file");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines() {
            let visible = ["", "pub ", "pub(super) ", "pub(crate) "];
            let constant =
                visible.iter().find_map(|visibility| line.trim_start().strip_prefix(&format!("{visibility}const ")));
            let number = ["usize", "u8", "u16", "u32", "u64", "i32", "i64", "f64", "Micros"];
            if let Some((name, rest)) = constant.and_then(|rest| rest.split_once(": "))
                && number.iter().any(|kind| rest.starts_with(kind))
            {
                found.insert(name.to_owned());
            }
        }
    }
}

/// Constants whose pair is elsewhere, or that decide nothing that shows.
const ELSEWHERE: [&str; 16] = [
    // Windows in which src/investigate asks Jaeger for more about an operation: tests/search_windows.rs.
    "thresholds.context_window",
    "thresholds.id_margin",
    "thresholds.lookback",
    "thresholds.poll_window",
    "thresholds.start_window",
    // crates/diagnosis/src/playbook/placeholders.rs tests it beside itself.
    "MAX_QUOTE",
    // playbook::tests: version 1 is read, others are refused.
    "VERSION",
    // How far back a repeated piece of evidence is looked for.
    "NEAR",
    // baseline.rs beside this file: the window of baselines, and how many sections of an operation are kept.
    "thresholds.baseline_window",
    "MOST",
    // tests/systems: which answers of a server are its own failure, which parts of a path are ids, and clocks that only
    // count milliseconds.
    "FIRST_SERVER_ERROR",
    "SHORTEST_ID",
    "MILLISECOND",
    // culprits/what_changed.rs: how many names a sentence lists.
    "SHOWN",
    // growth.rs beside this file: how far up the context of an operation reaches.
    "MAX_ANCESTORS",
    // crates/frames/src/tests.rs: a series has no more points than requested, and never more than this.
    "MAX_POINTS",
];

#[test]
fn every_number_has_a_pair() {
    let mut numbers = of_the_playbook();
    assert!(numbers.len() > 20, "{numbers:?}");
    of_the_code(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut numbers);
    let tested: BTreeSet<&str> = pairs().iter().map(|pair| pair.number).chain(ELSEWHERE).collect();
    let open: Vec<_> = numbers.iter().filter(|number| !tested.contains(number.as_str())).collect();
    assert!(open.is_empty(), "numbers without a pair of tests: {open:?}");
}
