//! What a stage in place cannot do.

use super::settings::{OnConflict, StageSettings};
use super::steps::Steps;
use crate::problem::{Place, Problem};

/// Returns the errors of a stage that reads and writes the same database; `place` returns the place of a key of
/// `[stage]`.
pub(super) fn problems(
    settings: &StageSettings,
    steps: &Steps,
    place: impl Fn(&str) -> Option<Place>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    if settings
        .target
        .as_ref()
        .is_some_and(|target| *target != settings.source)
    {
        return problems;
    }
    if settings.on_conflict == OnConflict::Replace {
        let message = "an in-place stage cannot replace records that it has not read yet";
        let problem = Problem::error("stage.replace_in_place", place("on_conflict"), message);
        problems.push(problem.help("give [stage] a `target`, or refuse or skip conflicts"));
    }
    if let Some(at) = steps.ops.iter().position(|op| op.effects().surely_derives()) {
        let message = "an in-place stage cannot derive records: it would read the derived records again";
        let problem = Problem::error("stage.derive_in_place", steps.op_places.get(at).cloned(), message);
        problems.push(problem.help("give [stage] a `target`"));
    }
    problems
}
