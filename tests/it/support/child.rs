//! Verbs in a process of their own, so that it can be killed: this test binary, started again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::{Event, Observer};
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::store::{Store, StoreOptions};

use super::{clerk, people, scenario, sensors};

/// How a child ends whose verb failed; a panic would be 101.
pub(crate) const FAILED: i32 = 10;

/// What a child does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Makes the store.
    Open,
    /// Loads the scenario's records.
    LoadClean,
    /// Loads them with malformed lines among them.
    Load,
    /// Applies both stages.
    Apply,
    /// Rolls both stages back.
    Rollback,
    /// Loads a register of people.
    LoadPeople,
    /// Merges it.
    Merge,
    /// Merges it by a model that is learned anew.
    Relearn,
    /// Loads new and corrected people, and deletes some.
    ChangePeople,
    /// Rolls the merge back, with all its passes.
    TakeBack,
    /// Decides pairs of people.
    Decide,
    /// Takes people out of golden records.
    Unmerge,
    /// Takes every golden record apart.
    UnmergeAll,
    /// Rolls the merge back, and every decision.
    TakeAllBack,
    /// Loads readings of sensors.
    LoadReadings,
    /// Makes windows of them.
    Aggregate,
    /// Loads late, corrected and moved readings, and deletes some.
    ChangeReadings,
    /// Loads some readings more.
    AddReadings,
}

impl Verb {
    const ALL: [Self; 18] = [
        Self::Open,
        Self::LoadClean,
        Self::Load,
        Self::Apply,
        Self::Rollback,
        Self::LoadPeople,
        Self::Merge,
        Self::Relearn,
        Self::ChangePeople,
        Self::TakeBack,
        Self::Decide,
        Self::Unmerge,
        Self::UnmergeAll,
        Self::TakeAllBack,
        Self::LoadReadings,
        Self::Aggregate,
        Self::ChangeReadings,
        Self::AddReadings,
    ];
}

/// A verb on a store.
#[derive(Clone, Debug)]
pub(crate) struct Work {
    verb: Verb,
    store: PathBuf,
    seed: u64,
    wait: Duration,
    live: bool,
}

impl Work {
    /// With a wait of a minute for other processes.
    pub(crate) fn new(verb: Verb, store: &Path) -> Self {
        Self {
            verb,
            store: store.to_owned(),
            seed: 1_000,
            wait: Duration::from_secs(60),
            live: false,
        }
    }

    /// On a store that is read meanwhile: with a write-ahead log.
    pub(crate) fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// With randomness of its own: two runs on one store must not draw the same.
    pub(crate) fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Does it once more, in this process.
    pub(crate) fn again(&self) -> Result<(), String> {
        let again = self.clone().seeded(self.seed + 1);
        again.here().map_err(|error| format!("{}: {error}", error.code()))
    }

    /// Does it in this process.
    pub(crate) fn here(&self) -> Result<(), counterfoil::Error> {
        let options = StoreOptions::default()
            .wait(self.wait)
            .live(self.live)
            .batch_size(scenario::BATCH_SIZE);
        let mut store = Store::open_or_create(&self.store, options, scenario::environment(self.seed))?;
        match self.verb {
            Verb::Open => Ok(()),
            Verb::LoadClean | Verb::Load => {
                let input = scenario::input(self.verb == Verb::Load);
                let options = LoadOptions::default();
                load(
                    &mut store,
                    "a",
                    "a.ndjson",
                    input.as_bytes(),
                    &options,
                    &mut Acknowledging,
                )
                .map(drop)
            }
            Verb::Apply => {
                let stages = scenario::stages();
                apply(&mut store, &stages, &ApplyOptions::default(), &mut Acknowledging).map(drop)
            }
            Verb::Rollback => {
                let options = RollbackOptions::default().scope(RollbackScope::All);
                rollback(&mut store, scenario::PROJECT, &options, &mut Acknowledging).map(drop)
            }
            Verb::LoadPeople => people::Scenario::new().load(&mut store, &mut Acknowledging),
            Verb::Merge => people::merge(&mut store, &mut Acknowledging),
            Verb::Relearn => people::relearn(&mut store, &mut Acknowledging),
            Verb::ChangePeople => {
                let people = people::Scenario::new();
                people.load_later(&mut store, &mut Acknowledging)?;
                people.delete(&mut store)
            }
            Verb::TakeBack => people::take_back(&mut store, &mut Acknowledging),
            Verb::Decide => clerk::decide(&mut store, &self.store),
            Verb::Unmerge => clerk::unmerge(&mut store, &self.store, &mut Acknowledging),
            Verb::UnmergeAll => clerk::unmerge_all(&mut store, &self.store, &mut Acknowledging),
            Verb::TakeAllBack => clerk::take_back(&mut store, &self.store, &mut Acknowledging),
            Verb::LoadReadings => sensors::load_first(&mut store, &mut Acknowledging),
            Verb::Aggregate => sensors::aggregate(&mut store, &mut Acknowledging),
            Verb::ChangeReadings => sensors::change(&mut store, &mut Acknowledging),
            Verb::AddReadings => sensors::add(&mut store, &mut Acknowledging),
        }
    }

    /// The command that does it in a process of its own.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("the test binary has a path"));
        command
            .args(["--exact", "support::child::verb_of_a_child", "--ignored"])
            .args(["--test-threads=1", "--nocapture"])
            .env("FAULT_CHILD_VERB", format!("{:?}", self.verb))
            .env("FAULT_CHILD_STORE", &self.store)
            .env("FAULT_CHILD_SEED", self.seed.to_string())
            .env("FAULT_CHILD_WAIT_MS", self.wait.as_millis().to_string())
            .env("FAULT_CHILD_LIVE", self.live.to_string());
        command
    }

    /// What a child was told to do.
    fn told() -> Option<Self> {
        let told = |name: &str| std::env::var(format!("FAULT_CHILD_{name}")).ok();
        let number = |name: &str| told(name).and_then(|text| text.parse().ok());
        let name = told("VERB")?;
        let verb = Verb::ALL.into_iter().find(|verb| format!("{verb:?}") == name)?;
        Some(Self {
            verb,
            store: told("STORE")?.into(),
            seed: number("SEED")?,
            wait: Duration::from_millis(number("WAIT_MS")?),
            live: told("LIVE")? == "true",
        })
    }
}

/// A command, started by another program.
pub(crate) fn under(program: &str, arguments: &[&str], command: &Command) -> Command {
    let mut outer = Command::new(program);
    outer
        .args(arguments)
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        outer.env(name, value.unwrap_or_default());
    }
    outer
}

/// Not a test of its own: see [`Work::command`].
#[test]
#[ignore = "started by other tests"]
fn verb_of_a_child() {
    let Some(work) = Work::told() else { return };
    if let Err(error) = work.here() {
        say(&format!("error {}: {error}", error.code()));
        std::process::exit(FAILED);
    }
}

/// Says on standard output which batch was committed, at once.
struct Acknowledging;

impl Observer for Acknowledging {
    fn observe(&mut self, event: &Event) {
        let is_child = std::env::var_os("FAULT_CHILD_VERB").is_some();
        if let (Event::BatchCommitted { batch, .. }, true) = (event, is_child) {
            say(&format!("acknowledged {batch}"));
        }
    }
}

/// Around the test harness, which would hold it back.
fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // A reader that has gone away is not what is tested here.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// The last batch that a child acknowledged.
pub(crate) fn acknowledged(output: &Output) -> i64 {
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers = text.lines().filter_map(|line| line.split_once("acknowledged "));
    numbers
        .filter_map(|(_, number)| number.trim().parse().ok())
        .max()
        .unwrap_or(0)
}
