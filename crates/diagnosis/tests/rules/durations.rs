//! Durations as people read and type them: the table that the backend and the browser share (review B17, B18).

use diagnosis::playbook::Duration;
use serde::Deserialize;
use trace::Micros;

#[derive(Deserialize)]
struct Table {
    format: Vec<Formatted>,
    parse: Vec<Typed>,
}

#[derive(Deserialize)]
struct Formatted {
    us: i64,
    text: String,
}

#[derive(Deserialize)]
struct Typed {
    text: String,
    us: Option<i64>,
}

fn table() -> Table {
    serde_json::from_str(include_str!("../../../../tests/shared/durations.json")).expect("the table of durations")
}

#[test]
fn durations_are_written_as_the_shared_table_says() {
    for row in table().format {
        assert_eq!(Micros(row.us).to_string(), row.text, "{} µs", row.us);
    }
}

#[test]
fn durations_are_read_as_the_shared_table_says() {
    for row in table().parse {
        assert_eq!(row.text.parse::<Duration>().ok().map(|read| read.0.0), row.us, "{:?}", row.text);
    }
}

/// No duration is written with a number that the next unit would hold (review B17: `1000 ms`, `60.0 s`).
#[test]
fn no_duration_overflows_its_unit() {
    let near = [999_400, 999_500, 999_600, 59_940_000, 59_950_000, 59_999_999, 3_599_499_999, 86_369_999_999_i64];
    for us in near.into_iter().flat_map(|us| us - 1_000..us + 1_000) {
        let text = Micros(us).to_string();
        for bad in ["1000 ", "60.0 s", "60 s", "60 min", "24 h"] {
            assert!(!text.starts_with(bad) && !text.contains(&format!(" {bad}")), "{us} µs: {text}");
        }
    }
}
