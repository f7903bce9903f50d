//! The options that `apply` and `plan` have in common.

use counterfoil::apply::ApplyOptions;
use counterfoil::project::Project;
use counterfoil::stage::MaxErrors;

use super::failure::{Failure, check_stage};
use super::session::Session;
use super::signals::stop_signal;
use super::values::{OnErrorChoice, max_errors, stage_number};

/// What `apply` and `plan` have in common.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct HowToApply {
    /// Last stage to bring up to date [default: all stages].
    #[arg(long, value_name = "N", value_parser = stage_number)]
    to: Option<u32>,
    /// Maximum number of records per batch [default: as set in counterfoil.toml, or 5,000].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    batch_size: Option<u32>,
    /// What to do when a record is refused, overriding the stages.
    #[arg(long, value_enum, value_name = "WHAT")]
    on_error: Option<OnErrorChoice>,
    /// How many records may be refused, overriding the stages: a count, or a share such as 0.5%.
    #[arg(long, value_name = "N|N%", value_parser = max_errors)]
    max_errors: Option<MaxErrors>,
}

impl HowToApply {
    /// The options so far.
    pub(crate) fn options(&self, session: &Session<'_>, project: &Project) -> Result<ApplyOptions, Failure> {
        check_stage(project.stages(), self.to)?;
        Ok(ApplyOptions::default()
            .to(self.to)
            .batch_size(self.batch_size.map(|size| size as usize))
            .on_error(self.on_error.map(Into::into))
            .max_errors(self.max_errors)
            .stop(stop_signal(session.screen, "apply")?))
    }
}
