//! The health of a store, for monitoring.

use counterfoil::history::{Health, RefusedBy};

use crate::cli::render::{count, counted, moment, shown};
use crate::cli::session::Session;
use crate::cli::unfinished;

/// Renders the health of a store, line by line.
pub(super) fn healthy(session: &Session<'_>, health: &Health) -> String {
    let ago = |seconds: u64| format!("{} ago", age(seconds));
    let last = health.last_run.as_ref().map_or("none".to_owned(), |run| {
        format!(
            "{} {}, {} ({})",
            run.run,
            shown(&run.command),
            moment(&run.at),
            ago(run.age)
        )
    });
    let quarantine = match (&health.oldest_refusal, health.oldest_refusal_age) {
        (Some(at), Some(seconds)) => format!(
            "{}, the oldest since {} ({})",
            counted(health.quarantined, "record"),
            moment(at),
            ago(seconds)
        ),
        _ => "empty".to_owned(),
    };
    let signed = match health.signed {
        None => "no".to_owned(),
        Some(signed) if signed.unsigned == 0 => "yes".to_owned(),
        Some(signed) => format!("no, unsigned since batch {}", signed.batch.next()),
    };
    let unfinished = health
        .unfinished
        .iter()
        .map(|pass| unfinished::render(session, pass));
    let unfinished: Vec<String> = unfinished.collect();
    let unfinished = if unfinished.is_empty() {
        "nothing".to_owned()
    } else {
        unfinished.join("; ")
    };
    let refused = if health.refused_by.is_empty() {
        "nothing new".to_owned()
    } else {
        let by = health.refused_by.iter().map(refused_by).collect::<Vec<_>>();
        format!("{}: {}", counted(health.refused_since, "record"), by.join(", "))
    };
    format!(
        "last run    {last}\nunfinished  {unfinished}\nquarantine  {quarantine}\nrefused     {refused}\nsigned      {signed}\n",
    )
}

fn refused_by(by: &RefusedBy) -> String {
    let who = match by.stage {
        Some(number) => format!("stage {number}"),
        None => format!("the load of {}", shown(&by.database)),
    };
    format!("{} by {who} (run {})", count(by.records), by.run)
}

/// A span of time, roughly.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => counted(seconds, "second"),
        120..7_200 => counted(seconds / 60, "minute"),
        7_200..172_800 => counted(seconds / 3_600, "hour"),
        _ => counted(seconds / 86_400, "day"),
    }
}
