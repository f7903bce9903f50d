//! The public face: few names, each where a reader expects it, and nothing of the ledger's inside. `public.txt` lists all
//! of it, so that every change of the API shows in review.

mod surface;
mod text;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::layers::tree::Tree;

#[test]
fn the_list_of_public_items_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| fs::read_to_string(root.join("src").join(name)).ok();
    let lines = surface::lines(&Tree::read(&read));
    let path = root.join("tests/it/api/public.txt");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, lines.join("\n") + "\n").expect("the list is written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let (kept, now): (Vec<&str>, Vec<&str>) =
        (kept.lines().collect(), lines.iter().map(String::as_str).collect());
    let gone = kept
        .iter()
        .filter(|line| !now.contains(line))
        .map(|line| format!("-{line}"));
    let new = now
        .iter()
        .filter(|line| !kept.contains(line))
        .map(|line| format!("+{line}"));
    let changes: Vec<String> = gone.chain(new).collect();
    assert!(
        kept == now,
        "the public API differs from tests/it/api/public.txt; if that is meant, run \
         `UPDATE_DOCS=1 cargo test --test it list_of_public_items`:\n{}",
        if changes.is_empty() {
            "only the order differs".to_owned()
        } else {
            changes.join("\n")
        }
    );
}

#[test]
fn the_list_has_what_is_public_under_each_of_its_names_and_nothing_else() {
    let lib = "mod inner; pub mod shown { pub use crate::inner::{Kind, made as make}; pub(crate) use crate::inner::Other; }\n\
               pub use inner::Kind; pub use shown::make as builder; #[cfg(test)] pub mod tests { pub struct Test; }";
    let inner = "#[derive(Debug)] #[non_exhaustive] pub enum Kind { One, Two { at: u8 }, Three(#[from] std::fmt::Error) }\n\
                 pub struct Other { pub field: u8 } pub trait Hidden {} impl Hidden for Kind {}\n\
                 impl std::fmt::Display for Kind { }\n\
                 impl Kind { pub fn new(mut size : & 'static str,) -> Self { } pub(crate) fn inside() {} fn own() {} }\n\
                 pub fn made<'a, T: Into<Kind>>(from: &'a [T], mut then: impl FnMut(&T) -> bool) -> (u8, Option<&'a T>) { }";
    let read = |name: &str| match name {
        "lib.rs" => Some(lib.to_owned()),
        "inner.rs" => Some(inner.to_owned()),
        _ => None,
    };
    let made = "<'a, T: Into<Kind>>(from: &'a [T], then: impl FnMut(&T) -> bool) -> (u8, Option<&'a T>)";
    let wanted = [
        "pub mod counterfoil",
        "pub use counterfoil::shown::Kind as counterfoil::Kind",
        "pub use counterfoil::shown::make as counterfoil::builder",
        "pub mod counterfoil::shown",
        "#[non_exhaustive] pub enum counterfoil::shown::Kind",
        "derive Debug for counterfoil::shown::Kind",
        "impl From<std::fmt::Error> for counterfoil::shown::Kind",
        "impl std::fmt::Display for counterfoil::shown::Kind",
        "pub counterfoil::shown::Kind::One",
        "pub counterfoil::shown::Kind::Three(std::fmt::Error)",
        "pub counterfoil::shown::Kind::Two { at: u8 }",
        "pub fn counterfoil::shown::Kind::new(size: &'static str) -> Self",
        &format!("pub fn counterfoil::shown::make{made}"),
    ];
    assert_eq!(surface::lines(&Tree::read(&read)), wanted);
}

fn source(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name)).expect("a source file")
}

fn public(text: &str, what: &str) -> BTreeSet<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix(what)?.strip_suffix(';'));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_library_is_a_map_of_modules_and_names_and_nothing_else() {
    let text = source("lib.rs");
    let others: Vec<&str> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("//!"))
        .filter(|line| {
            ![
                "pub mod ",
                "mod ",
                "pub use ",
                "pub(crate) use ",
                "#[doc(inline)]",
                "#[doc(no_inline)]",
                "    ",
                "};",
            ]
            .iter()
            .any(|begin| line.starts_with(begin))
        })
        .collect();
    assert!(others.is_empty(), "{others:?}");
    let private = public(&text, "mod ");
    for inside in ["engine", "error", "toml", "verb"] {
        assert!(
            private.contains(inside),
            "{inside} is reached through what it gives"
        );
    }
}

#[test]
fn of_the_ledger_only_what_reports_speak_of_is_public() {
    let names = public(&source("ledger/mod.rs"), "pub use ");
    let wanted = [
        "aggregated::{AggregateOutcome, ReadingCounts, WindowFigures}",
        "checkpoint::Checkpoint",
        "entry::Counts",
        "head::PassKind",
        "match_figures::{AbsentValue, KeyPairs, MatchFigures, ScoreBar, ScoreLine, ScoreLines, ScoredPair}",
        "merged::{Matching, MergeOutcome, ReviewQueue, SourceWins}",
        "renamed::{AcceptedName, Renamed}",
        "state::StageState",
    ];
    assert_eq!(names, wanted.map(str::to_owned).into());
}

#[test]
fn verbs_are_functions_of_one_shape() {
    use counterfoil::apply::ApplyReport;
    use counterfoil::reconcile::ReconcileReport;
    use counterfoil::rollback::RollbackReport;
    use counterfoil::{ApplyOptions, ReconcileOptions, RollbackOptions, apply, reconcile, rollback};
    use counterfoil::{Observer, Stages, Store};
    type Verb<What, Options, Report> =
        fn(&mut Store, &What, &Options, &mut dyn Observer) -> counterfoil::Result<Report>;
    let _: Verb<Stages, ApplyOptions, ApplyReport> = apply;
    let _: Verb<Stages, ReconcileOptions, ReconcileReport> = reconcile;
    let _: Verb<str, RollbackOptions, RollbackReport> = rollback;
}

#[test]
fn what_programs_hand_between_threads_can_be_handed() {
    fn send<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    send::<counterfoil::store::Store>();
    shared::<counterfoil::stage::Stages>();
    shared::<counterfoil::observe::StopSignal>();
    shared::<counterfoil::Error>();
}
