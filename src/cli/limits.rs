//! How many records may be refused: where the limit comes from, and how to continue when it is exceeded.

use counterfoil::stage::{MaxErrors, OnError, Stage};

use super::session::Session;

/// The limits of errors that the command line gives, whatever the stages say.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LimitArguments {
    pub(crate) max_errors: Option<MaxErrors>,
    pub(crate) on_error: Option<OnError>,
}

impl LimitArguments {
    /// Whether the first refusal stops a stage.
    pub(crate) fn stop_at_once(self, stage: &Stage) -> bool {
        self.on_error.unwrap_or(stage.on_error()) == OnError::Stop
    }

    /// Where the limit of a stage comes from.
    pub(crate) fn origin(self, stage: &Stage) -> String {
        if self.on_error == Some(OnError::Stop) {
            return "--on-error stop".to_owned();
        }
        if self.on_error.is_none() && stage.on_error() == OnError::Stop {
            return format!("stage {} has on_error = \"stop\"", stage.number());
        }
        let written = |limit: MaxErrors| match limit {
            MaxErrors::Count(count) => count.to_string(),
            MaxErrors::Share(share) => format!("{share}% of the source"),
        };
        match (self.max_errors, stage.max_errors()) {
            (Some(limit), _) => format!("--max-errors: {}", written(limit)),
            (None, MaxErrors::Share(share)) if share.to_string() == "1" => {
                "1% of the source, the default of max_errors".to_owned()
            }
            (None, limit) => format!("max_errors of stage {}: {}", stage.number(), written(limit)),
        }
    }
}

/// Returns how to continue when more was refused than allowed.
pub(crate) fn after_the_limit(session: &Session<'_>, stops_at_once: bool, merges: bool) -> String {
    let go_on = if stops_at_once {
        "apply --on-error quarantine --max-errors N"
    } else {
        "apply --max-errors N"
    };
    // A golden record is refused for all its members, and those that are right need no correction.
    let of_golden = if merges {
        let retry = session.command("quarantine retry");
        format!(" (one member of each golden record may be enough; {retry} tries them again as they are)")
    } else {
        String::new()
    };
    format!(
        "{} shows why; correct and load the records{of_golden}, or waive them with {}, and the next {} continues; or \
         allow them with {}; or correct the stage after {}",
        session.command("quarantine list"),
        session.command("quarantine waive --all --reason TEXT"),
        session.command("apply"),
        session.command(go_on),
        session.command("rollback")
    )
}

/// Returns how to continue when a contract that allows no refusals has refused a record.
pub(crate) fn after_the_contract(session: &Session<'_>) -> String {
    format!(
        "{} shows why; correct and load the records, or waive them with {}, and the next {} continues; or \
         correct the stage after {}",
        session.command("quarantine list"),
        session.command("quarantine waive --all --reason TEXT"),
        session.command("apply"),
        session.command("rollback")
    )
}
