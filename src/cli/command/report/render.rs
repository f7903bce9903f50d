//! The report as text on a terminal: the sections of the page, in their order.

use counterfoil::history::Deviations;
use counterfoil::quarantine::Named;
use counterfoil::reconcile::DifferenceCause;
use counterfoil::report::{
    Evidence, PassOutcome, ReconciliationResult, RefusalExample, Refused, RunReport, Speed,
    StageReconciliation,
};

use super::matching::matching;
use super::series::series;
use crate::cli::matching::merged_into;
use crate::cli::places::deviating;
use crate::cli::render::{
    bold, count, counted, dim, green, indented, moment, red, route, short, shown, shown_lines, table, yellow,
};
use crate::cli::session::Session;
use crate::cli::unfinished;

pub(super) fn render(session: &Session<'_>, report: &RunReport) -> String {
    let sections = [
        ("Summary", summary(report)),
        ("Outcomes", outcomes(report)),
        ("Speed", speed(&report.speed)),
        ("Refused", refused(&report.refused)),
        ("Matching", matching(&report.matching)),
        ("Series", series(&report.series)),
        ("Reconciliation", reconciliation(&report.reconciliation)),
        ("Deviations", deviations(report.deviations.as_ref())),
        ("Evidence", evidence(&report.evidence)),
    ];
    let run = &report.summary.run;
    let mut text = format!(
        "{} {}\n",
        bold(&format!("Run {}", run.run)),
        shown(&report.summary.command_line)
    );
    if let Some(newer) = report.passed_over {
        text += &format!(
            "the newest run that wrote records; run {newer} is newer but wrote none: {}\n",
            session.command(&format!("report {newer}"))
        );
    }
    text += &undone(report);
    for pass in &report.unfinished {
        let told = unfinished::render(session, pass);
        text += &format!("{} {told}\n", yellow("UNFINISHED:"));
    }
    // Of a run that merged nothing, or aggregated nothing, there is no such section.
    for (name, section) in sections.into_iter().filter(|(name, _)| match *name {
        "Matching" => !report.matching.is_empty(),
        "Series" => !report.series.is_empty(),
        _ => true,
    }) {
        text += &format!("\n{}\n{}\n", bold(name), indented(section.trim_end(), 2));
    }
    text + &dim(&format!(
        "\nGenerated {} from {} after batch {}, root {}\n",
        moment(&report.made),
        shown(&report.store.path),
        report.store.batch,
        short(&report.store.tree_root)
    ))
}

fn undone(report: &RunReport) -> String {
    let mut text = String::new();
    for undone in &report.undone {
        let what = match (undone.whole, undone.finished) {
            (true, true) => "all",
            (true, false) => "part",
            (false, _) => "single records",
        };
        text += &format!(
            "{} {what} of pass {} by pass {} in run {}, {} by {}: {} restored\n",
            red("ROLLED BACK:"),
            undone.pass,
            undone.by_pass,
            undone.run,
            moment(&undone.at),
            shown(&undone.actor),
            count(undone.records)
        );
    }
    text
}

fn summary(report: &RunReport) -> String {
    let (summary, run) = (&report.summary, &report.summary.run);
    let state = match summary.ending.name() {
        name @ "done" => green(name),
        name => yellow(name),
    };
    let mut rows = vec![
        (
            "actor".to_owned(),
            format!("{} on {}, {}", run.actor, run.host, run.tool),
        ),
        (
            "reason".to_owned(),
            run.reason.clone().unwrap_or_else(|| "none given".to_owned()),
        ),
        ("started".to_owned(), moment(&run.started)),
        ("last commit".to_owned(), moment(&run.last_commit)),
        (
            "batches".to_owned(),
            format!(
                "{}, numbers {} to {}",
                count(summary.batch_count),
                run.batches.first,
                run.batches.last
            ),
        ),
        ("run".to_owned(), run.uuid.clone()),
    ];
    rows.extend(
        summary
            .project
            .iter()
            .map(|name| ("project".to_owned(), name.clone())),
    );
    rows.extend(summary.stages.iter().map(|stage| {
        let description = stage.description.as_deref().unwrap_or_default();
        (
            format!("stage {}", stage.number),
            format!("{} {description}", stage.slug),
        )
    }));
    let widest = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let line = |(name, value): (String, String)| format!("{:widest$}  {}\n", name, shown(value.trim_end()));
    let facts: String = rows.into_iter().map(line).collect();
    format!("{state}: {}\n{facts}", shown(&summary.ending_text))
}

fn outcomes(report: &RunReport) -> String {
    let processed = report
        .outcomes
        .iter()
        .filter(|pass| !matches!(pass.kind.as_str(), "init" | "reconcile"));
    let rows: Vec<Vec<String>> = processed
        .map(|pass| {
            let stage = pass
                .stage
                .map(|stage| format!(" stage {stage}"))
                .unwrap_or_default();
            let names = [&pass.source, &pass.target].map(|name| name.as_deref().unwrap_or_default());
            let counts = pass.counts;
            let numbers = [
                pass.aggregate
                    .as_ref()
                    .map_or(counts.read, |outcome| outcome.readings.read),
                counts.written,
                counts.unchanged,
                counts.filtered,
                counts.refused,
                counts.merged,
            ];
            let mut row = vec![
                pass.pass.to_string(),
                format!("{}{stage}", pass.kind),
                route(names[0], names[1]),
            ];
            row.extend(numbers.map(count));
            row
        })
        .collect();
    if rows.is_empty() {
        return "No pass of this run read records.".to_owned();
    }
    let header = [
        ">pass",
        "what",
        "route",
        ">read",
        ">written",
        ">unchanged",
        ">filtered",
        ">refused",
        ">merged",
    ];
    let mut text = table(&header, rows);
    for pass in &report.outcomes {
        text += &came_out(pass);
        for (code, times) in &pass.warnings {
            let times = counted(*times, "time");
            text += &format!("pass {} warned {times}: {}\n", pass.pass, shown(code));
        }
        if let Some(whole) = &pass.whole {
            text += &format!(
                "pass {} spans several runs: {} read, {} written, {} refused in total\n",
                pass.pass,
                count(whole.read),
                count(whole.written),
                count(whole.refused)
            );
        }
    }
    text
}

/// What came out of the records of a pass, where it is not one of each.
fn came_out(pass: &PassOutcome) -> String {
    let (written, merged) = (pass.counts.written, pass.counts.merged);
    if let Some(outcome) = &pass.aggregate {
        let readings = counted(outcome.readings.read, "reading");
        return format!("pass {}: {readings}, {}\n", pass.pass, outcome.told(&pass.counts));
    }
    if pass.golden > 0 {
        let merged = merged_into(merged, pass.golden);
        format!("pass {}: {merged}, {} alone\n", pass.pass, count(written))
    } else if pass.out != written {
        let out = counted(pass.out, "record");
        format!("pass {}: {} written as {out}\n", pass.pass, count(written))
    } else {
        String::new()
    }
}

fn speed(speed: &Speed) -> String {
    let mut text = speed
        .remark
        .clone()
        .map(|remark| remark + "\n")
        .unwrap_or_default();
    if let Some(rate) = speed.per_second {
        text += &format!("{} records per second overall", count(rate));
        if let (Some(median), None) = (speed.median, &speed.remark) {
            text += &format!(", median {} over {}", count(median), batches(speed.batches));
        }
        text.push('\n');
    }
    text
}

fn batches(number: u64) -> String {
    format!(
        "{} {}",
        count(number),
        if number == 1 { "batch" } else { "batches" }
    )
}

fn refused(refused: &Refused) -> String {
    if refused.causes.is_empty() {
        return "Nothing was refused.".to_owned();
    }
    let by = |kind: &str, stage: Option<u32>| match stage {
        Some(stage) => format!("{kind} stage {stage}"),
        None => kind.to_owned(),
    };
    let rows = refused.causes.iter().map(|cause| {
        vec![
            by(&cause.kind, cause.stage),
            cause.code.clone(),
            count(cause.records),
            count(cause.standing),
        ]
    });
    let mut text = table(&["refused by", "code", ">records", ">in quarantine"], rows);
    let examples = refused.causes.iter().flat_map(|cause| {
        let row = |example| example_row(&cause.code, example);
        cause.examples.iter().map(row)
    });
    if refused.causes.iter().any(|cause| !cause.examples.is_empty()) {
        text.push('\n');
        text += &table(&["code", ">record", "id", "where", "expected", "rule"], examples);
    }
    for example in refused.causes.iter().flat_map(|cause| &cause.examples) {
        for words in example.named.iter().filter_map(Named::in_words) {
            text += &format!("record {}: {}\n", example.record, shown(&words));
        }
        if let Some(input) = &example.input {
            let data = input
                .data
                .as_deref()
                .unwrap_or("input not shown: it cannot be masked, or is no longer kept");
            text += &format!("record {}: {}\n", example.record, shown(data));
        }
    }
    text
}

fn example_row(code: &str, example: &RefusalExample) -> Vec<String> {
    let first = example.violations.first();
    let place = match (&example.lines_text, first) {
        (Some(lines), _) => lines.clone(),
        (None, Some(violation)) => violation.place().into_owned(),
        _ => "the record".to_owned(),
    };
    let more = (example.violations.len() as u64).saturating_sub(1) + example.more;
    let place = if more > 0 {
        format!("{place} and {} more", count(more))
    } else {
        place
    };
    vec![
        code.to_owned(),
        example.record.to_string(),
        example.id.clone().unwrap_or_default(),
        place,
        first
            .and_then(|violation| violation.expected.clone())
            .unwrap_or_default(),
        first
            .and_then(|violation| violation.rule.clone())
            .unwrap_or_default(),
    ]
}

fn reconciliation(looks: &[StageReconciliation]) -> String {
    if looks.is_empty() {
        return "No stage that this run worked on was reconciled.".to_owned();
    }
    let told = looks
        .iter()
        .flat_map(|look| look.results.iter().map(move |result| one(look, result)));
    told.collect::<Vec<_>>().join("\n")
}

fn deviations(deviations: Option<&Deviations>) -> String {
    match deviations.map(deviating) {
        None => "Unknown: the stage files are not available.".to_owned(),
        Some(none) if none.is_empty() => {
            "Every target row is what the stages would make from the sources.".to_owned()
        }
        Some(told) => told,
    }
}

fn one(look: &StageReconciliation, result: &ReconciliationResult) -> String {
    let state = if result.holds {
        green("reconciled")
    } else {
        red("NOT RECONCILED")
    };
    let row = |name: &str, records: Option<u64>, amount: &str| {
        vec![
            name.to_owned(),
            records.map(count).unwrap_or_default(),
            amount.to_owned(),
        ]
    };
    let mut rows = vec![row("source", Some(result.source_records), &result.source_amount)];
    rows.extend(result.causes.iter().map(|cause| {
        let mut name = format!("  {}", DifferenceCause::words(&cause.cause));
        if cause.unmeasured > 0 {
            name += &format!(" ({} without an amount)", count(cause.unmeasured));
        }
        row(&name, Some(cause.records), &cause.amount)
    }));
    rows.push(row("target", Some(result.target_records), &result.target_amount));
    rows.push(row("difference", None, &result.difference));
    let why = result
        .why_open()
        .map(|why| format!(" ({why})"))
        .unwrap_or_default();
    rows.push(row(&format!("unexplained{why}"), None, &result.unexplained));
    rows.push(row("tolerance", None, &result.tolerance));
    format!(
        "stage {} {}, {}: {state}\n{}",
        look.stage,
        shown(&look.slug),
        shown(&result.name),
        indented(&table(&["", ">records", ">amount"], rows), 2)
    ) + "\n"
}

fn evidence(evidence: &Evidence) -> String {
    let last = &evidence.last;
    let mut text = format!(
        "ledger {}\nbatch {} has head {}\nthe tree then has {}, root {}\n",
        evidence.origin,
        last.batch,
        last.head,
        counted(last.tree_size, "leaf").replace("leafs", "leaves"),
        last.tree_root
    );
    text += &match &evidence.checkpoint {
        Some(note) => format!(
            "a checkpoint signed by {} covers it:\n{}",
            shown(&note.signer),
            note_lines(&note.note)
        ),
        None => "no checkpoint was signed since the run\n".to_owned(),
    };
    for check in &evidence.checks {
        text += &format!("\n{}:\n", check.what);
        for line in check.command.lines() {
            text += &format!("  {}\n", shown(line));
        }
        text += &match check.prints.as_str() {
            "" => format!("  {}\n", dim("must print nothing")),
            prints => format!("  {}\n", dim(&format!("must print {}", shown(prints)))),
        };
    }
    text
}

fn note_lines(note: &str) -> String {
    indented(&shown_lines(note), 2) + "\n"
}
