//! What merges came to, in words and tables: shared by `plan`, `apply`, `history`, `trace` and `report`.

use counterfoil::ledger::{MatchFigures, Matching, MergeOutcome, ScoredPair};
use counterfoil::record::RecordNumber;

use super::render::{count, counted, red, shown, table, yellow};

/// `37 merged into 17 golden records`.
pub(super) fn merged_into(merged: u64, golden: u64) -> String {
    format!(
        "{} merged into {}",
        count(merged),
        counted(golden, "golden record")
    )
}

/// `84 read: 37 merged into 17 golden records, 44 alone`, with further outcomes.
pub(super) fn in_words(read: u64, outcome: &MergeOutcome, others: &[(&str, u64)]) -> String {
    let mut parts = Vec::new();
    if outcome.merged > 0 {
        parts.push(merged_into(outcome.merged, outcome.golden));
    }
    let alone = ("alone", outcome.alone);
    let others = std::iter::once(&alone)
        .chain(others)
        .filter(|(_, number)| *number > 0);
    parts.extend(others.map(|(name, number)| format!("{} {name}", count(*number))));
    if parts.is_empty() {
        return format!("{} read", count(read));
    }
    format!("{} read: {}", count(read), parts.join(", "))
}

/// What was compared and found, with alarms and warnings, a line each.
pub(super) fn compared(matching: &Matching) -> String {
    let figures = &matching.figures;
    let mut text = format!(
        "{} compared: {} expected to be one, {} certain enough{}\n",
        counted(figures.candidates, "pair"),
        count(figures.expected),
        count(figures.found),
        waiting(figures)
    );
    for alarm in matching.alarms() {
        text += &format!("{} {alarm}\n", red("ALARM:"));
    }
    for warning in matching.warnings() {
        text += &format!("{} {warning}\n", yellow("warning:"));
    }
    text
}

/// `, 3 wait for a decision (2 near, 1 conflict)`.
fn waiting(figures: &MatchFigures) -> String {
    match figures.waiting() {
        0 => String::new(),
        waiting => {
            let bands = figures
                .review
                .iter()
                .map(|(band, pairs)| format!("{} {}", count(*pairs), shown(band)));
            let verb = if waiting == 1 { "waits" } else { "wait" };
            format!(
                ", {} {verb} for a decision ({})",
                count(waiting),
                bands.collect::<Vec<_>>().join(", ")
            )
        }
    }
}

/// The pairs of each key.
pub(super) fn keys(figures: &MatchFigures) -> String {
    let rows = figures.keys.iter().map(|key| {
        let mut row = vec![key.key.clone()];
        row.extend([key.pairs, key.largest, key.refined, key.dropped].map(count));
        row
    });
    table(&["key", ">pairs", ">largest block", ">refined", ">dropped"], rows)
}

/// The clusters by size.
pub(super) fn clusters(figures: &MatchFigures) -> String {
    let rows = figures
        .clusters
        .iter()
        .map(|(members, clusters)| vec![count(*members), count(*clusters)]);
    table(&[">members", ">golden records"], rows)
}

/// Pairs with their scores; nothing if there are none.
pub(super) fn pairs(pairs: &[ScoredPair]) -> String {
    if pairs.is_empty() {
        return String::new();
    }
    let side = |number: RecordNumber, id: &Option<String>| match id {
        Some(id) => format!("{number} {id}"),
        None => number.to_string(),
    };
    let are_waiting = pairs.iter().any(|pair| pair.band.is_some());
    let rows = pairs.iter().map(|pair| {
        let mut row = vec![
            side(pair.a, &pair.a_id),
            side(pair.b, &pair.b_id),
            pair.bits.to_string(),
            pair.probability.to_string(),
            pair.by.join(", "),
            pair.against.clone().unwrap_or_default(),
        ];
        if are_waiting {
            row.push(pair.band.clone().unwrap_or_default());
        }
        row
    });
    let mut header = vec!["record", "with", ">bits", ">probability", "for it", "against"];
    if are_waiting {
        header.push("band");
    }
    table(&header, rows)
}

/// What people see of the queue of pairs.
pub(super) fn queue(pairs: u64) -> String {
    let verb = if pairs == 1 { "waits" } else { "wait" };
    format!(
        "{} {verb} for a decision: `counterfoil review list`",
        counted(pairs, "pair")
    )
}
