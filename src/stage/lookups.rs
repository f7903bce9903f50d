//! What a stage may look up in other databases, and where.

use super::parts::{Example, Reconcile};
use super::settings::StageSettings;
use super::steps::Steps;
use crate::expression::Expression;
use crate::problem::{Place, Problem};

/// Returns the errors of what a stage looks up; `place` returns the place of a key of `[stage]`.
pub(super) fn problems(
    settings: &StageSettings,
    steps: &Steps,
    reconciles: &[Reconcile],
    place: impl Fn(&str) -> Option<Place>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let others = reconciles.iter().flat_map(Reconcile::expressions);
    let outside = steps.of_contract().into_iter().chain(others);
    for expression in outside.filter(|expression| !expression.lookups().is_empty()) {
        problems.push(outside_the_steps(expression));
    }
    let lookups = steps.lookups();
    if lookups.is_empty() {
        return problems;
    }
    let target = settings
        .target
        .as_ref()
        .filter(|target| **target != settings.source);
    let Some(target) = target else {
        let message = "an in-place stage cannot look into other databases: when what it found changes, it has to read \
                       its record again, and that is the changed one";
        let problem = Problem::error("stage.lookup_in_place", place("source"), message);
        problems.push(problem.help("give [stage] a `target`"));
        return problems;
    };
    if lookups.iter().any(|query| query.through == *target) {
        let message = format!("the stage looks into `{target}`, which it fills itself");
        let problem = Problem::error("stage.lookup_target", place("target"), message);
        problems.push(problem.help("look into the source, or into the target of an earlier stage"));
    }
    problems
}

fn outside_the_steps(expression: &Expression) -> Problem {
    let message =
        "contracts and reconciliations cannot look into other databases: only what makes the record can";
    Problem::error("stage.lookup_outside", Some(expression.start()), message)
        .help("look it up in an operation or in [into], or use [[contract.references]]")
}

/// Returns the errors of examples that name a database which the stage does not look into.
pub(super) fn of_examples(steps: &Steps, examples: &[Example]) -> Vec<Problem> {
    let lookups = steps.lookups();
    let mut problems = Vec::new();
    for example in examples {
        for database in example.lookups.databases() {
            if !lookups.iter().any(|query| query.through == database) {
                let message = format!(
                    "the example says what is found in `{database}`, but the stage does not look into it"
                );
                problems.push(Problem::error(
                    "stage.bad_example",
                    Some(example.place.clone()),
                    message,
                ));
            }
        }
    }
    problems
}
