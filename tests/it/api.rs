//! The public face: few names, each where a reader expects it, and nothing of the ledger's inside.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

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
            !["pub mod ", "mod ", "pub use ", "#[doc(inline)]", "    ", "};"]
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
        "checkpoint::Checkpoint",
        "entry::Counts",
        "head::PassKind",
        "renamed::{AcceptedName, Renamed}",
        "state::StageState",
    ];
    assert_eq!(names, wanted.map(str::to_owned).into());
}

#[test]
fn verbs_are_functions_of_one_shape() {
    use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
    use counterfoil::observe::Observer;
    use counterfoil::rollback::{RollbackOptions, RollbackReport, rollback};
    use counterfoil::stage::Stages;
    use counterfoil::store::Store;
    type Verb<What, Options, Report> =
        fn(&mut Store, &What, &Options, &mut dyn Observer) -> counterfoil::Result<Report>;
    let _: Verb<Stages, ApplyOptions, ApplyReport> = apply;
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
