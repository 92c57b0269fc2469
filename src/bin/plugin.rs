//! The executable that Grafana starts.

use std::process::ExitCode;

fn main() -> ExitCode {
    ktrdr_diagnosis::plugin::run()
}
