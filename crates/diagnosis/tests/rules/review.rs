//! Findings of the review (B…) and of the acceptance test (G…), each as it was seen.

use diagnosis::playbook::Playbook;
use diagnosis::{Confidence, Context, EvidenceKind, OperationStatus as S, Verdict as V, diagnose};
use trace::Micros;

use crate::{picture::*, scenes::*};

/// Six downloads of 30 silent minutes each, and one more.
fn downloads(last: &str) -> String {
    let usual = |nth: i64| {
        let (id, at) = (format!("op_data_load_20261122_020505_0000000{nth}"), -28_800 + nth * 3600);
        format!(
            "api | < POST /api/v1/data/acquire/download 200 | {at}s +5ms\n  api | register {id} data_load | {at}s | data.symbol=EURUSD ; data.timeframe=1h\n  \
             api | pending->running {id} | {at}s\n  api | running->completed {id} | {}s\n\n",
            at + 1800
        )
    };
    (0..6).map(usual).collect::<String>() + last
}

/// Review B3: what is usual counts in both directions.
#[test]
fn b3_silence_follows_the_baseline_in_both_directions() {
    assert_eq!(of(D, &downloads(&download("")), "15m").verdict, V::Running, "half an hour is usual");
    assert_eq!(of(D, &downloads(&download("")), "89m").verdict, V::Running);
    assert_eq!(of(D, &downloads(&download("")), "91m").verdict, V::Stuck, "three times as long as usual");
    // A setting replaces both.
    let context = Context {
        now: BASE + span_of_time("15m"),
        stall_threshold: Some(Micros::from_secs(600)),
        ..Context::default()
    };
    let all = diagnose(&traces(&draw(&downloads(&download("")))), playbook(), &context).diagnoses;
    assert!(all.iter().any(|d| d.operation_id.as_deref() == Some(D) && d.verdict == V::Stuck));
    // Short ones shorten it, but never below the time that a start may take, nor below a shorter table.
    let short = |after: &str, playbook: &Playbook| {
        let history = downloads("").replace("running->completed", "running->finished");
        let history: String = history.lines().map(|line| format!("{line}\n")).collect();
        let history = history.replace("running->finished", "running->completed");
        let quick: String = history.lines().map(|line| quicken(line) + "\n").collect();
        let all = read_by(playbook, &(quick + "\n" + &download("")), after);
        all.iter().find(|d| d.operation_id.as_deref() == Some(D)).unwrap().verdict
    };
    assert_eq!(short("9m", playbook()), V::Running);
    assert_eq!(short("11m", playbook()), V::Stuck);
    let table = Playbook::with_overlay("[[silence]]\nid = \"silence.download\"\nallowed = \"2m\"\n").unwrap();
    assert_eq!((short("1m", &table), short("3m", &table)), (V::Running, V::Stuck));
}

/// The same download, ended ten seconds after its start.
fn quicken(line: &str) -> String {
    let Some((before, at)) = line.split_once("| ").filter(|(before, _)| before.contains("register")) else {
        return match line.rsplit_once(" | ") {
            Some((before, at)) if before.contains("running->completed") => {
                let at: i64 = at.trim().trim_end_matches('s').parse().unwrap();
                format!("{before} | {}s", at - 1790)
            }
            _ => line.to_owned(),
        };
    };
    format!("{before}| {at}")
}

/// Review B5: a text of the trace was tidied like the template's own.
#[test]
fn b5_texts_of_a_trace_are_not_altered() {
    for message in [
        "fit() missing 1 required positional argument",
        "a  b ( c ) , d : e () {f} {{g}} }",
        "  spaces around  ",
        "Größe → \"名前\"",
        "100 % {message|x}",
    ] {
        let raw = {
            let mut raw =
                draw(&training("train | training.fit | 1s +1s | !app.OddError: x\ntrain | running->failed {T} | 9s"));
            for event in raw.iter_mut().flat_map(|t| &mut t.spans).flat_map(|s| &mut s.events) {
                event
                    .attributes
                    .iter_mut()
                    .filter(|(key, _)| *key == "exception.message")
                    .for_each(|(_, v)| *v = message.into());
            }
            raw
        };
        let context = Context { now: BASE + span_of_time("1h"), ..Context::default() };
        let d = diagnose(&traces(&raw), playbook(), &context).diagnoses.remove(0);
        assert_eq!(d.summary, format!("Failed with OddError: {}", message.trim()));
        assert_eq!(d.error_message.as_deref(), Some(message));
    }
}

/// Review B6: a client span with 500 and no event.
#[test]
fn b6_evidence_is_in_the_trace() {
    let d =
        one(&training("train | > GET http://elsewhere:1234/x 500 | 2s +1s\ntrain | running->failed {T} | 9s"), "1h");
    assert_eq!(d.error_type.as_deref(), Some("HTTP 500"));
    let kinds: Vec<_> = d.evidence.iter().map(|e| (e.kind, e.key.as_str(), e.value.as_str())).collect();
    assert!(kinds.contains(&(EvidenceKind::Attribute, "http.status_code", "500")), "{kinds:?}");
    assert!(kinds.contains(&(EvidenceKind::Status, "status", "error")), "{kinds:?}");
    assert!(!kinds.iter().any(|(kind, ..)| *kind == EvidenceKind::Event), "{kinds:?}");
    let event = one(
        &training("train | training.fit | 1s +1s | !a.b.KeyError: 'close'\ntrain | running->failed {T} | 9s"),
        "1h",
    );
    let qualified = event.evidence.iter().find(|e| e.key == "exception.type").unwrap();
    assert_eq!((qualified.value.as_str(), qualified.at), ("a.b.KeyError", Some(BASE + span_of_time("2s"))));
}

/// Review B9: what one data request brings beyond its share does not make up for another.
#[test]
fn b9_bars_are_missing_per_data_request() {
    let requests = |received: &[i64]| {
        let lines = received.iter().enumerate().map(|(nth, received)| {
            format!(
                "api | data.fetch | {}s +900ms | data.bars_requested=1000 ; data.bars_received={received} ; ok\n",
                nth + 1
            )
        });
        one(&download(&(lines.collect::<String>() + "api | running->completed {D} | 30s")), "1h")
    };
    let d = requests(&[1500, 500, 1000, 999]);
    assert_eq!((d.verdict, d.rule.as_str()), (V::MissingData, "data.fewer_bars"), "{}", d.summary);
    assert!(d.summary.contains("3499 of 4000"), "{}", d.summary);
    assert!(d.evidence.iter().any(|e| (e.kind, e.value.as_str()) == (EvidenceKind::Count, "2")), "{:?}", d.evidence);
    assert_eq!(requests(&[1500, 1000]).verdict, V::Healthy);
}

/// Review B10: free text does not decide who cancelled.
#[test]
fn b10_only_ktrdrs_own_reasons_say_who_cancelled() {
    for (reason, rule) in [
        ("Cancelled by user: parent company asked", "cancelled.user"),
        ("user pressed stop before the scheduled shutdown window", "cancelled.user"),
        ("got SIGTERM? no, I was bored", "cancelled.user"),
        ("Parental leave", "cancelled.user"),
        ("Parent cancelled our plans", "cancelled.user"),
        ("Graceful shutdowns are overrated", "cancelled.user"),
        ("Operation cancelled by user", "cancelled.user"),
        ("Cancelled", "cancelled.user"),
        ("Parent operation cancelled: User cancelled", "cancelled.parent"),
        ("Parent cancelled by user", "cancelled.parent"),
        ("Parent cancelled", "cancelled.parent"),
        ("Graceful shutdown - checkpoint saved", "cancelled.shutdown"),
        ("Graceful shutdown", "cancelled.shutdown"),
        ("Worker shutdown requested", "cancelled.shutdown"),
    ] {
        let end = format!("\napi | running->cancelled {{T}} | 7m | operation.cancellation_reason={reason}");
        assert_eq!(one(&(training("") + &end), "1h").rule, rule, "{reason}");
    }
    let ours = "[[cancellation]]\nid = \"cancellation.budget\"\nreason = '^Budget'\nrule = \"cancelled.shutdown\"\n";
    let ours = Playbook::with_overlay(ours).unwrap();
    let end = "\napi | running->cancelled {T} | 7m | operation.cancellation_reason=Budget spent";
    assert_eq!(one_by(&ours, &(training("") + end), "1h").rule, "cancelled.shutdown");
}

/// Review B12: the words of other systems are mapped by the playbook, and none is ignored silently.
#[test]
fn b12_states_have_the_words_of_their_system() {
    let celery = Playbook::with_overlay(
        "[operation.states]\nsuccess = \"completed\"\nFAILURE = \"failed\"\nstarted = \"running\"\nrevoked = \"cancelled\"\nretry = \"resuming\"\n",
    )
    .unwrap();
    let ends = |playbook: &Playbook, word: &str| {
        one_by(playbook, &training(&format!("train | STARTED->{word} {{T}} | 9m")), "1h")
    };
    for (word, status) in [
        ("SUCCESS", S::Completed),
        ("Failure", S::Failed),
        ("REVOKED", S::Cancelled),
        ("RETRY", S::Running),
        ("completed", S::Completed),
    ] {
        assert_eq!(ends(&celery, word).status, status, "{word}");
    }
    assert_eq!(ends(&celery, "RETRY").attempts, 2);
    let strange = ends(playbook(), "SUCCESS");
    assert_eq!((strange.status, strange.verdict, strange.rule.as_str()), (S::Unknown, V::Unknown, "unknown.state"));
    assert!(strange.summary.contains("'SUCCESS'"), "{}", strange.summary);
    assert!(strange.remarks.iter().any(|r| r.contains("'SUCCESS'")), "{:?}", strange.remarks);
    assert!(strange.evidence.iter().any(|e| (e.key.as_str(), e.value.as_str()) == ("operation.to_status", "SUCCESS")));
    let passed = one(&training("train | running->PAUSED {T} | 5m\ntrain | PAUSED->completed {T} | 9m"), "1h");
    assert_eq!((passed.status, passed.verdict), (S::Completed, V::Healthy));
    assert!(passed.remarks.iter().any(|r| r.contains("'PAUSED'")), "{:?}", passed.remarks);
    let broken = Playbook::with_overlay("[operation.states]\nsuccess = \"done\"\n").unwrap_err();
    assert!(broken[0].message.contains("it may be one of: pending, running, resuming"), "{broken:?}");
}

/// Review B13: each remark once, and missing parents only where something of the operation hangs below one.
#[test]
fn b13_remarks_are_given_once_and_only_where_they_concern() {
    let orphan = |lines: &str| format!("?api | < GET /api/v1/operations/{{T}} 200 | 1m +9ms\n{lines}");
    let cut = "\n\n?api | < POST /api/v1/operations/{T}/resume 200 | 10m +9ms\n  api | failed->resuming {T} | 10m\n";
    let skewed = "\n\napi | < POST /api/v1/operations/{T}/resume 200 | 20m +9s\n  api | failed->resuming {T} | 20m\n  \
                  api | > POST http://training-worker-2:5006/training/resume 200 | 20m +1s\n    train2 | < POST /training/resume 200 | 19m +90ms\n";
    let again = cut.replace("10m", "30m");
    let d = one(&(training("") + cut + skewed + &again), "1h");
    let missing = d.remarks.iter().filter(|remark| remark.contains("missing")).count();
    assert_eq!(missing, 1, "{:?}", d.remarks);
    assert!(d.remarks.len() > 1, "another remark stands between them: {:?}", d.remarks);
    assert!(d.partial);
    // A poll of another trace has lost its parent; nothing of the operation has.
    let polled = one(&(training("train | running->completed {T} | 9m") + "\n\n" + &orphan("")), "1h");
    assert_eq!(
        (polled.partial, polled.remarks.len(), polled.confidence),
        (false, 0, Confidence::High),
        "{:?}",
        polled.remarks
    );
    // In the operation's own trace another span has lost its parent, after another trace was incomplete.
    let other = "?other | other | 2s +1s\n";
    let first = "?train | < POST /training/start 200 | 52ms +6ms\n  train | register {T} training | 60ms\n  train | pending->running {T} | 62ms\n";
    let resumed = format!(
        "\n{other}api | < POST /api/v1/operations/{{T}}/resume 200 | 10m +9ms\n  api | failed->resuming {{T}} | 10m\n"
    );
    let d = one(&(first.to_owned() + &resumed), "1h");
    assert_eq!(d.remarks.iter().filter(|remark| remark.contains("missing")).count(), 1, "{:?}", d.remarks);
}

/// Review B14: a bug of the program is not an invalid input.
#[test]
fn b14_a_bug_of_the_program_is_not_an_invalid_input() {
    let d = one(
        &training(
            "train | training.fit | 1s +1s | !TypeError: fit() missing 1 argument\ntrain | running->failed {T} | 9s",
        ),
        "1h",
    );
    assert_eq!((d.rule.as_str(), d.confidence), ("error.program_bug", Confidence::Medium));
    assert!(d.root_cause.as_deref().unwrap().contains("bug"), "{:?}", d.root_cause);
    assert!(d.summary.contains("fit() missing 1 argument"), "{}", d.summary);
}

fn validate(start: &str, end: &str) -> String {
    format!("api | > POST http://localhost:5001/data/validate {end} | {start} +30s")
}

const TIMED_OUT: &str = "!httpx.ReadTimeout: ";
const GATEWAY: &str =
    "\nib | ib.connect | 2s +5ms | ib.host=127.0.0.1 ; ib.port=4002 ; !ConnectionRefusedError: refused\n";

/// Acceptance G13: three validate calls timed out one after the other while the gateway refused, and the operation runs on.
#[test]
fn g13_an_operation_that_can_only_fail_says_so_while_it_runs() {
    let calls = |ends: &[&str]| {
        let lines = ends.iter().enumerate().map(|(nth, end)| match end.strip_prefix("200") {
            Some(_) => format!("{}\n", validate(&format!("{}s", 1 + nth * 31), "200")),
            None => format!("{} | {end}\n", validate(&format!("{}s", 1 + nth * 31), "")),
        });
        download(&lines.collect::<String>())
    };
    let d = one(&(calls(&[TIMED_OUT; 3]) + GATEWAY), "2m");
    assert_eq!((d.verdict, d.rule.as_str(), d.status), (V::Unreachable, "service.ib_gateway", S::Running));
    assert_eq!((d.confidence, d.end), (Confidence::Medium, None));
    assert!(d.confidence_reason.as_deref().unwrap().contains("still runs"), "{:?}", d.confidence_reason);
    let host = one(&calls(&[TIMED_OUT, "!httpx.ConnectError: All connection attempts failed"]), "90s");
    assert_eq!(
        (host.verdict, host.rule.as_str(), host.confidence),
        (V::Unreachable, "service.ib_host", Confidence::Medium)
    );
    let silent = one(&calls(&["error", "error"]), "90s");
    assert_eq!((silent.verdict, silent.confidence), (V::Unreachable, Confidence::Medium));
    // Once is not enough, and a call that was answered shows that the next may be too.
    for (ends, why) in [
        (vec![TIMED_OUT], "once"),
        (vec!["200", TIMED_OUT, TIMED_OUT], "answered before"),
        (vec![TIMED_OUT, TIMED_OUT, "200"], "answered at last"),
    ] {
        let d = one(&(calls(&ends) + GATEWAY), "2m");
        assert_eq!((d.verdict, d.status), (V::Running, S::Running), "{why}: {}", d.summary);
    }
    // It does other work meanwhile.
    let elsewhere = calls(&[TIMED_OUT, TIMED_OUT]) + "      api | data.cleanup | 70s +5s | ok\n";
    assert_eq!(one(&elsewhere, "2m").verdict, V::Running);
    // Two services, each called once.
    let two = download(&format!(
        "{} | {TIMED_OUT}\napi | > GET http://elsewhere:1234/x | 40s +9s | {TIMED_OUT}",
        validate("1s", "")
    ));
    assert_eq!(one(&two, "2m").verdict, V::Running);
}

/// Acceptance G13: so does one whose worker is lost.
#[test]
fn g13_a_lost_worker_is_reported_while_the_operation_counts_as_running() {
    let d = one(&(training("") + &poll("{T}", "20m", "| 20m +9ms | !httpx.ConnectError: refused")), "21m");
    assert_eq!((d.verdict, d.rule.as_str(), d.status), (V::Stuck, "stuck.worker_lost", S::Running));
    assert_eq!(d.confidence, Confidence::Medium);
}

/// Review B14: commands are about the worker that is meant, not about the first of its type.
#[test]
fn b14_commands_name_the_worker_that_did_not_answer() {
    let refused = "!httpx.ConnectError: All connection attempts failed";
    let start = refused_training(
        500,
        &format!("api | > POST http://training-worker-2:5006/training/start | 40ms +9ms | {refused}"),
    );
    let d = one(&start, "1m");
    assert!(d.solution.as_deref().unwrap().contains("docker compose restart training-worker-2\n"), "{:?}", d.solution);
    let by_address = one(&start.replace("training-worker-2:5006", "10.0.0.7:5006"), "1m");
    assert!(
        by_address.solution.as_deref().unwrap().contains("restart training-worker-1\n"),
        "{:?}",
        by_address.solution
    );
    let lost = poll("{T}", "20m", &format!("| 20m +9ms | {refused}"))
        .replace("training-worker-1:5005", "training-worker-2:5006");
    let d = one(&(training("") + &lost), "21m");
    assert!(d.solution.as_deref().unwrap().contains("docker compose restart training-worker-2\n"), "{:?}", d.solution);
}
