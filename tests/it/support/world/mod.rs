//! The one world of the tests, with its two faces. [`World`] is the library's: a store, stages and surroundings that stand
//! still, worked on in this process. [`Scene`] is the command's: a folder with a project, and the command in it.

mod clinic;
mod scene;

use std::io::{Cursor, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};

use counterfoil::apply::{ApplyOptions, ApplyReport, apply};
use counterfoil::context::Context;
use counterfoil::edit::{Edit, edit};
use counterfoil::environment::{CheckpointKeys, Environment, Secrets};
use counterfoil::load::{LoadOptions, LoadReport, load, load_file};
use counterfoil::observe::{Event, Observer, Silent, StopSignal};
use counterfoil::project::Project;
use counterfoil::quarantine::{Quarantined, Selected, retry};
use counterfoil::reconcile::{ReconcileOptions, Reconciliation, StageReconciled, reconcile};
use counterfoil::record::{Record, RecordNumber};
use counterfoil::rollback::{RollbackOptions, RollbackReport, RollbackScope, rollback};
use counterfoil::stage::{Lookup, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};
use counterfoil::{Result, RunInfo};
use rusqlite::Connection;
use rusqlite::types::FromSql;
use rust_decimal::Decimal;
use tempfile::TempDir;

pub(crate) use scene::{Said, Scene, batches_of, wait_for_batches, without_settings};

use super::scenario;

/// A store in a folder of its own, and the stages that work on it.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) store: Store,
    pub(crate) stages: Staged,
    /// How it is applied where a test says nothing else.
    pub(crate) applying: ApplyOptions,
    /// How many loads have got a name of their own.
    pub(crate) loads: u32,
}

impl World {
    /// An unsigned store, and a project with these stage files.
    pub(crate) fn new(project: &str, files: &[(&str, &str)]) -> Self {
        Self::with(stages(project, files), StoreOptions::default(), environment())
    }

    /// The same, with batches of this size.
    pub(crate) fn in_batches_of(batch_size: usize, project: &str, files: &[(&str, &str)]) -> Self {
        let options = StoreOptions::default().batch_size(batch_size);
        Self::with(stages(project, files), options, environment())
    }

    /// A store that is signed, and whose randomness comes from a seed.
    pub(crate) fn signed(seed: u64, stages: impl Into<Staged>) -> Self {
        Self::with(stages, StoreOptions::default(), scenario::environment(seed))
    }

    /// A store as it is asked for.
    pub(crate) fn with(stages: impl Into<Staged>, options: StoreOptions, environment: Environment) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        Self {
            store: Store::open_or_create(path, options, environment).expect("a store"),
            folder,
            stages: stages.into(),
            applying: ApplyOptions::default(),
            loads: 0,
        }
    }

    /// A shipped project's stages, with its sample records in a database.
    pub(crate) fn shipped(name: &str, database: &str) -> Self {
        let mut world = Self::with(shipped(name), StoreOptions::default(), shipped_environment(name));
        world.load_samples(name, database);
        world
    }

    /// Loads the sample records of a shipped project by the id field that it declares.
    pub(crate) fn load_samples(&mut self, name: &str, database: &str) -> LoadReport {
        let file = migration(name).join(format!("records/{database}.ndjson"));
        let options = LoadOptions::default().id_field(id_field(&shipped(name), database));
        let input = std::fs::File::open(file).expect("the records");
        self.load_as(database, "records.ndjson", input, &options)
    }

    /// A file beside the store.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The store's file.
    pub(crate) fn path(&self) -> PathBuf {
        self.beside("store.db")
    }

    /// Loads lines under a new name; they replace what is there.
    pub(crate) fn load(&mut self, database: &str, lines: &[impl AsRef<str>]) -> LoadReport {
        self.loads += 1;
        let options = LoadOptions::default().replace(true);
        let lines: Vec<&str> = lines.iter().map(AsRef::as_ref).collect();
        let name = format!("{}.ndjson", self.loads);
        self.load_as(database, &name, lines.join("\n").as_bytes(), &options)
    }

    /// Loads a stream under a name.
    pub(crate) fn load_as(
        &mut self,
        database: &str,
        name: &str,
        input: impl Read + Send,
        options: &LoadOptions,
    ) -> LoadReport {
        load(&mut self.store, database, name, input, options, &mut Silent).expect("a load")
    }

    /// Loads a file, which a later load can go on with.
    pub(crate) fn load_file(
        &mut self,
        database: &str,
        name: &str,
        text: &str,
        options: &LoadOptions,
        observer: &mut dyn Observer,
    ) -> LoadReport {
        let file = Cursor::new(text.as_bytes().to_vec());
        load_file(&mut self.store, database, name, file, options, observer).expect("a load")
    }

    /// Applies as the world does.
    pub(crate) fn apply(&mut self) -> ApplyReport {
        let options = self.applying.clone();
        self.apply_with(&options)
    }

    /// Applies in another way.
    pub(crate) fn apply_with(&mut self, options: &ApplyOptions) -> ApplyReport {
        self.try_apply(options).expect("an apply")
    }

    /// Applies, which may be refused.
    pub(crate) fn try_apply(&mut self, options: &ApplyOptions) -> Result<ApplyReport> {
        apply(&mut self.store, &self.stages, options, &mut Silent)
    }

    /// Tries again what is in quarantine.
    pub(crate) fn retry(&mut self) -> ApplyReport {
        let selected = Selected::default();
        retry(
            &mut self.store,
            &self.stages,
            &selected,
            &self.applying,
            &mut Silent,
        )
        .expect("a retry")
    }

    /// Changes records by hand.
    pub(crate) fn edit(&mut self, database: &str, edits: &[Edit]) {
        edit(&mut self.store, database, edits, &RunInfo::new("edit")).expect("an edit");
    }

    /// Puts a record by hand.
    pub(crate) fn put(&mut self, database: &str, id: &str, data: &str) {
        let (id, data) = (id.to_owned(), data.to_owned());
        self.edit(database, &[Edit::Put { id, data }]);
    }

    /// Deletes a record by hand.
    pub(crate) fn delete(&mut self, database: &str, id: &str) {
        self.edit(database, &[Edit::Delete { id: id.to_owned() }]);
    }

    /// Rolls back, where nothing stands in the way.
    pub(crate) fn roll_back(&mut self, scope: RollbackScope) -> RollbackReport {
        let options = RollbackOptions::default().scope(scope);
        self.try_roll_back(&options).expect("a rollback")
    }

    /// Rolls back, which may be refused.
    pub(crate) fn try_roll_back(&mut self, options: &RollbackOptions) -> Result<RollbackReport> {
        rollback(&mut self.store, self.stages.project(), options, &mut Silent)
    }

    /// Reconciles; between the causes nothing gets lost.
    pub(crate) fn reconcile(&mut self) -> Vec<StageReconciled> {
        let report = reconcile(
            &mut self.store,
            &self.stages,
            &ReconcileOptions::default(),
            &mut Silent,
        );
        let stages = report.expect("a reconciliation").stages;
        let results = stages.iter().flat_map(|stage| &stage.reconciliations);
        results.for_each(adds_up);
        stages
    }

    /// The records of a database, in the order of their numbers.
    pub(crate) fn rows(&self, database: &str) -> Vec<Record> {
        let rows = self
            .store
            .records_after(database, RecordNumber::BEFORE_FIRST, 1_000_000);
        rows.expect("a database")
    }

    /// What a record holds.
    pub(crate) fn data(&self, database: &str, id: &str) -> Option<String> {
        let found = self.store.get(database, id).expect("a database");
        found.map(|record| record.data)
    }

    /// Everything in quarantine.
    pub(crate) fn quarantine(&self) -> Vec<Quarantined> {
        let project = self.stages.project();
        self.store
            .quarantine(project, &Selected::default(), usize::MAX)
            .expect("a quarantine")
    }

    /// A connection that knows nothing of ours.
    pub(crate) fn connection(&self) -> Connection {
        Connection::open(self.path()).expect("a store")
    }

    /// The one value that a query gives.
    pub(crate) fn asked<T: FromSql>(&self, sql: &str) -> T {
        self.connection().query_row(sql, [], |row| row.get(0)).expect(sql)
    }

    /// What somebody does to the file without this program.
    pub(crate) fn behind(&self, sql: &str) {
        self.connection().execute_batch(sql).expect(sql);
    }

    /// The store is what its ledger says.
    #[track_caller]
    pub(crate) fn is_sound(&self) {
        assert_verified(&self.store);
    }
}

/// Stages of a test, or those of a shipped project.
pub(crate) enum Staged {
    Own(Stages),
    Shipped(Project),
}

impl From<Stages> for Staged {
    fn from(stages: Stages) -> Self {
        Self::Own(stages)
    }
}

impl From<Project> for Staged {
    fn from(project: Project) -> Self {
        Self::Shipped(project)
    }
}

impl Deref for Staged {
    type Target = Stages;

    fn deref(&self) -> &Stages {
        match self {
            Self::Own(stages) => stages,
            Self::Shipped(project) => project.stages(),
        }
    }
}

/// A store is what its ledger says.
///
/// # Panics
/// When it is not.
#[track_caller]
pub(crate) fn assert_verified(store: &Store) {
    let report = verify(store, &VerifyOptions::default()).expect("a verification");
    assert!(report.is_sound(), "{:#?}", report.findings);
}

/// Nothing gets lost between the causes of a difference.
#[track_caller]
pub(crate) fn adds_up(result: &Reconciliation) {
    let explained: Decimal = result.causes.iter().map(|cause| cause.amount).sum();
    assert_eq!(explained, result.difference, "{result:#?}");
    let difference = result.target.amount - result.source.amount;
    assert_eq!(difference, result.difference, "{result:#?}");
    let amount = result.source.positive + result.source.negative;
    assert_eq!(amount, result.source.amount);
}

/// A project's stages, from the texts of their files.
pub(crate) fn stages(project: &str, files: &[(&str, &str)]) -> Stages {
    let stages = files.iter().map(|(name, text)| stage(name, text)).collect();
    Stages::new(project, stages).expect("stages of different numbers")
}

/// A stage, from the text of its file.
pub(crate) fn stage(name: &str, text: &str) -> Stage {
    Stage::parse(name, text, &Lookup::nothing()).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"))
}

/// A clock that stands still and randomness from a seed, without a key: what is made with them is not signed.
pub(crate) fn environment() -> Environment {
    scenario::environment(1).keys(CheckpointKeys::default())
}

/// What a stage knows of a record that no ledger knows: at the beginning of 1970, with the usual limits.
pub(crate) fn context<'a>(project: &'a str, id: &'a str, secrets: &'a Secrets) -> Context<'a> {
    Context::new(project, 1, secrets).id(id)
}

/// The folder of a shipped project.
pub(crate) fn migration(name: &str) -> PathBuf {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    migrations.join(name)
}

/// A shipped project.
pub(crate) fn shipped(name: &str) -> Project {
    Project::open(&migration(name)).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"))
}

/// The surroundings of a shipped project: with the secrets that it brings.
pub(crate) fn shipped_environment(name: &str) -> Environment {
    let (secrets, missing) = Project::secrets(&migration(name), shipped(name).settings());
    assert_eq!(missing, [], "{name}");
    environment().secrets(secrets)
}

/// Copies a folder with everything in it.
pub(crate) fn copy_tree(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let to = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&to).expect("a new folder");
            copy_tree(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

/// The id field that a project declares for a database.
pub(crate) fn id_field(project: &Project, database: &str) -> String {
    let declared = project.settings().databases[database].id.clone();
    declared.expect("a declared id field")
}

/// Asks to stop once so many batches are committed.
pub(crate) struct StopAfter(pub(crate) usize, pub(crate) StopSignal);

impl Observer for StopAfter {
    fn observe(&mut self, event: &Event) {
        if matches!(event, Event::BatchCommitted { .. }) {
            self.0 = self.0.saturating_sub(1);
            if self.0 == 0 {
                self.1.ask();
            }
        }
    }
}
