//! The command line tool `ktrdr-diagnose`.

fn main() {}
