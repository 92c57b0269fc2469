//! Measures culprits on recorded faults: how often the first row is right, and how often there is one without a fault.
//!
//! `scripts/measure-culprits.sh PATH` runs it on the whole data; `recorded` proves with a little data made by code that it
//! measures what it says.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use diagnosis::culprits::{Parameters, RequestProfile, culprits};

use crate::{
    dataset::{Pair, System, fault_free, reduced},
    faults::Fault,
    formulas::{self, Answer, Formula},
};

/// How often answers were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) faults: usize,
    pub(crate) first: usize,
    pub(crate) among_three: usize,
    pub(crate) none: usize,
    pub(crate) wrong: usize,
    pub(crate) sure: usize,
    pub(crate) wrong_and_sure: usize,
}

impl Hits {
    pub(crate) fn add(&mut self, fault: &Fault, answer: &Answer) {
        let rank = answer.services.iter().position(|service| *service == fault.service);
        let is_wrong = !answer.services.is_empty() && rank != Some(0);
        self.faults += 1;
        self.first += usize::from(rank == Some(0));
        self.among_three += usize::from(rank.is_some_and(|rank| rank < 3));
        self.none += usize::from(answer.services.is_empty());
        self.wrong += usize::from(is_wrong);
        self.sure += usize::from(answer.is_sure);
        self.wrong_and_sure += usize::from(is_wrong && answer.is_sure);
    }

    fn cell(self) -> String {
        if self.faults == 0 {
            "–".to_owned()
        } else {
            format!("{} / {} of {}", self.first, self.among_three, self.faults)
        }
    }
}

fn with(parameters: &Parameters, window: &[RequestProfile], baseline: &[RequestProfile]) -> Answer {
    formulas::answer(&culprits(window, baseline, parameters).culprits)
}

fn rows_in(formula: impl Fn(&[RequestProfile], &[RequestProfile]) -> Answer, pairs: &[Pair]) -> (usize, usize) {
    let answers = pairs.iter().map(|(_, window, baseline)| formula(window, baseline));
    answers.fold((0, 0), |(any, sure), answer| {
        (any + usize::from(!answer.services.is_empty()), sure + usize::from(answer.is_sure))
    })
}

fn hits(system: &System, latency: bool, formula: impl Fn(&[RequestProfile], &[RequestProfile]) -> Answer) -> Hits {
    let mut hits = Hits::default();
    for (fault, window) in system.faults.iter().filter(|(fault, _)| fault.is_latency() == latency) {
        hits.add(fault, &formula(window, &system.normal));
    }
    hits
}

fn header(columns: &[String]) -> String {
    format!("| {} |\n|{}\n", columns.join(" | "), " --- |".repeat(columns.len()))
}

/// Every formula on every system.
pub(crate) fn formula_table(systems: &[System], formulas: &[(&str, Formula)], fault_free: &[Pair]) -> String {
    let kinds = [("latency", true), ("other", false)];
    let groups: Vec<(&System, bool)> =
        systems.iter().flat_map(|system| kinds.map(|(_, latency)| (system, latency))).collect();
    let groups: Vec<(&System, bool)> = groups
        .into_iter()
        .filter(|(system, latency)| system.faults.iter().any(|(fault, _)| fault.is_latency() == *latency))
        .collect();
    let title = |(system, latency): &(&System, bool)| {
        format!("{}, {}", system.name, if *latency { "latency" } else { "other" })
    };
    let mut columns = vec!["formula".to_owned()];
    columns.extend(groups.iter().map(title));
    columns.extend(["wrong first".to_owned(), "wrong at high".to_owned(), "rows without a fault".to_owned()]);
    let mut table = header(&columns);
    for (name, formula) in formulas {
        let all: Vec<Hits> = groups.iter().map(|(system, latency)| hits(system, *latency, formula)).collect();
        let cells: Vec<String> = all.iter().map(|hits| hits.cell()).collect();
        let sum = |value: fn(&Hits) -> usize| all.iter().map(value).sum::<usize>();
        let (any, _) = rows_in(formula, fault_free);
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} | {any} of {} |",
            cells.join(" | "),
            sum(|hits| hits.wrong),
            sum(|hits| hits.wrong_and_sure),
            fault_free.len()
        );
    }
    table
}

/// The formula in use by type of fault.
pub(crate) fn fault_table(systems: &[System]) -> String {
    let columns = ["system", "fault", "first", "among three", "no row", "wrong first", "high", "wrong at high"]
        .map(str::to_owned);
    let mut table = header(&columns);
    for system in systems {
        let mut kinds: BTreeMap<&str, Hits> = BTreeMap::new();
        for (fault, window) in &system.faults {
            let answer = with(&Parameters::default(), window, &system.normal);
            kinds.entry(&fault.kind).or_default().add(fault, &answer);
        }
        for (kind, hits) in kinds {
            let Hits { faults, first, among_three, none, wrong, sure, wrong_and_sure } = hits;
            let _ = writeln!(
                table,
                "| {} | {kind} | {first} of {faults} | {among_three} | {none} | {wrong} | {sure} | {wrong_and_sure} |",
                system.name
            );
        }
    }
    table
}

fn fault_free_table(systems: &[System], random_splits: usize) -> String {
    let columns = ["system", "window, baseline", "comparisons", "with rows", "at high"].map(str::to_owned);
    let mut table = header(&columns);
    for system in systems {
        let mut counts: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
        for (name, window, baseline) in fault_free(system, random_splits) {
            let answer = with(&Parameters::default(), &window, &baseline);
            let (all, rows, sure) = counts.entry(name).or_default();
            *all += 1;
            *rows += usize::from(!answer.services.is_empty());
            *sure += usize::from(answer.is_sure);
        }
        for (name, (all, rows, sure)) in counts {
            let _ = writeln!(table, "| {} | {name} | {all} | {rows} | {sure} |", system.name);
        }
    }
    table
}

fn reduced_table(systems: &[System]) -> String {
    let columns = ["system", "data", "cases", "first", "no row", "wrong first", "wrong at high"].map(str::to_owned);
    let mut table = header(&columns);
    for system in systems {
        let mut counts: BTreeMap<(String, bool), Hits> = BTreeMap::new();
        for (name, fault, window, baseline) in reduced(system) {
            let answer = with(&Parameters::default(), &window, &baseline);
            counts.entry((name, fault.is_latency())).or_default().add(fault, &answer);
        }
        for ((name, latency), hits) in counts {
            let kind = if latency { "latency" } else { "other" };
            let Hits { faults, first, none, wrong, wrong_and_sure, .. } = hits;
            let _ = writeln!(
                table,
                "| {}, {kind} | {name} | {faults} | {first} | {none} | {wrong} | {wrong_and_sure} |",
                system.name
            );
        }
    }
    table
}

/// A number moved down or up.
type Change = (&'static str, fn(&mut Parameters));

/// Each number moved down and up.
const CHANGES: [Change; 27] = [
    ("as it is", |_| {}),
    ("`time_quantile` 0.95", |p| p.time_quantile = 0.95),
    ("`time_quantile` 0.98", |p| p.time_quantile = 0.98),
    ("`time_quantile` 1", |p| p.time_quantile = 1.0),
    ("`least_slowdown` 0.1", |p| p.least_slowdown = 0.1),
    ("`least_slowdown` 0.15", |p| p.least_slowdown = 0.15),
    ("`least_slowdown` 0.3", |p| p.least_slowdown = 0.3),
    ("`children_quantile` 0.05", |p| p.children_quantile = 0.05),
    ("`children_quantile` 0.07", |p| p.children_quantile = 0.07),
    ("`children_quantile` 0.2", |p| p.children_quantile = 0.2),
    ("`usual_child` 0.2", |p| p.usual_child = 0.2),
    ("`usual_child` 0.8", |p| p.usual_child = 0.8),
    ("`least_affected` 2", |p| p.least_affected = 2),
    ("`least_affected` 4", |p| p.least_affected = 4),
    ("`least_extra_share` 0.05", |p| p.least_extra_share = 0.05),
    ("`least_extra_share` 0.15", |p| p.least_extra_share = 0.15),
    ("`standard_errors` 2", |p| p.standard_errors = 2.0),
    ("`standard_errors` 2.25", |p| p.standard_errors = 2.25),
    ("`standard_errors` 2.75", |p| p.standard_errors = 2.75),
    ("`standard_errors` 3", |p| p.standard_errors = 3.0),
    ("`shared_delay_callees` 2", |p| p.shared_delay_callees = 2),
    ("`shared_delay_callees` 4", |p| p.shared_delay_callees = 4),
    ("`shared_delay_share` 0.3", |p| p.shared_delay_share = 0.3),
    ("`shared_delay_share` 0.7", |p| p.shared_delay_share = 0.7),
    ("`shared_delay_spread` 2", |p| p.shared_delay_spread = 2.0),
    ("`high.affected_share` 0.3", |p| p.high.affected_share = 0.3),
    ("`high.affected_share` 0.7", |p| p.high.affected_share = 0.7),
];

fn plateau_table(systems: &[System], fault_free: &[Pair]) -> String {
    let mut columns = vec!["numbers".to_owned()];
    columns.extend(systems.iter().map(|system| format!("{}: first", system.name)));
    columns
        .extend(["wrong first", "high", "wrong at high", "rows without a fault", "of them at high"].map(str::to_owned));
    let mut table = header(&columns);
    for (name, change) in CHANGES {
        let mut parameters = Parameters::default();
        change(&mut parameters);
        let all: Vec<Hits> = systems
            .iter()
            .map(|system| {
                let mut hits = Hits::default();
                for (fault, window) in &system.faults {
                    hits.add(fault, &with(&parameters, window, &system.normal));
                }
                hits
            })
            .collect();
        let firsts: Vec<String> = all.iter().map(|hits| format!("{} of {}", hits.first, hits.faults)).collect();
        let sum = |value: fn(&Hits) -> usize| all.iter().map(value).sum::<usize>();
        let (any, sure) = rows_in(|window, baseline| with(&parameters, window, baseline), fault_free);
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {} | {} | {any} of {} | {sure} |",
            firsts.join(" | "),
            sum(|hits| hits.wrong),
            sum(|hits| hits.sure),
            sum(|hits| hits.wrong_and_sure),
            fault_free.len()
        );
    }
    table
}

/// Prints the tables of `docs/culprits.md`.
#[test]
#[ignore = "needs the recorded faults: scripts/measure-culprits.sh PATH"]
fn recorded_faults() {
    let root = std::env::var_os("KTRDR_FAULTS").expect("KTRDR_FAULTS is the folder with the recorded faults");
    let systems = System::load_all(Path::new(&root));
    let few: Vec<Pair> = systems.iter().flat_map(|system| fault_free(system, 1)).collect();
    println!("\n## By type of fault\n\n{}", fault_table(&systems));
    println!("## By formula (first / among the first three)\n\n{}", formula_table(&systems, &formulas::ALL, &few));
    println!("## Without a fault\n\n{}", fault_free_table(&systems, 20));
    println!("## With less data\n\n{}", reduced_table(&systems));
    println!("## With other numbers\n\n{}", plateau_table(&systems, &few));
}
