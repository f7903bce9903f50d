//! The modules of the crate, as their `mod` lines declare them, and the names that stand in each.

use std::collections::{BTreeSet, HashMap};

use syn::ext::IdentExt as _;
use syn::{Attribute, Item, ItemMod, Meta, UseTree, Visibility};

/// The module of `lib.rs`.
const LIBRARY: usize = 0;

pub(crate) struct File {
    /// The path under `src/`.
    pub name: String,
    pub text: String,
    pub syntax: syn::File,
    pub module: usize,
    /// Whether its module, or one around it, is declared under `#[cfg(test)]`.
    pub is_test: bool,
}

pub(crate) struct Module {
    pub file: usize,
    pub parent: Option<usize>,
    name: String,
    root: usize,
    names: HashMap<String, Vec<Entry>>,
    /// What `use path::*` stands for.
    globs: Vec<Entry>,
}

/// What a name of a module stands for.
struct Entry {
    what: What,
    /// Whether it is `pub`, not `pub(crate)` or less.
    public: bool,
}

enum What {
    Module(usize),
    Item { is_trait: bool },
    Import(Vec<String>),
}

/// A name on the way that a path takes.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub module: usize,
    pub name: String,
    pub is_module: bool,
    pub public: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The item at the end of the path; none where the path ends at a module.
    pub item: Option<Definition>,
    pub module: usize,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub name: String,
    pub is_trait: bool,
}

pub(crate) struct Tree {
    pub files: Vec<File>,
    pub modules: Vec<Module>,
}

/// A `use` declaration, taken apart: the path, and the name that it gets here (`*` for everything).
pub(crate) fn imports(tree: &UseTree, before: &[String]) -> Vec<(Vec<String>, String)> {
    let with = |name: &syn::Ident| [before, &[name.unraw().to_string()]].concat();
    match tree {
        UseTree::Path(path) => imports(&path.tree, &with(&path.ident)),
        UseTree::Group(group) => group
            .items
            .iter()
            .flat_map(|tree| imports(tree, before))
            .collect(),
        UseTree::Glob(_) => vec![(before.to_vec(), "*".to_owned())],
        UseTree::Name(name) if name.ident == "self" => {
            vec![(before.to_vec(), before.last().cloned().unwrap_or_default())]
        }
        UseTree::Rename(rename) if rename.ident == "self" => {
            vec![(before.to_vec(), rename.rename.unraw().to_string())]
        }
        UseTree::Name(name) => vec![(with(&name.ident), name.ident.unraw().to_string())],
        UseTree::Rename(rename) => vec![(with(&rename.ident), rename.rename.unraw().to_string())],
    }
}

/// Whether one of the attributes leaves the item out of everything but tests.
pub(crate) fn only_for_tests(attributes: &[Attribute]) -> bool {
    fn implies_test(meta: &Meta) -> bool {
        let Meta::List(list) = meta else {
            return meta.path().is_ident("test");
        };
        let parts = list
            .parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
            .unwrap_or_default();
        match list.path.get_ident().map(ToString::to_string).as_deref() {
            Some("cfg" | "all") => parts.iter().any(implies_test),
            Some("any") => !parts.is_empty() && parts.iter().all(implies_test),
            _ => false,
        }
    }
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| implies_test(&attribute.meta))
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => panic!("an item that this test does not know"),
    }
}

/// What an item adds to the names of its module.
fn name_of(item: &Item) -> Option<(&syn::Ident, bool, bool)> {
    let (name, visibility) = match item {
        Item::Const(item) => (&item.ident, &item.vis),
        Item::Enum(item) => (&item.ident, &item.vis),
        Item::Fn(item) => (&item.sig.ident, &item.vis),
        Item::Static(item) => (&item.ident, &item.vis),
        Item::Struct(item) => (&item.ident, &item.vis),
        Item::Trait(item) => (&item.ident, &item.vis),
        Item::Type(item) => (&item.ident, &item.vis),
        Item::Macro(item) => (item.ident.as_ref()?, &Visibility::Inherited),
        _ => return None,
    };
    let is_trait = matches!(item, Item::Trait(_));
    Some((name, is_public(visibility), is_trait))
}

pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl Tree {
    /// Follows the `mod` lines from `lib.rs` and `main.rs`; `read` gives the text of a file under `src/`.
    pub(crate) fn read(read: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut tree = Self {
            files: Vec::new(),
            modules: Vec::new(),
        };
        for root in ["lib.rs", "main.rs"] {
            if let Some(text) = read(root) {
                tree.file(root, text, None, false, read);
            }
        }
        tree
    }

    fn file(
        &mut self,
        name: &str,
        text: String,
        parent: Option<usize>,
        is_test: bool,
        read: &dyn Fn(&str) -> Option<String>,
    ) -> usize {
        let mut syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("src/{name}: {error}"));
        let module = self.module("", self.files.len(), parent);
        let items = std::mem::take(&mut syntax.items);
        let name = name.to_owned();
        self.files.push(File {
            name,
            text,
            syntax,
            module,
            is_test,
        });
        let file = self.files.len() - 1;
        self.items(&items, module, read);
        self.files[file].syntax.items = items;
        module
    }

    fn module(&mut self, name: &str, file: usize, parent: Option<usize>) -> usize {
        let module = self.modules.len();
        let root = parent.map_or(module, |parent| self.modules[parent].root);
        self.modules.push(Module {
            file,
            parent,
            name: name.to_owned(),
            root,
            names: HashMap::new(),
            globs: Vec::new(),
        });
        module
    }

    fn items(&mut self, items: &[Item], module: usize, read: &dyn Fn(&str) -> Option<String>) {
        for item in items {
            let is_test = only_for_tests(attributes(item));
            if let Item::Mod(declared) = item {
                self.declared(declared, module, is_test, read);
            } else if is_test {
            } else if let Item::Use(import) = item {
                let public = is_public(&import.vis);
                for (path, name) in imports(&import.tree, &[]) {
                    let entry = Entry {
                        what: What::Import(path),
                        public,
                    };
                    if name == "*" {
                        self.modules[module].globs.push(entry);
                    } else {
                        self.add(module, &name, entry);
                    }
                }
            } else if let Some((name, public, is_trait)) = name_of(item) {
                let what = What::Item { is_trait };
                self.add(module, &name.unraw().to_string(), Entry { what, public });
            }
        }
    }

    fn declared(
        &mut self,
        declared: &ItemMod,
        parent: usize,
        is_test: bool,
        read: &dyn Fn(&str) -> Option<String>,
    ) {
        let name = declared.ident.unraw().to_string();
        let within = &self.files[self.modules[parent].file];
        let module = if let Some((_, items)) = &declared.content {
            if is_test {
                return;
            }
            let module = self.module(&name, self.modules[parent].file, Some(parent));
            self.items(items, module, read);
            module
        } else {
            let is_test = is_test || within.is_test;
            let stem = within.name.trim_end_matches(".rs");
            let folder = match stem.rsplit_once('/').unwrap_or(("", stem)) {
                (folder, "mod") => format!("{folder}/"),
                ("", "lib" | "main") => String::new(),
                _ => format!("{stem}/"),
            };
            let paths = [format!("{folder}{name}.rs"), format!("{folder}{name}/mod.rs")];
            let (path, text) = paths
                .into_iter()
                .find_map(|path| read(&path).map(|text| (path, text)))
                .unwrap_or_else(|| panic!("src/{} declares {name}, which has no file", within.name));
            self.file(&path, text, Some(parent), is_test, read)
        };
        if !is_test {
            let public = is_public(&declared.vis);
            self.add(
                parent,
                &name,
                Entry {
                    what: What::Module(module),
                    public,
                },
            );
        }
    }

    fn add(&mut self, module: usize, name: &str, entry: Entry) {
        let names = &mut self.modules[module].names;
        names.entry(name.to_owned()).or_default().push(entry);
    }

    /// The module that stands in another one under this name, in the same file.
    pub(crate) fn inline(&self, module: usize, name: &str) -> Option<usize> {
        let entries = self.modules[module].names.get(name)?;
        entries.iter().find_map(|entry| match entry.what {
            What::Module(inner) if self.modules[inner].file == self.modules[module].file => Some(inner),
            _ => None,
        })
    }

    pub(crate) fn is_within(&self, module: usize, outer: usize) -> bool {
        std::iter::successors(Some(module), |module| self.modules[*module].parent)
            .any(|module| module == outer)
    }

    /// What a module declares itself, in the order of the file.
    pub(crate) fn items_of(&self, module: usize) -> &[Item] {
        let file = &self.files[self.modules[module].file];
        let mut items = &file.syntax.items[..];
        let is_outer = |outer: &usize| *outer != file.module;
        let mut names: Vec<&str> = std::iter::successors(Some(module), |at| self.modules[*at].parent)
            .take_while(is_outer)
            .map(|at| self.modules[at].name.as_str())
            .collect();
        while let Some(name) = names.pop() {
            items = items
                .iter()
                .find_map(|item| match item {
                    Item::Mod(inner) if inner.ident.unraw() == name => Some(&inner.content.as_ref()?.1[..]),
                    _ => None,
                })
                .expect("a module stands in its file");
        }
        items
    }

    /// The names that are `pub` in a module, those of `pub use path::*` included.
    pub(crate) fn public_names(&self, module: usize) -> BTreeSet<String> {
        let all = &self.modules[module];
        let own = all
            .names
            .iter()
            .filter(|(_, entries)| entries.iter().any(|entry| entry.public));
        let mut names: BTreeSet<String> = own.map(|(name, _)| name.clone()).collect();
        for glob in all.globs.iter().filter(|glob| glob.public) {
            let What::Import(path) = &glob.what else { continue };
            for found in self
                .resolve(module, path)
                .iter()
                .filter(|found| found.item.is_none())
            {
                names.extend(self.public_names(found.module));
            }
        }
        names
    }

    /// What a path means that is written in a module: the modules and items that it leads to, re-exports followed. More
    /// than one where a name is a module and a function; none for what other crates define.
    pub(crate) fn resolve(&self, from: usize, path: &[String]) -> Vec<Found> {
        self.follow(from, path, &mut Vec::new())
    }

    fn follow(&self, from: usize, path: &[String], way: &mut Vec<(usize, Vec<String>)>) -> Vec<Found> {
        let here = (from, path.to_vec());
        if way.contains(&here) {
            return Vec::new();
        }
        way.push(here);
        let (mut at, mut rest) = (from, path);
        if let Some(first) = path.first() {
            let is_library = first == "counterfoil" && self.modules[at].root != LIBRARY;
            if first == "crate" {
                (at, rest) = (self.modules[at].root, &path[1..]);
            } else if is_library {
                (at, rest) = (LIBRARY, &path[1..]);
            } else if first == "self" {
                rest = &path[1..];
            }
            while rest.first().is_some_and(|name| name == "super") {
                (at, rest) = (self.modules[at].parent.unwrap_or(at), &rest[1..]);
            }
        }
        let found = self.walk(at, rest, way);
        way.pop();
        found
    }

    fn walk(&self, at: usize, path: &[String], way: &mut Vec<(usize, Vec<String>)>) -> Vec<Found> {
        let Some((name, rest)) = path.split_first() else {
            return vec![Found {
                item: None,
                module: at,
                steps: Vec::new(),
            }];
        };
        let (mut through, mut ends) = (Vec::new(), Vec::new());
        let module = &self.modules[at];
        for entry in module.names.get(name).into_iter().flatten() {
            let step = Step {
                module: at,
                name: name.clone(),
                is_module: matches!(entry.what, What::Module(_)),
                public: entry.public,
            };
            let led = match &entry.what {
                What::Module(inner) => vec![Found {
                    item: None,
                    module: *inner,
                    steps: Vec::new(),
                }],
                What::Item { is_trait } => {
                    let item = Some(Definition {
                        name: name.clone(),
                        is_trait: *is_trait,
                    });
                    vec![Found {
                        item,
                        module: at,
                        steps: Vec::new(),
                    }]
                }
                What::Import(path) => self.follow(at, path, way),
            };
            for mut found in led {
                found.steps.insert(0, step.clone());
                if found.item.is_some() {
                    ends.push(found);
                    continue;
                }
                through.extend(self.walk(found.module, rest, way).into_iter().map(|mut inner| {
                    inner.steps.splice(0..0, found.steps.iter().cloned());
                    inner
                }));
            }
        }
        if !module.names.contains_key(name) {
            for glob in &module.globs {
                let What::Import(whole) = &glob.what else { continue };
                ends.extend(self.follow(at, &[whole, path].concat(), way));
            }
        }
        // Before `::` a name is the module where there is one: what follows stands in it, not in a function.
        if rest.is_empty() || through.is_empty() {
            through.extend(ends);
        }
        through
    }
}
