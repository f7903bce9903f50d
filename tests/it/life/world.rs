//! The project's folder, the command in it, and what each command cost.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::model::Row;
use crate::support::world::{Said, Scene};

/// What the commands of one name cost in one month.
#[derive(Default)]
struct Cost {
    wall: Vec<Duration>,
    /// In the kernel's ticks, which are hundredths of a second.
    ticks: u64,
}

pub(super) struct World {
    pub(super) scene: Scene,
    pub(super) day: u32,
    pub(super) days: u32,
    seed: u64,
    /// The commands of the day, as one would type them.
    typed: Vec<String>,
    costs: BTreeMap<(String, u32), Cost>,
}

/// Days in a month.
pub(super) const MONTH: u32 = 28;

impl World {
    pub(super) fn new(seed: u64, days: u32) -> Self {
        Self {
            scene: Scene::in_folder("shop"),
            day: 0,
            days,
            seed,
            typed: Vec::new(),
            costs: BTreeMap::new(),
        }
    }

    pub(super) fn begin_day(&mut self, day: u32) {
        if let Some(kept) = std::env::var_os("COUNTERFOIL_LIFE_KEEP") {
            let typed = PathBuf::from(kept).join(format!("commands-{}", self.day));
            let _ = std::fs::write(typed, self.typed.join("\n"));
        }
        self.day = day;
        self.typed.clear();
        if let Some(kept) = std::env::var_os("COUNTERFOIL_LIFE_KEEP") {
            let kept = PathBuf::from(kept).join(format!("day-{}", day % 7));
            let _ = std::fs::remove_dir_all(&kept);
            copy_folder(&self.path(""), &kept);
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.scene.path(name)
    }

    pub(super) fn store(&self) -> PathBuf {
        self.path("store.db")
    }

    pub(super) fn write(&mut self, name: &str, text: &str) {
        self.scene.write(name, text);
        self.typed
            .push(format!("# {name} is written: {} bytes", text.len()));
    }

    /// Notes what was done without the command.
    pub(super) fn note(&mut self, what: &str) {
        self.typed.push(format!("# {what}"));
    }

    /// The whole project goes to another folder.
    pub(super) fn moves(&mut self) {
        self.scene.moves(&format!("moved-{}", self.day));
        self.note("the project's folder is moved");
    }

    /// Runs a command; it must end with one of these exit codes.
    pub(super) fn run(&mut self, arguments: &[&str], codes: &[i32]) -> Said {
        let before = ticks_of_children();
        let began = Instant::now();
        let output = self
            .scene
            .command(arguments)
            .output()
            .expect("the command starts");
        let cost = self.costs.entry((verb(arguments), self.day / MONTH)).or_default();
        cost.wall.push(began.elapsed());
        cost.ticks += ticks_of_children() - before;
        let said = Said::from(output);
        self.typed
            .push(format!("{}  # exit {}", typed(arguments), said.code));
        if !codes.contains(&said.code) || said.err.contains("panicked") {
            let Said { code, out, err } = &said;
            self.fail(&format!("exit {code} instead of {codes:?}\n{out}{err}"));
        }
        said
    }

    /// Runs a command and kills it after so long; `true` where it was not done by then.
    pub(super) fn run_and_kill(&mut self, arguments: &[&str], after: Duration) -> bool {
        let mut command = self.scene.command(arguments);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the command starts");
        std::thread::sleep(after);
        child.kill().expect("a child can be killed");
        let status = child.wait().expect("a child ends");
        let ended = status
            .code()
            .map_or_else(|| "killed".to_owned(), |code| format!("exit {code}"));
        self.typed
            .push(format!("{}  # {ended} after {after:?}", typed(arguments)));
        status.code().is_none()
    }

    /// How long a command of this name takes.
    pub(super) fn takes(&self, verb: &str) -> Duration {
        let newest = self.costs.iter().rev().find(|((of, _), _)| of == verb);
        let newest = newest.and_then(|(_, cost)| cost.wall.last());
        newest.copied().unwrap_or(Duration::from_millis(40))
    }

    /// Counts what was done without a command.
    pub(super) fn timed<T>(&mut self, name: &str, work: impl FnOnce(&Self) -> T) -> T {
        let began = Instant::now();
        let done = work(self);
        let cost = self.costs.entry((name.to_owned(), self.day / MONTH)).or_default();
        cost.wall.push(began.elapsed());
        done
    }

    /// The rows of a database, as `export` writes them; none where there is no such database yet.
    pub(super) fn rows(&mut self, database: &str) -> Vec<Row> {
        #[derive(Deserialize)]
        struct Line {
            id: String,
            data: Box<RawValue>,
        }
        let said = self.run(&["export", database, "--with-id", "--reveal"], &[0, 1, 2]);
        if said.code != 0 {
            if !said.err.contains("no database")
                && !said.err.contains("no such")
                && !said.err.contains("no store")
            {
                self.fail(&said.err);
            }
            return Vec::new();
        }
        let row = |line: &str| {
            let Line { id, data } = serde_json::from_str(line).expect("a line of an export");
            (id, data.get().to_owned())
        };
        said.out.lines().map(row).collect()
    }

    /// Stops the test with what is needed to see it again.
    pub(super) fn fail(&self, why: &str) -> ! {
        let Self { seed, day, days, .. } = self;
        let typed = self.typed.join("\n");
        if std::env::var_os("COUNTERFOIL_LIFE").is_some() {
            println!("{}", self.table());
        }
        panic!("day {day} of {days}, COUNTERFOIL_LIFE_SEED={seed}: {why}\nThe day's commands:\n{typed}\n");
    }

    /// The table: name by month, the median time and the mean processor time of the children.
    pub(super) fn table(&self) -> String {
        let months = (self.days - 1) / MONTH;
        let mut text = format!("{:24}", "median ms (mean CPU ms)");
        for month in 0..=months {
            let _ = write!(text, "{:>16}", format!("month {}", month + 1));
        }
        let names: std::collections::BTreeSet<&str> =
            self.costs.keys().map(|(name, _)| name.as_str()).collect();
        for name in names {
            let _ = write!(text, "\n{name:24}");
            for month in 0..=months {
                let cell = self
                    .costs
                    .get(&(name.to_owned(), month))
                    .map_or_else(String::new, |cost| {
                        let mut wall = cost.wall.clone();
                        wall.sort();
                        let count = u64::try_from(wall.len()).expect("not that many");
                        format!(
                            "{} ({})",
                            wall[wall.len() / 2].as_millis(),
                            cost.ticks * 10 / count
                        )
                    });
                let _ = write!(text, "{cell:>16}");
            }
        }
        text
    }
}

fn verb(arguments: &[&str]) -> String {
    match arguments {
        ["quarantine", what, ..] => format!("quarantine {what}"),
        [verb, ..] => (*verb).to_owned(),
        [] => String::new(),
    }
}

fn typed(arguments: &[&str]) -> String {
    let words = arguments
        .iter()
        .map(|word| match word.contains([' ', '?', '*', '$']) {
            true => format!("'{word}'"),
            false => (*word).to_owned(),
        });
    let words: Vec<String> = words.collect();
    format!("counterfoil {}", words.join(" "))
}

/// The processor time of all children that have ended, user and system. Other tests start children too: alone it is
/// exact, beside them too much.
fn ticks_of_children() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields
        .skip(13)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum()
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("it has a name");
        std::fs::copy(&path, to.join(name)).expect("files can be copied");
    }
}
