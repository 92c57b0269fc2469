//! Reads the files.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// Type of our data source.
pub(crate) const OURS: &str = "ktrdr-diagnosis-datasource";
/// Type of our panel.
pub(crate) const PANEL: &str = "ktrdr-diagnosis-panel";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files of a folder with this ending, by name.
fn listed(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == ending));
    files.sort();
    assert!(!files.is_empty(), "there is no .{ending} in {folder}");
    files
}

/// A YAML file below the repository.
pub(crate) fn yaml(path: &str) -> Value {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_yaml_ng::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The items of a list; none when it is missing.
pub(crate) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The text; empty when it is missing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Every text within a value.
pub(crate) fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(fields) => fields.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// A dashboard.
#[derive(Debug)]
pub(crate) struct Dashboard {
    pub(crate) file: String,
    pub(crate) json: Value,
}

impl Dashboard {
    /// All of them.
    pub(crate) fn all() -> Vec<Self> {
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).expect("a readable file");
            let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            Self { file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(), json }
        };
        listed("provisioning/dashboards", "json").iter().map(read).collect()
    }

    /// The one with this uid.
    pub(crate) fn with_uid(uid: &str) -> Option<Self> {
        Self::all().into_iter().find(|dashboard| dashboard.uid() == uid)
    }

    pub(crate) fn uid(&self) -> &str {
        text(&self.json["uid"])
    }

    /// Panels, those in folded rows too.
    pub(crate) fn panels(&self) -> Vec<&Value> {
        let outer = items(&self.json["panels"]);
        outer.iter().flat_map(|panel| std::iter::once(panel).chain(items(&panel["panels"]))).collect()
    }

    pub(crate) fn variables(&self) -> &[Value] {
        items(&self.json["templating"]["list"])
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&Value> {
        self.variables().iter().find(|variable| variable["name"] == name)
    }

    /// Every query of our data source, with its place.
    pub(crate) fn queries(&self) -> Vec<(String, &Map<String, Value>)> {
        let place = |name: &Value| format!("{} / {}", self.file, text(name));
        let of_panels = self.panels().into_iter().flat_map(|panel| {
            items(&panel["targets"]).iter().map(move |target| (&panel["title"], target)).collect::<Vec<_>>()
        });
        let annotations = items(&self.json["annotations"]["list"]).iter();
        let of_annotations = annotations.map(|annotation| (&annotation["name"], &annotation["target"], annotation));
        let ours = |holder: &Value| holder["datasource"]["type"] == OURS;
        let mut queries: Vec<_> = of_panels
            .filter(|(_, target)| ours(target))
            .filter_map(|(title, target)| Some((place(title), target.as_object()?)))
            .collect();
        queries.extend(
            of_annotations
                .filter(|(.., holder)| ours(holder))
                .filter_map(|(name, target, _)| Some((place(name), target.as_object()?))),
        );
        queries
    }
}

/// A rule of the alerting files, with the group's name.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) json: Value,
}

impl Rule {
    /// Rules of a file.
    pub(crate) fn of(path: &str) -> Vec<Self> {
        let file = yaml(path);
        let groups = items(&file["groups"]).iter();
        groups.flat_map(|group| items(&group["rules"])).map(|rule| Self { json: rule.clone() }).collect()
    }

    pub(crate) fn title(&self) -> &str {
        text(&self.json["title"])
    }

    /// The step with this refId.
    pub(crate) fn step(&self, ref_id: &str) -> &Value {
        let found = items(&self.json["data"]).iter().find(|step| step["refId"] == ref_id);
        found.unwrap_or_else(|| panic!("{}: there is no step {ref_id}", self.title()))
    }

    /// The columns that its query groups by, which become labels.
    pub(crate) fn groups(&self) -> Vec<&str> {
        items(&self.step("A")["model"]["groupBy"]).iter().map(text).collect()
    }
}
