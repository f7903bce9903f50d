//! What a stage that aggregates came to, in words: shared by `plan`, `apply` and `history`.

use counterfoil::history::{InWindow, WindowReadings};
use counterfoil::ledger::AggregateOutcome;

use super::render::{count, counted, indented, shown, table};
use super::session::Session;

/// Describes what readings came to: `1,000,000 readings -> 17,000 windows (58.8 : 1; 0 empty, ...), 112 anomalies`.
/// `refused`: how many records the pass has refused, windows too. `windows`: whether they are windows of time, and not totals.
pub(crate) fn in_words(outcome: &AggregateOutcome, refused: u64, windows: bool) -> String {
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
        // An increment reads what stands refused again, and says nothing about it.
        (refused.saturating_sub(outcome.refused), "refused", "refused"),
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

/// The code of a reading that comes when its window is closed.
pub(crate) const LATE: &str = "aggregate.late";

/// Returns the code with which nearly all readings are refused: then the stage is more likely wrong than they are.
pub(crate) fn nearly_all<'c>(read: u64, refused: impl Iterator<Item = (&'c str, u64)>) -> Option<&'c str> {
    let (code, most) = refused.max_by_key(|(_, records)| *records)?;
    let is_nearly_all = most >= 2 && u128::from(most) * 10 >= u128::from(read) * 9;
    (is_nearly_all && code != LATE).then_some(code)
}

/// Returns what to do about readings that came late: `quarantine retry` refuses them again, whatever they hold.
pub(crate) fn next_if_late(session: &Session<'_>, file: &str, chosen: &str) -> String {
    format!(
        "a late reading is counted only if the stage lets it reopen its window: leave out `late` and `closed_after` in {}, then \
         {}; or {} waives it",
        shown(file),
        session.command("apply --revise --reason TEXT"),
        session.command(&format!("quarantine waive {chosen} --reason TEXT"))
    )
}

/// Renders how many readings there are for each window, to one decimal place.
fn ratio(readings: u64, windows: u64) -> String {
    let tenths = (u128::from(readings) * 20 + u128::from(windows)) / (2 * u128::from(windows));
    let whole = u64::try_from(tenths / 10).unwrap_or(u64::MAX);
    format!("{}.{} : 1", count(whole), tenths % 10)
}

/// Renders the readings of windows, and the windows that readings are in.
pub(crate) fn of_windows(windows: &[WindowReadings], within: &[InWindow]) -> String {
    let windows: String = windows.iter().map(readings).collect();
    let within: String = within.iter().map(in_window).collect();
    windows + &within
}

fn readings(window: &WindowReadings) -> String {
    let inputs = counted(window.inputs, "reading");
    let mut text = format!(
        "  made of {inputs} of {} by stage {}",
        shown(&window.source),
        window.stage
    );
    if !window.as_made {
        text += "; those that are in it now are others, because some were written since";
    }
    text.push('\n');
    if window.readings.is_empty() {
        return text;
    }
    let rows = window.readings.iter().map(|reading| {
        vec![
            reading.record.to_string(),
            reading.id.clone().unwrap_or_default(),
            reading.run.map(|run| run.to_string()).unwrap_or_default(),
            reading.from.clone().unwrap_or_default(),
        ]
    });
    text += &indented(&table(&[">record", "id", ">run", "loaded from"], rows), 4);
    text.push('\n');
    let rest = window.inputs.saturating_sub(window.readings.len() as u64);
    if rest > 0 {
        text += &format!("    and {} more; --all shows them\n", count(rest));
    }
    text
}

fn in_window(window: &InWindow) -> String {
    let stage = window.stage;
    let text = match (&window.id, window.window) {
        (None, _) => format!("in no window of stage {stage}, which refuses it or leaves it out"),
        (Some(id), _) if window.waits => {
            format!(
                "belongs in {id} of {}; the next apply of stage {stage} counts it there",
                window.database
            )
        }
        (Some(id), Some(number)) => {
            format!(
                "counted in {id} of {} (record {number}) by stage {stage}",
                window.database
            )
        }
        (Some(id), None) => format!(
            "belongs in {id} of {}, which stage {stage} has not written",
            window.database
        ),
    };
    format!("  {}\n", shown(&text))
}
