//! From playbook texts to a [`Playbook`]: parse, check, lay the overlay over the embedded text.

use hashbrown::HashSet;

use super::{
    Embedded, Placeholder, Playbook, PlaybookError, Template,
    compile::Checker,
    mistakes::{self, line_at},
    tables::Tables,
};

/// The version of the playbook's format that this build reads.
const VERSION: u32 = 1;
/// The value of `extends` of a playbook that is not laid over another.
const STANDS_ALONE: &str = "none";

pub(super) fn load(overlay: &str) -> Result<Playbook, Vec<PlaybookError>> {
    let over = parse(overlay)?;
    let mut checker = Checker { text: overlay, errors: Vec::new() };
    if let Some(version) = over.version.filter(|version| *version != VERSION) {
        checker.error("version", format!("version = {version}: this build reads playbooks of version {VERSION}"));
    }
    let extended = match over.extends.as_deref() {
        None => Some(Embedded::Ktrdr),
        Some(STANDS_ALONE) => None,
        Some(name) => {
            let known = Embedded::ALL.into_iter().find(|embedded| embedded.name() == name);
            if known.is_none() {
                let names = Embedded::ALL.map(|embedded| format!("\"{}\"", embedded.name())).join(", ");
                let message = format!("extends = \"{name}\": it may be one of {names} and \"{STANDS_ALONE}\"");
                checker.error("extends", message);
                return Err(checker.errors);
            }
            known
        }
    };
    let base = embedded(extended.unwrap_or(Embedded::Ktrdr))?;
    let stands_alone = extended.is_none();
    let errors = {
        let inherited = || base.groups().chain(base.words.keys().map(String::as_str)).filter(|_| !stands_alone);
        let own = over.groups().chain(over.words.keys().map(String::as_str));
        let groups: HashSet<&str> = own.chain(inherited()).collect();
        placeholder_errors(overlay, &over, &groups)
    };
    checker.errors.extend(errors);
    let tables = if stands_alone {
        let mut tables = over;
        tables.complete(&base);
        tables
    } else {
        let mut tables = base;
        tables.lay(over);
        tables
    };
    let playbook = Playbook { extends: extended, overlay: overlay.to_owned(), ..checker.playbook(tables) };
    checker.errors.sort_by_key(|error| error.line);
    if checker.errors.is_empty() { Ok(playbook) } else { Err(checker.errors) }
}

/// The tables of an embedded playbook. That for any system says nothing of the conditions that it does not use, such as
/// thresholds of workers: it has those of the playbook for KTRDR.
fn embedded(embedded: Embedded) -> Result<Tables, Vec<PlaybookError>> {
    let mut tables = parse(embedded.text())?;
    if embedded != Embedded::Ktrdr {
        tables.complete(&parse(Embedded::Ktrdr.text())?);
    }
    Ok(tables)
}

/// The texts behind a playbook as sorted TOML without comments.
pub(super) fn normalized(extended: Option<Embedded>, overlay: &str) -> String {
    // Every playbook takes what it leaves out from that for KTRDR.
    let below = [Some(Embedded::Ktrdr), extended.filter(|extended| *extended != Embedded::Ktrdr)];
    let normal =
        |text: &str| toml::from_str(text).map_or_else(|_| text.to_owned(), |table: toml::Table| table.to_string());
    let mut texts: Vec<String> = below.into_iter().flatten().map(|embedded| normal(embedded.text())).collect();
    texts.push(normal(overlay));
    texts.join("\n")
}

pub(super) fn parse(text: &str) -> Result<Tables, Vec<PlaybookError>> {
    toml::from_str(text).map_err(|_: toml::de::Error| mistakes::find(text))
}

/// Mistakes in the templates of the user's text: braces that stand alone, and placeholders that nothing fills.
fn placeholder_errors(text: &str, tables: &Tables, groups: &HashSet<&str>) -> Vec<PlaybookError> {
    let known = |name: &str| Placeholder::ALL.iter().any(|p| p.name() == name) || groups.contains(name);
    let mut errors = Vec::new();
    for template in tables.texts() {
        let source = text.get(template.span()).unwrap_or_default();
        let mut report = |wrong: &dyn Fn(&str) -> bool, message: String| {
            let within = source.lines().position(wrong).unwrap_or(0);
            errors.push(PlaybookError { line: line_at(text, template.span().start) + within, message });
        };
        match Template::parse(template.get_ref()) {
            Err(error) => report(&|line| Template::parse(line).as_ref() == Err(&error), error.to_string()),
            Ok(template) => {
                let mut unknown: Vec<&str> =
                    template.placeholders().map(|(name, _)| name).filter(|n| !known(n)).collect();
                unknown.sort_unstable();
                unknown.dedup();
                for name in unknown {
                    let here =
                        |line: &str| Template::parse(line).is_ok_and(|t| t.placeholders().any(|(n, _)| n == name));
                    report(&here, format!("nothing fills the placeholder `{{{name}}}`{}", similar(name, groups)));
                }
            }
        }
    }
    errors
}

/// A placeholder of almost this name, as a hint.
fn similar(name: &str, groups: &HashSet<&str>) -> String {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    let near = |known: &&str| {
        sorted(known) == sorted(name) || known.starts_with(name) || !known.is_empty() && name.starts_with(*known)
    };
    let mut more: Vec<&str> = groups.iter().copied().collect();
    more.sort_unstable();
    let found = Placeholder::ALL.iter().map(|placeholder| placeholder.name()).chain(more).find(near);
    found.map(|known| format!("; perhaps `{{{known}}}`")).unwrap_or_default()
}
