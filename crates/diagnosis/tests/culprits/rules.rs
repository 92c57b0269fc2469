//! What counts as a culprit, and whose it is.

use diagnosis::{
    Confidence, EvidenceKind, SectionKind,
    culprits::{CulpritKind, observe, profiles},
};
use trace::{SpanId, SpanKind, Tree};

use crate::build::*;

/// A request of a shop: the cart with its database, then two other services.
fn shop() -> Step {
    let cart = step("frontend", "Cart/Get", 2)
        .kind(SpanKind::Client)
        .with(step("cart", "Cart/Get", 4).kind(SpanKind::Server).with(step("cart", "SELECT items", 10)));
    step("frontend", "GET /cart", 10)
        .kind(SpanKind::Server)
        .with(cart)
        .with(call("frontend", "ads", "Ads/Get", 2, 8))
        .with(call("frontend", "prices", "Prices/Get", 2, 12))
}

#[test]
fn nothing_deviates_so_there_is_no_row() {
    let comparison = compare(&window(20, &shop(), |_, _| {}), &usual(30, &shop()));
    assert_eq!(comparison.culprits, []);
    assert_eq!((comparison.operations, comparison.baseline_operations), (20, 30));
    assert!(comparison.unknown_types.is_empty());
}

#[test]
fn a_slow_span_is_the_culprit_and_those_that_wait_for_it_are_not() {
    let slow = window(20, &shop(), |_, root| root.at("cart", "SELECT items").slower(100));
    let rows = rows(&slow, &usual(30, &shop()));
    let row = only(&rows);
    assert_eq!(places(&rows), ["cart: SELECT items (span)"]);
    assert_eq!((row.rank, row.affected, row.confidence), (1, 20, Confidence::High));
    assert_eq!((row.excess_ms, row.baseline_ms), (Some(100.0), Some(10.0)));
    assert_eq!((row.score.round() as i64, row.share), (100, 1.0));
    assert_eq!(row.operation_types, ["frontend: GET /cart"]);
    assert_eq!(row.summary, "cart takes 100 ms longer in 20 of 20 operations (usually 10 ms) in SELECT items");
}

#[test]
fn time_that_the_callee_does_not_cover_belongs_to_it() {
    let slow = window(20, &shop(), |_, root| root.at("frontend", "Ads/Get").slower(200));
    let rows = rows(&slow, &usual(30, &shop()));
    assert_eq!(places(&rows), ["ads <- frontend: Ads/Get (network)"]);
    assert_eq!(
        rows[0].summary,
        "frontend waits for Ads/Get of ads 200 ms longer in 20 of 20 operations (usually 2.0 ms), which the work of ads does not explain"
    );
}

#[test]
fn a_remote_child_without_a_client_span_is_a_call_too() {
    for kind in [SpanKind::Server, SpanKind::Internal, SpanKind::Unspecified] {
        let root = step("frontend", "GET /", 10).kind(kind).with(step("ads", "Ads/Get", 8).kind(SpanKind::Server));
        let slow = window(20, &root, |_, root| root.slower(100));
        assert_eq!(places(&rows(&slow, &usual(30, &root))), ["ads <- frontend: Ads/Get (network)"], "{kind:?}");
    }
}

#[test]
fn a_span_with_work_of_its_own_is_not_a_call() {
    let root = step("frontend", "GET /", 10).with(step("frontend", "render", 5)).with(step("ads", "Ads/Get", 8));
    let slow = window(20, &root, |_, root| root.slower(100));
    assert_eq!(places(&rows(&slow, &usual(30, &root))), ["frontend: GET / (span)"]);
}

#[test]
fn a_wait_between_two_callees_counts_half_for_each() {
    // The root waits from 0 to 70 ms; ads answers from 0 to 20 ms, cart from 40 to 60 ms.
    let mut root = step("frontend", "GET /", 0).parallel().with(step("ads", "Ads/Get", 20));
    root = root.with(step("cart", "Cart/Get", 20).shifted(40));
    root.after = 50_000;
    let profile = requests(1, 1, &root, |_, _| {}).remove(0);
    let network = profile.sections.iter().filter(|section| section.kind == SectionKind::Network);
    let times: Vec<(&str, i64)> = network.map(|section| (section.place.service.as_str(), section.time.0)).collect();
    assert_eq!(times, [("ads", 10_000), ("cart", 20_000)]);
}

#[test]
fn spans_without_kinds_are_distinguished_by_their_services() {
    let unspecified = |root: &mut Step| root.each(&mut |step| step.kind = SpanKind::Unspecified);
    let slow = window(20, &shop(), |_, root| {
        unspecified(root);
        root.at("frontend", "Ads/Get").slower(200);
    });
    let baseline = requests(1_000, 30, &shop(), |_, root| unspecified(root));
    assert_eq!(places(&rows(&slow, &baseline)), ["ads <- frontend: Ads/Get (network)"]);
}

#[test]
fn a_service_whose_calls_to_everybody_are_slow_is_the_culprit_itself() {
    let slow = window(20, &shop(), |_, root| {
        for name in ["Cart/Get", "Ads/Get", "Prices/Get"] {
            root.at("frontend", name).slower(60);
        }
    });
    let rows = rows(&slow, &usual(30, &shop()));
    assert_eq!(places(&rows), ["frontend: GET /cart (span)"]);
    assert_eq!(rows[0].excess_ms, Some(180.0));
    assert_eq!(
        rows[0].summary,
        "frontend waits 180 ms longer in 20 of 20 operations (usually 6.0 ms) for all of ads, cart, prices, so it is \
         slow itself"
    );
}

#[test]
fn a_shared_delay_is_added_to_what_the_service_takes_itself() {
    let slow = window(20, &shop(), |_, root| {
        root.slower(50);
        for name in ["Cart/Get", "Ads/Get", "Prices/Get"] {
            root.at("frontend", name).slower(60);
        }
    });
    let rows = rows(&slow, &usual(30, &shop()));
    assert_eq!(places(&rows), ["frontend: GET /cart (span)"]);
    assert_eq!((rows[0].excess_ms, rows[0].baseline_ms), (Some(230.0), Some(16.0)));
}

#[test]
fn a_callee_that_is_far_slower_than_the_others_keeps_its_own_row() {
    let five = |root: Step| {
        root.with(call("frontend", "mail", "Mail/Send", 2, 5)).with(call("frontend", "stock", "Stock/Get", 2, 5))
    };
    let slow = window(20, &five(shop()), |_, root| {
        for name in ["Cart/Get", "Ads/Get", "Prices/Get"] {
            root.at("frontend", name).slower(60);
        }
        root.at("frontend", "Mail/Send").slower(900);
    });
    let rows = rows(&slow, &usual(30, &five(shop())));
    assert_eq!(places(&rows), ["mail <- frontend: Mail/Send (network)", "frontend: GET /cart (span)"]);
}

#[test]
fn more_calls_than_usual_are_a_deviation_too() {
    let slow = window(20, &shop(), |_, root| {
        let select = step("cart", "SELECT items", 10);
        root.at("cart", "Cart/Get").children.extend(vec![select; 30]);
    });
    let rows = rows(&slow, &usual(30, &shop()));
    assert_eq!(places(&rows), ["cart: SELECT items (span)"]);
    assert_eq!(rows[0].excess_ms, Some(300.0));
}

#[test]
fn a_call_that_takes_longer_is_found_in_a_request_with_fewer_calls() {
    let with_calls = |n: usize| {
        let mut root = step("frontend", "GET /", 20).kind(SpanKind::Server);
        root.children = vec![call("frontend", "rates", "Convert", 2, 20); n];
        root
    };
    let mut baseline = usual(40, &with_calls(10));
    baseline.extend(requests(2_000_000, 40, &with_calls(1), |_, _| {}));
    let slow = window(20, &with_calls(1), |_, root| root.at("rates", "Convert").slower(100));
    let rows = rows(&slow, &baseline);
    assert_eq!(places(&rows), ["rates <- frontend: Convert (span)"]);
    assert_eq!((rows[0].affected, rows[0].excess_ms), (20, Some(100.0)));
}

#[test]
fn a_new_place_took_no_time_before() {
    let slow = window(20, &shop(), |_, root| {
        root.at("cart", "Cart/Get").children.push(step("cart", "check stock", 80));
    });
    let rows = rows(&slow, &usual(30, &shop()));
    assert_eq!(places(&rows), ["cart: check stock (span)"]);
    assert_eq!((rows[0].excess_ms, rows[0].baseline_ms), (Some(80.0), Some(0.0)));
}

#[test]
fn work_that_runs_beside_something_longer_costs_nothing() {
    let root = step("frontend", "GET /", 2).parallel().with(step("frontend", "long", 100));
    let root = root.with(step("frontend", "short", 10));
    let hidden = window(20, &root, |_, root| root.at("frontend", "short").slower(80));
    assert_eq!(rows(&hidden, &usual(30, &root)), []);
    let visible = window(20, &root, |_, root| root.at("frontend", "short").slower(180));
    assert_eq!(places(&rows(&visible, &usual(30, &root))), ["frontend: short (span)"]);
}

/// An order that is taken at once and worked on in the background, after a queue.
fn order(queue: i64) -> Step {
    let work = step("worker", "process order", 50).kind(SpanKind::Consumer).shifted(queue).background();
    let publish = step("shop", "orders publish", 2).kind(SpanKind::Producer).with(work);
    step("shop", "POST /order", 20).kind(SpanKind::Server).with(publish)
}

#[test]
fn a_queue_that_nobody_works_on_is_a_gap() {
    let slow = requests(1, 20, &order(400), |_, _| {});
    let rows = rows(&slow, &usual(30, &order(40)));
    assert_eq!(places(&rows), ["worker <- shop: orders publish → process order (gap)"]);
    assert_eq!(rows[0].excess_ms, Some(360.0));
    assert_eq!(
        rows[0].summary,
        "worker starts 360 ms later in 20 of 20 operations (usually 29 ms) (orders publish → process order)"
    );
}

#[test]
fn background_work_is_part_of_the_request() {
    let slow = window(20, &order(40), |_, root| root.at("worker", "process order").slower(100));
    assert_eq!(places(&rows(&slow, &usual(30, &order(40)))), ["worker <- shop: process order (span)"]);
    let [profile] = &requests(1, 1, &order(40), |_, _| {})[..] else { panic!() };
    let sum: i64 = profile.sections.iter().map(|section| section.time.0).sum();
    assert_eq!((profile.duration.0, sum), (101_000, 101_000));
}

/// KTRDR's workers begin just before they answer (`docs/architecture.md`): what is mostly done later is not waited for.
#[test]
fn work_that_begins_just_before_its_parent_ends_is_background_work() {
    let start = |ms: i64| {
        let training = step("worker", "train", ms).background();
        let answer = step("worker", "POST /start", 4).kind(SpanKind::Server).with(training);
        step("api", "POST /train", 2).kind(SpanKind::Client).with(answer)
    };
    let slow = requests(1, 20, &start(900), |_, _| {});
    let rows = rows(&slow, &usual(30, &start(500)));
    assert_eq!(places(&rows), ["worker: train (span)"]);
    assert_eq!(rows[0].excess_ms, Some(400.0));
}

#[test]
fn an_error_counts_where_it_arises() {
    let failing = window(20, &shop(), |number, root| {
        if number < 8 {
            for (service, name) in [("frontend", "GET /cart"), ("frontend", "Cart/Get"), ("cart", "Cart/Get")] {
                root.at(service, name).error = true;
            }
        }
    });
    let rows = rows(&failing, &usual(30, &shop()));
    let row = only(&rows);
    assert_eq!(places(&rows), ["cart <- frontend: Cart/Get (errors)"]);
    assert_eq!((row.affected, row.error_ratio, row.baseline_error_ratio), (8, 0.4, 0.0));
    assert_eq!((row.excess_ms, row.baseline_ms), (None, None));
    assert_eq!(row.summary, "Errors arise in Cart/Get of cart in 8 of 20 operations; in the baseline in 0 of 30");
    assert_eq!((row.evidence[0].kind, row.evidence[0].value.as_str()), (EvidenceKind::Status, "error"));
}

#[test]
fn errors_that_were_always_there_are_not_a_change() {
    let failing = |root: &mut Step| root.at("ads", "Ads/Get").error = true;
    let window = window(20, &shop(), |_, root| failing(root));
    assert_eq!(rows(&window, &requests(1_000, 30, &shop(), |_, root| failing(root))), []);
}

#[test]
fn an_error_in_a_span_that_the_baseline_does_not_have_counts_among_all_requests() {
    let failing = window(40, &shop(), |number, root| {
        if number < 10 {
            root.at("cart", "Cart/Get").children.push(step("cart", "fallback", 0).failed());
        }
    });
    let rows = rows(&failing, &usual(60, &shop()));
    assert_eq!(places(&rows), ["cart: fallback (errors)"]);
    assert_eq!((rows[0].affected, rows[0].error_ratio), (10, 0.25));
}

#[test]
fn a_span_that_returns_early_lacks_its_children() {
    let early = window(20, &shop(), |number, root| {
        if number < 10 {
            root.children.truncate(1);
        }
    });
    let rows = rows(&early, &usual(30, &shop()));
    let row = only(&rows);
    assert_eq!(places(&rows), ["frontend: Ads/Get (missing)"]);
    assert_eq!((row.affected, row.confidence), (10, Confidence::Medium));
    assert_eq!(
        row.summary,
        "GET /cart of frontend lacks Ads/Get and 1 more in 10 of 20 operations; in the baseline in 0 of 30"
    );
    assert_eq!((row.evidence[0].kind, row.evidence[0].span.as_deref()), (EvidenceKind::Absence, Some("GET /cart")));
}

#[test]
fn a_service_that_is_not_reached_is_missing_itself() {
    let lost = window(20, &shop(), |_, root| root.at("frontend", "Ads/Get").children.clear());
    assert_eq!(places(&rows(&lost, &usual(30, &shop()))), ["ads <- frontend: Ads/Get (missing)"]);
}

#[test]
fn one_child_instead_of_another_is_not_missing() {
    let either = |number: u64, root: &mut Step| {
        let name = if number % 10 < 8 { "cached items" } else { "SELECT items" };
        root.at("cart", "SELECT items").name = name;
    };
    let baseline = requests(1_000, 40, &shop(), either);
    assert_eq!(rows(&window(20, &shop(), |_, _| {}), &baseline), []);
}

/// Each request has one of several children, and none of them is usual.
#[test]
fn a_span_that_has_none_of_its_possible_children_lacks_one() {
    let names = ["by name", "by price", "by date"];
    let one_of = |number: u64, root: &mut Step| root.at("cart", "SELECT items").name = names[number as usize % 3];
    let lost = window(20, &shop(), |_, root| root.at("cart", "Cart/Get").children.clear());
    assert_eq!(places(&rows(&lost, &requests(1_000, 30, &shop(), one_of))), ["cart <- frontend: by date (missing)"]);
}

#[test]
fn only_the_deepest_span_that_lacks_children_counts() {
    let deep = |inner: bool| {
        let work = step("cart", "work", 5);
        let work = if inner { work.with(step("cart", "SELECT items", 5)) } else { work };
        let root = step("frontend", "GET /", 5).with(step("frontend", "check", 1)).with(work);
        if inner { root.with(step("frontend", "render", 5)) } else { root }
    };
    let early = requests(1, 20, &deep(false), |_, _| {});
    assert_eq!(places(&rows(&early, &usual(30, &deep(true)))), ["cart <- frontend: SELECT items (missing)"]);
}

#[test]
fn what_an_error_explains_is_not_missing() {
    let failing = window(20, &shop(), |_, root| {
        root.children.truncate(1);
        root.at("cart", "SELECT items").error = true;
    });
    let rows = rows(&failing, &usual(30, &shop()));
    assert_eq!(places(&rows), ["cart: SELECT items (errors)"]);
}

#[test]
fn spans_that_did_not_arrive_are_not_missing() {
    let complete = usual(30, &shop());
    let cut = |number: u64| trace_of(number, &[&shop()], |step| (step.service, step.name) != ("cart", "Cart/Get"));
    let window: Vec<_> = (1..=20).flat_map(|number| profiles(&cut(number))).collect();
    assert!(!kinds(&rows(&window, &complete)).contains(&CulpritKind::Missing));
}

#[test]
fn a_trace_without_its_root_is_compared_from_its_orphans() {
    let gateway = step("gateway", "/*", 5).kind(SpanKind::Server).with(shop());
    let without_root = |first: u64, n: u64, ms: i64| -> Vec<_> {
        let one = |number: u64| {
            let mut root = gateway.clone();
            root.at("cart", "SELECT items").slower(ms);
            profiles(&trace_of(number, &[&root], |step| step.service != "gateway"))
        };
        (first..first + n).flat_map(one).collect()
    };
    let rows = rows(&without_root(1, 20, 100), &without_root(1_000, 30, 0));
    assert_eq!(places(&rows), ["cart: SELECT items (span)"]);
    assert_eq!(rows[0].operation_types, ["frontend: GET /cart"]);
}

/// jaegertracing/jaeger#961: clocks that disagree must not change the answer.
#[test]
fn a_clock_that_is_off_changes_nothing() {
    for seconds in [-3600, -1, 1, 3600] {
        let skewed = |root: &mut Step| root.at("cart", "Cart/Get").shift = seconds * 1_000_000;
        let slow = window(20, &shop(), |_, root| {
            skewed(root);
            root.at("cart", "SELECT items").slower(100);
        });
        for baseline in [usual(30, &shop()), requests(1_000, 30, &shop(), |_, root| skewed(root))] {
            let rows = rows(&slow, &baseline);
            assert_eq!(places(&rows), ["cart: SELECT items (span)"], "{seconds} s");
            assert_eq!(rows[0].excess_ms, Some(100.0));
        }
    }
}

/// The same where the caller has no client span and work of its own.
#[test]
fn a_clock_that_is_off_changes_nothing_without_a_client_span() {
    let cart = step("cart", "Cart/Get", 20).kind(SpanKind::Server);
    let root = step("frontend", "GET /", 10).with(step("frontend", "render", 5)).with(cart);
    for seconds in [-3600, 3600] {
        let slow = window(20, &root, |_, root| {
            root.at("cart", "Cart/Get").shift = seconds * 1_000_000;
            root.at("cart", "Cart/Get").slower(100);
        });
        let rows = rows(&slow, &usual(30, &root));
        assert_eq!(places(&rows), ["cart <- frontend: Cart/Get (span)"], "{seconds} s");
        assert_eq!(rows[0].excess_ms, Some(100.0));
    }
}

/// A callee that goes on after its caller has given up: the caller waited inside of it.
#[test]
fn a_caller_that_times_out_waited_for_its_callee() {
    let timeout = window(20, &shop(), |_, root| {
        let ads = root.at("frontend", "Ads/Get");
        ads.slower(500);
        ads.children[0].shift = -250_000;
        ads.children[0].slower(30_000);
    });
    assert_eq!(places(&rows(&timeout, &usual(30, &shop())))[0], "ads <- frontend: Ads/Get (span)");
}

#[test]
fn requests_are_compared_with_those_of_their_type_only() {
    let other =
        |ms: i64| step("frontend", "GET /report", 10).kind(SpanKind::Server).with(step("frontend", "query", ms));
    let mut baseline = usual(30, &shop());
    baseline.extend(requests(2_000, 30, &other(900), |_, _| {}));
    let mut slow = window(20, &shop(), |_, _| {});
    slow.extend(requests(5_000, 60, &other(900), |_, _| {}));
    assert_eq!(rows(&slow, &baseline), []);
    slow.extend(requests(6_000, 5, &step("frontend", "GET /new", 10), |_, _| {}));
    let comparison = compare(&slow, &baseline);
    assert_eq!(comparison.unknown_types, ["frontend: GET /new"]);
    assert_eq!(comparison.operations, 80);
}

#[test]
fn one_row_gathers_all_types_of_operations() {
    let types = ["GET /a", "GET /b", "GET /c"];
    let root = |name: &'static str| step("frontend", name, 10).with(call("frontend", "cart", "Cart/Get", 2, 8));
    let all = |first: u64, n: u64, ms: i64| -> Vec<_> {
        let one = |(at, name): (usize, &&'static str)| {
            requests(first + at as u64 * 1_000, n, &root(name), |_, root| root.at("cart", "Cart/Get").slower(ms))
        };
        types.iter().enumerate().flat_map(one).collect()
    };
    let rows = rows(&all(1, 5, 100), &all(100_000, 10, 0));
    assert_eq!(places(&rows), ["cart <- frontend: Cart/Get (span)"]);
    assert_eq!(rows[0].operation_types, ["frontend: GET /a", "frontend: GET /b", "frontend: GET /c"]);
    assert_eq!(rows[0].affected, 15);
}

/// Few requests on each way, but all of them slow: together they prove it.
#[test]
fn a_place_is_judged_over_all_its_callers_and_types() {
    let types = ["GET /a", "GET /b", "GET /c", "GET /d"];
    let root = |name: &'static str| step("frontend", name, 10).with(call("frontend", "cart", "Cart/Get", 2, 8));
    let all = |first: u64, n: u64, ms: i64| -> Vec<_> {
        let one = |(at, name): (usize, &&'static str)| {
            requests(first + at as u64 * 1_000, n, &root(name), |_, root| root.at("cart", "Cart/Get").slower(ms))
        };
        types.iter().enumerate().flat_map(one).collect()
    };
    let rows = rows(&all(1, 1, 100), &all(100_000, 10, 0));
    assert_eq!((rows[0].service.as_str(), rows[0].affected), ("cart", 4));
}

/// What is wrong between one caller and its callee is not lost among the many requests of other callers.
#[test]
fn a_place_is_judged_for_each_caller_alone_too() {
    let report =
        step("report", "GET /report", 10).kind(SpanKind::Server).with(call("report", "prices", "Prices/Get", 2, 12));
    let mut baseline = usual(300, &shop());
    baseline.extend(requests(2_000_000, 60, &report, |_, _| {}));
    let mut slow = window(300, &shop(), |_, _| {});
    slow.extend(requests(5_000, 20, &report, |_, root| root.at("report", "Prices/Get").slower(300)));
    let rows = rows(&slow, &baseline);
    assert_eq!(places(&rows), ["prices <- report: Prices/Get (network)"]);
    assert_eq!(rows[0].affected, 20);
}

#[test]
fn equal_scores_are_ordered_by_service_then_span() {
    let slow = window(20, &shop(), |_, root| {
        root.at("prices", "Prices/Get").slower(60);
        root.at("ads", "Ads/Get").slower(60);
    });
    let rows = rows(&slow, &usual(30, &shop()));
    let names: Vec<_> = rows.iter().map(|row| (row.rank, row.service.as_str(), row.share)).collect();
    assert_eq!(names, [(1, "ads", 0.5), (2, "prices", 0.5)]);
    assert!(rows.iter().all(|row| row.confidence == Confidence::Medium));
}

#[test]
fn examples_show_the_largest_excess_first() {
    let slow = window(20, &shop(), |number, root| root.at("ads", "Ads/Get").slower(100 + number as i64));
    let rows = rows(&slow, &usual(30, &shop()));
    let examples: Vec<u128> = rows[0].example_trace_ids.iter().map(|id| id.0).collect();
    assert_eq!(examples, [20, 19, 18]);
    assert_eq!(rows[0].evidence[0].value, "119 ms more than 8.0 ms");
    assert_eq!(rows[0].evidence[0].rule, "culprit.span");
}

#[test]
fn a_trace_with_several_requests_is_one_example() {
    let two = |number: u64, ms: i64| {
        let mut root = shop();
        root.at("ads", "Ads/Get").slower(ms);
        profiles(&trace_of(number, &[&root, &root], |_| true))
    };
    let slow: Vec<_> = (1..=10).flat_map(|number| two(number, 100 + number as i64)).collect();
    let row = &rows(&slow, &usual(30, &shop()))[0];
    assert_eq!(row.affected, 20);
    assert_eq!(row.example_trace_ids.iter().map(|id| id.0).collect::<Vec<_>>(), [10, 9, 8]);
}

/// Evidence must be found at the place that it names (review, section 4).
#[test]
fn evidence_names_a_span_that_is_there() {
    type Change = fn(&mut Step);
    let changes: [Change; 6] = [
        |root| root.at("ads", "Ads/Get").slower(100),
        |root| root.at("frontend", "Ads/Get").slower(100),
        |root| root.at("cart", "SELECT items").error = true,
        |root| root.children.truncate(1),
        |root| root.at("frontend", "Ads/Get").children.clear(),
        |root| ["Cart/Get", "Ads/Get", "Prices/Get"].iter().for_each(|name| root.at("frontend", name).slower(60)),
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let rows = rows(&window(20, &shop(), |_, root| change(root)), &usual(30, &shop()));
        let evidence = &only(&rows).evidence[0];
        let mut root = shop();
        change(&mut root);
        let trace = trace(evidence.trace_id.unwrap().0 as u64, &root);
        let span = trace.spans().find(|span| Some(span.id()) == evidence.span_id).unwrap();
        assert_eq!(
            (Some(span.service()), Some(span.name())),
            (evidence.service.as_deref(), evidence.span.as_deref()),
            "{at}"
        );
    }
}

#[test]
fn a_row_is_json_with_the_documented_names() {
    let slow = window(20, &shop(), |_, root| root.at("frontend", "Ads/Get").slower(200));
    let json = serde_json::to_value(&rows(&slow, &usual(30, &shop()))[0]).unwrap();
    let names: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "affected",
        "baseline_error_ratio",
        "baseline_ms",
        "caller",
        "confidence",
        "error_ratio",
        "evidence",
        "example_trace_ids",
        "excess_ms",
        "kind",
        "operation_types",
        "rank",
        "score",
        "service",
        "share",
        "span",
        "summary",
    ];
    assert_eq!(names, documented);
    assert_eq!((json["kind"].as_str(), json["caller"].as_str()), (Some("network"), Some("frontend")));
}

#[test]
fn a_request_can_be_observed_from_any_span_and_type() {
    let trace = trace(1, &shop());
    let tree = Tree::new(&trace);
    let cart = trace.spans().find(|span| span.service() == "cart").unwrap();
    let profile = observe(&trace, &tree, cart.ix(), "training".to_owned()).unwrap();
    assert_eq!((profile.operation_type.as_str(), profile.duration.0), ("training", 14_000));
    assert_eq!(profile.visits[0].place.caller.as_deref(), Some("frontend"));
    assert_eq!(profile.visits.last().unwrap().children.as_ref().unwrap().parent, SpanId(4));
    let elsewhere = trace_of(2, &[&shop(), &shop()], |_| true).spans().last().unwrap().ix();
    assert_eq!(observe(&trace, &tree, elsewhere, String::new()), None);
}
