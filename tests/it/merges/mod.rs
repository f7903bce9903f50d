//! Merge stages: several records become one golden record, and every promise of the ledger holds for it.

mod around;
mod behind;
mod chain;
mod changes;
mod decided_law;
mod edits;
mod everything_back;
#[cfg(all(unix, feature = "cli"))]
mod hospital;
mod increments;
#[cfg(unix)]
mod kills;
mod law;
mod masked;
mod orders;
mod places;
mod quarantine;
pub(crate) mod register;
mod relearning;
mod remake;
mod reports;
mod rollbacks;
mod screens;
pub(crate) mod seen;
mod story;
mod twins;
mod warned;

/// The transcript without how long a plan takes, how much space there is, and what a slow machine says meanwhile.
fn lasting(transcript: &str) -> String {
    let passing = |line: &&str| {
        let is_progress = line.starts_with("! ") && line.contains("%)");
        line.starts_with("about ") || line.starts_with("In total") || is_progress
    };
    let lines: Vec<&str> = transcript.lines().filter(|line| !passing(line)).collect();
    lines.join("\n") + "\n"
}
