//! Both sides of the stages against each other, as `reconcile` and `apply` tell of it.

use counterfoil::path::Path;
use counterfoil::project::Project;
use counterfoil::reconcile::{Attribution, Reconciliation, StageReconciled};
use counterfoil::record::{MaskRelation, REDACTED};
use counterfoil::stage::{Stage, Stages};

use super::answer::Answer;
use super::exit::Exit;
use super::failure::Failure;
use super::render::{bold, count, counted, green, indented, red, route, shown, table};
use super::session::Session;

/// Keys that are made of what a stage redacts are shown nowhere.
pub(crate) fn mask(reconciled: &mut [StageReconciled], stages: &Stages, redact: &[Path]) {
    for reconciled in reconciled {
        let Some(stage) = stages.get(reconciled.stage) else {
            continue;
        };
        for result in &mut reconciled.reconciliations {
            let rule = stage.reconciles().iter().find(|rule| rule.name == result.name);
            let reads = match (rule, stage.aggregate()) {
                (Some(rule), _) => {
                    let by = rule
                        .by
                        .iter()
                        .flat_map(|by| [by.source.reads(), by.target.reads()]);
                    by.flatten().collect()
                }
                // By the groups, without being asked.
                (None, Some(aggregate)) => aggregate.group_reads(),
                (None, None) => Vec::new(),
            };
            let is_redacted = |read: Path| {
                let hides = |path| MaskRelation::new(path, read.segments()).may_hide();
                redact.iter().any(hides)
            };
            if reads.into_iter().any(is_redacted) {
                let keys = result.keys.iter_mut().filter_map(|key| key.key.as_mut());
                keys.for_each(|key| REDACTED.clone_into(key));
            }
        }
    }
}

/// Exit 3 where something is left unexplained.
pub(crate) fn left_open(session: &Session<'_>, answer: Answer, stages: &[StageReconciled]) -> Answer {
    let open: Vec<&StageReconciled> = stages.iter().filter(|stage| !stage.is_reconciled()).collect();
    let Some(first) = open.first() else { return answer };
    let message = match open.len() {
        1 => format!(
            "stage {} {} is not reconciled: it has unexplained differences",
            first.stage, first.slug
        ),
        stages => format!("{stages} stages are not reconciled: they have unexplained differences"),
    };
    answer.failed(unexplained(session, first.stage, message))
}

/// The same, of a stage that was reconciled earlier: nothing has changed since.
pub(crate) fn still_open(session: &Session<'_>, project: &Project, answer: Answer, stages: &[u32]) -> Answer {
    let Some(first) = stages.first() else {
        return answer;
    };
    let slug = project.stages().get(*first).map_or("", Stage::slug);
    let message = match stages.len() {
        1 => format!("stage {first} {slug} is still not reconciled: it has unexplained differences"),
        stages => format!("{stages} stages are still not reconciled: they have unexplained differences"),
    };
    answer.failed(unexplained(session, *first, message))
}

fn unexplained(session: &Session<'_>, stage: u32, message: String) -> Failure {
    Failure::new(Exit::Refused, "reconcile.unexplained", message).hint(format!(
        "{} lists the records; {} finds rows that were changed outside the ledger; otherwise correct the \
         stage after {}",
        session.command(&format!("reconcile --stage {stage} --limit 1000")),
        session.command("verify"),
        session.command("rollback")
    ))
}

/// A stage's reconciliations, each with its table.
pub(crate) fn render(stage: &StageReconciled) -> String {
    let mut text = format!(
        "{} {}\n",
        bold(&format!("Stage {} {}", stage.stage, stage.slug)),
        route(&stage.source, &stage.target)
    );
    for reconciliation in &stage.reconciliations {
        text += indented(&one(reconciliation), 2).trim_end();
        text.push('\n');
    }
    text
}

fn one(result: &Reconciliation) -> String {
    let state = if result.holds {
        green("reconciled")
    } else {
        red("NOT RECONCILED")
    };
    let mut text = format!("{}: {state}\n", bold(&shown(&result.name)));
    let mut rows = vec![
        vec![
            "source".to_owned(),
            count(result.source.records),
            result.source.amount.to_string(),
            String::new(),
        ],
        vec![
            "target".to_owned(),
            count(result.target.records),
            result.target.amount.to_string(),
            String::new(),
        ],
        vec![
            "difference".to_owned(),
            String::new(),
            result.difference.to_string(),
            String::new(),
        ],
    ];
    for cause in &result.causes {
        let more = cause.records.saturating_sub(cause.ids.len() as u64);
        let mut ids = named(cause).join(", ");
        if more > 0 {
            ids += &format!(" and {} more", count(more));
        }
        let mut name = format!("  {}", cause.cause.name());
        if cause.unmeasured > 0 {
            name += &format!(" ({} without an amount)", count(cause.unmeasured));
        }
        rows.push(vec![name, count(cause.records), cause.amount.to_string(), ids]);
    }
    text += &table(&["", ">records", ">amount", "ids"], rows);
    if result.behind > 0 {
        text += &format!(
            "{} changed outside the ledger\n",
            counted(result.behind, "record")
        );
    }
    if result.discrepancies > 0 {
        text += &format!(
            "{} beyond the tolerance of {}:\n",
            counted(result.discrepancies, "key"),
            result.tolerance
        );
        let rows = result.keys.iter().map(|key| {
            let name = key
                .key
                .as_deref()
                .map_or_else(|| "null".to_owned(), |key| shown(key).into_owned());
            vec![name, key.difference.to_string(), key.unexplained.to_string()]
        });
        text += &table(&["key", ">difference", ">unexplained"], rows);
    }
    text
}

/// The records of a cause; of replaced ones, also which records have their places.
fn named(cause: &Attribution) -> Vec<String> {
    let by = cause.by.iter().map(Some).chain(std::iter::repeat(None));
    let ids = cause.ids.iter().zip(by);
    let named = ids.map(|(id, by)| match by {
        Some(by) => format!("{} -> {}", shown(id), shown(by)),
        None => shown(id).into_owned(),
    });
    named.collect()
}

/// The causes of what differs all the same, in a line.
fn causes(result: &Reconciliation) -> Option<String> {
    let told = result.causes.iter().map(|cause| {
        let mut told = format!("{} {}", cause.cause.name(), count(cause.records));
        if cause.unmeasured < cause.records || !cause.amount.is_zero() {
            told += &format!(" ({})", cause.amount);
        }
        let by = cause.by.first().map(|_| named(cause).join(", "));
        told + &by.map_or_else(String::new, |by| format!(": {by}"))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then(|| format!("  {}: {told}\n", shown(&result.name)))
}

/// One line for what `apply` has reconciled and one for its causes, and the tables of what it has not.
pub(crate) fn in_short(stages: &[StageReconciled]) -> String {
    let mut text = String::new();
    for stage in stages {
        if stage.is_reconciled() {
            let names: Vec<&str> = stage
                .reconciliations
                .iter()
                .map(|result| result.name.as_str())
                .collect();
            text += &format!(
                "Stage {} reconciled: {}.\n",
                stage.stage,
                shown(&names.join(", "))
            );
            text.extend(stage.reconciliations.iter().filter_map(causes));
        } else {
            text += &render(stage);
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("\n{text}")
    }
}
