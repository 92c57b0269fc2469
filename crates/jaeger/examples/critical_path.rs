//! Prints the critical path of every trace in a file: `cargo run -p jaeger --example critical_path -- traces.json`.

#![allow(clippy::print_stdout, reason = "an example that prints")]

use std::{env, error::Error, fs};

use trace::{Tree, critical_path};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: critical_path FILE")?;
    let decoded = jaeger::decode(&fs::read(path)?)?;
    for trace in &decoded.traces {
        println!("trace {}", trace.id());
        let tree = Tree::new(trace);
        for section in critical_path(trace, &tree) {
            let Some(span) = trace.span(section.span) else { continue };
            println!("  {:>12}  {}: {}", (section.end - section.start).to_string(), span.service(), span.name());
        }
    }
    for notice in decoded.notices() {
        println!("note: {notice}");
    }
    Ok(())
}
