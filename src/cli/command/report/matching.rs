//! What the merges of a run compared, found and merged, as text.

use counterfoil::ledger::MatchFigures;
use counterfoil::matching::{MatchModel, percent};
use counterfoil::report::StageMatching;

use crate::cli::matching::{clusters, compared, keys, merged_into, queue};
use crate::cli::render::{bold, count, moment, shown, table};

/// Renders the merges of a run.
pub(super) fn matching(merges: &[StageMatching]) -> String {
    merges.iter().map(one).collect::<Vec<_>>().join("\n")
}

fn one(merge: &StageMatching) -> String {
    let outcome = &merge.outcome;
    let mut text = format!(
        "stage {} {}, pass {}: {}, {} alone\n",
        merge.stage,
        shown(&merge.slug),
        merge.pass,
        merged_into(outcome.merged, outcome.golden),
        count(outcome.alone)
    );
    if merge.queue.pairs > 0 {
        let since = merge
            .queue
            .oldest
            .as_deref()
            .map(|oldest| format!("; the first since {}", moment(oldest)));
        text += &format!("{}{}\n", queue(merge.queue.pairs), since.unwrap_or_default());
    }
    let mut parts = Vec::new();
    if let Some(matching) = &outcome.matching {
        text += &compared(matching);
        parts.push(("Pairs by their score", scores(&matching.figures)));
        parts.push((
            "Golden records by their number of members",
            clusters(&matching.figures),
        ));
        parts.push(("Keys", keys(&matching.figures)));
    }
    if !merge.wins.is_empty() {
        let rows = merge
            .wins
            .iter()
            .map(|wins| vec![wins.database.clone(), count(wins.values)]);
        parts.push((
            "Whose values survived",
            table(&["records that began in", ">values"], rows),
        ));
    }
    parts.extend(merge.model.as_ref().map(|model| ("Model", learned(model))));
    for (title, part) in parts {
        text += &format!("\n{}\n{part}", bold(title));
    }
    text
}

fn scores(figures: &MatchFigures) -> String {
    let lines = &figures.lines;
    let rows = figures.histogram.iter().map(|bar| {
        let band = match bar.bits * 10 {
            tenths if tenths >= lines.auto.bits.tenths() => "merged",
            tenths if tenths >= lines.review.bits.tenths() => "decision",
            _ => "",
        };
        vec![
            bar.bits.to_string(),
            count(bar.pairs),
            count(bar.expected),
            band.to_owned(),
        ]
    });
    table(&[">bits", ">pairs", ">expected", "band"], rows)
}

fn learned(model: &MatchModel) -> String {
    let rows = model.fields.iter().flat_map(|field| {
        field.seen().enumerate().map(|(at, level)| {
            let mut row = vec![
                if at == 0 {
                    field.name.clone()
                } else {
                    String::new()
                },
                level.level.clone(),
                percent(level.same_ppm),
                percent(level.unrelated_ppm),
            ];
            if model.households {
                row.push(level.household_ppm.map(percent).unwrap_or_default());
            }
            row.push(level.bits.to_string());
            row
        })
    });
    let mut header = vec!["field", "level", ">m", ">u"];
    if model.households {
        header.push(">h");
    }
    header.push(">bits");
    table(&header, rows)
}
