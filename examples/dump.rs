use ktrdr_diagnosis::{corpus::*, trace::Time};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let form = match a[2].as_str() {
        "seed" => Form::Seed,
        "older" => Form::Older,
        _ => Form::Wire,
    };
    let s = scenarios().iter().find(|s| s.name == a[1]).unwrap();
    let t = tell(s, form, Time(1_795_341_900_000_000), 1);
    eprintln!("now {}", t.now);
    std::fs::write(&a[3], jaeger_json(&t.traces, Dialect::V1_53)).unwrap();
}
