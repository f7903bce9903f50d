//! What a stage that aggregates cannot have.

use super::compile::{IMPURE, impure};
use crate::problem::{Place, Problem};
use crate::stage::settings::{OnConflict, StageSettings, Stale};
use crate::stage::steps::Steps;

/// Returns the problems of a stage that aggregates. `has`: the parts beside `[stage]` that it has although they belong to
/// other stages; `place` returns the place of a part, or of a key of `[stage]`.
pub(in crate::stage) fn exclusions<'k>(
    settings: &StageSettings,
    steps: &Steps,
    has: impl Iterator<Item = &'k str>,
    place: impl Fn(&str) -> Option<Place>,
) -> Vec<Problem> {
    let error = |key: &str, message: &str, help: &str| {
        Problem::error("aggregate.excludes", place(key), message).help(help)
    };
    let mut problems: Vec<Problem> = has.map(|key| other_part(key, place(key))).collect();
    let in_place = settings
        .target
        .as_ref()
        .is_none_or(|target| *target == settings.source);
    if in_place {
        let (key, message, help) = if place("target").is_some() {
            (
                "target",
                "`target` is the source, and a stage that aggregates needs another one: the readings stay as they are",
                "write the name of another database, for example `target = \"windows\"`",
            )
        } else {
            (
                "source",
                "a stage that aggregates needs a target: the readings stay as they are in the source",
                "give [stage] a `target`, for example `windows`",
            )
        };
        problems.push(Problem::error("aggregate.no_target", place(key), message).help(help));
    }
    if settings.id.is_some() {
        problems.push(error(
            "id",
            "[aggregate] and `id` exclude each other: the id of a window is its group and its beginning",
            "leave out `id`; a stage after this one can set another with the operation `rekey`",
        ));
    }
    if settings.on_conflict == OnConflict::Skip {
        problems.push(error(
            "on_conflict",
            "a stage that aggregates cannot skip: a window whose id is taken is refused, or replaces the row",
            "leave out `on_conflict`, or write `on_conflict = \"replace\"`",
        ));
    }
    if settings.stale != Stale::Keep {
        problems.push(error(
            "stale",
            "a stage that aggregates cannot remove: a window that would violate its contract stays as it was",
            "leave out `stale`",
        ));
    }
    let looks = steps.lookups().into_iter().next();
    if let Some(query) = looks {
        let message = format!(
            "a stage that aggregates cannot look into `{}`: its windows follow from its readings alone",
            query.through
        );
        let key = if steps.filter.iter().any(|filter| !filter.lookups().is_empty()) {
            "where"
        } else {
            "prepare"
        };
        problems.push(error(
            key,
            &message,
            "look it up in a stage before this one, with the operation `lookup`",
        ));
    }
    // A clock: look-ups are reported above.
    let clock = &IMPURE[..1];
    let filter = steps.filter.as_ref();
    problems.extend(filter.and_then(|filter| Some(impure(filter.calls(clock)?, filter.start()))));
    let prepare = steps.prepare.as_ref();
    problems.extend(prepare.and_then(|prepare| Some(impure(prepare.calls(clock)?, prepare.start()))));
    problems
}

fn other_part(key: &str, place: Option<Place>) -> Problem {
    let (part, help) = match key {
        "op" => (
            "[[op]]",
            "change the readings in a stage before this one, or the windows in one after it",
        ),
        "into" => (
            "[into]",
            "`[aggregate.fields]` adds fields to a window; a stage after this one can build another",
        ),
        "merge" => ("[merge]", "aggregate and merge in two stages"),
        "contract.unique" => (
            "[[contract.unique]]",
            "the id of a window is unique: it is its group and its beginning; check other keys in a stage after this one",
        ),
        "contract.references" => (
            "[[contract.references]]",
            "check references in a stage before this one, or in one after it",
        ),
        other => (
            other,
            "change the readings in a stage before this one, or the windows in one after it",
        ),
    };
    let message = format!("[aggregate] and `{part}` exclude each other");
    Problem::error("aggregate.excludes", place, message).help(help)
}
