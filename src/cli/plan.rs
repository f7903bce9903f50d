//! `plan`: what `apply` would do.

mod next;

use std::io::Write as _;
use std::path::{Path, PathBuf};

use counterfoil::apply::ApplyOptions;
use counterfoil::history::UnfinishedPass;
use counterfoil::ledger::PassKind;
use counterfoil::plan::{
    FieldChange, Lint, OperationPlan, Pin, PlanOptions, PlanReport, PlannedPass, RefusalPlan, Sample,
    StagePlan, plan,
};
use counterfoil::project::Project;
use counterfoil::refusal::Refusal;
use serde_json::{Value as Json, json};

use super::alike;
use super::answer::{Answer, json};
use super::apply::HowToApply;
use super::check::route;
use super::failure::Failure;
use super::outcome::{OUT, of_the_library, stopped_reading};
use super::page_file::beside;
use super::places::{self, Told, left_for_quarantine};
use super::progress::Progress;
use super::render::{bold, bytes, count, counted, dim, green, red, shown, table, took, yellow};
use super::session::Session;
use super::unfinished;

/// Tells what `apply` would do, and writes nothing to the store.
///
/// Every record goes through every stage, as `apply` would carry it; what would be written goes to a private temporary
/// file, where later stages find it. The store is read, and neither locked nor changed. The exit code is 3 where records
/// would be refused.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  counterfoil plan\n  counterfoil plan --sample 1000\n  counterfoil plan --out plan.json && \
                  counterfoil apply --plan plan.json"
)]
pub(crate) struct PlanCommand {
    #[command(flatten)]
    how: HowToApply,
    /// Tries only so many records of each stage, spread evenly over its source.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    sample: Option<u64>,
    /// The most records that are shown for each stage, and for each reason to refuse.
    #[arg(long, value_name = "N", default_value = "3")]
    examples: usize,
    /// Shows all fields and values of these records, however many and however long.
    #[arg(long)]
    full: bool,
    /// Lets applied stages go on with their changed meaning, as `apply --revise` would.
    #[arg(long)]
    revise: bool,
    /// Writes the plan to a file, for `apply --plan FILE`; not of a sample, which does not say what would be done.
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    out: Option<PathBuf>,
}

impl PlanCommand {
    pub(crate) fn run(&self, session: &Session<'_>) -> Result<Answer, Failure> {
        let project = session.project()?;
        let options = PlanOptions {
            apply: ApplyOptions {
                revise: self.revise,
                ..self.how.options(session, &project)?
            },
            sample: self.sample,
            examples: self.examples,
            full: self.full,
        };
        let mut progress = Progress::new(*session.screen).doing("plan");
        let store = session.open_to_read()?;
        session.warn_of_absent_sources(&store, &project)?;
        let report = plan(&store, project.stages(), &options, &mut progress);
        progress.finish();
        let report = report.map_err(|error| of_the_library(session, &project, error))?;
        let free = free_bytes(store.path());
        let mut data = json(&report);
        data["growth"] = json!(report.growth());
        data["estimated_us"] = json!(report.estimated_us());
        data["free_bytes"] = json!(free);
        if report.stopped.is_some() {
            return Ok(
                Answer::new(data, self.text(session, &project, &report, free)).failed(stopped_reading())
            );
        }
        let mut answer = Answer::new(data.clone(), self.text(session, &project, &report, free))
            .refused_if(report.refuses() || report.stages.iter().any(|stage| stage.halted > 0));
        answer = answer.warnings(warnings(&report, free));
        if let Some(path) = &self.out {
            write(path, data)?;
        }
        // What `apply` goes on with is a part of the plan.
        let is_planned = |open: &UnfinishedPass| {
            open.kind == PassKind::Apply && open.project.as_deref() == Some(project.name())
        };
        answer = unfinished::warn(session, &store, answer, is_planned)?;
        if report.stages.is_empty() {
            return Ok(answer);
        }
        Ok(answer.hint(self.next(session, &report)))
    }
}

fn warnings(report: &PlanReport, free: Option<u64>) -> Vec<String> {
    let mut warnings: Vec<String> = report
        .cosmetic
        .iter()
        .map(|stage| {
            format!("the text of stage {stage} has changed since it was applied, but not what it does")
        })
        .collect();
    if report.moved {
        warnings.push(
            "the store was written to while the plan was made; `apply --plan` will refuse it".to_owned(),
        );
    }
    warnings.extend(report.stages.iter().filter_map(alike::planned));
    let growth = report.growth();
    if let Some(free) = free.filter(|free| growth > *free) {
        let (growth, free) = (bytes(growth), bytes(free));
        warnings.push(format!(
            "the store would grow by about {growth}, and the disk has {free} left"
        ));
    }
    warnings
}

/// Writes the plan in the place of an earlier one; no other file is overwritten.
fn write(path: &Path, mut data: Json) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(
            "plan.unwritable",
            format!("{}: {error}", path.display()),
            "nothing in the store has changed; name another file",
        )
    };
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        let message = format!("{} is no regular file", path.display());
        return Err(Failure::usage("plan.exists", message, "name a new file"));
    }
    match std::fs::read_to_string(path) {
        Ok(text) if Pin::parse(&text).is_err() => {
            let message = format!("{} is there already, and is no plan", path.display());
            return Err(Failure::usage("plan.exists", message, "name a new file"));
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let pin = data["pin"].take();
    if let Some(fields) = data.as_object_mut() {
        fields.remove("pin");
    }
    let pin: Pin = serde_json::from_value(pin).expect("a plan has its pin");
    // Under another name first, so that there is a whole plan or the earlier one.
    let finished = beside(path).and_then(|mut part| {
        part.write_all(pin.to_file(&data).as_bytes())?;
        part.as_file().sync_all()?;
        part.persist(path).map_err(|error| error.error)
    });
    finished.map(drop).map_err(failed)
}

/// What the disk of a file has left for this user; `None` where that is not known.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let room = rustix::fs::statvfs(path).ok()?;
    room.f_bavail.checked_mul(room.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

impl PlanCommand {
    fn text(
        &self,
        session: &Session<'_>,
        project: &Project,
        report: &PlanReport,
        free: Option<u64>,
    ) -> String {
        if report.stages.is_empty() {
            let stages = counted(report.up_to_date.len() as u64, "stage");
            return format!("{stages} up to date: nothing to do.\n");
        }
        let stages = report
            .stages
            .iter()
            .map(|stage| of_stage(session, project, stage, (report.sample, self.full)));
        let mut text = stages.collect::<Vec<_>>().join("\n");
        text += &format!(
            "\n{} about {}, and the store grows by about {}{}\n",
            bold("In all"),
            took(report.estimated_us()),
            bytes(report.growth()),
            free.map_or_else(String::new, |free| format!(
                " (the disk has {} left)",
                bytes(free)
            ))
        );
        text
    }
}

fn of_stage(
    session: &Session<'_>,
    project: &Project,
    stage: &StagePlan,
    (sample, full): (Option<u64>, bool),
) -> String {
    let mut text = format!(
        "{}  {}\n",
        bold(&shown(&format!("stage {} {}", stage.stage, stage.slug))),
        shown(&route(&stage.source, &stage.target))
    );
    for pass in &stage.passes {
        let what = match pass.kind {
            PlannedPass::First => "would be applied for the first time",
            PlannedPass::Resumed => "would go on where it was interrupted",
            PlannedPass::Later => "would carry what came since",
            PlannedPass::Revised => "would go on with its changed meaning",
            _ => "would be applied",
        };
        text += &format!("  {what}: {}\n", counted(pass.records, "record"));
    }
    if sample.is_some() && stage.counts.read < stage.records {
        text += &format!(
            "  {} {} of {} tried, spread evenly\n",
            yellow("a sample:"),
            count(stage.counts.read),
            count(stage.records)
        );
    }
    let counts = stage.counts;
    let mut columns = vec![(">read", counts.read), (">written", counts.written)];
    if stage.out != counts.written {
        columns.push((OUT, stage.out));
    }
    columns.extend([
        (">unchanged", counts.unchanged),
        (">filtered", counts.filtered),
        (">refused", counts.refused),
    ]);
    let (header, row): (Vec<&str>, Vec<u64>) = columns.into_iter().unzip();
    text += &table(&header, [row.into_iter().map(count).collect()]);
    text += &troubles(session, project, stage);
    text += &operations(&stage.operations);
    text += &refusals(&stage.refusals);
    text.extend(stage.samples.iter().map(|sample| of_sample(sample, full)));
    text += &lints(&stage.lints);
    let images = match stage.images {
        0 => String::new(),
        images => format!(
            ", {} of before images for {}",
            bytes(stage.image_bytes),
            counted(images, "record")
        ),
    };
    text += &dim(&format!(
        "about {}, the store grows by about {}{images}",
        took(stage.estimated_us),
        bytes(stage.growth)
    ));
    text + "\n"
}

/// What would stop it, and what it warns of.
fn troubles(session: &Session<'_>, project: &Project, stage: &StagePlan) -> String {
    let mut text = String::new();
    if let Some(by) = stage.held_back_by {
        text += &format!(
            "{} stage {by} would stop before it is up to date, and this one would be left as it is\n",
            yellow("held back:")
        );
    }
    if let Some(limit) = stage.stops {
        let refused = counted(limit.refused, "record");
        let allowed = count(limit.limit);
        text += &format!(
            "{} {refused} refused, and {allowed} allowed: `apply` would stop here\n",
            red("stops:")
        );
    }
    let halting = stage.refusals.iter().map(|group| group.halting).sum();
    if halting > 0 {
        let halting = counted(halting, "record");
        text += &format!(
            "{} {halting} would break a contract in the mode `refuse`: `apply` would stop after the batch \
             with the first\n",
            red("stops:")
        );
    }
    if stage.halted > 0 {
        let halted = counted(stage.halted, "record");
        text += &format!(
            "{} {halted} refused by a contract in the mode `refuse` and not settled: `apply` does not go on\n",
            red("stopped:")
        );
    }
    let preexisting = stage.refusals.iter().map(|group| group.preexisting).sum();
    if preexisting > 0 {
        let broken = count(preexisting);
        text += &format!("of the refused, {broken} broke the contract already before the stage\n");
    }
    let file = project.stages().get(stage.stage);
    for (code, times) in &stage.warnings {
        let what = places::warned(file, &stage.target, code, *times, Told::Planned);
        text += &format!("{} {}\n", yellow("warned:"), shown(&what));
    }
    if stage.source == stage.target && stage.counts.refused > 0 {
        let what = left_for_quarantine(session, &stage.target, stage.counts.refused, None, Told::Planned);
        text += &format!("{} {}\n", yellow("warned:"), shown(&what));
    }
    text
}

fn lints(lints: &[Lint]) -> String {
    let mut text = String::new();
    for lint in lints {
        let place = lint
            .place
            .as_ref()
            .map_or_else(String::new, |place| format!("{place}: "));
        let what = format!("{place}{}", lint.message);
        text += &format!(
            "{} {}\n",
            yellow(&format!("warning[{}]:", lint.code)),
            shown(&what)
        );
    }
    text
}

fn operations(operations: &[OperationPlan]) -> String {
    if operations.is_empty() {
        return String::new();
    }
    let rows = operations.iter().map(|operation| {
        let tallied = operation.tallied;
        vec![
            operation.op.to_owned(),
            operation.place.clone().unwrap_or_default(),
            count(tallied.reached),
            count(tallied.matched),
            count(tallied.changed),
            count(tallied.refused),
            operation.reversibility.to_owned(),
        ]
    });
    let header = [
        "operation",
        "at",
        ">reached",
        ">matched",
        ">changed",
        ">refused",
        "undone by",
    ];
    format!("\n{}", table(&header, rows))
}

fn refusals(refusals: &[RefusalPlan]) -> String {
    if refusals.is_empty() {
        return String::new();
    }
    // Without examples the codes and counts are all there is.
    let are_bare = refusals.iter().all(|group| group.examples.is_empty());
    if are_bare {
        let rows = refusals
            .iter()
            .map(|group| vec![group.code.clone(), count(group.records)]);
        let rows = rows.collect::<Vec<_>>();
        return format!(
            "\n{}\n{}",
            bold("Would be refused"),
            table(&["code", ">records"], rows)
        );
    }
    let rows = refusals.iter().flat_map(|group| {
        group.examples.iter().enumerate().map(|(at, example)| {
            let (code, records) = match at {
                0 => (group.code.clone(), count(group.records)),
                _ => (String::new(), String::new()),
            };
            vec![code, records, example.id.clone(), why(&example.reason)]
        })
    });
    format!(
        "\n{}\n{}",
        bold("Would be refused"),
        table(
            &["code", ">records", "for example", "why"],
            rows.collect::<Vec<_>>()
        )
    )
}

/// Why a record would be refused.
fn why(reason: &Refusal) -> String {
    let Some(words) = places::why(&reason.code) else {
        return reason.to_string();
    };
    let words = match &reason.holder {
        Some(holder) if reason.code == places::EXISTS => {
            format!("record {} has its id in the target", holder.record)
        }
        _ => words.to_owned(),
    };
    let part = reason
        .violations
        .first()
        .and_then(|violation| violation.part.as_ref());
    part.map_or_else(|| words.clone(), |part| format!("{part}: {words}"))
}

fn of_sample(sample: &Sample, full: bool) -> String {
    let id = if sample.id == sample.target_id {
        sample.id.clone()
    } else {
        format!("{} -> {}", sample.id, sample.target_id)
    };
    let mut text = format!("\n{}\n", bold(&shown(&id)));
    text.extend(sample.fields.iter().map(|field| of_field(field, full)));
    if sample.more > 0 {
        text += &format!(
            "    {}\n",
            dim(&format!(
                "and {}; all with --full",
                counted(sample.more, "more field")
            ))
        );
    }
    if sample.kept > 0 {
        text += &format!(
            "    {}\n",
            dim(&format!("{} as they are", counted(sample.kept, "field")))
        );
    }
    text
}

fn of_field(field: &FieldChange, full: bool) -> String {
    let pointer = shown(&field.pointer);
    let cut = |json: &str| {
        const MOST: usize = 120;
        match json.char_indices().nth(MOST) {
            Some((at, _)) if !full => shown(&format!("{}…", &json[..at])).into_owned(),
            _ => shown(json).into_owned(),
        }
    };
    match (&field.before, &field.after) {
        (Some(before), Some(after)) => {
            format!(
                "  {} {pointer}  {} -> {}\n",
                yellow("~"),
                red(&cut(before)),
                green(&cut(after))
            )
        }
        (Some(before), None) => format!("  {} {pointer}  {}\n", red("-"), red(&cut(before))),
        (None, Some(after)) => format!("  {} {pointer}  {}\n", green("+"), green(&cut(after))),
        (None, None) => String::new(),
    }
}
