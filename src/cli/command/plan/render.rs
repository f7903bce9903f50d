//! A plan on the screen.

use counterfoil::plan::{
    FieldChange, Lint, OperationPlan, PlanReport, PlannedPass, RefusalPlan, Sample, StagePlan,
};
use counterfoil::project::Project;
use counterfoil::refusal::Refusal;
use counterfoil::stage::{Aggregate, Stage};

use super::merging::merging;
use crate::cli::absent::ABSENT;
use crate::cli::aggregated::in_words;
use crate::cli::places::{self, left_for_quarantine};
use crate::cli::render::{bold, bytes, count, counted, dim, green, red, route, shown, table, took, yellow};
use crate::cli::session::Session;
use crate::cli::words::{OUT, Tense};

/// A plan, and what is needed to render it.
pub(super) struct PlanSummary<'t> {
    pub(super) session: &'t Session<'t>,
    pub(super) project: &'t Project,
    pub(super) report: &'t PlanReport,
    /// Free bytes on the disk, if known.
    pub(super) free: Option<u64>,
    /// Whether all fields and values of a record are shown, however many and however long.
    pub(super) full: bool,
}

impl PlanSummary<'_> {
    pub(super) fn text(&self) -> String {
        let report = self.report;
        if report.stages.is_empty() {
            let stages = counted(report.up_to_date.len() as u64, "stage");
            return format!("{stages} up to date: nothing to do.\n");
        }
        let stages = report.stages.iter().map(|stage| self.stage(stage));
        let mut text = stages.collect::<Vec<_>>().join("\n");
        let free = self
            .free
            .map(|free| format!(" ({} free on the disk)", bytes(free)));
        text += &format!(
            "\n{} about {}, the store grows by about {}{}\n",
            bold("In total"),
            took(report.estimated_us()),
            bytes(report.growth()),
            free.unwrap_or_default()
        );
        text
    }

    fn stage(&self, stage: &StagePlan) -> String {
        let mut text = format!(
            "{}  {}\n",
            bold(&shown(&format!("stage {} {}", stage.stage, stage.slug))),
            shown(&route(&stage.source, &stage.target))
        );
        for pass in &stage.passes {
            let what = match pass.kind {
                PlannedPass::First => "would be applied for the first time",
                PlannedPass::Resumed => "would continue where it was interrupted",
                PlannedPass::Later => "would process new and changed records",
                PlannedPass::Revised => "would continue with its changed meaning",
                PlannedPass::Relearned => "would learn its model anew and judge all records by it",
                _ => "would be applied",
            };
            text += &format!("  {what}: {}\n", counted(pass.records, "record"));
        }
        if self.report.sample.is_some() && stage.counts.read < stage.records {
            text += &format!(
                "  {} {} of {} tried, spread evenly\n",
                yellow("a sample:"),
                count(stage.counts.read),
                count(stage.records)
            );
        }
        text += &self.counts(stage);
        if let Some(merge) = &stage.merge {
            text += &merging(stage, merge);
        }
        text += &self.troubles(stage);
        text += &operations(&stage.operations);
        text += &refusals(&stage.refusals);
        text.extend(stage.samples.iter().map(|sample| of_sample(sample, self.full)));
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

    /// Returns what would come of its records.
    fn counts(&self, stage: &StagePlan) -> String {
        let counts = stage.counts;
        if let Some(outcome) = &stage.aggregate {
            let of = self.project.stages().get(stage.stage).and_then(Stage::aggregate);
            let windows = of.is_none_or(Aggregate::has_windows);
            return format!("{}\n", in_words(outcome, counts.refused, windows));
        }
        let mut columns = vec![(">read", counts.read), (">written", counts.written)];
        if stage.merge.is_some() {
            columns.insert(1, (">merged", counts.merged));
        }
        if stage.out != counts.written {
            columns.push((OUT, stage.out));
        }
        columns.extend([
            (">unchanged", counts.unchanged),
            (">filtered", counts.filtered),
            (">refused", counts.refused),
        ]);
        let (header, row): (Vec<&str>, Vec<u64>) = columns.into_iter().unzip();
        table(&header, [row.into_iter().map(count).collect()])
    }

    /// Returns what would stop it, and its warnings.
    fn troubles(&self, stage: &StagePlan) -> String {
        let mut text = String::new();
        if let Some(by) = stage.held_back_by {
            text += &format!(
                "{} stage {by} would stop first, so this stage would be skipped\n",
                yellow("held back:")
            );
        }
        if let Some(limit) = stage.stops {
            let refused = counted(limit.refused, "record");
            let allowed = count(limit.limit);
            text += &format!(
                "{} {refused} refused, {allowed} allowed: `apply` would stop here\n",
                red("stops:")
            );
        }
        let halting = stage.refusals.iter().map(|group| group.halting).sum();
        if halting > 0 {
            let halting = counted(halting, "record");
            text += &format!(
                "{} {halting} would violate a contract in `refuse` mode: `apply` would stop after the batch \
                 with the first one\n",
                red("stops:")
            );
        }
        if stage.halted > 0 {
            let halted = counted(stage.halted, "record");
            text += &format!(
                "{} {halted} refused by a contract in `refuse` mode and still in quarantine: `apply` does not \
                 continue\n",
                red("stopped:")
            );
        }
        let preexisting = stage.refusals.iter().map(|group| group.preexisting).sum();
        if preexisting > 0 {
            let broken = count(preexisting);
            text +=
                &format!("{broken} of the refused records violated the contract before the stage already\n");
        }
        let file = self.project.stages().get(stage.stage);
        for (code, times) in stage.warnings.iter().filter(|(code, _)| *code != ABSENT) {
            let what = places::warned(file, &stage.target, code, *times, Tense::Planned);
            text += &format!("{} {}\n", yellow("warning:"), shown(&what));
        }
        if stage.source == stage.target && stage.counts.refused > 0 {
            let what = left_for_quarantine(
                self.session,
                &stage.target,
                stage.counts.refused,
                None,
                Tense::Planned,
            );
            text += &format!("{} {}\n", yellow("warning:"), shown(&what));
        }
        text
    }
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
        "rollback",
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
    let others = match sample.others {
        0 => String::new(),
        others => format!(" and {}", counted(others, "other")),
    };
    let mut text = format!("\n{}{others}\n", bold(&shown(&id)));
    text.extend(sample.fields.iter().map(|field| of_field(field, full)));
    if sample.more > 0 {
        text += &format!(
            "    {}\n",
            dim(&format!(
                "and {}; --full shows all",
                counted(sample.more, "more field")
            ))
        );
    }
    if sample.kept > 0 {
        text += &format!(
            "    {}\n",
            dim(&format!("{} unchanged", counted(sample.kept, "field")))
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
