//! Data flows one way through the stages of this crate: read, slice, gather, judge, record. The compiler does not enforce
//! that between modules of one crate, so this test reads the paths in their source files.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "clippy knows test code only in functions marked as tests"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The stages in their order; each may use itself and those before it. All of them may use the playbook.
const STAGES: [&str; 6] = ["playbook", "read", "slice", "gather", "judge", "record"];

/// Source files by module path (`read::scan`; a folder's `mod.rs` is the folder).
type Sources = BTreeMap<String, String>;

#[test]
fn stages_use_only_those_before_them() {
    let sources = sources();
    for stage in STAGES {
        assert!(sources.contains_key(stage), "no folder {stage}");
    }
    let used: usize = sources.iter().map(|(module, source)| paths(module, source).len()).sum();
    assert!(used > 100, "only {used} paths were found, so this test does not read them any more");
    assert_eq!(reaching_forward(&sources), Vec::<String>::new());
}

#[test]
fn no_files_depend_on_each_other() {
    assert_eq!(circle(&sources()), None);
}

#[test]
fn a_path_that_reaches_forward_is_found() {
    for (line, found) in [
        ("use crate::{playbook::Attr, gather::facts::Facts};", true),
        ("use super::super::gather::facts;", true),
        ("fn f(x: &crate::gather::facts::Facts) {}", true),
        ("use crate::{Confidence, read::scan::Scan};", true),
        ("use crate::filters::Filters;", true),
        ("use crate::{playbook::{Attr, SpanRole as Role}, read::scan::{self, Scan}};", false),
        ("use super::{case::Case, owners};", false),
        ("use trace::{SpanIx, gather};", false),
        ("#[cfg(test)]\nmod tests { use crate::gather::facts::Facts; }", false),
    ] {
        let files = ["playbook", "read::scan", "slice", "slice::case", "slice::owners", "gather::facts", "filters"];
        let mut sources: Sources = files.iter().map(|module| ((*module).to_owned(), String::new())).collect();
        sources.insert("slice::find".to_owned(), line.to_owned());
        let errors = reaching_forward(&sources);
        assert_eq!(!errors.is_empty(), found, "{line}: {errors:?}");
    }
}

#[test]
fn a_circle_is_found_also_through_the_folder() {
    let circle_of = |files: &[(&str, &str)]| {
        circle(&files.iter().map(|(module, source)| ((*module).to_owned(), (*source).to_owned())).collect())
    };
    let direct = [("read::a", "use super::b::B;"), ("read::b", "use crate::read::a::A;")];
    assert!(circle_of(&direct).is_some());
    let folder = [("judge::rules", "mod slow;"), ("judge::rules::slow", "use super::Draft;")];
    assert!(circle_of(&folder).is_some());
    let chain = [("read", "mod a;\nmod b;"), ("read::a", ""), ("read::b", "use super::a::A;")];
    assert_eq!(circle_of(&chain), None);
}

fn sources() -> Sources {
    let mut sources = Sources::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut sources);
    sources
}

fn collect(folder: &Path, module: &str, sources: &mut Sources) {
    for entry in fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a readable entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let inner = if module.is_empty() { name.clone() } else { format!("{module}::{name}") };
        if path.is_dir() {
            collect(&path, &inner, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "lib" {
            let key = if name == "mod" { module.to_owned() } else { inner };
            sources.insert(key, fs::read_to_string(&path).expect("a readable file"));
        }
    }
}

fn stage(module: &str) -> Option<usize> {
    let top = module.split("::").next();
    STAGES.iter().position(|stage| Some(*stage) == top)
}

/// Each path of a stage that leads to a later stage, or to something outside the stages.
fn reaching_forward(sources: &Sources) -> Vec<String> {
    let mut errors = Vec::new();
    for (module, source) in sources {
        let Some(own) = stage(module).filter(|stage| *stage > 0) else { continue };
        for path in paths(module, source) {
            match stage(&path) {
                Some(used) if used <= own => {}
                Some(_) => errors.push(format!("{module} uses {path}, a later stage")),
                None => errors.push(format!("{module} uses {path}, which is not in a stage before it")),
            }
        }
    }
    errors
}

/// Files that need each other, if there are any: from the first over the others back to it.
fn circle(sources: &Sources) -> Option<Vec<String>> {
    let mut edges: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, source) in sources.iter().filter(|(module, _)| stage(module).is_some_and(|stage| stage > 0)) {
        let declared = product(source).lines().filter_map(|line| {
            let name = line.split_once("mod ").filter(|(before, _)| before.is_empty() || before.starts_with("pub"))?.1;
            Some(format!("{module}::{}", name.strip_suffix(';')?))
        });
        let files = paths(module, source).into_iter().chain(declared).filter_map(|path| file(sources, &path));
        edges.insert(module, files.filter(|file| file != module).collect());
    }
    let mut done = BTreeSet::new();
    edges.keys().find_map(|start| visit(start, &edges, &mut Vec::new(), &mut done))
}

fn visit<'s>(
    module: &'s str,
    edges: &BTreeMap<&'s str, BTreeSet<&'s str>>,
    way: &mut Vec<&'s str>,
    done: &mut BTreeSet<&'s str>,
) -> Option<Vec<String>> {
    if let Some(at) = way.iter().position(|known| *known == module) {
        return Some(way[at..].iter().chain([&module]).map(|file| (*file).to_owned()).collect());
    }
    if !done.insert(module) {
        return None;
    }
    way.push(module);
    let found = edges.get(module).into_iter().flatten().find_map(|next| visit(next, edges, way, done));
    way.pop();
    found
}

/// The file in which a path ends.
fn file<'s>(sources: &'s Sources, path: &str) -> Option<&'s str> {
    let mut path = path;
    loop {
        if let Some((module, _)) = sources.get_key_value(path) {
            return Some(module);
        }
        path = path.rsplit_once("::")?.0;
    }
}

/// The source without its unit tests, which stand at the end of a file and may use what they like.
fn product(source: &str) -> &str {
    source.split("#[cfg(test)]\nmod tests {").next().unwrap_or(source)
}

/// All paths into this crate, from its root: of `use` lines and in the middle of the code.
fn paths(module: &str, source: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let code: Vec<&str> = product(source).lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join(" ");
    for start in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                let mut inner = Vec::new();
                branches(&code[at..], "", &mut inner);
                paths.extend(inner.iter().map(|path| absolute(module, path)));
            }
        }
    }
    paths
}

/// The paths that a `use` tree such as `crate::{a::A, b::{C, D}}` stands for; answers what follows it.
fn branches<'s>(tree: &'s str, before: &str, found: &mut Vec<String>) -> &'s str {
    let end = tree.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(tree.len());
    let (path, mut rest) = tree.split_at(end);
    let path = format!("{before}{path}");
    if !path.ends_with("::") || !rest.starts_with('{') {
        found.push(path.trim_end_matches("::").to_owned());
        return rest;
    }
    loop {
        rest = branches(rest[1..].trim_start(), &path, found);
        // What follows a branch: `as Name`, blanks, the next one, the end.
        rest = &rest[rest.find([',', '}']).unwrap_or(rest.len())..];
        let last = rest.trim_start_matches([',', ' ']);
        if last.is_empty() || last.starts_with('}') {
            return last.get(1..).unwrap_or_default();
        }
    }
}

/// `super::x` of `slice::find` is `slice::x`.
fn absolute(module: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let mut base: Vec<&str> = module.split("::").collect();
    for part in path.split("::") {
        match part {
            "crate" if parts.is_empty() => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            _ => parts.push(part),
        }
    }
    base.extend(parts);
    base.join("::")
}
