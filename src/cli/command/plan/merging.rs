//! What a merge stage would do, on the screen.

use counterfoil::plan::{GoldenChanges, MergePlan, StagePlan};

use crate::cli::matching::{clusters, compared, in_words, keys, pairs};
use crate::cli::render::{bold, count, counted};

/// Renders what a merge stage would do.
pub(super) fn merging(stage: &StagePlan, merge: &MergePlan) -> String {
    let counts = stage.counts;
    let others = [
        ("unchanged", counts.unchanged),
        ("deleted", merge.outcome.deleted),
        ("filtered", counts.filtered.saturating_sub(merge.outcome.deleted)),
        ("refused", counts.refused),
    ];
    let mut text = format!(
        "{}\n{}",
        in_words(counts.read, &merge.outcome, &others),
        changes(&merge.changes)
    );
    let Some(matching) = &merge.outcome.matching else {
        return text;
    };
    text += &compared(matching);
    let figures = &matching.figures;
    // Of a few pairs the weakest are among the strongest.
    let more = figures
        .weakest
        .iter()
        .any(|pair| !figures.strongest.contains(pair));
    let weakest = if more { &figures.weakest[..] } else { &[] };
    for (title, part) in [
        ("Keys", keys(figures)),
        ("Golden records by their number of members", clusters(figures)),
        (
            if more {
                "Strongest of the merged pairs"
            } else {
                "Merged pairs"
            },
            pairs(&figures.strongest),
        ),
        ("Weakest of the merged pairs", pairs(weakest)),
        (
            "Above the line for merging, but waiting for a decision",
            pairs(&figures.held),
        ),
        ("Just below the line for merging", pairs(&figures.below)),
    ] {
        if !part.is_empty() {
            text += &format!("\n{}\n{part}", bold(title));
        }
    }
    text
}

/// What an increment would do to golden records that stand.
fn changes(changes: &GoldenChanges) -> String {
    if changes.before == 0 {
        return String::new();
    }
    let golden = [
        ("new", changes.new),
        ("changed", changes.changed),
        ("absorbed by others", changes.absorbed),
        ("removed", changes.removed),
    ];
    let parts = golden.iter().filter(|(_, number)| *number > 0);
    let mut parts: Vec<String> = parts
        .map(|(name, number)| format!("{} {name}", count(*number)))
        .collect();
    for (number, [one, several]) in [
        (changes.joined, ["joins one", "join one"]),
        (changes.left, ["leaves its own", "leave their own"]),
    ] {
        if number > 0 {
            let verb = if number == 1 { one } else { several };
            parts.push(format!("{} {verb}", counted(number, "record")));
        }
    }
    let parts = if parts.is_empty() {
        "none changes".to_owned()
    } else {
        parts.join(", ")
    };
    format!("of {}: {parts}\n", counted(changes.before, "golden record"))
}
