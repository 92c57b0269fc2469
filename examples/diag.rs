use ktrdr_diagnosis::{diagnosis::*, jaeger, playbook::Playbook, trace::*};
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let now = a.get(2).and_then(|t| Time::parse_rfc3339(t));
    let traces = jaeger::decode(&std::fs::read(&a[1]).unwrap()).unwrap();
    let now = now.unwrap_or_else(|| traces.iter().filter_map(Trace::end).max().unwrap());
    let r = diagnose(&traces, &Playbook::ktrdr(), &Context { now, ..Context::default() });
    for mut d in r.diagnoses {
        if a.get(3).is_none() {
            d.flow.clear();
            d.http.clear();
            d.errors.clear();
            d.evidence.clear();
            d.findings.iter_mut().for_each(|f| f.evidence.clear());
            d.workers.clear();
        }
        println!("{}", serde_json::to_string_pretty(&d).unwrap().replace("\n    ", " "));
    }
}
