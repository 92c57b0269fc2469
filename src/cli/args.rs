//! The arguments of the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::when::{When, duration, wall_clock};
use diagnosis::Verdict;
use jaeger::Secret;
use trace::{Micros, Time};

/// Diagnose KTRDR operations from Jaeger traces
///
/// Exit status: 0 answered, 1 could not answer (the message says what to try), 2 wrong usage.
#[derive(Debug, Parser)]
#[command(name = "ktrdr-diagnose", version, max_term_width = 100, arg_required_else_help = true)]
pub(super) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Diagnose one operation (or all operations of one trace) in Jaeger
    Operation(OperationArgs),
    /// List the operations of a time range in Jaeger, each with its verdict
    Operations(OperationsArgs),
    /// Diagnose the operations in a trace file, without Jaeger
    File(FileArgs),
    /// Say what changed: rank what deviates in a time range, or in trace files, from a baseline
    Culprits(CulpritsArgs),
    /// Record the operations of a Jaeger into a store, and print those that go wrong
    Watch(WatchArgs),
    /// Print the critical path of every trace in a file: what the end of the trace was waiting for
    CriticalPath(CriticalPathArgs),
    #[cfg(feature = "demo")]
    /// Show what this tool does, on example traces: no Jaeger, no KTRDR, no Grafana needed
    Demo(DemoArgs),
    /// Print, explain or check the playbook: the rules behind every diagnosis
    Playbook(PlaybookArgs),
}

#[derive(Debug, Args)]
pub(super) struct OperationArgs {
    /// Operation id, as `op_training_20261122_100505_a41e50c8`, or a trace id
    pub(super) id: String,
    /// Where the search starts when the id contains no time [default: now minus the lookback]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) from: Option<When>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(flatten)]
    pub(super) kept: StoreArgs,
    #[command(flatten)]
    pub(super) jaeger: JaegerArgs,
}

#[derive(Debug, Args)]
pub(super) struct OperationsArgs {
    /// Start of the range: `now-1h30m`, `2026-11-22T10:00:00Z`, seconds (10 digits) or milliseconds (13) since 1970
    #[arg(long, value_name = "TIME", default_value = "now-1h", allow_hyphen_values = true)]
    pub(super) from: When,
    /// End of the range
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub(super) to: When,
    /// Only operations of this type, as `training`; may be given more than once
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(super) types: Vec<String>,
    /// Only operations with this verdict, as `stuck`; may be given more than once
    #[arg(long = "verdict", value_name = "VERDICT", value_delimiter = ',', value_parser = verdict_parser())]
    pub(super) verdicts: Vec<String>,
    /// At most this many operations, the newest ones
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) limit: u16,
    #[command(flatten)]
    pub(super) common: CommonArgs,
    #[command(flatten)]
    pub(super) kept: StoreArgs,
    #[command(flatten)]
    pub(super) jaeger: JaegerArgs,
}

#[derive(Debug, Args)]
pub(super) struct FileArgs {
    /// Trace file: an export of Jaeger's user interface, an answer of its API, OTLP JSON, a list of spans, also gzipped; `-` reads standard input
    pub(super) path: PathBuf,
    /// Only this operation, in full
    #[arg(long, value_name = "ID")]
    pub(super) operation: Option<String>,
    #[command(flatten)]
    pub(super) common: CommonArgs,
}

#[derive(Debug, Args)]
pub(super) struct CulpritsArgs {
    /// Trace files of the window, as `file` takes them, instead of a time range in Jaeger
    #[arg(value_name = "FILE", requires = "baseline", conflicts_with_all = ["from", "to", "baseline_from", "baseline_to"])]
    pub(super) files: Vec<PathBuf>,
    /// Trace files of the baseline
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "files")]
    pub(super) baseline: Vec<PathBuf>,
    /// Start of the window, as `now-1h30m` or `2026-11-22T10:00:00Z`
    #[arg(long, value_name = "TIME", default_value = "now-1h", allow_hyphen_values = true)]
    pub(super) from: When,
    /// End of the window
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub(super) to: When,
    /// Start of the baseline [default: as long before its end as the window is long]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) baseline_from: Option<When>,
    /// End of the baseline [default: the start of the window]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) baseline_to: Option<When>,
    /// Only operations of this type, as `training`; may be given more than once
    #[arg(long = "type", value_name = "TYPE", value_delimiter = ',', conflicts_with = "files")]
    pub(super) types: Vec<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t = CulpritFormat::Table)]
    pub(super) format: CulpritFormat,
    #[command(flatten)]
    pub(super) clock: ClockArgs,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
    #[command(flatten)]
    pub(super) jaeger: JaegerArgs,
}

#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Where to keep operations: `sqlite:PATH`, `postgres://USER:PASSWORD@HOST/DATABASE`, or `memory` until this command ends
    #[arg(long, value_name = "LOCATION", env = "KTRDR_STORE", hide_env_values = true, default_value = "memory")]
    pub(super) store: Secret,
    /// Under which name to keep them, for stores that several Jaegers share [default: host and port of the Jaeger]
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) source: Option<String>,
    /// End when the history window is covered
    #[arg(long)]
    pub(super) until_caught_up: bool,
    /// How to print an operation that goes wrong
    #[arg(long, value_enum, default_value_t = WatchFormat::Table)]
    pub(super) format: WatchFormat,
    /// Serve metrics for Prometheus on this address, as `127.0.0.1:9464`; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) metrics: Option<String>,
    /// How far back the past is read
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = duration)]
    pub(super) history_window: Micros,
    /// How long operations are kept
    #[arg(long, value_name = "DURATION", default_value = "90d", value_parser = duration)]
    pub(super) retention: Micros,
    /// How many requests a second Jaeger gets at most in the long run
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) max_requests_per_second: u16,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
    #[command(flatten)]
    pub(super) jaeger: JaegerArgs,
}

#[derive(Debug, Args)]
pub(super) struct CriticalPathArgs {
    /// Trace file, as `file` takes it; `-` reads standard input
    pub(super) path: PathBuf,
    /// How to print it
    #[arg(long, value_enum, default_value_t = PathFormat::Table)]
    pub(super) format: PathFormat,
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Keep the example Jaeger serving until Ctrl-C, so that Grafana or this tool can be pointed at it
    #[arg(long)]
    pub(super) keep: bool,
    /// Port of the example Jaeger on 127.0.0.1; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(super) port: u16,
    /// Seed of the example traces: the same seed makes the same traces
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    /// The plugin executable [default: the one beside this program]
    #[arg(long, value_name = "PATH")]
    pub(super) plugin: Option<PathBuf>,
    /// Instead of the demonstration: send the traces of a simulated KTRDR to the OTLP/HTTP endpoint at URL until Ctrl-C
    ///
    /// Sends the traces of common failures and of four hours of work at once, then those of new operations as they end.
    #[arg(long, value_name = "URL", conflicts_with_all = ["keep", "port", "plugin", "now"])]
    pub(super) feed: Option<Secret>,
    /// With --feed: serve the metrics of the simulated processes on HOST, ports 8000 and 5003 to 5006, for Prometheus
    // The conflicts too: clap does not insist on --feed where that would be a conflict.
    #[arg(long, value_name = "HOST", requires = "feed", conflicts_with_all = ["keep", "port", "plugin", "now"])]
    pub(super) metrics: Option<String>,
    /// For tests: serve the metrics on any free ports
    #[arg(long, hide = true, requires = "metrics")]
    pub(super) free_ports: bool,
    #[command(flatten)]
    pub(super) clock: ClockArgs,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct PlaybookArgs {
    #[command(subcommand)]
    pub(super) command: Option<PlaybookCommand>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PlaybookCommand {
    /// Print an embedded playbook
    Print {
        /// Its name: `ktrdr` or `generic`
        #[arg(default_value = "ktrdr")]
        name: String,
    },
    /// Explain one rule, as `worker.none_registered`; without a name: list all rules
    Explain {
        /// The rule's id, as in the field `rule` of a diagnosis
        rule: Option<String>,
        /// Explain it as in this playbook: `generic`, or a file
        #[arg(long, value_name = "NAME|FILE")]
        playbook: Option<PathBuf>,
    },
    /// Check a playbook: print each mistake with its line, and what can never apply
    Check {
        /// The playbook; `-` reads standard input
        file: PathBuf,
        /// Also list the patterns that match nothing in this trace file
        #[arg(long, value_name = "FILE")]
        against: Option<PathBuf>,
    },
}

/// Where recorded operations are.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub(super) struct StoreArgs {
    /// Answer from a store that `watch` fills, without Jaeger; as `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, value_name = "LOCATION", env = "KTRDR_STORE", hide_env_values = true)]
    pub(super) store: Option<Secret>,
    /// The name under which they are kept, if the store holds those of several Jaegers
    #[arg(long, value_name = "NAME")]
    pub(super) source: Option<String>,
}

/// How to reach Jaeger.
#[derive(Debug, Args)]
#[command(next_help_heading = "Jaeger")]
pub(super) struct JaegerArgs {
    /// Address of Jaeger's user interface, with its base path if it has one
    #[arg(long = "jaeger", value_name = "URL", env = "KTRDR_JAEGER_URL", hide_env_values = true)]
    pub(super) url: Option<Secret>,
    /// Header to send, as `Authorization: Bearer …`; may be given more than once (in the variable: one per line)
    #[arg(long = "header", value_name = "NAME: VALUE", env = "KTRDR_JAEGER_HEADERS", value_delimiter = '\n')]
    #[arg(hide_env_values = true)]
    pub(super) headers: Vec<Secret>,
    /// Basic authentication; other users of this machine can see arguments, so prefer the variable
    #[arg(long, value_name = "NAME:PASSWORD", env = "KTRDR_JAEGER_USER", hide_env_values = true)]
    pub(super) user: Option<Secret>,
    /// Tenant, sent as the header `x-tenant`
    #[arg(long, value_name = "NAME", env = "KTRDR_JAEGER_TENANT")]
    pub(super) tenant: Option<String>,
    /// Also trust this certificate authority (PEM)
    #[arg(long, value_name = "FILE", env = "KTRDR_JAEGER_CA_CERT")]
    pub(super) ca_cert: Option<PathBuf>,
    /// Do not check Jaeger's certificate
    #[arg(long)]
    pub(super) insecure: bool,
    /// How long one answer of Jaeger may take
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = duration)]
    pub(super) timeout: Micros,
    /// Largest answer of Jaeger that is read, in MiB; larger ones are requested in parts
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65536))]
    pub(super) max_body_mib: u32,
    /// How far before the range to look for operations that still run [default: 48h, or as the playbook says]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) lookback: Option<Micros>,
    /// Only search services that match this pattern, as `ktrdr-*`; may be given more than once
    #[arg(long, value_name = "GLOB", value_delimiter = ',')]
    pub(super) discovery_services: Vec<String>,
}

/// What every command that diagnoses operations takes.
#[derive(Debug, Args)]
pub(super) struct CommonArgs {
    /// How to print [default: a table for several operations, a report for one]
    #[arg(long, value_enum)]
    pub(super) format: Option<Format>,
    #[command(flatten)]
    pub(super) clock: ClockArgs,
    #[command(flatten)]
    pub(super) rules: RuleArgs,
}

/// The rules to apply.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rules")]
pub(super) struct RuleArgs {
    /// `generic` for systems other than KTRDR, or a file with a playbook of your own (see `playbook check`)
    #[arg(long, value_name = "NAME|FILE", env = "KTRDR_PLAYBOOK")]
    pub(super) playbook: Option<PathBuf>,
    /// How far back comparable operations count as a baseline [default: 7d, or as the playbook says]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) baseline_window: Option<Micros>,
}

/// The clock.
#[derive(Debug, Args)]
pub(super) struct ClockArgs {
    /// Judge "stuck" and "running" as if it were this time; `now-…` counts from the real clock [default: now]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(super) now: Option<When>,
}

impl ClockArgs {
    /// The time to judge at.
    pub(super) fn now(&self) -> Time {
        let wall = wall_clock();
        self.now.map_or(wall, |when| when.at(wall))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One row per operation
    Table,
    /// A report per operation for the terminal
    Report,
    /// A report per operation for a ticket or a chat
    Markdown,
    /// An array with everything that is known
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum WatchFormat {
    /// A line with time, verdict, id and summary
    Table,
    /// A line with one object
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum CulpritFormat {
    /// One row per culprit
    Table,
    /// A report for a ticket or a chat
    Markdown,
    /// An array with one object per culprit
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PathFormat {
    /// One row per section
    Table,
    /// An array with one object per trace
    Json,
}

fn verdict_parser() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(Verdict::ALL.map(Verdict::as_str))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let args = [
            "ktrdr-diagnose",
            "operations",
            "--jaeger",
            "http://j",
            "--user",
            "ann:s3cret",
            "--header",
            "Authorization: Bearer t0ken",
        ];
        let text = format!("{:?}", Cli::try_parse_from(args).unwrap());
        assert!(text.contains("Secret") && !text.contains("s3cret") && !text.contains("t0ken"), "{text}");
    }
}
