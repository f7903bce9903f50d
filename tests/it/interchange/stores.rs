//! Stores in which everything has happened that a ledger can tell.

use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::interchange::OpenLineageOptions;
use counterfoil::load::LoadOptions;
use counterfoil::rollback::RollbackScope;
use counterfoil::stage::{MaxErrors, OnError, Stages};
use serde_json::Value as Json;

use crate::support::scenario;
use crate::support::world::{self, StopAfter, World};

/// A shipped project with its sample records, loaded, in a store whose randomness comes from a seed.
pub(super) fn shipped(name: &str, database: &str, seed: u64) -> World {
    let mut world = World::signed(seed, world::shipped(name));
    world.load_samples(name, database);
    world
}

/// Loads lines that are all new.
pub(super) fn load(world: &mut World, database: &str, lines: &str) {
    world.load_as(database, "lines", lines.as_bytes(), &LoadOptions::default());
}

/// What is done by hand, as `put` has it.
pub(super) fn put(world: &mut World, database: &str, edits: &[Edit]) {
    edit(&mut world.store, database, edits, &RunInfo::new("put")).unwrap();
}

pub(super) fn events(world: &World, stages: &Stages) -> Vec<Json> {
    newest(world, stages, None)
}

pub(super) fn newest(world: &World, stages: &Stages, newest: Option<usize>) -> Vec<Json> {
    let options = OpenLineageOptions::default().newest(newest);
    world
        .store
        .openlineage(stages, &options)
        .unwrap()
        .map(Result::unwrap)
        .collect()
}

/// The scenario's records through its stages: stopped at the first refusal, at the limit, by hand, and brought to an end;
/// then edited and rolled back.
pub(super) fn eventful() -> World {
    let mut told = World::signed(1, scenario::stages());
    load(&mut told, "a", &scenario::input(true));
    let batch_size = Some(20);
    let stopped_by = |options: ApplyOptions| options.batch_size(batch_size);
    told.apply_with(&stopped_by(
        ApplyOptions::default()
            .on_error(OnError::Stop)
            .run_info(with(&["--on-error", "stop"])),
    ));
    told.apply_with(&stopped_by(
        ApplyOptions::default()
            .max_errors(MaxErrors::Count(2))
            .run_info(with(&["--max-errors=2"])),
    ));
    let stopped = stopped_by(ApplyOptions::default());
    let mut stop = StopAfter(1, stopped.stop.clone());
    apply(&mut told.store, &told.stages, &stopped, &mut stop).unwrap();
    told.apply_with(&stopped_by(ApplyOptions::default()));
    put(
        &mut told,
        "a",
        &[
            Edit::Put {
                id: "r1".to_owned(),
                data: r#"{"id":"r1","amt":"2.00","kind":"plain","keep":1}"#.to_owned(),
            },
            Edit::Delete { id: "r2".to_owned() },
        ],
    );
    told.apply_with(&ApplyOptions::default());
    told.roll_back(RollbackScope::All);
    told
}

fn with(arguments: &[&str]) -> RunInfo {
    RunInfo::new("apply").arguments(arguments.iter().copied())
}
