//! The public items of the library, one line each: a walk over the sources from `lib.rs`, re-exports followed. What has
//! several paths is listed in full under one, the shortest that names a module, and as `pub use` under the others.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::{Attribute, Fields, ImplItem, Item, TraitItem};

use super::text;
use crate::layers::tree::{Found, Tree, attributes, is_public, only_for_tests};

const LIBRARY: usize = 0;

/// An item by the module that defines it and its name.
type Key = (usize, String);

struct Surface<'t> {
    tree: &'t Tree,
    /// All public paths of each item that has one, the best first.
    paths: BTreeMap<Key, Vec<Vec<String>>>,
    lines: BTreeSet<(String, String)>,
}

/// The lines of the public API, in the order of their paths.
pub(super) fn lines(tree: &Tree) -> Vec<String> {
    let mut surface = Surface {
        tree,
        paths: BTreeMap::new(),
        lines: BTreeSet::new(),
    };
    surface.module(LIBRARY, &["counterfoil".to_owned()], &mut Vec::new());
    for paths in surface.paths.values_mut() {
        paths.sort_by_key(|path| (path.len() == 2, path.len(), path.clone()));
        paths.dedup();
    }
    for module in 0..tree.modules.len() {
        if tree.is_within(module, LIBRARY) && !tree.files[tree.modules[module].file].is_test {
            for item in tree.items_of(module) {
                if !only_for_tests(attributes(item)) {
                    surface.item(module, item);
                }
            }
        }
    }
    surface.lines.into_iter().map(|(_, line)| line).collect()
}

impl Surface<'_> {
    /// Follows the public names of a module.
    fn module(&mut self, module: usize, path: &[String], way: &mut Vec<usize>) {
        if way.contains(&module) {
            return;
        }
        way.push(module);
        self.line(path, "", &format!("pub mod {}", path.join("::")));
        for name in self.tree.public_names(module) {
            let inner = [path, std::slice::from_ref(&name)].concat();
            let found = self.tree.resolve(module, &["self".to_owned(), name.clone()]);
            // A private module may have the name of what is public.
            let is_public = |found: &Found| {
                [found.steps.first(), found.steps.last()]
                    .iter()
                    .flatten()
                    .all(|step| step.public)
            };
            for found in found.into_iter().filter(is_public) {
                match found.item {
                    None => self.module(found.module, &inner, way),
                    Some(item) => {
                        let paths = self.paths.entry((found.module, item.name)).or_default();
                        paths.push(inner.clone());
                    }
                }
            }
        }
        way.pop();
    }

    fn line(&mut self, path: &[String], rest: &str, line: &str) {
        self.lines
            .insert((format!("{}{rest}", path.join("::")), line.to_owned()));
    }

    /// The path under which something of a module is listed, if it is public.
    fn path(&self, module: usize, name: &str) -> Option<Vec<String>> {
        let paths = self.paths.get(&(module, name.to_owned()))?;
        paths.first().cloned()
    }

    /// The public path of what a path in the source names, if it is one of the crate's own.
    fn named(&self, module: usize, path: &syn::Path) -> Named {
        let path: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.unraw().to_string())
            .collect();
        let found = self.tree.resolve(module, &path);
        let Some((item, module)) = found
            .iter()
            .find_map(|found| Some((found.item.as_ref()?, found.module)))
        else {
            return Named::Foreign;
        };
        self.path(module, &item.name).map_or(Named::Inside, Named::Public)
    }

    fn item(&mut self, module: usize, item: &Item) {
        match item {
            Item::Impl(item) => return self.implementation(module, item),
            Item::Macro(item) => {
                let exported = item.attrs.iter().any(|at| at.path().is_ident("macro_export"));
                if let Some(name) = item.ident.as_ref().filter(|_| exported) {
                    let path = ["counterfoil".to_owned(), name.to_string()];
                    self.line(&path, "", &format!("pub macro counterfoil::{name}!"));
                }
                return;
            }
            _ => {}
        }
        let Some(name) = name_of(item) else { return };
        let Some(paths) = self.paths.get(&(module, name)).cloned() else {
            return;
        };
        let shown = paths[0].join("::");
        for other in &paths[1..] {
            let line = format!("pub use {shown} as {}", other.join("::"));
            self.line(other, "", &line);
        }
        let path = &paths[0];
        let before = marks(attributes(item));
        match item {
            Item::Fn(item) => self.line(
                path,
                "",
                &format!("{before}{}", text::function(&item.sig, &shown)),
            ),
            Item::Const(item) => {
                let line = format!("{before}pub const {shown}: {}", text::one_line(&item.ty));
                self.line(path, "", &line);
            }
            Item::Static(item) => {
                let line = format!("{before}pub static {shown}: {}", text::one_line(&item.ty));
                self.line(path, "", &line);
            }
            Item::Type(item) => {
                let generics = text::one_line(&item.generics);
                let line = format!(
                    "{before}pub type {shown}{generics} = {}",
                    text::one_line(&item.ty)
                );
                self.line(path, "", &line);
            }
            Item::Struct(item) => {
                let generics = text::one_line(&item.generics);
                let fields = text::hidden_or_tuple(&item.fields);
                self.line(path, "", &format!("{before}pub struct {shown}{generics}{fields}"));
                self.fields(path, &item.fields);
                self.derived(path, &item.attrs);
            }
            Item::Enum(item) => {
                let generics = text::one_line(&item.generics);
                self.line(path, "", &format!("{before}pub enum {shown}{generics}"));
                for variant in &item.variants {
                    let before = marks(&variant.attrs);
                    let name = &variant.ident;
                    let fields = text::variant_fields(&variant.fields);
                    self.line(
                        path,
                        &format!("::{name}"),
                        &format!("{before}pub {shown}::{name}{fields}"),
                    );
                    self.conversions(path, &variant.fields);
                }
                self.derived(path, &item.attrs);
            }
            Item::Trait(item) => self.of_trait(path, &before, item),
            _ => {}
        }
    }

    fn fields(&mut self, path: &[String], fields: &Fields) {
        for field in fields.iter().filter(|field| is_public(&field.vis)) {
            if let Some(name) = &field.ident {
                let line = format!("pub {}::{name}: {}", path.join("::"), text::one_line(&field.ty));
                self.line(path, &format!("::{name}"), &line);
            }
        }
        self.conversions(path, fields);
    }

    /// The `From` that `thiserror` makes of `#[from]`.
    fn conversions(&mut self, path: &[String], fields: &Fields) {
        for field in fields {
            if field.attrs.iter().any(|at| at.path().is_ident("from")) {
                let line = format!("impl From<{}> for {}", text::one_line(&field.ty), path.join("::"));
                self.line(path, &format!(" {line}"), &line);
            }
        }
    }

    fn derived(&mut self, path: &[String], attributes: &[Attribute]) {
        let mut names = BTreeSet::new();
        for attribute in attributes.iter().filter(|at| at.path().is_ident("derive")) {
            let parse = syn::punctuated::Punctuated::<syn::Path, syn::Token![,]>::parse_terminated;
            for derived in attribute.parse_args_with(parse).expect("a list of traits") {
                let last = derived.segments.last().expect("a name").ident.to_string();
                if last == "Error" {
                    // Of `thiserror`, which makes both.
                    names.insert("Display".to_owned());
                }
                names.insert(last);
            }
        }
        if !names.is_empty() {
            let names: Vec<String> = names.into_iter().collect();
            let line = format!("derive {} for {}", names.join(", "), path.join("::"));
            self.line(path, " derive", &line);
        }
    }

    fn of_trait(&mut self, path: &[String], before: &str, item: &syn::ItemTrait) {
        let shown = path.join("::");
        let generics = text::one_line(&item.generics);
        let bounds = text::bounds(&item.supertraits);
        self.line(path, "", &format!("{before}pub trait {shown}{generics}{bounds}"));
        for part in &item.items {
            match part {
                TraitItem::Fn(function) => {
                    let name = &function.sig.ident;
                    let own = if function.default.is_some() { " { .. }" } else { "" };
                    let line = text::function(&function.sig, &format!("{shown}::{name}"));
                    self.line(path, &format!("::{name}"), &format!("{line}{own}"));
                }
                TraitItem::Type(kind) => {
                    let bounds = text::bounds(&kind.bounds);
                    let line = format!("pub type {shown}::{}{bounds}", kind.ident);
                    self.line(path, &format!("::{}", kind.ident), &line);
                }
                TraitItem::Const(item) => {
                    let line = format!("pub const {shown}::{}: {}", item.ident, text::one_line(&item.ty));
                    self.line(path, &format!("::{}", item.ident), &line);
                }
                _ => {}
            }
        }
    }

    fn implementation(&mut self, module: usize, item: &syn::ItemImpl) {
        let syn::Type::Path(own) = item.self_ty.as_ref() else {
            return;
        };
        let own = self.named(module, &own.path);
        if let Some((implemented, _)) = &item.trait_ {
            if marks(&item.attrs).contains("hidden") {
                return;
            }
            let Named::Public(path) = own else { return };
            if !matches!(self.named(module, implemented), Named::Inside) {
                let generics = text::one_line(&item.generics);
                let name = text::one_line(implemented);
                let line = format!("impl{generics} {name} for {}", path.join("::"));
                self.line(&path, &format!(" {line}"), &line);
            }
            return;
        }
        let Named::Public(path) = own else { return };
        let shown = path.join("::");
        for part in &item.items {
            match part {
                ImplItem::Fn(function) if is_public(&function.vis) && !only_for_tests(&function.attrs) => {
                    let name = &function.sig.ident;
                    let before = marks(&function.attrs);
                    let line = text::function(&function.sig, &format!("{shown}::{name}"));
                    self.line(&path, &format!("::{name}"), &format!("{before}{line}"));
                }
                ImplItem::Const(item) if is_public(&item.vis) => {
                    let line = format!("pub const {shown}::{}: {}", item.ident, text::one_line(&item.ty));
                    self.line(&path, &format!("::{}", item.ident), &line);
                }
                _ => {}
            }
        }
    }
}

/// What a path leads to.
enum Named {
    /// Something of another crate.
    Foreign,
    /// Something of this crate that has no public path.
    Inside,
    Public(Vec<String>),
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.unraw().to_string())
}

/// The attributes that callers notice.
fn marks(attributes: &[Attribute]) -> String {
    let is_hidden =
        |at: &&Attribute| at.path().is_ident("doc") && at.to_token_stream().to_string().contains("hidden");
    let mut marks = String::new();
    for attribute in attributes {
        if attribute.path().is_ident("non_exhaustive") {
            marks.push_str("#[non_exhaustive] ");
        }
        if is_hidden(&attribute) {
            marks.push_str("#[doc(hidden)] ");
        }
    }
    marks
}
