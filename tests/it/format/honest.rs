//! The honest stores of the corpus: twenty-three of them, made by the library as a program would, or kept from earlier versions.

use std::path::{Path, PathBuf};

use counterfoil::RunInfo;
use counterfoil::apply::ApplyOptions;
use counterfoil::checkpoint::{accept_renamed, accept_restored};
use counterfoil::environment::CheckpointKeys;
use counterfoil::load::LoadOptions;
use counterfoil::note::SigningKey;
use counterfoil::observe::StopSignal;
use counterfoil::quarantine::{Selected, waive};
use counterfoil::rollback::RollbackScope;
use counterfoil::stage::{Outcome, Output, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use tempfile::TempDir;

use crate::support::child::{Verb, Work};
use crate::support::scenario;
use crate::support::world::{StopAfter, World, environment, stages};

/// A store of the corpus, and what it has lived through.
pub(super) struct Honest {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) path: PathBuf,
}

/// What another key than that of the corpus has signed, which is read without a key.
pub(super) const STRANGE: [&str; 2] = ["v2", "v3"];

/// Copies a store that nobody has open, with its file of checkpoints.
pub(super) fn copy(from: &Path, to: &Path) {
    std::fs::copy(from, to).expect("a copy");
    if checkpoints(from).is_file() {
        std::fs::copy(checkpoints(from), checkpoints(to)).expect("a copy");
    }
}

/// The file of checkpoints beside a store.
pub(super) fn checkpoints(store: &Path) -> PathBuf {
    PathBuf::from(format!("{}.checkpoints", store.display()))
}

/// All of them, in a folder.
pub(super) fn all(folder: &Path) -> Vec<Honest> {
    let mut made = Vec::new();
    let mut keep = |name, what, from: &Path| {
        let path = folder.join(format!("{name}.db"));
        copy(from, &path);
        made.push(Honest { name, what, path });
    };
    scenario_stores(&mut keep);
    worlds(&mut keep);
    old_stores(&mut keep);
    made
}

type Keep<'k> = &'k mut dyn FnMut(&'static str, &'static str, &Path);

/// Signed stores: the scenario's work, step by step.
fn scenario_stores(keep: Keep<'_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let [path, back] = ["store.db", "back.db"].map(|name| folder.path().join(name));
    let work = |verb, path: &Path, seed| Work::new(verb, path).seeded(seed).here().expect("a verb");
    work(Verb::Load, &path, 1);
    keep("malformed", "loaded, with malformed lines refused; signed", &path);
    work(Verb::Apply, &path, 2);
    keep("applied", "two stages applied; signed", &path);
    copy(&path, &back);
    work(Verb::Rollback, &back, 6);
    keep("rolled_back", "every stage rolled back; signed", &back);
    eventful(&path);
    keep(
        "eventful",
        "edits, a deletion and a second increment; signed",
        &path,
    );
    keep_restored(&path, keep);
}

/// Edits by hand, one record more, and another apply.
fn eventful(path: &Path) {
    let options = StoreOptions::default().batch_size(scenario::BATCH_SIZE);
    let mut store = Store::open(path, options, scenario::environment(3)).expect("a store");
    let put = |store: &mut Store, database: &str, id: &str, data: &str| {
        store
            .database(database)
            .and_then(|mut rows| rows.put(id, data))
            .expect("an edit");
    };
    let by_hand = r#"{"id":"r3","amount":"7.00","email":"e","kind":"plain","keep":6.00,"note":"by hand"}"#;
    put(&mut store, "b", "r3", by_hand);
    put(&mut store, "b", "r3", &by_hand.replace("7.00", "7.01"));
    put(&mut store, "b", "new", r#"{"id":"new","amount":"8.00"}"#);
    store
        .database("b")
        .and_then(|mut rows| rows.delete("r11"))
        .expect("a deletion");
    put(
        &mut store,
        "a",
        "late",
        r#"{"id":"late","amt":"1.00","kind":"plain","email":"e"}"#,
    );
    let applying = ApplyOptions::default();
    counterfoil::apply::apply(
        &mut store,
        &scenario::stages(),
        &applying,
        &mut counterfoil::observe::Silent,
    )
    .expect("an apply");
}

/// A store that another key has signed, taken over with the key of the corpus.
fn keep_restored(path: &Path, keep: Keep<'_>) {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = folder.path().join("store.db");
    std::fs::copy(path, &taken).expect("a copy");
    let other = SigningKey::generate("other", &[7; 32]).expect("a key");
    let accepted = |key: SigningKey, seed| {
        let options = StoreOptions::default().unchecked(true);
        let environment = scenario::environment(seed).keys(CheckpointKeys::signing(key));
        let mut store = Store::open(&taken, options, environment).expect("unchecked");
        let run_info = RunInfo::new("checkpoint").reason("the key was replaced".to_owned());
        accept_restored(&mut store, &run_info).expect("it is accepted");
    };
    accepted(other, 21);
    accepted(scenario::signing_key(), 22);
    keep(
        "two_keys",
        "signed with one key, then accepted with another",
        &taken,
    );
}

/// Unsigned stores.
fn worlds(keep: Keep<'_>) {
    let world = World::new("p", &[]);
    keep("empty", "only made", &world.path());
    keep(
        "shop",
        "the orders of the shop, carried through",
        &shipped("shop", "orders_v1").path(),
    );
    let mut bank = shipped("bank", "legacy_transactions");
    bank.reconcile();
    keep(
        "bank",
        "the bank's transactions, carried through and reconciled",
        &bank.path(),
    );
    keep("odd", "texts that are hard to write as JSON", &odd().path());
    keep("rekeyed", "ids exchanged in place, by a stage", &rekeyed().path());
    let mut derived = derived();
    keep("derived", "two records made of each", &derived.path());
    let id = derived.rows("c")[0].id.clone();
    let database = "c".to_owned();
    derived.roll_back(RollbackScope::Record { database, id });
    keep(
        "one_back",
        "one of the derived records rolled back",
        &derived.path(),
    );
    keep(
        "quarantine",
        "refusals tried again, corrected and waived",
        &quarantine().path(),
    );
    keep("dense", "batches of 300 records", &dense().path());
    keep("unfinished", "an apply that was stopped", &unfinished().path());
}

fn shipped(name: &str, database: &str) -> World {
    let mut world = World::shipped(name, database);
    world.apply();
    world
}

/// Quotes, backslashes, control characters, and characters of two, three and four bytes.
const ODD: &str = "a\"b\\c/d\te\nf\rg\u{8}h\u{c}i\u{1}j\u{1f}k\u{7f}l é e\u{301} – \u{2028} 𝄞 \u{feff}'%_";

fn odd() -> World {
    let environment = environment().actor(ODD.to_owned()).host("hôst \"x\"");
    let files = [(
        "0001_odd.toml",
        "[stage]\nsource = \"a\"\n\n[[op]]\nop = \"set\"\npath = \"é/~\"\nvalue = \"\\\"\\\\ \\u0001 𝄞\"\n",
    )];
    let mut world = World::with(stages("p", &files), StoreOptions::default(), environment);
    let odd = serde_json::to_string(ODD).expect("a text");
    let line = |id: &str| {
        format!(
            "{{\"id\":{id},\"\\u0061\":1e400,\"é/~\":{odd},\"n\":0.10,\"long\":\"{}\"}}\n",
            "é".repeat(99)
        )
    };
    let lines = line(&odd) + &line("\"r1\"") + "{\"id\":\"broken\",}\n";
    let options = LoadOptions::default().run_info(
        RunInfo::new("load")
            .arguments(vec![ODD.to_owned()])
            .reason(ODD.to_owned()),
    );
    world.load_as("a", ODD, lines.as_bytes(), &options);
    world.apply();
    world
}

/// A stage in place that exchanges ids: whole images, not patches.
fn rekeyed() -> World {
    let file = "[stage]\nsource = \"a\"\nid = \"= doc.next\"\n\n[[op]]\nop = \"set\"\npath = \"seen\"\nvalue = true\n";
    let mut world = World::in_batches_of(2, "p", &[("0001_rekey.toml", file)]);
    let next = |number: u32| number % 5 + 1;
    let line = |number: u32| {
        format!(
            "{{\"id\":\"k{number}\",\"next\":\"k{}\",\"v\":{number}}}",
            next(number)
        )
    };
    world.load("a", &(1..=5).map(line).collect::<Vec<_>>());
    world.apply();
    world
}

fn derived() -> World {
    let derive = Stage::new(1, "derive")
        .source("a")
        .target("c")
        .transform(|record, context| {
            let part = |part: &str| Output {
                id: context.uuid(part),
                data: record.data.clone(),
            };
            Ok(Outcome::Derive(vec![part("1"), part("2")]))
        });
    let stages = Stages::new("p", vec![derive.build().expect("a stage")]).expect("one stage");
    let mut world = World::with(stages, StoreOptions::default(), environment());
    world.load("a", &["{\"id\":\"x\",\"v\":1}", "{\"id\":\"y\",\"v\":2}"]);
    world.apply();
    world
}

const NUMBERS: &str = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"decimal\"\n";

fn quarantine() -> World {
    let mut world = World::in_batches_of(3, "p", &[("0001_numbers.toml", NUMBERS)]);
    let line = |number: u32| {
        let n = if number.is_multiple_of(3) {
            "none".to_owned()
        } else {
            format!("{number}.50")
        };
        format!("{{\"id\":\"q{number}\",\"n\":\"{n}\"}}")
    };
    world.load("a", &(1..=12).map(line).collect::<Vec<_>>());
    world.apply();
    world.put("a", "q3", "{\"id\":\"q3\",\"n\":\"3.00\"}");
    world.retry();
    world.apply();
    let selected = Selected::default().id("q6".to_owned());
    let run_info = RunInfo::new("waive").reason("left as it is".to_owned());
    waive(&mut world.store, "p", &selected, &run_info).expect("a waiver");
    world
}

fn dense() -> World {
    let mut world = World::in_batches_of(300, "p", &[("0001_numbers.toml", NUMBERS)]);
    let line = |number: u32| format!("{{\"id\":\"d{number:04}\",\"n\":\"{number}\"}}");
    world.load("a", &(1..=700).map(line).collect::<Vec<_>>());
    world.apply();
    world
}

fn unfinished() -> World {
    let mut world = World::in_batches_of(2, "p", &[("0001_numbers.toml", NUMBERS)]);
    let line = |number: u32| format!("{{\"id\":\"u{number}\",\"n\":\"{number}\"}}");
    world.load("a", &(1..=9).map(line).collect::<Vec<_>>());
    let mut stop = StopAfter(2, StopSignal::default());
    let options = ApplyOptions::default().stop(stop.1.clone());
    let stages = &world.stages;
    counterfoil::apply::apply(&mut world.store, stages, &options, &mut stop).expect("an apply");
    world
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/stores")
        .join(name)
}

/// Stores of earlier versions, and one whose stages' files were renamed, which was accepted.
fn old_stores(keep: Keep<'_>) {
    keep("v1", "schema version 1", &fixture("v1.db"));
    keep("v2", "schema version 2", &fixture("v2.db"));
    keep("v3", "schema version 3, a pass unfinished", &fixture("v3.db"));
    keep("v4", "schema version 4", &fixture("v4.db"));
    keep("v5", "schema version 5", &fixture("v5.db"));
    keep(
        "v6",
        "schema version 6, a merge with pairs that wait",
        &fixture("v6.db"),
    );
    keep(
        "v7",
        "schema version 7, a merge with decisions",
        &fixture("v7.db"),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let path = renamed(&folder);
    keep(
        "renamed",
        "batches hashed under other names of their stages, accepted; signed",
        &path,
    );
}

fn renamed(folder: &TempDir) -> PathBuf {
    let path = folder.path().join("store.db");
    copy(&fixture("renamed_stage.db"), &path);
    let options = StoreOptions::default();
    let mut store = Store::open(&path, options, scenario::environment(31)).expect("a store");
    let names = [(1, "better_name"), (1, "best_name"), (2, "tidy")]
        .map(|(stage, name)| counterfoil::name::StageName::new(stage, name));
    let run_info = RunInfo::new("checkpoint").reason("renamed in May".to_owned());
    accept_renamed(&mut store, &names, &run_info).expect("they are accepted");
    path
}
