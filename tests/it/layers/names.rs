//! Who names what: a file names an item where a path in it leads there, re-exports followed to the definition. The paths
//! inside macros and attributes are read as tokens. Methods are not seen, because their types are not, but for those that
//! layers above the store give to `Store`: they are known by their names and by what they are called on.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use syn::buffer::{Cursor, TokenBuffer};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ImplItem, Item, Member, Meta, Pat, Stmt, TraitItem, Type, Visibility};

use super::tree::{Found, Tree, attributes, imports, only_for_tests};

/// What one file names of all others.
#[derive(Default)]
pub(super) struct Named {
    /// By the file that defines the items.
    pub items: BTreeMap<usize, BTreeSet<String>>,
    /// The same, with the ways that the paths take.
    pub found: Vec<Found>,
    /// Paths of the crate that lead nowhere: what this test does not see.
    pub unknown: BTreeSet<String>,
}

struct Reader<'t> {
    tree: &'t Tree,
    file: usize,
    module: usize,
    /// What blocks import or define for themselves; `None` for a definition.
    local: Vec<HashMap<String, Option<Vec<String>>>>,
    /// The variables of the functions around.
    bound: Vec<HashSet<String>>,
    /// The methods of `Store` that are defined above it, with their files.
    methods: &'t HashMap<String, usize>,
    /// Whether this is an `impl` of `Store`.
    in_store: bool,
    seen: HashSet<(usize, Vec<String>)>,
    named: Named,
}

pub(super) fn of_file(tree: &Tree, file: usize, methods: &HashMap<String, usize>) -> Named {
    let mut reader = Reader {
        tree,
        file,
        module: tree.files[file].module,
        local: Vec::new(),
        bound: Vec::new(),
        methods,
        in_store: false,
        seen: HashSet::new(),
        named: Named::default(),
    };
    reader.visit_file(&tree.files[file].syntax);
    reader.named
}

/// The methods of `Store` that files above `store/` define, by name.
pub(super) fn store_methods(tree: &Tree) -> HashMap<String, usize> {
    let mut methods = HashMap::new();
    for (at, file) in tree.files.iter().enumerate() {
        if file.is_test || file.name.starts_with("store/") {
            continue;
        }
        for item in &file.syntax.items {
            let Item::Impl(item) = item else { continue };
            if is_of_store(item) {
                let names = item.items.iter().filter_map(|part| match part {
                    ImplItem::Fn(function) => Some(function.sig.ident.to_string()),
                    _ => None,
                });
                methods.extend(names.map(|name| (name, at)));
            }
        }
    }
    methods
}

fn is_of_store(item: &syn::ItemImpl) -> bool {
    let Type::Path(own) = item.self_ty.as_ref() else {
        return false;
    };
    item.trait_.is_none() && own.path.segments.last().is_some_and(|last| last.ident == "Store")
}

/// The variables that a function binds.
#[derive(Default)]
struct Bound(HashSet<String>);

impl<'ast> Visit<'ast> for Bound {
    fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
        self.0.insert(pattern.ident.unraw().to_string());
        visit::visit_pat_ident(self, pattern);
    }
}

fn is_lower(name: &str) -> bool {
    name.starts_with(|letter: char| letter.is_lowercase() || letter == '_')
}

impl Reader<'_> {
    fn is_bound(&self, name: &str) -> bool {
        is_lower(name) && self.bound.iter().any(|bound| bound.contains(name))
    }

    /// The path as the module would write it; nothing for what a block defines for itself.
    fn outside(&self, path: &[String]) -> Option<Vec<String>> {
        let first = path.first()?;
        match self.local.iter().rev().find_map(|local| local.get(first)) {
            Some(Some(import)) => Some([import, &path[1..]].concat()),
            Some(None) => None,
            None => Some(path.to_vec()),
        }
    }

    fn resolve(&mut self, path: &[String]) -> Vec<Found> {
        let found = self.tree.resolve(self.module, path);
        let of_crate = ["crate", "self", "super", "counterfoil"].contains(&path[0].as_str());
        if found.is_empty() && of_crate && path.len() > 1 {
            self.named.unknown.insert(path.join("::"));
        }
        found
    }

    fn name(&mut self, path: &[String]) {
        let Some(path) = self.outside(path) else { return };
        if self.seen.insert((self.module, path.clone())) {
            for found in self.resolve(&path) {
                self.add(found);
            }
        }
    }

    fn add(&mut self, found: Found) {
        let file = self.tree.modules[found.module].file;
        let Some(item) = &found.item else { return };
        if file != self.file {
            self.named
                .items
                .entry(file)
                .or_default()
                .insert(item.name.clone());
            self.named.found.push(found);
        }
    }

    /// A `use` names what it imports. What a module imports of its own parts it only hands on, unless its code names it
    /// as well, which is seen there (a trait's methods are not).
    fn import(&mut self, import: &syn::ItemUse) {
        let is_private = matches!(import.vis, Visibility::Inherited);
        for (path, _) in imports(&import.tree, &[]) {
            for found in self.resolve(&path) {
                let is_part = self.tree.is_within(found.module, self.module);
                let is_trait = found.item.as_ref().is_some_and(|item| item.is_trait);
                if !is_part || (is_private && is_trait) || !self.local.is_empty() {
                    self.add(found);
                }
            }
        }
    }

    /// The paths in tokens. A single name counts if it can be an item: not a field, method or variable; in an attribute
    /// only a type or what stands behind `=`.
    fn scan(&mut self, mut at: Cursor<'_>, in_attribute: bool) {
        let mut before = ' ';
        while !at.eof() {
            if let Some((inside, _, _, after)) = at.any_group() {
                self.scan(inside, in_attribute);
                (at, before) = (after, ')');
            } else if let Some((first, mut after)) = at.ident() {
                let mut path = vec![first.unraw().to_string()];
                while let Some((next, rest)) = segment(after) {
                    path.push(next);
                    after = rest;
                }
                let is_item = match path.as_slice() {
                    [_] if ['.', ':', '$'].contains(&before) => false,
                    [name] if in_attribute => before == '=' || !is_lower(name),
                    [name] => !self.is_bound(name),
                    _ => true,
                };
                if is_item {
                    self.name(&path);
                }
                (at, before) = (after, ' ');
            } else if let Some((sign, after)) = at.punct() {
                (at, before) = (after, sign.as_char());
            } else if let Some((_, after)) = at.token_tree() {
                (at, before) = (after, ' ');
            }
        }
    }

    /// Whether an expression is a store, by the name of the variable, field or method that gives it.
    fn is_store(&self, expression: &Expr) -> bool {
        let names_store = |name: &syn::Ident| name.to_string().ends_with("store");
        match expression {
            Expr::Path(path) if path.path.is_ident("self") => self.in_store,
            Expr::Path(path) => path.path.get_ident().is_some_and(names_store),
            Expr::Field(field) => matches!(&field.member, Member::Named(name) if names_store(name)),
            Expr::MethodCall(call) => names_store(&call.method),
            Expr::Paren(inner) => self.is_store(&inner.expr),
            Expr::Reference(inner) => self.is_store(&inner.expr),
            _ => false,
        }
    }

    fn within(&mut self, bound: Bound, read: impl FnOnce(&mut Self)) {
        self.bound.push(bound.0);
        read(self);
        self.bound.pop();
    }
}

/// `::name`, and what follows.
fn segment(at: Cursor<'_>) -> Option<(String, Cursor<'_>)> {
    let (first, at) = at.punct()?;
    let (second, at) = at.punct()?;
    let (name, at) = at.ident()?;
    (first.as_char() == ':' && second.as_char() == ':').then(|| (name.unraw().to_string(), at))
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if only_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Mod(module) => {
                if let Some(inner) = self.tree.inline(self.module, &module.ident.unraw().to_string())
                    && let Some((_, items)) = &module.content
                {
                    let outer = std::mem::replace(&mut self.module, inner);
                    items.iter().for_each(|item| self.visit_item(item));
                    self.module = outer;
                }
            }
            Item::Use(import) => self.import(import),
            Item::Fn(function) => {
                let mut bound = Bound::default();
                bound.visit_item_fn(function);
                self.within(bound, |reader| visit::visit_item_fn(reader, function));
            }
            Item::Impl(inner) => {
                let outer = std::mem::replace(&mut self.in_store, is_of_store(inner));
                visit::visit_item(self, item);
                self.in_store = outer;
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if let Some(file) = self.methods.get(&name)
            && *file != self.file
            && self.is_store(&call.receiver)
        {
            let items = self.named.items.entry(*file).or_default();
            items.insert(format!("Store::{name}"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(function) if only_for_tests(&function.attrs) => {}
            ImplItem::Fn(function) => {
                let mut bound = Bound::default();
                bound.visit_impl_item_fn(function);
                self.within(bound, |reader| visit::visit_impl_item_fn(reader, function));
            }
            ImplItem::Const(value) if only_for_tests(&value.attrs) => {}
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let TraitItem::Fn(function) = item else {
            return visit::visit_trait_item(self, item);
        };
        let mut bound = Bound::default();
        bound.visit_trait_item_fn(function);
        self.within(bound, |reader| visit::visit_trait_item_fn(reader, function));
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if !only_for_tests(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_variant(&mut self, variant: &'ast syn::Variant) {
        if !only_for_tests(&variant.attrs) {
            visit::visit_variant(self, variant);
        }
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let mut local = HashMap::new();
        for statement in &block.stmts {
            match statement {
                Stmt::Item(Item::Use(import)) => {
                    let names = imports(&import.tree, &[]).into_iter();
                    local.extend(names.map(|(path, name)| (name, Some(path))));
                }
                Stmt::Item(Item::Fn(item)) => drop(local.insert(item.sig.ident.unraw().to_string(), None)),
                Stmt::Item(Item::Const(item)) => drop(local.insert(item.ident.unraw().to_string(), None)),
                Stmt::Item(Item::Struct(item)) => drop(local.insert(item.ident.unraw().to_string(), None)),
                Stmt::Item(Item::Enum(item)) => drop(local.insert(item.ident.unraw().to_string(), None)),
                _ => {}
            }
        }
        self.local.push(local);
        visit::visit_block(self, block);
        self.local.pop();
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if !only_for_tests(&local.attrs) {
            visit::visit_local(self, local);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.unraw().to_string())
            .collect();
        let is_variable = names.len() == 1 && self.is_bound(&names[0]);
        if path.leading_colon.is_none() && names[0] != "Self" && !is_variable {
            self.name(&names);
        }
        visit::visit_path(self, path);
    }

    /// A constant in a pattern looks like a variable.
    fn visit_pat(&mut self, pattern: &'ast Pat) {
        if let Pat::Ident(ident) = pattern {
            let name = ident.ident.unraw().to_string();
            if !is_lower(&name) {
                self.name(&[name]);
            }
        }
        visit::visit_pat(self, pattern);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.scan(TokenBuffer::new2(call.tokens.clone()).begin(), false);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        match &attribute.meta {
            Meta::List(list) => self.scan(TokenBuffer::new2(list.tokens.clone()).begin(), true),
            Meta::NameValue(value) => self.visit_expr(&value.value),
            Meta::Path(_) => {}
        }
    }

    /// `pub(in path)` names no item.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
