//! The work that faults strike: 200 records through a copying stage and a stage in place, in 23 batches, with every
//! outcome among them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use counterfoil::environment::{CheckpointKeys, Clock, Environment, Randomness};
use counterfoil::note::SigningKey;
use counterfoil::stage::Stages;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::child::{Verb, Work};

/// The project's name.
pub(crate) const PROJECT: &str = "faults";

/// The records of the scenario.
pub(crate) const RECORDS: u32 = 200;

/// Records per batch: ten batches for each stage.
pub(crate) const BATCH_SIZE: usize = 20;

/// Stands in every record, in a field that both stages redact: it may be in the store and nowhere else.
pub(crate) const REDACTED: &str = "hidden-from-all-output";

/// Written: most. Filtered: every 41st. Refused: every 37th.
pub(crate) const COPY: &str = r#"
[stage]
source = "a"
target = "b"
where = '= doc.kind != "skipped"'
max_errors = 100
rounding = "half-even"
redact = ["email"]

[[op]]
op = "rename"
from = "amt"
to = "amount"

[[op]]
op = "decimal"
path = "amount"
places = 2
emit = "string"
"#;

/// Written: most. Unchanged: every 7th. Refused, and so taken out of the database: every 53rd.
pub(crate) const IN_PLACE: &str = r#"
[stage]
source = "b"
max_errors = 100
redact = ["email"]

[[op]]
op = "default"
path = "note"
value = "none"

[contract]
target = { properties = { amount = { pattern = '^-?\d{1,6}\.\d\d$' } } }
"#;

/// The files of both stages.
pub(crate) const FILES: [(&str, &str); 2] = [("0001_copy.toml", COPY), ("0002_note.toml", IN_PLACE)];

/// Both stages.
pub(crate) fn stages() -> Stages {
    super::world::stages(PROJECT, &FILES)
}

/// The scenario's records as NDJSON; every 29th line is malformed.
pub(crate) fn input(malformed: bool) -> String {
    (1..=RECORDS).map(|number| line(number, malformed)).collect()
}

fn line(number: u32, malformed: bool) -> String {
    if malformed && number.is_multiple_of(29) {
        return format!("{{\"id\":\"r{number}\",\"email\":\"{REDACTED}\",}}\n");
    }
    let amount = match number {
        _ if number.is_multiple_of(37) => "none".to_owned(),
        _ if number.is_multiple_of(53) => format!("12345{number}.005"),
        _ => format!("{number}.505"),
    };
    let kind = if number.is_multiple_of(41) {
        "skipped"
    } else {
        "plain"
    };
    let note = if number.is_multiple_of(7) {
        r#","note":"kept""#
    } else {
        ""
    };
    format!(
        "{{\"id\":\"r{number}\",\"amt\":\"{amount}\",\"email\":\"{REDACTED}\",\"kind\":\"{kind}\",\"keep\":6.00{note}}}\n"
    )
}

/// The key that the scenario's runs are signed with.
pub(crate) fn signing_key() -> SigningKey {
    let randomness = Seeded {
        seed: 7,
        drawn: AtomicU64::new(0),
    };
    SigningKey::generate(PROJECT, &randomness.seed()).expect("a name that keys may have")
}

/// A clock that stands still and randomness from a seed: two runs with them differ in nothing.
pub(crate) fn environment(seed: u64) -> Environment {
    Environment::default()
        .clock(Arc::new(StandingClock))
        .randomness(Arc::new(Seeded {
            seed,
            drawn: AtomicU64::new(0),
        }))
        .actor("tester")
        .host("here")
        .keys(CheckpointKeys::signing(signing_key()))
}

struct StandingClock;

impl Clock for StandingClock {
    fn now_us(&self) -> i64 {
        1_700_000_000_000_000
    }
}

struct Seeded {
    seed: u64,
    drawn: AtomicU64,
}

impl Randomness for Seeded {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(32) {
            let number = self.drawn.fetch_add(1, Ordering::Relaxed);
            let hash = Sha256::digest([self.seed.to_le_bytes(), number.to_le_bytes()].concat());
            piece.copy_from_slice(&hash[..piece.len()]);
        }
    }
}

/// Where a verb begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// There is no file.
    Nothing,
    /// An empty store.
    Opened,
    /// The records are loaded.
    Loaded,
    /// Both stages are applied.
    Applied,
    /// A register of people is loaded.
    People,
    /// It is merged, and has changed since.
    PeopleChanged,
    /// It is merged, has changed, and is merged again.
    PeopleMerged,
    /// It is merged, pairs are decided, golden records are taken apart, and everything is merged again.
    PeopleDecided,
    /// Readings of sensors are loaded.
    Readings,
    /// Windows are made of them, and the readings have changed since.
    ReadingsChanged,
}

/// A store as a verb finds it, made once for a test and copied for each fault.
pub(crate) struct Template {
    beginning: Beginning,
    folder: TempDir,
}

impl Template {
    /// Makes it.
    pub(crate) fn new(beginning: Beginning) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let verbs: &[Verb] = match beginning {
            Beginning::Nothing => &[],
            Beginning::Opened => &[Verb::Open],
            Beginning::Loaded => &[Verb::LoadClean],
            Beginning::Applied => &[Verb::LoadClean, Verb::Apply],
            Beginning::People => &[Verb::LoadPeople],
            Beginning::PeopleChanged => &[Verb::LoadPeople, Verb::Merge, Verb::ChangePeople],
            Beginning::PeopleMerged => &[Verb::LoadPeople, Verb::Merge, Verb::ChangePeople, Verb::Merge],
            Beginning::PeopleDecided => &[
                Verb::LoadPeople,
                Verb::Merge,
                Verb::Decide,
                Verb::Merge,
                Verb::Unmerge,
                Verb::ChangePeople,
                Verb::Merge,
            ],
            Beginning::Readings => &[Verb::LoadReadings],
            Beginning::ReadingsChanged => &[Verb::LoadReadings, Verb::Aggregate, Verb::ChangeReadings],
        };
        for (seed, verb) in (1..).zip(verbs) {
            let work = Work::new(*verb, &folder.path().join("store.db")).seeded(seed);
            work.here().expect("the verb runs without a fault");
        }
        Self { beginning, folder }
    }

    /// A copy in a folder of its own.
    pub(crate) fn store(&self) -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        if self.beginning != Beginning::Nothing {
            copy(&self.folder.path().join("store.db"), &path);
        }
        (folder, path)
    }
}

/// Copies a store that nobody writes to.
fn copy(from: &Path, to: &Path) {
    let connection = Connection::open(from).expect("a store");
    connection
        .execute("VACUUM INTO ?1", [to.to_str().expect("a path that is text")])
        .expect("a copy");
    let checkpoints = |store: &Path| PathBuf::from(format!("{}.checkpoints", store.display()));
    if checkpoints(from).exists() {
        std::fs::copy(checkpoints(from), checkpoints(to)).expect("a copy");
    }
}
