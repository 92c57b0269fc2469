//! The command line tool `ktrdr-diagnose`.

fn main() -> std::process::ExitCode {
    ktrdr_diagnosis::cli::main()
}
