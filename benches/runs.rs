//! What one more run costs, by the number of runs, passes and stages that there were before: CPU of each verb, the store
//! opened anew each time.
//!
//! `cargo bench --bench runs`, or with `-- --only runs,stages,retry,waived,trace`.

#![allow(clippy::pedantic, dead_code)]

#[path = "measure.rs"]
mod measure;

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::rc::Rc;

use counterfoil::RunInfo;
use counterfoil::apply::{ApplyOptions, apply};
use counterfoil::environment::Environment;

use counterfoil::load::{LoadOptions, load};
use counterfoil::observe::Silent;
use counterfoil::plan::{PlanOptions, plan};
use counterfoil::quarantine::{Selected, retry, waive};
use counterfoil::record::{RecordNumber, RunId};
use counterfoil::report::ReportOptions;
use counterfoil::rollback::{RollbackOptions, RollbackScope, rollback};
use counterfoil::stage::{Lookup, MaxErrors, Stage, Stages};
use counterfoil::store::{Store, StoreOptions};
use counterfoil::verify::{VerifyOptions, verify};

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let arguments: Vec<String> = std::env::args().collect();
    let only = arguments
        .iter()
        .position(|word| word == "--only")
        .and_then(|at| arguments.get(at + 1));
    let wanted = |name: &str| only.is_none_or(|only| only.split(',').any(|word| word == name));
    type Table = (&'static str, fn() -> Done);
    let tables: [Table; 5] = [
        ("runs", runs),
        ("stages", stages_in_place),
        ("retry", retries),
        ("waived", waived),
        ("trace", traces),
    ];
    for (name, table) in tables {
        if wanted(name) {
            table()?;
        }
    }
    Ok(())
}

/// A store with its stages.
struct Project {
    folder: tempfile::TempDir,
    path: PathBuf,
    stages: Rc<Stages>,
    loaded: usize,
}

impl Project {
    fn new(stages: &[(String, String)]) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let parsed = stages
            .iter()
            .map(|(name, text)| {
                Stage::parse(name, text, &Lookup::default()).map_err(|problems| format!("{problems:?}"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let stages = Rc::new(Stages::new("bench", parsed).map_err(|problems| format!("{problems:?}"))?);
        let path = folder.path().join("store.db");
        Ok(Self {
            folder,
            path,
            stages,
            loaded: 0,
        })
    }

    fn open(&self) -> Result<Store, Box<dyn Error>> {
        Ok(Store::open_or_create(
            &self.path,
            StoreOptions::default(),
            Environment::default(),
        )?)
    }

    fn load(&mut self, lines: &str) -> Done {
        self.loaded += 1;
        let name = format!("{}.ndjson", self.loaded);
        let options = LoadOptions::default().again(true);
        load(
            &mut self.open()?,
            "a",
            &name,
            lines.as_bytes(),
            &options,
            &mut Silent,
        )?;
        Ok(())
    }

    fn apply(&self) -> Done {
        apply(
            &mut self.open()?,
            &self.stages,
            &ApplyOptions::default(),
            &mut Silent,
        )?;
        Ok(())
    }

    /// As it is, to try something on.
    fn copy(&self) -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("store.db");
        std::fs::copy(&self.path, &path)?;
        let stages = self.stages.clone();
        Ok(Self {
            folder,
            path,
            stages,
            loaded: self.loaded,
        })
    }

    fn roll_back(&self, scope: RollbackScope) -> Done {
        let options = RollbackOptions::default().scope(scope);
        rollback(&mut self.open()?, "bench", &options, &mut Silent)?;
        Ok(())
    }

    fn last_run(&self) -> Result<RunId, Box<dyn Error>> {
        Ok(self
            .open()?
            .history(1)?
            .first()
            .map_or(RunId::BEFORE_FIRST, |run| run.run))
    }
}

/// The CPU of one of so many times, in milliseconds.
fn each(times: u32, mut work: impl FnMut() -> Done) -> Result<f64, Box<dyn Error>> {
    let before = measure::cpu();
    for _ in 0..times {
        work()?;
    }
    let taken = measure::cpu().saturating_sub(before);
    Ok(taken.as_secs_f64() * 1e3 / f64::from(times))
}

fn row(name: &str, columns: &[(&str, f64)]) {
    let mut text = format!("{name:>18}");
    for (verb, ms) in columns {
        let _ = write!(text, "  {verb} {ms:.1}");
    }
    println!("{text}  (ms of CPU)");
}

fn copying(number: u32, source: &str, target: &str) -> (String, String) {
    let text = format!(
        "[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"rename\"\nfrom = \"a\"\nto = \"b\"\n"
    );
    (format!("{number:04}_copy.toml"), text)
}

fn converting() -> (String, String) {
    let text = "[stage]\nsource = \"a\"\ntarget = \"b\"\nmax_errors = \"100%\"\n\n[[op]]\nop = \"convert\"\npath = \"n\"\nto = \"integer\"\n";
    ("0001_n.toml".to_owned(), text.to_owned())
}

/// One-record loads, each with its apply.
fn runs() -> Done {
    let mut project = Project::new(&[copying(1, "a", "b")])?;
    let mut done = 0;
    for wanted in [100, 1_000, 10_000] {
        while done < wanted {
            done += 1;
            project.load(&format!("{{\"id\":\"r{done}\",\"a\":1}}\n"))?;
            project.apply()?;
        }
        let mut trial = project.copy()?;
        let mut next = 0;
        let load = each(20, || {
            next += 1;
            trial.load(&format!("{{\"id\":\"n{next}\",\"a\":1}}\n"))
        })?;
        trial.apply()?;
        let mut applied = 0.0;
        for at in 0..20 {
            trial.load(&format!("{{\"id\":\"m{at}\",\"a\":1}}\n"))?;
            applied += each(1, || trial.apply())?;
        }
        let nothing = each(20, || trial.apply())?;
        let looked = each(50, || {
            trial.open()?.status(&trial.stages).map(drop).map_err(Into::into)
        })?;
        let told = each(50, || trial.open()?.history(20).map(drop).map_err(Into::into))?;
        let last = trial.last_run()?;
        let reported = each(20, || {
            let store = trial.open()?;
            store.run(last)?;
            store
                .report(Some(last), &ReportOptions::default())
                .map(drop)
                .map_err(Into::into)
        })?;
        let traced = each(50, || {
            trial.open()?.trace("b", "r50").map(drop).map_err(Into::into)
        })?;
        let verified = each(3, || {
            verify(&trial.open()?, &VerifyOptions::default())
                .map(drop)
                .map_err(Into::into)
        })?;
        let mut undone = 0.0;
        for at in 0..10 {
            trial.load(&format!("{{\"id\":\"u{at}\",\"a\":1}}\n"))?;
            trial.apply()?;
            let last = trial.last_run()?;
            undone += each(1, || trial.roll_back(RollbackScope::Run(last)))?;
        }
        let all = project.copy()?;
        let everything = each(1, || all.roll_back(RollbackScope::All))?;
        row(
            &format!("{wanted} runs"),
            &[
                ("load", load),
                ("apply", applied / 20.0),
                ("nothing", nothing),
                ("status", looked),
                ("history", told),
                ("report", reported),
                ("trace", traced),
                ("rollback --run", undone / 10.0),
                ("verify", verified),
                ("rollback --all", everything),
            ],
        );
    }
    Ok(())
}

/// Stages in place, one after the other, on a hundred records: they give one field another name, or each adds a field, so
/// that the last record is as many fields long as there are stages.
fn stages_in_place() -> Done {
    stages_that("rename", &|at| {
        format!("op = \"rename\"\nfrom = \"f{}\"\nto = \"f{at}\"", at - 1)
    })?;
    stages_that("add", &|at| {
        format!("op = \"add\"\npath = \"f{at}\"\nvalue = {at}")
    })
}

fn stages_that(name: &str, op: &dyn Fn(u32) -> String) -> Done {
    for count in [10, 100, 500] {
        let stages: Vec<(String, String)> = (1..=count)
            .map(|at| {
                let text = format!("[stage]\nsource = \"a\"\n\n[[op]]\n{}\n", op(at));
                (format!("{at:04}_s{at}.toml"), text)
            })
            .collect();
        let mut project = Project::new(&stages)?;
        let lines: String = (1..=100)
            .map(|id| format!("{{\"id\":\"r{id}\",\"f0\":{id}}}\n"))
            .collect();
        project.load(&lines)?;
        let planned = each(1, || {
            plan(
                &project.open()?,
                &project.stages,
                &PlanOptions::default(),
                &mut Silent,
            )
            .map(drop)
            .map_err(Into::into)
        })?;
        let applied = each(1, || project.apply())?;
        let looked = each(3, || {
            project
                .open()?
                .status(&project.stages)
                .map(drop)
                .map_err(Into::into)
        })?;
        let verified = each(1, || {
            verify(&project.open()?, &VerifyOptions::default())
                .map(drop)
                .map_err(Into::into)
        })?;
        let undone = each(1, || project.roll_back(RollbackScope::All))?;
        row(
            &format!("{count} stages {name}"),
            &[
                ("plan", planned),
                ("apply", applied),
                ("status", looked),
                ("verify", verified),
                ("rollback --all", undone),
            ],
        );
    }
    Ok(())
}

/// Refused records that are corrected and tried again.
fn retries() -> Done {
    for count in [10_000_u32, 40_000, 100_000, 200_000] {
        let mut project = Project::new(&[converting()])?;
        let bad: String = (1..=count)
            .map(|id| format!("{{\"id\":\"r{id}\",\"n\":\"?\"}}\n"))
            .collect();
        project.load(&bad)?;
        project.apply()?;
        let options = ApplyOptions::default().max_errors(MaxErrors::Count(u64::MAX));
        let again = each(1, || {
            let tried = retry(
                &mut project.open()?,
                &project.stages,
                &Selected::default(),
                &options,
                &mut Silent,
            )?;
            let refused: u64 = tried.passes.iter().map(|pass| pass.counts.refused).sum();
            assert_eq!(refused, u64::from(count), "every one is tried, and refused again");
            Ok(())
        })?;
        row(
            &format!("{count} refused"),
            &[("retry", again), ("us each", again * 1e3 / f64::from(count))],
        );
    }
    Ok(())
}

/// Two hundred refusals that were waived, and then runs.
fn waived() -> Done {
    let mut project = Project::new(&[converting()])?;
    let bad: String = (1..=200)
        .map(|id| format!("{{\"id\":\"bad{id}\",\"n\":\"?\"}}\n"))
        .collect();
    project.load(&bad)?;
    project.apply()?;
    let run_info = RunInfo::new("quarantine waive").reason("bench".to_owned());
    waive(&mut project.open()?, "bench", &Selected::default(), &run_info)?;
    let mut done = 0;
    for wanted in [20, 200, 2_000] {
        while done < wanted {
            done += 1;
            project.load(&format!("{{\"id\":\"r{done}\",\"n\":\"1\"}}\n"))?;
            project.apply()?;
        }
        let nothing = each(20, || project.apply())?;
        let looked = each(20, || {
            project
                .open()?
                .status(&project.stages)
                .map(drop)
                .map_err(Into::into)
        })?;
        let listed = each(20, || {
            project
                .open()?
                .quarantine("bench", &Selected::default(), 50)
                .map(drop)
                .map_err(Into::into)
        })?;
        row(
            &format!("{wanted} runs"),
            &[
                ("apply with nothing to do", nothing),
                ("status", looked),
                ("quarantine list", listed),
            ],
        );
    }
    Ok(())
}

/// The life of one derived record among its siblings: one record becomes groups, and each group a thousand records.
fn traces() -> Done {
    let derive = |source: &str, target: &str| {
        format!(
            "[stage]\nsource = \"{source}\"\ntarget = \"{target}\"\n\n[[op]]\nop = \"derive\"\npath = \"items\"\n"
        )
    };
    for count in [1_000, 10_000, 100_000] {
        let mut project = Project::new(&[
            ("0001_groups.toml".to_owned(), derive("a", "b")),
            ("0002_items.toml".to_owned(), derive("b", "c")),
            copying(3, "c", "d"),
        ])?;
        let groups: Vec<String> = (0..count / 1_000)
            .map(|group| {
                let items: Vec<String> = (0..1_000)
                    .map(|at| format!("{{\"id\":\"i{}\",\"a\":{at}}}", group * 1_000 + at))
                    .collect();
                format!("{{\"id\":\"g{group}\",\"items\":[{}]}}", items.join(","))
            })
            .collect();
        project.load(&format!("{{\"id\":\"one\",\"items\":[{}]}}\n", groups.join(",")))?;
        project.apply()?;
        let ids = project
            .open()?
            .records_after("d", RecordNumber::BEFORE_FIRST, 7)?;
        let id = ids.last().ok_or("no record was derived")?.id.clone();
        let mut steps = 0;
        let traced = each(10, || {
            steps = project.open()?.trace("d", &id)?.len();
            Ok(())
        })?;
        let mut whole = 0;
        let family = each(1, || {
            whole = project.open()?.trace_family("d", &id)?.len();
            Ok(())
        })?;
        row(
            &format!("{count} siblings"),
            &[
                ("trace", traced),
                ("steps", steps as f64),
                ("--family", family),
                ("steps", whole as f64),
            ],
        );
    }
    Ok(())
}
