//! Whether the tests see what they hold: a crate of a few lines, with all ways to name something.

use std::collections::BTreeMap;

use super::circles::{Graph, circles};
use super::house::House;
use super::table::{Row, Table};

const FILES: [(&str, &str); 9] = [
    (
        "lib.rs",
        "pub mod low; pub mod verb; pub mod other; mod user; #[cfg(test)] mod trial;\n pub use low::Item as Shown;",
    ),
    ("main.rs", "mod cli;"),
    (
        "cli.rs",
        "use counterfoil::Shown;\n fn run() { counterfoil::other::offered(); }",
    ),
    (
        "low/mod.rs",
        "pub use deep::{Item, Trait, made};\n pub(crate) mod deep;\n pub(crate) use deep as renamed;",
    ),
    (
        "low/deep.rs",
        "pub struct Item; pub trait Trait {}\n pub fn made() {}\n pub fn other() {}\n pub(crate) const MOST: u8 = 1;\n\
         macro_rules! sql { () => { $crate::other::offered() } }\n pub(crate) use sql;",
    ),
    (
        "verb.rs",
        "use crate::other::{inner, offered, shared};\n fn run() { offered(); inner::hidden(); shared() }",
    ),
    (
        "other/mod.rs",
        "mod inner; pub use inner::offered; pub(crate) use inner::shared;\n fn own() { shared() }",
    ),
    (
        "other/inner.rs",
        "pub fn offered() {}\n pub fn shared() {}\n pub fn hidden() {}\n impl Store { pub fn asked(&self) {} fn own(&self) {} }",
    ),
    (
        "user.rs",
        "use crate::low::{*, renamed::MOST as LIMIT};\n\
         #[derive(Made)] #[some(by = crate::low::deep::other)] struct User;\n\
         fn run(offered: u8) { let made = 1; matches!(Item, _) && offered; use crate::other as there; there::shared(); }\n\
         fn ask(run: &Run, other: &Other) { run.store().asked(); other.own() }\n\
         #[cfg(test)] mod tests { use crate::verb::run; }\n #[cfg(all(test, unix))] fn tested() { crate::verb::run() }",
    ),
];

const TRIAL: (&str, &str) = ("trial.rs", "use crate::low::Nothing;");

fn made_up() -> House {
    let table = Table(vec![Row {
        name: "verbs".to_owned(),
        entries: vec!["verb.rs".to_owned(), "other/".to_owned()],
    }]);
    let texts: BTreeMap<&str, &str> = FILES.into_iter().chain([TRIAL]).collect();
    let mut files: Vec<String> = texts.keys().map(|name| (*name).to_owned()).collect();
    files.push("forgotten.rs".to_owned());
    House::of(table, files, &|name| {
        texts.get(name).map(|text| (*text).to_owned())
    })
}

#[test]
fn names_are_followed_to_where_they_are_defined() {
    let house = made_up();
    let arrows: Vec<String> = house
        .graph
        .iter()
        .flat_map(|(from, arrows)| {
            let arrows = arrows.iter();
            arrows.flat_map(move |(to, names)| names.iter().map(move |name| format!("{from} {to} {name}")))
        })
        .collect();
    let expected = [
        "cli.rs low/deep.rs Item",
        "cli.rs other/inner.rs offered",
        "low/deep.rs other/inner.rs offered",
        // Its re-exports hand on; its code names.
        "other/mod.rs other/inner.rs shared",
        // Through the glob, the renamed import and module, the attribute and the macro; not the variables, not the tests.
        "user.rs low/deep.rs Item",
        "user.rs low/deep.rs MOST",
        "user.rs low/deep.rs other",
        // Of the methods that are given to a store, those that are called on one.
        "user.rs other/inner.rs Store::asked",
        "user.rs other/inner.rs shared",
        "verb.rs other/inner.rs hidden",
        "verb.rs other/inner.rs offered",
        "verb.rs other/inner.rs shared",
    ];
    assert_eq!(arrows, expected);
    assert_eq!(house.undeclared, ["forgotten.rs"]);
    let tests = house.sources.iter().filter(|source| source.is_test);
    assert_eq!(
        tests.map(|source| source.name.as_str()).collect::<Vec<_>>(),
        ["trial.rs"]
    );
    assert!(house.unknown.is_empty(), "{:?}", house.unknown);
}

#[test]
fn what_a_verb_does_not_offer_is_its_inside() {
    let insides: Vec<String> = made_up().insides.into_iter().collect();
    let expected = [
        "src/verb.rs -> src/other/inner.rs: hidden (`inner` is a module in src/other/mod.rs)",
        "src/verb.rs -> src/other/inner.rs: shared (`shared` is not pub in src/other/mod.rs)",
    ];
    assert_eq!(insides, expected);
}

#[test]
fn circles_are_found_whole_and_by_themselves() {
    let mut graph = Graph::new();
    for (from, to) in [
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
        ("c", "d"),
        ("d", "e"),
        ("e", "d"),
        ("e", "f"),
    ] {
        graph
            .entry(from.to_owned())
            .or_default()
            .insert(to.to_owned(), ["name".to_owned()].into());
        graph.entry(to.to_owned()).or_default();
    }
    assert_eq!(circles(&graph), [vec!["a", "b", "c"], vec!["d", "e"]]);
}
