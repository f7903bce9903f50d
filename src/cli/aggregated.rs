//! What a stage that aggregates came to, in words: shared by `plan`, `apply` and `history`.

use counterfoil::ledger::AggregateOutcome;

use super::render::{count, counted};

/// Describes what readings came to: `1,000,000 readings -> 17,000 windows (58.8 : 1; 0 empty, ...), 112 anomalies`.
/// `windows`: whether they are windows of time, and not totals.
pub(crate) fn in_words(outcome: &AggregateOutcome, windows: bool) -> String {
    let what = if windows { "window" } else { "group" };
    let (readings, figures) = (outcome.readings, outcome.windows);
    let mut text = format!("{} -> ", counted(readings.read, "reading"));
    if figures.made == 0 {
        text += &format!("no {what}s");
    } else {
        let mut more = Vec::new();
        let full = figures.made - figures.empty;
        if outcome.new == figures.made && full > 0 {
            more.push(ratio(readings.counted, figures.made));
        }
        let changes = [
            (outcome.new, "new"),
            (outcome.changed, "changed"),
            (outcome.removed, "removed"),
        ];
        if outcome.new != figures.made || outcome.removed > 0 {
            let done = changes.iter().filter(|(number, _)| *number > 0);
            more.extend(done.map(|(number, name)| format!("{} {name}", count(*number))));
        }
        let mut about = Vec::new();
        if windows {
            about.push(format!("{} empty", count(figures.empty)));
            let end = if figures.open == 1 { "ends" } else { "end" };
            about.push(format!("{} {end} after the newest reading", count(figures.open)));
        }
        let more: Vec<String> = [more.join(", "), about.join(", ")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        text += &counted(figures.made, what);
        if !more.is_empty() {
            text += &format!(" ({})", more.join("; "));
        }
    }
    let anomalies = if figures.anomalies == 1 {
        "anomaly"
    } else {
        "anomalies"
    };
    let mut rest = vec![format!("{} {anomalies}", count(figures.anomalies))];
    if !windows {
        rest.clear();
    }
    for (number, one, many) in [
        (readings.filtered, "left out", "left out"),
        (readings.refused, "refused", "refused"),
        (outcome.refused, "window refused", "windows refused"),
        (figures.held, "window held back", "windows held back"),
        (figures.gaps, "gap left open", "gaps left open"),
    ] {
        if number > 0 || many == "refused" {
            let name = if number == 1 { one } else { many };
            rest.push(format!("{} {name}", count(number)));
        }
    }
    format!("{text}, {}", rest.join(", "))
}

/// Renders how many readings there are for each window, to one decimal place.
fn ratio(readings: u64, windows: u64) -> String {
    let tenths = (u128::from(readings) * 20 + u128::from(windows)) / (2 * u128::from(windows));
    let whole = u64::try_from(tenths / 10).unwrap_or(u64::MAX);
    format!("{}.{} : 1", count(whole), tenths % 10)
}
