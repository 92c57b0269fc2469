//! `ktrdr-diagnose playbook`: print, explain or check a playbook.

use std::path::Path;

use toml::{Table, Value};

use super::{
    args::{PlaybookArgs, PlaybookCommand},
    error::Error,
    output, source,
    table::{self, Cell, Column},
    text::{BOLD, DIM, Layout, line, one_line, paint, prose, severity_style, solution},
};
use diagnosis::playbook::{Embedded, Playbook};
use diagnosis::{Severity, unmatched};

pub(super) fn run(args: &PlaybookArgs) -> Result<(), Error> {
    match &args.command {
        None => output::text(Embedded::Ktrdr.text()),
        Some(PlaybookCommand::Print { name }) => {
            let known = || Embedded::ALL.map(Embedded::name).join(", ");
            let unknown = || Error::Usage(format!("no playbook is called `{name}`; it may be one of: {}", known()));
            output::text(Embedded::parse(name).ok_or_else(unknown)?.text())
        }
        Some(PlaybookCommand::Explain { rule, playbook }) => {
            let layout = Layout::of_stdout();
            match rule {
                Some(id) => output::text(&explain(find(&rows(playbook.as_deref())?, id)?, layout)),
                None => output::text(&list(&source::playbook(playbook.as_deref())?, layout)),
            }
        }
        Some(PlaybookCommand::Check { file, against }) => check(file, against.as_deref()),
    }
}

/// Checks a playbook. What can never apply is a mistake too; what matches nothing in some traces may match in others.
fn check(file: &Path, against: Option<&Path>) -> Result<(), Error> {
    let text = source::playbook_text(file)?;
    let refused = |errors| Error::Playbook { path: file.into(), errors };
    let unreachable = Playbook::unreachable(&text).map_err(refused)?;
    if !unreachable.is_empty() {
        return Err(Error::Unreachable { path: file.into(), found: unreachable });
    }
    let Some(against) = against else { return output::text(&format!("{}: no mistakes\n", file.display())) };
    let (unmatched, patterns) = unmatched(&text, &source::traces(against)?).map_err(refused)?;
    let mut out = format!("{}: no mistakes", file.display());
    if unmatched.is_empty() {
        line(&mut out, format_args!("; each of its {patterns} patterns matches something in {}", against.display()));
    } else {
        let count = unmatched.len();
        line(&mut out, format_args!("; {count} of its {patterns} patterns match nothing in {}:", against.display()));
    }
    for found in &unmatched {
        line(&mut out, format_args!("  {found}"));
    }
    output::text(&out)
}

/// An entry of the playbook that has an id.
#[derive(Debug)]
struct Row {
    /// The table it stands in, as `rule` or `error`.
    table: String,
    id: String,
    fields: Table,
}

impl Row {
    fn text(&self, key: &str) -> Option<&str> {
        self.fields.get(key).and_then(Value::as_str)
    }

    fn severity(&self) -> Option<Severity> {
        let level = self.fields.get("severity")?.as_integer()?;
        u8::try_from(level).ok().and_then(Severity::from_level)
    }
}

/// All entries with an id: the embedded ones, those of `overlay` laid over them field by field.
fn rows(overlay: Option<&Path>) -> Result<Vec<Row>, Error> {
    let embedded = |embedded: Embedded| parse(embedded.text());
    let Some(path) = overlay else { return Ok(embedded(Embedded::Ktrdr)) };
    if let Some(named) = path.to_str().and_then(Embedded::parse) {
        return Ok(embedded(named));
    }
    let extends = source::playbook(Some(path))?.extends();
    let mut rows = extends.map(embedded).unwrap_or_default();
    for row in parse(&source::playbook_text(path)?) {
        match rows.iter_mut().find(|known| known.id == row.id) {
            Some(known) => known.fields.extend(row.fields),
            None => rows.push(row),
        }
    }
    Ok(rows)
}

fn parse(text: &str) -> Vec<Row> {
    let tables = text.parse::<Table>().unwrap_or_default();
    let mut rows = Vec::new();
    for (table, value) in tables {
        let Value::Array(entries) = value else { continue };
        for entry in entries {
            let Value::Table(mut fields) = entry else { continue };
            if let Some(Value::String(id)) = fields.remove("id") {
                rows.push(Row { table: table.clone(), id, fields });
            }
        }
    }
    rows
}

fn find<'r>(rows: &'r [Row], id: &str) -> Result<&'r Row, Error> {
    rows.iter().find(|row| row.id == id).ok_or_else(|| {
        // A part of the id is what people remember.
        let mut near: Vec<&str> = rows.iter().map(|row| row.id.as_str()).filter(|known| known.contains(id)).collect();
        near.sort_by_key(|known| !known.starts_with(id));
        near.truncate(5);
        let near = if near.is_empty() { String::new() } else { format!(" (perhaps {})", near.join(", ")) };
        Error::NoRule { rule: id.into(), near }
    })
}

fn list(playbook: &Playbook, layout: Layout) -> String {
    const COLUMNS: [Column; 4] = [
        Column::new("RULE"),
        Column::new("VERDICT"),
        Column::new("SEVERITY").right().rank(1),
        Column::new("WHEN").shrinks_to(30),
    ];
    let rows: Vec<Vec<Cell>> = playbook
        .rules()
        .iter()
        .map(|rule| {
            vec![
                rule.id.as_str().into(),
                Cell::styled(rule.verdict.as_str(), severity_style(rule.severity)),
                rule.severity.level().to_string().into(),
                rule.doc.as_str().into(),
            ]
        })
        .collect();
    let mut out = String::new();
    table::render(&mut out, &COLUMNS, &rows, 0, layout);
    out
}

fn explain(row: &Row, layout: Layout) -> String {
    let mut out = format!("{}  {}\n", paint(BOLD, &row.id), paint(DIM, format!("[[{}]]", row.table)));
    let mut part = |title: &str, write: &dyn Fn(&mut String)| {
        line(&mut out, format_args!("\n{}", paint(BOLD, title)));
        write(&mut out);
    };
    if let Some(doc) = row.text("doc") {
        part("WHEN", &|out| prose(out, 2, doc, layout.prose()));
    }
    if let Some(verdict) = row.text("verdict") {
        let severity = row.severity().map(|severity| format!(", severity {}", severity.level())).unwrap_or_default();
        part("VERDICT", &|out| prose(out, 2, &format!("{verdict}{severity}"), layout.prose()));
    }
    for (key, title) in [
        ("summary", "SUMMARY"),
        ("root_cause", "ROOT CAUSE"),
        ("root_cause_timeout", "ROOT CAUSE, IF IT TIMED OUT"),
        ("confidence_reason", "WHY THE CONFIDENCE IS NOT HIGH"),
    ] {
        if let Some(text) = row.text(key) {
            part(title, &|out| prose(out, 2, text, layout.prose()));
        }
    }
    if let Some(text) = row.text("solution") {
        part("SOLUTION", &|out| solution(out, 2, text, layout.prose()));
    }
    let printed =
        ["doc", "verdict", "severity", "summary", "root_cause", "root_cause_timeout", "confidence_reason", "solution"];
    let rest: Vec<(&String, &Value)> = row.fields.iter().filter(|(key, _)| !printed.contains(&key.as_str())).collect();
    if !rest.is_empty() {
        part("SETTINGS", &|out| {
            for (key, value) in &rest {
                prose(out, 2, &format!("{key} = {}", one_line(&value.to_string())), layout.prose());
            }
        });
    }
    out
}
