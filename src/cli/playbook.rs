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
use diagnosis::Severity;
use diagnosis::playbook::Playbook;

pub(super) fn run(args: &PlaybookArgs) -> Result<(), Error> {
    match &args.command {
        None | Some(PlaybookCommand::Print) => output::text(Playbook::ktrdr_text()),
        Some(PlaybookCommand::Explain { rule, playbook }) => {
            let layout = Layout::of_stdout();
            match rule {
                Some(id) => output::text(&explain(find(&rows(playbook.as_deref())?, id)?, layout)),
                None => output::text(&list(&source::playbook(playbook.as_deref())?, layout)),
            }
        }
        Some(PlaybookCommand::Check { file }) => {
            source::playbook(Some(file))?;
            output::text(&format!("{}: no mistakes\n", file.display()))
        }
    }
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
    let mut rows = parse(Playbook::ktrdr_text());
    let Some(path) = overlay else { return Ok(rows) };
    source::playbook(Some(path))?;
    let text = String::from_utf8_lossy(&source::read(path)?).into_owned();
    if text.parse::<Table>().is_ok_and(|table| table.get("extends").and_then(Value::as_str) == Some("none")) {
        return Ok(parse(&text));
    }
    for row in parse(&text) {
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
