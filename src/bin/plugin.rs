//! The executable that Grafana starts.

fn main() {}
