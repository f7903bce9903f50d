//! Readings that become windows, beside the least that reading them costs and beside other programs: each step is a process of its
//! own, so that its CPU (user and system, all threads) and its peak of resident memory are its alone. What counts are the ratios
//! inside a round.
//!
//! `cargo bench --bench sensors -- --readings 1000000 --rounds 3 [--shape dense|sparse|many|thrice] [--only NAME,...] [--folder DIR]`
//!
//! Peers run by `benches/sensors/peers.py`, with the Python that COUNTERFOIL_PEERS names or else `python3` of the path; a peer that
//! is not installed there is named as missing. `--only` takes `floor load apply increment verify` and the names of peers.

#![allow(clippy::pedantic)]

#[path = "sensors/floor.rs"]
mod floor;
#[allow(dead_code)]
mod measure;
#[path = "sensors/readings.rs"]
mod readings;

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use readings::Shape;
use rusqlite::Connection;
use serde_json::Value as Json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const LATE: u64 = 1_000;
const PEERS: [(&str, &str); 9] = [
    ("sqlite", "rows"),
    ("duckdb", "rows"),
    ("polars", "rows"),
    ("pandas", "rows"),
    ("python", "rows"),
    ("duckdb", "ndjson"),
    ("polars", "ndjson"),
    ("pandas", "ndjson"),
    ("python", "ndjson"),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|word| word == name)?;
        arguments.get(at + 1).cloned()
    };
    if let Some(store) = option("--floor") {
        return floor::scan(Path::new(&store));
    }
    let kept = tempfile::tempdir()?;
    let bench = Bench {
        count: option("--readings").map_or(Ok(1_000_000), |text| text.parse())?,
        shape: Shape::named(&option("--shape").unwrap_or("dense".to_owned()))?,
        only: option("--only"),
        folder: option("--folder").map_or(kept.path().to_owned(), PathBuf::from),
        python: std::env::var("COUNTERFOIL_PEERS").unwrap_or("python3".to_owned()),
    };
    bench.prepare()?;
    let rounds: usize = option("--rounds").map_or(Ok(1), |text| text.parse())?;
    let mut table = Vec::new();
    for round in 1..=rounds {
        println!(
            "round {round} of {rounds}: {} readings, {:?}",
            bench.count, bench.shape
        );
        table.push(bench.round()?);
    }
    summarize(&table, bench.count);
    Ok(())
}

struct Bench {
    count: u64,
    shape: Shape,
    only: Option<String>,
    folder: PathBuf,
    python: String,
}

/// What a step took, and the figures of the windows that it made.
struct Step {
    name: String,
    cpu: f64,
    peak_mib: u64,
    figures: Option<Json>,
}

impl Bench {
    fn wants(&self, name: &str) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.split(',').any(|word| word == name))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the project and the readings, and loads them into the store that every step starts from.
    fn prepare(&self) -> Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.path("counterfoil.toml"), "name = \"sensors\"\n")?;
        fs::write(
            self.path("0001_windows.toml"),
            include_str!("sensors/0001_windows.toml"),
        )?;
        write(
            &self.path("readings.ndjson"),
            readings::readings(self.count, self.shape),
        )?;
        write(
            &self.path("late.ndjson"),
            readings::late(LATE, self.count, self.shape),
        )?;
        self.load("prepared.db", "readings.ndjson")?;
        Ok(())
    }

    fn load(&self, store: &str, file: &str) -> Result<Step> {
        self.command("load", &["--store", store, "load", "readings_v1", file])
    }

    fn round(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let prepared = self.path("prepared.db").display().to_string();
        if self.wants("floor") {
            let mut command = Command::new(std::env::current_exe()?);
            steps.push(run("floor", command.args(["--floor", &prepared]))?);
        }
        if self.wants("load") {
            let _ = fs::remove_file(self.path("loaded.db"));
            steps.push(self.load("loaded.db", "readings.ndjson")?);
        }
        if self.wants("apply") {
            self.applied(&mut steps)?;
        }
        for (tool, source) in PEERS {
            let name = format!("{tool} {source}");
            if self.wants(tool) {
                let path = if source == "rows" {
                    "prepared.db"
                } else {
                    "readings.ndjson"
                };
                match self.peer(&name, tool, source, &self.path(path))? {
                    Some(step) => steps.push(step),
                    None => println!("  {name:<22} missing: {} has no {tool}", self.python),
                }
            }
        }
        for step in &steps {
            print(step, self.count);
        }
        agree(&steps)?;
        Ok(steps)
    }

    /// The first apply, an increment of late readings, and verify, on one copy of the store.
    fn applied(&self, steps: &mut Vec<Step>) -> Result<()> {
        let store = self.path("store.db");
        fs::copy(self.path("prepared.db"), &store)?;
        File::open(&store)?.sync_all()?;
        let before = fs::metadata(&store)?.len();
        let mut step = self.command("apply", &["--store", "store.db", "apply"])?;
        let grown = fs::metadata(&store)?.len() - before;
        let figures = figures(&store)?;
        let windows = figures["windows"].as_u64().unwrap_or_default().max(1);
        println!("  {} bytes per window", grown / windows);
        step.figures = Some(figures);
        steps.push(step);
        if self.wants("increment") {
            self.load("store.db", "late.ndjson")?;
            steps.push(self.command("increment", &["--store", "store.db", "apply"])?);
            let entries: i64 = Connection::open(&store)?.query_row(
                "SELECT coalesce(sum(entries), 0) FROM ledger_batch WHERE run = (SELECT max(run) FROM ledger_run)",
                [],
                |row| row.get(0),
            )?;
            println!("  {entries} entries of the increment, for {LATE} late readings");
        }
        if self.wants("verify") {
            steps.push(self.command("verify --inputs", &["--store", "store.db", "verify", "--inputs"])?);
        }
        Ok(())
    }

    fn command(&self, name: &str, words: &[&str]) -> Result<Step> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
        run(
            name,
            command
                .arg("--quiet")
                .args(words)
                .current_dir(&self.folder)
                .stdout(Stdio::null()),
        )
    }

    /// Runs another program; `None` if it is not installed.
    fn peer(&self, name: &str, tool: &str, source: &str, path: &Path) -> Result<Option<Step>> {
        let module = if tool == "sqlite" { "sqlite3" } else { tool };
        let module = if tool == "python" { "json" } else { module };
        let import = Command::new(&self.python)
            .args(["-c", &format!("import {module}")])
            .stderr(Stdio::null())
            .status();
        if !import.is_ok_and(|status| status.success()) {
            return Ok(None);
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/sensors/peers.py");
        let output = Command::new(&self.python)
            .arg(script)
            .args([tool, source])
            .arg(path)
            .output()?;
        if !output.status.success() {
            return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let told: Json = serde_json::from_slice(&output.stdout)?;
        Ok(Some(Step {
            name: name.to_owned(),
            cpu: told["cpu_s"].as_f64().unwrap_or_default(),
            peak_mib: told["peak_mib"].as_u64().unwrap_or_default(),
            figures: Some(told),
        }))
    }
}

fn write(file: &Path, lines: impl Iterator<Item = String>) -> Result<()> {
    let mut output = BufWriter::new(File::create(file)?);
    for line in lines {
        writeln!(output, "{line}")?;
    }
    Ok(output.into_inner()?.sync_all()?)
}

/// Runs a process to its end, which has to be good.
fn run(name: &str, command: &mut Command) -> Result<Step> {
    let before = measure::cpu();
    let mut child = command.spawn()?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak = 0;
    let ended = loop {
        peak = peak.max(resident(&status));
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    if !ended.success() {
        return Err(format!("{name} ended with {ended}").into());
    }
    Ok(Step {
        name: name.to_owned(),
        cpu: measure::cpu().saturating_sub(before).as_secs_f64(),
        peak_mib: peak / 1024,
        figures: None,
    })
}

/// The most memory that a process has had, in KiB.
fn resident(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|rest| rest.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What `peers.py` tells of its windows, of ours.
fn figures(store: &Path) -> Result<Json> {
    let text: String = Connection::open(store)?.query_row(
        "SELECT json_object('windows', count(*), 'readings', sum(data ->> 'sample_count'), 'anomalies', sum(data ->> 'temperature_anomaly'),
           'temperature_mean', sum(data ->> 'temperature_mean'), 'temperature_std', sum(data ->> 'temperature_std'),
           'humidity_max', sum(data ->> 'humidity_max'), 'pressure_mean', sum(data ->> 'pressure_mean')) FROM windows_v1",
        [],
        |row| row.get(0),
    )?;
    Ok(serde_json::from_str(&text)?)
}

/// All have made the same windows.
fn agree(steps: &[Step]) -> Result<()> {
    let mut with_figures = steps
        .iter()
        .filter_map(|step| Some((&step.name, step.figures.as_ref()?)));
    let Some((first, expected)) = with_figures.next() else {
        return Ok(());
    };
    for (name, found) in with_figures {
        for key in [
            "windows",
            "readings",
            "temperature_mean",
            "temperature_std",
            "humidity_max",
            "pressure_mean",
        ] {
            let [one, other] = [expected, found].map(|figures| figures[key].as_f64().unwrap_or_default());
            if (one - other).abs() > 1e-9 * one.abs().max(1.0) {
                return Err(format!("{key}: {first} has {one}, {name} has {other}").into());
            }
        }
        // A running formula may decide otherwise where a deviation is at the bound.
        if expected["anomalies"] != found["anomalies"] {
            println!(
                "  {name} marks {}, {first} {}",
                found["anomalies"], expected["anomalies"]
            );
        }
    }
    Ok(())
}

fn print(step: &Step, count: u64) {
    let windows = step.figures.as_ref().map_or(String::new(), |figures| {
        format!("{} windows, {} marked", figures["windows"], figures["anomalies"])
    });
    println!(
        "  {:<22} {:>8.2} s CPU {:>8.3} us a reading {:>6} MiB  {windows}",
        step.name,
        step.cpu,
        step.cpu * 1e6 / count as f64,
        step.peak_mib
    );
}

/// The median of each step, and of its ratios to the floor and to the apply of the same round.
fn summarize(rounds: &[Vec<Step>], count: u64) {
    println!(
        "\n{:<22} {:>14} {:>24} {:>10} {:>6}",
        "median", "us a reading", "/ floor: min med max", "/ apply", "MiB"
    );
    let Some(first) = rounds.first() else { return };
    for (at, step) in first.iter().enumerate() {
        let of =
            |name: &str, round: &Vec<Step>| round.iter().find(|step| step.name == name).map(|step| step.cpu);
        let ratio = |to: &str| -> Option<[f64; 3]> {
            let ratios: Option<Vec<f64>> = rounds
                .iter()
                .map(|round| Some(round[at].cpu / of(to, round)?.max(0.01)))
                .collect();
            ratios.map(measure::spread)
        };
        let cpu = measure::spread(rounds.iter().map(|round| round[at].cpu).collect())[1];
        let floor = ratio("floor").map_or(String::new(), |[min, median, max]| {
            format!("{min:.2} {median:.2} {max:.2}")
        });
        let apply = ratio("apply").map_or(String::new(), |[_, median, _]| format!("{median:.2}"));
        let peak = rounds
            .iter()
            .map(|round| round[at].peak_mib)
            .max()
            .unwrap_or_default();
        println!(
            "{:<22} {:>14.3} {floor:>24} {apply:>10} {peak:>6}",
            step.name,
            cpu * 1e6 / count as f64
        );
    }
}
