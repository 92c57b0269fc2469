//! Peak memory of the largest workload beside the size of its body. It takes minutes and gigabytes, so it runs only with
//! `KTRDR_BENCH_GIANT=1`; a number of spans other than a million can be given as `KTRDR_BENCH_SPANS`.

#![allow(clippy::print_stdout, reason = "a bench reports")]

mod workloads;

use std::{env, error::Error, fs, path::Path, process::Command, time::Instant};

use diagnosis::playbook::Playbook;
use diagnosis::{Context, diagnose};
use jaeger::decode;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    match args.get(1).map(String::as_str) {
        // Each part in a process of its own, so that making the body does not count.
        Some("make") => Ok(fs::write(args.get(2).ok_or("a path")?, workloads::giant(spans()))?),
        Some("measure") => measure(Path::new(args.get(2).ok_or("a path")?)),
        _ if env::var_os("KTRDR_BENCH_GIANT").is_none() => {
            println!("memory: skipped; KTRDR_BENCH_GIANT=1 measures it (about 2 GB of memory, 1 GB of disk)");
            Ok(())
        }
        _ => both(),
    }
}

fn spans() -> usize {
    env::var("KTRDR_BENCH_SPANS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

fn both() -> Result<(), Box<dyn Error>> {
    let me = env::current_exe()?;
    let path = env::temp_dir().join(format!("ktrdr-bench-{}.json", std::process::id()));
    let made = Command::new(&me).arg("make").arg(&path).status()?.success();
    let measured = made && Command::new(&me).arg("measure").arg(&path).status()?.success();
    fs::remove_file(&path)?;
    if measured { Ok(()) } else { Err("a part failed, see above".into()) }
}

fn measure(path: &Path) -> Result<(), Box<dyn Error>> {
    let body = fs::read(path)?;
    let size = body.len() as f64 / 1e6;
    let before = peak()?;
    let began = Instant::now();
    let traces = decode(&body)?.traces;
    let (decoded, at_decode) = (began.elapsed(), peak()?);
    let context = Context { now: workloads::NOW, ..Context::default() };
    let report = diagnose(&traces, &Playbook::ktrdr(), &context);
    let (whole, at_end) = (began.elapsed(), peak()?);
    let count: usize = traces.iter().map(trace::Trace::len).sum();
    println!("body {size:.0} MB, {count} spans, {} operations", report.diagnoses.len());
    println!("decode {decoded:.2?}, decode and diagnose {whole:.2?}");
    println!(
        "peak memory: {before:.0} MB with the body, {at_decode:.0} MB decoded, {at_end:.0} MB diagnosed = {:.2} x body",
        at_end / size
    );
    Ok(())
}

/// The largest resident size of this process so far, in MB.
fn peak() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).ok_or("no VmHWM in /proc/self/status")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no number after VmHWM")?.parse()?;
    Ok(kib * 1024.0 / 1e6)
}
