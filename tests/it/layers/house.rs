//! The sources of the crate, read once for all tests, and who names whom in them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::circles::Graph;
use super::names;
use super::table::Table;
use super::tree::{Found, Tree};

pub(super) struct Source {
    /// The path under `src/`.
    pub name: String,
    /// The text without what is there for tests only; the lines keep their numbers.
    pub code: String,
    /// Whether its module is declared under `#[cfg(test)]`.
    pub is_test: bool,
}

pub(super) struct House {
    pub table: Table,
    /// All files of `src/`, of whatever kind.
    pub files: Vec<String>,
    pub sources: Vec<Source>,
    /// Files of Rust that no `mod` line leads to.
    pub undeclared: Vec<String>,
    /// Who names what of whom, tests aside.
    pub graph: Graph,
    /// What verbs name of the insides of others.
    pub insides: BTreeSet<String>,
    /// Paths that lead nowhere, as far as the tests see.
    pub unknown: Vec<String>,
}

pub(super) fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let files = files_below(&root);
        assert!(files.len() > 100, "the sources are found");
        House::of(Table::read(), files, &|name| {
            fs::read_to_string(root.join(name)).ok()
        })
    })
}

/// The files in a folder and those inside it, by their path from there.
pub(super) fn files_below(root: &Path) -> Vec<String> {
    let mut folders = vec![root.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the crate") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("below the folder");
                files.push(name.display().to_string().replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}

impl House {
    pub(super) fn of(table: Table, files: Vec<String>, read: &dyn Fn(&str) -> Option<String>) -> Self {
        let tree = Tree::read(read);
        let mut house = Self {
            table,
            undeclared: files
                .iter()
                .filter(|name| name.ends_with(".rs"))
                .cloned()
                .collect(),
            files,
            sources: Vec::new(),
            graph: Graph::new(),
            insides: BTreeSet::new(),
            unknown: Vec::new(),
        };
        let methods = names::store_methods(&tree);
        for (at, file) in tree.files.iter().enumerate() {
            house.undeclared.retain(|name| *name != file.name);
            house.sources.push(Source {
                name: file.name.clone(),
                code: without_tests(&file.text),
                is_test: file.is_test,
            });
            if !file.is_test {
                house.add(&tree, at, &methods);
            }
        }
        house.sources.sort_by(|left, right| left.name.cmp(&right.name));
        house
    }

    fn add(&mut self, tree: &Tree, file: usize, methods: &HashMap<String, usize>) {
        let named = names::of_file(tree, file, methods);
        let from = &tree.files[file].name;
        let items = named.items.into_iter();
        let arrows: BTreeMap<_, _> = items
            .map(|(to, items)| (tree.files[to].name.clone(), items))
            .collect();
        self.graph.insert(from.clone(), arrows);
        let unknown = named.unknown.iter().map(|path| format!("src/{from}: {path}"));
        self.unknown.extend(unknown);
        for found in &named.found {
            self.insides.extend(self.inside(tree, from, found));
        }
    }

    /// What a path takes from the inside of another verb, if it does.
    fn inside(&self, tree: &Tree, from: &str, found: &Found) -> Option<String> {
        let own = self.table.verb(from)?;
        let mut before = own;
        for step in &found.steps {
            let at = &tree.files[tree.modules[step.module].file].name;
            let Some(verb) = self.table.verb(at) else { continue };
            if verb == std::mem::replace(&mut before, verb) || verb == own {
                continue;
            }
            let is_root = at.ends_with(&format!("{verb}.rs")) || at.ends_with(&format!("{verb}/mod.rs"));
            if step.is_module || !step.public || !is_root {
                let item = found.item.as_ref().map_or("", |item| &item.name);
                let defined = &tree.files[tree.modules[found.module].file].name;
                let (name, what) = (&step.name, if step.is_module { "a module" } else { "not pub" });
                return Some(format!(
                    "src/{from} -> src/{defined}: {item} (`{name}` is {what} in src/{at})"
                ));
            }
        }
        None
    }
}

/// The code as it is without what stands under `#[cfg(test)]`, by the indentation that rustfmt gives.
fn without_tests(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut code = String::new();
    let mut test: Option<usize> = None;
    for line in text.lines() {
        if test.is_none() && line.trim() == "#[cfg(test)]" {
            test = Some(indent(line));
        }
        let Some(outer) = test else {
            code.extend([line, "\n"]);
            continue;
        };
        code.push('\n');
        let is_last = line.ends_with([';', '}', ',']) && indent(line) == outer;
        if is_last {
            test = None;
        }
    }
    code
}
