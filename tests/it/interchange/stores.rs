//! Stores in which everything has happened that a ledger can tell.

use std::path::Path;

use counterfoil::Purpose;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::edit::{Edit, edit};
use counterfoil::interchange::{OpenLineageOptions, openlineage};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::project::Project;
use counterfoil::rollback::{RollbackOptions, Scope, rollback};
use counterfoil::stage::{MaxErrors, OnError, Stages};
use counterfoil::store::{Store, StoreOptions};
use serde_json::Value as Json;

use super::super::support::scenario;

pub(super) struct Told {
    pub(super) store: Store,
    _folder: tempfile::TempDir,
}

impl Told {
    pub(super) fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let surroundings = scenario::surroundings(seed);
        let store = Store::open_or_create(
            folder.path().join("store.db"),
            StoreOptions::default(),
            surroundings,
        )
        .unwrap();
        Self {
            store,
            _folder: folder,
        }
    }

    /// A shipped project with its sample records, loaded.
    pub(super) fn shipped(name: &str, database: &str, seed: u64) -> (Self, Project) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("migrations")
            .join(name);
        let project = Project::open(&folder).unwrap();
        let mut told = Self::new(seed);
        let options = LoadOptions {
            id_field: project.settings().databases[database].id.clone().unwrap(),
            ..LoadOptions::default()
        };
        let input = std::fs::File::open(folder.join(format!("records/{database}.ndjson"))).unwrap();
        load(
            &mut told.store,
            database,
            "records.ndjson",
            input,
            &options,
            &mut Silent,
        )
        .unwrap();
        (told, project)
    }

    pub(super) fn load(&mut self, database: &str, lines: &str) {
        load(
            &mut self.store,
            database,
            "lines",
            lines.as_bytes(),
            &LoadOptions::default(),
            &mut Silent,
        )
        .unwrap();
    }

    pub(super) fn apply(&mut self, stages: &Stages, options: &ApplyOptions) {
        apply(&mut self.store, stages, options, &mut Silent).unwrap();
    }

    pub(super) fn edit(&mut self, database: &str, edits: &[Edit]) {
        let purpose = Purpose::new("put");
        edit(&mut self.store, database, edits, &purpose).unwrap();
    }

    pub(super) fn rollback(&mut self, project: &str, scope: Scope) {
        let options = RollbackOptions {
            scope,
            ..RollbackOptions::default()
        };
        rollback(&mut self.store, project, &options, &mut Silent).unwrap();
    }

    pub(super) fn events(&self, stages: &Stages) -> Vec<Json> {
        self.newest(stages, None)
    }

    pub(super) fn newest(&self, stages: &Stages, newest: Option<usize>) -> Vec<Json> {
        let options = OpenLineageOptions { newest };
        openlineage(&self.store, stages, &options)
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }
}

/// The scenario's records through its stages: stopped at the first refusal, at the limit, by hand, and brought to an end;
/// then edited and rolled back.
pub(super) fn eventful() -> (Told, Stages) {
    let (mut told, stages) = (Told::new(1), scenario::stages());
    told.load("a", &scenario::input(true));
    let batch_size = Some(20);
    let stopped_by = |options: ApplyOptions| ApplyOptions {
        batch_size,
        ..options
    };
    told.apply(
        &stages,
        &stopped_by(ApplyOptions {
            on_error: Some(OnError::Stop),
            purpose: with(&["--on-error", "stop"]),
            ..ApplyOptions::default()
        }),
    );
    told.apply(
        &stages,
        &stopped_by(ApplyOptions {
            max_errors: Some(MaxErrors::Count(2)),
            purpose: with(&["--max-errors=2"]),
            ..ApplyOptions::default()
        }),
    );
    let stopped = stopped_by(ApplyOptions::default());
    let mut stop = StopAtOnce(stopped.stop.clone());
    apply(&mut told.store, &stages, &stopped, &mut stop).unwrap();
    told.apply(&stages, &stopped_by(ApplyOptions::default()));
    told.edit(
        "a",
        &[
            Edit::Put {
                id: "r1".to_owned(),
                data: r#"{"id":"r1","amt":"2.00","kind":"plain","keep":1}"#.to_owned(),
            },
            Edit::Delete { id: "r2".to_owned() },
        ],
    );
    told.apply(&stages, &ApplyOptions::default());
    told.rollback(scenario::PROJECT, Scope::All);
    (told, stages)
}

/// Asks to stop as soon as a batch is committed.
struct StopAtOnce(StopSignal);

impl Observer for StopAtOnce {
    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::BatchCommitted { .. }) {
            self.0.ask();
        }
    }
}

fn with(arguments: &[&str]) -> Purpose {
    Purpose {
        arguments: arguments.iter().map(|argument| (*argument).to_owned()).collect(),
        ..Purpose::new("apply")
    }
}
