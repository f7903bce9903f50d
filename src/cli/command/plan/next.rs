//! What to do with a plan.

use std::path::Path;

use counterfoil::plan::{PlanReport, StagePlan};

use crate::cli::aggregated::nearly_all;
use crate::cli::render::{shown, word};
use crate::cli::session::Session;

/// A plan, with the options of the command.
pub(super) struct PlanOutput<'p> {
    pub(super) report: &'p PlanReport,
    /// File that the plan was written to.
    pub(super) out: Option<&'p Path>,
    pub(super) revise: bool,
}

impl PlanOutput<'_> {
    /// Returns what to do with the plan: apply it, or what to do first if that would stop.
    pub(super) fn next(&self, session: &Session<'_>) -> String {
        let report = self.report;
        let of_file = self
            .out
            .map(|path| format!(" --plan {}", word(&path.to_string_lossy())));
        let apply = format!(
            "apply{}{}",
            of_file.unwrap_or_default(),
            self.repeated(report.pin.on_error.as_deref(), report.pin.max_errors.as_deref())
        );
        let apply = session.command(&apply);
        let stops = |stage: &&StagePlan| stage.stops.is_some() || stage.halts() || stage.halted > 0;
        let Some(stage) = report.stages.iter().find(stops) else {
            return apply;
        };
        let number = stage.stage;
        if stage.halted > 0 {
            return format!(
                "{apply} would not continue with stage {number}: {} shows why; correct and load the records, \
                 then {}; or waive them with {}",
                session.command(&format!("quarantine list --stage {number}")),
                session.command(&format!("quarantine retry --stage {number}")),
                session.command(&format!("quarantine waive --stage {number} --reason TEXT"))
            );
        }
        let Some(limit) = stage.stops else {
            return format!(
                "{apply} would stop at stage {number}, whose contract allows no refused records: correct the \
                 records in their source and load them, or change its `mode`; then {} again",
                session.command("plan")
            );
        };
        // A plan holds `apply` to its own options.
        let verb = if self.out.is_some() { "plan" } else { "apply" };
        let out = self
            .out
            .map(|path| format!(" --out {}", word(&path.to_string_lossy())));
        let allowed = limit.refused.to_string();
        let options = self.repeated(Some("quarantine"), Some(&allowed));
        let allow = session.command(&format!("{verb}{options}{}", out.unwrap_or_default()));
        if let Some(code) = misread(stage) {
            return format!(
                "{apply} would stop at stage {number}, which would refuse nearly all readings with {code}: the stage may be \
                 wrong, so correct {:04}_{}.toml, then {} again; or correct the readings in their source and load them; or \
                 allow them with {allow}",
                number,
                shown(&stage.slug),
                session.command("plan")
            );
        }
        format!(
            "{apply} would stop at stage {number}: correct the records in their source and load them; or \
             allow them with {allow}"
        )
    }

    /// Returns the options with which `apply` does the same.
    fn repeated(&self, on_error: Option<&str>, max_errors: Option<&str>) -> String {
        let to = self
            .report
            .pin
            .to
            .map(|to| format!(" --to {to}"))
            .unwrap_or_default();
        let revise = if self.revise {
            " --revise --reason TEXT"
        } else {
            ""
        };
        let relearn = if self.report.pin.relearn { " --relearn" } else { "" };
        let option = |name: &str, value: Option<&str>| {
            value
                .map(|value| format!(" --{name} {value}"))
                .unwrap_or_default()
        };
        let on_error = option("on-error", on_error);
        let max_errors = option("max-errors", max_errors);
        format!("{to}{on_error}{max_errors}{relearn}{revise}")
    }
}

/// Returns the code with which the stage would refuse nearly all of its readings.
fn misread(stage: &StagePlan) -> Option<&str> {
    let read = stage.aggregate.as_ref()?.readings.read;
    let refused = stage
        .refusals
        .iter()
        .map(|group| (group.code.as_ref(), group.records));
    nearly_all(read, refused)
}
